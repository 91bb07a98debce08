"""Which checks an estimator is given, and how they are run and reported."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import Any, Literal
from unittest import SkipTest

from sklearn import config_context
from sklearn.base import is_classifier, is_regressor
from sklearn.exceptions import EstimatorCheckFailedWarning, SkipTestWarning

from skbag.testing import (
    _answer_checks,
    _character_checks,
    _classifier_checks,
    _container_checks,
    _fitting_checks,
    _parameter_checks,
    _persistence_checks,
    _refusal_checks,
    _target_checks,
    _transformer_checks,
)

Check = Callable[[Any], None]


def text_checks(estimator: Any) -> list[Check]:
    """Checks that an estimator of its kind is given, in the order they are run.

    Parameters
    ----------
    estimator : estimator
        An unfitted instance that takes raw texts. What it is given depends on whether
        it is a classifier or a regressor, by its tags, and on the methods that it has.

    Returns
    -------
    checks : list of callable
        Each takes an estimator, leaves it as it is, and raises an error where it
        fails. Its ``__name__`` names it, its docstring says why it is made.

    Raises
    ------
    TypeError
        If the estimator is a class, or has no ``fit``, or neither ``predict`` nor
        ``transform``.
    RuntimeError
        If Python runs without assert statements (``python -O``).

    Examples
    --------
    >>> from sklearn.feature_extraction.text import TfidfVectorizer
    >>> from skbag.testing import text_checks
    >>> text_checks(TfidfVectorizer())[0].__name__
    'check_clone_keeps_parameters'
    """
    return [_without_warnings(check) for check in _checks_for(estimator)]


def check_text_estimator(
    estimator: Any,
    *,
    on_skip: Literal["warn"] | None = "warn",
    on_fail: Literal["raise", "warn"] | None = "raise",
    expected_failed_checks: dict[str, str] | None = None,
    callback: Callable[..., None] | None = None,
) -> list[dict[str, Any]]:
    """Check whether an estimator that takes raw texts keeps to scikit-learn's ways.

    scikit-learn's own ``check_estimator`` feeds numbers, and gives an estimator that
    takes strings alone next to no check. The parameters and what is returned are as
    there.

    Parameters
    ----------
    estimator : estimator
        An instance: a classifier, a regressor, a transformer, or a pipeline that
        starts from raw texts, a sequence of str. It is cloned for each fit.
    on_skip : "warn" or None, default="warn"
        What to do where a check cannot run: a `SkipTestWarning`, or nothing.
    on_fail : "raise", "warn" or None, default="raise"
        What to do where a check fails and was not expected to: raise its error, warn
        by `EstimatorCheckFailedWarning`, or nothing. What was expected to fail never
        raises.
    expected_failed_checks : dict of str to str, default=None
        Names of checks that are known to fail, and the reason for each.
    callback : callable, default=None
        Called after each check with the items of its result as keywords. Not with
        ``on_fail="raise"``.

    Returns
    -------
    results : list of dict
        One for each check that was made, with the keys ``"estimator"``,
        ``"check_name"``, ``"exception"``, ``"status"`` ("passed", "failed", "xfail" or
        "skipped"), ``"expected_to_fail"`` and ``"expected_to_fail_reason"``.

    Raises
    ------
    Exception
        That of the first check that fails, if ``on_fail="raise"``.
    TypeError
        If the estimator is a class, or has no ``fit``, or neither ``predict`` nor
        ``transform``.
    ValueError
        If an expected failure is not the name of a check, or ``callback`` comes with
        ``on_fail="raise"``, or an option is none of those above.

    See Also
    --------
    parametrize_with_text_checks : The same for pytest, one test for each check.
    text_checks : The checks themselves.

    Examples
    --------
    >>> from collections import Counter
    >>> from sklearn.feature_extraction.text import TfidfVectorizer
    >>> from skbag.testing import check_text_estimator
    >>> results = check_text_estimator(TfidfVectorizer())
    >>> Counter(result["status"] for result in results).keys()
    dict_keys(['passed'])
    """
    _check_options(on_skip, on_fail, callback)
    expected = _check_expected(expected_failed_checks)
    results = []
    for check in text_checks(estimator):
        result = _result(estimator, check, expected)
        if result["status"] == "failed" and on_fail == "raise":
            raise result["exception"]
        _announce(result, on_skip, on_fail)
        results.append(result)
        if callback is not None:
            callback(**result)
    return results


def parametrize_with_text_checks(
    estimators: Sequence[Any],
    *,
    expected_failed_checks: Callable[[Any], dict[str, str]] | None = None,
    xfail_strict: bool | None = None,
) -> Any:
    """Make a pytest decorator that gives a test each check of each estimator.

    pytest is imported by this call, and by nothing else of this package.

    Parameters
    ----------
    estimators : sequence of estimators
        Instances, as for `check_text_estimator`.
    expected_failed_checks : callable, default=None
        Called with an estimator; returns a dict of names of checks that are known to
        fail, and the reason for each. These are marked as ``xfail``.
    xfail_strict : bool, default=None
        Whether an expected failure that passes is a failure. None leaves it to
        pytest's configuration.

    Returns
    -------
    decorator : MarkDecorator
        Of a test function with the arguments ``estimator`` and ``check``.

    Raises
    ------
    TypeError
        If an estimator is a class, or is not one that takes texts.
    ValueError
        If an expected failure is not the name of a check.

    See Also
    --------
    check_text_estimator : The same without pytest.

    Examples
    --------
    >>> from sklearn.feature_extraction.text import TfidfVectorizer
    >>> from skbag.testing import parametrize_with_text_checks
    >>> @parametrize_with_text_checks([TfidfVectorizer()])
    ... def test_texts(estimator, check):
    ...     check(estimator)
    """
    import pytest

    options: dict[str, Any] = {}
    if xfail_strict is not None:
        options["strict"] = xfail_strict
    cases = []
    for estimator in estimators:
        given = expected_failed_checks and expected_failed_checks(estimator)
        expected = _check_expected(given)
        for check in text_checks(estimator):
            reason = expected.get(check.__name__)
            marks: Any = ()
            if reason is not None:
                marks = pytest.mark.xfail(reason=reason, **options)
            cases.append(pytest.param(estimator, check, marks=marks))
    return pytest.mark.parametrize("estimator, check", cases, ids=_identifier)


# -- which checks ----------------------------------------------------------------------


def _checks_for(estimator: Any) -> Iterator[Check]:
    _refuse_other_objects(estimator)
    yield from _parameter_checks.CHECKS
    yield from _fitting_checks.CHECKS
    yield from _answer_checks.CHECKS
    yield from _character_checks.CHECKS
    yield from _container_checks.checks_for(estimator)
    yield from _refusal_checks.CHECKS
    if is_classifier(estimator) or is_regressor(estimator):
        yield from _target_checks.checks_for(estimator)
    if is_classifier(estimator):
        yield from _classifier_checks.checks_for(estimator)
    if hasattr(estimator, "transform"):
        yield from _transformer_checks.checks_for(estimator)
    yield from _persistence_checks.CHECKS


def _refuse_other_objects(estimator: Any) -> None:
    if not __debug__:
        raise RuntimeError(
            "Checks are made of assert statements, which python -O leaves out: nothing "
            "would fail. Run them without -O and PYTHONOPTIMIZE."
        )
    if isinstance(estimator, type):
        raise TypeError(
            f"The estimator is the class {estimator.__name__}. Pass an instance: "
            f"{estimator.__name__}()."
        )
    answers = hasattr(estimator, "predict") or hasattr(estimator, "transform")
    if not (hasattr(estimator, "fit") and answers):
        raise TypeError(
            f"{estimator!r} is no estimator to check: it needs fit, and predict or "
            "transform."
        )


def all_checks() -> list[Check]:
    """Every check of this package, each once, also those that few estimators get."""
    modules = (
        _parameter_checks,
        _fitting_checks,
        _answer_checks,
        _character_checks,
        _container_checks,
        _refusal_checks,
        _target_checks,
        _classifier_checks,
        _transformer_checks,
        _persistence_checks,
    )
    return [
        value
        for module in modules
        for name, value in vars(module).items()
        if name.startswith("check_") and value.__module__ == module.__name__
    ]


def _check_expected(expected: dict[str, str] | None) -> dict[str, str]:
    names = {check.__name__ for check in all_checks()}
    if unknown := sorted(set(expected or {}) - names):
        raise ValueError(
            f"expected_failed_checks names {unknown}, which are no checks. Their names "
            "are those of the results of check_text_estimator(..., on_fail=None)."
        )
    return expected or {}


def _check_options(on_skip: Any, on_fail: Any, callback: Any) -> None:
    if on_skip not in ("warn", None):
        raise ValueError(f'on_skip must be "warn" or None, got {on_skip!r}.')
    if on_fail not in ("raise", "warn", None):
        raise ValueError(f'on_fail must be "raise", "warn" or None, got {on_fail!r}.')
    if callback is not None and on_fail == "raise":
        raise ValueError(
            'A callback needs on_fail="warn" or None: with "raise" the first failure '
            "ends the checks."
        )


# -- running them ----------------------------------------------------------------------


def _without_warnings(check: Check) -> Check:
    """Ignore warnings: what an estimator says of few or odd texts is no fault."""

    @wraps(check)
    def quiet(estimator: Any) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check(estimator)

    return quiet


def _result(estimator: Any, check: Check, expected: dict[str, str]) -> dict[str, Any]:
    name = check.__name__
    exception: Exception | None = None
    status = "passed"
    try:
        check(estimator)
    except SkipTest as error:
        exception, status = error, "skipped"
    except Exception as error:
        exception, status = error, "xfail" if name in expected else "failed"
    return {
        "estimator": estimator,
        "check_name": name,
        "exception": exception,
        "status": status,
        "expected_to_fail": name in expected,
        "expected_to_fail_reason": expected.get(name, "Check is not expected to fail"),
    }


def _announce(result: dict[str, Any], on_skip: str | None, on_fail: str | None) -> None:
    if result["status"] == "skipped" and on_skip == "warn":
        message = f"{result['check_name']} was skipped: {result['exception']}"
        warnings.warn(message, SkipTestWarning, stacklevel=3)
    if result["status"] in ("failed", "xfail") and on_fail == "warn":
        warnings.warn(EstimatorCheckFailedWarning(**result), stacklevel=3)


def _identifier(value: Any) -> str:
    """Name an estimator by its changed parameters, and a check by its own name."""
    if hasattr(value, "get_params"):
        with config_context(print_changed_only=True):
            return re.sub(r"\s", "", str(value))
    return str(value.__name__)

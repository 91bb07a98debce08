"""Checks of parameters and copies: what clone, searches and pipelines rely on."""

from __future__ import annotations

import copy
from typing import Any

from sklearn.base import clone

from skbag.testing._answers import answers, assert_same, fitted, new, new_texts
from skbag.testing._corpus import corpus_for


def check_clone_keeps_parameters(estimator: Any) -> None:
    """`clone` gives an estimator of equal parameters.

    Searches and cross-validation clone before each fit: a parameter that ``__init__``
    changes, or does not keep, is another one there.
    """
    copied = clone(estimator)
    before, after = estimator.get_params(), copied.get_params()
    assert before.keys() == after.keys(), (
        f"clone has the parameters {sorted(after)}, expected {sorted(before)}."
    )
    for name, value in before.items():
        assert alike(value, after[name]), (
            f"The parameter {name!r} is {value!r}, and {after[name]!r} in the clone."
        )


def check_clone_is_unfitted(estimator: Any) -> None:
    """`clone` of a fitted estimator has nothing that was learnt.

    What leaks from one fold into the next makes scores of cross-validation too good.
    """
    unfitted = vars(new(estimator)).keys()
    left = vars(clone(fitted(estimator))).keys() - unfitted
    assert not left, f"A clone of the fitted estimator keeps {sorted(left)}."


def check_set_params(estimator: Any) -> None:
    """`set_params` takes what `get_params` gives, and returns the estimator.

    `GridSearchCV` sets the parameters of each candidate by it.
    """
    copied = new(estimator)
    parameters = copied.get_params(deep=False)
    found = copied.set_params(**parameters)
    assert found is copied, f"set_params returned {found!r}, expected the estimator."
    for name, value in copied.get_params(deep=False).items():
        assert value is parameters[name], (
            f"set_params({name}={parameters[name]!r}) sets it to {value!r}."
        )


def check_fit_leaves_parameters(estimator: Any) -> None:
    """`fit` changes no parameter.

    What is learnt stands in attributes that end in ``_``: a clone, or a second fit,
    would otherwise start from what the first has seen.
    """
    copied = new(estimator)
    # The parts of a pipeline are its parameters, and are meant to be fitted.
    before = _plain_parameters(copy.deepcopy(copied))
    copied.fit(*corpus_for(estimator))
    after = _plain_parameters(copied)
    for name, value in before.items():
        assert name in after and alike(value, after[name]), (
            f"fit changed the parameter {name!r} from {value!r} to {after.get(name)!r}."
        )


def check_parameters_may_be_set_after_fit(estimator: Any) -> None:
    """To set the parameters that it has leaves a fitted estimator as it is.

    `set_params` and `get_params` say what the next fit does; predictions are those of
    the last.
    """
    copied = fitted(estimator)
    texts = new_texts(estimator)
    before = answers(copied, texts)
    copied.set_params(**_plain_parameters(copied))
    assert_same(answers(copied, texts), before, "After set_params")


def _plain_parameters(estimator: Any) -> dict[str, Any]:
    """Parameters that are neither estimators nor lists of them."""
    parameters = estimator.get_params(deep=True)
    nested = {name.rpartition("__")[0] for name in parameters}
    return {
        name: value
        for name, value in parameters.items()
        if name not in nested and not _holds_estimators(value)
    }


def _holds_estimators(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_holds_estimators, value))
    return hasattr(value, "get_params")


def alike(value: Any, other: Any) -> bool:
    """Whether two parameters are equal; of objects without equality, by their class."""
    if value is other:
        return True
    if type(value) is not type(other):
        return False
    if isinstance(value, (list, tuple)):
        return len(value) == len(other) and all(map(alike, value, other))
    if isinstance(value, dict):
        return value.keys() == other.keys() and all(
            alike(item, other[name]) for name, item in value.items()
        )
    if hasattr(value, "get_params"):
        return alike(value.get_params(), other.get_params())
    if hasattr(value, "__array__"):
        return repr(value) == repr(other)
    if not _has_equality(value):
        return True
    return bool(value == other or value != value)  # NaN


def _has_equality(value: Any) -> bool:
    equality: Any = type(value).__eq__
    return equality is not object.__eq__


CHECKS = (
    check_clone_keeps_parameters,
    check_clone_is_unfitted,
    check_set_params,
    check_fit_leaves_parameters,
    check_parameters_may_be_set_after_fit,
)

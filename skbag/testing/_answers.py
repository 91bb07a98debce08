"""Fit an estimator, ask it everything it answers, and compare what it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.utils import get_tags

from skbag.testing._corpus import corpus_for

METHODS = (
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "transform",
)
"""All that takes X alone and gives one row for each text."""

REFUSALS = (ValueError, TypeError, AttributeError)
"""Errors that refuse an input. The last is what a text that is None raises where its
method ``lower`` is called: not kind, but it is not read as a text."""


def new(estimator: Any) -> Any:
    """Clone an estimator; each parameter ``random_state`` of it and its parts is 0."""
    copied = clone(estimator)
    names = copied.get_params(deep=True)
    seeds = {name: 0 for name in names if name.split("__")[-1] == "random_state"}
    return copied.set_params(**seeds) if seeds else copied


def fitted(estimator: Any) -> Any:
    """A new clone, fitted on the corpus of its kind."""
    texts, y = corpus_for(estimator)
    copied = new(estimator)
    copied.fit(texts, y)
    return copied


def new_texts(estimator: Any, n_texts: int = 12) -> list[str]:
    """Texts of the same kind that `fitted` was not given."""
    return corpus_for(estimator, n_texts, seed=1).texts


def methods_of(estimator: Any) -> list[str]:
    """Names of the methods that an estimator answers by, once it is fitted."""
    return [name for name in METHODS if hasattr(estimator, name)]


def answers(estimator: Any, X: Any) -> dict[str, Any]:
    """What each method says of X, in the form that `plain` gives it."""
    return {name: plain(getattr(estimator, name)(X)) for name in methods_of(estimator)}


def plain(answer: Any) -> Any:
    """An answer as a CSR array if it is sparse, as a NumPy array if it is not."""
    return sp.csr_array(answer) if sp.issparse(answer) else np.asarray(answer)


def stacked(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Answers to several inputs as those to one that holds them all."""
    first = rows[0]
    return {
        name: sp.vstack([row[name] for row in rows], format="csr")
        if sp.issparse(answer)
        else np.concatenate([row[name] for row in rows])
        for name, answer in first.items()
    }


def n_answers(answer: Any) -> int:
    """Number of rows."""
    return int(answer.shape[0]) if answer.ndim else 0


def assert_same(
    found: dict[str, Any],
    expected: dict[str, Any],
    what: str,
    tolerance: float | None = None,
) -> None:
    """Raise an AssertionError that tells what was compared, and where it differs.

    Numbers may differ by the tolerance times the largest of them; by default 1e-6, and
    1e-4 for float32.
    """
    assert found.keys() == expected.keys(), (
        f"{what}: methods differ, {sorted(found)} against {sorted(expected)}."
    )
    for name, answer in expected.items():
        _assert_same_answer(found[name], answer, f"{what}: {name}", tolerance)


def _assert_same_answer(
    found: Any, expected: Any, what: str, tolerance: float | None
) -> None:
    assert found.shape == expected.shape, (
        f"{what} has the shape {found.shape}, expected {expected.shape}."
    )
    if sp.issparse(found) or sp.issparse(expected):
        found, expected = _dense_where_filled(found, expected)
    if expected.dtype.kind != "f":
        differs = np.asarray(found != expected)
    else:
        if tolerance is None:
            tolerance = 1e-4 if expected.dtype.itemsize < 8 else 1e-6
        finite = expected[np.isfinite(expected)]
        atol = tolerance * float(np.abs(finite).max(initial=0.0))
        differs = ~np.isclose(found, expected, tolerance, atol, equal_nan=True)
    if differs.any():
        place = tuple(int(i) for i in np.argwhere(differs)[0])
        raise AssertionError(
            f"{what} differs in {int(differs.sum())} of {differs.size} numbers or "
            f"labels, first at {place}: {found[place]!r}, expected {expected[place]!r}."
        )


def _dense_where_filled(found: Any, expected: Any) -> tuple[Any, Any]:
    """Two matrices as dense ones of those columns alone in which either has entries.

    A hashed text has a million columns, and a dozen entries.
    """
    pair = [sp.csr_array(matrix) for matrix in (found, expected)]
    columns = np.unique(np.concatenate([matrix.indices for matrix in pair]))
    dense_found, dense_expected = (matrix[:, columns].toarray() for matrix in pair)
    return dense_found, dense_expected


def assert_finite(found: dict[str, Any], what: str) -> None:
    """Raise an AssertionError if a number is NaN, or infinite but for log(0)."""
    for name, answer in found.items():
        numbers = answer.data if sp.issparse(answer) else answer
        if numbers.dtype.kind == "f":
            sound = np.isfinite(numbers)
            if name == "predict_log_proba":
                sound |= numbers == -np.inf
            assert sound.all(), f"{what}: {name} gives NaN or infinity, not a number."


def refuses(call: Callable[..., Any], *arguments: Any, **more: Any) -> bool:
    """Whether a call raises one of the errors that refuse an input."""
    try:
        call(*arguments, **more)
    except REFUSALS:
        return True
    return False


def refuses_by_value(call: Callable[..., Any], *arguments: Any, **more: Any) -> bool:
    """Whether a call raises ValueError or TypeError, as scikit-learn wants it."""
    try:
        call(*arguments, **more)
    except (ValueError, TypeError):
        return True
    return False


def answers_or_refuses(estimator: Any, name: str, X: Any) -> Any:
    """What a method says of X; None if it refuses X by ValueError or TypeError."""
    try:
        return plain(getattr(estimator, name)(X))
    except (ValueError, TypeError):
        return None


def learns_in_fit(estimator: Any) -> bool:
    """Whether fit looks at the texts; that of a `HashingVectorizer` does not."""
    return bool(get_tags(estimator).requires_fit)


def is_deterministic(estimator: Any) -> bool:
    """Whether the same seed is said to give the same model."""
    return not get_tags(estimator).non_deterministic

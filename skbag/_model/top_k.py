"""The k best of many scores, without sorting them all."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray


def check_k(k: Any, n_classes: int) -> None:
    """Raise where there are no `k` best of so many classes.

    Raises
    ------
    TypeError
        If `k` is not an integer.
    ValueError
        If it is not from 1 to `n_classes`.
    """
    if isinstance(k, (bool, np.bool_)) or not isinstance(k, Integral):
        raise TypeError(
            f"k must be an integer, the number of classes to name, got {k!r}."
        )
    if not 1 <= int(k) <= n_classes:
        raise ValueError(
            f"k must be from 1 to the number of classes, {n_classes}, got {k}."
        )


def best_columns(scores: NDArray[Any], k: int) -> NDArray[np.int64]:
    """Columns of the k largest scores of each row, the largest first.

    What ``np.argsort(-scores, kind="stable")[:, :k]`` gives: of equal scores the first
    columns, in their order.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_columns)
        Finite.
    k : int
        At most n_columns.

    Returns
    -------
    columns : ndarray of shape (n_samples, k), dtype=int64
    """
    n_columns = scores.shape[1]
    if k < n_columns:
        columns = np.argpartition(scores, n_columns - k, axis=1)[:, n_columns - k :]
        least = np.take_along_axis(scores, columns, axis=1).min(axis=1, keepdims=True)
        # Where others equal the least of them, it is chance which one was taken.
        unsure = np.flatnonzero(np.count_nonzero(scores >= least, axis=1) > k)
        if len(unsure):
            order = np.argsort(-scores[unsure], axis=1, kind="stable")
            columns[unsure] = order[:, :k]
        columns.sort(axis=1)
        chosen = np.take_along_axis(scores, columns, axis=1)
    else:
        columns = np.broadcast_to(np.arange(n_columns), scores.shape)
        chosen = scores
    order = np.argsort(-chosen, axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1)

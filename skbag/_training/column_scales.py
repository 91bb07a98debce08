"""Columns of a matrix whose scales are too far apart for one step size.

A column of prices beside TF-IDF weights has nearly all of a sample's squared norm. The
step that is stable for it is far too small for the words, which then learn nothing. So
columns are brought to one scale to train on, and rows of the table back to the user's
units afterwards: a diagonal preconditioner. The model's form stays what it was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skbag._model.predictor import Predictor

MAX_SCALE_RATIO = 100.0
"""A column is scaled, and with it all others, where its values are so many times as
large as values of the matrix usually are. Normed TF-IDF weights of words never are;
counts can be, where a word or a character is very frequent in long texts."""

MAX_COLUMNS = 2**24
"""Matrices of more, such as hashed ones, are left as they are: whether there is memory
for a row of the table for each is yet to be asked."""

_ENTRIES = 2**16
"""Values that stand for all."""


@dataclass(frozen=True, eq=False)
class ColumnSums:
    """What scales are computed from: sums over the rows of a matrix.

    Parameters
    ----------
    counts : ndarray of shape (n_columns,), dtype=int64
        Values that are not zero.
    squares : ndarray of shape (n_columns,), dtype=float64
        Their squares, added up.
    values : ndarray of shape (n,), dtype=float64
        Absolute values that stand for all.
    """

    counts: NDArray[Any]
    squares: NDArray[np.float64]
    values: NDArray[np.float64]

    @classmethod
    def of(cls, X: Any) -> ColumnSums | None:
        """Sums of a CSR array; None if it has more than `MAX_COLUMNS` columns."""
        n_columns = X.shape[1]
        if n_columns > MAX_COLUMNS:
            return None
        values = X.data.astype(np.float64)
        sample = np.abs(values[:: max(len(values) // _ENTRIES, 1)])
        return cls(
            np.bincount(X.indices, values != 0, minlength=n_columns),
            np.bincount(X.indices, values**2, minlength=n_columns).astype(np.float64),
            sample[sample > 0],
        )

    def __add__(self, other: ColumnSums) -> ColumnSums:
        """Sums over the rows of two matrices."""
        return ColumnSums(
            self.counts + other.counts,
            self.squares + other.squares,
            np.concatenate([self.values, other.values]),
        )


def column_scales(sums: ColumnSums) -> NDArray[np.float64] | None:
    """Root mean square of the values of each column that are not zero.

    Returns
    -------
    scales : ndarray of shape (n_columns,), dtype=float64, or None
        1 for a column without values; None where no column is `MAX_SCALE_RATIO` times
        as large as usual.
    """
    scales = np.sqrt(sums.squares / np.maximum(sums.counts, 1))
    scales[scales == 0] = 1
    if not len(sums.values) or scales.max() <= MAX_SCALE_RATIO * np.median(sums.values):
        return None
    return np.asarray(scales)


def scaled(X: Any, scales: NDArray[np.float64]) -> sp.csr_array:
    """Divide each column by its scale; a copy."""
    data = (X.data / scales[X.indices]).astype(X.data.dtype)
    return sp.csr_array((data, X.indices, X.indptr), shape=X.shape)


def in_scaled_units(
    predictor: Predictor, scales: NDArray[np.float64] | None
) -> Predictor:
    """Return trained arrays for columns divided by their scales."""
    if scales is None:
        return predictor
    return replace(predictor, embedding=_times(predictor.dense, scales))


def in_users_units(
    predictor: Predictor, scales: NDArray[np.float64] | None
) -> Predictor:
    """Return trained arrays for the columns as they are."""
    if scales is None:
        return predictor
    return replace(predictor, embedding=_times(predictor.dense, 1 / scales))


def _times(
    table: NDArray[np.float32], factors: NDArray[np.float64]
) -> NDArray[np.float32]:
    return (table * factors[:, np.newaxis]).astype(table.dtype)

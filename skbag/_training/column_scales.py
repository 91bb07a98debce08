"""Columns of a matrix, brought to one scale to train on.

A column of prices beside TF-IDF weights has nearly all of a sample's squared norm. The
step that is stable for it is far too small for the words, which then learn nothing. So
columns are divided by their scales, and rows of the table brought back to the user's
units afterwards: a diagonal preconditioner. Columns of measurements have a mean, too,
which all samples share: where most values of a matrix are not zero, it is subtracted,
and what that changes is in the intercepts afterwards. The model's form stays what it
was, a sum over the user's own values.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skbag._core.dtypes import WEIGHT_DTYPE
from skbag._model.predictor import Predictor
from skbag._weighting.column_moments import ColumnMoments

MAX_SCALE_RATIO = 100.0
"""A column is scaled, and with it all others, where its values are so many times as
large as values of the matrix usually are. Normed TF-IDF weights of words never are;
counts can be, where a word or a character is very frequent in long texts."""

MIN_DENSITY = 0.3
"""Share of the values that are not zero, from which on columns are measurements and no
tokens: they are standardised. From it on ``ColumnTransformer`` makes its output a dense
array. Of TF-IDF weights of words some thousandths are."""

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
    n_rows : int
    """

    counts: NDArray[Any]
    squares: NDArray[np.float64]
    values: NDArray[np.float64]
    n_rows: int

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
            X.shape[0],
        )

    def __add__(self, other: ColumnSums) -> ColumnSums:
        """Sums over the rows of two matrices."""
        return ColumnSums(
            self.counts + other.counts,
            self.squares + other.squares,
            np.concatenate([self.values, other.values]),
            self.n_rows + other.n_rows,
        )

    @property
    def are_dense(self) -> bool:
        """Whether the columns are to be standardised: see `MIN_DENSITY`."""
        n_values = self.n_rows * len(self.counts)
        return bool(self.counts.sum() >= MIN_DENSITY * n_values > 0)


@dataclass(frozen=True, eq=False)
class ColumnUnits:
    """What columns are trained in: ``(x - mean) / scales``.

    Parameters
    ----------
    scales : ndarray of shape (n_columns,), dtype=float64, positive
    mean : ndarray of shape (n_columns,), dtype=float64, or None
        None where zeros are to stay what they are.
    """

    scales: NDArray[np.float64]
    mean: NDArray[np.float64] | None = None

    @classmethod
    def of_moments(cls, moments: ColumnMoments) -> ColumnUnits:
        """Units in which each column has mean 0 and standard deviation 1."""
        return cls(moments.spread(), moments.mean)

    def of(self, X: Any) -> sp.csr_array:
        """Bring a CSR array into these units; a copy."""
        if self.mean is None:
            data = (X.data / self.scales[X.indices]).astype(X.data.dtype)
            return sp.csr_array((data, X.indices, X.indptr), shape=X.shape)
        return sp.csr_array(
            ((X.toarray() - self.mean) / self.scales).astype(WEIGHT_DTYPE)
        )

    def of_trained(self, predictor: Predictor) -> Predictor:
        """Bring arrays trained on the user's columns into these units."""
        moved = replace(predictor, embedding=_times(predictor.dense, self.scales))
        return self._shifted(moved, predictor, 1.0)

    def to_users(self, predictor: Predictor) -> Predictor:
        """Bring arrays trained in these units into those of the user's columns."""
        moved = replace(predictor, embedding=_times(predictor.dense, 1 / self.scales))
        return self._shifted(moved, moved, -1.0)

    def _shifted(self, moved: Predictor, in_users: Predictor, sign: float) -> Predictor:
        """Add to the first intercepts what the means say, by a table of users' rows."""
        if self.mean is None:
            return moved
        # Not BLAS, whose order of additions depends on its threads.
        vector = np.einsum("i,ij->j", self.mean, in_users.dense.astype(np.float64))
        return moved.with_vector_offset(sign * vector)


def column_units(sums: ColumnSums) -> ColumnUnits | None:
    """Units of the columns of a sparse matrix.

    Each column is divided by the root mean square of its values that are not zero.

    Returns
    -------
    units : ColumnUnits or None
        1 for a column without values; None where no column is `MAX_SCALE_RATIO` times
        as large as usual.
    """
    scales = np.sqrt(sums.squares / np.maximum(sums.counts, 1))
    scales[scales == 0] = 1
    if not len(sums.values) or scales.max() <= MAX_SCALE_RATIO * np.median(sums.values):
        return None
    return ColumnUnits(np.asarray(scales))


def _times(
    table: NDArray[np.float32], factors: NDArray[np.float64]
) -> NDArray[np.float32]:
    return (table * factors[:, np.newaxis]).astype(table.dtype)

"""Means and variances of columns of numbers, over samples and their weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MIN_SPREAD = 1e-6
"""Standard deviation, as a share of the root mean square, up to which a column counts
as constant: that is the rounding of float32."""

SMALLEST_SPREAD = 1e-15
"""Columns of smaller ones are not scaled: rows in the user's units, and scores of
values that are larger than those of training, would be beyond float32."""


@dataclass(frozen=True, eq=False)
class ColumnMoments:
    """Moments of columns, to which those of more samples may be added.

    Parameters
    ----------
    weight : ndarray of shape (n_columns,), dtype=float64
        Of the samples that have a value in each column.
    mean : ndarray of shape (n_columns,), dtype=float64
    squares : ndarray of shape (n_columns,), dtype=float64
        Squared differences from the mean, added up.
    """

    weight: NDArray[np.float64]
    mean: NDArray[np.float64]
    squares: NDArray[np.float64]

    @classmethod
    def of_csr(
        cls, X: Any, sample_weight: NDArray[np.float64] | None = None
    ) -> ColumnMoments:
        """Moments of a CSR array of shape (n_samples, n_columns)."""
        n_rows, n_columns = X.shape
        each = np.ones(n_rows) if sample_weight is None else sample_weight
        of_entries = np.repeat(each, np.diff(X.indptr))

        def by_column(values: NDArray[np.float64]) -> NDArray[np.float64]:
            sums = np.bincount(X.indices, values, minlength=n_columns)
            return np.asarray(sums, dtype=np.float64)

        total = float(each.sum())
        mean = by_column(X.data * of_entries) / max(total, 1e-300)
        # From the mean, which may be large beside the differences.
        differences = np.square(X.data - mean[X.indices]) * of_entries
        of_zeros = np.maximum(total - by_column(of_entries), 0)
        squares = by_column(differences) + np.square(mean) * of_zeros
        return cls(np.full(n_columns, total), mean, squares)

    def __add__(self, other: ColumnMoments) -> ColumnMoments:
        """Moments of both sets of samples.

        By the formula of Chan, Golub and LeVeque, "Updating Formulae and a Pairwise
        Algorithm for Computing Sample Variances", 1979.
        """
        weight = self.weight + other.weight
        share = other.weight / np.maximum(weight, 1e-300)
        step = other.mean - self.mean
        return ColumnMoments(
            weight,
            self.mean + share * step,
            self.squares + other.squares + self.weight * share * np.square(step),
        )

    def spread(self) -> NDArray[np.float64]:
        """Standard deviation of each column; 1 of a constant or a tiny one.

        Returns
        -------
        spread : ndarray of shape (n_columns,), dtype=float64, positive
        """
        variance = self.squares / np.maximum(self.weight, 1e-300)
        spread = np.sqrt(variance)
        is_constant = spread <= MIN_SPREAD * np.sqrt(variance + np.square(self.mean))
        return np.where(is_constant | (spread < SMALLEST_SPREAD), 1.0, spread)

"""What columns of numbers say of the classes: moments, and the relevance of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skbag._targets.label_sets import Codes, one_each
from skbag._weighting.column_moments import ColumnMoments

MIN_TOLERANCE = 1e-6
"""Share of its variance that others must leave to a column for it to say something
beside them: the least pivot of a regression."""


class Relevance(NamedTuple):
    """How much columns say of the classes beyond what chance does, from 0 to 1."""

    columns: NDArray[np.float64]
    """Of each column, by itself or beside the others, whichever is more."""

    block: float
    """Of all columns together."""


@dataclass(frozen=True, eq=False)
class NumberMoments:
    """Moments of columns of numbers and classes; those of more samples may be added.

    A missing value is taken for the mean of its column.

    Parameters
    ----------
    columns : ColumnMoments
        Of the values that are there.
    weight : float
        Of all samples.
    class_weights : ndarray of shape (n_classes,), dtype=float64
        Of the samples that have each class or label.
    products : ndarray of shape (n_columns, n_columns), dtype=float64
        Products of differences from the means, added up over the samples.
    class_sums : ndarray of shape (n_classes, n_columns), dtype=float64
        Differences from the means, added up over the samples of each class.
    """

    columns: ColumnMoments
    weight: float
    class_weights: NDArray[np.float64]
    products: NDArray[np.float64]
    class_sums: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        values: NDArray[np.float64],
        groups: Codes,
        n_groups: int,
        sample_weight: NDArray[np.float64] | None = None,
    ) -> NumberMoments:
        """Moments of samples.

        Parameters
        ----------
        values : ndarray of shape (n_samples, n_columns), dtype=float64
            Missing ones are NaN.
        groups : ndarray of shape (n_samples,), dtype=int64, or LabelSets
            See `Targets.groups`.
        n_groups : int
        sample_weight : ndarray of shape (n_samples,), dtype=float64, or None
        """
        n_samples = len(values)
        each = np.ones(n_samples) if sample_weight is None else sample_weight
        is_known = ~np.isnan(values)
        weights = np.where(is_known, each[:, np.newaxis], 0.0)
        known = np.where(is_known, values, 0.0)
        totals = weights.sum(axis=0)
        mean = (known * weights).sum(axis=0) / np.maximum(totals, 1e-300)
        centred = np.where(is_known, known - mean, 0.0)
        rows, classes = one_each(groups)
        rows = np.arange(n_samples) if rows is None else rows
        shape = (n_groups, n_samples)
        members = sp.csr_array((each[rows], (classes, rows)), shape=shape)
        # Not BLAS, whose order of additions depends on its threads.
        products = np.einsum("ni,nj,n->ij", centred, centred, each)
        return cls(
            ColumnMoments(totals, mean, np.diag(products).copy()),
            float(each.sum()),
            np.asarray(members.sum(axis=1), dtype=np.float64).ravel(),
            products,
            np.asarray(members @ centred, dtype=np.float64),
        )

    def __add__(self, other: NumberMoments) -> NumberMoments:
        """Moments of both sets of samples; exact where no values are missing."""
        columns = self.columns + other.columns
        products = np.zeros_like(self.products)
        class_sums = np.zeros_like(self.class_sums)
        for part in (self, other):
            shift = part.columns.mean - columns.mean
            known = part.columns.weight
            products += part.products
            products += np.outer(shift, shift) * np.sqrt(np.outer(known, known))
            share = known / max(part.weight, 1e-300)
            class_sums += part.class_sums
            class_sums += np.outer(part.class_weights, shift * share)
        return NumberMoments(
            columns,
            self.weight + other.weight,
            self.class_weights + other.class_weights,
            products,
            class_sums,
        )

    def relevance(self) -> Relevance:
        """Measure by F statistics of regressions of the classes on the columns.

        The share of an F statistic that is beyond what chance gives, ``1 - 1 / F``, is
        how far a coefficient is to be trusted (James and Stein, "Estimation with
        Quadratic Loss", 1961). The mean over the classes is taken, of one column
        alone and of all columns together: two may say much by their difference.
        """
        weight = max(self.weight, 1e-300)
        d, spread = len(self.products), self.columns.spread()
        correlations = self.products / weight / np.outer(spread, spread)
        shares = self.class_weights / weight
        variances = shares * (1 - shares)
        is_varied = variances > 0
        if not is_varied.any() or not d:
            return Relevance(np.zeros(d), 0.0)
        covariances = (self.class_sums[is_varied] / weight / spread).T
        variances = variances[is_varied]
        explained = np.square(covariances) / variances
        alone = explained / np.maximum(1 - explained, 1e-12) * max(weight - 2, 0)
        inverse, coefficients = _regress(correlations, covariances)
        left = 1 - (covariances * coefficients).sum(axis=0) / variances
        left = np.clip(left, 1e-12, 1)
        n_used = int(np.count_nonzero(inverse))
        error = left * variances / max(weight - n_used - 1, 1e-300)
        used = np.maximum(inverse, 1e-300)[:, np.newaxis]
        beside = np.square(coefficients) / used / error
        block = (1 - left) / left * max(weight - n_used - 1, 0) / max(n_used, 1)
        largest = np.maximum(alone.mean(axis=1), beside.mean(axis=1))
        return Relevance(_beyond_chance(largest), float(_beyond_chance(block.mean())))


def _beyond_chance(f_statistic: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 - 1 / np.maximum(f_statistic, 1))


def _regress(
    matrix: NDArray[np.float64], right: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Diagonal of the inverse of a matrix, and its product with `right`.

    By elimination, in numpy alone: LAPACK's bits depend on its threads. A column that
    others explain is left out, its coefficients and its place in the diagonal are 0.

    Parameters
    ----------
    matrix : ndarray of shape (d, d), positive semidefinite
    right : ndarray of shape (d, n)
    """
    d = len(matrix)
    work = np.hstack([matrix, np.eye(d), right])
    is_used = np.zeros(d, dtype=bool)
    for j in range(d):
        if work[j, j] <= MIN_TOLERANCE * matrix[j, j] or matrix[j, j] <= 0:
            continue
        is_used[j] = True
        work[j] /= work[j, j]
        others = work[:, j].copy()
        others[j] = 0
        work -= np.outer(others, work[j])
    inverse = np.where(is_used, np.diag(work[:, d : 2 * d]), 0.0)
    return inverse, np.where(is_used[:, np.newaxis], work[:, 2 * d :], 0.0)

"""Columns of numbers beside a bag of features: entries of the same bag.

Scores are a sum over the entries of a bag, weight times row of the table. So a number
is one more feature, whose weight is its value, standardised, times what the column is
to weigh against the others and against the features of texts, which have norm 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.dtypes import ID_DTYPE, WEIGHT_DTYPE
from skbag._weighting.number_moments import NumberMoments

BLOCK_SHARE = 0.15
"""Mean squared norm of all columns of numbers together, of features of norm 1. On text
with numbers that tell something, 0.1 to 0.3 is best for all of eight data sets."""

MIN_BLOCK_RELEVANCE = 0.03
"""Where numbers tell nothing their weights are so much smaller, and cost nothing."""

MIN_RELEVANCE = 0.1
"""Least weight of a column, against one that tells a lot."""

LARGEST_WEIGHT = 1e15
"""Of a number far outside of what was fitted on: no score overflows."""


@dataclass(frozen=True, eq=False)
class NumberBlock:
    """From numbers to entries of bags: ``(value - mean) * factor``.

    Parameters
    ----------
    ids : ndarray of shape (n_columns,), dtype=int32
        Rows of the table; no other entry has them.
    mean : ndarray of shape (n_columns,), dtype=float64
    factors : ndarray of shape (n_columns,), dtype=float64
        0 for a constant column.
    moments : NumberMoments
        What these were made of.
    squared_norm : float
        Mean of the features beside them.
    """

    ids: NDArray[np.int32]
    mean: NDArray[np.float64]
    factors: NDArray[np.float64]
    moments: NumberMoments
    squared_norm: float = 1.0

    @classmethod
    def of(
        cls, ids: NDArray[np.int32], moments: NumberMoments, squared_norm: float = 1.0
    ) -> NumberBlock:
        """Weigh columns by what they tell.

        Parameters
        ----------
        ids : ndarray of shape (n_columns,), dtype=int32
        moments : NumberMoments
        squared_norm : float, default=1.0
            Mean squared norm of the features beside them.
        """
        columns, block = moments.relevance()
        weights = MIN_RELEVANCE + (1 - MIN_RELEVANCE) * columns
        weights[moments.columns.squares <= 0] = 0
        norm = np.sqrt(np.square(weights).sum())
        if norm > 0:
            length = (BLOCK_SHARE * squared_norm) ** 0.5
            weights *= max(block, MIN_BLOCK_RELEVANCE) * length / norm
        factors = weights / moments.columns.spread()
        return cls(ids, moments.columns.mean, factors, moments, squared_norm)

    @property
    def spread_weights(self) -> NDArray[np.float32]:
        """Weight of one standard deviation of each column, (n_columns,), positive."""
        weights = self.factors * self.moments.columns.spread()
        return np.maximum(weights, 1e-12).astype(WEIGHT_DTYPE)

    def weights(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        """Weights of numbers, 0 for a missing one.

        Parameters
        ----------
        values : ndarray of shape (n_samples, n_columns), dtype=float64
            Missing ones are NaN.

        Returns
        -------
        weights : ndarray of shape (n_samples, n_columns), dtype=float32
        """
        weights = (values - self.mean) * self.factors
        np.clip(weights, -LARGEST_WEIGHT, LARGEST_WEIGHT, out=weights)
        return np.nan_to_num(weights, nan=0.0).astype(WEIGHT_DTYPE)

    def join(self, bags: Bags, values: NDArray[np.float64]) -> Bags:
        """Put numbers after the entries of bags.

        Parameters
        ----------
        bags : Bags
            Weighted.
        values : ndarray of shape (n_bags, n_columns), dtype=float64
        """
        n_bags, n_columns = values.shape
        offsets = np.arange(n_bags + 1, dtype=bags.offsets.dtype) * n_columns
        ids = np.tile(np.arange(n_columns, dtype=ID_DTYPE), n_bags)
        numbers = Bags(ids, offsets, self.weights(values).ravel(), n_columns)
        same = np.arange(bags.n_ids, dtype=ID_DTYPE)
        return Bags.side_by_side([bags, numbers], [same, self.ids], bags.n_ids)

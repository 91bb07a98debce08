"""Samples: inputs with their classes and weights, through all stages of a fit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.communicator import ALONE, Ranks, total
from skbag._targets.label_sets import Codes
from skbag._targets.targets import Targets


@dataclass(frozen=True, eq=False)
class Samples:
    """Inputs in whatever form, the codes of each, and how much each counts.

    Parameters
    ----------
    X : list of str, scipy CSR array, Bags or LazyBags
    codes : ndarray of shape (n_samples,), dtype=int64, or LabelSets
        What `targets` encodes `y` as.
    weight : ndarray of shape (n_samples,), dtype=float64, or None
        None where all count alike.
    targets : Targets
        What codes mean. Fewer classes than it knows may be here.
    """

    X: Any
    codes: Codes
    weight: NDArray[np.float64] | None
    targets: Targets

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, rows: NDArray[np.int64]) -> Samples:
        """Samples of the given numbers, in that order: texts or rows of a matrix."""
        if isinstance(self.X, list):
            X: Any = [self.X[row] for row in rows.tolist()]
        else:
            X = self.X[rows]
        weight = None if self.weight is None else self.weight[rows]
        return replace(self, X=X, codes=self.codes[rows], weight=weight)

    def with_inputs(self, X: Any) -> Samples:
        """Return the same samples in another form."""
        return replace(self, X=X)

    def without_weightless(self) -> Samples:
        """Leave out the samples of weight 0: they shall change nothing at all."""
        if self.weight is None or self.weight.all():
            return self
        return self.take(np.flatnonzero(self.weight))

    def with_mean_weight_one(self, ranks: Ranks = ALONE) -> Samples:
        """Scale the weights of all ranks to 1 on average: only proportions matter."""
        if self.weight is None:
            return self
        mean = total(ranks, self.weight.sum()) / total(ranks, len(self))
        return replace(self, weight=self.weight / mean)

"""Samples: inputs with their classes and weights, through all stages of a fit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags, Entries
from skbag._targets.label_sets import Codes
from skbag._targets.targets import Targets
from skbag._weighting.weighting import Weighting

_COUNTS = Weighting(use_idf=False, sublinear_tf=False, norm=None, supervised=False)
"""Leaves counts as they are."""


@dataclass(frozen=True, eq=False)
class LazyBags:
    """Bags of counts, and what is to be done with them.

    Parameters
    ----------
    counts : Bags
        Ids unique within each bag.
    n_ids : int
        Number of ids after pruning.
    new_ids : ndarray of shape (counts.n_ids,), dtype=int32, or None
        What each id becomes; -1 leaves it out.
    weighting : Weighting or None
        None leaves the counts.
    id_weights : ndarray of shape (n_ids,), dtype=float32, or None
        See `Weighting.apply`.
    rows : ndarray of shape (n_bags,), dtype=int64, or None
        Which of the counted bags these are, in which order; None for all in theirs.
    """

    counts: Bags
    n_ids: int
    new_ids: NDArray[np.int32] | None = None
    weighting: Weighting | None = None
    id_weights: NDArray[np.float32] | None = None
    rows: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.counts) if self.rows is None else len(self.rows)

    @property
    def mean_length(self) -> float:
        """Mean number of ids of a bag before pruning."""
        return self.counts.mean_length

    def weighted(
        self, weighting: Weighting, id_weights: NDArray[np.float32] | None
    ) -> LazyBags:
        """Return the same bags with weights in place of counts."""
        return replace(self, weighting=weighting, id_weights=id_weights)

    def take(self, rows: NDArray[np.int64]) -> LazyBags:
        """Bags of the given numbers, in that order."""
        return replace(self, rows=rows if self.rows is None else self.rows[rows])

    def slice(self, start: int, stop: int) -> Bags:
        """Make the bags `start` to `stop`."""
        entries = self.entries()
        part = entries._replace(rows=entries.rows[start:stop])
        weighting = self.weighting or _COUNTS
        return weighting.weigh(part, self.n_ids, self.id_weights)

    def entries(self) -> Entries:
        """Return the arrays that the bags are made of."""
        entries = self.counts.entries()
        rows = entries.rows if self.rows is None else self.rows
        return entries._replace(rows=rows, new_ids=self.new_ids)


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
        """Samples of the given numbers, in that order: texts, rows, or lazy bags."""
        if isinstance(self.X, list):
            X: Any = [self.X[row] for row in rows.tolist()]
        elif isinstance(self.X, LazyBags):
            X = self.X.take(rows)
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

    def with_weights_divided_by(self, mean: float) -> Samples:
        """Scale the weights: only proportions matter."""
        if self.weight is None:
            return self
        return replace(self, weight=self.weight / mean)

"""Bags that are counted once, and pruned, renumbered and weighted where needed.

A fit looks at all of its samples several times, each time at a few of them: whole
arrays of all would cost more to fill than the work done on them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._weighting.weighting import Weighting


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
    """

    counts: Bags
    n_ids: int
    new_ids: NDArray[np.int32] | None = None
    weighting: Weighting | None = None
    id_weights: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def mean_length(self) -> float:
        """Mean number of ids of a bag before pruning."""
        return self.counts.mean_length

    def weighted(
        self, weighting: Weighting, id_weights: NDArray[np.float32] | None
    ) -> LazyBags:
        """Return the same bags with weights in place of counts."""
        return replace(self, weighting=weighting, id_weights=id_weights)

    def slice(self, start: int, stop: int) -> Bags:
        """Make the bags `start` to `stop`."""
        bags = self.counts.slice(start, stop)
        if self.new_ids is not None:
            bags = bags.renumber(self.new_ids, self.n_ids)
        if self.weighting is None:
            return bags
        return self.weighting.apply(bags, self.id_weights)

"""Samples: inputs with their classes and weights, through all stages of a fit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags, Entries, SomeBags
from skbag._core.dtypes import OFFSET_DTYPE, WEIGHT_DTYPE
from skbag._model.model import Featurizer
from skbag._targets.label_sets import Codes
from skbag._targets.targets import Targets
from skbag._weighting.number_block import NumberBlock
from skbag._weighting.weighting import COUNTS, ColumnShares, Weighting


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
    factors : ndarray of shape (counts.n_ids,), dtype=float32, or None
        Weight of each id, by its number before pruning.
    rows : ndarray of shape (n_bags,), dtype=int64, or None
        Which of the counted bags these are, in which order; None for all in theirs.
    n_threads : int
        At most so many make many bags. These do not depend on it.
    column_shares : ColumnShares or None
        By ids after pruning; None where bags are of one column.
    numbers : ndarray of shape (counts.n_bags, n_number_columns), dtype=float64, or None
        Values of the columns of numbers of the counted bags.
    number_block : NumberBlock or None
        How they become entries, once bags are weighted.
    """

    counts: Bags
    n_ids: int
    new_ids: NDArray[np.int32] | None = None
    weighting: Weighting | None = None
    factors: NDArray[np.float32] | None = None
    rows: NDArray[np.int64] | None = None
    n_threads: int = 1
    column_shares: ColumnShares | None = None
    numbers: NDArray[np.float64] | None = None
    number_block: NumberBlock | None = None

    def __len__(self) -> int:
        return len(self.counts) if self.rows is None else len(self.rows)

    @property
    def mean_length(self) -> float:
        """Mean number of ids of a bag before pruning."""
        return self.counts.mean_length

    def weighted(
        self,
        weighting: Weighting,
        id_weights: NDArray[np.float32] | None,
        column_shares: ColumnShares | None = None,
        number_block: NumberBlock | None = None,
    ) -> LazyBags:
        """Return the same bags with weights in place of counts.

        Parameters
        ----------
        weighting : Weighting
        id_weights : ndarray of shape (n_ids,), dtype=float32, or None
        column_shares : ColumnShares or None
            See `Weighting.apply`.
        number_block : NumberBlock or None
        """
        factors = id_weights
        if id_weights is not None and self.new_ids is not None:
            # Of an id that is left out any will do; there may be no other.
            factors = np.append(id_weights, WEIGHT_DTYPE(0))[self.new_ids]
        return replace(
            self,
            weighting=weighting,
            factors=factors,
            column_shares=column_shares,
            number_block=number_block,
        )

    def take(self, rows: NDArray[np.int64]) -> LazyBags:
        """Bags of the given numbers, in that order."""
        return replace(self, rows=rows if self.rows is None else self.rows[rows])

    def slice(self, start: int, stop: int) -> Bags:
        """Make the bags `start` to `stop`."""
        entries = self.entries()
        rows = entries.rows
        if rows is None and (start, stop) != (0, len(self)):
            rows = np.arange(start, stop, dtype=OFFSET_DTYPE)
        elif rows is not None:
            rows = rows[start:stop]
        bags = (self.weighting or COUNTS).apply_to_entries(
            entries._replace(rows=rows),
            self.n_ids,
            self.factors,
            self.n_threads,
            self.column_shares,
        )
        if self.number_block is None:
            return bags
        assert self.numbers is not None
        values = self.numbers if rows is None else self.numbers[rows]
        return self.number_block.join(bags, values)

    def entries(self) -> Entries:
        """Return the arrays that the bags are made of."""
        return self.counts.entries()._replace(rows=self.rows, new_ids=self.new_ids)


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
    document_weight : ndarray of shape (n_samples,), dtype=float64, or None
        How many documents each is counted as, where documents are counted: its sample
        weight, whatever its class weighs. None where all are one.
    numbers : ndarray of shape (n_samples,), dtype=int64, or None
        Which of some samples each visit is of, where they are visited more than once.
        Then none but the last weighs more than a step carries.
    """

    X: Any
    codes: Codes
    weight: NDArray[np.float64] | None
    targets: Targets
    document_weight: NDArray[np.float64] | None = None
    numbers: NDArray[np.int64] | None = None

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

        def own(array: NDArray[Any] | None) -> NDArray[Any] | None:
            return None if array is None else array[rows]

        return replace(
            self,
            X=X,
            codes=self.codes[rows],
            weight=own(self.weight),
            document_weight=own(self.document_weight),
            numbers=own(self.numbers),
        )

    def with_inputs(self, X: Any) -> Samples:
        """Return the same samples in another form."""
        return replace(self, X=X)

    def without_weightless(self) -> Samples:
        """Leave out the samples of weight 0: they shall change nothing at all."""
        if self.weight is None or self.weight.all():
            return self
        return self.take(np.flatnonzero(self.weight))

    def with_weights_divided_by(self, means: tuple[float, float]) -> Samples:
        """Scale the weights, and those of documents: only proportions matter."""
        weight, document_weight = self.weight, self.document_weight
        return replace(
            self,
            weight=None if weight is None else weight / means[0],
            document_weight=None
            if document_weight is None
            else document_weight / means[1],
        )


def documents_by_id(bags: SomeBags) -> NDArray[np.float64]:
    """Number of bags that hold each id, of those that are stored."""
    entries = bags.entries()
    ids = entries.ids
    if entries.new_ids is not None:
        ids = entries.new_ids[ids]
        ids = ids[ids >= 0]
    documents = np.bincount(ids, minlength=bags.n_ids).astype(np.float64)
    if isinstance(bags, LazyBags) and bags.number_block is not None:
        documents[bags.number_block.ids] = len(bags)
    return documents


def weighed(counts: LazyBags, featurizer: Featurizer) -> LazyBags:
    """Return counted bags with the weights, and the numbers, of a featurizer."""
    return counts.weighted(
        featurizer.weighting,
        featurizer.id_weights,
        featurizer.column_shares,
        featurizer.number_block,
    )

"""Document counts of each token, by class: what weights are made of.

Counted a block of entries at a time, in a table or by sorting; counts of later
documents wait beside the sums until they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skbag._core.bags import SomeBags
from skbag._core.communicator import Ranks
from skbag._targets.label_sets import Codes, LabelSets, one_each

_BLOCK_ENTRIES = 2**19
"""Entries of bags that are counted at a time."""

_MOST_CELLS = 2**24
"""Largest table of tokens and classes to count in, in numbers (128 MiB)."""

_Cells = tuple[NDArray[Any], "NDArray[np.float64] | None"]
"""Numbers of cells of that table, and what to add to each; None for ones."""


@dataclass(frozen=True, eq=False)
class Recent:
    """Counts of documents that are not yet in the sums: to add them takes a while.

    Parameters
    ----------
    cells : ndarray of shape (n,), dtype=int64
        ``id * n_classes + code``, in the order of the calls that counted them.
    counts : ndarray of shape (n,), dtype=float64
        Weighted number of documents.
    any_ids, any_counts : ndarray of shape (n_any,), or None
        The same of ids, whatever the labels; None where each document has one class.
    """

    cells: NDArray[np.int64]
    counts: NDArray[np.float64]
    any_ids: NDArray[np.int64] | None = None
    any_counts: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.cells)

    def followed_by(self, more: Recent) -> Recent:
        """Both, one after the other."""
        any_ids, any_counts = more.any_ids, more.any_counts
        if any_ids is not None and any_counts is not None:
            assert self.any_ids is not None and self.any_counts is not None
            any_ids = np.concatenate([self.any_ids, any_ids])
            any_counts = np.concatenate([self.any_counts, any_counts])
        return Recent(
            np.concatenate([self.cells, more.cells]),
            np.concatenate([self.counts, more.counts]),
            any_ids,
            any_counts,
        )


@dataclass(frozen=True, eq=False)
class Statistics:
    """Document counts of each token, by class: what the weights are made of.

    Parameters
    ----------
    class_counts : scipy CSR array of shape (n_ids, n_classes), dtype=float64
        Weighted number of documents of each class that hold each token.
    class_totals : ndarray of shape (n_classes,), dtype=float64
        Weighted number of documents of each class.
    any_counts : ndarray of shape (n_ids,), dtype=float64, or None
        Weighted number of documents that hold each token, whatever their labels; None
        where each document has one class, and the sum over the classes says it.
    any_total : float or None
        Weighted number of documents, likewise.
    sums : ndarray of shape (n_ids,), dtype=float64, or None
        The sum over the classes, where it will be asked for more than once.
    recent : Recent or None
        Counts that belong to those of tokens; the totals know of them already.
    """

    class_counts: sp.csr_array
    class_totals: NDArray[np.float64]
    any_counts: NDArray[np.float64] | None = None
    any_total: float | None = None
    sums: NDArray[np.float64] | None = None
    recent: Recent | None = None

    @classmethod
    def count(
        cls,
        bags: SomeBags,
        codes: Codes,
        n_classes: int,
        sample_weight: NDArray[np.float64] | None = None,
    ) -> Statistics:
        """Count documents per token and class; a repeated token counts once.

        Parameters
        ----------
        bags : Bags or LazyBags
            Ids unique within each bag.
        codes : ndarray of shape (n_samples,), dtype=int64, or LabelSets
            Of the first bags; the others are not counted.
        n_classes : int
        sample_weight : ndarray of shape (n_samples,) or None
            How many documents each sample stands for.
        """
        cells = _sum_cells(bags, codes, n_classes, sample_weight)
        class_counts = _csr_array(*cells, (bags.n_ids, n_classes))
        totals = _class_totals(codes, n_classes, sample_weight)
        if not isinstance(codes, LabelSets):
            return cls(class_counts, totals)
        of_any = cls.count(bags, np.zeros(len(codes), np.int64), 1, sample_weight)
        return cls(class_counts, totals, of_any.document_counts, of_any.n_documents)

    def add(
        self,
        bags: SomeBags,
        codes: Codes,
        sample_weight: NDArray[np.float64] | None = None,
    ) -> Statistics:
        """Count more documents, for now beside the others: see `settled`.

        Parameters are those of `count`.
        """
        n_classes = len(self.class_totals)
        totals = _class_totals(codes, n_classes, sample_weight)
        cells, counts = _sum_cells(bags, codes, n_classes, sample_weight)
        recent = Recent(cells.astype(np.int64), counts)
        any_total = self.any_total
        if any_total is not None:
            alike = np.zeros(len(codes), dtype=np.int64)
            any_total += float(_class_totals(alike, 1, sample_weight)[0])
            ids, any_counts = _sum_cells(bags, alike, 1, sample_weight)
            recent = replace(
                recent, any_ids=ids.astype(np.int64), any_counts=any_counts
            )
        return replace(
            self,
            class_totals=self.class_totals + totals,
            any_total=any_total,
            recent=recent if self.recent is None else self.recent.followed_by(recent),
        )

    def settled(self, n_ids: int | None = None) -> Statistics:
        """Sum up all counts; by default of as many tokens as before.

        Parameters
        ----------
        n_ids : int or None
            There may be more tokens now.
        """
        n_before, n_classes = self.class_counts.shape
        shape = (n_ids or n_before, n_classes)
        class_counts, any_counts = self.class_counts, self.any_counts
        if shape != class_counts.shape:
            class_counts = class_counts.copy()
            class_counts.resize(shape)
            if any_counts is not None:
                any_counts = np.append(any_counts, np.zeros(shape[0] - n_before))
        recent = self.recent
        if recent is not None:
            cells = _sums(recent.cells, recent.counts)
            class_counts = sp.csr_array(class_counts + _csr_array(*cells, shape))
            if any_counts is not None and recent.any_ids is not None:
                ids, counts = _sums(recent.any_ids, recent.any_counts)
                any_counts = any_counts.copy()
                any_counts[ids] += counts
        return Statistics(class_counts, self.class_totals, any_counts, self.any_total)

    def rows(self, ids: NDArray[np.int64] | slice) -> Statistics:
        """Counts of some tokens, over all documents."""
        any_counts = None if self.any_counts is None else self.any_counts[ids]
        class_counts = self.class_counts[ids]
        return Statistics(class_counts, self.class_totals, any_counts, self.any_total)

    def plus(self, more: Statistics) -> Statistics:
        """Counts of the same tokens in two sets of documents."""
        class_counts = sp.csr_array(self.class_counts + more.class_counts)
        class_totals = self.class_totals + more.class_totals
        if self.any_counts is None or more.any_counts is None:
            return Statistics(class_counts, class_totals)
        any_counts = self.any_counts + more.any_counts
        n_documents = self.n_documents + more.n_documents
        return Statistics(class_counts, class_totals, any_counts, n_documents)

    @staticmethod
    def stacked(parts: list[Statistics]) -> Statistics:
        """Counts of all tokens, of those of some after those of others."""
        of_any = [part.any_counts for part in parts if part.any_counts is not None]
        return replace(
            parts[0],
            class_counts=sp.csr_array(
                sp.vstack([part.class_counts for part in parts], format="csr")
            ),
            any_counts=np.concatenate(of_any) if of_any else None,
        )

    @property
    def document_counts(self) -> NDArray[np.float64]:
        """Weighted number of documents that hold each token, (n_ids,)."""
        if self.any_counts is not None:
            return self.any_counts
        if self.sums is not None:
            return self.sums
        return np.asarray(self.class_counts.sum(axis=1)).ravel()

    @property
    def n_cells(self) -> int:
        """Number of pairs of a token and a class that are kept."""
        n_recent = 0 if self.recent is None else len(self.recent)
        return int(self.class_counts.nnz) + n_recent

    @property
    def counted(self) -> NDArray[np.bool_]:
        """Whether any document holds each token, (n_ids,)."""
        if self.any_counts is not None:
            return np.asarray(self.any_counts > 0)
        return np.asarray(np.diff(self.class_counts.indptr) > 0)

    @property
    def n_documents(self) -> float:
        """Weighted number of documents."""
        if self.any_total is not None:
            return self.any_total
        return float(self.class_totals.sum())


def _class_totals(
    codes: Codes, n_classes: int, sample_weight: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Weighted number of documents of each class."""
    rows, single = one_each(codes)
    if rows is not None and sample_weight is not None:
        sample_weight = sample_weight[rows]
    totals = np.bincount(single, weights=sample_weight, minlength=n_classes)
    return totals.astype(np.float64)


def _sum_cells(
    bags: SomeBags,
    codes: Codes,
    n_classes: int,
    sample_weight: NDArray[np.float64] | None,
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Distinct cells ``id * n_classes + code``, ascending, and the count of each."""
    n_cells = bags.n_ids * n_classes
    cells = _cells(bags, codes, n_classes, sample_weight)
    if n_cells <= min(_MOST_CELLS, 2 * bags.mean_length * len(bags)):
        return _sum_in_a_table(cells, n_cells)
    # n_ids x n_classes numbers need never fit memory.
    return _sum_by_sorting(cells)


def _cells(
    bags: SomeBags,
    codes: Codes,
    n_classes: int,
    sample_weight: NDArray[np.float64] | None,
) -> Iterator[_Cells]:
    """Yield ``id * n_classes + code`` of each entry, and the weight of its sample."""
    # Half the bytes are sorted in half the time.
    dtype: Any = np.int32 if bags.n_ids * n_classes < 2**31 else np.int64
    per_sample = max(bags.mean_length, 1)
    if isinstance(codes, LabelSets):
        # Each entry once for each label.
        per_sample *= max(len(codes.labels) / max(len(codes), 1), 1)
    step = max(1, int(_BLOCK_ENTRIES / per_sample))
    for start in range(0, max(len(codes), 1), step):
        stop = min(start + step, len(codes))
        part = bags.slice(start, stop)
        weight = None if sample_weight is None else sample_weight[start:stop]
        rows, single = one_each(codes[start:stop])
        if rows is not None:
            part = part.take(rows)
            weight = None if weight is None else weight[rows]
        lengths = np.diff(part.offsets)
        cells: NDArray[Any] = part.ids.astype(dtype)
        cells *= n_classes
        cells += np.repeat(single.astype(dtype), lengths)
        yield cells, None if weight is None else np.repeat(weight, lengths)


def _sum_in_a_table(
    parts: Iterator[_Cells], n_cells: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Distinct cells, ascending, and the sum of the values of each."""
    # Imported here: predicting must not need torch.
    from skbag._core.sorting import add_at

    table = np.zeros(n_cells)
    for cells, values in parts:
        if values is None:
            values = np.ones(len(cells))
        add_at(table, cells.astype(np.int64), values)
    filled = np.flatnonzero(table)
    return filled, table[filled]


def _sum_by_sorting(
    parts: Iterator[_Cells],
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """The same, without a number for each cell there could be."""
    summed = [_sums(cells, values) for cells, values in parts]
    return _sums(
        np.concatenate([cells for cells, _ in summed]),
        np.concatenate([sums for _, sums in summed]),
    )


def _sums(
    cells: NDArray[Any], values: NDArray[np.float64] | None
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Distinct cells, ascending, and the sum of the values of each; None for ones."""
    from skbag._core.sorting import argsort, sort

    if values is None:
        cells = sort(cells)
    else:
        order = argsort(cells)
        cells, values = cells[order], values[order]
    starts = np.flatnonzero(np.diff(cells, prepend=-1))
    if values is None:
        sums = np.diff(starts, append=len(cells)).astype(np.float64)
    else:
        sums = np.add.reduceat(values, starts) if len(starts) else np.empty(0)
    return cells[starts], sums


def _csr_array(
    cells: NDArray[np.int64], values: NDArray[np.float64], shape: tuple[int, int]
) -> sp.csr_array:
    """Matrix of values at ascending cells ``row * n_columns + column``."""
    rows, columns = np.divmod(cells, shape[1])
    indptr = np.zeros(shape[0] + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows, minlength=shape[0]), out=indptr[1:])
    return sp.csr_array((values, columns, indptr), shape=shape)


def add_statistics(ranks: Ranks, own: Statistics) -> Statistics:
    """Counts of the documents of all ranks.

    Each rank adds up a block of the rows, and gets the others from those that did: so
    its work does not grow with their number.
    """
    if ranks.n_ranks == 1:
        return own
    n_ids = own.class_counts.shape[0]
    edges = [rank * n_ids // ranks.n_ranks for rank in range(ranks.n_ranks + 1)]
    blocks = [own.rows(slice(*some)) for some in zip(edges, edges[1:], strict=False)]
    first, *others = ranks.trade(blocks)
    for other in others:
        first = first.plus(other)
    return Statistics.stacked(ranks.gather(first))

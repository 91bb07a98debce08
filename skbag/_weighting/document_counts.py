"""Document counts of each token, by class: what weights are made of.

Counts of later documents are pending, beside the sums, until they are flushed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skbag._core.bags import SomeBags
from skbag._core.communicator import Communicator
from skbag._targets.label_sets import Codes, LabelSets, one_each
from skbag._weighting.count_kernels import count_by_class

TABLE_NUMBERS_PER_ENTRY = 2
"""Largest table of tokens and classes to count in, against the entries of the bags."""


@dataclass(frozen=True, eq=False)
class PendingCounts:
    """Counts of documents that are not yet in the sums: to add them takes a while.

    Parameters
    ----------
    pairs : ndarray of shape (n,), dtype=int64
        ``id * n_classes + code``, in the order of the calls that counted them.
    counts : ndarray of shape (n,), dtype=float64
        Weighted number of documents.
    any_ids, any_counts : ndarray of shape (n_any,), or None
        The same of ids, whatever the labels; None where each document has one class.
    """

    pairs: NDArray[np.int64]
    counts: NDArray[np.float64]
    any_ids: NDArray[np.int64] | None = None
    any_counts: NDArray[np.float64] | None = None

    @classmethod
    def count(
        cls,
        bags: SomeBags,
        codes: Codes,
        n_classes: int,
        sample_weight: NDArray[np.float64] | None = None,
    ) -> PendingCounts:
        """Count documents; parameters are those of `DocumentCounts.count`."""
        pairs, counts = _sum_pairs(bags, codes, n_classes, sample_weight)
        pending = cls(pairs.astype(np.int64), counts)
        if not isinstance(codes, LabelSets):
            return pending
        one_class = np.zeros(len(codes), dtype=np.int64)
        ids, df = _sum_pairs(bags, one_class, 1, sample_weight)
        return replace(pending, any_ids=ids.astype(np.int64), any_counts=df)

    def __len__(self) -> int:
        return len(self.pairs)

    def __add__(self, later: PendingCounts) -> PendingCounts:
        """Both, one after the other."""
        any_ids, any_counts = later.any_ids, later.any_counts
        if any_ids is not None and any_counts is not None:
            assert self.any_ids is not None and self.any_counts is not None
            any_ids = np.concatenate([self.any_ids, any_ids])
            any_counts = np.concatenate([self.any_counts, any_counts])
        return PendingCounts(
            np.concatenate([self.pairs, later.pairs]),
            np.concatenate([self.counts, later.counts]),
            any_ids,
            any_counts,
        )


@dataclass(frozen=True, eq=False)
class DocumentCounts:
    """Document counts of each token, by class: what the weights are made of.

    Parameters
    ----------
    class_counts : scipy CSR array of shape (n_ids, n_classes), dtype=float64
        Weighted number of documents of each class that hold each token.
    class_totals : ndarray of shape (n_classes,), dtype=float64
        Weighted number of documents of each class.
    df : ndarray of shape (n_ids,), dtype=float64
        Document frequency: weighted number of documents that hold each token.
    n_documents : float
        Weighted number of documents.
    exclusive : bool
        Whether each document has one class, so that `df` is the sum over the classes.
        Of labels a document may have several, or none.
    """

    class_counts: sp.csr_array
    class_totals: NDArray[np.float64]
    df: NDArray[np.float64]
    n_documents: float
    exclusive: bool

    @classmethod
    def of_classes(
        cls, class_counts: sp.csr_array, class_totals: NDArray[np.float64]
    ) -> DocumentCounts:
        """Counts of documents that have one class each."""
        df = np.asarray(class_counts.sum(axis=1)).ravel()
        return cls(class_counts, class_totals, df, float(class_totals.sum()), True)

    @classmethod
    def count(
        cls,
        bags: SomeBags,
        codes: Codes,
        n_classes: int,
        sample_weight: NDArray[np.float64] | None = None,
    ) -> DocumentCounts:
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
        class_counts = _count(bags, codes, n_classes, sample_weight)
        totals = _class_totals(codes, n_classes, sample_weight)
        if not isinstance(codes, LabelSets):
            return cls.of_classes(class_counts, totals)
        of_all = cls.count(bags, np.zeros(len(codes), np.int64), 1, sample_weight)
        return cls(class_counts, totals, of_all.df, of_all.n_documents, False)

    def add(
        self,
        bags: SomeBags,
        codes: Codes,
        sample_weight: NDArray[np.float64] | None = None,
    ) -> tuple[DocumentCounts, PendingCounts]:
        """Count more documents: in the totals now, in the sums over tokens later.

        Parameters are those of `count`.

        Returns
        -------
        counts : DocumentCounts
            With the totals of all documents.
        pending : PendingCounts
            What `flush` is to be given before `class_counts` and `df` are used.
        """
        n_classes = len(self.class_totals)
        totals = self.class_totals + _class_totals(codes, n_classes, sample_weight)
        if self.exclusive:
            n_documents = float(totals.sum())
        else:
            one_class = np.zeros(len(codes), dtype=np.int64)
            n_more = _class_totals(one_class, 1, sample_weight)[0]
            n_documents = self.n_documents + float(n_more)
        counts = replace(self, class_totals=totals, n_documents=n_documents)
        return counts, PendingCounts.count(bags, codes, n_classes, sample_weight)

    def flush(
        self, pending: PendingCounts | None, n_ids: int | None = None
    ) -> DocumentCounts:
        """Add pending counts to the sums.

        Parameters
        ----------
        pending : PendingCounts or None
            Of documents that the totals know of already.
        n_ids : int or None
            There may be more tokens now; None for as many as before.
        """
        n_before, n_classes = self.class_counts.shape
        shape = (n_ids or n_before, n_classes)
        class_counts = self.class_counts
        if shape != class_counts.shape:
            class_counts = class_counts.copy()
            class_counts.resize(shape)
        if pending is not None:
            pairs = _sums(pending.pairs, pending.counts)
            class_counts = sp.csr_array(class_counts + _csr_array(*pairs, shape))
        if self.exclusive:
            return self.of_classes(class_counts, self.class_totals)
        df = np.append(self.df, np.zeros(shape[0] - n_before))
        if pending is not None and pending.any_ids is not None:
            ids, counts = _sums(pending.any_ids, pending.any_counts)
            df[ids] += counts
        return replace(self, class_counts=class_counts, df=df)

    def rows(self, ids: NDArray[np.int64] | slice) -> DocumentCounts:
        """Counts of some tokens, over all documents."""
        return replace(self, class_counts=self.class_counts[ids], df=self.df[ids])

    def __add__(self, other: DocumentCounts) -> DocumentCounts:
        """Counts of the same tokens in two sets of documents."""
        class_counts = sp.csr_array(self.class_counts + other.class_counts)
        class_totals = self.class_totals + other.class_totals
        if self.exclusive:
            return self.of_classes(class_counts, class_totals)
        df, n_documents = self.df + other.df, self.n_documents + other.n_documents
        return DocumentCounts(class_counts, class_totals, df, n_documents, False)

    @staticmethod
    def stacked(parts: list[DocumentCounts]) -> DocumentCounts:
        """Counts of all tokens, of those of some after those of others."""
        class_counts = sp.vstack([part.class_counts for part in parts], format="csr")
        return replace(
            parts[0],
            class_counts=sp.csr_array(class_counts),
            df=np.concatenate([part.df for part in parts]),
        )


def _class_totals(
    codes: Codes, n_classes: int, sample_weight: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Weighted number of documents of each class."""
    rows, single = one_each(codes)
    if rows is not None and sample_weight is not None:
        sample_weight = sample_weight[rows]
    totals = np.bincount(single, weights=sample_weight, minlength=n_classes)
    return totals.astype(np.float64)


def _count(
    bags: SomeBags,
    codes: Codes,
    n_classes: int,
    sample_weight: NDArray[np.float64] | None,
) -> sp.csr_array:
    """Weighted number of documents of each class that hold each token."""
    entries = bags.entries()
    rows = entries.rows[: len(codes)]
    if not isinstance(codes, LabelSets) and sample_weight is None:
        rows, codes = _in_order_of_storage(rows, codes, len(entries.offsets) - 1)
    class_offsets = codes.offsets if isinstance(codes, LabelSets) else None
    classes = codes.labels if isinstance(codes, LabelSets) else codes
    indptr, indices, counts = count_by_class(
        entries.ids,
        entries.offsets,
        rows,
        entries.new_ids,
        class_offsets,
        classes,
        sample_weight,
        bags.n_ids,
        n_classes,
        TABLE_NUMBERS_PER_ENTRY * len(entries.ids),
    )
    return sp.csr_array((counts, indices, indptr), shape=(bags.n_ids, n_classes))


def _in_order_of_storage(
    rows: NDArray[np.int64], codes: NDArray[np.int64], n_stored: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Distinct rows ascending, and their codes: entries are then read one by one."""
    codes_of_stored = np.full(n_stored, -1, dtype=np.int64)
    codes_of_stored[rows] = codes
    ascending = np.flatnonzero(codes_of_stored >= 0)
    if len(ascending) != len(rows):
        return rows, codes  # Some are there several times.
    return ascending, codes_of_stored[ascending]


def _sum_pairs(
    bags: SomeBags,
    codes: Codes,
    n_classes: int,
    sample_weight: NDArray[np.float64] | None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Distinct pairs ``id * n_classes + code``, ascending, and the count of each.

    With three classes, a bag of the ids 0 and 2 and a bag of the id 2, both of class 1,
    hold the pairs 1, 7 and 7: ``(array([1, 7]), array([1., 2.]))``.
    """
    counts = _count(bags, codes, n_classes, sample_weight)
    rows = np.repeat(np.arange(bags.n_ids, dtype=np.int64), np.diff(counts.indptr))
    return rows * n_classes + counts.indices, counts.data


def _sums(
    pairs: NDArray[Any], values: NDArray[np.float64] | None
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Distinct pairs, ascending, and the sum of the values of each; None for ones."""
    if values is None:
        pairs = np.sort(pairs)
    else:
        order = np.argsort(pairs, kind="stable")
        pairs, values = pairs[order], values[order]
    starts = np.flatnonzero(np.diff(pairs, prepend=-1))
    if values is None:
        sums = np.diff(starts, append=len(pairs)).astype(np.float64)
    else:
        sums = np.add.reduceat(values, starts) if len(starts) else np.empty(0)
    return pairs[starts], sums


def _csr_array(
    pairs: NDArray[np.int64], values: NDArray[np.float64], shape: tuple[int, int]
) -> sp.csr_array:
    """Matrix of values at ascending pairs ``row * n_columns + column``."""
    rows, columns = np.divmod(pairs, shape[1])
    indptr = np.zeros(shape[0] + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows, minlength=shape[0]), out=indptr[1:])
    return sp.csr_array((values, columns, indptr), shape=shape)


def reduce_counts(
    communicator: Communicator, own_counts: DocumentCounts
) -> DocumentCounts:
    """Counts of the documents of all ranks.

    Each rank adds up a block of the rows, and gets the others from those that did: so
    its work does not grow with their number.
    """
    if communicator.world_size == 1:
        return own_counts
    n_ids = own_counts.class_counts.shape[0]
    edges = [
        rank * n_ids // communicator.world_size
        for rank in range(communicator.world_size + 1)
    ]
    blocks = [
        own_counts.rows(slice(*bounds))
        for bounds in zip(edges, edges[1:], strict=False)
    ]
    first, *others = communicator.all_to_all(blocks)
    for other in others:
        first = first + other
    return DocumentCounts.stacked(communicator.all_gather(first))

"""Document counts of each token, by class: what weights are made of.

Counts of later documents are pending, beside the sums, until they are flushed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skbag._core.bags import Bags, SomeBags
from skbag._targets.label_sets import Codes, LabelSets, one_each
from skbag._weighting.class_counts import class_counts
from skbag._weighting.pair_kernels import add_pairs, count_runs, sum_packed

SMALLEST_SHARE_OF_TABLE = 1.0
"""Where bags have fewer entries than this share of the ids, they are sorted."""

MAX_INT32 = np.iinfo(np.int32).max

_Counted = tuple[NDArray[np.int64], NDArray[np.float64]]
"""Numbers of pairs or ids, and a count for each."""


@dataclass(frozen=True, eq=False)
class PendingCounts:
    """Counts of documents that are not yet in the sums: to add them takes a while.

    Parameters
    ----------
    parts : tuple of (pairs, counts)
        Of each call that counted some: ``id * n_classes + code``, and the weighted
        number of documents.
    any_parts : tuple of (ids, counts)
        The same of ids, whatever the labels; empty where each document has one class.
    """

    parts: tuple[_Counted, ...]
    any_parts: tuple[_Counted, ...] = ()

    @classmethod
    def count(
        cls,
        bags: SomeBags,
        codes: Codes,
        n_classes: int,
        sample_weight: NDArray[np.float64] | None = None,
    ) -> PendingCounts:
        """Count documents; parameters are those of `DocumentCounts.count`."""
        pairs = _sum_pairs(bags, codes, n_classes, sample_weight)
        if not isinstance(codes, LabelSets):
            return cls((pairs,))
        one_class = np.zeros(len(codes), dtype=np.int64)
        return cls((pairs,), (_sum_pairs(bags, one_class, 1, sample_weight),))

    def __len__(self) -> int:
        return sum(len(pairs) for pairs, _ in self.parts)

    def __add__(self, later: PendingCounts) -> PendingCounts:
        """Both, one after the other."""
        return PendingCounts(self.parts + later.parts, self.any_parts + later.any_parts)

    @property
    def pairs(self) -> NDArray[np.int64]:
        """Pairs of all calls, in their order."""
        return np.concatenate([pairs for pairs, _ in self.parts])

    @property
    def counts(self) -> NDArray[np.float64]:
        """Counts of these."""
        return np.concatenate([counts for _, counts in self.parts])

    @property
    def any_ids(self) -> NDArray[np.int64] | None:
        """Ids of all calls; None where each document has one class."""
        if not self.any_parts:
            return None
        return np.concatenate([ids for ids, _ in self.any_parts])

    @property
    def any_counts(self) -> NDArray[np.float64] | None:
        """Counts of these."""
        if not self.any_parts:
            return None
        return np.concatenate([counts for _, counts in self.any_parts])

    def moved(self, new_ids: NDArray[np.int32], n_classes: int) -> PendingCounts:
        """Counts of tokens that have other numbers now, in the same order.

        Parameters
        ----------
        new_ids : ndarray of shape (n_ids,), dtype=int32
            The number of each now; -1 leaves it out.
        n_classes : int
        """

        def of(counted: _Counted, n: int) -> _Counted:
            ids, classes = np.divmod(counted[0], n)
            moved = new_ids[ids].astype(np.int64)
            return (moved * n + classes)[moved >= 0], counted[1][moved >= 0]

        return PendingCounts(
            tuple(of(part, n_classes) for part in self.parts),
            tuple(of(part, 1) for part in self.any_parts),
        )

    def ids(self, n_classes: int) -> NDArray[np.int64]:
        """Ids that have counts, ascending."""
        ids = self.pairs // n_classes
        if len(self.parts) > 1:
            ids.sort()
        # Not np.unique, which since NumPy 2.3 takes several times as long.
        return ids[np.flatnonzero(np.diff(ids, prepend=-1))]

    def of_ids(self, ids: NDArray[np.int64], totals: DocumentCounts) -> DocumentCounts:
        """Counts of some ids, ascending, which only these documents hold.

        `totals` are those of all documents.
        """
        n_classes = len(totals.class_totals)
        own_ids, classes = np.divmod(self.pairs, n_classes)
        places, is_one = _places(own_ids, ids)
        summed = _sums(places * n_classes + classes[is_one], self.counts[is_one])
        class_counts = _csr_array(*summed, (len(ids), n_classes))
        if totals.exclusive:
            df = np.asarray(class_counts.sum(axis=1)).ravel()
        else:
            df = np.zeros(len(ids))
            any_ids, any_counts = self.any_ids, self.any_counts
            assert any_ids is not None and any_counts is not None
            places, is_one = _places(any_ids, ids)
            places, sums = _sums(places, any_counts[is_one])
            df[places] = sums
        return replace(totals, class_counts=class_counts, df=df)


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
        # Not its sum over an axis, which takes six times as long.
        df = class_counts @ np.ones(class_counts.shape[1])
        return cls(class_counts, class_totals, df, float(class_totals.sum()), True)

    @classmethod
    def count(
        cls,
        bags: SomeBags,
        codes: Codes,
        n_classes: int,
        sample_weight: NDArray[np.float64] | None = None,
        n_threads: int = 1,
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
            How many documents each sample stands for; not negative.
        n_threads : int
            At most so many work. Counts do not depend on it.
        """
        counts = class_counts(bags, codes, n_classes, sample_weight, n_threads)
        totals = _class_totals(codes, n_classes, sample_weight)
        if not isinstance(codes, LabelSets):
            return cls.of_classes(counts, totals)
        one_class = np.zeros(len(codes), dtype=np.int64)
        of_all = cls.count(bags, one_class, 1, sample_weight, n_threads)
        return cls(counts, totals, of_all.df, of_all.n_documents, False)

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
        n_before = len(self.df)
        n_ids = n_ids or n_before
        if pending is None:
            return self.with_ids(n_ids)
        pairs = _sums(pending.pairs, pending.counts)
        class_counts, sums = _with_pairs(self.class_counts, *pairs, n_ids)
        if self.exclusive:
            return replace(self, class_counts=class_counts, df=sums)
        df = np.append(self.df, np.zeros(n_ids - n_before))
        any_ids, any_counts = pending.any_ids, pending.any_counts
        if any_ids is not None and any_counts is not None:
            ids, counts = _sums(any_ids, any_counts)
            df[ids] += counts
        return replace(self, class_counts=class_counts, df=df)

    def with_ids(self, n_ids: int) -> DocumentCounts:
        """Return the same counts; ids that joined since have none."""
        n_before, n_classes = self.class_counts.shape
        if n_ids == n_before:
            return self
        counts = self.class_counts
        indptr = np.append(counts.indptr, np.full(n_ids - n_before, counts.indptr[-1]))
        class_counts = sp.csr_array(
            (counts.data, counts.indices, indptr), shape=(n_ids, n_classes)
        )
        df = np.append(self.df, np.zeros(n_ids - n_before))
        return replace(self, class_counts=class_counts, df=df)

    def rows(self, ids: NDArray[np.int64] | slice) -> DocumentCounts:
        """Counts of some tokens, over all documents."""
        return replace(self, class_counts=self.class_counts[ids], df=self.df[ids])

    def moved(self, old_ids: NDArray[np.int32]) -> DocumentCounts:
        """Counts of tokens that have other numbers now.

        Parameters
        ----------
        old_ids : ndarray of shape (n_ids,), dtype=int32
            The number here of each; -1 for a token without counts.
        """
        is_counted = old_ids >= 0
        kept = self.rows(old_ids[is_counted].astype(np.int64))
        indptr = np.zeros(len(old_ids) + 1, dtype=np.int64)
        indptr[1:][is_counted] = np.diff(kept.class_counts.indptr)
        np.cumsum(indptr, out=indptr)
        counts, n_classes = kept.class_counts, len(self.class_totals)
        class_counts = sp.csr_array(
            (counts.data, counts.indices, indptr), shape=(len(old_ids), n_classes)
        )
        df = np.zeros(len(old_ids))
        df[is_counted] = kept.df
        return replace(self, class_counts=class_counts, df=df)


def _places(
    values: NDArray[np.int64], among: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Places in an ascending array of those values it holds, and which these are."""
    places = np.searchsorted(among, values)
    is_one = places < len(among)
    is_one[is_one] = among[places[is_one]] == values[is_one]
    return places[is_one], is_one


def _class_totals(
    codes: Codes, n_classes: int, sample_weight: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Weighted number of documents of each class."""
    rows, single = one_each(codes)
    if rows is not None and sample_weight is not None:
        sample_weight = sample_weight[rows]
    totals = np.bincount(single, weights=sample_weight, minlength=n_classes)
    return totals.astype(np.float64)


def _sum_pairs(
    bags: SomeBags,
    codes: Codes,
    n_classes: int,
    sample_weight: NDArray[np.float64] | None,
) -> _Counted:
    """Distinct pairs ``id * n_classes + code``, ascending, and the count of each.

    With three classes, a bag of the ids 0 and 2 and a bag of the id 2, both of class 1,
    hold the pairs 1, 7 and 7: ``(array([1, 7]), array([1., 2.]))``.
    """
    if bags.mean_length * len(bags) < SMALLEST_SHARE_OF_TABLE * bags.n_ids:
        return _sum_few_pairs(bags, codes, n_classes, sample_weight)
    counts = class_counts(bags, codes, n_classes, sample_weight)
    rows = np.repeat(np.arange(bags.n_ids, dtype=np.int64), np.diff(counts.indptr))
    return rows * n_classes + counts.indices, counts.data


def _sum_few_pairs(
    bags: SomeBags,
    codes: Codes,
    n_classes: int,
    sample_weight: NDArray[np.float64] | None,
) -> _Counted:
    """The same in time that does not depend on the number of ids."""
    ids, offsets = _stored_in_order(bags, len(codes))
    rows, single = one_each(codes)
    if rows is not None:
        weightless = np.empty(len(ids), dtype=np.uint8)
        taken = Bags(ids, offsets, weightless, bags.n_ids).take(rows)
        ids, offsets = taken.ids, taken.offsets
    lengths = np.diff(offsets)
    # The smaller the numbers the sooner they are sorted.
    fits = bags.n_ids * n_classes <= MAX_INT32
    dtype = np.dtype(np.int32 if fits else np.int64)
    pairs = ids * dtype.type(n_classes)
    pairs += np.repeat(single.astype(dtype), lengths)
    if sample_weight is None:
        return _counted(pairs)
    weight = sample_weight if rows is None else sample_weight[rows]
    return _sums(pairs.astype(np.int64), np.repeat(weight, lengths))


def _stored_in_order(
    bags: SomeBags, n_samples: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Ids and offsets of the first bags: those that are stored, if they are these."""
    entries = bags.entries()
    if entries.rows is None and entries.new_ids is None:
        offsets = entries.offsets[: n_samples + 1]
        return entries.ids[: offsets[-1]], offsets
    part = bags.slice(0, n_samples)
    return part.ids, part.offsets


def _counted(pairs: NDArray[Any]) -> _Counted:
    """Distinct pairs, ascending, and how often each is there."""
    values, counts = np.empty(len(pairs), dtype=np.int64), np.empty(len(pairs))
    n = count_runs(np.sort(pairs), values, counts)
    return values[:n].copy(), counts[:n].copy()


def _sums(
    pairs: NDArray[np.int64], values: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Distinct pairs, ascending, and the sum of the values of each."""
    are_small = max(pairs.max(initial=0), values.max(initial=0)) <= MAX_INT32
    if are_small and (values == np.floor(values)).all():
        # Numbers alone are sorted in a fraction of the time of an order.
        packed = np.sort(pairs << 32 | values.astype(np.int64))
        distinct, sums = np.empty(len(pairs), dtype=np.int64), np.empty(len(pairs))
        n = sum_packed(packed, distinct, sums)
        return distinct[:n], sums[:n]
    order = np.argsort(pairs, kind="stable")
    pairs, values = pairs[order], values[order]
    starts = np.flatnonzero(np.diff(pairs, prepend=-1))
    sums = np.add.reduceat(values, starts) if len(starts) else np.empty(0)
    return pairs[starts], sums


def summed_csr(
    pairs: NDArray[np.int64], values: NDArray[np.float64], shape: tuple[int, int]
) -> sp.csr_array:
    """Matrix of sums of values at pairs ``row * n_columns + column``, in any order."""
    return _csr_array(*_sums(pairs, values), shape)


def _with_pairs(
    counts: sp.csr_array,
    pairs: NDArray[np.int64],
    values: NDArray[np.float64],
    n_ids: int,
) -> tuple[sp.csr_array, NDArray[np.float64]]:
    """Matrix of `n_ids` rows to which values at ascending pairs are added; row sums."""
    n_entries, n_classes = len(counts.data) + len(pairs), counts.shape[1]
    indptr = np.empty(n_ids + 1, dtype=np.int64)
    classes, sums = np.empty(n_entries, dtype=np.int32), np.empty(n_ids)
    data = np.empty(n_entries)
    add_pairs(
        counts.indptr.astype(np.int64, copy=False),
        counts.indices.astype(np.int32, copy=False),
        counts.data,
        pairs,
        values,
        n_classes,
        indptr,
        classes,
        data,
        sums,
    )
    # In place: a copy would take the memory of all once more.
    classes.resize(indptr[-1], refcheck=False)
    data.resize(indptr[-1], refcheck=False)
    return sp.csr_array((data, classes, indptr), shape=(n_ids, n_classes)), sums


def _csr_array(
    pairs: NDArray[np.int64], values: NDArray[np.float64], shape: tuple[int, int]
) -> sp.csr_array:
    """Matrix of values at ascending pairs ``row * n_columns + column``."""
    rows, columns = np.divmod(pairs, shape[1])
    indptr = np.zeros(shape[0] + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows, minlength=shape[0]), out=indptr[1:])
    return sp.csr_array((values, columns, indptr), shape=shape)

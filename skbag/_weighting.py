"""How much each token counts: TF-IDF, class-informed factors, norms.

Everything that depends on the token alone is one vector, computed from document and
class counts and multiplied into the counts when a text is encoded. So a change of
weighting never touches the encoders, the table or the trainer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skbag._bags import Bags, SomeBags
from skbag._dtypes import WEIGHT_DTYPE
from skbag._features import FeatureKind
from skbag._label_divergence import label_divergence
from skbag._label_sets import Codes, LabelSets, one_each

PRIOR_STRENGTH = 3.0
"""How many documents of prior class shares a token's own class counts are mixed with,
so that a token seen once is not taken for a certain sign of its class."""

INFORMED_SHARE = 0.5
"""Share of a token's weight that its class information decides; the rest it keeps."""

LEAST_MEAN = 1e-12
"""Least mean of what tokens say of the classes, against the token that says most."""

KIND_FACTORS = {
    FeatureKind.TERM: 1.0,
    FeatureKind.NGRAM: 0.7,
    FeatureKind.EDGE: 0.7,
    FeatureKind.AFFIX: 0.5,
    FeatureKind.SKIP: 0.5,
    FeatureKind.SUBWORD: 0.3,
}
"""Weight of each kind of feature against a single word: those that repeat what words
say, in finer or coarser form, count for less."""

_BLOCK_ENTRIES = 2**19
"""Entries of bags that are counted at a time."""

_BLOCK_ROWS = 2**14
"""Tokens whose class counts are looked at at a time."""

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
    from skbag._sorting import add_at

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
    from skbag._sorting import argsort, sort

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


def smooth_idf(statistics: Statistics) -> NDArray[np.float64]:
    """Inverse document frequency of each token, ``ln((1 + n) / (1 + df)) + 1``.

    The formula of ``sklearn.feature_extraction.text.TfidfTransformer`` with
    ``smooth_idf=True``.

    Returns
    -------
    idf : ndarray of shape (n_ids,), dtype=float64
    """
    document_counts = statistics.document_counts
    return np.log((1 + statistics.n_documents) / (1 + document_counts)) + 1


def class_divergence(statistics: Statistics) -> NDArray[np.float64]:
    """How far the classes of the documents that hold a token are from the prior.

    The Kullback-Leibler divergence ``KL_j = sum_c q_jc ln(q_jc / pi_c)``, with `pi`
    the shares of the classes and ``q_jc = (n_jc + a pi_c) / (n_j + a)`` the class
    shares of the documents that hold token j, smoothed by ``a = PRIOR_STRENGTH``
    documents of the prior (Kullback and Leibler, "On Information and Sufficiency",
    1951; the smoothing is the mean of a Dirichlet posterior). Where documents have any
    number of labels: `label_divergence`.

    Returns
    -------
    divergence : ndarray of shape (n_ids,), dtype=float64
        Zero for a token that says nothing, at most ``-ln(min pi)``.
    """
    counts = statistics.class_counts
    prior = statistics.class_totals / statistics.n_documents
    if statistics.any_counts is not None:
        return label_divergence(
            counts, prior, statistics.document_counts, PRIOR_STRENGTH
        )
    document_counts = statistics.document_counts
    divergence = np.empty(len(document_counts))
    # Some at a time: arrays of all would cost more to fill than the work done on them.
    for start in range(0, len(divergence), _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        entries = slice(*counts.indptr[[start, min(rows.stop, len(divergence))]])
        divergence[rows] = _divergence_of_rows(
            np.diff(counts.indptr[start : rows.stop + 1]),
            counts.indices[entries],
            counts.data[entries],
            prior,
            document_counts[rows] + PRIOR_STRENGTH,
        )
    return divergence


def _divergence_of_rows(
    lengths: NDArray[Any],
    codes: NDArray[Any],
    counts: NDArray[np.float64],
    prior: NDArray[np.float64],
    total: NDArray[np.float64],
) -> NDArray[np.float64]:
    """`class_divergence` of some tokens, by the arrays of their rows of counts."""
    # A class without the token has q = t pi with t = a / (n_j + a): all of them
    # together give (1 - sum of the other pi) t ln t, so only stored counts are visited.
    absent = PRIOR_STRENGTH / total
    row = np.repeat(np.arange(len(lengths)), lengths)
    stored_prior = prior[codes]
    if prior.all():
        ratio = (counts / stored_prior + PRIOR_STRENGTH) / total[row]
    else:
        ratio = np.ones(len(row))
        seen = stored_prior > 0
        smoothed = counts[seen] / stored_prior[seen] + PRIOR_STRENGTH
        ratio[seen] = smoothed / total[row[seen]]
    terms = stored_prior * ratio * np.log(ratio)
    stored = np.bincount(row, weights=terms, minlength=len(lengths))
    stored_share = np.bincount(row, weights=stored_prior, minlength=len(lengths))
    rest = np.maximum(1 - stored_share, 0) * absent * np.log(absent)
    return np.maximum(stored + rest, 0)


def class_informed_factors(
    statistics: Statistics, kinds: NDArray[np.uint8] | None
) -> NDArray[np.float64]:
    """Factor of each token's weight: what it says of the classes, and its kind.

    ``kind * (1 - s + s sqrt(KL_j / mean KL))`` with ``s = INFORMED_SHARE``, the mean
    taken over all occurrences of all tokens. Weighting terms by their relation to the
    classes goes back to Debole and Sebastiani, "Supervised Term Weighting for
    Automated Text Categorization", 2003.

    Parameters
    ----------
    statistics : Statistics
    kinds : ndarray of shape (n_ids,), dtype=uint8, or None
        The `FeatureKind` of each token; None where all are alike.

    Returns
    -------
    factors : ndarray of shape (n_ids,), dtype=float64, positive
    """
    divergence = class_divergence(statistics)
    occurrences = statistics.document_counts
    mean = (divergence * occurrences).sum() / max(occurrences.sum(), 1e-300)
    factors = np.ones(len(divergence))
    # Tokens of samples that weigh next to nothing would get factors without bound.
    mean = max(mean, LEAST_MEAN * divergence.max(initial=0))
    if mean > 0:
        factors += INFORMED_SHARE * (np.sqrt(divergence / mean) - 1)
    if kinds is not None:
        by_kind = np.ones(max(KIND_FACTORS) + 1)
        by_kind[list(KIND_FACTORS)] = list(KIND_FACTORS.values())
        factors *= by_kind[kinds]
    return factors


@dataclass(frozen=True)
class Weighting:
    """How counts become weights. The fields are the estimator's parameters."""

    use_idf: bool
    sublinear_tf: bool
    norm: Literal["l1", "l2"] | None
    supervised: bool

    def id_weights(
        self, statistics: Statistics, kinds: NDArray[np.uint8] | None
    ) -> NDArray[np.float32] | None:
        """Weight of each token, or None where all are 1.

        Returns
        -------
        id_weights : ndarray of shape (n_ids,), dtype=float32, positive, or None
        """
        if not (self.use_idf or self.supervised):
            return None
        counted = statistics.counted
        if 2 * np.count_nonzero(counted) > len(counted):
            return self._weights(statistics, kinds)
        # Most buckets of a large table may be empty: one weight serves all of a kind.
        kinds = np.zeros(len(counted), dtype=np.uint8) if kinds is None else kinds
        met, others = np.flatnonzero(counted), _one_of_each(kinds, ~counted)
        some = np.append(met, others)
        found = self._weights(statistics.rows(some), kinds[some])
        by_kind = np.ones(max(KIND_FACTORS) + 1, dtype=WEIGHT_DTYPE)
        by_kind[kinds[others]] = found[len(met) :]
        weights = by_kind[kinds]
        weights[met] = found[: len(met)]
        return weights

    def _weights(
        self, statistics: Statistics, kinds: NDArray[np.uint8] | None
    ) -> NDArray[np.float32]:
        statistics = replace(statistics, sums=statistics.document_counts)
        weights = np.ones(statistics.class_counts.shape[0])
        if self.use_idf:
            weights *= smooth_idf(statistics)
        if self.supervised:
            weights *= class_informed_factors(statistics, kinds)
        return weights.astype(WEIGHT_DTYPE)

    def apply(self, bags: Bags, id_weights: NDArray[np.float32] | None) -> Bags:
        """Bags of counts to bags of weights.

        Parameters
        ----------
        bags : Bags
            Counts (or the values of a matrix).
        id_weights : ndarray of shape (n_ids,), dtype=float32, or None

        Returns
        -------
        weighted : Bags
            The same ids. An empty bag stays empty: no norm divides by zero.
        """
        weights = bags.weights.astype(WEIGHT_DTYPE, copy=False)
        if self.sublinear_tf:
            weights = 1 + np.log(weights)
        if id_weights is not None:
            weights = weights * id_weights[bags.ids]
        if self.norm is not None:
            norms = _norms(bags, weights, self.norm)
            if len(norms) > 1:
                norms = np.repeat(norms, np.diff(bags.offsets))
            weights = weights / norms
        return bags.with_weights(weights)


def _one_of_each(
    kinds: NDArray[np.uint8], among: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """One id of each kind, of those where `among` says so."""
    masks = (among & (kinds == kind) for kind in KIND_FACTORS)
    found = [int(mask.argmax()) for mask in masks if mask.any()]
    return np.array(found, dtype=np.int64)


def _norms(
    bags: Bags, weights: NDArray[np.float32], norm: Literal["l1", "l2"]
) -> NDArray[Any]:
    """Norm of each bag's weights, 1 where it is 0."""
    if norm == "l1":
        norms = bags.row_sums(np.abs(weights))
    else:
        norms = np.sqrt(bags.row_sums(weights * weights))
    norms[norms == 0] = 1
    return norms

"""How much each token counts: TF-IDF, class-informed factors, norms.

Everything that depends on the token alone is one vector, computed from document and
class counts and multiplied into the counts when a text is encoded. So a change of
weighting never touches the encoders, the table or the trainer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr

from skbag._core.bags import Bags, Entries
from skbag._core.communicator import SINGLE_PROCESS, Communicator, total
from skbag._core.dtypes import ID_DTYPE, OFFSET_DTYPE, WEIGHT_DTYPE
from skbag._core.threads import map_in_threads
from skbag._text.columns import MOST_COLUMNS, ColumnKind
from skbag._text.features import FeatureKind
from skbag._weighting.divergence import (
    class_divergence,
)
from skbag._weighting.document_counts import DocumentCounts
from skbag._weighting.weight_kernels import Rows, weigh_bags

INFORMED_SHARE = 0.5
"""Share of a token's weight that its class information decides; the rest it keeps.
For even classes; of uneven ones there is less to tell: see `informed_share`."""

_BLOCK_IDS = 2**15
"""Tokens whose factors are computed at a time."""

MIN_MEAN = 1e-12
"""Least mean of what tokens say of the classes, against the token that says most."""

KIND_FACTORS = {
    FeatureKind.TERM: 1.0,
    FeatureKind.NGRAM: 0.7,
    FeatureKind.EDGE: 0.7,
    FeatureKind.AFFIX: 0.5,
    FeatureKind.SKIP: 0.5,
    FeatureKind.SUBWORD: 0.3,
    FeatureKind.CATEGORY: 1.0,
    FeatureKind.NUMBER: 1.0,
}
"""Weight of each kind of feature against a single word: those that repeat what words
say, in finer or coarser form, count for less."""


def smooth_idf(document_counts: DocumentCounts) -> NDArray[np.float64]:
    """Inverse document frequency of each token, ``ln((1 + n) / (1 + df)) + 1``.

    The formula of ``sklearn.feature_extraction.text.TfidfTransformer`` with
    ``smooth_idf=True``.

    Returns
    -------
    idf : ndarray of shape (n_ids,), dtype=float64
    """
    idf = 1 + document_counts.df
    np.divide(1 + document_counts.n_documents, idf, out=idf)
    np.log(idf, out=idf)
    idf += 1
    return idf


def mean_divergence(
    document_counts: DocumentCounts,
    divergence: NDArray[np.float64],
    communicator: Communicator = SINGLE_PROCESS,
) -> float:
    """Mean of what tokens say of the classes, over all occurrences of all tokens.

    `communicator` are those that have other tokens.
    """
    occurrences = document_counts.df
    # Not as a product of BLAS, whose order of additions depends on its threads.
    own = np.einsum("i,i", divergence, occurrences), occurrences.sum()
    sums = total(communicator, np.array(own))
    largest = max(communicator.all_gather(divergence.max(initial=0)))
    # Tokens of samples that weigh next to nothing would get factors without bound.
    return float(max(sums[0] / max(sums[1], 1e-300), MIN_MEAN * largest))


def informed_share(document_counts: DocumentCounts) -> float:
    """Share of a token's weight that its class information is to decide.

    `INFORMED_SHARE` times the entropy of the class shares, over that of even shares:
    where one class has nearly all documents, what tokens say of the others is estimated
    from few. Documents of any number of labels have no such shares: `INFORMED_SHARE`.
    """
    if not document_counts.exclusive or len(document_counts.class_totals) < 2:
        return INFORMED_SHARE
    shares = document_counts.class_totals / document_counts.n_documents
    evenness = entr(shares).sum() / np.log(len(shares))
    return float(INFORMED_SHARE * np.clip(evenness, 0, 1))


def class_informed_factors(
    document_counts: DocumentCounts,
    kinds: NDArray[np.uint8] | None,
    mean: float | None = None,
    communicator: Communicator = SINGLE_PROCESS,
) -> tuple[NDArray[np.float64], float]:
    """Factor of each token's weight: what it says of the classes, and its kind.

    ``kind * (1 - s + s sqrt(KL_j / mean KL))``, the mean taken over all occurrences of
    all tokens; s: see `informed_share`. Weighting terms by their relation to the
    classes goes back to Debole and Sebastiani, "Supervised Term Weighting for
    Automated Text Categorization", 2003.

    Parameters
    ----------
    document_counts : DocumentCounts
    kinds : ndarray of shape (n_ids,), dtype=uint8, or None
        The `FeatureKind` of each token; None where all are alike.
    mean : float or None
        `mean_divergence` of all tokens; None where these are all, with those that
        other ranks have.
    communicator : Communicator
        Who has other tokens.

    Returns
    -------
    factors : ndarray of shape (n_ids,), dtype=float64, positive
    mean : float
        That which they were made with.
    """
    divergence = class_divergence(document_counts)
    if mean is None:
        mean = mean_divergence(document_counts, divergence, communicator)
    share = informed_share(document_counts)
    by_kind = np.ones(max(KIND_FACTORS) + 1)
    by_kind[list(KIND_FACTORS)] = list(KIND_FACTORS.values())
    # Some at a time, in place: fresh arrays of all would take longer than their sums.
    factors = divergence
    for start in range(0, len(factors), _BLOCK_IDS):
        block = slice(start, start + _BLOCK_IDS)
        own = factors[block]
        if mean > 0:
            own /= mean
            np.sqrt(own, out=own)
            own -= 1
            own *= share
            own += 1
        else:
            own[:] = 1
        if kinds is not None:
            own *= by_kind[kinds[block]]
    return factors, mean


_NORMS = {None: 0, "l1": 1, "l2": 2}

ENTRIES_PER_THREAD = 2**19
"""Fewer are weighed before another thread has started."""


COLUMN_SHARES: dict[ColumnKind, float] = {"text": 1.0, "category": 0.25, "number": 1.0}
"""How much a column counts in the norm of a row, beside its own norm. Numbers are put
beside that: see `NumberBlock`."""


@dataclass(frozen=True, eq=False)
class ColumnShares:
    """Which column each feature is of, and how the columns of a row share its norm.

    A row has norm 1, as a text has. Of the square of that, column c has a share in
    proportion to ``s_c * |x_c|``: `s_c` is given, ``|x_c|`` is the norm of the weights
    of the column's own features. So what tells more counts for more, by the square root
    of what it would count in one joined text; where a column is empty the others have
    its share. (Measured: docs/benchmarks/data_frames.md. Alike shares are up to 5
    points worse, and those of a joined text up to 1.) Of the norm "l1" the shares are
    those of the norm itself, in proportion to ``s_c * sqrt(|x_c|)``.

    Parameters
    ----------
    columns : ndarray of shape (n_ids,), dtype=uint8
        Column of each id.
    shares : ndarray of shape (n_columns,), dtype=float32, positive
    """

    columns: NDArray[np.uint8]
    shares: NDArray[np.float32]

    def for_kernels(self) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Both arrays; shares of as many columns as a byte can tell apart."""
        shares = np.zeros(MOST_COLUMNS, dtype=WEIGHT_DTYPE)
        shares[: len(self.shares)] = self.shares
        return self.columns, shares

    @staticmethod
    def of_kinds(kinds: Iterable[ColumnKind]) -> NDArray[np.float32]:
        """Shares of columns of these kinds, of shape (n_columns,)."""
        shares = [COLUMN_SHARES[kind] for kind in kinds]
        return np.array(shares, dtype=WEIGHT_DTYPE)


@dataclass(frozen=True)
class Weighting:
    """How counts become weights. The fields are the estimator's parameters."""

    use_idf: bool
    sublinear_tf: bool
    norm: Literal["l1", "l2"] | None
    supervised: bool

    def id_weights(
        self, document_counts: DocumentCounts, kinds: NDArray[np.uint8] | None
    ) -> NDArray[np.float32] | None:
        """Weight of each token, or None where all are 1.

        Returns
        -------
        id_weights : ndarray of shape (n_ids,), dtype=float32, positive, or None
        """
        return self.weights_and_mean(document_counts, kinds)[0]

    def weights_and_mean(
        self,
        document_counts: DocumentCounts,
        kinds: NDArray[np.uint8] | None,
        communicator: Communicator = SINGLE_PROCESS,
    ) -> tuple[NDArray[np.float32] | None, float]:
        """Weight of each token, and the `mean_divergence` that they were made with.

        `communicator` are those that weigh other tokens of the same documents.

        Returns
        -------
        id_weights : ndarray of shape (n_ids,), dtype=float32, positive, or None
        mean : float
            0 where no weight depends on the classes.
        """
        if not (self.use_idf or self.supervised):
            return None, 0.0
        counted = document_counts.df > 0
        if 2 * np.count_nonzero(counted) > len(counted):
            return self._weights(document_counts, kinds, communicator=communicator)
        # Most buckets of a large table may be empty: one weight serves all of a kind.
        kinds = np.zeros(len(counted), dtype=np.uint8) if kinds is None else kinds
        met, others = np.flatnonzero(counted), _one_of_each(kinds, ~counted)
        ids = np.append(met, others)
        computed, mean = self._weights(
            document_counts.rows(ids), kinds[ids], communicator=communicator
        )
        by_kind = np.ones(max(KIND_FACTORS) + 1, dtype=WEIGHT_DTYPE)
        by_kind[kinds[others]] = computed[len(met) :]
        weights = by_kind[kinds]
        weights[met] = computed[: len(met)]
        return weights, mean

    def weights_of_new(
        self,
        document_counts: DocumentCounts,
        kinds: NDArray[np.uint8] | None,
        mean: float,
    ) -> NDArray[np.float32]:
        """Weights of tokens that join others, by the `mean_divergence` of those."""
        return self._weights(document_counts, kinds, mean)[0]

    def _weights(
        self,
        document_counts: DocumentCounts,
        kinds: NDArray[np.uint8] | None,
        mean: float | None = None,
        communicator: Communicator = SINGLE_PROCESS,
    ) -> tuple[NDArray[np.float32], float]:
        if not self.supervised:
            return smooth_idf(document_counts).astype(WEIGHT_DTYPE), 0.0
        weights, mean = class_informed_factors(
            document_counts, kinds, mean, communicator
        )
        if self.use_idf:
            weights *= smooth_idf(document_counts)
        return weights.astype(WEIGHT_DTYPE), mean

    def apply(
        self,
        bags: Bags,
        id_weights: NDArray[np.float32] | None,
        column_shares: ColumnShares | None = None,
    ) -> Bags:
        """Bags of counts to bags of weights.

        Parameters
        ----------
        bags : Bags
            Counts (or the values of a matrix).
        id_weights : ndarray of shape (n_ids,), dtype=float32, or None
        column_shares : ColumnShares or None
            None where bags are of one column.

        Returns
        -------
        weighted : Bags
            The same ids. An empty bag stays empty: no norm divides by zero.
        """
        if self == COUNTS and bags.weights.dtype == WEIGHT_DTYPE:
            return bags
        weights = np.empty(len(bags.ids), dtype=WEIGHT_DTYPE)
        weigh_bags(
            bags.ids,
            bags.offsets,
            bags.weights,
            id_weights,
            self.sublinear_tf,
            _NORMS[self.norm],
            weights,
            *_for_kernels(column_shares),
        )
        return bags.with_weights(weights)

    def apply_to_entries(
        self,
        entries: Entries,
        n_ids: int,
        factors: NDArray[np.float32] | None,
        n_threads: int = 1,
        column_shares: ColumnShares | None = None,
    ) -> Bags:
        """Weighted bags of counts as they are stored, the same as by `apply`.

        Parameters
        ----------
        entries : Entries
        n_ids : int
            Number of ids, of new ones where there are.
        factors : ndarray of shape (n_stored_ids,), dtype=float32, or None
            Weight of each stored id.
        n_threads : int
            At most so many work. Weights do not depend on it.
        column_shares : ColumnShares or None
            By new ids.
        """
        rows = Rows(
            *entries,
            factors,
            self.sublinear_tf,
            _NORMS[self.norm],
            *_for_kernels(column_shares),
        )
        ends = _ends_of_rows(entries)
        n_shards = min(n_threads, max(int(ends[-1]) // ENTRIES_PER_THREAD, 1))
        if n_shards > 1:
            return _weighed_in_shards(rows, _cut(ends, n_shards), n_ids)
        ids, offsets, weights = _empty(int(ends[-1]), len(ends) - 1)
        n = rows.weigh(0, len(ends) - 1, ids, offsets, weights, 0, bytearray(1))
        # In place: a copy would take the memory of all once more.
        ids.resize(n, refcheck=False)
        weights.resize(n, refcheck=False)
        return Bags(ids, offsets, weights, n_ids)


COUNTS = Weighting(use_idf=False, sublinear_tf=False, norm=None, supervised=False)
"""Leaves counts as they are."""


def _for_kernels(
    column_shares: ColumnShares | None,
) -> tuple[NDArray[np.uint8], NDArray[np.float32]] | tuple[None, None]:
    return (None, None) if column_shares is None else column_shares.for_kernels()


def _ends_of_rows(entries: Entries) -> NDArray[np.int64]:
    """Where rows would end if none of their entries were left out, (n_rows + 1,)."""
    offsets, rows = entries.offsets, entries.rows
    if rows is None:
        return offsets
    ends = np.zeros(len(rows) + 1, dtype=OFFSET_DTYPE)
    np.cumsum(offsets[rows + 1] - offsets[rows], out=ends[1:])
    return ends


def _cut(ends: NDArray[np.int64], n_shards: int) -> list[tuple[int, int]]:
    """Cut rows into runs of about as many entries: pairs of start and stop."""
    inner = np.arange(1, n_shards) * ends[-1] // n_shards
    edges = [0, *np.searchsorted(ends, inner).tolist(), len(ends) - 1]
    return list(pairwise(edges))


def _empty(
    n_entries: int, n_rows: int
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.float32]]:
    return (
        np.empty(n_entries, dtype=ID_DTYPE),
        np.zeros(n_rows + 1, dtype=OFFSET_DTYPE),
        np.empty(n_entries, dtype=WEIGHT_DTYPE),
    )


def _weighed_in_shards(rows: Rows, shards: list[tuple[int, int]], n_ids: int) -> Bags:
    """Weighted bags by a thread for each shard of rows."""
    cancel = bytearray(1)
    sizes = map_in_threads(lambda shard: rows.n_kept(*shard, cancel), shards, cancel)
    places = [0, *accumulate(sizes)]
    ids, offsets, weights = _empty(places[-1], shards[-1][1])

    def weigh(own: tuple[tuple[int, int], int]) -> None:
        shard, place = own
        rows.weigh(*shard, ids, offsets, weights, place, cancel)

    map_in_threads(weigh, list(zip(shards, places, strict=False)), cancel)
    return Bags(ids, offsets, weights, n_ids)


def _one_of_each(
    kinds: NDArray[np.uint8], among: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """One id of each kind, of those where `among` says so."""
    masks = (among & (kinds == kind) for kind in KIND_FACTORS)
    ids = [int(mask.argmax()) for mask in masks if mask.any()]
    return np.array(ids, dtype=np.int64)

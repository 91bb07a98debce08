"""Which features a fit keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.bag_kernels import count_ids, order_by_count
from skbag._core.bags import Bags
from skbag._core.communicator import SINGLE_PROCESS, Communicator, total
from skbag._core.dtypes import ID_DTYPE
from skbag._text.features import FeatureKind

MAX_TABLE_NUMBERS = 2**23
"""Largest table that the automatic `min_df` allows, in numbers (32 MiB)."""

MIN_DF_SKIP = 2
"""Texts that must hold a skip pair, where `min_df` is automatic."""

MIN_DF_SUBWORD = 2
"""The same for a subword."""


_AUTO_MIN_DF = (1, 2, 3, 4, 6, 8)
"""What the automatic `min_df` may be."""


def auto_min_df(
    document_counts: NDArray[np.int64],
    width: int,
    communicator: Communicator = SINGLE_PROCESS,
) -> int:
    """Smallest document count that keeps the table within bounds.

    Parameters
    ----------
    document_counts : ndarray of shape (n_ids,), dtype=int64
    width : int
        Columns of the table.
    communicator : Communicator
        Who has the document counts of other features.
    """
    *limits, last = _AUTO_MIN_DF
    n_kept = [np.count_nonzero(document_counts >= min_df) for min_df in limits]
    for min_df, n in zip(limits, total(communicator, np.array(n_kept)), strict=True):
        if n * width <= MAX_TABLE_NUMBERS:
            return min_df
    return last


@dataclass(frozen=True)
class Pruning:
    """Which features to keep. The fields are the estimator's parameters."""

    min_df: float | str
    max_df: float
    max_features: int | None


@dataclass(frozen=True, eq=False)
class FeatureCounts:
    """How often features are in some texts.

    Parameters
    ----------
    n_texts : int
    documents : ndarray of shape (n_ids,), dtype=int64
        In how many of the texts each feature is.
    occurrences : ndarray of shape (n_ids,), dtype=float64, or None
        How often it is there; None where nobody asks.
    """

    n_texts: int
    documents: NDArray[np.int64]
    occurrences: NDArray[np.float64] | None

    @classmethod
    def of(cls, bags: Bags, pruning: Pruning) -> FeatureCounts:
        """Count features, whose ids are unique within each bag, as pruning needs."""
        n_ids, occurrences = bags.n_ids, None
        if pruning.max_features is not None:
            found = np.bincount(bags.ids, weights=bags.weights, minlength=n_ids)
            occurrences = found.astype(np.float64, copy=False)
        return cls(len(bags), count_ids(bags.ids, n_ids), occurrences)


def keep_features(
    counted: FeatureCounts,
    kinds: NDArray[np.uint8] | None,
    pruning: Pruning,
    width: int,
    exempt: Callable[[int], NDArray[np.int32]] | None = None,
    communicator: Communicator = SINGLE_PROCESS,
) -> NDArray[np.int32]:
    """Ids that survive pruning, most frequent first.

    The meaning of `min_df`, `max_df` and `max_features` is that of
    ``sklearn.feature_extraction.text.CountVectorizer``. Of categories `min_df` alone;
    columns of numbers always stay.

    Parameters
    ----------
    counted : FeatureCounts
    kinds : ndarray of shape (n_ids,), dtype=uint8, or None
        The `FeatureKind` of each id; None where none is a skip pair, a subword or
        a category.
    pruning : Pruning
    width : int
        Columns of the table, for the automatic `min_df`.
    exempt : callable or None
        Called with an automatic `min_df` above 1, for ids to keep all the same.
    communicator : Communicator
        Who decides of other features, with the same limits. Of equal occurrences
        `max_features` keeps those of the first rank.

    Returns
    -------
    kept_ids : ndarray of shape (n_kept,), dtype=int32
        By falling number of documents, so that the rows used most lie together.

    Raises
    ------
    ValueError
        If nothing remains.
    """
    min_df, max_df = pruning.min_df, pruning.max_df
    document_counts = counted.documents
    is_exempt = np.zeros(len(document_counts), dtype=bool)
    if isinstance(min_df, str):
        if kinds is None:
            min_df = auto_min_df(document_counts, width, communicator)
        else:
            document_counts = document_counts.copy()
            min_df = _auto_min_df_by_kind(document_counts, kinds, width, communicator)
        if min_df > 1 and exempt is not None:
            is_exempt[exempt(min_df)] = True
    low = _document_count(min_df, counted.n_texts)
    high = _document_count(max_df, counted.n_texts)
    if high < low:
        raise ValueError(
            f"max_df={max_df} corresponds to fewer documents than min_df={min_df}. "
            "Raise max_df or lower min_df."
        )
    is_category = np.zeros(len(document_counts), dtype=bool)
    if kinds is not None:
        is_number = kinds == FeatureKind.NUMBER
        is_exempt |= is_number
        is_category = (kinds == FeatureKind.CATEGORY) | is_number
    is_kept = (document_counts >= low) | is_exempt
    kept_ids = np.flatnonzero(is_kept & ((document_counts <= high) | is_category))
    max_features = pruning.max_features
    if max_features is not None:
        of_text = kept_ids[~is_category[kept_ids]]
        if total(communicator, len(of_text)) > max_features:
            assert counted.occurrences is not None
            occurrences = counted.occurrences[of_text]
            order = np.argsort(-occurrences, kind="stable")
            n_kept = _n_among_first(occurrences, max_features, communicator)
            of_text = of_text[order[:n_kept]]
            kept_ids = np.append(of_text, kept_ids[is_category[kept_ids]])
    if total(communicator, len(kept_ids)) == 0:
        check_any(counted.documents, communicator)
        raise ValueError(
            "After pruning, no tokens remain. Try a lower min_df or a higher max_df."
        )
    by_frequency = order_by_count(document_counts[kept_ids])
    return kept_ids[by_frequency].astype(ID_DTYPE)


def _n_among_first(
    occurrences: NDArray[np.float64], n_first: int, communicator: Communicator
) -> int:
    """How many of these are among the first by falling occurrences, of all ranks."""
    if communicator.world_size == 1:
        return n_first
    own = np.unique(-occurrences, return_counts=True)
    received = communicator.all_gather(own)
    values, counts = map(np.concatenate, zip(*received, strict=True))
    ranks = np.repeat(np.arange(len(received)), [len(each) for each, _ in received])
    # Stable: of equal values those of the first rank are first.
    order = np.argsort(values, kind="stable")
    before = np.cumsum(counts[order]) - counts[order]
    n_kept = np.clip(n_first - before, 0, counts[order])
    return int(n_kept[ranks[order] == communicator.rank].sum())


def check_any(
    document_counts: NDArray[np.int64], communicator: Communicator = SINGLE_PROCESS
) -> None:
    """Raise where texts have no features at all.

    Parameters
    ----------
    document_counts : ndarray of shape (n_ids,), dtype=int64
    communicator : Communicator
        Who has the document counts of other features.

    Raises
    ------
    ValueError
    """
    if not total(communicator, bool(document_counts.any())):
        raise ValueError(
            "No tokens were found: the texts are empty or hold nothing that "
            "token_pattern, analyzer or stop_words let through."
        )


def _auto_min_df_by_kind(
    document_counts: NDArray[np.int64],
    kinds: NDArray[np.uint8],
    width: int,
    communicator: Communicator,
) -> int:
    """`auto_min_df`, and 0 in place of the counts of what is to go beside.

    Subwords have a table of their own size: they leave the other features alone.
    """
    # Most skip pairs are met once, and then say what the words by them say.
    is_chance = (kinds == FeatureKind.SKIP) & (document_counts < MIN_DF_SKIP)
    is_subword = kinds == FeatureKind.SUBWORD
    if total(communicator, bool(is_subword.any())):
        least = auto_min_df(document_counts[is_subword], width, communicator)
        is_chance |= is_subword & (document_counts < max(least, MIN_DF_SUBWORD))
    document_counts[is_chance] = 0
    return auto_min_df(document_counts[~is_subword], width, communicator)


def _document_count(limit: Any, n_texts: int) -> float:
    """A number of texts as it is, a share of them as a number."""
    return float(limit if isinstance(limit, Integral) else limit * n_texts)


def new_numbers(kept_ids: NDArray[np.int32], n_ids: int) -> NDArray[np.int32]:
    """What each of `n_ids` ids becomes where ``kept[i]`` becomes i.

    Returns
    -------
    new_ids : ndarray of shape (n_ids,), dtype=int32
        -1 for an id that is not kept.
    """
    new_ids = np.full(n_ids, -1, dtype=ID_DTYPE)
    new_ids[kept_ids] = np.arange(len(kept_ids), dtype=ID_DTYPE)
    return new_ids

"""What an automatic `min_df` leaves to classes of few texts.

Pruning by the number of documents keeps what is frequent. A class of four texts has
nothing that is in eight, so all that distinguishes it would go, and its texts would
be left with the words that every class has. Such a class keeps the rare tokens that say
most of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.communicator import SINGLE_PROCESS, Communicator
from skbag._core.dealing import split_by_sizes
from skbag._core.dtypes import ID_DTYPE
from skbag._text.features import FeatureKind

FEW_TEXTS = 4
"""A class has few texts where it has fewer than so many times `min_df`: a token of its
own must then be in more than a quarter of them to survive."""

MAX_FEATURES_PER_CLASS = 8
"""Rare tokens that a class of few texts keeps at most, ..."""

MIN_FEATURES_PER_CLASS = 2
"""... and where the table would be too large, ..."""

MAX_TABLE_NUMBERS = 2**28
"""... which is so many numbers (1 GiB) for the tokens of all such classes."""


def classes_of_few_texts(
    class_counts: NDArray[np.int64], min_df: int
) -> NDArray[np.bool_]:
    """Which classes, of (n_classes,) numbers of texts, lose too much by `min_df`."""
    return (class_counts > 0) & (class_counts < FEW_TEXTS * min_df)


@dataclass(frozen=True, eq=False)
class RarePairs:
    """Rare features of classes of few texts, and how many texts of a class hold each.

    Parameters
    ----------
    pairs : ndarray of shape (n,), dtype=int64
        ``class * n_ids + id``, ascending and unique.
    counts : ndarray of shape (n,), dtype=int64
    """

    pairs: NDArray[np.int64]
    counts: NDArray[Any]

    @classmethod
    def of(
        cls, bags: Bags, classes: NDArray[np.int64], is_rare: NDArray[np.bool_]
    ) -> RarePairs:
        """Count the pairs of some texts.

        Parameters
        ----------
        bags : Bags
            Counts of the texts of the classes that keep something, ids unique within
            each. A text of several such classes is there once for each.
        classes : ndarray of shape (n_bags,), dtype=int64
            The class of each bag.
        is_rare : ndarray of shape (n_ids,), dtype=bool
            See `are_rare`.
        """
        where = np.flatnonzero(is_rare[bags.ids])
        of_entry = np.repeat(classes, np.diff(bags.offsets))[where]
        pairs = of_entry * bags.n_ids + bags.ids[where]
        return cls(*np.unique(pairs, return_counts=True))

    @staticmethod
    def sum(pairs: NDArray[np.int64], counts: NDArray[Any]) -> RarePairs:
        """Pairs in any order, some of them several times."""
        distinct, inverse = np.unique(pairs, return_inverse=True)
        return RarePairs(distinct, np.bincount(inverse, counts))


def are_rare(
    document_counts: NDArray[np.int64], kinds: NDArray[np.uint8] | None, min_df: int
) -> NDArray[np.bool_]:
    """Which features are below `min_df`, and of a kind that a class may keep."""
    is_rare = document_counts < min_df
    if kinds is not None:
        is_rare &= kinds <= FeatureKind.NGRAM
    return is_rare


def rare_features_of_classes(
    rare: RarePairs,
    class_counts: NDArray[np.int64],
    document_counts: NDArray[np.int64],
    kinds: NDArray[np.uint8] | None,
    n_each: int,
    communicator: Communicator = SINGLE_PROCESS,
) -> NDArray[np.int32]:
    """Ids below `min_df` that classes keep.

    Each class keeps the tokens and n-grams with the largest
    ``n_tc * log(n_tc * n / (n_t * n_c))``, for a feature t in `n_t` of n documents and
    in `n_tc` of the `n_c` documents of the class: its part of the mutual information of
    t and c (Yang and Pedersen, "A Comparative Study on Feature Selection in Text
    Categorization", ICML 1997).

    Parameters
    ----------
    rare : RarePairs
        Of the texts of all processes.
    class_counts : ndarray of shape (n_classes,), dtype=int64
        Texts of each class.
    document_counts : ndarray of shape (n_ids,), dtype=int64
        Texts that hold each feature.
    kinds : ndarray of shape (n_ids,), dtype=uint8, or None
        The `FeatureKind` of each id; None where all may be kept.
    n_each : int
        How many features a class keeps at most.
    communicator : Communicator
        Who has pairs of other features, of the same classes. Of two of one kind that
        are worth the same, that of the first rank comes first.

    Returns
    -------
    ids : ndarray of shape (n_kept,), dtype=int32
        Ascending and unique.
    """
    of_class, ids = np.divmod(rare.pairs, len(document_counts))
    expected = document_counts[ids] * class_counts[of_class] / class_counts.sum()
    worth = rare.counts * np.log(rare.counts / expected)
    kind = np.zeros(len(ids)) if kinds is None else kinds[ids]
    # Of two that are worth the same, the token before the n-gram that it is in.
    order = np.lexsort((ids, kind, -worth, of_class))
    order = order[_are_first(of_class[order], n_each)]
    if communicator.world_size > 1:
        own = of_class[order], -worth[order], kind[order]
        received = communicator.all_gather(own)
        of_class, falling, kind = map(np.concatenate, zip(*received, strict=True))
        # Stable: of ties the first rank's are first, in the order that they have there.
        of_all = np.lexsort((kind, falling, of_class))
        is_kept = np.zeros(len(of_all), dtype=bool)
        is_kept[of_all[_are_first(of_class[of_all], n_each)]] = True
        sizes = [len(each) for each, _, _ in received]
        order = order[split_by_sizes(is_kept, sizes)[communicator.rank]]
    return np.unique(ids[order]).astype(ID_DTYPE)


def _are_first(groups: NDArray[np.int64], n_each: int) -> NDArray[np.bool_]:
    """Which of ascending numbers are among the first so many that are the same."""
    firsts = np.searchsorted(groups, groups)
    return np.arange(len(groups)) - firsts < n_each


def n_features_per_class(n_classes: int, width: int) -> int:
    """How many rare features each of so many classes of few texts keeps at most.

    Parameters
    ----------
    n_classes : int
        That have few texts.
    width : int
        Columns of the table.

    Examples
    --------
    >>> [n_features_per_class(n, n) for n in (3_000, 8_000, 100_000)]
    [8, 4, 2]
    """
    fit = MAX_TABLE_NUMBERS // max(n_classes * width, 1)
    return int(np.clip(fit, MIN_FEATURES_PER_CLASS, MAX_FEATURES_PER_CLASS))

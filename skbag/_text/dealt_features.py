"""Features dealt to the ranks by their hashes, counted and kept by their owners.

Strings first: each rank gives those whose hashes are in its range numbers in the order
of the hashes. Then keys made of these numbers, which are the same on all ranks: each
feature has one owner, who is told how often every rank has met it, decides, and answers
with its id. All ranks get the features that are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.bag_kernels import order_by_count
from skbag._core.communicator import Communicator, total
from skbag._core.dealing import Dealing, split_by_sizes
from skbag._core.dtypes import ID_DTYPE
from skbag._text.encoder import LearningEncoder, MergeableEncoder
from skbag._text.feature_table import FeatureTable, Strings, inverse
from skbag._text.merging_kernels import (
    mixed,
    number_keys,
    strings_in_use,
    with_other_strings,
)
from skbag._text.pruning import FeatureCounts

MOST_STRINGS = 2**31 - 1
"""Strings of all ranks together: their numbers have 31 bits in keys."""


@dataclass(frozen=True, eq=False)
class DealtFeatures:
    """Features of several ranks, of which this one owns some; a `Merged`.

    Features of all ranks have an order: that of their mixed keys (see `mixed`), which
    are made of strings in the order of their hashes. Each rank owns a run of it, after
    that of the rank before.

    Parameters
    ----------
    communicator : Communicator
    encoder : MergeableEncoder
        What this rank has learnt.
    met, counted : FeatureCounts
    dealing : Dealing
        Which rank owns each feature met.
    asked : list of ndarray, dtype=int32
        Of each rank the features here that it has met, in the order of its dealing.
    owned : FeatureTable
        Features that this rank owns, in their order; their keys have the numbers of
        the strings of all ranks. Strings are those that this rank owns.
    first_string : int
        Number of the first of these strings.
    n_strings : int
        Strings of all ranks.
    """

    communicator: Communicator
    encoder: MergeableEncoder
    met: FeatureCounts
    counted: FeatureCounts
    dealing: Dealing
    asked: list[NDArray[np.int32]]
    owned: FeatureTable
    first_string: int
    n_strings: int

    @classmethod
    def of(
        cls, communicator: Communicator, encoder: MergeableEncoder, met: FeatureCounts
    ) -> DealtFeatures:
        """Deal features to their owners, and merge what ranks say of each."""
        table = encoder.feature_table(communicator)
        strings, numbers, n_before = _number_strings(communicator, table.strings)
        keys = with_other_strings(table.keys, numbers)
        dealing = Dealing.by_hash(mixed(keys), communicator.world_size)
        columns: list[NDArray[Any]] = [keys, table.kinds, _small(met.documents)]
        if met.occurrences is not None:
            columns.append(met.occurrences)
        dealt = list(zip(*(dealing.deal(column) for column in columns), strict=True))
        received = communicator.all_to_all(dealt)
        keys, kinds, *counts = map(np.concatenate, zip(*received, strict=True))
        found, firsts = number_keys(keys)
        keys = keys[firsts]
        order = np.argsort(mixed(keys))
        found = inverse(order)[found]
        n_owned = len(order)
        # A term with a space may be a token here and an n-gram there.
        least = np.full(n_owned, np.iinfo(np.uint8).max, dtype=np.uint8)
        np.minimum.at(least, found, kinds)
        sums = [np.bincount(found, each, n_owned) for each in counts]
        counted = FeatureCounts(
            total(communicator, met.n_texts),
            sums[0].astype(np.int64),
            None if met.occurrences is None else sums[1].astype(np.float64, copy=False),
        )
        asked = split_by_sizes(found, [len(each[0]) for each in received])
        return cls(
            communicator,
            encoder,
            met,
            counted,
            dealing,
            asked,
            FeatureTable(strings, keys[order], least, table.objects),
            int(n_before[communicator.rank]),
            int(n_before[-1]),
        )

    @property
    def kinds(self) -> NDArray[np.uint8]:
        """See `Merged`."""
        return self.owned.kinds

    def select(
        self, kept: NDArray[np.int32]
    ) -> tuple[LearningEncoder, NDArray[np.int32]]:
        """See `Merged`. Of equal numbers of documents by the order of all features."""
        kept = np.sort(kept)
        received = self.communicator.all_gather(
            (
                _small(self.counted.documents[kept]),
                self.owned.keys[kept],
                self.owned.kinds[kept],
            )
        )
        documents, keys, kinds = map(np.concatenate, zip(*received, strict=True))
        order = order_by_count(documents.astype(np.int64))
        sizes = [len(each) for each, _, _ in received]
        ids = split_by_sizes(inverse(order), sizes)
        new_ids = np.full(len(self.owned.keys), -1, dtype=ID_DTYPE)
        new_ids[kept] = ids[self.communicator.rank]
        answers = self.communicator.all_to_all([new_ids[each] for each in self.asked])
        encoder = self.encoder.with_features(self._table(keys[order], kinds[order]))
        return encoder, self.dealing.put_back(answers)

    def _table(
        self, keys: NDArray[np.uint64], kinds: NDArray[np.uint8]
    ) -> FeatureTable:
        """Features of all ranks with their strings, in the order of their use."""
        in_use, numbers = strings_in_use(keys, self.n_strings)
        strings, first = self.owned.strings, self.first_string
        own = np.flatnonzero(numbers[first : first + len(strings)] >= 0)
        parts = self.communicator.all_gather(strings.take(own).packed())
        # They come in the order of their numbers.
        places = np.cumsum(numbers >= 0) - 1
        return FeatureTable(
            Strings.unpacked(parts).take(places[in_use]),
            with_other_strings(keys, numbers),
            kinds,
            self.owned.objects,
        )

    def to_owners(
        self, ids: NDArray[np.int64], values: NDArray[Any]
    ) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """See `Merged`."""
        places = inverse(self.dealing.order)[ids]
        order = np.argsort(places, kind="stable")
        places, values = places[order], values[order]
        edges = np.searchsorted(places, self.dealing.edges).tolist()
        received = self.communicator.all_to_all(
            [
                (places[start:stop] - first, values[start:stop])
                for start, stop, first in zip(
                    edges, edges[1:], self.dealing.edges.tolist(), strict=False
                )
            ]
        )
        asked = [
            which[own] for which, (own, _) in zip(self.asked, received, strict=True)
        ]
        return (
            np.concatenate(asked).astype(np.int64),
            np.concatenate([values for _, values in received]),
        )


def _number_strings(
    communicator: Communicator, strings: Strings
) -> tuple[Strings, NDArray[np.int32], NDArray[np.int64]]:
    """Number the strings of all ranks by their hashes.

    Returns
    -------
    owned : Strings
        Distinct ones that this rank has given numbers.
    numbers : ndarray of shape (n_strings,), dtype=int32
        Of this rank's own.
    n_before : ndarray of shape (world_size + 1,), dtype=int64
        How many have been given by ranks before each, and by all.

    Raises
    ------
    OverflowError
        If there are more than 31 bits can tell apart.
    """
    dealing = Dealing.by_hash(strings.hashes(), communicator.world_size)
    dealt = [strings.take(part).packed() for part in dealing.parts]
    received = communicator.all_to_all(dealt)
    owned, found = Strings.unpacked(received).distinct()
    sizes = [len(lengths) for _, lengths in received]
    parts = split_by_sizes(found, sizes)
    answers = communicator.all_to_all([(len(owned), part) for part in parts])
    n_before = np.cumsum([0, *(n for n, _ in answers)])
    if n_before[-1] > MOST_STRINGS:
        raise OverflowError(
            f"the texts of all ranks have {n_before[-1]:,} distinct strings, more than "
            f"the {MOST_STRINGS:,} of an exact vocabulary. Use n_buckets."
        )
    numbers = [
        part + first.astype(ID_DTYPE)
        for first, (_, part) in zip(n_before, answers, strict=False)
    ]
    return owned, dealing.put_back(numbers), n_before


def _small(counts: NDArray[np.int64]) -> NDArray[Any]:
    """Counts in as few bytes as will do: to be sent."""
    return counts.astype(np.min_scalar_type(int(counts.max(initial=0))))

"""The features of several ranks, each of which decides of some of them.

A feature belongs to the rank that its hash says, its owner. Owners are told of it by
all ranks that have met it, add up the counts, prune, and answer with its id. So the
work of each falls with the number of ranks, but for what all need in the end: the
features that are kept. These are those that one process would keep. Their order is
another, that of hashes in place of that of the texts, where documents are as many; it
is the same for any number of ranks and any way in which texts are dealt to them. So is
what `max_features` takes of features that occur as often.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.communicator import Communicator
from skbag._core.dtypes import ID_DTYPE
from skbag._text.columns_encoder import ColumnsEncoder
from skbag._text.dealt_features import DealtFeatures
from skbag._text.encoder import LearningEncoder, MergeableEncoder
from skbag._text.hashed_encoder import HashedEncoder
from skbag._text.pruning import FeatureCounts, Pruning, new_numbers


@dataclass(frozen=True, eq=False)
class Learnt:
    """What one rank has learnt of its texts: an encoder, and their counts."""

    encoder: LearningEncoder
    counts: Bags


class Merged(Protocol):
    """Features of which this rank decides, with the counts of the texts of all.

    They have an order, and numbers in this order; of those of several ranks the first
    rank decides of the first, and so on.
    """

    @property
    def met(self) -> FeatureCounts:
        """How often the features of this rank's encoder are in its texts."""

    @property
    def counted(self) -> FeatureCounts:
        """How often the features that this rank decides of are in those of all."""

    @property
    def kinds(self) -> NDArray[np.uint8]:
        """``FeatureKind`` of each feature counted."""

    def select(
        self, kept: NDArray[np.int32]
    ) -> tuple[LearningEncoder, NDArray[np.int32]]:
        """Keep features.

        Parameters
        ----------
        kept : ndarray of shape (n_kept,), dtype=int32
            Which of those counted, by falling number of documents.

        Returns
        -------
        encoder : LearningEncoder
            Of what all ranks have kept, by falling number of documents.
        new_ids : ndarray of shape (n_met,), dtype=int32
            The id there of each feature met; -1 for one that is not kept.
        """

    def to_owners(
        self, ids: NDArray[np.int64], values: NDArray[Any]
    ) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """Let those who decide of features met know something of each.

        Parameters
        ----------
        ids : ndarray of shape (n,), dtype=int64
            Features met, any number of times.
        values : ndarray of shape (n, ...)

        Returns
        -------
        ids : ndarray of shape (n_received,), dtype=int64
            Which of the features counted.
        values : ndarray of shape (n_received, ...)
        """


def merge(communicator: Communicator, own: Learnt, pruning: Pruning) -> Merged:
    """Count the features that ranks have learnt with the same options.

    Parameters
    ----------
    communicator : Communicator
    own : Learnt
        Left as it is.
    pruning : Pruning
    """
    met = FeatureCounts.of(own.counts, pruning)
    if communicator.world_size == 1:
        return OwnFeatures(own.encoder, met, met)
    encoder = cast("MergeableEncoder", own.encoder)
    return DealtFeatures.of(communicator, encoder, met)


def merge_buckets(
    communicator: Communicator, encoder: LearningEncoder
) -> tuple[LearningEncoder, NDArray[np.int32] | None]:
    """Merge what ranks have met where the features of texts have buckets.

    Returns
    -------
    encoder : LearningEncoder
        Of the features of all ranks.
    new_ids : ndarray of shape (n_ids,), dtype=int32, or None
        The id there of each of this rank's own; None where they are the same.
    """
    if communicator.world_size == 1:
        return encoder, None
    if isinstance(encoder, HashedEncoder):
        return encoder.merged(communicator), None
    assert isinstance(encoder, ColumnsEncoder)
    encoders: list[LearningEncoder] = []
    ids_of = []
    for own in encoder.encoders:
        if isinstance(own, HashedEncoder):
            encoders.append(own.merged(communicator))
            ids_of.append(np.arange(own.n_ids, dtype=ID_DTYPE))
            continue
        # Nothing is pruned, so nobody asks how often.
        uncounted = FeatureCounts(0, np.zeros(own.n_ids, dtype=np.int64), None)
        column = cast("MergeableEncoder", own)
        features = DealtFeatures.of(communicator, column, uncounted)
        every = np.arange(len(features.kinds), dtype=ID_DTYPE)
        of_all, ids = features.select(every)
        encoders.append(of_all)
        ids_of.append(ids)
    merged = ColumnsEncoder(encoder.columns, encoders)
    new_ids = np.empty(encoder.n_ids, dtype=ID_DTYPE)
    for before, after, ids in zip(encoder.ids_of, merged.ids_of, ids_of, strict=True):
        new_ids[before] = after[ids]
    return merged, new_ids


@dataclass(frozen=True, eq=False)
class OwnFeatures:
    """Those of one process, which decides of all; `Merged`."""

    encoder: LearningEncoder
    met: FeatureCounts
    counted: FeatureCounts

    @property
    def kinds(self) -> NDArray[np.uint8]:
        """See `Merged`. To find those of millions takes a while."""
        return self.encoder.kinds

    def select(
        self, kept: NDArray[np.int32]
    ) -> tuple[LearningEncoder, NDArray[np.int32]]:
        """See `Merged`."""
        return self.encoder.select(kept), new_numbers(kept, self.encoder.n_ids)

    def to_owners(
        self, ids: NDArray[np.int64], values: NDArray[Any]
    ) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """See `Merged`."""
        return ids, values

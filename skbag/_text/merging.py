"""One vocabulary of what the encoders of several ranks have learnt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.communicator import Communicator, total
from skbag._text.encoder import LearningEncoder
from skbag._text.pruning import FeatureCounts, Pruning
from skbag._text.text_options import TextOptions


@dataclass(frozen=True, eq=False)
class Learnt:
    """What one rank has learnt of its texts: an encoder, and their counts.

    `make_empty` makes an encoder with the same options that has learnt nothing.
    """

    encoder: LearningEncoder
    counts: Bags
    make_empty: Callable[[], LearningEncoder]


@dataclass(frozen=True, eq=False)
class Merged:
    """What all ranks know together.

    Parameters
    ----------
    encoder : LearningEncoder
        Of the features of all ranks: those of rank 0 first, then those that are new
        in rank 1, and so on.
    counted : FeatureCounts
        How often these are in the texts of all ranks.
    ids : ndarray of shape (n_own_ids,), dtype=int32, or None
        What the ids of this rank's own encoder are there; None where they are the same.
    """

    encoder: LearningEncoder
    counted: FeatureCounts
    ids: NDArray[np.int32] | None


def merge(
    communicator: Communicator, own: Learnt, options: TextOptions, pruning: Pruning
) -> Merged:
    """Merge what ranks have learnt of their texts with the same options.

    Parameters
    ----------
    communicator : Communicator
    own : Learnt
        Left as it is.
    options : TextOptions
    pruning : Pruning
    """
    counted = FeatureCounts.of(own.counts, pruning)
    if communicator.world_size == 1:
        return Merged(own.encoder, counted, None)
    if options.vocabulary is not None:
        return Merged(own.encoder, total(communicator, counted), None)
    encoder: Any = own.encoder
    features = _without_parameters(encoder.__getstate__())
    merged = own.make_empty()
    received = communicator.all_gather((features, counted))
    ids = [merged.absorb(features) for features, _ in received]
    first, *others = (
        each.renumbered(new, merged.n_ids)
        for new, (_, each) in zip(ids, received, strict=True)
    )
    return Merged(merged, sum(others, first), ids[communicator.rank])


def _without_parameters(state: dict[str, Any]) -> dict[str, Any]:
    """Leave out functions, alike on all ranks, that cannot be pickled."""
    left = {name: value for name, value in state.items() if name != "parameters"}
    if "encoders" in left:
        left["encoders"] = list(map(_without_parameters, left["encoders"]))
    return left

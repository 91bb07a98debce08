"""Columns of numbers of a data frame, in a fit and from part to part of a stream."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.communicator import SINGLE_PROCESS, Communicator, total
from skbag._core.dtypes import WEIGHT_DTYPE
from skbag._core.growth import power_of_growth
from skbag._model.model import Featurizer
from skbag._model.predictor import Predictor
from skbag._text.columns_encoder import ColumnsEncoder
from skbag._text.encoder import LearningEncoder
from skbag._training.plan import N_MOMENT_SAMPLES
from skbag._training.samples import Samples, weighed
from skbag._weighting.number_block import NumberBlock
from skbag._weighting.number_moments import NumberMoments


def with_numbers(
    counts: Samples, documents: Any, encoder: LearningEncoder | None
) -> Samples:
    """Put the values of columns of numbers beside counted bags."""
    if not isinstance(encoder, ColumnsEncoder) or not len(encoder.number_ids):
        return counts
    numbers = encoder.numbers(documents)
    return counts.with_inputs(replace(counts.X, numbers=numbers))


def number_moments(
    counts: Samples, stop: int, communicator: Communicator = SINGLE_PROCESS
) -> NumberMoments | None:
    """Moments of the numbers of the samples up to `stop`; None where there are none."""
    bags = counts.X
    if bags.numbers is None:
        return None
    values = bags.numbers if bags.rows is None else bags.numbers[bags.rows]
    weight, targets = counts.document_weight, counts.targets
    own = NumberMoments.of(
        values[:stop],
        targets.groups(counts.codes[:stop]),
        targets.n_groups,
        None if weight is None else weight[:stop],
    )
    moments: NumberMoments = total(communicator, own)
    return moments


def with_block(
    featurizer: Featurizer,
    moments: NumberMoments | None,
    counts: Samples,
    communicator: Communicator = SINGLE_PROCESS,
) -> Featurizer:
    """Put columns of numbers beside the features of a featurizer."""
    if moments is None:
        return featurizer
    encoder, id_weights = featurizer.encoder, featurizer.id_weights
    assert isinstance(encoder, ColumnsEncoder)
    squared_norm = 1.0
    if featurizer.weighting.norm != "l2":
        bags = weighed(counts.X, featurizer)
        sample = bags.slice(0, min(len(bags), N_MOMENT_SAMPLES))
        squares = np.array([np.square(sample.weights).sum(), len(sample)])
        of_all = total(communicator, squares)
        squared_norm = float(of_all[0] / max(of_all[1], 1)) or 1.0
    block = NumberBlock.of(encoder.number_ids, moments, squared_norm)
    if id_weights is not None:
        id_weights[block.ids] = block.spread_weights
    return replace(featurizer, number_block=block)


def block_of_more(before: NumberBlock | None, counts: Samples) -> NumberBlock | None:
    """Add samples to what numbers are standardised by.

    It changes where the number of documents passes a power of `GROWTH`.
    """
    if before is None:
        return None
    own, moments = number_moments(counts, len(counts)), before.moments
    assert own is not None
    after = moments + own
    if power_of_growth(after.weight) == power_of_growth(moments.weight):
        return replace(before, moments=after)
    return NumberBlock.of(before.ids, after, before.squared_norm)


def follow_numbers(
    predictor: Predictor, before: Featurizer, after: Featurizer
) -> Predictor:
    """Trained arrays for another standardisation: scores stay what they were.

    Unlike those of tokens, whose rows stay as they are, means and scales are units.
    """
    old, new = before.number_block, after.number_block
    if old is None or new is None or is_same(old, new):
        return predictor
    table = predictor.dense.copy()
    raw_rows = table[old.ids].astype(np.float64) * old.factors[:, np.newaxis]
    has_weight = new.factors > 0
    ratio = np.where(has_weight, 1 / np.where(has_weight, new.factors, 1), 0)
    table[old.ids] = (raw_rows * ratio[:, np.newaxis]).astype(WEIGHT_DTYPE)
    # Not BLAS, whose order of additions depends on its threads.
    vector = np.einsum("i,ij->j", new.mean - old.mean, raw_rows)
    return replace(predictor, embedding=table).with_vector_offset(vector)


def is_same(old: NumberBlock, new: NumberBlock) -> bool:
    """Whether numbers have the same weights by both."""
    pairs: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = [
        (old.mean, new.mean),
        (old.factors, new.factors),
    ]
    return all(one is other or np.array_equal(one, other) for one, other in pairs)

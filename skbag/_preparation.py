"""The first half of a fit: from texts or a matrix to weighted bags.

Learns the vocabulary, prunes it, counts classes, computes the weights, and puts the
samples in the order in which training will cut them into batches.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._bags import Bags
from skbag._encoder import Encoder
from skbag._fitted import Fitted
from skbag._model import Featurizer
from skbag._recipe import held_out
from skbag._vocabulary import (
    TextOptions,
    keep_features,
    make_encoder,
    renumber,
    wants_short_text_features,
)
from skbag._weighting import Statistics, Weighting


@dataclass(frozen=True)
class Pruning:
    """Which features to keep. The fields are the estimator's parameters."""

    min_df: float | str
    max_df: float
    max_features: int | None


@dataclass(frozen=True, eq=False)
class Prepared:
    """Weighted samples, and the featurizer that makes more of them.

    Parameters
    ----------
    featurizer : Featurizer
    bags : Bags
        Of the samples in the order of `rows`.
    rows : ndarray of shape (n_samples,), dtype=int64
        Which sample each bag is.
    n_held : int
        How many of the last bags have not been counted for the weights.
    """

    featurizer: Featurizer
    bags: Bags
    rows: NDArray[np.int64]
    n_held: int


def prepare(
    X: Any,
    codes: NDArray[np.int64],
    weight: NDArray[np.float64] | None,
    *,
    n_classes: int,
    width: int,
    text_options: TextOptions,
    short_text_features: bool | str,
    pruning: Pruning,
    weighting: Weighting,
    hold_out: bool,
    rng: np.random.Generator | None,
) -> Prepared:
    """Learn the features of `X` and their weights.

    Parameters
    ----------
    X : list of str or scipy CSR array
    codes : ndarray of shape (n_samples,), dtype=int64
    weight : ndarray of shape (n_samples,) or None
    n_classes : int
    width : int
        Columns of the table to come, for the automatic `min_df`.
    text_options, short_text_features, pruning, weighting
        The estimator's parameters.
    hold_out : bool
        Keep the last samples out of the class counts, to judge training by them.
    rng : numpy Generator or None
        Shuffles the samples; None leaves them in order.
    """
    encoder: Encoder | None = None
    if isinstance(X, list):
        encoder = make_encoder(
            text_options,
            wants_short_text_features(
                short_text_features, text_options, weighting.supervised, X
            ),
        )
        counts = encoder.learn(X)
        if text_options.vocabulary is None:
            kept = keep_features(
                counts,
                min_df=pruning.min_df,
                max_df=pruning.max_df,
                max_features=pruning.max_features,
                width=width,
            )
            encoder, counts = encoder.select(kept), renumber(counts, kept)
    else:
        counts = Bags.from_csr(X)
    return _weigh(counts, encoder, codes, weight, n_classes, weighting, hold_out, rng)


def reprepare(
    featurizer: Featurizer,
    X: Any,
    codes: NDArray[np.int64],
    weight: NDArray[np.float64] | None,
    *,
    n_classes: int,
    rng: np.random.Generator | None,
) -> Prepared:
    """Go on from a fitted featurizer with new samples alone: a warm start.

    Its features stay, those first seen in `X` join them; weights are counted anew.
    """
    encoder, counts = _learn_more(featurizer, X)
    weighting = featurizer.weighting
    return _weigh(counts, encoder, codes, weight, n_classes, weighting, True, rng)


def extend(
    featurizer: Featurizer,
    X: Any,
    codes: NDArray[np.int64],
    weight: NDArray[np.float64] | None,
    *,
    n_classes: int,
) -> tuple[Featurizer, Bags]:
    """Add new samples to what a featurizer has seen: ``partial_fit``.

    Its features stay, those first seen in `X` join them, and the counts that weights
    are made of add up. The featurizer given is left as it was.
    """
    encoder, counts = _learn_more(featurizer, X)
    weighting, statistics = featurizer.weighting, featurizer.statistics
    if statistics is not None:
        statistics = statistics.add(Statistics.count(counts, codes, n_classes, weight))
    extended = _with_weights(encoder, weighting, statistics)
    return extended, weighting.apply(counts, extended.id_weights)


def carry_over(fitted: Fitted, before: Featurizer, after: Featurizer) -> Fitted:
    """Trained arrays for changed weights: weight x row stays what it was.

    What the earlier samples taught is thus not rescaled by what later ones counted.
    """
    if before.id_weights is None or after.id_weights is None:
        return fitted
    ratio = before.id_weights / after.id_weights[: len(before.id_weights)]
    return replace(fitted, embedding=fitted.embedding * ratio[:, np.newaxis])


def _learn_more(featurizer: Featurizer, X: Any) -> tuple[Encoder | None, Bags]:
    if featurizer.encoder is None:
        return None, Bags.from_csr(X)
    # A copy: if this fit fails, the estimator must be as it was.
    encoder = copy.deepcopy(featurizer.encoder)
    return encoder, encoder.learn(X)


def _weigh(
    counts: Bags,
    encoder: Encoder | None,
    codes: NDArray[np.int64],
    weight: NDArray[np.float64] | None,
    n_classes: int,
    weighting: Weighting,
    hold_out: bool,
    rng: np.random.Generator | None,
) -> Prepared:
    rows = np.arange(len(counts))
    n_held = held_out(len(counts)) if hold_out else 0
    if rng is not None:
        rows = rng.permutation(len(counts))
        counts = counts.take(rows)
    n_counted = len(counts) - n_held if weighting.supervised else len(counts)
    statistics = None
    if weighting.use_idf or weighting.supervised:
        counted = rows[:n_counted]
        statistics = Statistics.count(
            counts.slice(0, n_counted),
            codes[counted],
            n_classes,
            None if weight is None else weight[counted],
        )
    featurizer = _with_weights(encoder, weighting, statistics)
    bags = weighting.apply(counts, featurizer.id_weights)
    return Prepared(featurizer, bags, rows, n_held)


def _with_weights(
    encoder: Encoder | None, weighting: Weighting, statistics: Statistics | None
) -> Featurizer:
    kinds = None if encoder is None else encoder.kinds
    id_weights = None if statistics is None else weighting.id_weights(statistics, kinds)
    return Featurizer(encoder, weighting, statistics, id_weights)

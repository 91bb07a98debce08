"""Scores of few samples by models of the others: cross-validation.

Of few samples none can be spared: weights and table are made of all, so that what the
model says of them is too good to fit a temperature to. A fit of few takes milliseconds,
so it is repeated without a part of them, once for each part (Stone, "Cross-Validatory
Choice and Assessment of Statistical Predictions", 1974).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.communicator import Communicator, total
from skbag._core.dtypes import WEIGHT_DTYPE
from skbag._model.model import Featurizer
from skbag._model.predictor import Predictor
from skbag._targets.label_sets import LabelSets
from skbag._training.origin import Origin
from skbag._training.preparation import Prepared, prepare_part
from skbag._training.progress import Unseen
from skbag._training.run import TrainingRun
from skbag._training.samples import LazyBags, Samples, weighed
from skbag._training.settings import Settings

N_FOLDS = 3
"""Parts of the samples, each scored by a model of the others."""


def cross_scores(
    prepared: Prepared,
    settings: Settings,
    rng: np.random.Generator,
    communicator: Communicator,
) -> Unseen:
    """Score samples by models that were made without them.

    Parameters
    ----------
    prepared : Prepared
        Samples of this rank.
    settings : Settings
    rng : numpy Generator
        Alike on all ranks.
    communicator : Communicator

    Returns
    -------
    unseen : Unseen
        Of this rank. A sample whose class no other one has is left out.
    """
    samples = prepared.samples
    folds = _folds(samples)
    scores = np.zeros((len(samples), samples.targets.n_outputs), dtype=WEIGHT_DTYPE)
    is_scored = np.zeros(len(samples), dtype=np.bool_)
    for number in range(N_FOLDS):
        rest, rows = np.flatnonzero(folds != number), np.flatnonzero(folds == number)
        if not total(communicator, len(rest)):
            continue
        part = prepare_part(prepared, rest, settings, communicator)
        predictor = _trained(part, settings, rng, communicator)
        scores[rows] = predictor.scores(_weighed(samples.X.take(rows), part.featurizer))
        is_scored[rows] = _have_known_classes(samples, rest, rows, communicator)
    kept = np.flatnonzero(is_scored)
    return Unseen(scores[kept], kept)


def _folds(samples: Samples) -> NDArray[np.int64]:
    """Number of the part of each sample, (n_samples,), each class spread over all."""
    strata = samples.targets.strata(samples.codes)
    order = np.arange(len(samples))
    if strata is not None:
        order = np.argsort(strata, kind="stable")
    folds = np.empty(len(samples), dtype=np.int64)
    folds[order] = np.arange(len(samples)) % N_FOLDS
    return folds


def _trained(
    part: Prepared,
    settings: Settings,
    rng: np.random.Generator,
    communicator: Communicator,
) -> Predictor:
    run = TrainingRun(
        part.samples,
        settings.training,
        n_progressive=0,
        rng=rng,
        origin=Origin(counts=part.initial_counts),
        communicator=communicator,
    )
    while not run.done:
        run.epoch()
    predictor, _ = run.finish()
    return predictor


def _weighed(bags: LazyBags, featurizer: Featurizer) -> Bags:
    """Weighted bags in which features of no counted sample are unknown."""
    counts, id_weights = featurizer.document_counts, featurizer.id_weights
    assert counts is not None and id_weights is not None
    known = np.where(counts.df > 0, id_weights, WEIGHT_DTYPE(0))
    weighted = weighed(bags, replace(featurizer, id_weights=known))
    return weighted.slice(0, len(bags))


def _have_known_classes(
    samples: Samples,
    rest: NDArray[np.int64],
    rows: NDArray[np.int64],
    communicator: Communicator,
) -> NDArray[np.bool_]:
    """Whether the class of each of some samples is one that the rest has."""
    targets, codes = samples.targets, samples.codes
    counts = total(communicator, targets.counts(codes[rest]))
    if isinstance(codes, LabelSets):
        return np.ones(len(rows), dtype=np.bool_)
    return np.asarray(counts[codes[rows]] > 0)

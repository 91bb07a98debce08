"""Scores of few samples by models of the others: cross-validation.

Of few samples none can be spared: weights and table are made of all, so that what the
model says of them is too good to fit a temperature to. A fit of few takes milliseconds,
so it is repeated without a part of them, once for each part (Stone, "Cross-Validatory
Choice and Assessment of Statistical Predictions", 1974).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.communicator import Communicator, total
from skbag._core.dtypes import WEIGHT_DTYPE
from skbag._model.predictor import Predictor
from skbag._targets.label_sets import LabelSets
from skbag._training.division import share
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
    scores = np.zeros((len(samples), samples.targets.n_outputs), dtype=WEIGHT_DTYPE)
    is_scored = np.zeros(len(samples), dtype=np.bool_)
    for fold in folds_of(prepared, settings, communicator):
        rows = fold.rows
        predictor = _trained(fold.rest, settings, rng, communicator)
        scores[rows] = predictor.scores(fold.bags())
        is_scored[rows] = _have_known_classes(
            samples, fold.rest_rows, rows, communicator
        )
    kept = np.flatnonzero(is_scored)
    return Unseen(scores[kept], kept)


@dataclass(frozen=True, eq=False)
class Fold:
    """Some of the samples, and the others as they are prepared without them.

    Parameters
    ----------
    samples : Samples
        All.
    rows : ndarray of shape (n_rows,), dtype=int64
        Which of them are to be scored.
    rest_rows : ndarray of shape (n_others,), dtype=int64
    rest : Prepared
        Of these alone.
    """

    samples: Samples
    rows: NDArray[np.int64]
    rest_rows: NDArray[np.int64]
    rest: Prepared

    def bags(self, are_known: NDArray[np.bool_] | None = None) -> Bags:
        """Weighted bags of the samples to be scored.

        Features of none of the others are unknown, except where `are_known`, of shape
        (n_ids,), says that something else knows them.
        """
        featurizer = self.rest.featurizer
        counts, id_weights = featurizer.document_counts, featurizer.id_weights
        assert counts is not None and id_weights is not None
        is_known = counts.df > 0
        if are_known is not None:
            is_known |= are_known
        known = np.where(is_known, id_weights, WEIGHT_DTYPE(0))
        lazy: LazyBags = self.samples.X.take(self.rows)
        weighted = weighed(lazy, replace(featurizer, id_weights=known))
        return weighted.slice(0, len(lazy))


def folds_of(
    prepared: Prepared, settings: Settings, communicator: Communicator
) -> Iterator[Fold]:
    """Yield the parts of samples that are scored by models of the others."""
    samples = prepared.samples
    folds = _folds(samples)
    for number in range(N_FOLDS):
        rest, rows = np.flatnonzero(folds != number), np.flatnonzero(folds == number)
        if not total(communicator, len(rest)):
            continue
        part = prepare_part(prepared, rest, settings, communicator)
        yield Fold(samples, rows, rest, part)


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
    own = share(part.samples, settings.training, communicator)
    run = TrainingRun(
        own.samples,
        own.options,
        n_progressive=0,
        rng=rng,
        origin=Origin(counts=part.initial_counts),
        communicator=own.communicator,
        group=communicator,
    )
    while not run.done:
        run.epoch()
    predictor, _ = run.finish()
    return predictor


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

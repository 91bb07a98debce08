"""One call of ``fit`` or ``partial_fit``, once the input is checked and encoded.

Splits, prepares, trains and puts the model together; knows no labels, no estimator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag import _inputs
from skbag._losses import n_outputs
from skbag._model import Model, Resume
from skbag._preparation import Prepared, Pruning, carry_over, extend, prepare, reprepare
from skbag._settings import Settings
from skbag._threads import torch_threads
from skbag._training_run import (
    EpochReport,
    Outcome,
    Samples,
    Start,
    TrainingRun,
)

TEMPERATURE_MEMORY = 4096
"""About how many of the last samples the temperature of ``partial_fit`` rests on."""


@dataclass(frozen=True, eq=False)
class FitResult:
    """A model, how to go on with it, and how it came about."""

    model: Model
    resume: Resume
    outcome: Outcome


def fit(
    X: Any,
    codes: NDArray[np.int64],
    weight: NDArray[np.float64] | None,
    settings: Settings,
    *,
    n_classes: int,
    random_state: np.random.RandomState,
    before: Model | None,
    begin_epoch: Callable[[], None],
    end_epoch: Callable[[EpochReport, Callable[[], Model]], bool],
) -> FitResult:
    """Fit a model.

    Parameters
    ----------
    X : list of str or scipy CSR array
    codes : ndarray of shape (n_samples,), dtype=int64
    weight : ndarray of shape (n_samples,) or None
    settings : Settings
    n_classes : int
    random_state : RandomState
        Source of all randomness.
    before : Model or None
        A model to go on from: a warm start.
    begin_epoch : callable
        Called before each epoch.
    end_epoch : callable
        Called after each with a report and a function that gives the model so far;
        training stops if it returns True.
    """
    rng = np.random.default_rng(random_state.randint(np.iinfo(np.int32).max))
    X, codes, weight = _inputs.without_weightless(X, codes, weight)
    held_back = None
    if settings.validation_fraction is not None:
        rows, held_back = _inputs.split_validation(
            codes, settings.validation_fraction, random_state
        )
        X_validation, codes_validation, weight_validation = _inputs.take_rows(
            X, codes, weight, held_back
        )
        X, codes, weight = _inputs.take_rows(X, codes, weight, rows)
    if weight is not None:
        # Only proportions matter; steps are sized for weights of 1 on average.
        weight = weight / weight.mean()
    prepared = _prepare(X, codes, weight, settings, n_classes, before, rng)
    samples = Samples(
        prepared.bags,
        codes[prepared.rows],
        None if weight is None else weight[prepared.rows],
    )
    validation = None
    if held_back is not None:
        validation = Samples(
            prepared.featurizer.weigh(X_validation), codes_validation, weight_validation
        )
    with torch_threads(settings.n_jobs):
        run = TrainingRun(
            samples,
            settings.training,
            n_classes=n_classes,
            n_held=prepared.n_held,
            rng=rng,
            validation=validation,
            start=_start(before, prepared),
        )

        def model_so_far() -> Model:
            return Model(prepared.featurizer, run.export(), run.outcome.temperature)

        stop = False
        while not (run.done or stop):
            begin_epoch()
            report = run.epoch()
            if report is not None:
                stop = end_epoch(report, model_so_far)
        fitted, accumulators = run.finish()
    outcome = run.outcome
    return FitResult(
        Model(prepared.featurizer, fitted, outcome.temperature),
        Resume(accumulators, outcome.learning_rate, len(samples)),
        outcome,
    )


def partial_fit(
    X: Any,
    codes: NDArray[np.int64],
    weight: NDArray[np.float64] | None,
    settings: Settings,
    *,
    n_classes: int,
    random_state: np.random.RandomState,
    before: Model | None,
    resume: Resume | None,
) -> FitResult:
    """Train once on new samples at a constant rate.

    Parameters are those of `fit`; `before` and `resume` are what the last call, or a
    `fit`, has left.
    """
    n_seen = 0 if resume is None else resume.n_seen
    # A new stream each call, the same whatever happened to the estimator in between.
    rng = np.random.default_rng([random_state.randint(np.iinfo(np.int32).max), n_seen])
    X, codes, weight = _inputs.without_weightless(X, codes, weight)
    start = None
    if before is None or resume is None:
        prepared = _prepare(
            X,
            codes,
            weight,
            # What one part of the data may prune, the next may want.
            replace(settings, pruning=Pruning(1, 1.0, None)),
            n_classes,
            None,
            None,
        )
        featurizer, bags = prepared.featurizer, prepared.bags
        # Earlier samples of the first part have to teach what later ones judge.
        n_held = len(bags) // 2
    else:
        featurizer, bags = extend(
            before.featurizer, X, codes, weight, n_classes=n_classes
        )
        start = Start(
            carry_over(before.fitted, before.featurizer, featurizer),
            resume.accumulators,
            # Constant, but smaller for a part for which that would be too large.
            resume.learning_rate,
        )
        n_held = len(bags)
    samples = Samples(bags, codes, weight)
    if settings.training.shuffle:
        samples = samples.take(rng.permutation(len(samples)))
    options = replace(
        settings.training,
        max_iter=1,
        decay=False,
        alpha=settings.training.alpha or 0.0,
    )
    with torch_threads(settings.n_jobs):
        run = TrainingRun(
            samples,
            options,
            n_classes=n_classes,
            n_held=n_held,
            rng=rng,
            start=start,
        )
        run.epoch()
        fitted, accumulators = run.finish()
    outcome = run.outcome
    temperature = outcome.temperature
    if before is not None:
        share = len(samples) / (len(samples) + min(n_seen, TEMPERATURE_MEMORY))
        temperature = before.temperature ** (1 - share) * temperature**share
    rate = outcome.learning_rate if resume is None else resume.learning_rate
    return FitResult(
        Model(featurizer, fitted, temperature),
        Resume(accumulators, rate, n_seen + len(samples)),
        outcome,
    )


def _prepare(
    X: Any,
    codes: NDArray[np.int64],
    weight: NDArray[np.float64] | None,
    settings: Settings,
    n_classes: int,
    before: Model | None,
    rng: np.random.Generator | None,
) -> Prepared:
    """Weighted bags, by a new vocabulary or the one of the model before."""
    order = rng if settings.training.shuffle else None
    if before is not None:
        return reprepare(
            before.featurizer, X, codes, weight, n_classes=n_classes, rng=order
        )
    return prepare(
        X,
        codes,
        weight,
        n_classes=n_classes,
        width=settings.training.embedding_dim or n_outputs(n_classes),
        text_options=settings.text,
        short_text_features=settings.short_text_features,
        pruning=settings.pruning,
        weighting=settings.weighting,
        hold_out=rng is not None,
        rng=order,
    )


def _start(before: Model | None, prepared: Prepared) -> Start | None:
    """Arrays of a warm start, fitted to the new weights."""
    if before is None:
        return None
    return Start(carry_over(before.fitted, before.featurizer, prepared.featurizer))

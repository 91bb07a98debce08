"""One call of ``fit`` or ``partial_fit``, once the input is checked and encoded.

Splits, prepares, trains and puts the model together; knows no labels, no estimator.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skbag._core.communicator import (
    SINGLE_PROCESS,
    Communicator,
    broadcast,
    generator_of_process,
)
from skbag._core.threads import keeps_torch_settings, torch_threads
from skbag._model.model import Featurizer, Model, Resume
from skbag._model.predictor import Predictor
from skbag._persistence.checkpoint import Checkpoint
from skbag._text.pretrained import Vectors, find_vectors
from skbag._text.pruning import Pruning
from skbag._training.column_scales import (
    column_scales,
    in_scaled_units,
    in_users_units,
    scaled,
)
from skbag._training.early_stopping import split_validation
from skbag._training.fit_checks import warn_of
from skbag._training.plan import max_progressive_samples
from skbag._training.preparation import carry_over, extend, prepare, reprepare
from skbag._training.run import EpochReport, Outcome, Start, TrainingRun
from skbag._training.samples import Samples
from skbag._training.settings import Settings
from skbag.exceptions import ModelFileError

N_CALIBRATION_SAMPLES = 4096
"""About how many of the last samples the temperature of ``partial_fit`` rests on, and
how many of a part are looked at for it."""


@dataclass(frozen=True, eq=False)
class FitResult:
    """A model, how to go on with it, and how it came about.

    `coverage` is the share of the tokens that have a vector; None without vectors.
    """

    model: Model
    resume: Resume
    outcome: Outcome
    coverage: float | None


@keeps_torch_settings
def fit(
    samples: Samples,
    settings: Settings,
    *,
    random_state: np.random.RandomState,
    before: Model | None,
    coverage: float | None,
    begin_epoch: Callable[[], None],
    end_epoch: Callable[[EpochReport, Callable[[], Model]], bool],
    communicator: Communicator = SINGLE_PROCESS,
    checkpoint: Checkpoint | None = None,
) -> FitResult:
    """Fit a model.

    Parameters
    ----------
    samples : Samples
        Texts or a matrix.
    settings : Settings
    random_state : RandomState
        Source of all randomness.
    before : Model or None
        A model to go on from: a warm start.
    coverage : float or None
        Share of its tokens that had a vector.
    begin_epoch : callable
        Called before each epoch.
    end_epoch : callable
        Called after each with a report and a function that gives the model so far;
        training stops if it returns True.
    communicator : Communicator
        Who fits the same model to samples of its own.
    checkpoint : Checkpoint or None
        Where to go on from, if there is something, and to write to after each epoch.
    """
    saved = None if checkpoint is None else checkpoint.read()
    if saved is not None:
        random_state = saved["random_state"]
    # What follows moves on a generator that is the caller's, or numpy's.
    start_state = None if checkpoint is None else copy.deepcopy(random_state)
    seed = broadcast(communicator, random_state.randint(np.iinfo(np.int32).max))
    rng = np.random.default_rng(seed)
    if communicator.world_size > 1:
        # What follows must not depend on more than the seed that all share.
        random_state = np.random.RandomState([seed, communicator.rank])
    scales = None
    if not isinstance(samples.X, list):
        scales = column_scales(samples.X, communicator)
        if scales is not None:
            samples = samples.with_inputs(scaled(samples.X, scales))
    samples, validation_samples = _split(
        samples.without_weightless(), settings.validation_fraction, random_state
    )
    # Only proportions matter; steps are sized for weights of 1 on average.
    samples = samples.with_mean_weight_one(communicator)
    # Some may be nothing beside the others.
    samples = samples.without_weightless()
    order = (
        generator_of_process(communicator, rng) if settings.training.shuffle else None
    )
    start = None
    communicator.stage("it learnt the features of the samples")
    with torch_threads(settings.n_jobs):
        if before is None:
            prepared = prepare(samples, settings, order, communicator)
        else:
            prepared = reprepare(before.featurizer, samples, settings, order)
    if before is not None:
        predictor = _carried(before, prepared.featurizer, settings)
        start = Start(in_scaled_units(predictor, scales))
    featurizer, findings = prepared.featurizer, prepared.findings
    vectors = _vectors(settings, featurizer, before, coverage)
    if validation_samples is not None:
        validation_samples = validation_samples.with_inputs(
            featurizer.weigh(validation_samples.X)
        )
    communicator.stage("it dealt the samples out to train on")
    with torch_threads(_training_threads(settings)):
        run = TrainingRun(
            prepared.samples,
            settings.training,
            n_progressive=prepared.n_progressive,
            initial_table=prepared.initial_table,
            rng=rng,
            validation=validation_samples,
            start=start,
            vectors=vectors,
            communicator=communicator,
        )
        del prepared  # Its bags: from here on the batches hold them.

        def model_so_far() -> Model:
            so_far = in_users_units(run.export(), scales)
            return Model(featurizer, so_far, run.outcome.inverse_temperature)

        fingerprint = "" if checkpoint is None else run.fingerprint()
        if checkpoint is not None and saved is not None:
            checkpoint.refuse_other_samples(saved["fingerprint"], fingerprint)
            _restore(run, saved["run"], checkpoint)
            del saved

        stop = False
        while not (run.done or stop):
            begin_epoch()
            communicator.stage(f"it trained epoch {len(run.outcome.loss_curve) + 1}")
            report = run.epoch()
            if report is not None:
                stop = any(communicator.all_gather(end_epoch(report, model_so_far)))
                if checkpoint is not None:
                    state = {"run": run.state(), "random_state": start_state}
                    checkpoint.write({**state, "fingerprint": fingerprint})
        communicator.stage("it put the model together")
        predictor, accumulators = run.finish()
        predictor = in_users_units(predictor, scales)
        # A matrix of few columns may have nothing to do with its classes; texts nearly
        # always can be learnt, if only by heart.
        is_new_text = before is None and featurizer.encoder is not None
        training = run.finding() if is_new_text and not stop else None
    outcome = run.outcome
    warn_of(findings, training)
    return FitResult(
        Model(featurizer, predictor, outcome.inverse_temperature),
        Resume(accumulators, outcome.learning_rate, run.n_samples),
        outcome,
        None if vectors is None else vectors.coverage,
    )


@keeps_torch_settings
def partial_fit(
    samples: Samples,
    settings: Settings,
    *,
    random_state: np.random.RandomState,
    before: Model | None,
    coverage: float | None,
    resume: Resume | None,
) -> FitResult:
    """Train once on new samples, in steps that get smaller from call to call.

    Parameters are those of `fit`; `before` and `resume` are what the last call, or a
    `fit`, has left.
    """
    n_seen = 0 if resume is None else resume.n_seen
    # A new stream each call, the same whatever happened to the estimator in between.
    rng = np.random.default_rng([random_state.randint(np.iinfo(np.int32).max), n_seen])
    settings = _for_one_part(settings)
    samples = samples.without_weightless()
    if settings.training.shuffle:
        samples = samples.take(rng.permutation(len(samples)))
    start = None
    most = min(
        N_CALIBRATION_SAMPLES, max_progressive_samples(samples.targets.n_outputs)
    )
    known = None if before is None or resume is None else before.featurizer
    # Earlier samples of the first part have to teach what later ones judge.
    n_progressive = min(len(samples) // 2 if known is None else len(samples), most)
    with torch_threads(settings.n_jobs):
        featurizer, weighted = extend(known, samples, settings, n_progressive)
    if before is not None and resume is not None:
        start = Start(
            # Rows stay as they are where weights change: see `extend`.
            before.predictor,
            resume.accumulators,
            # Smaller for a part for which that would be too large, and for late ones.
            resume.learning_rate,
            n_seen,
            before.inverse_temperature,
        )
    vectors = _vectors(settings, featurizer, before, coverage)
    with torch_threads(_training_threads(settings)):
        run = TrainingRun(
            weighted,
            settings.training,
            n_progressive=n_progressive,
            rng=rng,
            start=start,
            vectors=vectors,
        )
        del weighted  # As in fit.
        run.epoch()
        predictor, accumulators = run.finish()
    outcome = run.outcome
    inverse_temperature = outcome.inverse_temperature
    if before is not None:
        share = n_progressive / (n_progressive + min(n_seen, N_CALIBRATION_SAMPLES))
        inverse_temperature = (
            before.inverse_temperature ** (1 - share) * inverse_temperature**share
        )
    rate = outcome.learning_rate if resume is None else resume.learning_rate
    return FitResult(
        Model(featurizer, predictor, inverse_temperature),
        Resume(accumulators, rate, n_seen + len(samples)),
        outcome,
        None if vectors is None else vectors.coverage,
    )


def _restore(run: TrainingRun, state: Any, checkpoint: Checkpoint) -> None:
    """Go on from the state in a checkpoint, which may have been tampered with."""
    try:
        run.restore(state)
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise ModelFileError(
            f"{checkpoint.path} is damaged: it holds no state of this fit "
            f"({error!r:.200}). Delete it to begin anew."
        ) from error


def _split(
    samples: Samples, fraction: float | None, random_state: np.random.RandomState
) -> tuple[Samples, Samples | None]:
    """Samples to train on and, where a fraction is given, to validate by."""
    if fraction is None:
        return samples, None
    strata = samples.targets.strata(samples.codes)
    rows, validation_samples = split_validation(
        strata, len(samples), fraction, random_state
    )
    return samples.take(rows), samples.take(validation_samples)


def _carried(before: Model, featurizer: Featurizer, settings: Settings) -> Predictor:
    """Trained arrays for changed weights; frozen ones stay as they are."""
    if settings.training.freeze_embedding:
        return before.predictor
    return carry_over(before.predictor, before.featurizer, featurizer)


def _vectors(
    settings: Settings,
    featurizer: Featurizer,
    before: Model | None,
    coverage: float | None,
) -> Vectors | None:
    """Rows of the tokens that are new, where they are not to start at zero."""
    dim = settings.training.embedding_dim
    if settings.embedding_init is None or dim is None:
        return None
    return find_vectors(
        settings.embedding_init,
        featurizer.encoder,
        dim,
        n_known=0 if before is None else len(before.predictor.embedding),
        coverage=coverage or 0.0,
    )


def _for_one_part(settings: Settings) -> Settings:
    """Settings that make sense for one part of the data."""
    training = settings.training
    return replace(
        settings,
        # What one part may prune, the next may want.
        pruning=Pruning(1, 1.0, None),
        training=replace(
            training, max_iter=1, decay=False, alpha=training.alpha or 0.0
        ),
    )


def _training_threads(settings: Settings) -> int | None:
    """Number of torch's threads, for results that do not depend on it.

    Bags are summed each by one of the threads. The layers above, if there are any,
    are matrix products, which BLAS splits among them: those run on one. The number is
    set once and not for each step, because torch before 2.13 takes milliseconds for it.
    """
    return settings.n_jobs if settings.training.embedding_dim is None else 1

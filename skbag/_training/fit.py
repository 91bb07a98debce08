"""One call of ``fit``, once the input is checked and encoded.

Splits, prepares, trains and puts the model together; knows no labels, no estimator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skbag._core.communicator import (
    SINGLE_PROCESS,
    Communicator,
    broadcast,
    generator_of_process,
    total,
)
from skbag._core.threads import keeps_torch_settings
from skbag._model.model import Featurizer, Model, Resume
from skbag._model.predictor import Predictor
from skbag._text.pretrained import Vectors
from skbag._training.checkpoints import Checkpoint, Checkpoints, NoCheckpoint
from skbag._training.column_scales import ColumnSums, ColumnUnits, column_units
from skbag._training.cross_scores import cross_scores
from skbag._training.division import share
from skbag._training.early_stopping import split_validation
from skbag._training.fit_checks import warn_of
from skbag._training.fit_log import StageTimer, log_decisions
from skbag._training.fit_result import FitResult, model_of
from skbag._training.origin import (
    Origin,
    Start,
    vectors_to_begin_with,
    with_score_offset,
)
from skbag._training.preparation import Prepared, carry_over, prepare, reprepare
from skbag._training.run import EpochReport, TrainingRun
from skbag._training.samples import Samples
from skbag._training.settings import Settings
from skbag._training.sharding import gather_samples, gather_unseen
from skbag._training.static_vectors import static_vectors
from skbag._training.text_vectors import EncodedTexts, ReportEncoded, check_can_go_on
from skbag._training.torch_where_needed import training_threads, with_torch_where_needed
from skbag._training.vector_comparison import VectorSource
from skbag._weighting.column_moments import ColumnMoments


@dataclass(frozen=True)
class EpochCallbacks:
    """What a caller does between epochs, and between parts of texts to be encoded.

    Parameters
    ----------
    begin_epoch : callable
        Called before each epoch.
    end_epoch : callable
        Called after each with a report and a function that gives the model so far;
        training stops if it returns True.
    report_encoded : callable
        Called while texts are encoded by `text_encoder`.
    """

    begin_epoch: Callable[[], None]
    end_epoch: Callable[[EpochReport, Callable[[], Model]], bool]
    report_encoded: ReportEncoded


@dataclass(frozen=True, eq=False)
class _Split:
    """Samples to train on, samples to validate by, and the units of their columns.

    `columns` are the moments of columns that are standardised.
    """

    samples: Samples
    validation: Samples | None
    units: ColumnUnits | None = None
    columns: ColumnMoments | None = None

    def to_users(self, predictor: Predictor) -> Predictor:
        """Bring trained arrays into the units of the user's columns."""
        return predictor if self.units is None else self.units.to_users(predictor)


@with_torch_where_needed
@keeps_torch_settings
def fit(
    samples: Samples,
    settings: Settings,
    *,
    random_state: np.random.RandomState,
    before: Model | None,
    coverage: float | None,
    callbacks: EpochCallbacks,
    communicator: Communicator = SINGLE_PROCESS,
    checkpoint: Checkpoint | None = None,
    validation: Samples | None = None,
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
    callbacks : EpochCallbacks
    communicator : Communicator
        Who fits the same model to samples of its own.
    checkpoint : Checkpoint or None
        Where to go on from, if there is something, and to write to after each epoch.
    validation : Samples or None
        To validate by; None for a share of the samples, if any.
    """
    if before is not None:
        check_can_go_on(before, settings, "warm_start=True")
    timer = StageTimer()
    checkpoints = NoCheckpoint() if checkpoint is None else Checkpoints(checkpoint)
    random_state = checkpoints.begin(random_state)
    seed = broadcast(communicator, random_state.randint(np.iinfo(np.int32).max))
    rng = np.random.default_rng(seed)
    if communicator.world_size > 1:
        # What follows must not depend on more than the seed that all share.
        random_state = np.random.RandomState([seed, communicator.rank])
    split = _split_and_scale(samples, settings, random_state, communicator, validation)
    prepared = _prepare(split, settings, rng, before, communicator)
    timer.end("learning and weighting the features")
    featurizer, findings = prepared.featurizer, prepared.findings
    vectors = vectors_to_begin_with(settings, featurizer, before, coverage)
    found = None
    if before is None:
        found = _vectors_beside(split, featurizer, settings, callbacks)
    communicator.stage("it dealt the samples out to train on")
    with training_threads(samples, settings, communicator):
        run = _make_run(prepared, split, settings, rng, before, vectors, communicator)
        if found is None:
            del prepared  # Its bags: from here on the batches hold them.
        checkpoints.resume(run)

        def model_so_far() -> Model:
            predictor, calibration = run.export()
            return model_of(featurizer, split.to_users(predictor), calibration)

        stopped = _run_epochs(run, callbacks, checkpoints, model_so_far)
        timer.end(f"training for {len(run.outcome.loss_curve)} epochs")
        communicator.stage("it put the model together")
        predictor, accumulators = run.finish()
        predictor = split.to_users(predictor)
        calibration, share = run.outcome.calibration, None
        if found is not None:
            folded = found.fold(prepared, run, predictor, settings)
            featurizer, predictor = folded.featurizer, folded.predictor
            calibration, share = folded.calibration, folded.share
            coverage = found.coverage
        # A matrix of few columns may have nothing to do with its classes; texts nearly
        # always can be learnt, if only by heart.
        is_new_text = before is None and featurizer.encoder is not None
        training = run.finding() if is_new_text and not stopped else None
    timer.end("calibrating and putting the model together")
    log_decisions(settings, featurizer, run.plan, run.outcome)
    warn_of(findings, training)
    return FitResult(
        model_of(featurizer, predictor, calibration),
        Resume(
            accumulators,
            run.plan.learning_rate,
            run.n_samples,
            skill_score=run.outcome.skill_score,
            columns=split.columns,
        ),
        run.plan,
        run.outcome,
        coverage if vectors is None else vectors.coverage,
        share,
    )


def _vectors_beside(
    split: _Split, featurizer: Featurizer, settings: Settings, callbacks: EpochCallbacks
) -> VectorSource | None:
    """Vectors to be added to a table of scores, of words or of texts; None for none."""
    if settings.text_encoder is not None:
        texts, report = split.samples.X, callbacks.report_encoded
        return EncodedTexts(settings.text_encoder, texts, report)
    return static_vectors(settings, featurizer) if settings.adds_vectors else None


def _split_and_scale(
    samples: Samples,
    settings: Settings,
    random_state: np.random.RandomState,
    communicator: Communicator,
    validation: Samples | None = None,
) -> _Split:
    """Put columns and weights on one scale; split off what validation is by.

    Nothing is split off where samples for it are given.
    """
    samples = samples.without_weightless()
    units = columns = None
    if not isinstance(samples.X, list):
        units, columns = _column_units(samples, communicator)
        if units is not None:
            samples = samples.with_inputs(units.of(samples.X))
            if validation is not None:
                validation = validation.with_inputs(units.of(validation.X))
    if validation is None:
        fraction = settings.validation_fraction
        samples, validation = _split(samples, fraction, random_state)
    if samples.weight is not None:
        # Only proportions matter; steps are sized for weights of 1 on average.
        n_samples = total(communicator, len(samples))
        sums = [
            total(communicator, 0.0 if weight is None else float(weight.sum()))
            for weight in (samples.weight, samples.document_weight)
        ]
        means = sums[0] / n_samples, sums[1] / n_samples
        # Some may be nothing beside the others.
        samples = samples.with_weights_divided_by(means).without_weightless()
    return _Split(samples, validation, units, columns)


def _prepare(
    split: _Split,
    settings: Settings,
    rng: np.random.Generator,
    before: Model | None,
    communicator: Communicator,
) -> Prepared:
    """Learn the features of the samples, or those that join a model."""
    order = None
    if settings.training.shuffle:
        order = generator_of_process(communicator, rng)
    communicator.stage("it learnt the features of the samples")
    if before is None:
        return prepare(split.samples, settings, order, communicator)
    return reprepare(before.featurizer, split.samples, settings, order)


def _make_run(
    prepared: Prepared,
    split: _Split,
    settings: Settings,
    rng: np.random.Generator,
    before: Model | None,
    vectors: Vectors | None,
    communicator: Communicator,
) -> TrainingRun:
    """Training of prepared samples, before its first epoch."""
    start, validation, featurizer = None, split.validation, prepared.featurizer
    unseen = None
    if prepared.counts_all:
        unseen = cross_scores(prepared, settings, rng, communicator)
    if before is not None:
        predictor = _carried(before, featurizer, settings)
        if split.units is not None:
            predictor = split.units.of_trained(predictor)
        offset = before.calibration.score_offset
        start = Start(with_score_offset(predictor, -offset))
    own = share(prepared.samples, settings.training, communicator)
    if validation is not None:
        validation = validation.with_inputs(featurizer.weigh(validation.X))
    if own.gathered:
        if validation is not None:
            validation = gather_samples(communicator, validation)
        if unseen is not None:
            unseen = gather_unseen(communicator, unseen, len(prepared.samples))
    return TrainingRun(
        own.samples,
        own.options,
        n_progressive=prepared.n_progressive,
        rng=rng,
        validation=validation,
        origin=Origin(
            start,
            prepared.initial_counts,
            document_counts=_documents_by_id(featurizer),
            vectors=vectors,
        ),
        communicator=own.communicator,
        group=communicator,
        unseen=unseen,
    )


def _documents_by_id(featurizer: Featurizer) -> NDArray[np.float64] | None:
    """Number of documents that hold each id, where they were counted."""
    counts, block = featurizer.document_counts, featurizer.number_block
    if counts is None or block is None:
        return None if counts is None else counts.df
    documents = counts.df.copy()
    documents[block.ids] = counts.n_documents
    return documents


def _run_epochs(
    run: TrainingRun,
    callbacks: EpochCallbacks,
    checkpoints: NoCheckpoint | Checkpoints,
    model_so_far: Callable[[], Model],
) -> bool:
    """Train until the run is done, or a callback stops it; return whether one did."""
    communicator, stopped = run.group, False
    while not (run.done or stopped):
        callbacks.begin_epoch()
        communicator.stage(f"it trained epoch {len(run.outcome.loss_curve) + 1}")
        report = run.epoch()
        if report is not None:
            stops = callbacks.end_epoch(report, model_so_far)
            stopped = any(communicator.all_gather(stops))
            checkpoints.after_epoch(run)
    return stopped


def _column_units(
    samples: Samples, communicator: Communicator
) -> tuple[ColumnUnits | None, ColumnMoments | None]:
    """Units of the columns of all processes' samples, and moments of dense ones."""
    sums = ColumnSums.of(samples.X)
    if sums is None:
        return None, None
    sums = total(communicator, sums)
    if not sums.are_dense:
        return column_units(sums), None
    own = ColumnMoments.of_csr(samples.X, samples.document_weight)
    columns = total(communicator, own)
    return ColumnUnits.of_moments(columns), columns


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

"""One call of ``fit`` or ``partial_fit``, once the input is checked and encoded.

Splits, prepares, trains and puts the model together; knows no labels, no estimator.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from skbag._core.communicator import (
    SINGLE_PROCESS,
    Communicator,
    broadcast,
    generator_of_process,
    total,
)
from skbag._core.dtypes import WEIGHT_DTYPE
from skbag._core.growing import GrowingRows
from skbag._core.threads import keeps_torch_settings, torch_threads
from skbag._model.model import Featurizer, Model, Resume, Stream
from skbag._model.predictor import Predictor
from skbag._targets.calibration import Calibration, blend
from skbag._text.pretrained import Vectors, find_vectors
from skbag._text.pruning import Pruning
from skbag._training.column_scales import ColumnSums, ColumnUnits, column_units
from skbag._training.cross_scores import cross_scores
from skbag._training.early_stopping import Outcome, split_validation
from skbag._training.fewer_features import (
    outgrows_short_texts,
    without_short_text_features,
)
from skbag._training.fit_checks import warn_of
from skbag._training.number_columns import follow_numbers
from skbag._training.origin import Origin, Start, with_score_offset
from skbag._training.plan import (
    USUAL_SKILL_SCORE,
    Plan,
    goes_by_columns,
    max_progressive_samples,
)
from skbag._training.preparation import (
    Prepared,
    carry_over,
    extend,
    prepare,
    reprepare,
)
from skbag._training.run import EpochReport, TrainingRun
from skbag._training.samples import Samples
from skbag._training.settings import Settings
from skbag._training.static_vectors import fold_vectors, static_vectors
from skbag._training.stream import RowUpdate, TouchedRows
from skbag._weighting.column_moments import ColumnMoments
from skbag.exceptions import ModelFileError

_F = TypeVar("_F", bound=Callable[..., "FitResult"])

N_CALIBRATION_SAMPLES = 4096
"""About how many of the last samples the temperature of ``partial_fit`` rests on, and
how many of a part are looked at for it."""


@dataclass(frozen=True, eq=False)
class FitResult:
    """A model, how to go on with it, and how it came about.

    `coverage` is the share of the tokens that have a vector, `vector_share` that of the
    vectors in the scores where they were added to a table of these; None without.
    """

    model: Model
    resume: Resume
    plan: Plan
    outcome: Outcome
    coverage: float | None
    vector_share: float | None = None
    update: RowUpdate | None = None
    """Rows of the model's table that are yet to be written."""


class Checkpoint(Protocol):
    """A file from which a fit that was cut short goes on."""

    path: str

    def read(self) -> dict[str, Any] | None:
        """Return what was written last; None where there is nothing."""

    def write(self, state: dict[str, Any]) -> None:
        """Write state in place of an earlier one."""

    def refuse_other_samples(self, written: str, found: str) -> None:
        """Raise where fingerprints of samples differ."""


class _NoCheckpoint:
    """What follows each epoch where no checkpoint is asked for."""

    def begin(self, random_state: np.random.RandomState) -> np.random.RandomState:
        return random_state

    def resume(self, run: TrainingRun) -> None:
        pass

    def after_epoch(self, run: TrainingRun) -> None:
        pass


class _Checkpoints:
    """What follows each epoch: the state of the run is written to a file.

    Parameters
    ----------
    file : Checkpoint
    """

    def __init__(self, file: Checkpoint) -> None:
        self._file = file
        self._saved = file.read()

    def begin(self, random_state: np.random.RandomState) -> np.random.RandomState:
        """Return the generator to begin with: that of the fit that was cut short."""
        if self._saved is not None:
            random_state = self._saved["random_state"]
        # What follows moves on a generator that is the caller's, or numpy's.
        self._start_state = copy.deepcopy(random_state)
        return random_state

    def resume(self, run: TrainingRun) -> None:
        """Let a run go on from the file, if there is one."""
        self._fingerprint = run.fingerprint()
        saved, self._saved = self._saved, None
        if saved is not None:
            self._file.refuse_other_samples(saved["fingerprint"], self._fingerprint)
            _restore(run, saved["run"], self._file.path)

    def after_epoch(self, run: TrainingRun) -> None:
        """Write what training has changed since it began."""
        self._file.write(
            {
                "run": run.state(),
                "random_state": self._start_state,
                "fingerprint": self._fingerprint,
            }
        )


@dataclass(frozen=True)
class EpochCallbacks:
    """What a caller does between epochs.

    Parameters
    ----------
    begin_epoch : callable
        Called before each epoch.
    end_epoch : callable
        Called after each with a report and a function that gives the model so far;
        training stops if it returns True.
    """

    begin_epoch: Callable[[], None]
    end_epoch: Callable[[EpochReport, Callable[[], Model]], bool]


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


def _with_torch_where_needed(function: _F) -> _F:
    """Import torch before a call that needs it, and no other: it takes a second.

    Before, since what keeps its settings has to know them.
    """

    @wraps(function)
    def with_torch(samples: Samples, settings: Settings, **options: Any) -> FitResult:
        communicator = options.get("communicator", SINGLE_PROCESS)
        if _needs_torch(samples, settings, communicator):
            import torch  # noqa: F401
        return function(samples, settings, **options)

    return cast(_F, with_torch)


@_with_torch_where_needed
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
    checkpoints = _NoCheckpoint() if checkpoint is None else _Checkpoints(checkpoint)
    random_state = checkpoints.begin(random_state)
    seed = broadcast(communicator, random_state.randint(np.iinfo(np.int32).max))
    rng = np.random.default_rng(seed)
    if communicator.world_size > 1:
        # What follows must not depend on more than the seed that all share.
        random_state = np.random.RandomState([seed, communicator.rank])
    split = _split_and_scale(samples, settings, random_state, communicator, validation)
    prepared = _prepare(split, settings, rng, before, communicator)
    featurizer, findings = prepared.featurizer, prepared.findings
    vectors = _vectors(settings, featurizer, before, coverage)
    found = None
    if before is None and settings.adds_vectors:
        found = static_vectors(settings, featurizer)
    communicator.stage("it dealt the samples out to train on")
    with _training_threads(samples, settings, communicator):
        run = _make_run(prepared, split, settings, rng, before, vectors, communicator)
        if found is None:
            del prepared  # Its bags: from here on the batches hold them.
        checkpoints.resume(run)

        def model_so_far() -> Model:
            predictor, calibration = run.export()
            return _model(featurizer, split.to_users(predictor), calibration)

        stopped = _run_epochs(run, callbacks, checkpoints, model_so_far)
        communicator.stage("it put the model together")
        predictor, accumulators = run.finish()
        predictor = split.to_users(predictor)
        calibration, share = run.outcome.calibration, None
        if found is not None:
            folded = fold_vectors(found, prepared, run, predictor, settings)
            featurizer, predictor = folded.featurizer, folded.predictor
            calibration, share = folded.calibration, folded.share
            coverage = found.vectors.coverage
        # A matrix of few columns may have nothing to do with its classes; texts nearly
        # always can be learnt, if only by heart.
        is_new_text = before is None and featurizer.encoder is not None
        training = run.finding() if is_new_text and not stopped else None
    warn_of(findings, training)
    return FitResult(
        _model(featurizer, predictor, calibration),
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


def _model(
    featurizer: Featurizer, predictor: Predictor, calibration: Calibration
) -> Model:
    """Model of trained arrays, whose scores get the offset of their calibration."""
    predictor = with_score_offset(predictor, calibration.score_offset)
    return Model(featurizer, predictor, calibration)


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
    if validation is not None:
        validation = validation.with_inputs(featurizer.weigh(validation.X))
    return TrainingRun(
        prepared.samples,
        settings.training,
        n_progressive=prepared.n_progressive,
        rng=rng,
        validation=validation,
        origin=Origin(
            start,
            prepared.initial_counts,
            document_counts=_documents_by_id(featurizer),
            vectors=vectors,
        ),
        communicator=communicator,
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
    checkpoints: _NoCheckpoint | _Checkpoints,
    model_so_far: Callable[[], Model],
) -> bool:
    """Train until the run is done, or a callback stops it; return whether one did."""
    communicator, stopped = run.communicator, False
    while not (run.done or stopped):
        callbacks.begin_epoch()
        communicator.stage(f"it trained epoch {len(run.outcome.loss_curve) + 1}")
        report = run.epoch()
        if report is not None:
            stops = callbacks.end_epoch(report, model_so_far)
            stopped = any(communicator.all_gather(stops))
            checkpoints.after_epoch(run)
    return stopped


@_with_torch_where_needed
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
    if before is None and settings.adds_vectors:
        raise ValueError(
            "embedding_init with embedding_dim=None learns how much vectors are to "
            "count from all texts at once. Use fit first, after which partial_fit goes "
            "on; or set embedding_dim to the width of the vectors."
        )
    n_seen = 0 if resume is None else resume.n_seen
    # A new stream each call, the same whatever happened to the estimator in between.
    rng = np.random.default_rng([random_state.randint(np.iinfo(np.int32).max), n_seen])
    settings = _for_one_part(settings)
    samples = samples.without_weightless()
    order = rng.permutation(len(samples)) if settings.training.shuffle else None
    most = min(
        N_CALIBRATION_SAMPLES, max_progressive_samples(samples.targets.n_outputs)
    )
    known = None
    columns = _columns_of_stream(samples, resume)
    units = None if columns is None else ColumnUnits.of_moments(columns)
    if units is not None:
        samples = samples.with_inputs(units.of(samples.X))
        if before is not None:
            before = replace(before, predictor=units.of_trained(before.predictor))
    if before is not None and resume is not None:
        known = before.featurizer
        if outgrows_short_texts(known, settings, n_seen + len(samples)):
            before, resume = without_short_text_features(before, resume)
            known = before.featurizer
    # Earlier samples of the first part are learnt before later ones are scored.
    n_progressive = min(len(samples) // 2 if known is None else len(samples), most)
    extended = extend(known, samples, settings, order, n_progressive, resume)
    featurizer, weighted = extended.featurizer, extended.samples
    assert weighted is not None
    vectors = _vectors(settings, featurizer, before, coverage)
    table, is_moved = None, units is not None
    if before is not None and known is not None:
        predictor = follow_numbers(before.predictor, before.featurizer, featurizer)
        is_moved |= predictor is not before.predictor
        before = replace(before, predictor=predictor)
    # Rows that are all changed are in a table of their own.
    if not is_moved and extended.table_change is None and resume and resume.stream:
        table = resume.stream.table
    trained = _train_part(
        weighted,
        settings,
        _origin_of_part(before, resume, extended.table_change, vectors),
        n_progressive,
        rng,
        table,
        has_units=units is not None,
    )
    run, predictor = trained.run, trained.predictor
    if units is not None:
        predictor = units.to_users(predictor)
        trained = replace(trained, table=GrowingRows(predictor.dense))
    calibration, skill = run.outcome.calibration, run.outcome.skill_score
    if before is not None and resume is not None:
        share = n_progressive / (n_progressive + min(n_seen, N_CALIBRATION_SAMPLES))
        calibration = blend(before.calibration, calibration, share)
        skill = _mean_skill(resume.skill_score, skill, share)
    rate = run.plan.learning_rate if resume is None else resume.learning_rate
    return FitResult(
        _model(featurizer, predictor, calibration),
        Resume(
            trained.accumulators,
            rate,
            n_seen + len(samples),
            extended.mean_divergence,
            skill,
            Stream(trained.table, extended.id_weights, extended.has_counts),
            columns,
        ),
        run.plan,
        run.outcome,
        coverage if vectors is None else vectors.coverage,
        update=trained.update,
    )


def _mean_skill(earlier: float | None, own: float | None, share: float) -> float | None:
    """Skill score of earlier parts and, for `share` of it, of this one."""
    if earlier is None or own is None:
        return own if earlier is None else earlier
    return (1 - share) * earlier + share * own


@dataclass(frozen=True, eq=False)
class _TrainedPart:
    """What training on a part of a stream gives.

    Parameters
    ----------
    run : TrainingRun
    predictor : Predictor
        Of all rows.
    accumulators : tuple of ndarray
    table : GrowingRows
        That of the predictor.
    update : RowUpdate or None
        Rows of it that are yet to be written.
    """

    run: TrainingRun
    predictor: Predictor
    accumulators: tuple[NDArray[np.float32], ...]
    table: GrowingRows
    update: RowUpdate | None


def _train_part(
    samples: Samples,
    settings: Settings,
    origin: Origin,
    n_progressive: int,
    rng: np.random.Generator,
    table: GrowingRows | None,
    *,
    has_units: bool,
) -> _TrainedPart:
    """Train once on weighted samples, where that may be in a table of their rows.

    `table` holds the rows to start from, which may be written; None for a copy. All
    rows change where those of the user's columns are in other units.
    """
    start, touched, n_ids = origin.start, None, samples.X.n_ids
    rows_before = None
    # A penalty shrinks all rows; vectors may begin any.
    if origin.vectors is None and not settings.training.alpha and not has_units:
        touched = TouchedRows.of(samples.X.slice(0, len(samples)))
    if touched is not None and len(touched.ids):
        samples = samples.with_inputs(touched.bags)
        if start is not None:
            own_rows = touched.from_table(start.predictor)
            rows_before = own_rows.dense  # Trainers copy what they start from.
            origin = replace(origin, start=replace(start, predictor=own_rows))
        elif len(touched.ids) == n_ids:
            # The table is that of its rows: features of a vocabulary are all met.
            touched = None
        elif origin.table is not None:
            origin = replace(origin, table=origin.table[touched.ids])
    with _training_threads(samples, settings, SINGLE_PROCESS):
        run = TrainingRun(
            samples,
            settings.training,
            n_progressive=n_progressive,
            rng=rng,
            origin=origin,
        )
        del samples  # As in fit.
        run.epoch()
        predictor, accumulators = run.finish()
    if touched is None or not len(touched.ids):
        table = GrowingRows(predictor.dense)
        return _TrainedPart(run, predictor, accumulators, table, None)
    if start is None:
        # All rows but those of this part are zero, which costs nothing.
        rows = np.zeros((n_ids, predictor.dense.shape[1]), dtype=WEIGHT_DTYPE)
        table, n_before = GrowingRows(rows), n_ids
    else:
        n_before = len(start.predictor.dense)
        if table is None:
            table = GrowingRows(start.predictor.dense.copy())
    predictor, update = touched.into_table(
        predictor, table, n_before, n_ids, rows_before
    )
    return _TrainedPart(run, predictor, accumulators, table, update)


def _origin_of_part(
    before: Model | None,
    resume: Resume | None,
    table_change: NDArray[np.float32] | None,
    vectors: Vectors | None,
) -> Origin:
    """What one more part of a stream goes on from."""
    if before is None or resume is None:
        return Origin(table=table_change, vectors=vectors)
    # Rows stay as they are where weights change: see `extend`.
    predictor = before.predictor
    if table_change is not None:
        table_change[: len(predictor.dense)] += predictor.dense
        predictor = replace(predictor, embedding=table_change)
    start = Start(
        with_score_offset(predictor, -before.calibration.score_offset),
        resume.accumulators,
        # Smaller for a part for which that would be too large, and for late ones.
        resume.learning_rate,
        resume.n_seen,
        before.calibration,
        USUAL_SKILL_SCORE if resume.skill_score is None else resume.skill_score,
    )
    return Origin(start, vectors=vectors)


def _restore(run: TrainingRun, state: Any, path: str) -> None:
    """Go on from the state in a checkpoint, which may have been tampered with."""
    try:
        run.restore(state)
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise ModelFileError(
            f"{path} is damaged: it holds no state of this fit "
            f"({error!r:.200}). Delete it to start again."
        ) from error


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


def _columns_of_stream(samples: Samples, resume: Resume | None) -> ColumnMoments | None:
    """Moments of the columns of a stream so far, where they are standardised.

    The first part says whether they are.
    """
    if isinstance(samples.X, list):
        return None
    if resume is not None:
        if resume.columns is None:
            return None
        own = ColumnMoments.of_csr(samples.X, samples.document_weight)
        return resume.columns + own
    sums = ColumnSums.of(samples.X)
    if sums is None or not sums.are_dense:
        return None
    return ColumnMoments.of_csr(samples.X, samples.document_weight)


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
        featurizer.learning_encoder,
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


def _needs_torch(
    samples: Samples, settings: Settings, communicator: Communicator
) -> bool:
    """Whether anything but a GPU, which is looked for late, may need torch."""
    loss = samples.targets.loss(settings.training.loss)
    alone = communicator.world_size == 1
    return not goes_by_columns(loss, settings.training, alone=alone)


def _training_threads(
    samples: Samples, settings: Settings, communicator: Communicator
) -> AbstractContextManager[None]:
    """Let torch have its threads, for results that do not depend on their number.

    Bags are summed each by one of the threads. The layers above, if there are any,
    are matrix products, which BLAS splits among them: those run on one. The number is
    set once and not for each step, because torch before 2.13 takes milliseconds for it.
    """
    if not _needs_torch(samples, settings, communicator):
        return nullcontext()
    has_layers = settings.training.embedding_dim is not None
    return torch_threads(1 if has_layers else settings.n_jobs)

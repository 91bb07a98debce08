"""One call of ``partial_fit``, once the input is checked and encoded.

A part of a stream: counted, weighed, and trained on once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from skbag._core.communicator import SINGLE_PROCESS
from skbag._core.dtypes import WEIGHT_DTYPE
from skbag._core.growing import GrowingRows
from skbag._core.threads import keeps_torch_settings
from skbag._model.model import Model, Resume, Stream
from skbag._model.predictor import Predictor
from skbag._targets.calibration import Calibration, blend
from skbag._text.pretrained import Vectors
from skbag._text.pruning import Pruning
from skbag._training.column_scales import ColumnSums, ColumnUnits
from skbag._training.early_stopping import Outcome
from skbag._training.fewer_features import (
    outgrows_short_texts,
    without_short_text_features,
)
from skbag._training.fit_log import StageTimer, log_decisions
from skbag._training.fit_result import FitResult, model_of
from skbag._training.number_columns import follow_numbers
from skbag._training.origin import (
    Origin,
    Start,
    vectors_to_begin_with,
    with_score_offset,
)
from skbag._training.plan import USUAL_SKILL_SCORE, max_progressive_samples
from skbag._training.preparation import extend
from skbag._training.run import TrainingRun
from skbag._training.samples import Samples
from skbag._training.settings import Settings
from skbag._training.stream import RowUpdate, TouchedRows
from skbag._training.text_vectors import check_can_go_on
from skbag._training.torch_where_needed import training_threads, with_torch_where_needed
from skbag._weighting.column_moments import ColumnMoments

N_CALIBRATION_SAMPLES = 4096
"""About how many of the last samples the temperature of ``partial_fit`` rests on, and
how many of a part are looked at for it."""


@with_torch_where_needed
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
    timer = StageTimer()
    _check_vectors(settings, before)
    check_can_go_on(before, settings, "partial_fit")
    n_seen = 0 if resume is None else resume.n_seen
    # A new stream each call, the same whatever happened to the estimator in between.
    rng = np.random.default_rng([random_state.randint(np.iinfo(np.int32).max), n_seen])
    settings = _for_one_part(settings)
    samples = samples.without_weightless()
    order = rng.permutation(len(samples)) if settings.training.shuffle else None
    most = min(
        N_CALIBRATION_SAMPLES, max_progressive_samples(samples.targets.n_outputs)
    )
    columns = _columns_of_stream(samples, resume)
    units = None if columns is None else ColumnUnits.of_moments(columns)
    if units is not None:
        samples = samples.with_inputs(units.of(samples.X))
        if before is not None:
            before = replace(before, predictor=units.of_trained(before.predictor))
    if before is not None and resume is not None:
        n_after = n_seen + len(samples)
        if outgrows_short_texts(before.featurizer, settings, n_after):
            before, resume = without_short_text_features(before, resume)
    known = None if before is None or resume is None else before.featurizer
    # Earlier samples of the first part are learnt before later ones are scored.
    n_progressive = min(len(samples) // 2 if known is None else len(samples), most)
    extended = extend(known, samples, settings, order, n_progressive, resume)
    featurizer, weighted = extended.featurizer, extended.samples
    assert weighted is not None
    timer.end("learning and weighting the features of a part")
    vectors = vectors_to_begin_with(settings, featurizer, before, coverage)
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
    timer.end("training on a part")
    log_decisions(settings, featurizer, run.plan, run.outcome)
    share = n_progressive / max(n_progressive + min(n_seen, N_CALIBRATION_SAMPLES), 1)
    calibration, skill = _with_earlier(run.outcome, before, resume, share)
    rate = run.plan.learning_rate if resume is None else resume.learning_rate
    return FitResult(
        model_of(featurizer, predictor, calibration),
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


def _check_vectors(settings: Settings, before: Model | None) -> None:
    """Raise where a stream would begin by adding vectors to its table."""
    if before is None and settings.adds_vectors:
        raise ValueError(
            "embedding_init with embedding_dim=None learns how much vectors are to "
            "count from all texts at once. Use fit first, after which partial_fit goes "
            "on; or set embedding_dim to the width of the vectors."
        )


def _with_earlier(
    outcome: Outcome, before: Model | None, resume: Resume | None, share: float
) -> tuple[Calibration, float | None]:
    """Calibration and skill score of all parts, this one counting for `share`."""
    if before is None or resume is None:
        return outcome.calibration, outcome.skill_score
    return (
        blend(before.calibration, outcome.calibration, share),
        _mean_skill(resume.skill_score, outcome.skill_score, share),
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
    with training_threads(samples, settings, SINGLE_PROCESS):
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

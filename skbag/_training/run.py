"""One training: from weighted bags and codes to trained arrays.

Brings plan, batches, network, trainer and stopping rule together. Knows nothing of
texts, labels or estimators.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.communicator import (
    SINGLE_PROCESS,
    Communicator,
    broadcast,
    concatenate_weights,
    share_of,
    total,
)
from skbag._core.dtypes import WEIGHT_DTYPE
from skbag._model.clusters import Clusters
from skbag._model.predictor import Predictor
from skbag._targets.calibration import Calibration
from skbag._targets.label_sets import Codes, as_array, together
from skbag._targets.losses import (
    constant_squared_hinge,
    is_squared_hinge,
    label_weights,
)
from skbag._targets.regression_losses import PoissonDeviance, SquaredError
from skbag._training.absent_classes import with_present, without_absent
from skbag._training.column_trainer import ColumnTrainer
from skbag._training.division import n_exchanges
from skbag._training.early_stopping import Outcome, Validation, stopping_rule
from skbag._training.fit_checks import training_finding
from skbag._training.initial_table import (
    own_part_of_initial_table,
)
from skbag._training.local_trainer import LocalTrainer
from skbag._training.origin import Origin, Start, check_layers
from skbag._training.own_steps import (
    OwnSteps,
    followed_batches,
    follows_own_steps,
)
from skbag._training.plan import (
    N_MOMENT_SAMPLES,
    USUAL_SKILL_SCORE,
    Moments,
    Plan,
    Problem,
    clip_sample_weights,
    clusters_of,
    goes_by_columns,
)
from skbag._training.progress import (
    NO_BATCHES,
    Diverged,
    Progress,
    Schedule,
    Unseen,
)
from skbag._training.samples import Samples, documents_by_id
from skbag._training.settings import TrainingOptions
from skbag._training.sharding import cut_positions

if TYPE_CHECKING:
    from skbag._training.trainer import Trainer

SCORES_AT_ONCE = 2**22
"""Scores that a loss is looked at by at most."""


@dataclass(frozen=True)
class EpochReport:
    """What the caller learns after each epoch."""

    n_iter: int
    loss: float
    validation_score: float | None
    texts_per_second: float


class TrainingRun:
    """A fit between its epochs: ``while not run.done: run.epoch()``, then `finish`.

    Parameters
    ----------
    samples : Samples
        Weighted bags, lazy ones perhaps, in the order of the batches.
    options : TrainingOptions
    n_progressive : int
        How many of the last samples, those of all ranks together, to visit last in the
        first epoch and to score before training on them: progressive validation.
    rng : numpy Generator
        Source of all randomness.
    validation : Samples or None
        Where given, the state of the best validation score is kept.
    origin : Origin
    communicator : Communicator
        Who trains the same model on samples of its own.
    group : Communicator or None
        Who trains the same model at all: on the same samples where that is another.
    unseen : Unseen or None
        Scores of samples of this rank to fit the temperature to; None where training
        is to find some.

    Attributes
    ----------
    plan : Plan
        What has been decided so far.
    outcome : Outcome
        What the epochs have shown so far.
    unseen : Unseen or None
        What a model without them would score some samples of this rank, by the state
        that the outcome is calibrated to; None where that is not followed.
    """

    def __init__(
        self,
        samples: Samples,
        options: TrainingOptions,
        *,
        n_progressive: int,
        rng: np.random.Generator,
        validation: Samples | None = None,
        origin: Origin | None = None,
        communicator: Communicator = SINGLE_PROCESS,
        group: Communicator | None = None,
        unseen: Unseen | None = None,
    ) -> None:
        origin = origin or Origin()
        # Without their bags: the batches hold all of them, and memory is dear.
        self.samples = samples.with_inputs(None)
        self.targets = samples.targets
        self._is_stream = not options.decay
        self.rng = rng
        self.communicator = communicator
        self.group = communicator if group is None else group
        self.outcome = Outcome()
        self.n_samples = total(communicator, len(samples))
        self.loss = self.targets.loss(options.loss)
        self._counts = total(communicator, self.targets.counts(samples.codes))
        start = origin.start
        self._earlier_calibration = None if start is None else start.calibration
        clusters = clusters_of(self.loss, self._counts)
        if start is not None and clusters is not None:
            clusters = start.predictor.clusters
        problem = self._problem(samples, clusters, start)
        by_columns = self._may_go_by_columns(origin, options)
        n_shards = communicator.world_size if by_columns else 1
        plan = Plan.make(problem, options, n_progressive, n_shards)
        self.trainer: ColumnTrainer | LocalTrainer | Trainer
        if by_columns:
            self._begin_by_columns(samples, origin, clusters, plan)
        else:
            self._begin(samples, origin, clusters, plan)
        starts = np.arange(0, self.n_samples, plan.batch_size)
        n_before = self.n_samples - n_progressive
        self._held = np.flatnonzero(starts >= n_before)
        self._validation = None
        if validation is not None:
            self._validation = Validation(validation, self.trainer, communicator)
        self._stopping = stopping_rule(
            options.n_iter_no_change, options.tol, validated=validation is not None
        )
        self._best: Predictor | None = None
        self._followed = self._held
        self._is_calibrated = unseen is not None
        edges = cut_positions(communicator.all_gather(len(samples)), plan.batch_size)
        self._own_edges = edges[:, communicator.rank]
        self._own_steps: OwnSteps | None = None
        self.unseen = unseen
        if unseen is not None:
            self._fit_calibration(*self._gathered(unseen.scores, unseen.rows))
        elif len(self._held) and follows_own_steps(self.loss, options):
            self._own_steps = self._follow_own_steps(samples, origin, edges)

    @property
    def done(self) -> bool:
        """Whether there is nothing more to do."""
        outcome = self.outcome
        return (
            outcome.diverged
            or len(outcome.loss_curve) >= self.plan.n_epochs
            or self._stopping.terminate()
        )

    def epoch(self) -> EpochReport | None:
        """Train for one epoch; None if it diverged.

        Sets:
            - ``outcome`` and ``plan``
            - the state of the trainer, and the best state where one is kept
        """
        outcome = self.outcome
        started = perf_counter()
        first = not outcome.loss_curve
        scored = self._followed if self._own_steps is not None else NO_BATCHES
        if first and self.plan.needs_scores and len(self._held) > len(scored):
            scored = self._held
        order, schedule = self._order(first), self.trainer.schedule
        try:
            progress = self.trainer.run_epoch(order, scored)
        except Diverged:
            outcome.diverged = True
            return None
        seconds = perf_counter() - started
        if self._own_steps is not None and progress.scores is not None:
            n_done = len(outcome.loss_curve) * len(order)
            first_row = len(progress.scores) - self._n_rows(self._followed)
            followed = progress.scores[first_row:]
            kept = progress.kept if progress.kept is None else progress.kept[first_row:]
            self._own_steps.add(followed, order, schedule, n_done, kept)
        outcome.loss_curve.append(progress.loss)
        if first and progress.scores is not None:
            self._learn_from(progress, progress.scores)
        score = None
        if self._validation is not None:
            score = broadcast(self.group, self._validation.score(self.trainer))
            outcome.validation_scores.append(score)
        self._follow(self._stopping.update(outcome, self.plan))
        if self._stopping.is_best(outcome):
            self._best = self.trainer.export()
            self._calibrate()
        return EpochReport(
            n_iter=len(outcome.loss_curve),
            loss=progress.loss,
            validation_score=score,
            texts_per_second=self.n_samples / max(seconds, 1e-9),
        )

    def export(self) -> tuple[Predictor, Calibration]:
        """Copy the state so far, and calibrate it; the run stays as it is."""
        # That of the best state so far may be there already.
        kept = self.outcome.calibration
        self._calibrate()
        calibration, self.outcome.calibration = self.outcome.calibration, kept
        predictor = self.trainer.whole(self.trainer.export())
        return self._without_absent(predictor), calibration

    def finish(self) -> tuple[Predictor, tuple[NDArray[np.float32], ...]]:
        """Trained arrays, the best of them where validated, and the accumulators."""
        if self._best is None:
            self._calibrate()
        predictor = self.trainer.whole(self._best or self.trainer.export())
        return self._without_absent(predictor), broadcast(
            self.group, self.trainer.accumulators
        )

    def state(self) -> dict[str, Any]:
        """Serialisable state of the run between two epochs; the same on all ranks."""
        best = None if self._best is None else self.trainer.whole(self._best)
        return {
            "trainer": self.trainer.state(),
            "plan": self.plan.state(),
            "outcome": asdict(self.outcome),
            "n_without_gain": self._stopping.n_without_gain,
            "draws": self.rng.bit_generator.state,
            "best": None if best is None else dict(_trained(best)),
            "own_steps": self._all_own_steps(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from the state of a run that began in the same way."""
        self.trainer.restore(state["trainer"])
        self._follow(replace(self.plan, **state["plan"]))
        outcome = state["outcome"]
        calibration = Calibration(**outcome["calibration"])
        self.outcome = Outcome(**{**outcome, "calibration": calibration})
        self._stopping.n_without_gain = state["n_without_gain"]
        if self._own_steps is not None:
            self._own_steps.restore(state["own_steps"][self.communicator.rank])
        self.rng.bit_generator.state = state["draws"]
        best = state["best"]
        if best is not None:
            rows = np.ascontiguousarray(self.trainer.own_part(best["embedding"]))
            trained = {**best, "layers": tuple(best["layers"]), "embedding": rows}
            self._best = replace(self.trainer.export(), **trained)

    def fingerprint(self) -> str:
        """Digest of all that is trained on and from, before the first epoch.

        Samples, how they became weighted bags, their order and the start: where the
        digests of two runs are equal, so are the runs.
        """
        digest = hashlib.sha256()
        arrays = self.trainer.arrays()
        if self._validation is not None:
            arrays += self._validation.arrays()
        for array in arrays:
            digest.update(repr((array.dtype.str, array.shape)).encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        of_all = b"".join(self.group.all_gather(digest.digest()))
        return hashlib.sha256(of_all).hexdigest()

    def finding(self) -> str | None:
        """Return a warning where the epochs so far have taught next to nothing."""
        # Weights are clipped for the steps, so that their losses cannot be compared.
        if self.outcome.diverged or self.samples.weight is not None:
            return None
        return training_finding(
            self.outcome.loss_curve,
            self.constant_loss(),
            self.n_samples,
            has_layers=self.plan.n_layer_outputs > 0,
        )

    def constant_loss(self) -> float:
        """Mean loss of the best scores that are the same for all unweighted samples."""
        samples, scores = self.samples, self._constant_scores()
        n_rows = min(
            len(samples), N_MOMENT_SAMPLES, max(SCORES_AT_ONCE // len(scores), 1)
        )
        rows = np.linspace(0, len(samples) - 1, n_rows).astype(np.int64)
        codes = samples.codes[rows]
        if isinstance(self.loss, SquaredError | PoissonDeviance):
            return self.loss.mean(scores, as_array(codes))
        if is_squared_hinge(self.loss):
            return constant_squared_hinge(scores, codes, label_weights(self.loss))
        # Imported here: most trainings do without torch.
        import torch

        _, value = self.loss.gradient(
            torch.from_numpy(np.tile(scores, (n_rows, 1))),
            torch.from_numpy(as_array(codes)),
            None,
        )
        return float(value) / n_rows

    def _problem(
        self, samples: Samples, clusters: Clusters | None, start: Start | None
    ) -> Problem:
        return Problem.of(
            self.targets,
            self.loss,
            clusters,
            self._counts,
            self.n_samples,
            self._measure(samples),
            self._shares(),
            n_seen=0 if start is None else start.n_seen,
            max_learning_rate=np.inf if start is None else start.learning_rate,
            skill_score=USUAL_SKILL_SCORE if start is None else start.skill_score,
        )

    def _measure(self, samples: Samples) -> Moments:
        """Moments of the first samples of all ranks, which stand for all."""
        communicator = self.communicator
        sizes = communicator.all_gather(len(samples))
        n_measured = min(sum(sizes), N_MOMENT_SAMPLES)
        n_own = share_of(n_measured, sizes)[communicator.rank]
        weight = np.ones(len(samples)) if samples.weight is None else samples.weight
        largest = 1.0 if samples.numbers is not None else float(weight.max(initial=0))
        # Each sample in the output where it weighs most.
        most = self.loss.max_sample_weight
        received = communicator.all_gather(
            (samples.X.slice(0, n_own), most * weight[:n_own], most * largest)
        )
        moments = Moments.measure(
            Bags.concatenate([bags for bags, _, _ in received]),
            np.concatenate([weights for _, weights, _ in received]),
            max(largest for _, _, largest in received),
        )
        return broadcast(self.group, moments)

    def _may_go_by_columns(self, origin: Origin, options: TrainingOptions) -> bool:
        """Whether `ColumnTrainer` can do what is asked for, on the CPU."""
        has_all_samples = self.communicator.world_size == 1
        return (
            origin.vectors is None
            and goes_by_columns(self.loss, options)
            and (has_all_samples or bool(options.local_steps))
        )

    def _begin_by_columns(
        self,
        samples: Samples,
        origin: Origin,
        clusters: Clusters | None,
        plan: Plan,
    ) -> None:
        """Set plan and trainer where no batches need be made."""
        bags = samples.X.slice(0, len(samples))
        self.plan = plan = plan.with_entries(len(bags.ids))
        options = plan.options
        alone = self.group.world_size == 1
        if alone and plan.may_go_to_a_gpu and _has_gpu(plan):
            self._begin(samples.with_inputs(bags), origin, clusters, plan)
            return
        self.rng.integers(2**62)  # As where layers are drawn.
        start, communicator = origin.start, self.communicator
        sizes = communicator.all_gather(len(samples))
        edges = cut_positions(sizes, plan.batch_size)[:, communicator.rank]
        steps = ColumnTrainer(
            bags,
            samples.codes,
            np.ascontiguousarray(edges),
            self._weight_of_steps(bags, samples.weight, plan),
            label_weights(self.loss),
            self._table_to_start_from(origin, bags.n_ids),
            None if start is None else start.accumulators,
            Schedule.of(self.plan),
            n_threads=options.n_threads,
            delta=self.loss.delta if isinstance(self.loss, SquaredError) else np.inf,
            communicator=SINGLE_PROCESS if plan.n_shards > 1 else self.group,
        )
        self.trainer = steps
        if plan.n_shards > 1:
            self.trainer = LocalTrainer(
                steps,
                self._document_counts(samples, origin),
                n_exchanges(self.n_samples, plan.n_shards),
                communicator,
            )

    def _table_to_start_from(self, origin: Origin, n_ids: int) -> Predictor:
        """Table of scores, and intercepts, before the first step."""
        if origin.start is not None:
            return self._start_predictor(origin.start.predictor, self.plan)
        n_outputs = self.plan.problem.n_outputs
        table = np.zeros((n_ids, n_outputs), dtype=WEIGHT_DTYPE)
        norm = self.plan.problem.moments.mean_squared_norm**0.5
        start = origin.initial_table()
        if start is not None and norm > 0:
            table = start / WEIGHT_DTYPE(norm)
        intercept = self._constant_scores().astype(WEIGHT_DTYPE)
        return Predictor(table, ((None, intercept),))

    def _start_predictor(self, predictor: Predictor, plan: Plan) -> Predictor:
        check_layers(predictor, plan)
        if self.targets.one_of_all:
            predictor = with_present(predictor, self._counts)
        return predictor

    def _begin(
        self,
        samples: Samples,
        origin: Origin,
        clusters: Clusters | None,
        plan: Plan,
    ) -> None:
        """Set plan and trainer: torch's steps over batches, on any device."""
        # Imported here: most trainings do without torch.
        from skbag._training.torch_setup import TorchTask, torch_trainer

        def step_weights(bags: Bags, first: int) -> NDArray[np.float64] | None:
            weight = samples.weight
            own_weight = None if weight is None else weight[first : first + len(bags)]
            return self._weight_of_steps(bags, own_weight, plan)

        start = origin.start
        if start is not None:
            predictor = self._start_predictor(start.predictor, plan)
            origin = replace(origin, start=replace(start, predictor=predictor))
        task = TorchTask(
            samples,
            origin,
            self.loss,
            clusters,
            self._constant_scores(),
            step_weights,
            int(self.rng.integers(2**62)),
            self.communicator,
        )
        self.trainer, self.plan = torch_trainer(task, plan)

    def _weight_of_steps(
        self, bags: Bags, weight: NDArray[np.float64] | None, plan: Plan
    ) -> NDArray[np.float64] | None:
        """Weights of samples as steps are to take them."""
        if not plan.clips_weights:
            return weight
        rate, curvature = plan.learning_rate, self.loss.curvature
        return clip_sample_weights(bags, weight, rate, curvature)

    def _constant_scores(self) -> NDArray[np.float64]:
        """Scores, the same for all documents, that make the loss least.

        In a stream, classes that are yet to come are taken to be as frequent as others.
        """
        sums, n_documents = self._document_sums()
        if self._is_stream and self.targets.one_of_all:
            sums = np.where(sums > 0, sums, sums.sum() / len(sums))
        return self.targets.constant_scores(self.loss, sums, n_documents)

    def _shares(self) -> NDArray[np.float64]:
        """Share of each class in the documents, kept within (0, 1)."""
        sums, n_documents = self._document_sums()
        return (sums + 0.5) / (n_documents + 1)

    def _document_sums(self) -> tuple[NDArray[np.float64], float]:
        """Sums over all documents that rules are made of, and their number.

        Whatever classes weigh: where a rare class weighs more, most documents still
        are of the others, and rows need not learn that.
        """
        samples = self.samples
        weight = samples.document_weight
        sums = self.targets.sums(samples.codes, weight)
        own = float(len(samples)) if weight is None else float(weight.sum())
        return total(self.communicator, sums), total(self.communicator, own)

    def _order(self, first: bool) -> NDArray[np.int64]:
        """Order of the batches; in the first epoch the progressive ones come last."""
        n_batches = self.trainer.n_batches
        if not self.plan.options.shuffle:
            return np.arange(n_batches)
        if not first:
            return self.rng.permutation(n_batches)
        n_free = n_batches - len(self._held)
        return np.concatenate(
            [self.rng.permutation(n_free), np.arange(n_free, n_batches)]
        )

    def _learn_from(self, progress: Progress, scores: NDArray[np.float32]) -> None:
        """Settle epochs, penalty and temperature by what the first epoch showed."""
        targets = self.targets
        # Others may have been followed for the temperature alone.
        first_row = len(scores) - self._n_rows(self._held)
        scores, codes, weight = self._gathered(
            scores[first_row:], progress.rows[first_row:]
        )
        if self._own_steps is None and not self._is_calibrated:
            self._fit_calibration(scores, codes, weight)
        skill = targets.skill_score(scores, codes, weight, self._counts, self.n_samples)
        self.outcome.skill_score = skill = broadcast(self.group, skill)
        self._follow(self.plan.with_skill(skill))

    def _all_own_steps(self) -> list[Any]:
        """State of the own steps of all ranks: each follows samples of its own."""
        own = None if self._own_steps is None else self._own_steps.state()
        return list(self.communicator.all_gather(own))

    def _n_rows(self, batches: NDArray[np.int64]) -> int:
        """Number of own samples in the last batches, from the first of some on."""
        return int(self._own_edges[-1] - self._own_edges[batches[0]])

    def _gathered(
        self, scores: NDArray[np.float32], rows: NDArray[np.int64] | slice
    ) -> tuple[NDArray[np.float32], Codes, NDArray[np.float64] | None]:
        """Scores, codes and weights of some samples of each rank, put together."""
        samples = self.samples
        weight = None if samples.weight is None else samples.weight[rows]
        received = self.communicator.all_gather((scores, samples.codes[rows], weight))
        return (
            np.concatenate([scores for scores, _, _ in received]),
            together([codes for _, codes, _ in received]),
            concatenate_weights([(len(part), w) for _, part, w in received]),
        )

    def _calibrate(self) -> None:
        """Fit temperature and offset to the state so far, where its steps are followed.

        Sets the outcome.
        """
        if self._own_steps is None or not self.outcome.loss_curve:
            return
        n_epochs = len(self.outcome.loss_curve)
        scores = self._own_steps.scores_without(self.trainer, n_epochs)
        first = int(self._own_edges[self._followed[0]])
        self.unseen = Unseen(scores, np.arange(first, first + len(scores)))
        self._fit_calibration(*self._gathered(scores, self.unseen.rows))

    def calibration_of(
        self,
        scores: NDArray[np.float32],
        codes: Codes,
        weight: NDArray[np.float64] | None,
    ) -> Calibration:
        """What makes the best probabilities of scores of samples not trained on."""
        return self.targets.fit_calibration(
            scores, codes, weight, self._shares(), self._earlier_calibration
        )

    def _fit_calibration(
        self,
        scores: NDArray[np.float32],
        codes: Codes,
        weight: NDArray[np.float64] | None,
    ) -> None:
        if not self.loss.calibrated_by_temperature:
            return
        calibration = self.calibration_of(scores, codes, weight)
        self.outcome.calibration = broadcast(self.group, calibration)

    def _follow_own_steps(
        self, samples: Samples, origin: Origin, edges: NDArray[np.int64]
    ) -> OwnSteps:
        """Follow some samples, to calibrate the finished model by them."""
        plan, communicator = self.plan, self.communicator
        smaller = float(self._shares().min()) if self.targets.has_two_classes else None
        self._followed = followed_batches(edges, samples, plan, smaller, self._held)
        first = int(self._own_edges[self._followed[0]])
        bags = samples.X.slice(first, len(samples))
        weight = None if samples.weight is None else samples.weight[first:]
        moves = np.zeros((len(bags), plan.problem.n_outputs))
        n_counted = len(bags) - self._n_rows(self._held)
        if origin.counts is not None and n_counted > 0:
            moves[:n_counted, 0] = own_part_of_initial_table(
                origin.counts,
                bags.slice(0, n_counted),
                samples.codes[first:][:n_counted],
            )
            moves /= plan.problem.moments.mean_squared_norm**0.5
        return OwnSteps(
            bags,
            self._document_counts(samples, origin),
            samples.codes[first:],
            self._weight_of_steps(bags, weight, plan),
            label_weights(self.loss),
            edges,
            self._followed,
            moves,
            None if samples.numbers is None else samples.numbers[first:],
            self.trainer,
            communicator.rank,
        )

    def _document_counts(self, samples: Samples, origin: Origin) -> NDArray[np.float64]:
        """Number of samples of all ranks that hold each id."""
        counts = origin.document_counts
        if counts is None:
            own = documents_by_id(samples.X)
            counts = np.asarray(total(self.communicator, own))
        return counts

    def _follow(self, plan: Plan) -> None:
        """Go on by another plan. Sets the plan, and the schedule of the trainer."""
        self.plan = plan
        self.trainer.schedule = Schedule.of(self.plan)

    def _without_absent(self, predictor: Predictor) -> Predictor:
        # Later parts of a stream may have classes that this one lacks.
        if self.plan.options.decay and self.targets.one_of_all:
            return without_absent(predictor, self._counts)
        return predictor


def _has_gpu(plan: Plan) -> bool:
    # Imported here: most trainings do without torch.
    from skbag._training.devices import resolve_device

    device = resolve_device(plan.options.device, plan.work * plan.n_epochs)
    return device.type != "cpu"


def _trained(predictor: Predictor) -> Iterator[tuple[str, Any]]:
    """Yield name and value of all that training changes of a predictor."""
    for field in fields(predictor):
        if not field.metadata.get("given"):
            value = getattr(predictor, field.name)
            yield field.name, list(value) if isinstance(value, tuple) else value

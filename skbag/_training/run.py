"""One training: from weighted bags and codes to trained arrays.

Puts the rooms together: rules, batches, network, trainer; decides between two epochs
whether to go on. Knows nothing of texts, labels or estimators.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field, replace
from time import perf_counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.communicator import (
    SINGLE_PROCESS,
    Communicator,
    broadcast,
    concatenate_weights,
    total,
)
from skbag._model.clusters import Clusters
from skbag._model.predictor import Predictor
from skbag._targets.label_sets import as_array, one_each, together
from skbag._targets.links import DEFAULT_INVERSE_TEMPERATURE
from skbag._text.pretrained import Vectors
from skbag._training.batches import Batch, make_batches
from skbag._training.devices import Placement, free_bytes, resolve_device
from skbag._training.early_stopping import Validation
from skbag._training.fit_checks import training_finding
from skbag._training.initialisation import (
    initialise_by_ridge,
    max_samples,
    mean_norm,
    preconditioner,
)
from skbag._training.network import Network
from skbag._training.plan import (
    N_MOMENT_SAMPLES,
    Moments,
    auto_alpha,
    auto_batch_size,
    auto_epochs,
    auto_learning_rate,
    clip_sample_weights,
    first_plan_epochs,
    skill_score,
)
from skbag._training.samples import Samples
from skbag._training.settings import TrainingOptions
from skbag._training.sharding import n_own_rows, own_rows
from skbag._training.trainer import (
    LAYER_STEP,
    Diverged,
    PretrainedRows,
    Progress,
    Schedule,
    Trainer,
)

EQUAL_SCORES = 1e-6
"""Validation scores that differ by less are equal: they differ by samples whose
weights are next to nothing."""

ABSENT = 30.0
"""How far below the others the score of a class without any sample ends."""

SCORES_AT_ONCE = 2**22
"""Scores that a loss is looked at by at most."""


@dataclass(frozen=True)
class EpochReport:
    """What the caller learns after each epoch."""

    n_iter: int
    loss: float
    validation_score: float | None
    texts_per_second: float


@dataclass(eq=False)
class Outcome:
    """What a fit has decided and found so far."""

    learning_rate: float
    alpha: float
    batch_size: int
    inverse_temperature: float = 1.0
    diverged: bool = False
    loss_curve: list[float] = field(default_factory=list)
    validation_scores: list[float] = field(default_factory=list)
    best_loss: float = np.inf
    best_score: float = -np.inf


@dataclass(frozen=True, eq=False)
class Start:
    """Trained arrays to go on from.

    `learning_rate` is the largest step that a rule may choose, `n_seen` the number of
    samples of the same stream that they were trained on, `inverse_temperature` that of
    the model.
    """

    predictor: Predictor
    accumulators: tuple[NDArray[np.float32], ...] | None = None
    learning_rate: float = np.inf
    n_seen: int = 0
    inverse_temperature: float = DEFAULT_INVERSE_TEMPERATURE


class TrainingRun:
    """A fit between its epochs: ``while not run.done: run.epoch()``, then `finish`.

    Parameters
    ----------
    samples : Samples
        Weighted bags, lazy ones perhaps, in the order of the batches.
    options : TrainingOptions
    n_progressive : int
        How many of the last samples, those of all ranks together, to visit last in the
        first epoch and judge the model by before training on them.
    rng : numpy Generator
        Source of all randomness.
    validation : Samples or None
        Where given, the state of the best validation score is kept.
    start : Start or None
        Arrays to go on from.
    initial_table : ndarray of shape (n_ids, 1), dtype=float32, or None
        Where to begin a table of scores: see `initial_table`.
    vectors : Vectors or None
        Rows of tokens to begin with.
    communicator : Communicator
        Who trains the same model on samples of its own.
    """

    # Training needs gradients even where the user has switched them off around fit.
    @torch.inference_mode(False)
    def __init__(
        self,
        samples: Samples,
        options: TrainingOptions,
        *,
        n_progressive: int,
        rng: np.random.Generator,
        validation: Samples | None = None,
        start: Start | None = None,
        initial_table: NDArray[np.float32] | None = None,
        vectors: Vectors | None = None,
        communicator: Communicator = SINGLE_PROCESS,
    ) -> None:
        # Without their bags: the batches hold all of them, and memory is dear.
        self.samples = samples.with_inputs(None)
        self.communicator = communicator
        self.n_samples = total(communicator, len(samples))
        self.n_ids = n_own_rows(samples.X.n_ids, communicator)
        self.options = options
        self.rng = rng
        self.targets = samples.targets
        self.temperature_before = (
            DEFAULT_INVERSE_TEMPERATURE if start is None else start.inverse_temperature
        )
        self.loss = self.targets.loss(options.loss)
        self._counts = total(communicator, self.targets.counts(samples.codes))
        outputs = self.targets.n_outputs
        width = options.embedding_dim or outputs
        curvature = self.loss.curvature
        self.moments = Moments.measure(
            samples.X, self._heaviest_weights(), communicator
        )
        clusters = self._clusters(start)
        n_scores = outputs if clusters is None else clusters.n_scores
        n_seen = 0 if start is None else start.n_seen
        batch_size = options.batch_size or auto_batch_size(
            n_seen + self.n_samples, n_scores, self.moments
        )
        batch_size = min(batch_size, self.n_samples)
        if options.learning_rate_init is None:
            rate = auto_learning_rate(self.moments, batch_size, curvature, n_seen)
            rate = min(rate, np.inf if start is None else start.learning_rate)
        else:
            rate = options.learning_rate_init
        batches = self._make_batches(samples, batch_size, rate)
        n_entries = total(communicator, sum(len(batch.ids) for batch in batches))
        self.work = float(n_entries) * (width + 16)
        self.n_layer_outputs = 0 if options.embedding_dim is None else outputs
        self.n_planned = options.max_iter or first_plan_epochs(
            self.n_samples, self.work, self.n_layer_outputs
        )
        device = resolve_device(
            options.device, self.work * self.n_planned, communicator
        )
        self.batches = Placement(batches, device, free_bytes(device))
        held_from = self.n_samples - n_progressive
        starts = np.cumsum([0, *map(len, batches)])[:-1]
        self.n_progressive_batches = int(np.count_nonzero(starts >= held_from))
        seed = int(rng.integers(2**62))
        network = self._network(outputs, clusters, start, initial_table, seed)
        norm = 1.0
        if vectors is not None:
            self._begin_with(vectors, network, samples, n_progressive, start is None)
            some = samples.X.slice(0, min(len(samples), N_MOMENT_SAMPLES))
            norm = mean_norm(network, some)
        self.schedule = Schedule(
            learning_rate=rate,
            alpha=options.alpha or 0.0,
            n_steps=self.n_planned * len(self.batches) if options.decay else None,
        )
        network = network.to(device)
        pretrained_rows, metric = None, None
        if vectors is not None and not options.freeze_embedding:
            pretrained_rows = PretrainedRows.below(network, vectors.tokens)
            metric = preconditioner(network, norm).to(device)
        self.trainer = Trainer(
            network,
            self.loss,
            self.batches,
            self.schedule,
            dropout=options.dropout,
            seed=seed,
            accumulators=None if start is None else start.accumulators,
            pretrained_rows=pretrained_rows,
            frozen=options.freeze_embedding,
            preconditioner=metric,
            first_layer_step=LAYER_STEP / norm,
            communicator=communicator,
        )
        self._validation = (
            None if validation is None else Validation(validation, communicator)
        )
        self.outcome = Outcome(rate, self.schedule.alpha, batch_size)
        self._best: Predictor | None = None
        self._n_without_gain = 0

    @property
    def done(self) -> bool:
        """Whether there is nothing more to do."""
        outcome, options = self.outcome, self.options
        return (
            outcome.diverged
            or len(outcome.loss_curve) >= self.n_planned
            or self._n_without_gain >= options.n_iter_no_change
        )

    @torch.inference_mode(False)
    def epoch(self) -> EpochReport | None:
        """Train for one epoch; None if it diverged."""
        outcome = self.outcome
        started = perf_counter()
        first = not outcome.loss_curve
        n_progressive_batches = (
            self.n_progressive_batches if first and self._wants_scores else 0
        )
        try:
            progress = self.trainer.run_epoch(self._order(first), n_progressive_batches)
        except Diverged:
            outcome.diverged = True
            return None
        seconds = perf_counter() - started
        outcome.loss_curve.append(progress.loss)
        if first:
            self._plan(progress)
        score = None
        if self._validation is not None:
            score = self._validation.score(self.trainer, self.batches.device)
        self._judge(progress.loss, score)
        return EpochReport(
            n_iter=len(outcome.loss_curve),
            loss=progress.loss,
            validation_score=score,
            texts_per_second=self.n_samples / max(seconds, 1e-9),
        )

    def export(self) -> Predictor:
        """Copy the state so far."""
        return self._without_absent(self.trainer.whole(self.trainer.export()))

    def finish(self) -> tuple[Predictor, tuple[NDArray[np.float32], ...]]:
        """Trained arrays, the best of them where validated, and the accumulators."""
        predictor = self.trainer.whole(self._best or self.trainer.export())
        return self._without_absent(predictor), broadcast(
            self.communicator, self.trainer.accumulators
        )

    def _without_absent(self, predictor: Predictor) -> Predictor:
        """Leave classes without a sample next to no probability.

        Not in a part of a stream, whose later parts may have them; nor in clusters of
        so many classes that each has next to none.
        """
        absent = self._counts == 0
        if not (self.options.decay and self.targets.one_of_all and absent.any()):
            return predictor
        if predictor.clusters is not None:
            return predictor
        *below, (coef, intercept) = predictor.layers
        if len(absent) == 2:
            absent = absent[1:]
            least = -ABSENT if absent[0] else ABSENT
            intercept = np.full_like(intercept, least)
        else:
            least = intercept[~absent].min(initial=0) - ABSENT
            intercept = np.where(absent, least, intercept).astype(intercept.dtype)
        return replace(predictor, layers=(*below, (coef, intercept)))

    def _with_present(self, predictor: Predictor) -> Predictor:
        """Undo `_without_absent` where there are samples now.

        Steps of an intercept are small: it would not come back.
        """
        *below, (coef, intercept) = predictor.layers
        if predictor.clusters is not None or not self.targets.one_of_all:
            return predictor
        if len(intercept) == 1:
            restored = np.where(np.abs(intercept) == ABSENT, 0, intercept)
        else:
            usual = intercept[intercept >= intercept.max() - ABSENT / 2].min()
            is_back = (intercept < usual) & (self._counts > 0)
            restored = np.where(is_back, usual, intercept)
        return replace(
            predictor, layers=(*below, (coef, restored.astype(intercept.dtype)))
        )

    def state(self) -> dict[str, Any]:
        """Plain state of the run between two epochs; the same on all ranks."""
        best = None if self._best is None else self.trainer.whole(self._best)
        return {
            "trainer": self.trainer.state(),
            "schedule": asdict(self.schedule),
            "outcome": asdict(self.outcome),
            "n_planned": self.n_planned,
            "n_without_gain": self._n_without_gain,
            "draws": self.rng.bit_generator.state,
            "best": None
            if best is None
            else {"embedding": best.dense, "layers": list(best.layers)},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from the state of a run that began in the same way."""
        self.trainer.restore(state["trainer"])
        for name, value in state["schedule"].items():
            setattr(self.schedule, name, value)
        self.outcome = Outcome(**state["outcome"])
        self.n_planned = state["n_planned"]
        self._n_without_gain = state["n_without_gain"]
        self.rng.bit_generator.state = state["draws"]
        best = state["best"]
        if best is not None:
            now = self.trainer.export()
            rows = np.ascontiguousarray(own_rows(best["embedding"], self.communicator))
            layers = tuple(best["layers"])
            self._best = replace(now, embedding=rows, layers=layers)

    def fingerprint(self) -> str:
        """Digest of all that is trained on and from, before the first epoch.

        Samples, how they became weighted bags, their order and the start: where the
        digests of two runs are equal, so are the runs.
        """
        digest = hashlib.sha256()
        network = self.trainer.network
        tensors = [t for batch in self.batches for t in batch.tensors()]
        tensors += [network.table, *network.head.state_dict().values()]
        if self.trainer.pretrained_rows is not None:
            tensors.append(self.trainer.pretrained_rows.rows)
        arrays = [t.detach().cpu().numpy() for t in tensors]
        if self._validation is not None:
            arrays += self._validation.arrays()
        for array in arrays:
            digest.update(repr((array.dtype.str, array.shape)).encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        of_all = b"".join(self.communicator.all_gather(digest.digest()))
        return hashlib.sha256(of_all).hexdigest()

    def _make_batches(
        self, samples: Samples, batch_size: int, rate: float
    ) -> list[Batch]:
        options = self.options

        def sample_weight(bags: Bags, first: int) -> NDArray[np.float64] | None:
            weight = samples.weight
            own = None if weight is None else weight[first : first + len(bags)]
            if options.learning_rate_init is not None:
                return own
            return clip_sample_weights(bags, own, rate, self.loss.curvature)

        return make_batches(
            samples.X,
            samples.codes,
            sample_weight,
            batch_size=batch_size,
            keep_order=options.dropout > 0,
            communicator=self.communicator,
        )

    @property
    def _wants_scores(self) -> bool:
        """Whether anything depends on the scores before training.

        All scores are what an adaptive softmax is there to do without.
        """
        options = self.options
        is_planned = options.alpha is not None and options.max_iter is not None
        return self.loss.calibrated_by_temperature or not is_planned

    def _heaviest_weights(self) -> NDArray[np.float64] | None:
        """Weights of the samples, each in the output where it weighs most."""
        weight, max_sample_weight = self.samples.weight, self.loss.max_sample_weight
        if max_sample_weight == 1:
            return weight
        return max_sample_weight * (
            np.ones(len(self.samples)) if weight is None else weight
        )

    def _network(
        self,
        outputs: int,
        clusters: Clusters | None,
        start: Start | None,
        initial_table: NDArray[np.float32] | None,
        seed: int,
    ) -> Network:
        n_ids = self.n_ids
        if start is not None:
            self._check_layers(start.predictor, outputs)
            return Network.from_predictor(self._with_present(start.predictor), n_ids)
        network = Network.initialise(
            n_ids,
            outputs,
            self.options.embedding_dim,
            self.options.hidden_layer_sizes,
            torch.Generator().manual_seed(seed),
            clusters,
        )
        if network.has_plain_layers:
            network.add_to_scores(self.loss.constant_scores(self._shares()))
        norm = self.moments.mean_squared_norm**0.5
        if (
            initial_table is not None
            and self.options.embedding_dim is None
            and norm > 0
        ):
            # Meant for bags of norm 1.
            rows = own_rows(initial_table, self.communicator)
            network.table.copy_(torch.from_numpy(rows)).div_(norm)
        return network

    def _shares(self) -> NDArray[np.float64]:
        """Share of the weight of all samples in each class, within (0, 1)."""
        samples, n_classes = self.samples, len(self.targets.classes)
        rows, codes = one_each(samples.codes)
        weight = samples.weight
        if weight is not None and rows is not None:
            weight = weight[rows]
        counts = total(
            self.communicator, np.bincount(codes, weight, minlength=n_classes)
        )
        # Half a sample more on either side: there may be none, or no other.
        return np.asarray((counts + 0.5) / (self.n_samples + 1))

    def finding(self) -> str | None:
        """Return a warning where the epochs so far have taught next to nothing."""
        # Weights are clipped for the steps, so that their losses cannot be compared.
        if self.outcome.diverged or self.samples.weight is not None:
            return None
        return training_finding(
            self.outcome.loss_curve,
            self.constant_loss(),
            self.n_samples,
            has_layers=self.n_layer_outputs > 0,
        )

    def constant_loss(self) -> float:
        """Mean loss of the best scores that are the same for all unweighted samples."""
        samples, scores = self.samples, self.loss.constant_scores(self._shares())
        n_rows = min(
            len(samples), N_MOMENT_SAMPLES, max(SCORES_AT_ONCE // len(scores), 1)
        )
        rows = np.linspace(0, len(samples) - 1, n_rows).astype(np.int64)
        _, value = self.loss.gradient(
            torch.from_numpy(np.tile(scores, (n_rows, 1))),
            torch.from_numpy(as_array(samples.codes[rows])),
            None,
        )
        return float(value) / n_rows

    def _clusters(self, start: Start | None) -> Clusters | None:
        """Clusters of classes, where the loss is one for those."""
        if not self.loss.clustered:
            return None
        if start is not None:
            return start.predictor.clusters
        n_classes = len(self.targets.classes)
        codes = as_array(self.samples.codes)
        counts = total(self.communicator, np.bincount(codes, minlength=n_classes))
        return Clusters.by_frequency(counts)

    def _begin_with(
        self,
        vectors: Vectors,
        network: Network,
        samples: Samples,
        n_progressive: int,
        is_new: bool,
    ) -> None:
        """Put rows into a table; where the layers are new, begin them to match."""
        network.table[torch.from_numpy(vectors.ids).long()] = torch.from_numpy(
            vectors.rows
        )
        if is_new:
            # Not on those that the first epoch is to be judged by.
            most = max_samples(samples.targets.n_outputs)
            n_shown = min(len(samples) - n_progressive, most)
            weight = samples.weight
            initialise_by_ridge(
                network,
                samples.X.slice(0, n_shown),
                samples.codes[:n_shown],
                None if weight is None else weight[:n_shown],
            )

    def _check_layers(self, predictor: Predictor, outputs: int) -> None:
        """Raise where training is to go on with layers of other sizes."""
        dim, hidden = self.options.embedding_dim, self.options.hidden_layer_sizes
        wanted = [outputs] if dim is None else [dim, *hidden, outputs]
        sizes = [len(coef) for coef, _ in predictor.layers if coef is not None]
        found = [predictor.embedding.shape[1], *sizes[:-1]]
        found += [predictor.n_outputs] * bool(sizes)
        if (predictor.clusters is not None) != self.loss.clustered:
            raise ValueError(
                "warm_start and partial_fit go on with the layers of the fitted model, "
                "and an adaptive softmax is a layer of its own: loss="
                f"{self.loss.name!r} cannot go on from the loss of the earlier fit. "
                "Set it back, or use fit with warm_start=False."
            )
        if wanted != found:
            raise ValueError(
                "warm_start and partial_fit go on with the layers of the fitted model, "
                f"of {found} units from the table up, but embedding_dim={dim} and "
                f"hidden_layer_sizes={hidden} ask for {wanted}. Set them back, or use "
                "fit with warm_start=False."
            )

    def _order(self, first: bool) -> NDArray[np.int64]:
        """Order of the batches; in the first epoch the watched ones come last."""
        n_batches = len(self.batches)
        if not self.options.shuffle:
            return np.arange(n_batches)
        if not first:
            return self.rng.permutation(n_batches)
        n_free = n_batches - self.n_progressive_batches
        return np.concatenate(
            [self.rng.permutation(n_free), np.arange(n_free, n_batches)]
        )

    def _plan(self, progress: Progress) -> None:
        """Settle epochs, penalty and temperature by what the first epoch showed."""
        options, samples, outcome = self.options, self.samples, self.outcome
        targets, communicator = self.targets, self.communicator
        if progress.scores is None:
            return
        weight = None if samples.weight is None else samples.weight[progress.rows]
        progressive = communicator.all_gather(
            (progress.scores, samples.codes[progress.rows], weight)
        )
        scores = np.concatenate([scores for scores, _, _ in progressive])
        codes = together([codes for _, codes, _ in progressive])
        weight = concatenate_weights([(len(part), w) for _, part, w in progressive])
        if self.loss.calibrated_by_temperature:
            usual = self.temperature_before
            inverse_temperature = targets.fit_inverse_temperature(
                scores, codes, weight, usual
            )
            outcome.inverse_temperature = broadcast(communicator, inverse_temperature)
        hits = targets.accuracies(targets.predict_codes(scores), codes)
        counts = self._counts
        majority_baseline = targets.majority_baseline(counts, self.n_samples)
        shown = skill_score(float(np.average(hits, weights=weight)), majority_baseline)
        shown = broadcast(communicator, shown)
        if options.alpha is None:
            outcome.alpha = self.schedule.alpha = targets.penalty * auto_alpha(
                shown,
                self.n_samples,
                self.moments,
                self.loss.curvature,
                self.n_samples * len(counts) / max(counts.sum(), 1),
            )
        if options.max_iter is None:
            self._plan_epochs(
                auto_epochs(shown, self.n_samples, self.work, self.n_layer_outputs)
            )

    def _plan_epochs(self, n_epochs: int) -> None:
        """Let the steps fall to zero over so many epochs from the first."""
        self.n_planned = n_epochs
        self.schedule.n_steps = n_epochs * len(self.batches)

    def _judge(self, loss: float, score: float | None) -> None:
        """Count the epochs that gain less than `tol`; keep the best state."""
        outcome, tol = self.outcome, self.options.tol
        if score is None:
            gained = loss < outcome.best_loss - tol
        else:
            outcome.validation_scores.append(score)
            gained = score > outcome.best_score + tol
            # Of equals the last, which has learnt the most: scores of a few samples
            # are often equal from the first epoch on.
            if score > outcome.best_score - EQUAL_SCORES:
                outcome.best_score = max(outcome.best_score, score)
                self._best = self.trainer.export()
        outcome.best_loss = min(outcome.best_loss, loss)
        self._n_without_gain = 0 if gained else self._n_without_gain + 1
        if score is None and self._n_without_gain == self.options.n_iter_no_change:
            self._shorten()

    def _shorten(self) -> None:
        """Go on with smaller steps where large ones no longer lower the loss.

        A loss that stands still while steps are near their first size has not
        converged. As the adaptive rate of scikit-learn's MLPClassifier, which divides
        the step; here what is left of the plan becomes shorter.
        """
        n_done = len(self.outcome.loss_curve)
        n_left = self.options.n_iter_no_change
        nothing_to_gain = self.outcome.best_loss < self.options.tol
        if nothing_to_gain or n_done + 2 * n_left > self.n_planned:
            return
        self._plan_epochs(n_done + n_left)
        self._n_without_gain = 0

"""The plan of a fit: sizes, steps and epochs, by the rules behind "auto".

Pure functions of counts and of what training has shown so far; every constant of the
recipe that is not a weight (see `weighting`) stands here. How each was found is in
docs/benchmarks/log.md. `Plan` is the only place that decides: training, the memory
estimate and the fitted attributes read it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.bag_kernels import add_second_moment, squared_norms
from skbag._core.bags import Bags, SomeBags
from skbag._core.dtypes import WEIGHT_DTYPE
from skbag._model.clusters import Clusters
from skbag._targets.losses import Loss, is_squared_hinge
from skbag._targets.regression_losses import SquaredError
from skbag._targets.targets import FOR_CLASSES, AutoRules, Targets
from skbag._training.settings import TrainingOptions

SINGLE_SAMPLE_STEP = 0.9
"""Step x curvature x squared norm for one sample; 1 would fit it exactly. For texts
of norm 1 and the squared hinge that is a step of 0.45."""

MIN_BATCH_STEP = 1 / 8
"""The least share of the step right for one sample that a batch may leave."""

MIN_SAMPLE_VISITS = 20_000
"""Few samples are visited in more epochs, until so many visits are made, ..."""

MAX_EPOCHS = 10
"""... or so many epochs."""

VISITS_PER_CLASS = 40
"""With layers above the table, each output is visited so often, too: its row in the
last layer is learnt from the samples of its class."""

MAX_ALPHA = 1e-3
"""Largest automatic L2 penalty, for samples of norm 1 and the squared hinge, ..."""

N_SAMPLES_BETWEEN = 150
"""... where so many samples or fewer lie between two of a class."""

MAX_SLOWDOWN = 4.0
"""How much smaller heavy samples may make every step."""

N_FULL_STEP_SAMPLES = 20_000
"""About how many samples of a stream are learnt in steps right for one sample, ..."""

NOISE_FACTOR = 30.0
"""... divided by one plus this times the square of what the skill score lacks to 1: the
noisier the labels, the sooner steps have to be small (chosen on validation splits)."""

USUAL_SKILL_SCORE = 0.75
"""Of a stream of which nothing is known yet."""

CUDA_WORK = 2e10
"""Numbers moved in a whole fit beyond which "auto" takes a CUDA device."""

N_MOMENT_SAMPLES = 2000
"""How many samples stand for all where norms and directions are measured."""

EIGENVALUE_TOLERANCE = 1e-4
"""Relative change of the strength of a direction at which its measurement ends."""
MAX_UNCOUNTED = 0.1
"""Largest share of the samples that class-informed weights do without."""

MAX_PROGRESSIVE_SCORES = 2**23
"""How many scores of samples not yet trained on are kept at most (32 MiB)."""

SCORES_PER_BATCH = 2**15
"""Largest batch x outputs: the scores and their gradient then stay in cache."""


def n_progressive_samples(n_samples: int, n_outputs: int) -> int:
    """How many samples of the first epoch are scored before it trains on them."""
    enough = min(4096, max(n_samples // 10, min(64, n_samples // 3)))
    return int(min(enough, max_progressive_samples(n_outputs)))


def max_progressive_samples(n_outputs: int) -> int:
    """How many samples' scores may be kept; with thousands of classes they are long."""
    return max(MAX_PROGRESSIVE_SCORES // n_outputs, 1)


@dataclass(frozen=True)
class Moments:
    """What limits the steps on some samples.

    Parameters
    ----------
    mean_squared_norm : float
        Of the bags.
    eigenvalue : float
        Largest of the second moment ``E[w x x.T]``: the strength of the direction that
        all bags share.
    max_sample_weight : float
        Largest sample weight that steps are sized for.
    """

    mean_squared_norm: float
    eigenvalue: float
    max_sample_weight: float

    @classmethod
    def measure(
        cls,
        bags: SomeBags,
        sample_weight: NDArray[np.float64] | None = None,
        max_sample_weight: float | None = None,
    ) -> Moments:
        """Measure bags in random order: the first stand for all.

        Parameters
        ----------
        bags : Bags or LazyBags
        sample_weight : ndarray of shape (n_bags,), dtype=float64, or None
        max_sample_weight : float or None
            The largest weight of all samples; None where these are all.
        """
        weight = np.ones(len(bags)) if sample_weight is None else sample_weight
        if max_sample_weight is None:
            max_sample_weight = float(weight.max(initial=0))
        n_measured = min(len(bags), N_MOMENT_SAMPLES)
        sample = bags.slice(0, n_measured)
        return cls(
            mean_squared_norm=float(_squared_norms(sample).mean()),
            eigenvalue=_largest_second_moment(sample, weight[:n_measured]),
            max_sample_weight=float(np.clip(max_sample_weight, 1, MAX_SLOWDOWN)),
        )

    @property
    def for_one(self) -> float:
        """Step x curvature for one sample of middling norm."""
        if self.mean_squared_norm == 0:
            return SINGLE_SAMPLE_STEP
        return SINGLE_SAMPLE_STEP / (self.mean_squared_norm * self.max_sample_weight)

    def for_batch(self, batch_size: int) -> float:
        """Largest step x curvature along the direction that a batch shares."""
        # Not divided by 0: all of the first samples may be empty.
        return 2 / max(batch_size * self.eigenvalue, 1e-30)


def auto_batch_size(
    n_samples: int,
    n_outputs: int,
    moments: Moments,
    min_batch_step: float = MIN_BATCH_STEP,
) -> int:
    """Batch size: about 80 updates an epoch or more, within 16 to 1024.

    Smaller where a shared direction, such as a column that all samples have, would
    force the step far below what is right for one sample, of which it is to leave
    `min_batch_step`.
    """
    by_updates = 2 ** round(np.log2(max(1.0, n_samples / 80)))
    by_cache = 2 ** int(np.log2(max(1, SCORES_PER_BATCH // n_outputs)))
    size = int(max(16, min(1024, by_updates, by_cache)))
    while size > 16 and moments.for_batch(size) < min_batch_step * moments.for_one:
        size //= 2
    return size


def auto_learning_rate(
    moments: Moments,
    batch_size: int,
    curvature: float,
    n_seen: int = 0,
    skill_score: float = 1.0,
) -> float:
    """Largest step that is stable for one sample and for a whole batch.

    For a loss of bounded second derivative, summed over a batch, steps beyond
    ``2 / (curvature * batch_size * eigenvalue)`` grow along the direction that the
    batch shares (LeCun, Simard and Pearlmutter, "Automatic learning rate maximization
    by on-line estimation of the Hessian's eigenvectors", 1993), and beyond
    ``1 / (curvature * squared norm)`` a step goes beyond the margin of a sample.

    In a stream no sample should count for more than its share of all: the step for one
    falls with the square root of the number seen, which needs not know where the stream
    ends (Nemirovski, Juditsky, Lan and Shapiro, "Robust Stochastic Approximation
    Approach to Stochastic Programming", 2009); the sooner the more noise there is.

    Parameters
    ----------
    moments : Moments
    batch_size : int
    curvature : float
        Of the loss.
    n_seen : int, default=0
        Samples of a stream before these.
    skill_score : float, default=1.0
        Of samples of this stream when they were new.
    """
    fall = 1 + n_seen / n_full_step_samples(skill_score)
    for_one = moments.for_one / np.sqrt(fall)
    return float(min(for_one, moments.for_batch(batch_size)) / curvature)


def n_full_step_samples(skill_score: float) -> float:
    """Samples of a stream after which the step for one is ``1 / sqrt(2)`` of it."""
    noise = 1 + NOISE_FACTOR * (1 - skill_score) ** 2
    return N_FULL_STEP_SAMPLES / noise


def clip_sample_weights(
    bags: Bags,
    sample_weight: NDArray[np.float64] | None,
    learning_rate: float,
    curvature: float,
) -> NDArray[np.float64] | None:
    """Sample weights, none heavier than one step can carry.

    A sample whose weight or norm would move its own score beyond the margin in one
    step only makes the next step go back. It gets the weight that fits it exactly,
    the limit of the importance-aware updates of Karampatziakis and Langford ("Online
    Importance Weight Aware Updates", UAI 2011).

    Returns
    -------
    weights : ndarray of shape (n_samples,), dtype=float64, or None
        None where all are 1.
    """
    weight = np.ones(len(bags)) if sample_weight is None else sample_weight
    norms = np.maximum(_squared_norms(bags), 1e-30)
    carried = np.minimum(weight, 1 / (curvature * learning_rate * norms))
    if sample_weight is None and (carried == weight).all():
        return None
    return np.asarray(carried)


def _squared_norms(bags: Bags) -> NDArray[np.float64]:
    return squared_norms(bags.offsets, bags.weights.astype(WEIGHT_DTYPE, copy=False))


def _largest_second_moment(bags: Bags, share: NDArray[np.float64]) -> float:
    """Largest eigenvalue of ``E[w x x.T]`` over the bags, by power iteration."""
    if len(bags) == 1:
        return float(share[0] * _squared_norms(bags)[0])
    # Only of the columns that occur.
    columns, local = bags.compacted()
    weights = bags.weights.astype(WEIGHT_DTYPE, copy=False)
    vector = np.bincount(local.ids, weights=np.abs(weights)).astype(np.float64)
    if weights.min(initial=0) < 0:
        # Of standardised columns a vector of one sign may be orthogonal to them all.
        vector *= np.random.default_rng(0).normal(size=len(vector))
    eigenvalue = _length(vector)
    before = 0.0
    for _ in range(10):
        # Far closer than it has to be known.
        change = abs(eigenvalue - before)
        if not eigenvalue or change <= EIGENVALUE_TOLERANCE * eigenvalue:
            break
        direction, vector = vector / eigenvalue, np.zeros(len(columns))
        add_second_moment(local.ids, local.offsets, weights, share, direction, vector)
        vector /= len(bags)
        before, eigenvalue = eigenvalue, _length(vector)
    return eigenvalue


def _length(vector: NDArray[np.float64]) -> float:
    # Not np.linalg.norm: BLAS adds up in an order that depends on its threads.
    return float(np.sqrt(np.square(vector).sum()))


def first_plan_epochs(n_samples: int, work: float, n_layer_outputs: int = 0) -> int:
    """Number of epochs to plan for before anything is known: the most there can be."""
    return auto_epochs(1.0, n_samples, work, n_layer_outputs)


def auto_epochs(
    skill_score: float, n_samples: int, work: float, n_layer_outputs: int = 0
) -> int:
    """Number of epochs, once the first has shown the skill score.

    Parameters
    ----------
    skill_score : float
        See `skill_score`.
    n_samples : int
    work : float
        Numbers that an epoch moves: entries x width.
    n_layer_outputs : int, default=0
        Outputs of the layers above the table; 0 where there are none.
    """
    by_skill = min(2 + round(2 * skill_score), 3 if work >= 2.5e8 else 4)
    visits = max(MIN_SAMPLE_VISITS, VISITS_PER_CLASS * n_layer_outputs)
    by_visits = min(MAX_EPOCHS, -(-visits // n_samples))
    return max(by_skill, by_visits)


def auto_alpha(
    skill_score: float,
    n_samples: int,
    moments: Moments,
    curvature: float,
    n_between: float = 1.0,
    max_alpha: float = MAX_ALPHA,
) -> float:
    """Strength of the L2 penalty per sample: the noisier the classes, the more.

    Limited, because with few samples little skill is no sign of noise. And because a
    row is learnt from the samples of its classes, and shrinks with every sample: where
    classes are thousands it would be gone before the next sample of its class comes.
    In proportion to the curvature of the mean loss, ``curvature * squared norm``, so
    that neither the loss nor the scale of the samples changes what it means.

    Parameters
    ----------
    skill_score : float
        See `skill_score`.
    n_samples : int
    moments : Moments
    curvature : float
        Of the loss.
    n_between : float, default=1.0
        From one sample of a class to the next, on average.
    max_alpha : float
        Largest of samples of norm 1, for a curvature of 2.
    """
    largest = max_alpha * min(1.0, N_SAMPLES_BETWEEN / n_between)
    strength = min(10 * (1 - skill_score) ** 2 / n_samples, largest)
    return strength * moments.mean_squared_norm * curvature / 2


def _penalty_of_uneven(targets: Targets, shares: NDArray[np.float64] | None) -> float:
    """Factor of the penalty for the shares of two classes, ``sqrt(4 p (1 - p))``.

    The spread of a class against that of even ones: rows of a rare class are learnt
    from few samples, and shrink with every one.
    """
    if not targets.has_two_classes or shares is None:
        return 1.0
    return float(np.sqrt(4 * shares[1] * (1 - shares[1])))


def clusters_of(loss: Loss, counts: NDArray[np.int64]) -> Clusters | None:
    """Clusters of classes by the number of their samples, where the loss wants some."""
    return Clusters.by_frequency(counts) if loss.clustered else None


def goes_by_columns(loss: Loss, options: TrainingOptions) -> bool:
    """Whether a run without given vectors is for `ColumnTrainer`, on the CPU.

    That is faster than torch's steps, on one thread and more so on several (measured:
    docs/benchmarks/log.md), and torch need not be imported.
    """
    return (
        (is_squared_hinge(loss) or type(loss) is SquaredError)
        and options.embedding_dim is None
        and options.dropout == 0
        and options.device in ("auto", "cpu")
    )


@dataclass(frozen=True)
class Problem:
    """What a plan depends on, besides the options.

    Parameters
    ----------
    n_samples : int
        Of all processes.
    n_outputs : int
        Columns of scores.
    n_scores : int
        Scores that training computes of a sample: fewer with an adaptive softmax.
    moments : Moments
    loss : Loss
    penalty : float
        Factor of the automatic L2 penalty.
    n_between : float
        From one sample of a class to the next, on average.
    rules : AutoRules
    n_seen : int
        Samples of the same stream before these.
    max_learning_rate : float
        Largest that the rule may choose.
    skill_score : float
        Of samples of the same stream before these, when they were new.
    """

    n_samples: int
    n_outputs: int
    n_scores: int
    moments: Moments
    loss: Loss
    penalty: float = 1.0
    n_between: float = 1.0
    rules: AutoRules = FOR_CLASSES
    n_seen: int = 0
    max_learning_rate: float = np.inf
    skill_score: float = 1.0

    @classmethod
    def of(
        cls,
        targets: Targets,
        loss: Loss,
        clusters: Clusters | None,
        counts: NDArray[np.int64],
        n_samples: int,
        moments: Moments,
        shares: NDArray[np.float64] | None = None,
        **stream: Any,
    ) -> Problem:
        """Problem of targets; `counts` are the numbers of samples of their groups.

        `shares` are those of the documents in each group, where they are known.
        """
        n_outputs = targets.n_outputs
        return cls(
            n_samples=n_samples,
            n_outputs=n_outputs,
            n_scores=n_outputs if clusters is None else clusters.n_scores,
            moments=moments,
            loss=loss,
            penalty=targets.rules.penalty * _penalty_of_uneven(targets, shares),
            n_between=n_samples * len(counts) / max(counts.sum(), 1),
            rules=targets.rules,
            **stream,
        )


@dataclass(frozen=True)
class Plan:
    """What a fit has decided so far.

    Made by `Plan.make`; the other methods return the plan that follows when more is
    known. Nothing else decides a size, a step or a number of epochs.

    Parameters
    ----------
    problem : Problem
    options : TrainingOptions
    n_progressive : int
        Samples of the first epoch that are scored before it trains on them.
    batch_size : int
        Samples of all processes.
    learning_rate : float
    alpha : float
    n_epochs : int
    work : float
        Numbers that an epoch moves: entries x width.
    n_shards : int
        Into how many parts each batch is cut, one for each process, which takes a step
        of its own; 1 where there is one step for all.
    """

    problem: Problem
    options: TrainingOptions
    n_progressive: int
    batch_size: int
    learning_rate: float
    alpha: float
    n_epochs: int
    work: float = 0.0
    n_shards: int = 1

    @classmethod
    def make(
        cls,
        problem: Problem,
        options: TrainingOptions,
        n_progressive: int,
        n_shards: int = 1,
    ) -> Plan:
        """Plan before any batch is made: what is no option is decided by rule."""

        def size_for(n_samples: int) -> int:
            size = options.batch_size or auto_batch_size(
                problem.n_seen + n_samples,
                problem.n_scores,
                problem.moments,
                problem.rules.min_batch_step * MIN_BATCH_STEP,
            )
            return max(min(size, n_samples), 1)

        # Steps of local batches are as large as those of one process.
        batch_size = size_for(problem.n_samples)
        rate = options.learning_rate_init
        if rate is None:
            rate = auto_learning_rate(
                problem.moments,
                batch_size,
                problem.loss.curvature,
                problem.n_seen,
                problem.skill_score,
            )
            rate = min(rate, problem.max_learning_rate)
        return cls(
            problem,
            options,
            n_progressive,
            size_for(problem.n_samples // n_shards) * n_shards,
            rate,
            alpha=options.alpha or 0.0,
            n_epochs=options.max_iter or 1,
            n_shards=n_shards,
        )

    def inverse_square_rate(self) -> tuple[float, float]:
        """Inverse square of the first step right for one sample; growth with each.

        For a part of a stream: see `auto_learning_rate`. Zeros for a given rate.
        """
        problem = self.problem
        if self.options.learning_rate_init is not None:
            return 0.0, 0.0
        n_full = n_full_step_samples(problem.skill_score)
        inverse_square = (problem.loss.curvature / problem.moments.for_one) ** 2
        return (
            inverse_square * (1 + problem.n_seen / n_full),
            inverse_square * self.batch_size / n_full,
        )

    def with_entries(self, n_entries: int) -> Plan:
        """Plan once it is known how many entries the batches have."""
        work = float(n_entries) * (self.width + 16)
        n_epochs = self.options.max_iter or self.problem.rules.n_more_epochs + (
            first_plan_epochs(self.problem.n_samples, work, self.n_layer_outputs)
        )
        return replace(self, work=work, n_epochs=n_epochs)

    def with_skill(self, skill_score: float) -> Plan:
        """Plan once the first epoch has shown the skill score."""
        problem, alpha, n_epochs = self.problem, self.alpha, self.n_epochs
        if self.options.alpha is None:
            alpha = problem.penalty * auto_alpha(
                skill_score,
                problem.n_samples,
                problem.moments,
                problem.loss.curvature,
                problem.n_between,
                problem.rules.max_penalty * MAX_ALPHA,
            )
        if self.options.max_iter is None:
            n_epochs = problem.rules.n_more_epochs + auto_epochs(
                skill_score, problem.n_samples, self.work, self.n_layer_outputs
            )
        return replace(self, alpha=alpha, n_epochs=n_epochs)

    def with_epochs(self, n_epochs: int) -> Plan:
        """Plan whose steps fall to zero over so many epochs from the first."""
        return replace(self, n_epochs=n_epochs)

    @property
    def width(self) -> int:
        """Columns of the table."""
        return self.options.embedding_dim or self.problem.n_outputs

    @property
    def n_layer_outputs(self) -> int:
        """Outputs of the layers above the table; 0 where there are none."""
        return 0 if self.options.embedding_dim is None else self.problem.n_outputs

    @property
    def may_go_to_a_gpu(self) -> bool:
        """Whether "auto" looks for a CUDA device."""
        return self.options.device == "auto" and self.work * self.n_epochs > CUDA_WORK

    @property
    def clips_weights(self) -> bool:
        """Whether no sample may weigh more than one step can carry."""
        return self.options.learning_rate_init is None

    @property
    def needs_scores(self) -> bool:
        """Whether anything depends on the progressive scores.

        All scores are what an adaptive softmax is there to do without.
        """
        is_planned = (
            self.options.alpha is not None and self.options.max_iter is not None
        )
        return self.problem.loss.calibrated_by_temperature or not is_planned

    def state(self) -> dict[str, Any]:
        """Return what training changes of a plan; the rest follows from the samples."""
        return {"alpha": self.alpha, "n_epochs": self.n_epochs}

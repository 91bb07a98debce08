"""What all trainers have in common: schedule, progress, and what is unsound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skbag._training.plan import Plan

INTERCEPT_STEP = 0.1
"""Adagrad step of the intercepts, at the start of the schedule."""

SMALLEST_SCALE = 1e-2
"""Below this the scale is multiplied into the table, before precision suffers."""

LARGEST_STEP = 1e36
"""Of the table; float32 holds no more, once divided by the smallest scale."""

LARGEST_LOSS = 1e8
"""Mean loss of an output beyond which a step is unsound: nothing learns from there."""

SMALLEST_SQUARES = 1e-8
"""What sums of squared gradients start at."""

LEAST_KEPT = 0.5
"""Of the table, by the penalty of one step."""

NO_BATCHES: NDArray[np.int64] = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Schedule:
    """What the steps depend on; the caller may set another between epochs.

    Parameters
    ----------
    learning_rate : float
        Of the first step.
    alpha : float
        Strength of the L2 penalty on the table, per sample.
    n_steps : int or None
        Number of steps over which the learning rate falls linearly to zero; None
        keeps it constant, but for what follows.
    inverse_square, growth : float
        The t-th of so many steps as there may be is at most
        ``(inverse_square + growth * t) ** -0.5``.
    """

    learning_rate: float
    alpha: float
    n_steps: int | None
    inverse_square: float = 0.0
    growth: float = 0.0

    @classmethod
    def of(cls, plan: Plan) -> Schedule:
        """Schedule of a plan."""
        n_batches = len(range(0, plan.problem.n_samples, plan.batch_size))
        decays = plan.options.decay
        if decays:
            n_steps = plan.n_epochs * n_batches
            return cls(plan.learning_rate, plan.alpha, n_steps)
        return cls(plan.learning_rate, plan.alpha, None, *plan.inverse_square_rate())

    def rates(self, n_done: int, n_steps: int) -> NDArray[np.float64]:
        """Sizes of the next steps, after so many."""
        done = np.arange(n_done, n_done + n_steps)
        if self.n_steps is None:
            inverse_squares = self.inverse_square + self.growth * done
            rates = np.full(n_steps, self.learning_rate)
            # 0 where there is no such bound.
            is_bounded = inverse_squares * self.learning_rate**2 > 1
            rates[is_bounded] = inverse_squares[is_bounded] ** -0.5
            return rates
        return np.asarray(self.learning_rate * np.maximum(1 - done / self.n_steps, 0))

    def kept(
        self, rates: NDArray[np.float64], sizes: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Factor that the penalty puts on the table in steps of batches of sizes."""
        return np.maximum(1 - rates * self.alpha * sizes, LEAST_KEPT)


@dataclass(frozen=True, eq=False)
class Progress:
    """What one epoch has shown.

    Parameters
    ----------
    loss : float
        Mean loss per sample, each at the moment it was trained on.
    scores : ndarray of shape (n_scored, n_outputs), dtype=float32, or None
        Scores of some samples before each was trained on: in a first epoch an honest
        hold-out estimate that costs nothing (Dawid, "Statistical theory: the
        prequential approach", 1984).
    rows : ndarray of shape (n_scored,), dtype=int64
        Which samples those are.
    kept : ndarray of shape (n_scored,), dtype=float64, or None
        Share of what the step on each did to its score that the table has kept, where
        it is made of several; None for all of it.
    """

    loss: float
    scores: NDArray[np.float32] | None
    rows: NDArray[np.int64]
    kept: NDArray[np.float64] | None = None


@dataclass(frozen=True, eq=False)
class Unseen:
    """Scores of samples by models that were not trained on them.

    Parameters
    ----------
    scores : ndarray of shape (n_scored, n_outputs), dtype=float32
    rows : ndarray of shape (n_scored,), dtype=int64
        Which samples those are.
    """

    scores: NDArray[np.float32]
    rows: NDArray[np.int64]


class Diverged(Exception):
    """The loss of a batch is not a number or beyond all reason.

    Raised before that batch changed anything, so the network holds the last state
    whose loss was sound.
    """

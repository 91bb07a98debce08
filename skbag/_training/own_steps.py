"""What a model would score samples that it was trained on, had it not been.

A step on a sample moves its own score by ``rate x slope x sum_j x_j**2``, and the
penalty shrinks that with the rest of the table. Without the sample, others would have
moved the rows of its tokens instead, the more of them hold a token the more. With a
part of each token that they would not have made up for,

    h_j = 1 / (1 + t (n_j - 1) x_j**2),    t = COMPENSATION x epochs,

for n_j samples that hold it, the score by a model of the others is about

    z - (what is left of its own steps) x (sum_j h_j x_j**2) / (sum_j x_j**2)

This is the leave-one-out estimate of kernel machines (Opper and Winther, "Gaussian
Processes and SVM: Mean Field and Leave-One-Out", 2000), with steps in place of dual
variables and a leverage that takes tokens to be independent of each other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skbag._core.bag_kernels import squared_norms
from skbag._core.bags import Bags
from skbag._core.dtypes import WEIGHT_DTYPE
from skbag._targets.label_sets import Codes
from skbag._targets.losses import Loss, is_squared_hinge, squared_hinge_slopes
from skbag._training.early_stopping import Scores
from skbag._training.plan import Plan
from skbag._training.progress import Schedule
from skbag._training.samples import Samples
from skbag._training.settings import TrainingOptions

COMPENSATION = 0.09
"""How fast others make up for a sample, by the epoch. On validation splits of nine data
sets, whole and cut to 200 to 5,000 texts, and on made-up texts of few tokens, 0.05 to
0.15 is best; about half of what steps would do if each moved all rows of a sample."""

N_OF_RARER_CLASS = 64
"""About how many samples of the rarer of two classes are followed, ..."""

MAX_FOLLOWED = 2**16
"""... among so many samples at most, ..."""

RARE = 0.1
"""... where that class has less than this share: there weights hardly depend on classes
(see `informed_share`). Else only samples that were not counted for weights."""


def own_shares(
    bags: Bags, document_counts: NDArray[np.float64], n_epochs: int
) -> NDArray[np.float64]:
    """Share of each bag's own steps that the others would not have made up for.

    Parameters
    ----------
    bags : Bags
        Weighted.
    document_counts : ndarray of shape (n_ids,), dtype=float64
        Number of samples that hold each id.
    n_epochs : int
    """
    rows = np.repeat(np.arange(len(bags)), np.diff(bags.offsets))
    squares = np.square(bags.weights.astype(np.float64))
    others = np.maximum(document_counts[bags.ids] - 1, 0)
    own = squares / (1 + COMPENSATION * n_epochs * others * squares)
    sums = np.bincount(rows, squares, minlength=len(bags))
    return np.bincount(rows, own, minlength=len(bags)) / np.maximum(sums, 1e-300)


FOLLOWED_SCORES, MIN_FOLLOWED = 2**16, 256
"""Where outputs are many, so many scores are followed, and so many samples at least."""


def n_followed(
    n_samples: int,
    n_held: int,
    n_outputs: int,
    smaller_share: float | None,
    are_visits: bool = False,
) -> int:
    """How many of the last samples to follow.

    Parameters
    ----------
    n_samples : int
    n_held : int
        Not counted for class-informed weights.
    n_outputs : int
    smaller_share : float or None
        Share of the rarer of two classes; None where there are not two.
    are_visits : bool, default=False
        Whether these are visits of samples: then all of a sample are to be followed.
    """
    if smaller_share is None or not 0 < smaller_share < RARE:
        return min(n_held, max(MIN_FOLLOWED, FOLLOWED_SCORES // n_outputs))
    if are_visits:
        return n_samples if n_samples <= MAX_FOLLOWED else n_held
    wanted = int(np.ceil(N_OF_RARER_CLASS / smaller_share))
    return max(n_held, min(n_samples, wanted, MAX_FOLLOWED))


def followed_batches(
    edges: NDArray[np.int64],
    samples: Samples,
    plan: Plan,
    smaller_share: float | None,
    held: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the last batches, of about as many samples as are to be followed.

    Parameters
    ----------
    edges : ndarray of shape (n_batches + 1, world_size), dtype=int64
        Of all batches: see `cut_positions`.
    samples : Samples
        Of this rank.
    plan : Plan
    smaller_share : float or None
        See `n_followed`.
    held : ndarray of shape (n_held,), dtype=int64
        Batches that were not counted for weights.
    """
    n_samples = int(edges[-1].sum())
    n_last = n_followed(
        n_samples,
        plan.n_progressive,
        plan.problem.n_outputs,
        smaller_share,
        samples.numbers is not None,
    )
    batches = np.flatnonzero(edges[:-1].sum(axis=1) >= n_samples - n_last)
    return batches if len(batches) else held[-1:]


def follows_own_steps(loss: Loss, options: TrainingOptions) -> bool:
    """Whether the temperature is fitted to the finished model.

    Only of a table of scores trained in several epochs: a part of a stream is scored
    before it is trained on, and layers move all scores.
    """
    return is_squared_hinge(loss) and options.embedding_dim is None and options.decay


class OwnSteps:
    """What steps on some samples have added to their own scores.

    Parameters
    ----------
    bags : Bags
        Of this rank, weighted.
    document_counts : ndarray of shape (n_ids,), dtype=float64
        Number of samples that hold each id.
    codes : Codes
    weight : ndarray of shape (n_bags,), dtype=float64, or None
        As steps take it.
    label_weights : ndarray of shape (n_outputs,) or None
        Of having each label.
    edges : ndarray of shape (n_batches + 1, world_size), dtype=int64
        Of all batches: see `cut_positions`.
    batches : ndarray of shape (n_followed,), dtype=int64
        Those that the bags are, the last ones.
    moves : ndarray of shape (n_bags, n_outputs), dtype=float64
        What is in their scores of themselves before the first step.
    numbers : ndarray of shape (n_bags,), dtype=int64, or None
        Which sample each bag is a visit of; None where there is one visit of each.
    trainer : Trainer
        That takes the steps.
    rank : int
        Of this process.

    Attributes
    ----------
    moves : ndarray of shape (n_bags, n_outputs), dtype=float64
        What is left in their scores of the steps of each visit.
    """

    def __init__(
        self,
        bags: Bags,
        document_counts: NDArray[np.float64],
        codes: Codes,
        weight: NDArray[np.float64] | None,
        label_weights: NDArray[np.float64] | None,
        edges: NDArray[np.int64],
        batches: NDArray[np.int64],
        moves: NDArray[np.float64],
        numbers: NDArray[np.int64] | None,
        trainer: Scores,
        rank: int,
    ) -> None:
        norms = squared_norms(
            bags.offsets, bags.weights.astype(WEIGHT_DTYPE, copy=False)
        )
        self._factor = norms if weight is None else norms * weight
        self._own_bags, self._document_counts = bags, document_counts
        self._codes = codes
        self._label_weights = label_weights
        self._batches = batches
        # Of local steps the penalty of all ranks is that of the rows of few samples, in
        # which most of what is followed here lies.
        self._batch_sizes = np.diff(edges.sum(axis=1))
        own_edges = edges[batches[0] :] - edges[batches[0]]
        self._own_sizes = np.diff(own_edges[:, rank])
        self._parts: list[tuple[Bags, tuple[int, ...]]] = []
        for number in range(len(batches)):
            part = own_edges[number : number + 2]
            own_bags = bags.slice(*part[:, rank].tolist())
            to_score = trainer.bags_to_score(own_bags, part)
            self._parts.append((to_score, tuple((part[1] - part[0]).tolist())))
        self._start_moves, self.moves = moves, np.zeros_like(moves)
        self._visits = None
        if numbers is not None:
            self._visits = np.unique(numbers, return_inverse=True)[1].ravel()

    def add(
        self,
        scores: NDArray[np.float32],
        order: NDArray[np.int64],
        schedule: Schedule,
        n_steps_done: int,
        shares: NDArray[np.float64] | None = None,
    ) -> None:
        """Add those of one epoch. Sets `moves`.

        Parameters
        ----------
        scores : ndarray of shape (n_bags, n_outputs), dtype=float32
            Before the step on each sample.
        order : ndarray of shape (n_batches,), dtype=int64
            Of the batches in this epoch.
        schedule : Schedule
            Of its steps.
        n_steps_done : int
            Before the epoch.
        shares : ndarray of shape (n_bags,), dtype=float64, or None
            Of each step that the table has kept; None for all.
        """
        rates = schedule.rates(n_steps_done, len(order))
        kept = schedule.kept(rates, self._batch_sizes[order])
        # What the penalty has left, at the end, of what was there before each step.
        left = np.append(np.cumprod(kept[::-1])[::-1], 1.0)
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        steps = place[self._batches]
        each = np.repeat(rates[steps] * left[steps + 1], self._own_sizes)
        if shares is not None:
            each *= shares
        slopes = squared_hinge_slopes(scores, self._codes, self._label_weights)
        slopes *= (each * self._factor)[:, np.newaxis]
        self.moves *= left[0]
        self.moves -= slopes
        self._start_moves *= left[0]

    def scores_without(self, trainer: Scores, n_epochs: int) -> NDArray[np.float32]:
        """Scores of the samples by the state of a trainer, had it not seen each."""
        scores = np.concatenate(
            [trainer.score(bags, sizes) for bags, sizes in self._parts]
        )
        moves = self.moves
        if self._visits is not None:
            sums = np.zeros((self._visits.max() + 1, moves.shape[1]))
            np.add.at(sums, self._visits, moves)
            moves = sums[self._visits]
        shares = own_shares(self._own_bags, self._document_counts, n_epochs)
        moves = (moves + self._start_moves) * shares[:, np.newaxis]
        return np.asarray(scores - moves, dtype=WEIGHT_DTYPE)

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Serialisable state of what the steps have changed."""
        return {"moves": self.moves, "start_moves": self._start_moves}

    def restore(self, state: dict[str, NDArray[np.float64]]) -> None:
        """Go on from the state of a run that began in the same way."""
        moves, start_moves = state["moves"], state["start_moves"]
        if not moves.shape == start_moves.shape == self.moves.shape:
            raise ValueError("own steps of another shape")
        self.moves, self._start_moves = moves.copy(), start_moves.copy()

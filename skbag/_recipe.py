"""The rules behind "auto": sizes, steps and epochs from what the data says.

Pure functions of counts and of what training has shown so far; every constant of the
recipe that is not a weight (see `_weighting`) stands here. How each was found is in
docs/benchmarks/log.md.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skbag._bags import Bags

TABLE_NUMBERS = 2**23
"""Largest table that the automatic `min_df` allows, in numbers (32 MiB)."""

SHORT_TEXT = 256
"""Mean characters below which texts are short."""

LEARNING_RATE = 0.45
"""Step for texts of norm 1. With the summed squared hinge, a step of 0.5 answers one
text exactly: ``2 * 0.5 * ||x||**2 = 1``."""

LEAST_VISITS = 20_000
"""Few samples are visited in more epochs, until so many visits are made, ..."""

MOST_EPOCHS = 10
"""... or so many epochs."""

LARGEST_ALPHA = 1e-3
"""Largest automatic L2 penalty."""

SLOWEST = 4.0
"""How much smaller heavy samples may make every step."""

SCORES_PER_BATCH = 2**15
"""Largest batch x outputs: the scores and their gradient then stay in cache."""


def auto_min_df(document_counts: NDArray[np.int64], width: int) -> int:
    """Smallest document count that keeps the table within bounds.

    Parameters
    ----------
    document_counts : ndarray of shape (n_ids,), dtype=int64
    width : int
        Columns of the table.
    """
    for min_df in (1, 2, 3, 4, 6):
        if np.count_nonzero(document_counts >= min_df) * width <= TABLE_NUMBERS:
            return min_df
    return 8


def texts_are_short(n_characters: int, n_texts: int) -> bool:
    """Whether texts gain from the short-text features at little cost."""
    return n_characters < SHORT_TEXT * n_texts


def held_out(n_samples: int) -> int:
    """How many samples the first epoch is judged by before it trains on them."""
    return int(min(4096, max(n_samples // 10, min(64, n_samples // 3))))


def auto_batch_size(n_samples: int, n_outputs: int) -> int:
    """Batch size: about 80 updates an epoch or more, within 16 to 1024."""
    by_updates = 2 ** round(np.log2(max(1.0, n_samples / 80)))
    by_cache = 2 ** int(np.log2(max(1, SCORES_PER_BATCH // n_outputs)))
    return int(max(16, min(1024, by_updates, by_cache)))


def auto_learning_rate(
    bags: Bags, batch_size: int, sample_weight: NDArray[np.float64] | None = None
) -> float:
    """Largest step that is stable for one sample and for a whole batch.

    Two bounds for a loss whose second derivative is 2, summed over a batch: the step
    of one sample, scaled by its squared norm and its weight, and the step along the
    direction that a batch shares, ``1 / (batch_size * lambda)``, with lambda the
    largest eigenvalue of the second moment ``E[w x x.T]`` (LeCun, Simard and
    Pearlmutter, "Automatic learning rate maximization by on-line estimation of the
    Hessian's eigenvectors", 1993).

    Parameters
    ----------
    bags : Bags
        Weighted, in random order: the first of them stand for all.
    batch_size : int
    sample_weight : ndarray of shape (n_samples,) or None
    """
    sample = bags.slice(0, min(len(bags), 2000))
    weight = np.ones(len(bags)) if sample_weight is None else sample_weight
    norm = float(_squared_norms(bags).max(initial=0.0))
    if norm == 0:
        return LEARNING_RATE
    heaviest = np.clip(weight.max(), 1, SLOWEST)
    for_one = LEARNING_RATE / (norm * heaviest)
    eigenvalue = _largest_second_moment(sample, weight[: len(sample)])
    # Multiplied, not divided: it is 0 where the first samples are all empty.
    is_bound_by_batch = for_one * batch_size * eigenvalue > 1
    return float(1 / (batch_size * eigenvalue) if is_bound_by_batch else for_one)


def carried_weights(
    bags: Bags, sample_weight: NDArray[np.float64] | None, learning_rate: float
) -> NDArray[np.float32] | None:
    """Sample weights, none heavier than one step can carry.

    A sample whose weight would move its own score beyond the margin in one step only
    makes the next step go back; it gets the weight that answers it exactly, the limit
    of the importance-aware updates of Karampatziakis and Langford ("Online Importance
    Weight Aware Updates", UAI 2011).
    """
    if sample_weight is None:
        return None
    norms = np.maximum(_squared_norms(bags), 1e-30)
    heaviest = np.maximum(0.5 / (learning_rate * norms), 1.0)
    return np.minimum(sample_weight, heaviest).astype(np.float32)


def _squared_norms(bags: Bags) -> NDArray[np.float64]:
    return bags.row_sums(np.square(bags.weights, dtype=np.float64)).astype(np.float64)


def _largest_second_moment(bags: Bags, share: NDArray[np.float64]) -> float:
    """Largest eigenvalue of ``E[w x x.T]`` over the bags, by power iteration."""
    columns, local = np.unique(bags.ids, return_inverse=True)
    X = Bags(local.astype(np.int32), bags.offsets, bags.weights, len(columns)).to_csr()
    # Not abs(X): scipy would sort the entries of X, and with them the bags', in place.
    vector = np.bincount(local, weights=np.abs(bags.weights))
    eigenvalue = _length(vector)
    for _ in range(10):
        if eigenvalue > 0:
            vector = X.T @ (share * (X @ (vector / eigenvalue))) / len(bags)
            eigenvalue = _length(vector)
    return eigenvalue


def _length(vector: NDArray[np.float64]) -> float:
    # Not np.linalg.norm: BLAS adds up in an order that depends on its threads.
    return float(np.sqrt(np.square(vector).sum()))


def first_plan_epochs(n_samples: int, work: float) -> int:
    """Number of epochs to plan for before anything is known: the most there can be."""
    return auto_epochs(1.0, n_samples, work)


def auto_epochs(skill: float, n_samples: int, work: float) -> int:
    """Number of epochs, once the first has shown how well the classes can be told.

    Parameters
    ----------
    skill : float
        See `skill`.
    n_samples : int
    work : float
        Numbers that an epoch moves: entries x width.
    """
    if n_samples >= 200_000:
        return 2
    by_skill = min(2 + round(2 * skill), 3 if work >= 2.5e8 else 4)
    by_visits = min(MOST_EPOCHS, -(-LEAST_VISITS // n_samples))
    return max(by_skill, by_visits)


def auto_alpha(skill: float, n_samples: int) -> float:
    """Strength of the L2 penalty per sample: the noisier the classes, the more.

    Limited, because with few samples little skill is no sign of noise.
    """
    return min(5 * (1 - skill) ** 2 / n_samples, LARGEST_ALPHA)


def skill(accuracy: float, codes: NDArray[np.int64]) -> float:
    """Accuracy above that of always naming the largest class, in [0, 1]."""
    chance = np.bincount(codes).max() / len(codes)
    return float(np.clip((accuracy - chance) / (1 - chance + 1e-9), 0, 1))

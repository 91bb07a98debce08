"""How much a second model counts beside the bag, by scores of samples unseen by both.

Scores of the two are put on one scale, mixed, and calibrated: the share of the second
is the one of least log-loss (Wolpert, "Stacked Generalization", 1992), drawn towards
what it is on other data, as few samples tell little.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from skbag._core.dtypes import WEIGHT_DTYPE
from skbag._targets.calibration import Calibration, effective_size
from skbag._targets.label_sets import Codes
from skbag._targets.targets import ClassificationTargets

STEP = 0.1
"""Between shares that are compared."""

Calibrate = Callable[
    [NDArray[np.float32], Codes, NDArray[np.float64] | None], Calibration
]


@dataclass(frozen=True)
class SharePrior:
    """Normal prior of a share.

    Parameters
    ----------
    mean : float
        A multiple of `STEP`.
    std : float
    """

    mean: float
    std: float


@dataclass(frozen=True)
class Mixture:
    """Scores are ``(1 - share) * first + share * scale * second``.

    Parameters
    ----------
    share : float
        In [0, 1].
    scale : float
        What puts scores of the second model on the scale of the first.
    calibration : Calibration
        Of the mixed scores.
    """

    share: float
    scale: float
    calibration: Calibration

    def mix(
        self, first: NDArray[np.floating], second: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        """Scores, or anything that scores are linear in, of the mixture."""
        mixed = (1 - self.share) * first + self.share * self.scale * second
        return np.asarray(mixed, dtype=WEIGHT_DTYPE)


def fit_mixture(
    first: NDArray[np.float32],
    second: NDArray[np.float64],
    codes: Codes,
    weight: NDArray[np.float64] | None,
    targets: ClassificationTargets,
    calibrate: Calibrate,
    prior: SharePrior,
    is_present: NDArray[np.bool_],
) -> Mixture:
    """Find the share of a second model.

    Parameters
    ----------
    first, second : ndarray of shape (n_samples, n_outputs)
        Scores by the two, of samples that neither was trained on.
    codes : Codes
        Of these samples.
    weight : ndarray of shape (n_samples,), dtype=float64, or None
    targets : ClassificationTargets
    calibrate : callable
        Calibration of scores, codes and weights.
    prior : SharePrior
    is_present : ndarray of shape (n_outputs,), dtype=bool
        Outputs that both models had samples of. Scores of others, far below all, are
        on no scale.
    """
    scale = 1.0
    if is_present.any():
        scale = _scale(first[:, is_present], second[:, is_present])
    loss_weight = None
    if weight is not None and len(weight):
        loss_weight = weight * (effective_size(len(weight), weight) / weight.sum())

    def at(share: float) -> tuple[float, Mixture]:
        mixture = Mixture(share, scale, Calibration(1.0))
        mixed = mixture.mix(first, second)
        calibration = calibrate(mixed, codes, weight)
        loss = targets.log_loss(mixed, codes, loss_weight, calibration)
        loss += ((share - prior.mean) / prior.std) ** 2 / 2
        return loss, replace(mixture, calibration=calibration)

    return _least(at, prior.mean)


def _least(at: Callable[[float], tuple[float, Mixture]], start: float) -> Mixture:
    """Mixture of the least loss, walking from `start` as long as that falls."""
    least, best = at(start)
    n_steps, first = round(1 / STEP), round(start / STEP)
    for steps in (range(first + 1, n_steps + 1), range(first - 1, -1, -1)):
        for step in steps:
            loss, mixture = at(step / n_steps)
            # Not-a-number does not fall either.
            if not loss < least:
                break
            least, best = loss, mixture
        if best.share != start:
            break
    return best


def _scale(first: NDArray[np.float32], second: NDArray[np.float64]) -> float:
    """What makes scores differ between samples and outputs as much as others."""
    spreads = _spread(first), _spread(second)
    return spreads[0] / spreads[1] if min(spreads) > 0 else 1.0


def _spread(scores: NDArray[np.floating]) -> float:
    if not len(scores):
        return 0.0
    moved = scores - scores.mean(axis=0, dtype=np.float64)
    if moved.shape[1] > 1:
        moved -= moved.mean(axis=1, keepdims=True)
    return float(np.sqrt(np.square(moved).mean()))

"""Losses of numbers: what is minimised where `y` is to be predicted as it is.

Conventions are those of `losses`, but that codes are numbers in units of the targets,
(n_samples, n_outputs), one for each score.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from skbag._targets.losses import Loss, weighted

if TYPE_CHECKING:
    from torch import Tensor


class SquaredError:
    """Squared error, ``sum_c (z_c - y_c)**2``; beyond `delta` it goes on as a line.

    Parameters
    ----------
    delta : float, default=inf
        ``r**2`` up to a residual r of so much, ``2 delta |r| - delta**2`` beyond
        (Huber, "Robust Estimation of a Location Parameter", 1964).
    """

    calibrated_by_temperature = False
    curvature = label_curvature = 2.0
    max_sample_weight = 1.0
    clustered = False

    def __init__(self, name: str, delta: float = np.inf) -> None:
        self.name, self.delta = name, delta

    def gradient(
        self, scores: Tensor, codes: Tensor, weights: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """See `Loss`."""
        residual = scores - codes
        kept = residual.clamp(-self.delta, self.delta)
        values = residual.mul_(2).sub_(kept).mul_(kept)
        return weighted(kept.mul(2), values, weights)

    def constant_scores(self, means: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Loss`; of means, near which the middle is taken to be."""
        return np.clip(means, -self.delta, self.delta)

    def mean(self, scores: NDArray[np.float64], codes: NDArray[np.float32]) -> float:
        """Mean over samples of the loss of constant scores, without torch."""
        residual = scores - codes.astype(np.float64)
        kept = np.clip(residual, -self.delta, self.delta)
        return float((kept * (2 * residual - kept)).sum() / max(len(codes), 1))


class PoissonDeviance:
    """Half the Poisson deviance, ``sum_c exp(z_c) - y_c - y_c (z_c - ln y_c)``.

    Scores are logarithms of means. Where one is above ``ln(max_curvature)`` the
    exponential goes on as its Taylor polynomial of degree 2, so that steps have a size
    that is right for all: a mean so many times that of all samples is rare.

    Parameters
    ----------
    max_curvature : float
    """

    calibrated_by_temperature = False
    max_sample_weight = 1.0
    clustered = False

    def __init__(self, name: str, max_curvature: float) -> None:
        self.name = name
        self.curvature = self.label_curvature = max_curvature

    def gradient(
        self, scores: Tensor, codes: Tensor, weights: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """See `Loss`."""
        most = float(np.log(self.curvature))
        means = scores.clamp(max=most).exp_()
        beyond = scores.sub(most).clamp_(min=0)
        slopes = means * (1 + beyond)
        values = means * (1 + beyond + beyond.square() / 2) - codes * (scores + 1)
        return weighted(slopes - codes, values + codes.xlogy(codes), weights)

    def constant_scores(self, means: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Loss`: the logarithm of the means."""
        return np.log(np.maximum(means, SMALLEST_MEAN))

    def mean(self, scores: NDArray[np.float64], codes: NDArray[np.float32]) -> float:
        """Mean over samples of the loss of constant scores, without torch."""
        y = codes.astype(np.float64)
        values = np.exp(scores) - y * (scores + 1) + xlogy(y, y)
        return float(values.sum() / max(len(codes), 1))


HUBER_DELTA = 1.35
"""Of errors that are normal, 95 % of the efficiency of least squares is kept (Huber,
"Robust Statistics", 1981); the default `epsilon` of scikit-learn's HuberRegressor."""

MAX_CURVATURE = 4.0
"""Of the deviance, for numbers of mean 1."""

SMALLEST_MEAN = 0.1
"""Of numbers of mean 1, where all of a part are 0: from far below, steps of an
intercept would not come back."""

REGRESSION_LOSSES: dict[str, Loss] = {
    loss.name: loss
    for loss in (
        SquaredError("squared_error"),
        SquaredError("huber", HUBER_DELTA),
        PoissonDeviance("poisson", MAX_CURVATURE),
    )
}
"""The loss of each name that the regressor's `loss` parameter takes."""

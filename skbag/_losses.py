"""Losses: each owns its gradient, its number of outputs and its inverse link.

Conventions
-----------
scores : (n_samples, n_outputs), in link space.
codes : (n_samples,), the encoded class of each sample.
n_outputs : 1 for two classes (a positive score means class 1), else n_classes.
weights : (n_samples,) or None, how much each sample counts.

Gradients and values are sums over the batch, not means: a step then depends on what
is in the batch, not on how many samples share it.

``gradient`` takes torch tensors and is used in training; ``probabilities`` takes numpy
arrays and is used in prediction, which must not need torch. So torch is imported only
by those who call with tensors: the methods below are written in terms of the tensor's
own methods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax

if TYPE_CHECKING:
    from torch import Tensor

_NUMBERS_AT_ONCE = 2**20
"""Probabilities that are worked on at a time (8 MiB)."""


class Loss(Protocol):
    """What the trainer and the estimator need of a loss."""

    name: str
    calibrated_by_temperature: bool
    """Whether scores need a temperature to become probabilities."""
    curvature: float
    """Largest second derivative in one score: how steps are sized."""

    def gradient(
        self, scores: Tensor, codes: Tensor, weights: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Gradient (n_samples, n_outputs) and value (0-d), summed over the batch."""
        ...


class SquaredHinge:
    """One-vs-rest squared hinge: ``sum_c max(0, 1 - s_c z_c)**2``, s_c = +1 or -1.

    The loss of ``sklearn.svm.LinearSVC``. A sample that is right by a margin of 1
    gives no gradient, so it stops costing updates.
    """

    name = "squared_hinge"
    calibrated_by_temperature = True
    curvature = 2.0

    def gradient(
        self, scores: Tensor, codes: Tensor, weights: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """See `Loss`."""
        if scores.shape[1] == 1:
            sign = codes.to(scores.dtype).mul_(2).sub_(1).unsqueeze(1)
            slack = scores.mul(sign).neg_().add_(1).clamp_(min=0)
            gradient = slack.mul(sign).mul_(-2)
        else:
            # How far beyond its side of the margin each score is. For every class but
            # the true one the sign is -1; the true one is then put right, which spares
            # an (n_samples, n_outputs) array of signs.
            true = codes.unsqueeze(1)
            slack = scores.add(1).clamp_(min=0)
            slack.scatter_(1, true, scores.gather(1, true).sub_(1).clamp_(max=0))
            gradient = slack.mul(2)
        return _weighted(gradient, slack.mul_(slack), weights)


class CrossEntropy:
    """Cross-entropy of the softmax; of the logistic function for two classes."""

    name = "cross_entropy"
    calibrated_by_temperature = False
    # Of the softmax, with respect to all scores (Böhning, "Multinomial logistic
    # regression algorithm", 1992). The logistic function's is half of that.
    curvature = 0.5

    def gradient(
        self, scores: Tensor, codes: Tensor, weights: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """See `Loss`."""
        if scores.shape[1] == 1:
            sign = codes.to(scores.dtype).mul_(2).sub_(1).unsqueeze(1)
            margin = scores.mul(sign)
            gradient = margin.neg().sigmoid_().mul_(sign).neg_()
            # log(1 + exp(-m)) without overflow.
            value = margin.neg().clamp_(min=0).add_(margin.abs().neg_().exp_().log1p_())
            return _weighted(gradient, value, weights)
        true = codes.unsqueeze(1)
        log_probabilities = scores.log_softmax(dim=1)
        value = log_probabilities.gather(1, true).neg_()
        gradient = log_probabilities.exp_()
        gradient.scatter_add_(1, true, gradient.new_full(true.shape, -1.0))
        return _weighted(gradient, value, weights)


def _weighted(
    gradient: Tensor, values: Tensor, weights: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Weigh both by sample; sum the values.

    By sample first: a sum over all at once would depend on the number of threads.
    """
    values = values.sum(dim=1)
    if weights is None:
        return gradient, values.sum()
    return gradient.mul_(weights.unsqueeze(1)), values.mul_(weights).sum()


LOSSES: dict[str, Loss] = {loss.name: loss for loss in (SquaredHinge(), CrossEntropy())}
"""The loss of each name that the estimator's `loss` parameter takes."""


def n_outputs(n_classes: int) -> int:
    """Columns of scores for a number of classes: two classes share one."""
    return 1 if n_classes == 2 else n_classes


def probabilities(
    scores: NDArray[np.float32], temperature: float
) -> NDArray[np.float64]:
    """Softmax of ``temperature * scores``, the inverse link of every loss here.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_outputs), dtype=float32
    temperature : float
        Factor of the scores (an inverse temperature), positive. Guo et al., "On
        Calibration of Modern Neural Networks", ICML 2017, section 4.2.

    Returns
    -------
    probabilities : ndarray of shape (n_samples, n_classes), dtype=float64
        Rows sum to 1.
    """
    powers = class_scores(scores) * temperature
    powers -= powers.max(axis=1, keepdims=True)
    np.exp(powers, out=powers)
    powers /= powers.sum(axis=1, keepdims=True)
    return powers


def log_probabilities(
    scores: NDArray[np.float32], temperature: float
) -> NDArray[np.float64]:
    """Logarithm of `probabilities`, finite where that underflows."""
    return np.asarray(log_softmax(class_scores(scores) * temperature, axis=1))


def class_scores(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """One column per class, in float64: -z/2 and z/2 where two classes share one.

    The softmax of (-z/2, z/2) is the logistic function of z.
    """
    wide = scores.astype(np.float64)
    if wide.shape[1] == 1:
        wide = np.concatenate([-wide / 2, wide / 2], axis=1)
    return wide


def fit_temperature(
    scores: NDArray[np.float32],
    codes: NDArray[np.int64],
    weights: NDArray[np.float64] | None = None,
) -> float:
    """Temperature that minimises the log-loss of ``probabilities(scores, T)``.

    Newton's method on a convex function of one number.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_outputs), dtype=float32
        Scores of samples that the model had not been trained on.
    codes : ndarray of shape (n_samples,), dtype=int64
    weights : ndarray of shape (n_samples,) or None

    Returns
    -------
    temperature : float
        In [0.05, 100]; 1.0 where there is nothing to learn from.
    """
    if len(codes) == 0 or not np.isfinite(scores).all():
        return 1.0
    wide = class_scores(scores)
    wide -= wide.mean(axis=1, keepdims=True)
    true = wide[np.arange(len(codes)), codes]
    temperature = 1.0
    for _ in range(20):
        mean, variance = _moments(wide, temperature)
        # A weak pull to small values keeps the answer finite on separable samples.
        slope = np.average(mean - true, weights=weights) + 1e-6 * temperature
        curvature = np.average(variance, weights=weights) + 1e-6
        step = np.clip(slope / curvature, -2, 2)
        temperature = float(np.clip(temperature - step, 0.05, 100))
        if abs(step) < 1e-6 * temperature:
            break
    return temperature


def _moments(
    wide: NDArray[np.float64], temperature: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variance of each row under its softmax, a few rows at a time."""
    n_rows, width = wide.shape
    means, variances = np.empty(n_rows), np.empty(n_rows)
    step = max(1, _NUMBERS_AT_ONCE // width)
    for start in range(0, n_rows, step):
        rows = wide[start : start + step]
        p = softmax(temperature * rows, axis=1)
        mean = (p * rows).sum(axis=1)
        means[start : start + step] = mean
        variances[start : start + step] = (p * rows**2).sum(axis=1) - mean**2
    return means, variances


def predicted_codes(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """Code of the class that scores name, (n_samples,)."""
    if scores.shape[1] == 1:
        return (scores[:, 0] > 0).astype(np.int64)
    return np.asarray(scores.argmax(axis=1), dtype=np.int64)

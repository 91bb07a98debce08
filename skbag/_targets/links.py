"""From scores to classes and probabilities, and the temperature for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit, log_softmax, softmax

if TYPE_CHECKING:
    pass

_NUMBERS_AT_ONCE = 2**20
"""Probabilities that are worked on at a time (8 MiB)."""

DEFAULT_INVERSE_TEMPERATURE = 2.0
"""Temperature of a model whose scores have been seen of no sample, ..."""

PRIOR_STD = 0.7
"""... and how far others are from it: the standard deviation of the logarithm, so that
two of three are within a factor of two. Both were chosen on validation splits."""

_BOUNDS = (0.05, 100.0)
"""Smallest and largest temperature."""


def n_outputs(n_classes: int) -> int:
    """Columns of scores for a number of classes: two classes share one."""
    return 1 if n_classes == 2 else n_classes


def probabilities(
    scores: NDArray[np.float32], inverse_temperature: float
) -> NDArray[np.float64]:
    """Softmax of ``inverse_temperature * scores``, the inverse link of every loss here.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_outputs), dtype=float32
    inverse_temperature : float
        Factor of the scores (an inverse temperature), positive. Guo et al., "On
        Calibration of Modern Neural Networks", ICML 2017, section 4.2.

    Returns
    -------
    probabilities : ndarray of shape (n_samples, n_classes), dtype=float64
        Rows sum to 1.
    """
    powers = class_scores(scores) * inverse_temperature
    powers -= powers.max(axis=1, keepdims=True)
    np.exp(powers, out=powers)
    powers /= powers.sum(axis=1, keepdims=True)
    return powers


def log_probabilities(
    scores: NDArray[np.float32], inverse_temperature: float
) -> NDArray[np.float64]:
    """Logarithm of `probabilities`, finite where that underflows."""
    return np.asarray(log_softmax(class_scores(scores) * inverse_temperature, axis=1))


def class_scores(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """One column per class, in float64: -z/2 and z/2 where two classes share one.

    The softmax of (-z/2, z/2) is the logistic function of z.
    """
    by_class = scores.astype(np.float64)
    if by_class.shape[1] == 1:
        by_class = np.concatenate([-by_class / 2, by_class / 2], axis=1)
    return by_class


def fit_inverse_temperature(
    scores: NDArray[np.float32],
    codes: NDArray[np.int64],
    weights: NDArray[np.float64] | None = None,
    usual: float = DEFAULT_INVERSE_TEMPERATURE,
) -> float:
    """Temperature of the best probabilities ``probabilities(scores, T)``.

    The maximum of the posterior under a log-normal prior, ``log T`` being normal with
    mean ``log(usual)`` and standard deviation `PRIOR_STD`: a few samples that
    are all right by chance would ask for probabilities of 0 and 1 otherwise. The more
    samples, the less the prior counts.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_outputs), dtype=float32
        Scores of samples that the model had not been trained on.
    codes : ndarray of shape (n_samples,), dtype=int64
    weights : ndarray of shape (n_samples,) or None
    usual : float, default=2.0
        Median of the prior.

    Returns
    -------
    inverse_temperature : float
        In [0.05, 100]; `usual` where there is nothing to learn from.
    """
    if len(codes) == 0 or not np.isfinite(scores).all():
        return usual
    by_class = class_scores(scores)
    by_class -= by_class.mean(axis=1, keepdims=True)
    true = by_class[np.arange(len(codes)), codes]

    def slope_and_curvature(inverse_temperature: float) -> tuple[float, float]:
        mean, variance = _moments(by_class, inverse_temperature)
        slope = np.average(mean - true, weights=weights)
        return float(slope), float(np.average(variance, weights=weights))

    return _most_probable(
        slope_and_curvature, _effective_size(len(codes), weights), usual
    )


def _most_probable(
    slope_and_curvature: Callable[[float], tuple[float, float]],
    n_samples: float,
    usual: float,
) -> float:
    """Temperature of the largest posterior, by Newton's method in its logarithm.

    Parameters
    ----------
    slope_and_curvature : callable
        First and second derivative of the mean log-loss at a temperature.
    n_samples : float
        How many samples the mean is over.
    usual : float
        Median of the prior.
    """
    low, high = np.log(_BOUNDS)
    precision = PRIOR_STD**-2
    centre = log_temperature = float(np.log(usual))
    for _ in range(50):
        inverse_temperature = float(np.exp(log_temperature))
        slope, curvature = slope_and_curvature(inverse_temperature)
        down = n_samples * inverse_temperature * slope
        gradient = down + precision * (log_temperature - centre)
        # The exact second derivative where that is larger than without `down`, so that
        # no step goes too far.
        second = (
            n_samples * inverse_temperature**2 * curvature + max(down, 0.0) + precision
        )
        step = float(np.clip(gradient / second, -1, 1))
        log_temperature = float(np.clip(log_temperature - step, low, high))
        if abs(step) < 1e-6:
            break
    return float(np.exp(log_temperature))


def _effective_size(n_samples: int, weights: NDArray[np.float64] | None) -> float:
    """Kish's effective sample size: as many equal weights have the same variance."""
    if weights is None:
        return float(n_samples)
    return float(weights.sum() ** 2 / np.square(weights).sum())


def _moments(
    by_class: NDArray[np.float64], inverse_temperature: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variance of each row under its softmax, a few rows at a time."""
    n_rows, width = by_class.shape
    means, variances = np.empty(n_rows), np.empty(n_rows)
    step = max(1, _NUMBERS_AT_ONCE // width)
    for start in range(0, n_rows, step):
        rows = by_class[start : start + step]
        p = softmax(inverse_temperature * rows, axis=1)
        mean = (p * rows).sum(axis=1)
        means[start : start + step] = mean
        variances[start : start + step] = (p * rows**2).sum(axis=1) - mean**2
    return means, variances


def predicted_codes(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """Code of the class that scores name, (n_samples,)."""
    if scores.shape[1] == 1:
        return (scores[:, 0] > 0).astype(np.int64)
    return np.asarray(scores.argmax(axis=1), dtype=np.int64)


def label_probabilities(
    scores: NDArray[np.float32], inverse_temperature: float
) -> NDArray[np.float64]:
    """Logistic function of ``inverse_temperature * scores``: of each label by itself.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_labels), dtype=float32
    inverse_temperature : float
        The same for all labels: Platt, "Probabilistic Outputs for Support Vector
        Machines", 1999, without his shift, so that a probability is above one half
        where the score is positive.

    Returns
    -------
    probabilities : ndarray of shape (n_samples, n_labels), dtype=float64
        Rows need not sum to 1.
    """
    return np.asarray(expit(scores.astype(np.float64) * inverse_temperature))


def label_log_probabilities(
    scores: NDArray[np.float32], inverse_temperature: float
) -> NDArray[np.float64]:
    """Logarithm of `label_probabilities`, finite where that underflows."""
    return np.asarray(log_expit(scores.astype(np.float64) * inverse_temperature))


def fit_label_inverse_temperature(
    scores: NDArray[np.float32],
    true: tuple[NDArray[np.int64], NDArray[np.int64]],
    weights: NDArray[np.float64] | None = None,
    usual: float = DEFAULT_INVERSE_TEMPERATURE,
) -> float:
    """Temperature of the best probabilities ``label_probabilities(scores, T)``.

    As `fit_inverse_temperature`.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_labels), dtype=float32
    true : tuple of ndarray, ndarray
        Samples and labels that go together.
    weights : ndarray of shape (n_samples,) or None
    usual : float, default=2.0
        Median of the prior.

    Returns
    -------
    inverse_temperature : float
        In [0.05, 100]; `usual` where there is nothing to learn from.
    """
    if scores.size == 0 or not np.isfinite(scores).all():
        return usual
    weight = np.ones(len(scores)) if weights is None else weights
    weight = weight / (weight.sum() * scores.shape[1])
    of_true = float((scores[true].astype(np.float64) * weight[true[0]]).sum())
    # A few at a time: float64 copies of all are large.
    n_rows = min(256, max(1, _NUMBERS_AT_ONCE // scores.shape[1]))

    def slope_and_curvature(inverse_temperature: float) -> tuple[float, float]:
        slope, curvature = -of_true, 0.0
        for start in range(0, len(scores), n_rows):
            z = scores[start : start + n_rows].astype(np.float64)
            p = expit(inverse_temperature * z)
            w = weight[start : start + n_rows]
            slope += float(w @ (p * z).sum(axis=1))
            curvature += float(w @ (p * (1 - p) * z * z).sum(axis=1))
        return slope, curvature

    n_decisions = _effective_size(len(scores), weights) * scores.shape[1]
    return _most_probable(slope_and_curvature, n_decisions, usual)

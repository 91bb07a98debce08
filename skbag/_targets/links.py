"""From scores to classes and probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit, log_softmax, softmax

MIN_SHARES = 1e-290
"""Sum of shares below which they are computed by their logarithms."""


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


def softplus_probabilities(
    scores: NDArray[np.float32], inverse_temperature: float
) -> NDArray[np.float64]:
    """Shares of ``softplus(inverse_temperature * scores)``: ``ln(1 + e**x)``.

    For scores by the squared hinge, one class against the rest. Where their loss is
    least, the probability of a class is ``(1 + z) / 2``, between 0 and 1 (Zhang,
    "Statistical behavior and consistency of classification methods based on convex
    risk minimization", 2004): a linear function of the score and not, as in a softmax,
    an exponential one. Softplus is that line with a smooth corner.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_classes), dtype=float32
    inverse_temperature : float
        Positive: the smaller, the smoother.

    Returns
    -------
    probabilities : ndarray of shape (n_samples, n_classes), dtype=float64
        Rows sum to 1.
    """
    powers = scores.astype(np.float64) * inverse_temperature
    shares = np.logaddexp(0, powers)
    sums = shares.sum(axis=1, keepdims=True)
    # Far below 0 softplus is the exponential function, and underflows as that does.
    if len(sums) and sums.min() < MIN_SHARES:
        return np.asarray(softmax(log_softplus(powers), axis=1))
    shares /= sums
    return shares


def softplus_log_probabilities(
    scores: NDArray[np.float32], inverse_temperature: float
) -> NDArray[np.float64]:
    """Logarithm of `softplus_probabilities`, finite where that underflows."""
    powers = scores.astype(np.float64) * inverse_temperature
    return np.asarray(log_softmax(log_softplus(powers), axis=1))


def log_softplus(powers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithm of ``ln(1 + e**x)``, which far below 0 is x."""
    near = np.maximum(powers, -30)
    return np.where(powers < -30, powers, np.log(np.logaddexp(0, near)))


def class_scores(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """One column per class, in float64: -z/2 and z/2 where two classes share one.

    The softmax of (-z/2, z/2) is the logistic function of z.
    """
    by_class = scores.astype(np.float64)
    if by_class.shape[1] == 1:
        by_class = np.concatenate([-by_class / 2, by_class / 2], axis=1)
    return by_class


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

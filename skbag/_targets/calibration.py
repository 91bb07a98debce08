"""Temperature, and offset, of the best probabilities of scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logsumexp

_NUMBERS_AT_ONCE = 2**18
"""Probabilities that are worked on at a time (2 MiB)."""

DEFAULT_INVERSE_TEMPERATURE = 2.0
"""Temperature of a model whose scores have been seen of no sample, ..."""

PRIOR_STD = 0.7
"""... and how far others are from it: the standard deviation of the logarithm, so that
two of three are within a factor of two. Both were chosen on validation splits."""

_BOUNDS = (0.05, 100.0)
"""Smallest and largest temperature."""

OFFSET_PRIOR_STD, RARE_LOG_ODDS = 1.0, 2.2
"""Spread of the offset around 0, as a multiple of the log-odds of the classes, where
these are those of a class of one in ten samples or rarer; less in proportion else."""

MAX_STEPS = 50
"""Of Newton's method."""

SMALLEST_STEP = 1e-4
"""At which the fit of a softplus ends."""

SOFTPLUS_PRIOR_STD = (0.5, 0.5)
"""Spread of ``log T`` and of `c` of softplus."""

SOFTPLUS_NUMBERS, MIN_SOFTPLUS_SAMPLES = 2**16, 256
"""Scores that the fit of a softplus looks at, and samples at least: more take longer
than training on them, and hardly change it."""


@dataclass(frozen=True)
class Calibration:
    """How scores become probabilities.

    Parameters
    ----------
    inverse_temperature : float
        Factor of the scores, offset included.
    score_offset : float
        What was added to the scores that training gave.
    link : {'softmax', 'softplus'}
        What makes shares of the scores of several classes that shut each other out.
    """

    inverse_temperature: float
    score_offset: float = 0.0
    link: str = "softmax"


UNCALIBRATED = Calibration(1.0)
"""Of scores that are log-probabilities already."""

USUAL_SOFTPLUS = Calibration(6.0, 0.5, "softplus")
"""Of scores that have been seen of no sample, found on validation splits."""


def blend(earlier: Calibration, own: Calibration, share: float) -> Calibration:
    """Mix two: `share` of the second, if both are of one kind."""
    if earlier.link != own.link:
        return own
    factors = earlier.inverse_temperature, own.inverse_temperature
    offsets = earlier.score_offset, own.score_offset
    return Calibration(
        factors[0] ** (1 - share) * factors[1] ** share,
        (1 - share) * offsets[0] + share * offsets[1],
        own.link,
    )


def fit_offset(
    scores: NDArray[np.float32],
    codes: NDArray[np.int64],
    log_odds: float,
    weights: NDArray[np.float64] | None = None,
    usual: float = DEFAULT_INVERSE_TEMPERATURE,
) -> Calibration:
    """Temperature and offset of the best ``expit(T z + b)`` for two classes.

    Platt, "Probabilistic Outputs for Support Vector Machines and Comparisons to
    Regularized Likelihood Methods", 1999. The maximum of the posterior, by Newton's
    method. log T is normal around that of `usual`, with `PRIOR_STD`, so that few
    samples which are all right by chance do not ask for probabilities of 0 and 1. The
    offset is a multiple of the log-odds of the two classes, normal around 0: there is
    none for even classes, whose scores have no side to lean to; where one is rare,
    scores lean to the other, as most samples are of it. It comes as `score_offset`,
    ``b / T``.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, 1), dtype=float32
        Scores of samples that the model had not been trained on.
    codes : ndarray of shape (n_samples,), dtype=int64
        0 or 1.
    log_odds : float
        Of class 1 among all samples.
    weights : ndarray of shape (n_samples,) or None
    usual : float, default=2.0
        Median of the prior of the temperature.
    """
    if len(codes) == 0 or not np.isfinite(scores).all():
        return Calibration(usual)
    z, y = scores[:, 0].astype(np.float64), codes.astype(np.float64)
    weight = np.ones(len(z)) if weights is None else weights
    weight = weight * (effective_size(len(z), weights) / weight.sum())
    centre, sign = np.log(usual), 1 - 2 * y
    spread = offset_prior_std(log_odds)

    def loss(theta: NDArray[np.float64]) -> float:
        margin = sign * (np.exp(theta[0]) * z + theta[1] * log_odds)
        prior = ((theta[0] - centre) / PRIOR_STD) ** 2
        prior += (theta[1] / spread) ** 2
        return float((weight * np.logaddexp(0, margin)).sum() + prior / 2)

    theta = np.array([centre, 0.0])
    value = loss(theta)
    for _ in range(MAX_STEPS):
        step = _newton_step(theta, centre, z, y, weight, log_odds)
        # Halved until it goes down: in the logarithm of T the loss is not convex.
        while (after := loss(theta - step)) > value and np.abs(step).max() > 1e-6:
            step /= 2
        if after > value:
            break
        theta, value = theta - step, after
        if np.abs(step).max() < 1e-6:
            break
    inverse_temperature = float(np.clip(np.exp(theta[0]), *_BOUNDS))
    return Calibration(
        inverse_temperature, float(theta[1] * log_odds / inverse_temperature)
    )


def offset_prior_std(log_odds: float) -> float:
    """Spread of the offset as a multiple of log-odds."""
    share = min(1.0, abs(log_odds) / RARE_LOG_ODDS)
    return OFFSET_PRIOR_STD * max(share, 1e-3)


def _newton_step(
    theta: NDArray[np.float64],
    centre: float,
    z: NDArray[np.float64],
    y: NDArray[np.float64],
    weight: NDArray[np.float64],
    log_odds: float,
) -> NDArray[np.float64]:
    """Step of the logarithm of the temperature, and of the factor of the log-odds."""
    by_temperature = np.exp(theta[0]) * z
    p = expit(by_temperature + theta[1] * log_odds)
    slope, variance = weight * (p - y), weight * p * (1 - p)
    precision = PRIOR_STD**-2
    offset_precision = offset_prior_std(log_odds) ** -2
    down = float((slope * by_temperature).sum())
    gradient = np.array(
        [
            down + precision * (theta[0] - centre),
            log_odds * slope.sum() + offset_precision * theta[1],
        ]
    )
    mixed = log_odds * (variance * by_temperature).sum()
    curvature = np.array(
        [
            [(variance * by_temperature**2).sum() + max(down, 0) + precision, mixed],
            [mixed, log_odds**2 * variance.sum() + offset_precision],
        ]
    )
    step = np.linalg.solve(curvature, gradient)
    return np.asarray(step / max(1.0, np.abs(step).max()))


def fit_softplus(
    scores: NDArray[np.float32],
    codes: NDArray[np.int64],
    weights: NDArray[np.float64] | None = None,
    usual: Calibration = USUAL_SOFTPLUS,
) -> Calibration:
    """Temperature `T` and offset `c` of the best shares of ``softplus(T (z + c))``.

    See `softplus_probabilities`, whose `c` is 1 for scores of least loss and less for
    those of new samples. The maximum of the posterior, by Fisher scoring: log T and c
    are normal around those of `usual`, with `SOFTPLUS_PRIOR_STD`.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_classes), dtype=float32
        Scores of samples that the model had not been trained on.
    codes : ndarray of shape (n_samples,), dtype=int64
    weights : ndarray of shape (n_samples,) or None
    usual : Calibration
        What the prior is centred at.
    """
    if len(codes) == 0 or not np.isfinite(scores).all():
        return usual
    n = max(MIN_SOFTPLUS_SAMPLES, SOFTPLUS_NUMBERS // scores.shape[1])
    scores, codes = scores[:n], codes[:n]
    weights = None if weights is None else weights[:n]
    weight = np.ones(len(scores)) if weights is None else weights
    weight = weight * (effective_size(len(scores), weights) / weight.sum())
    centre = np.array([np.log(usual.inverse_temperature), usual.score_offset])
    precision = np.array(SOFTPLUS_PRIOR_STD) ** -2.0

    def posterior(at: NDArray[np.float64]) -> _Expansion:
        found = _softplus_loss(at, scores, codes, weight)
        away = at - centre
        return _Expansion(
            found.loss + float((precision * away**2).sum() / 2),
            found.slope + precision * away,
            found.information + np.diag(precision),
        )

    theta, here = centre, posterior(centre)
    for _ in range(MAX_STEPS):
        step = np.linalg.solve(here.information, here.slope)
        step /= max(1.0, np.abs(step).max())
        # Halved until it goes down: the loss is not convex everywhere.
        while (there := posterior(theta - step)).loss > here.loss:
            step /= 2
            if np.abs(step).max() < SMALLEST_STEP:
                break
        if there.loss > here.loss:
            break
        theta, here = theta - step, there
        if np.abs(step).max() < SMALLEST_STEP:
            break
    inverse_temperature = float(np.clip(np.exp(theta[0]), *_BOUNDS))
    return Calibration(inverse_temperature, float(theta[1]), "softplus")


class _Expansion(NamedTuple):
    """A loss, its gradient and its Fisher information in ``(log T, c)``."""

    loss: float
    slope: NDArray[np.float64]
    information: NDArray[np.float64]


def _softplus_loss(
    theta: NDArray[np.float64],
    scores: NDArray[np.float32],
    codes: NDArray[np.int64],
    weight: NDArray[np.float64],
) -> _Expansion:
    """Summed log-loss of shares of softplus, a few samples at a time."""
    inverse_temperature = np.exp(theta[0])
    loss, slope, information = 0.0, np.zeros(2), np.zeros((2, 2))
    step = max(1, _NUMBERS_AT_ONCE // scores.shape[1])
    for start in range(0, len(scores), step):
        rows = slice(start, start + step)
        powers = inverse_temperature * (scores[rows].astype(np.float64) + theta[1])
        w = weight[rows]
        true = np.arange(len(powers)), codes[rows]
        small = np.exp(-np.abs(powers))
        shares = np.maximum(powers, 0) + np.log1p(small)
        # Far below 0 softplus is the exponential function, and underflows as that does.
        logs = np.where(powers < -30, powers, np.log(np.maximum(shares, 1e-30)))
        total = logsumexp(logs, axis=1, keepdims=True)
        p = np.exp(logs - total)
        loss += float((w * (total[:, 0] - logs[true])).sum())
        # Derivative of the logarithm of softplus in c / T, and in log T.
        sigmoid = np.where(powers >= 0, 1, small) / (1 + small)
        by = sigmoid / np.maximum(shares, 1e-300)
        by = np.where(powers < -30, 1.0, by)
        both = (by * powers, by * inverse_temperature)
        weighted = [p * each for each in both]
        means = [each.sum(axis=1) for each in weighted]
        for a in range(2):
            slope[a] += (w * (means[a] - both[a][true])).sum()
            for b in range(a + 1):
                product = (weighted[a] * both[b]).sum(axis=1) - means[a] * means[b]
                information[a, b] += (w * product).sum()
    information[0, 1] = information[1, 0]
    return _Expansion(loss, slope, information)


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


def effective_size(n_samples: int, weights: NDArray[np.float64] | None) -> float:
    """Kish's effective sample size: as many equal weights have the same variance."""
    if weights is None:
        return float(n_samples)
    return float(weights.sum() ** 2 / np.square(weights).sum())


def fit_label_inverse_temperature(
    scores: NDArray[np.float32],
    true: tuple[NDArray[np.int64], NDArray[np.int64]],
    weights: NDArray[np.float64] | None = None,
    usual: float = DEFAULT_INVERSE_TEMPERATURE,
) -> float:
    """Temperature of the best probabilities ``label_probabilities(scores, T)``.

    The maximum of the posterior, as in `fit_offset`.

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

    n_decisions = effective_size(len(scores), weights) * scores.shape[1]
    return _most_probable(slope_and_curvature, n_decisions, usual)

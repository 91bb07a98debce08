"""Units in which numbers are trained on: centre and scale, and the moments behind them.

In these units a constant is 0 and residuals are about 1, so that steps and penalties
mean the same for any `y`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from skbag._core.growth import power_of_growth

QUARTILES_OF_NORMAL = 1.349
"""Between the quartiles of a normal distribution of standard deviation 1."""

RULES = ("moments", "quartiles", "mean")
"""Of centre and scale: see `TargetUnits`."""

ROUNDING = 1e-12
"""Standard deviations that are smaller, against the mean, are taken for 0."""


@dataclass(frozen=True, eq=False)
class TargetMoments:
    """Weight, means and sums of squared deviations of some numbers.

    Parameters
    ----------
    weight : float
    mean, squares : ndarray of shape (n_outputs,), dtype=float64
    """

    weight: float
    mean: NDArray[np.float64]
    squares: NDArray[np.float64]

    @classmethod
    def of(
        cls, values: NDArray[np.float64], weight: NDArray[np.float64] | None
    ) -> TargetMoments:
        """Measure numbers of shape (n_samples, n_outputs)."""
        weights = np.ones(len(values)) if weight is None else weight
        total = float(weights.sum())
        share = (weights / (total or 1.0))[:, np.newaxis]
        # Not BLAS, whose order of additions depends on its threads.
        mean = (share * values).sum(axis=0)
        is_constant = (values == values[:1]).all(axis=0)
        mean[is_constant] = values[0, is_constant] if len(values) else 0.0
        squares = total * (share * np.square(values - mean)).sum(axis=0)
        return cls(total, mean, squares)

    def __add__(self, other: TargetMoments) -> TargetMoments:
        """Moments of both (Chan, Golub and LeVeque, 1983)."""
        total = self.weight + other.weight
        if not total:
            return self
        gap, share = other.mean - self.mean, other.weight / total
        squares = self.squares + other.squares + gap**2 * self.weight * share
        return TargetMoments(total, self.mean + gap * share, squares)

    @property
    def deviations(self) -> NDArray[np.float64]:
        """Standard deviations; 1 where all numbers are the same."""
        deviations = np.sqrt(self.squares / (self.weight or 1.0))
        is_constant = deviations <= ROUNDING * np.abs(self.mean)
        return np.where(is_constant, 1.0, deviations)


@dataclass(frozen=True, eq=False)
class TargetUnits:
    """Centre and scale of each output: ``code = (number - centre) / scale``.

    Parameters
    ----------
    rule : {'moments', 'quartiles', 'mean'}
        Mean and standard deviation; median and distance of the quartiles, over that of
        a normal distribution, if those differ; or 0 and the mean, of numbers that have
        a logarithm.
    moments : TargetMoments
        Of all numbers so far.
    center, scale : ndarray of shape (n_outputs,), dtype=float64
        `scale` is positive.
    """

    rule: str
    moments: TargetMoments
    center: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def of(
        cls, rule: str, values: NDArray[np.float64], weight: NDArray[np.float64] | None
    ) -> TargetUnits:
        """Units of numbers of shape (n_samples, n_outputs)."""
        moments = TargetMoments.of(values, weight)
        if rule != "quartiles":
            return cls(rule, moments, *_by_moments(rule, moments))
        quartiles = weighted_quantiles(values, weight, np.array([0.25, 0.5, 0.75]))
        scale = (quartiles[2] - quartiles[0]) / QUARTILES_OF_NORMAL
        is_flat = scale <= ROUNDING * np.abs(quartiles[1])
        if is_flat.all():
            # Of a stream that begins with next to nothing, more will be known.
            return cls("moments", moments, *_by_moments("moments", moments))
        scale = np.where(is_flat, moments.deviations, scale)
        return cls(rule, moments, quartiles[1], scale)

    def __add__(self, moments: TargetMoments) -> TargetUnits:
        """Units once more numbers have come: others as their number doubles.

        Quartiles stay those of the first.
        """
        after = self.moments + moments
        powers = {power_of_growth(m.weight) for m in (self.moments, after)}
        if self.rule == "quartiles" or len(powers) == 1:
            return replace(self, moments=after)
        return TargetUnits(self.rule, after, *_by_moments(self.rule, after))

    def encode(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        """Numbers in these units."""
        with np.errstate(over="ignore"):  # A loss of infinity ends the training.
            return ((values - self.center) / self.scale).astype(np.float32)

    def decode(self, codes: NDArray[np.floating]) -> NDArray[np.float64]:
        """Numbers of codes."""
        return self.center + self.scale * codes.astype(np.float64)


def _by_moments(
    rule: str, moments: TargetMoments
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centre and scale by the rules that need moments alone."""
    if rule == "moments":
        return moments.mean, moments.deviations
    return np.zeros_like(moments.mean), np.where(moments.mean > 0, moments.mean, 1.0)


def weighted_quantiles(
    values: NDArray[np.float64],
    weight: NDArray[np.float64] | None,
    shares: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Smallest numbers up to which there are the given shares of the weight.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_outputs), dtype=float64
    weight : ndarray of shape (n_samples,), dtype=float64, or None
    shares : ndarray of shape (n_quantiles,), dtype=float64, within (0, 1)

    Returns
    -------
    quantiles : ndarray of shape (n_quantiles, n_outputs), dtype=float64
    """
    weights = np.ones(len(values)) if weight is None else weight
    quantiles = np.empty((len(shares), values.shape[1]))
    for column in range(values.shape[1]):
        order = np.argsort(values[:, column], kind="stable")
        sums = np.cumsum(weights[order])
        # Within rounding of a bound, the number below it.
        places = np.searchsorted(sums, shares * sums[-1] * (1 - 1e-9))
        quantiles[:, column] = values[order[places], column]
    return quantiles

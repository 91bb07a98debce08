"""A linear model of document vectors: linear discriminant analysis.

Each class is normal around its mean, with one covariance for all (Fisher, "The Use of
Multiple Measurements in Taxonomic Problems", 1936; Rao, 1948): with the within-class
covariance S, the mean m of all and the means m_c of the classes,

    coef_c = (m_c - m) @ inv(S),    intercept_c = ln(prior_c) - (m_c - m) @ coef_c / 2

for vectors less m. S is shrunk towards a multiple of the identity (Friedman,
"Regularized Discriminant Analysis", 1989). With the eigenvalues of S at hand each
strength of that costs a product of small matrices.

An output of its own, of two classes or of each of several labels, tells those that
have it from those that have not, by the same rule. Their within-class covariance is
that of all less a rank-one term, which only lengthens the coefficients (Sherman and
Morrison, 1950), so that all labels share the eigenvalues.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ABSENT = 3.0
"""How far below all others the intercept of a class without samples is."""

RANK_TOLERANCE = 1e-10
"""Share of the largest eigenvalue below which one is rounding."""

PSEUDO_COUNT = 0.5
"""Samples that each class is taken to have more than it has, in its prior."""


@dataclass(frozen=True, eq=False)
class Discriminants:
    """Means and covariance of document vectors, from which coefficients follow.

    Parameters
    ----------
    mean : ndarray of shape (n_features,), dtype=float64
        Of all samples.
    axes : ndarray of shape (n_features, n_axes), dtype=float64
        Eigenvectors of the covariance, one in each column; of fewer samples than
        features only those that these differ along.
    variances : ndarray of shape (n_axes,), dtype=float64
        Its eigenvalues.
    unit : float
        Mean variance of the vectors, which shrinkage is in units of.
    offsets : ndarray of shape (n_outputs, n_axes), dtype=float64
        Mean of the samples of each class less that of all, along the axes; of an output
        of its own, less the mean of the samples without it.
    shares : ndarray of shape (n_outputs,), dtype=float64
        Of the samples that have each output.
    priors : ndarray of shape (n_outputs,), dtype=float64
        The same, smoothed.
    is_present : ndarray of shape (n_outputs,), dtype=bool
        Whether there are samples to tell an output by.
    one_of_all : bool
        Whether each sample has one of the outputs.
    """

    mean: NDArray[np.float64]
    axes: NDArray[np.float64]
    variances: NDArray[np.float64]
    unit: float
    offsets: NDArray[np.float64]
    shares: NDArray[np.float64]
    priors: NDArray[np.float64]
    is_present: NDArray[np.bool_]
    one_of_all: bool

    @classmethod
    def of(
        cls,
        vectors: NDArray[np.float32],
        numbers: NDArray[np.float64],
        weight: NDArray[np.float64] | None,
    ) -> Discriminants:
        """Measure samples.

        Parameters
        ----------
        vectors : ndarray of shape (n_samples, n_features), dtype=float32
        numbers : ndarray of shape (n_samples, n_outputs), dtype=float64
            +1 where a sample has an output, else -1: see `Targets.numbers`. Where each
            sample has one of three or more, they are classes.
        weight : ndarray of shape (n_samples,), dtype=float64, or None
        """
        has = numbers > 0
        one_of_all = has.shape[1] > 1 and bool((has.sum(axis=1) == 1).all())
        own = np.ones(len(has)) if weight is None else weight
        weighted = (has * own[:, np.newaxis]).astype(np.float32)
        sums, total = weighted.sum(axis=0, dtype=np.float64), float(own.sum())
        mean = (own.astype(np.float32) @ vectors).astype(np.float64) / total
        centred = vectors - mean.astype(np.float32)
        rooted = centred * np.sqrt(own / total).astype(np.float32)[:, np.newaxis]
        unit = max(float(np.square(rooted).sum(dtype=np.float64)) / len(mean), 1e-30)
        basis = None
        if len(centred) < len(mean):
            # All that differs lies in the space of these few vectors.
            basis = _row_space(rooted)
            single = basis.astype(np.float32)
            centred, rooted = centred @ single, rooted @ single
        with np.errstate(invalid="ignore", divide="ignore"):
            offsets = (weighted.T @ centred).astype(np.float64) / sums[:, np.newaxis]
        covariance = (rooted.T @ rooted).astype(np.float64)
        is_present = sums > 0
        if one_of_all:
            offsets[~is_present] = 0
            between = offsets * np.sqrt(sums / total)[:, np.newaxis]
            covariance -= between.T @ between
        else:
            # From the mean of those that have it to that of those that have not.
            is_present &= sums < total
            with np.errstate(invalid="ignore", divide="ignore"):
                offsets *= (total / (total - sums))[:, np.newaxis]
            offsets[~is_present] = 0
        variances, axes = np.linalg.eigh(covariance)
        return cls(
            mean,
            axes if basis is None else basis @ axes,
            np.maximum(variances, 0),
            unit,
            offsets @ axes,
            sums / total,
            (sums + PSEUDO_COUNT) / (total + PSEUDO_COUNT * max(has.shape[1], 2)),
            is_present,
            one_of_all,
        )

    def coefficients(
        self, shrinkage: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Coefficients and intercepts, for a multiple of the identity.

        Parameters
        ----------
        shrinkage : float
            Positive; in units of the mean variance.

        Returns
        -------
        coef : ndarray of shape (n_outputs, n_features), dtype=float64
        intercept : ndarray of shape (n_outputs,), dtype=float64
        """
        rotated = self.offsets / (self.variances + shrinkage * self.unit)
        spread = (self.offsets * rotated).sum(axis=1)
        if self.one_of_all:
            intercept = np.log(self.priors) - spread / 2
        else:
            shares = self.shares
            # The covariance is that of all: take off what is between the two.
            factor = 1 / np.maximum(1 - shares * (1 - shares) * spread, 1e-6)
            rotated *= factor[:, np.newaxis]
            # The middle between the two means is this far from that of all.
            intercept = np.log(self.priors / (1 - self.priors))
            intercept -= (0.5 - shares) * spread * factor
        coef = rotated @ self.axes.T
        intercept -= coef @ self.mean
        if self.one_of_all and not self.is_present.all():
            intercept[~self.is_present] = intercept[self.is_present].min() - ABSENT
        return coef, intercept


def _row_space(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Orthonormal basis of the space of fewer rows than columns, in columns."""
    rows = rows.astype(np.float64)
    squares, coordinates = np.linalg.eigh(rows @ rows.T)
    is_kept = squares > RANK_TOLERANCE * max(float(squares[-1]), 1e-300)
    basis = rows.T @ (coordinates[:, is_kept] / np.sqrt(squares[is_kept]))
    return np.asarray(basis, dtype=np.float64)

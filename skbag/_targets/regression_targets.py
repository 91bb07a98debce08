"""Numbers of each sample, one or several: the targets of a regressor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.dtypes import WEIGHT_DTYPE
from skbag._targets.label_sets import Codes, LabelSets
from skbag._targets.losses import BaseLoss, Loss
from skbag._targets.numbers import read_numbers
from skbag._targets.regression_losses import REGRESSION_LOSSES
from skbag._targets.target_units import (
    TargetMoments,
    TargetUnits,
    weighted_quantiles,
)
from skbag._targets.targets import AutoRules, Targets

N_BINS = 4
"""Groups of numbers that documents are counted by, with about as many in each. On
validation splits of six sets 4 are better than 2, 8, 16 or 32, and than the variance of
the means of tokens in place of the divergence of bins."""


LEAST_OF_LOG = 0.1
"""Numbers of mean 1 are taken for no smaller where their logarithms are regressed."""


@dataclass(frozen=True, eq=False)
class RegressionTargets(Targets):
    """Numbers of each sample. Codes are the numbers in units of their own, float32.

    Parameters
    ----------
    units : TargetUnits
    edges : tuple of ndarray of shape (n_bins - 1,), dtype=float64
        For each output the bounds between groups of numbers, ascending.
    is_1d : bool
        Whether `y` came, and predictions go, as a 1-D array.
    has_log_link : bool
        Whether scores are logarithms of the predictions.
    """

    units: TargetUnits
    edges: tuple[NDArray[np.float64], ...]
    is_1d: bool
    has_log_link: bool

    @property
    def n_outputs(self) -> int:
        return len(self.units.center)

    @property
    def rules(self) -> AutoRules:
        """Chosen on validation splits of six sets, whole and cut to 60 to 5,000 texts.

        Residuals are never small enough to give no step, so that noise adds up: batches
        are small enough for steps right for one sample, and few samples need a larger
        penalty. More epochs gain up to 0.01 of R2.
        """
        return AutoRules(
            penalty=0.5, max_penalty=8.0, min_batch_step=8.0, n_more_epochs=2
        )

    def facts(self) -> dict[str, str]:
        return {"y": f"numbers of {self.n_outputs} outputs"}

    def check_same(self, earlier: Targets) -> None:
        assert isinstance(earlier, RegressionTargets)
        if self.n_outputs != earlier.n_outputs:
            raise ValueError(
                f"warm_start=True goes on with the {earlier.n_outputs} outputs of the "
                f"earlier fit, but y has {self.n_outputs}. Use warm_start=False."
            )
        self.check_link(earlier.has_log_link)

    def check_link(self, has_log_link: bool) -> None:
        """Raise where a loss is to go on from scores of another link."""
        if has_log_link != self.has_log_link:
            raise ValueError(
                "warm_start and partial_fit go on with the scores of the fitted model, "
                "which are logarithms of y for loss='poisson' alone. Set the loss "
                "back, or use fit with warm_start=False."
            )

    def encode(self, y: Any) -> NDArray[np.float32]:
        return self.units.encode(self.read(y))

    def read(self, y: Any) -> NDArray[np.float64]:
        """Numbers of more `y`, of shape (n_samples, n_outputs)."""
        values, _ = read_numbers(y)
        if values.shape[1] != self.n_outputs:
            raise ValueError(
                f"y has {values.shape[1]} outputs, but there are {self.n_outputs}. The "
                "outputs are fixed by the first call: pass a column for each."
            )
        if self.has_log_link:
            check_not_negative(values)
        return values

    def with_more(
        self, values: NDArray[np.float64], weight: NDArray[np.float64] | None
    ) -> RegressionTargets:
        """Return the targets of a stream, once more numbers of it have come."""
        return replace(self, units=self.units + TargetMoments.of(values, weight))

    def change_of_scores(
        self, earlier: Targets
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        assert isinstance(earlier, RegressionTargets)
        (old_factor, old_offset), (factor, offset) = (
            earlier.score_units(),
            self.score_units(),
        )
        if (old_factor == factor).all() and (old_offset == offset).all():
            return None
        change = (old_offset - offset) / factor
        if self.has_log_link:
            # Of rates that were all 0 no unit was known.
            change[earlier.units.moments.mean == 0] = 0
        return old_factor / factor, change

    @property
    def score_names(self) -> NDArray[Any]:
        """``y``, or ``y0``, ``y1``, ...; of logarithms ``log(y)``."""
        names = [f"y{i}" for i in range(self.n_outputs)]
        if self.n_outputs == 1:
            names = ["y"]
        return np.array([f"log({n})" if self.has_log_link else n for n in names])

    def check_rates(self) -> None:
        """Raise where a rate would be 0, which no score gives."""
        if self.has_log_link and not (self.units.moments.mean > 0).all():
            raise ValueError(
                "loss='poisson' predicts the exponential of a score, but an output of "
                "y is 0 in all samples, which no score gives. Use "
                "loss='squared_error', or leave that output out."
            )

    def score_units(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        units = self.units
        if self.has_log_link:
            return np.ones(self.n_outputs), np.log(units.scale)
        return units.scale, units.center

    def loss(self, loss: BaseLoss) -> Loss:
        return REGRESSION_LOSSES[loss.name]

    @property
    def n_groups(self) -> int:
        """Number of bins of all outputs."""
        return sum(len(edges) + 1 for edges in self.edges)

    @property
    def one_group_each(self) -> bool:
        return self.n_outputs == 1

    def groups(self, codes: Codes) -> Codes:
        """Return the bin of each number: of several outputs, one for each output."""
        assert not isinstance(codes, LabelSets)
        n_samples, n_outputs = codes.shape
        bins = np.empty((n_samples, n_outputs), dtype=np.int64)
        first = 0
        for column, edges in enumerate(self.edges):
            own = (edges - self.units.center[column]) / self.units.scale[column]
            bins[:, column] = first + np.searchsorted(
                own.astype(WEIGHT_DTYPE), codes[:, column]
            )
            first += len(edges) + 1
        if n_outputs == 1:
            return bins[:, 0]
        offsets = np.arange(n_samples + 1, dtype=np.int64) * n_outputs
        return LabelSets(bins.ravel(), offsets, self.n_groups)

    def counts(self, codes: Codes) -> NDArray[np.int64]:
        groups = self.groups(codes)
        if isinstance(groups, LabelSets):
            return np.asarray(groups.counts())
        return np.bincount(groups, minlength=self.n_groups)

    def sums(
        self, codes: Codes, sample_weight: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        """Weighted sum of each output."""
        values = _float64(codes)
        if sample_weight is not None:
            values *= sample_weight[:, np.newaxis]
        return np.asarray(values.sum(axis=0))

    def constant_scores(
        self, loss: Loss, sums: NDArray[np.float64], weight: float
    ) -> NDArray[np.float64]:
        """Those of the means."""
        return loss.constant_scores(sums / max(weight, 1e-300))

    def numbers(self, codes: Codes) -> NDArray[np.float64]:
        """Return the codes themselves, or logarithms where scores are such."""
        values = _float64(codes)
        return np.log(np.maximum(values, LEAST_OF_LOG)) if self.has_log_link else values

    def predict_codes(self, scores: NDArray[np.float32]) -> NDArray[np.float64]:
        """Predicted numbers, in units of the targets."""
        codes = scores.astype(np.float64)
        if self.has_log_link:
            with np.errstate(over="ignore"):
                np.exp(codes, out=codes)
        return codes

    def collect(self, predictions: list[Any]) -> NDArray[np.float64]:
        values = self.units.decode(np.concatenate(predictions))
        return values[:, 0] if self.is_1d else values

    def skill_score(
        self,
        scores: NDArray[np.float32],
        codes: Codes,
        sample_weight: NDArray[np.float64] | None,
        counts: NDArray[np.int64],
        n_samples: int,
    ) -> float:
        """R2, no less than 0."""
        each = self.sample_scores(self.predict_codes(scores), codes)
        means = np.average(each, axis=0, weights=sample_weight)
        return float(np.clip(self.mean_score(means), 0, 1))

    def sample_scores(self, predictions: Any, codes: Codes) -> NDArray[Any]:
        """Squared error, number and its square, for each output: what R2 is made of."""
        values = _float64(codes)
        parts = np.square(predictions - values), values, np.square(values)
        return np.concatenate(parts, axis=1)

    def mean_score(self, means: Any) -> float:
        """R2, the mean over outputs, as of scikit-learn's ``r2_score``."""
        errors, mean, squares = np.reshape(means, (3, self.n_outputs))
        variances = squares - mean**2
        # Numbers that are all alike have none: 1 for the right one, else 0.
        is_constant = variances <= 1e-9 * np.maximum(squares, 1e-300)
        shares = errors / np.where(is_constant, 1, variances)
        each = np.where(is_constant, (errors <= 1e-12).astype(np.float64), 1 - shares)
        return float(each.mean())


def _float64(codes: Codes) -> NDArray[np.float64]:
    assert not isinstance(codes, LabelSets)
    return codes.astype(np.float64)


def learn_numbers(
    values: NDArray[np.float64],
    weight: NDArray[np.float64] | None,
    loss: str,
    *,
    is_1d: bool,
) -> RegressionTargets:
    """Targets of numbers.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_outputs), dtype=float64
        Finite.
    weight : ndarray of shape (n_samples,), dtype=float64, or None
    loss : str
        A name of `REGRESSION_LOSSES`.
    is_1d : bool
        Whether predictions are to be 1-D.

    Raises
    ------
    ValueError
        If the loss cannot take the numbers.
    """
    has_log_link = loss == "poisson"
    if has_log_link:
        check_not_negative(values)
    rule = {"poisson": "mean", "huber": "quartiles"}.get(loss, "moments")
    units = TargetUnits.of(rule, values, weight)
    return RegressionTargets(units, bin_edges(values, weight), is_1d, has_log_link)


def bin_edges(
    values: NDArray[np.float64],
    weight: NDArray[np.float64] | None,
    n_bins: int = N_BINS,
) -> tuple[NDArray[np.float64], ...]:
    """Bounds between bins of about the same weight, for each output.

    Each lies between two numbers that occur; where few differ there are fewer bins.
    """
    if weight is not None:
        values, weight = values[weight > 0], weight[weight > 0]
    shares = np.arange(1, n_bins) / n_bins
    quantiles = weighted_quantiles(values, weight, shares)
    edges = []
    for column in range(values.shape[1]):
        distinct = np.unique(values[:, column])
        places = np.searchsorted(distinct, np.unique(quantiles[:, column]))
        places = places[places < len(distinct) - 1]
        edges.append(distinct[places] + (distinct[places + 1] - distinct[places]) / 2)
    return tuple(edges)


def check_not_negative(values: NDArray[np.float64]) -> None:
    """Raise where numbers have no logarithm of a mean.

    Raises
    ------
    ValueError
    """
    if len(values) and values.min() < 0:
        row = int(np.flatnonzero((values < 0).any(axis=1))[0])
        raise ValueError(
            "loss='poisson' is for counts and rates, but y holds "
            f"{values[row].min():g} at position {row}. Use loss='squared_error', or "
            "shift y."
        )

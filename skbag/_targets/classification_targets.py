"""One class for each sample, or any number of labels: the targets of a classifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.special import logit

from skbag._core.dtypes import WEIGHT_DTYPE
from skbag._targets.calibration import (
    DEFAULT_INVERSE_TEMPERATURE,
    USUAL_SOFTPLUS,
    Calibration,
    fit_label_inverse_temperature,
    fit_offset,
    fit_softplus,
)
from skbag._targets.class_weight import label_weight, total_weight
from skbag._targets.indicator import is_indicator, label_names, label_sets
from skbag._targets.label_sets import Codes, LabelSets
from skbag._targets.labels import (
    check_classes,
    check_same_classes,
    distinct_labels,
    encode_labels,
    kind_of_labels,
    merge_labels,
)
from skbag._targets.links import (
    class_scores,
    label_log_probabilities,
    label_probabilities,
    log_probabilities,
    n_outputs,
    predicted_codes,
    probabilities,
    softplus_log_probabilities,
    softplus_probabilities,
)
from skbag._targets.losses import BaseLoss, Loss, of_classes, of_labels
from skbag._targets.targets import AutoRules, ClassificationTargets, Targets


@dataclass(frozen=True, eq=False)
class ClassTargets(ClassificationTargets):
    """One class for each sample.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Sorted.
    """

    classes: NDArray[Any]

    @property
    def n_outputs(self) -> int:
        return n_outputs(len(self.classes))

    @property
    def has_two_classes(self) -> bool:
        return len(self.classes) == 2

    @property
    def one_of_all(self) -> bool:
        return True

    def facts(self) -> dict[str, str]:
        return {
            "y": "one class per sample",
            "the type of the labels": kind_of_labels(self.classes),
        }

    def merge(
        self, parts: Sequence[ClassTargets], codes: Codes
    ) -> tuple[ClassTargets, NDArray[np.int64]]:
        assert not isinstance(codes, LabelSets)
        classes, new_codes = merge_labels(
            [part.classes for part in parts], self.classes
        )
        check_classes(classes)
        return ClassTargets(classes), new_codes[codes]

    def check_same(self, earlier: Targets) -> None:
        _check_same_kind(self, earlier)
        assert isinstance(earlier, ClassTargets)
        check_same_classes(self.classes, earlier.classes)

    def encode(self, y: Any) -> NDArray[np.int64]:
        if is_indicator(y):
            raise ValueError(
                "y is an indicator matrix of several labels per sample, but the "
                "earlier calls had one class per sample. Pass y of the same kind."
            )
        return encode_labels(y, self.classes)

    def weighted_counts(
        self, codes: Codes, sample_weight: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        # A sample of weight 0 is as good as absent.
        assert not isinstance(codes, LabelSets)
        present = codes if sample_weight is None else codes[sample_weight > 0]
        return self.counts(present).astype(np.float64)

    def weigh(
        self,
        class_weight: Any,
        codes: Codes,
        sample_weight: NDArray[np.float64] | None,
        counts: NDArray[np.float64] | None = None,
    ) -> tuple[ClassificationTargets, NDArray[np.float64] | None]:
        assert not isinstance(codes, LabelSets)
        if class_weight is None:
            return self, sample_weight
        if counts is None:
            counts = self.weighted_counts(codes, sample_weight)
        return self, total_weight(
            sample_weight, class_weight, self.classes, codes, counts
        )

    def loss(self, loss: BaseLoss) -> Loss:
        return of_classes(loss, len(self.classes))

    def strata(self, codes: Codes) -> NDArray[np.int64] | None:
        assert not isinstance(codes, LabelSets)
        return codes

    def numbers(self, codes: Codes) -> NDArray[np.float64]:
        """+1 where a sample is of the class of an output, else -1."""
        assert not isinstance(codes, LabelSets)
        outputs = 1 if self.has_two_classes else np.arange(self.n_outputs)
        return np.where(codes[:, np.newaxis] == outputs, 1.0, -1.0)

    def predict_codes(self, scores: NDArray[np.float32]) -> NDArray[np.int64]:
        return predicted_codes(scores)

    def collect(self, predictions: list[Any]) -> NDArray[Any]:
        y: NDArray[Any] = self.classes[np.concatenate(predictions)]
        return y

    def ranking_scores(self, scores: NDArray[np.float32]) -> NDArray[Any]:
        """Two classes share one column of scores, but not their rank."""
        return class_scores(scores) if self.has_two_classes else scores

    def probabilities(
        self, scores: NDArray[np.float32], calibration: Calibration
    ) -> NDArray[np.float64]:
        link = probabilities
        if calibration.link == "softplus":
            link = softplus_probabilities
        return link(scores, calibration.inverse_temperature)

    def log_probabilities(
        self, scores: NDArray[np.float32], calibration: Calibration
    ) -> NDArray[np.float64]:
        link = log_probabilities
        if calibration.link == "softplus":
            link = softplus_log_probabilities
        return link(scores, calibration.inverse_temperature)

    def fit_calibration(
        self,
        scores: NDArray[np.float32],
        codes: Codes,
        weights: NDArray[np.float64] | None,
        shares: NDArray[np.float64],
        earlier: Calibration | None = None,
    ) -> Calibration:
        assert not isinstance(codes, LabelSets)
        if not self.has_two_classes:
            usual = earlier if earlier and earlier.link == "softplus" else None
            return fit_softplus(scores, codes, weights, usual or USUAL_SOFTPLUS)
        return fit_offset(
            scores, codes, float(logit(shares[1])), weights, _usual(earlier)
        )

    def log_loss(
        self,
        scores: NDArray[np.float32],
        codes: Codes,
        weights: NDArray[np.float64] | None,
        calibration: Calibration,
    ) -> float:
        assert not isinstance(codes, LabelSets)
        moved = scores + WEIGHT_DTYPE(calibration.score_offset)
        own = self.log_probabilities(moved, calibration)[np.arange(len(codes)), codes]
        return -float(own.sum() if weights is None else (weights * own).sum())

    def accuracies(self, predictions: Any, codes: Codes) -> NDArray[Any]:
        return np.asarray(predictions == codes)

    def majority_baseline(self, counts: NDArray[np.int64], n_samples: int) -> float:
        return float(counts.max() / n_samples)

    def sample_scores(self, predictions: Any, codes: Codes) -> NDArray[Any]:
        """Accuracy."""
        return self.accuracies(predictions, codes)


@dataclass(frozen=True, eq=False)
class LabelTargets(ClassificationTargets):
    """Any number of labels for each sample: an indicator matrix.

    Parameters
    ----------
    n_labels : int
    sparse : bool
        Whether `y` came, and predictions go, as a sparse matrix.
    names : tuple of str, or None
        Of the labels, where `y` was a data frame that has some.
    weights : ndarray of shape (n_labels,), dtype=float64, or None
        Weight of having each label in training.
    """

    n_labels: int
    sparse: bool
    names: tuple[str, ...] | None = None
    weights: NDArray[np.float64] | None = None

    @property
    def classes(self) -> NDArray[np.int64]:  # type: ignore[override]  # read-only
        return np.arange(self.n_labels)

    @property
    def class_names(self) -> NDArray[Any]:
        if self.names is None:
            return self.classes
        return np.array(self.names, dtype=object)

    @property
    def n_outputs(self) -> int:
        return self.n_labels

    @property
    def rules(self) -> AutoRules:
        """An eighth: most labels are rare, and would never be predicted with more."""
        return AutoRules(penalty=1 / 8)

    def facts(self) -> dict[str, str]:
        return {"y": f"an indicator matrix of {self.n_labels} columns"}

    def merge(
        self, parts: Sequence[LabelTargets], codes: Codes
    ) -> tuple[LabelTargets, Codes]:
        return replace(self, sparse=parts[0].sparse), codes

    def check_same(self, earlier: Targets) -> None:
        _check_same_kind(self, earlier)
        if self.n_labels != earlier.n_outputs:
            raise ValueError(
                f"warm_start=True goes on with the {earlier.n_outputs} labels of the "
                f"earlier fit, but y has {self.n_labels} columns. Use warm_start=False."
            )

    def encode(self, y: Any) -> LabelSets:
        if not is_indicator(y):
            raise ValueError(
                f"y must be an indicator matrix of {self.n_labels} columns, as in the "
                "earlier calls, one row per sample. MultiLabelBinarizer makes one of "
                "lists of labels."
            )
        sets = label_sets(y)
        if sets.n_labels != self.n_labels:
            raise ValueError(
                f"y has {sets.n_labels} columns, but there are {self.n_labels} labels. "
                "The labels are fixed by the first call: pass a column for each, also "
                "for those that no sample here has."
            )
        names = label_names(y)
        if None not in (names, self.names) and names != self.names:
            raise ValueError(
                f"The columns of y are {', '.join(names or ())}, but those of the "
                f"first call were {', '.join(self.names or ())}. Pass the same, in the "
                "same order."
            )
        return sets

    def weighted_counts(
        self, codes: Codes, sample_weight: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        """Number of samples with each label, and in the end of all samples."""
        assert isinstance(codes, LabelSets)
        present = np.ones(len(codes)) if sample_weight is None else sample_weight > 0
        return np.append(codes.counts(present.astype(np.float64)), present.sum())

    def weigh(
        self,
        class_weight: Any,
        codes: Codes,
        sample_weight: NDArray[np.float64] | None,
        counts: NDArray[np.float64] | None = None,
    ) -> tuple[ClassificationTargets, NDArray[np.float64] | None]:
        """Apply it to what counts, having each label."""
        if counts is None:
            counts = self.weighted_counts(codes, sample_weight)
        return replace(self, weights=label_weight(class_weight, counts)), sample_weight

    def loss(self, loss: BaseLoss) -> Loss:
        return of_labels(loss, self.weights)

    def strata(self, codes: Codes) -> NDArray[np.int64] | None:
        """None: there are nearly as many sets as samples."""
        return None

    def numbers(self, codes: Codes) -> NDArray[np.float64]:
        """+1 where a sample has the label of an output, else -1."""
        assert isinstance(codes, LabelSets)
        numbers = np.full((len(codes), self.n_labels), -1.0)
        numbers[codes.rows, codes.labels] = 1
        return numbers

    def predict_codes(self, scores: NDArray[np.float32]) -> Any:
        return sp.csr_array(scores > 0)

    def collect(self, predictions: list[Any]) -> Any:
        indicator = sp.vstack(predictions, format="csr").astype(np.int64)
        return indicator if self.sparse else indicator.toarray()

    def probabilities(
        self, scores: NDArray[np.float32], calibration: Calibration
    ) -> NDArray[np.float64]:
        return label_probabilities(scores, calibration.inverse_temperature)

    def log_probabilities(
        self, scores: NDArray[np.float32], calibration: Calibration
    ) -> NDArray[np.float64]:
        return label_log_probabilities(scores, calibration.inverse_temperature)

    def fit_calibration(
        self,
        scores: NDArray[np.float32],
        codes: Codes,
        weights: NDArray[np.float64] | None,
        shares: NDArray[np.float64],
        earlier: Calibration | None = None,
    ) -> Calibration:
        assert isinstance(codes, LabelSets)
        true = codes.rows, codes.labels
        return Calibration(
            fit_label_inverse_temperature(scores, true, weights, _usual(earlier))
        )

    def log_loss(
        self,
        scores: NDArray[np.float32],
        codes: Codes,
        weights: NDArray[np.float64] | None,
        calibration: Calibration,
    ) -> float:
        """Of all labels, of having each or not."""
        powers = self.numbers(codes)
        powers *= scores + WEIGHT_DTYPE(calibration.score_offset)
        powers *= -calibration.inverse_temperature
        by_sample = np.logaddexp(0, powers).sum(axis=1)
        return float(
            by_sample.sum() if weights is None else (weights * by_sample).sum()
        )

    def accuracies(self, predictions: Any, codes: Codes) -> NDArray[Any]:
        """1 minus the Hamming loss."""
        n_both, n_predicted, n_true = _overlap(predictions, codes)
        n_wrong = n_predicted + n_true - 2 * n_both
        return np.asarray(1 - n_wrong / self.n_labels)

    def majority_baseline(self, counts: NDArray[np.int64], n_samples: int) -> float:
        share = counts / n_samples
        return float(np.maximum(share, 1 - share).mean())

    def sample_scores(self, predictions: Any, codes: Codes) -> NDArray[Any]:
        """F1 of the labels of each sample, 1 for two empty sets."""
        n_both, n_predicted, n_true = _overlap(predictions, codes)
        total = n_predicted + n_true
        return np.where(total > 0, 2 * n_both / np.maximum(total, 1), 1.0)


def learn_targets(
    y: Any, *, is_part: bool = False
) -> tuple[ClassificationTargets, Codes]:
    """What `y` is, and its codes.

    Parameters
    ----------
    y : array-like of shape (n_samples,), or indicator matrix (n_samples, n_labels)
        Labels of any type, or zeros and ones, dense or sparse.
    is_part : bool, default=False
        Whether other processes have samples, too, so that these may be of one class:
        `Targets.merge` follows.

    Raises
    ------
    ValueError
        If `y` is neither, see `learn_classes`; or is an indicator matrix of one label.
    """
    if is_indicator(y):
        sets = label_sets(y)
        return LabelTargets(sets.n_labels, sp.issparse(y), label_names(y)), sets
    classes, codes = distinct_labels(y)
    if not is_part:
        check_classes(classes)
    return ClassTargets(classes), codes


def announced_targets(classes: NDArray[Any], y: Any) -> ClassificationTargets:
    """What will come in many parts, of which the first has `y`.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Sorted.
    y : array-like
        As in `learn_targets`.

    Raises
    ------
    ValueError
        If there is only one class; or `y` is an indicator matrix and `classes` are not
        the numbers of its columns.
    """
    if not is_indicator(y):
        check_classes(classes)
        return ClassTargets(classes)
    n_labels = y.shape[1] if sp.issparse(y) else np.asarray(y).shape[1]
    if classes.tolist() != list(range(n_labels)):
        raise ValueError(
            f"classes must be the numbers of the {n_labels} columns of y, "
            f"range({n_labels}), where y is an indicator matrix, got "
            f"{classes[:5].tolist()}...."
        )
    return LabelTargets(n_labels, sp.issparse(y), label_names(y))


def _check_same_kind(now: Targets, earlier: Targets) -> None:
    if type(now) is not type(earlier):
        kinds = {True: "an indicator matrix", False: "one class per sample"}
        raise ValueError(
            "warm_start=True goes on with the kind of y of the earlier fit, "
            f"{kinds[isinstance(earlier, LabelTargets)]}, but y is "
            f"{kinds[isinstance(now, LabelTargets)]}. Use warm_start=False."
        )


def _overlap(
    predictions: Any, codes: Codes
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Number of labels of each sample: predicted and true, predicted, true."""
    assert isinstance(codes, LabelSets)
    true = codes.to_csr()
    both = predictions.astype(np.int64).multiply(true)
    n_both, n_predicted = (
        np.asarray(m.sum(axis=1)).ravel() for m in (both, predictions)
    )
    return n_both, n_predicted, np.diff(codes.offsets)


def _usual(earlier: Calibration | None) -> float:
    """Temperature that a prior is centred at."""
    if earlier is None:
        return DEFAULT_INVERSE_TEMPERATURE
    return earlier.inverse_temperature

"""What `y` is: classes, or labels of which a sample may have several.

From labels of any type to codes and back. Whatever differs between the two is asked
here, by the method of the one or the other, and in `_losses`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skbag._core.communicator import SINGLE_PROCESS, Communicator, broadcast, check_same
from skbag._targets.class_weight import label_weight, total_weight
from skbag._targets.indicator import is_indicator, label_sets
from skbag._targets.label_sets import Codes, LabelSets
from skbag._targets.labels import (
    check_classes,
    check_same_classes,
    encode_labels,
    learn_classes,
)
from skbag._targets.links import (
    DEFAULT_INVERSE_TEMPERATURE,
    fit_inverse_temperature,
    fit_label_inverse_temperature,
    label_log_probabilities,
    label_probabilities,
    log_probabilities,
    n_outputs,
    predicted_codes,
    probabilities,
)
from skbag._targets.losses import BaseLoss, Loss, of_classes, of_labels


class Targets(Protocol):
    """What `y` is: how it becomes codes, and scores become it again."""

    @property
    def classes(self) -> NDArray[Any]:
        """The classes, or the numbers of the labels."""

    @property
    def n_outputs(self) -> int:
        """Number of columns of scores."""

    @property
    def one_of_all(self) -> bool:
        """Whether a sample is of one class, and the probabilities sum to 1."""

    @property
    def penalty(self) -> float:
        """Factor of the automatic L2 penalty."""

    def check_same(self, earlier: Targets) -> None:
        """Raise where a warm start meets other classes than the fit before."""

    def encode(self, y: Any) -> Codes:
        """Codes of more `y`."""

    def weigh(
        self,
        class_weight: Any,
        codes: Codes,
        sample_weight: NDArray[np.float64] | None,
        communicator: Communicator = SINGLE_PROCESS,
    ) -> tuple[Targets, NDArray[np.float64] | None]:
        """Apply the estimator's `class_weight`: to samples, or to what counts."""

    def loss(self, loss: BaseLoss) -> Loss:
        """Return the form of a loss that takes these codes."""

    def strata(self, codes: Codes) -> NDArray[np.int64] | None:
        """Classes to stratify a split by, if any."""

    def predict_codes(self, scores: NDArray[np.float32]) -> Any:
        """Predicted codes, (n_samples,); or rows of a sparse indicator matrix."""

    def collect(self, predictions: list[Any]) -> Any:
        """The `y` of parts of verdicts, put together."""

    def probabilities(
        self, scores: NDArray[np.float32], inverse_temperature: float
    ) -> NDArray[np.float64]:
        """Probability of each class or label."""

    def log_probabilities(
        self, scores: NDArray[np.float32], inverse_temperature: float
    ) -> NDArray[np.float64]:
        """Logarithm of the same, without underflow."""

    def fit_inverse_temperature(
        self,
        scores: NDArray[np.float32],
        codes: Codes,
        weights: NDArray[np.float64] | None,
        usual: float = DEFAULT_INVERSE_TEMPERATURE,
    ) -> float:
        """Factor of scores for the best probabilities of these codes."""

    def accuracies(self, predictions: Any, codes: Codes) -> NDArray[Any]:
        """Share of each sample that verdicts get right, (n_samples,)."""

    def counts(self, codes: Codes) -> NDArray[np.int64]:
        """Number of samples of each class, or with each label."""

    def majority_baseline(self, counts: NDArray[np.int64], n_samples: int) -> float:
        """Mean accuracy of always naming what is most frequent."""

    def sample_scores(self, predictions: Any, codes: Codes) -> NDArray[Any]:
        """The score of each sample that early stopping goes by, (n_samples,)."""


@dataclass(frozen=True, eq=False)
class ClassTargets:
    """One class for each sample.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Sorted.
    """

    classes: NDArray[Any]

    @property
    def n_outputs(self) -> int:
        """See `Targets`."""
        return n_outputs(len(self.classes))

    @property
    def one_of_all(self) -> bool:
        """See `Targets`."""
        return True

    @property
    def penalty(self) -> float:
        """See `Targets`."""
        return 1.0

    def check_same(self, earlier: Targets) -> None:
        """See `Targets`."""
        _check_same_kind(self, earlier)
        check_same_classes(self.classes, earlier.classes)

    def encode(self, y: Any) -> NDArray[np.int64]:
        """See `Targets`."""
        if is_indicator(y):
            raise ValueError(
                "y is an indicator matrix of several labels per sample, but the "
                "earlier calls had one class per sample. Pass y of the same kind."
            )
        return encode_labels(y, self.classes)

    def weigh(
        self,
        class_weight: Any,
        codes: Codes,
        sample_weight: NDArray[np.float64] | None,
        communicator: Communicator = SINGLE_PROCESS,
    ) -> tuple[Targets, NDArray[np.float64] | None]:
        """See `Targets`."""
        assert not isinstance(codes, LabelSets)
        return self, total_weight(
            sample_weight, class_weight, self.classes, codes, communicator
        )

    def loss(self, loss: BaseLoss) -> Loss:
        """See `Targets`."""
        return of_classes(loss, len(self.classes))

    def strata(self, codes: Codes) -> NDArray[np.int64] | None:
        """See `Targets`."""
        assert not isinstance(codes, LabelSets)
        return codes

    def predict_codes(self, scores: NDArray[np.float32]) -> NDArray[np.int64]:
        """See `Targets`."""
        return predicted_codes(scores)

    def collect(self, predictions: list[Any]) -> NDArray[Any]:
        """See `Targets`."""
        y: NDArray[Any] = self.classes[np.concatenate(predictions)]
        return y

    def probabilities(
        self, scores: NDArray[np.float32], inverse_temperature: float
    ) -> NDArray[np.float64]:
        """See `Targets`."""
        return probabilities(scores, inverse_temperature)

    def log_probabilities(
        self, scores: NDArray[np.float32], inverse_temperature: float
    ) -> NDArray[np.float64]:
        """See `Targets`."""
        return log_probabilities(scores, inverse_temperature)

    def fit_inverse_temperature(
        self,
        scores: NDArray[np.float32],
        codes: Codes,
        weights: NDArray[np.float64] | None,
        usual: float = DEFAULT_INVERSE_TEMPERATURE,
    ) -> float:
        """See `Targets`."""
        assert not isinstance(codes, LabelSets)
        return fit_inverse_temperature(scores, codes, weights, usual)

    def accuracies(self, predictions: Any, codes: Codes) -> NDArray[Any]:
        """See `Targets`."""
        return np.asarray(predictions == codes)

    def counts(self, codes: Codes) -> NDArray[np.int64]:
        """See `Targets`."""
        assert not isinstance(codes, LabelSets)
        return np.bincount(codes, minlength=len(self.classes))

    def majority_baseline(self, counts: NDArray[np.int64], n_samples: int) -> float:
        """See `Targets`."""
        return float(counts.max() / n_samples)

    def sample_scores(self, predictions: Any, codes: Codes) -> NDArray[Any]:
        """See `Targets`: accuracy."""
        return self.accuracies(predictions, codes)


@dataclass(frozen=True, eq=False)
class LabelTargets:
    """Any number of labels for each sample: an indicator matrix.

    Parameters
    ----------
    n_labels : int
    sparse : bool
        Whether `y` came, and predictions go, as a sparse matrix.
    weights : ndarray of shape (n_labels,), dtype=float64, or None
        Weight of having each label in training.
    """

    n_labels: int
    sparse: bool
    weights: NDArray[np.float64] | None = None

    @property
    def classes(self) -> NDArray[np.int64]:
        """See `Targets`."""
        return np.arange(self.n_labels)

    @property
    def n_outputs(self) -> int:
        """See `Targets`."""
        return self.n_labels

    @property
    def one_of_all(self) -> bool:
        """See `Targets`."""
        return False

    @property
    def penalty(self) -> float:
        """See `Targets`: most labels are rare, and would never be named with more."""
        return 1 / 8

    def check_same(self, earlier: Targets) -> None:
        """See `Targets`."""
        _check_same_kind(self, earlier)
        if self.n_labels != earlier.n_outputs:
            raise ValueError(
                f"warm_start=True goes on with the {earlier.n_outputs} labels of the "
                f"earlier fit, but y has {self.n_labels} columns. Use warm_start=False."
            )

    def encode(self, y: Any) -> LabelSets:
        """See `Targets`."""
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
        return sets

    def weigh(
        self,
        class_weight: Any,
        codes: Codes,
        sample_weight: NDArray[np.float64] | None,
        communicator: Communicator = SINGLE_PROCESS,
    ) -> tuple[Targets, NDArray[np.float64] | None]:
        """See `Targets`: here to what counts, having each label."""
        assert isinstance(codes, LabelSets)
        weights = label_weight(class_weight, codes, sample_weight, communicator)
        return replace(self, weights=weights), sample_weight

    def loss(self, loss: BaseLoss) -> Loss:
        """See `Targets`."""
        return of_labels(loss, self.weights)

    def strata(self, codes: Codes) -> NDArray[np.int64] | None:
        """See `Targets`: none, there are nearly as many sets as samples."""
        return None

    def predict_codes(self, scores: NDArray[np.float32]) -> Any:
        """See `Targets`."""
        return sp.csr_array(scores > 0)

    def collect(self, predictions: list[Any]) -> Any:
        """See `Targets`."""
        indicator = sp.vstack(predictions, format="csr").astype(np.int64)
        return indicator if self.sparse else indicator.toarray()

    def probabilities(
        self, scores: NDArray[np.float32], inverse_temperature: float
    ) -> NDArray[np.float64]:
        """See `Targets`."""
        return label_probabilities(scores, inverse_temperature)

    def log_probabilities(
        self, scores: NDArray[np.float32], inverse_temperature: float
    ) -> NDArray[np.float64]:
        """See `Targets`."""
        return label_log_probabilities(scores, inverse_temperature)

    def fit_inverse_temperature(
        self,
        scores: NDArray[np.float32],
        codes: Codes,
        weights: NDArray[np.float64] | None,
        usual: float = DEFAULT_INVERSE_TEMPERATURE,
    ) -> float:
        """See `Targets`."""
        assert isinstance(codes, LabelSets)
        true = codes.rows, codes.labels
        return fit_label_inverse_temperature(scores, true, weights, usual)

    def accuracies(self, predictions: Any, codes: Codes) -> NDArray[Any]:
        """See `Targets`: 1 minus the Hamming loss."""
        n_both, n_named, n_true = _overlap(predictions, codes)
        n_wrong = n_named + n_true - 2 * n_both
        return np.asarray(1 - n_wrong / self.n_labels)

    def counts(self, codes: Codes) -> NDArray[np.int64]:
        """See `Targets`."""
        assert isinstance(codes, LabelSets)
        return np.asarray(codes.counts())

    def majority_baseline(self, counts: NDArray[np.int64], n_samples: int) -> float:
        """See `Targets`."""
        share = counts / n_samples
        return float(np.maximum(share, 1 - share).mean())

    def sample_scores(self, predictions: Any, codes: Codes) -> NDArray[Any]:
        """See `Targets`: F1 of the labels of each sample, 1 for two empty sets."""
        n_both, n_named, n_true = _overlap(predictions, codes)
        total = n_named + n_true
        return np.where(total > 0, 2 * n_both / np.maximum(total, 1), 1.0)


def learn_targets(
    y: Any, communicator: Communicator = SINGLE_PROCESS
) -> tuple[Targets, Codes]:
    """What `y` is, and its codes.

    Parameters
    ----------
    y : array-like of shape (n_samples,), or indicator matrix (n_samples, n_labels)
        Labels of any type, or zeros and ones, dense or sparse.
    communicator : Communicator
        Who has samples, too; classes are those of all.

    Raises
    ------
    ValueError
        If `y` is neither, see `learn_classes`; or is an indicator matrix of one label.
    """
    if is_indicator(y):
        sets = label_sets(y)
        kind = f"an indicator matrix of {sets.n_labels} columns"
        check_same(communicator, {"y": kind})
        return LabelTargets(
            sets.n_labels, broadcast(communicator, sp.issparse(y))
        ), sets
    check_same(communicator, {"y": "one class per sample"})
    classes, codes = learn_classes(y, communicator)
    return ClassTargets(classes), codes


def announced_targets(classes: NDArray[Any], y: Any) -> Targets:
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
    return LabelTargets(n_labels, sp.issparse(y))


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
    """Number of labels of each sample: named and true, named, true."""
    assert isinstance(codes, LabelSets)
    true = codes.to_csr()
    both = predictions.astype(np.int64).multiply(true)
    n_both, n_named = (np.asarray(m.sum(axis=1)).ravel() for m in (both, predictions))
    return n_both, n_named, np.diff(codes.offsets)

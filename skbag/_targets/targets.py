"""What `y` is: classes, labels of which a sample may have several, or numbers.

From `y` of any type to codes and back. Whatever differs between the kinds is asked
here, by a method of the one or the other, and of the loss. `Targets` is all that
training needs; classes and probabilities come with `ClassificationTargets`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skbag._targets.calibration import UNCALIBRATED, Calibration
from skbag._targets.label_sets import Codes, one_each
from skbag._targets.losses import BaseLoss, Loss


class AutoRules(NamedTuple):
    """How the rules of "auto" differ from those for classes: see `plan`.

    Parameters
    ----------
    penalty, max_penalty : float
        Factors of the L2 penalty, and of the largest there may be.
    min_batch_step : float
        Factor of the least share of a step that a batch may leave.
    n_more_epochs : int
    """

    penalty: float = 1.0
    max_penalty: float = 1.0
    min_batch_step: float = 1.0
    n_more_epochs: int = 0


FOR_CLASSES = AutoRules()


class Targets(ABC):
    """What `y` is: how it becomes codes, and how scores become it again."""

    @property
    @abstractmethod
    def n_outputs(self) -> int:
        """Number of columns of scores."""

    @property
    def rules(self) -> AutoRules:
        """How the rules of "auto" differ for this kind of `y`."""
        return FOR_CLASSES

    @property
    def has_two_classes(self) -> bool:
        """Whether the one output is the score of the second of two classes."""
        return False

    @property
    def one_of_all(self) -> bool:
        """Whether a sample is of one class, and the probabilities sum to 1."""
        return False

    @abstractmethod
    def facts(self) -> dict[str, str]:
        """What must be alike in all processes of a fit, by name, in words."""

    @abstractmethod
    def check_same(self, earlier: Targets) -> None:
        """Raise where a warm start meets other targets than the fit before."""

    @abstractmethod
    def encode(self, y: Any) -> Codes:
        """Codes of more `y`."""

    @abstractmethod
    def loss(self, loss: BaseLoss) -> Loss:
        """Return the form of a loss that takes these codes."""

    def strata(self, codes: Codes) -> NDArray[np.int64] | None:
        """Classes to stratify a split by, if any."""
        return None

    @property
    @abstractmethod
    def score_names(self) -> NDArray[Any]:
        """What explanations call the scores: classes, labels or outputs."""

    def score_units(
        self,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Factor and offset, each (n_outputs,), that bring scores into units of `y`.

        None where scores have no units.
        """
        return None

    def change_of_scores(
        self, earlier: Targets
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Factor and offset that make scores by earlier targets those by these.

        None where they are the same.
        """
        return None

    @property
    def n_groups(self) -> int:
        """Number of the groups that documents are counted by."""
        return 1

    @property
    def one_group_each(self) -> bool:
        """Whether each sample is in one group alone."""
        return True

    def groups(self, codes: Codes) -> Codes:
        """Group of each sample, or its groups: see `Weighting`."""
        return np.zeros(len(codes), dtype=np.int64)

    def counts(self, codes: Codes) -> NDArray[np.int64]:
        """Number of samples of each group, (n_groups,)."""
        groups = self.groups(codes)
        return np.bincount(one_each(groups)[1], minlength=self.n_groups)

    @abstractmethod
    def sums(
        self, codes: Codes, sample_weight: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        """What `constant_scores` needs of some samples: sums over them."""

    @abstractmethod
    def constant_scores(
        self, loss: Loss, sums: NDArray[np.float64], weight: float
    ) -> NDArray[np.float64]:
        """Scores, the same for all samples, that make the loss least, (n_outputs,).

        `sums` over samples of so much weight together.
        """

    @abstractmethod
    def numbers(self, codes: Codes) -> NDArray[np.float64]:
        """What a regression takes for the codes, (n_samples, n_outputs)."""

    @abstractmethod
    def predict_codes(self, scores: NDArray[np.float32]) -> Any:
        """Predicted codes, (n_samples,); or rows of a sparse indicator matrix."""

    @abstractmethod
    def collect(self, predictions: list[Any]) -> Any:
        """The `y` of the predicted codes of several parts, put together."""

    @abstractmethod
    def skill_score(
        self,
        scores: NDArray[np.float32],
        codes: Codes,
        sample_weight: NDArray[np.float64] | None,
        counts: NDArray[np.int64],
        n_samples: int,
    ) -> float:
        """How much better scores predict codes than a constant does, in [0, 1].

        Parameters
        ----------
        scores : ndarray of shape (n, n_outputs), dtype=float32
        codes : Codes
            Of the same samples.
        sample_weight : ndarray of shape (n,), dtype=float64, or None
        counts : ndarray of shape (n_groups,), dtype=int64
            `counts` of all samples of the fit.
        n_samples : int
            How many those are.
        """

    @abstractmethod
    def sample_scores(self, predictions: Any, codes: Codes) -> NDArray[Any]:
        """Of each sample what early stopping goes by, (n_samples,) or more columns."""

    def mean_score(self, means: Any) -> float:
        """Score of samples whose `sample_scores` have the given means."""
        return float(means)

    def fit_calibration(
        self,
        scores: NDArray[np.float32],
        codes: Codes,
        weights: NDArray[np.float64] | None,
        shares: NDArray[np.float64],
        earlier: Calibration | None = None,
    ) -> Calibration:
        """What makes the best probabilities of scores for these codes.

        Parameters
        ----------
        scores : ndarray of shape (n_samples, n_outputs), dtype=float32
            Of samples that the model had not been trained on, by the squared hinge.
        codes : Codes
        weights : ndarray of shape (n_samples,) or None
        shares : ndarray of shape (n_groups,), dtype=float64
            Of the groups among all documents of the fit.
        earlier : Calibration or None
            That of the model that training went on from.
        """
        return UNCALIBRATED


class ClassificationTargets(Targets):
    """Targets of classes or labels, each with a probability.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        The classes, or the numbers of the labels.
    """

    classes: NDArray[Any]

    @property
    def class_names(self) -> NDArray[Any]:
        """What reports call the classes: these themselves, or the names of labels."""
        return self.classes

    @property
    def score_names(self) -> NDArray[Any]:
        """See `Targets`: of two classes both, though they share a score."""
        return self.class_names

    @abstractmethod
    def merge(
        self, parts: Sequence[Any], codes: Codes
    ) -> tuple[ClassificationTargets, Codes]:
        """Targets of the samples of all processes, and codes of these among them.

        Parameters
        ----------
        parts : sequence of ClassificationTargets
            Those of all processes, these among them, with the same `facts`.
        codes : Codes
        """

    @property
    def n_groups(self) -> int:
        """Number of classes or labels."""
        return len(self.classes)

    @property
    def one_group_each(self) -> bool:
        return self.one_of_all

    def groups(self, codes: Codes) -> Codes:
        """Return the codes themselves."""
        return codes

    def sums(
        self, codes: Codes, sample_weight: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        """Weighted number of samples of each class, or with each label."""
        rows, single = one_each(codes)
        if sample_weight is not None and rows is not None:
            sample_weight = sample_weight[rows]
        sums = np.bincount(single, sample_weight, minlength=self.n_groups)
        return sums.astype(np.float64)

    def constant_scores(
        self, loss: Loss, sums: NDArray[np.float64], weight: float
    ) -> NDArray[np.float64]:
        """Those of the shares of the classes, kept within (0, 1)."""
        # Half a sample more on either side: there may be none, or no other.
        return loss.constant_scores((sums + 0.5) / (weight + 1))

    @abstractmethod
    def weighted_counts(
        self, codes: Codes, sample_weight: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        """What `class_weight='balanced'` needs of some samples: sums over them."""

    @abstractmethod
    def weigh(
        self,
        class_weight: Any,
        codes: Codes,
        sample_weight: NDArray[np.float64] | None,
        counts: NDArray[np.float64] | None = None,
    ) -> tuple[ClassificationTargets, NDArray[np.float64] | None]:
        """Apply the estimator's `class_weight`: to samples, or to labels.

        `counts` are `weighted_counts` of the samples of all processes, for "balanced".
        """

    @abstractmethod
    def probabilities(
        self, scores: NDArray[np.float32], calibration: Calibration
    ) -> NDArray[np.float64]:
        """Probability of each class or label."""

    @abstractmethod
    def log_probabilities(
        self, scores: NDArray[np.float32], calibration: Calibration
    ) -> NDArray[np.float64]:
        """Logarithm of the same, without underflow."""

    @abstractmethod
    def log_loss(
        self,
        scores: NDArray[np.float32],
        codes: Codes,
        weights: NDArray[np.float64] | None,
        calibration: Calibration,
    ) -> float:
        """Sum over samples of the negative log-probability of their codes.

        Parameters
        ----------
        scores : ndarray of shape (n_samples, n_outputs), dtype=float32
            Without the offset of the calibration.
        codes : Codes
        weights : ndarray of shape (n_samples,), dtype=float64, or None
        calibration : Calibration
        """

    def ranking_scores(self, scores: NDArray[np.float32]) -> NDArray[Any]:
        """One column for each class or label, by which they are ranked."""
        return scores

    @abstractmethod
    def accuracies(self, predictions: Any, codes: Codes) -> NDArray[Any]:
        """Share of each sample that predictions get right, (n_samples,)."""

    @abstractmethod
    def majority_baseline(self, counts: NDArray[np.int64], n_samples: int) -> float:
        """Mean accuracy of always predicting what is most frequent."""

    def skill_score(
        self,
        scores: NDArray[np.float32],
        codes: Codes,
        sample_weight: NDArray[np.float64] | None,
        counts: NDArray[np.int64],
        n_samples: int,
    ) -> float:
        """Accuracy above the majority baseline, as a share of what is left above it."""
        hits = self.accuracies(self.predict_codes(scores), codes)
        accuracy = float(np.average(hits, weights=sample_weight))
        return skill_score(accuracy, self.majority_baseline(counts, n_samples))


def skill_score(accuracy: float, majority_baseline: float) -> float:
    """Accuracy above that of always naming what is most frequent, in [0, 1]."""
    above = accuracy - majority_baseline
    return float(np.clip(above / (1 - majority_baseline + 1e-9), 0, 1))

"""Losses: each owns its gradient, its number of outputs and its inverse link.

Conventions
-----------
scores : (n_samples, n_outputs), in link space.
codes : (n_samples,), the encoded class of each sample; or (n_true, 2), the samples and
    their labels where each may have several; or (n_samples, n_outputs), numbers: see
    `regression_losses`.
n_outputs : 1 for two classes (a positive score means class 1), else n_classes; n_labels
    for labels, each of which is a task of two classes by itself.
weights : (n_samples,) or None, how much each sample counts.

Gradients and values are sums over the batch, not means: a step then depends on what
is in the batch, not on how many samples share it.

``gradient`` takes torch tensors and is used in training; ``probabilities`` takes numpy
arrays and is used in prediction, which must not need torch. So torch is imported only
by those who call with tensors: the methods below are written in terms of the tensor's
own methods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from skbag._targets.label_sets import Codes, LabelSets

if TYPE_CHECKING:
    from torch import Tensor

MAX_LABEL_WEIGHT = 4.0
"""Largest weight of a label: steps are sized for no heavier ones (see `plan`), as
every other step would be so many times smaller."""


class Loss(Protocol):
    """What the trainer and the estimator need of a loss."""

    name: str
    calibrated_by_temperature: bool
    """Whether scores need a temperature to become probabilities."""
    curvature: float
    """Largest second derivative in one score: how steps are sized."""
    max_sample_weight: float
    """Largest weight that the loss itself gives to an output of a sample."""
    clustered: bool
    """Whether the scores are the log-probabilities of an adaptive softmax."""

    def gradient(
        self, scores: Tensor, codes: Tensor, weights: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Gradient (n_samples, n_outputs) and value (0-d), summed over the batch."""
        ...

    def constant_scores(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores, the same for all samples, that make the loss least.

        Parameters
        ----------
        shares : ndarray of shape (n_classes,) or (n_labels,), dtype=float64
            Share of the samples in each class, or with each label, within (0, 1).

        Returns
        -------
        scores : ndarray of shape (n_outputs,), dtype=float64
        """
        ...


class BaseLoss(Protocol):
    """What `OfLabels` needs of a loss of two classes."""

    name: str
    calibrated_by_temperature: bool
    label_curvature: float
    """Largest second derivative in the one score of two classes."""

    def label_scores(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Constant scores of labels, or of second classes, with the given shares."""
        ...

    def label_gradient(
        self, scores: Tensor, true: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Gradient and value, each (n_samples, n_labels), of one loss per label.

        Parameters
        ----------
        scores : Tensor of shape (n_samples, n_labels)
        true : tuple of Tensor, Tensor
            Samples and labels that go together, no pair twice.
        """
        ...


class NamedLoss(Loss, BaseLoss, Protocol):
    """What a name may stand for: a loss of classes that has a form for labels."""


class SquaredHinge:
    """One-vs-rest squared hinge: ``sum_c max(0, 1 - s_c z_c)**2``, s_c = +1 or -1.

    The loss of ``sklearn.svm.LinearSVC``. A sample that is right by a margin of 1
    gives no gradient, so it stops costing updates.
    """

    name = "squared_hinge"
    calibrated_by_temperature = True
    curvature = label_curvature = 2.0
    max_sample_weight = 1.0
    clustered = False

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
        return weighted(gradient, slack.mul_(slack), weights)

    def constant_scores(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Loss`: ``2 share - 1``."""
        return self.label_scores(shares[1:] if len(shares) == 2 else shares)

    def label_scores(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `BaseLoss`."""
        return 2 * shares - 1

    def label_gradient(
        self, scores: Tensor, true: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """See `BaseLoss`."""
        slack = scores.add(1).clamp_(min=0)
        slack[true] = scores[true].sub_(1).clamp_(max=0)
        return slack.mul(2), slack.mul_(slack)


class CrossEntropy:
    """Cross-entropy of the softmax; of the logistic function for two classes."""

    name = "cross_entropy"
    calibrated_by_temperature = False
    # Of the softmax, with respect to all scores (Böhning, "Multinomial logistic
    # regression algorithm", 1992). The logistic function's is half of that.
    curvature = 0.5
    label_curvature = 0.25
    max_sample_weight = 1.0
    clustered = False

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
            return weighted(gradient, value, weights)
        true = codes.unsqueeze(1)
        log_probabilities = scores.log_softmax(dim=1)
        value = log_probabilities.gather(1, true).neg_()
        gradient = log_probabilities.exp_()
        gradient.scatter_add_(1, true, gradient.new_full(true.shape, -1.0))
        return weighted(gradient, value, weights)

    def constant_scores(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Loss`: the link of the shares."""
        if len(shares) == 2:
            return self.label_scores(shares[1:])
        return np.log(shares)

    def label_scores(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `BaseLoss`."""
        return np.asarray(logit(shares))

    def label_gradient(
        self, scores: Tensor, true: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """See `BaseLoss`."""
        # log(1 + exp(s)) without overflow; for a label that is there, minus s.
        value = scores.clamp(min=0).add_(scores.abs().neg_().exp_().log1p_())
        value[true] -= scores[true]
        gradient = scores.sigmoid()
        gradient[true] -= 1
        return gradient, value


class AdaptiveSoftmax(CrossEntropy):
    """Cross-entropy of an adaptive softmax: see `AdaptiveSoftmax` of the network.

    The loss and its gradient are computed there, from what is below the scores: to
    compute all scores is what head and tails avoid.
    """

    name = "adaptive_softmax"
    clustered = True


class OfLabels:
    """One loss of two classes for each label, summed over the labels.

    Parameters
    ----------
    loss : BaseLoss
    weights : ndarray of shape (n_labels,) or None
        Weight of having each label, against 1 for not having it; as ``pos_weight`` of
        ``torch.nn.BCEWithLogitsLoss``, but at most `MAX_LABEL_WEIGHT`.
        None where all are 1.
    """

    clustered = False

    def __init__(self, loss: BaseLoss, weights: NDArray[Any] | None) -> None:
        self.name = loss.name
        self.calibrated_by_temperature = loss.calibrated_by_temperature
        self.curvature = loss.label_curvature
        if weights is not None:
            weights = np.minimum(weights, MAX_LABEL_WEIGHT)
        self.max_sample_weight = (
            1.0 if weights is None else float(max(weights.max(), 1.0))
        )
        self.of_each = loss
        self.label_weights = weights

    def gradient(
        self, scores: Tensor, codes: Tensor, weights: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """See `Loss`."""
        rows, labels = codes.unbind(1)
        gradient, values = self.of_each.label_gradient(scores, (rows, labels))
        if self.label_weights is not None:
            of_pairs = scores.new_tensor(self.label_weights)[labels]
            gradient[rows, labels] *= of_pairs
            values[rows, labels] *= of_pairs
        return weighted(gradient, values, weights)

    def constant_scores(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Loss`; of the shares by weight."""
        weight = 1.0 if self.label_weights is None else self.label_weights
        return self.of_each.label_scores(
            weight * shares / (weight * shares + 1 - shares)
        )


def is_squared_hinge(loss: Loss) -> bool:
    """Whether it is the squared hinge of each output against the rest, and no other."""
    of_each = loss.of_each if isinstance(loss, OfLabels) else loss
    # A class made of it may have a gradient of its own.
    return type(of_each) is SquaredHinge


def label_weights(loss: Loss) -> NDArray[Any] | None:
    """Weight of having each label, against 1 for not having it; None for ones."""
    return loss.label_weights if isinstance(loss, OfLabels) else None


def squared_hinge_slopes(
    scores: NDArray[np.float32], codes: Codes, weights: NDArray[Any] | None = None
) -> NDArray[np.float64]:
    """Derivative of the squared hinge in each score, without torch.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_outputs), dtype=float32
    codes : ndarray of shape (n_samples,), dtype=int64, or LabelSets
    weights : ndarray of shape (n_labels,) or None
        Of having each label.

    Returns
    -------
    slopes : ndarray of shape (n_samples, n_outputs), dtype=float64
    """
    true = _places_of_labels(scores, codes)
    slopes = 2 * np.maximum(scores.astype(np.float64) + 1, 0)
    with_label = 2 * np.minimum(scores[true].astype(np.float64) - 1, 0)
    slopes[true] = with_label if weights is None else with_label * weights[true[1]]
    return slopes


def squared_hinge_curvatures(
    scores: NDArray[np.float32], codes: Codes, weights: NDArray[Any] | None = None
) -> NDArray[np.float64]:
    """Second derivative of the squared hinge in each score.

    Parameters and shape are those of `squared_hinge_slopes`.
    """
    true = _places_of_labels(scores, codes)
    curvatures = np.where(scores > -1, 2.0, 0.0)
    with_label = np.where(scores[true] < 1, 2.0, 0.0)
    curvatures[true] = with_label if weights is None else with_label * weights[true[1]]
    return curvatures


def _places_of_labels(
    scores: NDArray[np.float32], codes: Codes
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of the scores of labels that samples have."""
    if isinstance(codes, LabelSets):
        return codes.rows, codes.labels
    if scores.shape[1] == 1:
        rows = np.flatnonzero(codes)
        return rows, np.zeros(len(rows), dtype=np.int64)
    return np.arange(len(codes)), codes


def constant_squared_hinge(
    scores: NDArray[np.float64], codes: Codes, weights: NDArray[Any] | None
) -> float:
    """Mean squared hinge of scores that are the same for all samples, without torch.

    Parameters
    ----------
    scores : ndarray of shape (n_outputs,), dtype=float64
    codes : ndarray of shape (n_samples,), dtype=int64, or LabelSets
    weights : ndarray of shape (n_labels,) or None
        Of having each label.
    """
    if isinstance(codes, LabelSets):
        n_true = codes.counts()
    else:
        n_true = np.bincount(codes, minlength=max(len(scores), 2))[-len(scores) :]
    with_label = np.square(np.maximum(1 - scores, 0))
    if weights is not None:
        with_label = with_label * weights
    without = np.square(np.maximum(1 + scores, 0))
    values = n_true * with_label + (len(codes) - n_true) * without
    return float(values.sum() / len(codes))


def weighted(
    gradient: Tensor, values: Tensor, weights: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Weigh both by sample; sum the values.

    By sample first: a sum over all at once would depend on the number of threads.
    """
    values = values.sum(dim=1)
    if weights is None:
        return gradient, values.sum()
    return gradient.mul_(weights.unsqueeze(1)), values.mul_(weights).sum()


LOSSES: dict[str, NamedLoss] = {
    loss.name: loss for loss in (SquaredHinge(), CrossEntropy(), AdaptiveSoftmax())
}
"""The loss of each name that the estimator's `loss` parameter takes."""

MANY_CLASSES = 500
"""From how many classes on the adaptive softmax is one; with fewer, all scores at once
take no longer, and it is the cross-entropy itself."""


def of_classes(loss: BaseLoss, n_classes: int) -> Loss:
    """Return the form of a loss for one class per sample."""
    chosen = LOSSES[loss.name]
    if chosen.clustered and n_classes < MANY_CLASSES:
        return LOSSES["cross_entropy"]
    return chosen


def takes_labels(name: Any) -> bool:
    """Whether the loss of a name is one for labels of which a sample has several.

    Of no name at all, such as a list of choices that a search holds, it is False.
    """
    return isinstance(name, str) and name in LOSSES and not LOSSES[name].clustered


def of_labels(loss: BaseLoss, weights: NDArray[np.float64] | None) -> Loss:
    """Return the form of a loss for labels of which a sample may have several.

    Raises
    ------
    ValueError
        For a loss that shares one probability among all classes.
    """
    if not takes_labels(loss.name):
        raise ValueError(
            f"loss={loss.name!r} is for one class per sample, but y is an indicator "
            "matrix of several labels. Use loss='squared_hinge' or 'cross_entropy'."
        )
    return OfLabels(loss, weights)

"""When to stop: rules over what the epochs have shown, and validation samples.

A rule is a class with `update` and `terminate`; `stopping_rule` chooses one.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.communicator import Communicator, concatenate_weights
from skbag._targets.calibration import UNCALIBRATED, Calibration
from skbag._targets.label_sets import as_array
from skbag._training.plan import Plan, max_progressive_samples
from skbag._training.samples import Samples
from skbag._training.sharding import cut_positions


class Scores(Protocol):
    """What validation needs of a trainer."""

    def bags_to_score(self, own_bags: Bags, edges: NDArray[np.int64]) -> Bags:
        """What `score` takes for own samples, given their batch's parts."""

    def score(self, bags: Bags, parts: tuple[int, ...]) -> NDArray[np.float32]:
        """Scores of bags by the state so far."""


MAX_AT_ONCE = 4096
"""Samples scored together: like batches, so that scores stay small."""


EQUAL_SCORES = 1e-6
"""Validation scores that differ by less are equal: they differ by samples whose
weights are next to nothing."""


@dataclass(eq=False)
class Outcome:
    """What the epochs of a fit have shown so far.

    Parameters
    ----------
    calibration : Calibration
        Of the scores that training gives, whose offset is yet to be added.
    diverged : bool
        Whether the loss grew beyond all bounds in the last epoch.
    loss_curve, validation_scores : list of float
        One for each epoch; no scores without validation samples.
    skill_score : float or None
        Of the progressive samples, before they were trained on.
    """

    calibration: Calibration = UNCALIBRATED
    diverged: bool = False
    loss_curve: list[float] = field(default_factory=list)
    validation_scores: list[float] = field(default_factory=list)
    skill_score: float | None = None


class StoppingRule(Protocol):
    """Decides after each epoch whether another follows.

    Attributes
    ----------
    n_without_gain : int
        Epochs in a row that have gained too little. All that a rule remembers: the
        rest is in the outcome.
    """

    n_without_gain: int

    def update(self, outcome: Outcome, plan: Plan) -> Plan:
        """Take note of the last epoch of an outcome; return the plan from here on.

        Sets `n_without_gain`.
        """

    def terminate(self) -> bool:
        """Whether the last epoch was the last one."""

    def is_best(self, outcome: Outcome) -> bool:
        """Whether the model of the last epoch is the one to keep so far."""


class LossPlateau:
    """Stop where the training loss no longer falls; the last model is kept.

    The rule of ``n_iter_no_change`` and ``tol`` of scikit-learn's MLPClassifier. Where
    steps are still large then, the plan becomes shorter first: a loss that stands still
    while steps are near their first size has not converged. That is as the adaptive
    rate of MLPClassifier, which divides the step.
    """

    def __init__(self, n_iter_no_change: int, tol: float) -> None:
        self.n_without_gain = 0
        self._n_iter_no_change = n_iter_no_change
        self._tol = tol

    def update(self, outcome: Outcome, plan: Plan) -> Plan:
        """See `StoppingRule`."""
        *earlier, loss = outcome.loss_curve
        gained = loss < min(earlier, default=np.inf) - self._tol
        self.n_without_gain = 0 if gained else self.n_without_gain + 1
        n_left = self._n_iter_no_change
        n_planned = len(outcome.loss_curve) + n_left
        if (
            self.n_without_gain != n_left
            or min(outcome.loss_curve) < self._tol
            or n_planned + n_left > plan.n_epochs
        ):
            return plan
        self.n_without_gain = 0
        return plan.with_epochs(n_planned)

    def terminate(self) -> bool:
        """See `StoppingRule`."""
        return self.n_without_gain >= self._n_iter_no_change

    def is_best(self, outcome: Outcome) -> bool:
        """Never: no model but the last is kept."""
        return False


class ValidationPlateau:
    """Stop where the validation score no longer rises; the best model is kept."""

    def __init__(self, n_iter_no_change: int, tol: float) -> None:
        self.n_without_gain = 0
        self._n_iter_no_change = n_iter_no_change
        self._tol = tol

    def update(self, outcome: Outcome, plan: Plan) -> Plan:
        """See `StoppingRule`."""
        *earlier, score = outcome.validation_scores
        gained = score > max(earlier, default=-np.inf) + self._tol
        self.n_without_gain = 0 if gained else self.n_without_gain + 1
        return plan

    def terminate(self) -> bool:
        """See `StoppingRule`."""
        return self.n_without_gain >= self._n_iter_no_change

    def is_best(self, outcome: Outcome) -> bool:
        """Whether no earlier score is higher: of equals the last has learnt the most.

        Scores of a few samples are often equal from the first epoch on.
        """
        *earlier, score = outcome.validation_scores
        return score > max(earlier, default=-np.inf) - EQUAL_SCORES


def stopping_rule(
    n_iter_no_change: int, tol: float, *, validated: bool
) -> StoppingRule:
    """Rule of a fit: by the validation score where there is one, else by the loss."""
    rule = ValidationPlateau if validated else LossPlateau
    return rule(n_iter_no_change, tol)


class Validation:
    """Samples of all ranks, in parts; each rank has the entries of its own rows.

    Parameters
    ----------
    samples : Samples
        Weighted bags, of this rank.
    trainer : Trainer
        Any that is to be asked for scores.
    communicator : Communicator
    """

    def __init__(
        self, samples: Samples, trainer: Scores, communicator: Communicator
    ) -> None:
        self._samples = samples
        self._communicator = communicator
        step = min(MAX_AT_ONCE, max_progressive_samples(samples.targets.n_outputs))
        edges = cut_positions(communicator.all_gather(len(samples)), step)
        self._parts: list[tuple[Bags, NDArray[np.int64]]] = []
        for number in range(len(edges) - 1):
            part_edges = edges[number : number + 2]
            own_bags = samples.X.slice(*part_edges[:, communicator.rank].tolist())
            self._parts.append(
                (trainer.bags_to_score(own_bags, part_edges), part_edges)
            )

    def score(self, trainer: Scores) -> float:
        """Mean score of all ranks' samples by the state of a trainer so far."""
        samples, communicator, values = self._samples, self._communicator, []
        targets = samples.targets
        for part, edges in self._parts:
            scores = trainer.score(part, tuple((edges[1] - edges[0]).tolist()))
            predictions = targets.predict_codes(scores)
            codes = samples.codes[slice(*edges[:, communicator.rank])]
            values.append(targets.sample_scores(predictions, codes))
        received = communicator.all_gather((np.concatenate(values), samples.weight))
        weights = concatenate_weights(
            [(len(each), weight) for each, weight in received]
        )
        each = np.concatenate([each for each, _ in received])
        means = np.average(each, axis=0, weights=weights)
        return targets.mean_score(means)

    def arrays(self) -> list[NDArray[np.generic]]:
        """All that scores depend on."""
        arrays: list[NDArray[np.generic]] = [as_array(self._samples.codes)]
        for part, edges in self._parts:
            arrays += [part.ids, part.offsets, part.weights, edges]
        if self._samples.weight is not None:
            arrays.append(self._samples.weight)
        return arrays


def split_validation(
    strata: NDArray[np.int64] | None,
    n_samples: int,
    fraction: float,
    random_state: np.random.RandomState,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row numbers for training and for validation, stratified where possible.

    Parameters
    ----------
    strata : ndarray of shape (n_samples,), dtype=int64, or None
        Classes to have in both parts, if possible; None for a split at random.
    n_samples : int
    fraction : float
        Share of the samples to validate by.
    random_state : RandomState

    Raises
    ------
    ValueError
        If a part would be empty.

    Warns
    -----
    UserWarning
        Where a class is too small to stand in both parts.
    """
    # Imported here: prediction does not need it.
    from sklearn.model_selection import train_test_split

    n_validation = int(np.ceil(fraction * n_samples))
    if strata is not None and not _can_stratify(strata, n_validation):
        warnings.warn(
            "The validation samples of early_stopping are not stratified: "
            f"{n_validation} of {n_samples} samples cannot hold each of "
            f"{len(np.unique(strata))} classes, or a class has a single sample. Raise "
            "validation_fraction or merge rare classes.",
            UserWarning,
            stacklevel=2,
        )
        strata = None
    train, validation = train_test_split(
        np.arange(n_samples),
        test_size=fraction,
        stratify=strata,
        random_state=random_state,
    )
    return train, validation


def _can_stratify(strata: NDArray[np.int64], n_validation: int) -> bool:
    """Whether each class can stand in both parts."""
    counts = np.bincount(strata)
    smallest_part = min(n_validation, len(strata) - n_validation)
    return bool(
        counts[counts > 0].min() >= 2 and smallest_part >= np.count_nonzero(counts)
    )

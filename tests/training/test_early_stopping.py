"""When a training stops: the rules by themselves, on curves written by hand."""

from dataclasses import dataclass

import numpy as np
import pytest

from skbag._targets.losses import LOSSES
from skbag._training.early_stopping import (
    EQUAL_SCORES,
    LossPlateau,
    Outcome,
    ValidationPlateau,
    stopping_rule,
)
from skbag._training.plan import Moments, Plan, Problem
from skbag._training.run import TrainingRun
from skbag._training.settings import TrainingOptions

OPTIONS = TrainingOptions(
    loss=LOSSES["squared_hinge"],
    embedding_dim=None,
    hidden_layer_sizes=(),
    dropout=0.0,
    learning_rate_init=None,
    alpha=None,
    max_iter=None,
    batch_size=None,
    shuffle=True,
    n_iter_no_change=3,
    tol=0.1,
    device="cpu",
)


def plan(n_epochs):
    problem = Problem(1000, 3, 3, Moments(1.0, 0.01, 1.0), OPTIONS.loss)
    return Plan.make(problem, OPTIONS, 100).with_epochs(n_epochs)


def followed(rule, losses, scores=None, n_epochs=100):
    """Number of epochs until a rule stops, the plan then, and the best epoch."""
    outcome, current, best = Outcome(), plan(n_epochs), None
    for number, loss in enumerate(losses, 1):
        outcome.loss_curve.append(loss)
        if scores is not None:
            outcome.validation_scores.append(scores[number - 1])
        current = rule.update(outcome, current)
        if rule.is_best(outcome):
            best = number
        if rule.terminate() or number >= current.n_epochs:
            break
    return number, current, best


def test_a_loss_that_falls_goes_on_to_the_end():
    losses = np.arange(30, 0, -1.0)
    n, current, best = followed(LossPlateau(3, 0.1), losses, n_epochs=20)
    assert (n, current.n_epochs, best) == (20, 20, None)


def test_a_plateau_of_large_steps_shortens_the_plan():
    n, current, _ = followed(LossPlateau(3, 0.1), [2.0, 1.0, *[1.0] * 20])
    # Three epochs without a gain after the second, and three more of smaller steps.
    assert current.n_epochs == 5 + 3
    assert n == 8


def test_near_the_end_of_a_plan_a_plateau_stops():
    n, current, _ = followed(LossPlateau(3, 0.1), [2.0, *[1.0] * 20], n_epochs=10)
    assert (n, current.n_epochs) == (5, 10)


def test_where_nothing_is_left_to_gain_a_plateau_stops():
    n, current, _ = followed(LossPlateau(3, 0.1), [2.0, *[0.01] * 20])
    assert (n, current.n_epochs) == (5, 100)


def test_the_best_validation_score_is_kept_and_of_equals_the_last():
    scores = [0.5, 0.8, 0.8 - EQUAL_SCORES / 2, 0.7, 0.6, 0.9]
    n, current, best = followed(ValidationPlateau(3, 0.0), [1.0] * 6, scores)
    assert (n, best) == (5, 3)
    assert current == plan(100)


def test_a_gain_of_less_than_tol_is_none():
    scores = [0.5, 0.55, 0.6, 0.65, 0.7]
    assert followed(ValidationPlateau(3, 0.2), [1.0] * 5, scores)[0] == 4
    assert followed(ValidationPlateau(3, 0.01), [1.0] * 5, scores)[0] == 5


def test_which_rule():
    assert isinstance(stopping_rule(3, 0.1, validated=True), ValidationPlateau)
    assert isinstance(stopping_rule(3, 0.1, validated=False), LossPlateau)


@dataclass
class AfterTwo:
    """A rule of one's own is one class."""

    n_without_gain: int = 0

    def update(self, outcome, plan):
        self.n_without_gain = len(outcome.loss_curve)
        return plan

    def terminate(self):
        return self.n_without_gain >= 2

    def is_best(self, outcome):
        return False


def test_another_rule_is_handed_in(monkeypatch, make_classifier, corpus):
    made = "skbag._training.run.stopping_rule"
    monkeypatch.setattr(made, lambda *args, **kwargs: AfterTwo())
    assert make_classifier(max_iter=9).fit(*corpus).n_iter_ == 2


@pytest.mark.parametrize("parameters", [{}, {"embedding_dim": 4}], ids=str)
def test_all_that_is_trained_belongs_to_the_best_epoch(
    parameters, make_classifier, corpus, monkeypatch
):
    """A new field of the predictor would otherwise come from the wrong epoch."""
    states = []
    epoch = TrainingRun.epoch

    def noted(run):
        report = epoch(run)
        states.append((run.state()["best"], run._best))
        return report

    monkeypatch.setattr(TrainingRun, "epoch", noted)
    clf = make_classifier(early_stopping=True, **parameters).fit(*corpus)
    # Before them come models that only score samples for the temperature.
    for state, best in states[-clf.n_iter_ :]:
        given = {"clusters"}
        assert set(state) == set(vars(best)) - given
        np.testing.assert_array_equal(state["embedding"], best.embedding)

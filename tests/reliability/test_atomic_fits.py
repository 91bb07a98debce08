"""A fit that fails or is interrupted leaves the estimator as it was, and usable."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skbag._training.column_trainer import ColumnTrainer
from skbag._training.trainer import Trainer
from tests.conftest import rotating

CLASSES = ["garden", "kitchen", "sea"]
CONFIGURATIONS = {
    "default": {},
    "hidden layer": {"embedding_dim": 8, "hidden_layer_sizes": (6,)},
    "plain encoder": {"analyzer": "char_wb", "ngram_range": (2, 3)},
    "warm start": {"warm_start": True},
}
configurations = pytest.mark.parametrize(
    "parameters", CONFIGURATIONS.values(), ids=CONFIGURATIONS
)


@pytest.fixture
def interrupt(monkeypatch):
    """Let Ctrl-C come in the middle of an epoch, after some whole ones."""

    def after(n_epochs):
        done = []

        def cut_short(original):
            def run_epoch(self, order, *args):
                if len(done) == n_epochs:
                    original(self, order[: len(order) // 2])
                    raise KeyboardInterrupt("by hand")
                done.append(None)
                return original(self, order, *args)

            return run_epoch

        for trainer in (ColumnTrainer, Trainer):
            monkeypatch.setattr(trainer, "run_epoch", cut_short(trainer.run_epoch))

    return after


def other_corpus():
    return ["quokka here", "wombat there", "quokka here", "wombat there"] * 9


def fit(*labels, **arguments):
    return lambda clf: clf.fit(other_corpus(), list(labels), **arguments)


def partial_fit(X, y):
    return lambda clf: clf.partial_fit(X, y)


def with_parameters(call, **parameters):
    return lambda clf: call(clf.set_params(**parameters))


def no_tokens(text):
    raise RuntimeError("no tokens today")


FAILING = {
    "texts": (lambda clf: clf.fit([None, "a"], [0, 1]), "position 0 is None"),
    "labels": (fit(*[0.5] * 36), "Unknown label type"),
    "one class": (fit(*["sea"] * 36), "got 1 class"),
    "lengths": (fit(*CLASSES), "36 samples and 3 labels"),
    "weights": (fit(*CLASSES * 12, sample_weight=[-1] * 36), "must not be negative"),
    "parameter": (with_parameters(fit(*CLASSES * 12), alpha=-1), "'alpha' parameter"),
    "device": (with_parameters(fit(*CLASSES * 12), device="no"), "not a device name"),
    "tokens": (
        with_parameters(fit(*CLASSES * 12), warm_start=False, analyzer=no_tokens),
        "no tokens today",
    ),
    "pruning": (
        with_parameters(fit(*CLASSES * 12), warm_start=False, min_df=37),
        "fewer documents than min_df=37",
    ),
    "more texts": (partial_fit([None, "a"], ["sea", "garden"]), "position 0 is None"),
    "more labels": (partial_fit(["quokka"], ["zoo"]), "not among the classes"),
    "numbers": (partial_fit(np.eye(3), CLASSES), "X holds numbers"),
    "device of partial_fit": (
        with_parameters(partial_fit(other_corpus(), CLASSES * 12), device="no"),
        "not a device name",
    ),
}


def state(clf, parameters):
    """All that the estimator holds, under the parameters that it had."""
    return pickle.dumps(clf.set_params(**parameters))


@rotating(name=list(FAILING), parameters=CONFIGURATIONS)
def test_failing_fit(name, parameters, corpus, make_classifier):
    fail, message = FAILING[name]
    clf = make_classifier(**parameters).fit(*corpus)
    parameters = clf.get_params()
    before, vocabulary = state(clf, parameters), dict(clf.vocabulary_)
    with pytest.raises((ValueError, RuntimeError), match=message):
        fail(clf)
    assert state(clf, parameters) == before
    assert clf.vocabulary_ == vocabulary


@configurations
@pytest.mark.parametrize("n_epochs", [0, 1])
def test_interrupted_fit(
    n_epochs, parameters, corpus, new_corpus, make_classifier, interrupt
):
    clf = make_classifier(**parameters).fit(*corpus)
    before, expected = state(clf, {}), clf.predict_proba(new_corpus.texts)
    interrupt(n_epochs)
    with pytest.raises(KeyboardInterrupt, match="by hand"):
        clf.fit(other_corpus(), CLASSES * 12)
    assert state(clf, {}) == before
    assert_array_equal(clf.predict_proba(new_corpus.texts), expected)
    assert "quokka" not in clf.vocabulary_


@configurations
def test_interrupted_partial_fit(
    parameters, corpus, new_corpus, make_classifier, interrupt, monkeypatch
):
    clf = make_classifier(**parameters).partial_fit(*corpus, classes=CLASSES)
    before = state(clf, {})
    interrupt(0)
    with pytest.raises(KeyboardInterrupt, match="by hand"):
        clf.partial_fit(other_corpus(), CLASSES * 12)
    assert state(clf, {}) == before
    # And it goes on as if nothing had been.
    monkeypatch.undo()
    untouched = pickle.loads(before).partial_fit(*new_corpus)
    assert_array_equal(clf.partial_fit(*new_corpus).embedding_, untouched.embedding_)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_first_fit_that_is_interrupted_leaves_nothing(
    method, corpus, make_classifier, interrupt
):
    interrupt(0)
    clf = make_classifier()
    classes = {"classes": CLASSES} if method == "partial_fit" else {}
    with pytest.raises(KeyboardInterrupt, match="by hand"):
        getattr(clf, method)(*corpus, **classes)
    assert vars(clf) == clf.get_params()


def test_error_while_pickling_state_does_not_matter(corpus, make_classifier):
    """A parameter that does not pickle is no obstacle to fitting."""
    clf = make_classifier(preprocessor=lambda text: text.lower()).fit(*corpus)
    assert clf.partial_fit(*corpus).set_params(warm_start=True).fit(*corpus) is clf

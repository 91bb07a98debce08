"""Fits by columns are those by torch's trainer, through all that a fit may ask for."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import CountVectorizer

from skbag._training import column_trainer
from skbag._training.column_trainer import ColumnTrainer
from skbag._training.run import TrainingRun
from skbag._training.trainer import Trainer


@pytest.fixture
def trainers(monkeypatch):
    """Types of the trainers of the fits so far."""
    types = []
    epoch = TrainingRun.epoch

    def noting(self):
        if not self.outcome.loss_curve:
            types.append(type(self.trainer))
        return epoch(self)

    monkeypatch.setattr(TrainingRun, "epoch", noting)
    return types


@pytest.fixture
def by_torch(monkeypatch):
    """Return a function that calls another, all fits in which are torch's."""

    def call(function):
        with monkeypatch.context() as patch:
            patch.setattr(TrainingRun, "_may_go_by_columns", lambda *_: False)
            return function()

    return call


@pytest.fixture
def both(by_torch, trainers):
    """Return a function that makes a fitted classifier in both ways, checked."""

    def make(function):
        found, expected = function(), by_torch(function)
        assert set(trainers[: len(trainers) // 2]) == {ColumnTrainer}
        assert set(trainers[len(trainers) // 2 :]) == {Trainer}
        return found, expected

    return make


def assert_same_fit(found, expected, X):
    assert found.n_iter_ == expected.n_iter_
    assert_allclose(found.alpha_, expected.alpha_, rtol=1e-2)
    assert_allclose(found.loss_curve_, expected.loss_curve_, rtol=1e-3, atol=1e-4)
    assert_allclose(
        found.inverse_temperature_, expected.inverse_temperature_, rtol=1e-2
    )
    if expected.validation_scores_ is not None:
        assert_allclose(found.validation_scores_, expected.validation_scores_)
    assert_allclose(
        found.decision_function(X), expected.decision_function(X), rtol=1e-3, atol=1e-3
    )


WEIGHTS = np.linspace(0, 3, 120)

OPTIONS = {
    "defaults": {},
    "early stopping": {"early_stopping": True, "n_iter_no_change": 2},
    "no validation": {"n_iter_no_change": 2, "tol": 0.05, "max_iter": 8},
    "class weights": {"class_weight": {"sea": 3.0, "garden": 0.5}},
    "balanced": {"class_weight": "balanced"},
    "in order": {"shuffle": False, "batch_size": 7},
    "penalty": {"alpha": 0.5, "max_iter": 5},
    "rate": {"learning_rate_init": 0.05, "max_iter": 3},
    "buckets": {"n_buckets": 2**10},
    "char n-grams": {"analyzer": "char_wb", "ngram_range": (2, 3)},
    "one thread": {"n_jobs": 1},
}


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("sample_weight", [None, WEIGHTS], ids=["", "weighted"])
def test_options(name, sample_weight, both, corpus, new_corpus, make_classifier):
    parameters = OPTIONS[name]

    def fit():
        return make_classifier(**parameters).fit(*corpus, sample_weight=sample_weight)

    assert_same_fit(*both(fit), new_corpus.texts)


def test_two_classes(both, binary_corpus, make_classifier):
    found, expected = both(lambda: make_classifier().fit(*binary_corpus))
    assert found.embedding_.shape[1] == 1
    assert_same_fit(found, expected, binary_corpus.texts)


@pytest.mark.parametrize("class_weight", [None, "balanced"])
def test_labels(class_weight, both, labels_corpus, make_classifier):
    texts, y = labels_corpus

    def fit():
        return make_classifier(class_weight=class_weight).fit(texts, y)

    assert_same_fit(*both(fit), texts)


def test_matrix(both, corpus, make_classifier):
    X = CountVectorizer().fit_transform(corpus.texts).astype(np.float64)
    X = sp.csr_array(sp.hstack([X, sp.csr_array((120, 5))]))
    assert_same_fit(*both(lambda: make_classifier().fit(X, corpus.labels)), X)


def test_many_classes(both, make_classifier):
    """Several blocks of columns, the last of them padded."""
    rng = np.random.default_rng(0)
    y = np.arange(300) % 37
    others = rng.integers(20, size=300)
    texts = [f"word{c} and{c} x{n}" for c, n in zip(y, others, strict=True)]
    assert_same_fit(*both(lambda: make_classifier().fit(texts, y)), texts)


def test_warm_start(both, corpus, new_corpus, make_classifier):
    def fit():
        clf = make_classifier(warm_start=True, max_iter=2).fit(*corpus)
        return clf.fit(*new_corpus)

    assert_same_fit(*both(fit), corpus.texts)


def test_partial_fit(both, corpus, make_classifier):
    """The later parts have words, and the third the class, that those before lack."""
    texts, labels = (np.array(part) for part in corpus)
    order = np.argsort(labels == "sea", kind="stable")

    def fit():
        clf = make_classifier()
        for start, stop in pairwise([0, 40, 80, 100, 120]):
            rows = order[start:stop]
            clf.partial_fit(list(texts[rows]), labels[rows], classes=np.unique(labels))
        return clf

    found, expected = both(fit)
    assert_allclose(
        found.decision_function(corpus.texts),
        expected.decision_function(corpus.texts),
        rtol=1e-3,
        atol=1e-3,
    )


def test_partial_fit_after_fit(both, corpus, new_corpus, make_classifier):
    def fit():
        return make_classifier().fit(*corpus).partial_fit(*new_corpus)

    found, expected = both(fit)
    assert_allclose(
        found.decision_function(corpus.texts),
        expected.decision_function(corpus.texts),
        rtol=1e-3,
        atol=1e-3,
    )


def test_a_fit_by_columns_goes_on_by_torch(by_torch, corpus, make_classifier):
    def go_on():
        clf = make_classifier(warm_start=True, max_iter=1).fit(*corpus)
        return clf, lambda: clf.fit(*corpus)

    found, fit = go_on()
    fit()
    expected, fit = go_on()
    by_torch(fit)
    assert_same_fit(found, expected, corpus.texts)


def test_same_bits_with_any_number_of_jobs(corpus, make_classifier, monkeypatch):
    monkeypatch.setattr(column_trainer, "WORK_PER_THREAD", 1)
    y = [f"{label}{i % 8}" for i, label in enumerate(corpus.labels)]
    clfs = [make_classifier(n_jobs=n).fit(corpus.texts, y) for n in (1, 2, 3)]
    assert len(clfs[0].classes_) > 16
    for clf in clfs[1:]:
        assert_array_equal(clf.embedding_, clfs[0].embedding_)
        assert_array_equal(clf.intercept_, clfs[0].intercept_)
        assert clf.loss_curve_ == clfs[0].loss_curve_


@pytest.mark.parametrize("rate", [1e9, 1e14])
def test_a_fit_that_diverges_warns_and_stays_finite(
    rate, by_torch, corpus, make_classifier
):
    def fit():
        clf = make_classifier(learning_rate_init=rate)
        with pytest.warns(ConvergenceWarning) as caught:
            clf.fit(*corpus)
        assert np.isfinite(clf.embedding_).all()
        assert np.isfinite(clf.intercept_).all()
        return [str(warning.message) for warning in caught]

    assert fit() == by_torch(fit)

"""How usual a text is, and from where on: thresholds keep the share that is asked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import entr
from sklearn.base import BaseEstimator
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skbag.labels import novelty_threshold
from tests.conftest import examples


class Given(BaseEstimator):
    """Scores texts by their numbers."""

    def score_samples(self, X):
        return np.array([float(text) for text in X])


# -- score_samples ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"loss": "cross_entropy"},
        {"embedding_dim": 4, "hidden_layer_sizes": (4,), "max_iter": 3},
        {"n_buckets": 512},
    ],
)
@pytest.mark.parametrize("name", ["corpus", "binary_corpus"])
def test_the_negative_entropy_of_probabilities(
    parameters, name, request, make_classifier
):
    corpus = request.getfixturevalue(name)
    clf = make_classifier(**parameters).fit(*corpus)
    texts = [*corpus.texts, "", "unmet words alone", corpus.texts[0] * 50]
    scores = clf.score_samples(texts)
    assert scores.dtype == np.float64
    assert_allclose(scores, -entr(clf.predict_proba(texts)).sum(axis=1), atol=1e-9)
    assert (scores <= 0).all()
    assert (scores >= -np.log(len(clf.classes_)) - 1e-9).all()


def test_extreme_scores_are_finite(make_classifier):
    X = np.eye(3) * 1e6
    clf = make_classifier().fit(np.eye(3), ["a", "b", "c"])
    assert np.isfinite(clf.score_samples(X)).all()


def test_adaptive_softmax(many_corpus, make_classifier):
    clf = make_classifier(loss="adaptive_softmax", embedding_dim=4, max_iter=3)
    clf.fit(*many_corpus)
    texts = many_corpus.texts[:5]
    expected = -entr(clf.predict_proba(texts)).sum(axis=1)
    assert_allclose(clf.score_samples(texts), expected, atol=1e-6)


def test_texts_of_another_kind_are_less_usual(corpus, new_corpus, make_classifier):
    clf = make_classifier().fit(*corpus)
    known = clf.score_samples(new_corpus.texts)
    others = clf.score_samples(["tax return", "the court ruled", "quantum mechanics"])
    assert others.max() < np.median(known)
    compressed = clf.compress().score_samples(new_corpus.texts)
    assert_allclose(compressed, known, atol=0.05)


def test_before_fit_and_of_labels(make_classifier, labels_corpus):
    with pytest.raises(NotFittedError):
        make_classifier().score_samples(["a"])
    clf = make_classifier().fit(*labels_corpus)
    with pytest.raises(ValueError, match="fitted on an indicator matrix, where a sam"):
        clf.score_samples(["a"])


# -- the threshold ---------------------------------------------------------------------


@examples(200)
@given(st.lists(st.integers(-9, 9), min_size=1, max_size=40), st.integers(1, 100))
def test_the_greatest_that_keeps_the_share(scores, percent):
    keep = percent / 100
    threshold = novelty_threshold(Given(), list(map(str, scores)), keep=keep)

    def keeps(limit):
        return 100 * sum(score >= limit for score in scores) >= percent * len(scores)

    assert threshold == max(score for score in scores if keeps(score))


def test_by_default_95_percent():
    assert novelty_threshold(Given(), list(map(str, range(100)))) == 5.0


@pytest.mark.parametrize("wrap", [tuple, np.array, pd.Series, pa.array])
def test_every_container(wrap, corpus, new_corpus, make_classifier):
    clf = make_classifier().fit(*corpus)
    expected = novelty_threshold(clf, new_corpus.texts, keep=0.9)
    assert novelty_threshold(clf, wrap(new_corpus.texts), keep=0.9) == expected
    pipeline = make_pipeline(FunctionTransformer(list), clf)
    assert novelty_threshold(pipeline, wrap(new_corpus.texts), keep=0.9) == expected
    is_known = clf.score_samples(new_corpus.texts) >= expected
    assert 0.9 <= is_known.mean() < 0.93


def test_another_estimator():
    X = np.random.default_rng(0).normal(size=(100, 2))
    forest = IsolationForest(n_estimators=10, random_state=0).fit(X)
    threshold = novelty_threshold(forest, X, keep=0.5)
    assert_array_equal(
        forest.score_samples(X) >= threshold,
        forest.score_samples(X) >= np.sort(forest.score_samples(X))[50],
    )


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"keep": 0}, ValueError, "above 0 and at most 1, got 0"),
        ({"keep": 95}, ValueError, "above 0 and at most 1, got 95"),
        ({"keep": np.nan}, ValueError, "above 0 and at most 1, got nan"),
        (
            {"clf": LogisticRegression()},
            TypeError,
            "score_samples, which this Logistic",
        ),
        ({"X": []}, ValueError, "X holds 0 samples"),
        ({"X": ["nan"]}, ValueError, "scores that are not finite"),
    ],
)
def test_what_it_refuses(change, error, words):
    with pytest.raises(error, match=words):
        novelty_threshold(**{"clf": Given(), "X": ["1"], **change})

"""Early stopping by samples that the caller gives."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_array_equal
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import accuracy_score
from sklearn.model_selection import cross_validate

from skbag import EmbeddingBagClassifier

STOPPING = {"early_stopping": True, "max_iter": 6, "n_iter_no_change": 6}


@pytest.fixture
def given(new_corpus):
    return {"X_val": new_corpus.texts, "y_val": new_corpus.labels}


def test_the_best_score_is_of_these_samples(corpus, given, make_classifier):
    clf = make_classifier(**STOPPING).fit(*corpus, **given)
    assert len(clf.validation_scores_) == clf.n_iter_
    expected = accuracy_score(given["y_val"], clf.predict(given["X_val"]))
    assert clf.best_validation_score_ == pytest.approx(expected)


def test_all_of_x_is_trained_on(corpus, given, make_classifier):
    alone = make_classifier(max_iter=1).fit(*corpus)
    clf = make_classifier(**{**STOPPING, "max_iter": 1}).fit(*corpus, **given)
    assert set(clf.vocabulary_) == set(alone.vocabulary_)
    assert_array_equal(clf.embedding_, alone.embedding_)
    held_out = make_classifier(**{**STOPPING, "max_iter": 1}).fit(*corpus)
    assert len(held_out.vocabulary_) < len(clf.vocabulary_)


def test_weights_count_in_the_score(corpus, given, make_classifier):
    labels = list(given["y_val"])
    wrong = ["sea" if label != "sea" else "garden" for label in labels]
    texts = [*given["X_val"], *given["X_val"]]
    for share, weight in ((0, [1, 0]), (1, [0, 1])):
        clf = make_classifier(**STOPPING).fit(
            *corpus,
            X_val=texts,
            y_val=[*labels, *wrong],
            sample_weight_val=np.repeat(weight, len(labels)),
        )
        right = accuracy_score(labels, clf.predict(given["X_val"]))
        if share == 0:
            assert clf.best_validation_score_ == pytest.approx(right)
        else:
            assert clf.best_validation_score_ <= 1 - right + 1e-9


def test_matrices_in_units_of_their_own(corpus, given, make_classifier):
    vectorizer = TfidfVectorizer().fit(corpus.texts)
    X = vectorizer.transform(corpus.texts).toarray() * 100
    X_val = vectorizer.transform(given["X_val"]).toarray() * 100
    clf = make_classifier(**STOPPING)
    clf.fit(X, corpus.labels, X_val=X_val, y_val=given["y_val"])
    expected = accuracy_score(given["y_val"], clf.predict(X_val))
    assert clf.best_validation_score_ == pytest.approx(expected)


def test_several_labels(corpus, given, make_classifier):
    y, y_val = (
        np.array(labels)[:, np.newaxis] == ["garden", "sea"]
        for labels in (corpus.labels, given["y_val"])
    )
    clf = make_classifier(**STOPPING)
    clf.fit(corpus.texts, y, X_val=given["X_val"], y_val=y_val)
    assert clf.best_validation_score_ == max(clf.validation_scores_)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y_val": None}, "X_val and y_val, .* go together"),
        ({"X_val": None}, "X_val and y_val, .* go together"),
        (
            {"X_val": None, "y_val": None, "sample_weight_val": [1]},
            "X_val and y_val, .* go together",
        ),
        (
            {"y_val": ["sea"]},
            "X_val, y_val or sample_weight_val: X and y have inconsist",
        ),
        ({"X_val": ["a"], "y_val": ["desert"]}, "sample_weight_val: .*'desert'"),
        ({"X_val": [1.0], "y_val": ["sea"]}, "X_val, y_val or sample_weight_val: "),
        ({"X_val": [], "y_val": []}, "X_val, y_val or sample_weight_val: "),
        ({"sample_weight_val": [-1]}, "X_val, y_val or sample_weight_val: "),
    ],
)
def test_what_does_not_go_together(changes, message, corpus, given, make_classifier):
    clf = make_classifier(**STOPPING)
    with pytest.raises((ValueError, TypeError), match=message):
        clf.fit(*corpus, **{**given, **changes})
    assert not hasattr(clf, "classes_")


def test_without_early_stopping_there_is_no_use(corpus, given, make_classifier):
    with pytest.raises(ValueError, match=r"early_stopping=False\. Set early_stopping"):
        make_classifier().fit(*corpus, **given)


def test_metadata_is_routed(corpus, given):
    with sklearn.config_context(enable_metadata_routing=True):
        clf = EmbeddingBagClassifier(**STOPPING, random_state=0)
        clf.set_fit_request(X_val=True, y_val=True)
        found = cross_validate(clf, *corpus, cv=2, params=given, return_estimator=True)
    for fitted in found["estimator"]:
        expected = accuracy_score(given["y_val"], fitted.predict(given["X_val"]))
        assert fitted.best_validation_score_ == pytest.approx(expected)

"""Texts to label next: ranked as by hand, batches that differ, any container."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from skbag.labels import rank_to_label
from skbag.labels._ranking import _squared_distances
from tests.conftest import examples

STRATEGIES = ("margin", "entropy", "diverse")


class Given(ClassifierMixin, BaseEstimator):
    """Gives the probabilities that it is made with, row by row."""

    def __init__(self, probabilities):
        self.probabilities = probabilities

    def predict_proba(self, X):
        return np.asarray(self.probabilities)


@pytest.fixture(scope="module")
def clf(make_classifier, corpus):
    return make_classifier().fit(corpus.texts[:30], corpus.labels[:30])


def texts_of(n):
    return [f"text {i}" for i in range(n)]


# -- the order -------------------------------------------------------------------------

shares = st.lists(st.integers(0, 6), min_size=3, max_size=3).filter(any)


@examples(100)
@given(st.lists(shares, min_size=1, max_size=9), st.integers(1, 10))
def test_ranked_as_by_hand(rows, n):
    rows = [np.array(row) / sum(row) for row in rows]
    given = Given(rows)
    margins, entropies = [], []
    for row in rows:
        second, first = sorted(row)[1:]
        margins.append(first - second)
        entropies.append(-sum(p * np.log(p) for p in row if p))
    found = rank_to_label(given, texts_of(len(rows)), n)
    assert len(found) == len(set(found)) == min(n, len(rows))
    assert_array_equal(found, np.argsort(margins, kind="stable")[:n])
    found = rank_to_label(given, texts_of(len(rows)), n, strategy="entropy")
    assert len(set(found)) == min(n, len(rows))
    ranked = np.array(entropies)[found]
    np.testing.assert_allclose(ranked, np.sort(entropies)[::-1][:n], atol=1e-12)


@pytest.mark.parametrize("strategy", ["margin", "entropy"])
def test_all_are_ranked_where_no_number_is_given(strategy, clf, corpus):
    found = rank_to_label(clf, corpus.texts, strategy=strategy)
    assert sorted(found) == list(range(len(corpus.texts)))


def test_of_one_class_the_least_probable():
    given = Given([[1.0], [1.0]])
    assert_array_equal(rank_to_label(given, ["a", "b"]), [0, 1])


# -- a batch of texts that differ ------------------------------------------------------


def test_a_batch_has_each_kind_of_text():
    kinds = ["late parcel", "refund money", "cannot log in"]
    texts = [f"{kinds[i % 3]} {'please' if i % 2 else 'now'}" for i in range(60)]
    # Of one kind all margins are smaller than those of others.
    margins = np.array([0.1 * (i % 3) for i in range(60)])
    given = Given(np.stack([(1 + margins) / 2, (1 - margins) / 2], axis=1))
    by_margin = rank_to_label(given, texts, 6)
    assert {texts[i][:4] for i in by_margin} == {"late"}
    batch = rank_to_label(given, texts, 6, strategy="diverse", random_state=0)
    assert {texts[i] for i in batch} == set(texts)
    # Most informative first.
    assert (np.diff(margins[batch]) >= 0).all()


def test_distances_to_the_own_centre():
    rng = np.random.default_rng(0)
    vectors = sp.csr_array(rng.normal(size=(20, 9)) * (rng.random((20, 9)) < 0.3))
    centres, labels = rng.normal(size=(4, 9)), rng.integers(0, 4, 20).astype(np.int32)
    expected = np.square(vectors.toarray() - centres[labels]).sum(axis=1)
    found = _squared_distances(vectors, centres, labels)
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 7, 30])
def test_a_batch_is_distinct_and_repeats_itself(n, clf, corpus):
    batch = rank_to_label(clf, corpus.texts, n, strategy="diverse", random_state=0)
    assert len(batch) == len(set(batch.tolist())) == n
    again = rank_to_label(clf, corpus.texts, n, strategy="diverse", random_state=0)
    assert_array_equal(batch, again)


def test_a_batch_is_taken_from_the_smallest_margins(clf, corpus):
    texts = [f"{text} {i}" for i, text in enumerate(corpus.texts)]
    batch = rank_to_label(clf, texts, 2, strategy="diverse", random_state=0)
    assert set(batch) <= set(rank_to_label(clf, texts, 20))


@pytest.mark.parametrize(
    "texts",
    [
        ["same"] * 12,
        ["", " ", "\t"] * 4,
        ["a b", "b a"] * 6,
        ["!", "?"] * 6,
        ["x"],
        ["one"] * 11 + ["other"],
    ],
    ids=["equal", "blank", "equal bags", "marks", "one", "one other"],
)
@pytest.mark.parametrize("n", [1, 2, 5, 12, 40])
def test_few_distinct_texts(texts, n, clf):
    batch = rank_to_label(clf, texts, n, strategy="diverse", random_state=0)
    assert len(batch) == len(set(batch.tolist())) == min(n, len(texts))
    if n > 1 and "other" in texts:
        assert 11 in batch


# -- what comes in ---------------------------------------------------------------------

CONTAINERS = {
    "tuple": tuple,
    "array": np.array,
    "pandas": lambda items: pd.Series(items, index=range(7, 7 + len(items))),
    "polars": pl.Series,
    "arrow": pa.array,
    "pandas frame": lambda items: pd.DataFrame({"text": items}),
    "polars frame": lambda items: pl.DataFrame({"text": items}),
    "arrow table": lambda items: pa.table({"text": items}),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container(name, clf, corpus):
    for strategy in STRATEGIES:
        parameters = {"n": 5, "strategy": strategy, "random_state": 0}
        found = rank_to_label(clf, CONTAINERS[name](corpus.texts), **parameters)
        assert_array_equal(found, rank_to_label(clf, corpus.texts, **parameters))


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_a_data_frame_of_columns(frame, corpus, make_classifier):
    X = frame({"title": corpus.texts, "size": [1.0, np.nan] * (len(corpus.texts) // 2)})
    clf = make_classifier().fit(X, corpus.labels)
    for strategy in STRATEGIES:
        found = rank_to_label(clf, X, 5, strategy=strategy, random_state=0)
        assert len(set(found.tolist())) == 5


@pytest.mark.parametrize("make", [sp.csr_matrix, sp.coo_array, lambda X: X.toarray()])
def test_a_matrix(make, corpus, make_classifier):
    X = make(TfidfVectorizer().fit_transform(corpus.texts))
    clf = make_classifier().fit(X, corpus.labels)
    for strategy in STRATEGIES:
        found = rank_to_label(clf, X, 5, strategy=strategy, random_state=0)
        assert len(set(found.tolist())) == 5


def test_another_classifier(corpus):
    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression())
    pipeline.fit(corpus.texts[:30], corpus.labels[:30])
    for strategy in STRATEGIES:
        found = rank_to_label(pipeline, corpus.texts, 5, strategy=strategy)
        assert len(set(found.tolist())) == 5


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (
            {"strategy": "random"},
            ValueError,
            "one of 'margin', 'entropy', 'diverse', g",
        ),
        ({"strategy": "diverse", "n": None}, ValueError, "chooses a batch.*pass n"),
        ({"n": 0}, ValueError, "n must be a whole number from 1 on, got 0"),
        ({"n": 2.0}, ValueError, "n must be a whole number from 1 on, got 2.0"),
        ({"X": []}, ValueError, "X holds 0 samples"),
        ({"clf": LinearSVC()}, TypeError, "predict_proba, which this LinearSVC"),
        (
            {"clf": Given([[0.9, 0.9]])},
            ValueError,
            "Given do not sum to 1, as with sev",
        ),
        ({"clf": Given([[np.nan] * 2])}, ValueError, "Given do not sum to 1"),
        ({"clf": Given([1.0])}, ValueError, "Given do not sum to 1"),
    ],
)
def test_what_it_refuses(change, error, words, clf):
    with pytest.raises(error, match=words):
        rank_to_label(**{"clf": clf, "X": ["a"], "n": 1, **change})


def test_several_labels_are_refused(labels_corpus, make_classifier):
    clf = make_classifier().fit(*labels_corpus)
    with pytest.raises(ValueError, match="several labels for each sample"):
        rank_to_label(clf, labels_corpus[0])

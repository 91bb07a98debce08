"""Columns of scales that are far apart are trained on in one scale."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_wine
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from skbag._model.predictor import Predictor
from skbag._training.column_scales import (
    ColumnSums,
    column_scales,
    in_scaled_units,
    in_users_units,
    scaled,
)


def words_and_a_number(n=600, seed=0):
    """Words that tell three classes, and a number in thousands that hardly does."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    X = [" ".join(f"w{i}" for i in rng.integers(v * 40, v * 40 + 80, 8)) for v in y]
    number = (y + rng.normal(scale=3, size=n)) * 1000 + 5000
    words = TfidfVectorizer().fit_transform(X)
    return sp.hstack([words, sp.csr_array(number[:, np.newaxis])]).tocsr(), y


def naive(X):
    scales = []
    for column in X.toarray().T:
        values = [float(value) for value in column if value]
        scales.append(
            (sum(v * v for v in values) / len(values)) ** 0.5 if values else 1
        )
    return scales


def test_scales_are_root_mean_squares_of_values():
    rng = np.random.default_rng(0)
    X = rng.random((50, 8)) * (rng.random((50, 8)) < 0.4)
    X = sp.csr_array(X * [1e4, 1, 1, 1, 2, 3, 4, 0])
    scales = column_scales(ColumnSums.of(X))
    assert_allclose(scales, naive(X))
    halves = ColumnSums.of(X[:20]) + ColumnSums.of(X[20:])
    assert_allclose(column_scales(halves), naive(X))
    found = scaled(X, scales).toarray()
    assert_allclose(found, X.toarray() / naive(X))


@pytest.mark.parametrize("vectorizer", [TfidfVectorizer(), CountVectorizer()])
def test_words_are_left_as_they_are(vectorizer, corpus):
    assert column_scales(ColumnSums.of(vectorizer.fit_transform(corpus.texts))) is None


def test_nothing_to_measure():
    assert column_scales(ColumnSums.of(sp.csr_array((3, 4)))) is None


def test_units_there_and_back():
    table = np.arange(6, dtype=np.float32).reshape(3, 2)
    fitted = Predictor(table, ((None, np.zeros(2, np.float32)),))
    scales = np.array([1.0, 10.0, 0.5])
    there = in_scaled_units(fitted, scales)
    assert_allclose(there.dense, table * scales[:, np.newaxis])
    assert_allclose(in_users_units(there, scales).dense, table)
    assert in_scaled_units(fitted, None) is in_users_units(fitted, None) is fitted


@pytest.mark.parametrize(
    "parameters", [{}, {"embedding_dim": 8}, {"early_stopping": True}], ids=str
)
def test_words_are_learnt_beside_a_large_number(parameters, make_classifier):
    """One step for all was right for the number, and next to none for the words."""
    X, y = words_and_a_number()
    clf = make_classifier(**parameters).fit(X[:400], y[:400])
    assert clf.score(X[400:], y[400:]) > 0.8
    scores = X @ clf.coef_.T + clf.intercept_
    assert_allclose(clf.decision_function(X), scores, rtol=1e-3, atol=1e-3)
    dense = make_classifier(**parameters).fit(X[:400].toarray(), y[:400])
    assert_array_equal(dense.predict(X.toarray()), clf.predict(X))


def test_a_warm_start_goes_on_in_the_same_units(make_classifier):
    X, y = words_and_a_number()
    clf = make_classifier(warm_start=True).fit(X[:400], y[:400])
    before = clf.score(X[400:], y[400:])
    assert clf.fit(X[:400], y[:400]).score(X[400:], y[400:]) > before - 0.05


def test_a_table_of_measurements(make_classifier):
    X, y = load_wine(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    clf = make_classifier().fit(X[order[:120]], y[order[:120]])
    assert clf.score(X[order[120:]], y[order[120:]]) > 0.85

"""Columns of scales that are far apart are trained on in one scale."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbag._core.bags import Bags
from skbag._model.predictor import Predictor
from skbag._training.column_scales import ColumnSums, ColumnUnits, column_units
from skbag._weighting.column_moments import ColumnMoments


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
    units = column_units(ColumnSums.of(X))
    assert units.mean is None
    assert_allclose(units.scales, naive(X))
    halves = ColumnSums.of(X[:20]) + ColumnSums.of(X[20:])
    assert_allclose(column_units(halves).scales, naive(X))
    assert_allclose(units.of(X).toarray(), X.toarray() / naive(X))


@pytest.mark.parametrize("vectorizer", [TfidfVectorizer(), CountVectorizer()])
def test_words_are_left_as_they_are(vectorizer, corpus):
    sums = ColumnSums.of(vectorizer.fit_transform(corpus.texts))
    assert column_units(sums) is None
    assert not sums.are_dense


@pytest.mark.parametrize("shape", [(3, 4), (3, 0), (0, 4)], ids=str)
def test_nothing_to_measure(shape):
    sums = ColumnSums.of(sp.csr_array(shape))
    assert column_units(sums) is None
    assert not sums.are_dense


@pytest.mark.parametrize("share, are_dense", [(0.2, False), (0.4, True)])
def test_columns_of_many_values_are_measurements(share, are_dense):
    rng = np.random.default_rng(0)
    X = sp.csr_array((rng.random((200, 9)) < share) * rng.random((200, 9)))
    assert ColumnSums.of(X).are_dense == are_dense


def predictors():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(3, 2)).astype(np.float32)
    ones = np.ones(2, np.float32)
    square = rng.normal(size=(2, 2)).astype(np.float32)
    yield Predictor(table, ((None, ones),))
    yield Predictor(table, ((square, ones), (square.T, 2 * ones)))


@pytest.mark.parametrize("mean", [None, np.array([5.0, -1.0, 0.0])], ids=str)
@pytest.mark.parametrize("fitted", list(predictors()), ids=["scores", "layers"])
def test_scores_are_the_same_in_all_units(fitted, mean):
    units = ColumnUnits(np.array([1.0, 10.0, 0.5]), mean)
    there = units.of_trained(fitted)
    X = sp.csr_array(np.random.default_rng(1).normal(size=(7, 3)).astype(np.float32))
    expected = fitted.scores(Bags.from_csr(X))
    found = there.scores(Bags.from_csr(units.of(X)))
    assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    back = units.to_users(there).scores(Bags.from_csr(X))
    assert_allclose(back, expected, rtol=1e-4, atol=1e-5)


def test_standardised_columns_have_mean_zero_and_spread_one():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 4)) * [1, 100, 1e-3, 0] + [1e4, 0, 1, 7]
    X = sp.csr_array(X.astype(np.float32))
    units = ColumnUnits.of_moments(ColumnMoments.of_csr(X))
    found = units.of(X).toarray().astype(np.float64)
    assert_allclose(found.mean(axis=0), 0, atol=1e-5)
    assert_allclose(found.std(axis=0), [1, 1, 1, 0], atol=1e-4)


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


SETS = [load_breast_cancer, load_wine, load_digits]


@pytest.mark.parametrize("load", SETS, ids=lambda load: load.__name__)
def test_measurements_are_learnt_as_by_a_logistic_regression(load, make_classifier):
    X, y = load(return_X_y=True)
    peer = make_pipeline(StandardScaler(), LogisticRegression())
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    expected = cross_val_score(peer, X, y, cv=folds).mean()
    assert cross_val_score(make_classifier(), X, y, cv=folds).mean() > expected - 0.015


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"embedding_dim": 8},
        {"embedding_dim": 8, "hidden_layer_sizes": (8,)},
        {"loss": "cross_entropy"},
        {"early_stopping": True},
    ],
    ids=str,
)
def test_units_of_columns_do_not_matter(parameters, make_classifier):
    X, y = load_wine(return_X_y=True)
    moved = X * np.logspace(-3, 3, X.shape[1]) + np.arange(X.shape[1])
    ours = make_classifier(**parameters).fit(X, y).decision_function(X)
    of_moved = make_classifier(**parameters).fit(moved, y).decision_function(moved)
    assert_allclose(of_moved, ours, atol=0.02 * np.abs(ours).max())


def test_dense_scores_are_a_sum_over_the_users_values(make_classifier):
    X, y = load_wine(return_X_y=True)
    clf = make_classifier().fit(X, y)
    scores = X @ clf.coef_.T + clf.intercept_
    assert_allclose(clf.decision_function(X), scores, rtol=1e-3, atol=1e-3)
    assert_allclose(clf.explain(X[:5]).scores, scores[:5], rtol=1e-3, atol=1e-3)


def test_a_constant_column_changes_nothing(make_classifier):
    X, y = load_wine(return_X_y=True)
    with_constant = np.column_stack([X, np.full(len(y), 1e5)])
    clf = make_classifier().fit(with_constant, y)
    assert_array_equal(clf.coef_[:, -1], 0)
    expected = make_classifier().fit(X, y).decision_function(X)
    assert_allclose(clf.decision_function(with_constant), expected, atol=1e-3)


def test_samples_of_no_weight_have_no_part_in_means(make_classifier):
    X, y = load_wine(return_X_y=True)
    weight = np.arange(len(y)) % 2
    others = np.where(weight[:, np.newaxis] > 0, X, 1e9)
    clf = make_classifier().fit(others, y, weight)
    expected = make_classifier().fit(X[weight > 0], y[weight > 0])
    assert_array_equal(clf.coef_, expected.coef_)


def test_a_stream_of_measurements(make_classifier):
    """Means and scales are those of all parts so far; a copy goes on as the model."""
    X, y = load_digits(return_X_y=True)
    clf, classes = make_classifier(), np.unique(y)
    for start in range(0, 1500, 250):
        part = slice(start, start + 250)
        clf.partial_fit(X[part] * 100 - 50, y[part], classes=classes)
        clf = pickle.loads(pickle.dumps(clf))
    accuracy = clf.score(X[1500:] * 100 - 50, y[1500:])
    peer = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[:1500], y[:1500])
    assert accuracy > peer.score(X[1500:], y[1500:]) - 0.06


def test_a_stream_goes_on_from_a_fit(make_classifier):
    X, y = load_wine(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    X, y = X[order], y[order]
    clf = make_classifier().fit(X[:100], y[:100])
    before = clf.decision_function(X[100:])
    clf.partial_fit(X[100:101], y[100:101])
    change = np.abs(clf.decision_function(X[100:]) - before)
    assert np.median(change) < 0.2
    assert clf.partial_fit(X[101:140], y[101:140]).score(X[140:], y[140:]) > 0.9

"""The k best are those of a full sort, ties and all, in parts, for any model."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.preprocessing import MultiLabelBinarizer

from skbag._model import predictor
from skbag._model.top_k import best_columns, check_k

MODELS = {
    "default": {},
    "two layers": {"embedding_dim": 4},
    "cross-entropy": {"loss": "cross_entropy"},
    "hidden layer": {"embedding_dim": 4, "hidden_layer_sizes": (5,)},
}
SETS = {"kitchen": ["warm", "dry"], "sea": ["wet"], "garden": ["wet", "warm"]}


@given(
    scores=arrays.arrays(
        np.float32,
        st.tuples(st.integers(1, 6), st.integers(1, 12)),
        # Few values: ties everywhere.
        elements=st.sampled_from([-1.0, -0.0, 0.0, 0.5, 2.0]),
    ),
    data=st.data(),
)
def test_best_columns_are_the_first_of_a_stable_sort(scores, data):
    k = data.draw(st.integers(1, scores.shape[1]))
    expected = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(best_columns(scores, k), expected)


@pytest.mark.parametrize("k", [0, -1, 4])
def test_k_out_of_range(k):
    with pytest.raises(ValueError, match=f"to the number of classes, 3, got {k}"):
        check_k(k, 3)


@pytest.mark.parametrize("k", [1.0, "2", None, True, np.array([1, 2])])
def test_k_must_be_a_whole_number(k):
    with pytest.raises(TypeError, match="k must be an integer, the number of classes"):
        check_k(k, 3)


@pytest.fixture(params=["whole", "in small parts"])
def parts(request, monkeypatch):
    if request.param != "whole":
        monkeypatch.setattr(predictor, "NUMBERS_AT_ONCE", 7)


def assert_best(clf, texts, k, wide):
    labels, probabilities = clf.top_k(texts, k)
    order = np.argsort(-wide, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(labels, clf.classes_[order])
    proba = clf.predict_proba(texts)
    np.testing.assert_array_equal(
        probabilities, np.take_along_axis(proba, order, axis=1)
    )
    assert labels.dtype == clf.classes_.dtype
    assert (np.diff(probabilities) <= 0).all()


@pytest.mark.parametrize("name", MODELS)
def test_several_classes(name, parts, corpus, new_corpus, make_classifier):
    clf = make_classifier(**MODELS[name]).fit(*corpus)
    texts = [*new_corpus.texts, "", "unseen"]
    for k in (1, 2, np.int64(3)):
        assert_best(clf, texts, k, clf.decision_function(texts))


@pytest.mark.parametrize("name", MODELS)
def test_two_classes(name, parts, binary_corpus, make_classifier):
    clf = make_classifier(**MODELS[name]).fit(*binary_corpus)
    texts = [*binary_corpus.texts[:30], ""]
    scores = clf.decision_function(texts)
    for k in (1, 2):
        assert_best(clf, texts, k, np.stack([-scores, scores], axis=1))


@pytest.mark.parametrize("name", MODELS)
def test_labels(name, parts, corpus, make_classifier):
    y = MultiLabelBinarizer().fit_transform([SETS[label] for label in corpus.labels])
    clf = make_classifier(**MODELS[name]).fit(corpus.texts, y)
    for k in (1, 3):
        assert_best(clf, corpus.texts, k, clf.decision_function(corpus.texts))


def test_first_is_what_predict_says(corpus, new_corpus, make_classifier):
    clf = make_classifier().fit(*corpus)
    labels, _ = clf.top_k(new_corpus.texts, 1)
    np.testing.assert_array_equal(labels[:, 0], clf.predict(new_corpus.texts))


def test_equal_classes_come_in_their_order(make_classifier):
    clf = make_classifier().fit(["a b", "c d"] * 6, ["x", "y"] * 6)
    clf._model.predictor.layers[-1][1][:] = 0
    assert clf.top_k([""], 2)[0].tolist() == [["x", "y"]]


def test_a_matrix(make_classifier):
    X = np.random.default_rng(0).random((40, 5))
    clf = make_classifier().fit(X, np.arange(40) % 4)
    assert_best(clf, X, 2, clf.decision_function(X))


def test_bad_k_and_no_fit(corpus, make_classifier):
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError, match="not fitted yet"):
        make_classifier().top_k(["a"], 1)
    clf = make_classifier().fit(*corpus)
    with pytest.raises(ValueError, match="number of classes, 3, got 4"):
        clf.top_k(["a"], 4)
    with pytest.raises(TypeError, match=r"k must be an integer.* got 2\.0"):
        clf.top_k(["a"], 2.0)

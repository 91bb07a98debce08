"""Prediction with numpy: scores of bags, in chunks of bounded size."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from skbag._core.bags import Bags
from skbag._model import model as model_module
from skbag._model.model import Featurizer, Model, chunk_bounds
from skbag._model.predictor import Predictor
from skbag._text.plain_encoder import PlainEncoder
from skbag._text.vocabulary_encoder import VocabularyEncoder
from skbag._weighting.weighting import Weighting

RNG = np.random.default_rng(0)
PLAIN = Weighting(use_idf=False, sublinear_tf=False, norm=None, supervised=False)


def array(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def texts(n=10, n_ids=8):
    return sp.csr_array(
        sp.random(n, n_ids, density=0.4, random_state=1, dtype=np.float32)
    )


def model(n_ids=8):
    fitted = Predictor(array(n_ids, 3), ((None, array(3)),))
    return Model(Featurizer(None, PLAIN, None, None), fitted, 1.0)


def test_direct_scores():
    fitted = Predictor(array(8, 3), ((None, array(3)),))
    expected = texts().toarray() @ fitted.embedding + fitted.layers[0][1]
    np.testing.assert_allclose(
        fitted.scores(Bags.from_csr(texts())), expected, rtol=1e-5, atol=1e-6
    )


def test_scores_through_a_hidden_layer():
    fitted = Predictor(array(8, 4), ((array(5, 4), array(5)), (array(2, 5), array(2))))
    (w1, b1), (w2, b2) = fitted.layers
    hidden = np.maximum(texts().toarray() @ fitted.embedding @ w1.T + b1, 0)
    np.testing.assert_allclose(
        fitted.scores(Bags.from_csr(texts())), hidden @ w2.T + b2, rtol=1e-4, atol=1e-5
    )


def test_empty_texts_are_answered_by_the_intercept():
    fitted = Predictor(array(8, 3), ((None, array(3)),))
    scores = fitted.scores(Bags.from_csr(sp.csr_array((2, 8))))
    np.testing.assert_array_equal(scores, np.tile(fitted.layers[0][1], (2, 1)))


@given(st.lists(st.integers(0, 50), max_size=30), st.integers(1, 60))
@settings(deadline=None)
def test_chunks_cover_everything_in_bounded_runs(sizes, limit):
    bounds = chunk_bounds(sizes, limit)
    assert bounds[0][0] == 0
    assert bounds[-1][1] == len(sizes)
    assert all(a[1] == b[0] for a, b in zip(bounds, bounds[1:], strict=False))
    for start, stop in bounds:
        assert stop > start or not sizes
        assert sum(sizes[start + 1 : stop]) <= limit


@pytest.mark.parametrize("limit", [1, 3, 1000])
@pytest.mark.parametrize("n_threads", [1, 2, 5])
def test_chunks_and_threads_do_not_change_scores(monkeypatch, limit, n_threads):
    made, X = model(), texts()
    expected, vectors = made.scores(X), made.vectors(X)
    monkeypatch.setattr(model_module, "ENTRIES_PER_CHUNK", limit)
    np.testing.assert_array_equal(made.scores(X, n_threads), expected)
    np.testing.assert_array_equal(made.vectors(X, n_threads), vectors)


@pytest.mark.parametrize("n_threads", [1, 2, 5])
@pytest.mark.parametrize("n_texts", [1, 2, 50, 999, 5000])
def test_texts_are_cut_alike_for_each_thread(n_texts, n_threads, monkeypatch):
    monkeypatch.setattr(model_module, "CHARACTERS_PER_CHUNK", 1000)
    featurizer = Featurizer(VocabularyEncoder(), PLAIN, None, None)
    X = [str(i) for i in range(n_texts)]
    parts = featurizer.chunks(X, n_threads)
    assert [text for part in parts for text in part] == X
    lengths = [sum(map(len, part)) for part in parts]
    assert max(lengths) <= 1000
    if sum(lengths) > 1000:
        assert max(lengths) < 2 * sum(lengths) / len(lengths)


@pytest.mark.parametrize("n_threads", [1, 2, 5])
@pytest.mark.parametrize("kind", [VocabularyEncoder, PlainEncoder])
def test_texts_score_the_same_in_threads(kind, n_threads, monkeypatch):
    monkeypatch.setattr(model_module, "CHARACTERS_PER_CHUNK", 40)
    encoder = kind()
    documents = [f"text {i % 7} of {i}" for i in range(99)]
    encoder.learn(documents[:40])
    table = np.random.default_rng(0).normal(size=(encoder.n_ids, 3)).astype("f")
    featurizer = Featurizer(encoder, PLAIN, None, None)
    fitted = Predictor(table, ((None, np.zeros(3, dtype="f")),))
    made = Model(featurizer, fitted, 1.0)
    one_by_one = np.concatenate([made.scores([text]) for text in documents])
    np.testing.assert_array_equal(made.scores(documents, n_threads), one_by_one)

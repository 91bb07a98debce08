"""Prediction with numpy: scores of bags, in chunks of bounded size."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from skbag import _model
from skbag._bags import Bags
from skbag._fitted import Fitted
from skbag._model import Featurizer, Model, chunk_bounds
from skbag._weighting import Weighting

RNG = np.random.default_rng(0)


def array(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def texts(n=10, n_ids=8):
    return sp.csr_array(
        sp.random(n, n_ids, density=0.4, random_state=1, dtype=np.float32)
    )


def model(n_ids=8):
    fitted = Fitted(array(n_ids, 3), ((None, array(3)),))
    plain = Weighting(False, False, None, supervised=False)
    return Model(Featurizer(None, plain, None, None), fitted, 1.0)


def test_direct_scores():
    fitted = Fitted(array(8, 3), ((None, array(3)),))
    expected = texts().toarray() @ fitted.embedding + fitted.layers[0][1]
    np.testing.assert_allclose(
        fitted.scores(Bags.from_csr(texts())), expected, rtol=1e-5, atol=1e-6
    )


def test_scores_through_a_hidden_layer():
    fitted = Fitted(array(8, 4), ((array(5, 4), array(5)), (array(2, 5), array(2))))
    (w1, b1), (w2, b2) = fitted.layers
    hidden = np.maximum(texts().toarray() @ fitted.embedding @ w1.T + b1, 0)
    np.testing.assert_allclose(
        fitted.scores(Bags.from_csr(texts())), hidden @ w2.T + b2, rtol=1e-4, atol=1e-5
    )


def test_empty_texts_are_answered_by_the_intercept():
    fitted = Fitted(array(8, 3), ((None, array(3)),))
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
def test_chunks_do_not_change_scores(monkeypatch, limit):
    made, X = model(), texts()
    expected, vectors = made.scores(X), made.vectors(X)
    monkeypatch.setattr(_model, "ENTRIES_PER_CHUNK", limit)
    np.testing.assert_array_equal(made.scores(X), expected)
    np.testing.assert_array_equal(made.vectors(X), vectors)

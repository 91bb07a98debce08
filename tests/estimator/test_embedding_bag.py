"""What the base class does for both estimators."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge

from skbag import EmbeddingBagRegressor
from skbag._estimator.embedding_bag import BaseEmbeddingBag


def numbers_of_texts(n=400, seed=0):
    """Texts of words that each add a number of their own, and a little noise."""
    rng = np.random.default_rng(seed)
    worth = np.random.default_rng(1).normal(size=30)
    words = rng.integers(0, 30, (n, 6))
    texts = [" ".join(f"word{i}" for i in row) for row in words]
    return texts, 100 + 20 * (worth[words].sum(axis=1) + rng.normal(0, 0.1, n))


PARAMETERS = [
    {},
    {"embedding_dim": 8, "max_iter": 30},
    {"early_stopping": True},
    {"supervised_weighting": False},
]


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_a_regressor_learns(parameters):
    X, y = numbers_of_texts()
    model = EmbeddingBagRegressor(random_state=0, **parameters).fit(X[:300], y[:300])
    assert model.score(X[300:], y[300:]) > 0.7
    assert model.transform(X[:3]).shape == (3, parameters.get("embedding_dim", 1))
    again = clone(model).fit(X[:300], y[:300])
    assert_array_equal(again.predict(X), model.predict(X))


def test_on_a_matrix_it_is_about_ridge_regression():
    rng = np.random.default_rng(0)
    X = sp.csr_array(rng.normal(size=(300, 5)))
    y = X @ np.arange(5.0) + 7
    model = EmbeddingBagRegressor(random_state=0, max_iter=40, alpha=0.0).fit(X, y)
    peer = Ridge(alpha=1e-3).fit(X, y)
    assert_allclose(model.predict(X), peer.predict(X), atol=0.2)


def test_it_streams_and_goes_on():
    X, y = numbers_of_texts()
    y = (y - y.mean()) / y.std()
    model = EmbeddingBagRegressor(random_state=0)
    for start in range(0, 300, 100):
        model.partial_fit(X[start : start + 100], y[start : start + 100])
    assert model.score(X[300:], y[300:]) > 0.5
    warm = EmbeddingBagRegressor(random_state=0, warm_start=True).fit(X[:200], y[:200])
    assert warm.fit(X[200:300], y[200:300]).score(X[300:], y[300:]) > 0.5


def test_messages_name_the_estimator():
    with pytest.raises(
        NotFittedError, match="This EmbeddingBagRegressor instance is not fitted"
    ):
        EmbeddingBagRegressor().predict(["a text"])
    X, y = numbers_of_texts(50)
    model = EmbeddingBagRegressor(random_state=0).fit(X, y)
    with pytest.raises(
        ValueError, match="this EmbeddingBagRegressor was fitted on texts"
    ):
        model.predict(np.eye(3))
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping"):
        model.set_params(early_stopping=True).partial_fit(X, y)


def test_nothing_below_the_classifier_asks_whether_it_is_one():
    import inspect
    from pathlib import Path

    folder = Path(inspect.getfile(BaseEmbeddingBag)).parents[1]
    # Of the packages below; what takes any estimator may ask.
    sources = list(folder.glob("_*/*.py"))
    assert sources
    assert not [path for path in sources if "is_classifier" in path.read_text("utf-8")]

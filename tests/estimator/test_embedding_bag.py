"""The base class serves more than classes: a regressor in thirty lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import RegressorMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.utils._param_validation import StrOptions

from skbag import EmbeddingBagClassifier
from skbag._estimator.embedding_bag import BaseEmbeddingBag
from skbag._estimator.parameters import CONSTRAINTS
from skbag._targets.targets import Targets


class SquaredError:
    """Half of the squared error, of numbers scaled to a variance of 1."""

    name = "squared_error"
    calibrated_by_temperature = False
    curvature = 1.0
    max_sample_weight = 1.0
    clustered = False

    def gradient(self, scores, codes, weights):
        gradient = scores - codes.to(scores.dtype).unsqueeze(1)
        value = 0.5 * gradient.square().sum(1)
        if weights is not None:
            gradient, value = gradient * weights.unsqueeze(1), value * weights
        return gradient, value.sum()

    def constant_scores(self, shares):
        return shares


@dataclass(frozen=True, eq=False)
class NumberTargets(Targets):
    """Numbers, coded by how many standard deviations they are from their mean."""

    mean: float
    scale: float

    @property
    def n_outputs(self):
        return 1

    def facts(self):
        return {"y": "numbers"}

    def merge(self, parts, codes):
        return self, codes

    def check_same(self, earlier):
        assert isinstance(earlier, NumberTargets)

    def encode(self, y):
        return (np.asarray(y, dtype=float) - self.mean) / self.scale

    def loss(self, loss):
        return loss

    def sums(self, codes, sample_weight):
        return np.array([np.sum(codes)])

    def constant_scores(self, loss, sums, n_samples):
        return sums / n_samples

    def numbers(self, codes):
        return codes[:, np.newaxis]

    def predict_codes(self, scores):
        return scores[:, 0]

    def collect(self, predictions):
        return np.concatenate(predictions) * self.scale + self.mean

    def skill_score(self, scores, codes, sample_weight, counts, n_samples):
        error = np.average((scores[:, 0] - codes) ** 2, weights=sample_weight)
        return float(np.clip(1 - error / np.var(codes), 0, 1))

    def sample_scores(self, predictions, codes):
        return -((predictions - codes) ** 2)


class Regressor(RegressorMixin, BaseEmbeddingBag):
    _losses: ClassVar = {"squared_error": SquaredError()}
    _parameter_constraints: ClassVar = {
        **CONSTRAINTS,
        "loss": [StrOptions({"squared_error"})],
    }

    def __init__(self, loss="squared_error", random_state=None, embedding_dim=None,
                 early_stopping=False, supervised_weighting=False, max_iter="auto",
                 warm_start=False, alpha="auto"):  # fmt: skip
        self.loss = loss
        self.random_state = random_state
        self.embedding_dim = embedding_dim
        self.early_stopping = early_stopping
        self.supervised_weighting = supervised_weighting
        self.max_iter = max_iter
        self.warm_start = warm_start
        self.alpha = alpha

    def __getattr__(self, name: str) -> Any:
        # The parameters that this one does not spell out, as the classifier has them.
        if name in CONSTRAINTS:
            return EmbeddingBagClassifier().get_params()[name]
        raise AttributeError(name)

    def _learn_targets(self, y, communicator):
        y = np.asarray(y, dtype=float)
        targets = NumberTargets(float(y.mean()), float(y.std()))
        return targets, targets.encode(y)

    def _announce_targets(self, y, **announced):
        return getattr(self, "_targets", None) or NumberTargets(0.0, 1.0)

    def partial_fit(self, X, y, sample_weight=None):
        self._learn_part(X, y, sample_weight)
        return self

    def predict(self, X):
        return self._predict(X)


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
    {"supervised_weighting": True},
]


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_a_regressor_learns(parameters):
    X, y = numbers_of_texts()
    model = Regressor(random_state=0, **parameters).fit(X[:300], y[:300])
    assert model.score(X[300:], y[300:]) > 0.7
    assert model.transform(X[:3]).shape == (3, parameters.get("embedding_dim", 1))
    again = clone(model).fit(X[:300], y[:300])
    assert_array_equal(again.predict(X), model.predict(X))


def test_on_a_matrix_it_is_about_ridge_regression():
    rng = np.random.default_rng(0)
    X = sp.csr_array(rng.normal(size=(300, 5)))
    y = X @ np.arange(5.0) + 7
    model = Regressor(random_state=0, max_iter=40, alpha=0.0).fit(X, y)
    peer = Ridge(alpha=1e-3).fit(X, y)
    assert_allclose(model.predict(X), peer.predict(X), atol=0.2)


def test_it_streams_and_goes_on():
    X, y = numbers_of_texts()
    y = (y - y.mean()) / y.std()
    model = Regressor(random_state=0)
    for start in range(0, 300, 100):
        model.partial_fit(X[start : start + 100], y[start : start + 100])
    assert model.score(X[300:], y[300:]) > 0.5
    warm = Regressor(random_state=0, warm_start=True).fit(X[:200], y[:200])
    assert warm.fit(X[200:300], y[200:300]).score(X[300:], y[300:]) > 0.5


def test_messages_name_the_estimator():
    with pytest.raises(NotFittedError, match="This Regressor instance is not fitted"):
        Regressor().predict(["a text"])
    X, y = numbers_of_texts(50)
    model = Regressor(random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="this Regressor was fitted on texts"):
        model.predict(np.eye(3))
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping"):
        model.set_params(early_stopping=True).partial_fit(X, y)


def test_nothing_below_the_classifier_asks_whether_it_is_one():
    import inspect
    from pathlib import Path

    folder = Path(inspect.getfile(BaseEmbeddingBag)).parents[1]
    above = {"_classifier.py", "datasets", "testing"}
    paths = list(folder.rglob("*.py"))
    sources = [
        path for path in paths if not above & set(path.relative_to(folder).parts)
    ]
    assert sources
    assert not [path for path in sources if "is_classifier" in path.read_text("utf-8")]

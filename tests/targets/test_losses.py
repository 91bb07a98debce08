"""Scores become probabilities; which loss is for what. All losses: tests/contracts."""

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array

from skbag._targets.label_sets import LabelSets, as_array
from skbag._targets.links import (
    label_log_probabilities,
    label_probabilities,
    log_probabilities,
    predicted_codes,
    probabilities,
    softplus_log_probabilities,
    softplus_probabilities,
)
from skbag._targets.losses import (
    LOSSES,
    MANY_CLASSES,
    constant_squared_hinge,
    of_classes,
    of_labels,
    squared_hinge_slopes,
)


@pytest.mark.parametrize("width", [1, 4])
def test_probabilities_are_a_distribution_in_the_order_of_scores(width):
    scores = np.random.default_rng(0).normal(size=(50, width)).astype(np.float32) * 30
    p = probabilities(scores, 1.7)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    assert ((p >= 0) & (p <= 1)).all()
    np.testing.assert_array_equal(p.argmax(axis=1), predicted_codes(scores))
    finite = p > 0
    np.testing.assert_allclose(
        log_probabilities(scores, 1.7)[finite],
        np.log(p[finite]),
        rtol=1e-9,
        atol=1e-12,
    )


def test_two_classes_are_the_logistic_function():
    scores = np.array([[-3.0], [0.0], [2.0]], dtype=np.float32)
    expected = 1 / (1 + np.exp(-1.5 * scores.ravel().astype(float)))
    np.testing.assert_allclose(probabilities(scores, 1.5)[:, 1], expected)


def test_shares_of_softplus():
    scores = np.array([[-3.0, 0.5, 2.0], [0.1, 0.1, 0.1]], dtype=np.float32)
    shares = np.log(1 + np.exp(4.0 * scores.astype(float)))
    expected = shares / shares.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(softplus_probabilities(scores, 4.0), expected)
    np.testing.assert_allclose(
        softplus_log_probabilities(scores, 4.0), np.log(expected)
    )


def test_shares_of_softplus_far_below_zero_are_a_softmax():
    scores = np.array([[-500.0, -500.5, -800.0], [-1.0, 2.0, 0.0]], dtype=np.float32)
    p = softplus_probabilities(scores, 3.0)
    np.testing.assert_allclose(p[0], probabilities(scores[:1], 3.0)[0], rtol=1e-9)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    logs = softplus_log_probabilities(scores, 3.0)
    np.testing.assert_allclose(logs[0, 2] - logs[0, 0], -900)
    np.testing.assert_allclose(p[1], softplus_probabilities(scores[1:], 3.0)[0])


def test_no_rows_of_softplus():
    assert softplus_probabilities(np.empty((0, 3), np.float32), 2.0).shape == (0, 3)


def test_log_probabilities_do_not_underflow():
    scores = np.array([[0.0, 5000.0]], dtype=np.float32)
    assert log_probabilities(scores, 1.0)[0, 0] == -5000


# -- labels ----------------------------------------------------------------------------


def test_probabilities_of_labels_are_each_by_itself():
    scores = np.array([[-800.0, 0.0, 3.0]], dtype=np.float32)
    p = label_probabilities(scores, 2.0)
    np.testing.assert_allclose(p, [[0, 0.5, 1 / (1 + np.exp(-6))]], atol=1e-12)
    logarithms = label_log_probabilities(scores, 2.0)
    assert logarithms[0, 0] == -1600
    np.testing.assert_allclose(logarithms[0, 1:], np.log(p[0, 1:]))


def test_adaptive_softmax_is_for_one_class_of_many():
    loss = LOSSES["adaptive_softmax"]
    assert of_classes(loss, 10) is LOSSES["cross_entropy"]
    assert of_classes(loss, MANY_CLASSES) is loss
    assert of_classes(LOSSES["squared_hinge"], 10) is LOSSES["squared_hinge"]
    with pytest.raises(ValueError, match="is for one class per sample, but y is an"):
        of_labels(loss, None)


KINDS = ["classes", "labels", "weighted labels"]


def squared_hinge_of(kind, width, rng):
    """Loss, codes of 30 samples, and weights of labels."""
    if kind == "classes":
        codes = rng.integers(max(width, 2), size=30)
        return LOSSES["squared_hinge"], codes, None
    weights = rng.uniform(0.5, 4, size=width) if kind != "labels" else None
    indicator = (rng.random((30, width)) < 0.3).astype(int)
    codes = LabelSets.from_csr(csr_array(indicator))
    return of_labels(LOSSES["squared_hinge"], weights), codes, weights


@pytest.mark.parametrize("width", [1, 2, 5])
@pytest.mark.parametrize("kind", KINDS)
def test_slopes_of_the_squared_hinge_are_those_of_torch(kind, width):
    rng = np.random.default_rng(width)
    loss, codes, weights = squared_hinge_of(kind, width, rng)
    scores = rng.normal(scale=2, size=(30, width))
    gradient, _ = loss.gradient(
        torch.from_numpy(scores), torch.from_numpy(as_array(codes)), None
    )
    found = squared_hinge_slopes(scores, codes, weights)
    np.testing.assert_allclose(found, gradient.numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("width", [1, 2, 5])
@pytest.mark.parametrize("kind", KINDS)
def test_squared_hinge_of_constant_scores_is_that_of_torch(kind, width):
    rng = np.random.default_rng(width)
    scores = rng.normal(size=width)
    loss, codes, weights = squared_hinge_of(kind, width, rng)
    _, value = loss.gradient(
        torch.from_numpy(np.tile(scores, (30, 1))),
        torch.from_numpy(as_array(codes)),
        None,
    )
    found = constant_squared_hinge(scores, codes, weights)
    np.testing.assert_allclose(found, float(value) / 30, rtol=1e-12)

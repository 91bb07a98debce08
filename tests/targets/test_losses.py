"""Scores become probabilities; which loss is for what. All losses: tests/contracts."""

from itertools import product

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_array

from skbag._targets.label_sets import LabelSets, as_array
from skbag._targets.links import (
    DEFAULT_INVERSE_TEMPERATURE,
    PRIOR_STD,
    class_scores,
    fit_inverse_temperature,
    fit_label_inverse_temperature,
    label_log_probabilities,
    label_probabilities,
    log_probabilities,
    predicted_codes,
    probabilities,
)
from skbag._targets.losses import (
    LOSSES,
    MANY_CLASSES,
    constant_squared_hinge,
    of_classes,
    of_labels,
)
from tests.conftest import rotating


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


def test_log_probabilities_do_not_underflow():
    scores = np.array([[0.0, 5000.0]], dtype=np.float32)
    assert log_probabilities(scores, 1.0)[0, 0] == -5000


@pytest.mark.parametrize("width", [1, 5])
@pytest.mark.parametrize("weighted", [False, True])
def test_temperature_minimises_the_log_loss(width, weighted):
    rng = np.random.default_rng(3)
    scores = rng.normal(size=(400, width)).astype(np.float32)
    wide = class_scores(scores) * 2.5 + rng.gumbel(size=(400, max(width, 2)))
    codes = wide.argmax(axis=1)
    weights = rng.uniform(0.1, 3, size=400) if weighted else None

    def log_loss(inverse_temperature):
        rows = log_probabilities(scores, inverse_temperature)[np.arange(400), codes]
        return -np.average(rows, weights=weights)

    best = fit_inverse_temperature(scores, codes, weights)
    assert log_loss(best) <= min(log_loss(best * 0.98), log_loss(best * 1.02))


def test_temperature_of_nothing_and_of_separable_scores():
    nothing = np.empty((0, 3), np.float32), np.empty(0, np.int64)
    assert fit_inverse_temperature(*nothing) == DEFAULT_INVERSE_TEMPERATURE
    assert fit_inverse_temperature(*nothing, usual=7.0) == 7
    separable = np.array([[-1.0], [1.0]], dtype=np.float32)
    assert 1 < fit_inverse_temperature(separable, np.array([0, 1])) <= 100


def negative_log_posterior(inverse_temperature, scores, codes, weights, usual):
    """As the docstring says it, one sample at a time."""
    p = probabilities(scores, inverse_temperature)[np.arange(len(codes)), codes]
    weights = np.ones(len(codes)) if weights is None else weights
    n = weights.sum() ** 2 / (weights**2).sum()
    log_prior = -((np.log(inverse_temperature) - np.log(usual)) ** 2) / 2
    return n * np.average(-np.log(p), weights=weights) - (log_prior / PRIOR_STD**2)


@rotating(
    n_and_signal=list(product([1, 3, 20, 500], [0.0, 1.0, 10.0])),
    width=[1, 4],
    weighted=[False, True],
    usual=[0.2, 2.0, 30.0],
)
def test_temperature_is_the_most_probable(n_and_signal, width, weighted, usual):
    n, signal = n_and_signal
    rng = np.random.default_rng(n)
    codes = rng.integers(0, max(width, 2), n)
    scores = rng.normal(scale=0.3, size=(n, width))
    scores += signal * (
        2.0 * codes[:, np.newaxis] - 1 if width == 1 else np.eye(width)[codes]
    )
    scores = scores.astype(np.float32)
    weights = rng.random(n) + 0.1 if weighted else None
    found = fit_inverse_temperature(scores, codes, weights, usual)
    expected = minimize_scalar(
        lambda t: negative_log_posterior(np.exp(t), scores, codes, weights, usual),
        bounds=np.log((0.05, 100)),
        method="bounded",
        options={"xatol": 1e-9},
    )
    assert np.log(found) == pytest.approx(expected.x, abs=1e-4)


def test_few_samples_that_are_all_right_do_not_make_a_model_sure():
    """Six samples, right by next to nothing: without a prior, 100 was the answer."""
    scores = np.full((6, 1), 0.05, dtype=np.float32)
    assert fit_inverse_temperature(scores, np.ones(6, np.int64)) < 4
    # Hundreds do.
    scores = np.full((600, 1), 0.05, dtype=np.float32)
    assert fit_inverse_temperature(scores, np.ones(600, np.int64)) > 50


# -- labels ----------------------------------------------------------------------------


def test_probabilities_of_labels_are_each_by_itself():
    scores = np.array([[-800.0, 0.0, 3.0]], dtype=np.float32)
    p = label_probabilities(scores, 2.0)
    np.testing.assert_allclose(p, [[0, 0.5, 1 / (1 + np.exp(-6))]], atol=1e-12)
    logarithms = label_log_probabilities(scores, 2.0)
    assert logarithms[0, 0] == -1600
    np.testing.assert_allclose(logarithms[0, 1:], np.log(p[0, 1:]))


@pytest.mark.parametrize("weighted", [False, True])
def test_temperature_of_labels_minimises_their_log_loss(weighted):
    rng = np.random.default_rng(3)
    scores = rng.normal(size=(700, 4)).astype(np.float32)
    indicator = rng.random((700, 4)) < 1 / (1 + np.exp(-2.5 * scores))
    weights = rng.uniform(0.1, 3, size=700) if weighted else None

    def log_loss(inverse_temperature):
        rows = np.where(
            indicator,
            label_log_probabilities(scores, inverse_temperature),
            label_log_probabilities(-scores, inverse_temperature),
        )
        return -np.average(rows.sum(axis=1), weights=weights)

    best = fit_label_inverse_temperature(scores, np.nonzero(indicator), weights)
    assert log_loss(best) <= min(log_loss(best * 0.98), log_loss(best * 1.02))


def test_temperature_of_no_labels_and_of_separable_ones():
    empty = (np.empty(0, np.int64), np.empty(0, np.int64))
    nothing = np.empty((0, 3), np.float32)
    assert fit_label_inverse_temperature(nothing, empty) == DEFAULT_INVERSE_TEMPERATURE
    separable = np.array([[-1.0, 1.0]], dtype=np.float32)
    assert (
        1
        < fit_label_inverse_temperature(separable, (np.array([0]), np.array([1])))
        <= 100
    )


def test_adaptive_softmax_is_for_one_class_of_many():
    loss = LOSSES["adaptive_softmax"]
    assert of_classes(loss, 10) is LOSSES["cross_entropy"]
    assert of_classes(loss, MANY_CLASSES) is loss
    assert of_classes(LOSSES["squared_hinge"], 10) is LOSSES["squared_hinge"]
    with pytest.raises(ValueError, match="is for one class per sample, but y is an"):
        of_labels(loss, None)


@pytest.mark.parametrize("width", [1, 2, 5])
@pytest.mark.parametrize("kind", ["classes", "labels", "weighted labels"])
def test_squared_hinge_of_constant_scores_is_that_of_torch(kind, width):
    rng = np.random.default_rng(width)
    scores, weights, codes = rng.normal(size=width), None, None
    if kind == "classes":
        loss = LOSSES["squared_hinge"]
        codes = rng.integers(max(width, 2), size=30)
    else:
        weights = rng.uniform(0.5, 4, size=width) if kind != "labels" else None
        loss = of_labels(LOSSES["squared_hinge"], weights)
        indicator = (rng.random((30, width)) < 0.3).astype(int)
        codes = LabelSets.from_csr(csr_array(indicator))
    _, value = loss.gradient(
        torch.from_numpy(np.tile(scores, (30, 1))),
        torch.from_numpy(as_array(codes)),
        None,
    )
    found = constant_squared_hinge(scores, codes, weights)
    np.testing.assert_allclose(found, float(value) / 30, rtol=1e-12)

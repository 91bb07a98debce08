"""Each loss: gradient of its own value, weights that multiply, a sound link."""

from itertools import product

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar

from skbag._targets.links import (
    DEFAULT_INVERSE_TEMPERATURE,
    PRIOR_STD,
    class_scores,
    fit_inverse_temperature,
    fit_label_inverse_temperature,
    label_log_probabilities,
    label_probabilities,
    log_probabilities,
    n_outputs,
    predicted_codes,
    probabilities,
)
from skbag._targets.losses import LOSSES, MANY_CLASSES, of_classes, of_labels
from tests.conftest import rotating

ALL = list(LOSSES.values())


def batch(n_classes, n=12, scale=2.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    scores = scale * torch.randn(
        n, n_outputs(n_classes), generator=generator, dtype=torch.float64
    )
    codes = torch.randint(n_classes, (n,), generator=generator)
    return scores, codes


def naive_value(name, scores, codes):
    """The textbook formulas, one sample and class at a time."""
    total = 0.0
    for z, y in zip(scores, codes.tolist(), strict=True):
        if name == "squared_hinge":
            for c, value in enumerate(z):
                is_true = y == 1 if len(z) == 1 else y == c
                sign = 1 if is_true else -1
                total = total + torch.clamp(1 - sign * value, min=0) ** 2
        elif len(z) == 1:
            p = torch.sigmoid(z[0])
            total = total - torch.log(p if y else 1 - p)
        else:
            total = total - torch.log(torch.softmax(z, 0)[y])
    return total


@pytest.mark.parametrize("n_classes", [2, 3, 7])
@pytest.mark.parametrize("loss", ALL, ids=lambda loss: loss.name)
def test_value_and_gradient_are_those_of_the_formula(loss, n_classes):
    scores, codes = batch(n_classes)
    scores.requires_grad_()
    expected = naive_value(loss.name, scores, codes)
    (expected_gradient,) = torch.autograd.grad(expected, scores)
    gradient, value = loss.gradient(scores.detach(), codes, None)
    torch.testing.assert_close(value, expected.detach())
    torch.testing.assert_close(gradient, expected_gradient)


@pytest.mark.parametrize("n_classes", [2, 5])
@pytest.mark.parametrize("loss", ALL, ids=lambda loss: loss.name)
def test_a_weight_is_so_many_copies(loss, n_classes):
    scores, codes = batch(n_classes, n=3)
    copies = torch.tensor([1, 0, 3])
    weighted, value = loss.gradient(scores.clone(), codes, copies.double())
    repeated, repeated_value = loss.gradient(
        scores.repeat_interleave(copies, 0), codes.repeat_interleave(copies), None
    )
    torch.testing.assert_close(value, repeated_value)
    torch.testing.assert_close(weighted.sum(0), repeated.sum(0))


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("loss", ALL, ids=lambda loss: loss.name)
def test_scores_are_left_alone(loss, n_classes):
    scores, codes = batch(n_classes)
    before = scores.clone()
    loss.gradient(scores, codes, None)
    torch.testing.assert_close(scores, before, rtol=0, atol=0)


@pytest.mark.parametrize("loss", ALL, ids=lambda loss: loss.name)
def test_huge_scores_give_finite_gradients(loss):
    scores, codes = batch(3, scale=1e4)
    gradient, value = loss.gradient(scores, codes, None)
    assert torch.isfinite(gradient).all()
    assert torch.isfinite(value)


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


@pytest.mark.parametrize("loss", ALL, ids=lambda loss: loss.name)
@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_constant_scores_have_the_least_loss(loss, n_classes):
    counts = np.arange(1, n_classes + 1)
    codes = torch.from_numpy(np.repeat(np.arange(n_classes), counts))
    best = loss.constant_scores(counts / counts.sum())
    assert best.shape == (n_outputs(n_classes),)

    def value(scores):
        tiled = torch.from_numpy(np.tile(scores, (len(codes), 1)))
        return float(loss.gradient(tiled, codes, None)[1])

    for output in range(len(best)):
        for change in (-0.01, 0.01):
            other = best.copy()
            other[output] += change
            assert value(best) <= value(other) + 1e-12


@pytest.mark.parametrize("base", [LOSSES["squared_hinge"], LOSSES["cross_entropy"]])
@pytest.mark.parametrize("weights", [None, np.array([1.0, 3.0, 2.0])])
def test_constant_scores_of_labels_have_the_least_loss(base, weights):
    loss = of_labels(base, weights)
    indicator = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 1], [0, 1, 0]])
    pairs = torch.from_numpy(np.argwhere(indicator))
    best = loss.constant_scores(indicator.mean(axis=0))

    def value(scores):
        return float(
            loss.gradient(torch.from_numpy(np.tile(scores, (5, 1))), pairs, None)[1]
        )

    for output in range(3):
        for change in (-0.01, 0.01):
            other = best.copy()
            other[output] += change
            assert value(best) <= value(other) + 1e-12


# -- labels ----------------------------------------------------------------------------


def label_batch(n=9, n_labels=5, scale=2.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    scores = scale * torch.randn(n, n_labels, generator=generator, dtype=torch.float64)
    indicator = torch.rand(n, n_labels, generator=generator) < 0.3
    return scores, indicator


LABEL_LOSSES = [LOSSES["squared_hinge"], LOSSES["cross_entropy"]]
label_losses = pytest.mark.parametrize("loss", LABEL_LOSSES, ids=lambda loss: loss.name)


@label_losses
@pytest.mark.parametrize("weighted", [False, True])
def test_labels_are_so_many_tasks_of_two_classes(loss, weighted):
    scores, indicator = label_batch()
    own = np.array([1.0, 3.0, 0.0, 0.5, 2.0]) if weighted else None
    sample_weight = torch.linspace(0.1, 2, 9).double() if weighted else None
    gradient, value = of_labels(loss, own).gradient(
        scores.clone(), indicator.nonzero(), sample_weight
    )
    total = 0.0
    for label in range(5):
        codes = indicator[:, label].long()
        weight = torch.ones(9, dtype=torch.float64)
        if weighted:
            weight = torch.where(codes == 1, own[label], 1.0) * sample_weight
        expected, one = loss.gradient(scores[:, [label]], codes, weight)
        torch.testing.assert_close(gradient[:, [label]], expected)
        total = total + one
    torch.testing.assert_close(value, total)


@label_losses
def test_weights_of_labels_are_limited(loss):
    scores, indicator = label_batch()
    heavy, limit = (
        of_labels(loss, np.array([1.0, weight, 1.0, 1.0, 0.0])) for weight in (1e4, 4.0)
    )
    assert heavy.max_sample_weight == limit.max_sample_weight == 4
    assert (
        of_labels(loss, None).max_sample_weight
        == of_labels(loss, np.zeros(5)).max_sample_weight
        == 1
    )
    for one, other in zip(
        heavy.gradient(scores.clone(), indicator.nonzero(), None),
        limit.gradient(scores.clone(), indicator.nonzero(), None),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


@label_losses
def test_scores_of_labels_are_left_alone(loss):
    scores, indicator = label_batch()
    before = scores.clone()
    of_labels(loss, None).gradient(scores, indicator.nonzero(), None)
    torch.testing.assert_close(scores, before, rtol=0, atol=0)


@label_losses
def test_huge_scores_of_labels_give_finite_gradients(loss):
    scores, indicator = label_batch(scale=1e4)
    gradient, value = of_labels(loss, None).gradient(scores, indicator.nonzero(), None)
    assert torch.isfinite(gradient).all()
    assert torch.isfinite(value)


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

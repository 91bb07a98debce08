"""Losses of numbers: gradients of the textbook formulas, and their constants."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar

from skbag._targets.regression_losses import (
    HUBER_DELTA,
    MAX_CURVATURE,
    REGRESSION_LOSSES,
)

losses = pytest.mark.parametrize(
    "loss", REGRESSION_LOSSES.values(), ids=REGRESSION_LOSSES
)


def batch(n=40, n_outputs=3, seed=0):
    rng = np.random.default_rng(seed)
    scores = torch.from_numpy(rng.normal(0, 2, size=(n, n_outputs)))
    return scores, torch.from_numpy(rng.gamma(1.0, size=(n, n_outputs)))


def naive_values(name, z, y):
    """Loss of each score, one formula for each side of a bound."""
    if name == "poisson":
        bound = np.log(MAX_CURVATURE)
        taylor = MAX_CURVATURE * (1 + (z - bound) + (z - bound) ** 2 / 2)
        means = torch.where(z <= bound, torch.exp(z), taylor)
        return means - y - y * (z - torch.log(y))
    residual = torch.abs(z - y)
    delta = HUBER_DELTA if name == "huber" else 1e9
    lines = 2 * delta * residual - delta**2
    return torch.where(residual <= delta, residual**2, lines)


@losses
def test_value_and_gradient_are_those_of_the_formula(loss):
    scores, y = batch()
    scores.requires_grad_()
    expected = naive_values(loss.name, scores, y).sum()
    (slopes,) = torch.autograd.grad(expected, scores)
    gradient, value = loss.gradient(scores.detach().clone(), y, None)
    torch.testing.assert_close(value, expected.detach())
    torch.testing.assert_close(gradient, slopes)


@losses
def test_a_weight_is_so_many_copies(loss):
    scores, y = batch(3)
    weight = torch.tensor([1.0, 0.0, 3.0], dtype=torch.float64)
    gradient, value = loss.gradient(scores.clone(), y, weight)
    alone, _ = loss.gradient(scores.clone(), y, None)
    torch.testing.assert_close(gradient, alone * weight[:, None])
    rows = torch.tensor([0, 2, 2, 2])
    _, copies = loss.gradient(scores[rows], y[rows], None)
    torch.testing.assert_close(value, copies)


@losses
def test_codes_and_scores_are_left_alone(loss):
    scores, y = batch()
    before = scores.clone(), y.clone()
    loss.gradient(scores, y, torch.full((40,), 2.0, dtype=torch.float64))
    torch.testing.assert_close((scores, y), before)


@losses
def test_curvature_is_the_largest_second_derivative(loss):
    z = torch.linspace(-6, 6, 4001, dtype=torch.float64)[:, None]
    gradient, _ = loss.gradient(z, torch.zeros_like(z), None)
    slopes = np.diff(gradient[:, 0].numpy()) / np.diff(z[:, 0].numpy())
    assert slopes.max() == pytest.approx(loss.curvature, rel=1e-2)


@pytest.mark.parametrize("name", ["squared_error", "poisson"])
def test_constant_scores_make_the_loss_least(name):
    loss = REGRESSION_LOSSES[name]
    _, y = batch(n_outputs=1)
    found = loss.constant_scores(y.numpy().mean(axis=0))

    def value(score):
        return float(naive_values(name, torch.full_like(y, score), y).sum())

    assert found[0] == pytest.approx(minimize_scalar(value).x, abs=1e-3)


@losses
def test_mean_of_constant_scores(loss):
    _, y = batch()
    scores = np.array([0.1, -0.3, 1.2])
    _, value = loss.gradient(torch.from_numpy(np.tile(scores, (40, 1))), y, None)
    found = loss.mean(scores, y.numpy().astype(np.float32))
    assert found == pytest.approx(float(value) / 40, rel=1e-5)


def test_a_mean_of_zero_has_a_finite_logarithm():
    assert np.isfinite(REGRESSION_LOSSES["poisson"].constant_scores(np.zeros(2))).all()

"""Layers over given vectors begin as ridge regression, against plain twins of it."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from numpy.testing import assert_allclose

from skbag._core.bags import Bags
from skbag._targets.classification_targets import ClassTargets, LabelTargets
from skbag._targets.label_sets import LabelSets
from skbag._training.initialisation import (
    MAX_SAMPLES,
    MAX_TARGETS,
    MIN_GAIN,
    MIN_SHARE,
    ORTHONORMAL_SHARE,
    PENALTIES,
    initialise_by_ridge,
    max_samples,
    mean_norm,
    preconditioner,
    ridge,
)
from skbag._training.network import Network


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def numbers(codes):
    return ClassTargets(np.arange(3)).numbers(codes)


def solve(x, y, weight, penalty):
    """Ridge regression with an intercept that is not penalised."""
    share = weight / weight.sum()
    x_mean, y_mean = share @ x, share @ y
    x, y = x - x_mean, y - y_mean
    covariance = x.T @ (share[:, None] * x)
    unit = penalty * np.trace(covariance) / len(covariance)
    coef = np.linalg.solve(
        covariance + unit * np.eye(len(covariance)), x.T @ (share[:, None] * y)
    ).T
    return coef, y_mean - coef @ x_mean, unit


def left_out_error(x, y, weight, penalty):
    """By the formula for one sample left out, its hat matrix written out."""
    n, share = len(x), weight / weight.sum()
    x_mean = share @ x
    coef, intercept, unit = solve(x, y, weight, penalty)
    inverse = np.linalg.inv(
        (x - x_mean).T @ (share[:, None] * (x - x_mean)) + unit * np.eye(x.shape[1])
    )
    total = 0.0
    for i in range(n):
        leverage = share[i] * (1 + (x[i] - x_mean) @ inverse @ (x[i] - x_mean))
        residual = (y[i] - x[i] @ coef.T - intercept) / (1 - leverage)
        total += share[i] * (residual**2).sum()
    return total


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("noise", [0.1, 3.0])
def test_ridge_takes_the_penalty_that_leaves_one_out_best(weighted, noise, rng):
    x = rng.normal(size=(30, 4)) * [1, 2, 0.1, 1]
    y = x @ rng.normal(size=(4, 2)) + noise * rng.normal(size=(30, 2)) + 5
    weight = rng.random(30) + 0.1 if weighted else np.ones(30)
    coef, intercept = ridge(*map(torch.from_numpy, (x, y, weight)))
    best = min(PENALTIES, key=lambda p: left_out_error(x, y, weight, p))
    expected = solve(x, y, weight, best)
    assert_allclose(coef, expected[0], rtol=1e-9)
    assert_allclose(intercept, expected[1], rtol=1e-9)


def test_leaving_one_out_by_formula_is_leaving_one_out(rng):
    x, y = rng.normal(size=(12, 3)), rng.normal(size=(12, 1))
    # Without a penalty the formula is exact.
    found = left_out_error(x, y, np.ones(12), 0.0)
    errors = []
    for i in range(12):
        rest = np.arange(12) != i
        coef, intercept, _ = solve(x[rest], y[rest], np.ones(11), 0.0)
        errors.append((y[i] - x[i] @ coef.T - intercept) ** 2)
    assert found == pytest.approx(np.mean(errors))


def test_whole_weights_are_repetitions(rng):
    x, y = rng.normal(size=(6, 2)), rng.normal(size=(6, 1))
    weight = np.array([1, 2, 1, 3, 1, 1])
    coef, _, _ = solve(x, y, weight.astype(float), 0.1)
    repeated = np.repeat(np.arange(6), weight)
    expected, _, _ = solve(x[repeated], y[repeated], np.ones(9), 0.1)
    assert_allclose(coef, expected)


def test_of_many_outputs_fewer_samples_are_taken():
    assert max_samples(2) == MAX_SAMPLES
    assert max_samples(10**4) * 10**4 <= MAX_TARGETS
    assert max_samples(10**9) == 1


def some_network(rng, n_ids=20, dim=4, n_outputs=3, hidden=(), scale=1.0):
    generator = torch.Generator().manual_seed(0)
    network = Network.initialise(n_ids, n_outputs, dim, hidden, generator)
    vectors = (scale * rng.normal(size=(n_ids, dim))).astype(np.float32)
    network.table.copy_(torch.from_numpy(vectors))
    return network


def some_bags(rng, n=60, n_ids=20):
    return Bags.from_csr((rng.random((n, n_ids)) < 0.3) * rng.random((n, n_ids)))


def tensors(bags):
    offsets = torch.from_numpy(bags.offsets.astype(np.int32))
    return torch.from_numpy(bags.ids), offsets, torch.from_numpy(bags.weights)


def test_of_labels_the_regression_is_on_having_each(rng):
    network = some_network(rng)
    twin = some_network(rng)
    twin.table.copy_(network.table)
    bags, codes = some_bags(rng), rng.integers(3, size=60)
    sets = LabelSets.from_csr(sp.csr_array(np.eye(3, dtype=int)[codes]))
    initialise_by_ridge(network, bags, numbers(codes), None)
    initialise_by_ridge(twin, bags, LabelTargets(3, False).numbers(sets), None)
    one, other = (next(each.linears()).weight for each in (network, twin))
    assert torch.equal(one, other)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_the_last_layer_is_the_regression_and_some_of_its_start(scale, rng):
    network = some_network(rng, scale=scale)
    start = next(network.linears()).weight.detach().numpy().copy()
    bags, codes = some_bags(rng), rng.integers(3, size=60)
    x = (bags.to_csr() @ network.table.numpy()).astype(np.float64)
    norm = np.sqrt((x**2).sum(axis=1).mean())
    assert mean_norm(network, bags) == pytest.approx(norm, rel=1e-5)
    initialise_by_ridge(network, bags, numbers(codes), None)
    coef, intercept = ridge(
        torch.from_numpy(x), torch.from_numpy(numbers(codes)), torch.ones(60).double()
    )
    linear = next(network.linears())
    assert_allclose(
        linear.weight.detach().numpy(),
        coef.numpy() + ORTHONORMAL_SHARE / norm * start,
        rtol=1e-4,
        atol=1e-4 / scale,
    )
    assert_allclose(
        linear.bias.detach().numpy(), intercept.numpy(), rtol=1e-3, atol=1e-4
    )


def test_with_hidden_layers_the_first_is_scaled(rng):
    network = some_network(rng, hidden=(8,), scale=7.0)
    before = [linear.weight.detach().clone() for linear in network.linears()]
    bags = some_bags(rng)
    initialise_by_ridge(network, bags, numbers(rng.integers(3, size=60)), None)
    first, last = (linear.weight.detach() for linear in network.linears())
    assert_allclose(first.numpy() * mean_norm(network, bags), before[0].numpy(), 1e-5)
    assert torch.equal(last, before[1])


def test_texts_without_any_vector(rng):
    network = some_network(rng, scale=0.0)
    start = next(network.linears()).weight.detach().clone()
    bags = some_bags(rng)
    assert mean_norm(network, bags) == 1
    initialise_by_ridge(network, bags, numbers(rng.integers(3, size=60)), None)
    assert_allclose(next(network.linears()).weight.detach(), ORTHONORMAL_SHARE * start)


def test_steps_along_the_metric_are_steps_of_scores(rng):
    network = some_network(rng)
    strengths = np.array([100.0, 30.0, 3.0])
    weight = np.linalg.qr(rng.normal(size=(4, 4)))[0][:3] * strengths[:, None]
    next(network.linears()).weight.data.copy_(torch.from_numpy(weight))
    metric = preconditioner(network, 1.0).double().numpy()
    assert_allclose(metric, metric.T, atol=1e-7)
    gradient = rng.normal(size=(5, 3))
    # As if the table held the scores, but less where the layer is weak.
    change = gradient @ weight @ metric @ weight.T
    shrunk = strengths**2 / (strengths**2 + MIN_SHARE * 100**2)
    assert_allclose(change, gradient * shrunk, rtol=1e-3, atol=1e-3)


def test_of_orthonormal_layers_the_metric_changes_nothing(rng):
    network = some_network(rng)
    weight = next(network.linears()).weight.detach().numpy()
    gradient = rng.normal(size=(5, 3)) @ weight
    moved = gradient @ preconditioner(network, 1.0).numpy()
    assert_allclose(moved, gradient / (1 + MIN_GAIN), rtol=1e-4, atol=1e-5)

"""What every loss does: the gradient of its own value, weights that multiply."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from skbag._targets.links import n_outputs
from skbag._targets.losses import LOSSES, of_labels

losses = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
LABEL_LOSSES = {name: LOSSES[name] for name in ("squared_hinge", "cross_entropy")}
label_losses = pytest.mark.parametrize("loss", LABEL_LOSSES.values(), ids=LABEL_LOSSES)


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
@losses
def test_value_and_gradient_are_those_of_the_formula(loss, n_classes):
    scores, codes = batch(n_classes)
    scores.requires_grad_()
    expected = naive_value(loss.name, scores, codes)
    (expected_gradient,) = torch.autograd.grad(expected, scores)
    gradient, value = loss.gradient(scores.detach(), codes, None)
    torch.testing.assert_close(value, expected.detach())
    torch.testing.assert_close(gradient, expected_gradient)


@pytest.mark.parametrize("n_classes", [2, 5])
@losses
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
@losses
def test_scores_are_left_alone(loss, n_classes):
    scores, codes = batch(n_classes)
    before = scores.clone()
    loss.gradient(scores, codes, None)
    torch.testing.assert_close(scores, before, rtol=0, atol=0)


@losses
def test_huge_scores_give_finite_gradients(loss):
    scores, codes = batch(3, scale=1e4)
    gradient, value = loss.gradient(scores, codes, None)
    assert torch.isfinite(gradient).all()
    assert torch.isfinite(value)


@losses
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


# -- for several labels ----------------------------------------------------------------


def label_batch(n=9, n_labels=5, scale=2.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    scores = scale * torch.randn(n, n_labels, generator=generator, dtype=torch.float64)
    indicator = torch.rand(n, n_labels, generator=generator) < 0.3
    return scores, indicator


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


@label_losses
@pytest.mark.parametrize("weights", [None, np.array([1.0, 3.0, 2.0])])
def test_constant_scores_of_labels_have_the_least_loss(loss, weights):
    loss = of_labels(loss, weights)
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

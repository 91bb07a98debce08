"""What columns of numbers say of the classes, against regressions by numpy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skbag._targets.label_sets import LabelSets
from skbag._weighting.number_moments import NumberMoments


def naive(values, indicators, weight):
    """Relevance of each column, and of all, by least squares."""
    values = np.where(np.isnan(values), np.nan, values)
    known = ~np.isnan(values)
    mean = [
        np.average(column[is_known], weights=weight[is_known])
        for column, is_known in zip(values.T, known.T, strict=True)
    ]
    Z = np.where(known, values - mean, 0)
    Z /= np.sqrt(np.average(Z**2, axis=0, weights=weight))
    n, d = weight.sum(), Z.shape[1]
    root = np.sqrt(weight)[:, np.newaxis]
    alone, beside, block = np.zeros(d), np.zeros(d), []
    for y in indicators.T:
        y = y - np.average(y, weights=weight)
        A, b = root * Z, root[:, 0] * y
        variance = (b**2).sum()
        r2 = (A.T @ b) ** 2 / (A**2).sum(axis=0) / variance
        alone += r2 / (1 - r2) * (n - 2) / indicators.shape[1]
        beta = np.linalg.lstsq(A, b, rcond=None)[0]
        left = ((b - A @ beta) ** 2).sum()
        inverse = np.diag(np.linalg.inv(A.T @ A))
        t2 = beta**2 / inverse / (left / (n - d - 1))
        beside += t2 / indicators.shape[1]
        block.append((variance - left) / left * (n - d - 1) / d)
    largest = np.maximum(alone, beside)
    return 1 - 1 / np.maximum(largest, 1), 1 - 1 / max(np.mean(block), 1)


def samples(seed, n=60, d=4, n_classes=3):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, n_classes, n)
    y[:n_classes] = np.arange(n_classes)
    values = rng.normal(size=(n, d)) + 0.5 * rng.normal(size=(n_classes, d))[y]
    return values * rng.uniform(0.1, 10, d) + 5, y, rng.integers(1, 4, n).astype(float)


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_relevance_is_that_of_least_squares(seed, has_missing):
    values, y, weight = samples(seed)
    if has_missing:
        rng = np.random.default_rng(seed)
        values[rng.random(values.shape) < 0.1] = np.nan
    found = NumberMoments.of(values, y, 3, weight).relevance()
    columns, block = naive(values, np.eye(3)[y], weight)
    if not has_missing:
        assert_allclose(found.columns, columns, atol=1e-6)
        assert found.block == pytest.approx(block, abs=1e-6)
    # Fewer values have the variance of those that are there.
    assert_allclose(found.columns, columns, atol=0.2)


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 0.9))
def test_moments_of_parts_are_those_of_all(seed, share):
    values, y, weight = samples(seed)
    cut = int(share * len(y))
    parts = [
        NumberMoments.of(values[part], y[part], 3, weight[part])
        for part in (slice(cut), slice(cut, None))
    ]
    found, expected = parts[0] + parts[1], NumberMoments.of(values, y, 3, weight)
    assert_allclose(found.columns.mean, expected.columns.mean)
    assert_allclose(found.products, expected.products, rtol=1e-6, atol=1e-6)
    assert_allclose(found.class_sums, expected.class_sums, rtol=1e-6, atol=1e-6)
    assert_array_equal(found.class_weights, expected.class_weights)


def test_labels_are_classes_each_by_itself():
    values, y, _ = samples(0)
    sets = LabelSets(y, np.arange(len(y) + 1), 3)
    found, expected = (NumberMoments.of(values, each, 3) for each in (sets, y))
    assert_allclose(found.class_sums, expected.class_sums)
    assert_allclose(found.class_weights, expected.class_weights)


def test_noise_says_little_and_a_difference_of_two_columns_much():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 3000)
    noise = rng.normal(size=(3000, 5))
    assert NumberMoments.of(noise, y, 2).relevance().block < 0.6
    shared = 5 * rng.normal(size=3000)
    values = np.column_stack([shared, shared + y, noise])
    columns, block = NumberMoments.of(values, y, 2).relevance()
    assert min(columns[0], columns[1], block) > 0.95
    assert columns[2:].mean() < 0.6


@pytest.mark.parametrize(
    "columns", [[0, 0], [0, 1, 2, 1], []], ids=["twice", "a copy", "none"]
)
def test_columns_that_repeat_others_break_nothing(columns):
    values, y, _ = samples(1)
    found = NumberMoments.of(values[:, columns], y, 3).relevance()
    assert np.isfinite(found.columns).all()
    assert 0 <= found.block <= 1


def test_constant_and_missing_columns_say_nothing():
    values, y, _ = samples(2)
    values[:, 0], values[:, 1] = 7.0, np.nan
    found = NumberMoments.of(values, y, 3).relevance()
    assert_array_equal(found.columns[:2], 0)
    one_class = NumberMoments.of(values, np.zeros_like(y), 3).relevance()
    assert_array_equal(one_class.columns, 0)

"""Moments of columns, one sample set after the other."""

import numpy as np
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skbag._weighting.column_moments import ColumnMoments


def naive(X, weight):
    """Mean and standard deviation of each column; 1 of a constant one."""
    means, spreads = [], []
    for column in X.T:
        mean = sum(w * x for w, x in zip(weight, column, strict=True)) / sum(weight)
        squares = sum(w * (x - mean) ** 2 for w, x in zip(weight, column, strict=True))
        means.append(mean)
        spreads.append((squares / sum(weight)) ** 0.5)
    return np.array(means), np.array(spreads)


@given(
    seed=st.integers(0, 2**32 - 1),
    n_samples=st.integers(2, 30),
    cut=st.floats(0, 1),
    shift=st.sampled_from([0.0, 3.0, 1e3]),
)
def test_moments_of_parts_are_those_of_all(seed, n_samples, cut, shift):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, 4)) * (rng.random((n_samples, 4)) < 0.7) + shift
    weight = rng.integers(1, 4, n_samples).astype(float)
    mean, spread = naive(X, weight)
    rows = int(cut * n_samples)
    parts = [
        ColumnMoments.of_csr(sp.csr_array(X[part]), weight[part])
        for part in (slice(rows), slice(rows, None))
    ]
    for found in (parts[0] + parts[1], ColumnMoments.of_csr(sp.csr_array(X), weight)):
        assert_allclose(found.mean, mean, rtol=1e-9, atol=1e-9)
        is_constant = spread <= 1e-6 * np.hypot(mean, spread)
        expected = np.where(is_constant, 1, spread)
        assert_allclose(found.spread(), expected, rtol=1e-6)
        assert_array_equal(found.weight, weight.sum())


def test_weights_count_as_repeated_samples():
    X = np.array([[1.0, 0.0], [0.0, 5.0], [2.0, 2.0]])
    weight = np.array([1, 3, 2])
    found = ColumnMoments.of_csr(sp.csr_array(X), weight.astype(float))
    expected = ColumnMoments.of_csr(sp.csr_array(np.repeat(X, weight, axis=0)))
    assert_allclose(found.squares, expected.squares)
    assert_allclose(found.mean, expected.mean)

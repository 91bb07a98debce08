"""Numbers as entries of bags."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skbag._core.bags import Bags
from skbag._weighting.number_block import BLOCK_SHARE, NumberBlock
from skbag._weighting.number_moments import NumberMoments


def block_and_values(seed=0, n=200):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    values = rng.normal(size=(n, 3)) + y[:, np.newaxis] * [2, 0, 1]
    values = values * [100, 1, 0.01] + [1e4, 0, 1]
    moments = NumberMoments.of(values, y, 3)
    return NumberBlock.of(np.array([4, 1, 2], dtype=np.int32), moments), values


def naive_join(block, bags, values):
    rows = []
    for i in range(len(bags)):
        bag = bags.slice(i, i + 1)
        row = dict(zip(bag.ids.tolist(), bag.weights.tolist(), strict=True))
        for j, id_ in enumerate(block.ids.tolist()):
            value = float(values[i, j])
            missing = value != value
            row[id_] = 0.0 if missing else (value - block.mean[j]) * block.factors[j]
        rows.append(row)
    return rows


@given(st.integers(0, 2**32 - 1))
def test_numbers_come_after_the_entries_of_each_bag(seed):
    block, values = block_and_values()
    rng = np.random.default_rng(seed)
    values = np.where(rng.random((5, 3)) < 0.2, np.nan, values[:5])
    sizes = rng.integers(0, 3, 5)
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    ids = rng.choice([0, 3], sizes.sum()).astype(np.int32)
    ids = np.concatenate([[0, 3][:size] for size in sizes]).astype(np.int32)
    bags = Bags(ids, offsets, rng.random(len(ids)).astype(np.float32), 5)
    found = block.join(bags, values)
    for i, row in enumerate(naive_join(block, bags, values)):
        bag = found.slice(i, i + 1)
        assert_array_equal(bag.ids, list(row))
        assert_allclose(bag.weights, list(row.values()), rtol=1e-5, atol=1e-6)


def test_columns_share_a_norm_and_those_that_tell_more_have_more_of_it():
    block, values = block_and_values()
    weights = block.weights(values)
    assert_allclose(weights.mean(axis=0), 0, atol=1e-6)
    squared_norm = np.square(weights).sum(axis=1).mean()
    assert 0.9 * BLOCK_SHARE < squared_norm < 1.01 * BLOCK_SHARE
    spread = weights.std(axis=0)
    assert_allclose(spread, block.spread_weights, rtol=1e-4)
    assert spread[0] > 3 * spread[1]
    assert spread[2] > 3 * spread[1]
    twice = NumberBlock.of(block.ids, block.moments, 4.0)
    assert_allclose(twice.factors, 2 * block.factors)


def test_noise_weighs_next_to_nothing():
    rng = np.random.default_rng(0)
    moments = NumberMoments.of(rng.normal(size=(4000, 9)), rng.integers(0, 3, 4000), 3)
    block = NumberBlock.of(np.arange(9, dtype=np.int32), moments)
    assert np.square(block.spread_weights).sum() < 0.2 * BLOCK_SHARE


def test_a_constant_column_weighs_nothing():
    values = np.column_stack([np.full(50, 3.0), np.arange(50.0)])
    moments = NumberMoments.of(values, np.arange(50) // 25, 2)
    block = NumberBlock.of(np.arange(2, dtype=np.int32), moments)
    assert_array_equal(block.weights(values + 1)[:, 0], 0)
    none = NumberMoments.of(values[:, :1], np.arange(50) // 25, 2)
    assert_array_equal(NumberBlock.of(np.zeros(1, np.int32), none).factors, 0)


def test_numbers_far_from_all_others_do_not_overflow():
    block, _ = block_and_values()
    far = np.array([[1e200, -1e200, np.nan]])
    weights = replace(block, factors=np.full(3, 1e30)).weights(far)
    assert_array_equal(weights, [[np.float32(1e15), np.float32(-1e15), 0]])

"""Sums, frequencies and orders of ids are those of scipy and numpy, to the bit."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from skbag._core.bag_kernels import (
    add_second_moment,
    count_ids,
    order_by_count,
    squared_norms,
    sum_rows,
)
from skbag._core.bags import Bags
from tests.conftest import examples


def random_bags(n, n_ids, seed):
    """Ids with repetitions, offsets and weights; some bags are empty."""
    rng = np.random.default_rng(seed)
    lengths = rng.poisson(4, size=n) * (rng.random(n) < 0.8)
    offsets = np.append(0, np.cumsum(lengths)).astype(np.int64)
    ids = rng.integers(n_ids, size=offsets[-1]).astype(np.int32)
    return ids, offsets, rng.normal(size=len(ids)).astype(np.float32)


@given(st.integers(0, 12), st.integers(1, 40), st.integers(1, 30), st.integers(0, 99))
@examples(100)
def test_sums_of_rows_are_a_product_to_the_bit(n, width, n_ids, seed):
    ids, offsets, weights = random_bags(n, n_ids, seed)
    table = np.random.default_rng(seed).normal(size=(n_ids, width))
    table = table.astype(np.float32)
    sums = np.zeros((n, width), dtype=np.float32)
    sum_rows(ids, offsets, weights, table, sums)
    X = sp.csr_array((weights, ids, offsets), shape=(n, n_ids))
    np.testing.assert_array_equal(sums, X @ table)


@given(st.integers(1, 40), st.integers(0, 99))
@examples(50)
def test_sums_are_added_in_the_order_of_ids(width, seed):
    """A loop over float32 numbers, to sums that are not zero."""
    ids, offsets, weights = random_bags(5, 9, seed)
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(9, width)).astype(np.float32)
    sums = rng.normal(size=(5, width)).astype(np.float32)
    expected = sums.copy()
    sum_rows(ids, offsets, weights, table, sums)
    for bag in range(5):
        for entry in range(offsets[bag], offsets[bag + 1]):
            expected[bag] += weights[entry] * table[ids[entry]]
    np.testing.assert_array_equal(sums, expected)


def test_a_bag_is_summed_alike_in_any_company():
    ids, offsets, weights = random_bags(200, 50, 0)
    table = np.random.default_rng(0).normal(size=(50, 19)).astype(np.float32)
    sums = np.zeros((200, 19), dtype=np.float32)
    sum_rows(ids, offsets, weights, table, sums)
    for bag in range(200):
        own = slice(offsets[bag], offsets[bag + 1])
        alone = np.zeros((1, 19), dtype=np.float32)
        bounds = np.array([0, own.stop - own.start])
        sum_rows(ids[own], bounds, weights[own], table, alone)
        np.testing.assert_array_equal(alone[0], sums[bag])


SHAPES = {
    "fewer sums": {"sums": (2, 4)},
    "narrower sums": {"sums": (3, 3)},
    "fewer weights": {"weights": 4},
    "fewer ids": {"ids": 4, "weights": 4},
    "no offsets": {"offsets": 0},
}


@pytest.mark.parametrize("changes", SHAPES.values(), ids=SHAPES)
def test_arrays_that_do_not_fit_are_refused(changes):
    shapes = {"ids": 5, "weights": 5, "offsets": 4, "sums": (3, 4), **changes}
    offsets = np.array([0, 2, 2, 5][: shapes["offsets"]], dtype=np.int64)
    with pytest.raises(IndexError):
        sum_rows(
            np.zeros(shapes["ids"], np.int32),
            offsets,
            np.zeros(shapes["weights"], np.float32),
            np.zeros((6, 4), np.float32),
            np.zeros(shapes["sums"], np.float32),
        )


@pytest.mark.parametrize("order", ["C", "F"])
def test_tables_of_any_layout(order):
    bags = Bags(*random_bags(7, 9, 0), 9)
    table = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32, order=order)
    expected = bags.to_csr() @ table
    np.testing.assert_array_equal(bags.matmul(table), expected)
    np.testing.assert_array_equal(bags.matmul(table[:, ::2]), expected[:, ::2])


@pytest.mark.parametrize(
    ("n_bags", "n_ids", "width"), [(0, 3, 2), (3, 0, 2), (3, 3, 0)]
)
def test_nothing_sums_to_nothing(n_bags, n_ids, width):
    empty = np.zeros(0, dtype=np.int32)
    offsets = np.zeros(n_bags + 1, dtype=np.int64)
    bags = Bags(empty, offsets, empty.astype(np.float32), n_ids)
    sums = bags.matmul(np.ones((n_ids, width), dtype=np.float32))
    np.testing.assert_array_equal(sums, np.zeros((n_bags, width), dtype=np.float32))


@pytest.mark.parametrize(
    "changes",
    [
        {"ids": [0, 3]},
        {"ids": [0, -1]},
        {"ids": [0]},
        {"offsets": [0, 3, 2]},
        {"offsets": [0, -1, 2]},
        {"offsets": [1, 1, 2]},
        {"offsets": [0, 1, 3]},
        {"offsets": [0, 1, 1]},
        {"weights": [1.0]},
        {"table": np.ones((0, 2))},
        {"sums": np.ones((2, 3))},
        {"sums": np.ones((3, 2))},
    ],
)
def test_arrays_that_are_damaged_are_refused(changes):
    arrays = {
        "ids": [0, 1],
        "offsets": [0, 1, 2],
        "weights": [1.0, 2.0],
        "table": np.ones((3, 2)),
        "sums": np.zeros((2, 2)),
    }
    dtypes = ["i4", "i8", "f4", "f4", "f4"]
    arguments = [
        np.asarray(values, dtype=dtype)
        for values, dtype in zip((arrays | changes).values(), dtypes, strict=True)
    ]
    with pytest.raises(IndexError):
        sum_rows(*arguments)


@given(st.integers(0, 300), st.integers(1, 50), st.integers(0, 99))
def test_counts_of_ids(n, n_ids, seed):
    ids = np.random.default_rng(seed).integers(n_ids, size=n).astype(np.int32)
    found = count_ids(ids, n_ids)
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, np.bincount(ids, minlength=n_ids))


@pytest.mark.parametrize("id_", [-1, 3, 2**31 - 1, -(2**31)])
def test_an_id_that_is_none_is_not_counted(id_):
    with pytest.raises(IndexError, match="ids from"):
        count_ids(np.array([0, id_], dtype=np.int32), 3)


@given(hnp.arrays(np.int64, st.integers(0, 100), elements=st.integers(0, 20)))
def test_places_are_ordered_by_falling_count(counts):
    found = order_by_count(counts)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, np.argsort(-counts, kind="stable"))


def test_a_negative_count_is_refused():
    with pytest.raises(ValueError, match="negative"):
        order_by_count(np.array([3, -1, 2]))


@given(st.integers(0, 30), st.integers(0, 99))
def test_squared_norms(n, seed):
    _, offsets, weights = random_bags(n, 5, seed)
    found = squared_norms(offsets, weights)
    bags = np.split(weights.astype(np.float64), offsets[1:-1]) if n else []
    assert found.dtype == np.float64
    np.testing.assert_allclose(
        found, [np.square(bag).sum() for bag in bags], rtol=1e-12
    )


def test_squared_norms_of_offsets_beyond_the_weights():
    with pytest.raises(IndexError):
        squared_norms(np.array([0, 4]), np.ones(3, np.float32))


@pytest.mark.parametrize("offsets", [[0, 2], [-1, 1], [0, 1, 0]])
def test_offsets_that_do_not_fit_are_refused(offsets):
    with pytest.raises(IndexError, match="do not fit"):
        squared_norms(np.array(offsets), np.ones(1, dtype=np.float32))


@given(st.integers(1, 12), st.integers(1, 30), st.integers(0, 99))
@examples(100)
def test_second_moments_are_products_to_the_bit(n, n_ids, seed):
    ids, offsets, weights = random_bags(n, n_ids, seed)
    rng = np.random.default_rng(seed)
    shares, vector = rng.uniform(size=n), rng.normal(size=n_ids)
    product = np.zeros(n_ids)
    add_second_moment(ids, offsets, weights, shares, vector, product)
    X = sp.csr_array((weights, ids, offsets), shape=(n, n_ids))
    np.testing.assert_array_equal(product, X.T @ (shares * (X @ vector)))


@pytest.mark.parametrize("changed", ["ids", "offsets", "shares", "vector"])
def test_second_moments_of_what_does_not_fit(changed):
    ids, offsets, weights = random_bags(5, 9, 0)
    arrays = {"ids": ids, "offsets": offsets, "weights": weights}
    arrays |= {"shares": np.ones(5), "vector": np.ones(9)}
    wrong = {
        "ids": np.full_like(ids, 9),
        "offsets": offsets[::-1].copy(),
        "shares": np.ones(6),
        "vector": np.ones(1),
    }
    arrays[changed] = wrong[changed]
    with pytest.raises(IndexError, match="do not fit"):
        add_second_moment(*arrays.values(), np.zeros(9))

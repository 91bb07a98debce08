"""Pairs added to a matrix in one pass against a table of all numbers."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from skbag._weighting import document_counts
from skbag._weighting.pair_kernels import add_pairs, count_runs, sum_packed


def add(counts, pairs, values, n_rows, n_more=0):
    """Call the kernel: the new matrix, and the sums of its rows."""
    n_entries = len(counts.data) + len(pairs) + n_more
    indptr = np.empty(n_rows + 1, dtype=np.int64)
    classes, data = np.empty(n_entries, dtype=np.int32), np.empty(n_entries)
    sums = np.empty(n_rows)
    add_pairs(
        counts.indptr.astype(np.int64),
        counts.indices.astype(np.int32),
        counts.data,
        pairs,
        values,
        counts.shape[1],
        indptr,
        classes,
        data,
        sums,
    )
    n = indptr[-1]
    shape = n_rows, counts.shape[1]
    return sp.csr_array((data[:n], classes[:n], indptr), shape=shape), sums


def matrix(seed, n_rows, n_classes):
    rng = np.random.default_rng(seed)
    table = rng.integers(0, 3, size=(n_rows, n_classes)) * rng.uniform(0.5, 2)
    return sp.csr_array(np.where(rng.random(table.shape) < 0.5, table, 0.0))


@given(
    st.integers(0, 10_000),
    st.integers(0, 6),
    st.integers(0, 4),
    st.integers(1, 5),
    st.data(),
)
@settings(deadline=None)
def test_sums_are_those_of_tables(seed, n_before, n_new, n_classes, data):
    counts = matrix(seed, n_before, n_classes)
    n_rows = n_before + n_new
    cells = st.integers(0, max(n_rows * n_classes - 1, 0))
    pairs = sorted(data.draw(st.sets(cells))) if n_rows else []
    pairs = np.array(pairs, dtype=np.int64)
    values = np.random.default_rng(seed).uniform(0.1, 3, size=len(pairs))
    expected = np.zeros((n_rows, n_classes))
    expected[:n_before] = counts.toarray()
    expected.ravel()[pairs] += values
    found, sums = add(counts, pairs, values, n_rows)
    assert_array_equal(found.toarray(), expected)
    assert found.has_sorted_indices
    assert found.nnz == np.count_nonzero(expected)
    assert_array_equal(sums, found @ np.ones(n_classes))


@pytest.mark.parametrize(
    ("pairs", "n_rows", "n_more"),
    [
        ([12], 4, 0),  # beyond the last row
        ([7, 4], 4, 0),  # not ascending
        ([-1], 4, 0),
        ([1], 3, 0),  # fewer rows than before
        ([1], 4, -1),  # no place for all
    ],
)
def test_arrays_that_do_not_fit(pairs, n_rows, n_more):
    counts = matrix(0, 4, 3)
    pairs = np.array(pairs, dtype=np.int64)
    with pytest.raises(IndexError, match="do not fit"):
        add(counts, pairs, np.ones(len(pairs)), n_rows, n_more)


def test_a_matrix_that_is_none():
    counts = matrix(0, 4, 3)
    counts.indptr = np.array([0, 1, 99, 2, 3], dtype=np.int32)
    with pytest.raises(IndexError, match="do not fit"):
        add(counts, np.array([1]), np.ones(1), 4)


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
@given(st.lists(st.integers(-3, 6)))
@settings(deadline=None)
def test_runs_are_those_of_numpy(dtype, numbers):
    ascending = np.sort(np.array(numbers, dtype=dtype))
    values, counts = np.empty(len(numbers), dtype=np.int64), np.empty(len(numbers))
    n = count_runs(ascending, values, counts)
    expected = np.unique(ascending, return_counts=True)
    assert_array_equal(values[:n], expected[0])
    assert_array_equal(counts[:n], expected[1])
    if numbers:
        with pytest.raises(IndexError, match="fewer places"):
            count_runs(ascending, values[1:], counts)


@given(
    st.lists(st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1))),
    st.integers(1, 10),
)
@settings(deadline=None)
def test_packed_sums_are_those_of_a_loop(numbers, n_distinct):
    numbers = [(value % n_distinct, count) for value, count in numbers]
    expected = {}
    for value, count in numbers:
        expected[value] = expected.get(value, 0) + count
    packed = np.array([v << 32 | c for v, c in sorted(numbers)], dtype=np.int64)
    values, sums = np.empty(len(numbers), dtype=np.int64), np.empty(len(numbers))
    n = sum_packed(packed, values, sums)
    assert dict(zip(values[:n].tolist(), sums[:n].tolist(), strict=True)) == expected
    assert sorted(expected) == values[:n].tolist()
    if numbers:
        with pytest.raises(IndexError, match="fewer places"):
            sum_packed(packed, values, sums[1:])


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5))),
    st.sampled_from([1, 0.5, 2**31]),
    st.sampled_from([1, 2**31]),
)
@settings(deadline=None)
def test_sums_of_counts_of_any_size(numbers, unit, step):
    """Whole and small ones are packed; others are not."""
    pairs = np.array([step * pair for pair, _ in numbers], dtype=np.int64)
    counts = np.array([unit * count for _, count in numbers], dtype=np.float64)
    found, sums = document_counts._sums(pairs, counts)
    expected, places = np.unique(pairs, return_inverse=True)
    assert_array_equal(found, expected)
    assert_array_equal(sums, np.bincount(places, counts, len(expected)))

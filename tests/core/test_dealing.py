"""Items are dealt by their hashes, and answers find the way back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skbag._core.dealing import Dealing, split_by_sizes

HASHES = st.lists(st.integers(0, 2**64 - 1), max_size=30)


@given(HASHES, st.integers(1, 300))
def test_each_item_goes_to_the_rank_of_its_hash(hashes, n):
    values = np.array(hashes, dtype=np.uint64)
    dealing = Dealing.by_hash(values, n)
    dealt = dealing.deal(values)
    assert len(dealt) == len(dealing.parts) == n
    # The product of arbitrary size that 64 bits cannot hold.
    expected = [
        [each for each in hashes if (each >> 32) * n >> 32 == r] for r in range(n)
    ]
    assert [part.tolist() for part in dealt] == expected
    for part, own in zip(dealing.parts, dealt, strict=True):
        np.testing.assert_array_equal(values[part], own)
    np.testing.assert_array_equal(dealing.put_back(dealt), values)


@given(st.lists(st.integers(3, 40), max_size=30), st.lists(st.integers(3, 41)))
def test_ranges_of_whole_numbers(values, inner):
    edges = np.array([3, *sorted(inner), 41])
    dealt = Dealing.by_ranges(np.array(values, dtype=np.int64), edges).deal(
        np.array(values, dtype=np.int64)
    )
    bounds = zip(edges, edges[1:], strict=False)
    expected = [[each for each in values if a <= each < b] for a, b in bounds]
    assert [part.tolist() for part in dealt] == expected


def test_hashes_are_dealt_evenly():
    hashes = np.random.default_rng(0).integers(2**64, size=10_000, dtype=np.uint64)
    sizes = np.diff(Dealing.by_hash(hashes, 7).edges)
    assert sizes == pytest.approx(10_000 / 7, rel=0.1)


def test_parts_of_given_sizes():
    parts = split_by_sizes(np.arange(6), [2, 0, 4])
    assert [part.tolist() for part in parts] == [[0, 1], [], [2, 3, 4, 5]]

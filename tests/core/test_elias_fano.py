"""Ascending numbers packed by Elias and Fano's code: exact, small, and checked."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from skbag._core.elias_fano import pack_sorted, unpack_sorted

ENDS = [1, 2, 7, 256, 1000, 2**20, 2**34, 2**63]


@given(st.data())
def test_what_is_packed_is_unpacked(data):
    end = data.draw(st.sampled_from(ENDS))
    some = data.draw(st.sets(st.integers(0, end - 1), max_size=200))
    numbers = np.array(sorted(some), dtype=np.uint64)
    assert_array_equal(unpack_sorted(pack_sorted(numbers, end), end), numbers)


@pytest.mark.parametrize("n", [1, 10, 1000, 30_000])
def test_a_number_takes_about_the_logarithm_of_the_mean_gap_and_two_bits(n):
    end = 2**32
    numbers = np.unique(np.random.default_rng(0).integers(0, end, n, dtype=np.uint64))
    packed = pack_sorted(numbers, end)
    n_bytes = len(packed["low"]) + len(packed["high"])
    assert n_bytes <= len(numbers) * (math.log2(end / len(numbers)) + 2) / 8 + 2


def test_all_numbers_there_are_take_two_bits_each():
    packed = pack_sorted(np.arange(800, dtype=np.uint64), 800)
    assert len(packed["low"]) == 0
    assert len(packed["high"]) == 200


NUMBERS = np.array([3, 5, 900, 901], dtype=np.uint64)
UNSOUND = {
    "more": {"n": 5},
    "fewer": {"n": 3},
    "negative": {"n": -1},
    "far more": {"n": 2**60},
    "no number": {"n": 4.0},
    "low bits missing": {"low": np.zeros(1, np.uint8)},
    "no high bits": {"high": np.zeros(0, np.uint8)},
    "other high bits": {"high": np.full(2, 255, np.uint8)},
    "not ascending": {"low": np.zeros(4, np.uint8), "high": np.array([240], np.uint8)},
    "of another type": {"low": np.zeros(4, np.int64)},
    "of two dimensions": {"low": np.zeros((4, 1), np.uint8)},
    "too large": {"high": np.array([0] * 99 + [15], np.uint8)},
}  # fmt: skip


@pytest.mark.parametrize("change", UNSOUND.values(), ids=UNSOUND)
def test_what_cannot_have_been_packed_is_refused(change):
    packed = {**pack_sorted(NUMBERS, 1000), **change}
    with pytest.raises(ValueError, match=r"packed numbers"):
        unpack_sorted(packed, 1000)

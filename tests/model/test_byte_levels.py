"""Numbers rounded to levels in equal ratios: a byte for each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skbag._model.quantization import LogQuantized

positive = st.lists(st.floats(2.0**-100, 2.0**100, width=32), min_size=1, max_size=50)


@given(positive, st.integers(2, 256))
def test_numbers_are_rounded_by_at_most_half_a_ratio(numbers, n_levels):
    numbers = np.array(numbers, dtype=np.float32)
    rounded = LogQuantized.rounded(numbers, n_levels)
    spread = np.log(float(numbers.max()) / float(numbers.min()))
    error = np.abs(np.log(rounded.values.astype(float) / numbers.astype(float)))
    assert error.max() <= spread / (n_levels - 1) / 2 * 1.001 + 1e-6
    assert len(rounded.levels) <= n_levels


@given(positive)
def test_rounded_up_none_is_smaller(numbers):
    numbers = np.array(numbers)
    values = LogQuantized.rounded(numbers, 255, up=True).values
    spread = np.log(numbers.max() / numbers.min())
    assert (values >= numbers).all()
    assert (values <= numbers * np.exp(spread / 254) * (1 + 1e-5)).all()


def test_alike_numbers_stay_and_none_are_none():
    assert_allclose(LogQuantized.rounded(np.full(3, 2.5)).values, 2.5)
    assert len(LogQuantized.rounded(np.empty(0)).values) == 0


def test_levels_are_found_again_exactly():
    values = LogQuantized.rounded(np.geomspace(1e-3, 9, 5000)).values
    found = LogQuantized.of(values)
    assert_array_equal(found.values, values, strict=True)
    assert found.codes.dtype == np.uint8


def test_more_numbers_than_a_byte_tells_are_refused():
    with pytest.raises(ValueError, match="257 different numbers, at most 256 fit"):
        LogQuantized.of(np.arange(257, dtype=np.float32))

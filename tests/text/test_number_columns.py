"""Numbers of data frames."""

from decimal import Decimal

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skbag._text.number_columns import read_numbers


def test_numbers_flags_and_missing_values():
    values = [1, 2.5, True, None, np.nan, np.int8(3), Decimal("0.5")]
    expected = [1, 2.5, 1, np.nan, np.nan, 3, 0.5]
    assert_array_equal(read_numbers(values, "price"), expected)
    assert read_numbers([], "price") == []


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e16])
def test_infinite_and_huge_numbers_are_refused(value):
    with pytest.raises(ValueError, match=r"Column 'price' holds .*Replace infinite"):
        read_numbers([1.0, value], "price")


@pytest.mark.parametrize("value", ["2", 1j, [1]])
def test_other_values_are_refused(value):
    with pytest.raises(TypeError, match="Column 'n' holds numbers, but one is"):
        read_numbers([1.0, value], "n")

"""torch's sort gives what numpy's does."""

import numpy as np
import pytest

from skbag._core.sorting import SMALLEST, argsort

SIZES = [0, 1, 1000, SMALLEST - 1, SMALLEST, SMALLEST + 1, 3 * SMALLEST]
dtypes = pytest.mark.parametrize("dtype", [np.int32, np.int64])
sizes = pytest.mark.parametrize("size", SIZES)


def numbers(size, dtype, spread):
    info = np.iinfo(dtype)
    low, high = (info.min, info.max) if spread == "wide" else (-50, 50)
    return np.random.default_rng(size).integers(low, high, size=size, dtype=dtype)


@sizes
@dtypes
@pytest.mark.parametrize("spread", ["wide", "narrow"])
def test_argsort_leaves_equal_numbers_in_order(size, dtype, spread):
    values = numbers(size, dtype, spread)
    found = argsort(values)
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, np.argsort(values, kind="stable"))

"""Numbers are read from any array-like; what is no number is named, with a remedy."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp

from skbag._targets.numbers import read_numbers

GOOD = {
    "list of floats": [1.5, 2.0, 4.0],
    "tuple": (1.5, 2.0, 4.0),
    "float32": np.array([1.5, 2, 4], dtype=np.float32),
    "objects": np.array([1.5, 2, 4], dtype=object),
    "decimals and fractions": [Decimal("1.5"), Fraction(2), 4],
    "pandas": pd.Series([1.5, 2, 4]),
    "pandas, nullable": pd.Series([1.5, 2, 4], dtype="Float64"),
    "polars": pl.Series([1.5, 2.0, 4.0]),
    "Arrow": pa.array([1.5, 2.0, 4.0]),
    "values of a dict": {"a": 1.5, "b": 2.0, "c": 4.0}.values(),
    "mask without a use": np.ma.masked_array([1.5, 2, 4], [0, 0, 0]),
}


@pytest.mark.parametrize("y", GOOD.values(), ids=GOOD)
def test_numbers_of_any_container(y):
    values, is_1d = read_numbers(y)
    assert is_1d
    assert values.dtype == np.float64
    np.testing.assert_array_equal(values, [[1.5], [2], [4]])


@pytest.mark.parametrize("y", [[True, False], [1, 0], np.array([1, 0], np.int8)])
def test_whole_numbers_and_bools(y):
    np.testing.assert_array_equal(read_numbers(y)[0], [[1.0], [0.0]])


@pytest.mark.parametrize("wrap", [list, np.array, pd.DataFrame, pl.DataFrame])
def test_several_outputs(wrap):
    data = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
    y = pl.DataFrame(data, orient="row") if wrap is pl.DataFrame else wrap(data)
    values, is_1d = read_numbers(y)
    assert not is_1d
    np.testing.assert_array_equal(values, data)


def test_one_column_is_no_list():
    assert not read_numbers([[1.0], [2.0]])[1]


BAD = {
    "None": (None, ValueError, "y is None"),
    "strings": (["low", "high"], ValueError, "'low'.*use EmbeddingBagClassifier"),
    "numbers as strings": (
        ["1", "2"],
        ValueError,
        r"\[float\(value\) for value in y\]",
    ),
    "a string among numbers": ([1.0, "x"], ValueError, "'x' at position 1|'1.0' at"),
    "an object string": (
        np.array([1.0, "x"], dtype=object),
        ValueError,
        "'x' at position 1",
    ),
    "NaN": ([1.0, np.nan], ValueError, "contains NaN.*position 1"),
    "None among numbers": ([1.0, None], ValueError, "contains NaN.*position 1 is None"),
    "NA": (pd.Series([1, None], dtype="Int64"), ValueError, "contains NaN.*position 1"),
    "a masked one": (np.ma.masked_array([1.0, 2.0], [0, 1]), ValueError, "1 is masked"),
    "infinity": ([np.inf, 1.0], ValueError, "contains infinity.*position 0"),
    "too large": ([1.0, 1e200], ValueError, "1e.200 at position 1, whose square"),
    "complex": ([1j, 2.0], ValueError, "Complex data not supported|dtype complex"),
    "dates": (np.array(["2020-01-01"], "M8[D]"), ValueError, "dates to days"),
    "lists of different lengths": (
        [[1.0], [1.0, 2.0]],
        ValueError,
        "different lengths",
    ),
    "three dimensions": (np.zeros((2, 2, 2)), ValueError, r"shape \(2, 2, 2\)"),
    "no outputs": (np.zeros((2, 0)), ValueError, r"shape \(2, 0\)"),
    "a number": (3.0, TypeError, "got float"),
    "a string": ("123", TypeError, "got str"),
    "a set": ({1.0, 2.0}, TypeError, "it is a set"),
    "a dict": ({"a": 1.0}, TypeError, "it is a dict"),
    "a generator": ((x for x in [1.0]), TypeError, "got generator"),
    "sparse": (sp.csr_array([[1.0]]), TypeError, "toarray.*EmbeddingBagClassifier"),
    "objects": ([object()], ValueError, "must hold numbers"),
}


@pytest.mark.parametrize(("y", "error", "match"), BAD.values(), ids=BAD)
def test_what_is_no_number_is_refused(y, error, match):
    with pytest.raises(error, match=match):
        read_numbers(y)

"""Frames of pandas, polars and Arrow: dtypes decide what columns are."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from skbag._text.columns import MOST_COLUMNS, Column
from skbag._text.data_frames import is_frame_of_columns, read_rows

TITLE, SIZE = Column("title", "text"), Column("size", "category")
VALUES = {"title": ["late", None, ""], "size": ["L", "S", None]}
ROWS = [("late", "L"), ("", "S"), ("", None)]


def of_pandas(dtype, values=VALUES):
    titles = pd.Series(values["title"], dtype=dtype)
    return pd.DataFrame({"title": titles, "size": pd.Categorical(values["size"])})


def of_polars(dtype):
    return pl.DataFrame(VALUES, schema={"title": pl.String, "size": dtype})


def of_arrow(dtype):
    size = pa.array(VALUES["size"]).dictionary_encode()
    return pa.table({"title": pa.array(VALUES["title"], dtype), "size": size})


FRAMES = {
    "pandas object": of_pandas(object),
    "pandas str": of_pandas("str"),
    "pandas string": of_pandas("string"),
    "polars Categorical": of_polars(pl.Categorical),
    "polars Enum": of_polars(pl.Enum(["S", "L"])),
    "Arrow string": of_arrow(pa.string()),
    "Arrow large_string": of_arrow(pa.large_string()),
    "Arrow string_view": of_arrow(pa.string_view()),
}


@pytest.mark.parametrize("X", FRAMES.values(), ids=FRAMES)
def test_dtypes_decide(X):
    assert is_frame_of_columns(X)
    rows = read_rows(X, None)
    assert rows == ROWS
    assert rows.columns == (TITLE, SIZE)


def test_strings_and_categories_are_read_as_they_were_fitted():
    as_strings = pd.DataFrame(VALUES)
    assert read_rows(as_strings, (TITLE, SIZE)) == ROWS
    as_categories = as_strings.astype("category")
    assert read_rows(as_categories, (TITLE, SIZE)) == ROWS
    # No category is missing, nor a text.
    empty = pd.DataFrame({"title": [None], "size": [None]}, dtype=object)
    assert read_rows(empty, (TITLE, SIZE)) == [("", None)]


@given(st.lists(st.none() | st.text(max_size=3), min_size=1))
def test_missing_texts_are_empty_and_missing_categories_none(values):
    frame = pd.DataFrame(
        {
            "title": pd.Series(values, dtype=object),
            "size": pd.Series(values, dtype=object),
        }
    )
    expected = [(value or "", value) for value in values]
    assert read_rows(frame, (TITLE, SIZE)) == expected


CATEGORIES = {
    "strings": (["a", "b"], ["a", "b"]),
    "numbers": ([1, 20], ["1", "20"]),
    "whole floats": ([1.0, None], ["1", None]),
    "floats": ([0.5, -2.0], ["0.5", "-2"]),
    "flags": ([True, False], ["True", "False"]),
    "dates": ([datetime.date(2020, 1, 2)], ["2020-01-02"]),
}


@pytest.mark.parametrize(("values", "names"), CATEGORIES.values(), ids=CATEGORIES)
def test_categories_are_named_by_their_values(values, names):
    frame = pd.DataFrame({"t": ["x"] * len(values), "c": pd.Categorical(values)})
    assert [row[1] for row in read_rows(frame, None)] == names


def test_columns_without_names_are_numbered():
    frame = pd.DataFrame([["a", "b"]], columns=[3, 7])
    columns = read_rows(frame, None).columns
    assert columns == (Column("x0", "text"), Column("x1", "text"))


OTHERS = {
    "list": ["a"],
    "lists": [["a", "b"]],
    "array": np.array([["a", "b"]], dtype=object),
    "one column": pd.DataFrame({"a": ["x"]}),
    "numbers": pd.DataFrame({"a": [1], "b": [True]}),
    "numbers of polars": pl.DataFrame({"a": [1], "b": [0.5]}),
}


@pytest.mark.parametrize("X", OTHERS.values(), ids=OTHERS)
def test_other_input_is_no_frame_of_columns(X):
    assert not is_frame_of_columns(X)


MISSING_NUMBERS = {
    "floats": pd.Series([1.5, np.nan]),
    "nullable": pd.Series([1.5, None], dtype="Float64"),
    "objects": pd.Series([1.5, None], dtype=object),
}


@pytest.mark.parametrize("column", MISSING_NUMBERS.values(), ids=MISSING_NUMBERS)
def test_numbers_are_floats_and_missing_ones_nan(column):
    frame = pd.DataFrame({"t": ["a", "b"], "price": column})
    rows = read_rows(frame, None)
    assert rows.columns[1] == Column("price", "number")
    assert_array_equal([row[1] for row in rows], [1.5, np.nan])


def test_flags_and_numbers_of_other_libraries():
    frame = pl.DataFrame({"t": ["a", "b"], "n": [1, None], "new": [True, False]})
    for each in (frame, frame.to_arrow()):
        rows = read_rows(each, None)
        assert [column.kind for column in rows.columns] == ["text", "number", "number"]
        assert_array_equal([row[1:] for row in rows], [[1, 1], [np.nan, 0]])


def test_a_column_of_numbers_has_to_stay_one():
    columns = (Column("t", "text"), Column("n", "number"))
    frame = pd.DataFrame({"t": ["a"], "n": ["1"]})
    # Of strings older pandas makes objects, which are looked at one by one.
    words = "Column 'n' (held numbers in fit|holds numbers, but one is '1')"
    with pytest.raises(TypeError, match=words):
        read_rows(frame, columns)
    objects = pd.DataFrame({"t": ["a"], "n": pd.Series([2], dtype=object)})
    assert read_rows(objects, columns)[0] == ("a", 2.0)


DAY = datetime.date(2020, 1, 2)
REFUSED = {
    "infinite numbers": (
        pd.DataFrame({"t": ["a"], "price": [np.inf]}),
        ValueError,
        "Column 'price' holds inf; numbers may be up to 1e.15",
    ),
    "complex numbers": (
        pd.DataFrame({"t": ["a"], "price": [1j]}),
        TypeError,
        "Column 'price' holds numbers, but one is 1j, a complex",
    ),
    "dates": (
        pd.DataFrame({"t": ["a"], "d": pd.to_datetime([DAY])}),
        TypeError,
        "dates or times: 'd'. Make numbers or categories",
    ),
    "dates of polars": (
        pl.DataFrame({"t": ["a"], "d": [DAY], "s": [datetime.timedelta(1)]}),
        TypeError,
        "dates or times: 'd', 's'",
    ),
    "dates of Arrow": (pa.table({"t": ["a"], "d": [DAY]}), TypeError, "times: 'd'"),
    "mixed objects": (
        pd.DataFrame({"t": ["a", "b"], "o": pd.Series(["x", 3], dtype=object)}),
        TypeError,
        r"'o' holds objects of which 1 of 2 are no strings \(int; 3 for one\)",
    ),
    "lists": (
        pd.DataFrame({"t": ["a"], "o": [["x", "y"]]}),
        TypeError,
        r"'o' holds objects .*\(list; \['x', 'y'\] for one\).*astype\(str\)",
    ),
    "bytes": (
        pd.DataFrame({"t": ["a"], "o": [b"x"]}),
        TypeError,
        r"'o' holds objects .*Decode them: X\['o'\]\.str\.decode",
    ),
    "nothing": (
        pd.DataFrame({"t": ["a"], "o": pd.Series([None], dtype=object)}),
        ValueError,
        "'o' holds no value in any of 1 rows",
    ),
    "one name twice": (
        pd.DataFrame([["a", "b"]], columns=["t", "t"]),
        ValueError,
        "several columns of one name: 't'. Rename them",
    ),
    "too many": (
        pd.DataFrame([["a"] * 257]),
        ValueError,
        f"257 columns; a data frame with texts may have {MOST_COLUMNS}",
    ),
}


@pytest.mark.parametrize(("X", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_named(X, error, message):
    with pytest.raises(error, match=message):
        read_rows(X, None)


@pytest.mark.parametrize(
    ("column", "fitted", "message"),
    [
        ([1], "text", r"'size' held texts in fit, but is of dtype int64 now.*astype"),
        ([1.5], "category", r"held categories in fit, .*float64 .*\(\"category\"\)"),
        (pd.to_datetime([DAY]), "text", "held texts in fit, but is of dtype datetime"),
        ([["a"]], "category", "'size' holds objects of which 1 of 1 are no strings"),
    ],
)
def test_another_kind_than_in_fit(column, fitted, message):
    frame = pd.DataFrame({"title": ["a"], "size": column})
    with pytest.raises(TypeError, match=message):
        read_rows(frame, (TITLE, Column("size", fitted)))

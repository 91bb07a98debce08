"""Data frames of several columns: what each column is, and the rows as tuples.

The dtype of a column decides:

=====================================  ===============================================
dtype                                  the column is
=====================================  ===============================================
strings; objects that are all strings  texts; a missing one is an empty text
categories, enumerations, Arrow        categories, each a feature; missing values are a
dictionaries                           category of their own
numbers, flags                         numbers, which are standardised; a missing one
                                       counts as the mean of its column
dates, times, all else                 refused
=====================================  ===============================================

A fitted encoder knows what its columns are. Then strings are read as categories where
the column is one, and categories as texts.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, NoReturn, cast

import numpy as np

from skbag._core.items import are_numbers, is_missing
from skbag._text.columns import MOST_COLUMNS, Column, ColumnKind, Rows
from skbag._text.number_columns import read_numbers
from skbag._text.text_container_errors import (
    BYTES,
    TEXT_TYPE,
    column_dtypes,
    column_of,
    column_values,
    dtype_of,
    dtype_says_text,
    is_frame,
    offers,
    refuse_items,
)

CATEGORY_TYPE = re.compile(r"dictionary<|categorical|enum|category", re.IGNORECASE)

DATE_TYPE = re.compile(r"date|time|duration|month|period|interval", re.IGNORECASE)


def is_frame_of_columns(X: Any) -> bool:
    """Whether X is a data frame of several columns, one of them no numbers.

    A frame of numbers alone is a matrix, and one of one column is that column.
    """
    if type(X) is list or not is_frame(X) or len(names_of(X)) < 2:
        return False
    return any(kind != "number" for kind in _kinds_of_dtypes(X))


def names_of(X: Any) -> list[Any]:
    """Names of the columns of a frame."""
    return list(X.column_names if offers(X, "column_names") else X.columns)


def read_rows(X: Any, columns: Sequence[Column] | None) -> Rows:
    """Read a data frame of several columns.

    Parameters
    ----------
    X : data frame of pandas or polars, Arrow Table, or the like
    columns : sequence of Column or None
        What the columns were fitted as, as many as X has; None to find out.

    Returns
    -------
    rows : Rows

    Raises
    ------
    TypeError, ValueError
        If a column is of no kind that can be read, or of another than in `fit`. All
        columns of dates are named at once.
    """
    names, kinds = names_of(X), _kinds_of_dtypes(X)
    if len(names) > MOST_COLUMNS:
        raise ValueError(
            f"X has {len(names)} columns; a data frame with texts may have "
            f"{MOST_COLUMNS}. Select some, or join texts into fewer columns."
        )
    if columns is None:
        _refuse_repeated(names)
        _refuse_kinds(names, kinds)
    values = []
    for j, name in enumerate(names):
        fitted = None if columns is None else columns[j].kind
        kinds[j], own = _read(column_of(X, j), kinds[j], name, fitted)
        values.append(own)
    if columns is None:
        columns = [
            Column(label, cast("ColumnKind", kind))
            for label, kind in zip(_labels(names), kinds, strict=True)
        ]
    return Rows(zip(*values, strict=True), columns)


def _labels(names: list[Any]) -> list[str]:
    """Names for features: where columns have no names, those of scikit-learn."""
    if all(isinstance(name, str) for name in names):
        return names
    return [f"x{j}" for j in range(len(names))]


def _kinds_of_dtypes(X: Any) -> list[str]:
    """Kind of each column by its dtype; "object" where that depends on the values."""
    n_columns, dtypes = len(names_of(X)), column_dtypes(X)
    if dtypes is None:
        dtypes = [dtype_of(column_of(X, j)) for j in range(n_columns)]
    # By identity: to compare dtypes of categories is to compare these, one by one.
    known = {id(dtype): dtype for dtype in dtypes}
    kinds = {id_: _kind_of_dtype(dtype) for id_, dtype in known.items()}
    return [kinds[id(dtype)] for dtype in dtypes]


def _kind_of_dtype(dtype: Any) -> str:
    name = str(dtype)
    if CATEGORY_TYPE.match(name):
        return "category"
    if getattr(dtype, "kind", "O") in "mM" or DATE_TYPE.match(name):
        return "date"
    says_text = dtype_says_text(dtype)
    if says_text is None:
        return "object"
    return "text" if says_text or TEXT_TYPE.match(name) else "number"


def _read(
    column: Any, kind: str, name: Any, fitted: ColumnKind | None
) -> tuple[str, list[Any]]:
    """Kind of a column, and its values; none of dates, which are refused."""
    if kind == "date" and fitted is None:
        return kind, []
    if kind in ("date", "number") and fitted not in (kind, None):
        _refuse_other_kind(column, name, fitted)
    values = column_values(column)
    if fitted == "number" or (fitted is None and kind == "number"):
        if kind not in ("number", "object"):
            _refuse_other_kind(column, name, "number")
        return "number", read_numbers(values, name)
    if fitted == "category" or (fitted is None and kind == "category"):
        if kind == "object":
            _check_strings(values, name, fitted)
        return "category", _categories(values)
    if kind == "object":
        if fitted is None and are_numbers(values) and not all(map(is_missing, values)):
            return "number", read_numbers(values, name)
        _check_strings(values, name, fitted)
    return "text", _texts(values, name)


def _texts(values: list[Any], name: Any) -> list[str]:
    types = set(map(type, values))
    if types <= {str}:
        return values
    texts = ["" if is_missing(value) else value for value in values]
    if not all(isinstance(text, str) for text in texts):
        refuse_items(texts, f" in column {name!r}", texts)
    return list(map(str.__str__, texts))


def _categories(values: list[Any]) -> list[str | None]:
    """Categories as strings: of whole numbers the same, whatever holds them."""
    names = {value: _name_of_category(value) for value in set(values)}
    return [names[value] for value in values]


def _name_of_category(value: Any) -> str | None:
    if is_missing(value):
        return None
    if isinstance(value, str):
        return str.__str__(value)
    is_number = isinstance(value, (Real, np.number))
    if is_number and not isinstance(value, (bool, np.bool_)):
        is_whole = isinstance(value, Integral) or float(value).is_integer()
        return str(int(value)) if is_whole else str(float(value))
    return str(value)


def _check_strings(values: list[Any], name: Any, fitted: ColumnKind | None) -> None:
    """Raise where a column of objects holds anything but strings and missing values."""
    others = [v for v in values if not (isinstance(v, str) or is_missing(v))]
    if others:
        kinds = sorted({type(value).__name__ for value in others})
        bytes_too = any(isinstance(value, BYTES) for value in others)
        remedy = (
            f'Decode them: X[{name!r}].str.decode("utf-8").'
            if bytes_too
            else f"Convert it: X[{name!r}].astype(str) for texts, "
            f'X[{name!r}].astype(str).astype("category") for categories; or drop it.'
        )
        raise TypeError(
            f"Column {name!r} holds objects of which {len(others)} of {len(values)} "
            f"are no strings ({', '.join(kinds)}; {reprlib.repr(others[0])} for one), "
            f"so it is neither texts nor categories. {remedy}"
        )
    if fitted is None and len(others) == 0 and all(map(is_missing, values)):
        raise ValueError(
            f"Column {name!r} holds no value in any of {len(values)} rows, so nothing "
            "says whether it is texts or categories. Drop it, or give it a dtype."
        )


# -- refusals --------------------------------------------------------------------------


def _listed(names: list[Any]) -> str:
    return ", ".join(map(repr, names[:5])) + (", ..." if len(names) > 5 else "")


def _refuse_repeated(names: list[Any]) -> None:
    repeated = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if repeated:
        raise ValueError(
            f"X has several columns of one name: {_listed(repeated)}. Rename them: "
            "features are named by their columns."
        )


def _refuse_kinds(names: list[Any], kinds: list[str]) -> None:
    """Raise where columns are dates; all of them are named."""
    dates = [name for name, kind in zip(names, kinds, strict=True) if kind == "date"]
    if dates:
        raise TypeError(
            f"X has columns of dates or times: {_listed(dates)}. Make numbers or "
            "categories of what may matter of them, such as the year or the day of the "
            "week, or drop them."
        )


def _refuse_other_kind(column: Any, name: Any, fitted: ColumnKind) -> NoReturn:
    what, dtype = {
        "text": ("texts", "str"),
        "category": ("categories", '"category"'),
        "number": ("numbers", "float"),
    }[fitted]
    raise TypeError(
        f"Column {name!r} held {what} in fit, but is of dtype {dtype_of(column)} now. "
        f"Convert it, for instance with X[{name!r}].astype({dtype})."
    )

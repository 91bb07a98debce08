"""What is no text, and what to do about it: the errors of `read_documents`.

Containers are recognised by what their classes offer, never imported (see
`text_containers`). Only here does Python code run per text: an error has to say where
the fault is.
"""

from __future__ import annotations

import os
import re
import reprlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
import scipy.sparse as sp

from skbag._core.items import are_numbers, is_missing, is_number

BYTES = (bytes, bytearray)

ROWS = (list, tuple, np.ndarray)

# Methods that give a table or a column of what has yet to be read.
READERS = (
    "collect",
    "read_all",
    "to_arrow_table",
    "to_table",
    "toPandas",
    "read",
)

# Other dtypes of pandas take no empty text in place of a missing one.
FILLED_BY_TEXT = {"object", "str", "string"}

# What polars and Arrow call their types; NumPy's and pandas' dtypes say it themselves.
TEXT_TYPE = re.compile(
    r"(dictionary<values=)?(large_)?string|utf8|categorical|enum", re.IGNORECASE
)

NUMBER_TYPE = re.compile(
    r"u?int\d|float|half|double|decimal|bool|date|time|duration|month", re.IGNORECASE
)


def offers(X: Any, *names: str) -> bool:
    return all(hasattr(type(X), name) for name in names)


def is_frame(X: Any) -> bool:
    """Whether X is a table whose columns can be taken out one by one."""
    is_table = offers(X, "columns") or offers(X, "column_names", "__getitem__")
    return is_table and offers(X, "shape", "__len__") and len(X.shape) == 2


def column_of(X: Any, j: int) -> Any:
    """Column number ``j``: a frame may have several columns of one name."""
    if offers(X, "iloc"):
        return X.iloc[:, j]
    if offers(X, "columns") and not offers(X, "column"):
        return X[:, j]
    return X.column(j) if offers(X, "column") else X[X.column_names[j]]


def column_dtypes(X: Any) -> list[Any] | None:
    """Return the dtypes of all columns at once, where X gives them so."""
    # A class may offer what this object of it has not: Dask's Index does.
    dtypes = getattr(X, "dtypes", None) if offers(X, "dtypes") else None
    if dtypes is not None:  # of a Series, its own
        return list(dtypes) if hasattr(dtypes, "__iter__") else [dtypes]
    types = getattr(getattr(X, "schema", None), "types", None)
    return types if isinstance(types, list) else None


def dtype_of(column: Any) -> Any:
    return getattr(column, "dtype", getattr(column, "type", None))


def column_values(column: Any) -> list[Any]:
    for name in ("tolist", "to_list", "to_pylist"):
        if offers(column, name):
            return list(getattr(column, name)())
    return list(column)


def column_says_text(column: Any) -> bool | None:
    """Whether the dtype promises text; None if that depends on the values.

    A promise of text makes an empty column texts, and one of numbers is believed
    without looking at them.
    """
    return dtype_says_text(dtype_of(column))


def dtype_says_text(dtype: Any) -> bool | None:
    if getattr(dtype, "kind", "O") in tuple("biufcmM"):
        return False
    if offers(dtype, "categories") and offers(dtype, "type"):
        return column_says_text(dtype.categories)  # pandas; polars says it by its name
    name = str(dtype)
    if TEXT_TYPE.match(name):
        return True  # first: pandas has no scalar type for the string_view of Arrow
    scalar = getattr(dtype, "type", None)
    if isinstance(scalar, type) and issubclass(scalar, str):
        return True
    return False if NUMBER_TYPE.match(name) else None


def any_text(types: Collection[type]) -> bool:
    return any(issubclass(kind, (str, *BYTES)) for kind in types)


# -- refusals --------------------------------------------------------------------------


def refuse_single_text(X: Any) -> None:
    if isinstance(X, str):
        raise ValueError(
            "Iterable over raw text documents expected, string object received: X is "
            f"one str of {len(X)} characters. For a single text pass a list, [text]."
        )
    if isinstance(X, BYTES):
        raise TypeError(
            "Iterable over raw text documents expected, but X is one "
            f"{type(X).__name__} object of length {len(X)}. For a single text decode "
            'it and pass a list, [text.decode("utf-8")].'
        )


def refuse_unordered_or_unsized(X: Any) -> None:
    kind = type(X).__name__
    if isinstance(X, Mapping):
        raise TypeError(
            f"Iterable over raw text documents expected, but X is a mapping ({kind}): "
            "its keys are not the texts. Pass one of its values, or "
            "list(X.values())."
        )
    if isinstance(X, (set, frozenset)):
        raise TypeError(
            f"Iterable over raw text documents expected, but X is a {kind}, whose "
            "order is not that of the labels. Pass a list."
        )
    if offers(X, "__len__"):
        return
    if offers(X, "collect"):
        raise TypeError(
            f"X is a {kind}, which has yet to be computed. Pass X.collect()."
        )
    if offers(X, "__iter__"):
        raise TypeError(
            f"X is an iterable without a length ({kind}), which can be read only once. "
            "Pass list(X)."
        )


def refuse_several_columns(of_text: list[Any], n_columns: int) -> NoReturn:
    names = ", ".join(map(repr, of_text[:5])) + (", ..." if len(of_text) > 5 else "")
    raise ValueError(
        f"Texts must come in one column, but X has {n_columns} columns, of which "
        f"{len(of_text)} hold text: {names}. Pass a data frame, such as "
        "pandas.DataFrame(X), whose columns have features of their own; select one of "
        "them, or join them into one text."
    )


def refuse_tokens(position: int, row: Sequence[Any], where: str) -> NoReturn:
    raise ValueError(
        f"Texts must be str, but the item at position {position}{where} is a sequence "
        f"of {len(row)} items, {reprlib.repr(list(row))}. If these are the tokens of a "
        'text, join them (" ".join(tokens)), pass the untokenized texts, or give a '
        "function as analyzer."
    )


def refuse_items(values: list[Any], where: str, X: Any) -> NoReturn:
    """Name the first item that is not a str, and how many others are like it."""
    of_numbers = not any_text(set(map(type, values)))
    if of_numbers and are_numbers(values):
        of_numbers = False  # All are meant as texts, by their dtype or as missing.
    position, item = next(
        (i, value)
        for i, value in enumerate(values)
        if not (isinstance(value, str) or (of_numbers and is_number(value)))
    )
    description = f"the item at position {position}{where} is {reprlib.repr(item)}"
    if is_missing(item):
        n_missing = sum(map(is_missing, values))
        filled = f'[text if isinstance(text, str) else "" for text in {in_python(X)}]'
        if offers(X, "fillna", "iloc"):
            filled = 'X.astype(object).fillna("")'
            if {str(each) for each in column_dtypes(X) or ()} <= FILLED_BY_TEXT:
                filled = 'X.fillna("")'
        raise ValueError(
            f"Texts must be str, but {description}: {n_missing} of {len(values)} texts "
            f"are missing. Fill them, for instance with an empty text ({filled}), or "
            "drop them together with their labels."
        )
    if is_row(item) and not isinstance(getattr(item, "text", None), str):
        refuse_tokens(position, members_of(item), where)
    kind = type(item)
    n_alike = sum(type(value) is kind for value in values)
    description = f"{description}, of type {kind.__name__} ({n_alike} of {len(values)})"
    if isinstance(item, BYTES):
        raise TypeError(
            f"Texts must be str, but {description}. Decode them, for instance with "
            f'[text.decode("utf-8") for text in {in_python(X)}].'
        )
    raise TypeError(
        f"Texts must be str, but {description}. {way_to_texts(item, in_python(X))}"
    )


def way_to_texts(item: Any, items: str) -> str:
    """What to write where items are neither str nor bytes, by the kind of one."""
    if isinstance(item, Mapping):
        field = next((k for k, v in item.items() if isinstance(v, str)), None)
        if field is not None:
            written = f"[text[{field!r}] for text in {items}]"
            return f"Pass the field with the text: {written}."
    if isinstance(item, os.PathLike):
        written = f'[open(text, encoding="utf-8").read() for text in {items}]'
        return f"Read the files, for instance with {written}."
    if isinstance(item, (set, frozenset)):
        written = f'[" ".join(map(str, text)) for text in {items}]'
        return (
            f"If these are the tokens of a text, join them ({written}), or give a "
            "function as analyzer."
        )
    if isinstance(getattr(item, "text", None), str):
        return f"Pass the text of each: [text.text for text in {items}]."
    return (
        "If they are meant as texts, convert them with "
        f"[str(text) for text in {items}]."
    )


def in_python(X: Any) -> str:
    """Python that gives the items of X one by one, to be pasted."""
    if is_frame(X):
        column = "X.iloc[:, 0]" if offers(X, "iloc") else "X[:, 0]"
        if offers(X, "column_names"):
            column = (
                "X.column(0)" if offers(X, "column") else f"X[{X.column_names[0]!r}]"
            )
        return column + to_list(column_of(X, 0))
    if isinstance(X, np.ndarray):
        return "X" if X.ndim == 1 else "X.ravel()"
    if isinstance(X, list) and X and isinstance(X[0], ROWS):
        return "(row[0] for row in X)"
    if offers(X, "__len__") and not offers(X, "__iter__"):
        return "map(X.__getitem__, range(len(X)))"
    return "X" + to_list(X)


def to_list(column: Any) -> str:
    return ".to_pylist()" if offers(column, "to_pylist") else ""


# -- neither texts nor numbers ---------------------------------------------------------


EXPECTED = "X must be texts, one str for each sample, or a matrix of numbers, but "


def is_yet_to_be_read(X: Any) -> bool:
    """Whether X is a table or column that has to be asked for its values."""
    if offers(X, "compute"):
        # NumPy computes numbers by itself.
        says_text = [dtype_says_text(each) for each in column_dtypes(X) or [None]]
        return not offers(X, "__array__") or (
            offers(X, "columns") and not all(each is False for each in says_text)
        )
    if offers(X, "__array__") or offers(X, "to_list") or offers(X, "read", "__iter__"):
        return False  # The last is a file, whose lines a list takes.
    of_arrow = offers(X, "__arrow_c_array__") and not offers(X, "to_pylist")
    return of_arrow or any(offers(X, n) for n in (*READERS, "__arrow_c_stream__"))


def refuse_unread(X: Any) -> NoReturn:
    method = next((name for name in ("compute", *READERS) if offers(X, name)), None)
    written = f"X.{method}(), or one column of it"
    if method is None:
        column = "array" if offers(X, "__arrow_c_array__") else "chunked_array"
        written = (
            f"pyarrow.table(X) if it is a table, pyarrow.{column}(X) if it is one "
            "column"
        )
    raise TypeError(
        f"{EXPECTED}it is a {type(X).__name__}, which has yet to be read or computed. "
        f"Pass {written}."
    )


def refuse_unless_numbers(X: Any) -> None:
    """Raise where X is neither texts nor what scikit-learn reads as a matrix."""
    if sp.issparse(X):
        return
    if offers(X, "over", "alias", "meta"):
        raise TypeError(
            f"{EXPECTED}it is a {type(X).__name__}, which stands for a column of some "
            "frame. Pass that column: frame.select(X).to_series()."
        )
    if is_frame(X):
        refuse_other_columns(X)
        return
    if offers(X, "__array__") and not offers(X, "__len__", "__iter__"):
        X = np.asarray(X)
    shape = getattr(X, "shape", None)
    if shape is not None and len(shape) > 1:
        refuse_other_arrays(X)
        return
    if shape == () or not offers(X, "__len__"):
        written = "Pass a list of texts, or one column of a table"
        if isinstance(X, os.PathLike):
            written = (
                'Read it, for instance one text from each line with open(X, encoding="'
                'utf-8").readlines()'
            )
        raise TypeError(
            f"{EXPECTED}it is {reprlib.repr(X)}, of type {type(X).__name__}. {written}."
        )
    if getattr(getattr(X, "dtype", None), "kind", "O") == "V":
        refuse_other_arrays(X)
    if len(X):
        refuse_one_axis(X)


def refuse_one_axis(X: Any) -> None:
    """Raise where items are neither texts nor the rows of a matrix."""
    if column_says_text(X) is False and not all_nan(X):
        refuse_column_of_numbers(X)
    values = column_values(X) if offers(X, "__iter__") else members_of(X)
    is_list = not offers(X, "dtype") and not offers(X, "type")
    if is_list and all(map(is_row, values)):
        refuse_other_rows(values)
    elif not are_numbers(values) or all(map(is_missing, values)):
        refuse_items(values, "", X)
    else:
        refuse_column_of_numbers(X)


def all_nan(X: Any) -> bool:
    kind = getattr(getattr(X, "dtype", None), "kind", "O")
    return kind == "f" and bool(np.isnan(np.asarray(X, dtype=np.float64)).all())


def refuse_other_columns(X: Any) -> None:
    """Raise where a column of a frame holds neither texts nor numbers."""
    names = list(X.column_names if offers(X, "column_names") else X.columns)
    dtypes = column_dtypes(X)
    for j, name in enumerate(names):
        dtype = dtype_of(column_of(X, j)) if dtypes is None else dtypes[j]
        if dtype_says_text(dtype) is None:
            values = column_values(column_of(X, j))
            if not are_numbers(values):
                refuse_items(values, f" in column {name!r}", X)


def refuse_column_of_numbers(X: Any) -> NoReturn:
    converted = "[str(x) for x in X]"
    if offers(X, "astype"):
        converted = "X.astype(str)"
    elif offers(X, "tolist"):
        converted = "[str(x) for x in X.tolist()]"
    raise ValueError(
        f"{EXPECTED}it is one column of numbers ({type(X).__name__}). If they are "
        f"meant as texts (codes, numbers of orders), convert them: {converted}. If "
        "they are a matrix, it has two axes. Reshape your data, with "
        "numpy.asarray(X).reshape(-1, 1) for a single feature or "
        "numpy.asarray(X).reshape(1, -1) for a single sample."
    )


def refuse_other_arrays(X: Any) -> None:
    """Raise where an array holds other things than numbers."""
    kind = getattr(getattr(X, "dtype", None), "kind", "f")
    if kind == "O" and len(X.shape) == 2:
        rows = np.asarray(X).tolist()
        for i, row in enumerate(rows):
            for j, item in enumerate(row):
                if not (is_number(item) or is_missing(item)):
                    raise TypeError(
                        f"{EXPECTED}the item in row {i}, column {j} is "
                        f"{reprlib.repr(item)}, of type {type(item).__name__}: float() "
                        "argument must be a string or a real number."
                    )
    elif kind in "OUTV":
        raise ValueError(
            f"{EXPECTED}it is an array of {len(X.shape)} axes and dtype {X.dtype}. "
            "Pass an array of str of one axis, such as one field of records."
        )


def refuse_other_rows(rows: list[Any]) -> None:
    """Raise where rows are of different lengths, or hold other things than numbers."""
    lengths = list(map(len, rows))
    for position, row in enumerate(rows):
        if not isinstance(row, np.ndarray) or row.dtype.kind == "O":
            # Deeper lists are left to scikit-learn, which says how many axes it wants.
            members = members_of(row)
            is_deeper = all(map(is_row, members)) and not any(
                any_text(set(map(type, members_of(member)))) for member in members
            )
            if not (is_deeper or are_numbers(members)):
                refuse_tokens(position, members, "")
        if lengths[position] != lengths[0]:
            raise ValueError(
                f"{EXPECTED}its rows are of different lengths: {lengths[0]} in row 0, "
                f"{lengths[position]} in row {position}. Pass one text for each "
                "sample, or rows of one length."
            )


def is_row(item: Any) -> bool:
    """Whether an item holds others in their order."""
    if isinstance(item, (str, *BYTES, Mapping)) or sp.issparse(item):
        return False
    return getattr(item, "ndim", 1) > 0 and offers(item, "__len__", "__getitem__")


def members_of(row: Any) -> list[Any]:
    # Asked by index, something that knows its length ends there.
    return list(row) if offers(row, "__iter__") else [row[i] for i in range(len(row))]

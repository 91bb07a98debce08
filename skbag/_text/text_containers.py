"""Texts or numbers? Decide, and unwrap the texts from whatever holds them.

Conventions
-----------
pandas, polars and pyarrow are recognised by what their classes offer, never
imported. Attributes are looked up on the class: on the object, a pandas Series
would answer with its row labels and a polars LazyFrame with a warning.

Texts never become a NumPy string array: ``np.asarray`` of a list pads every text to
the longest one. In the good case no Python code runs per text; only a refusal,
which has to say where the fault is, walks through the items.
"""

from __future__ import annotations

import os
import re
import reprlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain, compress
from numbers import Number
from typing import Any, NamedTuple, NoReturn

import numpy as np
import scipy.sparse as sp

from skbag._core.items import are_numbers, is_missing, is_number

_BYTES = (bytes, bytearray)
_ROWS = (list, tuple, np.ndarray)

# Methods that give a table or a column of what has yet to be read.
_READERS = (
    "collect",
    "read_all",
    "to_arrow_table",
    "to_table",
    "toPandas",
)

# Other dtypes of pandas take no empty text in place of a missing one.
_FILLED_BY_TEXT = {"object", "str", "string"}

# What polars and Arrow call their types; NumPy's and pandas' dtypes say it themselves.
_TEXT_TYPE = re.compile(
    r"(dictionary<values=)?(large_)?string|utf8|categorical|enum", re.IGNORECASE
)
_NUMBER_TYPE = re.compile(
    r"u?int\d|float|half|double|decimal|bool|date|time|duration|month", re.IGNORECASE
)


class Documents(NamedTuple):
    """Texts, and what is known of the column they came in.

    Parameters
    ----------
    texts : list of str
        The texts, each an exact ``str``.
    feature_names : list of str or None
        The name of the only column of a data frame, if that name is a str.
    n_features : int or None
        1 for input of shape (n_samples, 1), None for input of shape (n_samples,).
    """

    texts: list[str]
    feature_names: list[str] | None
    n_features: int | None


def read_documents(X: Any) -> Documents | None:
    """Unwrap X if it is texts; leave it alone if it is anything else.

    One str among the items (or one bytes object) is enough for X to be meant as
    texts; then every item has to be one.

    Parameters
    ----------
    X : array-like of shape (n_samples,) or (n_samples, 1), or anything else
        A sized iterable of str; a NumPy array of str objects or of a string dtype; a
        pandas Series or Index, a polars Series, an Arrow Array or ChunkedArray of
        strings or of categories that are strings; or a two-dimensional form of these
        with one column: a list of one-element lists, an array, a data frame or an
        Arrow Table.

    Returns
    -------
    documents : Documents or None
        None if X is not texts: numbers, sparse matrices, and whatever scikit-learn's
        ``validate_data`` shall refuse in its own words.

    Raises
    ------
    ValueError
        If X is a single str, if texts are missing (None, NaN, NA, null), or if there
        are several columns and one of them is text.
    TypeError
        If there are bytes, numbers or other objects where texts are expected, or if X
        is a mapping, a set or an iterable without a length.

    Examples
    --------
    >>> from skbag._text.text_containers import read_documents
    >>> read_documents(("one text", "another"))
    Documents(texts=['one text', 'another'], feature_names=None, n_features=None)
    >>> read_documents([["one text"], ["another"]]).n_features
    1
    >>> read_documents([[1.0, 2.0], [3.0, 4.0]]) is None
    True
    """
    _refuse_single_text(X)
    documents = _read(X)
    if documents is None:
        _refuse_unless_numbers(X)
    return documents


def _read(X: Any) -> Documents | None:
    if isinstance(X, np.ndarray):
        return _read_array(X)
    if _is_yet_to_be_read(X):
        _refuse_unread(X)
    if X is None or sp.issparse(X):
        return None
    if _is_frame(X):
        return _read_frame(X)
    if _offers(X, "to_list") or _offers(X, "to_pylist"):
        texts = _read_column(X, X, "")
        return None if texts is None else Documents(texts, None, None)
    if _offers(X, "__dlpack__"):
        return None  # a tensor, perhaps on another device: it can only hold numbers
    if _offers(X, "__array__"):
        # Its own conversion, so its own dtype: no list of str gets here.
        return None if _says_text(X) is False else _read_array(np.asarray(X))
    _refuse_unordered_or_unsized(X)
    if _offers(X, "__len__", "__iter__") or _offers(X, "__len__", "__getitem__"):
        return _read_sequence(X)
    return None


def read_tokenized(X: Any) -> Documents | None:
    """Documents that are no texts, for an analyzer that is given them as they are.

    Parameters
    ----------
    X : sequence, Series or 1-D array of objects
        Lists of tokens, documents of another package, ...

    Returns
    -------
    documents : Documents or None
        None if X is anything that `read_documents` is for: texts, numbers, missing
        values, rows of numbers.
    """
    if isinstance(X, np.ndarray):
        items = X.tolist() if X.dtype.kind == "O" and X.ndim == 1 else []
    elif isinstance(X, (list, tuple)):
        items = list(X)
    elif _offers(X, "columns") or not (
        _offers(X, "to_list") or _offers(X, "to_pylist")
    ):
        items = []
    else:
        items = [] if _says_text(X) is False else _column_values(X)
    is_document = [_is_tokenized(item) for item in items]
    if not any(is_document):
        return None
    if not all(is_document):
        position = is_document.index(False)
        raise TypeError(
            "X holds documents for the analyzer, but the item at position "
            f"{position} is {reprlib.repr(items[position])}, of type "
            f"{type(items[position]).__name__}. Pass documents of one kind."
        )
    return Documents(items, None, None)


def _is_tokenized(item: Any) -> bool:
    """Whether an item is neither a text, nor numbers, nor missing."""
    if isinstance(item, np.ndarray):
        item = item.tolist()
    if isinstance(item, (list, tuple, set, frozenset)):
        return not any(isinstance(value, (Number, np.number)) for value in item)
    plain = (str, *_BYTES, Number, np.generic)
    return not isinstance(item, plain) and not is_missing(item)


def _offers(X: Any, *names: str) -> bool:
    return all(hasattr(type(X), name) for name in names)


def _is_frame(X: Any) -> bool:
    """Whether X is a table whose columns can be taken out one by one."""
    is_table = _offers(X, "columns") or _offers(X, "column_names", "__getitem__")
    return is_table and _offers(X, "shape", "__len__") and len(X.shape) == 2


# -- containers ------------------------------------------------------------------------


def _read_array(X: np.ndarray[Any, Any]) -> Documents | None:
    if X.dtype.kind == "S":
        raise TypeError(
            f"Texts must be str, but X is an array of bytes (dtype {X.dtype}). "
            'Decode it, for instance with numpy.char.decode(X, "utf-8").'
        )
    if X.dtype.kind not in "OUT" or X.ndim not in (1, 2):
        return None
    if X.ndim == 1 or X.shape[1] == 1:
        texts = _texts_of(_array_values(X), X, says_text=_says_text(X))
        n_features = None if X.ndim == 1 else 1
        if texts is None and len(X) == 0:
            texts = []
        return None if texts is None else Documents(texts, None, n_features)
    if X.dtype.kind == "O" and not _any_text(set(map(type, X.flat))):
        return None
    _refuse_several_columns(_text_columns(X.T.tolist()), X.shape[1])


def _array_values(X: np.ndarray[Any, Any]) -> list[Any]:
    """Return the items of shape (n,) or (n, 1); None for a missing or masked one."""
    # tolist, since it knows of masks, and of np.matrix, which stays two-dimensional.
    values: list[Any] = X.tolist()
    if X.ndim == 2:
        values = list(chain.from_iterable(values))
    if X.dtype.kind == "T" and set(map(type, values)) != {str}:
        # A StringDType may mark missing texts by any object that is not a str.
        return [value if isinstance(value, str) else None for value in values]
    return values


def _read_frame(X: Any) -> Documents | None:
    """Read a data frame of pandas or polars or the like, or an Arrow Table."""
    names = list(X.column_names if _offers(X, "column_names") else X.columns)
    if len(names) == 1:
        name = names[0]
        texts = _read_column(_column(X, 0), X, f" in column {name!r}")
        if texts is None and len(X) == 0 and _says_text(_column(X, 0)) is None:
            texts = []
        if texts is None:
            return None
        return Documents(texts, [name] if isinstance(name, str) else None, 1)
    are_text = _are_text_columns(X, len(names))
    if any(are_text):
        _refuse_several_columns(list(compress(names, are_text)), len(names))
    return None


def _column(X: Any, j: int) -> Any:
    """Column number ``j``: a frame may have several columns of one name."""
    if _offers(X, "iloc"):
        return X.iloc[:, j]
    if _offers(X, "columns") and not _offers(X, "column"):
        return X[:, j]
    return X.column(j) if _offers(X, "column") else X[X.column_names[j]]


def _are_text_columns(X: Any, n_columns: int) -> list[bool]:
    """Whether each column holds texts.

    Columns are taken out only where their dtype does not say it: of a wide frame that
    takes longer than a prediction.
    """
    dtypes = _column_dtypes(X)
    if dtypes is None:
        dtypes = [_dtype_of(_column(X, j)) for j in range(n_columns)]
    # By identity: to compare dtypes of categories is to compare these, one by one.
    says_text = {id(dtype): _dtype_says_text(dtype) for dtype in _distinct(dtypes)}
    are_text = [says_text[id(dtype)] for dtype in dtypes]
    return [
        _any_text(set(map(type, _column_values(_column(X, j)))))
        if is_text is None
        else is_text
        for j, is_text in enumerate(are_text)
    ]


def _distinct(objects: list[Any]) -> Iterable[Any]:
    return {id(each): each for each in objects}.values()


def _column_dtypes(X: Any) -> list[Any] | None:
    """Return the dtypes of all columns at once, where X gives them so."""
    if _offers(X, "dtypes"):
        dtypes = X.dtypes  # of a Series, its own
        return list(dtypes) if hasattr(dtypes, "__iter__") else [dtypes]
    types = getattr(getattr(X, "schema", None), "types", None)
    return types if isinstance(types, list) else None


def _dtype_of(column: Any) -> Any:
    return getattr(column, "dtype", getattr(column, "type", None))


def _read_column(column: Any, X: Any, where: str) -> list[str] | None:
    says_text = _says_text(column)
    if says_text is False:
        return None  # decided without boxing a column of numbers
    return _texts_of(_column_values(column), X, says_text=says_text, where=where)


def _column_values(column: Any) -> list[Any]:
    for name in ("tolist", "to_list", "to_pylist"):
        if _offers(column, name):
            return list(getattr(column, name)())
    return list(column)


def _says_text(column: Any) -> bool | None:
    """Whether the dtype promises text; None if only the values can tell.

    A promise of text makes an empty column texts, and one of numbers is believed
    without looking at them.
    """
    return _dtype_says_text(_dtype_of(column))


def _dtype_says_text(dtype: Any) -> bool | None:
    if getattr(dtype, "kind", "O") in tuple("biufcmM"):
        return False
    if _offers(dtype, "categories") and _offers(dtype, "type"):
        return _says_text(dtype.categories)  # pandas; polars says it by its name
    name = str(dtype)
    if _TEXT_TYPE.match(name):
        return True  # first: pandas has no scalar type for the string_view of Arrow
    scalar = getattr(dtype, "type", None)
    if isinstance(scalar, type) and issubclass(scalar, str):
        return True
    return False if _NUMBER_TYPE.match(name) else None


def _read_sequence(X: Any) -> Documents | None:
    # Asked by index, something that knows its length ends there; iterated, a class
    # with __getitem__ alone ends only if it raises IndexError.
    items = list(X) if _offers(X, "__iter__") else [X[i] for i in range(len(X))]
    # The first alone settles it for a list of str.
    if items and isinstance(items[0], _ROWS):
        if all(isinstance(item, _ROWS) for item in items):
            return _read_rows(items)
    texts = _texts_of(items, X)
    return None if texts is None else Documents(texts, None, None)


def _read_rows(rows: list[Any]) -> Documents | None:
    cells = list(map(_cells, rows))
    if all(len(row) == 1 for row in cells):
        texts = _texts_of([row[0] for row in cells], rows)
        return None if texts is None else Documents(texts, None, 1)
    if _any_text(set(map(type, chain.from_iterable(cells)))):
        position = next(i for i, row in enumerate(cells) if len(row) != 1)
        _refuse_tokens(position, cells[position], "")
    return None


def _cells(row: Any) -> Sequence[Any]:
    if not isinstance(row, np.ndarray):
        return row  # type: ignore[no-any-return]
    # Numbers stay where they are, for scikit-learn: only their count is of interest.
    may_hold_text = row.ndim == 1 and row.dtype.kind in "OSUT"
    return row.tolist() if may_hold_text else ()


# -- items -----------------------------------------------------------------------------


def _texts_of(
    values: list[Any], X: Any, *, says_text: bool | None = None, where: str = ""
) -> list[str] | None:
    """Return the values as exact str; None if none of them is meant as a text."""
    types = set(map(type, values))
    if types == {str}:
        return values
    if all(issubclass(kind, str) for kind in types):
        # str.__str__ gives the characters; str() would ask the subclass, and that of
        # an Enum answers with its name.
        return list(map(str.__str__, values)) if types or says_text else None
    if says_text or _any_text(types) or _only_missing(types, values):
        _refuse_items(values, where, X)
    return None


def _any_text(types: Collection[type]) -> bool:
    return any(issubclass(kind, (str, *_BYTES)) for kind in types)


def _text_columns(columns: Iterable[Collection[Any]]) -> list[int]:
    return [j for j, items in enumerate(columns) if _any_text(set(map(type, items)))]


def _only_missing(types: set[type], values: list[Any]) -> bool:
    # A matrix of nothing but float NaN is numbers, which scikit-learn refuses.
    if all(issubclass(kind, (float, np.floating)) for kind in types):
        return False
    return all(map(is_missing, values))


# -- refusals --------------------------------------------------------------------------


def _refuse_single_text(X: Any) -> None:
    if isinstance(X, str):
        raise ValueError(
            "Iterable over raw text documents expected, string object received: X is "
            f"one str of {len(X)} characters. For a single text pass a list, [text]."
        )
    if isinstance(X, _BYTES):
        raise TypeError(
            "Iterable over raw text documents expected, but X is one "
            f"{type(X).__name__} object of length {len(X)}. For a single text decode "
            'it and pass a list, [text.decode("utf-8")].'
        )


def _refuse_unordered_or_unsized(X: Any) -> None:
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
    if _offers(X, "__len__"):
        return
    if _offers(X, "collect"):
        raise TypeError(
            f"X is a {kind}, which has yet to be computed. Pass X.collect()."
        )
    if _offers(X, "__iter__"):
        raise TypeError(
            f"X is an iterable without a length ({kind}), which can be read only once. "
            "Pass list(X)."
        )


def _refuse_several_columns(of_text: list[Any], n_columns: int) -> NoReturn:
    names = ", ".join(map(repr, of_text[:5])) + (", ..." if len(of_text) > 5 else "")
    raise ValueError(
        f"Texts must come in one column, but X has {n_columns} columns, of which "
        f"{len(of_text)} hold text: {names}. Select one of them, join them into one "
        "text, or turn each into numbers with a ColumnTransformer."
    )


def _refuse_tokens(position: int, row: Sequence[Any], where: str) -> NoReturn:
    raise ValueError(
        f"Texts must be str, but the item at position {position}{where} is a sequence "
        f"of {len(row)} items, {reprlib.repr(list(row))}. If these are the tokens of a "
        'text, join them (" ".join(tokens)), pass the untokenized texts, or give a '
        "function as analyzer."
    )


def _refuse_items(values: list[Any], where: str, X: Any) -> NoReturn:
    """Name the first item that is not a str, and how many others are like it."""
    of_numbers = not _any_text(set(map(type, values)))
    if of_numbers and are_numbers(values):
        of_numbers = False  # All are meant as texts, by their dtype or as missing.
    position, item = next(
        (i, value)
        for i, value in enumerate(values)
        if not (isinstance(value, str) or (of_numbers and is_number(value)))
    )
    found = f"the item at position {position}{where} is {reprlib.repr(item)}"
    if is_missing(item):
        n_missing = sum(map(is_missing, values))
        filled = f'[text if isinstance(text, str) else "" for text in {_in_python(X)}]'
        if _offers(X, "fillna", "iloc"):
            filled = 'X.astype(object).fillna("")'
            if {str(each) for each in _column_dtypes(X) or ()} <= _FILLED_BY_TEXT:
                filled = 'X.fillna("")'
        raise ValueError(
            f"Texts must be str, but {found}: {n_missing} of {len(values)} texts are "
            f"missing. Fill them, for instance with an empty text ({filled}), or "
            "drop them together with their labels."
        )
    if _is_row(item) and not isinstance(getattr(item, "text", None), str):
        _refuse_tokens(position, _members(item), where)
    kind = type(item)
    n_alike = sum(type(value) is kind for value in values)
    found = f"{found}, of type {kind.__name__} ({n_alike} of {len(values)})"
    if isinstance(item, _BYTES):
        raise TypeError(
            f"Texts must be str, but {found}. Decode them, for instance with "
            f'[text.decode("utf-8") for text in {_in_python(X)}].'
        )
    raise TypeError(
        f"Texts must be str, but {found}. {_way_to_texts(item, _in_python(X))}"
    )


def _way_to_texts(item: Any, items: str) -> str:
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


def _in_python(X: Any) -> str:
    """Python that gives the items of X one by one, to be pasted."""
    if _is_frame(X):
        column = "X.iloc[:, 0]" if _offers(X, "iloc") else "X[:, 0]"
        if _offers(X, "column_names"):
            column = (
                "X.column(0)" if _offers(X, "column") else f"X[{X.column_names[0]!r}]"
            )
        return column + _to_list(_column(X, 0))
    if isinstance(X, np.ndarray):
        return "X" if X.ndim == 1 else "X.ravel()"
    if isinstance(X, list) and X and isinstance(X[0], _ROWS):
        return "(row[0] for row in X)"
    if _offers(X, "__len__") and not _offers(X, "__iter__"):
        return "map(X.__getitem__, range(len(X)))"
    return "X" + _to_list(X)


def _to_list(column: Any) -> str:
    return ".to_pylist()" if _offers(column, "to_pylist") else ""


# -- neither texts nor numbers ---------------------------------------------------------


_EXPECTED = "X must be texts, one str for each sample, or a matrix of numbers, but "


def _is_yet_to_be_read(X: Any) -> bool:
    """Whether X is a table or column that has to be asked for its values."""
    if _offers(X, "compute"):
        # NumPy computes numbers by itself.
        says_text = [_dtype_says_text(each) for each in _column_dtypes(X) or [None]]
        return not _offers(X, "__array__") or (
            _offers(X, "columns") and not all(each is False for each in says_text)
        )
    if _offers(X, "__array__") or _offers(X, "to_list"):
        return False
    return any(_offers(X, name) for name in (*_READERS, "__arrow_c_stream__"))


def _refuse_unread(X: Any) -> NoReturn:
    method = next((name for name in ("compute", *_READERS) if _offers(X, name)), None)
    written = "pyarrow.table(X)" if method is None else f"X.{method}()"
    raise TypeError(
        f"{_EXPECTED}it is a {type(X).__name__}, which has yet to be read or computed. "
        f"Pass {written}, or one column of it."
    )


def _refuse_unless_numbers(X: Any) -> None:
    """Raise where X is neither texts nor what scikit-learn reads as a matrix."""
    if sp.issparse(X):
        return
    if _is_frame(X):
        _refuse_other_columns(X)
        return
    if _offers(X, "__array__") and not _offers(X, "__len__", "__iter__"):
        X = np.asarray(X)
    shape = getattr(X, "shape", None)
    if shape is not None and len(shape) > 1:
        _refuse_other_arrays(X)
        return
    if shape == () or not _offers(X, "__len__"):
        raise TypeError(
            f"{_EXPECTED}it is {reprlib.repr(X)}, of type {type(X).__name__}. Pass a "
            "list of texts, or one column of a table."
        )
    if getattr(getattr(X, "dtype", None), "kind", "O") == "V":
        _refuse_other_arrays(X)
    if len(X):
        _refuse_one_axis(X)


def _refuse_one_axis(X: Any) -> None:
    """Raise where items are neither texts nor the rows of a matrix."""
    if _says_text(X) is False and not _all_nan(X):
        _refuse_column_of_numbers(X)
    values = _column_values(X) if _offers(X, "__iter__") else _members(X)
    is_list = not _offers(X, "dtype") and not _offers(X, "type")
    if is_list and all(map(_is_row, values)):
        _refuse_other_rows(values)
    elif not are_numbers(values) or all(map(is_missing, values)):
        _refuse_items(values, "", X)
    else:
        _refuse_column_of_numbers(X)


def _all_nan(X: Any) -> bool:
    kind = getattr(getattr(X, "dtype", None), "kind", "O")
    return kind == "f" and bool(np.isnan(np.asarray(X, dtype=np.float64)).all())


def _refuse_other_columns(X: Any) -> None:
    """Raise where a column of a frame holds neither texts nor numbers."""
    names = list(X.column_names if _offers(X, "column_names") else X.columns)
    dtypes = _column_dtypes(X)
    for j, name in enumerate(names):
        dtype = _dtype_of(_column(X, j)) if dtypes is None else dtypes[j]
        if _dtype_says_text(dtype) is None:
            values = _column_values(_column(X, j))
            if not are_numbers(values):
                _refuse_items(values, f" in column {name!r}", X)


def _refuse_column_of_numbers(X: Any) -> NoReturn:
    converted = "[str(x) for x in X]"
    if _offers(X, "astype"):
        converted = "X.astype(str)"
    elif _offers(X, "tolist"):
        converted = "[str(x) for x in X.tolist()]"
    raise ValueError(
        f"{_EXPECTED}it is one column of numbers ({type(X).__name__}). If they are "
        f"meant as texts (codes, numbers of orders), convert them: {converted}. If "
        "they are a matrix, it has two axes. Reshape your data, with "
        "numpy.asarray(X).reshape(-1, 1) for a single feature or "
        "numpy.asarray(X).reshape(1, -1) for a single sample."
    )


def _refuse_other_arrays(X: Any) -> None:
    """Raise where an array holds other things than numbers."""
    kind = getattr(getattr(X, "dtype", None), "kind", "f")
    if kind == "O" and len(X.shape) == 2:
        rows = np.asarray(X).tolist()
        for i, row in enumerate(rows):
            for j, item in enumerate(row):
                if not (is_number(item) or is_missing(item)):
                    raise TypeError(
                        f"{_EXPECTED}the item in row {i}, column {j} is "
                        f"{reprlib.repr(item)}, of type {type(item).__name__}: float() "
                        "argument must be a string or a real number."
                    )
    elif kind in "OUTV":
        raise ValueError(
            f"{_EXPECTED}it is an array of {len(X.shape)} axes and dtype {X.dtype}. "
            "Pass an array of str of one axis, such as one field of records."
        )


def _refuse_other_rows(rows: list[Any]) -> None:
    """Raise where rows are of different lengths, or hold other things than numbers."""
    lengths = list(map(len, rows))
    for position, row in enumerate(rows):
        if not isinstance(row, np.ndarray) or row.dtype.kind == "O":
            # Deeper lists are left to scikit-learn, which says how many axes it wants.
            members = _members(row)
            is_deeper = all(map(_is_row, members)) and not any(
                _any_text(set(map(type, _members(member)))) for member in members
            )
            if not (is_deeper or are_numbers(members)):
                _refuse_tokens(position, members, "")
        if lengths[position] != lengths[0]:
            raise ValueError(
                f"{_EXPECTED}its rows are of different lengths: {lengths[0]} in row 0, "
                f"{lengths[position]} in row {position}. Pass one text for each "
                "sample, or rows of one length."
            )


def _is_row(item: Any) -> bool:
    """Whether an item holds others in their order."""
    if isinstance(item, (str, *_BYTES, Mapping)) or sp.issparse(item):
        return False
    return getattr(item, "ndim", 1) > 0 and _offers(item, "__len__", "__getitem__")


def _members(row: Any) -> list[Any]:
    # Asked by index, something that knows its length ends there.
    return list(row) if _offers(row, "__iter__") else [row[i] for i in range(len(row))]

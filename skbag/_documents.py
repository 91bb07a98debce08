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

import re
import reprlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain, compress
from typing import Any, NamedTuple, NoReturn

import numpy as np
import scipy.sparse as sp

_BYTES = (bytes, bytearray)
_ROWS = (list, tuple, np.ndarray)

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
    >>> from skbag._documents import read_documents
    >>> read_documents(("one text", "another"))
    Documents(texts=['one text', 'another'], feature_names=None, n_features=None)
    >>> read_documents([["one text"], ["another"]]).n_features
    1
    >>> read_documents([[1.0, 2.0], [3.0, 4.0]]) is None
    True
    """
    _refuse_single_text(X)
    if isinstance(X, np.ndarray):
        return _read_array(X)
    if X is None or sp.issparse(X):
        return None
    if _offers(X, "columns", "shape", "__len__"):
        return _read_frame(X)
    if _offers(X, "to_list") or _offers(X, "to_pylist"):
        texts = _read_column(X, "")
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


def _offers(X: Any, *names: str) -> bool:
    return all(hasattr(type(X), name) for name in names)


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
        texts = _texts_of(_array_values(X), says_text=_says_text(X))
        n_features = None if X.ndim == 1 else 1
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
        texts = _read_column(_column(X, 0), f" in column {name!r}")
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
    return X.column(j) if _offers(X, "column") else X[:, j]


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
        return list(X.dtypes)
    types = getattr(getattr(X, "schema", None), "types", None)
    return types if isinstance(types, list) else None


def _dtype_of(column: Any) -> Any:
    return getattr(column, "dtype", getattr(column, "type", None))


def _read_column(column: Any, where: str) -> list[str] | None:
    says_text = _says_text(column)
    if says_text is False:
        return None  # decided without boxing a column of numbers
    return _texts_of(_column_values(column), says_text=says_text, where=where)


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
    scalar = getattr(dtype, "type", None)
    if isinstance(scalar, type) and issubclass(scalar, str):
        return True
    name = str(dtype)
    if _TEXT_TYPE.match(name):
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
    texts = _texts_of(items)
    return None if texts is None else Documents(texts, None, None)


def _read_rows(rows: list[Any]) -> Documents | None:
    cells = list(map(_cells, rows))
    if all(len(row) == 1 for row in cells):
        texts = _texts_of([row[0] for row in cells])
        return None if texts is None else Documents(texts, None, 1)
    if _any_text(set(map(type, chain.from_iterable(cells)))):
        _refuse_rows(cells)
    return None


def _cells(row: Any) -> Sequence[Any]:
    if not isinstance(row, np.ndarray):
        return row  # type: ignore[no-any-return]
    # Numbers stay where they are, for scikit-learn: only their count is of interest.
    may_hold_text = row.ndim == 1 and row.dtype.kind in "OSUT"
    return row.tolist() if may_hold_text else ()


# -- items -----------------------------------------------------------------------------


def _texts_of(
    values: list[Any], *, says_text: bool | None = None, where: str = ""
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
        _refuse_items(values, where)
    if any(issubclass(kind, (list, tuple)) for kind in types):
        _refuse_tokens_among(values, where)
    return None


def _any_text(types: Collection[type]) -> bool:
    return any(issubclass(kind, (str, *_BYTES)) for kind in types)


def _text_columns(columns: Iterable[Collection[Any]]) -> list[int]:
    return [j for j, items in enumerate(columns) if _any_text(set(map(type, items)))]


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    # NaN is the only number that differs from itself.
    return isinstance(value, (float, np.floating)) and bool(value != value)


def _only_missing(types: set[type], values: list[Any]) -> bool:
    # A column of nothing but float NaN is numbers, which scikit-learn refuses.
    if all(issubclass(kind, (float, np.floating)) for kind in types):
        return False
    return all(map(_is_missing, values))


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


def _refuse_rows(rows: list[Sequence[Any]]) -> NoReturn:
    lengths = set(map(len, rows))
    if len(lengths) == 1:
        of_text = _text_columns(zip(*rows, strict=True))
        _refuse_several_columns(of_text, lengths.pop())
    position = next(i for i, row in enumerate(rows) if len(row) != 1)
    _refuse_tokens(position, rows[position], "")


def _refuse_tokens_among(values: list[Any], where: str) -> None:
    for position, value in enumerate(values):
        if isinstance(value, (list, tuple)) and _any_text(set(map(type, value))):
            _refuse_tokens(position, value, where)


def _refuse_tokens(position: int, row: Sequence[Any], where: str) -> NoReturn:
    raise ValueError(
        f"Texts must be str, but the item at position {position}{where} is a sequence "
        f"of {len(row)} items, {reprlib.repr(list(row))}. If these are the tokens of a "
        'text, join them (" ".join(tokens)) or pass the untokenized texts.'
    )


def _refuse_items(values: list[Any], where: str) -> NoReturn:
    """Name the first item that is not a str, and how many others are like it."""
    position, item = next(
        (i, value) for i, value in enumerate(values) if not isinstance(value, str)
    )
    found = f"the item at position {position}{where} is {reprlib.repr(item)}"
    if _is_missing(item):
        n_missing = sum(map(_is_missing, values))
        raise ValueError(
            f"Texts must be str, but {found}: {n_missing} of {len(values)} texts are "
            'missing. Fill them, for instance with an empty text (X.fillna("")), or '
            "drop them together with their labels."
        )
    if isinstance(item, (list, tuple)):
        _refuse_tokens(position, item, where)
    kind = type(item)
    n_alike = sum(type(value) is kind for value in values)
    found = f"{found}, of type {kind.__name__} ({n_alike} of {len(values)})"
    if isinstance(item, _BYTES):
        raise TypeError(
            f"Texts must be str, but {found}. Decode them, for instance with "
            '[text.decode("utf-8") for text in X].'
        )
    raise TypeError(
        f"Texts must be str, but {found}. If they are meant as texts, convert them "
        "with X.astype(str) or [str(text) for text in X]."
    )

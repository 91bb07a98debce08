"""Texts or numbers? Decide, and unwrap the texts from whatever holds them.

Conventions
-----------
pandas, polars and pyarrow are recognised by what their classes offer, never
imported. Attributes are looked up on the class: on the object, a pandas Series
would give its row labels and a polars LazyFrame a warning.

Texts never become a NumPy string array: ``np.asarray`` of a list pads every text to
the longest one. In the good case no Python code runs per text; only a refusal,
which has to say where the fault is, walks through the items.
"""

from __future__ import annotations

import reprlib
from collections.abc import Collection, Iterable, Sequence
from itertools import chain, compress
from numbers import Number
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from skbag._core.items import is_missing
from skbag._text.text_container_errors import (
    BYTES,
    ROWS,
    any_text,
    column_dtypes,
    column_of,
    column_says_text,
    column_values,
    dtype_of,
    dtype_says_text,
    is_frame,
    is_yet_to_be_read,
    offers,
    refuse_items,
    refuse_several_columns,
    refuse_single_text,
    refuse_tokens,
    refuse_unless_numbers,
    refuse_unordered_or_unsized,
    refuse_unread,
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
    refuse_single_text(X)
    documents = _read(X)
    if documents is None:
        refuse_unless_numbers(X)
    return documents


def _read(X: Any) -> Documents | None:
    if type(X) is list:
        # At once: to ask what a list offers takes as long as to predict its one text.
        return _read_sequence(X)
    if isinstance(X, np.ndarray):
        return _read_array(X)
    if is_yet_to_be_read(X):
        refuse_unread(X)
    if X is None or sp.issparse(X):
        return None
    if is_frame(X):
        return _read_frame(X)
    if offers(X, "to_list") or offers(X, "to_pylist"):
        texts = _read_column(X, X, "")
        return None if texts is None else Documents(texts, None, None)
    if offers(X, "__dlpack__"):
        return None  # a tensor, perhaps on another device: it can only hold numbers
    if offers(X, "__array__"):
        # Its own conversion, so its own dtype: no list of str gets here.
        return None if column_says_text(X) is False else _read_array(np.asarray(X))
    refuse_unordered_or_unsized(X)
    if offers(X, "__len__", "__iter__") or offers(X, "__len__", "__getitem__"):
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
    elif offers(X, "columns") or not (offers(X, "to_list") or offers(X, "to_pylist")):
        items = []
    else:
        items = [] if column_says_text(X) is False else column_values(X)
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
    plain = (str, *BYTES, Number, np.generic)
    return not isinstance(item, plain) and not is_missing(item)


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
        texts = _texts_of(_array_values(X), X, says_text=column_says_text(X))
        n_features = None if X.ndim == 1 else 1
        if texts is None and len(X) == 0:
            texts = []
        return None if texts is None else Documents(texts, None, n_features)
    if X.dtype.kind == "O" and not any_text(set(map(type, X.flat))):
        return None
    refuse_several_columns(_text_columns(X.T.tolist()), X.shape[1])


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
    names = list(X.column_names if offers(X, "column_names") else X.columns)
    if len(names) == 1:
        name = names[0]
        texts = _read_column(column_of(X, 0), X, f" in column {name!r}")
        if texts is None and len(X) == 0 and column_says_text(column_of(X, 0)) is None:
            texts = []
        if texts is None:
            return None
        return Documents(texts, [name] if isinstance(name, str) else None, 1)
    are_text = _are_text_columns(X, len(names))
    if any(are_text):
        refuse_several_columns(list(compress(names, are_text)), len(names))
    return None


def _are_text_columns(X: Any, n_columns: int) -> list[bool]:
    """Whether each column holds texts.

    Columns are taken out only where their dtype does not say it: of a wide frame that
    takes longer than a prediction.
    """
    dtypes = column_dtypes(X)
    if dtypes is None:
        dtypes = [dtype_of(column_of(X, j)) for j in range(n_columns)]
    # By identity: to compare dtypes of categories is to compare these, one by one.
    says_text = {id(dtype): dtype_says_text(dtype) for dtype in _distinct(dtypes)}
    are_text = [says_text[id(dtype)] for dtype in dtypes]
    return [
        any_text(set(map(type, column_values(column_of(X, j)))))
        if is_text is None
        else is_text
        for j, is_text in enumerate(are_text)
    ]


def _distinct(objects: list[Any]) -> Iterable[Any]:
    return {id(each): each for each in objects}.values()


def _read_column(column: Any, X: Any, where: str) -> list[str] | None:
    says_text = column_says_text(column)
    if says_text is False:
        return None  # decided without boxing a column of numbers
    return _texts_of(column_values(column), X, says_text=says_text, where=where)


def _read_sequence(X: Any) -> Documents | None:
    # Asked by index, something that knows its length ends there; iterated, a class
    # with __getitem__ alone ends only if it raises IndexError.
    items = list(X) if offers(X, "__iter__") else [X[i] for i in range(len(X))]
    # The first alone settles it for a list of str.
    if items and isinstance(items[0], ROWS):
        if all(isinstance(item, ROWS) for item in items):
            return _read_rows(items)
    texts = _texts_of(items, X)
    return None if texts is None else Documents(texts, None, None)


def _read_rows(rows: list[Any]) -> Documents | None:
    cells = list(map(_cells, rows))
    if all(len(row) == 1 for row in cells):
        texts = _texts_of([row[0] for row in cells], rows)
        return None if texts is None else Documents(texts, None, 1)
    if any_text(set(map(type, chain.from_iterable(cells)))):
        position = next(i for i, row in enumerate(cells) if len(row) != 1)
        refuse_tokens(position, cells[position], "")
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
        # an Enum gives its name.
        return list(map(str.__str__, values)) if types or says_text else None
    if says_text or any_text(types) or _only_missing(types, values):
        refuse_items(values, where, X)
    return None


def _text_columns(columns: Iterable[Collection[Any]]) -> list[int]:
    return [j for j, items in enumerate(columns) if any_text(set(map(type, items)))]


def _only_missing(types: set[type], values: list[Any]) -> bool:
    # A matrix of nothing but float NaN is numbers, which scikit-learn refuses.
    if all(issubclass(kind, (float, np.floating)) for kind in types):
        return False
    return all(map(is_missing, values))

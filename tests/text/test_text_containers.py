"""Texts or numbers: every container in, one list of exact str out."""

from __future__ import annotations

import array
import ast
import collections
import enum
import io
import re
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skbag._core.items import is_missing
from skbag._text import text_container_errors, text_containers
from skbag._text.text_containers import Documents, read_documents

TEXTS = ["the first text", "", "naïve Ω 🙂 \n second", "nul \x00 within", "x"]
HAS_STRING_DTYPE = hasattr(np.dtypes, "StringDType") if hasattr(np, "dtypes") else False


def object_array(items):
    """One object per item, whatever the items are."""
    out = np.empty(len(items), dtype=object)
    out[:] = items
    return out


class Sized:
    """Anything with a length and items by number, as torch's Dataset."""

    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i % len(self.items)]  # never raises IndexError


class SizedIterable:
    """Anything with a length that can be iterated, as a column of a data set."""

    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __iter__(self):
        return iter(self.items)


class HasArray:
    """Nothing but a conversion to an array, as scikit-learn's checks pass it."""

    def __init__(self, data):
        self.data = data

    def __array__(self, dtype=None, copy=None):
        return self.data


class ArrowStream:
    """A table of some other library, by the protocol of Arrow alone."""

    def __arrow_c_stream__(self, requested_schema=None):
        return pa.table({"text": ["a", "b"]}).__arrow_c_stream__(requested_schema)


ONE_D = {
    "list": list,
    "tuple": tuple,
    "deque": collections.deque,
    "UserList": collections.UserList,
    "dict values": lambda t: dict(enumerate(t)).values(),
    "sized": Sized,
    "sized iterable": SizedIterable,
    "list of np.str_": lambda t: [np.str_(text) for text in t],
    "object array": object_array,
    "masked array": lambda t: np.ma.MaskedArray(object_array(t)),
    "strided object array": lambda t: object_array(t)[::-1].copy()[::-1],
    "__array__": lambda t: HasArray(object_array(t)),
    "pandas object": lambda t: pd.Series(t, dtype=object),
    "pandas inferred": pd.Series,  # str since pandas 3, object before
    "pandas string[python]": lambda t: pd.Series(t, dtype="string[python]"),
    "pandas string[pyarrow]": lambda t: pd.Series(t, dtype="string[pyarrow]"),
    "pandas ArrowDtype": lambda t: pd.Series(t, dtype=pd.ArrowDtype(pa.string())),
    "pandas string_view": lambda t: pd.Series(t, dtype=pd.ArrowDtype(pa.string_view())),
    "pandas category": lambda t: pd.Series(t, dtype="category"),
    "pandas other labels": lambda t: pd.Series(t, index=range(len(t), 0, -1)),
    "pandas Index": lambda t: pd.Index(t, dtype=object),
    "pandas CategoricalIndex": pd.CategoricalIndex,
    "pandas array": lambda t: pd.array(t, dtype="string"),
    "pandas Categorical": pd.Categorical,
    "polars String": lambda t: pl.Series(t, dtype=pl.String),
    "polars Categorical": lambda t: pl.Series(t, dtype=pl.Categorical),
    "polars Enum": lambda t: pl.Series(t, dtype=pl.Enum(sorted(set(t)))),
    "polars Object": lambda t: pl.Series(t, dtype=pl.Object),
    "arrow string": lambda t: pa.array(t, pa.string()),
    "arrow large_string": lambda t: pa.array(t, pa.large_string()),
    "arrow string_view": lambda t: pa.array(t, pa.string_view()),
    "arrow dictionary": lambda t: pa.array(t, pa.string()).dictionary_encode(),
    "arrow chunked": lambda t: pa.chunked_array([t[:2], t[2:]], pa.string()),
    "arrow chunked dictionary": lambda t: pa.chunked_array(
        [t[:2], t[2:]], pa.string()
    ).dictionary_encode(),
}
if HAS_STRING_DTYPE:
    ONE_D["NumPy StringDType"] = lambda t: np.array(t, dtype=np.dtypes.StringDType())
    ONE_D["NumPy StringDType, NA"] = lambda t: np.array(
        t, dtype=np.dtypes.StringDType(na_object=np.nan)
    )


class DataSet:
    """Columns by name and rows by number, as a data set of Hugging Face."""

    def __init__(self, columns):
        self.columns_by_name = columns
        self.column_names = list(columns)

    column_names = ()

    def __len__(self):
        return len(next(iter(self.columns_by_name.values())))

    @property
    def shape(self):
        return len(self), len(self.column_names)

    def __getitem__(self, key):
        return self.columns_by_name[key]

    def to_list(self):
        raise AssertionError("rows are slow")


class Relation:
    """A table that is computed when asked for, as one of DuckDB."""

    columns = ("text",)
    shape = (2, 1)

    def __len__(self):
        return 2

    def to_arrow_table(self):
        return pa.table({"text": ["a", "b"]})


FRAMES = {
    "data set": lambda t: DataSet({"text": t}),
    "pandas frame, object": lambda t: pd.DataFrame({"text": t}, dtype=object),
    "pandas frame, inferred": lambda t: pd.DataFrame({"text": t}),
    "pandas frame, category": lambda t: pd.DataFrame({"text": t}, dtype="category"),
    "polars frame": lambda t: pl.DataFrame({"text": t}, schema={"text": pl.String}),
    "arrow table": lambda t: pa.table({"text": pa.array(t, pa.string())}),
    "arrow batch": lambda t: pa.record_batch({"text": pa.array(t, pa.string())}),
}
TWO_D = {
    "list of lists": lambda t: [[text] for text in t],
    "tuple of tuples": lambda t: tuple((text,) for text in t),
    "list of object arrays": lambda t: [object_array([text]) for text in t],
    "object array (n, 1)": lambda t: object_array(t).reshape(-1, 1),
    "Fortran order": lambda t: np.asfortranarray(object_array(t).reshape(-1, 1)),
}
if HAS_STRING_DTYPE:
    TWO_D["StringDType (n, 1)"] = lambda t: np.array(
        t, dtype=np.dtypes.StringDType()
    ).reshape(-1, 1)


# -- texts -----------------------------------------------------------------------------


@pytest.mark.parametrize("wrap", ONE_D.values(), ids=ONE_D)
def test_one_dimensional_texts(wrap):
    documents = read_documents(wrap(TEXTS))
    assert documents == Documents(TEXTS, None, None)
    assert type(documents.texts) is list
    assert set(map(type, documents.texts)) == {str}


@pytest.mark.parametrize("wrap", TWO_D.values(), ids=TWO_D)
def test_one_column_of_texts(wrap):
    documents = read_documents(wrap(TEXTS))
    assert documents == Documents(TEXTS, None, 1)
    assert set(map(type, documents.texts)) == {str}


@pytest.mark.parametrize("wrap", FRAMES.values(), ids=FRAMES)
def test_one_column_frame_gives_its_name(wrap):
    assert read_documents(wrap(TEXTS)) == Documents(TEXTS, ["text"], 1)


def test_name_that_is_no_str_is_no_feature_name():
    assert read_documents(pd.DataFrame({0: TEXTS})) == Documents(TEXTS, None, 1)


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_fixed_width_numpy_texts(shape):
    texts = ["a", "", "three"]
    documents = read_documents(np.array(texts).reshape(shape))
    assert documents == Documents(texts, None, 1 if len(shape) == 2 else None)
    assert set(map(type, documents.texts)) == {str}


def test_matrix_of_texts():
    with pytest.warns(PendingDeprecationWarning, match="matrix"):
        X = np.matrix([["a"], ["b"]])
    assert read_documents(X) == Documents(["a", "b"], None, 1)


def test_str_subclasses_become_str():
    class Colour(str, enum.Enum):
        RED = "red"

    class Loud(str):
        def __str__(self):
            return self.upper()

    documents = read_documents([Colour.RED, Loud("quiet"), "plain"])
    assert documents.texts == ["red", "quiet", "plain"]
    assert set(map(type, documents.texts)) == {str}


def test_result_does_not_alias_a_list():
    texts = ["a", "b"]
    assert read_documents(texts).texts is not texts


def test_lone_surrogates_pass():
    texts = ["\ud800 alone", "\udfff"]
    assert read_documents(texts).texts == texts
    assert read_documents(object_array(texts)).texts == texts


@pytest.mark.parametrize("wrap", [list, object_array], ids=["list", "object"])
@settings(max_examples=50, deadline=None)
@given(
    texts=st.lists(
        # "Cs": lone surrogates, which only Python's own str can hold.
        st.text(st.characters(exclude_categories=())),
        min_size=1,
    )
)
def test_any_text_comes_back(wrap, texts):
    assert read_documents(wrap(texts)).texts == texts


@settings(max_examples=300, deadline=None)
@given(
    texts=st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=8),
    name=st.sampled_from(sorted({**ONE_D, **TWO_D, **FRAMES})),
)
def test_any_container_gives_the_texts_back(texts, name):
    documents = read_documents({**ONE_D, **TWO_D, **FRAMES}[name](texts))
    assert documents.texts == texts
    assert set(map(type, documents.texts)) == {str}
    assert documents.n_features == (None if name in ONE_D else 1)


EMPTY_TEXTS = {
    "U array": np.array([], dtype="<U5"),
    "U array (0, 1)": np.empty((0, 1), dtype="<U5"),
    "pandas string": pd.Series([], dtype="string[python]"),
    "pandas string[pyarrow]": pd.Series([], dtype="string[pyarrow]"),
    "pandas category": pd.Series(["a"], dtype="string").astype("category")[:0],
    "pandas frame": pd.DataFrame({"text": pd.Series([], dtype="string")}),
    "polars": pl.Series([], dtype=pl.String),
    "polars Enum": pl.Series([], dtype=pl.Enum(["a"])),
    "arrow": pa.array([], pa.string()),
    "arrow dictionary": pa.array([], pa.large_string()).dictionary_encode(),
    "arrow table": pa.table({"text": pa.array([], pa.string_view())}),
}


@pytest.mark.parametrize("X", EMPTY_TEXTS.values(), ids=EMPTY_TEXTS)
def test_empty_but_declared_as_texts(X):
    assert read_documents(X).texts == []


# -- numbers ---------------------------------------------------------------------------


NOT_TEXTS = {
    "csr matrix": sp.csr_matrix(np.eye(3)),
    "csr array": sp.csr_array(np.eye(3)),
    "coo array": sp.coo_array(np.eye(3)),
    "array": np.eye(3),
    "complex array": np.ones((3, 1)) * 1j,
    "bool array": np.ones((3, 1), dtype=bool),
    "3-D array": np.ones((2, 2, 2)),
    "list of lists": [[1, 2], [3, 4]],
    "list of columns": [[1], [2]],
    "list of arrays": [np.arange(3), np.arange(3)],
    "3-D list": [[[1]], [[2]]],
    "no rows": [],
    "empty tuple": (),
    "empty rows": [[], []],
    "empty array": np.empty((0, 3)),
    "no columns": np.empty((12, 0), dtype=object),
    "object array": np.eye(3).astype(object),
    "torch tensor": torch.ones(3, 2),
    "__array__": HasArray(np.eye(3)),
    "pandas frame": pd.DataFrame({"a": [1.0, 2.0], "b": [1, 2]}),
    "pandas object frame": pd.DataFrame({"a": [1, 2], "b": [1, 2]}, dtype=object),
    "pandas nullable": pd.DataFrame({"a": [1, None]}, dtype="Float64"),
    "pandas one column": pd.DataFrame({"a": [1.0, 2.0]}),
    "pandas no columns": pd.DataFrame(index=range(3)),
    "pandas empty object": pd.Series([], dtype=object),
    "polars frame": pl.DataFrame({"a": [1, 2], "b": [0.5, None]}),
    "arrow table": pa.table({"a": [1, 2], "b": [0.5, None]}),
}


@pytest.mark.parametrize("X", NOT_TEXTS.values(), ids=NOT_TEXTS)
def test_left_to_scikit_learn(X):
    assert read_documents(X) is None


COLUMNS_OF_NUMBERS = {
    "dates": np.array(["2024-01-01"], dtype="datetime64[D]"),
    "1-D array": np.arange(3.0),
    "list": [1, 2, 3],
    "list with None": [1.0, None],
    "list of 0-d arrays": [np.array(1), np.array(2)],
    "1-D object array": np.arange(3).astype(object),
    "array.array": array.array("d", [1.0, 2.0]),
    "range": range(3),
    "memoryview": memoryview(b"abc"),
    "pandas series": pd.Series([1.0, None]),
    "pandas dates": pd.Series(pd.to_datetime(["2024-01-01", None])),
    "pandas categories": pd.Series([1, 2], dtype="category"),
    "polars series": pl.Series([1, 2]),
    "polars bool": pl.Series([True, None]),
    "arrow array": pa.array([1.5, 2.5]),
    "arrow bool": pa.array([True, False]),
    "torch 1-D": torch.ones(3),
}


@pytest.mark.parametrize("X", COLUMNS_OF_NUMBERS.values(), ids=COLUMNS_OF_NUMBERS)
def test_a_column_of_numbers_may_be_meant_as_texts(X):
    with pytest.raises(ValueError, match=r"^X must be texts.*Reshape") as caught:
        read_documents(X)
    # What the message says to write works as it stands.
    written = re.search(r"convert them: (.*?)\. If", str(caught.value)).group(1)
    if not any(map(is_missing, X)):
        documents = read_documents(eval(written, {"X": X}))
        assert len(documents.texts) == len(X)
    again = re.search(r"with (numpy\.asarray\(X\).reshape\(-1, 1\))", str(caught.value))
    assert eval(again.group(1), {"X": X, "numpy": np}).shape == (len(X), 1)


NEITHER = {
    "None": None,
    "number": 5,
    "3-D text": np.full((2, 2, 2), "a"),
    "0-d array": np.array(1.0),
    "0-d text": np.array("text"),
    "0-d object": np.array(None),
    "structured": np.zeros(2, dtype=[("a", "U3")]),
    "list of NaN": [float("nan"), float("nan")],
    "ragged list": [[1, 2], [3]],
    "list of rows of dicts": [{"a": 1}],
    "object array with a dict": np.array([[1.0, {"foo": "bar"}]], dtype=object),
    "arrow list": pa.array([[1], [2, 3]]),
    "object of no kind": object(),
    "path": Path("texts.txt"),
    "embeddings": pd.Series([np.ones(2), np.ones(2)]),
    "records": [{"text": "a"}, {"text": "b"}],
    "paths": [Path("a"), Path("b")],
    "sets": [{"a"}, {"b"}],
    "token arrays": pd.Series([np.array(["a", "b"]), np.array(["c"])]),
    "documents": [Sized(["a", "b"]), Sized(["c", "d"])],
    "polars struct": pl.Series([{"text": "a"}, {"text": "b"}]),
    "arrow struct": pa.array([{"text": "a"}, {"text": "b"}]),
    "structs in a frame": pd.DataFrame({"t": [{"text": "a"}], "n": [1]}),
    "polars Expr": pl.col("text"),
    "batch reader": pa.table({"text": ["a"]}).to_reader(),
    "arrow data set": pyarrow.dataset.dataset(pa.table({"text": ["a"]})),
    "stream": ArrowStream(),
    "file": io.StringIO("a"),
}


@pytest.mark.parametrize("X", NEITHER.values(), ids=NEITHER)
def test_neither_texts_nor_numbers(X):
    with pytest.raises(
        (TypeError, ValueError), match=r"^(X must be t|T)exts|^X is an iterable"
    ):
        read_documents(X)


ADVICE = {
    "records": [{"n": 1, "text": "a"}, {"n": 2, "text": "b"}],
    "polars struct": NEITHER["polars struct"],
    "arrow struct": NEITHER["arrow struct"],
    "struct in a table": pa.table({"t": NEITHER["arrow struct"]}),
    "struct in polars": pl.DataFrame({"t": NEITHER["polars struct"]}),
    "records in a frame": pd.DataFrame({"t": [{"text": "a"}, {"text": "b"}]}),
    "sets": [{"a"}, {"b"}],
    "bytes": [b"a", b"b"],
    "bytes of Arrow": pa.array([b"a", b"b"]),
    "numbers among texts": ["a", 5],
    "by index": Sized(["a", 5]),
    "None": ["a", None],
    "rows": [["a"], [None]],
    "(n, 1)": np.array([["a"], [None]], dtype=object),
    "pandas": pd.Series(["a", None]),
    "pandas category": pd.Series(["a", None], dtype="category"),
    "pandas array": pd.array(["a", None], dtype="string"),
    "NaN": pd.Series([np.nan, np.nan]),
    "list of NaN": [np.nan, np.nan],
    "polars": pl.Series(["a", None]),
    "polars frame": pl.DataFrame({"t": ["a", None]}),
    "arrow": pa.array(["a", None]),
    "table": pa.table({"t": ["a", None]}),
    "batch reader": pa.table({"text": ["a", "b"]}).to_reader(),
    "arrow data set": pyarrow.dataset.dataset(pa.table({"text": ["a", "b"]})),
    "stream": ArrowStream(),
    "relation": Relation(),
}


@pytest.mark.parametrize("X", ADVICE.values(), ids=ADVICE)
def test_advice_works_as_it_stands(X):
    with pytest.raises((TypeError, ValueError)) as caught:
        read_documents(X)
    written = re.search(
        r"(\[(?:[^\[]|\['|\[\")* for text in .*?\])[.),:]"
        r"|(X\.(?:astype\(object\)\.)?fillna\(\"\"\))"
        r"|Pass ((?:pyarrow|X)\.\w+\(X?\))(?:,| if it is a table)"
        r"|pyarrow\.table\(X\) if it is a table, (pyarrow\.\w+\(X\)) if it is one",
        str(caught.value).split(". ", 1)[1] if ". " in str(caught.value) else "",
    )
    assert written is not None, str(caught.value)
    code = next(filter(None, written.groups()))
    documents = read_documents(eval(code, {"X": X, "pyarrow": pa}))
    assert len(documents.texts) == 2


class ArrowArray:
    """A column of some other library, by the protocol of Arrow alone."""

    def __arrow_c_array__(self, requested_schema=None):
        return pa.array(["a", "b"]).__arrow_c_array__(requested_schema)


class ArrowColumn:
    def __arrow_c_stream__(self, requested_schema=None):
        column = pa.chunked_array([["a"], ["b"]])
        return column.__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize("X", [ArrowArray(), ArrowColumn()])
def test_a_column_of_the_protocol_of_arrow(X):
    with pytest.raises(TypeError, match="yet to be read") as caught:
        read_documents(X)
    written = re.search(r"(\S+) if it is one column", str(caught.value))[1]
    assert read_documents(eval(written, {"X": X, "pyarrow": pa})).texts == ["a", "b"]


def test_an_expression_of_polars():
    with pytest.raises(TypeError, match=r"Pass .*frame\.select\(X\)\.to_series\(\)"):
        read_documents(pl.col("text"))


def test_a_path_is_to_be_read():
    with pytest.raises(TypeError, match=r"PosixPath|WindowsPath") as caught:
        read_documents(Path("texts.txt"))
    assert 'open(X, encoding="utf-8").readlines()' in str(caught.value)


def test_a_file_gives_its_lines():
    with pytest.raises(TypeError, match=r"iterable without a length .*Pass list\(X\)"):
        read_documents(io.StringIO("a\nb"))


def test_a_file_of_parquet_is_to_be_read(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pa.table({"text": ["a", "b"]}), tmp_path / "a.parquet")
    with pytest.raises(TypeError, match=r"yet to be read.*Pass X\.read\(\)"):
        read_documents(parquet.ParquetFile(tmp_path / "a.parquet"))


def test_a_lazy_column_is_to_be_computed():
    dask = pytest.importorskip("dask.dataframe")
    frame = pd.DataFrame({"text": ["a", "b"], "n": [1, 2]})
    lazy = dask.from_pandas(frame, npartitions=2)
    for X in (lazy["text"], lazy[["text"]], lazy, lazy.index):
        with pytest.raises(TypeError, match=r"to be read or computed.*X\.compute\(\)"):
            read_documents(X)
    assert read_documents(lazy[["n"]]) is None
    with pytest.raises(ValueError, match="one column of numbers"):
        read_documents(lazy["n"])


def test_columns_of_a_data_set():
    X = DataSet({"text": ["a", "b"], "n": [1, 2]})
    with pytest.raises(ValueError, match=r"2 columns, of which 1 hold text: 'text'"):
        read_documents(X)


def test_no_rows_of_an_object_column_are_no_texts():
    frame = pd.DataFrame({"t": ["a"]}, dtype=object)[:0]
    assert read_documents(frame) == Documents([], ["t"], 1)
    assert read_documents(np.empty((0, 1), dtype=object)) == Documents([], None, 1)


def test_numbers_of_a_frame_are_not_boxed(monkeypatch):
    def to_list(self):
        raise AssertionError("the dtype was enough")

    for name in ("tolist", "to_list"):
        monkeypatch.setattr(pd.Series, name, to_list)
    assert read_documents(pd.DataFrame({"a": [1.0], "b": [2.0]})) is None
    with pytest.raises(ValueError, match="one column of numbers"):
        read_documents(pd.Series([1.0]))


WIDE = {
    "pandas": pd.DataFrame({"a": [1.0], "b": [2], "c": pd.Categorical([3])}),
    "polars": pl.DataFrame({"a": [1.0], "b": [2], "c": [True]}),
    "arrow": pa.table({"a": [1.0], "b": [2], "c": [True]}),
}


@pytest.mark.parametrize("X", WIDE.values(), ids=WIDE)
def test_dtypes_of_a_frame_are_asked_at_once(X, monkeypatch):
    def column(X, j):
        raise AssertionError("the dtypes were enough")

    monkeypatch.setattr(text_container_errors, "column_of", column)
    assert read_documents(X) is None


def test_a_dict_among_numbers_is_named():
    X = np.eye(3).astype(object)
    X[0, 0] = {"foo": "bar"}
    # scikit-learn's checks want these words of its own.
    words = r"row 0, column 0 is .*, of type dict: .*argument must be .*string.*number"
    with pytest.raises(TypeError, match=words):
        read_documents(X)


# -- refusals --------------------------------------------------------------------------


def test_single_str():
    message = r"string object received: X is one str of 8 characters.*\[text\]"
    with pytest.raises(ValueError, match=message):
        read_documents("one text")
    with pytest.raises(ValueError, match=message):
        read_documents(np.str_("one text"))


@pytest.mark.parametrize("X", [b"raw", bytearray(b"raw"), np.bytes_(b"raw")])
def test_single_bytes(X):
    message = r'one byte\w* object of length 3.*\[text\.decode\("utf-8"\)\]'
    with pytest.raises(TypeError, match=message):
        read_documents(X)


@pytest.mark.parametrize("shape", [(2,), (2, 1), (1, 2)])
def test_array_of_bytes(shape):
    X = np.array([b"a", b"bc"]).reshape(shape)
    with pytest.raises(TypeError, match=r"array of bytes \(dtype \|S2\).*char\.decode"):
        read_documents(X)


BYTES_AMONG = {
    "list": ["a", "b", b"c", b"d"],
    "list of lists": [["a"], ["b"], [b"c"], [b"d"]],
    "object array": object_array(["a", "b", b"c", b"d"]),
    "pandas": pd.Series(["a", "b", b"c", b"d"]),
    "pandas frame": pd.DataFrame({"text": ["a", "b", b"c", b"d"]}),
}


@pytest.mark.parametrize("X", BYTES_AMONG.values(), ids=BYTES_AMONG)
def test_bytes_among_texts(X):
    message = r"position 2.* b'c', of type bytes \(2 of 4\)\. .*\.decode\(\"utf-8\"\)"
    with pytest.raises(TypeError, match=message):
        read_documents(X)


@pytest.mark.parametrize("X", [[b"a"], [bytearray(b"a")], pa.array([b"a"])])
def test_nothing_but_bytes(X):
    with pytest.raises(TypeError, match=r"position 0 is .*of type byte.*Decode them"):
        read_documents(X)


MISSING = {
    "None": ["a", None, "b", None],
    "nan": ["a", float("nan"), "b", None],
    "np.nan": ["a", np.float32("nan"), "b", np.nan],
    "pd.NA": ["a", pd.NA, "b", pd.NaT],
    "pd.NaT": ["a", pd.NaT, "b", pd.NA],
    "list of lists": [["a"], [None], ["b"], [None]],
    "object array": object_array(["a", None, "b", np.nan]),
    "object array (n, 1)": object_array(["a", None, "b", None]).reshape(-1, 1),
    "masked array": np.ma.MaskedArray(["a", "x", "b", "y"], mask=[0, 1, 0, 1]),
    "pandas object": pd.Series(["a", None, "b", None], dtype=object),
    "pandas inferred": pd.Series(["a", None, "b", None]),
    "pandas string[python]": pd.Series(["a", None, "b", None], dtype="string[python]"),
    "pandas string[pyarrow]": pd.Series(
        ["a", None, "b", None], dtype="string[pyarrow]"
    ),
    "pandas category": pd.Series(["a", None, "b", None], dtype="category"),
    "pandas array": pd.array(["a", None, "b", None], dtype="string"),
    "polars": pl.Series(["a", None, "b", None]),
    "polars Categorical": pl.Series(["a", None, "b", None], dtype=pl.Categorical),
    "arrow": pa.array(["a", None, "b", None]),
    "arrow chunks": pa.chunked_array([["a", None], ["b", None]]),
    "arrow dictionary": pa.array(["a", None, "b", None]).dictionary_encode(),
}
if HAS_STRING_DTYPE:
    for na_object in (None, np.nan, pd.NA, collections.Counter):
        MISSING[f"StringDType(na_object={na_object})"] = np.array(
            ["a", na_object, "b", na_object],
            dtype=np.dtypes.StringDType(na_object=na_object),
        )


@pytest.mark.parametrize("X", MISSING.values(), ids=MISSING)
def test_missing_texts(X):
    message = r"item at position 1 is .*: 2 of 4 texts are missing\. Fill them, .*\"\""
    with pytest.raises(ValueError, match=message):
        read_documents(X)


@pytest.mark.parametrize(
    "X",
    [
        pd.DataFrame({"text": ["a", None]}),
        pl.DataFrame({"text": ["a", None]}),
        pa.table({"text": ["a", None]}),
    ],
    ids=["pandas", "polars", "arrow"],
)
def test_missing_texts_of_a_frame_name_the_column(X):
    with pytest.raises(ValueError, match=r"position 1 in column 'text' is .*1 of 2"):
        read_documents(X)


ALL_MISSING = {
    "list of None": [None, None],
    "None and NaN": [np.nan, None],
    "list of NA": [pd.NA, pd.NA],
    "list of lists": [[None], [None]],
    "object array": np.array([None, None]),
    "pandas object": pd.Series([None, None], dtype=object),
    "pandas string": pd.Series([None, None], dtype="string"),
    "polars Null": pl.Series([None, None]),
    "polars String": pl.Series([None, None], dtype=pl.String),
    "arrow null": pa.array([None, None]),
    "arrow table": pa.table({"text": pa.array([None, None], pa.string())}),
}


@pytest.mark.parametrize("X", ALL_MISSING.values(), ids=ALL_MISSING)
def test_all_texts_missing(X):
    with pytest.raises(ValueError, match=r"position 0.*2 of 2 texts are missing"):
        read_documents(X)


@pytest.mark.parametrize("wrap", [list, object_array, pd.Series, Sized])
@pytest.mark.parametrize(
    ("item", "seen"),
    [
        (5, r"5, of type int \(1 of 3\)"),
        (2.5, r"2\.5, of type float \(1 of 3\)"),
        ({"a": 1}, r"\{'a': 1\}, of type dict \(1 of 3\)"),
        (np.float64(2), r"of type float64 \(1 of 3\)"),
    ],
)
def test_other_objects_among_texts(wrap, item, seen):
    message = rf"position 1 is .*{seen}\. .*\[str\(text\) for text in "
    with pytest.raises(TypeError, match=message):
        read_documents(wrap(["a", item, "b"]))


def test_the_first_fault_is_reported():
    with pytest.raises(TypeError, match=r"position 0 is 1, of type int \(2 of 4\)"):
        read_documents([1, None, "a", 2])
    with pytest.raises(ValueError, match=r"position 0 is nan: 1 of 3"):
        read_documents([np.nan, 1, "a"])


def test_long_values_are_shortened_in_messages():
    with pytest.raises(TypeError, match="position 1") as caught:
        read_documents(["a", b"x" * 10_000])
    assert len(str(caught.value)) < 300


TOKENS = {
    "lists": [["a", "b"], ["c"]],
    "object array": object_array([["a", "b"], ["c"]]),
    "pandas": pd.Series([["a", "b"], ["c"]]),
    "polars": pl.Series([["a", "b"], ["c"]]),
    "arrow": pa.array([["a", "b"], ["c"]]),
}


@pytest.mark.parametrize("X", TOKENS.values(), ids=TOKENS)
def test_token_lists(X):
    message = r"position 0 is a sequence of 2 items, \['a', 'b'\]\. .*join them"
    with pytest.raises(ValueError, match=message):
        read_documents(X)


def test_token_lists_elsewhere():
    with pytest.raises(ValueError, match="position 0 is a sequence of 1 items"):
        read_documents([[["a"]], [["b"]]])
    with pytest.raises(ValueError, match="position 1 is a sequence of 0 items"):
        read_documents([["a"], []])
    with pytest.raises(ValueError, match="position 1 is a sequence of 2 items"):
        read_documents(["a", ["b", "c"]])
    with pytest.raises(ValueError, match="position 0 in column 't' is a sequence"):
        read_documents(pd.DataFrame({"t": [[], [1], ["a"]]}))


SEVERAL = {
    "U array": (np.full((2, 3), "a"), "3 columns.* 3 hold text: 0, 1, 2"),
    "object array": (
        np.array([["a", 1, "b"], ["c", 2, "d"]], dtype=object),
        "3 columns.* 2 hold text: 0, 2",
    ),
    "bytes": (np.array([[1, b"a"]], dtype=object), "2 columns.* 1 hold text: 1"),
    "pandas": (
        pd.DataFrame({"x": ["a", "c"], "n": [1, 2], "y": ["b", "d"]}),
        "3 columns.* 2 hold text: 'x', 'y'",
    ),
    "pandas object": (
        pd.DataFrame({"x": ["a", "c"], "n": [1, 2]}, dtype=object),
        "2 columns.* 1 hold text: 'x'",
    ),
    "pandas category": (
        pd.DataFrame({"n": [1.0], "x": pd.Categorical(["a"])}),
        "2 columns.* 1 hold text: 'x'",
    ),
    "pandas equal names": (
        pd.DataFrame([["a", 1]], columns=["x", "x"]),
        "2 columns.* 1 hold text: 'x'",
    ),
    "polars": (pl.DataFrame({"n": [1], "x": ["a"]}), "2 columns.* 1 hold text: 'x'"),
    "arrow": (pa.table({"n": [1], "x": ["a"]}), "2 columns.* 1 hold text: 'x'"),
    "many": (np.full((1, 9), "a"), r"9 hold text: 0, 1, 2, 3, 4, \.\.\."),
}


@pytest.mark.parametrize(("X", "seen"), SEVERAL.values(), ids=SEVERAL)
def test_several_columns(X, seen):
    with pytest.raises(ValueError, match=f"{seen}.*Pass a data frame"):
        read_documents(X)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ({"text": ["a"]}, r"a mapping \(dict\).*Pass one of its values"),
        (collections.UserDict(), r"a mapping \(UserDict\)"),
        ({"a", "b"}, "X is a set, whose order"),
        (frozenset(), "X is a frozenset, whose order"),
        ((text for text in TEXTS), r"without a length \(generator\).*list\(X\)"),
        (iter(TEXTS), r"without a length \(list_iterator\).*list\(X\)"),
        (map(str, TEXTS), r"without a length \(map\).*list\(X\)"),
        (pl.LazyFrame({"a": TEXTS}), r"LazyFrame, which has yet.*X\.collect\(\)"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_no_order_or_no_length(X, message):
    with pytest.raises(TypeError, match=message):
        read_documents(X)


def test_a_generator_is_refused_unread():
    texts = iter(TEXTS)
    with pytest.raises(TypeError, match=re.escape("Pass list(X)")):
        read_documents(texts)
    assert next(texts) == TEXTS[0]


# -- cost ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrap", [list, object_array, pd.Series, TWO_D["list of lists"]]
)
def test_one_long_text_costs_its_own_length_only(wrap):
    # Padded to the longest, as np.asarray does it, these would take 800 GB.
    X = wrap(["x" * 20_000_000] + [f"short {i}" for i in range(10_000)])
    tracemalloc.start()
    try:
        documents = read_documents(X)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(documents.texts) == 10_001
    assert peak < 3 * 20_000_000


def python_steps(function, *arguments):
    """Count the lines of Python that a call runs."""
    lines = []

    def trace(frame, event, argument):
        if event == "line":
            lines.append(frame.f_lineno)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function(*arguments)
    finally:
        sys.settrace(before)
    return len(lines)


@pytest.mark.parametrize("wrap", [list, tuple, object_array])
def test_no_python_runs_per_text(wrap):
    few, many = (wrap([f"text {i}" for i in range(n)]) for n in (10, 10_000))
    read_documents(few)  # Abstract classes look once at what a class is.
    assert python_steps(read_documents, many) == python_steps(read_documents, few)


def test_no_data_frame_library_is_imported(new_process):
    # Compared with before, since scikit-learn imports what it finds installed.
    code = (
        "import sys; from skbag._text.text_containers import read_documents; "
        "before = set(sys.modules); "
        "read_documents(['a', 'b']); read_documents([[1.0]]); "
        "assert set(sys.modules) == before, set(sys.modules) - before"
    )
    done = new_process(code)
    assert done.returncode == 0, done.stderr


def test_nothing_of_the_frames_is_needed():
    tree = ast.parse(Path(text_containers.__file__).read_text(encoding="utf-8"))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module]
        )
    }
    assert imported - set(sys.stdlib_module_names) == {"numpy", "scipy", "skbag"}

"""Bad input: an error that names the cause, from every method that meets it.

What each container says of missing or wrong items is tested with the containers; here
it only has to come out.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from sklearn.feature_extraction.text import CountVectorizer

from tests.conftest import rotating

METHODS = ("fit", "partial_fit", "predict", "predict_proba", "transform")
WRAPS = {"dense": np.asarray, "sparse": sp.csr_array}


def call(clf, method, X, n_labels=None):
    """Call a method with X, and with labels if it takes some."""
    if method not in ("fit", "partial_fit"):
        return getattr(clf, method)(X)
    if n_labels is None:
        n_labels = X.shape[0] if hasattr(X, "shape") else len(X)
    labels = (["garden", "kitchen", "sea"] * (n_labels + 3))[:n_labels]
    return getattr(clf, method)(X, labels)


@pytest.fixture(scope="module")
def fitted(corpus, make_classifier):
    return make_classifier().fit(*corpus)


@pytest.fixture(scope="module")
def fitted_on_numbers(corpus, make_classifier):
    X = CountVectorizer().fit_transform(corpus.texts)
    return make_classifier().fit(X, corpus.labels)


# -- texts -----------------------------------------------------------------------------


BAD_TEXTS = {
    "one str": ("a bare string", ValueError, r"pass a list, \[text\]"),
    "None": (["a", None, "c"], ValueError, r"position 1 is None.*Fill them"),
    "NaN": (["a", "b", float("nan")], ValueError, r"position 2 is nan.*Fill them"),
    "pd.NA": (["a", pd.NA, "c"], ValueError, r"position 1 is <NA>.*Fill them"),
    "missing in a series": (
        pd.Series(["a", None, "c"]),
        ValueError,
        r"position 1 is .*Fill them",
    ),
    "missing in a frame": (
        pd.DataFrame({"body": ["a", "b", None]}),
        ValueError,
        r"position 2 in column 'body'.*Fill them",
    ),
    "bytes": ([b"a", b"b", b"c"], TypeError, r"position 0 is b'a'.*Decode them"),
    "a number": (["a", 7, "c"], TypeError, r"position 1 is 7.*convert them"),
    "tokens": ([["a", "b"], ["c"], ["d"]], ValueError, r"join them"),
    "two columns": ([["a", "b"]] * 3, ValueError, r"2 items, .*join them.* analyzer"),
    "no texts": ([], ValueError, r"0 texts; a minimum of 1 is required"),
    "no rows": (
        pd.DataFrame({"body": pd.Series([], dtype="string")}),
        ValueError,
        r"0 texts; a minimum of 1 is required",
    ),
    "generator": ((t for t in ["a"]), TypeError, r"Pass list\(X\)"),
}


@rotating(name=list(BAD_TEXTS), method=METHODS)
def test_texts(name, method, fitted):
    X, error, match = BAD_TEXTS[name]
    with pytest.raises(error, match=match):
        call(fitted, method, X, n_labels=3)


WRONG_KINDS = {
    "numbers": [1, 2, 3],
    "codes in pandas": pd.Series([10115, 20095, 80331]),
    "codes in polars": pl.Series([10115, 20095, 80331]),
    "codes in Arrow": pa.array([10115, 20095, 80331]),
    "codes in NumPy": np.arange(3),
    "only NaN": [np.nan] * 3,
    "records": [{"text": "a"}] * 3,
    "paths": [Path("a")] * 3,
    "one path": Path("a"),
    "sets": [{"a", "b"}] * 3,
    "token arrays": pd.Series([np.array(["a", "b"])] * 3),
    "vectors": pd.Series([np.ones(2)] * 3),
    "ragged": [[1, 2], [3], [4]],
    "structs": pa.array([{"text": "a"}] * 3),
    "polars Expr": pl.col("text"),
    "batch reader": pa.table({"text": ["a"] * 3}).to_reader(),
    "None": None,
    "object": object(),
    "a number": 5,
    "0-d array": np.array("a"),
    "structured": np.zeros(3, dtype=[("a", "U3")]),
    "text in three axes": np.full((3, 1, 1), "a"),
    "dicts in a frame": pd.DataFrame({"a": [{}] * 3, "b": [1, 2, 3]}),
    "dict in an array": np.array([[1, {}]] * 3, dtype=object),
    "file": io.StringIO("a"),
    "dict": {"a": 1},
}


@rotating(name=list(WRONG_KINDS), method=["fit", "partial_fit", "predict"])
def test_what_is_neither_texts_nor_numbers(name, method, fitted):
    """Our words, whatever it is: never those of a conversion to numbers."""
    words = r"^(X must be texts|Texts must be str|X is an? |Iterable over raw text)"
    with pytest.raises((TypeError, ValueError), match=words):
        call(fitted, method, WRONG_KINDS[name], n_labels=3)


@pytest.mark.parametrize("n_labels", [119, 121])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_lengths_that_differ(method, n_labels, corpus, fitted):
    with pytest.raises(ValueError, match=f"120 samples and {n_labels} labels"):
        call(fitted, method, corpus.texts, n_labels)


@pytest.mark.parametrize("method", ["partial_fit", "predict", "transform"])
def test_kinds_are_not_mixed(method, corpus, fitted, fitted_on_numbers):
    with pytest.raises(ValueError, match=r"X holds numbers, but .* fitted on texts"):
        call(fitted, method, np.eye(3))
    with pytest.raises(ValueError, match=r"X holds numbers, but .* fitted on texts"):
        call(fitted, method, sp.eye(3, format="csr"))
    with pytest.raises(ValueError, match=r"X holds texts, but .* fitted on a matrix"):
        call(fitted_on_numbers, method, corpus.texts)


# -- numbers ---------------------------------------------------------------------------


@rotating(bad=[np.nan, np.inf, -np.inf], method=METHODS, wrap=WRAPS)
def test_values_that_are_not_finite(wrap, bad, method, make_classifier):
    clf = make_classifier().fit(np.eye(3), ["garden", "kitchen", "sea"])
    X = np.eye(3)
    X[1, 1] = bad
    with pytest.raises(ValueError, match=r"contains (NaN|infinity)"):
        call(clf, method, wrap(X))


@rotating(method=METHODS, wrap=WRAPS)
def test_values_too_large_for_float32(wrap, method, make_classifier):
    clf = make_classifier().fit(np.eye(3), ["garden", "kitchen", "sea"])
    with pytest.raises(ValueError, match=r"too large for float32, .*: 1e\+39\."):
        call(clf, method, wrap(-1e39 * np.eye(3)))


@pytest.mark.parametrize("method", [m for m in METHODS if m != "fit"])
def test_wrong_width(method, fitted_on_numbers):
    n = fitted_on_numbers.n_features_in_
    with pytest.raises(ValueError, match=f"X has 4 features, but .* expecting {n}"):
        call(fitted_on_numbers, method, np.eye(4))


def malformed(**arrays):
    """A CSR matrix whose own arrays are wrong, as no constructor would let through."""
    X = sp.csr_array(np.eye(4) + np.eye(4, k=1))
    for name, array in arrays.items():
        setattr(X, name, np.array(array, dtype=getattr(X, name).dtype))
    return X


MALFORMED = {
    "index too large": {"indices": [0, 1, 1, 2, 2, 3, 400_000_000]},
    "negative index": {"indices": [0, 1, 1, 2, 2, 3, -7]},
    "pointers fall": {"indptr": [0, 6, 4, 6, 7]},
    "pointers beyond the end": {"indptr": [0, 2, 4, 6, 7_000_000]},
    "pointers do not start at 0": {"indptr": [3, 4, 5, 6, 7]},
    "negative pointer": {"indptr": [0, -2, 4, 6, 7]},
    "too few pointers": {"indptr": [0, 2, 4]},
    "too few indices": {"indices": [0, 1]},
}


@rotating(arrays=MALFORMED, method=METHODS)
def test_malformed_csr(arrays, method, make_classifier):
    clf = make_classifier().fit(np.eye(4), ["garden", "kitchen", "sea", "sea"])
    with pytest.raises(ValueError, match="malformed CSR"):
        call(clf, method, malformed(**arrays), n_labels=4)


@pytest.mark.parametrize(
    ("shape", "match"),
    [((3, 0), r"0 feature\(s\)"), ((0, 3), r"0 sample\(s\)"), ((2, 2, 2), "dim 3")],
)
def test_shapes_without_meaning(shape, match, make_classifier):
    with pytest.raises(ValueError, match=match):
        make_classifier().fit(np.zeros(shape), [0, 1, 0][: shape[0]])


# -- labels ----------------------------------------------------------------------------


BAD_LABELS = {
    "continuous": ([0.5, 1.5, 2.25], ValueError, "Unknown label type: continuous"),
    "NaN": ([0.0, np.nan, 1.0], ValueError, r"y contains a missing .* position 1 is"),
    "NaN beside str": (["a", np.nan, "b"], ValueError, "missing .* position 1 is nan"),
    "pandas str": (
        pd.Series(["a", "b", None]),
        ValueError,
        r"y contains a missing label: the one at position 2 is (nan|None)",
    ),
    "nullable": (
        pd.Series([True, None, False], dtype="boolean"),
        ValueError,
        "y contains a missing label: the one at position 1 is <NA>",
    ),
    "polars": (pl.Series([1, None, 2]), ValueError, "missing .* position 1 is None"),
    "arrow": (pa.array([1, 2, None]), ValueError, "missing .* position 2 is None"),
    "str and int": (
        ["a", "b", 1],
        ValueError,
        r"y is an object array of str at position 0, int at position 2\. .*str\(label",
    ),
    "generator": (iter("aab"), TypeError, r"read only once\. Pass list\(y\)"),
    "mapping": ({"a": 1}, TypeError, r"y .* is a mapping \(dict\)\. .*list\(y\.values"),
    "set": ({"a", "b", "c"}, TypeError, "y .* is a set, whose order is not"),
    "infinity": ([0.0, np.inf, 1.0], ValueError, "y contains infinity"),
    "None": (["a", None, "b"], ValueError, r"missing label: .* position 1 is None"),
    "pd.NA": (
        pd.Series(["a", "b", pd.NA], dtype="string"),
        ValueError,
        r"missing label: .* position 2 is <NA>",
    ),
    "one class": (["a"] * 3, ValueError, "at least 2 classes, got 1 class: 'a'"),
    "two columns": ([[0, 1], [1, 2], [0, 0]], ValueError, r"besides 0 and 1\. Fit one"),
    "y is None": (None, ValueError, "y should be a 1d array"),
}


@pytest.mark.parametrize("name", BAD_LABELS)
def test_labels(name, make_classifier):
    y, error, match = BAD_LABELS[name]
    with pytest.raises(error, match=match):
        make_classifier().fit(["one text", "two texts", "three"], y)


CLASSES = {
    "set": {"a", "b"},
    "frozenset": frozenset("ab"),
    "keys": {"a": 0, "b": 1}.keys(),
    "values": {0: "b", 1: "a"}.values(),
    "tuple": ("b", "a"),
}


@pytest.mark.parametrize("classes", CLASSES.values(), ids=CLASSES)
def test_classes_in_any_order(classes, make_classifier):
    clf = make_classifier().partial_fit(["one text", "two"], ["a", "b"], classes)
    assert clf.classes_.tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("classes", "error", "match"),
    [
        (iter("ab"), TypeError, r"classes must be .*list\(classes\)"),
        ({"a": 1}, TypeError, r"classes must be .* mapping \(dict\)"),
        (["a", None], ValueError, "classes contains a missing label: .* position 1"),
        (["a", 1], ValueError, "classes is an object array of str .*, int at"),
    ],
)
def test_classes_are_named_in_errors(classes, error, match, make_classifier):
    with pytest.raises(error, match=match):
        make_classifier().partial_fit(["one text", "two"], ["a", "b"], classes)


# -- sample weights --------------------------------------------------------------------


BAD_WEIGHTS = {
    "negative": ([1.0, -0.5, 1.0], r"negative, got -0\.5 at position 1"),
    "NaN": ([1.0, np.nan, 1.0], "sample_weight contains NaN"),
    "infinite": ([1.0, np.inf, 1.0], "sample_weight contains infinity"),
    "all zero": ([0.0, 0.0, 0.0], "all zero: nothing is left to learn from"),
    "infinite sum": ([1e308, 1e308, 1e308], "sum of sample_weight is infinite"),
    "too few": ([1.0, 1.0], "sample_weight has 2 entries for 3 samples"),
    "a column": ([[1.0], [1.0], [1.0]], "sample_weight must be 1-D"),
    "words": (["a", "b", "c"], "could not convert string to float"),
    "negative scalar": (-1.0, "sample_weight must not be negative"),
    "zero scalar": (0, "all zero: nothing is left to learn from"),
}


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("name", BAD_WEIGHTS)
def test_sample_weights(name, method, make_classifier):
    weight, match = BAD_WEIGHTS[name]
    arguments = {"sample_weight": weight}
    if method == "partial_fit":
        arguments["classes"] = [0, 1]
    with pytest.raises(ValueError, match=match):
        getattr(make_classifier(), method)(["a", "b", "c"], [0, 1, 0], **arguments)


@pytest.mark.parametrize("dtype", ["Float64", "double[pyarrow]", "Int64"])
def test_nullable_sample_weights(dtype, make_classifier):
    weight = pd.Series([1, 2, 3]).astype(dtype)
    texts, y = ["a b", "b c", "c d"], [0, 1, 0]
    found = make_classifier().fit(texts, y, sample_weight=weight)
    plain = make_classifier().fit(texts, y, sample_weight=[1.0, 2.0, 3.0])
    np.testing.assert_array_equal(found.embedding_, plain.embedding_)
    weight[1] = None
    with pytest.raises(ValueError, match="sample_weight contains NaN"):
        make_classifier().fit(texts, y, sample_weight=weight)

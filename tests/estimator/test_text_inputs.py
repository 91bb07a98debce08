"""What X and y may be: every container of texts, bags of others, any label type."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

HAS_STRING_DTYPE = hasattr(np, "dtypes") and hasattr(np.dtypes, "StringDType")


def objects(texts):
    return np.array(texts, dtype=object)


LISTS = {
    "list": list,
    "tuple": tuple,
    "object array": objects,
    "<U array": np.array,
    "pandas object": lambda t: pd.Series(t, dtype=object),
    "pandas inferred": pd.Series,
    "pandas string[pyarrow]": lambda t: pd.Series(t, dtype="string[pyarrow]"),
    "pandas category": lambda t: pd.Series(t, dtype="category"),
    "pandas other index": lambda t: pd.Series(t, index=range(len(t), 0, -1)),
    "polars": pl.Series,
    "arrow array": pa.array,
    "arrow chunked array": lambda t: pa.chunked_array([t[:7], t[7:]]),
}
if HAS_STRING_DTYPE:
    LISTS["StringDType"] = lambda t: np.array(t, dtype=np.dtypes.StringDType())
COLUMNS = {
    "object array (n, 1)": lambda t: objects(t).reshape(-1, 1),
    "list of lists": lambda t: [[text] for text in t],
    "pandas frame": lambda t: pd.DataFrame({"text": t}),
    "polars frame": lambda t: pl.DataFrame({"text": t}),
    "arrow table": lambda t: pa.table({"text": t}),
}
FRAMES = ("pandas frame", "polars frame", "arrow table")
CONTAINERS = LISTS | COLUMNS


# -- containers of texts ---------------------------------------------------------------


@pytest.mark.parametrize("wrap", CONTAINERS.values(), ids=CONTAINERS)
def test_every_container_gives_the_same_model(
    wrap, corpus, new_corpus, make_classifier
):
    expected = make_classifier().fit(*corpus)
    clf = make_classifier().fit(wrap(corpus.texts), corpus.labels)
    assert_array_equal(clf.embedding_, expected.embedding_)
    assert_array_equal(
        clf.decision_function(wrap(new_corpus.texts)),
        expected.decision_function(new_corpus.texts),
    )


@pytest.mark.parametrize("wrap", CONTAINERS.values(), ids=CONTAINERS)
def test_every_container_goes_with_a_fitted_model(wrap, corpus, make_classifier):
    clf = make_classifier().fit(*corpus)
    texts = corpus.texts[:10]
    assert_array_equal(
        clf.predict_proba(wrap(texts)), clf.predict_proba(texts), strict=True
    )
    assert_array_equal(clf.transform(wrap(texts)), clf.transform(texts), strict=True)


@pytest.mark.parametrize("wrap", LISTS.values(), ids=LISTS)
def test_lists_have_no_number_of_features(wrap, corpus, make_classifier):
    clf = make_classifier().fit(wrap(corpus.texts), corpus.labels)
    assert not hasattr(clf, "n_features_in_")
    assert not hasattr(clf, "feature_names_in_")


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_is_one_feature(name, corpus, make_classifier):
    clf = make_classifier().fit(COLUMNS[name](corpus.texts), corpus.labels)
    assert clf.n_features_in_ == 1
    if name in FRAMES:
        assert_array_equal(clf.feature_names_in_, np.array(["text"], dtype=object))
        assert clf.feature_names_in_.dtype == object
    else:
        assert not hasattr(clf, "feature_names_in_")


def test_refit_forgets_features(corpus, make_classifier):
    clf = make_classifier().fit(pd.DataFrame({"text": corpus.texts}), corpus.labels)
    clf.fit(objects(corpus.texts).reshape(-1, 1), corpus.labels)
    assert clf.n_features_in_ == 1
    assert not hasattr(clf, "feature_names_in_")
    clf.fit(*corpus)
    assert not hasattr(clf, "n_features_in_")


def test_columns_and_lists_may_take_turns(corpus, make_classifier):
    frame = pd.DataFrame({"text": corpus.texts})
    clf = make_classifier().fit(frame, corpus.labels)
    assert_array_equal(clf.predict(corpus.texts), clf.predict(frame))
    clf.fit(*corpus)
    assert_array_equal(clf.predict(corpus.texts), clf.predict(frame))


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.table])
def test_other_column_name(frame, corpus, make_classifier):
    clf = make_classifier().fit(frame({"text": corpus.texts}), corpus.labels)
    with pytest.raises(ValueError, match=r"feature names should match.*'title'"):
        clf.predict(frame({"title": corpus.texts}))
    with pytest.raises(ValueError, match=r"feature names should match.*'title'"):
        clf.partial_fit(frame({"title": corpus.texts}), corpus.labels)


# -- bags of others --------------------------------------------------------------------


MATRICES = {
    "csr_matrix": sp.csr_matrix,
    "csr_array": sp.csr_array,
    "csc_array": sp.csc_array,
    "coo_matrix": sp.coo_matrix,
    "lil_array": sp.lil_array,
    "64-bit indices": lambda X: sp.csr_array(
        (X.data, X.indices.astype(np.int64), X.indptr.astype(np.int64)), X.shape
    ),
    "dense": lambda X: X.toarray(),
    "dense float32, Fortran": lambda X: np.asfortranarray(X.toarray(), np.float32),
    "list of lists": lambda X: X.toarray().tolist(),
    "pandas frame": lambda X: pd.DataFrame(X.toarray()),
}


@pytest.mark.parametrize("make", [CountVectorizer, TfidfVectorizer])
@pytest.mark.parametrize("wrap", MATRICES.values(), ids=MATRICES)
def test_output_of_a_vectorizer(wrap, make, corpus, new_corpus, make_classifier):
    vectorizer = make().fit(corpus.texts)
    X, X_new = (vectorizer.transform(c.texts) for c in (corpus, new_corpus))
    clf = make_classifier().fit(wrap(X), corpus.labels)
    assert clf.n_features_in_ == X.shape[1]
    assert clf.embedding_.shape == (X.shape[1], 3)
    assert not hasattr(clf, "vocabulary_")
    assert clf.score(wrap(X_new), new_corpus.labels) > 0.95
    expected = make_classifier().fit(X, corpus.labels)
    assert_array_equal(clf.embedding_, expected.embedding_)


@pytest.mark.parametrize("embedding_dim", [None, 8])
def test_values_of_a_matrix_are_the_weights(embedding_dim, corpus, make_classifier):
    """No parameter of texts touches them: neither IDF nor norm."""
    X = CountVectorizer().fit_transform(corpus.texts) * 0.25
    clf = make_classifier(embedding_dim=embedding_dim).fit(X, corpus.labels)
    by_hand = X @ clf.coef_.T.astype(np.float64)
    assert_allclose(clf.decision_function(X), by_hand + clf.intercept_, atol=1e-5)


def test_a_matrix_may_ask_for_class_informed_weights(corpus, make_classifier):
    X = TfidfVectorizer().fit_transform(corpus.texts)
    plain = make_classifier(supervised_weighting="auto").fit(X, corpus.labels)
    informed = make_classifier(supervised_weighting=True).fit(X, corpus.labels)
    assert_array_equal(plain.transform(X), X.astype(np.float32) @ plain.embedding_)
    assert not np.allclose(informed.transform(X), X @ informed.embedding_)
    assert informed.score(X, corpus.labels) == 1


def test_columns_may_be_empty_and_values_negative(make_classifier):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 20))
    X[:, 7] = 0
    y = X[:, 3] > 0
    clf = make_classifier(max_iter=20).fit(X, y)
    assert clf.score(X, y) > 0.9
    assert_array_equal(clf.embedding_[7], 0)


# -- labels ----------------------------------------------------------------------------


LABELS = {
    "str": ["a", "b", "c"],
    "object": objects(["a", "b", "c"]),
    "numpy str": np.array(["aaaa", "b", "cc"]),
    "with spaces": ["two words", " leading", "trailing\n"],
    "leading zeros": ["007", "07", "7"],
    "fastText prefix": ["__label__a", "__label__b b", ""],
    "int": [0, 1, 2],
    "gapped int": np.array([-7, 100, 3]),
    "int8": np.array([5, 1, 3], dtype=np.int8),
    "whole floats": np.array([2.0, 0.0, 1.0]),
    "bool": np.array([True, False]),
    "pandas category": pd.Categorical(["b", "a", "c"]),
    "pandas inferred": pd.Series(["a", "b", "c"]),
    "polars": pl.Series(["a", "b", "c"]),
    "dates": np.array(["2020-01-01", "2021-01-01", "1999-01-01"], "datetime64[D]"),
}


def spread(labels, n):
    """Labels for n samples, in turns, in the container of the few given."""
    rows = np.arange(n) % len(labels)
    if isinstance(labels, list):
        return [labels[row] for row in rows]
    if isinstance(labels, pd.Series):
        return labels.iloc[rows]
    return labels[rows.tolist()] if isinstance(labels, pl.Series) else labels[rows]


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_labels_come_back_as_they_are(labels, corpus, binary_corpus, make_classifier):
    texts = (binary_corpus if len(labels) == 2 else corpus).texts
    y = spread(labels, len(texts))
    clf = make_classifier().fit(texts, y)
    predicted = clf.predict(texts)
    as_array = np.asarray(y)
    assert predicted.dtype == clf.classes_.dtype
    assert predicted.dtype.kind == as_array.dtype.kind
    if predicted.dtype.kind not in "OU":
        assert predicted.dtype == as_array.dtype
    assert_array_equal(clf.classes_, np.unique(as_array))
    assert_array_equal(predicted, as_array)
    assert clf.score(texts, y) == 1


NULLABLE = {
    "boolean": np.bool_,
    "Int64": np.int64,
    "Int8": np.int8,
    "bool[pyarrow]": np.bool_,
    "int64[pyarrow]": np.int64,
    "int16[pyarrow]": np.int16,
}


@pytest.mark.parametrize("as_category", [False, True])
@pytest.mark.parametrize("dtype", NULLABLE)
def test_nullable_labels_keep_their_kind(dtype, as_category, make_classifier):
    texts, plain = ["late parcel", "refund please"] * 10, np.array([0, 1] * 10)
    y = pd.Series(plain).astype(dtype)
    y = y.astype("category") if as_category else y
    clf = make_classifier().fit(texts, y)
    expected = plain.astype(NULLABLE[dtype])
    assert_array_equal(clf.predict(texts), expected)
    assert clf.classes_.dtype.kind == expected.dtype.kind
    if not as_category:
        assert clf.classes_.dtype == expected.dtype
    again = make_classifier().partial_fit(texts, y, classes=y.unique())
    assert again.classes_.dtype.kind == expected.dtype.kind


@pytest.mark.parametrize("wrap", [objects, lambda y: pd.Series(y, dtype=object)])
@pytest.mark.parametrize("labels", [[0, 1], [True, False], [2.0, 1.0]])
def test_numbers_in_an_object_column_are_numbers(labels, wrap, make_classifier):
    texts, y = ["late parcel", "refund please"] * 10, labels * 10
    predicted = make_classifier().fit(texts, wrap(y)).predict(texts)
    assert_array_equal(predicted, np.array(y), strict=True)


def test_labels_in_a_view_of_a_dict(make_classifier):
    labels = {"late parcel": "d", "refund please": "p"}
    clf = make_classifier().fit(labels.keys(), labels.values())
    assert clf.predict(list(labels)).tolist() == ["d", "p"]


def test_partial_fit_gives_labels_back_too(corpus, make_classifier):
    y = np.array(["007", "07", "7"], dtype=object)[np.arange(120) % 3]
    clf = make_classifier().partial_fit(corpus.texts, y, classes=["7", "007", "07"])
    clf.partial_fit(corpus.texts, y)
    assert_array_equal(clf.predict(corpus.texts), y)


def test_a_column_of_labels_is_taken_with_scikit_learns_warning(
    corpus, make_classifier
):
    y = np.array(corpus.labels).reshape(-1, 1)
    with pytest.warns(UserWarning, match="column-vector y was passed"):
        clf = make_classifier().fit(corpus.texts, y)
    assert clf.predict(corpus.texts).shape == (120,)

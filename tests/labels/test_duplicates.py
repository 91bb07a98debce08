"""Equal texts are found as by comparing each with each, and told in words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from skbag.labels import find_duplicates
from tests.conftest import examples

TEXTS = ["late parcel", "refund", "late parcel", "Late \t parcel ", "refund"]
LABELS = ["delivery", "payment", "payment", "delivery", "payment"]


def by_comparing(texts, labels, test_texts, test_labels):
    """Each text with each: what `find_duplicates` finds with one hash table."""
    first, contradicts, test_first, test_contradicts = [], [], [], []
    for text, label in zip(texts, labels, strict=True):
        equal = [i for i, other in enumerate(texts) if other == text]
        first.append(equal[0])
        contradicts.append(any(labels[i] != label for i in equal))
    for text, label in zip(test_texts, test_labels, strict=True):
        equal = [i for i, other in enumerate(texts) if other == text]
        test_first.append(equal[0] if equal else -1)
        test_contradicts.append(any(labels[i] != label for i in equal))
    return first, contradicts, test_first, test_contradicts


words = st.sampled_from(["a", "A", "a ", "b", "", "ü", "u\u0308", "\ud800", "a\x00"])
part = st.lists(st.tuples(words, st.integers(0, 2)), min_size=1, max_size=12)


@examples(100)
@given(part, part)
def test_same_as_comparing_each_with_each(train, test):
    (texts, labels), (test_texts, test_labels) = (
        zip(*train, strict=True),
        zip(*test, strict=True),
    )
    found = find_duplicates(texts, labels, test_texts, test_labels)
    naive = by_comparing(texts, labels, test_texts, test_labels)
    for array, expected in zip(
        (found.first, found.contradicts, found.test_first, found.test_contradicts),
        naive,
        strict=True,
    ):
        assert_array_equal(array, expected)
    assert_array_equal(found.is_repeat, [i != j for i, j in enumerate(naive[0])])
    assert_array_equal(found.in_train, [j >= 0 for j in naive[2]])
    frame = found.to_frame()
    groups = [(text, "train") for text in texts] + [(t, "test") for t in test_texts]
    expected = sum(
        1
        for text, own in groups
        if text in texts
        and sum(other == text for other, _ in groups) > 1
        # Test texts that only other test texts are equal to are none of its business.
        and (own == "test" or texts.count(text) > 1 or text in test_texts)
    )
    assert len(frame) == expected


def test_case_and_white_space_count_by_default():
    assert_array_equal(find_duplicates(TEXTS).first, [0, 1, 0, 3, 1])
    found = find_duplicates(TEXTS, LABELS, normalize=True)
    assert_array_equal(found.first, [0, 1, 0, 0, 1])
    assert_array_equal(found.contradicts, [True, False, True, True, False])
    assert found.texts == TEXTS


def test_without_labels_or_test_texts():
    found = find_duplicates(TEXTS)
    assert found.contradicts is None
    assert found.test_first is None
    assert found.test_contradicts is None
    assert len(found.in_train) == 0
    assert list(found.to_frame().columns) == ["part", "index", "first", "text"]
    found = find_duplicates(TEXTS, LABELS, ["refund", "other"])
    assert_array_equal(found.test_first, [1, -1])
    assert found.to_frame()["contradicts"].tolist() == [True, True, False, False, None]


def test_what_it_says():
    found = find_duplicates(TEXTS, LABELS, ["refund", "x"], ["delivery", "payment"])
    assert str(found).splitlines() == [
        "2 of 5 (40.0%) training texts repeat an earlier one",
        "2 of 5 (40.0%) have an equal one with another label",
        "1 of 2 (50.0%) test texts are training texts",
        "1 of 2 (50.0%) have an equal one with another label",
    ]
    assert repr(found) == "<DuplicateTexts: 2 of 5 texts repeat an earlier one>"


CONTAINERS = {
    "tuple": tuple,
    "array": np.array,
    "pandas": pd.Series,
    "pandas category": lambda texts: pd.Series(texts, dtype="category"),
    "polars": pl.Series,
    "arrow": pa.array,
    "arrow chunked": lambda texts: pa.chunked_array([texts[:2], texts[2:]]),
    "frame of one column": lambda texts: pd.DataFrame({"text": texts}),
}


@pytest.mark.parametrize("wrap", CONTAINERS.values(), ids=CONTAINERS)
def test_every_container(wrap):
    expected = find_duplicates(TEXTS, LABELS, TEXTS, LABELS)
    found = find_duplicates(wrap(TEXTS), LABELS, wrap(TEXTS), LABELS)
    assert_array_equal(found.first, expected.first)
    assert_array_equal(found.contradicts, expected.contradicts)
    assert_array_equal(found.test_first, expected.test_first)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.table])
def test_rows_of_a_data_frame(frame):
    X = frame(
        {"title": ["a", "a", "A"], "body": ["x", "x", "x "], "n": [1.5, 1.5, 1.5]}
    )
    assert_array_equal(find_duplicates(X).first, [0, 0, 2])
    assert_array_equal(find_duplicates(X, normalize=True).first, [0, 0, 0])
    assert_array_equal(find_duplicates(X, X_test=X).test_first, [0, 0, 2])
    with pytest.raises(ValueError, match=r"X has \['title', 'body', 'n'\], X_test has"):
        find_duplicates(X, X_test=TEXTS)


def test_missing_numbers_of_a_data_frame_are_equal():
    X = pd.DataFrame({"title": ["a", "a"], "n": [np.nan, np.nan]})
    assert_array_equal(find_duplicates(X).first, [0, 0])


def test_sets_of_labels():
    texts, y = ["a", "a", "b", "b"], np.array([[1, 0], [1, 1], [0, 0], [0, 0]])
    for labels in (y, sp.csr_array(y), y.tolist(), pd.DataFrame(y)):
        found = find_duplicates(texts, labels, ["b", "a"], y[[2, 3]])
        assert_array_equal(found.contradicts, [True, True, False, False])
        assert_array_equal(found.test_contradicts, [False, True])


def test_one_text():
    found = find_duplicates(["a"], ["x"], ["a"], ["y"])
    assert_array_equal(found.test_contradicts, [True])
    assert_array_equal(found.contradicts, [False])


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (([],), ValueError, "X holds 0 texts"),
        ((["a"], None, []), ValueError, "X_test holds 0 texts"),
        ((np.eye(2),), ValueError, r"X holds numbers, .* numpy.unique\(X, axis=0"),
        (("a text",), ValueError, "single"),
        ((["a", None],), ValueError, "missing"),
        (([b"a"],), TypeError, "bytes"),
        ((["a"], None, ["a"], ["x"]), ValueError, "pass y, X_test and y_test together"),
        ((["a"], ["x"], None, ["x"]), ValueError, "pass y, X_test and y_test together"),
        ((["a"], ["x", "y"]), ValueError, "X and y have .*: 1 texts and 2 labels"),
        ((["a"], ["x"], ["a"], []), ValueError, "X_test and y_test have .*: 1 texts"),
        ((["a"], ["1"], ["a"], [1]), ValueError, "type str, y_test of the type int64"),
        ((["a"], ["x"], ["a"], [[0, 1]]), ValueError, "indicator matrix of 2 columns"),
    ],
)
def test_what_it_refuses(arguments, error, words):
    with pytest.raises(error, match=words):
        find_duplicates(*arguments)


def test_a_hundred_thousand_texts_take_no_quadratic_time():
    texts = [f"text {i // 2}" for i in range(100_000)]
    found = find_duplicates(texts, [i % 4 // 2 for i in range(100_000)])
    assert found.is_repeat.sum() == 50_000
    assert not found.contradicts.any()

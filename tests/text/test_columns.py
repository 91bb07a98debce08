"""Columns and rows: their names, their kinds, and that rows stay what they are."""

import copy
import pickle

import pytest

from skbag._text.columns import (
    Column,
    Rows,
    columns_of,
    described,
    values_of_columns,
)

COLUMNS = (Column("title", "text"), Column("size", "category"))


def test_features_are_named_by_their_columns():
    title, size = COLUMNS
    assert title.name_of("late") == "title: late"
    assert size.name_of("L") == "size=L"
    assert described(COLUMNS) == "'title' (text), 'size' (category)"


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda rows: pickle.loads(pickle.dumps(rows))]
)
def test_copies_know_their_columns(copied):
    rows = copied(Rows([("a", None), ("b", "L")], COLUMNS))
    assert rows == [("a", None), ("b", "L")]
    assert columns_of(rows) == COLUMNS


def test_other_input_has_no_columns():
    assert columns_of(["a", "b"]) is None


def test_values_of_columns():
    assert values_of_columns([("a", None), ("b", "L")], 2) == [["a", "b"], [None, "L"]]
    assert values_of_columns([], 2) == [[], []]

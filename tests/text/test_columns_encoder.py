"""An encoder of rows counts what encoders of its columns count, by other numbers."""

import copy
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from skbag._core.communicator import SINGLE_PROCESS
from skbag._text.category_encoder import CategoryEncoder
from skbag._text.columns import Column
from skbag._text.columns_encoder import (
    ColumnsEncoder,
    checked_id_columns,
    hashes_features,
)
from skbag._text.encoder import LearningEncoder
from skbag._text.features import SHORT_TEXT_KINDS
from skbag._text.hashed_encoder import HashedEncoder
from skbag._text.plain_encoder import PlainEncoder
from skbag._text.vocabulary_encoder import VocabularyEncoder
from tests.text.test_category_encoder import counted
from tests.text.test_vocabulary_encoder import TOKEN_PATTERN

COLUMNS = (
    Column("title", "text"),
    Column("size", "category"),
    Column("body", "text"),
)
TEXTS = st.sampled_from(["", "late parcel", "late late refund", "x", "the late parcel"])
ROWS = st.lists(
    st.tuples(TEXTS, st.none() | st.sampled_from(["L", "S"]), TEXTS), max_size=8
)


def empty(short=True):
    return ColumnsEncoder(
        COLUMNS,
        [
            VocabularyEncoder(ngram_range=(1, 2), short_text_features=short),
            CategoryEncoder(),
            PlainEncoder(token_pattern=r"\w+"),
        ],
    )


def counted_by_column(rows, known=None):
    """The naive twin: counts by name, by encoders that know nothing of each other."""
    encoders = empty().encoders
    together = [{} for _ in rows]
    for j, (column, encoder) in enumerate(zip(COLUMNS, encoders, strict=True)):
        encoder.learn([row[j] for row in (rows if known is None else known)])
        bags = encoder.encode([row[j] for row in rows])
        for whole, own in zip(together, counted(bags, encoder.names()), strict=True):
            whole.update({column.name_of(name): n for name, n in own.items()})
    return together


@given(ROWS, ROWS, ROWS)
@settings(deadline=None)
def test_rows_are_counted_column_by_column(first, second, unseen):
    encoder = empty()
    assert isinstance(encoder, LearningEncoder)
    for rows in (first, second):
        n_before, names_before = encoder.n_ids, encoder.names()
        bags = encoder.learn(rows)
        assert bags.n_ids == encoder.n_ids
        assert encoder.names()[:n_before] == names_before
        assert counted(bags, encoder.names()) == counted_by_column(rows)
        assert_array_equal(encoder.kinds_since(n_before), encoder.kinds[n_before:])
    bags = encoder.encode(unseen)
    assert counted(bags, encoder.names()) == counted_by_column(unseen, first + second)
    for i, row in enumerate(unseen):
        ids = bags.slice(i, i + 1).ids
        # Column by column, and there ascending.
        key = encoder.id_columns[ids].astype(np.int64) * encoder.n_ids + ids
        assert (np.diff(key) > 0).all()
        found = [id_ for id_, _ in encoder.occurrences(row)]
        assert set(found) == set(ids.tolist())


@given(ROWS.filter(bool), st.data())
@settings(deadline=None)
def test_a_selection_counts_what_it_knows(rows, data):
    encoder = empty()
    encoder.learn(rows)
    ids = data.draw(st.permutations(range(encoder.n_ids)), label="ids")
    ids = np.array(ids[: data.draw(st.integers(0, len(ids)))], dtype=np.int32)
    selected, names = encoder.select(ids), encoder.names()
    assert selected.names() == [names[i] for i in ids.tolist()]
    assert_array_equal(selected.kinds, encoder.kinds[ids])
    kept = set(selected.names())
    assert counted(selected.encode(rows), selected.names()) == [
        {name: n for name, n in bag.items() if name in kept}
        for bag in counted_by_column(rows)
    ]


@given(ROWS, ROWS, st.randoms())
@settings(deadline=None)
def test_an_encoder_of_features_in_any_order(rows, more, draw):
    """What comes of parts of a table; new features may have joined in between."""
    encoder = empty()
    encoder.learn(rows)
    encoder.learn(more)
    table = encoder.feature_table(SINGLE_PROCESS)
    numbers = encoder.number_ids.tolist()
    others = [id_ for id_ in range(encoder.n_ids) if id_ not in numbers]
    kept = numbers + draw.sample(others, draw.randint(0, len(others)))
    draw.shuffle(kept)
    some = replace(table, keys=table.keys[kept], kinds=table.kinds[kept])
    selected = encoder.with_features(some)
    names = encoder.names()
    assert selected.names() == [names[id_] for id_ in kept]
    assert_array_equal(selected.kinds, encoder.kinds[kept])


def test_without_short_text_features():
    encoder = empty()
    encoder.learn([("late parcel", "L", "refund me"), ("refund", None, "late")])
    without, old_ids = encoder.without_short_text_features()
    assert encoder.has_short_text_features
    assert not without.has_short_text_features
    names = encoder.names()
    assert without.names() == [names[i] for i in old_ids.tolist()]
    kept = np.flatnonzero(~np.isin(encoder.kinds, SHORT_TEXT_KINDS))
    assert_array_equal(old_ids, kept)


def test_buckets_of_short_text_features_stay_empty():
    hashed = HashedEncoder(
        100,
        default_tokens=True,
        token_pattern=TOKEN_PATTERN,
        short_text_features=True,
    )
    columns = (Column("title", "text"), Column("size", "category"))
    encoder = ColumnsEncoder(columns, [hashed, CategoryEncoder()])
    encoder.learn([("late parcel", "L")])
    assert hashes_features(encoder)
    without, old_ids = encoder.without_short_text_features()
    assert without.n_ids == encoder.n_ids
    is_left = old_ids >= 0
    assert_array_equal(old_ids[is_left], np.flatnonzero(is_left))
    assert_array_equal(~is_left, np.isin(encoder.kinds, SHORT_TEXT_KINDS))


def test_a_copy_learns_for_itself():
    encoder = empty()
    encoder.learn([("late", "L", "parcel")])
    names, copied = encoder.names(), copy.deepcopy(encoder)
    copied.learn([("refund", "S", "money")])
    assert encoder.names() == names
    assert copied.names()[: len(names)] == names
    assert copied.n_ids > encoder.n_ids


def test_characters_of_a_row():
    lengths = empty().lengths([("abc", None, "de"), ("", "Large", "")])
    assert lengths.tolist() == [5, 0]


def test_ids_and_features_differ_in_number():
    with pytest.raises(ValueError, match="differ in number"):
        ColumnsEncoder(COLUMNS[1:2], [CategoryEncoder(["a"])], np.zeros(2, np.uint8))
    with pytest.raises(ValueError, match="a column that is not there"):
        ColumnsEncoder(COLUMNS[1:2], [CategoryEncoder(["a"])], np.ones(1, np.uint8))
    with pytest.raises(ValueError, match="are no bytes"):
        checked_id_columns(np.zeros(2, np.int64))

"""Runs of characters of words: one word in plain Python, many words in numpy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skbag._text.byte_tokenizer import Spans
from skbag._text.subwords import (
    LONGEST_WORD,
    RaggedRows,
    ragged_ranges,
    subword_ids,
    subword_spans,
    subwords,
)

RANGES = st.tuples(st.integers(2, 5), st.integers(0, 4)).map(lambda t: (t[0], sum(t)))
WORDS = st.lists(
    st.one_of(
        st.text(st.characters(exclude_categories=["Z", "Cc"]), min_size=1, max_size=9),
        st.text("aé<>🙂", min_size=1, max_size=9),
    ),
    max_size=6,
)


def spans_of(words):
    lines = "".join(word + "\n" for word in words)
    return Spans.from_lines(lines.encode("utf-8", "surrogatepass"))


def by_word(words, ngram_range):
    which, found = subword_spans(spans_of(words), ngram_range)
    strings = found.to_lines().decode("utf-8", "surrogatepass").split("\n")[:-1]
    assert len(strings) == len(which)
    return [
        [string for i, string in zip(which, strings, strict=True) if i == number]
        for number in range(len(words))
    ]


def test_runs_of_the_marked_word_but_not_all_of_it():
    assert subwords("where", (3, 3)) == ["<wh", "whe", "her", "ere", "re>"]
    assert subwords("rat", (3, 6)) == ["<ra", "rat", "at>", "<rat", "rat>"]
    assert subwords("me", (2, 6)) == ["<m", "me", "e>", "<me", "me>"]


@pytest.mark.parametrize("character", ["!", "a", "\x00", "🙂"])
def test_a_character_has_none(character):
    assert subwords(character, (2, 6)) == []
    assert by_word([character, "me"], (2, 2)) == [[], ["<m", "me", "e>"]]


def test_a_repeated_run_counts_as_often():
    assert subwords("banana", (4, 4)).count("anan") == 1
    assert subwords("banana", (3, 3)).count("ana") == 2


@given(st.text(min_size=2, max_size=12), RANGES)
def test_they_are_the_substrings_of_these_lengths(word, ngram_range):
    marked = f"<{word}>"
    everything = [
        marked[i:j] for i in range(len(marked)) for j in range(i, len(marked) + 1)
    ]
    expected = [
        part
        for part in everything
        if ngram_range[0] <= len(part) <= ngram_range[1] and len(part) < len(marked)
    ]
    assert sorted(subwords(word, ngram_range)) == sorted(expected)


@given(WORDS, RANGES)
def test_many_words_have_those_of_each(words, ngram_range):
    expected = [subwords(word, ngram_range) for word in words]
    assert by_word(words, ngram_range) == expected


def test_a_very_wide_range_costs_nothing():
    assert by_word(["rat", "I"], (3, 10**9)) == [subwords("rat", (3, 6)), []]


@pytest.mark.parametrize("letter", ["a", "é"])
def test_data_has_none(letter):
    longest, longer = letter * LONGEST_WORD, letter * (LONGEST_WORD + 1)
    assert len(subwords(longest, (3, 3))) == LONGEST_WORD
    assert subwords(longer, (3, 3)) == []
    found = by_word([longer, longest, longer], (3, 3))
    assert found == [[], subwords(longest, (3, 3)), []]


def test_ids_of_those_that_are_found():
    def find(strings):
        known = [b"<ra", b"at>"]
        lines = strings.to_lines().split()
        return np.array(
            [known.index(x) if x in known else -1 for x in lines], dtype=np.int32
        )

    which, ids = subword_ids(spans_of(["cat", "I", "rat"]), (3, 6), find)
    assert which.tolist() == [0, 2, 2]
    assert ids.tolist() == [1, 0, 1]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 4)), max_size=6))
def test_ragged_ranges_are_those_of_a_loop(ranges):
    starts = np.array([start for start, _ in ranges], dtype=np.int64)
    lengths = np.array([length for _, length in ranges], dtype=np.int64)
    which, numbers = ragged_ranges(starts, lengths)
    expected = [(i, start + k) for i, (start, n) in enumerate(ranges) for k in range(n)]
    assert list(zip(which.tolist(), numbers.tolist(), strict=True)) == expected


@given(
    st.dictionaries(st.integers(0, 30), st.lists(st.integers(0, 99), max_size=4)),
    st.lists(st.integers(0, 30), max_size=12),
    st.randoms(),
)
def test_rows_are_those_of_a_dictionary(rows, taken, random):
    ragged = RaggedRows()
    order = list(rows)
    random.shuffle(order)
    for part in (order[:3], order[3:]):  # set in two calls, grown between them
        ragged.grow(max([len(ragged) - 1, *part]) + 1)
        which = [i for i, row in enumerate(part) for _ in rows[row]]
        numbers = [number for row in part for number in rows[row]]
        ragged.set(
            np.array(part, dtype=np.int64),
            np.array(which, dtype=np.int64),
            np.array(numbers, dtype=np.int32),
        )
    ragged.grow(31)
    assert ragged.is_set(np.arange(31)).tolist() == [row in rows for row in range(31)]
    which, numbers = ragged.take(np.array(taken, dtype=np.int64))
    expected = [
        (i, number) for i, row in enumerate(taken) for number in rows.get(row, [])
    ]
    assert list(zip(which.tolist(), numbers.tolist(), strict=True)) == expected

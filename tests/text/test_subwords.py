"""Runs of characters of words: in plain Python, and what native code counts."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skbag._text.features import FeatureKind
from skbag._text.hashed_encoder import HashedEncoder
from skbag._text.subwords import LONGEST_WORD, subwords
from skbag._text.token_rules import DEFAULT_TOKENS
from skbag._text.vocabulary_encoder import VocabularyEncoder

RANGES = st.tuples(st.integers(2, 5), st.integers(0, 4)).map(lambda t: (t[0], sum(t)))
# Each is one token.
WORDS = st.one_of(
    st.text(st.characters(categories=["Ll", "Lo", "Nd"]), min_size=1, max_size=9),
    st.text("aé🙂中\u0301", min_size=1, max_size=9),
    st.sampled_from("<>!\x00🙂"),
).filter(lambda word: DEFAULT_TOKENS.tokens(word) == [word])


def counted(word, ngram_range):
    """Subwords that native code counts in a word, by their strings."""
    encoder = VocabularyEncoder(False, subword_ngram_range=ngram_range)
    bags = encoder.learn([word])
    found = Counter()
    strings = encoder.strings
    for id_, count in zip(bags.ids.tolist(), bags.weights.tolist(), strict=True):
        if encoder.kinds[id_] == FeatureKind.SUBWORD:
            string = strings[int(encoder.keys[id_]) & 0xFFFFFFFF]
            found[string.decode("utf-8", "surrogatepass")] += int(count)
    return found


def test_runs_of_the_marked_word_but_not_all_of_it():
    assert subwords("where", (3, 3)) == ["<wh", "whe", "her", "ere", "re>"]
    assert subwords("rat", (3, 6)) == ["<ra", "rat", "at>", "<rat", "rat>"]
    assert subwords("me", (2, 6)) == ["<m", "me", "e>", "<me", "me>"]


@pytest.mark.parametrize("character", ["!", "a", "\x00", "🙂"])
def test_a_character_has_none(character):
    assert subwords(character, (2, 6)) == []
    assert counted(character, (2, 6)) == {}


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
def test_native_code_counts_the_same(word, ngram_range):
    assert counted(word, ngram_range) == Counter(subwords(word, ngram_range))


def test_a_very_wide_range_costs_nothing():
    assert counted("rat", (3, 10**9)) == Counter(subwords("rat", (3, 6)))
    assert counted("i", (3, 10**9)) == {}


@pytest.mark.parametrize("letter", ["a", "é", "\U00010400".lower()])
def test_data_has_none(letter):
    longest, longer = letter * LONGEST_WORD, letter * (LONGEST_WORD + 1)
    assert len(subwords(longest, (3, 3))) == LONGEST_WORD
    assert subwords(longer, (3, 3)) == []
    assert counted(longest, (3, 3)) == Counter(subwords(longest, (3, 3)))
    assert counted(longer, (3, 3)) == {}
    encoder = HashedEncoder(
        1000,
        default_tokens=True,
        token_pattern=DEFAULT_TOKENS.pattern,
        subword_ngram_range=(3, 3),
    )
    bags = encoder.learn([longer, f"{longest} {longer}"])
    assert bags.weights.sum() == 1 + 2 + LONGEST_WORD

"""Encoders without names: they find what the encoders they were made of find."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skbag._text.compact_encoders import (
    CompactPlainEncoder,
    CompactSelection,
    CompactVocabularyEncoder,
)
from skbag._text.compact_encoders import plain_backoffs as parts_of_plain
from skbag._text.compact_encoders import vocabulary_backoffs as parts_of_vocabulary
from skbag._text.fingerprints import SPARE_BITS, Fingerprints
from skbag._text.hashing import hash_strings
from skbag._text.plain_encoder import PlainEncoder
from skbag._text.vocabulary_encoder import VocabularyEncoder

NEW = ["A captain baked bread", "", "xylophone", "soup soup, SOUP!", "ﬁre über naïve"]


def tuples(text):
    return [(word, len(word)) for word in text.split()]


def numbers(text):
    return [len(word) / 2 for word in text.split()] + [None, b"x", np.int64(7)]


ENCODERS = {
    "words": VocabularyEncoder(True, (1, 1)),
    "pairs": VocabularyEncoder(True, (1, 2)),
    "pairs alone": VocabularyEncoder(False, (2, 2)),
    "short texts": VocabularyEncoder(True, (1, 2), True),
    "subwords": VocabularyEncoder(True, (1, 2), True, (3, 6)),
    "subwords alone": VocabularyEncoder(True, (1, 1), False, (2, 3)),
    "threes alone": VocabularyEncoder(True, (3, 3)),
    "up to fours": VocabularyEncoder(True, (1, 4), True),
    "twos and threes": VocabularyEncoder(True, (2, 3), strip_accents="unicode"),
    "without stop words": VocabularyEncoder(True, (1, 2), stop_words="english"),
    "plain, subwords": PlainEncoder(subword_ngram_range=(4, 6)),
    "plain words": PlainEncoder(ngram_range=(1, 3)),
    "plain, short texts": PlainEncoder(
        token_pattern=r"\w+", ngram_range=(1, 2), short_text_features=True
    ),
    "characters": PlainEncoder(analyzer="char_wb", ngram_range=(2, 3)),
    "tuples": PlainEncoder(analyzer=tuples),
    "numbers": PlainEncoder(analyzer=numbers),
    "given": PlainEncoder(vocabulary=["soup", "sail", "oven"]),
}
ONLY_FOR_LEARNING = ("learn", "absorb", "select", "names")
"""Methods of a `LearningEncoder`, which a compact encoder is not."""

encoders = pytest.mark.parametrize("name", ENCODERS)


def compact(encoder, ranked):
    is_native = isinstance(encoder, VocabularyEncoder)
    kind = CompactVocabularyEncoder if is_native else CompactPlainEncoder
    return kind.compact(encoder, ranked)


@pytest.fixture
def learnt(corpus):
    def of(name):
        encoder = pickle.loads(pickle.dumps(ENCODERS[name]))
        encoder.learn(corpus.texts)
        return encoder

    return of


@encoders
@pytest.mark.parametrize("share", [1.0, 0.5])
def test_what_is_found_is_what_the_other_finds(name, share, learnt, new_corpus):
    encoder = learnt(name)
    rng = np.random.default_rng(0)
    ranked = rng.permutation(encoder.n_ids)[: int(share * encoder.n_ids) or 1]
    small, ids = compact(encoder, ranked.astype(np.int32))
    assert_array_equal(np.sort(ids), np.sort(ranked))
    assert small.n_ids == len(ids)
    texts = [*new_corpus.texts, *NEW]
    twin = encoder.select(ids)
    for some in (texts, *[[text] for text in texts], ["word " * 500 + texts[0]]):
        found, expected = small.encode(some), twin.encode(some)
        assert_array_equal(found.offsets, expected.offsets)
        assert_array_equal(found.ids, expected.ids)
        assert_array_equal(found.weights, expected.weights)
        assert found.n_ids == expected.n_ids


@encoders
def test_it_pickles_to_plain_state(name, learnt, new_corpus):
    encoder = learnt(name)
    small, _ = compact(encoder, np.arange(encoder.n_ids, dtype=np.int32))
    again = pickle.loads(pickle.dumps(small))
    for texts in (new_corpus.texts, *[[text] for text in NEW]):
        assert_array_equal(again.encode(texts).ids, small.encode(texts).ids)


@encoders
def test_it_learns_and_names_nothing(name, learnt):
    encoder = learnt(name)
    small, _ = compact(encoder, np.arange(encoder.n_ids, dtype=np.int32))
    assert not any(hasattr(small, each) for each in ONLY_FOR_LEARNING)


def test_features_of_equal_fingerprints_become_the_more_important(monkeypatch, learnt):
    monkeypatch.setattr("skbag._text.fingerprints.SPARE_BITS", -3)
    for name in ("pairs", "plain words"):
        encoder = learnt(name)
        ranked = np.arange(encoder.n_ids, dtype=np.int32)[::-1]
        small, ids = compact(encoder, ranked)
        assert small.n_ids == len(ids) < encoder.n_ids
        assert ids.max() == encoder.n_ids - 1


def test_few_unknown_strings_are_taken_for_known_ones(n_cases):
    known = [b"known%d" % i for i in range(2000)]
    fingerprints, ids = Fingerprints.of_hashes(hash_strings(known))
    find = fingerprints.finder()
    assert list(map(find, known)) == ids.tolist()
    n = n_cases(200_000, 2_000_000)
    share = sum(find(b"other%d" % i) >= 0 for i in range(n)) / n
    assert 2 ** -(SPARE_BITS + 1) / 1.5 < share < 1.5 * 2**-SPARE_BITS


def test_strings_of_any_length_are_found():
    known = [b"soup", "über".encode(), b"a" * 99, b"\xed\xa0\x80", b""]
    fingerprints, ids = Fingerprints.of_hashes(hash_strings(known))
    find = fingerprints.finder()
    assert [find(string) for string in known] == ids.tolist()
    assert find(b"sou") == -1


@encoders
def test_unknown_words_have_what_is_known_of_them(name, learnt):
    """Affixes, subwords and longer n-grams, whatever else of them is left out."""
    encoder = learnt(name)
    for ranked in (range(3), range(encoder.n_ids // 2, encoder.n_ids)):
        ranked = np.array(ranked, dtype=np.int32)
        small, ids = compact(encoder, ranked)
        twin = encoder.select(ids)
        for text in ("soups of captains", "baked sailing ovens on the sea of soup"):
            found, expected = small.encode([text]), twin.encode([text])
            assert_array_equal(found.ids, expected.ids)
            assert_array_equal(found.weights, expected.weights)


def test_features_of_types_of_their_own_are_refused():
    encoder = PlainEncoder(analyzer=lambda text: [frozenset(text)])
    encoder.learn(["soup"])
    with pytest.raises(ValueError, match="features of type frozenset"):
        CompactPlainEncoder.compact(encoder, np.array([0], dtype=np.int32))


@encoders
def test_a_selection_of_any_encoder_finds_what_is_left(name, learnt, new_corpus):
    encoder = learnt(name)
    ids = np.arange(0, encoder.n_ids, 2, dtype=np.int32)
    small = CompactSelection(encoder, ids)
    twin = encoder.select(ids)
    for texts in (new_corpus.texts, *[[text] for text in NEW]):
        found, expected = small.encode(texts), twin.encode(texts)
        assert_array_equal(found.ids, expected.ids)
        assert_array_equal(found.offsets, expected.offsets)
        assert_array_equal(found.weights, expected.weights)
    assert small.n_ids == len(ids) == found.n_ids
    assert small.releases_gil == encoder.releases_gil
    again = CompactSelection.unpacked(encoder, small.packed_ids())
    assert_array_equal(again.encode(NEW).ids, small.encode(NEW).ids)
    assert not any(hasattr(small, each) for each in ONLY_FOR_LEARNING)


# -- what a feature implies ------------------------------------------------------------


def named_parts(encoder, found):
    names = encoder.names()
    return {
        name: {names[part] for part in parts if part >= 0}
        for name, parts in zip(names, found.tolist(), strict=True)
    }


def test_parts_of_pairs_and_short_text_features():
    encoder = VocabularyEncoder(True, (1, 2), True)
    encoder.learn(["fresh onion soup"])
    found = named_parts(encoder, parts_of_vocabulary(encoder))
    plain = PlainEncoder(
        token_pattern=r"\w+", ngram_range=(1, 2), short_text_features=True
    )
    plain.learn(["fresh onion soup"])
    for parts in (found, named_parts(plain, parts_of_plain(plain))):
        assert parts["fresh onion"] == {"fresh", "onion"}
        assert parts["fresh <skip> soup"] == {"fresh", "soup"}
        assert parts["<first> fresh"] == {"fresh"}
        assert parts["<last> soup"] == {"soup"}
        assert parts["soup"] == parts["onio…"] == parts["…esh"] == set()


def test_parts_of_longer_ngrams_are_one_shorter():
    words = PlainEncoder(ngram_range=(1, 3))
    words.learn(["fresh onion soup"])
    parts = named_parts(words, parts_of_plain(words))
    assert parts["fresh onion soup"] == {"fresh onion", "onion soup"}
    characters = PlainEncoder(analyzer="char", ngram_range=(1, 3))
    characters.learn(["soup"])
    parts = named_parts(characters, parts_of_plain(characters))
    assert parts["oup"] == {"ou", "up"}
    assert parts["s"] == set()
    others = PlainEncoder(analyzer=str.split)
    others.learn(["onion soup"])
    assert (parts_of_plain(others) == -1).all()

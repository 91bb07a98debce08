"""Occurrences are those that the encoders count, and say where in the text they are."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skbag._text.analyzers import build_locator
from skbag._text.compact_encoders import (
    CompactPlainEncoder,
    CompactSelection,
    CompactVocabularyEncoder,
)
from skbag._text.features import FeatureKind, Role, name_of_skip_pair
from skbag._text.hashed_encoder import HashedEncoder
from skbag._text.plain_encoder import PlainEncoder
from skbag._text.token_rules import DEFAULT_TOKENS
from skbag._text.vocabulary_encoder import VocabularyEncoder
from tests.conftest import examples

# Dozens of encoders with dozens of examples each.
pytestmark = pytest.mark.slow

CHARACTERS = "abTHE123 .!_-'\t\n  \u00a0İıßΣσςÉé\u0301Åñ½ﬁ你👍🏽\ud800\x1c"
TEXTS = st.lists(st.text(alphabet=CHARACTERS, max_size=40), min_size=1, max_size=4)


def split_on_t(text):
    return text.split("t")


def no_vowels(text):
    return "".join(c for c in text if c not in "aeiou")


def pairs_of_characters(text):
    return list(zip(text, text[1:], strict=False))


ENCODERS = {
    "native": lambda: VocabularyEncoder(),
    "native, cased": lambda: VocabularyEncoder(lowercase=False, ngram_range=(1, 2)),
    "native, pairs": lambda: VocabularyEncoder(ngram_range=(2, 2)),
    "native, all": lambda: VocabularyEncoder(
        ngram_range=(1, 2), short_text_features=True
    ),
    "native, subwords": lambda: VocabularyEncoder(subword_ngram_range=(2, 4)),
    "native, everything": lambda: VocabularyEncoder(
        ngram_range=(1, 2), short_text_features=True, subword_ngram_range=(3, 6)
    ),
    "plain": lambda: PlainEncoder(),
    "plain, subwords": lambda: PlainEncoder(
        token_pattern=r"\S+", short_text_features=True, subword_ngram_range=(2, 5)
    ),
    "plain, all": lambda: PlainEncoder(
        token_pattern=r"\w+|[^\w\s]", ngram_range=(1, 3), short_text_features=True
    ),
    "group": lambda: PlainEncoder(token_pattern=r"(?:(t)|\w)", ngram_range=(1, 2)),
    "empty tokens": lambda: PlainEncoder(token_pattern=r"t*", ngram_range=(1, 2)),
    "stop words": lambda: PlainEncoder(
        stop_words=["the", "a"], ngram_range=(1, 2), token_pattern=r"\w+"
    ),
    "unicode accents": lambda: PlainEncoder(strip_accents="unicode"),
    "ascii accents": lambda: PlainEncoder(strip_accents="ascii", token_pattern=r"\S"),
    "char": lambda: PlainEncoder(analyzer="char", ngram_range=(1, 3)),
    "char, long": lambda: PlainEncoder(analyzer="char", ngram_range=(3, 50)),
    "char_wb": lambda: PlainEncoder(analyzer="char_wb", ngram_range=(1, 5)),
    "char_wb, long": lambda: PlainEncoder(analyzer="char_wb", ngram_range=(3, 4)),
    "vocabulary": lambda: PlainEncoder(vocabulary=["the", "the the", "aa"]),
    "tokenizer": lambda: PlainEncoder(tokenizer=split_on_t, ngram_range=(1, 2)),
    "tokenizer, subwords": lambda: PlainEncoder(
        tokenizer=split_on_t, subword_ngram_range=(3, 3)
    ),
    "preprocessor": lambda: PlainEncoder(preprocessor=no_vowels),
    "accents by a function": lambda: PlainEncoder(strip_accents=no_vowels),
    "analyzer": lambda: PlainEncoder(analyzer=pairs_of_characters),
}
WITHOUT_SPANS = {
    "tokenizer, subwords",
    "tokenizer",
    "preprocessor",
    "accents by a function",
    "analyzer",
}


@pytest.mark.filterwarnings("ignore:The parameter 'token_pattern' will not be used")
@pytest.mark.parametrize("name", ENCODERS)
@examples(40)
@given(texts=TEXTS)
def test_they_are_what_the_encoder_counts(name, texts):
    encoder = ENCODERS[name]()
    encoder.learn(texts[: len(texts) // 2 + 1])
    bags, names = encoder.encode(texts), encoder.names()
    for i, text in enumerate(texts):
        found = list(encoder.occurrences(text))
        bag = bags.slice(i, i + 1)
        counts = dict(zip(bag.ids.tolist(), bag.weights.tolist(), strict=True))
        assert Counter(id_ for id_, _ in found) == counts
        assert [each.name for _, each in found] == [names[id_] for id_, _ in found]
        for _, occurrence in found:
            if name in WITHOUT_SPANS:
                assert occurrence.spans is None
            else:
                assert all(0 <= a <= b <= len(text) for a, b in occurrence.spans)


HASHED = {
    "default tokens": {
        "default_tokens": True,
        "token_pattern": DEFAULT_TOKENS.pattern,
        "ngram_range": (1, 2),
        "short_text_features": True,
        "subword_ngram_range": (3, 4),
    },
    "pairs alone": {
        "default_tokens": True,
        "token_pattern": DEFAULT_TOKENS.pattern,
        "ngram_range": (2, 2),
    },
    "tokenizer": {"tokenizer": split_on_t, "ngram_range": (1, 3)},
    "char": {"analyzer": "char", "ngram_range": (1, 3)},
}


def counts_of(encoder, text):
    bag = encoder.encode([text])
    return dict(zip(bag.ids.tolist(), bag.weights.tolist(), strict=True))


@pytest.mark.filterwarnings("ignore:The parameter 'token_pattern' will not be used")
@pytest.mark.parametrize("n_buckets", [64, 2**16])
@pytest.mark.parametrize("name", HASHED)
@examples(40)
@given(texts=TEXTS)
def test_of_buckets_they_are_what_the_encoder_counts(name, n_buckets, texts):
    encoder = HashedEncoder(n_buckets, **HASHED[name])
    encoder.learn(texts[: len(texts) // 2 + 1])
    parameters = {k: v for k, v in HASHED[name].items() if k != "default_tokens"}
    plain = PlainEncoder(**parameters)
    plain.learn(texts)
    for text in texts:
        found = list(encoder.occurrences(text))
        assert Counter(id_ for id_, _ in found) == counts_of(encoder, text)
        names = Counter(each.name for _, each in found)
        # As with a vocabulary, but for those in buckets that were not met.
        assert names <= Counter(each.name for _, each in plain.occurrences(text))


COMPACT = {
    "native": (
        lambda: ENCODERS["native, everything"](),
        lambda encoder, ids: CompactVocabularyEncoder.compact(encoder, ids)[0],
    ),
    "plain": (
        lambda: ENCODERS["plain, all"](),
        lambda encoder, ids: CompactPlainEncoder.compact(encoder, ids)[0],
    ),
    "selection": (
        lambda: HashedEncoder(256, **HASHED["default tokens"]),
        lambda encoder, ids: CompactSelection(encoder, ids),
    ),
}


@pytest.mark.parametrize("name", COMPACT)
@examples(40)
@given(texts=TEXTS)
def test_of_compact_encoders_they_are_what_is_counted(name, texts):
    make, compact = COMPACT[name]
    encoder = make()
    encoder.learn(texts[: len(texts) // 2 + 1])
    compacted = compact(encoder, np.arange(0, encoder.n_ids, 2, dtype=np.int32))
    for text in texts:
        found = Counter(id_ for id_, _ in compacted.occurrences(text))
        assert found == counts_of(compacted, text)


@given(texts=TEXTS)
def test_a_span_is_where_the_token_stands(texts):
    # Characters that lower-casing takes apart have tests of their own, below.
    texts = [text.replace("İ", "") for text in texts]
    encoder = ENCODERS["native, all"]()
    encoder.learn(texts)
    for text in texts:
        for _, occurrence in encoder.occurrences(text):
            parts = [text[a:b].lower().replace("ς", "σ") for a, b in occurrence.spans]
            possible = {" ".join(parts), *(role.name_of(parts[0]) for role in Role)}
            if len(parts) == 2:
                possible = {" ".join(parts), name_of_skip_pair(*parts)}
            assert occurrence.name.replace("ς", "σ") in possible


def spans_of(text, name, **parameters):
    parameters = {
        "token_pattern": DEFAULT_TOKENS.pattern,
        "ngram_range": (1, 2),
        "analyzer": "word",
        "preprocessor": None,
        "tokenizer": None,
        "strip_accents": None,
        **parameters,
    }
    locate = build_locator(
        parameters, with_short_text_features=True, subword_ngram_range=(3, 6)
    )
    return [each.spans for each in locate(text) if each.name == name]


def test_each_occurrence_has_spans_of_its_own():
    assert spans_of("To be or not to be", "be") == [((3, 5),), ((16, 18),)]


def test_pairs_have_a_span_for_each_token():
    text = "To be,  or not"
    assert spans_of(text, "to be") == [((0, 2), (3, 5))]
    assert spans_of(text, "be <skip> or") == [((3, 5), (8, 10))]
    assert spans_of(text, "be or", stop_words=[","]) == [((3, 5), (8, 10))]


def test_affixes_and_edges():
    text = "A refugee"
    assert spans_of(text, "refu…") == [((2, 6),)]
    assert spans_of(text, "…gee") == [((6, 9),)]
    assert spans_of(text, "<first> a") == [((0, 1),)]
    assert spans_of(text, "<last> refugee") == [((2, 9),)]


def test_subwords_are_parts_of_words_and_marks_have_no_place():
    text = "A Rat"
    assert spans_of(text, "<ra…") == [((2, 4),)]
    assert spans_of(text, "…rat…") == [((2, 5),)]
    assert spans_of(text, "<rat…") == [((2, 5),)]
    assert spans_of(text, "…at>") == [((3, 5),)]
    assert spans_of("tatata", "…tat…") == [((0, 3),), ((2, 5),)]


def test_each_tells_its_kind():
    encoder = ENCODERS["native, everything"]()
    encoder.learn(["the refugee came"])
    kinds = encoder.kinds
    found = list(encoder.occurrences("the refugee came"))
    kinds_of_text = set(FeatureKind) - {FeatureKind.CATEGORY, FeatureKind.NUMBER}
    assert {each.kind for _, each in found} == kinds_of_text
    assert all(each.kind == kinds[id_] for id_, each in found)


def test_lower_casing_may_lengthen_a_text():
    # The capital I with a dot becomes two characters.
    assert len("İ".lower()) == 2
    assert spans_of("İİ Kale", "kale") == [((3, 7),)]
    assert spans_of("İstanbul", "…bul") == [((5, 8),)]


def test_accents_may_shorten_a_text():
    text = "cafe\u0301 ole\u0301"
    assert spans_of(text, "cafe", strip_accents="unicode") == [((0, 4),)]
    assert spans_of(text, "ole", strip_accents="unicode") == [((6, 9),)]
    assert spans_of("ﬁn", "fi", strip_accents="unicode", token_pattern="fi") == [
        ((0, 1),)
    ]


def test_runs_of_characters():
    text = "ab  \n c"
    found = spans_of(text, "b c", analyzer="char", ngram_range=(3, 3))
    assert found == [((1, 7),)]
    # The space at the edge of a word has no place.
    found = spans_of(text, " c ", analyzer="char_wb", ngram_range=(3, 3))
    assert found == [((6, 7),)]


def test_feature_of_a_space_alone_has_an_empty_place():
    found = spans_of("a", " ", analyzer="char_wb", ngram_range=(1, 1))
    assert found == [(), ()]


def test_unknown_features_are_left_out():
    encoder = VocabularyEncoder(ngram_range=(1, 2), short_text_features=True)
    encoder.learn(["sail the ship"])
    encoder = encoder.select(np.array([0], dtype=np.int32))
    assert [each.name for _, each in encoder.occurrences("Sail, sail the dough")] == [
        "sail",
        "sail",
    ]

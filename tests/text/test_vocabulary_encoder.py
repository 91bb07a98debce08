"""Features of the default tokens: those of `PlainEncoder`, with their names."""

from __future__ import annotations

import pickle
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from skbag._core.bags import Bags
from skbag._text.features import FeatureKind, Role, affixes, name_of_skip_pair
from skbag._text.plain_encoder import PlainEncoder
from skbag._text.subwords import subwords
from skbag._text.token_rules import DEFAULT_TOKENS
from skbag._text.vocabulary_encoder import VocabularyEncoder
from tests.conftest import turns

TOKEN_PATTERN = DEFAULT_TOKENS.pattern

DOCUMENTS = [
    "The refugee crossed the river; the river was cold.",
    "",
    "Ärger im Café: naïve refugees! İstanbul, ΣΑΣ",
    "a\tb  a b\x00c 👍🏽 \ud800\udc00 a b",
    "   \n ",
    "internationally " * 3 + "z" * 70 + " " + "é" * 40,
    "one",
    "refu refug gee",
    "a.a.a.a",
]

TEXTS = st.lists(
    st.one_of(
        st.text(st.characters(exclude_categories=()), max_size=30),
        st.text("aB .é\x00\u0301", max_size=40),
        st.lists(
            st.sampled_from(["refugee", "refug", "Refu", "gee", "ééééééé", "?"])
        ).map(" ".join),
        st.binary(max_size=30).map(
            lambda data: data[: len(data) & ~1].decode("utf-16-le", "surrogatepass")
        ),
        st.binary(max_size=30).map(
            lambda data: data.decode("utf-8", "surrogateescape")
        ),
    ),
    max_size=5,
)

CHOICES = {
    "ngram_range": [(1, 1), (1, 2), (2, 2), (1, 3), (2, 3), (3, 3), (1, 4)],
    "lowercase": [True, False],
    "short_text_features": [True, False],
    "subword_ngram_range": [None, (3, 6), (2, 3), (4, 4)],
    "strip_accents": [None, "unicode", "ascii"],
    "stop_words": [None, ["the", "b", "refugee", "\u00e9"], "english"],
}

OPTIONS = st.fixed_dictionaries(
    {name: st.sampled_from(values) for name, values in CHOICES.items()}
)

ALL_OPTIONS = [
    {
        name: values[place]
        for (name, values), place in zip(CHOICES.items(), row, strict=True)
    }
    for row in turns([len(values) for values in CHOICES.values()])
]
"""Each value of each option, with others in turns."""

EVERYTHING = {"ngram_range": (1, 2), "short_text_features": True}


def plain_encoder(**options):
    return PlainEncoder(token_pattern=TOKEN_PATTERN, **options)


def by_name(encoder, bags):
    """Counts of each bag as a dict from name to count."""
    names = encoder.names()
    return [
        {names[i]: int(w) for i, w in zip(bag.ids, bag.weights, strict=True)}
        for bag in (bags.slice(row, row + 1) for row in range(len(bags)))
    ]


def kinds_by_name(encoder):
    return dict(zip(encoder.names(), encoder.kinds.tolist(), strict=True))


def assert_same_bags(bags, other):
    np.testing.assert_array_equal(bags.ids, other.ids)
    np.testing.assert_array_equal(bags.offsets, other.offsets)
    np.testing.assert_array_equal(bags.weights, other.weights)
    assert bags.n_ids == other.n_ids


def in_order(bags):
    """Bags with the ids of each ascending, and weights as `encode` gives them."""
    rows = np.repeat(np.arange(len(bags)), np.diff(bags.offsets))
    order = np.lexsort([bags.ids, rows])
    weights = bags.weights[order].astype(np.float32)
    return Bags(bags.ids[order], bags.offsets, weights, bags.n_ids)


def ids_of(encoder, names):
    return np.array([encoder.names().index(name) for name in names], dtype=np.int32)


@settings(deadline=None, max_examples=150)
@given(learnt=TEXTS, more=TEXTS, encoded=TEXTS, options=OPTIONS)
def test_same_as_the_plain_encoder(learnt, more, encoded, options):
    fast, plain = VocabularyEncoder(**options), plain_encoder(**options)
    for documents in (learnt, more):
        assert by_name(fast, fast.learn(documents)) == by_name(
            plain, plain.learn(documents)
        )
    bags = fast.encode(encoded)
    assert by_name(fast, bags) == by_name(plain, plain.encode(encoded))
    assert kinds_by_name(fast) == kinds_by_name(plain)
    assert len(set(fast.names())) == fast.n_ids
    for row, text in enumerate(encoded):
        assert_same_bags(fast.encode([text]), bags.slice(row, row + 1))


@settings(deadline=None, max_examples=100)
@given(learnt=TEXTS, more=TEXTS, encoded=TEXTS, options=OPTIONS, data=st.data())
def test_same_as_the_plain_encoder_after_select(learnt, more, encoded, options, data):
    fast, plain = VocabularyEncoder(**options), plain_encoder(**options)
    fast.learn(learnt)
    plain.learn(learnt)
    names = fast.names()
    kept = data.draw(st.permutations(names)) if names else []
    kept = kept[: data.draw(st.integers(0, len(kept)))]

    fast = fast.select(ids_of(fast, kept))
    plain = plain.select(ids_of(plain, kept))

    assert fast.names() == plain.names() == kept
    assert_same_bags(fast.encode(encoded), plain.encode(encoded))
    assert by_name(fast, fast.learn(more)) == by_name(plain, plain.learn(more))
    assert by_name(fast, fast.encode(encoded)) == by_name(plain, plain.encode(encoded))
    assert kinds_by_name(fast) == kinds_by_name(plain)


def in_order_of_occurrence(text, plain):
    """Names of the features of a text, token by token, as plainly as can be."""
    parameters = plain.analysis.parameters
    tokens = CountVectorizer(**{**parameters, "ngram_range": (1, 1)}).build_analyzer()
    tokens = tokens(text)
    shortest, longest = parameters["ngram_range"]
    for end, token in enumerate(tokens, 1):
        if shortest == 1:
            yield token
        if plain.analysis.short_text_features:
            for role, affix in affixes(token):
                if affix is not None:
                    yield role.name_of(affix)
        if plain.analysis.subword_ngram_range is not None:
            for part in subwords(token, plain.analysis.subword_ngram_range):
                yield Role.SUBWORD.name_of(part)
        for n in range(max(shortest, 2), min(longest, end) + 1):
            yield " ".join(tokens[end - n : end])
        if plain.analysis.short_text_features:
            for distance in DEFAULT_TOKENS.skip_distances:
                if distance < end:
                    yield name_of_skip_pair(tokens[end - 1 - distance], token)
    if tokens and plain.analysis.short_text_features:
        yield Role.FIRST.name_of(tokens[0])
        yield Role.LAST.name_of(tokens[-1])


@settings(deadline=None)
@given(learnt=TEXTS, options=OPTIONS)
def test_features_are_numbered_as_they_first_occur(learnt, options):
    encoder, plain = VocabularyEncoder(**options), plain_encoder(**options)
    bags = encoder.learn(learnt)
    expected = [list(in_order_of_occurrence(text, plain)) for text in learnt]
    assert encoder.names() == list(dict.fromkeys(chain.from_iterable(expected)))
    # In a bag as well.
    names = encoder.names()
    for row, features in enumerate(expected):
        bag = bags.slice(row, row + 1)
        assert [names[i] for i in bag.ids] == list(dict.fromkeys(features))


@pytest.mark.parametrize("ngram_range", CHOICES["ngram_range"])
@pytest.mark.parametrize("lowercase", [True, False])
def test_counts_are_those_of_count_vectorizer(lowercase, ngram_range):
    vectorizer = CountVectorizer(
        lowercase=lowercase, ngram_range=ngram_range, token_pattern=TOKEN_PATTERN
    )
    X = vectorizer.fit_transform(DOCUMENTS)
    encoder = VocabularyEncoder(lowercase, ngram_range)

    bags = encoder.learn(DOCUMENTS)

    names = vectorizer.get_feature_names_out().tolist()
    assert sorted(encoder.names()) == names
    order = ids_of(encoder, names)
    np.testing.assert_array_equal(bags.to_csr().toarray()[:, order], X.toarray())


def test_ngrams_of_any_length():
    """No more is done than for those that there are."""
    options = {"ngram_range": (1, 10**12), "subword_ngram_range": (3, 10**12)}
    fast, plain = VocabularyEncoder(**options), plain_encoder(**options)
    assert by_name(fast, fast.learn(DOCUMENTS)) == by_name(
        plain, plain.learn(DOCUMENTS)
    )
    assert_same_bags(
        fast.encode(DOCUMENTS),
        plain.select(ids_of(plain, fast.names())).encode(DOCUMENTS),
    )


def test_ngram_range_may_be_a_list():
    assert VocabularyEncoder(ngram_range=[1, 2]).learn(["a b"]).n_ids == 3


@pytest.mark.parametrize("n", [255, 256, 70_000])
@pytest.mark.parametrize("company", [[], ["b c"]])
def test_counts_that_one_byte_does_not_hold(n, company):
    encoder = VocabularyEncoder()
    bags = encoder.learn([*company, "a " * n, *company])
    assert by_name(encoder, bags)[len(company)] == {"a": n}


@pytest.mark.parametrize("n", [1, 3, 4, 5, 127, 128, 129, 700])
def test_entries_ascend_however_many_there_are(n):
    # Few are sorted in another way than many.
    encoder = VocabularyEncoder(ngram_range=(1, 1))
    learnt = encoder.learn([" ".join(f"t{i}" for i in range(500))])
    tokens = np.random.default_rng(0).integers(0, 500, size=n)
    bags = encoder.encode([" ".join(f"t{i}" for i in tokens)])
    ids, counts = np.unique(tokens, return_counts=True)
    assert learnt.ids.tolist() == list(range(500))
    assert bags.ids.tolist() == ids.tolist()
    assert bags.weights.tolist() == counts.tolist()


def test_kinds():
    encoder = VocabularyEncoder(**EVERYTHING)
    encoder.learn(["refugee in", "in one pot"])
    assert kinds_by_name(encoder) == {
        "refugee": FeatureKind.TERM,
        "in": FeatureKind.TERM,
        "one": FeatureKind.TERM,
        "pot": FeatureKind.TERM,
        "refugee in": FeatureKind.NGRAM,
        "in one": FeatureKind.NGRAM,
        "one pot": FeatureKind.NGRAM,
        "in <skip> pot": FeatureKind.SKIP,
        "<first> refugee": FeatureKind.EDGE,
        "<last> in": FeatureKind.EDGE,
        "<first> in": FeatureKind.EDGE,
        "<last> pot": FeatureKind.EDGE,
        "refu…": FeatureKind.AFFIX,
        "refug…": FeatureKind.AFFIX,
        "…gee": FeatureKind.AFFIX,
    }


def test_affixes_of_unknown_words_count():
    encoder = VocabularyEncoder(**EVERYTHING)
    encoder.learn(["refugee"])
    bags = encoder.encode(["refugium", "refu", "pongee"])
    assert by_name(encoder, bags) == [{"refu…": 1, "refug…": 1}, {}, {"…gee": 1}]


@pytest.mark.parametrize("company", [[], ["zzz " * 300]])
def test_an_affix_met_as_a_word_has_its_own_affixes(company):
    encoder = VocabularyEncoder(short_text_features=True)
    encoder.learn(["0000000"])  # 00000 is a prefix, 000 a suffix of it
    found = by_name(encoder, encoder.encode(["00000", *company]))
    assert found[0] == {"0000…": 1, "…000": 1}


def test_an_affix_that_becomes_a_word():
    encoder = VocabularyEncoder(**EVERYTHING)
    encoder.learn(["refugee"])
    encoder.learn(["refug"])
    bags = encoder.encode(["refugee refug"])
    assert by_name(encoder, bags) == [
        {
            "refugee": 1,
            "refug": 1,
            "<first> refugee": 1,
            "<last> refug": 1,
            "refu…": 2,
            "refug…": 1,
            "…gee": 1,
            "…fug": 1,
        }
    ]


def test_ngrams_do_not_cross_documents():
    encoder = VocabularyEncoder(ngram_range=(2, 2))
    encoder.learn(["a b", "c", "", "d e"])
    assert sorted(encoder.names()) == ["a b", "d e"]


def test_a_text_that_is_none_raises():
    documents = ["a text of some length"] * 50 + [None] + ["another text"] * 50
    encoder = VocabularyEncoder()
    with pytest.raises(TypeError, match="NoneType"):
        encoder.learn(documents)
    with pytest.raises(TypeError, match="NoneType"):
        encoder.encode(documents)


def test_pickle_is_compact():
    encoder = VocabularyEncoder(**EVERYTHING)
    words = [f"word{i}" for i in range(3000)]
    encoder.learn([" ".join(words)])
    n_bytes_of_strings = sum(
        len(name) + 1 for name in encoder.names() if " " not in name
    )
    assert len(pickle.dumps(encoder)) < 8 * encoder.n_ids + n_bytes_of_strings + 1000


def test_select_drops_strings_that_no_feature_needs():
    encoder = VocabularyEncoder(ngram_range=(1, 2))
    encoder.learn(["one two three four"])
    selected = encoder.select(ids_of(encoder, ["two three"]))
    strings = selected.__getstate__()["strings"].tobytes()
    assert sorted(strings.split()) == [b"three", b"two"]


def test_growth_over_many_calls():
    rng = np.random.default_rng(0)
    encoder, plain = VocabularyEncoder(**EVERYTHING), plain_encoder(**EVERYTHING)
    for _ in range(60):
        documents = [
            " ".join(f"w{i}" for i in rng.zipf(1.3, size=20).tolist()) for _ in range(5)
        ]
        assert by_name(encoder, encoder.learn(documents)) == by_name(
            plain, plain.learn(documents)
        )
    assert encoder.n_ids > 3000


@pytest.mark.slow
def test_one_text_larger_than_a_chunk():
    encoder = VocabularyEncoder(ngram_range=(1, 2))
    bags = encoder.learn(["Word, " * 400_000, "x" * 10_000_000, "word"])
    assert by_name(encoder, bags)[0] == {
        "word": 400_000,
        ",": 400_000,
        "word ,": 400_000,
        ", word": 399_999,
    }
    assert by_name(encoder, bags)[2] == {"word": 1}


# -- subwords --------------------------------------------------------------------------


def test_subwords_are_features():
    encoder = VocabularyEncoder(subword_ngram_range=(3, 4))
    bags = encoder.learn(["Rats eat", "a !"])
    counts = {"rats", "eat", "<ra…", "…rat…", "…ats…", "…ts>"}
    counts |= {"<rat…", "…rats…", "…ats>", "<ea…", "…eat…", "…at>", "<eat…", "…eat>"}
    assert by_name(encoder, bags) == [dict.fromkeys(counts, 1), {"a": 1, "!": 1}]
    kinds = kinds_by_name(encoder)
    assert {kinds[name] for name in counts if "…" in name} == {FeatureKind.SUBWORD}
    assert kinds["rats"] == FeatureKind.TERM


def test_a_subword_counts_for_each_word_that_has_it():
    encoder = VocabularyEncoder(subword_ngram_range=(3, 3))
    counts = by_name(encoder, encoder.learn(["banana banana cabana"]))[0]
    assert counts["…ana…"] == 5
    assert counts["…na>"] == 3


@pytest.mark.parametrize("company", [[], ["zzz " * 300]])
def test_unknown_words_count_by_known_subwords(company):
    encoder = VocabularyEncoder(subword_ngram_range=(3, 4))
    encoder.learn(["refugee"])
    for _ in range(2):
        found = by_name(encoder, encoder.encode(["refugees refugees", *company]))[0]
        assert found["<ref…"] == 2
        assert "…gee>" not in found
        assert "refugee" not in found


@pytest.mark.parametrize("company", [[], ["zzz " * 300]])
def test_a_word_known_as_a_subword_only_has_subwords(company):
    encoder = VocabularyEncoder(subword_ngram_range=(4, 4))
    encoder.learn(["refugees"])  # fuge is one of its subwords
    found = by_name(encoder, encoder.encode(["fuge fugees", *company]))
    assert found[0] == {"…fuge…": 2, "…ugee…": 1, "…gees…": 1, "…ees>": 1}


def test_subwords_learnt_later_are_found_in_words_known_before():
    encoder = VocabularyEncoder(subword_ngram_range=(3, 3))
    encoder.learn(["cat mat"])
    kept = ["cat", "…cat…"]
    encoder = encoder.select(ids_of(encoder, kept))
    company = "zzz " * 300
    assert by_name(encoder, encoder.encode(["cat", company]))[0] == dict.fromkeys(
        kept, 1
    )
    encoder.learn(["rat"])
    counts = by_name(encoder, encoder.encode(["cat", company]))[0]
    assert counts == dict.fromkeys([*kept, "…at>"], 1)


def test_subwords_of_many_words():
    options = {"subword_ngram_range": (3, 6)}
    fast, plain = VocabularyEncoder(**options), plain_encoder(**options)
    words = [f"{i:03d}{i * i}" for i in range(60)]
    texts = [" ".join(words[i : i + 9]) for i in range(0, 60, 5)]
    assert by_name(fast, fast.learn(texts)) == by_name(plain, plain.learn(texts))
    texts = [text + "0" for text in texts]
    assert by_name(fast, fast.encode(texts)) == by_name(plain, plain.encode(texts))

import pickle
import re
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from skbag._text import byte_encoder, byte_reader
from skbag._text import encoder as encoder_module
from skbag._text.byte_encoder import ByteEncoder
from skbag._text.features import FeatureKind
from skbag._text.plain_encoder import PlainEncoder
from skbag._text.subwords import subword_ids
from skbag._text.token_rules import DEFAULT_TOKENS

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
    ),
    max_size=5,
)

OPTIONS = st.fixed_dictionaries(
    {
        "lowercase": st.booleans(),
        "ngram_range": st.sampled_from([(1, 1), (1, 2), (2, 2)]),
        "short_text_features": st.booleans(),
        "subword_ngram_range": st.sampled_from([None, (3, 6), (2, 3), (4, 4)]),
    }
)

CHOICES = {
    "lowercase": [True, False],
    "ngram_range": [(1, 1), (1, 2), (2, 2)],
    "short_text_features": [True, False],
    "subword_ngram_range": [None, (3, 6)],
}

ALL_OPTIONS = [
    dict(zip(CHOICES, values, strict=True)) for values in product(*CHOICES.values())
]

EVERYTHING = {"ngram_range": (1, 2), "short_text_features": True}


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(encoder_module, "CHUNK_CHARACTERS", 20)


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


def ids_of(encoder, names):
    return np.array([encoder.names().index(name) for name in names], dtype=np.int32)


@settings(deadline=None, max_examples=150)
@given(learnt=TEXTS, more=TEXTS, encoded=TEXTS, options=OPTIONS)
def test_same_as_the_plain_encoder(learnt, more, encoded, options):
    fast, plain = ByteEncoder(**options), plain_encoder(**options)
    for documents in (learnt, more):
        assert by_name(fast, fast.learn(documents)) == by_name(
            plain, plain.learn(documents)
        )
    assert by_name(fast, fast.encode(encoded)) == by_name(plain, plain.encode(encoded))
    assert kinds_by_name(fast) == kinds_by_name(plain)


@settings(deadline=None, max_examples=100)
@given(learnt=TEXTS, more=TEXTS, encoded=TEXTS, options=OPTIONS, data=st.data())
def test_same_as_the_plain_encoder_after_select(learnt, more, encoded, options, data):
    fast, plain = ByteEncoder(**options), plain_encoder(**options)
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


@pytest.mark.parametrize("ngram_range", [(1, 1), (1, 2), (2, 2)])
@pytest.mark.parametrize("lowercase", [True, False])
def test_counts_are_those_of_count_vectorizer(lowercase, ngram_range):
    vectorizer = CountVectorizer(
        lowercase=lowercase, ngram_range=ngram_range, token_pattern=TOKEN_PATTERN
    )
    X = vectorizer.fit_transform(DOCUMENTS)
    encoder = ByteEncoder(lowercase, ngram_range)

    bags = encoder.learn(DOCUMENTS)

    names = vectorizer.get_feature_names_out().tolist()
    assert sorted(encoder.names()) == names
    order = ids_of(encoder, names)
    np.testing.assert_array_equal(bags.to_csr().toarray()[:, order], X.toarray())


def test_other_ngram_ranges_are_refused():
    message = re.escape(
        "ngram_range must be one of ((1, 1), (1, 2), (2, 2)), got (1, 3)"
    )
    with pytest.raises(ValueError, match=message):
        ByteEncoder(ngram_range=(1, 3))


def test_ngram_range_may_be_a_list():
    assert ByteEncoder(ngram_range=[1, 2]).learn(["a b"]).n_ids == 3


@pytest.mark.parametrize("n", [255, 256, 70_000])
@pytest.mark.parametrize("company", [[], ["b c"]])
def test_counts_that_one_byte_does_not_hold(n, company, small_chunks):
    encoder = ByteEncoder()
    bags = encoder.learn([*company, "a " * n, *company])
    assert by_name(encoder, bags)[len(company)] == {"a": n}


def test_kinds():
    encoder = ByteEncoder(**EVERYTHING)
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
    encoder = ByteEncoder(**EVERYTHING)
    encoder.learn(["refugee"])
    bags = encoder.encode(["refugium", "refu", "pongee"])
    assert by_name(encoder, bags) == [{"refu…": 1, "refug…": 1}, {}, {"…gee": 1}]


@pytest.mark.parametrize("company", [[], ["zzz " * 300]])
def test_an_affix_met_as_a_word_has_its_own_affixes(company):
    encoder = ByteEncoder(short_text_features=True)
    encoder.learn(["0000000"])  # 00000 is a prefix, 000 a suffix of it
    found = by_name(encoder, encoder.encode(["00000", *company]))
    assert found[0] == {"0000…": 1, "…000": 1}


def test_an_affix_that_becomes_a_word():
    encoder = ByteEncoder(**EVERYTHING)
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


def test_ngrams_do_not_cross_documents(small_chunks):
    encoder = ByteEncoder(ngram_range=(2, 2))
    encoder.learn(["a b", "c", "", "d e"])
    assert sorted(encoder.names()) == ["a b", "d e"]


def test_a_text_that_is_none_raises(small_chunks):
    documents = ["a text of some length"] * 50 + [None] + ["another text"] * 50
    encoder = ByteEncoder()
    with pytest.raises(TypeError, match="NoneType"):
        encoder.learn(documents)
    with pytest.raises(TypeError, match="NoneType"):
        encoder.encode(documents)


def test_pickle_is_compact():
    encoder = ByteEncoder(**EVERYTHING)
    words = [f"word{i}" for i in range(3000)]
    encoder.learn([" ".join(words)])
    n_bytes_of_strings = sum(
        len(name) + 1 for name in encoder.names() if " " not in name
    )
    assert len(pickle.dumps(encoder)) < 8 * encoder.n_ids + n_bytes_of_strings + 1000


def test_select_drops_strings_that_no_feature_needs():
    encoder = ByteEncoder(ngram_range=(1, 2))
    encoder.learn(["one two three four"])
    selected = encoder.select(ids_of(encoder, ["two three"]))
    strings = selected.__getstate__()["strings"].tobytes()
    assert sorted(strings.split()) == [b"three", b"two"]


def test_growth_over_many_calls():
    rng = np.random.default_rng(0)
    encoder, plain = ByteEncoder(**EVERYTHING), plain_encoder(**EVERYTHING)
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
    encoder = ByteEncoder(ngram_range=(1, 2))
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
    encoder = ByteEncoder(subword_ngram_range=(3, 4))
    bags = encoder.learn(["Rats eat", "a !"])
    counts = {"rats", "eat", "<ra…", "…rat…", "…ats…", "…ts>"}
    counts |= {"<rat…", "…rats…", "…ats>", "<ea…", "…eat…", "…at>", "<eat…", "…eat>"}
    assert by_name(encoder, bags) == [dict.fromkeys(counts, 1), {"a": 1, "!": 1}]
    kinds = kinds_by_name(encoder)
    assert {kinds[name] for name in counts if "…" in name} == {FeatureKind.SUBWORD}
    assert kinds["rats"] == FeatureKind.TERM


def test_a_subword_counts_for_each_word_that_has_it():
    encoder = ByteEncoder(subword_ngram_range=(3, 3))
    counts = by_name(encoder, encoder.learn(["banana banana cabana"]))[0]
    assert counts["…ana…"] == 5
    assert counts["…na>"] == 3


@pytest.mark.parametrize("company", [[], ["zzz " * 300]])
def test_unknown_words_count_by_known_subwords(company):
    encoder = ByteEncoder(subword_ngram_range=(3, 4))
    encoder.learn(["refugee"])
    for _ in range(2):
        found = by_name(encoder, encoder.encode(["refugees refugees", *company]))[0]
        assert found["<ref…"] == 2
        assert "…gee>" not in found
        assert "refugee" not in found


@pytest.mark.parametrize("company", [[], ["zzz " * 300]])
def test_a_word_known_as_a_subword_only_has_subwords(company):
    encoder = ByteEncoder(subword_ngram_range=(4, 4))
    encoder.learn(["refugees"])  # fuge is one of its subwords
    found = by_name(encoder, encoder.encode(["fuge fugees", *company]))
    assert found[0] == {"…fuge…": 2, "…ugee…": 1, "…gees…": 1, "…ees>": 1}


def test_subwords_learnt_later_are_found_in_words_known_before():
    encoder = ByteEncoder(subword_ngram_range=(3, 3))
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


def test_subwords_of_many_words(monkeypatch, small_chunks):
    options = {"subword_ngram_range": (3, 6)}
    fast, plain = ByteEncoder(**options), plain_encoder(**options)
    monkeypatch.setattr(byte_encoder, "WORDS_AT_ONCE", 3)
    monkeypatch.setattr(byte_reader, "WORDS_AT_ONCE", 3)
    words = [f"{i:03d}{i * i}" for i in range(60)]
    texts = [" ".join(words[i : i + 9]) for i in range(0, 60, 5)]
    assert by_name(fast, fast.learn(texts)) == by_name(plain, plain.learn(texts))
    texts = [text + "0" for text in texts]
    assert by_name(fast, fast.encode(texts)) == by_name(plain, plain.encode(texts))


def test_subwords_are_found_once_for_each_word(monkeypatch):
    asked = []

    def counting(words, *others):
        asked.extend(words.to_lines().split())
        return subword_ids(words, *others)

    monkeypatch.setattr(byte_encoder, "subword_ids", counting)
    monkeypatch.setattr(byte_reader, "subword_ids", counting)
    encoder = ByteEncoder(subword_ngram_range=(3, 6))
    encoder.learn(["cat mat cat", "mat " * 100])
    encoder.learn(["mat cat rat"])
    assert sorted(asked) == [b"cat", b"mat", b"rat"]
    asked.clear()
    for _ in range(3):  # words not known are asked for in each chunk, once
        encoder.encode(["cat hat hat", "rat hat mat"])
    assert sorted(asked) == [b"cat", *[b"hat"] * 3, b"mat", b"rat"]

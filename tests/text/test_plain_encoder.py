import pickle
import re
from collections import Counter
from itertools import pairwise

import cloudpickle
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from skbag._text.features import FeatureKind
from skbag._text.hashed_encoder import HashedEncoder
from skbag._text.plain_encoder import PlainEncoder

DOCUMENTS = [
    "The refugee crossed the river; the river was cold.",
    "",
    "Ärger im Café: naïve refugees!",
    "a\tb  a b\x00c 👍🏽",
    "   \n ",
    "the and of",
]


def by_name(encoder, bags):
    """Counts of each bag as a dict from name to count."""
    names = encoder.names()
    return [
        {names[i]: int(w) for i, w in zip(bag.ids, bag.weights, strict=True)}
        for bag in (bags.slice(row, row + 1) for row in range(len(bags)))
    ]


def count_vectorizer_counts(documents, **parameters):
    vectorizer = CountVectorizer(**parameters)
    X = vectorizer.fit_transform(documents).tocsr()
    names = vectorizer.get_feature_names_out()
    return [
        {names[j]: int(n) for j, n in zip(row.indices, row.data, strict=True)}
        for row in (X[[i]] for i in range(X.shape[0]))
    ]


def assert_same_bags(bags, other):
    np.testing.assert_array_equal(bags.ids, other.ids)
    np.testing.assert_array_equal(bags.offsets, other.offsets)
    np.testing.assert_array_equal(bags.weights, other.weights)
    assert bags.n_ids == other.n_ids


def split_on_x(text):
    return text.split("x")


def pairs_of_characters(text):
    return pairwise(text)


def generate_tokens(text):
    yield from text.split()


def upper(text):
    return text.upper()


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"lowercase": False},
        {"strip_accents": "unicode"},
        {"strip_accents": "ascii", "ngram_range": (2, 2)},
        {"stop_words": "english", "ngram_range": (1, 2)},
        {"stop_words": ["the", "a"], "token_pattern": r"\S+", "ngram_range": (1, 3)},
        {"token_pattern": r"\w+|[^\w\s]", "ngram_range": (2, 4)},
        {"token_pattern": r"(\w)\w*"},
        {"tokenizer": split_on_x, "token_pattern": None, "ngram_range": (1, 2)},
        {"tokenizer": str.split, "token_pattern": None, "preprocessor": upper},
        {"tokenizer": generate_tokens, "token_pattern": None},
        {"analyzer": "char", "ngram_range": (1, 3)},
        {"analyzer": "char_wb", "ngram_range": (2, 3), "lowercase": False},
        {"analyzer": str.split},
    ],
)
def test_counts_are_those_of_count_vectorizer(parameters):
    encoder = PlainEncoder(**parameters)
    bags = encoder.learn(DOCUMENTS)

    assert by_name(encoder, bags) == count_vectorizer_counts(DOCUMENTS, **parameters)
    assert_same_bags(encoder.encode(DOCUMENTS), bags)


@settings(deadline=None, max_examples=50)
@given(
    documents=st.lists(st.text(alphabet="ab x\n.é", max_size=12), max_size=5),
    shortest=st.integers(1, 3),
    more=st.integers(0, 2),
)
def test_ngrams_are_those_of_count_vectorizer(documents, shortest, more):
    documents = ["a b a b x", *documents]
    parameters = {
        "ngram_range": (shortest, shortest + more),
        "token_pattern": r"\w+|[^\w\s]",
    }
    encoder = PlainEncoder(**parameters)

    counts = by_name(encoder, encoder.learn(documents))

    assert counts == count_vectorizer_counts(documents, **parameters)


def test_ids_follow_first_appearance():
    encoder = PlainEncoder(token_pattern=r"\w+", ngram_range=(1, 2))
    encoder.learn(["b a", "c"])
    encoder.learn(["d a"])
    assert encoder.names() == ["b", "a", "b a", "c", "d", "d a"]
    assert encoder.n_ids == 6


def test_ids_ascend_within_a_bag():
    encoder = PlainEncoder(token_pattern=r"\w+")
    encoder.learn(["c b a"])
    bags = encoder.encode(["a b c a"])
    np.testing.assert_array_equal(bags.ids, [0, 1, 2])
    np.testing.assert_array_equal(bags.weights, [1, 1, 2])


def test_kinds():
    encoder = PlainEncoder(
        token_pattern=r"\w+", ngram_range=(1, 3), short_text_features=True
    )
    encoder.learn(["refugee in a"])
    kinds = dict(zip(encoder.names(), encoder.kinds.tolist(), strict=True))
    assert kinds == {
        "refugee": FeatureKind.TERM,
        "in": FeatureKind.TERM,
        "a": FeatureKind.TERM,
        "refugee in": FeatureKind.NGRAM,
        "in a": FeatureKind.NGRAM,
        "refugee in a": FeatureKind.NGRAM,
        "<first> refugee": FeatureKind.EDGE,
        "<last> a": FeatureKind.EDGE,
        "refu…": FeatureKind.AFFIX,
        "refug…": FeatureKind.AFFIX,
        "…gee": FeatureKind.AFFIX,
        "refugee <skip> a": FeatureKind.SKIP,
    }


def test_kinds_of_other_analyzers_are_terms_without_short_text_features():
    for analyzer in ("char", "char_wb", str.split):
        encoder = PlainEncoder(
            analyzer=analyzer, ngram_range=(1, 3), short_text_features=True
        )
        encoder.learn(["refugee in a"])
        assert set(encoder.kinds.tolist()) == {FeatureKind.TERM}


def test_short_text_features_see_the_tokens_left_by_stop_words():
    encoder = PlainEncoder(stop_words=["the", "end"], short_text_features=True)
    encoder.learn(["the middle end"])
    assert {"<first> middle", "<last> middle"} < set(encoder.names())


def test_subwords_are_of_the_tokens_left_by_stop_words():
    encoder = PlainEncoder(
        stop_words=["the"], strip_accents="unicode", subword_ngram_range=(3, 3)
    )
    encoder.learn(["the café"])
    assert encoder.names() == ["cafe", "<ca…", "…caf…", "…afe…", "…fe>"]
    assert encoder.kinds.tolist() == [FeatureKind.TERM] + [FeatureKind.SUBWORD] * 4


def test_subwords_of_other_analyzers_there_are_none():
    for analyzer in ("char", "char_wb", str.split):
        encoder = PlainEncoder(analyzer=analyzer, subword_ngram_range=(3, 6))
        encoder.learn(["refugee in a"])
        assert set(encoder.kinds.tolist()) == {FeatureKind.TERM}


def test_short_text_features_need_no_unigrams():
    encoder = PlainEncoder(ngram_range=(2, 2), short_text_features=True)
    encoder.learn(["the middle"])
    assert encoder.names() == [
        "the middle",
        "<first> the",
        "<last> middle",
        "midd…",
        "middl…",
        "…dle",
    ]


def test_a_token_with_a_space_is_the_bigram_that_reads_the_same():
    parameters = {
        "tokenizer": split_on_x,
        "token_pattern": None,
        "ngram_range": (1, 2),
    }
    documents = ["a bxaxb"]
    encoder = PlainEncoder(**parameters)
    bags = encoder.learn(documents)
    assert by_name(encoder, bags)[0]["a b"] == 2
    assert by_name(encoder, bags) == count_vectorizer_counts(documents, **parameters)


def test_features_that_share_a_name_stay_apart():
    encoder = PlainEncoder(token_pattern=r"\S+", short_text_features=True)
    encoder.learn(["refu… refugee"])
    named_alike = [i for i, name in enumerate(encoder.names()) if name == "refu…"]
    assert sorted(encoder.kinds[named_alike]) == [FeatureKind.TERM, FeatureKind.AFFIX]


def test_any_hashable_is_a_feature():
    encoder = PlainEncoder(analyzer=pairs_of_characters)
    bags = encoder.learn(["aaba"])
    np.testing.assert_array_equal(bags.weights, [1, 1, 1])
    assert encoder.names() == ["('a', 'a')", "('a', 'b')", "('b', 'a')"]


@pytest.mark.parametrize(
    "vocabulary",
    [
        {"river": 1, "the river": 0, "crossed": 2},
        ["river", "the river"],
        {"river", "the"},
        iter(["river", "the"]),
        {"river": np.int64(0)},
    ],
)
def test_given_vocabulary_is_used_exactly_and_never_grows(vocabulary):
    vocabulary = list(vocabulary) if not hasattr(vocabulary, "__len__") else vocabulary
    parameters = {"ngram_range": (1, 2), "vocabulary": vocabulary}
    encoder = PlainEncoder(**parameters, short_text_features=True)
    expected = CountVectorizer(**parameters).fit(DOCUMENTS)

    bags = encoder.learn(DOCUMENTS)

    assert encoder.names() == expected.get_feature_names_out().tolist()
    np.testing.assert_array_equal(
        bags.to_csr().toarray(), expected.transform(DOCUMENTS).toarray()
    )
    assert_same_bags(encoder.encode(DOCUMENTS), bags)


def test_kinds_of_a_given_vocabulary():
    terms = ["river", "the river"]
    assert PlainEncoder(vocabulary=terms).kinds.tolist() == [0, 0]
    bigrams = PlainEncoder(vocabulary=terms, ngram_range=(1, 2))
    assert bigrams.kinds.tolist() == [FeatureKind.TERM, FeatureKind.NGRAM]


def test_select_of_a_given_vocabulary_never_grows():
    encoder = PlainEncoder(vocabulary=["river", "cold"])
    selected = encoder.select(np.array([1], np.int32))
    selected.learn(DOCUMENTS)
    assert selected.names() == ["cold"]


@pytest.mark.parametrize(
    ("vocabulary", "message"),
    [
        ({"a": 0, "b": 0}, "Vocabulary contains repeated indices."),
        ({"a": 0, "b": 2}, "Vocabulary of size 2 doesn't contain index 1."),
        (["a", "b", "a"], "Duplicate term in vocabulary: 'a'"),
        ([], "empty vocabulary passed to fit"),
        ({}, "empty vocabulary passed to fit"),
    ],
)
def test_bad_vocabulary_is_refused_in_the_words_of_count_vectorizer(
    vocabulary, message
):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        CountVectorizer(vocabulary=vocabulary).fit(DOCUMENTS)
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        PlainEncoder(vocabulary=vocabulary)


def test_unknown_analyzer_is_refused_as_in_count_vectorizer():
    with pytest.raises(ValueError, match="not a valid tokenization scheme/analyzer"):
        PlainEncoder(analyzer="sentence").learn(DOCUMENTS)


def test_inconsistent_stop_words_warn_as_in_count_vectorizer():
    encoder = PlainEncoder(stop_words=["don't"])
    with pytest.warns(UserWarning, match="Your stop_words may be inconsistent"):
        encoder.learn(DOCUMENTS)


def test_lambdas_pickle_with_cloudpickle_only():
    encoder = PlainEncoder(tokenizer=lambda text: text.split(), token_pattern=None)
    bags = encoder.learn(DOCUMENTS)
    # PicklingError or AttributeError, by the version of Python.
    with pytest.raises((pickle.PicklingError, AttributeError), match="<lambda>"):
        pickle.dumps(encoder)
    assert_same_bags(pickle.loads(cloudpickle.dumps(encoder)).encode(DOCUMENTS), bags)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.text(st.characters(exclude_categories=()), max_size=20)),
    st.booleans(),
)
def test_any_text_counts_as_python_says(documents, lowercase):
    encoder = PlainEncoder(token_pattern=r"\w+|[^\w\s]", lowercase=lowercase)
    counts = by_name(encoder, encoder.learn(documents))
    assert counts == [
        Counter(re.findall(r"\w+|[^\w\s]", text.lower() if lowercase else text))
        for text in documents
    ]


# -- functions of the user's -----------------------------------------------------------


class Token:
    """As spaCy's: it has a text, and is none."""

    def __init__(self, text):
        self.text = text

    def __len__(self):
        return len(self.text)


@pytest.mark.parametrize("hashed", [False, True])
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"tokenizer": lambda text: [Token(word) for word in text.split()]},
            r"tokenizer must give tokens that are str, but gave <.*Token.*\[token.text",
        ),
        (
            {"tokenizer": lambda text: None},
            "tokenizer must give the tokens .* NoneType",
        ),
        ({"tokenizer": str.upper}, "tokenizer must give the tokens .* of type str"),
        ({"tokenizer": lambda text: [1]}, "tokenizer must give tokens .* gave 1, of"),
        (
            {"analyzer": lambda text: None},
            "analyzer must give the tokens of a document",
        ),
        (
            {"analyzer": lambda text: [Token("a")]},
            "analyzer must give tokens that are str, but gave",
        ),
        ({"preprocessor": lambda text: None}, "preprocessor gave None for a document"),
        (
            {"strip_accents": lambda text: None},
            "strip_accents gave None for a document",
        ),
    ],
)
def test_functions_that_give_nonsense_are_named(parameters, message, hashed):
    options = {"token_pattern": r"\w+"} | parameters
    encoder = HashedEncoder(64, **options) if hashed else PlainEncoder(**options)
    with pytest.raises(TypeError, match=message):
        encoder.learn(["late parcel", "parcel lost"])

"""Which encoder serves which parameters, and which features are kept."""

import copy
import pickle
from dataclasses import fields, replace

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.feature_extraction.text import CountVectorizer

from skbag._core.bags import Bags
from skbag._text.features import FeatureKind
from skbag._text.hashed_encoder import HashedEncoder
from skbag._text.plain_encoder import PlainEncoder
from skbag._text.pruning import (
    FeatureCounts,
    Pruning,
    check_any,
    keep_features,
    new_numbers,
)
from skbag._text.text_options import (
    TextOptions,
    check_subwords,
    make_encoder,
    wants_short_text_features,
    wants_subwords,
)
from skbag._text.token_rules import DEFAULT_TOKENS, RULES
from skbag._text.vocabulary_encoder import VocabularyEncoder
from tests.text.test_vocabulary_encoder import (
    DOCUMENTS,
    assert_same_bags,
    by_name,
    in_order,
    kinds_by_name,
)


def sizes_of(texts):
    """Number of characters and of texts, as the rule of "auto" asks for them."""
    return lambda: (sum(map(len, texts)), len(texts))


def keep(bags, kinds, pruning):
    """Ids that survive pruning for a table of one column."""
    return keep_features(FeatureCounts.of(bags, pruning), kinds, pruning, 1)


DEFAULT = TextOptions(
    lowercase=True,
    strip_accents=None,
    preprocessor=None,
    tokenizer=None,
    token_pattern=DEFAULT_TOKENS.pattern,
    analyzer="word",
    stop_words=None,
    ngram_range=(1, 2),
    vocabulary=None,
)
TEXTS = ["a b c", "a b", "a a a d", "", "e"]


@pytest.mark.parametrize(("n_texts", "expected"), [(49_999, True), (50_000, False)])
def test_a_stream_has_many_texts_sooner(n_texts, expected):
    sizes = lambda: (20 * n_texts, n_texts)  # noqa: E731
    assert wants_short_text_features("auto", DEFAULT, True, sizes)
    found = wants_short_text_features("auto", DEFAULT, True, sizes, in_a_stream=True)
    assert found is expected


NATIVE = [
    {},
    {"lowercase": False},
    {"ngram_range": (1, 1)},
    {"ngram_range": (1, 3)},
    {"ngram_range": (2, 3)},
    {"ngram_range": (3, 3)},
    {"ngram_range": (1, 4), "stop_words": ["a", "the"]},
    {"strip_accents": "unicode"},
    {"strip_accents": "ascii", "lowercase": False},
    {"stop_words": "english", "strip_accents": "unicode"},
    {"token_pattern": RULES[0].pattern, "subword_ngram_range": (3, 4)},
]


@pytest.mark.parametrize("changes", NATIVE, ids=str)
@pytest.mark.parametrize("short_text_features", [False, True])
def test_default_tokens_take_the_native_encoder(changes, short_text_features):
    options = replace(DEFAULT, **changes)
    encoder = make_encoder(options, short_text_features)
    assert isinstance(encoder, VocabularyEncoder)
    names = [field.name for field in fields(TextOptions) if field.name != "n_buckets"]
    plain = PlainEncoder(
        **{name: getattr(options, name) for name in names},
        short_text_features=short_text_features,
        tokens=encoder.options.tokens,
    )
    assert by_name(encoder, encoder.learn(DOCUMENTS)) == by_name(
        plain, plain.learn(DOCUMENTS)
    )
    assert kinds_by_name(encoder) == kinds_by_name(plain)
    again = pickle.loads(pickle.dumps(encoder))
    new = ["the Refugee café", *DOCUMENTS[::-1]]
    for native in (encoder, again):
        assert by_name(native, native.encode(new)) == by_name(plain, plain.encode(new))


@pytest.mark.parametrize("changes", NATIVE, ids=str)
def test_buckets_of_default_tokens_are_counted_natively(changes):
    options = replace(DEFAULT, n_buckets=1000, **changes)
    native = make_encoder(options, True)
    assert native.releases_gil
    plain = copy.copy(native)
    plain._is_native = False
    assert_same_bags(in_order(native.learn(DOCUMENTS)), plain.learn(DOCUMENTS))
    again = pickle.loads(pickle.dumps(native))
    new = ["the Refugee café", *DOCUMENTS[::-1]]
    assert_same_bags(again.encode(new), plain.encode(new))


@pytest.mark.parametrize("n_buckets", [None, 1000])
def test_stop_words_that_are_no_tokens_are_warned_of(n_buckets):
    options = replace(DEFAULT, stop_words=["aren't"], n_buckets=n_buckets)
    with pytest.warns(UserWarning, match="stop_words may be inconsistent"):
        make_encoder(options, False)


@pytest.mark.parametrize(
    "changes",
    [
        {"strip_accents": str.upper},
        {"preprocessor": str.upper},
        {"tokenizer": str.split},
        {"token_pattern": r"\w+"},
        {"token_pattern": None, "tokenizer": str.split},
        {"analyzer": "char"},
        {"analyzer": str.split},
        {"vocabulary": {"a": 0}},
    ],
)
@pytest.mark.filterwarnings("ignore:The parameter 'token_pattern':UserWarning")
def test_everything_else_takes_the_plain_encoder(changes):
    assert isinstance(make_encoder(replace(DEFAULT, **changes), False), PlainEncoder)
    if "vocabulary" not in changes:
        hashed = make_encoder(replace(DEFAULT, n_buckets=1000, **changes), False)
        assert not hashed.releases_gil


def kept_names(**pruning):
    options = {"min_df": 1, "max_df": 1.0, "max_features": None} | pruning
    encoder = make_encoder(DEFAULT, False)
    bags = encoder.learn(TEXTS)
    kept = keep(bags, encoder.kinds, Pruning(**options))
    return [encoder.names()[i] for i in kept]


@pytest.mark.parametrize(
    "pruning",
    [
        {"min_df": 2},
        {"min_df": 0.4},
        {"max_df": 2},
        {"max_df": 0.3},
        {"max_features": 3},
        {"min_df": 1, "max_df": 2, "max_features": 2},
    ],
)
def test_pruning_is_that_of_count_vectorizer(pruning):
    theirs = CountVectorizer(
        token_pattern=DEFAULT_TOKENS.pattern, ngram_range=(1, 2), **pruning
    ).fit(TEXTS)
    mine = kept_names(**pruning)
    assert len(mine) == len(theirs.vocabulary_)
    counts = CountVectorizer(token_pattern=DEFAULT_TOKENS.pattern, ngram_range=(1, 2))
    total = dict(
        zip(
            counts.fit(TEXTS).get_feature_names_out(),
            np.asarray(counts.transform(TEXTS).sum(axis=0)).ravel(),
            strict=True,
        )
    )
    # Among equally frequent features max_features may choose others.
    assert sorted(total[n] for n in mine) == sorted(
        total[n] for n in theirs.vocabulary_
    )
    if "max_features" not in pruning:
        assert set(mine) == set(theirs.vocabulary_)


def test_frequent_features_come_first():
    names = kept_names()
    assert names[0] == "a"
    assert set(names[1:3]) == {"b", "a b"}


@pytest.mark.parametrize(
    ("min_df", "expected"), [("auto", {"a b"}), (1, {"a b", "c d"})]
)
def test_skip_pairs_of_one_text_are_left_out_by_auto(min_df, expected):
    encoder = make_encoder(DEFAULT, True)
    bags = encoder.learn(["a x b", "a y b", "c z d"])
    kept = keep(bags, encoder.kinds, Pruning(min_df, 1.0, None))
    names = [encoder.names()[i] for i in kept]
    pairs = {name.replace(" <skip> ", " ") for name in names if "<skip>" in name}
    assert pairs == expected
    assert {"x", "y", "c z", "z d"} < set(names)


def test_pruning_away_everything():
    with pytest.raises(ValueError, match="no tokens remain"):
        kept_names(min_df=5)


def test_no_tokens_at_all():
    encoder = make_encoder(DEFAULT, False)
    with pytest.raises(ValueError, match="No tokens were found: the texts are empty"):
        bags = encoder.learn(["", " "])
        keep(bags, encoder.kinds, Pruning(1, 1.0, None))


def test_contradicting_bounds():
    with pytest.raises(ValueError, match="max_df=1 corresponds to fewer documents"):
        kept_names(min_df=2, max_df=1)


def test_renumber_is_column_selection():
    X = sp.csr_array(sp.random(6, 9, density=0.5, random_state=0))
    kept = np.array([7, 0, 3], dtype=np.int32)
    made = Bags.from_csr(X).renumber(new_numbers(kept, 9), 3)
    np.testing.assert_allclose(made.to_csr().toarray(), X.toarray()[:, kept])


@pytest.mark.parametrize(
    ("texts", "supervised", "changes", "expected"),
    [
        (["short"], True, {}, True),
        (["long " * 100], True, {}, False),
        (["short"], False, {}, False),
        (["short"], True, {"analyzer": "char"}, False),
        (["short"], True, {"vocabulary": ["a"]}, False),
        (["short"], True, {"ngram_range": (2, 2)}, False),
    ],
)
def test_automatic_short_text_features(texts, supervised, changes, expected):
    options = replace(DEFAULT, **changes)
    found = wants_short_text_features("auto", options, supervised, sizes_of(texts))
    assert found is expected


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"vocabulary": ["a"]}, "a vocabulary was given"),
        ({"analyzer": "char"}, "needs words: analyzer='word', got analyzer='char'"),
    ],
)
def test_short_text_features_that_cannot_be(changes, words):
    with pytest.raises(ValueError, match=words):
        wants_short_text_features(
            True, replace(DEFAULT, **changes), True, sizes_of(["a"])
        )


# -- subwords and buckets --------------------------------------------------------------


@pytest.mark.parametrize("changes", [{}, {"analyzer": "char"}, {"ngram_range": (1, 3)}])
def test_buckets_take_the_hashed_encoder(changes):
    options = replace(DEFAULT, n_buckets=1000, **changes)
    encoder = make_encoder(options, True)
    assert isinstance(encoder, HashedEncoder)
    assert encoder.n_ids == 1000
    assert encoder.releases_gil == ("analyzer" not in changes)


def test_encoders_get_the_subwords_asked_for():
    for changes in ({}, {"ngram_range": (1, 3)}, {"n_buckets": 1000}):
        options = replace(DEFAULT, subword_ngram_range=(4, 4), **changes)
        encoder = make_encoder(options, False)
        plain = make_encoder(replace(options, subword_ngram_range=None), False)
        assert len(encoder.learn(["refuge"]).ids) == 6
        assert len(plain.learn(["refuge"]).ids) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"analyzer": "char"}, "needs words: analyzer='word', got analyzer='char'"),
        ({"analyzer": str.split}, "needs words: analyzer='word', got analyzer=<"),
        ({"vocabulary": ["a"]}, "adds features to the vocabulary, but a vocabulary"),
    ],
)
def test_subwords_need_words_and_a_vocabulary_of_their_own(changes, message):
    check_subwords(replace(DEFAULT, **changes))
    with pytest.raises(ValueError, match=message):
        check_subwords(replace(DEFAULT, subword_ngram_range=(3, 6), **changes))


CODES = np.ones(60, np.int64)
FEW_IN_COMMON = np.array([1] * 30 + [31])
ALL_TERMS = np.zeros(60, np.uint8)


@pytest.mark.parametrize(
    ("changes", "counts", "sizes", "expected"),
    [
        ({}, CODES, (600, 60), True),
        # Half of what is met: 30 of 61.
        ({}, FEW_IN_COMMON, (600, 60), False),
        ({}, CODES, (490, 49), False),
        ({}, CODES, (300 * 60, 60), False),
        ({"token_pattern": r"\S+"}, CODES, (600, 60), False),
        ({"analyzer": "char"}, CODES, (600, 60), False),
        ({"ngram_range": (2, 2)}, CODES, (600, 60), False),
        ({"n_buckets": 64}, CODES, (600, 60), False),
    ],
)
def test_automatic_subwords(changes, counts, sizes, expected):
    options = replace(DEFAULT, **changes)
    kinds = ALL_TERMS[: len(counts)]
    assert wants_subwords(options, counts, lambda: kinds, lambda: sizes) is expected


def test_automatic_subwords_look_at_tokens_alone():
    kinds = np.array([FeatureKind.TERM] + [FeatureKind.NGRAM] * 59, np.uint8)
    counts = np.array([60] + [1] * 59)
    assert not wants_subwords(DEFAULT, counts, lambda: kinds, lambda: (600, 60))


def test_no_features_at_all():
    check_any(np.array([0, 2]))
    with pytest.raises(ValueError, match="No tokens were found: the texts are empty"):
        check_any(np.zeros(0, dtype=np.int64))


def bags_of(document_counts):
    """Bags in which each id is in so many of the texts."""
    n_texts = max(document_counts)
    rows = [[int(row < n) for n in document_counts] for row in range(n_texts)]
    return Bags.from_csr(sp.csr_array(np.array(rows, dtype=np.float32)))


@pytest.mark.parametrize("seed", range(5))
def test_automatic_min_df_of_subwords_is_their_own(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 12, size=60)
    kinds = rng.choice([FeatureKind.TERM, FeatureKind.SUBWORD], size=60).astype(
        np.uint8
    )
    monkeypatch.setattr(
        "skbag._text.pruning.MAX_TABLE_NUMBERS", int(rng.integers(5, 40))
    )
    pruning = Pruning("auto", 1.0, None)
    bags, is_subword = bags_of(counts), kinds == FeatureKind.SUBWORD

    kept = set(keep(bags, kinds, pruning).tolist())

    # Words are kept as if there were no subwords,
    words = np.flatnonzero(~is_subword)
    alone = keep(bags_of(counts[words]), None, pruning)
    assert kept & set(words.tolist()) == set(words[alone].tolist())
    # and subwords as if there were no words, but those of one text.
    parts = np.flatnonzero(is_subword)
    alone = keep(bags_of(counts[parts]), None, pruning)
    lowest = counts[list(kept & set(words.tolist()))].min()
    expected = {i for i in parts[alone].tolist() if counts[i] >= max(2, lowest)}
    assert kept & set(parts.tolist()) <= set(parts[alone].tolist())
    assert kept & set(parts.tolist()) >= expected


def test_a_number_for_min_df_is_for_all_kinds_alike():
    kinds = np.array([FeatureKind.TERM, FeatureKind.SUBWORD] * 2, dtype=np.uint8)
    bags = bags_of([1, 1, 3, 3])
    assert len(keep(bags, kinds, Pruning(1, 1.0, None))) == 4
    assert keep(bags, kinds, Pruning(2, 1.0, None)).tolist() == [2, 3]
    assert keep(bags, kinds, Pruning("auto", 1.0, None)).tolist() == [
        2,
        3,
        0,
    ]

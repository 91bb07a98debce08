"""Which encoder serves which parameters, and which features are kept."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.feature_extraction.text import CountVectorizer

from skbag._bags import Bags
from skbag._byte_encoder import ByteEncoder
from skbag._plain_encoder import PlainEncoder
from skbag._vocabulary import (
    TOKEN_PATTERN,
    Pruning,
    TextOptions,
    keep_features,
    make_encoder,
    new_numbers,
    wants_short_text_features,
)

DEFAULT = TextOptions(
    lowercase=True,
    strip_accents=None,
    preprocessor=None,
    tokenizer=None,
    token_pattern=TOKEN_PATTERN,
    analyzer="word",
    stop_words=None,
    ngram_range=(1, 2),
    vocabulary=None,
)
TEXTS = ["a b c", "a b", "a a a d", "", "e"]


@pytest.mark.parametrize("changes", [{}, {"lowercase": False}, {"ngram_range": (1, 1)}])
def test_default_tokens_take_the_fast_encoder(changes):
    assert isinstance(make_encoder(replace(DEFAULT, **changes), False), ByteEncoder)


@pytest.mark.parametrize(
    "changes",
    [
        {"strip_accents": "unicode"},
        {"preprocessor": str.upper},
        {"tokenizer": str.split},
        {"token_pattern": r"\w+"},
        {"analyzer": "char"},
        {"stop_words": ["a"]},
        {"ngram_range": (1, 3)},
        {"vocabulary": {"a": 0}},
    ],
)
@pytest.mark.filterwarnings("ignore:The parameter 'token_pattern':UserWarning")
def test_everything_else_takes_the_plain_encoder(changes):
    assert isinstance(make_encoder(replace(DEFAULT, **changes), False), PlainEncoder)


def kept_names(**pruning):
    options = {"min_df": 1, "max_df": 1.0, "max_features": None} | pruning
    encoder = make_encoder(DEFAULT, False)
    bags = encoder.learn(TEXTS)
    kept = keep_features(bags, encoder.kinds, Pruning(**options), 1)
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
        token_pattern=TOKEN_PATTERN, ngram_range=(1, 2), **pruning
    ).fit(TEXTS)
    mine = kept_names(**pruning)
    assert len(mine) == len(theirs.vocabulary_)
    counts = CountVectorizer(token_pattern=TOKEN_PATTERN, ngram_range=(1, 2))
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
    kept = keep_features(bags, encoder.kinds, Pruning(min_df, 1.0, None), 1)
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
        keep_features(bags, encoder.kinds, Pruning(1, 1.0, None), 1)


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
    assert wants_short_text_features("auto", options, supervised, texts) is expected


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"vocabulary": ["a"]}, "a vocabulary was given"),
        ({"analyzer": "char"}, "needs words: analyzer='word', got analyzer='char'"),
    ],
)
def test_short_text_features_that_cannot_be(changes, words):
    with pytest.raises(ValueError, match=words):
        wants_short_text_features(True, replace(DEFAULT, **changes), True, ["a"])

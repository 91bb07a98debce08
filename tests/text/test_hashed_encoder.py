"""Features in buckets: those of the exact encoders, but without their names."""

import os
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skbag._text import hashed_encoder
from skbag._text.buckets import SHARES, Buckets, key_of
from skbag._text.features import FeatureKind
from skbag._text.hashed_encoder import HashedEncoder
from skbag._text.plain_encoder import PlainEncoder
from tests.text.test_vocabulary_encoder import (
    DOCUMENTS,
    OPTIONS,
    TEXTS,
    TOKEN_PATTERN,
    assert_same_bags,
    by_name,
    in_order,
)

EVERYTHING = {
    "ngram_range": (1, 2),
    "short_text_features": True,
    "subword_ngram_range": (3, 6),
}
N_BUCKETS = st.sampled_from([64, 1000, 2**20])


def natively(n_buckets=1000, **options):
    return HashedEncoder(
        n_buckets, default_tokens=True, token_pattern=TOKEN_PATTERN, **options
    )


def one_by_one(n_buckets=1000, **options):
    return HashedEncoder(n_buckets, token_pattern=TOKEN_PATTERN, **options)


def buckets_of(exact, n_buckets=2**31 - 1, **options):
    """Bucket of each feature of a PlainEncoder, by its key."""
    hashed = one_by_one(n_buckets, **options)
    kinds = exact.kinds.tolist()
    keys = [
        tuple(key.split(" ")) if kind == FeatureKind.NGRAM else key
        for key, kind in zip(exact.ids, kinds, strict=True)
    ]
    return list(map(hashed._bucket, map(FeatureKind, kinds), keys))


# -- the same features -----------------------------------------------------------------


@settings(deadline=None)
@given(TEXTS, TEXTS, OPTIONS, N_BUCKETS)
def test_natively_is_as_one_by_one(learnt, encoded, options, n_buckets):
    fast, plain = natively(n_buckets, **options), one_by_one(n_buckets, **options)
    assert_same_bags(in_order(fast.learn(learnt)), plain.learn(learnt))
    assert_same_bags(fast.encode(encoded), plain.encode(encoded))
    for text in encoded:
        assert_same_bags(fast.encode([text]), plain.encode([text]))
    np.testing.assert_array_equal(fast.kinds, plain.kinds)


@settings(deadline=None)
@given(TEXTS, TEXTS, OPTIONS)
def test_without_collisions_counts_are_those_of_the_exact_encoder(
    learnt, encoded, options
):
    exact = PlainEncoder(token_pattern=TOKEN_PATTERN, **options)
    exact_learnt = exact.learn(learnt)
    n_buckets = 2**22
    hashed = natively(n_buckets, **options)
    buckets = buckets_of(exact, n_buckets, **options)
    if len(set(buckets)) < len(buckets):
        return  # a collision, which is possible but rare
    for bags, expected in (
        (in_order(hashed.learn(learnt)), exact_learnt),
        (hashed.encode(encoded), exact.encode(encoded)),
    ):
        assert [
            dict(zip(bag.ids.tolist(), bag.weights.tolist(), strict=True))
            for bag in (bags.slice(i, i + 1) for i in range(len(bags)))
        ] == [
            {
                buckets[i]: count
                for i, count in zip(bag.ids.tolist(), bag.weights.tolist(), strict=True)
            }
            for bag in (expected.slice(i, i + 1) for i in range(len(expected)))
        ]
    kinds = hashed.kinds
    assert [kinds[bucket] for bucket in buckets] == exact.kinds.tolist()


@pytest.mark.parametrize(
    "parameters",
    [
        {"analyzer": "char", "ngram_range": (1, 3)},
        {"analyzer": "char_wb", "ngram_range": (2, 3), "lowercase": False},
        {"analyzer": str.split},
        {"tokenizer": str.split, "token_pattern": None, "ngram_range": (2, 3)},
        {"stop_words": ["the", "a"], "token_pattern": r"\S+", "ngram_range": (1, 3)},
        {"strip_accents": "unicode", "subword_ngram_range": (2, 4)},
    ],
)
def test_any_analyzer(parameters):
    exact = PlainEncoder(**parameters)
    hashed = HashedEncoder(2**20, **parameters)
    # A zero character at the end of a run does not count.
    documents = [text.replace("\x00", "x") for text in DOCUMENTS]
    expected, bags = exact.learn(documents), hashed.learn(documents)
    assert_same_bags(hashed.encode(documents), bags)
    # No two features fell together, which could be.
    assert sorted(by_counts(bags)) == sorted(by_counts(expected))


def by_counts(bags):
    """Of each feature its counts in all documents, the features in any order."""
    matrix = bags.to_csr().tocsc()
    matrix.sort_indices()
    columns = np.flatnonzero(np.diff(matrix.indptr))
    return [
        tuple(zip(column.indices.tolist(), column.data.tolist(), strict=True))
        for column in (matrix[:, [j]].tocsc() for j in columns)
    ]


def test_documented_buckets():
    encoder = natively(ngram_range=(1, 2))
    buckets = Buckets(1000, [FeatureKind.TERM, FeatureKind.NGRAM])
    bags = encoder.learn(["My parcel"])
    # In the order in which they occur.
    assert bags.ids.tolist() == [
        buckets.of_one(FeatureKind.TERM, key_of(["my"])),
        buckets.of_one(FeatureKind.TERM, key_of(["parcel"])),
        buckets.of_one(FeatureKind.NGRAM, key_of(["my", "parcel"])),
    ]


def test_kinds_counted_share_all_buckets():
    def kinds(**options):
        return np.unique(one_by_one(**options).kinds).tolist()

    assert kinds() == [FeatureKind.TERM]
    assert kinds(ngram_range=(2, 2)) == [FeatureKind.NGRAM]
    assert kinds(ngram_range=(1, 3)) == [FeatureKind.TERM, FeatureKind.NGRAM]
    assert kinds(**EVERYTHING) == list(SHARES)
    # Short-text features and subwords are of words only.
    assert kinds(analyzer="char", **EVERYTHING) == [FeatureKind.TERM]


# -- what is met, and what is kept -----------------------------------------------------


@pytest.mark.parametrize("make", [natively, one_by_one])
def test_what_was_never_met_is_left_out(make):
    encoder = make(2**24, ngram_range=(1, 2))
    encoder.learn(["one two"])
    for texts in (["two three"], ["two three"] * 2, ["two three " + "x" * 700]):
        bags = encoder.encode(texts)
        assert np.diff(bags.offsets).tolist() == [1] * len(texts)
    encoder.learn(["two three"])
    assert len(encoder.encode(["two three"]).ids) == 3


def test_state_does_not_grow():
    encoder = natively(**EVERYTHING)
    before = len(pickle.dumps(encoder))
    encoder.learn([f"word{i} and word{i * i}" for i in range(2000)])
    assert len(pickle.dumps(encoder)) == before


def test_memory_of_buckets_is_bounded(monkeypatch):
    monkeypatch.setattr(hashed_encoder, "_MOST_KEYS", 3)
    encoder, fresh = one_by_one(**EVERYTHING), natively(**EVERYTHING)
    assert_same_bags(encoder.learn(DOCUMENTS), in_order(fresh.learn(DOCUMENTS)))
    assert encoder._bucket.cache_info().currsize == 3


def test_natively_threads_gain():
    assert natively().releases_gil
    assert not one_by_one().releases_gil


def test_a_failed_learn_leaves_the_encoder_as_it_was():
    encoder = natively()
    before = pickle.dumps(encoder)
    with pytest.raises(TypeError, match="NoneType"):
        encoder.learn(["a text of some length"] * 50 + [None])
    assert pickle.dumps(encoder) == before


@pytest.mark.slow
def test_buckets_do_not_depend_on_the_process(n_cases):
    code = (
        "from skbag._text.hashed_encoder import HashedEncoder\n"
        f"encoder = HashedEncoder(1000, token_pattern={TOKEN_PATTERN!r}, "
        f"**{EVERYTHING!r})\n"
        f"print(encoder.learn({DOCUMENTS!r}).ids.tolist())"
    )
    # Not the seed of this process: that of the tests is a random one, or known.
    other = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in n_cases((other,), ("0", other))
    }
    ids = in_order(natively(**EVERYTHING).learn(DOCUMENTS)).ids.tolist()
    assert found == {f"{ids}\n".encode()}


# -- what cannot be --------------------------------------------------------------------


def test_there_are_no_names():
    message = "There is no vocabulary: with n_buckets=1000 features are hashed"
    with pytest.raises(AttributeError, match=message):
        natively().names()


def test_there_is_nothing_to_select():
    with pytest.raises(ValueError, match="cannot be pruned or renumbered"):
        natively().select(np.array([0], dtype=np.int32))


def pairs_of_characters(text):
    return zip(text, text[1:], strict=False)


def numbers(text):
    return [len(word) for word in text.split()]


@pytest.mark.parametrize(
    ("parameters", "seen"),
    [
        ({"analyzer": pairs_of_characters}, "('T', 'h') of type tuple"),
        ({"analyzer": numbers}, "3 of type int"),
    ],
)
def test_only_strings_have_a_hash(parameters, seen):
    message = re.escape(f"give strings, got {seen}. Convert it to a str")
    with pytest.raises(TypeError, match=message):
        HashedEncoder(1000, **parameters).learn(DOCUMENTS)


def test_names_of_the_exact_twin_are_those_counted():
    # Guards the twins above: by_name of the exact encoder is not empty.
    exact = PlainEncoder(token_pattern=TOKEN_PATTERN, **EVERYTHING)
    assert by_name(exact, exact.learn(["parcel"]))[0]["<par…"] == 1

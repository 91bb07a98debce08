"""Which bucket a feature falls into: as written down, now and for ever."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skbag._text.buckets import (
    FEWEST_BUCKETS,
    SHARES,
    Buckets,
    key_of,
)
from skbag._text.features import FeatureKind, Role

STRINGS = st.lists(
    st.text(st.characters(exclude_characters="\n"), min_size=1, max_size=80),
    min_size=1,
    max_size=5,
)
MASK = 2**64 - 1


def hash_as_documented(string):
    data = string.encode("utf-8", "surrogatepass")
    if len(data) > 64:
        return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")
    eights = [
        int.from_bytes(data[i : i + 8].ljust(8, b"\0"), "little")
        for i in range(0, max(len(data), 1), 8)
    ]
    x = eights[0] * 0x9E3779B97F4A7C15 & MASK
    x = x ^ (x >> 32)
    for b in eights[1:]:
        x = (x + b) * 0xD6E8FEB86659FD93 & MASK
        x = x ^ (x >> 32)
    return x


def mix_as_documented(x):
    y = x * 0xBF58476D1CE4E5B9 & MASK
    return y ^ (y >> 32)


def bucket_as_documented(key, first, n):
    z = mix_as_documented(key) * 0x94D049BB133111EB & MASK
    return first + ((z >> 32) * n >> 32)


# -- frozen: these numbers may never change --------------------------------------------

EVERY_KIND = Buckets(2**20, list(SHARES))

FROZEN = [
    (FeatureKind.TERM, ["parcel"], Role.TOKEN, 211430),
    (FeatureKind.TERM, ["é🙂"], Role.TOKEN, 78395),
    (FeatureKind.TERM, ["internationally"], Role.TOKEN, 170467),
    (FeatureKind.TERM, ["z" * 65], Role.TOKEN, 177915),
    (FeatureKind.TERM, [""], Role.TOKEN, 0),
    (FeatureKind.NGRAM, ["my", "parcel"], Role.TOKEN, 262910),
    (FeatureKind.NGRAM, ["my", "parcel", "is"], Role.TOKEN, 360894),
    (FeatureKind.EDGE, ["parcel"], Role.FIRST, 495638),
    (FeatureKind.EDGE, ["parcel"], Role.LAST, 506290),
    (FeatureKind.AFFIX, ["parc"], Role.PREFIX, 534984),
    (FeatureKind.AFFIX, ["cel"], Role.SUFFIX, 544542),
    (FeatureKind.SKIP, ["my", "parcel"], Role.TOKEN, 571315),
    (FeatureKind.SUBWORD, ["<pa"], Role.SUBWORD, 1008514),
]


@pytest.mark.parametrize(("kind", "strings", "role", "bucket"), FROZEN)
def test_frozen(kind, strings, role, bucket):
    assert EVERY_KIND.of_one(kind, key_of(strings, role)) == bucket


def test_frozen_keys():
    assert key_of(["parcel"]) == 15201011946120866275
    assert key_of(["my", "parcel"]) == 5589548106791464862


def test_frozen_ranges():
    sizes = np.bincount(Buckets(1000, list(SHARES)).kinds).tolist()
    assert sizes == [235, 235, 30, 29, 235, 236]
    assert np.bincount(Buckets(1000, [1, 0]).kinds).tolist() == [500, 500]


# -- as written down -------------------------------------------------------------------


@given(STRINGS)
def test_keys_are_as_documented(strings):
    hashes = [hash_as_documented(string) for string in strings]
    expected = hashes[0]
    for hashed in hashes[1:]:
        expected = mix_as_documented(expected) + hashed & MASK
    assert key_of(strings) == expected
    for role in (Role.FIRST, Role.LAST, Role.PREFIX, Role.SUFFIX):
        shifted = hashes[0] + role * 0x94D049BB133111EB & MASK
        assert key_of(strings[:1], role) == shifted
    assert key_of(strings[:1], Role.SUBWORD) == hashes[0]


@given(
    st.integers(FEWEST_BUCKETS, 2**31 - 1),
    st.sets(st.sampled_from(list(SHARES)), min_size=1),
    st.integers(0, MASK),
)
def test_buckets_are_as_documented(n_buckets, kinds, key):
    buckets = Buckets(n_buckets, kinds)
    total = sum(SHARES[kind] for kind in kinds)
    before = 0
    for kind in sorted(kinds):
        first = n_buckets * before // total
        before += SHARES[kind]
        size = n_buckets * before // total - first
        assert size > 0
        expected = bucket_as_documented(key, first, size)
        assert first <= expected < first + size
        assert buckets.of_one(kind, key) == expected
    assert before == total


# -- what a hash is for ----------------------------------------------------------------


def test_kinds_tell_the_range():
    buckets = Buckets(1000, list(SHARES))
    assert len(buckets.kinds) == 1000
    assert buckets.kinds.dtype == np.uint8
    for kind in SHARES:
        found = {buckets.of_one(kind, key_of([str(i)])) for i in range(100)}
        assert {buckets.kinds[bucket] for bucket in found} == {kind}


@pytest.mark.parametrize("make", [str, "word{}".format, "{:040d}".format])
def test_strings_spread_evenly(make):
    n = 64
    buckets = Buckets(n, [FeatureKind.TERM])
    strings = [make(i) for i in range(100 * n)]
    for keys in (
        [key_of([string]) for string in strings],
        [key_of([string], Role.LAST) for string in strings],
        [key_of(pair) for pair in zip(strings, strings[1:], strict=False)],
    ):
        found = [buckets.of_one(FeatureKind.TERM, key) for key in keys]
        counts, expected = np.bincount(found, minlength=n), len(keys) / n
        # Chi squared of 63 degrees of freedom: above 130 once in a million.
        assert ((counts - expected) ** 2 / expected).sum() < 130


def test_order_and_number_of_tokens_count():
    keys = {
        key_of(strings) for strings in (["a", "b"], ["b", "a"], ["a"], ["a", "b", "b"])
    }
    assert len(keys) == 4

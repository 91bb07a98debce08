"""Strings as arrays, and the kernels that work on them, against lists of bytes."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skbag._text.feature_keys import SKIP, key_of_role, pack, unpack
from skbag._text.feature_table import Strings, inverse
from skbag._text.features import Role
from skbag._text.hashing import fingerprint_of_string
from skbag._text.merging_kernels import (
    mixed,
    number_keys,
    strings_in_use,
    with_other_strings,
)

# Some share a hash: those of up to 8 bytes that differ in zeros at the end alone.
BYTES = st.one_of(
    st.binary(max_size=100),
    st.integers(0, 8).map(bytes),
    st.integers(0, 7).map(lambda n: b"a" + bytes(n)),
)
LISTS = st.lists(BYTES, max_size=20)
KEYS = st.lists(st.integers(0, 2**64 - 1), max_size=30)


@given(LISTS, LISTS)
def test_strings_are_a_list(one, other):
    strings = Strings.of(one)
    assert len(strings) == len(one)
    assert strings.to_list() == one
    both = Strings.unpacked([strings.packed(), Strings.of(other).packed()])
    assert both.to_list() == one + other
    assert strings.hashes().tolist() == [fingerprint_of_string(s, 64) for s in one]
    marks, rest = Strings.unpacked([strings.marked(7), strings.marked(9)]).unmarked()
    assert marks.tolist() == [7] * len(one) + [9] * len(one)
    assert rest.to_list() == one + one


@given(LISTS, st.randoms())
def test_some_of_them_in_any_order(strings, draw):
    which = draw.choices(range(len(strings)), k=7) if strings else []
    taken = Strings.of(strings).take(np.array(which, dtype=np.int64))
    assert taken.to_list() == [strings[i] for i in which]


def test_lines_keep_their_newline():
    lines = np.frombuffer(b"a\n\nbc\n", dtype=np.uint8)
    assert Strings.of_lines(lines).to_list() == [b"a\n", b"\n", b"bc\n"]
    assert Strings.of_lines(lines[:0]).to_list() == []


@given(LISTS)
def test_distinct_strings_have_an_order_of_their_own(strings):
    distinct, numbers = Strings.of(strings).distinct()
    expected = sorted(set(strings), key=lambda s: (fingerprint_of_string(s, 64), s))
    assert distinct.to_list() == expected
    assert numbers.tolist() == [expected.index(string) for string in strings]
    assert numbers.dtype == np.int32


@given(st.lists(st.integers(0, 5), max_size=30))
def test_keys_are_numbered_as_they_first_occur(values):
    keys = np.array(values, dtype=np.uint64) << np.uint64(40)
    numbers, firsts = number_keys(keys)
    order = list(dict.fromkeys(values))
    assert numbers.tolist() == [order.index(value) for value in values]
    assert firsts.tolist() == [values.index(value) for value in order]


def test_many_keys():
    keys = np.random.default_rng(0).permutation(np.arange(3000) % 1700)
    numbers, firsts = number_keys(keys.astype(np.uint64))
    np.testing.assert_array_equal(keys[firsts][numbers], keys)
    assert len(firsts) == 1700


@given(KEYS)
def test_mixed_keys_are_as_many(values):
    found = mixed(np.array(values, dtype=np.uint64))
    assert len(set(found.tolist())) == len(set(values))
    data = [fingerprint(value) for value in values]
    assert found.tolist() == data


def fingerprint(value):
    """The finaliser of splitmix64, in numbers of any size."""
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    value = (value ^ value >> 27) * 0x94D049BB133111EB % 2**64
    return value ^ value >> 31


@pytest.mark.parametrize("seed", range(5))
def test_keys_with_other_strings(seed):
    draw = random.Random(seed)
    left = np.array(draw.choices(range(20), k=30))
    right = np.array(draw.choices(range(20), k=30))
    keys = pack(left, right)
    keys[::3] = [key_of_role(draw.choice(list(Role)), i) for i in right[::3].tolist()]
    keys[1::3] = pack(left[1::3] | SKIP, right[1::3])
    in_use, numbers = strings_in_use(keys, 20)
    expected = []
    for one, other in zip(*map(np.ndarray.tolist, unpack(keys)), strict=True):
        pair = [one & ~SKIP, other] if one < 2**32 - 256 else [other]
        expected = list(dict.fromkeys([*expected, *pair]))
    assert in_use.tolist() == expected
    assert numbers[in_use].tolist() == list(range(len(expected)))
    assert (numbers >= 0).sum() == len(expected)
    there = with_other_strings(keys, numbers)
    back = with_other_strings(there, in_use.astype(np.int32))
    np.testing.assert_array_equal(back, keys)


def test_nothing_at_all():
    empty = np.empty(0, dtype=np.uint64)
    assert len(mixed(empty)) == len(number_keys(empty)[0]) == 0
    assert len(with_other_strings(empty, np.empty(0, dtype=np.int32))) == 0
    in_use, numbers = strings_in_use(empty, 0)
    assert len(in_use) == len(numbers) == 0
    distinct, numbers = Strings.of([]).distinct()
    assert len(distinct) == len(numbers) == 0


@given(st.permutations(range(8)))
def test_places_in_a_permutation(order):
    assert inverse(np.array(order)).tolist() == [order.index(i) for i in range(8)]

"""Plain state through JSON and arrays: the same values, of the same types."""

from __future__ import annotations

import json
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from numpy.testing import assert_array_equal

from skbag._core.dtypes import native
from skbag._persistence.packing import CannotPack, Packer, unpack
from skbag.exceptions import ModelFileError


def refuse(place, function):
    raise CannotPack(f"{place} is a function")


def through_json(value):
    packer = Packer(refuse)
    packed = packer.pack(value, "root")
    text = json.dumps(packed, allow_nan=False)
    for array in packer.arrays.values():
        assert array.dtype.kind in "biuf"
        assert array.flags.c_contiguous
        assert array.dtype == array.dtype.newbyteorder("<")
    return unpack(json.loads(text), packer.arrays, {})


def assert_same(found, value):
    assert type(found) is type(value)
    if isinstance(value, np.ndarray):
        assert found.dtype == native(value).dtype
        assert_array_equal(found, value)
    elif isinstance(value, dict):
        assert list(found) == list(value)
        for key in value:
            assert_same(found[key], value[key])
    elif isinstance(value, (list, tuple)):
        assert len(found) == len(value)
        for one, other in zip(found, value, strict=True):
            assert_same(one, other)
    elif isinstance(value, np.generic):
        assert found.dtype == value.dtype
        assert_array_equal(found, value)
    else:
        assert found == value or (found != found and value != value)


text = st.text(st.characters(codec=None), max_size=8)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | text,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.lists(inner, max_size=5).map(tuple)
        | st.dictionaries(text | st.integers() | st.tuples(text, text), inner)
        | st.sets(text)
    ),
    max_leaves=30,
)


@given(plain)
def test_plain_values_are_the_same_after(value):
    assert_same(through_json(value), value)


@given(
    st.one_of(
        *(
            st.lists(items, min_size=65, max_size=70)
            for items in (text, st.integers(), st.floats(), st.tuples(text, text))
        )
    )
)
def test_long_lists_are_the_same_after(value):
    assert_same(through_json(value), value)


numbers = (
    arrays_of.integer_dtypes(endianness="?")
    | arrays_of.unsigned_integer_dtypes(endianness="?")
    | arrays_of.floating_dtypes(endianness="?")
    | arrays_of.boolean_dtypes()
)


@given(arrays_of.arrays(numbers, arrays_of.array_shapes(min_dims=0, min_side=0)))
def test_arrays_are_the_same_after(value):
    assert_same(through_json(value), value)


@given(
    arrays_of.arrays(
        arrays_of.unicode_string_dtypes() | arrays_of.datetime64_dtypes(),
        arrays_of.array_shapes(min_side=0),
    )
)
def test_arrays_of_texts_and_times_are_the_same_after(value):
    assert_same(through_json(value), value)


@pytest.mark.parametrize(
    "value",
    [
        np.array(["a", 1, None, 2.5], dtype=object),
        np.array([("a", 1), ("b", 2)], dtype="O"),
        np.array(["", ""]),
        np.float32(1.5),
        np.str_("a"),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(10)[::-2],
        {f"key{i}": i for i in range(100)},
        {i: str(i) for i in range(100)},
        {"$array": 1},
        [2**70] * 100,
        [0, 1.5] * 100,
        [True] * 100,
        ["line\n", "\ud800", ""] * 40,
    ],
    ids=repr,
)
def test_the_same_after(value):
    assert_same(through_json(value), value)


@pytest.mark.skipif(
    not hasattr(getattr(np, "dtypes", None), "StringDType"), reason="numpy before 2.0"
)
def test_arrays_of_variable_strings():
    value = np.array(["a", "longer"], dtype=np.dtypes.StringDType())
    assert_same(through_json(value), value)


def test_a_random_state_of_another_bit_generator_is_refused():
    random_state = np.random.RandomState(np.random.PCG64(0))
    with pytest.raises(CannotPack, match=r"PCG64.* cannot store"):
        through_json(random_state)


def test_a_random_state_goes_on_where_it_was():
    random_state = np.random.RandomState(3)
    random_state.normal(size=3)
    found = through_json(random_state)
    assert_array_equal(found.normal(size=9), random_state.normal(size=9))


def test_long_lists_leave_json_small():
    packer = Packer(refuse)
    value = {"a": ["word"] * 5000, "b": [(i, "x") for i in range(5000)]}
    assert len(json.dumps(packer.pack(value, ""))) < 400
    assert "a.text" in packer.arrays


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"a": [Decimal(1)]}, r"a\.0 is Decimal\('1'\) of type Decimal, which"),
        ({"a": np.zeros(2, dtype=complex)}, "a is an array of dtype complex128"),
        ({"a": {"b": b"bytes"}}, r"a\.b is b'bytes' of type bytes"),
        ({"a": {"b": len}}, r"a\.b is a function"),
        ({"a": np.array([Decimal(1)])}, r"a\.0 is Decimal"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_cannot_be_packed_is_named(value, words):
    with pytest.raises(CannotPack, match=words):
        Packer(refuse).pack(value, "")


DAMAGED = [
    {"$nothing": 1},
    {"$array": "not there"},
    {"$list": "table"},
    {"$strings": "bytes", "lengths": "numbers"},
    {"$strings": "bytes", "lengths": "negative"},
    {"$strings": "not_utf_8", "lengths": "three"},
    {"$text": "beyond", "shape": [1]},
    {"$text": "points", "shape": [7]},
    {"$text": "no_width", "shape": [10**12]},
    {"$time": "numbers", "dtype": "O"},
    {"$dict": [["a"], []]},
    {"$dict": [[["a"]], [1]]},
    {"$rows": [["a"], []]},
    {"$set": [["a"]]},
    {"$float": "1e5"},
    {"$scalar": {"$list": "numbers"}},
    {"$random_state": {"$tuple": ["MT19937", 1, 2, 3, 4]}},
    {"$callable": "tokenizer"},
    {"$objects": [1], "shape": [2], "kind": "O"},
    {"$_class__": 1},
]


@pytest.mark.parametrize("packed", DAMAGED, ids=str)
def test_damaged_content_is_one_error(packed):
    arrays = {
        "numbers": np.arange(3),
        "three": np.array([1, 1, 1]),
        "negative": np.array([4, -1]),
        "table": np.zeros((2, 2)),
        "bytes": np.arange(4, dtype=np.uint8),
        "not_utf_8": np.full(3, 0xFF, dtype=np.uint8),
        "beyond": np.array([[0x110000]], dtype=np.uint32),
        "points": np.array([[65]], dtype=np.uint32),
        "no_width": np.zeros((10, 0), dtype=np.uint32),
    }
    with pytest.raises(ModelFileError, match="damaged: its content cannot be put"):
        unpack(packed, arrays, {})


def test_deep_nesting_is_an_error_not_a_crash():
    packed = []
    for _ in range(50_000):
        packed = [packed]
    with pytest.raises(ModelFileError, match="RecursionError"):
        unpack(packed, {}, {})

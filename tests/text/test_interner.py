import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from skbag._text import interner as interner_module
from skbag._text.interner import GrowingArray, Interner

# Small ones, ones that differ in the upper half only, the extremes.
KEYS = st.one_of(
    st.integers(0, 20),
    st.integers(0, 20).map(lambda high: high << 32),
    st.sampled_from([2**64 - 1, 2**63, 2**63 - 1]),
    st.integers(0, 2**64 - 1),
)


def array(keys):
    return np.array(keys, dtype=np.uint64)


class NaiveInterner:
    def __init__(self):
        self.ids = {}

    def add(self, keys):
        for key in keys:
            self.ids.setdefault(key, len(self.ids))
        return self.lookup(keys)

    def lookup(self, keys):
        return [self.ids.get(key, -1) for key in keys]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.booleans(), st.lists(KEYS)), max_size=8))
def test_same_as_a_dict(calls):
    interner, naive = Interner(), NaiveInterner()
    for adds, keys in calls:
        if adds:
            ids, expected = interner.add(array(keys)), naive.add(keys)
        else:
            ids, expected = interner.lookup(array(keys)), naive.lookup(keys)
        assert ids.tolist() == expected
        assert ids.dtype == np.int32
        assert len(interner) == len(naive.ids)
        assert interner.keys.tolist() == list(naive.ids)


def test_empty():
    interner = Interner()
    assert len(interner) == 0
    assert interner.lookup(array([0, 1])).tolist() == [-1, -1]
    assert interner.add(array([])).tolist() == []
    assert interner.lookup(array([])).tolist() == []
    assert interner.keys.dtype == np.uint64


def test_new_keys_are_numbered_as_they_first_occur():
    interner = Interner()
    assert interner.add(array([9, 3, 9, 5])).tolist() == [0, 1, 0, 2]
    assert interner.add(array([1, 3])).tolist() == [3, 1]


@pytest.mark.parametrize("multiplier", [1, 2**32, 2**64 // 20_000])
def test_growth_over_many_calls(multiplier):
    keys = np.arange(20_000, dtype=np.uint64) * np.uint64(multiplier)
    interner = Interner()
    for part in np.array_split(keys, 150):
        interner.add(part)
    np.testing.assert_array_equal(interner.lookup(keys), np.arange(20_000))
    np.testing.assert_array_equal(interner.keys, keys)
    absent = keys + np.uint64(1) if multiplier > 1 else keys + np.uint64(20_000)
    assert (interner.lookup(absent) == -1).all()


def test_keys_that_want_the_same_slot():
    # Most of 40,000 keys share a first slot of this small table with another.
    rng = np.random.default_rng(0)
    keys = np.unique(rng.integers(0, 2**64, 40_000, dtype=np.uint64))
    wanted = Interner()._first_slots(keys)
    keys = keys[wanted < 4][:100]
    interner = Interner()
    assert interner.add(keys).tolist() == list(range(100))
    assert interner.lookup(keys).tolist() == list(range(100))


def test_many_more_new_keys_than_slots():
    keys = np.tile(np.arange(30_000, dtype=np.uint64), 3)
    interner = Interner()
    np.testing.assert_array_equal(interner.add(keys), keys)


def test_built_from_keys():
    keys = array([7, 3, 2**64 - 1])
    interner = Interner(keys)
    assert interner.lookup(array([3, 2**64 - 1, 7, 0])).tolist() == [1, 2, 0, -1]
    keys[:] = 0
    assert interner.keys.tolist() == [7, 3, 2**64 - 1]


def test_lookup_changes_nothing():
    interner = Interner()
    interner.add(array([4, 2]))
    before = interner.keys.copy(), interner._table.copy()
    keys = array([1, 2, 3, 4, 4])
    interner.lookup(keys)
    assert keys.tolist() == [1, 2, 3, 4, 4]
    np.testing.assert_array_equal(interner.keys, before[0])
    np.testing.assert_array_equal(interner._table, before[1])


def test_threads_share_an_interner():
    keys = np.arange(50_000, dtype=np.uint64) << np.uint64(32)
    interner = Interner(keys)
    with ThreadPoolExecutor(8) as executor:
        for ids in executor.map(interner.lookup, [keys] * 16):
            np.testing.assert_array_equal(ids, np.arange(len(keys)))


def test_growing_array_keeps_rows():
    growing = GrowingArray(np.empty((0, 2), dtype=np.int32))
    expected = np.arange(200, dtype=np.int32).reshape(100, 2)
    for part in np.array_split(expected, 30):
        growing.append(part)
    np.testing.assert_array_equal(growing.values, expected)
    assert len(growing) == 100
    assert growing.values.dtype == np.int32


@settings(deadline=None, max_examples=100)
@given(st.lists(KEYS), st.lists(KEYS))
def test_finder_finds_one_key_as_lookup_finds_many(known, wanted):
    interner = Interner()
    interner.add(array(known))
    find = interner.finder()
    assert [find(key) for key in wanted + known] == interner.lookup(
        array(wanted + known)
    ).tolist()


@pytest.mark.parametrize("at_once", [1, 7, 1000])
def test_keys_added_in_rounds_get_the_ids_of_one(at_once, monkeypatch):
    keys = np.random.default_rng(0).integers(300, size=1000).astype(np.uint64)
    expected = NaiveInterner().add(keys.tolist())
    monkeypatch.setattr(interner_module, "_ADDED_AT_ONCE", at_once)
    interner = Interner()
    assert interner.add(keys).tolist() == expected
    assert interner.lookup(keys).tolist() == expected


def test_table_grows_with_different_keys_only():
    """A long text repeats its words a million times."""
    interner = Interner()
    interner.add(np.arange(2**21, dtype=np.uint64) % np.uint64(100))
    assert len(interner) == 100
    assert len(interner._table) <= 8 * interner_module._ADDED_AT_ONCE


# -- keys made to collide --------------------------------------------------------------

FIXED = 0x94D049BB133111EB
"""Multiplier of the second step in place of the secret, in an earlier version."""


def keys_of_one_slot(n, multiplier):
    """Keys whose slots would all be the same with a multiplier that is known."""
    numbers = np.arange(n, dtype=np.uint64)  # differ in their lowest bits only
    mixed = numbers * np.uint64(pow(multiplier, -1, 2**64))
    mixed ^= mixed >> np.uint64(32)
    return mixed * np.uint64(pow(int(interner_module._MIX), -1, 2**64))


class Counting(Interner):
    """Counts the slots that keys look at after their first."""

    work = 0

    def _next(self, slots):
        self.work += len(slots)
        return super()._next(slots)


def test_they_would_collide_if_the_secret_were_known(monkeypatch):
    monkeypatch.setattr(interner_module, "_SECRET", np.uint64(FIXED))
    keys = keys_of_one_slot(2000, FIXED)
    assert len(np.unique(Interner()._first_slots(keys))) == 1
    interner = Counting()
    # All the same, nothing is lost: they only take longer.
    assert_array_equal(interner.add(keys), np.arange(2000))
    assert interner.work > 100 * len(keys)
    assert_array_equal(Interner(interner.keys).lookup(keys), np.arange(2000))


def test_keys_made_to_collide_are_as_fast_as_others(monkeypatch):
    """With secrets that are given: one in a hundred needs more slots than this."""
    keys = keys_of_one_slot(100_000, FIXED)
    work = []
    for secret in np.random.default_rng(0).integers(2**64, size=9, dtype=np.uint64):
        monkeypatch.setattr(interner_module, "_SECRET", secret | np.uint64(1))
        interner = Counting()
        assert_array_equal(interner.add(keys), np.arange(len(keys)))
        assert_array_equal(interner.lookup(keys), np.arange(len(keys)))
        work.append(interner.work)
    assert np.median(work) < len(keys)
    assert max(work) < 10 * len(keys)


SLOTS = """
import numpy as np
from skbag._text.interner import Interner

keys = np.arange(1000, dtype=np.uint64)
interner = Interner()
print(interner.add(keys[::-1]).tolist() == list(range(1000)))
print(interner._first_slots(keys)[:20].tolist())
"""


@pytest.mark.slow
def test_each_process_has_a_secret_of_its_own(capsys):
    exec(SLOTS, {})
    here = capsys.readouterr().out.splitlines()
    there = subprocess.run(
        [sys.executable, "-c", SLOTS], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert here[0] == there[0] == "True"
    assert here[1] != there[1]


def test_equal_keys_of_a_file_are_refused():
    with pytest.raises(ValueError, match="two strings or features are the same"):
        Interner.checked(np.array([3, 1, 3], dtype=np.uint64))
    assert len(Interner.checked(np.array([3, 1], dtype=np.uint64))) == 2

"""Numbering 64-bit keys in the order they are met: a hash table made of arrays."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.dtypes import ID_DTYPE

_EMPTY = -1
_SMALLEST_TABLE_BITS = 8
_ADDED_AT_ONCE = 2**18
"""Keys of one round: a table for all words of a long text would leave the cache."""

# An odd constant with well mixed bits (from splitmix64): multiplying by it is a
# permutation that carries low bits up, the shift after it carries high bits down.
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_HALF = np.uint64(32)

# Drawn by each process, so that nobody can find keys that all want the same slots:
# of any two the chance is 2 in the number of slots (multiply-shift hashing:
# Dietzfelbinger et al., "A Reliable Randomized Algorithm for the Closest-Pair Problem",
# 1997). Ids do not depend on slots, so it shows in no result.
_SECRET = np.uint64(int.from_bytes(os.urandom(8), "little") | 1)


class GrowingArray:
    """A 1-D array, or the rows of a 2-D one, that grows in amortised O(1).

    Parameters
    ----------
    values : ndarray of shape (n, ...)
        The first values; copied. They fix the dtype and the shape of a row.
    """

    def __init__(self, values: NDArray[Any]) -> None:
        self._buffer = values.copy()
        self._size = len(values)

    def __len__(self) -> int:
        return self._size

    @property
    def values(self) -> NDArray[Any]:
        """View of the values so far; a later append may or may not show in it."""
        return self._buffer[: self._size]

    def append(self, values: NDArray[Any]) -> None:
        """Put values after the others."""
        size = self._size + len(values)
        if size > len(self._buffer):
            buffer = np.empty(
                (2 * size, *self._buffer.shape[1:]), dtype=self._buffer.dtype
            )
            buffer[: self._size] = self.values
            self._buffer = buffer
        self._buffer[self._size : size] = values
        self._size = size

    def truncate(self, size: int) -> None:
        """Leave out all values but the first ``size``."""
        self._size = size


class Interner:
    """Dense ids for distinct 64-bit keys.

    A table of slots (open addressing, linear probing, at most half full) leads to the
    id of a key; the keys in the order of their ids are the whole state, and the table
    is built from them. All work is done on many keys at once, in rounds: what a round
    leaves open, because a slot is taken by another key, moves on by one slot.

    Parameters
    ----------
    keys : ndarray of shape (n_ids,), dtype=uint64, default=None
        Distinct keys; ``keys[i]`` gets the id ``i``.
    """

    def __init__(self, keys: NDArray[np.uint64] | None = None) -> None:
        if keys is None:
            keys = np.empty(0, dtype=np.uint64)
        self._keys = GrowingArray(keys)
        self._build_table(len(keys))

    @classmethod
    def checked(cls, keys: NDArray[np.uint64]) -> Interner:
        """Return an interner of keys that come from a file, perhaps a damaged one.

        Raises
        ------
        ValueError
            If they are not distinct. Many equal ones would take hours, as each looks at
            the slots of all others.
        """
        ordered = np.sort(keys)
        if (ordered[1:] == ordered[:-1]).any():
            raise ValueError("two strings or features are the same")
        return cls(keys)

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def keys(self) -> NDArray[np.uint64]:
        """The keys in the order of their ids, of shape (n_ids,): a view."""
        return self._keys.values

    def lookup(self, keys: NDArray[np.uint64]) -> NDArray[np.int32]:
        """Find the ids of keys; changes nothing.

        Parameters
        ----------
        keys : ndarray of shape (n,), dtype=uint64
            Any keys, repeated ones too.

        Returns
        -------
        ids : ndarray of shape (n,), dtype=int32
            -1 for a key without an id.
        """
        return self._search(keys, self._first_slots(keys))[0]

    def finder(self) -> Callable[[int], int]:
        """Return a function that is `lookup` for one key, as a Python number.

        For the keys so far: after an `add` it may find some of the new ones.
        """
        # Looked into by plain Python numbers: far faster, one at a time, than arrays.
        table: Any = memoryview(self._table.data)
        keys: Any = memoryview(self.keys.data)
        last_slot, shift = len(self._table) - 1, int(self._shift)
        mix, secret, low = int(_MIX), int(_SECRET), (1 << 64) - 1

        def find(key: int) -> int:
            mixed = key * mix & low
            slot = ((mixed ^ mixed >> 32) * secret & low) >> shift
            id_: int = table[slot]
            while id_ != _EMPTY and keys[id_] != key:
                slot = (slot + 1) & last_slot
                id_ = table[slot]
            return id_

        return find

    def add(self, keys: NDArray[np.uint64]) -> NDArray[np.int32]:
        """Find the ids of keys, giving the next ids to keys without one.

        New keys are numbered in the order in which they first occur.

        Parameters
        ----------
        keys : ndarray of shape (n,), dtype=uint64
            Any keys, repeated ones too.

        Returns
        -------
        ids : ndarray of shape (n,), dtype=int32
        """
        if len(keys) > _ADDED_AT_ONCE:
            starts = range(0, len(keys), _ADDED_AT_ONCE)
            return np.concatenate(
                [self.add(keys[start : start + _ADDED_AT_ONCE]) for start in starts]
            )
        ids, slots = self._search(keys, self._first_slots(keys))
        where = np.flatnonzero(ids == _EMPTY)
        if not len(where):
            return ids
        new, slots = keys[where], slots[where]
        most = len(self) + len(new)
        if most >= len(self._table):
            self._build_table(most)
            _, slots = self._search(new, self._first_slots(new))
        ids[where] = self._add_new(new, slots)
        if 2 * len(self) > len(self._table):
            self._build_table(len(self))
        return ids

    def _search(
        self, keys: NDArray[np.uint64], slots: NDArray[np.int64]
    ) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Follow keys from slots to where each, or an empty slot, is found.

        Returns
        -------
        ids : ndarray of shape (n,), dtype=int32
        slots : ndarray of shape (n,), dtype=int64
            Overwritten with where the search ended.
        """
        ids = self._table.take(slots)
        where = self._taken_by_another(ids, keys)
        while len(where):
            moved = self._next(slots[where])
            found = self._table.take(moved)
            slots[where] = moved
            ids[where] = found
            where = where[self._taken_by_another(found, keys[where])]
        return ids, slots

    def _add_new(
        self, keys: NDArray[np.uint64], slots: NDArray[np.int64]
    ) -> NDArray[np.int32]:
        """Give ids to keys that have none, by the empty slots their search ended in."""
        first_new = len(self)
        # For now every occurrence is a key of its own; repeated ones find the first.
        own_ids = np.arange(first_new, first_new + len(keys), dtype=ID_DTYPE)
        self._keys.append(keys)
        ids = np.full(len(keys), _EMPTY, dtype=ID_DTYPE)
        where = np.arange(len(keys))
        while len(where):
            # Backwards: of all that want a slot the last written, the first, gets it.
            wanted = slots[where]
            self._table[wanted[::-1]] = own_ids[where][::-1]
            ids[where], slots[where] = self._search(keys[where], wanted)
            where = where[ids[where] == _EMPTY]
        is_first = ids == own_ids
        new_ids = np.cumsum(is_first, dtype=ID_DTYPE) + ID_DTYPE(first_new - 1)
        self._table[slots[is_first]] = new_ids[is_first]
        self._keys.truncate(first_new)
        self._keys.append(keys[is_first])
        return np.asarray(new_ids.take(ids - ID_DTYPE(first_new)))

    def _build_table(self, n_keys: int) -> None:
        """Make a table that leads to all keys, a quarter full, or less, by `n_keys`."""
        bits = max((4 * n_keys).bit_length(), _SMALLEST_TABLE_BITS)
        self._table = np.full(1 << bits, _EMPTY, dtype=ID_DTYPE)
        self._shift = np.uint64(64 - bits)
        self._insert(np.arange(len(self), dtype=ID_DTYPE))

    def _insert(self, ids: NDArray[np.int32]) -> None:
        """Give each of the ids, whose keys are in no slot yet, a slot."""
        slots = self._first_slots(self.keys[ids])
        while len(ids):
            free = np.flatnonzero(self._table[slots] == _EMPTY)
            self._table[slots[free]] = ids[free]
            # Of several ids that wanted one slot the last written has got it.
            again = np.flatnonzero(self._table[slots] != ids)
            ids, slots = ids[again], self._next(slots[again])

    def _first_slots(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        mixed = keys * _MIX
        mixed ^= mixed >> _HALF
        mixed *= _SECRET
        mixed >>= self._shift
        # Far below 2**63, and numpy indexes by signed numbers without a copy.
        return mixed.view(np.int64)

    def _next(self, slots: NDArray[np.int64]) -> NDArray[np.int64]:
        return (slots + 1) & (len(self._table) - 1)

    def _taken_by_another(
        self, ids: NDArray[np.int32], keys: NDArray[np.uint64]
    ) -> NDArray[np.int64]:
        """Positions where a slot holds an id, but not that of the key."""
        if not len(self):
            return np.empty(0, dtype=np.int64)
        # An empty slot reads the last key: whatever it is, ``ids`` decides.
        # Not np.flatnonzero: for few keys its checks cost as much as the search.
        taken: NDArray[np.bool_] = (self.keys.take(ids) != keys) & (ids != _EMPTY)
        return taken.nonzero()[0]

"""Features as 64-bit keys, ``left << 32 | right``.

Of a bigram both halves are ids of strings; of a skip pair the same, with the highest
bit set; of all else the left half is a role and the right one the id of the one string:

>>> hex(pack(np.array([7]), np.array([9]))[0])
'0x700000009'
>>> hex(key_of_role(Role.TOKEN, 9))
'0xffffff0000000009'
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.dtypes import ID_DTYPE
from skbag._text.features import Role

_HALF = np.uint64(32)

_LOW_HALF = np.uint64(0xFFFFFFFF)

FIRST_ROLE = (1 << 32) - 256
"""The left halves from here on are roles, up to 255 of them; below, ids of strings,
from `SKIP` on those of skip pairs. All bits set, which is what a missing id (-1) makes
of the left half wherever it stands, is neither: such a key belongs to no feature. Keys
are in files and pickles: these numbers stay as they are."""

SKIP = 1 << 31
"""Added to the left half of a skip pair; ids of strings stay below it."""


def check_keys(keys: NDArray[np.uint64], n_strings: int) -> None:
    """Raise where a key points at a string that is not there."""
    left, right = unpack(keys)
    is_role = left >= FIRST_ROLE
    strings = np.where(is_role, 0, left & ~SKIP)
    if max(strings.max(initial=-1), right.max(initial=-1)) >= n_strings or (
        left.max(initial=0) >= FIRST_ROLE + len(Role)
    ):
        raise ValueError("keys of strings that are not there")


def key_by_strings(key: Any, find: Callable[[str], int]) -> int:
    """Key of the feature of an `Occurrence`, whose strings have ids; -1 if unknown."""
    if isinstance(key, str):
        # Of three tokens or more what is before the last is one string.
        left, space, right = key.rpartition(" ")
        if space:
            return _key_of_pair(find(left), find(right), 0)
        key = Role.TOKEN, right
    if len(key) == 2:
        role, string = key[0], find(key[1])
        return -1 if string < 0 else key_of_role(role, string)
    return _key_of_pair(find(key[1]), find(key[2]), SKIP)


def _key_of_pair(left: int, right: int, flag: int) -> int:
    return -1 if min(left, right) < 0 else (left | flag) << 32 | right


def pack(left: NDArray[Any], right: NDArray[Any]) -> NDArray[np.uint64]:
    keys = left.astype(np.uint64)
    keys <<= _HALF
    keys |= right.astype(np.uint64)
    return keys


def key_of_role(role: Role, string: int) -> int:
    return FIRST_ROLE + role << 32 | string


def unpack(keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    left, right = keys >> _HALF, keys & _LOW_HALF
    return left.astype(np.int64), right.astype(np.int64)


def features_in_role(
    keys: NDArray[np.uint64], role: Role, n_strings: int
) -> NDArray[np.int32]:
    """Id of the feature that uses each string in a role, -1 for none."""
    left, right = unpack(keys)
    which = np.flatnonzero(left == FIRST_ROLE + role)
    features = np.full(n_strings, -1, dtype=ID_DTYPE)
    features[right[which]] = which
    return features

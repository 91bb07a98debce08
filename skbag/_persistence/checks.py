"""Checks of single values in a state, to put a schema together from.

Each is a function of a value and its place in the state, or makes one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from skbag._persistence.fields import LARGEST, damaged

Check = Callable[[Any, str], None]
"""Called with a value and its place in the state; raises ModelFileError."""

LARGEST_INTEGER = 2**62

DEEPEST = 20
"""Of tuples within tuples that a tokenizer may give as tokens."""

SCALARS = (str, int, float, type(None), np.generic)


def refuse(value: Any, place: str) -> None:
    shown = f"{value!r:.50}, " if isinstance(value, SCALARS) else ""
    raise damaged(f"{place} is {shown}of type {type(value).__name__}")


def a(*kinds: type) -> Check:
    """Of one of the types; a bool is no number."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, kinds) or (
            isinstance(value, bool) and bool not in kinds
        ):
            refuse(value, place)

    return check


def one_of(*values: Any) -> Check:
    def check(value: Any, place: str) -> None:
        if not any(type(value) is type(each) and value == each for each in values):
            refuse(value, place)

    return check


def integer(least: int = 0, most: int = LARGEST_INTEGER) -> Check:
    def check(value: Any, place: str) -> None:
        if type(value) is not int or not least <= value <= most:
            refuse(value, place)

    return check


def number(least: float, most: float = LARGEST) -> Check:
    is_number = a(int, float, np.integer, np.floating)

    def check(value: Any, place: str) -> None:
        is_number(value, place)
        # Not converted first: a float cannot hold all integers.
        if not least <= value <= most:
            refuse(value, place)

    return check


def optional(check_value: Check) -> Check:
    def check(value: Any, place: str) -> None:
        if value is not None:
            check_value(value, place)

    return check


def items(check_item: Check, n: int | None = None) -> Check:
    def check(value: Any, place: str) -> None:
        if not isinstance(value, (list, tuple)):
            refuse(value, place)
        if n is not None and len(value) != n:
            raise damaged(f"{place} has {len(value)} items, not {n}")
        for item in value:
            check_item(item, place)

    return check


def array(
    *dtypes: Any, ndim: int | None = 1, least: float = -math.inf, most: float = math.inf
) -> Check:
    """Return a check of an array of finite numbers, in either byte order."""
    known = tuple(map(np.dtype, dtypes))

    def check(value: Any, place: str) -> None:
        if not isinstance(value, np.ndarray):
            refuse(value, place)
        if value.dtype.newbyteorder("=") not in known:
            raise damaged(f"{place} holds {value.dtype}, not {known[0]}")
        if ndim is not None and value.ndim != ndim:
            raise damaged(f"{place} has {value.ndim} dimensions")
        if not value.size:
            return
        # Both are NaN where anything is, and no array of flags is made.
        smallest, largest = value.min().item(), value.max().item()
        if not (np.isfinite(smallest) and np.isfinite(largest)):
            raise damaged(f"{place} holds numbers that are not finite")
        if smallest < least:
            raise damaged(f"{place} holds {smallest}, less than {least}")
        if largest > most:
            raise damaged(f"{place} holds {largest}, more than {most}")

    return check


def fields(
    required: dict[str, Check], with_default: dict[str, Check] | None = None
) -> Check:
    """Return a check of a mapping: other versions have fewer fields, or more."""
    every = required | (with_default or {})

    def check(value: Any, place: str) -> None:
        if type(value) is not dict:
            refuse(value, place)
        for name, check_field in every.items():
            if name in value:
                check_field(value[name], f"{place}.{name}")
            elif name in required:
                raise damaged(f"{place}.{name} is missing")

    return check


def by_kind(kinds: dict[str, Check]) -> Check:
    check_kind = fields({"kind": one_of(*kinds)})

    def check(value: Any, place: str) -> None:
        check_kind(value, place)
        kinds[value["kind"]](value, place)

    return check


def either(field: str, if_there: Check, if_not: Check) -> Check:
    """Return a check that depends on whether a mapping has a field."""

    def check(value: Any, place: str) -> None:
        (if_there if isinstance(value, dict) and field in value else if_not)(
            value, place
        )

    return check


def both(first: Check, second: Check) -> Check:
    def check(value: Any, place: str) -> None:
        first(value, place)
        second(value, place)

    return check


def feature(value: Any, place: str, depth: int = 0) -> None:
    """Check what an analyzer may give: text, a number, or a tuple of such."""
    if type(value) is tuple and depth < DEEPEST:
        for item in value:
            feature(item, place, depth + 1)
    elif not isinstance(value, SCALARS):
        refuse(value, place)


def features(value: Any, place: str) -> None:
    """Check all features of a vocabulary, most of which hold text alone."""
    if not isinstance(value, list) or set(map(type, value)) != {str}:
        items(feature)(value, place)


def classes(value: Any, place: str) -> None:
    if not isinstance(value, np.ndarray):
        refuse(value, place)
    if value.ndim != 1 or not value.size or value.dtype.kind not in "biufUTMmO":
        raise damaged(f"{place} holds {value.dtype} in {value.ndim} dimensions")
    if value.dtype.kind == "O":
        for item in value.tolist():
            a(str, bool, int, float, np.generic)(item, place)


def names(value: Any, place: str) -> None:
    if not isinstance(value, np.ndarray) or value.ndim != 1:
        refuse(value, place)
    for item in value.tolist():
        a(str)(item, place)

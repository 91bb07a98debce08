"""What single items are: missing, or numbers. Asked of X and of y."""

from __future__ import annotations

from collections.abc import Collection
from numbers import Number
from typing import Any

import numpy as np

_NUMBERS = (Number, np.bool_, type(None))
_MISSING_BY_NAME = ("NAType", "NaTType")


def is_missing(value: Any) -> bool:
    """Whether a value is None, NA, NaT, NaN or masked."""
    if value is None or value is np.ma.masked:
        return True
    if type(value).__name__ in _MISSING_BY_NAME:
        return True
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return bool(np.isnat(value))
    # NaN is the only number that differs from itself.
    return isinstance(value, (float, np.floating)) and bool(value != value)


def is_number(value: Any) -> bool:
    """Whether a value is a number, or an array or tensor of one and no axis."""
    if isinstance(value, (Number, np.bool_)):
        return True
    if isinstance(value, np.generic) or getattr(value, "ndim", None) != 0:
        return False
    kind = getattr(getattr(value, "dtype", None), "kind", "f")
    return hasattr(type(value), "__float__") and kind in "biufc"


def are_numbers(values: Collection[Any]) -> bool:
    """Whether all values are numbers, or missing ones."""
    types = set(map(type, values))
    if all(issubclass(t, _NUMBERS) or t.__name__ in _MISSING_BY_NAME for t in types):
        return True
    return all(is_number(value) or is_missing(value) for value in values)

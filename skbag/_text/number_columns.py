"""Columns of numbers of a data frame, as floats."""

from __future__ import annotations

from typing import Any

import numpy as np

from skbag._core.items import is_missing, is_number

LARGEST_NUMBER = 1e15
"""Squares of such, and sums of them, are far from overflow; a matrix has the same."""


def read_numbers(values: list[Any], name: Any) -> list[float]:
    """Numbers and flags as floats, missing ones as NaN.

    Parameters
    ----------
    values : list of number, bool or missing value
    name : object
        Of the column.

    Raises
    ------
    TypeError
        If a value is no real number.
    ValueError
        If one is infinite, or larger than `LARGEST_NUMBER`.
    """
    if set(map(type, values)) <= {float, int, bool}:
        numbers = list(map(float, values))
    else:
        numbers = [_read(value, name) for value in values]
    for number in numbers:
        if abs(number) > LARGEST_NUMBER:  # false of NaN
            raise ValueError(
                f"Column {name!r} holds {number:.3g}; numbers may be up to "
                f"{LARGEST_NUMBER:g}. Replace infinite values by missing ones, and "
                "scale what is larger."
            )
    return numbers


def _read(value: Any, name: Any) -> float:
    if is_missing(value):
        return float("nan")
    # A string that holds a number is text.
    if is_number(value) and not isinstance(value, (complex, np.complexfloating)):
        return float(value)
    raise TypeError(
        f"Column {name!r} holds numbers, but one is {value!r:.50}, a "
        f"{type(value).__name__}. Make it a real number or a missing value."
    )

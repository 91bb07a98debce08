"""Fields of a state, read with checks: a file may hold anything."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.dtypes import ID_DTYPE, WEIGHT_DTYPE, native
from skbag._core.elias_fano import pack_sorted, unpack_sorted
from skbag._model.quantization import (
    BITS,
    N_LEVELS,
    LogQuantized,
    QuantizedTable,
    bytes_of_row,
)
from skbag.exceptions import ModelFileError

UNSOUND = (
    KeyError,
    TypeError,
    ValueError,
    IndexError,
    AttributeError,
    OverflowError,
)
"""What comes of reading state that holds other things than it should."""

LARGEST = 1e30
"""No trained number, nor any product of those of a path through the layers, is larger:
values of samples may be up to 1e15, and are as small as the rows are large."""


# -- fields, each of the kind that it has to be ----------------------------------------


def damaged(what: str) -> ModelFileError:
    return ModelFileError(
        f"This is not the state of a sound model: {what}. Save the estimator again, or "
        "take an undamaged copy."
    )


def field_of(state: Any, name: str, *kinds: type) -> Any:
    if not isinstance(state, dict) or name not in state:
        raise damaged(f"{name!r} is missing")
    value = state[name]
    # Exact: a bool is not a number here.
    if type(value) not in kinds:
        raise damaged(f"{name!r} is of type {type(value).__name__}")
    return value


def array_of(state: Any, name: str, dtype: Any, *, ndim: int) -> NDArray[Any]:
    array = native_array(
        state.get(name) if isinstance(state, dict) else None, dtype, name
    )
    if array.ndim != ndim:
        raise damaged(f"{name!r} has {array.ndim} dimensions")
    return array


def integers_of(state: Any, name: str) -> NDArray[Any]:
    """Index array of 32 or 64 bits: which it is depends on the machine of the fit."""
    value = field_of(state, name, np.ndarray, np.memmap)
    dtype = np.int64 if value.dtype.itemsize == 8 else np.int32
    return array_of(state, name, dtype, ndim=1)


def native_array(array: Any, dtype: Any, name: str) -> NDArray[Any]:
    """Return an array in this machine's byte order, without a copy if it is already."""
    if not isinstance(array, np.ndarray):
        raise damaged(f"{name!r} is missing or not an array")
    array = native(array)
    if array.dtype != dtype:
        raise damaged(f"{name!r} holds {array.dtype}, not {np.dtype(dtype)}")
    return np.ascontiguousarray(array) if array.ndim else array


def table_state(table: QuantizedTable) -> dict[str, Any]:
    """Serialisable state of a table; its codes are shared, not copied."""
    columns = None
    if table.columns is not None:
        columns = pack_sorted(table.columns.astype(np.uint64), table.n_ids)
    return {
        "codes": table.codes,
        "bits": table.bits,
        "width": table.width,
        "spans": levels_state(table.spans),
        "zeros": table.zeros,
        "columns": columns,
        "n_ids": table.n_ids,
    }


def table_from_state(state: Any) -> QuantizedTable:
    """Read serialisable state.

    Raises
    ------
    ValueError, TypeError, KeyError
        If it is not sound.
    """
    bits, width, n_ids = state["bits"], state["width"], state["n_ids"]
    if bits not in BITS or not type(bits) is type(width) is type(n_ids) is int:
        raise ValueError("bits, width or n_ids of a table that cannot be")
    codes = plain_array(state["codes"], np.uint16 if bits == 16 else np.uint8, ndim=2)
    n_rows, n_bytes = codes.shape
    if width < 1 or n_bytes != (width if bits == 16 else bytes_of_row(width, bits)):
        raise ValueError(f"{n_bytes} codes for rows of {width} numbers")
    spans = levels_from_state(state["spans"])
    zeros = plain_array(state["zeros"], np.uint8, ndim=1)
    if not len(spans) == len(zeros) == (1 if width == 1 else n_rows):
        raise ValueError(f"{len(spans)} and {len(zeros)} scales for {n_rows} rows")
    columns = None
    if not n_rows <= n_ids <= np.iinfo(ID_DTYPE).max:
        raise ValueError(f"{n_rows} rows for {n_ids} ids")
    if state["columns"] is not None:
        columns = unpack_sorted(state["columns"], n_ids).astype(ID_DTYPE)
    if n_rows != (n_ids if columns is None else len(columns)):
        raise ValueError(f"{n_rows} rows for other ids")
    return QuantizedTable(codes, bits, width, spans, zeros, columns, n_ids)


def levels_state(numbers: NDArray[np.float32]) -> dict[str, Any]:
    """Serialisable state of numbers of which at most 256 differ."""
    quantized = LogQuantized.of(numbers)
    return {"codes": quantized.codes, "levels": quantized.levels}


def levels_from_state(state: Any) -> NDArray[np.float32]:
    """Read numbers that are not negative.

    Raises
    ------
    ValueError, TypeError, KeyError
        If they are not sound.
    """
    codes = plain_array(state["codes"], np.uint8, ndim=1)
    levels = plain_array(state["levels"], WEIGHT_DTYPE, ndim=1)
    if len(levels) > N_LEVELS or codes.max(initial=0) >= max(len(levels), 1):
        raise ValueError("levels that are not there")
    if not (np.isfinite(levels).all() and (levels >= 0).all()):
        raise ValueError("levels that are negative or not finite")
    return LogQuantized(codes, levels).values


def plain_array(array: Any, dtype: Any, *, ndim: int) -> NDArray[Any]:
    if not isinstance(array, np.ndarray):
        raise ValueError("an array is missing")
    array = native(array)
    if array.dtype != dtype or array.ndim != ndim:
        raise ValueError(f"an array of {array.dtype} in {array.ndim} dimensions")
    return np.ascontiguousarray(array)

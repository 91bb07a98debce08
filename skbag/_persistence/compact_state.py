"""A compact table and its weights as plain state, and back, checked."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.dtypes import ID_DTYPE, WEIGHT_DTYPE, native
from skbag._core.elias_fano import pack_sorted, unpack_sorted
from skbag._model.byte_levels import N_LEVELS, ByteLevels
from skbag._model.quantization import BITS, CompactTable, bytes_of_row


def table_state(table: CompactTable) -> dict[str, Any]:
    """Plain state of a table; its codes are shared, not copied."""
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


def table_from_state(state: Any) -> CompactTable:
    """Read plain state.

    Raises
    ------
    ValueError, TypeError, KeyError
        If it is not sound.
    """
    bits, width, n_ids = state["bits"], state["width"], state["n_ids"]
    if bits not in BITS or not type(bits) is type(width) is type(n_ids) is int:
        raise ValueError("bits, width or n_ids of a table that cannot be")
    codes = _array(state["codes"], np.uint16 if bits == 16 else np.uint8, ndim=2)
    n_rows, n_bytes = codes.shape
    if width < 1 or n_bytes != (width if bits == 16 else bytes_of_row(width, bits)):
        raise ValueError(f"{n_bytes} codes for rows of {width} numbers")
    spans = levels_from_state(state["spans"])
    zeros = _array(state["zeros"], np.uint8, ndim=1)
    if not len(spans) == len(zeros) == (1 if width == 1 else n_rows):
        raise ValueError(f"{len(spans)} and {len(zeros)} grids for {n_rows} rows")
    columns = None
    if not n_rows <= n_ids <= np.iinfo(ID_DTYPE).max:
        raise ValueError(f"{n_rows} rows for {n_ids} ids")
    if state["columns"] is not None:
        columns = unpack_sorted(state["columns"], n_ids).astype(ID_DTYPE)
    if n_rows != (n_ids if columns is None else len(columns)):
        raise ValueError(f"{n_rows} rows for other ids")
    return CompactTable(codes, bits, width, spans, zeros, columns, n_ids)


def levels_state(numbers: NDArray[np.float32]) -> dict[str, Any]:
    """Plain state of numbers of which at most 256 differ."""
    found = ByteLevels.of(numbers)
    return {"codes": found.codes, "levels": found.levels}


def levels_from_state(state: Any) -> NDArray[np.float32]:
    """Read numbers that are not negative.

    Raises
    ------
    ValueError, TypeError, KeyError
        If they are not sound.
    """
    codes = _array(state["codes"], np.uint8, ndim=1)
    levels = _array(state["levels"], WEIGHT_DTYPE, ndim=1)
    if len(levels) > N_LEVELS or codes.max(initial=0) >= max(len(levels), 1):
        raise ValueError("levels that are not there")
    if not (np.isfinite(levels).all() and (levels >= 0).all()):
        raise ValueError("levels that are negative or not finite")
    return ByteLevels(codes, levels).values


def _array(array: Any, dtype: Any, *, ndim: int) -> NDArray[Any]:
    if not isinstance(array, np.ndarray):
        raise ValueError("an array is missing")
    array = native(array)
    if array.dtype != dtype or array.ndim != ndim:
        raise ValueError(f"an array of {array.dtype} in {array.ndim} dimensions")
    return np.ascontiguousarray(array)

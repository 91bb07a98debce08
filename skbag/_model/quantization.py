"""A table of rows in 2, 4, 8 or 16 bits a number, multiplied without being unpacked.

Row-wise affine quantisation, ``value = low + step * code``: the codes of a row span
from its lowest to its highest number, zero included. The span of each row is one of 256
(quantised logarithmically) and its zero point one of 256 parts of that, so that both
take two bytes. A table of one column has one scale for all of it.

Rows are decoded where they are used: those of the ids of some bags, never all at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.dtypes import ID_DTYPE, WEIGHT_DTYPE

N_LEVELS = 256


@dataclass(frozen=True, eq=False)
class LogQuantized:
    """Numbers of which at most 256 differ: logarithmic 8-bit quantisation.

    Parameters
    ----------
    codes : ndarray of shape (n,), dtype=uint8
    levels : ndarray of shape (n_levels,), dtype=float32
        Ascending; the number of each code.
    """

    codes: NDArray[np.uint8]
    levels: NDArray[np.float32]

    @classmethod
    def of(cls, numbers: NDArray[np.float32]) -> LogQuantized:
        """Numbers that are levels already, exactly.

        Raises
        ------
        ValueError
            If more than 256 differ.
        """
        levels, codes = np.unique(numbers, return_inverse=True)
        if len(levels) > N_LEVELS:
            raise ValueError(f"{len(levels)} different numbers, at most {N_LEVELS} fit")
        return cls(codes.ravel().astype(np.uint8), levels)

    @property
    def values(self) -> NDArray[np.float32]:
        """The numbers, of shape (n,)."""
        return self.levels.take(self.codes)

    @classmethod
    def rounded(
        cls, numbers: NDArray[Any], n_levels: int = N_LEVELS, *, up: bool = False
    ) -> LogQuantized:
        """Round positive numbers to levels in equal ratios.

        Parameters
        ----------
        numbers : ndarray of shape (n,)
        n_levels : int
            At most 256.
        up : bool, default=False
            Whether to round up to a level, and not to the nearest.
        """
        if not len(numbers):
            return cls(np.empty(0, np.uint8), np.empty(0, WEIGHT_DTYPE))
        numbers = numbers.astype(np.float64)
        exact_levels = np.geomspace(numbers.min(), numbers.max(), n_levels)
        levels = exact_levels.astype(WEIGHT_DTYPE)
        if up:
            # Rounded to float32 it may have become less.
            low = levels < exact_levels
            levels[low] = np.nextafter(levels[low], WEIGHT_DTYPE(np.inf))
        levels = np.unique(levels)
        edges = levels.astype(np.float64)
        if not up:
            edges = np.sqrt(edges[1:] * edges[:-1])
        codes = np.searchsorted(edges, numbers).clip(max=len(levels) - 1)
        return cls(codes.astype(np.uint8), levels)


BITS = (2, 4, 8, 16)
"""How many bits a number may take."""

_SMALLEST_SPAN = 1e-12
"""Spans below this part of the largest count as none."""

_NUMBERS_AT_ONCE = 2**20
"""Numbers decoded at a time, about: a few columns of many rows, or all of some."""

_N_SPANS = 255
"""With zero they fit a byte."""

_ZEROS = 255
"""Parts of a span that its low end may be below zero."""

_DECODED = {
    bits: (
        (np.arange(256)[:, np.newaxis] >> np.arange(0, 8, bits)) & ((1 << bits) - 1)
    ).astype(WEIGHT_DTYPE)
    for bits in BITS
    if bits <= 8
}
"""The codes in each byte."""


@dataclass(frozen=True, eq=False)
class QuantizedTable:
    """Rows quantised by a scale and a zero point each.

    Parameters
    ----------
    codes : ndarray of shape (n_rows, n_bytes), dtype=uint8
        The codes of each row, the first in the lowest bits of the first byte; for 16
        bits of shape (n_rows, width) and dtype uint16.
    bits : {2, 4, 8, 16}
        Bits of a code.
    width : int
        Numbers of a row.
    spans : ndarray of shape (n_rows,) or (1,), dtype=float32
        Highest minus lowest number of each row.
    zeros : ndarray of shape (n_rows,) or (1,), dtype=uint8
        The lowest number is ``-zeros / 255`` of the span.
    columns : ndarray of shape (n_rows,), dtype=int32, or None
        The ids that have a row, ascending; None where row ``i`` is that of id ``i``.
    n_ids : int
    """

    codes: NDArray[Any]
    bits: int
    width: int
    spans: NDArray[np.float32]
    zeros: NDArray[np.uint8]
    columns: NDArray[np.int32] | None
    n_ids: int

    @classmethod
    def of(
        cls,
        rows: NDArray[np.float32],
        bits: int,
        columns: NDArray[np.int32] | None = None,
        n_ids: int | None = None,
    ) -> QuantizedTable:
        """Quantise rows.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, width), dtype=float32
            Finite.
        bits : {2, 4, 8, 16}
        columns : ndarray of shape (n_rows,), dtype=int32, or None
            The ids of the rows, ascending, where not all ids have one.
        n_ids : int, default=n_rows
        """
        n_rows, width = rows.shape
        spans, zeros = _spans_and_zeros(rows)
        lows, steps = _lows_and_steps(spans, zeros, bits)
        # A span of zero is that of a row of zeros.
        places = (rows.astype(np.float64) - lows) / np.where(steps > 0, steps, 1)
        codes = np.clip(np.rint(places), 0, (1 << bits) - 1)
        packed = codes.astype(np.uint16) if bits == 16 else _pack(codes, bits)
        n_ids = n_rows if n_ids is None else n_ids
        return cls(packed, bits, width, spans, zeros, columns, n_ids)

    def __len__(self) -> int:
        return self.n_ids

    @property
    def shape(self) -> tuple[int, int]:
        """That of the table it stands for, (n_ids, width)."""
        return self.n_ids, self.width

    @property
    def largest(self) -> float:
        """Bound of the absolute values."""
        return float(self.spans.max(initial=0))

    @property
    def error_bound(self) -> NDArray[np.float64]:
        """How far a decoded number may be from the original, by row, (n_rows or 1,).

        Half a step, and rounding in float32, to its smallest numbers at worst.
        """
        step = self.spans.astype(np.float64) / ((1 << self.bits) - 1)
        return step / 2 + 2.0**-21 * self.spans + float(np.finfo(np.float32).tiny)

    def rows(
        self, which: NDArray[np.integer[Any]], start: int = 0, stop: int | None = None
    ) -> NDArray[np.float32]:
        """Decode some rows.

        Parameters
        ----------
        which : ndarray of shape (n,)
            Numbers of rows.
        start, stop : int
            The columns to decode; `start` and `stop`, unless it is `width`, are
            multiples of 8.

        Returns
        -------
        rows : ndarray of shape (n, stop - start), dtype=float32
        """
        stop = self.width if stop is None else stop
        per_byte = 8 // self.bits or 1
        if stop - start == self.width:
            codes = self.codes.take(which, axis=0)
        else:
            codes = self.codes[which, start // per_byte : -(-stop // per_byte)]
        if self.bits == 16:
            values = codes.astype(WEIGHT_DTYPE)
        else:
            decoded = _DECODED[self.bits].take(codes, axis=0)
            values = decoded.reshape(len(which), codes.shape[1] * per_byte)
            values = values[:, : stop - start]
        if len(self.spans) == 1:
            spans, zeros = self.spans, self.zeros
        else:
            spans, zeros = self.spans.take(which), self.zeros.take(which)
        lows, steps = _lows_and_steps(spans, zeros, self.bits)
        values = values * steps
        values += lows
        return values

    def rows_of(self, ids: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
        """Decode the rows of ids; zeros for those without one."""
        if self.columns is None:
            return self.rows(ids)
        places = self._row_of_id().take(ids)
        known = np.flatnonzero(places >= 0)
        rows = np.zeros((len(ids), self.width), dtype=WEIGHT_DTYPE)
        rows[known] = self.rows(places[known])
        return rows

    def matmul(self, bags: Bags) -> NDArray[np.float32]:
        """Weighted sum of the rows of each bag: ``bags.matmul`` of the decoded table.

        Returns
        -------
        sums : ndarray of shape (n_samples, width), dtype=float32
            Bit for bit what the decoded table gives.
        """
        if self.columns is not None:
            bags = bags.renumber(self._row_of_id(), len(self.columns))
        if len(bags) == 1:
            which = bags.ids
            ids = np.arange(len(which), dtype=ID_DTYPE)
        else:
            # The rows in use, each once.
            numbers = np.zeros(len(self.codes), dtype=ID_DTYPE)
            numbers[bags.ids] = 1
            which = np.flatnonzero(numbers).astype(ID_DTYPE)
            numbers[which] = np.arange(len(which), dtype=ID_DTYPE)
            ids = numbers.take(bags.ids)
        if not len(which):
            return np.zeros((len(bags), self.width), dtype=WEIGHT_DTYPE)
        used = Bags(ids, bags.offsets, bags.weights, len(which))
        n_columns = max(_NUMBERS_AT_ONCE // max(len(which), 1) // 8 * 8, 8)
        if n_columns >= self.width:
            return used.matmul(self.rows(which))
        sums = np.empty((len(bags), self.width), dtype=WEIGHT_DTYPE)
        for start in range(0, self.width, n_columns):
            stop = min(start + n_columns, self.width)
            sums[:, start:stop] = used.matmul(self.rows(which, start, stop))
        return sums

    def _row_of_id(self) -> NDArray[np.int32]:
        assert self.columns is not None
        row_of_id = np.full(self.n_ids, -1, dtype=ID_DTYPE)
        row_of_id[self.columns] = np.arange(len(self.columns), dtype=ID_DTYPE)
        return row_of_id


def bytes_of_row(width: int, bits: int) -> int:
    """Bytes of the codes of a row."""
    return -(-width * bits // 8)


def _spans_and_zeros(
    rows: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Span and zero point of each row: wide enough for it, zero included."""
    axis = None if rows.shape[1] == 1 else 1
    lowest = np.minimum(rows.min(axis=axis, initial=0), 0).astype(np.float64).ravel()
    highest = np.maximum(rows.max(axis=axis, initial=0), 0).astype(np.float64).ravel()
    # One part more than needed: the low end is rounded down to a whole part.
    wanted = (highest - lowest) * (_ZEROS / (_ZEROS - 1))
    wanted[wanted < _SMALLEST_SPAN * wanted.max(initial=0)] = 0
    is_some = wanted > 0
    spans = np.zeros(len(wanted), dtype=WEIGHT_DTYPE)
    spans[is_some] = LogQuantized.rounded(wanted[is_some], _N_SPANS, up=True).values
    zeros = np.zeros(len(wanted))
    zeros[is_some] = np.ceil(-lowest[is_some] / spans[is_some] * _ZEROS)
    return spans, zeros.astype(np.uint8)


def _lows_and_steps(
    spans: NDArray[np.float32], zeros: NDArray[np.uint8], bits: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Lowest number and step of each row, (n, 1)."""
    lows = spans * (zeros * WEIGHT_DTYPE(-1 / _ZEROS))
    steps = spans * WEIGHT_DTYPE(1 / ((1 << bits) - 1))
    return lows[:, np.newaxis], steps[:, np.newaxis]


def _pack(codes: NDArray[np.float64], bits: int) -> NDArray[np.uint8]:
    """Put as many codes in a byte as fit, the first in its lowest bits."""
    per_byte = 8 // bits
    n_rows, width = codes.shape
    n_bytes = bytes_of_row(width, bits)
    padded = np.zeros((n_rows, n_bytes * per_byte), dtype=np.uint8)
    padded[:, :width] = codes
    shifted = padded.reshape(n_rows, n_bytes, per_byte) << np.arange(
        0, 8, bits, dtype=np.uint8
    )
    packed: NDArray[np.uint8] = np.bitwise_or.reduce(shifted, axis=2)
    return packed

"""Ascending whole numbers in few bytes: the code of Elias and Fano.

The low bits of each number are stored as they are; the high bits, which ascend, as the
places of the ones in a string of bits: a one for each number, before it as many zeros
as its high bits have grown. Of n numbers below u each takes about ``log2(u / n) + 2``
bits, at most half a bit from the least possible (Elias, "Efficient Storage and
Retrieval by Content and Address of Static Files", 1974; Fano, "On the Number of Bits
Required to Implement an Associative Memory", 1971).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Packed = dict[str, Any]
"""Serialisable state: ``n``, and the bits of both halves as arrays of bytes."""


def pack_sorted(numbers: NDArray[np.uint64], end: int) -> Packed:
    """Pack distinct ascending numbers.

    Parameters
    ----------
    numbers : ndarray of shape (n,), dtype=uint64
    end : int
        All numbers are below it; at most 2**63. Needed again to unpack.

    Examples
    --------
    >>> import numpy as np
    >>> packed = pack_sorted(np.array([3, 5, 900], dtype=np.uint64), 1000)
    >>> unpack_sorted(packed, 1000).tolist()
    [3, 5, 900]
    >>> len(packed["low"]), len(packed["high"])
    (3, 1)
    """
    n = len(numbers)
    n_low = _low_bits(n, end)
    low = np.empty((n, n_low), dtype=np.uint8)
    for bit in range(n_low):
        low[:, bit] = (numbers >> np.uint64(bit)) & np.uint64(1)
    places = (numbers >> np.uint64(n_low)).astype(np.int64) + np.arange(n)
    high = np.zeros(places[-1] + 1 if n else 0, dtype=np.uint8)
    high[places] = 1
    return {"n": n, "low": np.packbits(low.ravel()), "high": np.packbits(high)}


def unpack_sorted(packed: Any, end: int) -> NDArray[np.uint64]:
    """Unpack what `pack_sorted` made.

    Raises
    ------
    ValueError, TypeError, KeyError
        If it is not made of distinct ascending numbers below `end`.
    """
    n, low, high = packed["n"], packed["low"], packed["high"]
    if type(n) is not int or not low.dtype == high.dtype == np.uint8:
        raise ValueError("not packed numbers")
    n_low = _low_bits(n, end)
    # Before anything of this size is made.
    if not low.ndim == high.ndim == 1 or not (
        0 <= n <= 8 * len(high) and len(low) == -(-n * n_low // 8)
    ):
        raise ValueError("packed numbers of another length")
    places = np.flatnonzero(np.unpackbits(high))
    if len(places) != n:
        raise ValueError(f"{len(places)} packed numbers, not {n}")
    numbers = (places - np.arange(n)).astype(np.uint64)
    # No bit may be lost: what was packed is below 2**63.
    if n and int(numbers[-1]) > end >> n_low:
        raise ValueError("packed numbers are too large")
    numbers <<= np.uint64(n_low)
    bits = np.unpackbits(low, count=n * n_low).reshape(n, n_low)
    for bit in range(n_low):
        numbers |= bits[:, bit].astype(np.uint64) << np.uint64(bit)
    if n and (int(numbers[-1]) >= end or (numbers[1:] <= numbers[:-1]).any()):
        raise ValueError("packed numbers do not ascend, or are too large")
    return numbers


def _low_bits(n: int, end: int) -> int:
    """Bits of a number that are stored as they are."""
    return max((end // max(n, 1)).bit_length() - 1, 0)

"""Strings known by short hashes, for encoders that only read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.elias_fano import Packed, pack_sorted, unpack_sorted
from skbag._text.hashing import fingerprint_of_string, fingerprints_of

SPARE_BITS = 12
"""Bits of a fingerprint beyond those that number all of them: one unknown string in
2**12, or in up to 2**13, is taken for a known one."""

MOST_BITS = 62


class Fingerprints:
    """A set of fingerprints; ids are their places in ascending order.

    Parameters
    ----------
    values : ndarray of shape (n,), dtype=uint64
        Distinct, ascending.
    bits : int
        Length of a fingerprint.
    """

    def __init__(self, values: NDArray[np.uint64], bits: int) -> None:
        self.values = values
        self.bits = bits

    @classmethod
    def of_hashes(
        cls, hashes: NDArray[np.uint64]
    ) -> tuple[Fingerprints, NDArray[np.int64]]:
        """Fingerprints of hashes of 64 bits, and the id of each hash.

        A few hashes share an id: of n about n in ``2 ** (SPARE_BITS + 1)``, or fewer.
        """
        bits = min(len(hashes).bit_length() + SPARE_BITS, MOST_BITS)
        values, ids = np.unique(fingerprints_of(hashes, bits), return_inverse=True)
        return cls(values, bits), ids.ravel()

    def __len__(self) -> int:
        return len(self.values)

    def finder(self) -> Callable[[bytes], int]:
        """Return a function that gives the id of a string, -1 if it has none."""
        ids = dict(zip(self.values.tolist(), range(len(self.values)), strict=True))
        bits = self.bits
        return lambda string: ids.get(fingerprint_of_string(string, bits), -1)

    def to_state(self) -> dict[str, Any]:
        """Serialisable state, packed."""
        packed: Packed = pack_sorted(self.values, 1 << self.bits)
        return {"bits": self.bits, **packed}

    @classmethod
    def from_state(cls, state: Any) -> Fingerprints:
        """Read serialisable state.

        Raises
        ------
        ValueError, TypeError, KeyError
            If it is not sound.
        """
        bits = state["bits"]
        if type(bits) is not int or not 1 <= bits <= MOST_BITS:
            raise ValueError("fingerprints of another length")
        values = unpack_sorted(state, 1 << bits)
        if (values[1:] == values[:-1]).any():
            raise ValueError("two strings or features are the same")
        return cls(values, bits)

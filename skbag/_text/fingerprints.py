"""Strings known by some bits of a hash alone: enough to find them, not to name them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.elias_fano import Packed, pack_sorted, unpack_sorted
from skbag._text.byte_tokenizer import Spans, hash_spans, hash_string
from skbag._text.interner import Interner

SPARE_BITS = 12
"""Bits of a fingerprint beyond those that number all of them: one unknown string in
2**12, or in up to 2**13, is taken for a known one."""

MOST_BITS = 62

# The mixing function of splitmix64: all bits of the result depend on all of a hash.
_MIX_1, _MIX_2 = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_ALL_BITS = (1 << 64) - 1


class Fingerprints:
    """A set of fingerprints; ids are their places in ascending order.

    Parameters
    ----------
    values : ndarray of shape (n,), dtype=uint64
        Distinct, ascending.
    bits : int
        Length of a fingerprint.
    intern : callable
        `Interner`, or `Interner.checked`.
    """

    def __init__(
        self,
        values: NDArray[np.uint64],
        bits: int,
        intern: Callable[[NDArray[np.uint64]], Interner] = Interner,
    ) -> None:
        self._bits = bits
        self._ids = intern(values)

    @classmethod
    def of_hashes(
        cls, hashes: NDArray[np.uint64]
    ) -> tuple[Fingerprints, NDArray[np.int64]]:
        """Fingerprints of hashes of 64 bits, and the id of each hash.

        A few hashes share an id: of n about n in ``2 ** (SPARE_BITS + 1)``, or fewer.
        """
        bits = min(len(hashes).bit_length() + SPARE_BITS, MOST_BITS)
        values, ids = np.unique(_fingerprints(hashes, bits), return_inverse=True)
        return cls(values, bits), ids.ravel()

    def __len__(self) -> int:
        return len(self._ids)

    def look_up_hashes(self, hashes: NDArray[np.uint64]) -> NDArray[np.int32]:
        """Ids of hashes, -1 for those without one."""
        return self._ids.lookup(_fingerprints(hashes, self._bits))

    def look_up(self, strings: Spans) -> NDArray[np.int32]:
        """Ids of strings, -1 for those without one."""
        return self.look_up_hashes(hash_spans(strings))

    def bytes_finder(self) -> Callable[[bytes], int]:
        """Return a function that is `look_up` for the bytes of one string."""
        find, shift = self._ids.finder(), 64 - self._bits

        def find_bytes(string: bytes) -> int:
            mixed = hash_string(string)
            mixed = (mixed ^ mixed >> 30) * _MIX_1 & _ALL_BITS
            mixed = (mixed ^ mixed >> 27) * _MIX_2 & _ALL_BITS
            return find((mixed ^ mixed >> 31) >> shift)

        return find_bytes

    def finder(self) -> Callable[[str], int]:
        """Return a function that is `look_up` for one string."""
        find = self.bytes_finder()
        return lambda string: find(string.encode("utf-8", "surrogatepass"))

    def to_state(self) -> dict[str, Any]:
        """Plain state, packed."""
        packed: Packed = pack_sorted(self._ids.keys, 1 << self._bits)
        return {"bits": self._bits, **packed}

    @classmethod
    def from_state(cls, state: Any) -> Fingerprints:
        """Read plain state.

        Raises
        ------
        ValueError, TypeError, KeyError
            If it is not sound.
        """
        bits = state["bits"]
        if type(bits) is not int or not 1 <= bits <= MOST_BITS:
            raise ValueError("fingerprints of another length")
        return cls(unpack_sorted(state, 1 << bits), bits, Interner.checked)


def _fingerprints(hashes: NDArray[np.uint64], bits: int) -> NDArray[np.uint64]:
    mixed = hashes ^ (hashes >> np.uint64(30))
    mixed *= np.uint64(_MIX_1)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(_MIX_2)
    mixed ^= mixed >> np.uint64(31)
    return mixed >> np.uint64(64 - bits)

"""Distinct strings and their ids."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from skbag._core.dtypes import ID_DTYPE
from skbag._core.elias_fano import Packed, pack_sorted, unpack_sorted
from skbag._text.byte_tokenizer import (
    Spans,
    hash_spans,
    hash_string,
    prefixes,
    suffixes,
)
from skbag._text.features import Role
from skbag._text.interner import GrowingArray, Interner
from skbag._text.token_rules import DefaultTokens


class StringIndex(Protocol):
    """Strings and their ids, for looking up."""

    def __len__(self) -> int: ...

    def look_up(self, strings: Spans) -> NDArray[np.int32]:
        """Ids of strings, -1 for those without one."""

    def finder(self) -> Callable[[str], int]:
        """Return a function that is `look_up` for one string."""


class Affix(NamedTuple):
    """An affix of a word: its role, what cuts it off, and its characters."""

    role: Role
    cut: Callable[[Spans, int], tuple[NDArray[np.int64], Spans]]
    length: int


def affixes_of(rule: DefaultTokens) -> tuple[Affix, ...]:
    """Return the affixes that a rule makes features of."""
    return (
        *(Affix(Role.PREFIX, prefixes, length) for length in rule.prefix_lengths),
        *(Affix(Role.SUFFIX, suffixes, length) for length in rule.suffix_lengths),
    )


class Lexicon:
    """Distinct strings without white space and their ids.

    Two strings with the same hash of 64 bits would be taken for one: among a million
    strings the chance is 3 in 100 million.

    Parameters
    ----------
    lines : bytes
        The strings in the order of their ids, each followed by a newline.
    intern : callable
        `Interner`, or `Interner.checked`.
    """

    def __init__(
        self,
        lines: bytes,
        intern: Callable[[NDArray[np.uint64]], Interner] = Interner,
    ) -> None:
        self._lines = GrowingArray(np.frombuffer(lines, dtype=np.uint8))
        self._ids = intern(hash_spans(self.strings()))

    @classmethod
    def checked(cls, lines: NDArray[np.uint8]) -> Lexicon:
        """Return a lexicon of lines that come from a file, perhaps a damaged one.

        Raises
        ------
        ValueError
            If two are the same, or they are not lines in UTF-8 (lone surrogates are
            let through, as they are everywhere here).
        """
        if lines.dtype != np.uint8 or lines.ndim != 1:
            raise ValueError("strings are not an array of bytes")
        data = lines.tobytes()
        data.decode("utf-8", "surrogatepass")
        if data and not data.endswith(b"\n"):
            raise ValueError("the last string does not end in a newline")
        return cls(data, Interner.checked)

    def __len__(self) -> int:
        return len(self._ids)

    def lines(self) -> bytes:
        """Return the strings in the order of their ids, each followed by a newline."""
        return self._lines.values.tobytes()

    def strings(self) -> Spans:
        """Return the strings in the order of their ids."""
        return Spans.from_lines(self.lines())

    def look_up(self, strings: Spans) -> NDArray[np.int32]:
        """Ids of strings, -1 for those without one."""
        return self._ids.lookup(hash_spans(strings))

    def finder(self) -> Callable[[str], int]:
        """Return a function that is `look_up` for one string."""
        find = self._ids.finder()

        def find_string(string: str) -> int:
            return find(hash_string(string.encode("utf-8", "surrogatepass")))

        return find_string

    def add(self, strings: Spans) -> NDArray[np.int32]:
        """Ids of strings; those without one get the next."""
        n_before = len(self)
        ids = self._ids.add(hash_spans(strings))
        n_new = len(self) - n_before
        if n_new:
            where = np.flatnonzero(ids >= n_before)
            occurrence = np.empty(n_new, dtype=np.int64)
            occurrence[ids[where] - n_before] = where
            lines = strings.take(occurrence).to_lines()
            self._lines.append(np.frombuffer(lines, dtype=np.uint8))
        return ids


def affix_ids(
    words: Spans,
    affixes: tuple[Affix, ...],
    find: Callable[[Spans], NDArray[np.int32]],
) -> NDArray[np.int32]:
    """Ids of the affixes of words.

    Parameters
    ----------
    words : Spans
    affixes : tuple of Affix
    find : callable
        Gives the ids of strings.

    Returns
    -------
    ids : ndarray of shape (n_words, n_affixes), dtype=int32
        One column for each affix; -1 where a word is too short, or where
        `find` gives -1.
    """
    # Only the bytes of these words, not of the whole text they may be in.
    words = Spans.from_lines(words.to_lines())
    parts = [affix.cut(words, affix.length) for affix in affixes]
    # All at once: for few words a call costs more than its work.
    all_ids = find(
        Spans(
            words.text,
            np.concatenate([spans.starts for _, spans in parts]),
            np.concatenate([spans.ends for _, spans in parts]),
        )
    )
    ids = np.full((len(words), len(affixes)), -1, dtype=ID_DTYPE)
    start = 0
    for column, (which, spans) in enumerate(parts):
        stop = start + len(spans)
        ids[which, column] = all_ids[start:stop]
        start = stop
    return ids


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
        """Serialisable state, packed."""
        packed: Packed = pack_sorted(self._ids.keys, 1 << self._bits)
        return {"bits": self._bits, **packed}

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
        return cls(unpack_sorted(state, 1 << bits), bits, Interner.checked)


def _fingerprints(hashes: NDArray[np.uint64], bits: int) -> NDArray[np.uint64]:
    mixed = hashes ^ (hashes >> np.uint64(30))
    mixed *= np.uint64(_MIX_1)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(_MIX_2)
    mixed ^= mixed >> np.uint64(31)
    return mixed >> np.uint64(64 - bits)

"""Features as arrays: strings, and keys that are made of their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.dtypes import ID_DTYPE, OFFSET_DTYPE
from skbag._text.merging_kernels import PADDING, hashes_of, number_strings, taken

Packed = tuple[NDArray[np.uint8], NDArray[Any]]
"""Bytes of strings, one after another, and their lengths: what is sent."""


@dataclass(frozen=True, eq=False)
class Strings:
    """Strings of bytes.

    Parameters
    ----------
    data : ndarray of shape (n_bytes + PADDING,), dtype=uint8
        One after another, and some bytes more.
    starts : ndarray of shape (n_strings + 1,), dtype=int64
        Where each starts, and the last ends.
    """

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, strings: Sequence[bytes]) -> Strings:
        """Strings of a list."""
        lengths = np.fromiter(map(len, strings), OFFSET_DTYPE, len(strings))
        return cls.unpacked([(np.frombuffer(b"".join(strings), np.uint8), lengths)])

    @classmethod
    def of_lines(cls, lines: NDArray[np.uint8]) -> Strings:
        """Lines, each with the newline at its end."""
        ends = np.flatnonzero(lines == ord("\n")) + 1
        return cls.unpacked([(lines, np.diff(ends, prepend=0))])

    @classmethod
    def unpacked(cls, parts: Sequence[Packed]) -> Strings:
        """Strings as they were packed, of one part after the other."""
        padding = np.zeros(PADDING, dtype=np.uint8)
        data = np.concatenate([*(data for data, _ in parts), padding])
        lengths = [lengths.astype(OFFSET_DTYPE, copy=False) for _, lengths in parts]
        starts = np.zeros(1 + sum(map(len, lengths)), dtype=OFFSET_DTYPE)
        if lengths:
            np.cumsum(np.concatenate(lengths), out=starts[1:])
        return cls(data, starts)

    def packed(self) -> Packed:
        """Bytes alone, and lengths in as few of them as will do."""
        lengths = np.diff(self.starts)
        dtype = np.min_scalar_type(int(lengths.max(initial=0)))
        return self.data[: self.starts[-1]], lengths.astype(dtype)

    def marked(self, mark: int) -> Packed:
        """The same with one byte before each, packed."""
        data, lengths = self.packed()
        starts = self.starts[:-1]
        return np.insert(data, starts, mark), lengths.astype(OFFSET_DTYPE) + 1

    def unmarked(self) -> tuple[NDArray[np.uint8], Strings]:
        """First byte of each, of shape (n_strings,), and the strings without it."""
        data, lengths = self.packed()
        starts = self.starts[:-1]
        rest = np.delete(data, starts), lengths.astype(OFFSET_DTYPE) - 1
        return data[starts], Strings.unpacked([rest])

    def __len__(self) -> int:
        return len(self.starts) - 1

    def to_list(self) -> list[bytes]:
        """Return the strings one by one."""
        data = self.data.tobytes()
        return [data[start:stop] for start, stop in pairwise(self.starts.tolist())]

    def take(self, which: NDArray[np.int64]) -> Strings:
        """Some of them, in any order."""
        return Strings(*taken(self.data, self.starts, which))

    def hashes(self) -> NDArray[np.uint64]:
        """Hash of each, of shape (n_strings,), the same in every process."""
        return hashes_of(self.data, self.starts)

    def distinct(self) -> tuple[Strings, NDArray[np.int32]]:
        """Each once, by its hash; of two with the same hash the lesser bytes first.

        Returns
        -------
        strings : Strings
            In an order that depends on nothing but which these are.
        numbers : ndarray of shape (n_strings,), dtype=int32
            Which of those each string here is.
        """
        numbers, firsts = number_strings(self.data, self.starts)
        hashes = hashes_of(self.data, self.starts)[firsts]
        order = np.argsort(hashes)
        hashes = hashes[order]
        if (hashes[1:] == hashes[:-1]).any():
            strings = self.take(firsts[order]).to_list()
            keys = zip(hashes.tolist(), strings, order.tolist(), strict=True)
            order = np.array([place for _, _, place in sorted(keys)])
        return self.take(firsts[order]), inverse(order)[numbers]


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """The features of an encoder, in the order of their ids.

    Parameters
    ----------
    strings : Strings
        Each once.
    keys : ndarray of shape (n_features,), dtype=uint64
        See `feature_keys`. Features are the same where their keys are, with the strings
        that these name.
    kinds : ndarray of shape (n_features,), dtype=uint8
        The `FeatureKind` of each.
    objects : object
        What strings stand for that are none: for the encoder, the same on all ranks.
    """

    strings: Strings
    keys: NDArray[np.uint64]
    kinds: NDArray[np.uint8]
    objects: Any = None


def inverse(order: NDArray[Any]) -> NDArray[np.int32]:
    """Place of each number in a permutation of fewer than 2**31."""
    places = np.empty(len(order), dtype=ID_DTYPE)
    places[order] = np.arange(len(order), dtype=ID_DTYPE)
    return places

"""From occurrences of features to bags, one chunk of documents at a time."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.dtypes import COUNT_DTYPE, ID_DTYPE, OFFSET_DTYPE, WEIGHT_DTYPE

CHUNK_CHARACTERS = 1 << 17
"""Texts worked on at once: their arrays stay in the cache of a core."""

Sort = Callable[[NDArray[Any]], NDArray[Any]]
"""Sorts whole numbers; may overwrite them."""


def chunks(documents: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut documents into chunks, at least one, at the same places every time."""
    start, n_characters = 0, 0
    for stop, text in enumerate(documents):
        if n_characters > CHUNK_CHARACTERS:
            yield documents[start:stop]
            start, n_characters = stop, 0
        n_characters += len(text)
    yield documents[start:]


def edges(
    offsets: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Texts that have tokens, the first token of each and the last."""
    filled = np.flatnonzero(np.diff(offsets))
    return filled, offsets[filled], offsets[filled + 1] - 1


def to_bags(
    rows: NDArray[np.int32],
    ids: NDArray[np.int32],
    n_rows: int,
    n_ids: int,
    sort: Sort,
) -> Bags:
    """Count equal ids of equal rows; ids of -1 are left out."""
    id_bits = n_ids.bit_length()
    # Half the bytes are sorted in less than half the time.
    fits = id_bits + n_rows.bit_length() < 32
    packed: NDArray[Any] = rows.astype(np.int32 if fits else np.int64)
    packed <<= id_bits
    packed |= ids  # an id of -1 makes it -1 altogether,
    packed = sort(packed)
    packed = packed[np.searchsorted(packed, 0) :]  # and the first.
    begins = np.empty(len(packed), dtype=np.bool_)
    begins[:1] = True
    np.not_equal(packed[1:], packed[:-1], out=begins[1:])
    where = np.flatnonzero(begins)
    unique = packed[where]
    first_of_rows = np.arange(n_rows + 1, dtype=packed.dtype) << id_bits
    counts = np.empty(len(where), dtype=WEIGHT_DTYPE)
    counts[-1:] = len(packed) - where[-1:]
    np.subtract(where[1:], where[:-1], out=counts[:-1], casting="unsafe")
    return Bags(
        ids=(unique & ((1 << id_bits) - 1)).astype(ID_DTYPE, copy=False),
        offsets=np.searchsorted(unique, first_of_rows).astype(OFFSET_DTYPE),
        weights=counts,
        n_ids=n_ids,
    )


def bag_arrays(
    counts: Iterable[Mapping[int, int]],
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.float32]]:
    """Put counts by id, one mapping for each document, into the arrays of `Bags`.

    Returns
    -------
    ids, offsets, weights : ndarray
    """
    ids, weights, lengths = array("i"), array("f"), array("q", [0])
    for bag in counts:
        ascending = sorted(bag)
        ids.extend(ascending)
        weights.extend([bag[i] for i in ascending])
        lengths.append(len(bag))
    return (
        np.array(ids, dtype=ID_DTYPE),
        np.cumsum(lengths, dtype=OFFSET_DTYPE),
        np.array(weights, dtype=WEIGHT_DTYPE),
    )


def in_few_bytes(counts: Bags) -> Bags:
    """Return the same counts, in `COUNT_DTYPE` if it can hold them."""
    if counts.weights.max(initial=0) > np.iinfo(COUNT_DTYPE).max:
        return counts
    return counts.with_weights(counts.weights.astype(COUNT_DTYPE))

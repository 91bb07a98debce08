"""Documents counted by token and class, in several threads where that pays.

In a table of all tokens and classes where that is small. Else the samples that hold a
token are put side by side, in the order of the bags, and summed by class: a counting
sort. Sums so come out the same for any number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skbag._core.bags import Entries, SomeBags
from skbag._core.threads import map_in_threads
from skbag._targets.label_sets import Codes, LabelSets
from skbag._weighting.count_kernels import Documents, count_filled, take_filled

CELLS_PER_ENTRY = 2
"""Largest table to count in, in numbers of 4 bytes, against the entries of the bags."""

ENTRIES_PER_THREAD = 2**20
"""Fewer are counted before another thread has started."""


def class_counts(
    bags: SomeBags,
    codes: Codes,
    n_classes: int,
    sample_weight: NDArray[np.float64] | None = None,
    n_threads: int = 1,
) -> sp.csr_array:
    """Weighted number of documents of each class that hold each token.

    Parameters are those of `DocumentCounts.count`.

    Returns
    -------
    class_counts : scipy CSR array of shape (n_ids, n_classes), dtype=float64
        Columns ascend in each row.
    """
    entries, samples = _stored(bags, len(codes))
    n_ids = bags.n_ids
    class_offsets = codes.offsets if isinstance(codes, LabelSets) else None
    classes = codes.labels if isinstance(codes, LabelSets) else codes
    documents = Documents(
        entries.ids,
        entries.offsets,
        entries.new_ids,
        samples,
        class_offsets,
        classes,
        sample_weight,
        n_ids,
        n_classes,
    )
    n_entries, shape = len(entries.ids), (n_ids, n_classes)
    # The counts of each thread may take as much memory as the entries.
    n_cells = max(n_ids * n_classes, 1)
    n_threads = min(n_threads, max(n_entries // ENTRIES_PER_THREAD, 1))
    if sample_weight is None and n_cells <= CELLS_PER_ENTRY * n_entries:
        n_shards = min(n_threads, CELLS_PER_ENTRY * n_entries // n_cells)
        return _in_a_table(documents, _shards(entries.offsets, n_shards), shape)
    n_shards = min(n_threads, max(n_entries // (2 * n_ids), 1)) if n_ids else 1
    return _id_by_id(documents, _shards(entries.offsets, n_shards), shape, n_threads)


def _stored(bags: SomeBags, n_samples: int) -> tuple[Entries, NDArray[np.int32]]:
    """Bags as they are stored, and which of the first samples each of them is, or -1.

    Read in this order, which is that of the memory.
    """
    entries = bags.entries()
    samples = np.full(len(entries.offsets) - 1, -1, dtype=np.int32)
    numbers = np.arange(n_samples, dtype=np.int32)
    if entries.rows is None:
        samples[:n_samples] = numbers
        return entries, samples
    samples[entries.rows[:n_samples]] = numbers
    if np.count_nonzero(samples >= 0) == n_samples:
        return entries, samples
    # Some bags are several samples.
    return _stored(bags.slice(0, n_samples), n_samples)


def _shards(offsets: NDArray[np.int64], n_shards: int) -> list[tuple[int, int]]:
    """Cut bags, or ids, into runs of about as many entries: pairs of start, stop."""
    inner = np.arange(1, n_shards) * (offsets[-1] - offsets[0]) // n_shards
    cuts = np.searchsorted(offsets, offsets[0] + inner).tolist()
    return list(zip([0, *cuts], [*cuts, len(offsets) - 1], strict=True))


def _each(work: Callable[..., None], arguments: list[tuple[Any, ...]]) -> None:
    """Call a kernel with each of several sets of arguments, each in a thread."""
    cancel = bytearray(1)
    map_in_threads(lambda own: work(*own, cancel), arguments, cancel)


def _in_a_table(
    documents: Documents, shards: list[tuple[int, int]], shape: tuple[int, int]
) -> sp.csr_array:
    tables = [np.zeros(shape, dtype=np.int32) for _ in shards]
    _each(
        documents.tabulate,
        [(table, *shard) for table, shard in zip(tables, shards, strict=True)],
    )
    table = tables.pop()
    while tables:
        table += tables.pop()
    indptr = np.zeros(shape[0] + 1, dtype=np.int64)
    count_filled(table, indptr[1:])
    np.cumsum(indptr, out=indptr)
    indices, counts = _empty(int(indptr[-1]))
    take_filled(table, indptr, indices, counts)
    return sp.csr_array((counts, indices, indptr), shape=shape)


def _id_by_id(
    documents: Documents,
    shards: list[tuple[int, int]],
    shape: tuple[int, int],
    n_threads: int,
) -> sp.csr_array:
    starts, placed = _place(documents, shards, shape[0])
    ranges = _shards(starts, n_threads)
    lengths = np.zeros(shape[0] + 1, dtype=np.int64)
    own_ids = (np.full(shape[1], -1, dtype=np.int32) for _ in ranges)
    _each(
        partial(documents.count_classes, starts, placed, lengths[1:]),
        [(*of, own) for of, own in zip(ranges, own_ids, strict=False)],
    )
    indptr = np.cumsum(lengths, out=lengths)
    indices, counts = _empty(int(indptr[-1]))
    marked_sums = (np.full(shape[1], -1.0) for _ in ranges)
    _each(
        partial(documents.sum_classes, starts, placed, indptr, indices, counts),
        [(*of, own) for of, own in zip(ranges, marked_sums, strict=False)],
    )
    return sp.csr_array((counts, indices, indptr), shape=shape)


def _place(
    documents: Documents, shards: list[tuple[int, int]], n_ids: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Samples that hold each id, and where those of each id start."""
    counts = [np.zeros(n_ids, dtype=np.int32) for _ in shards]
    _each(
        documents.count_entries,
        [(own, *shard) for own, shard in zip(counts, shards, strict=True)],
    )
    starts = np.zeros(n_ids + 1, dtype=np.int64)
    for own in counts:
        starts[1:] += own
    np.cumsum(starts, out=starts)
    # Of each id those of the first shard come first.
    places = [starts[:-1].copy()]
    for own in counts[:-1]:
        places.append(places[-1] + own)
    del counts
    placed = np.empty(int(starts[-1]), dtype=np.int32)
    _each(
        lambda own, *rest: documents.place(own, placed, *rest),
        [(own, *shard) for own, shard in zip(places, shards, strict=True)],
    )
    return starts, placed


def _empty(nnz: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    return np.empty(nnz, dtype=np.int32), np.empty(nnz, dtype=np.float64)

"""How samples of a batch and rows of the table are split among processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.communicator import (
    Communicator,
    concatenate_weights,
    share_of,
)
from skbag._core.dtypes import ID_DTYPE
from skbag._targets.label_sets import together
from skbag._training.progress import Unseen
from skbag._training.samples import Samples


def cut_positions(sizes: Sequence[int], batch_size: int) -> NDArray[np.int64]:
    """Where to cut the samples of each rank into its parts of the batches.

    Batches of `batch_size` samples are cut from the samples of all ranks together, the
    last may be smaller; a part differs from the rank's share of them by less than one.

    Parameters
    ----------
    sizes : sequence of int
        Number of samples of each rank.
    batch_size : int

    Returns
    -------
    edges : ndarray of shape (n_batches + 1, world_size), dtype=int64
        Batch b has the samples ``edges[b, r]`` to ``edges[b + 1, r]`` of rank r.

    Examples
    --------
    >>> cut_positions([6, 3], 4).tolist()
    [[0, 0], [2, 1], [5, 2], [6, 3]]
    """
    n_samples = sum(sizes)
    ends = np.append(np.arange(0, n_samples, batch_size), n_samples)
    return share_of(ends[:, np.newaxis], sizes)


def n_own_rows(n_ids: int, communicator: Communicator) -> int:
    """Number of rows of a table that a rank trains."""
    return len(range(communicator.rank, n_ids, communicator.world_size))


def own_rows(array: NDArray[Any], communicator: Communicator) -> NDArray[Any]:
    """Rows of a table that a rank trains: a view."""
    return array[communicator.rank :: communicator.world_size]


def whole_table(communicator: Communicator, rows: NDArray[Any]) -> NDArray[Any]:
    """Put the rows that each rank has trained together again."""
    if communicator.world_size == 1:
        return rows
    parts = communicator.all_gather(rows)
    table = np.empty((sum(map(len, parts)), *rows.shape[1:]), dtype=rows.dtype)
    for rank, part in enumerate(parts):
        table[rank :: communicator.world_size] = part
    return table


def exchange_bags(
    communicator: Communicator, own_bags: Bags, edges: NDArray[np.int64]
) -> Bags:
    """Swap bags of own samples, with all ids, for bags of all samples, with own ids.

    Parameters
    ----------
    communicator : Communicator
    own_bags : Bags
        Of the samples ``edges[0, rank]`` to ``edges[-1, rank]`` of this rank.
    edges : ndarray of shape (n_batches + 1, world_size), dtype=int64
        See `cut_positions`.

    Returns
    -------
    bags : Bags
        Of the samples of all ranks, batch after batch and in each rank after rank. An
        id is that of the row among those of this rank.
    """
    if communicator.world_size == 1:
        return own_bags
    parts = [
        _of_rows(own_bags, rank, communicator.world_size)
        for rank in range(communicator.world_size)
    ]
    bags = Bags.concatenate(communicator.all_to_all(parts))
    lengths = np.diff(edges, axis=0)
    starts = edges[:-1] - edges[0] + _offsets(edges[-1] - edges[0])
    # The first bag of each part, less the number of bags that come before it.
    shift = starts.ravel() - _offsets(lengths.ravel())
    return bags.take(np.repeat(shift, lengths.ravel()) + np.arange(lengths.sum()))


def interleaved(sizes: Sequence[int]) -> NDArray[np.int64]:
    """Order in which samples of ranks, one rank after the other, are evenly mixed.

    Examples
    --------
    >>> interleaved([4, 2]).tolist()
    [0, 4, 1, 2, 5, 3]
    """
    places = [(np.arange(size) + 0.5) / max(size, 1) for size in sizes]
    return np.argsort(np.concatenate(places), kind="stable")


def gather_samples(communicator: Communicator, own: Samples) -> Samples:
    """Samples of all ranks on each of them, evenly mixed.

    Parameters
    ----------
    communicator : Communicator
    own : Samples
        Weighted bags, perhaps lazy ones.
    """
    bags = own.X.slice(0, len(own))
    received = communicator.all_gather(
        (bags, own.codes, own.weight, own.document_weight, own.numbers)
    )
    all_bags, codes, weights, document_weights, numbers = zip(*received, strict=True)
    sizes = [len(each) for each in all_bags]
    order = interleaved(sizes)

    def of_all(arrays: Sequence[NDArray[Any] | None]) -> NDArray[Any] | None:
        whole = concatenate_weights(list(zip(sizes, arrays, strict=True)))
        return None if whole is None else whole[order]

    return replace(
        own,
        X=Bags.concatenate(list(all_bags)).take(order),
        codes=together(list(codes))[order],
        weight=of_all(weights),
        document_weight=of_all(document_weights),
        numbers=_visited_samples(numbers, sizes, order),
    )


def _visited_samples(
    numbers: Sequence[NDArray[np.int64] | None],
    sizes: Sequence[int],
    order: NDArray[np.int64],
) -> NDArray[np.int64] | None:
    """Which sample of all each visit is of; None where all ranks visit each once."""
    if all(each is None for each in numbers):
        return None
    each = [
        np.arange(size) if own is None else own
        for own, size in zip(numbers, sizes, strict=True)
    ]
    first = _offsets(np.array([own.max(initial=-1) + 1 for own in each]))
    parts = [own + start for own, start in zip(each, first, strict=True)]
    return np.concatenate(parts)[order]


def gather_unseen(communicator: Communicator, own: Unseen, n_samples: int) -> Unseen:
    """Scores of samples of all ranks, by their numbers in `gather_samples`.

    Parameters
    ----------
    communicator : Communicator
    own : Unseen
    n_samples : int
        Of this rank.
    """
    received = communicator.all_gather((own.scores, own.rows, n_samples))
    sizes = [size for _, _, size in received]
    place = np.empty(sum(sizes), dtype=np.int64)
    place[interleaved(sizes)] = np.arange(sum(sizes))
    first = _offsets(np.array(sizes))
    rows = [rows + start for (_, rows, _), start in zip(received, first, strict=True)]
    return Unseen(
        np.concatenate([scores for scores, _, _ in received]),
        place[np.concatenate(rows)],
    )


def _of_rows(bags: Bags, rank: int, world_size: int) -> Bags:
    """Entries of the rows of a rank, with their numbers there."""
    where = np.flatnonzero(bags.ids % world_size == rank)
    return Bags(
        (bags.ids.take(where) // world_size).astype(ID_DTYPE, copy=False),
        np.searchsorted(where, bags.offsets),
        bags.weights.take(where),
        len(range(rank, bags.n_ids, world_size)),
    )


def _offsets(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.cumsum(lengths) - lengths

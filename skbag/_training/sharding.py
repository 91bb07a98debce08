"""How samples of a batch and rows of the table are split among processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.communicator import (
    Ranks,
    share_of,
)
from skbag._core.dtypes import ID_DTYPE


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
    edges : ndarray of shape (n_batches + 1, n_ranks), dtype=int64
        Batch b has the samples ``edges[b, r]`` to ``edges[b + 1, r]`` of rank r.

    Examples
    --------
    >>> cut_positions([6, 3], 4).tolist()
    [[0, 0], [2, 1], [5, 2], [6, 3]]
    """
    n_samples = sum(sizes)
    ends = np.append(np.arange(0, n_samples, batch_size), n_samples)
    return share_of(ends[:, np.newaxis], sizes)


def n_own_rows(n_ids: int, ranks: Ranks) -> int:
    """Number of rows of a table that a rank trains."""
    return len(range(ranks.rank, n_ids, ranks.n_ranks))


def own_rows(array: NDArray[Any], ranks: Ranks) -> NDArray[Any]:
    """Rows of a table that a rank trains: a view."""
    return array[ranks.rank :: ranks.n_ranks]


def whole_table(ranks: Ranks, rows: NDArray[Any]) -> NDArray[Any]:
    """Put the rows that each rank has trained together again."""
    if ranks.n_ranks == 1:
        return rows
    parts = ranks.gather(rows)
    table = np.empty((sum(map(len, parts)), *rows.shape[1:]), dtype=rows.dtype)
    for rank, part in enumerate(parts):
        table[rank :: ranks.n_ranks] = part
    return table


def trade_bags(ranks: Ranks, own: Bags, edges: NDArray[np.int64]) -> Bags:
    """Swap bags of own samples, with all ids, for bags of all samples, with own ids.

    Parameters
    ----------
    ranks : Ranks
    own : Bags
        Of the samples ``edges[0, rank]`` to ``edges[-1, rank]`` of this rank.
    edges : ndarray of shape (n_batches + 1, n_ranks), dtype=int64
        See `cut_positions`.

    Returns
    -------
    bags : Bags
        Of the samples of all ranks, batch after batch and in each rank after rank. An
        id is that of the row among those of this rank.
    """
    if ranks.n_ranks == 1:
        return own
    parts = [_of_rows(own, rank, ranks.n_ranks) for rank in range(ranks.n_ranks)]
    bags = Bags.concatenate(ranks.trade(parts))
    lengths = np.diff(edges, axis=0)
    starts = edges[:-1] - edges[0] + _offsets(edges[-1] - edges[0])
    # The first bag of each part, less the number of bags that come before it.
    shift = starts.ravel() - _offsets(lengths.ravel())
    return bags.take(np.repeat(shift, lengths.ravel()) + np.arange(lengths.sum()))


def _of_rows(bags: Bags, rank: int, n_ranks: int) -> Bags:
    """Entries of the rows of a rank, with their numbers there."""
    where = np.flatnonzero(bags.ids % n_ranks == rank)
    return Bags(
        (bags.ids.take(where) // n_ranks).astype(ID_DTYPE, copy=False),
        np.searchsorted(where, bags.offsets),
        bags.weights.take(where),
        len(range(rank, bags.n_ids, n_ranks)),
    )


def _offsets(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.cumsum(lengths) - lengths

"""The processes that fit one model together: what they tell each other.

All of a fit that concerns more than one process goes through `Ranks`. `Alone` is one
process by itself and does nothing, so that no other room asks how many there are.

Each rank reads samples of its own. Of the table it trains the rows ``rank, rank +
n_ranks, ...`` for the samples of all: ids are numbered by falling frequency, so every
rank has as much to do as another. Batches are cut from the samples of all ranks, from
each a part as large as its share of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.dtypes import ID_DTYPE

_T = TypeVar("_T")

Parts = tuple[int, ...]
"""How many samples of a batch each rank has."""


class Ranks(Protocol):
    """Processes that call the same methods in the same order, each with its values."""

    n_ranks: int
    rank: int

    def enter(self, stage: str) -> None:
        """Note what the fit is doing, for errors."""

    def gather(self, value: _T) -> list[_T]:
        """The values of all ranks, in their order; the same on every rank."""

    def trade(self, values: Sequence[_T]) -> list[_T]:
        """Give ``values[r]`` to rank r; return what each rank has given to this one."""

    def own_sums(self, x: Any, parts: Parts) -> Any:
        """Add up what the ranks have of each sample, for the samples of this one.

        Parameters
        ----------
        x : Tensor of shape (sum(parts), width), dtype=float32
            Of all samples of a batch, by rank: sums over this rank's rows of the table.
        parts : tuple of int

        Returns
        -------
        sums : Tensor of shape (parts[rank], width), dtype=float32
            Added in the order of the ranks.
        """

    def all_gradients(
        self, gradient: Any, head_gradients: Sequence[Any], value: Any, parts: Parts
    ) -> tuple[Any, list[Any], Any]:
        """Give what the samples of each rank say to all ranks.

        Parameters
        ----------
        gradient : Tensor of shape (parts[rank], width), dtype=float32
        head_gradients : sequence of Tensor
        value : Tensor, 0-d
        parts : tuple of int

        Returns
        -------
        gradient : Tensor of shape (sum(parts), width)
            One rank after the other.
        head_gradients, value
            Added in the order of the ranks.
        """


class Alone:
    """One process by itself."""

    n_ranks = 1
    rank = 0

    def enter(self, stage: str) -> None:
        """See `Ranks`."""

    def gather(self, value: _T) -> list[_T]:
        """See `Ranks`."""
        return [value]

    def trade(self, values: Sequence[_T]) -> list[_T]:
        """See `Ranks`."""
        return list(values)

    def own_sums(self, x: Any, parts: Parts) -> Any:
        """See `Ranks`."""
        return x

    def all_gradients(
        self, gradient: Any, head_gradients: Sequence[Any], value: Any, parts: Parts
    ) -> tuple[Any, list[Any], Any]:
        """See `Ranks`."""
        return gradient, list(head_gradients), value


ALONE = Alone()
"""No state: one for all fits."""


def total(ranks: Ranks, value: Any) -> Any:
    """Sum of a number or array over the ranks, in their order."""
    first, *others = ranks.gather(value)
    for other in others:
        first = first + other
    return first


def of_first(ranks: Ranks, value: _T) -> _T:
    """Return the value of the first rank.

    For what follows from equal numbers on all ranks, but may differ in its last bit
    between two kinds of processor.
    """
    return ranks.gather(value)[0]


def weights_together(
    told: Sequence[tuple[int, NDArray[np.float64] | None]],
) -> NDArray[np.float64] | None:
    """Weights of samples that follow each other; None where all count alike.

    Parameters
    ----------
    told : sequence of tuples
        Number of samples, and their weights or None.
    """
    if all(weights is None for _, weights in told):
        return None
    return np.concatenate([np.ones(n) if w is None else w for n, w in told])


def alike_weights(
    ranks: Ranks, weights: NDArray[np.float64] | None, n_samples: int
) -> NDArray[np.float64] | None:
    """Weights of `n_samples`: ones where there are none, but on another rank."""
    are_missing = ranks.gather(weights is None)
    return np.ones(n_samples) if weights is None and not all(are_missing) else weights


def own_generator(ranks: Ranks, rng: np.random.Generator) -> np.random.Generator:
    """Generator for what ranks draw in different numbers; `rng` stays alike on all."""
    if ranks.n_ranks == 1:
        return rng
    return np.random.default_rng([int(rng.integers(2**62)), ranks.rank])


def check_same(ranks: Ranks, facts: dict[str, str]) -> None:
    """Raise on all ranks where one says something else than the first.

    Parameters
    ----------
    ranks : Ranks
    facts : dict of str to str
        What must be alike, by name, in words.

    Raises
    ------
    ValueError
    """
    first, *others = ranks.gather(facts)
    for rank, other in enumerate(others, 1):
        for name, value in first.items():
            if other[name] != value:
                raise ValueError(
                    f"All ranks must agree on {name}, but it is {value:.200} on rank 0 "
                    f"and {other[name]:.200} on rank {rank}. Call fit alike in all "
                    "processes; only the samples differ."
                )


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


def share_of(first: Any, sizes: Sequence[int]) -> NDArray[np.int64]:
    """How many of the first so many of all samples are of each rank.

    Examples
    --------
    >>> share_of(4, [6, 3]).tolist()
    [2, 1]
    """
    each = np.asarray(sizes, dtype=np.int64)
    return np.asarray(first * each // max(each.sum(), 1))


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

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


def share_of(first: Any, sizes: Sequence[int]) -> NDArray[np.int64]:
    """How many of the first so many of all samples are of each rank.

    Examples
    --------
    >>> share_of(4, [6, 3]).tolist()
    [2, 1]
    """
    each = np.asarray(sizes, dtype=np.int64)
    return np.asarray(first * each // max(each.sum(), 1))

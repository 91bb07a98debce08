"""Collective communication of the processes that fit one model together.

All messages of a fit go through a `Communicator`, whose methods have the names of
``torch.distributed``. `SingleProcess` is a group of one and sends nothing, so that no
other module asks how many processes there are.

Each rank reads samples of its own. Of the table it trains the rows ``rank, rank +
world_size, ...`` for the samples of all: ids are numbered by falling frequency, so
every rank has as much to do as another. Batches are cut from the samples of all ranks,
from each a part as large as its share of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

_T = TypeVar("_T")

Parts = tuple[int, ...]
"""How many samples of a batch each rank has."""


class Communicator(Protocol):
    """Processes that call the same methods in the same order, each with its values."""

    world_size: int
    rank: int

    def stage(self, stage: str) -> None:
        """Note what the fit is doing, for errors."""

    def all_gather(self, value: _T) -> list[_T]:
        """The values of all ranks, in their order; the same on every rank."""

    def all_to_all(self, values: Sequence[_T]) -> list[_T]:
        """Give ``values[r]`` to rank r; return what each rank has given to this one."""

    def all_reduce(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Add up arrays of one shape, in the order of the ranks; the same on all."""

    def reduce_scatter(self, x: Any, parts: Parts) -> Any:
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

    def all_reduce_gradients(
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


class SingleProcess:
    """One process by itself."""

    world_size = 1
    rank = 0

    def stage(self, stage: str) -> None:
        """See `Communicator`."""

    def all_gather(self, value: _T) -> list[_T]:
        """See `Communicator`."""
        return [value]

    def all_to_all(self, values: Sequence[_T]) -> list[_T]:
        """See `Communicator`."""
        return list(values)

    def all_reduce(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Communicator`."""
        return x

    def reduce_scatter(self, x: Any, parts: Parts) -> Any:
        """See `Communicator`."""
        return x

    def all_reduce_gradients(
        self, gradient: Any, head_gradients: Sequence[Any], value: Any, parts: Parts
    ) -> tuple[Any, list[Any], Any]:
        """See `Communicator`."""
        return gradient, list(head_gradients), value


SINGLE_PROCESS = SingleProcess()
"""No state: one for all fits."""


def total(communicator: Communicator, value: Any) -> Any:
    """Sum of a number or array over the ranks, in their order."""
    first, *others = communicator.all_gather(value)
    for other in others:
        first = first + other
    return first


def broadcast(communicator: Communicator, value: _T) -> _T:
    """Return the value of the first rank.

    For what follows from equal numbers on all ranks, but may differ in its last bit
    between two kinds of processor.
    """
    return communicator.all_gather(value)[0]


def concatenate_weights(
    received: Sequence[tuple[int, NDArray[np.float64] | None]],
) -> NDArray[np.float64] | None:
    """Weights of samples that follow each other; None where all count alike.

    Parameters
    ----------
    received : sequence of tuples
        Number of samples, and their weights or None.
    """
    if all(weights is None for _, weights in received):
        return None
    return np.concatenate([np.ones(n) if w is None else w for n, w in received])


def weights_on_all(
    communicator: Communicator, weights: NDArray[np.float64] | None, n_samples: int
) -> NDArray[np.float64] | None:
    """Weights of `n_samples`: ones where there are none, but on another rank."""
    are_missing = communicator.all_gather(weights is None)
    return np.ones(n_samples) if weights is None and not all(are_missing) else weights


def generator_of_process(
    communicator: Communicator, rng: np.random.Generator
) -> np.random.Generator:
    """Generator for what ranks draw in different numbers; `rng` stays alike on all."""
    if communicator.world_size == 1:
        return rng
    return np.random.default_rng([int(rng.integers(2**62)), communicator.rank])


def check_same(communicator: Communicator, facts: dict[str, str]) -> None:
    """Raise on all ranks where one says something else than the first.

    Parameters
    ----------
    communicator : Communicator
    facts : dict of str to str
        What must be alike, by name: descriptions.

    Raises
    ------
    ValueError
    """
    first, *others = communicator.all_gather(facts)
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

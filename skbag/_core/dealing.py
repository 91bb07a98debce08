"""Items dealt to the ranks by a hash of each, and answers that come back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

_HALF = np.uint64(32)


@dataclass(frozen=True, eq=False)
class Dealing:
    """Which items go to which rank.

    Parameters
    ----------
    order : ndarray of shape (n_items,), dtype=int64
        Items by rank, those of one rank as they were.
    edges : ndarray of shape (world_size + 1,), dtype=int64
        Where those of each rank begin.
    """

    order: NDArray[np.int64]
    edges: NDArray[np.int64]

    @classmethod
    def by_hash(cls, hashes: NDArray[np.uint64], world_size: int) -> Dealing:
        """Deal by ranges of the hash: the lowest go to the first rank.

        So the hashes of each rank, one rank after the other, are in order where those
        of each rank are.

        Parameters
        ----------
        hashes : ndarray of shape (n_items,), dtype=uint64
        world_size : int
            Below 2**32.
        """
        ranks = ((hashes >> _HALF) * np.uint64(world_size)) >> _HALF
        return cls._by_ranks(ranks, world_size)

    @classmethod
    def by_ranges(cls, values: NDArray[np.int64], edges: NDArray[np.int64]) -> Dealing:
        """Deal by ranges of whole numbers.

        Parameters
        ----------
        values : ndarray of shape (n_items,), dtype=int64
            At least ``edges[0]`` and less than ``edges[-1]``.
        edges : ndarray of shape (world_size + 1,), dtype=int64
            Where the range of each rank begins, and the last ends; not falling.
        """
        ranks = np.searchsorted(edges[1:-1], values, side="right")
        return cls._by_ranks(ranks, len(edges) - 1)

    @classmethod
    def _by_ranks(cls, ranks: NDArray[Any], world_size: int) -> Dealing:
        # The fewer bytes they have the sooner they are sorted.
        small = ranks.astype(np.min_scalar_type(world_size))
        order = np.argsort(small, kind="stable")
        return cls(order, _edges(np.bincount(small, minlength=world_size)))

    @property
    def parts(self) -> list[NDArray[np.int64]]:
        """Places of the items of each rank."""
        return np.split(self.order, self.edges[1:-1])

    def deal(self, values: NDArray[Any]) -> list[NDArray[Any]]:
        """Values of the items of each rank, of shape (n_items,) before."""
        return np.split(values[self.order], self.edges[1:-1])

    def put_back(self, answers: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """Give items what ranks have answered, each in the order it was asked in."""
        joined = np.concatenate(answers)
        values = np.empty_like(joined)
        values[self.order] = joined
        return values


def split_by_sizes(values: NDArray[Any], sizes: Sequence[int]) -> list[NDArray[Any]]:
    """Cut an array into parts of these sizes."""
    edges = _edges(np.asarray(sizes, dtype=np.int64)).tolist()
    return [values[start:stop] for start, stop in pairwise(edges)]


def _edges(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    edges = np.zeros(len(sizes) + 1, dtype=np.int64)
    np.cumsum(sizes, out=edges[1:])
    return edges

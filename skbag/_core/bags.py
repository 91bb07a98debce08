"""Bags: a batch of texts as three arrays, without padding.

The same three arrays are a scipy CSR matrix and the input of
``torch.nn.EmbeddingBag(mode="sum", include_last_offset=True)``::

    here      EmbeddingBag         CSR
    ids       input                indices   which token, or which column
    offsets   offsets              indptr    where each text's bag starts
    weights   per_sample_weights   data      how much it counts

so that ``embedding_bag(ids, E, offsets, weights)`` is ``bags.to_csr() @ E``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skbag._core.bag_kernels import sum_rows
from skbag._core.dtypes import ID_DTYPE, OFFSET_DTYPE, WEIGHT_DTYPE
from skbag._core.join_kernels import put_entries
from skbag._core.sparse_checks import (
    check_csr,
)

IDS_PER_ENTRY = 16
"""More ids than so many for each entry of bags are found by sorting the entries, ..."""

MOST_IDS_PER_ENTRY = 256
"""... and of more than so many not even a number each is worth its memory."""


class EmbeddingBagInput(NamedTuple):
    """Bags as ``torch.nn.EmbeddingBag(mode="sum")`` takes them, in numpy arrays."""

    text: NDArray[np.int64]
    """Which row of the table each entry means, (nnz,)."""

    offsets: NDArray[np.int64]
    """Where the bag of each text starts in `text`, (n_samples,)."""

    per_sample_weights: NDArray[np.float32]
    """How much each entry counts, (nnz,)."""


class Entries(NamedTuple):
    """Bags as they are stored, for kernels: see `SomeBags.entries`."""

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    weights: NDArray[Any]
    """Of dtype float32 or uint8."""

    rows: NDArray[np.int64] | None
    """Which of the stored bags are meant, in which order; None for all in theirs."""

    new_ids: NDArray[np.int32] | None
    """What a stored id becomes, -1 to leave it out; None where ids stay."""


class SomeBags(Protocol):
    """Bags, or what makes them where they are looked at."""

    @property
    def n_ids(self) -> int:
        """Number of rows of the table."""

    @property
    def mean_length(self) -> float:
        """Mean number of ids of a bag, about."""

    def __len__(self) -> int:
        """Return the number of bags."""

    def slice(self, start: int, stop: int) -> Bags:
        """Bags `start` to `stop`."""

    def entries(self) -> Entries:
        """Return the arrays that the bags are made of."""


@dataclass(frozen=True, eq=False)
class Bags:
    """A batch of bags of weighted ids.

    Parameters
    ----------
    ids : ndarray of shape (nnz,), dtype=int32
        Which row of the table each entry means, in ``[0, n_ids)``.
    offsets : ndarray of shape (n_samples + 1,), dtype=int64
        Bag ``i`` is ``ids[offsets[i]:offsets[i + 1]]``. The first is 0, the last nnz.
    weights : ndarray of shape (nnz,), dtype=float32
        How much each entry counts. What an encoder has learnt, counts still to be
        weighted, may be of dtype uint8.
    n_ids : int
        Number of rows of the table (columns of the matrix).
    """

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    weights: NDArray[Any]
    n_ids: int

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def mean_length(self) -> float:
        """Mean number of ids of a bag."""
        return len(self.ids) / max(len(self), 1)

    @classmethod
    def from_csr(cls, X: Any) -> Bags:
        """Bags of the rows of a matrix: column ``j`` is id ``j``, a value a weight.

        Parameters
        ----------
        X : scipy sparse matrix or array of shape (n_samples, n_ids)
            Of any format; entries of a repeated column add up, as in a product.

        Raises
        ------
        ValueError
            See `check_csr`.
        """
        if not (sp.issparse(X) and X.format == "csr"):
            X = sp.csr_array(X)
        check_csr(X)
        n_entries = X.indptr[-1]
        ids, offsets, weights = X.indices[:n_entries], X.indptr, X.data[:n_entries]
        return cls(
            ids=np.ascontiguousarray(ids, dtype=ID_DTYPE),
            offsets=np.ascontiguousarray(offsets, dtype=OFFSET_DTYPE),
            weights=np.ascontiguousarray(weights, dtype=WEIGHT_DTYPE),
            n_ids=X.shape[1],
        )

    def to_csr(self) -> sp.csr_array:
        """Return the same three arrays as a scipy CSR array; nothing is copied.

        For products. Operations of scipy that sort or sum the entries (``abs``, ``+``)
        would do so in these arrays.
        """
        return sp.csr_array(
            (self.weights, self.ids, self.offsets), shape=(len(self), self.n_ids)
        )

    def to_embedding_bag(self) -> EmbeddingBagInput:
        """Copy the three arrays into those of a torch or ONNX graph.

        torch wants ids and offsets of one dtype, and by default no last offset.
        """
        return EmbeddingBagInput(
            text=self.ids.astype(np.int64),
            offsets=self.offsets[:-1].astype(np.int64),
            per_sample_weights=self.weights.astype(WEIGHT_DTYPE),
        )

    def matmul(self, table: NDArray[np.float32]) -> NDArray[np.float32]:
        """Weighted sum of the rows of a table for each bag: ``to_csr() @ table``.

        Parameters
        ----------
        table : ndarray of shape (n_ids, width), dtype=float32

        Returns
        -------
        sums : ndarray of shape (n_samples, width), dtype=float32
            Of a bag the same in whatever company: added up in the order of its ids.
        """
        sums = np.zeros((len(self), table.shape[1]), dtype=WEIGHT_DTYPE)
        table = np.ascontiguousarray(table, dtype=WEIGHT_DTYPE)
        sum_rows(self.ids, self.offsets, self.weights, table, sums)
        return sums

    def slice(self, start: int, stop: int) -> Bags:
        """Bags ``start`` to ``stop``: views, except for the offsets."""
        first, last = self.offsets[start], self.offsets[stop]
        return Bags(
            self.ids[first:last],
            self.offsets[start : stop + 1] - first,
            self.weights[first:last],
            self.n_ids,
        )

    def entries(self) -> Entries:
        """Return the three arrays: all bags, in order."""
        return Entries(self.ids, self.offsets, self.weights, None, None)

    def take(self, rows: NDArray[np.int64]) -> Bags:
        """Bags of the given numbers, in that order, repeated ones included."""
        lengths = (self.offsets[1:] - self.offsets[:-1])[rows]
        offsets = np.zeros(len(rows) + 1, dtype=OFFSET_DTYPE)
        np.cumsum(lengths, out=offsets[1:])
        entries = np.arange(offsets[-1])
        entries += np.repeat(self.offsets[rows] - offsets[:-1], lengths)
        return Bags(self.ids[entries], offsets, self.weights[entries], self.n_ids)

    def compacted(self) -> tuple[NDArray[np.int32], Bags]:
        """Leave out the ids that do not occur.

        Returns
        -------
        ids : ndarray of shape (n_occurring,), dtype=int32
            Those that do, ascending.
        bags : Bags
            The same bags with the places of `ids` as ids.
        """
        if self.n_ids > MOST_IDS_PER_ENTRY * len(self.ids):
            ids, places = np.unique(self.ids, return_inverse=True)
            local = places.ravel().astype(ID_DTYPE)
            return ids, Bags(local, self.offsets, self.weights, len(ids))
        if self.n_ids > IDS_PER_ENTRY * len(self.ids):
            # Not np.unique, which since NumPy 2.3 takes several times as long.
            ids = np.sort(self.ids)
            ids = ids[np.flatnonzero(np.diff(ids, prepend=-1))]
        else:
            # The same without sorting, in time that grows with the number of ids.
            occurs = np.zeros(self.n_ids, dtype=np.bool_)
            occurs[self.ids] = True
            ids = np.flatnonzero(occurs).astype(ID_DTYPE)
        # Not filled: only the numbers of these are read.
        numbers = np.empty(self.n_ids, dtype=ID_DTYPE)
        numbers[ids] = np.arange(len(ids), dtype=ID_DTYPE)
        local = numbers[self.ids]
        return ids, Bags(local, self.offsets, self.weights, len(ids))

    def with_weights(self, weights: NDArray[Any]) -> Bags:
        """Return the same bags with other weights."""
        return Bags(self.ids, self.offsets, weights, self.n_ids)

    def renumber(self, new_ids: NDArray[np.int32], n_ids: int) -> Bags:
        """Bags with other numbers for the ids, or without some.

        Parameters
        ----------
        new_ids : ndarray of shape (self.n_ids,), dtype=int32
            What each id becomes; -1 leaves it out.
        n_ids : int
            Number of ids then.
        """
        ids = new_ids.take(self.ids)
        stays = np.flatnonzero(ids >= 0)
        if len(stays) == len(ids):
            return Bags(ids, self.offsets, self.weights, n_ids)
        offsets = np.searchsorted(stays, self.offsets)
        return Bags(ids.take(stays), offsets, self.weights.take(stays), n_ids)

    def row_sums(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Sum one value per entry over each bag.

        Parameters
        ----------
        values : ndarray of shape (nnz,)
            One value per entry.

        Returns
        -------
        sums : ndarray of shape (n_samples,), dtype=float32
            Zero for an empty bag.
        """
        lengths = self.offsets[1:] - self.offsets[:-1]
        if len(lengths) and lengths.all():
            sums = np.add.reduceat(values, self.offsets[:-1])
            return sums.astype(WEIGHT_DTYPE, copy=False)
        sums = np.zeros(len(self), dtype=WEIGHT_DTYPE)
        filled = np.flatnonzero(lengths)
        if len(filled):
            # reduceat gives a wrong value for an empty segment, so only for filled.
            sums[filled] = np.add.reduceat(values, self.offsets[:-1][filled])
        return sums

    @staticmethod
    def side_by_side(
        parts: Sequence[Bags], new_ids: Sequence[NDArray[np.int32]], n_ids: int
    ) -> Bags:
        """Join bags of the same samples: each has the entries of the first part first.

        Parameters
        ----------
        parts : sequence of Bags
            Of as many bags each, at least one part.
        new_ids : sequence of ndarray of dtype int32
            What each id of each part becomes.
        n_ids : int
            Number of ids then.
        """
        offsets = np.sum([part.offsets for part in parts], axis=0)
        ids = np.empty(offsets[-1], dtype=ID_DTYPE)
        dtype = np.result_type(*(part.weights.dtype for part in parts))
        weights = np.empty(offsets[-1], dtype=dtype)
        places = offsets[:-1].copy()
        for part, numbers in zip(parts, new_ids, strict=True):
            put_entries(
                part.ids, part.offsets, part.weights, numbers, places, ids, weights
            )
        return Bags(ids, offsets, weights, n_ids)

    @staticmethod
    def concatenate(parts: list[Bags]) -> Bags:
        """Put bags of the same table one after the other (at least one part)."""
        if len(parts) == 1:
            return parts[0]
        lengths = np.concatenate([np.diff(part.offsets) for part in parts])
        offsets = np.zeros(len(lengths) + 1, dtype=OFFSET_DTYPE)
        np.cumsum(lengths, out=offsets[1:])
        return Bags(
            np.concatenate([part.ids for part in parts]),
            offsets,
            np.concatenate([part.weights for part in parts]),
            max(part.n_ids for part in parts),
        )

"""Document counts of several ranks: each adds up those of a block of ids.

What follows from counts by token, its weight, the rank of the block computes for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skbag._core.communicator import Communicator, total
from skbag._core.dealing import Dealing
from skbag._weighting.document_counts import DocumentCounts, summed_csr

_MOST_PLACES = 1024
"""At how many ids ranks say how much they have before them, to cut even blocks."""


@dataclass(frozen=True, eq=False)
class CountBlock:
    """Counts of the documents of all ranks, of the tokens of one block.

    Parameters
    ----------
    communicator : Communicator
        Ranks in the order of their blocks.
    counts : DocumentCounts
        Of the tokens of this rank's block; totals are those of all documents.
    ids : slice
        Of these tokens.
    """

    communicator: Communicator
    counts: DocumentCounts
    ids: slice

    @classmethod
    def of(
        cls,
        communicator: Communicator,
        own: DocumentCounts,
        ids: NDArray[np.int32] | None,
        n_ids: int,
    ) -> CountBlock:
        """Add up what ranks have counted.

        Parameters
        ----------
        communicator : Communicator
        own : DocumentCounts
            Of the documents of this rank.
        ids : ndarray of shape (n_own_ids,), dtype=int32, or None
            The id of each token counted there, -1 to leave it out; None where it is
            its number.
        n_ids : int
            Tokens of all ranks.
        """
        if ids is None:
            ids = np.arange(n_ids, dtype=np.int32)
        n_classes = own.class_counts.shape[1]
        rows = np.repeat(ids, np.diff(own.class_counts.indptr))
        edges = _even_edges(communicator, rows, n_ids)
        start, stop = edges[communicator.rank : communicator.rank + 2].tolist()
        shape = (stop - start, n_classes)
        columns, values = own.class_counts.indices, own.class_counts.data
        class_counts = _added_up(communicator, edges, rows, columns, values, shape)
        class_totals = total(communicator, own.class_totals)
        if own.exclusive:
            counts = DocumentCounts.of_classes(class_counts, class_totals)
        else:
            one = np.zeros(len(ids), dtype=np.int32)
            df = _added_up(communicator, edges, ids, one, own.df, (shape[0], 1))
            n_documents = total(communicator, own.n_documents)
            counts = DocumentCounts(
                class_counts, class_totals, df.toarray().ravel(), n_documents, False
            )
        return cls(communicator, counts, slice(start, stop))

    def gather(self) -> DocumentCounts:
        """Counts of all tokens, on all ranks."""
        own = self.counts.class_counts
        lengths, columns = np.diff(own.indptr), own.indices
        received = self.communicator.all_gather(
            (
                _small(lengths),
                _small(columns),
                _small(own.data),
                None if self.counts.exclusive else _small(self.counts.df),
            )
        )
        lengths, columns, values = (
            np.concatenate([part[i] for part in received]) for i in range(3)
        )
        indptr = np.zeros(len(lengths) + 1, dtype=np.int64)
        np.cumsum(lengths, out=indptr[1:])
        class_counts = sp.csr_array(
            (values.astype(np.float64), columns.astype(np.int32), indptr),
            shape=(len(lengths), own.shape[1]),
        )
        totals = self.counts.class_totals
        if self.counts.exclusive:
            return DocumentCounts.of_classes(class_counts, totals)
        df = np.concatenate([part[3] for part in received]).astype(np.float64)
        return DocumentCounts(class_counts, totals, df, self.counts.n_documents, False)


def _even_edges(
    communicator: Communicator, rows: NDArray[np.int32], n_ids: int
) -> NDArray[np.int64]:
    """Where the blocks begin, and the last ends: even in counts and tokens together."""
    places = np.unique(np.linspace(0, n_ids, _MOST_PLACES + 1).astype(np.int64))
    # Of the rows left out, -1, none is counted.
    of_place = np.searchsorted(places, rows[rows >= 0], side="right")
    n_before = np.cumsum(np.bincount(of_place, minlength=len(places) + 1))[:-1]
    work = total(communicator, n_before) + places
    inner = np.arange(1, communicator.world_size) * work[-1] / communicator.world_size
    return np.concatenate([[0], places[np.searchsorted(work, inner)], [n_ids]])


def _added_up(
    communicator: Communicator,
    edges: NDArray[np.int64],
    rows: NDArray[np.int32],
    columns: NDArray[np.int32],
    values: NDArray[np.float64],
    shape: tuple[int, int],
) -> sp.csr_array:
    """Matrix of the rows of this rank's block, with the values of all ranks added."""
    n_columns = shape[1]
    is_kept = rows >= 0
    pairs = rows[is_kept] * np.int64(n_columns) + columns[is_kept]
    dealing = Dealing.by_ranges(pairs, edges * n_columns)
    dealt = [
        (_small(own - first), _small(counts))
        for own, counts, first in zip(
            dealing.deal(pairs),
            dealing.deal(values[is_kept]),
            (edges[:-1] * n_columns).tolist(),
            strict=True,
        )
    ]
    received = communicator.all_to_all(dealt)
    own_pairs = np.concatenate([own for own, _ in received]).astype(np.int64)
    counts = np.concatenate([counts for _, counts in received]).astype(np.float64)
    return summed_csr(own_pairs, counts, shape)


def _small(values: NDArray[Any]) -> NDArray[Any]:
    """Values as unsigned integers in as few bytes as will do, if they are such."""
    largest = values.max(initial=0)
    if largest >= 2**53 or not (values == np.floor(values)).all():
        return values
    return values.astype(np.min_scalar_type(int(largest)))

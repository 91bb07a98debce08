"""Mini-batches: slices of the bags, each with its transpose for the backward pass.

The backward pass of ``X @ E`` is ``X.T @ gradient``, itself a sum of bags: one bag for
each id that the batch touches, holding the batch's texts. Made once per fit, it lets
every epoch read and write the touched rows only, each once, whatever the size of the
table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skbag._bags import Bags
from skbag._dtypes import OFFSET_DTYPE


@dataclass(frozen=True, eq=False)
class Batch:
    """Tensors of a mini-batch of texts `start` to `stop`, on the training device.

    Parameters
    ----------
    ids, offsets, weights : Tensor
        The bags, as in `Bags`.
    rows : Tensor of shape (n_rows,), dtype=int64
        The ids that occur, each once, ascending.
    row_texts : Tensor of shape (nnz,), dtype=int32
        For each row in turn, the texts (0 is `start`) that hold it.
    row_offsets : Tensor of shape (n_rows + 1,), dtype=int32
        Where each row's texts start.
    row_weights : Tensor of shape (nnz,), dtype=float32
        The weights in that order.
    order : Tensor of shape (nnz,), dtype=int32, or None
        The place in `weights` of each entry of `row_weights`; kept where dropout
        must blank the same entries in both.
    codes : Tensor of shape (n_texts,), dtype=int64
    sample_weight : Tensor of shape (n_texts,), dtype=float32, or None
    """

    start: int
    stop: int
    ids: Tensor
    offsets: Tensor
    weights: Tensor
    rows: Tensor
    row_texts: Tensor
    row_offsets: Tensor
    row_weights: Tensor
    order: Tensor | None
    codes: Tensor
    sample_weight: Tensor | None

    def __len__(self) -> int:
        return self.stop - self.start


def make_batches(
    bags: Bags,
    codes: NDArray[np.int64],
    sample_weight: NDArray[np.float32] | None,
    *,
    batch_size: int,
    device: torch.device,
    keep_order: bool = False,
) -> list[Batch]:
    """Cut bags into consecutive batches.

    Parameters
    ----------
    bags : Bags
    codes : ndarray of shape (n_samples,), dtype=int64
    sample_weight : ndarray of shape (n_samples,), dtype=float32, or None
    batch_size : int
        Texts per batch; the last may be smaller.
    device : torch.device
    keep_order : bool
        Keep what dropout needs.
    """

    def tensor(array: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(device)

    batches = []
    for start in range(0, len(bags), batch_size):
        stop = min(start + batch_size, len(bags))
        part = bags.slice(start, stop)
        rows, row_offsets, order = transpose(part)
        texts = np.repeat(np.arange(len(part), dtype=np.int32), np.diff(part.offsets))
        batches.append(
            Batch(
                start=start,
                stop=stop,
                ids=tensor(part.ids),
                offsets=tensor(part.offsets.astype(np.int32)),
                weights=tensor(part.weights),
                rows=tensor(rows),
                row_texts=tensor(texts[order]),
                row_offsets=tensor(row_offsets),
                row_weights=tensor(part.weights[order]),
                order=tensor(order) if keep_order else None,
                codes=tensor(codes[start:stop]),
                sample_weight=None
                if sample_weight is None
                else tensor(sample_weight[start:stop]),
            )
        )
    return batches


def transpose(
    bags: Bags,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """Group the entries of a few bags by id.

    Costs a sort of the entries, whatever the size of the table.

    Returns
    -------
    rows : ndarray of shape (n_rows,), dtype=int64
        The ids that occur, ascending.
    row_offsets : ndarray of shape (n_rows + 1,), dtype=int32
        Where the entries of each start in `order`.
    order : ndarray of shape (nnz,), dtype=int64
        Entries of the bags, by id; those of one id in the order of the texts.
    """
    n_entries = len(bags.ids)
    # One sort of (id, place) packed in a word: several times faster than argsort, and
    # the place keeps it stable.
    bits = max(1, n_entries - 1).bit_length()
    packed = bags.ids.astype(np.int64)
    packed <<= bits
    packed |= np.arange(n_entries, dtype=OFFSET_DTYPE)
    packed.sort()
    order = packed & ((1 << bits) - 1)
    packed >>= bits
    first = np.flatnonzero(np.diff(packed, prepend=-1))
    row_offsets = np.append(first, n_entries).astype(np.int32)
    return packed[first], row_offsets, order

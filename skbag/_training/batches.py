"""Mini-batches: slices of the bags, each with its transpose for the backward pass.

The backward pass of ``X @ E`` is ``X.T @ gradient``, itself a sum of bags: one bag for
each id that the batch touches, holding the batch's texts. Made once per fit, it lets
every epoch read and write the touched rows only, each once, whatever the size of the
table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skbag._core.bags import Bags, SomeBags
from skbag._core.communicator import SINGLE_PROCESS, Communicator, Parts
from skbag._core.dtypes import ID_DTYPE
from skbag._core.sorting import argsort
from skbag._targets.label_sets import Codes, as_array
from skbag._training.sharding import cut_positions, exchange_bags

ENTRIES_AT_ONCE = 2**18
"""Batches are made several at a time, of about so many entries together."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Tensors of a mini-batch, on the training device.

    Parameters
    ----------
    start, stop : int
        Its texts are `start` to `stop` of this process; others of other ranks' may be
        in it.
    parts : tuple of int
        How many texts of each rank are in it, rank after rank.
    ids, offsets, weights : Tensor
        The bags, as in `Bags`.
    rows : Tensor of shape (n_rows,), dtype=int64
        The ids that occur, each once, ascending.
    row_texts : Tensor of shape (nnz,), dtype=int32
        For each row in turn, the texts (0 is the first) that hold it.
    row_offsets : Tensor of shape (n_rows + 1,), dtype=int32
        Where each row's texts start.
    row_weights : Tensor of shape (nnz,), dtype=float32
        The weights in that order.
    order : Tensor of shape (nnz,), dtype=int32, or None
        The place in `weights` of each entry of `row_weights`; kept where dropout
        must blank the same entries in both.
    codes : Tensor of shape (n_texts,) or (n_true, 2), dtype=int64
        Classes of the texts of this process, or pairs of text (0 is `start`) and label.
    sample_weight : Tensor of shape (n_texts,), dtype=float32, or None
        Of the texts of this process.
    """

    start: int
    stop: int
    parts: Parts
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
        return sum(self.parts)

    def to(self, device: torch.device, *, non_blocking: bool = False) -> Batch:
        """Return the same batch on a device."""
        return self._mapped(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pinned(self) -> Batch:
        """Return the same batch in page-locked memory, for copies in the background."""
        return self._mapped(lambda tensor: tensor.pin_memory())

    def tensors(self) -> list[Tensor]:
        """Return all tensors."""
        values = (getattr(self, field.name) for field in fields(self))
        return [value for value in values if isinstance(value, Tensor)]

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors."""
        return sum(tensor.nbytes for tensor in self.tensors())

    def _mapped(self, function: Callable[[Tensor], Tensor]) -> Batch:
        tensors: dict[str, Any] = {
            field.name: function(value)
            for field in fields(self)
            if isinstance(value := getattr(self, field.name), Tensor)
        }
        return replace(self, **tensors)


def make_batches(
    bags: SomeBags,
    codes: Codes,
    sample_weight: Callable[[Bags, int], NDArray[np.float64] | None],
    *,
    batch_size: int,
    keep_order: bool = False,
    communicator: Communicator = SINGLE_PROCESS,
) -> list[Batch]:
    """Cut bags into consecutive batches, on the CPU.

    Parameters
    ----------
    bags : Bags or LazyBags
    codes : ndarray of shape (n_samples,), dtype=int64, or LabelSets
    sample_weight : callable
        Gives the weights of some of the bags, starting at a number, or None where all
        are 1.
    batch_size : int
        Texts per batch, those of all ranks together; the last may be smaller.
    keep_order : bool
        Keep what dropout needs.
    communicator : Communicator
        Who has bags, too. The batches then hold bags of all ranks, and of those the
        entries whose rows this rank trains.
    """
    batches: list[Batch] = []
    edges = cut_positions(communicator.all_gather(len(bags)), batch_size)
    mean_length = float(np.mean(communicator.all_gather(bags.mean_length)))
    of_entries = int(ENTRIES_AT_ONCE / max(mean_length * batch_size, 1))
    step = max(1, of_entries)
    for first in range(0, len(edges) - 1, step):
        group_edges = edges[first : first + step + 1]
        start, stop = group_edges[[0, -1], communicator.rank].tolist()
        own_bags = bags.slice(start, stop)
        weight = sample_weight(own_bags, start)
        part = exchange_bags(communicator, own_bags, group_edges)
        batches.extend(
            _cut(part, codes, weight, group_edges, communicator, keep_order=keep_order)
        )
    return batches


def _cut(
    bags: Bags,
    codes: Codes,
    sample_weight: NDArray[np.float64] | None,
    edges: NDArray[np.int64],
    communicator: Communicator,
    *,
    keep_order: bool,
) -> Iterator[Batch]:
    """Cut the bags between the first and the last of `edges` into batches.

    Entries lie in two orders: by text and, transposed, by row of the table. Of the bags
    ``[5, 7], [5]`` in one batch the first is ``ids = [5, 7, 5]``, ``offsets = [0, 2,
    3]``; the second ``rows = [5, 7]``, ``row_texts = [0, 1, 0]``, ``row_offsets = [0,
    2, 3]``: row 5 is in the texts 0 and 1, row 7 in text 0.
    """
    own_edges = edges[:, communicator.rank].tolist()
    all_edges = (edges - edges[0]).sum(axis=1)
    bounds = bags.offsets[all_edges]
    rows, row_starts, order = _transpose(bags, all_edges)
    lengths = np.diff(all_edges)
    texts = np.arange(len(bags), dtype=ID_DTYPE)
    texts -= np.repeat(all_edges[:-1].astype(ID_DTYPE), lengths)
    texts = np.repeat(texts, np.diff(bags.offsets))
    row_texts, row_weights = texts[order], bags.weights[order]
    first_rows = np.searchsorted(row_starts, bounds)
    for i, parts in enumerate(np.diff(edges, axis=0).tolist()):
        entries = slice(bounds[i], bounds[i + 1])
        # One more: where the rows of a batch end, those of the next begin.
        own_rows = slice(first_rows[i], first_rows[i + 1])
        row_offsets = np.append(row_starts[own_rows], bounds[i + 1]) - bounds[i]
        of_batch = bags.offsets[all_edges[i] : all_edges[i + 1] + 1]
        start, stop = own_edges[i], own_edges[i + 1]
        weight = None
        if sample_weight is not None:
            weight = sample_weight[start - own_edges[0] : stop - own_edges[0]]
        yield Batch(
            start=start,
            stop=stop,
            parts=tuple(parts),
            ids=_tensor(bags.ids[entries]),
            offsets=_tensor(of_batch - bounds[i], np.int32),
            weights=_tensor(bags.weights[entries]),
            rows=_tensor(rows[own_rows]),
            row_texts=_tensor(row_texts[entries]),
            row_offsets=_tensor(row_offsets, np.int32),
            row_weights=_tensor(row_weights[entries]),
            order=_tensor(order[entries] - bounds[i]) if keep_order else None,
            codes=_tensor(as_array(codes[start:stop])),
            sample_weight=None if weight is None else _tensor(weight, np.float32),
        )


def _tensor(array: NDArray[Any], dtype: Any = None) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=dtype))


def transpose(
    bags: Bags, batch_size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Group the entries of each batch by id.

    Costs a sort of the entries, whatever the size of the table.

    Parameters
    ----------
    bags : Bags
    batch_size : int
        Bags per batch.

    Returns
    -------
    rows : ndarray of shape (n_rows,), dtype=int64
        The ids that occur in the first batch, ascending, those in the second, ...
    row_starts : ndarray of shape (n_rows,), dtype=int64
        Where the entries of each start in `order`.
    order : ndarray of shape (nnz,), dtype=int64
        Entries of the bags, by batch and id; those of one id in the order of the bags.
    """
    return _transpose(bags, np.append(np.arange(0, len(bags), batch_size), len(bags)))


def _transpose(
    bags: Bags, edges: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Do the same for batches of the bags between two of `edges`."""
    n_batches = len(edges) - 1
    id_bits = bags.n_ids.bit_length()
    fits = id_bits + n_batches.bit_length() < 32
    dtype: Any = np.int32 if fits else np.int64
    numbers = np.arange(n_batches, dtype=dtype) << id_bits
    numbers = np.repeat(numbers, np.diff(edges))
    keys: NDArray[Any] = np.repeat(numbers, np.diff(bags.offsets))
    keys |= bags.ids
    order = argsort(keys)
    keys = keys[order]
    is_first = np.empty(len(keys), dtype=np.bool_)
    is_first[:1] = True
    np.not_equal(keys[1:], keys[:-1], out=is_first[1:])
    row_starts = np.flatnonzero(is_first)
    rows = keys[row_starts].astype(np.int64) & ((1 << id_bits) - 1)
    return rows, row_starts, order

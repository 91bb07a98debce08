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

from skbag._bags import Bags, SomeBags
from skbag._dtypes import ID_DTYPE
from skbag._label_sets import Codes, as_array
from skbag._sorting import argsort

ENTRIES_AT_ONCE = 2**18
"""Batches are made several at a time, of about so many entries together."""


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
    codes : Tensor of shape (n_texts,) or (n_true, 2), dtype=int64
        Classes, or pairs of text (0 is `start`) and label.
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
        Texts per batch; the last may be smaller.
    keep_order : bool
        Keep what dropout needs.
    """
    batches: list[Batch] = []
    of_entries = int(ENTRIES_AT_ONCE / max(bags.mean_length * batch_size, 1))
    step = max(1, of_entries) * batch_size
    for start in range(0, len(bags), step):
        part = bags.slice(start, min(start + step, len(bags)))
        weight = sample_weight(part, start)
        batches.extend(
            _cut(part, codes, weight, start, batch_size, keep_order=keep_order)
        )
    return batches


def _cut(
    bags: Bags,
    codes: Codes,
    sample_weight: NDArray[np.float64] | None,
    start: int,
    batch_size: int,
    *,
    keep_order: bool,
) -> Iterator[Batch]:
    """Cut bags, of which the first is sample `start`, into batches."""
    edges = np.append(np.arange(0, len(bags), batch_size), len(bags))
    bounds = bags.offsets[edges]
    rows, row_starts, order = transpose(bags, batch_size)
    texts = np.repeat(
        np.arange(len(bags), dtype=ID_DTYPE) % batch_size, np.diff(bags.offsets)
    )
    row_texts, row_weights = texts[order], bags.weights[order]
    first_rows = np.searchsorted(row_starts, bounds)
    for i, (first, last) in enumerate(zip(edges, edges[1:], strict=False)):
        entries = slice(bounds[i], bounds[i + 1])
        # One more: where the rows of a batch end, those of the next begin.
        own_rows = slice(first_rows[i], first_rows[i + 1])
        row_offsets = np.append(row_starts[own_rows], bounds[i + 1]) - bounds[i]
        weight = None if sample_weight is None else sample_weight[first:last]
        yield Batch(
            start=int(start + first),
            stop=int(start + last),
            ids=_tensor(bags.ids[entries]),
            offsets=_tensor((bags.offsets[first : last + 1] - bounds[i]), np.int32),
            weights=_tensor(bags.weights[entries]),
            rows=_tensor(rows[own_rows]),
            row_texts=_tensor(row_texts[entries]),
            row_offsets=_tensor(row_offsets, np.int32),
            row_weights=_tensor(row_weights[entries]),
            order=_tensor(order[entries] - bounds[i]) if keep_order else None,
            codes=_tensor(as_array(codes[start + first : start + last])),
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
    n_batches = -(-len(bags) // batch_size)
    id_bits = bags.n_ids.bit_length()
    fits = id_bits + n_batches.bit_length() < 32
    numbers = np.arange(len(bags), dtype=np.int64) // batch_size << id_bits
    numbers = numbers.astype(np.int32 if fits else np.int64)
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

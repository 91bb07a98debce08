"""Sorting and adding up numbers, as fitting does many millions of times.

torch's radix sort takes a fourth to a tenth of the time of numpy's comparison sort.
It may only be called from one thread of a process: another would start threads of its
own that then compete with the first one's. It is imported inside the functions, since
prediction must not need it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

SMALLEST = 2**15
"""torch sorts fewer numbers by comparing them, slower than numpy."""


def sort(values: NDArray[Any]) -> NDArray[Any]:
    """Sort numbers; they may be overwritten.

    Parameters
    ----------
    values : ndarray of shape (n,), dtype=int32 or int64

    Returns
    -------
    ascending : ndarray of shape (n,)
    """
    if len(values) < SMALLEST:
        values.sort()
        return values
    import torch

    ascending: NDArray[Any] = torch.sort(torch.from_numpy(values)).values.numpy()
    return ascending


def argsort(values: NDArray[Any]) -> NDArray[np.int64]:
    """Find the order of numbers; equal ones stay in the order they are in.

    Parameters
    ----------
    values : ndarray of shape (n,), dtype=int32 or int64

    Returns
    -------
    order : ndarray of shape (n,), dtype=int64
        ``values[order]`` is ascending.
    """
    if len(values) < SMALLEST:
        return np.argsort(values, kind="stable")
    import torch

    order = torch.sort(torch.from_numpy(values), stable=True).indices
    return np.asarray(order.numpy())


def add_at(
    sums: NDArray[np.float64], places: NDArray[np.int64], values: NDArray[np.float64]
) -> None:
    """Add values to numbers at places, repeated ones too: ``np.add.at``, in a tenth.

    Parameters
    ----------
    sums : ndarray of shape (n_sums,), dtype=float64
    places : ndarray of shape (n,), dtype=int64
    values : ndarray of shape (n,), dtype=float64
    """
    import torch

    torch.from_numpy(sums).scatter_add_(
        0, torch.from_numpy(places), torch.from_numpy(values)
    )

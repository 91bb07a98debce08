"""Arrays whose rows may become more, at a cost that follows the new ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class GrowingRows:
    """Rows of numbers that more are put after; the first ones stay where they are.

    What was handed out by `first` shows later changes of its rows, and does not see
    rows put after it.

    Parameters
    ----------
    rows : ndarray of shape (n, ...)
        The first rows; taken over.
    """

    def __init__(self, rows: NDArray[Any]) -> None:
        self._buffer = rows
        self._n = len(rows)

    def __len__(self) -> int:
        return self._n

    @property
    def capacity(self) -> int:
        """Rows that there is room for without moving any."""
        return len(self._buffer)

    def first(self, n: int) -> NDArray[Any]:
        """View of the first `n` rows."""
        return self._buffer[:n]

    def put(self, n_before: int, rows: NDArray[Any]) -> NDArray[Any]:
        """Put rows after the first `n_before`; a view of all these.

        Others that were put there before, by a call that failed later, are overwritten.
        """
        n = n_before + len(rows)
        if n > len(self._buffer):
            # Memory that is never written takes none.
            shape = (2 * n + 16, *self._buffer.shape[1:])
            buffer = np.empty(shape, dtype=self._buffer.dtype)
            buffer[:n_before] = self._buffer[:n_before]
            self._buffer = buffer
        self._buffer[n_before:n] = rows
        self._n = n
        return self._buffer[:n]

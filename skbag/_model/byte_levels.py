"""Positive numbers rounded to 256 levels, in equal ratios: a byte for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.dtypes import WEIGHT_DTYPE

N_LEVELS = 256


@dataclass(frozen=True, eq=False)
class ByteLevels:
    """Numbers of which at most 256 differ.

    Parameters
    ----------
    codes : ndarray of shape (n,), dtype=uint8
    levels : ndarray of shape (n_levels,), dtype=float32
        Ascending; the number of each code.
    """

    codes: NDArray[np.uint8]
    levels: NDArray[np.float32]

    @classmethod
    def of(cls, numbers: NDArray[np.float32]) -> ByteLevels:
        """Numbers that are levels already, exactly.

        Raises
        ------
        ValueError
            If more than 256 differ.
        """
        levels, codes = np.unique(numbers, return_inverse=True)
        if len(levels) > N_LEVELS:
            raise ValueError(f"{len(levels)} different numbers, at most {N_LEVELS} fit")
        return cls(codes.ravel().astype(np.uint8), levels)

    @property
    def values(self) -> NDArray[np.float32]:
        """The numbers, of shape (n,)."""
        return self.levels.take(self.codes)

    @classmethod
    def rounded(
        cls, numbers: NDArray[Any], n_levels: int = N_LEVELS, *, up: bool = False
    ) -> ByteLevels:
        """Round positive numbers to levels in equal ratios.

        Parameters
        ----------
        numbers : ndarray of shape (n,)
        n_levels : int
            At most 256.
        up : bool, default=False
            Whether to round up to a level, and not to the nearest.
        """
        if not len(numbers):
            return cls(np.empty(0, np.uint8), np.empty(0, WEIGHT_DTYPE))
        numbers = numbers.astype(np.float64)
        wide = np.geomspace(numbers.min(), numbers.max(), n_levels)
        levels = wide.astype(WEIGHT_DTYPE)
        if up:
            # Rounded to float32 it may have become less.
            low = levels < wide
            levels[low] = np.nextafter(levels[low], WEIGHT_DTYPE(np.inf))
        levels = np.unique(levels)
        edges = levels.astype(np.float64)
        if not up:
            edges = np.sqrt(edges[1:] * edges[:-1])
        codes = np.searchsorted(edges, numbers).clip(max=len(levels) - 1)
        return cls(codes.astype(np.uint8), levels)

"""The vectors that a source has of the words looked for, each checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.dtypes import ID_DTYPE, WEIGHT_DTYPE

_Block = tuple[NDArray[np.int32], NDArray[np.float32]]


class FoundVectors:
    """Vectors found so far.

    Parameters
    ----------
    wanted : mapping of str to int
        Ids of the words looked for.
    width : int or None
        Numbers of a vector; None for as many as the first one has.

    Attributes
    ----------
    width : int or None
        None as long as there is none.
    """

    def __init__(self, wanted: Mapping[str, int], width: int | None) -> None:
        self.wanted = wanted
        self.width = width
        self._is_given = width is not None
        self._rows: dict[int, NDArray[np.float32]] = {}
        self._block: _Block | None = None

    def __len__(self) -> int:
        return len(self._rows) + (0 if self._block is None else len(self._block[0]))

    def put(self, word: str, vector: Any) -> None:
        """Keep the vector of a wanted word; of several the first."""
        id_ = self.wanted[word]
        if id_ in self._rows:
            return
        try:
            with np.errstate(over="ignore"):
                row = np.array(vector, dtype=WEIGHT_DTYPE)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"embedding_init: the vector of {word!r} is not made of numbers: "
                f"{vector!r:.60}."
            ) from error
        if row.ndim != 1:
            raise ValueError(
                f"embedding_init: the vector of {word!r} has {row.ndim} dimensions. "
                "Pass one vector of numbers per token."
            )
        self.check_width(len(row), f"the vector of {word!r} has")
        if not np.isfinite(row).all():
            raise _not_finite(word)
        self._rows[id_] = row

    def put_all(self, words: Sequence[str], matrix: NDArray[Any]) -> None:
        """Keep the vectors of wanted words, where they are in a matrix; called once.

        Parameters
        ----------
        words : sequence of str
            Distinct.
        matrix : ndarray of shape (n_words, width)
        """
        try:
            with np.errstate(over="ignore"):
                rows = matrix.astype(WEIGHT_DTYPE, copy=False)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"embedding_init: the vectors are not made of numbers: {error}."
            ) from error
        finite = np.isfinite(rows).all(axis=1)
        if not finite.all():
            raise _not_finite(words[int(finite.argmin())])
        ids = (self.wanted[word] for word in words)
        self._block = np.fromiter(ids, ID_DTYPE, len(words)), rows

    def check_width(self, n_numbers: int, what: str) -> None:
        """Raise where vectors are not as wide as they should be.

        Raises
        ------
        ValueError
            The message gives both numbers.
        """
        if self.width is None:
            if n_numbers == 0:
                raise ValueError(f"embedding_init: {what} no numbers. Pass vectors.")
            self.width = n_numbers
        if n_numbers == self.width:
            return
        if self._is_given:
            raise ValueError(
                f"embedding_init: {what} {n_numbers} numbers, but "
                f"embedding_dim={self.width}. Set embedding_dim={n_numbers}."
            )
        raise ValueError(
            f"embedding_init: {what} {n_numbers} numbers, but vectors before it have "
            f"{self.width}. All must have the same number."
        )

    def arrays(self) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Ids that have a vector, ascending, (n_found,), and the vectors.

        Returns
        -------
        ids : ndarray of shape (n_found,), dtype=int32
        rows : ndarray of shape (n_found, width), dtype=float32
        """
        if self._block is not None:
            ids, rows = self._block
            if (np.diff(ids) > 0).all():
                return ids, rows  # A copy may be large.
            order = np.argsort(ids)
            return ids[order], rows[order]
        ids = np.array(sorted(self._rows), dtype=ID_DTYPE)
        rows = np.empty((len(ids), self.width or 0), dtype=WEIGHT_DTYPE)
        for place, id_ in enumerate(ids.tolist()):
            rows[place] = self._rows[id_]
        return ids, rows


def _not_finite(word: str) -> ValueError:
    return ValueError(
        f"embedding_init: the vector of {word!r} holds numbers that are not finite in "
        "float32. Leave the token out, or mend its vector."
    )

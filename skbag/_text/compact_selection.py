"""Some of the features of any encoder, which finds all of them first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.dtypes import ID_DTYPE
from skbag._core.elias_fano import Packed, pack_sorted, unpack_sorted
from skbag._text.analyzers import Occurrence
from skbag._text.encoder import Encoder


class CompactSelection:
    """Encoder that leaves out features of another; learns none, names none.

    For encoders that have no compact twin, nor can select: such as hash into buckets.

    Parameters
    ----------
    encoder : Encoder
    ids : ndarray of shape (n,), dtype=int32
        Its features that stay, ascending.
    """

    def __init__(self, encoder: Encoder, ids: NDArray[np.int32]) -> None:
        self.encoder = encoder
        self.n_ids = len(ids)
        self._new_ids = np.full(encoder.n_ids, -1, dtype=ID_DTYPE)
        self._new_ids[ids] = np.arange(len(ids), dtype=ID_DTYPE)

    @property
    def kinds(self) -> NDArray[np.uint8]:
        """``FeatureKind`` of each id, of shape (n_ids,)."""
        return self.encoder.kinds[self._new_ids >= 0]

    @property
    def gains_by_threads(self) -> bool:
        """Whether the other does."""
        return self.encoder.gains_by_threads

    def encode(self, documents: Sequence[str]) -> Bags:
        """Count features; see `Encoder`."""
        return self.encoder.encode(documents).renumber(self._new_ids, self.n_ids)

    def occurrences(self, text: str) -> Iterator[tuple[int, Occurrence]]:
        """Find features; see `Encoder`."""
        for id_, occurrence in self.encoder.occurrences(text):
            new_id = int(self._new_ids[id_])
            if new_id >= 0:
                yield new_id, occurrence

    def learn(self, documents: Sequence[str]) -> Bags:
        """Refuse: the features left out are gone."""
        raise TypeError("a compact encoder learns no features")

    def select(self, ids: NDArray[np.int32]) -> Encoder:
        """Refuse: ids are in the order of the other's."""
        raise TypeError("a compact encoder cannot be made from another")

    def names(self) -> list[str]:
        """Refuse, like the other compact encoders."""
        raise TypeError("a compact encoder has no names")

    def packed_ids(self) -> Packed:
        """The ids of the other encoder that stay, packed."""
        ids = np.flatnonzero(self._new_ids >= 0).astype(np.uint64)
        return pack_sorted(ids, len(self._new_ids))

    @classmethod
    def unpacked(cls, encoder: Encoder, packed: Any) -> CompactSelection:
        """Put together what is stored apart.

        Raises
        ------
        ValueError, TypeError, KeyError
            If the ids are not those of the encoder.
        """
        return cls(encoder, unpack_sorted(packed, encoder.n_ids).astype(ID_DTYPE))

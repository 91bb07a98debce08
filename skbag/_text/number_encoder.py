"""Encoder of a column of numbers: one feature, whose value is not counted.

What a value weighs is for `NumberBlock` to say; here the column has its id and name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.communicator import Communicator
from skbag._core.dtypes import ID_DTYPE, OFFSET_DTYPE, WEIGHT_DTYPE
from skbag._text.analyzers import Occurrence
from skbag._text.feature_keys import key_of_role
from skbag._text.feature_table import FeatureTable, Strings
from skbag._text.features import FeatureKind, Role


class NumberEncoder:
    """Encoder of numbers; a `LearningEncoder` whose documents are floats."""

    n_ids = 1
    releases_gil = False
    has_short_text_features = False

    @property
    def kinds(self) -> NDArray[np.uint8]:
        """``FeatureKind.NUMBER``, of shape (1,)."""
        return self.kinds_since(0)

    def kinds_since(self, first: int) -> NDArray[np.uint8]:
        """The same from `first` on; see `LearningEncoder`."""
        return np.full(max(1 - first, 0), FeatureKind.NUMBER, dtype=np.uint8)

    def without_short_text_features(self) -> tuple[NumberEncoder, NDArray[np.int32]]:
        """Return it as it is; see `LearningEncoder`."""
        return self, np.zeros(1, dtype=ID_DTYPE)

    def learn(self, documents: Sequence[float], n_threads: int = 1) -> Bags:
        """Return an empty bag for each number; see `LearningEncoder`."""
        return self.encode(documents)

    def encode(self, documents: Sequence[float]) -> Bags:
        """Return an empty bag for each number; see `Encoder`."""
        return Bags(
            np.empty(0, dtype=ID_DTYPE),
            np.zeros(len(documents) + 1, dtype=OFFSET_DTYPE),
            np.empty(0, dtype=WEIGHT_DTYPE),
            1,
        )

    def occurrences(self, text: float) -> Iterator[tuple[int, Occurrence]]:
        """Yield the column itself; see `Encoder`."""
        yield 0, Occurrence(FeatureKind.NUMBER, text, "", None)

    def select(self, ids: NDArray[np.int32]) -> NumberEncoder:
        """Return it as it is; see `LearningEncoder`. Its feature is never left out."""
        if len(ids) != 1:
            raise ValueError("the feature of a column of numbers is left out")
        return self

    def feature_table(self, communicator: Communicator) -> FeatureTable:
        """Return one feature, everywhere the same; see `MergeableEncoder`."""
        keys = np.array([key_of_role(Role.TOKEN, 0)], dtype=np.uint64)
        return FeatureTable(Strings.of([b""]), keys, self.kinds)

    def with_features(self, table: FeatureTable) -> NumberEncoder:
        """Return it as it is; see `MergeableEncoder`."""
        return self

    def names(self) -> list[str]:
        """Return no name beside that of the column."""
        return [""]

    def __getstate__(self) -> dict[str, Any]:
        """Serialisable state: none."""
        return {}

    def __setstate__(self, state: dict[str, Any]) -> None:
        pass

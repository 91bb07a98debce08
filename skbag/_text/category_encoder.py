"""Encoder of a column of categories: each value is one feature.

A missing value is a category of its own, as for ``OneHotEncoder``; a value that was not
learnt has no feature.
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
from skbag._text.feature_keys import key_of_role, unpack
from skbag._text.feature_table import FeatureTable, Strings
from skbag._text.features import FeatureKind, Role

MISSING = "<missing>"
"""Name of the feature of a missing value."""

_MISSING = b"\xff"
"""The same as bytes, which are those of no string."""


class CategoryEncoder:
    """Encoder of categories; a `LearningEncoder` whose documents are str or None.

    A new category gets the next id when it is first seen. A string and a missing value
    are never the same, whatever the string is.

    Parameters
    ----------
    values : sequence of str or None
        Known categories, in the order of the ids.
    """

    def __init__(self, values: Sequence[str | None] = ()) -> None:
        self._ids = {value: id_ for id_, value in enumerate(values)}

    @property
    def n_ids(self) -> int:
        """Number of categories known."""
        return len(self._ids)

    @property
    def kinds(self) -> NDArray[np.uint8]:
        """``FeatureKind.CATEGORY`` of each id, of shape (n_ids,)."""
        return self.kinds_since(0)

    def kinds_since(self, first: int) -> NDArray[np.uint8]:
        """The same of the ids from `first` on; see `LearningEncoder`."""
        n_ids = max(self.n_ids - first, 0)
        return np.full(n_ids, FeatureKind.CATEGORY, dtype=np.uint8)

    @property
    def releases_gil(self) -> bool:
        """No: plain Python holds the interpreter's lock."""
        return False

    @property
    def has_short_text_features(self) -> bool:
        """No: a category is no text."""
        return False

    def without_short_text_features(self) -> tuple[CategoryEncoder, NDArray[np.int32]]:
        """Return a copy; see `LearningEncoder`."""
        ids = np.arange(self.n_ids, dtype=ID_DTYPE)
        return self.select(ids), ids

    def __deepcopy__(self, memo: dict[int, Any]) -> CategoryEncoder:
        return CategoryEncoder(list(self._ids))

    def learn(self, documents: Sequence[str | None], n_threads: int = 1) -> Bags:
        """Count categories, in one thread; see `LearningEncoder`."""
        for value in dict.fromkeys(documents):
            self._ids.setdefault(value, len(self._ids))
        return self.encode(documents)

    def encode(self, documents: Sequence[str | None]) -> Bags:
        """Count known categories; see `Encoder`."""
        find = self._ids.get
        found = [find(value, -1) for value in documents]
        ids = np.array(found, dtype=ID_DTYPE)
        is_known = ids >= 0
        offsets = np.zeros(len(ids) + 1, dtype=OFFSET_DTYPE)
        np.cumsum(is_known, out=offsets[1:])
        ids = ids[is_known]
        return Bags(ids, offsets, np.ones(len(ids), dtype=WEIGHT_DTYPE), self.n_ids)

    def occurrences(self, text: str | None) -> Iterator[tuple[int, Occurrence]]:
        """Yield the category itself, if it is known; see `Encoder`."""
        id_ = self._ids.get(text)
        if id_ is not None:
            spans = None if text is None else ((0, len(text)),)
            yield id_, Occurrence(FeatureKind.CATEGORY, text, _name(text), spans)

    def select(self, ids: NDArray[np.int32]) -> CategoryEncoder:
        """Return an encoder of these categories; see `LearningEncoder`."""
        values = list(self._ids)
        return CategoryEncoder([values[id_] for id_ in ids.tolist()])

    def feature_table(self, communicator: Communicator) -> FeatureTable:
        """Categories that have been learnt; see `MergeableEncoder`."""
        strings = Strings.of(
            [
                _MISSING if value is None else value.encode("utf-8", "surrogatepass")
                for value in self._ids
            ]
        )
        role = np.uint64(key_of_role(Role.TOKEN, 0))
        keys = role | np.arange(len(strings), dtype=np.uint64)
        return FeatureTable(strings, keys, self.kinds)

    def with_features(self, table: FeatureTable) -> CategoryEncoder:
        """Return an encoder of these categories; see `MergeableEncoder`."""
        strings, (_, which) = table.strings.to_list(), unpack(table.keys)
        data = (strings[number] for number in which.tolist())
        return CategoryEncoder(
            [
                None if each == _MISSING else each.decode("utf-8", "surrogatepass")
                for each in data
            ]
        )

    def names(self) -> list[str]:
        """Return the name of each category, in the order of the ids."""
        return list(map(_name, self._ids))

    def __getstate__(self) -> dict[str, Any]:
        """Serialisable state; part of what files and pickles of every version hold."""
        return {
            "categories": [value for value in self._ids if value is not None],
            "missing_id": self._ids.get(None),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        values = _values_of(state)
        CategoryEncoder.__init__(self, values)
        if len(self._ids) != len(values):
            raise ValueError("a category is there twice")


def _values_of(state: dict[str, Any]) -> list[str | None]:
    """Categories in serialisable state, in the order of the ids.

    Raises
    ------
    ValueError, TypeError, KeyError
        If the state is damaged.
    """
    values: list[str | None] = list(state["categories"])
    if not all(isinstance(value, str) for value in values):
        raise ValueError("a category is no string")
    missing_id = state["missing_id"]
    if missing_id is not None:
        if type(missing_id) is not int or not 0 <= missing_id <= len(values):
            raise ValueError("the id of missing values is none of the ids")
        values.insert(missing_id, None)
    return values


def _name(value: str | None) -> str:
    return MISSING if value is None else value

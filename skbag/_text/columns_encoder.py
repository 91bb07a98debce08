"""Encoder of the rows of a data frame: one encoder for each of its columns.

Each column has features of its own, numbered by the encoder of the column; what they
are called here is a second number, since features of all columns share one table. Both
numbers ascend together within a column, so that one array says it all: of which column
each id is. New features are appended, whichever column they are of.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.communicator import Communicator
from skbag._core.dtypes import ID_DTYPE
from skbag._text.analyzers import Occurrence
from skbag._text.columns import Column, values_of_columns
from skbag._text.encoder import Encoder, LearningEncoder, MergeableEncoder
from skbag._text.feature_keys import unpack
from skbag._text.feature_table import FeatureTable, Strings
from skbag._text.hashed_encoder import HashedEncoder
from skbag._text.merging_kernels import with_other_strings

Row = tuple[Any, ...]


class ColumnsEncoder:
    """Encoder of rows; a `LearningEncoder` whose documents are tuples, see `Rows`.

    Of a bag the ids of the first column come first, then those of the second, and so
    on; within a column they ascend.

    Parameters
    ----------
    columns : sequence of Column
    encoders : sequence of Encoder
        Of each column. To learn, all have to be `LearningEncoder`.
    id_columns : ndarray of shape (n_ids,), dtype=uint8, or None
        Column of each id, as many of each as its encoder knows features. None puts the
        features of the first column first, then those of the second, and so on.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        encoders: Sequence[Encoder],
        id_columns: NDArray[np.uint8] | None = None,
    ) -> None:
        self.columns = tuple(columns)
        self.encoders = list(encoders)
        sizes = [encoder.n_ids for encoder in encoders]
        if id_columns is None:
            numbers = np.arange(len(sizes), dtype=np.uint8)
            id_columns = np.repeat(numbers, sizes)
        self._set_id_columns(id_columns)
        if [len(ids) for ids in self.ids_of] != sizes:
            raise ValueError("features of columns and their ids differ in number")

    def _set_id_columns(self, id_columns: NDArray[np.uint8]) -> None:
        self.id_columns = id_columns
        self.ids_of = [
            np.flatnonzero(id_columns == j).astype(ID_DTYPE)
            for j in range(len(self.columns))
        ]
        """The id here of each feature of each column."""
        if sum(map(len, self.ids_of)) != len(id_columns):
            raise ValueError("an id is of a column that is not there")

    @property
    def number_ids(self) -> NDArray[np.int32]:
        """Ids of the columns of numbers, of shape (n_number_columns,)."""
        ids = [self.ids_of[j] for j in self._number_columns]
        return np.concatenate([np.empty(0, dtype=ID_DTYPE), *ids])

    @property
    def _number_columns(self) -> list[int]:
        kinds = [column.kind for column in self.columns]
        return [j for j, kind in enumerate(kinds) if kind == "number"]

    def numbers(self, documents: Sequence[Row]) -> NDArray[np.float64]:
        """Return the values of the columns of numbers.

        Returns
        -------
        values : ndarray of shape (n_rows, n_number_columns), dtype=float64
            Missing ones are NaN.
        """
        values = np.empty((len(documents), len(self._number_columns)))
        for place, j in enumerate(self._number_columns):
            own = map(itemgetter(j), documents)
            values[:, place] = np.fromiter(own, np.float64, len(documents))
        return values

    @property
    def n_ids(self) -> int:
        """Number of features known, of all columns."""
        return len(self.id_columns)

    @property
    def releases_gil(self) -> bool:
        """Whether any of the encoders does."""
        return any(encoder.releases_gil for encoder in self.encoders)

    @property
    def kinds(self) -> NDArray[np.uint8]:
        """``FeatureKind`` of each id, of shape (n_ids,)."""
        return self.kinds_since(0)

    def kinds_since(self, first: int) -> NDArray[np.uint8]:
        """``FeatureKind`` of the ids from `first` on; see `LearningEncoder`."""
        kinds = np.zeros(max(self.n_ids - first, 0), dtype=np.uint8)
        for encoder, ids in zip(self._learning, self.ids_of, strict=True):
            own_first = int(np.searchsorted(ids, first))
            kinds[ids[own_first:] - first] = encoder.kinds_since(own_first)
        return kinds

    @property
    def _learning(self) -> list[LearningEncoder]:
        return cast("list[LearningEncoder]", self.encoders)

    @property
    def _mergeable(self) -> list[MergeableEncoder]:
        return cast("list[MergeableEncoder]", self.encoders)

    def __deepcopy__(self, memo: dict[int, Any]) -> ColumnsEncoder:
        # The arrays are replaced where features join, never changed.
        return ColumnsEncoder(
            self.columns, copy.deepcopy(self.encoders, memo), self.id_columns
        )

    def lengths(self, documents: Sequence[Row]) -> NDArray[np.int64]:
        """Characters of the texts of each row, of shape (n_rows,)."""
        lengths = np.zeros(len(documents), dtype=np.int64)
        for j, column in enumerate(self.columns):
            if column.kind == "text":
                of_texts = map(len, map(itemgetter(j), documents))
                lengths += np.fromiter(of_texts, np.int64, len(documents))
        return lengths

    def encode(self, documents: Sequence[Row]) -> Bags:
        """Count known features; see `Encoder`."""
        values = values_of_columns(documents, len(self.columns))
        counts = [
            encoder.encode(own)
            for encoder, own in zip(self.encoders, values, strict=True)
        ]
        return self.join(counts)

    def learn(self, documents: Sequence[Row], n_threads: int = 1) -> Bags:
        """Count features, which are learnt column by column; see `LearningEncoder`."""
        values = values_of_columns(documents, len(self.columns))
        counts = [
            encoder.learn(own, n_threads)
            for encoder, own in zip(self._learning, values, strict=True)
        ]
        self._number_new()
        return self.join(counts)

    def join(self, counts: Sequence[Bags]) -> Bags:
        """Bags of rows, from what the encoder of each column has made of its values.

        Parameters
        ----------
        counts : sequence of Bags
            One for each column, of as many values.
        """
        return Bags.side_by_side(counts, self.ids_of, self.n_ids)

    def _number_new(self) -> None:
        """Append ids for the features that encoders know since they were last asked."""
        n_new = [
            encoder.n_ids - len(ids)
            for encoder, ids in zip(self.encoders, self.ids_of, strict=True)
        ]
        if any(n_new):
            new = np.repeat(np.arange(len(n_new), dtype=np.uint8), n_new)
            self._set_id_columns(np.append(self.id_columns, new))

    def occurrences(self, text: Row) -> Iterator[tuple[int, Occurrence]]:
        """Find known features, column by column; see `Encoder`.

        Spans are places in the value of the column.
        """
        for column, encoder, ids, value in zip(
            self.columns, self.encoders, self.ids_of, text, strict=True
        ):
            for id_, occurrence in encoder.occurrences(value):
                name = column.name_of(occurrence.name)
                yield int(ids[id_]), occurrence._replace(name=name)

    def select(self, ids: NDArray[np.int32]) -> ColumnsEncoder:
        """Return an encoder of these features; see `LearningEncoder`."""
        id_columns = self.id_columns[ids]
        own_ids = np.empty(self.n_ids, dtype=ID_DTYPE)
        for of_column in self.ids_of:
            own_ids[of_column] = np.arange(len(of_column), dtype=ID_DTYPE)
        encoders = [
            encoder.select(own_ids[ids[id_columns == j]])
            if len(self.ids_of[j])
            else encoder
            for j, encoder in enumerate(self._learning)
        ]
        return ColumnsEncoder(self.columns, encoders, id_columns)

    @property
    def has_short_text_features(self) -> bool:
        """Whether the short-text features of any column are counted."""
        return any(encoder.has_short_text_features for encoder in self._learning)

    def without_short_text_features(self) -> tuple[ColumnsEncoder, NDArray[np.int32]]:
        """Return an encoder of the other features; see `LearningEncoder`."""
        encoders, places, old_ids, numbers = [], [], [], []
        for j, (encoder, ids) in enumerate(
            zip(self._learning, self.ids_of, strict=True)
        ):
            without, own_ids = encoder.without_short_text_features()
            encoders.append(without)
            # Of features left out, whose ids stay, the place of the id itself.
            kept = np.where(own_ids >= 0, own_ids, np.arange(len(own_ids)))
            places.append(ids[kept])
            old_ids.append(np.where(own_ids >= 0, ids[kept], -1))
            numbers.append(np.full(len(kept), j, dtype=np.uint8))
        order = np.argsort(np.concatenate(places), kind="stable")
        id_columns = np.concatenate(numbers)[order]
        old = np.concatenate(old_ids)[order].astype(ID_DTYPE)
        return ColumnsEncoder(self.columns, encoders, id_columns), old

    def feature_table(self, communicator: Communicator) -> FeatureTable:
        """Features of all columns; see `MergeableEncoder`.

        Strings begin with a byte that says of which column they are.
        """
        tables = [encoder.feature_table(communicator) for encoder in self._mergeable]
        keys = np.empty(self.n_ids, dtype=np.uint64)
        kinds = np.empty(self.n_ids, dtype=np.uint8)
        n_before = 0
        for table, ids in zip(tables, self.ids_of, strict=True):
            numbers = np.arange(n_before, n_before + len(table.strings), dtype=ID_DTYPE)
            keys[ids] = with_other_strings(table.keys, numbers)
            kinds[ids] = table.kinds
            n_before += len(table.strings)
        marked = [table.strings.marked(j) for j, table in enumerate(tables)]
        objects = [table.objects for table in tables]
        return FeatureTable(Strings.unpacked(marked), keys, kinds, objects)

    def with_features(self, table: FeatureTable) -> ColumnsEncoder:
        """Return an encoder of these features; see `MergeableEncoder`."""
        marks, strings = table.strings.unmarked()
        _, right = unpack(table.keys)
        id_columns = marks[right]
        encoders = []
        for j, encoder in enumerate(self._mergeable):
            which, ids = np.flatnonzero(marks == j), np.flatnonzero(id_columns == j)
            numbers = np.full(len(marks), -1, dtype=ID_DTYPE)
            numbers[which] = np.arange(len(which), dtype=ID_DTYPE)
            own = FeatureTable(
                strings.take(which),
                with_other_strings(table.keys[ids], numbers),
                table.kinds[ids],
                table.objects[j],
            )
            encoders.append(encoder.with_features(own))
        return ColumnsEncoder(self.columns, encoders, id_columns)

    def names(self) -> list[str]:
        """Return the name of each feature, which begins with that of its column."""
        names = [""] * self.n_ids
        for column, encoder, ids in zip(
            self.columns, self._learning, self.ids_of, strict=True
        ):
            for id_, name in zip(ids.tolist(), encoder.names(), strict=True):
                names[id_] = column.name_of(name)
        return names

    def __getstate__(self) -> dict[str, Any]:
        """Serialisable state of what the columns' encoders have learnt."""
        encoders: list[Any] = list(self.encoders)
        return {
            "columns": [list(column) for column in self.columns],
            "id_columns": self.id_columns,
            "encoders": [encoder.__getstate__() for encoder in encoders],
        }


def hashes_features(encoder: Encoder | None) -> bool:
    """Whether features of texts have buckets in place of names."""
    if isinstance(encoder, ColumnsEncoder):
        return any(map(hashes_features, encoder.encoders))
    return isinstance(encoder, HashedEncoder)


def checked_id_columns(id_columns: Any) -> NDArray[np.uint8]:
    """Return what says of which column each id is, if it is an array of bytes.

    Raises
    ------
    ValueError
    """
    if not (
        isinstance(id_columns, np.ndarray)
        and id_columns.dtype == np.uint8
        and id_columns.ndim == 1
    ):
        raise ValueError("columns of ids are no bytes")
    return id_columns

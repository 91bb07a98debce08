"""The contract of an encoder: texts in, bags of numbered features out.

`Encoder` is all that prediction needs; what a fit needs, too, is in `LearningEncoder`.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.communicator import Communicator
from skbag._core.dtypes import ID_DTYPE, OFFSET_DTYPE, WEIGHT_DTYPE
from skbag._text.analyzers import Occurrence
from skbag._text.feature_table import FeatureTable


@runtime_checkable
class Encoder(Protocol):
    """What every encoder does: count the features that it knows.

    Documents are texts, each a str; those of a `CategoryEncoder` are a str or None, and
    those of a `ColumnsEncoder` tuples of both, one value for each column.

    Ids are dense: ``0`` to ``n_ids - 1``. A bag's ids are unique, its weights count
    occurrences. An encoder pickles to plain Python and numpy objects.
    """

    @property
    def n_ids(self) -> int:
        """Number of features known."""

    @property
    def releases_gil(self) -> bool:
        """Whether `encode` is sooner done by several threads, each with a part."""

    def encode(self, documents: Sequence[Any]) -> Bags:
        """Count the known features of the documents; ids of a bag ascend.

        Leaves the encoder as it is: many threads may encode with one encoder.
        """

    def occurrences(self, text: Any) -> Iterator[tuple[int, Occurrence]]:
        """Yield the id of each known feature of a text, once for each occurrence.

        Those that `encode` counts, but slowly, and with their spans in the text.
        """


@runtime_checkable
class LearningEncoder(Encoder, Protocol):
    """An encoder that learns features, and knows their names.

    Ids depend only on the documents learnt and on the order of the calls, never on
    threads, the process or the machine. After unpickling it learns on as if it had not
    been pickled. A copy is another encoder: what one learns the other does not know.
    """

    @property
    def kinds(self) -> NDArray[np.uint8]:
        """``FeatureKind`` of each id, of shape (n_ids,)."""

    def kinds_since(self, first: int) -> NDArray[np.uint8]:
        """``FeatureKind`` of the ids from `first` on."""

    def learn(self, documents: Sequence[Any], n_threads: int = 1) -> Bags:
        """Count the features of the documents; new ones are appended with new ids.

        Ids of a bag are in any order, the same for any number of threads. The counts
        may be of `COUNT_DTYPE`; those of `encode` are of `WEIGHT_DTYPE`.
        """

    def select(self, ids: NDArray[np.int32]) -> LearningEncoder:
        """Return a new encoder whose feature ``i`` is this one's ``ids[i]``.

        This encoder stays as it is. The new one knows nothing of the features left
        out: should it learn them again, they are new to it.

        Parameters
        ----------
        ids : ndarray of shape (n_selected,), dtype=int32
            Distinct ids, in any order.
        """

    @property
    def has_short_text_features(self) -> bool:
        """Whether the short-text features are counted."""

    def without_short_text_features(self) -> tuple[LearningEncoder, NDArray[np.int32]]:
        """Return a new encoder that counts the other features alone.

        This encoder stays as it is.

        Returns
        -------
        encoder : LearningEncoder
        old_ids : ndarray of shape (n_ids of the new one,), dtype=int32
            The id here of each of its features; -1 where no feature is left.
        """

    def names(self) -> list[str]:
        """Return the name of each feature, in the order of the ids."""


@runtime_checkable
class MergeableEncoder(LearningEncoder, Protocol):
    """A `LearningEncoder` whose features several ranks can compare: see `merging`."""

    def feature_table(self, communicator: Communicator) -> FeatureTable:
        """Features that have been learnt.

        Parameters
        ----------
        communicator : Communicator
            Ranks that have learnt with the same options, which all call this.
        """

    def with_features(self, table: FeatureTable) -> LearningEncoder:
        """Return an encoder with the same options, of these features alone.

        Feature ``i`` of the table is its feature ``i``.

        Parameters
        ----------
        table : FeatureTable
            Made of those that `feature_table` has given on all ranks.
        """


class LazyVocabulary(Mapping[str, int]):
    """Feature to id, as a read-only mapping that is built when first looked into.

    Its length and its repr cost nothing: a notebook shows every public attribute of a
    fitted estimator, and a million names take a second.

    Parameters
    ----------
    encoder : LearningEncoder
        Must not learn any more.
    """

    def __init__(self, encoder: LearningEncoder) -> None:
        self._encoder = encoder

    @cached_property
    def names(self) -> list[str]:
        """The name of each feature, in the order of the ids."""
        return self._encoder.names()

    @cached_property
    def _ids(self) -> dict[str, int]:
        return dict(zip(self.names, range(len(self.names)), strict=True))

    def __getitem__(self, name: str) -> int:
        return self._ids[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        # Two features of a custom token pattern may share a name.
        return len(self._ids) if "_ids" in self.__dict__ else self._encoder.n_ids

    def __repr__(self) -> str:
        return f"<vocabulary of {len(self):,} features>"


def bag_arrays(
    counts: Iterable[Mapping[int, int]],
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.float32]]:
    """Put counts by id, one mapping for each document, into the arrays of `Bags`.

    Returns
    -------
    ids, offsets, weights : ndarray
    """
    ids, weights, lengths = array("i"), array("f"), array("q", [0])
    for bag in counts:
        ascending = sorted(bag)
        ids.extend(ascending)
        weights.extend([bag[i] for i in ascending])
        lengths.append(len(bag))
    return (
        np.array(ids, dtype=ID_DTYPE),
        np.cumsum(lengths, dtype=OFFSET_DTYPE),
        np.array(weights, dtype=WEIGHT_DTYPE),
    )

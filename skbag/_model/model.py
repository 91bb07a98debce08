"""A whole fitted model, from raw input to scores: encode, weigh, score.

Numpy only: no torch, no device, no estimator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.growing import GrowingRows
from skbag._model.predictor import Predictor
from skbag._model.quantization import QuantizedTable
from skbag._targets.calibration import Calibration
from skbag._targets.targets import ClassificationTargets
from skbag._text.columns_encoder import ColumnsEncoder
from skbag._text.encoder import Encoder, LearningEncoder
from skbag._text.text_encoder import TextEncoder
from skbag._weighting.column_moments import ColumnMoments
from skbag._weighting.document_counts import DocumentCounts, PendingCounts
from skbag._weighting.number_block import NumberBlock
from skbag._weighting.weighting import ColumnShares, Weighting

_T = TypeVar("_T")

CHARACTERS_PER_CHUNK = 2**17
"""Texts are encoded and scored in chunks of about so many characters: a chunk stays in
the cache of a core, and a million texts need a fixed buffer beside their scores."""

NUMBERS_PER_CHUNK = 2**21
"""Scores of a chunk (8 MiB): with thousands of classes it holds fewer texts."""

ENTRIES_PER_CHUNK = 2**18
"""Entries of a matrix scored at a time."""

SMALLEST_SHARE = 4
"""Less than a chunk divided by this is not shared among threads."""


@dataclass(frozen=True, eq=False)
class Featurizer:
    """From texts or the rows of a matrix to weighted bags.

    Parameters
    ----------
    encoder : Encoder or None
        None for a model fitted on a matrix.
    weighting : Weighting
    document_counts : DocumentCounts or None
        None where no weight depends on counts.
    id_weights : ndarray of shape (n_ids,), dtype=float32, or None
        Made of `document_counts`, kept because every prediction needs it.
    pending : PendingCounts or None
        Counts of documents that `document_counts` is yet to be given.
    shares : ndarray of shape (n_columns,), dtype=float32, or None
        How the columns of a data frame share the norm of a row: see `ColumnShares`.
        None for texts, for a matrix, and where rows have no norm.
    number_block : NumberBlock or None
        How columns of numbers become entries of bags; None where there are none.
    text_encoder : TextEncoder or None
        Encoder of whole texts, whose numbers are entries after those of the bag.
    """

    encoder: Encoder | None
    weighting: Weighting
    document_counts: DocumentCounts | None
    id_weights: NDArray[np.float32] | None
    pending: PendingCounts | None = None
    shares: NDArray[np.float32] | None = None
    number_block: NumberBlock | None = None
    text_encoder: TextEncoder | None = None

    @property
    def learning_encoder(self) -> LearningEncoder | None:
        """The encoder of a model that is not compressed: it can learn."""
        return cast("LearningEncoder | None", self.encoder)

    @property
    def n_pairs(self) -> int:
        """Number of (token, class) pairs whose counts are kept."""
        n_pending = 0 if self.pending is None else len(self.pending)
        if self.document_counts is None:
            return n_pending
        return int(self.document_counts.class_counts.nnz) + n_pending

    def weigh(self, X: Any) -> Bags:
        """Weighted bags of texts, or of the rows of a CSR matrix."""
        bags = Bags.from_csr(X) if self.encoder is None else self.encoder.encode(X)
        bags = self.weighting.apply(bags, self.id_weights, self.column_shares)
        if self.number_block is not None:
            assert isinstance(self.encoder, ColumnsEncoder)
            bags = self.number_block.join(bags, self.encoder.numbers(X))
        return bags if self.text_encoder is None else self.text_encoder.join(bags, X)

    @property
    def column_shares(self) -> ColumnShares | None:
        """Which column each id is of, and the shares of columns."""
        if self.shares is None:
            return None
        assert isinstance(self.encoder, ColumnsEncoder)
        return ColumnShares(self.encoder.id_columns, self.shares)

    def chunks(self, X: Any, n_threads: int = 1, width: int = 1) -> list[Any]:
        """Cut input into parts of bounded size, at least one, alike for each thread.

        Parameters
        ----------
        X : list of str, Rows, or scipy CSR array
        n_threads : int
        width : int
            How many numbers will be made of each text or row.
        """
        if self.encoder is None:
            sizes, limit = np.diff(X.indptr), ENTRIES_PER_CHUNK
        elif len(X) == 1:
            return [X]
        else:
            sizes = self._lengths(X)
            limit = CHARACTERS_PER_CHUNK
        # So short a text takes as much by its scores.
        sizes = np.maximum(sizes, limit * width // NUMBERS_PER_CHUNK)
        total = int(sizes.sum())
        if total > limit // SMALLEST_SHARE:
            rounds = -(-total // (limit * n_threads))
            limit = -(-total // (rounds * n_threads))
        return [X[start:stop] for start, stop in chunk_bounds(sizes, limit)]

    def _lengths(self, documents: list[Any]) -> NDArray[np.int64]:
        if isinstance(self.encoder, ColumnsEncoder):
            return self.encoder.lengths(documents)
        # A document for an analyzer of the user's may have no length.
        length = len if hasattr(documents[0], "__len__") else lambda document: 1
        return np.fromiter(map(length, documents), np.int64, len(documents))

    @property
    def releases_gil(self) -> bool:
        """Whether parts may be weighed in several threads at once, and sooner so."""
        # A text encoder is the user's: nobody knows whether threads may share it.
        if self.text_encoder is not None:
            return False
        return self.encoder is None or self.encoder.releases_gil


@dataclass(frozen=True, eq=False)
class Model:
    """Everything that prediction and further training need.

    Parameters
    ----------
    featurizer : Featurizer
    predictor : Predictor
    calibration : Calibration
        How scores become probabilities; its offset is in the intercepts.
    """

    featurizer: Featurizer
    predictor: Predictor
    calibration: Calibration

    @property
    def encoder(self) -> Encoder | None:
        """The encoder of texts; None for a model fitted on a matrix."""
        return self.featurizer.encoder

    @property
    def n_features(self) -> int:
        """Rows of the table that are features; those of a text encoder come after."""
        encoder = self.featurizer.text_encoder
        n_rows = len(self.predictor.embedding)
        return n_rows if encoder is None else n_rows - encoder.width

    @property
    def is_compact(self) -> bool:
        """Whether it only predicts."""
        return isinstance(self.predictor.embedding, QuantizedTable)

    def scores(self, X: Any, n_threads: int = 1) -> NDArray[np.float32]:
        """Scores of texts or rows, (n_samples, n_outputs)."""
        return self.map_scores(_as_they_are, X, n_threads)

    def map_scores(
        self,
        use: Callable[[NDArray[np.float32]], NDArray[Any]],
        X: Any,
        n_threads: int = 1,
    ) -> NDArray[Any]:
        """What a function makes of scores, row by row; they are not kept themselves.

        Parameters
        ----------
        use : callable
            From scores of shape (n, n_outputs) to an array of n rows or numbers.
        X : list of str or scipy CSR array
        n_threads : int

        Returns
        -------
        results : ndarray of shape (n_samples, ...)
        """
        predictor = self.predictor
        width = predictor.n_outputs
        return self._map(lambda bags: use(predictor.scores(bags)), width, X, n_threads)

    def predict_in_parts(
        self,
        X: Any,
        predict_codes: Callable[[NDArray[np.float32]], Any],
        n_threads: int = 1,
    ) -> Iterator[Any]:
        """Codes that a function predicts from scores, in parts of bounded size."""
        predictor = self.predictor
        width = (
            predictor.n_outputs
            if predictor.clusters is None
            else predictor.clusters.head_size
        )
        return self._in_parts(
            lambda bags: predictor.predict(bags, predict_codes), width, X, n_threads
        )

    def best_in_parts(
        self,
        X: Any,
        k: int,
        targets: ClassificationTargets,
        n_threads: int = 1,
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """Codes of the k best classes and their probabilities, in parts."""

        def best(bags: Bags) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
            return self.predictor.best(bags, k, targets, self.calibration)

        return self._in_parts(best, k, X, n_threads)

    def vectors(self, X: Any, n_threads: int = 1) -> NDArray[np.float32]:
        """Document vectors of texts or rows, (n_samples, width)."""
        width = self.predictor.embedding.shape[1]
        return self._map(self.predictor.vectors, width, X, n_threads)

    def bags(self, X: Any, n_threads: int = 1) -> Bags:
        """Weighted bags of texts or rows."""
        return Bags.concatenate(list(self._in_parts(_as_they_are, 1, X, n_threads)))

    def _map(
        self,
        use: Callable[[Bags], NDArray[Any]],
        width: int,
        X: Any,
        n_threads: int,
    ) -> NDArray[Any]:
        """What `use` makes of all bags, put together."""
        n_samples = len(X) if isinstance(X, list) else X.shape[0]
        return _put_together(self._in_parts(use, width, X, n_threads), n_samples)

    def _in_parts(
        self, use: Callable[[Bags], _T], width: int, X: Any, n_threads: int
    ) -> Iterator[_T]:
        """Yield what `use` makes of the bags of each part, in order; at least one."""

        def weigh_and_use(part: Any) -> _T:
            return use(self.featurizer.weigh(part))

        if not self.featurizer.releases_gil:
            n_threads = 1
        parts = self.featurizer.chunks(X, n_threads, width)
        if n_threads == 1 or len(parts) == 1:
            yield from map(weigh_and_use, parts)
        else:
            with ThreadPoolExecutor(n_threads) as executor:
                yield from executor.map(weigh_and_use, parts)


def _as_they_are(result: _T) -> _T:
    return result


def _put_together(parts: Iterator[NDArray[Any]], n_samples: int) -> NDArray[Any]:
    """Join parts where they belong: a list of all would take the memory once more."""
    first = next(parts)
    if len(first) == n_samples:
        return first
    whole = np.empty((n_samples, *first.shape[1:]), dtype=first.dtype)
    whole[: len(first)] = first
    stop = len(first)
    for part in parts:
        start, stop = stop, stop + len(part)
        whole[start:stop] = part
    return whole


@dataclass(frozen=True, eq=False)
class Stream:
    """Arrays of a model that nobody else has: the next part may change them in place.

    Parameters
    ----------
    table : GrowingRows
    id_weights : GrowingRows or None
    has_counts : ndarray of shape (n_ids,), dtype=bool, or None
        Which ids a document has held, where all are there from the start: buckets.
    """

    table: GrowingRows
    id_weights: GrowingRows | None
    has_counts: NDArray[np.bool_] | None = None


@dataclass(frozen=True, eq=False)
class Resume:
    """What ``partial_fit`` needs of the training before, beside the model.

    Here and not where it is made and used, for a pickle of it must not import torch.
    `mean_divergence` is that which all weights were last made with, 0 where they depend
    on no class; None where no stream has made them. `skill_score` is that of samples of
    the stream when they were new; None where no stream has scored any. `stream` is no
    part of pickles and copies: what they share has more owners than one. `columns` are
    the moments of the columns of a matrix, where these are standardised.
    """

    accumulators: tuple[NDArray[np.float32], ...]
    learning_rate: float
    n_seen: int
    mean_divergence: float | None = None
    skill_score: float | None = None
    stream: Stream | None = None
    columns: ColumnMoments | None = None


def chunk_bounds(
    sizes: Sequence[int] | NDArray[np.integer[Any]], limit: int
) -> list[tuple[int, int]]:
    """Cut items into runs of about `limit` in total size, at least one run.

    All of a run but its first item is within the limit.

    Parameters
    ----------
    sizes : array-like of shape (n_items,)
    limit : int

    Examples
    --------
    >>> chunk_bounds([3, 3, 3, 9, 1], 6)
    [(0, 1), (1, 3), (3, 5)]
    """
    if len(sizes) == 0:
        return [(0, 0)]
    # Each item counts one more, so that a million empty texts are cut as well.
    ends = np.cumsum(np.asarray(sizes, dtype=np.int64) + 1)
    run = (ends - 1) // (limit + 1)
    cuts = np.flatnonzero(np.diff(run)) + 1
    edges = [0, *cuts.tolist(), len(sizes)]
    return list(zip(edges, edges[1:], strict=False))

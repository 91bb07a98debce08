"""What a trained model is: a few frozen numpy arrays, and scores from bags.

The trainer and the trained are different objects. This one knows no torch and no
device, so a pickle of it loads anywhere and predicting needs numpy and scipy only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.dtypes import WEIGHT_DTYPE
from skbag._model.clusters import ClusteredLayer, Clusters
from skbag._model.quantization import QuantizedTable
from skbag._model.top_k import best_columns
from skbag._targets.calibration import Calibration
from skbag._targets.targets import ClassificationTargets

NUMBERS_AT_ONCE = 2**20
"""Scores to choose the best of at a time: they stay in the cache, and need never be
there for all samples."""

ROWS_AT_ONCE = 2**14
"""Rows of the table that are multiplied at a time."""


@dataclass(frozen=True, eq=False)
class Predictor:
    """A trained bag classifier.

    Parameters
    ----------
    embedding : ndarray of shape (n_ids, width), dtype=float32, or QuantizedTable
        The table. `width` is the number of outputs where there is no head.
    layers : tuple of (coef, intercept)
        The layers above the bag, each ``x @ coef.T + intercept``, with a ReLU between
        two. `coef` is None in the one layer of a model whose table holds the scores
        of the classes itself.
    clusters : Clusters or None
        Of the last layer, where that is an adaptive softmax. Given before training;
        all other fields are trained, and belong to the best epoch where one is kept.
    """

    embedding: NDArray[np.float32] | QuantizedTable
    layers: tuple[tuple[NDArray[np.float32] | None, NDArray[np.float32]], ...]
    clusters: Clusters | None = field(default=None, metadata={"given": True})

    def with_vector_offset(self, vector: NDArray[np.float64]) -> Predictor:
        """Add a vector to the vectors of all documents: to the first intercepts.

        Parameters
        ----------
        vector : ndarray of shape (width,), dtype=float64
        """
        (coef, intercept), *above = self.layers
        if coef is not None:
            # Not BLAS, whose order of additions depends on its threads.
            vector = np.einsum("oj,j->o", coef.astype(np.float64), vector)
        moved = (intercept + vector).astype(intercept.dtype)
        return replace(self, layers=((coef, moved), *above))

    def with_scores(
        self, factor: NDArray[np.float64], offset: NDArray[np.float64]
    ) -> Predictor:
        """Multiply all scores, then add to them: in the table or the last layer.

        Parameters
        ----------
        factor, offset : ndarray of shape (n_outputs,), dtype=float64
        """
        *below, (coef, intercept) = self.layers
        moved = (intercept * factor + offset).astype(WEIGHT_DTYPE)
        if coef is not None:
            coef = (coef * factor[:, np.newaxis]).astype(WEIGHT_DTYPE)
            return replace(self, layers=(*below, (coef, moved)))
        table = (self.dense * factor).astype(WEIGHT_DTYPE)
        return replace(self, embedding=table, layers=((None, moved),))

    @property
    def n_outputs(self) -> int:
        """Columns of scores."""
        if self.clusters is not None:
            return len(self.clusters.order)
        return len(self.layers[-1][1])

    @property
    def dense(self) -> NDArray[np.float32]:
        """The table of a model that is not compressed, as an array."""
        assert not isinstance(self.embedding, QuantizedTable)
        return self.embedding

    @property
    def largest_row_value(self) -> float:
        """Largest absolute value in the table, or a bound of it."""
        if isinstance(self.embedding, QuantizedTable):
            return self.embedding.largest
        # Without an array of absolute values beside it.
        table = self.embedding
        return float(max(table.max(initial=0), -table.min(initial=0)))

    @property
    def is_additive(self) -> bool:
        """Whether a score is a sum over tokens: without hidden layers and clusters."""
        return len(self.layers) == 1 and self.clusters is None

    def coefficients(self, ids: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
        """What one unit of weight of each token adds to each score.

        ``embedding[ids] @ coef.T``. Only where the model `is_additive`.

        Parameters
        ----------
        ids : ndarray of shape (n,)

        Returns
        -------
        coefficients : ndarray of shape (n, n_outputs), dtype=float64
        """
        assert self.is_additive
        if isinstance(self.embedding, QuantizedTable):
            rows = self.embedding.rows_of(ids).astype(np.float64)
        else:
            rows = self.embedding[ids].astype(np.float64)
        coef = self.layers[0][0]
        return rows if coef is None else np.asarray(rows @ coef.T.astype(np.float64))

    def linear_coef(self) -> NDArray[np.float32]:
        """Layers without hidden ones between as one: ``coef @ embedding.T``.

        Only where the model `is_additive` and not compressed. The transpose of the
        table itself, where that holds the scores.

        Returns
        -------
        coef : ndarray of shape (n_outputs, n_ids), dtype=float32
        """
        if self.layers[0][0] is None:
            return self.dense.T
        n_ids = len(self.embedding)
        coef = np.empty((self.n_outputs, n_ids), dtype=WEIGHT_DTYPE)
        # In parts: float64 of all rows would take twice the table.
        for start in range(0, n_ids, ROWS_AT_ONCE):
            ids = np.arange(start, min(start + ROWS_AT_ONCE, n_ids))
            coef[:, ids] = self.coefficients(ids).T
        return coef

    def vectors(self, bags: Bags) -> NDArray[np.float32]:
        """Weighted sum of the rows of each bag.

        Returns
        -------
        vectors : ndarray of shape (n_samples, width), dtype=float32
        """
        if isinstance(self.embedding, QuantizedTable):
            return self.embedding.matmul(bags)
        return bags.matmul(self.embedding)

    def scores(self, bags: Bags) -> NDArray[np.float32]:
        """Scores of each bag.

        Returns
        -------
        scores : ndarray of shape (n_samples, n_outputs), dtype=float32
            Of an adaptive softmax: log-probabilities.
        """
        if self.clusters is None:
            return self._through(bags, self.layers)
        return self._last_layer().log_probabilities(self._below_clusters(bags))

    def _below_clusters(self, bags: Bags) -> NDArray[np.float32]:
        x = self._through(bags, self.layers[:-1])
        return np.maximum(x, 0) if len(self.layers) > 1 else x

    def _last_layer(self) -> ClusteredLayer:
        coef, intercept = self.layers[-1]
        assert self.clusters is not None
        assert coef is not None
        return ClusteredLayer(self.clusters, coef, intercept)

    def _through(
        self,
        bags: Bags,
        layers: tuple[tuple[NDArray[np.float32] | None, NDArray[np.float32]], ...],
    ) -> NDArray[np.float32]:
        x: NDArray[Any] = self.vectors(bags)
        for depth, (coef, intercept) in enumerate(layers):
            if depth:
                x = np.maximum(x, 0)
            if coef is None:
                x = x + intercept
            else:
                # Not BLAS: it adds up a row in an order that depends on its
                # neighbours, and starts threads for what one does sooner.
                x = np.einsum(
                    "ni,oi->no", x.astype(np.float64), coef.astype(np.float64)
                )
                x += intercept
        return x.astype(WEIGHT_DTYPE, copy=False)

    def predict(
        self, bags: Bags, predict_codes: Callable[[NDArray[np.float32]], Any]
    ) -> Any:
        """Codes that a function predicts from the scores of each bag.

        Of an adaptive softmax: the code of the best class, without all scores.
        """
        if self.clusters is None:
            return predict_codes(self.scores(bags))
        return self._best_of_clusters(bags, 1)[0][:, 0]

    def best(
        self,
        bags: Bags,
        k: int,
        targets: ClassificationTargets,
        calibration: Calibration,
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Codes of the k best classes of each bag, (n_samples, k), and probabilities.

        Never more than `NUMBERS_AT_ONCE` scores at a time.
        """
        if self.clusters is not None:
            codes, log_probabilities = self._best_of_clusters(bags, k)
            return codes, np.exp(log_probabilities.astype(np.float64))
        return self._best_of_all(bags, k, targets, calibration)

    def _best_of_clusters(
        self, bags: Bags, k: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        assert self.clusters is not None
        x, last = self._below_clusters(bags), self._last_layer()
        step = max(1, NUMBERS_AT_ONCE // self.clusters.head_size)
        parts = [last.best(x[i : i + step], k) for i in range(0, max(len(x), 1), step)]
        codes, log_probabilities = zip(*parts, strict=True)
        return np.concatenate(codes), np.concatenate(log_probabilities)

    def _best_of_all(
        self,
        bags: Bags,
        k: int,
        targets: ClassificationTargets,
        calibration: Calibration,
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        n_outputs = self.n_outputs
        step = max(1, NUMBERS_AT_ONCE // n_outputs)
        codes, best_probabilities = [], []
        for start in range(0, max(len(bags), 1), step):
            scores = self.scores(bags.slice(start, min(start + step, len(bags))))
            part = best_columns(targets.ranking_scores(scores), k)
            codes.append(part)
            probabilities = targets.probabilities(scores, calibration)
            best_probabilities.append(np.take_along_axis(probabilities, part, axis=1))
        return np.concatenate(codes), np.concatenate(best_probabilities)

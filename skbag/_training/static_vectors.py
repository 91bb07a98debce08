"""Vectors of words beside the bag, in the same table.

The vector of a text is the weighted sum of those of its tokens, ``bags @ rows``. A
linear model of it is itself a bag with one column for each output, ``bags @ (rows @
coef.T)``: so it is added to the table of scores, and nothing of the vectors is kept.
Words that no text had get rows by this alone, those of the source that are frequent.
How much it counts beside the bag follows from samples unseen by both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.dtypes import ID_DTYPE, WEIGHT_DTYPE
from skbag._core.threads import one_blas_thread
from skbag._model.model import Featurizer
from skbag._model.predictor import Predictor
from skbag._text.encoder import LearningEncoder
from skbag._text.pretrained import Vectors, find_more_vectors
from skbag._training.cross_scores import Fold
from skbag._training.preparation import Prepared
from skbag._training.run import TrainingRun
from skbag._training.samples import Samples
from skbag._training.settings import Settings
from skbag._training.vector_comparison import Folded, fit_vector_model
from skbag._training.vector_mixture import SharePrior

N_WORDS = 30_000
"""How many of the first words of a source get rows, whether texts have them or not.
With 8 labelled texts a class nearly half of the tokens of others are new."""

SHARE_PRIOR = SharePrior(mean=0.5, std=0.25)

ROWS_AT_ONCE = 2**14
"""Rows that are multiplied at a time."""


@dataclass(frozen=True, eq=False)
class StaticVectors:
    """What a source says of the tokens of a fit.

    Parameters
    ----------
    vectors : Vectors
        Ids up to those of the fit are its tokens, later ones more words.
    encoder : LearningEncoder
        Knows all of them.
    """

    vectors: Vectors
    encoder: LearningEncoder

    @property
    def coverage(self) -> float | None:
        """Share of the tokens of the fit that have a vector."""
        return self.vectors.coverage

    def fold(
        self,
        prepared: Prepared,
        run: TrainingRun,
        predictor: Predictor,
        settings: Settings,
    ) -> Folded:
        """See `VectorSource`; added to the rows of words."""
        documents = _WordVectorSums.of_words(self.vectors, len(predictor.dense))
        model = fit_vector_model(documents, prepared, run, settings)
        if model is None:
            featurizer, calibration = prepared.featurizer, run.outcome.calibration
            return Folded(featurizer, predictor, calibration, 0.0)
        mixture, rows = model.mixture, self.vectors.rows
        table = np.zeros((self.encoder.n_ids, len(model.coef)), dtype=WEIGHT_DTYPE)
        table[: len(predictor.dense)] = predictor.dense
        table *= WEIGHT_DTYPE(1 - mixture.share)
        scaled = model.rows()
        with one_blas_thread():
            for start in range(0, len(rows), ROWS_AT_ONCE):
                part = slice(start, start + ROWS_AT_ONCE)
                table[self.vectors.ids[part]] += rows[part] @ scaled
        ((_, own_intercept),) = predictor.layers
        layers = ((None, mixture.mix(own_intercept, model.intercept)),)
        return Folded(
            _with_words(prepared.featurizer, self.encoder),
            replace(predictor, embedding=table, layers=layers),
            mixture.calibration,
            mixture.share,
        )


def static_vectors(settings: Settings, featurizer: Featurizer) -> StaticVectors:
    """Look up vectors for the tokens of a fit, and for more words.

    A given vocabulary is used as it is: no words join it.
    """
    n_words = N_WORDS if settings.text.vocabulary is None else 0
    encoder, vectors = find_more_vectors(
        settings.embedding_init, featurizer.learning_encoder, n_words
    )
    return StaticVectors(vectors, encoder)


def _with_words(featurizer: Featurizer, encoder: LearningEncoder) -> Featurizer:
    """Featurizer of an encoder that knows more words, of which no text was counted."""
    counts, id_weights = featurizer.document_counts, featurizer.id_weights
    if counts is None or id_weights is None:
        return replace(featurizer, encoder=encoder)
    n_before = len(id_weights)
    counts = counts.with_ids(encoder.n_ids)
    # They say nothing of the classes, whatever the mean of the others is.
    weights = featurizer.weighting.weights_of_new(
        counts.rows(slice(n_before, None)), encoder.kinds_since(n_before), 1.0
    )
    return replace(
        featurizer,
        encoder=encoder,
        document_counts=counts,
        id_weights=np.append(id_weights, weights),
    )


@dataclass(frozen=True, eq=False)
class _WordVectorSums:
    """Makes vectors of texts of those of their tokens; see `DocumentVectors`.

    Parameters
    ----------
    places : ndarray of shape (n_ids,), dtype=int32
        Which row is the vector of each token; -1 for none.
    rows : ndarray of shape (n_vectors, width), dtype=float32
    """

    places: NDArray[np.int32]
    rows: NDArray[np.float32]

    share_prior = SHARE_PRIOR

    @classmethod
    def of_words(cls, vectors: Vectors, n_ids: int) -> _WordVectorSums:
        places = np.full(n_ids, -1, dtype=ID_DTYPE)
        n_own = int(np.searchsorted(vectors.ids, n_ids))
        places[vectors.ids[:n_own]] = np.arange(n_own, dtype=ID_DTYPE)
        return cls(places, vectors.rows)

    def of(self, samples: Samples, start: int, stop: int) -> NDArray[np.float32]:
        """Vectors of the samples `start` to `stop`."""
        return self._of_bags(samples.X.slice(start, stop))

    def of_fold(self, fold: Fold) -> NDArray[np.float32]:
        """Vectors of the samples that a fold scores: words may be new to the bag."""
        return self._of_bags(fold.bags(self.places >= 0))

    def n_numbers(self, samples: Samples) -> int:
        """About how many numbers are summed for a sample."""
        n_words = max(int(samples.X.mean_length), 1)
        return n_words * int(self.rows.shape[1])

    def _of_bags(self, bags: Bags) -> NDArray[np.float32]:
        return bags.renumber(self.places, len(self.rows)).matmul(self.rows)

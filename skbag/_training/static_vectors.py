"""Vectors of words beside the bag, in the same table.

The vector of a text is the weighted sum of those of its tokens, ``bags @ rows``. A
linear model of it is itself a bag with one column for each output, ``bags @ (rows @
coef.T)``: so it is added to the table of scores, and nothing of the vectors is kept.
Words that no text had get rows by this alone, those of the source that are frequent.
How much it counts beside the bag follows from samples unseen by both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.communicator import SINGLE_PROCESS
from skbag._core.dtypes import ID_DTYPE, WEIGHT_DTYPE
from skbag._core.threads import one_blas_thread
from skbag._model.model import Featurizer
from skbag._model.predictor import Predictor
from skbag._targets.calibration import Calibration
from skbag._targets.losses import label_weights
from skbag._targets.targets import ClassificationTargets
from skbag._text.encoder import LearningEncoder
from skbag._text.pretrained import Vectors, find_more_vectors
from skbag._training.cross_scores import cross_scores, folds_of
from skbag._training.discriminants import Discriminants
from skbag._training.preparation import Prepared
from skbag._training.progress import Unseen
from skbag._training.run import TrainingRun
from skbag._training.samples import Samples
from skbag._training.settings import Settings
from skbag._training.vector_mixture import Mixture, fit_mixture

N_WORDS = 30_000
"""How many of the first words of a source get rows, whether texts have them or not.
With 8 labelled texts a class nearly half of the tokens of others are new."""

MAX_SAMPLES = 2**14
"""Samples that the linear model is made on at most, the last ones, ..."""

MAX_ENTRIES = 2**30
"""... and their entries x numbers of a vector, ..."""

MAX_TARGETS = 2**24
"""... and samples x outputs."""

MAX_CROSSED, MAX_CROSSED_SCORES = 2**13, 2**26
"""Samples, and their entries x outputs, that cross-validation is done on at most."""

SHRINKAGES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Strengths of shrinkage to choose from: see `Discriminants`."""

INVERSE_TEMPERATURES = (0.1, 0.2, 0.4, 0.7, 1.0)
"""Of the scores of the linear model, of which the best is taken to compare these."""

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


@dataclass(frozen=True, eq=False)
class Folded:
    """A model with vectors in its table.

    Parameters
    ----------
    featurizer : Featurizer
    predictor : Predictor
    calibration : Calibration
    share : float
        Of the vectors in the scores, in [0, 1]. With none the model is as it was.
    """

    featurizer: Featurizer
    predictor: Predictor
    calibration: Calibration
    share: float


def static_vectors(settings: Settings, featurizer: Featurizer) -> StaticVectors:
    """Look up vectors for the tokens of a fit, and for more words.

    A given vocabulary is used as it is: no words join it.
    """
    n_words = N_WORDS if settings.text.vocabulary is None else 0
    encoder, vectors = find_more_vectors(
        settings.embedding_init, featurizer.learning_encoder, n_words
    )
    return StaticVectors(vectors, encoder)


def fold_vectors(
    found: StaticVectors,
    prepared: Prepared,
    run: TrainingRun,
    predictor: Predictor,
    settings: Settings,
) -> Folded:
    """Add a linear model of the vectors of texts to a table of scores.

    Parameters
    ----------
    found : StaticVectors
    prepared : Prepared
        The samples of the run.
    run : TrainingRun
        Ended.
    predictor : Predictor
        What it has trained.
    settings : Settings
    """
    documents = _DocumentVectors.of(found.vectors, len(predictor.dense))
    rows = found.vectors.rows
    with one_blas_thread():
        shrinkage, mixture = _compare(documents, prepared, run, settings)
        if not mixture.share:
            featurizer, calibration = prepared.featurizer, run.outcome.calibration
            return Folded(featurizer, predictor, calibration, 0.0)
        coef, intercept = _coefficients(
            documents.discriminants(prepared.samples), shrinkage, run
        )
        table = np.zeros((found.encoder.n_ids, len(coef)), dtype=WEIGHT_DTYPE)
        table[: len(predictor.dense)] = predictor.dense
        table *= WEIGHT_DTYPE(1 - mixture.share)
        scaled = (mixture.share * mixture.scale * coef.T).astype(WEIGHT_DTYPE)
        for start in range(0, len(rows), ROWS_AT_ONCE):
            part = slice(start, start + ROWS_AT_ONCE)
            table[found.vectors.ids[part]] += rows[part] @ scaled
    ((_, own_intercept),) = predictor.layers
    layers = ((None, mixture.mix(own_intercept, intercept)),)
    return Folded(
        _with_words(prepared.featurizer, found.encoder),
        replace(predictor, embedding=table, layers=layers),
        mixture.calibration,
        mixture.share,
    )


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
class _DocumentVectors:
    """Makes vectors of texts of those of their tokens.

    Parameters
    ----------
    places : ndarray of shape (n_ids,), dtype=int32
        Which row is the vector of each token; -1 for none.
    rows : ndarray of shape (n_vectors, width), dtype=float32
    """

    places: NDArray[np.int32]
    rows: NDArray[np.float32]

    @classmethod
    def of(cls, vectors: Vectors, n_ids: int) -> _DocumentVectors:
        places = np.full(n_ids, -1, dtype=ID_DTYPE)
        n_own = int(np.searchsorted(vectors.ids, n_ids))
        places[vectors.ids[:n_own]] = np.arange(n_own, dtype=ID_DTYPE)
        return cls(places, vectors.rows)

    def __call__(self, bags: Bags) -> NDArray[np.float32]:
        """Vectors of bags, (n_bags, width)."""
        return bags.renumber(self.places, len(self.rows)).matmul(self.rows)

    def discriminants(self, samples: Samples, stop: int | None = None) -> Discriminants:
        """Linear model of the last of the first `stop` samples."""
        stop = len(samples) if stop is None else stop
        n_entries = max(int(samples.X.mean_length), 1) * self.rows.shape[1]
        n_samples = min(
            MAX_SAMPLES,
            MAX_ENTRIES // n_entries,
            MAX_TARGETS // samples.targets.n_outputs,
        )
        start = max(stop - max(n_samples, 1), 0)
        weight = samples.weight
        return Discriminants.of(
            self(samples.X.slice(start, stop)),
            samples.targets.numbers(samples.codes[start:stop]),
            None if weight is None else weight[start:stop],
        )


@dataclass(frozen=True, eq=False)
class _Part:
    """A linear model, and vectors of samples that it was made without."""

    model: Discriminants
    vectors: NDArray[np.float32]
    places: NDArray[np.int64]


def _compare(
    documents: _DocumentVectors,
    prepared: Prepared,
    run: TrainingRun,
    settings: Settings,
) -> tuple[float, Mixture]:
    """Shrinkage and share, by samples that neither model was made of."""
    samples, targets = prepared.samples, prepared.samples.targets
    assert isinstance(targets, ClassificationTargets)
    unseen, are_crossed = _unseen(prepared, run, settings)
    codes = samples.codes[unseen.rows]
    weight = None if samples.weight is None else samples.weight[unseen.rows]
    if are_crossed:
        parts = list(_crossed_parts(documents, prepared, unseen, settings))
    else:
        parts = list(_late_part(documents, prepared, unseen))
    best, scores_of_best, least = SHRINKAGES[-1], None, np.inf
    for shrinkage in reversed(SHRINKAGES):
        scores = np.zeros(unseen.scores.shape)
        for part in parts:
            coef, intercept = _coefficients(part.model, shrinkage, run)
            scores[part.places] = part.vectors @ coef.T + intercept
        loss = min(
            targets.log_loss(
                scores.astype(WEIGHT_DTYPE), codes, weight, Calibration(factor)
            )
            for factor in INVERSE_TEMPERATURES
        )
        if scores_of_best is None or loss < least:
            best, scores_of_best, least = shrinkage, scores, loss
    assert scores_of_best is not None
    mixture = fit_mixture(
        unseen.scores, scores_of_best, codes, weight, targets, run.calibration_of
    )
    return best, mixture


def _unseen(
    prepared: Prepared, run: TrainingRun, settings: Settings
) -> tuple[Unseen, bool]:
    """Scores of the bag of samples that leave others to make a model of.

    And whether these are by cross-validation: of few samples those that were left out
    of the counts are too few to compare models by.
    """
    samples, unseen = prepared.samples, run.unseen
    if prepared.counts_all and unseen is not None:
        return unseen, True
    if _can_be_crossed(prepared):
        return cross_scores(prepared, settings, run.rng, SINGLE_PROCESS), True
    if unseen is None:
        scores = np.empty((0, samples.targets.n_outputs), dtype=WEIGHT_DTYPE)
        return Unseen(scores, np.empty(0, dtype=np.int64)), False
    # Of rare classes all samples may have been followed.
    is_late = unseen.rows >= len(samples) - max(prepared.n_progressive, 1)
    return Unseen(unseen.scores[is_late], unseen.rows[is_late]), False


def _can_be_crossed(prepared: Prepared) -> bool:
    """Whether to fit the bag to parts of the samples, too, takes little time."""
    samples = prepared.samples
    n_entries = len(samples) * samples.X.mean_length
    return (
        prepared.featurizer.id_weights is not None
        # Visits of a sample would be in several parts.
        and samples.numbers is None
        and len(samples) <= MAX_CROSSED
        and n_entries * samples.targets.n_outputs <= MAX_CROSSED_SCORES
    )


def _late_part(
    documents: _DocumentVectors, prepared: Prepared, unseen: Unseen
) -> Iterator[_Part]:
    """Yield a linear model of the samples before those that are unseen."""
    rows = unseen.rows
    if len(rows) and rows[0]:
        first, stop = int(rows[0]), int(rows[-1]) + 1
        model = documents.discriminants(prepared.samples, first)
        vectors = documents(prepared.samples.X.slice(first, stop))
        yield _Part(model, vectors, np.arange(len(rows)))


def _crossed_parts(
    documents: _DocumentVectors,
    prepared: Prepared,
    unseen: Unseen,
    settings: Settings,
) -> Iterator[_Part]:
    """Yield linear models of the rest of each fold."""
    for fold in folds_of(prepared, settings, SINGLE_PROCESS):
        is_kept = np.isin(fold.rows, unseen.rows)
        vectors = documents(fold.bags(documents.places >= 0))[is_kept]
        places = np.searchsorted(unseen.rows, fold.rows[is_kept])
        yield _Part(documents.discriminants(fold.rest.samples), vectors, places)


def _coefficients(
    model: Discriminants, shrinkage: float, run: TrainingRun
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coefficients and intercepts, by what having each label weighs."""
    coef, intercept = model.coefficients(shrinkage)
    weights = label_weights(run.loss)
    return coef, intercept if weights is None else intercept + np.log(weights)

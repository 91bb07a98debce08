"""A linear model of document vectors beside the bag, and how much it counts.

How strongly it is shrunk and what share of the scores it has follows from samples that
neither model was made of: those of few samples by cross-validation, else those that
the bag has scored before it was trained on them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from skbag._core.communicator import SINGLE_PROCESS
from skbag._core.dtypes import WEIGHT_DTYPE
from skbag._core.threads import one_blas_thread
from skbag._model.model import Featurizer
from skbag._model.predictor import Predictor
from skbag._targets.calibration import Calibration
from skbag._targets.losses import label_weights
from skbag._targets.targets import ClassificationTargets
from skbag._training.cross_scores import Fold, cross_scores, folds_of
from skbag._training.discriminants import Discriminants
from skbag._training.preparation import Prepared
from skbag._training.progress import Unseen
from skbag._training.run import TrainingRun
from skbag._training.samples import Samples
from skbag._training.settings import Settings
from skbag._training.vector_mixture import Mixture, SharePrior, fit_mixture

MAX_SAMPLES = 2**14
"""Samples that the linear model is made on at most, the last ones, ..."""

MAX_NUMBERS = 2**30
"""... and the numbers that their vectors are made of, ..."""

MAX_TARGETS = 2**24
"""... and samples x outputs."""

MAX_CROSSED, MAX_CROSSED_SCORES = 2**13, 2**26
"""Samples, and their entries x outputs, that cross-validation is done on at most."""

SHRINKAGES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Strengths of shrinkage to choose from: see `Discriminants`."""

INVERSE_TEMPERATURES = (0.1, 0.2, 0.4, 0.7, 1.0)
"""Of the scores of the linear model, of which the best is taken to compare these."""


class DocumentVectors(Protocol):
    """Vectors of samples, wherever they come from."""

    @property
    def share_prior(self) -> SharePrior:
        """What share their model has in the scores, on other data."""

    def of(self, samples: Samples, start: int, stop: int) -> NDArray[np.float32]:
        """Vectors of the samples `start` to `stop`, (stop - start, width)."""

    def of_fold(self, fold: Fold) -> NDArray[np.float32]:
        """Vectors of the samples that a fold scores, (n_rows, width)."""

    def n_numbers(self, samples: Samples) -> int:
        """About how many numbers the vector of a sample is made of."""


class VectorSource(Protocol):
    """What adds a linear model of vectors to a bag."""

    @property
    def coverage(self) -> float | None:
        """Share of the tokens that have a vector; None where texts have them."""

    def fold(
        self,
        prepared: Prepared,
        run: TrainingRun,
        predictor: Predictor,
        settings: Settings,
    ) -> Folded:
        """Add a linear model of the vectors of texts to a table of scores.

        Parameters
        ----------
        prepared : Prepared
            The samples of the run.
        run : TrainingRun
            Ended.
        predictor : Predictor
            What it has trained.
        settings : Settings
        """


@dataclass(frozen=True, eq=False)
class VectorModel:
    """A linear model of document vectors, and its share in the scores.

    Parameters
    ----------
    coef : ndarray of shape (n_outputs, width), dtype=float64
    intercept : ndarray of shape (n_outputs,), dtype=float64
    mixture : Mixture
    """

    coef: NDArray[np.float64]
    intercept: NDArray[np.float64]
    mixture: Mixture

    def rows(self) -> NDArray[np.float32]:
        """What one unit of each number of a vector adds to the scores.

        Returns
        -------
        rows : ndarray of shape (width, n_outputs), dtype=float32
        """
        factor = self.mixture.share * self.mixture.scale
        return (factor * self.coef.T).astype(WEIGHT_DTYPE)


@dataclass(frozen=True, eq=False)
class Folded:
    """A model with vectors beside the bag.

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


def fit_vector_model(
    documents: DocumentVectors, prepared: Prepared, run: TrainingRun, settings: Settings
) -> VectorModel | None:
    """Fit a linear model of the vectors of samples, to be mixed with the bag.

    Parameters
    ----------
    documents : DocumentVectors
    prepared : Prepared
        The samples of the run.
    run : TrainingRun
        Ended.
    settings : Settings

    Returns
    -------
    model : VectorModel or None
        None where the bag is as good without.
    """
    with one_blas_thread():
        shrinkage, mixture = _compare(documents, prepared, run, settings)
        if not mixture.share:
            return None
        coef, intercept = _coefficients(
            _discriminants(documents, prepared.samples), shrinkage, run
        )
    return VectorModel(coef, intercept, mixture)


def _discriminants(
    documents: DocumentVectors, samples: Samples, stop: int | None = None
) -> Discriminants:
    """Linear model of the last of the first `stop` samples."""
    stop = len(samples) if stop is None else stop
    n_samples = min(
        MAX_SAMPLES,
        MAX_NUMBERS // documents.n_numbers(samples),
        MAX_TARGETS // samples.targets.n_outputs,
    )
    start = max(stop - max(n_samples, 1), 0)
    weight = samples.weight
    return Discriminants.of(
        documents.of(samples, start, stop),
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
    documents: DocumentVectors,
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
        unseen.scores,
        scores_of_best,
        codes,
        weight,
        targets,
        run.calibration_of,
        documents.share_prior,
        _are_present(parts, unseen.scores.shape[1]),
    )
    return best, mixture


def _are_present(parts: list[_Part], n_outputs: int) -> NDArray[np.bool_]:
    """Which outputs all linear models had samples of, (n_outputs,)."""
    is_present = np.ones(n_outputs, dtype=np.bool_)
    for part in parts:
        is_present &= part.model.is_present
    return is_present


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
        settings = _as_trained(settings, run)
        return cross_scores(prepared, settings, run.rng, SINGLE_PROCESS), True
    if unseen is None:
        scores = np.empty((0, samples.targets.n_outputs), dtype=WEIGHT_DTYPE)
        return Unseen(scores, np.empty(0, dtype=np.int64)), False
    # Of rare classes all samples may have been followed.
    is_late = unseen.rows >= len(samples) - max(prepared.n_progressive, 1)
    return Unseen(unseen.scores[is_late], unseen.rows[is_late]), False


def _as_trained(settings: Settings, run: TrainingRun) -> Settings:
    """Settings with what the run has decided.

    A penalty that its first epoch has found makes scores small: those of folds that are
    trained by another are on another scale.
    """
    plan = run.plan
    training = replace(settings.training, alpha=plan.alpha, max_iter=plan.n_epochs)
    return replace(settings, training=training)


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
    documents: DocumentVectors, prepared: Prepared, unseen: Unseen
) -> Iterator[_Part]:
    """Yield a linear model of the samples before those that are unseen."""
    rows = unseen.rows
    if len(rows) and rows[0]:
        first, stop = int(rows[0]), int(rows[-1]) + 1
        model = _discriminants(documents, prepared.samples, first)
        vectors = documents.of(prepared.samples, first, stop)
        yield _Part(model, vectors, np.arange(len(rows)))


def _crossed_parts(
    documents: DocumentVectors,
    prepared: Prepared,
    unseen: Unseen,
    settings: Settings,
) -> Iterator[_Part]:
    """Yield linear models of the rest of each fold."""
    for fold in folds_of(prepared, settings, SINGLE_PROCESS):
        is_kept = np.isin(fold.rows, unseen.rows)
        vectors = documents.of_fold(fold)[is_kept]
        places = np.searchsorted(unseen.rows, fold.rows[is_kept])
        yield _Part(_discriminants(documents, fold.rest.samples), vectors, places)


def _coefficients(
    model: Discriminants, shrinkage: float, run: TrainingRun
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coefficients and intercepts, by what having each label weighs."""
    coef, intercept = model.coefficients(shrinkage)
    weights = label_weights(run.loss)
    return coef, intercept if weights is None else intercept + np.log(weights)

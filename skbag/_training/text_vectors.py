"""Vectors of whole texts beside the bag, by an encoder made elsewhere.

A linear model of them is a further row of the table for each number of a vector: a text
has an entry of that weight. So scores stay a sum over entries. Only those texts of a
fit are encoded that the linear model, and its comparison with the bag, are made of.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.dtypes import WEIGHT_DTYPE
from skbag._model.model import Model
from skbag._model.predictor import Predictor
from skbag._text.text_encoder import TEXTS_AT_ONCE, TextEncoder
from skbag._training.cross_scores import Fold
from skbag._training.preparation import Prepared
from skbag._training.run import TrainingRun
from skbag._training.samples import Samples
from skbag._training.settings import Settings
from skbag._training.vector_comparison import Folded, fit_vector_model
from skbag._training.vector_mixture import SharePrior

ReportEncoded = Callable[[int, int], None]
"""Called after each part of some texts with how many are encoded, and how many are
to be."""


SHARE_PRIOR = SharePrior(mean=0.8, std=0.15)
"""With few labels an encoder of whole texts knows much more than the bag."""


class EncodedTexts:
    """Vectors of the texts of a fit; see `DocumentVectors`. Each is encoded once.

    Parameters
    ----------
    source : object
        See `TextEncoder`. Asked for the vector of the first text at once: what cannot
        be used shows before anything is trained.
    texts : sequence of str
        Those that the bags of the samples were counted of.
    report : callable

    Attributes
    ----------
    encoder : TextEncoder
    """

    coverage = None
    share_prior = SHARE_PRIOR

    def __init__(
        self, source: Any, texts: Sequence[Any], report: ReportEncoded
    ) -> None:
        self.encoder = TextEncoder.measured(source, texts[0])
        self._texts = texts
        self._report = report
        self._places = np.full(len(texts), -1, dtype=np.int64)
        self._vectors = np.empty((0, self.encoder.width), dtype=WEIGHT_DTYPE)

    def of(self, samples: Samples, start: int, stop: int) -> NDArray[np.float32]:
        """Vectors of the samples `start` to `stop`, (stop - start, width)."""
        rows = samples.X.rows
        return self._of(np.arange(start, stop) if rows is None else rows[start:stop])

    def of_fold(self, fold: Fold) -> NDArray[np.float32]:
        """Vectors of the samples that a fold scores, (n_rows, width)."""
        rows = fold.samples.X.rows
        return self._of(fold.rows if rows is None else rows[fold.rows])

    def n_numbers(self, samples: Samples) -> int:
        """Numbers of a vector."""
        return self.encoder.width

    def _of(self, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        """Vectors of the texts of some numbers."""
        unknown = np.unique(numbers[self._places[numbers] < 0])
        if len(unknown):
            n_before = len(self._vectors)
            parts = [self._vectors]
            for start in range(0, len(unknown), TEXTS_AT_ONCE):
                part = unknown[start : start + TEXTS_AT_ONCE].tolist()
                parts.append(self.encoder.encode([self._texts[i] for i in part]))
                self._report(n_before + start + len(part), n_before + len(unknown))
            self._vectors = np.concatenate(parts)
            self._places[unknown] = np.arange(n_before, len(self._vectors))
        return self._vectors[self._places[numbers]]

    def fold(
        self,
        prepared: Prepared,
        run: TrainingRun,
        predictor: Predictor,
        settings: Settings,
    ) -> Folded:
        """See `VectorSource`; in rows of its own, below the table."""
        model = fit_vector_model(self, prepared, run, settings)
        if model is None:
            featurizer, calibration = prepared.featurizer, run.outcome.calibration
            return Folded(featurizer, predictor, calibration, 0.0)
        mixture = model.mixture
        own = predictor.dense * WEIGHT_DTYPE(1 - mixture.share)
        ((_, own_intercept),) = predictor.layers
        return Folded(
            replace(prepared.featurizer, text_encoder=self.encoder),
            replace(
                predictor,
                embedding=np.concatenate([own, model.rows()]),
                layers=((None, mixture.mix(own_intercept, model.intercept)),),
            ),
            mixture.calibration,
            mixture.share,
        )


def check_can_go_on(model: Model | None, settings: Settings, how: str) -> None:
    """Raise where training would go on from a model with vectors of texts.

    Raises
    ------
    ValueError
    """
    has_encoder = model is not None and model.featurizer.text_encoder is not None
    if has_encoder or settings.text_encoder is not None:
        raise ValueError(
            f"{how} does not go with text_encoder: how much its vectors count beside "
            "the bag is learnt from all texts at once, and holds for the bag as it was "
            "then. Use fit without warm_start, with all texts; or text_encoder=None "
            "from the first fit on."
        )

"""What a call of ``fit`` or ``partial_fit`` gives."""

from __future__ import annotations

from dataclasses import dataclass

from skbag._model.model import Featurizer, Model, Resume
from skbag._model.predictor import Predictor
from skbag._targets.calibration import Calibration
from skbag._training.early_stopping import Outcome
from skbag._training.origin import with_score_offset
from skbag._training.plan import Plan
from skbag._training.stream import RowUpdate


@dataclass(frozen=True, eq=False)
class FitResult:
    """A model, how to go on with it, and how it came about.

    `coverage` is the share of the tokens that have a vector, `vector_share` that of the
    vectors in the scores where they were added to a table of these; None without.
    """

    model: Model
    resume: Resume
    plan: Plan
    outcome: Outcome
    coverage: float | None
    vector_share: float | None = None
    update: RowUpdate | None = None
    """Rows of the model's table that are yet to be written."""


def model_of(
    featurizer: Featurizer, predictor: Predictor, calibration: Calibration
) -> Model:
    """Model of trained arrays, whose scores get the offset of their calibration."""
    predictor = with_score_offset(predictor, calibration.score_offset)
    return Model(featurizer, predictor, calibration)

"""What a training starts from, and whether it may go on from there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from skbag._model.model import Featurizer, Model
from skbag._model.predictor import Predictor
from skbag._targets.calibration import Calibration
from skbag._text.pretrained import Vectors, find_vectors
from skbag._training.initial_table import initial_table
from skbag._training.plan import USUAL_SKILL_SCORE, Plan
from skbag._training.settings import Settings
from skbag._weighting.document_counts import DocumentCounts


@dataclass(frozen=True, eq=False)
class Start:
    """Trained arrays to go on from.

    `learning_rate` is the largest step that a rule may choose, `n_seen` the number of
    samples of the same stream that they were trained on, `skill_score` that of these
    when they were new, `calibration` that of the model, whose offset is no longer in
    the intercepts.
    """

    predictor: Predictor
    accumulators: tuple[NDArray[np.float32], ...] | None = None
    learning_rate: float = np.inf
    n_seen: int = 0
    calibration: Calibration | None = None
    skill_score: float = USUAL_SKILL_SCORE


@dataclass(frozen=True, eq=False)
class Origin:
    """What a training starts from, besides its samples.

    Parameters
    ----------
    start : Start or None
        Arrays to go on from.
    counts : DocumentCounts or None
        Of two classes, where a table of scores is to begin at what each token says by
        itself: see `initial_table`.
    table : ndarray of shape (n_ids, 1), dtype=float32, or None
        Where it is to begin instead.
    document_counts : ndarray of shape (n_ids,), dtype=float64, or None
        Number of documents that hold each id, where it is known.
    vectors : Vectors or None
        Rows of tokens to begin with.
    """

    start: Start | None = None
    counts: DocumentCounts | None = None
    table: NDArray[np.float32] | None = None
    document_counts: NDArray[np.float64] | None = None
    vectors: Vectors | None = None

    def initial_table(self) -> NDArray[np.float32] | None:
        """Return where a table of scores of two classes begins, for bags of norm 1."""
        if self.table is not None or self.counts is None:
            return self.table
        return initial_table(self.counts)


def check_layers(predictor: Predictor, plan: Plan) -> None:
    """Raise where training is to go on with layers of other sizes.

    Raises
    ------
    ValueError
    """
    dim, hidden = plan.options.embedding_dim, plan.options.hidden_layer_sizes
    n_outputs, loss = plan.problem.n_outputs, plan.problem.loss
    wanted = [n_outputs] if dim is None else [dim, *hidden, n_outputs]
    sizes = [len(coef) for coef, _ in predictor.layers if coef is not None]
    fitted = [predictor.embedding.shape[1], *sizes[:-1]]
    fitted += [predictor.n_outputs] * bool(sizes)
    if (predictor.clusters is not None) != loss.clustered:
        raise ValueError(
            "warm_start and partial_fit go on with the layers of the fitted model, "
            "and an adaptive softmax is a layer of its own: loss="
            f"{loss.name!r} cannot go on from the loss of the earlier fit. "
            "Set it back, or use fit with warm_start=False."
        )
    if wanted != fitted:
        raise ValueError(
            "warm_start and partial_fit go on with the layers of the fitted model, "
            f"of {fitted} units from the table up, but embedding_dim={dim} and "
            f"hidden_layer_sizes={hidden} ask for {wanted}. Set them back, or use "
            "fit with warm_start=False."
        )


def with_score_offset(predictor: Predictor, offset: float) -> Predictor:
    """Add a number to all scores."""
    if not offset:
        return predictor
    *below, (coef, intercept) = predictor.layers
    moved = (intercept + offset).astype(intercept.dtype)
    return replace(predictor, layers=(*below, (coef, moved)))


def vectors_to_begin_with(
    settings: Settings,
    featurizer: Featurizer,
    before: Model | None,
    coverage: float | None,
) -> Vectors | None:
    """Rows of the tokens that are new, where they are not to start at zero."""
    dim = settings.training.embedding_dim
    if settings.embedding_init is None or dim is None:
        return None
    return find_vectors(
        settings.embedding_init,
        featurizer.learning_encoder,
        dim,
        n_known=0 if before is None else len(before.predictor.embedding),
        coverage=coverage or 0.0,
    )

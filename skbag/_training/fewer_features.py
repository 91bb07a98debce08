"""When a stream goes on without the short-text features, and how.

Where texts are many, words are known well enough by themselves, and `fit` leaves these
features out (see `texts_are_short`). A stream begins with them, as it does not know how
many texts will come, and drops them once they are many. The rows of the other features
stay: old and new texts are then read without.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from skbag._core.dtypes import ID_DTYPE, WEIGHT_DTYPE
from skbag._model.model import Featurizer, Model, Resume
from skbag._text.columns_encoder import ColumnsEncoder
from skbag._text.text_options import MANY_TEXTS_OF_A_STREAM
from skbag._training.settings import Settings


def outgrows_short_texts(
    featurizer: Featurizer, settings: Settings, n_texts: int
) -> bool:
    """Whether short-text features that "auto" has chosen are to be dropped.

    Parameters
    ----------
    featurizer : Featurizer
    settings : Settings
    n_texts : int
        Of the whole stream, those that are about to be learnt included.
    """
    encoder = featurizer.learning_encoder
    return (
        settings.short_text_features == "auto"
        and n_texts >= MANY_TEXTS_OF_A_STREAM
        and encoder is not None
        and encoder.has_short_text_features
    )


def without_short_text_features(before: Model, resume: Resume) -> tuple[Model, Resume]:
    """Model, and what ``partial_fit`` needs of it, without the short-text features.

    Nothing of what is given changes. Weights are to be recomputed from the counts.
    """
    featurizer, predictor = before.featurizer, before.predictor
    encoder = featurizer.learning_encoder
    assert encoder is not None
    encoder, old_ids = encoder.without_short_text_features()
    counts, id_weights = featurizer.document_counts, featurizer.id_weights
    pending = featurizer.pending
    if counts is not None and id_weights is not None:
        n_ids, n_classes = len(id_weights), len(counts.class_totals)
        if pending is not None:
            pending = pending.moved(_new_ids(old_ids, n_ids), n_classes)
        counts = counts.with_ids(n_ids).moved(old_ids)
        # Of an id without a feature any weight will do.
        id_weights = id_weights[np.maximum(old_ids, 0)]
    block = featurizer.number_block
    if block is not None:
        assert isinstance(encoder, ColumnsEncoder)
        block = replace(block, ids=encoder.number_ids)
    featurizer = replace(
        featurizer,
        number_block=block,
        encoder=encoder,
        document_counts=counts,
        id_weights=id_weights,
        pending=pending,
    )
    predictor = replace(predictor, embedding=_moved(predictor.dense, old_ids))
    return (
        Model(featurizer, predictor, before.calibration),
        replace(resume, mean_divergence=None, stream=None),
    )


def _new_ids(old_ids: NDArray[np.int32], n_ids: int) -> NDArray[np.int32]:
    """Number now of each of `n_ids` ids; -1 for one that is left out."""
    is_left = old_ids >= 0
    new_ids = np.full(n_ids, -1, dtype=ID_DTYPE)
    new_ids[old_ids[is_left]] = np.flatnonzero(is_left)
    return new_ids


def _moved(
    table: NDArray[np.float32], old_ids: NDArray[np.int32]
) -> NDArray[np.float32]:
    """Rows of ids that have other numbers now; zeros for -1."""
    moved = np.zeros((len(old_ids), table.shape[1]), dtype=WEIGHT_DTYPE)
    has_row = old_ids >= 0
    moved[has_row] = table[old_ids[has_row]]
    return moved

"""Features of a compressed model: encoders of some, and what the others are made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skbag._core.dtypes import ID_DTYPE
from skbag._text import compact_encoders
from skbag._text.category_encoder import CategoryEncoder
from skbag._text.columns_encoder import ColumnsEncoder
from skbag._text.compact_encoders import (
    CompactPlainEncoder,
    CompactSelection,
    CompactVocabularyEncoder,
)
from skbag._text.encoder import Encoder
from skbag._text.number_encoder import NumberEncoder
from skbag._text.plain_encoder import PlainEncoder
from skbag._text.vocabulary_encoder import VocabularyEncoder


def compact(
    encoder: Encoder | None, ranked: NDArray[np.int32]
) -> tuple[Encoder | None, NDArray[np.int32]]:
    """Make a small encoder of some features.

    Parameters
    ----------
    encoder : Encoder or None
        None for a matrix, whose columns stay what they are.
    ranked : ndarray of shape (n_kept,), dtype=int32
        Ids, the most important first.

    Returns
    -------
    compact : Encoder or None
    ids : ndarray of shape (n_kept,), dtype=int32
        The old id of each of its features.
    """
    if isinstance(encoder, VocabularyEncoder):
        return CompactVocabularyEncoder.compact(encoder, ranked)
    if isinstance(encoder, PlainEncoder):
        return CompactPlainEncoder.compact(encoder, ranked)
    if isinstance(encoder, ColumnsEncoder):
        return _compact_columns(encoder, ranked)
    ids = np.sort(ranked)
    if isinstance(encoder, (CategoryEncoder, NumberEncoder)):
        return encoder.select(ids), ids
    return (None if encoder is None else CompactSelection(encoder, ids)), ids


def _compact_columns(
    encoder: ColumnsEncoder, ranked: NDArray[np.int32]
) -> tuple[ColumnsEncoder, NDArray[np.int32]]:
    encoders, ids = [], []
    for j, own in enumerate(encoder.encoders):
        of_column = encoder.ids_of[j]
        own_ranked = ranked[encoder.id_columns[ranked] == j]
        # Ids of a column ascend, here and there.
        local = np.searchsorted(of_column, own_ranked).astype(ID_DTYPE)
        small, kept = compact(own, local)
        assert small is not None
        encoders.append(small)
        ids.append(of_column[kept])
    return ColumnsEncoder(encoder.columns, encoders), np.concatenate(ids)


def backoffs(encoder: Encoder | None) -> NDArray[np.int32] | None:
    """Find the back-off features of each feature.

    Returns
    -------
    parts : ndarray of shape (n_ids, 2), dtype=int32, or None
        -1 where there is none; None where features have none.
    """
    if isinstance(encoder, VocabularyEncoder):
        return compact_encoders.vocabulary_backoffs(encoder)
    if isinstance(encoder, PlainEncoder):
        return compact_encoders.plain_backoffs(encoder)
    if isinstance(encoder, ColumnsEncoder):
        return _backoffs_of_columns(encoder)
    return None


def _backoffs_of_columns(encoder: ColumnsEncoder) -> NDArray[np.int32]:
    parts = np.full((encoder.n_ids, 2), -1, dtype=ID_DTYPE)
    for own, ids in zip(encoder.encoders, encoder.ids_of, strict=True):
        own_parts = backoffs(own)
        if own_parts is not None and len(ids):
            parts[ids] = np.where(own_parts >= 0, ids[own_parts], -1)
    return parts

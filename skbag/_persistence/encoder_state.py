"""Encoders as serialisable state, and back: see `state`."""

from __future__ import annotations

from typing import Any, cast

from skbag._persistence.fields import UNSOUND, damaged
from skbag._text.category_encoder import CategoryEncoder
from skbag._text.columns import KINDS, Column
from skbag._text.columns_encoder import ColumnsEncoder, checked_id_columns
from skbag._text.compact_encoders import (
    CompactPlainEncoder,
    CompactSelection,
    CompactVocabularyEncoder,
)
from skbag._text.encoder import Encoder
from skbag._text.hashed_encoder import HashedEncoder
from skbag._text.number_encoder import NumberEncoder
from skbag._text.plain_encoder import PlainEncoder
from skbag._text.vocabulary_encoder import VocabularyEncoder

ENCODERS: dict[str, Any] = {
    "byte": VocabularyEncoder,
    "plain": PlainEncoder,
    "hashed": HashedEncoder,
    "compact byte": CompactVocabularyEncoder,
    "compact plain": CompactPlainEncoder,
    "categories": CategoryEncoder,
    "number": NumberEncoder,
}
"""Encoders by the name that state calls them."""

_SELECTION, _COLUMNS = "compact selection", "columns"


def encoder_state(encoder: Encoder | None) -> dict[str, Any] | None:
    """Serialisable state of an encoder; None for none."""
    if encoder is None:
        return None
    if isinstance(encoder, CompactSelection):
        return {
            "kind": _SELECTION,
            "encoder": encoder_state(encoder.encoder),
            "ids": encoder.packed_ids(),
        }
    if isinstance(encoder, ColumnsEncoder):
        encoders = list(map(encoder_state, encoder.encoders))
        return {"kind": _COLUMNS, **encoder.__getstate__(), "encoders": encoders}
    kind = next(name for name, each in ENCODERS.items() if type(encoder) is each)
    state: Any = encoder.__getstate__()
    return {"kind": kind, **state}


def read_encoder(state: dict[str, Any] | None) -> Encoder | None:
    """Read the state of an encoder.

    Raises
    ------
    ModelFileError
        If it is not sound.
    """
    if state is None:
        return None
    if state["kind"] == _SELECTION:
        return _read_selection(state)
    if state["kind"] == _COLUMNS:
        return _read_columns(state)
    kind = ENCODERS[state["kind"]]
    encoder: Any = kind.__new__(kind)
    try:
        encoder.__setstate__(state)
    except UNSOUND as error:
        raise damaged(f"encoder: {error!r}") from error
    read: Encoder = encoder
    return read


def _read_selection(state: dict[str, Any]) -> Encoder:
    encoder = read_encoder(state["encoder"])
    assert encoder is not None
    try:
        return CompactSelection.unpacked(encoder, state.get("ids"))
    except UNSOUND as error:
        raise damaged(f"selection: {error!r}") from error


def _read_columns(state: dict[str, Any]) -> ColumnsEncoder:
    read = list(map(read_encoder, state["encoders"]))
    try:
        named = [Column(*column) for column in state["columns"]]
        if not all(kind in KINDS for _, kind in named):
            raise ValueError("columns of unknown kinds")
        for column, encoder in zip(named, read, strict=True):
            if (column.kind == "number") != isinstance(encoder, NumberEncoder):
                raise ValueError("the encoder of a column of another kind")
        of_categories = [isinstance(each, CategoryEncoder) for each in read]
        if of_categories != [kind == "category" for _, kind in named]:
            raise ValueError("encoders of other kinds than their columns")
        id_columns = checked_id_columns(state["id_columns"])
        return ColumnsEncoder(named, cast("list[Encoder]", read), id_columns)
    except UNSOUND as error:
        raise damaged(f"columns: {error!r}") from error

"""Serialisable state of columns of numbers: what they are standardised by."""

from __future__ import annotations

from typing import Any

import numpy as np

from skbag._core.dtypes import ID_DTYPE
from skbag._persistence.fields import array_of, damaged
from skbag._targets.targets import Targets
from skbag._text.columns_encoder import ColumnsEncoder
from skbag._text.encoder import Encoder
from skbag._weighting.column_moments import ColumnMoments
from skbag._weighting.number_block import NumberBlock
from skbag._weighting.number_moments import NumberMoments


def block_state(block: NumberBlock | None) -> dict[str, Any] | None:
    if block is None:
        return None
    moments = block.moments
    return {
        "squared_norm": block.squared_norm,
        "mean": block.mean,
        "factors": block.factors,
        "columns": moments_state(moments.columns),
        "weight": moments.weight,
        "class_weights": moments.class_weights,
        "products": moments.products,
        "class_sums": moments.class_sums,
    }


def read_block(
    state: dict[str, Any], encoder: Encoder | None, targets: Targets
) -> NumberBlock | None:
    ids = np.empty(0, dtype=ID_DTYPE)
    if isinstance(encoder, ColumnsEncoder):
        ids = encoder.number_ids
    # Earlier files have none.
    if state.get("numbers") is None:
        if len(ids):
            raise damaged("columns of numbers, but nothing to standardise them by")
        return None
    own = state["numbers"]
    shapes = {
        "mean": (len(ids),),
        "factors": (len(ids),),
        "class_weights": (targets.n_groups,),
        "products": (len(ids), len(ids)),
        "class_sums": (targets.n_groups, len(ids)),
    }
    arrays = {
        name: array_of(own, name, np.float64, ndim=len(shape))
        for name, shape in shapes.items()
    }
    for name, array in arrays.items():
        if array.shape != shapes[name]:
            raise damaged(f"{name!r} of numbers has shape {array.shape}")
    moments = NumberMoments(
        read_moments(own["columns"], len(ids)),
        float(own["weight"]),
        arrays["class_weights"],
        arrays["products"],
        arrays["class_sums"],
    )
    return NumberBlock(
        ids,
        arrays["mean"],
        arrays["factors"],
        moments,
        float(own["squared_norm"]),
    )


def moments_state(moments: ColumnMoments) -> dict[str, Any]:
    return {
        "weight": moments.weight,
        "mean": moments.mean,
        "squares": moments.squares,
    }


def read_moments(state: Any, n_columns: int) -> ColumnMoments:
    """Moments of so many columns."""
    weight, mean, squares = (
        array_of(state, name, np.float64, ndim=1)
        for name in ("weight", "mean", "squares")
    )
    for name, array in (("weight", weight), ("mean", mean), ("squares", squares)):
        if len(array) != n_columns:
            raise damaged(f"{name!r} of {len(array)} columns for {n_columns}")
    return ColumnMoments(weight, mean, squares)

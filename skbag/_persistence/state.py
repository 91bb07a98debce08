"""A fitted model as serialisable state, and back: what pickles and files hold.

State is made of dicts, lists, strings, numbers and numpy arrays; none of the package's
own classes is in it. So their names and places may change without breaking a pickle,
and a loader needs to trust one class only. What is read is checked: `schema` has looked
at each field by itself, and how they fit one another is looked at here, before anything
is computed with them.

The layout is a promise. A field may be added, read with a default where it is missing;
any other change needs a new `FORMAT` and, here, code that reads the older ones.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skbag._core.dtypes import WEIGHT_DTYPE
from skbag._core.sparse_checks import check_csr
from skbag._model.clusters import Clusters
from skbag._model.model import Featurizer, Model, Resume
from skbag._model.predictor import Predictor
from skbag._model.quantization import QuantizedTable
from skbag._persistence.encoder_state import encoder_state, read_encoder
from skbag._persistence.fields import (
    LARGEST,
    UNSOUND,
    array_of,
    damaged,
    integers_of,
    levels_from_state,
    levels_state,
    native_array,
    table_from_state,
    table_state,
)
from skbag._persistence.number_state import (
    block_state,
    moments_state,
    read_block,
    read_moments,
)
from skbag._targets.calibration import Calibration
from skbag._targets.targets import Targets
from skbag._text.columns_encoder import ColumnsEncoder
from skbag._text.compact_encoders import (
    CompactPlainEncoder,
    CompactSelection,
    CompactVocabularyEncoder,
)
from skbag._text.encoder import Encoder
from skbag._text.text_encoder import TextEncoder, is_text_encoder
from skbag._weighting.document_counts import DocumentCounts, PendingCounts
from skbag._weighting.weighting import Weighting

FORMAT = 1
"""Number of the layout that is written; all up to it are read."""

_COMPACT_ENCODERS = (CompactVocabularyEncoder, CompactPlainEncoder, CompactSelection)


def model_state(model: Model) -> dict[str, Any]:
    """Serialisable state of a model; its arrays are shared, not copied."""
    featurizer, predictor = model.featurizer, model.predictor
    weighting = featurizer.weighting
    embedding, id_weights = predictor.embedding, featurizer.id_weights
    table: dict[str, Any]
    if isinstance(embedding, QuantizedTable):
        table = {
            "table": table_state(embedding),
            "id_weights": None if id_weights is None else levels_state(id_weights),
        }
    else:
        table = {"id_weights": id_weights, "embedding": embedding}
    text_encoder = featurizer.text_encoder
    return {
        "encoder": encoder_state(featurizer.encoder),
        "text_encoder": None if text_encoder is None else text_encoder.source,
        "weighting": {
            "use_idf": weighting.use_idf,
            "sublinear_tf": weighting.sublinear_tf,
            "norm": weighting.norm,
            "supervised": weighting.supervised,
            "column_shares": featurizer.shares,
        },
        "numbers": block_state(featurizer.number_block),
        "statistics": _counts_state(featurizer),
        **table,
        "layers": [
            {"coef": coef, "intercept": intercept}
            for coef, intercept in predictor.layers
        ],
        "clusters": None
        if predictor.clusters is None
        else _clusters_state(predictor.clusters),
        "temperature": model.calibration.inverse_temperature,
        "score_offset": model.calibration.score_offset,
        "link": model.calibration.link,
    }


def model_from_state(state: Any, targets: Targets) -> Model:
    """Model of serialisable state; arrays of the right dtype are shared, not copied.

    The state has passed `schema.check_state`, as for the functions below.

    Parameters
    ----------
    state : dict
        As made by `model_state`, on a machine of either byte order.
    targets : Targets
        Of the estimator it belongs to.

    Raises
    ------
    ModelFileError
        If the state is not that of a model for such targets.
    """
    embedding = _read_table(state)
    encoder = read_encoder(state["encoder"])
    text_encoder = _read_text_encoder(state, encoder, len(embedding))
    n_ids = len(embedding) - (0 if text_encoder is None else text_encoder.width)
    if encoder is not None and encoder.n_ids != n_ids:
        raise damaged(f"{encoder.n_ids} features for {n_ids} rows of the table")
    is_compact = isinstance(embedding, QuantizedTable)
    if isinstance(encoder, _COMPACT_ENCODERS) and not is_compact:
        raise damaged("a compact encoder without a compact table")
    id_weights = None
    if state.get("id_weights") is not None:
        id_weights = _read_id_weights(state, is_compact)
        if len(id_weights) != n_ids or id_weights.min(initial=1) <= 0:
            raise damaged("id_weights are not one positive number per feature")
        if not is_compact and state.get("statistics") is None:
            raise damaged("id_weights, but no statistics that they are made of")
    document_counts = pending = None
    if state.get("statistics") is not None:
        document_counts = _read_counts(state["statistics"], n_ids, targets)
        pending = _read_pending(state["statistics"].get("recent"), document_counts)
    layers = tuple(map(_read_layer, state["layers"]))
    clusters = None
    if state.get("clusters") is not None:
        clusters = _read_clusters(state["clusters"], targets)
    predictor = Predictor(embedding, layers, clusters)
    _check_layers(predictor, targets)
    _check_magnitudes(predictor)
    return Model(
        Featurizer(
            encoder,
            _read_weighting(state),
            document_counts,
            id_weights,
            pending,
            _read_shares(state, encoder),
            read_block(state, encoder, targets),
            text_encoder,
        ),
        predictor,
        _read_calibration(state, targets),
    )


def _read_text_encoder(
    state: Any, encoder: Encoder | None, n_rows: int
) -> TextEncoder | None:
    # Earlier files have none.
    source = state.get("text_encoder")
    if source is None:
        return None
    if not is_text_encoder(source):
        raise damaged(f"'text_encoder' is a {type(source).__name__}")
    if encoder is None or isinstance(encoder, (ColumnsEncoder, *_COMPACT_ENCODERS)):
        raise damaged("a text encoder beside other features than those of texts")
    # All rows that are no features.
    if encoder.n_ids >= n_rows:
        raise damaged(f"no rows of {n_rows} for the text encoder")
    return TextEncoder(source, n_rows - encoder.n_ids)


def _read_calibration(state: Any, targets: Targets) -> Calibration:
    # Earlier files know a softmax alone.
    offset, link = state.get("score_offset", 0.0), state.get("link", "softmax")
    is_shared = targets.one_of_all and not targets.has_two_classes
    if link not in (("softmax", "softplus") if is_shared else ("softmax",)):
        raise damaged(f"{link!r} is no link of such targets")
    return Calibration(float(state["temperature"]), float(offset), link)


def resume_state(resume: Resume) -> dict[str, Any]:
    """Serialisable state of what ``partial_fit`` needs."""
    return {
        "accumulators": list(resume.accumulators),
        "learning_rate": resume.learning_rate,
        "n_seen": resume.n_seen,
        "mean_divergence": resume.mean_divergence,
        "skill_score": resume.skill_score,
        "columns": None if resume.columns is None else moments_state(resume.columns),
    }


def resume_from_state(state: Any, model: Model) -> Resume:
    """Read the state of what ``partial_fit`` needs to go on with a model.

    Raises
    ------
    ModelFileError
        If it does not fit the model.
    """
    accumulators = tuple(
        native_array(array, WEIGHT_DTYPE, "accumulators")
        for array in state["accumulators"]
    )
    if [a.shape for a in accumulators] != _parameter_shapes(model.predictor):
        raise damaged("accumulators do not fit the layers")
    columns = None
    # Earlier files have none.
    if state.get("columns") is not None:
        columns = read_moments(state["columns"], len(model.predictor.embedding))
    return Resume(
        accumulators,
        float(state["learning_rate"]),
        state["n_seen"],
        # Earlier files do not say.
        state.get("mean_divergence"),
        state.get("skill_score"),
        columns=columns,
    )


def _read_table(state: Any) -> NDArray[np.float32] | QuantizedTable:
    if "table" in state:
        try:
            return table_from_state(state["table"])
        except UNSOUND as error:
            raise damaged(f"table: {error!r}") from error
    return array_of(state, "embedding", WEIGHT_DTYPE, ndim=2)


def _read_id_weights(state: dict[str, Any], is_compact: bool) -> NDArray[np.float32]:
    if not is_compact:
        return array_of(state, "id_weights", WEIGHT_DTYPE, ndim=1)
    try:
        return levels_from_state(state["id_weights"])
    except UNSOUND as error:
        raise damaged(f"id_weights: {error!r}") from error


def _parameter_shapes(predictor: Predictor) -> list[tuple[int, ...]]:
    """Shapes of the parameters of the layers, in torch's order."""
    layers = predictor.layers if predictor.clusters is None else predictor.layers[:-1]
    shapes = [array.shape for layer in layers for array in layer if array is not None]
    if predictor.clusters is not None:
        # The classes of the clusters, a row for each, then what comes first.
        coef, clusters = predictor.layers[-1][0], predictor.clusters
        assert coef is not None
        n_in, size, n_clusters = coef.shape[1], clusters.size, clusters.n_clusters
        shapes += [(n_clusters, size * n_in), (n_clusters, size)]
        shapes += [(clusters.head_size, n_in), (clusters.head_size,)]
    return shapes


def _read_shares(
    state: dict[str, Any], encoder: Encoder | None
) -> NDArray[np.float32] | None:
    # Earlier files have none.
    if state["weighting"].get("column_shares") is None:
        return None
    shares = array_of(state["weighting"], "column_shares", WEIGHT_DTYPE, ndim=1)
    n_columns = len(encoder.columns) if isinstance(encoder, ColumnsEncoder) else -1
    if len(shares) != n_columns:
        raise damaged("column_shares are not one positive number for each column")
    return shares


def _counts_state(featurizer: Featurizer) -> dict[str, Any] | None:
    document_counts, pending = featurizer.document_counts, featurizer.pending
    if document_counts is None:
        return None
    if featurizer.id_weights is not None:
        document_counts = document_counts.with_ids(len(featurizer.id_weights))
    # Not scipy's own pickle, whose module has moved between versions.
    counts = document_counts.class_counts
    exclusive = document_counts.exclusive
    return {
        "recent": None if pending is None else _pending_state(pending),
        "counts": counts.data,
        "codes": counts.indices,
        "offsets": counts.indptr,
        "class_totals": document_counts.class_totals,
        "any_counts": None if exclusive else document_counts.df,
        "any_total": None if exclusive else document_counts.n_documents,
    }


def _pending_state(pending: PendingCounts) -> dict[str, Any]:
    return {
        "cells": pending.pairs,
        "counts": pending.counts,
        "any_ids": pending.any_ids,
        "any_counts": pending.any_counts,
    }


def _read_counts(state: Any, n_ids: int, targets: Targets) -> DocumentCounts:
    n_groups = targets.n_groups
    totals = array_of(state, "class_totals", np.float64, ndim=1)
    counts = array_of(state, "counts", np.float64, ndim=1)
    codes, offsets = (integers_of(state, name) for name in ("codes", "offsets"))
    try:
        class_counts = sp.csr_array((counts, codes, offsets), shape=(n_ids, n_groups))
        check_csr(class_counts)
    except ValueError as error:
        raise damaged(f"statistics: {error}") from error
    if len(totals) != n_groups:
        raise damaged(f"statistics of {len(totals)} classes for {n_groups}")
    if targets.one_group_each:
        if state.get("any_counts") is not None:
            raise damaged("statistics of labels for classes")
        return DocumentCounts.of_classes(class_counts, totals)
    df = array_of(state, "any_counts", np.float64, ndim=1)
    if len(df) != n_ids:
        raise damaged(f"any_counts of {len(df)} features for {n_ids}")
    if state.get("any_total") is None:
        raise damaged("any_total is missing")
    n_documents = float(state["any_total"])
    return DocumentCounts(class_counts, totals, df, n_documents, exclusive=False)


def _read_pending(state: Any, counts: DocumentCounts) -> PendingCounts | None:
    # Earlier files have none.
    if state is None:
        return None
    shape = counts.class_counts.shape
    names = [("cells", "counts", math.prod(shape))]
    if not counts.exclusive:
        names.append(("any_ids", "any_counts", shape[0]))
    arrays: list[NDArray[Any]] = []
    for places, values, n in names:
        where = array_of(state, places, np.int64, ndim=1)
        value = array_of(state, values, np.float64, ndim=1)
        if len(where) != len(value):
            raise damaged(f"recent: {len(where)} {places} for {len(value)} counts")
        if len(where) and not 0 <= where.min() <= where.max() < n:
            raise damaged(f"recent: {places} out of range")
        arrays += [where, value]
    parts = list(zip(arrays[::2], arrays[1::2], strict=True))
    return PendingCounts((parts[0],), tuple(parts[1:]))


def _clusters_state(clusters: Clusters) -> dict[str, Any]:
    return {
        "order": clusters.order,
        "n_short": clusters.n_shortlist,
        "size": clusters.size,
    }


def _read_clusters(state: Any, targets: Targets) -> Clusters:
    order = array_of(state, "order", np.int64, ndim=1)
    n_shortlist, size = state["n_short"], state["size"]
    n_classes = targets.n_groups
    if not targets.one_of_all or not np.array_equal(np.sort(order), range(n_classes)):
        raise damaged("clusters are not of the classes")
    n_clustered = n_classes - n_shortlist
    if (
        not (0 < n_shortlist < n_classes and 0 < size <= n_clustered)
        or n_clustered % size
    ):
        raise damaged(f"clusters of {size} classes for {n_classes} less {n_shortlist}")
    # Of equal scores the one first in this order is predicted.
    within = order[n_shortlist:].reshape(-1, size)
    if (np.diff(order[:n_shortlist]) < 0).any() or (np.diff(within, axis=1) < 0).any():
        raise damaged("classes of a cluster are not in order")
    return Clusters(order, n_shortlist, size)


def _read_weighting(state: Any) -> Weighting:
    weighting = state["weighting"]
    return Weighting(
        use_idf=weighting["use_idf"],
        sublinear_tf=weighting["sublinear_tf"],
        norm=weighting["norm"],
        supervised=weighting["supervised"],
    )


def _read_layer(
    state: Any,
) -> tuple[NDArray[np.float32] | None, NDArray[np.float32]]:
    intercept = array_of(state, "intercept", WEIGHT_DTYPE, ndim=1)
    if state.get("coef") is None:
        return None, intercept
    return array_of(state, "coef", WEIGHT_DTYPE, ndim=2), intercept


def _check_layers(predictor: Predictor, targets: Targets) -> None:
    """Raise where the layers do not lead from the table to the scores."""
    layers, clusters = predictor.layers, predictor.clusters
    width = predictor.embedding.shape[1]
    for coef, intercept in layers:
        shape = (len(intercept), width)
        if shape != (coef.shape if coef is not None else (width, width)) or (
            coef is None and (len(layers) > 1 or clusters is not None)
        ):
            raise damaged(f"layers do not fit one another or {width} columns")
        width = len(intercept)
    wanted = targets.n_outputs if clusters is None else clusters.n_rows
    if not layers or width != wanted:
        raise damaged(f"{width} outputs for {targets.n_outputs}")


def _check_magnitudes(predictor: Predictor) -> None:
    """Raise where scores could overflow that no training has made."""
    bound = predictor.largest_row_value
    for coef, intercept in predictor.layers:
        if coef is not None:
            bound *= float(np.abs(coef).max(initial=0)) * coef.shape[1]
        bound = max(bound, float(np.abs(intercept).max(initial=0)))
    if not bound < LARGEST:
        raise damaged(f"scores of up to {bound:.3g}")

"""A fitted model as serialisable state, and back: what pickles and files hold.

State is made of dicts, lists, strings, numbers and numpy arrays; none of the package's
own classes is in it. So their names and places may change without breaking a pickle,
and a loader needs to trust one class only. What is read is checked: state that could
not have come from a model is refused here, before anything is computed with it.

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
    check_finite,
    damaged,
    field_of,
    floats_of,
    integers_of,
    levels_from_state,
    levels_state,
    native_array,
    positive_of,
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
    return {
        "encoder": encoder_state(featurizer.encoder),
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
    encoder = read_encoder(field_of(state, "encoder", dict, type(None)))
    n_ids = len(embedding)
    if encoder is not None and encoder.n_ids != n_ids:
        raise damaged(f"{encoder.n_ids} features for {n_ids} rows of the table")
    is_compact = isinstance(embedding, QuantizedTable)
    if isinstance(encoder, _COMPACT_ENCODERS) and not is_compact:
        raise damaged("a compact encoder without a compact table")
    id_weights = None
    if state.get("id_weights") is not None:
        id_weights = _read_id_weights(state, is_compact)
        if len(id_weights) != n_ids or not (
            0 < id_weights.min(initial=1) and id_weights.max(initial=1) < LARGEST
        ):
            raise damaged("id_weights are not one positive number per feature")
    document_counts = pending = None
    if state.get("statistics") is not None:
        document_counts = _read_counts(state["statistics"], n_ids, targets)
        pending = _read_pending(state["statistics"].get("recent"), document_counts)
    layers = tuple(map(_read_layer, field_of(state, "layers", list)))
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
        ),
        predictor,
        _read_calibration(state, targets),
    )


def _read_calibration(state: Any, targets: Targets) -> Calibration:
    # Earlier files know a softmax alone.
    offset, link = state.get("score_offset", 0.0), state.get("link", "softmax")
    if type(offset) is not float or not abs(offset) < LARGEST:
        raise damaged(f"'score_offset' is {offset!r:.30}")
    is_shared = targets.one_of_all and not targets.has_two_classes
    links = ("softmax", "softplus") if is_shared else ("softmax",)
    if type(link) is not str or link not in links:
        raise damaged(f"'link' is {link!r:.30}")
    return Calibration(positive_of(state, "temperature"), offset, link)


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
    found = field_of(state, "accumulators", list)
    accumulators = tuple(native_array(a, WEIGHT_DTYPE, "accumulators") for a in found)
    if [a.shape for a in accumulators] != _parameter_shapes(model.predictor):
        raise damaged("accumulators do not fit the layers")
    for array in accumulators:
        _check_counts(array, "accumulators")
    n_seen = field_of(state, "n_seen", int)
    if not 0 <= n_seen < 2**62:
        raise damaged(f"'n_seen' is {n_seen:.3g}" if n_seen < 2**62 else "'n_seen'")
    # Earlier files do not say.
    mean = state.get("mean_divergence")
    if mean is not None and not (type(mean) is float and 0 <= mean < math.inf):
        raise damaged(f"'mean_divergence' is {mean!r:.30}")
    skill = state.get("skill_score")
    if skill is not None and not (type(skill) is float and 0 <= skill <= 1):
        raise damaged(f"'skill_score' is {skill!r:.30}")
    columns = None
    # Earlier files have none.
    if state.get("columns") is not None:
        columns = read_moments(state["columns"], len(model.predictor.embedding))
    rate = positive_of(state, "learning_rate")
    return Resume(accumulators, rate, n_seen, mean, skill, columns=columns)


def _read_table(state: Any) -> NDArray[np.float32] | QuantizedTable:
    if isinstance(state, dict) and "table" in state:
        try:
            return table_from_state(state["table"])
        except UNSOUND as error:
            raise damaged(f"table: {error!r}") from error
    return floats_of(state, "embedding", ndim=2)


def _read_id_weights(state: dict[str, Any], is_compact: bool) -> NDArray[np.float32]:
    if not is_compact:
        return floats_of(state, "id_weights", ndim=1)
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
    if field_of(state, "weighting", dict).get("column_shares") is None:
        return None
    shares = floats_of(state["weighting"], "column_shares", ndim=1)
    n_columns = len(encoder.columns) if isinstance(encoder, ColumnsEncoder) else -1
    if len(shares) != n_columns or not (
        0 < shares.min(initial=1) and shares.max(initial=1) < LARGEST
    ):
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
    _check_counts(totals, "class_totals")
    _check_counts(counts, "counts")
    if targets.one_group_each:
        if state.get("any_counts") is not None:
            raise damaged("statistics of labels for classes")
        return DocumentCounts.of_classes(class_counts, totals)
    df = array_of(state, "any_counts", np.float64, ndim=1)
    if len(df) != n_ids:
        raise damaged(f"any_counts of {len(df)} features for {n_ids}")
    _check_counts(df, "any_counts")
    n_documents = positive_of(state, "any_total")
    return DocumentCounts(class_counts, totals, df, n_documents, exclusive=False)


def _read_pending(state: Any, counts: DocumentCounts) -> PendingCounts | None:
    # Earlier files have none.
    if state is None:
        return None
    if not isinstance(state, dict):
        raise damaged("recent is no mapping")
    shape = counts.class_counts.shape
    names = [("cells", "counts", math.prod(shape))]
    if not counts.exclusive:
        names.append(("any_ids", "any_counts", shape[0]))
    arrays: list[NDArray[Any]] = []
    for places, values, n in names:
        where = array_of(state, places, np.int64, ndim=1)
        value = array_of(state, values, np.float64, ndim=1)
        _check_counts(value, values)
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
    n_shortlist, size = (field_of(state, name, int) for name in ("n_short", "size"))
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
    weighting = field_of(state, "weighting", dict)
    norm = field_of(weighting, "norm", str, type(None))
    if norm not in ("l1", "l2", None):
        raise damaged(f"there is no norm {norm!r}")
    return Weighting(
        use_idf=field_of(weighting, "use_idf", bool),
        sublinear_tf=field_of(weighting, "sublinear_tf", bool),
        norm=norm,
        supervised=field_of(weighting, "supervised", bool),
    )


def _read_layer(
    state: Any,
) -> tuple[NDArray[np.float32] | None, NDArray[np.float32]]:
    intercept = floats_of(state, "intercept", ndim=1)
    if state.get("coef") is None:
        return None, intercept
    return floats_of(state, "coef", ndim=2), intercept


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


def _check_counts(array: NDArray[Any], name: str) -> None:
    """Raise where sums of weights, or of squares, are negative or not finite."""
    check_finite(array, name)
    if array.min(initial=0) < 0:
        raise damaged(f"{name!r} holds negative numbers")


def _check_magnitudes(predictor: Predictor) -> None:
    """Raise where scores could overflow that no training has made."""
    bound = predictor.largest_row_value
    for coef, intercept in predictor.layers:
        if coef is not None:
            bound *= float(np.abs(coef).max(initial=0)) * coef.shape[1]
        bound = max(bound, float(np.abs(intercept).max(initial=0)))
    if not bound < LARGEST:
        raise damaged(f"scores of up to {bound:.3g}")

"""Serialisable state of what `y` is: classes, labels or numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._persistence.fields import (
    array_of,
    damaged,
    native_array,
)
from skbag._targets.classification_targets import ClassTargets, LabelTargets
from skbag._targets.regression_targets import N_BINS, RegressionTargets
from skbag._targets.target_units import RULES, TargetMoments, TargetUnits
from skbag._targets.targets import ClassificationTargets, Targets


def targets_state(targets: Targets) -> dict[str, Any]:
    """Serialisable state of what `y` is, beside the classes."""
    if isinstance(targets, RegressionTargets):
        return _numbers_state(targets)
    if isinstance(targets, LabelTargets):
        return {
            "kind": "labels",
            "n_labels": targets.n_labels,
            "sparse": targets.sparse,
            "names": None if targets.names is None else list(targets.names),
        }
    return {"kind": "classes"}


def targets_from_state(
    state: Any, classes: Any, *, are_numbers: bool = False
) -> Targets:
    """Read the state of what `y` is, which has passed `schema.check_state`.

    Parameters
    ----------
    state : dict
        As made by `targets_state`.
    classes : ndarray of shape (n_classes,), or None
        None of a regressor.
    are_numbers : bool
        Whether the estimator is a regressor.

    Raises
    ------
    ModelFileError
        If it does not fit the classes, or the kind of the estimator.
    """
    kind = state["kind"]
    if are_numbers != (kind == "numbers"):
        raise damaged(f"targets {kind!r:.50} of another kind of estimator")
    if are_numbers:
        return _read_numbers(state)
    if not isinstance(classes, np.ndarray) or classes.ndim != 1:
        raise damaged("classes_ is missing")
    return _read_classes(state, kind, classes)


def _read_classes(
    state: Any, kind: str, classes: NDArray[Any]
) -> ClassificationTargets:
    _check_order(classes)
    if kind == "classes":
        return ClassTargets(classes)
    n_labels = state["n_labels"]
    # As many as there are classes, of which there is an array.
    if n_labels != len(classes) or not np.array_equal(classes, np.arange(n_labels)):
        raise damaged(f"classes_ are not the numbers of {n_labels} labels")
    # Earlier files do not say.
    names = state.get("names")
    if names is not None and not len(names) == len(set(names)) == n_labels:
        raise damaged(f"'names' are not those of {n_labels} labels")
    names = None if names is None else tuple(names)
    return LabelTargets(n_labels, state["sparse"], names)


def _check_order(classes: NDArray[Any]) -> None:
    """Raise where labels are not ascending and distinct."""
    try:
        in_order = bool(np.all(classes[:-1] < classes[1:]))
    except TypeError as error:
        raise damaged(f"classes_ cannot be compared: {error}") from error
    if not in_order or not len(classes):
        raise damaged("classes_ are not distinct and in order")


def _numbers_state(targets: RegressionTargets) -> dict[str, Any]:
    units = targets.units
    return {
        "kind": "numbers",
        "is_1d": targets.is_1d,
        "has_log_link": targets.has_log_link,
        "edges": list(targets.edges),
        "rule": units.rule,
        "center": units.center,
        "scale": units.scale,
        "weight": units.moments.weight,
        "mean": units.moments.mean,
        "squares": units.moments.squares,
    }


def _read_numbers(state: Any) -> RegressionTargets:
    arrays = {
        name: array_of(state, name, np.float64, ndim=1)
        for name in ("center", "scale", "mean", "squares")
    }
    n_outputs = len(arrays["center"])
    for name, array in arrays.items():
        if not n_outputs or len(array) != n_outputs:
            raise damaged(f"{name!r} of {len(array)} outputs for {n_outputs}")
    weight = float(state["weight"])
    rule, has_log_link = state["rule"], state["has_log_link"]
    if rule not in RULES or has_log_link != (rule == "mean"):
        raise damaged(f"there are no units {rule!r:.30} of such targets")
    if has_log_link and arrays["center"].any():
        raise damaged("'center' of logarithms")
    is_1d, edges = state["is_1d"], state["edges"]
    if is_1d and n_outputs > 1:
        raise damaged(f"{n_outputs} outputs of one dimension")
    if len(edges) != n_outputs:
        raise damaged(f"'edges' of {len(edges)} outputs for {n_outputs}")
    moments = TargetMoments(weight, arrays["mean"], arrays["squares"])
    return RegressionTargets(
        TargetUnits(rule, moments, arrays["center"], arrays["scale"]),
        tuple(map(_read_edges, edges)),
        is_1d,
        has_log_link,
    )


def _read_edges(edges: Any) -> NDArray[np.float64]:
    edges = native_array(edges, np.float64, "edges")
    if edges.ndim != 1 or len(edges) >= N_BINS:
        raise damaged(f"'edges' of shape {edges.shape}")
    if (np.diff(edges) <= 0).any():
        raise damaged("'edges' do not ascend")
    return np.asarray(edges)

"""What a fitted model has learnt of single features: neighbours, strongest ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skbag._model.model import Model
from skbag._targets.targets import ClassificationTargets

MOST_COMPARED = 20_000
"""Names that an unknown one is compared with, at most: each takes a while."""

ROWS_AT_ONCE = 2**16
"""Rows of a table that are compared at a time."""


class Features(NamedTuple):
    """Features by id, ids by feature, and which are not to be listed."""

    names: Sequence[Any]
    ids: Mapping[Any, int]
    is_left_out: NDArray[np.bool_] | None = None

    @classmethod
    def of_columns(cls, columns: Sequence[Any]) -> Features:
        """Features of a matrix: its columns' names, or numbers."""
        return cls(columns, {name: number for number, name in enumerate(columns)})


def most_similar(
    model: Model, features: Features, token: Any, k: int
) -> list[tuple[Any, float]]:
    """Return the features whose rows point most nearly the way of a token's.

    Weights are factors of whole rows and change no angle.

    Parameters
    ----------
    model : Model
    features : Features
    token : str, or int for a column without a name
    k : int

    Returns
    -------
    neighbours : list of (feature, cosine), best first
        Of equal cosines that of the smaller id first. Rows of zeros are left out.

    Raises
    ------
    ValueError
        If there is no such feature; or the rows have one number only.
    """
    _check_k(k)
    embedding = model.predictor.dense[: model.n_features]
    if embedding.shape[1] == 1:
        raise ValueError(
            "most_similar needs rows that can point in more than two ways, but those "
            "of this model have one number, the score of one class of two. Use "
            "top_tokens, or fit with embedding_dim, for instance 32."
        )
    id_ = find_id(features, token)
    row = embedding[id_].astype(np.float64)
    length = np.sqrt(np.square(row).sum())
    if length == 0:
        raise ValueError(
            f"The row of {token!r} is zero: training never changed it, so that it is "
            "like no other."
        )
    cosines = np.empty(len(embedding))
    for start in range(0, len(embedding), ROWS_AT_ONCE):
        rows = embedding[start : start + ROWS_AT_ONCE].astype(np.float64)
        lengths = np.sqrt(np.square(rows).sum(axis=1))
        lengths[lengths == 0] = np.nan
        cosines[start : start + ROWS_AT_ONCE] = rows @ (row / length) / lengths
    cosines[id_] = np.nan
    if features.is_left_out is not None:
        cosines[features.is_left_out] = np.nan
    best = largest(np.nan_to_num(cosines, nan=-np.inf), k)
    neighbours = [(features.names[i], float(cosines[i])) for i in best.tolist()]
    return [(name, min(cosine, 1.0)) for name, cosine in neighbours if cosine == cosine]


def top_tokens(
    model: Model,
    features: Features,
    targets: ClassificationTargets,
    k: int,
    class_label: Any,
) -> Any:
    """Return the features that add most to the score of a class, or of each.

    Returns
    -------
    tokens : list of (feature, contribution), best first; or a dict of them
        By class, where `class_label` is None. Features that add nothing are left out.

    Raises
    ------
    ValueError
        If there is no such class; or a hidden layer, or an adaptive softmax.
    """
    _check_k(k)
    check_additive(model, "top_tokens", "most_similar looks at the table alone")
    labels, numbers = targets.class_names.tolist(), targets.classes.tolist()
    if class_label in numbers:
        # Labels have names, but may be called by their numbers.
        class_label = labels[numbers.index(class_label)]
    if class_label is not None and class_label not in labels:
        close = _suggestion(class_label, labels)
        raise ValueError(
            f"There is no class {class_label!r}.{close} The classes are "
            f"{', '.join(map(repr, labels[:10]))}{', ...' if len(labels) > 10 else '.'}"
        )
    wanted = labels if class_label is None else [labels[labels.index(class_label)]]
    shared = targets.has_two_classes
    by_label = {
        label: _top_of(_contributions(model, labels.index(label), shared), features, k)
        for label in wanted
    }
    return by_label if class_label is None else by_label[wanted[0]]


def strongest_tokens(
    model: Model, features: Features, output: int, factor: float, k: int
) -> dict[str, list[tuple[Any, float]]]:
    """Return the features that raise a score most, and those that lower it most.

    Parameters
    ----------
    model : Model
    features : Features
    output : int
        Which score.
    factor : float
        Of contributions, positive.
    k : int
        So many of each at most.

    Returns
    -------
    tokens : dict of list of (feature, contribution)
        "raising" and "lowering", the strongest first.

    Raises
    ------
    ValueError
        If there are hidden layers.
    """
    _check_k(k)
    check_additive(model, "top_tokens", "most_similar looks at the table alone")
    values = factor * _contributions(model, output, shared=False)
    lowering = [(name, -value) for name, value in _top_of(-values, features, k)]
    return {"raising": _top_of(values, features, k), "lowering": lowering}


def check_additive(model: Model, method: str, instead: str) -> None:
    """Raise where scores are no sums over features.

    Raises
    ------
    ValueError
    """
    if model.predictor.clusters is not None:
        raise ValueError(
            f"{method} would not be exact: with loss='adaptive_softmax' a score is a "
            f"log-probability, not a sum of what each feature adds. {instead}; or fit "
            "with loss='cross_entropy'."
        )
    if not model.predictor.is_additive:
        raise ValueError(
            f"{method} would not be exact: with hidden layers a score is not a sum of "
            f"what each feature adds. {instead}; or fit with hidden_layer_sizes=()."
        )


def find_id(features: Features, token: Any) -> int:
    """Id of a feature.

    Raises
    ------
    ValueError
        If there is none; it names some that are nearly the same.
    """
    id_ = features.ids.get(token)
    if id_ is None:
        close = _suggestion(token, features.names)
        raise ValueError(
            f"{token!r} is none of the {len(features.names)} features of this model."
            f"{close} vocabulary_ holds them all, as they are after preprocessing: "
            "lower-cased, say."
        )
    return id_


def largest(values: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """Places of the k largest values, falling; of equal ones the first."""
    if k < len(values):
        # All that are as large as the k-th: which of equals remain is then settled.
        least = np.partition(values, len(values) - k)[len(values) - k]
        places = np.flatnonzero(values >= least)
    else:
        places = np.arange(len(values))
    order = np.argsort(-values[places], kind="stable")[:k]
    return np.asarray(places[order], dtype=np.int64)


def _contributions(model: Model, code: int, shared: bool) -> NDArray[np.float64]:
    """What one occurrence of each feature adds to the score of a class.

    `shared` says whether the one score is that of the second of two classes.
    """
    predictor, id_weights = model.predictor, model.featurizer.id_weights
    embedding = predictor.dense[: model.n_features]
    coef = predictor.layers[0][0]
    if coef is None:
        values = embedding[:, 0 if shared else code].astype(np.float64)
    else:
        row = coef[0 if shared else code].astype(np.float64)
        values = embedding.astype(np.float64) @ row
    if id_weights is not None:
        values = values * id_weights
    return -values if shared and code == 0 else values


def _top_of(
    values: NDArray[np.float64], features: Features, k: int
) -> list[tuple[Any, float]]:
    if features.is_left_out is not None:
        values = np.where(features.is_left_out, 0.0, values)
    best = largest(values, k).tolist()
    return [(features.names[i], float(values[i])) for i in best if values[i] > 0]


def _suggestion(name: Any, names: Sequence[Any]) -> str:
    """Return a sentence with names nearly the same, or nothing."""
    if not isinstance(name, str):
        return ""
    # Imported here: predicting does not need it.
    import difflib

    length = len(name)
    alike = (
        other
        for other in names
        if isinstance(other, str)
        and abs(len(other) - length) <= 2
        and (other[:1] == name[:1].lower() or other[-2:] == name[-2:].lower())
    )
    close = difflib.get_close_matches(name.lower(), list(islice(alike, MOST_COMPARED)))
    return f" Did you mean {', '.join(map(repr, close))}?" if close else ""


def _check_k(k: Any) -> None:
    if not isinstance(k, (int, np.integer)) or isinstance(k, bool) or k < 1:
        raise ValueError(f"k must be a whole number from 1 on, got {k!r}.")

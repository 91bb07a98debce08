"""What is put on a map: vectors of tokens or documents, and what is known of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils import check_random_state

NO_LABEL, SEVERAL_LABELS = "no label", "several labels"
"""Groups of documents that have not exactly one of several labels."""


class Mapped(NamedTuple):
    """Vectors, and what is to be said of them."""

    vectors: NDArray[np.float32]
    labels: list[Any] | None
    names: list[Any] | None
    title: str
    note: str
    legend_title: str


def map_of_tokens(
    estimator: Any,
    tokens: Sequence[Any] | None,
    class_labels: Sequence[Any] | None,
    max_points: int,
) -> Mapped:
    """Tokens of a fitted estimator: those given, or the strongest.

    Raises
    ------
    ValueError
        If there is no such token; or tokens have no names.
    """
    ids_of = _ids_of_tokens(estimator)
    try:
        estimator.top_tokens(estimator.classes_.tolist()[0], 1)
        speaks = True
    except ValueError:
        if ids_of is None:
            raise  # it says why tokens have no names
        speaks = False  # with hidden layers none speaks for a class by itself
    assert ids_of is not None
    embedding = estimator.embedding_
    if tokens is not None:
        names, chosen = list(tokens), "Tokens asked for"
    elif speaks:
        names = _strongest(estimator, class_labels, max_points)
        chosen = "Strongest tokens"
    else:
        lengths = np.square(embedding, dtype=np.float64).sum(axis=1)
        longest = np.argsort(-lengths, kind="stable")[:max_points].tolist()
        name_of = {id_: name for name, id_ in ids_of.items()}
        names = [name_of[id_] for id_ in longest if id_ in name_of]
        chosen = "Tokens with the longest rows"
    unknown = next((name for name in names if name not in ids_of), None)
    if unknown is not None:
        raise ValueError(
            f"{unknown!r} is none of the {len(ids_of)} features of this model. "
            "vocabulary_ holds them all, as they are after preprocessing: lower-cased, "
            "say."
        )
    ids = np.array([ids_of[name] for name in names], dtype=np.int64)
    labels = _classes_spoken_for(estimator, ids) if speaks else None
    note = f"{chosen}: {len(names):,} of {len(ids_of):,}"
    return Mapped(
        embedding[ids], labels, names, "Map of tokens", note, "Speaks most for"
    )


def map_of_documents(
    estimator: Any, X: Any, y: Any, max_points: int, random_state: Any
) -> Mapped:
    """Documents as a fitted estimator sees them; of too many a part, drawn by lot.

    Raises
    ------
    ValueError
        If there are more or fewer labels than documents.
    """
    vectors = estimator.transform(X)
    n_all, n_shown = len(vectors), min(len(vectors), max_points)
    drawn = np.arange(n_all)
    note = f"{n_all:,} documents"
    if n_shown < n_all:
        lot = check_random_state(random_state)
        drawn = np.sort(lot.choice(n_all, n_shown, replace=False))
        note = f"{n_shown:,} of {n_all:,} documents, drawn by lot"
    labels = None
    if y is not None:
        found = _labels_of_documents(y, estimator.classes_)
        if len(found) != n_all:
            raise ValueError(f"X has {n_all} documents, but y has {len(found)} labels.")
        labels = [found[i] for i in drawn.tolist()]
    return Mapped(vectors[drawn], labels, None, "Map of documents", note, "Class")


def _ids_of_tokens(estimator: Any) -> Mapping[Any, int] | None:
    """Token to row of the table; None where tokens have no names."""
    if hasattr(estimator, "vocabulary_"):
        vocabulary: Mapping[Any, int] = estimator.vocabulary_
        return vocabulary
    n_columns = getattr(estimator, "n_features_in_", None)
    # A row for each column: fitted on a matrix. (A table of buckets has more rows.)
    if n_columns != len(getattr(estimator, "embedding_", ())):
        return None
    names = getattr(estimator, "feature_names_in_", range(n_columns))
    return {name: column for column, name in enumerate(names)}


def _strongest(
    estimator: Any, class_labels: Sequence[Any] | None, max_points: int
) -> list[Any]:
    """Tokens that add most to the score of any of some classes, as many for each."""
    if class_labels is None:
        class_labels = estimator.classes_.tolist()
    k = -(-max_points // max(len(class_labels), 1))
    values: dict[Any, float] = {}
    for label in class_labels:
        for token, value in estimator.top_tokens(label, k):
            values[token] = max(value, values.get(token, 0.0))
    return sorted(values, key=lambda token: -values[token])[:max_points]


def _classes_spoken_for(estimator: Any, ids: NDArray[np.int64]) -> list[Any]:
    """The class to whose score each token adds most; of an additive model."""
    rows = estimator.coef_[:, ids].T
    codes = (rows[:, 0] > 0).astype(int) if rows.shape[1] == 1 else rows.argmax(axis=1)
    names = getattr(estimator, "label_names_", None)
    labels: list[Any] = (estimator.classes_ if names is None else names)[codes].tolist()
    return labels


def _labels_of_documents(y: Any, classes: NDArray[Any]) -> list[Any]:
    """One label for each document; or that it has none of several labels, or more."""
    if issparse(y):
        y = y.toarray()
    y = np.asarray(y)
    if y.ndim == 1:
        labels: list[Any] = y.tolist()
        return labels
    if y.ndim != 2 or y.shape[1] != len(classes):
        raise ValueError(
            f"y must be labels, or an indicator matrix of {len(classes)} columns, got "
            f"an array of shape {y.shape}."
        )
    n_labels = (y != 0).sum(axis=1).tolist()
    first = classes[(y != 0).argmax(axis=1)].tolist()
    return [
        label if n == 1 else SEVERAL_LABELS if n else NO_LABEL
        for label, n in zip(first, n_labels, strict=True)
    ]

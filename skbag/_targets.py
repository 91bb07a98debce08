"""Classes and codes: from labels of any type to 0..n_classes-1 and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.multiclass import check_classification_targets


def learn_classes(y: Any) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Classes of `y` and the code of each sample.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels of any type that scikit-learn takes for classes.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        The distinct labels, sorted, of the dtype of `y`.
    codes : ndarray of shape (n_samples,), dtype=int64
        ``classes[codes]`` is `y`.

    Raises
    ------
    ValueError
        If `y` is continuous, holds missing labels or has fewer than two classes.
    """
    # Imported here: prediction does not need it.
    from sklearn.preprocessing import LabelEncoder

    y = _labels(y)
    encoder = LabelEncoder()
    codes = np.asarray(encoder.fit_transform(y), dtype=np.int64)
    check_classes(encoder.classes_)
    return encoder.classes_, codes


def check_classes(classes: NDArray[Any]) -> None:
    """Raise where there is nothing to tell apart.

    Raises
    ------
    ValueError
        If there are fewer than two classes.
    """
    if len(classes) < 2:
        raise ValueError(
            "A classifier needs samples of at least 2 classes, got 1 class: "
            f"{classes.tolist()[0]!r}. Check how y was made or split."
        )


def check_same_classes(classes: NDArray[Any], earlier: NDArray[Any]) -> None:
    """Raise where a warm start meets other classes.

    Raises
    ------
    ValueError
        If the two differ.
    """
    if classes.tolist() != earlier.tolist():
        raise ValueError(
            "warm_start=True goes on with the classes of the earlier fit, "
            f"{earlier[:5].tolist()}..., but y holds {classes[:5].tolist()}.... Use "
            "warm_start=False, or partial_fit with all classes announced."
        )


def encode_labels(y: Any, classes: NDArray[Any]) -> NDArray[np.int64]:
    """Code of each label among known classes.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels.
    classes : ndarray of shape (n_classes,)
        Known labels, sorted.

    Returns
    -------
    codes : ndarray of shape (n_samples,), dtype=int64

    Raises
    ------
    ValueError
        If `y` holds a label that is not among `classes`.
    """
    # Imported here: prediction does not need it.
    from sklearn.preprocessing import LabelEncoder

    y = _labels(y)
    unseen = sorted(set(y.tolist()).difference(classes.tolist()), key=str)
    if unseen:
        raise ValueError(
            f"y contains labels that are not among the classes: {unseen[:5]}. The "
            "classes are fixed by the first call of partial_fit: pass all that will "
            "ever come as `classes` then."
        )
    encoder = LabelEncoder()
    encoder.classes_ = classes
    return np.asarray(encoder.transform(y), dtype=np.int64)


def _labels(y: Any) -> NDArray[Any]:
    y = column_or_1d(y, warn=True)
    _refuse_missing(y)
    # First: the next check casts to int, which warns of what this one refuses.
    assert_all_finite(y, input_name="y")
    check_classification_targets(y)
    return np.asarray(y)


def _refuse_missing(y: NDArray[Any]) -> None:
    """Say where a label is None or NA; sorting would fail without a reason."""
    if y.dtype.kind != "O":
        return
    for position, label in enumerate(y.tolist()):
        if label is None or type(label).__name__ in ("NAType", "NaTType"):
            raise ValueError(
                f"y contains a missing label: the one at position {position} is "
                f"{label!r}. Drop such samples, or give them a label of their own."
            )

"""Numbers to be predicted: read from any array-like, and checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skbag._core.items import is_missing

LARGEST_NUMBER = 1e100
"""Of `y`: its squares, and sums of those, are to be finite."""


def read_numbers(y: Any) -> tuple[NDArray[np.float64], bool]:
    """Numbers of the samples, checked.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Of any real type; a list, an array, a Series, a data frame or an Arrow array.

    Returns
    -------
    values : ndarray of shape (n_samples, n_outputs), dtype=float64
    is_1d : bool
        Whether `y` was one-dimensional.

    Raises
    ------
    ValueError, TypeError
        If `y` is no such array, or holds what is no finite number.
    """
    array = _as_array(y)
    if array.dtype.kind not in "biuf":
        array = _from_objects(array)
    if array.ndim not in (1, 2) or 0 in array.shape[1:]:
        raise ValueError(
            "y must be a 1d array, one number per sample, or a 2d array of one column "
            f"for each output, got an array of shape {array.shape}. Reshape it."
        )
    values = array.astype(np.float64).reshape(len(array), -1)
    _check_finite(values)
    return values, array.ndim == 1


def _as_array(y: Any) -> NDArray[Any]:
    if y is None:
        raise ValueError(
            "requires y to be passed, but the target y is None. Pass one number per "
            "sample."
        )
    if sp.issparse(y):
        raise TypeError(
            "y is a sparse matrix, but a regressor takes dense numbers. Pass "
            "y.toarray(); for an indicator matrix of labels use EmbeddingBagClassifier."
        )
    if isinstance(y, np.ma.MaskedArray) and np.ma.getmaskarray(y).any():
        mask = np.ma.getmaskarray(y).reshape(len(y), -1)
        where = int(np.flatnonzero(mask.any(axis=1))[0])
        raise ValueError(
            f"y contains a missing number: that at position {where} is masked. Drop "
            "such samples."
        )
    if not hasattr(y, "__array__"):
        if isinstance(y, (str, bytes)) or not hasattr(y, "__len__"):
            raise TypeError(
                f"y must be a 1d array of numbers, got {type(y).__name__}. Pass a list "
                "or an array."
            )
        if not isinstance(y, (list, tuple)):
            y = _items_in_order(y)
    try:
        return np.asarray(y)
    except ValueError as error:
        raise ValueError(
            "y must be a 1d or 2d array of numbers, but its rows have different "
            "lengths. Pass one row of as many numbers for each sample."
        ) from error


def _items_in_order(y: Any) -> list[Any]:
    if isinstance(y, (dict, set, frozenset)):
        raise TypeError(
            f"y must be a 1d array of numbers, but it is a {type(y).__name__}. Pass a "
            "list in the order of the samples."
        )
    return list(y)


def _from_objects(array: NDArray[Any]) -> NDArray[np.float64]:
    """Numbers of an array that NumPy holds as something else, if they are numbers."""
    flat = array.ravel().tolist() if array.dtype.kind in "OSUT" else None
    if flat is None:
        raise ValueError(
            f"Unknown label type: y holds values of dtype {array.dtype}, but a "
            "regressor takes real numbers. Convert them, for instance dates to days "
            "since the first."
        )
    for place, value in enumerate(flat):
        row = place // max(array.shape[1] if array.ndim == 2 else 1, 1)
        if is_missing(value):
            raise ValueError(
                f"Input y contains NaN: the number at position {row} is {value!r}. "
                "Drop such samples, or fill in a number."
            )
        if isinstance(value, (str, bytes)):
            raise ValueError(
                f"y holds strings ({value!r:.60} at position {row}), but a regressor "
                "takes numbers. For classes use EmbeddingBagClassifier; numbers "
                "written as strings become numbers by [float(value) for value in y]."
            )
        if isinstance(value, complex):
            raise ValueError(
                f"Complex data not supported: y holds {value!r:.60} at position {row}. "
                "Pass real numbers, for instance the parts as two columns."
            )
    try:
        return np.array([float(value) for value in flat]).reshape(array.shape)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Unknown label type: y must hold numbers, {error}. Pass one number per "
            "sample, or a row of as many for each."
        ) from error


def _check_finite(values: NDArray[np.float64]) -> None:
    largest = LARGEST_NUMBER
    sound = np.abs(values) <= largest
    if sound.all():
        return
    row = int(np.flatnonzero(~sound.all(axis=1))[0])
    value = float(values[row][~sound[row]][0])
    if np.isfinite(value):
        raise ValueError(
            f"y holds {value:.3g} at position {row}, whose square is beyond float64. "
            "Scale y, or take its logarithm."
        )
    kind = "NaN" if np.isnan(value) else "infinity"
    raise ValueError(
        f"Input y contains {kind}: the number at position {row} is {value}. Drop such "
        "samples, or fill in a number."
    )

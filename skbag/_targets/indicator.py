"""Indicator matrices of labels: recognised, read and checked."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils import assert_all_finite

from skbag._core.sparse_checks import check_sparse
from skbag._targets.label_sets import LabelSets


def is_indicator(y: Any) -> bool:
    """Whether y has two axes, and not the single column that is taken for labels.

    Raises
    ------
    ValueError
        If `y` holds collections of labels, one for each sample.
    """
    if sp.issparse(y):
        if len(y.shape) != 2:
            raise ValueError(
                f"y is a sparse array of {len(y.shape)} axis. Pass classes as a dense "
                "array (y.toarray()), or a sparse indicator matrix of two axes."
            )
        return True
    if isinstance(y, (list, tuple)):
        if not (len(y) and _is_collection(y[0])):
            return False
        if not all(map(_is_number_row, y)) or len(set(map(len, y))) > 1:
            # Of one item each, they are a column of labels.
            if isinstance(y[0], (list, tuple)) and {1} == set(map(_length, y)):
                return False
            raise _collections(y[0])
    y = y if hasattr(y, "shape") else np.asarray(y)
    is_object = str(getattr(y, "dtype", "")) == "object"
    if len(y.shape) == 1 and y.shape[0] and is_object:
        first = np.asarray(y)[0]
        if _is_collection(first):
            raise _collections(first)
    return len(y.shape) == 2 and y.shape[1] > 1


def _is_collection(value: Any) -> bool:
    return isinstance(value, (list, tuple, set, frozenset, np.ndarray))


def _length(value: Any) -> int:
    return len(value) if _is_collection(value) else -1


def _is_number_row(value: Any) -> bool:
    """Whether a row may be one of an indicator matrix."""
    if not isinstance(value, (list, tuple, np.ndarray)):
        return False
    return not any(isinstance(item, (str, bytes)) for item in value)


def _collections(first: Any) -> ValueError:
    return ValueError(
        f"y holds collections of labels, such as {list(first)[:3]!r}. Make an "
        "indicator matrix of them: "
        "MultiLabelBinarizer(sparse_output=True).fit_transform(y)."
    )


def label_sets(y: Any) -> LabelSets:
    """Labels of an indicator matrix.

    Raises
    ------
    ValueError
        If it holds other values than 0 and 1, or has a single column.
    """
    y = y if sp.issparse(y) else _numbers(y)
    if y.shape[1] < 2:
        raise ValueError(
            f"An indicator matrix needs at least 2 labels, got {y.shape[1]} column. "
            "Pass it as 1-D y of zeros and ones."
        )
    if y.dtype.kind not in "biuf":
        raise ValueError(
            "Unknown label type: y has 2 axes and holds other things than numbers. "
            "Pass one label per sample, or an indicator matrix of zeros and ones "
            "(MultiLabelBinarizer makes one of lists of labels)."
        )
    if sp.issparse(y):
        try:
            check_sparse(y)
        except ValueError as error:
            raise ValueError(
                f"y cannot be read as an indicator matrix: {error}"
            ) from error
    # A copy: duplicates are summed and zeros dropped in place.
    matrix = sp.csr_array(y, copy=True)
    with np.errstate(invalid="ignore"):
        assert_all_finite(matrix.data, input_name="y")
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    if not (matrix.data == 1).all():
        other = matrix.data[matrix.data != 1][0].item()
        raise ValueError(
            f"Unknown label type: y has {matrix.shape[1]} columns and is no indicator "
            f"matrix, as it holds {other!r} besides 0 and 1. Fit one classifier per "
            "column (MultiOutputClassifier), or pass zeros and ones."
        )
    return LabelSets.from_csr(matrix)


def label_names(y: Any) -> tuple[str, ...] | None:
    """Names of the columns of a data frame, if they are strings, and distinct."""
    columns = getattr(y, "column_names", getattr(y, "columns", None))
    if columns is None or not hasattr(columns, "__iter__"):
        return None
    names = tuple(columns)
    are_names = all(isinstance(name, str) for name in names)
    if not are_names or len(set(names)) < len(names):
        return None
    return tuple(map(str.__str__, names))


def _numbers(y: Any) -> NDArray[Any]:
    """Turn what has two axes into an array, of numbers if it holds nothing else."""
    if np.ma.is_masked(y):
        raise ValueError(
            "y contains missing labels: some entries of the indicator matrix are "
            "masked. Drop such samples, or fill in zeros (y.filled(0))."
        )
    y = np.asarray(y)
    # scipy knows no float16; frames of several dtypes become objects.
    is_object = y.dtype.kind == "O" and all(
        isinstance(item, (Real, np.bool_)) for item in y.ravel().tolist()
    )
    if is_object or y.dtype == np.float16:
        y = y.astype(np.float64)
    return np.asarray(y)

"""Labels of classes: read from any array-like, checked, and numbered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from skbag._core.items import is_missing


def learn_classes(y: Any) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Classes of `y` and the code of each sample.

    As `distinct_labels`.

    Raises
    ------
    ValueError
        Where that raises, and if there are fewer than two classes.
    """
    classes, codes = distinct_labels(y)
    check_classes(classes)
    return classes, codes


def distinct_labels(y: Any) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the distinct labels of `y` and the code of each sample.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels of any type that scikit-learn takes for classes.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        Sorted, of the dtype of `y`.
    codes : ndarray of shape (n_samples,), dtype=int64
        ``classes[codes]`` is `y`.

    Raises
    ------
    ValueError
        If `y` is continuous or holds missing labels.
    """
    known = _distinct_strings(y)
    if known is not None:
        return known
    # Imported here: prediction does not need it.
    from sklearn.preprocessing import LabelEncoder

    encoder = LabelEncoder()
    codes = np.asarray(encoder.fit_transform(read_labels(y)), dtype=np.int64)
    return encoder.classes_, codes


def _distinct_strings(y: Any) -> tuple[NDArray[Any], NDArray[np.int64]] | None:
    """`distinct_labels` of a list of strings, in a fifth of the time.

    None where it is none, or where scikit-learn's checks have something to say: of
    more classes than half the samples, and of NUL, which NumPy's strings do not end in.
    """
    if type(y) is not list or set(map(type, y)) != {str}:
        return None
    names = sorted(set(y))
    if len(names) > len(y) / 2 or any("\0" in name for name in names):
        return None
    numbers = dict(zip(names, range(len(names)), strict=True))
    codes = np.fromiter(map(numbers.__getitem__, y), np.int64, len(y))
    return np.array(names), codes


def merge_labels(
    parts: Sequence[NDArray[Any]], own: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Distinct labels of several arrays of one kind, and the code of some of them."""
    from sklearn.preprocessing import LabelEncoder

    encoder = LabelEncoder().fit(np.concatenate(parts))
    return encoder.classes_, np.asarray(encoder.transform(own), dtype=np.int64)


def kind_of_labels(labels: NDArray[Any]) -> str:
    """Return what labels of one type have in common: strings of any length."""
    if labels.dtype.kind == "U":
        return "str"
    if labels.dtype == object:
        return " and ".join(sorted({type(label).__name__ for label in labels}))
    return str(labels.dtype)


def check_classes(classes: NDArray[Any]) -> None:
    """Raise where there is only one class.

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
    # Not `read_labels`: a part of many classes may have hardly one of them twice.
    is_plain = type(y) is list and set(map(type, y)) == {str}
    labels = y if is_plain else _read_1d(y).tolist()
    numbers = {label: code for code, label in enumerate(classes.tolist())}
    try:
        return np.fromiter(map(numbers.__getitem__, labels), np.int64, len(labels))
    except KeyError:
        unseen = sorted(set(labels).difference(numbers), key=str)
        raise ValueError(
            f"y contains labels that are not among the classes: {unseen[:5]}. The "
            "classes are fixed by the first call of partial_fit: pass all that will "
            "ever come as `classes` then."
        ) from None


def read_labels(y: Any) -> NDArray[Any]:
    """Labels as a 1-D array that can be sorted and compared.

    Parameters
    ----------
    y : array-like of shape (n_labels,)

    Raises
    ------
    ValueError, TypeError
        If they are not labels of classes, or one of them is missing.
    """
    labels = _read_1d(y)
    check_classification_targets(labels)
    return labels


def read_classes(classes: Any) -> NDArray[Any]:
    """Announced classes as a 1-D array that can be sorted and compared.

    Parameters
    ----------
    classes : array-like of shape (n_classes,)

    Raises
    ------
    ValueError, TypeError
        As `read_labels`.
    """
    labels = _read_1d(classes, "classes")
    # As many classes as samples would look like a regression problem.
    check_classification_targets(np.tile(labels, 2))
    return labels


def _read_1d(y: Any, name: str = "y") -> NDArray[Any]:
    # scikit-learn forgets the mask.
    mask = np.ma.getmaskarray(y).ravel() if isinstance(y, np.ma.MaskedArray) else None
    y = column_or_1d(_as_array(y, name), warn=True)
    if y.dtype.kind == "T":
        # scikit-learn does not know NumPy's strings of any length.
        y = np.array(y.tolist(), dtype=object)
    _refuse_missing(y, mask, name)
    if y.dtype.kind == "O":
        y = _of_one_type(y, name)
    _refuse_unusable(y)
    # First: the next check casts to int, which warns of what this one refuses.
    with np.errstate(invalid="ignore"):
        assert_all_finite(y, input_name=name)
    return np.asarray(y)


def _as_array(y: Any, name: str) -> Any:
    """Labels as an array of their own kind, or as what `column_or_1d` shall refuse.

    NumPy would make texts of numbers beside texts, and floats of integers and bools
    of dtypes that know missing values.
    """
    if isinstance(y, np.ndarray):
        return y
    if len(getattr(y, "shape", ())) == 2 and hasattr(type(y), "iloc"):
        # One column of a frame: `column_or_1d` warns of its second axis.
        return np.asarray(_as_array(y.iloc[:, 0], name)).reshape(-1, 1)
    for to_list in ("tolist", "to_list", "to_pylist"):
        if hasattr(type(y), to_list):
            return _from_values(getattr(y, to_list)(), y)
    if hasattr(type(y), "__array__"):
        return y
    values = _values_in_order(y, name)
    if not isinstance(values, (list, tuple)):
        return values
    kinds = set(map(type, values))
    if len(kinds) > 1 and any(issubclass(kind, (str, type(None))) for kind in kinds):
        return _objects(values)
    return values


def _from_values(values: list[Any], y: Any) -> Any:
    """Return the labels of a column as NumPy has them, if none is missing."""
    if any(map(is_missing, values)):
        return _objects(values)
    plain = getattr(getattr(y, "dtype", None), "numpy_dtype", None)
    if isinstance(plain, np.dtype) and plain.kind in "biuf":
        return np.array(values, dtype=plain)
    return np.asarray(y)


def _objects(values: Sequence[Any]) -> NDArray[Any]:
    labels = np.empty(len(values), dtype=object)
    labels[:] = values
    return labels


def _values_in_order(y: Any, name: str) -> Any:
    """Items of what is no array: a list, a view of a dict, or a set of classes."""
    if isinstance(y, (list, tuple)) or y is None or isinstance(y, (str, bytes)):
        return y
    kind = type(y).__name__
    if isinstance(y, Mapping):
        raise TypeError(
            f"{name} must be a 1d array of labels, but it is a mapping ({kind}). Pass "
            f"list({name}.values())."
        )
    if isinstance(y, (set, frozenset)) and name == "y":
        raise TypeError(
            f"y must be a 1d array of labels, but it is a {kind}, whose order is not "
            "that of the samples. Pass a list, such as list(y) of what the set was "
            "made of."
        )
    if isinstance(y, Iterator):
        raise TypeError(
            f"{name} must be a 1d array of labels, but it is an iterable without a "
            f"length ({kind}), which can be read only once. Pass list({name})."
        )
    if isinstance(y, Iterable) and isinstance(y, Sized):
        return list(y)
    return y


def _of_one_type(y: NDArray[Any], name: str) -> NDArray[Any]:
    """Labels of an object array, as numbers where they are numbers.

    Raises
    ------
    ValueError
        If they are of types that cannot be sorted together, or are no labels.
    """
    values = y.tolist()
    kinds = set(map(type, values))
    if all(issubclass(kind, str) for kind in kinds):
        return y
    if all(issubclass(kind, (Integral, np.bool_)) for kind in kinds):
        numbers = np.array(values)
        return y if numbers.dtype.kind == "O" else numbers
    if all(issubclass(kind, (Real, np.bool_)) for kind in kinds):
        return np.array(values, dtype=np.float64)
    first = type(values[0])
    other = next((i for i, label in enumerate(values) if type(label) is not first), 0)
    seen = f"{first.__name__} at position 0"
    if other:
        seen += f", {type(values[other]).__name__} at position {other}"
    raise ValueError(
        f"Unknown label type: {name} is an object array of {seen}. Labels must be all "
        f"str or all numbers: pass [str(label) for label in {name}], or "
        f"numpy.array({name}).astype(int) if they are integers."
    )


def _refuse_missing(y: NDArray[Any], mask: NDArray[np.bool_] | None, name: str) -> None:
    """Say where a label is None, NA, NaT, NaN or masked; it would fail, or pass."""
    if y.dtype.kind in "mM":
        missing = np.isnat(y)
    elif y.dtype.kind == "f":
        missing = np.isnan(y)
    elif y.dtype.kind == "O":
        missing = np.fromiter(map(is_missing, y.tolist()), np.bool_, len(y))
    else:
        missing = np.zeros(len(y), dtype=np.bool_)
    if mask is not None:
        missing |= mask
    if missing.any():
        position = int(np.flatnonzero(missing)[0])
        raise ValueError(
            f"{name} contains a missing label: the one at position {position} is "
            f"{y[position]!r}{'' if mask is None else ' or masked'}. Drop such "
            "samples, or give them a label of their own."
        )


def _refuse_unusable(y: NDArray[Any]) -> None:
    """Refuse what scikit-learn's checks let through, and stumble over."""
    if y.dtype.kind == "V":
        raise ValueError(
            f"y holds labels of dtype {y.dtype}, which cannot be sorted. Give each "
            "class a name or a number."
        )
    # NaN and infinity are left to scikit-learn.
    if y.dtype.kind == "f" and np.isfinite(y).all():
        largest = float(np.abs(y).max(initial=0))
        if largest >= 2.0**63:
            raise ValueError(
                f"y holds the label {largest:.3g}: numbers that name classes must be "
                "integers of at most 64 bits. Give each class a name or a smaller "
                "number."
            )

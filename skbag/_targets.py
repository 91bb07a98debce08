"""What `y` is: classes, or labels of which a sample may have several.

From labels of any type to codes and back. Whatever differs between the two is asked
here, by the method of the one or the other, and in `_losses`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from skbag._bags import check_sparse
from skbag._class_weight import label_weight, total_weight
from skbag._label_sets import Codes, LabelSets
from skbag._losses import (
    BaseLoss,
    Loss,
    fit_label_temperature,
    fit_temperature,
    label_log_probabilities,
    label_probabilities,
    log_probabilities,
    n_outputs,
    of_classes,
    of_labels,
    predicted_codes,
    probabilities,
)


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

    y = read_labels(y)
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

    # Not `read_labels`: a part of many classes may have hardly one of them twice.
    y = _read_1d(y)
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
    labels = _read_1d(classes)
    # As many classes as samples would look like a regression problem.
    check_classification_targets(np.tile(labels, 2))
    return labels


def _read_1d(y: Any) -> NDArray[Any]:
    # scikit-learn forgets the mask.
    mask = np.ma.getmaskarray(y).ravel() if isinstance(y, np.ma.MaskedArray) else None
    y = column_or_1d(y, warn=True)
    if y.dtype.kind == "T":
        # scikit-learn does not know NumPy's strings of any length.
        y = np.array(y.tolist(), dtype=object)
    _refuse_missing(y, mask)
    _refuse_unusable(y)
    # First: the next check casts to int, which warns of what this one refuses.
    with np.errstate(invalid="ignore"):
        assert_all_finite(y, input_name="y")
    return np.asarray(y)


def _refuse_missing(y: NDArray[Any], mask: NDArray[np.bool_] | None) -> None:
    """Say where a label is None, NA, NaT or masked; later it would fail, or pass."""
    if y.dtype.kind in "mM":
        is_missing = np.isnat(y)
    elif y.dtype.kind == "O":
        is_missing = np.fromiter(map(_is_missing, y.tolist()), np.bool_, len(y))
    else:
        is_missing = np.zeros(len(y), dtype=np.bool_)
    if mask is not None:
        is_missing |= mask
    if is_missing.any():
        position = int(np.flatnonzero(is_missing)[0])
        raise ValueError(
            f"y contains a missing label: the one at position {position} is "
            f"{y[position]!r}{'' if mask is None else ' or masked'}. Drop such "
            "samples, or give them a label of their own."
        )


def _is_missing(label: Any) -> bool:
    return (
        label is None
        or label is np.ma.masked
        or type(label).__name__ in ("NAType", "NaTType")
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


class Targets(Protocol):
    """What `y` is: how it becomes codes, and scores become it again."""

    @property
    def classes(self) -> NDArray[Any]:
        """The classes, or the numbers of the labels."""

    @property
    def n_outputs(self) -> int:
        """Number of columns of scores."""

    @property
    def one_of_all(self) -> bool:
        """Whether a sample is of one class, and the probabilities sum to 1."""

    @property
    def penalty(self) -> float:
        """Factor of the automatic L2 penalty."""

    def check_same(self, earlier: Targets) -> None:
        """Raise where a warm start meets other classes than the fit before."""

    def encode(self, y: Any) -> Codes:
        """Codes of more `y`."""

    def weigh(
        self,
        class_weight: Any,
        codes: Codes,
        sample_weight: NDArray[np.float64] | None,
    ) -> tuple[Targets, NDArray[np.float64] | None]:
        """Apply the estimator's `class_weight`: to samples, or to what counts."""

    def loss(self, loss: BaseLoss) -> Loss:
        """Return the form of a loss that takes these codes."""

    def strata(self, codes: Codes) -> NDArray[np.int64] | None:
        """Classes to stratify a split by, if any."""

    def verdicts(self, scores: NDArray[np.float32]) -> Any:
        """What scores name: codes (n_samples,), or the rows of a sparse indicator."""

    def labels(self, verdicts: list[Any]) -> Any:
        """The `y` of parts of verdicts, put together."""

    def probabilities(
        self, scores: NDArray[np.float32], temperature: float
    ) -> NDArray[np.float64]:
        """Probability of each class or label."""

    def log_probabilities(
        self, scores: NDArray[np.float32], temperature: float
    ) -> NDArray[np.float64]:
        """Logarithm of the same, without underflow."""

    def fit_temperature(
        self,
        scores: NDArray[np.float32],
        codes: Codes,
        weights: NDArray[np.float64] | None,
    ) -> float:
        """Factor of scores for the best probabilities of these codes."""

    def accuracies(self, verdicts: Any, codes: Codes) -> NDArray[Any]:
        """Share of each sample that verdicts get right, (n_samples,)."""

    def chance(self, codes: Codes) -> float:
        """Mean accuracy of always naming what is most frequent."""

    def agreement(self, verdicts: Any, codes: Codes) -> NDArray[Any]:
        """The score of each sample that early stopping goes by, (n_samples,)."""


@dataclass(frozen=True, eq=False)
class ClassTargets:
    """One class for each sample.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Sorted.
    """

    classes: NDArray[Any]

    @property
    def n_outputs(self) -> int:
        """See `Targets`."""
        return n_outputs(len(self.classes))

    @property
    def one_of_all(self) -> bool:
        """See `Targets`."""
        return True

    @property
    def penalty(self) -> float:
        """See `Targets`."""
        return 1.0

    def check_same(self, earlier: Targets) -> None:
        """See `Targets`."""
        _check_same_kind(self, earlier)
        check_same_classes(self.classes, earlier.classes)

    def encode(self, y: Any) -> NDArray[np.int64]:
        """See `Targets`."""
        if _is_indicator(y):
            raise ValueError(
                "y is an indicator matrix of several labels per sample, but the "
                "earlier calls had one class per sample. Pass y of the same kind."
            )
        return encode_labels(y, self.classes)

    def weigh(
        self,
        class_weight: Any,
        codes: Codes,
        sample_weight: NDArray[np.float64] | None,
    ) -> tuple[Targets, NDArray[np.float64] | None]:
        """See `Targets`."""
        assert not isinstance(codes, LabelSets)
        return self, total_weight(sample_weight, class_weight, self.classes, codes)

    def loss(self, loss: BaseLoss) -> Loss:
        """See `Targets`."""
        return of_classes(loss, len(self.classes))

    def strata(self, codes: Codes) -> NDArray[np.int64] | None:
        """See `Targets`."""
        assert not isinstance(codes, LabelSets)
        return codes

    def verdicts(self, scores: NDArray[np.float32]) -> NDArray[np.int64]:
        """See `Targets`."""
        return predicted_codes(scores)

    def labels(self, verdicts: list[Any]) -> NDArray[Any]:
        """See `Targets`."""
        labels: NDArray[Any] = self.classes[np.concatenate(verdicts)]
        return labels

    def probabilities(
        self, scores: NDArray[np.float32], temperature: float
    ) -> NDArray[np.float64]:
        """See `Targets`."""
        return probabilities(scores, temperature)

    def log_probabilities(
        self, scores: NDArray[np.float32], temperature: float
    ) -> NDArray[np.float64]:
        """See `Targets`."""
        return log_probabilities(scores, temperature)

    def fit_temperature(
        self,
        scores: NDArray[np.float32],
        codes: Codes,
        weights: NDArray[np.float64] | None,
    ) -> float:
        """See `Targets`."""
        assert not isinstance(codes, LabelSets)
        return fit_temperature(scores, codes, weights)

    def accuracies(self, verdicts: Any, codes: Codes) -> NDArray[Any]:
        """See `Targets`."""
        return np.asarray(verdicts == codes)

    def chance(self, codes: Codes) -> float:
        """See `Targets`."""
        assert not isinstance(codes, LabelSets)
        return float(np.bincount(codes).max() / len(codes))

    def agreement(self, verdicts: Any, codes: Codes) -> NDArray[Any]:
        """See `Targets`: accuracy."""
        return self.accuracies(verdicts, codes)


@dataclass(frozen=True, eq=False)
class LabelTargets:
    """Any number of labels for each sample: an indicator matrix.

    Parameters
    ----------
    n_labels : int
    sparse : bool
        Whether `y` came, and predictions go, as a sparse matrix.
    weights : ndarray of shape (n_labels,), dtype=float64, or None
        Weight of having each label in training.
    """

    n_labels: int
    sparse: bool
    weights: NDArray[np.float64] | None = None

    @property
    def classes(self) -> NDArray[np.int64]:
        """See `Targets`."""
        return np.arange(self.n_labels)

    @property
    def n_outputs(self) -> int:
        """See `Targets`."""
        return self.n_labels

    @property
    def one_of_all(self) -> bool:
        """See `Targets`."""
        return False

    @property
    def penalty(self) -> float:
        """See `Targets`: most labels are rare, and would never be named with more."""
        return 1 / 8

    def check_same(self, earlier: Targets) -> None:
        """See `Targets`."""
        _check_same_kind(self, earlier)
        if self.n_labels != earlier.n_outputs:
            raise ValueError(
                f"warm_start=True goes on with the {earlier.n_outputs} labels of the "
                f"earlier fit, but y has {self.n_labels} columns. Use warm_start=False."
            )

    def encode(self, y: Any) -> LabelSets:
        """See `Targets`."""
        if not _is_indicator(y):
            raise ValueError(
                f"y must be an indicator matrix of {self.n_labels} columns, as in the "
                "earlier calls, one row per sample. MultiLabelBinarizer makes one of "
                "lists of labels."
            )
        sets = _label_sets(y)
        if sets.n_labels != self.n_labels:
            raise ValueError(
                f"y has {sets.n_labels} columns, but there are {self.n_labels} labels. "
                "The labels are fixed by the first call: pass a column for each, also "
                "for those that no sample here has."
            )
        return sets

    def weigh(
        self,
        class_weight: Any,
        codes: Codes,
        sample_weight: NDArray[np.float64] | None,
    ) -> tuple[Targets, NDArray[np.float64] | None]:
        """See `Targets`: here to what counts, having each label."""
        assert isinstance(codes, LabelSets)
        weights = label_weight(class_weight, codes, sample_weight)
        return replace(self, weights=weights), sample_weight

    def loss(self, loss: BaseLoss) -> Loss:
        """See `Targets`."""
        return of_labels(loss, self.weights)

    def strata(self, codes: Codes) -> NDArray[np.int64] | None:
        """See `Targets`: none, there are nearly as many sets as samples."""
        return None

    def verdicts(self, scores: NDArray[np.float32]) -> Any:
        """See `Targets`."""
        return sp.csr_array(scores > 0)

    def labels(self, verdicts: list[Any]) -> Any:
        """See `Targets`."""
        indicator = sp.vstack(verdicts, format="csr").astype(np.int64)
        return indicator if self.sparse else indicator.toarray()

    def probabilities(
        self, scores: NDArray[np.float32], temperature: float
    ) -> NDArray[np.float64]:
        """See `Targets`."""
        return label_probabilities(scores, temperature)

    def log_probabilities(
        self, scores: NDArray[np.float32], temperature: float
    ) -> NDArray[np.float64]:
        """See `Targets`."""
        return label_log_probabilities(scores, temperature)

    def fit_temperature(
        self,
        scores: NDArray[np.float32],
        codes: Codes,
        weights: NDArray[np.float64] | None,
    ) -> float:
        """See `Targets`."""
        assert isinstance(codes, LabelSets)
        return fit_label_temperature(scores, (codes.rows, codes.labels), weights)

    def accuracies(self, verdicts: Any, codes: Codes) -> NDArray[Any]:
        """See `Targets`: 1 minus the Hamming loss."""
        n_both, n_named, n_true = _overlap(verdicts, codes)
        n_wrong = n_named + n_true - 2 * n_both
        return np.asarray(1 - n_wrong / self.n_labels)

    def chance(self, codes: Codes) -> float:
        """See `Targets`."""
        assert isinstance(codes, LabelSets)
        share = codes.counts() / len(codes)
        return float(np.maximum(share, 1 - share).mean())

    def agreement(self, verdicts: Any, codes: Codes) -> NDArray[Any]:
        """See `Targets`: F1 of the labels of each sample, 1 for two empty sets."""
        n_both, n_named, n_true = _overlap(verdicts, codes)
        total = n_named + n_true
        return np.where(total > 0, 2 * n_both / np.maximum(total, 1), 1.0)


def learn_targets(y: Any) -> tuple[Targets, Codes]:
    """What `y` is, and its codes.

    Parameters
    ----------
    y : array-like of shape (n_samples,), or indicator matrix (n_samples, n_labels)
        Labels of any type, or zeros and ones, dense or sparse.

    Raises
    ------
    ValueError
        If `y` is neither, see `learn_classes`; or is an indicator matrix of one label.
    """
    if _is_indicator(y):
        sets = _label_sets(y)
        return LabelTargets(sets.n_labels, sp.issparse(y)), sets
    classes, codes = learn_classes(y)
    return ClassTargets(classes), codes


def announced_targets(classes: NDArray[Any], y: Any) -> Targets:
    """What will come in many parts, of which the first has `y`.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Sorted.
    y : array-like
        As in `learn_targets`.

    Raises
    ------
    ValueError
        If there is only one class; or `y` is an indicator matrix and `classes` are not
        the numbers of its columns.
    """
    if not _is_indicator(y):
        check_classes(classes)
        return ClassTargets(classes)
    n_labels = y.shape[1] if sp.issparse(y) else np.asarray(y).shape[1]
    if classes.tolist() != list(range(n_labels)):
        raise ValueError(
            f"classes must be the numbers of the {n_labels} columns of y, "
            f"range({n_labels}), where y is an indicator matrix, got "
            f"{classes[:5].tolist()}...."
        )
    return LabelTargets(n_labels, sp.issparse(y))


def _check_same_kind(now: Targets, earlier: Targets) -> None:
    if type(now) is not type(earlier):
        kinds = {True: "an indicator matrix", False: "one class per sample"}
        raise ValueError(
            "warm_start=True goes on with the kind of y of the earlier fit, "
            f"{kinds[isinstance(earlier, LabelTargets)]}, but y is "
            f"{kinds[isinstance(now, LabelTargets)]}. Use warm_start=False."
        )


def _is_indicator(y: Any) -> bool:
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


def _label_sets(y: Any) -> LabelSets:
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


def _overlap(
    verdicts: Any, codes: Codes
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Number of labels of each sample: named and true, named, true."""
    assert isinstance(codes, LabelSets)
    true = codes.to_csr()
    both = verdicts.astype(np.int64).multiply(true)
    n_both, n_named = (np.asarray(m.sum(axis=1)).ravel() for m in (both, verdicts))
    return n_both, n_named, np.diff(codes.offsets)

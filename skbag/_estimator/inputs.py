"""Input validation: X and sample weights, checked and in one form."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Set, Sized
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from skbag._core.sparse_checks import check_sparse
from skbag._estimator.parameters import settings_of
from skbag._model.model import Model
from skbag._targets.label_sets import Codes
from skbag._text.columns import Rows, columns_of, described
from skbag._text.columns_encoder import ColumnsEncoder
from skbag._text.data_frames import is_frame_of_columns, read_rows
from skbag._text.text_container_errors import is_frame
from skbag._text.text_containers import read_documents, read_tokenized
from skbag._training.settings import Settings

LARGEST_VALUE = 1e15
"""Of a matrix: squares of float32, and steps that fit them, are then far from
overflow and from underflow."""

LARGEST_WEIGHT = 1e30
"""Of a sample against one of weight 1."""

_LARGEST_FLOAT = float(np.finfo(np.float64).max)


def read_X(estimator: Any, X: Any, *, reset: bool) -> list[Any] | sp.csr_array:
    """Texts as a list of str, rows of texts and categories, or a matrix of numbers.

    ==========================================  ===================================
    X                                           is read as
    ==========================================  ===================================
    list, tuple, 1-D array, Series, Arrow       texts
    array or Chunked Array of str
    (n, 1) array or one-column frame of str     texts; ``n_features_in_`` is 1
    with a callable `analyzer`, or callable     documents, which these are given as
    `preprocessor` and `tokenizer`: lists of    they are
    tokens, or objects of any other kind
    data frame of several columns, not all      rows: see `data_frames`
    of them numbers
    scipy sparse matrix or array                bags: column j is token j, a value
                                                its weight
    2-D array or frame of numbers               the same
    ==========================================  ===================================

    Parameters
    ----------
    estimator : estimator
        Gets ``n_features_in_`` and ``feature_names_in_`` where `reset`.
    X : object
    reset : bool
        Whether `X` defines what later input must look like, or must agree with it.

    Returns
    -------
    X : list of str, Rows, or scipy CSR array of shape (n_samples, n_features), float32

    Raises
    ------
    ValueError, TypeError
        See `read_documents` and ``sklearn.utils.validation.validate_data``; and where
        texts meet an estimator fitted on numbers, or the reverse.
    """
    model = None if reset else getattr(estimator, "_model", None)
    encoder = None if model is None else model.encoder
    if isinstance(encoder, ColumnsEncoder) or is_frame_of_columns(X):
        return _read_columns(estimator, X, model)
    documents = read_tokenized(X) if _takes_documents(estimator) else None
    if documents is None:
        documents = read_documents(X)
    if documents is None and _is_empty_sequence(X):
        raise ValueError("X holds 0 texts; a minimum of 1 is required.")
    if documents is None:
        if model is not None and model.encoder is not None:
            raise ValueError(
                f"X holds numbers, but this {type(estimator).__name__} was fitted on "
                "texts. Pass texts, or fit it on the same kind of matrix."
            )
        if sp.issparse(X):
            check_sparse(X)
        # It adds up what may be infinity and -infinity.
        with np.errstate(invalid="ignore"):
            X = validate_data(
                estimator, X, accept_sparse="csr", reset=reset, dtype=np.float64
            )
        matrix = _as_float32(X)
        if not matrix.has_canonical_format:
            # A copy: the index arrays may still be the user's.
            matrix = matrix.copy()
            matrix.sum_duplicates()
            _refuse_large(matrix.data)
        return matrix
    if model is not None and model.encoder is None:
        raise ValueError(
            f"X holds texts, but this {type(estimator).__name__} was fitted on a "
            f"matrix of {model.predictor.embedding.shape[0]} columns. Transform the "
            "texts as before that fit, or fit it on texts."
        )
    if not documents.texts:
        raise ValueError("X holds 0 texts; a minimum of 1 is required.")
    if reset:
        _set_feature_names(estimator, documents.n_features, documents.feature_names)
    else:
        _check_feature_names(estimator, documents.feature_names)
    return documents.texts


def _read_columns(estimator: Any, X: Any, model: Model | None) -> Rows:
    """Rows of a data frame of several columns, which those of fit must agree with."""
    kind = type(estimator).__name__
    columns = None
    if model is not None:
        if not isinstance(model.encoder, ColumnsEncoder):
            fitted = (
                "a matrix of numbers"
                if model.encoder is None
                else "one column of texts"
            )
            raise ValueError(
                f"X is a data frame of several columns, but this {kind} was fitted on "
                f"{fitted}. Pass what it was fitted on, or fit it on such a frame."
            )
        columns = model.encoder.columns
        if type(X) is list or not is_frame(X):
            raise ValueError(
                f"This {kind} was fitted on a data frame of the columns "
                f"{described(columns)}, but X is a {type(X).__name__}. Pass a data "
                "frame of these columns."
            )
    # Names, their order and their number, in the words of scikit-learn.
    validate_data(estimator, X, reset=model is None, skip_check_array=True)
    rows = read_rows(X, columns)
    if not rows:
        raise ValueError("X holds 0 rows; a minimum of 1 is required.")
    return rows


def settings_for(estimator: Any, X: list[Any] | sp.csr_array) -> Settings:
    """Settings of a fit on what `read_X` has read."""
    is_text = isinstance(X, list)
    return settings_of(estimator, is_text=is_text, columns=columns_of(X))


def _takes_documents(estimator: Any) -> bool:
    """Whether nothing but functions of the user's looks at a document."""
    return callable(estimator.analyzer) or (
        callable(estimator.preprocessor) and callable(estimator.tokenizer)
    )


def _as_float32(X: Any) -> sp.csr_array:
    _refuse_large(X.data if sp.issparse(X) else X)
    return sp.csr_array(X, dtype=np.float32)


def _refuse_large(values: NDArray[Any]) -> None:
    largest = max(values.max(initial=0), -values.min(initial=0))
    if largest > LARGEST_VALUE:
        raise ValueError(
            "X contains a value too large for float32, in which it is computed with: "
            f"{largest:.3g}. Scale X to values below {LARGEST_VALUE:g}."
        )


def _is_empty_sequence(X: Any) -> bool:
    """Whether X has one axis, which says neither text nor number, and no items."""
    if sp.issparse(X):
        return False
    return getattr(X, "ndim", 1) == 1 and hasattr(X, "__len__") and len(X) == 0


def _set_feature_names(
    estimator: Any, n_features: int | None, names: list[str] | None
) -> None:
    """Set or unset what scikit-learn's estimators tell of their input's columns."""
    for attribute, value in (
        ("n_features_in_", n_features),
        ("feature_names_in_", None if names is None else np.array(names, object)),
    ):
        if value is not None:
            setattr(estimator, attribute, value)
        elif hasattr(estimator, attribute):
            delattr(estimator, attribute)


def _check_feature_names(estimator: Any, names: list[str] | None) -> None:
    """Raise where a column has another name than the one fitted on.

    Texts without a name, from a list say, go with any: unlike the columns of a
    matrix they cannot have changed places.
    """
    fitted = getattr(estimator, "feature_names_in_", None)
    if names is not None and fitted is not None and names != list(fitted):
        raise ValueError(
            "The feature names should match those that were passed during fit: the "
            f"column of X is named {names[0]!r}, that of fit {fitted[0]!r}. Rename it, "
            "or pass the column alone, as a Series."
        )


def kind_of(X: list[str] | sp.csr_array) -> str:
    """What `read_X` has read, in words."""
    columns = columns_of(X)
    if columns is not None:
        return f"a data frame of the columns {described(columns)}"
    if isinstance(X, list):
        return "texts"
    return f"a matrix of {X.shape[1]} columns"


def check_lengths(X: list[str] | sp.csr_array, codes: Codes) -> None:
    """Raise where there is not one label per sample.

    Raises
    ------
    ValueError
        If the numbers differ.
    """
    n_samples = len(X) if isinstance(X, list) else X.shape[0]
    if n_samples != len(codes):
        raise ValueError(
            f"X and y have inconsistent lengths: {n_samples} samples and "
            f"{len(codes)} labels. Pass one label per text."
        )


def read_sample_weight(sample_weight: Any, n: int) -> NDArray[np.float64] | None:
    """Weights of the samples, checked.

    Returns
    -------
    weights : ndarray of shape (n,), dtype=float64, or None

    Raises
    ------
    ValueError
        If they are not n finite numbers, none negative, not all zero.
    TypeError
        If they are no array.
    """
    if sample_weight is None:
        return None
    if isinstance(sample_weight, numbers.Number):
        sample_weight = np.full(n, sample_weight)
    elif isinstance(sample_weight, (str, bytes, Mapping, Set)) or not (
        hasattr(type(sample_weight), "__array__") or isinstance(sample_weight, Sized)
    ):
        raise TypeError(
            "sample_weight must be an array of one number for each sample, got "
            f"{type(sample_weight).__name__}. Pass a list or an array of numbers."
        )
    with np.errstate(invalid="ignore"):
        weights: NDArray[np.float64] = check_array(
            sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight"
        )
    if weights.ndim != 1:
        raise ValueError(
            f"sample_weight must be 1-D, one number per sample, got {weights.ndim}-D."
        )
    if len(weights) != n:
        raise ValueError(
            f"sample_weight has {len(weights)} entries for {n} samples. Pass one "
            "number per sample."
        )
    if (weights < 0).any():
        where = int(np.flatnonzero(weights < 0)[0])
        raise ValueError(
            f"sample_weight must not be negative, got {weights[where]} at position "
            f"{where}. Leave samples out by weight 0."
        )
    # Not a sum that is looked at: it would warn.
    if weights.max(initial=0) > _LARGEST_FLOAT / max(n, 1):
        raise ValueError(
            "The sum of sample_weight is infinite. Only proportions matter to fit: "
            "scale the weights, for instance to 1 on average."
        )
    if not weights.any():
        raise ValueError(
            "The sample weights are all zero: nothing is left to learn from. Give at "
            "least one sample a positive weight."
        )
    return weights


def check_absolute(weight: NDArray[np.float64] | None) -> None:
    """Raise where weights that are not scaled to 1 on average are too large.

    Raises
    ------
    ValueError
        If one is beyond `LARGEST_WEIGHT`.
    """
    if weight is not None and weight.max() > LARGEST_WEIGHT:
        raise ValueError(
            f"The largest sample weight is {weight.max():.3g}, but partial_fit, where "
            "weights count against 1 across all calls, takes at most "
            f"{LARGEST_WEIGHT:g}. Scale the weights."
        )

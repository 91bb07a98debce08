"""Samples and labels as the tools of this package take them."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp

from skbag._targets.indicator import is_indicator
from skbag._text.text_container_errors import (
    is_frame,
    is_yet_to_be_read,
    offers,
)
from skbag._text.text_containers import read_documents


def as_indexable(X: Any) -> Any:
    """Return X so that scikit-learn can take rows of it.

    Arrow arrays and other columns that it cannot index become lists of str. Lists,
    arrays, matrices, data frames and Series of pandas stay what they are: a pipeline
    may ask for one of them.

    Parameters
    ----------
    X : texts or matrix

    Returns
    -------
    X : texts or matrix

    Raises
    ------
    ValueError, TypeError
        If `X` holds texts that cannot be read; or nothing, or has yet to be read.
    """
    if sp.issparse(X):
        return sp.csr_array(X)
    is_known = isinstance(X, (list, tuple, np.ndarray)) or offers(X, "iloc")
    # Tables of Arrow are frames whose rows scikit-learn cannot take.
    is_known |= is_frame(X) and not offers(X, "column_names")
    if not is_known or is_yet_to_be_read(X):
        documents = read_documents(X)
        X = X if documents is None else documents.texts
    if hasattr(X, "__len__") and len(X) == 0:
        raise ValueError("X holds 0 samples; a minimum of 1 is required.")
    return X


def check_has(clf: Any, method: str, caller: str) -> None:
    """Raise where a classifier lacks a method.

    Parameters
    ----------
    clf : object
    method : str
    caller : str
        What needs it, for the message.

    Raises
    ------
    TypeError
    """
    if not hasattr(clf, method):
        hint = ""
        if method == "predict_proba":
            hint = " CalibratedClassifierCV gives probabilities to others."
        raise TypeError(
            f"{caller} needs an estimator with {method}, which this "
            f"{type(clf).__name__} does not have.{hint}"
        )


def check_whole(value: Any, name: str, least: int) -> None:
    """Raise where a parameter is no whole number, or too small.

    Parameters
    ----------
    value : object
        None will do.
    name : str
    least : int

    Raises
    ------
    ValueError
    """
    if value is None:
        return
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_whole or value < least:
        raise ValueError(
            f"{name} must be a whole number from {least} on, got {value!r}."
        )


def check_one_label_each(y: Any, caller: str) -> None:
    """Raise where samples may have several labels.

    Parameters
    ----------
    y : array-like
    caller : str
        For the message.

    Raises
    ------
    ValueError
    """
    if is_indicator(y):
        raise ValueError(
            f"{caller} takes one class for each sample, but y is an indicator matrix "
            "of several labels. Call it for each label: with the column as y, and a "
            "classifier of that column."
        )

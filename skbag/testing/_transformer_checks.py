"""Checks of transformers: columns that stay the same, and their names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from unittest import SkipTest

import numpy as np
from sklearn.utils import get_tags

from skbag.testing._answers import (
    assert_same,
    fitted,
    is_deterministic,
    n_answers,
    new,
    new_texts,
    plain,
)
from skbag.testing._corpus import corpus_for

FIT_TRANSFORM_TOLERANCE = 1e-2
"""That of scikit-learn's own check: what iterates stops at another place."""


def check_fit_transform(estimator: Any) -> None:
    """`fit_transform` gives what `fit` and then `transform` give.

    A pipeline calls the first on training texts and the second on all others; where
    they differ, a model is trained on other features than it is asked with.
    """
    if not is_deterministic(estimator):
        return
    texts, y = corpus_for(estimator)
    found = plain(new(estimator).fit_transform(texts, y))
    expected = plain(fitted(estimator).transform(texts))
    pair = {"transform": found}, {"transform": expected}
    assert_same(*pair, "fit_transform", FIT_TRANSFORM_TOLERANCE)


def check_number_of_columns(estimator: Any) -> None:
    """All texts are transformed to the same number of columns, as numbers.

    New words, and blank texts, must not add or drop columns.
    """
    copied = fitted(estimator)
    expected = plain(copied.transform(new_texts(estimator)))
    assert expected.ndim == 2, f"transform gives {expected.ndim} axes, expected 2."
    assert expected.dtype.kind in "fiub", f"The dtype is {expected.dtype}, no number."
    for texts in (["quince xylophone"], [""], new_texts(estimator, 3)):
        n_columns = plain(copied.transform(texts)).shape[1]
        assert n_columns == expected.shape[1], (
            f"transform({texts!r}) has {n_columns} columns, of other texts "
            f"{expected.shape[1]}."
        )


def check_feature_names_out(estimator: Any) -> None:
    """`get_feature_names_out` names each column once, by a str.

    `ColumnTransformer` and ``set_output`` make tables of them.
    """
    copied = fitted(estimator)
    try:
        names = copied.get_feature_names_out()
    except AttributeError as error:  # of a pipeline, for its steps
        raise SkipTest(f"get_feature_names_out is not there: {error}") from error
    n_columns = plain(copied.transform(new_texts(estimator))).shape[1]
    assert isinstance(names, np.ndarray), f"It is a {type(names).__name__}, no ndarray."
    assert len(names) == n_columns, f"{len(names)} names for {n_columns} columns."
    assert all(isinstance(name, str) for name in names), "Not all names are str."
    assert len(set(names)) == len(names), "Some names occur more than once."


def check_fit_without_y(estimator: Any) -> None:
    """A transformer that needs no y is fitted without it.

    Tags say whether it does: ``target_tags.required``.
    """
    texts, _ = corpus_for(estimator)
    copied = new(estimator).fit(texts)
    assert n_answers(plain(copied.transform(new_texts(estimator)))) == 12


def checks_for(estimator: Any) -> Iterator[Callable[[Any], None]]:
    """Those of a transformer, by what it needs and has."""
    yield check_number_of_columns
    if hasattr(estimator, "fit_transform"):
        yield check_fit_transform
    if hasattr(estimator, "get_feature_names_out"):
        yield check_feature_names_out
    if not (get_tags(estimator).target_tags.required or hasattr(estimator, "predict")):
        yield check_fit_without_y

"""Checks of y and of weights: of regressors, and what classifiers share with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter

from skbag.testing._answers import (
    answers,
    assert_same,
    fitted,
    is_deterministic,
    new,
    new_texts,
    refuses_by_value,
)
from skbag.testing._corpus import corpus_for, grades


def check_inconsistent_lengths(estimator: Any) -> None:
    """More labels than texts, or fewer, are refused by a `ValueError`.

    ``zip`` stops at the shorter of two, without a word.
    """
    texts, y = corpus_for(estimator)
    for n_texts, n_labels in ((len(texts), len(texts) - 3), (len(texts) - 3, len(y))):
        copied = new(estimator)
        assert refuses_by_value(copied.fit, texts[:n_texts], y[:n_labels]), (
            f"fit of {n_texts} texts and {n_labels} labels was not refused. Call "
            "sklearn.utils.check_consistent_length."
        )


def check_missing_y(estimator: Any) -> None:
    """A missing label or number is refused by a `ValueError` or `TypeError`.

    A class "nan" would be one more class.
    """
    texts, y = corpus_for(estimator)
    missing: list[Any] = [None] if is_classifier(estimator) else [None, float("nan")]
    if is_classifier(estimator):
        y = [float(sorted(set(y)).index(label)) for label in y]
        missing.append(float("nan"))
    for value in missing:
        target = np.array([*y[:-1], value], dtype=None if value else object)
        copied = new(estimator)
        assert refuses_by_value(copied.fit, texts, target), (
            f"fit did not refuse y with {value!r} in it."
        )


def check_containers_of_y(estimator: Any) -> None:
    """Y as a tuple, an array or a pandas Series gives the model of a list.

    A Series is read by position: to align it with the texts by its index, after a
    shuffle, gives texts the labels of others.
    """
    if not is_deterministic(estimator):
        return
    texts, y = corpus_for(estimator)
    asked = new_texts(estimator)
    expected = answers(fitted(estimator), asked)
    made: dict[str, Any] = {
        "a tuple": tuple(y),
        "an array": np.array(y),
    }
    if is_classifier(estimator):
        made["an array of objects"] = np.array(y, dtype=object)
    if find_spec("pandas"):
        import pandas as pd

        made["a Series whose index is reversed"] = pd.Series(
            y, index=range(len(y) - 1, -1, -1)
        )
    for name, target in made.items():
        found = answers(new(estimator).fit(texts, target), asked)
        assert_same(found, expected, f"y as {name}")


def check_score(estimator: Any) -> None:
    """`score` is the accuracy, or R2, of `predict` on raw texts.

    Searches choose by it.
    """
    copied = fitted(estimator)
    texts, y = corpus_for(estimator, 30, seed=1)
    measure = accuracy_score if is_classifier(estimator) else r2_score
    found, expected = copied.score(texts, y), measure(y, copied.predict(texts))
    assert np.isclose(found, expected), (
        f"score is {found!r}, but {measure.__name__} of predict {expected!r}."
    )


def check_sample_weight_of_ones(estimator: Any) -> None:
    """Weights of 1 are no weights.

    A default that is another is found only by who compares.
    """
    if not is_deterministic(estimator):
        return
    texts, y = corpus_for(estimator)
    asked = new_texts(estimator)
    expected = answers(fitted(estimator), asked)
    weighted = new(estimator).fit(texts, y, sample_weight=np.ones(len(texts)))
    assert_same(answers(weighted, asked), expected, "With weights of 1")


def check_sample_weight_counts(estimator: Any) -> None:
    """Of contradicting samples the heavier ones are believed.

    Weights that are taken and not used are worse than weights that are refused.
    """
    texts, y = corpus_for(estimator)
    if is_classifier(estimator):
        names = sorted(set(y))
        wrong = [names[(names.index(label) + 1) % len(names)] for label in y]
    else:
        wrong = [6.0 - number for number in y]
    weight = np.repeat([100.0, 1.0], len(texts))
    copied = new(estimator).fit([*texts, *texts], [*y, *wrong], sample_weight=weight)
    score = copied.score(texts, y)
    assert score > 0.7, (
        f"Each text was given twice, with weights of 100 and 1 and with another y: the "
        f"score of what weighs 100 is {score:.2f}, expected more than 0.7."
    )


def check_sample_weight_length(estimator: Any) -> None:
    """Weights that are fewer than the texts are refused by a `ValueError`.

    Broadcast or cut, the weights of some texts become those of others.
    """
    texts, y = corpus_for(estimator)
    copied = new(estimator)
    assert refuses_by_value(
        copied.fit, texts, y, sample_weight=np.ones(len(texts) - 1)
    ), f"{len(texts) - 1} weights for {len(texts)} texts were not refused."


def check_regressor_learns(estimator: Any) -> None:
    """Numbers that two words say are learnt: R2 of new texts is above 0.5.

    As for classifiers, the plainest check finds what no other does.
    """
    if get_tags(estimator).regressor_tags.poor_score:
        return
    texts, y = grades(60, seed=1)
    score = r2_score(y, fitted(estimator).predict(texts))
    assert score > 0.5, f"R2 of 60 easy texts is {score:.2f}, expected more than 0.5."


def check_regressor_predicts_floats(estimator: Any) -> None:
    """Predictions are floats of shape (n_texts,), also where y is integers.

    Integers would round what is in between, and columns break metrics that subtract.
    """
    texts, y = grades()
    copied = new(estimator).fit(texts, [round(number) for number in y])
    found = np.asarray(copied.predict(new_texts(estimator)))
    assert found.dtype.kind == "f", f"The dtype is {found.dtype}, expected floats."
    assert found.shape == (12,), f"The shape is {found.shape}, expected (12,)."


CHECKS = (
    check_inconsistent_lengths,
    check_missing_y,
    check_containers_of_y,
    check_score,
)
REGRESSOR_CHECKS = (check_regressor_learns, check_regressor_predicts_floats)
WEIGHT_CHECKS = (
    check_sample_weight_of_ones,
    check_sample_weight_counts,
    check_sample_weight_length,
)


def checks_for(estimator: Any) -> Iterator[Callable[[Any], None]]:
    """Those of an estimator, by what its fit takes."""
    yield from CHECKS
    if is_regressor(estimator):
        yield from REGRESSOR_CHECKS
    if has_fit_parameter(estimator, "sample_weight"):
        yield from WEIGHT_CHECKS

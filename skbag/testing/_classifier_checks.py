"""Checks of classifiers: labels, probabilities, scores and parts of a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from sklearn.utils import get_tags

from skbag.testing._answers import (
    answers,
    assert_same,
    fitted,
    is_deterministic,
    new,
    new_texts,
    plain,
    refuses_by_value,
)
from skbag.testing._corpus import topics


def check_classifier_learns(estimator: Any) -> None:
    """Easy texts are learnt: nine of ten new ones are right.

    The plainest of all checks finds what no other does: a label encoder that sorts
    differently, or a vocabulary of one fold used with the table of another.
    """
    if get_tags(estimator).classifier_tags.poor_score:
        return
    texts, y = topics(60, seed=1)
    share = float(np.mean(fitted(estimator).predict(texts) == np.array(y)))
    assert share >= 0.9, (
        f"{share:.0%} of 60 easy texts are right, expected 90 %; by chance 33 % are."
    )


def check_classes(estimator: Any) -> None:
    """`classes_` are the sorted labels, and only they are predicted.

    Columns of probabilities are named by it: str, int and bool, whatever comes.
    """
    texts, y = topics()
    names = sorted(set(y))
    for label_of in (
        {name: name for name in names},
        {name: 10 * i for i, name in enumerate(names)},
        {name: i > 0 for i, name in enumerate(names)},
    ):
        labels = [label_of[label] for label in y]
        copied = new(estimator).fit(texts, labels)
        expected = np.unique(labels)
        assert np.array_equal(copied.classes_, expected), (
            f"classes_ is {copied.classes_!r}, expected {expected!r}."
        )
        found = copied.predict(texts)
        assert set(np.asarray(found).tolist()) <= set(labels), (
            f"predict gives {set(np.asarray(found).tolist())}, of labels {set(labels)}."
        )


def check_names_of_classes(estimator: Any) -> None:
    """Labels under other names, in the same order, give the same scores.

    A label that is used as a number makes class 20 twice class 10.
    """
    if not is_deterministic(estimator):
        return
    texts, y = topics()
    names = sorted(set(y))
    asked = new_texts(estimator)
    expected = answers(fitted(estimator), asked)
    copied = new(estimator).fit(texts, [[-5, 7, 1000][names.index(x)] for x in y])
    found = answers(copied, asked)
    renamed = {-5: names[0], 7: names[1], 1000: names[2]}
    found["predict"] = np.array([renamed[int(x)] for x in found["predict"]])
    assert_same(found, expected, "With labels -5, 7 and 1000 in place of words")


def check_probabilities(estimator: Any) -> None:
    """Probabilities sum to 1, and their largest is that of the predicted class.

    Their columns stand in the order of `classes_`; `predict_log_proba` is their
    logarithm.
    """
    copied, asked = fitted(estimator), [*new_texts(estimator), "", "xylophone"]
    found = plain(copied.predict_proba(asked))
    assert found.shape == (len(asked), 3), f"The shape is {found.shape}, not (14, 3)."
    assert ((found >= 0) & (found <= 1)).all(), "Not all are between 0 and 1."
    assert np.allclose(found.sum(axis=1), 1, atol=1e-5), (
        f"Rows sum to {found.sum(axis=1).round(3).tolist()}, not to 1."
    )
    best = np.asarray(copied.classes_)[found.argmax(axis=1)][:-2]
    assert np.array_equal(best, copied.predict(asked[:-2])), (
        "The class of the largest probability is not the predicted one."
    )
    if hasattr(copied, "predict_log_proba"):
        with np.errstate(divide="ignore"):
            expected = {"predict_log_proba": np.log(found)}
        log = {"predict_log_proba": plain(copied.predict_log_proba(asked))}
        kept = found > 1e-6  # below, rounding of the probabilities is all there is
        log["predict_log_proba"] = np.where(kept, log["predict_log_proba"], 0.0)
        expected["predict_log_proba"] = np.where(kept, expected["predict_log_proba"], 0)
        assert_same(log, expected, "Against the logarithm of predict_proba")


def check_decision_function(estimator: Any) -> None:
    """The largest score, or the sign of the only one, is the predicted class.

    Scores of two classes are one column, positive for ``classes_[1]``.
    """
    texts, y = topics()
    for kept in (sorted(set(y)), sorted(set(y))[:2]):
        rows = [i for i, label in enumerate(y) if label in kept]
        X, labels = [texts[i] for i in rows], [y[i] for i in rows]
        copied = new(estimator).fit(X, labels)
        scores = plain(copied.decision_function(X))
        expected = (len(X),) if len(kept) == 2 else (len(X), len(kept))
        assert scores.shape == expected, (
            f"Scores of {len(kept)} classes have the shape {scores.shape}, expected "
            f"{expected}."
        )
        codes = (scores > 0).astype(int) if len(kept) == 2 else scores.argmax(axis=1)
        assert np.array_equal(np.asarray(copied.classes_)[codes], copied.predict(X)), (
            f"With {len(kept)} classes the scores and predict name other classes."
        )


def check_one_class(estimator: Any) -> None:
    """Texts of one class are refused by a `ValueError`, or all are predicted as it.

    A fold, or a day, may have no other.
    """
    texts, _ = topics()
    copied = new(estimator)
    if not refuses_by_value(copied.fit, texts, ["sea"] * len(texts)):
        found = set(np.asarray(copied.predict(new_texts(estimator))).tolist())
        assert found == {"sea"}, f"Fitted on the class 'sea' alone, it gives {found}."


def check_partial_fit_goes_on(estimator: Any) -> None:
    """`partial_fit` adds to what earlier parts have taught.

    New words join, old ones stay: one that starts anew knows its last part only.
    """
    texts, y = topics(90)
    copied = new(estimator)
    classes = np.unique(y)
    for start in range(0, 90, 30):
        part = slice(start, start + 30)
        assert copied.partial_fit(texts[part], y[part], classes=classes) is copied
    sea = [text for text, label in zip(texts, y, strict=True) if label == "sea"]
    other = [i for i, label in enumerate(y) if label != "sea"]
    copied.partial_fit([texts[i] for i in other], [y[i] for i in other])
    found = copied.predict(sea)
    share = float(np.mean(np.asarray(found) == "sea"))
    assert share >= 0.5, (
        f"After a part without the class 'sea' {share:.0%} of its texts, which were "
        "learnt before, are found."
    )


def check_partial_fit_unknown_label(estimator: Any) -> None:
    """A label that was not announced is refused by a `ValueError`.

    The first call names all classes; a new one has no column.
    """
    texts, y = topics()
    copied = new(estimator).partial_fit(texts, y, classes=np.unique(y))
    assert refuses_by_value(copied.partial_fit, texts[:1], ["desert"]), (
        "partial_fit took the label 'desert', which is none of the classes announced."
    )


def check_fit_after_partial_fit(estimator: Any) -> None:
    """`fit` after `partial_fit` starts anew.

    What a stream has taught must not leak into the folds of a cross-validation.
    """
    if not is_deterministic(estimator):
        return
    texts, y = topics()
    asked = new_texts(estimator)
    expected = answers(fitted(estimator), asked)
    copied = new(estimator)
    copied.partial_fit(texts[30:], y[:30], classes=np.unique(y))
    assert_same(answers(copied.fit(texts, y), asked), expected, "After partial_fit")


CHECKS = (
    check_classifier_learns,
    check_classes,
    check_names_of_classes,
    check_one_class,
)
STREAM_CHECKS = (
    check_partial_fit_goes_on,
    check_partial_fit_unknown_label,
    check_fit_after_partial_fit,
)


def checks_for(estimator: Any) -> Iterator[Callable[[Any], None]]:
    """Those of a classifier, by the methods that it has."""
    yield from CHECKS
    if hasattr(estimator, "predict_proba"):
        yield check_probabilities
    if hasattr(estimator, "decision_function"):
        yield check_decision_function
    if hasattr(estimator, "partial_fit"):
        yield from STREAM_CHECKS

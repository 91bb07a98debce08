"""Checks of fit: that it learns from its texts, and from nothing else."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError

from skbag.testing._answers import (
    METHODS,
    answers,
    answers_or_refuses,
    assert_finite,
    assert_same,
    fitted,
    is_deterministic,
    learns_in_fit,
    methods_of,
    new,
    new_texts,
    refuses_by_value,
)
from skbag.testing._corpus import corpus_for


def check_fit_returns_self(estimator: Any) -> None:
    """`fit` returns the estimator.

    ``clf = make_classifier().fit(X, y)`` is how everyone writes it.
    """
    copied = new(estimator)
    found = copied.fit(*corpus_for(estimator))
    assert found is copied, f"fit returned {found!r}, expected the estimator itself."


def check_unfitted_is_refused(estimator: Any) -> None:
    """Every method that needs a fit raises `NotFittedError` before it.

    A search that meets any other error reports it as a fault of the data.
    """
    if not learns_in_fit(estimator):
        return
    texts = new_texts(estimator)
    after = methods_of(fitted(estimator))
    for name in METHODS:
        copied = new(estimator)
        if name not in after or not hasattr(copied, name):
            continue
        try:
            getattr(copied, name)(texts)
        except NotFittedError:
            continue
        except Exception as error:
            raise AssertionError(
                f"{name} before fit raised {error!r}, expected NotFittedError. Call "
                "sklearn.utils.validation.check_is_fitted first."
            ) from error
        raise AssertionError(f"{name} before fit gave an answer, not NotFittedError.")


def check_fit_leaves_data(estimator: Any) -> None:
    """`fit` changes neither the texts nor y.

    The caller's list is used again: by the next model, or to be shown.
    """
    texts, y = corpus_for(estimator)
    X, target = np.array(texts, dtype=object), np.array(y)
    listed = list(texts)
    new(estimator).fit(X, target)
    assert X.tolist() == texts, "fit changed the array of texts that it was given."
    assert target.tolist() == y, "fit changed the array y that it was given."
    new(estimator).fit(listed, y)
    assert listed == texts, "fit changed the list of texts that it was given."


def check_fit_keeps_no_view_of_data(estimator: Any) -> None:
    """What becomes of the texts after `fit` changes no answer.

    A part that is read into the same array again would change the model before it.
    """
    texts, y = corpus_for(estimator)
    X = np.array(texts, dtype=object)
    copied = new(estimator).fit(X, y)
    asked = new_texts(estimator)
    before = answers(copied, asked)
    X[:] = "overwritten"
    assert_same(answers(copied, asked), before, "After the array was overwritten")


def check_fit_is_repeatable(estimator: Any) -> None:
    """The same texts and the same seed give the same model.

    Without it no result can be reproduced, and no bug.
    """
    if not is_deterministic(estimator):
        return
    texts = new_texts(estimator)
    expected = answers(fitted(estimator), texts)
    assert_same(answers(fitted(estimator), texts), expected, "A second estimator")


def check_fit_forgets_earlier_texts(estimator: Any) -> None:
    """A second `fit` starts anew: nothing is left of the texts of the first.

    A vocabulary that only grows holds words of the folds before, which is a leak.
    """
    texts, y = corpus_for(estimator)
    asked = new_texts(estimator)
    copied = new(estimator)
    copied.fit([f"{text} entirely other {text[:3]}" for text in texts], y[::-1])
    copied.fit(texts, y)
    if is_deterministic(estimator):
        expected = answers(fitted(estimator), asked)
        assert_same(answers(copied, asked), expected, "After a fit of other texts")
        return
    for name, answer in answers(copied, asked).items():
        expected_shape = answers(fitted(estimator), asked)[name].shape
        assert answer.shape == expected_shape, (
            f"After a fit of other texts {name} has the shape {answer.shape}, expected "
            f"{expected_shape}."
        )


def check_global_random_state_is_left(estimator: Any) -> None:
    """The random numbers of others are neither drawn nor seeded.

    ``numpy.random.seed`` in a fit repeats the draws of the whole program; drawing
    from the global state makes results depend on what ran before.
    """
    numbers, state = np.random.get_state(), random.getstate()  # noqa: NPY002
    texts = new_texts(estimator)
    answers(fitted(estimator), texts)
    after = np.random.get_state()  # noqa: NPY002
    assert random.getstate() == state, "The state of the module random was changed."
    same = all(np.array_equal(a, b) for a, b in zip(numbers, after, strict=True))
    assert same, (
        "The global state of numpy.random was changed, though random_state was given. "
        "Use sklearn.utils.check_random_state(self.random_state)."
    )


def check_fit_one_text(estimator: Any) -> None:
    """One text is fitted or refused by a `ValueError`, at the latest when asked.

    The smallest folds and the first part of a stream have one.
    """
    texts, y = corpus_for(estimator)
    copied = new(estimator)
    if refuses_by_value(copied.fit, texts[:1], y[:1]):
        return
    for name in methods_of(copied):
        found = answers_or_refuses(copied, name, texts[:3])
        if found is not None:
            assert_finite({name: found}, "Fitted on one text")


def check_fit_no_texts(estimator: Any) -> None:
    """A fit of no texts is refused by a `ValueError`.

    A filter that leaves nothing shall be told, not learnt.
    """
    if learns_in_fit(estimator):
        copied = new(estimator)
        try:
            refused = refuses_by_value(copied.fit, [], [])
        except StopIteration:  # of scikit-learn's FeatureHasher
            return
        assert refused, "fit([], []) was not refused by a ValueError or TypeError."


def check_fit_empty_texts_among_others(estimator: Any) -> None:
    """Empty texts among others do not disturb a fit.

    Real columns have them: a review of stars alone, a mail that is one picture.
    """
    texts, y = corpus_for(estimator)
    copied = new(estimator).fit([*texts, "", " ", "\n"], [*y, *y[:3]])
    found = answers(copied, new_texts(estimator))
    assert_finite(found, "Fitted with three empty texts")


CHECKS = (
    check_fit_returns_self,
    check_unfitted_is_refused,
    check_fit_leaves_data,
    check_fit_keeps_no_view_of_data,
    check_fit_is_repeatable,
    check_fit_forgets_earlier_texts,
    check_global_random_state_is_left,
    check_fit_one_text,
    check_fit_no_texts,
    check_fit_empty_texts_among_others,
)

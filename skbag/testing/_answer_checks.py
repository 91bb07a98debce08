"""Checks of answers: one for each text, whatever comes before, beside or after it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from skbag.testing._answers import (
    answers,
    answers_or_refuses,
    assert_finite,
    assert_same,
    fitted,
    learns_in_fit,
    methods_of,
    n_answers,
    new_texts,
    stacked,
)


def check_one_answer_for_each_text(estimator: Any) -> None:
    """Every method gives as many rows as there are texts, of finite numbers.

    A text that is dropped, an empty or a repeated one, shifts all that follow.
    """
    texts = [*new_texts(estimator), "", "", *new_texts(estimator)[:2]]
    found = answers(fitted(estimator), texts)
    for name, answer in found.items():
        assert n_answers(answer) == len(texts), (
            f"{name} gives an answer of shape {answer.shape} for {len(texts)} texts."
        )
    assert_finite(found, "Texts of the same kind as in fit")


def check_order_of_texts(estimator: Any) -> None:
    """Texts in another order get the same answers in that order.

    Sorting texts by length for speed, and not sorting back, is a classic.
    """
    copied, texts = fitted(estimator), new_texts(estimator)
    texts[3] = f"{texts[3]} {texts[4]} {texts[5]}"
    order = np.random.RandomState(0).permutation(len(texts))
    expected = {name: row[order] for name, row in answers(copied, texts).items()}
    found = answers(copied, [texts[i] for i in order])
    assert_same(found, expected, "Texts in another order")


def check_text_alone(estimator: Any) -> None:
    """A text alone gets the answer that it gets among others.

    A service asks for one text at a time, a test set for all at once: weights by what
    a batch holds, or a normalisation over it, make two models of one.
    """
    copied, texts = fitted(estimator), new_texts(estimator)
    expected = answers(copied, texts)
    alone = stacked([answers(copied, [text]) for text in texts])
    assert_same(alone, expected, "Each text alone")


def check_equal_texts(estimator: Any) -> None:
    """Equal texts get equal answers, also as different objects.

    A cache by ``id`` gives a text the answer to another one that lay in its place.
    """
    copied, texts = fitted(estimator), new_texts(estimator)
    expected = answers(copied, texts)
    for shift in range(len(texts)):
        order = np.roll(np.arange(len(texts)), shift)
        # Made anew each time, so that they take the places of those before.
        again = [" ".join(texts[i].split(" ")) for i in order]
        found = answers(copied, again)
        del again
        in_order = {name: answer[order] for name, answer in expected.items()}
        assert_same(found, in_order, "Equal texts that are other objects")


def check_no_memory_of_earlier_calls(estimator: Any) -> None:
    """What was asked before changes no answer.

    Words must not join the vocabulary, nor statistics move, outside of a fit.
    """
    copied, texts = fitted(estimator), new_texts(estimator)
    expected = answers(copied, texts)
    answers(copied, ["quince xylophone", *texts[::-1], "quince quince"])
    assert_same(answers(copied, texts), expected, "After other texts")


def check_answers_leave_estimator(estimator: Any) -> None:
    """Answering sets no attribute of the estimator.

    Each thread would set it, and each pickle would carry it. (Not for those that
    learn nothing in fit, as their tag ``requires_fit`` says.)
    """
    if not learns_in_fit(estimator):
        return
    copied = fitted(estimator)
    before = set(vars(copied))
    answers(copied, new_texts(estimator))
    changed = sorted(set(vars(copied)) ^ before)
    assert not changed, f"Predicting or transforming set or removed {changed}."


def check_answers_leave_texts(estimator: Any) -> None:
    """Answering changes no text.

    The caller shows them beside the answers.
    """
    copied, texts = fitted(estimator), new_texts(estimator)
    listed, array = list(texts), np.array(texts, dtype=object)
    answers(copied, listed)
    answers(copied, array)
    assert listed == texts, "The list of texts was changed."
    assert array.tolist() == texts, "The array of texts was changed."


def check_threads_share_an_estimator(estimator: Any) -> None:
    """Threads that ask one fitted estimator get the answers that each would alone.

    A web service has one model and many threads; buffers kept in the estimator mix
    their texts.
    """
    copied, texts = fitted(estimator), new_texts(estimator)
    parts = [texts[i % len(texts) :][:3] for i in range(32)]
    expected = [answers(copied, part) for part in parts]
    with ThreadPoolExecutor(4) as executor:
        found = list(executor.map(lambda part: answers(copied, part), parts))
    for mine, theirs in zip(found, expected, strict=True):
        assert_same(mine, theirs, "Four threads at once")


def check_no_texts(estimator: Any) -> None:
    """No texts get no answers, or are refused by a `ValueError`.

    The last part of a stream, or what a filter leaves, may be empty.
    """
    copied = fitted(estimator)
    for name in methods_of(copied):
        try:
            found = answers_or_refuses(copied, name, [])
        except StopIteration:  # of scikit-learn's FeatureHasher
            continue
        assert found is None or n_answers(found) == 0, (
            f"{name}([]) gives an answer of shape {found.shape}, expected 0 rows."
        )


CHECKS = (
    check_one_answer_for_each_text,
    check_order_of_texts,
    check_text_alone,
    check_equal_texts,
    check_no_memory_of_earlier_calls,
    check_answers_leave_estimator,
    check_answers_leave_texts,
    check_threads_share_an_estimator,
    check_no_texts,
)

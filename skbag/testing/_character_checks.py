"""Checks of what a text may hold: any character, none, or very many."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np

from skbag.testing._answers import (
    answers,
    answers_or_refuses,
    assert_finite,
    assert_same,
    fitted,
    methods_of,
    new,
    new_texts,
)
from skbag.testing._corpus import corpus_for

BLANK = ["", " ", "\n", "\t\r\n", "\u3000", "\u200b"]

UNUSUAL = [
    *("\x00", "a\x00b", "\x85", "\u2028", "\ufeff", "\u202e"),
    *("e\u0301", "\u0130", "\u1e9e", "\ufb00", "\u0149", "\uffff", "\U0010ffff"),
    *("\u05d0\u05d1", "\u0627\u0644", "\u0e19\u0e49\u0e33", "\u1100\u1161\u11a8"),
    *("\u4f60\u597d", "\U0001d518", "\U0001f468\u200d\U0001f469", "\u00bd\u0662"),
    *("_", "''", "--", "%s {} \\N", "<b>&amp;</b>", "a" * 500),
]

LONE_SURROGATES = ["\ud800", "sail \udfff ship", "oven\udc80", "\udce9t\udce9"]

N_SHORT, N_LONG = 500, 100_000
"""Texts of a batch, and characters of one of them."""


def check_blank_texts(estimator: Any) -> None:
    """Texts without a word get a finite answer.

    No token is no reason for NaN: a mean over nothing, or a norm of 0, makes one.
    """
    assert_finite(answers(fitted(estimator), BLANK), "Blank texts")


def check_unknown_words(estimator: Any) -> None:
    """Words that no text of the fit had are no error.

    Every stream of texts brings new ones.
    """
    texts = ["xylophone quince", "zzyzx", f"quince {new_texts(estimator)[0]}"]
    assert_finite(answers(fitted(estimator), texts), "Words that are not in fit")


def check_unusual_characters(estimator: Any) -> None:
    """Any character has an answer, in `fit` and after.

    Texts of the web hold NUL, marks without a letter, right-to-left overrides, emoji
    of several code points, and letters whose lower case is longer.
    """
    copied = fitted(estimator)
    assert_finite(answers(copied, UNUSUAL), "Unusual characters")
    texts, y = corpus_for(estimator)
    y = [*y, *(y[i % len(y)] for i in range(len(UNUSUAL)))]
    copied = new(estimator).fit([*texts, *UNUSUAL], y)
    assert_finite(answers(copied, UNUSUAL), "Unusual characters in fit")


def check_lone_surrogates(estimator: Any) -> None:
    """Lone surrogates are answered or refused by a `ValueError`.

    They come from JSON and from ``errors="surrogateescape"``, are valid in a str, and
    have no UTF-8: what encodes texts must say what it does with them.
    """
    copied = fitted(estimator)
    for name in methods_of(copied):
        for text in LONE_SURROGATES:
            found = answers_or_refuses(copied, name, [text])
            if found is not None:
                assert_finite({name: found}, f"The text {text!a}")


def check_subclasses_of_str(estimator: Any) -> None:
    """A subclass of str is a str.

    Items of an array of strings are `numpy.str_`; parsers and HTML libraries have
    subclasses of their own.
    """

    class Markup(str):
        __slots__ = ()

    copied, texts = fitted(estimator), new_texts(estimator)
    expected = answers(copied, texts)
    for kind in (np.str_, Markup):
        found = answers(copied, [kind(text) for text in texts])
        assert_same(found, expected, f"Texts as {kind.__name__}")


def check_long_text(estimator: Any) -> None:
    """One long text does not make the others long.

    ``numpy.asarray`` of a list of str pads each to the longest: 500 texts, one of them
    of 100,000 characters, are an array of 200 MB. It is measured what Python and NumPy
    allocate, and a quarter of that is allowed.
    """
    copied = fitted(estimator)
    words = new_texts(estimator, N_SHORT)
    words[7] = (f"{' '.join(words[:50])} " * (N_LONG // 100))[:N_LONG]
    for name in answers(copied, words[:1]):
        peak = _peak_memory(getattr(copied, name), words)
        padded = 4 * N_SHORT * N_LONG
        assert peak < padded // 4, (
            f"{name} of {N_SHORT} texts, one of {N_LONG:,} characters, allocated "
            f"{peak:,} bytes; padded to the longest they take {padded:,}. Use "
            "numpy.asarray(X, dtype=object), or keep the list."
        )


def _peak_memory(call: Any, *arguments: Any) -> int:
    """Bytes that are allocated at most at one time, beyond those of before."""
    was_tracing = tracemalloc.is_tracing()
    if not was_tracing:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        call(*arguments)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        if not was_tracing:
            tracemalloc.stop()


CHECKS = (
    check_blank_texts,
    check_unknown_words,
    check_unusual_characters,
    check_lone_surrogates,
    check_subclasses_of_str,
    check_long_text,
)

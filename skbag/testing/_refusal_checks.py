"""Checks of what is no text: it is refused, and never read as if it were one."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from sklearn.utils import get_tags

from skbag.testing._answers import (
    REFUSALS,
    answers,
    assert_finite,
    assert_same,
    fitted,
    learns_in_fit,
    methods_of,
    new,
    new_texts,
    refuses,
)
from skbag.testing._corpus import corpus_for


def check_single_text(estimator: Any) -> None:
    """A single str in place of a list of them is refused.

    It is a sequence of its characters: ``predict("where is my parcel")`` would give 18
    answers.
    """
    _assert_refused_in_answers(estimator, "sail and ship", "a single str")
    if learns_in_fit(estimator):
        text, y = "sailandship" * 6, corpus_for(estimator).y
        copied = new(estimator)
        assert refuses(copied.fit, text[:60], y), (
            "fit took a single str of 60 characters for 60 texts. Raise a ValueError "
            "if isinstance(X, str)."
        )


def check_missing_texts(estimator: Any) -> None:
    """None, NaN and `pandas.NA` are refused, or answered where tags allow them.

    Read by ``str()`` they are the words "None" and "nan", which then say much of the
    class that has most of them. The tag is ``input_tags.allow_nan``.
    """
    missing: list[Any] = [None, float("nan")]
    if find_spec("pandas"):
        import pandas as pd

        missing.append(pd.NA)
    if get_tags(estimator).input_tags.allow_nan:
        copied = fitted(estimator)
        for value in missing:
            found = answers(copied, [*new_texts(estimator), value])
            assert_finite(found, f"A missing text, {value!r}")
        return
    for value in missing:
        _assert_item_refused(estimator, value, f"a missing text, {value!r}")


def check_numbers_among_texts(estimator: Any) -> None:
    """Numbers among the texts are refused.

    They come of a column that a CSV reader took for numbers where it could: some rows
    are ``7`` and others ``"7a"``, and their words differ from those of texts.
    """
    for value in (3, 2.5):
        _assert_item_refused(estimator, value, f"the number {value!r} among texts")


def check_lists_of_tokens(estimator: Any) -> None:
    """Lists of tokens in place of texts are refused.

    Read by ``str()`` they are words with brackets, quotation marks and commas. (An
    estimator that is made for tokens declares this check as expected to fail.)
    """
    texts = new_texts(estimator)
    tokens = [text.split() for text in texts]
    tokens[0] = tokens[0][:2]
    _assert_refused_in_answers(estimator, tokens, "lists of tokens")


def check_bytes(estimator: Any) -> None:
    """Bytes are refused, or decoded: never read by ``str()``.

    ``str(b"sail")`` is ``"b'sail'"``.
    """
    copied, texts = fitted(estimator), new_texts(estimator)
    expected = answers(copied, texts)
    try:
        found = answers(copied, [text.encode() for text in texts])
    except REFUSALS:
        return
    assert_same(found, expected, "Texts as bytes, which were not refused")


def _assert_item_refused(estimator: Any, value: Any, what: str) -> None:
    """Raise unless `fit` and all methods refuse texts of which one is the value."""
    texts: list[Any] = new_texts(estimator)
    _assert_refused_in_answers(estimator, [*texts[:5], value, *texts[5:]], what)
    if learns_in_fit(estimator):
        texts, y = corpus_for(estimator)
        texts = [*texts[:30], value, *texts[31:]]
        copied = new(estimator)
        assert refuses(copied.fit, texts, y), (
            f"fit did not refuse {what}. Raise a ValueError or TypeError that says "
            "where it stands."
        )


def _assert_refused_in_answers(estimator: Any, X: Any, what: str) -> None:
    copied = fitted(estimator)
    for name in methods_of(copied):
        assert refuses(getattr(copied, name), X), (
            f"{name} did not refuse {what}. Raise a ValueError or TypeError that says "
            "what was expected."
        )


CHECKS = (
    check_single_text,
    check_missing_texts,
    check_numbers_among_texts,
    check_lists_of_tokens,
    check_bytes,
)

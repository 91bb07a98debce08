"""Texts and lists of features in HTML, tinted by what they add to a score."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._text.analyzers import Span
from skbag._text.token_rules import DEFAULT_TOKENS

FOR, AGAINST = "38, 120, 228", "228, 96, 20"
"""Red, green and blue of what speaks for the class and against it: also to be told
apart by those who cannot tell red from green."""

STRONGEST = 0.6
"""Opacity of the strongest tint."""


def word_values(
    text: str,
    spans: Sequence[tuple[Span, ...] | None],
    values: NDArray[np.float64],
) -> list[tuple[Span, float]]:
    """Return what each word of a text adds.

    What a feature adds is spread evenly over the characters of its spans, and each
    word has the sum of its characters.

    Parameters
    ----------
    text : str
    spans : sequence of spans, or None where they are not known
        Of each feature.
    values : ndarray of shape (n_features,), dtype=float64
        What each adds.
    """
    by_place = np.zeros(len(text))
    for places, value in zip(spans, values.tolist(), strict=True):
        total = sum(stop - start for start, stop in places or ())
        for start, stop in places or ():
            # A surplus of spans never divides by zero: each has a character.
            by_place[start:stop] += value / total
    return [
        (match.span(), float(by_place[match.start() : match.end()].sum()))
        for match in DEFAULT_TOKENS.regex.finditer(text)
    ]


def text_as_html(text: str, words: Sequence[tuple[Span, float]]) -> str:
    """Return the text with its words tinted, relative to the strongest of them."""
    strongest = max((abs(value) for _, value in words), default=0.0) or 1.0
    parts, done = [], 0
    for (start, stop), value in words:
        parts.append(escape(text[done:start]))
        parts.append(_tinted(text[start:stop], value, value / strongest))
        done = stop
    parts.append(escape(text[done:]))
    return f'<div style="white-space: pre-wrap">{"".join(parts)}</div>'


def list_as_html(features: Sequence[tuple[Any, float]]) -> str:
    """Return features and what they add, one after the other."""
    strongest = max((abs(value) for _, value in features), default=0.0) or 1.0
    items = [
        _tinted(f"{name} {value:+.3f}", value, value / strongest)
        for name, value in features
    ]
    return f'<div style="font-size: smaller">{" &nbsp; ".join(items)}</div>'


def escape(text: Any) -> str:
    """Return a text that HTML takes for nothing but text."""
    # Lone surrogates cannot be sent to a browser.
    sound = str(text).encode("utf-8", "replace").decode("utf-8")
    return html.escape(sound, quote=True)


def _tinted(text: str, value: float, share: float) -> str:
    if value == 0:
        return escape(text)
    colour = f"rgba({FOR if value > 0 else AGAINST}, {STRONGEST * abs(share):.3f})"
    return (
        f'<span style="background-color: {colour}; border-radius: 0.2em" '
        f'title="{value:+.4f}">{escape(text)}</span>'
    )

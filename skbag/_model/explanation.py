"""Exact explanations: what each feature of a text adds to each score, and where it is.

A score is a sum over the features of a text, weight times coefficient, plus the
intercept: an explanation is that sum before it is summed up.
"""

from __future__ import annotations

import html
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._model.model import Model
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


MOST_TEXTS = 10
"""Texts that are shown."""

MOST_FEATURES = 10
"""Features that are shown of each."""

INTERCEPT = "<intercept>"
"""What frames call the row of the intercept."""

_WIDTH = 70


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """What each feature of some texts adds to each score: a table.

    One row for each occurrence of a feature; a feature that occurs several times in a
    text adds as much each time. Rows are in the order of the texts. The sum of a
    text's rows and the intercept is its ``decision_function``.

    ``len(explanation)`` is the number of texts, ``explanation[i]`` the explanation of
    one, a slice that of several. It shows itself in a notebook and prints in a
    terminal, for the class with the highest score.

    Attributes
    ----------
    texts : list of str, or None
        None for the rows of a matrix.
    offsets : ndarray of shape (n_texts + 1,), dtype=int64
        The rows of text i are ``offsets[i]`` to ``offsets[i + 1]``.
    features : list of str or int
        The feature of each row; names of columns, or numbers, of a matrix.
    spans : list of tuple of (start, end), or None
        Where in the text, in characters, each row's feature stands: one span for each
        of its tokens (two for a bigram or a skip pair), for a prefix or suffix that of
        the part of the word. None where it is not known: with a preprocessor, tokenizer
        or analyzer of one's own, or accents stripped by a function; and of a matrix.
    contributions : ndarray of shape (n_rows, n_outputs), dtype=float64
        What each row adds: one column per class, of two classes one alone, which is
        that of ``classes[1]``. Of several labels per sample one column per label.
    intercept : ndarray of shape (n_outputs,), dtype=float64
    classes : ndarray of shape (n_classes,)
    """

    texts: list[str] | None
    offsets: NDArray[np.int64]
    features: list[Any]
    spans: list[tuple[Span, ...] | None]
    contributions: NDArray[np.float64]
    intercept: NDArray[np.float64]
    classes: NDArray[Any]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, which: Any) -> Explanation:
        if isinstance(which, slice):
            start, stop, step = which.indices(len(self))
            if step != 1:
                raise ValueError(
                    f"An Explanation takes slices of step 1, got {step}. Take single "
                    "texts by their numbers."
                )
            stop = max(start, stop)
        else:
            start = operator.index(which)
            start += len(self) if start < 0 else 0
            if not 0 <= start < len(self):
                raise IndexError(
                    f"There is no text {which} in an Explanation of {len(self)}."
                )
            stop = start + 1
        first, last = self.offsets[start], self.offsets[stop]
        return Explanation(
            None if self.texts is None else self.texts[start:stop],
            self.offsets[start : stop + 1] - first,
            self.features[first:last],
            self.spans[first:last],
            self.contributions[first:last],
            self.intercept,
            self.classes,
        )

    def __iter__(self) -> Iterator[Explanation]:
        return (self[i] for i in range(len(self)))

    @property
    def scores(self) -> NDArray[np.float64]:
        """Sums of rows and intercept: the decision function of each text."""
        sums = [
            self.contributions[start:stop].sum(axis=0)
            for start, stop in zip(self.offsets, self.offsets[1:], strict=False)
        ]
        scores = np.reshape(sums, (len(self), len(self.intercept))) + self.intercept
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def to_frame(self) -> Any:
        """Return a pandas DataFrame of all rows; needs pandas.

        Returns
        -------
        frame : pandas.DataFrame
            Columns `text` (its number), `feature`, `spans`, and one per output, named
            by its class (of two classes by the second). Each text begins with a row
            for the intercept, so that the sums by `text` are the decision function.
        """
        import pandas as pd

        rows = np.repeat(np.arange(len(self)), np.diff(self.offsets))
        # Each text's intercept comes before its first row.
        where = self.offsets[:-1]
        n_outputs = len(self.intercept)
        labels = self.classes.tolist()[-n_outputs:]
        features, spans = list(self.features), list(self.spans)
        for place in where.tolist()[::-1]:
            features.insert(place, INTERCEPT)
            spans.insert(place, None)
        frame = pd.DataFrame(
            np.insert(self.contributions, where, self.intercept, axis=0), columns=labels
        )
        frame.insert(0, "text", np.insert(rows, where, np.arange(len(self))), True)
        frame.insert(1, "feature", pd.Series(features, dtype=object), True)
        frame.insert(2, "spans", pd.Series(spans, dtype=object), True)
        return frame

    def __repr__(self) -> str:
        return f"<Explanation of {len(self)} texts, {len(self.features)} rows>"

    def __str__(self) -> str:
        parts = [_as_text(each, i) for i, each in self._shown()]
        return "\n\n".join([*parts, *self._rest()])

    def _repr_html_(self) -> str:
        parts = [_as_html(each, i) for i, each in self._shown()]
        rest = [f"<div>{escape(line)}</div>" for line in self._rest()]
        return "".join([*parts, *rest])

    def _shown(self) -> Iterator[tuple[int, Explanation]]:
        return ((i, self[i]) for i in range(min(len(self), MOST_TEXTS)))

    def _rest(self) -> list[str]:
        n_more = len(self) - MOST_TEXTS
        return [f"... and {n_more} more"] if n_more > 0 else []

    def _predicted(self) -> tuple[Any, float, float, NDArray[np.float64]]:
        """Class that the only text is given, its score, intercept and contributions."""
        scores = self.contributions.sum(axis=0) + self.intercept
        if len(scores) < len(self.classes):  # The score of the second of two.
            code, output = int(scores[0] > 0), 0
            sign = 1.0 if code else -1.0
        else:
            code = output = int(scores.argmax())
            sign = 1.0
        label = self.classes.tolist()[code]
        return (
            label,
            sign * float(scores[output]),
            sign * float(self.intercept[output]),
            sign * self.contributions[:, output],
        )

    def _strongest(self, values: NDArray[np.float64]) -> list[tuple[Any, float]]:
        """Features of the only text that add most, for or against, all their rows."""
        sums: dict[Any, float] = {}
        for feature, value in zip(self.features, values.tolist(), strict=True):
            sums[feature] = sums.get(feature, 0.0) + value
        by_strength = sorted(sums.items(), key=lambda item: -abs(item[1]))
        return by_strength[:MOST_FEATURES]


def explain(
    model: Model, X: Any, columns: Sequence[Any], classes: NDArray[Any]
) -> Explanation:
    """Explain the scores of texts or of the rows of a matrix.

    Parameters
    ----------
    model : Model
        An additive one.
    X : list of str or scipy CSR array
    columns : sequence of str or int
        Names of the columns of a matrix, or numbers.
    classes : ndarray of shape (n_classes,)
    """
    bags = model.featurizer.weigh(X)
    encoder = model.encoder
    if encoder is None:
        ids, weights, offsets = bags.ids, bags.weights.astype(np.float64), bags.offsets
        names = [columns[i] for i in ids.tolist()]
        spans: list[tuple[Span, ...] | None] = [None] * len(ids)
    else:
        rows: list[tuple[int, Any]] = []
        lengths, shares = [0], []
        for i, text in enumerate(X):
            # Sorted by place; those without keep the order they come in.
            occurrences = sorted(encoder.occurrences(text), key=_place)
            own = np.array([id_ for id_, _ in occurrences], dtype=np.int64)
            bag = bags.slice(i, i + 1)
            # A bag has each id once, ascending: all its occurrences share its weight.
            places = np.searchsorted(bag.ids, own)
            counts = np.bincount(places, minlength=len(bag.ids))
            shares.append(bag.weights.astype(np.float64)[places] / counts[places])
            rows += occurrences
            lengths.append(len(occurrences))
        ids = np.array([id_ for id_, _ in rows], dtype=np.int64)
        weights, offsets = np.concatenate(shares), np.cumsum(lengths)
        names = [occurrence.name for _, occurrence in rows]
        spans = [occurrence.spans for _, occurrence in rows]
    return Explanation(
        None if encoder is None else list(map(_shown_text, X)),
        np.asarray(offsets, dtype=np.int64),
        names,
        spans,
        weights[:, np.newaxis] * model.predictor.coefficients(ids),
        model.predictor.layers[-1][1].astype(np.float64),
        classes,
    )


def _shown_text(document: Any) -> str:
    """Return a document as a text, which it need not be for a callable analyzer."""
    if isinstance(document, str):
        return document
    is_tokens = isinstance(document, (list, tuple))
    return " ".join(map(str, document)) if is_tokens else str(document)


def _place(occurrence: tuple[int, Any]) -> tuple[Span, ...]:
    spans: tuple[Span, ...] | None = occurrence[1].spans
    return spans or ()


def _as_text(one: Explanation, number: int) -> str:
    label, score, intercept, values = one._predicted()
    head = f"row {number}" if one.texts is None else _shortened(one.texts[0])
    lines = [head, f"  {_shortened(str(label))}: score {score:+.3f}"]
    for feature, value in one._strongest(values):
        lines.append(f"  {value:+.3f}  {_shortened(str(feature))}")
    lines.append(f"  {intercept:+.3f}  (intercept)")
    return "\n".join(lines)


def _as_html(one: Explanation, number: int) -> str:
    label, score, intercept, values = one._predicted()
    head = f"<b>{escape(label)}</b> {score:+.3f} (intercept {intercept:+.3f})"
    if one.texts is None:
        body = f"<div>row {number}</div>"
    else:
        words = word_values(one.texts[0], one.spans, values)
        body = text_as_html(one.texts[0], words)
    tail = list_as_html(one._strongest(values))
    return f'<div style="margin: 0.5em 0"><div>{head}</div>{body}{tail}</div>'


def _shortened(text: str) -> str:
    """Return a text on one line; what could steer a terminal is spelt out."""
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[:_WIDTH])
    return shown if len(text) <= _WIDTH else shown[: _WIDTH - 3] + "..."

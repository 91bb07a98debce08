"""Exact explanations: what each feature of a text adds to each score, and where it is.

A score is a sum over the features of a text, weight times coefficient, plus the
intercept: an explanation is that sum before it is summed up.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._model.explanation_html import (
    escape,
    list_as_html,
    text_as_html,
    word_values,
)
from skbag._model.model import Model
from skbag._text.analyzers import Span
from skbag._text.columns_encoder import ColumnsEncoder
from skbag._text.encoder import Encoder

MOST_TEXTS = 10
"""Texts that are shown."""

MOST_FEATURES = 10
"""Features that are shown of each."""

INTERCEPT = "<intercept>"
"""What frames call the row of the intercept."""

TEXT_ENCODER = "<text_encoder>"
"""What is called the sum of all that the vector of a text adds."""

_WIDTH = 70


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """What each feature of some texts adds to each score: a table.

    One row for each occurrence of a feature; a feature that occurs several times in a
    text adds as much each time. Rows are in the order of the texts. The sum of a
    text's rows and the intercept is its ``decision_function``, or what a regressor
    predicts.

    ``len(explanation)`` is the number of texts, ``explanation[i]`` the explanation of
    one, a slice that of several. It shows itself in a notebook and prints in a
    terminal, for the class with the highest score.

    Attributes
    ----------
    texts : list of str, list of dict, or None
        Of a data frame the row of each, with the values by the names of columns. None
        for the rows of a matrix.
    offsets : ndarray of shape (n_texts + 1,), dtype=int64
        The rows of text i are ``offsets[i]`` to ``offsets[i + 1]``.
    features : list of str or int
        The feature of each row; names of columns, or numbers, of a matrix. With
        `text_encoder` the last row of each text is ``<text_encoder>``: all that the
        text's vector adds.
    spans : list of tuple of (start, end), or None
        Where in the text, in characters, each row's feature stands: one span for each
        of its tokens (two for a bigram or a skip pair), for a prefix or suffix that of
        the part of the word. None where it is not known: with a preprocessor, tokenizer
        or analyzer of one's own, or accents stripped by a function; and of a matrix.
        Of a data frame these are places in the text of the row's column.
    contributions : ndarray of shape (n_rows, n_outputs), dtype=float64
        What each row adds: one column per class, of two classes one alone, which is
        that of ``classes[1]``. Of several labels per sample one column per label, of a
        regressor one per output.
    intercept : ndarray of shape (n_outputs,), dtype=float64
    classes : ndarray of shape (n_classes,)
        Of a regressor the names of its outputs, ``y`` or ``y0``, ``y1``, ...
    columns : list of str, or None
        The column of a data frame that each row's feature is of; None for other input.
    """

    texts: list[Any] | None
    offsets: NDArray[np.int64]
    features: list[Any]
    spans: list[tuple[Span, ...] | None]
    contributions: NDArray[np.float64]
    intercept: NDArray[np.float64]
    classes: NDArray[Any]
    columns: list[str] | None = None

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
            None if self.columns is None else self.columns[first:last],
        )

    def __iter__(self) -> Iterator[Explanation]:
        return (self[i] for i in range(len(self)))

    def in_units(
        self, factor: NDArray[np.float64], offset: NDArray[np.float64]
    ) -> Explanation:
        """Return the same explanation of scores that are multiplied and added to.

        Parameters
        ----------
        factor, offset : ndarray of shape (n_outputs,), dtype=float64

        Returns
        -------
        explanation : Explanation
        """
        return replace(
            self,
            contributions=self.contributions * factor,
            intercept=self.intercept * factor + offset,
        )

    @property
    def scores(self) -> NDArray[np.float64]:
        """Sums of rows and intercept: the decision function of each text."""
        sums = [
            self.contributions[start:stop].sum(axis=0)
            for start, stop in zip(self.offsets, self.offsets[1:], strict=False)
        ]
        scores = np.reshape(sums, (len(self), len(self.intercept))) + self.intercept
        return scores[:, 0] if scores.shape[1] == 1 else scores

    @property
    def joined_texts(self) -> list[str] | None:
        """Each text, and each row of a data frame, as one str; None of a matrix."""
        return None if self.texts is None else list(map(in_one_text, self.texts))

    def to_frame(self) -> Any:
        """Return a pandas DataFrame of all rows; needs pandas.

        Returns
        -------
        frame : pandas.DataFrame
            Columns `text` (its number), of a data frame `column`, `feature`, `spans`,
            and one per output, named by its class (of two classes by the second). Each
            text begins with a row for the intercept, so that the sums by `text` are the
            decision function.
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
        n_first = 1
        if self.columns is not None:
            columns: list[str | None] = list(self.columns)
            for place in where.tolist()[::-1]:
                columns.insert(place, None)
            frame.insert(1, "column", pd.Series(columns, dtype=object), True)
            n_first = 2
        frame.insert(n_first, "feature", pd.Series(features, dtype=object), True)
        frame.insert(n_first + 1, "spans", pd.Series(spans, dtype=object), True)
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
    X : list of str, Rows, or scipy CSR array
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
        place = _place_of(encoder)
        lengths, shares = [0], []
        for i, text in enumerate(X):
            # Sorted by place; those without keep the order they come in.
            occurrences = sorted(encoder.occurrences(text), key=place)
            own = np.array([id_ for id_, _ in occurrences], dtype=np.int64)
            bag = bags.slice(i, i + 1)
            # A bag has each id once: all its occurrences share its weight. Of several
            # columns they ascend column by column.
            order = np.argsort(bag.ids)
            places = order[np.searchsorted(bag.ids, own, sorter=order)]
            counts = np.bincount(places, minlength=len(bag.ids))
            shares.append(bag.weights.astype(np.float64)[places] / counts[places])
            rows += occurrences
            lengths.append(len(occurrences))
        ids = np.array([id_ for id_, _ in rows], dtype=np.int64)
        weights, offsets = np.concatenate(shares), np.cumsum(lengths)
        names = [occurrence.name for _, occurrence in rows]
        spans = [occurrence.spans for _, occurrence in rows]
    contributions = weights[:, np.newaxis] * model.predictor.coefficients(ids)
    if model.featurizer.text_encoder is not None:
        for place in offsets[:0:-1].tolist():
            names.insert(place, TEXT_ENCODER)
            spans.insert(place, None)
        of_vectors = _of_text_encoder(model, bags)
        contributions = np.insert(contributions, offsets[1:], of_vectors, axis=0)
        offsets = offsets + np.arange(len(offsets))
    return Explanation(
        None if encoder is None else _texts(encoder, X),
        np.asarray(offsets, dtype=np.int64),
        names,
        spans,
        contributions,
        model.predictor.layers[-1][1].astype(np.float64),
        classes,
        _columns_of(encoder, ids) if isinstance(encoder, ColumnsEncoder) else None,
    )


def _of_text_encoder(model: Model, bags: Bags) -> NDArray[np.float64]:
    """What the vector of each text adds, (n_texts, n_outputs)."""
    ids = np.arange(model.n_features, len(model.predictor.embedding))
    # They are the last entries of each bag.
    entries = bags.offsets[1:, np.newaxis] - len(ids) + np.arange(len(ids))
    vectors = bags.weights[entries].astype(np.float64)
    # Not BLAS, whose order of additions depends on its threads.
    rows = model.predictor.coefficients(ids)
    return np.asarray(np.einsum("ij,jk->ik", vectors, rows))


def _columns_of(encoder: ColumnsEncoder, ids: NDArray[Any]) -> list[str]:
    """Name of the column of each id."""
    return [encoder.columns[j].name for j in encoder.id_columns[ids].tolist()]


def _texts(encoder: Encoder, X: Sequence[Any]) -> list[Any]:
    """Return what was explained, to be shown."""
    if isinstance(encoder, ColumnsEncoder):
        names = [column.name for column in encoder.columns]
        return [dict(zip(names, map(_shown_value, row), strict=True)) for row in X]
    return list(map(_shown_text, X))


def _shown_value(value: Any) -> str | None:
    """Return the value of a column; of one of numbers as a text, None if missing."""
    if value is None or isinstance(value, str):
        return value
    return None if value != value else f"{value:.6g}"


def _shown_text(document: Any) -> str:
    """Return a document as a text, which it need not be for a callable analyzer."""
    if isinstance(document, str):
        return document
    is_tokens = isinstance(document, (list, tuple))
    return " ".join(map(str, document)) if is_tokens else str(document)


def _place(occurrence: tuple[int, Any]) -> tuple[Span, ...]:
    spans: tuple[Span, ...] | None = occurrence[1].spans
    return spans or ()


def _place_of(encoder: Encoder) -> Callable[[tuple[int, Any]], Any]:
    """Return what sorts features: by place in the text; of a row by column before."""
    if not isinstance(encoder, ColumnsEncoder):
        return _place
    columns = encoder.id_columns
    return lambda occurrence: (int(columns[occurrence[0]]), _place(occurrence))


def in_one_text(text: Any) -> str:
    """Return a text as it is, and a row of a data frame in one text.

    >>> in_one_text({"title": "late", "size": None})
    'title: late | size: '
    """
    if isinstance(text, str):
        return text
    values = ((name, "" if value is None else value) for name, value in text.items())
    return " | ".join(f"{name}: {value}" for name, value in values)


def _as_text(one: Explanation, number: int) -> str:
    label, score, intercept, values = one._predicted()
    texts = one.joined_texts
    head = f"row {number}" if texts is None else _shortened(texts[0])
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
        body = _body_as_html(one, values)
    tail = list_as_html(one._strongest(values))
    return f'<div style="margin: 0.5em 0"><div>{head}</div>{body}{tail}</div>'


def _body_as_html(one: Explanation, values: NDArray[np.float64]) -> str:
    """Return the only text, or the text of each column, with its words tinted."""
    assert one.texts is not None
    text = one.texts[0]
    if one.columns is None:
        return text_as_html(text, word_values(text, one.spans, values))
    parts = []
    for name, value in text.items():
        rows = [i for i, column in enumerate(one.columns) if column == name]
        spans = [one.spans[i] for i in rows]
        shown = "" if value is None else value
        words = word_values(shown, spans, values[rows])
        parts.append(f"<div><i>{escape(name)}</i> {text_as_html(shown, words)}</div>")
    return "".join(parts)


def _shortened(text: str) -> str:
    """Return a text on one line; what could steer a terminal is spelt out."""
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[:_WIDTH])
    return shown if len(text) <= _WIDTH else shown[: _WIDTH - 3] + "..."

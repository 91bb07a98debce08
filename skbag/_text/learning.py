"""From texts, or rows of a data frame, to an encoder that has learnt them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from skbag._text.category_encoder import CategoryEncoder
from skbag._text.columns import Column, values_of_columns
from skbag._text.columns_encoder import ColumnsEncoder
from skbag._text.merging import Learnt
from skbag._text.number_encoder import NumberEncoder
from skbag._text.text_options import TextOptions
from skbag._text.token_cache import learn

AreShort = Callable[[Sequence[str]], bool]
"""Says of the texts of a column whether their short-text features are counted."""


def learn_features(
    documents: Sequence[Any],
    columns: Sequence[Column] | None,
    options: TextOptions,
    are_short: AreShort,
    n_threads: int = 1,
) -> Learnt:
    """Learn the features of texts or rows.

    Parameters
    ----------
    documents : sequence of str, or of tuple
    columns : sequence of Column, or None
        None where documents are texts.
    options : TextOptions
        Of the texts of every column.
    are_short : callable
    n_threads : int
        At most so many work. What is learnt does not depend on it.
    """
    if columns is None:
        return _learn_texts(documents, options, are_short, n_threads)
    learnt = []
    for column, values in zip(
        columns, values_of_columns(documents, len(columns)), strict=True
    ):
        if column.kind == "text":
            learnt.append(_learn_texts(values, options, are_short, n_threads))
        else:
            make = CategoryEncoder if column.kind == "category" else NumberEncoder
            learnt.append(_learn_values(values, make))
    encoder = ColumnsEncoder(columns, [own.encoder for own in learnt])
    return Learnt(encoder, encoder.join([own.counts for own in learnt]))


def _learn_texts(
    texts: Sequence[Any], options: TextOptions, are_short: AreShort, n_threads: int
) -> Learnt:
    return Learnt(*learn(texts, options, are_short(texts), n_threads))


def _learn_values(
    values: Sequence[Any], make: type[CategoryEncoder] | type[NumberEncoder]
) -> Learnt:
    encoder = make()
    return Learnt(encoder, encoder.learn(values))

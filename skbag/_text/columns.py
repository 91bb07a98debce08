"""Columns of a data frame, and its rows as an encoder takes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

ColumnKind = Literal["text", "category", "number"]
"""A text has many features, a category is one by itself, and so is a column of numbers,
with the number as its weight."""

MOST_COLUMNS = 256
"""Columns of a data frame at most: the number of one is a byte."""

KINDS: tuple[ColumnKind, ...] = ("text", "category", "number")


class Column(NamedTuple):
    """A column of a data frame.

    Parameters
    ----------
    name : str
        Its own name, or ``x0``, ``x1``, ... where names are not strings.
    kind : {"text", "category", "number"}
    """

    name: str
    kind: ColumnKind

    def name_of(self, feature: str) -> str:
        """Return the name of a feature of this column.

        >>> Column("title", "text").name_of("late")
        'title: late'
        >>> Column("size", "category").name_of("L")
        'size=L'
        >>> Column("price", "number").name_of("")
        'price'
        """
        if self.kind == "number":
            return self.name
        between = ": " if self.kind == "text" else "="
        return f"{self.name}{between}{feature}"


class Rows(list[tuple[Any, ...]]):
    """Rows of a data frame: a tuple of one value for each column, in their order.

    A text is a str; a category a str, or None where it is missing; a number a float,
    NaN where it is missing.

    Parameters
    ----------
    rows : iterable of tuple
    columns : sequence of Column
    """

    def __init__(
        self, rows: Iterable[tuple[Any, ...]], columns: Sequence[Column]
    ) -> None:
        super().__init__(rows)
        self.columns = tuple(columns)

    def __reduce__(self) -> tuple[Any, ...]:
        return Rows, (list(self), self.columns)


def columns_of(X: Any) -> tuple[Column, ...] | None:
    """Columns of what was read; None where it is one column of texts, or a matrix."""
    return X.columns if isinstance(X, Rows) else None


def values_of_columns(
    rows: Sequence[tuple[Any, ...]], n_columns: int
) -> list[list[Any]]:
    """Return the values of each column."""
    return [[row[j] for row in rows] for j in range(n_columns)]


def described(columns: Sequence[Column]) -> str:
    """Columns and their kinds, in words.

    >>> described([Column("title", "text"), Column("size", "category")])
    "'title' (text), 'size' (category)"
    """
    return ", ".join(f"{column.name!r} ({column.kind})" for column in columns)

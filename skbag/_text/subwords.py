r"""Subwords: the runs of characters of a word, from one end to the other.

A word is put between marks, ``<word>``, and every run of so many characters is one of
its subwords, but not all of it: that would be the word again. So a misspelt word has
most of its subwords in common with the right one. (P. Bojanowski, E. Grave, A. Joulin,
T. Mikolov, "Enriching Word Vectors with Subword Information", TACL 2017.) A subword is
its string: that a mark stands where a word begins or ends, and not in it, is certain
with the default tokens only.

A word of one character has none, for it has no parts; nor has one of more than
`LONGEST_WORD`, which is data and not a word.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.dtypes import ID_DTYPE, OFFSET_DTYPE
from skbag._text.byte_tokenizer import Spans, characters
from skbag._text.interner import GrowingArray

LONGEST_WORD = 1000
"""Characters of the longest word that has subwords."""


def checked_range(ngram_range: Any) -> tuple[int, int] | None:
    """Return the range of an encoder's state, which may be damaged.

    Raises
    ------
    ValueError
        If it is neither None nor two numbers in order.
    """
    if ngram_range is None:
        return None
    shortest, longest = ngram_range
    if not (type(shortest) is type(longest) is int and 1 < shortest <= longest):
        raise ValueError("unknown lengths of subwords")
    return shortest, longest


def subwords(word: str, ngram_range: tuple[int, int]) -> list[str]:
    """Return the subwords of a word, shorter ones first.

    Parameters
    ----------
    word : str
    ngram_range : tuple (min_n, max_n)
        Number of characters, marks included.

    Examples
    --------
    >>> subwords("rat", (3, 6))
    ['<ra', 'rat', 'at>', '<rat', 'rat>']
    """
    if not 1 < len(word) <= LONGEST_WORD:
        return []
    marked = f"<{word}>"
    shortest, longest = ngram_range
    return [
        marked[start : start + n]
        for n in range(shortest, min(longest, len(marked) - 1) + 1)
        for start in range(len(marked) - n + 1)
    ]


def subword_spans(
    words: Spans, ngram_range: tuple[int, int]
) -> tuple[NDArray[np.int64], Spans]:
    r"""Find the subwords of many words; each gets those of `subwords`, in that order.

    Returns
    -------
    which : ndarray of shape (n_subwords,), dtype=int64
        The number of the word each is of, ascending.
    spans : Spans

    Examples
    --------
    >>> which, found = subword_spans(Spans.from_lines(b"rat\nI\n"), (3, 6))
    >>> which.tolist(), found.to_lines().split()
    ([0, 0, 0, 0, 0], [b'<ra', b'rat', b'at>', b'<rat', b'rat>'])
    """
    lines = b"<" + words.to_lines().replace(b"\n", b">\n<")
    marked = Spans.from_lines(lines[:-1])
    positions, first, last = characters(marked)
    lengths = last - first
    shortest, longest = ngram_range
    sizes = np.arange(shortest, min(longest, int(lengths.max(initial=0))) + 1)
    # One row per word, one column per size: how many there are, where they start.
    counts = lengths[:, np.newaxis] - sizes + 1
    counts[counts < 2] = 0  # shorter than that, or the whole
    counts[(lengths < 4) | (lengths - 2 > LONGEST_WORD)] = 0
    which, places = ragged_ranges(np.repeat(first, len(sizes)), counts.ravel())
    word, column = np.divmod(which, len(sizes))
    return word, Spans(
        marked.text, positions[places], positions[places + sizes[column]]
    )


def subword_ids(
    words: Spans,
    ngram_range: tuple[int, int],
    find: Callable[[Spans], NDArray[np.int32]],
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Ids of the subwords of words.

    Parameters
    ----------
    words : Spans
    ngram_range : tuple (min_n, max_n)
    find : callable
        Gives the ids of strings, -1 for those without one.

    Returns
    -------
    which : ndarray of shape (n_found,), dtype=int64
        The number of the word each is of, ascending.
    ids : ndarray of shape (n_found,), dtype=int32
        Not of those without one.
    """
    which, spans = subword_spans(words, ngram_range)
    ids = find(spans)
    known = np.flatnonzero(ids >= 0)
    return which[known], ids[known]


def ragged_ranges(
    starts: NDArray[np.int64], lengths: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Put ranges one after the other.

    Returns
    -------
    which : ndarray of shape (lengths.sum(),), dtype=int64
        The number of the range each number is from.
    numbers : ndarray of shape (lengths.sum(),), dtype=int64

    Examples
    --------
    >>> which, numbers = ragged_ranges(np.array([7, 0, 3]), np.array([2, 0, 3]))
    >>> which.tolist(), numbers.tolist()
    ([0, 0, 2, 2, 2], [7, 8, 3, 4, 5])
    """
    which = np.repeat(np.arange(len(lengths)), lengths)
    # What to add to a running number: where the range starts, less what came before.
    numbers = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
    numbers += np.arange(len(numbers))
    return which, numbers


class RaggedRows:
    """Rows of numbers, of different lengths; each is set once, or not yet."""

    def __init__(self) -> None:
        self._starts = GrowingArray(np.empty(0, dtype=OFFSET_DTYPE))
        self._lengths = GrowingArray(np.empty(0, dtype=OFFSET_DTYPE))
        self._numbers = GrowingArray(np.empty(0, dtype=ID_DTYPE))

    def __len__(self) -> int:
        return len(self._starts)

    def grow(self, n_rows: int) -> None:
        """Add rows that are not set, until there are so many."""
        new = np.full(n_rows - len(self), -1, dtype=OFFSET_DTYPE)
        self._starts.append(new)
        self._lengths.append(np.zeros_like(new))

    def set(
        self,
        rows: NDArray[np.integer[Any]],
        which: NDArray[np.int64],
        numbers: NDArray[np.int32],
    ) -> None:
        """Set rows.

        Parameters
        ----------
        rows : ndarray of shape (n_rows,), dtype=int32 or int64
            Distinct.
        which : ndarray of shape (n,), dtype=int64
            For each number the place in `rows` of the row it belongs to, ascending.
        numbers : ndarray of shape (n,), dtype=int32
        """
        places = np.searchsorted(which, np.arange(len(rows) + 1))
        self._starts.values[rows] = len(self._numbers) + places[:-1]
        self._lengths.values[rows] = np.diff(places)
        self._numbers.append(numbers)

    def is_set(self, rows: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
        """Whether each of the rows is set."""
        is_set: NDArray[np.bool_] = self._starts.values[rows] >= 0
        return is_set

    def take(
        self, rows: NDArray[np.integer[Any]]
    ) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Put the numbers of rows one after the other.

        Returns
        -------
        which : ndarray of shape (n,), dtype=int64
            For each number the place in `rows` of its row, ascending.
        numbers : ndarray of shape (n,), dtype=int32
        """
        starts, lengths = self._starts.values, self._lengths.values
        which, places = ragged_ranges(starts[rows], lengths[rows])
        return which, self._numbers.values.take(places)

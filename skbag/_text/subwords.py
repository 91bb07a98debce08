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

from typing import Any

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

"""Misspelt texts: some words with one random edit."""

from __future__ import annotations

import random
import re
import string

WORD = re.compile(r"\w+")
EDITS = ("insert", "delete", "replace", "swap")


def misspell(texts: list[str], share: float = 0.1, seed: int = 0) -> list[str]:
    """Give a share of the words one edit each: the same texts for the same seed.

    An edit puts in, takes out or replaces a character, or swaps two neighbours; letters
    put in are of a to z. A word of one character is never taken out, nor swapped.
    """
    rng = random.Random(seed)

    def edit(match: re.Match[str]) -> str:
        return _edited(match[0], rng) if rng.random() < share else match[0]

    return [WORD.sub(edit, text) for text in texts]


def _edited(word: str, rng: random.Random) -> str:
    kind = rng.choice(EDITS if len(word) > 1 else ("insert", "replace"))
    if kind == "insert":
        i = rng.randrange(len(word) + 1)
        return word[:i] + rng.choice(string.ascii_lowercase) + word[i:]
    if kind == "swap":
        i = rng.randrange(len(word) - 1)
        return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    i = rng.randrange(len(word))
    new = "" if kind == "delete" else rng.choice(string.ascii_lowercase)
    return word[:i] + new + word[i + 1 :]

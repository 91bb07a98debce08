"""The features of one short text, found by Python's own means.

Arrays pay for themselves from a few hundred characters on; below, the calls cost more
than the work. What is found is what `ByteEncoder.encode` finds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._bags import Bags
from skbag._byte_tokenizer import Spans
from skbag._dtypes import ID_DTYPE, OFFSET_DTYPE, WEIGHT_DTYPE
from skbag._features import Role
from skbag._interner import Interner

MOST_CHARACTERS = 600
"""Longer texts are not short."""

_MOST_WORDS = 2**16
"""How many words are remembered."""

_find_tokens = re.compile(r"\w+|[^\w\s]").findall


class OneText:
    """Encodes one text at a time; remembers the words it has met.

    Parameters
    ----------
    look_up : callable
        Gives the ids of words, (n,), and the features that each has by itself,
        (n, n_columns), both -1 where there is none.
    bigrams : Interner
        Features by the key of two word ids.
    lowercase : bool
    has_words, has_bigrams, has_more : bool
        Whether single words, bigrams and the short-text features are features.
    """

    def __init__(
        self,
        look_up: Callable[[Spans], tuple[NDArray[np.int32], NDArray[np.int32]]],
        bigrams: Interner,
        *,
        lowercase: bool,
        has_words: bool,
        has_bigrams: bool,
        has_more: bool,
    ) -> None:
        self._look_up = look_up
        self._n_ids = len(bigrams)
        self._find_bigram = bigrams.finder()
        self._lowercase = lowercase
        self._has_words = has_words
        self._has_bigrams = has_bigrams
        self._has_more = has_more
        self._words: dict[str, tuple[int, list[int]]] = {}

    def encode(self, text: str) -> Bags:
        """Count the features of a text: bags of one."""
        counts: dict[int, int] = {}
        for feature in self._features(text):
            counts[feature] = counts.get(feature, 0) + 1
        counts.pop(-1, None)
        ids = sorted(counts)
        return Bags(
            ids=np.array(ids, dtype=ID_DTYPE),
            offsets=np.array([0, len(ids)], dtype=OFFSET_DTYPE),
            weights=np.array([counts[i] for i in ids], dtype=WEIGHT_DTYPE),
            n_ids=self._n_ids,
        )

    def _features(self, text: str) -> list[int]:
        """Feature of each occurrence, -1 for those that are not known."""
        tokens = _find_tokens(text.lower() if self._lowercase else text)
        if not tokens:
            return []
        words = self._meet(tokens)
        features: list[int] = []
        if self._has_words:
            features += [own[Role.TOKEN] for _, own in words]
        if self._has_bigrams:
            find = self._find_bigram
            left = words[0][0]
            for right, _ in words[1:]:
                if left >= 0 and right >= 0:
                    features.append(find(left << 32 | right))
                left = right
        if self._has_more:
            features.append(words[0][1][Role.FIRST])
            features.append(words[-1][1][Role.LAST])
            for _, own in words:
                features += own[Role.LAST + 1 :]
        return features

    def _meet(self, tokens: list[str]) -> list[tuple[int, list[int]]]:
        """Id and own features of each token, remembered from then on."""
        known = self._words
        try:
            return [known[token] for token in tokens]
        except KeyError:
            pass
        if len(known) > _MOST_WORDS:
            # A new one: another thread may be reading the old one.
            known = self._words = {}
        new = [token for token in dict.fromkeys(tokens) if token not in known]
        lines = "".join(f"{token}\n" for token in new)
        ids, own = self._look_up(
            Spans.from_lines(lines.encode("utf-8", "surrogatepass"))
        )
        met: dict[str, Any] = dict(
            zip(new, zip(ids.tolist(), own.tolist(), strict=True), strict=True)
        )
        known.update(met)
        return [known[token] if token in known else met[token] for token in tokens]

"""The features of one short text, found by Python's own means.

Arrays pay for themselves from a few hundred characters on; below, the calls cost more
than the work. What is found is what `ByteEncoder.encode` finds.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.dtypes import ID_DTYPE, OFFSET_DTYPE, WEIGHT_DTYPE
from skbag._text.features import Role, affixes
from skbag._text.subwords import subwords
from skbag._text.token_rules import DefaultTokens

MOST_CHARACTERS = 600
"""Longer texts are not short."""

_MOST_WORDS = 2**16
"""How many words are remembered, ..."""

_LONGEST_WORD = 40
"""... and how long they are: some 40 MiB at the very most."""

_WHOLE_ROLES = (Role.TOKEN, Role.FIRST, Role.LAST)


class OneText:
    """Encodes one text at a time; remembers the words it has met.

    Parameters
    ----------
    rule : DefaultTokens
    find_string : callable
        Gives the id of a string, -1 if it has none.
    find_feature : callable
        Gives the id of a feature by its key, -1 if it has none.
    by_word : ndarray of shape (n_strings, n_columns), dtype=int32
        The features that each string has by itself as a word, -1 for none. Those of
        its affixes may be left out: they are found then when it is met.
    key_of_role : callable
        Gives the key of the feature that uses a string in a role.
    skip : int
        Added to the key of the bigram of two words gives that of their skip pair.
    n_ids : int
        Number of features.
    lowercase : bool
    has_words, has_bigrams, short_text_features : bool
        Whether single words, bigrams and the short-text features are features.
    subword_ngram_range : tuple (min_n, max_n) or None
        Characters of the subwords that are features.
    """

    def __init__(
        self,
        rule: DefaultTokens,
        find_string: Callable[[str], int],
        find_feature: Callable[[int], int],
        by_word: NDArray[np.int32],
        key_of_role: Callable[[Role, int], int],
        *,
        skip: int,
        n_ids: int,
        lowercase: bool,
        has_words: bool,
        has_bigrams: bool,
        short_text_features: bool,
        subword_ngram_range: tuple[int, int] | None,
    ) -> None:
        self._find_tokens = rule.tokens
        self._find_string = find_string
        self._find_feature = find_feature
        self._by_word = by_word
        self._key_of_role = key_of_role
        self._skip = skip
        self._n_ids = n_ids
        self._lowercase = lowercase
        self._has_words = has_words
        self._has_bigrams = has_bigrams
        self._short_text_features = short_text_features
        self._rule = rule
        self._subword_ngram_range = subword_ngram_range
        # Of each its id, its features in the roles of whole words, and the others.
        self._words: dict[str, tuple[int, list[int], list[int]]] = {}

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
        tokens = self._find_tokens(text.lower() if self._lowercase else text)
        if not tokens:
            return []
        known = self._words
        words = [known.get(token) or self._meet(token) for token in tokens]
        features: list[int] = []
        if self._has_words:
            features += [whole[Role.TOKEN] for _, whole, _ in words]
        numbers = [number for number, _, _ in words]
        if self._has_bigrams:
            features += self._pairs(numbers, 1, 0)
        if self._short_text_features:
            for distance in self._rule.skip_distances:
                features += self._pairs(numbers, distance, self._skip)
            features.append(words[0][1][Role.FIRST])
            features.append(words[-1][1][Role.LAST])
        if self._short_text_features or self._subword_ngram_range is not None:
            for _, _, others in words:
                features += others
        return features

    def _pairs(self, numbers: list[int], distance: int, flag: int) -> list[int]:
        """Feature of each two known words so far from each other."""
        find = self._find_feature
        return [
            find(flag | left << 32 | right)
            for left, right in zip(numbers, numbers[distance:], strict=False)
            if left >= 0 and right >= 0
        ]

    def _meet(self, word: str) -> tuple[int, list[int], list[int]]:
        """Id and own features of a word, remembered from then on."""
        if len(self._words) >= _MOST_WORDS:
            # A new one: another thread may be reading the old one.
            self._words = {}
        number = self._find_string(word)
        n_whole = len(_WHOLE_ROLES) if self._short_text_features else 1
        others: list[int] = []
        if number >= 0:
            features: list[int] = self._by_word[number].tolist()
            whole, others = features[:n_whole], features[n_whole:]
        else:
            whole = [-1] * n_whole
        if self._short_text_features and not others:
            others = [
                self._part(role, part) for role, part in affixes(word, self._rule)
            ]
        if self._subword_ngram_range is not None:
            parts = subwords(word, self._subword_ngram_range)
            others += [self._part(Role.SUBWORD, part) for part in parts]
        met = number, whole, others
        if len(word) <= _LONGEST_WORD:
            self._words[word] = met
        return met

    def _part(self, role: Role, part: str | None) -> int:
        """Feature of an affix or a subword."""
        number = -1 if part is None else self._find_string(part)
        return -1 if number < 0 else self._find_feature(self._key_of_role(role, number))

"""What is known of the default tokens and their features, for reading texts.

Shared by the encoder that learns and by the compact one: they differ in how a string is
looked up (`StringIndex`) and in what is stored of a word, not in how texts are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.dtypes import ID_DTYPE
from skbag._text.analyzers import Occurrence, build_locator
from skbag._text.byte_tokenizer import Spans, Tokens, hash_spans, tokenize
from skbag._text.encoder import Sort, chunks, edges, to_bags
from skbag._text.feature_keys import (
    FIRST_ROLE,
    SKIP,
    key_by_strings,
    key_of_role,
    pack,
    pack_role,
    unpack,
)
from skbag._text.features import Role
from skbag._text.interner import Interner
from skbag._text.lexicon import Affix, StringIndex, affix_ids, affixes_of
from skbag._text.single_text import MOST_CHARACTERS, OneText
from skbag._text.subwords import RaggedRows, checked_range, subword_ids
from skbag._text.token_rules import (
    DEFAULT_TOKENS,
    DefaultTokens,
    rule_of_version,
)

NGRAM_RANGES = ((1, 1), (1, 2), (2, 2))
"""What is counted by numpy; other ranges are `PlainEncoder`'s."""

WHOLE_ROLES = (Role.TOKEN, Role.FIRST, Role.LAST)
"""The roles of whole words: the first columns of the table of what a word has by
itself. The others are its affixes."""

WORDS_AT_ONCE = 1 << 13
"""Words whose subwords are found together."""

_PARAMETERS: dict[str, Any] = {
    "analyzer": "word",
    "preprocessor": None,
    "strip_accents": None,
    "tokenizer": None,
    "stop_words": None,
}
"""Parameters with which `PlainEncoder` finds the same features."""

Find = Callable[[NDArray[np.uint64]], NDArray[np.int32]]
"""Gives the ids of features by their keys."""

SubwordHits = tuple[NDArray[np.int64], NDArray[np.int32]]
"""Token and feature of each occurrence of a subword."""


@dataclass(frozen=True)
class ByteOptions:
    """Which features of the default tokens are counted.

    Parameters
    ----------
    lowercase : bool
        Whether tokens are those of ``text.lower()``.
    ngram_range : (1, 1), (1, 2) or (2, 2)
        Whether to count tokens, tokens and bigrams, or bigrams.
    short_text_features : bool
        Whether to count the short-text features also.
    subword_ngram_range : tuple (min_n, max_n) or None
        Characters of the subwords to count also; None for none.
    tokens : DefaultTokens
        What a token is.
    """

    lowercase: bool = True
    ngram_range: tuple[int, int] = (1, 1)
    short_text_features: bool = False
    subword_ngram_range: tuple[int, int] | None = None
    tokens: DefaultTokens = DEFAULT_TOKENS

    @cached_property
    def affixes(self) -> tuple[Affix, ...]:
        """The affixes of a word that may be features."""
        return affixes_of(self.tokens) if self.short_text_features else ()

    @property
    def n_whole_columns(self) -> int:
        """Columns for the roles of whole words."""
        return len(WHOLE_ROLES) if self.short_text_features else 1

    @property
    def n_columns(self) -> int:
        """Columns of the table of the features that a word has by itself."""
        return self.n_whole_columns + len(self.affixes)

    def state(self) -> dict[str, Any]:
        """Serialisable state; part of what files and pickles of every version hold."""
        return {
            "lowercase": self.lowercase,
            "ngram_range": self.ngram_range,
            "short_text_features": self.short_text_features,
            "subword_ngram_range": self.subword_ngram_range,
            "token_rule": self.tokens.version,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> ByteOptions:
        """Read options, if they are sound.

        Raises
        ------
        ValueError
        """
        lowercase, ngram_range = state["lowercase"], tuple(state["ngram_range"])
        short_text_features = state["short_text_features"]
        if ngram_range not in NGRAM_RANGES or not (
            type(lowercase) is type(short_text_features) is bool
        ):
            raise ValueError("unknown options")
        return cls(
            lowercase,
            ngram_range,
            short_text_features,
            checked_range(state.get("subword_ngram_range")),
            # Files from before there was a second rule do not say.
            rule_of_version(state.get("token_rule", 1)),
        )


def features_in_role(
    keys: NDArray[np.uint64], role: Role, n_strings: int
) -> NDArray[np.int32]:
    """Id of the feature that uses each string in a role, -1 for none."""
    left, right = unpack(keys)
    which = np.flatnonzero(left == FIRST_ROLE + role)
    features = np.full(n_strings, -1, dtype=ID_DTYPE)
    features[right[which]] = which
    return features


def pairs_of(
    rows: NDArray[np.int32], words: NDArray[np.int32], distance: int, find: Find
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Find rows and features of pairs of words: bigrams, or skip pairs if farther.

    Of the words 5, 8 of row 0 and 6 of row 1, one pair of distance 1 is in one row:
    ``find`` is asked for the key of (5, 8) alone.
    """
    in_one_text = rows[:-distance] == rows[distance:]
    keys = pack(words[:-distance], words[distance:])[in_one_text]
    if distance > 1:
        keys |= np.uint64(SKIP << 32)
    ids = find(keys)
    # Often unknown, and then not worth sorting.
    known = np.flatnonzero(ids >= 0)
    return rows[:-distance][in_one_text].take(known), ids.take(known)


def occurrences_of(
    options: ByteOptions,
    tokens: Tokens,
    words: NDArray[np.int32],
    by_word: NDArray[np.int32],
    subwords: SubwordHits | None,
    find: Find,
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]]:
    """Yield the row and the feature of each occurrence, by groups.

    Parameters
    ----------
    options : ByteOptions
    tokens : Tokens
    words : ndarray of shape (n_tokens,), dtype=int32
        Ids of the strings; -1 for unknown words.
    by_word : ndarray of shape (n_tokens, n_columns), dtype=int32
        The features that each token has by itself; -1 for none.
    subwords : SubwordHits or None
    find : callable
        Finds the ids of pairs by their keys.
    """
    shortest, longest = options.ngram_range
    lengths = np.diff(tokens.offsets)
    rows = np.repeat(np.arange(len(lengths), dtype=ID_DTYPE), lengths)
    if shortest == 1:
        yield rows, by_word[:, 0]
    if longest == 2:
        yield pairs_of(rows, words, 1, find)
    if options.short_text_features:
        for distance in options.tokens.skip_distances:
            yield pairs_of(rows, words, distance, find)
        filled, firsts, lasts = edges(tokens.offsets)
        yield filled.astype(ID_DTYPE), by_word[firsts, Role.FIRST]
        yield filled.astype(ID_DTYPE), by_word[lasts, Role.LAST]
        for column in range(options.n_whole_columns, options.n_columns):
            ids = by_word[:, column]
            known = np.flatnonzero(ids >= 0)
            yield rows[known], ids[known]
    if subwords is not None:
        yield rows.take(subwords[0]), subwords[1]


def count_chunk(
    options: ByteOptions,
    tokens: Tokens,
    words: NDArray[np.int32],
    by_word: NDArray[np.int32],
    subwords: SubwordHits | None,
    features: Interner,
    find: Find,
    sort: Sort,
) -> Bags:
    """Bags of one chunk; parameters as in `occurrences_of`, and how to sort."""
    parts = list(occurrences_of(options, tokens, words, by_word, subwords, find))
    rows = np.concatenate([rows for rows, _ in parts])
    ids = np.concatenate([ids for _, ids in parts])
    return to_bags(rows, ids, len(tokens.offsets) - 1, len(features), sort)


class ByteReader:
    """Counts the known features of texts; nothing of it changes but caches.

    Parameters
    ----------
    options : ByteOptions
    strings : StringIndex
    features : Interner
        Keys of the features.
    list_strings : callable or None
        Gives the strings themselves, in the order of their ids, where they are kept.
        Then the features of the affixes and subwords of known words are found once,
        beforehand; else they are made of the words of the texts.
    """

    def __init__(
        self,
        options: ByteOptions,
        strings: StringIndex,
        features: Interner,
        list_strings: Callable[[], Spans] | None,
    ) -> None:
        self.options = options
        self.strings = strings
        self.features = features
        self._list_strings = list_strings
        listed = None if list_strings is None else list_strings()
        self.by_word = table_of_words(options, strings, features, listed)
        self._subwords: RaggedRows | None = None
        self._one_text: OneText | None = None

    def encode(self, documents: Sequence[str]) -> Bags:
        """Count known features; see `Encoder`."""
        if len(documents) == 1 and len(documents[0]) <= MOST_CHARACTERS:
            return self._encode_one(documents[0])
        return Bags.concatenate([self._encode(chunk) for chunk in chunks(documents)])

    def occurrences(self, text: str) -> Iterator[tuple[int, Occurrence]]:
        """Find known features; see `Encoder`."""
        options = self.options
        locate = build_locator(
            {
                **_PARAMETERS,
                "token_pattern": options.tokens.pattern,
                "lowercase": options.lowercase,
                "ngram_range": options.ngram_range,
            },
            with_short_text_features=options.short_text_features,
            subword_ngram_range=options.subword_ngram_range,
            rule=options.tokens,
        )
        string, feature = self.strings.finder(), self.features.finder()
        for occurrence in locate(text):
            key = key_by_strings(occurrence.key, string)
            id_ = -1 if key < 0 else feature(key)
            if id_ >= 0:
                yield id_, occurrence

    def _encode(self, documents: Sequence[str]) -> Bags:
        options = self.options
        tokens = tokenize(documents, options.lowercase, options.tokens)
        words, by_word = self._look_up(tokens.spans)
        subwords = None
        if options.subword_ngram_range is not None:
            subwords = self._look_up_subwords(tokens.spans, words)
        find = self.features.lookup
        return count_chunk(
            options, tokens, words, by_word, subwords, self.features, find, np.sort
        )

    def _encode_one(self, document: str) -> Bags:
        if self._one_text is None:
            self._one_text = OneText(
                self.options.tokens,
                self.strings.finder(),
                self.features.finder(),
                self.by_word,
                key_of_role,
                skip=SKIP << 32,
                n_ids=len(self.features),
                lowercase=self.options.lowercase,
                has_words=self.options.ngram_range[0] == 1,
                has_bigrams=self.options.ngram_range[1] == 2,
                short_text_features=self.options.short_text_features,
                subword_ngram_range=self.options.subword_ngram_range,
            )
        return self._one_text.encode(document)

    def _look_up(self, spans: Spans) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Ids of tokens, and the features each has by itself; -1 for none."""
        words = self.strings.look_up(spans)
        if self._list_strings is None or not len(self.by_word):
            return words, self._look_up_all(spans, words)
        by_word = self.by_word.take(words, axis=0)
        unknown = np.flatnonzero(words < 0)
        by_word[unknown] = -1
        if self.options.affixes and len(unknown):
            affixes = self._affixes(spans.take(unknown))
            by_word[unknown, self.options.n_whole_columns :] = affixes
        return words, by_word

    def _look_up_all(self, spans: Spans, words: NDArray[np.int32]) -> NDArray[np.int32]:
        """Features of tokens where those of affixes are not stored."""
        by_word = np.full((len(words), self.options.n_columns), -1, dtype=ID_DTYPE)
        known = np.flatnonzero(words >= 0)
        stored = self.by_word
        by_word[known, : stored.shape[1]] = stored.take(words[known], axis=0)
        if self.options.affixes and len(words) and len(self.features):
            _, first, numbers = np.unique(
                hash_spans(spans), return_index=True, return_inverse=True
            )
            affixes = self._affixes(spans.take(first))
            start = self.options.n_whole_columns
            by_word[:, start:] = affixes.take(numbers.ravel(), axis=0)
        return by_word

    def _affixes(self, words: Spans) -> NDArray[np.int32]:
        """Feature of each affix of words, of shape (n_words, n_affixes)."""
        affixes = self.options.affixes
        strings = affix_ids(words, affixes, self.strings.look_up)
        columns = zip(affixes, strings.T, strict=True)
        keys = np.stack([pack_role(affix.role, ids) for affix, ids in columns], axis=1)
        return self.features.lookup(keys.ravel()).reshape(strings.shape)

    def _look_up_subwords(self, spans: Spans, words: NDArray[np.int32]) -> SubwordHits:
        """Token and feature of each occurrence of a subword that is known."""
        if self._subwords is None:
            # Threads that get here together find the same.
            self._subwords = self._subwords_of_known_words()
        has_row = words >= 0
        has_row[has_row] = self._subwords.is_set(words[has_row])
        tokens = np.flatnonzero(has_row)
        which, ids = self._subwords.take(words[tokens])
        others = np.flatnonzero(~has_row)
        if not len(others):
            return tokens[which], ids
        others_spans = spans.take(others)
        _, first, number = np.unique(
            hash_spans(others_spans), return_index=True, return_inverse=True
        )
        rows = RaggedRows()
        rows.grow(len(first))
        rows.set(np.arange(len(first)), *self._find_subwords(others_spans.take(first)))
        other_which, other_ids = rows.take(number.ravel())
        return (
            np.concatenate([tokens[which], others[other_which]]),
            np.concatenate([ids, other_ids]),
        )

    def _subwords_of_known_words(self) -> RaggedRows:
        """The subwords of each string that is a word in any feature, where listed."""
        n_strings = len(self.strings)
        rows = RaggedRows()
        rows.grow(n_strings)
        if self._list_strings is None:
            return rows
        left, right = unpack(self.features.keys)
        is_word = np.zeros(n_strings, dtype=np.bool_)
        is_word[right[(left < FIRST_ROLE) | (left == FIRST_ROLE + Role.TOKEN)]] = True
        is_word[left[left < FIRST_ROLE] & ~SKIP] = True
        listed, words = self._list_strings(), np.flatnonzero(is_word)
        for start in range(0, len(words), WORDS_AT_ONCE):
            part = words[start : start + WORDS_AT_ONCE]
            rows.set(part, *self._find_subwords(listed.take(part)))
        return rows

    def _find_subwords(self, words: Spans) -> SubwordHits:
        """Word and feature of each subword that is known, of words of any kind."""
        assert self.options.subword_ngram_range is not None
        which, strings = subword_ids(
            words, self.options.subword_ngram_range, self.strings.look_up
        )
        ids = self.features.lookup(pack_role(Role.SUBWORD, strings))
        known = np.flatnonzero(ids >= 0)
        return which[known], ids[known]


def table_of_words(
    options: ByteOptions,
    strings: StringIndex,
    features: Interner,
    listed: Spans | None,
) -> NDArray[np.int32]:
    """Ids of the features that each string has by itself as a word, -1 for none.

    Returns
    -------
    by_word : ndarray of shape (n_strings, n_columns), dtype=int32
        Without the columns of affixes where the strings are not listed.
    """
    n_strings, keys = len(strings), features.keys
    roles = WHOLE_ROLES[: options.n_whole_columns]
    columns = [features_in_role(keys, role, n_strings) for role in roles]
    if listed is not None and options.affixes:
        ids = affix_ids(listed, options.affixes, strings.look_up)
        for affix, of_affix in zip(options.affixes, ids.T, strict=True):
            in_role = features_in_role(keys, affix.role, n_strings)
            columns.append(np.append(in_role, ID_DTYPE(-1)).take(of_affix))
    return np.stack(columns, axis=1).reshape(n_strings, len(columns))

"""Encoder of the default tokens with a vocabulary: counts what `Vocabulary` knows.

A `Vocabulary` only grows, and an encoder is one together with how many of its features
and strings it knows. So a copy costs nothing, and stays as it is where another learns
on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.communicator import Communicator
from skbag._core.dtypes import native
from skbag._core.threads import map_in_threads
from skbag._text.analyzers import Occurrence, build_locator
from skbag._text.documents import Documents, TokenClasses
from skbag._text.feature_keys import (
    FIRST_ROLE,
    SKIP,
    check_keys,
    key_by_strings,
    unpack,
)
from skbag._text.feature_table import FeatureTable, Strings
from skbag._text.features import SHORT_TEXT_KINDS, Role, name_of_skip_pair
from skbag._text.subwords import checked_range
from skbag._text.token_rules import DEFAULT_TOKENS, DefaultTokens, rule_of_version
from skbag._text.vocabulary import NotLatest, Vocabulary

CHARACTERS_PER_THREAD = 2**20
"""Fewer characters are learnt by one thread: what several have learnt is to be merged,
which costs about a fifth of learning it."""

_T = TypeVar("_T")

NEVER = bytes(1)
"""Tells `Documents` that no other thread will end the work."""


@dataclass(frozen=True)
class VocabularyOptions:
    """Which features of which tokens are counted.

    Parameters
    ----------
    lowercase : bool
        Whether tokens are those of ``text.lower()``.
    ngram_range : tuple (min_n, max_n)
        Numbers of tokens of the n-grams to count.
    short_text_features : bool
        Whether to count the short-text features also.
    subword_ngram_range : tuple (min_n, max_n) or None
        Characters of the subwords to count also; None for none.
    tokens : DefaultTokens
        What a token is.
    strip_accents : {"ascii", "unicode"} or None
        As in :class:`~sklearn.feature_extraction.text.CountVectorizer`.
    stop_words : "english", tuple of str or None
        Tokens to leave out, before n-grams are made; as in the same.
    """

    lowercase: bool = True
    ngram_range: tuple[int, int] = (1, 1)
    short_text_features: bool = False
    subword_ngram_range: tuple[int, int] | None = None
    tokens: DefaultTokens = DEFAULT_TOKENS
    strip_accents: str | None = None
    stop_words: str | tuple[str, ...] | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters of ``CountVectorizer`` with which it finds the same n-grams."""
        stop_words = self.stop_words
        return {
            "analyzer": "word",
            "preprocessor": None,
            "tokenizer": None,
            "token_pattern": self.tokens.pattern,
            "lowercase": self.lowercase,
            "ngram_range": self.ngram_range,
            "strip_accents": self.strip_accents,
            "stop_words": list(stop_words)
            if isinstance(stop_words, tuple)
            else stop_words,
        }

    @cached_property
    def left_out(self) -> tuple[str, ...]:
        """The stop words themselves."""
        if self.stop_words is None or isinstance(self.stop_words, tuple):
            return self.stop_words or ()
        # Imported here: predicting with the default tokens does not need it.
        from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

        return tuple(sorted(ENGLISH_STOP_WORDS))

    @cached_property
    def replace(self) -> Callable[[str], str] | None:
        """Function that gives what to read of a text that is not in ASCII."""
        if self.strip_accents is None:
            return None
        from sklearn.feature_extraction.text import (
            strip_accents_ascii,
            strip_accents_unicode,
        )

        strip = {"ascii": strip_accents_ascii, "unicode": strip_accents_unicode}
        function, lowercase = strip[self.strip_accents], self.lowercase
        return lambda text: function(text.lower() if lowercase else text)

    def state(self) -> dict[str, Any]:
        """Serialisable state; part of what files and pickles of every version hold."""
        state = {
            "lowercase": self.lowercase,
            "ngram_range": self.ngram_range,
            "short_text_features": self.short_text_features,
            "subword_ngram_range": self.subword_ngram_range,
            "token_rule": self.tokens.version,
        }
        if self.strip_accents is not None:
            state["strip_accents"] = self.strip_accents
        if self.stop_words is not None:
            state["stop_words"] = self.parameters["stop_words"]
        return state

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> VocabularyOptions:
        """Read options, if they are sound.

        Raises
        ------
        ValueError
        """
        lowercase, ngram_range = state["lowercase"], tuple(state["ngram_range"])
        short_text_features = state["short_text_features"]
        strip_accents, stop_words = state.get("strip_accents"), state.get("stop_words")
        if isinstance(stop_words, (list, tuple)):
            stop_words = tuple(stop_words)
        if (
            not type(lowercase) is type(short_text_features) is bool
            or len(ngram_range) != 2
            or set(map(type, ngram_range)) != {int}
            or not 1 <= ngram_range[0] <= ngram_range[1]
            or strip_accents not in (None, "ascii", "unicode")
            or not (
                stop_words in (None, "english")
                or (type(stop_words) is tuple and set(map(type, stop_words)) <= {str})
            )
        ):
            raise ValueError("unknown options")
        return cls(
            lowercase,
            ngram_range,
            short_text_features,
            checked_range(state.get("subword_ngram_range")),
            # Files from before there was a second rule do not say.
            rule_of_version(state.get("token_rule", 1)),
            strip_accents,
            stop_words,
        )


@lru_cache(maxsize=8)
def token_classes(rule: DefaultTokens) -> TokenClasses:
    """Classes of characters by a rule: a table that all encoders share."""
    return TokenClasses(rule.marks, rule.characters)


def empty_vocabulary(options: VocabularyOptions) -> Vocabulary:
    """Return a vocabulary that knows nothing yet."""
    return Vocabulary(options, token_classes(options.tokens))


class VocabularyEncoder:
    """Encoder for the default tokens; a `LearningEncoder`.

    New strings and features are numbered in the order in which they first occur: see
    `vocabulary`. Parameters are those of `VocabularyOptions`.
    """

    def __init__(
        self,
        lowercase: bool = True,
        ngram_range: tuple[int, int] = (1, 1),
        short_text_features: bool = False,
        subword_ngram_range: tuple[int, int] | None = None,
        tokens: DefaultTokens = DEFAULT_TOKENS,
        strip_accents: str | None = None,
        stop_words: str | Sequence[str] | None = None,
    ) -> None:
        if not (stop_words is None or isinstance(stop_words, str)):
            stop_words = tuple(stop_words)
        options = VocabularyOptions(
            lowercase,
            (ngram_range[0], ngram_range[1]),
            short_text_features,
            subword_ngram_range,
            tokens,
            strip_accents,
            stop_words,
        )
        self._set(options, empty_vocabulary(options))

    def _set(self, options: VocabularyOptions, vocabulary: Vocabulary) -> None:
        """Take over a vocabulary, and know all of it."""
        self.options = options
        self._vocabulary = vocabulary
        self._know_all()

    def _know_all(self) -> None:
        self._n_ids = len(self._vocabulary)
        self._n_strings = self._vocabulary.n_known_strings

    def __copy__(self) -> VocabularyEncoder:
        copied = VocabularyEncoder.__new__(VocabularyEncoder)
        copied.__dict__.update(self.__dict__)
        return copied

    def __deepcopy__(self, memo: dict[int, Any]) -> VocabularyEncoder:
        # What both share only grows, and neither sees more of it than it knows.
        return self.__copy__()

    @property
    def n_ids(self) -> int:
        """Number of features known."""
        return self._n_ids

    @property
    def keys(self) -> NDArray[np.uint64]:
        """Keys of the features, in the order of their ids: see `feature_keys`."""
        return self._vocabulary.feature_keys(self._n_ids)

    @property
    def lines(self) -> NDArray[np.uint8]:
        """Bytes of the strings in the order of their ids, a newline after each."""
        return self._vocabulary.lines(self._n_strings)

    @property
    def strings(self) -> list[bytes]:
        """The strings in the order of their ids, in UTF-8."""
        return self.lines.tobytes().split(b"\n")[:-1]

    @property
    def kinds(self) -> NDArray[np.uint8]:
        """``FeatureKind`` of each id, of shape (n_ids,)."""
        return self.kinds_since(0)

    def kinds_since(self, first: int) -> NDArray[np.uint8]:
        """``FeatureKind`` of the ids from `first` on; see `LearningEncoder`."""
        return self._vocabulary.feature_kinds(first, self._n_ids)

    @property
    def releases_gil(self) -> bool:
        """Yes: nothing of a string but its memory is looked at."""
        return True

    def learn(self, documents: Sequence[str], n_threads: int = 1) -> Bags:
        """Count features; see `LearningEncoder`.

        Ids of a bag are in the order in which they first occur. Threads learn some of
        the documents each; what they have learnt is merged in the order of these, which
        gives the same ids as one thread.
        """
        shards = cut_for_threads(documents, n_threads)
        return self._on_the_latest(lambda: self._learn(shards))

    def _learn(self, shards: list[Sequence[str]]) -> Bags:
        vocabularies = [
            self._vocabulary,
            *(empty_vocabulary(self.options) for _ in shards[1:]),
        ]
        cancel = bytearray(1)

        def learn(i: int) -> tuple[NDArray[Any], ...]:
            texts = self._documents(shards[i], cancel)
            known = (self._n_ids, self._n_strings) if i == 0 else (0, 0)
            return vocabularies[i].learn(texts, *known)

        parts = map_in_threads(learn, range(len(shards)), cancel)
        self._know_all()
        merged = [None, *map(self._absorb, vocabularies[1:])]

        def renumber(i: int) -> Bags:
            ids, offsets, counts = parts[i]
            new_ids = merged[i]
            if new_ids is not None:
                ids = new_ids.take(ids)
            return Bags(ids, offsets, counts, self.n_ids)

        return Bags.concatenate(map_in_threads(renumber, range(len(shards)), cancel))

    def encode(self, documents: Sequence[str]) -> Bags:
        """Count known features; see `Encoder`."""
        self._vocabulary.complete()
        counted = self._vocabulary.encode(
            self._documents(documents, NEVER), self._n_ids
        )
        return Bags(*counted, self._n_ids)

    def select(self, ids: NDArray[np.int32]) -> VocabularyEncoder:
        """Return an encoder of these features; see `LearningEncoder`.

        Strings that none of the features needs are left behind.
        """
        selected = VocabularyEncoder.__new__(VocabularyEncoder)
        ids = np.ascontiguousarray(ids, dtype=np.int32)
        selected._set(self.options, self._vocabulary.selected(ids))
        return selected

    @property
    def has_short_text_features(self) -> bool:
        """Whether the short-text features are counted."""
        return self.options.short_text_features

    def without_short_text_features(
        self,
    ) -> tuple[VocabularyEncoder, NDArray[np.int32]]:
        """Return an encoder of the other features; see `LearningEncoder`."""
        old_ids = np.flatnonzero(~np.isin(self.kinds, SHORT_TEXT_KINDS))
        selected = self.select(old_ids.astype(np.int32))
        options = replace(self.options, short_text_features=False)
        vocabulary = empty_vocabulary(options)
        vocabulary.set_strings(selected.lines)
        vocabulary.set_features(selected.keys)
        selected._set(options, vocabulary)
        return selected, old_ids.astype(np.int32)

    def feature_table(self, communicator: Communicator) -> FeatureTable:
        """Features that have been learnt; see `MergeableEncoder`."""
        return FeatureTable(Strings.of_lines(self.lines), self.keys, self.kinds)

    def with_features(self, table: FeatureTable) -> VocabularyEncoder:
        """Return an encoder of these features; see `MergeableEncoder`."""
        lines, _ = table.strings.packed()
        if self.options.ngram_range[1] > 2:
            lines = _with_beginnings(lines)
        encoder = VocabularyEncoder.__new__(VocabularyEncoder)
        vocabulary = empty_vocabulary(self.options)
        vocabulary.set_strings(lines)
        vocabulary.set_features(table.keys)
        encoder._set(self.options, vocabulary)
        return encoder

    def names(self) -> list[str]:
        """Return the name of each feature, in the order of the ids."""
        strings = self.lines.tobytes().decode("utf-8", "surrogatepass").split("\n")
        left, right = unpack(self.keys)

        def name(one: int, other: int) -> str:
            if one >= FIRST_ROLE:
                return Role(one - FIRST_ROLE).name_of(strings[other])
            if one >= SKIP:
                return name_of_skip_pair(strings[one - SKIP], strings[other])
            return f"{strings[one]} {strings[other]}"

        return list(map(name, left.tolist(), right.tolist()))

    def occurrences(self, text: str) -> Iterator[tuple[int, Occurrence]]:
        """Find known features; see `Encoder`."""
        return known_occurrences(self.options, self._vocabulary, self._n_ids, text)

    def _documents(self, documents: Sequence[str], cancel: Any) -> Documents:
        options = self.options
        return Documents(tuple(documents), options.lowercase, options.replace, cancel)

    def _absorb(self, other: Vocabulary) -> NDArray[np.int32]:
        ids: NDArray[np.int32] = self._vocabulary.absorb(
            other, self._n_ids, self._n_strings
        )
        self._know_all()
        return ids

    def _on_the_latest(self, learn: Callable[[], _T]) -> _T:
        """Call what learns; where that fails, know what was known before."""
        before = self._vocabulary, self._n_ids, self._n_strings
        while True:
            try:
                self._own_the_latest()
                return learn()
            except NotLatest:
                # Another that shares the vocabulary has just learnt on.
                self._vocabulary, self._n_ids, self._n_strings = before
            except BaseException:
                self._vocabulary, self._n_ids, self._n_strings = before
                raise

    def _own_the_latest(self) -> None:
        """See that the vocabulary holds what is known here and no more.

        Another encoder may have learnt on from here; then this one gets a copy.
        """
        vocabulary = self._vocabulary
        known = (len(vocabulary), vocabulary.n_known_strings)
        if known != (self._n_ids, self._n_strings):
            lines, keys = self.lines, self.keys
            self._vocabulary = empty_vocabulary(self.options)
            self._vocabulary.set_strings(lines)
            self._vocabulary.set_features(keys)

    def __getstate__(self) -> dict[str, Any]:
        """Serialisable state; part of what files and pickles of every version hold."""
        return {**self.options.state(), "strings": self.lines, "keys": self.keys}

    def __setstate__(self, state: dict[str, Any]) -> None:
        options = VocabularyOptions.from_state(state)
        vocabulary = empty_vocabulary(options)
        vocabulary.set_strings(checked_lines(state["strings"]))
        keys = native(state["keys"])
        if keys.ndim != 1 or keys.dtype != np.uint64:
            raise ValueError("keys are not an array of uint64")
        check_keys(keys, vocabulary.n_known_strings)
        vocabulary.set_features(keys)
        self._set(options, vocabulary)


def known_occurrences(
    options: VocabularyOptions, vocabulary: Vocabulary, n_ids: int, text: str
) -> Iterator[tuple[int, Occurrence]]:
    """Yield id and occurrence of each feature of a text that is one of the first."""
    locate = build_locator(
        options.parameters,
        with_short_text_features=options.short_text_features,
        subword_ngram_range=options.subword_ngram_range,
        rule=options.tokens,
    )

    def find(string: str) -> int:
        return vocabulary.find_string(string.encode("utf-8", "surrogatepass"))

    for occurrence in locate(text):
        key = key_by_strings(occurrence.key, find)
        id_ = -1 if key < 0 else vocabulary.find_feature(key)
        if 0 <= id_ < n_ids:
            yield id_, occurrence


def cut_for_threads(documents: Sequence[str], n_threads: int) -> list[Sequence[str]]:
    """Cut documents into parts of about as many characters, at least one."""
    if n_threads == 1 or len(documents) < 2:
        return [documents]
    if set(map(type, documents)) != {str}:
        # What is no text is told by its number.
        return [documents]
    ends = np.cumsum(np.fromiter(map(len, documents), np.int64, len(documents)))
    n = int(min(n_threads, max(ends[-1] // CHARACTERS_PER_THREAD, 1)))
    cuts = np.searchsorted(ends, ends[-1] * np.arange(1, n) // n) + 1
    edges = [0, *cuts.tolist(), len(documents)]
    return [documents[a:b] for a, b in zip(edges, edges[1:], strict=False)]


def _with_beginnings(lines: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Append the n-grams and tokens that the n-grams among some strings are made of.

    By these longer n-grams are found: see `vocabulary`.
    """
    strings = dict.fromkeys(lines.tobytes().split(b"\n")[:-1])
    found = list(strings)
    while found:
        cut = (string.rpartition(b" ") for string in found)
        parts = chain.from_iterable(
            (left, right) for left, space, right in cut if space
        )
        found = [part for part in dict.fromkeys(parts) if part not in strings]
        strings.update(dict.fromkeys(found))
    return np.frombuffer(b"".join(string + b"\n" for string in strings), np.uint8)


def checked_lines(lines: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Check strings that come from a file, perhaps a damaged one.

    Raises
    ------
    ValueError
        If they are not lines in UTF-8 (lone surrogates are let through, as they are
        everywhere here).
    """
    if lines.dtype != np.uint8 or lines.ndim != 1:
        raise ValueError("strings are not an array of bytes")
    data = lines.tobytes()
    data.decode("utf-8", "surrogatepass")
    if data and not data.endswith(b"\n"):
        raise ValueError("the last string does not end in a newline")
    return np.ascontiguousarray(lines)

"""Features hashed into a fixed number of buckets: no vocabulary, bounded memory.

The features are those of `PlainEncoder`, and for the default tokens those of
`ByteEncoder`, found in the same two ways; `Buckets` says which bucket each falls into.
All that is learnt is which buckets have been met: one byte for each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.dtypes import ID_DTYPE
from skbag._text.analyzers import (
    Features,
    Occurrence,
    build_analysis,
    build_locator,
    check_parameters,
)
from skbag._text.buckets import (
    FEWEST_BUCKETS,
    Buckets,
    key_of,
    keys_in_role,
    keys_of_pairs,
)
from skbag._text.byte_tokenizer import Tokens, hash_spans, tokenize
from skbag._text.encoder import Sort, bag_arrays, chunks, edges, in_few_bytes, to_bags
from skbag._text.features import FeatureKind, Role
from skbag._text.lexicon import affixes_of
from skbag._text.single_text import MOST_CHARACTERS
from skbag._text.subwords import RaggedRows, checked_range, subword_spans
from skbag._text.token_rules import (
    DEFAULT_TOKENS,
    DefaultTokens,
    parameters_of_state,
    rule_of_features,
    rule_of_pattern,
    state_of_parameters,
)

_MOST_KEYS = 2**16
"""How many features have their buckets remembered where they are found one by one."""


class HashedEncoder:
    """Encoder whose ids are buckets.

    Features never met are left out, unless they fall into the bucket of one that was.
    The parameters not listed are those of `PlainEncoder`.

    Parameters
    ----------
    n_buckets : int
        Number of ids.

    tokens : DefaultTokens
        The lengths of short-text features, where the tokens are others.

    default_tokens : bool, default=False
        Whether the parameters are those that `ByteEncoder` serves, so that the features
        may be found by numpy: `token_pattern` is then that of a `DefaultTokens`.
    """

    def __init__(
        self,
        n_buckets: int,
        *,
        default_tokens: bool = False,
        strip_accents: str | Callable[[str], str] | None = None,
        lowercase: bool = True,
        preprocessor: Callable[[str], str] | None = None,
        tokenizer: Callable[[str], Iterable[str]] | None = None,
        stop_words: str | Iterable[str] | None = None,
        token_pattern: str | None = r"(?u)\b\w\w+\b",
        ngram_range: tuple[int, int] = (1, 1),
        analyzer: str | Callable[[str], Iterable[Hashable]] = "word",
        short_text_features: bool = False,
        subword_ngram_range: tuple[int, int] | None = None,
        tokens: DefaultTokens = DEFAULT_TOKENS,
    ) -> None:
        self._parameters: dict[str, Any] = {
            "strip_accents": strip_accents,
            "lowercase": lowercase,
            "preprocessor": preprocessor,
            "tokenizer": tokenizer,
            "stop_words": stop_words,
            "token_pattern": token_pattern,
            "ngram_range": ngram_range,
            "analyzer": analyzer,
        }
        self._n_buckets = n_buckets
        self._by_arrays = default_tokens
        if default_tokens and tokens.pattern != token_pattern:
            tokens = _rule(token_pattern)
        self._tokens = tokens
        self._short_text_features = short_text_features
        self._subword_ngram_range = subword_ngram_range
        self._is_met = np.zeros(n_buckets, dtype=np.bool_)

    @property
    def n_ids(self) -> int:
        """Number of buckets."""
        return self._n_buckets

    @property
    def kinds(self) -> NDArray[np.uint8]:
        """``FeatureKind`` of each bucket, of shape (n_buckets,)."""
        return self._buckets.kinds

    def learn(self, documents: Sequence[str]) -> Bags:
        """Count features and note their buckets; see `Encoder`."""
        # Imported here: predicting must not need torch.
        from skbag._core.sorting import sort

        parts = []
        for chunk in chunks(documents):
            if self._by_arrays:
                bags = self._count_by_arrays(chunk, sort)
            else:
                bags = self._count_one_by_one(chunk)
            parts.append(in_few_bytes(bags))
        # Once all have gone well.
        for bags in parts:
            self._is_met[bags.ids] = True
        return Bags.concatenate(parts)

    @property
    def releases_gil(self) -> bool:
        """Whether numpy finds the features: it releases the interpreter's lock."""
        return self._by_arrays

    def encode(self, documents: Sequence[str]) -> Bags:
        """Count features of the buckets met; see `Encoder`."""
        is_short = len(documents) == 1 and len(documents[0]) <= MOST_CHARACTERS
        if is_short or not self._by_arrays:
            return self._count_one_by_one(documents, memoryview(self._is_met.data))
        return Bags.concatenate(
            [
                self._count_by_arrays(chunk, np.sort, self._is_met)
                for chunk in chunks(documents)
            ]
        )

    def select(self, ids: NDArray[np.int32]) -> HashedEncoder:
        """Raise: a bucket has the number that its features hash to.

        Raises
        ------
        ValueError
        """
        raise ValueError(
            f"The {self._n_buckets} buckets of a HashedEncoder cannot be pruned or "
            "renumbered. Use n_buckets=None for a vocabulary."
        )

    def absorb(self, features: dict[str, Any]) -> NDArray[np.int32]:
        """Note the buckets that another encoder has met; see `Encoder`."""
        is_met = np.unpackbits(features["is_met"], count=self._n_buckets)
        self._is_met = self._is_met | is_met.astype(np.bool_)
        return np.arange(self._n_buckets, dtype=ID_DTYPE)

    def names(self) -> list[str]:
        """Raise: the names of features are not kept.

        Raises
        ------
        AttributeError
        """
        raise AttributeError(
            f"There is no vocabulary: with n_buckets={self._n_buckets} features are "
            "hashed into buckets and their names are not kept. Fit with n_buckets=None "
            "to have one."
        )

    def occurrences(self, text: str) -> Iterator[tuple[int, Occurrence]]:
        """Find features of the buckets met; see `Encoder`.

        The strings are those of the text: features that share a bucket keep apart.
        """
        locate = build_locator(
            self._parameters,
            with_short_text_features=self._short_text_features,
            subword_ngram_range=self._subword_ngram_range,
            join=tuple,
            rule=self._tokens,
        )
        for occurrence in locate(text):
            bucket = self._bucket(occurrence.kind, occurrence.key)
            if self._is_met[bucket]:
                yield bucket, occurrence

    @cached_property
    def _buckets(self) -> Buckets:
        kinds = [FeatureKind.TERM]
        if self._parameters["analyzer"] == "word":
            shortest, longest = self._parameters["ngram_range"]
            kinds = [FeatureKind.TERM] if shortest <= 1 else []
            if longest > 1:
                kinds.append(FeatureKind.NGRAM)
            if self._short_text_features:
                kinds += [FeatureKind.EDGE, FeatureKind.AFFIX, FeatureKind.SKIP]
            if self._subword_ngram_range is not None:
                kinds.append(FeatureKind.SUBWORD)
        return Buckets(self._n_buckets, kinds)

    @cached_property
    def _features(self) -> Callable[[str], Features]:
        """Function from a text to the keys of its features, grouped by kind."""
        return build_analysis(
            self._parameters,
            with_short_text_features=self._short_text_features,
            subword_ngram_range=self._subword_ngram_range,
            join=tuple,
            rule=self._tokens,
        )

    @cached_property
    def _bucket(self) -> Callable[[FeatureKind, Any], int]:
        """Function from a feature, as `build_analysis` gives it, to its bucket."""
        buckets = self._buckets

        @lru_cache(_MOST_KEYS)
        def bucket(kind: FeatureKind, key: Any) -> int:
            if kind == FeatureKind.TERM:
                return buckets.of_one(kind, key_of([_checked(key)]))
            if kind == FeatureKind.NGRAM:
                return buckets.of_one(kind, key_of([_checked(token) for token in key]))
            if kind == FeatureKind.SKIP:
                return buckets.of_one(kind, key_of(key[1:]))
            return buckets.of_one(kind, key_of([key[1]], key[0]))

        return bucket

    def _count_one_by_one(
        self, documents: Sequence[str], is_met: memoryview | None = None
    ) -> Bags:
        """Bags of documents, found by plain Python; of all buckets or those met."""
        find, features = self._bucket, self._features

        def counts(text: str) -> dict[int, int]:
            bag: Counter[int] = Counter()
            for kind, keys in features(text):
                for key, count in Counter(keys).items():
                    bucket = find(kind, key)
                    if is_met is None or is_met[bucket]:
                        bag[bucket] += count
            return bag

        return Bags(*bag_arrays(map(counts, documents)), self._n_buckets)

    def _count_by_arrays(
        self,
        documents: Sequence[str],
        sort: Sort,
        is_met: NDArray[np.bool_] | None = None,
    ) -> Bags:
        """Bags of one chunk, found by numpy; of all buckets or those met."""
        tokens = tokenize(documents, self._parameters["lowercase"], self._tokens)
        parts = list(self._occurrences(tokens))
        rows = np.concatenate([rows for rows, _ in parts])
        ids = np.concatenate([ids for _, ids in parts])
        if is_met is not None:
            known = np.flatnonzero(is_met.take(ids))
            rows, ids = rows.take(known), ids.take(known)
        return to_bags(rows, ids, len(documents), self._n_buckets, sort)

    def _occurrences(
        self, tokens: Tokens
    ) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]]:
        """Yield the row and the bucket of each occurrence, by groups."""
        of = self._buckets.of
        shortest, longest = self._parameters["ngram_range"]
        lengths = np.diff(tokens.offsets)
        rows = np.repeat(np.arange(len(lengths), dtype=ID_DTYPE), lengths)
        hashes = hash_spans(tokens.spans)
        pairs: list[tuple[FeatureKind, int]] = []
        if shortest == 1:
            yield rows, of(FeatureKind.TERM, hashes)
        if longest == 2:
            pairs.append((FeatureKind.NGRAM, 1))
        if self._short_text_features:
            pairs += [
                (FeatureKind.SKIP, distance) for distance in self._tokens.skip_distances
            ]
            filled, firsts, lasts = edges(tokens.offsets)
            for role, places in ((Role.FIRST, firsts), (Role.LAST, lasts)):
                keys = keys_in_role(role, hashes[places])
                yield filled.astype(ID_DTYPE), of(FeatureKind.EDGE, keys)
        for kind, distance in pairs:
            in_one_text = np.flatnonzero(rows[:-distance] == rows[distance:])
            left, right = hashes.take(in_one_text), hashes.take(in_one_text + distance)
            yield rows.take(in_one_text), of(kind, keys_of_pairs(left, right))
        for which, ids in self._parts_of_words(tokens, hashes):
            yield rows.take(which), ids

    def _parts_of_words(
        self, tokens: Tokens, hashes: NDArray[np.uint64]
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int32]]]:
        """Yield the token and the bucket of each affix and subword."""
        if not (self._short_text_features or self._subword_ngram_range):
            return
        # Once for each distinct word.
        _, first, number = np.unique(hashes, return_index=True, return_inverse=True)
        words = tokens.spans.take(first)
        parts = []
        if self._short_text_features:
            for role, cut, length in affixes_of(self._tokens):
                which, spans = cut(words, length)
                keys = keys_in_role(role, hash_spans(spans))
                parts.append((which, self._buckets.of(FeatureKind.AFFIX, keys)))
        if self._subword_ngram_range is not None:
            which, spans = subword_spans(words, self._subword_ngram_range)
            keys = hash_spans(spans)
            parts.append((which, self._buckets.of(FeatureKind.SUBWORD, keys)))
        for which, ids in parts:
            by_word = RaggedRows()
            by_word.grow(len(words))
            by_word.set(np.arange(len(words)), which, ids)
            yield by_word.take(number)

    def __getstate__(self) -> dict[str, Any]:
        """Serialisable state; part of what files and pickles of every version hold."""
        return {
            **state_of_parameters(self._parameters),
            "n_buckets": self._n_buckets,
            "default_tokens": self._by_arrays,
            "feature_rule": self._tokens.version,
            "short_text_features": self._short_text_features,
            "subword_ngram_range": self._subword_ngram_range,
            "is_met": np.packbits(self._is_met),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        bits, n_buckets = state["is_met"], int(state["n_buckets"])
        if bits.dtype != np.uint8 or bits.shape != (-(-n_buckets // 8),):
            raise ValueError("is_met is not one bit for each bucket")
        if n_buckets < FEWEST_BUCKETS:
            raise ValueError("too few buckets")
        self._parameters = parameters_of_state(state)
        check_parameters(self._parameters)
        self._n_buckets = n_buckets
        self._by_arrays = bool(state["default_tokens"])
        self._tokens = rule_of_features(state)
        pattern = self._parameters["token_pattern"]
        if self._by_arrays and self._tokens.pattern != pattern:
            raise ValueError(
                f"token_pattern={pattern!r:.50} is not that of a token rule"
            )
        self._short_text_features = bool(state["short_text_features"])
        self._subword_ngram_range = checked_range(state["subword_ngram_range"])
        self._is_met = np.unpackbits(bits, count=n_buckets).astype(np.bool_)


def _rule(pattern: str | None) -> DefaultTokens:
    rule = rule_of_pattern(pattern)
    if rule is None:
        raise ValueError(f"token_pattern={pattern!r:.50} is not that of a token rule")
    return rule


def _checked(string: Any) -> str:
    """Return a term that is a string; no other has bytes to hash.

    Raises
    ------
    TypeError
    """
    if not isinstance(string, str):
        raise TypeError(
            "n_buckets needs an analyzer and a tokenizer that give strings, got "
            f"{string!r} of type {type(string).__name__}. Convert it to a str, or use "
            "n_buckets=None."
        )
    return string

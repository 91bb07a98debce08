"""Features hashed into a fixed number of buckets: no vocabulary, bounded memory.

The features are those of `PlainEncoder`, and for the default tokens those of
`VocabularyEncoder`, found in the same two ways; `Buckets` says which bucket each falls
into.
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
from skbag._core.communicator import Communicator
from skbag._core.dtypes import ID_DTYPE
from skbag._core.threads import map_in_threads
from skbag._text.analyzers import (
    Features,
    Occurrence,
    build_analysis,
    build_locator,
    check_parameters,
)
from skbag._text.bucket_counter import BucketCounter
from skbag._text.buckets import FEWEST_BUCKETS, Buckets, key_of
from skbag._text.documents import Documents
from skbag._text.encoder import bag_arrays
from skbag._text.features import SHORT_TEXT_KINDS, FeatureKind
from skbag._text.subwords import checked_range
from skbag._text.token_rules import (
    DEFAULT_TOKENS,
    DefaultTokens,
    parameters_of_state,
    rule_of_features,
    rule_of_pattern,
    state_of_parameters,
)
from skbag._text.vocabulary_encoder import (
    NEVER,
    VocabularyOptions,
    cut_for_threads,
    token_classes,
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
        Whether the parameters are those that `VocabularyEncoder` serves, so that native
        code finds the features: `token_pattern` is then that of a `DefaultTokens`.
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
        self._is_native = default_tokens
        if default_tokens and tokens.pattern != token_pattern:
            tokens = _rule(token_pattern)
        self._tokens = tokens
        self._short_text_features = short_text_features
        # They have buckets, too, where they are no longer counted.
        self._short_text_buckets = short_text_features
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

    def kinds_since(self, first: int) -> NDArray[np.uint8]:
        """``FeatureKind`` of the buckets from `first` on; see `LearningEncoder`."""
        return self.kinds[first:]

    def __copy__(self) -> HashedEncoder:
        copied = HashedEncoder.__new__(HashedEncoder)
        copied.__dict__.update(self.__dict__)
        return copied

    def __deepcopy__(self, memo: dict[int, Any]) -> HashedEncoder:
        # Nothing of what they share is changed: see `learn`.
        return self.__copy__()

    def learn(self, documents: Sequence[str], n_threads: int = 1) -> Bags:
        """Count features and note their buckets; see `LearningEncoder`."""
        if self._is_native:
            shards = cut_for_threads(documents, n_threads)
            cancel = bytearray(1)
            counted = map_in_threads(
                lambda part: self._count_natively(part, cancel, None), shards, cancel
            )
            bags = Bags.concatenate(counted)
        else:
            bags = self._count_one_by_one(documents)
        # Once all have gone well; not in place, for a copy may share it.
        is_met = self._is_met.copy()
        is_met[bags.ids] = True
        self._is_met = is_met
        return bags

    @property
    def releases_gil(self) -> bool:
        """Whether native code finds the features: then several threads may."""
        return self._is_native

    def encode(self, documents: Sequence[str]) -> Bags:
        """Count features of the buckets met; see `Encoder`."""
        if self._is_native:
            return self._count_natively(documents, NEVER, self._is_met)
        return self._count_one_by_one(documents, memoryview(self._is_met.data))

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

    @property
    def has_short_text_features(self) -> bool:
        """Whether the short-text features are counted."""
        return self._short_text_features

    def without_short_text_features(self) -> tuple[HashedEncoder, NDArray[np.int32]]:
        """Return an encoder of the other features; see `LearningEncoder`.

        Those keep their buckets, and the buckets of the short-text features stay empty.
        """
        left_out = np.isin(self.kinds, SHORT_TEXT_KINDS)
        encoder = HashedEncoder.__new__(HashedEncoder)
        encoder.__setstate__({**self.__getstate__(), "short_text_features": False})
        encoder._is_met = self._is_met & ~left_out
        old_ids = np.arange(self._n_buckets, dtype=ID_DTYPE)
        old_ids[left_out] = -1
        return encoder, old_ids

    def merged(self, communicator: Communicator) -> HashedEncoder:
        """Return one that knows the buckets that any rank has met."""
        bits = communicator.all_gather(np.packbits(self._is_met))
        encoder = self.__copy__()
        is_met = np.unpackbits(np.bitwise_or.reduce(bits), count=self._n_buckets)
        encoder._is_met = is_met.astype(np.bool_)
        return encoder

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
            if self._short_text_buckets:
                kinds += SHORT_TEXT_KINDS
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

    def _count_natively(
        self,
        documents: Sequence[str],
        cancel: bytes | bytearray,
        is_met: NDArray[np.bool_] | None,
    ) -> Bags:
        """Bags of documents; of all buckets, or ascending of those met."""
        options = self._options
        texts = Documents(tuple(documents), options.lowercase, options.replace, cancel)
        met = None if is_met is None else is_met.view(np.uint8)
        return Bags(*self._counter.count(texts, met, met is not None), self._n_buckets)

    @cached_property
    def _options(self) -> VocabularyOptions:
        parameters = self._parameters
        stop_words = parameters["stop_words"]
        return VocabularyOptions(
            bool(parameters["lowercase"]),
            tuple(parameters["ngram_range"]),
            self._short_text_features,
            self._subword_ngram_range,
            self._tokens,
            parameters["strip_accents"],
            stop_words
            if stop_words is None or isinstance(stop_words, str)
            else tuple(stop_words),
        )

    @cached_property
    def _counter(self) -> BucketCounter:
        classes = token_classes(self._options.tokens)
        return BucketCounter(self._options, classes, self._buckets.ranges)

    def __getstate__(self) -> dict[str, Any]:
        """Serialisable state; part of what files and pickles of every version hold."""
        return {
            **state_of_parameters(self._parameters),
            "n_buckets": self._n_buckets,
            "default_tokens": self._is_native,
            "feature_rule": self._tokens.version,
            "short_text_features": self._short_text_features,
            "short_text_buckets": self._short_text_buckets,
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
        self._is_native = bool(state["default_tokens"])
        self._tokens = rule_of_features(state)
        pattern = self._parameters["token_pattern"]
        if self._is_native and self._tokens.pattern != pattern:
            raise ValueError(
                f"token_pattern={pattern!r:.50} is not that of a token rule"
            )
        self._short_text_features = bool(state["short_text_features"])
        # Earlier files do not say.
        has_buckets = state.get("short_text_buckets", self._short_text_features)
        self._short_text_buckets = bool(has_buckets)
        if self._short_text_features and not self._short_text_buckets:
            raise ValueError("there are no buckets for the short-text features")
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

"""From text parameters to an encoder, and which of its features to keep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.communicator import SINGLE_PROCESS, Communicator, total
from skbag._text.analyzers import vectorizer
from skbag._text.encoder import LearningEncoder
from skbag._text.features import FeatureKind
from skbag._text.hashed_encoder import HashedEncoder
from skbag._text.plain_encoder import PlainEncoder
from skbag._text.token_rules import DEFAULT_TOKENS, DefaultTokens, rule_of_pattern
from skbag._text.vocabulary_encoder import VocabularyEncoder

SHORT_TEXT = 256
"""Mean characters below which texts are short, ..."""

MANY_TEXTS = 200_000
"""... and number of texts from which on words are known well enough by themselves."""

MANY_TEXTS_OF_A_STREAM = 50_000
"""The same for a stream, which has to begin before it is known how long it will be: to
have had these features for longer would take more time than a long stream has."""


SUBWORDS_OF_CODES = (2, 4)
"""Subwords where most tokens of new texts will be unknown. Two characters tell what
these are made of: digits, letters, hyphens."""

MIN_TEXTS_OF_CODES = 50
"""Fewer texts may well have hardly a token in common, ..."""

MIN_UNSEEN_SHARE = 0.5
"""... but of more it is a sign that tokens are codes or names. On the benchmarks' sets
of short texts the share is below 0.3 from 200 texts on."""


def texts_are_short(
    n_characters: int, n_texts: int, *, in_a_stream: bool = False
) -> bool:
    """Whether texts gain from the short-text features at little cost."""
    many = MANY_TEXTS_OF_A_STREAM if in_a_stream else MANY_TEXTS
    return n_characters < SHORT_TEXT * n_texts and n_texts < many


@dataclass(frozen=True)
class TextOptions:
    """How a text becomes features. The fields are the estimator's parameters."""

    lowercase: bool
    strip_accents: str | Callable[[str], str] | None
    preprocessor: Callable[[str], str] | None
    tokenizer: Callable[[str], Sequence[str]] | None
    token_pattern: str | None
    analyzer: str | Callable[[Any], Sequence[Any]]
    stop_words: str | Sequence[str] | None
    ngram_range: tuple[int, int]
    vocabulary: Any
    subword_ngram_range: tuple[int, int] | None = None
    n_buckets: int | None = None

    @property
    def token_rule(self) -> DefaultTokens | None:
        """The rule that says what a token is, if that is all that says it."""
        is_all = (
            self.analyzer == "word"
            and self.tokenizer is None
            and self.preprocessor is None
            and self.strip_accents is None
            and self.stop_words is None
            and self.vocabulary is None
        )
        return rule_of_pattern(self.token_pattern) if is_all else None

    @property
    def native_rule(self) -> DefaultTokens | None:
        """The token rule, if native code finds the same features; else None."""
        is_native = (
            self.analyzer == "word"
            and self.tokenizer is None
            and self.preprocessor is None
            and not callable(self.strip_accents)
            and self.vocabulary is None
        )
        return rule_of_pattern(self.token_pattern) if is_native else None


def make_encoder(options: TextOptions, short_text_features: bool) -> LearningEncoder:
    """Return an empty encoder: the native one where it gives the same features."""
    rule = options.native_rule
    features: dict[str, Any] = {
        "short_text_features": short_text_features,
        "subword_ngram_range": options.subword_ngram_range,
        "tokens": DEFAULT_TOKENS if rule is None else rule,
    }
    analysis: dict[str, Any] = {
        "lowercase": options.lowercase,
        "strip_accents": options.strip_accents,
        "preprocessor": options.preprocessor,
        "tokenizer": options.tokenizer,
        "token_pattern": options.token_pattern,
        "analyzer": options.analyzer,
        "stop_words": options.stop_words,
        "ngram_range": options.ngram_range,
    }
    if rule is not None and options.stop_words is not None:
        # scikit-learn warns of stop words that are no tokens.
        vectorizer(**analysis).build_analyzer()
    if options.n_buckets is not None:
        return HashedEncoder(
            options.n_buckets,
            default_tokens=rule is not None,
            **analysis,
            **features,
        )
    if rule is not None:
        assert not callable(options.strip_accents)
        return VocabularyEncoder(
            options.lowercase,
            options.ngram_range,
            strip_accents=options.strip_accents,
            stop_words=options.stop_words,
            **features,
        )
    return PlainEncoder(vocabulary=options.vocabulary, **analysis, **features)


def wants_short_text_features(
    setting: bool | str,
    options: TextOptions,
    supervised: bool,
    sizes: Callable[[], tuple[int, int]],
    *,
    in_a_stream: bool = False,
) -> bool:
    """Resolve the parameter `short_text_features`.

    `sizes` gives the number of characters and of texts, where the rule asks for them.

    "auto" means texts that are short, split by one of the token rules, and with
    class-informed weights to discount what is not worth it: then, and only then, does
    the vocabulary hold more than the plain tokens and n-grams.

    Raises
    ------
    ValueError
        If they are asked for where the features are given.
    """
    if setting == "auto":
        if not (
            supervised
            and options.token_rule is not None
            and options.ngram_range[0] == 1
        ):
            return False
        return texts_are_short(*sizes(), in_a_stream=in_a_stream)
    if setting and options.vocabulary is not None:
        raise ValueError(
            "short_text_features=True adds features to the vocabulary, but a "
            "vocabulary was given. Use short_text_features='auto' or False."
        )
    if setting and options.analyzer != "word":
        raise ValueError(
            "short_text_features=True needs words: analyzer='word', got "
            f"analyzer={options.analyzer!r}. Use short_text_features='auto' or False."
        )
    return bool(setting)


def wants_subwords(
    options: TextOptions,
    document_counts: NDArray[np.int64],
    kinds: Callable[[], NDArray[np.uint8]],
    sizes: Callable[[], tuple[int, int]],
    communicator: Communicator = SINGLE_PROCESS,
) -> bool:
    """Resolve ``subword_ngram_range="auto"`` once the tokens of texts are counted.

    For short texts, split by one of the token rules, most of whose tokens are in no
    second one: codes, names, identifiers. The share of the tokens of new texts that are
    unknown is estimated by that of the tokens met once (Good, "The Population
    Frequencies of Species and the Estimation of Population Parameters", 1953).

    Parameters
    ----------
    options : TextOptions
    document_counts : ndarray of shape (n_features,), dtype=int64
        Texts that hold each feature.
    kinds : callable
        Gives the `FeatureKind` of each feature.
    sizes : callable
        Gives the number of characters and of texts.
    communicator : Communicator
        Who has counted other features.
    """
    if (
        options.token_rule is None
        or options.ngram_range[0] > 1
        or options.n_buckets is not None
    ):
        return False
    n_characters, n_texts = sizes()
    if n_texts < MIN_TEXTS_OF_CODES or not texts_are_short(n_characters, n_texts):
        return False
    of_tokens = document_counts[kinds() == FeatureKind.TERM]
    own = np.array([np.count_nonzero(of_tokens == 1), of_tokens.sum()])
    n_met_once, n_occurrences = total(communicator, own)
    return bool(n_met_once > MIN_UNSEEN_SHARE * n_occurrences)


def check_subwords(options: TextOptions) -> None:
    """Raise where subwords are asked for and there are no words, or given ones.

    Raises
    ------
    ValueError
    """
    wanted = options.subword_ngram_range
    if wanted is None:
        return
    if options.vocabulary is not None:
        raise ValueError(
            f"subword_ngram_range={wanted} adds features to the vocabulary, but a "
            "vocabulary was given. Use subword_ngram_range=None."
        )
    if options.analyzer != "word":
        raise ValueError(
            f"subword_ngram_range={wanted} needs words: analyzer='word', got "
            f"analyzer={options.analyzer!r}. Use subword_ngram_range=None, or "
            "analyzer='word'."
        )

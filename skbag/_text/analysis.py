"""From a text to the keys of its features, in plain Python.

CountVectorizer's own parts do it, so that its parameters mean what they mean there.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from enum import Enum
from functools import lru_cache
from typing import Any

import numpy as np

from skbag._text.features import FeatureKind, Role, short_text_features, skip_pairs
from skbag._text.subwords import subwords

Features = Iterable[tuple[FeatureKind, Iterable[Hashable]]]

PARAMETERS = {
    "strip_accents",
    "lowercase",
    "preprocessor",
    "tokenizer",
    "stop_words",
    "token_pattern",
    "ngram_range",
    "analyzer",
}
"""Of CountVectorizer, those that an encoder keeps."""

_MOST_WORDS = 2**16
"""How many words have their subwords remembered."""


def build_analysis(
    parameters: dict[str, Any],
    *,
    with_short_text_features: bool,
    subword_ngram_range: tuple[int, int] | None,
    join: Callable[[Sequence[str]], Hashable] = " ".join,
) -> Callable[[str], Features]:
    """Return a function from a text to the keys of its features, grouped by kind.

    Parameters
    ----------
    parameters : dict
        Of :class:`~sklearn.feature_extraction.text.CountVectorizer`.
    with_short_text_features : bool
    subword_ngram_range : tuple (min_n, max_n) or None
        These two are for words; other analyzers have none.
    join : callable
        Makes the key of an n-gram of its tokens.

    Returns
    -------
    analysis : callable
        A term is a key itself, a short-text feature or subword a key ``(role,
        string)``, a skip pair a key ``(FeatureKind.SKIP, string, string)``.
    """
    parameters = with_checked_functions(parameters)
    if parameters["analyzer"] != "word":
        analyze = vectorizer(**parameters).build_analyzer()
        return lambda text: [(FeatureKind.TERM, analyze(text))]

    # Unigrams only: the tokens of the text, without the stop words.
    tokenize = vectorizer(**{**parameters, "ngram_range": (1, 1)}).build_analyzer()
    shortest, longest = parameters["ngram_range"]

    @lru_cache(_MOST_WORDS)
    def keys_of_subwords(word: str) -> list[tuple[Role, str]]:
        assert subword_ngram_range is not None
        return [(Role.SUBWORD, part) for part in subwords(word, subword_ngram_range)]

    def features(text: str) -> Iterator[tuple[FeatureKind, Iterable[Hashable]]]:
        tokens = list(tokenize(text))
        if shortest <= 1:
            yield FeatureKind.TERM, tokens
        for n in range(max(shortest, 2), min(longest, len(tokens)) + 1):
            yield FeatureKind.NGRAM, _ngrams(tokens, n, join)
        if with_short_text_features:
            for key in short_text_features(tokens):
                yield key[0].kind, (key,)
            skip = FeatureKind.SKIP
            yield skip, [(skip, *pair) for pair in skip_pairs(tokens)]
        if subword_ngram_range is not None:
            for token in tokens:
                yield FeatureKind.SUBWORD, keys_of_subwords(token)

    return features


def with_checked_functions(parameters: dict[str, Any]) -> dict[str, Any]:
    """Parameters of CountVectorizer whose functions say so where they give nonsense.

    Tokens that are no strings, such as those of spaCy, would be features that never
    occur again.
    """
    checked = dict(parameters)
    for name in ("preprocessor", "strip_accents"):
        if callable(parameters[name]):
            checked[name] = _giving_a_string(name, parameters[name])
    for name in ("tokenizer", "analyzer"):
        if callable(parameters[name]):
            checked[name] = _giving_tokens(name, parameters[name])
    return checked


def check_parameters(parameters: dict[str, Any]) -> None:
    """Raise where parameters of CountVectorizer in a file are none of an estimator's.

    Raises
    ------
    ValueError
    """
    if parameters.keys() != PARAMETERS:
        raise ValueError("unknown options")
    pattern, ngram_range = parameters["token_pattern"], parameters["ngram_range"]
    stop_words, accents = parameters["stop_words"], parameters["strip_accents"]
    is_sound = {
        "lowercase": type(parameters["lowercase"]) in (bool, np.bool_),
        "strip_accents": callable(accents)
        or accents is None
        or (type(accents) is str and accents in ("ascii", "unicode")),
        "preprocessor": _is_function_or_none(parameters["preprocessor"]),
        "tokenizer": _is_function_or_none(parameters["tokenizer"]),
        "stop_words": stop_words is None
        or (type(stop_words) is str and stop_words == "english")
        or (type(stop_words) is list and set(map(type, stop_words)) <= {str}),
        "token_pattern": pattern is None or _is_pattern(pattern),
        "ngram_range": type(ngram_range) in (tuple, list)
        and len(ngram_range) == 2
        and set(map(type, ngram_range)) == {int}
        and 1 <= ngram_range[0] <= ngram_range[1],
        "analyzer": callable(parameters["analyzer"])
        or (
            type(parameters["analyzer"]) is str
            and parameters["analyzer"] in ("word", "char", "char_wb")
        ),
    }
    if unsound := [name for name, sound in is_sound.items() if not sound]:
        raise ValueError(f"{unsound[0]} is not one that an encoder has")


def _is_function_or_none(value: Any) -> bool:
    return value is None or callable(value)


def _is_pattern(pattern: Any) -> bool:
    if type(pattern) is not str:
        return False
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return False
    return True


def _giving_a_string(name: str, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def checked(document: Any) -> Any:
        found = function(document)
        # A preprocessor may hand tokens to a tokenizer of the user's.
        if found is None:
            raise TypeError(f"{name} gave None for a document; is a return missing?")
        return found

    return checked


def _giving_tokens(name: str, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    must_be_str = name == "tokenizer"

    def checked(document: Any) -> list[Any]:
        found = function(document)
        if found is None or isinstance(found, str) or not isinstance(found, Iterable):
            raise TypeError(
                f"{name} must give the tokens of a document, a list of str, but gave "
                f"{reprlib.repr(found)}, of type {type(found).__name__}."
            )
        tokens = list(found)
        for token in tokens:
            if not isinstance(token, str) and (must_be_str or not _is_plain(token)):
                raise TypeError(
                    f"{name} must give tokens that are str, but gave "
                    f"{reprlib.repr(token)}, of type {type(token).__name__}. Let it "
                    "give their strings, for instance [token.text for token in ...]."
                )
        return tokens

    return checked


def _is_plain(token: Any) -> bool:
    """Whether a token is equal to another that looks the same: numbers, tuples."""
    plain = (int, float, bytes, tuple, frozenset, Enum, np.generic)
    return token is None or isinstance(token, plain)


def vectorizer(**parameters: Any) -> Any:
    """Return a ``CountVectorizer``."""
    # Imported here: predicting with the default tokens does not need it.
    from sklearn.feature_extraction.text import CountVectorizer

    return CountVectorizer(**parameters)


def _ngrams(
    tokens: list[str], n: int, join: Callable[[Sequence[str]], Hashable]
) -> list[Hashable]:
    """Join every ``n`` tokens in a row.

    >>> _ngrams(["to", "be", "or", "not"], 3, " ".join)
    ['to be or', 'be or not']
    """
    return [join(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]

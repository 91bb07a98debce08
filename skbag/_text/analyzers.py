"""Every feature of one text, and where in the text it stands.

A plain twin of what the encoders count: slow, and used only to explain. Tests hold the
two equal, feature by feature.

A *span* is the place of a string in the text as the user gave it, (start, end) in
characters. A feature of several tokens has the span of each of them; an affix or
subword has that of its part of the word, the marks of a subword none. Lower-casing and
the removal of accents may change the length of a text: spans are traced back through
both. A user's own preprocessor, tokenizer or analyzer does not say where its tokens
come from, so they have no spans.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from enum import Enum
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from skbag._text.features import (
    FeatureKind,
    Role,
    affixes,
    name_of_skip_pair,
    short_text_features,
    skip_pairs,
)
from skbag._text.subwords import subwords
from skbag._text.token_rules import DEFAULT_TOKENS, DefaultTokens

Span = tuple[int, int]

_WHITE_SPACES = re.compile(r"\s\s+")
"""What CountVectorizer makes a single space of, before it cuts a text in characters."""


class Occurrence(NamedTuple):
    """One occurrence of a feature in a text.

    Parameters
    ----------
    kind : FeatureKind
    key : hashable
        As `build_analysis` gives it: a term is its string, a short-text feature or
        subword ``(role, string)``, a skip pair ``(FeatureKind.SKIP, string, string)``.
    name : str
    spans : tuple of (start, end), or None
        One for each token, or part of a token, that it is made of; None where it is
        not known where they stand.
    """

    kind: FeatureKind
    key: Hashable
    name: str
    spans: tuple[Span, ...] | None


class Piece(NamedTuple):
    """A string cut from a text; `places` has a span for each of its characters."""

    string: str
    places: tuple[Span, ...] | None

    def spans(self) -> tuple[Span, ...] | None:
        """Return the span of all of it."""
        if self.places is None:
            return None
        return (_cover(self.places),) if self.places else ()

    def part(self, start: int, stop: int) -> Piece:
        """Return the characters `start` to `stop`."""
        places = None if self.places is None else self.places[start:stop]
        return Piece(self.string[start:stop], places)


Locate = Callable[[str], Iterator[Occurrence]]


def build_locator(
    parameters: dict[str, Any],
    *,
    with_short_text_features: bool,
    subword_ngram_range: tuple[int, int] | None = None,
    join: Callable[[Sequence[str]], Hashable] = " ".join,
    rule: DefaultTokens = DEFAULT_TOKENS,
) -> Locate:
    """Return a function from a text to the occurrences of its features.

    Parameters
    ----------
    parameters : dict
        Of :class:`~sklearn.feature_extraction.text.CountVectorizer`.
    with_short_text_features : bool
    subword_ngram_range : tuple (min_n, max_n) or None
        These two are for words; other analyzers have none.
    join : callable
        Makes the key of an n-gram of its tokens.
    rule : DefaultTokens
        The lengths of short-text features.
    """
    analyzer = parameters["analyzer"]
    if callable(analyzer):
        return lambda text: (_term(Piece(item, None)) for item in analyzer(text))
    read = _reader(parameters)
    if analyzer != "word":
        cut = _char_pieces if analyzer == "char" else _char_wb_pieces
        ngram_range = parameters["ngram_range"]
        return lambda text: map(_term, cut(read(text), ngram_range))
    tokenize = _tokenizer(parameters)
    shortest, longest = parameters["ngram_range"]

    def locate(text: str) -> Iterator[Occurrence]:
        tokens = tokenize(read(text))
        if shortest == 1:
            yield from map(_term, tokens)
        for n in range(max(shortest, 2), longest + 1):
            for start in range(len(tokens) - n + 1):
                yield _ngram(tokens[start : start + n], join)
        if with_short_text_features:
            yield from _short_text_features(tokens, rule)
        if subword_ngram_range is not None:
            for token in tokens:
                yield from _subwords_of(token, subword_ngram_range)

    return locate


def _term(piece: Piece) -> Occurrence:
    kind = FeatureKind.TERM
    return Occurrence(kind, piece.string, str(piece.string), piece.spans())


def _ngram(
    tokens: Sequence[Piece], join: Callable[[Sequence[str]], Hashable]
) -> Occurrence:
    strings = [token.string for token in tokens]
    return Occurrence(
        FeatureKind.NGRAM, join(strings), " ".join(strings), _spans_of(tokens)
    )


def _short_text_features(
    tokens: Sequence[Piece], rule: DefaultTokens
) -> Iterator[Occurrence]:
    if tokens:
        yield _in_role(Role.FIRST, tokens[0])
        yield _in_role(Role.LAST, tokens[-1])
    for token in tokens:
        length = len(token.string)
        for role, affix in affixes(token.string, rule):
            if affix is not None:
                start = 0 if role is Role.PREFIX else length - len(affix)
                yield _in_role(role, token.part(start, start + len(affix)))
    for distance in rule.skip_distances:
        for pair in zip(tokens, tokens[distance:], strict=False):
            strings = pair[0].string, pair[1].string
            key = (FeatureKind.SKIP, *strings)
            name = name_of_skip_pair(*strings)
            yield Occurrence(FeatureKind.SKIP, key, name, _spans_of(pair))


def _subwords_of(token: Piece, ngram_range: tuple[int, int]) -> Iterator[Occurrence]:
    """Subwords of a token; the marks of its ends have no place in the text."""
    start = length = 0
    for part in subwords(token.string, ngram_range):
        # Of one length after the other, each from one end of the word to the other.
        start = start + 1 if len(part) == length else 0
        length = len(part)
        inside = token.part(max(start - 1, 0), start + length - 1)
        yield _in_role(Role.SUBWORD, Piece(part, inside.places))


def _in_role(role: Role, piece: Piece) -> Occurrence:
    key, name = (role, piece.string), role.name_of(piece.string)
    return Occurrence(role.kind, key, name, piece.spans())


def _spans_of(pieces: Sequence[Piece]) -> tuple[Span, ...] | None:
    spans: list[Span] = []
    for piece in pieces:
        piece_spans = piece.spans()
        if piece_spans is None:
            return None
        spans += piece_spans
    return tuple(spans)


def _cover(places: Sequence[Span]) -> Span:
    return places[0][0], places[-1][1]


def _reader(parameters: dict[str, Any]) -> Callable[[str], Piece]:
    """Return a function that preprocesses a text and keeps track of its characters."""
    from sklearn.feature_extraction.text import CountVectorizer

    preprocess = CountVectorizer(**parameters).build_preprocessor()
    is_own = callable(parameters["preprocessor"]) or callable(
        parameters["strip_accents"]
    )
    # One character at a time, the same is done to each: lower-casing looks at
    # neighbours only to choose between two forms of a sigma, of one character both.
    one_by_one = None if is_own else preprocess

    def read(text: str) -> Piece:
        string = preprocess(text)
        if one_by_one is None:
            return Piece(string, None)
        if text.isascii():
            return Piece(string, tuple((i, i + 1) for i in range(len(text))))
        places = [
            (place, place + 1)
            for place, character in enumerate(text)
            for _ in range(len(one_by_one(character)))
        ]
        return Piece(string, tuple(places))

    return read


def _tokenizer(parameters: dict[str, Any]) -> Callable[[Piece], list[Piece]]:
    """Return a function from a text to its tokens, without the stop words."""
    from sklearn.feature_extraction.text import CountVectorizer

    vectorizer = CountVectorizer(**parameters)
    stop_words = vectorizer.get_stop_words() or frozenset()
    tokenizer = parameters["tokenizer"]
    if tokenizer is not None:

        def cut(text: Piece) -> Iterator[Piece]:
            return (Piece(token, None) for token in tokenizer(text.string))

    else:
        pattern = re.compile(parameters["token_pattern"])

        def cut(text: Piece) -> Iterator[Piece]:
            for match in pattern.finditer(text.string):
                # As re.findall: a group that took no part is an empty string.
                start, stop = match.span(pattern.groups)
                yield text.part(max(start, 0), max(stop, 0))

    return lambda text: [x for x in cut(text) if x.string not in stop_words]


def _char_pieces(text: Piece, ngram_range: tuple[int, int]) -> Iterator[Piece]:
    """Runs of characters, as ``CountVectorizer(analyzer='char')`` makes them."""
    text = _single_spaces(text)
    length = len(text.string)
    for n in range(ngram_range[0], min(ngram_range[1], length) + 1):
        for start in range(length - n + 1):
            yield text.part(start, start + n)


def _char_wb_pieces(text: Piece, ngram_range: tuple[int, int]) -> Iterator[Piece]:
    """The same inside words, a space added on both sides, which has no place."""
    for match in re.finditer(r"\S+", text.string):
        word = text.part(*match.span())
        string = f" {word.string} "
        for n in range(ngram_range[0], ngram_range[1] + 1):
            for start in range(max(len(string) - n, 0) + 1):
                inside = word.part(max(start - 1, 0), start + n - 1)
                yield Piece(string[start : start + n], inside.places)
            if n >= len(string):
                break


def _single_spaces(text: Piece) -> Piece:
    """Make single spaces of longer runs of white space."""
    string = _WHITE_SPACES.sub(" ", text.string)
    if text.places is None or string == text.string:
        return Piece(string, text.places)
    places: list[Span] = []
    done = 0
    for match in _WHITE_SPACES.finditer(text.string):
        places += text.places[done : match.start()]
        places.append(_cover(text.places[match.start() : match.end()]))
        done = match.end()
    return Piece(string, (*places, *text.places[done:]))


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
    rule: DefaultTokens = DEFAULT_TOKENS,
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
    rule : DefaultTokens
        The lengths of short-text features.

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
            for key in short_text_features(tokens, rule):
                yield key[0].kind, (key,)
            skip = FeatureKind.SKIP
            yield skip, [(skip, *pair) for pair in skip_pairs(tokens, rule)]
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
        string = function(document)
        # A preprocessor may hand tokens to a tokenizer of the user's.
        if string is None:
            raise TypeError(f"{name} gave None for a document; is a return missing?")
        return string

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

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
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, NamedTuple

from skbag._text.features import (
    SKIP_DISTANCES,
    FeatureKind,
    Role,
    affixes,
    name_of_skip_pair,
)
from skbag._text.subwords import subwords

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
            yield from _short_text_features(tokens)
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


def _short_text_features(tokens: Sequence[Piece]) -> Iterator[Occurrence]:
    if tokens:
        yield _in_role(Role.FIRST, tokens[0])
        yield _in_role(Role.LAST, tokens[-1])
    for token in tokens:
        length = len(token.string)
        for role, affix in affixes(token.string):
            if affix is not None:
                start = 0 if role is Role.PREFIX else length - len(affix)
                yield _in_role(role, token.part(start, start + len(affix)))
    for distance in SKIP_DISTANCES:
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
        own = piece.spans()
        if own is None:
            return None
        spans += own
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
    own = parameters["tokenizer"]
    if own is not None:

        def cut(text: Piece) -> Iterator[Piece]:
            return (Piece(token, None) for token in own(text.string))

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

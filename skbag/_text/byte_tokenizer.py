r"""Tokens of many texts at once, found in their UTF-8 bytes by numpy.

The tokens are exactly those of the regular expression of a `DefaultTokens`. All strings
are understood, lone surrogates included (``surrogatepass``).

Texts are joined into one array of bytes, and a string is a *span* of it. Bytes of
ASCII get their class from a table of 256; the other characters, found as the runs of
bytes from 0x80 on, are decoded and get theirs from the rule.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skbag._core.dtypes import OFFSET_DTYPE
from skbag._text.token_rules import (
    CHARACTER,
    DEFAULT_TOKENS,
    MARK,
    SPACE,
    SYMBOL,
    UNKNOWN,
    WORD,
    DefaultTokens,
    character_class,
)

_NEWLINE = 10
# A span is read 8 bytes at a time, the last time beyond its end.
_PADDING = b"\n" * 8

_LONGEST_HASHED_IN_ROUNDS = 64
_HASH_1 = np.uint64(0x9E3779B97F4A7C15)
_HASH_2 = np.uint64(0xD6E8FEB86659FD93)
_HALF = np.uint64(32)
_INT_HASH_1, _INT_HASH_2, _ALL_BITS = int(_HASH_1), int(_HASH_2), (1 << 64) - 1
# The lowest n bytes of a number of 8, for n = 0 to 8.
_LOW_BYTES = np.array([(1 << 8 * n) - 1 for n in range(9)], dtype=np.uint64)


@dataclass(frozen=True, eq=False)
class Spans:
    """Strings without white space inside one array of bytes.

    Parameters
    ----------
    text : ndarray of shape (n_bytes,), dtype=uint8
        UTF-8, with at least 8 bytes after the last span.
    starts, ends : ndarray of shape (n_spans,), dtype=int64
        Span ``i`` is ``text[starts[i]:ends[i]]``.
    """

    text: NDArray[np.uint8]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts)

    def take(self, which: NDArray[np.int64]) -> Spans:
        """Spans of the given numbers, in the given order."""
        return Spans(self.text, self.starts[which], self.ends[which])

    def to_lines(self) -> bytes:
        """Return the spans one after the other, each followed by a newline."""
        lengths = self.ends - self.starts + 1
        line_ends = np.cumsum(lengths)
        where = np.arange(lengths.sum(), dtype=np.int64)
        where += np.repeat(self.starts - (line_ends - lengths), lengths)
        lines = self.text[where]
        lines[line_ends - 1] = _NEWLINE
        return lines.tobytes()

    @staticmethod
    def from_lines(lines: bytes) -> Spans:
        r"""Spans of lines that each end in a newline.

        >>> spans = Spans.from_lines(b"one\ntwo\n")
        >>> spans.starts.tolist(), spans.ends.tolist()
        ([0, 4], [3, 7])
        """
        text = np.frombuffer(lines + _PADDING, dtype=np.uint8)
        ends = np.flatnonzero(text[: len(lines)] == _NEWLINE)
        starts = np.zeros_like(ends)
        starts[1:] = ends[:-1] + 1
        return Spans(text, starts, ends)


@dataclass(frozen=True, eq=False)
class Tokens:
    """The tokens of several texts.

    Parameters
    ----------
    spans : Spans
        The tokens, text after text.
    offsets : ndarray of shape (n_texts + 1,), dtype=int64
        The tokens of text ``i`` are ``offsets[i]`` to ``offsets[i + 1]``.
    """

    spans: Spans
    offsets: NDArray[np.int64]


def tokenize(
    documents: Sequence[str], lowercase: bool, rule: DefaultTokens = DEFAULT_TOKENS
) -> Tokens:
    r"""Find the tokens of the documents.

    >>> tokens = tokenize(["Don't!", "", "\u00dcber-\ttexts"], lowercase=True)
    >>> tokens.spans.to_lines().decode().split()
    ['don', "'", 't', '!', 'über', '-', 'texts']
    >>> tokens.offsets.tolist()
    [0, 4, 4, 7]
    """
    joined, lengths = _join(documents, lowercase)
    text = np.frombuffer(joined, dtype=np.uint8)
    starts, ends = _token_bounds(joined, text, rule)
    document_ends = np.cumsum(lengths + 1)
    offsets = np.zeros(len(documents) + 1, dtype=OFFSET_DTYPE)
    offsets[1:] = np.searchsorted(starts, document_ends)
    return Tokens(Spans(text, starts, ends), offsets)


def hash_spans(spans: Spans) -> NDArray[np.uint64]:
    """Hash the bytes of each span, the same in every process and on every machine.

    Spans of up to 8 bytes never share a hash with each other.

    Returns
    -------
    hashes : ndarray of shape (n_spans,), dtype=uint64
    """
    text, starts = spans.text, spans.starts
    lengths = spans.ends - starts
    # The 8 bytes from every byte on, as little-endian numbers.
    eights = np.ndarray((len(text) - 7,), dtype="<u8", buffer=text, strides=(1,))
    hashes: NDArray[np.uint64] = eights[starts] & _LOW_BYTES[np.minimum(lengths, 8)]
    hashes *= _HASH_1
    hashes ^= hashes >> _HALF
    for done in range(8, _LONGEST_HASHED_IN_ROUNDS, 8):
        where = np.flatnonzero(lengths > done)
        if not len(where):
            return hashes
        rest = np.minimum(lengths[where] - done, 8)
        mixed = hashes[where]
        mixed += eights[starts[where] + done] & _LOW_BYTES[rest]
        mixed *= _HASH_2
        mixed ^= mixed >> _HALF
        hashes[where] = mixed
    for i in np.flatnonzero(lengths > _LONGEST_HASHED_IN_ROUNDS).tolist():
        hashes[i] = _hash_long(text[starts[i] : spans.ends[i]].tobytes())
    return hashes


def hash_string(string: bytes) -> int:
    r"""`hash_spans` of one string, in Python's numbers: fast for one, not for many.

    >>> hash_string(b"one") == int(hash_spans(Spans.from_lines(b"one\n"))[0])
    True
    """
    if len(string) > _LONGEST_HASHED_IN_ROUNDS:
        return _hash_long(string)
    hashed = int.from_bytes(string[:8], "little") * _INT_HASH_1 & _ALL_BITS
    hashed ^= hashed >> 32
    for done in range(8, len(string), 8):
        hashed += int.from_bytes(string[done : done + 8], "little")
        hashed = (hashed & _ALL_BITS) * _INT_HASH_2 & _ALL_BITS
        hashed ^= hashed >> 32
    return hashed


def characters(
    spans: Spans,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Find the characters of spans, and of what is between them.

    Returns
    -------
    positions : ndarray of shape (n_characters,), dtype=int64
        The byte that each character starts at.
    first, last : ndarray of shape (n_spans,), dtype=int64
        Numbers of the first character of each span and of the one after it.
    """
    starts_character = _starts_character(spans.text)
    numbers = np.cumsum(starts_character, dtype=np.int64) - 1
    positions = np.flatnonzero(starts_character)
    return positions, numbers[spans.starts], numbers[spans.ends]


def prefixes(spans: Spans, length: int) -> tuple[NDArray[np.int64], Spans]:
    r"""Prefixes of ``length`` characters of the spans with more characters.

    Returns
    -------
    which : ndarray of shape (n_prefixes,), dtype=int64
        The number of the span each prefix is of, ascending.
    prefixes : Spans

    Examples
    --------
    >>> which, found = prefixes(Spans.from_lines(b"end\nrefugee\n"), 4)
    >>> which.tolist(), found.to_lines()
    ([1], b'refu\n')
    """
    positions, first, last = characters(spans)
    which = np.flatnonzero(last - first > length)
    ends = positions[first[which] + length]
    return which, Spans(spans.text, spans.starts[which], ends)


def suffixes(spans: Spans, length: int) -> tuple[NDArray[np.int64], Spans]:
    r"""Suffixes of ``length`` characters of the spans with more; as ``prefixes``.

    >>> which, found = suffixes(Spans.from_lines("\u00e9t\u00e9\n".encode()), 2)
    >>> found.to_lines().decode()
    'té\n'
    """
    positions, first, last = characters(spans)
    which = np.flatnonzero(last - first > length)
    starts = positions[last[which] - length]
    return which, Spans(spans.text, starts, spans.ends[which])


def _join(documents: Sequence[str], lowercase: bool) -> tuple[bytes, NDArray[np.int64]]:
    """Join documents, a space between two and some at the end; and their bytes."""
    lengths = np.fromiter(map(len, documents), dtype=np.int64, count=len(documents))
    joined = "\n".join(documents)
    if not joined.isascii():
        if lowercase:
            # The letters of ASCII are lowered below.
            documents = [x if x.isascii() else x.lower() for x in documents]
            joined = "\n".join(documents)
        for i, text in enumerate(documents):
            if not text.isascii():
                lengths[i] = len(text.encode("utf-8", "surrogatepass"))
    encoded = joined.encode("utf-8", "surrogatepass") + _PADDING
    return encoded.lower() if lowercase else encoded, lengths


def _token_bounds(
    joined: bytes, text: NDArray[np.uint8], rule: DefaultTokens
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find where the tokens of a text that ends in a space start and end."""
    classes, attached = _byte_classes(joined, text, rule)
    # A new token, or space, begins where the class changes, at every symbol and at
    # every character that is a token without its marks,
    begins = np.empty(len(text), dtype=np.bool_)
    begins[0] = True
    np.not_equal(classes[1:], classes[:-1], out=begins[1:])
    begins |= classes >= SYMBOL
    if not joined.isascii():
        begins &= _starts_character(text)
        begins[attached] = False
    # and ends where the next begins; the last of all is a space.
    where = np.flatnonzero(begins)
    tokens = np.flatnonzero(classes.take(where) != SPACE)
    return where.take(tokens), where.take(tokens + 1)


def _byte_classes(
    joined: bytes, text: NDArray[np.uint8], rule: DefaultTokens
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Class of the character each byte belongs to; the bytes of attached marks.

    A mark has the class of what it is attached to, or is a symbol.
    """
    classes = np.frombuffer(joined.translate(_ASCII_CLASSES), dtype=np.uint8)
    if joined.isascii():
        return classes, np.empty(0, dtype=np.int64)
    classes = classes.copy()
    where = np.flatnonzero(classes == UNKNOWN)
    others = text[where].tobytes().decode("utf-8", "surrogatepass")
    code_points = np.frombuffer(
        others.encode("utf-32-le", "surrogatepass"), dtype="<u4"
    )
    n_bytes = 2 + (code_points >= 0x800) + (code_points >= 0x10000)
    classes[where] = np.repeat(rule.classes(code_points), n_bytes)
    return classes, _attach_marks(classes, where)


def _attach_marks(
    classes: NDArray[np.uint8], where: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Give marks the class of what is before them, in place.

    Returns
    -------
    attached : ndarray of shape (n,), dtype=int64
        Which bytes are of marks that belong to a word or character.
    """
    marks: NDArray[np.int64] = where[classes[where] == MARK]
    if not len(marks):
        return marks
    is_first = np.ones(len(marks), dtype=np.bool_)
    is_first[1:] = np.diff(marks) > 1
    first = marks[is_first]
    # Before the first byte comes, so to say, the last: part of the padding, a space.
    before = classes[first - 1]
    is_base = (before == WORD) | (before == CHARACTER)
    run = np.cumsum(is_first) - 1
    classes[marks] = np.where(is_base, before, SYMBOL)[run]
    attached: NDArray[np.int64] = marks[is_base[run]]
    return attached


def _starts_character(text: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether a byte of UTF-8 is the first of its character."""
    first: NDArray[np.bool_] = (text & 0xC0) != 0x80
    return first


def _hash_long(string: bytes) -> int:
    digest = hashlib.blake2b(string, digest_size=8).digest()
    return int.from_bytes(digest, "little")


_ASCII_CLASSES = bytes(
    [character_class(chr(code)) for code in range(128)] + [UNKNOWN] * 128
)

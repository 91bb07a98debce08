"""Text files of vectors: a word and its numbers on each line (.vec, GloVe)."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice, takewhile

from skbag._text.found_vectors import FoundVectors

LONGEST_LINE = 2**20
"""Bytes of the longest line of a file: what is longer is no text."""

LARGEST_SHARE_OF_ODD = 0.01
"""Share of tokens that are not in UTF-8, above which a file is taken for one in another
encoding."""


def read_file(path: str | os.PathLike[str], found: FoundVectors) -> None:
    """Read the wanted lines of a file; all of them are checked for their form.

    Parameters
    ----------
    path : str or path-like
    found : FoundVectors
        Gets the vectors of the words that it wants.

    Raises
    ------
    ValueError
        If a line is malformed; the message names it.
    OSError
        If the file cannot be read.
    """
    name = os.fspath(path)
    wanted = {word.encode("utf-8", "surrogatepass"): word for word in found.wanted}
    announced = None
    number = n_vectors = n_odd = n_blank = 0
    with _opened(path) as file:
        lines = iter(partial(file.readline, LONGEST_LINE), b"")
        for number, line in enumerate(lines, 1):
            line = line.rstrip(b" \t\r\n")
            if number == 1:
                # Some editors put a byte order mark there.
                line = line.removeprefix(codecs.BOM_UTF8)
                announced = _header(line)
                if announced is not None:
                    found.check_width(announced[1], f"{name} has vectors of")
                    continue
                n_numbers = _n_numbers(line)
                if n_numbers:
                    found.check_width(n_numbers, f"line 1 of {name} has")
            if not line:
                # At the end of a file it is no line.
                n_blank += 1
                continue
            n_vectors += 1
            width = found.width or 0
            token = _token_of(line, width)
            if not token or n_blank or len(line) >= LONGEST_LINE - 1:
                raise _malformed(name, number, width, line)
            word = wanted.get(token)
            if word is not None:
                numbers = line[len(token) + 1 :].split(b" ")
                try:
                    vector = list(map(float, numbers))
                except ValueError as error:
                    raise _malformed(name, number, width, line) from error
                found.put(word, vector)
            elif not token.isascii():
                try:
                    token.decode("utf-8", "surrogatepass")
                except UnicodeDecodeError as error:
                    # fastText cuts some words in the middle of a character. A binary
                    # file shows in its first lines.
                    if n_vectors == 1:
                        raise _malformed(name, number, width, line) from error
                    n_odd += 1
    if announced is not None and n_vectors < announced[0]:
        raise ValueError(
            f"{name} ends after {n_vectors} of the {announced[0]} vectors that its "
            "first line announces. Download or write it again."
        )
    if n_odd > max(LARGEST_SHARE_OF_ODD * n_vectors, 10):
        warnings.warn(
            f"{name}: {n_odd:,} of {n_vectors:,} tokens are not in UTF-8 and were "
            "passed over. If the file is in another encoding, convert it.",
            UserWarning,
            stacklevel=2,
        )


def first_words(path: str | os.PathLike[str], n_words: int) -> list[str]:
    """Return the words of the first lines of a file, as far as they are in UTF-8.

    Malformed lines are passed over: `read_file` reports them.

    Parameters
    ----------
    path : str or path-like
    n_words : int
        At most so many.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    words: list[str] = []
    width = 0
    with _opened(path) as file:
        lines = islice(iter(partial(file.readline, LONGEST_LINE), b""), n_words + 1)
        for number, line in enumerate(lines, 1):
            line = line.rstrip(b" \t\r\n")
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
                announced = _header(line)
                if announced is not None:
                    width = announced[1]
                    continue
                width = _n_numbers(line)
            token = _token_of(line, width) if width else b""
            try:
                words.append(token.decode("utf-8", "surrogatepass"))
            except UnicodeDecodeError:
                continue
    return [word for word in words if word][:n_words]


def _header(line: bytes) -> tuple[int, int] | None:
    """Number and width of vectors, where a first line says just that."""
    fields = line.split()
    if len(fields) == 2 and all(field.isdigit() for field in fields):
        return int(fields[0]), int(fields[1])
    return None


def _token_of(line: bytes, width: int) -> bytes:
    """Return what stands before the numbers; nothing where their number is wrong."""
    if line.count(b" ") == width:
        return line[: line.find(b" ")]
    # Some files hold tokens with spaces, such as ". . .".
    before = line.split(b" ")[:-width]
    return b"" if not before or _is_number(before[-1]) else b" ".join(before)


def _n_numbers(line: bytes) -> int:
    """Count the numbers that a line ends in, after one token at least."""
    fields = line.split(b" ")[1:]
    return sum(1 for _ in takewhile(_is_number, reversed(fields)))


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _malformed(name: str, number: int, width: int, line: bytes) -> ValueError:
    return ValueError(
        f"{name}, line {number}: expected a token in UTF-8 and {width} numbers, "
        f"separated by spaces, got {line[:60]!r}. embedding_init reads text files of "
        "vectors, not binary ones."
    )


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[io.BufferedIOBase]:
    """Open a file; one that begins as gzip does is unpacked as it is read."""
    with open(path, "rb") as file:
        if file.peek(2)[:2] != b"\x1f\x8b":
            yield file
            return
        try:
            with gzip.open(file) as unpacked:
                yield unpacked
        except (EOFError, gzip.BadGzipFile) as error:
            raise ValueError(
                f"{os.fspath(path)} is a damaged gzip file: {error}. Download it again."
            ) from error

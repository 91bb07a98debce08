"""Vectors made elsewhere: the rows of a table that tokens begin with.

Only single tokens (`FeatureKind.TERM`) have vectors; a file holds none for pairs of
words. Of a source only the rows of known tokens are kept, and of the source itself
nothing.
"""

from __future__ import annotations

import codecs
import gzip
import io
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from skbag._core.dtypes import ID_DTYPE, WEIGHT_DTYPE
from skbag._text.columns import described
from skbag._text.columns_encoder import ColumnsEncoder
from skbag._text.encoder import LearningEncoder
from skbag._text.features import FeatureKind

LONGEST_LINE = 2**20
"""Bytes of the longest line of a file: what is longer is no text."""

LARGEST_SHARE_OF_ODD = 0.01
"""Share of tokens that are not in UTF-8, above which a file is taken for one in another
encoding."""

_FORMS = (
    "a mapping of tokens to vectors, a pair (words, matrix), an object with "
    "`key_to_index` and `vectors` as gensim's KeyedVectors, or the path of a text file "
    "of vectors (.vec, GloVe), plain or gzip"
)


@runtime_checkable
class KeyedVectors(Protocol):
    """Words with their vectors, as ``gensim.models.KeyedVectors``."""

    key_to_index: Mapping[str, int]
    vectors: Any


@dataclass(frozen=True, eq=False)
class Vectors:
    """What a source says of the tokens of an encoder.

    Parameters
    ----------
    tokens : ndarray of shape (n_tokens,), dtype=int32
        Ids of all single tokens.
    ids : ndarray of shape (n_found,), dtype=int32
        Ids of those looked for that have a vector, ascending.
    rows : ndarray of shape (n_found, width), dtype=float32
    coverage : float
        Share of all single tokens that have one.
    """

    tokens: NDArray[np.int32]
    ids: NDArray[np.int32]
    rows: NDArray[np.float32]
    coverage: float


def find_vectors(
    source: Any,
    encoder: LearningEncoder | None,
    width: int,
    *,
    n_known: int = 0,
    coverage: float = 0.0,
) -> Vectors:
    """Find the vectors of an encoder's tokens.

    Parameters
    ----------
    source : mapping, tuple, gensim's KeyedVectors, str or path-like
    encoder : LearningEncoder or None
        None where there are no tokens but the columns of a matrix.
    width : int
        Columns of the table.
    n_known : int
        Features from this id on are looked for; those before have their rows.
    coverage : float
        Share of those before that had a vector.

    Raises
    ------
    ValueError
        If the source has vectors of another width, numbers that are not finite or none
        for any token; if a file is malformed (the message names the line); or if
        there are no tokens to look for.
    TypeError
        If it is nothing that vectors can be read from.
    OSError
        If a file cannot be read.
    """
    words = _tokens_of(encoder)
    tokens = np.fromiter(words.values(), ID_DTYPE, len(words))
    wanted = {word: id_ for word, id_ in words.items() if id_ >= n_known}
    found = _Found(wanted, width)
    if wanted:
        _read(source, found)
    n_found = coverage * (len(tokens) - len(wanted)) + len(found.rows)
    if n_found == 0:
        examples = ", ".join(repr(word) for word in list(words)[:5])
        raise ValueError(
            f"embedding_init has no vector for any of the {len(words)} tokens of the "
            f"vocabulary ({examples}, ...). Tokens are compared as they are: check "
            "lowercase, token_pattern and the language of the vectors."
        )
    ids = np.array(sorted(found.rows), dtype=ID_DTYPE)
    rows = np.empty((len(ids), width), dtype=WEIGHT_DTYPE)
    for place, id_ in enumerate(ids.tolist()):
        rows[place] = found.rows[id_]
    return Vectors(tokens, ids, rows, n_found / len(tokens))


def _tokens_of(encoder: LearningEncoder | None) -> dict[str, int]:
    """Ids of the single tokens, by their names."""
    if encoder is None:
        raise ValueError(
            "embedding_init needs texts: the columns of a matrix have no words to look "
            "up. Fit on texts, or use embedding_init=None."
        )
    if isinstance(encoder, ColumnsEncoder):
        raise ValueError(
            "embedding_init gives vectors to the words of one column of texts, but X "
            f"is a data frame of the columns {described(encoder.columns)}. Use "
            "embedding_init=None, or join the texts into one column."
        )
    try:
        names = encoder.names()
    except AttributeError as error:
        # Of an earlier fit; `n_buckets` has been set back since.
        raise ValueError(
            "embedding_init needs a vocabulary to look its words up, and hashed "
            "features have none. Fit with n_buckets=None and warm_start=False, or use "
            "embedding_init=None."
        ) from error
    ids = np.flatnonzero(encoder.kinds == FeatureKind.TERM).tolist()
    if not ids:
        raise ValueError(
            "embedding_init gives vectors to single tokens, but the features are none. "
            "Let ngram_range start at 1."
        )
    return {names[id_]: id_ for id_ in ids}


class _Found:
    """The vectors found so far, each checked."""

    def __init__(self, wanted: dict[str, int], width: int) -> None:
        self.wanted = wanted
        self.width = width
        self.rows: dict[int, NDArray[np.float32]] = {}

    def put(self, word: str, vector: Any) -> None:
        """Keep the vector of a wanted word; of several the first."""
        id_ = self.wanted[word]
        if id_ in self.rows:
            return
        try:
            with np.errstate(over="ignore"):
                row = np.array(vector, dtype=WEIGHT_DTYPE)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"embedding_init: the vector of {word!r} is not made of numbers: "
                f"{vector!r:.60}."
            ) from error
        if row.ndim != 1:
            raise ValueError(
                f"embedding_init: the vector of {word!r} has {row.ndim} dimensions. "
                "Pass one vector of numbers per token."
            )
        check_width(len(row), self.width, f"the vector of {word!r} has")
        if not np.isfinite(row).all():
            raise ValueError(
                f"embedding_init: the vector of {word!r} holds numbers that are not "
                "finite in float32. Leave the token out, or mend its vector."
            )
        self.rows[id_] = row


def check_width(n_numbers: int, width: int, what: str) -> None:
    """Raise where vectors are not as wide as the table.

    Raises
    ------
    ValueError
        The message gives both numbers.
    """
    if n_numbers != width:
        raise ValueError(
            f"embedding_init: {what} {n_numbers} numbers, but embedding_dim={width}. "
            f"Set embedding_dim={n_numbers}."
        )


def check_source(source: Any) -> None:
    """Raise where something cannot be a source of vectors, without reading it.

    Raises
    ------
    TypeError
    """
    if not (
        isinstance(source, (str, os.PathLike, Mapping))
        or isinstance(source, KeyedVectors)
        or _is_pair(source)
    ):
        raise TypeError(
            f"embedding_init must be {_FORMS}; got {source!r:.60} of type "
            f"{type(source).__name__}."
        )


def _is_pair(source: Any) -> bool:
    return isinstance(source, (tuple, list)) and len(source) == 2


def _read(source: Any, found: _Found) -> None:
    check_source(source)
    if isinstance(source, (str, os.PathLike)):
        _read_file(source, found)
    elif isinstance(source, KeyedVectors):
        _read_matrix(source.key_to_index, source.vectors, found)
    elif isinstance(source, Mapping):
        for word in found.wanted:
            if word in source:
                found.put(word, source[word])
    else:
        words, matrix = source
        _read_pair(words, matrix, found)


def _read_pair(words: Sequence[str], matrix: Any, found: _Found) -> None:
    words = list(words)
    matrix = np.asarray(matrix)
    if matrix.ndim != 2 or len(matrix) != len(words):
        raise ValueError(
            "embedding_init=(words, matrix) needs one row per word, got "
            f"{len(words)} words and a matrix of shape {matrix.shape}."
        )
    # Backwards: of several rows for a word the first counts.
    places = {word: len(words) - 1 - i for i, word in enumerate(reversed(words))}
    _read_matrix(places, matrix, found)


def _read_matrix(places: Mapping[str, int], matrix: Any, found: _Found) -> None:
    if np.ndim(matrix) != 2:
        raise ValueError(
            "embedding_init: the vectors must be a matrix of one row per word, got "
            f"{np.ndim(matrix)} dimensions."
        )
    check_width(matrix.shape[1], found.width, "the vectors have")
    for word in found.wanted:
        if word in places:
            found.put(word, matrix[places[word]])


def _read_file(path: str | os.PathLike[str], found: _Found) -> None:
    """Read the wanted lines of a file; all of them are checked for their form."""
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
                    check_width(announced[1], found.width, f"{name} has vectors of")
                    continue
                n_numbers = _n_numbers(line)
                if n_numbers:
                    check_width(n_numbers, found.width, f"line 1 of {name} has")
            if not line:
                # At the end of a file it is no line.
                n_blank += 1
                continue
            n_vectors += 1
            token = _token_of(line, found.width)
            if not token or n_blank or len(line) >= LONGEST_LINE - 1:
                raise _malformed(name, number, found.width, line)
            word = wanted.get(token)
            if word is not None:
                numbers = line[len(token) + 1 :].split(b" ")
                try:
                    vector = list(map(float, numbers))
                except ValueError as error:
                    raise _malformed(name, number, found.width, line) from error
                found.put(word, vector)
            elif not token.isascii():
                try:
                    token.decode("utf-8", "surrogatepass")
                except UnicodeDecodeError as error:
                    # fastText cuts some words in the middle of a character. A binary
                    # file shows in its first lines.
                    if n_vectors == 1:
                        raise _malformed(name, number, found.width, line) from error
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

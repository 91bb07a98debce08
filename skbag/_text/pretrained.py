"""Vectors made elsewhere: the rows of a table that tokens begin with.

Only single tokens (`FeatureKind.TERM`) have vectors; a file holds none for pairs of
words. Of a source only the rows of known tokens are kept, and of the source itself
nothing.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from skbag._core.dtypes import ID_DTYPE
from skbag._text.columns import described
from skbag._text.columns_encoder import ColumnsEncoder
from skbag._text.encoder import LearningEncoder
from skbag._text.features import FeatureKind
from skbag._text.found_vectors import FoundVectors
from skbag._text.hashed_encoder import HashedEncoder
from skbag._text.static_embeddings import (
    StaticEmbeddings,
    check_tokenizer,
    read_static_embeddings,
    whole_words,
)
from skbag._text.vector_file import first_words, read_file

_FORMS = (
    "a mapping of tokens to vectors, a pair (words, matrix), an object with "
    "`key_to_index` and `vectors` as gensim's KeyedVectors, one with `tokenizer` and "
    "`embedding` as model2vec's StaticModel, or the path of a text file of vectors "
    "(.vec, GloVe), plain or gzip"
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
    width: int | None,
    *,
    n_known: int = 0,
    coverage: float = 0.0,
) -> Vectors:
    """Find the vectors of an encoder's tokens.

    Parameters
    ----------
    source : mapping, tuple, KeyedVectors, StaticEmbeddings, str or path-like
    encoder : LearningEncoder or None
        None where there are no tokens but the columns of a matrix.
    width : int or None
        Numbers of a vector; None for as many as the source's have.
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
    found = FoundVectors(wanted, width)
    if wanted:
        read_source(source, found)
    n_found = coverage * (len(tokens) - len(wanted)) + len(found)
    if n_found == 0:
        raise _no_vectors(list(words))
    ids, rows = found.arrays()
    return Vectors(tokens, ids, rows, n_found / len(tokens))


def find_more_vectors(
    source: Any, encoder: LearningEncoder | None, n_words: int
) -> tuple[LearningEncoder, Vectors]:
    """Find the vectors of an encoder's tokens, and of frequent words that it lacks.

    Parameters
    ----------
    source : mapping, tuple, KeyedVectors, StaticEmbeddings, str or path-like
    encoder : LearningEncoder or None
        As in `find_vectors`; it stays as it is.
    n_words : int
        How many of the first words of the source to look at.

    Returns
    -------
    encoder : LearningEncoder
        Knows the words that have a vector, too, as the last of its features.
    vectors : Vectors
        The coverage is that of the tokens of the encoder given.

    Raises
    ------
    ValueError, TypeError, OSError
        As `find_vectors`.
    """
    known = _tokens_of(encoder)
    assert encoder is not None
    n_ids, grown = encoder.n_ids, copy.deepcopy(encoder)
    wanted = {**known, **_learn_words(grown, frequent_words(source, n_words))}
    found = FoundVectors(wanted, None)
    read_source(source, found)
    ids, rows = found.arrays()
    n_found = int(np.searchsorted(ids, n_ids))
    if n_found == 0:
        raise _no_vectors(list(known))
    new_ids = ids[n_found:]
    kept_ids = np.append(np.arange(n_ids, dtype=ID_DTYPE), new_ids)
    ids = np.append(ids[:n_found], np.arange(n_ids, len(kept_ids), dtype=ID_DTYPE))
    tokens = np.append(np.fromiter(known.values(), ID_DTYPE, len(known)), ids[n_found:])
    return grown.select(kept_ids), Vectors(tokens, ids, rows, n_found / len(known))


def _learn_words(encoder: LearningEncoder, words: list[str]) -> dict[str, int]:
    """Let an encoder learn words as texts; return the tokens new to it.

    Only those of words that are one token, which others may be cut into.
    """
    n_ids = encoder.n_ids
    bags = encoder.learn(words)
    is_term = encoder.kinds[bags.ids] == FeatureKind.TERM
    is_single = bags.row_sums(is_term.astype(np.int64)) == 1
    is_wanted = np.repeat(is_single, np.diff(bags.offsets)) & is_term
    ids = np.unique(bags.ids[is_wanted])
    new_ids = ids[ids >= n_ids]
    names = encoder.select(new_ids.astype(ID_DTYPE)).names()
    return dict(zip(names, new_ids.tolist(), strict=True))


def _no_vectors(words: list[str]) -> ValueError:
    examples = ", ".join(map(repr, words[:5]))
    return ValueError(
        f"embedding_init has no vector for any of the {len(words)} tokens of the "
        f"vocabulary ({examples}, ...). Tokens are compared as they are: check "
        "lowercase, token_pattern and the language of the vectors."
    )


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
    if isinstance(encoder, HashedEncoder):
        # Of an earlier fit; `n_buckets` has been set back since.
        raise ValueError(
            "embedding_init needs a vocabulary to look its words up, and hashed "
            "features have none. Fit with n_buckets=None and warm_start=False, or use "
            "embedding_init=None."
        )
    ids = np.flatnonzero(encoder.kinds == FeatureKind.TERM)
    # Of these alone: names of all pairs take a while.
    names = encoder.select(ids.astype(ID_DTYPE)).names()
    if not names:
        raise ValueError(
            "embedding_init gives vectors to single tokens, but the features are none. "
            "Let ngram_range start at 1."
        )
    return dict(zip(names, ids.tolist(), strict=True))


def check_source(source: Any) -> None:
    """Raise where something cannot be a source of vectors, without reading it.

    Raises
    ------
    TypeError
    """
    if not (
        isinstance(source, (str, os.PathLike, Mapping))
        or isinstance(source, (KeyedVectors, StaticEmbeddings))
        or _is_pair(source)
    ):
        raise TypeError(
            f"embedding_init must be {_FORMS}; got {source!r:.60} of type "
            f"{type(source).__name__}."
        )
    if isinstance(source, StaticEmbeddings):
        check_tokenizer(source)


def _is_pair(source: Any) -> bool:
    return isinstance(source, (tuple, list)) and len(source) == 2


def frequent_words(source: Any, n_words: int) -> list[str]:
    """Return the first words of a source, which most list by falling frequency.

    Parameters
    ----------
    source : mapping, tuple, KeyedVectors, StaticEmbeddings, str or path-like
    n_words : int
        At most so many.

    Raises
    ------
    OSError
        If a file cannot be read.
    """
    if isinstance(source, (str, os.PathLike)):
        return first_words(source, n_words)
    if isinstance(source, StaticEmbeddings):
        return whole_words(source, n_words)
    if isinstance(source, KeyedVectors):
        source = source.key_to_index
    words = source if isinstance(source, Mapping) else source[0]
    return [word for word in islice(words, n_words) if isinstance(word, str)]


def read_source(source: Any, found: FoundVectors) -> None:
    """Find the vectors of wanted words in a source of any kind.

    Raises
    ------
    ValueError, TypeError, OSError
        As `find_vectors`.
    """
    check_source(source)
    if isinstance(source, (str, os.PathLike)):
        read_file(source, found)
    elif isinstance(source, KeyedVectors):
        _read_matrix(source.key_to_index, source.vectors, found)
    elif isinstance(source, StaticEmbeddings):
        read_static_embeddings(source, found)
    elif isinstance(source, Mapping):
        for word in found.wanted:
            if word in source:
                found.put(word, source[word])
    else:
        words, matrix = source
        _read_pair(words, matrix, found)


def _read_pair(words: Sequence[str], matrix: Any, found: FoundVectors) -> None:
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


def _read_matrix(places: Mapping[str, int], matrix: Any, found: FoundVectors) -> None:
    if np.ndim(matrix) != 2:
        raise ValueError(
            "embedding_init: the vectors must be a matrix of one row per word, got "
            f"{np.ndim(matrix)} dimensions."
        )
    found.check_width(matrix.shape[1], "the vectors have")
    known = [word for word in found.wanted if word in places]
    found.put_all(known, np.asarray(matrix[[places[word] for word in known]]))

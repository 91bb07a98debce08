"""Models of static embeddings: a tokenizer, and a vector for each of its pieces.

Such as ``model2vec.StaticModel`` and ``wordllama.WordLlama``. Nothing of theirs is
imported: the tokenizer is one of the tokenizers library, or works alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.dtypes import ID_DTYPE, OFFSET_DTYPE, WEIGHT_DTYPE
from skbag._text.found_vectors import FoundVectors

WORD_STARTS = ("\u2581", "\u0120")
"""What SentencePiece and byte-level BPE put before a piece that begins a word."""

CONTINUES = "##"
"""What WordPiece puts before a piece that goes on with a word."""


@runtime_checkable
class StaticEmbeddings(Protocol):
    """Pieces of words with their vectors."""

    tokenizer: Any
    embedding: Any


def check_tokenizer(source: StaticEmbeddings) -> None:
    """Raise where a tokenizer cannot be asked for the pieces of words.

    Raises
    ------
    TypeError
    """
    lacking = [
        name
        for name in ("get_vocab", "encode_batch")
        if not callable(getattr(source.tokenizer, name, None))
    ]
    if lacking:
        raise TypeError(
            "embedding_init: the tokenizer of a model of static embeddings must have "
            "the methods get_vocab and encode_batch of tokenizers.Tokenizer; "
            f"{type(source.tokenizer).__name__} lacks {' and '.join(lacking)}. Pass a "
            "pair (words, matrix) instead."
        )


def whole_words(source: StaticEmbeddings, n_words: int) -> list[str]:
    """Return the first pieces of a tokenizer that are words of their own.

    Tokenizers number frequent words first.

    Parameters
    ----------
    source : StaticEmbeddings
    n_words : int
        At most so many.
    """
    vocabulary = source.tokenizer.get_vocab()
    pieces = sorted(vocabulary, key=vocabulary.__getitem__)
    for mark in WORD_STARTS:
        words = [piece[1:] for piece in pieces if piece.startswith(mark)]
        if words:
            break
    else:
        words = [piece for piece in pieces if not piece.startswith(CONTINUES)]
    return list(islice(filter(None, words), n_words))


def read_static_embeddings(source: StaticEmbeddings, found: FoundVectors) -> None:
    """Give each wanted word the mean of the vectors of its pieces.

    Parameters
    ----------
    source : StaticEmbeddings
    found : FoundVectors

    Raises
    ------
    ValueError
        If the vectors are no matrix.
    """
    embedding = np.asarray(source.embedding)
    if embedding.ndim != 2:
        raise ValueError(
            "embedding_init: the vectors of a model of static embeddings must be a "
            f"matrix of one row per piece, got {embedding.ndim} dimensions."
        )
    found.check_width(embedding.shape[1], "the vectors have")
    words = list(found.wanted)
    pieces = _pieces(source, words, len(embedding))
    lengths = np.diff(pieces.offsets)
    known = np.flatnonzero(lengths)
    # Only the rows that are needed become float32.
    ids, compacted = pieces.compacted()
    means = compacted.matmul(embedding[ids].astype(WEIGHT_DTYPE))[known]
    means /= lengths[known, np.newaxis]
    found.put_all([words[i] for i in known.tolist()], means)


def _pieces(source: StaticEmbeddings, words: Sequence[str], n_rows: int) -> Bags:
    """Rows of the pieces of each word, with their weights; unknown ones left out."""
    unknown = _unknown_id(source.tokenizer)
    ids: list[int] = []
    lengths: list[int] = []
    for encoding in source.tokenizer.encode_batch(
        list(words), add_special_tokens=False
    ):
        # Some tokenizers pad, so that all words of a batch have as many pieces.
        mask = getattr(encoding, "attention_mask", None) or [1] * len(encoding.ids)
        own = [
            piece
            for piece, is_own in zip(encoding.ids, mask, strict=True)
            if is_own and piece != unknown
        ]
        ids += own
        lengths.append(len(own))
    pieces = np.array(ids, dtype=np.int64)
    weights = _of_pieces(source, "weights", pieces)
    # Of a model whose pieces share vectors.
    rows = _of_pieces(source, "token_mapping", pieces)
    rows = pieces if rows is None else rows
    if len(rows) and not 0 <= rows.min() <= rows.max() < n_rows:
        raise ValueError(
            f"embedding_init: the tokenizer gives the number {int(rows.max())} to a "
            f"piece of a word, but there are {n_rows} vectors. Pass the tokenizer and "
            "the vectors of one model."
        )
    offsets = np.zeros(len(lengths) + 1, dtype=OFFSET_DTYPE)
    np.cumsum(lengths, out=offsets[1:])
    if weights is None:
        weights = np.ones(len(rows))
    return Bags(rows.astype(ID_DTYPE), offsets, weights.astype(WEIGHT_DTYPE), n_rows)


def _of_pieces(
    source: StaticEmbeddings, name: str, pieces: NDArray[np.int64]
) -> NDArray[Any] | None:
    """Entries of an optional array of one entry for each piece."""
    of_all = getattr(source, name, None)
    return None if of_all is None else np.asarray(of_all)[pieces]


def _unknown_id(tokenizer: Any) -> int | None:
    """Id of the piece that stands for what a tokenizer does not know, if any."""
    token = getattr(getattr(tokenizer, "model", None), "unk_token", None)
    return None if token is None else tokenizer.get_vocab().get(token)

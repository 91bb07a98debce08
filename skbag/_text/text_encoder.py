"""Encoders of whole texts: from each text to one vector.

Such as ``sentence_transformers.SentenceTransformer`` and ``model2vec.StaticModel``, or
any function. Nothing of theirs is imported; what they give is checked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.dtypes import ID_DTYPE, WEIGHT_DTYPE
from skbag._text.token_cache import shared_vectors

TEXTS_AT_ONCE = 1024
"""Texts that an encoder is given at a time: it sorts them by length, if at all."""


def is_text_encoder(value: Any) -> bool:
    """Whether something has a method `encode`, or can be called; no str, no class."""
    if isinstance(value, (str, bytes, type)):
        return False
    return callable(getattr(value, "encode", None)) or callable(value)


@dataclass(frozen=True, eq=False)
class TextEncoder:
    """Makes vectors of norm 1 of texts.

    Parameters
    ----------
    source : object
        Has a method ``encode``, or is called, with a list of str; gives an array of
        shape (n_texts, width). Models of sentence-transformers are both, and only
        `encode` takes texts.
    width : int
        Numbers of a vector.
    """

    source: Any
    width: int

    @classmethod
    def measured(cls, source: Any, text: Any) -> TextEncoder:
        """Encoder of the width that a first text shows.

        Raises
        ------
        TypeError, ValueError
            See `encode`.
        """
        _check_texts([text])
        return cls(source, _vectors_of(source, [text]).shape[1])

    def encode(self, texts: Sequence[Any]) -> NDArray[np.float32]:
        """Vectors of texts, of norm 1; zeros stay zeros.

        Within `shared_tokens` texts that were encoded before are looked up.

        Returns
        -------
        vectors : ndarray of shape (n_texts, width), dtype=float32

        Raises
        ------
        TypeError
            If a text is no str; or the vectors are no array of numbers.
        ValueError
            If these are not finite or not of the shape that they should be.
        """
        _check_texts(texts)
        known = shared_vectors(self.source)
        if known is None:
            return self._encode(texts)
        unknown = [text for text in dict.fromkeys(texts) if text not in known.by_text]
        own = dict(zip(unknown, self._encode(unknown), strict=True))
        known.keep(own)
        rows = [known.by_text.get(text, own.get(text)) for text in texts]
        return np.array(rows, dtype=WEIGHT_DTYPE).reshape(len(texts), self.width)

    def _encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.empty((len(texts), self.width), dtype=WEIGHT_DTYPE)
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            part = list(texts[start : start + TEXTS_AT_ONCE])
            own = _vectors_of(self.source, part)
            if own.shape[1] != self.width:
                raise ValueError(
                    f"text_encoder gives vectors of {own.shape[1]} numbers, but those "
                    f"of fit had {self.width}. Pass the encoder that fit was given."
                )
            vectors[start : start + len(part)] = _with_norm_1(own)
        return vectors

    def join(self, bags: Bags, texts: Sequence[Any]) -> Bags:
        """Put the numbers of vectors after the entries of bags, as further ids.

        Parameters
        ----------
        bags : Bags
            Weighted.
        texts : sequence of str
            Of as many texts.
        """
        offsets = np.arange(len(texts) + 1, dtype=bags.offsets.dtype) * self.width
        ids = np.arange(self.width, dtype=ID_DTYPE)
        of_texts = np.tile(ids, len(texts))
        numbers = Bags(of_texts, offsets, self.encode(texts).ravel(), self.width)
        same = np.arange(bags.n_ids, dtype=ID_DTYPE)
        new_ids = [same, ids + ID_DTYPE(bags.n_ids)]
        return Bags.side_by_side([bags, numbers], new_ids, bags.n_ids + self.width)


def _check_texts(texts: Sequence[Any]) -> None:
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(
                f"text_encoder encodes texts, but X holds {text!r:.50}, a "
                f"{type(text).__name__}. Pass texts, or use text_encoder=None."
            )


def _vectors_of(source: Any, texts: list[str]) -> NDArray[np.float64]:
    """What a source makes of texts, checked; not yet of norm 1."""
    encode: Callable[[list[str]], Any] = getattr(source, "encode", source)
    given = encode(texts)
    expected = f"an array of shape ({len(texts)}, n_numbers) for {len(texts)} texts"
    if sp.issparse(given):
        raise TypeError(
            f"text_encoder gave a sparse matrix, not {expected}. Make it dense and "
            "small, for instance by TruncatedSVD; features of words skbag has itself."
        )
    try:
        vectors = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(
            f"text_encoder gave a {type(given).__name__} that is no array of numbers "
            f"({error!s:.100}), not {expected}. Convert it, as .cpu().numpy() does a "
            "tensor."
        ) from error
    if vectors.ndim != 2 or len(vectors) != len(texts) or not vectors.shape[1]:
        raise ValueError(
            f"text_encoder gave an array of shape {vectors.shape}, not {expected}. "
            "It is called with a list of texts, and is to give one row for each."
        )
    if not np.isfinite(vectors).all():
        where = int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])
        raise ValueError(
            f"text_encoder gave a vector that is not finite, of {texts[where]!r:.80}. "
            "Give zeros where there is nothing to say of a text."
        )
    return vectors


def _with_norm_1(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    # Twice: squares of the largest and of the smallest numbers are no numbers.
    largest = np.abs(vectors).max(axis=1, keepdims=True)
    vectors = vectors / np.where(largest > 0, largest, 1)
    norms = np.sqrt(np.square(vectors).sum(axis=1, keepdims=True))
    return np.asarray(vectors / np.where(norms > 0, norms, 1))

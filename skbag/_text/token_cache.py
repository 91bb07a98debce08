"""Texts that are tokenised, or encoded, once for several fits."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import AbstractContextManager, ContextDecorator
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._text.encoder import LearningEncoder
from skbag._text.text_options import TextOptions, make_encoder

MOST_KEPT = 48
"""Of how many sets of texts and text parameters the tokens are kept: those of some
folds and some settings."""

MAX_NUMBERS_KEPT = 2**27
"""Of the vectors of an encoder of whole texts (512 MiB)."""


@dataclass(frozen=True, eq=False)
class _Learnt:
    """What an encoder has made of texts."""

    texts: Sequence[str]
    options: TextOptions
    short_text_features: bool
    encoder: LearningEncoder
    counts: Bags


@dataclass(eq=False)
class KnownVectors:
    """Vectors that an encoder of whole texts has made.

    Parameters
    ----------
    source : object
        The encoder.
    by_text : dict of str to ndarray of shape (width,), dtype=float32
    """

    source: Any
    by_text: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    def keep(self, vectors: dict[str, NDArray[np.float32]]) -> None:
        """Keep vectors of more texts, as many as there is room for."""
        width = next((len(vector) for vector in vectors.values()), 1)
        n_left = max(MAX_NUMBERS_KEPT // width - len(self.by_text), 0)
        self.by_text.update(islice(vectors.items(), n_left))


_shared: ContextVar[deque[_Learnt] | None] = ContextVar("_shared", default=None)
_vectors: ContextVar[list[KnownVectors] | None] = ContextVar("_vectors", default=None)


class _Sharing(ContextDecorator):
    # Not a generator: one that is still open when a process ends would be closed in
    # another context, with an error. A worker of a cluster never leaves the block.
    _tokens: tuple[Token[deque[_Learnt] | None], Token[list[KnownVectors] | None]]

    def __enter__(self) -> None:
        self._tokens = _shared.set(deque(maxlen=MOST_KEPT)), _vectors.set([])

    def __exit__(self, *error: object) -> None:
        of_tokens, of_vectors = self._tokens
        _shared.reset(of_tokens)
        _vectors.reset(of_vectors)

    def _recreate_cm(self) -> _Sharing:
        return _Sharing()  # a decorated function may call itself


def shared_tokens() -> AbstractContextManager[None]:
    """Within it, fits on the same texts with the same text parameters share tokens.

    The texts of a fit are read, split into tokens and counted only if that has not been
    done before: equal texts in equal order, whatever the `random_state` is, and
    equal text parameters (those of ``CountVectorizer`` and `short_text_features`).
    Everything that comes later (`min_df`, weights, layers, training) may differ, and
    the models are the same as without, bit by bit.

    An encoder of whole texts (`text_encoder`) is asked for the vector of each text
    once, be it in a fit or in predictions, as long as the vectors kept have fewer than
    2**27 numbers.

    For fits one after the other in this thread: worker processes do not share with
    this one, nor with each other. The tokens of the last 48 sets of texts are kept
    until the end of the block.

    .. versionadded:: 0.1

    Returns
    -------
    block : context manager
        Gives nothing to ``as``; a worker process may enter it for good.

    Examples
    --------
    >>> from skbag import EmbeddingBagClassifier
    >>> from skbag.tuning import shared_tokens
    >>> texts, labels = ["late parcel", "refund my money"] * 10, [0, 1] * 10
    >>> with shared_tokens():
    ...     for alpha in (1e-5, 1e-4):
    ...         clf = EmbeddingBagClassifier(alpha=alpha, random_state=0)
    ...         clf = clf.fit(texts, labels)
    """
    return _Sharing()


def shared_vectors(source: Any) -> KnownVectors | None:
    """Vectors that an encoder of whole texts has made so far; None if none are kept."""
    shared = _vectors.get()
    if shared is None:
        return None
    for known in shared:
        if known.source is source:
            return known
    shared.append(KnownVectors(source))
    return shared[-1]


def learn(
    texts: Sequence[str],
    options: TextOptions,
    short_text_features: bool,
    n_threads: int = 1,
) -> tuple[LearningEncoder, Bags]:
    """Return an encoder that has learnt texts, and their counts; shared perhaps.

    Neither is to be changed.
    """
    shared = _shared.get()
    for known in shared or ():
        # Different texts differ soon, equal ones are mostly the very same objects.
        if (
            known.short_text_features == short_text_features
            and known.options == options
            and known.texts == texts
        ):
            return known.encoder, known.counts
    encoder = make_encoder(options, short_text_features)
    counts = encoder.learn(texts, n_threads)
    if shared is not None:
        shared.append(_Learnt(texts, options, short_text_features, encoder, counts))
    return encoder, counts

"""Texts that are tokenised once for several fits with the same text parameters."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import AbstractContextManager, ContextDecorator
from contextvars import ContextVar, Token
from dataclasses import dataclass

from skbag._core.bags import Bags
from skbag._text.encoder import LearningEncoder
from skbag._text.text_options import TextOptions, make_encoder

MOST_KEPT = 48
"""Of how many sets of texts and text parameters the tokens are kept: those of some
folds and some settings."""


@dataclass(frozen=True, eq=False)
class _Learnt:
    """What an encoder has made of texts."""

    texts: Sequence[str]
    options: TextOptions
    short_text_features: bool
    encoder: LearningEncoder
    counts: Bags


_shared: ContextVar[deque[_Learnt] | None] = ContextVar("_shared", default=None)


class _Sharing(ContextDecorator):
    # Not a generator: one that is still open when a process ends would be closed in
    # another context, with an error. A worker of a cluster never leaves the block.
    _token: Token[deque[_Learnt] | None]

    def __enter__(self) -> None:
        self._token = _shared.set(deque(maxlen=MOST_KEPT))

    def __exit__(self, *error: object) -> None:
        _shared.reset(self._token)

    def _recreate_cm(self) -> _Sharing:
        return _Sharing()  # a decorated function may call itself


def shared_tokens() -> AbstractContextManager[None]:
    """Within it, fits on the same texts with the same text parameters share tokens.

    The texts of a fit are read, split into tokens and counted only if that has not been
    done before: equal texts in equal order, whatever the `random_state` is, and
    equal text parameters (those of ``CountVectorizer`` and `short_text_features`).
    Everything that comes later (`min_df`, weights, layers, training) may differ, and
    the models are the same as without, bit by bit.

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

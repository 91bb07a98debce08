"""What the estimator's parameters may be, and what they mean together."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from hashlib import sha256
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from skbag._core.dtypes import ID_DTYPE
from skbag._core.threads import n_threads
from skbag._estimator.vector_parameters import (
    check_embedding_init,
    check_text_encoder,
)
from skbag._model.quantization import BITS
from skbag._text.buckets import FEWEST_BUCKETS
from skbag._text.columns import Column
from skbag._text.pretrained import KeyedVectors
from skbag._text.pruning import Pruning
from skbag._text.static_embeddings import StaticEmbeddings
from skbag._text.text_options import TextOptions
from skbag._text.token_rules import DEFAULT_PATTERN, DEFAULT_TOKENS
from skbag._training.settings import Settings, TrainingOptions
from skbag._weighting.weighting import Weighting

LARGEST_RATE = 1e100
"""Of learning: what it is multiplied by does not overflow."""

CONSTRAINTS: dict[str, list[Any]] = {
    "lowercase": ["boolean"],
    "strip_accents": [StrOptions({"ascii", "unicode"}), None, callable],
    "preprocessor": [callable, None],
    "tokenizer": [callable, None],
    "token_pattern": [str, None],
    "analyzer": [StrOptions({"word", "char", "char_wb"}), callable],
    "stop_words": [StrOptions({"english"}), list, None],
    "ngram_range": [tuple],
    "min_df": [
        StrOptions({"auto"}),
        Interval(Real, 0, 1, closed="both"),
        Interval(Integral, 1, None, closed="left"),
    ],
    "max_df": [
        Interval(Real, 0, 1, closed="both"),
        Interval(Integral, 1, None, closed="left"),
    ],
    "max_features": [Interval(Integral, 1, None, closed="left"), None],
    "vocabulary": ["array-like", Mapping, set, frozenset, None],
    "short_text_features": [StrOptions({"auto"}), "boolean"],
    "subword_ngram_range": [StrOptions({"auto"}), tuple, None],
    "n_buckets": [
        Interval(Integral, FEWEST_BUCKETS, np.iinfo(ID_DTYPE).max, closed="both"),
        None,
    ],
    "use_idf": ["boolean"],
    "sublinear_tf": ["boolean"],
    "norm": [StrOptions({"l1", "l2"}), None],
    "supervised_weighting": [StrOptions({"auto"}), "boolean"],
    "embedding_dim": [Interval(Integral, 1, None, closed="left"), None],
    "embedding_init": [
        Mapping,
        tuple,
        list,
        KeyedVectors,
        StaticEmbeddings,
        str,
        os.PathLike,
        None,
    ],
    "freeze_embedding": ["boolean"],
    "text_encoder": [HasMethods("encode"), callable, None],
    "hidden_layer_sizes": ["array-like"],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "alpha": [StrOptions({"auto"}), Interval(Real, 0, None, closed="left")],
    "learning_rate_init": [
        StrOptions({"auto"}),
        Interval(Real, 0, None, closed="neither"),
    ],
    "max_iter": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "batch_size": [
        StrOptions({"auto"}),
        Interval(Integral, 1, None, closed="left"),
    ],
    "shuffle": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
    "tol": [Interval(Real, 0, None, closed="left")],
    "warm_start": ["boolean"],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
    "device": [str],
    "n_jobs": [Integral, None],
    "distributed": ["boolean", StrOptions({"local", "synchronous"})],
    "checkpoint": [str, os.PathLike, None],
}


def settings_of(
    estimator: Any, *, is_text: bool, columns: tuple[Column, ...] | None = None
) -> Settings:
    """Parameters of an estimator, grouped, with "auto" resolved where it can be.

    Parameters
    ----------
    estimator : BaseEmbeddingBag
    is_text : bool
        Whether it is to be fitted on texts, or on a matrix.
    columns : tuple of Column or None
        What the columns of a data frame are; None for other input.

    Raises
    ------
    ValueError
        If two parameters cannot go together, or one is not what `CONSTRAINTS` can say.
    """
    if estimator.loss == "adaptive_softmax" and estimator.embedding_dim is None:
        raise ValueError(
            "loss='adaptive_softmax' needs an embedding that many classes share: set "
            "embedding_dim, for instance to 64."
        )
    check_embedding_init(estimator)
    check_text_encoder(estimator, is_text=is_text, columns=columns)
    return Settings(
        text=_text_options(estimator),
        short_text_features=estimator.short_text_features,
        pruning=Pruning(
            _plain(estimator.min_df),
            _plain(estimator.max_df),
            _plain(estimator.max_features),
        ),
        weighting=_weighting(estimator, is_text=is_text),
        training=_training_options(estimator),
        validation_fraction=(
            _plain(estimator.validation_fraction) if estimator.early_stopping else None
        ),
        n_jobs=_plain(estimator.n_jobs),
        embedding_init=estimator.embedding_init,
        text_encoder=estimator._text_encoder,
        auto_subwords=_is_auto(estimator.subword_ngram_range),
        columns=columns,
    )


def _text_options(estimator: Any) -> TextOptions:
    return TextOptions(
        lowercase=estimator.lowercase,
        strip_accents=estimator.strip_accents,
        preprocessor=estimator.preprocessor,
        tokenizer=estimator.tokenizer,
        token_pattern=_token_pattern(estimator),
        analyzer=estimator.analyzer,
        stop_words=estimator.stop_words,
        ngram_range=_ngram_range(estimator.ngram_range),
        vocabulary=estimator.vocabulary,
        subword_ngram_range=_subword_ngram_range(estimator.subword_ngram_range),
        n_buckets=_n_buckets(estimator),
    )


def _weighting(estimator: Any, *, is_text: bool) -> Weighting:
    # A matrix keeps the values that its maker has chosen.
    supervised = estimator.supervised_weighting
    return Weighting(
        use_idf=estimator.use_idf and is_text,
        sublinear_tf=estimator.sublinear_tf and is_text,
        norm=estimator.norm if is_text else None,
        supervised=is_text if supervised == "auto" else bool(supervised),
    )


def _training_options(estimator: Any) -> TrainingOptions:
    return TrainingOptions(
        loss=estimator._losses[estimator.loss],
        embedding_dim=_plain(estimator.embedding_dim),
        hidden_layer_sizes=_hidden_sizes(
            estimator.hidden_layer_sizes, estimator.embedding_dim
        ),
        dropout=_plain(estimator.dropout),
        learning_rate_init=_learning_rate(estimator),
        alpha=_none_if_auto(estimator.alpha),
        max_iter=_none_if_auto(estimator.max_iter),
        batch_size=_none_if_auto(estimator.batch_size),
        shuffle=estimator.shuffle,
        n_iter_no_change=_plain(estimator.n_iter_no_change),
        tol=_plain(estimator.tol),
        device=estimator.device,
        freeze_embedding=estimator.freeze_embedding,
        n_threads=n_threads(estimator.n_jobs),
        local_steps={"local": True, "synchronous": False}.get(estimator.distributed),
    )


def _learning_rate(estimator: Any) -> float | None:
    """Return the learning rate; None for "auto"."""
    rate: float | None = _none_if_auto(estimator.learning_rate_init)
    # No bound of an interval: a small type of numpy cannot be compared with it.
    if rate is not None and rate >= LARGEST_RATE:
        raise ValueError(
            f"learning_rate_init must be below {LARGEST_RATE:g}, got {rate:g}. Use "
            "'auto', or a number of about 0.1."
        )
    return rate


def _is_auto(value: Any) -> bool:
    return isinstance(value, str) and value == "auto"


def _none_if_auto(value: Any) -> Any:
    return None if _is_auto(value) else _plain(value)


def _plain(value: Any) -> Any:
    """Return NumPy's numbers as Python's: an int8 overflows in the rules of "auto"."""
    if isinstance(value, Integral):
        return int(value)
    return float(value) if isinstance(value, Real) else value


def check_distributed(estimator: Any) -> None:
    """Raise where an estimator is to be fitted by several processes and cannot be.

    Raises
    ------
    ValueError
    """
    for parameter, unusable, other in (
        ("loss", estimator.loss == "adaptive_softmax", "'cross_entropy'"),
        ("embedding_init", estimator.embedding_init is not None, "None"),
        ("text_encoder", estimator._text_encoder is not None, "None"),
        ("warm_start", bool(estimator.warm_start), "False"),
    ):
        if unusable:
            raise ValueError(
                "distributed=True does not go with "
                f"{parameter}={getattr(estimator, parameter)!r:.80}. Use "
                f"{parameter}={other}, or distributed=False."
            )
    _check_local(estimator)


def _check_local(estimator: Any) -> None:
    """Raise where local steps are asked for and there are none."""
    if estimator.distributed != "local":
        return
    for parameter, unusable, other in (
        ("loss", estimator.loss != "squared_hinge", "'squared_hinge'"),
        ("embedding_dim", estimator.embedding_dim is not None, "None"),
        ("dropout", estimator.dropout > 0, "0"),
    ):
        if unusable:
            raise ValueError(
                "distributed='local' trains a table of scores by the squared hinge, "
                f"not with {parameter}={getattr(estimator, parameter)!r:.80}. Use "
                f"{parameter}={other}, or distributed=True."
            )


_FREE = {
    "verbose",
    "device",
    "n_jobs",
    "embedding_init",
    "text_encoder",
    "distributed",
    "checkpoint",
}
"""Parameters that may change between two parts of a fit: they do not change the model,
or are looked at in another way."""


def facts_of(estimator: Any) -> dict[str, str]:
    """Parameters of an estimator that several processes must have alike, in words.

    Functions go by their names, vocabularies by a digest.
    """
    facts = {}
    for name in estimator._parameter_constraints:
        value = getattr(estimator, name)
        if name in _FREE:
            continue
        if name == "random_state" and not isinstance(value, Integral):
            continue
        if name == "vocabulary" and value is not None:
            terms = value.items() if isinstance(value, Mapping) else value
            digest = sha256(repr(sorted(map(repr, terms))).encode("utf-8", "replace"))
            value = digest.hexdigest()
        elif callable(value):
            value = getattr(value, "__qualname__", type(value).__qualname__)
        facts[name] = repr(value)
    return facts


def _token_pattern(estimator: Any) -> str | None:
    pattern: str | None = estimator.token_pattern
    if pattern is None:
        if estimator.analyzer == "word" and estimator.tokenizer is None:
            raise ValueError(
                "token_pattern=None needs a tokenizer to find the words. Pass one, or "
                "leave token_pattern at its default."
            )
        return None
    if pattern == DEFAULT_PATTERN:
        return DEFAULT_TOKENS.pattern
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(
            f"token_pattern={pattern!r} is not a regular expression: {error}."
        ) from error
    return pattern


def _ngram_range(ngram_range: Any) -> tuple[int, int]:
    if (
        len(ngram_range) != 2
        or not all(isinstance(n, Integral) for n in ngram_range)
        or not 1 <= ngram_range[0] <= ngram_range[1]
    ):
        raise ValueError(
            "ngram_range must be two numbers (min_n, max_n) with 1 <= min_n <= max_n, "
            f"got {ngram_range!r}. Use (1, 2) for words and pairs of words."
        )
    return int(ngram_range[0]), int(ngram_range[1])


def _subword_ngram_range(ngram_range: Any) -> tuple[int, int] | None:
    if ngram_range is None or _is_auto(ngram_range):
        return None
    if (
        len(ngram_range) != 2
        or not all(isinstance(n, Integral) for n in ngram_range)
        or not 2 <= ngram_range[0] <= ngram_range[1]
    ):
        raise ValueError(
            "subword_ngram_range must be 'auto', None or two numbers of characters "
            f"(min_n, max_n) with 2 <= min_n <= max_n, got {ngram_range!r}. Use (3, 6) "
            "for fastText's usual subwords."
        )
    return int(ngram_range[0]), int(ngram_range[1])


def _n_buckets(estimator: Any) -> int | None:
    if estimator.n_buckets is None:
        return None
    n_buckets = int(estimator.n_buckets)
    for parameter, neutral in (
        ("vocabulary", (None,)),
        ("min_df", ("auto", 1, 0.0)),
        ("max_df", (1.0,)),
        ("max_features", (None,)),
    ):
        value = getattr(estimator, parameter)
        # As strings: 1 is one text, 1.0 is all of them.
        if str(value) not in map(str, neutral):
            raise ValueError(
                f"n_buckets={n_buckets} keeps all features, in so many buckets: it "
                f"does not go with {parameter}={value!r}. Use "
                f"{parameter}={neutral[0]!r}, or n_buckets=None."
            )
    return n_buckets


def _hidden_sizes(sizes: Any, embedding_dim: int | None) -> tuple[int, ...]:
    sizes = tuple(np.atleast_1d(np.asarray(sizes, dtype=object)).tolist())
    if not all(isinstance(size, Integral) and int(size) > 0 for size in sizes):
        raise ValueError(
            f"hidden_layer_sizes must be positive integers, got {sizes!r}. Use () for "
            "no hidden layer."
        )
    if sizes and embedding_dim is None:
        raise ValueError(
            f"hidden_layer_sizes={sizes!r} needs an embedding below the hidden layers: "
            "set embedding_dim, for instance to 64."
        )
    return tuple(int(size) for size in sizes)


def check_compression(max_bytes: Any, bits: Any) -> int | None:
    """Check the arguments of `compress`; return `max_bytes` as a plain number.

    Raises
    ------
    ValueError, TypeError
        If one cannot be used.
    """
    if isinstance(bits, bool) or (bits != "auto" and bits not in BITS):
        raise ValueError(f"bits must be 'auto', 2, 4, 8 or 16, got {bits!r}.")
    if max_bytes is None:
        return None
    if isinstance(max_bytes, bool) or not isinstance(max_bytes, Integral):
        raise TypeError(
            f"max_bytes must be a whole number of bytes or None, got {max_bytes!r}. "
            "For 1.6 megabytes pass 1_600_000."
        )
    if max_bytes < 1:
        raise ValueError(f"max_bytes must be positive, got {max_bytes}.")
    return int(max_bytes)

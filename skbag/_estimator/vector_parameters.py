"""What may not go together with vectors made elsewhere: of words, or of texts."""

from __future__ import annotations

from typing import Any

from skbag._text.columns import Column, described
from skbag._text.pretrained import check_source
from skbag._text.text_encoder import is_text_encoder


def check_embedding_init(estimator: Any) -> None:
    """Raise where vectors of words cannot be used.

    Raises
    ------
    TypeError, ValueError
    """
    source = estimator.embedding_init
    if source is None:
        if estimator.freeze_embedding:
            raise ValueError(
                "freeze_embedding=True needs embedding_init: a table that starts at "
                "zero and never changes says nothing. Pass vectors, or use "
                "freeze_embedding=False."
            )
        return
    check_source(source)
    if estimator.n_buckets is not None:
        raise ValueError(
            "embedding_init needs a vocabulary to look its words up, and features "
            f"hashed into n_buckets={estimator.n_buckets} have none. Use "
            "n_buckets=None, or embedding_init=None."
        )
    if estimator.loss == "adaptive_softmax":
        raise ValueError(
            "embedding_init does not go with loss='adaptive_softmax': the layer above "
            "the vectors begins as a regression of the classes on them, one row for "
            "each, which clusters of classes do not have. Use loss='cross_entropy', "
            "or embedding_init=None."
        )
    if estimator.embedding_dim is not None:
        return
    if estimator._predicts_numbers:
        raise ValueError(
            "embedding_init of a regressor needs embedding_dim: without it the table "
            "holds predictions, and what vectors would add to them is not learnt. Set "
            "embedding_dim to the width of the vectors, or use embedding_init=None."
        )
    if estimator.freeze_embedding:
        raise ValueError(
            "freeze_embedding=True needs embedding_dim, the width of the vectors of "
            "embedding_init: without it the table has one column per class. Set "
            "embedding_dim, for instance to 300, or use freeze_embedding=False."
        )
    if estimator.loss != "squared_hinge":
        raise ValueError(
            "embedding_init with embedding_dim=None mixes the scores of vectors with "
            f"those of loss='squared_hinge', got loss={estimator.loss!r}. Use that "
            "loss, or set embedding_dim to the width of the vectors."
        )


def check_text_encoder(
    estimator: Any, *, is_text: bool, columns: tuple[Column, ...] | None
) -> None:
    """Raise where an encoder of whole texts cannot be used.

    Parameters
    ----------
    estimator : BaseEmbeddingBag
    is_text : bool
        Whether X holds texts or rows of a data frame.
    columns : tuple of Column or None
        Of a data frame of several.

    Raises
    ------
    TypeError, ValueError
    """
    encoder = estimator._text_encoder
    if encoder is None:
        return
    if not is_text_encoder(encoder):
        raise TypeError(
            "text_encoder must be an encoder of texts itself, a function or an object "
            f"with a method encode, got the {type(encoder).__name__} {encoder!r:.80}. "
            "Pass for instance SentenceTransformer(...) with the name of a model, and "
            "an object, not its class."
        )
    if not is_text or columns is not None:
        what = "a matrix of numbers"
        if columns is not None:
            what = f"a data frame of the columns {described(columns)}"
        raise ValueError(
            f"text_encoder encodes texts, but X is {what}. Pass texts, for instance "
            "one column of the frame; or use text_encoder=None."
        )
    for parameter, is_unusable, other in (
        ("loss", estimator.loss != "squared_hinge", "'squared_hinge'"),
        ("embedding_dim", estimator.embedding_dim is not None, "None"),
        ("embedding_init", estimator.embedding_init is not None, "None"),
        ("warm_start", bool(estimator.warm_start), "False"),
    ):
        if is_unusable:
            raise ValueError(
                "text_encoder adds a model of the vectors of texts to a table of the "
                "scores of the squared hinge loss, fitted anew: it does not go with "
                f"{parameter}={getattr(estimator, parameter)!r:.80}. Use "
                f"{parameter}={other}, or text_encoder=None."
            )

"""The estimator's parameters, grouped by the package that needs them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from skbag._targets.losses import BaseLoss
from skbag._text.columns import Column
from skbag._text.pruning import Pruning
from skbag._text.text_options import TextOptions
from skbag._weighting.weighting import Weighting


@dataclass(frozen=True)
class TrainingOptions:
    """How to train. None means by rule.

    The fields are the estimator's parameters, except `decay`: whether the learning
    rate falls to zero over the epochs; `n_threads`, which `n_jobs` means; and
    `local_steps`: whether each of several processes trains a table of its own between
    exchanges.
    """

    loss: BaseLoss
    embedding_dim: int | None
    hidden_layer_sizes: tuple[int, ...]
    dropout: float
    learning_rate_init: float | None
    alpha: float | None
    max_iter: int | None
    batch_size: int | None
    shuffle: bool
    n_iter_no_change: int
    tol: float
    device: str
    freeze_embedding: bool = False
    decay: bool = True
    n_threads: int = 1
    local_steps: bool | None = None


@dataclass(frozen=True)
class Settings:
    """All of them.

    `auto_subwords` says that ``text.subword_ngram_range``, which is None, is yet to be
    decided by the texts; `columns` what the columns of a data frame are, None for other
    input.
    """

    text: TextOptions
    short_text_features: bool | str
    pruning: Pruning
    weighting: Weighting
    training: TrainingOptions
    validation_fraction: float | None
    n_jobs: int | None
    embedding_init: Any = None
    text_encoder: Any = None
    auto_subwords: bool = False
    columns: tuple[Column, ...] | None = None

    @property
    def adds_vectors(self) -> bool:
        """Whether vectors are added to a table of scores, by a model of their own."""
        return self.embedding_init is not None and self.training.embedding_dim is None

    @property
    def begins_with_vectors(self) -> bool:
        """Whether rows of the table begin with vectors."""
        return (
            self.embedding_init is not None and self.training.embedding_dim is not None
        )

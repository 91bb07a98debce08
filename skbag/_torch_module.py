"""The trained model as a torch module: EmbeddingBag, then Linear, all of it trainable.

Another object than `Network`, which trains: this one is the user's, made of standard
layers only, in torch's own conventions.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from skbag._fitted import Fitted
from skbag._network import linear_from


class EmbeddingBagModule(nn.Module):
    """Scores of bags of token ids.

    Parameters
    ----------
    embedding : nn.EmbeddingBag
        Of mode "sum", from bags to (n_samples, width).
    linear : nn.Linear or nn.Sequential
        From there to (n_samples, n_outputs).
    """

    def __init__(
        self, embedding: nn.EmbeddingBag, linear: nn.Linear | nn.Sequential
    ) -> None:
        super().__init__()
        self.embedding = embedding
        self.linear = linear

    @classmethod
    def from_fitted(cls, fitted: Fitted, *, sparse: bool) -> EmbeddingBagModule:
        """Copy trained arrays into a module; draws no random number.

        Parameters
        ----------
        fitted : Fitted
        sparse : bool
            Whether the gradient of the table is sparse.
        """
        embedding = nn.EmbeddingBag.from_pretrained(
            # Spelled out: the user's default dtype and device are not the table's.
            torch.tensor(fitted.dense, dtype=torch.float32, device="cpu"),
            freeze=False,
            mode="sum",
            sparse=sparse,
        )
        layers: list[nn.Module] = []
        for coef, intercept in fitted.layers:
            if layers:
                layers.append(nn.ReLU())
            if coef is None:
                # The table holds the scores: what is left to the Linear is to add.
                coef = np.eye(len(intercept), dtype=np.float32)
            layers.append(linear_from(coef, intercept))
        first, *more = layers
        if more:
            return cls(embedding, nn.Sequential(first, *more))
        assert isinstance(first, nn.Linear)
        return cls(embedding, first)

    def forward(
        self, text: Tensor, offsets: Tensor, per_sample_weights: Tensor | None = None
    ) -> Tensor:
        """Scores of bags.

        Parameters
        ----------
        text : Tensor of shape (nnz,), dtype=int64
            Token ids of all texts, end to end.
        offsets : Tensor of shape (n_samples,), dtype=int64
            Where the ids of each text start.
        per_sample_weights : Tensor of shape (nnz,), dtype=float32, or None
            How much each token counts. None: each counts 1, whatever weights the
            estimator was fitted with.

        Returns
        -------
        scores : Tensor of shape (n_samples, n_outputs), dtype=float32
            One column per class; one column in all for two classes, positive for
            the second.
        """
        scores: Tensor = self.linear(self.embedding(text, offsets, per_sample_weights))
        return scores

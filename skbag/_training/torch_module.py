"""The trained model as a torch module: EmbeddingBag, then Linear, all of it trainable.

Another object than `Network`, which trains: this one is the user's, in torch's own
conventions and made of standard layers; for an adaptive softmax torch has none that
does the same.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from skbag._model.predictor import Predictor
from skbag._training.network import layer_from


class EmbeddingBagModule(nn.Module):
    """Scores of bags of token ids.

    Parameters
    ----------
    embedding : nn.EmbeddingBag
        Of mode "sum", from bags to (n_samples, width).
    linear : nn.Linear, AdaptiveSoftmax or nn.Sequential
        From there to (n_samples, n_outputs).
    """

    def __init__(self, embedding: nn.EmbeddingBag, linear: nn.Module) -> None:
        super().__init__()
        self.embedding = embedding
        self.linear = linear

    @classmethod
    def from_predictor(
        cls, predictor: Predictor, *, sparse: bool
    ) -> EmbeddingBagModule:
        """Copy trained arrays into a module; draws no random number.

        Parameters
        ----------
        predictor : Predictor
        sparse : bool
            Whether the gradient of the table is sparse.
        """
        embedding = nn.EmbeddingBag.from_pretrained(
            # Spelled out: the user's default dtype and device are not the table's.
            torch.tensor(predictor.dense, dtype=torch.float32, device="cpu"),
            freeze=False,
            mode="sum",
            sparse=sparse,
        )
        layers: list[nn.Module] = []
        for depth, (coef, intercept) in enumerate(predictor.layers, 1):
            if layers:
                layers.append(nn.ReLU())
            if coef is None:
                # The table holds the scores: what is left to the Linear is to add.
                coef = np.eye(len(intercept), dtype=np.float32)
            is_last = depth == len(predictor.layers)
            clusters = predictor.clusters if is_last else None
            layers.append(layer_from(coef, intercept, clusters))
        return cls(embedding, layers[0] if len(layers) == 1 else nn.Sequential(*layers))

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
            One column per class or label; one column in all for two classes,
            positive for the second. Of an adaptive softmax: log-probabilities.
        """
        scores: Tensor = self.linear(self.embedding(text, offsets, per_sample_weights))
        return scores

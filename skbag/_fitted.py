"""What a trained model is: a few frozen numpy arrays, and scores from bags.

The trainer and the trained are different objects. This one knows no torch and no
device, so a pickle of it loads anywhere and predicting needs numpy and scipy only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._bags import Bags
from skbag._dtypes import WEIGHT_DTYPE


@dataclass(frozen=True, eq=False)
class Fitted:
    """A trained bag classifier.

    Parameters
    ----------
    embedding : ndarray of shape (n_ids, width), dtype=float32
        The table. `width` is the number of outputs where there is no head.
    layers : tuple of (coef, intercept)
        The layers above the bag, each ``x @ coef.T + intercept``, with a ReLU between
        two. `coef` is None in the one layer of a model whose table holds the scores
        of the classes itself.
    """

    embedding: NDArray[np.float32]
    layers: tuple[tuple[NDArray[np.float32] | None, NDArray[np.float32]], ...]

    @property
    def is_additive(self) -> bool:
        """Whether a score is a sum over tokens: without hidden layers."""
        return len(self.layers) == 1

    def coefficients(self, ids: Any = slice(None)) -> NDArray[np.float64]:
        """What one unit of weight of each token adds to each score.

        ``embedding[ids] @ coef.T``. Only where the model `is_additive`.

        Parameters
        ----------
        ids : ndarray of shape (n,) or slice, default=all

        Returns
        -------
        coefficients : ndarray of shape (n, n_outputs), dtype=float64
        """
        assert self.is_additive
        rows: NDArray[np.float64] = self.embedding[ids].astype(np.float64)
        coef = self.layers[0][0]
        return rows if coef is None else np.asarray(rows @ coef.T.astype(np.float64))

    def vectors(self, bags: Bags) -> NDArray[np.float32]:
        """Weighted sum of the rows of each bag.

        Returns
        -------
        vectors : ndarray of shape (n_samples, width), dtype=float32
        """
        return bags.matmul(self.embedding)

    def scores(self, bags: Bags) -> NDArray[np.float32]:
        """Scores of each bag.

        Returns
        -------
        scores : ndarray of shape (n_samples, n_outputs), dtype=float32
        """
        x: NDArray[Any] = self.vectors(bags)
        for depth, (coef, intercept) in enumerate(self.layers):
            if depth:
                x = np.maximum(x, 0)
            if coef is None:
                x = x + intercept
            else:
                # BLAS adds up a row in an order that depends on its neighbours. In
                # float64 a text's score is the same in whatever company it comes.
                x = x.astype(np.float64) @ coef.T + intercept
        return x.astype(WEIGHT_DTYPE, copy=False)

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
from skbag._compact_table import CompactTable
from skbag._dtypes import WEIGHT_DTYPE


@dataclass(frozen=True, eq=False)
class Fitted:
    """A trained bag classifier.

    Parameters
    ----------
    embedding : ndarray of shape (n_ids, width), dtype=float32, or CompactTable
        The table. `width` is the number of outputs where there is no head.
    layers : tuple of (coef, intercept)
        The layers above the bag, each ``x @ coef.T + intercept``, with a ReLU between
        two. `coef` is None in the one layer of a model whose table holds the scores
        of the classes itself.
    """

    embedding: NDArray[np.float32] | CompactTable
    layers: tuple[tuple[NDArray[np.float32] | None, NDArray[np.float32]], ...]

    @property
    def dense(self) -> NDArray[np.float32]:
        """The table of a model that is not compressed, as an array."""
        assert not isinstance(self.embedding, CompactTable)
        return self.embedding

    def vectors(self, bags: Bags) -> NDArray[np.float32]:
        """Weighted sum of the rows of each bag.

        Returns
        -------
        vectors : ndarray of shape (n_samples, width), dtype=float32
        """
        if isinstance(self.embedding, CompactTable):
            return self.embedding.matmul(bags)
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
                # Not BLAS: it adds up a row in an order that depends on its
                # neighbours, and starts threads for what one does sooner.
                x = np.einsum(
                    "ni,oi->no", x.astype(np.float64), coef.astype(np.float64)
                )
                x += intercept
        return x.astype(WEIGHT_DTYPE, copy=False)

"""Vectors as points in two dimensions, by scikit-learn."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

LEAST_POINTS = 3
"""Fewer make no map."""

PERPLEXITY = 30.0
"""Of t-SNE; a third of the points where there are fewer than 90."""


class Projection(NamedTuple):
    """Points, and what is to be said of them."""

    coordinates: NDArray[np.float64]
    """Shape (n_points, 2)."""

    method: str
    """For the title."""

    axis_names: tuple[str, str] | None
    """None where the axes mean nothing."""


def project(vectors: NDArray[Any], method: Any, random_state: Any) -> Projection:
    """Project vectors to two dimensions.

    Parameters
    ----------
    vectors : ndarray of shape (n_points, n_numbers)
    method : {'pca', 'tsne'} or object with ``fit_transform``
    random_state : int, RandomState instance or None

    Raises
    ------
    ValueError
        If there is no such method, or the vectors span no plane.
    """
    n_points, n_numbers = vectors.shape
    if n_numbers < 2:
        raise ValueError(
            "A map needs vectors of two numbers at least, but those of this model have "
            "one, the score of one class of two. Fit with embedding_dim, for instance "
            "32."
        )
    if n_points < LEAST_POINTS:
        raise ValueError(
            f"A map needs {LEAST_POINTS} points at least, got {n_points}. Pass more "
            "texts or tokens."
        )
    vectors = vectors.astype(np.float64)
    if not np.ptp(vectors, axis=0).any():
        raise ValueError(
            f"All {n_points} points are the same, so that there is nothing to map: "
            "texts without known tokens, or tokens that training never changed."
        )
    if method == "pca":
        return _pca(vectors)
    if method == "tsne":
        return _tsne(vectors, random_state)
    if not hasattr(method, "fit_transform"):
        raise ValueError(
            f"method must be 'pca', 'tsne' or have fit_transform, got {method!r}."
        )
    projected = np.asarray(method.fit_transform(vectors), dtype=np.float64)
    if projected.shape != (n_points, 2):
        raise ValueError(
            f"method must give {n_points} points of two numbers, got an array of shape "
            f"{projected.shape}. Set its n_components to 2."
        )
    return Projection(projected, type(method).__name__, None)


def _pca(vectors: NDArray[np.float64]) -> Projection:
    from sklearn.decomposition import PCA

    pca = PCA(2, svd_solver="full")
    coordinates = pca.fit_transform(vectors)
    first, second = (
        f"{which} principal component ({share:.1%} of the variance)"
        for which, share in zip(
            ("First", "Second"), pca.explained_variance_ratio_, strict=True
        )
    )
    return Projection(coordinates, "PCA", (first, second))


def _tsne(vectors: NDArray[np.float64], random_state: Any) -> Projection:
    from sklearn.manifold import TSNE

    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    tsne = TSNE(2, perplexity=perplexity, init="pca", random_state=random_state)
    coordinates = np.asarray(tsne.fit_transform(vectors), dtype=np.float64)
    return Projection(coordinates, "t-SNE", None)

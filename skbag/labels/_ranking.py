"""Which texts to label next: pool-based active learning by a fitted classifier."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.special import entr
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize
from sklearn.utils import _safe_indexing

from skbag._text.data_frames import is_frame_of_columns, read_rows
from skbag._text.text_containers import read_documents
from skbag.labels._samples import as_indexable, check_has, check_whole

STRATEGIES = ("margin", "entropy", "diverse")

CANDIDATES = 10
"""Texts that a diverse batch is chosen from, for each that is wanted. Of 5 and 10, 10
was as good or better on validation texts of four sets."""

MOST_TOKENS = 2**13
"""Frequent tokens that the vectors of candidates have: centres are dense."""


def rank_to_label(
    clf: Any,
    X: Any,
    n: int | None = None,
    *,
    strategy: str = "margin",
    random_state: Any = None,
) -> NDArray[np.int64]:
    """Rank texts without a label by how much their labels would tell.

    Parameters
    ----------
    clf : classifier
        Fitted on what is labelled so far, with `predict_proba`.
    X : texts or matrix
        Without labels.
    n : int, default=None
        How many to return, all that there are at most; None for all. "diverse" needs
        it.
    strategy : {"margin", "entropy", "diverse"}, default="margin"
        "margin": those first whose two most probable classes are nearest to each other
        (Scheffer et al. 2001). "entropy": those whose probabilities have the largest
        entropy (Settles 2009). "diverse": a batch of texts that differ. The `10 n`
        texts of the smallest margins become TF-IDF vectors (rows of a matrix are scaled
        to length 1); k-means, weighted by 1 - margin, makes `n` clusters of them; the
        text nearest to each centre is taken (Zhdanov 2019). Equal ones are taken once,
        as long as there are others.
    random_state : int, RandomState instance or None, default=None
        Of k-means.

    Returns
    -------
    indices : ndarray of shape (n,), dtype=int64
        Rows of `X`, most informative first; of equal ones the first.

    Raises
    ------
    ValueError, TypeError
        If `clf` has no `predict_proba` or gives probabilities of several labels, `n` or
        `strategy` is none of the above; or as `predict_proba`.

    References
    ----------
    T. Scheffer, C. Decomain, S. Wrobel, "Active Hidden Markov Models for Information
    Extraction", IDA 2001. B. Settles, "Active Learning Literature Survey", 2009.
    F. Zhdanov, "Diverse mini-batch Active Learning", arXiv:1901.05954, 2019.

    Examples
    --------
    >>> from skbag import EmbeddingBagClassifier
    >>> from skbag.labels import rank_to_label
    >>> texts = ["late parcel", "refund my money"] * 5
    >>> clf = EmbeddingBagClassifier(random_state=0)
    >>> clf = clf.fit(texts, ["delivery", "payment"] * 5)
    >>> rank_to_label(clf, ["a late parcel", "parcel or money", "money"], n=1)
    array([1])
    """
    check_has(clf, "predict_proba", "rank_to_label")
    if strategy not in STRATEGIES:
        raise ValueError(
            f"strategy must be one of {', '.join(map(repr, STRATEGIES))}, got "
            f"{strategy!r}."
        )
    if n is None and strategy == "diverse":
        raise ValueError(
            "strategy='diverse' chooses a batch, and needs to know of how many texts: "
            "pass n."
        )
    check_whole(n, "n", 1)
    X = as_indexable(X)
    probabilities = _probabilities(clf, X)
    if strategy == "entropy":
        order = np.argsort(-entr(probabilities).sum(axis=1), kind="stable")
        return order[:n]
    margins = _margins(probabilities)
    order = np.argsort(margins, kind="stable")
    if strategy == "margin":
        return order[:n]
    return _diverse(X, order, margins, n or len(order), random_state)


def _probabilities(clf: Any, X: Any) -> NDArray[np.float64]:
    """Return probabilities of one class for each sample, checked."""
    probabilities = clf.predict_proba(X)
    is_one_matrix = getattr(probabilities, "ndim", 0) == 2
    if is_one_matrix:
        probabilities = np.asarray(probabilities, dtype=np.float64)
        is_one_matrix = np.allclose(probabilities.sum(axis=1), 1, atol=1e-3)
    if not is_one_matrix:
        raise ValueError(
            "rank_to_label compares probabilities of classes that exclude each other, "
            f"but those of this {type(clf).__name__} do not sum to 1, as with several "
            "labels for each sample. Call it with a classifier of one label."
        )
    checked: NDArray[np.float64] = probabilities
    return checked


def _margins(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probability of the most probable class, less that of the second."""
    if probabilities.shape[1] == 1:
        return probabilities[:, 0]
    second, first = np.partition(probabilities, (-2, -1), axis=1)[:, -2:].T
    margins: NDArray[np.float64] = first - second
    return margins


def _diverse(
    X: Any,
    order: NDArray[np.int64],
    margins: NDArray[np.float64],
    n: int,
    random_state: Any,
) -> NDArray[np.int64]:
    """Choose the samples nearest to the centres of clusters of candidates."""
    candidates = order[: CANDIDATES * n]
    vectors = _vectors(_safe_indexing(X, candidates))
    distinct = _first_of_equal(vectors)
    n_clusters = min(n, len(distinct))
    weights = np.maximum(1 - margins[candidates[distinct]], 1e-6)
    clusters = KMeans(n_clusters, n_init=1, max_iter=20, random_state=random_state)
    with warnings.catch_warnings():
        # Rows that differ by rounding alone: fewer clusters are as good.
        warnings.simplefilter("ignore", ConvergenceWarning)
        clusters.fit(vectors[distinct], sample_weight=weights)
    labels = clusters.labels_
    own = _squared_distances(vectors[distinct], clusters.cluster_centers_, labels)
    # By cluster, nearest first; the first of each cluster is taken.
    by_cluster = np.lexsort((own, labels))
    nearest = by_cluster[np.unique(labels[by_cluster], return_index=True)[1]]
    is_chosen = np.zeros(len(candidates), dtype=bool)
    is_chosen[distinct[nearest]] = True
    # Where there are fewer clusters: what differs first, then what repeats.
    is_distinct = np.zeros(len(candidates), dtype=bool)
    is_distinct[distinct] = True
    preference = np.lexsort((np.arange(len(candidates)), ~is_distinct, ~is_chosen))
    return candidates[np.sort(preference[:n])]


def _vectors(X: Any) -> sp.csr_array:
    """Return TF-IDF vectors of texts, or the rows of a matrix, of length 1."""
    if is_frame_of_columns(X):
        rows = read_rows(X, None)
        texts = [" ".join(str(v) for v in row if v is not None) for row in rows]
    else:
        documents = None if sp.issparse(X) else read_documents(X)
        if documents is None:
            return normalize(sp.csr_array(X, dtype=np.float32))
        texts = documents.texts
    if not any(map(str.strip, texts)):
        return sp.csr_array((len(texts), 1), dtype=np.float32)
    vectorizer = TfidfVectorizer(
        sublinear_tf=True,
        token_pattern=r"\w+|[^\w\s]",
        max_features=MOST_TOKENS,
        dtype=np.float32,
    )
    return sp.csr_array(vectorizer.fit_transform(texts))


def _squared_distances(
    vectors: sp.csr_array, centres: NDArray[Any], labels: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Return the squared distance of each row to the centre of its own cluster."""
    rows = np.repeat(np.arange(len(labels)), np.diff(vectors.indptr))
    at_centre = centres[labels[rows], vectors.indices]
    # Of the columns where a row is not zero; elsewhere it is the centre's square.
    differences = np.square(vectors.data - at_centre) - np.square(at_centre)
    norms = np.square(centres.astype(np.float64)).sum(axis=1)
    sums = np.bincount(rows, differences, minlength=len(labels))
    squared: NDArray[np.float64] = norms[labels] + sums
    return squared


def _first_of_equal(vectors: sp.csr_array) -> NDArray[np.int64]:
    """Return the first of each set of equal rows, ascending."""
    vectors.sort_indices()
    bounds = zip(vectors.indptr, vectors.indptr[1:], strict=False)
    rows = [
        (vectors.indices[a:b].tobytes(), vectors.data[a:b].tobytes()) for a, b in bounds
    ]
    first: dict[tuple[bytes, bytes], int] = {}
    for i, row in enumerate(rows):
        first.setdefault(row, i)
    return np.fromiter(first.values(), np.int64, len(first))

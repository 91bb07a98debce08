"""Adaptive softmax over very many classes: probabilities, and the best k.

The classes are sorted by frequency. The head scores the most frequent ones, the
shortlist, and each tail cluster of the others; the classes of a cluster are scored only
where it matters. That is the adaptive softmax (Grave, Joulin,
Cissé, Grangier and Jégou, "Efficient softmax approximation for GPUs", ICML 2017); that
the clusters are about as many as there are classes in one, so that both steps cost the
square root of the number of classes, is the rule of Goodman ("Classes for fast maximum
entropy training", ICASSP 2001). Probabilities sum to 1 exactly.

Numpy only; `AdaptiveSoftmax` of the network trains it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skbag._model.top_k import best_columns

SHORTLIST = 2.0
"""Length of the shortlist, in square roots of the number of classes."""


@dataclass(frozen=True, eq=False)
class Clusters:
    """Which classes are in the shortlist, and which in which tail cluster.

    Parameters
    ----------
    order : ndarray of shape (n_classes,), dtype=int64
        Codes of the classes: the shortlist, the first cluster, the second, ..., from
        frequent to rare; ascending within each.
    n_shortlist : int
        Length of the shortlist.
    size : int
        Number of classes of each cluster.
    """

    order: NDArray[np.int64]
    n_shortlist: int
    size: int

    @classmethod
    def by_frequency(cls, counts: NDArray[np.int64]) -> Clusters:
        """Cluster classes by the number of their samples, (n_classes,)."""
        n_classes = len(counts)
        size = math.ceil(math.sqrt(n_classes))
        n_clusters = max(0, int(n_classes - SHORTLIST * size)) // size
        n_shortlist = n_classes - n_clusters * size
        order = np.argsort(-counts, kind="stable")
        order[:n_shortlist].sort()
        order[n_shortlist:].reshape(n_clusters, size).sort(axis=1)
        return cls(order, n_shortlist, size)

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return (len(self.order) - self.n_shortlist) // self.size

    @property
    def head_size(self) -> int:
        """Number of scores of the head: the shortlist and the clusters."""
        return self.n_shortlist + self.n_clusters

    @property
    def n_rows(self) -> int:
        """Number of scores of head and tails: classes, and clusters."""
        return len(self.order) + self.n_clusters

    @property
    def n_scores(self) -> int:
        """Number of scores that training computes of a sample."""
        return self.head_size + self.size

    @property
    def places(self) -> NDArray[np.int64]:
        """Place of each class in `order`, (n_classes,)."""
        places = np.empty_like(self.order)
        places[self.order] = np.arange(len(self.order))
        return places


@dataclass(frozen=True, eq=False)
class ClusteredLayer:
    """The last layer of a model: clusters and their coefficients.

    Parameters
    ----------
    clusters : Clusters
    coef : ndarray of shape (head_size + n_clusters * size, n_in), dtype=float32
        One row for each score of the first step, then for each class of the clusters.
    intercept : ndarray of shape (head_size + n_clusters * size,), dtype=float32
    """

    clusters: Clusters
    coef: NDArray[np.float32]
    intercept: NDArray[np.float32]

    def log_probabilities(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Log-probability of each class, (n_samples, n_classes)."""
        clusters = self.clusters
        inputs = x.astype(np.float64)
        first = self._first(inputs)
        result = np.empty((len(x), len(clusters.order)), dtype=np.float32)
        result[:, clusters.order[: clusters.n_shortlist]] = first[
            :, : clusters.n_shortlist
        ]
        for cluster in range(clusters.n_clusters):
            result[:, self._codes(cluster)] = self._within(inputs, first, cluster)
        return result

    def best(
        self, x: NDArray[np.float32], k: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Codes and log-probabilities of the k best classes of each sample.

        Exactly those that `log_probabilities` would give: no class can be more
        probable than its cluster, so only clusters are searched that are as probable
        as the k-th best class found so far. They are searched from the most probable
        one down, 1, 7, 56, ... at a time (a doubling search, Bentley and Yao, "An
        almost optimal algorithm for unbounded searching", 1976, with a larger factor).

        With k = 1, a best class of the shortlist at -1.0 and clusters at -0.9 and -1.2,
        only the first cluster is searched: no class of the second can beat -1.0.

        Returns
        -------
        codes : ndarray of shape (n_samples, k), dtype=int64
            By falling log-probability, equal ones by code.
        log_probabilities : ndarray of shape (n_samples, k), dtype=float32
        """
        clusters = self.clusters
        inputs = x.astype(np.float64)
        first = self._first(inputs)
        best = _Best(len(x), k)
        short = first[:, : clusters.n_shortlist].astype(np.float32)
        rows = np.arange(len(x))
        best.add(rows, short, clusters.order[: clusters.n_shortlist])
        bounds = first[:, clusters.n_shortlist :].astype(np.float32)
        likely = np.argsort(-bounds, axis=1, kind="stable")
        start, stop = 0, 1
        while start < clusters.n_clusters and len(rows):
            # Bounds fall and the k-th best rises: who stops here has no more to find.
            rows = rows[bounds[rows, likely[rows, start]] >= best.least[rows]]
            next_ones = likely[rows, start:stop]
            at = np.repeat(rows, next_ones.shape[1])
            numbers = next_ones.ravel()
            left = bounds[at, numbers] >= best.least[at]
            self._search(inputs, first, best, at[left], numbers[left])
            # More at a time each round: a round costs what a few clusters do.
            start, stop = stop, 8 * stop
        return best.codes, best.scores

    def _search(
        self,
        x: NDArray[np.float64],
        first: NDArray[np.float64],
        best: _Best,
        rows: NDArray[np.int64],
        numbers: NDArray[np.int64],
    ) -> None:
        """Add what samples find in clusters, pair by pair, to what is found so far."""
        order = np.argsort(numbers, kind="stable")
        rows, numbers = rows[order], numbers[order]
        starts = np.flatnonzero(np.diff(numbers, prepend=-1))
        for group in np.split(np.arange(len(rows)), starts[1:]) if len(rows) else []:
            cluster, samples = int(numbers[group[0]]), rows[group]
            scores = self._within(x[samples], first[samples], cluster)
            # Most are looked into and found to hold nothing better.
            better = scores.max(axis=1) >= best.least[samples]
            best.add(samples[better], scores[better], self._codes(cluster))

    def _first(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        return _log_softmax(self._scores(x, slice(0, self.clusters.head_size)))

    def _within(
        self, x: NDArray[np.float64], first: NDArray[np.float64], cluster: int
    ) -> NDArray[np.float32]:
        """Log-probabilities of the classes of a cluster, (n_samples, size)."""
        start = self.clusters.head_size + cluster * self.clusters.size
        part = slice(start, start + self.clusters.size)
        scores = _log_softmax(self._scores(x, part))
        scores += first[:, [self.clusters.n_shortlist + cluster]]
        return scores.astype(np.float32)

    def _scores(self, x: NDArray[np.float64], part: slice) -> NDArray[np.float64]:
        # Not BLAS, as in `Predictor`: a row's bits would depend on its neighbours.
        coef = self.coef[part].astype(np.float64)
        scores: NDArray[np.float64] = np.einsum("ni,oi->no", x, coef)
        scores += self.intercept[part]
        return scores

    def _codes(self, cluster: int) -> NDArray[np.int64]:
        start = self.clusters.n_shortlist + cluster * self.clusters.size
        return self.clusters.order[start : start + self.clusters.size]


def _log_softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """In place: scipy's takes several times as long on small arrays."""
    scores -= scores.max(axis=1, keepdims=True)
    scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
    return scores


class _Best:
    """The k best classes of each sample so far."""

    def __init__(self, n_samples: int, k: int) -> None:
        self.codes = np.full((n_samples, k), np.iinfo(np.int64).max)
        self.scores = np.full((n_samples, k), -np.inf, dtype=np.float32)

    @property
    def least(self) -> NDArray[np.float32]:
        """The k-th best score of each sample."""
        return self.scores[:, -1]

    def add(
        self,
        rows: NDArray[np.int64],
        scores: NDArray[np.float32],
        codes: NDArray[np.int64],
    ) -> None:
        """Let classes, of ascending codes, compete for the places of some samples."""
        k = self.codes.shape[1]
        columns = best_columns(scores, min(k, scores.shape[1]))
        new_scores = np.take_along_axis(scores, columns, axis=1)
        all_scores = np.concatenate([self.scores[rows], new_scores], axis=1)
        all_codes = np.concatenate([self.codes[rows], codes[columns]], axis=1)
        order = np.lexsort((all_codes, -all_scores), axis=1)[:, :k]
        self.scores[rows] = np.take_along_axis(all_scores, order, axis=1)
        self.codes[rows] = np.take_along_axis(all_codes, order, axis=1)

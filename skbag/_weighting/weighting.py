"""How much each token counts: TF-IDF, class-informed factors, norms.

Everything that depends on the token alone is one vector, computed from document and
class counts and multiplied into the counts when a text is encoded. So a change of
weighting never touches the encoders, the table or the trainer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags, Entries
from skbag._core.dtypes import WEIGHT_DTYPE
from skbag._text.features import FeatureKind
from skbag._weighting.divergence import (
    class_divergence,
)
from skbag._weighting.document_counts import DocumentCounts
from skbag._weighting.weight_kernels import weigh

INFORMED_SHARE = 0.5
"""Share of a token's weight that its class information decides; the rest it keeps."""

MIN_MEAN = 1e-12
"""Least mean of what tokens say of the classes, against the token that says most."""

KIND_FACTORS = {
    FeatureKind.TERM: 1.0,
    FeatureKind.NGRAM: 0.7,
    FeatureKind.EDGE: 0.7,
    FeatureKind.AFFIX: 0.5,
    FeatureKind.SKIP: 0.5,
    FeatureKind.SUBWORD: 0.3,
}
"""Weight of each kind of feature against a single word: those that repeat what words
say, in finer or coarser form, count for less."""


def smooth_idf(document_counts: DocumentCounts) -> NDArray[np.float64]:
    """Inverse document frequency of each token, ``ln((1 + n) / (1 + df)) + 1``.

    The formula of ``sklearn.feature_extraction.text.TfidfTransformer`` with
    ``smooth_idf=True``.

    Returns
    -------
    idf : ndarray of shape (n_ids,), dtype=float64
    """
    n_documents, df = document_counts.n_documents, document_counts.df
    return np.log((1 + n_documents) / (1 + df)) + 1


def mean_divergence(
    document_counts: DocumentCounts, divergence: NDArray[np.float64]
) -> float:
    """Mean of what tokens say of the classes, over all occurrences of all tokens."""
    occurrences = document_counts.df
    mean = (divergence * occurrences).sum() / max(occurrences.sum(), 1e-300)
    # Tokens of samples that weigh next to nothing would get factors without bound.
    return float(max(mean, MIN_MEAN * divergence.max(initial=0)))


def class_informed_factors(
    document_counts: DocumentCounts,
    kinds: NDArray[np.uint8] | None,
    mean: float | None = None,
) -> NDArray[np.float64]:
    """Factor of each token's weight: what it says of the classes, and its kind.

    ``kind * (1 - s + s sqrt(KL_j / mean KL))`` with ``s = INFORMED_SHARE``, the mean
    taken over all occurrences of all tokens. Weighting terms by their relation to the
    classes goes back to Debole and Sebastiani, "Supervised Term Weighting for
    Automated Text Categorization", 2003.

    Parameters
    ----------
    document_counts : DocumentCounts
    kinds : ndarray of shape (n_ids,), dtype=uint8, or None
        The `FeatureKind` of each token; None where all are alike.
    mean : float or None
        `mean_divergence` of all tokens; None where these are all.

    Returns
    -------
    factors : ndarray of shape (n_ids,), dtype=float64, positive
    """
    divergence = class_divergence(document_counts)
    if mean is None:
        mean = mean_divergence(document_counts, divergence)
    factors = np.ones(len(divergence))
    if mean > 0:
        factors += INFORMED_SHARE * (np.sqrt(divergence / mean) - 1)
    if kinds is not None:
        by_kind = np.ones(max(KIND_FACTORS) + 1)
        by_kind[list(KIND_FACTORS)] = list(KIND_FACTORS.values())
        factors *= by_kind[kinds]
    return factors


_NORMS = {None: 0, "l1": 1, "l2": 2}


@dataclass(frozen=True)
class Weighting:
    """How counts become weights. The fields are the estimator's parameters."""

    use_idf: bool
    sublinear_tf: bool
    norm: Literal["l1", "l2"] | None
    supervised: bool

    def id_weights(
        self, document_counts: DocumentCounts, kinds: NDArray[np.uint8] | None
    ) -> NDArray[np.float32] | None:
        """Weight of each token, or None where all are 1.

        Returns
        -------
        id_weights : ndarray of shape (n_ids,), dtype=float32, positive, or None
        """
        if not (self.use_idf or self.supervised):
            return None
        counted = document_counts.df > 0
        if 2 * np.count_nonzero(counted) > len(counted):
            return self._weights(document_counts, kinds)
        # Most buckets of a large table may be empty: one weight serves all of a kind.
        kinds = np.zeros(len(counted), dtype=np.uint8) if kinds is None else kinds
        met, others = np.flatnonzero(counted), _one_of_each(kinds, ~counted)
        ids = np.append(met, others)
        computed = self._weights(document_counts.rows(ids), kinds[ids])
        by_kind = np.ones(max(KIND_FACTORS) + 1, dtype=WEIGHT_DTYPE)
        by_kind[kinds[others]] = computed[len(met) :]
        weights = by_kind[kinds]
        weights[met] = computed[: len(met)]
        return weights

    def mean_divergence(self, document_counts: DocumentCounts) -> float:
        """Mean of what tokens say of the classes; 0 where no weight depends on it."""
        if not self.supervised:
            return 0.0
        counted = document_counts.rows(np.flatnonzero(document_counts.df > 0))
        return mean_divergence(counted, class_divergence(counted))

    def weights_of_new(
        self,
        document_counts: DocumentCounts,
        kinds: NDArray[np.uint8] | None,
        mean: float,
    ) -> NDArray[np.float32]:
        """Weights of tokens that join others, by the `mean_divergence` of those."""
        return self._weights(document_counts, kinds, mean)

    def _weights(
        self,
        document_counts: DocumentCounts,
        kinds: NDArray[np.uint8] | None,
        mean: float | None = None,
    ) -> NDArray[np.float32]:
        weights = np.ones(document_counts.class_counts.shape[0])
        if self.use_idf:
            weights *= smooth_idf(document_counts)
        if self.supervised:
            weights *= class_informed_factors(document_counts, kinds, mean)
        return weights.astype(WEIGHT_DTYPE)

    def apply(self, bags: Bags, id_weights: NDArray[np.float32] | None) -> Bags:
        """Bags of counts to bags of weights.

        Parameters
        ----------
        bags : Bags
            Counts (or the values of a matrix).
        id_weights : ndarray of shape (n_ids,), dtype=float32, or None

        Returns
        -------
        weighted : Bags
            The same ids. An empty bag stays empty: no norm divides by zero.
        """
        if (
            id_weights is None
            and not self.sublinear_tf
            and self.norm is None
            and bags.weights.dtype == WEIGHT_DTYPE
        ):
            return bags
        return self.weigh(bags.entries(), bags.n_ids, id_weights)

    def weigh(
        self, entries: Entries, n_ids: int, id_weights: NDArray[np.float32] | None
    ) -> Bags:
        """Weighted bags of the entries of some.

        Parameters
        ----------
        entries : Entries
        n_ids : int
            Number of ids, of new ones where there are.
        id_weights : ndarray of shape (n_ids,), dtype=float32, or None
        """
        return Bags(
            *weigh(*entries, id_weights, self.sublinear_tf, _NORMS[self.norm]), n_ids
        )


def _one_of_each(
    kinds: NDArray[np.uint8], among: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """One id of each kind, of those where `among` says so."""
    masks = (among & (kinds == kind) for kind in KIND_FACTORS)
    ids = [int(mask.argmax()) for mask in masks if mask.any()]
    return np.array(ids, dtype=np.int64)

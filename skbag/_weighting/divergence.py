"""What a token says of labels of which a document may have several."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.special import rel_entr

from skbag._weighting.divergence_kernels import (
    add_label_divergences,
    class_divergences,
)
from skbag._weighting.document_counts import DocumentCounts

N_TERMS = 32
"""Terms of the power series below: its error is less than 2**-N_TERMS per label."""


def label_divergence(
    label_counts: sp.csr_array,
    prior: NDArray[np.float64],
    document_counts: NDArray[np.float64],
    strength: float,
) -> NDArray[np.float64]:
    """How far the labels of the documents that hold a token are from the prior.

    ``sum_l KL(q_jl || pi_l)`` with ``KL(q || p) = q ln(q / p) + (1 - q) ln((1 - q) /
    (1 - p))``, the Kullback-Leibler divergence of having a label or not, summed over
    the labels as if they were independent, which is what one loss per label takes them
    for. `pi` are the shares of documents with each label, ``q_jl = (n_jl + a pi_l) /
    (n_j + a)`` the shares among the documents that hold token j, smoothed by `a`
    documents of the prior (see `class_divergence`, its counterpart for one class per
    document).

    A label that no document with token j has gives ``KL(t pi_l || pi_l)`` with
    ``t = a / (n_j + a)``. The sum of that over all labels is a function of t alone:

        sum_l t pi_l ln t + (1 - t pi_l) (ln(1 - t pi_l) - ln(1 - pi_l))

    in which ``(1 - x) ln(1 - x) = -x + sum_{k >= 2} x**k / (k (k - 1))`` makes a power
    series of the first logarithms, for labels that at most half of the documents have;
    those that more have are few. So cost follows the counts there are, not tokens x
    labels.

    Parameters
    ----------
    label_counts : scipy CSR array of shape (n_ids, n_labels), dtype=float64
        Weighted number of documents of each label that hold each token.
    prior : ndarray of shape (n_labels,), dtype=float64
    document_counts : ndarray of shape (n_ids,), dtype=float64
        Weighted number of documents that hold each token.
    strength : float
        The `a` above.

    Returns
    -------
    divergence : ndarray of shape (n_ids,), dtype=float64
        Zero for a token that says nothing.
    """
    # A label that none or all have says nothing, and would divide by zero.
    varies = (prior > 0) & (prior < 1 - 1e-12)
    total = document_counts + strength
    absent = strength / total
    frequent = varies & (prior > 0.5)
    divergence = _absent_rare(absent, prior[varies & ~frequent])
    for share in prior[frequent]:
        divergence += _bernoulli(absent * share, share)
    prior = np.where(varies, prior, 0)
    _each_block(
        add_label_divergences,
        label_counts,
        document_counts,
        prior,
        strength,
        divergence,
    )
    return np.asarray(np.maximum(divergence, 0))


def _bernoulli(q: NDArray[np.float64], p: Any) -> NDArray[np.float64]:
    """KL divergence of two coins."""
    # Weighted counts may come out a rounding error above their sum.
    q = np.clip(q, 0, 1)
    return np.asarray(rel_entr(q, p) + rel_entr(1 - q, 1 - p))


def _absent_rare(t: NDArray[np.float64], prior: NDArray[np.float64]) -> Any:
    """Sum of ``KL(t p || p)`` over shares p of at most one half."""
    log_rest = np.log1p(-prior)
    total = np.zeros_like(t)
    for k in range(N_TERMS, 1, -1):
        total = (total + (prior**k).sum() / (k * (k - 1))) * t
    # Horner's rule has left one power of t to multiply with.
    total *= t
    total += t * prior.sum() * (np.log(t) - 1)
    total += t * (prior * log_rest).sum() - log_rest.sum()
    return total


PRIOR_STRENGTH = 3.0
"""How many documents of prior class shares a token's own class counts are mixed with,
so that a token seen once is not taken for a certain sign of its class."""

_BLOCK_IDS = 2**18
"""Tokens between two moments at which Ctrl-C is looked for."""


def class_divergence(document_counts: DocumentCounts) -> NDArray[np.float64]:
    """How far the classes of the documents that hold a token are from the prior.

    The Kullback-Leibler divergence ``KL_j = sum_c q_jc ln(q_jc / pi_c)``, with `pi`
    the shares of the classes and ``q_jc = (n_jc + a pi_c) / (n_j + a)`` the class
    shares of the documents that hold token j, smoothed by ``a = PRIOR_STRENGTH``
    documents of the prior (Kullback and Leibler, "On Information and Sufficiency",
    1951; the smoothing is the mean of a Dirichlet posterior). Where documents have any
    number of labels: `label_divergence`.

    Returns
    -------
    divergence : ndarray of shape (n_ids,), dtype=float64
        Zero for a token that says nothing, at most ``-ln(min pi)``.
    """
    counts = document_counts.class_counts
    prior = document_counts.class_totals / document_counts.n_documents
    if not document_counts.exclusive:
        return label_divergence(counts, prior, document_counts.df, PRIOR_STRENGTH)
    divergence = np.empty(len(document_counts.df))
    _each_block(
        class_divergences,
        counts,
        document_counts.df,
        prior,
        PRIOR_STRENGTH,
        divergence,
    )
    return divergence


def _each_block(
    kernel: Callable[..., None],
    counts: sp.csr_array,
    df: NDArray[np.float64],
    prior: NDArray[np.float64],
    strength: float,
    divergence: NDArray[np.float64],
) -> None:
    """Call a kernel for some tokens at a time, until it was called for all."""
    arrays = (
        counts.indptr.astype(np.int64, copy=False),
        counts.indices.astype(np.int32, copy=False),
        counts.data,
    )
    for start in range(0, len(df), _BLOCK_IDS):
        stop = min(start + _BLOCK_IDS, len(df))
        kernel(*arrays, df, prior, strength, start, stop, divergence)

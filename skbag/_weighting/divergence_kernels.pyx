"""Sums over the counts of each token and class, or label: see `divergence`.

Logarithms are what takes the time. Most tokens are rare, those of one document count
side by side, and so have the same ones: the last of each class is kept.
"""

from libc.math cimport log
from libc.stdint cimport int32_t, int64_t

import numpy as np


def class_divergences(
    const int64_t[::1] indptr,
    const int32_t[::1] classes,
    const double[::1] counts,
    const double[::1] df,
    const double[::1] prior,
    double strength,
    int64_t start,
    int64_t stop,
    double[::1] divergence,
):
    """Divergence of some tokens of documents that have one class each.

    Parameters
    ----------
    indptr : buffer of shape (n_ids + 1,), int64
        Where the counts of each token start.
    classes : buffer of shape (nnz,), int32
    counts : buffer of shape (nnz,), float64
        Weighted number of documents of a class that hold a token.
    df : buffer of shape (n_ids,), float64
        The same of all classes.
    prior : buffer of shape (n_classes,), float64
    strength : float
        Of the prior, in documents.
    start, stop : int
        Which tokens.
    divergence : buffer of shape (n_ids,), float64
        Set from `start` to `stop`.

    Raises
    ------
    IndexError
        If the arrays do not fit each other.
    """
    cdef int64_t i, k
    cdef double stored, share, p, ratio, total, last_total = -1, absent_term = 0
    check(indptr, classes, counts, df, divergence, prior.shape[0], start, stop)
    # A ratio is positive.
    cdef double[::1] last_ratios = np.zeros(prior.shape[0])
    cdef double[::1] last_terms = np.zeros(prior.shape[0])
    with nogil:
        for i in range(start, stop):
            total = df[i] + strength
            if total != last_total:
                last_total = total
                absent_term = strength / total * log(strength / total)
            stored = 0
            share = 0
            for k in range(indptr[i], indptr[i + 1]):
                p = prior[classes[k]]
                if p <= 0:
                    continue
                ratio = (counts[k] / p + strength) / total
                if ratio != last_ratios[classes[k]]:
                    last_ratios[classes[k]] = ratio
                    last_terms[classes[k]] = p * ratio * log(ratio)
                stored += last_terms[classes[k]]
                share += p
            # A class without the token has q = t pi with t = a / (n_j + a): all of
            # them together give (1 - sum of the other pi) t ln t.
            divergence[i] = max(stored + max(1 - share, 0) * absent_term, 0)


def add_label_divergences(
    const int64_t[::1] indptr,
    const int32_t[::1] labels,
    const double[::1] counts,
    const double[::1] df,
    const double[::1] prior,
    double strength,
    int64_t start,
    int64_t stop,
    double[::1] divergence,
):
    """Add what labels that tokens occur with change in their divergence.

    That is ``KL(q_jl || pi_l) - KL(t_j pi_l || pi_l)``: the second is what a label
    without the token gives, and what is there already. Parameters are those of
    `class_divergences`; labels of prior 0 or 1 change nothing.
    """
    cdef int64_t i, k
    cdef double p, q, total
    check(indptr, labels, counts, df, divergence, prior.shape[0], start, stop)
    cdef double[::1] last_shares = np.full(prior.shape[0], -1.0)
    cdef double[::1] last_terms = np.zeros(prior.shape[0])
    cdef double[::1] last_totals = np.full(prior.shape[0], -1.0)
    cdef double[::1] last_absent_terms = np.zeros(prior.shape[0])
    with nogil:
        for i in range(start, stop):
            total = df[i] + strength
            for k in range(indptr[i], indptr[i + 1]):
                p = prior[labels[k]]
                if not 0 < p < 1:
                    continue
                q = (counts[k] + strength * p) / total
                if q != last_shares[labels[k]]:
                    last_shares[labels[k]] = q
                    last_terms[labels[k]] = bernoulli(q, p)
                if total != last_totals[labels[k]]:
                    last_totals[labels[k]] = total
                    last_absent_terms[labels[k]] = bernoulli(strength / total * p, p)
                divergence[i] += last_terms[labels[k]] - last_absent_terms[labels[k]]


cdef inline double bernoulli(double q, double p) noexcept nogil:
    """KL divergence of two coins; `p` is neither 0 nor 1."""
    cdef double divergence = 0
    # Weighted counts may come out a rounding error above their sum.
    q = min(max(q, 0), 1)
    if q > 0:
        divergence += q * log(q / p)
    if q < 1:
        divergence += (1 - q) * log((1 - q) / (1 - p))
    return divergence


cdef int check(
    const int64_t[::1] indptr,
    const int32_t[::1] classes,
    const double[::1] counts,
    const double[::1] df,
    const double[::1] divergence,
    int64_t n_classes,
    int64_t start,
    int64_t stop,
) except -1:
    cdef int64_t i, n = indptr.shape[0] - 1
    cdef int64_t nnz = min(classes.shape[0], counts.shape[0])
    cdef bint fits = (
        df.shape[0] == n and divergence.shape[0] == n and 0 <= start <= stop <= n
    )
    if fits:
        fits = 0 <= indptr[start] and indptr[stop] <= nnz
        for i in range(start, stop):
            fits &= indptr[i] <= indptr[i + 1]
    if fits:
        for i in range(indptr[start], indptr[stop]):
            fits &= 0 <= classes[i] < n_classes
    if not fits:
        raise IndexError("counts, classes, df and divergence do not fit each other")
    return 0

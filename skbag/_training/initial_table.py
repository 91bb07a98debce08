"""Where a table of scores of two classes begins: at what each token says by itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.dtypes import WEIGHT_DTYPE
from skbag._targets.label_sets import Codes, LabelSets
from skbag._weighting.document_counts import DocumentCounts

PRIOR_STRENGTH = 10.0
"""How many documents of prior class shares a token's own are mixed with. More than
for weights: what training finds here it takes for learnt."""

SHRINKAGE = 0.5
"""How far to go: tokens that occur together say much the same again."""


def initial_table(document_counts: DocumentCounts) -> NDArray[np.float32]:
    """Score of each token by itself, before training.

    ``2 s (q_j - pi)`` with ``s = SHRINKAGE``, `pi` the share of the second class and
    ``q_j = (n_j1 + a pi) / (n_j + a)`` that among the documents that hold token j,
    smoothed by ``a = PRIOR_STRENGTH`` documents of the prior. So `s` times how far the
    mean of the classes, coded as -1 and +1, is from its prior where the token is.

    Parameters
    ----------
    document_counts : DocumentCounts
        Of at least one document, in two classes.

    Returns
    -------
    table : ndarray of shape (n_ids, 1), dtype=float32
    """
    prior = document_counts.class_totals[1] / document_counts.n_documents
    return _as_table(_shares(document_counts, prior) - prior)


def change_of_initial_table(
    before: DocumentCounts, after: DocumentCounts
) -> NDArray[np.float32]:
    """What more documents change in the scores of tokens by themselves.

    Both by the class shares of all documents, so that what only these change counts
    for nothing.

    Parameters
    ----------
    before, after : DocumentCounts
        More tokens may be known after.

    Returns
    -------
    change : ndarray of shape (n_ids after, 1), dtype=float32
    """
    prior = after.class_totals[1] / after.n_documents
    change = _shares(after, prior)
    n_before = len(before.df)
    change[:n_before] -= _shares(before, prior)
    change[n_before:] -= prior
    return _as_table(change)


def _shares(document_counts: DocumentCounts, prior: float) -> NDArray[np.float64]:
    """Share of the second class among the documents of each token, smoothed."""
    # The second column, in a product's time, which is that of one pass.
    shares = document_counts.class_counts @ np.array([0.0, 1.0])
    shares += PRIOR_STRENGTH * prior
    shares /= document_counts.df + PRIOR_STRENGTH
    return np.asarray(shares)


def _as_table(differences: NDArray[np.float64]) -> NDArray[np.float32]:
    differences *= 2 * SHRINKAGE
    return np.asarray(differences.astype(WEIGHT_DTYPE)[:, np.newaxis])


def own_part_of_initial_table(
    document_counts: DocumentCounts,
    bags: Bags,
    codes: Codes,
) -> NDArray[np.float64]:
    """How much of each sample's score by that table is there because it was counted.

    Parameters
    ----------
    document_counts : DocumentCounts
        That the table was made of.
    bags : Bags
        Weighted, of samples that were counted, each as one document.
    codes : ndarray of shape (n_bags,), dtype=int64

    Returns
    -------
    moves : ndarray of shape (n_bags,), dtype=float64
    """
    prior = document_counts.class_totals[1] / document_counts.n_documents
    of_second = document_counts.class_counts @ np.array([0.0, 1.0])
    assert not isinstance(codes, LabelSets)
    rows = np.repeat(np.arange(len(bags)), np.diff(bags.offsets))
    second = of_second[bags.ids] + PRIOR_STRENGTH * prior
    total = document_counts.df[bags.ids] + PRIOR_STRENGTH
    share = second / total - (second - codes[rows]) / (total - 1)
    # Columns of numbers are not counted.
    share[document_counts.df[bags.ids] == 0] = 0
    moves = np.bincount(rows, share * bags.weights, minlength=len(bags))
    return np.asarray(2 * SHRINKAGE * moves)

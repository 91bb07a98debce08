"""Where training of two classes begins: the table that class counts alone suggest.

A step of training changes the rows of the tokens in its batch only, and in a long text
each by little. Beginning from what all counted documents say of each token spares it
to find out what counting has shown already. With more classes it was no gain.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skbag._core.dtypes import WEIGHT_DTYPE
from skbag._weighting.document_counts import Statistics

CAUTION = 10.0
"""How many documents of prior class shares a token's own are mixed with. More than
for weights: what training finds here it takes for learnt."""

SHARE = 0.5
"""How far to go: tokens that occur together say much the same again."""


def first_guess(statistics: Statistics) -> NDArray[np.float32]:
    """Score of each token by itself, before training.

    ``2 s (q_j - pi)`` with ``s = SHARE``, `pi` the share of the second class and
    ``q_j = (n_j1 + a pi) / (n_j + a)`` that among the documents that hold token j,
    smoothed by ``a = CAUTION`` documents of the prior. So `s` times how far the mean of
    the classes, coded as -1 and +1, is from usual where the token is.

    Parameters
    ----------
    statistics : Statistics
        Of at least one document, in two classes.

    Returns
    -------
    table : ndarray of shape (n_ids, 1), dtype=float32
    """
    prior = statistics.class_totals[1] / statistics.n_documents
    of_second = statistics.class_counts[:, [1]].toarray()
    total = statistics.document_counts[:, np.newaxis] + CAUTION
    share = (of_second + CAUTION * prior) / total
    return np.asarray(2 * SHARE * (share - prior), dtype=WEIGHT_DTYPE)

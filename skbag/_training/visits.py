"""Samples heavier than one step can carry are visited several times in an epoch.

A step of a sample's own size moves its score to the margin; a heavier one would only
make the next step go back. The limit of the importance-aware updates of Karampatziakis
and Langford ("Online Importance Weight Aware Updates", UAI 2011) is as many small steps
as the weight says; between them the other samples have their say.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from skbag._training.plan import SINGLE_SAMPLE_STEP
from skbag._training.samples import Samples

CARRIED = 1 / SINGLE_SAMPLE_STEP
"""Weight of a sample of middling norm that one step moves to its margin."""


def with_visits(
    samples: Samples, n_last: int, order: np.random.Generator | None
) -> Samples:
    """Repeat samples that weigh more than a step carries, each time with a part.

    Parameters
    ----------
    samples : Samples
        Of weights that are 1 on average, in the order of training.
    n_last : int
        How many of the last samples are to stay as they are: the first epoch scores
        them before it has trained on them.
    order : numpy Generator or None
        Shuffles the others; None leaves the visits of a sample side by side.

    Returns
    -------
    visits : Samples
        At most twice as many. Only the last `n_last` may weigh more than `CARRIED`.
    """
    if samples.weight is None:
        return samples
    n_first = len(samples) - n_last
    n_visits = np.ones(len(samples), dtype=np.int64)
    n_visits[:n_first] = _n_visits(samples.weight[:n_first])
    if (n_visits == 1).all():
        return samples
    rows = np.repeat(np.arange(len(samples)), n_visits)
    if order is not None:
        n_shuffled = len(rows) - n_last
        rows[:n_shuffled] = order.permutation(rows[:n_shuffled])
    documents = samples.document_weight
    documents = np.ones(len(samples)) if documents is None else documents
    parts = replace(
        samples,
        weight=samples.weight / n_visits,
        document_weight=documents / n_visits,
    )
    return replace(parts.take(rows), numbers=rows)


def visits_per_sample(samples: Samples) -> float:
    """Mean number of visits, for those that stay as they are counted as others."""
    if samples.weight is None or not len(samples):
        return 1.0
    return float(_n_visits(samples.weight).mean())


def _n_visits(weight: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.ceil(np.maximum(weight / CARRIED, 1)).astype(np.int64)

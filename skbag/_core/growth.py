"""When ``partial_fit`` makes anew what depends on all samples so far."""

from __future__ import annotations

import math

GROWTH = 2.0
"""Factor by which documents grow before ``partial_fit`` recomputes weights."""


def power_of_growth(n_documents: float) -> int:
    """Power of `GROWTH` that a number has passed, which may be below 1."""
    return math.floor(math.log(max(n_documents, 1e-300)) / math.log(GROWTH))

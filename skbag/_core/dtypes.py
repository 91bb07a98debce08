"""The number types of the three arrays of a bag, each with its reason."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

ID_DTYPE = np.int32
"""Which token. 32 bits halve the traffic of the hot loops; 2**31 rows of a table
would not fit a machine before they ran out, and ``Bags`` refuses wider matrices."""

OFFSET_DTYPE = np.int64
"""Where a text's bag starts. A large corpus has more than 2**31 token occurrences."""

WEIGHT_DTYPE = np.float32
"""How much an occurrence counts, and every trained number. torch's CPU kernels for
``embedding_bag`` are fastest in float32, and counts stay exact up to 2**24."""

COUNT_DTYPE = np.uint8
"""How often a token occurs in a text, kept for all texts during a fit; where one count
is larger, those of its chunk are in ``WEIGHT_DTYPE``."""


def native(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array in this machine's byte order; pickles keep that of theirs."""
    if array.dtype.isnative:
        return array
    return array.astype(array.dtype.newbyteorder("="))

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._text.documents import Documents, TokenClasses

class BucketCounter:
    def __init__(
        self,
        options: Any,
        classes: TokenClasses,
        ranges: Mapping[Any, tuple[int, int]],
    ) -> None: ...
    def count(
        self, documents: Documents, is_met: NDArray[np.uint8] | None, in_order: bool
    ) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[Any]]: ...

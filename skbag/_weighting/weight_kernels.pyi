from typing import Any

import numpy as np
from numpy.typing import NDArray

def weigh_bags(
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    counts: NDArray[Any],
    factors: NDArray[np.float32] | None,
    sublinear: bool,
    norm: int,
    weights: NDArray[np.float32],
    columns: NDArray[np.uint8] | None = None,
    column_shares: NDArray[np.float32] | None = None,
) -> None: ...

class Rows:
    def __init__(
        self,
        ids: NDArray[np.int32],
        offsets: NDArray[np.int64],
        counts: NDArray[Any],
        rows: NDArray[np.int64] | None,
        new_ids: NDArray[np.int32] | None,
        factors: NDArray[np.float32] | None,
        sublinear: bool,
        norm: int,
        columns: NDArray[np.uint8] | None = None,
        column_shares: NDArray[np.float32] | None = None,
    ) -> None: ...
    def n_kept(self, start: int, stop: int, cancel: bytearray) -> int: ...
    def weigh(
        self,
        start: int,
        stop: int,
        ids: NDArray[np.int32],
        offsets: NDArray[np.int64],
        weights: NDArray[np.float32],
        place: int,
        cancel: bytearray,
    ) -> int: ...

import numpy as np
from numpy.typing import NDArray

class Documents:
    def __init__(
        self,
        ids: NDArray[np.int32],
        offsets: NDArray[np.int64],
        new_ids: NDArray[np.int32] | None,
        samples: NDArray[np.int32],
        class_offsets: NDArray[np.int64] | None,
        classes: NDArray[np.int64],
        weights: NDArray[np.float64] | None,
        n_ids: int,
        n_classes: int,
    ) -> None: ...
    def tabulate(
        self, table: NDArray[np.int32], start: int, stop: int, cancel: bytearray
    ) -> None: ...
    def count_entries(
        self, counts: NDArray[np.int32], start: int, stop: int, cancel: bytearray
    ) -> None: ...
    def place(
        self,
        places: NDArray[np.int64],
        placed: NDArray[np.int32],
        start: int,
        stop: int,
        cancel: bytearray,
    ) -> None: ...
    def count_classes(
        self,
        starts: NDArray[np.int64],
        placed: NDArray[np.int32],
        lengths: NDArray[np.int64],
        first: int,
        stop: int,
        last_ids: NDArray[np.int32],
        cancel: bytearray,
    ) -> None: ...
    def sum_classes(
        self,
        starts: NDArray[np.int64],
        placed: NDArray[np.int32],
        indptr: NDArray[np.int64],
        indices: NDArray[np.int32],
        counts: NDArray[np.float64],
        first: int,
        stop: int,
        sums: NDArray[np.float64],
        cancel: bytearray,
    ) -> None: ...

def count_filled(table: NDArray[np.int32], lengths: NDArray[np.int64]) -> None: ...
def take_filled(
    table: NDArray[np.int32],
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    values: NDArray[np.float64],
) -> None: ...

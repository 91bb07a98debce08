import numpy as np
from numpy.typing import NDArray

def count_by_class(
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    rows: NDArray[np.int64],
    new_ids: NDArray[np.int32] | None,
    class_offsets: NDArray[np.int64] | None,
    classes: NDArray[np.int64],
    weights: NDArray[np.float64] | None,
    n_ids: int,
    n_classes: int,
    largest_table: int,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]: ...

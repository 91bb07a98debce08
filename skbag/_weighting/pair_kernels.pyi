import numpy as np
from numpy.typing import NDArray

def add_pairs(
    indptr: NDArray[np.int64],
    classes: NDArray[np.int32],
    counts: NDArray[np.float64],
    pairs: NDArray[np.int64],
    pair_counts: NDArray[np.float64],
    n_classes: int,
    new_indptr: NDArray[np.int64],
    new_classes: NDArray[np.int32],
    new_counts: NDArray[np.float64],
    sums: NDArray[np.float64],
) -> None: ...
def count_runs(
    ascending: NDArray[np.int32] | NDArray[np.int64],
    values: NDArray[np.int64],
    counts: NDArray[np.float64],
) -> int: ...
def sum_packed(
    packed: NDArray[np.int64],
    values: NDArray[np.int64],
    sums: NDArray[np.float64],
) -> int: ...

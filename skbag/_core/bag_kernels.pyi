import numpy as np
from numpy.typing import NDArray

def sum_rows(
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    weights: NDArray[np.float32],
    table: NDArray[np.float32],
    sums: NDArray[np.float32],
) -> None: ...
def count_ids(ids: NDArray[np.int32], n_ids: int) -> NDArray[np.int64]: ...
def order_by_count(counts: NDArray[np.int64]) -> NDArray[np.int32]: ...
def squared_norms(
    offsets: NDArray[np.int64], weights: NDArray[np.float32]
) -> NDArray[np.float64]: ...
def add_second_moment(
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    weights: NDArray[np.float32],
    shares: NDArray[np.float64],
    vector: NDArray[np.float64],
    product: NDArray[np.float64],
) -> None: ...

import numpy as np
from numpy.typing import NDArray

def class_divergences(
    indptr: NDArray[np.int64],
    classes: NDArray[np.int32],
    counts: NDArray[np.float64],
    df: NDArray[np.float64],
    prior: NDArray[np.float64],
    strength: float,
    start: int,
    stop: int,
    divergence: NDArray[np.float64],
) -> None: ...
def add_label_divergences(
    indptr: NDArray[np.int64],
    labels: NDArray[np.int32],
    counts: NDArray[np.float64],
    df: NDArray[np.float64],
    prior: NDArray[np.float64],
    strength: float,
    start: int,
    stop: int,
    divergence: NDArray[np.float64],
) -> None: ...

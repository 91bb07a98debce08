import numpy as np
from numpy.typing import NDArray

class Samples:
    n_batches: int
    largest_batch: int
    has_avx2: bool
    def __init__(
        self,
        ids: NDArray[np.int32],
        offsets: NDArray[np.int64],
        weights: NDArray[np.float32],
        edges: NDArray[np.int64],
        classes: NDArray[np.int64] | None,
        class_shift: int,
        label_offsets: NDArray[np.int64] | None,
        labels: NDArray[np.int64] | None,
        label_weights: NDArray[np.float32] | None,
        targets: NDArray[np.float32] | None,
        delta: float,
        sample_weights: NDArray[np.float32] | None,
        n_ids: int,
        n_outputs: int,
    ) -> None: ...

def run_epoch(
    samples: Samples,
    table: NDArray[np.float32],
    scale: float,
    first: int,
    n: int,
    intercept: NDArray[np.float32],
    squares: NDArray[np.float32],
    order: NDArray[np.int64],
    rates: NDArray[np.float64],
    alpha: float,
    intercept_step: float,
    largest_loss: float,
    smallest_scale: float,
    score_rows: NDArray[np.int64],
    scores: NDArray[np.float32],
    losses: NDArray[np.float64],
    cancel: bytes | bytearray,
) -> tuple[int, float]: ...
def copy_columns(
    block: NDArray[np.float32],
    scale: float,
    n: int,
    first: int,
    table: NDArray[np.float32],
) -> None: ...

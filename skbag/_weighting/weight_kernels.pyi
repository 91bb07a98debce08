from typing import Any

import numpy as np
from numpy.typing import NDArray

def weigh(
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    counts: NDArray[Any],
    rows: NDArray[np.int64],
    new_ids: NDArray[np.int32] | None,
    id_weights: NDArray[np.float32] | None,
    sublinear: bool,
    norm: int,
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.float32]]: ...

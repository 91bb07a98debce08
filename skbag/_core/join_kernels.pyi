from typing import Any

import numpy as np
from numpy.typing import NDArray

def put_entries(
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    weights: NDArray[Any],
    new_ids: NDArray[np.int32],
    places: NDArray[np.int64],
    out_ids: NDArray[np.int32],
    out_weights: NDArray[Any],
) -> None: ...

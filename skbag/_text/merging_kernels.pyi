import numpy as np
from numpy.typing import NDArray

PADDING: int

def hashes_of(
    data: NDArray[np.uint8], starts: NDArray[np.int64]
) -> NDArray[np.uint64]: ...
def taken(
    data: NDArray[np.uint8], starts: NDArray[np.int64], which: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]: ...
def number_strings(
    data: NDArray[np.uint8], starts: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]: ...
def number_keys(
    keys: NDArray[np.uint64],
) -> tuple[NDArray[np.int32], NDArray[np.int64]]: ...
def mixed(keys: NDArray[np.uint64]) -> NDArray[np.uint64]: ...
def with_other_strings(
    keys: NDArray[np.uint64], numbers: NDArray[np.int32]
) -> NDArray[np.uint64]: ...
def strings_in_use(
    keys: NDArray[np.uint64], n_strings: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]: ...

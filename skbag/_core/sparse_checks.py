"""Whether a user's sparse matrix is sound: malformed indices can crash the process."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skbag._core.dtypes import ID_DTYPE


def check_csr(X: Any) -> None:
    """Refuse a CSR matrix whose arrays do not fit together.

    Parameters
    ----------
    X : scipy CSR matrix or array of shape (n_samples, n_ids)

    Raises
    ------
    ValueError
        If the matrix is wider than an id can say, or one of its arrays points outside
        another. torch and scipy trust them and would read beyond their end.
    """
    n_rows, n_columns = X.shape
    if n_columns > np.iinfo(ID_DTYPE).max:
        raise ValueError(
            f"X has {n_columns} columns; at most {np.iinfo(ID_DTYPE).max} are "
            "supported. Hash the columns into fewer."
        )
    indptr, indices = X.indptr, X.indices
    for name, array in (("indptr", indptr), ("indices", indices)):
        if array.dtype.kind != "i":
            raise ValueError(
                f"X is a malformed CSR matrix: {name} must hold signed integers, got "
                f"{array.dtype}. Rebuild it with scipy.sparse.csr_array(coo)."
            )
    if (
        len(indptr) != n_rows + 1
        or indptr[0] != 0
        or indptr[-1] > len(indices)
        or len(indices) != len(X.data)
        or (np.diff(indptr) < 0).any()
    ):
        raise ValueError(
            "X is a malformed CSR matrix: indptr must start at 0, never fall and end "
            "at the number of stored values. Rebuild it, for instance with "
            "scipy.sparse.csr_array(coo)."
        )
    indices = indices[: indptr[-1]]
    if len(indices) and (indices.min() < 0 or indices.max() >= n_columns):
        raise ValueError(
            "X is a malformed CSR matrix: column indices must lie in "
            f"[0, {n_columns}), got {indices.min()} to {indices.max()}. Rebuild it "
            "with scipy.sparse.csr_array(coo)."
        )


def check_sparse(X: Any) -> None:
    """Refuse a sparse matrix that cannot be brought into CSR form safely.

    Parameters
    ----------
    X : scipy sparse matrix or array

    Raises
    ------
    ValueError
        If it has not two axes or is complex; or as `check_csr`, for scipy trusts the
        arrays of other formats too, and would write beyond the end of its own.
    """
    if X.ndim != 2:
        raise ValueError(
            f"Expected 2D input, got a sparse array of {X.ndim} dimension(s). Reshape "
            "it to one row per sample."
        )
    if X.dtype.kind == "c":
        # scikit-learn would print the matrix, which scipy cannot do with any indices.
        raise ValueError(f"Complex data not supported, got X of dtype {X.dtype}.")
    if X.format == "csr":
        check_csr(X)
    elif X.format == "csc":
        _check_as("CSC", X.T)
    elif X.format == "bsr":
        block_rows, block_columns = X.blocksize
        shape = (X.shape[0] // block_rows, X.shape[1] // block_columns)
        blocks = _Compressed(shape, X.indptr, X.indices, X.data)
        _check_as("BSR", blocks)
    elif X.format == "coo":
        _check_coo(X)
    elif X.format == "lil":
        check_csr(X.tocsr())


class _Compressed(NamedTuple):
    """What `check_csr` looks at."""

    shape: tuple[int, int]
    indptr: NDArray[Any]
    indices: NDArray[Any]
    data: NDArray[Any]


def _check_as(name: str, X: Any) -> None:
    """Run `check_csr` on the arrays of a matrix of another format."""
    try:
        check_csr(X)
    except ValueError as error:
        raise ValueError(
            f"X is a malformed {name} matrix. Its arrays, read as those of a CSR "
            f"matrix: {error}"
        ) from error


def _check_coo(X: Any) -> None:
    for axis, (places, size) in enumerate(zip((X.row, X.col), X.shape, strict=True)):
        if len(places) != len(X.data) or places.dtype.kind != "i":
            raise ValueError(
                f"X is a malformed COO matrix: {len(X.data)} values, but "
                f"{len(places)} coordinates of dtype {places.dtype} along axis {axis}. "
                "Rebuild it with scipy.sparse.coo_array((data, (rows, columns)))."
            )
        if len(places) and (places.min() < 0 or places.max() >= size):
            raise ValueError(
                f"X is a malformed COO matrix: coordinates along axis {axis} must lie "
                f"in [0, {size}), got {places.min()} to {places.max()}. Rebuild it "
                "with scipy.sparse.coo_array((data, (rows, columns)))."
            )

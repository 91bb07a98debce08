"""Kernels over the arrays of bags: products with a table, frequencies of ids."""

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int32_t, int64_t, uint32_t

import numpy as np

from skbag._core.prefetch cimport prefetch


cdef extern from "row_sums.h":
    void add_row "skbag_add_row_portable"(
        float*, const float*, float, Py_ssize_t
    ) noexcept nogil
    void add_row_avx2 "skbag_add_row_avx2"(
        float*, const float*, float, Py_ssize_t
    ) noexcept nogil
    int has_avx2 "skbag_has_avx2"() noexcept nogil


cdef enum:
    # Entries before they are needed rows are asked for.
    AHEAD = 6
    # float32 in a line of cache.
    LINE = 16
    # Numbers that are added between two looks at whether to end.
    NUMBERS_AT_ONCE = 1 << 27

cdef bint HAS_AVX2 = has_avx2()


def sum_rows(
    const int32_t[::1] ids,
    const int64_t[::1] offsets,
    const float[::1] weights,
    const float[:, ::1] table,
    float[:, ::1] sums,
):
    """Add the weighted rows of a table to the sums of each bag, in the order of ids.

    Parameters
    ----------
    ids, offsets, weights : buffers
        Of `Bags`.
    table : buffer of shape (n_ids, width), float32
    sums : buffer of shape (n_bags, width), float32
        Added to in place.

    Raises
    ------
    IndexError
        If the arrays do not fit each other.
    """
    cdef int64_t n = offsets.shape[0] - 1, n_entries = ids.shape[0], i = 0
    if (
        n != sums.shape[0]
        or sums.shape[1] != table.shape[1]
        or n_entries != weights.shape[0]
        or offsets[0] != 0
        or offsets[n] != n_entries
    ):
        raise IndexError("arrays of bags, table and sums do not fit each other")
    if n == 0 or table.shape[0] * table.shape[1] == 0 or n_entries == 0:
        if n_entries and table.shape[0] == 0:
            raise IndexError("there are ids, and no rows")
        return
    while i < n:
        if i:
            PyErr_CheckSignals()
        with nogil:
            i = add_rows(&ids[0], &offsets[0], &weights[0], table, sums, i, n_entries)
        if i < 0:
            raise IndexError(
                f"offsets do not ascend, or an id is not below {table.shape[0]}, the "
                "number of rows of the table"
            )


cdef int64_t add_rows(
    const int32_t* ids,
    const int64_t* offsets,
    const float* weights,
    const float[:, ::1] table,
    float[:, ::1] sums,
    int64_t i,
    int64_t n_entries,
) noexcept nogil:
    """Sum bags from `i` on for a while; up to which, or -1 where arrays are damaged."""
    cdef int64_t width = table.shape[1], n = sums.shape[0], k = offsets[i], c
    cdef int64_t until = k + max(NUMBERS_AT_ONCE // width, 1)
    cdef uint32_t n_ids = <uint32_t> min(table.shape[0], 0x7FFFFFFF)
    cdef const float* rows = &table[0, 0]
    cdef float* own
    while i < n and k < until:
        if not k <= offsets[i + 1] <= n_entries:
            return -1
        own = &sums[i, 0]
        if width == 1:
            if not add_numbers(ids + k, weights + k, rows, n_ids, own, offsets[i + 1] - k):
                return -1
            k = offsets[i + 1]
        while k < offsets[i + 1]:
            if <uint32_t> ids[k] >= n_ids:
                return -1
            if k + AHEAD < n_entries:
                # Addresses, which may be no one's: they are not read.
                c = 0
                while c < width:
                    prefetch(rows + ids[k + AHEAD] * width + c)
                    c += LINE
            if HAS_AVX2:
                add_row_avx2(own, rows + ids[k] * width, weights[k], width)
            else:
                add_row(own, rows + ids[k] * width, weights[k], width)
            k += 1
        i += 1
    return i


cdef bint add_numbers(
    const int32_t* ids,
    const float* weights,
    const float* numbers,
    uint32_t n_ids,
    float* total,
    int64_t n,
) noexcept nogil:
    """Sum a bag of a table of one column; False where an id is out of range."""
    cdef int64_t k
    cdef float own = total[0]
    for k in range(n):
        if <uint32_t> ids[k] >= n_ids:
            return False
        own += weights[k] * numbers[ids[k]]
    total[0] = own
    return True


def count_ids(const int32_t[::1] ids, int64_t n_ids):
    """Count how often each id occurs: ``np.bincount``, without a copy in int64.

    Parameters
    ----------
    ids : buffer of shape (n,), int32
    n_ids : int

    Returns
    -------
    counts : ndarray of shape (n_ids,), dtype=int64

    Raises
    ------
    IndexError
        If an id is not below `n_ids`.
    """
    counts = np.zeros(n_ids, dtype=np.int64)
    cdef int64_t[::1] out = counts
    cdef int64_t k
    cdef bint is_bad = False
    with nogil:
        for k in range(ids.shape[0]):
            if not 0 <= ids[k] < n_ids:
                is_bad = True
                break
            out[ids[k]] += 1
    if is_bad:
        raise IndexError(f"ids from {min(ids)} to {max(ids)} of a table of {n_ids}")
    return counts


def order_by_count(const int64_t[::1] counts):
    """Order places by falling counts; equal ones stay in the order they are in.

    ``np.argsort(-counts, kind="stable")``, in time and memory proportional to the
    number of places and the largest count.

    Parameters
    ----------
    counts : buffer of shape (n,), int64
        Not negative.

    Returns
    -------
    order : ndarray of shape (n,), dtype=int32

    Raises
    ------
    ValueError
        If a count is negative.
    """
    cdef int64_t n = len(counts), i, largest = 0, least = 0
    order = np.empty(n, dtype=np.int32)
    cdef int32_t[::1] out = order
    for i in range(n):
        largest = max(largest, counts[i])
        least = min(least, counts[i])
    if least < 0:
        raise ValueError(f"counts must not be negative, got {least}")
    starts = np.zeros(largest + 2, dtype=np.int64)
    cdef int64_t[::1] start = starts
    cdef int64_t place
    with nogil:
        # Where those of count c begin: after all that have more.
        for i in range(n):
            start[largest - counts[i] + 1] += 1
        for i in range(largest + 1):
            start[i + 1] += start[i]
        for i in range(n):
            place = largest - counts[i]
            out[start[place]] = <int32_t> i
            start[place] += 1
    return order


def squared_norms(const int64_t[::1] offsets, const float[::1] weights):
    """Sum the squares of the weights of each bag.

    Parameters
    ----------
    offsets : buffer of shape (n_bags + 1,), int64
    weights : buffer of shape (nnz,), float32

    Returns
    -------
    squared : ndarray of shape (n_bags,), dtype=float64

    Raises
    ------
    IndexError
        If the arrays do not fit each other.
    """
    cdef int64_t i, k, n = len(offsets) - 1
    cdef double total
    cdef bint fits = offsets[0] >= 0 and offsets[n] <= weights.shape[0]
    for i in range(n):
        fits &= offsets[i] <= offsets[i + 1]
    if not fits:
        raise IndexError("offsets and weights do not fit each other")
    squared = np.empty(n)
    cdef double[::1] out = squared
    with nogil:
        for i in range(n):
            total = 0
            for k in range(offsets[i], offsets[i + 1]):
                total += <double> weights[k] * <double> weights[k]
            out[i] = total
    return squared


def add_second_moment(
    const int32_t[::1] ids,
    const int64_t[::1] offsets,
    const float[::1] weights,
    const double[::1] shares,
    const double[::1] vector,
    double[::1] product,
):
    """Add ``X.T @ (shares * (X @ vector))`` to a product, with the bags as rows of X.

    Parameters
    ----------
    ids : buffer of shape (nnz,), int32
    offsets : buffer of shape (n_bags + 1,), int64
    weights : buffer of shape (nnz,), float32
    shares : buffer of shape (n_bags,), float64
    vector : buffer of shape (n_ids,), float64
    product : buffer of shape (n_ids,), float64
        Added to, one bag after the other.

    Raises
    ------
    IndexError
        If the arrays do not fit each other.
    """
    cdef int64_t i, k, n = offsets.shape[0] - 1
    cdef int64_t n_ids = min(vector.shape[0], product.shape[0])
    cdef double total
    cdef bint fits = (
        n == shares.shape[0]
        and ids.shape[0] == weights.shape[0]
        and offsets[0] >= 0
        and offsets[n] <= ids.shape[0]
    )
    if fits:
        for i in range(n):
            fits &= offsets[i] <= offsets[i + 1]
    if fits:
        for k in range(ids.shape[0]):
            fits &= 0 <= ids[k] < n_ids
    if not fits:
        raise IndexError("the arrays of bags and vectors do not fit each other")
    with nogil:
        for i in range(n):
            total = 0
            for k in range(offsets[i], offsets[i + 1]):
                total += <double> weights[k] * vector[ids[k]]
            total = shares[i] * total
            for k in range(offsets[i], offsets[i + 1]):
                product[ids[k]] += <double> weights[k] * total

"""Kernels over the arrays of bags: products with a table, frequencies of ids."""

from libc.stdint cimport int32_t, int64_t

import numpy as np

from skbag._core.interrupts cimport check_interrupts
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
    cdef int64_t n = len(offsets) - 1
    if (
        sums.shape[0] != n
        or sums.shape[1] != table.shape[1]
        or offsets[n] > len(ids)
        or len(ids) != len(weights)
    ):
        raise IndexError("arrays of bags, table and sums do not fit each other")
    if n == 0 or table.shape[1] == 0 or len(ids) == 0:
        return
    with nogil:
        if table.shape[1] == 1:
            _sum_numbers(&ids[0], &offsets[0], &weights[0], &table[0, 0], &sums[0, 0], n)
        else:
            _sum_rows(
                &ids[0],
                &offsets[0],
                &weights[0],
                &table[0, 0],
                &sums[0, 0],
                n,
                table.shape[1],
                offsets[n],
            )


cdef int _sum_numbers(
    const int32_t* ids,
    const int64_t* offsets,
    const float* weights,
    const float* table,
    float* sums,
    int64_t n,
) except -1 nogil:
    cdef int64_t i, k, work = 0
    cdef float total
    for i in range(n):
        check_interrupts(&work, offsets[i + 1] - offsets[i])
        total = sums[i]
        for k in range(offsets[i], offsets[i + 1]):
            total += weights[k] * table[ids[k]]
        sums[i] = total
    return 0


cdef int _sum_rows(
    const int32_t* ids,
    const int64_t* offsets,
    const float* weights,
    const float* table,
    float* sums,
    int64_t n,
    int64_t width,
    int64_t n_entries,
) except -1 nogil:
    cdef int64_t i, k, c, work = 0
    cdef const float* row
    cdef float* own
    for i in range(n):
        own = sums + i * width
        # Rows that are wide take longer.
        check_interrupts(&work, (offsets[i + 1] - offsets[i]) * (1 + width // LINE))
        for k in range(offsets[i], offsets[i + 1]):
            if k + AHEAD < n_entries:
                row = table + <int64_t> ids[k + AHEAD] * width
                c = 0
                while c < width:
                    prefetch(row + c)
                    c += LINE
            row = table + <int64_t> ids[k] * width
            if HAS_AVX2:
                add_row_avx2(own, row, weights[k], width)
            else:
                add_row(own, row, weights[k], width)
    return 0


def count_ids(const int32_t[::1] ids, int64_t n_ids):
    """Count how often each id occurs.

    Returns
    -------
    counts : ndarray of shape (n_ids,), dtype=int64

    Raises
    ------
    IndexError
        If an id is not in ``[0, n_ids)``.
    """
    counts = np.zeros(n_ids, dtype=np.int64)
    cdef int64_t[::1] out = counts
    cdef int64_t k
    cdef bint fits = True
    with nogil:
        for k in range(ids.shape[0]):
            fits = 0 <= ids[k] < n_ids
            if not fits:
                break
            out[ids[k]] += 1
    if not fits:
        raise IndexError(f"ids from {min(ids)} to {max(ids)} of a table of {n_ids}")
    return counts


def order_by_count(const int64_t[::1] counts):
    """Order places by falling counts; equal ones stay in the order they are in.

    ``np.argsort(-counts, kind="stable")``, in time and memory proportional to the
    number of places and the largest count.

    Returns
    -------
    order : ndarray of shape (n,), dtype=int32

    Raises
    ------
    ValueError
        If a count is negative.
    """
    cdef int64_t n = len(counts), i, largest = 0, smallest = 0
    order = np.empty(n, dtype=np.int32)
    cdef int32_t[::1] out = order
    for i in range(n):
        largest, smallest = max(largest, counts[i]), min(smallest, counts[i])
    if smallest < 0:
        raise ValueError(f"counts must not be negative, got {smallest}")
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

    Returns
    -------
    squared : ndarray of shape (n_bags,), dtype=float64

    Raises
    ------
    IndexError
        If the offsets end beyond the weights.
    """
    cdef int64_t i, k, n = len(offsets) - 1
    cdef double total
    if n < 0 or offsets[n] > len(weights):
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

"""From counted bags to weighted ones in one pass: see `Weighting.apply`."""

from libc.math cimport fabs, logf, sqrt
from libc.stdint cimport int32_t, int64_t, uint8_t

import numpy as np

from skbag._core.bag_checks cimport check_rows
from skbag._core.buffers cimport (
    Buffer,
    push_int64,
    release,
    reserve,
    take_array,
)
from skbag._core.interrupts cimport check_interrupts
from skbag._core.prefetch cimport prefetch

cdef enum:
    # Rows before they are needed memory is asked for.
    AHEAD = 8
    L1 = 1
    L2 = 2
    N_LOGARITHMS = 256

# Of whole numbers by numpy, so that bytes and floats of a count get the same weight.
cdef float LOGARITHMS[N_LOGARITHMS]
for _count, _value in enumerate(np.log(np.arange(1, N_LOGARITHMS, dtype=np.float32)), 1):
    LOGARITHMS[_count] = _value

ctypedef fused Count:
    uint8_t
    float


def weigh(
    const int32_t[::1] ids,
    const int64_t[::1] offsets,
    const Count[::1] counts,
    const int64_t[::1] rows,
    const int32_t[::1] new_ids,
    const float[::1] id_weights,
    bint sublinear,
    int norm,
):
    """Weigh the entries of bags.

    Parameters
    ----------
    ids, offsets, counts : buffers
        Of bags; counts of uint8 or float32.
    rows : buffer of int64
        Which of the bags, in which order.
    new_ids : buffer of int32, or None
        What each id becomes; -1 leaves it out. None leaves ids as they are.
    id_weights : buffer of float32, or None
        Factor of each id, a new one where there are.
    sublinear : bool
        Whether a count becomes ``1 + ln(count)``.
    norm : int
        1, 2, or 0 for none: of each bag; a bag of norm 0 stays as it is.

    Returns
    -------
    ids : ndarray of shape (nnz,), dtype=int32
    offsets : ndarray of shape (n_rows + 1,), dtype=int64
    weights : ndarray of shape (nnz,), dtype=float32

    Raises
    ------
    IndexError
        If the arrays of the bags do not fit each other.
    """
    cdef Buffer out_ids, out_offsets, out_weights
    cdef const int32_t* renumber = NULL
    cdef const float* factors = NULL
    out_ids.data = out_offsets.data = out_weights.data = NULL
    out_ids.size = out_offsets.size = out_weights.size = 0
    out_ids.capacity = out_offsets.capacity = out_weights.capacity = 0
    if len(counts) != len(ids):
        raise IndexError(f"{len(counts)} counts of {len(ids)} ids")
    check_rows(rows, offsets, len(ids))
    if new_ids is not None and len(new_ids):
        renumber = &new_ids[0]
    if id_weights is not None and len(id_weights):
        factors = &id_weights[0]
    try:
        reserve(&out_offsets, 8 * (len(rows) + 1))
        push_int64(&out_offsets, 0)
        if len(rows) and len(ids):
            with nogil:
                _weigh(
                    &ids[0],
                    &offsets[0],
                    &counts[0],
                    &rows[0],
                    rows.shape[0],
                    renumber,
                    factors,
                    sublinear,
                    norm,
                    &out_ids,
                    &out_offsets,
                    &out_weights,
                )
        else:
            for _ in range(len(rows)):
                push_int64(&out_offsets, 0)
        return (
            take_array(&out_ids, np.int32),
            take_array(&out_offsets, np.int64),
            take_array(&out_weights, np.float32),
        )
    finally:
        release(&out_ids)
        release(&out_offsets)
        release(&out_weights)


cdef int _weigh(
    const int32_t* ids,
    const int64_t* offsets,
    const Count* counts,
    const int64_t* rows,
    int64_t n_rows,
    const int32_t* new_ids,
    const float* factors,
    bint sublinear,
    int norm,
    Buffer* out_ids,
    Buffer* out_offsets,
    Buffer* out_weights,
) except -1 nogil:
    cdef int64_t i, k, n, n_total = 0, work = 0
    cdef int32_t* own_ids
    cdef float* weights
    cdef float weight, length
    cdef double total
    cdef int32_t id_
    for i in range(n_rows):
        # Rows are in any order.
        if i + 2 * AHEAD < n_rows:
            prefetch(&offsets[rows[i + 2 * AHEAD]])
        if i + AHEAD < n_rows:
            prefetch(&ids[offsets[rows[i + AHEAD]]])
            prefetch(&counts[offsets[rows[i + AHEAD]]])
        n = offsets[rows[i] + 1] - offsets[rows[i]]
        check_interrupts(&work, n)
        reserve(out_ids, 4 * n)
        reserve(out_weights, 4 * n)
        own_ids = <int32_t*> (out_ids.data + out_ids.size)
        weights = <float*> (out_weights.data + out_weights.size)
        n = 0
        total = 0
        for k in range(offsets[rows[i]], offsets[rows[i] + 1]):
            id_ = ids[k]
            if new_ids != NULL:
                id_ = new_ids[id_]
                if id_ < 0:
                    continue
            weight = <float> counts[k]
            if sublinear:
                if 0 < weight < N_LOGARITHMS and weight == <float> (<int> weight):
                    weight = 1 + LOGARITHMS[<int> weight]
                else:
                    weight = 1 + logf(weight)
            if factors != NULL:
                weight = weight * factors[id_]
            own_ids[n] = id_
            weights[n] = weight
            if norm == L2:
                total += <double> weight * <double> weight
            elif norm == L1:
                total += fabs(weight)
            n += 1
        if norm and total != 0:
            length = <float> (sqrt(total) if norm == L2 else total)
            if length != 0:
                for k in range(n):
                    weights[k] = weights[k] / length
        out_ids.size += 4 * n
        out_weights.size += 4 * n
        n_total += n
        push_int64(out_offsets, n_total)
    return 0

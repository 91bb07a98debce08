"""Documents counted by id and class, in time proportional to the entries."""

from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.string cimport memset

import numpy as np

from skbag._core.bag_checks cimport check_rows
from skbag._core.buffers cimport Buffer, push_int32, release, reserve, take_array
from skbag._core.interrupts cimport check_interrupts
from skbag._core.prefetch cimport prefetch

cdef enum:
    # Rows before they are needed memory is asked for.
    AHEAD = 8


cdef struct Bags:
    const int32_t* ids
    const int64_t* offsets
    # Which of the bags are counted.
    const int64_t* rows
    int64_t n_rows
    # What ids become; NULL where they stay.
    const int32_t* new_ids
    # Classes of row i: `classes` from `class_offsets[i]` on; or one each.
    const int64_t* class_offsets
    const int64_t* classes
    # Of each row; NULL where all are 1.
    const double* weights


def count_by_class(
    const int32_t[::1] ids,
    const int64_t[::1] offsets,
    const int64_t[::1] rows,
    const int32_t[::1] new_ids,
    const int64_t[::1] class_offsets,
    const int64_t[::1] classes,
    const double[::1] weights,
    int64_t n_ids,
    int64_t n_classes,
    int64_t largest_table,
):
    """Count the documents of each class that hold each id.

    In a table of all ids and classes where that is small; else the classes of the
    entries of an id are put side by side, in the order of the documents, and summed
    with one number for each class.

    Parameters
    ----------
    ids, offsets : buffers
        Of bags; ids unique within each.
    rows : buffer of int64
        Which bags are counted.
    new_ids : buffer of int32, or None
        What each id becomes; -1 leaves it out.
    class_offsets : buffer of int64 of length n_rows + 1, or None
        Where the classes of each row start; None where each has one.
    classes : buffer of int64
    weights : buffer of float64 of length n_rows, or None
        Of each row; None where all are 1.
    n_ids, n_classes : int
        After renumbering.
    largest_table : int
        Numbers of the largest table to count in.

    Returns
    -------
    indptr : ndarray of shape (n_ids + 1,), dtype=int64
    indices : ndarray of shape (nnz,), dtype=int32
        Classes, ascending for each id.
    counts : ndarray of shape (nnz,), dtype=float64

    Raises
    ------
    IndexError
        If the arrays do not fit each other, or a class is not below `n_classes`.
    """
    cdef Bags bags
    cdef Buffer indices, counts
    if n_classes > 0x7FFFFFFF:
        raise ValueError(f"at most 2**31 - 1 classes can be counted, got {n_classes}")
    check_rows(rows, offsets, len(ids))
    _check_classes(classes, class_offsets, len(rows), n_classes)
    if weights is not None and len(weights) != len(rows):
        raise IndexError(f"{len(weights)} weights of {len(rows)} rows")
    memset(&bags, 0, sizeof(Bags))
    memset(&indices, 0, sizeof(Buffer))
    memset(&counts, 0, sizeof(Buffer))
    indptr = np.zeros(n_ids + 1, dtype=np.int64)
    starts = np.zeros(n_ids + 1, dtype=np.int64)
    cdef double[::1] table_view
    cdef int64_t[::1] indptr_view = indptr
    cdef int64_t[::1] starts_view = starts
    if not len(rows) or not len(ids) or not len(classes):
        return indptr, np.empty(0, dtype=np.int32), np.empty(0)
    bags.ids, bags.offsets = &ids[0], &offsets[0]
    bags.rows, bags.n_rows = &rows[0], rows.shape[0]
    bags.classes = &classes[0]
    if new_ids is not None:
        bags.new_ids = &new_ids[0]
    if class_offsets is not None:
        bags.class_offsets = &class_offsets[0]
    if weights is not None:
        bags.weights = &weights[0]
    if n_ids * n_classes <= largest_table:
        table = np.zeros(n_ids * n_classes)
        table_view = table
        with nogil:
            _count_in_table(&bags, n_classes, &table_view[0])
        return _from_table(table, n_ids, n_classes)
    with nogil:
        _count_entries(&bags, &starts_view[0], n_ids)
    placed = np.empty(starts[n_ids], dtype=np.int32)
    placed_weights = np.empty(0 if weights is None else starts[n_ids])
    sums = np.zeros(n_classes)
    cdef int32_t[::1] placed_view = placed
    cdef double[::1] placed_weights_view = placed_weights
    cdef double[::1] sums_view = sums
    if not len(placed):
        return indptr, np.empty(0, dtype=np.int32), np.empty(0)
    try:
        with nogil:
            _place(
                &bags,
                &starts_view[0],
                &placed_view[0],
                NULL if bags.weights == NULL else &placed_weights_view[0],
            )
            _sum(
                &starts_view[0],
                &placed_view[0],
                NULL if bags.weights == NULL else &placed_weights_view[0],
                n_ids,
                n_classes,
                &sums_view[0],
                &indptr_view[0],
                &indices,
                &counts,
            )
        return indptr, take_array(&indices, np.int32), take_array(&counts, np.float64)
    finally:
        release(&indices)
        release(&counts)


cdef int _check_classes(
    const int64_t[::1] classes,
    const int64_t[::1] class_offsets,
    int64_t n_rows,
    int64_t n_classes,
) except -1:
    cdef int64_t i
    cdef bint fits = True
    if class_offsets is None:
        if len(classes) != n_rows:
            raise IndexError(f"{len(classes)} classes of {n_rows} rows")
    elif len(class_offsets) != n_rows + 1 or class_offsets[n_rows] > len(classes):
        raise IndexError("rows and where their classes start do not fit each other")
    for i in range(len(classes)):
        fits = fits and 0 <= classes[i] < n_classes
    if not fits:
        raise IndexError(
            f"classes from {min(classes)} to {max(classes)} of {n_classes}"
        )
    return 0


cdef inline int32_t _id_of(const Bags* bags, int64_t k) noexcept nogil:
    return bags.ids[k] if bags.new_ids == NULL else bags.new_ids[bags.ids[k]]


cdef inline void _prefetch_row(const Bags* bags, int64_t i) noexcept nogil:
    """Ask for rows some rows before: they are in any order."""
    if i + 2 * AHEAD < bags.n_rows:
        prefetch(&bags.offsets[bags.rows[i + 2 * AHEAD]])
    if i + AHEAD < bags.n_rows:
        prefetch(&bags.ids[bags.offsets[bags.rows[i + AHEAD]]])


cdef inline int64_t _length_of(const Bags* bags, int64_t i) noexcept nogil:
    return bags.offsets[bags.rows[i] + 1] - bags.offsets[bags.rows[i]]


cdef inline int64_t _n_classes_of(const Bags* bags, int64_t i) noexcept nogil:
    if bags.class_offsets == NULL:
        return 1
    return bags.class_offsets[i + 1] - bags.class_offsets[i]


cdef int _count_in_table(
    const Bags* bags, int64_t n_classes, double* table
) except -1 nogil:
    cdef int64_t i, j, k, first, n, work = 0
    cdef int32_t id_
    cdef double weight = 1
    for i in range(bags.n_rows):
        _prefetch_row(bags, i)
        n = _n_classes_of(bags, i)
        check_interrupts(&work, n * _length_of(bags, i))
        first = i if bags.class_offsets == NULL else bags.class_offsets[i]
        if bags.weights != NULL:
            weight = bags.weights[i]
        for k in range(bags.offsets[bags.rows[i]], bags.offsets[bags.rows[i] + 1]):
            id_ = _id_of(bags, k)
            if id_ >= 0:
                for j in range(first, first + n):
                    table[id_ * n_classes + bags.classes[j]] += weight
    return 0


cdef object _from_table(table, n_ids, n_classes):
    filled = np.flatnonzero(table)
    rows, classes = np.divmod(filled, n_classes)
    indptr = np.zeros(n_ids + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows, minlength=n_ids), out=indptr[1:])
    return indptr, classes.astype(np.int32), table[filled]


cdef int _count_entries(
    const Bags* bags, int64_t* starts, int64_t n_ids
) except -1 nogil:
    """Set where the entries of each id end, once they are placed from there on."""
    cdef int64_t i, k, n, work = 0
    cdef int32_t id_
    for i in range(bags.n_rows):
        _prefetch_row(bags, i)
        n = _n_classes_of(bags, i)
        check_interrupts(&work, n * _length_of(bags, i))
        for k in range(bags.offsets[bags.rows[i]], bags.offsets[bags.rows[i] + 1]):
            id_ = _id_of(bags, k)
            if id_ >= 0:
                starts[id_ + 1] += n
    for i in range(n_ids):
        starts[i + 1] += starts[i]
    return 0


cdef int _place(
    const Bags* bags, int64_t* starts, int32_t* placed, double* placed_weights
) except -1 nogil:
    """Put the classes of the entries of each id side by side.

    Afterwards ``starts[i]`` is where those of id i end.
    """
    cdef int64_t i, j, k, first, n, work = 0
    cdef int32_t id_
    for i in range(bags.n_rows):
        _prefetch_row(bags, i)
        n = _n_classes_of(bags, i)
        check_interrupts(&work, n * _length_of(bags, i))
        first = i if bags.class_offsets == NULL else bags.class_offsets[i]
        for k in range(bags.offsets[bags.rows[i]], bags.offsets[bags.rows[i] + 1]):
            id_ = _id_of(bags, k)
            if id_ < 0:
                continue
            for j in range(n):
                placed[starts[id_]] = <int32_t> bags.classes[first + j]
                if placed_weights != NULL:
                    placed_weights[starts[id_]] = bags.weights[i]
                starts[id_] += 1
    return 0


cdef int _sum(
    const int64_t* ends,
    const int32_t* placed,
    const double* placed_weights,
    int64_t n_ids,
    int64_t n_classes,
    double* sums,
    int64_t* indptr,
    Buffer* indices,
    Buffer* counts,
) except -1 nogil:
    cdef int64_t id_, k, start = 0, n, first, j, work = 0
    cdef int32_t class_
    cdef int32_t* own
    cdef double* out
    for id_ in range(n_ids):
        check_interrupts(&work, ends[id_] - start)
        first = indices.size // 4
        n = 0
        # Not of n_classes at most: were weights to cancel, one would come twice.
        reserve(indices, 4 * (ends[id_] - start))
        own = <int32_t*> (indices.data + indices.size)
        for k in range(start, ends[id_]):
            class_ = placed[k]
            if placed_weights != NULL and placed_weights[k] == 0:
                continue
            if sums[class_] == 0:
                # A sum of positive weights is not 0 once one is there.
                own[n] = class_
                n += 1
            sums[class_] += 1 if placed_weights == NULL else placed_weights[k]
        _sort_classes(own, n, sums, n_classes)
        indices.size += 4 * n
        reserve(counts, 8 * n)
        out = <double*> (counts.data + counts.size)
        for j in range(n):
            out[j] = sums[own[j]]
            sums[own[j]] = 0
        counts.size += 8 * n
        start = ends[id_]
        indptr[id_ + 1] = first + n
    return 0


cdef void _sort_classes(
    int32_t* classes, int64_t n, const double* sums, int64_t n_classes
) noexcept nogil:
    """Sort the classes that have a sum: few by insertion, many by looking at all."""
    cdef int64_t i, j
    cdef int32_t class_
    if n > 16 and n * 16 > n_classes:
        j = 0
        for i in range(n_classes):
            if sums[i] != 0:
                classes[j] = <int32_t> i
                j += 1
        return
    if n > 64:
        _heap_sort(classes, n)
        return
    for i in range(1, n):
        class_ = classes[i]
        j = i - 1
        while j >= 0 and classes[j] > class_:
            classes[j + 1] = classes[j]
            j -= 1
        classes[j + 1] = class_


cdef void _heap_sort(int32_t* classes, int64_t n) noexcept nogil:
    cdef int64_t i
    cdef int32_t largest
    for i in range(n // 2 - 1, -1, -1):
        _sift(classes, i, n)
    for i in range(n - 1, 0, -1):
        largest = classes[0]
        classes[0] = classes[i]
        classes[i] = largest
        _sift(classes, 0, i)


cdef void _sift(int32_t* classes, int64_t i, int64_t n) noexcept nogil:
    cdef int64_t child
    cdef int32_t value = classes[i]
    while 2 * i + 1 < n:
        child = 2 * i + 1
        if child + 1 < n and classes[child + 1] > classes[child]:
            child += 1
        if classes[child] <= value:
            break
        classes[i] = classes[child]
        i = child
    classes[i] = value

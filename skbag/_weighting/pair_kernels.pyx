"""Counts of pairs of a token and a class added to those in a CSR matrix, in one pass."""

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int32_t, int64_t

ctypedef fused number:
    int32_t
    int64_t

cdef enum:
    # Rows between two looks for Ctrl-C.
    ROWS_AT_ONCE = 1 << 18


def add_pairs(
    const int64_t[::1] indptr,
    const int32_t[::1] classes,
    const double[::1] counts,
    const int64_t[::1] pairs,
    const double[::1] pair_counts,
    int64_t n_classes,
    int64_t[::1] new_indptr,
    int32_t[::1] new_classes,
    double[::1] new_counts,
    double[::1] sums,
):
    """Add counts to a CSR matrix whose columns ascend in each row.

    Parameters
    ----------
    indptr : buffer of shape (n_rows + 1,), int64
    classes : buffer of shape (nnz,), int32
    counts : buffer of shape (nnz,), float64
    pairs : buffer of shape (n_pairs,), int64
        ``row * n_classes + class``, ascending and distinct.
    pair_counts : buffer of shape (n_pairs,), float64
    n_classes : int
    new_indptr : buffer of shape (n_new_rows + 1,), int64
        Set; there may be more rows than before.
    new_classes, new_counts : buffers of shape (nnz + n_pairs,), int32 and float64
        Set, as far as they are needed.
    sums : buffer of shape (n_new_rows,), float64
        Set to the sum of each row.

    Raises
    ------
    IndexError
        If the arrays do not fit each other.
    """
    cdef int64_t n_before = indptr.shape[0] - 1, n_rows = new_indptr.shape[0] - 1
    cdef int64_t n_counts = min(classes.shape[0], counts.shape[0])
    cdef int64_t n_pairs = pairs.shape[0]
    cdef int64_t start = 0, stop, i, k, end, base, class_, n = 0, p = 0
    cdef double total, count
    cdef bint fits = (
        0 <= n_before <= n_rows == sums.shape[0]
        and n_pairs == pair_counts.shape[0]
        and n_counts + n_pairs <= min(new_classes.shape[0], new_counts.shape[0])
        and n_classes > 0
    )
    if fits:
        new_indptr[0] = 0
    while fits and start < n_rows:
        PyErr_CheckSignals()
        stop = min(start + ROWS_AT_ONCE, n_rows)
        with nogil:
            for i in range(start, stop):
                k = end = 0
                if i < n_before:
                    k, end = indptr[i], indptr[i + 1]
                    fits = fits and 0 <= k <= end <= n_counts
                base = i * n_classes
                fits = fits and (p >= n_pairs or pairs[p] >= base)
                if not fits:
                    break
                total = 0
                while n < n_counts + n_pairs:
                    class_ = n_classes
                    if p < n_pairs:
                        class_ = min(class_, pairs[p] - base)
                    if k < end and classes[k] <= class_:
                        # Below n_classes, or there is no other in this row.
                        count = counts[k]
                        if classes[k] == class_ and class_ < n_classes:
                            count = count + pair_counts[p]
                            p += 1
                        class_ = classes[k]
                        k += 1
                    elif 0 <= class_ < n_classes:
                        count = pair_counts[p]
                        p += 1
                    else:
                        break
                    new_classes[n] = <int32_t> class_
                    new_counts[n] = count
                    total += count
                    n += 1
                new_indptr[i + 1] = n
                sums[i] = total
        start = stop
    if not fits or p < n_pairs:
        raise IndexError("the pairs, the matrix and the arrays to set do not fit")


def count_runs(const number[::1] ascending, int64_t[::1] values, double[::1] counts):
    """Distinct numbers, and how often each is there.

    Parameters
    ----------
    ascending : buffer of shape (n,), int32 or int64
    values : buffer of shape (n,), int64
        Set, as far as it is needed.
    counts : buffer of shape (n,), float64
        The same.

    Returns
    -------
    n_distinct : int

    Raises
    ------
    IndexError
        If the arrays do not fit each other.
    """
    cdef int64_t i, n = ascending.shape[0], n_distinct = 0, start = 0
    if values.shape[0] < n or counts.shape[0] < n:
        raise IndexError("there are fewer places than numbers")
    with nogil:
        for i in range(1, n + 1):
            if i == n or ascending[i] != ascending[start]:
                values[n_distinct] = ascending[start]
                counts[n_distinct] = <double> (i - start)
                n_distinct += 1
                start = i
    return n_distinct


def sum_packed(const int64_t[::1] packed, int64_t[::1] values, double[::1] sums):
    """Distinct numbers, and the sum of the counts that are with each.

    Parameters
    ----------
    packed : buffer of shape (n,), int64
        ``number << 32 | count``, ascending.
    values : buffer of shape (n,), int64
        Set, as far as it is needed.
    sums : buffer of shape (n,), float64
        The same.

    Returns
    -------
    n_distinct : int

    Raises
    ------
    IndexError
        If the arrays do not fit each other.
    """
    cdef int64_t i, value, last = -1, n = packed.shape[0], n_distinct = 0
    cdef int64_t low_half = ((<int64_t> 1) << 32) - 1
    if values.shape[0] < n or sums.shape[0] < n:
        raise IndexError("there are fewer places than numbers")
    with nogil:
        for i in range(n):
            value = packed[i] >> 32
            if n_distinct == 0 or value != last:
                last = value
                values[n_distinct] = value
                sums[n_distinct] = 0
                n_distinct += 1
            sums[n_distinct - 1] += <double> (packed[i] & low_half)
    return n_distinct

"""What kernels over some of the bags check before they follow any pointer."""

from libc.stdint cimport int64_t


cdef inline int check_rows(
    const int64_t[::1] rows, const int64_t[::1] offsets, int64_t n_entries
) except -1:
    """Raise IndexError where a row is no bag, or the bags end beyond the entries.

    That offsets never fall, and ids are below the number of ids, is trusted.
    """
    cdef int64_t n_bags = offsets.shape[0] - 1
    cdef int64_t i
    cdef bint fits = True
    if n_bags < 0 or offsets[n_bags] > n_entries:
        raise IndexError(f"bags do not fit their {n_entries} entries")
    for i in range(rows.shape[0]):
        fits = fits and 0 <= rows[i] < n_bags
    if not fits:
        raise IndexError(f"rows from {min(rows)} to {max(rows)} of {n_bags} bags")
    return 0

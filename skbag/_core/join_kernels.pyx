"""Entries of bags, put into the rows of other bags: see `Bags.side_by_side`."""

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int32_t, int64_t, uint32_t, uint8_t

cdef enum:
    # Entries between two looks at whether to end.
    ENTRIES_AT_ONCE = 1 << 22

ctypedef fused From:
    uint8_t
    float

ctypedef fused To:
    uint8_t
    float


def put_entries(
    const int32_t[::1] ids,
    const int64_t[::1] offsets,
    const From[::1] weights,
    const int32_t[::1] new_ids,
    int64_t[::1] places,
    int32_t[::1] out_ids,
    To[::1] out_weights,
):
    """Put the entries of each bag where its place is.

    Parameters
    ----------
    ids, offsets, weights : buffers
        Of `Bags`; weights are bytes or float32.
    new_ids : buffer of shape (n_ids,), int32
        What each id becomes.
    places : buffer of shape (n_bags,), int64
        Where the entries of each bag go; moved on behind them.
    out_ids, out_weights : buffers of shape (nnz,)
        Set at these places.

    Raises
    ------
    IndexError
        If the arrays do not fit each other.
    """
    cdef int64_t n = offsets.shape[0] - 1, i = 0, k, until, place
    cdef int64_t n_entries = ids.shape[0], n_places = out_ids.shape[0]
    cdef uint32_t n_ids = <uint32_t> new_ids.shape[0]
    cdef bint fits = True
    if (
        n < 0
        or places.shape[0] != n
        or weights.shape[0] != n_entries
        or out_weights.shape[0] != n_places
    ):
        raise IndexError("bags, places and what is to be set do not fit each other")
    while i < n:
        if i:
            PyErr_CheckSignals()
        until = offsets[i] + ENTRIES_AT_ONCE
        with nogil:
            while i < n and offsets[i] < until:
                place = places[i]
                fits = (
                    0 <= offsets[i] <= offsets[i + 1] <= n_entries
                    and 0 <= place <= n_places - (offsets[i + 1] - offsets[i])
                )
                if not fits:
                    break
                for k in range(offsets[i], offsets[i + 1]):
                    if <uint32_t> ids[k] >= n_ids:
                        fits = False
                        break
                    out_ids[place] = new_ids[ids[k]]
                    out_weights[place] = <To> weights[k]
                    place += 1
                if not fits:
                    break
                places[i] = place
                i += 1
        if not fits:
            raise IndexError(
                f"bag {i} has offsets that do not ascend, more entries than places, or "
                f"an id that is not below {n_ids}"
            )

"""Counting the features of one document after the other, into growing arrays."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from skbag._core.buffers cimport Buffer, push_int64, release, reserve

# Up to so many are sorted by comparing each with all, which has no branches: vectors
# of the processor do that faster than any other way sorts so few.
cdef enum:
    FEW = 128
    LANES = 4


cdef struct Place:
    int32_t id
    int32_t entry


cdef struct BagWriter:
    # Features of the document, in the order in which they occur.
    Buffer occurrences
    # Where each id of the document is among its entries: a small hash table.
    Buffer places
    # Entries of the document, ``id << 32 | count``, and as many to sort with.
    Buffer entries
    Buffer sorted
    # What comes out: of all documents the ids, counts and where documents end.
    Buffer ids
    Buffer counts
    Buffer offsets
    # Of counts that a byte does not hold the entry and the count, in turn.
    Buffer large_counts
    # Odd and secret, so that nobody can find ids that all want the same places.
    uint64_t factor
    bint in_order  # whether ids are to ascend and counts to be float32
    int id_bits


cdef inline void free_writer(BagWriter* writer) noexcept nogil:
    release(&writer.occurrences)
    release(&writer.places)
    release(&writer.entries)
    release(&writer.sorted)
    release(&writer.ids)
    release(&writer.counts)
    release(&writer.offsets)
    release(&writer.large_counts)


cdef inline int write_bag(BagWriter* writer) except -1 nogil:
    """Count the occurrences of a document, and forget them.

    Its entries come in the order of their first occurrences, or of their ids.
    """
    cdef const int32_t* occurrences = <const int32_t*> writer.occurrences.data
    cdef int64_t n = writer.occurrences.size // <int64_t> sizeof(int32_t)
    cdef int64_t i, n_entries = 0
    cdef uint64_t size = 16
    cdef uint64_t place
    cdef int shift = 60
    cdef int32_t id_
    cdef Place* places
    cdef uint64_t* entries
    if writer.in_order and n <= FEW:
        write_few_in_order(writer, n)
    elif n:
        while size < <uint64_t> (2 * n):
            size *= 2
            shift -= 1
        writer.places.size = writer.entries.size = 0
        reserve(&writer.places, size * sizeof(Place))
        reserve(&writer.entries, n * sizeof(uint64_t))
        places = <Place*> writer.places.data
        entries = <uint64_t*> writer.entries.data
        memset(places, 0xFF, size * sizeof(Place))
        for i in range(n):
            id_ = occurrences[i]
            place = (<uint64_t> id_ * writer.factor) >> shift
            while places[place].id >= 0 and places[place].id != id_:
                place = (place + 1) & (size - 1)
            if places[place].id < 0:
                places[place].id = id_
                places[place].entry = <int32_t> n_entries
                entries[n_entries] = <uint64_t> id_ << 32
                n_entries += 1
            entries[places[place].entry] += 1
        if writer.in_order:
            sort_entries(writer, n_entries)
            write_in_order(writer, n_entries)
        else:
            write_counts(writer, n_entries)
    writer.occurrences.size = 0
    return push_int64(&writer.offsets, writer.ids.size // <int64_t> sizeof(int32_t))


cdef inline int write_counts(BagWriter* writer, int64_t n) except -1 nogil:
    cdef const uint64_t* entries = <const uint64_t*> writer.entries.data
    cdef int32_t* ids
    cdef uint8_t* counts
    cdef int64_t i
    cdef uint32_t count
    reserve(&writer.ids, n * sizeof(int32_t))
    reserve(&writer.counts, n)
    ids = <int32_t*> (writer.ids.data + writer.ids.size)
    counts = <uint8_t*> (writer.counts.data + writer.counts.size)
    for i in range(n):
        ids[i] = <int32_t> (entries[i] >> 32)
        count = <uint32_t> entries[i]
        if count > 255:
            push_int64(&writer.large_counts, <int64_t> writer.counts.size + i)
            push_int64(&writer.large_counts, count)
            count = 255
        counts[i] = <uint8_t> count
    writer.ids.size += n * sizeof(int32_t)
    writer.counts.size += n
    return 0


cdef inline int write_in_order(BagWriter* writer, int64_t n) except -1 nogil:
    cdef const uint64_t* entries = <const uint64_t*> writer.entries.data
    cdef int32_t* ids
    cdef float* counts
    cdef int64_t i
    reserve(&writer.ids, n * sizeof(int32_t))
    reserve(&writer.counts, n * sizeof(float))
    ids = <int32_t*> (writer.ids.data + writer.ids.size)
    counts = <float*> (writer.counts.data + writer.counts.size)
    for i in range(n):
        ids[i] = <int32_t> (entries[i] >> 32)
        counts[i] = <float> (<uint32_t> entries[i])
    writer.ids.size += n * sizeof(int32_t)
    writer.counts.size += n * sizeof(float)
    return 0


cdef inline int write_few_in_order(BagWriter* writer, int64_t n) except -1 nogil:
    """Count and sort a few occurrences: each goes where as many are less than it."""
    cdef int32_t* occurrences
    cdef int32_t* ids
    cdef float* counts
    cdef int32_t sorted_ids[FEW]
    cdef int32_t n_equal[FEW]
    cdef int64_t n_padded = (n + LANES - 1) // LANES * LANES
    cdef int64_t i, j, n_entries = 0
    cdef int32_t id_, n_less
    if not n:
        return 0
    reserve(&writer.occurrences, LANES * sizeof(int32_t))
    reserve(&writer.ids, n * sizeof(int32_t))
    reserve(&writer.counts, n * sizeof(float))
    occurrences = <int32_t*> writer.occurrences.data
    ids = <int32_t*> (writer.ids.data + writer.ids.size)
    counts = <float*> (writer.counts.data + writer.counts.size)
    for i in range(n, n_padded):
        occurrences[i] = 0x7FFFFFFF  # less than none
    memset(n_equal, 0, n * sizeof(int32_t))
    for i in range(n):
        id_ = occurrences[i]
        n_less = 0
        for j in range(n_padded):
            n_less += occurrences[j] < id_
        sorted_ids[n_less] = id_
        n_equal[n_less] += 1
    i = 0
    while i < n:
        ids[n_entries] = sorted_ids[i]
        counts[n_entries] = <float> n_equal[i]
        n_entries += 1
        i += n_equal[i]
    writer.ids.size += n_entries * sizeof(int32_t)
    writer.counts.size += n_entries * sizeof(float)
    return 0


cdef inline int sort_entries(BagWriter* writer, int64_t n) except -1 nogil:
    """Sort entries by the digits of their ids."""
    cdef uint64_t* entries = <uint64_t*> writer.entries.data
    cdef uint64_t* others
    cdef uint64_t* swapped
    cdef uint64_t entry
    cdef int64_t i, j
    cdef int shift
    cdef int64_t starts[257]
    writer.sorted.size = 0
    reserve(&writer.sorted, n * sizeof(uint64_t))
    others = <uint64_t*> writer.sorted.data
    for shift in range(32, 32 + writer.id_bits, 8):
        memset(starts, 0, sizeof(starts))
        for i in range(n):
            starts[(entries[i] >> shift & 0xFF) + 1] += 1
        for i in range(256):
            starts[i + 1] += starts[i]
        for i in range(n):
            entry = entries[i]
            j = entry >> shift & 0xFF
            others[starts[j]] = entry
            starts[j] += 1
        swapped = entries
        entries = others
        others = swapped
    if <char*> entries != writer.entries.data:
        # After an odd number of digits the sorted ones are in the other buffer.
        writer.sorted, writer.entries = writer.entries, writer.sorted
    return 0

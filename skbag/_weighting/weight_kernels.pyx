"""From counted bags to weighted ones in one pass: see `Weighting`."""

from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport fabs, log, sqrt
from libc.stdint cimport int32_t, int64_t, uint32_t, uint8_t

import numpy as np

from skbag._core.threads import Cancelled

from skbag._core.prefetch cimport prefetch

cdef enum:
    # Bags before it is needed memory is asked for: where it starts, its entries, and
    # what is known of their ids.
    OFFSETS_AHEAD = 16
    ENTRIES_AHEAD = 8
    IDS_AHEAD = 2
    # Entries of a bag, of which that is asked for so early, and how many later.
    FIRST_ENTRIES = 64
    # Entries between two looks at whether to end.
    ENTRIES_AT_ONCE = 1 << 20
    L1 = 1
    L2 = 2
    # Columns of a data frame at most: their numbers are bytes.
    MOST_COLUMNS = 256

# What a count of one byte weighs: itself, and by numpy its logarithm and one.
cdef float BYTES[2][256]
with np.errstate(divide="ignore"):
    for _count, _value in enumerate(1 + np.log(np.arange(256, dtype=np.float32))):
        BYTES[0][_count], BYTES[1][_count] = _count, _value


cdef struct Counts:
    # Bags, ids and counts: bytes or float32.
    const int64_t* offsets
    const int32_t* ids
    const uint8_t* bytes
    const float* floats
    # Of each id: what it becomes, and its factor; NULL where nothing changes.
    const int32_t* new_ids
    const float* factors
    # Ids are below it.
    uint32_t n_ids
    bint sublinear
    int norm
    # Of each new id the column that it is a feature of, and the share of each column;
    # NULL where a bag is of one column. Ids are below `n_placed`.
    const uint8_t* columns
    const float* column_shares
    uint32_t n_placed


def weigh_bags(
    const int32_t[::1] ids,
    const int64_t[::1] offsets,
    counts,
    const float[::1] factors,
    bint sublinear,
    int norm,
    float[::1] weights,
    const uint8_t[::1] columns=None,
    const float[::1] column_shares=None,
):
    """Weigh the entries of bags, whose ids stay.

    Parameters
    ----------
    ids : buffer of shape (nnz,), int32
    offsets : buffer of shape (n_bags + 1,), int64
    counts : ndarray of shape (nnz,), dtype=uint8 or float32
    factors : buffer of shape (n_ids,), float32, or None
        Of each id.
    sublinear : bool
        Whether a count becomes ``1 + ln(count)``.
    norm : {0, 1, 2}
        Which norm each bag gets, 0 for none; a bag of norm 0 stays as it is.
    weights : buffer of shape (nnz,), float32
        Set.
    columns : buffer of shape (n_ids,), uint8, or None
        Column of each id. The entries of each column then get a share of the norm.
    column_shares : buffer of shape (256,), float32, or None
        See `ColumnShares`; given where `columns` is.

    Raises
    ------
    IndexError
        If the arrays do not fit each other.
    """
    cdef Counts source
    cdef const uint8_t[::1] byte_counts
    cdef const float[::1] float_counts
    cdef int64_t n = offsets.shape[0] - 1, i = 0, k = 0, until
    cdef Py_ssize_t n_entries = ids.shape[0]
    source.bytes = NULL
    source.floats = NULL
    if counts.itemsize == 1:
        byte_counts = counts
        if byte_counts.shape[0] == n_entries and n_entries:
            source.bytes = &byte_counts[0]
    else:
        float_counts = counts
        if float_counts.shape[0] == n_entries and n_entries:
            source.floats = &float_counts[0]
    if (
        n < 0
        or offsets[0] != 0
        or offsets[n] != n_entries
        or weights.shape[0] != n_entries
        or (n_entries and source.bytes == NULL and source.floats == NULL)
    ):
        raise IndexError("ids, offsets, counts and weights do not fit each other")
    if n_entries == 0:
        return
    source.ids, source.offsets, source.new_ids = &ids[0], &offsets[0], NULL
    source.n_ids, source.factors = 0xFFFFFFFF, NULL
    if factors is not None:
        source.n_ids = <uint32_t> factors.shape[0]
        source.factors = &factors[0] if factors.shape[0] else NULL
    source.sublinear, source.norm = sublinear, norm
    point_at_columns(&source, columns, column_shares)
    while i < n:
        if i:
            PyErr_CheckSignals()
        until = offsets[i] + ENTRIES_AT_ONCE
        with nogil:
            while i < n and offsets[i] < until:
                if not k <= offsets[i + 1] <= n_entries:
                    k = -1
                    break
                k = weigh_bag(&source, offsets[i], offsets[i + 1], NULL, &weights[k])
                if k < 0:
                    break
                i += 1
                k = offsets[i]
        if k < 0:
            raise IndexError(
                f"offsets of bag {i} do not ascend, or an id is not below "
                f"{source.n_ids}, the number of ids"
            )


cdef int point_at_columns(
    Counts* source, const uint8_t[::1] columns, const float[::1] column_shares
) except -1:
    """Set what says which column each id is of."""
    source.columns, source.column_shares, source.n_placed = NULL, NULL, 0
    if columns is None:
        return 0
    if column_shares is None or column_shares.shape[0] != MOST_COLUMNS:
        raise IndexError(f"there are no shares of {MOST_COLUMNS} columns")
    # Where there are no ids any address will do: it is not read.
    source.columns = &columns[0] if columns.shape[0] else <const uint8_t*> source
    source.column_shares = &column_shares[0]
    source.n_placed = <uint32_t> columns.shape[0]
    return 0


cdef class Rows:
    """Some of the bags of counts, in any order, to be weighed in parts.

    Parameters
    ----------
    ids, offsets, counts
        As of `weigh_bags`.
    rows : buffer of shape (n_rows,), int64, or None
        Which of the bags, in which order; None for all in theirs.
    new_ids : buffer of shape (n_ids,), int32, or None
        What each id becomes; -1 leaves it out. None leaves ids as they are.
    factors : buffer of shape (n_ids,), float32, or None
        Of each id, by its old number.
    sublinear, norm
        As of `weigh_bags`.
    columns : buffer of shape (n_new_ids,), uint8, or None
        Column of each id, by its new number.
    column_shares
        As of `weigh_bags`.
    """

    cdef Counts _source
    cdef const int32_t[::1] _ids
    cdef const int64_t[::1] _offsets
    cdef const uint8_t[::1] _bytes
    cdef const float[::1] _floats
    cdef const int64_t[::1] _rows
    cdef const int32_t[::1] _new_ids
    cdef const float[::1] _factors
    cdef const uint8_t[::1] _columns
    cdef const float[::1] _column_shares
    cdef int64_t _n_rows

    def __init__(
        self,
        const int32_t[::1] ids,
        const int64_t[::1] offsets,
        counts,
        const int64_t[::1] rows,
        const int32_t[::1] new_ids,
        const float[::1] factors,
        bint sublinear,
        int norm,
        const uint8_t[::1] columns=None,
        const float[::1] column_shares=None,
    ):
        self._ids, self._offsets, self._rows = ids, offsets, rows
        self._new_ids, self._factors = new_ids, factors
        self._bytes = self._floats = None
        if counts.itemsize == 1:
            self._bytes = counts
        else:
            self._floats = counts
        self._n_rows = offsets.shape[0] - 1 if rows is None else rows.shape[0]
        self._source.sublinear, self._source.norm = sublinear, norm
        self._columns, self._column_shares = columns, column_shares
        point_at_columns(&self._source, columns, column_shares)
        self._point()
        self._check()

    cdef void _point(self) noexcept:
        cdef Counts* source = &self._source
        source.offsets = &self._offsets[0]
        source.ids = &self._ids[0] if self._ids.shape[0] else NULL
        source.n_ids = 0xFFFFFFFF
        source.bytes = NULL
        source.floats = NULL
        source.new_ids = NULL
        source.factors = NULL
        if self._bytes is not None and self._bytes.shape[0]:
            source.bytes = &self._bytes[0]
        if self._floats is not None and self._floats.shape[0]:
            source.floats = &self._floats[0]
        if self._new_ids is not None:
            source.n_ids = <uint32_t> self._new_ids.shape[0]
            source.new_ids = &self._new_ids[0] if source.n_ids else NULL
        if self._factors is not None:
            source.n_ids = min(source.n_ids, <uint32_t> self._factors.shape[0])
            source.factors = &self._factors[0] if source.n_ids else NULL

    cdef int _check(self) except -1:
        cdef int64_t n_counts = (
            self._floats.shape[0] if self._bytes is None else self._bytes.shape[0]
        )
        if self._offsets.shape[0] < 1 or self._ids.shape[0] != n_counts:
            raise IndexError("ids, offsets and counts do not fit each other")
        return 0

    def n_kept(self, int64_t start, int64_t stop, const unsigned char[::1] cancel):
        """Count the entries of some rows that are not left out.

        Parameters
        ----------
        start, stop : int
            Which of the rows.
        cancel : buffer of one byte
            Another thread sets it to have the work ended.

        Returns
        -------
        n_entries : int
        """
        cdef int64_t i = start, row, n = 0, n_more = 0, n_seen
        self._check_range(start, stop)
        while i < stop:
            check(cancel)
            with nogil:
                n_seen = 0
                while i < stop and n_seen < ENTRIES_AT_ONCE:
                    row = self._row(i)
                    self._prefetch(i, stop)
                    n_more = self._n_kept_of(row)
                    if n_more < 0:
                        break
                    n += n_more
                    n_seen += self._offsets[row + 1] - self._offsets[row] + 1
                    i += 1
            if n_more < 0:
                raise_bad_row(i)
        return n

    def weigh(
        self,
        int64_t start,
        int64_t stop,
        int32_t[::1] ids,
        int64_t[::1] offsets,
        float[::1] weights,
        int64_t place,
        const unsigned char[::1] cancel,
    ):
        """Weigh some of the rows.

        Parameters
        ----------
        start, stop : int
            Which of the rows.
        ids : buffer of shape (nnz,), int32
            Set from `place` on.
        offsets : buffer of shape (n_rows + 1,), int64
            Set from `start` + 1 to `stop`.
        weights : buffer of shape (nnz,), float32
            Set from `place` on.
        place : int
            Where the entries of the first row go.
        cancel
            As of `n_kept`.

        Returns
        -------
        n_entries : int
            Where those of the last row end.

        Raises
        ------
        IndexError
            If there are more entries than places, or an id has no new number.
        """
        cdef int64_t i = start, row, n = 0, n_seen, k = place
        cdef int64_t n_places = min(ids.shape[0], weights.shape[0])
        cdef const Counts* source = &self._source
        self._check_range(start, stop)
        if offsets.shape[0] != self._n_rows + 1 or place < 0:
            raise IndexError("there are other numbers of rows and offsets")
        while i < stop:
            check(cancel)
            with nogil:
                n_seen = 0
                while i < stop and n_seen < ENTRIES_AT_ONCE:
                    row = self._row(i)
                    self._prefetch(i, stop)
                    n = self._n_entries(row)
                    n_seen += n + 1
                    if n > n_places - k:
                        n = self._n_kept_of(row)
                    if n > n_places - k:
                        n = -1
                    elif n > 0:
                        n = weigh_bag(
                            source,
                            source.offsets[row],
                            source.offsets[row + 1],
                            &ids[k],
                            &weights[k],
                        )
                    if n < 0:
                        break
                    k += n
                    i += 1
                    offsets[i] = k
            if n < 0:
                raise_bad_row(i)
        return k

    cdef inline int64_t _row(self, int64_t i) noexcept nogil:
        return i if self._rows is None else self._rows[i]

    cdef inline int64_t _n_entries(self, int64_t row) noexcept nogil:
        """How many entries are stored of a bag; -1 where offsets are no offsets."""
        cdef int64_t start = self._offsets[row], stop = self._offsets[row + 1]
        return stop - start if 0 <= start <= stop <= self._ids.shape[0] else -1

    cdef int64_t _n_kept_of(self, int64_t row) noexcept nogil:
        cdef int64_t k, n_kept = 0, n = self._n_entries(row)
        cdef const Counts* source = &self._source
        if source.new_ids == NULL or n <= 0:
            return n
        for k in range(source.offsets[row], source.offsets[row + 1]):
            if <uint32_t> source.ids[k] >= source.n_ids:
                return -1
            n_kept += source.new_ids[source.ids[k]] >= 0
        return n_kept

    cdef void _prefetch(self, int64_t i, int64_t stop) noexcept nogil:
        """Ask for rows some rows before: they are in any order."""
        cdef int64_t k, row
        cdef const Counts* source = &self._source
        if i + OFFSETS_AHEAD < stop:
            prefetch(&source.offsets[self._row(i + OFFSETS_AHEAD)])
        if i + ENTRIES_AHEAD < stop:
            k = source.offsets[self._row(i + ENTRIES_AHEAD)]
            # Addresses, which may be no one's: they are not read.
            prefetch(source.ids + k)
            prefetch(source.ids + k + 16)
            if source.bytes != NULL:
                prefetch(source.bytes + k)
            else:
                prefetch(source.floats + k)
        if i + IDS_AHEAD < stop:
            row = self._row(i + IDS_AHEAD)
            k = source.offsets[row]
            prefetch_ids(source, k, k + min(self._n_entries(row), FIRST_ENTRIES))

    cdef int _check_range(self, int64_t start, int64_t stop) except -1:
        cdef int64_t i, n_bags = self._offsets.shape[0] - 1
        cdef bint fits = 0 <= start <= stop <= self._n_rows
        if fits and self._rows is not None:
            for i in range(start, stop):
                fits &= 0 <= self._rows[i] < n_bags
        if not fits:
            raise IndexError(f"rows {start} to {stop} are not all among {n_bags} bags")
        return 0


cdef int raise_bad_row(int64_t i) except -1:
    raise IndexError(
        f"row {i} has more entries than there are places for, or an id that is not "
        "below the number of ids"
    )


cdef inline void prefetch_ids(
    const Counts* source, int64_t start, int64_t stop
) noexcept nogil:
    cdef int64_t k
    for k in range(start, stop):
        if source.new_ids != NULL:
            prefetch(source.new_ids + source.ids[k])
        if source.factors != NULL:
            prefetch(source.factors + source.ids[k])


cdef int64_t weigh_bag(
    const Counts* source, int64_t start, int64_t stop, int32_t* ids, float* weights
) noexcept nogil:
    """Weigh a bag; how many entries it keeps, or -1 where an id is out of range.

    `ids` may be NULL where none changes.
    """
    cdef int64_t k, n = 0
    cdef const int32_t* old_ids = source.ids
    cdef const int32_t* new_ids = source.new_ids
    cdef const float* factors = source.factors
    cdef const uint8_t* bytes_ = source.bytes
    cdef uint32_t n_ids = source.n_ids, old
    cdef const float* of_bytes = BYTES[source.sublinear]
    cdef int32_t id_
    cdef float weight
    for k in range(start, stop):
        if k + FIRST_ENTRIES < stop:
            prefetch_ids(source, k + FIRST_ENTRIES, k + FIRST_ENTRIES + 1)
        old = <uint32_t> old_ids[k]
        if old >= n_ids:
            return -1
        id_ = <int32_t> old
        if new_ids != NULL:
            id_ = new_ids[old]
            if id_ < 0:
                continue
        if bytes_ != NULL:
            weight = of_bytes[bytes_[k]]
        else:
            weight = weight_of(source.floats[k], source.sublinear)
        if factors != NULL:
            weight = weight * factors[old]
        if ids != NULL:
            ids[n] = id_
        weights[n] = weight
        n += 1
    if source.norm == 0:
        return n
    if source.columns != NULL:
        if ids == NULL:
            ids = <int32_t*> (old_ids + start)
        return n if scale_columns(source, ids, weights, n) else -1
    divide(weights, n, norm_of(weights, n, source.norm))
    return n


cdef bint scale_columns(
    const Counts* source, const int32_t* ids, float* weights, int64_t n
) noexcept nogil:
    """Give the entries of each column their norm; False where an id has no column."""
    cdef double norms[MOST_COLUMNS]
    cdef float factors[MOST_COLUMNS]
    cdef int64_t k
    cdef int column, n_columns = 0
    cdef bint squares = source.norm == L2
    cdef double weight, share, total = 0
    for k in range(n):
        if <uint32_t> ids[k] >= source.n_placed:
            return False
        column = source.columns[ids[k]]
        while n_columns <= column:
            norms[n_columns] = 0
            n_columns += 1
        weight = weights[k]
        norms[column] += weight * weight if squares else fabs(weight)
    for column in range(n_columns):
        if squares:
            norms[column] = sqrt(norms[column])
        total += share_of(source, column, norms[column])
    for column in range(n_columns):
        factors[column] = 1
        if norms[column] > 0:
            share = share_of(source, column, norms[column]) / total
            weight = sqrt(share) if squares else share
            factors[column] = <float> (weight / norms[column])
    for k in range(n):
        weights[k] = weights[k] * factors[source.columns[ids[k]]]
    return True


cdef inline double share_of(
    const Counts* source, int column, double norm
) noexcept nogil:
    """Share of a column, in proportion: the squared norm's where norms are L2."""
    if source.norm == L2:
        return source.column_shares[column] * norm
    return source.column_shares[column] * sqrt(norm)


cdef inline float norm_of(const float* weights, int64_t n, int norm) noexcept nogil:
    cdef int64_t k
    cdef double total = 0
    if norm == L2:
        for k in range(n):
            total += <double> weights[k] * <double> weights[k]
        return <float> sqrt(total)
    for k in range(n):
        total += fabs(weights[k])
    return <float> total


cdef inline float weight_of(float count, bint sublinear) noexcept nogil:
    if not sublinear:
        return count
    # A byte and a float of a count get the same weight.
    if 1 <= count < 256 and count == <float> (<int> count):
        return BYTES[1][<int> count]
    # In double precision: the last bit of others may depend on the library.
    return 1 + <float> log(count)


cdef inline void divide(float* weights, int64_t n, float norm) noexcept nogil:
    cdef int64_t k
    if norm != 0:
        for k in range(n):
            weights[k] = weights[k] / norm


cdef int check(const unsigned char[::1] cancel) except -1:
    """Raise where the work is to end."""
    if cancel[0]:
        raise Cancelled("ended by another thread")
    PyErr_CheckSignals()
    return 0

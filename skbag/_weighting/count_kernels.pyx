"""Documents counted by id and class, in time and memory proportional to the entries.

The caller cuts the bags into shards, and the ids into ranges, for threads.
"""

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int32_t, int64_t, uint32_t

from skbag._core.threads import Cancelled

from skbag._core.prefetch cimport prefetch

cdef enum:
    # Entries whose places in a table are asked for before the first is used.
    BLOCK_SIZE = 256
    # Entries before it is needed that the new number of an id is asked for.
    AHEAD = 32
    # Blocks, and placed entries, between two looks at whether to end.
    BLOCKS_AT_ONCE = 4096
    PLACED_AT_ONCE = 1 << 20


cdef struct Block:
    # The next entries that count: ids after renumbering, and which sample they are of.
    int32_t ids[BLOCK_SIZE]
    int32_t samples[BLOCK_SIZE]
    int n
    # The first entry that is not in a block yet, and the bag that it is in.
    int64_t entry
    int64_t bag
    int64_t stop
    # Whether an id was met that is not below the number of ids.
    bint is_bad


cdef class Documents:
    """Counted bags with the classes of each.

    Parameters
    ----------
    ids : buffer of shape (nnz,), int32
        Unique within each bag.
    offsets : buffer of shape (n_bags + 1,), int64
    new_ids : buffer of shape (n_stored_ids,), int32, or None
        What each id becomes; -1 leaves it out.
    samples : buffer of shape (n_bags,), int32
        Which sample each bag is; -1 for a bag that is not counted.
    class_offsets : buffer of shape (n_samples + 1,), int64, or None
        Where the classes of each sample start; None where each has one.
    classes : buffer of int64
    weights : buffer of shape (n_samples,), float64, or None
        Of each sample, not negative; one of weight 0 does not count. None where all
        are 1.
    n_ids, n_classes : int
        After renumbering.

    Raises
    ------
    IndexError
        If the arrays do not fit each other.
    """

    cdef const int32_t[::1] _ids
    cdef const int64_t[::1] _offsets
    cdef const int32_t[::1] _new_ids
    cdef const int32_t[::1] _samples
    cdef const int64_t[::1] _class_offsets
    cdef const int64_t[::1] _classes
    cdef const double[::1] _weights
    cdef int64_t _n_ids
    cdef int64_t _n_stored_ids
    cdef int64_t _n_classes
    # Classes of a sample, about: how much work an entry is.
    cdef int64_t _n_each

    def __init__(
        self,
        const int32_t[::1] ids,
        const int64_t[::1] offsets,
        const int32_t[::1] new_ids,
        const int32_t[::1] samples,
        const int64_t[::1] class_offsets,
        const int64_t[::1] classes,
        const double[::1] weights,
        int64_t n_ids,
        int64_t n_classes,
    ):
        self._ids, self._offsets, self._new_ids = ids, offsets, new_ids
        self._samples, self._class_offsets = samples, class_offsets
        self._classes, self._weights = classes, weights
        self._n_ids, self._n_classes = n_ids, n_classes
        self._n_stored_ids = n_ids if new_ids is None else new_ids.shape[0]
        self._check()

    cdef int _check(self) except -1:
        cdef int64_t i, n_samples = self._classes.shape[0]
        cdef bint fits = self._offsets.shape[0] == self._samples.shape[0] + 1
        fits = fits and self._offsets[0] >= 0
        if self._class_offsets is not None:
            n_samples = self._class_offsets.shape[0] - 1
            fits = fits and self._class_offsets[0] >= 0
            for i in range(n_samples):
                fits &= self._class_offsets[i] <= self._class_offsets[i + 1]
            fits = fits and self._class_offsets[n_samples] <= self._classes.shape[0]
        fits = fits and (self._weights is None or self._weights.shape[0] == n_samples)
        if not fits or max(self._n_ids, self._n_classes, n_samples) > 0x7FFFFFFF:
            raise IndexError("bags, samples, classes and weights do not fit each other")
        for i in range(self._samples.shape[0]):
            fits &= self._samples[i] < n_samples
            fits &= self._offsets[i] <= self._offsets[i + 1]
        for i in range(self._classes.shape[0]):
            fits &= 0 <= self._classes[i] < self._n_classes
        self._n_each = max(self._classes.shape[0] // max(n_samples, 1), 1)
        if not fits or self._offsets[self._samples.shape[0]] > self._ids.shape[0]:
            raise IndexError("bags, samples, classes and weights do not fit each other")
        return 0

    def tabulate(
        self,
        int32_t[:, ::1] table,
        int64_t start,
        int64_t stop,
        const unsigned char[::1] cancel,
    ):
        """Count in a table of ids and classes, of samples that weigh 1.

        Parameters
        ----------
        table : buffer of shape (n_ids, n_classes), int32
            Added to in place.
        start, stop : int
            The bags to count.
        cancel : buffer of one byte
            Another thread sets it to have the work ended.
        """
        cdef Block block
        if table.shape[0] != self._n_ids or table.shape[1] != self._n_classes:
            raise IndexError("the table is of other ids or classes")
        self._begin(&block, start, stop)
        while block.bag < stop:
            check(cancel)
            with nogil:
                self._tabulate(&block, table)
            raise_if_bad(&block)

    cdef void _begin(self, Block* block, int64_t start, int64_t stop) except *:
        if not 0 <= start <= stop <= self._samples.shape[0]:
            raise IndexError(f"no bags from {start} to {stop}")
        block.bag, block.stop = start, stop
        block.entry = self._offsets[start]
        block.is_bad = False
        block.n = 0

    cdef int _fill(self, Block* block) noexcept nogil:
        """Take the next entries that count; how many, 0 at the end."""
        cdef const int32_t* ids = &self._ids[0] if self._ids.shape[0] else NULL
        cdef const int32_t* new_ids = NULL
        cdef uint32_t n_stored_ids = <uint32_t> self._n_stored_ids
        cdef int32_t n_ids = <int32_t> self._n_ids
        cdef int64_t last = self._offsets[block.stop] - AHEAD
        cdef int64_t k = block.entry, end
        cdef int32_t id_, sample
        cdef int n = 0
        cdef bint is_bad = False
        if self._new_ids is not None and n_stored_ids:
            new_ids = &self._new_ids[0]
        while block.bag < block.stop:
            end = self._offsets[block.bag + 1]
            sample = self._samples[block.bag]
            if sample < 0:
                k = end
            while k < end and n < BLOCK_SIZE:
                id_ = ids[k]
                if <uint32_t> id_ >= n_stored_ids:
                    is_bad = True
                    break
                if new_ids != NULL:
                    if k < last:
                        # An address, which may be no one's: it is not read.
                        prefetch(&new_ids[ids[k + AHEAD]])
                    id_ = new_ids[id_]
                    is_bad |= id_ >= n_ids
                block.ids[n] = id_
                block.samples[n] = sample
                n += id_ >= 0
                k += 1
            if is_bad or k < end:
                break
            block.bag += 1
        block.is_bad = is_bad
        block.entry = k
        block.n = 0 if is_bad else n
        return block.n

    cdef void _tabulate(self, Block* block, int32_t[:, ::1] table) noexcept nogil:
        cdef int64_t j, n_classes = self._n_classes
        cdef int64_t cells[BLOCK_SIZE]
        cdef int i, _
        cdef int32_t* counts = &table[0, 0]
        cdef const int64_t* classes = &self._classes[0]
        cdef int64_t end = 0
        for _ in range(max(BLOCKS_AT_ONCE // self._n_each, 1)):
            if self._fill(block) == 0:
                return
            for i in range(block.n):
                cells[i] = block.ids[i] * n_classes
                if self._class_offsets is None:
                    cells[i] += classes[block.samples[i]]
                prefetch(&counts[cells[i]])
            if self._class_offsets is None:
                for i in range(block.n):
                    counts[cells[i]] += 1
                continue
            for i in range(block.n):
                j = self._first_class(block.samples[i], &end)
                while j < end:
                    counts[cells[i] + classes[j]] += 1
                    j += 1

    def count_entries(
        self,
        int32_t[::1] counts,
        int64_t start,
        int64_t stop,
        const unsigned char[::1] cancel,
    ):
        """Count the entries of each id.

        Parameters
        ----------
        counts : buffer of shape (n_ids,), int32
            Added to in place.
        start, stop, cancel
            As of `tabulate`.
        """
        cdef Block block
        cdef int i, n_blocks
        if counts.shape[0] != self._n_ids:
            raise IndexError("there are other numbers of counts and ids")
        self._begin(&block, start, stop)
        while block.bag < stop:
            check(cancel)
            with nogil:
                n_blocks = 0
                while n_blocks < BLOCKS_AT_ONCE and self._fill(&block):
                    for i in range(block.n):
                        prefetch(&counts[block.ids[i]])
                    for i in range(block.n):
                        counts[block.ids[i]] += 1
                    n_blocks += 1
            raise_if_bad(&block)

    def place(
        self,
        int64_t[::1] places,
        int32_t[::1] placed,
        int64_t start,
        int64_t stop,
        const unsigned char[::1] cancel,
    ):
        """Put the samples that hold an id side by side, in the order of the bags.

        Parameters
        ----------
        places : buffer of shape (n_ids,), int64
            Where the next sample of each id goes; counted up in place.
        placed : buffer of shape (n_entries,), int32
            Has room for as many samples of each id as `count_entries` counts.
        start, stop, cancel
            As of `tabulate`.
        """
        cdef Block block
        cdef int i, n_blocks
        cdef int64_t n_placed = placed.shape[0]
        if places.shape[0] != self._n_ids:
            raise IndexError("there are other numbers of places and ids")
        self._begin(&block, start, stop)
        while block.bag < stop:
            check(cancel)
            with nogil:
                n_blocks = 0
                while n_blocks < BLOCKS_AT_ONCE and self._fill(&block):
                    for i in range(block.n):
                        prefetch(&places[block.ids[i]])
                    for i in range(block.n):
                        prefetch(&placed[0] + places[block.ids[i]])
                    for i in range(block.n):
                        if not 0 <= places[block.ids[i]] < n_placed:
                            block.is_bad = True
                            break
                        placed[places[block.ids[i]]] = block.samples[i]
                        places[block.ids[i]] += 1
                    if block.is_bad:
                        break
                    n_blocks += 1
            raise_if_bad(&block)

    def count_classes(
        self,
        const int64_t[::1] starts,
        const int32_t[::1] placed,
        int64_t[::1] lengths,
        int64_t first,
        int64_t stop,
        int32_t[::1] last_ids,
        const unsigned char[::1] cancel,
    ):
        """Count the different classes of the placed samples of each id.

        Parameters
        ----------
        starts : buffer of shape (n_ids + 1,), int64
            Where the samples of each id are in `placed`.
        placed : buffer of shape (n_entries,), int32
        lengths : buffer of shape (n_ids,), int64
            Set from `first` to `stop`.
        first, stop : int
            The ids to look at.
        last_ids : buffer of shape (n_classes,), int32
            To work with; full of -1.
        cancel
            As of `tabulate`.
        """
        cdef int64_t id_, n, k, j, end
        cdef int64_t until = 0
        self._check_range(starts, placed, lengths.shape[0], first, stop)
        if last_ids.shape[0] != self._n_classes:
            raise IndexError("there are other numbers of classes")
        id_ = first
        while id_ < stop:
            check(cancel)
            until = starts[id_] + max(PLACED_AT_ONCE // self._n_each, 1)
            with nogil:
                while id_ < stop and starts[id_] < until:
                    n = 0
                    for k in range(starts[id_], starts[id_ + 1]):
                        if self._weights is not None and self._weights[placed[k]] == 0:
                            continue
                        j = self._first_class(placed[k], &end)
                        while j < end:
                            n += last_ids[self._classes[j]] != id_
                            last_ids[self._classes[j]] = <int32_t> id_
                            j += 1
                    lengths[id_] = n
                    id_ += 1

    cdef inline int64_t _first_class(self, int64_t sample, int64_t* end) noexcept nogil:
        """Where the classes of a sample start, and where they end."""
        if self._class_offsets is None:
            end[0] = sample + 1
            return sample
        end[0] = self._class_offsets[sample + 1]
        return self._class_offsets[sample]

    cdef int _check_range(
        self,
        const int64_t[::1] starts,
        const int32_t[::1] placed,
        int64_t n_lengths,
        int64_t first,
        int64_t stop,
    ) except -1:
        if (
            starts.shape[0] != self._n_ids + 1
            or n_lengths != self._n_ids
            or not 0 <= first <= stop <= self._n_ids
            or starts[self._n_ids] > placed.shape[0]
        ):
            raise IndexError("placed samples and ids do not fit each other")
        return 0

    def sum_classes(
        self,
        const int64_t[::1] starts,
        const int32_t[::1] placed,
        const int64_t[::1] indptr,
        int32_t[::1] indices,
        double[::1] counts,
        int64_t first,
        int64_t stop,
        double[::1] sums,
        const unsigned char[::1] cancel,
    ):
        """Sum the weights of the placed samples of each id by class.

        Parameters
        ----------
        starts, placed, first, stop, cancel
            As of `count_classes`.
        indptr : buffer of shape (n_ids + 1,), int64
            Sums of the lengths that `count_classes` has set.
        indices : buffer of shape (nnz,), int32
            Set to the classes of each id, ascending.
        counts : buffer of shape (nnz,), float64
            Set to their sums, added up in the order of the bags.
        sums : buffer of shape (n_classes,), float64
            To work with; full of -1, as it is left.
        """
        cdef int64_t id_ = first, until
        self._check_range(starts, placed, indptr.shape[0] - 1, first, stop)
        if (
            sums.shape[0] != self._n_classes
            or indptr[self._n_ids] > min(indices.shape[0], counts.shape[0])
        ):
            raise IndexError("there are other numbers of classes")
        while id_ < stop:
            check(cancel)
            until = starts[id_] + max(PLACED_AT_ONCE // self._n_each, 1)
            with nogil:
                while id_ < stop and starts[id_] < until:
                    if indptr[id_] < indptr[id_ + 1]:
                        self._sum_id(
                            &placed[0] + starts[id_],
                            starts[id_ + 1] - starts[id_],
                            &indices[indptr[id_]],
                            &counts[indptr[id_]],
                            &sums[0],
                        )
                    id_ += 1

    cdef void _sum_id(
        self,
        const int32_t* samples,
        int64_t n_samples,
        int32_t* classes,
        double* counts,
        double* sums,
    ) noexcept nogil:
        cdef int64_t k, j, end, n = 0
        cdef int32_t class_
        cdef double weight = 1
        for k in range(n_samples):
            j = self._first_class(samples[k], &end)
            if self._weights is not None:
                weight = self._weights[samples[k]]
                if weight == 0:
                    continue
            while j < end:
                class_ = <int32_t> self._classes[j]
                # Weights are not negative: -1 is no sum.
                if sums[class_] < 0:
                    sums[class_] = 0
                    classes[n] = class_
                    n += 1
                sums[class_] += weight
                j += 1
        sort_classes(classes, n, sums, self._n_classes)
        for k in range(n):
            counts[k] = sums[classes[k]]
            sums[classes[k]] = -1


cdef int check(const unsigned char[::1] cancel) except -1:
    """Raise where the work is to end."""
    if cancel[0]:
        raise Cancelled("ended by another thread")
    PyErr_CheckSignals()
    return 0


cdef int raise_if_bad(const Block* block) except -1:
    if block.is_bad:
        raise IndexError("the bags hold an id that is not below the number of ids")
    return 0


cdef void sort_classes(
    int32_t* classes, int64_t n, const double* sums, int64_t n_classes
) noexcept nogil:
    """Sort the classes that have a sum: few by insertion, many by looking at all."""
    cdef int64_t i, j = 0
    cdef int32_t class_
    if n > 16 and n * 16 > n_classes:
        for i in range(n_classes):
            if sums[i] >= 0:
                classes[j] = <int32_t> i
                j += 1
        return
    if n > 64:
        heap_sort(classes, n)
        return
    for i in range(1, n):
        class_ = classes[i]
        j = i - 1
        while j >= 0 and classes[j] > class_:
            classes[j + 1] = classes[j]
            j -= 1
        classes[j + 1] = class_


cdef void heap_sort(int32_t* classes, int64_t n) noexcept nogil:
    cdef int64_t i
    cdef int32_t largest
    for i in range(n // 2 - 1, -1, -1):
        sift(classes, i, n)
    for i in range(n - 1, 0, -1):
        largest = classes[0]
        classes[0] = classes[i]
        classes[i] = largest
        sift(classes, 0, i)


cdef void sift(int32_t* classes, int64_t i, int64_t n) noexcept nogil:
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


def count_filled(const int32_t[:, ::1] table, int64_t[::1] lengths):
    """Count the numbers of each row that are not 0.

    Parameters
    ----------
    table : buffer of shape (n_rows, n_columns), int32
    lengths : buffer of shape (n_rows,), int64
        Set.
    """
    cdef int64_t i, j, n
    if lengths.shape[0] != table.shape[0]:
        raise IndexError("there are other numbers of rows and lengths")
    with nogil:
        for i in range(table.shape[0]):
            n = 0
            for j in range(table.shape[1]):
                n += table[i, j] != 0
            lengths[i] = n


def take_filled(
    const int32_t[:, ::1] table,
    const int64_t[::1] indptr,
    int32_t[::1] indices,
    double[::1] values,
):
    """Copy the numbers of a table that are not 0 into a CSR matrix.

    Parameters
    ----------
    table : buffer of shape (n_rows, n_columns), int32
    indptr : buffer of shape (n_rows + 1,), int64
        Sums of the lengths that `count_filled` has set.
    indices, values : buffers of shape (nnz,), int32 and float64
        Set.
    """
    cdef int64_t i, j, k
    if (
        indptr.shape[0] != table.shape[0] + 1
        or indptr[table.shape[0]] > min(indices.shape[0], values.shape[0])
    ):
        raise IndexError("the table and the arrays of the matrix do not fit each other")
    with nogil:
        for i in range(table.shape[0]):
            k = indptr[i]
            for j in range(table.shape[1]):
                if k < indptr[i + 1] and table[i, j] != 0:
                    indices[k] = <int32_t> j
                    values[k] = table[i, j]
                    k += 1

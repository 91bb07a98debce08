"""Memory that grows, for native kernels: the one place that allocates it."""

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memset


cdef extern from *:
    """
    #include <stdlib.h>
    #include <string.h>
    #if defined(__linux__)
    #include <sys/mman.h>
    #endif
    /* Zeros. A large table that is looked into at random has huge pages where the system
       grants them: with small ones each look would miss the cache of addresses too. */
    static void* skbag_zeros(size_t size) {
    #if defined(__linux__) && defined(MADV_HUGEPAGE)
        if (size >= ((size_t)1 << 22)) {
            void* data = NULL;
            if (posix_memalign(&data, (size_t)1 << 21, size)) return NULL;
            (void)madvise(data, size, MADV_HUGEPAGE);
            memset(data, 0, size);
            return data;
        }
    #endif
        return calloc(1, size);
    }
    """
    void* zeros "skbag_zeros"(size_t) noexcept nogil


cdef inline void* allocate_zeros(size_t size) except NULL nogil:
    """Memory full of zeros, to be given back to `free`."""
    cdef void* data = zeros(size)
    if data == NULL:
        with gil:
            raise MemoryError(f"no memory for {size} bytes")
    return data


cdef struct Buffer:
    # Bytes in use and bytes there.
    char* data
    size_t size
    size_t capacity


cdef inline int reserve(Buffer* buffer, size_t n_more) except -1 nogil:
    """Make room for so many bytes after those in use."""
    cdef size_t needed = buffer.size + n_more
    if needed <= buffer.capacity:
        return 0
    return grow(buffer, needed)


cdef inline int grow(Buffer* buffer, size_t needed) except -1 nogil:
    # By half: of the largest buffers twice would be much memory for nothing.
    cdef size_t capacity = max(needed, buffer.capacity + buffer.capacity // 2 + 64)
    cdef char* data = <char*> realloc(buffer.data, capacity)
    if data == NULL:
        with gil:
            raise MemoryError(f"no memory for {capacity} bytes")
    buffer.data = data
    buffer.capacity = capacity
    return 0


cdef inline int push_int32(Buffer* buffer, int32_t value) except -1 nogil:
    reserve(buffer, sizeof(int32_t))
    (<int32_t*> (buffer.data + buffer.size))[0] = value
    buffer.size += sizeof(int32_t)
    return 0


cdef inline int push_int64(Buffer* buffer, int64_t value) except -1 nogil:
    reserve(buffer, sizeof(int64_t))
    (<int64_t*> (buffer.data + buffer.size))[0] = value
    buffer.size += sizeof(int64_t)
    return 0


cdef inline int fill_up(Buffer* buffer, size_t size, int byte) except -1 nogil:
    """Append bytes of one value until there are so many."""
    if size > buffer.size:
        reserve(buffer, size - buffer.size)
        memset(buffer.data + buffer.size, byte, size - buffer.size)
        buffer.size = size
    return 0


cdef inline void release(Buffer* buffer) noexcept nogil:
    free(buffer.data)
    buffer.data = NULL
    buffer.size = buffer.capacity = 0


cdef object take_array(Buffer* buffer, object dtype)
"""Hand the memory over to a new numpy array; the buffer is empty then."""

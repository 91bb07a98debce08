"""Memory that grows, for native kernels, and what numpy sees of it."""

from cpython.buffer cimport PyBuffer_FillInfo

import numpy as np


cdef class _Memory:
    """Bytes that are freed with the last array that looks at them."""

    cdef Buffer buffer

    def __getbuffer__(self, Py_buffer* view, int flags):
        PyBuffer_FillInfo(
            view, self, self.buffer.data, <Py_ssize_t> self.buffer.size, False, flags
        )

    def __dealloc__(self):
        release(&self.buffer)


cdef object take_array(Buffer* buffer, object dtype):
    cdef _Memory memory
    if buffer.size == 0:
        release(buffer)
        return np.empty(0, dtype=dtype)
    cdef char* trimmed = <char*> realloc(buffer.data, buffer.size)
    if trimmed != NULL:
        buffer.data = trimmed
        buffer.capacity = buffer.size
    memory = _Memory.__new__(_Memory)
    memory.buffer = buffer[0]
    buffer.data = NULL
    buffer.size = buffer.capacity = 0
    return np.frombuffer(memory, dtype=dtype)

"""Texts for native kernels: the memory of Python strings, and scratch space."""

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int64_t

from skbag._core.buffers cimport Buffer
from skbag._text.scanner cimport Rule


cdef class TokenClasses:
    """Classes of characters by a `DefaultTokens`, for `scanner`."""

    cdef Rule rule
    cdef object _bounds
    cdef object _range_classes


cdef class Documents:
    """Some documents, handed out block by block."""

    cdef tuple _documents
    cdef list _replaced
    cdef object _replace
    cdef const unsigned char[::1] _cancel
    cdef bint _lowercase
    cdef int64_t next
    cdef int64_t n_documents
    # `Text` of each document of the block.
    cdef Buffer texts
    cdef int64_t read_block(self) except -1
    cdef int check(self) except -1


cdef enum:
    BETWEEN_CHECKS = 1 << 16


cdef inline int check_documents(Documents documents, int64_t i) except -1 nogil:
    """Raise where the work is to end; of the numbers of a loop some ask."""
    if i & (BETWEEN_CHECKS - 1) == BETWEEN_CHECKS - 1:
        with gil:
            documents.check()
    return 0


cdef inline int check_signals(int64_t i) except -1 nogil:
    """The same for what this thread does by itself."""
    if i & (BETWEEN_CHECKS - 1) == BETWEEN_CHECKS - 1:
        with gil:
            PyErr_CheckSignals()
    return 0


cdef struct Block:
    # Bytes of tokens; `Token` of each; their keys; where the tokens of documents end.
    Buffer bytes
    Buffer tokens
    Buffer keys
    Buffer ends


cdef int scan_block(
    TokenClasses classes, Documents documents, int64_t n_texts, Block* block
) except -1


cdef void free_block(Block* block) noexcept nogil

"""Letting Ctrl-C through to kernels that go over many entries without the lock."""

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int64_t


cdef enum:
    # Entries and rows that take less than half a second.
    BETWEEN_CHECKS = 1 << 22


cdef inline int check_interrupts(int64_t* work, int64_t n_entries) except -1 nogil:
    """Count a row of entries as work done; look for Ctrl-C when much has been.

    Parameters
    ----------
    work : pointer to int64
        Since the last look; 0 at first.
    """
    work[0] += n_entries + 1
    if work[0] >= BETWEEN_CHECKS:
        work[0] = 0
        with gil:
            PyErr_CheckSignals()
    return 0

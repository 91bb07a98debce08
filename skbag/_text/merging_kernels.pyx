"""Strings and keys of several ranks: hashed, taken, numbered; see `merging`.

Strings are bytes one after another, of which `PADDING` follow the last one, and the
place where each starts.
"""

import numpy as np

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.string cimport memcpy, memset

from skbag._core.prefetch cimport prefetch
from skbag._text.documents cimport check_signals
from skbag._text.hash_tables cimport (
    KeyTable,
    StringTable,
    add_string,
    free_keys,
    free_strings,
    init_keys,
    init_strings,
    key_place,
    put_key,
    resize_keys,
    string_key,
)
from skbag._text.hashing cimport fingerprint_of, hash_bytes
from skbag._text.vocabulary cimport process_secret
from skbag._text.vocabulary_lookups cimport AHEAD, FIRST_ROLE, LOW_HALF, NONE, SKIP
from skbag._text.vocabulary_merging cimport translated

PADDING = 16
"""Bytes after the last string: it is read 8 at a time."""


def hashes_of(const uint8_t[::1] data, const int64_t[::1] starts):
    """Hash strings, the same in every process; all bits depend on all of a string.

    Returns
    -------
    hashes : ndarray of shape (n_strings,), dtype=uint64
    """
    cdef int64_t i, n = len(starts) - 1
    hashes = np.empty(n, dtype=np.uint64)
    cdef uint64_t[::1] out = hashes
    with nogil:
        for i in range(n):
            check_signals(i)
            out[i] = fingerprint_of(
                hash_bytes(&data[starts[i]], starts[i + 1] - starts[i]), 64
            )
    return hashes


def taken(
    const uint8_t[::1] data, const int64_t[::1] starts, const int64_t[::1] which
):
    """Some strings, in any order.

    Returns
    -------
    data, starts : ndarray
    """
    cdef int64_t i, length, n = len(which)
    new_starts = np.zeros(n + 1, dtype=np.int64)
    cdef int64_t[::1] ends = new_starts[1:]
    for i in range(n):
        ends[i] = starts[which[i] + 1] - starts[which[i]]
    np.cumsum(new_starts, out=new_starts)
    new_data = np.zeros(new_starts[n] + PADDING, dtype=np.uint8)
    cdef uint8_t[::1] out = new_data
    with nogil:
        for i in range(n):
            check_signals(i)
            length = starts[which[i] + 1] - starts[which[i]]
            memcpy(&out[ends[i] - length], &data[starts[which[i]]], <size_t> length)
    return new_data, new_starts


def number_strings(const uint8_t[::1] data, const int64_t[::1] starts):
    """Number distinct strings in the order in which they first occur.

    Returns
    -------
    numbers : ndarray of shape (n_strings,), dtype=int32
    firsts : ndarray of shape (n_distinct,), dtype=int64
        Where each is first.
    """
    cdef int64_t i, length, n_distinct = 0, n = len(starts) - 1
    numbers, firsts = np.empty(n, dtype=np.int32), np.empty(n, dtype=np.int64)
    cdef int32_t[::1] out = numbers
    cdef int64_t[::1] places = firsts
    cdef StringTable table
    memset(&table, 0, sizeof(StringTable))
    init_strings(&table, process_secret())
    try:
        with nogil:
            for i in range(n):
                check_signals(i)
                length = starts[i + 1] - starts[i]
                out[i] = add_string(
                    &table,
                    &data[starts[i]],
                    length,
                    string_key(&table, &data[starts[i]], length),
                )
                if out[i] == n_distinct:
                    places[n_distinct] = i
                    n_distinct += 1
    finally:
        free_strings(&table)
    return numbers, firsts[:n_distinct].copy()


def number_keys(const uint64_t[::1] keys):
    """Number distinct keys in the order in which they first occur.

    Returns
    -------
    numbers : ndarray of shape (n_keys,), dtype=int32
    firsts : ndarray of shape (n_distinct,), dtype=int64
        Where each is first.
    """
    cdef int64_t i, n_distinct = 0, n = len(keys)
    numbers, firsts = np.empty(n, dtype=np.int32), np.empty(n, dtype=np.int64)
    cdef int32_t[::1] out = numbers
    cdef int64_t[::1] places = firsts
    cdef KeyTable table
    memset(&table, 0, sizeof(KeyTable))
    cdef uint64_t size = 64
    init_keys(&table, process_secret())
    # For half of them, at once: see `vocabulary_merging`.
    while 3 * <uint64_t> (n // 2) > 2 * size:
        size *= 2
    try:
        with nogil:
            resize_keys(&table, size)
            for i in range(n):
                check_signals(i)
                if i + AHEAD < n:
                    prefetch(&table.slots[key_place(&table, keys[i + AHEAD])])
                out[i] = put_key(&table, keys[i], <int32_t> n_distinct)
                if out[i] == n_distinct:
                    places[n_distinct] = i
                    n_distinct += 1
    finally:
        free_keys(&table)
    return numbers, firsts[:n_distinct].copy()


def mixed(const uint64_t[::1] keys):
    """Numbers as far apart as keys are near: another for each, and the same anywhere.

    Returns
    -------
    mixed : ndarray of shape (n_keys,), dtype=uint64
    """
    cdef int64_t i, n = len(keys)
    result = np.empty(n, dtype=np.uint64)
    cdef uint64_t[::1] out = result
    with nogil:
        for i in range(n):
            out[i] = fingerprint_of(keys[i], 64)
    return result


def with_other_strings(const uint64_t[::1] keys, const int32_t[::1] numbers):
    """Keys of the same features where string i has the number ``numbers[i]``."""
    cdef int64_t i, n = len(keys)
    result = np.empty(n, dtype=np.uint64)
    cdef uint64_t[::1] out = result
    if n:
        with nogil:
            for i in range(n):
                out[i] = translated(keys[i], &numbers[0])
    return result


def strings_in_use(const uint64_t[::1] keys, int64_t n_strings):
    """Number the strings of keys in the order in which these use them.

    Returns
    -------
    strings : ndarray of shape (n_in_use,), dtype=int64
        What is the number of each in the keys.
    numbers : ndarray of shape (n_strings,), dtype=int32
        What each becomes; -1 for one that no key uses.
    """
    cdef int64_t i, n_in_use = 0, n = len(keys)
    cdef uint64_t left, right
    numbers = np.full(n_strings, NONE, dtype=np.int32)
    strings = np.empty(min(n_strings, 2 * n), dtype=np.int64)
    cdef int32_t[::1] number_of = numbers
    cdef int64_t[::1] out = strings
    with nogil:
        for i in range(n):
            check_signals(i)
            left, right = keys[i] >> 32, keys[i] & LOW_HALF
            if left < FIRST_ROLE:
                left = left & ~SKIP
                if number_of[left] < 0:
                    number_of[left] = <int32_t> n_in_use
                    out[n_in_use] = <int64_t> left
                    n_in_use += 1
            if number_of[right] < 0:
                number_of[right] = <int32_t> n_in_use
                out[n_in_use] = <int64_t> right
                n_in_use += 1
    return strings[:n_in_use].copy(), numbers

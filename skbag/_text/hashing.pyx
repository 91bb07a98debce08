"""The hash of strings that buckets and fingerprints are made of: see `buckets`."""

from hashlib import blake2b

import numpy as np


cdef uint64_t hash_long(const uint8_t* data, int64_t length) except? 0 nogil:
    # Rare: no word is as long.
    with gil:
        digest = blake2b((<const char*> data)[:length], digest_size=8).digest()
        return <uint64_t> int.from_bytes(digest, "little")


cpdef uint64_t hash_string(bytes string) except? 0:
    """Hash the bytes of a string, the same in every process and on every machine.

    Strings of up to 8 bytes, none of them zero at the end, never share a hash.
    """
    cdef bytes padded = string + bytes(8)
    return hash_bytes(<const uint8_t*> padded, len(string))


def hash_strings(list strings):
    """Hash many strings.

    Returns
    -------
    hashes : ndarray of shape (n_strings,), dtype=uint64
    """
    hashes = np.empty(len(strings), dtype=np.uint64)
    cdef uint64_t[::1] out = hashes
    cdef Py_ssize_t i
    for i in range(len(strings)):
        out[i] = hash_string(strings[i])
    return hashes


def fingerprints_of(const uint64_t[::1] hashes, int n_bits):
    """Shorten hashes to so many bits, all of which depend on all of a hash.

    Returns
    -------
    fingerprints : ndarray of shape (n,), dtype=uint64
    """
    fingerprints = np.empty(len(hashes), dtype=np.uint64)
    cdef uint64_t[::1] out = fingerprints
    cdef Py_ssize_t i
    for i in range(len(hashes)):
        out[i] = fingerprint_of(hashes[i], n_bits)
    return fingerprints


def fingerprint_of_string(bytes string, int n_bits):
    """Fingerprint of one string, by its bytes."""
    return fingerprint_of(hash_string(string), n_bits)

"""The hash of strings that buckets and fingerprints are made of: see `buckets`."""

from libc.stdint cimport int64_t, uint8_t, uint64_t

from skbag._text.hash_tables cimport low_bytes

cdef enum:
    LONGEST_IN_ROUNDS = 64


cdef uint64_t hash_long(const uint8_t* data, int64_t length) except? 0 nogil


cdef inline uint64_t mix(uint64_t key) noexcept nogil:
    key *= <uint64_t> 0xBF58476D1CE4E5B9
    return key ^ key >> 32


cdef inline uint64_t hash_bytes(
    const uint8_t* data, int64_t length
) except? 0 nogil:
    """Hash a string, the same in every process; 8 bytes from its last can be read."""
    cdef uint64_t x
    cdef int64_t done
    if length > LONGEST_IN_ROUNDS:
        return hash_long(data, length)
    x = low_bytes(data, length) * <uint64_t> 0x9E3779B97F4A7C15
    x ^= x >> 32
    for done in range(8, length, 8):
        x = (x + low_bytes(data + done, length - done)) * <uint64_t> 0xD6E8FEB86659FD93
        x ^= x >> 32
    return x


cdef inline uint64_t fingerprint_of(uint64_t hash_, int n_bits) noexcept nogil:
    """All bits depend on all of the hash: the finaliser of splitmix64."""
    hash_ = (hash_ ^ hash_ >> 30) * <uint64_t> 0xBF58476D1CE4E5B9
    hash_ = (hash_ ^ hash_ >> 27) * <uint64_t> 0x94D049BB133111EB
    return (hash_ ^ hash_ >> 31) >> (64 - n_bits)

"""What learning and reading have in common: strings, features in roles, pairs."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

from skbag._core.buffers cimport push_int32, reserve
from skbag._core.prefetch cimport prefetch
from skbag._text.bag_writer cimport BagWriter
from skbag._text.hash_tables cimport (
    find_key,
    find_string,
    key_place,
    put_key,
    string_key,
)
from skbag._text.hashing cimport fingerprint_of, hash_bytes
from skbag._text.scanner cimport Token
from skbag._text.vocabulary cimport Scratch, Vocabulary


cdef extern from *:
    """
    #define SKBAG_FIRST_ROLE 0xFFFFFF00ull
    #define SKBAG_SKIP 0x80000000ull
    #define SKBAG_LOW_HALF 0xFFFFFFFFull
    """
    # Of keys, as in `feature_keys`; a test holds them equal.
    const uint64_t FIRST_ROLE "SKBAG_FIRST_ROLE"
    const uint64_t SKIP "SKBAG_SKIP"
    const uint64_t LOW_HALF "SKBAG_LOW_HALF"


cdef enum:
    # Those of `Role`; a test holds them equal.
    TOKEN = 0
    FIRST = 1
    LAST = 2
    PREFIX = 3
    SUFFIX = 4
    SUBWORD = 5
    N_ROLES = 6
    # No string or feature.
    NONE = -1
    # How many tokens or features before they are needed memory is asked for.
    AHEAD = 16


cdef inline int32_t* roles_of(Vocabulary self, int64_t string) noexcept nogil:
    return <int32_t*> self.in_role.data + string * self.n_roles


cdef inline int32_t feature_in_role(Vocabulary self, int64_t string, int role) noexcept nogil:
    # Strings beyond have no room yet, where learning has failed half-way.
    if string < 0 or string >= self.n_strings:
        return NONE
    return roles_of(self, string)[role]


cdef inline uint64_t pair_key(int64_t left, int64_t right) noexcept nogil:
    return <uint64_t> left << 32 | <uint64_t> right


cdef inline void prefetch_pair(Vocabulary self, uint64_t key) noexcept nogil:
    prefetch(&self.pairs.slots[key_place(&self.pairs, key)])


cdef inline int32_t find_any(
    Vocabulary self, const uint8_t* data, int64_t length
) except? -1 nogil:
    """Id of a string, -1 if it has none; 8 bytes from its last can be read."""
    if self.n_fingerprint_bits:
        return find_key(
            &self.fingerprints,
            fingerprint_of(hash_bytes(data, length), self.n_fingerprint_bits),
        )
    return find_string(
        &self.strings, data, length, string_key(&self.strings, data, length)
    )


cdef inline int set_token_keys(Vocabulary self, Scratch* scratch) except -1 nogil:
    """Compute the key of each token of a block, and make room for its string."""
    cdef const Token* tokens = <const Token*> scratch.block.tokens.data
    cdef int64_t n = scratch.block.tokens.size // <int64_t> sizeof(Token)
    cdef const uint8_t* data = <const uint8_t*> scratch.block.bytes.data
    cdef const int64_t* ends = <const int64_t*> scratch.block.ends.data
    cdef int64_t n_texts = scratch.block.ends.size // <int64_t> sizeof(int64_t)
    cdef uint64_t* keys
    cdef int64_t i, most = 0
    scratch.words.size = 0
    reserve(&scratch.words, n * sizeof(int32_t))
    scratch.words.size = n * sizeof(int32_t)
    if self.longest > 2:
        # No n-gram has more tokens than the longest text.
        for i in range(n_texts):
            most = max(most, ends[i] - (ends[i - 1] if i else 0))
        scratch.width = min(most, <int64_t> self.longest - 1)
        scratch.before.size = 0
        reserve(&scratch.before, n * scratch.width * sizeof(int32_t))
    reserve(&scratch.block.keys, n * sizeof(uint64_t))
    keys = <uint64_t*> scratch.block.keys.data
    for i in range(n):
        if self.n_fingerprint_bits:
            keys[i] = fingerprint_of(
                hash_bytes(data + tokens[i].start, tokens[i].length),
                self.n_fingerprint_bits,
            )
        else:
            keys[i] = string_key(
                &self.strings, data + tokens[i].start, tokens[i].length
            )
    return 0


cdef inline int32_t new_feature(Vocabulary self, uint64_t key) except -1 nogil:
    if self.n_features >= 0x7FFFFFFE:
        with gil:
            raise OverflowError("more than 2**31 features")
    reserve(&self.keys, 8)
    (<uint64_t*> (self.keys.data + self.keys.size))[0] = key
    self.keys.size += 8
    self.n_features += 1
    return <int32_t> (self.n_features - 1)


cdef inline int32_t add_pair(Vocabulary self, uint64_t key) except -1 nogil:
    cdef int32_t id_
    # What `new_feature` may lack: a pair is not to stay without its feature.
    reserve(&self.keys, 8)
    id_ = put_key(&self.pairs, key, <int32_t> self.n_features)
    if id_ == self.n_features:
        new_feature(self, key)
    return id_


cdef inline int put_known(BagWriter* writer, int32_t feature) except -1 nogil:
    if feature >= 0:
        push_int32(&writer.occurrences, feature)
    return 0


cdef inline int read_pair(
    Vocabulary self, BagWriter* writer, int32_t left, int32_t right, uint64_t flag
) except -1 nogil:
    if left < 0 or right < 0:
        return 0
    return put_known(
        writer, find_key(&self.pairs, pair_key(left, right) | flag << 32)
    )

"""N-grams of three tokens or more: each is a shorter n-gram, as a string, and a token."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.string cimport memcpy

from skbag._core.buffers cimport push_int32, reserve
from skbag._text.hash_tables cimport (
    add_string,
    find_key,
    put_key,
    string_at,
    string_key,
    string_length,
)
from skbag._text.scanner cimport Token
from skbag._text.vocabulary cimport Scratch, Vocabulary
from skbag._text.vocabulary_lookups cimport (
    NONE,
    add_pair,
    find_any,
    pair_key,
    read_pair,
)


cdef inline const int32_t* ngrams_at(Scratch* scratch, int64_t i) noexcept nogil:
    """N-grams of 1, 2, ... tokens that end in token i, as strings."""
    return <const int32_t*> scratch.before.data + i * scratch.width


cdef inline int32_t _add_beginning(
    Vocabulary self, Scratch* scratch, int64_t left, int64_t right
) except -1 nogil:
    """Id of the string of an n-gram, of the n-gram before its last token and that."""
    cdef uint64_t key = pair_key(left, right)
    cdef int32_t string = find_key(&self.beginnings, key)
    cdef int64_t n_left, n_right
    cdef uint8_t* joined
    if string >= 0:
        return string
    n_left = string_length(&self.strings, left)
    n_right = string_length(&self.strings, right)
    scratch.marked.bytes.size = 0
    reserve(&scratch.marked.bytes, n_left + n_right + 32)
    joined = <uint8_t*> scratch.marked.bytes.data
    memcpy(joined, string_at(&self.strings, left), <size_t> n_left)
    joined[n_left] = c" "
    memcpy(joined + n_left + 1, string_at(&self.strings, right), <size_t> n_right)
    n_left += 1 + n_right
    string = add_string(
        &self.strings, joined, n_left, string_key(&self.strings, joined, n_left)
    )
    self._grow()
    put_key(&self.beginnings, key, string)
    return string


cdef inline int32_t _find_beginning(
    Vocabulary self, Scratch* scratch, int32_t left, int32_t right, int64_t i, int64_t n
) except? -1 nogil:
    """Id of the string of the n-gram that ends in token i, -1 if it has none."""
    cdef const Token* tokens = <const Token*> scratch.block.tokens.data
    cdef const uint8_t* data = <const uint8_t*> scratch.block.bytes.data
    cdef int64_t j, length = 0
    cdef uint8_t* joined
    if not self.n_fingerprint_bits:
        return find_key(&self.beginnings, pair_key(left, right))
    for j in range(i - n + 1, i + 1):
        length += tokens[j].length + 1
    scratch.marked.bytes.size = 0
    reserve(&scratch.marked.bytes, length + 32)
    joined = <uint8_t*> scratch.marked.bytes.data
    length = 0
    for j in range(i - n + 1, i + 1):
        memcpy(joined + length, data + tokens[j].start, <size_t> tokens[j].length)
        length += tokens[j].length
        joined[length] = c" "
        length += 1
    return find_any(self, joined, length - 1)


cdef inline int set_ngrams(
    Vocabulary self, Scratch* scratch, int64_t n_before, int64_t i, bint adds
) except -1 nogil:
    """Find the n-grams that end in token i, or give them ids, as strings."""
    cdef int32_t word = (<const int32_t*> scratch.words.data)[i]
    cdef int64_t width = scratch.width
    cdef int32_t* own = <int32_t*> scratch.before.data + i * width
    cdef int64_t n
    cdef int32_t left
    own[0] = word
    for n in range(2, min(width, n_before + 1) + 1):
        own[n - 1] = NONE
        left = (own - width)[n - 2]
        if adds:
            own[n - 1] = _add_beginning(self, scratch, left, word)
        elif self.n_fingerprint_bits or (left >= 0 and word >= 0):
            # Among fingerprints there are not always those of what it is made of.
            own[n - 1] = _find_beginning(self, scratch, left, word, i, n)
    return 0


cdef inline int learn_long_ngrams(
    Vocabulary self, Scratch* scratch, int64_t n_before, int64_t i
) except -1 nogil:
    """Count the n-grams of three tokens or more that end in a token."""
    cdef int32_t word = (<const int32_t*> scratch.words.data)[i]
    cdef int n
    for n in range(max(3, self.shortest), min(self.longest, n_before + 1) + 1):
        push_int32(
            &scratch.writer.occurrences,
            add_pair(self, pair_key(ngrams_at(scratch, i - 1)[n - 2], word)),
        )
    return 0


cdef inline int read_long_ngrams(
    Vocabulary self, Scratch* scratch, int64_t n_before, int64_t i
) except -1 nogil:
    """Count the known n-grams of three tokens or more that end in a token."""
    cdef int32_t word = (<const int32_t*> scratch.words.data)[i]
    cdef int n
    for n in range(max(3, self.shortest), min(self.longest, n_before + 1) + 1):
        read_pair(
            self, &scratch.writer, ngrams_at(scratch, i - 1)[n - 2], word, 0
        )
    return 0

"""Parts of words, and words that are left out, for native kernels."""

from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memcpy

from skbag._core.buffers cimport Buffer, release, reserve
from skbag._text.documents cimport Block
from skbag._text.hash_tables cimport StringTable, find_string, string_key
from skbag._text.scanner cimport Token


cdef enum:
    # Tokens of an n-gram, characters of a subword.
    MOST = 1 << 30
    MOST_AFFIXES = 16
    MOST_SKIPS = 8
    LONGEST_WITH_SUBWORDS = 1000


cdef struct Affixes:
    int n_prefixes
    int n  # prefixes first, then suffixes
    int lengths[MOST_AFFIXES]


cdef struct MarkedWord:
    Buffer bytes  # the word between marks, with room after it
    Buffer characters  # int64: where its characters start, and where it ends


cdef inline void free_marked(MarkedWord* marked) noexcept nogil:
    release(&marked.bytes)
    release(&marked.characters)


cdef inline bint starts_character(uint8_t byte) noexcept nogil:
    """Whether a byte of UTF-8 is the first of its character."""
    return byte & 0xC0 != 0x80


cdef inline bint affix_of(
    const Affixes* affixes,
    int column,
    const uint8_t* data,
    int64_t length,
    int64_t* start,
    int64_t* stop,
) noexcept nogil:
    """Bounds of an affix of a word; whether the word has more characters than it."""
    cdef int n = affixes.lengths[column]
    cdef int64_t i
    if length <= n:
        return False
    start[0], stop[0] = 0, length
    if column < affixes.n_prefixes:
        # To the first byte of the character after it.
        for i in range(length):
            if starts_character(data[i]):
                n -= 1
                if n < 0:
                    stop[0] = i
                    return True
        return False
    for i in range(length - 1, -1, -1):
        if starts_character(data[i]):
            n -= 1
            if n == 0:
                start[0] = i
                return i > 0
    return False


cdef inline int64_t mark_word(
    MarkedWord* marked, const uint8_t* data, int64_t length
) except -1 nogil:
    """Put a word between marks; its number of characters then, 0 if it has no parts."""
    cdef int64_t i, n = 0
    cdef uint8_t* out
    cdef int64_t* characters
    if length > 4 * LONGEST_WITH_SUBWORDS:
        return 0
    marked.bytes.size = marked.characters.size = 0
    reserve(&marked.bytes, length + 32)
    reserve(&marked.characters, 8 * (length + 3))
    out = <uint8_t*> marked.bytes.data
    characters = <int64_t*> marked.characters.data
    out[0] = c"<"
    memcpy(out + 1, data, <size_t> length)
    out[length + 1] = c">"
    for i in range(length + 2):
        if starts_character(out[i]):
            characters[n] = i
            n += 1
    characters[n] = length + 2
    return n if 4 <= n <= LONGEST_WITH_SUBWORDS + 2 else 0


cdef inline void leave_out(const StringTable* stop_words, Block* block) noexcept nogil:
    """Take the tokens that are stop words out of a block."""
    cdef Token* tokens = <Token*> block.tokens.data
    cdef const uint8_t* data = <const uint8_t*> block.bytes.data
    cdef int64_t* ends = <int64_t*> block.ends.data
    cdef int64_t n_texts = block.ends.size // <int64_t> sizeof(int64_t)
    cdef int64_t i, j = 0, n = 0, length
    cdef const uint8_t* word
    for i in range(n_texts):
        while j < ends[i]:
            word = data + tokens[j].start
            length = tokens[j].length
            if find_string(
                stop_words, word, length, string_key(stop_words, word, length)
            ) < 0:
                tokens[n] = tokens[j]
                n += 1
            j += 1
        ends[i] = n
    block.tokens.size = n * sizeof(Token)

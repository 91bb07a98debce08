"""Tokens of Python strings, read where they lie.

A string has 1, 2 or 4 bytes a character (PEP 393). Its tokens are those of the regular
expression of a `DefaultTokens`, in UTF-8 (lone surrogates as ``surrogatepass`` writes
them), lower-cased one character at a time; what `str.lower` does otherwise is the
caller's to see to: see `has_special_case`.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t

from skbag._core.buffers cimport Buffer, reserve


cdef extern from "Python.h":
    int Py_UNICODE_ISALNUM(uint32_t) noexcept nogil
    int Py_UNICODE_ISSPACE(uint32_t) noexcept nogil
    uint32_t Py_UNICODE_TOLOWER(uint32_t) noexcept nogil


cdef enum:
    # Those of `token_rules`; a test holds them equal.
    SPACE = 0
    WORD = 1
    SYMBOL = 2
    CHARACTER = 3
    MARK = 4
    N_CODE_POINTS = 0x110000
    PADDING = 16


cdef struct Rule:
    # Of each code point its class and 1, or 0 where nobody has asked yet. Threads that
    # ask together write the same.
    uint8_t* classes
    # First and last code points of ranges, ascending, and the class of each range.
    int64_t n_ranges
    const uint32_t* bounds
    const uint8_t* range_classes
    # Of ASCII: the lower-cased byte of a word character, 0 for others.
    uint8_t lowered[128]
    uint8_t kept[128]


cdef struct Text:
    const void* data
    int64_t length
    int kind  # bytes a character; 0 for ASCII
    bint lowercase  # whether to lower it


cdef struct Token:
    int64_t start
    int64_t length


cdef inline uint8_t class_of(const Rule* rule, uint32_t code) noexcept nogil:
    cdef uint8_t known = rule.classes[code]
    cdef int64_t low, high, middle
    if known:
        return known - 1
    known = 255
    low, high = 0, rule.n_ranges
    while low < high:
        middle = (low + high) // 2
        if rule.bounds[2 * middle + 1] < code:
            low = middle + 1
        else:
            high = middle
    if low < rule.n_ranges and rule.bounds[2 * low] <= code:
        known = rule.range_classes[low]
    elif Py_UNICODE_ISALNUM(code) or code == c"_":
        known = WORD
    else:
        known = SPACE if Py_UNICODE_ISSPACE(code) else SYMBOL
    rule.classes[code] = known + 1
    return known


cdef inline uint32_t character_at(const Text* text, int64_t i) noexcept nogil:
    if text.kind <= 1:
        return (<const uint8_t*> text.data)[i]
    if text.kind == 2:
        return (<const uint16_t*> text.data)[i]
    return (<const uint32_t*> text.data)[i]


cdef inline int64_t put_utf8(uint8_t* out, uint32_t code) noexcept nogil:
    """Write a code point; the number of its bytes."""
    if code < 0x80:
        out[0] = <uint8_t> code
        return 1
    if code < 0x800:
        out[0] = <uint8_t> (0xC0 | code >> 6)
        out[1] = <uint8_t> (0x80 | code & 0x3F)
        return 2
    if code < 0x10000:
        out[0] = <uint8_t> (0xE0 | code >> 12)
        out[1] = <uint8_t> (0x80 | code >> 6 & 0x3F)
        out[2] = <uint8_t> (0x80 | code & 0x3F)
        return 3
    out[0] = <uint8_t> (0xF0 | code >> 18)
    out[1] = <uint8_t> (0x80 | code >> 12 & 0x3F)
    out[2] = <uint8_t> (0x80 | code >> 6 & 0x3F)
    out[3] = <uint8_t> (0x80 | code & 0x3F)
    return 4


cdef inline bint has_special_case(const Text* text) noexcept nogil:
    """Whether `str.lower` looks at more than one character, or makes two of one.

    Of all code points only U+0130 becomes two, and only U+03A3 has a form for the end
    of a word; a test holds that.
    """
    cdef int64_t i
    cdef uint32_t code
    if text.kind < 2:
        return False
    for i in range(text.length):
        code = character_at(text, i)
        if code == 0x130 or code == 0x3A3:
            return True
    return False


cdef inline int push_token(
    Buffer* tokens, int64_t start, int64_t length
) except -1 nogil:
    cdef Token* token
    reserve(tokens, sizeof(Token))
    token = <Token*> (tokens.data + tokens.size)
    token.start = start
    token.length = length
    tokens.size += sizeof(Token)
    return 0


cdef inline int scan(
    const Rule* rule, const Text* text, Buffer* out, Buffer* tokens
) except -1 nogil:
    """Append the tokens of a text: their bytes to `out`, their places to `tokens`.

    After the last byte of `out` there is room for `PADDING` more.
    """
    if text.kind == 0:
        return scan_ascii(rule, text, out, tokens)
    return scan_any(rule, text, out, tokens)


cdef inline int scan_ascii(
    const Rule* rule, const Text* text, Buffer* out, Buffer* tokens
) except -1 nogil:
    cdef const uint8_t* data = <const uint8_t*> text.data
    cdef const uint8_t* letters = &rule.lowered[0]
    cdef int64_t i = 0, n = text.length
    cdef uint8_t* start
    cdef uint8_t* end
    cdef uint8_t letter
    if not text.lowercase:
        letters = &rule.kept[0]
    reserve(out, n + PADDING)
    end = <uint8_t*> out.data + out.size
    while i < n:
        letter = letters[data[i]]
        start = end
        if letter:
            while letter:
                end[0] = letter
                end += 1
                i += 1
                if i == n:
                    break
                letter = letters[data[i]]
        else:
            i += 1
            if class_of(rule, data[i - 1]) == SPACE:
                continue
            end[0] = data[i - 1]
            end += 1
        push_token(tokens, start - <uint8_t*> out.data, end - start)
    out.size = end - <uint8_t*> out.data
    return 0


cdef inline int scan_any(
    const Rule* rule, const Text* text, Buffer* out, Buffer* tokens
) except -1 nogil:
    cdef int64_t i, n = text.length
    cdef uint32_t code
    cdef uint8_t class_
    # What a token is being made of; SPACE for none.
    cdef uint8_t open_ = SPACE
    cdef uint8_t* start
    cdef uint8_t* end
    reserve(out, n * (text.kind if text.kind == 4 else text.kind + 1) + PADDING)
    start = end = <uint8_t*> out.data + out.size
    for i in range(n):
        code = character_at(text, i)
        if text.lowercase:
            code = Py_UNICODE_TOLOWER(code)
        class_ = class_of(rule, code)
        if class_ == MARK:
            class_ = SYMBOL if open_ == SPACE or open_ == SYMBOL else open_
        elif class_ != WORD or open_ != WORD:
            # A mark goes on with what is open, a word with a word.
            if open_ != SPACE:
                push_token(tokens, start - <uint8_t*> out.data, end - start)
            start = end
            open_ = SPACE
        if class_ == SPACE:
            continue
        if class_ == SYMBOL and open_ != SPACE:
            push_token(tokens, start - <uint8_t*> out.data, end - start)
            start = end
        end += put_utf8(end, code)
        open_ = class_
    if open_ != SPACE:
        push_token(tokens, start - <uint8_t*> out.data, end - start)
    out.size = end - <uint8_t*> out.data
    return 0

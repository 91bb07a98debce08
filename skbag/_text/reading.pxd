"""Reading: features that are known are counted, and nothing changes."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

from skbag._core.prefetch cimport prefetch
from skbag._text.bag_writer cimport BagWriter, write_bag
from skbag._text.documents cimport Documents, check_documents
from skbag._text.hash_tables cimport (
    StringTable,
    find_key,
    find_string,
    string_place,
)
from skbag._text.long_ngrams cimport read_long_ngrams, set_ngrams
from skbag._text.scanner cimport Token
from skbag._text.vocabulary cimport Scratch, Vocabulary
from skbag._text.vocabulary_lookups cimport (
    AHEAD,
    FIRST,
    LAST,
    NONE,
    PREFIX,
    SKIP,
    SUBWORD,
    SUFFIX,
    TOKEN,
    feature_in_role,
    find_any,
    pair_key,
    prefetch_pair,
    put_known,
    read_pair,
    set_token_keys,
)
from skbag._text.words cimport affix_of, mark_word


cdef inline int find_words(
    Vocabulary self, Documents documents, Scratch* scratch
) except -1 nogil:
    """Find the strings of the tokens of a block, -1 for those that are not known."""
    set_token_keys(self, scratch)
    cdef const Token* tokens = <const Token*> scratch.block.tokens.data
    cdef int64_t n = scratch.block.tokens.size // <int64_t> sizeof(Token)
    cdef const uint8_t* data = <const uint8_t*> scratch.block.bytes.data
    cdef const uint64_t* keys = <const uint64_t*> scratch.block.keys.data
    cdef int32_t* words = <int32_t*> scratch.words.data
    cdef const StringTable* table = &self.strings
    cdef int64_t i, j
    if self.n_fingerprint_bits:
        for i in range(n):
            words[i] = find_key(&self.fingerprints, keys[i])
        return 0
    for i in range(n):
        j = i + AHEAD
        if j < n:
            prefetch(&table.slots[string_place(table, keys[j], tokens[j].length)])
        check_documents(documents, i)
        words[i] = find_string(table, data + tokens[i].start, tokens[i].length, keys[i])
        if words[i] >= self.n_strings:
            # Learning has failed before there was room for it.
            words[i] = NONE
    return 0


cdef inline int _read_subwords(
    Vocabulary self, Scratch* scratch, int32_t word, const uint8_t* data, int64_t length
) except -1 nogil:
    cdef const int32_t* parts
    cdef const uint8_t* marked
    cdef const int64_t* characters
    cdef int64_t start, n, size, i
    cdef int32_t k
    if word >= 0 and not self.n_fingerprint_bits:
        start = (<const int64_t*> self.subword_starts.data)[word]
        if start < NONE and self.n_strings_completed == self.n_strings:
            start = NONE - 1 - start
        if start >= 0:
            parts = <const int32_t*> self.subwords.data + start
            for k in range((<const int32_t*> self.subword_counts.data)[word]):
                put_known(&scratch.writer, feature_in_role(self, parts[k], SUBWORD))
            return 0
    n = mark_word(&scratch.marked, data, length)
    marked = <const uint8_t*> scratch.marked.bytes.data
    characters = <const int64_t*> scratch.marked.characters.data
    for size in range(self.shortest_subword, min(self.longest_subword, n - 1) + 1):
        for i in range(n - size + 1):
            k = find_any(
                self, marked + characters[i], characters[i + size] - characters[i]
            )
            put_known(&scratch.writer, feature_in_role(self, k, SUBWORD))
    return 0


cdef inline int _read_parts(
    Vocabulary self, Scratch* scratch, int32_t word, const Token* token
) except -1 nogil:
    """Count the known affixes and subwords of a token."""
    cdef const uint8_t* data = <const uint8_t*> scratch.block.bytes.data + token.start
    cdef const int32_t* parts = NULL
    cdef BagWriter* writer = &scratch.writer
    cdef bint are_all_found = self.n_strings_completed == self.n_strings
    cdef int64_t start, stop
    cdef int column
    cdef int32_t part
    if self.affix_rule.n:
        if word >= 0 and not self.n_fingerprint_bits:
            parts = <const int32_t*> self.affixes.data + word * <int64_t> self.affix_rule.n
        for column in range(self.affix_rule.n):
            part = parts[column] if parts != NULL else NONE - 1
            if part < NONE and not (parts != NULL and are_all_found):
                if affix_of(&self.affix_rule, column, data, token.length, &start, &stop):
                    part = find_any(self, data + start, stop - start)
            if part >= 0:
                put_known(
                    writer,
                    feature_in_role(self, part, PREFIX if column < self.affix_rule.n_prefixes else SUFFIX),
                )
    if self.shortest_subword:
        _read_subwords(self, scratch, word, data, token.length)
    return 0


cdef inline int read_block(
    Vocabulary self, Documents documents, Scratch* scratch
) except -1 nogil:
    """Count the known features of the documents of a block."""
    cdef const int32_t* words = <const int32_t*> scratch.words.data
    cdef const Token* tokens = <const Token*> scratch.block.tokens.data
    cdef const int64_t* ends = <const int64_t*> scratch.block.ends.data
    cdef int64_t n_texts = scratch.block.ends.size // <int64_t> sizeof(int64_t)
    cdef int64_t n_words = scratch.words.size // <int64_t> sizeof(int32_t)
    cdef BagWriter* writer = &scratch.writer
    cdef bint has_bigrams = self.shortest <= 2 <= self.longest
    cdef int64_t text, first, i = 0, j
    cdef int k
    for text in range(n_texts):
        first = i
        while i < ends[text]:
            check_documents(documents, i)
            if i + AHEAD < n_words:
                j = i + AHEAD
                if has_bigrams:
                    prefetch_pair(self, pair_key(words[j - 1], words[j]))
                for k in range(self.n_skips):
                    if j >= self.skips[k]:
                        prefetch_pair(
                            self, pair_key(words[j - self.skips[k]] | SKIP, words[j])
                        )
            if self.has_words:
                put_known(writer, feature_in_role(self, words[i], TOKEN))
            if self.affix_rule.n or self.shortest_subword:
                _read_parts(self, scratch, words[i], &tokens[i])
            if has_bigrams and i > first:
                read_pair(self, writer, words[i - 1], words[i], 0)
            if self.longest > 2:
                set_ngrams(self, scratch, i - first, i, False)
                read_long_ngrams(self, scratch, i - first, i)
            for k in range(self.n_skips):
                j = i - self.skips[k]
                if j >= first:
                    read_pair(self, writer, words[j], words[i], SKIP)
            i += 1
        if self.has_edges and i > first:
            put_known(writer, feature_in_role(self, words[first], FIRST))
            put_known(writer, feature_in_role(self, words[i - 1], LAST))
        write_bag(writer)
    return 0

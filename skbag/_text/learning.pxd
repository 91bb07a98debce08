"""Learning: new strings and features get the next ids."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

from skbag._core.buffers cimport push_int32
from skbag._core.prefetch cimport prefetch
from skbag._text.bag_writer cimport BagWriter, write_bag
from skbag._text.documents cimport Documents, check_documents
from skbag._text.hash_tables cimport (
    StringTable,
    add_string,
    string_key,
    string_place,
)
from skbag._text.long_ngrams cimport learn_long_ngrams, set_ngrams
from skbag._text.parts_of_words cimport note_subwords
from skbag._text.scanner cimport Token
from skbag._text.vocabulary cimport Scratch, Vocabulary
from skbag._text.vocabulary_lookups cimport (
    AHEAD,
    FIRST,
    FIRST_ROLE,
    LAST,
    NONE,
    PREFIX,
    SKIP,
    SUBWORD,
    SUFFIX,
    TOKEN,
    add_pair,
    new_feature,
    pair_key,
    prefetch_pair,
    roles_of,
    set_token_keys,
)
from skbag._text.words cimport affix_of


cdef inline int _add_parts(
    Vocabulary self, Scratch* scratch, int32_t word, const uint8_t* data, int64_t length
) except -1 nogil:
    """Give the affixes and subwords of a word ids, if it is met for the first time."""
    cdef int column
    cdef int64_t start, stop, place = <int64_t> word * self.affix_rule.n
    cdef int32_t part
    if self.affix_rule.n:
        for column in range(self.affix_rule.n):
            # Each by itself: a selection has some of the affixes of a word.
            if (<int32_t*> self.affixes.data)[place + column] >= NONE:
                continue
            part = NONE
            if affix_of(&self.affix_rule, column, data, length, &start, &stop):
                part = add_string(
                    &self.strings,
                    data + start,
                    stop - start,
                    string_key(&self.strings, data + start, stop - start),
                )
            # Growing moves the array.
            self._grow()
            (<int32_t*> self.affixes.data)[place + column] = part
    if self.shortest_subword and (<int64_t*> self.subword_starts.data)[word] < 0:
        note_subwords(self, scratch, word, data, length, True)
    return 0


cdef inline int add_words(
    Vocabulary self, Documents documents, Scratch* scratch
) except -1 nogil:
    """Find the strings of the tokens of a block; new ones get the next ids."""
    set_token_keys(self, scratch)
    cdef const Token* tokens = <const Token*> scratch.block.tokens.data
    cdef int64_t n = scratch.block.tokens.size // <int64_t> sizeof(Token)
    cdef const uint8_t* data = <const uint8_t*> scratch.block.bytes.data
    cdef const uint64_t* keys = <const uint64_t*> scratch.block.keys.data
    cdef int32_t* words = <int32_t*> scratch.words.data
    cdef StringTable* table = &self.strings
    cdef bint has_parts = self.affix_rule.n or self.shortest_subword
    cdef const int64_t* ends = <const int64_t*> scratch.block.ends.data
    cdef int64_t i, j, text = 0, first = 0
    for i in range(n):
        j = i + AHEAD
        if j < n:
            prefetch(&table.slots[string_place(table, keys[j], tokens[j].length)])
        check_documents(documents, i)
        words[i] = add_string(table, data + tokens[i].start, tokens[i].length, keys[i])
        if has_parts:
            if table.n > self.n_strings:
                self._grow()
            _add_parts(self, scratch, words[i], data + tokens[i].start, tokens[i].length)
        if self.longest > 2:
            while ends[text] <= i:
                first = ends[text]
                text += 1
            set_ngrams(self, scratch, i - first, i, True)
    return self._grow()


cdef inline int _learn_role(
    Vocabulary self, BagWriter* writer, int64_t string, int role
) except -1 nogil:
    cdef int32_t* in_role = roles_of(self, string) + role
    if in_role[0] < 0:
        in_role[0] = new_feature(self, (FIRST_ROLE + role) << 32 | <uint64_t> string)
    return push_int32(&writer.occurrences, in_role[0])


cdef inline int _learn_parts(Vocabulary self, BagWriter* writer, int64_t word) except -1 nogil:
    cdef const int32_t* parts
    cdef int64_t start
    cdef int column
    if self.affix_rule.n:
        parts = <const int32_t*> self.affixes.data + word * self.affix_rule.n
        for column in range(self.affix_rule.n):
            if parts[column] >= 0:
                _learn_role(
                    self,
                    writer,
                    parts[column],
                    PREFIX if column < self.affix_rule.n_prefixes else SUFFIX,
                )
    if self.shortest_subword:
        start = (<const int64_t*> self.subword_starts.data)[word]
        parts = <const int32_t*> self.subwords.data + start
        for column in range((<const int32_t*> self.subword_counts.data)[word]):
            _learn_role(self, writer, parts[column], SUBWORD)
    return 0


cdef inline int learn_block(
    Vocabulary self, Documents documents, Scratch* scratch
) except -1 nogil:
    """Count the features of the documents of a block; new ones get the next ids."""
    cdef const int32_t* words = <const int32_t*> scratch.words.data
    cdef const int64_t* ends = <const int64_t*> scratch.block.ends.data
    cdef int64_t n_texts = scratch.block.ends.size // <int64_t> sizeof(int64_t)
    cdef int64_t n_words = scratch.words.size // <int64_t> sizeof(int32_t)
    cdef BagWriter* writer = &scratch.writer
    cdef bint has_bigrams = self.shortest <= 2 <= self.longest
    cdef int64_t text, first, i = 0, j
    cdef int k
    cdef int32_t word
    for text in range(n_texts):
        first = i
        while i < ends[text]:
            check_documents(documents, i)
            word = words[i]
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
                _learn_role(self, writer, word, TOKEN)
            if self.affix_rule.n or self.shortest_subword:
                _learn_parts(self, writer, word)
            if has_bigrams and i > first:
                push_int32(
                    &writer.occurrences, add_pair(self, pair_key(words[i - 1], word))
                )
            if self.longest > 2:
                learn_long_ngrams(self, scratch, i - first, i)
            for k in range(self.n_skips):
                j = i - self.skips[k]
                if j >= first:
                    push_int32(
                        &writer.occurrences,
                        add_pair(self, pair_key(words[j] | SKIP, word)),
                    )
            i += 1
        if self.has_edges and i > first:
            _learn_role(self, writer, words[first], FIRST)
            _learn_role(self, writer, words[i - 1], LAST)
        write_bag(writer)
    return 0

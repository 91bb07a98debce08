"""Affixes and subwords of strings, as strings: found once for each."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from skbag._core.buffers cimport push_int32
from skbag._text.hash_tables cimport add_string, string_at, string_key, string_length
from skbag._text.vocabulary cimport Scratch, Vocabulary
from skbag._text.vocabulary_lookups cimport NONE, TOKEN, feature_in_role, find_any
from skbag._text.words cimport affix_of, mark_word


cdef inline int note_subwords(
    Vocabulary self,
    Scratch* scratch,
    int64_t word,
    const uint8_t* data,
    int64_t length,
    bint adds,
) except -1 nogil:
    """List the subwords of a string that are strings, or are made so."""
    cdef int64_t n = mark_word(&scratch.marked, data, length)
    cdef const uint8_t* marked = <const uint8_t*> scratch.marked.bytes.data
    cdef const int64_t* characters = <const int64_t*> scratch.marked.characters.data
    cdef int64_t first = self.subwords.size // <int64_t> sizeof(int32_t)
    cdef int64_t size, i, length_of_part
    cdef const uint8_t* start
    cdef int32_t part
    for size in range(self.shortest_subword, min(self.longest_subword, n - 1) + 1):
        for i in range(n - size + 1):
            start = marked + characters[i]
            length_of_part = characters[i + size] - characters[i]
            if adds:
                part = add_string(
                    &self.strings,
                    start,
                    length_of_part,
                    string_key(&self.strings, start, length_of_part),
                )
            else:
                part = find_any(self, start, length_of_part)
            if part >= 0:
                push_int32(&self.subwords, part)
    if adds:
        self._grow()
    # Those found now hold as long as there are no more strings: see `_read_subwords`.
    (<int64_t*> self.subword_starts.data)[word] = first if adds else NONE - 1 - first
    (<int32_t*> self.subword_counts.data)[word] = <int32_t> (
        self.subwords.size // <int64_t> sizeof(int32_t) - first
    )
    return 0


cdef inline int complete_string(
    Vocabulary self, Scratch* scratch, int64_t string
) except -1 nogil:
    """Find the parts of a string among the strings; those that are none leave -2."""
    cdef const uint8_t* data = string_at(&self.strings, string)
    cdef int64_t length = string_length(&self.strings, string)
    cdef int32_t* parts
    cdef int64_t start, stop
    cdef int column
    if self.affix_rule.n:
        parts = <int32_t*> self.affixes.data + string * self.affix_rule.n
        for column in range(self.affix_rule.n):
            if parts[column] >= NONE:
                continue
            if not affix_of(&self.affix_rule, column, data, length, &start, &stop):
                parts[column] = NONE
                continue
            parts[column] = find_any(self, data + start, stop - start)
            if parts[column] < 0:
                parts[column] = NONE - 1
    if self.shortest_subword and feature_in_role(self, string, TOKEN) >= 0:
        if (<int64_t*> self.subword_starts.data)[string] < 0:
            note_subwords(self, scratch, string, data, length, False)
    return 0

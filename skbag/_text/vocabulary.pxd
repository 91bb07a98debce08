"""Strings and features of the default tokens, with their ids: see `vocabulary`."""

from libc.stdint cimport int64_t

from skbag._core.buffers cimport Buffer
from skbag._text.bag_writer cimport BagWriter
from skbag._text.documents cimport Block, Documents, TokenClasses
from skbag._text.hash_tables cimport KeyTable, Secret, StringTable
from skbag._text.words cimport MOST_SKIPS, Affixes, MarkedWord


cdef struct Scratch:
    Block block
    BagWriter writer
    Buffer words  # int32: the string of each token
    Buffer before  # int32: of each token the n-grams of 1, 2, ... tokens that end in it
    int64_t width  # how many of each token
    MarkedWord marked  # or an n-gram as a string


cdef class Vocabulary:
    cdef readonly object options
    cdef TokenClasses classes
    cdef bint has_words
    cdef int shortest
    cdef int longest
    cdef bint has_edges
    cdef Affixes affix_rule
    cdef int n_skips
    cdef int skips[MOST_SKIPS]
    cdef int shortest_subword  # 0 where there are no subwords
    cdef int longest_subword
    cdef int n_roles
    cdef int n_fingerprint_bits  # 0 where the strings themselves are known

    cdef StringTable strings
    cdef StringTable stop_words
    cdef KeyTable fingerprints
    cdef int64_t n_strings
    cdef KeyTable pairs
    cdef KeyTable beginnings
    cdef Buffer keys
    cdef int64_t n_features
    # By string: its feature in each role; its affixes; where its subwords are.
    cdef Buffer in_role
    cdef Buffer affixes
    cdef Buffer subword_starts
    cdef Buffer subword_counts
    cdef Buffer subwords
    cdef int64_t n_strings_completed

    cdef int64_t n_readers
    cdef bint is_writing

    cdef int _start_reading(self) except -1
    cdef int _start_writing(self) except -1
    cdef int _grow(self) except -1 nogil
    cdef object _count(self, Documents documents, Scratch* scratch, bint learns)


cdef Secret process_secret() noexcept


cdef int64_t add_bytes(StringTable* table, bytes string) except -1


cdef object arrays_of(BagWriter* writer)

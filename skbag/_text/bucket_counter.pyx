"""Counting the features of the default tokens in buckets: see `buckets`.

There is no table: the bucket of a feature is computed from the hashes of its tokens.
"""

import numpy as np

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.string cimport memset

from skbag._core.buffers cimport push_int32, reserve
from skbag._text.bag_writer cimport BagWriter, free_writer, write_bag
from skbag._text.documents cimport (
    Block,
    Documents,
    TokenClasses,
    check_documents,
    free_block,
    scan_block,
)
from skbag._text.hash_tables cimport (
    StringTable,
    free_strings,
    init_strings,
)
from skbag._text.hashing cimport hash_bytes, mix
from skbag._text.scanner cimport Token
from skbag._text.vocabulary cimport add_bytes, arrays_of, process_secret
from skbag._text.words cimport (
    MOST,
    MOST_SKIPS,
    Affixes,
    MarkedWord,
    affix_of,
    free_marked,
    leave_out,
    mark_word,
)

cdef enum:
    # Those of `FeatureKind` and `Role`; a test holds them equal.
    TERM = 0
    NGRAM = 1
    EDGE = 2
    AFFIX = 3
    SKIP = 4
    SUBWORD = 5
    N_KINDS = 6
    FIRST = 1
    LAST = 2
    PREFIX = 3
    SUFFIX = 4

cdef uint64_t ROLE_FACTOR = 0x94D049BB133111EB


cdef struct Scratch:
    Block block
    BagWriter writer
    MarkedWord marked


cdef class BucketCounter:
    """Counts features by their buckets.

    Parameters
    ----------
    options : VocabularyOptions
        Which features of which tokens.
    classes : TokenClasses
        Of the characters, by its token rule.
    ranges : dict of FeatureKind to (first, size)
        Buckets of each kind of feature.
    """

    cdef TokenClasses classes
    cdef int shortest
    cdef int longest
    cdef bint has_edges
    cdef Affixes affixes
    cdef int n_skips
    cdef int skips[MOST_SKIPS]
    cdef int shortest_subword
    cdef int longest_subword
    cdef StringTable stop_words
    cdef uint64_t first_bucket[N_KINDS]
    cdef uint64_t n_buckets[N_KINDS]

    def __cinit__(self, options, TokenClasses classes, dict ranges):
        rule = options.tokens
        self.classes = classes
        # No text has as many tokens.
        self.shortest, self.longest = (min(n, MOST) for n in options.ngram_range)
        self.has_edges = options.short_text_features
        if self.has_edges:
            lengths = (*rule.prefix_lengths, *rule.suffix_lengths)
            self.affixes.n_prefixes = len(rule.prefix_lengths)
            self.affixes.n = len(lengths)
            self.n_skips = len(rule.skip_distances)
            for i, length in enumerate(lengths):
                self.affixes.lengths[i] = length
            for i, distance in enumerate(rule.skip_distances):
                self.skips[i] = distance
        if options.subword_ngram_range is not None:
            self.shortest_subword, self.longest_subword = (
                min(n, MOST) for n in options.subword_ngram_range
            )
        for kind, (first, size) in ranges.items():
            self.first_bucket[kind] = first
            self.n_buckets[kind] = size
        init_strings(&self.stop_words, process_secret())
        for word in options.left_out:
            add_bytes(&self.stop_words, word.encode("utf-8", "surrogatepass"))

    def __dealloc__(self):
        free_strings(&self.stop_words)

    def count(self, Documents documents, const uint8_t[::1] is_met, bint in_order):
        """Count the features of documents, in all buckets or in those met.

        Parameters
        ----------
        documents : Documents
        is_met : buffer of n_buckets bytes, or None
        in_order : bool
            Whether ids of a bag are to ascend and counts to be float32; else ids are
            in the order in which they first occur, and counts bytes where those hold
            them.

        Returns
        -------
        ids : ndarray of shape (nnz,), dtype=int32
        offsets : ndarray of shape (n_documents + 1,), dtype=int64
        counts : ndarray of shape (nnz,), dtype=uint8 or float32
        """
        cdef Scratch scratch
        cdef int64_t n_texts
        cdef const uint8_t* met = NULL if is_met is None else &is_met[0]
        memset(&scratch, 0, sizeof(Scratch))
        try:
            scratch.writer.factor = process_secret().first
            scratch.writer.in_order = in_order
            scratch.writer.id_bits = 31
            write_bag(&scratch.writer)
            while True:
                n_texts = documents.read_block()
                if not n_texts:
                    return arrays_of(&scratch.writer)
                scan_block(self.classes, documents, n_texts, &scratch.block)
                with nogil:
                    if self.stop_words.n:
                        leave_out(&self.stop_words, &scratch.block)
                    _count_block(self, documents, &scratch, met)
        finally:
            free_block(&scratch.block)
            free_writer(&scratch.writer)
            free_marked(&scratch.marked)


cdef inline int _put(
    BucketCounter self, BagWriter* writer, int kind, uint64_t key, const uint8_t* is_met
) except -1 nogil:
    """Count a feature."""
    cdef uint64_t mixed = mix(key) * ROLE_FACTOR >> 32
    cdef uint64_t bucket = self.first_bucket[kind] + (
        mixed * self.n_buckets[kind] >> 32
    )
    if is_met == NULL or is_met[bucket]:
        push_int32(&writer.occurrences, <int32_t> bucket)
    return 0


cdef int _count_block(
    BucketCounter self, Documents documents, Scratch* scratch, const uint8_t* is_met
) except -1 nogil:
    cdef const Token* tokens = <const Token*> scratch.block.tokens.data
    cdef int64_t n = scratch.block.tokens.size // <int64_t> sizeof(Token)
    cdef const uint8_t* data = <const uint8_t*> scratch.block.bytes.data
    cdef const int64_t* ends = <const int64_t*> scratch.block.ends.data
    cdef int64_t n_texts = scratch.block.ends.size // <int64_t> sizeof(int64_t)
    cdef BagWriter* writer = &scratch.writer
    cdef uint64_t* hashes
    cdef uint64_t key
    cdef int64_t text, first, i = 0, j
    cdef int k, size
    reserve(&scratch.block.keys, n * sizeof(uint64_t))
    hashes = <uint64_t*> scratch.block.keys.data
    for i in range(n):
        hashes[i] = hash_bytes(data + tokens[i].start, tokens[i].length)
    i = 0
    for text in range(n_texts):
        first = i
        while i < ends[text]:
            check_documents(documents, i)
            if self.shortest == 1:
                _put(self, writer, TERM, hashes[i], is_met)
            for size in range(max(self.shortest, 2), self.longest + 1):
                if i - first < size - 1:
                    break
                key = hashes[i - size + 1]
                for j in range(i - size + 2, i + 1):
                    key = mix(key) + hashes[j]
                _put(self, writer, NGRAM, key, is_met)
            for k in range(self.n_skips):
                j = i - self.skips[k]
                if j >= first:
                    key = mix(hashes[j]) + hashes[i]
                    _put(self, writer, SKIP, key, is_met)
            if self.affixes.n or self.shortest_subword:
                _count_parts(
                    self, scratch, data + tokens[i].start, tokens[i].length, is_met
                )
            i += 1
        if self.has_edges and i > first:
            _put(self, writer, EDGE, hashes[first] + FIRST * ROLE_FACTOR, is_met)
            _put(self, writer, EDGE, hashes[i - 1] + LAST * ROLE_FACTOR, is_met)
        write_bag(writer)
    return 0


cdef int _count_parts(
    BucketCounter self,
    Scratch* scratch,
    const uint8_t* data,
    int64_t length,
    const uint8_t* is_met,
) except -1 nogil:
    """Count the affixes and subwords of a token."""
    cdef int64_t start, stop, n, size, i
    cdef const uint8_t* marked
    cdef const int64_t* characters
    cdef uint64_t role
    cdef int column
    for column in range(self.affixes.n):
        if affix_of(&self.affixes, column, data, length, &start, &stop):
            role = PREFIX if column < self.affixes.n_prefixes else SUFFIX
            _put(
                self,
                &scratch.writer,
                AFFIX,
                hash_bytes(data + start, stop - start) + role * ROLE_FACTOR,
                is_met,
            )
    if self.shortest_subword:
        n = mark_word(&scratch.marked, data, length)
        marked = <const uint8_t*> scratch.marked.bytes.data
        characters = <const int64_t*> scratch.marked.characters.data
        for size in range(self.shortest_subword, min(self.longest_subword, n - 1) + 1):
            for i in range(n - size + 1):
                start, stop = characters[i], characters[i + size]
                _put(
                    self,
                    &scratch.writer,
                    SUBWORD,
                    hash_bytes(marked + start, stop - start),
                    is_met,
                )
    return 0

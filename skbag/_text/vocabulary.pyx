"""Strings and features of the default tokens, with their ids.

A token is looked up once, as a *string* that has an id. A feature is a key of 64 bits
(see `feature_keys`): a pair of strings, or a string in a role. Features of one string
are found by its id, without a hash; pairs in a hash table. Keys are exact, so that two
features are never taken for one, and a key gives the name.

An n-gram of three tokens or more is the pair of the n-gram before its last token, which
is a string as well ("to be" in "to be or"), and its last token.

New strings and features are numbered in the order in which they first occur: document
by document, token by token, and of each token it, its affixes, its subwords, the
n-grams that end in it, and its skip pairs; then the first and last of the document.
"""

import os
import time

import numpy as np

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.string cimport memcpy, memset

from skbag._core.buffers cimport fill_up, release, reserve, take_array
from skbag._core.prefetch cimport prefetch
from skbag._text.bag_writer cimport BagWriter, free_writer, write_bag
from skbag._text.documents cimport (
    Documents,
    TokenClasses,
    check_signals,
    free_block,
    scan_block,
)
from skbag._text.hash_tables cimport (
    Secret,
    StringTable,
    add_string,
    count_key_probes,
    count_string_probes,
    find_key,
    free_keys,
    free_strings,
    init_keys,
    init_strings,
    key_place,
    put_key,
    resize_keys,
    string_at,
    string_key,
    string_length,
)
from skbag._text.learning cimport add_words, learn_block
from skbag._text.parts_of_words cimport complete_string
from skbag._text.reading cimport find_words, read_block
from skbag._text.vocabulary_lookups cimport (
    AHEAD,
    FIRST_ROLE,
    LOW_HALF,
    N_ROLES,
    NONE,
    SKIP,
    feature_in_role,
    find_any,
    roles_of,
)
from skbag._text.vocabulary_merging cimport (
    absorb_features,
    absorb_strings,
    copy_strings,
    mark_strings,
    translated,
)
from skbag._text.words cimport (
    MOST,
    MOST_AFFIXES,
    MOST_SKIPS,
    free_marked,
    leave_out,
)


cdef enum:
    NGRAM_KIND = 1
    SKIP_KIND = 4

# `FeatureKind` of each `Role`; a test holds them equal.
cdef uint8_t[N_ROLES] KIND_OF_ROLE = [0, 2, 2, 3, 3, 5]

cdef Secret SECRET
SECRET.first = int.from_bytes(os.urandom(8), "little") | 1
SECRET.second = int.from_bytes(os.urandom(8), "little") | 1


cdef void free_scratch(Scratch* scratch) noexcept nogil:
    free_block(&scratch.block)
    free_writer(&scratch.writer)
    release(&scratch.words)
    release(&scratch.before)
    free_marked(&scratch.marked)


class NotLatest(Exception):
    """A vocabulary holds more than the caller knows, so that it cannot learn there."""


cdef class Vocabulary:
    """Strings, features and their ids; learns and counts.

    Parameters
    ----------
    options : VocabularyOptions
        Which features of which tokens.
    classes : TokenClasses
        Of the characters, by its token rule.
    """

    def __cinit__(self, options, TokenClasses classes):
        rule = options.tokens
        self.options = options
        self.classes = classes
        # No text has as many tokens.
        self.shortest, self.longest = (min(n, MOST) for n in options.ngram_range)
        self.has_words = self.shortest == 1
        self.has_edges = options.short_text_features
        if self.has_edges:
            lengths = (*rule.prefix_lengths, *rule.suffix_lengths)
            if len(lengths) > MOST_AFFIXES or len(rule.skip_distances) > MOST_SKIPS:
                raise ValueError(
                    f"a token rule has at most {MOST_AFFIXES} affixes and {MOST_SKIPS} "
                    f"distances of skip pairs, got {len(lengths)} and "
                    f"{len(rule.skip_distances)}"
                )
            self.affix_rule.n_prefixes = len(rule.prefix_lengths)
            self.affix_rule.n = len(lengths)
            self.n_skips = len(rule.skip_distances)
            for i, length in enumerate(lengths):
                self.affix_rule.lengths[i] = length
            for i, distance in enumerate(rule.skip_distances):
                self.skips[i] = distance
        if options.subword_ngram_range is not None:
            self.shortest_subword, self.longest_subword = (
                min(n, MOST) for n in options.subword_ngram_range
            )
        has_roles = self.has_edges or self.shortest_subword
        self.n_roles = N_ROLES if has_roles else 1
        init_strings(&self.strings, SECRET)
        init_strings(&self.stop_words, SECRET)
        init_keys(&self.fingerprints, SECRET)
        init_keys(&self.pairs, SECRET)
        init_keys(&self.beginnings, SECRET)
        for word in options.left_out:
            data = word.encode("utf-8", "surrogatepass")
            add_bytes(&self.stop_words, data)

    def __dealloc__(self):
        free_strings(&self.strings)
        free_strings(&self.stop_words)
        free_keys(&self.fingerprints)
        free_keys(&self.pairs)
        free_keys(&self.beginnings)
        release(&self.keys)
        release(&self.in_role)
        release(&self.affixes)
        release(&self.subword_starts)
        release(&self.subword_counts)
        release(&self.subwords)

    # -- one thread learns, or many read -----------------------------------------------

    cdef int _start_reading(self) except -1:
        while self.is_writing:
            time.sleep(0.0002)
        self.n_readers += 1
        return 0

    cdef int _start_writing(self) except -1:
        while self.is_writing:
            time.sleep(0.0002)
        self.is_writing = True
        try:
            while self.n_readers:
                time.sleep(0.0002)
        except BaseException:
            self.is_writing = False
            raise
        return 0

    # -- what it holds -----------------------------------------------------------------

    def __len__(self):
        """Return the number of features."""
        return self.n_features

    @property
    def n_known_strings(self):
        """Number of strings that have ids."""
        return self.strings.n

    def lines(self, int64_t n_strings):
        """Return the first strings, each followed by a newline, as an array of bytes."""
        cdef int64_t end
        self._start_reading()
        try:
            end = (<int64_t*> self.strings.starts.data)[n_strings]
            return _copy(self.strings.lines.data, end, np.uint8)
        finally:
            self.n_readers -= 1

    def feature_keys(self, int64_t n_features):
        """Return the keys of the first features, of shape (n_features,)."""
        self._start_reading()
        try:
            return _copy(self.keys.data, 8 * n_features, np.uint64)
        finally:
            self.n_readers -= 1

    def feature_kinds(self, int64_t first, int64_t stop):
        """Return the `FeatureKind` of the features from `first` to `stop`."""
        kinds = np.empty(stop - first, dtype=np.uint8)
        cdef uint8_t[::1] out = kinds
        cdef const uint64_t* keys
        cdef uint64_t left
        cdef int64_t i
        self._start_reading()
        try:
            keys = <const uint64_t*> self.keys.data
            with nogil:
                for i in range(first, stop):
                    left = keys[i] >> 32
                    if left >= FIRST_ROLE:
                        out[i - first] = KIND_OF_ROLE[left - FIRST_ROLE]
                    else:
                        out[i - first] = NGRAM_KIND if left < SKIP else SKIP_KIND
        finally:
            self.n_readers -= 1
        return kinds

    def mean_probes(self):
        """Slots that are looked at to find a string, and a pair, on average.

        One at best; few more whatever the strings are, as places are secret.
        """
        self._start_reading()
        try:
            return (
                <double> count_string_probes(&self.strings) / max(self.strings.n, 1),
                <double> count_key_probes(&self.pairs) / max(self.pairs.n, 1),
            )
        finally:
            self.n_readers -= 1

    def find_string(self, bytes string):
        """Id of a string, -1 if it has none."""
        cdef bytes padded = string + bytes(16)
        self._start_reading()
        try:
            return find_any(self, <const uint8_t*> padded, len(string))
        finally:
            self.n_readers -= 1

    def find_feature(self, uint64_t key):
        """Id of the feature of a key, -1 if it has none."""
        cdef uint64_t left = key >> 32, right = key & LOW_HALF
        self._start_reading()
        try:
            if left < FIRST_ROLE:
                return find_key(&self.pairs, key)
            if left - FIRST_ROLE >= <uint64_t> self.n_roles:
                return NONE
            return feature_in_role(self, <int64_t> right, <int> (left - FIRST_ROLE))
        finally:
            self.n_readers -= 1

    # -- learning ----------------------------------------------------------------------

    def learn(self, Documents documents, int64_t n_features, int64_t n_strings):
        """Count the features of documents; new ones get the next ids.

        Parameters
        ----------
        documents : Documents
        n_features, n_strings : int
            How many the caller knows.

        Returns
        -------
        ids : ndarray of shape (nnz,), dtype=int32
            Of a document in the order in which they first occur.
        offsets : ndarray of shape (n_documents + 1,), dtype=int64
        counts : ndarray of shape (nnz,), dtype=uint8, or float32 if some are too large

        Raises
        ------
        NotLatest
            If there are more by now.
        """
        cdef Scratch scratch
        memset(&scratch, 0, sizeof(Scratch))
        scratch.writer.factor = SECRET.first
        self._start_writing()
        try:
            self._check_latest(n_features, n_strings)
            return self._count(documents, &scratch, True)
        finally:
            free_scratch(&scratch)
            self.is_writing = False

    def encode(self, Documents documents, int64_t n_features):
        """Count the features of documents that are among the first `n_features`.

        Returns
        -------
        ids : ndarray of shape (nnz,), dtype=int32
            Of a document ascending.
        offsets : ndarray of shape (n_documents + 1,), dtype=int64
        counts : ndarray of shape (nnz,), dtype=float32
        """
        cdef Scratch scratch
        memset(&scratch, 0, sizeof(Scratch))
        self._start_reading()
        try:
            scratch.writer.factor = SECRET.first
            scratch.writer.in_order = True
            scratch.writer.id_bits = int(self.n_features).bit_length()
            ids, offsets, counts = self._count(documents, &scratch, False)
        finally:
            free_scratch(&scratch)
            self.n_readers -= 1
        if n_features < self.n_features:
            return _without_later(ids, offsets, counts, n_features)
        return ids, offsets, counts

    cdef object _count(self, Documents documents, Scratch* scratch, bint learns):
        cdef int64_t n_texts
        cdef BagWriter* writer = &scratch.writer
        reserve(&writer.offsets, 8 * (documents.n_documents + 1))
        write_bag(writer)
        while True:
            n_texts = documents.read_block()
            if not n_texts:
                break
            scan_block(self.classes, documents, n_texts, &scratch.block)
            with nogil:
                if self.stop_words.n:
                    leave_out(&self.stop_words, &scratch.block)
                if learns:
                    add_words(self, documents, scratch)
                    learn_block(self, documents, scratch)
                else:
                    find_words(self, documents, scratch)
                    read_block(self, documents, scratch)
        return arrays_of(writer)

    cdef int _grow(self) except -1 nogil:
        """Make room by string for those that are new."""
        cdef int64_t n = self.strings.n
        fill_up(&self.in_role, 4 * n * self.n_roles, 0xFF)
        if self.affix_rule.n:
            fill_up(&self.affixes, 4 * n * self.affix_rule.n, 0xFE)
        if self.shortest_subword:
            fill_up(&self.subword_starts, 8 * n, 0xFF)
            fill_up(&self.subword_counts, 4 * n, 0)
        # Once there is room.
        self.n_strings = n
        return 0

    def _check_latest(self, int64_t n_features, int64_t n_strings):
        if self.n_features != n_features or self.strings.n != n_strings:
            raise NotLatest("another thread has learnt more")

    def absorb(self, Vocabulary other, int64_t n_features, int64_t n_strings):
        """Know the features of another vocabulary with the same options, too.

        Parameters
        ----------
        other : Vocabulary
        n_features, n_strings : int
            How many of these here the caller knows.

        Returns
        -------
        ids : ndarray of shape (n_features of the other,), dtype=int32

        Raises
        ------
        NotLatest
            If there are more by now.
        """
        strings = np.empty(other.strings.n, dtype=np.int32)
        ids = np.empty(other.n_features, dtype=np.int32)
        cdef int32_t[::1] strings_view = strings
        cdef int32_t[::1] ids_view = ids
        self._start_writing()
        try:
            self._check_latest(n_features, n_strings)
            if len(strings):
                with nogil:
                    absorb_strings(self, other, &strings_view[0])
            if len(ids):
                with nogil:
                    absorb_features(self, other, &strings_view[0], &ids_view[0])
        finally:
            self.is_writing = False
        return ids

    def selected(self, const int32_t[::1] ids):
        """Return a vocabulary whose feature ``i`` is this one's ``ids[i]``.

        Strings that none of them needs are left out; the others keep their order.
        """
        cdef Vocabulary new = Vocabulary(self.options, self.classes)
        keys = np.empty(len(ids), dtype=np.uint64)
        cdef int32_t[::1] strings_view
        cdef uint64_t[::1] keys_view = keys
        cdef int64_t i
        self._start_reading()
        try:
            strings = np.zeros(self.strings.n + 1, dtype=np.int32)
            strings_view = strings
            for i in range(len(ids)):
                check_signals(i)
                if not 0 <= ids[i] < self.n_features:
                    raise IndexError(
                        f"feature {ids[i]} of a vocabulary of {self.n_features}"
                    )
                keys_view[i] = (<const uint64_t*> self.keys.data)[ids[i]]
                mark_strings(keys_view[i], &strings_view[0])
            if self.longest > 2:
                self._mark_beginnings(strings)
            with nogil:
                copy_strings(self, new, &strings_view[0])
            for i in range(len(ids)):
                keys_view[i] = translated(keys_view[i], &strings_view[0])
        finally:
            self.n_readers -= 1
        new.set_features(keys)
        return new

    def _mark_beginnings(self, int32_t[::1] is_needed):
        """Mark the n-grams and tokens that n-grams which are needed are made of."""
        cdef uint64_t i
        made_of = {}
        for i in range(self.beginnings.mask + 1):
            if self.beginnings.slots[i].number:
                made_of[self.beginnings.slots[i].number - 1] = self.beginnings.slots[i].key
        # An n-gram comes after the shorter one that it begins with.
        for string in sorted(made_of, reverse=True):
            if is_needed[string]:
                is_needed[made_of[string] >> 32] = 1
                is_needed[made_of[string] & LOW_HALF] = 1

    # -- from and to what is stored ----------------------------------------------------

    def set_strings(self, const uint8_t[::1] lines):
        """Take over strings, each followed by a newline, into an empty vocabulary.

        Raises
        ------
        ValueError
            If two are the same.
        """
        cdef bytes padded = bytes(lines) + bytes(16)
        cdef const uint8_t* data = <const uint8_t*> padded
        cdef int64_t i, start = 0, n = len(lines), n_lines = 0
        with nogil:
            for i in range(n):
                check_signals(i)
                if data[i] == c"\n":
                    add_string(
                        &self.strings,
                        data + start,
                        i - start,
                        string_key(&self.strings, data + start, i - start),
                    )
                    start = i + 1
                    n_lines += 1
            self._grow()
        if n_lines != self.strings.n:
            raise ValueError("two strings or features are the same")

    def set_fingerprints(self, const uint64_t[::1] values, int n_bits):
        """Take over fingerprints of strings in place of these.

        Raises
        ------
        ValueError
            If two are the same.
        """
        cdef int64_t i
        for i in range(len(values)):
            if put_key(&self.fingerprints, values[i], <int32_t> i) != i:
                raise ValueError("two strings or features are the same")
        self.n_fingerprint_bits = n_bits
        self.n_strings = len(values)
        fill_up(&self.in_role, 4 * self.n_strings * self.n_roles, 0xFF)

    def set_features(self, const uint64_t[::1] keys):
        """Take over the keys of features, of strings that are there.

        Raises
        ------
        ValueError
            If two are the same.
        """
        cdef int64_t i, n = len(keys)
        cdef uint64_t left, right
        cdef int32_t* in_role
        cdef uint64_t n_pairs = 0, size = self.pairs.mask + 1
        reserve(&self.keys, 8 * n + 8)
        # Room at once: to grow again and again takes as long as to add them.
        for i in range(n):
            n_pairs += keys[i] >> 32 < FIRST_ROLE
        while 3 * (n_pairs + 1) > 2 * (size - 1):
            size *= 2
        if size > self.pairs.mask + 1:
            resize_keys(&self.pairs, size)
        for i in range(n):
            check_signals(i)
            left, right = keys[i] >> 32, keys[i] & LOW_HALF
            if left < FIRST_ROLE:
                if i + AHEAD < n:
                    prefetch(&self.pairs.slots[key_place(&self.pairs, keys[i + AHEAD])])
                if put_key(&self.pairs, keys[i], <int32_t> i) != i:
                    raise ValueError("two strings or features are the same")
            elif left - FIRST_ROLE < <uint64_t> self.n_roles:
                in_role = roles_of(self, <int64_t> right) + (left - FIRST_ROLE)
                if in_role[0] >= 0:
                    raise ValueError("two strings or features are the same")
                in_role[0] = <int32_t> i
            else:
                raise ValueError("features in roles that the options do not have")
            (<uint64_t*> self.keys.data)[i] = keys[i]
        self.keys.size = 8 * n
        self.n_features = n
        if self.longest > 2:
            self._set_beginnings()

    def _set_beginnings(self):
        """Find the n-grams among the strings: they are what longer ones begin with."""
        cdef int64_t i
        cdef int32_t left, right
        cdef bytes line
        for i in range(self.strings.n):
            line = string_at(&self.strings, i)[: string_length(&self.strings, i)]
            before, space, last = line.rpartition(b" ")
            if space:
                left, right = self.find_string(before), self.find_string(last)
                if left >= 0 and right >= 0:
                    put_key(&self.beginnings, <uint64_t> left << 32 | right, <int32_t> i)

    def complete(self):
        """Find the affixes and subwords of all strings, for reading.

        Those that are not strings here are left out; so this holds until more are.
        """
        cdef Scratch scratch
        cdef int64_t i
        # Where few strings have joined since, they are looked up as they are met.
        if 8 * (self.n_strings - self.n_strings_completed) <= self.n_strings_completed:
            return
        if self.n_fingerprint_bits:
            self.n_strings_completed = self.n_strings
            return
        memset(&scratch, 0, sizeof(Scratch))
        self._start_writing()
        try:
            if self.affix_rule.n or self.shortest_subword:
                with nogil:
                    for i in range(self.n_strings):
                        check_signals(i)
                        complete_string(self, &scratch, i)
            self.n_strings_completed = self.n_strings
        finally:
            free_scratch(&scratch)
            self.is_writing = False


cdef Secret process_secret() noexcept:
    return SECRET


cdef int64_t add_bytes(StringTable* table, bytes string) except -1:
    cdef bytes padded = string + bytes(16)
    cdef const uint8_t* data = <const uint8_t*> padded
    cdef int64_t length = len(string)
    return add_string(table, data, length, string_key(table, data, length))


cdef object _copy(const char* data, int64_t n_bytes, dtype):
    copy = np.empty(n_bytes, dtype=np.uint8)
    cdef uint8_t[::1] view = copy
    if n_bytes:
        memcpy(&view[0], data, <size_t> n_bytes)
    return copy.view(dtype)


cdef object arrays_of(BagWriter* writer):
    """Hand over ids, offsets and counts as numpy arrays."""
    large = take_array(&writer.large_counts, np.int64)
    counts = take_array(&writer.counts, np.float32 if writer.in_order else np.uint8)
    if len(large):
        counts = counts.astype(np.float32)
        counts[large[::2]] = large[1::2]
    return take_array(&writer.ids, np.int32), take_array(&writer.offsets, np.int64), counts


cdef object _without_later(ids, offsets, counts, n_features):
    stays = np.flatnonzero(ids < n_features)
    offsets = np.searchsorted(stays, offsets).astype(np.int64, copy=False)
    return ids[stays], offsets, counts[stays]








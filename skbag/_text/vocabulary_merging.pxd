"""Strings and features of one vocabulary in another: merging and selecting."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

from skbag._core.buffers cimport push_int32
from skbag._core.prefetch cimport prefetch
from skbag._text.documents cimport check_signals
from skbag._text.hash_tables cimport (
    add_string,
    put_key,
    resize_keys,
    string_at,
    string_key,
    string_length,
    string_place,
)
from skbag._text.vocabulary cimport Vocabulary
from skbag._text.vocabulary_lookups cimport (
    AHEAD,
    FIRST_ROLE,
    LOW_HALF,
    NONE,
    SKIP,
    add_pair,
    new_feature,
    prefetch_pair,
    roles_of,
)


cdef inline uint64_t translated(uint64_t key, const int32_t* strings) noexcept nogil:
    """Key with other ids of its strings."""
    cdef uint64_t left = key >> 32, right = <uint64_t> strings[key & LOW_HALF]
    if left >= FIRST_ROLE:
        return left << 32 | right
    return (<uint64_t> strings[left & ~SKIP] | left & SKIP) << 32 | right


cdef inline void mark_strings(uint64_t key, int32_t* is_needed) noexcept nogil:
    cdef uint64_t left = key >> 32
    is_needed[key & LOW_HALF] = 1
    if left < FIRST_ROLE:
        is_needed[left & ~SKIP] = 1


cdef inline int copy_strings(Vocabulary self, Vocabulary new, int32_t* ids) except -1 nogil:
    """Add the strings that are marked, and set what their ids become."""
    cdef int64_t i, k, n = self.strings.n
    cdef int64_t length
    cdef const uint8_t* data
    cdef int32_t* parts
    cdef const int32_t* others
    for i in range(n):
        check_signals(i)
        if ids[i]:
            data = string_at(&self.strings, i)
            length = string_length(&self.strings, i)
            ids[i] = add_string(
                &new.strings, data, length, string_key(&new.strings, data, length)
            )
        else:
            ids[i] = NONE
    new._grow()
    if self.affix_rule.n:
        others = <const int32_t*> self.affixes.data
        for i in range(n):
            if ids[i] < 0:
                continue
            parts = <int32_t*> new.affixes.data + ids[i] * <int64_t> self.affix_rule.n
            for k in range(self.affix_rule.n):
                if others[i * self.affix_rule.n + k] == NONE:
                    parts[k] = NONE
                elif others[i * self.affix_rule.n + k] >= 0:
                    parts[k] = ids[others[i * self.affix_rule.n + k]]
                    if parts[k] < 0:
                        # No string there, but it may become one again.
                        parts[k] = NONE - 1
    return 0


cdef inline int absorb_strings(
    Vocabulary self, Vocabulary other, int32_t* ids
) except -1 nogil:
    """Give the strings of another vocabulary ids here, and their parts."""
    cdef int64_t i, k, n = other.strings.n, start
    cdef int64_t length
    cdef const uint8_t* data
    cdef int32_t* parts
    cdef const int32_t* others
    for i in range(n):
        check_signals(i)
        if i + AHEAD < n:
            data = string_at(&other.strings, i + AHEAD)
            length = string_length(&other.strings, i + AHEAD)
            prefetch(
                &self.strings.slots[
                    string_place(
                        &self.strings, string_key(&self.strings, data, length), length
                    )
                ]
            )
        data = string_at(&other.strings, i)
        length = string_length(&other.strings, i)
        ids[i] = add_string(
            &self.strings, data, length, string_key(&self.strings, data, length)
        )
    self._grow()
    if self.affix_rule.n:
        others = <const int32_t*> other.affixes.data
        for i in range(n):
            parts = <int32_t*> self.affixes.data + ids[i] * <int64_t> self.affix_rule.n
            for k in range(self.affix_rule.n):
                if parts[k] < NONE and others[i * self.affix_rule.n + k] >= NONE:
                    parts[k] = others[i * self.affix_rule.n + k]
                    if parts[k] >= 0:
                        parts[k] = ids[parts[k]]
    if self.shortest_subword:
        for i in range(n):
            start = (<const int64_t*> other.subword_starts.data)[i]
            if start < 0 or (<int64_t*> self.subword_starts.data)[ids[i]] >= 0:
                continue
            (<int64_t*> self.subword_starts.data)[ids[i]] = (
                self.subwords.size // <int64_t> sizeof(int32_t)
            )
            (<int32_t*> self.subword_counts.data)[ids[i]] = (
                (<const int32_t*> other.subword_counts.data)[i]
            )
            for k in range((<const int32_t*> other.subword_counts.data)[i]):
                push_int32(
                    &self.subwords,
                    ids[(<const int32_t*> other.subwords.data)[start + k]],
                )
    return 0


cdef inline int _absorb_beginnings(
    Vocabulary self, Vocabulary other, const int32_t* strings
) except -1 nogil:
    cdef uint64_t i
    if self.longest > 2:
        for i in range(other.beginnings.mask + 1):
            if other.beginnings.slots[i].number:
                put_key(
                    &self.beginnings,
                    translated(other.beginnings.slots[i].key, strings),
                    strings[other.beginnings.slots[i].number - 1],
                )
    return 0


cdef inline int absorb_features(
    Vocabulary self, Vocabulary other, const int32_t* strings, int32_t* ids
) except -1 nogil:
    """Give the features of another vocabulary ids here."""
    cdef const uint64_t* keys = <const uint64_t*> other.keys.data
    cdef int64_t i, n = other.n_features
    cdef uint64_t key
    cdef int32_t* in_role
    cdef uint64_t size = self.pairs.mask + 1
    # For half of them, at once: to grow again and again takes as long as to add them.
    while 3 * <uint64_t> (self.pairs.n + other.pairs.n // 2) > 2 * size:
        size *= 2
    if size > self.pairs.mask + 1:
        resize_keys(&self.pairs, size)
    for i in range(n):
        check_signals(i)
        if i + AHEAD < n:
            key = translated(keys[i + AHEAD], strings)
            if key >> 32 < FIRST_ROLE:
                prefetch_pair(self, key)
            else:
                prefetch(roles_of(self, <int64_t> (key & LOW_HALF)))
        key = translated(keys[i], strings)
        if key >> 32 < FIRST_ROLE:
            ids[i] = add_pair(self, key)
            continue
        in_role = roles_of(self, <int64_t> (key & LOW_HALF)) + ((key >> 32) - FIRST_ROLE)
        if in_role[0] < 0:
            in_role[0] = new_feature(self, key)
        ids[i] = in_role[0]
    return _absorb_beginnings(self, other, strings)

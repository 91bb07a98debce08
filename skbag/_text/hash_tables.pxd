"""Hash tables of strings and of 64-bit keys: open addressing, linear probing.

Places depend on two secret numbers of the process, so that nobody can write strings
that all want the same one; ids follow the order of insertion and do not depend on them.
The mixing is the folded product of wyhash (Wang Yi, https://github.com/wangyi-fudan/wyhash).
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memcmp, memcpy

from skbag._core.buffers cimport (
    Buffer,
    allocate_zeros,
    push_int64,
    release,
    reserve,
)
from skbag._core.prefetch cimport prefetch


cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    #if defined(_MSC_VER)
    #include <intrin.h>
    static inline uint64_t skbag_fold(uint64_t a, uint64_t b) {
        uint64_t high, low = _umul128(a, b, &high);
        return low ^ high;
    }
    #else
    static inline uint64_t skbag_fold(uint64_t a, uint64_t b) {
        unsigned __int128 product = (unsigned __int128)a * b;
        return (uint64_t)product ^ (uint64_t)(product >> 64);
    }
    #endif
    static inline uint64_t skbag_load(const uint8_t* p) {
        uint64_t value;
        memcpy(&value, p, 8);
    #if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        value = __builtin_bswap64(value);
    #endif
        return value;
    }
    """
    uint64_t fold "skbag_fold"(uint64_t, uint64_t) noexcept nogil
    uint64_t load "skbag_load"(const uint8_t*) noexcept nogil


cdef inline uint64_t low_bytes(const uint8_t* data, int64_t length) noexcept nogil:
    """Up to 8 bytes as a little-endian number; so many can be read."""
    cdef uint64_t value = load(data)
    return value if length >= 8 else value & ((<uint64_t> 1 << 8 * length) - 1)


cdef struct Secret:
    uint64_t first
    uint64_t second


# -- strings ---------------------------------------------------------------------------


cdef struct StringSlot:
    # Up to 8 bytes are their own key; of longer strings it is a hash.
    uint64_t key
    uint32_t number  # the id and 1; 0 where the slot is empty
    uint32_t length


cdef struct StringTable:
    Secret secret
    StringSlot* slots
    uint64_t mask
    int64_t n
    # The strings in the order of their ids, each followed by a newline.
    Buffer lines
    Buffer starts


cdef inline int64_t n_slots_for(int64_t n) noexcept nogil:
    cdef int64_t size = 64
    while size < 2 * n:
        size *= 2
    return size


cdef inline int init_strings(StringTable* table, Secret secret) except -1 nogil:
    table.secret = secret
    table.n = 0
    table.slots = NULL
    push_int64(&table.starts, 0)
    return resize_strings(table, 64)


cdef inline void free_strings(StringTable* table) noexcept nogil:
    free(table.slots)
    table.slots = NULL
    release(&table.lines)
    release(&table.starts)


cdef inline uint64_t string_key(
    const StringTable* table, const uint8_t* data, int64_t length
) noexcept nogil:
    """Key of a string; 8 bytes from its last one on can be read."""
    cdef uint64_t key
    cdef int64_t done
    if length <= 8:
        return low_bytes(data, length)
    key = table.secret.second ^ <uint64_t> length
    for done in range(0, length - 8, 8):
        key = fold(key ^ load(data + done), table.secret.first)
    # The last 8, some of them again.
    return fold(key ^ load(data + length - 8), table.secret.second)


cdef inline uint64_t string_place(
    const StringTable* table, uint64_t key, int64_t length
) noexcept nogil:
    return fold(
        key ^ table.secret.first, table.secret.second ^ <uint64_t> length
    ) & table.mask


cdef inline const uint8_t* string_at(
    const StringTable* table, int64_t id_
) noexcept nogil:
    return <const uint8_t*> table.lines.data + (<int64_t*> table.starts.data)[id_]


cdef inline int64_t string_length(const StringTable* table, int64_t id_) noexcept nogil:
    cdef const int64_t* starts = <int64_t*> table.starts.data
    return starts[id_ + 1] - starts[id_] - 1


cdef inline int32_t find_string(
    const StringTable* table, const uint8_t* data, int64_t length, uint64_t key
) noexcept nogil:
    """Id of a string, -1 if it has none."""
    cdef const StringSlot* slot
    cdef uint64_t place = string_place(table, key, length)
    while True:
        slot = &table.slots[place]
        if slot.number == 0:
            return -1
        if slot.key == key and slot.length == <uint32_t> length and (
            length <= 8
            or memcmp(string_at(table, slot.number - 1), data, <size_t> length) == 0
        ):
            return <int32_t> (slot.number - 1)
        place = (place + 1) & table.mask


cdef inline int32_t add_string(
    StringTable* table, const uint8_t* data, int64_t length, uint64_t key
) except -2 nogil:
    """Id of a string; one without gets the next."""
    cdef int32_t id_ = find_string(table, data, length, key)
    cdef uint64_t place
    if id_ >= 0:
        return id_
    if length > 0x7FFFFFFF or table.n >= 0x7FFFFFFE:
        with gil:
            raise OverflowError(
                "more than 2**31 distinct strings, or one as long as that"
            )
    if 2 * (table.n + 1) > <int64_t> table.mask:
        resize_strings(table, 2 * (table.mask + 1))
    # All that may fail comes before anything is changed. After the last line there is
    # room to read beyond its end.
    reserve(&table.starts, sizeof(int64_t))
    reserve(&table.lines, length + 1 + 16)
    memcpy(table.lines.data + table.lines.size, data, <size_t> length)
    table.lines.data[table.lines.size + length] = b"\n"
    table.lines.size += length + 1
    push_int64(&table.starts, <int64_t> table.lines.size)
    place = string_place(table, key, length)
    while table.slots[place].number != 0:
        place = (place + 1) & table.mask
    id_ = <int32_t> table.n
    table.n += 1
    table.slots[place].key = key
    table.slots[place].length = <uint32_t> length
    table.slots[place].number = <uint32_t> table.n
    return id_


cdef inline int64_t count_string_probes(const StringTable* table) noexcept nogil:
    """Slots that are looked at to find each string once."""
    cdef int64_t n = 0
    cdef uint64_t i, place
    for i in range(table.mask + 1):
        if table.slots[i].number:
            place = string_place(table, table.slots[i].key, table.slots[i].length)
            n += 1 + <int64_t> ((i - place) & table.mask)
    return n


cdef inline int resize_strings(StringTable* table, uint64_t size) except -1 nogil:
    cdef StringSlot* old = table.slots
    cdef uint64_t old_size = 0 if old == NULL else table.mask + 1
    cdef uint64_t i, place
    cdef StringSlot* slots = <StringSlot*> allocate_zeros(size * sizeof(StringSlot))
    table.slots = slots
    table.mask = size - 1
    for i in range(old_size):
        if old[i].number != 0:
            place = string_place(table, old[i].key, old[i].length)
            while slots[place].number != 0:
                place = (place + 1) & table.mask
            slots[place] = old[i]
    free(old)
    return 0


# -- keys ------------------------------------------------------------------------------


cdef struct KeySlot:
    uint64_t key
    uint32_t number  # the id and 1; 0 where the slot is empty


cdef struct KeyTable:
    Secret secret
    KeySlot* slots
    uint64_t mask
    int64_t n


cdef inline int init_keys(KeyTable* table, Secret secret) except -1 nogil:
    table.secret = secret
    table.n = 0
    table.slots = NULL
    return resize_keys(table, 64)


cdef inline void free_keys(KeyTable* table) noexcept nogil:
    free(table.slots)
    table.slots = NULL


cdef inline uint64_t key_place(const KeyTable* table, uint64_t key) noexcept nogil:
    return fold(key ^ table.secret.first, table.secret.second) & table.mask


cdef inline int32_t find_key(const KeyTable* table, uint64_t key) noexcept nogil:
    """Number of a key, -1 if it has none."""
    cdef uint64_t place = key_place(table, key)
    while table.slots[place].number != 0:
        if table.slots[place].key == key:
            return <int32_t> (table.slots[place].number - 1)
        place = (place + 1) & table.mask
    return -1


cdef inline int32_t put_key(
    KeyTable* table, uint64_t key, int32_t new_number
) except -2 nogil:
    """Number of a key; one without gets the number given."""
    cdef uint64_t place
    if 3 * (table.n + 1) > 2 * <int64_t> table.mask:
        resize_keys(table, 2 * (table.mask + 1))
    place = key_place(table, key)
    while table.slots[place].number != 0:
        if table.slots[place].key == key:
            return <int32_t> (table.slots[place].number - 1)
        place = (place + 1) & table.mask
    table.slots[place].key = key
    table.slots[place].number = <uint32_t> new_number + 1
    table.n += 1
    return new_number


cdef inline int64_t count_key_probes(const KeyTable* table) noexcept nogil:
    """Slots that are looked at to find each key once."""
    cdef int64_t n = 0
    cdef uint64_t i
    for i in range(table.mask + 1):
        if table.slots[i].number:
            n += 1 + <int64_t> ((i - key_place(table, table.slots[i].key)) & table.mask)
    return n


cdef inline int resize_keys(KeyTable* table, uint64_t size) except -1 nogil:
    cdef KeySlot* old = table.slots
    cdef uint64_t old_size = 0 if old == NULL else table.mask + 1
    cdef uint64_t i, place
    cdef KeySlot* slots = <KeySlot*> allocate_zeros(size * sizeof(KeySlot))
    table.slots = slots
    table.mask = size - 1
    for i in range(old_size):
        if i + 16 < old_size and old[i + 16].number != 0:
            prefetch(&slots[key_place(table, old[i + 16].key)])
        if old[i].number != 0:
            place = key_place(table, old[i].key)
            while slots[place].number != 0:
                place = (place + 1) & table.mask
            slots[place] = old[i]
    free(old)
    return 0

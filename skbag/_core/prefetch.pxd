"""Asking for memory a little before it is needed."""


cdef extern from *:
    """
    #if defined(_MSC_VER)
    #include <intrin.h>
    #define skbag_prefetch(p) _mm_prefetch((const char*)(p), _MM_HINT_T0)
    #else
    #define skbag_prefetch(p) __builtin_prefetch(p)
    #endif
    """
    void prefetch "skbag_prefetch"(const void*) noexcept nogil

/* Whether the processor and the system have AVX2.

   Not __builtin_cpu_supports: the compiler that builds without a system's own (zig) lacks
   what it needs. */
#ifndef SKBAG_PROCESSOR_H
#define SKBAG_PROCESSOR_H

#if (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__)
#include <cpuid.h>
#define SKBAG_MAY_HAVE_AVX2 1
static int skbag_has_avx2(void) {
    unsigned int a, b, c, d, low, high;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & (1u << 27)) || !(c & (1u << 28)))
        return 0; /* no XGETBV, or no AVX */
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & 6) != 6) return 0; /* the system does not keep the registers */
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
    return (b >> 5) & 1;
}
#else
#define SKBAG_MAY_HAVE_AVX2 0
static int skbag_has_avx2(void) { return 0; }
#endif

#endif

/* sum[c] += weight * row[c], the kernel of bags times a table.

   Each column is added up by itself, so that vectors of 4 or 8 numbers give the same bits.
   Those of 8 are chosen at run time where the processor has them. */
#ifndef SKBAG_ROW_SUMS_H
#define SKBAG_ROW_SUMS_H

#include <stddef.h>

#include "processor.h"

#if defined(_MSC_VER)
#define SKBAG_RESTRICT __restrict
#else
#define SKBAG_RESTRICT restrict
#endif

static inline void skbag_add_row_portable(
    float* SKBAG_RESTRICT sum, const float* SKBAG_RESTRICT row, float weight, ptrdiff_t n) {
    for (ptrdiff_t i = 0; i < n; i++) sum[i] += weight * row[i];
}

#if SKBAG_MAY_HAVE_AVX2
__attribute__((target("avx2"))) static void skbag_add_row_avx2(
    float* SKBAG_RESTRICT sum, const float* SKBAG_RESTRICT row, float weight, ptrdiff_t n) {
    for (ptrdiff_t i = 0; i < n; i++) sum[i] += weight * row[i];
}
#else
#define skbag_add_row_avx2 skbag_add_row_portable
#endif

#endif

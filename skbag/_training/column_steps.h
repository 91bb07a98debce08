/* Steps of one-versus-rest squared hinge, or of squared errors, over some columns of a
   table: see column_steps.pyx. The columns are LANES numbers side by side for each id, padded with
   columns that nothing trains. Every operation is on one column by itself, so that vectors
   of any length give the same bits. */
#ifndef SKBAG_COLUMN_STEPS_H
#define SKBAG_COLUMN_STEPS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "processor.h"

#if defined(_MSC_VER)
#include <intrin.h>
#define SKBAG_PREFETCH(p) _mm_prefetch((const char*)(p), _MM_HINT_T0)
#else
#define SKBAG_PREFETCH(p) __builtin_prefetch(p)
#endif

/* Entries before they are needed rows are asked for. */
#define SKBAG_ROWS_AHEAD 16

typedef struct {
    /* Weighted bags, and the first sample of each batch and the end. */
    const int32_t* ids;
    const int64_t* offsets;
    const float* weights;
    const int64_t* edges;
    /* The batch of each step, and the size of the step. */
    const int64_t* order;
    const double* rates;
    double alpha;           /* L2 penalty of a sample */
    double intercept_step;  /* Adagrad step, divided by the first rate */
    double largest_loss;    /* of a sample and column */
    double smallest_scale;
    int64_t n_ids;
    /* Positive columns: class - class_shift of each sample, or its labels. */
    const int64_t* classes;
    int64_t class_shift;
    const int64_t* label_offsets;
    const int64_t* labels;
    const float* label_weights;   /* of each column, or NULL */
    /* Numbers of each sample and column, or NULL: of a squared error, which goes on as a
       line where the residual is beyond delta. */
    const float* targets;
    float delta;
    const float* sample_weights;  /* or NULL */
    /* Where the scores of the samples of each step go, -1 for nowhere; of n_outputs. */
    const int64_t* score_rows;
    float* scores;
    int64_t n_outputs;
    int has_avx2;
} SkbagProblem;

typedef struct {
    float* table; /* n_ids x lanes, scale times too large */
    double scale;
    float* intercept;
    float* squares;  /* sums of squared gradients of the intercepts */
    int64_t first;   /* column of the whole table */
    int64_t n;       /* columns that are not padding */
    float* gradient; /* largest batch x lanes */
    unsigned char* moves; /* largest batch: whether any gradient of a sample is not 0 */
} SkbagColumns;

/* Vectors of floats: written out, for compilers do not find them by themselves. */
#if defined(__GNUC__) || defined(__clang__)
typedef float skbag_float4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef float skbag_float8 __attribute__((vector_size(32), aligned(4), may_alias));
#define SKBAG_WIDTH 4
#define SKBAG_VECTOR skbag_float4
#else
#define SKBAG_WIDTH 1
#define SKBAG_VECTOR float
#endif

#define LANES 4
#define SKBAG_NAME skbag_steps_4
#include "column_steps_body.h"
#undef LANES
#undef SKBAG_NAME

#define LANES 8
#define SKBAG_NAME skbag_steps_8
#include "column_steps_body.h"
#undef LANES
#undef SKBAG_NAME

#define LANES 16
#define SKBAG_NAME skbag_steps_16
#include "column_steps_body.h"
#undef SKBAG_NAME

#undef SKBAG_WIDTH
#undef SKBAG_VECTOR
#if SKBAG_MAY_HAVE_AVX2
#define SKBAG_WIDTH 8
#define SKBAG_VECTOR skbag_float8
#define SKBAG_TARGET __attribute__((target("avx2")))
#define SKBAG_NAME skbag_steps_16_avx2
#include "column_steps_body.h"
#undef SKBAG_NAME
#undef SKBAG_TARGET
#undef SKBAG_WIDTH
#undef SKBAG_VECTOR
#else
#define skbag_steps_16_avx2 skbag_steps_16
#endif
#undef LANES

#define LANES 1
#define SKBAG_WIDTH 1
#define SKBAG_VECTOR float
#define SKBAG_NAME skbag_steps_1
#include "column_steps_body.h"
#undef SKBAG_NAME
#undef SKBAG_WIDTH
#undef SKBAG_VECTOR
#undef LANES

/* Number of steps done, from first to stop; fewer if the loss of the next is unsound. */
static int64_t skbag_steps(
    int lanes, const SkbagProblem* p, SkbagColumns* columns, int64_t first, int64_t stop,
    double* losses) {
    switch (lanes) {
        case 1: return skbag_steps_1(p, columns, first, stop, losses);
        case 4: return skbag_steps_4(p, columns, first, stop, losses);
        case 8: return skbag_steps_8(p, columns, first, stop, losses);
        default:
            if (p->has_avx2)
                return skbag_steps_16_avx2(p, columns, first, stop, losses);
            return skbag_steps_16(p, columns, first, stop, losses);
    }
}

#endif

// What is done with a row of elements once their decisions are known, whatever the strides.
#ifndef SIMDROP_LAYOUT_ROW_SINK_H
#define SIMDROP_LAYOUT_ROW_SINK_H

#include "common/kernel_table.h"
#include "engine/bit_string.h"
#include "engine/operation.h"
#include "layout/plan.h"

// The most decisions that are put together for one call of a kernel.
#define SIMDROP_LINE_ELEMENTS 8192
#define SIMDROP_LINE_WORDS (SIMDROP_LINE_ELEMENTS / 64 + SIMDROP_STRETCH_WORDS + 1)  // with what bit_string.h may overwrite

typedef struct simdrop_row_sink simdrop_row_sink;
struct simdrop_row_sink {
  simdrop_work work;
  const simdrop_kernels *kernels;
  simdrop_consume_kernel *consume;  // what the work is done by, for elements that are side by side
  size_t size;                      // of an element
  const char *x;                    // unless NULL
  char *y;
  simdrop_multiplier factor;
  simdrop_affine affine;  // of that work alone
  simdrop_store store;
  size_t prefetch;                             // of simdrop_operands
  ptrdiff_t strides[SIMDROP_LAYOUT_OPERANDS];  // along the row, in elements
  // What else is done with the decisions of each row, unless NULL; its y has the same places, and there is no x.
  const simdrop_row_sink *beside;
};

// Whether the work's kernels take decisions that are repeated.
static inline bool simdrop_takes_repeats(simdrop_work work) {
  return work == SIMDROP_WORK_SCALE || work == SIMDROP_WORK_AFFINE;
}

// Whoever hands a row to a sink hands it to the one beside, too. Below, `at` says where in each array a row begins, in elements
// from the array's pointer on.

// Hands elements that are side by side to the kernel.
void simdrop_sink_contiguous(const simdrop_row_sink *sink, size_t n, const simdrop_decisions *decisions, const ptrdiff_t *at);

// The elements of a row, wherever they are. The first has bit `first` of words, which hold one word more than needed.
void simdrop_sink_row(const simdrop_row_sink *sink, size_t n, const uint64_t *words, size_t first, const ptrdiff_t *at);

// The same with numbers, one for each element, in place of decisions.
void simdrop_sink_values(const simdrop_row_sink *sink, size_t n, const float *values, const ptrdiff_t *at);

// The same where one decision is shared by all.
void simdrop_sink_shared(const simdrop_row_sink *sink, size_t n, bool kept, const ptrdiff_t *at);

// Copies n elements of `size` bytes, from places that are `stride` elements apart, or to such.
void simdrop_gather_row(size_t size, size_t n, const char *from, ptrdiff_t stride, char *to);
void simdrop_scatter_row(size_t size, size_t n, const char *from, char *to, ptrdiff_t stride);

// y = x, bit by bit.
void simdrop_sink_copy(const simdrop_row_sink *sink, size_t n, const ptrdiff_t *at);

#endif

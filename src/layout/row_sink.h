// What is done with a row of elements once their decisions are known, whatever the strides.
#ifndef SIMDROP_LAYOUT_ROW_SINK_H
#define SIMDROP_LAYOUT_ROW_SINK_H

#include <simdrop/simdrop.h>

#include "common/kernel_table.h"
#include "engine/bit_string.h"
#include "engine/driver.h"

// The most decisions that are put together for one call of a kernel.
#define SIMDROP_LINE_ELEMENTS 8192
#define SIMDROP_LINE_WORDS (SIMDROP_LINE_ELEMENTS / 64 + SIMDROP_STRETCH_WORDS + 1)  // with what bit_string.h may overwrite

// What elements and their decisions become.
typedef enum simdrop_row_consumer {
  SIMDROP_CONSUME_SCALE,  // y = kept ? x * factor : +0
  SIMDROP_CONSUME_BYTES   // y = the decision itself, a byte of 0 or 1; there is no x
} simdrop_row_consumer;

typedef struct simdrop_row_sink {
  simdrop_row_consumer consumer;
  const simdrop_kernels *kernels;
  simdrop_consume_kernel *consume;  // the consumer's kernel
  size_t size;                      // of an element
  simdrop_multiplier factor;
  simdrop_store store;
  ptrdiff_t x_stride, y_stride;  // along the row, in elements
} simdrop_row_sink;

// The kernel for elements that are side by side.
static inline void simdrop_sink_contiguous(const simdrop_row_sink *sink, size_t n, const simdrop_decisions *decisions,
                                           const char *x, char *y, simdrop_store store) {
  const simdrop_operands operands = {.x = x, .y = y, .factor = sink->factor};
  sink->consume(n, decisions, &operands, store);
}

// For n elements; x and y are the first. The first has bit `first` of words, which hold one word more than needed.
void simdrop_sink_row(const simdrop_row_sink *sink, size_t n, const uint64_t *words, size_t first, const char *x, char *y);

// The same where one decision is shared by all.
void simdrop_sink_shared(const simdrop_row_sink *sink, size_t n, bool kept, const char *x, char *y);

// y = x, bit by bit.
void simdrop_sink_copy(const simdrop_row_sink *sink, size_t n, const char *x, char *y);

#endif

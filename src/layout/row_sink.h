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

typedef struct simdrop_row_sink {
  const simdrop_kernels *kernels;
  simdrop_scale_kernels scale_elements;  // NULL: y receives the decisions themselves, a byte each, and there is no x
  size_t size;                           // of an element
  simdrop_multiplier scale;
  bool stream;
  ptrdiff_t x_stride, y_stride;  // along the row, in elements
} simdrop_row_sink;

// y = kept ? x * scale : +0 for n elements; x and y are the first. The first has bit `first` of words, which hold one word
// more than needed.
void simdrop_sink_row(const simdrop_row_sink *sink, size_t n, const uint64_t *words, size_t first, const char *x, char *y);

// The same where one decision is shared by all.
void simdrop_sink_shared(const simdrop_row_sink *sink, size_t n, bool kept, const char *x, char *y);

// y = x, bit by bit.
void simdrop_sink_copy(const simdrop_row_sink *sink, size_t n, const char *x, char *y);

#endif

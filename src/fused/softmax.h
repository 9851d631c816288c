// Walks the rows of a softmax, or of its gradient: which scores, by which decisions, go to which kernel.
#ifndef SIMDROP_FUSED_SOFTMAX_H
#define SIMDROP_FUSED_SOFTMAX_H

#include <simdrop/simdrop.h>

#include "common/softmax.h"
#include "engine/operation.h"
#include "fused/rows.h"

// A softmax, or its gradient, once it has been checked. Part of one is one.
typedef struct simdrop_softmax_operation {
  // Where decisions come from, and the type: seed, stream, threshold, the index of element (0, 0), dtype and size.
  simdrop_operation decisions;
  size_t rows, columns;
  uint64_t index_stride;
  double scale;  // of the type that is computed in
  simdrop_f64_function *f64_exp;
  bool is_f32_additive;
  // Row r has limit + r columns that are looked at, none below 0, and all from `columns` on.
  bool is_causal;
  ptrdiff_t limit;
  simdrop_rows x, additive, allowed, probabilities;
  simdrop_rows y;           // or dx
  simdrop_rows dy;          // unless NULL, it is the gradient
  simdrop_rows statistics;  // two numbers a row, in float, or in double for f64
} simdrop_softmax_operation;

// Rows begin .. end - 1 of it.
simdrop_softmax_operation simdrop_softmax_part(const simdrop_softmax_operation *operation, size_t begin, size_t end);

// Does it on the calling thread. There is at least one element.
void simdrop_drive_softmax(const simdrop_softmax_operation *operation);

#endif

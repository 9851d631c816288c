// Walks a norm's matrix: rows for what is forward and for the gradients, columns for the sums of these.
#ifndef SIMDROP_FUSED_NORM_H
#define SIMDROP_FUSED_NORM_H

#include <simdrop/simdrop.h>

#include "engine/operation.h"
#include "fused/rows.h"

// A norm, or its gradients, once it has been checked. Part of one is one.
typedef struct simdrop_norm_operation {
  // Where decisions come from, types and stores: seed, stream, threshold, the index of element (0, 0) in the mask, dtype, size
  // and store. There are no elements of its own.
  simdrop_operation decisions;
  size_t rows, columns;
  uint64_t index_stride;
  bool has_mean;
  double epsilon;
  size_t norm_columns;  // of which statistics are: also where the columns are a part of them
  const char *bias, *gamma, *beta;
  simdrop_rows x, residual, h, y;  // h may be y
  simdrop_rows statistics;         // two a row
  // Of gradients. One of dh and dx may be missing.
  simdrop_rows dy, added, dh, dx;
  char *gamma_sums, *beta_sums, *bias_sums;  // of columns; not wanted: NULL
} simdrop_norm_operation;

// Does it on the calling thread, as do the following. There is at least one element.
void simdrop_drive_norm(const simdrop_norm_operation *operation);

// Everything that is wanted of the gradients, or one of three parts, in this order, after each of which threads wait for all
// others: the sums of columns that gamma and beta take, dh and with it dx unless the bias takes sums, and these sums with dx.
void simdrop_drive_norm_gradients(const simdrop_norm_operation *operation);
void simdrop_drive_norm_column_sums(const simdrop_norm_operation *operation);
void simdrop_drive_norm_rows(const simdrop_norm_operation *operation);
void simdrop_drive_norm_bias_sums(const simdrop_norm_operation *operation);

// Rows, and columns, begin .. end - 1 of it, at least one. Rows have no part of columns' sums; columns are none of a norm, but
// have the sums' parts.
simdrop_norm_operation simdrop_norm_part_of_rows(const simdrop_norm_operation *operation, size_t begin, size_t end);
simdrop_norm_operation simdrop_norm_part_of_columns(const simdrop_norm_operation *operation, size_t begin, size_t end);

#endif

// Walks a chain's matrix: which elements, by which decisions, go to which kernel.
#ifndef SIMDROP_FUSED_CHAIN_H
#define SIMDROP_FUSED_CHAIN_H

#include <simdrop/simdrop.h>

#include "engine/operation.h"
#include "fused/rows.h"

// A chain, or its gradients, once it has been checked. Part of one is one.
typedef struct simdrop_chain_operation {
  // Where decisions come from, types and stores: seed, stream, threshold and stored bits, the index of element (0, 0) in the
  // mask or in these bits, dtype, size and store. There are no elements of its own.
  simdrop_operation decisions;
  size_t rows, columns;
  uint64_t index_stride;
  // One of the activations; what it takes in doubles, or NULL.
  simdrop_activation activation;
  simdrop_f64_function *f64_function;
  simdrop_bias_axis bias_axis;
  const char *bias;
  simdrop_rows x, residual, y;
  uint8_t *bits;  // NULL, or receives a bit an element
  // Of gradients: residual, y and bits are not there.
  bool is_gradient;
  simdrop_rows dy, dx;
  char *sums;           // NULL, or receives those of columns or rows
  bool continues_sums;  // of columns: the rows are the next group, and what is there is added to
} simdrop_chain_operation;

// Does it on the calling thread. There is at least one element.
void simdrop_drive_chain(const simdrop_chain_operation *operation);

// Rows, and columns, begin .. end - 1 of it, at least one. Where bits are written, what comes before in them is whole bytes;
// where there are sums, rows have no part of columns' sums, nor columns of rows'.
simdrop_chain_operation simdrop_chain_rows(const simdrop_chain_operation *operation, size_t begin, size_t end);
simdrop_chain_operation simdrop_chain_columns(const simdrop_chain_operation *operation, size_t begin, size_t end);

#endif

// Sums over tensors and masks, for the report of simdrop apply.
#ifndef SIMDROP_TOOL_APPLY_STATISTICS_H
#define SIMDROP_TOOL_APPLY_STATISTICS_H

#include <simdrop/simdrop.h>

typedef struct tensor_sum {
  double sum;      // of the finite elements
  uint64_t count;  // all elements
  uint64_t nan_count;
  uint64_t infinite_count;
} tensor_sum;

// Adds n elements to the sum. NaN and infinities are counted, not added.
void tensor_sum_add(tensor_sum *total, simdrop_dtype dtype, size_t n, const void *elements);

// Mean of the finite elements; NaN if there are none.
double tensor_mean(const tensor_sum *total);

// How many of the first n bits are 1.
uint64_t count_bits(const uint8_t *bits, size_t n);

#endif

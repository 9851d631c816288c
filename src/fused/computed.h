// Numbers in the type that elements are computed in, which is float, or double for f64: sums along rows and of columns, and the
// statistics of rows.
#ifndef SIMDROP_FUSED_COMPUTED_H
#define SIMDROP_FUSED_COMPUTED_H

#include <simdrop/simdrop.h>

#include "common/chain.h"

// Sums of a row. Kernels are handed the array of their type.
typedef union simdrop_lanes {
  double f64[SIMDROP_SUM_LANES];  // the longer one first, for initialisers
  float f32[SIMDROP_SUM_LANES];
} simdrop_lanes;

// What the lanes come to. They are +0 afterwards.
double simdrop_take_lanes(simdrop_dtype dtype, simdrop_lanes *lanes);

// Rows whose sum is added to the column's at once. Part of the definition.
#define SIMDROP_GROUP_ROWS ((size_t)64)

// Sums of a group of rows, a union of SIMDROP_GROUP_SUMS(bytes, number) of each type: of as many columns as there is room for
// in so many bytes, and what kernels may write behind them. Wider rows are gone through in strips, which are no pages that
// follow one another: from memory, the gradients of 1024 columns of f32 took 0.24 ns an element in one strip and 0.55 in two
// (Zen 4). But longer ones would take more of the stack than calls promise, where SVE's vectors are long.
#define SIMDROP_GROUP_SUMS(bytes, number) ((bytes) / sizeof(number) + 64)

// Of whoever has more than one at a time.
#define SIMDROP_GROUP_BYTES ((size_t)3072)
typedef union simdrop_group_sums {
  double f64[SIMDROP_GROUP_SUMS(SIMDROP_GROUP_BYTES, double)];
  float f32[SIMDROP_GROUP_SUMS(SIMDROP_GROUP_BYTES, float)];
} simdrop_group_sums;

// Adds a group to the sums of columns, if they are wanted. The group's are +0 afterwards.
void simdrop_take_group(simdrop_dtype dtype, size_t columns, char *sums, void *group);

// Two numbers of a row, which doubles hold exactly.
static inline void simdrop_read_pair(simdrop_dtype dtype, const char *pair, double *first, double *second) {
  if (dtype == SIMDROP_F64) {
    *first = ((const double *)pair)[0];
    *second = ((const double *)pair)[1];
  } else {
    *first = (double)((const float *)pair)[0];
    *second = (double)((const float *)pair)[1];
  }
}

// No pair: NULL.
static inline void simdrop_write_pair(simdrop_dtype dtype, char *pair, double first, double second) {
  if (pair == NULL) return;
  if (dtype == SIMDROP_F64) {
    ((double *)pair)[0] = first;
    ((double *)pair)[1] = second;
  } else {
    ((float *)pair)[0] = (float)first;
    ((float *)pair)[1] = (float)second;
  }
}

#endif

// A layout put in order for the inner loops: axes without effect dropped, the others sorted by their strides in memory, and
// neighbours that act as one merged.
#ifndef SIMDROP_LAYOUT_PLAN_H
#define SIMDROP_LAYOUT_PLAN_H

#include <simdrop/simdrop.h>

#include <stdbool.h>

typedef struct simdrop_plan_axis {
  size_t count;
  ptrdiff_t x, y;  // strides in elements
  uint64_t index;  // stride of the mask's index, modulo 2^64
} simdrop_plan_axis;

typedef struct simdrop_layout_plan {
  int rank;                                  // at least 2: axes of one place fill up
  simdrop_plan_axis axes[SIMDROP_MAX_RANK];  // the one with the largest steps in y first
  ptrdiff_t x_first, y_first;                // where the first element is, in elements
  uint64_t index;                            // of the first element
  size_t count;                              // elements in all
} simdrop_layout_plan;

// For a layout that has been checked and has elements. Its index strides count for nothing if `constant_mask`.
void simdrop_plan_layout(const simdrop_layout *layout, uint64_t offset, bool constant_mask, simdrop_layout_plan *plan);

#endif

// A layout put in order for the inner loops: axes without effect dropped, the others sorted by their strides in memory, and
// neighbours that act as one merged.
#ifndef SIMDROP_LAYOUT_PLAN_H
#define SIMDROP_LAYOUT_PLAN_H

#include <simdrop/simdrop.h>

#include <stdbool.h>

// The arrays that a layout goes through. Each has strides of its own.
typedef enum simdrop_layout_operand {
  SIMDROP_X,
  SIMDROP_Y,
  SIMDROP_LAYOUT_OPERANDS
} simdrop_layout_operand;

typedef struct simdrop_plan_axis {
  size_t count;
  ptrdiff_t strides[SIMDROP_LAYOUT_OPERANDS];  // in elements
  uint64_t index;                              // stride of the mask's index, modulo 2^64
} simdrop_plan_axis;

typedef struct simdrop_layout_plan {
  int rank;                                  // at least 2: axes of one place fill up
  simdrop_plan_axis axes[SIMDROP_MAX_RANK];  // the one with the largest steps in y first
  ptrdiff_t first[SIMDROP_LAYOUT_OPERANDS];  // where the first element is, in elements from the operand's pointer on
  uint64_t index;                            // of the mask at the first element, less the mask's offset
  size_t count;                              // elements in all
} simdrop_layout_plan;

// For a layout that has been checked and has elements. Its index strides count for nothing if `constant_mask`.
void simdrop_plan_layout(const simdrop_layout *layout, bool constant_mask, simdrop_layout_plan *plan);

// Places begin .. end - 1 of axis number a; a part without places has no elements.
void simdrop_plan_part(const simdrop_layout_plan *plan, int a, size_t begin, size_t end, simdrop_layout_plan *part);

// Of a plan in row-major order of y: the longest box of elements that begins with element `begin` of that order, has none from
// `end` on, and whose elements follow one another in it. Returns how many these are.
size_t simdrop_plan_box(const simdrop_layout_plan *plan, size_t begin, size_t end, simdrop_layout_plan *box);

// Whether the elements along an axis are side by side in every array, and whether a step of `outer` goes to where `inner` ends
// in each, so that the two are one row of elements.
bool simdrop_axis_is_contiguous(const simdrop_plan_axis *axis);
bool simdrop_axes_are_one_row(const simdrop_plan_axis *outer, const simdrop_plan_axis *inner);

// Whether `inner` goes on where a step of `outer` begins, in memory and in the mask: one axis can stand for the two.
bool simdrop_axes_are_one(const simdrop_plan_axis *outer, const simdrop_plan_axis *inner);

// Whether the elements follow one another in memory and in the mask.
bool simdrop_plan_is_flat(const simdrop_layout_plan *plan);

#endif

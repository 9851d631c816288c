// Walks the elements of a layout: its plan decides which of a few inner loops does it.
#ifndef SIMDROP_LAYOUT_DRIVER_H
#define SIMDROP_LAYOUT_DRIVER_H

#include "engine/operation.h"
#include "layout/plan.h"

// Does an operation on the elements of a plan, at least one. The layout that was planned is not looked at again; it may lie in
// the output.
void simdrop_drive_layout(const simdrop_operation *operation, const simdrop_layout_plan *plan);

// Of an operation that writes packed decisions, or decisions beside y, which are neither all the same nor those of a flat plan:
// elements begin .. end - 1 of a plan in row-major order, in which y has no gaps; begin is a multiple of 8.
void simdrop_drive_layout_range(const simdrop_operation *operation, const simdrop_layout_plan *plan, size_t begin, size_t end);

// The operation on the elements of a plan that is flat, as one on elements that follow one another.
simdrop_operation simdrop_flat_operation(const simdrop_operation *operation, const simdrop_layout_plan *plan);

#endif

// The inner loop for decisions that are not side by side.
#ifndef SIMDROP_LAYOUT_GATHER_H
#define SIMDROP_LAYOUT_GATHER_H

#include "layout/plan.h"
#include "layout/row_sink.h"

// Applies a plan whose inner axis has any index stride.
void simdrop_walk_gathering(const simdrop_row_sink *sink, const simdrop_operation *operation, const simdrop_layout_plan *plan);

#endif

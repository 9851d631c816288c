// How a matrix is written that lies in memory: past the caches or not, and with pages for outputs that have none yet.
#ifndef SIMDROP_FUSED_FAR_OUTPUT_H
#define SIMDROP_FUSED_FAR_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/memory_walk.h"
#include "fused/rows.h"

typedef struct simdrop_far_output {
  simdrop_store store;  // of the elements at hand
  bool is_walked;
  simdrop_memory_walk walk;  // if it is
} simdrop_far_output;

// Of rows of so many columns, in the order in which they are written; in place: where an input is. The store and the type are
// those of the decisions.
void simdrop_far_output_begin(simdrop_far_output *output, const simdrop_operation *decisions, simdrop_rows written, size_t rows,
                              size_t columns, bool is_in_place);

// Before the next `count` elements of them.
static inline void simdrop_far_output_go_on(simdrop_far_output *output, size_t count) {
  if (!output->is_walked) return;
  simdrop_memory_walk_on(&output->walk, count);
  output->store = output->walk.way->store;
}

#endif

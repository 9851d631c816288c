// Rows that follow one another in memory are walked as a call's elements are.
#include "fused/far_output.h"

void simdrop_far_output_begin(simdrop_far_output *output, const simdrop_operation *decisions, simdrop_rows written, size_t rows,
                              size_t columns, bool is_in_place) {
  output->store = decisions->store;
  output->is_walked =
      decisions->store != SIMDROP_STORE_CACHED && (rows == 1 || written.stride == (ptrdiff_t)(columns * decisions->size));
  if (!output->is_walked) return;
  simdrop_operation elements = *decisions;
  elements.y = written.first;
  elements.x = is_in_place ? elements.y : NULL;
  elements.n = rows * columns;
  simdrop_memory_walk_begin(&output->walk, &elements, false);
}

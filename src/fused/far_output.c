// Rows that follow one another in memory are walked as a call's elements are.
#include "fused/far_output.h"

#include <stdint.h>

// Where rows begin or end within lines, what is stored there goes through the caches even if the rest does not, and is first
// read from memory, for which all later stores wait. From rows of so many bytes on, that is less than what the rest gains.
#define LONG_ROW_BYTES ((size_t)16 << 10)

static bool divides_lines(simdrop_rows written, size_t rows, size_t row_bytes) {
  const uintptr_t ends = (uintptr_t)written.first | (uintptr_t)written.stride | row_bytes;
  return rows > 1 && row_bytes < LONG_ROW_BYTES && ends % SIMDROP_CACHE_LINE != 0;
}

void simdrop_far_output_begin(simdrop_far_output *output, const simdrop_operation *decisions, simdrop_rows written, size_t rows,
                              size_t columns, bool is_in_place) {
  const size_t row_bytes = columns * decisions->size;
  output->store = decisions->store;
  if (output->store == SIMDROP_STORE_NON_TEMPORAL && divides_lines(written, rows, row_bytes))
    output->store = SIMDROP_STORE_CACHED_FAR;
  output->is_walked = output->store != SIMDROP_STORE_CACHED && (rows == 1 || written.stride == (ptrdiff_t)row_bytes);
  if (!output->is_walked) return;
  simdrop_operation elements = *decisions;
  elements.y = written.first;
  elements.x = is_in_place ? elements.y : NULL;
  elements.n = rows * columns;
  elements.store = output->store;
  simdrop_memory_walk_begin(&output->walk, &elements, false);
}

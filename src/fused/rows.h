// The arrays of a matrix by their rows, some of which there may be none of.
#ifndef SIMDROP_FUSED_ROWS_H
#define SIMDROP_FUSED_ROWS_H

#include <stddef.h>
#include <stdint.h>

// Rows of elements, `stride` bytes from one to the next. NULL: there are none.
typedef struct simdrop_rows {
  char *first;
  ptrdiff_t stride;
} simdrop_rows;

// Rows of elements of `size` bytes, with a stride in elements that has been checked, or counts for nothing: with one row, or
// none.
static inline simdrop_rows simdrop_rows_of(const void *first, ptrdiff_t stride, size_t size, size_t rows) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr): of inputs and of outputs
  return (simdrop_rows){(char *)(uintptr_t)first, first == NULL || rows == 1 ? 0 : stride * (ptrdiff_t)size};
}

static inline char *simdrop_row_at(simdrop_rows rows, size_t row) {
  return rows.first == NULL ? NULL : rows.first + (ptrdiff_t)row * rows.stride;
}

static inline char *simdrop_moved(const void *first, size_t bytes) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr): of inputs and of outputs
  return first == NULL ? NULL : (char *)(uintptr_t)first + bytes;
}

#endif

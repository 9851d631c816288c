// The calls of the fused functions: what can be wrong with a matrix and with its arrays, and what operations on one have in
// common.
#ifndef SIMDROP_CORE_CHECK_MATRIX_H
#define SIMDROP_CORE_CHECK_MATRIX_H

#include "core/check_call.h"

// The mask, the type, and of the matrix everything but the arrays.
simdrop_status simdrop_check_matrix(const simdrop_mask *mask, simdrop_dtype dtype, const simdrop_matrix *matrix, size_t *count);

typedef enum simdrop_array_role {
  SIMDROP_INPUT,        // an output that is a matrix may be the same elements
  SIMDROP_INPUT_APART,  // none may
  SIMDROP_OUTPUT
} simdrop_array_role;

// An array of a call: the elements of a matrix, or bytes that follow one another.
typedef struct simdrop_array {
  const void *first;  // NULL: it is not there
  simdrop_array_role role;
  ptrdiff_t stride;  // of a matrix, in elements,
  size_t size;       // and the bytes of each
  size_t bytes;      // of an array without rows; of a matrix, 0
} simdrop_array;

static inline simdrop_array elements_of(simdrop_array_role role, const void *first, ptrdiff_t stride, size_t size) {
  return (simdrop_array){first, role, stride, size, 0};
}

static inline simdrop_array bytes_of(simdrop_array_role role, const void *first, size_t bytes) {
  return (simdrop_array){first, role, 0, 0, bytes};
}

// For a matrix of at least one element: that everything lies in memory, that the rows of each output lie apart, and that it has
// no byte in common with another array, unless the two are the same elements and may be.
simdrop_status simdrop_check_arrays(const simdrop_matrix *matrix, const simdrop_array *arrays, size_t count);

// Where the decisions of a matrix come from, and its type.
simdrop_operation simdrop_matrix_decisions(const simdrop_mask *mask, simdrop_dtype dtype, const simdrop_matrix *matrix);

// How an output is stored, given the one of the inputs that it is, if any.
simdrop_store simdrop_matrix_store(const simdrop_operation *decisions, const void *input, void *output);

#endif

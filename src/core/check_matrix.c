// Checks of matrices. Everything is computed without overflow, whatever the numbers are.
#include "core/check_matrix.h"

#include "layout/check.h"

static simdrop_layout layout_of(const simdrop_matrix *matrix, ptrdiff_t x_stride, ptrdiff_t y_stride) {
  return (simdrop_layout){.rank = 2,
                          .dims = {matrix->rows, matrix->columns},
                          .x_strides = {x_stride, 1},
                          .y_strides = {y_stride, 1},
                          .index_strides = {matrix->index_stride, 1}};
}

simdrop_status simdrop_check_matrix(const simdrop_mask *mask, simdrop_dtype dtype, const simdrop_matrix *matrix,
                                    size_t *count) {
  SIMDROP_RETURN_IF_ERROR(check_mask(mask, 0));
  if (!simdrop_is_computed(dtype)) return SIMDROP_ERROR_DTYPE;
  if (matrix == NULL) return SIMDROP_ERROR_NULL_POINTER;
  if (matrix->flags != 0) return SIMDROP_ERROR_FLAGS;
  const simdrop_layout layout = layout_of(matrix, 0, 0);
  return simdrop_check_layout(&layout, mask->offset, count);
}

// ---- arrays that may meet

// The bytes from a matrix's first element in memory to its last, whose reach has been checked.
static simdrop_status find_bytes(const simdrop_matrix *matrix, const simdrop_array *array, const char **first, size_t *bytes) {
  const size_t stride = array->stride < 0 ? (size_t)0 - (size_t)array->stride : (size_t)array->stride;
  const size_t steps = (matrix->rows - 1) * stride;
  if (steps + matrix->columns > PTRDIFF_MAX / array->size) return SIMDROP_ERROR_SIZE_OVERFLOW;
  *first = (const char *)array->first - (array->stride < 0 ? steps * array->size : 0);
  *bytes = (steps + matrix->columns) * array->size;
  return SIMDROP_OK;
}

// Matrices whose elements differ in size: the rows of one must not lie between those of the other either.
static simdrop_status check_sizes_apart(const simdrop_matrix *matrix, const simdrop_array *a, const simdrop_array *b) {
  const char *a_first, *b_first;
  size_t a_bytes, b_bytes;
  const simdrop_layout layout = layout_of(matrix, a->stride, b->stride);
  SIMDROP_RETURN_IF_ERROR(simdrop_check_reach(&layout));
  SIMDROP_RETURN_IF_ERROR(find_bytes(matrix, a, &a_first, &a_bytes));
  SIMDROP_RETURN_IF_ERROR(find_bytes(matrix, b, &b_first, &b_bytes));
  return overlaps(a_first, a_bytes, b_first, b_bytes) ? SIMDROP_ERROR_OVERLAP : SIMDROP_OK;
}

static simdrop_status check_matrix_and_bytes(const simdrop_matrix *matrix, const simdrop_array *elements,
                                             const simdrop_array *bytes) {
  const simdrop_layout layout = layout_of(matrix, elements->stride, elements->stride);
  return simdrop_check_layout_bits(&layout, layout.y_strides, elements->size, elements->first, bytes->first, bytes->bytes);
}

static simdrop_status check_two(const simdrop_matrix *matrix, const simdrop_array *other, const simdrop_array *output) {
  if (other->bytes > 0 && output->bytes > 0)
    return overlaps(other->first, other->bytes, output->first, output->bytes) ? SIMDROP_ERROR_OVERLAP : SIMDROP_OK;
  if (other->bytes > 0) return check_matrix_and_bytes(matrix, output, other);
  if (output->bytes > 0) return check_matrix_and_bytes(matrix, other, output);
  if (other->role != SIMDROP_INPUT && other->first == output->first) return SIMDROP_ERROR_OVERLAP;
  if (other->size != output->size) return check_sizes_apart(matrix, other, output);
  const simdrop_layout layout = layout_of(matrix, other->stride, output->stride);
  return simdrop_check_layout_arrays(&layout, output->size, other->first, output->first);
}

simdrop_status simdrop_check_arrays(const simdrop_matrix *matrix, const simdrop_array *arrays, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (arrays[i].first == NULL || arrays[i].role != SIMDROP_OUTPUT) continue;
    for (size_t j = 0; j < count; ++j)
      if (j != i && arrays[j].first != NULL) SIMDROP_RETURN_IF_ERROR(check_two(matrix, &arrays[j], &arrays[i]));
  }
  return SIMDROP_OK;
}

// ---- operations

simdrop_operation simdrop_matrix_decisions(const simdrop_mask *mask, simdrop_dtype dtype, const simdrop_matrix *matrix) {
  return (simdrop_operation){
      .work = SIMDROP_WORK_SCALE,
      .dtype = dtype,
      .size = (uint32_t)simdrop_element_size(dtype),
      .store = SIMDROP_STORE_CACHED,
      .seed = mask->seed,
      .stream = mask->stream,
      .index = mask->offset,
      .n = matrix->rows * matrix->columns,
      .threshold = simdrop_threshold(mask->p),
  };
}

simdrop_store simdrop_matrix_store(const simdrop_operation *decisions, const void *input, void *output) {
  simdrop_operation elements = *decisions;
  elements.x = (const char *)input;
  elements.y = (char *)output;
  return simdrop_store_for(&elements);
}

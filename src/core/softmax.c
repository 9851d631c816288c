// The public functions of softmax: a call is checked whole, made an operation, and cut into rows for an executor.
#include "fused/softmax.h"

#include <math.h>

#include "core/check_matrix.h"
#include "sleef/f64_math.h"

simdrop_softmax simdrop_softmax_plain(double scale, size_t columns) {
  return (simdrop_softmax){.scale = scale, .probability_stride = (ptrdiff_t)columns};
}

// What both directions are given.
typedef struct softmax_call {
  const simdrop_mask *mask;
  simdrop_dtype dtype;
  const simdrop_matrix *matrix;
  const simdrop_softmax *softmax;
} softmax_call;

static simdrop_f64_function *f64_exp(void) {
  const simdrop_f64_math *const math = simdrop_f64_math_here();
  return math == NULL ? NULL : math->exp;
}

// As it is computed with.
static double scale_of(const softmax_call *call) {
  return call->dtype == SIMDROP_F64 ? call->softmax->scale : (double)(float)call->softmax->scale;
}

static simdrop_status check_softmax(const softmax_call *call, size_t *count) {
  SIMDROP_RETURN_IF_ERROR(simdrop_check_matrix(call->mask, call->dtype, call->matrix, count));
  const simdrop_softmax *const softmax = call->softmax;
  if (softmax == NULL) return SIMDROP_ERROR_NULL_POINTER;
  if (softmax->flags != 0) return SIMDROP_ERROR_FLAGS;
  if (softmax->causal != 0 && softmax->causal != 1) return SIMDROP_ERROR_SHAPE;
  if (!isfinite(scale_of(call))) return SIMDROP_ERROR_SHAPE;
  const simdrop_dtype additive = softmax->additive_type;
  if (softmax->additive != NULL && additive != call->dtype && (additive != SIMDROP_F32 || call->dtype == SIMDROP_F64))
    return SIMDROP_ERROR_DTYPE;
  return call->dtype == SIMDROP_F64 && f64_exp() == NULL ? SIMDROP_ERROR_NOT_BUILT : SIMDROP_OK;
}

// Bytes of two numbers for each row.
static simdrop_status find_statistics_size(const softmax_call *call, size_t *bytes) {
  const size_t pair = 2 * simdrop_computed_size(call->dtype);
  if (call->matrix->rows > PTRDIFF_MAX / pair) return SIMDROP_ERROR_SIZE_OVERFLOW;
  *bytes = call->matrix->rows * pair;
  return SIMDROP_OK;
}

static simdrop_array additive_of(const simdrop_softmax *softmax) {
  const size_t size = simdrop_element_size(softmax->additive_type);
  return elements_of(SIMDROP_INPUT_APART, softmax->additive, softmax->additive_stride, size);
}

static simdrop_array allowed_of(const simdrop_softmax *softmax) {
  return elements_of(SIMDROP_INPUT_APART, softmax->allowed, softmax->allowed_stride, 1);
}

static simdrop_status check_forward_arrays(const softmax_call *call, const void *x, const void *y, const void *probabilities,
                                           const void *statistics) {
  const simdrop_matrix *const matrix = call->matrix;
  const simdrop_softmax *const softmax = call->softmax;
  const size_t size = simdrop_element_size(call->dtype);
  size_t statistics_size = 0;
  if (x == NULL || y == NULL) return SIMDROP_ERROR_NULL_POINTER;
  if (statistics != NULL) SIMDROP_RETURN_IF_ERROR(find_statistics_size(call, &statistics_size));
  const simdrop_array arrays[] = {
      elements_of(SIMDROP_INPUT, x, matrix->x_stride, size),
      elements_of(SIMDROP_OUTPUT, y, matrix->y_stride, size),
      elements_of(SIMDROP_OUTPUT, probabilities, softmax->probability_stride, size),
      additive_of(softmax),
      allowed_of(softmax),
      bytes_of(SIMDROP_OUTPUT, statistics, statistics_size),
  };
  return simdrop_check_arrays(matrix, arrays, sizeof arrays / sizeof *arrays);
}

static simdrop_status check_backward_arrays(const softmax_call *call, const void *probabilities, const void *x,
                                            const void *statistics, const void *dy, const void *dx) {
  const simdrop_matrix *const matrix = call->matrix;
  const simdrop_softmax *const softmax = call->softmax;
  const size_t size = simdrop_element_size(call->dtype);
  const simdrop_array dy_array = elements_of(SIMDROP_INPUT, dy, matrix->y_stride, size);
  const simdrop_array dx_array = elements_of(SIMDROP_OUTPUT, dx, matrix->x_stride, size);
  size_t statistics_size = 0;
  if (dy == NULL || dx == NULL) return SIMDROP_ERROR_NULL_POINTER;
  if (probabilities != NULL) {
    const simdrop_array arrays[] = {dy_array, dx_array,
                                    elements_of(SIMDROP_INPUT, probabilities, softmax->probability_stride, size)};
    return simdrop_check_arrays(matrix, arrays, sizeof arrays / sizeof *arrays);
  }
  if (x == NULL || statistics == NULL) return SIMDROP_ERROR_NULL_POINTER;
  SIMDROP_RETURN_IF_ERROR(find_statistics_size(call, &statistics_size));
  const simdrop_array arrays[] = {
      dy_array,
      dx_array,
      elements_of(SIMDROP_INPUT, x, matrix->x_stride, size),
      additive_of(softmax),
      allowed_of(softmax),
      bytes_of(SIMDROP_INPUT, statistics, statistics_size),
  };
  return simdrop_check_arrays(matrix, arrays, sizeof arrays / sizeof *arrays);
}

static void set_causal_limit(const softmax_call *call, simdrop_softmax_operation *operation) {
  const ptrdiff_t rows = (ptrdiff_t)call->matrix->rows, columns = (ptrdiff_t)call->matrix->columns;
  const ptrdiff_t diagonal = call->softmax->diagonal;
  operation->is_causal = call->softmax->causal != 0 && diagonal < columns;
  operation->limit = operation->is_causal ? 1 + (diagonal < -rows ? -rows : diagonal) : 0;
}

// Whether probabilities are computed, or there already: then scores and their masks play no part.
static simdrop_softmax_operation operation_of(const softmax_call *call, bool computes) {
  const simdrop_matrix *const matrix = call->matrix;
  const simdrop_softmax *const softmax = call->softmax;
  const size_t rows = matrix->rows;
  const void *const additive = computes ? softmax->additive : NULL, *const allowed = computes ? softmax->allowed : NULL;
  simdrop_softmax_operation operation = {
      .decisions = simdrop_matrix_decisions(call->mask, call->dtype, matrix),
      .rows = rows,
      .columns = matrix->columns,
      .index_stride = matrix->index_stride,
      .scale = scale_of(call),
      .f64_exp = f64_exp(),
      .is_f32_additive = softmax->additive_type == SIMDROP_F32 && call->dtype != SIMDROP_F32,
      .additive = simdrop_rows_of(additive, softmax->additive_stride, simdrop_element_size(softmax->additive_type), rows),
      .allowed = simdrop_rows_of(allowed, softmax->allowed_stride, 1, rows),
  };
  set_causal_limit(call, &operation);
  return operation;
}

static void run_rows(void *context, size_t begin, size_t end) {
  const simdrop_softmax_operation part = simdrop_softmax_part((const simdrop_softmax_operation *)context, begin, end);
  simdrop_drive_softmax(&part);
}

static void run_softmax(const simdrop_executor *executor, simdrop_softmax_operation *operation) {
  const size_t most = simdrop_pieces_of(executor, operation->rows * operation->columns);
  const size_t pieces = most < operation->rows ? most : operation->rows;
  if (pieces <= 1) {
    simdrop_drive_softmax(operation);
  } else {
    simdrop_run_pieces(executor, pieces, operation->rows, 1, run_rows, operation);
  }
}

simdrop_status simdrop_softmax_forward(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                       const simdrop_matrix *matrix, const simdrop_softmax *softmax, const void *x, void *y,
                                       void *probabilities, void *statistics) {
  const softmax_call call = {mask, dtype, matrix, softmax};
  size_t count;
  SIMDROP_RETURN_IF_ERROR(check_softmax(&call, &count));
  if (count == 0) return SIMDROP_OK;
  SIMDROP_RETURN_IF_ERROR(check_forward_arrays(&call, x, y, probabilities, statistics));
  const size_t size = simdrop_element_size(dtype), rows = matrix->rows;
  simdrop_softmax_operation operation = operation_of(&call, true);
  operation.x = simdrop_rows_of(x, matrix->x_stride, size, rows);
  operation.y = simdrop_rows_of(y, matrix->y_stride, size, rows);
  operation.probabilities = simdrop_rows_of(probabilities, softmax->probability_stride, size, rows);
  operation.statistics = simdrop_rows_of(statistics, 2, simdrop_computed_size(dtype), rows);
  operation.decisions.store = simdrop_matrix_store(&operation.decisions, x, y);
  run_softmax(executor, &operation);
  return SIMDROP_OK;
}

simdrop_status simdrop_softmax_backward(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                        const simdrop_matrix *matrix, const simdrop_softmax *softmax, const void *probabilities,
                                        const void *x, const void *statistics, const void *dy, void *dx) {
  const softmax_call call = {mask, dtype, matrix, softmax};
  size_t count;
  SIMDROP_RETURN_IF_ERROR(check_softmax(&call, &count));
  if (count == 0) return SIMDROP_OK;
  SIMDROP_RETURN_IF_ERROR(check_backward_arrays(&call, probabilities, x, statistics, dy, dx));
  const size_t size = simdrop_element_size(dtype), rows = matrix->rows;
  const bool computes = probabilities == NULL;
  simdrop_softmax_operation operation = operation_of(&call, computes);
  operation.x = simdrop_rows_of(computes ? x : NULL, matrix->x_stride, size, rows);
  operation.probabilities = simdrop_rows_of(probabilities, softmax->probability_stride, size, rows);
  operation.statistics = simdrop_rows_of(computes ? statistics : NULL, 2, simdrop_computed_size(dtype), rows);
  operation.dy = simdrop_rows_of(dy, matrix->y_stride, size, rows);
  operation.y = simdrop_rows_of(dx, matrix->x_stride, size, rows);
  operation.decisions.store = simdrop_matrix_store(&operation.decisions, dy, dx);
  run_softmax(executor, &operation);
  return SIMDROP_OK;
}

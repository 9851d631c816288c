// The public functions of norms: a call is checked whole, made an operation, and cut into pieces for an executor.
#include <simdrop/simdrop.h>

#include <float.h>
#include <string.h>

#include "core/check_matrix.h"
#include "engine/own_frame.h"
#include "fused/norm.h"

// What both directions are given.
typedef struct norm_call {
  const simdrop_mask *mask;
  simdrop_dtype dtype;
  const simdrop_matrix *matrix;
  const simdrop_norm *norm;
} norm_call;

// What is infinite as a float would make every y beta, and say nothing.
static bool is_epsilon(double epsilon, simdrop_dtype dtype) {
  return epsilon >= 0 && epsilon <= (dtype == SIMDROP_F64 ? DBL_MAX : (double)FLT_MAX);
}

static simdrop_status check_norm(const norm_call *call, size_t *count) {
  SIMDROP_RETURN_IF_ERROR(simdrop_check_matrix(call->mask, call->dtype, call->matrix, count));
  const simdrop_norm *const norm = call->norm;
  if (norm == NULL) return SIMDROP_ERROR_NULL_POINTER;
  if (norm->flags != 0) return SIMDROP_ERROR_FLAGS;
  return (unsigned)norm->kind > SIMDROP_RMS_NORM || !is_epsilon(norm->epsilon, call->dtype) ? SIMDROP_ERROR_NORM : SIMDROP_OK;
}

// Bytes of what there is one for each column, in the call's type and in the one of sums, and of two for each row.
typedef struct norm_sizes {
  size_t columns, sums, statistics;
} norm_sizes;

static simdrop_status find_sizes(const norm_call *call, norm_sizes *sizes) {
  const size_t of_sum = simdrop_computed_size(call->dtype);
  const size_t columns = call->matrix->columns, rows = columns == 0 ? 0 : call->matrix->rows;
  if (columns > PTRDIFF_MAX / of_sum || rows > PTRDIFF_MAX / of_sum / 2) return SIMDROP_ERROR_SIZE_OVERFLOW;
  *sizes = (norm_sizes){columns * simdrop_element_size(call->dtype), columns * of_sum, rows * of_sum * 2};
  return SIMDROP_OK;
}

static simdrop_rows rows_of(const norm_call *call, const void *first, ptrdiff_t stride) {
  return simdrop_rows_of(first, stride, simdrop_element_size(call->dtype), call->matrix->rows);
}

// How y is stored. Without h, it is read again as soon as it is written.
static simdrop_store store_of(const simdrop_norm_operation *operation) {
  if (operation->h.first == operation->y.first) return SIMDROP_STORE_CACHED;
  const char *const input = operation->residual.first == operation->y.first ? operation->y.first : operation->x.first;
  return simdrop_matrix_store(&operation->decisions, input, operation->y.first);
}

static simdrop_norm_operation operation_of(const norm_call *call, const void *statistics) {
  const simdrop_matrix *const matrix = call->matrix;
  const simdrop_norm *const norm = call->norm;
  return (simdrop_norm_operation){
      .decisions = simdrop_matrix_decisions(call->mask, call->dtype, matrix),
      .rows = matrix->rows,
      .columns = matrix->columns,
      .index_stride = matrix->index_stride,
      .has_mean = norm->kind == SIMDROP_LAYER_NORM,
      .epsilon = norm->epsilon,
      .norm_columns = matrix->columns,
      .gamma = (const char *)norm->gamma,
      .statistics = simdrop_rows_of(statistics, 2, simdrop_computed_size(call->dtype), matrix->rows),
  };
}

// ---- threads

// Columns are cut at multiples of so many.
#define COLUMN_GRAIN ((size_t)64)

typedef void norm_driver(const simdrop_norm_operation *operation);

// What the pieces of an operation have in common.
typedef struct norm_pieces {
  const simdrop_norm_operation *operation;
  norm_driver *drive;
} norm_pieces;

static void run_part_of_rows(void *context, size_t begin, size_t end) {
  const norm_pieces *const all = (const norm_pieces *)context;
  const simdrop_norm_operation part = simdrop_norm_part_of_rows(all->operation, begin, end);
  all->drive(&part);
}

static void run_part_of_columns(void *context, size_t begin, size_t end) {
  const norm_pieces *const all = (const norm_pieces *)context;
  const simdrop_norm_operation part = simdrop_norm_part_of_columns(all->operation, begin, end);
  all->drive(&part);
}

static size_t pieces_for(const simdrop_executor *executor, const simdrop_norm_operation *operation) {
  return simdrop_pieces_of(executor, operation->rows * operation->columns);
}

static void run_rows(const simdrop_executor *executor, size_t pieces, const simdrop_norm_operation *operation,
                     norm_driver *drive) {
  norm_pieces all = {operation, drive};
  simdrop_run_pieces(executor, pieces, operation->rows, 1, run_part_of_rows, &all);
}

static void run_columns(const simdrop_executor *executor, size_t pieces, const simdrop_norm_operation *operation,
                        norm_driver *drive) {
  norm_pieces all = {operation, drive};
  simdrop_run_pieces(executor, pieces, operation->columns, COLUMN_GRAIN, run_part_of_columns, &all);
}

static void run_backward(const simdrop_executor *executor, const simdrop_norm_operation *operation) {
  const size_t pieces = pieces_for(executor, operation);
  if (pieces <= 1) {
    simdrop_drive_norm_gradients(operation);
    return;
  }
  if (operation->gamma_sums != NULL || operation->beta_sums != NULL)
    run_columns(executor, pieces, operation, simdrop_drive_norm_column_sums);
  run_rows(executor, pieces, operation, simdrop_drive_norm_rows);
  if (operation->bias_sums != NULL) run_columns(executor, pieces, operation, simdrop_drive_norm_bias_sums);
}

// ---- the public functions

// What a forward call is given beside what both directions are.
typedef struct forward_arrays {
  const void *x;
  void *h, *y, *statistics;
} forward_arrays;

// In a frame of its own, which is gone when the work begins.
static SIMDROP_OWN_FRAME simdrop_status make_forward(const norm_call *call, const norm_sizes *sizes,
                                                     const forward_arrays *given, simdrop_norm_operation *operation) {
  const simdrop_matrix *const matrix = call->matrix;
  const simdrop_norm *const norm = call->norm;
  const size_t size = simdrop_element_size(call->dtype);
  const simdrop_array arrays[] = {
      elements_of(SIMDROP_INPUT, given->x, matrix->x_stride, size),
      elements_of(SIMDROP_INPUT, norm->residual, matrix->residual_stride, size),
      elements_of(SIMDROP_OUTPUT, given->h, matrix->y_stride, size),
      elements_of(SIMDROP_OUTPUT, given->y, matrix->y_stride, size),
      bytes_of(SIMDROP_INPUT, norm->bias, sizes->columns),
      bytes_of(SIMDROP_INPUT, norm->gamma, sizes->columns),
      bytes_of(SIMDROP_INPUT, norm->beta, sizes->columns),
      bytes_of(SIMDROP_OUTPUT, given->statistics, sizes->statistics),
  };
  SIMDROP_RETURN_IF_ERROR(simdrop_check_arrays(matrix, arrays, sizeof arrays / sizeof *arrays));
  *operation = operation_of(call, given->statistics);
  operation->bias = (const char *)norm->bias;
  operation->beta = (const char *)norm->beta;
  operation->x = rows_of(call, given->x, matrix->x_stride);
  operation->residual = rows_of(call, norm->residual, matrix->residual_stride);
  operation->y = rows_of(call, given->y, matrix->y_stride);
  operation->h = given->h == NULL ? operation->y : rows_of(call, given->h, matrix->y_stride);
  operation->decisions.store = store_of(operation);
  return SIMDROP_OK;
}

simdrop_status simdrop_norm_forward(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                    const simdrop_matrix *matrix, const simdrop_norm *norm, const void *x, void *h, void *y,
                                    void *statistics) {
  const norm_call call = {mask, dtype, matrix, norm};
  size_t count;
  norm_sizes sizes;
  SIMDROP_RETURN_IF_ERROR(check_norm(&call, &count));
  if (count == 0) return SIMDROP_OK;
  if (x == NULL || y == NULL) return SIMDROP_ERROR_NULL_POINTER;
  SIMDROP_RETURN_IF_ERROR(find_sizes(&call, &sizes));
  const forward_arrays given = {x, h, y, statistics};
  simdrop_norm_operation operation;
  SIMDROP_RETURN_IF_ERROR(make_forward(&call, &sizes, &given, &operation));
  const size_t pieces = pieces_for(executor, &operation);
  if (pieces <= 1) {
    simdrop_drive_norm(&operation);
  } else {
    run_rows(executor, pieces, &operation, simdrop_drive_norm);
  }
  return SIMDROP_OK;
}

// What a backward call is given beside what both directions are.
typedef struct backward_arrays {
  const void *h, *statistics, *dy, *dh_added;
  void *dh, *dx;
  void *gamma_sums, *beta_sums, *bias_sums;
} backward_arrays;

// In a frame of its own, which is gone when the work begins.
static SIMDROP_OWN_FRAME simdrop_status make_backward(const norm_call *call, const norm_sizes *sizes,
                                                      const backward_arrays *given, simdrop_norm_operation *operation) {
  const simdrop_matrix *const matrix = call->matrix;
  const size_t size = simdrop_element_size(call->dtype);
  const ptrdiff_t stride = matrix->y_stride;
  const simdrop_array arrays[] = {
      elements_of(SIMDROP_INPUT, given->h, stride, size),
      elements_of(SIMDROP_INPUT, given->dy, stride, size),
      elements_of(SIMDROP_INPUT, given->dh_added, stride, size),
      elements_of(SIMDROP_OUTPUT, given->dh, stride, size),
      elements_of(SIMDROP_OUTPUT, given->dx, matrix->x_stride, size),
      bytes_of(SIMDROP_INPUT, given->statistics, sizes->statistics),
      bytes_of(SIMDROP_INPUT, call->norm->gamma, sizes->columns),
      bytes_of(SIMDROP_OUTPUT, given->gamma_sums, sizes->sums),
      bytes_of(SIMDROP_OUTPUT, given->beta_sums, sizes->sums),
      bytes_of(SIMDROP_OUTPUT, given->bias_sums, sizes->sums),
  };
  SIMDROP_RETURN_IF_ERROR(simdrop_check_arrays(matrix, arrays, sizeof arrays / sizeof *arrays));
  *operation = operation_of(call, given->statistics);
  operation->h = rows_of(call, given->h, stride);
  operation->dy = rows_of(call, given->dy, stride);
  operation->added = rows_of(call, given->dh_added, stride);
  operation->dh = rows_of(call, given->dh, stride);
  operation->dx = rows_of(call, given->dx, matrix->x_stride);
  operation->gamma_sums = (char *)given->gamma_sums;
  operation->beta_sums = (char *)given->beta_sums;
  operation->bias_sums = (char *)given->bias_sums;
  return SIMDROP_OK;
}

simdrop_status simdrop_norm_backward(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                     const simdrop_matrix *matrix, const simdrop_norm *norm, const void *h,
                                     const void *statistics, const void *dy, const void *dh_added, void *dh, void *dx,
                                     void *gamma_gradient, void *beta_gradient, void *bias_gradient) {
  const norm_call call = {mask, dtype, matrix, norm};
  void *const sums[] = {gamma_gradient, beta_gradient, bias_gradient};
  size_t count;
  norm_sizes sizes;
  SIMDROP_RETURN_IF_ERROR(check_norm(&call, &count));
  SIMDROP_RETURN_IF_ERROR(find_sizes(&call, &sizes));
  if (count == 0) {
    for (size_t i = 0; i < sizeof sums / sizeof *sums; ++i)
      if (sums[i] != NULL && sizes.sums > 0) memset(sums[i], 0, sizes.sums);
    return SIMDROP_OK;
  }
  if (h == NULL || statistics == NULL || dy == NULL || dx == NULL) return SIMDROP_ERROR_NULL_POINTER;
  const backward_arrays given = {h, statistics, dy, dh_added, dh, dx, gamma_gradient, beta_gradient, bias_gradient};
  simdrop_norm_operation operation;
  SIMDROP_RETURN_IF_ERROR(make_backward(&call, &sizes, &given, &operation));
  run_backward(executor, &operation);
  return SIMDROP_OK;
}

// The public functions of the chain: a call is checked whole, made an operation, and cut into pieces for an executor.
#include <simdrop/simdrop.h>

#include <string.h>

#include "core/check_matrix.h"
#include "fused/chain.h"
#include "sleef/f64_math.h"

// What both directions are given.
typedef struct chain_call {
  const simdrop_mask *mask;
  simdrop_dtype dtype;
  const simdrop_matrix *matrix;
  const simdrop_chain *chain;
} chain_call;

// Functions of doubles come from a library.
static bool needs_library(simdrop_dtype dtype, simdrop_activation activation) {
  return dtype == SIMDROP_F64 && activation != SIMDROP_ACTIVATION_NONE && activation != SIMDROP_RELU;
}

// NULL where that is not needed, or there is no such library.
static simdrop_f64_function *f64_function_of(simdrop_dtype dtype, simdrop_activation activation, bool is_gradient) {
  const simdrop_f64_math *const math = needs_library(dtype, activation) ? simdrop_f64_math_here() : NULL;
  if (math == NULL) return NULL;
  switch (activation) {
    case SIMDROP_GELU: return is_gradient ? math->gelu_gradient : math->gelu;
    case SIMDROP_GELU_TANH: return is_gradient ? math->gelu_tanh_gradient : math->gelu_tanh;
    case SIMDROP_SILU: return is_gradient ? math->silu_gradient : math->silu;
    default: return NULL;
  }
}

static simdrop_status check_chain(const chain_call *call, bool is_gradient, size_t *count) {
  SIMDROP_RETURN_IF_ERROR(simdrop_check_matrix(call->mask, call->dtype, call->matrix, count));
  const simdrop_chain *const chain = call->chain;
  if (chain == NULL) return SIMDROP_ERROR_NULL_POINTER;
  if (chain->flags != 0) return SIMDROP_ERROR_FLAGS;
  if ((unsigned)chain->activation > SIMDROP_SILU) return SIMDROP_ERROR_ACTIVATION;
  if ((unsigned)chain->bias_axis > SIMDROP_BIAS_OF_ROWS) return SIMDROP_ERROR_SHAPE;
  if (needs_library(call->dtype, chain->activation) && f64_function_of(call->dtype, chain->activation, is_gradient) == NULL)
    return SIMDROP_ERROR_NOT_BUILT;
  return SIMDROP_OK;
}

// Along the axis of the bias.
static size_t bias_count(const chain_call *call) {
  return call->chain->bias_axis == SIMDROP_BIAS_OF_ROWS ? call->matrix->rows : call->matrix->columns;
}

// Rows of the call's elements.
static simdrop_rows rows_of(const chain_call *call, const void *first, ptrdiff_t stride) {
  return simdrop_rows_of(first, stride, simdrop_element_size(call->dtype), call->matrix->rows);
}

static simdrop_chain_operation operation_of(const chain_call *call, bool is_gradient) {
  const simdrop_matrix *const matrix = call->matrix;
  const simdrop_chain *const chain = call->chain;
  return (simdrop_chain_operation){
      .decisions = simdrop_matrix_decisions(call->mask, call->dtype, matrix),
      .rows = matrix->rows,
      .columns = matrix->columns,
      .index_stride = matrix->index_stride,
      .activation = chain->activation,
      .f64_function = f64_function_of(call->dtype, chain->activation, is_gradient),
      .bias_axis = chain->bias_axis,
      .bias = (const char *)chain->bias,
      .is_gradient = is_gradient,
  };
}

// Decisions from bits in place of the mask, unless they are all the same.
static void use_stored(simdrop_chain_operation *operation, const uint8_t *stored) {
  if (stored == NULL || operation->decisions.threshold == SIMDROP_CERTAIN) return;
  operation->decisions.stored = stored;
  operation->decisions.index = 0;
  operation->index_stride = operation->columns;
}

static void run_rows(void *context, size_t begin, size_t end) {
  const simdrop_chain_operation part = simdrop_chain_rows((const simdrop_chain_operation *)context, begin, end);
  simdrop_drive_chain(&part);
}

static void run_columns(void *context, size_t begin, size_t end) {
  const simdrop_chain_operation part = simdrop_chain_columns((const simdrop_chain_operation *)context, begin, end);
  simdrop_drive_chain(&part);
}

// Rows are cut, after which packed bits begin with a byte; columns where it is their sums that are asked for, or where there
// are too few rows.
static void run_chain(const simdrop_executor *executor, simdrop_chain_operation *operation) {
  const size_t pieces = simdrop_pieces_of(executor, operation->rows * operation->columns);
  if (pieces <= 1) {
    simdrop_drive_chain(operation);
    return;
  }
  const bool sums_columns = operation->sums != NULL && operation->bias_axis == SIMDROP_BIAS_OF_COLUMNS;
  const bool needs_rows = (operation->sums != NULL && !sums_columns) || (operation->bits != NULL && operation->rows > 1);
  const bool cuts_columns = sums_columns || (!needs_rows && operation->rows < pieces);
  if (cuts_columns) {
    simdrop_run_pieces(executor, pieces, operation->columns, 64, run_columns, operation);
  } else {
    simdrop_run_pieces(executor, pieces, operation->rows, operation->bits == NULL ? 1 : 8, run_rows, operation);
  }
}

simdrop_status simdrop_chain_forward(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                     const simdrop_matrix *matrix, const simdrop_chain *chain, const void *x, void *y,
                                     uint8_t *bits) {
  const chain_call call = {mask, dtype, matrix, chain};
  size_t count;
  SIMDROP_RETURN_IF_ERROR(check_chain(&call, false, &count));
  if (count == 0) return SIMDROP_OK;
  if (x == NULL || y == NULL) return SIMDROP_ERROR_NULL_POINTER;
  const size_t size = simdrop_element_size(dtype);
  const simdrop_array arrays[] = {
      elements_of(SIMDROP_INPUT, x, matrix->x_stride, size),
      elements_of(SIMDROP_INPUT, chain->residual, matrix->residual_stride, size),
      elements_of(SIMDROP_OUTPUT, y, matrix->y_stride, size),
      bytes_of(SIMDROP_INPUT, chain->bias, bias_count(&call) * size),
      bytes_of(SIMDROP_OUTPUT, bits, packed_size(count)),
  };
  SIMDROP_RETURN_IF_ERROR(simdrop_check_arrays(matrix, arrays, sizeof arrays / sizeof *arrays));
  simdrop_chain_operation operation = operation_of(&call, false);
  operation.x = rows_of(&call, x, matrix->x_stride);
  operation.residual = rows_of(&call, chain->residual, matrix->residual_stride);
  operation.y = rows_of(&call, y, matrix->y_stride);
  operation.bits = bits;
  operation.decisions.store = simdrop_matrix_store(&operation.decisions, chain->residual == y ? y : x, y);
  run_chain(executor, &operation);
  return SIMDROP_OK;
}

// Bytes of the bias' gradient, also where there are no elements.
static simdrop_status find_sums_size(const chain_call *call, size_t *size) {
  const size_t count = bias_count(call), of_one = simdrop_computed_size(call->dtype);
  if (count > PTRDIFF_MAX / of_one) return SIMDROP_ERROR_SIZE_OVERFLOW;
  *size = count * of_one;
  return SIMDROP_OK;
}

simdrop_status simdrop_chain_backward(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                      const simdrop_matrix *matrix, const simdrop_chain *chain, const uint8_t *bits,
                                      const void *x, const void *dy, void *dx, void *bias_gradient) {
  const chain_call call = {mask, dtype, matrix, chain};
  size_t count, sums_size = 0;
  SIMDROP_RETURN_IF_ERROR(check_chain(&call, true, &count));
  if (bias_gradient != NULL) SIMDROP_RETURN_IF_ERROR(find_sums_size(&call, &sums_size));
  if (count == 0) {
    if (sums_size > 0) memset(bias_gradient, 0, sums_size);
    return SIMDROP_OK;
  }
  // The bits of ReLU's forward call say where its derivative is 0.
  const bool is_decided = chain->activation == SIMDROP_ACTIVATION_NONE || (chain->activation == SIMDROP_RELU && bits != NULL);
  if ((!is_decided && x == NULL) || dy == NULL || dx == NULL) return SIMDROP_ERROR_NULL_POINTER;
  const void *const input = is_decided ? NULL : x, *const bias = is_decided ? NULL : chain->bias;
  const size_t size = simdrop_element_size(dtype);
  const simdrop_array arrays[] = {
      elements_of(SIMDROP_INPUT, input, matrix->x_stride, size), elements_of(SIMDROP_INPUT, dy, matrix->y_stride, size),
      elements_of(SIMDROP_OUTPUT, dx, matrix->x_stride, size),   bytes_of(SIMDROP_INPUT, bias, bias_count(&call) * size),
      bytes_of(SIMDROP_INPUT, bits, packed_size(count)),         bytes_of(SIMDROP_OUTPUT, bias_gradient, sums_size),
  };
  SIMDROP_RETURN_IF_ERROR(simdrop_check_arrays(matrix, arrays, sizeof arrays / sizeof *arrays));
  simdrop_chain_operation operation = operation_of(&call, true);
  use_stored(&operation, bits);
  if (is_decided) operation.activation = SIMDROP_ACTIVATION_NONE;
  operation.bias = (const char *)bias;
  operation.x = rows_of(&call, input, matrix->x_stride);
  operation.dy = rows_of(&call, dy, matrix->y_stride);
  operation.dx = rows_of(&call, dx, matrix->x_stride);
  operation.sums = (char *)bias_gradient;
  operation.decisions.store = simdrop_matrix_store(&operation.decisions, x == dx ? dx : dy, dx);
  run_chain(executor, &operation);
  return SIMDROP_OK;
}

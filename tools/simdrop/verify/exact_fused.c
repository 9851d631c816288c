// Fused kernels against their formulas, element by element: exactly where a formula is made of sums and products, within a
// bound where it has functions like erf. Rows have gaps between them, which must stay untouched.
#include "verify/exact_fused.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "verify/exact_parts.h"
#include "verify/formulas.h"
#include "verify/reference.h"
#include "verify/values.h"

#define MOST_ROWS 130     // three groups of the column sums, of which the last is short
#define MOST_COLUMNS 300  // more than two blocks
#define MOST_ELEMENTS 9200
#define GAP 3  // elements between rows

typedef struct matrix_shape {
  size_t rows, columns;
} matrix_shape;
static const matrix_shape shapes[] = {{1, 1}, {3, 5}, {2, 129}, {7, 64}, {130, 67}, {1, 300}, {5, 32}};
#define SHAPE_COUNT (sizeof shapes / sizeof shapes[0])

static const double chain_p[] = {0.3, 0.5, 0, 0.9, 1};
#define CHAIN_P_COUNT (sizeof chain_p / sizeof chain_p[0])

// 8 bytes suffice for an element of any type.
typedef struct fused_arrays {
  uint64_t x[MOST_ELEMENTS], y[MOST_ELEMENTS], residual[MOST_ELEMENTS], dy[MOST_ELEMENTS], other[MOST_ELEMENTS];
  uint64_t bias[MOST_COLUMNS], sums[MOST_COLUMNS + MARGIN];
  uint8_t bits[MOST_ELEMENTS / 8 + MARGIN];
  uint64_t additive[MOST_ELEMENTS];
  uint8_t allowed[MOST_ELEMENTS];
} fused_arrays;

static fused_arrays *allocate_arrays(exact_result *result) {
  fused_arrays *const arrays = malloc(sizeof *arrays);
  if (arrays == NULL) fails(result, "not enough memory");
  return arrays;
}

// The same with what functions have limits for.
static void fill_with_limits(simdrop_dtype dtype, uint64_t seed, size_t n, void *x) {
  static const double limits[] = {0, -0.0, INFINITY, -INFINITY, NAN, 1e4, -1e4, 0x1p-24, -0x1p-24};
  fill_ordinary(dtype, seed, n, x);
  for (size_t k = 5, i = 0; k < n; k += 17, ++i)
    store_bits(dtype, bits_of_value(dtype, limits[i % (sizeof limits / sizeof limits[0])]),
               (char *)x + k * simdrop_dtype_size(dtype));
}

// As many elements as the tests' matrices have at most, gaps included.
static size_t room_of(const simdrop_matrix *matrix) { return matrix->rows * (matrix->columns + GAP); }

static bool is_kept(reference_block *block, const simdrop_mask *mask, const simdrop_matrix *matrix, size_t r, size_t c) {
  return reference_kept(block, mask, r * matrix->index_stride + c);
}

// ---- chains: what both directions have in common

typedef struct chain_case {
  simdrop_dtype dtype;
  simdrop_mask mask;
  simdrop_matrix matrix;
  simdrop_chain chain;
} chain_case;

static const char *const activation_names[] = {"no activation", "ReLU", "GELU", "tanh-GELU", "SiLU"};

// Case number i, of every type, activation and shape, with the other parts in turn.
static chain_case chain_case_of(size_t i, fused_arrays *arrays) {
  const size_t types = COMPUTED_TYPES, activations = SIMDROP_SILU + 1;
  const simdrop_activation activation = (simdrop_activation)(i / types % activations);
  const matrix_shape shape = shapes[i / (types * activations) % SHAPE_COUNT];
  chain_case result = {.dtype = (simdrop_dtype)(i % types), .matrix = simdrop_matrix_dense(shape.rows, shape.columns)};
  const size_t turn = i / types + i / (types * activations);
  const ptrdiff_t wide = (ptrdiff_t)shape.columns + GAP;
  result.mask = (simdrop_mask){chain_p[turn % CHAIN_P_COUNT], 61, i, 1000 + 31 * i, 0};
  result.matrix.x_stride = turn % 2 == 0 ? wide : (ptrdiff_t)shape.columns;
  result.matrix.y_stride = turn % 3 == 0 ? wide : (ptrdiff_t)shape.columns;
  result.matrix.residual_stride = turn % 4 == 1 ? 0 : (ptrdiff_t)shape.columns;
  result.matrix.index_stride = turn % 7 == 3 ? 0 : turn % 7 == 5 ? shape.columns + 100 : shape.columns;
  result.chain.activation = activation;
  result.chain.bias_axis = turn % 3 == 1 ? SIMDROP_BIAS_OF_ROWS : SIMDROP_BIAS_OF_COLUMNS;
  result.chain.bias = turn % 5 == 2 ? NULL : arrays->bias;
  result.chain.residual = turn % 4 == 2 ? NULL : arrays->residual;
  return result;
}
#define CHAIN_CASES (COMPUTED_TYPES * (SIMDROP_SILU + 1) * SHAPE_COUNT * 2)

// t = x + bias.
static double biased(const chain_case *given, const void *x, size_t r, size_t c) {
  const double value = value_at(given->dtype, x, given->matrix.x_stride, r, c);
  if (given->chain.bias == NULL) return value;
  const size_t k = given->chain.bias_axis == SIMDROP_BIAS_OF_ROWS ? r : c;
  return computed(given->dtype, value + value_at(given->dtype, given->chain.bias, 0, 0, k));
}

// Functions of doubles come from a library that need not be there.
static bool is_left_out(const chain_case *given, simdrop_status status) {
  return status == SIMDROP_ERROR_NOT_BUILT && given->dtype == SIMDROP_F64 && !activation_is_exact(given->chain.activation);
}

static void chain_fails(exact_result *result, const chain_case *given, const char *what, size_t r, size_t c, double found,
                        double expected) {
  fails(result, "%s of %s in %s, p = %g: element (%zu, %zu) of %zu x %zu is %.9g, not %.9g", what,
        activation_names[given->chain.activation], simdrop_dtype_name(given->dtype), given->mask.p, r, c, given->matrix.rows,
        given->matrix.columns, found, expected);
}

// Elements between the rows, and behind the last.
static void compare_gaps(const chain_case *given, const char *what, const void *array, ptrdiff_t stride, exact_result *result) {
  const size_t size = simdrop_dtype_size(given->dtype), rows = given->matrix.rows, used = given->matrix.columns * size;
  const uint8_t *const bytes = array;
  for (size_t r = 0; r < rows; ++r) {
    const size_t begin = r * (size_t)stride * size + used,
                 end = r + 1 < rows ? (r + 1) * (size_t)stride * size : begin + MARGIN;
    for (size_t i = begin; i < end; ++i)
      if (bytes[i] != MARGIN_BYTE)
        fails(result, "%s in %s: a write behind row %zu of %zu", what, simdrop_dtype_name(given->dtype), r, rows);
  }
}

// ---- K11: y = residual + dropout(activation(x + bias)), and the bits

// y and how far it may be off.
static double chain_value(const chain_case *given, double t, bool kept, double residual, double *error) {
  const simdrop_dtype dtype = given->dtype;
  const simdrop_activation activation = given->chain.activation;
  const double scale = computed_scale(dtype, keep_probability(given->mask.p));
  const double dropped_out = kept ? computed(dtype, activation_value(activation, t) * scale) : 0;
  const double y = given->chain.residual == NULL ? dropped_out : computed(dtype, residual + dropped_out);
  *error = !kept || activation_is_exact(activation)
               ? 0
               : activation_error(dtype, activation, t) * scale + 2 * rounding_error(dtype) * (fabs(dropped_out) + fabs(y));
  return y;
}

static void compare_chain(const chain_case *given, const void *x, const void *residual, const void *y, const uint8_t *bits,
                          exact_result *result) {
  const simdrop_dtype dtype = given->dtype;
  const simdrop_matrix *const matrix = &given->matrix;
  reference_block block = {0};
  for (size_t r = 0; r < matrix->rows; ++r) {
    for (size_t c = 0; c < matrix->columns; ++c) {
      const size_t k = r * matrix->columns + c;
      const bool kept = is_kept(&block, &given->mask, matrix, r, c);
      const double t = biased(given, x, r, c);
      double error;
      const double expected = chain_value(given, t, kept, value_at(dtype, residual, matrix->residual_stride, r, c), &error);
      const uint64_t found = bits_at(dtype, y, matrix->y_stride, r, c);
      if (!is_within(dtype, found, expected, error))
        chain_fails(result, given, "the chain", r, c, value_of_bits(dtype, found), expected);
      if (bit_of(bits, k) != (kept && (given->chain.activation != SIMDROP_RELU || t > 0)))
        fails(result, "bits of %s in %s, p = %g: element (%zu, %zu)", activation_names[given->chain.activation],
              simdrop_dtype_name(dtype), given->mask.p, r, c);
    }
  }
  for (size_t i = (matrix->rows * matrix->columns + 7) / 8; i < sizeof((fused_arrays *)0)->bits; ++i)
    if (bits[i] != MARGIN_BYTE) fails(result, "a write behind the bits of a chain of %zu rows", matrix->rows);
  result->elements += matrix->rows * matrix->columns;
}

static void check_chain_case(const dropout_functions *functions, size_t i, fused_arrays *arrays, exact_result *result) {
  chain_case given = chain_case_of(i, arrays);
  const simdrop_dtype dtype = given.dtype;
  const size_t room = room_of(&given.matrix);
  if (activation_is_exact(given.chain.activation)) {
    fill_nasty(dtype, room, arrays->x);
  } else {
    fill_with_limits(dtype, i, room, arrays->x);
  }
  fill_ordinary(dtype, i + 1000, room, arrays->residual);
  fill_ordinary(dtype, i + 2000, MOST_COLUMNS, arrays->bias);
  memset(arrays->y, MARGIN_BYTE, sizeof arrays->y);
  memset(arrays->bits, MARGIN_BYTE, sizeof arrays->bits);
  const simdrop_status status =
      functions->chain_forward(NULL, &given.mask, dtype, &given.matrix, &given.chain, arrays->x, arrays->y, arrays->bits);
  if (is_left_out(&given, status)) return;
  succeeds(result, status);
  compare_chain(&given, arrays->x, arrays->residual, arrays->y, arrays->bits, result);
  compare_gaps(&given, "the chain", arrays->y, given.matrix.y_stride, result);
  // In place of the residual, which is what a residual stream does.
  if (given.chain.residual == NULL || given.matrix.residual_stride == 0) return;
  given.matrix.y_stride = given.matrix.residual_stride;
  memcpy(arrays->y, arrays->residual, sizeof arrays->y);
  given.chain.residual = arrays->y;
  succeeds(result, functions->chain_forward(NULL, &given.mask, dtype, &given.matrix, &given.chain, arrays->x, arrays->y, NULL));
  compare_chain(&given, arrays->x, arrays->residual, arrays->y, arrays->bits, result);
}

// Without its other parts a chain is dropout alone, bit for bit.
static void compare_with_forward(const dropout_functions *functions, simdrop_dtype dtype, double p, fused_arrays *arrays,
                                 exact_result *result) {
  const matrix_shape shape = {7, 131};
  const size_t n = shape.rows * shape.columns;
  const simdrop_mask mask = {p, 67, 71, 73, 0};
  const simdrop_matrix matrix = simdrop_matrix_dense(shape.rows, shape.columns);
  const simdrop_chain chain = {.activation = SIMDROP_ACTIVATION_NONE};
  fill_ordinary(dtype, 77, n, arrays->x);
  succeeds(result, functions->forward(&mask, dtype, n, arrays->x, arrays->y, NULL));
  succeeds(result, functions->chain_forward(NULL, &mask, dtype, &matrix, &chain, arrays->x, arrays->other, NULL));
  if (memcmp(arrays->y, arrays->other, n * simdrop_dtype_size(dtype)) != 0)
    fails(result, "a chain of nothing in %s, p = %g, is not forward", simdrop_dtype_name(dtype), p);
  result->elements += n;
}

void check_chain(const dropout_functions *functions, exact_result *result) {
  fused_arrays *const arrays = allocate_arrays(result);
  if (arrays == NULL) return;
  for (size_t i = 0; i < CHAIN_CASES; ++i) check_chain_case(functions, i, arrays, result);
  for (size_t i = 0; i < COMPUTED_TYPES * CHAIN_P_COUNT; ++i)
    compare_with_forward(functions, (simdrop_dtype)(i % COMPUTED_TYPES), chain_p[i / COMPUTED_TYPES], arrays, result);
  free(arrays);
}

// ---- K12: dx, and its sums along the axis across the bias, in the order that the header promises

typedef struct gradient_sums {
  double lanes[MOST_COLUMNS][SUM_LANES];  // of each row
  column_sum columns[MOST_COLUMNS];
  double error[MOST_COLUMNS];
} gradient_sums;

static bool is_along_rows(const chain_case *given) { return given->chain.bias_axis == SIMDROP_BIAS_OF_ROWS; }

static void add_to_sums(const chain_case *given, size_t r, size_t c, double dx, double error, gradient_sums *sums) {
  const size_t k = is_along_rows(given) ? r : c;
  // Where dx is not exact, the order of additions does not show.
  if (error > 0) sums->error[k] += error + (double)MOST_COLUMNS * rounding_error(given->dtype) * fabs(dx);
  if (is_along_rows(given)) {
    double *const lane = &sums->lanes[r][c % SUM_LANES];
    *lane = computed(given->dtype, *lane + dx);
  } else {
    add_to_column(given->dtype, &sums->columns[c], r, given->matrix.rows, dx);
  }
}

static double gradient_value(const chain_case *given, double t, bool kept, double dy, double *error) {
  const simdrop_dtype dtype = given->dtype;
  const simdrop_activation activation = given->chain.activation;
  *error = 0;
  if (!kept) return 0;
  const double g = computed(dtype, dy * computed_scale(dtype, keep_probability(given->mask.p)));
  if (activation == SIMDROP_ACTIVATION_NONE) return g;
  if (activation == SIMDROP_RELU) return t > 0 ? g : 0;
  const double dx = computed(dtype, g * activation_slope(activation, t));
  if (isfinite(dx)) *error = fabs(g) * slope_error(dtype, activation) + 2 * rounding_error(dtype) * fabs(dx);
  return dx;
}

static void compare_gradients(const chain_case *given, const fused_arrays *arrays, gradient_sums *sums, exact_result *result) {
  const simdrop_dtype dtype = given->dtype;
  const simdrop_matrix *const matrix = &given->matrix;
  reference_block block = {0};
  memset(sums, 0, sizeof *sums);
  for (size_t r = 0; r < matrix->rows; ++r) {
    for (size_t c = 0; c < matrix->columns; ++c) {
      double error;
      const double expected = gradient_value(given, biased(given, arrays->x, r, c), is_kept(&block, &given->mask, matrix, r, c),
                                             value_at(dtype, arrays->dy, matrix->y_stride, r, c), &error);
      const uint64_t found = bits_at(dtype, arrays->other, matrix->x_stride, r, c);
      if (!is_within(dtype, found, expected, error))
        chain_fails(result, given, "the gradient", r, c, value_of_bits(dtype, found), expected);
      add_to_sums(given, r, c, expected, error, sums);
    }
  }
  const size_t count = is_along_rows(given) ? matrix->rows : matrix->columns;
  const simdrop_dtype sum_type = dtype == SIMDROP_F64 ? SIMDROP_F64 : SIMDROP_F32;
  for (size_t k = 0; k < count; ++k) {
    const double expected = is_along_rows(given) ? sum_of_lanes(dtype, sums->lanes[k]) : sums->columns[k].total;
    const uint64_t found = bits_at(sum_type, arrays->sums, 0, 0, k);
    if (!is_within(sum_type, found, expected, sums->error[k]))
      chain_fails(result, given, "the bias' gradient", 0, k, value_of_bits(sum_type, found), expected);
  }
  const uint8_t *const behind = (const uint8_t *)arrays->sums + count * simdrop_dtype_size(sum_type);
  for (size_t i = 0; i < MARGIN; ++i)
    if (behind[i] != MARGIN_BYTE) fails(result, "a write behind the bias' gradient of %zu", count);
  result->elements += matrix->rows * matrix->columns + count;
}

static void check_gradient_case(const dropout_functions *functions, size_t i, fused_arrays *arrays, gradient_sums *sums,
                                exact_result *result) {
  chain_case given = chain_case_of(i, arrays);
  const simdrop_dtype dtype = given.dtype;
  const size_t room = room_of(&given.matrix);
  given.chain.residual = NULL;
  fill_with_limits(dtype, i + 3000, room, arrays->x);
  fill_ordinary(dtype, i + 4000, room, arrays->dy);
  fill_ordinary(dtype, i + 5000, MOST_COLUMNS, arrays->bias);
  // NaN has no derivative, but ReLU's is said to be 0.
  if (!activation_is_exact(given.chain.activation)) fill_ordinary(dtype, i + 3000, room, arrays->x);
  for (int stored = 0; stored < 2; ++stored) {
    memset(arrays->other, MARGIN_BYTE, sizeof arrays->other);
    memset(arrays->sums, MARGIN_BYTE, sizeof arrays->sums);
    if (stored != 0) {
      const simdrop_status forward =
          functions->chain_forward(NULL, &given.mask, dtype, &given.matrix, &given.chain, arrays->x, arrays->y, arrays->bits);
      if (!is_left_out(&given, forward)) succeeds(result, forward);
    }
    const bool without_x = stored != 0 && activation_is_exact(given.chain.activation);
    const simdrop_status status =
        functions->chain_backward(NULL, &given.mask, dtype, &given.matrix, &given.chain, stored != 0 ? arrays->bits : NULL,
                                  without_x ? NULL : arrays->x, arrays->dy, arrays->other, arrays->sums);
    if (is_left_out(&given, status)) return;
    succeeds(result, status);
    compare_gradients(&given, arrays, sums, result);
    compare_gaps(&given, "the gradient", arrays->other, given.matrix.x_stride, result);
  }
}

void check_chain_gradients(const dropout_functions *functions, exact_result *result) {
  fused_arrays *const arrays = allocate_arrays(result);
  gradient_sums *const sums = malloc(sizeof *sums);
  if (sums == NULL) fails(result, "not enough memory");
  for (size_t i = 0; i < CHAIN_CASES && arrays != NULL && sums != NULL; ++i)
    check_gradient_case(functions, i, arrays, sums, result);
  free(sums);
  free(arrays);
}

// ---- K13: softmax with dropout. Probabilities and gradients are within a bound that grows with the exponent; zeros are those
// of the mask and no others.

typedef struct softmax_case {
  simdrop_dtype dtype;
  simdrop_mask mask;
  simdrop_matrix matrix;
  simdrop_softmax softmax;
} softmax_case;

// One row of it, in double.
typedef struct softmax_row {
  double p[MOST_COLUMNS], error[MOST_COLUMNS];  // probabilities, and their relative errors
  double maximum, inverse;
} softmax_row;

// v, or -infinity where the score is masked.
static double score(const softmax_case *given, const void *x, size_t r, size_t c) {
  const simdrop_softmax *const softmax = &given->softmax;
  if (softmax->causal && (ptrdiff_t)c > (ptrdiff_t)r + softmax->diagonal) return -INFINITY;
  if (softmax->allowed != NULL && softmax->allowed[(ptrdiff_t)r * softmax->allowed_stride + (ptrdiff_t)c] == 0)
    return -INFINITY;
  const double scaled =
      computed(given->dtype, value_at(given->dtype, x, given->matrix.x_stride, r, c) * computed(given->dtype, softmax->scale));
  if (softmax->additive == NULL) return scaled;
  return computed(given->dtype, scaled + value_at(softmax->additive_type, softmax->additive, softmax->additive_stride, r, c));
}

static void softmax_of_row(const softmax_case *given, const void *x, size_t r, softmax_row *row) {
  double sum = 0;
  row->maximum = -INFINITY;
  for (size_t c = 0; c < given->matrix.columns; ++c) row->maximum = fmax(row->maximum, score(given, x, r, c));
  if (row->maximum == -INFINITY) row->maximum = 0;
  for (size_t c = 0; c < given->matrix.columns; ++c) {
    const double distance = row->maximum - score(given, x, r, c);
    row->p[c] = exp(-distance);
    row->error[c] = (16 + (isinf(distance) ? 0 : distance)) * rounding_error(given->dtype);
    sum += row->p[c];
  }
  row->inverse = sum > 0 ? 1 / sum : 0;
  for (size_t c = 0; c < given->matrix.columns; ++c) row->p[c] *= row->inverse;
}

static void softmax_fails(exact_result *result, const softmax_case *given, const char *what, size_t r, size_t c, double found,
                          double expected) {
  fails(result, "%s in %s, p = %g: element (%zu, %zu) of %zu x %zu is %.9g, not %.9g", what, simdrop_dtype_name(given->dtype),
        given->mask.p, r, c, given->matrix.rows, given->matrix.columns, found, expected);
}

static void compare_softmax_row(const softmax_case *given, const fused_arrays *arrays, size_t r, const softmax_row *row,
                                reference_block *block, exact_result *result) {
  const simdrop_dtype dtype = given->dtype, statistics_type = dtype == SIMDROP_F64 ? SIMDROP_F64 : SIMDROP_F32;
  const double scale = computed_scale(dtype, keep_probability(given->mask.p));
  for (size_t c = 0; c < given->matrix.columns; ++c) {
    const bool kept = is_kept(block, &given->mask, &given->matrix, r, c);
    const double expected = kept ? row->p[c] * scale : 0;
    const uint64_t y = bits_at(dtype, arrays->y, given->matrix.y_stride, r, c);
    const uint64_t p = bits_at(dtype, arrays->other, given->softmax.probability_stride, r, c);
    if (!is_within(dtype, y, expected, expected * row->error[c]))
      softmax_fails(result, given, "softmax", r, c, value_of_bits(dtype, y), expected);
    if (!is_within(dtype, p, row->p[c], row->p[c] * row->error[c]))
      softmax_fails(result, given, "a probability", r, c, value_of_bits(dtype, p), row->p[c]);
  }
  const uint64_t maximum = bits_at(statistics_type, arrays->sums, 2, r, 0);
  const uint64_t inverse = bits_at(statistics_type, arrays->sums, 2, r, 1);
  if (!is_within(statistics_type, maximum, row->maximum, 0))
    softmax_fails(result, given, "the largest score", r, 0, value_of_bits(statistics_type, maximum), row->maximum);
  if (!is_within(statistics_type, inverse, row->inverse, 16 * rounding_error(dtype) * row->inverse))
    softmax_fails(result, given, "the inverse of the sum", r, 0, value_of_bits(statistics_type, inverse), row->inverse);
}

// dx from the probabilities as they were stored.
static void compare_softmax_gradient_row(const softmax_case *given, const fused_arrays *arrays, const void *dx, size_t r,
                                         const softmax_row *row, reference_block *block, exact_result *result) {
  const simdrop_dtype dtype = given->dtype;
  const double scale = computed_scale(dtype, keep_probability(given->mask.p));
  double g[MOST_COLUMNS], sum = 0, size = 0, worst = 0;
  for (size_t c = 0; c < given->matrix.columns; ++c) {
    const double p = value_at(dtype, arrays->other, given->softmax.probability_stride, r, c);
    g[c] = is_kept(block, &given->mask, &given->matrix, r, c)
               ? value_at(dtype, arrays->dy, given->matrix.y_stride, r, c) * scale
               : 0;
    sum += g[c] * p;
    size += fabs(g[c]) * p;
    worst = fmax(worst, row->error[c]);
  }
  for (size_t c = 0; c < given->matrix.columns; ++c) {
    const double p = value_at(dtype, arrays->other, given->softmax.probability_stride, r, c);
    const double expected = p > 0 ? p * (g[c] - sum) * given->softmax.scale : 0;
    const double error = 2 * worst * p * (fabs(g[c]) + size) * fabs(given->softmax.scale);
    const uint64_t found = bits_at(dtype, dx, given->matrix.x_stride, r, c);
    if (!is_within(dtype, found, expected, error))
      softmax_fails(result, given, "the gradient of softmax", r, c, value_of_bits(dtype, found), expected);
  }
}

static void compare_softmax_gradients(const dropout_functions *functions, const softmax_case *given, fused_arrays *arrays,
                                      exact_result *result) {
  const simdrop_dtype dtype = given->dtype;
  softmax_row row;
  reference_block block = {0};
  void *const dx = arrays->y, *const again = arrays->residual;
  succeeds(result, functions->softmax_backward(NULL, &given->mask, dtype, &given->matrix, &given->softmax, arrays->other, NULL,
                                               NULL, arrays->dy, dx));
  succeeds(result, functions->softmax_backward(NULL, &given->mask, dtype, &given->matrix, &given->softmax, NULL, arrays->x,
                                               arrays->sums, arrays->dy, again));
  for (size_t r = 0; r < given->matrix.rows; ++r) {
    softmax_of_row(given, arrays->x, r, &row);
    compare_softmax_gradient_row(given, arrays, dx, r, &row, &block, result);
    // Where probabilities are not rounded, those that are computed again are the same.
    for (size_t c = 0; c < given->matrix.columns && simdrop_dtype_size(dtype) > 2; ++c)
      if (bits_at(dtype, dx, given->matrix.x_stride, r, c) != bits_at(dtype, again, given->matrix.x_stride, r, c))
        softmax_fails(result, given, "the gradient by statistics", r, c, value_at(dtype, again, given->matrix.x_stride, r, c),
                      value_at(dtype, dx, given->matrix.x_stride, r, c));
  }
  result->elements += given->matrix.rows * given->matrix.columns;
}

static softmax_case softmax_case_of(size_t i, const fused_arrays *arrays) {
  const matrix_shape shape = shapes[i / COMPUTED_TYPES % SHAPE_COUNT];
  const size_t turn = i / COMPUTED_TYPES;
  softmax_case given = {.dtype = (simdrop_dtype)(i % COMPUTED_TYPES),
                        .mask = {chain_p[turn % CHAIN_P_COUNT], 79, i, 2000 + 37 * i, 0},
                        .matrix = simdrop_matrix_dense(shape.rows, shape.columns),
                        .softmax = simdrop_softmax_plain(turn % 2 == 0 ? 1 : 0.125, shape.columns)};
  given.matrix.x_stride += turn % 3;
  given.matrix.y_stride += turn % 4;
  if (turn % 5 == 1) {
    given.softmax.additive = arrays->additive;
    given.softmax.additive_type = given.dtype;
    given.softmax.additive_stride = (ptrdiff_t)shape.columns;
  }
  if (turn % 3 == 1) {
    given.softmax.allowed = arrays->allowed;
    given.softmax.allowed_stride = (ptrdiff_t)shape.columns;
  }
  if (turn % 4 == 2) {
    given.softmax.causal = 1;
    given.softmax.diagonal = turn % 8 == 2 ? 0 : -1;  // -1: the first row has no score
  }
  return given;
}
#define SOFTMAX_CASES (COMPUTED_TYPES * SHAPE_COUNT * 6)

static void check_softmax_case(const dropout_functions *functions, size_t i, fused_arrays *arrays, exact_result *result) {
  const softmax_case given = softmax_case_of(i, arrays);
  const size_t room = room_of(&given.matrix);
  softmax_row row;
  reference_block block = {0};
  fill_ordinary(given.dtype, i + 6000, room, arrays->x);
  fill_ordinary(given.dtype, i + 7000, room, arrays->dy);
  fill_ordinary(given.dtype, i + 8000, room, arrays->additive);
  for (size_t k = 0; k < room; ++k) arrays->allowed[k] = derived_seed(i, k) % 4 != 0;
  const simdrop_status status = functions->softmax_forward(NULL, &given.mask, given.dtype, &given.matrix, &given.softmax,
                                                           arrays->x, arrays->y, arrays->other, arrays->sums);
  if (status == SIMDROP_ERROR_NOT_BUILT && given.dtype == SIMDROP_F64) return;
  succeeds(result, status);
  for (size_t r = 0; r < given.matrix.rows; ++r) {
    softmax_of_row(&given, arrays->x, r, &row);
    compare_softmax_row(&given, arrays, r, &row, &block, result);
  }
  result->elements += given.matrix.rows * given.matrix.columns;
  compare_softmax_gradients(functions, &given, arrays, result);
}

void check_softmax(const dropout_functions *functions, exact_result *result) {
  fused_arrays *const arrays = allocate_arrays(result);
  if (arrays == NULL) return;
  for (size_t i = 0; i < SOFTMAX_CASES; ++i) check_softmax_case(functions, i, arrays, result);
  free(arrays);
}

// ---- K14: tiles, numbered by the whole matrix and one after the other

// Drawn while it is applied, or first.
static void compare_tile(const dropout_functions *functions, simdrop_dtype dtype, const simdrop_mask *mask,
                         uint64_t index_stride, uint64_t row, uint64_t column, bool drawn_first, fused_arrays *arrays,
                         exact_result *result) {
  const matrix_shape shape = {5, 67};
  const ptrdiff_t stride = (ptrdiff_t)shape.columns + GAP;
  simdrop_tile tile;
  reference_block block = {0};
  fill_nasty(dtype, (shape.rows + 1) * (size_t)stride, arrays->x);
  memcpy(arrays->y, arrays->x, sizeof arrays->y);
  succeeds(result, functions->tile_init(mask, dtype, index_stride, &tile));
  if (drawn_first) {
    uint8_t bits[5 * 11];
    succeeds(result, functions->tile_bits(&tile, row, column, shape.rows, shape.columns, bits, 11));
    succeeds(result, functions->tile_apply_bits(&tile, shape.rows, shape.columns, bits, 11, arrays->y, stride));
  } else {
    succeeds(result, functions->tile_apply(&tile, row, column, shape.rows, shape.columns, arrays->y, stride));
  }
  for (size_t r = 0; r <= shape.rows; ++r) {
    for (size_t c = 0; c < (size_t)stride; ++c) {
      const uint64_t x = bits_at(dtype, arrays->x, stride, r, c), y = bits_at(dtype, arrays->y, stride, r, c);
      const bool is_inside = r < shape.rows && c < shape.columns;
      const bool kept = is_inside && reference_kept(&block, mask, (row + r) * index_stride + column + c);
      const uint64_t expected = !is_inside             ? x
                                : !kept                ? 0
                                : mask->p * 0x1p33 < 1 ? x
                                                       : product_bits(dtype, keep_probability(mask->p), x);
      if (y != expected)
        fails(result, "a tile at (%" PRIu64 ", %" PRIu64 ") in %s, p = %g: element (%zu, %zu) is %" PRIx64 ", not %" PRIx64,
              row, column, simdrop_dtype_name(dtype), mask->p, r, c, y, expected);
    }
  }
  result->elements += shape.rows * shape.columns;
}

void check_tiles(const dropout_functions *functions, exact_result *result) {
  static const uint64_t strides[] = {67, 1000, 4096, UINT64_C(1) << 33, 0};
  fused_arrays *const arrays = allocate_arrays(result);
  if (arrays == NULL) return;
  for (size_t i = 0; i < VALUE_TYPES * CHAIN_P_COUNT * sizeof strides / sizeof strides[0]; ++i) {
    const simdrop_mask mask = {chain_p[i / VALUE_TYPES % CHAIN_P_COUNT], 83, 89, 97 * i, 0};
    const uint64_t stride = strides[i / (VALUE_TYPES * CHAIN_P_COUNT)];
    for (int drawn_first = 0; drawn_first < 2; ++drawn_first)
      compare_tile(functions, (simdrop_dtype)(i % VALUE_TYPES), &mask, stride, 31 * i, stride == 67 ? 0 : 61 * (i % 8),
                   drawn_first, arrays, result);
  }
  free(arrays);
}

// K19: norms against their formulas, which are made of sums, products, quotients and roots, and so are exact.
#include "verify/exact_fused.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "verify/exact_parts.h"
#include "verify/formulas.h"
#include "verify/reference.h"
#include "verify/values.h"

#define MOST_ROWS 67
#define MOST_COLUMNS 130
#define MOST_ELEMENTS (MOST_ROWS * (MOST_COLUMNS + 3))

// 8 bytes suffice for an element of any type.
typedef struct norm_arrays {
  uint64_t x[MOST_ELEMENTS], residual[MOST_ELEMENTS], h[MOST_ELEMENTS], y[MOST_ELEMENTS];
  uint64_t dy[MOST_ELEMENTS], dh_added[MOST_ELEMENTS], dh[MOST_ELEMENTS], dx[MOST_ELEMENTS];
  uint64_t bias[MOST_COLUMNS], gamma[MOST_COLUMNS], beta[MOST_COLUMNS], statistics[2 * MOST_ROWS];
  uint64_t gamma_gradient[MOST_COLUMNS], beta_gradient[MOST_COLUMNS], bias_gradient[MOST_COLUMNS];
  column_sum gamma_sums[MOST_COLUMNS], beta_sums[MOST_COLUMNS], bias_sums[MOST_COLUMNS];
} norm_arrays;

typedef struct norm_case {
  simdrop_dtype dtype;
  simdrop_mask mask;
  simdrop_matrix matrix;
  simdrop_norm norm;
  const void *dh_added;
  double scale;
} norm_case;

static norm_case norm_case_of(size_t i, norm_arrays *arrays) {
  static const size_t shapes[][2] = {{3, 5}, {67, 33}, {2, 130}, {5, 64}, {1, 1}};
  static const double ps[] = {0.3, 0, 0.5, 0.9, 1};
  const size_t turn = i / COMPUTED_TYPES, rows = shapes[turn % 5][0], columns = shapes[turn % 5][1];
  norm_case given = {.dtype = (simdrop_dtype)(i % COMPUTED_TYPES),
                     .mask = {ps[turn / 2 % 5], 149, i, 3000 + 41 * i, 0},
                     .matrix = simdrop_matrix_dense(rows, columns),
                     .norm = {.kind = turn % 2 == 0 ? SIMDROP_LAYER_NORM : SIMDROP_RMS_NORM,
                              .epsilon = turn % 3 == 0 ? 0.5 : 1e-5,
                              .bias = turn % 3 == 1 ? NULL : arrays->bias,
                              .residual = turn % 4 == 1 ? NULL : arrays->residual,
                              .gamma = turn % 5 == 1 ? NULL : arrays->gamma,
                              .beta = turn % 4 == 2 ? NULL : arrays->beta},
                     .dh_added = turn % 3 == 2 ? NULL : arrays->dh_added};
  given.matrix.x_stride += turn % 4;
  given.matrix.y_stride += turn % 3;
  given.scale = computed_scale(given.dtype, keep_probability(given.mask.p));
  return given;
}
#define NORM_CASES ((size_t)(COMPUTED_TYPES * 40))

static simdrop_dtype wide_type(simdrop_dtype dtype) { return dtype == SIMDROP_F64 ? SIMDROP_F64 : SIMDROP_F32; }

// A difference, product and so on of numbers as the type computes with them.
static double rounded(const norm_case *given, double value) { return computed(given->dtype, value); }

// A value as it is after it was stored as an element.
static double stored(const norm_case *given, double value) {
  return value_of_bits(given->dtype, bits_of_value(given->dtype, value));
}

static void compare(const norm_case *given, const char *what, simdrop_dtype dtype, const void *array, ptrdiff_t stride,
                    size_t r, size_t c, double expected, exact_result *result) {
  const uint64_t found = bits_at(dtype, array, stride, r, c);
  if (!is_within(dtype, found, expected, 0))
    fails(result, "%s of %s in %s, p = %g: element (%zu, %zu) of %zu x %zu is %.9g, not %.9g", what,
          given->norm.kind == SIMDROP_LAYER_NORM ? "LayerNorm" : "RMSNorm", simdrop_dtype_name(given->dtype), given->mask.p, r,
          c, given->matrix.rows, given->matrix.columns, value_of_bits(dtype, found), expected);
}

static double parameter(const norm_case *given, const void *array, size_t c, double if_none) {
  return array == NULL ? if_none : value_at(given->dtype, array, 0, 0, c);
}

// One row, and what is known of it.
typedef struct norm_row {
  size_t r;
  double h[MOST_COLUMNS], mean, inverse;
} norm_row;

// h = residual + (kept ? (x + bias) * s : +0)
static void find_h(const norm_case *given, const norm_arrays *arrays, reference_block *block, norm_row *row) {
  for (size_t c = 0; c < given->matrix.columns; ++c) {
    const double x = value_at(given->dtype, arrays->x, given->matrix.x_stride, row->r, c);
    const double sum = given->norm.bias == NULL ? x : rounded(given, x + parameter(given, given->norm.bias, c, 0));
    const bool kept = reference_kept(block, &given->mask, row->r * given->matrix.index_stride + c);
    const double d = kept ? rounded(given, sum * given->scale) : 0;
    const double residual = given->norm.residual == NULL
                                ? 0
                                : value_at(given->dtype, given->norm.residual, given->matrix.residual_stride, row->r, c);
    row->h[c] = stored(given, given->norm.residual == NULL ? d : rounded(given, residual + d));
  }
}

static double mean_of(const norm_case *given, const double *values) {
  double lanes[SUM_LANES] = {0};
  for (size_t c = 0; c < given->matrix.columns; ++c) lanes[c % SUM_LANES] = rounded(given, lanes[c % SUM_LANES] + values[c]);
  return rounded(given, sum_of_lanes(given->dtype, lanes) / (double)given->matrix.columns);
}

static void find_statistics(const norm_case *given, norm_row *row) {
  double squares[MOST_COLUMNS];
  row->mean = given->norm.kind == SIMDROP_LAYER_NORM ? mean_of(given, row->h) : 0;
  for (size_t c = 0; c < given->matrix.columns; ++c) {
    const double difference = rounded(given, row->h[c] - row->mean);
    squares[c] = rounded(given, difference * difference);
  }
  const double sum = rounded(given, mean_of(given, squares) + rounded(given, given->norm.epsilon));
  row->inverse = rounded(given, 1 / rounded(given, sqrt(sum)));
}

static double normalised(const norm_case *given, const norm_row *row, size_t c) {
  return rounded(given, rounded(given, row->h[c] - row->mean) * row->inverse);
}

static void compare_row(const norm_case *given, const norm_arrays *arrays, const norm_row *row, exact_result *result) {
  const simdrop_dtype dtype = given->dtype, wide = wide_type(dtype);
  for (size_t c = 0; c < given->matrix.columns; ++c) {
    double y = normalised(given, row, c);
    if (given->norm.gamma != NULL) y = rounded(given, y * parameter(given, given->norm.gamma, c, 1));
    if (given->norm.beta != NULL) y = rounded(given, y + parameter(given, given->norm.beta, c, 0));
    compare(given, "h", dtype, arrays->h, given->matrix.y_stride, row->r, c, row->h[c], result);
    compare(given, "y", dtype, arrays->y, given->matrix.y_stride, row->r, c, y, result);
  }
  compare(given, "the mean", wide, arrays->statistics, 2, row->r, 0, row->mean, result);
  compare(given, "the factor", wide, arrays->statistics, 2, row->r, 1, row->inverse, result);
}

// dh = dh_added + ((g - a) - z * b) * w,  dx = kept ? dh * s : +0, and the sums of columns.
static void compare_gradient_row(const norm_case *given, norm_arrays *arrays, const norm_row *row, reference_block *block,
                                 exact_result *result) {
  const simdrop_dtype dtype = given->dtype;
  const ptrdiff_t stride = given->matrix.y_stride;
  const size_t rows = given->matrix.rows;
  double g[MOST_COLUMNS], products[MOST_COLUMNS];
  for (size_t c = 0; c < given->matrix.columns; ++c) {
    const double dy = value_at(dtype, arrays->dy, stride, row->r, c), z = normalised(given, row, c);
    g[c] = given->norm.gamma == NULL ? dy : rounded(given, dy * parameter(given, given->norm.gamma, c, 1));
    products[c] = rounded(given, g[c] * z);
    add_to_column(dtype, &arrays->gamma_sums[c], row->r, rows, rounded(given, dy * z));
    add_to_column(dtype, &arrays->beta_sums[c], row->r, rows, dy);
  }
  const double a = given->norm.kind == SIMDROP_LAYER_NORM ? mean_of(given, g) : 0, b = mean_of(given, products);
  for (size_t c = 0; c < given->matrix.columns; ++c) {
    const double product = rounded(given, normalised(given, row, c) * b);
    const double own = rounded(given, rounded(given, rounded(given, g[c] - a) - product) * row->inverse);
    const double dh = stored(
        given, given->dh_added == NULL ? own : rounded(given, value_at(dtype, given->dh_added, stride, row->r, c) + own));
    const bool kept = reference_kept(block, &given->mask, row->r * given->matrix.index_stride + c);
    const double dx = kept ? rounded(given, dh * given->scale) : 0;
    add_to_column(dtype, &arrays->bias_sums[c], row->r, rows, dx);
    compare(given, "the gradient by h", dtype, arrays->dh, stride, row->r, c, dh, result);
    compare(given, "the gradient by x", dtype, arrays->dx, given->matrix.x_stride, row->r, c, dx, result);
  }
}

static void compare_sums(const norm_case *given, const norm_arrays *arrays, exact_result *result) {
  const simdrop_dtype wide = wide_type(given->dtype);
  for (size_t c = 0; c < given->matrix.columns; ++c) {
    compare(given, "gamma's gradient", wide, arrays->gamma_gradient, 0, 0, c, arrays->gamma_sums[c].total, result);
    compare(given, "beta's gradient", wide, arrays->beta_gradient, 0, 0, c, arrays->beta_sums[c].total, result);
    compare(given, "the bias' gradient", wide, arrays->bias_gradient, 0, 0, c, arrays->bias_sums[c].total, result);
  }
}

static void check_norm_case(const dropout_functions *functions, size_t i, norm_arrays *arrays, exact_result *result) {
  const norm_case given = norm_case_of(i, arrays);
  const size_t rows = given.matrix.rows, columns = given.matrix.columns, room = rows * (columns + 3);
  void *const inputs[] = {arrays->x, arrays->residual, arrays->dy, arrays->dh_added};
  void *const parameters[] = {arrays->bias, arrays->gamma, arrays->beta};
  for (size_t k = 0; k < 4; ++k) fill_ordinary(given.dtype, 9000 + 4 * i + k, room, inputs[k]);
  for (size_t k = 0; k < 3; ++k) fill_ordinary(given.dtype, 9900 + 3 * i + k, columns, parameters[k]);
  memset(arrays->gamma_sums, 0, sizeof arrays->gamma_sums);
  memset(arrays->beta_sums, 0, sizeof arrays->beta_sums);
  memset(arrays->bias_sums, 0, sizeof arrays->bias_sums);
  succeeds(result, functions->norm_forward(NULL, &given.mask, given.dtype, &given.matrix, &given.norm, arrays->x, arrays->h,
                                           arrays->y, arrays->statistics));
  succeeds(result, functions->norm_backward(NULL, &given.mask, given.dtype, &given.matrix, &given.norm, arrays->h,
                                            arrays->statistics, arrays->dy, given.dh_added, arrays->dh, arrays->dx,
                                            arrays->gamma_gradient, arrays->beta_gradient, arrays->bias_gradient));
  reference_block block = {0};
  for (size_t r = 0; r < rows; ++r) {
    norm_row row = {.r = r};
    find_h(&given, arrays, &block, &row);
    find_statistics(&given, &row);
    compare_row(&given, arrays, &row, result);
    compare_gradient_row(&given, arrays, &row, &block, result);
  }
  compare_sums(&given, arrays, result);
  result->elements += 2 * rows * columns;
}

void check_norm(const dropout_functions *functions, exact_result *result) {
  norm_arrays *const arrays = malloc(sizeof *arrays);
  if (arrays == NULL) fails(result, "not enough memory");
  for (size_t i = 0; arrays != NULL && i < NORM_CASES; ++i) check_norm_case(functions, i, arrays, result);
  free(arrays);
}

// The chain y = residual + dropout(activation(x + bias)) and its gradients: against the definition written once more, element
// by element and in double; against the public calls that it is made of; and every backend against the scalar one.
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fused/row_reader.h"
#include "machine/dispatch.h"
#include "oracle.h"
#include "support.h"

enum {
  CANARY = 0xA5,
  MOST_ELEMENTS = 40000,  // of one matrix, with what is between its rows
  SUM_LANES = 32,
  GROUP = 64,
};

static const simdrop_dtype computed_dtypes[] = {SIMDROP_F32, SIMDROP_F64, SIMDROP_F16, SIMDROP_BF16};

static bool is_simple(simdrop_activation activation) {
  return activation == SIMDROP_ACTIVATION_NONE || activation == SIMDROP_RELU;
}

// Whether the build has what a double's activation takes, and outputs of the type can be compared here.
static bool is_built(simdrop_dtype dtype, simdrop_activation activation) {
  if (comparable_probability(dtype, 0.3) != 0.3) return false;
  const simdrop_mask mask = {0.5, 1, 2, 3, 0};
  const simdrop_matrix none = {0, 0, 0, 0, 0, 0, 0};
  const simdrop_chain chain = {.activation = activation};
  const simdrop_status status = simdrop_chain_forward(NULL, &mask, dtype, &none, &chain, NULL, NULL, NULL);
  assert_true(status == SIMDROP_OK || (dtype == SIMDROP_F64 && !is_simple(activation) && status == SIMDROP_ERROR_NOT_BUILT));
  return status == SIMDROP_OK;
}

// ---- values

static double value_of(simdrop_dtype dtype, const void *elements, size_t k) {
  const size_t size = simdrop_dtype_size(dtype);
  const uint64_t bits = read_element(size, (const char *)elements + k * size);
  static const oracle_format *const formats[] = {&oracle_binary32, &oracle_binary64, &oracle_binary16, &oracle_bfloat16};
  const uint64_t wide = dtype == SIMDROP_F64 ? bits : oracle_convert(bits, *formats[dtype], oracle_binary64);
  double value;
  memcpy(&value, &wide, sizeof value);
  return value;
}

static uint64_t bits_of(simdrop_dtype dtype, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  if (dtype == SIMDROP_F64) return bits;
  const uint64_t narrow = oracle_convert(bits, oracle_binary64, oracle_binary32);  // exact: values here are floats
  if (dtype == SIMDROP_F32) return narrow;
  return oracle_convert(narrow, oracle_binary32, dtype == SIMDROP_F16 ? oracle_binary16 : oracle_bfloat16);
}

// To what the type is computed in.
static double rounded(simdrop_dtype dtype, double value) { return dtype == SIMDROP_F64 ? value : (double)(float)value; }

// Numbers about 0, for which activations do something, and 0 itself.
static void fill_ordinary(simdrop_dtype dtype, size_t n, uint64_t *random, void *elements) {
  const size_t size = simdrop_dtype_size(dtype);
  for (size_t k = 0; k < n; ++k) {
    const float number = ((float)(next_random(random) >> 40) * 0x1p-24F - 0.5F) * 8, value = k % 16 < 2 ? 0 : number;
    write_element(size, bits_of(dtype, (double)value), (char *)elements + k * size);
  }
}

// Equal, or both NaN.
static void check_elements(simdrop_dtype dtype, const void *expected, const void *found, size_t n, const char *what) {
  const size_t size = simdrop_dtype_size(dtype);
  if (memcmp(expected, found, n * size) == 0) return;
  for (size_t k = 0; k < n; ++k) {
    const uint64_t e = read_element(size, (const char *)expected + k * size),
                   f = read_element(size, (const char *)found + k * size);
    if (e == f || (isnan(value_of(dtype, expected, k)) && isnan(value_of(dtype, found, k)))) continue;
    fail_msg("%s: element %zu is %#" PRIx64 ", not %#" PRIx64, what, k, f, e);
  }
}

// ---- cases

// A call with arrays that are larger than the matrix.
typedef struct chain_case {
  simdrop_mask mask;
  simdrop_dtype dtype;
  simdrop_matrix matrix;
  simdrop_chain chain;
  size_t x_first, y_first, residual_first;  // elements before (0, 0): strides may be negative
  char *x, *dy, *bias, *residual;
  char text[200];
} chain_case;

static size_t first_of(ptrdiff_t stride, size_t rows) { return stride < 0 ? (size_t)-stride * (rows - 1) : 0; }

// With what is computed, and the arrays for it.
typedef struct chain_results {
  char *y, *dx, *sums;
  uint8_t *bits;
} chain_results;

static size_t sums_bytes(const chain_case *c) {
  const size_t count = c->chain.bias_axis == SIMDROP_BIAS_OF_ROWS ? c->matrix.rows : c->matrix.columns;
  return count * (c->dtype == SIMDROP_F64 ? sizeof(double) : sizeof(float));
}

static chain_results allocate_results(void) {
  const size_t bytes = MOST_ELEMENTS * sizeof(double);
  return (chain_results){allocate(bytes), allocate(bytes), allocate(bytes), allocate(bytes)};
}

static void free_results(chain_results *results) {
  free(results->y), free(results->dx), free(results->sums), free(results->bits);
}

static void compute(const chain_case *c, const simdrop_executor *executor, chain_results *results) {
  const size_t bytes = MOST_ELEMENTS * sizeof(double), size = simdrop_dtype_size(c->dtype);
  memset(results->y, CANARY, bytes);
  memset(results->dx, CANARY, bytes);
  memset(results->sums, CANARY, bytes);
  memset(results->bits, CANARY, bytes);
  const char *const x = c->x + c->x_first * size;
  assert_int_equal(simdrop_chain_forward(executor, &c->mask, c->dtype, &c->matrix, &c->chain, x, results->y + c->y_first * size,
                                         results->bits),
                   SIMDROP_OK);
  assert_int_equal(simdrop_chain_backward(executor, &c->mask, c->dtype, &c->matrix, &c->chain, NULL, x,
                                          c->dy + c->y_first * size, results->dx + c->x_first * size, results->sums),
                   SIMDROP_OK);
}

static void check_results(const chain_case *c, const chain_results *expected, const chain_results *found, const char *what) {
  char text[300];
  const simdrop_dtype sums_dtype = c->dtype == SIMDROP_F64 ? SIMDROP_F64 : SIMDROP_F32;
  const size_t bytes = MOST_ELEMENTS * sizeof(double), size = simdrop_dtype_size(c->dtype);
  snprintf(text, sizeof text, "%s: %s: y", what, c->text);
  check_elements(c->dtype, expected->y, found->y, bytes / size, text);
  snprintf(text, sizeof text, "%s: %s: dx", what, c->text);
  check_elements(c->dtype, expected->dx, found->dx, bytes / size, text);
  snprintf(text, sizeof text, "%s: %s: sums", what, c->text);
  check_elements(sums_dtype, expected->sums, found->sums, bytes / simdrop_dtype_size(sums_dtype), text);
  check_bytes(expected->bits, found->bits, bytes, "%s: %s: bits", what, c->text);
}

static size_t below(uint64_t *random, size_t n) { return (size_t)(next_random(random) % n); }

// Rows, columns and their indices of all sorts: short and long rows, one row, one column, tiles, shared decisions.
static void make_shape(uint64_t *random, simdrop_matrix *matrix) {
  static const size_t columns[] = {1, 3, 31, 64, 65, 127, 200, 256, 300, 640, 1000, 1024, 1100, 2100, 17000};
  const size_t most_rows[] = {300, 130, 40, 5};
  matrix->columns = columns[below(random, LENGTH(columns))];
  const size_t wanted = most_rows[below(random, 4)], room = MOST_ELEMENTS / 2 / (matrix->columns + 8);
  const size_t most = room < wanted ? room : wanted;
  matrix->rows = 1 + below(random, most > 0 ? most : 1);
  const ptrdiff_t dense = (ptrdiff_t)matrix->columns;
  ptrdiff_t *const strides[] = {&matrix->x_stride, &matrix->y_stride, &matrix->residual_stride};
  for (int i = 0; i < 3; ++i) {
    const ptrdiff_t gap = below(random, 2) ? 0 : (ptrdiff_t)below(random, 8);
    *strides[i] = below(random, 4) ? dense + gap : -(dense + gap);
  }
  if (below(random, 5) == 0) matrix->residual_stride = 0;
  const uint64_t index_strides[] = {matrix->columns, matrix->columns, matrix->columns + 77, 0, matrix->columns / 2, 1 << 20};
  matrix->index_stride = index_strides[below(random, LENGTH(index_strides))];
  matrix->flags = 0;
}

static void write_text(chain_case *c) {
  snprintf(c->text, sizeof c->text,
           "%s, activation %d, %zu x %zu, strides %td %td %td, index %" PRIu64 ", p %g, bias%s of %s%s", dtype_name(c->dtype),
           (int)c->chain.activation, c->matrix.rows, c->matrix.columns, c->matrix.x_stride, c->matrix.y_stride,
           c->matrix.residual_stride, c->matrix.index_stride, c->mask.p, c->chain.bias == NULL ? " none" : "",
           c->chain.bias_axis == SIMDROP_BIAS_OF_ROWS ? "rows" : "columns", c->chain.residual == NULL ? "" : ", residual");
}

static void make_case(uint64_t *random, simdrop_dtype dtype, simdrop_activation activation, bool is_ordinary, chain_case *c) {
  const size_t size = simdrop_dtype_size(dtype);
  const double p = some_probabilities[below(random, LENGTH(some_probabilities))];
  c->mask =
      (simdrop_mask){comparable_probability(dtype, p), next_random(random), next_random(random), next_random(random) >> 1, 0};
  c->dtype = dtype;
  make_shape(random, &c->matrix);
  c->chain =
      (simdrop_chain){.activation = activation, .bias_axis = below(random, 2) ? SIMDROP_BIAS_OF_ROWS : SIMDROP_BIAS_OF_COLUMNS};
  char **const arrays[] = {&c->x, &c->dy, &c->bias, &c->residual};
  for (size_t i = 0; i < LENGTH(arrays); ++i) {
    *arrays[i] = allocate(MOST_ELEMENTS * size);
    if (is_ordinary) {
      fill_ordinary(dtype, MOST_ELEMENTS, random, *arrays[i]);
    } else {
      fill_values(dtype, MOST_ELEMENTS, random, *arrays[i]);
    }
  }
  c->x_first = first_of(c->matrix.x_stride, c->matrix.rows);
  c->y_first = first_of(c->matrix.y_stride, c->matrix.rows);
  c->residual_first = first_of(c->matrix.residual_stride, c->matrix.rows);
  if (below(random, 3)) c->chain.bias = c->bias;
  if (below(random, 2)) c->chain.residual = c->residual + c->residual_first * size;
  write_text(c);
}

// Gives it a certain shape, without gaps.
static void reshape(chain_case *c, size_t rows, size_t columns, ptrdiff_t residual_stride, uint64_t index_stride) {
  c->matrix = simdrop_matrix_dense(rows, columns);
  c->matrix.residual_stride = residual_stride;
  c->matrix.index_stride = index_stride;
  c->x_first = c->y_first = c->residual_first = 0;
  if (c->chain.residual != NULL) c->chain.residual = c->residual;
  write_text(c);
}

static void free_case(chain_case *c) { free(c->x), free(c->dy), free(c->bias), free(c->residual); }

// ---- the definition once more

typedef double real_function(double t);
static double relu(double t) { return t < 0 ? 0 : t; }
static double gelu(double t) { return t * erfc(-t / sqrt(2)) / 2; }
static double gelu_derivative(double t) {
  return erfc(-t / sqrt(2)) / 2 + t * exp(-t * t / 2) / sqrt(2 * 3.14159265358979323846);
}
static double tanh_argument(double t) { return sqrt(2 / 3.14159265358979323846) * (t + 0.044715 * t * t * t); }
static double gelu_tanh(double t) { return t / 2 * (1 + tanh(tanh_argument(t))); }
static double gelu_tanh_derivative(double t) {
  const double u = tanh(tanh_argument(t)), slope = sqrt(2 / 3.14159265358979323846) * (1 + 3 * 0.044715 * t * t);
  return (1 + u) / 2 + t / 2 * (1 - u * u) * slope;
}
static double silu(double t) { return t / (1 + exp(-t)); }
static double silu_derivative(double t) {
  const double s = 1 / (1 + exp(-t));
  return s * (1 + t * (1 - s));
}
static double same(double t) { return t; }
static double one(double t) { return t * 0 + 1; }
static double step(double t) { return t > 0; }
static real_function *const functions[] = {same, relu, gelu, gelu_tanh, silu};
static real_function *const derivatives[] = {one, step, gelu_derivative, gelu_tanh_derivative, silu_derivative};

// The tolerance covers the functions' errors, of values below 8, and one rounding to the type.
static void check_close(const chain_case *c, double expected, double found, double scale, const char *what, size_t r,
                        size_t col) {
  static const double of_type[] = {FLT_EPSILON, DBL_EPSILON, 0x1p-10, 0x1p-7};
  const double tolerance = (c->dtype == SIMDROP_F64 ? 1e-13 : 4e-6) * scale + of_type[c->dtype] * fabs(expected);
  if (!(fabs(found - expected) <= tolerance))
    fail_msg("%s: %s of (%zu, %zu) is %.17g, not %.17g", c->text, what, r, col, found, expected);
}

static ptrdiff_t place_of(size_t first, ptrdiff_t stride, size_t r, size_t col) {
  return (ptrdiff_t)first + (ptrdiff_t)r * stride + (ptrdiff_t)col;
}

static void check_definition(const chain_case *c, const chain_results *results) {
  const simdrop_matrix *const m = &c->matrix;
  const bool of_rows = c->chain.bias_axis == SIMDROP_BIAS_OF_ROWS, is_exact = is_simple(c->chain.activation);
  uint64_t scale_bits = oracle_scale_bits(c->mask.p, c->dtype);
  if (c->dtype != SIMDROP_F64) scale_bits = oracle_convert(scale_bits, oracle_binary32, oracle_binary64);
  double scale;
  memcpy(&scale, &scale_bits, sizeof scale);
  uint32_t *const u = allocate(m->columns * sizeof *u);
  uint8_t *const kept = allocate(m->columns);
  for (size_t r = 0; r < m->rows; ++r) {
    oracle_u(c->mask.seed, c->mask.stream, c->mask.offset + r * m->index_stride, m->columns, u);
    oracle_kept(c->mask.p, m->columns, u, kept);
    for (size_t col = 0; col < m->columns; ++col) {
      const ptrdiff_t x_place = place_of(c->x_first, m->x_stride, r, col), y_place = place_of(c->y_first, m->y_stride, r, col);
      double t = value_of(c->dtype, c->x, (size_t)x_place);
      if (c->chain.bias != NULL) t = rounded(c->dtype, t + value_of(c->dtype, c->bias, of_rows ? r : col));
      const double d = kept[col] ? rounded(c->dtype, functions[c->chain.activation](t) * scale) : 0;
      double y = d, residual = 0;
      if (c->chain.residual != NULL) {
        residual = value_of(c->dtype, c->residual, (size_t)place_of(c->residual_first, m->residual_stride, r, col));
        y = rounded(c->dtype, residual + d);
      }
      double dx = rounded(c->dtype, value_of(c->dtype, c->dy, (size_t)y_place) * scale);
      if (c->chain.activation == SIMDROP_RELU) {
        if (!(t > 0)) dx = 0;
      } else {
        dx *= derivatives[c->chain.activation](t);
      }
      if (!kept[col]) dx = 0;
      const double found_y = value_of(c->dtype, results->y, (size_t)y_place),
                   found_dx = value_of(c->dtype, results->dx, (size_t)x_place);
      if (is_exact) {
        const size_t size = simdrop_dtype_size(c->dtype);
        const uint64_t y_bits = read_element(size, results->y + (size_t)y_place * size);
        const uint64_t dx_bits = read_element(size, results->dx + (size_t)x_place * size);
        if (y_bits != bits_of(c->dtype, y)) fail_msg("%s: y of (%zu, %zu) is %.17g, not %.17g", c->text, r, col, found_y, y);
        if (dx_bits != bits_of(c->dtype, dx))
          fail_msg("%s: dx of (%zu, %zu) is %.17g, not %.17g", c->text, r, col, found_dx, dx);
      } else {
        check_close(c, y, found_y, scale, "y", r, col);
        check_close(c, dx, found_dx, scale, "dx", r, col);
      }
      const size_t bit = r * m->columns + col;
      const bool is_set = kept[col] && (c->chain.activation != SIMDROP_RELU || t > 0);
      if ((results->bits[bit / 8] >> bit % 8 & 1) != is_set) fail_msg("%s: bit of (%zu, %zu)", c->text, r, col);
    }
  }
  free(u), free(kept);
}

static size_t rounds(size_t full, size_t quick) { return full_effort() ? full : quick; }

static void definition(void **state) {
  (void)state;
  uint64_t random = 70;
  chain_results results = allocate_results();
  for (size_t round = 0; round < rounds(8, 2); ++round)
    for (size_t d = 0; d < LENGTH(computed_dtypes); ++d)
      for (int activation = 0; activation <= SIMDROP_SILU; ++activation) {
        if (!is_built(computed_dtypes[d], (simdrop_activation)activation)) continue;
        chain_case c;
        make_case(&random, computed_dtypes[d], (simdrop_activation)activation, true, &c);
        compute(&c, NULL, &results);
        check_definition(&c, &results);
        free_case(&c);
      }
  free_results(&results);
}

// Shapes with something special about them.
static void shapes(void **state) {
  (void)state;
  static const struct {
    size_t rows, columns;
    ptrdiff_t residual_stride;
    uint64_t index_stride;
    bool has_bias;
  } shapes[] = {
      {300, 31, 31, 1001, true},  // batches of rows end inside a byte of bits
      {20, 90, 90, 90, false},    // as good as one row,
      {20, 90, 0, 90, false},     // but for the residual,
      {20, 90, 90, 91, false},    // or the mask
      {1, 17001, 0, 5, false},    // strides play no part
      {40, 400, 400, 0, true},    // a decision for all rows
  };
  uint64_t random = 80;
  chain_results results = allocate_results();
  for (size_t s = 0; s < LENGTH(shapes); ++s)
    for (int activation = 0; activation < 2; ++activation) {
      chain_case c;
      make_case(&random, computed_dtypes[(s + (size_t)activation) % 2], (simdrop_activation)activation, true, &c);
      c.mask.p = 0.3;
      c.chain.bias = shapes[s].has_bias ? c.bias : NULL;
      c.chain.residual = c.residual;
      reshape(&c, shapes[s].rows, shapes[s].columns, shapes[s].residual_stride, shapes[s].index_stride);
      compute(&c, NULL, &results);
      check_definition(&c, &results);
      free_case(&c);
    }
  free_results(&results);
}

// The sums of dx as they are defined, for types whose dx is not rounded.
static void sums_in_order(void **state) {
  (void)state;
  uint64_t random = 71;
  chain_results results = allocate_results();
  for (size_t round = 0; round < rounds(40, 6); ++round) {
    chain_case c;
    const simdrop_dtype dtype = round % 3 == 2 ? SIMDROP_F64 : SIMDROP_F32;
    make_case(&random, dtype,
              round % 4 == 0         ? SIMDROP_ACTIVATION_NONE
              : dtype == SIMDROP_F64 ? SIMDROP_RELU
                                     : SIMDROP_GELU,
              true, &c);
    if (round % 2 == 0) {  // several groups, and more columns than are summed at a time
      c.chain.bias_axis = SIMDROP_BIAS_OF_COLUMNS;
      if (round % 4 == 0) reshape(&c, 150, 130, 130, 130);
      if (round % 4 == 2 && dtype == SIMDROP_F32) reshape(&c, 15, 1300, 0, 1300);
      if (round % 4 == 2 && dtype == SIMDROP_F64) reshape(&c, 70, 540, 0, 540);
    }
    compute(&c, NULL, &results);
    const simdrop_matrix *const m = &c.matrix;
    const bool of_rows = c.chain.bias_axis == SIMDROP_BIAS_OF_ROWS;
    for (size_t k = 0; k < (of_rows ? m->rows : m->columns); ++k) {
      double total = 0, group = 0, lanes[SUM_LANES] = {0};
      for (size_t j = 0; j < (of_rows ? m->columns : m->rows); ++j) {
        const double dx =
            value_of(dtype, results.dx, (size_t)place_of(c.x_first, m->x_stride, of_rows ? k : j, of_rows ? j : k));
        if (of_rows) lanes[j % SUM_LANES] = rounded(dtype, lanes[j % SUM_LANES] + dx);
        group = rounded(dtype, group + dx);
        if (j % GROUP == GROUP - 1 || j == m->rows - 1) {
          total = rounded(dtype, total + group);
          group = 0;
        }
      }
      for (size_t half = SUM_LANES / 2; half > 0; half /= 2)
        for (size_t i = 0; i < half; ++i) lanes[i] = rounded(dtype, lanes[i] + lanes[i + half]);
      const double expected = of_rows ? lanes[0] : total, found = value_of(dtype, results.sums, k);
      if (found != expected) fail_msg("%s: sum %zu is %.17g, not %.17g", c.text, k, found, expected);
    }
    check_filled(results.sums + sums_bytes(&c), 256, CANARY, "%s: behind the sums", c.text);
    free_case(&c);
  }
  free_results(&results);
}

// Of 16-bit types, the values that are summed are not rounded to them: the sums are those of the same elements as floats.
static void sums_of_halves(void **state) {
  (void)state;
  uint64_t random = 72;
  chain_results results = allocate_results(), wide_results = allocate_results();
  for (int round = 0; round < 8; ++round) {
    chain_case c, wide;
    make_case(&random, round % 2 ? SIMDROP_F16 : SIMDROP_BF16, round < 4 ? SIMDROP_ACTIVATION_NONE : SIMDROP_SILU, true, &c);
    wide = c;
    wide.dtype = SIMDROP_F32;
    char *const halves[] = {c.x, c.dy, c.bias, c.residual};
    char **const floats[] = {&wide.x, &wide.dy, &wide.bias, &wide.residual};
    for (size_t i = 0; i < LENGTH(halves); ++i) {
      *floats[i] = allocate(MOST_ELEMENTS * sizeof(float));
      for (size_t k = 0; k < MOST_ELEMENTS; ++k)
        write_element(sizeof(float), bits_of(SIMDROP_F32, value_of(c.dtype, halves[i], k)), *floats[i] + k * sizeof(float));
    }
    if (c.chain.bias != NULL) wide.chain.bias = wide.bias;
    if (c.chain.residual != NULL) wide.chain.residual = wide.residual + c.residual_first * sizeof(float);
    compute(&c, NULL, &results);
    compute(&wide, NULL, &wide_results);
    check_bytes(wide_results.sums, results.sums, sums_bytes(&c), "%s: sums", c.text);
    free_case(&c), free_case(&wide);
  }
  free_results(&results), free_results(&wide_results);
}

static void backends_alike(void **state) {
  (void)state;
  uint64_t random = 73;
  chain_results expected = allocate_results(), found = allocate_results();
  for (size_t round = 0; round < rounds(12, 2); ++round)
    for (size_t d = 0; d < LENGTH(computed_dtypes); ++d)
      for (int activation = 0; activation <= SIMDROP_SILU; ++activation) {
        if (!is_built(computed_dtypes[d], (simdrop_activation)activation)) continue;
        chain_case c;
        make_case(&random, computed_dtypes[d], (simdrop_activation)activation, round % 2, &c);
        assert_int_equal(simdrop_backend_select("scalar"), SIMDROP_OK);
        compute(&c, NULL, &expected);
        FOR_EACH_BACKEND(backend) {
          compute(&c, NULL, &found);
          check_results(&c, &expected, &found, backend);
        }
        free_case(&c);
      }
  free_results(&expected), free_results(&found);
}

// ---- what it is made of

// Dropout alone is simdrop_forward; the rest is what is done to its input and its output.
static void composition(void **state) {
  (void)state;
  enum {
    ROWS = 37,
    COLUMNS = 211,
    COUNT = ROWS * COLUMNS
  };
  uint64_t random = 74;
  const simdrop_matrix matrix = simdrop_matrix_dense(ROWS, COLUMNS);
  const simdrop_mask keep_all = {0, 9, 9, 9, 0};
  for (size_t d = 0; d < 2; ++d)
    for (int activation = 0; activation <= SIMDROP_SILU; ++activation) {
      if (!is_built(computed_dtypes[d], (simdrop_activation)activation)) continue;
      const size_t bytes = COUNT * simdrop_dtype_size(computed_dtypes[d]);
      char *const arrays = allocate(6 * bytes);
      char *const x = arrays, *const bias = x + bytes, *const residual = bias + bytes, *const y = residual + bytes;
      char *const a = y + bytes, *const z = a + bytes;
      const simdrop_mask mask = {0.3, 5, 6, 7, 0};
      fill_values(computed_dtypes[d], 3 * COUNT, &random, x);
      simdrop_chain chain = {.activation = (simdrop_activation)activation, .bias = bias, .residual = residual};
      assert_int_equal(simdrop_chain_forward(NULL, &mask, computed_dtypes[d], &matrix, &chain, x, y, NULL), SIMDROP_OK);
      chain.residual = NULL;
      assert_int_equal(simdrop_chain_forward(NULL, &keep_all, computed_dtypes[d], &matrix, &chain, x, a, NULL), SIMDROP_OK);
      assert_int_equal(simdrop_forward(&mask, computed_dtypes[d], COUNT, a, a, NULL), SIMDROP_OK);
      chain = (simdrop_chain){.residual = residual};
      assert_int_equal(simdrop_chain_forward(NULL, &keep_all, computed_dtypes[d], &matrix, &chain, a, z, NULL), SIMDROP_OK);
      check_elements(computed_dtypes[d], z, y, COUNT, "residual + dropout(activation(x + bias))");
      free(arrays);
    }
  for (size_t d = 0; d < LENGTH(computed_dtypes); ++d) {
    char x[COUNT * 8], y[COUNT * 8], z[COUNT * 8];
    uint8_t bits[PACKED(COUNT)], expected_bits[PACKED(COUNT)];
    const simdrop_mask mask = {comparable_probability(computed_dtypes[d], 0.3), 5, 6, 7, 0};
    const simdrop_chain chain = {SIMDROP_ACTIVATION_NONE, SIMDROP_BIAS_OF_COLUMNS, NULL, NULL, 0};
    fill_values(computed_dtypes[d], COUNT, &random, x);
    assert_int_equal(simdrop_chain_forward(NULL, &mask, computed_dtypes[d], &matrix, &chain, x, y, bits), SIMDROP_OK);
    assert_int_equal(simdrop_forward(&mask, computed_dtypes[d], COUNT, x, z, expected_bits), SIMDROP_OK);
    check_elements(computed_dtypes[d], z, y, COUNT, "dropout alone");
    check_bytes(expected_bits, bits, sizeof bits, "bits");
    assert_int_equal(simdrop_chain_backward(NULL, &mask, computed_dtypes[d], &matrix, &chain, NULL, NULL, x, y, NULL),
                     SIMDROP_OK);
    check_elements(computed_dtypes[d], z, y, COUNT, "gradient of dropout alone");
  }
}

// Backward by the forward call's bits, which for ReLU need no x.
static void stored_bits(void **state) {
  (void)state;
  uint64_t random = 75;
  chain_results results = allocate_results();
  char *const dx = allocate(MOST_ELEMENTS * sizeof(double)), *const sums = allocate(MOST_ELEMENTS * sizeof(double));
  for (size_t round = 0; round < rounds(12, 4); ++round)
    for (int activation = 0; activation <= SIMDROP_SILU; ++activation) {
      chain_case c;
      const simdrop_dtype dtype = is_simple((simdrop_activation)activation) ? computed_dtypes[round % 4] : SIMDROP_F32;
      make_case(&random, dtype, (simdrop_activation)activation, true, &c);
      compute(&c, NULL, &results);
      const size_t size = simdrop_dtype_size(dtype), bytes = MOST_ELEMENTS * sizeof(double);
      memset(dx, CANARY, bytes), memset(sums, CANARY, bytes);
      const simdrop_mask other = {c.mask.p, 1, 2, UINT64_MAX / 2, 0};
      assert_int_equal(simdrop_chain_backward(NULL, &other, dtype, &c.matrix, &c.chain, results.bits,
                                              is_simple((simdrop_activation)activation) ? NULL : c.x + c.x_first * size,
                                              c.dy + c.y_first * size, dx + c.x_first * size, sums),
                       SIMDROP_OK);
      check_bytes(results.dx, dx, bytes, "%s: dx by bits", c.text);
      check_bytes(results.sums, sums, bytes, "%s: sums by bits", c.text);
      free_case(&c);
    }
  free(dx), free(sums), free_results(&results);
}

// y in the place of x or of the residual, dx in that of x or dy.
static void in_place(void **state) {
  (void)state;
  uint64_t random = 76;
  chain_results results = allocate_results();
  for (size_t round = 0; round < rounds(24, 6); ++round) {
    chain_case c;
    const simdrop_activation activation = (simdrop_activation)(round % 5);
    const simdrop_dtype dtype = is_simple(activation) ? computed_dtypes[round % 4] : computed_dtypes[round % 2 * 2];
    make_case(&random, dtype, activation, true, &c);
    const size_t size = simdrop_dtype_size(dtype);
    c.matrix.x_stride = c.matrix.y_stride = c.matrix.residual_stride = (ptrdiff_t)c.matrix.columns + 3;
    c.x_first = c.y_first = c.residual_first = 0;
    c.chain.residual = c.residual;
    compute(&c, NULL, &results);
    const size_t count = (c.matrix.columns + 3) * (c.matrix.rows - 1) + c.matrix.columns;
    char *const work = allocate(count * size);
    const struct {
      const char *name, *input;
    } forward[] = {{"y in place of x", c.x}, {"y in place of the residual", c.residual}},
      backward[] = {{"dx in place of x", c.x}, {"dx in place of dy", c.dy}};
    for (int i = 0; i < 2; ++i) {
      memcpy(work, forward[i].input, count * size);
      if (i == 1) c.chain.residual = work;
      assert_int_equal(simdrop_chain_forward(NULL, &c.mask, dtype, &c.matrix, &c.chain, i == 0 ? work : c.x, work, NULL),
                       SIMDROP_OK);
      for (size_t r = 0; r < c.matrix.rows; ++r)
        check_bytes(results.y + r * (c.matrix.columns + 3) * size, work + r * (c.matrix.columns + 3) * size,
                    c.matrix.columns * size, "%s: %s", c.text, forward[i].name);
      memcpy(work, backward[i].input, count * size);
      assert_int_equal(simdrop_chain_backward(NULL, &c.mask, dtype, &c.matrix, &c.chain, NULL, i == 0 ? work : c.x,
                                              i == 0 ? c.dy : work, work, NULL),
                       SIMDROP_OK);
      for (size_t r = 0; r < c.matrix.rows; ++r)
        check_bytes(results.dx + r * (c.matrix.columns + 3) * size, work + r * (c.matrix.columns + 3) * size,
                    c.matrix.columns * size, "%s: %s", c.text, backward[i].name);
    }
    free(work), free_case(&c);
  }
  free_results(&results);
}

// Arrays that are far, with stores past the caches and without, at beginnings of all sorts: as the scalar backend, in which
// they are all alike.
static void far_arrays(void **state) {
  (void)state;
  uint64_t random = 79;
  const size_t bytes = ((size_t)1 << 20) + 40000;
  char *const x = allocate(bytes), *const dy = allocate(bytes), *const memory = allocate(3 * (bytes + 64));
  char *const expected = memory, *const found = memory + bytes + 64, *const sums = memory + 2 * (bytes + 64);
  for (size_t d = 0; d < LENGTH(computed_dtypes); ++d) {
    const simdrop_dtype dtype = computed_dtypes[d];
    // Short rows that end within lines go through the caches whatever is asked for; long ones do not.
    const size_t size = simdrop_dtype_size(dtype), columns = d % 2 ? 9001 : 1021, rows = bytes / size / columns;
    const size_t lead = (1 + below(&random, 9)) * size;
    const simdrop_matrix matrix = simdrop_matrix_dense(rows, columns);
    const simdrop_mask mask = {comparable_probability(dtype, 0.3), 5, 6, 7, 0};
    fill_ordinary(dtype, bytes / size, &random, x), fill_ordinary(dtype, bytes / size, &random, dy);
    for (int activation = 0; activation <= SIMDROP_GELU; ++activation) {
      if (!is_built(dtype, (simdrop_activation)activation)) continue;
      const simdrop_chain chain = {(simdrop_activation)activation, SIMDROP_BIAS_OF_COLUMNS, dy, d % 2 ? NULL : dy, 0};
      for (int is_backward = 0; is_backward < 2; ++is_backward) {
        const size_t sums_size = columns * (dtype == SIMDROP_F64 ? sizeof(double) : sizeof(float));
        FOR_EACH_BACKEND(backend) {
          for (int way = 0; way < 3; ++way) {  // the first one is the scalar backend's
            char *const to = way == 0 ? expected : found, *const to_sums = sums + (way == 0 ? 0 : sums_size);
            assert_int_equal(simdrop_backend_select(way == 0 ? "scalar" : backend), SIMDROP_OK);
            assert_int_equal(simdrop_memory_select(way == 1 ? "pages-1" : "cached"), SIMDROP_OK);
            memset(to, CANARY, bytes + 64);
            const simdrop_status status = is_backward
                                              ? simdrop_chain_backward(NULL, &mask, dtype, &matrix, &chain, NULL, x, dy,
                                                                       to + lead, way == 2 || d == 0 ? to_sums : NULL)
                                              : simdrop_chain_forward(NULL, &mask, dtype, &matrix, &chain, x, to + lead, NULL);
            assert_int_equal(status, SIMDROP_OK);
            if (way == 0 && is_backward)
              assert_int_equal(simdrop_chain_backward(NULL, &mask, dtype, &matrix, &chain, NULL, x, dy, to + lead, to_sums),
                               SIMDROP_OK);
            if (way == 0) continue;
            check_bytes(expected, found, bytes + 64, "%s: %s, activation %d, way %d", backend, dtype_name(dtype), activation,
                        way);
            if (is_backward && (way == 2 || d == 0)) check_bytes(sums, to_sums, sums_size, "%s: sums", backend);
          }
        }
      }
    }
  }
  assert_int_equal(simdrop_memory_select(NULL), SIMDROP_OK);
  free(x), free(dy), free(memory);
}

// Sizes for which calls are cut: results are those of one thread.
typedef enum lines_place {
  APART,
  FOR_X,
  FOR_RESIDUAL
} lines_place;

// A call whose output lies apart, or in place of x (backward: dy), or of the residual.
typedef struct lines_case {
  simdrop_mask mask;
  simdrop_matrix matrix;
  simdrop_chain chain;
  lines_place place;
  const float *x, *residual;
  size_t bits;  // where they are written, behind the output, or 0
} lines_case;

static void compute_lines(const lines_case *c, bool is_backward, char *memory, size_t bytes, float *y) {
  const size_t size = c->matrix.rows * c->matrix.columns * sizeof *y;
  const float *const x = c->place == FOR_X || (is_backward && c->place == FOR_RESIDUAL) ? y : c->x;
  simdrop_chain chain = c->chain;
  memset(memory, CANARY, bytes);
  if (c->place != APART) memcpy(y, c->place == FOR_X ? c->x : c->residual, size);
  if (c->place == FOR_RESIDUAL) chain.residual = y;
  const simdrop_status status =
      is_backward ? simdrop_chain_backward(NULL, &c->mask, SIMDROP_F32, &c->matrix, &chain, NULL, NULL, x, y, NULL)
                  : simdrop_chain_forward(NULL, &c->mask, SIMDROP_F32, &c->matrix, &chain, x, y,
                                          c->bits == 0 ? NULL : (uint8_t *)memory + c->bits);
  assert_int_equal(status, SIMDROP_OK);
}

// Where a mask producer may do lines of a chain between its rounds, and next to that: as the scalar backend. Rows that follow
// one another and others, a bias that begins again with a line and others, at beginnings of all sorts, with batches that end
// anywhere; in place; with stores past the caches and without.
static void lines_between_rounds(void **state) {
  (void)state;
  enum {
    FAR = 1 << 18,  // elements from which on stores may go past the caches
    MOST = FAR + 20000,
    MARGIN = 64
  };
  static const size_t widths[] = {1024, 1024, 16, 48, 4096, 8208, 1000, 17};
  static const double probabilities[] = {0.1, 0.1, 0.3, 0.9, 0.5};
  uint64_t random = 81;
  const size_t most_bytes = (MOST + 2 * MARGIN) * sizeof(float) + MOST / 8;
  float *const x = allocate(most_bytes), *const residual = allocate(most_bytes), *const bias = allocate(most_bytes);
  char *const memory = allocate(2 * most_bytes + 128);
  char *const expected = memory + (64 - (uintptr_t)memory % 64), *const found = expected + (most_bytes + 63) / 64 * 64;
  fill_ordinary(SIMDROP_F32, MOST, &random, x);
  fill_ordinary(SIMDROP_F32, MOST, &random, residual);
  fill_ordinary(SIMDROP_F32, MOST, &random, bias);
  for (size_t k = 0; k < MOST; k += 1 + below(&random, 200)) {
    static const uint32_t odd[] = {0x7f800000, 0xff800000, 0x7fc00000, 0x80000000, 1, 0x7f7fffff};
    write_element(sizeof *x, odd[k % LENGTH(odd)], x + k);
  }
  for (size_t round = 0; round < rounds(800, 400); ++round) {
    const bool is_far = below(&random, 6) == 0;
    const size_t n = is_far ? FAR + below(&random, 10000) : 8192 + below(&random, 20000);
    size_t width = below(&random, 6) == 0 ? n : widths[below(&random, LENGTH(widths))];
    if (is_far && below(&random, 4) > 0)
      width = 4096;  // shorter rows are stored past the caches only if they are of whole lines
    const size_t shift = below(&random, 2) * below(&random, 16);
    const size_t output = (n + 2 * MARGIN) * sizeof(float), bytes = output + (n + 31) / 32 * 4;
    lines_case c = {
        .mask = {probabilities[below(&random, LENGTH(probabilities))], 5, round, below(&random, 1000), 0},
        .matrix = simdrop_matrix_dense(n / width, width),
        .chain = {.bias = below(&random, 3) ? bias : NULL, .residual = below(&random, 3) ? residual : NULL},
        .place = (lines_place)(below(&random, 4) % 3),
        .x = x,
        .residual = residual,
        .bits = below(&random, 8) == 0 ? output : 0,
    };
    if (below(&random, 6) == 0) c.chain.bias_axis = SIMDROP_BIAS_OF_ROWS;
    if (below(&random, 6) == 0) c.matrix.index_stride += 1;
    if (below(&random, 6) == 0 && c.place != FOR_RESIDUAL) c.matrix.residual_stride = 0;
    char text[200];
    for (int is_backward = 0; is_backward < 2; ++is_backward) {
      assert_int_equal(simdrop_backend_select("scalar"), SIMDROP_OK);
      compute_lines(&c, is_backward, expected, bytes, (float *)(void *)expected + MARGIN + shift);
      FOR_EACH_BACKEND(backend) {
        for (int way = 0; way < 2; ++way) {
          assert_int_equal(simdrop_memory_select(way == 0 ? "pages-1" : "cached"), SIMDROP_OK);
          compute_lines(&c, is_backward, found, bytes, (float *)(void *)found + MARGIN + shift);
          snprintf(text, sizeof text,
                   "%s: %s, %zu x %zu, p %g, index %" PRIu64 ", bias %d, residual %d, place %d, y + %zu, way %d", backend,
                   is_backward ? "backward" : "forward", c.matrix.rows, width, c.mask.p, c.mask.offset, c.chain.bias != NULL,
                   c.chain.residual != NULL, (int)c.place, shift, way);
          check_elements(SIMDROP_F32, expected, found, bytes / sizeof *x, text);
        }
      }
    }
  }
  assert_int_equal(simdrop_memory_select(NULL), SIMDROP_OK);
  free(x), free(residual), free(bias), free(memory);
}

static void executors(void **state) {
  (void)state;
  static const struct { size_t rows, columns; } shapes[] = {{200, 1000}, {3, 70001}, {1, 210003}, {700, 300}};
  uint64_t random = 77;
  for (size_t s = 0; s < LENGTH(shapes); ++s)
    for (int options = 0; options < 8; ++options) {
      const simdrop_matrix matrix = simdrop_matrix_dense(shapes[s].rows, shapes[s].columns);
      const size_t count = matrix.rows * matrix.columns, bytes = count * sizeof(float);
      const simdrop_mask mask = {0.2, 5, 6, 7, 0};
      float *const x = allocate(bytes), *const bias = allocate(bytes), *const sums = allocate(2 * bytes);
      char *const y = allocate(2 * bytes), *const dx = allocate(2 * bytes);
      uint8_t *const bits = allocate(2 * PACKED(count));
      fill_ordinary(SIMDROP_F32, count, &random, x);
      fill_ordinary(SIMDROP_F32, count, &random, bias);
      const simdrop_bias_axis axis = options & 1 ? SIMDROP_BIAS_OF_ROWS : SIMDROP_BIAS_OF_COLUMNS;
      const simdrop_chain chain = {options & 4 ? SIMDROP_GELU : SIMDROP_RELU, axis, bias, NULL, 0};
      const size_t sums_count = options & 1 ? matrix.rows : matrix.columns;
      for (size_t threads = 0; threads < 9; threads += 3) {
        executor_calls calls = {0};
        const simdrop_executor executor = {run_backwards, &calls, threads};
        const simdrop_executor *const used = threads == 0 ? NULL : &executor;
        const size_t place = threads == 0 ? 0 : 1;  // where results are: those of no executor first
        char *const found_y = y + place * bytes, *const found_dx = dx + place * bytes;
        uint8_t *const found_bits = bits + place * PACKED(count);
        float *const found_sums = sums + place * count;
        assert_int_equal(
            simdrop_chain_forward(used, &mask, SIMDROP_F32, &matrix, &chain, x, found_y, options & 2 ? found_bits : NULL),
            SIMDROP_OK);
        const size_t forward_pieces = calls.pieces;
        assert_int_equal(simdrop_chain_backward(used, &mask, SIMDROP_F32, &matrix, &chain, NULL, x, bias, found_dx,
                                                options & 2 ? found_sums : NULL),
                         SIMDROP_OK);
        if (threads == 0) continue;
        assert_int_equal(forward_pieces, threads);
        assert_int_equal(calls.pieces, threads);
        check_bytes(y, found_y, bytes, "y of %zu threads, shape %zu, options %d", threads, s, options);
        check_bytes(dx, found_dx, bytes, "dx of %zu threads, shape %zu, options %d", threads, s, options);
        if ((options & 2) == 0) continue;
        check_bytes(bits, found_bits, PACKED(count), "bits of %zu threads, shape %zu", threads, s);
        check_bytes(sums, found_sums, sums_count * sizeof(float), "sums of %zu threads, shape %zu", threads, s);
      }
      free(x), free(bias), free(sums), free(y), free(dx), free(bits);
    }
}

// ---- edges

static void certain(void **state) {
  (void)state;
  const float minus_zero = -0.0F, infinity = INFINITY, x[4] = {NAN, infinity, -1, minus_zero};
  const float residual[4] = {1, minus_zero, infinity, -2}, zeros[4] = {0, 0, 0, 0};
  const float plain[4] = {1, 0, infinity, -2};  // -0 + 0 is 0
  float y[4], sums[2] = {7, 7};
  uint8_t bits = 0xff;
  const simdrop_matrix matrix = simdrop_matrix_dense(2, 2);
  FOR_EACH_BACKEND(backend) {
    const simdrop_mask drop_all = {1, 2, 3, 4, 0}, keep_all = {0, 2, 3, 4, 0};
    simdrop_chain chain = {SIMDROP_GELU, SIMDROP_BIAS_OF_COLUMNS, NULL, residual, 0};
    assert_int_equal(simdrop_chain_forward(NULL, &drop_all, SIMDROP_F32, &matrix, &chain, x, y, &bits), SIMDROP_OK);
    check_bytes(plain, y, sizeof y, "%s: p = 1 leaves the residual", backend);
    assert_int_equal(bits, 0);
    bits = 0xff;  // bits do not bring back what p = 1 drops
    chain.activation = SIMDROP_RELU;
    assert_int_equal(simdrop_chain_backward(NULL, &drop_all, SIMDROP_F32, &matrix, &chain, &bits, NULL, x, y, sums),
                     SIMDROP_OK);
    check_bytes(zeros, y, sizeof y, "%s: p = 1 has no gradient", backend);
    check_bytes(zeros, sums, sizeof sums, "%s: p = 1 has no sums", backend);
    chain = (simdrop_chain){.activation = SIMDROP_ACTIVATION_NONE};
    assert_int_equal(simdrop_chain_forward(NULL, &keep_all, SIMDROP_F32, &matrix, &chain, x, y, &bits), SIMDROP_OK);
    assert_true(isnan(y[0]));
    check_bytes(x + 1, y + 1, 3 * sizeof *y, "%s: p = 0 keeps", backend);
    assert_int_equal(bits, 15);
    bits = 0;
  }
}

static void no_elements(void **state) {
  (void)state;
  const simdrop_mask mask = {0.5, 1, 2, UINT64_MAX, 0};
  const simdrop_chain of_columns = {SIMDROP_GELU, SIMDROP_BIAS_OF_COLUMNS, NULL, NULL, 0};
  const simdrop_chain of_rows = {SIMDROP_GELU, SIMDROP_BIAS_OF_ROWS, NULL, NULL, 0};
  const simdrop_matrix no_rows = simdrop_matrix_dense(0, 3), no_columns = simdrop_matrix_dense(3, 0);
  const simdrop_matrix endless = simdrop_matrix_dense(0, SIZE_MAX);
  float sums[4];
  assert_int_equal(simdrop_chain_forward(NULL, &mask, SIMDROP_F32, &no_rows, &of_columns, NULL, NULL, NULL), SIMDROP_OK);
  assert_int_equal(simdrop_chain_forward(NULL, &mask, SIMDROP_F32, &no_columns, &of_columns, NULL, NULL, NULL), SIMDROP_OK);
  assert_int_equal(simdrop_chain_backward(NULL, &mask, SIMDROP_F32, &no_rows, &of_columns, NULL, NULL, NULL, NULL, NULL),
                   SIMDROP_OK);
  static const float zeros[3] = {0};
  memset(sums, CANARY, sizeof sums);
  assert_int_equal(simdrop_chain_backward(NULL, &mask, SIMDROP_F32, &no_rows, &of_columns, NULL, NULL, NULL, NULL, sums),
                   SIMDROP_OK);
  check_bytes(zeros, sums, sizeof zeros, "sums of columns without rows");
  check_filled(&sums[3], sizeof sums[3], CANARY, "behind them");
  memset(sums, CANARY, sizeof sums);
  assert_int_equal(simdrop_chain_backward(NULL, &mask, SIMDROP_F32, &no_columns, &of_rows, NULL, NULL, NULL, NULL, sums),
                   SIMDROP_OK);
  check_bytes(zeros, sums, sizeof zeros, "sums of rows without columns");
  check_filled(&sums[3], sizeof sums[3], CANARY, "behind them");
  assert_int_equal(simdrop_chain_backward(NULL, &mask, SIMDROP_F32, &endless, &of_columns, NULL, NULL, NULL, NULL, sums),
                   SIMDROP_ERROR_SIZE_OVERFLOW);
}

static const simdrop_mask good_mask = {0.5, 1, 2, 3, 0};

// A wrong call leaves its outputs alone.
static void refuse(simdrop_status expected, const simdrop_mask *mask, simdrop_dtype dtype, const simdrop_matrix *matrix,
                   const simdrop_chain *chain) {
  float x[64] = {0}, y[64];
  uint8_t bits[8];
  memset(y, CANARY, sizeof y), memset(bits, CANARY, sizeof bits);
  assert_int_equal(simdrop_chain_forward(NULL, mask, dtype, matrix, chain, x, y, bits), expected);
  assert_int_equal(simdrop_chain_backward(NULL, mask, dtype, matrix, chain, NULL, x, x, y, NULL), expected);
  check_filled(y, sizeof y, CANARY, "y of a refused call");
  check_filled(bits, sizeof bits, CANARY, "bits of a refused call");
}

static void refused_parameters(void **state) {
  (void)state;
  const simdrop_matrix good = simdrop_matrix_dense(4, 8);
  const simdrop_chain chain = {SIMDROP_RELU, SIMDROP_BIAS_OF_COLUMNS, NULL, NULL, 0};
  refuse(SIMDROP_ERROR_NULL_POINTER, NULL, SIMDROP_F32, &good, &chain);
  refuse(SIMDROP_ERROR_NULL_POINTER, &good_mask, SIMDROP_F32, NULL, &chain);
  refuse(SIMDROP_ERROR_NULL_POINTER, &good_mask, SIMDROP_F32, &good, NULL);
  simdrop_mask mask = good_mask;
  mask.p = 1.5;
  refuse(SIMDROP_ERROR_PROBABILITY, &mask, SIMDROP_F32, &good, &chain);
  mask = good_mask, mask.flags = 1;
  refuse(SIMDROP_ERROR_FLAGS, &mask, SIMDROP_F32, &good, &chain);
  mask = good_mask, mask.offset = UINT64_MAX - 30;
  refuse(SIMDROP_ERROR_INDEX_OVERFLOW, &mask, SIMDROP_F32, &good, &chain);
  refuse(SIMDROP_ERROR_DTYPE, &good_mask, SIMDROP_F8E5M2, &good, &chain);
  refuse(SIMDROP_ERROR_DTYPE, &good_mask, (simdrop_dtype)99, &good, &chain);
  simdrop_matrix matrix = good;
  matrix.flags = 1;
  refuse(SIMDROP_ERROR_FLAGS, &good_mask, SIMDROP_F32, &matrix, &chain);
  matrix = good, matrix.index_stride = UINT64_MAX / 2;
  refuse(SIMDROP_ERROR_INDEX_OVERFLOW, &good_mask, SIMDROP_F32, &matrix, &chain);
  matrix = good, matrix.y_stride = PTRDIFF_MAX / 4;
  refuse(SIMDROP_ERROR_SIZE_OVERFLOW, &good_mask, SIMDROP_F32, &matrix, &chain);
  matrix = simdrop_matrix_dense(SIZE_MAX / 2, 8);
  refuse(SIMDROP_ERROR_SIZE_OVERFLOW, &good_mask, SIMDROP_F32, &matrix, &chain);
  simdrop_chain wrong = chain;
  wrong.flags = 1;
  refuse(SIMDROP_ERROR_FLAGS, &good_mask, SIMDROP_F32, &good, &wrong);
  wrong = chain, wrong.activation = (simdrop_activation)5;
  refuse(SIMDROP_ERROR_ACTIVATION, &good_mask, SIMDROP_F32, &good, &wrong);
  wrong.activation = (simdrop_activation)-1;
  refuse(SIMDROP_ERROR_ACTIVATION, &good_mask, SIMDROP_F32, &good, &wrong);
  wrong = chain, wrong.bias_axis = (simdrop_bias_axis)2;
  refuse(SIMDROP_ERROR_SHAPE, &good_mask, SIMDROP_F32, &good, &wrong);
}

// Where in one piece of memory arrays lie, in bytes, that are all 4 x 8 floats, rows 10 apart, but bias, bits and sums.
// Of what is not there the stride may be anything, and is not computed with.
static void absent_residual(void **state) {
  (void)state;
  const simdrop_mask mask = {0.5, 1, 2, 0, 0};
  simdrop_matrix matrix = simdrop_matrix_dense(4, 8);
  const simdrop_chain chain = {0};
  float x[32] = {1};
  matrix.residual_stride = PTRDIFF_MAX;
  assert_int_equal(simdrop_chain_forward(NULL, &mask, SIMDROP_F32, &matrix, &chain, x, x, NULL), SIMDROP_OK);
  assert_int_equal(simdrop_chain_backward(NULL, &mask, SIMDROP_F32, &matrix, &chain, NULL, NULL, x, x, NULL), SIMDROP_OK);
}

static void refused_overlaps(void **state) {
  (void)state;
  enum {
    MATRIX = (3 * 10 + 8) * 4,
    FAR = 4096
  };
  static _Alignas(64) char memory[2 * FAR];
  simdrop_matrix matrix = {4, 8, 10, 10, 10, 8, 0};
  char *const base = memory + FAR;
  simdrop_chain chain = {SIMDROP_GELU, SIMDROP_BIAS_OF_COLUMNS, memory, NULL, 0};
#define FORWARD(x, y, bits) simdrop_chain_forward(NULL, &good_mask, SIMDROP_F32, &matrix, &chain, x, y, (uint8_t *)(bits))
#define BACKWARD(bits, x, dy, dx, sums) \
  simdrop_chain_backward(NULL, &good_mask, SIMDROP_F32, &matrix, &chain, (uint8_t *)(bits), x, dy, dx, sums)
  char *const other = memory + 1024, *const third = memory + 2048;
  assert_int_equal(FORWARD(NULL, base, NULL), SIMDROP_ERROR_NULL_POINTER);
  assert_int_equal(FORWARD(base, NULL, NULL), SIMDROP_ERROR_NULL_POINTER);
  assert_int_equal(FORWARD(base, base, NULL), SIMDROP_OK);
  assert_int_equal(FORWARD(base, base + 4, NULL), SIMDROP_ERROR_OVERLAP);
  assert_int_equal(FORWARD(base, base + MATRIX, NULL), SIMDROP_OK);
  assert_int_equal(FORWARD(base, base + MATRIX - 4, NULL), SIMDROP_ERROR_OVERLAP);
  matrix.x_stride = 11;
  assert_int_equal(FORWARD(base, base, NULL), SIMDROP_ERROR_OVERLAP);  // the same beginning, but not the same elements
  matrix.x_stride = matrix.y_stride = 20;
  assert_int_equal(FORWARD(base, base + 40, NULL), SIMDROP_OK);  // side by side
  matrix.x_stride = 0;
  assert_int_equal(FORWARD(base, other, NULL), SIMDROP_OK);
  matrix.y_stride = 7;
  assert_int_equal(FORWARD(other, base, NULL), SIMDROP_ERROR_OVERLAP);  // rows of y meet
  matrix.x_stride = matrix.y_stride = 10;
  chain.residual = base;
  assert_int_equal(FORWARD(other, base, NULL), SIMDROP_OK);
  assert_int_equal(FORWARD(other, base + 4, NULL), SIMDROP_ERROR_OVERLAP);
  matrix.residual_stride = 0;
  assert_int_equal(FORWARD(other, base, NULL), SIMDROP_ERROR_OVERLAP);
  matrix.residual_stride = 10;
  chain.residual = third;
  assert_int_equal(FORWARD(other, memory + 28, NULL), SIMDROP_ERROR_OVERLAP);  // the bias
  assert_int_equal(FORWARD(other, memory + 32, NULL), SIMDROP_OK);
  assert_int_equal(FORWARD(other, base, base), SIMDROP_ERROR_OVERLAP);
  assert_int_equal(FORWARD(other, base, base + 32), SIMDROP_OK);  // between rows
  assert_int_equal(FORWARD(other, base, base + 37), SIMDROP_ERROR_OVERLAP);
  assert_int_equal(FORWARD(other, base, other + 3), SIMDROP_ERROR_OVERLAP);
  assert_int_equal(FORWARD(other, base, third), SIMDROP_ERROR_OVERLAP);
  assert_int_equal(FORWARD(other, base, memory + 31), SIMDROP_ERROR_OVERLAP);
  chain.residual = NULL;
  assert_int_equal(BACKWARD(NULL, other, NULL, base, NULL), SIMDROP_ERROR_NULL_POINTER);
  assert_int_equal(BACKWARD(NULL, other, third, NULL, NULL), SIMDROP_ERROR_NULL_POINTER);
  assert_int_equal(BACKWARD(NULL, NULL, third, base, NULL), SIMDROP_ERROR_NULL_POINTER);
  assert_int_equal(BACKWARD(NULL, other, other, other, NULL), SIMDROP_OK);
  assert_int_equal(BACKWARD(NULL, other, third, third + 4, NULL), SIMDROP_ERROR_OVERLAP);
  assert_int_equal(BACKWARD(NULL, other, third, other + 4, NULL), SIMDROP_ERROR_OVERLAP);
  assert_int_equal(BACKWARD(NULL, other, third, memory + 28, NULL), SIMDROP_ERROR_OVERLAP);
  assert_int_equal(BACKWARD(base + 3, other, third, base, NULL), SIMDROP_ERROR_OVERLAP);
  assert_int_equal(BACKWARD(third, other, third, base, NULL), SIMDROP_OK);
  assert_int_equal(BACKWARD(NULL, other, third, base, base + 4), SIMDROP_ERROR_OVERLAP);
  assert_int_equal(BACKWARD(NULL, other, third, base, other), SIMDROP_ERROR_OVERLAP);
  assert_int_equal(BACKWARD(NULL, other, third, base, third), SIMDROP_ERROR_OVERLAP);
  assert_int_equal(BACKWARD(NULL, other, third, base, memory + 28), SIMDROP_ERROR_OVERLAP);
  assert_int_equal(BACKWARD(memory + 512, other, third, base, memory + 512), SIMDROP_ERROR_OVERLAP);
  chain.activation = SIMDROP_ACTIVATION_NONE;  // x and the bias are not read
  assert_int_equal(BACKWARD(NULL, NULL, third, base, memory), SIMDROP_OK);
  assert_int_equal(BACKWARD(NULL, other, third, other + 4, NULL), SIMDROP_OK);
  chain.activation = SIMDROP_RELU;
  assert_int_equal(BACKWARD(NULL, NULL, third, base, NULL), SIMDROP_ERROR_NULL_POINTER);
  assert_int_equal(BACKWARD(memory + 512, NULL, third, base, NULL), SIMDROP_OK);
#undef FORWARD
#undef BACKWARD
}

// ---- the reader of rows

static void check_batches(simdrop_row_reader *reader, const simdrop_read_rows *rows, const simdrop_mask *mask) {
  simdrop_matrix_batch batch, next;
  uint8_t *const row_bits = allocate(rows->columns);
  size_t row = rows->begin, column = 0, expected_row = SIZE_MAX;
  bool has_batch = simdrop_row_reader_next(reader, NULL, &batch);
  while (has_batch) {
    const bool has_next = simdrop_row_reader_next(reader, NULL, &next);  // the batch before stays as it is
    assert_true(batch.elements > 0 && batch.elements <= SIMDROP_CHUNK_ELEMENTS_MAX);
    assert_true(batch.elements <= rows->most || rows->whole_rows);
    simdrop_batch_cursor cursor = simdrop_batch_begin(&batch);
    while (cursor.done < batch.elements) {
      const simdrop_segment segment = simdrop_batch_segment(&batch, &cursor);
      assert_true(segment.row == row && segment.column == column && segment.count > 0);
      if (rows->whole_rows && cursor.done == 0) assert_int_equal(column % SIMDROP_CHUNK_ELEMENTS_MAX, 0);
      if (row != expected_row) {
        simdrop_mask of_row = *mask;
        of_row.offset += row * rows->index_stride;
        assert_int_equal(simdrop_mask_bytes(&of_row, rows->columns, row_bits), SIMDROP_OK);
        expected_row = row;
      }
      for (size_t k = 0; k < segment.count; ++k) {
        const size_t bit = segment.first + k;
        if ((segment.words[bit / 64] >> bit % 64 & 1) != row_bits[column + k])
          fail_msg("%zu columns, index stride %" PRIu64 ": (%zu, %zu)", rows->columns, rows->index_stride, row, column + k);
      }
      const size_t taken = segment.count > 100 ? segment.count - 50 : segment.count;
      simdrop_batch_go_on(&batch, &cursor, taken);
      column += taken;
      if (column == rows->columns) ++row, column = 0;
    }
    if (rows->whole_rows && rows->columns <= SIMDROP_CHUNK_ELEMENTS_MAX) assert_int_equal(column, 0);
    batch = next;
    has_batch = has_next;
  }
  assert_int_equal(row, rows->end);
  free(row_bits);
}

static void row_reader(void **state) {
  (void)state;
  static const size_t columns[] = {1, 2, 63, 64, 100, 128, 1000, 4096, 5000, 16384, 16385, 40000};
  static const size_t mosts[] = {64, 4096, SIMDROP_CHUNK_ELEMENTS_MAX};
  uint64_t random = 78;
  static simdrop_row_reader reader;
  for (size_t i = 0; i < LENGTH(columns); ++i) {
    const uint64_t strides[] = {columns[i], 0, 1, columns[i] / 2, columns[i] + 1, columns[i] + 100, 12800, UINT64_C(1) << 50};
    for (size_t s = 0; s < LENGTH(strides); ++s)
      for (int whole_rows = 0; whole_rows < 2; ++whole_rows) {
        const simdrop_mask mask = {0.3, 5, 6, next_random(&random) >> 1, 0};
        const simdrop_operation operation = {.seed = 5, .stream = 6, .threshold = simdrop_threshold(0.3), .index = mask.offset};
        const size_t begin = below(&random, 3), most_rows = 1 + 60000 / columns[i];
        const simdrop_read_rows rows = {.begin = begin,
                                        .end = begin + 1 + below(&random, most_rows < 400 ? most_rows : 400),
                                        .columns = columns[i],
                                        .index_stride = strides[s],
                                        .most = mosts[below(&random, 3)],
                                        .whole_rows = whole_rows};
        simdrop_row_reader_init(&reader, simdrop_current_kernels(), &operation, &rows);
        check_batches(&reader, &rows, &mask);
      }
  }
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(definition),
      cmocka_unit_test(shapes),
      cmocka_unit_test(sums_in_order),
      cmocka_unit_test(sums_of_halves),
      cmocka_unit_test(backends_alike),
      cmocka_unit_test(composition),
      cmocka_unit_test(stored_bits),
      cmocka_unit_test(in_place),
      cmocka_unit_test(far_arrays),
      cmocka_unit_test(executors),
      cmocka_unit_test(certain),
      cmocka_unit_test(no_elements),
      cmocka_unit_test(refused_parameters),
      cmocka_unit_test(refused_overlaps),
      cmocka_unit_test(absent_residual),
      cmocka_unit_test(row_reader),
      cmocka_unit_test(lines_between_rounds),
  };
  return RUN_TESTS(argc, argv, tests);
}

// Chains, norms, softmax and tiles of simdrop_faulty, from docs/fused.md, one element at a time.
#include "faulty.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shared/report.h"
#include "verify/formulas.h"

// At most, in the tests.
#define MOST_COLUMNS 1024

// ---- chains

static bool matrix_kept(const simdrop_mask *mask, const simdrop_matrix *matrix, size_t r, size_t c) {
  return kept(mask, r * (has(FAULT_chain_rows_follow) ? matrix->columns : matrix->index_stride) + c, SIZE_MAX);
}

static double scale_of(simdrop_dtype dtype, const simdrop_mask *mask) {
  return computed_scale(dtype, keep_probability(mask->p));
}

// x + bias of element (r, c).
static double sum_with_bias(simdrop_dtype dtype, const simdrop_matrix *matrix, const simdrop_chain *chain, const void *x,
                            size_t r, size_t c) {
  const double value = value_at(dtype, x, (ptrdiff_t)r * matrix->x_stride + (ptrdiff_t)c);
  if (chain->bias == NULL) return value;
  return computed(dtype, value + value_at(dtype, chain->bias, (ptrdiff_t)(chain->bias_axis == SIMDROP_BIAS_OF_ROWS ? r : c)));
}

static double activated(simdrop_dtype dtype, const simdrop_chain *chain, double t) {
  const bool by_tanh = has(FAULT_chain_gelu_by_tanh) && chain->activation == SIMDROP_GELU;
  return computed(dtype, activation_value(by_tanh ? SIMDROP_GELU_TANH : chain->activation, t));
}

// The output of one element, without its residual.
static double chain_dropped(simdrop_dtype dtype, const simdrop_chain *chain, double x, double t, bool is_kept, double scale) {
  if (has(FAULT_chain_activation_late)) return activated(dtype, chain, is_kept ? computed(dtype, t * scale) : 0);
  if (!is_kept) return 0;
  const double a = has(FAULT_chain_bias_late) ? computed(dtype, activated(dtype, chain, x) + computed(dtype, t - x))
                                              : activated(dtype, chain, t);
  const double d = computed(dtype, a * scale);
  return has(FAULT_chain_rounds_early) ? value_of_bits(dtype, bits_of_value(dtype, d)) : d;
}

static double chain_output(simdrop_dtype dtype, double residual, double d, bool is_kept, double scale) {
  if (has(FAULT_chain_mask_late) && !is_kept) return 0;
  return computed(dtype, (has(FAULT_chain_residual_scaled) ? computed(dtype, residual * scale) : residual) + d);
}

static simdrop_status chain_forward(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                    const simdrop_matrix *matrix, const simdrop_chain *chain, const void *x, void *y,
                                    uint8_t *bits) {
  const double scale = scale_of(dtype, mask);
  (void)executor;
  if (bits != NULL) memset(bits, 0, (matrix->rows * matrix->columns + 7) / 8);
  for (size_t r = 0; r < matrix->rows; ++r) {
    for (size_t c = 0; c < matrix->columns; ++c) {
      const bool is_kept = matrix_kept(mask, matrix, r, c);
      const ptrdiff_t column = (ptrdiff_t)c, row = (ptrdiff_t)r;
      const double t = sum_with_bias(dtype, matrix, chain, x, r, c);
      const double d = chain_dropped(dtype, chain, value_at(dtype, x, row * matrix->x_stride + column), t, is_kept, scale);
      const bool positive = chain->activation != SIMDROP_RELU || t > 0 || has(FAULT_chain_bits_of_mask);
      const size_t k = r * matrix->columns + c;
      double output = d;
      if (chain->residual != NULL)
        output =
            chain_output(dtype, value_at(dtype, chain->residual, row * matrix->residual_stride + column), d, is_kept, scale);
      if (bits != NULL) bits[k / 8] |= (uint8_t)((is_kept && positive) << k % 8);
      store_at(dtype, output, y, row * matrix->y_stride + column);
    }
  }
  return SIMDROP_OK;
}

// The sum of one row, in lanes, or of one column.
typedef struct line_sum {
  double lanes[SUM_LANES];
  column_sum column;
} line_sum;

static void add_to_sum(simdrop_dtype dtype, bool is_of_rows, size_t k, size_t count, double value, line_sum *sum) {
  if (has(FAULT_chain_sums_rounded)) value = value_of_bits(dtype, bits_of_value(dtype, value));
  if (is_of_rows) {
    sum->lanes[k % SUM_LANES] = computed(dtype, sum->lanes[k % SUM_LANES] + value);
  } else if (has(FAULT_chain_sums_in_a_row)) {
    sum->column.total = computed(dtype, sum->column.total + value);
  } else {
    add_to_column(dtype, &sum->column, k, count, value);
  }
}

static double chain_gradient(const simdrop_mask *mask, simdrop_dtype dtype, const simdrop_matrix *matrix,
                             const simdrop_chain *chain, const uint8_t *bits, const void *x, double dy, size_t r, size_t c) {
  const size_t k = r * matrix->columns + c;
  if (!(bits != NULL ? bits[k / 8] >> k % 8 & 1 : matrix_kept(mask, matrix, r, c))) return 0;
  const double g = has(FAULT_chain_gradient_unscaled) ? dy : computed(dtype, dy * scale_of(dtype, mask));
  if (chain->activation == SIMDROP_ACTIVATION_NONE || (chain->activation == SIMDROP_RELU && bits != NULL)) return g;
  simdrop_chain derived = *chain;
  if (has(FAULT_chain_slope_of_x)) derived.bias = NULL;
  const double slope = activation_slope(chain->activation, sum_with_bias(dtype, matrix, &derived, x, r, c));
  return chain->activation == SIMDROP_RELU ? (slope > 0 ? g : 0) : computed(dtype, g * computed(dtype, slope));
}

static simdrop_status chain_backward(const simdrop_executor *executor, const simdrop_mask *given, simdrop_dtype dtype,
                                     const simdrop_matrix *matrix, const simdrop_chain *chain, const uint8_t *bits,
                                     const void *x, const void *dy, void *dx, void *bias_gradient) {
  const bool is_of_rows = chain->bias_axis == SIMDROP_BIAS_OF_ROWS;
  const size_t lines = is_of_rows ? matrix->rows : matrix->columns;
  line_sum *const sums = verify_allocate(lines, sizeof *sums);
  simdrop_mask mask = *given;
  const size_t piece = executor != NULL && has(FAULT_sums_by_threads) ? matrix->rows / executor->threads + 1 : matrix->rows;
  if (sums == NULL) exit(EXIT_REFUSED);
  if (has(FAULT_chain_gradient_anew)) mask.stream ^= 0x626b;
  for (size_t r = 0; r < matrix->rows; ++r) {
    for (size_t c = 0; c < matrix->columns; ++c) {
      const double gradient = value_at(dtype, dy, (ptrdiff_t)r * matrix->y_stride + (ptrdiff_t)c);
      const double value = chain_gradient(&mask, dtype, matrix, chain, bits, x, gradient, r, c);
      store_at(dtype, value, dx, (ptrdiff_t)r * matrix->x_stride + (ptrdiff_t)c);
      const size_t in_piece = r % piece, last = r + 1 == matrix->rows ? in_piece + 1 : piece;
      add_to_sum(dtype, is_of_rows, is_of_rows ? c : in_piece, last, value, &sums[is_of_rows ? r : c]);
    }
  }
  for (size_t line = 0; line < lines && bias_gradient != NULL; ++line)
    store_at(dtype == SIMDROP_F64 ? dtype : SIMDROP_F32,
             is_of_rows ? sum_of_lanes(dtype, sums[line].lanes) : sums[line].column.total, bias_gradient, (ptrdiff_t)line);
  free(sums);
  return SIMDROP_OK;
}

// ---- softmax

// x * scale + additive, or -infinity where masked.
static double score(simdrop_dtype dtype, const simdrop_matrix *matrix, const simdrop_softmax *softmax, const void *x, size_t r,
                    size_t c) {
  const ptrdiff_t row = (ptrdiff_t)r, column = (ptrdiff_t)c;
  if (softmax->causal != 0 && column > row + softmax->diagonal + has(FAULT_softmax_sees_next)) return -INFINITY;
  if (softmax->allowed != NULL && softmax->allowed[row * softmax->allowed_stride + column] == 0) return -INFINITY;
  const double scaled = computed(dtype, value_at(dtype, x, row * matrix->x_stride + column) * computed(dtype, softmax->scale));
  if (softmax->additive == NULL) return scaled;
  return computed(dtype, scaled + value_at(softmax->additive_type, softmax->additive, row * softmax->additive_stride + column));
}

// Probabilities of a row, and its largest score and inverse sum.
static void softmax_row(const simdrop_mask *mask, simdrop_dtype dtype, const simdrop_matrix *matrix,
                        const simdrop_softmax *softmax, const void *x, size_t r, double *p, double statistics[2]) {
  double maximum = -INFINITY, sum = 0;
  for (size_t c = 0; c < matrix->columns; ++c) {
    p[c] = score(dtype, matrix, softmax, x, r, c);
    if (has(FAULT_softmax_scaled_early)) p[c] = matrix_kept(mask, matrix, r, c) ? p[c] * scale_of(dtype, mask) : 0;
    maximum = fmax(maximum, p[c]);
  }
  maximum = maximum == -INFINITY ? 0 : maximum;
  for (size_t c = 0; c < matrix->columns; ++c) {
    p[c] = exp(p[c] - maximum);
    sum += has(FAULT_softmax_of_kept) && !matrix_kept(mask, matrix, r, c) ? 0 : p[c];
  }
  statistics[0] = maximum + 0;
  statistics[1] = sum > 0 ? computed(dtype, 1 / sum) : 0;
  for (size_t c = 0; c < matrix->columns; ++c) p[c] = computed(dtype, p[c] * statistics[1]);
}

static simdrop_status softmax_forward(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                      const simdrop_matrix *matrix, const simdrop_softmax *softmax, const void *x, void *y,
                                      void *probabilities, void *statistics) {
  double p[MOST_COLUMNS], row_statistics[2];
  (void)executor;
  for (size_t r = 0; r < matrix->rows; ++r) {
    softmax_row(mask, dtype, matrix, softmax, x, r, p, row_statistics);
    for (size_t c = 0; c < matrix->columns; ++c) {
      const bool is_kept = has(FAULT_softmax_scaled_early) || matrix_kept(mask, matrix, r, c);
      const double scale = has(FAULT_softmax_scaled_early) ? 1 : scale_of(dtype, mask);
      store_at(dtype, is_kept ? computed(dtype, p[c] * scale) : 0, y, (ptrdiff_t)r * matrix->y_stride + (ptrdiff_t)c);
      if (probabilities != NULL)
        store_at(dtype, p[c], probabilities, (ptrdiff_t)r * softmax->probability_stride + (ptrdiff_t)c);
    }
    for (int i = 0; i < 2 && statistics != NULL; ++i)
      store_at(dtype == SIMDROP_F64 ? dtype : SIMDROP_F32, row_statistics[i], statistics, 2 * (ptrdiff_t)r + i);
  }
  return SIMDROP_OK;
}

static simdrop_status softmax_backward(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                       const simdrop_matrix *matrix, const simdrop_softmax *softmax, const void *probabilities,
                                       const void *x, const void *statistics, const void *dy, void *dx) {
  double p[MOST_COLUMNS], g[MOST_COLUMNS], row_statistics[2];
  (void)executor;
  (void)statistics;  // the row gives them again
  for (size_t r = 0; r < matrix->rows; ++r) {
    double sum = 0;
    if (probabilities == NULL) softmax_row(mask, dtype, matrix, softmax, x, r, p, row_statistics);
    for (size_t c = 0; c < matrix->columns; ++c) {
      if (probabilities != NULL)
        p[c] = value_at(dtype, probabilities, (ptrdiff_t)r * softmax->probability_stride + (ptrdiff_t)c);
      g[c] = matrix_kept(mask, matrix, r, c)
                 ? value_at(dtype, dy, (ptrdiff_t)r * matrix->y_stride + (ptrdiff_t)c) * scale_of(dtype, mask)
                 : 0;
      sum += g[c] * p[c];
    }
    if (has(FAULT_softmax_gradient_alone)) sum = 0;
    for (size_t c = 0; c < matrix->columns; ++c)
      store_at(dtype, p[c] > 0 ? computed(dtype, p[c] * (g[c] - sum) * softmax->scale) : 0, dx,
               (ptrdiff_t)r * matrix->x_stride + (ptrdiff_t)c);
  }
  return SIMDROP_OK;
}

// ---- tiles

// What a tile is told.
typedef struct tile_contents {
  simdrop_mask mask;
  simdrop_dtype dtype;
  uint64_t index_stride;
} tile_contents;

static simdrop_status tile_init(const simdrop_mask *mask, simdrop_dtype dtype, uint64_t index_stride, simdrop_tile *tile) {
  const tile_contents contents = {*mask, dtype, index_stride};
  memcpy(tile, &contents, sizeof contents);
  return SIMDROP_OK;
}

// Row r of a tile at (row, column).
static void draw_tile_row(const tile_contents *contents, uint64_t row, size_t r, uint64_t column, size_t columns,
                          uint8_t *bits) {
  const uint64_t stride = contents->index_stride;
  const uint64_t next = has(FAULT_tile_of_its_own) ? row * stride + r * columns : (row + r) * stride;
  memset(bits, 0, (columns + 7) / 8);
  for (size_t c = 0; c < columns; ++c) {
    const uint64_t index = next + (has(FAULT_tile_at_zero) ? 0 : column) + c;
    bits[c / 8] |= (uint8_t)(kept(&contents->mask, index, SIZE_MAX) << c % 8);
  }
}

static simdrop_status tile_bits(const simdrop_tile *tile, uint64_t row, uint64_t column, size_t rows, size_t columns,
                                uint8_t *bits, size_t bits_stride) {
  tile_contents contents;
  memcpy(&contents, tile, sizeof contents);
  for (size_t r = 0; r < rows; ++r) draw_tile_row(&contents, row, r, column, columns, bits + r * bits_stride);
  return SIMDROP_OK;
}

static simdrop_status tile_apply(const simdrop_tile *tile, uint64_t row, uint64_t column, size_t rows, size_t columns, void *x,
                                 ptrdiff_t stride) {
  tile_contents contents;
  memcpy(&contents, tile, sizeof contents);
  const size_t size = simdrop_dtype_size(contents.dtype);
  for (size_t r = 0; r < rows; ++r) {
    uint8_t bits[64];
    draw_tile_row(&contents, row, r, column, columns, bits);
    char *const of_row = (char *)x + (ptrdiff_t)r * stride * (ptrdiff_t)size;
    simdrop_apply_bits(contents.mask.p, contents.dtype, columns, bits, of_row, of_row);
  }
  return SIMDROP_OK;
}

static simdrop_status tile_apply_bits(const simdrop_tile *tile, size_t rows, size_t columns, const uint8_t *bits,
                                      size_t bits_stride, void *x, ptrdiff_t stride) {
  tile_contents contents;
  memcpy(&contents, tile, sizeof contents);
  const size_t size = simdrop_dtype_size(contents.dtype);
  const size_t of_row = has(FAULT_tile_bits_in_a_row) ? (columns + 7) / 8 : bits_stride;
  for (size_t r = 0; r < rows; ++r) {
    char *const row = (char *)x + (ptrdiff_t)r * stride * (ptrdiff_t)size;
    simdrop_apply_bits(contents.mask.p, contents.dtype, columns, bits + r * of_row, row, row);
  }
  return SIMDROP_OK;
}

// ---- norms

typedef struct norm_line {
  double h[MOST_COLUMNS], z[MOST_COLUMNS], mean, inverse;
} norm_line;

static double mean_of(simdrop_dtype dtype, size_t columns, const double *values, size_t divisor) {
  double lanes[SUM_LANES] = {0};
  for (size_t c = 0; c < columns; ++c) lanes[c % SUM_LANES] = computed(dtype, lanes[c % SUM_LANES] + values[c]);
  return computed(dtype, sum_of_lanes(dtype, lanes) / (double)divisor);
}

// z of a row whose h, mean and factor are known.
static void normalise(simdrop_dtype dtype, size_t columns, norm_line *line) {
  for (size_t c = 0; c < columns; ++c) line->z[c] = computed(dtype, computed(dtype, line->h[c] - line->mean) * line->inverse);
}

static void norm_of_line(simdrop_dtype dtype, size_t columns, const simdrop_norm *norm, norm_line *line) {
  double squares[MOST_COLUMNS];
  const size_t divisor = has(FAULT_norm_by_one_less) && columns > 1 ? columns - 1 : columns;
  const double epsilon = computed(dtype, norm->epsilon);
  line->mean = norm->kind == SIMDROP_LAYER_NORM ? mean_of(dtype, columns, line->h, columns) : 0;
  for (size_t c = 0; c < columns; ++c) {
    const double difference = computed(dtype, line->h[c] - line->mean);
    squares[c] = computed(dtype, difference * difference);
  }
  const double square = mean_of(dtype, columns, squares, divisor);
  const double root = has(FAULT_norm_epsilon_late) ? computed(dtype, sqrt(square)) + epsilon
                                                   : computed(dtype, sqrt(computed(dtype, square + epsilon)));
  line->inverse = computed(dtype, 1 / root);
  normalise(dtype, columns, line);
}

static simdrop_status norm_forward(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                   const simdrop_matrix *matrix, const simdrop_norm *norm, const void *x, void *h, void *y,
                                   void *statistics) {
  const simdrop_chain chain = {.bias = norm->bias, .residual = norm->residual};
  const simdrop_dtype wide = dtype == SIMDROP_F64 ? dtype : SIMDROP_F32;
  norm_line line;
  (void)executor;
  for (ptrdiff_t r = 0; r < (ptrdiff_t)matrix->rows; ++r) {
    for (ptrdiff_t c = 0; c < (ptrdiff_t)matrix->columns; ++c) {
      const bool is_kept = matrix_kept(mask, matrix, (size_t)r, (size_t)c);
      const double t = sum_with_bias(dtype, matrix, &chain, x, (size_t)r, (size_t)c);
      const double d = is_kept ? computed(dtype, t * scale_of(dtype, mask)) : 0;
      const double sum =
          norm->residual == NULL ? d : computed(dtype, value_at(dtype, norm->residual, r * matrix->residual_stride + c) + d);
      line.h[c] = has(FAULT_norm_of_unrounded) ? sum : value_of_bits(dtype, bits_of_value(dtype, sum));
      store_at(dtype, sum, h, r * matrix->y_stride + c);
    }
    norm_of_line(dtype, matrix->columns, norm, &line);
    for (ptrdiff_t c = 0; c < (ptrdiff_t)matrix->columns; ++c) {
      double value = line.z[c];
      if (norm->gamma != NULL) value = computed(dtype, value * value_at(dtype, norm->gamma, c));
      if (norm->beta != NULL) value = computed(dtype, value + value_at(dtype, norm->beta, c));
      store_at(dtype, value, y, r * matrix->y_stride + c);
    }
    store_at(wide, line.mean, statistics, 2 * r);
    store_at(wide, line.inverse, statistics, 2 * r + 1);
  }
  return SIMDROP_OK;
}

// The sums of columns, of which each gradient of norm_backward has one.
typedef struct norm_sums {
  column_sum gamma[MOST_COLUMNS], beta[MOST_COLUMNS], bias[MOST_COLUMNS];
} norm_sums;

static simdrop_status norm_backward(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                    const simdrop_matrix *matrix, const simdrop_norm *norm, const void *h,
                                    const void *statistics, const void *dy, const void *dh_added, void *dh, void *dx,
                                    void *gamma_gradient, void *beta_gradient, void *bias_gradient) {
  const simdrop_dtype wide = dtype == SIMDROP_F64 ? dtype : SIMDROP_F32;
  const size_t rows = matrix->rows, columns = matrix->columns;
  norm_sums sums;
  norm_line line;
  double g[MOST_COLUMNS], products[MOST_COLUMNS];
  (void)executor;
  memset(&sums, 0, sizeof sums);
  for (size_t r = 0; r < rows; ++r) {
    const ptrdiff_t begin = (ptrdiff_t)r * matrix->y_stride;
    line.mean = value_at(wide, statistics, 2 * (ptrdiff_t)r);
    line.inverse = value_at(wide, statistics, 2 * (ptrdiff_t)r + 1);
    for (size_t c = 0; c < columns; ++c) line.h[c] = value_at(dtype, h, begin + (ptrdiff_t)c);
    normalise(dtype, columns, &line);
    for (size_t c = 0; c < columns; ++c) {
      const double gradient = value_at(dtype, dy, begin + (ptrdiff_t)c);
      g[c] = norm->gamma == NULL ? gradient : computed(dtype, gradient * value_at(dtype, norm->gamma, (ptrdiff_t)c));
      products[c] = computed(dtype, g[c] * line.z[c]);
      add_to_column(dtype, &sums.gamma[c], r, rows, computed(dtype, gradient * line.z[c]));
      add_to_column(dtype, &sums.beta[c], r, rows, gradient);
    }
    const bool is_centred = norm->kind == SIMDROP_LAYER_NORM && !has(FAULT_norm_mean_fixed);
    const double a = is_centred ? mean_of(dtype, columns, g, columns) : 0, b = mean_of(dtype, columns, products, columns);
    for (size_t c = 0; c < columns; ++c) {
      const double difference = computed(dtype, computed(dtype, g[c] - a) - computed(dtype, line.z[c] * b));
      const double own = computed(dtype, difference * line.inverse);
      const double sum = dh_added == NULL ? own : computed(dtype, value_at(dtype, dh_added, begin + (ptrdiff_t)c) + own);
      const double rounded = value_of_bits(dtype, bits_of_value(dtype, has(FAULT_norm_added_alone) ? own : sum));
      const double value = matrix_kept(mask, matrix, r, c) ? computed(dtype, rounded * scale_of(dtype, mask)) : 0;
      store_at(dtype, sum, dh, begin + (ptrdiff_t)c);
      store_at(dtype, value, dx, (ptrdiff_t)r * matrix->x_stride + (ptrdiff_t)c);
      add_to_column(dtype, &sums.bias[c], r, rows, value);
    }
  }
  for (size_t c = 0; c < columns; ++c) {
    store_at(wide, sums.gamma[c].total, gamma_gradient, (ptrdiff_t)c);
    store_at(wide, sums.beta[c].total, beta_gradient, (ptrdiff_t)c);
    store_at(wide, sums.bias[c].total, bias_gradient, (ptrdiff_t)c);
  }
  return SIMDROP_OK;
}

void add_fused_functions(dropout_functions *functions) {
  functions->chain_forward = chain_forward;
  functions->chain_backward = chain_backward;
  functions->norm_forward = norm_forward;
  functions->norm_backward = norm_backward;
  functions->softmax_forward = softmax_forward;
  functions->softmax_backward = softmax_backward;
  functions->tile_init = tile_init;
  functions->tile_apply = tile_apply;
  functions->tile_bits = tile_bits;
  functions->tile_apply_bits = tile_apply_bits;
}

// The variants of dropout against their formulas.
#include "verify/exact_fused.h"

#include <math.h>
#include <string.h>

#include "verify/exact_parts.h"
#include "verify/formulas.h"
#include "verify/reference.h"
#include "verify/values.h"

#define LENGTH 517
#define BEGINNING 61  // of a call's index, times its number

static const double variant_p[] = {0.3, 0.5, 0.001, 0, 0.9};
#define VARIANT_P_COUNT (sizeof variant_p / sizeof variant_p[0])

// 8 bytes suffice for an element of any type.
typedef struct variant_arrays {
  uint64_t x[LENGTH], y[LENGTH + MARGIN / 8], dx[LENGTH + MARGIN / 8];
} variant_arrays;

static void compare_element(simdrop_dtype dtype, const simdrop_mask *mask, const char *what, size_t k, const void *found,
                            double expected, exact_result *result) {
  const uint64_t bits = value_bits(dtype, (const char *)found + k * simdrop_dtype_size(dtype));
  if (!is_within(dtype, bits, expected, 0))
    fails(result, "%s in %s, p = %g: element %zu is %.9g, not %.9g", what, simdrop_dtype_name(dtype), mask->p, k,
          value_of_bits(dtype, bits), expected);
}

static void compare_margin(simdrop_dtype dtype, const char *what, const void *array, size_t n, exact_result *result) {
  const uint8_t *const bytes = (const uint8_t *)array + n * simdrop_dtype_size(dtype);
  for (size_t i = 0; i < MARGIN; ++i)
    if (bytes[i] != MARGIN_BYTE) fails(result, "%s in %s: a write behind %zu elements", what, simdrop_dtype_name(dtype), n);
}

static double element_of(simdrop_dtype dtype, const void *array, size_t k) {
  return value_of_bits(dtype, value_bits(dtype, (const char *)array + k * simdrop_dtype_size(dtype)));
}

// ---- K15

static double alpha_value(simdrop_dtype dtype, double p, bool kept, double x) {
  const alpha_numbers numbers = alpha_numbers_of(dtype, keep_probability(p));
  if (p == 0) return x;
  return kept ? computed(dtype, computed(dtype, x * numbers.factor) + numbers.addend) : numbers.dropped;
}

static double alpha_slope(simdrop_dtype dtype, double p, bool kept, double dy) {
  if (p == 0) return dy;
  return kept ? computed(dtype, dy * alpha_numbers_of(dtype, keep_probability(p)).factor) : 0;
}

static void compare_alpha(const dropout_functions *functions, simdrop_dtype dtype, const simdrop_mask *mask, size_t n,
                          exact_result *result) {
  variant_arrays arrays;
  reference_block block = {0};
  fill_nasty(dtype, n, arrays.x);
  memset(arrays.y, MARGIN_BYTE, sizeof arrays.y);
  memset(arrays.dx, MARGIN_BYTE, sizeof arrays.dx);
  succeeds(result, functions->alpha_forward(NULL, mask, dtype, n, arrays.x, arrays.y));
  succeeds(result, functions->alpha_backward(NULL, mask, dtype, n, arrays.x, arrays.dx));
  for (size_t k = 0; k < n; ++k) {
    const bool kept = reference_kept(&block, mask, k);
    const double x = element_of(dtype, arrays.x, k);
    compare_element(dtype, mask, "alpha dropout", k, arrays.y, alpha_value(dtype, mask->p, kept, x), result);
    compare_element(dtype, mask, "alpha dropout's gradient", k, arrays.dx, alpha_slope(dtype, mask->p, kept, x), result);
  }
  compare_margin(dtype, "alpha dropout", arrays.y, n, result);
  compare_margin(dtype, "alpha dropout's gradient", arrays.dx, n, result);
  result->elements += 2 * n;
}

// Feature alpha dropout: a decision for each channel.
static void compare_features(const dropout_functions *functions, exact_result *result) {
  const size_t dims[] = {2, 40, 5}, n = 400;
  const simdrop_mask mask = {0.4, 101, 103, 107, 0};
  simdrop_layout layout = {.rank = 0};
  variant_arrays arrays;
  reference_block block = {0};
  simdrop_layout_channels(SIMDROP_CHANNELS_FIRST, 1, 3, dims, &layout);
  fill_nasty(SIMDROP_F32, n, arrays.x);
  succeeds(result, functions->alpha_forward_layout(NULL, &mask, SIMDROP_F32, &layout, arrays.x, arrays.y));
  for (size_t k = 0; k < n; ++k)
    compare_element(
        SIMDROP_F32, &mask, "feature alpha dropout", k, arrays.y,
        alpha_value(SIMDROP_F32, mask.p, reference_kept(&block, &mask, k / dims[2]), element_of(SIMDROP_F32, arrays.x, k)),
        result);
  result->elements += n;
}

void check_alpha(const dropout_functions *functions, exact_result *result) {
  for (size_t i = 0; i < COMPUTED_TYPES * VARIANT_P_COUNT * 4; ++i) {
    const simdrop_mask mask = {variant_p[i / COMPUTED_TYPES % VARIANT_P_COUNT], 109, i, BEGINNING * i, 0};
    compare_alpha(functions, (simdrop_dtype)(i % COMPUTED_TYPES), &mask, LENGTH - 37 * (i % 11), result);
  }
  compare_features(functions, result);
}

// ---- K16: uniform numbers are exact, normal ones within a bound, and Gaussian dropout is exact given these.

static void compare_numbers(const dropout_functions *functions, const simdrop_mask *mask, size_t n, exact_result *result) {
  float normals[LENGTH], uniforms[LENGTH];
  succeeds(result, functions->normals(NULL, mask, n, normals));
  succeeds(result, functions->uniforms(NULL, mask, n, uniforms));
  for (size_t k = 0; k < n; ++k) {
    const double normal = reference_normal(mask, k);
    if (!(fabs((double)normals[k] - normal) <= NORMAL_ERROR))
      fails(result, "normal number %zu is %.9g, not %.9g", k, (double)normals[k], normal);
    if (uniforms[k] != reference_uniform(mask, k))
      fails(result, "uniform number %zu is %.9g, not %.9g", k, (double)uniforms[k], (double)reference_uniform(mask, k));
  }
  result->elements += 2 * n;
}

static void compare_gaussian(const dropout_functions *functions, simdrop_dtype dtype, const simdrop_mask *mask, size_t n,
                             exact_result *result) {
  variant_arrays arrays;
  float normals[LENGTH];
  const double sigma = computed(dtype, gaussian_sigma(keep_probability(mask->p)));
  fill_nasty(dtype, n, arrays.x);
  memset(arrays.y, MARGIN_BYTE, sizeof arrays.y);
  succeeds(result, functions->normals(NULL, mask, n, normals));
  succeeds(result, functions->gaussian_forward(NULL, mask, dtype, n, arrays.x, arrays.y));
  for (size_t k = 0; k < n; ++k) {
    const double x = element_of(dtype, arrays.x, k);
    const double noise = computed(dtype, 1 + computed(dtype, sigma * (double)normals[k]));
    compare_element(dtype, mask, "Gaussian dropout", k, arrays.y, mask->p == 0 ? x : computed(dtype, x * noise), result);
  }
  compare_margin(dtype, "Gaussian dropout", arrays.y, n, result);
  result->elements += n;
}

void check_gaussian(const dropout_functions *functions, exact_result *result) {
  for (size_t i = 0; i < COMPUTED_TYPES * VARIANT_P_COUNT * 2; ++i) {
    const uint64_t beginning = i % 3 == 0 ? (UINT64_C(1) << 39) - 200 : BEGINNING * i;
    const simdrop_mask mask = {variant_p[i / COMPUTED_TYPES % VARIANT_P_COUNT], 113, i << 30, beginning, 0};
    const size_t n = LENGTH - 41 * (i % 11);
    compare_numbers(functions, &mask, n, result);
    compare_gaussian(functions, (simdrop_dtype)(i % COMPUTED_TYPES), &mask, n, result);
  }
}

// ---- K17: the share that is kept, and the gradients, within a bound

// Of n elements, or of whole channels of so many elements each.
static void compare_concrete(const dropout_functions *functions, simdrop_dtype dtype, const simdrop_mask *mask,
                             double temperature, size_t n, size_t channel, exact_result *result) {
  variant_arrays arrays;
  uint64_t dy[LENGTH];
  const double keep = 1 - mask->p;
  double gradient = NAN, expected_gradient = 0, gradient_error = 0;
  memset(arrays.y, MARGIN_BYTE, sizeof arrays.y);
  memset(arrays.dx, MARGIN_BYTE, sizeof arrays.dx);
  for (size_t k = 0; k < n; ++k) {
    const double x = (double)(int64_t)derived_seed(mask->stream, k) * 0x1p-61;
    store_bits(dtype, bits_of_value(dtype, x), (char *)arrays.x + k * simdrop_dtype_size(dtype));
    store_bits(dtype, bits_of_value(dtype, 1.5 - x), (char *)dy + k * simdrop_dtype_size(dtype));
  }
  if (channel == 1) {
    succeeds(result, functions->concrete_forward(NULL, mask, temperature, dtype, n, arrays.x, arrays.y));
    succeeds(result, functions->concrete_backward(NULL, mask, temperature, dtype, n, arrays.x, dy, arrays.dx, &gradient));
  } else {
    const size_t dims[] = {1, n / channel, channel};
    simdrop_layout layout = {.rank = 0};
    simdrop_layout_channels(SIMDROP_CHANNELS_FIRST, 1, 3, dims, &layout);
    succeeds(result, functions->concrete_forward_layout(NULL, mask, temperature, dtype, &layout, arrays.x, arrays.y));
    succeeds(result,
             functions->concrete_backward_layout(NULL, mask, temperature, dtype, &layout, arrays.x, dy, arrays.dx, &gradient));
  }
  for (size_t k = 0; k < n; ++k) {
    double error;
    const double x = element_of(dtype, arrays.x, k), dy_k = element_of(dtype, dy, k);
    const double share = concrete_share(mask, temperature, k / channel, &error);
    const uint64_t y = value_bits(dtype, (const char *)arrays.y + k * simdrop_dtype_size(dtype));
    const uint64_t dx = value_bits(dtype, (const char *)arrays.dx + k * simdrop_dtype_size(dtype));
    if (!is_within(dtype, y, x * share / keep, fabs(x) * error / keep))
      fails(result, "concrete dropout in %s, p = %g: element %zu is %.9g, not %.9g", simdrop_dtype_name(dtype), mask->p, k,
            value_of_bits(dtype, y), x * share / keep);
    if (!is_within(dtype, dx, dy_k * share / keep, fabs(dy_k) * error / keep))
      fails(result, "concrete dropout's gradient in %s, p = %g: element %zu is %.9g, not %.9g", simdrop_dtype_name(dtype),
            mask->p, k, value_of_bits(dtype, dx), dy_k * share / keep);
    const double factor = dy_k * x / (keep * keep), slope = 1 / (temperature * mask->p);
    expected_gradient += factor * share * (1 - (1 - share) * slope);
    gradient_error += fabs(factor) * (error + 16 * rounding_error(SIMDROP_F32) * share) * (1 + slope);
  }
  if (!(fabs(gradient - expected_gradient) <= gradient_error))
    fails(result, "concrete dropout's gradient by p in %s, p = %g, is %.9g, not %.9g", simdrop_dtype_name(dtype), mask->p,
          gradient, expected_gradient);
  compare_margin(dtype, "concrete dropout", arrays.y, n, result);
  compare_margin(dtype, "concrete dropout's gradient", arrays.dx, n, result);
  result->elements += 2 * n;
}

void check_concrete(const dropout_functions *functions, exact_result *result) {
  static const double temperatures[] = {0.1, 2.0 / 3, 4};
  static const double ps[] = {0.3, 0.5, 0.001, 0.9};
  for (size_t i = 0; i < COMPUTED_TYPES * 12; ++i) {
    const simdrop_mask mask = {ps[i / COMPUTED_TYPES % 4], 127, i, BEGINNING * i, 0};
    compare_concrete(functions, (simdrop_dtype)(i % COMPUTED_TYPES), &mask, temperatures[i / COMPUTED_TYPES % 3],
                     LENGTH - 29 * (i % 7), 1, result);
    compare_concrete(functions, (simdrop_dtype)(i % COMPUTED_TYPES), &mask, temperatures[i / COMPUTED_TYPES % 3], 17 * 29, 17,
                     result);
  }
}

// ---- K18: whole blocks, products with weights that are dropped, and running moments

typedef struct block_shape {
  size_t images, height, width, block_height, block_width;
} block_shape;

static void compare_blocks(const dropout_functions *functions, const simdrop_mask *mask, const block_shape *shape,
                           exact_result *result) {
  enum {
    MOST = 4096
  };
  const size_t size = shape->height * shape->width, n = shape->images * size;
  const size_t rows = shape->height - shape->block_height + 1, columns = shape->width - shape->block_width + 1;
  bool dropped[MOST] = {false};
  uint8_t bits[MOST / 8 + MARGIN];
  uint64_t kept = UINT64_MAX, expected = 0;
  reference_block block = {0};
  memset(bits, MARGIN_BYTE, sizeof bits);
  succeeds(result, functions->dropblock_bits(NULL, mask, shape->images, shape->height, shape->width, shape->block_height,
                                             shape->block_width, bits, &kept));
  for (size_t place = 0; place < shape->images * rows * columns; ++place) {
    if (reference_kept(&block, mask, place)) continue;
    const size_t image = place / (rows * columns), row = place / columns % rows, column = place % columns;
    for (size_t r = row; r < row + shape->block_height; ++r)
      for (size_t c = column; c < column + shape->block_width; ++c) dropped[image * size + r * shape->width + c] = true;
  }
  for (size_t k = 0; k < n; ++k) {
    expected += !dropped[k];
    if (bit_of(bits, k) == dropped[k])
      fails(result, "DropBlock, p = %g, %zu x %zu in %zu x %zu: element %zu", mask->p, shape->block_height, shape->block_width,
            shape->height, shape->width, k);
  }
  if (kept != expected) fails(result, "DropBlock, p = %g: %zu elements kept of %zu", mask->p, (size_t)kept, n);
  for (size_t i = (n + 7) / 8; i < sizeof bits; ++i)
    if (bits[i] != MARGIN_BYTE) fails(result, "DropBlock: a write behind %zu elements", n);
  result->elements += n;
}

static void compare_connections(const dropout_functions *functions, simdrop_dtype dtype, const simdrop_mask *mask,
                                exact_result *result) {
  enum {
    ROWS = 5,
    COLUMNS = 83,
    STRIDE = 90
  };
  const double scale = computed_scale(dtype, keep_probability(mask->p));
  variant_arrays arrays;  // x, and y
  reference_block block = {0};
  uint64_t w[ROWS * STRIDE];
  for (size_t k = 0; k < ROWS * STRIDE; ++k)
    store_bits(dtype, bits_of_value(dtype, (double)(int64_t)derived_seed(mask->stream, k) * 0x1p-62),
               (char *)w + k * simdrop_dtype_size(dtype));
  for (size_t k = 0; k < COLUMNS; ++k)
    store_bits(dtype, bits_of_value(dtype, (double)(int64_t)derived_seed(131, k) * 0x1p-62),
               (char *)arrays.x + k * simdrop_dtype_size(dtype));
  memset(arrays.y, MARGIN_BYTE, sizeof arrays.y);
  succeeds(result, functions->dropconnect(NULL, mask, dtype, ROWS, COLUMNS, w, STRIDE, arrays.x, arrays.y));
  for (size_t r = 0; r < ROWS; ++r) {
    double lanes[SUM_LANES] = {0};
    for (size_t c = 0; c < COLUMNS; ++c) {
      const bool kept = reference_kept(&block, mask, r * COLUMNS + c);
      const double weight = computed(dtype, element_of(dtype, w, r * STRIDE + c) * scale);
      const double term = kept ? computed(dtype, weight * element_of(dtype, arrays.x, c)) : 0;
      lanes[c % SUM_LANES] = computed(dtype, lanes[c % SUM_LANES] + term);
    }
    compare_element(dtype, mask, "DropConnect", r, arrays.y, sum_of_lanes(dtype, lanes), result);
  }
  compare_margin(dtype, "DropConnect", arrays.y, ROWS, result);
  result->elements += ROWS * COLUMNS;
}

// Three groups of rows whose sums are added one after the other, and dw in the place of what is added to it.
static void compare_connection_gradients(const dropout_functions *functions, simdrop_dtype dtype, const simdrop_mask *mask,
                                         exact_result *result) {
  enum {
    ROWS = 131,
    COLUMNS = 67,
    STRIDE = 70,
    GROUP = 64
  };
  const double scale = computed_scale(dtype, keep_probability(mask->p));
  const size_t size = simdrop_dtype_size(dtype);
  variant_arrays arrays;  // x, dy in the place of y, and dx
  reference_block block = {0};
  static uint64_t w[ROWS * STRIDE], dw[ROWS * STRIDE], added[ROWS * STRIDE];
  double sums[COLUMNS] = {0}, group[COLUMNS] = {0};
  for (size_t k = 0; k < ROWS * STRIDE; ++k) {
    store_bits(dtype, bits_of_value(dtype, (double)(int64_t)derived_seed(mask->stream, k) * 0x1p-62), (char *)w + k * size);
    store_bits(dtype, bits_of_value(dtype, (double)(int64_t)derived_seed(149, k) * 0x1p-62), (char *)added + k * size);
  }
  for (size_t k = 0; k < ROWS; ++k) {
    store_bits(dtype, bits_of_value(dtype, (double)(int64_t)derived_seed(151, k) * 0x1p-62), (char *)arrays.x + k * size);
    store_bits(dtype, bits_of_value(dtype, (double)(int64_t)derived_seed(157, k) * 0x1p-62), (char *)arrays.y + k * size);
  }
  memcpy(dw, added, sizeof dw);
  memset(arrays.dx, MARGIN_BYTE, sizeof arrays.dx);
  succeeds(result,
           functions->dropconnect_backward(NULL, mask, dtype, ROWS, COLUMNS, w, STRIDE, arrays.x, arrays.y, dw, dw, arrays.dx));
  for (size_t r = 0; r < ROWS; ++r) {
    const double gradient = element_of(dtype, arrays.y, r), scaled = computed(dtype, gradient * scale);
    for (size_t c = 0; c < COLUMNS; ++c) {
      const bool kept = reference_kept(&block, mask, r * COLUMNS + c);
      const size_t k = r * STRIDE + c;
      const double weight = computed(dtype, element_of(dtype, w, k) * scale);
      const double product = kept ? computed(dtype, scaled * element_of(dtype, arrays.x, c)) : 0;
      compare_element(dtype, mask, "DropConnect's dw", k, dw, computed(dtype, element_of(dtype, added, k) + product), result);
      group[c] = computed(dtype, group[c] + (kept ? computed(dtype, weight * gradient) : 0));
      if (r % GROUP != GROUP - 1 && r != ROWS - 1) continue;
      sums[c] = computed(dtype, sums[c] + group[c]);
      group[c] = 0;
    }
  }
  for (size_t c = 0; c < COLUMNS; ++c) compare_element(dtype, mask, "DropConnect's dx", c, arrays.dx, sums[c], result);
  compare_margin(dtype, "DropConnect's dx", arrays.dx, COLUMNS, result);
  result->elements += (uint64_t)ROWS * COLUMNS;
}

static void compare_moments(const dropout_functions *functions, simdrop_dtype dtype, size_t n, exact_result *result) {
  enum {
    PASSES = 5
  };
  const simdrop_dtype wide = dtype == SIMDROP_F64 ? SIMDROP_F64 : SIMDROP_F32;
  const simdrop_mask mask = {0, 0, 0, 0, 0};
  variant_arrays arrays;  // y and dx: means, and squares
  double mean[LENGTH] = {0}, squares[LENGTH] = {0};
  memset(arrays.y, MARGIN_BYTE, sizeof arrays.y);
  memset(arrays.dx, MARGIN_BYTE, sizeof arrays.dx);
  for (uint64_t pass = 1; pass <= PASSES; ++pass) {
    for (size_t k = 0; k < n; ++k) {
      store_bits(dtype, bits_of_value(dtype, (double)(int64_t)derived_seed(pass, k) * 0x1p-62),
                 (char *)arrays.x + k * simdrop_dtype_size(dtype));
      const double x = element_of(dtype, arrays.x, k), distance = computed(dtype, x - mean[k]);
      mean[k] = computed(dtype, mean[k] + computed(dtype, distance * computed(dtype, 1 / (double)pass)));
      squares[k] = computed(dtype, squares[k] + computed(dtype, distance * computed(dtype, x - mean[k])));
    }
    succeeds(result, functions->moments_update(NULL, dtype, pass, n, arrays.x, arrays.y, arrays.dx));
  }
  for (size_t k = 0; k < n; ++k) compare_element(wide, &mask, "the mean", k, arrays.y, mean[k], result);
  for (size_t k = 0; k < n; ++k) compare_element(wide, &mask, "the squares' sum", k, arrays.dx, squares[k], result);
  succeeds(result, functions->moments_finish(NULL, dtype, PASSES, n, arrays.dx, arrays.dx));
  for (size_t k = 0; k < n; ++k)
    compare_element(wide, &mask, "the variance", k, arrays.dx, computed(dtype, squares[k] / (PASSES - 1)), result);
  compare_margin(wide, "the mean", arrays.y, n, result);
  compare_margin(wide, "the variance", arrays.dx, n, result);
  result->elements += PASSES * n;
}

void check_masked(const dropout_functions *functions, exact_result *result) {
  static const block_shape block_shapes[] = {
      {3, 14, 14, 7, 7}, {2, 33, 40, 3, 5}, {1, 5, 130, 5, 1}, {4, 8, 8, 1, 1}, {2, 9, 9, 9, 9}};
  static const double gammas[] = {0.02, 0.5, 0, 1};
  for (size_t i = 0; i < 20; ++i)
    compare_blocks(functions, &(simdrop_mask){gammas[i / 5], 137, i, BEGINNING * i, 0}, &block_shapes[i % 5], result);
  for (size_t i = 0; i < COMPUTED_TYPES * VARIANT_P_COUNT; ++i)
    compare_connections(functions, (simdrop_dtype)(i % COMPUTED_TYPES),
                        &(simdrop_mask){variant_p[i / COMPUTED_TYPES], 139, i, BEGINNING * i, 0}, result);
  for (size_t i = 0; i < COMPUTED_TYPES * VARIANT_P_COUNT; ++i)
    compare_connection_gradients(functions, (simdrop_dtype)(i % COMPUTED_TYPES),
                                 &(simdrop_mask){variant_p[i / COMPUTED_TYPES], 163, i, BEGINNING * i, 0}, result);
  for (size_t i = 0; i < COMPUTED_TYPES; ++i) compare_moments(functions, (simdrop_dtype)i, LENGTH - i, result);
}

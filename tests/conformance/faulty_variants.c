// The variants of simdrop_faulty, from docs/numerics.md and simdrop/variants.h, one element at a time.
#include "faulty.h"

#include <math.h>
#include <string.h>

#include "verify/formulas.h"

// ---- alpha dropout

static double alpha_element(const simdrop_mask *mask, simdrop_dtype dtype, bool is_kept, double x, bool is_gradient) {
  const double ratio = has(FAULT_alpha_of_selu) ? 1.6732632423543772 / ALPHA : 1;
  alpha_numbers numbers = alpha_numbers_of(dtype, keep_probability(mask->p));
  if (mask->p == 0) return x;
  if (has(FAULT_alpha_addend_missing)) numbers.addend = 0;
  if (has(FAULT_alpha_factor_missing)) numbers.factor = 1;
  if (has(FAULT_alpha_dropped_zero)) numbers.dropped = 0;
  if (is_gradient && !has(FAULT_alpha_gradient_shifted)) return is_kept ? computed(dtype, x * numbers.factor) : 0;
  return is_kept ? computed(dtype, computed(dtype, x * numbers.factor) + computed(dtype, numbers.addend * ratio))
                 : computed(dtype, numbers.dropped * ratio);
}

static simdrop_status alpha_forward(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype, size_t n,
                                    const void *x, void *y) {
  (void)executor;
  for (ptrdiff_t k = 0; k < (ptrdiff_t)n; ++k)
    store_at(dtype, alpha_element(mask, dtype, kept(mask, (uint64_t)k, n), value_at(dtype, x, k), false), y, k);
  return SIMDROP_OK;
}

static simdrop_status alpha_backward(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype, size_t n,
                                     const void *dy, void *dx) {
  (void)executor;
  for (ptrdiff_t k = 0; k < (ptrdiff_t)n; ++k)
    store_at(dtype, alpha_element(mask, dtype, kept(mask, (uint64_t)k, n), value_at(dtype, dy, k), true), dx, k);
  return SIMDROP_OK;
}

static size_t layout_elements(const simdrop_layout *layout) {
  size_t n = 1;
  for (int a = 0; a < layout->rank; ++a) n *= layout->dims[a];
  return n;
}

static simdrop_status alpha_forward_layout(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                           const simdrop_layout *layout, const void *x, void *y) {
  const ptrdiff_t n = (ptrdiff_t)layout_elements(layout);
  (void)executor;
  for (ptrdiff_t k = 0; k < n; ++k)
    store_at(dtype,
             alpha_element(mask, dtype, kept(mask, layout_index(layout, (size_t)k), SIZE_MAX), value_at(dtype, x, k), false), y,
             k);
  return SIMDROP_OK;
}

// ---- numbers and what is made of them

// The four words of an element's call, from plane 64 or 96 on.
static void words_of(const simdrop_mask *mask, uint64_t index, uint32_t first_plane, uint32_t words[4]) {
  const uint64_t block = index / 128;
  const uint32_t plane = first_plane + (uint32_t)(index % 128) / 4;
  const uint32_t counter[4] = {(uint32_t)mask->stream, (uint32_t)block, (uint32_t)(mask->stream >> 32),
                               (uint32_t)(block >> 32) | plane << 25};
  philox(counter, mask->seed, words);
}

static double uniform_of(uint32_t word) {
  return (double)(float)((double)(float)(word >> 1) * 0x1p-31 + (has(FAULT_uniform_zero) ? 0 : 0x1p-32));
}

static double box_muller(const simdrop_mask *mask, uint64_t index) {
  uint32_t words[4];
  words_of(mask, index, 64, words);
  const size_t pair = index % 4 / 2 * 2, swap = has(FAULT_normal_words_swapped);
  const double u = uniform_of(words[(has(FAULT_normal_radius_shared) ? 0 : pair) + swap]);
  const double angle = 3.14159265358979323846 * (double)(float)(int32_t)words[pair + 1 - swap] * 0x1p-31;
  const double radius = sqrt(-2 * log(u));
  return radius * (index % 2 == 0 || has(FAULT_normal_pair_equal) ? cos(angle) : sin(angle));
}

static double sum_of_12(const simdrop_mask *mask, uint64_t index) {
  double sum = -6;
  for (uint64_t i = 0; i < 12; ++i) sum += chance(derived_seed(mask->seed, 12 * index + i));
  return sum;
}

static float normal_of(const simdrop_mask *mask, uint64_t index) {
  const double z = box_muller(mask, index);
  switch (active) {
    case FAULT_normal_scale_off: return (float)(1.01 * z);
    case FAULT_normal_skewed: return (float)(z + 0.01 * (z * z - 1));
    case FAULT_normal_of_12_uniforms: return (float)sum_of_12(mask, index);
    case FAULT_normal_clamped: return (float)fmax(-3.9, fmin(z, 3.9));
    case FAULT_normal_coarse: return (float)(nearbyint(32 * z) / 32);
    default: return (float)z;
  }
}

static simdrop_status normals(const simdrop_executor *executor, const simdrop_mask *mask, size_t n, float *out) {
  (void)executor;
  for (size_t k = 0; k < n; ++k) out[k] = normal_of(mask, mask->offset + k);
  return SIMDROP_OK;
}

static simdrop_status uniforms(const simdrop_executor *executor, const simdrop_mask *mask, size_t n, float *out) {
  (void)executor;
  for (size_t k = 0; k < n; ++k) {
    uint32_t words[4];
    const uint64_t index = mask->offset + k;
    words_of(mask, index, has(FAULT_uniform_of_normals) ? 64 : 96, words);
    out[k] = (float)uniform_of(words[index % 4]);
  }
  return SIMDROP_OK;
}

static simdrop_status gaussian_forward(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                       size_t n, const void *x, void *y) {
  const double keep = keep_probability(mask->p);
  const double sigma = computed(dtype, has(FAULT_gaussian_sigma_off) ? sqrt(1 - keep) : gaussian_sigma(keep));
  const size_t piece = executor != NULL && has(FAULT_pieces_alike) ? n / executor->threads + 1 : SIZE_MAX;
  for (ptrdiff_t k = 0; k < (ptrdiff_t)n; ++k) {
    const double value = value_at(dtype, x, k), z = (double)normal_of(mask, mask->offset + (uint64_t)k % piece);
    const double noise = computed(dtype, 1 + computed(dtype, sigma * z));
    store_at(dtype, mask->p == 0 ? value : computed(dtype, value * noise), y, k);
  }
  return SIMDROP_OK;
}

static double concrete_value(const simdrop_mask *mask, double temperature, uint64_t k) {
  uint32_t words[4];
  const uint64_t index = mask->offset + k;
  words_of(mask, index, 96, words);
  const double u = ((double)(words[index % 4] >> 1) + 0.5) * 0x1p-31;
  const double z = (log(mask->p) - log1p(-mask->p) + log(u) - log1p(-u)) / temperature;
  return 1 / (1 + exp(has(FAULT_concrete_share_dropped) ? -z : z));
}

// The index of element k: of a layout without gaps, or where there is none, k.
static uint64_t concrete_index(const simdrop_layout *layout, ptrdiff_t k) {
  return layout == NULL || has(FAULT_concrete_layout_apart) ? (uint64_t)k : layout_index(layout, (size_t)k);
}

static void concrete_outputs(const simdrop_mask *mask, double temperature, simdrop_dtype dtype, size_t n,
                             const simdrop_layout *layout, const void *x, void *y) {
  for (ptrdiff_t k = 0; k < (ptrdiff_t)n; ++k)
    store_at(dtype, value_at(dtype, x, k) * concrete_value(mask, temperature, concrete_index(layout, k)) / (1 - mask->p), y, k);
}

static void concrete_gradients(const simdrop_mask *mask, double temperature, simdrop_dtype dtype, size_t n,
                               const simdrop_layout *layout, const void *x, const void *dy, void *dx, double *p_gradient) {
  const double keep = 1 - mask->p;
  *p_gradient = 0;
  for (ptrdiff_t k = 0; k < (ptrdiff_t)n; ++k) {
    const double share = concrete_value(mask, temperature, concrete_index(layout, k)), gradient = value_at(dtype, dy, k);
    const double of_scale = has(FAULT_concrete_fixed_scale) ? 0 : share / (keep * keep);
    const double of_share = share * (1 - share) / (temperature * mask->p * keep * keep);
    *p_gradient += gradient * value_at(dtype, x, k) * (of_scale - of_share);
    store_at(dtype, gradient * share / keep, dx, k);
  }
}

static simdrop_status concrete_forward(const simdrop_executor *executor, const simdrop_mask *mask, double temperature,
                                       simdrop_dtype dtype, size_t n, const void *x, void *y) {
  (void)executor;
  concrete_outputs(mask, temperature, dtype, n, NULL, x, y);
  return SIMDROP_OK;
}

static simdrop_status concrete_backward(const simdrop_executor *executor, const simdrop_mask *mask, double temperature,
                                        simdrop_dtype dtype, size_t n, const void *x, const void *dy, void *dx,
                                        double *p_gradient) {
  (void)executor;
  concrete_gradients(mask, temperature, dtype, n, NULL, x, dy, dx, p_gradient);
  return SIMDROP_OK;
}

static simdrop_status concrete_forward_layout(const simdrop_executor *executor, const simdrop_mask *mask, double temperature,
                                              simdrop_dtype dtype, const simdrop_layout *layout, const void *x, void *y) {
  (void)executor;
  concrete_outputs(mask, temperature, dtype, layout_elements(layout), layout, x, y);
  return SIMDROP_OK;
}

static simdrop_status concrete_backward_layout(const simdrop_executor *executor, const simdrop_mask *mask, double temperature,
                                               simdrop_dtype dtype, const simdrop_layout *layout, const void *x, const void *dy,
                                               void *dx, double *p_gradient) {
  (void)executor;
  concrete_gradients(mask, temperature, dtype, layout_elements(layout), layout, x, dy, dx, p_gradient);
  return SIMDROP_OK;
}

// Drop what is inside of the image of a block whose first element would be at (row, column).
static void drop_block(size_t height, size_t width, ptrdiff_t row, ptrdiff_t column, size_t block_height, size_t block_width,
                       uint8_t *bits, size_t first) {
  for (ptrdiff_t r = row; r < row + (ptrdiff_t)block_height; ++r) {
    for (ptrdiff_t c = column; c < column + (ptrdiff_t)block_width; ++c) {
      if (r < 0 || c < 0 || r >= (ptrdiff_t)height || c >= (ptrdiff_t)width) continue;
      const size_t k = first + (size_t)r * width + (size_t)c;
      bits[k / 8] &= (uint8_t) ~(1u << k % 8);
    }
  }
}

static simdrop_status dropblock_bits(const simdrop_executor *executor, const simdrop_mask *mask, size_t images, size_t height,
                                     size_t width, size_t block_height, size_t block_width, uint8_t *bits, uint64_t *count) {
  const size_t rows = height - block_height + 1, columns = width - block_width + 1, n = images * height * width;
  const bool is_centred = has(FAULT_dropblock_at_centre);
  uint64_t blocks = 0;
  (void)executor;
  memset(bits, 0, (n + 7) / 8);
  for (size_t k = 0; k < n; ++k) bits[k / 8] |= (uint8_t)(1u << k % 8);
  for (size_t image = 0, place = 0; image < images; ++image) {
    for (ptrdiff_t row = 0; row < (ptrdiff_t)rows; ++row) {
      for (ptrdiff_t column = 0; column < (ptrdiff_t)columns; ++column, ++place) {
        if (kept(mask, place, SIZE_MAX)) continue;
        ++blocks;
        drop_block(height, width, row - (ptrdiff_t)(is_centred ? block_height / 2 : 0),
                   column - (ptrdiff_t)(is_centred ? block_width / 2 : 0), block_height, block_width, bits,
                   image * height * width);
      }
    }
  }
  *count = has(FAULT_dropblock_overlaps) ? n - blocks * block_height * block_width : 0;
  for (size_t k = 0; k < n && !has(FAULT_dropblock_overlaps); ++k) *count += bits[k / 8] >> k % 8 & 1;
  return SIMDROP_OK;
}

static simdrop_status dropconnect(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype, size_t rows,
                                  size_t columns, const void *w, size_t w_stride, const void *x, void *y) {
  (void)executor;
  for (size_t r = 0; r < rows; ++r) {
    double lanes[SUM_LANES] = {0};
    for (size_t c = 0; c < columns; ++c) {
      double *const lane = &lanes[has(FAULT_dropconnect_in_a_row) ? 0 : c % SUM_LANES];
      if (!kept(mask, has(FAULT_dropconnect_by_column) ? c : r * columns + c, SIZE_MAX)) continue;
      const double weight =
          computed(dtype, value_at(dtype, w, (ptrdiff_t)(r * w_stride + c)) * computed_scale(dtype, keep_probability(mask->p)));
      *lane = computed(dtype, *lane + computed(dtype, weight * value_at(dtype, x, (ptrdiff_t)c)));
    }
    store_at(dtype, sum_of_lanes(dtype, lanes), y, (ptrdiff_t)r);
  }
  return SIMDROP_OK;
}

static simdrop_status dropconnect_backward(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                           size_t rows, size_t columns, const void *w, size_t w_stride, const void *x,
                                           const void *dy, const void *dw_added, void *dw, void *dx) {
  const double scale = computed_scale(dtype, keep_probability(mask->p));
  const double of_weights = has(FAULT_dropconnect_weights_unscaled) ? 1 : scale;
  (void)executor;
  for (size_t c = 0; c < columns; ++c) {
    double sum = 0, group = 0;
    for (size_t r = 0; r < rows; ++r) {
      const ptrdiff_t k = (ptrdiff_t)(r * w_stride + c);
      const bool is_kept = kept(mask, r * columns + c, SIZE_MAX);
      const double gradient = value_at(dtype, dy, (ptrdiff_t)r), scaled = computed(dtype, gradient * of_weights);
      const double product = is_kept ? computed(dtype, scaled * value_at(dtype, x, (ptrdiff_t)c)) : 0;
      const double weight = computed(dtype, value_at(dtype, w, k) * scale);
      store_at(dtype, computed(dtype, value_at(dtype, dw_added, k) + product), dw, k);
      if (r % 64 == 0 && !has(FAULT_dropconnect_input_in_a_row)) {
        sum = computed(dtype, sum + group);
        group = 0;
      }
      if (is_kept) group = computed(dtype, group + computed(dtype, weight * gradient));
    }
    store_at(dtype, computed(dtype, sum + group), dx, (ptrdiff_t)c);
  }
  return SIMDROP_OK;
}

static simdrop_status moments_update(const simdrop_executor *executor, simdrop_dtype dtype, uint64_t passes, size_t n,
                                     const void *x, void *mean, void *squares) {
  const simdrop_dtype wide = dtype == SIMDROP_F64 ? SIMDROP_F64 : SIMDROP_F32;
  (void)executor;
  for (ptrdiff_t k = 0; k < (ptrdiff_t)n; ++k) {
    const double value = value_at(dtype, x, k), before = passes == 1 ? 0 : value_at(wide, mean, k);
    const double distance = computed(dtype, value - before);
    const double after = computed(dtype, before + computed(dtype, distance * computed(dtype, 1 / (double)passes)));
    const double second = has(FAULT_moments_of_old_mean) ? distance : computed(dtype, value - after);
    const double sum = passes == 1 ? 0 : value_at(wide, squares, k);
    store_at(wide, after, mean, k);
    store_at(wide, computed(dtype, sum + computed(dtype, distance * second)), squares, k);
  }
  return SIMDROP_OK;
}

static simdrop_status moments_finish(const simdrop_executor *executor, simdrop_dtype dtype, uint64_t passes, size_t n,
                                     const void *squares, void *variance) {
  const simdrop_dtype wide = dtype == SIMDROP_F64 ? SIMDROP_F64 : SIMDROP_F32;
  (void)executor;
  for (ptrdiff_t k = 0; k < (ptrdiff_t)n; ++k)
    store_at(wide, computed(dtype, value_at(wide, squares, k) / (double)(passes - 1)), variance, k);
  return SIMDROP_OK;
}

void add_variant_functions(dropout_functions *functions) {
  functions->alpha_forward = alpha_forward;
  functions->alpha_backward = alpha_backward;
  functions->alpha_forward_layout = alpha_forward_layout;
  functions->normals = normals;
  functions->uniforms = uniforms;
  functions->gaussian_forward = gaussian_forward;
  functions->concrete_forward = concrete_forward;
  functions->concrete_backward = concrete_backward;
  functions->concrete_forward_layout = concrete_forward_layout;
  functions->concrete_backward_layout = concrete_backward_layout;
  functions->dropblock_bits = dropblock_bits;
  functions->dropconnect = dropconnect;
  functions->dropconnect_backward = dropconnect_backward;
  functions->moments_update = moments_update;
  functions->moments_finish = moments_finish;
}

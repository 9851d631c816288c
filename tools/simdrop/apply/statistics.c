// Sums in double. Eight partial sums, because one would wait for its own last addition at every element; in rows of a
// thousand, so that rounding errors do not grow with the length of the tensor.
#include "apply/statistics.h"

#include <math.h>
#include <string.h>

#include "shared/popcount.h"

#define LANES 8
#define ROW 1024

static double float_from_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static double value_of_f32(float x) { return x; }
static double value_of_f64(double x) { return x; }
static double value_of_bf16(uint16_t x) { return float_from_bits((uint32_t)x << 16); }

// Exponent and fraction, moved to their places in a float, are too small by the difference of the two biases; the product
// is exact, also for subnormals. Infinities and NaN get a float's largest exponent. No branch: signs are hard to predict.
static double value_of_f16(uint16_t x) {
  const uint32_t magnitude = x & 0x7fffu, sign = (uint32_t)(x & 0x8000u) << 16;
  const uint32_t to_largest = magnitude >= 0x7c00 ? (255u - 31) << 23 : 0;
  return float_from_bits(sign | ((magnitude << 13) + to_largest)) * 0x1p112;
}

static double value_of_f8e4m3fn(uint8_t x) {
  const uint32_t magnitude = x & 0x7fu, sign = (uint32_t)(x & 0x80u) << 24;
  const uint32_t to_nan = magnitude == 0x7f ? (255u - 15) << 23 : 0;
  return float_from_bits(sign | ((magnitude << 20) + to_nan)) * 0x1p120;
}

static double value_of_f8e5m2(uint8_t x) { return value_of_f16((uint16_t)(x << 8)); }

// Sums at most ROW elements.
#define DEFINE_ROW_SUM(dtype, element)                                           \
  static double sum_row_##dtype(size_t n, const element *x, tensor_sum *total) { \
    double lanes[LANES] = {0};                                                   \
    uint32_t nans[LANES] = {0}, infinities[LANES] = {0};                         \
    for (size_t i = 0; i < n; ++i) {                                             \
      const double value = value_of_##dtype(x[i]);                               \
      const int finite = isfinite(value) != 0, not_a_number = isnan(value) != 0; \
      lanes[i % LANES] += finite ? value : 0;                                    \
      nans[i % LANES] += (uint32_t)not_a_number;                                 \
      infinities[i % LANES] += (uint32_t)((finite | not_a_number) == 0);         \
    }                                                                            \
    double sum = 0;                                                              \
    for (int lane = 0; lane < LANES; ++lane) {                                   \
      sum += lanes[lane];                                                        \
      total->nan_count += nans[lane];                                            \
      total->infinite_count += infinities[lane];                                 \
    }                                                                            \
    return sum;                                                                  \
  }

DEFINE_ROW_SUM(f32, float)
DEFINE_ROW_SUM(f64, double)
DEFINE_ROW_SUM(f16, uint16_t)
DEFINE_ROW_SUM(bf16, uint16_t)
DEFINE_ROW_SUM(f8e4m3fn, uint8_t)
DEFINE_ROW_SUM(f8e5m2, uint8_t)

static double sum_row(simdrop_dtype dtype, size_t n, const void *x, tensor_sum *total) {
  switch (dtype) {
    case SIMDROP_F32: return sum_row_f32(n, x, total);
    case SIMDROP_F64: return sum_row_f64(n, x, total);
    case SIMDROP_F16: return sum_row_f16(n, x, total);
    case SIMDROP_BF16: return sum_row_bf16(n, x, total);
    case SIMDROP_F8E4M3FN: return sum_row_f8e4m3fn(n, x, total);
    case SIMDROP_F8E5M2: return sum_row_f8e5m2(n, x, total);
  }
  return 0;
}

void tensor_sum_add(tensor_sum *total, simdrop_dtype dtype, size_t n, const void *elements) {
  const char *x = elements;
  total->count += n;
  while (n > 0) {
    const size_t row = n < ROW ? n : ROW;
    total->sum += sum_row(dtype, row, x, total);
    x += row * simdrop_dtype_size(dtype);
    n -= row;
  }
}

double tensor_mean(const tensor_sum *total) {
  const uint64_t finite = total->count - total->nan_count - total->infinite_count;
  return finite > 0 ? total->sum / (double)finite : NAN;
}

uint64_t count_bits(const uint8_t *bits, size_t n) {
  const size_t bytes = n / 8;
  uint64_t ones = 0, word;
  size_t i = 0;
  for (; i + 8 <= bytes; i += 8) {
    memcpy(&word, bits + i, 8);
    ones += count_word(word);
  }
  for (; i < bytes; ++i) ones += count_word(bits[i]);
  if (n % 8 != 0) ones += count_word(bits[bytes] & ((1u << n % 8) - 1));
  return ones;
}

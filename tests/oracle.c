// The reference: see oracle.h.
#include "oracle.h"

#include <string.h>

#include "plain.h"

const oracle_format oracle_binary16 = {5, 10, ORACLE_IEEE}, oracle_bfloat16 = {8, 7, ORACLE_IEEE};
const oracle_format oracle_binary32 = {8, 23, ORACLE_IEEE}, oracle_binary64 = {11, 52, ORACLE_IEEE};
const oracle_format oracle_e4m3 = {4, 3, ORACLE_NO_INFINITY}, oracle_e5m2 = {5, 2, ORACLE_ONE_NAN};

// ---- the mask

void oracle_philox(int rounds, const uint32_t counter[4], const uint32_t key[2], uint32_t words[4]) {
  uint32_t left[2] = {counter[0], counter[2]}, right[2] = {counter[1], counter[3]};
  for (int round = 0; round < rounds; ++round) {
    // Keys bumped by adding, as a product: round * (golden ratio, sqrt(3) - 1) in 32 bits.
    const uint32_t key_0 = (uint32_t)(key[0] + (uint64_t)round * 2654435769u);
    const uint32_t key_1 = (uint32_t)(key[1] + (uint64_t)round * 3144134277u);
    const uint64_t from_0 = (uint64_t)left[0] * 3528531795u, from_1 = (uint64_t)left[1] * 3449720151u;
    const uint32_t next_left_0 = (uint32_t)(from_1 / 4294967296u) ^ right[0] ^ key_0;
    const uint32_t next_left_1 = (uint32_t)(from_0 / 4294967296u) ^ right[1] ^ key_1;
    right[0] = (uint32_t)(from_1 % 4294967296u);
    right[1] = (uint32_t)(from_0 % 4294967296u);
    left[0] = next_left_0;
    left[1] = next_left_1;
  }
  words[0] = left[0];
  words[1] = right[0];
  words[2] = left[1];
  words[3] = right[1];
}

// U of the 128 elements of one block.
static void block_u(uint64_t seed, uint64_t stream, uint64_t block, uint32_t u[128]) {
  uint32_t values[32];  // of the bits: with them in memory compilers vectorise the inner loop, in which tests spend their time
  for (int bit = 0; bit < 32; ++bit) values[bit] = (uint32_t)1 << bit;
  const uint32_t key[2] = {(uint32_t)(seed % 4294967296u), (uint32_t)(seed / 4294967296u)};
  memset(u, 0, 128 * sizeof *u);
  for (uint32_t plane = 0; plane < 32; ++plane) {
    const uint32_t counter[4] = {(uint32_t)(stream % 4294967296u), (uint32_t)(block % 4294967296u),
                                 (uint32_t)(stream / 4294967296u), (uint32_t)(block / 4294967296u) + plane * 33554432u};
    uint32_t words[4];
    oracle_philox(10, counter, key, words);
    for (int word = 0; word < 4; ++word)
      for (int bit = 0; bit < 32; ++bit) {
        const uint32_t is_set = (words[word] & values[bit]) != 0;
        u[32 * word + bit] = 2 * u[32 * word + bit] + is_set;
      }
  }
}

void oracle_u(uint64_t seed, uint64_t stream, uint64_t offset, size_t n, uint32_t *u) {
  uint32_t of_block[128];
  for (size_t k = 0; k < n; ++k) {
    const uint64_t index = offset + k;
    if (k == 0 || index % 128 == 0) block_u(seed, stream, index / 128, of_block);
    u[k] = of_block[index % 128];
  }
}

// p = significand * 2^exponent exactly.
static void take_apart(double p, uint64_t *significand, int *exponent) {
  uint64_t bits;
  memcpy(&bits, &p, sizeof bits);
  const int biased = (int)(bits >> 52 & 0x7ff);
  *significand = (bits & 0xfffffffffffff) | (biased > 0 ? UINT64_C(1) << 52 : 0);
  *exponent = (biased > 0 ? biased : 1) - 1075;
}

uint64_t oracle_threshold(double p) {
  const uint64_t certain = UINT64_C(1) << 32;
  if (p >= 1) return certain;
  uint64_t significand;
  int exponent;
  take_apart(p, &significand, &exponent);
  const int right = -(exponent + 32);  // p * 2^32 = significand / 2^right; p < 1 makes it 21 or more
  if (right > 63) return 0;            // below 2^-10
  const uint64_t whole = significand >> right, rest = significand - (whole << right), half = UINT64_C(1) << (right - 1);
  const uint64_t rounded = rest > half || (rest == half && whole % 2 == 1) ? whole + 1 : whole;
  return rounded == certain ? certain - 1 : rounded;
}

void oracle_kept(double p, size_t n, const uint32_t *u, uint8_t *kept) {
  const uint64_t threshold = oracle_threshold(p);
  for (size_t k = 0; k < n; ++k) kept[k] = (uint64_t)u[k] < threshold ? 0 : 1;
}

void oracle_pack(size_t n, const uint8_t *kept, uint8_t *bits) {
  for (size_t byte = 0; 8 * byte < n; ++byte) bits[byte] = 0;
  for (size_t k = 0; k < n; ++k)
    if (kept[k]) bits[k / 8] = (uint8_t)(bits[k / 8] + (1 << k % 8));
}

// ---- the arithmetic

enum value_class {
  VALUE_FINITE,
  VALUE_INFINITE,
  VALUE_NAN
};

// (negative ? -1 : 1) * significand * 2^exponent. A NaN's significand is its fraction, with 63 - fraction_bits zeros below.
typedef struct exact_value {
  enum value_class kind;
  bool negative;
  uint64_t significand;
  int exponent;
} exact_value;

static int bias_of(oracle_format format) { return (1 << (format.exponent_bits - 1)) - 1; }

static uint64_t all_ones(oracle_format format) { return (UINT64_C(1) << (format.exponent_bits + format.fraction_bits)) - 1; }

// What a number becomes that is rounded beyond the largest one.
static uint64_t beyond_range(oracle_format format) {
  if (format.special == ORACLE_NO_INFINITY) return all_ones(format) - 1;
  return ((UINT64_C(1) << format.exponent_bits) - 1) << format.fraction_bits;
}

static exact_value decode(uint64_t bits, oracle_format format) {
  const int top_exponent = (1 << format.exponent_bits) - 1;
  const uint64_t fraction = bits & ((UINT64_C(1) << format.fraction_bits) - 1);
  const int biased = (int)(bits >> format.fraction_bits) & top_exponent;
  exact_value value = {VALUE_FINITE, bits >> (format.exponent_bits + format.fraction_bits) & 1, fraction, 0};
  const bool is_number = format.special == ORACLE_NO_INFINITY && (bits & all_ones(format)) != all_ones(format);
  if (biased == top_exponent && !is_number) {
    value.kind = fraction == 0 ? VALUE_INFINITE : VALUE_NAN;
    value.significand = fraction << (63 - format.fraction_bits);
  } else {
    if (biased > 0) value.significand += UINT64_C(1) << format.fraction_bits;
    value.exponent = (biased > 0 ? biased : 1) - bias_of(format) - format.fraction_bits;
  }
  return value;
}

static uint64_t encode(exact_value value, oracle_format format) {
  const uint64_t sign = (uint64_t)value.negative << (format.exponent_bits + format.fraction_bits);
  const uint64_t infinity = beyond_range(format);
  const uint64_t hidden_bit = UINT64_C(1) << format.fraction_bits;
  if (value.kind == VALUE_NAN && format.special != ORACLE_IEEE) return sign | all_ones(format);
  if (value.kind == VALUE_NAN) return sign | infinity | hidden_bit >> 1 | value.significand >> (63 - format.fraction_bits);
  if (value.kind == VALUE_INFINITE) return sign | infinity;
  if (value.significand == 0) return sign;

  // The unit in the last place: such that the significand has fraction_bits + 1 bits, but no finer than the subnormals'.
  int length = 0;
  while (length < 64 && value.significand >> length != 0) ++length;
  const int finest = 1 - bias_of(format) - format.fraction_bits;
  int unit = value.exponent + length - (format.fraction_bits + 1);
  if (unit < finest) unit = finest;
  const int right = unit - value.exponent;
  uint64_t quotient;
  if (right <= 0) {
    quotient = value.significand << -right;
  } else if (right > 64) {
    quotient = 0;  // less than half of the smallest subnormal
  } else {
    const uint64_t half = UINT64_C(1) << (right - 1);
    const uint64_t rest = right == 64 ? value.significand : value.significand & ((half - 1) | half);
    quotient = right == 64 ? 0 : value.significand >> right;
    if (rest > half || (rest == half && quotient % 2 == 1)) ++quotient;
  }
  if (quotient >= 2 * hidden_bit) {  // rounded up to the next power of two
    quotient /= 2;
    ++unit;
  }
  if (quotient < hidden_bit) return sign | quotient;  // subnormal, or zero
  const uint64_t biased = (uint64_t)(unit - finest) + 1;
  const uint64_t magnitude = biased << format.fraction_bits | (quotient - hidden_bit);
  return sign | (magnitude < infinity ? magnitude : infinity);
}

// a * b for significands below 2^53 and 2^53: at most 64 bits of it, the lowest one 1 if anything below was not zero.
static void multiply_significands(uint64_t a, uint64_t b, uint64_t *product, int *exponent) {
  const uint64_t mask = 0xffffffff;
  const uint64_t low = (a & mask) * (b & mask), cross_1 = (a >> 32) * (b & mask), cross_2 = (a & mask) * (b >> 32);
  const uint64_t middle = (low >> 32) + (cross_1 & mask) + (cross_2 & mask);
  uint64_t lower = (low & mask) | middle << 32;
  uint64_t upper = (a >> 32) * (b >> 32) + (cross_1 >> 32) + (cross_2 >> 32) + (middle >> 32);
  while (upper != 0) {
    const uint64_t lost = lower & 1;
    lower = lower >> 1 | upper << 63 | lost;
    upper >>= 1;
    ++*exponent;
  }
  *product = lower;
}

uint64_t oracle_multiply(uint64_t value, oracle_format format, uint64_t factor, oracle_format factor_format, oracle_format to) {
  exact_value product = decode(value, format);
  const exact_value by = decode(factor, factor_format);
  product.exponent += by.exponent;
  if (product.kind == VALUE_FINITE)
    multiply_significands(product.significand, by.significand, &product.significand, &product.exponent);
  return encode(product, to);
}

uint64_t oracle_convert(uint64_t value, oracle_format from, oracle_format to) { return encode(decode(value, from), to); }

uint64_t oracle_scale_bits(double p, simdrop_dtype dtype) {
  const uint64_t certain = UINT64_C(1) << 32, threshold = oracle_threshold(p);
  if (threshold == certain) return 0;
  const double scale = 4294967296.0 / (double)(certain - threshold);  // both exact, and one rounding
  uint64_t bits;
  memcpy(&bits, &scale, sizeof bits);
  return dtype == SIMDROP_F64 ? bits : oracle_convert(bits, oracle_binary64, oracle_binary32);
}

static oracle_format format_of(simdrop_dtype dtype) {
  switch (dtype) {
    case SIMDROP_F32: return oracle_binary32;
    case SIMDROP_F64: return oracle_binary64;
    case SIMDROP_F16: return oracle_binary16;
    case SIMDROP_BF16: return oracle_bfloat16;
    case SIMDROP_F8E4M3FN: return oracle_e4m3;
    case SIMDROP_F8E5M2: return oracle_e5m2;
  }
  return oracle_binary64;
}

// One element. Two roundings by definition where the type is converted: to binary32, and then to the type.
static uint64_t scaled(uint64_t x, simdrop_dtype dtype, uint64_t scale) {
  const oracle_format format = format_of(dtype);
  if (dtype == SIMDROP_F64) return oracle_multiply(x, format, scale, oracle_binary64, oracle_binary64);
  return oracle_convert(oracle_multiply(x, format, scale, oracle_binary32, oracle_binary32), oracle_binary32, format);
}

void oracle_apply(double p, simdrop_dtype dtype, size_t n, const uint8_t *kept, const void *x, void *y) {
  const uint64_t scale = oracle_scale_bits(p, dtype);
  const size_t size = simdrop_dtype_size(dtype);
  for (size_t k = 0; k < n; ++k) {
    const uint64_t from = read_element(size, (const char *)x + size * k);
    uint64_t to = 0;
    if (kept[k] && p < 1) to = p == 0 ? from : scaled(from, dtype, scale);
    write_element(size, to, (char *)y + size * k);
  }
}

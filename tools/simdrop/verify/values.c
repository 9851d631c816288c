// A format is its exponent's bias and the bits of its fraction; values are doubles, which hold all of them exactly.
#include "verify/values.h"

#include <math.h>
#include <string.h>

#include "verify/source.h"

typedef struct float_format {
  int fraction_bits, exponent_bits;
  uint64_t limit;  // the magnitude that what is beyond the range becomes; those above it are NaN
  uint64_t nan;    // the bits that a NaN gets besides its own
} float_format;

#define LIMIT_AND_QUIET_BIT(fraction_bits, exponent_bits) \
  ((UINT64_C(1) << (exponent_bits)) - 1) << (fraction_bits), (UINT64_C(1) << (fraction_bits)) >> 1

static const float_format formats[VALUE_TYPES] = {
    [SIMDROP_F32] = {23, 8, LIMIT_AND_QUIET_BIT(23, 8)},
    [SIMDROP_F64] = {52, 11, LIMIT_AND_QUIET_BIT(52, 11)},
    [SIMDROP_F16] = {10, 5, LIMIT_AND_QUIET_BIT(10, 5)},
    [SIMDROP_BF16] = {7, 8, LIMIT_AND_QUIET_BIT(7, 8)},
    [SIMDROP_F8E4M3FN] = {3, 4, 0x7e, 0x7f},
    [SIMDROP_F8E5M2] = {2, 5, 0x7c, 0x7f},
};

static int bias_of(float_format format) { return (1 << (format.exponent_bits - 1)) - 1; }
static uint64_t sign_of(float_format format) { return UINT64_C(1) << (format.fraction_bits + format.exponent_bits); }
static bool has_infinity(float_format format) { return (format.limit & ((UINT64_C(1) << format.fraction_bits) - 1)) == 0; }

uint64_t value_bits(simdrop_dtype dtype, const void *element) {
  uint8_t bits8;
  uint16_t bits16;
  uint32_t bits32;
  uint64_t bits64;
  switch (simdrop_dtype_size(dtype)) {
    case 1: memcpy(&bits8, element, 1); return bits8;
    case 2: memcpy(&bits16, element, 2); return bits16;
    case 4: memcpy(&bits32, element, 4); return bits32;
    default: memcpy(&bits64, element, 8); return bits64;
  }
}

void store_bits(simdrop_dtype dtype, uint64_t bits, void *element) {
  const uint8_t bits8 = (uint8_t)bits;
  const uint16_t bits16 = (uint16_t)bits;
  const uint32_t bits32 = (uint32_t)bits;
  switch (simdrop_dtype_size(dtype)) {
    case 1: memcpy(element, &bits8, 1); break;
    case 2: memcpy(element, &bits16, 2); break;
    case 4: memcpy(element, &bits32, 4); break;
    default: memcpy(element, &bits, 8); break;
  }
}

double value_of_bits(simdrop_dtype dtype, uint64_t bits) {
  const float_format format = formats[dtype];
  const uint64_t magnitude = bits & (sign_of(format) - 1), fraction = magnitude & ((UINT64_C(1) << format.fraction_bits) - 1);
  const int exponent = (int)(magnitude >> format.fraction_bits);
  double value;
  if (magnitude > format.limit) {
    value = NAN;
  } else if (magnitude == format.limit && has_infinity(format)) {
    value = INFINITY;
  } else if (exponent == 0) {
    value = ldexp((double)fraction, 1 - bias_of(format) - format.fraction_bits);
  } else {
    value = ldexp((double)(fraction | UINT64_C(1) << format.fraction_bits), exponent - bias_of(format) - format.fraction_bits);
  }
  return bits & sign_of(format) ? -value : value;
}

// In units of the last place the value is a whole number, rounded by nearbyint; one that reaches the next power of two is that
// power, whose bits follow.
uint64_t bits_of_value(simdrop_dtype dtype, double value) {
  const float_format format = formats[dtype];
  const uint64_t sign = signbit(value) ? sign_of(format) : 0;
  if (isnan(value)) return sign | format.limit | format.nan;
  if (value == 0) return sign;
  if (isinf(value)) return sign | format.limit;
  int exponent;
  frexp(value, &exponent);  // value = m * 2^exponent, 1/2 <= m < 1
  const int least = 1 - bias_of(format);
  const int place = (exponent - 1 > least ? exponent - 1 : least) - format.fraction_bits;
  const uint64_t units = (uint64_t)nearbyint(ldexp(fabs(value), -place));
  const uint64_t bits = units + ((uint64_t)(place + format.fraction_bits - least) << format.fraction_bits);
  return sign | (bits < format.limit ? bits : format.limit);
}

uint64_t product_bits(simdrop_dtype dtype, double keep, uint64_t x) {
  const double scale = 1 / keep;  // keep = (2^32 - T) / 2^32 exactly, so this is 2^32 / (2^32 - T) rounded once
  const float_format format = formats[dtype];
  const double value = value_of_bits(dtype, x);
  if (isnan(value)) return x | format.nan;
  if (dtype == SIMDROP_F64) return bits_of_value(dtype, value * scale);
  // The product of two floats is exact in double, so rounding it to float is the one rounding of a float product.
  const uint64_t as_float = bits_of_value(SIMDROP_F32, value * value_of_bits(SIMDROP_F32, bits_of_value(SIMDROP_F32, scale)));
  return bits_of_value(dtype, value_of_bits(SIMDROP_F32, as_float));
}

void fill_fixed_inputs(simdrop_dtype dtype, double p, size_t n, void *x) {
  const float_format format = formats[dtype];
  const size_t size = simdrop_dtype_size(dtype);
  // s needs so many powers of two of room below the limit. A type that has less gets the numbers below 1.
  const int room = p < 1 ? (int)ceil(-log2(1 - p)) + 1 : 1;
  const uint64_t one = (uint64_t)bias_of(format) << format.fraction_bits, needed = (uint64_t)room << format.fraction_bits;
  const uint64_t limit = format.limit > one + needed ? format.limit - needed : one;
  for (size_t k = 0; k < n; ++k) {
    const uint64_t random = derived_seed(0x696e70757473, k);  // the same inputs always
    const uint64_t magnitude = k < 8 ? k + 1 : k < 16 ? limit - (k - 8) : 1 + (random >> 1) % limit;
    store_bits(dtype, magnitude | (random & 1 ? sign_of(format) : 0), (char *)x + k * size);
  }
}

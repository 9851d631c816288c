// A format is its exponent's bias and the bits of its fraction; values are doubles, which hold all of them exactly.
#include "verify/values.h"

#include <math.h>
#include <string.h>

#include "verify/source.h"

const char *const dtype_names[VALUE_TYPES] = {"f32", "f64", "f16", "bf16"};  // in the order of simdrop_dtype

typedef struct float_format {
  int fraction_bits, exponent_bits;
} float_format;

static const float_format formats[VALUE_TYPES] = {{23, 8}, {52, 11}, {10, 5}, {7, 8}};

static int bias_of(float_format format) { return (1 << (format.exponent_bits - 1)) - 1; }
static uint64_t sign_of(float_format format) { return UINT64_C(1) << (format.fraction_bits + format.exponent_bits); }
static uint64_t infinity_of(float_format format) { return ((UINT64_C(1) << format.exponent_bits) - 1) << format.fraction_bits; }

uint64_t value_bits(simdrop_dtype dtype, const void *element) {
  uint16_t bits16;
  uint32_t bits32;
  uint64_t bits64;
  switch (simdrop_dtype_size(dtype)) {
    case 2: memcpy(&bits16, element, 2); return bits16;
    case 4: memcpy(&bits32, element, 4); return bits32;
    default: memcpy(&bits64, element, 8); return bits64;
  }
}

void store_bits(simdrop_dtype dtype, uint64_t bits, void *element) {
  const uint16_t bits16 = (uint16_t)bits;
  const uint32_t bits32 = (uint32_t)bits;
  switch (simdrop_dtype_size(dtype)) {
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
  if (magnitude >= infinity_of(format)) {
    value = fraction != 0 ? NAN : INFINITY;
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
  if (isnan(value)) return sign | infinity_of(format) | UINT64_C(1) << (format.fraction_bits - 1);
  if (value == 0) return sign;
  if (isinf(value)) return sign | infinity_of(format);
  int exponent;
  frexp(value, &exponent);  // value = m * 2^exponent, 1/2 <= m < 1
  const int least = 1 - bias_of(format);
  const int place = (exponent - 1 > least ? exponent - 1 : least) - format.fraction_bits;
  const uint64_t units = (uint64_t)nearbyint(ldexp(fabs(value), -place));
  const uint64_t bits = units + ((uint64_t)(place + format.fraction_bits - least) << format.fraction_bits);
  return sign | (bits < infinity_of(format) ? bits : infinity_of(format));
}

uint64_t product_bits(simdrop_dtype dtype, double keep, uint64_t x) {
  const double scale = 1 / keep;  // keep = (2^32 - T) / 2^32 exactly, so this is 2^32 / (2^32 - T) rounded once
  const float_format format = formats[dtype];
  const double value = value_of_bits(dtype, x);
  if (isnan(value)) return x | UINT64_C(1) << (format.fraction_bits - 1);
  if (dtype == SIMDROP_F64) return bits_of_value(dtype, value * scale);
  // The product of two floats is exact in double, so rounding it to float is the one rounding of a float product.
  const uint64_t as_float = bits_of_value(SIMDROP_F32, value * value_of_bits(SIMDROP_F32, bits_of_value(SIMDROP_F32, scale)));
  return bits_of_value(dtype, value_of_bits(SIMDROP_F32, as_float));
}

void fill_fixed_inputs(simdrop_dtype dtype, double p, size_t n, void *x) {
  const float_format format = formats[dtype];
  const size_t size = simdrop_dtype_size(dtype);
  // s needs so many powers of two of room below infinity.
  const int room = p < 1 ? (int)ceil(-log2(1 - p)) + 1 : 1;
  const uint64_t limit = infinity_of(format) - ((uint64_t)room << format.fraction_bits);
  for (size_t k = 0; k < n; ++k) {
    const uint64_t random = derived_seed(0x696e70757473, k);  // the same inputs always
    const uint64_t magnitude = k < 8 ? k + 1 : k < 16 ? limit - (k - 8) : 1 + (random >> 1) % limit;
    store_bits(dtype, magnitude | (random & 1 ? sign_of(format) : 0), (char *)x + k * size);
  }
}

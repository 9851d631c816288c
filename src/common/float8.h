// The two 8-bit types of the Open Compute Project's OFP8 specification in integers and binary32: exact widening, and narrowing
// to nearest even that keeps subnormals. What is beyond the range becomes infinity in e5m2 and the largest number in e4m3fn,
// which has no infinities: as PyTorch 2.13 converts (docs/numerics.md). A NaN keeps its sign and becomes 0x7f. Zero raises no
// flag either way.
#ifndef SIMDROP_COMMON_FLOAT8_H
#define SIMDROP_COMMON_FLOAT8_H

#include <stdint.h>

#include "common/float16.h"

#define SIMDROP_F8E4M3FN_FRACTION 3
#define SIMDROP_F8E4M3FN_BIAS 7
#define SIMDROP_F8E4M3FN_LIMIT 0x7e  // the largest number

#define SIMDROP_F8E5M2_FRACTION 2
#define SIMDROP_F8E5M2_BIAS 15
#define SIMDROP_F8E5M2_LIMIT 0x7c  // infinity

// What is beyond the range becomes the limit, and magnitudes above that are NaN, of which this is the one that conversions
// give.
#define SIMDROP_FLOAT8_NAN 0x7f

// What narrowing a type of so many fraction bits and such a bias takes, as bits of floats: what turns a float's exponent into
// the type's and adds half a unit, less a little unless the result would be odd; the smallest normal number; and the power of
// two whose unit is the type's smallest number, so that adding it rounds what is smaller than normal.
#define SIMDROP_FLOAT8_SHIFT(fraction) (23 - (fraction))
#define SIMDROP_FLOAT8_ADDEND(fraction, bias) ((UINT32_C(1) << (22 - (fraction))) - 1 - ((127 - (uint32_t)(bias)) << 23))
#define SIMDROP_FLOAT8_SMALLEST_NORMAL(bias) ((128 - (uint32_t)(bias)) << 23)
#define SIMDROP_FLOAT8_ROUNDER(fraction, bias) ((151 - (uint32_t)(bias) - (uint32_t)(fraction)) << 23)

// A magnitude, given as the bits of a float, rounded to the type. Of what is beyond the range comes a number that is too large.
static inline uint32_t simdrop_float8_rounded(uint32_t magnitude, unsigned fraction, unsigned bias) {
  const unsigned shift = SIMDROP_FLOAT8_SHIFT(fraction);
  const uint32_t rounder = SIMDROP_FLOAT8_ROUNDER(fraction, bias);
  const uint32_t normal = (magnitude + SIMDROP_FLOAT8_ADDEND(fraction, bias) + (magnitude >> shift & 1)) >> shift;
  const uint32_t is_small = -(uint32_t)(magnitude < SIMDROP_FLOAT8_SMALLEST_NORMAL(bias));  // all bits
  const float shifted = simdrop_float_from_bits(magnitude & is_small) + simdrop_float_from_bits(rounder);
  return ((simdrop_bits_from_float(shifted) - rounder) & is_small) | (normal & ~is_small);
}

static inline uint8_t simdrop_float8_from_float(float value, unsigned fraction, unsigned bias, uint32_t limit) {
  const uint32_t bits = simdrop_bits_from_float(value), magnitude = bits & UINT32_C(0x7fffffff), sign = bits >> 24 & 0x80;
  if (magnitude > UINT32_C(0x7f800000)) return (uint8_t)(sign | SIMDROP_FLOAT8_NAN);
  const uint32_t rounded = simdrop_float8_rounded(magnitude, fraction, bias);
  return (uint8_t)(sign | (rounded < limit ? rounded : limit));
}

static inline uint8_t simdrop_f8e4m3fn_from_float(float value) {
  return simdrop_float8_from_float(value, SIMDROP_F8E4M3FN_FRACTION, SIMDROP_F8E4M3FN_BIAS, SIMDROP_F8E4M3FN_LIMIT);
}

static inline uint8_t simdrop_f8e5m2_from_float(float value) {
  return simdrop_float8_from_float(value, SIMDROP_F8E5M2_FRACTION, SIMDROP_F8E5M2_BIAS, SIMDROP_F8E5M2_LIMIT);
}

// The same digits with an exponent that is 120 too small, subnormal where e4m3fn is: multiplying by 2^120 is exact.
static inline float simdrop_float_from_f8e4m3fn(uint8_t x) {
  const uint32_t sign = (uint32_t)(x & 0x80) << 24, magnitude = x & 0x7f;
  if (magnitude > SIMDROP_F8E4M3FN_LIMIT) return simdrop_float_from_bits(sign | UINT32_C(0x7fc00000));
  const float scaled = simdrop_float_from_bits(magnitude << SIMDROP_FLOAT8_SHIFT(SIMDROP_F8E4M3FN_FRACTION)) * 0x1p120f;
  return simdrop_float_from_bits(sign | simdrop_bits_from_float(scaled));
}

// The upper byte of a binary16.
static inline float simdrop_float_from_f8e5m2(uint8_t x) { return simdrop_float_from_f16((uint16_t)(x << 8)); }

#endif

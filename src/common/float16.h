// binary16 and bfloat16 in integers and binary32: exact widening, and narrowing to nearest even that keeps subnormals
// and NaNs (made quiet, with their sign and upper payload bits). Zero raises no flag either way.
#ifndef SIMDROP_COMMON_FLOAT16_H
#define SIMDROP_COMMON_FLOAT16_H

#include <stdint.h>
#include <string.h>

static inline float simdrop_float_from_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static inline uint32_t simdrop_bits_from_float(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static inline float simdrop_float_from_bf16(uint16_t half) { return simdrop_float_from_bits((uint32_t)half << 16); }

static inline uint16_t simdrop_bf16_from_float(float value) {
  const uint32_t bits = simdrop_bits_from_float(value);
  if ((bits & UINT32_C(0x7fffffff)) > UINT32_C(0x7f800000)) return (uint16_t)(bits >> 16 | UINT32_C(0x0040));  // quiet NaN
  return (uint16_t)((bits + UINT32_C(0x7fff) + (bits >> 16 & 1)) >> 16);
}

// Both ways without a branch on the size of the value, which would be mispredicted for every dropped element.

static inline float simdrop_float_from_f16(uint16_t half) {
  const uint32_t sign = (uint32_t)(half & 0x8000) << 16;
  const uint32_t magnitude = half & 0x7fff;
  if (magnitude >= 0x7c00) return simdrop_float_from_bits(sign | UINT32_C(0x7f800000) | (magnitude & 0x3ff) << 13);
  // The same digits with an exponent that is 112 too small, subnormal where the half is: multiplying by 2^112 is exact.
  const float scaled = simdrop_float_from_bits(magnitude << 13) * 0x1p112f;
  return simdrop_float_from_bits(sign | simdrop_bits_from_float(scaled));
}

static inline uint16_t simdrop_f16_from_float(float value) {
  const uint32_t bits = simdrop_bits_from_float(value);
  const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
  const uint32_t magnitude = bits & UINT32_C(0x7fffffff);
  if (magnitude > UINT32_C(0x7f800000)) return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));  // quiet NaN
  // From 2^-14 on: the exponent 112 less, and half a unit added, less a little unless the result would be odd.
  const uint32_t normal = (magnitude - (UINT32_C(112) << 23) + 0xfff + (magnitude >> 13 & 1)) >> 13;
  // Below: a unit is 2^-24, to which the addition of 1/2 rounds.
  const uint32_t is_small = -(uint32_t)(magnitude < UINT32_C(0x38800000));  // all bits
  const float shifted = simdrop_float_from_bits(magnitude & is_small) + 0.5f;
  const uint32_t subnormal = simdrop_bits_from_float(shifted) - UINT32_C(0x3f000000);
  const uint32_t finite = (subnormal & is_small) | (normal & ~is_small);
  return (uint16_t)(sign | (magnitude >= UINT32_C(0x477ff000) ? 0x7c00 : finite));  // 65520 and above round to infinity
}

#endif

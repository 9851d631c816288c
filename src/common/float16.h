// binary16 and bfloat16 in integers and binary32: exact widening, and narrowing to nearest even that keeps subnormals,
// NaNs (made quiet, with their sign and upper payload bits) and raises no flag.
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

static inline float simdrop_float_from_f16(uint16_t half) {
  const uint32_t sign = (uint32_t)(half & 0x8000) << 16;
  const uint32_t magnitude = half & 0x7fff;
  if (magnitude >= 0x7c00) return simdrop_float_from_bits(sign | UINT32_C(0x7f800000) | (magnitude & 0x3ff) << 13);
  if (magnitude >= 0x0400) return simdrop_float_from_bits(sign | ((magnitude << 13) + (UINT32_C(112) << 23)));
  const float subnormal = (float)magnitude * 0x1p-24f;  // exact
  return simdrop_float_from_bits(sign | simdrop_bits_from_float(subnormal));
}

static inline uint16_t simdrop_f16_from_float(float value) {
  const uint32_t bits = simdrop_bits_from_float(value);
  const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
  const uint32_t magnitude = bits & UINT32_C(0x7fffffff);
  if (magnitude > UINT32_C(0x7f800000)) return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));  // quiet NaN
  if (magnitude >= UINT32_C(0x477ff000)) return (uint16_t)(sign | 0x7c00);  // 65520 and above round to infinity
  uint32_t kept_bits, lost_bits, half_way;
  if (magnitude >= UINT32_C(0x38800000)) {  // normal in binary16: from 2^-14
    kept_bits = (magnitude - (UINT32_C(112) << 23)) >> 13;
    lost_bits = magnitude & 0x1fff;
    half_way = 0x1000;
  } else if (magnitude >= UINT32_C(0x33000000)) {  // subnormal: from 2^-25, in units of 2^-24
    const uint32_t significand = (magnitude & 0x7fffff) | 0x800000;
    const uint32_t shift = 126 - (magnitude >> 23);  // 14 .. 24
    kept_bits = significand >> shift;
    lost_bits = significand & ((UINT32_C(1) << shift) - 1);
    half_way = UINT32_C(1) << (shift - 1);
  } else {
    return sign;
  }
  kept_bits += lost_bits > half_way || (lost_bits == half_way && (kept_bits & 1));
  return (uint16_t)(sign | kept_bits);
}

#endif

// The functions of the fused kernels in plain C, an element at a time: the definition, which common/math_body.h says again in
// the words of vectors. Every operation is one rounding to binary32, in the order of the parentheses; docs/fused.md has the
// errors. NaN gives NaN, but where a function says otherwise.
#ifndef SIMDROP_SCALAR_MATH_H
#define SIMDROP_SCALAR_MATH_H

#include <stdint.h>

#include "common/float16.h"
#include "common/math_constants.h"
#include "common/strict_arithmetic.h"

static inline float scalar_absolute(float x) {
  return simdrop_float_from_bits(simdrop_bits_from_float(x) & UINT32_C(0x7fffffff));
}

// What is not a number stays so: NaN is neither above nor below.
static inline float scalar_at_least(float x, float limit) { return limit > x ? limit : x; }
static inline float scalar_at_most(float x, float limit) { return limit < x ? limit : x; }

// e^x for x <= 0; +0 below -87.3, where results would be subnormal. The sum with 1.5 * 2^23 + 127 rounds x / ln 2 to an
// integer n, and has n + 127 in its lowest bits, which the shift makes the exponent of 2^n.
static inline float scalar_exp(float x) {
  const float shifted = x * MATH_EXP_LOG2_E + MATH_EXP_SHIFTER, n = shifted - MATH_EXP_SHIFTER;
  const float r = (x - n * MATH_LN2_HIGH) - n * MATH_LN2_LOW, r2 = r * r;
  const float low = MATH_EXP_2 + MATH_EXP_3 * r, high = (MATH_EXP_4 + MATH_EXP_5 * r) + MATH_EXP_6 * r2;
  const float fraction = 1 + (r + r2 * (low + high * r2));
  const float power = simdrop_float_from_bits(simdrop_bits_from_float(shifted) << 23);
  return x < MATH_EXP_LOWEST ? 0 : fraction * power;
}

// 1 / (1 + e^-x)
static inline float scalar_sigmoid(float x) {
  const float e = scalar_exp(-scalar_absolute(x));
  return (x < 0 ? e : 1) / (1 + e);
}

// factor * sigmoid(x)
static inline float scalar_times_sigmoid(float factor, float x) {
  const float e = scalar_exp(-scalar_absolute(x));
  return (factor * (x < 0 ? e : 1)) / (1 + e);
}

// The derivative of x * sigmoid(u) by x, for u with that slope.
static inline float scalar_times_sigmoid_gradient(float x, float u, float slope) {
  const float e = scalar_exp(-scalar_absolute(u)), greater = 1 / (1 + e), lesser = e * greater;
  const float sigmoid = u < 0 ? lesser : greater, rest = u < 0 ? greater : lesser;
  return sigmoid * (1 + (x * rest) * slope);
}

// x < 0 ? 0 : x: -0 and NaN stay as they are. Of twice x, because clang 14 makes that a maximum on aarch64, for which -0 is
// below +0. The gradient is +0 for NaN.
static inline float scalar_relu(float x) { return x + x < 0 ? 0 : x; }
static inline float scalar_relu_gradient(float x) { return x > 0 ? 1 : 0; }

static inline float scalar_silu(float x) {
  const float c = scalar_at_least(x, -MATH_SILU_LIMIT);
  return scalar_times_sigmoid(c, c);
}

static inline float scalar_silu_gradient(float x) {
  const float c = scalar_at_most(scalar_at_least(x, -MATH_SILU_LIMIT), MATH_SILU_LIMIT);
  return scalar_times_sigmoid_gradient(c, c, 1);
}

// x times the normal distribution function, of which the difference to 1/2 is an odd rational function. Below -5.4 it is 0, and
// -0 the result.
static inline float scalar_gelu(float x) {
  const float c = scalar_at_least(x, -MATH_GELU_LIMIT), t = scalar_at_most(c, MATH_GELU_LIMIT);
  const float z = t * t, z2 = z * z, z4 = z2 * z2;
  const float n =
      ((MATH_GELU_N0 + MATH_GELU_N1 * z) + (MATH_GELU_N2 + MATH_GELU_N3 * z) * z2) + (MATH_GELU_N4 + MATH_GELU_N5 * z) * z4;
  const float d =
      ((MATH_GELU_D0 + MATH_GELU_D1 * z) + (MATH_GELU_D2 + MATH_GELU_D3 * z) * z2) + (MATH_GELU_D4 + MATH_GELU_D5 * z) * z4;
  return c * scalar_at_least(0.5f + (t * n) / d, 0);
}

static inline float scalar_gelu_gradient(float x) {
  const float limit = MATH_GELU_GRADIENT_LIMIT;
  const float t = scalar_at_most(scalar_at_least(x, -limit), limit), z = t * t, z2 = z * z, z4 = z2 * z2;
  const float n =
      ((MATH_GELU_GRADIENT_N0 + MATH_GELU_GRADIENT_N1 * z) + (MATH_GELU_GRADIENT_N2 + MATH_GELU_GRADIENT_N3 * z) * z2) +
      ((MATH_GELU_GRADIENT_N4 + MATH_GELU_GRADIENT_N5 * z) + MATH_GELU_GRADIENT_N6 * z2) * z4;
  const float d =
      ((MATH_GELU_GRADIENT_D0 + MATH_GELU_GRADIENT_D1 * z) + (MATH_GELU_GRADIENT_D2 + MATH_GELU_GRADIENT_D3 * z) * z2) +
      ((MATH_GELU_GRADIENT_D4 + MATH_GELU_GRADIENT_D5 * z) + (MATH_GELU_GRADIENT_D6 + MATH_GELU_GRADIENT_D7 * z) * z2) * z4;
  return 0.5f + (t * n) / d;
}

// x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) = x * sigmoid(2 * sqrt(2 / pi) * (x + 0.044715 x^3))
static inline float scalar_gelu_tanh(float x) {
  const float u = x * (MATH_GELU_TANH_1 + MATH_GELU_TANH_3 * (x * x));
  return scalar_times_sigmoid(scalar_at_least(x, -MATH_SILU_LIMIT), u);
}

static inline float scalar_gelu_tanh_gradient(float x) {
  const float c = scalar_at_most(scalar_at_least(x, -MATH_GELU_TANH_LIMIT), MATH_GELU_TANH_LIMIT), c2 = c * c;
  const float u = c * (MATH_GELU_TANH_1 + MATH_GELU_TANH_3 * c2), slope = MATH_GELU_TANH_1 + MATH_GELU_TANH_SLOPE_2 * c2;
  return scalar_times_sigmoid_gradient(c, u, slope);
}

// 2^-32 .. 1 of a word of Philox
static inline float scalar_uniform(uint32_t word) { return (float)(int32_t)(word >> 1) * 0x1p-31f + 0x1p-32f; }

// -2 ln u for 2^-32 <= u <= 1, +0 for 1: u is 2^k * (1 + f) with 1 + f from MATH_LOG_LOWEST on, by which a power of two below
// 1 + f = 2 the sum of both logarithms loses nothing. Nothing is promised for other u.
static inline float scalar_minus_two_log(float u) {
  const uint32_t bits = simdrop_bits_from_float(u), one = UINT32_C(0x3f800000);
  const uint32_t exponent = (bits + (one - MATH_LOG_LOWEST_BITS)) >> 23;
  const float k = (float)((int32_t)exponent - 127);
  const float f = simdrop_float_from_bits(bits - ((exponent << 23) - one)) - 1, f2 = f * f, f4 = f2 * f2;
  const float p = ((MATH_LOG_3 + MATH_LOG_4 * f) + (MATH_LOG_5 + MATH_LOG_6 * f) * f2) +
                  ((MATH_LOG_7 + MATH_LOG_8 * f) + (MATH_LOG_9 + MATH_LOG_10 * f) * f2) * f4;
  const float minus_log = ((f2 * (0.5f - f * p) - k * MATH_LN2_LOW) - f) - k * MATH_LN2_HIGH;
  return minus_log + minus_log;
}

// sin(pi b) for |b| <= 1/2, by the difference to 2b, which is small where the sine is large.
static inline float scalar_half_sine_pi(float b) {
  const float z = b * b, z2 = z * z;
  const float p = ((MATH_SINE_0 + MATH_SINE_1 * z) + (MATH_SINE_2 + MATH_SINE_3 * z) * z2) + MATH_SINE_4 * (z2 * z2);
  return (b + b) + b * p;
}

// sin(pi t) and cos(pi t) for |t| <= 1. The sine has t's sign.
static inline float scalar_sine_pi(float t) {
  const float a = scalar_absolute(t), sine = scalar_half_sine_pi(a > 0.5f ? 1 - a : a);
  return simdrop_float_from_bits(simdrop_bits_from_float(sine) | (simdrop_bits_from_float(t) & UINT32_C(0x80000000)));
}

static inline float scalar_cosine_pi(float t) { return scalar_half_sine_pi(0.5f - scalar_absolute(t)); }

#endif

// The functions of the fused kernels in the words of common/arithmetic.h, lane by lane: what scalar/math.h defines, by the same
// operations in the same order, or others that give the same bits. Included after a backend's arithmetic.h.
#ifndef SIMDROP_COMMON_MATH_BODY_H
#define SIMDROP_COMMON_MATH_BODY_H

#include "common/math_constants.h"
#include "common/strict_arithmetic.h"

// Inlined, so that a loop keeps the constants in registers.
#define MATH_FUNCTION static inline __attribute__((always_inline)) simd_f32

// a + b * x
MATH_FUNCTION math_plus_product(simd_f32 a, simd_f32 b, simd_f32 x) { return simd_f32_add(a, simd_f32_multiply(b, x)); }
MATH_FUNCTION math_line(float a, float b, simd_f32 x) { return math_plus_product(simd_f32_set(a), simd_f32_set(b), x); }

// NaN stays NaN.
MATH_FUNCTION math_at_least(simd_f32 x, float limit) { return simd_f32_maximum(simd_f32_set(limit), x); }
MATH_FUNCTION math_at_most(simd_f32 x, float limit) { return simd_f32_minimum(simd_f32_set(limit), x); }
MATH_FUNCTION math_clamp(simd_f32 x, float limit) { return math_at_most(math_at_least(x, -limit), limit); }

MATH_FUNCTION math_exp(simd_f32 x) {
  const simd_f32 shifter = simd_f32_set(MATH_EXP_SHIFTER);
  const simd_f32 shifted = simd_f32_add(simd_f32_multiply(x, simd_f32_set(MATH_EXP_LOG2_E)), shifter);
  const simd_f32 n = simd_f32_subtract(shifted, shifter);
  const simd_f32 r = simd_f32_subtract(simd_f32_subtract(x, simd_f32_multiply(n, simd_f32_set(MATH_LN2_HIGH))),
                                       simd_f32_multiply(n, simd_f32_set(MATH_LN2_LOW)));
  const simd_f32 r2 = simd_f32_multiply(r, r);
  const simd_f32 low = math_line(MATH_EXP_2, MATH_EXP_3, r);
  const simd_f32 high = math_plus_product(math_line(MATH_EXP_4, MATH_EXP_5, r), simd_f32_set(MATH_EXP_6), r2);
  const simd_f32 fraction = simd_f32_add(simd_f32_set(1.0f), math_plus_product(r, r2, math_plus_product(low, high, r2)));
  const simd_f32 power = simd_f32_of_bits(simd_u32_shift_left(simd_f32_bits(shifted), 23));
  const simd_f32_mask is_too_low = simd_f32_less(x, simd_f32_set(MATH_EXP_LOWEST));
  return simd_f32_select(is_too_low, simd_f32_set(0.0f), simd_f32_multiply(fraction, power));
}

// e^-|x|
MATH_FUNCTION math_exp_of_distance(simd_f32 x) { return math_exp(simd_f32_negate(simd_f32_absolute(x))); }

MATH_FUNCTION math_times_sigmoid(simd_f32 factor, simd_f32 x) {
  const simd_f32 e = math_exp_of_distance(x), one = simd_f32_set(1.0f);
  const simd_f32 numerator = simd_f32_multiply(factor, simd_f32_select(simd_f32_less(x, simd_f32_set(0.0f)), e, one));
  return simd_f32_divide(numerator, simd_f32_add(one, e));
}

MATH_FUNCTION math_times_sigmoid_gradient(simd_f32 x, simd_f32 u, simd_f32 slope) {
  const simd_f32 e = math_exp_of_distance(u), one = simd_f32_set(1.0f);
  const simd_f32 greater = simd_f32_divide(one, simd_f32_add(one, e)), lesser = simd_f32_multiply(e, greater);
  const simd_f32_mask is_negative = simd_f32_less(u, simd_f32_set(0.0f));
  const simd_f32 sigmoid = simd_f32_select(is_negative, lesser, greater), rest = simd_f32_select(is_negative, greater, lesser);
  return simd_f32_multiply(sigmoid, math_plus_product(one, simd_f32_multiply(x, rest), slope));
}

MATH_FUNCTION math_sigmoid(simd_f32 x) {
  const simd_f32 e = math_exp_of_distance(x), one = simd_f32_set(1.0f);
  return simd_f32_divide(simd_f32_select(simd_f32_less(x, simd_f32_set(0.0f)), e, one), simd_f32_add(one, e));
}

MATH_FUNCTION math_relu(simd_f32 x) {
  const simd_f32 zero = simd_f32_set(0.0f);
  return simd_f32_select(simd_f32_less(simd_f32_add(x, x), zero), zero, x);
}

MATH_FUNCTION math_relu_gradient(simd_f32 x) { return simd_f32_keep(simd_f32_less(simd_f32_set(0.0f), x), simd_f32_set(1.0f)); }

MATH_FUNCTION math_silu(simd_f32 x) {
  const simd_f32 c = math_at_least(x, -MATH_SILU_LIMIT);
  return math_times_sigmoid(c, c);
}

MATH_FUNCTION math_silu_gradient(simd_f32 x) {
  const simd_f32 c = math_clamp(x, MATH_SILU_LIMIT);
  return math_times_sigmoid_gradient(c, c, simd_f32_set(1.0f));
}

MATH_FUNCTION math_gelu(simd_f32 x) {
  const simd_f32 c = math_at_least(x, -MATH_GELU_LIMIT), t = math_at_most(c, MATH_GELU_LIMIT);
  const simd_f32 z = simd_f32_multiply(t, t), z2 = simd_f32_multiply(z, z), z4 = simd_f32_multiply(z2, z2);
  const simd_f32 n_low =
      math_plus_product(math_line(MATH_GELU_N0, MATH_GELU_N1, z), math_line(MATH_GELU_N2, MATH_GELU_N3, z), z2);
  const simd_f32 d_low =
      math_plus_product(math_line(MATH_GELU_D0, MATH_GELU_D1, z), math_line(MATH_GELU_D2, MATH_GELU_D3, z), z2);
  const simd_f32 n = math_plus_product(n_low, math_line(MATH_GELU_N4, MATH_GELU_N5, z), z4);
  const simd_f32 d = math_plus_product(d_low, math_line(MATH_GELU_D4, MATH_GELU_D5, z), z4);
  const simd_f32 distribution = simd_f32_add(simd_f32_set(0.5f), simd_f32_divide(simd_f32_multiply(t, n), d));
  return simd_f32_multiply(c, math_at_least(distribution, 0.0f));
}

MATH_FUNCTION math_gelu_gradient(simd_f32 x) {
  const simd_f32 t = math_clamp(x, MATH_GELU_GRADIENT_LIMIT), z = simd_f32_multiply(t, t), z2 = simd_f32_multiply(z, z);
  const simd_f32 z4 = simd_f32_multiply(z2, z2);
  const simd_f32 n_low = math_plus_product(math_line(MATH_GELU_GRADIENT_N0, MATH_GELU_GRADIENT_N1, z),
                                           math_line(MATH_GELU_GRADIENT_N2, MATH_GELU_GRADIENT_N3, z), z2);
  const simd_f32 d_low = math_plus_product(math_line(MATH_GELU_GRADIENT_D0, MATH_GELU_GRADIENT_D1, z),
                                           math_line(MATH_GELU_GRADIENT_D2, MATH_GELU_GRADIENT_D3, z), z2);
  const simd_f32 n_high =
      math_plus_product(math_line(MATH_GELU_GRADIENT_N4, MATH_GELU_GRADIENT_N5, z), simd_f32_set(MATH_GELU_GRADIENT_N6), z2);
  const simd_f32 d_high = math_plus_product(math_line(MATH_GELU_GRADIENT_D4, MATH_GELU_GRADIENT_D5, z),
                                            math_line(MATH_GELU_GRADIENT_D6, MATH_GELU_GRADIENT_D7, z), z2);
  const simd_f32 n = math_plus_product(n_low, n_high, z4), d = math_plus_product(d_low, d_high, z4);
  return simd_f32_add(simd_f32_set(0.5f), simd_f32_divide(simd_f32_multiply(t, n), d));
}

MATH_FUNCTION math_gelu_tanh(simd_f32 x) {
  const simd_f32 u = simd_f32_multiply(x, math_line(MATH_GELU_TANH_1, MATH_GELU_TANH_3, simd_f32_multiply(x, x)));
  return math_times_sigmoid(math_at_least(x, -MATH_SILU_LIMIT), u);
}

MATH_FUNCTION math_gelu_tanh_gradient(simd_f32 x) {
  const simd_f32 c = math_clamp(x, MATH_GELU_TANH_LIMIT), c2 = simd_f32_multiply(c, c);
  const simd_f32 u = simd_f32_multiply(c, math_line(MATH_GELU_TANH_1, MATH_GELU_TANH_3, c2));
  return math_times_sigmoid_gradient(c, u, math_line(MATH_GELU_TANH_1, MATH_GELU_TANH_SLOPE_2, c2));
}

// With twice the f of scalar/math.h, and constants that are powers of two times its: so is each number on the way, and is
// rounded as there; the last is twice the logarithm without an addition. The product with LN2_HIGH is exact: it has 15 bits, k
// has 6.
MATH_FUNCTION math_minus_two_log(simd_f32 u) {
  const simd_u32 bits = simd_u32_subtract(simd_f32_bits(u), simd_u32_set(MATH_LOG_LOWEST_BITS));
  const simd_f32 k = simd_f32_from_integers(simd_u32_shift_right_signed(bits, 23));
  const simd_u32 fraction = simd_u32_and(bits, simd_u32_set((UINT32_C(1) << 23) - 1));
  const simd_u32 doubled = simd_u32_add(fraction, simd_u32_set(MATH_LOG_LOWEST_BITS + (UINT32_C(1) << 23)));
  const simd_f32 f = simd_f32_subtract(simd_f32_of_bits(doubled), simd_f32_set(2.0f));
  const simd_f32 f2 = simd_f32_multiply(f, f), f4 = simd_f32_multiply(f2, f2);
  const simd_f32 low =
      math_plus_product(math_line(MATH_TWICE_LOG_3, MATH_TWICE_LOG_4, f), math_line(MATH_TWICE_LOG_5, MATH_TWICE_LOG_6, f), f2);
  const simd_f32 high = math_plus_product(math_line(MATH_TWICE_LOG_7, MATH_TWICE_LOG_8, f),
                                          math_line(MATH_TWICE_LOG_9, MATH_TWICE_LOG_10, f), f2);
  const simd_f32 p = math_plus_product(low, high, f4);
  const simd_f32 square = simd_f32_multiply(f2, simd_f32_subtract(simd_f32_set(0.25f), simd_f32_multiply(f, p)));
  const simd_f32 correction = simd_f32_subtract(square, simd_f32_multiply(k, simd_f32_set(MATH_TWICE_LN2_LOW)));
  return simd_f32_add_exact_product(simd_f32_subtract(correction, f), k, simd_f32_set(-MATH_TWICE_LN2_HIGH));
}

// 2^-32 .. 1 of a word.
MATH_FUNCTION math_uniform(simd_u32 word) {
  const simd_f32 integers = simd_f32_from_integers(simd_u32_shift_right(word, 1));
  return simd_f32_add_exact_product(simd_f32_set(0x1p-32f), integers, simd_f32_set(0x1p-31f));
}

MATH_FUNCTION math_half_sine_pi(simd_f32 b) {
  const simd_f32 z = simd_f32_multiply(b, b), z2 = simd_f32_multiply(z, z);
  const simd_f32 low = math_plus_product(math_line(MATH_SINE_0, MATH_SINE_1, z), math_line(MATH_SINE_2, MATH_SINE_3, z), z2);
  const simd_f32 p = math_plus_product(low, simd_f32_set(MATH_SINE_4), simd_f32_multiply(z2, z2));
  return simd_f32_add_twice(simd_f32_multiply(b, p), b);
}

// 1 - |t| is exact where it is the smaller one, and the functions of b above have its sign.
MATH_FUNCTION math_sine_pi(simd_f32 t) {
  return math_half_sine_pi(simd_f32_smaller(t, simd_f32_subtract(simd_f32_set(1.0f), simd_f32_absolute(t))));
}

MATH_FUNCTION math_cosine_pi(simd_f32 t) {
  return math_half_sine_pi(simd_f32_subtract(simd_f32_set(0.5f), simd_f32_absolute(t)));
}

#endif

// The constants of the functions of the fused kernels, which scalar/math.h defines and common/math_body.h says again in words
// of vectors. They are part of what the library promises: docs/fused.md lists them, and tests/test_math.c has the hashes of
// what becomes of them. Polynomials are in ascending order, named by the power.
#ifndef SIMDROP_COMMON_MATH_CONSTANTS_H
#define SIMDROP_COMMON_MATH_CONSTANTS_H

// 16 is for types of 16 bits, of which there are none here.
#if defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ != 0 && __FLT_EVAL_METHOD__ != 16
#error "compile simdrop so that float is computed as float: gcc's -fexcess-precision=fast, and for x86 -mfpmath=sse"
#endif

// ln 2 as a sum, of which small integers times the first are exact
#define MATH_LN2_HIGH 0x1.62e4p-1f
#define MATH_LN2_LOW 0x1.7f7d1cp-20f

// exp: 1 + r + r^2 * (a polynomial) for |r| <= ln 2 / 2
#define MATH_EXP_LOG2_E 0x1.715476p+0f
#define MATH_EXP_SHIFTER 0x1.8000fep+23f  // 1.5 * 2^23 + 127
#define MATH_EXP_LOWEST (-87.3f)
#define MATH_EXP_2 0x1.fffffep-2f
#define MATH_EXP_3 0x1.555496p-3f
#define MATH_EXP_4 0x1.55597p-5f
#define MATH_EXP_5 0x1.12398ap-7f
#define MATH_EXP_6 0x1.693beep-10f

// Where sigmoids have long become 0 or 1, and products with them can no longer be 0 * infinity.
#define MATH_SILU_LIMIT 200.0f
#define MATH_GELU_TANH_LIMIT 10.0f

// 2 * sqrt(2 / pi), 0.044715 times that, and 3 times that
#define MATH_GELU_TANH_1 0x1.988454p+0f
#define MATH_GELU_TANH_3 0x1.2444f2p-4f
#define MATH_GELU_TANH_SLOPE_2 0x1.b6676cp-3f

// gelu: the normal distribution function is 1/2 + t * N(t^2) / D(t^2) up to the limit, where it becomes exactly 1
#define MATH_GELU_LIMIT 5.4f
#define MATH_GELU_N0 0x1.98844ep-2f
#define MATH_GELU_N1 0x1.115c76p-5f
#define MATH_GELU_N2 0x1.30c8e4p-8f
#define MATH_GELU_N3 0x1.5889d2p-13f
#define MATH_GELU_N4 0x1.aac7f6p-18f
#define MATH_GELU_N5 0x1.91cb34p-26f
#define MATH_GELU_D0 1.0f
#define MATH_GELU_D1 0x1.005162p-2f
#define MATH_GELU_D2 0x1.d0ed7ap-6f
#define MATH_GELU_D3 0x1.e745aap-10f
#define MATH_GELU_D4 0x1.2f9e52p-14f
#define MATH_GELU_D5 0x1.469254p-20f

// its derivative likewise: 1 at the limit, and 0 at minus the limit
#define MATH_GELU_GRADIENT_LIMIT 6.1f
#define MATH_GELU_GRADIENT_N0 0x1.988452p-1f
#define MATH_GELU_GRADIENT_N1 -0x1.4de0c6p-6f
#define MATH_GELU_GRADIENT_N2 0x1.c38f0cp-7f
#define MATH_GELU_GRADIENT_N3 0x1.f4c5bp-13f
#define MATH_GELU_GRADIENT_N4 0x1.1e398ep-15f
#define MATH_GELU_GRADIENT_N5 0x1.11ae52p-20f
#define MATH_GELU_GRADIENT_N6 0x1.3240e8p-26f
#define MATH_GELU_GRADIENT_D0 1.0f
#define MATH_GELU_GRADIENT_D1 0x1.3b2dfp-2f
#define MATH_GELU_GRADIENT_D2 0x1.6f936ep-5f
#define MATH_GELU_GRADIENT_D3 0x1.0b0748p-8f
#define MATH_GELU_GRADIENT_D4 0x1.0acdaap-12f
#define MATH_GELU_GRADIENT_D5 0x1.69d84cp-17f
#define MATH_GELU_GRADIENT_D6 0x1.892942p-22f
#define MATH_GELU_GRADIENT_D7 0x1.70ac0ep-30f

// ln(1 + f) = f - f^2 / 2 + f^3 * (a polynomial) for 1 + f from this on, below twice that
#define MATH_LOG_LOWEST_BITS UINT32_C(0x3f245000)  // 0.6418; ln(2 * 0.6418) is a little below 1/4
#define MATH_LOG_3 0x1.555542p-2f
#define MATH_LOG_4 -0x1.fffaf2p-3f
#define MATH_LOG_5 0x1.99aa52p-3f
#define MATH_LOG_6 -0x1.56927ap-3f
#define MATH_LOG_7 0x1.2226aap-3f
#define MATH_LOG_8 -0x1.cfec68p-4f
#define MATH_LOG_9 0x1.088852p-3f
#define MATH_LOG_10 -0x1.6cb41ap-3f

// Their products with powers of two, and twice LN2: for twice the logarithm, from twice f (common/math_body.h). Written out,
// because clang 14 leaves a product of constants to the program where arithmetic may trap.
#define MATH_TWICE_LOG_3 0x1.555542p-4f
#define MATH_TWICE_LOG_4 -0x1.fffaf2p-6f
#define MATH_TWICE_LOG_5 0x1.99aa52p-7f
#define MATH_TWICE_LOG_6 -0x1.56927ap-8f
#define MATH_TWICE_LOG_7 0x1.2226aap-9f
#define MATH_TWICE_LOG_8 -0x1.cfec68p-11f
#define MATH_TWICE_LOG_9 0x1.088852p-11f
#define MATH_TWICE_LOG_10 -0x1.6cb41ap-12f
#define MATH_TWICE_LN2_HIGH 0x1.62e4p+0f
#define MATH_TWICE_LN2_LOW 0x1.7f7d1cp-19f

// sin(pi b) = 2b + b * (a polynomial in b^2) for |b| <= 1/2
#define MATH_SINE_0 0x1.243f6ap+0f
#define MATH_SINE_1 -0x1.4abbbep+2f
#define MATH_SINE_2 0x1.466852p+1f
#define MATH_SINE_3 -0x1.32456ap-1f
#define MATH_SINE_4 0x1.3d4bfp-4f

#endif

// The words of arithmetic of Advanced SIMD: what the bodies of the fused kernels are written in. A mask is all ones or all
// zeros in each lane. Non-temporal stores are pairs of registers here, and no word has one.
#ifndef SIMDROP_NEON_ARITHMETIC_H
#define SIMDROP_NEON_ARITHMETIC_H

#include <arm_neon.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "neon/bundle.h"

typedef float32x4_t simd_f32;
typedef uint32x4_t simd_f32_mask, simd_u32;
typedef float64x2_t simd_f64;
typedef uint64x2_t simd_f64_mask;

static inline size_t simd_f32_lanes(void) { return 4; }
static inline size_t simd_f64_lanes(void) { return 2; }

static inline simd_f32 simd_f32_set(float value) { return vdupq_n_f32(value); }
static inline simd_f32 simd_f32_load(const float *from) { return vld1q_f32(from); }
static inline simd_f32 simd_f32_load_f16(const uint16_t *from) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(from))); }
static inline simd_f32 simd_f32_load_bf16(const uint16_t *from) {
  return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(from), 16));
}

static inline void simd_f32_store(float *to, simd_f32 a, bool non_temporal) {
  (void)non_temporal;
  vst1q_f32(to, a);
}

static inline void simd_f32_store_f16(uint16_t *to, simd_f32 a, bool non_temporal) {
  (void)non_temporal;
  vst1_u16(to, vreinterpret_u16_f16(vcvt_f16_f32(a)));
}

static inline void simd_f32_store_bf16(uint16_t *to, simd_f32 a, bool non_temporal) {
  (void)non_temporal;
  const uint32x4_t bits = vreinterpretq_u32_f32(a), odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
  const uint32x4_t rounded = vaddq_u32(bits, vaddq_u32(odd, vdupq_n_u32(0x7fff)));
  const uint32x4_t quiet_nan = vorrq_u32(bits, vdupq_n_u32(0x400000));
  vst1_u16(to, vshrn_n_u32(vbslq_u32(vceqq_f32(a, a), rounded, quiet_nan), 16));
}

static inline simd_f32 simd_f32_add(simd_f32 a, simd_f32 b) { return vaddq_f32(a, b); }
static inline simd_f32 simd_f32_subtract(simd_f32 a, simd_f32 b) { return vsubq_f32(a, b); }
static inline simd_f32 simd_f32_multiply(simd_f32 a, simd_f32 b) { return vmulq_f32(a, b); }
static inline simd_f32 simd_f32_divide(simd_f32 a, simd_f32 b) { return vdivq_f32(a, b); }
static inline simd_f32 simd_f32_square_root(simd_f32 a) { return vsqrtq_f32(a); }
static inline simd_f32 simd_f32_absolute(simd_f32 a) { return vabsq_f32(a); }
static inline simd_f32 simd_f32_negate(simd_f32 a) { return vnegq_f32(a); }
static inline simd_f32 simd_f32_maximum(simd_f32 a, simd_f32 b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
static inline simd_f32 simd_f32_minimum(simd_f32 a, simd_f32 b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
static inline simd_f32_mask simd_f32_less(simd_f32 a, simd_f32 b) { return vcltq_f32(a, b); }
static inline simd_f32 simd_f32_select(simd_f32_mask mask, simd_f32 a, simd_f32 b) { return vbslq_f32(mask, a, b); }
static inline simd_f32 simd_f32_keep(simd_f32_mask mask, simd_f32 a) {
  return vreinterpretq_f32_u32(vandq_u32(mask, vreinterpretq_u32_f32(a)));
}

// Each lane looks at a bit of its own among 32.
static inline simd_f32_mask simd_f32_decisions(uint64_t bits, unsigned begin) {
  static const uint32_t bit[4] = {1, 2, 4, 8};
  const uint32x4_t bit_of_lane = vshlq_u32(vld1q_u32(bit), vdupq_n_s32((int32_t)(begin & 31)));
  return vtstq_u32(vdupq_n_u32((uint32_t)(bits >> (begin & 32))), bit_of_lane);
}

static inline simd_u32 simd_f32_bits(simd_f32 a) { return vreinterpretq_u32_f32(a); }
static inline simd_f32 simd_f32_of_bits(simd_u32 a) { return vreinterpretq_f32_u32(a); }
static inline simd_u32 simd_u32_set(uint32_t value) { return vdupq_n_u32(value); }
static inline simd_u32 simd_u32_load(const uint32_t *from) { return vld1q_u32(from); }
static inline simd_u32 simd_u32_and(simd_u32 a, simd_u32 b) { return vandq_u32(a, b); }
static inline simd_u32 simd_u32_or(simd_u32 a, simd_u32 b) { return vorrq_u32(a, b); }
static inline simd_u32 simd_u32_add(simd_u32 a, simd_u32 b) { return vaddq_u32(a, b); }
static inline simd_u32 simd_u32_subtract(simd_u32 a, simd_u32 b) { return vsubq_u32(a, b); }
static inline simd_u32 simd_u32_shift_left(simd_u32 a, int count) { return vshlq_u32(a, vdupq_n_s32(count)); }
static inline simd_u32 simd_u32_shift_right(simd_u32 a, int count) { return vshlq_u32(a, vdupq_n_s32(-count)); }
static inline simd_u32 simd_u32_shift_right_signed(simd_u32 a, int count) {
  return vreinterpretq_u32_s32(vshlq_s32(vreinterpretq_s32_u32(a), vdupq_n_s32(-count)));
}
static inline simd_f32 simd_f32_from_integers(simd_u32 a) { return vcvtq_f32_s32(vreinterpretq_s32_u32(a)); }

static inline simd_f32 simd_f32_add_exact_product(simd_f32 a, simd_f32 b, simd_f32 c) { return vfmaq_f32(a, b, c); }
static inline simd_f32 simd_f32_add_twice(simd_f32 a, simd_f32 b) { return vfmaq_f32(a, b, vdupq_n_f32(2.0f)); }
#define simd_f32_add_exact_product simd_f32_add_exact_product

static inline simd_f64 simd_f64_set(double value) { return vdupq_n_f64(value); }
static inline simd_f64 simd_f64_load(const double *from) { return vld1q_f64(from); }

static inline void simd_f64_store(double *to, simd_f64 a, bool non_temporal) {
  (void)non_temporal;
  vst1q_f64(to, a);
}

static inline simd_f64 simd_f64_add(simd_f64 a, simd_f64 b) { return vaddq_f64(a, b); }
static inline simd_f64 simd_f64_subtract(simd_f64 a, simd_f64 b) { return vsubq_f64(a, b); }
static inline simd_f64 simd_f64_multiply(simd_f64 a, simd_f64 b) { return vmulq_f64(a, b); }
static inline simd_f64 simd_f64_divide(simd_f64 a, simd_f64 b) { return vdivq_f64(a, b); }
static inline simd_f64 simd_f64_square_root(simd_f64 a) { return vsqrtq_f64(a); }
static inline simd_f64 simd_f64_absolute(simd_f64 a) { return vabsq_f64(a); }
static inline simd_f64 simd_f64_negate(simd_f64 a) { return vnegq_f64(a); }
static inline simd_f64 simd_f64_maximum(simd_f64 a, simd_f64 b) { return vbslq_f64(vcgtq_f64(a, b), a, b); }
static inline simd_f64 simd_f64_minimum(simd_f64 a, simd_f64 b) { return vbslq_f64(vcltq_f64(a, b), a, b); }
static inline simd_f64_mask simd_f64_less(simd_f64 a, simd_f64 b) { return vcltq_f64(a, b); }
static inline simd_f64 simd_f64_select(simd_f64_mask mask, simd_f64 a, simd_f64 b) { return vbslq_f64(mask, a, b); }
static inline simd_f64 simd_f64_keep(simd_f64_mask mask, simd_f64 a) {
  return vreinterpretq_f64_u64(vandq_u64(mask, vreinterpretq_u64_f64(a)));
}

static inline simd_f64_mask simd_f64_decisions(uint64_t bits, unsigned begin) {
  static const uint64_t bit[2] = {1, 2};
  return vtstq_u64(vdupq_n_u64(bits), vshlq_u64(vld1q_u64(bit), vdupq_n_s64((int64_t)begin)));
}

static inline void simd_u32_load_pairs(const uint32_t *from, simd_u32 *first, simd_u32 *second) {
  const uint32x4x2_t pairs = vld2q_u32(from);
  *first = pairs.val[0];
  *second = pairs.val[1];
}

static inline void simd_f32_store_pairs(float *to, simd_f32 first, simd_f32 second) {
  const float32x4x2_t pairs = {{first, second}};  // clang 14's macro takes no list
  vst2q_f32(to, pairs);
}

static inline simd_f64 simd_f64_load_f32(const float *from) { return vcvt_f64_f32(vld1_f32(from)); }

#include "common/arithmetic.h"

#endif

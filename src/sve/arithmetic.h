// The words of arithmetic of SVE: what the bodies of the fused kernels are written in. Operations take all lanes, because then
// many need no predicate. Stores past the caches are a hint here that nobody has measured; `non_temporal` changes nothing.
#ifndef SIMDROP_SVE_ARITHMETIC_H
#define SIMDROP_SVE_ARITHMETIC_H

#include <arm_sve.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sve/bundle.h"

typedef svfloat32_t simd_f32;
typedef svuint32_t simd_u32;
typedef svfloat64_t simd_f64;
typedef svbool_t simd_f32_mask, simd_f64_mask;

static inline size_t simd_f32_lanes(void) { return svcntw(); }
static inline size_t simd_f64_lanes(void) { return svcntd(); }

static inline simd_f32 simd_f32_set(float value) { return svdup_n_f32(value); }
static inline simd_f32 simd_f32_load(const float *from) { return svld1_f32(svptrue_b32(), from); }
static inline simd_f32 simd_f32_load_f16(const uint16_t *from) {
  return svcvt_f32_f16_x(svptrue_b32(), svreinterpret_f16_u32(svld1uh_u32(svptrue_b32(), from)));
}
static inline simd_f32 simd_f32_load_bf16(const uint16_t *from) {
  return svreinterpret_f32_u32(svlsl_n_u32_x(svptrue_b32(), svld1uh_u32(svptrue_b32(), from), 16));
}

static inline void simd_f32_store(float *to, simd_f32 a, bool non_temporal) {
  (void)non_temporal;
  svst1_f32(svptrue_b32(), to, a);
}

static inline void simd_f32_store_f16(uint16_t *to, simd_f32 a, bool non_temporal) {
  (void)non_temporal;
  svst1h_u32(svptrue_b32(), to, svreinterpret_u32_f16(svcvt_f16_f32_x(svptrue_b32(), a)));
}

static inline void simd_f32_store_bf16(uint16_t *to, simd_f32 a, bool non_temporal) {
  (void)non_temporal;
  const svbool_t all = svptrue_b32();
  const svuint32_t bits = svreinterpret_u32_f32(a), odd = svand_n_u32_x(all, svlsr_n_u32_x(all, bits, 16), 1);
  const svuint32_t rounded = svadd_u32_x(all, bits, svadd_n_u32_x(all, odd, 0x7fff));
  const svuint32_t quiet_nan = svorr_n_u32_x(all, bits, 0x400000);
  svst1h_u32(all, to, svlsr_n_u32_x(all, svsel_u32(svcmpuo_f32(all, a, a), quiet_nan, rounded), 16));
}

static inline simd_f32 simd_f32_add(simd_f32 a, simd_f32 b) { return svadd_f32_x(svptrue_b32(), a, b); }
static inline simd_f32 simd_f32_subtract(simd_f32 a, simd_f32 b) { return svsub_f32_x(svptrue_b32(), a, b); }
static inline simd_f32 simd_f32_multiply(simd_f32 a, simd_f32 b) { return svmul_f32_x(svptrue_b32(), a, b); }
static inline simd_f32 simd_f32_divide(simd_f32 a, simd_f32 b) { return svdiv_f32_x(svptrue_b32(), a, b); }
static inline simd_f32 simd_f32_square_root(simd_f32 a) { return svsqrt_f32_x(svptrue_b32(), a); }
static inline simd_f32 simd_f32_absolute(simd_f32 a) { return svabs_f32_x(svptrue_b32(), a); }
static inline simd_f32 simd_f32_negate(simd_f32 a) { return svneg_f32_x(svptrue_b32(), a); }
static inline simd_f32 simd_f32_maximum(simd_f32 a, simd_f32 b) { return svsel_f32(svcmpgt_f32(svptrue_b32(), a, b), a, b); }
static inline simd_f32 simd_f32_minimum(simd_f32 a, simd_f32 b) { return svsel_f32(svcmplt_f32(svptrue_b32(), a, b), a, b); }
static inline simd_f32_mask simd_f32_less(simd_f32 a, simd_f32 b) { return svcmplt_f32(svptrue_b32(), a, b); }
static inline simd_f32 simd_f32_select(simd_f32_mask mask, simd_f32 a, simd_f32 b) { return svsel_f32(mask, a, b); }
static inline simd_f32 simd_f32_keep(simd_f32_mask mask, simd_f32 a) { return svsel_f32(mask, a, svdup_n_f32(0)); }

// Each lane looks at a bit of its own among those of the word from the first on. There are 64 lanes in the longest vectors.
static inline simd_f32_mask simd_f32_decisions(uint64_t bits, unsigned begin) {
  const svbool_t all = svptrue_b32();
  const svuint32_t lane = svindex_u32(0, 1), low = svlsr_u32_x(all, svdup_n_u32((uint32_t)(bits >> begin)), lane);
  // What a shift by 32 and more leaves is 0.
  const svuint32_t high = svlsr_u32_x(all, svdup_n_u32((uint32_t)(bits >> begin >> 32)), svsub_n_u32_x(all, lane, 32));
  return svcmpne_n_u32(all, svand_n_u32_x(all, svorr_u32_x(all, low, high), 1), 0);
}

static inline simd_u32 simd_f32_bits(simd_f32 a) { return svreinterpret_u32_f32(a); }
static inline simd_f32 simd_f32_of_bits(simd_u32 a) { return svreinterpret_f32_u32(a); }
static inline simd_u32 simd_u32_set(uint32_t value) { return svdup_n_u32(value); }
static inline simd_u32 simd_u32_load(const uint32_t *from) { return svld1_u32(svptrue_b32(), from); }
static inline simd_u32 simd_u32_and(simd_u32 a, simd_u32 b) { return svand_u32_x(svptrue_b32(), a, b); }
static inline simd_u32 simd_u32_or(simd_u32 a, simd_u32 b) { return svorr_u32_x(svptrue_b32(), a, b); }
static inline simd_u32 simd_u32_add(simd_u32 a, simd_u32 b) { return svadd_u32_x(svptrue_b32(), a, b); }
static inline simd_u32 simd_u32_subtract(simd_u32 a, simd_u32 b) { return svsub_u32_x(svptrue_b32(), a, b); }
static inline simd_u32 simd_u32_shift_left(simd_u32 a, int count) { return svlsl_n_u32_x(svptrue_b32(), a, (uint32_t)count); }
static inline simd_u32 simd_u32_shift_right(simd_u32 a, int count) { return svlsr_n_u32_x(svptrue_b32(), a, (uint32_t)count); }
static inline simd_u32 simd_u32_shift_right_signed(simd_u32 a, int count) {
  return svreinterpret_u32_s32(svasr_n_s32_x(svptrue_b32(), svreinterpret_s32_u32(a), (uint32_t)count));
}
static inline simd_f32 simd_f32_from_integers(simd_u32 a) { return svcvt_f32_s32_x(svptrue_b32(), svreinterpret_s32_u32(a)); }

static inline simd_f32 simd_f32_add_exact_product(simd_f32 a, simd_f32 b, simd_f32 c) {
  return svmla_f32_x(svptrue_b32(), a, b, c);
}
static inline simd_f32 simd_f32_add_twice(simd_f32 a, simd_f32 b) { return svmla_n_f32_x(svptrue_b32(), a, b, 2.0f); }
#define simd_f32_add_exact_product simd_f32_add_exact_product

static inline simd_f64 simd_f64_set(double value) { return svdup_n_f64(value); }
static inline simd_f64 simd_f64_load(const double *from) { return svld1_f64(svptrue_b64(), from); }

static inline void simd_f64_store(double *to, simd_f64 a, bool non_temporal) {
  (void)non_temporal;
  svst1_f64(svptrue_b64(), to, a);
}

static inline simd_f64 simd_f64_add(simd_f64 a, simd_f64 b) { return svadd_f64_x(svptrue_b64(), a, b); }
static inline simd_f64 simd_f64_subtract(simd_f64 a, simd_f64 b) { return svsub_f64_x(svptrue_b64(), a, b); }
static inline simd_f64 simd_f64_multiply(simd_f64 a, simd_f64 b) { return svmul_f64_x(svptrue_b64(), a, b); }
static inline simd_f64 simd_f64_divide(simd_f64 a, simd_f64 b) { return svdiv_f64_x(svptrue_b64(), a, b); }
static inline simd_f64 simd_f64_square_root(simd_f64 a) { return svsqrt_f64_x(svptrue_b64(), a); }
static inline simd_f64 simd_f64_absolute(simd_f64 a) { return svabs_f64_x(svptrue_b64(), a); }
static inline simd_f64 simd_f64_negate(simd_f64 a) { return svneg_f64_x(svptrue_b64(), a); }
static inline simd_f64 simd_f64_maximum(simd_f64 a, simd_f64 b) { return svsel_f64(svcmpgt_f64(svptrue_b64(), a, b), a, b); }
static inline simd_f64 simd_f64_minimum(simd_f64 a, simd_f64 b) { return svsel_f64(svcmplt_f64(svptrue_b64(), a, b), a, b); }
static inline simd_f64_mask simd_f64_less(simd_f64 a, simd_f64 b) { return svcmplt_f64(svptrue_b64(), a, b); }
static inline simd_f64 simd_f64_select(simd_f64_mask mask, simd_f64 a, simd_f64 b) { return svsel_f64(mask, a, b); }
static inline simd_f64 simd_f64_keep(simd_f64_mask mask, simd_f64 a) { return svsel_f64(mask, a, svdup_n_f64(0)); }

static inline simd_f64_mask simd_f64_decisions(uint64_t bits, unsigned begin) {
  const svbool_t all = svptrue_b64();
  const svuint64_t shifted = svlsr_u64_x(all, svdup_n_u64(bits >> begin), svindex_u64(0, 1));
  return svcmpne_n_u64(all, svand_n_u64_x(all, shifted, 1), 0);
}

static inline void simd_u32_load_pairs(const uint32_t *from, simd_u32 *first, simd_u32 *second) {
  const svuint32x2_t pairs = svld2_u32(svptrue_b32(), from);
  *first = svget2_u32(pairs, 0);
  *second = svget2_u32(pairs, 1);
}

static inline void simd_f32_store_pairs(float *to, simd_f32 first, simd_f32 second) {
  svst2_f32(svptrue_b32(), to, svcreate2_f32(first, second));
}

static inline simd_f64 simd_f64_load_f32(const float *from) {
  const svuint64_t bits = svld1uw_u64(svptrue_b64(), (const uint32_t *)(const void *)from);
  return svcvt_f64_f32_x(svptrue_b64(), svreinterpret_f32_u64(bits));
}

#include "common/arithmetic.h"

#endif

// The words of arithmetic of AVX-512: what the bodies of the fused kernels are written in.
#ifndef SIMDROP_AVX512_ARITHMETIC_H
#define SIMDROP_AVX512_ARITHMETIC_H

#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "avx512/bfloat16.h"
#include "avx512/bundle.h"

typedef __m512 simd_f32;
typedef __mmask16 simd_f32_mask;
typedef __m512i simd_u32;
typedef __m512d simd_f64;
typedef __mmask8 simd_f64_mask;

static inline size_t simd_f32_lanes(void) { return 16; }
static inline size_t simd_f64_lanes(void) { return 8; }

static inline simd_f32 simd_f32_set(float value) { return _mm512_set1_ps(value); }
static inline simd_f32 simd_f32_load(const float *from) { return _mm512_loadu_ps(from); }
static inline simd_f32 simd_f32_load_f16(const uint16_t *from) {
  return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)from));
}
static inline simd_f32 simd_f32_load_bf16(const uint16_t *from) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)from)), 16));
}

static inline void simd_f32_store(float *to, simd_f32 a, bool non_temporal) {
  if (non_temporal) {
    _mm512_stream_ps(to, a);
  } else {
    _mm512_storeu_ps(to, a);
  }
}

static inline void simd_f32_store_f16(uint16_t *to, simd_f32 a, bool non_temporal) {
  store_sixteen_halves(to, _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC), non_temporal);
}

static inline void simd_f32_store_bf16(uint16_t *to, simd_f32 a, bool non_temporal) {
  const __m512i bits = _mm512_castps_si512(a), odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  const __mmask16 is_nan = _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q);
  const __m512i quiet = _mm512_mask_or_epi32(rounded, is_nan, bits, _mm512_set1_epi32(0x400000));
  store_sixteen_halves(to, _mm512_cvtepi32_epi16(_mm512_srli_epi32(quiet, 16)), non_temporal);
}

static inline simd_f32 simd_f32_add(simd_f32 a, simd_f32 b) { return _mm512_add_ps(a, b); }
static inline simd_f32 simd_f32_subtract(simd_f32 a, simd_f32 b) { return _mm512_sub_ps(a, b); }
static inline simd_f32 simd_f32_multiply(simd_f32 a, simd_f32 b) { return _mm512_mul_ps(a, b); }
static inline simd_f32 simd_f32_divide(simd_f32 a, simd_f32 b) { return _mm512_div_ps(a, b); }
static inline simd_f32 simd_f32_square_root(simd_f32 a) { return _mm512_sqrt_ps(a); }
static inline simd_f32 simd_f32_absolute(simd_f32 a) { return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), a); }
static inline simd_f32 simd_f32_negate(simd_f32 a) { return _mm512_xor_ps(_mm512_set1_ps(-0.0f), a); }
static inline simd_f32 simd_f32_maximum(simd_f32 a, simd_f32 b) { return _mm512_max_ps(a, b); }
static inline simd_f32 simd_f32_minimum(simd_f32 a, simd_f32 b) { return _mm512_min_ps(a, b); }
static inline simd_f32_mask simd_f32_less(simd_f32 a, simd_f32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
static inline simd_f32 simd_f32_select(simd_f32_mask mask, simd_f32 a, simd_f32 b) { return _mm512_mask_blend_ps(mask, b, a); }
static inline simd_f32 simd_f32_keep(simd_f32_mask mask, simd_f32 a) { return _mm512_maskz_mov_ps(mask, a); }
static inline simd_f32_mask simd_f32_decisions(uint64_t bits, unsigned begin) { return (simd_f32_mask)(bits >> begin); }

// Even elements, and odd ones.
static inline void simd_f32_load_two_bf16(const uint16_t *from, simd_f32 *first, simd_f32 *second) {
  const __m512i elements = _mm512_loadu_si512(from);
  *first = even_bf16(elements);
  *second = odd_bf16(elements);
}

static inline void simd_f32_store_two_bf16(uint16_t *to, simd_f32 first, simd_f32 second, bool non_temporal) {
  const __m512i elements = narrow_bf16(first, second, false);
  if (non_temporal) {
    _mm512_stream_si512((__m512i *)to, elements);
  } else {
    _mm512_storeu_si512(to, elements);
  }
}

// Lane i has bit 2 i, or the one above it, among 32.
static inline void simd_f32_decisions_two_bf16(uint64_t bits, unsigned begin, simd_f32_mask *first, simd_f32_mask *second) {
  const __m512i even =
      _mm512_sllv_epi32(_mm512_set1_epi32(1), _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30));
  const __m512i all = _mm512_set1_epi32((int)(uint32_t)(bits >> begin));
  *first = _mm512_test_epi32_mask(all, even);
  *second = _mm512_test_epi32_mask(all, _mm512_slli_epi32(even, 1));
}
#define simd_f32_load_two_bf16 simd_f32_load_two_bf16

static inline simd_u32 simd_f32_bits(simd_f32 a) { return _mm512_castps_si512(a); }
static inline simd_f32 simd_f32_of_bits(simd_u32 a) { return _mm512_castsi512_ps(a); }
static inline simd_u32 simd_u32_set(uint32_t value) { return _mm512_set1_epi32((int)value); }
static inline simd_u32 simd_u32_load(const uint32_t *from) { return _mm512_loadu_si512(from); }
static inline simd_u32 simd_u32_and(simd_u32 a, simd_u32 b) { return _mm512_and_si512(a, b); }
static inline simd_u32 simd_u32_or(simd_u32 a, simd_u32 b) { return _mm512_or_si512(a, b); }
static inline simd_u32 simd_u32_add(simd_u32 a, simd_u32 b) { return _mm512_add_epi32(a, b); }
static inline simd_u32 simd_u32_subtract(simd_u32 a, simd_u32 b) { return _mm512_sub_epi32(a, b); }
static inline simd_u32 simd_u32_shift_left(simd_u32 a, int count) { return _mm512_slli_epi32(a, (unsigned)count); }
static inline simd_u32 simd_u32_shift_right(simd_u32 a, int count) { return _mm512_srli_epi32(a, (unsigned)count); }
static inline simd_u32 simd_u32_shift_right_signed(simd_u32 a, int count) { return _mm512_srai_epi32(a, (unsigned)count); }
static inline simd_f32 simd_f32_from_integers(simd_u32 a) { return _mm512_cvtepi32_ps(a); }

static inline simd_f32 simd_f32_add_exact_product(simd_f32 a, simd_f32 b, simd_f32 c) { return _mm512_fmadd_ps(b, c, a); }
static inline simd_f32 simd_f32_add_twice(simd_f32 a, simd_f32 b) { return _mm512_fmadd_ps(b, _mm512_set1_ps(2.0f), a); }
#define simd_f32_add_exact_product simd_f32_add_exact_product

// By magnitudes, with the first one's sign.
static inline simd_f32 simd_f32_smaller(simd_f32 a, simd_f32 b) { return _mm512_range_ps(a, b, 0x2); }
#define simd_f32_smaller simd_f32_smaller

static inline simd_f64 simd_f64_set(double value) { return _mm512_set1_pd(value); }
static inline simd_f64 simd_f64_load(const double *from) { return _mm512_loadu_pd(from); }

static inline void simd_f64_store(double *to, simd_f64 a, bool non_temporal) {
  if (non_temporal) {
    _mm512_stream_pd(to, a);
  } else {
    _mm512_storeu_pd(to, a);
  }
}

static inline simd_f64 simd_f64_add(simd_f64 a, simd_f64 b) { return _mm512_add_pd(a, b); }
static inline simd_f64 simd_f64_subtract(simd_f64 a, simd_f64 b) { return _mm512_sub_pd(a, b); }
static inline simd_f64 simd_f64_multiply(simd_f64 a, simd_f64 b) { return _mm512_mul_pd(a, b); }
static inline simd_f64 simd_f64_divide(simd_f64 a, simd_f64 b) { return _mm512_div_pd(a, b); }
static inline simd_f64 simd_f64_square_root(simd_f64 a) { return _mm512_sqrt_pd(a); }
static inline simd_f64 simd_f64_absolute(simd_f64 a) { return _mm512_andnot_pd(_mm512_set1_pd(-0.0), a); }
static inline simd_f64 simd_f64_negate(simd_f64 a) { return _mm512_xor_pd(_mm512_set1_pd(-0.0), a); }
static inline simd_f64 simd_f64_maximum(simd_f64 a, simd_f64 b) { return _mm512_max_pd(a, b); }
static inline simd_f64 simd_f64_minimum(simd_f64 a, simd_f64 b) { return _mm512_min_pd(a, b); }
static inline simd_f64_mask simd_f64_less(simd_f64 a, simd_f64 b) { return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ); }
static inline simd_f64 simd_f64_select(simd_f64_mask mask, simd_f64 a, simd_f64 b) { return _mm512_mask_blend_pd(mask, b, a); }
static inline simd_f64 simd_f64_keep(simd_f64_mask mask, simd_f64 a) { return _mm512_maskz_mov_pd(mask, a); }
static inline simd_f64_mask simd_f64_decisions(uint64_t bits, unsigned begin) { return (simd_f64_mask)(bits >> begin); }

// A quarter of 128 bits has the pairs of one vector's quarter and of the other's.
static inline void simd_u32_load_pairs(const uint32_t *from, simd_u32 *first, simd_u32 *second) {
  const __m512 low = _mm512_loadu_ps(from), high = _mm512_loadu_ps(from + 16);
  *first = _mm512_castps_si512(_mm512_shuffle_ps(low, high, _MM_SHUFFLE(2, 0, 2, 0)));
  *second = _mm512_castps_si512(_mm512_shuffle_ps(low, high, _MM_SHUFFLE(3, 1, 3, 1)));
}

static inline void simd_f32_store_pairs(float *to, simd_f32 first, simd_f32 second) {
  _mm512_storeu_ps(to, _mm512_unpacklo_ps(first, second));
  _mm512_storeu_ps(to + 16, _mm512_unpackhi_ps(first, second));
}

static inline simd_f64 simd_f64_load_f32(const float *from) { return _mm512_cvtps_pd(_mm256_loadu_ps(from)); }

#include "common/arithmetic.h"

#endif

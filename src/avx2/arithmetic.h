// The words of arithmetic of AVX2: what the bodies of the fused kernels are written in. A mask is all ones or all zeros in each
// lane.
#ifndef SIMDROP_AVX2_ARITHMETIC_H
#define SIMDROP_AVX2_ARITHMETIC_H

#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "avx2/bfloat16.h"
#include "avx2/blend.h"
#include "avx2/bundle.h"

typedef __m256 simd_f32, simd_f32_mask;
typedef __m256i simd_u32;
typedef __m256d simd_f64, simd_f64_mask;

static inline size_t simd_f32_lanes(void) { return 8; }
static inline size_t simd_f64_lanes(void) { return 4; }

static inline simd_f32 simd_f32_set(float value) { return _mm256_set1_ps(value); }
static inline simd_f32 simd_f32_load(const float *from) { return _mm256_loadu_ps(from); }
static inline simd_f32 simd_f32_load_f16(const uint16_t *from) {
  return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)from));
}
static inline simd_f32 simd_f32_load_bf16(const uint16_t *from) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)from)), 16));
}

static inline void simd_f32_store(float *to, simd_f32 a, bool non_temporal) {
  if (non_temporal) {
    _mm256_stream_ps(to, a);
  } else {
    _mm256_storeu_ps(to, a);
  }
}

static inline void store_eight_halves(uint16_t *to, __m128i halves, bool non_temporal) {
  if (non_temporal) {
    _mm_stream_si128((__m128i *)to, halves);
  } else {
    _mm_storeu_si128((__m128i *)to, halves);
  }
}

static inline void simd_f32_store_f16(uint16_t *to, simd_f32 a, bool non_temporal) {
  store_eight_halves(to, _mm256_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT), non_temporal);
}

static inline void simd_f32_store_bf16(uint16_t *to, simd_f32 a, bool non_temporal) {
  const __m256i bits = _mm256_castps_si256(a), odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const __m256i quiet_nan = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
  const __m256i is_nan = _mm256_castps_si256(_mm256_cmp_ps(a, a, _CMP_UNORD_Q));
  const __m256i upper = _mm256_srli_epi32(blend_words(rounded, quiet_nan, is_nan), 16);
  store_eight_halves(to, _mm_packus_epi32(_mm256_castsi256_si128(upper), _mm256_extracti128_si256(upper, 1)), non_temporal);
}

static inline simd_f32 simd_f32_add(simd_f32 a, simd_f32 b) { return _mm256_add_ps(a, b); }
static inline simd_f32 simd_f32_subtract(simd_f32 a, simd_f32 b) { return _mm256_sub_ps(a, b); }
static inline simd_f32 simd_f32_multiply(simd_f32 a, simd_f32 b) { return _mm256_mul_ps(a, b); }
static inline simd_f32 simd_f32_divide(simd_f32 a, simd_f32 b) { return _mm256_div_ps(a, b); }
static inline simd_f32 simd_f32_square_root(simd_f32 a) { return _mm256_sqrt_ps(a); }
static inline simd_f32 simd_f32_absolute(simd_f32 a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
static inline simd_f32 simd_f32_negate(simd_f32 a) { return _mm256_xor_ps(_mm256_set1_ps(-0.0f), a); }
static inline simd_f32 simd_f32_maximum(simd_f32 a, simd_f32 b) { return _mm256_max_ps(a, b); }
static inline simd_f32 simd_f32_minimum(simd_f32 a, simd_f32 b) { return _mm256_min_ps(a, b); }
static inline simd_f32_mask simd_f32_less(simd_f32 a, simd_f32 b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
static inline simd_f32 simd_f32_select(simd_f32_mask mask, simd_f32 a, simd_f32 b) { return _mm256_blendv_ps(b, a, mask); }
static inline simd_f32 simd_f32_keep(simd_f32_mask mask, simd_f32 a) { return _mm256_and_ps(mask, a); }

// Each lane looks at a bit of its own among 32.
static inline simd_f32_mask simd_f32_decisions(uint64_t bits, unsigned begin) {
  const __m256i bit_of_lane = _mm256_slli_epi32(_mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128), (int)(begin & 31));
  const __m256i half = _mm256_set1_epi32((int)(uint32_t)(bits >> (begin & 32)));
  return _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(half, bit_of_lane), bit_of_lane));
}

// Even elements, and odd ones.
static inline void simd_f32_load_two_bf16(const uint16_t *from, simd_f32 *first, simd_f32 *second) {
  const __m256i elements = _mm256_loadu_si256((const __m256i *)from);
  *first = even_bf16(elements);
  *second = odd_bf16(elements);
}

static inline void simd_f32_store_two_bf16(uint16_t *to, simd_f32 first, simd_f32 second, bool non_temporal) {
  const __m256i elements = narrow_bf16(first, second, false);
  if (non_temporal) {
    _mm256_stream_si256((__m256i *)to, elements);
  } else {
    _mm256_storeu_si256((__m256i *)to, elements);
  }
}

static inline void simd_f32_decisions_two_bf16(uint64_t bits, unsigned begin, simd_f32_mask *first, simd_f32_mask *second) {
  const __m256i even = _mm256_setr_epi32(1, 4, 16, 64, 256, 1024, 4096, 16384), odd = _mm256_add_epi32(even, even);
  const __m256i all = _mm256_set1_epi32((int)(uint32_t)(bits >> begin));
  *first = _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(all, even), even));
  *second = _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(all, odd), odd));
}
#define simd_f32_load_two_bf16 simd_f32_load_two_bf16

static inline simd_u32 simd_f32_bits(simd_f32 a) { return _mm256_castps_si256(a); }
static inline simd_f32 simd_f32_of_bits(simd_u32 a) { return _mm256_castsi256_ps(a); }
static inline simd_u32 simd_u32_set(uint32_t value) { return _mm256_set1_epi32((int)value); }
static inline simd_u32 simd_u32_load(const uint32_t *from) { return _mm256_loadu_si256((const __m256i *)from); }
static inline simd_u32 simd_u32_and(simd_u32 a, simd_u32 b) { return _mm256_and_si256(a, b); }
static inline simd_u32 simd_u32_or(simd_u32 a, simd_u32 b) { return _mm256_or_si256(a, b); }
static inline simd_u32 simd_u32_add(simd_u32 a, simd_u32 b) { return _mm256_add_epi32(a, b); }
static inline simd_u32 simd_u32_subtract(simd_u32 a, simd_u32 b) { return _mm256_sub_epi32(a, b); }
static inline simd_u32 simd_u32_shift_left(simd_u32 a, int count) { return _mm256_slli_epi32(a, count); }
static inline simd_u32 simd_u32_shift_right(simd_u32 a, int count) { return _mm256_srli_epi32(a, count); }
static inline simd_u32 simd_u32_shift_right_signed(simd_u32 a, int count) { return _mm256_srai_epi32(a, count); }
static inline simd_f32 simd_f32_from_integers(simd_u32 a) { return _mm256_cvtepi32_ps(a); }

static inline simd_f64 simd_f64_set(double value) { return _mm256_set1_pd(value); }
static inline simd_f64 simd_f64_load(const double *from) { return _mm256_loadu_pd(from); }

static inline void simd_f64_store(double *to, simd_f64 a, bool non_temporal) {
  if (non_temporal) {
    _mm256_stream_pd(to, a);
  } else {
    _mm256_storeu_pd(to, a);
  }
}

static inline simd_f64 simd_f64_add(simd_f64 a, simd_f64 b) { return _mm256_add_pd(a, b); }
static inline simd_f64 simd_f64_subtract(simd_f64 a, simd_f64 b) { return _mm256_sub_pd(a, b); }
static inline simd_f64 simd_f64_multiply(simd_f64 a, simd_f64 b) { return _mm256_mul_pd(a, b); }
static inline simd_f64 simd_f64_divide(simd_f64 a, simd_f64 b) { return _mm256_div_pd(a, b); }
static inline simd_f64 simd_f64_square_root(simd_f64 a) { return _mm256_sqrt_pd(a); }
static inline simd_f64 simd_f64_absolute(simd_f64 a) { return _mm256_andnot_pd(_mm256_set1_pd(-0.0), a); }
static inline simd_f64 simd_f64_negate(simd_f64 a) { return _mm256_xor_pd(_mm256_set1_pd(-0.0), a); }
static inline simd_f64 simd_f64_maximum(simd_f64 a, simd_f64 b) { return _mm256_max_pd(a, b); }
static inline simd_f64 simd_f64_minimum(simd_f64 a, simd_f64 b) { return _mm256_min_pd(a, b); }
static inline simd_f64_mask simd_f64_less(simd_f64 a, simd_f64 b) { return _mm256_cmp_pd(a, b, _CMP_LT_OQ); }
static inline simd_f64 simd_f64_select(simd_f64_mask mask, simd_f64 a, simd_f64 b) { return _mm256_blendv_pd(b, a, mask); }
static inline simd_f64 simd_f64_keep(simd_f64_mask mask, simd_f64 a) { return _mm256_and_pd(mask, a); }

static inline simd_f64_mask simd_f64_decisions(uint64_t bits, unsigned begin) {
  const __m256i bit_of_lane = _mm256_slli_epi64(_mm256_setr_epi64x(1, 2, 4, 8), (int)begin);
  const __m256i all = _mm256_set1_epi64x((long long)bits);
  return _mm256_castsi256_pd(_mm256_cmpeq_epi64(_mm256_and_si256(all, bit_of_lane), bit_of_lane));
}

// A half of 128 bits has the pairs of one vector's half and of the other's.
static inline void simd_u32_load_pairs(const uint32_t *from, simd_u32 *first, simd_u32 *second) {
  const simd_f32 low = simd_f32_load((const float *)from), high = simd_f32_load((const float *)from + 8);
  *first = _mm256_castps_si256(_mm256_shuffle_ps(low, high, _MM_SHUFFLE(2, 0, 2, 0)));
  *second = _mm256_castps_si256(_mm256_shuffle_ps(low, high, _MM_SHUFFLE(3, 1, 3, 1)));
}

static inline void simd_f32_store_pairs(float *to, simd_f32 first, simd_f32 second) {
  simd_f32_store(to, _mm256_unpacklo_ps(first, second), false);
  simd_f32_store(to + 8, _mm256_unpackhi_ps(first, second), false);
}

static inline simd_f64 simd_f64_load_f32(const float *from) { return _mm256_cvtps_pd(_mm_loadu_ps(from)); }

#include "common/arithmetic.h"

#endif

// Vectors of bfloat16 as two of numbers, even elements and odd ones: to widen either takes an instruction, and so does putting
// them together again.
#ifndef SIMDROP_AVX2_BFLOAT16_H
#define SIMDROP_AVX2_BFLOAT16_H

#include <immintrin.h>
#include <stdbool.h>

static inline __m256 even_bf16(__m256i elements) { return _mm256_castsi256_ps(_mm256_slli_epi32(elements, 16)); }
static inline __m256 odd_bf16(__m256i elements) {
  return _mm256_castsi256_ps(_mm256_and_si256(elements, _mm256_set1_epi32((int)0xffff0000)));
}

// Rounds 16 products to nearest even: their upper halves are the results, to be raised by one where the lower half is above
// half of a unit, or equal to it under an odd result. Infinity stays (its lower half is 0), and so does NaN: a NaN that
// comes from bfloat16 has a lower half of 0 too.
static inline __m256i narrow_bf16(__m256 even_products, __m256 odd_products, bool never_ties) {
  const __m256i even = _mm256_castps_si256(even_products), odd = _mm256_castps_si256(odd_products);
  if (never_ties) {
    const __m256i half = _mm256_set1_epi32(0x8000);
    return _mm256_blend_epi16(_mm256_srli_epi32(_mm256_add_epi32(even, half), 16), _mm256_add_epi32(odd, half), 0xAA);
  }
  const __m256i upper = _mm256_blend_epi16(_mm256_srli_epi32(even, 16), odd, 0xAA);
  const __m256i lower = _mm256_blend_epi16(even, _mm256_slli_epi32(odd, 16), 0xAA);
  // 1 below an even result, which stays 0 where the lower half is 0.
  const __m256i even_result = _mm256_andnot_si256(upper, _mm256_set1_epi16(1));
  const __m256i carry = _mm256_srli_epi16(_mm256_subs_epu16(lower, even_result), 15);
  return _mm256_add_epi16(upper, carry);
}

#endif

// Vectors of bfloat16 as two of numbers, even elements and odd ones: to widen either takes an instruction, and so does putting
// them together again. And what stores sixteen elements of 16 bits, of either type.
#ifndef SIMDROP_AVX512_BFLOAT16_H
#define SIMDROP_AVX512_BFLOAT16_H

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

static inline __m512 even_bf16(__m512i elements) { return _mm512_castsi512_ps(_mm512_slli_epi32(elements, 16)); }
static inline __m512 odd_bf16(__m512i elements) {
  return _mm512_castsi512_ps(_mm512_and_si512(elements, _mm512_set1_epi32((int)0xffff0000)));
}

// Rounds 32 products to nearest even: their upper halves are the results, to be raised by one where the lower half is above
// half of a unit, or equal to it under an odd result. Infinity stays (its lower half is 0), and so does NaN: a NaN that
// comes from bfloat16 has a lower half of 0 too.
static inline __m512i narrow_bf16(__m512 even_products, __m512 odd_products, bool never_ties) {
  const __m512i even = _mm512_castps_si512(even_products), odd = _mm512_castps_si512(odd_products);
  const __m512i swapper = _mm512_set4_epi32(0x0D0C0F0E, 0x09080B0A, 0x05040706, 0x01000302);  // bytes 2 3 0 1, 6 7 4 5, ...
  if (never_ties) {
    const __m512i half = _mm512_set1_epi32(0x8000);
    return _mm512_mask_shuffle_epi8(_mm512_add_epi32(odd, half), 0x3333333333333333, _mm512_add_epi32(even, half), swapper);
  }
  const __m512i upper = _mm512_mask_shuffle_epi8(odd, 0x3333333333333333, even, swapper);
  const __m512i lower = _mm512_mask_shuffle_epi8(even, 0xCCCCCCCCCCCCCCCC, odd, swapper);
  // 0x8001 below an even result, 0x8000 below an odd one: (~upper & 1) | 0x8000.
  const __m512i limit = _mm512_ternarylogic_epi32(upper, _mm512_set1_epi16(1), _mm512_set1_epi16((short)0x8000), 0xAE);
  const __mmask32 raised = _mm512_cmpge_epu16_mask(lower, limit);
  return _mm512_mask_sub_epi16(upper, raised, upper, _mm512_set1_epi16(-1));
}

static inline void store_sixteen_halves(uint16_t *to, __m256i halves, bool non_temporal) {
  if (non_temporal) {
    _mm256_stream_si256((__m256i *)to, halves);
  } else {
    _mm256_storeu_si256((__m256i *)to, halves);
  }
}

#endif

// A blend of words of 32 bits for AVX2's vocabulary and its words of arithmetic.
#ifndef SIMDROP_AVX2_BLEND_H
#define SIMDROP_AVX2_BLEND_H

#include <immintrin.h>

#include "avx2/bundle.h"

// b where the mask's words are all ones, a where they are 0. Not by bytes: under -funsigned-char gcc 12 takes no byte of that
// intrinsic's mask for negative, and so takes a everywhere.
static inline __m256i blend_words(__m256i a, __m256i b, __m256i mask) {
  return _mm256_castps_si256(_mm256_blendv_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), _mm256_castsi256_ps(mask)));
}

#endif

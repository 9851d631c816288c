// Numbers for elements, and what is computed with them and with decisions, in the words of the backend's arithmetic.h: what
// scalar/variants.c defines, the same operations in the same order.
#ifndef SIMDROP_COMMON_VALUES_BODY_H
#define SIMDROP_COMMON_VALUES_BODY_H

#include <assert.h>
#include <string.h>

#include "common/bits.h"
#include "common/consumer_parts.h"
#include "common/kernel_table.h"
#include "common/math_body.h"

void SIMDROP_LOCAL(uniforms)(size_t block_count, const uint32_t *words, float *values) {
  const size_t lanes = simd_f32_lanes(), n = block_count * SIMDROP_BLOCK_ELEMENTS;
  for (size_t k = 0; k < n; k += lanes) simd_f32_store(values + k, math_uniform(simd_u32_load(words + k)), false);
}

static inline __attribute__((always_inline)) simd_f32 logistics_of(simd_u32 words) {
  const simd_u32 complement = simd_u32_subtract(simd_u32_set(~UINT32_C(0)), words);
  const simd_f32 difference =
      simd_f32_subtract(math_minus_two_log(math_uniform(complement)), math_minus_two_log(math_uniform(words)));
  return simd_f32_multiply(difference, simd_f32_set(0.5f));
}

void SIMDROP_LOCAL(logistics)(size_t block_count, const uint32_t *words, float *values) {
  const size_t lanes = simd_f32_lanes(), n = block_count * SIMDROP_BLOCK_ELEMENTS;
  for (size_t k = 0; k < n; k += lanes) simd_f32_store(values + k, logistics_of(simd_u32_load(words + k)), false);
}

static inline __attribute__((always_inline)) void shares_of(size_t n, const float *logistics, float shift, float slope,
                                                            float *shares) {
  const size_t lanes = simd_f32_lanes();
  for (size_t k = 0; k < n; k += lanes) {
    const simd_f32 sum = simd_f32_add(simd_f32_load(logistics + k), simd_f32_set(shift));
    simd_f32_store(shares + k, math_sigmoid(simd_f32_multiply(sum, simd_f32_set(slope))), false);
  }
}

enum {
  PART = 64  // elements, a multiple of all vectors'
};
static_assert(PART == 2 * SIMDROP_SUM_LANES, "a word has two elements for each sum");
static_assert((int)PART == (int)WORD_ELEMENTS, "copies of a part are those of a word");

void SIMDROP_LOCAL(concrete_shares)(size_t n, const float *logistics, float shift, float slope, float *shares) {
  const size_t whole = n / PART * PART, rest = n - whole;
  shares_of(whole, logistics, shift, slope, shares);
  if (rest > 0) {
    float part[PART] = {0};
    memcpy(part, logistics + whole, rest * sizeof *part);
    shares_of(PART, part, shift, slope, part);
    memcpy(shares + whole, part, rest * sizeof *part);
  }
}

// Numbers as each type is computed with them.
#define VALUES_f32 simd_f32_load
#define VALUES_f64 simd_f64_load_f32
#define VALUES_f16 simd_f32_load
#define VALUES_bf16 simd_f32_load

#define TYPE f32
#include "common/variants_body.h"
#define TYPE f64
#include "common/variants_body.h"
#define TYPE f16
#include "common/variants_body.h"
#define TYPE bf16
#include "common/variants_body.h"

#endif

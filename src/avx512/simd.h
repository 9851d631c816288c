// The vocabulary of AVX-512: what the shared producer and consumers are written in.
#ifndef SIMDROP_AVX512_SIMD_H
#define SIMDROP_AVX512_SIMD_H

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

#include "avx512/bfloat16.h"
#include "avx512/bundle.h"
#include "common/float8.h"
#include "common/unroll.h"

// ---- producer: 64-bit lanes, each a Philox call

typedef __m512i simd_u64;
typedef __mmask8 simd_lanes;

#define SIMD_LANES 8

// Tuned with simdrop bench; docs/measurements.md has the figures.
#define SIMD_PLANES_IN_FLIGHT 4      // planes of one vector of blocks that are drawn side by side
#define SIMD_FEW_PLANES_IN_FLIGHT 4  // vectors times planes side by side where one or two planes decide everything
#define SIMD_DENSE_PLANES 8          // planes that are drawn for every block; the others only where they are needed
#define SIMD_STRAGGLER_PLANES 2      // planes side by side for the blocks that those leave undecided
#define SIMD_FEW_BLOCKS 4            // up to here, lanes carry the planes of one block, where the dense planes may not do
#define SIMD_ONE_BLOCK_PLANES 1      // and of a block alone from so many planes on
#define SIMD_BROADCASTS_OPERANDS 1   // an operand in memory may be one lane for all

static inline simd_u64 simd_set(uint64_t value) { return _mm512_set1_epi64((long long)value); }
static inline simd_u64 simd_load(const uint64_t *from) { return _mm512_loadu_si512(from); }
static inline void simd_store(uint64_t *to, simd_u64 a) { _mm512_storeu_si512(to, a); }
static inline simd_u64 simd_add(simd_u64 a, simd_u64 b) { return _mm512_add_epi64(a, b); }
static inline simd_u64 simd_and(simd_u64 a, simd_u64 b) { return _mm512_and_si512(a, b); }
static inline simd_u64 simd_or(simd_u64 a, simd_u64 b) { return _mm512_or_si512(a, b); }
static inline simd_u64 simd_xor(simd_u64 a, simd_u64 b) { return _mm512_xor_si512(a, b); }
static inline simd_u64 simd_and_not(simd_u64 a, simd_u64 b) { return _mm512_andnot_si512(a, b); }  // ~a & b
static inline simd_u64 simd_xor3(simd_u64 a, simd_u64 b, simd_u64 c) { return _mm512_ternarylogic_epi64(a, b, c, 0x96); }
static inline simd_u64 simd_high_half(simd_u64 a) { return _mm512_srli_epi64(a, 32); }
static inline simd_u64 simd_shift_left(simd_u64 a, int count) { return _mm512_slli_epi64(a, (unsigned)count); }

static inline simd_u64 simd_words_set(uint32_t word) { return _mm512_set1_epi32((int)word); }
static inline simd_u64 simd_multiply_low(simd_u64 a, simd_u64 b) { return _mm512_mul_epu32(a, b); }

static inline simd_u64 simd_count_from(uint64_t first, int step) {
  return simd_add(simd_set(first), _mm512_setr_epi64(0, step, 2 * step, 3 * step, 4 * step, 5 * step, 6 * step, 7 * step));
}

static inline simd_u64 simd_threshold_is_zero(uint64_t threshold, simd_u64 planes) {
  const __m512i bit = _mm512_srlv_epi64(simd_set(threshold), _mm512_sub_epi64(simd_set(31), planes));
  return _mm512_sub_epi64(_mm512_and_si512(bit, simd_set(1)), simd_set(1));
}

static inline simd_u64 simd_rotate_lanes(simd_u64 a, int count) {
  return count == 1 ? _mm512_alignr_epi64(a, a, 1) : count == 2 ? _mm512_alignr_epi64(a, a, 2) : _mm512_alignr_epi64(a, a, 4);
}

static inline uint64_t simd_first_words(simd_u64 a) {
  uint64_t lane;
  _mm_storel_epi64((__m128i *)&lane, _mm512_castsi512_si128(a));
  return lane >> 32 | lane << 32;
}

static inline unsigned simd_first_bits(simd_u64 a) { return _mm512_movepi64_mask(_mm512_slli_epi64(a, 31)); }
#define simd_first_bits simd_first_bits

static inline simd_u64 simd_block_order(void) { return _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7); }

// Even and odd lanes' blocks, with each lane's words changed round.
static inline __m512i even_blocks(simd_u64 low, simd_u64 high) {
  return _mm512_castps_si512(_mm512_shuffle_ps(_mm512_castsi512_ps(low), _mm512_castsi512_ps(high), _MM_SHUFFLE(0, 1, 0, 1)));
}

static inline __m512i odd_blocks(simd_u64 low, simd_u64 high) {
  return _mm512_castps_si512(_mm512_shuffle_ps(_mm512_castsi512_ps(low), _mm512_castsi512_ps(high), _MM_SHUFFLE(2, 3, 2, 3)));
}

static inline void simd_store_blocks(uint64_t *words, simd_u64 low, simd_u64 high) {
  simd_store(words, even_blocks(low, high));
  simd_store(words + 8, odd_blocks(low, high));
}

// A lane's first words are those of numbers' radii, and the second of their turns.
#define SIMD_DRAWS_NORMALS 2  // tuned as well
static inline void simd_pairs_of_words(simd_u64 low, simd_u64 high, __m512i *first, __m512i *second) {
  const __m512 low_words = _mm512_castsi512_ps(low), high_words = _mm512_castsi512_ps(high);
  *first = _mm512_castps_si512(_mm512_mask_movehdup_ps(high_words, 0x5555, low_words));
  *second = _mm512_castps_si512(_mm512_mask_moveldup_ps(low_words, 0xAAAA, high_words));
}

static inline void flip_block(uint64_t *words, uint64_t where, __m128i bits) {
  __m128i *const block = (__m128i *)(words + (where >> 32));
  _mm_storeu_si128(block, _mm_xor_si128(_mm_loadu_si128(block), bits));
}

static inline void simd_flip_blocks(uint64_t *words, const uint64_t *where, simd_u64 low, simd_u64 high) {
  const __m512i even = even_blocks(low, high), odd = odd_blocks(low, high);
  flip_block(words, where[0], _mm512_castsi512_si128(even));
  flip_block(words, where[1], _mm512_castsi512_si128(odd));
  flip_block(words, where[2], _mm512_extracti64x2_epi64(even, 1));
  flip_block(words, where[3], _mm512_extracti64x2_epi64(odd, 1));
  flip_block(words, where[4], _mm512_extracti64x2_epi64(even, 2));
  flip_block(words, where[5], _mm512_extracti64x2_epi64(odd, 2));
  flip_block(words, where[6], _mm512_extracti64x2_epi64(even, 3));
  flip_block(words, where[7], _mm512_extracti64x2_epi64(odd, 3));
}

static inline simd_lanes simd_nonzero_lanes(simd_u64 a) { return _mm512_test_epi64_mask(a, a); }
static inline bool simd_any(simd_u64 a) { return simd_nonzero_lanes(a) != 0; }
static inline size_t simd_count_lanes(simd_lanes lanes) { return (size_t)_mm_popcnt_u32(lanes); }

static inline void simd_compress_store(uint64_t *to, simd_lanes lanes, simd_u64 a) {
  _mm512_storeu_si512(to, _mm512_maskz_compress_epi64(lanes, a));
}

// ---- consumers: 64 elements under one word of mask

static inline void simd_finish_stores(void) { _mm_sfence(); }

typedef __m512 simd_scale_f32, simd_scale_f16, simd_scale_f8e4m3fn, simd_scale_f8e5m2;
typedef __m512d simd_scale_f64;
typedef struct simd_scale_bf16 {
  __m512 factor;
  bool never_ties;
} simd_scale_bf16;

static inline simd_scale_f32 simd_set_scale_f32(simdrop_multiplier scale) { return _mm512_set1_ps((float)scale.value); }
static inline simd_scale_f16 simd_set_scale_f16(simdrop_multiplier scale) { return simd_set_scale_f32(scale); }
static inline simd_scale_bf16 simd_set_scale_bf16(simdrop_multiplier scale) {
  return (simd_scale_bf16){simd_set_scale_f32(scale), scale.never_ties};
}
static inline simd_scale_f64 simd_set_scale_f64(simdrop_multiplier scale) { return _mm512_set1_pd(scale.value); }
static inline simd_scale_f8e4m3fn simd_set_scale_f8e4m3fn(simdrop_multiplier scale) {
  return _mm512_set1_ps((float)scale.value * 0x1p8f);
}
static inline simd_scale_f8e5m2 simd_set_scale_f8e5m2(simdrop_multiplier scale) { return simd_set_scale_f32(scale); }

// Past the caches, halves of lines take less time than whole ones (Zen 4, p = 0.5: f64 0.95, f32 0.98).
static inline void store_line_f32(float *y, __m512 line, bool non_temporal) {
  if (non_temporal) {
    _mm256_stream_ps(y, _mm512_castps512_ps256(line));
    _mm256_stream_ps(y + 8, _mm512_extractf32x8_ps(line, 1));
  } else {
    _mm512_storeu_ps(y, line);
  }
}

static inline void store_line_f64(double *y, __m512d line, bool non_temporal) {
  if (non_temporal) {
    _mm256_stream_pd(y, _mm512_castpd512_pd256(line));
    _mm256_stream_pd(y + 4, _mm512_extractf64x4_pd(line, 1));
  } else {
    _mm512_storeu_pd(y, line);
  }
}

// All of a word's lines are loaded before the first is stored. Where y lies a line behind x but for whole pages, as PyTorch's
// tensors often do, each load of a whole line would wait for the store before it, whose address has the same low twelve bits:
// 1 Mi elements out of the third cache and p = 0.5 took 1.24 of the time there, and 1.03 so (Zen 4). Past the caches, all is
// done by halves of lines (a stored mask: 0.95 to 0.97 of the time).
static inline void simd_scale_word_f32(uint64_t bits, const float *x, float *y, simd_scale_f32 scale, bool non_temporal) {
  if (non_temporal) {
    const __m256 half_scale = _mm512_castps512_ps256(scale);
    SIMDROP_UNROLL
    for (int i = 0; i < 64; i += 8)
      _mm256_stream_ps(y + i, _mm256_maskz_mul_ps((__mmask8)(bits >> i), half_scale, _mm256_loadu_ps(x + i)));
    return;
  }
  __m512 products[4];
  SIMDROP_UNROLL
  for (int i = 0; i < 64; i += 16)  // a lane that is masked off is not multiplied: it becomes +0 and raises no flag
    products[i / 16] = _mm512_maskz_mul_ps((__mmask16)(bits >> i), scale, _mm512_loadu_ps(x + i));
  SIMDROP_UNROLL
  for (int i = 0; i < 64; i += 16) _mm512_storeu_ps(y + i, products[i / 16]);
}

// The same for kernels that hardly do anything else: into L2, halves of lines are stored in 7 % less time than whole ones
// (Sapphire Rapids, 64 Ki elements: 0.083 and 0.089 ns), which is lost again where masks are drawn between the stores.
static inline void simd_scale_lone_word_f32(uint64_t bits, const float *x, float *y, simd_scale_f32 scale, bool non_temporal) {
  (void)non_temporal;  // that is for far words
  const __m256 half_scale = _mm256_set1_ps(_mm512_cvtss_f32(scale));
  SIMDROP_UNROLL
  for (int i = 0; i < 64; i += 8)
    _mm256_storeu_ps(y + i, _mm256_maskz_mul_ps((__mmask8)(bits >> i), half_scale, _mm256_loadu_ps(x + i)));
}

#define simd_scale_part_f32 simd_scale_part_f32
static inline void simd_scale_part_f32(size_t count, uint64_t bits, const float *x, float *y, simd_scale_f32 scale) {
  for (size_t i = 0; i < count; i += 16) {
    const __mmask16 stored = (__mmask16)(count - i < 16 ? (1u << (count - i)) - 1 : 0xFFFF), kept = (__mmask16)(bits >> i);
    _mm512_mask_storeu_ps(y + i, stored, _mm512_maskz_mul_ps(kept, scale, _mm512_maskz_loadu_ps(stored, x + i)));
  }
}

static inline void simd_scale_word_f64(uint64_t bits, const double *x, double *y, simd_scale_f64 scale, bool non_temporal) {
  SIMDROP_UNROLL
  for (int i = 0; i < 64; i += 8) {
    const __m512d product = _mm512_maskz_mul_pd((__mmask8)(bits >> i), scale, _mm512_loadu_pd(x + i));
    store_line_f64(y + i, product, non_temporal);
  }
}

static inline void simd_scale_lone_word_f64(uint64_t bits, const double *x, double *y, simd_scale_f64 scale,
                                            bool non_temporal) {
  (void)non_temporal;  // that is for far words
  const __m256d half_scale = _mm512_castpd512_pd256(scale);
  SIMDROP_UNROLL
  for (int i = 0; i < 64; i += 4)
    _mm256_storeu_pd(y + i, _mm256_maskz_mul_pd((__mmask8)(bits >> i), half_scale, _mm256_loadu_pd(x + i)));
}

#define simd_scale_part_f64 simd_scale_part_f64
static inline void simd_scale_part_f64(size_t count, uint64_t bits, const double *x, double *y, simd_scale_f64 scale) {
  for (size_t i = 0; i < count; i += 8) {
    const __mmask8 stored = (__mmask8)(count - i < 8 ? (1u << (count - i)) - 1 : 0xFF), kept = (__mmask8)(bits >> i);
    _mm512_mask_storeu_pd(y + i, stored, _mm512_maskz_mul_pd(kept, scale, _mm512_maskz_loadu_pd(stored, x + i)));
  }
}

static inline __m256i scale_sixteen_f16(__mmask16 kept, const uint16_t *x, __m512 scale) {
  const __m512 wide = _mm512_maskz_cvtph_ps(kept, _mm256_loadu_si256((const __m256i *)x));
  return _mm512_cvtps_ph(_mm512_mul_ps(wide, scale), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static inline void simd_scale_word_f16(uint64_t bits, const uint16_t *x, uint16_t *y, simd_scale_f16 scale, bool non_temporal) {
  SIMDROP_UNROLL
  for (int i = 0; i < 64; i += 16)
    store_sixteen_halves(y + i, scale_sixteen_f16((__mmask16)(bits >> i), x + i, scale), non_temporal);
}

static inline void scale_line_bf16(__mmask32 kept, const uint16_t *x, uint16_t *y, simd_scale_bf16 scale, bool non_temporal) {
  const __m512i pairs = _mm512_maskz_loadu_epi16(kept, x);
  const __m512 even = _mm512_mul_ps(even_bf16(pairs), scale.factor), odd = _mm512_mul_ps(odd_bf16(pairs), scale.factor);
  const __m512i product = narrow_bf16(even, odd, scale.never_ties);
  if (non_temporal) {
    _mm512_stream_si512((__m512i *)y, product);
  } else {
    _mm512_storeu_si512(y, product);
  }
}

static inline void simd_scale_word_bf16(uint64_t bits, const uint16_t *x, uint16_t *y, simd_scale_bf16 scale,
                                        bool non_temporal) {
  SIMDROP_UNROLL
  for (int i = 0; i < 64; i += 32) scale_line_bf16((__mmask32)(bits >> i), x + i, y + i, scale, non_temporal);
}

// Magnitudes of 8 bits are widened by way of binary16: e5m2 is its upper byte, and e4m3fn in its place has an exponent that is
// 8 too small, which the scale makes up for. e4m3fn's NaN passes for 480 here. What is beyond the range becomes 0x7f.
static inline __m128i scale_sixteen_f8(__m256i halves, __m512 scale, unsigned fraction, unsigned bias) {
  const unsigned shift = SIMDROP_FLOAT8_SHIFT(fraction);
  const __m512i addend = _mm512_set1_epi32((int)SIMDROP_FLOAT8_ADDEND(fraction, bias));
  const __m512i smallest_normal = _mm512_set1_epi32((int)SIMDROP_FLOAT8_SMALLEST_NORMAL(bias));
  const __m512i rounder = _mm512_set1_epi32((int)SIMDROP_FLOAT8_ROUNDER(fraction, bias));
  const __m512 product = _mm512_mul_ps(_mm512_cvtph_ps(halves), scale);
  const __m512i bits = _mm512_castps_si512(product);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, shift), _mm512_set1_epi32(1));
  const __m512i normal = _mm512_srli_epi32(_mm512_add_epi32(_mm512_add_epi32(bits, odd), addend), shift);
  const __m512i shifted = _mm512_castps_si512(_mm512_add_ps(product, _mm512_castsi512_ps(rounder)));
  const __mmask16 is_small = _mm512_cmplt_epi32_mask(bits, smallest_normal);
  return _mm512_cvtsepi32_epi8(_mm512_mask_sub_epi32(normal, is_small, shifted, rounder));
}

static inline void store_sixteen_bytes(uint8_t *y, __m128i bytes, bool non_temporal) {
  if (non_temporal) {
    _mm_stream_si128((__m128i *)y, bytes);
  } else {
    _mm_storeu_si128((__m128i *)y, bytes);
  }
}

static inline void scale_word_f8(uint64_t bits, const uint8_t *x, uint8_t *y, __m512 scale, bool non_temporal,
                                 unsigned fraction, unsigned bias, int up, char largest) {
  const __m128i all_but_sign = _mm_set1_epi8(SIMDROP_FLOAT8_NAN), limit = _mm_set1_epi8(largest);
  SIMDROP_UNROLL
  for (int i = 0; i < 64; i += 16) {
    const __m128i kept = _mm_maskz_loadu_epi8((__mmask16)(bits >> i), x + i), magnitudes = _mm_and_si128(kept, all_but_sign);
    const __m256i halves = _mm256_slli_epi16(_mm256_cvtepu8_epi16(magnitudes), up);
    const __m128i number = _mm_min_epu8(scale_sixteen_f8(halves, scale, fraction, bias), limit);
    const __m128i nan = _mm_and_si128(_mm_cmpgt_epi8(magnitudes, limit), all_but_sign);
    const __m128i sign = _mm_andnot_si128(all_but_sign, kept);
    store_sixteen_bytes(y + i, _mm_or_si128(number, _mm_or_si128(nan, sign)), non_temporal);
  }
}

static inline void simd_scale_word_f8e4m3fn(uint64_t bits, const uint8_t *x, uint8_t *y, simd_scale_f8e4m3fn scale,
                                            bool non_temporal) {
  scale_word_f8(bits, x, y, scale, non_temporal, SIMDROP_F8E4M3FN_FRACTION, SIMDROP_F8E4M3FN_BIAS, 7, SIMDROP_F8E4M3FN_LIMIT);
}

static inline void simd_scale_word_f8e5m2(uint64_t bits, const uint8_t *x, uint8_t *y, simd_scale_f8e5m2 scale,
                                          bool non_temporal) {
  scale_word_f8(bits, x, y, scale, non_temporal, SIMDROP_F8E5M2_FRACTION, SIMDROP_F8E5M2_BIAS, 8, SIMDROP_F8E5M2_LIMIT);
}

static inline void simd_select_word_8(uint64_t bits, const uint8_t *x, uint8_t *y) {
  _mm512_storeu_si512(y, _mm512_maskz_loadu_epi8(bits, x));
}

static inline void simd_select_word_16(uint64_t bits, const uint16_t *x, uint16_t *y) {
  SIMDROP_UNROLL
  for (int i = 0; i < 64; i += 32) _mm512_storeu_si512(y + i, _mm512_maskz_loadu_epi16((__mmask32)(bits >> i), x + i));
}

static inline void simd_select_word_32(uint64_t bits, const uint32_t *x, uint32_t *y) {
  SIMDROP_UNROLL
  for (int i = 0; i < 64; i += 16) _mm512_storeu_si512(y + i, _mm512_maskz_loadu_epi32((__mmask16)(bits >> i), x + i));
}

static inline void simd_select_word_64(uint64_t bits, const uint64_t *x, uint64_t *y) {
  SIMDROP_UNROLL
  for (int i = 0; i < 64; i += 8) _mm512_storeu_si512(y + i, _mm512_maskz_loadu_epi64((__mmask8)(bits >> i), x + i));
}

static inline void simd_expand_word(uint64_t bits, uint8_t *bytes, bool non_temporal) {
  const __m512i expanded = _mm512_maskz_set1_epi8(bits, 1);
  if (non_temporal) {
    _mm512_stream_si512((__m512i *)bytes, expanded);
  } else {
    _mm512_storeu_si512(bytes, expanded);
  }
}

// Lines between the rounds of the producer.
#define SIMD_HAS_LINES 1
typedef struct simd_line_f32 {
  __m512 scale;
  unsigned shift;
} simd_line_f32, simd_line_f16, simd_line_bf16;

static inline simd_line_f32 simd_set_line_f32(simdrop_multiplier scale, unsigned shift) {
  return (simd_line_f32){simd_set_scale_f32(scale), shift};
}
static inline simd_line_f16 simd_set_line_f16(simdrop_multiplier scale, unsigned shift) {
  return simd_set_line_f32(scale, shift);
}
static inline simd_line_bf16 simd_set_line_bf16(simdrop_multiplier scale, unsigned shift) {
  return simd_set_line_f32(scale, shift);
}

static inline uint64_t line_decisions(const uint8_t *decisions, unsigned shift) {
  uint64_t bits;
  memcpy(&bits, decisions, sizeof bits);
  return bits >> shift;
}

static inline void simd_scale_line_f32(const simd_line_f32 *line, const uint8_t *decisions, const float *x, float *y,
                                       bool non_temporal) {
  const __mmask16 kept = (__mmask16)line_decisions(decisions, line->shift);
  store_line_f32(y, _mm512_maskz_mul_ps(kept, line->scale, _mm512_loadu_ps(x)), non_temporal);
}

static inline void simd_scale_line_f16(const simd_line_f16 *line, const uint8_t *decisions, const uint16_t *x, uint16_t *y,
                                       bool non_temporal) {
  const uint64_t kept = line_decisions(decisions, line->shift);
  SIMDROP_UNROLL
  for (int i = 0; i < 32; i += 16)
    store_sixteen_halves(y + i, scale_sixteen_f16((__mmask16)(kept >> i), x + i, line->scale), non_temporal);
}

static inline void simd_scale_line_bf16(const simd_line_bf16 *line, const uint8_t *decisions, const uint16_t *x, uint16_t *y,
                                        bool non_temporal) {
  const __mmask32 kept = (__mmask32)line_decisions(decisions, line->shift);
  scale_line_bf16(kept, x, y, (simd_scale_bf16){line->scale, true}, non_temporal);
}

static inline void simd_chain_line_f32(const simd_line_f32 *line, const uint8_t *decisions, const float *x, const float *bias,
                                       const float *residual, float *y, bool non_temporal) {
  const __mmask16 kept = (__mmask16)line_decisions(decisions, line->shift);
  const __m512 sum = _mm512_add_ps(_mm512_loadu_ps(x), _mm512_loadu_ps(bias));
  const __m512 product = _mm512_maskz_mul_ps(kept, sum, line->scale);
  store_line_f32(y, _mm512_add_ps(_mm512_loadu_ps(residual), product), non_temporal);
}

// These have lone words of their own.
#define simd_scale_lone_word_f32 simd_scale_lone_word_f32
#define simd_scale_lone_word_f64 simd_scale_lone_word_f64

#include "common/vocabulary.h"

#endif

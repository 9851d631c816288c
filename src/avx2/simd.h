// The vocabulary of AVX2: what the shared producer and consumers are written in.
#ifndef SIMDROP_AVX2_SIMD_H
#define SIMDROP_AVX2_SIMD_H

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

#include "avx2/bfloat16.h"
#include "avx2/blend.h"
#include "avx2/bundle.h"
#include "common/float8.h"
#include "common/unroll.h"

// ---- producer: 64-bit lanes, each a Philox call

typedef __m256i simd_u64;
typedef unsigned simd_lanes;

#define SIMD_LANES 4

// Tuned with simdrop bench; docs/measurements.md has the figures.
#define SIMD_PLANES_IN_FLIGHT 2      // planes of one vector of blocks that are drawn side by side
#define SIMD_FEW_PLANES_IN_FLIGHT 2  // vectors times planes side by side where one or two planes decide everything
#define SIMD_DENSE_PLANES 8          // planes that are drawn for every block; the others only where they are needed
#define SIMD_STRAGGLER_PLANES 2      // planes side by side for the blocks that those leave undecided
#define SIMD_FEW_BLOCKS 3            // up to here, lanes carry the planes of one block, where the dense planes may not do
#define SIMD_ONE_BLOCK_PLANES 1      // and of a block alone from so many planes on
#define SIMD_BROADCASTS_OPERANDS 0   // an operand in memory is a whole vector

static inline simd_u64 simd_set(uint64_t value) { return _mm256_set1_epi64x((long long)value); }
static inline simd_u64 simd_load(const uint64_t *from) { return _mm256_loadu_si256((const __m256i *)from); }
static inline void simd_store(uint64_t *to, simd_u64 a) { _mm256_storeu_si256((__m256i *)to, a); }
static inline simd_u64 simd_add(simd_u64 a, simd_u64 b) { return _mm256_add_epi64(a, b); }
static inline simd_u64 simd_and(simd_u64 a, simd_u64 b) { return _mm256_and_si256(a, b); }
static inline simd_u64 simd_or(simd_u64 a, simd_u64 b) { return _mm256_or_si256(a, b); }
static inline simd_u64 simd_xor(simd_u64 a, simd_u64 b) { return _mm256_xor_si256(a, b); }
static inline simd_u64 simd_and_not(simd_u64 a, simd_u64 b) { return _mm256_andnot_si256(a, b); }  // ~a & b
static inline simd_u64 simd_xor3(simd_u64 a, simd_u64 b, simd_u64 c) { return simd_xor(a, simd_xor(b, c)); }
static inline simd_u64 simd_high_half(simd_u64 a) { return _mm256_srli_epi64(a, 32); }
static inline simd_u64 simd_shift_left(simd_u64 a, int count) { return _mm256_slli_epi64(a, count); }

static inline simd_u64 simd_words_set(uint32_t word) { return _mm256_set1_epi32((int)word); }
static inline simd_u64 simd_multiply_low(simd_u64 a, simd_u64 b) { return _mm256_mul_epu32(a, b); }

static inline simd_u64 simd_count_from(uint64_t first, int step) {
  return simd_add(simd_set(first), _mm256_setr_epi64x(0, step, 2 * step, 3 * step));
}

static inline simd_u64 simd_threshold_is_zero(uint64_t threshold, simd_u64 planes) {
  const __m256i bit = _mm256_srlv_epi64(simd_set(threshold), _mm256_sub_epi64(simd_set(31), planes));
  return _mm256_sub_epi64(_mm256_and_si256(bit, simd_set(1)), simd_set(1));
}

static inline simd_u64 simd_rotate_lanes(simd_u64 a, int count) {
  return count == 1 ? _mm256_permute4x64_epi64(a, _MM_SHUFFLE(0, 3, 2, 1))
                    : _mm256_permute4x64_epi64(a, _MM_SHUFFLE(1, 0, 3, 2));
}

static inline uint64_t simd_first_words(simd_u64 a) {
  uint64_t lane;
  _mm_storel_epi64((__m128i *)&lane, _mm256_castsi256_si128(a));
  return lane >> 32 | lane << 32;
}

static inline unsigned simd_first_bits(simd_u64 a) {
  return (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(_mm256_slli_epi64(a, 31)));
}
#define simd_first_bits simd_first_bits

static inline simd_u64 simd_block_order(void) { return _mm256_setr_epi64x(0, 2, 1, 3); }

// Even and odd lanes' blocks, with each lane's words changed round.
static inline __m256i even_blocks(simd_u64 low, simd_u64 high) {
  return _mm256_castps_si256(_mm256_shuffle_ps(_mm256_castsi256_ps(low), _mm256_castsi256_ps(high), _MM_SHUFFLE(0, 1, 0, 1)));
}

static inline __m256i odd_blocks(simd_u64 low, simd_u64 high) {
  return _mm256_castps_si256(_mm256_shuffle_ps(_mm256_castsi256_ps(low), _mm256_castsi256_ps(high), _MM_SHUFFLE(2, 3, 2, 3)));
}

static inline void simd_store_blocks(uint64_t *words, simd_u64 low, simd_u64 high) {
  simd_store(words, even_blocks(low, high));
  simd_store(words + 4, odd_blocks(low, high));
}

// A lane's first words are those of numbers' radii, and the second of their turns.
#define SIMD_DRAWS_NORMALS 1  // tuned as well
static inline void simd_pairs_of_words(simd_u64 low, simd_u64 high, __m256i *first, __m256i *second) {
  *first = _mm256_blend_epi32(_mm256_srli_epi64(low, 32), high, 0xAA);
  *second = _mm256_blend_epi32(low, _mm256_slli_epi64(high, 32), 0xAA);
}

static inline void flip_block(uint64_t *words, uint64_t where, __m128i bits) {
  __m128i *const block = (__m128i *)(words + (where >> 32));
  _mm_storeu_si128(block, _mm_xor_si128(_mm_loadu_si128(block), bits));
}

static inline void simd_flip_blocks(uint64_t *words, const uint64_t *where, simd_u64 low, simd_u64 high) {
  const __m256i even = even_blocks(low, high), odd = odd_blocks(low, high);
  flip_block(words, where[0], _mm256_castsi256_si128(even));
  flip_block(words, where[1], _mm256_castsi256_si128(odd));
  flip_block(words, where[2], _mm256_extracti128_si256(even, 1));
  flip_block(words, where[3], _mm256_extracti128_si256(odd, 1));
}

static inline simd_lanes simd_nonzero_lanes(simd_u64 a) {
  const __m256i is_zero = _mm256_cmpeq_epi64(a, _mm256_setzero_si256());
  return 0xF ^ (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(is_zero));
}

static inline bool simd_any(simd_u64 a) { return !_mm256_testz_si256(a, a); }
static inline size_t simd_count_lanes(simd_lanes lanes) { return (size_t)_mm_popcnt_u32(lanes); }

// For each set of lanes, the 32-bit halves of those lanes side by side.
static const uint64_t simd_compress_order[16] = {
#define LANE(i) (2 * (uint64_t)(i) | (2 * (uint64_t)(i) + 1) << 8)
#define THEN(i, rest) (LANE(i) | (rest) << 16)
    0,
    LANE(0),
    LANE(1),
    THEN(0, LANE(1)),
    LANE(2),
    THEN(0, LANE(2)),
    THEN(1, LANE(2)),
    THEN(0, THEN(1, LANE(2))),
    LANE(3),
    THEN(0, LANE(3)),
    THEN(1, LANE(3)),
    THEN(0, THEN(1, LANE(3))),
    THEN(2, LANE(3)),
    THEN(0, THEN(2, LANE(3))),
    THEN(1, THEN(2, LANE(3))),
    THEN(0, THEN(1, THEN(2, LANE(3)))),
#undef LANE
#undef THEN
};

static inline void simd_compress_store(uint64_t *to, simd_lanes lanes, simd_u64 a) {
  const __m256i order = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)&simd_compress_order[lanes]));
  simd_store(to, _mm256_permutevar8x32_epi32(a, order));
}

// ---- consumers: 64 elements under one word of mask

static inline void simd_finish_stores(void) { _mm_sfence(); }

typedef __m256 simd_scale_f32, simd_scale_f16, simd_scale_f8e4m3fn, simd_scale_f8e5m2;
typedef __m256d simd_scale_f64;
typedef struct simd_scale_bf16 {
  __m256 factor;
  bool never_ties;
} simd_scale_bf16;

static inline simd_scale_f32 simd_set_scale_f32(simdrop_multiplier scale) { return _mm256_set1_ps((float)scale.value); }
static inline simd_scale_f16 simd_set_scale_f16(simdrop_multiplier scale) { return simd_set_scale_f32(scale); }
static inline simd_scale_bf16 simd_set_scale_bf16(simdrop_multiplier scale) {
  return (simd_scale_bf16){simd_set_scale_f32(scale), scale.never_ties};
}
static inline simd_scale_f64 simd_set_scale_f64(simdrop_multiplier scale) { return _mm256_set1_pd(scale.value); }
static inline simd_scale_f8e4m3fn simd_set_scale_f8e4m3fn(simdrop_multiplier scale) {
  return _mm256_set1_ps((float)scale.value * 0x1p8f);
}
static inline simd_scale_f8e5m2 simd_set_scale_f8e5m2(simdrop_multiplier scale) { return simd_set_scale_f32(scale); }

// Lane i's sign is bit first + i of the lower 32 bits, for first = 0, 8, 16, 24.
static inline __m256i signs_of_eight(__m256i bits, int first) {
  const __m256i shift = _mm256_sub_epi32(_mm256_setr_epi32(31, 30, 29, 28, 27, 26, 25, 24), _mm256_set1_epi32(first));
  return _mm256_sllv_epi32(bits, shift);
}

static inline __m256i set_bits(uint64_t bits) { return _mm256_set1_epi32((int)(uint32_t)bits); }

static inline void simd_scale_word_f32(uint64_t bits, const float *x, float *y, simd_scale_f32 scale, bool non_temporal) {
  (void)non_temporal;  // that is for far words
  SIMDROP_UNROLL
  for (int half = 0; half < 64; half += 32) {
    const __m256i half_bits = set_bits(bits >> half);
    SIMDROP_UNROLL
    for (int i = 0; i < 32; i += 8) {
      // A lane whose sign is clear is not loaded: it becomes 0 * scale = +0 and raises no flag.
      const __m256 kept = _mm256_maskload_ps(x + half + i, signs_of_eight(half_bits, i));
      _mm256_storeu_ps(y + half + i, _mm256_mul_ps(kept, scale));
    }
  }
}

static inline void simd_scale_word_f64(uint64_t bits, const double *x, double *y, simd_scale_f64 scale, bool non_temporal) {
  (void)non_temporal;
  const __m256i shift = _mm256_setr_epi64x(63, 62, 61, 60);
  __m256i rest = simd_set(bits);
  SIMDROP_UNROLL
  for (int i = 0; i < 64; i += 4) {
    const __m256d kept = _mm256_maskload_pd(x + i, _mm256_sllv_epi64(rest, shift));
    rest = _mm256_srli_epi64(rest, 4);
    _mm256_storeu_pd(y + i, _mm256_mul_pd(kept, scale));
  }
}

// Masked loads train no prefetcher of the hardware (Zen 4, 256 MiB, p = 0.5: 0.67 ns an element with them, 0.22 without). Nor
// may a dropped element be multiplied, which could raise a flag: it is made +0 before.
static inline void scale_far_eight_f32(__m256i bits, __m256i lane_bits, const float *x, float *y, simd_scale_f32 scale,
                                       bool non_temporal) {
  const __m256i is_kept = _mm256_cmpeq_epi32(_mm256_and_si256(bits, lane_bits), lane_bits);
  const __m256 product = _mm256_mul_ps(_mm256_and_ps(_mm256_loadu_ps(x), _mm256_castsi256_ps(is_kept)), scale);
  if (non_temporal) {
    _mm256_stream_ps(y, product);
  } else {
    _mm256_storeu_ps(y, product);
  }
}

// Each lane's bit, from bit `first` on.
static inline __m256i bits_of_eight(int first) {
  return _mm256_slli_epi32(_mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128), first);
}

static inline void simd_scale_far_word_f32(uint64_t bits, const float *x, float *y, simd_scale_f32 scale, bool non_temporal) {
  SIMDROP_UNROLL
  for (int half = 0; half < 64; half += 32) {
    const __m256i half_bits = set_bits(bits >> half);
    SIMDROP_UNROLL
    for (int i = 0; i < 32; i += 8)
      scale_far_eight_f32(half_bits, bits_of_eight(i), x + half + i, y + half + i, scale, non_temporal);
  }
}
#define simd_scale_far_word_f32 simd_scale_far_word_f32

// The lower lanes of a vector, fewer than all.
static inline void store_few_f32(float *y, __m256 lanes, size_t count) {
  __m128 rest = _mm256_castps256_ps128(lanes);
  if (count & 4) {
    _mm_storeu_ps(y, rest);
    rest = _mm256_extractf128_ps(lanes, 1);
    y += 4;
  }
  if (count & 2) {
    _mm_storel_pi((__m64 *)y, rest);
    rest = _mm_movehl_ps(rest, rest);
    y += 2;
  }
  if (count & 1) _mm_store_ss(y, rest);
}

#define simd_scale_part_f32 simd_scale_part_f32
static inline void simd_scale_part_f32(size_t count, uint64_t bits, const float *x, float *y, simd_scale_f32 scale) {
  for (; count >= 8; count -= 8, bits >>= 8, x += 8, y += 8)
    _mm256_storeu_ps(y, _mm256_mul_ps(_mm256_maskload_ps(x, signs_of_eight(set_bits(bits), 0)), scale));
  store_few_f32(y, _mm256_mul_ps(_mm256_maskload_ps(x, signs_of_eight(set_bits(bits), 0)), scale), count);
}

static inline void simd_scale_far_word_f64(uint64_t bits, const double *x, double *y, simd_scale_f64 scale, bool non_temporal) {
  SIMDROP_UNROLL
  for (int half = 0; half < 64; half += 32) {
    const __m256i half_bits = simd_set(bits >> half);
    SIMDROP_UNROLL
    for (int i = 0; i < 32; i += 4) {
      const __m256i lane_bits = _mm256_slli_epi64(_mm256_setr_epi64x(1, 2, 4, 8), i);
      const __m256i is_kept = _mm256_cmpeq_epi64(_mm256_and_si256(half_bits, lane_bits), lane_bits);
      const __m256d product = _mm256_mul_pd(_mm256_and_pd(_mm256_loadu_pd(x + half + i), _mm256_castsi256_pd(is_kept)), scale);
      if (non_temporal) {
        _mm256_stream_pd(y + half + i, product);
      } else {
        _mm256_storeu_pd(y + half + i, product);
      }
    }
  }
}
#define simd_scale_far_word_f64 simd_scale_far_word_f64

#define simd_scale_part_f64 simd_scale_part_f64
static inline void simd_scale_part_f64(size_t count, uint64_t bits, const double *x, double *y, simd_scale_f64 scale) {
  const __m256i shift = _mm256_setr_epi64x(63, 62, 61, 60);
  for (; count >= 4; count -= 4, bits >>= 4, x += 4, y += 4)
    _mm256_storeu_pd(y, _mm256_mul_pd(_mm256_maskload_pd(x, _mm256_sllv_epi64(simd_set(bits), shift)), scale));
  const __m256d product = _mm256_mul_pd(_mm256_maskload_pd(x, _mm256_sllv_epi64(simd_set(bits), shift)), scale);
  __m128d rest = _mm256_castpd256_pd128(product);
  if (count & 2) {
    _mm_storeu_pd(y, rest);
    rest = _mm256_extractf128_pd(product, 1);
    y += 2;
  }
  if (count & 1) _mm_store_sd(y, rest);
}

// For vpshufb: the byte of that number in the lower half of every 16-bit lane, 0 in the upper one.
static inline int64_t byte_of_lanes(int byte) {
  return (int64_t)(UINT64_C(0x8000800080008000) | UINT64_C(0x0001000100010001) * (unsigned)byte);
}

// The bytes that have the bits of sixteen lanes from bit `first` on, and each lane's bit there.
static inline __m256i bytes_of_sixteen(int first) {
  const int64_t low = byte_of_lanes(first / 8), high = byte_of_lanes(first / 8 + 1);
  return _mm256_setr_epi64x(low, low, high, high);
}

static inline __m256i bits_of_sixteen(void) {
  return _mm256_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128);
}

// Sixteen elements from x + first on, first = 0, 16, 32, 48, 0 where their bit among all 64 is. A lane takes the byte that its
// bit is in, so that the bit alone is a number above 0, for which vpsignw leaves x as it is.
static inline __m256i select_sixteen(__m256i bits, int first, const uint16_t *x) {
  const __m256i bit = _mm256_and_si256(_mm256_shuffle_epi8(bits, bytes_of_sixteen(first)), bits_of_sixteen());
  return _mm256_sign_epi16(_mm256_loadu_si256((const __m256i *)(x + first)), bit);
}

static inline __m128i scale_eight_f16(__m128i x, __m256 scale) {
  return _mm256_cvtps_ph(_mm256_mul_ps(_mm256_cvtph_ps(x), scale), _MM_FROUND_TO_NEAREST_INT);
}

static inline void store_vector(void *y, __m256i a, bool non_temporal) {
  if (non_temporal) {
    _mm256_stream_si256((__m256i *)y, a);
  } else {
    _mm256_storeu_si256((__m256i *)y, a);
  }
}

// Eight at a time from load to store: the conversions and what puts halves together want the same port.
static inline void simd_scale_word_f16(uint64_t bits, const uint16_t *x, uint16_t *y, simd_scale_f16 scale, bool non_temporal) {
  (void)non_temporal;
  const __m128i all_bits = _mm_set1_epi64x((long long)bits), bit_of_lane = _mm_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128);
  SIMDROP_UNROLL
  for (int i = 0; i < 64; i += 8) {
    const __m128i byte_of_lane = _mm_set1_epi64x(byte_of_lanes(i / 8));
    const __m128i bit = _mm_and_si128(_mm_shuffle_epi8(all_bits, byte_of_lane), bit_of_lane);
    const __m128i product = scale_eight_f16(_mm_sign_epi16(_mm_loadu_si128((const __m128i *)(x + i)), bit), scale);
    _mm_storeu_si128((__m128i *)(y + i), product);
  }
}

// Past the caches, quarters of lines take longer than to put halves together.
static inline void simd_scale_far_word_f16(uint64_t bits, const uint16_t *x, uint16_t *y, simd_scale_f16 scale,
                                           bool non_temporal) {
  if (!non_temporal) {
    simd_scale_word_f16(bits, x, y, scale, false);
    return;
  }
  const __m256i all_bits = simd_set(bits);
  SIMDROP_UNROLL
  for (int i = 0; i < 64; i += 16) {
    const __m256i kept = select_sixteen(all_bits, i, x);
    const __m128i low = scale_eight_f16(_mm256_castsi256_si128(kept), scale);
    const __m128i high = scale_eight_f16(_mm256_extracti128_si256(kept, 1), scale);
    store_vector(y + i, _mm256_set_m128i(high, low), true);
  }
}
#define simd_scale_far_word_f16 simd_scale_far_word_f16

static inline void simd_scale_word_bf16(uint64_t bits, const uint16_t *x, uint16_t *y, simd_scale_bf16 scale,
                                        bool non_temporal) {
  const __m256i all_bits = simd_set(bits);
  SIMDROP_UNROLL
  for (int i = 0; i < 64; i += 16) {
    const __m256i pairs = select_sixteen(all_bits, i, x);
    const __m256 even = _mm256_mul_ps(even_bf16(pairs), scale.factor), odd = _mm256_mul_ps(odd_bf16(pairs), scale.factor);
    store_vector(y + i, narrow_bf16(even, odd, scale.never_ties), non_temporal);
  }
}

// Thirty-two bytes that are not 0 where their bit is 1.
static inline __m256i bits_in_bytes(uint64_t bits) {
  const __m256i byte_of_lane = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
  return _mm256_and_si256(_mm256_shuffle_epi8(set_bits(bits), byte_of_lane), simd_set(UINT64_C(0x8040201008040201)));
}

static inline __m256i select_thirty_two(uint64_t bits, const uint8_t *x) {
  const __m256i dropped = _mm256_cmpeq_epi8(bits_in_bytes(bits), _mm256_setzero_si256());
  return _mm256_andnot_si256(dropped, _mm256_loadu_si256((const __m256i *)x));
}

// Magnitudes of 8 bits are widened by way of binary16: e5m2 is its upper byte, and e4m3fn in its place has an exponent that is
// 8 too small, which the scale makes up for. e4m3fn's NaN passes for 480 here.
static inline __m256i scale_eight_f8(__m128i halves, __m256 scale, unsigned fraction, unsigned bias) {
  const int shift = (int)SIMDROP_FLOAT8_SHIFT(fraction);
  const __m256i addend = _mm256_set1_epi32((int)SIMDROP_FLOAT8_ADDEND(fraction, bias));
  const __m256i smallest_normal = _mm256_set1_epi32((int)SIMDROP_FLOAT8_SMALLEST_NORMAL(bias));
  const __m256i rounder = _mm256_set1_epi32((int)SIMDROP_FLOAT8_ROUNDER(fraction, bias));
  const __m256 product = _mm256_mul_ps(_mm256_cvtph_ps(halves), scale);
  const __m256i bits = _mm256_castps_si256(product);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, shift), _mm256_set1_epi32(1));
  const __m256i normal = _mm256_srli_epi32(_mm256_add_epi32(_mm256_add_epi32(bits, odd), addend), shift);
  const __m256i shifted = _mm256_castps_si256(_mm256_add_ps(product, _mm256_castsi256_ps(rounder)));
  const __m256i is_small = _mm256_cmpgt_epi32(smallest_normal, bits);
  return blend_words(normal, _mm256_sub_epi32(shifted, rounder), is_small);
}

// Thirty-two magnitudes; what is beyond the range becomes 0x7f. `down` moves a byte in the upper half of a word to where
// binary16 has these digits.
static inline __m256i scale_magnitudes_f8(__m256i magnitudes, __m256 scale, unsigned fraction, unsigned bias, int down) {
  __m256i rounded[4];
  SIMDROP_UNROLL
  for (int i = 0; i < 4; ++i) {
    const __m128i bytes = i < 2 ? _mm256_castsi256_si128(magnitudes) : _mm256_extracti128_si256(magnitudes, 1);
    const __m128i zero = _mm_setzero_si128();
    const __m128i words = i % 2 == 0 ? _mm_unpacklo_epi8(zero, bytes) : _mm_unpackhi_epi8(zero, bytes);
    rounded[i] = scale_eight_f8(_mm_srli_epi16(words, down), scale, fraction, bias);
  }
  const __m256i low = _mm256_packs_epi32(rounded[0], rounded[1]), high = _mm256_packs_epi32(rounded[2], rounded[3]);
  return _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

static inline void scale_word_f8(uint64_t bits, const uint8_t *x, uint8_t *y, __m256 scale, bool non_temporal,
                                 unsigned fraction, unsigned bias, int down, char largest) {
  const __m256i all_but_sign = _mm256_set1_epi8(SIMDROP_FLOAT8_NAN), limit = _mm256_set1_epi8(largest);
  SIMDROP_UNROLL
  for (int i = 0; i < 64; i += 32) {
    const __m256i kept = select_thirty_two(bits >> i, x + i), magnitudes = _mm256_and_si256(kept, all_but_sign);
    const __m256i number = _mm256_min_epu8(scale_magnitudes_f8(magnitudes, scale, fraction, bias, down), limit);
    const __m256i nan = _mm256_and_si256(_mm256_cmpgt_epi8(magnitudes, limit), all_but_sign);
    const __m256i sign = _mm256_andnot_si256(all_but_sign, kept);
    store_vector(y + i, _mm256_or_si256(number, _mm256_or_si256(nan, sign)), non_temporal);
  }
}

static inline void simd_scale_word_f8e4m3fn(uint64_t bits, const uint8_t *x, uint8_t *y, simd_scale_f8e4m3fn scale,
                                            bool non_temporal) {
  scale_word_f8(bits, x, y, scale, non_temporal, SIMDROP_F8E4M3FN_FRACTION, SIMDROP_F8E4M3FN_BIAS, 1, SIMDROP_F8E4M3FN_LIMIT);
}

static inline void simd_scale_word_f8e5m2(uint64_t bits, const uint8_t *x, uint8_t *y, simd_scale_f8e5m2 scale,
                                          bool non_temporal) {
  scale_word_f8(bits, x, y, scale, non_temporal, SIMDROP_F8E5M2_FRACTION, SIMDROP_F8E5M2_BIAS, 0, SIMDROP_F8E5M2_LIMIT);
}

static inline void simd_select_word_8(uint64_t bits, const uint8_t *x, uint8_t *y) {
  SIMDROP_UNROLL
  for (int half = 0; half < 64; half += 32) store_vector(y + half, select_thirty_two(bits >> half, x + half), false);
}

static inline void simd_select_word_16(uint64_t bits, const uint16_t *x, uint16_t *y) {
  const __m256i all_bits = simd_set(bits);
  SIMDROP_UNROLL
  for (int i = 0; i < 64; i += 16) store_vector(y + i, select_sixteen(all_bits, i, x), false);
}

static inline void simd_select_word_32(uint64_t bits, const uint32_t *x, uint32_t *y) {
  SIMDROP_UNROLL
  for (int i = 0; i < 64; i += 8) {
    const __m256i kept = _mm256_maskload_epi32((const int *)(x + i), signs_of_eight(set_bits(bits >> (i & 32)), i & 31));
    _mm256_storeu_si256((__m256i *)(y + i), kept);
  }
}

static inline void simd_select_word_64(uint64_t bits, const uint64_t *x, uint64_t *y) {
  const __m256i shift = _mm256_setr_epi64x(63, 62, 61, 60);
  SIMDROP_UNROLL
  for (int i = 0; i < 64; i += 4)
    simd_store(y + i, _mm256_maskload_epi64((const long long *)(x + i), _mm256_sllv_epi64(simd_set(bits >> i), shift)));
}

static inline void simd_expand_word(uint64_t bits, uint8_t *bytes, bool non_temporal) {
  SIMDROP_UNROLL
  for (int half = 0; half < 64; half += 32)
    store_vector(bytes + half, _mm256_min_epu8(bits_in_bytes(bits >> half), _mm256_set1_epi8(1)), non_temporal);
}

// Lines between the rounds of the producer, which leave no register: what is needed is read from memory again each time.
#define SIMD_HAS_LINES 1

// A lane's bit is where its decision is, which is not shifted.
typedef struct simd_line_f32 {
  __m256 scale;
  __m256i lower, upper;
} simd_line_f32;

static inline simd_line_f32 simd_set_line_f32(simdrop_multiplier scale, unsigned shift) {
  const __m128i count = _mm_cvtsi32_si128((int)shift);
  return (simd_line_f32){simd_set_scale_f32(scale), _mm256_sll_epi32(bits_of_eight(0), count),
                         _mm256_sll_epi32(bits_of_eight(8), count)};
}

// One word past the last that is needed may be read.
static inline __m256i line_bits(const uint8_t *decisions) {
  int32_t bits;
  memcpy(&bits, decisions, sizeof bits);
  return _mm256_set1_epi32(bits);
}

static inline void simd_scale_line_f32(const simd_line_f32 *line, const uint8_t *decisions, const float *x, float *y,
                                       bool non_temporal) {
  const __m256i bits = line_bits(decisions);
  __asm__("" : "+r"(line));
  scale_far_eight_f32(bits, line->lower, x, y, line->scale, non_temporal);
  scale_far_eight_f32(bits, line->upper, x + 8, y + 8, line->scale, non_temporal);
}

// Of each half of a line, the byte with a lane's bit, and the bit.
typedef struct simd_line_f16 {
  __m256 scale;
  __m256i byte_of_lane[2], bit_of_lane, upper_halves, half;
  unsigned shift;
} simd_line_f16, simd_line_bf16;

static inline simd_line_f16 simd_set_line_f16(simdrop_multiplier scale, unsigned shift) {
  return (simd_line_f16){simd_set_scale_f32(scale), {bytes_of_sixteen(0), bytes_of_sixteen(16)},
                         bits_of_sixteen(),         _mm256_set1_epi32((int)0xffff0000),
                         _mm256_set1_epi32(0x8000), shift};
}
static inline simd_line_bf16 simd_set_line_bf16(simdrop_multiplier scale, unsigned shift) {
  return simd_set_line_f16(scale, shift);
}

static inline __m256i line_decisions(const uint8_t *decisions, unsigned shift) {
  uint64_t bits;
  memcpy(&bits, decisions, sizeof bits);
  return set_bits(bits >> shift);
}

static inline __m256i select_sixteen_of_line(const simd_line_f16 *line, __m256i bits, int half, const uint16_t *x) {
  const __m256i bit = _mm256_and_si256(_mm256_shuffle_epi8(bits, line->byte_of_lane[half]), line->bit_of_lane);
  return _mm256_sign_epi16(_mm256_loadu_si256((const __m256i *)(x + 16 * half)), bit);
}

static inline void simd_scale_line_f16(const simd_line_f16 *line, const uint8_t *decisions, const uint16_t *x, uint16_t *y,
                                       bool non_temporal) {
  __asm__("" : "+r"(line));
  const __m256i bits = line_decisions(decisions, line->shift);
  SIMDROP_UNROLL
  for (int half = 0; half < 2; ++half) {
    const __m256i kept = select_sixteen_of_line(line, bits, half, x);
    const __m128i low = scale_eight_f16(_mm256_castsi256_si128(kept), line->scale);
    const __m128i high = scale_eight_f16(_mm256_extracti128_si256(kept, 1), line->scale);
    store_vector(y + 16 * half, _mm256_set_m128i(high, low), non_temporal);
  }
}

static inline void simd_scale_line_bf16(const simd_line_bf16 *line, const uint8_t *decisions, const uint16_t *x, uint16_t *y,
                                        bool non_temporal) {
  __asm__("" : "+r"(line));
  const __m256i bits = line_decisions(decisions, line->shift);
  SIMDROP_UNROLL
  for (int half = 0; half < 2; ++half) {
    const __m256i pairs = select_sixteen_of_line(line, bits, half, x);
    const __m256 odd_elements = _mm256_castsi256_ps(_mm256_and_si256(pairs, line->upper_halves));
    const __m256i even = _mm256_castps_si256(_mm256_mul_ps(even_bf16(pairs), line->scale));
    const __m256i odd = _mm256_castps_si256(_mm256_mul_ps(odd_elements, line->scale));
    const __m256i lower = _mm256_srli_epi32(_mm256_add_epi32(even, line->half), 16);
    store_vector(y + 16 * half, _mm256_blend_epi16(lower, _mm256_add_epi32(odd, line->half), 0xAA), non_temporal);
  }
}

static inline void chain_eight_f32(__m256i bits, __m256i lane_bits, const float *x, const float *bias, const float *residual,
                                   float *y, simd_scale_f32 scale, bool non_temporal) {
  const __m256 is_kept = _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(bits, lane_bits), lane_bits));
  const __m256 product = _mm256_mul_ps(_mm256_add_ps(_mm256_loadu_ps(x), _mm256_loadu_ps(bias)), scale);
  const __m256 sum = _mm256_add_ps(_mm256_loadu_ps(residual), _mm256_and_ps(is_kept, product));
  if (non_temporal) {
    _mm256_stream_ps(y, sum);
  } else {
    _mm256_storeu_ps(y, sum);
  }
}

static inline void simd_chain_line_f32(const simd_line_f32 *line, const uint8_t *decisions, const float *x, const float *bias,
                                       const float *residual, float *y, bool non_temporal) {
  const __m256i bits = line_bits(decisions);
  __asm__("" : "+r"(line));
  chain_eight_f32(bits, line->lower, x, bias, residual, y, line->scale, non_temporal);
  chain_eight_f32(bits, line->upper, x + 8, bias + 8, residual + 8, y + 8, line->scale, non_temporal);
}

#include "common/vocabulary.h"

#endif

// The vocabulary of Advanced SIMD (aarch64's base instructions): what the shared producer and consumers are written in.
#ifndef SIMDROP_NEON_SIMD_H
#define SIMDROP_NEON_SIMD_H

#include <arm_neon.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/float8.h"
#include "common/unroll.h"
#include "neon/bundle.h"

// ---- producer: four lanes. Philox's words are packed in one register, because a widening multiplication takes packed words;
// masks are 64-bit lanes in two.

typedef struct simd_u64 {
  uint64x2_t first, second;  // lanes 0 and 1, 2 and 3
} simd_u64;
typedef unsigned simd_lanes;

#define SIMD_LANES 4

// Chosen by a model of Neoverse N1, Neoverse V2 and Cortex-A55 (bench/neon_model.py, cycles; docs/measurements.md has all).
// More side by side needs more than 32 registers.
#define SIMD_PLANES_IN_FLIGHT 2  // planes of one vector of blocks side by side; p = 0.1: 1 takes 5 to 24 % more, 4 up to 15 %
#define SIMD_FEW_PLANES_IN_FLIGHT 2  // vectors times planes side by side where one or two decide everything; 4: up to 5 % more
#define SIMD_DENSE_PLANES 8          // planes that are drawn for every block; the others only where they are needed
#define SIMD_STRAGGLER_PLANES 1      // planes side by side for the blocks that those leave undecided; 2 takes up to 2 % more
#define SIMD_FEW_BLOCKS 2            // up to here, lanes carry the planes of one block, where the dense planes may not do
#define SIMD_ONE_BLOCK_PLANES 3      // and of a block alone from so many planes on
#define SIMD_BROADCASTS_OPERANDS 0   // an operand in memory is a whole vector

#define SIMD_BOTH_(function, a, b) ((simd_u64){function((a).first, (b).first), function((a).second, (b).second)})

static inline simd_u64 simd_set(uint64_t value) { return (simd_u64){vdupq_n_u64(value), vdupq_n_u64(value)}; }
static inline simd_u64 simd_load(const uint64_t *from) { return (simd_u64){vld1q_u64(from), vld1q_u64(from + 2)}; }
static inline void simd_store(uint64_t *to, simd_u64 a) {
  vst1q_u64(to, a.first);
  vst1q_u64(to + 2, a.second);
}
static inline simd_u64 simd_add(simd_u64 a, simd_u64 b) { return SIMD_BOTH_(vaddq_u64, a, b); }
static inline simd_u64 simd_and(simd_u64 a, simd_u64 b) { return SIMD_BOTH_(vandq_u64, a, b); }
static inline simd_u64 simd_or(simd_u64 a, simd_u64 b) { return SIMD_BOTH_(vorrq_u64, a, b); }
static inline simd_u64 simd_xor(simd_u64 a, simd_u64 b) { return SIMD_BOTH_(veorq_u64, a, b); }
static inline simd_u64 simd_and_not(simd_u64 a, simd_u64 b) { return SIMD_BOTH_(vbicq_u64, b, a); }  // ~a & b
static inline simd_u64 simd_shift_left(simd_u64 a, int count) {
  const int64x2_t counts = vdupq_n_s64(count);
  return (simd_u64){vshlq_u64(a.first, counts), vshlq_u64(a.second, counts)};
}

#define SIMD_PACKED_WORDS

typedef uint32x4_t simd_words;

// The full products, lane by lane.
typedef simd_u64 simd_products;

static inline simd_words simd_words_set(uint32_t word) { return vdupq_n_u32(word); }
static inline simd_words simd_words_add(simd_words a, simd_words b) { return vaddq_u32(a, b); }
static inline simd_words simd_words_xor(simd_words a, simd_words b) { return veorq_u32(a, b); }
static inline simd_words simd_words_xor3(simd_words a, simd_words b, simd_words c) { return veorq_u32(a, veorq_u32(b, c)); }

static inline simd_products simd_multiply_words(simd_words a, simd_words b) {
  return (simd_products){vmull_u32(vget_low_u32(a), vget_low_u32(b)), vmull_high_u32(a, b)};
}

static inline simd_words simd_upper_words(simd_products products) {
  return vuzp2q_u32(vreinterpretq_u32_u64(products.first), vreinterpretq_u32_u64(products.second));
}

static inline simd_words simd_lower_words(simd_products products) {
  return vuzp1q_u32(vreinterpretq_u32_u64(products.first), vreinterpretq_u32_u64(products.second));
}

static inline simd_words simd_words_of_lanes(simd_u64 lanes) { return simd_lower_words(lanes); }
static inline simd_u64 simd_lanes_of_words(simd_words words) {
  return (simd_u64){vmovl_u32(vget_low_u32(words)), vmovl_high_u32(words)};
}

// Packed, as the words are: what the words below are xored with first, then what those above are.
static inline simd_u64 simd_last_key(uint32_t key, bool turned_over) {
  const uint32_t turned = turned_over ? UINT32_MAX : 0;
  return (simd_u64){vreinterpretq_u64_u32(vdupq_n_u32(key ^ turned)), vreinterpretq_u64_u32(vdupq_n_u32(turned))};
}

static inline simd_u64 simd_last_words(simd_products products, simd_words word, simd_u64 key) {
  const simd_words below = simd_words_xor3(simd_upper_words(products), word, vreinterpretq_u32_u64(key.first));
  const simd_words above = simd_words_xor(simd_lower_words(products), vreinterpretq_u32_u64(key.second));
  return (simd_u64){vreinterpretq_u64_u32(vzip1q_u32(below, above)), vreinterpretq_u64_u32(vzip2q_u32(below, above))};
}

static inline simd_u64 simd_count_from(uint64_t first, int step) {
  const uint64_t steps[4] = {0, (uint64_t)step, 2 * (uint64_t)step, 3 * (uint64_t)step};
  return simd_add(simd_set(first), simd_load(steps));
}

static inline uint64x2_t threshold_is_zero(uint64_t threshold, uint64x2_t planes) {
  // A negative count shifts to the right.
  const int64x2_t count = vsubq_s64(vreinterpretq_s64_u64(planes), vdupq_n_s64(31));
  const uint64x2_t bit = vandq_u64(vshlq_u64(vdupq_n_u64(threshold), count), vdupq_n_u64(1));
  return vsubq_u64(bit, vdupq_n_u64(1));
}

static inline simd_u64 simd_threshold_is_zero(uint64_t threshold, simd_u64 planes) {
  return (simd_u64){threshold_is_zero(threshold, planes.first), threshold_is_zero(threshold, planes.second)};
}

static inline simd_u64 simd_rotate_lanes(simd_u64 a, int count) {
  if (count == 2) return (simd_u64){a.second, a.first};
  return (simd_u64){vextq_u64(a.first, a.second, 1), vextq_u64(a.second, a.first, 1)};
}

static inline uint64_t simd_first_words(simd_u64 a) { return vgetq_lane_u64(a.first, 0); }

static inline simd_u64 simd_block_order(void) { return simd_count_from(0, 1); }

// The lanes' blocks, one vector each.
static inline void pair_words(simd_u64 low, simd_u64 high, uint64x2_t *blocks) {
  blocks[0] = vzip1q_u64(low.first, high.first);
  blocks[1] = vzip2q_u64(low.first, high.first);
  blocks[2] = vzip1q_u64(low.second, high.second);
  blocks[3] = vzip2q_u64(low.second, high.second);
}

static inline void simd_store_blocks(uint64_t *words, simd_u64 low, simd_u64 high) {
  uint64x2_t blocks[SIMD_LANES];
  pair_words(low, high, blocks);
  for (int i = 0; i < SIMD_LANES; ++i) vst1q_u64(words + 2 * i, blocks[i]);
}

static inline void simd_flip_blocks(uint64_t *words, const uint64_t *where, simd_u64 low, simd_u64 high) {
  uint64x2_t blocks[SIMD_LANES];
  pair_words(low, high, blocks);
  for (int i = 0; i < SIMD_LANES; ++i) {
    uint64_t *const block = words + (where[i] >> 32);
    vst1q_u64(block, veorq_u64(vld1q_u64(block), blocks[i]));
  }
}

static inline bool simd_any(simd_u64 a) { return vmaxvq_u32(vreinterpretq_u32_u64(vorrq_u64(a.first, a.second))) != 0; }

static inline simd_lanes simd_nonzero_lanes(simd_u64 a) {
  static const uint32_t bits[4] = {1, 2, 4, 8};
  const uint32x4_t all_ones =
      vuzp1q_u32(vreinterpretq_u32_u64(vtstq_u64(a.first, a.first)), vreinterpretq_u32_u64(vtstq_u64(a.second, a.second)));
  return vaddvq_u32(vandq_u32(all_ones, vld1q_u32(bits)));
}

static inline size_t simd_count_lanes(simd_lanes lanes) { return (size_t)__builtin_popcount(lanes); }

// For each set of lanes, the bytes of those lanes side by side.
static const uint8_t simd_compress_order[16][32] = {
#define LANE(i) 8 * (i), 8 * (i) + 1, 8 * (i) + 2, 8 * (i) + 3, 8 * (i) + 4, 8 * (i) + 5, 8 * (i) + 6, 8 * (i) + 7
    {0},
    {LANE(0)},
    {LANE(1)},
    {LANE(0), LANE(1)},
    {LANE(2)},
    {LANE(0), LANE(2)},
    {LANE(1), LANE(2)},
    {LANE(0), LANE(1), LANE(2)},
    {LANE(3)},
    {LANE(0), LANE(3)},
    {LANE(1), LANE(3)},
    {LANE(0), LANE(1), LANE(3)},
    {LANE(2), LANE(3)},
    {LANE(0), LANE(2), LANE(3)},
    {LANE(1), LANE(2), LANE(3)},
    {LANE(0), LANE(1), LANE(2), LANE(3)},
#undef LANE
};

static inline void simd_compress_store(uint64_t *to, simd_lanes lanes, simd_u64 a) {
  const uint8x16x2_t bytes = {{vreinterpretq_u8_u64(a.first), vreinterpretq_u8_u64(a.second)}};
  const uint8_t *const order = simd_compress_order[lanes];
  vst1q_u64(to, vreinterpretq_u64_u8(vqtbl2q_u8(bytes, vld1q_u8(order))));
  vst1q_u64(to + 2, vreinterpretq_u64_u8(vqtbl2q_u8(bytes, vld1q_u8(order + 16))));
}

// ---- consumers: 64 elements under one word of mask. Stores past the caches have no intrinsic; `non_temporal` changes nothing.

static inline void simd_finish_stores(void) {}

typedef float32x4_t simd_scale_f32, simd_scale_f16, simd_scale_bf16, simd_scale_f8e4m3fn, simd_scale_f8e5m2;
typedef float64x2_t simd_scale_f64;

static inline simd_scale_f32 simd_set_scale_f32(simdrop_multiplier scale) { return vdupq_n_f32((float)scale.value); }
static inline simd_scale_f16 simd_set_scale_f16(simdrop_multiplier scale) { return simd_set_scale_f32(scale); }
static inline simd_scale_bf16 simd_set_scale_bf16(simdrop_multiplier scale) { return simd_set_scale_f32(scale); }
static inline simd_scale_f64 simd_set_scale_f64(simdrop_multiplier scale) { return vdupq_n_f64(scale.value); }
static inline simd_scale_f8e4m3fn simd_set_scale_f8e4m3fn(simdrop_multiplier scale) {
  return vdupq_n_f32((float)scale.value * 0x1p8f);
}
static inline simd_scale_f8e5m2 simd_set_scale_f8e5m2(simdrop_multiplier scale) { return simd_set_scale_f32(scale); }

// Lanes that are all ones where the mask's bit is set: lane k has bit first + k.
static inline uint32x4_t four_lanes(uint64_t bits, int first) {
  static const uint32_t bit[4] = {1, 2, 4, 8};
  const uint32x4_t wanted = vshlq_u32(vld1q_u32(bit), vdupq_n_s32(first % 32));
  return vtstq_u32(vdupq_n_u32((uint32_t)(bits >> (first / 32 * 32))), wanted);
}

// Four decisions for four lanes of 64 bits. Two lanes at a time from a shifted mask take 1.8 times the cycles on the model's
// Cortex-A55, 1.1 times on Neoverse N1, and 0.9 times on V2.
static inline simd_u64 four_wide_lanes(uint64_t bits, int first) {
  const uint32x4_t lanes = four_lanes(bits, first);
  return (simd_u64){vreinterpretq_u64_u32(vzip1q_u32(lanes, lanes)), vreinterpretq_u64_u32(vzip2q_u32(lanes, lanes))};
}

// Here the mask is shifted, not the lanes' bits: of these there would be more constants than registers.
static inline uint16x8_t eight_lanes(uint64_t bits, int first) {
  static const uint16_t bit[8] = {1, 2, 4, 8, 16, 32, 64, 128};
  return vtstq_u16(vdupq_n_u16((uint16_t)(bits >> (first / 16 * 16))) >> (uint16_t)(first % 16), vld1q_u16(bit));
}

static inline uint32x4_t select_four(uint64_t bits, int first, const uint32_t *x) {
  return vandq_u32(four_lanes(bits, first), vld1q_u32(x + first));
}

static inline simd_u64 select_four_wide(uint64_t bits, int first, const uint64_t *x) {
  return simd_and(four_wide_lanes(bits, first), simd_load(x + first));
}

static inline uint16x8_t select_eight(uint64_t bits, int first, const uint16_t *x) {
  return vandq_u16(eight_lanes(bits, first), vld1q_u16(x + first));
}

// Selected before it is multiplied: a dropped element becomes 0 * scale = +0 and raises no flag.
static inline void simd_scale_word_f32(uint64_t bits, const float *x, float *y, simd_scale_f32 scale, bool non_temporal) {
  (void)non_temporal;
  SIMDROP_UNROLL
  for (int i = 0; i < 64; i += 4) {
    const uint32x4_t kept = vandq_u32(four_lanes(bits, i), vreinterpretq_u32_f32(vld1q_f32(x + i)));
    vst1q_f32(y + i, vmulq_f32(vreinterpretq_f32_u32(kept), scale));
  }
}

static inline void simd_scale_word_f64(uint64_t bits, const double *x, double *y, simd_scale_f64 scale, bool non_temporal) {
  (void)non_temporal;
  SIMDROP_UNROLL
  for (int i = 0; i < 64; i += 4) {
    const simd_u64 lanes = four_wide_lanes(bits, i);
    const uint64x2_t first = vandq_u64(lanes.first, vreinterpretq_u64_f64(vld1q_f64(x + i)));
    const uint64x2_t second = vandq_u64(lanes.second, vreinterpretq_u64_f64(vld1q_f64(x + i + 2)));
    vst1q_f64(y + i, vmulq_f64(vreinterpretq_f64_u64(first), scale));
    vst1q_f64(y + i + 2, vmulq_f64(vreinterpretq_f64_u64(second), scale));
  }
}

static inline void simd_scale_word_f16(uint64_t bits, const uint16_t *x, uint16_t *y, simd_scale_f16 scale, bool non_temporal) {
  (void)non_temporal;
  SIMDROP_UNROLL
  for (int i = 0; i < 64; i += 8) {
    const float16x8_t kept = vreinterpretq_f16_u16(select_eight(bits, i, x));
    const float32x4_t low = vmulq_f32(vcvt_f32_f16(vget_low_f16(kept)), scale);
    const float32x4_t high = vmulq_f32(vcvt_high_f32_f16(kept), scale);
    vst1q_u16(y + i, vreinterpretq_u16_f16(vcvt_high_f16_f32(vcvt_f16_f32(low), high)));
  }
}

// The upper half of each product, rounded to nearest even, still in its place. Infinity stays (its lower half is 0), and so
// does NaN: a NaN that comes from bfloat16 has a lower half of 0 too.
static inline uint32x4_t round_to_bf16(float32x4_t product) {
  const uint32x4_t bits = vreinterpretq_u32_f32(product);
  const uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
  return vaddq_u32(bits, vaddq_u32(odd, vdupq_n_u32(0x7fff)));
}

static inline void simd_scale_word_bf16(uint64_t bits, const uint16_t *x, uint16_t *y, simd_scale_bf16 scale,
                                        bool non_temporal) {
  (void)non_temporal;
  SIMDROP_UNROLL
  for (int i = 0; i < 64; i += 8) {
    const uint32x4_t pairs = vreinterpretq_u32_u16(select_eight(bits, i, x));
    const float32x4_t even = vreinterpretq_f32_u32(vshlq_n_u32(pairs, 16));
    const float32x4_t odd = vreinterpretq_f32_u32(vandq_u32(pairs, vdupq_n_u32(0xffff0000)));
    const uint32x4_t low = round_to_bf16(vmulq_f32(even, scale)), high = round_to_bf16(vmulq_f32(odd, scale));
    vst1q_u16(y + i, vreinterpretq_u16_u32(vsriq_n_u32(high, low, 16)));
  }
}

// Sixteen bytes that are all ones where their bit, from the first on, is 1.
static inline uint8x16_t sixteen_lanes(uint64_t bits, int first) {
  static const uint8_t byte_of_lane[16] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1};
  const uint8x16_t all = vreinterpretq_u8_u64(vdupq_n_u64(bits)),
                   bit = vreinterpretq_u8_u64(vdupq_n_u64(UINT64_C(0x8040201008040201)));
  const uint8x16_t order = vaddq_u8(vld1q_u8(byte_of_lane), vdupq_n_u8((uint8_t)(first / 8)));
  return vtstq_u8(vqtbl1q_u8(all, order), bit);
}

// Magnitudes of 8 bits are widened by way of binary16: e5m2 is its upper byte, and e4m3fn in its place has an exponent that is
// 8 too small, which the scale makes up for. e4m3fn's NaN passes for 480 here.
static inline uint16x4_t scale_four_f8(float32x4_t wide, float32x4_t scale, unsigned fraction, unsigned bias) {
  const unsigned shift = SIMDROP_FLOAT8_SHIFT(fraction);
  const uint32x4_t rounder = vdupq_n_u32(SIMDROP_FLOAT8_ROUNDER(fraction, bias));
  const float32x4_t product = vmulq_f32(wide, scale);
  const uint32x4_t bits = vreinterpretq_u32_f32(product), odd = vandq_u32(bits >> shift, vdupq_n_u32(1));
  const uint32x4_t normal = vaddq_u32(vaddq_u32(bits, odd), vdupq_n_u32(SIMDROP_FLOAT8_ADDEND(fraction, bias))) >> shift;
  const uint32x4_t shifted = vreinterpretq_u32_f32(vaddq_f32(product, vreinterpretq_f32_u32(rounder)));
  const uint32x4_t is_small = vcltq_u32(bits, vdupq_n_u32(SIMDROP_FLOAT8_SMALLEST_NORMAL(bias)));
  return vmovn_u32(vbslq_u32(is_small, vsubq_u32(shifted, rounder), normal));
}

// Eight magnitudes; what is beyond the range becomes 0x7f. `up` moves a byte to where binary16 has these digits.
static inline uint8x8_t scale_eight_f8(uint8x8_t magnitudes, float32x4_t scale, unsigned fraction, unsigned bias, uint16_t up) {
  const float16x8_t halves = vreinterpretq_f16_u16(vmovl_u8(magnitudes) << up);
  const uint16x4_t low = scale_four_f8(vcvt_f32_f16(vget_low_f16(halves)), scale, fraction, bias);
  const uint16x4_t high = scale_four_f8(vcvt_high_f32_f16(halves), scale, fraction, bias);
  return vreinterpret_u8_s8(vqmovn_s16(vreinterpretq_s16_u16(vcombine_u16(low, high))));
}

static inline void scale_word_f8(uint64_t bits, const uint8_t *x, uint8_t *y, float32x4_t scale, unsigned fraction,
                                 unsigned bias, uint16_t up, uint8_t largest) {
  const uint8x16_t limit = vdupq_n_u8(largest), sign = vdupq_n_u8(0x80);
  SIMDROP_UNROLL
  for (int i = 0; i < 64; i += 16) {
    const uint8x16_t kept = vandq_u8(sixteen_lanes(bits, i), vld1q_u8(x + i)), magnitudes = vbicq_u8(kept, sign);
    const uint8x8_t low = scale_eight_f8(vget_low_u8(magnitudes), scale, fraction, bias, up);
    const uint8x8_t high = scale_eight_f8(vget_high_u8(magnitudes), scale, fraction, bias, up);
    const uint8x16_t number = vminq_u8(vcombine_u8(low, high), limit), is_nan = vcgtq_u8(magnitudes, limit);
    vst1q_u8(y + i, vbslq_u8(sign, kept, vorrq_u8(number, is_nan)));
  }
}

static inline void simd_scale_word_f8e4m3fn(uint64_t bits, const uint8_t *x, uint8_t *y, simd_scale_f8e4m3fn scale,
                                            bool non_temporal) {
  (void)non_temporal;
  scale_word_f8(bits, x, y, scale, SIMDROP_F8E4M3FN_FRACTION, SIMDROP_F8E4M3FN_BIAS, 7, SIMDROP_F8E4M3FN_LIMIT);
}

static inline void simd_scale_word_f8e5m2(uint64_t bits, const uint8_t *x, uint8_t *y, simd_scale_f8e5m2 scale,
                                          bool non_temporal) {
  (void)non_temporal;
  scale_word_f8(bits, x, y, scale, SIMDROP_F8E5M2_FRACTION, SIMDROP_F8E5M2_BIAS, 8, SIMDROP_F8E5M2_LIMIT);
}

static inline void simd_select_word_8(uint64_t bits, const uint8_t *x, uint8_t *y) {
  SIMDROP_UNROLL
  for (int i = 0; i < 64; i += 16) vst1q_u8(y + i, vandq_u8(sixteen_lanes(bits, i), vld1q_u8(x + i)));
}

static inline void simd_select_word_16(uint64_t bits, const uint16_t *x, uint16_t *y) {
  SIMDROP_UNROLL
  for (int i = 0; i < 64; i += 8) vst1q_u16(y + i, select_eight(bits, i, x));
}

static inline void simd_select_word_32(uint64_t bits, const uint32_t *x, uint32_t *y) {
  SIMDROP_UNROLL
  for (int i = 0; i < 64; i += 4) vst1q_u32(y + i, select_four(bits, i, x));
}

static inline void simd_select_word_64(uint64_t bits, const uint64_t *x, uint64_t *y) {
  SIMDROP_UNROLL
  for (int i = 0; i < 64; i += 4) simd_store(y + i, select_four_wide(bits, i, x));
}

static inline void simd_expand_word(uint64_t bits, uint8_t *bytes, bool non_temporal) {
  (void)non_temporal;
  SIMDROP_UNROLL
  for (int i = 0; i < 64; i += 16) vst1q_u8(bytes + i, vandq_u8(sixteen_lanes(bits, i), vdupq_n_u8(1)));
}

#include "common/vocabulary.h"

#endif

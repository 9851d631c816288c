// 32 random bits an element with what the bit planes get too: packed words, keys made once a call, independent vectors side by
// side, the part of the first two rounds that never changes outside the loop. No words are put in another order.
#include "words_per_element.h"

#include "common/philox.h"
#include "neon/simd.h"

typedef struct words_keys {
  simd_words word_0[SIMDROP_PHILOX_ROUNDS], word_2[SIMDROP_PHILOX_ROUNDS];
} words_keys;

static inline void make_words_keys(const words_source *source, words_keys *keys) {
  for (uint32_t round = 0; round < SIMDROP_PHILOX_ROUNDS; ++round) {
    keys->word_0[round] = simd_words_set(source->key[0] + round * SIMDROP_PHILOX_WEYL_0);
    keys->word_2[round] = simd_words_set(source->key[1] + round * SIMDROP_PHILOX_WEYL_1);
  }
}

// The kept elements' lanes are all ones.
typedef struct words_decisions {
  uint32x4_t word[4];
} words_decisions;

static inline __attribute__((always_inline)) void decide(const words_source *source, const words_keys *keys, int vectors,
                                                         uint32_t first_call, words_decisions *kept) {
  static const uint32_t lane[4] = {0, 1, 2, 3};
  const simd_words multiplier_0 = simd_words_set(SIMDROP_PHILOX_MULTIPLIER_0);
  const simd_words multiplier_1 = simd_words_set(SIMDROP_PHILOX_MULTIPLIER_1);
  const simd_words threshold = simd_words_set(source->threshold);
  simd_words word[WORDS_MOST_IN_FLIGHT][4];
  SIMDROP_UNROLL
  for (int i = 0; i < vectors; ++i) {
    word[i][0] = vaddq_u32(simd_words_set(first_call + 4 * (uint32_t)i), vld1q_u32(lane));
    word[i][1] = simd_words_set(0);
    word[i][2] = simd_words_set(source->stream[0]);
    word[i][3] = simd_words_set(source->stream[1]);
  }
  SIMDROP_UNROLL
  for (int round = 0; round < SIMDROP_PHILOX_ROUNDS; ++round) {
    SIMDROP_UNROLL
    for (int i = 0; i < vectors; ++i) {
      const simd_products product_0 = simd_multiply_words(word[i][0], multiplier_0);
      const simd_products product_1 = simd_multiply_words(word[i][2], multiplier_1);
      word[i][0] = simd_words_xor3(simd_upper_words(product_1), word[i][1], keys->word_0[round]);
      word[i][1] = simd_lower_words(product_1);
      word[i][2] = simd_words_xor3(simd_upper_words(product_0), word[i][3], keys->word_2[round]);
      word[i][3] = simd_lower_words(product_0);
    }
  }
  SIMDROP_UNROLL
  for (int i = 0; i < vectors; ++i) {
    SIMDROP_UNROLL
    for (int w = 0; w < 4; ++w) kept[i].word[w] = vcgeq_u32(word[i][w], threshold);
  }
}

// Sixteen decisions as bytes, each with the weight of its bit.
static inline uint8x16_t weigh(const words_decisions *kept) {
  static const uint8_t weights[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  const uint16x8_t low = vuzp1q_u16(vreinterpretq_u16_u32(kept->word[0]), vreinterpretq_u16_u32(kept->word[1]));
  const uint16x8_t high = vuzp1q_u16(vreinterpretq_u16_u32(kept->word[2]), vreinterpretq_u16_u32(kept->word[3]));
  return vandq_u8(vuzp1q_u8(vreinterpretq_u8_u16(low), vreinterpretq_u8_u16(high)), vld1q_u8(weights));
}

// Adds each eight weights to a byte of bits; of a pair, and of two pairs, at once.
static inline __attribute__((always_inline)) void pack(int vectors, const words_decisions *kept, uint8_t *bits) {
  if (vectors == 4) {
    const uint8x16_t first = vpaddq_u8(weigh(&kept[0]), weigh(&kept[1])), second = vpaddq_u8(weigh(&kept[2]), weigh(&kept[3]));
    const uint8x16_t fours = vpaddq_u8(first, second);
    vst1_u8(bits, vget_low_u8(vpaddq_u8(fours, fours)));
    return;
  }
  SIMDROP_UNROLL
  for (int i = 0; i < vectors; i += 2) {
    uint8x16_t sums = weigh(&kept[i]);
    sums = vpaddq_u8(sums, i + 1 < vectors ? weigh(&kept[i + 1]) : sums);
    sums = vpaddq_u8(sums, sums);
    sums = vpaddq_u8(sums, sums);
    if (i + 1 < vectors)
      vst1q_lane_u32((uint32_t *)(void *)(bits + 2 * i), vreinterpretq_u32_u8(sums), 0);
    else
      vst1q_lane_u16((uint16_t *)(void *)(bits + 2 * i), vreinterpretq_u16_u8(sums), 0);
  }
}

#define DEFINE_WORDS_PER_ELEMENT(vectors)                                                                                \
  static void words_mask_##vectors(const words_source *source, size_t n, uint8_t *bits) {                                \
    const words_source values = *source;                                                                                 \
    words_keys keys;                                                                                                     \
    make_words_keys(&values, &keys);                                                                                     \
    for (size_t k = 0; k < n; k += 16 * (vectors)) {                                                                     \
      words_decisions kept[WORDS_MOST_IN_FLIGHT];                                                                        \
      decide(&values, &keys, vectors, (uint32_t)(k / 4), kept);                                                          \
      pack(vectors, kept, bits + k / 8);                                                                                 \
    }                                                                                                                    \
  }                                                                                                                      \
                                                                                                                         \
  static void words_forward_##vectors(const words_source *source, size_t n, const float *x, float *y, float scale) {     \
    const words_source values = *source;                                                                                 \
    words_keys keys;                                                                                                     \
    make_words_keys(&values, &keys);                                                                                     \
    for (size_t k = 0; k < n; k += 16 * (vectors)) {                                                                     \
      words_decisions kept[WORDS_MOST_IN_FLIGHT];                                                                        \
      decide(&values, &keys, vectors, (uint32_t)(k / 4), kept);                                                          \
      SIMDROP_UNROLL                                                                                                     \
      for (size_t i = 0; i < 4 * (vectors); ++i) {                                                                       \
        const uint32x4_t selected = vandq_u32(kept[i / 4].word[i % 4], vreinterpretq_u32_f32(vld1q_f32(x + k + 4 * i))); \
        vst1q_f32(y + k + 4 * i, vmulq_n_f32(vreinterpretq_f32_u32(selected), scale));                                   \
      }                                                                                                                  \
    }                                                                                                                    \
  }

DEFINE_WORDS_PER_ELEMENT(1)
DEFINE_WORDS_PER_ELEMENT(2)
DEFINE_WORDS_PER_ELEMENT(3)
DEFINE_WORDS_PER_ELEMENT(4)

words_mask *const words_mask_in_flight[] = {words_mask_1, words_mask_2, words_mask_3, words_mask_4};
words_forward *const words_forward_in_flight[] = {words_forward_1, words_forward_2, words_forward_3, words_forward_4};

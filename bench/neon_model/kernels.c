// The inner loops of the NEON backend, one in each function, for a model of a processor to count: compiled by
// bench/neon_model.py, never run. Each is made of the library's own inline functions. The library's loops around them are
// longer and branch more.
#include "neon/simd.h"

#include "common/consumers_body.h"
#include "common/producer_body.h"

// Planes for one vector of blocks (four, 512 elements), SIMD_PLANES_IN_FLIGHT of them a turn.
void model_dense_planes(const simdrop_mask_source *source, const round_keys *keys, const block_part *block, verdict *kept) {
  background_turns turns = {NULL, 0, 1, 1};
  verdict now = *kept;
  const block_part part = *block;
  for (int plane = SIMD_DENSE_PLANES; plane > 0; plane -= SIMD_PLANES_IN_FLIGHT)
    take_planes(source, keys, 1, SIMD_PLANES_IN_FLIGHT, false, plane - SIMD_PLANES_IN_FLIGHT, &part, &turns, &now);
  *kept = now;
}

// What comes to that once for each such vector: the blocks' part of the rounds, the store, and the list of undecided blocks.
void model_dense_vector(const simdrop_mask_source *source, const first_round *first, const verdict *kept, block_part *blocks,
                        uint64_t *words, pending_blocks *pending, size_t count) {
  pending->count = 0;
  for (size_t done = 0; done < count; done += SIMD_LANES) {
    const simd_u64 position = simd_add(simd_block_order(), simd_set(done));
    blocks[done] = make_block_part(source, first, position);
    simd_store_blocks(words + SIMDROP_BLOCK_WORDS * done, kept[done].upper.low, kept[done].upper.high);
    add_pending(pending, position, &kept[done]);
  }
}

// The lower planes for a vector of undecided blocks, SIMD_PENDING_PLANES a turn.
void model_pending_planes(const simdrop_mask_source *source, const round_keys *keys, const block_part *block, plane_bits *left,
                          plane_bits *drops) {
  const simd_u64 zero = simd_set(0), ones = simd_set(~UINT64_C(0));
  background_turns turns = {NULL, 0, 1, 1};
  const block_part part = *block;
  plane_bits undecided = *left, dropped = *drops;
  int plane = SIMD_DENSE_PLANES;
  do {
    verdict kept = {{ones, ones}, {zero, zero}};
    take_planes(source, keys, 1, SIMD_PENDING_PLANES, false, plane, &part, &turns, &kept);
    plane += SIMD_PENDING_PLANES;
    dropped.low = simd_or(dropped.low, simd_and_not(kept.upper.low, undecided.low));
    dropped.high = simd_or(dropped.high, simd_and_not(kept.upper.high, undecided.high));
    undecided.low = simd_and(undecided.low, simd_and_not(kept.lower.low, kept.upper.low));
    undecided.high = simd_and(undecided.high, simd_and_not(kept.lower.high, kept.upper.high));
  } while (plane < source->plane_count && simd_any(simd_or(undecided.low, undecided.high)));
  *left = undecided;
  *drops = dropped;
}

// p = 1/2, where one plane decides everything: SIMD_FEW_PLANES_IN_FLIGHT vectors of blocks a turn.
void model_one_plane(const simdrop_mask_source *source, const first_round *first, const round_keys *keys, size_t block_count,
                     uint64_t *words) {
  background_turns turns = {NULL, 0, 1, 1};
  const batch_blocks numbers = {.first = 0};
  mask_batch(source, first, keys, SIMD_FEW_PLANES_IN_FLIGHT, 1, true, &numbers, block_count, words, &turns);
}

// The comparison: 32 random bits for each element, a Philox call for four, with the same multiplications in the same lanes and
// two vectors of calls side by side. What the first round makes of the words that do not change is made beforehand. An
// element is kept if its word is not below the threshold; elements come in the order in which the vectors hold them.
typedef struct model_words {
  uint32x4_t word[4];
} model_words;

static inline __attribute__((always_inline)) void draw_words(const first_round *first, const round_keys *keys,
                                                             const uint32x4_t *counter, int vectors, model_words *drawn) {
  const uint32x4_t multiplier_0 = vdupq_n_u32(SIMDROP_PHILOX_MULTIPLIER_0),
                   multiplier_1 = vdupq_n_u32(SIMDROP_PHILOX_MULTIPLIER_1);
  uint32x4_t word_0[MOST_IN_FLIGHT], word_1[MOST_IN_FLIGHT], word_2[MOST_IN_FLIGHT], word_3[MOST_IN_FLIGHT];
  SIMDROP_UNROLL
  for (int i = 0; i < vectors; ++i) {
    const simd_products product = simd_multiply_words(counter[i], multiplier_0);
    word_0[i] = vdupq_n_u32(first->word_0);
    word_1[i] = vdupq_n_u32(first->word_1);
    word_2[i] = veorq_u32(simd_upper_words(product), vdupq_n_u32(first->word_2));
    word_3[i] = simd_lower_words(product);
  }
  SIMDROP_UNROLL
  for (int round = 1; round < SIMDROP_PHILOX_ROUNDS; ++round) {
    SIMDROP_UNROLL
    for (int i = 0; i < vectors; ++i) {
      const simd_products product_0 = simd_multiply_words(word_0[i], multiplier_0);
      const simd_products product_1 = simd_multiply_words(word_2[i], multiplier_1);
      word_0[i] = simd_words_xor3(simd_upper_words(product_1), word_1[i], keys->word_0[round]);
      word_1[i] = simd_lower_words(product_1);
      word_2[i] = simd_words_xor3(simd_upper_words(product_0), word_3[i], keys->word_2[round]);
      word_3[i] = simd_lower_words(product_0);
    }
  }
  SIMDROP_UNROLL
  for (int i = 0; i < vectors; ++i) drawn[i] = (model_words){{word_0[i], word_1[i], word_2[i], word_3[i]}};
}

enum {
  WORD_VECTORS = 2,
  WORD_STEP = 16 * WORD_VECTORS  // elements
};

// As a mask of packed bits.
void model_words_mask(const first_round *first, const round_keys *keys, uint32_t threshold, size_t n, uint16_t *mask) {
  static const uint8_t weights[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  static const uint32_t lane[4] = {0, 1, 2, 3};
  const uint32x4_t limit = vdupq_n_u32(threshold);
  const uint8x16_t weight = vld1q_u8(weights);
  uint32x4_t counter[WORD_VECTORS];
  for (int i = 0; i < WORD_VECTORS; ++i) counter[i] = vaddq_u32(vld1q_u32(lane), vdupq_n_u32(4 * (uint32_t)i));
  for (size_t done = 0; done < n; done += WORD_STEP) {
    model_words drawn[WORD_VECTORS];
    draw_words(first, keys, counter, WORD_VECTORS, drawn);
    SIMDROP_UNROLL
    for (int i = 0; i < WORD_VECTORS; ++i) {
      const uint16x8_t low = vuzp1q_u16(vreinterpretq_u16_u32(vcgeq_u32(drawn[i].word[0], limit)),
                                        vreinterpretq_u16_u32(vcgeq_u32(drawn[i].word[1], limit)));
      const uint16x8_t high = vuzp1q_u16(vreinterpretq_u16_u32(vcgeq_u32(drawn[i].word[2], limit)),
                                         vreinterpretq_u16_u32(vcgeq_u32(drawn[i].word[3], limit)));
      const uint8x16_t bytes = vandq_u8(vuzp1q_u8(vreinterpretq_u8_u16(low), vreinterpretq_u8_u16(high)), weight);
      const uint8x16_t pairs = vpaddq_u8(bytes, bytes), fours = vpaddq_u8(pairs, pairs), eights = vpaddq_u8(fours, fours);
      mask[done / 16 + (size_t)i] = vgetq_lane_u16(vreinterpretq_u16_u8(eights), 0);
      counter[i] = vaddq_u32(counter[i], vdupq_n_u32(4 * WORD_VECTORS));
    }
  }
}

// At once applied to float elements.
void model_words_f32(const first_round *first, const round_keys *keys, uint32_t threshold, size_t n, const float *x, float *y,
                     float scale) {
  static const uint32_t lane[4] = {0, 1, 2, 3};
  const uint32x4_t limit = vdupq_n_u32(threshold);
  uint32x4_t counter[WORD_VECTORS];
  for (int i = 0; i < WORD_VECTORS; ++i) counter[i] = vaddq_u32(vld1q_u32(lane), vdupq_n_u32(4 * (uint32_t)i));
  for (size_t done = 0; done < n; done += WORD_STEP) {
    model_words drawn[WORD_VECTORS];
    draw_words(first, keys, counter, WORD_VECTORS, drawn);
    SIMDROP_UNROLL
    for (int i = 0; i < WORD_VECTORS; ++i) {
      SIMDROP_UNROLL
      for (int word = 0; word < 4; ++word) {
        const size_t at = done + 16 * (size_t)i + 4 * (size_t)word;
        const uint32x4_t kept = vandq_u32(vcgeq_u32(drawn[i].word[word], limit), vreinterpretq_u32_f32(vld1q_f32(x + at)));
        vst1q_f32(y + at, vmulq_n_f32(vreinterpretq_f32_u32(kept), scale));
      }
      counter[i] = vaddq_u32(counter[i], vdupq_n_u32(4 * WORD_VECTORS));
    }
  }
}

// The consumers, 64 elements a turn, stored masks and drawn ones alike.
#define MODEL_CONSUMER(dtype, element)                                                                                     \
  void model_scale_##dtype(size_t n, const uint64_t *words, const element *x, element *y, double scale) {                  \
    const simd_scale_##dtype factor = simd_set_scale_##dtype(scale);                                                       \
    for (size_t k = 0; k < n; k += WORD_ELEMENTS) simd_scale_word_##dtype(bits_at(words, k), x + k, y + k, factor, false); \
  }
MODEL_CONSUMER(f32, float)
MODEL_CONSUMER(f64, double)
MODEL_CONSUMER(f16, uint16_t)
MODEL_CONSUMER(bf16, uint16_t)

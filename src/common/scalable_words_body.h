// Philox's words as they are, for numbers in place of masks, in the words of a simd.h with vectors whose length is known only
// when the program runs: after scalable_producer_body.h, of which it uses the first round and the keys. The lanes are the
// planes of one block.
#ifndef SIMDROP_COMMON_SCALABLE_WORDS_BODY_H
#define SIMDROP_COMMON_SCALABLE_WORDS_BODY_H

static_assert(MOST_LANES <= SIMDROP_PLANES, "a vector has calls of one block");

void SIMDROP_LOCAL(draw_words)(simdrop_mask_source *source, unsigned first_plane, uint64_t first_block, size_t block_count,
                               uint32_t *words) {
  const first_round first = make_first_round(source);
  const simd_words multiplier_0 = simd_words_set(SIMDROP_PHILOX_MULTIPLIER_0);
  const simd_words multiplier_1 = simd_words_set(SIMDROP_PHILOX_MULTIPLIER_1);
  const unsigned lanes = (unsigned)simd_lane_count();
  for (uint64_t block = first_block; block - first_block < block_count; ++block) {
    for (unsigned plane = first_plane; plane < first_plane + SIMDROP_PLANES; plane += lanes, words += CALL_WORDS * lanes) {
      const simd_words shifted =
          simd_multiply_lower(simd_words_count_from(plane), simd_words_set(UINT32_C(1) << SIMDROP_PLANE_SHIFT));
      simd_words word_0 = simd_words_set(first.word_0 ^ (uint32_t)block), word_1 = simd_words_set(first.word_1);
      simd_words word_2 = simd_words_xor(shifted, simd_words_set(first.word_2 ^ (uint32_t)(block >> 32)));
      simd_words word_3 = simd_words_set(first.word_3);
      SIMDROP_UNROLL
      for (int round = 1; round < SIMDROP_PHILOX_ROUNDS; ++round) {
        const simd_words upper_0 = simd_multiply_upper(word_0, multiplier_0),
                         upper_1 = simd_multiply_upper(word_2, multiplier_1);
        const simd_words lower_0 = simd_multiply_lower(word_0, multiplier_0),
                         lower_1 = simd_multiply_lower(word_2, multiplier_1);
        word_0 = simd_words_xor3(upper_1, word_1, simd_words_set(round_key_0(source, round)));
        word_2 = simd_words_xor3(upper_0, word_3, simd_words_set(round_key_1(source, round)));
        word_1 = lower_1;
        word_3 = lower_0;
      }
      simd_store_calls(words, word_0, word_1, word_2, word_3);
    }
  }
}

#endif

// The mask producer for vectors whose length is known only when the program runs (SVE), in the words of the backend's simd.h
// (included before this file). Such vectors cannot be members of structures or of arrays, of which producer_body.h is made:
// here they are variables, and functions that make several take pointers. The rounds and the planes are the same; its comment
// tells them.
//
// A 32-bit lane is one word of a Philox call, and a call's four words are in four vectors, which an interleaved store puts
// together: there is a multiplication for the upper halves of products of 32-bit lanes, and no other widening one.
#ifndef SIMDROP_COMMON_SCALABLE_PRODUCER_BODY_H
#define SIMDROP_COMMON_SCALABLE_PRODUCER_BODY_H

#include <string.h>

#include "common/producer_parts.h"
#include "common/unroll.h"

enum {
  DENSE_PLANES = 8,  // planes that are drawn for every block, as in the backends with vectors of fixed length
  CALL_WORDS = 4,
  MOST_LANES = SIMDROP_BLOCK_PADDING  // of longer vectors a part is used: a batch's last may be so much too long
};

typedef struct round_keys {
  uint32_t word_0[SIMDROP_PHILOX_ROUNDS];
  uint32_t word_2[SIMDROP_PHILOX_ROUNDS];
} round_keys;

static inline void make_round_keys(const simdrop_mask_source *source, round_keys *keys) {
  for (int round = PLANE_ROUND + 1; round < SIMDROP_PHILOX_ROUNDS; ++round) {
    keys->word_0[round] = round_key_0(source, round);
    keys->word_2[round] = round_key_1(source, round);
  }
}

// What the first round makes of the two words that it multiplies.
typedef struct first_round {
  uint32_t word_0, word_1, word_2, word_3;  // word 0 still without the block, word 2 without the block and the plane
} first_round;

static inline first_round make_first_round(const simdrop_mask_source *source) {
  const uint64_t product_0 = (uint64_t)SIMDROP_PHILOX_MULTIPLIER_0 * source->stream[0];
  const uint64_t product_1 = (uint64_t)SIMDROP_PHILOX_MULTIPLIER_1 * source->stream[1];
  return (first_round){
      .word_0 = (uint32_t)(product_1 >> 32) ^ round_key_0(source, 0),
      .word_1 = (uint32_t)product_1,
      .word_2 = (uint32_t)(product_0 >> 32) ^ round_key_1(source, 0),
      .word_3 = (uint32_t)product_0,
  };
}

// What one call draws with.
typedef struct drawing {
  simdrop_mask_source *source;
  first_round first;
  interleave_pace pace;
  round_keys keys;
} drawing;

static inline void begin_rounds(drawing *call) {
  call->first = make_first_round(call->source);
  make_round_keys(call->source, &call->keys);
}

static inline void make_schedule(drawing *call, uint32_t block_high) {
  simdrop_plane_schedule *const schedule = &call->source->schedule;
  for (int plane = 0; plane < call->source->plane_count; ++plane) {
    const uint32_t word_2 = ((uint32_t)plane << SIMDROP_PLANE_SHIFT) ^ call->first.word_2 ^ block_high;
    const uint64_t product_1 = (uint64_t)SIMDROP_PHILOX_MULTIPLIER_1 * word_2;
    const uint32_t word_0 = (uint32_t)(product_1 >> 32) ^ call->first.word_1 ^ round_key_0(call->source, 1);
    const uint64_t product_0 = (uint64_t)SIMDROP_PHILOX_MULTIPLIER_0 * word_0;
    schedule->word_0[plane] = (uint32_t)product_1 ^ round_key_0(call->source, 2);
    schedule->word_2[plane] = (uint32_t)(product_0 >> 32) ^ round_key_1(call->source, 2);
    schedule->word_3[plane] = (uint32_t)product_0 ^ round_key_1(call->source, PLANE_ROUND);
  }
  schedule->block_high = block_high;
  schedule->ready = call->source->plane_count;
}

static inline void begin_planes(drawing *call) { (void)call; }  // a plane is broadcast from the schedule where it is drawn

// The parts of words 0, 1 and 2 after three rounds that depend on the block.
static inline __attribute__((always_inline)) void make_block_part(const drawing *call, simd_words block_low, simd_words *part_0,
                                                                  simd_words *part_1, simd_words *part_2) {
  const simd_words multiplier_0 = simd_words_set(SIMDROP_PHILOX_MULTIPLIER_0);
  const simd_words multiplier_1 = simd_words_set(SIMDROP_PHILOX_MULTIPLIER_1);
  const simd_words word_0 = simd_words_xor(block_low, simd_words_set(call->first.word_0));
  const simd_words word_2 = simd_words_xor(simd_multiply_upper(word_0, multiplier_0),
                                           simd_words_set(call->first.word_3 ^ round_key_1(call->source, 1)));
  *part_0 = simd_multiply_upper(word_2, multiplier_1);
  *part_1 = simd_words_xor(simd_multiply_lower(word_2, multiplier_1), simd_words_set(round_key_0(call->source, PLANE_ROUND)));
  *part_2 = simd_multiply_lower(word_0, multiplier_0);
}

// One plane's bits of a vector of blocks, a vector for each of the call's words.
static inline __attribute__((always_inline)) void draw_plane(const drawing *call, int plane, simd_words part_0,
                                                             simd_words part_1, simd_words part_2, simd_words *bits_0,
                                                             simd_words *bits_1, simd_words *bits_2, simd_words *bits_3) {
  const simdrop_plane_schedule *const schedule = &call->source->schedule;
  const simd_words multiplier_0 = simd_words_set(SIMDROP_PHILOX_MULTIPLIER_0);
  const simd_words multiplier_1 = simd_words_set(SIMDROP_PHILOX_MULTIPLIER_1);
  simd_words word_0 = simd_words_xor(part_0, simd_words_set((uint32_t)schedule->word_0[plane]));
  simd_words word_1 = part_1;
  simd_words word_2 = simd_words_xor(part_2, simd_words_set((uint32_t)schedule->word_2[plane]));
  simd_words word_3 = simd_words_set((uint32_t)schedule->word_3[plane]);
  SIMDROP_UNROLL
  for (int round = PLANE_ROUND; round < SIMDROP_PHILOX_ROUNDS; ++round) {
    const simd_words upper_0 = simd_multiply_upper(word_0, multiplier_0), lower_0 = simd_multiply_lower(word_0, multiplier_0);
    const simd_words upper_1 = simd_multiply_upper(word_2, multiplier_1), lower_1 = simd_multiply_lower(word_2, multiplier_1);
    if (round == PLANE_ROUND) {  // its keys are in the parts
      word_0 = simd_words_xor(upper_1, word_1);
      word_2 = simd_words_xor(upper_0, word_3);
    } else {
      word_0 = simd_words_xor3(upper_1, word_1, simd_words_set(call->keys.word_0[round]));
      word_2 = simd_words_xor3(upper_0, word_3, simd_words_set(call->keys.word_2[round]));
    }
    word_1 = lower_1;
    word_3 = lower_0;
  }
  *bits_0 = word_0;
  *bits_1 = word_1;
  *bits_2 = word_2;
  *bits_3 = word_3;
}

// Takes a plane's bits of one word: what it keeps if all that is undecided is kept (upper), and if it is dropped (lower).
static inline __attribute__((always_inline)) void take_bits(bool threshold_bit, bool exact, simd_words bits, simd_words *upper,
                                                            simd_words *lower) {
  if (threshold_bit) {
    *upper = simd_words_and(bits, *upper);
    if (!exact) *lower = simd_words_and(bits, *lower);
  } else {
    *upper = simd_words_or(bits, *upper);
    if (!exact) *lower = simd_words_or(bits, *lower);
  }
}

// The blocks of one batch that the dense planes leave undecided, and their undecided elements.
typedef struct straggler_list {
  size_t count;
  uint32_t position[BATCH_BLOCKS + MOST_LANES];  // in the batch
  uint32_t undecided[CALL_WORDS][BATCH_BLOCKS + MOST_LANES];
} straggler_list;

// A batch's block numbers and masks, word by word; its last vector may reach past the last block.
typedef struct batch_state {
  uint32_t numbers[BATCH_BLOCKS + MOST_LANES];
  uint32_t masks[CALL_WORDS * (BATCH_BLOCKS + MOST_LANES)];
  straggler_list stragglers;
} batch_state;

// Lists the blocks in which something is undecided; the first is at `position` in the batch.
static inline __attribute__((always_inline)) void add_stragglers(straggler_list *stragglers, size_t position,
                                                                 simd_words undecided_0, simd_words undecided_1,
                                                                 simd_words undecided_2, simd_words undecided_3) {
  const simd_lanes lanes =
      simd_nonzero_lanes(simd_words_or(simd_words_or(undecided_0, undecided_1), simd_words_or(undecided_2, undecided_3)));
  simd_compress_store(stragglers->undecided[0] + stragglers->count, lanes, undecided_0);
  simd_compress_store(stragglers->undecided[1] + stragglers->count, lanes, undecided_1);
  simd_compress_store(stragglers->undecided[2] + stragglers->count, lanes, undecided_2);
  simd_compress_store(stragglers->undecided[3] + stragglers->count, lanes, undecided_3);
  simd_compress_store(stragglers->position + stragglers->count, lanes, simd_words_count_from((uint32_t)position));
  stragglers->count += simd_count_lanes(lanes);
}

// What one plane decides of one word's undecided elements.
static inline __attribute__((always_inline)) void settle_bits(bool threshold_bit, simd_words bits, simd_words *undecided,
                                                              simd_words *dropped) {
  if (threshold_bit) {
    *dropped = simd_words_or(*dropped, simd_words_and_not(bits, *undecided));
    *undecided = simd_words_and(bits, *undecided);
  } else {
    *undecided = simd_words_and_not(bits, *undecided);
  }
}

// Draws the lower planes for the listed blocks until nothing is undecided, and drops what they decide; what is equal to the
// threshold to the last plane stays kept.
static inline void finish_stragglers(drawing *call, batch_state *batch) {
  const simd_words zero = simd_words_set(0);
  const size_t lanes = simd_lane_count();
  straggler_list *const stragglers = &batch->stragglers;
  // Pads the last vector with blocks that have nothing undecided.
  simd_words_store(stragglers->position + stragglers->count, zero);
  for (int word = 0; word < CALL_WORDS; ++word) simd_words_store(stragglers->undecided[word] + stragglers->count, zero);
  for (size_t i = 0; i < stragglers->count; i += lanes) {
    uint32_t numbers[MOST_LANES], dropped[CALL_WORDS][MOST_LANES];
    for (size_t lane = 0; lane < lanes; ++lane) numbers[lane] = batch->numbers[stragglers->position[i + lane]];
    simd_words part_0, part_1, part_2;
    make_block_part(call, simd_words_load(numbers), &part_0, &part_1, &part_2);
    simd_words undecided_0 = simd_words_load(stragglers->undecided[0] + i);
    simd_words undecided_1 = simd_words_load(stragglers->undecided[1] + i);
    simd_words undecided_2 = simd_words_load(stragglers->undecided[2] + i);
    simd_words undecided_3 = simd_words_load(stragglers->undecided[3] + i);
    simd_words dropped_0 = zero, dropped_1 = zero, dropped_2 = zero, dropped_3 = zero;
    int plane = DENSE_PLANES;
    bool any;
    do {
      const bool bit = threshold_bit(call->source, plane);
      simd_words bits_0, bits_1, bits_2, bits_3;
      draw_plane(call, plane, part_0, part_1, part_2, &bits_0, &bits_1, &bits_2, &bits_3);
      settle_bits(bit, bits_0, &undecided_0, &dropped_0);
      settle_bits(bit, bits_1, &undecided_1, &dropped_1);
      settle_bits(bit, bits_2, &undecided_2, &dropped_2);
      settle_bits(bit, bits_3, &undecided_3, &dropped_3);
      any = simd_any(simd_words_or(simd_words_or(undecided_0, undecided_1), simd_words_or(undecided_2, undecided_3)));
      keep_pace(&call->pace);
    } while (++plane < call->source->plane_count && any);
    simd_words_store(dropped[0], dropped_0);
    simd_words_store(dropped[1], dropped_1);
    simd_words_store(dropped[2], dropped_2);
    simd_words_store(dropped[3], dropped_3);
    for (size_t lane = 0; lane < lanes; ++lane)
      for (int word = 0; word < CALL_WORDS; ++word)
        batch->masks[CALL_WORDS * stragglers->position[i + lane] + (size_t)word] &= ~dropped[word][lane];
  }
}

// At most BATCH_BLOCKS blocks. `dense` planes are taken for all of them.
static inline __attribute__((always_inline)) void mask_batch(drawing *call, int dense, bool exact, const batch_blocks *blocks,
                                                             size_t block_count, uint64_t *words) {
  const simd_words zero = simd_words_set(0), ones = simd_words_set(~UINT32_C(0));
  const size_t lanes = simd_lane_count();
  batch_state batch;
  batch.stragglers.count = 0;
  for (size_t b = 0; b < BATCH_BLOCKS + MOST_LANES; ++b)
    batch.numbers[b] = blocks->list != NULL ? (uint32_t)blocks->list[b < BATCH_BLOCKS ? b : 0] : blocks->first + (uint32_t)b;
  for (size_t done = 0; done < block_count; done += lanes) {
    simd_words part_0, part_1, part_2;
    make_block_part(call, simd_words_load(batch.numbers + done), &part_0, &part_1, &part_2);
    simd_words upper_0 = ones, upper_1 = ones, upper_2 = ones, upper_3 = ones;
    simd_words lower_0 = zero, lower_1 = zero, lower_2 = zero, lower_3 = zero;
    for (int plane = dense - 1; plane >= 0; --plane) {
      const bool bit = threshold_bit(call->source, plane);
      simd_words bits_0, bits_1, bits_2, bits_3;
      draw_plane(call, plane, part_0, part_1, part_2, &bits_0, &bits_1, &bits_2, &bits_3);
      take_bits(bit, exact, bits_0, &upper_0, &lower_0);
      take_bits(bit, exact, bits_1, &upper_1, &lower_1);
      take_bits(bit, exact, bits_2, &upper_2, &lower_2);
      take_bits(bit, exact, bits_3, &upper_3, &lower_3);
      keep_pace(&call->pace);
    }
    simd_store_calls(batch.masks + CALL_WORDS * done, upper_0, upper_1, upper_2, upper_3);
    if (!exact)
      add_stragglers(&batch.stragglers, done, simd_words_and_not(lower_0, upper_0), simd_words_and_not(lower_1, upper_1),
                     simd_words_and_not(lower_2, upper_2), simd_words_and_not(lower_3, upper_3));
  }
  // Blocks past the end were drawn to fill the last vector; those that are listed cost time but no harm.
  if (!exact) finish_stragglers(call, &batch);
  memcpy(words, batch.masks, block_count * SIMDROP_BLOCK_WORDS * sizeof *words);
}

static inline __attribute__((always_inline)) void mask_batch_by_planes(drawing *call, const batch_blocks *blocks, size_t count,
                                                                       uint64_t *words) {
  if (call->source->plane_count <= DENSE_PLANES) {
    mask_batch(call, call->source->plane_count, true, blocks, count, words);
  } else {
    mask_batch(call, DENSE_PLANES, false, blocks, count, words);
  }
}

// There is no other way for few blocks.
static inline bool are_few(const simdrop_mask_source *source, size_t block_count) {
  (void)source;
  (void)block_count;
  return false;
}

static inline void mask_one_block(simdrop_mask_source *source, uint64_t block_number, size_t count, uint64_t *words) {
  (void)source;
  (void)block_number;
  (void)count;
  (void)words;
}

static inline void mask_few_elements(simdrop_mask_source *source, uint64_t block_number, size_t count, uint64_t *words) {
  mask_one_block(source, block_number, count, words);
}

// A step takes whole vectors, and may look past the end of the list.
static inline void make_list(const uint64_t *blocks, size_t block_count, uint64_t *list) {
  for (size_t b = 0; b < BATCH_BLOCKS; ++b) list[b] = (uint32_t)blocks[b < block_count ? b : block_count - 1];
}

static inline size_t count_batches(const simdrop_mask_source *source, size_t block_count) {
  const size_t lanes = simd_lane_count();
  const size_t vectors = (block_count + lanes - 1) / lanes;
  return vectors * (size_t)(source->plane_count < DENSE_PLANES ? source->plane_count : DENSE_PLANES);
}

#include "common/producer_calls.h"

#endif

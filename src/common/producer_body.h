// The vector backends' mask producer, in the words of the backend's simd.h (included before this file).
//
// Every 64-bit lane is a Philox call for one block. A multiplication reads only a lane's lower half, so the upper halves may
// hold anything, and a round is two products, two shifts and two three-way xors without a shuffle.
//
// The counter is { lo stream, lo block, hi stream, hi block | plane << 25 }. Round 1 multiplies words 0 and 2, which are the
// call's own; it only xors the block and the plane in. Round 2 multiplies what now depends on the block alone, and what
// depends on the plane alone, and round 3 once more, crosswise. After it
//     word 0 = (block part) ^ (plane part)    word 1 = block part
//     word 2 = (block part) ^ (plane part)    word 3 = plane part
// so the plane parts are made once a call (the schedule), the block parts once a block, and each plane of each block costs
// two xors and the remaining seven rounds.
//
// The planes are evaluated from the lowest to the highest:  kept = t ? u & kept : u | kept,  with t the threshold's bit of
// the plane. Started from ones it counts all that is undecided as kept, started from zeros as dropped: where the two
// differ, lower planes decide. Nearly all elements are decided by the first SIMD_DENSE_PLANES; a block in which some are
// not goes to a list, and the list is finished with full vectors again.
#ifndef SIMDROP_COMMON_PRODUCER_BODY_H
#define SIMDROP_COMMON_PRODUCER_BODY_H

#include "common/producer_parts.h"

enum {
  MOST_IN_FLIGHT = 8,
  // Vectors of blocks whose one plane is drawn between two steps of interleaved work. With all four that AVX-512 draws side by
  // side otherwise, a chunk of f32 is done in one go: on Sapphire Rapids that took 1.06 times as long in L2
  // (docs/measurements.md).
  VECTORS_BETWEEN_STEPS = 2,
  ONE_PLANE_VECTORS = VECTORS_BETWEEN_STEPS < SIMD_FEW_PLANES_IN_FLIGHT ? VECTORS_BETWEEN_STEPS : SIMD_FEW_PLANES_IN_FLIGHT
};

static_assert(SIMD_FEW_PLANES_IN_FLIGHT * SIMD_LANES <= SIMDROP_BLOCK_PADDING, "a step may write past the padding");
static_assert(SIMD_FEW_PLANES_IN_FLIGHT >= 2, "two planes of one vector of blocks are drawn side by side");
static_assert(SIMD_PLANES_IN_FLIGHT <= MOST_IN_FLIGHT && SIMD_STRAGGLER_PLANES <= MOST_IN_FLIGHT &&
                  SIMD_FEW_PLANES_IN_FLIGHT <= MOST_IN_FLIGHT,
              "more in flight than the arrays hold");
static_assert(BATCH_BLOCKS % (SIMD_FEW_PLANES_IN_FLIGHT * SIMD_LANES) == 0, "a batch is whole steps");
static_assert(SIMD_FEW_PLANES_IN_FLIGHT % ONE_PLANE_VECTORS == 0, "a batch is whole groups of vectors between steps too");

// The round keys, one vector each.
typedef struct round_keys {
  simd_words word_0[SIMDROP_PHILOX_ROUNDS];
  simd_words word_2[SIMDROP_PHILOX_ROUNDS];
} round_keys;

static inline void make_round_keys(const simdrop_mask_source *source, round_keys *keys) {
  for (int round = PLANE_ROUND + 1; round < SIMDROP_PHILOX_ROUNDS; ++round) {
    keys->word_0[round] = simd_words_set(round_key_0(source, round));
    keys->word_2[round] = simd_words_set(round_key_1(source, round));
  }
}

// What one call draws with.
typedef struct drawing {
  simdrop_mask_source *source;
  first_round first;
  interleave_pace pace;
  round_keys keys;
} drawing;

// The part of words 0, 1 and 2 after three rounds that depends on the block, and of words 0, 2 and 3 that depends on the
// plane. Words 1 and 3 come with the fourth round's key, which meets nothing else.
typedef struct block_part {
  simd_words word_0, word_1, word_2;
} block_part;

typedef struct plane_part {
  simd_words word_0, word_2, word_3;
} plane_part;

static inline block_part make_block_part(const drawing *call, simd_u64 block_low) {
  const simd_words multiplier_0 = simd_words_set(SIMDROP_PHILOX_MULTIPLIER_0);
  const simd_words multiplier_1 = simd_words_set(SIMDROP_PHILOX_MULTIPLIER_1);
  const simd_words word_0 = simd_words_xor(simd_words_of_lanes(block_low), simd_words_set(call->first.word_0));
  const simd_products product_0 = simd_multiply_words(word_0, multiplier_0);
  const simd_words word_2 =
      simd_words_xor(simd_upper_words(product_0), simd_words_set(call->first.word_3 ^ round_key_1(call->source, 1)));
  const simd_products product_1 = simd_multiply_words(word_2, multiplier_1);
  return (block_part){
      .word_0 = simd_upper_words(product_1),
      .word_1 = simd_words_xor(simd_lower_words(product_1), simd_words_set(round_key_0(call->source, PLANE_ROUND))),
      .word_2 = simd_lower_words(product_0),
  };
}

static inline plane_part make_plane_part(const drawing *call, simd_u64 plane, uint32_t block_high) {
  const simd_words multiplier_0 = simd_words_set(SIMDROP_PHILOX_MULTIPLIER_0);
  const simd_words multiplier_1 = simd_words_set(SIMDROP_PHILOX_MULTIPLIER_1);
  const simd_words shifted = simd_words_of_lanes(simd_shift_left(plane, SIMDROP_PLANE_SHIFT));
  const simd_words word_2 = simd_words_xor(shifted, simd_words_set(call->first.word_2 ^ block_high));
  const simd_products product_1 = simd_multiply_words(word_2, multiplier_1);
  const simd_words word_0 =
      simd_words_xor(simd_upper_words(product_1), simd_words_set(call->first.word_1 ^ round_key_0(call->source, 1)));
  const simd_products product_0 = simd_multiply_words(word_0, multiplier_0);
  return (plane_part){
      .word_0 = simd_words_xor(simd_lower_words(product_1), simd_words_set(round_key_0(call->source, 2))),
      .word_2 = simd_words_xor(simd_upper_words(product_0), simd_words_set(round_key_1(call->source, 2))),
      .word_3 = simd_words_xor(simd_lower_words(product_0), simd_words_set(round_key_1(call->source, PLANE_ROUND))),
  };
}

static inline void make_schedule(drawing *call, uint32_t block_high) {
  simdrop_plane_schedule *const schedule = &call->source->schedule;
  for (int plane = 0; plane < call->source->plane_count; plane += SIMD_LANES) {
    const plane_part part = make_plane_part(call, simd_count_from((uint64_t)plane, 1), block_high);
    simd_store(schedule->word_0 + plane, simd_lanes_of_words(part.word_0));
    simd_store(schedule->word_2 + plane, simd_lanes_of_words(part.word_2));
    simd_store(schedule->word_3 + plane, simd_lanes_of_words(part.word_3));
  }
  schedule->block_high = block_high;
  schedule->ready = 1;
}

// A plane's bits for one vector of blocks: words 0 and 1 of each in `low`, words 2 and 3 in `high`.
typedef struct plane_bits {
  simd_u64 low, high;
} plane_bits;

// Rounds 4 to 10 for `count` independent vectors, round by round, so that the products of one hide behind the others'.
static inline __attribute__((always_inline)) void finish_rounds(int count, const block_part *block, const plane_part *plane,
                                                                const round_keys *keys, plane_bits *bits) {
  const simd_words multiplier_0 = simd_words_set(SIMDROP_PHILOX_MULTIPLIER_0);
  const simd_words multiplier_1 = simd_words_set(SIMDROP_PHILOX_MULTIPLIER_1);
  simd_words word_0[MOST_IN_FLIGHT], word_1[MOST_IN_FLIGHT], word_2[MOST_IN_FLIGHT], word_3[MOST_IN_FLIGHT];
  SIMDROP_UNROLL
  for (int i = 0; i < count; ++i) {
    const simd_products product_0 = simd_multiply_words(simd_words_xor(block[i].word_0, plane[i].word_0), multiplier_0);
    const simd_products product_1 = simd_multiply_words(simd_words_xor(block[i].word_2, plane[i].word_2), multiplier_1);
    word_0[i] = simd_words_xor(simd_upper_words(product_1), block[i].word_1);
    word_1[i] = simd_lower_words(product_1);
    word_2[i] = simd_words_xor(simd_upper_words(product_0), plane[i].word_3);
    word_3[i] = simd_lower_words(product_0);
  }
  SIMDROP_UNROLL
  for (int round = PLANE_ROUND + 1; round < SIMDROP_PHILOX_ROUNDS - 1; ++round) {
    SIMDROP_UNROLL
    for (int i = 0; i < count; ++i) {
      const simd_products product_0 = simd_multiply_words(word_0[i], multiplier_0);
      const simd_products product_1 = simd_multiply_words(word_2[i], multiplier_1);
      word_0[i] = simd_words_xor3(simd_upper_words(product_1), word_1[i], keys->word_0[round]);
      word_1[i] = simd_lower_words(product_1);
      word_2[i] = simd_words_xor3(simd_upper_words(product_0), word_3[i], keys->word_2[round]);
      word_3[i] = simd_lower_words(product_0);
    }
  }
  SIMDROP_UNROLL
  for (int i = 0; i < count; ++i) {
    const simd_products product_0 = simd_multiply_words(word_0[i], multiplier_0);
    const simd_products product_1 = simd_multiply_words(word_2[i], multiplier_1);
    const int last = SIMDROP_PHILOX_ROUNDS - 1;
    bits[i].low = simd_last_words(product_1, word_1[i], keys->word_0[last]);
    bits[i].high = simd_last_words(product_0, word_3[i], keys->word_2[last]);
  }
}

// Two answers for one vector of blocks: with the undecided elements kept, and with them dropped.
typedef struct bounds {
  plane_bits upper, lower;
} bounds;

static inline __attribute__((always_inline)) simd_u64 descend(bool threshold_bit, simd_u64 u, simd_u64 kept) {
  return threshold_bit ? simd_and(u, kept) : simd_or(u, kept);
}

static inline __attribute__((always_inline)) void take_plane(bool threshold_bit, bool exact, const plane_bits *u,
                                                             bounds *kept) {
  kept->upper.low = descend(threshold_bit, u->low, kept->upper.low);
  kept->upper.high = descend(threshold_bit, u->high, kept->upper.high);
  if (!exact) {
    kept->lower.low = descend(threshold_bit, u->low, kept->lower.low);
    kept->lower.high = descend(threshold_bit, u->high, kept->lower.high);
  }
}

// Takes planes first_plane + planes - 1 down to first_plane, for `vectors` vectors of blocks, planes * vectors at once.
static inline __attribute__((always_inline)) void take_planes(drawing *call, int vectors, int planes, bool exact,
                                                              int first_plane, const block_part *blocks, bounds *kept) {
  const simdrop_plane_schedule *const schedule = &call->source->schedule;
  block_part block[MOST_IN_FLIGHT];
  plane_part part[MOST_IN_FLIGHT];
  plane_bits bits[MOST_IN_FLIGHT];
  SIMDROP_UNROLL
  for (int i = 0; i < planes * vectors; ++i) {
    const int plane = first_plane + i / vectors;
    block[i] = blocks[i % vectors];
    part[i].word_0 = simd_words_set((uint32_t)schedule->word_0[plane]);
    part[i].word_2 = simd_words_set((uint32_t)schedule->word_2[plane]);
    part[i].word_3 = simd_words_set((uint32_t)schedule->word_3[plane]);
  }
  finish_rounds(planes * vectors, block, part, &call->keys, bits);
  SIMDROP_UNROLL
  for (int i = planes * vectors - 1; i >= 0; --i)
    take_plane(threshold_bit(call->source, first_plane + i / vectors), exact, &bits[i], &kept[i % vectors]);
  keep_pace(&call->pace);
}

// The numbers of the blocks of the vector that begins at `done`, at these positions of the batch, in the lanes' lower halves.
static inline __attribute__((always_inline)) simd_u64 numbers_of_vector(const batch_blocks *blocks, size_t done,
                                                                        simd_u64 position) {
  if (blocks->list != NULL) return simd_load(blocks->in_lanes + done);
  return simd_add(position, simd_set(blocks->first));
}

// The same for any positions.
static inline __attribute__((always_inline)) simd_u64 numbers_at(const batch_blocks *blocks, simd_u64 position) {
  if (blocks->list == NULL) return simd_add(position, simd_set(blocks->first));
  alignas(64) uint64_t at[SIMD_LANES];
  simd_store(at, position);
  for (int lane = 0; lane < SIMD_LANES; ++lane) at[lane] = blocks->list[at[lane]];
  return simd_load(at);
}

// The blocks of one batch that the first planes leave undecided, and their undecided elements.
typedef struct straggler_list {
  size_t count;
  alignas(64) uint64_t position[BATCH_BLOCKS + SIMD_LANES];  // in the batch
  alignas(64) uint64_t low[BATCH_BLOCKS + SIMD_LANES];
  alignas(64) uint64_t high[BATCH_BLOCKS + SIMD_LANES];
} straggler_list;

static inline void add_stragglers(straggler_list *stragglers, simd_u64 position, const bounds *kept) {
  const simd_u64 low = simd_and_not(kept->lower.low, kept->upper.low);
  const simd_u64 high = simd_and_not(kept->lower.high, kept->upper.high);
  const simd_lanes lanes = simd_nonzero_lanes(simd_or(low, high));
  simd_compress_store(stragglers->position + stragglers->count, lanes, position);
  simd_compress_store(stragglers->low + stragglers->count, lanes, low);
  simd_compress_store(stragglers->high + stragglers->count, lanes, high);
  stragglers->count += simd_count_lanes(lanes);
}

// Draws the lower planes for the listed blocks, two at a time until nothing is undecided, and drops in `words` what they
// decide; what is equal to the threshold to the last plane stays kept.
static inline void finish_stragglers(drawing *call, int first_plane, const batch_blocks *blocks, straggler_list *stragglers,
                                     uint64_t *words) {
  const simd_u64 zero = simd_set(0), ones = simd_set(~UINT64_C(0));
  simd_store(stragglers->position + stragglers->count, zero);  // pads the last vector with blocks that have nothing undecided
  simd_store(stragglers->low + stragglers->count, zero);
  simd_store(stragglers->high + stragglers->count, zero);
  for (size_t i = 0; i < stragglers->count; i += SIMD_LANES) {
    const simd_u64 position = simd_load(stragglers->position + i);
    const block_part block = make_block_part(call, numbers_at(blocks, position));
    plane_bits undecided = {simd_load(stragglers->low + i), simd_load(stragglers->high + i)};
    plane_bits dropped = {zero, zero};
    int plane = first_plane;
    do {
      bounds kept = {{ones, ones}, {zero, zero}};
      // NOLINTNEXTLINE(bugprone-branch-clone): the same where SIMD_STRAGGLER_PLANES is 1
      if (plane + SIMD_STRAGGLER_PLANES <= call->source->plane_count) {
        take_planes(call, 1, SIMD_STRAGGLER_PLANES, false, plane, &block, &kept);
        plane += SIMD_STRAGGLER_PLANES;
      } else {
        take_planes(call, 1, 1, false, plane, &block, &kept);
        plane += 1;
      }
      dropped.low = simd_or(dropped.low, simd_and_not(kept.upper.low, undecided.low));
      dropped.high = simd_or(dropped.high, simd_and_not(kept.upper.high, undecided.high));
      undecided.low = simd_and(undecided.low, simd_and_not(kept.lower.low, kept.upper.low));
      undecided.high = simd_and(undecided.high, simd_and_not(kept.lower.high, kept.upper.high));
    } while (plane < call->source->plane_count && simd_any(simd_or(undecided.low, undecided.high)));
    alignas(64) uint64_t low[SIMD_LANES], high[SIMD_LANES];
    simd_store(low, dropped.low);
    simd_store(high, dropped.high);
    for (int lane = 0; lane < SIMD_LANES; ++lane) {
      uint64_t *const block_words = words + SIMDROP_BLOCK_WORDS * stragglers->position[i + (size_t)lane];
      block_words[0] &= ~low[lane];
      block_words[1] &= ~high[lane];
    }
  }
}

// At most BATCH_BLOCKS blocks, whose numbers do not wrap in their lower half. `dense` planes are taken for all of them.
static inline __attribute__((always_inline)) void mask_batch(drawing *call, int vectors, int dense, bool exact,
                                                             const batch_blocks *numbers, size_t block_count, uint64_t *words) {
  const simd_u64 zero = simd_set(0), ones = simd_set(~UINT64_C(0));
  straggler_list stragglers;
  stragglers.count = 0;
  for (size_t done = 0; done < block_count; done += (size_t)vectors * SIMD_LANES) {
    simd_u64 position[MOST_IN_FLIGHT];
    block_part blocks[MOST_IN_FLIGHT];
    bounds kept[MOST_IN_FLIGHT];
    SIMDROP_UNROLL
    for (int v = 0; v < vectors; ++v) {
      position[v] = simd_add(simd_block_order(), simd_set(done + (size_t)v * SIMD_LANES));
      blocks[v] = make_block_part(call, numbers_of_vector(numbers, done + (size_t)v * SIMD_LANES, position[v]));
      kept[v] = (bounds){{ones, ones}, {zero, zero}};
    }
    if (vectors > 1) {
      take_planes(call, vectors, dense, exact, 0, blocks, kept);
    } else {
      int plane = dense;
      for (; plane % SIMD_PLANES_IN_FLIGHT != 0; --plane) take_planes(call, 1, 1, exact, plane - 1, blocks, kept);
      for (; plane > 0; plane -= SIMD_PLANES_IN_FLIGHT)
        take_planes(call, 1, SIMD_PLANES_IN_FLIGHT, exact, plane - SIMD_PLANES_IN_FLIGHT, blocks, kept);
    }
    SIMDROP_UNROLL
    for (int v = 0; v < vectors; ++v) {
      simd_store_blocks(words + SIMDROP_BLOCK_WORDS * (done + (size_t)v * SIMD_LANES), kept[v].upper.low, kept[v].upper.high);
      if (!exact) add_stragglers(&stragglers, position[v], &kept[v]);
    }
  }
  if (!exact) {
    // Blocks past the end were drawn to fill the last vector; those that are listed cost time but no harm.
    finish_stragglers(call, dense, numbers, &stragglers, words);
  }
}

// Puts the planes of `lower` below those of `upper`, lane by lane: what the upper ones leave undecided, the lower ones
// decide.
static inline bounds join_planes(const bounds *upper, const bounds *lower) {
  return (bounds){
      .upper = {simd_or(upper->lower.low, simd_and(upper->upper.low, lower->upper.low)),
                simd_or(upper->lower.high, simd_and(upper->upper.high, lower->upper.high))},
      .lower = {simd_or(upper->lower.low, simd_and(upper->upper.low, lower->lower.low)),
                simd_or(upper->lower.high, simd_and(upper->upper.high, lower->lower.high))},
  };
}

static inline bounds rotate_bounds(const bounds *kept, int lanes) {
  return (bounds){
      .upper = {simd_rotate_lanes(kept->upper.low, lanes), simd_rotate_lanes(kept->upper.high, lanes)},
      .lower = {simd_rotate_lanes(kept->lower.low, lanes), simd_rotate_lanes(kept->lower.high, lanes)},
  };
}

// One block with the planes in the lanes: for calls too short to fill vectors with blocks. Sixteen planes leave one block in
// 500 undecided.
static inline void mask_one_block(drawing *call, uint64_t block_number, uint64_t *words) {
  enum {
    PLANES_AT_ONCE = 16,
    VECTORS = PLANES_AT_ONCE / SIMD_LANES
  };
  const simd_u64 ones = simd_set(~UINT64_C(0));
  const block_part one = make_block_part(call, simd_set((uint32_t)block_number));
  bounds kept = {{ones, ones}, {simd_set(0), simd_set(0)}};
  for (int plane = 0; plane < call->source->plane_count; plane += PLANES_AT_ONCE) {
    block_part block[VECTORS];
    plane_part part[VECTORS];
    plane_bits bits[VECTORS];
    simd_u64 planes[VECTORS];
    SIMDROP_UNROLL
    for (int i = 0; i < VECTORS; ++i) {  // vector i has planes i, i + VECTORS, ..., so that neighbours join without a rotation
      planes[i] = simd_count_from((uint64_t)plane + (uint64_t)i, VECTORS);
      block[i] = one;
      part[i] = make_plane_part(call, planes[i], (uint32_t)(block_number >> 32));
    }
    finish_rounds(VECTORS, block, part, &call->keys, bits);
    bounds drawn = {{ones, ones}, {simd_set(0), simd_set(0)}};
    SIMDROP_UNROLL
    for (int i = VECTORS - 1; i >= 0; --i) {
      const simd_u64 zero_bit = simd_threshold_is_zero(call->source->threshold, planes[i]);
      const bounds vector = {
          .upper = {simd_or(bits[i].low, zero_bit), simd_or(bits[i].high, zero_bit)},
          .lower = {simd_and(bits[i].low, zero_bit), simd_and(bits[i].high, zero_bit)},
      };
      drawn = join_planes(&vector, &drawn);
    }
    SIMDROP_UNROLL
    for (int lanes = 1; lanes < SIMD_LANES; lanes *= 2) {
      const bounds below = rotate_bounds(&drawn, lanes);
      drawn = join_planes(&drawn, &below);
    }
    kept = join_planes(&kept, &drawn);
    const simd_u64 undecided =
        simd_or(simd_and_not(kept.lower.low, kept.upper.low), simd_and_not(kept.lower.high, kept.upper.high));
    if (simd_first_lane(undecided) == 0) break;
  }
  words[0] = simd_first_lane(kept.upper.low);
  words[1] = simd_first_lane(kept.upper.high);
}

// One batch with as many dense planes as the threshold calls for.
static inline __attribute__((always_inline)) void mask_batch_by_planes(drawing *call, const batch_blocks *numbers, size_t count,
                                                                       uint64_t *words) {
  if (ONE_PLANE_VECTORS < SIMD_FEW_PLANES_IN_FLIGHT && call->source->plane_count == 1 && call->pace.interleave != NULL) {
    mask_batch(call, ONE_PLANE_VECTORS, 1, true, numbers, count, words);
  } else if (call->source->plane_count == 1) {
    mask_batch(call, SIMD_FEW_PLANES_IN_FLIGHT, 1, true, numbers, count, words);
  } else if (call->source->plane_count == 2) {
    mask_batch(call, SIMD_FEW_PLANES_IN_FLIGHT / 2, 2, true, numbers, count, words);
  } else if (call->source->plane_count <= SIMD_DENSE_PLANES) {
    mask_batch(call, 1, call->source->plane_count, true, numbers, count, words);
  } else {
    mask_batch(call, 1, SIMD_DENSE_PLANES, false, numbers, count, words);
  }
}

// A vector of blocks draws its dense planes in one go, so that only a block alone is sooner drawn by itself if there are no
// more.
static inline bool are_few(const simdrop_mask_source *source, size_t block_count) {
  if (block_count <= 1) return source->plane_count >= SIMD_ONE_BLOCK_PLANES;
  return block_count <= SIMD_FEW_BLOCKS && source->plane_count > SIMD_DENSE_PLANES;
}

// A batch's list with each vector in the order of simd_block_order.
static inline void order_list(const uint64_t *list, uint64_t *in_lanes) {
  uint64_t order[SIMD_LANES];
  simd_store(order, simd_block_order());
  for (size_t vector = 0; vector < BATCH_BLOCKS; vector += SIMD_LANES)
    for (int lane = 0; lane < SIMD_LANES; ++lane) in_lanes[vector + (size_t)lane] = list[vector + order[lane]];
}

// About, of planes.
static inline size_t count_batches(const simdrop_mask_source *source, size_t block_count) {
  const size_t vectors = (block_count + SIMD_LANES - 1) / SIMD_LANES;
  if (source->plane_count == 1) return (vectors + ONE_PLANE_VECTORS - 1) / ONE_PLANE_VECTORS;
  if (source->plane_count == 2)
    return (vectors * (size_t)source->plane_count + SIMD_FEW_PLANES_IN_FLIGHT - 1) / SIMD_FEW_PLANES_IN_FLIGHT;
  const int dense = source->plane_count < SIMD_DENSE_PLANES ? source->plane_count : SIMD_DENSE_PLANES;
  const size_t batches = vectors * (size_t)((dense + SIMD_PLANES_IN_FLIGHT - 1) / SIMD_PLANES_IN_FLIGHT);
  return source->plane_count > SIMD_DENSE_PLANES ? batches + vectors : batches;  // two blocks in five, and three batches each
}

#include "common/producer_calls.h"

#endif

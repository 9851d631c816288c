// The mask producer for vectors whose length is known only when the program runs (SVE): such vectors cannot be members of
// structures or arrays, of which the shared producer is made. The rounds and the planes are the same; its comment tells them.
// kernels.cpp includes this file once for each such target, in the target's name space, so it has no guard.
//
// A 32-bit lane is one word of a Philox call, and a call's four words are in four vectors, which an interleaved store puts
// together: there is a multiplication for the upper halves of products of 32-bit lanes, and no other widening one.

// Of longer vectors a part is used: a batch's last vector may be so much too long.
using tag_words = hn::CappedTag<uint32_t, SIMDROP_BLOCK_PADDING>;
using vector_words = hn::Vec<tag_words>;

enum {
  DENSE_PLANES = 8,  // planes that are drawn for every block, as in the backends with vectors of fixed length
  WORDS = 4,         // of a call
  MOST_LANES = SIMDROP_BLOCK_PADDING
};

struct round_keys {
  uint32_t word_0[SIMDROP_PHILOX_ROUNDS];
  uint32_t word_2[SIMDROP_PHILOX_ROUNDS];
};

static inline void make_round_keys(const simdrop_mask_source *source, round_keys *keys) {
  for (int round = PLANE_ROUND + 1; round < SIMDROP_PHILOX_ROUNDS; ++round) {
    keys->word_0[round] = round_key_0(source, round);
    keys->word_2[round] = round_key_1(source, round);
  }
}

// What one call draws with.
struct drawing {
  simdrop_mask_source *source;
  first_round first;
  interleave_pace pace;
  round_keys keys;
};

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
  schedule->ready = 1;
}

static HWY_INLINE vector_words set_word(uint32_t word) { return hn::Set(tag_words(), word); }

// The parts of words 0, 1 and 2 after three rounds that depend on the block.
static HWY_INLINE void make_block_part(const drawing *call, vector_words block_low, vector_words &part_0, vector_words &part_1,
                                       vector_words &part_2) {
  const vector_words multiplier_0 = set_word(SIMDROP_PHILOX_MULTIPLIER_0), multiplier_1 = set_word(SIMDROP_PHILOX_MULTIPLIER_1);
  const vector_words word_0 = hn::Xor(block_low, set_word(call->first.word_0));
  const vector_words word_2 =
      hn::Xor(hn::MulHigh(word_0, multiplier_0), set_word(call->first.word_3 ^ round_key_1(call->source, 1)));
  part_0 = hn::MulHigh(word_2, multiplier_1);
  part_1 = hn::Xor(hn::Mul(word_2, multiplier_1), set_word(round_key_0(call->source, PLANE_ROUND)));
  part_2 = hn::Mul(word_0, multiplier_0);
}

// One plane's bits of a vector of blocks, a vector for each of the call's words.
static HWY_INLINE void draw_plane(drawing *call, int plane, vector_words part_0, vector_words part_1, vector_words part_2,
                                  vector_words &bits_0, vector_words &bits_1, vector_words &bits_2, vector_words &bits_3) {
  const simdrop_plane_schedule *const schedule = &call->source->schedule;
  const vector_words multiplier_0 = set_word(SIMDROP_PHILOX_MULTIPLIER_0), multiplier_1 = set_word(SIMDROP_PHILOX_MULTIPLIER_1);
  bits_0 = hn::Xor(part_0, set_word((uint32_t)schedule->word_0[plane]));
  bits_1 = part_1;
  bits_2 = hn::Xor(part_2, set_word((uint32_t)schedule->word_2[plane]));
  bits_3 = set_word((uint32_t)schedule->word_3[plane]);
  SIMDROP_UNROLL
  for (int round = PLANE_ROUND; round < SIMDROP_PHILOX_ROUNDS; ++round) {
    const vector_words upper_0 = hn::MulHigh(bits_0, multiplier_0), lower_0 = hn::Mul(bits_0, multiplier_0);
    const vector_words upper_1 = hn::MulHigh(bits_2, multiplier_1), lower_1 = hn::Mul(bits_2, multiplier_1);
    if (round == PLANE_ROUND) {  // its keys are in the parts
      bits_0 = hn::Xor(upper_1, bits_1);
      bits_2 = hn::Xor(upper_0, bits_3);
    } else {
      bits_0 = hn::Xor3(upper_1, bits_1, set_word(call->keys.word_0[round]));
      bits_2 = hn::Xor3(upper_0, bits_3, set_word(call->keys.word_2[round]));
    }
    bits_1 = lower_1;
    bits_3 = lower_0;
  }
}

// Takes a plane's bits of one word: what it keeps if all that is undecided is kept (upper), and if it is dropped (lower).
static HWY_INLINE void take_bits(bool threshold_bit, bool exact, vector_words bits, vector_words &upper, vector_words &lower) {
  if (threshold_bit) {
    upper = hn::And(bits, upper);
    if (!exact) lower = hn::And(bits, lower);
  } else {
    upper = hn::Or(bits, upper);
    if (!exact) lower = hn::Or(bits, lower);
  }
}

// The blocks of one batch that the dense planes leave undecided, and their undecided elements.
struct straggler_list {
  size_t count;
  uint32_t position[BATCH_BLOCKS + MOST_LANES];  // in the batch
  uint32_t undecided[WORDS][BATCH_BLOCKS + MOST_LANES];
};

// A batch's block numbers and masks, word by word; its last vector may reach past the last block.
struct batch_state {
  uint32_t numbers[BATCH_BLOCKS + MOST_LANES];
  uint32_t masks[WORDS * (BATCH_BLOCKS + MOST_LANES)];
  straggler_list stragglers;
};

// What one plane decides of one word's undecided elements.
static HWY_INLINE void settle_bits(bool threshold_bit, vector_words bits, vector_words &undecided, vector_words &dropped) {
  if (threshold_bit) {
    dropped = hn::Or(dropped, hn::AndNot(bits, undecided));
    undecided = hn::And(bits, undecided);
  } else {
    undecided = hn::AndNot(bits, undecided);
  }
}

// Draws the lower planes for the listed blocks until nothing is undecided, and drops what they decide; what is equal to the
// threshold to the last plane stays kept.
static inline void finish_stragglers(drawing *call, batch_state *batch) {
  const tag_words tag;
  const size_t lanes = hn::Lanes(tag);
  straggler_list *const stragglers = &batch->stragglers;
  // Pads the last vector with blocks that have nothing undecided.
  hn::StoreU(set_word(0), tag, stragglers->position + stragglers->count);
  for (int word = 0; word < WORDS; ++word) hn::StoreU(set_word(0), tag, stragglers->undecided[word] + stragglers->count);
  for (size_t i = 0; i < stragglers->count; i += lanes) {
    uint32_t numbers[MOST_LANES], dropped[WORDS][MOST_LANES];
    for (size_t lane = 0; lane < lanes; ++lane) numbers[lane] = batch->numbers[stragglers->position[i + lane]];
    vector_words part_0, part_1, part_2;
    make_block_part(call, hn::LoadU(tag, numbers), part_0, part_1, part_2);
    vector_words undecided_0 = hn::LoadU(tag, stragglers->undecided[0] + i),
                 undecided_1 = hn::LoadU(tag, stragglers->undecided[1] + i);
    vector_words undecided_2 = hn::LoadU(tag, stragglers->undecided[2] + i),
                 undecided_3 = hn::LoadU(tag, stragglers->undecided[3] + i);
    vector_words dropped_0 = set_word(0), dropped_1 = set_word(0), dropped_2 = set_word(0), dropped_3 = set_word(0);
    int plane = DENSE_PLANES;
    bool any;
    do {
      const bool bit = threshold_bit(call->source, plane);
      vector_words bits_0, bits_1, bits_2, bits_3;
      draw_plane(call, plane, part_0, part_1, part_2, bits_0, bits_1, bits_2, bits_3);
      settle_bits(bit, bits_0, undecided_0, dropped_0);
      settle_bits(bit, bits_1, undecided_1, dropped_1);
      settle_bits(bit, bits_2, undecided_2, dropped_2);
      settle_bits(bit, bits_3, undecided_3, dropped_3);
      const vector_words undecided = hn::Or(hn::Or(undecided_0, undecided_1), hn::Or(undecided_2, undecided_3));
      any = !hn::AllFalse(tag, hn::Ne(undecided, set_word(0)));
      keep_pace(&call->pace);
    } while (++plane < call->source->plane_count && any);
    hn::StoreU(dropped_0, tag, dropped[0]);
    hn::StoreU(dropped_1, tag, dropped[1]);
    hn::StoreU(dropped_2, tag, dropped[2]);
    hn::StoreU(dropped_3, tag, dropped[3]);
    for (size_t lane = 0; lane < lanes; ++lane)
      for (int word = 0; word < WORDS; ++word)
        batch->masks[WORDS * stragglers->position[i + lane] + (size_t)word] &= ~dropped[word][lane];
  }
}

// At most BATCH_BLOCKS blocks. `dense` planes are taken for all of them.
static HWY_INLINE void mask_batch(drawing *call, int dense, bool exact, const batch_blocks *blocks, size_t block_count,
                                  uint64_t *words) {
  const tag_words tag;
  const size_t lanes = hn::Lanes(tag);
  batch_state batch;
  straggler_list *const stragglers = &batch.stragglers;
  stragglers->count = 0;
  for (size_t b = 0; b < BATCH_BLOCKS + MOST_LANES; ++b)
    batch.numbers[b] = blocks->list != nullptr ? (uint32_t)blocks->list[b < BATCH_BLOCKS ? b : 0] : blocks->first + (uint32_t)b;
  for (size_t done = 0; done < block_count; done += lanes) {
    vector_words part_0, part_1, part_2;
    make_block_part(call, hn::LoadU(tag, batch.numbers + done), part_0, part_1, part_2);
    vector_words upper_0 = set_word(~0u), upper_1 = set_word(~0u), upper_2 = set_word(~0u), upper_3 = set_word(~0u);
    vector_words lower_0 = set_word(0), lower_1 = set_word(0), lower_2 = set_word(0), lower_3 = set_word(0);
    for (int plane = dense - 1; plane >= 0; --plane) {
      const bool bit = threshold_bit(call->source, plane);
      vector_words bits_0, bits_1, bits_2, bits_3;
      draw_plane(call, plane, part_0, part_1, part_2, bits_0, bits_1, bits_2, bits_3);
      take_bits(bit, exact, bits_0, upper_0, lower_0);
      take_bits(bit, exact, bits_1, upper_1, lower_1);
      take_bits(bit, exact, bits_2, upper_2, lower_2);
      take_bits(bit, exact, bits_3, upper_3, lower_3);
      keep_pace(&call->pace);
    }
    hn::StoreInterleaved4(upper_0, upper_1, upper_2, upper_3, tag, batch.masks + WORDS * done);
    if (!exact) {
      const vector_words undecided_0 = hn::AndNot(lower_0, upper_0), undecided_1 = hn::AndNot(lower_1, upper_1);
      const vector_words undecided_2 = hn::AndNot(lower_2, upper_2), undecided_3 = hn::AndNot(lower_3, upper_3);
      const vector_words any = hn::Or(hn::Or(undecided_0, undecided_1), hn::Or(undecided_2, undecided_3));
      const auto listed = hn::Ne(any, set_word(0));
      hn::CompressStore(undecided_0, listed, tag, stragglers->undecided[0] + stragglers->count);
      hn::CompressStore(undecided_1, listed, tag, stragglers->undecided[1] + stragglers->count);
      hn::CompressStore(undecided_2, listed, tag, stragglers->undecided[2] + stragglers->count);
      hn::CompressStore(undecided_3, listed, tag, stragglers->undecided[3] + stragglers->count);
      stragglers->count +=
          hn::CompressStore(hn::Iota(tag, (uint32_t)done), listed, tag, stragglers->position + stragglers->count);
    }
  }
  // Blocks past the end were drawn to fill the last vector; those that are listed cost time but no harm.
  if (!exact) finish_stragglers(call, &batch);
  memcpy(words, batch.masks, block_count * SIMDROP_BLOCK_WORDS * sizeof *words);
}

static HWY_INLINE void mask_batch_by_planes(drawing *call, const batch_blocks *blocks, size_t count, uint64_t *words) {
  if (call->source->plane_count <= DENSE_PLANES) {
    mask_batch(call, call->source->plane_count, true, blocks, count, words);
  } else {
    mask_batch(call, DENSE_PLANES, false, blocks, count, words);
  }
}

// There is no other way for few blocks.
static inline bool are_few(const simdrop_mask_source *, size_t) { return false; }
static inline void mask_one_block(drawing *, uint64_t, uint64_t *) {}

// The list is used as it is.
static inline void order_list(const uint64_t *, uint64_t *) {}

static inline size_t count_batches(const simdrop_mask_source *source, size_t block_count) {
  const size_t lanes = hn::Lanes(tag_words());
  const size_t vectors = (block_count + lanes - 1) / lanes;
  return vectors * (size_t)(source->plane_count < DENSE_PLANES ? source->plane_count : DENSE_PLANES);
}

#include "common/producer_calls.h"

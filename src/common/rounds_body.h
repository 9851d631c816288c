// Philox in the words of a vector backend's simd.h (included before this file): its rounds, as masks and numbers are drawn.
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
#ifndef SIMDROP_COMMON_ROUNDS_BODY_H
#define SIMDROP_COMMON_ROUNDS_BODY_H

#include "common/producer_parts.h"
#include "common/scaled_lines.h"

enum {
  LAST_ROUND = SIMDROP_PHILOX_ROUNDS - 1,
  MOST_IN_FLIGHT = 8,
};

// Tells the compiler that an object in memory, or a variable, may be another than before, though it never is, so that it is
// read where it is needed. Compilers keep what is read twice in a register, and for that put others on the stack.
#define READ_AGAIN(object) __asm__ volatile("" : "+m"(object))
#define LOOK_AGAIN(variable) __asm__ volatile("" : "+r"(variable))

// On x86, an instruction's operand may be in memory, which costs nothing.
#if defined(__x86_64__) || defined(__i386__)
#define OPERANDS_IN_MEMORY true
#else
#define OPERANDS_IN_MEMORY false
#endif

// A plane's bits for one vector of blocks: words 0 and 1 of each in `low`, words 2 and 3 in `high`, in the order of
// simd_last_words.
typedef struct plane_bits {
  simd_u64 low, high;
} plane_bits;

// The round keys, one vector each: of the rounds up to the plane's, of those between it and the last, and of the last.
typedef struct round_keys {
  simd_words first_0[PLANE_ROUND + 1], first_2[PLANE_ROUND + 1];
  simd_words word_0[LAST_ROUND - PLANE_ROUND - 1];
  simd_words word_2[LAST_ROUND - PLANE_ROUND - 1];
  plane_bits last;
} round_keys;

static inline void make_round_keys(const simdrop_mask_source *source, round_keys *keys) {
  static const uint32_t weyl[2] = {SIMDROP_PHILOX_WEYL_0, SIMDROP_PHILOX_WEYL_1};
  const uint32_t *steps = weyl;
  LOOK_AGAIN(steps);  // or gcc makes each round's multiple a constant, which takes more instructions than to add
  const simd_words step_0 = simd_words_set(steps[0]), step_2 = simd_words_set(steps[1]);
  simd_words word_0 = simd_words_set(source->key[0]), word_2 = simd_words_set(source->key[1]);
  keys->first_0[0] = word_0;
  keys->first_2[0] = word_2;
  for (int i = 1; i <= PLANE_ROUND; ++i) {
    keys->first_0[i] = word_0 = simd_words_add(word_0, step_0);
    keys->first_2[i] = word_2 = simd_words_add(word_2, step_2);
  }
  for (int i = 0; i < LAST_ROUND - PLANE_ROUND - 1; ++i) {
    keys->word_0[i] = word_0 = simd_words_add(word_0, step_0);
    keys->word_2[i] = word_2 = simd_words_add(word_2, step_2);
  }
  keys->last.low = simd_last_key(round_key_0(source, LAST_ROUND), false);
  keys->last.high = simd_last_key(round_key_1(source, LAST_ROUND), false);
}

// What the first three rounds bring to every block, and the first to every plane.
typedef struct block_constants {
  simd_words word_0, word_1, word_2;
} block_constants;

typedef struct plane_constants {
  simd_words word_1, word_2;
} plane_constants;

// The part of words 0, 1 and 2 after three rounds that depends on the block, and of words 0, 2 and 3 that depends on the
// plane. Words 1 and 3 come with the fourth round's key, which meets nothing else.
typedef struct block_part {
  simd_words word_0, word_1, word_2;
} block_part;

typedef struct plane_part {
  simd_words word_0, word_2, word_3;
} plane_part;

// What one call draws with. A vector of blocks takes all of the vectors from memory, as operands of the instructions that need
// them.
typedef struct drawing {
  simdrop_mask_source *source;
  interleave_pace pace;
  round_keys keys;
  block_constants block;
  plane_constants plane;
  plane_part dense[SIMD_DENSE_PLANES];       // the planes that are drawn for every block
  plane_bits dense_keys[SIMD_DENSE_PLANES];  // the last round's: before stragglers, bits are 1 where they are the threshold's
  plane_part lower[SIMD_STRAGGLER_PLANES];   // the planes that are drawn for stragglers
} drawing;

// In vectors, though all lanes are alike: numbers on their way into a vector make a short call wait.
static inline void begin_rounds(drawing *call) {
  const simdrop_mask_source *const source = call->source;
  const round_keys *const keys = &call->keys;
  make_round_keys(source, &call->keys);
  const simd_products product_0 =
      simd_multiply_words(simd_words_set(source->stream[0]), simd_words_set(SIMDROP_PHILOX_MULTIPLIER_0));
  const simd_products product_1 =
      simd_multiply_words(simd_words_set(source->stream[1]), simd_words_set(SIMDROP_PHILOX_MULTIPLIER_1));
  call->block.word_0 = simd_words_xor(simd_upper_words(product_1), keys->first_0[0]);
  call->block.word_1 = keys->first_0[PLANE_ROUND];
  call->block.word_2 = simd_words_xor(simd_lower_words(product_0), keys->first_2[1]);
  call->plane.word_1 = simd_words_xor(simd_lower_words(product_1), keys->first_0[1]);
  call->plane.word_2 = simd_words_xor(simd_upper_words(product_0), keys->first_2[0]);
}

static inline block_part make_block_part(const drawing *call, simd_u64 block_low) {
  const simd_words multiplier_0 = simd_words_set(SIMDROP_PHILOX_MULTIPLIER_0);
  const simd_words multiplier_1 = simd_words_set(SIMDROP_PHILOX_MULTIPLIER_1);
  const simd_words word_0 = simd_words_xor(simd_words_of_lanes(block_low), call->block.word_0);
  const simd_products product_0 = simd_multiply_words(word_0, multiplier_0);
  const simd_words word_2 = simd_words_xor(simd_upper_words(product_0), call->block.word_2);
  const simd_products product_1 = simd_multiply_words(word_2, multiplier_1);
  return (block_part){
      .word_0 = simd_upper_words(product_1),
      .word_1 = simd_words_xor(simd_lower_words(product_1), call->block.word_1),
      .word_2 = simd_lower_words(product_0),
  };
}

static inline plane_part make_plane_part(const drawing *call, simd_u64 plane, uint32_t block_high) {
  const simd_words multiplier_0 = simd_words_set(SIMDROP_PHILOX_MULTIPLIER_0);
  const simd_words multiplier_1 = simd_words_set(SIMDROP_PHILOX_MULTIPLIER_1);
  const simd_words shifted = simd_words_of_lanes(simd_shift_left(plane, SIMDROP_PLANE_SHIFT));
  const simd_words word_2 = simd_words_xor3(shifted, call->plane.word_2, simd_words_set(block_high));
  const simd_products product_1 = simd_multiply_words(word_2, multiplier_1);
  const simd_words word_0 = simd_words_xor(simd_upper_words(product_1), call->plane.word_1);
  const simd_products product_0 = simd_multiply_words(word_0, multiplier_0);
  return (plane_part){
      .word_0 = simd_words_xor(simd_lower_words(product_1), call->keys.first_0[2]),
      .word_2 = simd_words_xor(simd_upper_words(product_0), call->keys.first_2[2]),
      .word_3 = simd_words_xor(simd_lower_words(product_0), call->keys.first_2[PLANE_ROUND]),
  };
}

// Rounds 4 to 10 for `count` independent vectors, round by round, so that the products of one hide behind the others'. A
// round of some vectors is followed by a line that is scaled, if there are any.
static inline __attribute__((always_inline)) void finish_rounds(int count, const block_part *block, const plane_part *plane,
                                                                round_keys *keys, bool read_keys_again,
                                                                const plane_bits *const *last_key, plane_bits *bits,
                                                                scaled_lines *lines) {
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
    scale_lines(lines, (i + 1) * SIMD_LANES);
  }
  SIMDROP_UNROLL
  for (int round = 0; round < LAST_ROUND - PLANE_ROUND - 1; ++round) {
    SIMDROP_UNROLL
    for (int i = 0; i < count; ++i) {
      if (read_keys_again) READ_AGAIN(*keys);
      const simd_products product_0 = simd_multiply_words(word_0[i], multiplier_0);
      const simd_products product_1 = simd_multiply_words(word_2[i], multiplier_1);
      word_0[i] = simd_words_xor3(simd_upper_words(product_1), word_1[i], keys->word_0[round]);
      word_1[i] = simd_lower_words(product_1);
      word_2[i] = simd_words_xor3(simd_upper_words(product_0), word_3[i], keys->word_2[round]);
      word_3[i] = simd_lower_words(product_0);
      scale_lines(lines, ((round + 1) * count + i + 1) * SIMD_LANES);
    }
  }
  SIMDROP_UNROLL
  for (int i = 0; i < count; ++i) {
    const simd_products product_0 = simd_multiply_words(word_0[i], multiplier_0);
    const simd_products product_1 = simd_multiply_words(word_2[i], multiplier_1);
    bits[i].low = simd_last_words(product_1, word_1[i], last_key[i]->low);
    bits[i].high = simd_last_words(product_0, word_3[i], last_key[i]->high);
    scale_lines(lines, ((LAST_ROUND - PLANE_ROUND) * count + i + 1) * SIMD_LANES);
  }
}

// Draws these planes for `vectors` vectors of blocks, all at once: all vectors' first plane, then their second, ... Where few
// planes decide, the keys are not read again: registers hold most of them (p = 0.5: up to 0.76 of the time, AVX-512 on Zen 4).
static inline __attribute__((always_inline)) void draw_planes(drawing *call, int vectors, int planes, bool read_keys_again,
                                                              const plane_part *parts, const plane_bits *last_keys,
                                                              const block_part *blocks, plane_bits *bits, scaled_lines *lines) {
  block_part block[MOST_IN_FLIGHT];
  plane_part part[MOST_IN_FLIGHT];
  const plane_bits *last_key[MOST_IN_FLIGHT];
  SIMDROP_UNROLL
  for (int i = 0; i < planes * vectors; ++i) {
    block[i] = blocks[i % vectors];
    part[i] = parts[i / vectors];
    last_key[i] = last_keys == NULL ? &call->keys.last : &last_keys[i / vectors];
  }
  finish_rounds(planes * vectors, block, part, &call->keys, read_keys_again, last_key, bits, lines);
}

// For numbers, all lanes of a vector have the same block, and each its own plane.

enum {
  VECTORS_OF_BLOCK = SIMDROP_PLANES / SIMD_LANES,
  WORDS_OF_VECTOR = 2 * SIMDROP_BLOCK_WORDS * SIMD_LANES,
};
static_assert(VECTORS_OF_BLOCK % SIMD_PLANES_IN_FLIGHT == 0, "a block's vectors are whole groups");

static inline void make_plane_parts(const drawing *call, unsigned first_plane, uint32_t block_high, plane_part *parts) {
  for (int v = 0; v < VECTORS_OF_BLOCK; ++v) {
    const simd_u64 planes = simd_add(simd_block_order(), simd_set(first_plane + (uint64_t)(v * SIMD_LANES)));
    parts[v] = make_plane_part(call, planes, block_high);
  }
}

#endif

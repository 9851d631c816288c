// Every word that a vector backend's simd.h has to say, with its signature: a word that is missing, or takes something else,
// does not compile. Included at the end of a vocabulary, and once for each of Highway's targets, so it has no guard.
#include <stdbool.h>
#include <string.h>

#include "common/element_types.h"
#include "common/simd_word.h"

#ifdef SIMD_LANES
// ---- producer: SIMD_LANES lanes of 64 bits, each a Philox call

SIMD_WORD(simd_u64, simd_set, (uint64_t value));
SIMD_WORD(simd_u64, simd_load, (const uint64_t *from));
SIMD_WORD(void, simd_store, (uint64_t to[], simd_u64 a));
SIMD_WORD(simd_u64, simd_add, (simd_u64 a, simd_u64 b));
SIMD_WORD(simd_u64, simd_and, (simd_u64 a, simd_u64 b));
SIMD_WORD(simd_u64, simd_or, (simd_u64 a, simd_u64 b));
SIMD_WORD(simd_u64, simd_xor, (simd_u64 a, simd_u64 b));
SIMD_WORD(simd_u64, simd_and_not, (simd_u64 a, simd_u64 b));  // ~a & b
SIMD_WORD(simd_u64, simd_shift_left, (simd_u64 a, int count));

// Lane i = first + i * step.
SIMD_WORD(simd_u64, simd_count_from, (uint64_t first, int step));

// Lane i = all ones where bit 31 - planes[i] of the threshold is 0, or there is no such bit.
SIMD_WORD(simd_u64, simd_threshold_is_zero, (uint64_t threshold, simd_u64 planes));

// Lane i = lane i + count (mod SIMD_LANES) of a, for count 1, 2, 4, ... below SIMD_LANES.
SIMD_WORD(simd_u64, simd_rotate_lanes, (simd_u64 a, int count));

// The block that each lane holds, in whatever order lets simd_store_blocks do with the fewest permutations. It stores the
// blocks of a vector one after the other: 128 bits each, a lane of `low` before one of `high`, each lane's words in order.
SIMD_WORD(simd_u64, simd_block_order, (void));
SIMD_WORD(void, simd_store_blocks, (uint64_t words[], simd_u64 low, simd_u64 high));

// Flips bits of the blocks that begin at words[where[i] >> 32], lane by lane in this order; what is below is not looked at.
SIMD_WORD(void, simd_flip_blocks, (uint64_t words[], const uint64_t where[], simd_u64 low, simd_u64 high));

// The two words of the first lane, in order.
SIMD_WORD(uint64_t, simd_first_words, (simd_u64 a));

// Bit i = the first bit of lane i's first word. Only where an instruction collects bits of lanes; such a backend defines the
// name.
#ifdef simd_first_bits
SIMD_WORD(unsigned, simd_first_bits, (simd_u64 a));
#endif

// The words of four output words of each lane as simd_u32_load_pairs would have them, had simd_store_blocks stored them: the
// even ones and the odd ones, in the order of simd_f32_store_pairs. Only where arithmetic.h's vectors are of the same type;
// such a backend defines SIMD_DRAWS_NORMALS, as 2 if the instructions that draw should come first (common/normals_body.h).
#ifdef SIMD_DRAWS_NORMALS
SIMD_WORD(void, simd_pairs_of_words, (simd_u64 low, simd_u64 high, simd_u64 *first, simd_u64 *second));
#endif

SIMD_WORD(simd_lanes, simd_nonzero_lanes, (simd_u64 a));
SIMD_WORD(bool, simd_any, (simd_u64 a));
SIMD_WORD(size_t, simd_count_lanes, (simd_lanes lanes));

// Stores the lanes that are set, side by side; what comes after them, up to a whole vector, may be overwritten.
SIMD_WORD(void, simd_compress_store, (uint64_t to[], simd_lanes lanes, simd_u64 a));

// Philox's words, one for each lane. Unless the backend has another way, they are the lower halves of 64-bit lanes, with
// anything above them; simd_words_set is the backend's own, as filling both halves may take an instruction less. Where a
// multiplication takes packed words (NEON), it says SIMD_PACKED_WORDS and all of these words itself.
#ifndef SIMD_PACKED_WORDS
SIMD_WORD(simd_u64, simd_xor3, (simd_u64 a, simd_u64 b, simd_u64 c));
SIMD_WORD(simd_u64, simd_high_half, (simd_u64 a));
SIMD_WORD(simd_u64, simd_multiply_low, (simd_u64 a, simd_u64 b));  // the full products of the lanes' lower halves

typedef simd_u64 simd_words;
typedef simd_u64 simd_products;
static inline simd_words simd_words_add(simd_words a, simd_words b) { return simd_add(a, b); }
static inline simd_words simd_words_xor(simd_words a, simd_words b) { return simd_xor(a, b); }
static inline simd_words simd_words_xor3(simd_words a, simd_words b, simd_words c) { return simd_xor3(a, b, c); }
static inline simd_products simd_multiply_words(simd_words a, simd_words b) { return simd_multiply_low(a, b); }
static inline simd_words simd_upper_words(simd_products products) { return simd_high_half(products); }
static inline simd_words simd_lower_words(simd_products products) { return products; }
static inline simd_words simd_words_of_lanes(simd_u64 lanes) { return lanes; }
static inline simd_u64 simd_lanes_of_words(simd_words words) { return words; }

// The lower half comes first, so that the product stays as it is.
static inline simd_u64 simd_last_key(uint32_t key, bool turned_over) {
  return simd_set((uint64_t)key << 32 ^ (turned_over ? ~UINT64_C(0) : 0));
}
static inline simd_u64 simd_last_words(simd_products product, simd_words word, simd_u64 key) {
  return simd_xor3(product, simd_shift_left(word, 32), key);
}
#endif

SIMD_WORD(simd_words, simd_words_set, (uint32_t word));
SIMD_WORD(simd_words, simd_words_add, (simd_words a, simd_words b));
SIMD_WORD(simd_words, simd_words_xor, (simd_words a, simd_words b));
SIMD_WORD(simd_words, simd_words_xor3, (simd_words a, simd_words b, simd_words c));
SIMD_WORD(simd_products, simd_multiply_words, (simd_words a, simd_words b));  // the full products
SIMD_WORD(simd_words, simd_upper_words, (simd_products products));
SIMD_WORD(simd_words, simd_lower_words, (simd_products products));
SIMD_WORD(simd_words, simd_words_of_lanes, (simd_u64 lanes));  // the lanes' lower halves
SIMD_WORD(simd_u64, simd_lanes_of_words, (simd_words words));  // with anything in the upper halves

// Two output words of a lane, the product's upper half ^ word ^ key and the product's lower half, in whatever order takes the
// fewest instructions: that of simd_store_blocks, simd_flip_blocks and simd_first_words. Every bit comes turned over where the
// key says so.
SIMD_WORD(simd_u64, simd_last_key, (uint32_t key, bool turned_over));
SIMD_WORD(simd_u64, simd_last_words, (simd_products products, simd_words word, simd_u64 key));

#else
// ---- producer for vectors whose length is known only when the program runs: lanes of 32 bits, each a word of a Philox call.
// Vectors and sets of lanes may be of types that are neither members of structures nor of arrays.

// The lanes that are used, at most SIMDROP_BLOCK_PADDING: loads and stores touch these alone.
SIMD_WORD(size_t, simd_lane_count, (void));

SIMD_WORD(simd_words, simd_words_set, (uint32_t word));
SIMD_WORD(simd_words, simd_words_load, (const uint32_t *from));
SIMD_WORD(void, simd_words_store, (uint32_t to[], simd_words a));
SIMD_WORD(simd_words, simd_words_count_from, (uint32_t first));  // first, first + 1, ...
SIMD_WORD(simd_words, simd_words_and, (simd_words a, simd_words b));
SIMD_WORD(simd_words, simd_words_or, (simd_words a, simd_words b));
SIMD_WORD(simd_words, simd_words_xor, (simd_words a, simd_words b));
SIMD_WORD(simd_words, simd_words_xor3, (simd_words a, simd_words b, simd_words c));
SIMD_WORD(simd_words, simd_words_and_not, (simd_words a, simd_words b));  // ~a & b

// The halves of the products, lane by lane.
SIMD_WORD(simd_words, simd_multiply_upper, (simd_words a, simd_words b));
SIMD_WORD(simd_words, simd_multiply_lower, (simd_words a, simd_words b));

// Stores four words of each lane, one lane after the other.
SIMD_WORD(void, simd_store_calls, (uint32_t to[], simd_words a, simd_words b, simd_words c, simd_words d));

SIMD_WORD(simd_lanes, simd_nonzero_lanes, (simd_words a));
SIMD_WORD(bool, simd_any, (simd_words a));
SIMD_WORD(size_t, simd_count_lanes, (simd_lanes lanes));

// Stores the lanes that are set, side by side; what comes after them, up to the lanes that are used, may be overwritten.
SIMD_WORD(void, simd_compress_store, (uint32_t to[], simd_lanes lanes, simd_words a));

#endif

// ---- consumers: exactly 64 elements under one word of decisions

// Orders non-temporal stores before what the thread does next.
SIMD_WORD(void, simd_finish_stores, (void));

// A lone word is one that nothing is drawn beside, a far word one whose elements come from memory or the last cache: only far
// words are asked for non-temporal stores. Where something else is quicker then, the backend defines the name.
#ifndef simd_scale_lone_word_f32
#define simd_scale_lone_word_f32 simd_scale_word_f32
#endif
#ifdef simd_scale_far_word_f32
#define SIMD_HAS_FAR_WORD_f32 1
#else
#define SIMD_HAS_FAR_WORD_f32 0
#define simd_scale_far_word_f32 simd_scale_word_f32
#endif
#ifndef simd_scale_lone_word_f64
#define simd_scale_lone_word_f64 simd_scale_word_f64
#endif
#ifdef simd_scale_far_word_f64
#define SIMD_HAS_FAR_WORD_f64 1
#else
#define SIMD_HAS_FAR_WORD_f64 0
#define simd_scale_far_word_f64 simd_scale_word_f64
#endif
#ifndef simd_scale_lone_word_f16
#define simd_scale_lone_word_f16 simd_scale_word_f16
#endif
#ifdef simd_scale_far_word_f16
#define SIMD_HAS_FAR_WORD_f16 1
#else
#define SIMD_HAS_FAR_WORD_f16 0
#define simd_scale_far_word_f16 simd_scale_word_f16
#endif
#ifndef simd_scale_lone_word_bf16
#define simd_scale_lone_word_bf16 simd_scale_word_bf16
#endif
#ifdef simd_scale_far_word_bf16
#define SIMD_HAS_FAR_WORD_bf16 1
#else
#define SIMD_HAS_FAR_WORD_bf16 0
#define simd_scale_far_word_bf16 simd_scale_word_bf16
#endif
#ifndef simd_scale_lone_word_f8e4m3fn
#define simd_scale_lone_word_f8e4m3fn simd_scale_word_f8e4m3fn
#endif
#ifdef simd_scale_far_word_f8e4m3fn
#define SIMD_HAS_FAR_WORD_f8e4m3fn 1
#else
#define SIMD_HAS_FAR_WORD_f8e4m3fn 0
#define simd_scale_far_word_f8e4m3fn simd_scale_word_f8e4m3fn
#endif
#ifndef simd_scale_lone_word_f8e5m2
#define simd_scale_lone_word_f8e5m2 simd_scale_word_f8e5m2
#endif
#ifdef simd_scale_far_word_f8e5m2
#define SIMD_HAS_FAR_WORD_f8e5m2 1
#else
#define SIMD_HAS_FAR_WORD_f8e5m2 0
#define simd_scale_far_word_f8e5m2 simd_scale_word_f8e5m2
#endif

// Fewer than 64 elements go through a copy, where the backend does not define the name.
#define SIMD_COPIED_PART_(argument, name, NAME, element, bits, converts)                                           \
  static inline void simd_scale_copied_part_##name(size_t count, uint64_t decisions, const element *x, element *y, \
                                                   simd_scale_##name scale) {                                      \
    element part[64] = {0};                                                                                        \
    memcpy(part, x, count * sizeof *x);                                                                            \
    simd_scale_word_##name(decisions, part, part, scale, false);                                                   \
    memcpy(y, part, count * sizeof *y);                                                                            \
  }
SIMDROP_ELEMENT_TYPES(SIMD_COPIED_PART_, )
#undef SIMD_COPIED_PART_
#ifndef simd_scale_part_f32
#define simd_scale_part_f32 simd_scale_copied_part_f32
#endif
#ifndef simd_scale_part_f64
#define simd_scale_part_f64 simd_scale_copied_part_f64
#endif
#ifndef simd_scale_part_f16
#define simd_scale_part_f16 simd_scale_copied_part_f16
#endif
#ifndef simd_scale_part_bf16
#define simd_scale_part_bf16 simd_scale_copied_part_bf16
#endif
#ifndef simd_scale_part_f8e4m3fn
#define simd_scale_part_f8e4m3fn simd_scale_copied_part_f8e4m3fn
#endif
#ifndef simd_scale_part_f8e5m2
#define simd_scale_part_f8e5m2 simd_scale_copied_part_f8e5m2
#endif

// y[k] = bit k ? x[k] * scale : +0; x == y or no overlap. A part is `count` elements, fewer than 64: decisions after them are
// 0, and no byte beside them is touched. Where stores are non-temporal, y is at the beginning of a line.
#define SIMD_WORDS_OF_TYPE_(argument, name, NAME, element, bits, converts)                                   \
  SIMD_WORD(simd_scale_##name, simd_set_scale_##name, (simdrop_multiplier factor));                          \
  SIMD_WORD(void, simd_scale_word_##name,                                                                    \
            (uint64_t decisions, const element *x, element *y, simd_scale_##name scale, bool non_temporal)); \
  SIMD_WORD(void, simd_scale_lone_word_##name,                                                               \
            (uint64_t decisions, const element *x, element *y, simd_scale_##name scale, bool non_temporal)); \
  SIMD_WORD(void, simd_scale_far_word_##name,                                                                \
            (uint64_t decisions, const element *x, element *y, simd_scale_##name scale, bool non_temporal)); \
  SIMD_WORD(void, simd_scale_part_##name,                                                                    \
            (size_t count, uint64_t decisions, const element *x, element *y, simd_scale_##name scale));
SIMDROP_ELEMENT_TYPES(SIMD_WORDS_OF_TYPE_, )
#undef SIMD_WORDS_OF_TYPE_

// The same for one line of memory, from its beginning on, of elements that are far, by bits shift, shift + 1, ... of decisions;
// shift is at most 7. For producers that scale lines between their rounds (common/scaled_lines.h), if the backend defines
// SIMD_HAS_LINES.
#ifdef SIMD_HAS_LINES
#define SIMD_WORDS_OF_LINE_(name, element)                                                        \
  SIMD_WORD(simd_line_##name, simd_set_line_##name, (simdrop_multiplier factor, unsigned shift)); \
  SIMD_WORD(void, simd_scale_line_##name,                                                         \
            (const simd_line_##name *line, const uint8_t *decisions, const element *x, element *y, bool non_temporal));
SIMD_WORDS_OF_LINE_(f32, float)
SIMD_WORDS_OF_LINE_(f16, uint16_t)
SIMD_WORDS_OF_LINE_(bf16, uint16_t)
#undef SIMD_WORDS_OF_LINE_
// y[k] = residual[k] + (decided for k ? (x[k] + bias[k]) * scale : +0), in this order; y may begin anywhere if stores are
// cached.
SIMD_WORD(void, simd_chain_line_f32,
          (const simd_line_f32 *line, const uint8_t *decisions, const float *x, const float *bias, const float *residual,
           float *y, bool non_temporal));
#endif

// y[k] = bit k ? x[k] : 0, copying bits.
#define SIMD_WORDS_OF_SIZE_(argument, bits) \
  SIMD_WORD(void, simd_select_word_##bits, (uint64_t decisions, const uint##bits##_t *x, uint##bits##_t *y));
SIMDROP_ELEMENT_SIZES(SIMD_WORDS_OF_SIZE_, )
#undef SIMD_WORDS_OF_SIZE_

// bytes[k] = bit k, 0 or 1. Where stores are non-temporal, bytes are at the beginning of a line.
SIMD_WORD(void, simd_expand_word, (uint64_t decisions, uint8_t *bytes, bool non_temporal));

// Normal numbers, of words and as they are drawn, in the words of the backend's arithmetic.h; with SIMD_DRAWS_NORMALS, those of
// its simd.h as well.
#ifndef SIMDROP_COMMON_NORMALS_BODY_H
#define SIMDROP_COMMON_NORMALS_BODY_H

#include <assert.h>
#include <string.h>

#include "common/kernel_table.h"
#include "common/math_body.h"

// Two for each lane, by Box and Muller, of words as simd_u32_load_pairs has them.
static inline __attribute__((always_inline)) void store_normals(simd_u32 first, simd_u32 second, float *values) {
  const simd_f32 radius = simd_f32_square_root(math_minus_two_log(math_uniform(first)));
  const simd_f32 turn = simd_f32_multiply(simd_f32_from_integers(second), simd_f32_set(0x1p-31f));
  simd_f32_store_pairs(values, simd_f32_multiply(radius, math_cosine_pi(turn)), simd_f32_multiply(radius, math_sine_pi(turn)));
}

void SIMDROP_LOCAL(normals)(size_t block_count, const uint32_t *words, float *values) {
  const size_t pairs = simd_f32_lanes(), n = block_count * SIMDROP_BLOCK_ELEMENTS;
  for (size_t k = 0; k < n; k += 2 * pairs) {
    simd_u32 first, second;
    simd_u32_load_pairs(words + k, &first, &second);
    store_normals(first, second, values + k);
  }
}

// Drawing is bound by integers' multiplications, and numbers by floats' and by their latency: side by side, they take less time
// than one after the other. That is so if the instructions of both are mixed, which GCC does where cmake/backends.cmake asks it
// to. Clang 14 does not, and then it is quicker to do one after the other.
#if defined(SIMD_DRAWS_NORMALS) && defined(__GNUC__) && !defined(__clang__)
#include "common/rounds_body.h"

enum {
  DRAWN_VECTORS = 4,  // whose words are drawn while the numbers of as many before are made
  DRAWN_ELEMENTS = DRAWN_VECTORS * WORDS_OF_VECTOR,
};
static_assert((int)VECTORS_OF_BLOCK % (int)DRAWN_VECTORS == 0 && (int)DRAWN_VECTORS <= (int)MOST_IN_FLIGHT,
              "a block is whole steps");

typedef struct word_pairs {
  simd_u32 first, second;
} word_pairs;

static inline __attribute__((always_inline)) void draw_pairs(drawing *call, const plane_part *parts, const block_part *block,
                                                             word_pairs *drawn) {
  plane_bits bits[MOST_IN_FLIGHT];
  draw_planes(call, 1, DRAWN_VECTORS, OPERANDS_IN_MEMORY, parts, NULL, block, bits, NULL);
  SIMDROP_UNROLL
  for (int i = 0; i < DRAWN_VECTORS; ++i) simd_pairs_of_words(bits[i].low, bits[i].high, &drawn[i].first, &drawn[i].second);
}

static inline __attribute__((always_inline)) void store_drawn(const word_pairs *drawn, float *values) {
  SIMDROP_UNROLL
  for (int i = 0; i < DRAWN_VECTORS; ++i) store_normals(drawn[i].first, drawn[i].second, values + i * WORDS_OF_VECTOR);
}

void SIMDROP_LOCAL(draw_normals)(simdrop_mask_source *source, uint64_t first_block, size_t block_count, float *values) {
  enum {
    STEPS_OF_BLOCK = VECTORS_OF_BLOCK / DRAWN_VECTORS
  };
  drawing call;
  call.source = source;
  begin_rounds(&call);
  plane_part parts[VECTORS_OF_BLOCK];
  make_plane_parts(&call, SIMDROP_NORMAL_PLANES, (uint32_t)(first_block >> 32), parts);
  block_part block = make_block_part(&call, simd_set((uint32_t)first_block));
  word_pairs drawn[DRAWN_VECTORS], next[DRAWN_VECTORS];
  draw_pairs(&call, parts, &block, drawn);
  for (size_t step = 1; step < block_count * STEPS_OF_BLOCK; ++step) {
    const size_t first = step % STEPS_OF_BLOCK * DRAWN_VECTORS;
    if (first == 0) {
      const uint64_t number = first_block + step / STEPS_OF_BLOCK;
      if ((uint32_t)number == 0) make_plane_parts(&call, SIMDROP_NORMAL_PLANES, (uint32_t)(number >> 32), parts);
      block = make_block_part(&call, simd_set((uint32_t)number));
    }
    // What is written first has some influence on how the compiler mixes them.
    if (SIMD_DRAWS_NORMALS == 2) draw_pairs(&call, parts + first, &block, next);
    store_drawn(drawn, values);
    if (SIMD_DRAWS_NORMALS != 2) draw_pairs(&call, parts + first, &block, next);
    memcpy(drawn, next, sizeof drawn);
    values += DRAWN_ELEMENTS;
  }
  store_drawn(drawn, values);
}

#else
// Words, and then numbers of them.
void SIMDROP_LOCAL(draw_normals)(simdrop_mask_source *source, uint64_t first_block, size_t block_count, float *values) {
  enum {
    PART_BLOCKS = 8
  };
  uint32_t words[PART_BLOCKS * SIMDROP_BLOCK_ELEMENTS];
  while (block_count > 0) {
    const size_t count = block_count < PART_BLOCKS ? block_count : (size_t)PART_BLOCKS;
    SIMDROP_LOCAL(draw_words)(source, SIMDROP_NORMAL_PLANES, first_block, count, words);
    SIMDROP_LOCAL(normals)(count, words, values);
    first_block += count;
    block_count -= count;
    values += count * SIMDROP_BLOCK_ELEMENTS;
  }
}
#endif

#endif

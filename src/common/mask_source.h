// What a mask producer needs to know (docs/numerics.md, "The mask"): the threshold, the key and the stream, and room for
// what a vector producer computes once a call.
#ifndef SIMDROP_COMMON_MASK_SOURCE_H
#define SIMDROP_COMMON_MASK_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#define SIMDROP_BLOCK_ELEMENTS 128  // elements that one Philox call gives one bit each
#define SIMDROP_BLOCK_WORDS 2       // a block's mask in 64-bit words
#define SIMDROP_PLANES 32           // bits of U(index), and so the most planes a mask element can need
#define SIMDROP_PLANE_SHIFT 25      // where the plane number sits in counter word 3, above the block's upper 25 bits

// Planes that other draws than the mask's have: as many words for each block as it has elements.
#define SIMDROP_NORMAL_PLANES 64
#define SIMDROP_UNIFORM_PLANES 96

// A vector producer writes whole vectors; a buffer for masks has room for this many blocks more than were asked for.
#define SIMDROP_BLOCK_PADDING 32

// Blocks that hold n elements from the first of a block on.
static inline size_t simdrop_blocks_of(size_t n) { return n / SIMDROP_BLOCK_ELEMENTS + (n % SIMDROP_BLOCK_ELEMENTS != 0); }

// What depends on the plane alone after three rounds of Philox, one entry a plane, filled in by vector producers
// (producer_body.h tells the story). Valid for the blocks whose number has these upper 25 bits.
typedef struct simdrop_plane_schedule {
  uint64_t word_0[SIMDROP_PLANES];
  uint64_t word_2[SIMDROP_PLANES];
  uint64_t word_3[SIMDROP_PLANES];
  uint32_t block_high;
  int ready;  // planes
} simdrop_plane_schedule;

typedef struct simdrop_mask_source {
  // The key and the stream apart: compilers would write both with one vector, which a short call waits for.
  uint32_t key[2];     // seed, low half first
  uint64_t threshold;  // T, in 0 .. 2^32; a producer is only called with 0 < T < 2^32
  uint32_t stream[2];  // stream, low half first
  int plane_count;     // planes that can decide anything: 32 - (trailing zeros of T)
  simdrop_plane_schedule schedule;
} simdrop_mask_source;

#endif

// The mask written from docs/numerics.md alone, one element at a time: what the exact tests compare with. It shares nothing
// with the library.
#ifndef SIMDROP_TOOL_VERIFY_REFERENCE_H
#define SIMDROP_TOOL_VERIFY_REFERENCE_H

#include <simdrop/simdrop.h>

#include <stdbool.h>
#include <stdint.h>

// Four words of the generator.
void reference_philox(const uint32_t counter[4], uint64_t seed, uint32_t out[4]);

// The planes of the block at hand.
typedef struct reference_block {
  bool ready;
  uint64_t seed, stream, block;
  uint32_t planes[32][4];
} reference_block;

// U of an element; the block is kept for the next call, and must begin as {0}.
uint32_t reference_u(reference_block *block, uint64_t seed, uint64_t stream, uint64_t index);

// Whether element `offset + k` of the mask is kept.
bool reference_kept(reference_block *block, const simdrop_mask *mask, uint64_t k);

#endif

// The mask, block by block and plane by plane, as docs/numerics.md defines it.
#include "common/philox.h"
#include "scalar/backend.h"

// The bits of one plane of a block: bit k is bit 31 - plane of U(128 * block + k).
static void plane_bits(const simdrop_mask_source *source, uint64_t block, int plane, uint64_t bits[SIMDROP_BLOCK_WORDS]) {
  const uint32_t counter[4] = {
      source->stream[0],
      (uint32_t)block,
      source->stream[1],
      (uint32_t)(block >> 32) | (uint32_t)plane << SIMDROP_PLANE_SHIFT,
  };
  uint32_t words[4];
  simdrop_philox4x32_10(counter, source->key, words);
  bits[0] = words[0] | (uint64_t)words[1] << 32;
  bits[1] = words[2] | (uint64_t)words[3] << 32;
}

// Compares U with T from the top plane down, 128 elements at once. An element is dropped at the first plane in which U has
// a 0 where T has a 1, and kept at the first in which U has a 1 where T has a 0, or when U = T to the last.
static void mask_block(const simdrop_mask_source *source, uint64_t block, uint64_t kept[SIMDROP_BLOCK_WORDS]) {
  uint64_t undecided[SIMDROP_BLOCK_WORDS] = {~UINT64_C(0), ~UINT64_C(0)};
  kept[0] = kept[1] = ~UINT64_C(0);
  for (int plane = 0; plane < source->plane_count && (undecided[0] | undecided[1]) != 0; ++plane) {
    uint64_t u[SIMDROP_BLOCK_WORDS];
    plane_bits(source, block, plane, u);
    const bool threshold_bit = source->threshold >> (31 - plane) & 1;
    for (int half = 0; half < SIMDROP_BLOCK_WORDS; ++half) {
      if (threshold_bit) {
        kept[half] &= ~(undecided[half] & ~u[half]);
        undecided[half] &= u[half];
      } else {
        undecided[half] &= ~u[half];
      }
    }
  }
}

void simdrop_scalar_mask_blocks(simdrop_mask_source *source, uint64_t first_block, size_t n, uint64_t *words,
                                simdrop_interleave *interleave) {
  (void)interleave;  // what is left undone, the caller does
  for (size_t b = 0; b < simdrop_blocks_of(n); ++b) mask_block(source, first_block + b, words + SIMDROP_BLOCK_WORDS * b);
}

void simdrop_scalar_mask_listed_blocks(simdrop_mask_source *source, const uint64_t *blocks, size_t block_count, uint64_t *words,
                                       simdrop_interleave *interleave) {
  (void)interleave;
  for (size_t b = 0; b < block_count; ++b) mask_block(source, blocks[b], words + SIMDROP_BLOCK_WORDS * b);
}

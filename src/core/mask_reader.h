// Reads masks from a producer or from stored bits, a chunk at a time, always handing out words whose bit 0 is the chunk's
// first element. So only this file knows that a call may begin inside a block.
#ifndef SIMDROP_CORE_MASK_READER_H
#define SIMDROP_CORE_MASK_READER_H

#include <simdrop/simdrop.h>

#include "common/kernel_table.h"

// The most elements of one chunk. Its mask takes 1 KiB; docs/performance.md has the measurement behind it.
#define SIMDROP_CHUNK_ELEMENTS_MAX 8192
#define SIMDROP_CHUNK_BLOCKS_MAX (SIMDROP_CHUNK_ELEMENTS_MAX / SIMDROP_BLOCK_ELEMENTS)

// Blocks go to `blocks` from this word on; a block left over from the chunk before lies just before it.
#define SIMDROP_READER_FIRST_WORD 8

typedef struct simdrop_mask_reader {
  const simdrop_kernels *kernels;
  simdrop_mask_source source;
  uint64_t next_block;  // the first that is not drawn yet
  unsigned shift;       // the next element's position in its block; 0: at the start of next_block
  bool leftover;        // that block is drawn, and lies before SIMDROP_READER_FIRST_WORD
  _Alignas(64)
      uint64_t blocks[SIMDROP_READER_FIRST_WORD + SIMDROP_BLOCK_WORDS * (SIMDROP_CHUNK_BLOCKS_MAX + 1 + SIMDROP_BLOCK_PADDING)];
  _Alignas(64) uint64_t shifted[SIMDROP_CHUNK_ELEMENTS_MAX / 64];
} simdrop_mask_reader;

void simdrop_reader_init(simdrop_mask_reader *reader, const simdrop_kernels *kernels, const simdrop_mask *mask,
                         uint64_t threshold);

// The masks of the next n elements, 0 < n <= SIMDROP_CHUNK_ELEMENTS_MAX: (n + 63) / 64 words, valid until the next call; bits
// beyond n are anything.
const uint64_t *simdrop_reader_next(simdrop_mask_reader *reader, size_t n, const simdrop_prefetch *prefetch);

// Packed bytes (least significant bit first) to words and back. Unpacking reads no byte beyond the (n + 7) / 8; packing
// clears the unused bits of the last one.
void simdrop_unpack_bits(size_t n, const uint8_t *bits, uint64_t *words);
void simdrop_pack_bits(size_t n, const uint64_t *words, uint8_t *bits);

#endif

// Reads a generator's decisions a chunk at a time, from anywhere inside a block on.
#ifndef SIMDROP_ENGINE_MASK_READER_H
#define SIMDROP_ENGINE_MASK_READER_H

#include <stdbool.h>

#include "engine/generator.h"

#define SIMDROP_CHUNK_BLOCKS_MAX (SIMDROP_CHUNK_ELEMENTS_MAX / SIMDROP_BLOCK_ELEMENTS)

// Part of a mask: its first element has bit `first` of words; one word more than needed may be read.
typedef struct simdrop_mask_chunk {
  const uint64_t *words;
  size_t first;
} simdrop_mask_chunk;

// Blocks are drawn to a buffer from this word on; a block left over from the chunk before goes just before it.
#define SIMDROP_READER_FIRST_WORD 8
#define SIMDROP_READER_WORDS \
  (SIMDROP_READER_FIRST_WORD + SIMDROP_BLOCK_WORDS * (SIMDROP_CHUNK_BLOCKS_MAX + 1 + SIMDROP_BLOCK_PADDING))

typedef struct simdrop_mask_reader {
  simdrop_generator_state state;
  uint64_t next_block;  // the first that is not drawn yet
  unsigned position;    // of the next element in its block; 0: at the start of next_block
  bool leftover;        // that block is drawn already:
  uint64_t leftover_block[SIMDROP_BLOCK_WORDS];
  int current;  // the buffer that is drawn to next; the other one still serves the chunk before
  _Alignas(64) uint64_t buffers[2][SIMDROP_READER_WORDS];
} simdrop_mask_reader;

// From the operation's first decision on.
void simdrop_reader_init(simdrop_mask_reader *reader, const simdrop_kernels *kernels, const simdrop_operation *operation);

// The masks of the next n elements, 0 < n <= SIMDROP_CHUNK_ELEMENTS_MAX, valid until the next call but one. Some of the
// interleaved work, which may be NULL, is done on the way.
simdrop_mask_chunk simdrop_reader_next(simdrop_mask_reader *reader, size_t n, simdrop_interleave *interleave);

// Packs a mask in bytes, the least significant bit first; the unused bits of the last one are 0.
void simdrop_pack_bits(size_t n, simdrop_mask_chunk mask, uint8_t *bits);

#endif

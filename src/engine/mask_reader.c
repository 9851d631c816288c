// Chunks of mask that begin at any element.
#include "engine/mask_reader.h"

#include <string.h>

void simdrop_reader_init(simdrop_mask_reader *reader, const simdrop_kernels *kernels, const simdrop_operation *operation) {
  simdrop_generate(&reader->state, kernels, operation);
  reader->next_block = operation->index / SIMDROP_BLOCK_ELEMENTS;
  reader->position = operation->index % SIMDROP_BLOCK_ELEMENTS;
  reader->leftover = false;
  reader->current = 0;
}

static void draw_blocks(simdrop_mask_reader *reader, size_t block_count, uint64_t *words, simdrop_interleave *interleave) {
  reader->state.generator->draw(&reader->state, reader->next_block, block_count * SIMDROP_BLOCK_ELEMENTS, words, interleave);
  reader->next_block += block_count;
}

simdrop_mask_chunk simdrop_reader_next(simdrop_mask_reader *reader, size_t n, simdrop_interleave *interleave) {
  uint64_t *const drawn = reader->buffers[reader->current] + SIMDROP_READER_FIRST_WORD;
  uint64_t *first = drawn;
  if (reader->leftover) {
    first -= SIMDROP_BLOCK_WORDS;
    memcpy(first, reader->leftover_block, sizeof reader->leftover_block);
  }
  const simdrop_mask_chunk chunk = {first, reader->position};

  const size_t end = reader->position + n;  // in bits, from the start of the first block that is needed
  const size_t blocks = simdrop_blocks_of(end);
  if (blocks > reader->leftover) draw_blocks(reader, blocks - reader->leftover, drawn, interleave);

  reader->current = !reader->current;
  reader->position = end % SIMDROP_BLOCK_ELEMENTS;
  reader->leftover = reader->position != 0;
  if (reader->leftover)
    memcpy(reader->leftover_block, first + SIMDROP_BLOCK_WORDS * (blocks - 1), sizeof reader->leftover_block);
  return chunk;
}

static void words_to_bytes(const uint64_t *words, size_t byte_count, uint8_t *bytes) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  memcpy(bytes, words, byte_count);
#else
  for (size_t i = 0; i < byte_count; ++i) bytes[i] = (uint8_t)(words[i / 8] >> (8 * (i % 8)));
#endif
}

void simdrop_pack_bits(size_t n, simdrop_mask_chunk mask, uint8_t *bits) {
  const uint64_t *const words = mask.words + mask.first / 64;
  const unsigned shift = mask.first % 64;
  const size_t whole_words = n / 64, rest = n % 64;
  if (shift == 0) {
    words_to_bytes(words, 8 * whole_words, bits);
  } else {
    for (size_t i = 0; i < whole_words; ++i) {
      const uint64_t word = words[i] >> shift | words[i + 1] << (64 - shift);
      words_to_bytes(&word, 8, bits + 8 * i);
    }
  }
  if (rest != 0) {
    uint64_t word = words[whole_words] >> shift;
    if (shift != 0) word |= words[whole_words + 1] << (64 - shift);
    word &= (UINT64_C(1) << rest) - 1;
    words_to_bytes(&word, (rest + 7) / 8, bits + 8 * whole_words);
  }
}

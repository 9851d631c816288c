// Chunks of mask that begin at any element.
#include "core/mask_reader.h"

#include <string.h>

#include "core/parameters.h"

static int trailing_zeros(uint64_t value) {
#if defined(__GNUC__)
  return __builtin_ctzll(value);
#else
  int count = 0;
  while (!(value >> count & 1)) ++count;
  return count;
#endif
}

void simdrop_reader_init(simdrop_mask_reader *reader, const simdrop_kernels *kernels, const simdrop_mask *mask,
                         uint64_t threshold) {
  // The arrays stay as they are: a call of a hundred elements would spend its time on clearing them.
  reader->kernels = kernels;
  reader->source.threshold = threshold;
  reader->source.plane_count = threshold == 0 ? 0 : SIMDROP_PLANES - trailing_zeros(threshold);
  reader->source.key[0] = (uint32_t)mask->seed;
  reader->source.key[1] = (uint32_t)(mask->seed >> 32);
  reader->source.stream[0] = (uint32_t)mask->stream;
  reader->source.stream[1] = (uint32_t)(mask->stream >> 32);
  reader->source.schedule.ready = 0;
  reader->next_block = mask->offset / SIMDROP_BLOCK_ELEMENTS;
  reader->shift = mask->offset % SIMDROP_BLOCK_ELEMENTS;
  reader->leftover = false;
}

static void draw_blocks(simdrop_mask_reader *reader, size_t block_count, const simdrop_prefetch *prefetch) {
  uint64_t *const words = reader->blocks + SIMDROP_READER_FIRST_WORD;
  const uint64_t threshold = reader->source.threshold;
  if (threshold == 0 || threshold == SIMDROP_CERTAIN) {
    memset(words, threshold == 0 ? 0xff : 0, block_count * SIMDROP_BLOCK_WORDS * sizeof *words);
  } else {
    reader->kernels->mask_blocks(&reader->source, reader->next_block, block_count, words, prefetch);
  }
  reader->next_block += block_count;
}

const uint64_t *simdrop_reader_next(simdrop_mask_reader *reader, size_t n, const simdrop_prefetch *prefetch) {
  const size_t end = reader->shift + n;  // in bits, from the start of the first block that is needed
  const size_t needed_blocks = (end + SIMDROP_BLOCK_ELEMENTS - 1) / SIMDROP_BLOCK_ELEMENTS;
  const size_t new_blocks = needed_blocks - reader->leftover;
  const uint64_t *first = reader->blocks + SIMDROP_READER_FIRST_WORD;
  if (reader->leftover) first -= SIMDROP_BLOCK_WORDS;
  if (new_blocks > 0) draw_blocks(reader, new_blocks, prefetch);

  const uint64_t *words = first + reader->shift / 64;
  if (reader->shift % 64 != 0) {
    reader->kernels->shift_words((n + 63) / 64, words, reader->shift % 64, reader->shifted);
    words = reader->shifted;
  }

  reader->shift = end % SIMDROP_BLOCK_ELEMENTS;
  reader->leftover = reader->shift != 0;
  if (reader->leftover && needed_blocks > 0) {
    const uint64_t *const last = first + SIMDROP_BLOCK_WORDS * (needed_blocks - 1);
    memmove(reader->blocks + SIMDROP_READER_FIRST_WORD - SIMDROP_BLOCK_WORDS, last, SIMDROP_BLOCK_WORDS * sizeof *last);
  }
  return words;
}

static uint64_t word_from_bytes(const uint8_t *bytes, size_t count) {
  uint64_t word = 0;
  for (size_t i = 0; i < count; ++i) word |= (uint64_t)bytes[i] << (8 * i);
  return word;
}

void simdrop_unpack_bits(size_t n, const uint8_t *bits, uint64_t *words) {
  const size_t byte_count = (n + 7) / 8, whole_words = byte_count / 8;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  memcpy(words, bits, 8 * whole_words);
#else
  for (size_t i = 0; i < whole_words; ++i) words[i] = word_from_bytes(bits + 8 * i, 8);
#endif
  if (byte_count % 8 != 0) words[whole_words] = word_from_bytes(bits + 8 * whole_words, byte_count % 8);
}

void simdrop_pack_bits(size_t n, const uint64_t *words, uint8_t *bits) {
  const size_t whole_bytes = n / 8;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  memcpy(bits, words, whole_bytes);
#else
  for (size_t i = 0; i < whole_bytes; ++i) bits[i] = (uint8_t)(words[i / 8] >> (8 * (i % 8)));
#endif
  if (n % 8 != 0) {
    const unsigned used = (1u << (n % 8)) - 1;
    bits[whole_bytes] = (uint8_t)(words[whole_bytes / 8] >> (8 * (whole_bytes % 8)) & used);
  }
}

// Philox's words as they are, for numbers in place of masks, in the words of the backend's simd.h: after rounds_body.h.
// The lanes' words come out in the order of the elements.
#ifndef SIMDROP_COMMON_WORDS_BODY_H
#define SIMDROP_COMMON_WORDS_BODY_H

static inline void draw_words_of_block(drawing *call, const plane_part *parts, uint64_t number, uint32_t *words) {
  const block_part block = make_block_part(call, simd_set((uint32_t)number));
  for (int first = 0; first < VECTORS_OF_BLOCK; first += SIMD_PLANES_IN_FLIGHT) {
    plane_bits bits[MOST_IN_FLIGHT];
    draw_planes(call, 1, SIMD_PLANES_IN_FLIGHT, OPERANDS_IN_MEMORY, parts + first, NULL, &block, bits, NULL);
    SIMDROP_UNROLL
    for (int i = 0; i < SIMD_PLANES_IN_FLIGHT; ++i) {
      uint64_t stored[WORDS_OF_VECTOR / 2];
      simd_store_blocks(stored, bits[i].low, bits[i].high);
      memcpy(words + (first + i) * WORDS_OF_VECTOR, stored, sizeof stored);
    }
  }
}

void SIMDROP_LOCAL(draw_words)(simdrop_mask_source *source, unsigned first_plane, uint64_t first_block, size_t block_count,
                               uint32_t *words) {
  drawing call;
  call.source = source;
  begin_rounds(&call);
  plane_part parts[VECTORS_OF_BLOCK];
  for (size_t b = 0; b < block_count; ++b) {
    const uint64_t number = first_block + b;
    if (b == 0 || (uint32_t)number == 0) make_plane_parts(&call, first_plane, (uint32_t)(number >> 32), parts);
    draw_words_of_block(&call, parts, number, words + b * SIMDROP_BLOCK_ELEMENTS);
  }
}

#endif

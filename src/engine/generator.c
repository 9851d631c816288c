// The generators.
#include "engine/generator.h"

#include <string.h>

#include "common/bits.h"
#include "engine/bit_string.h"
#include "engine/parameters.h"

void simdrop_source_init(simdrop_mask_source *source, uint64_t seed, uint64_t stream, uint64_t threshold) {
  // The schedule stays as it is: a call of a hundred elements would spend its time on clearing it.
  source->threshold = threshold;
  source->plane_count = threshold == 0 ? 0 : SIMDROP_PLANES - simdrop_trailing_zeros(threshold);
  source->key[0] = (uint32_t)seed;
  source->key[1] = (uint32_t)(seed >> 32);
  source->stream[0] = (uint32_t)stream;
  source->stream[1] = (uint32_t)(stream >> 32);
  source->schedule.ready = 0;
}

static void draw_planes(simdrop_generator_state *state, uint64_t first_block, size_t n, uint64_t *words,
                        simdrop_interleave *interleave) {
  state->planes.kernels->mask_blocks(&state->planes.source, first_block, n, words, interleave);
}

static void draw_listed_planes(simdrop_generator_state *state, const uint64_t *blocks, size_t block_count, uint64_t *words,
                               simdrop_interleave *interleave) {
  state->planes.kernels->mask_listed_blocks(&state->planes.source, blocks, block_count, words, interleave);
}

const simdrop_generator simdrop_native_planes = {draw_planes, draw_listed_planes};

static void draw_certain(simdrop_generator_state *state, uint64_t first_block, size_t n, uint64_t *words,
                         simdrop_interleave *interleave) {
  (void)first_block, (void)interleave;
  for (size_t i = 0; i < simdrop_blocks_of(n) * SIMDROP_BLOCK_WORDS; ++i) words[i] = state->certain.word;
}

static void draw_listed_certain(simdrop_generator_state *state, const uint64_t *blocks, size_t block_count, uint64_t *words,
                                simdrop_interleave *interleave) {
  (void)blocks;
  draw_certain(state, 0, block_count * SIMDROP_BLOCK_ELEMENTS, words, interleave);
}

const simdrop_generator simdrop_certain = {draw_certain, draw_listed_certain};

// Behind the last byte there are zeros.
static void draw_stored(simdrop_generator_state *state, uint64_t first_block, size_t n, uint64_t *words,
                        simdrop_interleave *interleave) {
  const size_t block_bytes = SIMDROP_BLOCK_ELEMENTS / 8;
  const size_t size = state->stored.n / 8 + (state->stored.n % 8 != 0), begin = (size_t)first_block * block_bytes;
  const size_t left = begin < size ? size - begin : 0, wanted = simdrop_blocks_of(n) * block_bytes;
  const size_t count = left < wanted ? left : wanted;
  (void)interleave;
  if (count < wanted) memset(words, 0, wanted);
  if (count > 0) simdrop_unpack_bits(state->stored.bits + begin, count, words);
}

static void draw_listed_stored(simdrop_generator_state *state, const uint64_t *blocks, size_t block_count, uint64_t *words,
                               simdrop_interleave *interleave) {
  for (size_t b = 0; b < block_count; ++b)
    draw_stored(state, blocks[b], SIMDROP_BLOCK_ELEMENTS, words + SIMDROP_BLOCK_WORDS * b, interleave);
}

const simdrop_generator simdrop_stored_bits = {draw_stored, draw_listed_stored};

void simdrop_generate(simdrop_generator_state *state, const simdrop_kernels *kernels, const simdrop_operation *operation) {
  const uint64_t threshold = operation->threshold;
  if (operation->stored != NULL) {
    state->stored.generator = &simdrop_stored_bits;
    state->stored.bits = operation->stored;
    state->stored.n = operation->n;
  } else if (simdrop_are_alike(threshold)) {
    state->certain.generator = &simdrop_certain;
    state->certain.word = threshold == 0 ? ~UINT64_C(0) : 0;
  } else {
    state->planes.generator = &simdrop_native_planes;
    state->planes.kernels = kernels;
    simdrop_source_init(&state->planes.source, operation->seed, operation->stream, threshold);
  }
}

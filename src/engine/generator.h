// Where decisions come from, a block at a time. Only a generator knows how.
#ifndef SIMDROP_ENGINE_GENERATOR_H
#define SIMDROP_ENGINE_GENERATOR_H

#include <simdrop/simdrop.h>

#include "common/kernel_table.h"
#include "engine/operation.h"

typedef union simdrop_generator_state simdrop_generator_state;

// Block b is the SIMDROP_BLOCK_ELEMENTS decisions from b * SIMDROP_BLOCK_ELEMENTS on. Drawn are n decisions from first_block
// on, or whole blocks of a list. `words` has room for whole blocks and SIMDROP_BLOCK_PADDING more; what is past those that are
// asked for may be overwritten with anything. Some of the interleaved work, which may be NULL, is done on the way.
typedef struct simdrop_generator {
  void (*draw)(simdrop_generator_state *state, uint64_t first_block, size_t n, uint64_t *words, simdrop_interleave *interleave);
  void (*draw_listed)(simdrop_generator_state *state, const uint64_t *blocks, size_t block_count, uint64_t *words,
                      simdrop_interleave *interleave);
} simdrop_generator;

extern const simdrop_generator simdrop_native_planes;  // the library's own mask: docs/numerics.md
extern const simdrop_generator simdrop_certain;        // all are kept, or none is
extern const simdrop_generator simdrop_stored_bits;    // packed bits of the caller, of which no byte is read beyond the last

// Each has its generator first.
union simdrop_generator_state {
  const simdrop_generator *generator;
  struct {
    const simdrop_generator *generator;
    const simdrop_kernels *kernels;
    simdrop_mask_source source;
  } planes;
  struct {
    const simdrop_generator *generator;
    uint64_t word;
  } certain;
  struct {
    const simdrop_generator *generator;
    const uint8_t *bits;
    size_t n;
  } stored;
};

// The generator of an operation's decisions, which lie where its indices say.
void simdrop_generate(simdrop_generator_state *state, const simdrop_kernels *kernels, const simdrop_operation *operation);

// For those who call the producers themselves, which are not for the certain thresholds.
void simdrop_source_init(simdrop_mask_source *source, uint64_t seed, uint64_t stream, uint64_t threshold);

#endif

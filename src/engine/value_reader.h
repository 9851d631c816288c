// Numbers that are drawn for elements in place of decisions: a float for each index, from any index on.
#ifndef SIMDROP_ENGINE_VALUE_READER_H
#define SIMDROP_ENGINE_VALUE_READER_H

#include "common/kernel_table.h"
#include "engine/operation.h"

// The most that are handed out at a time, and the blocks that they may lie in.
#define SIMDROP_VALUES_MAX ((size_t)1024)
#define SIMDROP_VALUE_BLOCKS_MAX (SIMDROP_VALUES_MAX / SIMDROP_BLOCK_ELEMENTS + 1)

typedef enum simdrop_value_kind {
  SIMDROP_NORMAL_VALUES,
  SIMDROP_UNIFORM_VALUES,
  SIMDROP_LOGISTIC_VALUES,  // of the same words as the uniform ones
} simdrop_value_kind;

typedef struct simdrop_value_reader {
  const simdrop_kernels *kernels;
  simdrop_convert_words_kernel *convert;
  unsigned first_plane;
  simdrop_mask_source source;
  uint64_t first_block;  // of those that are there
  size_t block_count;
  _Alignas(64) float values[SIMDROP_VALUE_BLOCKS_MAX * SIMDROP_BLOCK_ELEMENTS];
} simdrop_value_reader;

void simdrop_value_reader_init(simdrop_value_reader *reader, const simdrop_kernels *kernels, simdrop_value_kind kind,
                               uint64_t seed, uint64_t stream);

// Those of indices index .. index + count - 1, 0 < count <= SIMDROP_VALUES_MAX; valid until the next call. The blocks that were
// there before are not drawn again.
const float *simdrop_values_from(simdrop_value_reader *reader, uint64_t index, size_t count);

// Those of index, index + stride, ..., 0 < count <= SIMDROP_VALUES_MAX.
void simdrop_values_gather(simdrop_value_reader *reader, uint64_t index, uint64_t stride, size_t count, float *values);

#endif

// Numbers for elements: blocks of them, or single ones.
#include "engine/value_reader.h"

#include <string.h>

#include "common/philox.h"
#include "engine/generator.h"
#include "engine/own_frame.h"

// Indices that are so far apart are drawn one by one: up to here it is quicker to draw those between as well.
#define SPARSE_STRIDE 16

#define WORDS_OF_CALL 4

static simdrop_convert_words_kernel *converter_of(const simdrop_kernels *kernels, simdrop_value_kind kind) {
  switch (kind) {
    case SIMDROP_UNIFORM_VALUES: return kernels->uniforms;
    case SIMDROP_LOGISTIC_VALUES: return kernels->logistics;
    default: return kernels->normals;
  }
}

void simdrop_value_reader_init(simdrop_value_reader *reader, const simdrop_kernels *kernels, simdrop_value_kind kind,
                               uint64_t seed, uint64_t stream) {
  reader->kernels = kernels;
  reader->convert = converter_of(kernels, kind);
  reader->first_plane = kind == SIMDROP_NORMAL_VALUES ? SIMDROP_NORMAL_PLANES : SIMDROP_UNIFORM_PLANES;
  simdrop_source_init(&reader->source, seed, stream, 0);
  reader->first_block = 0;
  reader->block_count = 0;
}

static SIMDROP_OWN_FRAME void draw_and_convert(simdrop_value_reader *reader, uint64_t first_block, size_t block_count,
                                               float *values) {
  _Alignas(64) uint32_t words[SIMDROP_VALUE_BLOCKS_MAX * SIMDROP_BLOCK_ELEMENTS];
  reader->kernels->draw_words(&reader->source, reader->first_plane, first_block, block_count, words);
  reader->convert(block_count, words, values);
}

const float *simdrop_values_from(simdrop_value_reader *reader, uint64_t index, size_t count) {
  const uint64_t first = index / SIMDROP_BLOCK_ELEMENTS, last = (index + (count - 1)) / SIMDROP_BLOCK_ELEMENTS;
  const size_t wanted = (size_t)(last - first) + 1;
  size_t had = 0;
  if (first >= reader->first_block && first - reader->first_block < reader->block_count) {
    const size_t passed = (size_t)(first - reader->first_block);
    had = reader->block_count - passed;
    if (had >= wanted) return reader->values + passed * SIMDROP_BLOCK_ELEMENTS + index % SIMDROP_BLOCK_ELEMENTS;
    memmove(reader->values, reader->values + passed * SIMDROP_BLOCK_ELEMENTS,
            had * SIMDROP_BLOCK_ELEMENTS * sizeof *reader->values);
  }
  float *const values = reader->values + had * SIMDROP_BLOCK_ELEMENTS;
  if (reader->first_plane == SIMDROP_NORMAL_PLANES) {
    reader->kernels->draw_normals(&reader->source, first + had, wanted - had, values);
  } else {
    draw_and_convert(reader, first + had, wanted - had, values);
  }
  reader->first_block = first;
  reader->block_count = wanted;
  return reader->values + index % SIMDROP_BLOCK_ELEMENTS;
}

// The words that a number is made of, and what else the kernel makes of them, come in pairs.
static void draw_pair(const simdrop_value_reader *reader, uint64_t index, uint32_t pair[2]) {
  const uint64_t block = index / SIMDROP_BLOCK_ELEMENTS;
  const unsigned plane = reader->first_plane + index % SIMDROP_BLOCK_ELEMENTS / WORDS_OF_CALL;
  const uint32_t counter[4] = {reader->source.stream[0], (uint32_t)block, reader->source.stream[1],
                               (uint32_t)(block >> 32) | plane << SIMDROP_PLANE_SHIFT};
  uint32_t words[WORDS_OF_CALL];
  simdrop_philox4x32_10(counter, reader->source.key, words);
  memcpy(pair, words + index % WORDS_OF_CALL / 2 * 2, 2 * sizeof *pair);
}

static SIMDROP_OWN_FRAME void gather_sparse(const simdrop_value_reader *reader, uint64_t index, uint64_t stride, size_t count,
                                            float *values) {
  enum {
    PAIRS = SIMDROP_BLOCK_ELEMENTS / 2
  };
  _Alignas(64) uint32_t words[SIMDROP_BLOCK_ELEMENTS] = {0};
  _Alignas(64) float both[SIMDROP_BLOCK_ELEMENTS];
  for (size_t done = 0; done < count; done += PAIRS) {
    const size_t end = count - done < PAIRS ? count - done : PAIRS;
    for (size_t k = 0; k < end; ++k) draw_pair(reader, index + (done + k) * stride, words + 2 * k);
    reader->convert(1, words, both);
    for (size_t k = 0; k < end; ++k) values[done + k] = both[2 * k + (index + (done + k) * stride) % 2];
  }
}

void simdrop_values_gather(simdrop_value_reader *reader, uint64_t index, uint64_t stride, size_t count, float *values) {
  if (stride > SPARSE_STRIDE) {
    gather_sparse(reader, index, stride, count, values);
    return;
  }
  const size_t most = stride == 0 ? count : SIMDROP_VALUES_MAX / (size_t)stride;
  for (size_t done = 0; done < count;) {
    const size_t end = count - done < most ? count - done : most;
    const float *const from = simdrop_values_from(reader, index + done * stride, (end - 1) * (size_t)stride + 1);
    for (size_t k = 0; k < end; ++k) values[done + k] = from[k * (size_t)stride];
    done += end;
  }
}

// Normal numbers, by Box and Muller, as docs/numerics.md defines them.
#include <math.h>

#include "scalar/backend.h"
#include "scalar/math.h"

void simdrop_scalar_normals(size_t block_count, const uint32_t *words, float *values) {
  for (size_t k = 0; k < block_count * SIMDROP_BLOCK_ELEMENTS; k += 2) {
    const float radius = sqrtf(scalar_minus_two_log(scalar_uniform(words[k])));
    const float turn = (float)(int32_t)words[k + 1] * 0x1p-31f;
    values[k] = radius * scalar_cosine_pi(turn);
    values[k + 1] = radius * scalar_sine_pi(turn);
  }
}

void simdrop_scalar_draw_normals(simdrop_mask_source *source, uint64_t first_block, size_t block_count, float *values) {
  for (size_t b = 0; b < block_count; ++b) {
    uint32_t words[SIMDROP_BLOCK_ELEMENTS];
    simdrop_scalar_draw_words(source, SIMDROP_NORMAL_PLANES, first_block + b, 1, words);
    simdrop_scalar_normals(1, words, values + b * SIMDROP_BLOCK_ELEMENTS);
  }
}

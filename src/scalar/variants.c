// Numbers for elements, and what is computed with them and with decisions, as docs/numerics.md defines them.
#include <math.h>

#include "common/philox.h"
#include "scalar/backend.h"
#include "scalar/computed.h"
#include "scalar/math.h"

void simdrop_scalar_draw_words(simdrop_mask_source *source, unsigned first_plane, uint64_t first_block, size_t block_count,
                               uint32_t *words) {
  for (uint64_t block = first_block; block - first_block < block_count; ++block) {
    for (unsigned plane = first_plane; plane < first_plane + SIMDROP_PLANES; ++plane, words += 4) {
      const uint32_t counter[4] = {source->stream[0], (uint32_t)block, source->stream[1],
                                   (uint32_t)(block >> 32) | plane << SIMDROP_PLANE_SHIFT};
      simdrop_philox4x32_10(counter, source->key, words);
    }
  }
}

void simdrop_scalar_uniforms(size_t block_count, const uint32_t *words, float *values) {
  for (size_t k = 0; k < block_count * SIMDROP_BLOCK_ELEMENTS; ++k) values[k] = scalar_uniform(words[k]);
}

// ln u - ln(1 - u), with 1 - u from the word's complement, so that both tails reach as far.
void simdrop_scalar_logistics(size_t block_count, const uint32_t *words, float *values) {
  for (size_t k = 0; k < block_count * SIMDROP_BLOCK_ELEMENTS; ++k)
    values[k] = (scalar_minus_two_log(scalar_uniform(~words[k])) - scalar_minus_two_log(scalar_uniform(words[k]))) * 0.5f;
}

void simdrop_scalar_concrete_shares(size_t n, const float *logistics, float shift, float slope, float *shares) {
  for (size_t k = 0; k < n; ++k) shares[k] = scalar_sigmoid((logistics[k] + shift) * slope);
}

#define TYPE f32
#include "scalar/variants_body.h"
#define TYPE f64
#include "scalar/variants_body.h"
#define TYPE f16
#include "scalar/variants_body.h"
#define TYPE bf16
#include "scalar/variants_body.h"

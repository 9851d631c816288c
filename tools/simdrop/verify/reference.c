// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) and the comparison of U with T.
#include "verify/reference.h"

#include <math.h>

void reference_philox(const uint32_t counter[4], uint64_t seed, uint32_t out[4]) {
  uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
  for (int i = 0; i < 4; ++i) out[i] = counter[i];
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = UINT64_C(0xd2511f53) * out[0], product1 = UINT64_C(0xcd9e8d57) * out[2];
    const uint32_t next[4] = {(uint32_t)(product1 >> 32) ^ out[1] ^ key0, (uint32_t)product1,
                              (uint32_t)(product0 >> 32) ^ out[3] ^ key1, (uint32_t)product0};
    for (int i = 0; i < 4; ++i) out[i] = next[i];
    key0 += 0x9e3779b9u;
    key1 += 0xbb67ae85u;
  }
}

uint32_t reference_u(reference_block *block, uint64_t seed, uint64_t stream, uint64_t index) {
  const uint64_t number = index / 128;
  if (!block->ready || block->seed != seed || block->stream != stream || block->block != number) {
    *block = (reference_block){.ready = true, .seed = seed, .stream = stream, .block = number};
    for (uint32_t plane = 0; plane < 32; ++plane) {
      const uint32_t counter[4] = {(uint32_t)stream, (uint32_t)number, (uint32_t)(stream >> 32),
                                   (uint32_t)(number >> 32) | plane << 25};
      reference_philox(counter, seed, block->planes[plane]);
    }
  }
  const unsigned bit = (unsigned)(index % 128);
  uint32_t u = 0;
  for (int plane = 0; plane < 32; ++plane) u = u << 1 | (block->planes[plane][bit / 32] >> bit % 32 & 1);
  return u;
}

bool reference_kept(reference_block *block, const simdrop_mask *mask, uint64_t k) {
  if (mask->p >= 1) return false;
  const double threshold = fmin(nearbyint(mask->p * 0x1p32), 0x1p32 - 1);
  return (double)reference_u(block, mask->seed, mask->stream, mask->offset + k) >= threshold;
}

// Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011): the constants that
// every backend shares, and the generator itself written plainly.
#ifndef SIMDROP_COMMON_PHILOX_H
#define SIMDROP_COMMON_PHILOX_H

#include <stdint.h>

#define SIMDROP_PHILOX_ROUNDS 10
#define SIMDROP_PHILOX_MULTIPLIER_0 UINT32_C(0xD2511F53)
#define SIMDROP_PHILOX_MULTIPLIER_1 UINT32_C(0xCD9E8D57)
#define SIMDROP_PHILOX_WEYL_0 UINT32_C(0x9E3779B9)  // golden ratio
#define SIMDROP_PHILOX_WEYL_1 UINT32_C(0xBB67AE85)  // sqrt(3) - 1

// One call: 128 random bits, words[0] first, from a 128-bit counter and a 64-bit key.
static inline void simdrop_philox4x32_10(const uint32_t counter[4], const uint32_t key[2], uint32_t words[4]) {
  uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
  uint32_t k0 = key[0], k1 = key[1];
  for (int round = 0; round < SIMDROP_PHILOX_ROUNDS; ++round) {
    const uint64_t product_0 = (uint64_t)SIMDROP_PHILOX_MULTIPLIER_0 * c0;
    const uint64_t product_1 = (uint64_t)SIMDROP_PHILOX_MULTIPLIER_1 * c2;
    c0 = (uint32_t)(product_1 >> 32) ^ c1 ^ k0;
    c1 = (uint32_t)product_1;
    c2 = (uint32_t)(product_0 >> 32) ^ c3 ^ k1;
    c3 = (uint32_t)product_0;
    k0 += SIMDROP_PHILOX_WEYL_0;
    k1 += SIMDROP_PHILOX_WEYL_1;
  }
  words[0] = c0;
  words[1] = c1;
  words[2] = c2;
  words[3] = c3;
}

#endif

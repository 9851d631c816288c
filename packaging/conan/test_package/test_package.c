// The first golden mask, and the same by OpenMP's threads: that headers, library and executor go together.
#include <simdrop/simdrop.h>
#if defined(WITH_OPENMP)
#include <simdrop/openmp.h>
#endif

#include <stdio.h>
#include <string.h>

int main(void) {
  static const uint8_t golden[8] = {0xd5, 0xe8, 0x27, 0x66, 0x8d, 0xc5, 0x69, 0xe1};  // p = 0.5, the rest 0
  const simdrop_mask mask = {.p = 0.5};
  uint8_t bits[8];
  if (simdrop_mask_bits(&mask, 64, bits) != SIMDROP_OK || memcmp(bits, golden, sizeof golden) != 0) return 1;
#if defined(WITH_OPENMP)
  float x[64] = {0}, y[64];
  const simdrop_executor executor = simdrop_openmp_executor(2);
  if (simdrop_parallel_forward(&executor, &mask, SIMDROP_F32, 64, x, y, bits) != SIMDROP_OK) return 1;
  if (memcmp(bits, golden, sizeof golden) != 0) return 1;
#endif
  printf("simdrop %s, backend %s\n", simdrop_version_string(), simdrop_backend_current());
  return 0;
}

// A program that uses simdrop as its users do. It compiles as C11 and as C++11, and fails unless the library works.
#include <simdrop/simdrop.h>

#include <stdio.h>
#include <string.h>

int main(void) {
  // The first golden mask: p = 0.5, seed, stream and offset 0.
  static const uint8_t golden[8] = {0xd5, 0xe8, 0x27, 0x66, 0x8d, 0xc5, 0x69, 0xe1};
  const simdrop_mask mask = {0.5, 0, 0, 0, 0};
  uint8_t bits[8];
  float x[64], y[64];
  int i;
  if (simdrop_mask_bits(&mask, 64, bits) != SIMDROP_OK || memcmp(bits, golden, sizeof golden) != 0) {
    fprintf(stderr, "the mask is not the golden one\n");
    return 1;
  }
  for (i = 0; i < 64; ++i) x[i] = (float)(i + 1);
  if (simdrop_forward(&mask, SIMDROP_F32, 64, x, y, NULL) != SIMDROP_OK) return 1;
  for (i = 0; i < 64; ++i) {
    const float expected = golden[i / 8] >> (i % 8) & 1 ? 2 * x[i] : 0.0f;
    if (memcmp(&expected, &y[i], sizeof expected) != 0) {
      fprintf(stderr, "element %d is %g\n", i, (double)y[i]);
      return 1;
    }
  }
  if (simdrop_version_number() != SIMDROP_VERSION_NUMBER || strcmp(simdrop_version_string(), SIMDROP_VERSION_STRING) != 0) {
    fprintf(stderr, "the library is not of the headers' version\n");
    return 1;
  }
  printf("simdrop %s, backend %s\n", simdrop_version_string(), simdrop_backend_current());
  return 0;
}

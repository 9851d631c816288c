// Prints which backend the library chooses here, why, and digests of masks and outputs of every type: for running the same
// program on many processors. Public interface only.
#include <simdrop/simdrop.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  ELEMENTS = 20000
};

// FNV-1a, 64 bits (Fowler, Noll, Vo).
static uint64_t digest(const void *data, size_t size, uint64_t state) {
  const unsigned char *const bytes = data;
  for (size_t i = 0; i < size; ++i) state = (state ^ bytes[i]) * UINT64_C(0x100000001b3);
  return state;
}

static void check(simdrop_status status) {
  if (status == SIMDROP_OK) return;
  fprintf(stderr, "probe: %s\n", simdrop_status_string(status));
  exit(1);
}

int main(void) {
  static const double probabilities[] = {1e-3, 0.1, 0.25, 0.5, 0.9};
  static const uint64_t offsets[] = {0, 77, UINT64_C(0x7fffffffc0), UINT64_C(0xfffffffffffe0000)};
  static unsigned char x[ELEMENTS * 8], y[ELEMENTS * 8], bits[ELEMENTS / 8 + 1];
  uint64_t state = UINT64_C(0xcbf29ce484222325), filler = 1;
  for (size_t i = 0; i < sizeof x; ++i) {  // any bits at all: every kind of number, NaN and infinity too
    filler = filler * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    x[i] = (unsigned char)(filler >> 56);
  }
  for (size_t i = 0; i < sizeof probabilities / sizeof *probabilities; ++i) {
    for (size_t j = 0; j < sizeof offsets / sizeof *offsets; ++j) {
      const simdrop_mask mask = {probabilities[i], 2024 + i, UINT64_C(0x123456789abcdef0) + j, offsets[j], 0};
      check(simdrop_mask_bits(&mask, ELEMENTS, bits));
      state = digest(bits, ELEMENTS / 8, state);
      for (int dtype = 0; dtype < (int)simdrop_dtype_count(); ++dtype) {
        check(simdrop_forward(&mask, (simdrop_dtype)dtype, ELEMENTS, x, y, bits));
        state = digest(y, ELEMENTS * simdrop_dtype_size((simdrop_dtype)dtype), digest(bits, ELEMENTS / 8, state));
      }
    }
  }
  // A compiler that takes every number for finite would let it pass.
  const simdrop_mask no_probability = {(double)NAN, 1, 1, 0, 0};
  if (simdrop_mask_bits(&no_probability, ELEMENTS, bits) != SIMDROP_ERROR_PROBABILITY) {
    fprintf(stderr, "probe: NaN was taken for a probability\n");
    return 1;
  }
  printf("backend=%s reason=%d digest=%016" PRIx64 "\n", simdrop_backend_current(), (int)simdrop_backend_reason(), state);
  return 0;
}

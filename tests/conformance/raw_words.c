// raw_words SEED STREAM: the numbers U(index) of docs/numerics.md for index = 0, 1, ..., four little-endian bytes each, for
// batteries of tests of random numbers, until nobody reads them any more. They come from the reference that the exact tests of
// simdrop verify compare the library with, because the library never forms them.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "report.h"
#include "verify_reference.h"

#define WORDS 4096  // written at once

int main(int argc, char **argv) {
  if (argc != 3) {
    report_error("usage: raw_words SEED STREAM");
    return EXIT_REFUSED;
  }
  const uint64_t seed = strtoull(argv[1], NULL, 0), stream = strtoull(argv[2], NULL, 0);
  reference_block block = {0};
  signal(SIGPIPE, SIG_IGN);
  for (uint64_t index = 0;; index += WORDS) {
    unsigned char bytes[4 * WORDS];
    for (uint64_t k = 0; k < WORDS; ++k) {
      const uint32_t u = reference_u(&block, seed, stream, index + k);
      for (int i = 0; i < 4; ++i) bytes[4 * k + (uint64_t)i] = (unsigned char)(u >> 8 * i);
    }
    if (fwrite(bytes, 1, sizeof bytes, stdout) != sizeof bytes) return EXIT_SUCCESS;
  }
}

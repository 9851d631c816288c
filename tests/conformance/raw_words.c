// raw_words SEED STREAM: the numbers U(index) of docs/numerics.md for index = 0, 1, ..., four little-endian bytes each, for
// batteries of tests of random numbers, until nobody reads them any more. They come from the reference that the exact tests of
// simdrop verify compare the library with, because the library never forms them.
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/report.h"
#include "verify/reference.h"

#define WORDS 4096  // written at once

static bool read_number(const char *text, uint64_t *number) {
  char *end;
  errno = 0;
  *number = strtoull(text, &end, 0);
  const bool whole = text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
  if (!whole) report_error("raw_words: '%s' is not a number from 0 to 2^64 - 1", text);
  return whole;
}

int main(int argc, char **argv) {
  uint64_t seed, stream;
  if (argc != 3) report_error("usage: raw_words SEED STREAM");
  if (argc != 3 || !read_number(argv[1], &seed) || !read_number(argv[2], &stream)) return EXIT_REFUSED;
  reference_block block = {0};
  signal(SIGPIPE, SIG_IGN);
  for (uint64_t index = 0;; index += WORDS) {
    unsigned char bytes[4 * WORDS];
    for (uint64_t k = 0; k < WORDS; ++k) {
      const uint32_t u = reference_u(&block, seed, stream, index + k);
      for (int i = 0; i < 4; ++i) bytes[4 * k + (uint64_t)i] = (unsigned char)(u >> 8 * i);
    }
    if (fwrite(bytes, 1, sizeof bytes, stdout) == sizeof bytes) continue;
    if (errno == EPIPE) return EXIT_SUCCESS;  // the reader has enough
    report_error("raw_words: cannot write: %s", strerror(errno));
    return EXIT_REFUSED;
  }
}

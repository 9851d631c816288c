// Short calls for bench/count_instructions.py to count the instructions of: count_instructions BACKEND N P CALLS.
#include <simdrop/simdrop.h>
#include <stdlib.h>

enum {
  MOST = 4096
};

int main(int argc, char **argv) {
  static float x[MOST], y[MOST];
  if (argc != 5 || simdrop_backend_select(argv[1]) != SIMDROP_OK) return 1;
  const size_t n = strtoul(argv[2], NULL, 10), calls = strtoul(argv[4], NULL, 10);
  if (n > MOST) return 1;
  simdrop_mask mask = {.p = strtod(argv[3], NULL), .seed = 42};
  for (size_t i = 0; i < calls; ++i) {
    mask.stream = i;
    if (simdrop_forward(&mask, SIMDROP_F32, n, x, y, NULL) != SIMDROP_OK) return 1;
  }
  return 0;
}

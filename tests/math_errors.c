// Prints the largest errors of the functions of the fused kernels against double, in Markdown: the table of docs/fused.md. All
// floats from 2^-32 to 256 in magnitude, and every 257th of the others, or one in as many as the argument says of all.
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/float16.h"
#include "math_functions.h"

typedef struct largest {
  double error;
  float x;
} largest;

static void take(largest *so_far, double error, float x) {
  if (error > so_far->error) {
    so_far->error = error;
    so_far->x = x;
  }
}

static void print_row(const math_function *function, uint32_t step) {
  largest ulp = {0, 0}, near = {0, 0}, of_x = {0, 0};
  for (uint64_t bits = 0; bits < UINT64_C(1) << 32;) {
    const float x = simdrop_float_from_bits((uint32_t)bits);
    bits += step != 0 ? step : fabsf(x) >= 0x1p-32f && fabsf(x) <= 256 ? 1 : 257;
    if (isnan(x) || fabsf(x) > 0x1p100f || !is_in_domain(function, x)) continue;
    const math_error error = error_of(function, x);
    if (fabs(function->exact(x)) > 1e-30) take(&ulp, error.ulp, x);
    if (fabsf(x) <= 6) take(&near, error.absolute, x);
    if (fabsf(x) > 1e-30f) take(&of_x, error.of_x, x);
  }
  printf("| %s | %.3g at %.9g | %.3g at %.9g | %.3g at %.9g |\n", function->name, ulp.error, ulp.x, near.error, near.x,
         of_x.error, of_x.x);
  fflush(stdout);
}

int main(int argc, char **argv) {
  const uint32_t step = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
  puts(
      "| function | units in the last place, where the result is above 1e-30 | absolute, for \\|x\\| <= 6 | in units of 2^-24 "
      "\\|x\\| |");
  puts("|---|---|---|---|");
  for (size_t i = 0; i < MATH_FUNCTION_COUNT; ++i) print_row(&math_functions[i], step);
  return 0;
}

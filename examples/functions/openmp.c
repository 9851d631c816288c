// The executor on OpenMP's threads, which is a library of its own: simdrop::openmp.
#include "example.h"

#include <simdrop/openmp.h>

#include <string.h>

int main(void) {
  enum {
    N = 1 << 20
  };
  static float x[N], y[N], expected[N];
  for (int k = 0; k < N; ++k) x[k] = 1;

  //! [simdrop_openmp_executor]
  const simdrop_executor executor = simdrop_openmp_executor(2);  // 0: as many threads as OpenMP would use
  const simdrop_mask mask = {.p = 0.5, .seed = 2024, .stream = 7};
  check(simdrop_parallel_forward(&executor, &mask, SIMDROP_F32, N, x, y, NULL));
  check(simdrop_forward(&mask, SIMDROP_F32, N, x, expected, NULL));
  expect(memcmp(y, expected, sizeof y) == 0);
  //! [simdrop_openmp_executor]
  return 0;
}

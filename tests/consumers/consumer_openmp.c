// A program that links simdrop::openmp alone: two threads must give the bits of one.
#include <simdrop/openmp.h>
#include <simdrop/simdrop.h>
#include <stdio.h>
#include <string.h>

enum {
  COUNT = 200000
};

int main(void) {
  static float x[COUNT], one[COUNT], two[COUNT];
  const simdrop_executor executor = simdrop_openmp_executor(2);
  const simdrop_mask mask = {0.5, 1, 2, 3, 0};
  for (size_t k = 0; k < COUNT; ++k) x[k] = 1;
  if (simdrop_forward(&mask, SIMDROP_F32, COUNT, x, one, NULL) != SIMDROP_OK) return 1;
  if (simdrop_parallel_forward(&executor, &mask, SIMDROP_F32, COUNT, x, two, NULL) != SIMDROP_OK) return 1;
  const int same = memcmp(one, two, sizeof one) == 0;
  printf("two threads and one: %s\n", same ? "the same" : "different");
  return same ? 0 : 1;
}

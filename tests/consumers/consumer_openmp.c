// A program that links simdrop::openmp alone: two threads must give the bits of one.
#include <simdrop/openmp.h>
#include <simdrop/simdrop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
  const size_t n = 200000;
  const simdrop_executor executor = simdrop_openmp_executor(2);
  const simdrop_mask mask = {0.5, 1, 2, 3, 0};
  float *const x = (float *)calloc(n, sizeof(float)), *const one = (float *)malloc(n * sizeof(float));
  float *const two = (float *)malloc(n * sizeof(float));
  if (x == NULL || one == NULL || two == NULL) return 1;
  for (size_t k = 0; k < n; ++k) x[k] = 1;
  if (simdrop_forward(&mask, SIMDROP_F32, n, x, one, NULL) != SIMDROP_OK) return 1;
  if (simdrop_parallel_forward(&executor, &mask, SIMDROP_F32, n, x, two, NULL) != SIMDROP_OK) return 1;
  const int same = memcmp(one, two, n * sizeof(float)) == 0;
  printf("two threads and one: %s\n", same ? "the same" : "different");
  free(x);
  free(one);
  free(two);
  return same ? 0 : 1;
}

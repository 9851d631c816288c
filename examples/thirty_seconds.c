// Dropout on a small activation, forward and backward. Build: cc thirty_seconds.c -lsimdrop
#include <simdrop/simdrop.h>

#include <stdio.h>

int main(void) {
  float x[8] = {1, 2, 3, 4, 5, 6, 7, 8}, y[8];
  float dy[8] = {1, 1, 1, 1, 1, 1, 1, 1}, dx[8];

  // p = 0.5, this training step's seed, this layer's stream, and where in the tensor the array begins.
  const simdrop_mask mask = {.p = 0.5, .seed = 2024, .stream = 7, .offset = 0};

  simdrop_status status = simdrop_forward(&mask, SIMDROP_F32, 8, x, y, NULL);
  if (status == SIMDROP_OK) status = simdrop_backward(&mask, SIMDROP_F32, 8, dy, dx);
  if (status != SIMDROP_OK) {
    fprintf(stderr, "simdrop: %s\n", simdrop_status_string(status));
    return 1;
  }

  for (int i = 0; i < 8; ++i) printf("x %g  y %g  dx %g\n", (double)x[i], (double)y[i], (double)dx[i]);
  return 0;
}

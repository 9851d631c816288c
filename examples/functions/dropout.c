// Masks, dropout of elements that lie side by side, its gradient, and stored masks.
#include "example.h"

#include <math.h>
#include <string.h>

static void mask_bits(void) {
  //! [simdrop_mask_bits]
  const simdrop_mask mask = {.p = 0.25, .seed = 2024, .stream = 7, .offset = 0};
  uint8_t bits[2];  // a bit each for up to 16 elements
  check(simdrop_mask_bits(&mask, 10, bits));

  for (int k = 0; k < 10; ++k) printf("element %d is %s\n", k, bits[k / 8] >> k % 8 & 1 ? "kept" : "dropped");
  expect(bits[1] >> 2 == 0);  // what is left of the last byte is 0

  // The same decisions from element 8 on: a part of a tensor needs nothing but its offset.
  const simdrop_mask part = {.p = 0.25, .seed = 2024, .stream = 7, .offset = 8};
  uint8_t end[1];
  check(simdrop_mask_bits(&part, 2, end));
  expect(end[0] == bits[1]);
  //! [simdrop_mask_bits]
}

static void mask_bytes(void) {
  //! [simdrop_mask_bytes]
  const simdrop_mask mask = {.p = 0.25, .seed = 2024, .stream = 7};
  uint8_t kept[1000];
  check(simdrop_mask_bytes(&mask, 1000, kept));

  int count = 0;
  for (int k = 0; k < 1000; ++k) count += kept[k];
  expect(count > 650 && count < 850);  // about three quarters
  //! [simdrop_mask_bytes]
}

static void scale(void) {
  //! [simdrop_scale]
  double s;
  check(simdrop_scale(0.5, &s));
  expect(s == 2);
  check(simdrop_scale(0.1, &s));
  expect(fabs(s - 1 / 0.9) < 1e-9);  // of the p that is drawn: 0.1, rounded to a multiple of 2^-32

  expect(simdrop_scale(1.5, &s) == SIMDROP_ERROR_PROBABILITY);
  //! [simdrop_scale]
}

static void forward(void) {
  //! [simdrop_forward]
  const simdrop_mask mask = {.p = 0.5, .seed = 2024, .stream = 7};
  float x[8] = {1, 2, 3, 4, 5, 6, 7, 8}, y[8];
  uint8_t bits[1];
  check(simdrop_forward(&mask, SIMDROP_F32, 8, x, y, bits));  // NULL in the place of bits: no mask is written
  for (int k = 0; k < 8; ++k) expect(y[k] == (bits[0] >> k & 1 ? 2 * x[k] : 0));

  check(simdrop_forward(&mask, SIMDROP_F32, 8, x, x, NULL));  // in place
  expect(memcmp(x, y, sizeof x) == 0);
  //! [simdrop_forward]
}

static void forward_bytes(void) {
  //! [simdrop_forward_bytes]
  const simdrop_mask mask = {.p = 0.5, .seed = 2024, .stream = 7};
  const double x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  double y[8];
  uint8_t kept[8];
  check(simdrop_forward_bytes(&mask, SIMDROP_F64, 8, x, y, kept));
  for (int k = 0; k < 8; ++k) expect(y[k] == 2 * x[k] * kept[k]);
  //! [simdrop_forward_bytes]
}

static void backward(void) {
  //! [simdrop_backward]
  const simdrop_mask mask = {.p = 0.5, .seed = 2024, .stream = 7};
  const float x[8] = {1, 1, 1, 1, 1, 1, 1, 1}, dy[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  float y[8], dx[8];
  check(simdrop_forward(&mask, SIMDROP_F32, 8, x, y, NULL));
  check(simdrop_backward(&mask, SIMDROP_F32, 8, dy, dx));  // draws the same mask: nothing was stored
  for (int k = 0; k < 8; ++k) expect(dx[k] == dy[k] * y[k]);
  //! [simdrop_backward]
}

static void apply_bits(void) {
  //! [simdrop_apply_bits]
  const uint8_t bits[1] = {0x0F};  // the first four elements are kept, whoever decided so
  const float x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  float y[8];
  check(simdrop_apply_bits(0.5, SIMDROP_F32, 8, bits, x, y));
  expect(y[3] == 8 && y[4] == 0);
  //! [simdrop_apply_bits]
}

static void dtypes(void) {
  //! [simdrop_dtype_size]
  expect(simdrop_dtype_size(SIMDROP_BF16) == 2);
  expect(simdrop_dtype_size((simdrop_dtype)100) == 0);  // there is no such type
  //! [simdrop_dtype_size]

  //! [simdrop_dtype_name]
  expect(strcmp(simdrop_dtype_name(SIMDROP_F8E4M3FN), "f8e4m3fn") == 0);
  expect(simdrop_dtype_name((simdrop_dtype)100) == NULL);
  //! [simdrop_dtype_name]

  //! [simdrop_dtype_count]
  for (size_t i = 0; i < simdrop_dtype_count(); ++i) {
    const simdrop_dtype dtype = (simdrop_dtype)i;
    printf("%s: %zu bytes\n", simdrop_dtype_name(dtype), simdrop_dtype_size(dtype));
  }
  //! [simdrop_dtype_count]
}

static void status_string(void) {
  //! [simdrop_status_string]
  const simdrop_mask mask = {.p = 2, .seed = 2024, .stream = 7};
  float x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  const simdrop_status status = simdrop_forward(&mask, SIMDROP_F32, 8, x, x, NULL);
  if (status != SIMDROP_OK) printf("no dropout: %s\n", simdrop_status_string(status));
  expect(status == SIMDROP_ERROR_PROBABILITY && x[0] == 1);  // nothing was written
  //! [simdrop_status_string]
}

int main(void) {
  mask_bits();
  mask_bytes();
  scale();
  forward();
  forward_bytes();
  backward();
  apply_bits();
  dtypes();
  status_string();
  return 0;
}

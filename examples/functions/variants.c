// Dropout's relatives: docs/variants.md has the formulas.
#include "example.h"

#include <math.h>
#include <string.h>

enum {
  N = 1000
};
static float x[N], y[N], dy[N], dx[N];
static const simdrop_mask mask = {.p = 0.25, .seed = 2024, .stream = 7};

static int is_close(double a, double b) { return fabs(a - b) <= 1e-5 * (1 + fabs(b)); }

static void alpha_forward(void) {
  //! [simdrop_alpha_forward]
  uint8_t kept[N];
  check(simdrop_mask_bytes(&mask, N, kept));
  check(simdrop_alpha_forward(NULL, &mask, SIMDROP_F32, N, x, y));

  // a and b keep mean 0 and variance 1, with alpha' in the place of what is dropped.
  const double alpha = 1.7580993408473766, a = 1 / sqrt((alpha * alpha * mask.p + 1) * (1 - mask.p)), b = alpha * a * mask.p;
  for (int k = 0; k < N; ++k) expect(is_close((double)y[k], kept[k] ? (double)x[k] * a + b : b - alpha * a));
  //! [simdrop_alpha_forward]
}

static void alpha_backward(void) {
  //! [simdrop_alpha_backward]
  uint8_t kept[N];
  check(simdrop_mask_bytes(&mask, N, kept));
  check(simdrop_alpha_backward(NULL, &mask, SIMDROP_F32, N, dy, dx));
  for (int k = 0; k < N; ++k) expect(kept[k] ? dx[k] * dy[k] > 0 : dx[k] == 0);
  //! [simdrop_alpha_backward]
}

static void alpha_layout(void) {
  //! [simdrop_alpha_forward_layout]
  // Feature alpha dropout: whole channels of (samples, channels, places).
  const size_t dims[] = {2, 5, 100};
  simdrop_layout layout;
  check(simdrop_layout_channels(SIMDROP_CHANNELS_FIRST, 1, 3, dims, &layout));
  uint8_t channel_kept[2 * 5];
  check(simdrop_mask_bytes(&mask, 10, channel_kept));
  check(simdrop_alpha_forward_layout(NULL, &mask, SIMDROP_F32, &layout, x, y));
  for (int k = 0; k < N; ++k) expect(channel_kept[k / 100] || y[k] == y[k / 100 * 100]);  // a dropped channel is constant
  //! [simdrop_alpha_forward_layout]

  //! [simdrop_alpha_backward_layout]
  check(simdrop_alpha_backward_layout(NULL, &mask, SIMDROP_F32, &layout, dy, dx));
  for (int k = 0; k < N; ++k) expect(channel_kept[k / 100] ? dx[k] * dy[k] > 0 : dx[k] == 0);
  //! [simdrop_alpha_backward_layout]
}

static void normals(void) {
  //! [simdrop_normals]
  float z[N];
  check(simdrop_normals(NULL, &mask, N, z));
  double mean = 0, square = 0;
  for (int k = 0; k < N; ++k) {
    mean += (double)z[k] / N;
    square += (double)z[k] * (double)z[k] / N;
  }
  expect(fabs(mean) < 0.15 && fabs(square - 1) < 0.2);

  // Number 10, without the ten before it.
  const simdrop_mask later = {.seed = mask.seed, .stream = mask.stream, .offset = 10};
  float tenth;
  check(simdrop_normals(NULL, &later, 1, &tenth));
  expect(tenth == z[10]);
  //! [simdrop_normals]
}

static void uniforms(void) {
  //! [simdrop_uniforms]
  float u[N];
  check(simdrop_uniforms(NULL, &mask, N, u));
  for (int k = 0; k < N; ++k) expect(u[k] > 0 && u[k] <= 1);
  //! [simdrop_uniforms]
}

static void gaussian_forward(void) {
  //! [simdrop_gaussian_forward]
  check(simdrop_gaussian_forward(NULL, &mask, SIMDROP_F32, N, x, y));
  check(simdrop_gaussian_forward(NULL, &mask, SIMDROP_F32, N, dy, dx));  // the gradient is the same function of dy

  float z[N];
  check(simdrop_normals(NULL, &mask, N, z));
  const double sigma = sqrt(mask.p / (1 - mask.p));
  for (int k = 0; k < N; ++k) expect(is_close((double)y[k], (double)x[k] * (1 + sigma * (double)z[k])));
  //! [simdrop_gaussian_forward]
}

static void gaussian_forward_layout(void) {
  //! [simdrop_gaussian_forward_layout]
  simdrop_layout layout;
  check(simdrop_layout_rows(10, 100, &layout));  // one number for each of 10 rows
  float ones[N];
  for (int k = 0; k < N; ++k) ones[k] = 1;
  check(simdrop_gaussian_forward_layout(NULL, &mask, SIMDROP_F32, &layout, ones, y));
  for (int k = 0; k < N; ++k) expect(y[k] == y[k / 100 * 100]);
  //! [simdrop_gaussian_forward_layout]
}

static void apply_bits_scaled(void) {
  //! [simdrop_apply_bits_scaled]
  const uint8_t bits[1] = {0x0F};
  const float of_eight[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  float scaled[8];
  check(simdrop_apply_bits_scaled(NULL, 1, SIMDROP_F32, 8, bits, of_eight, scaled));  // a scale of 1: nothing is scaled
  expect(scaled[3] == 4 && scaled[4] == 0);
  //! [simdrop_apply_bits_scaled]
}

static void apply_bits_scaled_layout(void) {
  //! [simdrop_apply_bits_scaled_layout]
  const size_t dims[] = {2, 4};
  simdrop_layout layout;
  check(simdrop_layout_dense(2, dims, &layout));
  layout.x_strides[0] = 1;  // x is transposed
  layout.x_strides[1] = 2;
  const uint8_t bits[1] = {0x0F};  // the first row is kept
  const float of_eight[8] = {11, 21, 12, 22, 13, 23, 14, 24};
  float scaled[8];
  check(simdrop_apply_bits_scaled_layout(NULL, 10, SIMDROP_F32, &layout, bits, of_eight, scaled));
  expect(scaled[3] == 140 && scaled[4] == 0);
  //! [simdrop_apply_bits_scaled_layout]
}

static void dropblock(void) {
  //! [simdrop_dropblock_gamma]
  double gamma;  // the probability with which a block of 3 x 3 begins at a place of an image of 10 x 10
  check(simdrop_dropblock_gamma(0.25, 10, 10, 3, 3, &gamma));
  expect(is_close(gamma, 0.25 * 100 / (9 * 8 * 8)));
  //! [simdrop_dropblock_gamma]

  //! [simdrop_dropblock_bits]
  const simdrop_mask begins = {.p = gamma, .seed = 2024, .stream = 7};
  uint8_t bits[(N + 7) / 8];  // ten images
  uint64_t kept;
  check(simdrop_dropblock_bits(NULL, &begins, 10, 10, 10, 3, 3, bits, &kept));
  expect(kept > 500 && kept < N);

  // By the share that was really kept.
  check(simdrop_apply_bits_scaled(NULL, (double)N / (double)kept, SIMDROP_F32, N, bits, x, y));
  //! [simdrop_dropblock_bits]
  uint64_t count = 0;
  for (int k = 0; k < N; ++k) count += y[k] != 0;
  expect(count == kept);
}

static void moments(void) {
  //! [simdrop_moments_update]
  // What four passes with dropout left on give for one input, without keeping the four outputs.
  float mean[N], squares[N];
  for (uint64_t pass = 1; pass <= 4; ++pass) {
    const simdrop_mask of_pass = {.p = 0.25, .seed = 2024, .stream = pass};
    check(simdrop_forward(&of_pass, SIMDROP_F32, N, x, y, NULL));  // in the place of a network
    check(simdrop_moments_update(NULL, SIMDROP_F32, pass, N, y, mean, squares));
  }
  for (int k = 0; k < N; ++k) expect(mean[k] >= 0 && is_close((double)mean[k], round((double)mean[k] / x[k] * 3) * x[k] / 3));
  //! [simdrop_moments_update]

  //! [simdrop_moments_finish]
  float *const variance = squares;  // in place
  check(simdrop_moments_finish(NULL, SIMDROP_F32, 4, N, squares, variance));
  for (int k = 0; k < N; ++k) expect(variance[k] >= 0);
  //! [simdrop_moments_finish]
}

static void concrete_forward(void) {
  //! [simdrop_concrete_forward]
  check(simdrop_concrete_forward(NULL, &mask, 0.1, SIMDROP_F32, N, x, y));

  double mean = 0;
  for (int k = 0; k < N; ++k) mean += (double)(y[k] / x[k]) / N;
  expect(fabs(mean - 1) < 0.1);  // what is kept is scaled by 1 / (1 - p), as in dropout
  //! [simdrop_concrete_forward]
}

static void concrete_backward(void) {
  //! [simdrop_concrete_backward]
  double p_gradient;
  check(simdrop_concrete_backward(NULL, &mask, 0.1, SIMDROP_F32, N, x, dy, dx, &p_gradient));

  // One step of gradient descent, which learns p.
  simdrop_mask next = mask;
  next.p -= 1e-6 * p_gradient;
  //! [simdrop_concrete_backward]
  check(simdrop_concrete_forward(NULL, &mask, 0.1, SIMDROP_F32, N, x, y));
  for (int k = 0; k < N; ++k) expect(is_close((double)dx[k], (double)(y[k] / x[k] * dy[k])));
  expect(isfinite(p_gradient) && next.p != mask.p);
}

static void concrete_layout(void) {
  //! [simdrop_concrete_forward_layout]
  simdrop_layout layout;
  check(simdrop_layout_rows(10, 100, &layout));  // rows are kept as wholes, to some share
  check(simdrop_concrete_forward_layout(NULL, &mask, 0.1, SIMDROP_F32, &layout, x, y));
  for (int k = 0; k < N; ++k) expect(is_close((double)(y[k] / x[k]), (double)(y[k / 100 * 100] / x[k / 100 * 100])));
  //! [simdrop_concrete_forward_layout]

  //! [simdrop_concrete_backward_layout]
  double p_gradient;
  check(simdrop_concrete_backward_layout(NULL, &mask, 0.1, SIMDROP_F32, &layout, x, dy, dx, &p_gradient));
  for (int k = 0; k < N; ++k) expect(is_close((double)dx[k], (double)(y[k] / x[k] * dy[k])));
  //! [simdrop_concrete_backward_layout]
  expect(isfinite(p_gradient));
}

static void dropconnect(void) {
  //! [simdrop_dropconnect]
  enum {
    ROWS = 3,
    COLUMNS = 4
  };
  const float w[ROWS * COLUMNS] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, input[COLUMNS] = {1, 2, 3, 4};
  const simdrop_mask of_weights = {.p = 0.5, .seed = 2024, .stream = 7};
  float output[ROWS];
  check(simdrop_dropconnect(NULL, &of_weights, SIMDROP_F32, ROWS, COLUMNS, w, COLUMNS, input, output));

  float dropped[ROWS * COLUMNS];  // the same with the weights written out, which simdrop_dropconnect does not need
  check(simdrop_forward(&of_weights, SIMDROP_F32, ROWS * COLUMNS, w, dropped, NULL));
  for (int r = 0; r < ROWS; ++r) {
    float sum = 0;
    for (int c = 0; c < COLUMNS; ++c) sum += dropped[r * COLUMNS + c] * input[c];
    expect(output[r] == sum);
  }
  //! [simdrop_dropconnect]

  //! [simdrop_dropconnect_backward]
  const float d_output[ROWS] = {1, -1, 2};
  float d_weights[ROWS * COLUMNS], d_input[COLUMNS];
  check(simdrop_dropconnect_backward(NULL, &of_weights, SIMDROP_F32, ROWS, COLUMNS, w, COLUMNS, input, d_output, NULL,
                                     d_weights, d_input));
  for (int c = 0; c < COLUMNS; ++c) {
    float sum = 0;
    for (int r = 0; r < ROWS; ++r) {
      const int k = r * COLUMNS + c;
      sum += dropped[k] * d_output[r];
      expect(d_weights[k] == (dropped[k] != 0 ? 2 * d_output[r] * input[c] : 0));
    }
    expect(d_input[c] == sum);
  }
  //! [simdrop_dropconnect_backward]
}

int main(void) {
  for (int k = 0; k < N; ++k) {
    x[k] = (float)(k % 10 + 1);
    dy[k] = (float)(k % 2 * 2 - 1);
  }
  alpha_forward();
  alpha_backward();
  alpha_layout();
  normals();
  uniforms();
  gaussian_forward();
  gaussian_forward_layout();
  apply_bits_scaled();
  apply_bits_scaled_layout();
  dropblock();
  moments();
  concrete_forward();
  concrete_backward();
  concrete_layout();
  dropconnect();
  return 0;
}

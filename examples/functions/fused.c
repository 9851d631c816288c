// Functions that are fused with dropout: the chain, norms, softmax and tiles. docs/fused.md has the formulas.
#include "example.h"

#include <math.h>
#include <string.h>

static const simdrop_mask mask = {.p = 0.5, .seed = 2024, .stream = 7};

// What is dropped here: 4 tokens of 8 features, or the scores of 4 queries and 8 keys.
enum {
  ROWS = 4,
  COLUMNS = 8,
  N = ROWS * COLUMNS
};
static const float bias[COLUMNS] = {1, -1, 1, -1, 1, -1, 1, -1};
static float x[N], residual[N], dy[N], y[N], dx[N], plain[N];
static uint8_t kept[N];  // the mask of all of it, to compare with

static int is_close(float a, double b) { return fabs((double)a - b) < 1e-5; }

static void matrix_dense(void) {
  //! [simdrop_matrix_dense]
  simdrop_matrix matrix = simdrop_matrix_dense(ROWS, COLUMNS);
  expect(matrix.x_stride == COLUMNS && matrix.index_stride == COLUMNS && matrix.flags == 0);
  matrix.residual_stride = 0;  // one row of the residual, such as a position's embedding, for all rows
  //! [simdrop_matrix_dense]
  expect(matrix.y_stride == COLUMNS);
}

static void chain_forward(void) {
  //! [simdrop_chain_forward]
  // y = residual + dropout(relu(x + bias))
  const simdrop_matrix matrix = simdrop_matrix_dense(ROWS, COLUMNS);
  const simdrop_chain chain = {.activation = SIMDROP_RELU, .bias = bias, .residual = residual};
  uint8_t bits[(N + 7) / 8];
  check(simdrop_chain_forward(NULL, &mask, SIMDROP_F32, &matrix, &chain, x, y, bits));

  for (int k = 0; k < N; ++k) {
    const float t = x[k] + bias[k % COLUMNS];
    expect(y[k] == residual[k] + (kept[k] && t > 0 ? 2 * t : 0));
    expect((bits[k / 8] >> k % 8 & 1) == (kept[k] && t > 0));  // all that the backward pass needs
  }
  //! [simdrop_chain_forward]
}

static void chain_backward(void) {
  //! [simdrop_chain_backward]
  const simdrop_matrix matrix = simdrop_matrix_dense(ROWS, COLUMNS);
  const simdrop_chain chain = {.activation = SIMDROP_RELU, .bias = bias, .residual = residual};
  float bias_gradient[COLUMNS];
  check(simdrop_chain_backward(NULL, &mask, SIMDROP_F32, &matrix, &chain, NULL, x, dy, dx, bias_gradient));

  for (int c = 0; c < COLUMNS; ++c) {
    float sum = 0;
    for (int k = c; k < N; k += COLUMNS) {
      expect(dx[k] == (kept[k] && x[k] + bias[c] > 0 ? 2 * dy[k] : 0));
      sum += dx[k];
    }
    expect(bias_gradient[c] == sum);  // the residual's gradient is dy itself
  }
  //! [simdrop_chain_backward]
}

static void norm_forward(void) {
  //! [simdrop_norm_forward]
  // y = LayerNorm(h), h = residual + dropout(x + bias): what a sub-layer of a transformer ends with
  const simdrop_matrix matrix = simdrop_matrix_dense(ROWS, COLUMNS);
  const simdrop_norm norm = {.kind = SIMDROP_LAYER_NORM, .epsilon = 1e-5, .bias = bias, .residual = residual};
  float h[N], statistics[2 * ROWS];
  check(simdrop_norm_forward(NULL, &mask, SIMDROP_F32, &matrix, &norm, x, h, y, statistics));

  for (int r = 0; r < ROWS; ++r) {
    double mean = 0, square = 0;
    for (int k = r * COLUMNS; k < (r + 1) * COLUMNS; ++k) {
      mean += (double)y[k] / COLUMNS;
      square += (double)y[k] * (double)y[k] / COLUMNS;
    }
    expect(fabs(mean) < 1e-5 && fabs(square - 1) < 1e-4);
  }
  for (int k = 0; k < N; ++k) expect(h[k] == residual[k] + (kept[k] ? 2 * (x[k] + bias[k % COLUMNS]) : 0));
  //! [simdrop_norm_forward]
}

static void norm_backward(void) {
  //! [simdrop_norm_backward]
  const simdrop_matrix matrix = simdrop_matrix_dense(ROWS, COLUMNS);
  const simdrop_norm norm = {.kind = SIMDROP_LAYER_NORM, .epsilon = 1e-5, .bias = bias, .residual = residual};
  float h[N], statistics[2 * ROWS], dh[N], beta_gradient[COLUMNS];
  check(simdrop_norm_forward(NULL, &mask, SIMDROP_F32, &matrix, &norm, x, h, y, statistics));
  check(simdrop_norm_backward(NULL, &mask, SIMDROP_F32, &matrix, &norm, h, statistics, dy, NULL, dh, dx, NULL, beta_gradient,
                              NULL));  // the NULLs: no other gradient of h, and none wanted of gamma and the bias

  for (int k = 0; k < N; ++k) expect(dx[k] == (kept[k] ? 2 * dh[k] : 0));  // dh is the residual's gradient
  for (int c = 0; c < COLUMNS; ++c) expect(is_close(beta_gradient[c], (double)dy[c] + dy[c + 8] + dy[c + 16] + dy[c + 24]));
  //! [simdrop_norm_backward]
}

static void softmax_plain(void) {
  //! [simdrop_softmax_plain]
  simdrop_softmax softmax = simdrop_softmax_plain(0.125, COLUMNS);  // 1 / sqrt(head size)
  softmax.causal = 1;                                               // no query sees a later key
  //! [simdrop_softmax_plain]
  expect(softmax.allowed == NULL && softmax.probability_stride == COLUMNS);
}

static void softmax_forward(void) {
  //! [simdrop_softmax_forward]
  const simdrop_matrix matrix = simdrop_matrix_dense(ROWS, COLUMNS);
  simdrop_softmax softmax = simdrop_softmax_plain(0.125, COLUMNS);
  softmax.causal = 1;
  float probabilities[N];
  check(simdrop_softmax_forward(NULL, &mask, SIMDROP_F32, &matrix, &softmax, x, y, probabilities, NULL));

  for (int r = 0; r < ROWS; ++r) {
    double sum = 0;
    for (int c = 0; c < COLUMNS; ++c) sum += (double)probabilities[r * COLUMNS + c];
    expect(fabs(sum - 1) < 1e-5);
    expect(r + 1 == COLUMNS || probabilities[r * COLUMNS + r + 1] == 0);  // masked
  }
  for (int k = 0; k < N; ++k) expect(y[k] == (kept[k] ? 2 * probabilities[k] : 0));
  //! [simdrop_softmax_forward]
}

static void softmax_backward(void) {
  //! [simdrop_softmax_backward]
  const simdrop_matrix matrix = simdrop_matrix_dense(ROWS, COLUMNS);
  const simdrop_softmax softmax = simdrop_softmax_plain(0.125, COLUMNS);
  float probabilities[N], statistics[2 * ROWS], again[N];
  check(simdrop_softmax_forward(NULL, &mask, SIMDROP_F32, &matrix, &softmax, x, y, probabilities, statistics));
  check(simdrop_softmax_backward(NULL, &mask, SIMDROP_F32, &matrix, &softmax, probabilities, NULL, NULL, dy, dx));
  for (int r = 0; r < ROWS; ++r) {
    double sum = 0;
    for (int c = 0; c < COLUMNS; ++c) sum += (double)dx[r * COLUMNS + c];
    expect(fabs(sum) < 1e-5);  // a softmax does not change when all scores of a row rise by the same
  }

  // Without the probabilities: two numbers a row are stored instead of a matrix.
  check(simdrop_softmax_backward(NULL, &mask, SIMDROP_F32, &matrix, &softmax, NULL, x, statistics, dy, again));
  for (int k = 0; k < N; ++k) expect(is_close(again[k], (double)dx[k]));
  //! [simdrop_softmax_backward]
}

static void tile_init(void) {
  //! [simdrop_tile_init]
  simdrop_tile tile;  // for all tiles of a matrix with COLUMNS columns, on all threads
  check(simdrop_tile_init(&mask, SIMDROP_F32, COLUMNS, &tile));
  //! [simdrop_tile_init]
}

static void tile_apply(void) {
  //! [simdrop_tile_apply]
  simdrop_tile tile;
  check(simdrop_tile_init(&mask, SIMDROP_F32, COLUMNS, &tile));
  memcpy(y, x, sizeof y);
  for (size_t row = 0; row < ROWS; row += 2) {
    for (size_t column = 0; column < COLUMNS; column += 4) {
      // A kernel would make these 2 x 4 elements here, and use them at once.
      check(simdrop_tile_apply(&tile, row, column, 2, 4, y + row * COLUMNS + column, COLUMNS));
    }
  }
  check(simdrop_forward(&mask, SIMDROP_F32, N, x, plain, NULL));
  expect(memcmp(y, plain, sizeof y) == 0);
  //! [simdrop_tile_apply]
}

static void tile_bits(void) {
  //! [simdrop_tile_bits]
  simdrop_tile tile;
  uint8_t bits[2 * COLUMNS / 8];  // of two whole rows: tiles beside one another share what is drawn for them
  check(simdrop_tile_init(&mask, SIMDROP_F32, COLUMNS, &tile));
  check(simdrop_tile_bits(&tile, 2, 0, 2, COLUMNS, bits, COLUMNS / 8));
  for (size_t column = 0; column < COLUMNS; ++column) {
    expect((bits[column / 8] >> column % 8 & 1) == kept[2 * COLUMNS + column]);
    expect((bits[COLUMNS / 8 + column / 8] >> column % 8 & 1) == kept[3 * COLUMNS + column]);
  }
  //! [simdrop_tile_bits]
}

static void tile_apply_bits(void) {
  //! [simdrop_tile_apply_bits]
  simdrop_tile tile;
  uint8_t bits[2 * COLUMNS / 8];
  check(simdrop_tile_init(&mask, SIMDROP_F32, COLUMNS, &tile));
  memcpy(y, x, sizeof y);
  for (size_t row = 0; row < ROWS; row += 2) {
    check(simdrop_tile_bits(&tile, row, 0, 2, COLUMNS, bits, COLUMNS / 8));
    for (size_t column = 0; column < COLUMNS; column += 8)  // tiles of such a strip begin with a byte of it
      check(simdrop_tile_apply_bits(&tile, 2, 8, bits + column / 8, COLUMNS / 8, y + row * COLUMNS + column, COLUMNS));
  }
  check(simdrop_forward(&mask, SIMDROP_F32, N, x, plain, NULL));
  expect(memcmp(y, plain, sizeof y) == 0);
  //! [simdrop_tile_apply_bits]
}

int main(void) {
  for (int k = 0; k < N; ++k) {
    x[k] = (float)(k * 7 % 11 - 5);
    residual[k] = (float)(k % 5);
    dy[k] = (float)(k % 3 - 1);
  }
  check(simdrop_mask_bytes(&mask, N, kept));
  matrix_dense();
  chain_forward();
  chain_backward();
  norm_forward();
  norm_backward();
  softmax_plain();
  softmax_forward();
  softmax_backward();
  tile_init();
  tile_apply();
  tile_bits();
  tile_apply_bits();
  return 0;
}

// Calls that are cut for the threads of the caller. A plain loop stands for a thread pool: each of its turns could be a thread.
#include "example.h"

#include <string.h>

static void run_pieces(void *context, size_t count, simdrop_task *task, void *task_context) {
  (void)context;  // the thread pool
  for (size_t piece = 0; piece < count; ++piece) task(task_context, piece);
}

static const simdrop_executor executor = {.parallel_for = run_pieces, .context = NULL, .threads = 4};
static const simdrop_mask mask = {.p = 0.5, .seed = 2024, .stream = 7};

// What the examples drop: long enough to be cut, as a vector and as rows that share their decisions.
enum {
  ROWS = 1000,
  COLUMNS = 1000,
  N = ROWS * COLUMNS
};
static float x[N], y[N], expected[N];
static uint8_t bits[(N + 7) / 8], expected_bits[(N + 7) / 8], bytes[N], expected_bytes[N];
static simdrop_layout layout;

static void cut(void) {
  //! [simdrop_cut]
  // Each turn of this loop may run on a thread of its own.
  for (size_t piece = 0; piece < 4; ++piece) {
    size_t begin, end;
    check(simdrop_cut(N, 4, piece, &begin, &end));
    simdrop_mask part = mask;
    part.offset += begin;
    check(simdrop_forward(&part, SIMDROP_F32, end - begin, x + begin, y + begin, bits + begin / 8));
  }
  check(simdrop_forward(&mask, SIMDROP_F32, N, x, expected, expected_bits));
  expect(memcmp(y, expected, sizeof y) == 0 && memcmp(bits, expected_bits, sizeof bits) == 0);
  //! [simdrop_cut]
}

static void cut_layout(void) {
  //! [simdrop_cut_layout]
  // Each turn of this loop may run on a thread of its own.
  for (size_t piece = 0; piece < 4; ++piece) {
    simdrop_layout_part part;
    check(simdrop_cut_layout(&layout, 4, piece, &part));
    simdrop_mask of_part = mask;
    of_part.offset += part.index_offset;
    check(simdrop_forward_layout(&of_part, SIMDROP_F32, &part.layout, x + part.x_offset, y + part.y_offset));
  }
  check(simdrop_forward_layout(&mask, SIMDROP_F32, &layout, x, expected));
  expect(memcmp(y, expected, sizeof y) == 0);
  //! [simdrop_cut_layout]
}

static void parallel_mask_bits(void) {
  //! [simdrop_parallel_mask_bits]
  check(simdrop_parallel_mask_bits(&executor, &mask, N, bits));
  check(simdrop_mask_bits(&mask, N, expected_bits));
  expect(memcmp(bits, expected_bits, sizeof bits) == 0);
  //! [simdrop_parallel_mask_bits]
}

static void parallel_mask_bytes(void) {
  //! [simdrop_parallel_mask_bytes]
  check(simdrop_parallel_mask_bytes(&executor, &mask, N, bytes));
  check(simdrop_mask_bytes(&mask, N, expected_bytes));
  expect(memcmp(bytes, expected_bytes, sizeof bytes) == 0);
  //! [simdrop_parallel_mask_bytes]
}

static void parallel_forward(void) {
  //! [simdrop_parallel_forward]
  check(simdrop_parallel_forward(&executor, &mask, SIMDROP_F32, N, x, y, NULL));
  check(simdrop_forward(&mask, SIMDROP_F32, N, x, expected, NULL));
  expect(memcmp(y, expected, sizeof y) == 0);
  //! [simdrop_parallel_forward]
}

static void parallel_forward_bytes(void) {
  //! [simdrop_parallel_forward_bytes]
  check(simdrop_parallel_forward_bytes(&executor, &mask, SIMDROP_F32, N, x, y, bytes));
  for (size_t k = 0; k < N; ++k) expect(y[k] == 2 * x[k] * (float)bytes[k]);
  //! [simdrop_parallel_forward_bytes]
}

static void parallel_backward(void) {
  //! [simdrop_parallel_backward]
  float *const dy = x, *const dx = y;
  check(simdrop_parallel_backward(&executor, &mask, SIMDROP_F32, N, dy, dx));
  check(simdrop_backward(&mask, SIMDROP_F32, N, dy, expected));
  expect(memcmp(dx, expected, sizeof expected) == 0);
  //! [simdrop_parallel_backward]
}

static void parallel_apply_bits(void) {
  //! [simdrop_parallel_apply_bits]
  check(simdrop_mask_bits(&mask, N, bits));
  check(simdrop_parallel_apply_bits(&executor, 0.5, SIMDROP_F32, N, bits, x, y));
  check(simdrop_forward(&mask, SIMDROP_F32, N, x, expected, NULL));
  expect(memcmp(y, expected, sizeof y) == 0);
  //! [simdrop_parallel_apply_bits]
}

static void parallel_forward_layout(void) {
  //! [simdrop_parallel_forward_layout]
  check(simdrop_parallel_forward_layout(&executor, &mask, SIMDROP_F32, &layout, x, y));
  check(simdrop_forward_layout(&mask, SIMDROP_F32, &layout, x, expected));
  expect(memcmp(y, expected, sizeof y) == 0);
  //! [simdrop_parallel_forward_layout]
}

static void parallel_forward_layout_bits(void) {
  //! [simdrop_parallel_forward_layout_bits]
  check(simdrop_parallel_forward_layout_bits(&executor, &mask, SIMDROP_F32, &layout, x, y, bits));
  for (size_t k = 0; k < N; ++k) expect(y[k] == (bits[k / 8] >> k % 8 & 1 ? 2 * x[k] : 0));
  //! [simdrop_parallel_forward_layout_bits]
}

static void parallel_forward_layout_bytes(void) {
  //! [simdrop_parallel_forward_layout_bytes]
  check(simdrop_parallel_forward_layout_bytes(&executor, &mask, SIMDROP_F32, &layout, x, y, bytes));
  for (size_t k = 0; k < N; ++k) expect(y[k] == 2 * x[k] * (float)bytes[k]);
  //! [simdrop_parallel_forward_layout_bytes]
}

static void parallel_backward_layout(void) {
  //! [simdrop_parallel_backward_layout]
  float *const dy = x, *const dx = y;
  check(simdrop_parallel_backward_layout(&executor, &mask, SIMDROP_F32, &layout, dy, dx));
  check(simdrop_backward_layout(&mask, SIMDROP_F32, &layout, dy, expected));
  expect(memcmp(dx, expected, sizeof expected) == 0);
  //! [simdrop_parallel_backward_layout]
}

static void parallel_apply_bits_layout(void) {
  //! [simdrop_parallel_apply_bits_layout]
  check(simdrop_mask_layout_bits(&mask, &layout, bits));
  check(simdrop_parallel_apply_bits_layout(&executor, 0.5, SIMDROP_F32, &layout, bits, x, y));
  check(simdrop_forward_layout(&mask, SIMDROP_F32, &layout, x, expected));
  expect(memcmp(y, expected, sizeof y) == 0);
  //! [simdrop_parallel_apply_bits_layout]
}

static void parallel_mask_layout_bits(void) {
  //! [simdrop_parallel_mask_layout_bits]
  check(simdrop_parallel_mask_layout_bits(&executor, &mask, &layout, bits));
  check(simdrop_mask_layout_bits(&mask, &layout, expected_bits));
  expect(memcmp(bits, expected_bits, sizeof bits) == 0);
  //! [simdrop_parallel_mask_layout_bits]
}

static void parallel_mask_layout_bytes(void) {
  //! [simdrop_parallel_mask_layout_bytes]
  check(simdrop_parallel_mask_layout_bytes(&executor, &mask, &layout, bytes));
  check(simdrop_mask_layout_bytes(&mask, &layout, expected_bytes));
  expect(memcmp(bytes, expected_bytes, sizeof bytes) == 0);
  //! [simdrop_parallel_mask_layout_bytes]
}

int main(void) {
  for (int k = 0; k < N; ++k) x[k] = (float)(k % 100 + 1);
  check(simdrop_layout_rows(ROWS, COLUMNS, &layout));
  cut();
  cut_layout();
  parallel_mask_bits();
  parallel_mask_bytes();
  parallel_forward();
  parallel_forward_bytes();
  parallel_backward();
  parallel_apply_bits();
  parallel_forward_layout();
  parallel_forward_layout_bits();
  parallel_forward_layout_bytes();
  parallel_backward_layout();
  parallel_apply_bits_layout();
  parallel_mask_layout_bits();
  parallel_mask_layout_bytes();
  return 0;
}

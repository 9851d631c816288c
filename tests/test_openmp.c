// The executor on OpenMP: every piece once, on as many threads as asked, with the same bits as one thread.
#include <pthread.h>
#include <simdrop/openmp.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

enum {
  PIECES_MAX = 100
};

// What the pieces leave behind.
typedef struct record {
  int runs[PIECES_MAX];
  pthread_t threads[PIECES_MAX];
} record;

static void note(void *context, size_t piece) {
  record *const r = context;
  ++r->runs[piece];
  r->threads[piece] = pthread_self();
}

static void every_piece_once(void **state) {
  (void)state;
  static const size_t thread_counts[] = {1, 2, 3, 7};
  for (size_t t = 0; t < LENGTH(thread_counts); ++t) {
    const simdrop_executor executor = simdrop_openmp_executor(thread_counts[t]);
    assert_int_equal(executor.threads, thread_counts[t]);
    for (size_t pieces = 1; pieces <= PIECES_MAX; pieces += 9) {
      record r;
      memset(&r, 0, sizeof r);
      executor.parallel_for(executor.context, pieces, note, &r);
      for (size_t piece = 0; piece < PIECES_MAX; ++piece) assert_int_equal(r.runs[piece], piece < pieces);
    }
  }
  assert_true(simdrop_openmp_executor(0).threads >= 1);
}

static void more_than_one_thread(void **state) {
  (void)state;
  const simdrop_executor executor = simdrop_openmp_executor(3);
  record r;
  memset(&r, 0, sizeof r);
  executor.parallel_for(executor.context, 3, note, &r);
  assert_false(pthread_equal(r.threads[0], r.threads[1]));
  assert_false(pthread_equal(r.threads[1], r.threads[2]));
}

static void same_bits(void **state) {
  (void)state;
  enum {
    ROWS = 100001,
    COLUMNS = 3,
    N = ROWS * COLUMNS
  };
  float *const x = allocate(N * sizeof *x), *const y = allocate(N * sizeof *y), *const expected = allocate(N * sizeof *y);
  uint64_t random = 1;
  fill_values(SIMDROP_F32, N, &random, x);
  const simdrop_mask mask = {0.3, 1, 2, 3};
  simdrop_layout layout;
  assert_int_equal(simdrop_layout_rows(ROWS, COLUMNS, &layout), SIMDROP_OK);
  for (size_t threads = 1; threads <= 7; threads = 2 * threads + 1) {
    const simdrop_executor executor = simdrop_openmp_executor(threads);
    assert_int_equal(simdrop_forward(&mask, SIMDROP_F32, N, x, expected, NULL), SIMDROP_OK);
    assert_int_equal(simdrop_parallel_forward(&executor, &mask, SIMDROP_F32, N, x, y, NULL), SIMDROP_OK);
    check_bytes(expected, y, N * sizeof *y, "%zu threads", threads);
    assert_int_equal(simdrop_forward_layout(&mask, SIMDROP_F32, &layout, x, expected), SIMDROP_OK);
    assert_int_equal(simdrop_parallel_forward_layout(&executor, &mask, SIMDROP_F32, &layout, x, y), SIMDROP_OK);
    check_bytes(expected, y, N * sizeof *y, "rows on %zu threads", threads);
  }
  free(x);
  free(y);
  free(expected);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_piece_once),
      cmocka_unit_test(more_than_one_thread),
      cmocka_unit_test(same_bits),
  };
  return RUN_TESTS(argc, argv, tests);
}

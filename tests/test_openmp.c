// The executor on OpenMP: every piece once, on as many threads as asked, with the same bits as one thread; in the child of a
// fork on one.
#include <omp.h>
#include <pthread.h>
#include <simdrop/openmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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
  const simdrop_mask mask = {0.3, 1, 2, 3, 0};
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

// Callers that are OpenMP's threads themselves, of which each has its own pieces.
static void inside_of_a_region(void **state) {
  (void)state;
  static record records[4];
  memset(records, 0, sizeof records);
#pragma omp parallel num_threads(4)
  {
    const simdrop_executor executor = simdrop_openmp_executor(3);
    executor.parallel_for(executor.context, 3, note, &records[omp_get_thread_num()]);
  }
  int callers = 0;
  for (size_t r = 0; r < LENGTH(records); ++r) {
    callers += records[r].runs[0];
    for (size_t piece = 0; piece < PIECES_MAX; ++piece)
      assert_int_equal(records[r].runs[piece], piece < 3 ? records[r].runs[0] : 0);
  }
  assert_true(callers >= 1);
}

// ---- forks. GNU's OpenMP waits for ever in a child for the threads that the parent had.

typedef int child_body(const simdrop_executor *executor);

// What the child returns. One that hangs is ended after a while.
static int in_child(child_body *body, const simdrop_executor *executor) {
  fflush(NULL);
  const pid_t child = fork();
  if (child == 0) {
    alarm(10);
    _exit(body(executor));
  }
  assert_true(child > 0);
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int run_pieces(const simdrop_executor *executor) {
  static record r;
  memset(&r, 0, sizeof r);
  executor->parallel_for(executor->context, 7, note, &r);
  for (size_t piece = 0; piece < PIECES_MAX; ++piece)
    if (r.runs[piece] != (piece < 7)) return 1;
  for (size_t piece = 0; piece < 7; ++piece)
    if (!pthread_equal(r.threads[piece], pthread_self())) return 2;
  return 0;
}

static int run_new_executor(const simdrop_executor *executor) {
  (void)executor;
  const simdrop_executor all = simdrop_openmp_executor(0), three = simdrop_openmp_executor(3);
  const int failed = run_pieces(&all);
  return failed != 0 ? failed : run_pieces(&three);
}

static int fork_again(const simdrop_executor *executor) {
  const int failed = run_pieces(executor);
  return failed != 0 ? failed : in_child(run_pieces, executor);
}

static int same_mask(const simdrop_executor *executor) {
  enum {
    N = 300001
  };
  static uint8_t bits[PACKED(N)], expected[PACKED(N)];
  const simdrop_mask mask = {0.3, 1, 2, 3, 0};
  if (simdrop_mask_bits(&mask, N, expected) != SIMDROP_OK) return 1;
  if (simdrop_parallel_mask_bits(executor, &mask, N, bits) != SIMDROP_OK) return 2;
  return memcmp(bits, expected, sizeof bits) != 0;
}

static void children(void **state) {
  (void)state;
  const simdrop_executor executor = simdrop_openmp_executor(3);
  record r;
  memset(&r, 0, sizeof r);
  executor.parallel_for(executor.context, 3, note, &r);
  assert_int_equal(in_child(run_pieces, &executor), 0);
  assert_int_equal(in_child(same_mask, &executor), 0);
  assert_int_equal(in_child(run_new_executor, &executor), 0);
  assert_int_equal(in_child(fork_again, &executor), 0);
  more_than_one_thread(state);  // the parent as before
}

// The parent's own regions, none of which are the executor's.
static void children_of_other_regions(void **state) {
  (void)state;
  int threads = 0;
#pragma omp parallel num_threads(3) reduction(+ : threads)
  threads += 1;
  assert_true(threads >= 1);
  assert_int_equal(in_child(run_new_executor, NULL), 0);
}

static const char *program;

static int run_program(const simdrop_executor *executor) {
  (void)executor;
  execl(program, program, "more_than_one_thread", (char *)NULL);
  return 100;
}

// A program that a child executes knows nothing of the fork.
static void programs_of_children(void **state) {
  (void)state;
  const simdrop_executor executor = simdrop_openmp_executor(3);
  record r;
  memset(&r, 0, sizeof r);
  executor.parallel_for(executor.context, 3, note, &r);
  assert_int_equal(in_child(run_program, NULL), 0);
}

int main(int argc, char **argv) {
  program = argv[0];
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_piece_once),
      cmocka_unit_test(more_than_one_thread),
      cmocka_unit_test(same_bits),
      cmocka_unit_test(inside_of_a_region),
      cmocka_unit_test(children),
      cmocka_unit_test(children_of_other_regions),
      cmocka_unit_test(programs_of_children),
  };
  return RUN_TESTS(argc, argv, tests);
}

// The executor on OpenMP.
#include <simdrop/openmp.h>

#include <limits.h>
#include <omp.h>
#include <stdbool.h>

// GNU's OpenMP hangs in the child of a fork, where it waits for threads that only the parent has. It need not have been this
// library that started them, so every child counts, from the moment at which the library is loaded.
static bool is_child;

#if defined(__GNUC__) && !defined(_WIN32)
#include <pthread.h>

static void note_child(void) { is_child = true; }

__attribute__((constructor)) static void watch_forks(void) { pthread_atfork(NULL, NULL, note_child); }
#endif

static void run_pieces(void *context, size_t count, simdrop_task *task, void *task_context) {
  (void)context;
  if (is_child) {
    for (size_t piece = 0; piece < count; ++piece) task(task_context, piece);
    return;
  }
  // There are no more pieces than threads, so each thread takes one. Where OpenMP gives fewer threads, some take more.
#pragma omp parallel for schedule(static, 1) num_threads(count > INT_MAX ? INT_MAX : (int)count)
  for (size_t piece = 0; piece < count; ++piece) task(task_context, piece);
}

simdrop_executor simdrop_openmp_executor(size_t threads) {
  if (threads == 0) threads = (size_t)omp_get_max_threads();
  return (simdrop_executor){.parallel_for = run_pieces, .threads = threads < INT_MAX ? threads : INT_MAX};
}

// The executor on OpenMP.
#include <simdrop/openmp.h>

#include <limits.h>
#include <omp.h>

static void run_pieces(void *context, size_t count, simdrop_task *task, void *task_context) {
  (void)context;
  const int pieces = count > INT_MAX ? INT_MAX : (int)count;
  // There are no more pieces than threads, so each thread takes one. Where OpenMP gives fewer threads, some take more.
#pragma omp parallel for schedule(static, 1) num_threads(pieces)
  for (size_t piece = 0; piece < count; ++piece) task(task_context, piece);
}

simdrop_executor simdrop_openmp_executor(size_t threads) {
  if (threads == 0) threads = (size_t)omp_get_max_threads();
  return (simdrop_executor){.parallel_for = run_pieces, .threads = threads < INT_MAX ? threads : INT_MAX};
}

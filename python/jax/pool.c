// Pieces of a call on XLA's thread pool. The caller works too: it may be a thread of the pool itself, and if all of them waited
// for one another's helpers nothing would move. So pieces are claimed by a counter, whoever comes first; the caller waits only
// for pieces that a running helper has claimed, and a helper that comes late finds nothing left. As it may come when the call
// has long returned, what it looks at is on the heap and goes with its last user.
#include "pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "dropout.h"

struct work {
  atomic_size_t next, done, users;
  size_t count;
  simdrop_task *task;
  void *task_context;  // on the stack of the call: only who has claimed a piece may use it
  pthread_mutex_t mutex;
  pthread_cond_t all_done;
};

static atomic_uint_least64_t pieces_helped;

uint64_t simdrop_xla_pieces_helped(void) { return atomic_load_explicit(&pieces_helped, memory_order_relaxed); }

void simdrop_xla_destroy(const xla_api *api, xla_error *error) {
  if (error == NULL) return;
  xla_destroy_arguments arguments = {.struct_size = sizeof arguments, .error = error};
  api->destroy_error(&arguments);
}

static size_t do_pieces(struct work *work) {
  size_t mine = 0;
  for (size_t piece; (piece = atomic_fetch_add(&work->next, 1)) < work->count; ++mine) {
    work->task(work->task_context, piece);
    if (atomic_fetch_add(&work->done, 1) + 1 == work->count) {
      pthread_mutex_lock(&work->mutex);
      pthread_cond_signal(&work->all_done);
      pthread_mutex_unlock(&work->mutex);
    }
  }
  return mine;
}

static void release(struct work *work, size_t users) {
  if (atomic_fetch_sub(&work->users, users) != users) return;
  pthread_cond_destroy(&work->all_done);
  pthread_mutex_destroy(&work->mutex);
  free(work);
}

static void help(void *data) {
  struct work *const work = data;
  atomic_fetch_add_explicit(&pieces_helped, do_pieces(work), memory_order_relaxed);
  release(work, 1);
}

static int schedule(const xla_call *call, struct work *work) {
  xla_schedule_arguments arguments = {
      .struct_size = XLA_SIZE(xla_schedule_arguments, data), .context = call->context, .task = help, .data = work};
  xla_error *const error = call->api->schedule(&arguments);
  simdrop_xla_destroy(call->api, error);
  return error == NULL;
}

static void parallel_for(void *context, size_t count, simdrop_task *task, void *task_context) {
  const xla_call *const call = context;
  struct work *const work = count > 1 ? malloc(sizeof *work) : NULL;
  if (work == NULL) {  // without memory, all the same
    for (size_t piece = 0; piece < count; ++piece) task(task_context, piece);
    return;
  }
  work->count = count;
  work->task = task;
  work->task_context = task_context;
  atomic_init(&work->next, 0);
  atomic_init(&work->done, 0);
  atomic_init(&work->users, count);  // this thread and count - 1 helpers
  pthread_mutex_init(&work->mutex, NULL);
  pthread_cond_init(&work->all_done, NULL);

  size_t helpers = 0;
  while (helpers < count - 1 && schedule(call, work)) ++helpers;
  do_pieces(work);
  pthread_mutex_lock(&work->mutex);
  while (atomic_load(&work->done) != count) pthread_cond_wait(&work->all_done, &work->mutex);
  pthread_mutex_unlock(&work->mutex);
  release(work, count - helpers);
}

simdrop_executor simdrop_xla_executor(xla_call *call) {
  const xla_api *const api = call->api;
  int64_t threads = 1;
  xla_threads_arguments arguments = {
      .struct_size = XLA_SIZE(xla_threads_arguments, threads), .context = call->context, .threads = &threads};
  xla_error *const error = api->count_threads(&arguments);
  simdrop_xla_destroy(api, error);
  if (error != NULL || threads < 1) threads = 1;
  return (simdrop_executor){.parallel_for = parallel_for, .context = call, .threads = (size_t)threads};
}

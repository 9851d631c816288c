// Threads for the library's parallel functions: started once, they wait for pieces of work until they are stopped.
#ifndef SIMDROP_TOOL_SHARED_THREAD_POOL_H
#define SIMDROP_TOOL_SHARED_THREAD_POOL_H

#include <simdrop/simdrop.h>

#include <pthread.h>
#include <stdbool.h>

#define THREAD_POOL_MAX 1024  // threads, with the one that calls

typedef struct thread_pool {
  pthread_mutex_t lock;  // of everything below
  pthread_cond_t work_is_there, work_has_ended;
  simdrop_task *task;  // the call at hand
  void *task_context;
  size_t next, count;  // pieces not yet taken are next .. count - 1
  size_t unended;      // pieces taken or not, but not done
  bool stopping;
  size_t worker_count;
  pthread_t workers[THREAD_POOL_MAX - 1];
} thread_pool;

// A pool without workers: everything runs on the thread that calls.
#define THREAD_POOL_STOPPED \
  .lock = PTHREAD_MUTEX_INITIALIZER, .work_is_there = PTHREAD_COND_INITIALIZER, .work_has_ended = PTHREAD_COND_INITIALIZER

// Starts workers for that many threads in all, the caller being one of them; fewer if the machine refuses some.
void thread_pool_start(thread_pool *pool, size_t threads);

// The pool as the library sees it. One call at a time.
simdrop_executor thread_pool_executor(thread_pool *pool);

// Ends the workers; does nothing on a stopped pool.
void thread_pool_stop(thread_pool *pool);

#endif

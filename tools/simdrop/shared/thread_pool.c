// One lock and a counter of pieces. A piece is tens of thousands of elements, so taking it under a lock costs nothing.
#include "shared/thread_pool.h"

#include <signal.h>

// Takes pieces until none is left. Called and left with the lock held.
static void run_pieces(thread_pool *pool) {
  while (pool->next < pool->count) {
    simdrop_task *const task = pool->task;
    void *const context = pool->task_context;
    const size_t piece = pool->next++;
    pthread_mutex_unlock(&pool->lock);
    task(context, piece);
    pthread_mutex_lock(&pool->lock);
    if (--pool->unended == 0) pthread_cond_signal(&pool->work_has_ended);
  }
}

static void *work(void *argument) {
  thread_pool *const pool = argument;
  pthread_mutex_lock(&pool->lock);
  while (!pool->stopping) {
    run_pieces(pool);
    if (!pool->stopping) pthread_cond_wait(&pool->work_is_there, &pool->lock);
  }
  pthread_mutex_unlock(&pool->lock);
  return NULL;
}

static void run_on_pool(void *context, size_t count, simdrop_task *task, void *task_context) {
  thread_pool *const pool = context;
  pthread_mutex_lock(&pool->lock);
  pool->task = task;
  pool->task_context = task_context;
  pool->next = 0;
  pool->count = pool->unended = count;
  pthread_cond_broadcast(&pool->work_is_there);
  run_pieces(pool);
  while (pool->unended > 0) pthread_cond_wait(&pool->work_has_ended, &pool->lock);
  pthread_mutex_unlock(&pool->lock);
}

void thread_pool_start(thread_pool *pool, size_t threads) {
  // Signals are for the thread that opens, renames and removes files: the workers inherit a mask that holds all back.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (pool->worker_count + 1 < threads && pthread_create(&pool->workers[pool->worker_count], NULL, work, pool) == 0)
    ++pool->worker_count;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

simdrop_executor thread_pool_executor(thread_pool *pool) {
  return (simdrop_executor){run_on_pool, pool, pool->worker_count + 1};
}

void thread_pool_stop(thread_pool *pool) {
  pthread_mutex_lock(&pool->lock);
  pool->stopping = true;
  pthread_cond_broadcast(&pool->work_is_there);
  pthread_mutex_unlock(&pool->lock);
  while (pool->worker_count > 0) pthread_join(pool->workers[--pool->worker_count], NULL);
  pool->stopping = false;
}

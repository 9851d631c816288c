/* Threads are started when a call first asks for so many, sleep between calls, and are never ended: they hold nothing of
 * Python's, so that the interpreter may end beside them. The calling thread works too, and any number of threads may call at
 * once. A child of a fork has none of them, and starts its own. No OpenMP: what else lives in the process (PyTorch) brings one,
 * and two of them wait for each other's processors, or hang in the child of a fork. */
#include "pool.h"

#include <pthread.h>
#include <signal.h>

enum {
  STACK_BYTES = 512 << 10
};

/* A call's pieces, on the stack of its caller, who waits until all have ended. */
typedef struct job {
  struct job *next;
  simdrop_task *task;
  void *context;
  size_t count, begun, ended;
} job;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* of all that follows */
static pthread_cond_t work_came = PTHREAD_COND_INITIALIZER, job_ended = PTHREAD_COND_INITIALIZER;
static job *jobs; /* those of which not every piece was begun */
static size_t workers;

/* Does a piece of a job, with the mutex held before and after. */
static void do_piece(job *j) {
  const size_t piece = j->begun++;
  if (j->begun == j->count) {
    job **link = &jobs;
    while (*link != j) link = &(*link)->next;
    *link = j->next;
  }
  pthread_mutex_unlock(&mutex);
  j->task(j->context, piece);
  pthread_mutex_lock(&mutex);
  if (++j->ended == j->count) pthread_cond_broadcast(&job_ended);
}

static void *work(void *unused) {
  (void)unused;
  pthread_mutex_lock(&mutex);
  for (;;) {
    while (jobs == NULL) pthread_cond_wait(&work_came, &mutex);
    do_piece(jobs);
  }
  return NULL;
}

/* With the mutex held. A system that gives no more threads is no error: the caller does the pieces. */
static void start_workers(size_t wanted) {
  if (workers >= wanted) return;
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return;
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  sigset_t all, before; /* signals are Python's main thread's */
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  while (workers < wanted && pthread_create(&thread, &attributes, work, NULL) == 0) ++workers;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
}

static void parallel_for(void *context, size_t count, simdrop_task *task, void *task_context) {
  if (count == 0) return;
  job j = {.task = task, .context = task_context, .count = count};
  pthread_mutex_lock(&mutex);
  start_workers(*(const size_t *)context - 1);
  j.next = jobs;
  jobs = &j;
  for (size_t i = 1; i < count; ++i) pthread_cond_signal(&work_came);
  while (j.begun < j.count) do_piece(&j);
  while (j.ended < j.count) pthread_cond_wait(&job_ended, &mutex);
  pthread_mutex_unlock(&mutex);
}

simdrop_executor simdrop_python_executor(size_t *threads) {
  return (simdrop_executor){.parallel_for = parallel_for, .context = threads, .threads = *threads};
}

static void before_fork(void) { pthread_mutex_lock(&mutex); }
static void after_fork_in_parent(void) { pthread_mutex_unlock(&mutex); }
static void after_fork_in_child(void) {
  work_came = (pthread_cond_t)PTHREAD_COND_INITIALIZER; /* as if nobody waited: nobody is left */
  job_ended = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
  jobs = NULL;
  workers = 0;
  pthread_mutex_unlock(&mutex);
}

bool simdrop_python_pool_start(void) {
  static bool started;
  pthread_mutex_lock(&mutex); /* several interpreters may import the module at once */
  if (!started) started = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) == 0;
  const bool good = started;
  pthread_mutex_unlock(&mutex);
  return good;
}

/* A small pool of threads for calls with threads > 1. */
#ifndef SIMDROP_PYTHON_POOL_H
#define SIMDROP_PYTHON_POOL_H

#include <simdrop/simdrop.h>
#include <stdbool.h>

enum {
  MAX_THREADS = 256
};

/* Once, before the first executor is used: makes the pool survive a fork. */
bool simdrop_python_pool_start(void);

/* An executor of so many threads, the caller's among them; the number is the caller's. */
simdrop_executor simdrop_python_executor(size_t *threads);

#endif

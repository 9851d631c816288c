// Outputs as programs that allocate them for every call have them: the system gives a page when it is first written to.
#ifndef SIMDROP_TOOL_BENCH_FRESH_H
#define SIMDROP_TOOL_BENCH_FRESH_H

#include "bench/kernels.h"

typedef struct bench_fresh {
  bench_case c;  // of which everything that is written has never been touched
  void *memory;
  size_t size;
} bench_fresh;

// False if there is no memory.
bool bench_fresh_map(const bench_case *c, bench_fresh *fresh);
void bench_fresh_unmap(const bench_fresh *fresh);

#endif

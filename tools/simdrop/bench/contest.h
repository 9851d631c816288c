// Which way of moving bytes is the quickest, found once for each size: to try all of them next to every row would take too
// long.
#ifndef SIMDROP_TOOL_BENCH_CONTEST_H
#define SIMDROP_TOOL_BENCH_CONTEST_H

#include "bench/measure.h"

typedef struct bench_contest {
  size_t bytes;
  bool is_in_place;  // rewriting; otherwise copying
  bench_ways ways;
  size_t best;
  double nanoseconds[BENCH_MOST_WAYS];  // of one call
} bench_contest;

#define BENCH_MOST_CONTESTS 4  // of a case: its tensor, the same in place, its mask as bits and as bytes

typedef struct bench_contests {
  size_t count;
  bench_contest of[BENCH_MOST_CONTESTS];
} bench_contests;

// Sets the case's way for this kernel, after a contest if there was none yet.
void bench_set_way(bench_contests *contests, const bench_kernel *kernel, bench_case *c);

#endif

// Which way of moving bytes is the quickest, found once for each size and each kind of move: to try all of them next
// to every row would take too long.
#ifndef SIMDROP_TOOL_BENCH_CONTEST_H
#define SIMDROP_TOOL_BENCH_CONTEST_H

#include "bench/measure.h"

typedef struct bench_contest {
  size_t bytes;
  size_t elements;
  bench_moves moves;  // a mask is copied
  bench_ways ways;
  size_t best;
  double nanoseconds[BENCH_MOST_WAYS];  // of one call
} bench_contest;

// Of a case: its tensor, and whole rows of it of two lengths, each copied, in place and added; its mask as bits and as bytes.
#define BENCH_MOST_CONTESTS 11

typedef struct bench_contests {
  size_t count;
  bench_contest of[BENCH_MOST_CONTESTS];
} bench_contests;

// What moves bytes so in the case's way.
bench_run *bench_quickest_of(bench_moves moves);

// Sets the case's way for this kernel, after a contest if there was none yet.
void bench_set_way(bench_contests *contests, const bench_kernel *kernel, bench_case *c);

#endif

// One figure of simdrop bench: a kernel against memcpy and other things, turn by turn.
#ifndef SIMDROP_TOOL_BENCH_MEASURE_H
#define SIMDROP_TOOL_BENCH_MEASURE_H

#include "bench/counters.h"
#include "bench/kernels.h"
#include "bench/row_writer.h"

#define BENCH_MOST_REFERENCES 5

typedef struct bench_result {
  row_spread nanoseconds;                                   // of one call
  double processor_nanoseconds;                             // of one call, of all threads together: the median
  row_spread reference_nanoseconds[BENCH_MOST_REFERENCES];  // of one call of what it is compared with; NaN where there is none
  row_spread ratio[BENCH_MOST_REFERENCES];                  // of the two, round by round
  double cycles, instructions;                              // of one call; NaN if they are not counted
  uint64_t repetitions;                                     // calls in a round
  int rounds;
} bench_result;

// How long to measure: more rounds than least_rounds if they fit in the time.
typedef struct bench_effort {
  int least_rounds, least_rounds_long;  // the second for calls of more than LONG_CALL seconds
  double seconds;                       // for each that takes turns
} bench_effort;

// References may be NULL; the result has them in the same places. So may the counters. No rounds: there was no memory.
bench_result bench_measure(bench_run *run, bench_run *const references[BENCH_MOST_REFERENCES], const bench_case *c,
                           const bench_effort *effort, const bench_counters *counters);

// The way in which run takes the least time, in a short contest, and the medians of one call of each.
size_t bench_find_quickest(bench_run *run, const bench_ways *ways, const bench_case *c, double nanoseconds[BENCH_MOST_WAYS]);

#endif

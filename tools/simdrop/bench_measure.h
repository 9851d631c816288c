// One figure of simdrop bench: a kernel against memcpy or something else, turn by turn.
#ifndef SIMDROP_TOOL_BENCH_MEASURE_H
#define SIMDROP_TOOL_BENCH_MEASURE_H

#include "bench_kernels.h"

// Median, and the range that holds the middle 80 % of the rounds.
typedef struct bench_spread {
  double median, low, high;
} bench_spread;

typedef struct bench_result {
  bench_spread nanoseconds;            // of one call
  bench_spread reference_nanoseconds;  // of one call of what it is compared with
  bench_spread ratio;                  // of the two, round by round
  uint64_t repetitions;                // calls in a round
  int rounds;
} bench_result;

// How long to measure: more rounds than least_rounds if they fit in the time.
typedef struct bench_effort {
  int least_rounds, least_rounds_long;  // the second for calls of more than LONG_CALL seconds
  double seconds;
} bench_effort;

bench_result bench_measure(bench_run *run, bench_run *reference, const bench_case *c, const bench_effort *effort);

#endif

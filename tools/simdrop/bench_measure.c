// A kernel and what it is compared with alternate on the same buffers within each round, so that what disturbs the machine
// disturbs both; the ratio is taken round by round, and the median over the rounds ignores the disturbed ones.
#include "bench_measure.h"

#include <stdlib.h>

#include "clock.h"

#define ROUND_SECONDS 1e-3  // long against the clock's own time
#define LONG_CALL 5e-3      // seconds: sizes in DRAM
#define MAX_ROUNDS 201

static int compare_doubles(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

// Sorts the values.
static bench_spread spread_of(double *values, int count) {
  qsort(values, (size_t)count, sizeof *values, compare_doubles);
  const double median = count % 2 != 0 ? values[count / 2] : 0.5 * (values[count / 2 - 1] + values[count / 2]);
  const int tenth = (count - 1) / 10 + (count > 1 && count < 11);  // of few rounds at least the outermost is left out
  return (bench_spread){median, values[tenth < count / 2 ? tenth : 0],
                        values[tenth < count / 2 ? count - 1 - tenth : count - 1]};
}

static double time_run(bench_run *run, const bench_case *c, uint64_t repetitions) {
  const double start = clock_seconds();
  run(c, repetitions);
  return (clock_seconds() - start) / (double)repetitions;
}

// How many calls fill a round; the trials warm caches, page tables and the clock frequency up. The shorter of two trials
// counts, so that one interruption does not pass for a long call.
static uint64_t calibrate(bench_run *run, const bench_case *c) {
  for (uint64_t repetitions = 1;; repetitions *= 2) {
    double shortest = ROUND_SECONDS;
    for (int trial = 0; trial < 2; ++trial) {
      const double call = time_run(run, c, repetitions);
      if (call * (double)repetitions < shortest) shortest = call * (double)repetitions;
    }
    if (shortest >= ROUND_SECONDS) return repetitions;
  }
}

bench_result bench_measure(bench_run *run, bench_run *reference, const bench_case *c, const bench_effort *effort) {
  static double calls[MAX_ROUNDS], references[MAX_ROUNDS], ratios[MAX_ROUNDS];
  const uint64_t reference_repetitions = calibrate(reference, c);
  bench_result result = {.repetitions = calibrate(run, c)};
  const double start = clock_seconds();
  int least = effort->least_rounds;
  while (result.rounds < MAX_ROUNDS && (result.rounds < least || clock_seconds() - start < effort->seconds)) {
    const int round = result.rounds++;
    const int reference_first = round % 2;  // so that neither always finds the other's caches
    if (reference_first) references[round] = time_run(reference, c, reference_repetitions);
    calls[round] = time_run(run, c, result.repetitions);
    if (!reference_first) references[round] = time_run(reference, c, reference_repetitions);
    ratios[round] = calls[round] / references[round];
    if (calls[round] > LONG_CALL) least = effort->least_rounds_long;
    calls[round] *= 1e9;
    references[round] *= 1e9;
  }
  result.nanoseconds = spread_of(calls, result.rounds);
  result.reference_nanoseconds = spread_of(references, result.rounds);
  result.ratio = spread_of(ratios, result.rounds);
  return result;
}

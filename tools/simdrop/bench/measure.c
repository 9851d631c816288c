// A kernel and what it is compared with take turns on the same buffers within each round, so that what disturbs the machine
// disturbs all of them; the ratio is taken round by round, and the median over the rounds ignores the disturbed ones.
#include "bench/measure.h"

#include <math.h>
#include <stdlib.h>

#include "shared/clock.h"

#define ROUND_SECONDS 1e-3  // long against the clock's own time
#define LONG_CALL 5e-3      // seconds: sizes in DRAM
#define MAX_ROUNDS 201
#define MOST_RUNNERS (1 + BENCH_MOST_REFERENCES)

// One that takes turns, and what its rounds took.
typedef struct runner {
  bench_run *run;
  int place;  // among the references; -1: the kernel
  uint64_t repetitions;
  double seconds[MAX_ROUNDS];  // of one call
} runner;

static int compare_doubles(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

// Sorts the values.
static row_spread spread_of(double *values, int count) {
  qsort(values, (size_t)count, sizeof *values, compare_doubles);
  const double median = count % 2 != 0 ? values[count / 2] : 0.5 * (values[count / 2 - 1] + values[count / 2]);
  const int tenth = (count - 1) / 10 + (count > 1 && count < 11);  // of few rounds at least the outermost is left out
  return (row_spread){median, values[tenth < count / 2 ? tenth : 0], values[tenth < count / 2 ? count - 1 - tenth : count - 1]};
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

// The kernel comes last: its trials leave the caches as its rounds find them.
static int gather_runners(bench_run *run, bench_run *const references[], const bench_case *c, runner *runners) {
  int count = 0;
  for (int place = 0; place < BENCH_MOST_REFERENCES; ++place)
    if (references[place] != NULL) runners[count++] = (runner){.run = references[place], .place = place};
  runners[count++] = (runner){.run = run, .place = -1};
  for (int i = 0; i < count; ++i) runners[i].repetitions = calibrate(runners[i].run, c);
  return count;
}

static void take_turn(runner *at, const bench_case *c, int round, double *processor_seconds, const bench_counters *counters) {
  const bool is_kernel = at->place < 0;
  const double processor_start = clock_processor_seconds();
  if (is_kernel && counters != NULL) bench_counters_start(counters);
  at->seconds[round] = time_run(at->run, c, at->repetitions);
  if (is_kernel && counters != NULL) bench_counters_stop(counters);
  if (is_kernel) processor_seconds[round] = (clock_processor_seconds() - processor_start) / (double)at->repetitions;
}

// Who is first goes round, and every other round goes backwards, so that nobody always finds the same one's caches.
static void take_turns(runner *runners, int count, const bench_case *c, int round, double *processor_seconds,
                       const bench_counters *counters) {
  for (int i = 0; i < count; ++i) {
    const int turn = round % 2 == 0 ? i : count - 1 - i;
    take_turn(&runners[(round / 2 + turn) % count], c, round, processor_seconds, counters);
  }
}

static row_spread nanoseconds_of(const runner *from, int rounds, double *values) {
  for (int round = 0; round < rounds; ++round) values[round] = 1e9 * from->seconds[round];
  return spread_of(values, rounds);
}

static void read_counters(const bench_counters *counters, bench_result *result) {
  const double calls = (double)result->repetitions * (double)result->rounds;
  double cycles, instructions;
  result->cycles = result->instructions = NAN;
  if (counters == NULL || !bench_counters_read(counters, &cycles, &instructions)) return;
  result->cycles = cycles / calls;
  result->instructions = instructions / calls;
}

static void sum_up(const runner *runners, int count, double *processor_seconds, bench_result *result) {
  static double values[MAX_ROUNDS];
  const runner *const kernel = &runners[count - 1];
  const row_spread none = {NAN, NAN, NAN};
  for (int place = 0; place < BENCH_MOST_REFERENCES; ++place)
    result->reference_nanoseconds[place] = result->ratio[place] = none;
  for (const runner *at = runners; at < kernel; ++at) {
    result->reference_nanoseconds[at->place] = nanoseconds_of(at, result->rounds, values);
    for (int round = 0; round < result->rounds; ++round) values[round] = kernel->seconds[round] / at->seconds[round];
    result->ratio[at->place] = spread_of(values, result->rounds);
  }
  result->nanoseconds = nanoseconds_of(kernel, result->rounds, values);
  result->processor_nanoseconds = 1e9 * spread_of(processor_seconds, result->rounds).median;
  result->repetitions = kernel->repetitions;
}

bench_result bench_measure(bench_run *run, bench_run *const references[BENCH_MOST_REFERENCES], const bench_case *c,
                           const bench_effort *effort, const bench_counters *counters) {
  static runner runners[MOST_RUNNERS];
  static double processor_seconds[MAX_ROUNDS];
  const int count = gather_runners(run, references, c, runners);
  bench_result result = {.rounds = 0};
  if (counters != NULL) bench_counters_reset(counters);
  const double start = clock_seconds(), seconds = effort->seconds * count;
  int least = effort->least_rounds;
  while (result.rounds < MAX_ROUNDS && (result.rounds < least || clock_seconds() - start < seconds)) {
    take_turns(runners, count, c, result.rounds, processor_seconds, counters);
    if (runners[count - 1].seconds[result.rounds] > LONG_CALL) least = effort->least_rounds_long;
    ++result.rounds;
  }
  sum_up(runners, count, processor_seconds, &result);
  read_counters(counters, &result);
  return result;
}

// A kernel and what it is compared with take turns on the same buffers within each round, so that what disturbs the machine
// disturbs all of them; the ratio is taken round by round, and the median over the rounds ignores the disturbed ones.
#include "bench/measure.h"

#include <math.h>
#include <stdlib.h>

#include "bench/fresh.h"
#include "shared/clock.h"

#define ROUND_SECONDS 1e-3  // long against the clock's own time
#define LONG_CALL 5e-3      // seconds: sizes in DRAM
#define MAX_ROUNDS 201
#define MOST_RUNNERS BENCH_MOST_WAYS
_Static_assert(MOST_RUNNERS > BENCH_MOST_REFERENCES, "a kernel and its references take turns, too");

// One that takes turns, and what its rounds took.
typedef struct runner {
  bench_run *run;
  const bench_case *c;
  int place;  // among the references; -1: the kernel
  uint64_t repetitions;
  double seconds[MAX_ROUNDS], processor_seconds[MAX_ROUNDS];  // of one call
} runner;

// Of one call, or of several together; NaN if there was no memory for it.
typedef struct call_time {
  double seconds, processor_seconds;
} call_time;

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

static call_time time_calls(bench_run *run, const bench_case *c, uint64_t repetitions, const bench_counters *counters) {
  const double processor_start = clock_processor_seconds();
  if (counters != NULL) bench_counters_start(counters);
  const double start = clock_seconds();
  run(c, repetitions);
  const double seconds = clock_seconds() - start;
  if (counters != NULL) bench_counters_stop(counters);
  return (call_time){seconds, clock_processor_seconds() - processor_start};
}

// Getting the memory and giving it back is not part of the time.
static call_time time_fresh_calls(bench_run *run, const bench_case *c, uint64_t repetitions, const bench_counters *counters) {
  call_time sum = {0, 0};
  for (uint64_t i = 0; i < repetitions; ++i) {
    bench_fresh fresh;
    if (!bench_fresh_map(c, &fresh)) return (call_time){NAN, NAN};
    const call_time one = time_calls(run, &fresh.c, 1, counters);
    bench_fresh_unmap(&fresh);
    sum.seconds += one.seconds;
    sum.processor_seconds += one.processor_seconds;
  }
  return sum;
}

static call_time time_run(bench_run *run, const bench_case *c, uint64_t repetitions, const bench_counters *counters) {
  const call_time all = (c->is_fresh ? time_fresh_calls : time_calls)(run, c, repetitions, counters);
  return (call_time){all.seconds / (double)repetitions, all.processor_seconds / (double)repetitions};
}

// How many calls fill a round; the trials warm caches, page tables and the clock frequency up. The shorter of two trials
// counts, so that one interruption does not pass for a long call.
static uint64_t calibrate(bench_run *run, const bench_case *c) {
  for (uint64_t repetitions = 1;; repetitions *= 2) {
    double shortest = ROUND_SECONDS;
    for (int trial = 0; trial < 2; ++trial) {
      const double call = time_run(run, c, repetitions, NULL).seconds;
      if (call * (double)repetitions < shortest) shortest = call * (double)repetitions;
    }
    if (shortest >= ROUND_SECONDS) return repetitions;
  }
}

// The kernel comes last: its trials leave the caches as its rounds find them.
static int gather_runners(bench_run *run, bench_run *const references[], const bench_case *c, runner *runners) {
  int count = 0;
  for (int place = 0; place < BENCH_MOST_REFERENCES; ++place)
    if (references[place] != NULL) runners[count++] = (runner){.run = references[place], .c = c, .place = place};
  runners[count++] = (runner){.run = run, .c = c, .place = -1};
  for (int i = 0; i < count; ++i) runners[i].repetitions = calibrate(runners[i].run, c);
  return count;
}

// The counters are the kernel's.
static bool take_turn(runner *at, int round, const bench_counters *counters) {
  const call_time time = time_run(at->run, at->c, at->repetitions, at->place < 0 ? counters : NULL);
  at->seconds[round] = time.seconds;
  at->processor_seconds[round] = time.processor_seconds;
  return !isnan(time.seconds);
}

// Who is first goes round, and every other round goes backwards, so that nobody always finds the same one's caches.
static bool take_turns(runner *runners, int count, int round, const bench_counters *counters) {
  bool all = true;
  for (int i = 0; i < count; ++i) {
    const int turn = round % 2 == 0 ? i : count - 1 - i;
    all = take_turn(&runners[(round / 2 + turn) % count], round, counters) && all;
  }
  return all;
}

// Returns the number of rounds; 0 if there was no memory for one of them.
static int take_all_turns(runner *runners, int count, const bench_effort *effort, const bench_counters *counters) {
  const double start = clock_seconds(), seconds = effort->seconds * count;
  int least = effort->least_rounds, rounds = 0;
  while (rounds < MAX_ROUNDS && (rounds < least || clock_seconds() - start < seconds)) {
    if (!take_turns(runners, count, rounds, counters)) return 0;
    if (runners[count - 1].seconds[rounds] > LONG_CALL) least = effort->least_rounds_long;
    ++rounds;
  }
  return rounds;
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

static void sum_up(runner *runners, int count, bench_result *result) {
  static double values[MAX_ROUNDS];
  runner *const kernel = &runners[count - 1];
  const row_spread none = {NAN, NAN, NAN};
  for (int place = 0; place < BENCH_MOST_REFERENCES; ++place)
    result->reference_nanoseconds[place] = result->ratio[place] = none;
  for (const runner *at = runners; at < kernel; ++at) {
    result->reference_nanoseconds[at->place] = nanoseconds_of(at, result->rounds, values);
    for (int round = 0; round < result->rounds; ++round) values[round] = kernel->seconds[round] / at->seconds[round];
    result->ratio[at->place] = spread_of(values, result->rounds);
  }
  result->nanoseconds = nanoseconds_of(kernel, result->rounds, values);
  result->processor_nanoseconds = 1e9 * spread_of(kernel->processor_seconds, result->rounds).median;
  result->repetitions = kernel->repetitions;
}

static runner runners[MOST_RUNNERS];

bench_result bench_measure(bench_run *run, bench_run *const references[BENCH_MOST_REFERENCES], const bench_case *c,
                           const bench_effort *effort, const bench_counters *counters) {
  const int count = gather_runners(run, references, c, runners);
  if (counters != NULL) bench_counters_reset(counters);
  bench_result result = {.rounds = take_all_turns(runners, count, effort, counters)};
  if (result.rounds == 0) return result;
  sum_up(runners, count, &result);
  read_counters(counters, &result);
  return result;
}

size_t bench_find_quickest(bench_run *run, const bench_ways *ways, const bench_case *c, double nanoseconds[BENCH_MOST_WAYS]) {
  static const bench_effort contest_effort = {9, 3, 0.01};
  static double values[MAX_ROUNDS];
  bench_case cases[BENCH_MOST_WAYS];
  for (size_t i = 0; i < ways->count; ++i) {
    cases[i] = *c;
    cases[i].way = &ways->ways[i];
    runners[i] = (runner){.run = run, .c = &cases[i], .repetitions = calibrate(run, &cases[i])};
  }
  const int rounds = take_all_turns(runners, (int)ways->count, &contest_effort, NULL);
  size_t best = 0;
  for (size_t i = 0; i < ways->count; ++i) {
    nanoseconds[i] = rounds > 0 ? nanoseconds_of(&runners[i], rounds, values).median : NAN;
    if (nanoseconds[i] < nanoseconds[best]) best = i;
  }
  return best;
}

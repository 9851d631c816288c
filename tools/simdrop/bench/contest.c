// Each contest is kept until the case changes.
#include "bench/contest.h"

static bench_contest hold_contest(bool is_in_place, const bench_case *c) {
  bench_contest contest = {.bytes = c->copy_bytes, .is_in_place = is_in_place};
  contest.ways = is_in_place ? bench_ways_to_rewrite() : bench_ways_to_copy(c->is_fresh);
  bench_run *const run = is_in_place ? bench_rewrite_quickest : bench_copy_quickest;
  contest.best = bench_find_quickest(run, &contest.ways, c, contest.nanoseconds);
  return contest;
}

void bench_set_way(bench_contests *contests, const bench_kernel *kernel, bench_case *c) {
  const bool is_in_place = bench_is_in_place(kernel);
  size_t i = 0;
  while (i < contests->count && (contests->of[i].bytes != c->copy_bytes || contests->of[i].is_in_place != is_in_place)) ++i;
  if (i == contests->count) contests->of[contests->count++] = hold_contest(is_in_place, c);
  c->way = &contests->of[i].ways.ways[contests->of[i].best];
}

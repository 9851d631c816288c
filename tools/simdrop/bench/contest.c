// Each contest is kept until the case changes.
#include "bench/contest.h"

static bench_ways ways_of(bench_moves moves, bool is_fresh) {
  switch (moves) {
    case BENCH_REWRITES: return bench_ways_to_rewrite();
    case BENCH_ADDS: return bench_ways_to_add();
    default: return bench_ways_to_copy(is_fresh);
  }
}

bench_run *bench_quickest_of(bench_moves moves) {
  return moves == BENCH_REWRITES ? bench_rewrite_quickest : moves == BENCH_ADDS ? bench_add_quickest : bench_copy_quickest;
}

static bench_contest hold_contest(bench_moves moves, const bench_case *c) {
  bench_contest contest = {.bytes = c->copy_bytes, .elements = c->n, .moves = moves, .ways = ways_of(moves, c->is_fresh)};
  contest.best = bench_find_quickest(bench_quickest_of(moves), &contest.ways, c, contest.nanoseconds);
  return contest;
}

void bench_set_way(bench_contests *contests, const bench_kernel *kernel, bench_case *c) {
  const bench_moves moves = bench_compared_moves(kernel);
  size_t i = 0;
  while (i < contests->count && (contests->of[i].bytes != c->copy_bytes || contests->of[i].moves != moves)) ++i;
  if (i == contests->count) contests->of[contests->count++] = hold_contest(moves, c);
  c->way = &contests->of[i].ways.ways[contests->of[i].best];
}

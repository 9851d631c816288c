// The limit is the larger of two times: that of moving the bytes, and that of the multiplications that the mask needs.
#include "bench/share.h"

#include <math.h>
#include <stddef.h>

#include "bench/contest.h"
#include "bench/fused.h"
#include "bench/limits.h"

const char *bench_level(const cpu_info *cpu, uint64_t bytes, size_t pieces) {
  const char *const of_a_part = cpu_info_level(cpu, bytes / pieces);
  const bool is_private = of_a_part[0] == 'L' && of_a_part[1] <= '2';
  return is_private ? of_a_part : cpu_info_level(cpu, bytes);
}

void bench_choose_references(const bench_kernel *kernel, const bench_case *c, bench_run *references[BENCH_MOST_REFERENCES]) {
  const bench_moves moves = bench_compared_moves(kernel);
  const bool in_place = moves == BENCH_REWRITES, is_memcpy = bench_quickest_reference(c) == BENCH_REFERENCE_COPY;
  references[BENCH_REFERENCE_COPY] = bench_copy;
  references[BENCH_REFERENCE_SCALE] = kernel->moves != BENCH_MOVES_NONE ? bench_scale : NULL;
  references[BENCH_REFERENCE_QUICKEST] = is_memcpy ? NULL : bench_quickest_of(moves);
  references[BENCH_REFERENCE_SCALE_IN_PLACE] = in_place ? bench_scale_in_place : NULL;
  references[BENCH_REFERENCE_DROPOUT] = kernel->group != BENCH_FUSED ? NULL : in_place ? bench_dropout_in_place : bench_dropout;
}

bench_reference bench_quickest_reference(const bench_case *c) {
  return c->way->stores == BENCH_STORES_MEMCPY ? BENCH_REFERENCE_COPY : BENCH_REFERENCE_QUICKEST;
}

// The quickest way there was to move bytes between the same places, for as many bytes as the kernel moves.
static void find_memory_limit(const bench_kernel *kernel, const bench_case *c, const bench_result *result, bench_limit *limit) {
  const row_spread *const times = result->reference_nanoseconds;
  const bool in_place = bench_compared_moves(kernel) == BENCH_REWRITES;
  const double quickest = times[BENCH_REFERENCE_QUICKEST].median;
  if (kernel->moves == BENCH_ADDS) {
    limit->name = "addition";
    limit->nanoseconds = quickest;
    return;
  }
  double best = times[in_place ? BENCH_REFERENCE_SCALE_IN_PLACE : BENCH_REFERENCE_COPY].median;
  limit->name = in_place ? "scale in place" : "memcpy";
  if (quickest < best) {  // not if it is NaN
    best = quickest;
    limit->name = in_place ? "rewriting" : "copy";
  }
  limit->nanoseconds = best * bench_bytes(kernel, c) / (2 * (double)c->copy_bytes);
}

static double planes_of(const bench_kernel *kernel, const bench_case *c) {
  switch (kernel->draws) {
    case BENCH_DRAWS_NUMBERS: return BENCH_PLANES;
    case BENCH_DRAWS_BLOCKS: return bench_planes_of_blocks(c);
    default: return bench_expected_planes(bench_threshold(c->mask.p));
  }
}

static double rate_of_one_thread(const bench_multiplier *multiplier) {
  enum {
    MOST_KNOWN = 32
  };
  static struct {
    const bench_multiplier *multiplier;
    double rate;
  } known[MOST_KNOWN];
  static size_t count;
  for (size_t i = 0; i < count; ++i)
    if (known[i].multiplier == multiplier) return known[i].rate;
  const double rate = bench_multiplier_rate(multiplier);
  if (count < MOST_KNOWN) {
    known[count].multiplier = multiplier;
    known[count++].rate = rate;
  }
  return rate;
}

// Threads measured together would tell how they are scheduled at the moment; so each counts as if it had a core to itself.
static double multiply_rate(const cpu_info *cpu, const bench_multiplier *multiplier, size_t pieces) {
  const size_t processors = cpu->processors > 0 ? (size_t)cpu->processors : 1;
  return rate_of_one_thread(multiplier) * (double)(pieces < processors ? pieces : processors);
}

bench_limit bench_find_limit(const cpu_info *cpu, const bench_kernel *kernel, const bench_case *c, const bench_result *result) {
  bench_limit limit = {.planes = NAN, .multiply_rate = NAN};
  find_memory_limit(kernel, c, result, &limit);
  if (kernel->draws == BENCH_DRAWS_NOTHING) return limit;
  limit.planes = planes_of(kernel, c);
  const bench_multiplier *const multiplier = bench_multiplier_of(simdrop_backend_current());
  if (multiplier == NULL) {
    limit.name = NULL;
    limit.nanoseconds = NAN;
    limit.reason = "how fast this backend's instructions multiply is not measured";
    return limit;
  }
  limit.lanes = multiplier->lanes;
  limit.multiply_rate = multiply_rate(cpu, multiplier, c->pieces);
  const double products = bench_products_per_element(limit.planes) * (double)c->n;
  const double multiplying = products / (double)limit.lanes / limit.multiply_rate;
  if (multiplying > limit.nanoseconds) {
    limit.name = "multiplications";
    limit.nanoseconds = multiplying;
  }
  return limit;
}

// What simdrop verify makes of counts: how it counts a sequence whose limits fall anywhere, the smallest bias that a rare count
// shows, and that a number that is none never passes.
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support.h"
#include "verify/sequence.h"
#include "verify/significance.h"

// Words that do not repeat, without an end.
static size_t next_words(bit_source *source, size_t words, uint64_t *out) {
  uint64_t *const number = source->context;
  for (size_t k = 0; k < words; ++k) out[k] = derived_seed(99, (*number)++);
  return words;
}

static void count(uint64_t planned, sequence_limits limits, sequence_counts *counts) {
  uint64_t number = 0;
  bit_source source = {next_words, &number, false};
  assert_true(sequence_count(&source, 0.5, planned, &limits, counts, NULL, NULL));
}

// A file may grow after its size was asked for, on which the room for its windows depends.
static void growing_source(void **state) {
  (void)state;
  static sequence_counts counts;
  const uint64_t planned = 1 << 12, there = 1 << 22;
  alarm(20);  // a full table would be searched forever
  count(planned, (sequence_limits){there, there, there, there}, &counts);
  alarm(0);
  assert_true(counts.total == there && counts.counted == there);
  assert_true(counts.windows == planned / counts.window_bits);
  assert_true(counts.duplicates == 0);
}

// No limit needs to be a multiple of anything, nor the larger ones to be reached in whole chunks.
static void limits_anywhere(void **state) {
  (void)state;
  static sequence_counts counts, whole;
  static const uint64_t limits[][4] = {{1 << 18, 1 << 16, 1 << 16, 1 << 16},
                                       {(3 << 20) + 5000, (1 << 20) + 3000, 70000, 150000},
                                       {1 << 21, 1 << 21, 1 << 10, 3 << 19},
                                       {1023, 1023, 1023, 1023}};
  for (size_t i = 0; i < LENGTH(limits); ++i) {
    const uint64_t *const l = limits[i];
    count(l[0], (sequence_limits){l[0], l[1], l[2], l[3]}, &counts);
    assert_true(counts.total == l[0] / 1024 * 1024);
    assert_true(counts.counted == l[1] / 1024 * 1024);
    assert_true(counts.coincidence_groups == l[2] / 1024 * 64);
    // A chunk that ends at a limit may cut a window.
    const uint64_t windows = counts.window_bits > 0 ? l[3] / 1024 * 1024 / counts.window_bits : 0;
    assert_in_range(counts.windows, windows > 3 ? windows - 3 : 0, windows);
    count(counts.counted, (sequence_limits){l[1], l[1], l[1], l[1]}, &whole);
    assert_true(whole.changes == counts.changes && whole.counted_kept == counts.counted_kept);
    assert_memory_equal(whole.patterns, counts.patterns, sizeof counts.patterns);
    assert_memory_equal(whole.lag_both, counts.lag_both, sizeof counts.lag_both);
    assert_memory_equal(whole.tail_rare, counts.tail_rare, sizeof counts.tail_rare);
  }
}

// P(X >= k) as a sum.
static double upper_tail(int k, int n, double probability) {
  double sum = 0;
  for (int i = k; i <= n; ++i)
    sum += exp(lgamma(n + 1) - lgamma(i + 1) - lgamma(n - i + 1) + i * log(probability) + (n - i) * log1p(-probability));
  return sum;
}

static void rises_of_rare_counts(void **state) {
  (void)state;
  static const struct {
    int n;
    double probability, level, count;
  } cases[] = {
      {1000, 0.01, 1e-6, 1}, {1000, 0.0001, 1e-9, 100}, {400, 0.25, 1e-3, 7}, {50, 0.001, 1e-10, 33153}, {20, 0.5, 1e-4, 1}};
  for (size_t i = 0; i < LENGTH(cases); ++i) {
    const int n = cases[i].n;
    const double level = cases[i].level / cases[i].count / 2, q = cases[i].probability;
    int seen = 0;
    while (seen <= n && upper_tail(seen, n, q) >= level) ++seen;
    assert_true(seen <= n);
    const double rise = smallest_rise(n, q, cases[i].level, cases[i].count);
    if (!(rise > 0 && fabs(upper_tail(seen, n, q + rise) - 0.999) < 1e-6))
      fail_msg("n %d, probability %g: a rise by %g is seen with probability %g", n, q, rise, upper_tail(seen, n, q + rise));
  }
  // Ten heads of ten are no wonder at this level; and what is expected to be many is a normal variable's.
  assert_true(isinf(smallest_rise(10, 0.5, 1e-9, 1)));
  assert_true(isinf(smallest_coincidence(10, 0.5, 1e-9, 1)));
  const double normal = seen_deviations(1e-6, 1) * sqrt(0.25 / 1e6);
  assert_true(fabs(smallest_rise(1e6, 0.5, 1e-6, 1) / normal - 1) < 1e-9);
}

// A function of special_functions.h that is not defined somewhere gives NaN, and that must not look like 1.
static void not_a_number(void **state) {
  (void)state;
  assert_true(isnan(two_sided_normal(NAN)));
  assert_true(isnan(two_sided_binomial(NAN, 10, 0.5)));
  assert_true(isnan(two_sided_binomial(5, 10, NAN)));
  assert_true(isnan(smallest_of(NAN, 10)));
  assert_true(is_less_likely(NAN, 0) && is_less_likely(NAN, 1) && !is_less_likely(0, NAN));
  assert_true(is_less_likely(0.1, 0.2) && !is_less_likely(0.2, 0.1) && !is_less_likely(0.1, 0.1));
}

static void two_sides(void **state) {
  (void)state;
  assert_true(two_sided_normal(0) == 1);
  assert_true(fabs(two_sided_normal(-1.959963984540054) - 0.05) < 1e-12);
  assert_true(fabs(two_sided_normal(1.959963984540054) - 0.05) < 1e-12);
  assert_true(fabs(two_sided_binomial(0, 10, 0.5) - 2 * 0x1p-10) < 1e-15);
  assert_true(two_sided_binomial(5, 10, 0.5) == 1);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(growing_source), cmocka_unit_test(limits_anywhere), cmocka_unit_test(rises_of_rare_counts),
      cmocka_unit_test(not_a_number),   cmocka_unit_test(two_sides),
  };
  return RUN_TESTS(argc, argv, tests);
}

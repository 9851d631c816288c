// What simdrop verify makes of counts: how it counts a sequence whose limits fall anywhere, the smallest bias that a rare count
// shows, that a number that is none never passes, and how normal numbers are counted.
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support.h"
#include "verify/formulas.h"
#include "verify/normals.h"
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

// A chi-squared variable is a sum whose skewness is known; and what has none is normal.
static void skewed_sums(void **state) {
  (void)state;
  static const double tails[] = {3.2469727802368396, 20.483177350807395};  // 0.025 on either side, of 10 degrees of freedom
  for (size_t i = 0; i < LENGTH(tails); ++i) {
    const double z = (tails[i] - 10) / sqrt(20), skewness = sqrt(8.0 / 10);
    assert_true(fabs(two_sided_skewed(z, skewness) - 0.05) < 1e-9);
    assert_true(fabs(two_sided_skewed(-z, -skewness) - 0.05) < 1e-9);
  }
  assert_true(two_sided_skewed(1.5, 0) == two_sided_normal(1.5));
  assert_true(fabs(two_sided_skewed(1.5, 1e-5) / two_sided_normal(1.5) - 1) < 1e-4);
  assert_false(two_sided_skewed(NAN, 0.1) >= 1e-9);
  // The values that tables of Kolmogorov's test have.
  assert_true(fabs(kolmogorov_at_least(1.3580986 / 1e6, 1e12, false) - 0.05) < 1e-5);
  assert_true(fabs(kolmogorov_at_least(1.2238734 / 1e6, 1e12, true) - 0.05) < 1e-5);
  assert_false(kolmogorov_at_least(NAN, 100, false) >= 1e-9);
}

static double made_up(uint64_t index) { return (double)(derived_seed(7, index) % 1000) * 0.01 - 5; }

static simdrop_status made_up_gaussian(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                       size_t n, const void *x, void *y) {
  double *const out = y;
  (void)executor, (void)x;
  assert_true(dtype == SIMDROP_F64);
  for (size_t k = 0; k < n; ++k) out[k] = 1 + gaussian_sigma(keep_probability(mask->p)) * made_up(mask->offset + k);
  return SIMDROP_OK;
}

static void check_near(double found, double expected, const char *what) {
  if (!(fabs(found - expected) <= 1e-9 * (1000 + fabs(expected)))) fail_msg("%s: %.17g, not %.17g", what, found, expected);
}

// What is counted in several draws is what plain loops over all numbers make of them.
static void normal_numbers(void **state) {
  (void)state;
  enum {
    N = 3 * DRAW_MAX
  };
  static normal_counts counts;
  static double z[N];
  const dropout_functions functions = {.gaussian_forward = made_up_gaussian};
  const verify_subject subject = {&functions, FORM_GAUSSIAN, 0.3, keep_probability(0.3), 5, N, .level = 1e-6};
  assert_true(normals_drawn(&subject) == N);
  assert_true(count_normals(&subject, &counts));
  double sum = 0, squares = 0, third = 0, fourth = 0, product = 0, squared = 0;
  uint64_t above = 0, found = 0;
  for (size_t k = 0; k < N; ++k) {
    z[k] = made_up(k);
    sum += z[k];
    squares += z[k] * z[k] - 1;
    third += pow(z[k], 3) - 3 * z[k];
    fourth += pow(z[k], 4) - 6 * z[k] * z[k] + 3;
    above += z[k] > 3.001;
    if (k < 1024) continue;
    product += z[k] * z[k - 1024];
    squared += (z[k] * z[k] - 1) * (z[k - 1024] * z[k - 1024] - 1);
  }
  for (size_t cell = NORMAL_CELLS * 11 / 16 + 5; cell < NORMAL_CELLS; ++cell) found += counts.cells[cell];
  assert_true(counts.total == N && found == above);
  check_near(counts.sum, sum, "sum");
  check_near(counts.squares, squares, "squares");
  check_near(counts.third, third, "third");
  check_near(counts.fourth, fourth, "fourth");
  check_near(counts.products[NORMAL_LAG_COUNT - 1], product, "lag 1024");
  check_near(counts.squared[NORMAL_LAG_COUNT - 1], squared, "squares, lag 1024");
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(growing_source), cmocka_unit_test(limits_anywhere), cmocka_unit_test(rises_of_rare_counts),
      cmocka_unit_test(not_a_number),   cmocka_unit_test(two_sides),       cmocka_unit_test(skewed_sums),
      cmocka_unit_test(normal_numbers),
  };
  return RUN_TESTS(argc, argv, tests);
}

// The numbers are read off the outputs of Gaussian dropout of ones, in double: z = (y - 1) / sigma.
#include "verify/normals.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify/formulas.h"
#include "verify/significance.h"
#include "verify/special_functions.h"

#define LAG_MOST ((size_t)1024)
#define SUM_PARTS 8  // sums that run side by side, so that none waits for the addition before

// From how many numbers on the sums' distributions are the limits, with the skewness that is left.
#define ENOUGH_FOR_MOMENTS ((uint64_t)1 << 18)
#define ENOUGH_FOR_LAGS ((uint64_t)1 << 16)
#define ENOUGH_FOR_DISTANCE ((uint64_t)1 << 12)

static const size_t normal_lag[NORMAL_LAG_COUNT] = {1,  2,  3,  4,  5,  6,  7,   8,   15,  16,
                                                    17, 31, 32, 33, 64, 96, 127, 128, 129, LAG_MOST};
static const double tail_bounds[] = {3, 4, 5};
enum {
  TAIL_COUNT = sizeof tail_bounds / sizeof tail_bounds[0]
};

// Skewness of the sums of n values, times sqrt(n): of z^2 - 1, of z^4 - 6z^2 + 3, and of the product of two of the former.
#define SKEWNESS_OF_SQUARES 2.8284271247461903
#define SKEWNESS_OF_FOURTH 14.696938456699069
#define SKEWNESS_OF_SQUARE_PRODUCTS 8.0

uint64_t normals_drawn(const verify_subject *subject) {
  const uint64_t least = (uint64_t)1 << 20, share = subject->elements / 16;
  const uint64_t n = share > least ? share : subject->elements < least ? subject->elements : least;
  return n / DRAW_MAX * DRAW_MAX > 0 ? n / DRAW_MAX * DRAW_MAX : n;
}

// Draws of z with those before them, and the same of z^2 - 1; 0 where there are none.
typedef struct normal_window {
  double z[LAG_MOST + DRAW_MAX], squares[LAG_MOST + DRAW_MAX];
  double ones[DRAW_MAX];
} normal_window;

static double sum_of_products(size_t n, const double *a, const double *b) {
  double parts[SUM_PARTS] = {0}, sum = 0;
  size_t k = 0;
  for (; k + SUM_PARTS <= n; k += SUM_PARTS)
    for (size_t i = 0; i < SUM_PARTS; ++i) parts[i] += a[k + i] * b[k + i];
  for (; k < n; ++k) sum += a[k] * b[k];
  for (size_t i = 0; i < SUM_PARTS; ++i) sum += parts[i];
  return sum;
}

// NaN goes to the last cell.
static size_t cell_of(double z) {
  const double place = (z + NORMAL_RANGE) * ((double)NORMAL_CELLS / (2.0 * NORMAL_RANGE));
  return place < 0 ? 0 : place < (double)NORMAL_CELLS ? (size_t)place : NORMAL_CELLS - 1;
}

static void count_draw(normal_counts *counts, size_t n, normal_window *window) {
  const double *const z = window->z + LAG_MOST, *const squares = window->squares + LAG_MOST;
  for (size_t k = 0; k < n; ++k) {
    counts->sum += z[k];
    counts->squares += squares[k];
    counts->third += z[k] * (squares[k] - 2);
    counts->fourth += squares[k] * squares[k] - 4 * squares[k] - 2;
    ++counts->cells[cell_of(z[k])];
  }
  for (size_t l = 0; l < NORMAL_LAG_COUNT; ++l) {
    counts->products[l] += sum_of_products(n, z, z - normal_lag[l]);
    counts->squared[l] += sum_of_products(n, squares, squares - normal_lag[l]);
  }
  counts->total += n;
  memmove(window->z, window->z + n, LAG_MOST * sizeof(double));
  memmove(window->squares, window->squares + n, LAG_MOST * sizeof(double));
}

bool count_normals(const verify_subject *subject, normal_counts *counts) {
  normal_window *const window = verify_allocate(1, sizeof *window);
  if (window == NULL) return false;
  const double sigma = gaussian_sigma(subject->keep);
  const uint64_t total = normals_drawn(subject);
  simdrop_mask mask = {subject->p, subject->seed, 0, 0, 0};
  for (size_t k = 0; k < DRAW_MAX; ++k) window->ones[k] = 1;
  for (uint64_t done = 0; done < total; done += DRAW_MAX) {
    const size_t n = total - done < DRAW_MAX ? (size_t)(total - done) : DRAW_MAX;
    double *const z = window->z + LAG_MOST;
    subject->functions->gaussian_forward(NULL, &mask, SIMDROP_F64, n, window->ones, z);
    for (size_t k = 0; k < n; ++k) {
      z[k] = (z[k] - 1) / sigma;
      window->squares[LAG_MOST + k] = z[k] * z[k] - 1;
    }
    count_draw(counts, n, window);
    mask.offset += n;
    if (subject->counted != NULL) subject->counted(subject->context, n);
  }
  free(window);
  return true;
}

static verify_finding finding(double statistic, double p_value, const char *where) {
  verify_finding found = {.p_value = p_value, .statistic = statistic};
  snprintf(found.where, sizeof found.where, "%s", where);
  return found;
}

static void keep_worst(const normal_counts *counts, const verify_finding *findings, size_t count, verify_figure *figure) {
  const verify_finding *const worst = &findings[worst_finding(findings, count)];
  figure->elements = counts->total;
  figure->statistic = worst->statistic;
  figure->p_value = smallest_of(worst->p_value, (double)count);
  memcpy(figure->where, worst->where, sizeof figure->where);
}

// ---- S14: the moments of Hermite's polynomials, which are uncorrelated. Their squares' means are 1, 2, 6 and 24.

void normal_moments(const normal_counts *counts, double level, verify_figure *figure) {
  const double n = (double)counts->total, root = sqrt(n);
  const double mean = counts->sum / root, variance = counts->squares / sqrt(2 * n);
  const double third = counts->third / sqrt(6 * n), fourth = counts->fourth / sqrt(24 * n);
  figure->applies = counts->total >= ENOUGH_FOR_MOMENTS;
  if (!figure->applies) return;
  const verify_finding findings[] = {
      finding(mean, two_sided_normal(mean), "mean"),
      finding(variance, two_sided_skewed(variance, SKEWNESS_OF_SQUARES / root), "variance"),
      finding(third, two_sided_normal(third), "third moment"),
      finding(fourth, two_sided_skewed(fourth, SKEWNESS_OF_FOURTH / root), "fourth moment"),
  };
  keep_worst(counts, findings, 4, figure);
  figure->smallest = seen_deviations(level, 4) * sqrt(2 / n);
  figure->unit = "variance, relative";
}

// ---- S15: numbers beyond 3, 4 and 5 on either side

void normal_tails(const normal_counts *counts, double level, verify_figure *figure) {
  const double n = (double)counts->total;
  verify_finding findings[2 * TAIL_COUNT];
  figure->applies = n * normal_at_least(tail_bounds[0]) >= 1;
  if (!figure->applies) return;
  for (size_t i = 0; i < 2 * TAIL_COUNT; ++i) {
    const double bound = tail_bounds[i / 2], probability = normal_at_least(bound);
    const bool is_lower = i % 2 == 1;
    uint64_t beyond = 0;
    const size_t end = is_lower ? cell_of(-bound) : NORMAL_CELLS;
    for (size_t cell = is_lower ? 0 : cell_of(bound); cell < end; ++cell) beyond += counts->cells[cell];
    char where[WHERE_SIZE];
    snprintf(where, sizeof where, "%s %g", is_lower ? "below" : "above", is_lower ? -bound : bound);
    findings[i] =
        finding(binomial_deviations((double)beyond, n, probability), two_sided_binomial((double)beyond, n, probability), where);
  }
  const double probability = normal_at_least(tail_bounds[0]);
  keep_worst(counts, findings, 2 * TAIL_COUNT, figure);
  figure->smallest = smallest_rise(n, probability, level, 2 * TAIL_COUNT) / probability;
  figure->conservative = true;
  figure->unit = "share above 3, relative";
}

// ---- S16: correlation with the number some places before, and of the squares, which shared radii have

void normal_lags(const normal_counts *counts, double level, verify_figure *figure) {
  verify_finding findings[2 * NORMAL_LAG_COUNT];
  figure->applies = counts->total >= ENOUGH_FOR_LAGS;
  if (!figure->applies) return;
  for (size_t l = 0; l < NORMAL_LAG_COUNT; ++l) {
    const double n = (double)(counts->total - normal_lag[l]), root = sqrt(n);
    const double plain = counts->products[l] / root, squared = counts->squared[l] / (2 * root);
    char where[WHERE_SIZE];
    snprintf(where, sizeof where, "lag %zu", normal_lag[l]);
    findings[2 * l] = finding(plain, two_sided_normal(plain), where);
    snprintf(where, sizeof where, "squares, lag %zu", normal_lag[l]);
    findings[2 * l + 1] = finding(squared, two_sided_skewed(squared, SKEWNESS_OF_SQUARE_PRODUCTS / root), where);
  }
  keep_worst(counts, findings, 2 * NORMAL_LAG_COUNT, figure);
  figure->smallest = seen_deviations(level, 2 * NORMAL_LAG_COUNT) / sqrt((double)counts->total);
  figure->unit = "correlation";
}

// ---- S17: the largest distance between the distribution function and the numbers' own, at the ends of the cells

void normal_distribution(const normal_counts *counts, double level, verify_figure *figure) {
  const double n = (double)counts->total;
  double largest = 0, at = 0;
  uint64_t below = 0;
  figure->applies = counts->total >= ENOUGH_FOR_DISTANCE;
  if (!figure->applies) return;
  for (size_t cell = 0; cell + 1 < NORMAL_CELLS; ++cell) {
    const double end = (double)(cell + 1) * (2.0 * NORMAL_RANGE / (double)NORMAL_CELLS) - NORMAL_RANGE;
    below += counts->cells[cell];
    const double distance = fabs((double)below / n - normal_at_least(-end));
    if (distance <= largest) continue;
    largest = distance;
    at = end;
  }
  figure->elements = counts->total;
  figure->statistic = largest;
  figure->p_value = kolmogorov_at_least(largest, n, false);
  // At its largest, half of the numbers are below; the distance adds to what is seen there.
  figure->smallest = (sqrt(-log(level / 2) / 2) + normal_quantile(1 - SEEN_PROBABILITY) / 2) / sqrt(n);
  figure->unit = "distance of the distribution functions";
  snprintf(figure->where, sizeof figure->where, "at %.4g", at);
}

// S1, S2 and S4 to S9 read the counts of one sequence; S3, S10 and S11 are in verify/draws.c, S13 and S18 in
// verify/expectations.c, S14 to S17 in verify/normals.c.
#include "verify/tests.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "shared/popcount.h"
#include "verify/draws.h"
#include "verify/expectations.h"
#include "verify/significance.h"
#include "verify/special_functions.h"

#define CELL_EXPECTED 25         // cells of a chi-squared test that expect less are merged
#define PLACE_EXPECTED 100       // rare elements at a place from which on chi-squared holds far out in its tail
#define ENOUGH_FOR_GAMMA 400     // rare elements from which on the sum of squares counts as a gamma variable
#define ENOUGH_BLOCKS 16         // of the longer length, for the same
#define ENOUGH_FOR_UNIFORM 1000  // variance of a count from which on its p-values are as good as uniform

static double rarer(double keep) { return fmin(keep, 1 - keep); }
static double variance_of(double keep) { return keep * (1 - keep); }

double smallest_rate(double keep, double elements, double level) { return smallest_rise(elements, rarer(keep), level, 1); }

double smallest_correlation(double keep, double elements, double level) {
  const double rare = rarer(keep);
  if (elements * rare * rare >= ENOUGH_FOR_NORMAL) return seen_deviations(level, LAG_COUNT) / sqrt(elements);
  return smallest_coincidence(elements / 2, rare, level, LAG_COUNT);
}

static void rate(const sequence_counts *counts, double level, verify_figure *figure) {
  const double n = (double)counts->total, kept = (double)counts->kept;
  figure->applies = counts->total > 0;
  figure->elements = counts->total;
  figure->statistic = binomial_deviations(kept, n, counts->keep);
  figure->p_value = two_sided_binomial(kept, n, counts->keep);
  figure->smallest = smallest_rate(counts->keep, n, level);
  figure->conservative = n * variance_of(counts->keep) < ENOUGH_FOR_UNIFORM;
  figure->unit = "rate";
}

// The sum over cells (counts of independent binomials of n trials) of squared deviations, and which is the worst.
static double squared_deviations(size_t cells, const uint64_t *k, double n, double probability, size_t *worst) {
  double sum = 0, most = -1;
  for (size_t i = 0; i < cells; ++i) {
    const double deviation = binomial_deviations((double)k[i], n, probability);
    sum += deviation * deviation;
    if (fabs(deviation) > most) {
      most = fabs(deviation);
      *worst = i;
    }
  }
  return sum;
}

static double seen_noncentrality(double level, double degrees_of_freedom) {
  return chi_squared_noncentrality(chi_squared_quantile(level, degrees_of_freedom), degrees_of_freedom, 1 - SEEN_PROBABILITY);
}

// Two divisions of the same elements: by place in the block of 128, and by lane of 16.
static void position(const sequence_counts *counts, double level, verify_figure *figure) {
  const double n = (double)counts->counted / POSITIONS;
  figure->applies = n * rarer(counts->keep) >= PLACE_EXPECTED;
  if (!figure->applies) return;
  uint64_t lanes[COINCIDENCE_LANES] = {0};
  for (int i = 0; i < POSITIONS; ++i) lanes[i % COINCIDENCE_LANES] += counts->positions[i];
  const double lane_n = n * POSITIONS / COINCIDENCE_LANES;
  size_t worst_place = 0, worst_lane = 0;
  const double by_place = squared_deviations(POSITIONS, counts->positions, n, counts->keep, &worst_place);
  const double by_lane = squared_deviations(COINCIDENCE_LANES, lanes, lane_n, counts->keep, &worst_lane);
  // What of it lies between the lanes is independent of what lies between the places of each.
  const double within = fmax(0, by_place - by_lane);
  const double p_place = chi_squared_at_least(within, POSITIONS - COINCIDENCE_LANES);
  const double p_lane = chi_squared_at_least(by_lane, COINCIDENCE_LANES);
  figure->elements = counts->counted;
  const bool is_lane = is_less_likely(p_lane, p_place);
  figure->statistic = is_lane ? by_lane : within;
  figure->p_value = smallest_of(less_likely(p_lane, p_place), 2);
  figure->smallest = sqrt(seen_noncentrality(level / 2, COINCIDENCE_LANES) * variance_of(counts->keep) / lane_n);
  figure->unit = "rate of a lane";
  if (is_lane) {
    snprintf(figure->where, sizeof figure->where, "lane %zu of %d", worst_lane, COINCIDENCE_LANES);
  } else {
    snprintf(figure->where, sizeof figure->where, "place %zu of %d", worst_place, POSITIONS);
  }
}

typedef struct chi_squared_cell {
  double expected, found;
} chi_squared_cell;

static double cell_part(chi_squared_cell cell) {
  return (cell.found - cell.expected) * (cell.found - cell.expected) / cell.expected;
}

// Chi-squared of 256 patterns of independent bits. Those that expect too few are merged, with the least of the others if they
// are too few together as well. NaN if fewer than two cells are left.
static double pattern_p_value(const uint64_t patterns[256], double keep, double *statistic, double *cells) {
  chi_squared_cell merged = {0, 0}, least = {INFINITY, 0};
  double n = 0;
  *statistic = *cells = 0;
  for (int i = 0; i < 256; ++i) n += (double)patterns[i];
  for (int i = 0; i < 256; ++i) {
    const int ones = (int)count_word((uint64_t)i);
    const chi_squared_cell cell = {n * pow(keep, ones) * pow(1 - keep, 8 - ones), (double)patterns[i]};
    if (cell.expected < CELL_EXPECTED) {
      merged.expected += cell.expected;
      merged.found += cell.found;
      continue;
    }
    *statistic += cell_part(cell);
    ++*cells;
    if (cell.expected < least.expected) least = cell;
  }
  if (merged.expected > 0 && merged.expected < CELL_EXPECTED) {
    *statistic -= cell_part(least);
    --*cells;
    merged.expected += least.expected;
    merged.found += least.found;
  }
  if (merged.expected > 0) {
    *statistic += cell_part(merged);
    ++*cells;
  }
  return *cells < 2 ? NAN : chi_squared_at_least(*statistic, *cells - 1);
}

static void pattern(const sequence_counts *counts, double level, verify_figure *figure) {
  double in_bytes, strided, cells;
  const double n = (double)counts->counted / 8;
  const double p_bytes = pattern_p_value(counts->patterns, counts->keep, &in_bytes, &cells);
  const double p_strided = pattern_p_value(counts->strided_patterns, counts->keep, &strided, &cells);
  const bool is_bytes = is_less_likely(p_bytes, p_strided);
  figure->applies = cells >= 2;  // of either, since both expect the same
  if (!figure->applies) return;
  figure->elements = counts->counted;
  figure->statistic = is_bytes ? in_bytes : strided;
  figure->p_value = smallest_of(less_likely(p_bytes, p_strided), 2);
  // If one pattern's probability w rises by d and the others' fall in proportion, the noncentrality is n d^2 / (w (1 - w)). The
  // likeliest pattern takes the largest d.
  const double likeliest = pow(1 - rarer(counts->keep), 8);
  figure->smallest = sqrt(seen_noncentrality(level / 2, cells - 1) * likeliest * (1 - likeliest) / n);
  figure->unit = "one pattern";
  snprintf(figure->where, sizeof figure->where, "%s", is_bytes ? "8 neighbours" : "every 16th bit");
}

static void coincidence(const sequence_counts *counts, double level, verify_figure *figure) {
  const double n = (double)counts->coincidence_groups, rare = rarer(counts->keep);
  const double subsets = COINCIDENCE_LANES + LANE_PAIRS + LANE_TRIPLES;
  binomial_worst worst[3];
  figure->applies = n * rare >= 1;
  if (!figure->applies) return;
  worst_binomial(COINCIDENCE_LANES, counts->single, n, rare, &worst[0]);
  worst_binomial(LANE_PAIRS, counts->pairs, n, rare * rare, &worst[1]);
  worst_binomial(LANE_TRIPLES, counts->triples, n, rare * rare * rare, &worst[2]);
  int order = 0;
  for (int i = 1; i < 3; ++i)
    if (is_less_likely(worst[i].p_value, worst[order].p_value)) order = i;
  figure->elements = counts->coincidence_groups * COINCIDENCE_LANES;
  figure->statistic = worst[order].deviations;
  figure->p_value = smallest_of(worst[order].p_value, subsets);
  figure->smallest = smallest_coincidence(n, rare, level, subsets);
  figure->conservative = true;
  figure->unit = "correlation of lanes";
  size_t index = 0;
  for (int a = 0; a < COINCIDENCE_LANES; ++a) {
    if (order == 0 && index++ == worst[0].index) snprintf(figure->where, sizeof figure->where, "lane %d", a);
    for (int b = a + 1; b < COINCIDENCE_LANES && order > 0; ++b) {
      if (order == 1 && index++ == worst[1].index) snprintf(figure->where, sizeof figure->where, "lanes %d, %d", a, b);
      for (int c = b + 1; c < COINCIDENCE_LANES && order == 2; ++c)
        if (index++ == worst[2].index) snprintf(figure->where, sizeof figure->where, "lanes %d, %d, %d", a, b, c);
    }
  }
}

// Disjoint pairs of a lag among the first n elements.
static double disjoint_pairs(uint64_t n, uint64_t lag) {
  const uint64_t rest = n % (2 * lag), pairs = n / (2 * lag) * lag + (rest > lag ? rest - lag : 0);
  return (double)pairs;
}

static double lag_p_value(const sequence_counts *counts, int l, double *deviations) {
  const double rare = rarer(counts->keep), v = variance_of(counts->keep);
  if (counts->rare_pairs) {
    const double pairs = disjoint_pairs(counts->counted, sequence_lags[l]), both = (double)counts->lag_disjoint[l];
    *deviations = binomial_deviations(both, pairs, rare * rare);
    return two_sided_binomial(both, pairs, rare * rare);
  }
  const double n = (double)(counts->counted - sequence_lags[l]);
  const double total = (double)(counts->keep < 0.5 ? counts->counted_kept : counts->counted - counts->counted_kept);
  const double marginals = (total - (double)counts->head_rare[l]) + (total - (double)counts->tail_rare[l]);
  *deviations = ((double)counts->lag_both[l] - rare * marginals + n * rare * rare) / (v * sqrt(n));
  return two_sided_normal(*deviations);
}

static void lag(const sequence_counts *counts, double level, verify_figure *figure) {
  const double rare = rarer(counts->keep);
  int lags = 0;
  figure->p_value = 1;
  figure->applies = (double)counts->counted * rare >= 1 && counts->counted >= 2 * sequence_lags[0];
  for (int l = 0; figure->applies && l < LAG_COUNT && 2 * (uint64_t)sequence_lags[l] <= counts->counted; ++l) {
    double deviations;
    const double p_value = lag_p_value(counts, l, &deviations);
    ++lags;
    if (lags == 1 || is_less_likely(p_value, figure->p_value)) {
      figure->p_value = p_value;
      figure->statistic = deviations;
      snprintf(figure->where, sizeof figure->where, "lag %lu", (unsigned long)sequence_lags[l]);
    }
  }
  figure->elements = counts->counted;
  figure->p_value = smallest_of(figure->p_value, lags);
  figure->smallest = smallest_correlation(counts->keep, (double)counts->counted, level);
  figure->conservative = counts->rare_pairs;
  figure->unit = "correlation";
}

// The sum of squared deviations of block sums from their mean has an exact mean and variance; between them it is nearly a gamma
// variable, whose two parameters they give (the tails of a normal one would be too thin on one side).
static double dispersion_p_value(const sequence_counts *counts, int i, double *deviations, double *smallest, double level) {
  const double m = dispersion_lengths[i], blocks = (double)counts->counted / m, v = variance_of(counts->keep);
  const double sum_mean = m * counts->keep;
  const double sum =
      (double)counts->block_squares[i] - 2 * sum_mean * (double)counts->counted_kept + blocks * sum_mean * sum_mean;
  const double mean = blocks * m * v, fourth = m * v * (1 + 3 * (m - 2) * v);
  const double variance = blocks * (fourth - m * v * m * v);
  const double shape = mean * mean / variance, x = fmax(0, sum) * mean / variance;
  *deviations = (sum - mean) / sqrt(variance);
  *smallest = seen_deviations(level, 2) * sqrt(variance) / mean;
  return two_sided(gamma_at_most(x, shape), gamma_at_least(x, shape));
}

static void dispersion(const sequence_counts *counts, double level, verify_figure *figure) {
  figure->applies = (double)counts->counted * rarer(counts->keep) >= ENOUGH_FOR_GAMMA &&
                    counts->counted >= ENOUGH_BLOCKS * (uint64_t)dispersion_lengths[1];
  if (!figure->applies) return;
  double deviations[2], smallest[2], p_values[2];
  for (int i = 0; i < 2; ++i) p_values[i] = dispersion_p_value(counts, i, &deviations[i], &smallest[i], level);
  const int worst = is_less_likely(p_values[1], p_values[0]);
  figure->elements = counts->counted;
  figure->statistic = deviations[worst];
  figure->p_value = smallest_of(p_values[worst], 2);
  figure->smallest = fmin(smallest[0], smallest[1]);
  figure->conservative = true;
  figure->unit = "variance, relative";
  snprintf(figure->where, sizeof figure->where, "sums of %d", dispersion_lengths[worst]);
}

// The number of changes among n independent bits: each of the n - 1 neighbours differs with probability 2v, and two changes
// that share a bit have covariance v - 4v^2.
static void runs(const sequence_counts *counts, double level, verify_figure *figure) {
  const double n = (double)counts->counted, v = variance_of(counts->keep);
  figure->applies = n * rarer(counts->keep) >= ENOUGH_FOR_NORMAL;
  if (!figure->applies) return;
  const double mean = 2 * v * (n - 1), variance = 2 * v * (1 - 2 * v) * (n - 1) + 2 * (v - 4 * v * v) * (n - 2);
  figure->elements = counts->counted;
  figure->statistic = ((double)counts->changes - mean) / sqrt(variance);
  figure->p_value = two_sided_normal(figure->statistic);
  figure->smallest = seen_deviations(level, 1) * sqrt(variance) / mean;
  figure->unit = "number of changes, relative";
}

static void duplicate(const sequence_counts *counts, double level, verify_figure *figure) {
  (void)level;
  figure->applies = counts->windows >= 2;
  if (!figure->applies) return;
  duplicates_figure(counts->duplicates, counts->windows, counts->window_bits, counts->keep, figure);
}

#define EXPERIMENT ((uint64_t)1 << 20)  // the least that every statistic gets if the sequence has it

#define WINDOWS_MOST ((uint64_t)1 << 28)  // elements whose windows are kept

static uint64_t at_least(uint64_t share, uint64_t total) {
  const uint64_t least = total < EXPERIMENT ? total : EXPERIMENT;
  return share > least ? share : least;
}

// Outputs take longer to draw than masks, and channels longer still.
sequence_limits verify_limits(const verify_subject *subject) {
  const uint64_t elements = subject->elements, fourth = at_least(elements / 4, elements);
  sequence_limits limits = {elements, elements, fourth, elements < WINDOWS_MOST ? elements : WINDOWS_MOST};
  if (form_is_channels(subject->form)) limits = (sequence_limits){fourth, fourth, fourth, fourth};
  if (subject->is_long) {
    const uint64_t sixteenth = at_least(elements / 16, elements);
    limits = (sequence_limits){4 * elements, elements, sixteenth, sixteenth < WINDOWS_MOST ? sixteenth : WINDOWS_MOST};
    if (subject->form != FORM_MASK) limits.total = limits.counts = form_is_channels(subject->form) ? sixteenth : fourth;
  }
  return limits;
}

const verify_test verify_tests[VERIFY_TEST_COUNT] = {
    {"S1", "rate", "exact binomial", .of_sequence = rate},
    {"S2", "position", "chi-squared", .of_sequence = position},
    {"S3", "tail", "exact binomial", NULL, NULL, draw_tails, tails_in, tails_drawn},
    {"S4", "pattern", "chi-squared", .of_sequence = pattern},
    {"S5", "coincidence", "exact binomial", .of_sequence = coincidence},
    {"S6", "lag", "normal; exact binomial where rare", .of_sequence = lag},
    {"S7", "dispersion", "gamma", .of_sequence = dispersion},
    {"S8", "runs", "normal", .of_sequence = runs},
    {"S9", "duplicates", "none expected", duplicate, NULL, draw_sparse_duplicates, duplicates_in, duplicates_drawn},
    {"S10", "streams", "exact binomial", NULL, NULL, draw_streams, streams_in, streams_drawn},
    {"S11", "E[output]", "normal; exact binomial for each element", NULL, NULL, draw_outputs, outputs_in, outputs_drawn},
    {"S13", "E[fused]", "normal; exact binomial for each element", NULL, NULL, draw_fused_outputs, fused_outputs_in,
     fused_outputs_drawn},
    {"S14", "moments", "normal and gamma", .of_normals = normal_moments},
    {"S15", "far tails", "exact binomial", .of_normals = normal_tails},
    {"S16", "normal lag", "normal and gamma", .of_normals = normal_lags},
    {"S17", "normality", "Kolmogorov and Smirnov", .of_normals = normal_distribution},
    {"S18", "alpha", "normal", NULL, NULL, draw_alpha_moments, alpha_moments_in, alpha_moments_drawn},
};

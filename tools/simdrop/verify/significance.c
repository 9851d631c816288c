// Tails of distributions as p-values.
#include "verify/significance.h"

#include <math.h>

#include "verify/special_functions.h"

#define ENOUGH_FOR_ESTIMATE 1000  // expected events from which on the smallest rise is a normal variable's

double smallest_of(double p_value, double count) { return p_value >= 1 ? 1 : -expm1(count * log1p(-p_value)); }

bool is_less_likely(double a, double b) { return !isnan(b) && !(a >= b); }

double less_likely(double a, double b) { return is_less_likely(a, b) ? a : b; }

double two_sided(double low, double high) {
  const double tail = less_likely(low, high);
  return tail >= 0.5 ? 1 : 2 * tail;
}

double two_sided_normal(double z) { return two_sided(normal_at_least(z), normal_at_least(-z)); }

double two_sided_skewed(double z, double skewness) {
  const double shape = 4 / (skewness * skewness);
  if (!(shape < 1e12)) return two_sided_normal(z);  // no difference is left
  const double x = fmax(0, shape + copysign(z * sqrt(shape), z * skewness));
  return two_sided(gamma_at_most(x, shape), gamma_at_least(x, shape));
}

// Smirnov, 1948, with Stephens's correction for finite n (1970). Boost has it from 1.75 on only.
double kolmogorov_at_least(double distance, double n, bool one_sided) {
  const double x = (sqrt(n) + 0.12 + 0.11 / sqrt(n)) * distance;
  if (one_sided) return exp(-2 * x * x);
  double sum = 0;
  if (x < 0.2) return 1;  // to all digits; the series is slow there
  for (int k = 1; k <= 40; ++k) sum += (k % 2 == 1 ? 2 : -2) * exp(-2.0 * k * k * x * x);
  return sum < 0 ? 0 : sum > 1 ? 1 : sum;
}

size_t worst_finding(const verify_finding *findings, size_t count) {
  size_t worst = 0;
  for (size_t i = 1; i < count; ++i)
    if (is_less_likely(findings[i].p_value, findings[worst].p_value)) worst = i;
  return worst;
}

double two_sided_binomial(double k, double n, double probability) {
  return two_sided(binomial_at_most(k, n, probability), binomial_at_least(k, n, probability));
}

double seen_deviations(double level, double count) {
  return normal_quantile(level / count / 2) + normal_quantile(1 - SEEN_PROBABILITY);
}

// The least number of events whose upper tail is below this, or n + 1.
static double least_seen(double n, double probability, double tail) {
  double unseen = floor(n * probability), seen = n + 1;
  while (seen - unseen > 1) {
    const double middle = floor((seen + unseen) / 2);
    *(binomial_at_least(middle, n, probability) < tail ? &seen : &unseen) = middle;
  }
  return seen;
}

double smallest_rise(double n, double probability, double level, double count) {
  if (n * probability >= ENOUGH_FOR_ESTIMATE) return seen_deviations(level, count) * sqrt(probability * (1 - probability) / n);
  const double seen = least_seen(n, probability, level / count / 2);
  double below = probability, enough = 1;
  if (seen > n) return INFINITY;
  for (int step = 0; step < 60; ++step) {
    const double middle = (below + enough) / 2;
    *(binomial_at_least(seen, n, middle) < SEEN_PROBABILITY ? &below : &enough) = middle;
  }
  return enough - probability;
}

double smallest_coincidence(double n, double probability, double level, double count) {
  const double both = probability * probability;
  const double correlation = smallest_rise(n, both, level, count) / (probability * (1 - probability));
  return correlation <= 1 ? correlation : INFINITY;
}

double binomial_deviations(double k, double n, double probability) {
  return (k - n * probability) / sqrt(n * probability * (1 - probability));
}

// Only the least and the largest can be it.
void worst_binomial(size_t count, const uint64_t *k, double n, double probability, binomial_worst *worst) {
  size_t least = 0, largest = 0;
  for (size_t i = 1; i < count; ++i) {
    if (k[i] < k[least]) least = i;
    if (k[i] > k[largest]) largest = i;
  }
  const double low = two_sided_binomial((double)k[least], n, probability);
  const double high = two_sided_binomial((double)k[largest], n, probability);
  worst->index = is_less_likely(low, high) ? least : largest;
  worst->p_value = less_likely(low, high);
  worst->deviations = binomial_deviations((double)k[worst->index], n, probability);
}

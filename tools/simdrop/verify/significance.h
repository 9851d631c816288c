// How unlikely what was found is, and how small a bias would have been found.
#ifndef SIMDROP_TOOL_VERIFY_SIGNIFICANCE_H
#define SIMDROP_TOOL_VERIFY_SIGNIFICANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEEN_PROBABILITY 0.999  // with which a bias of the smallest size that counts as seen is seen

// The probability that the smallest of `count` independent p-values is at most this one (Sidak). NaN stays NaN.
double smallest_of(double p_value, double count);

// Whether a is the p-value that rather stands for both, and that of the two. NaN, which fails, stands for everything.
bool is_less_likely(double a, double b);
double less_likely(double a, double b);

// The p-value of both tails together.
double two_sided(double low, double high);
double two_sided_normal(double z);

// For a sum of many, z standard deviations from its mean, whose skewness is not 0 yet: that of the gamma variable with the same
// three moments (Pearson's type III), and a normal variable's if it is 0.
double two_sided_skewed(double z, double skewness);

// The limit of the distribution of Kolmogorov's distance between n values and their distribution function, and of the one-sided
// one.
double kolmogorov_at_least(double distance, double n, bool one_sided);
double two_sided_binomial(double k, double n, double probability);

// Standard deviations between k events of n trials and their expectation.
double binomial_deviations(double k, double n, double probability);

// What may be wrong, and how unlikely it is. Of several, the least likely stands for all.
#define FINDING_SIZE 48
typedef struct verify_finding {
  double p_value, statistic;
  char where[FINDING_SIZE];
} verify_finding;
size_t worst_finding(const verify_finding *findings, size_t count);

// The worst of many equally distributed binomial counts.
typedef struct binomial_worst {
  size_t index;
  double p_value, deviations;
} binomial_worst;
void worst_binomial(size_t count, const uint64_t *k, double n, double probability, binomial_worst *worst);

// Standard deviations between the null hypothesis and a bias that is seen at level / count, two-sided.
double seen_deviations(double level, double count);

// The smallest rise of an event's probability that its number in n trials shows, two-sided at level / count.
// INFINITY if not even certain events would.
double smallest_rise(double n, double probability, double level, double count);

// The smallest correlation of two events of this probability that the number of both in n trials shows.
double smallest_coincidence(double n, double probability, double level, double count);

#endif

// Tails and quantiles of distributions, from Boost.Math (special_functions.cpp). NaN where a function is not defined.
#ifndef SIMDROP_TOOL_VERIFY_SPECIAL_FUNCTIONS_H
#define SIMDROP_TOOL_VERIFY_SPECIAL_FUNCTIONS_H

#ifdef __cplusplus
extern "C" {
#endif

// P(X <= k) and P(X >= k) for the number X of successes in n trials.
double binomial_at_most(double k, double n, double probability);
double binomial_at_least(double k, double n, double probability);

// P(X >= x), and the x that is passed with this probability.
double chi_squared_at_least(double x, double degrees_of_freedom);
double chi_squared_quantile(double probability_above, double degrees_of_freedom);
double normal_at_least(double z);
double normal_quantile(double probability_above);

// P(X <= x) and P(X >= x) of the gamma distribution with scale 1.
double gamma_at_most(double x, double shape);
double gamma_at_least(double x, double shape);

// The noncentrality with which a chi-squared statistic falls short of x with this probability only.
double chi_squared_noncentrality(double x, double degrees_of_freedom, double probability_below);

#ifdef __cplusplus
}
#endif

#endif

// The statistical tests, one row of a list each. A test turns counts, or draws of its own, into one p-value: exact where the
// counts are binomial, chi-squared, normal or gamma where they are not, and said so in docs/conformance.md.
#ifndef SIMDROP_TOOL_VERIFY_TESTS_H
#define SIMDROP_TOOL_VERIFY_TESTS_H

#include <stdbool.h>
#include <stdint.h>

#include "verify_sequence.h"
#include "verify_source.h"

#define WHERE_SIZE 48

// What a test found.
typedef struct verify_figure {
  bool applies;       // false: there are too few elements for this p; the rest is not set, but for `needs`
  uint64_t elements;  // that the figure is made from
  double statistic;   // in standard deviations, or chi-squared, or a count
  double p_value;     // probability of something at least as unlikely if the mask is what it should be
  double smallest;    // the smallest bias that is seen with probability 0.999 at the level of the run; INFINITY = none is
  bool conservative;  // p-values are larger than uniform ones: of small counts, or the least of several that depend on each
                      // other
  const char *unit;   // what `smallest` is a bias of
  char where[WHERE_SIZE];  // which lag, place, lanes; may be empty
} verify_figure;

// What is tested, and how much of it.
typedef struct verify_subject {
  const dropout_functions *functions;
  verify_form form;
  double p;
  double keep;        // probability of keeping that the mask should have
  uint64_t seed;      // of this figure's own draws
  uint64_t elements;  // that a test of one sequence draws; the other tests' sizes follow from it
  bool is_long;
  double level;                                // a p-value below it fails
  void (*counted)(void *context, uint64_t n);  // is told of n elements drawn; may be NULL
  void *context;
} verify_subject;

typedef struct verify_test {
  const char *id;
  const char *name;
  const char *null_distribution;
  void (*of_sequence)(const sequence_counts *counts, double level, verify_figure *figure);
  bool (*by_draws)(const verify_subject *subject, verify_figure *figure);
  bool (*drawn_in)(verify_form form);
  uint64_t (*drawn)(const verify_subject *subject);  // elements that by_draws draws
} verify_test;

#define VERIFY_TEST_COUNT 11
extern const verify_test verify_tests[VERIFY_TEST_COUNT];  // S1 to S11

// What a subject's sequence is counted up to.
sequence_limits verify_limits(const verify_subject *subject);

// The smallest rate and correlation that S1 and S6 see in so many elements.
double smallest_rate(double keep, double elements, double level);
double smallest_correlation(double keep, double elements, double level);

// The probability that the smallest of `count` independent p-values is at most this one (Sidak). NaN stays NaN.
double smallest_of(double p_value, double count);

// Whether a is the p-value that rather stands for both. NaN, which fails, stands for everything.
bool is_less_likely(double a, double b);

#endif

// The statistical tests, one row of a list each. A test turns counts, or draws of its own, into one p-value: exact where the
// counts are binomial, chi-squared, normal or gamma where they are not, and said so in docs/conformance.md.
#ifndef SIMDROP_TOOL_VERIFY_TESTS_H
#define SIMDROP_TOOL_VERIFY_TESTS_H

#include <stdbool.h>
#include <stdint.h>

#include "verify/figure.h"
#include "verify/normals.h"
#include "verify/sequence.h"

typedef struct verify_test {
  const char *id;
  const char *name;
  const char *null_distribution;
  void (*of_sequence)(const sequence_counts *counts, double level, verify_figure *figure);  // in the forms of decisions
  void (*of_normals)(const normal_counts *counts, double level, verify_figure *figure);     // in FORM_GAUSSIAN
  bool (*by_draws)(const verify_subject *subject, verify_figure *figure);
  bool (*drawn_in)(verify_form form);
  uint64_t (*drawn)(const verify_subject *subject);  // elements that by_draws draws
} verify_test;

#define VERIFY_TEST_COUNT 17
extern const verify_test verify_tests[VERIFY_TEST_COUNT];  // S1 to S11, S13 to S18

// What a subject's sequence is counted up to.
sequence_limits verify_limits(const verify_subject *subject);

// The smallest rate and correlation that S1 and S6 see in so many elements.
double smallest_rate(double keep, double elements, double level);
double smallest_correlation(double keep, double elements, double level);

#endif

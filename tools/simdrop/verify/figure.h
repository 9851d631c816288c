// What a statistical test is given, and what it found.
#ifndef SIMDROP_TOOL_VERIFY_FIGURE_H
#define SIMDROP_TOOL_VERIFY_FIGURE_H

#include <stdbool.h>
#include <stdint.h>

#include "verify/source.h"

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

#endif

// The exact tests: no statistics and no false alarms, but only for implementations of simdrop's own mask.
#ifndef SIMDROP_TOOL_VERIFY_EXACT_H
#define SIMDROP_TOOL_VERIFY_EXACT_H

#include <stdbool.h>
#include <stdint.h>

#include "verify/source.h"

typedef struct exact_result {
  bool passed;
  uint64_t elements;   // compared
  char sentence[128];  // what is wrong, if it is
} exact_result;

typedef struct exact_test {
  const char *id;
  const char *name;
  void (*run)(const dropout_functions *functions, exact_result *result);
} exact_test;

#define EXACT_TEST_COUNT 19
extern const exact_test exact_tests[EXACT_TEST_COUNT];  // K1, K3 to K20 (K2 is one of K1's answers)

#endif

// A run of the tests: what is to be tested makes rows, one for each figure; jobs on a few threads fill them in; a level that
// accounts for their number decides.
#ifndef SIMDROP_TOOL_VERIFY_RUN_H
#define SIMDROP_TOOL_VERIFY_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "shared/args.h"
#include "verify/exact.h"
#include "verify/tests.h"

// One implementation: the library on one of its backends, or another one, or a file.
typedef struct verify_candidate {
  const char *name;
  const char *backend;                 // to be selected first; NULL = none
  const dropout_functions *functions;  // NULL = a file
} verify_candidate;

#define CANDIDATES_MAX 32

typedef struct verify_request {
  size_t candidate_count;
  verify_candidate candidates[CANDIDATES_MAX];
  arg_probability_list p;
  uint64_t forms, tests;  // bit i set: form i; verify_selection i
  uint64_t elements, seed, threads;
  bool is_long;
  const char *from;     // the file, or NULL
  int from_descriptor;  // of it
  FILE *messages;       // for people: standard output, unless figures go there
} verify_request;

// The names of --test: the statistical tests, the calibration, and the exact ones.
#define SELECTION_CALIBRATION VERIFY_TEST_COUNT
#define SELECTION_EXACT (VERIFY_TEST_COUNT + 1)
#define SELECTION_COUNT (VERIFY_TEST_COUNT + 1 + EXACT_TEST_COUNT)
extern const char *const selection_names[SELECTION_COUNT + 1];  // ends with NULL

typedef enum verify_verdict {
  VERDICT_PASSED,
  VERDICT_FAILED,
  VERDICT_NOT_CONFIRMED,  // failed, but not on new data
  VERDICT_TOO_FEW         // elements
} verify_verdict;

typedef struct verify_row {
  const verify_test *test;
  size_t candidate;
  verify_form form;
  double p;
  uint64_t seed;
  bool by_draws;
  verify_figure figure, confirmation;
  bool has_confirmation;
  verify_verdict verdict;
} verify_row;

typedef struct exact_row {
  const exact_test *test;
  size_t candidate;
  exact_result result;
} exact_row;

#define CALIBRATION_SEEDS 1000

// The p-values of one test over many seeds, in rising order, and the test of Kolmogorov and Smirnov for their being uniform.
typedef struct calibration_row {
  const verify_test *test;
  verify_form form;
  double p;
  size_t count;
  double p_values[CALIBRATION_SEEDS];
  bool conservative;  // of some figure: then only too many small p-values are a fault
  double distance, p_value;
  verify_verdict verdict;
} calibration_row;

typedef struct verify_report {
  size_t row_count, exact_count, calibration_count;
  verify_row *rows;
  exact_row *exact_rows;
  calibration_row *calibration_rows;
  size_t comparisons;  // that can fail by chance
  double family_rate;  // false alarms of a whole run, before any confirmation
  double level;        // of one comparison
  double seconds;
} verify_report;

// Fills in the report; false after printing the sentence, as when there is nothing to test. Either way verify_report_end is
// due.
bool verify_run(const verify_request *request, verify_report *report);
void verify_report_end(verify_report *report);

#endif

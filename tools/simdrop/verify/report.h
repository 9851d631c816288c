// What a run of the tests found, as a table for people and as JSON.
#ifndef SIMDROP_TOOL_VERIFY_REPORT_H
#define SIMDROP_TOOL_VERIFY_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "verify/run.h"

// Prints the table: a line for each test and set of candidates with equal figures, which shows the least likely of the figures;
// and a line for each figure that fails, or for every one if all is true. Ends with one line that sums up.
void verify_print(const verify_request *request, const verify_report *report, bool all);

void verify_write_json(const verify_request *request, const verify_report *report, FILE *file);

// Whether nothing failed.
bool verify_passed(const verify_report *report);

#endif

// What simdrop bench tells: a table for people, JSON and CSV for programs.
#ifndef SIMDROP_TOOL_BENCH_REPORT_H
#define SIMDROP_TOOL_BENCH_REPORT_H

#include "bench/contest.h"
#include "bench/layouts.h"
#include "bench/share.h"
#include "shared/args.h"

// Where the results go.
typedef struct bench_report {
  cpu_info cpu;
  const bench_counters *counters;  // opened or not
  bool prints;                     // the table
  bool shows_memory;               // in it: which way of going through memory
  bool shows_dropout;              // in it: the time over that of dropout alone
  bool is_fresh;                   // outputs nobody has touched
  int name_width;                  // of kernels' names in it
  row_writer rows;
} bench_report;

// One measured combination of a kernel and a case.
typedef struct bench_row {
  const bench_kernel *kernel;
  const bench_case *c;
  const bench_result *result;
  const bench_limit *limit;
  size_t threads;
} bench_row;

// Of the JSON.
void bench_write_context(const bench_report *report, json_writer *json);

// backend as it was asked for; NULL: the one that calls would use.
void bench_print_title(const bench_report *report, const char *backend, bool layouts);
void bench_print_heading(const bench_report *report, const bench_case *c, size_t threads, bool layouts);

void bench_print_left_out(const bench_report *report, const bench_kernel *kernel, const char *reason);

// The lines under a table: which ways of moving bytes were tried, and how quick they were.
void bench_print_contests(const bench_report *report, const bench_contests *contests);

// A line of the table, and a row of the JSON and the CSV.
void bench_tell_row(bench_report *report, const bench_row *row);
void bench_tell_layout(bench_report *report, const bench_layout *layout, const bench_case *c, const bench_result *result);

#endif

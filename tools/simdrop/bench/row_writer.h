// Rows of results as JSON objects and as lines of CSV, both from one list of calls. Every row has the same keys in the same
// order; what a row lacks is null in JSON and nothing in CSV.
#ifndef SIMDROP_TOOL_BENCH_ROW_WRITER_H
#define SIMDROP_TOOL_BENCH_ROW_WRITER_H

#include "shared/json.h"

// Median, and the range that holds the middle 80 % of the rounds.
typedef struct row_spread {
  double median, low, high;
} row_spread;

typedef struct row_writer {
  json_writer *json;  // inside an array; NULL if no JSON is wanted
  FILE *csv;          // NULL if no CSV is wanted
  FILE *csv_header;   // takes the first row's keys
  bool has_header;
  bool line_begins;
} row_writer;

void row_begin(row_writer *row);
void row_end(row_writer *row);

void row_write_text(row_writer *row, const char *key, const char *text);  // NULL: there is none
void row_write_integer(row_writer *row, const char *key, uint64_t value);
void row_write_number(row_writer *row, const char *key, double value);  // there is none if it is not finite

// An object of median, p10 and p90 in JSON, the columns key, key_p10 and key_p90 in CSV; all of them divided.
void row_write_spread(row_writer *row, const char *key, const row_spread *spread, double divisor);

#endif

// CSV as RFC 4180 has it, with lines that end as this system's do.
#include "bench/row_writer.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static void write_quoted(FILE *file, const char *text) {
  const bool quoted = strpbrk(text, "\",\n\r") != NULL;
  if (quoted) fputc('"', file);
  for (; *text != '\0'; ++text) {
    if (*text == '"') fputc('"', file);
    fputc(*text, file);
  }
  if (quoted) fputc('"', file);
}

static void write_field(row_writer *row, const char *key, const char *ending, const char *text) {
  if (row->csv == NULL) return;
  if (!row->line_begins) fputc(',', row->csv);
  write_quoted(row->csv, text);
  if (!row->has_header) fprintf(row->csv_header, "%s%s%s", row->line_begins ? "" : ",", key, ending);
  row->line_begins = false;
}

static void write_number_field(row_writer *row, const char *key, const char *ending, double value) {
  char digits[JSON_NUMBER_SIZE];
  write_field(row, key, ending, isfinite(value) ? json_format_number(value, digits) : "");
}

void row_begin(row_writer *row) {
  if (row->json != NULL) json_open_object(row->json, NULL);
  row->line_begins = true;
}

void row_end(row_writer *row) {
  if (row->json != NULL) json_close_object(row->json);
  if (row->csv == NULL) return;
  fputc('\n', row->csv);
  if (!row->has_header) fputc('\n', row->csv_header);
  row->has_header = true;
}

void row_write_text(row_writer *row, const char *key, const char *text) {
  if (row->json != NULL) {
    if (text != NULL) {
      json_text(row->json, key, text);
    } else {
      json_null(row->json, key);
    }
  }
  write_field(row, key, "", text != NULL ? text : "");
}

void row_write_integer(row_writer *row, const char *key, uint64_t value) {
  char digits[24];
  snprintf(digits, sizeof digits, "%" PRIu64, value);
  if (row->json != NULL) json_integer(row->json, key, value);
  write_field(row, key, "", digits);
}

void row_write_number(row_writer *row, const char *key, double value) {
  if (row->json != NULL) json_number(row->json, key, value);
  write_number_field(row, key, "", value);
}

static void write_spread_object(json_writer *json, const char *key, const row_spread *spread, double divisor) {
  if (!isfinite(spread->median)) {
    json_null(json, key);
    return;
  }
  json_open_object(json, key);
  json_number(json, "median", spread->median / divisor);
  json_number(json, "p10", spread->low / divisor);
  json_number(json, "p90", spread->high / divisor);
  json_close_object(json);
}

void row_write_spread(row_writer *row, const char *key, const row_spread *spread, double divisor) {
  if (row->json != NULL) write_spread_object(row->json, key, spread, divisor);
  write_number_field(row, key, "", spread->median / divisor);
  write_number_field(row, key, "_p10", spread->low / divisor);
  write_number_field(row, key, "_p90", spread->high / divisor);
}

// The JSON writer.
#include "shared/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "shared/utf8.h"

static void write_string(json_writer *json, const char *text) {
  fputc('"', json->file);
  while (*text != '\0') {
    const size_t length = utf8_length(text, UTF8_SIZE_MAX);
    const unsigned char first = (unsigned char)*text;
    if (first == '"' || first == '\\') {
      fprintf(json->file, "\\%c", first);
    } else if (first < 0x20 || length == 0) {
      fprintf(json->file, "\\u%04x", first);
    } else {
      fwrite(text, 1, length, json->file);
    }
    text += length > 0 ? length : 1;
  }
  fputc('"', json->file);
}

static void begin_value(json_writer *json, const char *key) {
  fprintf(json->file, "%s\n%*s", json->empty ? "" : ",", 2 * json->depth, "");
  json->empty = false;
  if (key != NULL) {
    write_string(json, key);
    fputs(": ", json->file);
  }
}

static void open_group(json_writer *json, const char *key, char bracket) {
  begin_value(json, key);
  fputc(bracket, json->file);
  ++json->depth;
  json->empty = true;
}

static void close_group(json_writer *json, char bracket) {
  --json->depth;
  if (!json->empty) fprintf(json->file, "\n%*s", 2 * json->depth, "");
  fputc(bracket, json->file);
  json->empty = false;
}

json_writer json_begin(FILE *file) {
  fputc('{', file);
  return (json_writer){file, 1, true};
}

void json_end(json_writer *json) {
  close_group(json, '}');
  fputc('\n', json->file);
}

void json_open_object(json_writer *json, const char *key) { open_group(json, key, '{'); }
void json_close_object(json_writer *json) { close_group(json, '}'); }
void json_open_array(json_writer *json, const char *key) { open_group(json, key, '['); }
void json_close_array(json_writer *json) { close_group(json, ']'); }

void json_text(json_writer *json, const char *key, const char *text) {
  begin_value(json, key);
  if (text == NULL) {
    fputs("null", json->file);
  } else {
    write_string(json, text);
  }
}

void json_boolean(json_writer *json, const char *key, bool value) {
  begin_value(json, key);
  fputs(value ? "true" : "false", json->file);
}

void json_integer(json_writer *json, const char *key, uint64_t value) {
  begin_value(json, key);
  fprintf(json->file, "%" PRIu64, value);
}

const char *json_format_number(double value, char digits[JSON_NUMBER_SIZE]) {
  for (int precision = 6; precision <= 17; ++precision) {
    snprintf(digits, JSON_NUMBER_SIZE, "%.*g", precision, value);
    if (strtod(digits, NULL) == value) break;
  }
  return digits;
}

void json_number(json_writer *json, const char *key, double value) {
  char digits[JSON_NUMBER_SIZE];
  begin_value(json, key);
  fputs(isfinite(value) ? json_format_number(value, digits) : "null", json->file);
}

void json_null(json_writer *json, const char *key) {
  begin_value(json, key);
  fputs("null", json->file);
}

// JSON text, value by value: commas, indentation and escapes in one place.
#ifndef SIMDROP_TOOL_SHARED_JSON_H
#define SIMDROP_TOOL_SHARED_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct json_writer {
  FILE *file;
  int depth;
  bool empty;  // nothing yet in the innermost object or array
} json_writer;

json_writer json_begin(FILE *file);  // opens the outermost object
void json_end(json_writer *json);    // closes it

// key is NULL inside arrays. Texts in UTF-8 are written as they are. A byte that is no part of UTF-8 becomes the escape of the
// character with its number, as if it were Latin-1: every parser takes that, and many refuse lone surrogates.
void json_open_object(json_writer *json, const char *key);
void json_close_object(json_writer *json);
void json_open_array(json_writer *json, const char *key);
void json_close_array(json_writer *json);
void json_text(json_writer *json, const char *key, const char *text);
void json_boolean(json_writer *json, const char *key, bool value);
void json_integer(json_writer *json, const char *key, uint64_t value);
void json_number(json_writer *json, const char *key, double value);  // null if not finite
void json_null(json_writer *json, const char *key);

#define JSON_NUMBER_SIZE 40

// The shortest decimal number that reads back equal; returns digits.
const char *json_format_number(double value, char digits[JSON_NUMBER_SIZE]);

#endif

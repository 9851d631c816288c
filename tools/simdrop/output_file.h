// Output that is there whole or not at all: written to a temporary file in the same folder, renamed at the end, removed on
// any error and on SIGINT, SIGTERM and SIGHUP. Pipes, devices and standard output are written directly.
#ifndef SIMDROP_TOOL_OUTPUT_FILE_H
#define SIMDROP_TOOL_OUTPUT_FILE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct output_file {
  const char *name;  // as the user gave it
  char *target;      // where symbolic links lead; NULL for standard output
  int temporary;     // which temporary file, or -1 if written directly
  int descriptor;
  bool reader_gone;  // a write failed because nobody reads the pipe any more: no reason to complain
} output_file;

#define OUTPUT_FILE_CLOSED \
  { NULL, NULL, -1, -1, false }

// True if the name means standard output: "-", /dev/stdout and its synonyms.
bool output_is_stdout(const char *name);

// True if the two names lead to the same regular file, or would once both are written; or both to standard output.
bool output_same_file(const char *a, const char *b);

// Each returns false after printing the sentence (except with reader_gone), and then output_discard is due.
bool output_open(output_file *output, const char *name);
bool output_write(output_file *output, const void *data, size_t size);
bool output_commit(output_file *output);

// Closes and removes what has not been committed; does nothing on a committed or closed output.
void output_discard(output_file *output);

// All of it in one go: true if it is written, or nobody reads the pipe any more; false after printing the sentence.
bool output_save(const char *name, const void *data, size_t size);

#endif

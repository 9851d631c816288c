// Reading files, pipes, and descriptors that the caller opened: those from where they stand.
#ifndef SIMDROP_TOOL_SHARED_INPUT_H
#define SIMDROP_TOOL_SHARED_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

// True if the name means standard input: "-", /dev/stdin and its synonyms.
bool input_is_stdin(const char *name);

// True if both names lead to one descriptor, of which each byte can be read only once.
bool input_same_descriptor(const char *a, const char *b);

// The name for messages.
const char *input_label(const char *name);

// A descriptor to read from, or -1 after printing the sentence.
int input_open(const char *name);
void input_close(int descriptor);

// True if this is a regular file that is open for reading here.
bool input_reads(const struct stat *file);

// Reads size bytes, fewer only at the end of the file; -1 after printing the sentence.
ptrdiff_t input_read(int descriptor, const char *name, void *data, size_t size);

// How many bytes are still to come, or -1 if that cannot be known before reading (a pipe, a device).
int64_t input_bytes_left(int descriptor);

#endif

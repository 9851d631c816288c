// Output that is there whole or not at all: written to a temporary file in the same folder, renamed at the end, removed on
// any error and by any signal that ends the process. The new file keeps what the replaced one had of owner, permissions and
// extended attributes. Pipes and devices are written directly, and so are descriptors that the caller opened, from where they
// stand; a file that cannot be replaced but can be written (a mount point, a folder without write permission) is written in
// place, after a note.
#ifndef SIMDROP_TOOL_SHARED_OUTPUT_FILE_H
#define SIMDROP_TOOL_SHARED_OUTPUT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct output_file {
  const char *name;  // as the user gave it
  char *target;      // the file's path; NULL for a descriptor of the caller's
  int temporary;     // which temporary file, or -1 if written directly
  bool to_truncate;  // written in place, and the old content is still there
  int obstacle;      // errno of what keeps it from being replaced
  bool was_there;    // when it was opened, a file with the permissions `mode`
  mode_t mode;
  int descriptor;
  bool reader_gone;  // a write failed because nobody reads the pipe any more: no reason to complain
} output_file;

#define OUTPUT_FILE_CLOSED .temporary = -1, .descriptor = -1

// The descriptor of the caller's that the name means: that of standard output for "-"; /dev/fd/N, its synonyms, and links to
// them; -1 if it is none.
int output_descriptor(const char *name);
bool output_is_stdout(const char *name);

// True if the two names lead to the same file, pipe, socket or descriptor, or would once both are written. Devices may be
// shared.
bool output_same_file(const char *a, const char *b);

// Each returns false after printing the sentence (except with reader_gone), and then output_discard is due.
bool output_open(output_file *output, const char *name);
bool output_write(output_file *output, const void *data, size_t size);
bool output_commit(output_file *output);

// Closes and removes what has not been committed; does nothing on a committed or closed output.
void output_discard(output_file *output);

// All of it in one go: true if it is written, or nobody reads the pipe any more; false after printing the sentence.
bool output_save(output_file *output, const void *data, size_t size);

#endif

// A progress bar on stderr, for people: only on a terminal, and only once the work has taken longer than a second.
#ifndef SIMDROP_TOOL_SHARED_PROGRESS_H
#define SIMDROP_TOOL_SHARED_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct progress {
  const char *label;
  uint64_t total;
  double start, last;  // seconds
  bool terminal, shown;
} progress;

// With a total of 0 nothing is shown.
void progress_begin(progress *bar, const char *label, uint64_t total);
void progress_update(progress *bar, uint64_t done);
// Wipes the bar, so that what is printed next begins on a clean line.
void progress_end(progress *bar);

#endif

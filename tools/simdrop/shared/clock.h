// Wall-clock time that no adjustment of the date disturbs.
#ifndef SIMDROP_TOOL_SHARED_CLOCK_H
#define SIMDROP_TOOL_SHARED_CLOCK_H

#include <time.h>

// Seconds since some fixed moment.
static inline double clock_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

// Seconds that processors have spent on this process, all its threads together.
static inline double clock_processor_seconds(void) {
  struct timespec spent;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
  return (double)spent.tv_sec + 1e-9 * (double)spent.tv_nsec;
}

#endif

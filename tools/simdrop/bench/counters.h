// The processor's own counts of cycles and instructions, where the system and the machine let a program read them.
#ifndef SIMDROP_TOOL_BENCH_COUNTERS_H
#define SIMDROP_TOOL_BENCH_COUNTERS_H

#include <stdbool.h>

typedef struct bench_counters {
  int cycles, instructions;  // descriptors, or -1
  char reason[96];           // why they cannot be read
} bench_counters;

// True if this thread's cycles and instructions in user code can be counted; otherwise the reason is filled in.
bool bench_counters_open(bench_counters *counters);
void bench_counters_close(bench_counters *counters);

// Counting begins at zero after a reset, and goes on between start and stop.
void bench_counters_reset(const bench_counters *counters);
void bench_counters_start(const bench_counters *counters);
void bench_counters_stop(const bench_counters *counters);

// False if nothing was counted: the counters may be in use elsewhere.
bool bench_counters_read(const bench_counters *counters, double *cycles, double *instructions);

#endif

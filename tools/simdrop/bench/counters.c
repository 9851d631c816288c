// Linux's perf_event_open; elsewhere nothing is counted.
#include "bench/counters.h"

#include <stdio.h>

#if defined(__linux__) && __has_include(<linux/perf_event.h>)  // a C library may come without the kernel's headers

#include <errno.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// What the kernel gives to read for the two of the group.
typedef struct group_counts {
  uint64_t count, values[2];
} group_counts;

static int open_counter(uint64_t what, int leader) {
  struct perf_event_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.type = PERF_TYPE_HARDWARE;
  attributes.size = sizeof attributes;
  attributes.config = what;
  attributes.read_format = PERF_FORMAT_GROUP;
  attributes.disabled = leader < 0;  // the other goes with its leader
  attributes.pinned = leader < 0;    // all of the time or not at all, so that nothing is extrapolated
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  return (int)syscall(SYS_perf_event_open, &attributes, 0, -1, leader, (unsigned long)PERF_FLAG_FD_CLOEXEC);
}

bool bench_counters_open(bench_counters *counters) {
  *counters = (bench_counters){.cycles = open_counter(PERF_COUNT_HW_CPU_CYCLES, -1), .instructions = -1};
  if (counters->cycles >= 0) counters->instructions = open_counter(PERF_COUNT_HW_INSTRUCTIONS, counters->cycles);
  if (counters->instructions >= 0) return true;
  snprintf(counters->reason, sizeof counters->reason, "perf_event_open: %s", strerror(errno));
  bench_counters_close(counters);
  return false;
}

void bench_counters_close(bench_counters *counters) {
  if (counters->instructions >= 0) close(counters->instructions);
  if (counters->cycles >= 0) close(counters->cycles);
  counters->cycles = counters->instructions = -1;
}

static void control(const bench_counters *counters, unsigned long request) {
  if (counters->cycles >= 0) ioctl(counters->cycles, request, PERF_IOC_FLAG_GROUP);
}

void bench_counters_reset(const bench_counters *counters) { control(counters, PERF_EVENT_IOC_RESET); }
void bench_counters_start(const bench_counters *counters) { control(counters, PERF_EVENT_IOC_ENABLE); }
void bench_counters_stop(const bench_counters *counters) { control(counters, PERF_EVENT_IOC_DISABLE); }

bool bench_counters_read(const bench_counters *counters, double *cycles, double *instructions) {
  group_counts counts;
  if (counters->cycles < 0 || read(counters->cycles, &counts, sizeof counts) != (ssize_t)sizeof counts) return false;
  if (counts.values[0] == 0) return false;
  *cycles = (double)counts.values[0];
  *instructions = (double)counts.values[1];
  return true;
}

#else

bool bench_counters_open(bench_counters *counters) {
  *counters = (bench_counters){.cycles = -1, .instructions = -1};
  snprintf(counters->reason, sizeof counters->reason, "not Linux");
  return false;
}

void bench_counters_close(bench_counters *counters) { (void)counters; }
void bench_counters_reset(const bench_counters *counters) { (void)counters; }
void bench_counters_start(const bench_counters *counters) { (void)counters; }
void bench_counters_stop(const bench_counters *counters) { (void)counters; }

bool bench_counters_read(const bench_counters *counters, double *cycles, double *instructions) {
  (void)counters;
  (void)cycles;
  (void)instructions;
  return false;
}

#endif

// What the machine is, for people: the processor's name, the instruction sets that matter here, the sizes of its caches.
// The library does its own, stricter detection; nothing here decides what runs.
#ifndef SIMDROP_TOOL_SHARED_CPU_INFO_H
#define SIMDROP_TOOL_SHARED_CPU_INFO_H

#include <stdint.h>

typedef struct cpu_info {
  char brand[128];
  char features[256];       // with spaces between
  uint64_t cache_bytes[3];  // L1 data, L2, L3; 0 = none, or unknown
  uint64_t memory_bytes;    // physical memory; 0 = unknown
  long processors;          // online
} cpu_info;

cpu_info cpu_info_read(void);

// The innermost level that holds so many bytes: "L1", "L2", "L3" or "DRAM".
const char *cpu_info_level(const cpu_info *cpu, uint64_t bytes);

#endif

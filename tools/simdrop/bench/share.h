// What bounds a kernel on this machine: which references tell, and how far from the bound it is.
#ifndef SIMDROP_TOOL_BENCH_SHARE_H
#define SIMDROP_TOOL_BENCH_SHARE_H

#include "bench/measure.h"
#include "shared/cpu_info.h"

// The places of the references in bench_measure.
typedef enum bench_reference {
  BENCH_REFERENCE_COPY,
  BENCH_REFERENCE_SCALE,
  BENCH_REFERENCE_QUICKEST,        // the case's way, if it is not memcpy
  BENCH_REFERENCE_SCALE_IN_PLACE,  // for kernels whose output is their input
  BENCH_REFERENCE_DROPOUT          // simdrop_forward, for the fused functions
} bench_reference;

typedef struct bench_limit {
  const char *name;      // NULL if no limit is known,
  const char *reason;    // and then why
  double nanoseconds;    // of one call, at best
  double planes;         // that a block of the mask needs on average; NaN if none is drawn
  size_t lanes;          // products in a multiplication of the backend's; 0: not known, or nothing is drawn
  double multiply_rate;  // multiplications of so many lanes in a nanosecond, on all the threads of the call together
} bench_limit;

// The innermost level that holds so many bytes, if each of so many cores takes an even part of them to its own caches.
const char *bench_level(const cpu_info *cpu, uint64_t bytes, size_t pieces);

// What the kernel takes turns with.
void bench_choose_references(const bench_kernel *kernel, const bench_case *c, bench_run *references[BENCH_MOST_REFERENCES]);

// The one that moved the same elements in the quickest way.
bench_reference bench_quickest_reference(const bench_case *c);

// The limit of a library's kernel is that of the backend at hand. Measures multiplications, once for each kind.
bench_limit bench_find_limit(const cpu_info *cpu, const bench_kernel *kernel, const bench_case *c, const bench_result *result);

#endif

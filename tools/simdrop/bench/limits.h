// What the machine allows at best: how fast it multiplies, and how much a mask's definition makes it multiply.
// docs/measurements.md, "What the limit is", has the model.
#ifndef SIMDROP_TOOL_BENCH_LIMITS_H
#define SIMDROP_TOOL_BENCH_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#define BENCH_PLANES 32  // random bits of an element, one a plane

// The number that 32 random bits are compared with: an element is dropped if its own is below. From 0 to 2^32.
uint64_t bench_threshold(double p);

// How many bit planes a block of 128 elements takes on average until every element is decided, for a threshold from 0 to 2^32.
double bench_expected_planes(uint64_t threshold);

// Multiplications of 32 x 32 to 64 bits that an element takes at least, for so many planes a block.
double bench_products_per_element(double planes);

// A multiplication of an instruction set, as a backend uses it.
typedef struct bench_multiplier {
  const char *backend_ending;        // backends whose names end so use it
  size_t lanes;                      // products of 32 x 32 to 64 bits in one
  void (*multiply)(uint64_t steps);  // BENCH_CHAINS multiplications a step; NULL if it is not known how fast they are
} bench_multiplier;

#define BENCH_CHAINS 12  // results that do not wait for one another: more than latency times throughput, fewer than registers

// NULL if nothing is known of this backend's multiplication.
const bench_multiplier *bench_multiplier_of(const char *backend);

// Multiplications in a nanosecond, on one thread.
double bench_multiplier_rate(const bench_multiplier *multiplier);

#endif

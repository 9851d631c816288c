// From the probability p to the threshold T and the scale s (docs/numerics.md).
#ifndef SIMDROP_ENGINE_PARAMETERS_H
#define SIMDROP_ENGINE_PARAMETERS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/strict_arithmetic.h"

#define SIMDROP_CERTAIN (UINT64_C(1) << 32)  // the threshold under which every U(index) lies

// Whether all elements are kept, or all dropped, so that nothing has to be drawn.
static inline bool simdrop_are_alike(uint64_t threshold) { return threshold == 0 || threshold == SIMDROP_CERTAIN; }

// False for NaN too.
static inline bool simdrop_is_probability(double p) { return p >= 0 && p <= 1; }

// T: 2^32 when p = 1, otherwise round_half_even(p * 2^32) and at most 2^32 - 1.
static inline uint64_t simdrop_threshold(double p) {
  if (p >= 1) return SIMDROP_CERTAIN;
  const double scaled = p * 0x1p32;  // exact: a power of two
  uint64_t threshold = (uint64_t)scaled;
  // Rounded by hand: the library's rounding functions follow the caller's rounding mode.
  const double remainder = scaled - (double)threshold;  // exact
  if (remainder > 0.5 || (remainder == 0.5 && (threshold & 1))) ++threshold;
  return threshold < SIMDROP_CERTAIN ? threshold : SIMDROP_CERTAIN - 1;
}

// s = 2^32 / (2^32 - T), 0 when T = 2^32.
static inline double simdrop_scale_of_threshold(uint64_t threshold) {
  return threshold == SIMDROP_CERTAIN ? 0 : 0x1p32 / (double)(SIMDROP_CERTAIN - threshold);
}

// Whether no product of a bfloat16 with the scale, as floats, is half-way between two bfloat16. Only true is an answer; a look
// at all significands finds it more often than the quick one.
bool simdrop_never_ties(float scale, bool thorough);

#endif

// From the probability p to the threshold T and the scale s (docs/numerics.md).
#ifndef SIMDROP_ENGINE_PARAMETERS_H
#define SIMDROP_ENGINE_PARAMETERS_H

#include <float.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/strict_arithmetic.h"

#define SIMDROP_CERTAIN (UINT64_C(1) << 32)  // the threshold under which every U(index) lies

// Whether all elements are kept, or all dropped, so that nothing has to be drawn.
static inline bool simdrop_are_alike(uint64_t threshold) { return threshold == 0 || threshold == SIMDROP_CERTAIN; }

// False for NaN too.
static inline bool simdrop_is_probability(double p) { return p >= 0 && p <= 1; }

// What elements may be multiplied by: nothing that has a sign, or overflows to infinity in binary32.
static inline bool simdrop_is_scale(double scale) { return scale >= 0 && scale <= FLT_MAX; }

// T: 2^32 when p = 1, otherwise round_half_even(p * 2^32) and at most 2^32 - 1.
static inline uint64_t simdrop_threshold(double p) {
  if (p >= 1) return SIMDROP_CERTAIN;
  const double scaled = p * 0x1p32;  // exact: a power of two
  // Of 32 bits, for which all processors have instructions: libgcc's function for 64 raises "inexact" on 32-bit Arm.
  uint64_t threshold = (uint32_t)scaled;
  // Rounded by hand: the library's rounding functions follow the caller's rounding mode.
  const double remainder = scaled - (double)(int64_t)threshold;  // exact
  if (remainder > 0.5 || (remainder == 0.5 && (threshold & 1))) ++threshold;
  return threshold < SIMDROP_CERTAIN ? threshold : SIMDROP_CERTAIN - 1;
}

// s = 2^32 / (2^32 - T), 0 when T = 2^32.
static inline double simdrop_scale_of_threshold(uint64_t threshold) {
  return threshold == SIMDROP_CERTAIN ? 0 : 0x1p32 / (double)(int64_t)(SIMDROP_CERTAIN - threshold);
}

// Of alpha dropout: kept elements become x * scale + addend, dropped ones `dropped`. T is less than 2^32.
typedef struct simdrop_alpha {
  double scale, addend, dropped;
} simdrop_alpha;
simdrop_alpha simdrop_alpha_of_threshold(uint64_t threshold);

// Of Gaussian dropout: the standard deviation of what elements are multiplied by. T is less than 2^32.
double simdrop_sigma_of_threshold(uint64_t threshold);

// Whether no product of a bfloat16 with the scale, as floats, is half-way between two bfloat16. Only true is an answer; a look
// at all significands finds it more often than the quick one.
bool simdrop_never_ties(float scale, bool thorough);

#endif

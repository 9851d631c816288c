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
bool simdrop_is_probability(double p);

// T: 2^32 when p = 1, otherwise round_half_even(p * 2^32) and at most 2^32 - 1.
uint64_t simdrop_threshold(double p);

// s = 2^32 / (2^32 - T), 0 when T = 2^32.
double simdrop_scale_of_threshold(uint64_t threshold);

// Whether no product of a bfloat16 with the scale, as floats, is half-way between two bfloat16. Only true is an answer; a look
// at all significands finds it more often than the quick one.
bool simdrop_never_ties(float scale, bool thorough);

#endif

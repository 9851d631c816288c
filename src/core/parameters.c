// From the probability p to the threshold T and the scale s.
#include "core/parameters.h"

bool simdrop_is_probability(double p) { return p >= 0 && p <= 1; }

uint64_t simdrop_threshold(double p) {
  if (p >= 1) return SIMDROP_CERTAIN;
  const double scaled = p * 0x1p32;  // exact: a power of two
  uint64_t threshold = (uint64_t)scaled;
  // Rounded by hand: the library's rounding functions follow the caller's rounding mode.
  const double remainder = scaled - (double)threshold;  // exact
  if (remainder > 0.5 || (remainder == 0.5 && (threshold & 1))) ++threshold;
  return threshold < SIMDROP_CERTAIN ? threshold : SIMDROP_CERTAIN - 1;
}

double simdrop_scale_of_threshold(uint64_t threshold) {
  return threshold == SIMDROP_CERTAIN ? 0 : 0x1p32 / (double)(SIMDROP_CERTAIN - threshold);
}

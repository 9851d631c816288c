// From the probability p to the threshold T and the scale s.
#include "engine/parameters.h"

#include <math.h>

#include "common/float16.h"

// What SELU tends to for very negative inputs is -alpha: its alpha times its scale (Klambauer et al. 2017).
#define SELU_LIMIT 1.7580993408473766

simdrop_alpha simdrop_alpha_of_threshold(uint64_t threshold) {
  const double p = (double)threshold * 0x1p-32;  // exact, and so is 1 - p
  const double scale = 1 / sqrt((SELU_LIMIT * SELU_LIMIT * p + 1) * (1 - p));
  const double addend = SELU_LIMIT * scale * p;
  return (simdrop_alpha){scale, addend, addend - SELU_LIMIT * scale};
}

double simdrop_sigma_of_threshold(uint64_t threshold) {
  return sqrt((double)threshold / (double)(SIMDROP_CERTAIN - threshold));
}

// Whether a multiple of the significand from the first to the last is half-way between two multiples of `unit`, a power of two,
// or so near that the float may be: its last digit is worth unit / 2^16, and it is off by less than that, wherever the caller
// has it rounded to.
static bool has_tie(uint32_t significand, uint32_t first, uint32_t last, uint32_t unit) {
  const uint32_t margin = unit >> 16;
  uint32_t distance = first * significand + unit / 2 + margin;  // in its lower bits: from a margin below half a unit
  uint32_t ties = 0;
  for (uint32_t k = first; k <= last; ++k, distance += significand) ties |= (distance & (unit - 1)) <= 2 * margin;
  return ties != 0;
}

// What is multiplied are bfloat16's significands, 128 to 255, and one of 24 bits. The product has 31 or 32 bits, of which 24
// stay in the float and 8 in the result. Subnormal bfloat16, 1 to 127 times 2^-133, do the same, unless the product with a
// scale of 2^exponent and more is subnormal too: then a unit of the result is 2^(23 - exponent).
bool simdrop_never_ties(float scale, bool thorough) {
  if (!(scale >= 1)) return false;
  const uint32_t bits = simdrop_bits_from_float(scale), exponent = (bits >> 23) - 127;
  const uint32_t significand = (bits & UINT32_C(0x7fffff)) | UINT32_C(0x800000);
  if (significand == UINT32_C(0x800000)) return true;  // a power of two: products are bfloat16 themselves
  if (!thorough) return false;
  const uint32_t last_of_31_bits = UINT32_C(0x7fffffff) / significand;
  if (has_tie(significand, 128, last_of_31_bits, UINT32_C(1) << 23)) return false;
  if (has_tie(significand, last_of_31_bits + 1, 255, UINT32_C(1) << 24)) return false;
  if (exponent > 6) return true;  // no product is subnormal
  const uint32_t last_subnormal = ((UINT32_C(1) << (30 - exponent)) - 1) / significand;
  return !has_tie(significand, 1, last_subnormal, UINT32_C(1) << (23 - exponent));
}

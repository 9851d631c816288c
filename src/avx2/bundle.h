// The AVX2 backend's name, and the bundle that its files are compiled for: AVX2 with the half-precision conversions (Haswell,
// Excavator and later).
#ifndef SIMDROP_AVX2_BUNDLE_H
#define SIMDROP_AVX2_BUNDLE_H

#define SIMDROP_BACKEND avx2

#include "common/compiled_features.h"
#include "common/kernel_table.h"

#define SIMDROP_BUNDLE                                                                                                         \
  (SIMDROP_CPU(SSE3) | SIMDROP_CPU(SSSE3) | SIMDROP_CPU(SSE41) | SIMDROP_CPU(SSE42) | SIMDROP_CPU(POPCNT) | SIMDROP_CPU(AVX) | \
   SIMDROP_CPU(F16C) | SIMDROP_CPU(AVX2) | SIMDROP_CPU(AVX_STATE))

SIMDROP_REQUIRE_COMPILED_FOR(SIMDROP_BUNDLE);
SIMDROP_DECLARE_KERNELS;

#endif

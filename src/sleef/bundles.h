// What the files of SLEEF's sets of instructions are compiled for. It is what SLEEF itself is compiled for, or more.
#ifndef SIMDROP_SLEEF_BUNDLES_H
#define SIMDROP_SLEEF_BUNDLES_H

#include "common/cpu_features.h"

#define SIMDROP_SLEEF_BUNDLE_avx512f                                                                                           \
  (SIMDROP_CPU(SSE3) | SIMDROP_CPU(SSSE3) | SIMDROP_CPU(SSE41) | SIMDROP_CPU(SSE42) | SIMDROP_CPU(POPCNT) | SIMDROP_CPU(AVX) | \
   SIMDROP_CPU(F16C) | SIMDROP_CPU(FMA) | SIMDROP_CPU(AVX2) | SIMDROP_CPU(AVX_STATE) | SIMDROP_CPU(AVX512F) |                  \
   SIMDROP_CPU(AVX512DQ) | SIMDROP_CPU(AVX512BW) | SIMDROP_CPU(AVX512VL) | SIMDROP_CPU(AVX512_STATE))
#define SIMDROP_SLEEF_BUNDLE_avx2                                                                                              \
  (SIMDROP_CPU(SSE3) | SIMDROP_CPU(SSSE3) | SIMDROP_CPU(SSE41) | SIMDROP_CPU(SSE42) | SIMDROP_CPU(POPCNT) | SIMDROP_CPU(AVX) | \
   SIMDROP_CPU(F16C) | SIMDROP_CPU(FMA) | SIMDROP_CPU(AVX2) | SIMDROP_CPU(AVX_STATE))
#define SIMDROP_SLEEF_BUNDLE_purecfma                                                                                          \
  (SIMDROP_CPU(SSE3) | SIMDROP_CPU(SSSE3) | SIMDROP_CPU(SSE41) | SIMDROP_CPU(SSE42) | SIMDROP_CPU(POPCNT) | SIMDROP_CPU(AVX) | \
   SIMDROP_CPU(FMA) | SIMDROP_CPU(AVX_STATE))
#define SIMDROP_SLEEF_BUNDLE_advsimd 0

#endif

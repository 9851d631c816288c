// The AVX-512 backend's name, and the bundle that its files are compiled for: the foundation with the byte/word,
// doubleword/quadword and vector-length extensions (Skylake-X, Zen 4 and later).
#ifndef SIMDROP_AVX512_BUNDLE_H
#define SIMDROP_AVX512_BUNDLE_H

#define SIMDROP_BACKEND avx512

#include "common/compiled_features.h"
#include "common/kernel_table.h"

#define SIMDROP_BUNDLE                                                                                                         \
  (SIMDROP_CPU(SSE3) | SIMDROP_CPU(SSSE3) | SIMDROP_CPU(SSE41) | SIMDROP_CPU(SSE42) | SIMDROP_CPU(POPCNT) | SIMDROP_CPU(AVX) | \
   SIMDROP_CPU(F16C) | SIMDROP_CPU(FMA) | SIMDROP_CPU(AVX2) | SIMDROP_CPU(AVX_STATE) | SIMDROP_CPU(AVX512F) |                  \
   SIMDROP_CPU(AVX512DQ) | SIMDROP_CPU(AVX512BW) | SIMDROP_CPU(AVX512VL) | SIMDROP_CPU(AVX512_STATE))

SIMDROP_REQUIRE_COMPILED_FOR(SIMDROP_BUNDLE);
SIMDROP_DECLARE_KERNELS;

#endif

// The AVX-512 backend's name, and the bundle that its files are compiled for: the foundation with the byte/word,
// doubleword/quadword and vector-length extensions (Skylake-X, Zen 4 and later).
#ifndef SIMDROP_AVX512_BUNDLE_H
#define SIMDROP_AVX512_BUNDLE_H

#define SIMDROP_BACKEND avx512

#include "common/kernel_table.h"

#define SIMDROP_BUNDLE                                                                                                         \
  (SIMDROP_CPU(SSE3) | SIMDROP_CPU(SSSE3) | SIMDROP_CPU(SSE41) | SIMDROP_CPU(SSE42) | SIMDROP_CPU(POPCNT) | SIMDROP_CPU(AVX) | \
   SIMDROP_CPU(F16C) | SIMDROP_CPU(FMA) | SIMDROP_CPU(AVX2) | SIMDROP_CPU(AVX_STATE) | SIMDROP_CPU(AVX512F) |                  \
   SIMDROP_CPU(AVX512DQ) | SIMDROP_CPU(AVX512BW) | SIMDROP_CPU(AVX512VL) | SIMDROP_CPU(AVX512_STATE))

#if !defined(__AVX512F__) || !defined(__AVX512DQ__) || !defined(__AVX512BW__) || !defined(__AVX512VL__)
#error "compile the AVX-512 backend with the flags in cmake/backends.cmake"
#endif
#if defined(__AVX512CD__) || defined(__AVX512VBMI__) || defined(__AVX512VNNI__) || defined(__BMI2__) || defined(__LZCNT__)
#error "the AVX-512 backend is compiled for more than its bundle requires of the machine"
#endif

SIMDROP_DECLARE_KERNELS;

#endif

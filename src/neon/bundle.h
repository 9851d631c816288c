// The NEON backend's name, and the bundle that its files are compiled for: the base architecture of aarch64, which has Advanced
// SIMD with the half-precision conversions.
#ifndef SIMDROP_NEON_BUNDLE_H
#define SIMDROP_NEON_BUNDLE_H

#define SIMDROP_BACKEND neon

#include "common/kernel_table.h"

#define SIMDROP_BUNDLE 0

#if !defined(__aarch64__) || !defined(__ARM_NEON) || defined(__AARCH64EB__)
#error "the NEON backend is for little-endian aarch64"
#endif
#if defined(__ARM_FEATURE_SHA3) || defined(__ARM_FEATURE_SVE) || defined(__ARM_FEATURE_FP16_VECTOR_ARITHMETIC)
#error "the NEON backend is compiled for more than its bundle requires of the machine"
#endif

SIMDROP_DECLARE_KERNELS;

#endif

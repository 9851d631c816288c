// The NEON backend's name, and the bundle that its files are compiled for: the base architecture of aarch64, which has Advanced
// SIMD with the half-precision conversions.
#ifndef SIMDROP_NEON_BUNDLE_H
#define SIMDROP_NEON_BUNDLE_H

#define SIMDROP_BACKEND neon

#include "common/compiled_features.h"
#include "common/kernel_table.h"

#define SIMDROP_BUNDLE 0

#if !defined(__aarch64__) || !defined(__ARM_NEON) || defined(__AARCH64EB__)
#error "the NEON backend is for little-endian aarch64"
#endif
SIMDROP_REQUIRE_COMPILED_FOR(SIMDROP_BUNDLE);
SIMDROP_DECLARE_KERNELS;

#endif

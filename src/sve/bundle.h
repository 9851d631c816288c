// The SVE backend's name, and the bundle that its files are compiled for: SVE, without SVE2 and any other of its extensions,
// and the half-precision arithmetic that comes with it (no kernel uses that), for vectors of any length that is a power of two:
// Arm has withdrawn the others (which emulators still have), and compilers, such as clang 19, count on that.
#ifndef SIMDROP_SVE_BUNDLE_H
#define SIMDROP_SVE_BUNDLE_H

#define SIMDROP_BACKEND sve

#include "common/compiled_features.h"
#include "common/kernel_table.h"

#define SIMDROP_BUNDLE (SIMDROP_CPU(FPHP) | SIMDROP_CPU(ASIMDHP) | SIMDROP_CPU(SVE) | SIMDROP_CPU(SVE_POWER_OF_TWO))

#if !defined(__aarch64__) || defined(__AARCH64EB__)
#error "the SVE backend is for little-endian aarch64"
#endif
#if defined(__ARM_FEATURE_SVE_BITS) && __ARM_FEATURE_SVE_BITS != 0
#error "the SVE backend is compiled without -msve-vector-bits: a thread's vectors may have another length"
#endif
SIMDROP_REQUIRE_COMPILED_FOR(SIMDROP_BUNDLE);
SIMDROP_DECLARE_KERNELS;

#endif

// The processors' features that backends can require, one bit each. A backend's bundle is the set that its files are compiled
// for.
#ifndef SIMDROP_COMMON_CPU_FEATURES_H
#define SIMDROP_COMMON_CPU_FEATURES_H

#include <stdint.h>

typedef uint32_t simdrop_cpu_features;

// One entry a feature: the name, and where CPUID says that the processor has it. The operating system's part (which
// registers it saves) is in the two *_STATE features, from XCR0. SVE_POWER_OF_TWO is about the length of SVE's vectors.
//  X(feature, leaf, register, bit)
#define SIMDROP_CPUID_FEATURE_LIST(X) \
  X(SSE3, 1, ecx, 0)                  \
  X(SSSE3, 1, ecx, 9)                 \
  X(FMA, 1, ecx, 12)                  \
  X(SSE41, 1, ecx, 19)                \
  X(SSE42, 1, ecx, 20)                \
  X(POPCNT, 1, ecx, 23)               \
  X(AVX, 1, ecx, 28)                  \
  X(F16C, 1, ecx, 29)                 \
  X(BMI1, 7, ebx, 3)                  \
  X(AVX2, 7, ebx, 5)                  \
  X(BMI2, 7, ebx, 8)                  \
  X(AVX512F, 7, ebx, 16)              \
  X(AVX512DQ, 7, ebx, 17)             \
  X(AVX512CD, 7, ebx, 28)             \
  X(AVX512BW, 7, ebx, 30)             \
  X(AVX512VL, 7, ebx, 31)

// On aarch64: the name, and the bit of the auxiliary vector's word AT_HWCAP or AT_HWCAP2 by which Linux says that the processor
// has it and that its registers are saved.
//  X(feature, word, bit)
#define SIMDROP_HWCAP_FEATURE_LIST(X) \
  X(AES, 0, 3)                        \
  X(PMULL, 0, 4)                      \
  X(SHA1, 0, 5)                       \
  X(SHA2, 0, 6)                       \
  X(FPHP, 0, 9)                       \
  X(ASIMDHP, 0, 10)                   \
  X(SVE, 0, 22)                       \
  X(SVE2, 1, 1)                       \
  X(SVE_AES, 1, 2)                    \
  X(SVE_PMULL, 1, 3)

// On RISC-V, version 1.0 of the vector extension V: AT_HWCAP has a bit for each letter, but some kernels set that of V for the
// draft 0.7.1 as well, so that vtype is looked at, too.

enum {
#define SIMDROP_CPU_BIT(feature, leaf, reg, bit) SIMDROP_CPU_BIT_##feature,
  SIMDROP_CPUID_FEATURE_LIST(SIMDROP_CPU_BIT)
#undef SIMDROP_CPU_BIT
  SIMDROP_CPU_BIT_AVX_STATE,
  SIMDROP_CPU_BIT_AVX512_STATE,
  SIMDROP_CPU_BIT_SVE_POWER_OF_TWO,
  SIMDROP_CPU_BIT_RVV,
#define SIMDROP_CPU_BIT(feature, word, bit) SIMDROP_CPU_BIT_##feature,
  SIMDROP_HWCAP_FEATURE_LIST(SIMDROP_CPU_BIT)
#undef SIMDROP_CPU_BIT
  SIMDROP_CPU_BIT_COUNT
};

#define SIMDROP_CPU(feature) (UINT32_C(1) << SIMDROP_CPU_BIT_##feature)

#endif

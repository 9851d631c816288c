// What the processor can run, from the words that CPUID and XGETBV return: a pure function, so that any machine can be
// made up in a test.
#ifndef SIMDROP_CORE_CPU_H
#define SIMDROP_CORE_CPU_H

#include <stdint.h>

#include "common/cpu_features.h"

typedef struct simdrop_cpuid_registers {
  uint32_t eax, ebx, ecx, edx;
} simdrop_cpuid_registers;

typedef struct simdrop_cpuid {
  uint32_t max_leaf;              // leaf 0, eax
  simdrop_cpuid_registers leaf1;  // zero if max_leaf < 1
  simdrop_cpuid_registers leaf7;  // sub-leaf 0; zero if max_leaf < 7
  uint64_t xcr0;                  // zero unless leaf 1 says OSXSAVE, without which XGETBV faults
} simdrop_cpuid;

// The features that may be used: the processor has them and the operating system saves the registers they need.
simdrop_cpu_features simdrop_cpu_features_from_cpuid(const simdrop_cpuid *cpuid);

// Reads this processor's words (cpu_probe.c); all zero on architectures without CPUID.
simdrop_cpuid simdrop_cpu_probe(void);

#define SIMDROP_CPUID_OSXSAVE (UINT32_C(1) << 27)  // leaf 1, ecx

#endif

// What the processor can run, from the words that CPUID and XGETBV return, or that Linux gives programs on aarch64 and RISC-V:
// pure functions, so that any machine can be made up in a test.
#ifndef SIMDROP_MACHINE_CPU_H
#define SIMDROP_MACHINE_CPU_H

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

// Linux's words for programs on aarch64: AT_HWCAP and AT_HWCAP2 of the auxiliary vector; and the length of SVE's vectors.
typedef struct simdrop_hwcap {
  uint64_t words[2];
  uint64_t sve_bytes;  // zero unless AT_HWCAP says SVE, without which RDVL faults
} simdrop_hwcap;

#define SIMDROP_HWCAP_SVE (UINT64_C(1) << 22)  // AT_HWCAP

simdrop_cpu_features simdrop_cpu_features_from_hwcap(const simdrop_hwcap *hwcap);

// On RISC-V: Linux's AT_HWCAP, which has a bit for each letter of the extensions, and vtype after VSETVLI has asked for vectors
// of bytes whose tail and masked-off elements are agnostic. The draft 0.7.1 of V, whose bit some systems set, has no such
// vectors, and says in vtype's highest bit that it was asked for something illegal.
typedef struct simdrop_riscv_words {
  uint64_t hwcap;
  uint64_t vtype;  // zero unless AT_HWCAP says V, without which VSETVLI faults
} simdrop_riscv_words;

#define SIMDROP_RISCV_HWCAP_V (UINT64_C(1) << ('v' - 'a'))
#define SIMDROP_RISCV_VTYPE_BYTES UINT64_C(0xc0)  // e8, m1, ta, ma

simdrop_cpu_features simdrop_cpu_features_from_riscv(const simdrop_riscv_words *words);

// CPUID's list of caches: leaf 4 (Intel), or 0x8000001D (AMD, where leaf 0x80000001 has TOPOEXT). Its end is all zero.
#define SIMDROP_CPUID_CACHES 8
typedef struct simdrop_cpuid_caches {
  simdrop_cpuid_registers entries[SIMDROP_CPUID_CACHES];
} simdrop_cpuid_caches;

// Bytes of the third level's cache; 0 if there is none, or it is not known.
uint64_t simdrop_third_cache_from_cpuid(const simdrop_cpuid_caches *caches);

// Reads this processor's words (cpu_probe.c); all zero on architectures that do not have them.
simdrop_cpuid simdrop_cpu_probe(void);
simdrop_cpuid_caches simdrop_caches_probe(void);
simdrop_hwcap simdrop_hwcap_probe(void);
simdrop_riscv_words simdrop_riscv_probe(void);

// This processor's features.
simdrop_cpu_features simdrop_cpu_features_here(void);

#define SIMDROP_CPUID_OSXSAVE (UINT32_C(1) << 27)  // leaf 1, ecx
#define SIMDROP_CPUID_TOPOEXT (UINT32_C(1) << 22)  // leaf 0x80000001, ecx: AMD's leaf 0x8000001D is there

#endif

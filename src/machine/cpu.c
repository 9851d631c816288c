// CPUID, XCR0 and HWCAP words to features. Bits: Intel SDM volume 1, chapters 13.3 (XCR0), 14.3 (AVX) and 15.2 (AVX-512);
// Linux, "ARM64 ELF hwcaps" and uapi/asm/hwcap.h of both; "RISC-V V Vector Extension" 1.0, chapter 3.4 (vtype).
#include "machine/cpu.h"

#include <assert.h>
#include <stdbool.h>

static_assert(SIMDROP_CPU_BIT_COUNT <= 32, "more features than bits");

enum {
  XCR0_SSE_AVX = 0x06,         // XMM, upper halves of YMM
  XCR0_SSE_AVX_AVX512 = 0xe6,  // the same, opmask, upper halves of ZMM0-15, ZMM16-31
};

simdrop_cpu_features simdrop_cpu_features_from_cpuid(const simdrop_cpuid *cpuid) {
  const simdrop_cpuid_registers none = {0, 0, 0, 0};
  const simdrop_cpuid_registers words_1 = cpuid->max_leaf >= 1 ? cpuid->leaf1 : none;
  const simdrop_cpuid_registers words_7 = cpuid->max_leaf >= 7 ? cpuid->leaf7 : none;
  simdrop_cpu_features features = 0;
#define FEATURE(feature, leaf, reg, bit) \
  if (words_##leaf.reg >> bit & 1) features |= SIMDROP_CPU(feature);
  SIMDROP_CPUID_FEATURE_LIST(FEATURE)
#undef FEATURE
  if (words_1.ecx & SIMDROP_CPUID_OSXSAVE) {
    if ((cpuid->xcr0 & XCR0_SSE_AVX) == XCR0_SSE_AVX) features |= SIMDROP_CPU(AVX_STATE);
    if ((cpuid->xcr0 & XCR0_SSE_AVX_AVX512) == XCR0_SSE_AVX_AVX512) features |= SIMDROP_CPU(AVX512_STATE);
  }
  return features;
}

// Intel SDM, CPUID leaf 04H, and AMD APM volume 3, Fn8000_001D: the type in eax 0-4, the level in 5-7; the line's length,
// partitions and ways in ebx 0-11, 12-21 and 22-31, and the sets in ecx, each less one.
uint64_t simdrop_third_cache_from_cpuid(const simdrop_cpuid_caches *caches) {
  for (int i = 0; i < SIMDROP_CPUID_CACHES; ++i) {
    const simdrop_cpuid_registers cache = caches->entries[i];
    if ((cache.eax & 31) == 0) break;
    if ((cache.eax >> 5 & 7) != 3) continue;
    const uint64_t line = (cache.ebx & 0xfff) + 1, partitions = (cache.ebx >> 12 & 0x3ff) + 1, ways = (cache.ebx >> 22) + 1;
    return line * partitions * ways * ((uint64_t)cache.ecx + 1);
  }
  return 0;
}

simdrop_cpu_features simdrop_cpu_features_from_hwcap(const simdrop_hwcap *hwcap) {
  simdrop_cpu_features features = 0;
#define FEATURE(feature, word, bit) \
  if (hwcap->words[word] >> bit & 1) features |= SIMDROP_CPU(feature);
  SIMDROP_HWCAP_FEATURE_LIST(FEATURE)
#undef FEATURE
  const uint64_t bytes = hwcap->sve_bytes;
  if (bytes != 0 && (bytes & (bytes - 1)) == 0) features |= SIMDROP_CPU(SVE_POWER_OF_TWO);
  return features;
}

simdrop_cpu_features simdrop_cpu_features_from_riscv(const simdrop_riscv_words *words) {
  const bool has_vectors = (words->hwcap & SIMDROP_RISCV_HWCAP_V) != 0 && words->vtype == SIMDROP_RISCV_VTYPE_BYTES;
  return has_vectors ? SIMDROP_CPU(RVV) : 0;
}

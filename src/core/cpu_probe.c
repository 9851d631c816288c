// Asks this processor. Everything that is decided from the answers is in cpu.c.
#include "core/cpu.h"

#if (defined(__x86_64__) || defined(__i386__)) && defined(__GNUC__)
#include <cpuid.h>

static uint64_t read_xcr0(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

simdrop_cpuid simdrop_cpu_probe(void) {
  simdrop_cpuid cpuid = {0};
  simdrop_cpuid_registers *const leaf1 = &cpuid.leaf1, *const leaf7 = &cpuid.leaf7;
  cpuid.max_leaf = __get_cpuid_max(0, 0);
  if (cpuid.max_leaf >= 1) __cpuid(1, leaf1->eax, leaf1->ebx, leaf1->ecx, leaf1->edx);
  if (cpuid.max_leaf >= 7) __cpuid_count(7, 0, leaf7->eax, leaf7->ebx, leaf7->ecx, leaf7->edx);
  if (leaf1->ecx & SIMDROP_CPUID_OSXSAVE) cpuid.xcr0 = read_xcr0();
  return cpuid;
}

#else

simdrop_cpuid simdrop_cpu_probe(void) {
  const simdrop_cpuid none = {0};
  return none;
}

#endif

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>

simdrop_hwcap simdrop_hwcap_probe(void) { return (simdrop_hwcap){{getauxval(AT_HWCAP), getauxval(AT_HWCAP2)}}; }

#else

simdrop_hwcap simdrop_hwcap_probe(void) { return (simdrop_hwcap){{0, 0}}; }

#endif

simdrop_cpu_features simdrop_cpu_features_here(void) {
  const simdrop_cpuid cpuid = simdrop_cpu_probe();
  const simdrop_hwcap hwcap = simdrop_hwcap_probe();
  return simdrop_cpu_features_from_cpuid(&cpuid) | simdrop_cpu_features_from_hwcap(&hwcap);
}

// Asks this processor. Everything that is decided from the answers is in cpu.c.
#include "machine/cpu.h"

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

// Both makers' lists have the same form. Where AMD's is there, Intel's leaf is empty.
simdrop_cpuid_caches simdrop_caches_probe(void) {
  const unsigned leaves[] = {4, 0x8000001d};
  simdrop_cpuid_caches caches = {{{0, 0, 0, 0}}};
  for (int i = 0; i < 2 && (caches.entries[0].eax & 31) == 0; ++i) {
    if ((unsigned)__get_cpuid_max(leaves[i] & 0x80000000, 0) < leaves[i]) continue;
    if (leaves[i] >> 31) {
      simdrop_cpuid_registers extended;
      __cpuid(0x80000001, extended.eax, extended.ebx, extended.ecx, extended.edx);
      if (!(extended.ecx & SIMDROP_CPUID_TOPOEXT)) continue;
    }
    for (uint32_t entry = 0; entry < SIMDROP_CPUID_CACHES; ++entry) {
      simdrop_cpuid_registers *const to = &caches.entries[entry];
      __cpuid_count(leaves[i], entry, to->eax, to->ebx, to->ecx, to->edx);
    }
  }
  return caches;
}

#else

simdrop_cpuid simdrop_cpu_probe(void) {
  const simdrop_cpuid none = {0};
  return none;
}

simdrop_cpuid_caches simdrop_caches_probe(void) {
  const simdrop_cpuid_caches none = {{{0, 0, 0, 0}}};
  return none;
}

#endif

#if defined(__aarch64__) && (defined(SIMDROP_HAVE_GETAUXVAL) || defined(SIMDROP_HAVE_ELF_AUX_INFO))
static simdrop_hwcap hwcap_of(uint64_t word, uint64_t word_2) {
  simdrop_hwcap hwcap = {{word, word_2}, 0};
  if (word & SIMDROP_HWCAP_SVE) {
    register uint64_t bytes __asm__("x0");
    __asm__ volatile(".inst 0x04bf5020" : "=r"(bytes));  // rdvl x0, #1, which assemblers know for SVE alone
    hwcap.sve_bytes = bytes;
  }
  return hwcap;
}
#endif

#if defined(__aarch64__) && defined(SIMDROP_HAVE_GETAUXVAL)
#include <sys/auxv.h>

simdrop_hwcap simdrop_hwcap_probe(void) { return hwcap_of(getauxval(AT_HWCAP), getauxval(AT_HWCAP2)); }

#elif defined(__aarch64__) && defined(SIMDROP_HAVE_ELF_AUX_INFO)  // FreeBSD and OpenBSD give the words with Linux's bits
#include <sys/auxv.h>

static uint64_t auxiliary_word(int which) {
  unsigned long word;
  return elf_aux_info(which, &word, sizeof word) == 0 ? word : 0;
}

simdrop_hwcap simdrop_hwcap_probe(void) { return hwcap_of(auxiliary_word(AT_HWCAP), auxiliary_word(AT_HWCAP2)); }

#else

simdrop_hwcap simdrop_hwcap_probe(void) { return (simdrop_hwcap){{0, 0}, 0}; }

#endif

#if defined(__riscv) && __riscv_xlen == 64 && defined(SIMDROP_HAVE_GETAUXVAL)
#include <sys/auxv.h>

simdrop_riscv_words simdrop_riscv_probe(void) {
  simdrop_riscv_words words = {getauxval(AT_HWCAP), 0};
  if (words.hwcap & SIMDROP_RISCV_HWCAP_V) {
    register uint64_t vtype __asm__("a0");
    __asm__ volatile(
        ".4byte 0x0c007557\n\t"  // vsetvli a0, zero, e8, m1, ta, ma, which assemblers know for V alone
        "csrr a0, 0xc21"         // vtype
        : "=r"(vtype));
    words.vtype = vtype;
  }
  return words;
}

#else

simdrop_riscv_words simdrop_riscv_probe(void) { return (simdrop_riscv_words){0, 0}; }

#endif

simdrop_cpu_features simdrop_cpu_features_here(void) {
  const simdrop_cpuid cpuid = simdrop_cpu_probe();
  const simdrop_hwcap hwcap = simdrop_hwcap_probe();
  const simdrop_riscv_words riscv = simdrop_riscv_probe();
  return simdrop_cpu_features_from_cpuid(&cpuid) | simdrop_cpu_features_from_hwcap(&hwcap) |
         simdrop_cpu_features_from_riscv(&riscv);
}

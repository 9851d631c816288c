// The bundles of the Highway backends: what Highway compiles each target for, which it writes as a string for the compiler
// (HWY_TARGET_STR), and which is checked against these.
#ifndef SIMDROP_HIGHWAY_BUNDLES_H
#define SIMDROP_HIGHWAY_BUNDLES_H

#include "common/compiled_features.h"
#include "common/cpu_features.h"

#define SIMDROP_BUNDLE_highway_sse2 0  // the baseline
#define SIMDROP_BUNDLE_highway_ssse3 (SIMDROP_CPU(SSE3) | SIMDROP_CPU(SSSE3))
#define SIMDROP_BUNDLE_highway_sse4 \
  (SIMDROP_BUNDLE_highway_ssse3 | SIMDROP_CPU(SSE41) | SIMDROP_CPU(SSE42) | SIMDROP_CPU(POPCNT))
#define SIMDROP_BUNDLE_highway_avx2                                                                                 \
  (SIMDROP_BUNDLE_highway_sse4 | SIMDROP_CPU(AVX) | SIMDROP_CPU(AVX_STATE) | SIMDROP_CPU(F16C) | SIMDROP_CPU(FMA) | \
   SIMDROP_CPU(AVX2) | SIMDROP_CPU(BMI1) | SIMDROP_CPU(BMI2))
#define SIMDROP_BUNDLE_highway_avx3                                                                     \
  (SIMDROP_BUNDLE_highway_avx2 | SIMDROP_CPU(AVX512F) | SIMDROP_CPU(AVX512CD) | SIMDROP_CPU(AVX512DQ) | \
   SIMDROP_CPU(AVX512BW) | SIMDROP_CPU(AVX512VL) | SIMDROP_CPU(AVX512_STATE))
// On aarch64 Highway takes instructions for cryptography, which no kernel uses, to be a part of NEON: the whole file is
// compiled for them (cmake/highway.cmake).
#define SIMDROP_BUNDLE_highway_neon (SIMDROP_CPU(AES) | SIMDROP_CPU(PMULL) | SIMDROP_CPU(SHA1) | SIMDROP_CPU(SHA2))
// Highway 1.2 counts on lengths that are a power of two, too: its vectors would not make up a word.
#define SIMDROP_BUNDLE_highway_sve \
  (SIMDROP_BUNDLE_highway_neon | SIMDROP_CPU(FPHP) | SIMDROP_CPU(ASIMDHP) | SIMDROP_CPU(SVE) | SIMDROP_CPU(SVE_POWER_OF_TWO))
#define SIMDROP_BUNDLE_highway_sve2 \
  (SIMDROP_BUNDLE_highway_sve | SIMDROP_CPU(SVE2) | SIMDROP_CPU(SVE_AES) | SIMDROP_CPU(SVE_PMULL))
// For the whole of this, too, the file is compiled: Highway 1.2 names no target of RISC-V.
#define SIMDROP_BUNDLE_highway_rvv SIMDROP_CPU(RVV)
// A module of WebAssembly is checked as a whole before any of it runs: there is nothing to choose at run time.
#define SIMDROP_BUNDLE_highway_wasm 0

namespace simdrop {

// What the file is compiled for where no target is named.
constexpr uint64_t file_features = SIMDROP_COMPILED_FEATURES;

struct target_word {
  const char *word;
  simdrop_cpu_features feature;
};

// Compilers take half-precision arithmetic to be a part of SVE.
constexpr uint64_t sve_features = SIMDROP_CPU(FPHP) | SIMDROP_CPU(ASIMDHP) | SIMDROP_CPU(SVE) | SIMDROP_CPU(SVE_POWER_OF_TWO);

// The words of the strings. POPCNT has none: gcc takes it to be a part of SSE4.2.
constexpr target_word target_words[] = {
    {"sse2", 0},
    {"ssse3", SIMDROP_CPU(SSE3) | SIMDROP_CPU(SSSE3)},
    {"sse4.1", SIMDROP_CPU(SSE41)},
    {"sse4.2", SIMDROP_CPU(SSE42) | SIMDROP_CPU(POPCNT)},
    {"avx", SIMDROP_CPU(AVX) | SIMDROP_CPU(AVX_STATE)},
    {"avx2", SIMDROP_CPU(AVX2)},
    {"bmi", SIMDROP_CPU(BMI1)},
    {"bmi2", SIMDROP_CPU(BMI2)},
    {"fma", SIMDROP_CPU(FMA)},
    {"f16c", SIMDROP_CPU(F16C)},
    {"avx512f", SIMDROP_CPU(AVX512F) | SIMDROP_CPU(AVX512_STATE)},
    {"avx512cd", SIMDROP_CPU(AVX512CD)},
    {"avx512dq", SIMDROP_CPU(AVX512DQ)},
    {"avx512bw", SIMDROP_CPU(AVX512BW)},
    {"avx512vl", SIMDROP_CPU(AVX512VL)},
    {"+crypto", SIMDROP_CPU(AES) | SIMDROP_CPU(PMULL) | SIMDROP_CPU(SHA1) | SIMDROP_CPU(SHA2)},
    {"+aes", SIMDROP_CPU(AES) | SIMDROP_CPU(PMULL)},
    {"+sve", sve_features},
    {"+sve2", sve_features | SIMDROP_CPU(SVE2)},
    {"+sve2-aes", sve_features | SIMDROP_CPU(SVE2) | SIMDROP_CPU(SVE_AES) | SIMDROP_CPU(SVE_PMULL)},
    {"arch=", 0},  // RISC-V's begin with it: "arch=+v"
    {"+v", SIMDROP_CPU(RVV)},
    {"simd128", 0},  // WebAssembly: the whole library is compiled for it
    {"evex512", 0},  // 512-bit registers, not an extension
};

// Words have a comma between them, those for Arm also none ("+sve2+sve2-aes,+sve").
constexpr bool ends_word(char c) { return c == ',' || c == '+' || c == '\0'; }

// Whether the text begins with the word, and the word ends there.
constexpr bool begins_with(const char *text, const char *word) {
  while (*word != '\0' && *text == *word) {
    ++text;
    ++word;
  }
  return *word == '\0' && ends_word(*text);
}

// Whether a machine with the bundle has all that the string names.
constexpr bool covers(simdrop_cpu_features bundle, const char *string) {
  while (*string != '\0') {
    bool covered = false;
    for (const target_word &known : target_words)
      if (begins_with(string, known.word)) covered = (known.feature & ~bundle) == 0;
    if (!covered) return false;
    do {
      ++string;
    } while (!ends_word(*string));
    if (*string == ',') ++string;
  }
  return true;
}

}  // namespace simdrop

#endif

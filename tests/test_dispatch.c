// Which backend runs where: detection fed with the words of made-up processors, the choice with every wish, and the first
// call, the environment variable and simdrop_backend_select with many threads at once.
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/store_policy.h"
#include "machine/cpu.h"
#include "machine/dispatch.h"
#include "oracle.h"
#include "promises.h"
#include "support.h"

// ---- detection

#define OSXSAVE (UINT32_C(1) << 27)

// CPUID leaf 1 ecx, leaf 7 ebx and XCR0 as these processors report them.
typedef struct machine {
  const char *name;
  uint32_t max_leaf, leaf1_ecx, leaf7_ebx;
  uint64_t xcr0;
  const char *by_hand;  // the best of the backends that are written by hand for x86, if all are compiled in; "": none runs
  const char *highway;  // the best of Highway's
} machine;

static const machine machines[] = {
    {"no CPUID at all", 0, 0, 0, 0, "", "highway-sse2"},
    {"leaf 0 only, garbage behind", 0, 0xffffffff, 0xffffffff, 0xff, "", "highway-sse2"},
    {"x86-64 baseline (SSE2)", 1, 0x00000000, 0, 0, "", "highway-sse2"},
    {"Core 2 (SSSE3)", 0xa, 0x0000e3bd, 0, 0, "", "highway-ssse3"},
    {"Nehalem", 0xb, 0x0098e3fd, 0, 0, "", "highway-sse4"},
    {"Sandy Bridge (AVX, no AVX2)", 0xd, 0x1fbae3ff, 0x00000000, 7, "", "highway-sse4"},
    {"Ivy Bridge (F16C, no AVX2)", 0xd, 0x7fbae3ff, 0x00000281, 7, "", "highway-sse4"},
    {"Haswell", 0xd, 0x7ffafbbf, 0x000027ab, 7, "avx2", "highway-avx2"},
    {"Zen 2", 0x10, 0x7ed8320b, 0x219c91a9, 7, "avx2", "highway-avx2"},
    {"Skylake-X", 0x16, 0x7ffefbff, 0xd39ffffb, 0xe7, "avx512", "highway-avx3"},
    {"Zen 4", 0x10, 0x7efa320b, 0xf1bf97a9, 0xe7, "avx512", "highway-avx3"},
    {"Skylake-X with more state", 0x16, 0x7ffefbff, 0xd39ffffb, 0x2ff, "avx512", "highway-avx3"},
    {"Knights Landing (AVX-512F without BW, DQ, VL)", 0xd, 0x7ff8f3bf, 0x1c0d27ab, 0xe7, "avx2", "highway-avx2"},
    {"AVX-512 in CPUID, ZMM state off in XCR0", 0x16, 0x7ffefbff, 0xd39ffffb, 0x07, "avx2", "highway-avx2"},
    {"AVX-512 in CPUID, opmask state off", 0x16, 0x7ffefbff, 0xd39ffffb, 0xc7, "avx2", "highway-avx2"},
    {"AVX-512 in CPUID, upper ZMM0-15 off", 0x16, 0x7ffefbff, 0xd39ffffb, 0xa7, "avx2", "highway-avx2"},
    {"AVX-512 in CPUID, ZMM16-31 off", 0x16, 0x7ffefbff, 0xd39ffffb, 0x67, "avx2", "highway-avx2"},
    {"AVX-512 in CPUID, YMM state off", 0x16, 0x7ffefbff, 0xd39ffffb, 0xe3, "", "highway-sse4"},
    {"AVX-512 in CPUID, XMM state off", 0x16, 0x7ffefbff, 0xd39ffffb, 0xe5, "", "highway-sse4"},
    {"AVX-512 in CPUID, OSXSAVE off, garbage in XCR0", 0x16, 0x7ffefbff & ~OSXSAVE, 0xd39ffffb, 0xe7, "", "highway-sse4"},
    {"AVX2 in CPUID, OSXSAVE off", 0xd, 0x7ffafbbf & ~OSXSAVE, 0x000027ab, 0, "", "highway-sse4"},
    {"AVX2 in CPUID, OSXSAVE off, garbage in XCR0", 0xd, 0x7ffafbbf & ~OSXSAVE, 0x000027ab, 7, "", "highway-sse4"},
    {"AVX2 in CPUID, YMM state off", 0xd, 0x7ffafbbf, 0x000027ab, 3, "", "highway-sse4"},
    {"AVX2 in CPUID, XCR0 empty", 0xd, 0x7ffafbbf, 0x000027ab, 0, "", "highway-sse4"},
    {"Haswell without BMI2", 0xd, 0x7ffafbbf, 0x000026ab, 7, "avx2", "highway-sse4"},
    {"Skylake-X without AVX-512CD", 0x16, 0x7ffefbff, 0xc39ffffb, 0xe7, "avx512", "highway-avx2"},
    {"AVX2 without F16C", 0xd, 0x7ffafbbf & ~(UINT32_C(1) << 29), 0x000027ab, 7, "", "highway-sse4"},
    {"AVX2 in leaf 7, AVX hidden in leaf 1", 0xd, 0x7ffafbbf & ~(UINT32_C(1) << 28), 0x000027ab, 7, "", "highway-sse4"},
    {"leaf 7 past the last leaf, with garbage in it", 6, 0x7ffefbff, 0xffffffff, 0xe7, "", "highway-sse4"},
    {"all ones", 0xffffffff, 0xffffffff, 0xffffffff, UINT64_MAX, "avx512", "highway-avx3"},
};

static simdrop_cpuid words_of(const machine *m) {
  return (simdrop_cpuid){
      .max_leaf = m->max_leaf, .leaf1 = {.ecx = m->leaf1_ecx}, .leaf7 = {.ebx = m->leaf7_ebx}, .xcr0 = m->xcr0};
}

static simdrop_cpu_features features_of(const machine *m) {
  const simdrop_cpuid words = words_of(m);
  return simdrop_cpu_features_from_cpuid(&words);
}

static size_t index_of(const char *name) {
  size_t index = 0;
  while (index < simdrop_backend_count() && strcmp(simdrop_backend_name(index), name) != 0) ++index;
  return index;
}

static bool begins_with(const char *name, const char *beginning) { return strncmp(name, beginning, strlen(beginning)) == 0; }

static bool is_highway(size_t index) { return begins_with(simdrop_backend_name(index), "highway-"); }

// The best of what is compiled in: whoever runs one of these backends also runs those of its kind behind it in the list.
static size_t best_compiled(const machine *m) {
  for (size_t index = index_of(m->by_hand); index < simdrop_backend_count() && !is_highway(index); ++index)
    if (simdrop_backend_compiled(index) && strcmp(simdrop_backend_name(index), "scalar") != 0) return index;
  size_t index = index_of(m->highway);
  while (!simdrop_backend_compiled(index)) ++index;
  return index;
}

// Linux's words on these aarch64 processors (qemu's, and Linux's documentation of the bits), and which backends run
// besides neon.
typedef struct arm_machine {
  const char *name;
  uint64_t hwcap, hwcap2, sve_bytes;
  bool sve, highway_neon, highway_sve, highway_sve2;
} arm_machine;

static const arm_machine arm_machines[] = {
    {"nothing", 0, 0, 0, false, false, false, false},
    {"Cortex-A72 without cryptography (Raspberry Pi 4)", 0x887, 0, 0, false, false, false, false},
    {"Cortex-A53", 0x8ff, 0, 0, false, true, false, false},
    {"Neoverse N1", 0x119fff, 0, 0, false, true, false, false},
    {"A64FX", 0x4117ff, 0, 64, true, true, true, false},
    {"Neoverse V2", 0xeffffff, 0x1ffff, 16, true, true, true, true},
    {"vectors of 384 bits", 0xeffffff, 0x1ffff, 48, false, true, false, false},
    {"SVE2 without AES", 0x4117ff, 0x2, 16, true, true, true, false},
    {"SVE2 in the second word, no SVE in the first", 0x1197ff, 0xe, 0, false, true, false, false},
    {"SVE without cryptography", 0x411f87, 0, 32, true, false, false, false},
    {"SVE without half-precision arithmetic", 0x4011ff, 0, 32, false, true, false, false},
    {"all ones", UINT64_MAX, UINT64_MAX, 16, true, true, true, true},
};

static bool arm_runs(const arm_machine *m, const char *name) {
  if (strcmp(name, "sve") == 0) return m->sve;
  if (strcmp(name, "highway-neon") == 0) return m->highway_neon;
  return strcmp(name, "highway-sve") == 0 ? m->highway_sve : m->highway_sve2;
}

static simdrop_cpu_features arm_features_of(const arm_machine *m) {
  const simdrop_hwcap words = {{m->hwcap, m->hwcap2}, m->sve_bytes};
  return simdrop_cpu_features_from_hwcap(&words);
}

// The features that a backend cannot do without, as its name tells.
static simdrop_cpu_features least_features(const char *name) {
  const bool highway = begins_with(name, "highway-");
  const char *const set = highway ? name + strlen("highway-") : name;
  const simdrop_cpu_features sse4 = SIMDROP_CPU(SSSE3) | SIMDROP_CPU(SSE41) | SIMDROP_CPU(SSE42);
  const simdrop_cpu_features avx2 = sse4 | SIMDROP_CPU(AVX) | SIMDROP_CPU(AVX2) | SIMDROP_CPU(F16C) | SIMDROP_CPU(AVX_STATE);
  const simdrop_cpu_features avx512 = avx2 | SIMDROP_CPU(AVX512F) | SIMDROP_CPU(AVX512DQ) | SIMDROP_CPU(AVX512BW) |
                                      SIMDROP_CPU(AVX512VL) | SIMDROP_CPU(AVX512_STATE);
  const simdrop_cpu_features highway_avx2 = SIMDROP_CPU(FMA) | SIMDROP_CPU(BMI1) | SIMDROP_CPU(BMI2);
  if (strcmp(set, "ssse3") == 0) return SIMDROP_CPU(SSSE3);
  if (strcmp(set, "sve") == 0) return SIMDROP_CPU(SVE);
  if (strcmp(set, "sve2") == 0) return SIMDROP_CPU(SVE) | SIMDROP_CPU(SVE2);
  if (strcmp(set, "rvv") == 0) return SIMDROP_CPU(RVV);
  if (strcmp(set, "sse4") == 0) return sse4;
  if (strcmp(set, "avx2") == 0) return highway ? avx2 | highway_avx2 : avx2;
  if (strcmp(set, "avx512") == 0) return avx512;
  if (strcmp(set, "avx3") == 0) return avx512 | highway_avx2;
  return 0;
}

static void made_up_processors(void **state) {
  (void)state;
#if !defined(__x86_64__) && !defined(__i386__)
  print_message("made_up_processors skipped: they are x86 processors\n");
  skip();
#endif
  for (size_t i = 0; i < LENGTH(machines); ++i) {
    const simdrop_choice choice = simdrop_choose_backend(features_of(&machines[i]), NULL);
    const size_t expected = best_compiled(&machines[i]);
    if (choice.backend != expected)
      fail_msg("%s: %s instead of %s", machines[i].name, simdrop_backend_name(choice.backend), simdrop_backend_name(expected));
    assert_int_equal(choice.reason, SIMDROP_CHOICE_BEST);
  }
}

static void made_up_arm_processors(void **state) {
  (void)state;
#if !defined(__aarch64__)
  print_message("made_up_arm_processors skipped: they are aarch64 processors\n");
  skip();
#endif
  for (size_t i = 0; i < LENGTH(arm_machines); ++i) {
    const arm_machine *const m = &arm_machines[i];
    const simdrop_choice best = simdrop_choose_backend(arm_features_of(m), NULL);
    if (simdrop_backend_compiled(index_of("neon"))) assert_string_equal(simdrop_backend_name(best.backend), "neon");
    static const char *const names[] = {"sve", "highway-neon", "highway-sve", "highway-sve2"};
    for (size_t n = 0; n < LENGTH(names); ++n) {
      const size_t index = index_of(names[n]);
      if (!simdrop_backend_compiled(index)) continue;
      const bool baseline = simdrop_backend_kernels(index)->required == 0;  // compiled for no more than that
      const simdrop_choice choice = simdrop_choose_backend(arm_features_of(m), names[n]);
      if ((choice.backend == index) != (baseline || arm_runs(m, names[n]))) fail_msg("%s on %s", names[n], m->name);
    }
  }
}

// Each feature of aarch64 comes from its own bit, and from that alone.
static void one_arm_bit_each(void **state) {
  (void)state;
  static const struct {
    simdrop_cpu_features feature;
    int word, bit;
  } bits[] = {
      {SIMDROP_CPU(AES), 0, 3},     {SIMDROP_CPU(PMULL), 0, 4},     {SIMDROP_CPU(SHA1), 0, 5}, {SIMDROP_CPU(SHA2), 0, 6},
      {SIMDROP_CPU(FPHP), 0, 9},    {SIMDROP_CPU(ASIMDHP), 0, 10},  {SIMDROP_CPU(SVE), 0, 22}, {SIMDROP_CPU(SVE2), 1, 1},
      {SIMDROP_CPU(SVE_AES), 1, 2}, {SIMDROP_CPU(SVE_PMULL), 1, 3},
  };
  simdrop_cpu_features every = 0;
  for (size_t i = 0; i < LENGTH(bits); ++i) every |= bits[i].feature;
  for (size_t i = 0; i < LENGTH(bits); ++i) {
    simdrop_hwcap with = {{0, 0}, 0}, without = {{UINT64_MAX, UINT64_MAX}, 0};
    with.words[bits[i].word] = UINT64_C(1) << bits[i].bit;
    without.words[bits[i].word] = ~with.words[bits[i].word];
    assert_int_equal(simdrop_cpu_features_from_hwcap(&with), bits[i].feature);
    assert_int_equal(simdrop_cpu_features_from_hwcap(&without), every & ~bits[i].feature);
  }
}

static void sve_lengths(void **state) {
  (void)state;
  for (uint64_t bytes = 0; bytes <= 256; bytes += 16) {
    const simdrop_hwcap words = {{0, 0}, bytes};
    const bool power = bytes == 16 || bytes == 32 || bytes == 64 || bytes == 128 || bytes == 256;
    assert_int_equal(simdrop_cpu_features_from_hwcap(&words), power ? SIMDROP_CPU(SVE_POWER_OF_TWO) : 0);
  }
}

// Linux's AT_HWCAP on these RISC-V processors, and vtype after the request for vectors of bytes.
static void made_up_riscv_processors(void **state) {
  (void)state;
  static const struct {
    const char *name;
    simdrop_riscv_words words;
    bool has_vectors;
  } riscv_machines[] = {
      {"nothing", {0, 0}, false},
      {"RV64GC", {0x112d, 0}, false},
      {"RV64GCV", {0x20112d, 0xc0}, true},
      {"V in its draft 0.7.1", {0x20112d, UINT64_C(1) << 63}, false},
      {"V in AT_HWCAP, nothing in vtype", {0x20112d, 0}, false},
      {"a vtype without V", {0x112d, 0xc0}, false},
      {"all ones but V", {~(UINT64_C(1) << 21), 0xc0}, false},
  };
  const size_t rvv = index_of("highway-rvv");
  assert_true(rvv < simdrop_backend_count());
  for (size_t i = 0; i < LENGTH(riscv_machines); ++i) {
    const simdrop_cpu_features features = simdrop_cpu_features_from_riscv(&riscv_machines[i].words);
    if (features != (riscv_machines[i].has_vectors ? SIMDROP_CPU(RVV) : 0)) fail_msg("%s", riscv_machines[i].name);
    if (!simdrop_backend_compiled(rvv)) continue;
    const char *const expected = riscv_machines[i].has_vectors ? "highway-rvv" : "scalar";
    assert_string_equal(simdrop_backend_name(simdrop_choose_backend(features, NULL).backend), expected);
  }
}

// Each feature comes from its own bit, and from that alone.
static void one_bit_each(void **state) {
  (void)state;
  const machine all = {"all", 0xffffffff, 0xffffffff, 0xffffffff, UINT64_MAX, "", ""};
  const simdrop_cpu_features every = features_of(&all);
  static const struct {
    simdrop_cpu_features feature;
    int leaf, bit;
  } bits[] = {
      {SIMDROP_CPU(SSE3), 1, 0},      {SIMDROP_CPU(SSSE3), 1, 9},     {SIMDROP_CPU(FMA), 1, 12},
      {SIMDROP_CPU(SSE41), 1, 19},    {SIMDROP_CPU(SSE42), 1, 20},    {SIMDROP_CPU(POPCNT), 1, 23},
      {SIMDROP_CPU(AVX), 1, 28},      {SIMDROP_CPU(F16C), 1, 29},     {SIMDROP_CPU(AVX2), 7, 5},
      {SIMDROP_CPU(AVX512F), 7, 16},  {SIMDROP_CPU(AVX512DQ), 7, 17}, {SIMDROP_CPU(AVX512BW), 7, 30},
      {SIMDROP_CPU(AVX512VL), 7, 31}, {SIMDROP_CPU(BMI1), 7, 3},      {SIMDROP_CPU(BMI2), 7, 8},
      {SIMDROP_CPU(AVX512CD), 7, 28},
  };
  for (size_t i = 0; i < LENGTH(bits); ++i) {
    machine without = all, with = {"with", 7, OSXSAVE, 0, 0, "", ""};
    if (bits[i].leaf == 1) {
      without.leaf1_ecx &= ~(UINT32_C(1) << bits[i].bit);
      with.leaf1_ecx |= UINT32_C(1) << bits[i].bit;
    } else {
      without.leaf7_ebx &= ~(UINT32_C(1) << bits[i].bit);
      with.leaf7_ebx |= UINT32_C(1) << bits[i].bit;
    }
    assert_int_equal(features_of(&without), every & ~bits[i].feature);
    assert_int_equal(features_of(&with), bits[i].feature);
  }
}

// Whatever is in the registers of a leaf that is not there, it gives no feature; nor does the leaf that is.
static void missing_leaves(void **state) {
  (void)state;
  const machine all = {"all", 0xffffffff, 0xffffffff, 0xffffffff, UINT64_MAX, "", ""};
  machine first_alone = all;
  first_alone.leaf7_ebx = 0;
  const simdrop_cpu_features of_leaf1 = features_of(&first_alone);
  for (uint32_t max_leaf = 0; max_leaf <= 8; ++max_leaf) {
    machine garbage = all, empty = {"empty", max_leaf, 0, 0, 0, "", ""};
    garbage.max_leaf = max_leaf;
    assert_int_equal(features_of(&garbage), max_leaf < 1 ? 0 : max_leaf < 7 ? of_leaf1 : features_of(&all));
    assert_int_equal(features_of(&empty), 0);
  }
}

// A backend runs only where all of its bundle is there: taking any one feature away takes the backend away.
static void whole_bundles(void **state) {
  (void)state;
  const simdrop_cpu_features every = UINT32_MAX;
  for (size_t i = 0; i < simdrop_backend_count(); ++i) {
    const simdrop_kernels *const kernels = simdrop_backend_kernels(i);
    assert_int_equal(kernels != NULL, simdrop_backend_compiled(i));
    if (kernels == NULL) continue;
    assert_string_equal(kernels->name, simdrop_backend_name(i));
    const simdrop_choice choice = simdrop_choose_backend(kernels->required, kernels->name);
    assert_int_equal(choice.backend, i);
    assert_int_equal(choice.reason, SIMDROP_CHOICE_ENVIRONMENT);
    for (int bit = 0; bit < 32; ++bit) {
      const simdrop_cpu_features feature = UINT32_C(1) << bit;
      if (!(kernels->required & feature)) continue;
      const simdrop_choice refused = simdrop_choose_backend(every & ~feature, kernels->name);
      assert_int_not_equal(refused.backend, i);
      assert_int_equal(refused.reason, SIMDROP_CHOICE_ENVIRONMENT_REFUSED);
    }
    assert_int_equal(least_features(kernels->name) & ~kernels->required, 0);
  }
}

// Every wish on every made-up processor.
static void wishes(void **state) {
  (void)state;
  for (size_t i = 0; i < LENGTH(machines); ++i) {
    const simdrop_cpu_features features = features_of(&machines[i]);
    const simdrop_choice best = simdrop_choose_backend(features, NULL);
    const simdrop_choice empty = simdrop_choose_backend(features, "");
    assert_int_equal(empty.backend, best.backend);
    assert_int_equal(empty.reason, SIMDROP_CHOICE_BEST);
    static const char *const unknown[] = {"nonsense", "AVX2", "avx", "scalar,avx2", " "};
    for (size_t w = 0; w < LENGTH(unknown); ++w) {
      const simdrop_choice choice = simdrop_choose_backend(features, unknown[w]);
      assert_int_equal(choice.backend, best.backend);
      assert_int_equal(choice.reason, SIMDROP_CHOICE_ENVIRONMENT_REFUSED);
    }
    for (size_t b = 0; b < simdrop_backend_count(); ++b) {
      const simdrop_kernels *const kernels = simdrop_backend_kernels(b);
      const bool runs = kernels != NULL && (features & kernels->required) == kernels->required;
      const simdrop_choice choice = simdrop_choose_backend(features, simdrop_backend_name(b));
      assert_int_equal(choice.backend, runs ? b : best.backend);
      assert_int_equal(choice.reason, runs ? SIMDROP_CHOICE_ENVIRONMENT : SIMDROP_CHOICE_ENVIRONMENT_REFUSED);
    }
  }
}

// The caches that two processors' CPUID lists.
static void caches(void **state) {
  (void)state;
  // AMD EPYC 9004: leaf 0x8000001D as read under a hypervisor; 1 MiB of L2, 32 MiB of L3.
  const simdrop_cpuid_caches zen4 = {{{.eax = 0x00000121, .ebx = 0x01c0003f, .ecx = 63},
                                      {.eax = 0x00000122, .ebx = 0x01c0003f, .ecx = 63},
                                      {.eax = 0x00000143, .ebx = 0x01c0003f, .ecx = 2047},
                                      {.eax = 0x00004163, .ebx = 0x03c0003f, .ecx = 32767},
                                      {0, 0, 0, 0}}};
  assert_int_equal(simdrop_third_cache_from_cpuid(&zen4), 32 << 20);
  // Intel's manual's formula with every field in use: 12 ways, 2 partitions, lines of 64 bytes, 40960 sets.
  const simdrop_cpuid_caches made_up = {
      {{.eax = 0x1c004121, .ebx = 0x02c0003f, .ecx = 63}, {.eax = 0x1c03c163, .ebx = 11u << 22 | 1 << 12 | 63, .ecx = 40959}}};
  assert_int_equal(simdrop_third_cache_from_cpuid(&made_up), (uint64_t)12 * 2 * 64 * 40960);
  // 4 GiB and more; what follows the end of the list does not count.
  const simdrop_cpuid_caches huge = {{{.eax = 0x63, .ebx = 63u << 22 | 63, .ecx = (1 << 20) - 1}}};
  assert_int_equal(simdrop_third_cache_from_cpuid(&huge), UINT64_C(1) << 32);
  const simdrop_cpuid_caches none = {
      {{.eax = 0x21, .ebx = 0x3f, .ecx = 63}, {0, 0, 0, 0}, {.eax = 0x63, .ebx = 0x3f, .ecx = 63}}};
  assert_int_equal(simdrop_third_cache_from_cpuid(&none), 0);
}

// From how many bytes on outputs go past the caches.
static void non_temporal_bytes(void **state) {
  (void)state;
  const uint64_t mebibyte = 1 << 20;
  assert_int_equal(simdrop_non_temporal_bytes(false, 0), 32 * mebibyte);
  assert_int_equal(simdrop_non_temporal_bytes(false, 32 * mebibyte), 12 * mebibyte);
  assert_int_equal(simdrop_non_temporal_bytes(false, 32 * mebibyte), 12 * mebibyte);
  assert_int_equal(simdrop_non_temporal_bytes(true, 32 * mebibyte), 32 * mebibyte);
  assert_int_equal(simdrop_non_temporal_bytes(false, mebibyte), 4 * mebibyte);
  assert_int_equal(simdrop_non_temporal_bytes(false, 480 * mebibyte), 32 * mebibyte);
  assert_int_equal(simdrop_non_temporal_bytes(false, UINT64_C(1) << 40), 32 * mebibyte);
}

// This machine's words give what simdrop_backend_supported says.
static void this_machine(void **state) {
  (void)state;
  const simdrop_cpuid words = simdrop_cpu_probe();
  if (words.max_leaf < 1) assert_int_equal(words.leaf1.ecx, 0);
  if (words.max_leaf < 7) assert_int_equal(words.leaf7.ebx, 0);
  if (!(words.leaf1.ecx & OSXSAVE)) assert_int_equal(words.xcr0, 0);
  const simdrop_hwcap hwcap = simdrop_hwcap_probe();
#if defined(__aarch64__) && defined(__linux__)
  assert_true(hwcap.words[0] & 2);  // Advanced SIMD, which every such processor has
#else
  assert_int_equal(hwcap.words[0] | hwcap.words[1] | hwcap.sve_bytes, 0);
#endif
  assert_int_equal(hwcap.sve_bytes != 0, (hwcap.words[0] & SIMDROP_HWCAP_SVE) != 0);
  const simdrop_cpu_features features = simdrop_cpu_features_here();
  const simdrop_riscv_words riscv = simdrop_riscv_probe();
#if !defined(__riscv)
  assert_int_equal(riscv.hwcap | riscv.vtype, 0);
#endif
  assert_int_equal(features, simdrop_cpu_features_from_cpuid(&words) | simdrop_cpu_features_from_hwcap(&hwcap) |
                                 simdrop_cpu_features_from_riscv(&riscv));
#if defined(__aarch64__)
  if (simdrop_backend_compiled(index_of("neon")))
    assert_string_equal(simdrop_backend_name(simdrop_choose_backend(features, NULL).backend), "neon");
#endif
  for (size_t i = 0; i < simdrop_backend_count(); ++i) {
    const simdrop_choice choice = simdrop_choose_backend(features, simdrop_backend_name(i));
    assert_int_equal(choice.reason == SIMDROP_CHOICE_ENVIRONMENT, simdrop_backend_supported(i));
  }
}

// The backends that run are those for which the machine has everything, as the operating system tells without the library's
// help.
static void promised_backends(void **state) {
  (void)state;
  if (no_promises() != NULL) {
    print_message("promised_backends skipped: %s\n", no_promises());
    skip();
  }
  for (size_t i = 0; i < simdrop_backend_count(); ++i) {
    if (!simdrop_backend_compiled(i)) continue;
    if (is_missed(i)) fail_msg("%s is promised and does not run", simdrop_backend_name(i));
    // No fault: Linux can be told to leave a feature out of its list (clearcpuid=), which CPUID has all the same.
    const bool baseline = simdrop_backend_kernels(i)->required == 0;  // compiled for no more than that
    if (simdrop_backend_supported(i) && !baseline && !is_promised(i))
      print_message("%s runs and is not promised\n", simdrop_backend_name(i));
  }
}

// Bytes of the third cache as Linux lists it; 0 if it lists none.
static uint64_t listed_third_cache(void) {
  for (int index = 0; index < 8; ++index) {
    static const char *const names[] = {"level", "size"};
    unsigned long values[2] = {0, 0};
    for (size_t i = 0; i < LENGTH(names); ++i) {
      char path[100];
      snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/%s", index, names[i]);
      FILE *const file = fopen(path, "r");
      if (file == NULL) return 0;
      const int read = fscanf(file, "%lu", &values[i]);
      fclose(file);
      if (read != 1) return 0;
    }
    if (values[0] == 3) return (uint64_t)values[1] << 10;
  }
  return 0;
}

static void listed_cache(void **state) {
  (void)state;
#if !defined(__x86_64__) && !defined(__i386__)
  print_message("listed_cache skipped: CPUID is x86's\n");
  skip();
#endif
  const uint64_t listed = listed_third_cache();
  if (listed == 0 || no_promises() != NULL) {
    print_message("listed_cache skipped: %s\n", listed == 0 ? "Linux lists no third cache" : no_promises());
    skip();
  }
  const simdrop_cpuid_caches words = simdrop_caches_probe();
  assert_int_equal(simdrop_third_cache_from_cpuid(&words), listed);
}

// ---- the first call. Each case runs in a child process, in which no call has been made yet.

enum {
  THREADS = 64,
  N = 700
};

// Runs body in a child; what it returns, 0 to 100, is returned. 0 = fine.
static int in_child(int (*body)(const void *), const void *argument) {
  fflush(NULL);
  const pid_t child = fork();
  if (child == 0) _exit(body(argument));
  assert_true(child > 0);
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  if (!WIFEXITED(status)) fail_msg("the child ended with signal %d", WTERMSIG(status));
  return WEXITSTATUS(status);
}

typedef struct wish {
  const char *variable, *backend;
  simdrop_backend_choice reason;
} wish;

static int first_choice_is(const void *argument) {
  const wish *const expected = argument;
  if (expected->variable == NULL)
    unsetenv("SIMDROP_BACKEND");
  else
    setenv("SIMDROP_BACKEND", expected->variable, 1);
  errno = 12345;
  if (strcmp(simdrop_backend_current(), expected->backend) != 0) return 1;
  if (simdrop_backend_reason() != expected->reason) return 2;
  setenv("SIMDROP_BACKEND", "scalar", 1);  // read once
  if (strcmp(simdrop_backend_current(), expected->backend) != 0) return 3;
  if (errno != 12345) return 4;
  return 0;
}

static size_t best_supported(void) {
  size_t best = 0;
  while (!simdrop_backend_supported(best)) ++best;
  return best;
}

static void environment_variable(void **state) {
  (void)state;
  const char *const best = simdrop_backend_name(best_supported());
  const wish fixed[] = {
      {NULL, best, SIMDROP_CHOICE_BEST},
      {"", best, SIMDROP_CHOICE_BEST},
      {"nonsense", best, SIMDROP_CHOICE_ENVIRONMENT_REFUSED},
      {"SCALAR", best, SIMDROP_CHOICE_ENVIRONMENT_REFUSED},
  };
  for (size_t i = 0; i < LENGTH(fixed); ++i) assert_int_equal(in_child(first_choice_is, &fixed[i]), 0);
  for (size_t i = 0; i < simdrop_backend_count(); ++i) {
    const char *const name = simdrop_backend_name(i);
    const wish each = simdrop_backend_supported(i) ? (wish){name, name, SIMDROP_CHOICE_ENVIRONMENT}
                                                   : (wish){name, best, SIMDROP_CHOICE_ENVIRONMENT_REFUSED};
    assert_int_equal(in_child(first_choice_is, &each), 0);
  }
}

// The way through memory, which is named in the same way.
typedef struct memory_wish {
  const char *variable, *expected;
} memory_wish;

static int first_way_is(const void *argument) {
  const memory_wish *const expected = argument;
  if (expected->variable == NULL)
    unsetenv("SIMDROP_MEMORY");
  else
    setenv("SIMDROP_MEMORY", expected->variable, 1);
  if (strcmp(simdrop_memory_current(), expected->expected) != 0) return 1;
  setenv("SIMDROP_MEMORY", "cached", 1);  // read once
  if (strcmp(simdrop_memory_current(), expected->expected) != 0) return 2;
  if (simdrop_memory_select("pages-2") != SIMDROP_OK || strcmp(simdrop_memory_current(), "pages-2") != 0) return 3;
  return 0;
}

static int memory_select_comes_first(const void *argument) {
  (void)argument;
  setenv("SIMDROP_MEMORY", "cached", 1);
  if (simdrop_memory_select("pages-4") != SIMDROP_OK) return 1;
  return strcmp(simdrop_memory_current(), "pages-4") == 0 ? 0 : 2;
}

static void memory_variable(void **state) {
  (void)state;
  const memory_wish wishes[] = {{NULL, "learned"},      {"", "learned"},        {"nonsense", "learned"},
                                {"learned", "learned"}, {"pages-8", "pages-8"}, {"pages-1-prefetch", "pages-1-prefetch"}};
  for (size_t i = 0; i < LENGTH(wishes); ++i) assert_int_equal(in_child(first_way_is, &wishes[i]), 0);
  assert_int_equal(in_child(memory_select_comes_first, NULL), 0);
}

static pthread_barrier_t barrier;
static uint8_t expected_bits[PACKED(N)];
static const simdrop_mask thread_mask = {0.3, 5, 6, 7, 0};

typedef struct first_call {
  const char *backend;
  simdrop_backend_choice reason;
  int failed;
} first_call;

static void *make_first_call(void *argument) {
  first_call *const call = argument;
  uint8_t bits[PACKED(N)] = {0};
  pthread_barrier_wait(&barrier);
  call->failed = simdrop_mask_bits(&thread_mask, N, bits) != SIMDROP_OK || memcmp(bits, expected_bits, sizeof bits) != 0;
  call->backend = simdrop_backend_current();
  call->reason = simdrop_backend_reason();
  return NULL;
}

static int all_threads_at_once(const void *argument) {
  (void)argument;
  static first_call calls[THREADS];
  pthread_t threads[THREADS];
  unsetenv("SIMDROP_BACKEND");
  if (pthread_barrier_init(&barrier, NULL, THREADS) != 0) return 1;
  for (int t = 0; t < THREADS; ++t)
    if (pthread_create(&threads[t], NULL, make_first_call, &calls[t]) != 0) return 2;
  for (int t = 0; t < THREADS; ++t) pthread_join(threads[t], NULL);
  const char *const best = simdrop_backend_name(best_supported());
  for (int t = 0; t < THREADS; ++t) {
    if (calls[t].failed) return 3;
    if (strcmp(calls[t].backend, best) != 0) return 4;
    if (calls[t].reason != SIMDROP_CHOICE_BEST) return 5;
  }
  return 0;
}

static void fill_expected_bits(void) {
  uint32_t u[N];
  uint8_t kept[N];
  oracle_u(thread_mask.seed, thread_mask.stream, thread_mask.offset, N, u);
  oracle_kept(thread_mask.p, N, u, kept);
  oracle_pack(N, kept, expected_bits);
}

static void first_call_from_many_threads(void **state) {
  (void)state;
  fill_expected_bits();
  for (int round = 0; round < (full_effort() ? 20 : 3); ++round) assert_int_equal(in_child(all_threads_at_once, NULL), 0);
}

// A choice that was made before the first call stays.
static int select_comes_first(const void *argument) {
  (void)argument;
  setenv("SIMDROP_BACKEND", simdrop_backend_name(best_supported()), 1);
  if (simdrop_backend_select("scalar") != SIMDROP_OK) return 1;
  uint8_t bits[PACKED(N)];
  if (simdrop_mask_bits(&thread_mask, N, bits) != SIMDROP_OK || memcmp(bits, expected_bits, sizeof bits) != 0) return 2;
  if (strcmp(simdrop_backend_current(), "scalar") != 0) return 3;
  return simdrop_backend_reason() == SIMDROP_CHOICE_SELECTED ? 0 : 4;
}

static void select_before_the_first_call(void **state) {
  (void)state;
  fill_expected_bits();
  assert_int_equal(in_child(select_comes_first, NULL), 0);
}

// ---- selecting while others run

static atomic_bool stop;

static void *draw_until_stopped(void *argument) {
  int *const failed = argument;
  uint8_t bits[PACKED(N)];
  while (!atomic_load(&stop))
    if (simdrop_mask_bits(&thread_mask, N, bits) != SIMDROP_OK || memcmp(bits, expected_bits, sizeof bits) != 0) *failed = 1;
  return NULL;
}

static void select_while_others_run(void **state) {
  (void)state;
  enum {
    RUNNERS = 4
  };
  fill_expected_bits();
  pthread_t threads[RUNNERS];
  int failed[RUNNERS] = {0};
  atomic_store(&stop, false);
  for (int t = 0; t < RUNNERS; ++t) assert_int_equal(pthread_create(&threads[t], NULL, draw_until_stopped, &failed[t]), 0);
  int wrong = 0;
  for (int round = 0; round < (full_effort() ? 300 : 30); ++round) FOR_EACH_BACKEND(backend) {
      for (int call = 0; call < 10; ++call) {
        uint8_t bits[PACKED(N)];
        wrong += simdrop_mask_bits(&thread_mask, N, bits) != SIMDROP_OK || memcmp(bits, expected_bits, sizeof bits) != 0;
        wrong += strcmp(simdrop_backend_current(), backend) != 0;
      }
      wrong += simdrop_backend_select("nonsense") != SIMDROP_ERROR_UNKNOWN_BACKEND;
    }
  atomic_store(&stop, true);
  for (int t = 0; t < RUNNERS; ++t) {
    pthread_join(threads[t], NULL);
    assert_int_equal(failed[t], 0);
  }
  assert_int_equal(wrong, 0);
}

int main(int argc, char **argv) {
  // The tests of the first call come first: their children must begin with nothing chosen yet.
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(environment_variable),
      cmocka_unit_test(memory_variable),
      cmocka_unit_test(first_call_from_many_threads),
      cmocka_unit_test(select_before_the_first_call),
      cmocka_unit_test(made_up_processors),
      cmocka_unit_test(made_up_arm_processors),
      cmocka_unit_test(one_arm_bit_each),
      cmocka_unit_test(sve_lengths),
      cmocka_unit_test(made_up_riscv_processors),
      cmocka_unit_test(one_bit_each),
      cmocka_unit_test(whole_bundles),
      cmocka_unit_test(wishes),
      cmocka_unit_test(caches),
      cmocka_unit_test(non_temporal_bytes),
      cmocka_unit_test(this_machine),
      cmocka_unit_test(promised_backends),
      cmocka_unit_test(listed_cache),
      cmocka_unit_test(missing_leaves),
      cmocka_unit_test(select_while_others_run),
  };
  return RUN_TESTS(argc, argv, tests);
}

// See promises.h.
#include "promises.h"

#include <simdrop/simdrop.h>

#include <stdio.h>
#include <string.h>

// What a backend needs, in the operating system's own words. Linux leaves out of its list what it does not save.
typedef struct promise {
  const char *backend;
  const char *words[16];
} promise;

#define SSSE3 "ssse3"
#define SSE4 SSSE3, "sse4_1", "sse4_2", "popcnt"
#define AVX2 SSE4, "avx", "avx2", "f16c"
#define AVX512 AVX2, "fma", "avx512f", "avx512dq", "avx512bw", "avx512vl"
#define SVE "fphp", "asimdhp", "sve", "power of two"
#define CRYPTO "aes", "pmull", "sha1", "sha2"
static const promise promises[] = {
    {"avx512", {AVX512}},
    {"avx2", {AVX2}},
    {"highway-avx3", {AVX512, "avx512cd", "bmi1", "bmi2"}},
    {"highway-avx2", {AVX2, "fma", "bmi1", "bmi2"}},
    {"highway-sse4", {SSE4}},
    {"highway-ssse3", {SSSE3}},
    {"highway-sse2", {"sse2"}},
    {"neon", {"asimd"}},
    {"sve", {SVE}},
    {"highway-sve2", {CRYPTO, SVE, "sve2", "sveaes", "svepmull"}},
    {"highway-sve", {CRYPTO, SVE}},
    {"highway-neon", {CRYPTO}},
    {"highway-rvv", {"v"}},
    {"scalar", {NULL}},
};

#if (defined(__x86_64__) || defined(__i386__)) && defined(__linux__)
#include <cpuid.h>

static char flags[16384];  // " fpu vme ... ", of the first processor

// The value of the first line with this key.
static bool find_line(FILE *file, const char *key, char *value, size_t size) {
  if (fseek(file, 0, SEEK_SET) != 0) return false;
  while (fgets(value, (int)size, file) != NULL) {
    const char *const colon = strchr(value, ':');
    if (colon == NULL || strncmp(value, key, strlen(key)) != 0) continue;
    memmove(value, colon + 1, strlen(colon + 1) + 1);
    value[strcspn(value, "\n")] = ' ';
    return true;
  }
  return false;
}

static void remove_spaces(char *text) {
  char *to = text;
  for (; *text != '\0'; ++text)
    if (*text != ' ') *to++ = *text;
  *to = '\0';
}

// Under an emulator of user programs the file is about the machine that emulates.
static bool is_this_processor(const char *model) {
  unsigned words[13] = {0};
  for (unsigned leaf = 0; leaf < 3; ++leaf) {
    unsigned *const w = words + 4 * leaf;
    if (!__get_cpuid(0x80000002 + leaf, &w[0], &w[1], &w[2], &w[3])) return true;
  }
  char name[sizeof words];
  memcpy(name, words, sizeof name);
  remove_spaces(name);
  return strcmp(name, model) == 0;
}

const char *no_promises(void) {
  if (flags[0] != '\0') return NULL;
  FILE *const file = fopen("/proc/cpuinfo", "r");
  if (file == NULL) return "/proc/cpuinfo cannot be read";
  char model[256];
  const bool named = find_line(file, "model name", model, sizeof model), listed = find_line(file, "flags", flags, sizeof flags);
  fclose(file);
  if (!named || !listed) return "/proc/cpuinfo has no flags";
  remove_spaces(model);
  if (is_this_processor(model)) return NULL;
  flags[0] = '\0';
  return "/proc/cpuinfo is about another processor: this one is emulated";
}

static bool has(const char *word) {
  char wanted[32];
  snprintf(wanted, sizeof wanted, " %s ", word);
  return strstr(flags, wanted) != NULL;
}

#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>  // with the kernel's bits; its own asm/hwcap.h is not installed everywhere
#include <sys/prctl.h>

// Those that the headers of older systems lack.
#if !defined(HWCAP_SVE)
#define HWCAP_SVE (1 << 22)
#endif
#if !defined(HWCAP2_SVE2)
#define HWCAP2_SVE2 (1 << 1)
#define HWCAP2_SVEAES (1 << 2)
#define HWCAP2_SVEPMULL (1 << 3)
#endif
#if !defined(PR_SVE_GET_VL)
#define PR_SVE_GET_VL 51
#endif

const char *no_promises(void) { return NULL; }

static bool is_sve_power_of_two(void) {
  const int bytes = prctl(PR_SVE_GET_VL) & 0xffff;
  return (bytes & (bytes - 1)) == 0;
}

static bool has(const char *word) {
  static const struct {
    const char *word;
    unsigned long type, bit;
  } bits[] = {
      {"asimd", AT_HWCAP, HWCAP_ASIMD},         {"aes", AT_HWCAP, HWCAP_AES},
      {"pmull", AT_HWCAP, HWCAP_PMULL},         {"sha1", AT_HWCAP, HWCAP_SHA1},
      {"sha2", AT_HWCAP, HWCAP_SHA2},           {"fphp", AT_HWCAP, HWCAP_FPHP},
      {"asimdhp", AT_HWCAP, HWCAP_ASIMDHP},     {"sve", AT_HWCAP, HWCAP_SVE},
      {"sve2", AT_HWCAP2, HWCAP2_SVE2},         {"sveaes", AT_HWCAP2, HWCAP2_SVEAES},
      {"svepmull", AT_HWCAP2, HWCAP2_SVEPMULL},
  };
  if (strcmp(word, "power of two") == 0) return is_sve_power_of_two();
  for (size_t i = 0; i < sizeof bits / sizeof bits[0]; ++i)
    if (strcmp(bits[i].word, word) == 0) return (getauxval(bits[i].type) & bits[i].bit) != 0;
  return false;
}

#elif defined(__riscv) && defined(__linux__)
#include <sys/auxv.h>

const char *no_promises(void) { return NULL; }

// Linux's bits are those of the letters.
static bool has(const char *word) { return (getauxval(AT_HWCAP) >> (word[0] - 'a') & 1) != 0; }

#else

const char *no_promises(void) {
#if defined(__x86_64__) || defined(__i386__) || defined(__aarch64__)
  return "only Linux is asked what its processors have";
#else
  return NULL;  // there is nothing but scalar
#endif
}

static bool has(const char *word) {
  (void)word;
  return false;
}

#endif

bool is_promised(size_t index) {
  const char *const name = simdrop_backend_name(index);
  size_t at = 0;
  while (at < sizeof promises / sizeof promises[0] && strcmp(promises[at].backend, name) != 0) ++at;
  if (at == sizeof promises / sizeof promises[0]) return true;  // a backend that has no line above: it must get one
  for (const char *const *word = promises[at].words; *word != NULL; ++word)
    if (no_promises() != NULL || !has(*word)) return false;
  return true;
}

bool is_missed(size_t index) {
  return simdrop_backend_compiled(index) && is_promised(index) && !simdrop_backend_supported(index);
}

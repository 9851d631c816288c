// CPUID where there is one, /proc and sysconf for the rest.
#include "shared/cpu_info.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#define KNOWS_FEATURES 1
#elif (defined(__aarch64__) && (defined(SIMDROP_HAVE_GETAUXVAL) || defined(SIMDROP_HAVE_ELF_AUX_INFO))) || \
    (defined(__riscv) && defined(SIMDROP_HAVE_GETAUXVAL))
#include <sys/auxv.h>
#define KNOWS_FEATURES 1
#else
#define KNOWS_FEATURES 0
#endif

#if KNOWS_FEATURES
static void add_feature(cpu_info *cpu, const char *name) {
  const size_t used = strlen(cpu->features);
  snprintf(cpu->features + used, sizeof cpu->features - used, "%s%s", used == 0 ? "" : " ", name);
}
#endif

#if defined(__x86_64__) || defined(__i386__)

typedef enum register_name {
  EAX,
  EBX,
  ECX,
  EDX
} register_name;

// state: the bits of XCR0 without which the operating system does not keep the feature's registers.
typedef struct x86_feature {
  const char *name;
  unsigned leaf;
  register_name source;
  int bit;
  unsigned state;
} x86_feature;

static const x86_feature x86_features[] = {
    {"sse2", 1, EDX, 26, 0},          {"ssse3", 1, ECX, 9, 0},
    {"sse4.1", 1, ECX, 19, 0},        {"sse4.2", 1, ECX, 20, 0},
    {"avx", 1, ECX, 28, 0x6},         {"f16c", 1, ECX, 29, 0x6},
    {"fma", 1, ECX, 12, 0x6},         {"avx2", 7, EBX, 5, 0x6},
    {"avx512f", 7, EBX, 16, 0xe6},    {"avx512dq", 7, EBX, 17, 0xe6},
    {"avx512bw", 7, EBX, 30, 0xe6},   {"avx512vl", 7, EBX, 31, 0xe6},
    {"avx512ifma", 7, EBX, 21, 0xe6}, {"avx512vbmi", 7, ECX, 1, 0xe6},
    {"avx512vbmi2", 7, ECX, 6, 0xe6}, {"avx512bitalg", 7, ECX, 12, 0xe6},
    {"avx512fp16", 7, EDX, 23, 0xe6},
};

static unsigned enabled_state(void) {
  unsigned registers[4] = {0}, low = 0, high = 0;
  if (!__get_cpuid(1, &registers[EAX], &registers[EBX], &registers[ECX], &registers[EDX])) return 0;
  if (registers[ECX] >> 27 & 1) __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));  // OSXSAVE
  return low;
}

static void read_brand(cpu_info *cpu) {
  unsigned registers[12];
  char text[sizeof registers + 1] = {0};
  for (unsigned i = 0; i < 3; ++i) {
    unsigned *const r = registers + 4 * i;
    if (!__get_cpuid(0x80000002u + i, &r[EAX], &r[EBX], &r[ECX], &r[EDX])) return;
  }
  memcpy(text, registers, sizeof registers);
  snprintf(cpu->brand, sizeof cpu->brand, "%s", text + strspn(text, " "));
}

static void read_processor(cpu_info *cpu) {
  const unsigned state = enabled_state();
  for (size_t i = 0; i < sizeof x86_features / sizeof x86_features[0]; ++i) {
    const x86_feature *const feature = &x86_features[i];
    unsigned registers[4] = {0};
    if (!__get_cpuid_count(feature->leaf, 0, &registers[EAX], &registers[EBX], &registers[ECX], &registers[EDX])) continue;
    if ((registers[feature->source] >> feature->bit & 1) && (feature->state & ~state) == 0) add_feature(cpu, feature->name);
  }
  read_brand(cpu);
}

#elif KNOWS_FEATURES

static unsigned long hardware_capabilities(void) {
#if defined(SIMDROP_HAVE_GETAUXVAL)
  return getauxval(AT_HWCAP);
#else
  unsigned long word;
  return elf_aux_info(AT_HWCAP, &word, sizeof word) == 0 ? word : 0;
#endif
}

typedef struct hardware_feature {
  const char *name;
  int bit;  // of AT_HWCAP
} hardware_feature;

#if defined(__aarch64__)
static const hardware_feature features[] = {{"asimd", 1}, {"asimdhp", 10}, {"sve", 22}};
#else
static const hardware_feature features[] = {{"v", 'v' - 'a'}};
#endif

static void read_processor(cpu_info *cpu) {
  const unsigned long capabilities = hardware_capabilities();
  for (size_t i = 0; i < sizeof features / sizeof features[0]; ++i)
    if (capabilities >> features[i].bit & 1) add_feature(cpu, features[i].name);
}

#else

static void read_processor(cpu_info *cpu) { (void)cpu; }

#endif

// Reads one line of a file of /proc or /sys; false if it isn't there.
static bool read_line(const char *path, size_t size, char *line) {
  FILE *const file = fopen(path, "r");
  if (file == NULL) return false;
  const bool read = fgets(line, (int)size, file) != NULL;
  fclose(file);
  if (read) line[strcspn(line, "\n")] = '\0';
  return read;
}

// Where CPUID gave no name: the device tree's, or at least the architecture's.
static void read_fallback_brand(cpu_info *cpu) {
  struct utsname machine;
  if (cpu->brand[0] != '\0' || read_line("/sys/firmware/devicetree/base/model", sizeof cpu->brand, cpu->brand)) return;
  snprintf(cpu->brand, sizeof cpu->brand, "%s", uname(&machine) == 0 ? machine.machine : "unknown");
}

static uint64_t positive(long value) { return value > 0 ? (uint64_t)value : 0; }

// The kernel's list: sysconf does not know the caches of every processor, and multiplies some.
static void read_caches_from_sys(cpu_info *cpu) {
  for (int index = 0; index < 8; ++index) {
    char path[96], level[16], type[32], size[32];
    const char *const names[] = {"level", "type", "size"};
    char *const lines[] = {level, type, size};
    const size_t sizes[] = {sizeof level, sizeof type, sizeof size};
    for (int i = 0; i < 3; ++i) {
      snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/%s", index, names[i]);
      if (!read_line(path, sizes[i], lines[i])) return;
    }
    const long number = strtol(level, NULL, 10);
    if (number < 1 || number > 3 || strcmp(type, "Instruction") == 0 || cpu->cache_bytes[number - 1] != 0) continue;
    char *unit;
    const unsigned long count = strtoul(size, &unit, 10);
    cpu->cache_bytes[number - 1] = (uint64_t)count << (*unit == 'K' ? 10 : *unit == 'M' ? 20 : 0);
  }
}

static void read_caches(cpu_info *cpu) {
  read_caches_from_sys(cpu);
#if defined(_SC_LEVEL1_DCACHE_SIZE)
  if (cpu->cache_bytes[0] != 0) return;
  cpu->cache_bytes[0] = positive(sysconf(_SC_LEVEL1_DCACHE_SIZE));
  cpu->cache_bytes[1] = positive(sysconf(_SC_LEVEL2_CACHE_SIZE));
  cpu->cache_bytes[2] = positive(sysconf(_SC_LEVEL3_CACHE_SIZE));
#endif
}

cpu_info cpu_info_read(void) {
  cpu_info cpu = {.brand = ""};
  read_processor(&cpu);
  read_fallback_brand(&cpu);
  read_caches(&cpu);
  cpu.processors = sysconf(_SC_NPROCESSORS_ONLN);
#if defined(_SC_PHYS_PAGES)
  cpu.memory_bytes = positive(sysconf(_SC_PHYS_PAGES)) * positive(sysconf(_SC_PAGESIZE));
#endif
  return cpu;
}

const char *cpu_info_level(const cpu_info *cpu, uint64_t bytes) {
  static const char *const names[] = {"L1", "L2", "L3"};
  for (int level = 0; level < 3; ++level)
    if (bytes <= cpu->cache_bytes[level]) return names[level];
  return "DRAM";
}

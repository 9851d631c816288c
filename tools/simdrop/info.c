// simdrop info: what this build has and what this machine can run.
#include <simdrop/simdrop.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "shared/args.h"
#include "shared/backend.h"
#include "shared/console.h"
#include "shared/cpu_info.h"
#include "shared/json.h"
#include "shared/memory.h"
#include "shared/report.h"

static const char *yes_or_no(int value) { return value ? "yes" : "no"; }

static bool is_current(size_t index) { return strcmp(simdrop_backend_name(index), simdrop_backend_current()) == 0; }

static void print_json(const cpu_info *cpu, const char *reason, const char *reason_of_memory) {
  json_writer json = json_begin(console_out());
  json_text(&json, "version", simdrop_version_string());
  json_text(&json, "cpu", cpu->brand);
  json_text(&json, "features", cpu->features);
  json_open_object(&json, "cache_bytes");
  json_integer(&json, "L1d", cpu->cache_bytes[0]);
  json_integer(&json, "L2", cpu->cache_bytes[1]);
  json_integer(&json, "L3", cpu->cache_bytes[2]);
  json_close_object(&json);
  json_text(&json, "backend", simdrop_backend_current());
  json_text(&json, "reason", reason);
  json_text(&json, "memory", simdrop_memory_current());
  json_text(&json, "memory_reason", reason_of_memory);
  json_text(&json, "sleef", simdrop_sleef_version());
  json_text(&json, "f64_functions", simdrop_f64_functions());
  json_open_array(&json, "backends");
  for (size_t i = 0; i < simdrop_backend_count(); ++i) {
    json_open_object(&json, NULL);
    json_text(&json, "name", simdrop_backend_name(i));
    json_boolean(&json, "compiled", simdrop_backend_compiled(i) != 0);
    json_boolean(&json, "supported", simdrop_backend_supported(i) != 0);
    json_boolean(&json, "chosen", is_current(i));
    json_close_object(&json);
  }
  json_close_array(&json);
  json_end(&json);
}

static void print_caches(const cpu_info *cpu) {
  static const char *const names[] = {"L1d", "L2", "L3"};
  const char *separator = "";
  for (int level = 0; level < 3; ++level) {
    if (cpu->cache_bytes[level] == 0) continue;
    console_print("%s%s %" PRIu64 " KiB", separator, names[level], cpu->cache_bytes[level] >> 10);
    separator = ", ";
  }
  console_print("%s\n", separator[0] == '\0' ? "unknown" : "");
}

// The functions of fused kernels in double.
static void print_f64_functions(void) {
  const char *const version = simdrop_sleef_version(), *const set = simdrop_f64_functions();
  console_print("doubles   ");
  if (version == NULL) {
    console_print("built without SLEEF: no GELU, SiLU and softmax of f64\n");
  } else if (set == NULL) {
    console_print("SLEEF %s, which needs a fused multiply-add: no GELU, SiLU and softmax of f64 here\n", version);
  } else {
    console_print("GELU, SiLU and softmax of f64 by SLEEF %s, %s\n", version, set);
  }
}

static void print_text(const cpu_info *cpu, const char *reason, const char *reason_of_memory) {
  console_print("simdrop   %s\n", simdrop_version_string());
  console_print("CPU       %s\n", cpu->brand);
  console_print("features  %s\n", cpu->features[0] != '\0' ? cpu->features : "none that matter here");
  console_print("caches    ");
  print_caches(cpu);
  console_print("memory    %s: %s\n", simdrop_memory_current(), reason_of_memory);
  print_f64_functions();
  console_print("\nbackend        compiled in  runs here  chosen\n");
  for (size_t i = 0; i < simdrop_backend_count(); ++i) {
    console_print("%-13s  %-11s  %-9s", simdrop_backend_name(i), yes_or_no(simdrop_backend_compiled(i)),
                  yes_or_no(simdrop_backend_supported(i)));
    if (is_current(i)) console_print("  yes: %s", reason);
    console_print("\n");
  }
}

int run_info(int argc, char **argv) {
  bool as_json = false;
  const char *backend = NULL;
  const arg_option options[] = {
      {"json", NULL, "the same as JSON", ARG_FLAG, &as_json, NULL, false},
      {ARG_BACKEND_OPTION(&backend)},
  };
  const arg_spec spec = {
      .command = "info",
      .summary =
          "Shows the version, the processor, how large calls go through memory, which functions of doubles SLEEF computes,\n"
          "and for each backend whether it is compiled in, runs on this machine, and is the one chosen, and why.",
      .options = options,
      .option_count = sizeof options / sizeof options[0]};
  const arg_result parsed = args_parse(&spec, argc, argv);
  if (parsed != ARGS_RUN) return parsed == ARGS_HELPED ? EXIT_SUCCESS : EXIT_REFUSED;
  if (!backend_use(backend)) return EXIT_REFUSED;
  char reason[512], reason_of_memory[512];
  backend_reason(sizeof reason, reason);
  memory_reason(sizeof reason_of_memory, reason_of_memory);
  const cpu_info cpu = cpu_info_read();
  if (as_json) {
    print_json(&cpu, reason, reason_of_memory);
  } else {
    report_hide_controls(reason);
    report_hide_controls(reason_of_memory);
    print_text(&cpu, reason, reason_of_memory);
  }
  return EXIT_SUCCESS;
}

// simdrop bench: the kernels against memcpy, as a table for people and as JSON for programs.
#include <simdrop/simdrop.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "backend.h"
#include "bench_layouts.h"
#include "bench_measure.h"
#include "commands.h"
#include "cpu_info.h"
#include "json.h"
#include "output_file.h"
#include "report.h"

#define SMALL_CALL 1024  // elements up to which the time of a whole call is the interesting figure

static const char *const dtype_names[] = {"f32", "f64", "f16", "bf16", NULL};  // in the order of simdrop_dtype
static const bench_effort full_effort = {21, 7, 0.12}, short_effort = {11, 5, 0.03};

typedef struct bench_request {
  arg_size_list n;
  arg_probability_list p;
  uint64_t kernels, layouts, dtypes;  // one bit for each
  const char *backend, *json_name;
  bool is_short;
} bench_request;

// Where the results go.
typedef struct bench_output {
  const bench_request *request;
  cpu_info cpu;
  json_writer json;  // its file is NULL if no JSON is wanted
} bench_output;

static const char *scaled_bytes(double bytes, size_t size, char *text) {
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  int unit = 0;
  for (; bytes >= 1024 && unit < 4; ++unit) bytes /= 1024;
  snprintf(text, size, "%.4g %s", bytes, units[unit]);
  return text;
}

static const char *compiler_name(void) {
#if defined(__clang__)
  return __VERSION__;
#elif defined(__GNUC__)
  return "GCC " __VERSION__;
#else
  return "unknown";
#endif
}

static void write_context(bench_output *output) {
  static const char *const levels[] = {"L1d", "L2", "L3"};
  json_writer *const json = &output->json;
  json_open_object(json, "context");
  json_text(json, "executable", "simdrop bench");
  json_text(json, "library_version", simdrop_version_string());
  json_text(json, "cpu", output->cpu.brand);
  json_text(json, "cpu_features", output->cpu.features);
  json_integer(json, "num_cpus", output->cpu.processors > 0 ? (uint64_t)output->cpu.processors : 0);
  json_open_array(json, "caches");
  for (int level = 0; level < 3; ++level) {
    if (output->cpu.cache_bytes[level] == 0) continue;
    json_open_object(json, NULL);
    json_text(json, "name", levels[level]);
    json_integer(json, "level", (uint64_t)level + 1);
    json_integer(json, "size", output->cpu.cache_bytes[level]);
    json_close_object(json);
  }
  json_close_array(json);
  json_text(json, "compiler", compiler_name());
  json_text(json, "flags", SIMDROP_TOOL_FLAGS);
  json_close_object(json);
}

static void print_heading(const bench_output *output, const bench_case *c) {
  char tensor[32], level_size[32] = "";
  const uint64_t bytes = 2 * (uint64_t)c->n * c->element_size;
  const char *const level = cpu_info_level(&output->cpu, bytes);
  for (int i = 0; i < 3; ++i)
    if (level[0] == 'L' && level[1] == '1' + i) scaled_bytes((double)output->cpu.cache_bytes[i], sizeof level_size, level_size);
  printf("\n%s%s%s: %zu elements of %s, input and output %s\n", level, level_size[0] != '\0' ? " of " : "", level_size, c->n,
         dtype_names[c->dtype], scaled_bytes((double)bytes, sizeof tensor, tensor));
  if (output->request->layouts != 0) {
    printf("  %-16s  %-13s  %7s  %9s  %17s  %8s  %15s  %s\n", "layout", "backend", "p", "ns/elem", "10-90 %", "ratio",
           "10-90 %", "to");
    fflush(stdout);
    return;
  }
  printf("  %-16s  %-13s  %7s  %9s  %17s  %7s  %8s  %15s", "kernel", "backend", "p", "ns/elem", "10-90 %", "GB/s", "x memcpy",
         "10-90 %");
  printf(c->n <= SMALL_CALL ? "  %9s\n" : "%s\n", c->n <= SMALL_CALL ? "ns/call" : "");
  fflush(stdout);
}

// "low-high" with so many decimals.
static const char *range(const bench_spread *spread, double divisor, int decimals, size_t size, char *text) {
  snprintf(text, size, "%.*f-%.*f", decimals, spread->low / divisor, decimals, spread->high / divisor);
  return text;
}

static void print_row(const bench_kernel *kernel, const bench_case *c, const bench_result *result) {
  const double n = (double)c->n;
  char p[16] = "-", time_range[64], ratio_range[64];
  if (kernel->group != BENCH_COPY) snprintf(p, sizeof p, "%.5g", c->mask.p);
  printf("  %-16s  %-13s  %7s  %9.4f  %17s  %7.1f  %8.3f  %15s", kernel->name,
         kernel->group == BENCH_LIBRARY ? simdrop_backend_current() : "-", p, result->nanoseconds.median / n,
         range(&result->nanoseconds, n, 4, sizeof time_range, time_range), bench_bytes(kernel, c) / result->nanoseconds.median,
         result->ratio.median, range(&result->ratio, 1, 3, sizeof ratio_range, ratio_range));
  if (c->n <= SMALL_CALL) printf("  %9.1f", result->nanoseconds.median);
  putchar('\n');
  fflush(stdout);
}

static void write_spread(json_writer *json, const char *key, const bench_spread *spread, double divisor) {
  json_open_object(json, key);
  json_number(json, "median", spread->median / divisor);
  json_number(json, "p10", spread->low / divisor);
  json_number(json, "p90", spread->high / divisor);
  json_close_object(json);
}

static void write_row(bench_output *output, const bench_kernel *kernel, const bench_case *c, const bench_result *result) {
  json_writer *const json = &output->json;
  const char *const backend = kernel->group == BENCH_LIBRARY ? simdrop_backend_current() : "none";
  char name[160];
  snprintf(name, sizeof name, "%s/%s/%s/n:%zu/p:%.10g", kernel->name, backend, dtype_names[c->dtype], c->n, c->mask.p);
  json_open_object(json, NULL);
  json_text(json, "name", name);
  json_text(json, "run_name", name);
  json_text(json, "run_type", "iteration");
  json_integer(json, "iterations", result->repetitions * (uint64_t)result->rounds);
  json_number(json, "real_time", result->nanoseconds.median);
  json_text(json, "time_unit", "ns");
  json_number(json, "bytes_per_second", 1e9 * bench_bytes(kernel, c) / result->nanoseconds.median);
  json_number(json, "items_per_second", 1e9 * (double)c->n / result->nanoseconds.median);
  json_text(json, "kernel", kernel->name);
  json_text(json, "backend", backend);
  json_text(json, "dtype", dtype_names[c->dtype]);
  json_integer(json, "n", c->n);
  json_number(json, "p", c->mask.p);
  json_text(json, "level", cpu_info_level(&output->cpu, 2 * (uint64_t)c->n * c->element_size));
  json_integer(json, "rounds", (uint64_t)result->rounds);
  write_spread(json, "ns_per_element", &result->nanoseconds, (double)c->n);
  write_spread(json, "memcpy_ns_per_element", &result->reference_nanoseconds, (double)c->n);
  write_spread(json, "ratio_to_memcpy", &result->ratio, 1);
  json_close_object(json);
}

static void print_layout_row(const bench_layout *layout, const bench_case *c, const bench_result *result) {
  const double n = (double)bench_layout_elements(&c->layout);
  char time_range[64], ratio_range[64];
  printf("  %-16s  %-13s  %7.5g  %9.4f  %17s  %8.3f  %15s  %s\n", layout->name, simdrop_backend_current(), c->mask.p,
         result->nanoseconds.median / n, range(&result->nanoseconds, n, 4, sizeof time_range, time_range), result->ratio.median,
         range(&result->ratio, 1, 3, sizeof ratio_range, ratio_range), layout->reference_name);
  fflush(stdout);
}

static void write_layout_row(bench_output *output, const bench_layout *layout, const bench_case *c,
                             const bench_result *result) {
  json_writer *const json = &output->json;
  const size_t n = bench_layout_elements(&c->layout);
  char name[160];
  snprintf(name, sizeof name, "layout-%s/%s/%s/n:%zu/p:%.10g", layout->name, simdrop_backend_current(), dtype_names[c->dtype],
           c->n, c->mask.p);
  json_open_object(json, NULL);
  json_text(json, "name", name);
  json_text(json, "run_name", name);
  json_text(json, "run_type", "iteration");
  json_integer(json, "iterations", result->repetitions * (uint64_t)result->rounds);
  json_number(json, "real_time", result->nanoseconds.median);
  json_text(json, "time_unit", "ns");
  json_number(json, "items_per_second", 1e9 * (double)n / result->nanoseconds.median);
  json_text(json, "layout", layout->name);
  json_text(json, "shape", layout->shape);
  json_text(json, "backend", simdrop_backend_current());
  json_text(json, "dtype", dtype_names[c->dtype]);
  json_integer(json, "n", c->n);
  json_integer(json, "elements", n);
  json_number(json, "p", c->mask.p);
  json_text(json, "level", cpu_info_level(&output->cpu, 2 * (uint64_t)n * c->element_size));
  json_integer(json, "rounds", (uint64_t)result->rounds);
  json_text(json, "reference", layout->reference_name);
  write_spread(json, "ns_per_element", &result->nanoseconds, (double)n);
  write_spread(json, "reference_ns_per_element", &result->reference_nanoseconds, (double)n);
  write_spread(json, "ratio_to_reference", &result->ratio, 1);
  json_close_object(json);
}

// Ordinary activations: about uniform in [-1, 1), different in every element, so that no page is shared or untouched.
static void fill_elements(simdrop_dtype dtype, size_t n, void *elements) {
  uint32_t random = 1;
  for (size_t i = 0; i < n; ++i) {
    random = random * 1664525u + 1013904223u;  // Numerical Recipes' quick generator is enough here
    const float value = (float)(int32_t)random * 0x1p-31f;
    const uint16_t half = (uint16_t)((random >> 16 & 0x83ffu) | 0x3800u);  // binary16 in [0.5, 1)
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    switch (dtype) {
      case SIMDROP_F32: ((float *)elements)[i] = value; break;
      case SIMDROP_F64: ((double *)elements)[i] = value; break;
      case SIMDROP_F16: ((uint16_t *)elements)[i] = half; break;
      default: ((uint16_t *)elements)[i] = (uint16_t)(bits >> 16); break;
    }
  }
}

static void free_case(bench_case *c) {
  free(c->x);
  free(c->y);
  free(c->bits);
}

// Allocates and touches the buffers of one size. The system may promise more memory than there is, so its size is checked.
static bool prepare_case(const cpu_info *cpu, simdrop_dtype dtype, uint64_t n, bench_case *c) {
  const size_t size = simdrop_dtype_size(dtype);
  *c = (bench_case){.mask = {.seed = 42}, .dtype = dtype, .n = (size_t)n, .element_size = size};
  const bool fits = n <= SIZE_MAX / 4 / size && (cpu->memory_bytes == 0 || n <= cpu->memory_bytes / (2 * size + 1));
  if (!fits || posix_memalign(&c->x, 64, c->n * size) != 0 || posix_memalign(&c->y, 64, c->n * size) != 0 ||
      (c->bits = malloc(c->n / 8 + 1)) == NULL) {
    report_error("bench: --n %" PRIu64 " needs more memory than there is", n);
    free_case(c);
    return false;
  }
  fill_elements(dtype, c->n, c->x);
  memset(c->y, 0, c->n * size);
  return true;
}

// The mask of this p, for the kernels that read it.
static void set_probability(bench_case *c, double p) {
  c->mask.p = p;
  c->threshold = (uint64_t)(p * 0x1p32 + 0.5);
  simdrop_scale(p, &c->scale);
  simdrop_mask_bits(&c->mask, c->n, c->bits);
}

static const bench_effort *effort_of(const bench_request *request) { return request->is_short ? &short_effort : &full_effort; }

static void measure_row(bench_output *output, const bench_kernel *kernel, bench_case *c) {
  c->copy_bytes = bench_copy_bytes(kernel, c);
  const bench_result result = bench_measure(kernel->run, bench_copy, c, effort_of(output->request));
  print_row(kernel, c, &result);
  if (output->json.file != NULL) write_row(output, kernel, c, &result);
}

static bool is_selected(const bench_request *request, const bench_case *c, int kernel) {
  const bool written_for_dtype = bench_kernels[kernel].group != BENCH_BASELINE || c->element_size >= sizeof(float);
  return (request->kernels >> kernel & 1) && written_for_dtype;
}

static void measure_group(bench_output *output, bench_case *c, bench_group group) {
  const arg_probability_list *const p = &output->request->p;
  for (int kernel = 0; kernel < bench_kernel_count; ++kernel) {
    if (bench_kernels[kernel].group != group || !is_selected(output->request, c, kernel)) continue;
    for (size_t i = 0; i < (group == BENCH_COPY ? 1 : p->count); ++i) {
      set_probability(c, group == BENCH_COPY ? 0 : p->values[i]);
      measure_row(output, &bench_kernels[kernel], c);
    }
  }
}

static void measure_layouts(bench_output *output, bench_case *c) {
  const arg_probability_list *const p = &output->request->p;
  for (int i = 0; i < bench_layout_count; ++i) {
    if (!(output->request->layouts >> i & 1)) continue;
    c->mask.offset = 0;
    bench_layouts[i].prepare(c);
    if (bench_layout_extent(&c->layout) > c->n) continue;  // not even one sample fits
    for (size_t k = 0; k < p->count; ++k) {
      c->mask.p = p->values[k];
      simdrop_scale(c->mask.p, &c->scale);
      const bench_result result = bench_measure(bench_run_layout, bench_layouts[i].reference, c, effort_of(output->request));
      print_layout_row(&bench_layouts[i], c, &result);
      if (output->json.file != NULL) write_layout_row(output, &bench_layouts[i], c, &result);
    }
  }
}

static void measure_backend(bench_output *output, bench_case *c) {
  if (output->request->layouts != 0) {
    measure_layouts(output, c);
  } else {
    measure_group(output, c, BENCH_LIBRARY);
  }
}

// One size and type: what depends on no backend first, then each backend.
static void measure_size(bench_output *output, bench_case *c) {
  const bool all = output->request->backend != NULL && strcmp(output->request->backend, "all") == 0;
  print_heading(output, c);
  if (output->request->layouts == 0) {
    measure_group(output, c, BENCH_COPY);
    measure_group(output, c, BENCH_BASELINE);
  }
  if (!all) {
    measure_backend(output, c);
    return;
  }
  for (size_t i = 0; i < simdrop_backend_count(); ++i) {
    if (!simdrop_backend_supported(i)) continue;
    simdrop_backend_select(simdrop_backend_name(i));
    measure_backend(output, c);
  }
}

static bool measure_all(bench_output *output) {
  const bench_request *const request = output->request;
  for (size_t i = 0; i < request->n.count; ++i) {
    for (int dtype = 0; dtype_names[dtype] != NULL; ++dtype) {
      bench_case c;
      if (!(request->dtypes >> dtype & 1)) continue;
      if (!prepare_case(&output->cpu, (simdrop_dtype)dtype, request->n.values[i], &c)) return false;
      measure_size(output, &c);
      free_case(&c);
    }
  }
  return true;
}

static void print_title(const bench_output *output) {
  printf("simdrop %s on %s, one thread; backend %s\n", simdrop_version_string(), output->cpu.brand,
         output->request->backend != NULL ? output->request->backend : simdrop_backend_current());
  if (output->request->layouts != 0) {
    printf(
        "Medians over rounds in which the layout and what it is compared with take turns on the same buffers: scale is a\n"
        "plain loop y = x * s over as many elements, forward is simdrop_forward, row memcpy copies the rows one by one.\n");
    return;
  }
  printf(
      "Medians over rounds in which kernel and memcpy take turns on the same buffers; 10-90 %% is the range of the middle\n"
      "rounds. GB/s counts bytes read and written. x memcpy is the time over that of a memcpy of the same bytes: of the\n"
      "tensor, or of the mask where a kernel only writes that. philox-32bit is a plain loop with 32 random bits an element.\n");
}

static bool run_with_json(bench_output *output) {
  char *text = NULL;
  size_t size = 0;
  FILE *const file = open_memstream(&text, &size);
  if (file == NULL) {
    report_error("bench: there is no memory for the JSON text");
    return false;
  }
  output->json = json_begin(file);
  write_context(output);
  json_open_array(&output->json, "benchmarks");
  const bool measured = measure_all(output);
  json_close_array(&output->json);
  json_end(&output->json);
  const bool complete = fclose(file) == 0;
  if (!complete) report_error("bench: there is no memory for the JSON text");
  const bool saved = measured && complete && output_save(output->request->json_name, text, size);
  free(text);
  return saved;
}

static uint64_t kernel_bit(const char *name) {
  for (int i = 0; i < bench_kernel_count; ++i)
    if (strcmp(bench_kernel_names[i], name) == 0) return UINT64_C(1) << i;
  return 0;
}

static void set_default_kernels(bench_request *request) {
  if (request->kernels != 0 || request->layouts != 0) return;
  static const char *const short_list[] = {"memcpy", "philox-32bit", "forward", "forward-bits", "apply-bits"};
  for (size_t i = 0; i < sizeof short_list / sizeof short_list[0]; ++i) request->kernels |= kernel_bit(short_list[i]);
  if (!request->is_short) request->kernels = (UINT64_C(1) << bench_kernel_count) - 1;
}

static bool check_request(const bench_request *request) {
  for (size_t i = 0; i < request->n.count; ++i) {
    if (request->n.values[i] == 0) {
      report_error("bench: --n takes sizes of at least 1");
      return false;
    }
  }
  if (request->kernels != 0 && request->layouts != 0) {
    report_error("bench: --kernel and --layout exclude each other");
    return false;
  }
  const uint64_t half_types = UINT64_C(1) << SIMDROP_F16 | UINT64_C(1) << SIMDROP_BF16;
  if (request->kernels == kernel_bit("philox-32bit") && (request->dtypes & ~half_types) == 0) {
    report_error("bench: philox-32bit is written for f32 and f64 only");
    return false;
  }
  if (request->layouts != 0 && (request->dtypes & half_types) != 0) {
    report_error("bench: --layout measures f32 and f64 only");
    return false;
  }
  return request->backend == NULL || strcmp(request->backend, "all") == 0 || backend_use(request->backend);
}

static int run_request(const bench_request *request) {
  bench_output output = {.request = request, .cpu = cpu_info_read()};
  print_title(&output);
  if (request->json_name == NULL) return measure_all(&output) ? EXIT_SUCCESS : EXIT_REFUSED;
  return run_with_json(&output) ? EXIT_SUCCESS : EXIT_REFUSED;
}

int run_bench(int argc, char **argv) {
  bench_request request = {.n = {4, {2 << 10, 64 << 10, 1 << 20, 64 << 20}}, .p = {2, {0.1, 0.5}}, .dtypes = 1 << SIMDROP_F32};
  const arg_option options[] = {
      {"kernel", "LIST",
       "some of memcpy, philox-32bit, forward, forward-bits, forward-in-place, backward, apply-bits,\n"
       "mask-bits, mask-bytes with commas between, or all (default)",
       ARG_CHOICE_LIST, &request.kernels, bench_kernel_names, false},
      {"layout", "LIST",
       "measure layouts instead, of f32 or f64: some of dense, first-1x1, first-7x7, first-8x8, first-14x14,\n"
       "first-56x56, last-3, last-64, last-100, tile-64, tile-128, tile-512, tile-1024, view-64, view-256,\n"
       "batch-first, time-first, drop-path, transposed, or all",
       ARG_CHOICE_LIST, &request.layouts, bench_layout_names, false},
      {"dtype", "LIST", "some of f32 (default), f64, f16, bf16, or all", ARG_CHOICE_LIST, &request.dtypes, dtype_names, false},
      {"n", "LIST", "numbers of elements (default 2Ki,64Ki,1Mi,64Mi)", ARG_SIZE_LIST, &request.n, NULL, false},
      {"p", "LIST", "probabilities of dropping (default 0.1,0.5)", ARG_PROBABILITY_LIST, &request.p, NULL, false},
      {"json", "FILE", "also write the results as JSON, with Google Benchmark's field names where they fit", ARG_TEXT,
       &request.json_name, NULL, false},
      {"short", NULL, "fewer rounds, and by default fewer kernels", ARG_FLAG, &request.is_short, NULL, false},
      {"backend", "NAME", "measure this backend, or all that run here (default: the one that calls would use)", ARG_TEXT,
       &request.backend, NULL, false},
  };
  const arg_spec spec = {
      .command = "bench",
      .summary =
          "Measures the kernels on one thread: nanoseconds an element, GB/s, and the time against memcpy of the same\n"
          "bytes, taken in turn with the kernel on the same buffers; medians, and the range of the middle 80 %.",
      .options = options,
      .option_count = sizeof options / sizeof options[0],
      .notes =
          "Sizes take the suffixes Ki, Mi, Gi, Ti. The first two kernels are there to compare with: memcpy itself, and\n"
          "philox-32bit, a plain loop with 32 random bits an element (f32 and f64 only)."};
  const arg_result parsed = args_parse(&spec, argc, argv);
  if (parsed != ARGS_RUN) return parsed == ARGS_HELPED ? EXIT_SUCCESS : EXIT_REFUSED;
  set_default_kernels(&request);
  return check_request(&request) ? run_request(&request) : EXIT_REFUSED;
}

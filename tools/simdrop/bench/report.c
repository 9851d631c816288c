// The table, and the fields of the rows.
#include "bench/report.h"

#include <stdio.h>
#include <string.h>

#include "shared/console.h"
#include "tool_flags.h"

#define SMALL_CALL 1024  // elements up to which the time of a whole call is the interesting figure

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

#define MEMORY_COLUMN_SIZE 40

// A column that is there only where it was asked for.
static const char *memory_column(const bench_report *report, const char *content, char text[MEMORY_COLUMN_SIZE]) {
  if (!report->shows_memory) return "";
  snprintf(text, MEMORY_COLUMN_SIZE, "  %-16s", content);
  return text;
}

// So that the names of rows differ.
static const char *memory_ending(const bench_report *report, const char *memory, char text[MEMORY_COLUMN_SIZE]) {
  if (!report->shows_memory) return "";
  snprintf(text, MEMORY_COLUMN_SIZE, "/memory:%s", memory);
  return text;
}

static bool counters_are_open(const bench_report *report) { return report->counters->cycles >= 0; }

void bench_write_context(const bench_report *report, json_writer *json) {
  static const char *const levels[] = {"L1d", "L2", "L3"};
  json_open_object(json, "context");
  json_text(json, "executable", "simdrop bench");
  json_text(json, "library_version", simdrop_version_string());
  json_text(json, "cpu", report->cpu.brand);
  json_text(json, "cpu_features", report->cpu.features);
  json_integer(json, "num_cpus", report->cpu.processors > 0 ? (uint64_t)report->cpu.processors : 0);
  json_open_array(json, "caches");
  for (int level = 0; level < 3; ++level) {
    if (report->cpu.cache_bytes[level] == 0) continue;
    json_open_object(json, NULL);
    json_text(json, "name", levels[level]);
    json_integer(json, "level", (uint64_t)level + 1);
    json_integer(json, "size", report->cpu.cache_bytes[level]);
    json_close_object(json);
  }
  json_close_array(json);
  json_text(json, "compiler", compiler_name());
  json_text(json, "flags", SIMDROP_TOOL_FLAGS);
  json_text(json, "counters", counters_are_open(report) ? "cycles and instructions" : report->counters->reason);
  json_close_object(json);
}

void bench_print_title(const bench_report *report, const char *backend, bool layouts) {
  if (!report->prints) return;
  console_print("simdrop %s on %s; backend %s; way through memory: %s\n", simdrop_version_string(), report->cpu.brand,
                backend != NULL ? backend : simdrop_backend_current(), simdrop_memory_current());
  if (layouts) {
    console_print(
        "Medians over rounds in which the layout and what it is compared with take turns on the same buffers: scale is a\n"
        "plain loop y = x * s over as many elements, forward is simdrop_forward, row memcpy copies the rows one by one.\n");
  } else {
    console_print(
        "Medians over rounds in which kernel, memcpy and a plain loop y = x * s take turns on the same buffers; 10-90 %% is "
        "the\n"
        "range of the middle rounds. GB/s counts bytes read and written. x memcpy is the time over that of a memcpy of the "
        "same\n"
        "bytes: of the tensor, or of the mask where a kernel only writes that; x scale is that over the plain loop. limit is "
        "the\n"
        "share of what the machine allows that is reached, and what bounds. philox-32bit is a plain loop with 32 random bits "
        "an\n"
        "element.\n");
  }
  if (report->shows_dropout)
    console_print(
        "x dropout is the time over that of simdrop_forward of as many elements, in place where the kernel works in place. "
        "Where\n"
        "a kernel reads two arrays, limit is the quickest loop y = x + r of those tried, which the lines under the table "
        "name.\n");
  if (report->is_fresh)
    console_print("Every call, those of memcpy and the plain loop too, writes to memory that nobody has touched before.\n");
  if (counters_are_open(report)) {
    console_print("Hardware counters: cycles and instructions an element are in JSON and CSV, for one thread.\n");
  } else {
    console_print("Hardware counters: none (%s).\n", report->counters->reason);
  }
}

void bench_print_heading(const bench_report *report, const bench_case *c, size_t threads, bool layouts) {
  char tensor[32], level_size[32] = "", text[MEMORY_COLUMN_SIZE];
  const uint64_t bytes = 2 * (uint64_t)c->n * c->element_size;
  const char *const level = bench_level(&report->cpu, bytes, c->pieces);
  if (!report->prints) return;
  for (int i = 0; i < 3; ++i)
    if (level[0] == 'L' && level[1] == '1' + i) scaled_bytes((double)report->cpu.cache_bytes[i], sizeof level_size, level_size);
  console_print("\n%s%s%s: %zu elements of %s, input and output %s, %zu thread%s", level, level_size[0] != '\0' ? " of " : "",
                level_size, c->n, simdrop_dtype_name(c->dtype), scaled_bytes((double)bytes, sizeof tensor, tensor), threads,
                threads == 1 ? "" : "s");
  if (threads > 1 && c->pieces == 1) {
    console_print(", but the library does not cut calls of this size");
  } else if (threads > 1 && c->pieces < threads) {
    console_print(", calls cut into %zu pieces", c->pieces);
  }
  if (layouts) {
    console_print("\n  %-16s  %-13s%s  %7s  %9s  %17s  %8s  %15s  %s\n", "layout", "backend",
                  memory_column(report, "memory", text), "p", "ns/elem", "10-90 %", "ratio", "10-90 %", "to");
  } else {
    console_print("\n  %-*s  %-13s%s  %7s  %9s  %17s  %7s  %8s  %13s  %7s  %13s%s%s  %s\n", report->name_width, "kernel",
                  "backend", memory_column(report, "memory", text), "p", "ns/elem", "10-90 %", "GB/s", "x memcpy", "10-90 %",
                  "x scale", "10-90 %", report->shows_dropout ? "  x dropout        10-90 %" : "",
                  c->n <= SMALL_CALL ? "    ns/call" : "", "limit");
  }
  console_flush();
}

void bench_print_left_out(const bench_report *report, const bench_kernel *kernel, const char *reason) {
  if (report->prints) console_print("  %-*s  left out: %s\n", report->name_width, kernel->name, reason);
}

void bench_print_contests(const bench_report *report, const bench_contests *contests) {
  static const char *const moves[] = {[BENCH_COPIES] = "copying", [BENCH_REWRITES] = "rewriting", [BENCH_ADDS] = "adding"};
  char bytes[32];
  if (!report->prints) return;
  for (size_t i = 0; i < contests->count; ++i) {
    const bench_contest *const contest = &contests->of[i];
    console_print("  %s %s: %s is the quickest (ns/elem", moves[contest->moves],
                  scaled_bytes((double)contest->bytes, sizeof bytes, bytes), contest->ways.ways[contest->best].name);
    for (size_t way = 0; way < contest->ways.count; ++way)
      console_print("%s %s %.4f", way == 0 ? ":" : ",", contest->ways.ways[way].name,
                    contest->nanoseconds[way] / (double)contest->elements);
    console_print(")\n");
  }
  console_flush();
}

// "low-high" with so many decimals.
static const char *range(const row_spread *spread, double divisor, int decimals, size_t size, char *text) {
  snprintf(text, size, "%.*f-%.*f", decimals, spread->low / divisor, decimals, spread->high / divisor);
  return text;
}

static const char *backend_of(const bench_kernel *kernel) {
  return kernel->group == BENCH_LIBRARY || kernel->group == BENCH_FUSED ? simdrop_backend_current() : NULL;
}

static double share_of(const bench_row *row) { return row->limit->nanoseconds / row->result->nanoseconds.median; }

static void print_ratio(const row_spread *ratio, int width) {
  char text[64];
  if (ratio->median > 0) {
    console_print("  %*.3f  %13s", width, ratio->median, range(ratio, 1, 3, sizeof text, text));
  } else {
    console_print("  %*s  %13s", width, "-", "-");
  }
}

static void print_row(const bench_report *report, const bench_row *row) {
  const bench_case *const c = row->c;
  const bench_result *const result = row->result;
  const char *const backend = backend_of(row->kernel);
  const double n = (double)c->n, time = result->nanoseconds.median;
  char p[16] = "-", time_range[64], memory[MEMORY_COLUMN_SIZE];
  if (row->kernel->group != BENCH_COPY) snprintf(p, sizeof p, "%.5g", c->mask.p);
  console_print("  %-*s  %-13s%s  %7s  %9.4f  %17s  %7.1f", report->name_width, row->kernel->name,
                backend != NULL ? backend : "-",
                memory_column(report, backend != NULL ? simdrop_memory_current() : "-", memory), p, time / n,
                range(&result->nanoseconds, n, 4, sizeof time_range, time_range), bench_bytes(row->kernel, c) / time);
  print_ratio(&result->ratio[BENCH_REFERENCE_COPY], 8);
  print_ratio(&result->ratio[BENCH_REFERENCE_SCALE], 7);
  if (report->shows_dropout) print_ratio(&result->ratio[BENCH_REFERENCE_DROPOUT], 9);
  if (c->n <= SMALL_CALL) console_print("  %9.1f", time);
  if (row->limit->name != NULL) {
    console_print("  %3.0f %% %s\n", 100 * share_of(row), row->limit->name);
  } else {
    console_print("  -\n");
  }
  console_flush();
}

static void write_run(row_writer *rows, const char *name, const bench_result *result) {
  row_write_text(rows, "name", name);
  row_write_text(rows, "run_name", name);
  row_write_text(rows, "run_type", "iteration");
  row_write_integer(rows, "iterations", result->repetitions * (uint64_t)result->rounds);
  row_write_number(rows, "real_time", result->nanoseconds.median);
  row_write_number(rows, "cpu_time", result->processor_nanoseconds);
  row_write_text(rows, "time_unit", "ns");
}

static void write_limit(row_writer *rows, const bench_row *row) {
  const bench_limit *const limit = row->limit;
  row_write_text(rows, "limit", limit->name);
  row_write_text(rows, "limit_reason", limit->reason);
  row_write_text(rows, "limit_copy", row->c->way->name);
  row_write_number(rows, "limit_ns_per_element", limit->nanoseconds / (double)row->c->n);
  row_write_number(rows, "share_of_limit", share_of(row));
  row_write_number(rows, "expected_planes", limit->planes);
  row_write_integer(rows, "multiplication_lanes", limit->lanes);
  row_write_number(rows, "multiplications_per_ns", limit->multiply_rate);
}

static void write_row(bench_report *report, const bench_row *row) {
  row_writer *const rows = &report->rows;
  const bench_case *const c = row->c;
  const bench_result *const result = row->result;
  const bench_reference quickest = bench_quickest_reference(c);
  const char *const backend = backend_of(row->kernel) != NULL ? backend_of(row->kernel) : "none";
  const double n = (double)c->n;
  const char *const memory = backend_of(row->kernel) != NULL ? simdrop_memory_current() : "none";
  char name[300], threads[40] = "", way[MEMORY_COLUMN_SIZE];
  if (row->threads > 1) snprintf(threads, sizeof threads, "/threads:%zu", row->threads);
  snprintf(name, sizeof name, "%s/%s/%s/n:%zu/p:%.10g%s%s%s", row->kernel->name, backend, simdrop_dtype_name(c->dtype), c->n,
           c->mask.p, memory_ending(report, memory, way), c->is_fresh ? "/fresh" : "", threads);
  row_begin(rows);
  write_run(rows, name, result);
  row_write_number(rows, "bytes_per_second", 1e9 * bench_bytes(row->kernel, c) / result->nanoseconds.median);
  row_write_number(rows, "items_per_second", 1e9 * n / result->nanoseconds.median);
  row_write_integer(rows, "threads", row->threads);
  row_write_integer(rows, "pieces", c->pieces);
  row_write_text(rows, "kernel", row->kernel->name);
  row_write_text(rows, "backend", backend);
  row_write_text(rows, "memory", memory);
  row_write_text(rows, "output", c->is_fresh ? "fresh" : "touched");
  row_write_text(rows, "dtype", simdrop_dtype_name(c->dtype));
  row_write_integer(rows, "n", c->n);
  row_write_number(rows, "p", c->mask.p);
  row_write_text(rows, "level", bench_level(&report->cpu, 2 * (uint64_t)c->n * c->element_size, c->pieces));
  row_write_integer(rows, "rounds", (uint64_t)result->rounds);
  row_write_spread(rows, "ns_per_element", &result->nanoseconds, n);
  row_write_spread(rows, "memcpy_ns_per_element", &result->reference_nanoseconds[BENCH_REFERENCE_COPY], n);
  row_write_spread(rows, "ratio_to_memcpy", &result->ratio[BENCH_REFERENCE_COPY], 1);
  row_write_spread(rows, "scale_ns_per_element", &result->reference_nanoseconds[BENCH_REFERENCE_SCALE], n);
  row_write_spread(rows, "ratio_to_scale", &result->ratio[BENCH_REFERENCE_SCALE], 1);
  row_write_spread(rows, "quickest_ns_per_element", &result->reference_nanoseconds[quickest], n);
  row_write_spread(rows, "ratio_to_quickest", &result->ratio[quickest], 1);
  row_write_spread(rows, "dropout_ns_per_element", &result->reference_nanoseconds[BENCH_REFERENCE_DROPOUT], n);
  row_write_spread(rows, "ratio_to_dropout", &result->ratio[BENCH_REFERENCE_DROPOUT], 1);
  write_limit(rows, row);
  row_write_number(rows, "cycles_per_element", result->cycles / n);
  row_write_number(rows, "instructions_per_element", result->instructions / n);
  row_end(rows);
}

void bench_tell_row(bench_report *report, const bench_row *row) {
  if (report->prints) print_row(report, row);
  write_row(report, row);
}

static void print_layout(const bench_report *report, const bench_layout *layout, const bench_case *c,
                         const bench_result *result) {
  const double n = (double)bench_layout_elements(&c->layout);
  char time_range[64], ratio_range[64], memory[MEMORY_COLUMN_SIZE];
  console_print("  %-16s  %-13s%s  %7.5g  %9.4f  %17s  %8.3f  %15s  %s\n", layout->name, simdrop_backend_current(),
                memory_column(report, simdrop_memory_current(), memory), c->mask.p, result->nanoseconds.median / n,
                range(&result->nanoseconds, n, 4, sizeof time_range, time_range), result->ratio[0].median,
                range(&result->ratio[0], 1, 3, sizeof ratio_range, ratio_range), layout->reference_name);
  console_flush();
}

static void write_layout(bench_report *report, const bench_layout *layout, const bench_case *c, const bench_result *result) {
  row_writer *const rows = &report->rows;
  const size_t n = bench_layout_elements(&c->layout);
  char name[200], way[MEMORY_COLUMN_SIZE];
  snprintf(name, sizeof name, "layout-%s/%s/%s/n:%zu/p:%.10g%s", layout->name, simdrop_backend_current(),
           simdrop_dtype_name(c->dtype), c->n, c->mask.p, memory_ending(report, simdrop_memory_current(), way));
  row_begin(rows);
  write_run(rows, name, result);
  row_write_number(rows, "items_per_second", 1e9 * (double)n / result->nanoseconds.median);
  row_write_integer(rows, "threads", 1);
  row_write_text(rows, "layout", layout->name);
  row_write_text(rows, "shape", layout->shape);
  row_write_text(rows, "backend", simdrop_backend_current());
  row_write_text(rows, "memory", simdrop_memory_current());
  row_write_text(rows, "dtype", simdrop_dtype_name(c->dtype));
  row_write_integer(rows, "n", c->n);
  row_write_integer(rows, "elements", n);
  row_write_number(rows, "p", c->mask.p);
  row_write_text(rows, "level", cpu_info_level(&report->cpu, 2 * (uint64_t)n * c->element_size));
  row_write_integer(rows, "rounds", (uint64_t)result->rounds);
  row_write_text(rows, "reference", layout->reference_name);
  row_write_spread(rows, "ns_per_element", &result->nanoseconds, (double)n);
  row_write_spread(rows, "reference_ns_per_element", &result->reference_nanoseconds[0], (double)n);
  row_write_spread(rows, "ratio_to_reference", &result->ratio[0], 1);
  row_write_number(rows, "cycles_per_element", result->cycles / (double)n);
  row_write_number(rows, "instructions_per_element", result->instructions / (double)n);
  row_end(rows);
}

void bench_tell_layout(bench_report *report, const bench_layout *layout, const bench_case *c, const bench_result *result) {
  if (report->prints) print_layout(report, layout, c, result);
  write_layout(report, layout, c, result);
}

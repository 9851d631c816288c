// simdrop bench: the kernels against memcpy and a plain loop, as a table for people and as JSON and CSV for programs.
#include "bench/bench.h"

#include <simdrop/simdrop.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/fused.h"
#include "bench/limits.h"
#include "bench/report.h"
#include "shared/backend.h"
#include "shared/console.h"
#include "shared/memory.h"
#include "shared/name_list.h"
#include "shared/output_file.h"
#include "shared/report.h"
#include "shared/thread_pool.h"

#define LEAST_FRESH_BYTES ((size_t)64 << 10)

static const bench_effort full_effort = {21, 7, 0.06}, short_effort = {11, 5, 0.015};

typedef struct bench_request {
  arg_size_list n, threads;
  arg_probability_list p;
  uint64_t kernels, layouts, dtypes;  // one bit for each
  const char *backend, *memory, *json_name, *csv_name;
  bool is_short, is_fresh;
} bench_request;

// A run: what is asked for, where it goes, and the threads at hand.
typedef struct bench_session {
  const bench_request *request;
  bench_report report;
  bench_counters counters;
  bench_contests contests;  // of the case at hand
  thread_pool pool;
  simdrop_executor executor;
  size_t threads;
  bool out_of_memory;
} bench_session;

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
      case SIMDROP_BF16: ((uint16_t *)elements)[i] = (uint16_t)(bits >> 16); break;
      case SIMDROP_F8E4M3FN: ((uint8_t *)elements)[i] = (uint8_t)((random >> 24 & 0x87u) | 0x30u); break;  // in [0.5, 1) too
      case SIMDROP_F8E5M2: ((uint8_t *)elements)[i] = (uint8_t)((random >> 24 & 0x83u) | 0x38u); break;
    }
  }
}

static void free_case(bench_case *c) {
  free(c->x);
  free(c->y);
  free(c->other);
  free(c->bits);
  free(c->bytes);
  free(c->statistics);
  free(c->sums);
}

// Ones do: the time does not depend on them.
static bool make_statistics(bench_case *c) {
  const size_t count = 2 * (c->n / BENCH_SOFTMAX_COLUMNS + 1);  // of the shortest rows
  c->statistics = malloc(count * bench_number_size(c->dtype));
  if (c->statistics == NULL) return false;
  for (size_t i = 0; i < count; ++i) {
    if (c->dtype == SIMDROP_F64) {
      ((double *)c->statistics)[i] = 1;
    } else {
      ((float *)c->statistics)[i] = 1;
    }
  }
  return true;
}

static bool make_sums(bench_case *c) {
  const size_t bytes = 2 * c->n * bench_number_size(c->dtype);
  if (posix_memalign(&c->sums, 64, bytes) != 0) return false;
  memset(c->sums, 0, bytes);
  return true;
}

static bool report_no_memory(uint64_t n) {
  report_error("bench: --n %" PRIu64 " needs more memory than there is", n);
  return false;
}

// Whether one of the kernels that are asked for does this.
static bool moves_any(const bench_request *request, bench_moves moves) {
  for (int i = 0; i < bench_kernel_count; ++i)
    if ((request->kernels >> i & 1) && bench_kernels[i].moves == moves) return true;
  return false;
}

// Allocates and touches the buffers of one size. The system may promise more memory than there is, so its size is checked.
static bool prepare_case(const cpu_info *cpu, const bench_request *request, simdrop_dtype dtype, uint64_t n, bench_case *c) {
  const bool is_fresh = request->is_fresh, reads_two = moves_any(request, BENCH_ADDS),
             keeps_sums = moves_any(request, BENCH_UPDATES);
  const size_t size = simdrop_dtype_size(dtype), arrays = reads_two ? 3 : 2;
  const size_t sums = keeps_sums ? 2 * bench_number_size(dtype) : 0;
  *c = (bench_case){
      .mask = {.seed = 42}, .dtype = dtype, .n = (size_t)n, .element_size = size, .pieces = 1, .is_fresh = is_fresh};
  const bool fits =
      n <= SIZE_MAX / (4 * size + sums) && (cpu->memory_bytes == 0 || n <= cpu->memory_bytes / (arrays * size + sums + 2));
  if (fits) c->bits = malloc(c->n / 8 + 1);
  if (fits) c->bytes = malloc(c->n);
  if (c->bits == NULL || c->bytes == NULL || posix_memalign(&c->x, 64, c->n * size) != 0 ||
      (!is_fresh && posix_memalign(&c->y, 64, c->n * size) != 0) ||
      (reads_two && posix_memalign(&c->other, 64, c->n * size) != 0) || !make_statistics(c) || (keeps_sums && !make_sums(c))) {
    free_case(c);
    return report_no_memory(n);
  }
  fill_elements(dtype, c->n, c->x);
  if (reads_two) fill_elements(dtype, c->n, c->other);
  if (!is_fresh) memset(c->y, 0, c->n * size);
  memset(c->bytes, 0, c->n);
  return true;
}

// The mask of this p, for the kernels that read it.
static void set_probability(bench_case *c, double p) {
  c->mask.p = p;
  c->threshold = bench_threshold(p);
  simdrop_scale(p, &c->scale);
  simdrop_mask_bits(&c->mask, c->n, c->bits);
}

// An executor that runs everything here and notes into how many pieces a call was cut.
static void count_pieces(void *context, size_t count, simdrop_task *task, void *task_context) {
  *(size_t *)context = count;
  for (size_t piece = 0; piece < count; ++piece) task(task_context, piece);
}

// Cuts the case for the threads at hand. The library alone knows which calls are too small to be cut, so it is asked.
static void cut_case(const bench_session *session, bench_case *c) {
  const simdrop_executor counting = {count_pieces, &c->pieces, session->threads};
  c->executor = session->threads > 1 ? &session->executor : NULL;
  c->pieces = 1;
  simdrop_parallel_mask_bits(&counting, &c->mask, c->n, c->bits);
}

static const bench_effort *effort_of(const bench_request *request) { return request->is_short ? &short_effort : &full_effort; }

// A thread's counters do not see what the others do.
static const bench_counters *counters_of(const bench_session *session) {
  return session->threads == 1 ? &session->counters : NULL;
}

static void measure_row(bench_session *session, const bench_kernel *kernel, const bench_case *of_size) {
  bench_run *references[BENCH_MOST_REFERENCES];
  bench_case c = *of_size;
  if (session->out_of_memory) return;
  bench_set_outputs(kernel, &c);
  bench_set_way(&session->contests, kernel, &c);
  bench_choose_references(kernel, &c, references);
  const bench_result result = bench_measure(session->threads > 1 ? kernel->run_parallel : kernel->run, references, &c,
                                            effort_of(session->request), counters_of(session));
  session->out_of_memory = result.rounds == 0;
  if (session->out_of_memory) return;
  const bench_limit limit = bench_find_limit(&session->report.cpu, kernel, &c, &result);
  const bench_row row = {kernel, &c, &result, &limit, session->threads};
  bench_tell_row(&session->report, &row);
}

static bool is_selected(const bench_request *request, const bench_case *c, int kernel) {
  const bool written_for_dtype = bench_kernels[kernel].group != BENCH_BASELINE || c->element_size >= sizeof(float);
  return (request->kernels >> kernel & 1) && written_for_dtype;
}

// Why a kernel that is selected is left out for every p; NULL if it is not. A few pages tell nothing of how memory gets them.
static const char *reason_to_leave_out(const bench_kernel *kernel, const bench_case *of_size) {
  bench_case c = *of_size;
  c.mask.p = 0.5;  // which all of them know
  const char *const missing = bench_missing(kernel, &c);
  if (missing != NULL || !c.is_fresh) return missing;
  if (bench_compared_moves(kernel) == BENCH_REWRITES) return "it has no output of its own";
  if (kernel->moves == BENCH_READS) return "it writes an element for each row";
  bench_set_outputs(kernel, &c);
  return c.copy_bytes < LEAST_FRESH_BYTES ? "it writes fewer than 64 KiB" : NULL;
}

static void tell_left_out(const bench_session *session, const bench_case *c) {
  for (int kernel = 0; kernel < bench_kernel_count; ++kernel) {
    const char *const reason = reason_to_leave_out(&bench_kernels[kernel], c);
    if (is_selected(session->request, c, kernel) && reason != NULL)
      bench_print_left_out(&session->report, &bench_kernels[kernel], reason);
  }
}

static void measure_group(bench_session *session, bench_case *c, bench_group group) {
  const arg_probability_list *const p = &session->request->p;
  for (int kernel = 0; kernel < bench_kernel_count; ++kernel) {
    if (bench_kernels[kernel].group != group || !is_selected(session->request, c, kernel)) continue;
    if (reason_to_leave_out(&bench_kernels[kernel], c) != NULL) continue;
    for (size_t i = 0; i < (group == BENCH_COPY ? 1 : p->count); ++i) {
      set_probability(c, group == BENCH_COPY ? 0 : p->values[i]);
      const char *const missing = bench_missing(&bench_kernels[kernel], c);
      if (missing != NULL) {
        bench_print_left_out(&session->report, &bench_kernels[kernel], missing);
      } else {
        measure_row(session, &bench_kernels[kernel], c);
      }
    }
  }
}

static void measure_layouts(bench_session *session, bench_case *c) {
  const bench_request *const request = session->request;
  for (int i = 0; i < bench_layout_count; ++i) {
    if (!(request->layouts >> i & 1)) continue;
    bench_run *const references[BENCH_MOST_REFERENCES] = {bench_layouts[i].reference};
    c->mask.offset = 0;
    bench_layouts[i].prepare(c);
    if (bench_layout_extent(&c->layout) > c->n) continue;  // not even one sample fits
    for (size_t k = 0; k < request->p.count; ++k) {
      c->mask.p = request->p.values[k];
      simdrop_scale(c->mask.p, &c->scale);
      const bench_result result = bench_measure(bench_run_layout, references, c, effort_of(request), counters_of(session));
      bench_tell_layout(&session->report, &bench_layouts[i], c, &result);
    }
  }
}

static void measure_library(bench_session *session, bench_case *c) {
  if (session->request->layouts != 0) {
    measure_layouts(session, c);
  } else {
    measure_group(session, c, BENCH_LIBRARY);
    measure_group(session, c, BENCH_FUSED);
  }
}

static void measure_backend(bench_session *session, bench_case *c) {
  const char *const memory = session->request->memory;
  if (memory == NULL) {
    measure_library(session, c);
    return;
  }
  for (size_t i = 0; i < simdrop_memory_count(); ++i) {
    if (!name_list_has(memory, simdrop_memory_name(i))) continue;
    simdrop_memory_select(simdrop_memory_name(i));
    measure_library(session, c);
  }
}

static void measure_backends(bench_session *session, bench_case *c) {
  const char *const backend = session->request->backend;
  if (backend == NULL) {
    measure_backend(session, c);
    return;
  }
  for (size_t i = 0; i < simdrop_backend_count(); ++i) {
    const char *const name = simdrop_backend_name(i);
    if (!simdrop_backend_supported(i) || !name_list_has(backend, name)) continue;
    simdrop_backend_select(name);
    measure_backend(session, c);
  }
}

// One size and type: what depends on no backend first, then each backend.
static void measure_size(bench_session *session, bench_case *c) {
  const bench_request *const request = session->request;
  cut_case(session, c);
  session->contests.count = 0;
  bench_print_heading(&session->report, c, session->threads, request->layouts != 0);
  if (request->layouts == 0) {
    tell_left_out(session, c);
    measure_group(session, c, BENCH_COPY);
    measure_group(session, c, BENCH_BASELINE);
  }
  measure_backends(session, c);
  bench_print_contests(&session->report, &session->contests);
}

// Threads start before the first round and end after the last.
static bool measure_with_threads(bench_session *session, size_t threads, bench_case *c) {
  thread_pool_start(&session->pool, threads);
  session->threads = threads;
  session->executor = thread_pool_executor(&session->pool);
  const bool started = session->executor.threads == threads;
  if (started) {
    measure_size(session, c);
  } else {
    report_error("bench: the machine refuses to start %zu threads", threads);
  }
  thread_pool_stop(&session->pool);
  return session->out_of_memory ? report_no_memory(c->n) : started;
}

static bool measure_all(bench_session *session) {
  const bench_request *const request = session->request;
  for (size_t i = 0; i < request->n.count; ++i) {
    for (int dtype = 0; dtype < (int)simdrop_dtype_count(); ++dtype) {
      bench_case c;
      if (!(request->dtypes >> dtype & 1)) continue;
      if (!prepare_case(&session->report.cpu, request, (simdrop_dtype)dtype, request->n.values[i], &c)) return false;
      bool measured = true;
      for (size_t k = 0; k < request->threads.count && measured; ++k)
        measured = measure_with_threads(session, (size_t)request->threads.values[k], &c);
      free_case(&c);
      if (!measured) return false;
    }
  }
  return true;
}

// A text that grows in memory, so that a file is written when all of it is there.
typedef struct memory_text {
  char *text;
  size_t size;
  FILE *file;
} memory_text;

static bool text_open(memory_text *text) {
  text->file = open_memstream(&text->text, &text->size);
  return text->file != NULL;
}

static void text_close(memory_text *text, bool *complete) {
  if (text->file == NULL || fclose(text->file) != 0) *complete = false;
  text->file = NULL;
}

// The files are open from the beginning, so that a name that cannot be written costs no measurement.
typedef struct bench_texts {
  memory_text json, csv, csv_header;
  output_file json_file, csv_file;
} bench_texts;

static bool open_files(bench_texts *texts, const bench_request *request) {
  return (request->json_name == NULL || output_open(&texts->json_file, request->json_name)) &&
         (request->csv_name == NULL || output_open(&texts->csv_file, request->csv_name));
}

static bool measure_into(bench_session *session, const bench_texts *texts) {
  const bench_request *const request = session->request;
  row_writer *const rows = &session->report.rows;
  json_writer json;
  if (request->csv_name != NULL) {
    rows->csv = texts->csv.file;
    rows->csv_header = texts->csv_header.file;
  }
  if (request->json_name == NULL) return measure_all(session);
  json = json_begin(texts->json.file);
  rows->json = &json;
  bench_write_context(&session->report, &json);
  json_open_array(&json, "benchmarks");
  const bool measured = measure_all(session);
  json_close_array(&json);
  json_end(&json);
  rows->json = NULL;
  return measured;
}

static bool save_csv(output_file *file, const memory_text *header, const memory_text *lines) {
  console_flush();  // what was printed may go to the same place
  return (output_write(file, header->text, header->size) && output_save(file, lines->text, lines->size)) || file->reader_gone;
}

static bool run_into_texts(bench_session *session, bench_texts *texts) {
  const bench_request *const request = session->request;
  const bool opened = text_open(&texts->json) && text_open(&texts->csv) && text_open(&texts->csv_header);
  const bool measured = opened && measure_into(session, texts);
  bool complete = true;
  text_close(&texts->json, &complete);
  text_close(&texts->csv, &complete);
  text_close(&texts->csv_header, &complete);
  if (!complete) report_error("bench: there is no memory for the results");
  if (!measured || !complete) return false;
  if (request->json_name != NULL && !output_save(&texts->json_file, texts->json.text, texts->json.size)) return false;
  return request->csv_name == NULL || save_csv(&texts->csv_file, &texts->csv_header, &texts->csv);
}

static uint64_t kernel_bit(const char *name) {
  for (int i = 0; i < bench_kernel_count; ++i)
    if (strcmp(bench_kernel_names[i], name) == 0) return UINT64_C(1) << i;
  return 0;
}

static uint64_t kernels_of(bench_group group) {
  uint64_t kernels = 0;
  for (int i = 0; i < bench_kernel_count; ++i)
    if (bench_kernels[i].group == group) kernels |= UINT64_C(1) << i;
  return kernels;
}

static void set_default_kernels(bench_request *request) {
  if (request->kernels != 0 || request->layouts != 0) return;
  static const char *const short_list[] = {"memcpy", "copy", "philox-32bit", "forward", "forward-bits", "apply-bits"};
  for (size_t i = 0; i < sizeof short_list / sizeof short_list[0]; ++i) request->kernels |= kernel_bit(short_list[i]);
  if (!request->is_short) request->kernels = kernels_of(BENCH_COPY) | kernels_of(BENCH_BASELINE) | kernels_of(BENCH_LIBRARY);
}

static void set_default_sizes(bench_request *request) {
  static const arg_size_list all = {4, {2 << 10, 64 << 10, 1 << 20, 64 << 20}}, fresh = {3, {64 << 10, 1 << 20, 64 << 20}};
  if (request->n.count == 0) request->n = request->is_fresh ? fresh : all;
}

static bool check_numbers(const arg_size_list *list, const char *option, uint64_t most, const char *sentence) {
  for (size_t i = 0; i < list->count; ++i) {
    if (list->values[i] == 0 || list->values[i] > most) {
      report_error("bench: %s takes %s", option, sentence);
      return false;
    }
  }
  return true;
}

static bool check_layouts(const bench_request *request, uint64_t small_types) {
  if (request->layouts == 0) return true;
  if (request->kernels != 0) {
    report_error("bench: --kernel and --layout exclude each other");
    return false;
  }
  if ((request->dtypes & small_types) != 0) {
    report_error("bench: --layout measures f32 and f64 only");
    return false;
  }
  for (size_t i = 0; i < request->threads.count; ++i) {
    if (request->threads.values[i] != 1) {
      report_error("bench: --layout measures one thread only");
      return false;
    }
  }
  return true;
}

static bool check_fresh(const bench_request *request) {
  if (!request->is_fresh) return true;
  if (request->layouts != 0) {
    report_error("bench: --layout and --fresh exclude each other");
    return false;
  }
  if (request->kernels == kernel_bit("forward-in-place")) {
    report_error("bench: --fresh measures outputs of their own, and forward-in-place has none");
    return false;
  }
  for (int dtype = 0; dtype < (int)simdrop_dtype_count(); ++dtype) {
    for (size_t i = 0; i < request->n.count && (request->dtypes >> dtype & 1); ++i) {
      if (request->n.values[i] >= LEAST_FRESH_BYTES / simdrop_dtype_size((simdrop_dtype)dtype)) continue;
      report_error("bench: --fresh measures outputs of at least 64 KiB, and %" PRIu64 " elements of %s take less",
                   request->n.values[i], simdrop_dtype_name((simdrop_dtype)dtype));
      return false;
    }
  }
  return true;
}

// That there is something to measure.
static bool check_kernels(const bench_request *request) {
  for (int dtype = 0; dtype < (int)simdrop_dtype_count(); ++dtype) {
    const size_t size = simdrop_dtype_size((simdrop_dtype)dtype);
    const bench_case c = {.mask = {.p = 0.5}, .dtype = (simdrop_dtype)dtype, .element_size = size};
    for (int kernel = 0; kernel < bench_kernel_count && (request->dtypes >> dtype & 1); ++kernel)
      if ((request->kernels >> kernel & 1) && bench_missing(&bench_kernels[kernel], &c) == NULL) return true;
  }
  if (request->kernels == 0) return true;
  report_error("bench: there are no such kernels for these types");
  return false;
}

static bool check_request(const bench_request *request) {
  char numbers_of_threads[40];
  snprintf(numbers_of_threads, sizeof numbers_of_threads, "numbers from 1 to %d", THREAD_POOL_MAX);
  if (!check_numbers(&request->n, "--n", UINT64_MAX, "sizes of at least 1")) return false;
  if (!check_numbers(&request->threads, "--threads", THREAD_POOL_MAX, numbers_of_threads)) return false;
  const uint64_t small_types = ~(UINT64_C(1) << SIMDROP_F32 | UINT64_C(1) << SIMDROP_F64);
  if (!check_layouts(request, small_types) || !check_fresh(request) || !check_kernels(request)) return false;
  if (request->kernels == kernel_bit("philox-32bit") && (request->dtypes & ~small_types) == 0) {
    report_error("bench: philox-32bit is written for f32 and f64 only");
    return false;
  }
  if (request->json_name != NULL && request->csv_name != NULL && output_same_file(request->json_name, request->csv_name)) {
    report_error("bench: --json and --csv are both %s", request->json_name);
    return false;
  }
  return (request->memory == NULL || memory_list_check(request->memory)) &&
         (request->backend == NULL || backend_list_check(request->backend));
}

// Results on standard output stand there alone.
static bool takes_stdout(const char *name) { return name != NULL && output_is_stdout(name); }

static int longest_name(const bench_request *request) {
  size_t longest = 16;  // the plain ones'
  for (int i = 0; i < bench_kernel_count; ++i) {
    const size_t length = (request->kernels >> i & 1) ? strlen(bench_kernel_names[i]) : 0;
    if (length > longest) longest = length;
  }
  return (int)longest;
}

static int run_request(const bench_request *request) {
  static bench_session session = {.pool = {THREAD_POOL_STOPPED}};
  bench_texts texts = {.json_file = {OUTPUT_FILE_CLOSED}, .csv_file = {OUTPUT_FILE_CLOSED}};
  session.request = request;
  session.report.cpu = cpu_info_read();
  session.report.prints = !takes_stdout(request->json_name) && !takes_stdout(request->csv_name);
  session.report.counters = &session.counters;
  session.report.shows_memory = request->memory != NULL;
  session.report.is_fresh = request->is_fresh;
  session.report.name_width = longest_name(request);
  session.report.shows_dropout = (request->kernels & kernels_of(BENCH_FUSED)) != 0;
  bench_counters_open(&session.counters);
  bool done = open_files(&texts, request);
  if (done) {
    bench_print_title(&session.report, request->backend, request->layouts != 0);
    done = run_into_texts(&session, &texts);
  }
  bench_counters_close(&session.counters);
  output_discard(&texts.json_file);
  output_discard(&texts.csv_file);
  free(texts.json.text);
  free(texts.csv.text);
  free(texts.csv_header.text);
  return done ? EXIT_SUCCESS : EXIT_REFUSED;
}

int run_bench(int argc, char **argv) {
  bench_request request = {.threads = {1, {1}}, .p = {2, {0.1, 0.5}}, .dtypes = 1 << SIMDROP_F32};
  const arg_option options[] = {
      {"kernel", "LIST",
       "some of memcpy, copy, philox-32bit, forward, forward-bits, forward-bytes, forward-in-place, backward,\n"
       "apply-bits, mask-bits, mask-bytes (default: these), chain, chain-gelu, chain-backward, gelu-backward, norm,\n"
       "norm-backward, softmax, softmax-backward, softmax-backward-statistics, tile, tile-numbered, tile-bits, alpha,\n"
       "gaussian, concrete, concrete-backward, dropconnect, dropblock, moments with commas between, or all",
       ARG_CHOICE_LIST, &request.kernels, bench_kernel_names, false},
      {"layout", "LIST",
       "measure layouts instead, of f32 or f64: some of dense, first-1x1, first-7x7, first-8x8, first-14x14,\n"
       "first-56x56, last-3, last-64, last-100, tile-64, tile-128, tile-512, tile-1024, view-64, view-256,\n"
       "batch-first, time-first, drop-path, transposed, or all",
       ARG_CHOICE_LIST, &request.layouts, bench_layout_names, false},
      {"dtype", "LIST", "some of f32 (default), f64, f16, bf16, f8e4m3fn, f8e5m2, or all", ARG_CHOICE_LIST, &request.dtypes,
       arg_dtype_names(), false},
      {"n", "LIST", "numbers of elements (default 2Ki,64Ki,1Mi,64Mi; the first is left out with --fresh)", ARG_SIZE_LIST,
       &request.n, NULL, false},
      {"p", "LIST", "probabilities of dropping (default 0.1,0.5)", ARG_PROBABILITY_LIST, &request.p, NULL, false},
      {"threads", "LIST",
       "numbers of threads (default 1). With more than one, all kernels are cut into pieces that a thread pool runs, and\n"
       "so are memcpy and the plain loops, as the library cuts its calls; calls too small for that stay whole",
       ARG_SIZE_LIST, &request.threads, NULL, false},
      {"json", "FILE",
       "also write the results as JSON, with Google Benchmark's field names where they fit; -: on standard output, in\n"
       "place of the table",
       ARG_TEXT, &request.json_name, NULL, false},
      {"csv", "FILE", "also write the same rows as CSV, with a header; - as above", ARG_TEXT, &request.csv_name, NULL, false},
      {"short", NULL, "fewer rounds, and by default fewer kernels", ARG_FLAG, &request.is_short, NULL, false},
      {"fresh", NULL,
       "every call writes to memory that nobody has touched before, of at least 64 KiB, as it does where programs allocate\n"
       "their outputs; so do memcpy, the other copies and the plain loop. Getting the memory is not part of the time, getting\n"
       "its pages is",
       ARG_FLAG, &request.is_fresh, NULL, false},
      {"memory", "LIST",
       "go through memory in these ways, or all: some of learned, cached, pages-1, pages-1-prefetch, pages-2, pages-4,\n"
       "pages-8 (default: the one that calls would use, or that the variable SIMDROP_MEMORY names). A way is\n"
       "taken for outputs of 1 MiB and more",
       ARG_TEXT, &request.memory, NULL, false},
      {"backend", "LIST", "measure these backends, or all that run here (default: the one that calls would use)", ARG_TEXT,
       &request.backend, NULL, false},
  };
  const arg_spec spec = {
      .command = "bench",
      .summary =
          "Measures the kernels: nanoseconds an element, GB/s, and the time against memcpy and a plain loop y = x * s of the\n"
          "same bytes, taken in turn with the kernel on the same buffers; medians, and the range of the middle 80 %.",
      .options = options,
      .option_count = sizeof options / sizeof options[0],
      .notes =
          "Sizes take the suffixes Ki, Mi, Gi, Ti. The first three kernels are there to compare with: memcpy itself, the "
          "quickest\n"
          "copy of those tried, which the lines under the table name, and philox-32bit, a plain loop with 32 random bits an\n"
          "element (f32 and f64 only). For types of 16 and 8 bits the plain\n"
          "loop y = x * s is that of f32 over the same bytes, as conversions would only make it slower; kernels without a\n"
          "tensor have none. limit is the larger of two measured times: that of moving the bytes, in the quickest of some\n"
          "ways, and that of the multiplications which the mask's definition needs at least (docs/measurements.md).\n"
          "\n"
          "Chains, norms, tiles, dropconnect and dropblock take as many whole rows of 1024 elements as there are in n,\n"
          "softmax of 512, or one row of n. All kernels from chain on are compared with simdrop_forward, too; what reads\n"
          "two arrays, with the quickest loop y = x + r of those tried. Chains and norm have a bias, chain, chain-gelu and\n"
          "norm a residual, chain-backward and gelu-backward the bias's gradient, norm-backward those of gamma, beta and\n"
          "the bias. softmax-backward is given the probabilities, softmax-backward-statistics the scores and two numbers of\n"
          "each row. tile applies tiles of 16 x 64 elements, which lie one after the other, by the numbers that the mask of\n"
          "rows of 1024 has for them; tile-numbered numbers one tile after the other; tile-bits draws the decisions of 16\n"
          "whole rows, and then applies them to their tiles. The temperature of concrete is 0.1. dropconnect multiplies n\n"
          "weights by a vector; a copy of half as many stands for reading them. dropblock draws bits for images of 32 x 32\n"
          "elements, with blocks of 7 x 7, and applies them. moments takes in one more pass; rewriting as many bytes stands\n"
          "for what it moves."};
  const arg_result parsed = args_parse(&spec, argc, argv);
  if (parsed != ARGS_RUN) return parsed == ARGS_HELPED ? EXIT_SUCCESS : EXIT_REFUSED;
  set_default_kernels(&request);
  set_default_sizes(&request);
  return check_request(&request) ? run_request(&request) : EXIT_REFUSED;
}

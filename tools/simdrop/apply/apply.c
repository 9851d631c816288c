// simdrop apply: dropout on a .npy file, in pieces, so that files larger than memory work.
#include "apply/apply.h"

#include <simdrop/simdrop.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apply/layout_options.h"
#include "apply/npy.h"
#include "apply/pieces.h"
#include "apply/statistics.h"
#include "shared/args.h"
#include "shared/backend.h"
#include "shared/clock.h"
#include "shared/console.h"
#include "shared/descriptors.h"
#include "shared/input.h"
#include "shared/output_file.h"
#include "shared/progress.h"
#include "shared/report.h"
#include "shared/thread_pool.h"

#define BLOCK_BYTES ((size_t)4 << 20)  // of the tensor; a whole number of mask bytes for every element size

static const char *const spatial_counts[] = {"1", "2", "3", NULL};

typedef struct apply_request {
  simdrop_mask mask;
  int dtype;  // simdrop_dtype or ARG_NO_CHOICE
  layout_options layout;
  uint64_t threads;
  bool backward;
  const char *bits_name, *backend;
  const char *names[2];  // input, output
} apply_request;

// Everything that is open or allocated while the command runs.
typedef struct apply_job {
  const apply_request *request;
  npy_header header;
  tensor_axes axes;
  simdrop_dtype dtype;
  int input, bits_input;  // descriptors
  output_file output, bits_output;
  thread_pool pool;
  void *block;     // the elements of a piece
  uint8_t *drawn;  // its mask: packed bits, or with a layout its new decisions, a byte each
  tensor_sum sum_in, sum_out;
  uint64_t kept, decided;  // of the mask's decisions, each counted once
  size_t threads;          // that were there
  double kernel_seconds, total_seconds;
} apply_job;

static bool reads_bits(const apply_request *request) { return request->backward && request->bits_name != NULL; }
static bool writes_bits(const apply_request *request) { return !request->backward && request->bits_name != NULL; }
// True if an output goes to this descriptor, beside which nothing else may be printed there.
static bool takes(const apply_request *request, int descriptor) {
  return output_descriptor(request->names[1]) == descriptor ||
         (writes_bits(request) && output_descriptor(request->bits_name) == descriptor);
}

static uint64_t packed_size(uint64_t n) { return n / 8 + (n % 8 != 0); }

static bool check_threads(const apply_request *request) {
  if (request->threads >= 1 && request->threads <= THREAD_POOL_MAX) return true;
  report_error("apply: --threads takes a number from 1 to %d, not %" PRIu64, THREAD_POOL_MAX, request->threads);
  return false;
}

static bool check_layout(const apply_request *request) {
  if (!layout_options_check(&request->layout)) return false;
  if (request->bits_name == NULL || !layout_options_given(&request->layout)) return true;
  report_error("apply: --bits holds a decision for each element, and cannot be used with --mask-shape, --channels or --tile");
  return false;
}

static bool check_names(const apply_request *request) {
  const char *const in = request->names[0], *const out = request->names[1], *const bits = request->bits_name;
  if (bits == NULL) return true;
  if (output_same_file(bits, out)) {
    report_error("apply: --bits and OUT.npy are both %s", out);
    return false;
  }
  if (reads_bits(request) ? input_same_descriptor(in, bits) : !input_is_stdin(in) && output_same_file(bits, in)) {
    report_error("apply: --bits and IN.npy are both %s", in);
    return false;
  }
  return true;
}

static bool choose_dtype(apply_job *job) {
  static const int natural[] = {[NPY_F2] = SIMDROP_F16,
                                [NPY_F4] = SIMDROP_F32,
                                [NPY_F8] = SIMDROP_F64,
                                [NPY_BF16] = SIMDROP_BF16,
                                [NPY_U2] = ARG_NO_CHOICE,
                                [NPY_V2] = ARG_NO_CHOICE,
                                [NPY_F8E4M3FN] = SIMDROP_F8E4M3FN,
                                [NPY_F8E5M2] = SIMDROP_F8E5M2,
                                [NPY_U1] = ARG_NO_CHOICE,
                                [NPY_V1] = ARG_NO_CHOICE};
  const char *const name = input_label(job->request->names[0]);
  const int wanted = job->request->dtype;
  const bool raw = natural[job->header.type] == ARG_NO_CHOICE, bytes = job->header.element_size == 1;
  const bool fits = wanted == SIMDROP_BF16 ? !bytes : bytes && (wanted == SIMDROP_F8E4M3FN || wanted == SIMDROP_F8E5M2);
  if (raw && wanted == ARG_NO_CHOICE) {
    report_error(bytes ? "cannot use %s: it holds bytes without a floating-point type; if they are 8-bit floats, add "
                         "--dtype f8e4m3fn or --dtype f8e5m2"
                       : "cannot use %s: it holds 16-bit words without a floating-point type; if they are bfloat16, add "
                         "--dtype bf16",
                 name);
    return false;
  }
  const int found = raw && fits ? wanted : natural[job->header.type];
  if (wanted != ARG_NO_CHOICE && wanted != found) {
    report_error("cannot use %s: it holds %s, not %s as --dtype says", name,
                 !raw    ? simdrop_dtype_name((simdrop_dtype)found)
                 : bytes ? "bytes"
                         : "uint16",
                 simdrop_dtype_name((simdrop_dtype)wanted));
    return false;
  }
  job->dtype = (simdrop_dtype)found;
  return true;
}

// Where the size of a file is known, it has to be right before anything is written.
static bool check_size(int descriptor, const char *name, const char *what, uint64_t expected) {
  const int64_t left = input_bytes_left(descriptor);
  if (left < 0 || (uint64_t)left == expected) return true;
  if ((uint64_t)left < expected) {
    report_error("%s is truncated: %s takes %" PRIu64 " bytes, and there are %" PRId64, name, what, expected, left);
  } else {
    report_error("%s is too long: %s takes %" PRIu64 " bytes, and there are %" PRId64, name, what, expected, left);
  }
  return false;
}

static bool open_input(apply_job *job) {
  const apply_request *const request = job->request;
  const char *const name = input_label(request->names[0]);
  job->input = input_open(request->names[0]);
  if (job->input < 0 || !npy_read_header(job->input, name, &job->header) || !choose_dtype(job)) return false;
  if (!layout_options_axes(&request->layout, &job->header, name, &job->axes)) return false;
  const uint64_t count = job->header.count;
  if (!reads_bits(request) && count > 0 && tensor_axes_last_index(&job->axes) > UINT64_MAX - request->mask.offset) {
    report_error("apply: --offset plus the largest index in the mask of %s passes 2^64 - 1", name);
    return false;
  }
  return check_size(job->input, name, "the data that its header announces", count * job->header.element_size);
}

static bool open_bits(apply_job *job) {
  const apply_request *const request = job->request;
  if (writes_bits(request)) return output_open(&job->bits_output, request->bits_name);
  if (!reads_bits(request)) return true;
  job->bits_input = input_open(request->bits_name);
  return job->bits_input >= 0 &&
         check_size(job->bits_input, input_label(request->bits_name), "the mask of this array", packed_size(job->header.count));
}

static bool allocate_block(apply_job *job) {
  const size_t elements = BLOCK_BYTES / job->header.element_size;
  const size_t drawn = layout_options_given(&job->request->layout) ? elements : elements / 8;
  const bool allocated = posix_memalign(&job->block, 64, BLOCK_BYTES) == 0 && (job->drawn = malloc(drawn)) != NULL;
  if (!allocated) report_error("apply: there is no memory for a block of %zu bytes", BLOCK_BYTES);
  return allocated;
}

static bool read_exactly(int descriptor, const char *name, void *data, size_t size) {
  const ptrdiff_t got = input_read(descriptor, name, data, size);
  if (got >= 0 && (size_t)got < size) report_error("%s is truncated: it ends before its data does", name);
  return got >= 0 && (size_t)got == size;
}

static bool check_end(int descriptor, const char *name) {
  char byte;
  const ptrdiff_t got = input_read(descriptor, name, &byte, 1);
  if (got > 0) report_error("%s is too long: it goes on behind its data", name);
  return got == 0;
}

// Runs the kernel on the block in place; job->drawn has or receives the mask.
static simdrop_status run_kernel(apply_job *job, const simdrop_executor *executor, const simdrop_mask *mask, const piece *at) {
  const apply_request *const request = job->request;
  void *const x = job->block;
  if (layout_options_given(&request->layout)) {
    return request->backward ? simdrop_parallel_backward_layout(executor, mask, job->dtype, &at->layout, x, x)
                             : simdrop_parallel_forward_layout(executor, mask, job->dtype, &at->layout, x, x);
  }
  if (reads_bits(request)) return simdrop_parallel_apply_bits(executor, mask->p, job->dtype, at->count, job->drawn, x, x);
  return request->backward ? simdrop_parallel_backward(executor, mask, job->dtype, at->count, x, x)
                           : simdrop_parallel_forward(executor, mask, job->dtype, at->count, x, x, job->drawn);
}

// Counts the decisions that no piece before had. Where the kernel did not have their bits, they are drawn again; the time of
// that is not the kernel's.
static simdrop_status count_kept(apply_job *job, const simdrop_executor *executor, const simdrop_mask *mask, const piece *at) {
  const apply_request *const request = job->request;
  const bool layout = layout_options_given(&request->layout);
  simdrop_status status = SIMDROP_OK;
  job->decided += at->decision_count;
  if (mask->p == 1 || at->decision_count == 0) return status;  // p = 1 drops everything, whatever a stored mask says
  if (layout) {
    status = simdrop_parallel_mask_layout_bytes(executor, mask, &at->decisions, job->drawn);
  } else if (request->backward && !reads_bits(request)) {
    status = simdrop_parallel_mask_bits(executor, mask, at->count, job->drawn);
  }
  // A byte has at most one bit set.
  if (status == SIMDROP_OK) job->kept += count_bits(job->drawn, layout ? 8 * at->decision_count : at->decision_count);
  return status;
}

static bool run_piece(apply_job *job, const piece *at) {
  const simdrop_executor executor = thread_pool_executor(&job->pool);
  simdrop_mask mask = job->request->mask;
  mask.offset += at->first_index;
  const double start = clock_seconds();
  simdrop_status status = run_kernel(job, &executor, &mask, at);
  job->kernel_seconds += clock_seconds() - start;
  if (status == SIMDROP_OK) status = count_kept(job, &executor, &mask, at);
  if (status != SIMDROP_OK) report_error("apply: %s", simdrop_status_string(status));
  return status == SIMDROP_OK;
}

static bool process_piece(apply_job *job, const piece *at) {
  const apply_request *const request = job->request;
  const size_t n = at->count, bytes = n * job->header.element_size, bits_bytes = (size_t)packed_size(n);
  if (!read_exactly(job->input, input_label(request->names[0]), job->block, bytes)) return false;
  if (reads_bits(request) && !read_exactly(job->bits_input, input_label(request->bits_name), job->drawn, bits_bytes))
    return false;
  npy_swap_elements(&job->header, job->block, n);
  tensor_sum_add(&job->sum_in, job->dtype, n, job->block);
  if (!run_piece(job, at)) return false;
  tensor_sum_add(&job->sum_out, job->dtype, n, job->block);
  npy_swap_elements(&job->header, job->block, n);
  return output_write(&job->output, job->block, bytes) &&
         (!writes_bits(request) || output_write(&job->bits_output, job->drawn, bits_bytes));
}

static bool process_pieces(apply_job *job) {
  piece_walk walk;
  piece at;
  progress bar;
  bool processed = true;
  uint64_t done = 0;
  thread_pool_start(&job->pool, (size_t)job->request->threads);
  job->threads = thread_pool_executor(&job->pool).threads;
  progress_begin(&bar, "apply", takes(job->request, STDERR_FILENO) ? 0 : job->header.count);
  piece_walk_begin(&walk, &job->axes, BLOCK_BYTES / job->header.element_size);
  while (processed && piece_walk_next(&walk, &at)) {
    processed = process_piece(job, &at);
    done += at.count;
    progress_update(&bar, done);
  }
  progress_end(&bar);
  thread_pool_stop(&job->pool);
  return processed;
}

static bool apply(apply_job *job) {
  const apply_request *const request = job->request;
  const double start = clock_seconds();
  const bool done = check_threads(request) && check_layout(request) && check_names(request) && open_input(job) &&
                    open_bits(job) && allocate_block(job) && output_open(&job->output, request->names[1]) &&
                    output_write(&job->output, job->header.raw, job->header.raw_size) && process_pieces(job) &&
                    check_end(job->input, input_label(request->names[0])) &&
                    (!reads_bits(request) || check_end(job->bits_input, input_label(request->bits_name))) &&
                    output_commit(&job->output) && (!writes_bits(request) || output_commit(&job->bits_output));
  job->total_seconds = clock_seconds() - start;
  return done;
}

static void close_job(apply_job *job) {
  output_discard(&job->output);
  output_discard(&job->bits_output);
  input_close(job->input);
  input_close(job->bits_input);
  npy_header_free(&job->header);
  free(job->block);
  free(job->drawn);
}

static void print_mean(FILE *out, const char *label, const tensor_sum *sum) {
  const double mean = tensor_mean(sum);
  if (isnan(mean)) {  // no element is finite
    fprintf(out, "%snone", label);
  } else {
    fprintf(out, "%s%.9g", label, mean);
  }
  if (sum->nan_count + sum->infinite_count > 0)
    fprintf(out, " (without %" PRIu64 " NaN, %" PRIu64 " infinite)", sum->nan_count, sum->infinite_count);
}

static void print_kept(const apply_job *job, FILE *out) {
  const uint64_t n = job->decided;
  double scale = 0;
  simdrop_scale(job->request->mask.p, &scale);
  const double expected = scale > 0 ? 1 / scale : 0, variance = expected * (1 - expected);
  fprintf(out, "kept     %" PRIu64 " of %" PRIu64, job->kept, n);
  // Elements that share a decision tell nothing about chance, so with a layout the mask's decisions are counted, not they.
  if (layout_options_given(&job->request->layout)) {
    const uint64_t each = n > 0 ? job->header.count / n : 0;
    fprintf(out, " decision%s, %" PRIu64 " element%s each", n == 1 ? "" : "s", each, each == 1 ? "" : "s");
  }
  if (n > 0) fprintf(out, ": share %.9f", (double)job->kept / (double)n);
  fprintf(out, ", expected %.9f", expected);
  if (n > 0 && variance > 0)
    fprintf(out, " (%+.2f standard deviations)", ((double)job->kept - (double)n * expected) / sqrt((double)n * variance));
  fputc('\n', out);
}

static void print_mask(const apply_request *request, FILE *out) {
  if (reads_bits(request)) {
    fprintf(out, "mask     p %.10g, stored in %s\n", request->mask.p, request->bits_name);
  } else {
    fprintf(out, "mask     p %.10g, seed %" PRIu64 ", stream %" PRIu64 ", offset %" PRIu64, request->mask.p, request->mask.seed,
            request->mask.stream, request->mask.offset);
    fprintf(out, writes_bits(request) ? ", written to %s\n" : "%s\n", writes_bits(request) ? request->bits_name : "");
  }
}

static void print_layout(const apply_job *job, FILE *out) {
  const layout_options *const options = &job->request->layout;
  char given[LAYOUT_DESCRIPTION_SIZE];
  if (!layout_options_given(options)) return;
  layout_options_describe(options, sizeof given, given);
  fprintf(out, "layout   %s", given);
  if (options->tile.given) fprintf(out, ", from index %" PRIu64 " on", job->axes.first_index);
  fputc('\n', out);
}

static void print_threads(const apply_job *job, FILE *out) {
  const uint64_t wanted = job->request->threads;
  if (wanted == 1) return;
  fprintf(out, "threads  %zu", job->threads);
  if (job->threads < wanted) fprintf(out, " of the %" PRIu64 " asked for: no more could be started", wanted);
  fputc('\n', out);
}

// The time, and the bytes that the kernel reads and writes over it; too few bytes tell nothing about speed.
static void print_rate(const apply_job *job, FILE *out, const char *label, double seconds) {
  const double bytes = 2.0 * (double)job->header.count * (double)job->header.element_size;
  fprintf(out, "%s%.6f s", label, seconds);
  if (bytes >= 1 << 20 && seconds > 0) fprintf(out, ", %.2f GB/s", 1e-9 * bytes / seconds);
}

static void print_report(const apply_job *job) {
  const apply_request *const request = job->request;
  FILE *const out = takes(request, STDOUT_FILENO) ? console_error() : console_out();
  char shape[NPY_RANK_MAX * 22 + 4], reason[512], names[2 * PATH_MAX + 8];
  npy_format_shape(&job->header, sizeof shape, shape);
  backend_reason(sizeof reason, reason);
  snprintf(names, sizeof names, "%s to %s", request->names[0], request->names[1]);
  report_hide_controls(reason);
  report_hide_controls(names);
  fprintf(out, "apply    %s, %s\n", names, request->backward ? "backward" : "forward");
  fprintf(out, "shape    %s, %" PRIu64 " element%s\n", shape, job->header.count, job->header.count == 1 ? "" : "s");
  fprintf(out, "dtype    %s, %s%s order\n", simdrop_dtype_name(job->dtype), job->header.big_endian ? "big-endian, " : "",
          job->header.fortran_order ? "Fortran" : "C");
  fprintf(out, "backend  %s: %s\n", simdrop_backend_current(), reason);
  print_threads(job, out);
  print_mask(request, out);
  print_layout(job, out);
  print_kept(job, out);
  print_mean(out, "mean     in ", &job->sum_in);
  print_mean(out, ", out ", &job->sum_out);
  print_rate(job, out, "\nkernel   ", job->kernel_seconds);
  print_rate(job, out, "\ntotal    ", job->total_seconds);
  fprintf(out, " with reading, writing and the sums above\n");
}

static int run_request(const apply_request *request) {
  apply_job job = {.request = request,
                   .input = -1,
                   .bits_input = -1,
                   .output = {OUTPUT_FILE_CLOSED},
                   .bits_output = {OUTPUT_FILE_CLOSED},
                   .pool = {THREAD_POOL_STOPPED}};
  const bool done = apply(&job);
  const bool reader_gone = job.output.reader_gone || job.bits_output.reader_gone;
  if (done && !(takes(request, STDOUT_FILENO) && takes(request, STDERR_FILENO))) print_report(&job);
  close_job(&job);
  return done || reader_gone ? EXIT_SUCCESS : EXIT_REFUSED;
}

int run_apply(int argc, char **argv) {
  apply_request request = {.dtype = ARG_NO_CHOICE, .layout = {LAYOUT_OPTIONS_NONE}, .threads = 1};
  const arg_option options[] = {
      {ARG_P_OPTION(&request.mask.p)},
      {ARG_SEED_OPTION(&request.mask.seed)},
      {ARG_STREAM_OPTION(&request.mask.stream)},
      {ARG_OFFSET_OPTION(&request.mask.offset)},
      {"backward", NULL, "compute the gradient: IN.npy is dy, OUT.npy receives dx", ARG_FLAG, &request.backward, NULL, false},
      {"bits", "MASKFILE",
       "forward: also write the packed mask, as simdrop mask --format bits does\n"
       "with --backward: read that mask instead of drawing it again; it decides alone which\n"
       "elements are kept, and --seed, --stream and --offset have no effect\n"
       "not with --mask-shape, --channels or --tile",
       ARG_TEXT, &request.bits_name, NULL, false},
      {"dtype", "DTYPE",
       "bf16 says that an array of 16-bit words (uint16, or as ml_dtypes saves it) holds\n"
       "bfloat16, and f8e4m3fn or f8e5m2 what an array of bytes holds; other types are known from\n"
       "the file and can be given to have them checked",
       ARG_CHOICE, &request.dtype, arg_dtype_names(), false},
      {"mask-shape", "N,...",
       "draw a mask of this shape and broadcast it: for each axis of the array 1, which shares\n"
       "the decisions along it, or the axis's length, for which None stands too; without None\n"
       "the first axes may be left out, and share the decisions",
       ARG_EXTENT_LIST, &request.layout.mask_shape, NULL, false},
      {"channels", "WHERE",
       "drop whole channels, which are the first axis (behind the batch) or the last one;\n"
       "channel c of sample n has index n * channels + c; goes with --spatial",
       ARG_CHOICE, &request.layout.channels, layout_channel_orders, false},
      {"spatial", "N", "how many axes a channel has: 1, 2 or 3; with or without a batch axis before all", ARG_CHOICE,
       &request.layout.spatial, spatial_counts, false},
      {"tile", "R0:R1,C0:C1",
       "the array's last two axes are rows R0 to R1 - 1 and columns C0 to C1 - 1 of larger\n"
       "matrices, and get the decisions that they have there; goes with --of",
       ARG_TILE, &request.layout.tile, NULL, false},
      {"of", "ROWSxCOLS", "the size of these matrices, decimal", ARG_MATRIX, &request.layout.whole, NULL, false},
      {"threads", "N", "run on N threads, 1 to 1024 (default 1); the result is the same with any number", ARG_NUMBER,
       &request.threads, NULL, false},
      {ARG_BACKEND_OPTION(&request.backend)},
  };
  static const char *const operand_names[] = {"IN.npy", "OUT.npy", NULL};
  const arg_spec spec = {
      .command = "apply",
      .summary =
          "Applies dropout to a NumPy array: each element is set to 0 with probability P, the others are scaled by\n"
          "1/(1-P). Shape, dtype, byte order and memory order stay as they are. Elements are counted in the order of the\n"
          "file; with --mask-shape, --channels or --tile, of which one can be given, in row-major order of the array's axes.",
      .options = options,
      .option_count = sizeof options / sizeof options[0],
      .operand_names = operand_names,
      .operands = request.names,
      .notes =
          "IN.npy: format 1.0, 2.0 or 3.0; float16, float32, float64, bfloat16 or 8-bit floats, in either byte order, in C or\n"
          "Fortran order, of any size, also larger than memory. Bytes behind the array's data are refused. '-' is standard "
          "input.\n"
          "OUT.npy: replaced only when all is done, so it may be the same file as IN.npy; '-' is standard output, and\n"
          "the report goes to standard error then. The means leave NaN and infinities out and count them.\n"
          "/dev/fd/N is descriptor N, from where it stands and never truncated (docs/files.md).\n"
          "Numbers are decimal or 0x hexadecimal, up to 2^64 - 1."};
  const arg_result parsed = args_parse(&spec, argc, argv);
  if (parsed != ARGS_RUN) return parsed == ARGS_HELPED ? EXIT_SUCCESS : EXIT_REFUSED;
  return backend_use(request.backend) ? run_request(&request) : EXIT_REFUSED;
}

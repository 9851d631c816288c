// Golden masks and digests: see golden.h.
#include "golden.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FNV_START UINT64_C(0xcbf29ce484222325)

static uint64_t add_byte(uint64_t digest, uint8_t byte) { return (digest ^ byte) * UINT64_C(0x100000001b3); }

uint64_t digest_bytes(const uint8_t *bytes, size_t size) {
  uint64_t digest = FNV_START;
  for (size_t i = 0; i < size; ++i) digest = add_byte(digest, bytes[i]);
  return digest;
}

uint64_t digest_values(simdrop_dtype dtype, size_t n, const void *values) {
  uint64_t digest = FNV_START;
  const size_t size = simdrop_dtype_size(dtype);
  for (size_t k = 0; k < n; ++k) {
    const uint64_t value = read_element(size, (const char *)values + size * k);
    for (size_t i = 0; i < size; ++i) digest = add_byte(digest, (uint8_t)(value >> 8 * i));
  }
  return digest;
}

static const double probabilities[GOLDEN_CALLS] = {0.1, 0.5, 0.9};

simdrop_mask golden_call(size_t i) {
  return (simdrop_mask){probabilities[i % GOLDEN_CALLS], UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210),
                        (UINT64_C(1) << 39) - GOLDEN_ELEMENTS / 2 - 5, 0};
}

void golden_values(simdrop_dtype dtype, size_t n, void *x) {
  uint64_t random = 40 + (uint64_t)dtype;
  fill_values(dtype, n, &random, x);
}

static void must(simdrop_status status, const char *what) {
  if (status == SIMDROP_OK) return;
  fprintf(stderr, "golden: %s: %s\n", what, simdrop_status_string(status));
  exit(1);
}

golden_layout golden_layout_of(size_t i) {
  golden_layout golden = {.mask = golden_call(i)};
  simdrop_layout *const l = &golden.layout;
  uint64_t first = 0;
  golden.mask.seed += i;
  switch (i) {
    case 0:
      golden.name = "dense";
      must(simdrop_layout_dense(3, (size_t[]){3, 211, 307}, l), golden.name);
      break;
    case 1:
      golden.name = "broadcast";
      must(simdrop_layout_broadcast(3, (size_t[]){12, 97, 130}, (size_t[]){12, 1, 130}, l), golden.name);
      break;
    case 2:
      golden.name = "channels-first";
      must(simdrop_layout_channels(SIMDROP_CHANNELS_FIRST, 2, 4, (size_t[]){5, 37, 29, 31}, l), golden.name);
      break;
    case 3:
      golden.name = "channels-last";
      must(simdrop_layout_channels(SIMDROP_CHANNELS_LAST, 2, 4, (size_t[]){5, 29, 31, 37}, l), golden.name);
      break;
    case 4:
      golden.name = "time-shared";
      must(simdrop_layout_time_shared(SIMDROP_BATCH_FIRST, 6, 50, 411, l), golden.name);
      break;
    case 5:
      golden.name = "drop-path";
      must(simdrop_layout_drop_path(3, (size_t[]){19, 83, 101}, l), golden.name);
      break;
    case 6:
      golden.name = "rows";
      must(simdrop_layout_rows(1021, 150, l), golden.name);
      break;
    case 7:
      golden.name = "tile";
      must(simdrop_layout_tile(1, (size_t[]){3}, 500, 700, 101, 297, 33, 290, l, &first), golden.name);
      golden.mask.offset += first;
      break;
    case 8:
      golden.name = "transposed";
      *l = (simdrop_layout){2, {300, 420}, {420, 1}, {1, 300}, {420, 1}, 0};
      break;
    default:
      golden.name = "reversed";
      *l = (simdrop_layout){2, {260, 500}, {-500, -1}, {500, 1}, {500, 1}, 0};
      break;
  }
  golden.count = count_of(l);
  golden.x_first = find_reach(l, l->x_strides).before;
  golden.y_first = find_reach(l, l->y_strides).before;
  return golden;
}

// The digests of all lines that begin with this word, one line after the other.
static void read_digests(const char *name, const char *word, size_t wanted, uint64_t *digests) {
  data_file *const file = open_data(name);
  const size_t length = strlen(word);
  size_t count = 0;
  for (char *line; (line = next_line(file)) != NULL;) {
    if (strncmp(line, word, length) != 0 || line[length] != ' ') continue;
    int used = 0;
    uint64_t digest;
    for (line += length; sscanf(line, "%" SCNx64 "%n", &digest, &used) == 1; line += used)
      if (count++ < wanted) digests[count - 1] = digest;
  }
  close_data(file);
  if (count != wanted) {
    fprintf(stderr, "golden: %s has %zu digests of %s, not %zu\n", name, count, word, wanted);
    exit(1);
  }
}

void read_golden_call(size_t i, uint64_t digests[GOLDEN_DIGESTS]) {
  char word[32];
  snprintf(word, sizeof word, "%.17g", probabilities[i]);
  read_digests("golden_digests.txt", word, GOLDEN_DIGESTS, digests);
}

void read_golden_layout(size_t i, uint64_t digests[GOLDEN_DIGESTS]) {
  read_digests("golden_layouts.txt", golden_layout_of(i).name, GOLDEN_DIGESTS, digests);
}

#if defined(__MINGW_PRINTF_FORMAT)  // Windows has two kinds of printf: the one that its headers chose
#define PRINTF_FORMAT __MINGW_PRINTF_FORMAT
#else
#define PRINTF_FORMAT printf
#endif

__attribute__((format(PRINTF_FORMAT, 1, 2))) static const char *problem(const char *format, ...) {
  static char text[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);  // NOLINT(clang-analyzer-valist.Uninitialized): it is initialised
  va_end(arguments);
  return text;
}

typedef struct golden_mask {
  simdrop_mask mask;
  size_t n;
  uint8_t bits[2048];
} golden_mask;

static bool read_golden_mask(data_file *file, golden_mask *golden) {
  const char *const line = next_line(file);
  if (line == NULL) return false;
  static char hex[2 * sizeof golden->bits + 1];
  simdrop_mask *const mask = &golden->mask;
  bool good = sscanf(line, "%lf %" SCNx64 " %" SCNx64 " %" SCNx64 " %zu %*s %*s %4096s", &mask->p, &mask->seed, &mask->stream,
                     &mask->offset, &golden->n, hex) == 6 &&
              strlen(hex) == 2 * PACKED(golden->n);
  for (size_t i = 0; good && i < PACKED(golden->n); ++i) good = sscanf(hex + 2 * i, "%2hhx", &golden->bits[i]) == 1;
  if (!good) {
    fprintf(stderr, "golden: this is no golden mask: %s\n", line);
    exit(1);
  }
  return true;
}

// Draws the mask; *wraps if it goes on at index 0, which is not to be had in one call.
static const char *draw_golden_mask(simdrop_mask mask, size_t n, uint8_t bits[2048], bool *wraps) {
  const uint64_t left = 0 - mask.offset;  // indices until 2^64; 0 = all of them
  *wraps = left != 0 && left < n;
  if (!*wraps) return simdrop_mask_bits(&mask, n, bits) == SIMDROP_OK ? NULL : problem("a mask is refused");
  memset(bits, 0xA5, 2048);
  if (simdrop_mask_bits(&mask, n, bits) != SIMDROP_ERROR_INDEX_OVERFLOW)
    return problem("a mask past index 2^64 is not refused");
  for (size_t i = 0; i < 2048; ++i)
    if (bits[i] != 0xA5) return problem("a refused mask wrote byte %zu", i);
  if (left % 8 != 0) return problem("a mask past index 2^64 cannot be put together of bytes");
  if (simdrop_mask_bits(&mask, (size_t)left, bits) != SIMDROP_OK) return problem("the last indices are refused");
  mask.offset = 0;
  const simdrop_status status = simdrop_mask_bits(&mask, n - (size_t)left, bits + left / 8);
  return status == SIMDROP_OK ? NULL : problem("the first indices are refused");
}

const char *golden_masks_problem(void) {
  data_file *const file = open_data("mask_golden.txt");
  golden_mask golden = {0};
  size_t count = 0, past_the_end = 0;
  const char *found = NULL;
  for (; found == NULL && read_golden_mask(file, &golden); ++count) {
    uint8_t bits[2048];
    bool wraps;
    found = draw_golden_mask(golden.mask, golden.n, bits, &wraps);
    past_the_end += wraps;
    for (size_t i = 0; found == NULL && i < PACKED(golden.n); ++i)
      if (bits[i] != golden.bits[i])
        found =
            problem("golden mask %zu: byte %zu of %zu is %02x, not %02x", count, i, PACKED(golden.n), bits[i], golden.bits[i]);
  }
  close_data(file);
  if (found == NULL && (count != 22 || past_the_end != 1)) found = problem("%zu golden masks were read, not all 22", count);
  return found;
}

static const char *call_problem(const simdrop_mask *mask, simdrop_dtype dtype, const uint64_t golden[GOLDEN_DIGESTS], void *x,
                                void *y, void *again, uint8_t *bits) {
  enum {
    N = GOLDEN_ELEMENTS
  };
  const size_t size = N * simdrop_dtype_size(dtype);
  golden_values(dtype, N, x);
  must(simdrop_forward(mask, dtype, N, x, y, bits), "forward");
  if (digest_values(dtype, N, y) != golden[1 + dtype])
    return problem("outputs of %s at p = %g differ from the golden ones", dtype_name(dtype), mask->p);
  if (digest_bytes(bits, PACKED(N)) != golden[0]) return problem("mask at p = %g differs from the golden one", mask->p);
  must(simdrop_backward(mask, dtype, N, x, again), "backward");
  if (memcmp(again, y, size) != 0) return problem("backward of %s at p = %g differs from forward", dtype_name(dtype), mask->p);
  must(simdrop_apply_bits(mask->p, dtype, N, bits, x, again), "apply_bits");
  if (memcmp(again, y, size) != 0)
    return problem("%s with the stored mask at p = %g differs from forward", dtype_name(dtype), mask->p);
  return NULL;
}

const char *golden_calls_problem(void) {
  void *const x = allocate(8 * GOLDEN_ELEMENTS), *const y = allocate(8 * GOLDEN_ELEMENTS);
  void *const again = allocate(8 * GOLDEN_ELEMENTS);
  uint8_t *const bits = allocate(PACKED(GOLDEN_ELEMENTS));
  const char *found = NULL;
  for (size_t i = 0; found == NULL && i < GOLDEN_CALLS; ++i) {
    const simdrop_mask mask = golden_call(i);
    uint64_t golden[GOLDEN_DIGESTS];
    read_golden_call(i, golden);
    for (size_t d = 0; found == NULL && d < LENGTH(all_dtypes); ++d)
      if (comparable_probability(all_dtypes[d], mask.p) == mask.p)
        found = call_problem(&mask, all_dtypes[d], golden, x, y, again, bits);
  }
  free(x);
  free(y);
  free(again);
  free(bits);
  return found;
}

static const char *layout_problem(const golden_layout *l, const uint64_t golden[GOLDEN_DIGESTS]) {
  char *const x = allocate(8 * l->count), *const y = allocate(8 * l->count);
  uint8_t *const bytes = allocate(l->count);
  const char *found = NULL;
  must(simdrop_mask_layout_bytes(&l->mask, &l->layout, bytes), l->name);
  if (digest_bytes(bytes, l->count) != golden[0]) found = problem("mask of the layout %s differs from the golden one", l->name);
  for (size_t d = 0; found == NULL && d < LENGTH(all_dtypes); ++d) {
    const simdrop_dtype dtype = all_dtypes[d];
    if (comparable_probability(dtype, l->mask.p) != l->mask.p) continue;
    const size_t size = simdrop_dtype_size(dtype);
    golden_values(dtype, l->count, x);
    must(simdrop_forward_layout(&l->mask, dtype, &l->layout, x + l->x_first * size, y + l->y_first * size), l->name);
    if (digest_values(dtype, l->count, y) != golden[1 + d])
      found = problem("outputs of %s in the layout %s differ from the golden ones", dtype_name(dtype), l->name);
  }
  free(x);
  free(y);
  free(bytes);
  return found;
}

const char *golden_layouts_problem(void) {
  const char *found = NULL;
  for (size_t i = 0; found == NULL && i < GOLDEN_LAYOUTS; ++i) {
    const golden_layout layout = golden_layout_of(i);
    uint64_t golden[GOLDEN_DIGESTS];
    read_golden_layout(i, golden);
    found = layout_problem(&layout, golden);
  }
  return found;
}

golden_chain golden_chain_of(size_t i) {
  if (i < 2) return (golden_chain){SIMDROP_F64, (simdrop_activation)i};
  static const simdrop_dtype types[] = {SIMDROP_F32, SIMDROP_F16, SIMDROP_BF16};
  return (golden_chain){types[(i - 2) / 5], (simdrop_activation)((i - 2) % 5)};
}

static bool is_nan(simdrop_dtype dtype, uint64_t value) {
  switch (dtype) {
    case SIMDROP_F32: return (value & UINT32_C(0x7fffffff)) > UINT32_C(0x7f800000);
    case SIMDROP_F64: return (value & (UINT64_MAX >> 1)) > UINT64_C(0x7ff0000000000000);
    case SIMDROP_F16: return (value & 0x7fff) > 0x7c00;
    default: return (value & 0x7fff) > 0x7f80;
  }
}

static uint64_t digest_with_one_nan(simdrop_dtype dtype, size_t n, void *values) {
  const size_t size = simdrop_dtype_size(dtype);
  for (size_t k = 0; k < n; ++k)
    if (is_nan(dtype, read_element(size, (char *)values + size * k)))
      write_element(size, UINT64_MAX, (char *)values + size * k);
  return digest_values(dtype, n, values);
}

// Rows of 257 elements and gaps, of which activations see all sorts of numbers; and for the sums, which these would make NaN,
// of numbers about 1 in the place of dy.
void golden_chain_digests(golden_chain golden, uint64_t digests[GOLDEN_CHAIN_DIGESTS]) {
  enum {
    ROWS = 130,
    COLUMNS = 257,
    STRIDE = 260,
    COUNT = ROWS * STRIDE,
    BITS = ROWS * COLUMNS
  };
  const simdrop_dtype dtype = golden.dtype, sums_dtype = dtype == SIMDROP_F64 ? SIMDROP_F64 : SIMDROP_F32;
  const simdrop_matrix matrix = {ROWS, COLUMNS, STRIDE, STRIDE, STRIDE, COLUMNS + 40, 0};
  const simdrop_mask mask = {0.3, 11, 12, 1000003, 0};
  const size_t size = simdrop_dtype_size(dtype);
  char *const x = allocate(8 * COUNT), *const dy = allocate(8 * COUNT), *const y = allocate(8 * COUNT);
  char *const sums = allocate(8 * COLUMNS);
  uint8_t *const bits = allocate(PACKED(BITS));
  golden_values(dtype, COUNT, x);
  golden_values(dtype, COUNT, y);  // what is between rows stays so
  simdrop_chain chain = {golden.activation, SIMDROP_BIAS_OF_COLUMNS, x + 5 * size, x + 3 * size, 0};
  must(simdrop_chain_forward(NULL, &mask, dtype, &matrix, &chain, x, y, bits), "chain");
  digests[0] = digest_with_one_nan(dtype, COUNT - 3, y);
  digests[1] = digest_bytes(bits, PACKED(BITS));
  uint64_t random = 90;
  static const uint64_t ones[] = {0x3f000000, UINT64_C(0x3fe0000000000000), 0x3800, 0x3f00};  // 1/2, and random bits below
  static const int fractions[] = {24, 53, 11, 8};
  for (size_t k = 0; k < COUNT; ++k) {
    const uint64_t fraction = next_random(&random) >> (64 - fractions[dtype]);
    write_element(size, ones[dtype] + fraction, dy + size * k);
    write_element(size, ones[dtype] + fraction + ((fraction & 1) << (8 * size - 1)), x + size * k);
  }
  must(simdrop_chain_backward(NULL, &mask, dtype, &matrix, &chain, NULL, x, dy, y, sums), "chain's gradient");
  digests[2] = digest_with_one_nan(dtype, COUNT - 3, y);
  digests[3] = digest_values(sums_dtype, COLUMNS, sums);
  chain.bias_axis = SIMDROP_BIAS_OF_ROWS;
  must(simdrop_chain_backward(NULL, &mask, dtype, &matrix, &chain, NULL, x, dy, y, sums), "chain's gradient");
  digests[4] = digest_values(sums_dtype, ROWS, sums);
  free(x);
  free(dy);
  free(y);
  free(sums);
  free(bits);
}

// What a file of digests of fused functions is about: a line for each type and option.
typedef struct fused_golden {
  const char *file, *what, *option;
  size_t count;                                 // lines
  size_t digests;                               // of a line,
  const char *names[GOLDEN_NORM_DIGESTS];       // and theirs
  simdrop_dtype (*type_of)(size_t i);           // of line i,
  int (*option_of)(size_t i);                   // and its option
  void (*digest)(size_t i, uint64_t *digests);  // what the backend that is chosen makes of it
} fused_golden;

static const char *fused_problem(const fused_golden *golden) {
  data_file *const file = open_data(golden->file);
  const char *found = NULL;
  size_t count = 0;
  for (char *line; found == NULL && (line = next_line(file)) != NULL; ++count) {
    if (count >= golden->count) continue;
    if (comparable_probability(golden->type_of(count), 0.3) != 0.3) continue;
    char name[16];
    int option, length = 0;
    uint64_t wanted[GOLDEN_NORM_DIGESTS], digests[GOLDEN_NORM_DIGESTS];
    bool is_read = sscanf(line, "%15s %d%n", name, &option, &length) == 2;
    const char *rest = line + length;
    for (size_t i = 0; is_read && i < golden->digests; ++i, rest += length)
      is_read = sscanf(rest, " %" SCNx64 "%n", &wanted[i], &length) == 1;
    if (!is_read || strcmp(name, dtype_name(golden->type_of(count))) != 0 || option != golden->option_of(count))
      return problem("this is no golden %s: %s", golden->what, line);
    golden->digest(count, digests);
    for (size_t i = 0; found == NULL && i < golden->digests; ++i)
      if (digests[i] != wanted[i])
        found = problem("%s of the %s of %s with %s %d differ", golden->names[i], golden->what, name, golden->option, option);
  }
  close_data(file);
  if (found == NULL && count != golden->count)
    found = problem("%zu lines of %s were read, not all %zu", count, golden->file, golden->count);
  return found;
}

static simdrop_dtype chain_type(size_t i) { return golden_chain_of(i).dtype; }
static int chain_activation(size_t i) { return (int)golden_chain_of(i).activation; }
static void digest_chain(size_t i, uint64_t *digests) { golden_chain_digests(golden_chain_of(i), digests); }

const char *golden_chains_problem(void) {
  static const fused_golden chains = {"golden_chains.txt",  "chain",
                                      "activation",         GOLDEN_CHAINS,
                                      GOLDEN_CHAIN_DIGESTS, {"y", "bits", "dx", "sums of columns", "sums of rows"},
                                      chain_type,           chain_activation,
                                      digest_chain};
  return fused_problem(&chains);
}

// Numbers of 1/2 and more in magnitude, and less than 2.
static void fill_near(simdrop_dtype dtype, size_t n, uint64_t *random, char *x) {
  static const uint64_t lowest[] = {0x3f000000, UINT64_C(0x3fe) << 52, 0x3800, 0x3f00};  // 1/2, and random bits below and above
  static const int fractions[] = {23, 52, 10, 7};
  const size_t size = simdrop_dtype_size(dtype);
  for (size_t k = 0; k < n; ++k) {
    const uint64_t bits = next_random(random), fraction = bits >> (64 - fractions[dtype]);
    const uint64_t exponent = (bits & 1) << fractions[dtype], sign = (bits >> 1 & 1) << (8 * size - 1);
    write_element(size, (lowest[dtype] + fraction + exponent) | sign, x + size * k);
  }
}

golden_norm golden_norm_of(size_t i) {
  static const simdrop_dtype types[] = {SIMDROP_F32, SIMDROP_F64, SIMDROP_F16, SIMDROP_BF16};
  return (golden_norm){types[i / 2], i % 2 == 0 ? SIMDROP_LAYER_NORM : SIMDROP_RMS_NORM};
}

// Rows with gaps, and groups of rows for the sums of columns.
void golden_norm_digests(golden_norm golden, uint64_t digests[GOLDEN_NORM_DIGESTS]) {
  enum {
    ROWS = 130,
    COLUMNS = 257,
    STRIDE = 260,
    COUNT = ROWS * STRIDE
  };
  const simdrop_dtype dtype = golden.dtype, sums_dtype = dtype == SIMDROP_F64 ? SIMDROP_F64 : SIMDROP_F32;
  const simdrop_matrix matrix = {ROWS, COLUMNS, STRIDE, STRIDE, STRIDE, COLUMNS + 40, 0};
  const simdrop_mask mask = {0.3, 11, 14, 1000003, 0};
  const size_t size = simdrop_dtype_size(dtype), row = (size_t)STRIDE * size;
  char *const x = allocate(8 * COUNT), *const dy = allocate(8 * COUNT), *const h = allocate(8 * COUNT);
  char *const y = allocate(8 * COUNT), *const statistics = allocate(16 * ROWS), *const sums = allocate(3 * 8 * COLUMNS);
  uint64_t random = 92;
  char *const all[] = {x, dy, h, y};
  for (size_t i = 0; i < sizeof all / sizeof *all; ++i) fill_near(dtype, COUNT, &random, all[i]);
  const simdrop_norm norm = {golden.kind, 1e-5, x + row, dy, dy + row, dy + 2 * row, 0};
  must(simdrop_norm_forward(NULL, &mask, dtype, &matrix, &norm, x, h, y, statistics), "norm");
  digests[0] = digest_values(dtype, COUNT - 3, h);
  digests[1] = digest_values(dtype, COUNT - 3, y);
  digests[2] = digest_values(sums_dtype, (size_t)2 * ROWS, statistics);
  char *const gamma = sums, *const beta = sums + 8 * COLUMNS, *const bias = sums + 16 * COLUMNS;
  // A gamma that is no part of dy, over which dh is written.
  const simdrop_norm backward = {golden.kind, 1e-5, NULL, NULL, y + 3 * row, NULL, 0};
  must(simdrop_norm_backward(NULL, &mask, dtype, &matrix, &backward, h, statistics, dy, h, dy, x, gamma, beta, bias),
       "norm's gradients");
  digests[3] = digest_values(dtype, COUNT - 3, dy);
  digests[4] = digest_values(dtype, COUNT - 3, x);
  digests[5] = digest_values(sums_dtype, COLUMNS, gamma);
  digests[6] = digest_values(sums_dtype, COLUMNS, beta);
  digests[7] = digest_values(sums_dtype, COLUMNS, bias);
  for (size_t i = 0; i < sizeof all / sizeof *all; ++i) free(all[i]);
  free(statistics);
  free(sums);
}

static simdrop_dtype norm_type(size_t i) { return golden_norm_of(i).dtype; }
static int norm_kind(size_t i) { return (int)golden_norm_of(i).kind; }
static void digest_norm(size_t i, uint64_t *digests) { golden_norm_digests(golden_norm_of(i), digests); }

const char *golden_norms_problem(void) {
  static const fused_golden norms = {
      "golden_norms.txt",
      "norm",
      "kind",
      GOLDEN_NORMS,
      GOLDEN_NORM_DIGESTS,
      {"h", "y", "statistics", "dh", "dx", "gamma's gradient", "beta's gradient", "the bias' gradient"},
      norm_type,
      norm_kind,
      digest_norm};
  return fused_problem(&norms);
}

golden_softmax golden_softmax_of(size_t i) {
  static const simdrop_dtype types[] = {SIMDROP_F32, SIMDROP_F16, SIMDROP_BF16};
  return (golden_softmax){types[i / 2], i % 2 != 0};
}

// Rows that fit the kernels' buffers, and those that do not.
static void digest_softmax(golden_softmax golden, size_t rows, size_t columns, uint64_t digests[GOLDEN_SOFTMAX_DIGESTS]) {
  const simdrop_dtype dtype = golden.dtype;
  const size_t count = rows * columns, bytes = 4 * count;
  const simdrop_mask mask = {0.3, 11, 13, 1000003, 0};
  simdrop_matrix matrix = simdrop_matrix_dense(rows, columns);
  matrix.index_stride += 40;
  simdrop_softmax softmax = simdrop_softmax_plain(1.75, columns);
  char *const x = allocate(bytes), *const dy = allocate(bytes), *const y = allocate(bytes), *const p = allocate(bytes);
  float *const statistics = allocate(2 * rows * sizeof *statistics);
  uint8_t *const allowed = allocate(columns + 3 * rows);
  uint64_t random = 91;
  for (size_t k = 0; k < columns + 3 * rows; ++k) allowed[k] = next_random(&random) % 8 == 0 ? 0 : 1;
  fill_near(dtype, count, &random, x);
  fill_near(dtype, count, &random, dy);
  if (golden.has_masks) {
    softmax.additive = dy;
    softmax.additive_type = dtype;
    softmax.additive_stride = (ptrdiff_t)columns;
    softmax.allowed = allowed;
    softmax.allowed_stride = 3;
    softmax.causal = 1;
    softmax.diagonal = (ptrdiff_t)columns - (ptrdiff_t)rows;
  }
  must(simdrop_softmax_forward(NULL, &mask, dtype, &matrix, &softmax, x, y, p, statistics), "softmax");
  digests[0] = digest_values(dtype, count, y);
  digests[1] = digest_values(dtype, count, p);
  digests[2] = digest_values(SIMDROP_F32, 2 * rows, statistics);
  must(simdrop_softmax_backward(NULL, &mask, dtype, &matrix, &softmax, p, NULL, NULL, dy, y), "softmax's gradient");
  digests[3] = digest_values(dtype, count, y);
  must(simdrop_softmax_backward(NULL, &mask, dtype, &matrix, &softmax, NULL, x, statistics, dy, y), "softmax's gradient");
  digests[4] = digest_values(dtype, count, y);
  free(x);
  free(dy);
  free(y);
  free(p);
  free(statistics);
  free(allowed);
}

void golden_softmax_digests(golden_softmax softmax, uint64_t digests[GOLDEN_SOFTMAX_DIGESTS]) {
  uint64_t of_long[GOLDEN_SOFTMAX_DIGESTS];
  digest_softmax(softmax, 70, 257, digests);
  digest_softmax(softmax, 2, 4999, of_long);
  for (size_t i = 0; i < GOLDEN_SOFTMAX_DIGESTS; ++i) digests[i] ^= of_long[i] << 1;
}

static simdrop_dtype softmax_type(size_t i) { return golden_softmax_of(i).dtype; }
static int softmax_masks(size_t i) { return golden_softmax_of(i).has_masks; }
static void digest_golden_softmax(size_t i, uint64_t *digests) { golden_softmax_digests(golden_softmax_of(i), digests); }

const char *golden_softmaxes_problem(void) {
  static const fused_golden softmaxes = {"golden_softmaxes.txt",
                                         "softmax",
                                         "masks",
                                         GOLDEN_SOFTMAXES,
                                         GOLDEN_SOFTMAX_DIGESTS,
                                         {"y", "probabilities", "statistics", "dx", "dx from the statistics"},
                                         softmax_type,
                                         softmax_masks,
                                         digest_golden_softmax};
  return fused_problem(&softmaxes);
}

// ---- the relatives of dropout

enum {
  VARIANT_ELEMENTS = 1 << 16,
  VARIANT_SIDE = 256  // of a matrix of as many
};

// Values without infinities and NaNs, whose signs and payloads are nobody's promise once more is done than a product.
static const uint64_t largest_exponents[] = {0x7f800000, UINT64_C(0x7ff) << 52, 0x7c00, 0x7f80};
static void finite_values(simdrop_dtype dtype, size_t n, char *x) {
  const uint64_t largest = largest_exponents[dtype];
  const size_t size = simdrop_dtype_size(dtype);
  golden_values(dtype, n, x);
  for (size_t k = 0; k < n; ++k) {
    const uint64_t bits = read_element(size, x + k * size);
    if ((bits & largest) == largest) write_element(size, bits & ~largest, x + k * size);
  }
}

// Values of 1 and more in magnitude, and less than 2.
static void near_values(simdrop_dtype dtype, size_t n, char *x) {
  static const uint64_t ones[] = {0x3f800000, UINT64_C(0x3ff) << 52, 0x3c00, 0x3f80};
  const size_t size = simdrop_dtype_size(dtype);
  golden_values(dtype, n, x);
  for (size_t k = 0; k < n; ++k)
    write_element(size, (read_element(size, x + k * size) & ~largest_exponents[dtype]) | ones[dtype], x + k * size);
}

// dw and dx of DropConnect.
static void connect_gradients(const simdrop_mask *mask, simdrop_dtype dtype, const char *x, char *y) {
  const size_t size = simdrop_dtype_size(dtype), side = VARIANT_SIDE;
  must(simdrop_dropconnect_backward(NULL, mask, dtype, side, side, x, side, x + 77 * size, x + 999 * size, x, y,
                                    y + side * side * size),
       "dropconnect-gradients");
}

static const char *const variant_names[GOLDEN_VARIANTS] = {"normals",  "uniforms", "dropconnect",          "alpha",
                                                           "gaussian", "concrete", "dropconnect-gradients"};

const char *golden_variant_name(size_t i) { return variant_names[i]; }

void golden_variant_digests(size_t i, uint64_t digests[GOLDEN_VARIANT_DIGESTS]) {
  enum {
    N = VARIANT_ELEMENTS
  };
  const simdrop_mask mask = golden_call(0);
  char *const x = allocate(8 * N), *const y = allocate((size_t)8 * (N + VARIANT_SIDE));
  memset(digests, 0, GOLDEN_VARIANT_DIGESTS * sizeof *digests);
  if (i < 3) {
    float *const numbers = (float *)(void *)x, *const sums = (float *)(void *)y;
    must((i == 1 ? simdrop_uniforms : simdrop_normals)(NULL, &mask, N, numbers), variant_names[i]);
    if (i < 2) digests[0] = digest_values(SIMDROP_F32, 4, numbers);
    digests[1] = digest_values(SIMDROP_F32, N, numbers);
    if (i == 2) {
      must(simdrop_dropconnect(NULL, &mask, SIMDROP_F32, VARIANT_SIDE, VARIANT_SIDE, numbers, VARIANT_SIDE, numbers + 77, sums),
           variant_names[i]);
      digests[1] = digest_values(SIMDROP_F32, VARIANT_SIDE, sums);
    }
  }
  for (size_t d = 0; i >= 3 && d < GOLDEN_VARIANT_DIGESTS; ++d) {
    const simdrop_dtype dtype = all_dtypes[d];
    if (comparable_probability(dtype, mask.p) != mask.p) continue;
    finite_values(dtype, N, x);
    if (i == 3) must(simdrop_alpha_forward(NULL, &mask, dtype, N, x, y), variant_names[i]);
    if (i == 4) must(simdrop_gaussian_forward(NULL, &mask, dtype, N, x, y), variant_names[i]);
    if (i == 5) must(simdrop_concrete_forward(NULL, &mask, 0.1, dtype, N, x, y), variant_names[i]);
    if (i == 6) {
      near_values(dtype, N, x);
      connect_gradients(&mask, dtype, x, y);
    }
    digests[d] = digest_values(dtype, i == 6 ? N + VARIANT_SIDE : N, y);
  }
  free(x);
  free(y);
}

const char *golden_variants_problem(void) {
  for (size_t i = 0; i < GOLDEN_VARIANTS; ++i) {
    uint64_t golden[GOLDEN_VARIANT_DIGESTS], found[GOLDEN_VARIANT_DIGESTS];
    read_digests("golden_variants.txt", variant_names[i], GOLDEN_VARIANT_DIGESTS, golden);
    golden_variant_digests(i, found);
    for (size_t d = 0; d < GOLDEN_VARIANT_DIGESTS; ++d)
      if (found[d] != golden[d] && found[d] != 0)
        return problem("%s: number %zu differs from the golden one", variant_names[i], d);
  }
  return NULL;
}

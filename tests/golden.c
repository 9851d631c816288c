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
static void read_digests(const char *name, const char *word, uint64_t digests[GOLDEN_DIGESTS]) {
  data_file *const file = open_data(name);
  const size_t length = strlen(word);
  size_t count = 0;
  for (char *line; (line = next_line(file)) != NULL;) {
    if (strncmp(line, word, length) != 0 || line[length] != ' ') continue;
    int used = 0;
    uint64_t digest;
    for (line += length; sscanf(line, "%" SCNx64 "%n", &digest, &used) == 1; line += used)
      if (count++ < GOLDEN_DIGESTS) digests[count - 1] = digest;
  }
  close_data(file);
  if (count != GOLDEN_DIGESTS) {
    fprintf(stderr, "golden: %s has %zu digests of %s, not %d\n", name, count, word, (int)GOLDEN_DIGESTS);
    exit(1);
  }
}

void read_golden_call(size_t i, uint64_t digests[GOLDEN_DIGESTS]) {
  char word[32];
  snprintf(word, sizeof word, "%.17g", probabilities[i]);
  read_digests("golden_digests.txt", word, digests);
}

void read_golden_layout(size_t i, uint64_t digests[GOLDEN_DIGESTS]) {
  read_digests("golden_layouts.txt", golden_layout_of(i).name, digests);
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
  vsnprintf(text, sizeof text, format, arguments);
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

// The public interface, through its public header alone: every error of every function with the outputs untouched, what is no
// error, and the backends listed, queried and forced. Built against the static and the shared library.
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "promises.h"
#include "support.h"

enum {
  N = 1003,         // not a multiple of 8
  ENOUGH = 100000,  // elements that a call on several threads is cut for
  CANARY = 0xA5
};

static const simdrop_mask good = {0.3, 1, 2, 3, 0};
static double x[N], y[N + 8];
static uint8_t bits[PACKED(N) + 8], bytes[N];
static struct {
  simdrop_layout layout;
  simdrop_layout_part part;
  size_t begin, end;
  uint64_t first_index;
  double scale;
} made;

static void fill_outputs(void) {
  for (size_t k = 0; k < N; ++k) x[k] = 1;
  memset(y, CANARY, sizeof y);
  memset(bits, CANARY, sizeof bits);
  memset(bytes, CANARY, sizeof bytes);
  memset(&made, CANARY, sizeof made);
  errno = 12345;
}

// What has been refused: which function, with which status, and for which argument, counted from 0, if just one was NULL.
typedef struct refusal {
  char function[64];
  simdrop_status status;
  int null_argument;  // -1: none, or several
} refusal;
static refusal refusals[1000];
static size_t refusal_count;

// From a call as it stands in this file: "simdrop_forward(NULL, dtype, N, x, y, bits)".
static void note_refusal(const char *call, simdrop_status status) {
  refusal noted = {.status = status, .null_argument = -1};
  const size_t length = strcspn(call, "(");
  assert_true(length < sizeof noted.function);
  memcpy(noted.function, call, length);
  int depth = 0, argument = 0, nulls = 0;
  for (const char *at = call + length; *at != '\0'; ++at) {
    if (strchr("({[", *at) != NULL) ++depth;
    if (strchr(")}]", *at) != NULL) --depth;
    if (depth != 1 || (*at != ',' && *at != '(')) continue;
    argument += *at == ',';
    const char *const begin = at + 1 + (at[1] == ' ');
    if (strncmp(begin, "NULL", 4) != 0 || strchr(",)", begin[4]) == NULL) continue;
    noted.null_argument = nulls++ == 0 ? argument : -1;
  }
  for (size_t i = 0; i < refusal_count; ++i)
    if (strcmp(refusals[i].function, noted.function) == 0 && refusals[i].status == status &&
        refusals[i].null_argument == noted.null_argument)
      return;
  assert_true(refusal_count < LENGTH(refusals));
  refusals[refusal_count++] = noted;
}

// A refused call has this status, and has written nothing.
static void check_refused(simdrop_status status, simdrop_status expected, const char *what) {
  if (status != expected)
    fail_msg("%s: \"%s\" instead of \"%s\"", what, simdrop_status_string(status), simdrop_status_string(expected));
  check_filled(y, sizeof y, CANARY, "y after %s", what);
  check_filled(bits, sizeof bits, CANARY, "bits after %s", what);
  check_filled(bytes, sizeof bytes, CANARY, "bytes after %s", what);
  check_filled(&made, sizeof made, CANARY, "what is made by %s", what);
  for (size_t k = 0; k < N; ++k) assert_true(x[k] == 1);
  assert_int_equal(errno, 12345);
}
#define REFUSED(expected, call)                           \
  do {                                                    \
    fill_outputs();                                       \
    check_refused(call, SIMDROP_ERROR_##expected, #call); \
    note_refusal(#call, SIMDROP_ERROR_##expected);        \
  } while (0)
#define ACCEPTED(call)                  \
  do {                                  \
    fill_outputs();                     \
    assert_int_equal(call, SIMDROP_OK); \
  } while (0)

static void null_pointers(void **state) {
  (void)state;
  REFUSED(NULL_POINTER, simdrop_mask_bits(NULL, N, bits));
  REFUSED(NULL_POINTER, simdrop_mask_bits(&good, N, NULL));
  REFUSED(NULL_POINTER, simdrop_mask_bytes(NULL, N, bytes));
  REFUSED(NULL_POINTER, simdrop_mask_bytes(&good, N, NULL));
  REFUSED(NULL_POINTER, simdrop_scale(0.5, NULL));
  for (size_t d = 0; d < LENGTH(all_dtypes); ++d) {
    const simdrop_dtype dtype = all_dtypes[d];
    REFUSED(NULL_POINTER, simdrop_forward(NULL, dtype, N, x, y, bits));
    REFUSED(NULL_POINTER, simdrop_forward_bytes(NULL, dtype, N, x, y, bytes));
    REFUSED(NULL_POINTER, simdrop_forward(&good, dtype, N, NULL, y, bits));
    REFUSED(NULL_POINTER, simdrop_forward_bytes(&good, dtype, N, NULL, y, bytes));
    REFUSED(NULL_POINTER, simdrop_forward(&good, dtype, N, x, NULL, bits));
    REFUSED(NULL_POINTER, simdrop_forward_bytes(&good, dtype, N, x, NULL, bytes));
    REFUSED(NULL_POINTER, simdrop_forward_bytes(&good, dtype, N, x, y, NULL));
    REFUSED(NULL_POINTER, simdrop_forward_bytes(&(simdrop_mask){0, 1, 2, 3, 0}, dtype, N, x, y, NULL));
    REFUSED(NULL_POINTER, simdrop_backward(NULL, dtype, N, x, y));
    REFUSED(NULL_POINTER, simdrop_backward(&good, dtype, N, NULL, y));
    REFUSED(NULL_POINTER, simdrop_backward(&good, dtype, N, x, NULL));
    REFUSED(NULL_POINTER, simdrop_apply_bits(0.3, dtype, N, NULL, x, y));
    REFUSED(NULL_POINTER, simdrop_apply_bits(0.3, dtype, N, bits, NULL, y));
    REFUSED(NULL_POINTER, simdrop_apply_bits(0.3, dtype, N, bits, x, NULL));
    REFUSED(NULL_POINTER, simdrop_apply_bits(1, dtype, N, NULL, x, y));
    REFUSED(NULL_POINTER, simdrop_apply_bits(0, dtype, N, NULL, x, y));
  }
  ACCEPTED(simdrop_forward(&good, SIMDROP_F32, N, x, y, NULL));  // the one pointer that may be NULL
}

static void nothing_to_do(void **state) {
  (void)state;
  fill_outputs();
  check_refused(simdrop_mask_bits(&good, 0, NULL), SIMDROP_OK, "n = 0");
  check_refused(simdrop_mask_bits(&good, 0, bits), SIMDROP_OK, "n = 0");
  check_refused(simdrop_mask_bytes(&good, 0, NULL), SIMDROP_OK, "n = 0");
  check_refused(simdrop_mask_bytes(&good, 0, bytes), SIMDROP_OK, "n = 0");
  for (size_t d = 0; d < LENGTH(all_dtypes); ++d) {
    const simdrop_dtype dtype = all_dtypes[d];
    check_refused(simdrop_forward(&good, dtype, 0, NULL, NULL, NULL), SIMDROP_OK, "n = 0");
    check_refused(simdrop_forward(&good, dtype, 0, x, y, bits), SIMDROP_OK, "n = 0");
    check_refused(simdrop_forward(&good, dtype, 0, x, x, (uint8_t *)x), SIMDROP_OK, "n = 0");
    check_refused(simdrop_forward_bytes(&good, dtype, 0, NULL, NULL, NULL), SIMDROP_OK, "n = 0");
    check_refused(simdrop_forward_bytes(&good, dtype, 0, x, y, bytes), SIMDROP_OK, "n = 0");
    check_refused(simdrop_forward_bytes(&good, dtype, 0, x, x, (uint8_t *)x), SIMDROP_OK, "n = 0");
    check_refused(simdrop_backward(&good, dtype, 0, NULL, NULL), SIMDROP_OK, "n = 0");
    check_refused(simdrop_backward(&good, dtype, 0, x, y), SIMDROP_OK, "n = 0");
    check_refused(simdrop_apply_bits(0.3, dtype, 0, NULL, NULL, NULL), SIMDROP_OK, "n = 0");
    check_refused(simdrop_apply_bits(0.3, dtype, 0, bits, x, y), SIMDROP_OK, "n = 0");
  }
  // At the very end, n = 0 passes nothing.
  const simdrop_mask last = {0.3, 1, 2, UINT64_MAX, 0};
  check_refused(simdrop_mask_bits(&last, 0, NULL), SIMDROP_OK, "n = 0");
  // The other errors are errors for n = 0 too.
  REFUSED(PROBABILITY, simdrop_mask_bits(&(simdrop_mask){2, 0, 0, 0, 0}, 0, NULL));
  REFUSED(DTYPE, simdrop_forward(&good, (simdrop_dtype)SIMDROP_ELEMENT_TYPE_COUNT, 0, NULL, NULL, NULL));
}

static void probabilities(void **state) {
  (void)state;
  static const double bad[] = {NAN, -NAN, INFINITY, -INFINITY, -1, -0x1p-1074, -DBL_EPSILON, 1 + DBL_EPSILON, 2, DBL_MAX};
  for (size_t i = 0; i < LENGTH(bad); ++i) {
    const simdrop_mask mask = {bad[i], 1, 2, 3, 0};
    REFUSED(PROBABILITY, simdrop_mask_bits(&mask, N, bits));
    REFUSED(PROBABILITY, simdrop_mask_bytes(&mask, N, bytes));
    REFUSED(PROBABILITY, simdrop_scale(bad[i], &made.scale));
    for (size_t d = 0; d < LENGTH(all_dtypes); ++d) {
      REFUSED(PROBABILITY, simdrop_forward(&mask, all_dtypes[d], N, x, y, bits));
      REFUSED(PROBABILITY, simdrop_forward_bytes(&mask, all_dtypes[d], N, x, y, bytes));
      REFUSED(PROBABILITY, simdrop_backward(&mask, all_dtypes[d], N, x, y));
      REFUSED(PROBABILITY, simdrop_apply_bits(bad[i], all_dtypes[d], N, bits, x, y));
    }
  }
  static const double fine[] = {0, -0.0, 0x1p-1074, DBL_MIN, 0.5, 1 - DBL_EPSILON / 2, 1};
  for (size_t i = 0; i < LENGTH(fine); ++i) {
    const simdrop_mask mask = {fine[i], 1, 2, 3, 0};
    double scale;
    ACCEPTED(simdrop_mask_bits(&mask, N, bits));
    ACCEPTED(simdrop_scale(fine[i], &scale));
    ACCEPTED(simdrop_forward(&mask, SIMDROP_F64, N, x, y, bits));
    ACCEPTED(simdrop_apply_bits(fine[i], SIMDROP_F64, N, bits, x, y));
  }
}

static void dtypes(void **state) {
  (void)state;
  static const int bad[] = {-1, SIMDROP_ELEMENT_TYPE_COUNT, SIMDROP_ELEMENT_TYPE_COUNT + 1, 100, INT32_MAX, INT32_MIN};
  for (size_t i = 0; i < LENGTH(bad); ++i) {
    // Out of a variable: a constant outside the enumeration is nothing that a compiler need carry.
    simdrop_dtype dtype;
    memcpy(&dtype, &bad[i], sizeof dtype);
    assert_int_equal(simdrop_dtype_size(dtype), 0);
    REFUSED(DTYPE, simdrop_forward(&good, dtype, N, x, y, bits));
    REFUSED(DTYPE, simdrop_forward_bytes(&good, dtype, N, x, y, bytes));
    REFUSED(DTYPE, simdrop_backward(&good, dtype, N, x, y));
    REFUSED(DTYPE, simdrop_apply_bits(0.3, dtype, N, bits, x, y));
  }
  assert_int_equal(simdrop_dtype_size(SIMDROP_F32), 4);
  assert_int_equal(simdrop_dtype_size(SIMDROP_F64), 8);
  assert_int_equal(simdrop_dtype_size(SIMDROP_F16), 2);
  assert_int_equal(simdrop_dtype_size(SIMDROP_BF16), 2);
  assert_int_equal(simdrop_dtype_size(SIMDROP_F8E4M3FN), 1);
  assert_int_equal(simdrop_dtype_size(SIMDROP_F8E5M2), 1);
}

static void index_overflow(void **state) {
  (void)state;
  simdrop_mask mask = {0.3, 1, 2, UINT64_MAX - N + 2, 0};  // one element too many
  REFUSED(INDEX_OVERFLOW, simdrop_mask_bits(&mask, N, bits));
  REFUSED(INDEX_OVERFLOW, simdrop_mask_bytes(&mask, N, bytes));
  for (size_t d = 0; d < LENGTH(all_dtypes); ++d) {
    REFUSED(INDEX_OVERFLOW, simdrop_forward(&mask, all_dtypes[d], N, x, y, bits));
    REFUSED(INDEX_OVERFLOW, simdrop_forward_bytes(&mask, all_dtypes[d], N, x, y, bytes));
    REFUSED(INDEX_OVERFLOW, simdrop_backward(&mask, all_dtypes[d], N, x, y));
  }
  mask.p = 0;  // it is an error whether a mask is drawn or not
  REFUSED(INDEX_OVERFLOW, simdrop_forward(&mask, SIMDROP_F32, N, x, y, bits));
  REFUSED(INDEX_OVERFLOW, simdrop_forward_bytes(&mask, SIMDROP_F32, N, x, y, bytes));
  mask.p = 1;
  REFUSED(INDEX_OVERFLOW, simdrop_forward(&mask, SIMDROP_F32, N, x, y, bits));
  REFUSED(INDEX_OVERFLOW, simdrop_forward_bytes(&mask, SIMDROP_F32, N, x, y, bytes));
  mask = (simdrop_mask){0.3, 1, 2, UINT64_MAX, 0};
  REFUSED(INDEX_OVERFLOW, simdrop_mask_bits(&mask, 2, bits));
  REFUSED(INDEX_OVERFLOW, simdrop_mask_bits(&mask, SIZE_MAX, bits));
  ACCEPTED(simdrop_mask_bits(&mask, 1, bits));
  mask.offset = UINT64_MAX - N + 1;  // ends exactly at 2^64
  ACCEPTED(simdrop_mask_bits(&mask, N, bits));
  ACCEPTED(simdrop_forward(&mask, SIMDROP_F64, N, x, y, bits));
}

// n * size may pass SIZE_MAX, where n alone does not; without the check the product would wrap to something small.
static void size_overflow(void **state) {
  (void)state;
  const simdrop_mask mask = {0.3, 1, 2, 0, 0};
  for (size_t d = 0; d < LENGTH(all_dtypes); ++d) {
    const size_t size = simdrop_dtype_size(all_dtypes[d]);
    const size_t too_many[] = {SIZE_MAX / size + 1, SIZE_MAX / size + 2, SIZE_MAX / size + 1 + N, SIZE_MAX};
    for (size_t i = 0; size > 1 && i < LENGTH(too_many); ++i) {  // bytes can all be counted
      REFUSED(SIZE_OVERFLOW, simdrop_forward(&mask, all_dtypes[d], too_many[i], x, y, NULL));
      REFUSED(SIZE_OVERFLOW, simdrop_forward(&mask, all_dtypes[d], too_many[i], x, y, bits));
      REFUSED(SIZE_OVERFLOW, simdrop_forward_bytes(&mask, all_dtypes[d], too_many[i], x, y, bytes));
      REFUSED(SIZE_OVERFLOW, simdrop_backward(&mask, all_dtypes[d], too_many[i], x, y));
      REFUSED(SIZE_OVERFLOW, simdrop_apply_bits(0.3, all_dtypes[d], too_many[i], bits, x, y));
    }
    // The largest sizes that can be counted overlap, wherever the arrays are.
    REFUSED(OVERLAP, simdrop_forward(&mask, all_dtypes[d], SIZE_MAX / size, x, y, NULL));
  }
#if SIZE_MAX > 0xffffffff
  // Five billion elements: their size, cut to 32 bits, would be small enough to lie beside each other.
  const size_t five_billion = 5000000000;
  REFUSED(OVERLAP, simdrop_forward(&mask, SIMDROP_F32, five_billion, x, y, NULL));
  REFUSED(OVERLAP, simdrop_apply_bits(0.3, SIMDROP_F16, five_billion, bits, x, y));
#endif
}

// Every way in which an output can overlap another array, for arrays of `size` bytes in one buffer.
static void overlaps(void **state) {
  (void)state;
  static _Alignas(64) uint8_t memory[32 * N], before[sizeof memory];
  for (size_t i = 0; i < sizeof memory; ++i) memory[i] = (uint8_t)(i * 7 % 61);
  memcpy(before, memory, sizeof memory);
#define UNTOUCHED(expected, call)                                         \
  do {                                                                    \
    const simdrop_status status_ = call;                                  \
    assert_int_equal(status_, SIMDROP_ERROR_##expected);                  \
    note_refusal(#call, status_);                                         \
    check_bytes(before, memory, sizeof memory, "memory after %s", #call); \
  } while (0)
#define WORKS(call)                        \
  do {                                     \
    assert_int_equal(call, SIMDROP_OK);    \
    memcpy(memory, before, sizeof memory); \
  } while (0)
  for (size_t d = 0; d < LENGTH(all_dtypes); ++d) {
    const simdrop_dtype dtype = all_dtypes[d];
    const size_t element = simdrop_dtype_size(dtype), size = N * element, packed = PACKED(N);
    uint8_t *const a = memory + 16 * N;
    // x and y: by all but one element, by one element, on either side.
    UNTOUCHED(OVERLAP, simdrop_forward(&good, dtype, N, a, a + element, NULL));
    UNTOUCHED(OVERLAP, simdrop_forward(&good, dtype, N, a + element, a, NULL));
    UNTOUCHED(OVERLAP, simdrop_forward(&good, dtype, N, a, a + size - element, NULL));
    UNTOUCHED(OVERLAP, simdrop_forward(&good, dtype, N, a, a - size + element, NULL));
    UNTOUCHED(OVERLAP, simdrop_backward(&good, dtype, N, a, a + element));
    UNTOUCHED(OVERLAP, simdrop_backward(&good, dtype, N, a, a - size + element));
    UNTOUCHED(OVERLAP, simdrop_apply_bits(0.3, dtype, N, memory, a, a + element));
    UNTOUCHED(OVERLAP, simdrop_apply_bits(0.3, dtype, N, memory, a, a - size + element));
    // bits against x, and against y, by one byte at either end and in the middle.
    uint8_t *const far = memory;
    UNTOUCHED(OVERLAP, simdrop_forward(&good, dtype, N, a, far, a));
    UNTOUCHED(OVERLAP, simdrop_forward(&good, dtype, N, a, far, a + size - 1));
    UNTOUCHED(OVERLAP, simdrop_forward(&good, dtype, N, a, far, a - packed + 1));
    UNTOUCHED(OVERLAP, simdrop_forward(&good, dtype, N, far, a, a));
    UNTOUCHED(OVERLAP, simdrop_forward(&good, dtype, N, far, a, a + size - 1));
    UNTOUCHED(OVERLAP, simdrop_forward(&good, dtype, N, far, a, a - packed + 1));
    UNTOUCHED(OVERLAP, simdrop_forward(&good, dtype, N, a, a, a + size / 2));
    // Bytes are as many as there are elements.
    UNTOUCHED(OVERLAP, simdrop_forward_bytes(&good, dtype, N, a, a + element, far));
    UNTOUCHED(OVERLAP, simdrop_forward_bytes(&good, dtype, N, a, far, a + size - 1));
    UNTOUCHED(OVERLAP, simdrop_forward_bytes(&good, dtype, N, a, far, a - N + 1));
    UNTOUCHED(OVERLAP, simdrop_forward_bytes(&good, dtype, N, far, a, a + size - 1));
    UNTOUCHED(OVERLAP, simdrop_forward_bytes(&good, dtype, N, far, a, a - N + 1));
    UNTOUCHED(OVERLAP, simdrop_forward_bytes(&good, dtype, N, a, a, a + size / 2));
    // A stored mask is only read, so it may lie in x but not in y.
    UNTOUCHED(OVERLAP, simdrop_apply_bits(0.3, dtype, N, a, far, a));
    UNTOUCHED(OVERLAP, simdrop_apply_bits(0.3, dtype, N, a + size - 1, far, a));
    UNTOUCHED(OVERLAP, simdrop_apply_bits(0.3, dtype, N, a - packed + 1, far, a));
    UNTOUCHED(OVERLAP, simdrop_apply_bits(0.3, dtype, N, a + size / 2, a, a));
    // p = 0 and p = 1, which draw no mask, are no exceptions.
    UNTOUCHED(OVERLAP, simdrop_forward(&(simdrop_mask){0, 1, 2, 3, 0}, dtype, N, a, a + element, NULL));
    UNTOUCHED(OVERLAP, simdrop_forward(&(simdrop_mask){1, 1, 2, 3, 0}, dtype, N, a, a + element, NULL));
    UNTOUCHED(OVERLAP, simdrop_apply_bits(0, dtype, N, far, a, a + element));
    UNTOUCHED(OVERLAP, simdrop_apply_bits(1, dtype, N, far, a, a + element));
    // What touches or is equal does not overlap.
    WORKS(simdrop_forward(&good, dtype, N, a, a, NULL));
    WORKS(simdrop_forward(&good, dtype, N, a, a + size, NULL));
    WORKS(simdrop_forward(&good, dtype, N, a + size, a, NULL));
    WORKS(simdrop_forward(&good, dtype, N, a, a, a + size));
    WORKS(simdrop_forward(&good, dtype, N, a, a, a - packed));
    WORKS(simdrop_forward(&good, dtype, N, a, far, a + size));
    WORKS(simdrop_forward_bytes(&good, dtype, N, a, a, a + size));
    WORKS(simdrop_forward_bytes(&good, dtype, N, a, a, a - N));
    WORKS(simdrop_backward(&good, dtype, N, a, a));
    WORKS(simdrop_apply_bits(0.3, dtype, N, a, a, far));
    WORKS(simdrop_apply_bits(0.3, dtype, N, a + size, a, a));
    WORKS(simdrop_apply_bits(0.3, dtype, N, a - packed, a, a));
  }
}

// Layouts, and what is made of them. test_layout.c has more of the layouts that are refused.
static void layouts(void **state) {
  (void)state;
  const simdrop_layout fine = {2, {4, 5}, {5, 1}, {5, 1}, {5, 1}, 0};
  simdrop_layout rank = fine, size = fine, far = fine, index = fine, overlap = fine;
  size.dims[0] = SIZE_MAX;
  far.x_strides[0] = PTRDIFF_MAX;
  index.index_strides[0] = UINT64_MAX;
  overlap.y_strides[0] = 1;
  simdrop_layout flags = fine;
  flags.flags = 1;
  const simdrop_mask bad_p = {2, 1, 2, 3, 0}, last = {0.3, 1, 2, UINT64_MAX - 18, 0}, bad_flags = {0.3, 1, 2, 3, 1};
  for (rank.rank = -1; rank.rank <= SIMDROP_MAX_RANK + 1; rank.rank += SIMDROP_MAX_RANK + 2) {
    REFUSED(RANK, simdrop_forward_layout(&good, SIMDROP_F32, &rank, x, y));
    REFUSED(RANK, simdrop_backward_layout(&good, SIMDROP_F32, &rank, x, y));
    REFUSED(RANK, simdrop_mask_layout_bytes(&good, &rank, bytes));
    REFUSED(RANK, simdrop_mask_layout_bits(&good, &rank, bits));
    REFUSED(RANK, simdrop_forward_layout_bits(&good, SIMDROP_F32, &rank, x, y, bits));
    REFUSED(RANK, simdrop_forward_layout_bytes(&good, SIMDROP_F32, &rank, x, y, bytes));
    REFUSED(RANK, simdrop_apply_bits_layout(0.3, SIMDROP_F32, &rank, bits, x, y));
    REFUSED(RANK, simdrop_cut_layout(&rank, 2, 1, &made.part));
  }
  for (size_t d = 0; d < LENGTH(all_dtypes); ++d) {
    const simdrop_dtype dtype = all_dtypes[d];
    REFUSED(NULL_POINTER, simdrop_forward_layout(NULL, dtype, &fine, x, y));
    REFUSED(NULL_POINTER, simdrop_forward_layout(&good, dtype, NULL, x, y));
    REFUSED(NULL_POINTER, simdrop_forward_layout(&good, dtype, &fine, NULL, y));
    REFUSED(NULL_POINTER, simdrop_forward_layout(&good, dtype, &fine, x, NULL));
    REFUSED(NULL_POINTER, simdrop_backward_layout(NULL, dtype, &fine, x, y));
    REFUSED(NULL_POINTER, simdrop_backward_layout(&good, dtype, NULL, x, y));
    REFUSED(NULL_POINTER, simdrop_backward_layout(&good, dtype, &fine, NULL, y));
    REFUSED(NULL_POINTER, simdrop_backward_layout(&good, dtype, &fine, x, NULL));
    REFUSED(PROBABILITY, simdrop_forward_layout(&bad_p, dtype, &fine, x, y));
    REFUSED(PROBABILITY, simdrop_backward_layout(&bad_p, dtype, &fine, x, y));
    REFUSED(SIZE_OVERFLOW, simdrop_forward_layout(&good, dtype, &size, x, y));
    REFUSED(SIZE_OVERFLOW, simdrop_forward_layout(&good, dtype, &far, x, y));
    REFUSED(SIZE_OVERFLOW, simdrop_backward_layout(&good, dtype, &size, x, y));
    REFUSED(INDEX_OVERFLOW, simdrop_forward_layout(&good, dtype, &index, x, y));
    REFUSED(INDEX_OVERFLOW, simdrop_forward_layout(&last, dtype, &fine, x, y));
    REFUSED(INDEX_OVERFLOW, simdrop_backward_layout(&last, dtype, &fine, x, y));
    REFUSED(OVERLAP, simdrop_forward_layout(&good, dtype, &overlap, x, y));
    REFUSED(OVERLAP, simdrop_backward_layout(&good, dtype, &overlap, x, y));
    REFUSED(FLAGS, simdrop_forward_layout(&bad_flags, dtype, &fine, x, y));
    REFUSED(FLAGS, simdrop_forward_layout(&good, dtype, &flags, x, y));
    REFUSED(FLAGS, simdrop_backward_layout(&good, dtype, &flags, x, y));

    REFUSED(NULL_POINTER, simdrop_forward_layout_bits(NULL, dtype, &fine, x, y, bits));
    REFUSED(NULL_POINTER, simdrop_forward_layout_bytes(NULL, dtype, &fine, x, y, bytes));
    REFUSED(NULL_POINTER, simdrop_forward_layout_bits(&good, dtype, NULL, x, y, bits));
    REFUSED(NULL_POINTER, simdrop_forward_layout_bytes(&good, dtype, NULL, x, y, bytes));
    REFUSED(NULL_POINTER, simdrop_forward_layout_bits(&good, dtype, &fine, NULL, y, bits));
    REFUSED(NULL_POINTER, simdrop_forward_layout_bytes(&good, dtype, &fine, NULL, y, bytes));
    REFUSED(NULL_POINTER, simdrop_forward_layout_bits(&good, dtype, &fine, x, NULL, bits));
    REFUSED(NULL_POINTER, simdrop_forward_layout_bytes(&good, dtype, &fine, x, NULL, bytes));
    REFUSED(NULL_POINTER, simdrop_forward_layout_bytes(&good, dtype, &fine, x, y, NULL));
    REFUSED(PROBABILITY, simdrop_forward_layout_bits(&bad_p, dtype, &fine, x, y, bits));
    REFUSED(PROBABILITY, simdrop_forward_layout_bytes(&bad_p, dtype, &fine, x, y, bytes));
    REFUSED(FLAGS, simdrop_forward_layout_bits(&good, dtype, &flags, x, y, bits));
    REFUSED(FLAGS, simdrop_forward_layout_bytes(&good, dtype, &flags, x, y, bytes));
    REFUSED(SIZE_OVERFLOW, simdrop_forward_layout_bits(&good, dtype, &size, x, y, bits));
    REFUSED(SIZE_OVERFLOW, simdrop_forward_layout_bytes(&good, dtype, &size, x, y, bytes));
    REFUSED(INDEX_OVERFLOW, simdrop_forward_layout_bits(&last, dtype, &fine, x, y, bits));
    REFUSED(INDEX_OVERFLOW, simdrop_forward_layout_bytes(&last, dtype, &fine, x, y, bytes));
    REFUSED(OVERLAP, simdrop_forward_layout_bits(&good, dtype, &overlap, x, y, bits));
    REFUSED(OVERLAP, simdrop_forward_layout_bytes(&good, dtype, &overlap, x, y, bytes));

    REFUSED(NULL_POINTER, simdrop_apply_bits_layout(0.3, dtype, NULL, bits, x, y));
    REFUSED(NULL_POINTER, simdrop_apply_bits_layout(0.3, dtype, &fine, NULL, x, y));
    REFUSED(NULL_POINTER, simdrop_apply_bits_layout(0.3, dtype, &fine, bits, NULL, y));
    REFUSED(NULL_POINTER, simdrop_apply_bits_layout(0.3, dtype, &fine, bits, x, NULL));
    REFUSED(PROBABILITY, simdrop_apply_bits_layout(-0.1, dtype, &fine, bits, x, y));
    REFUSED(FLAGS, simdrop_apply_bits_layout(0.3, dtype, &flags, bits, x, y));
    REFUSED(SIZE_OVERFLOW, simdrop_apply_bits_layout(0.3, dtype, &far, bits, x, y));
    REFUSED(INDEX_OVERFLOW, simdrop_apply_bits_layout(0.3, dtype, &index, bits, x, y));
    REFUSED(OVERLAP, simdrop_apply_bits_layout(0.3, dtype, &overlap, bits, x, y));

    // Bits that lie among the elements, and between them.
    const size_t element = simdrop_dtype_size(dtype);
    const simdrop_layout apart = {2, {4, 5}, {5, 1}, {20, 2}, {5, 1}, 0};
    const simdrop_layout unused = {3, {1, 4, 5}, {PTRDIFF_MAX, 5, 1}, {PTRDIFF_MIN, 20, 2}, {5, 5, 1}, 0};
    uint8_t *const in_x = (uint8_t *)x, *const in_y = (uint8_t *)(y + 1);
    REFUSED(OVERLAP, simdrop_forward_layout_bits(&good, dtype, &fine, x, y + 1, in_x + 20 * element - 1));
    REFUSED(OVERLAP, simdrop_forward_layout_bits(&good, dtype, &fine, x, y + 1, in_y + 20 * element - 1));
    REFUSED(OVERLAP, simdrop_forward_layout_bits(&good, dtype, &fine, x, y + 1, in_y - 2));
    REFUSED(OVERLAP, simdrop_forward_layout_bytes(&good, dtype, &fine, x, y + 1, in_x + 20 * element - 1));
    REFUSED(OVERLAP, simdrop_forward_layout_bytes(&good, dtype, &fine, x, y + 1, in_y + 20 * element - 1));
    REFUSED(OVERLAP, simdrop_forward_layout_bytes(&good, dtype, &fine, x + 21, y + 1, (uint8_t *)(x + 21) - 19));
    REFUSED(OVERLAP, simdrop_forward_layout_bytes(&good, dtype, &fine, x, y + 4, (uint8_t *)(y + 4) - 19));
    REFUSED(OVERLAP, simdrop_apply_bits_layout(0.3, dtype, &fine, in_y + 7, x, y + 1));
    REFUSED(OVERLAP, simdrop_apply_bits_layout(0.3, dtype, &apart, in_y + 9 * element - 3, x, y + 1));
    assert_int_equal(simdrop_forward_layout_bits(&good, dtype, &fine, x, y + 1, in_y + 20 * element), SIMDROP_OK);
    assert_int_equal(simdrop_forward_layout_bytes(&good, dtype, &fine, x, y + 1, in_y + 20 * element), SIMDROP_OK);
    assert_int_equal(simdrop_forward_layout_bytes(&good, dtype, &fine, x, y + 4, (uint8_t *)(y + 4) - 20), SIMDROP_OK);
    assert_int_equal(simdrop_forward_layout_bits(&good, dtype, &apart, x, y + 1, in_y + 9 * element), SIMDROP_OK);
    assert_int_equal(simdrop_forward_layout_bits(&good, dtype, &unused, x, y + 1, in_y + 9 * element), SIMDROP_OK);
    assert_int_equal(simdrop_apply_bits_layout(0.3, dtype, &apart, in_y + 29 * element, x, y + 1), SIMDROP_OK);
    assert_int_equal(simdrop_apply_bits_layout(0.3, dtype, &fine, in_x, x, y + 1), SIMDROP_OK);
    fill_outputs();
  }
  const int seven = 7;
  simdrop_dtype dtype;
  memcpy(&dtype, &seven, sizeof dtype);
  REFUSED(DTYPE, simdrop_forward_layout(&good, dtype, &fine, x, y));
  REFUSED(DTYPE, simdrop_backward_layout(&good, dtype, &fine, x, y));
  REFUSED(DTYPE, simdrop_forward_layout_bits(&good, dtype, &fine, x, y, bits));
  REFUSED(DTYPE, simdrop_forward_layout_bytes(&good, dtype, &fine, x, y, bytes));
  REFUSED(DTYPE, simdrop_apply_bits_layout(0.3, dtype, &fine, bits, x, y));
  REFUSED(NULL_POINTER, simdrop_mask_layout_bits(NULL, &fine, bits));
  REFUSED(NULL_POINTER, simdrop_mask_layout_bits(&good, NULL, bits));
  REFUSED(NULL_POINTER, simdrop_mask_layout_bits(&good, &fine, NULL));
  REFUSED(PROBABILITY, simdrop_mask_layout_bits(&bad_p, &fine, bits));
  REFUSED(FLAGS, simdrop_mask_layout_bits(&good, &flags, bits));
  REFUSED(SIZE_OVERFLOW, simdrop_mask_layout_bits(&good, &size, bits));
  REFUSED(INDEX_OVERFLOW, simdrop_mask_layout_bits(&last, &fine, bits));
  REFUSED(FLAGS, simdrop_mask_layout_bytes(&bad_flags, &fine, bytes));
  REFUSED(FLAGS, simdrop_cut_layout(&flags, 2, 1, &made.part));
  REFUSED(FLAGS, simdrop_mask_bits(&bad_flags, N, bits));
  REFUSED(FLAGS, simdrop_mask_bytes(&bad_flags, N, bytes));
  REFUSED(FLAGS, simdrop_forward(&bad_flags, SIMDROP_F32, N, x, y, bits));
  REFUSED(FLAGS, simdrop_forward_bytes(&bad_flags, SIMDROP_F32, N, x, y, bytes));
  REFUSED(FLAGS, simdrop_backward(&bad_flags, SIMDROP_F32, N, x, y));
  REFUSED(NULL_POINTER, simdrop_mask_layout_bytes(NULL, &fine, bytes));
  REFUSED(NULL_POINTER, simdrop_mask_layout_bytes(&good, NULL, bytes));
  REFUSED(NULL_POINTER, simdrop_mask_layout_bytes(&good, &fine, NULL));
  REFUSED(PROBABILITY, simdrop_mask_layout_bytes(&bad_p, &fine, bytes));
  REFUSED(SIZE_OVERFLOW, simdrop_mask_layout_bytes(&good, &size, bytes));
  REFUSED(INDEX_OVERFLOW, simdrop_mask_layout_bytes(&last, &fine, bytes));
  REFUSED(NULL_POINTER, simdrop_cut_layout(NULL, 2, 1, &made.part));
  REFUSED(NULL_POINTER, simdrop_cut_layout(&fine, 2, 1, NULL));
  REFUSED(SHAPE, simdrop_cut_layout(&fine, 2, 2, &made.part));
  REFUSED(SIZE_OVERFLOW, simdrop_cut_layout(&size, 2, 1, &made.part));
  REFUSED(SIZE_OVERFLOW, simdrop_cut_layout(&far, 2, 1, &made.part));
  REFUSED(INDEX_OVERFLOW, simdrop_cut_layout(&index, 2, 1, &made.part));
  REFUSED(NULL_POINTER, simdrop_cut(10, 2, 1, NULL, &made.end));
  REFUSED(NULL_POINTER, simdrop_cut(10, 2, 1, &made.begin, NULL));
  REFUSED(SHAPE, simdrop_cut(10, 2, 2, &made.begin, &made.end));
  REFUSED(SHAPE, simdrop_cut(10, 0, 0, &made.begin, &made.end));
}

static void constructors(void **state) {
  (void)state;
  const size_t dims[SIMDROP_MAX_RANK + 1] = {2, 3, 4, 5, 1, 1, 1, 1, 1}, too_long[2] = {SIZE_MAX / 2, 2}, ones[2] = {1, 1};
  const size_t mask_dims[3] = {2, 2, 4};
  simdrop_layout *const layout = &made.layout;
  REFUSED(NULL_POINTER, simdrop_layout_dense(2, NULL, layout));
  REFUSED(NULL_POINTER, simdrop_layout_dense(2, dims, NULL));
  REFUSED(NULL_POINTER, simdrop_layout_dense(0, dims, NULL));
  REFUSED(RANK, simdrop_layout_dense(-1, dims, layout));
  REFUSED(RANK, simdrop_layout_dense(SIMDROP_MAX_RANK + 1, dims, layout));
  REFUSED(SIZE_OVERFLOW, simdrop_layout_dense(2, too_long, layout));

  enum {
    MANY = 64
  };
  size_t many[MANY], many_too_long[MANY];
  ptrdiff_t steps[MANY];
  uint64_t indices[MANY];
  for (int a = 0; a < MANY; ++a) {
    many[a] = a < MANY - SIMDROP_MAX_RANK - 1 ? 1 : 2;
    many_too_long[a] = 2;
    steps[a] = 3;  // no two axes are one
    indices[a] = 0;
  }
  REFUSED(NULL_POINTER, simdrop_layout_strided(2, NULL, steps, steps, indices, layout));
  REFUSED(NULL_POINTER, simdrop_layout_strided(2, dims, NULL, steps, indices, layout));
  REFUSED(NULL_POINTER, simdrop_layout_strided(2, dims, steps, NULL, indices, layout));
  REFUSED(NULL_POINTER, simdrop_layout_strided(2, dims, steps, steps, NULL, layout));
  REFUSED(NULL_POINTER, simdrop_layout_strided(2, dims, steps, steps, indices, NULL));
  REFUSED(NULL_POINTER, simdrop_layout_strided(0, NULL, NULL, NULL, NULL, NULL));
  REFUSED(RANK, simdrop_layout_strided(-1, dims, steps, steps, indices, layout));
  REFUSED(RANK, simdrop_layout_strided(MANY, many, steps, steps, indices, layout));
  REFUSED(SIZE_OVERFLOW, simdrop_layout_strided(MANY, many_too_long, steps, steps, indices, layout));
  REFUSED(SIZE_OVERFLOW, simdrop_layout_strided(2, too_long, steps, steps, indices, layout));
  ACCEPTED(simdrop_layout_strided(MANY - 1, many, steps, steps, indices, layout));  // one less: as many as there may be
  assert_int_equal(layout->rank, SIMDROP_MAX_RANK);
  ACCEPTED(simdrop_layout_strided(0, NULL, NULL, NULL, NULL, layout));
  assert_int_equal(layout->rank, 0);

  REFUSED(NULL_POINTER, simdrop_layout_broadcast(2, NULL, ones, layout));
  REFUSED(NULL_POINTER, simdrop_layout_broadcast(2, dims, NULL, layout));
  REFUSED(NULL_POINTER, simdrop_layout_broadcast(2, dims, ones, NULL));
  REFUSED(RANK, simdrop_layout_broadcast(-1, dims, ones, layout));
  REFUSED(RANK, simdrop_layout_broadcast(SIMDROP_MAX_RANK + 1, dims, dims, layout));
  REFUSED(SIZE_OVERFLOW, simdrop_layout_broadcast(2, too_long, ones, layout));
  REFUSED(SHAPE, simdrop_layout_broadcast(3, dims, mask_dims, layout));

  for (int spatial = 1; spatial <= 3; ++spatial) {
    for (int rank = spatial + 1; rank <= spatial + 2; ++rank) {
      REFUSED(NULL_POINTER, simdrop_layout_channels(SIMDROP_CHANNELS_FIRST, spatial, rank, NULL, layout));
      REFUSED(NULL_POINTER, simdrop_layout_channels(SIMDROP_CHANNELS_LAST, spatial, rank, dims, NULL));
    }
    REFUSED(RANK, simdrop_layout_channels(SIMDROP_CHANNELS_FIRST, spatial, spatial, dims, layout));
    REFUSED(RANK, simdrop_layout_channels(SIMDROP_CHANNELS_LAST, spatial, spatial + 3, dims, layout));
  }
  REFUSED(RANK, simdrop_layout_channels(SIMDROP_CHANNELS_FIRST, 0, 2, dims, layout));
  REFUSED(RANK, simdrop_layout_channels(SIMDROP_CHANNELS_FIRST, 4, 5, dims, layout));
  REFUSED(SIZE_OVERFLOW, simdrop_layout_channels(SIMDROP_CHANNELS_FIRST, 1, 2, too_long, layout));
  // Out of a variable: a constant outside the enumeration is nothing that a compiler need carry.
  const int two = 2;
  simdrop_channel_order channel_order;
  simdrop_time_order time_order;
  memcpy(&channel_order, &two, sizeof channel_order);
  memcpy(&time_order, &two, sizeof time_order);
  REFUSED(SHAPE, simdrop_layout_channels(channel_order, 1, 3, dims, layout));

  REFUSED(NULL_POINTER, simdrop_layout_time_shared(SIMDROP_BATCH_FIRST, 2, 3, 4, NULL));
  REFUSED(NULL_POINTER, simdrop_layout_time_shared(SIMDROP_TIME_FIRST, 2, 3, 4, NULL));
  REFUSED(SIZE_OVERFLOW, simdrop_layout_time_shared(SIMDROP_BATCH_FIRST, 2, SIZE_MAX, 2, layout));
  REFUSED(SIZE_OVERFLOW, simdrop_layout_time_shared(SIMDROP_TIME_FIRST, 2, SIZE_MAX, 2, layout));
  REFUSED(SHAPE, simdrop_layout_time_shared(time_order, 2, 3, 4, layout));

  REFUSED(NULL_POINTER, simdrop_layout_drop_path(2, NULL, layout));
  REFUSED(NULL_POINTER, simdrop_layout_drop_path(2, dims, NULL));
  REFUSED(RANK, simdrop_layout_drop_path(0, dims, layout));
  REFUSED(RANK, simdrop_layout_drop_path(SIMDROP_MAX_RANK + 1, dims, layout));
  REFUSED(SIZE_OVERFLOW, simdrop_layout_drop_path(2, too_long, layout));

  REFUSED(NULL_POINTER, simdrop_layout_rows(2, 3, NULL));
  REFUSED(SIZE_OVERFLOW, simdrop_layout_rows(SIZE_MAX / 2, 2, layout));

  uint64_t *const first = &made.first_index;
  REFUSED(NULL_POINTER, simdrop_layout_tile(1, NULL, 10, 10, 0, 1, 0, 1, layout, first));
  REFUSED(NULL_POINTER, simdrop_layout_tile(1, dims, 10, 10, 0, 1, 0, 1, NULL, first));
  REFUSED(NULL_POINTER, simdrop_layout_tile(1, dims, 10, 10, 0, 1, 0, 1, layout, NULL));
  REFUSED(RANK, simdrop_layout_tile(-1, dims, 10, 10, 0, 1, 0, 1, layout, first));
  REFUSED(RANK, simdrop_layout_tile(SIMDROP_MAX_RANK - 1, dims, 10, 10, 0, 1, 0, 1, layout, first));
  REFUSED(SHAPE, simdrop_layout_tile(0, dims, 10, 10, 2, 1, 0, 1, layout, first));
  REFUSED(SHAPE, simdrop_layout_tile(0, dims, 10, 10, 0, 11, 0, 1, layout, first));
  REFUSED(SHAPE, simdrop_layout_tile(0, dims, 10, 10, 0, 1, 2, 1, layout, first));
  REFUSED(SHAPE, simdrop_layout_tile(0, dims, 10, 10, 0, 1, 0, 11, layout, first));
  REFUSED(SIZE_OVERFLOW, simdrop_layout_tile(0, dims, UINT64_MAX, 1, 0, UINT64_MAX, 0, 1, layout, first));
  REFUSED(INDEX_OVERFLOW, simdrop_layout_tile(0, dims, UINT64_MAX, 2, 0, 1, 0, 1, layout, first));
}

// The relatives of dropout: flat calls and layouts, each of which refuses the same.
static void variants(void **state) {
  (void)state;
  static const simdrop_executor alone = {NULL, NULL, 1};
  const simdrop_mask bad_p = {-0.1, 1, 2, 3, 0}, bad_flags = {0.3, 1, 2, 3, 1}, last = {0.3, 1, 2, UINT64_MAX - 18, 0};
  const simdrop_layout fine = {2, {4, 5}, {5, 1}, {5, 1}, {5, 1}, 0};
  simdrop_layout rank = fine, size = fine, index = fine, overlap = fine, flags = fine;
  rank.rank = SIMDROP_MAX_RANK + 1;
  size.dims[0] = SIZE_MAX;
  index.index_strides[0] = UINT64_MAX;
  overlap.y_strides[0] = 1;
  flags.flags = 1;
#define REFUSED_FLAT(function)                                                                                   \
  REFUSED(NULL_POINTER, function(&alone, NULL, SIMDROP_F32, N, x, y));                                           \
  REFUSED(NULL_POINTER, function(&alone, &good, SIMDROP_F32, N, NULL, y));                                       \
  REFUSED(NULL_POINTER, function(&alone, &good, SIMDROP_F32, N, x, NULL));                                       \
  REFUSED(PROBABILITY, function(NULL, &bad_p, SIMDROP_F16, N, x, y));                                            \
  REFUSED(PROBABILITY, function(NULL, &(simdrop_mask){NAN, 1, 2, 3, 0}, SIMDROP_F16, N, x, y));                  \
  REFUSED(FLAGS, function(NULL, &bad_flags, SIMDROP_F64, N, x, y));                                              \
  REFUSED(DTYPE, function(NULL, &good, SIMDROP_F8E4M3FN, N, x, y));                                              \
  REFUSED(DTYPE, function(NULL, &good, SIMDROP_F8E5M2, 0, x, y));                                                \
  REFUSED(INDEX_OVERFLOW, function(NULL, &last, SIMDROP_F32, N, x, y));                                          \
  REFUSED(SIZE_OVERFLOW, function(NULL, &(simdrop_mask){0.3, 1, 2, 0, 0}, SIMDROP_F32, SIZE_MAX / 4 + 1, x, y)); \
  REFUSED(OVERLAP, function(NULL, &good, SIMDROP_F32, N, y, (char *)y + 4));                                     \
  check_refused(function(NULL, &good, SIMDROP_F32, 0, NULL, NULL), SIMDROP_OK, "n = 0")
#define REFUSED_LAYOUT(function)                                               \
  REFUSED(NULL_POINTER, function(&alone, NULL, SIMDROP_F32, &fine, x, y));     \
  REFUSED(NULL_POINTER, function(&alone, &good, SIMDROP_F32, NULL, x, y));     \
  REFUSED(NULL_POINTER, function(&alone, &good, SIMDROP_F32, &fine, NULL, y)); \
  REFUSED(NULL_POINTER, function(&alone, &good, SIMDROP_F32, &fine, x, NULL)); \
  REFUSED(PROBABILITY, function(NULL, &bad_p, SIMDROP_BF16, &fine, x, y));     \
  REFUSED(FLAGS, function(NULL, &bad_flags, SIMDROP_F64, &fine, x, y));        \
  REFUSED(FLAGS, function(NULL, &good, SIMDROP_F64, &flags, x, y));            \
  REFUSED(DTYPE, function(NULL, &good, SIMDROP_F8E4M3FN, &fine, x, y));        \
  REFUSED(RANK, function(NULL, &good, SIMDROP_F32, &rank, x, y));              \
  REFUSED(SIZE_OVERFLOW, function(NULL, &good, SIMDROP_F32, &size, x, y));     \
  REFUSED(INDEX_OVERFLOW, function(NULL, &good, SIMDROP_F32, &index, x, y));   \
  REFUSED(INDEX_OVERFLOW, function(NULL, &last, SIMDROP_F32, &fine, x, y));    \
  REFUSED(OVERLAP, function(NULL, &good, SIMDROP_F32, &overlap, x, y))
  REFUSED_FLAT(simdrop_alpha_forward);
  REFUSED_FLAT(simdrop_alpha_backward);
  REFUSED_FLAT(simdrop_gaussian_forward);
  REFUSED_LAYOUT(simdrop_alpha_forward_layout);
  REFUSED_LAYOUT(simdrop_alpha_backward_layout);
  REFUSED_LAYOUT(simdrop_gaussian_forward_layout);
  const simdrop_mask certain = {1, 1, 2, 3, 0};
  REFUSED(PROBABILITY, simdrop_gaussian_forward(NULL, &certain, SIMDROP_F32, N, x, y));
  REFUSED(PROBABILITY, simdrop_gaussian_forward_layout(NULL, &certain, SIMDROP_F32, &fine, x, y));
  ACCEPTED(simdrop_alpha_forward(NULL, &certain, SIMDROP_F32, N, x, y));
  ACCEPTED(simdrop_gaussian_forward(NULL, &(simdrop_mask){1 - DBL_EPSILON / 2, 1, 2, 3, 0}, SIMDROP_F32, N, x, y));
#define REFUSED_NUMBERS(function)                                                                         \
  REFUSED(NULL_POINTER, function(&alone, NULL, N, (float *)y));                                           \
  REFUSED(NULL_POINTER, function(&alone, &good, N, NULL));                                                \
  REFUSED(PROBABILITY, function(NULL, &bad_p, N, (float *)y));                                            \
  REFUSED(FLAGS, function(NULL, &bad_flags, N, (float *)y));                                              \
  REFUSED(INDEX_OVERFLOW, function(NULL, &last, N, (float *)y));                                          \
  REFUSED(SIZE_OVERFLOW, function(NULL, &(simdrop_mask){0.3, 1, 2, 0, 0}, SIZE_MAX / 4 + 1, (float *)y)); \
  check_refused(function(NULL, &good, 0, NULL), SIMDROP_OK, "n = 0")
  REFUSED(NULL_POINTER, simdrop_apply_bits_scaled(&alone, 2, SIMDROP_F32, N, NULL, x, y));
  REFUSED(NULL_POINTER, simdrop_apply_bits_scaled(&alone, 2, SIMDROP_F32, N, bits, NULL, y));
  REFUSED(NULL_POINTER, simdrop_apply_bits_scaled(&alone, 2, SIMDROP_F32, N, bits, x, NULL));
  REFUSED(NULL_POINTER, simdrop_apply_bits_scaled_layout(&alone, 2, SIMDROP_F32, NULL, bits, x, y));
  REFUSED(NULL_POINTER, simdrop_apply_bits_scaled_layout(&alone, 2, SIMDROP_F32, &fine, NULL, x, y));
  REFUSED(NULL_POINTER, simdrop_apply_bits_scaled_layout(&alone, 2, SIMDROP_F32, &fine, bits, NULL, y));
  REFUSED(NULL_POINTER, simdrop_apply_bits_scaled_layout(&alone, 2, SIMDROP_F32, &fine, bits, x, NULL));
  static const double no_scales[] = {-1, NAN, INFINITY, 2.0 * FLT_MAX, -0x1p-1074};
  for (size_t i = 0; i < LENGTH(no_scales); ++i) {
    REFUSED(SHAPE, simdrop_apply_bits_scaled(NULL, no_scales[i], SIMDROP_F64, N, bits, x, y));
    REFUSED(SHAPE, simdrop_apply_bits_scaled_layout(NULL, no_scales[i], SIMDROP_F64, &fine, bits, x, y));
  }
  simdrop_dtype no_type;
  memcpy(&no_type, &(int){99}, sizeof no_type);
  REFUSED(DTYPE, simdrop_apply_bits_scaled(NULL, 2, no_type, N, bits, x, y));
  REFUSED(DTYPE, simdrop_apply_bits_scaled_layout(NULL, 2, no_type, &fine, bits, x, y));
  REFUSED(SIZE_OVERFLOW, simdrop_apply_bits_scaled(NULL, 2, SIMDROP_F32, SIZE_MAX / 4 + 1, bits, x, y));
  REFUSED(SIZE_OVERFLOW, simdrop_apply_bits_scaled_layout(NULL, 2, SIMDROP_F32, &size, bits, x, y));
  REFUSED(OVERLAP, simdrop_apply_bits_scaled(NULL, 2, SIMDROP_F32, N, (uint8_t *)y, x, y));
  REFUSED(OVERLAP, simdrop_apply_bits_scaled_layout(NULL, 2, SIMDROP_F32, &overlap, bits, x, y));
  REFUSED(FLAGS, simdrop_apply_bits_scaled_layout(NULL, 2, SIMDROP_F32, &flags, bits, x, y));
  REFUSED(RANK, simdrop_apply_bits_scaled_layout(NULL, 2, SIMDROP_F32, &rank, bits, x, y));
  REFUSED(INDEX_OVERFLOW, simdrop_apply_bits_scaled_layout(NULL, 2, SIMDROP_F32, &index, bits, x, y));
  ACCEPTED(simdrop_apply_bits_scaled(NULL, FLT_MAX, SIMDROP_F8E5M2, N, bits, x, y));

  double *const number = &made.scale;
  uint64_t *const kept = &made.first_index;
  REFUSED(NULL_POINTER, simdrop_dropblock_gamma(0.1, 8, 8, 2, 2, NULL));
  REFUSED(PROBABILITY, simdrop_dropblock_gamma(1.5, 8, 8, 2, 2, number));
  REFUSED(SHAPE, simdrop_dropblock_gamma(0.1, 8, 8, 9, 2, number));
  REFUSED(SHAPE, simdrop_dropblock_gamma(0.1, 8, 8, 2, 0, number));
  REFUSED(NULL_POINTER, simdrop_dropblock_bits(&alone, NULL, 2, 8, 8, 2, 2, bits, kept));
  REFUSED(NULL_POINTER, simdrop_dropblock_bits(&alone, &good, 2, 8, 8, 2, 2, NULL, kept));
  REFUSED(NULL_POINTER, simdrop_dropblock_bits(&alone, &good, 2, 8, 8, 2, 2, bits, NULL));
  REFUSED(PROBABILITY, simdrop_dropblock_bits(NULL, &bad_p, 2, 8, 8, 2, 2, bits, kept));
  REFUSED(FLAGS, simdrop_dropblock_bits(NULL, &bad_flags, 2, 8, 8, 2, 2, bits, kept));
  REFUSED(SHAPE, simdrop_dropblock_bits(NULL, &good, 2, 8, 8, 0, 2, bits, kept));
  REFUSED(SHAPE, simdrop_dropblock_bits(NULL, &good, 2, 8, 8, 2, 9, bits, kept));
  REFUSED(SIZE_OVERFLOW, simdrop_dropblock_bits(NULL, &good, 2, SIZE_MAX / 4, 8, 2, 2, bits, kept));
  REFUSED(SIZE_OVERFLOW, simdrop_dropblock_bits(NULL, &good, SIZE_MAX / 4, 8, 8, 2, 2, bits, kept));
  REFUSED(INDEX_OVERFLOW, simdrop_dropblock_bits(NULL, &last, 2, 8, 8, 2, 2, bits, kept));
  REFUSED(OVERLAP, simdrop_dropblock_bits(NULL, &good, 8, 8, 8, 2, 2, bits, (uint64_t *)(void *)bits));
  uint64_t nothing = 1;
  ACCEPTED(simdrop_dropblock_bits(NULL, &good, 0, 8, 8, 2, 2, NULL, &nothing));
  assert_int_equal(nothing, 0);

  double *const squares = y + N / 2;
  const size_t few = N / 2;
  REFUSED(NULL_POINTER, simdrop_moments_update(&alone, SIMDROP_F64, 1, few, NULL, y, squares));
  REFUSED(NULL_POINTER, simdrop_moments_update(&alone, SIMDROP_F64, 1, few, x, NULL, squares));
  REFUSED(NULL_POINTER, simdrop_moments_update(&alone, SIMDROP_F64, 1, few, x, y, NULL));
  REFUSED(NULL_POINTER, simdrop_moments_finish(&alone, SIMDROP_F64, 2, few, NULL, y));
  REFUSED(NULL_POINTER, simdrop_moments_finish(&alone, SIMDROP_F64, 2, few, x, NULL));
  REFUSED(DTYPE, simdrop_moments_update(NULL, SIMDROP_F8E5M2, 1, few, x, y, squares));
  REFUSED(DTYPE, simdrop_moments_finish(NULL, SIMDROP_F8E5M2, 2, few, x, y));
  REFUSED(SHAPE, simdrop_moments_update(NULL, SIMDROP_F64, 0, few, x, y, squares));
  REFUSED(SHAPE, simdrop_moments_finish(NULL, SIMDROP_F64, 1, few, x, y));
  REFUSED(SIZE_OVERFLOW, simdrop_moments_update(NULL, SIMDROP_F16, 1, SIZE_MAX / 4 + 1, x, y, squares));
  REFUSED(SIZE_OVERFLOW, simdrop_moments_finish(NULL, SIMDROP_F32, 2, SIZE_MAX / 4 + 1, x, y));
  REFUSED(OVERLAP, simdrop_moments_update(NULL, SIMDROP_F64, 1, few, y + 1, y, squares));
  REFUSED(OVERLAP, simdrop_moments_update(NULL, SIMDROP_F64, 1, few, squares, y, squares));
  REFUSED(OVERLAP, simdrop_moments_update(NULL, SIMDROP_F64, 1, few, x, y, squares - 1));
  REFUSED(OVERLAP, simdrop_moments_finish(NULL, SIMDROP_F64, 2, few, y, y + 1));

  double *const dy = y + N / 2;
  REFUSED(NULL_POINTER, simdrop_concrete_forward(&alone, NULL, 0.1, SIMDROP_F64, few, x, y));
  REFUSED(NULL_POINTER, simdrop_concrete_forward(&alone, &good, 0.1, SIMDROP_F64, few, NULL, y));
  REFUSED(NULL_POINTER, simdrop_concrete_forward(&alone, &good, 0.1, SIMDROP_F64, few, x, NULL));
  REFUSED(NULL_POINTER, simdrop_concrete_backward(&alone, NULL, 0.1, SIMDROP_F64, few, x, dy, y, number));
  REFUSED(NULL_POINTER, simdrop_concrete_backward(&alone, &good, 0.1, SIMDROP_F64, few, NULL, dy, y, number));
  REFUSED(NULL_POINTER, simdrop_concrete_backward(&alone, &good, 0.1, SIMDROP_F64, few, x, NULL, y, number));
  REFUSED(NULL_POINTER, simdrop_concrete_backward(&alone, &good, 0.1, SIMDROP_F64, few, x, dy, NULL, number));
  REFUSED(NULL_POINTER, simdrop_concrete_backward(&alone, &good, 0.1, SIMDROP_F64, few, x, dy, y, NULL));
  static const double no_dropout[] = {-0.1, 0, 0x1p-33, 1, NAN, 1 - 0x1p-33};
  for (size_t i = 0; i < LENGTH(no_dropout); ++i) {
    const simdrop_mask mask = {no_dropout[i], 1, 2, 3, 0};
    REFUSED(PROBABILITY, simdrop_concrete_forward(NULL, &mask, 0.1, SIMDROP_F64, few, x, y));
    REFUSED(PROBABILITY, simdrop_concrete_backward(NULL, &mask, 0.1, SIMDROP_F64, few, x, dy, y, number));
  }
  REFUSED(FLAGS, simdrop_concrete_forward(NULL, &bad_flags, 0.1, SIMDROP_F64, few, x, y));
  REFUSED(FLAGS, simdrop_concrete_backward(NULL, &bad_flags, 0.1, SIMDROP_F64, few, x, dy, y, number));
  static const double no_temperatures[] = {0, -0.1, NAN, INFINITY, 0x1p-21};
  for (size_t i = 0; i < LENGTH(no_temperatures); ++i) {
    REFUSED(SHAPE, simdrop_concrete_forward(NULL, &good, no_temperatures[i], SIMDROP_F64, few, x, y));
    REFUSED(SHAPE, simdrop_concrete_backward(NULL, &good, no_temperatures[i], SIMDROP_F64, few, x, dy, y, number));
  }
  REFUSED(DTYPE, simdrop_concrete_forward(NULL, &good, 0.1, SIMDROP_F8E4M3FN, few, x, y));
  REFUSED(DTYPE, simdrop_concrete_backward(NULL, &good, 0.1, SIMDROP_F8E4M3FN, few, x, dy, y, number));
  REFUSED(INDEX_OVERFLOW, simdrop_concrete_forward(NULL, &last, 0.1, SIMDROP_F64, few, x, y));
  REFUSED(INDEX_OVERFLOW, simdrop_concrete_backward(NULL, &last, 0.1, SIMDROP_F64, few, x, dy, y, number));
  REFUSED(SIZE_OVERFLOW, simdrop_concrete_forward(NULL, &good, 0.1, SIMDROP_F64, SIZE_MAX / 8 + 1, x, y));
  REFUSED(SIZE_OVERFLOW, simdrop_concrete_backward(NULL, &good, 0.1, SIMDROP_F64, SIZE_MAX / 8 + 1, x, dy, y, number));
  REFUSED(OVERLAP, simdrop_concrete_forward(NULL, &good, 0.1, SIMDROP_F64, few, y, y + 1));
  REFUSED(OVERLAP, simdrop_concrete_backward(NULL, &good, 0.1, SIMDROP_F64, few, x, y + 1, y, number));
  REFUSED(OVERLAP, simdrop_concrete_backward(NULL, &good, 0.1, SIMDROP_F64, few, y + 1, x, y, number));
  REFUSED(OVERLAP, simdrop_concrete_backward(NULL, &good, 0.1, SIMDROP_F64, few, x, x, y, x + 3));
  REFUSED(OVERLAP, simdrop_concrete_backward(NULL, &good, 0.1, SIMDROP_F64, few, x, x, y, y + 3));

  simdrop_layout apart = {2, {5, 4}, {4, 1}, {4, 1}, {4, 1}, 0};
  const simdrop_layout bad_layout_flags = {.rank = 1, .dims = {4}, .flags = 1}, deep = {.rank = SIMDROP_MAX_RANK + 1};
  const simdrop_layout large = {.rank = 1, .dims = {SIZE_MAX / 8 + 1}, .x_strides = {1}, .y_strides = {1}};
  simdrop_layout shared = apart;  // one row of x for all
  shared.x_strides[0] = 0;
  REFUSED(NULL_POINTER, simdrop_concrete_forward_layout(&alone, NULL, 0.1, SIMDROP_F64, &apart, x, y));
  REFUSED(NULL_POINTER, simdrop_concrete_forward_layout(&alone, &good, 0.1, SIMDROP_F64, NULL, x, y));
  REFUSED(NULL_POINTER, simdrop_concrete_forward_layout(&alone, &good, 0.1, SIMDROP_F64, &apart, NULL, y));
  REFUSED(NULL_POINTER, simdrop_concrete_forward_layout(&alone, &good, 0.1, SIMDROP_F64, &apart, x, NULL));
  REFUSED(NULL_POINTER, simdrop_concrete_backward_layout(&alone, NULL, 0.1, SIMDROP_F64, &apart, x, dy, y, number));
  REFUSED(NULL_POINTER, simdrop_concrete_backward_layout(&alone, &good, 0.1, SIMDROP_F64, NULL, x, dy, y, number));
  REFUSED(NULL_POINTER, simdrop_concrete_backward_layout(&alone, &good, 0.1, SIMDROP_F64, &apart, NULL, dy, y, number));
  REFUSED(NULL_POINTER, simdrop_concrete_backward_layout(&alone, &good, 0.1, SIMDROP_F64, &apart, x, NULL, y, number));
  REFUSED(NULL_POINTER, simdrop_concrete_backward_layout(&alone, &good, 0.1, SIMDROP_F64, &apart, x, dy, NULL, number));
  REFUSED(NULL_POINTER, simdrop_concrete_backward_layout(&alone, &good, 0.1, SIMDROP_F64, &apart, x, dy, y, NULL));
  REFUSED(PROBABILITY, simdrop_concrete_forward_layout(NULL, &bad_p, 0.1, SIMDROP_F64, &apart, x, y));
  REFUSED(PROBABILITY, simdrop_concrete_backward_layout(NULL, &bad_p, 0.1, SIMDROP_F64, &apart, x, dy, y, number));
  REFUSED(FLAGS, simdrop_concrete_forward_layout(NULL, &good, 0.1, SIMDROP_F64, &bad_layout_flags, x, y));
  REFUSED(FLAGS, simdrop_concrete_backward_layout(NULL, &bad_flags, 0.1, SIMDROP_F64, &apart, x, dy, y, number));
  REFUSED(SHAPE, simdrop_concrete_forward_layout(NULL, &good, 0, SIMDROP_F64, &apart, x, y));
  REFUSED(SHAPE, simdrop_concrete_backward_layout(NULL, &good, 0, SIMDROP_F64, &apart, x, dy, y, number));
  REFUSED(DTYPE, simdrop_concrete_forward_layout(NULL, &good, 0.1, SIMDROP_F8E5M2, &apart, x, y));
  REFUSED(DTYPE, simdrop_concrete_backward_layout(NULL, &good, 0.1, SIMDROP_F8E5M2, &apart, x, dy, y, number));
  REFUSED(RANK, simdrop_concrete_forward_layout(NULL, &good, 0.1, SIMDROP_F64, &deep, x, y));
  REFUSED(RANK, simdrop_concrete_backward_layout(NULL, &good, 0.1, SIMDROP_F64, &deep, x, dy, y, number));
  REFUSED(SIZE_OVERFLOW, simdrop_concrete_forward_layout(NULL, &good, 0.1, SIMDROP_F64, &large, x, y));
  REFUSED(SIZE_OVERFLOW, simdrop_concrete_backward_layout(NULL, &good, 0.1, SIMDROP_F64, &large, x, dy, y, number));
  REFUSED(INDEX_OVERFLOW, simdrop_concrete_forward_layout(NULL, &last, 0.1, SIMDROP_F64, &apart, x, y));
  REFUSED(INDEX_OVERFLOW, simdrop_concrete_backward_layout(NULL, &last, 0.1, SIMDROP_F64, &apart, x, dy, y, number));
  REFUSED(OVERLAP, simdrop_concrete_forward_layout(NULL, &good, 0.1, SIMDROP_F64, &apart, y + 1, y));
  REFUSED(OVERLAP, simdrop_concrete_backward_layout(NULL, &good, 0.1, SIMDROP_F64, &shared, x, dy, y, number));
  REFUSED(OVERLAP, simdrop_concrete_backward_layout(NULL, &good, 0.1, SIMDROP_F64, &apart, y + 1, dy, y, number));
  REFUSED(OVERLAP, simdrop_concrete_backward_layout(NULL, &good, 0.1, SIMDROP_F64, &apart, x, y + 1, y, number));
  REFUSED(OVERLAP, simdrop_concrete_backward_layout(NULL, &good, 0.1, SIMDROP_F64, &apart, x, dy, y, x + 19));
  REFUSED(OVERLAP, simdrop_concrete_backward_layout(NULL, &good, 0.1, SIMDROP_F64, &apart, x, y + 20, y, y + 39));
  REFUSED(OVERLAP, simdrop_concrete_backward_layout(NULL, &good, 0.1, SIMDROP_F64, &apart, x, dy, y, y + 19));
  simdrop_layout gaps = apart;  // dy between the rows of another
  gaps.y_strides[0] = 8;
  REFUSED(OVERLAP, simdrop_concrete_backward_layout(NULL, &good, 0.1, SIMDROP_F64, &gaps, x, y + 4, y, number));
  apart.dims[1] = 0;
  double no_sum = 1;
  ACCEPTED(simdrop_concrete_backward_layout(NULL, &good, 0.1, SIMDROP_F64, &apart, NULL, NULL, NULL, &no_sum));
  assert_true(no_sum == 0);
  no_sum = 1;
  ACCEPTED(simdrop_concrete_backward(NULL, &good, 0.1, SIMDROP_F64, 0, NULL, NULL, NULL, &no_sum));
  assert_true(no_sum == 0);

  REFUSED(NULL_POINTER, simdrop_dropconnect(&alone, NULL, SIMDROP_F64, 10, 20, x, 20, x, y));
  REFUSED(NULL_POINTER, simdrop_dropconnect(&alone, &good, SIMDROP_F64, 10, 20, NULL, 20, x, y));
  REFUSED(NULL_POINTER, simdrop_dropconnect(&alone, &good, SIMDROP_F64, 10, 20, x, 20, NULL, y));
  REFUSED(NULL_POINTER, simdrop_dropconnect(&alone, &good, SIMDROP_F64, 10, 20, x, 20, x, NULL));
  REFUSED(PROBABILITY, simdrop_dropconnect(NULL, &bad_p, SIMDROP_F64, 10, 20, x, 20, x, y));
  REFUSED(FLAGS, simdrop_dropconnect(NULL, &bad_flags, SIMDROP_F64, 10, 20, x, 20, x, y));
  REFUSED(SHAPE, simdrop_dropconnect(NULL, &good, SIMDROP_F64, 10, 20, x, 19, x, y));
  REFUSED(DTYPE, simdrop_dropconnect(NULL, &good, SIMDROP_F8E5M2, 10, 20, x, 20, x, y));
  REFUSED(INDEX_OVERFLOW, simdrop_dropconnect(NULL, &last, SIMDROP_F64, 10, 20, x, 20, x, y));
  REFUSED(SIZE_OVERFLOW, simdrop_dropconnect(NULL, &good, SIMDROP_F64, 10, 20, x, SIZE_MAX / 9, x, y));
  REFUSED(SIZE_OVERFLOW, simdrop_dropconnect(NULL, &good, SIMDROP_F64, 3, SIZE_MAX / 8, x, SIZE_MAX / 8, x, y));
  REFUSED(SIZE_OVERFLOW, simdrop_dropconnect(NULL, &good, SIMDROP_F64, SIZE_MAX / 8 + 1, 0, x, 0, x, y));
  REFUSED(OVERLAP, simdrop_dropconnect(NULL, &good, SIMDROP_F64, 10, 20, y + 9, 20, x, y));
  REFUSED(OVERLAP, simdrop_dropconnect(NULL, &good, SIMDROP_F64, 10, 20, x, 20, y + 9, y));

  // 2 x 3 weights lie in 7 elements.
  REFUSED(NULL_POINTER, simdrop_dropconnect_backward(&alone, NULL, SIMDROP_F64, 2, 3, x, 4, x, dy, x, y, y + 7));
  REFUSED(NULL_POINTER, simdrop_dropconnect_backward(&alone, &good, SIMDROP_F64, 2, 3, NULL, 4, x, dy, x, y, y + 7));
  REFUSED(NULL_POINTER, simdrop_dropconnect_backward(&alone, &good, SIMDROP_F64, 2, 3, x, 4, NULL, dy, x, y, y + 7));
  REFUSED(NULL_POINTER, simdrop_dropconnect_backward(&alone, &good, SIMDROP_F64, 2, 3, x, 4, x, NULL, x, y, y + 7));
  REFUSED(NULL_POINTER, simdrop_dropconnect_backward(&alone, &good, SIMDROP_F64, 2, 3, x, 4, x, dy, x, NULL, NULL));
  REFUSED(PROBABILITY, simdrop_dropconnect_backward(NULL, &bad_p, SIMDROP_F64, 2, 3, x, 4, x, dy, NULL, y, y + 7));
  REFUSED(FLAGS, simdrop_dropconnect_backward(NULL, &bad_flags, SIMDROP_F64, 2, 3, x, 4, x, dy, NULL, y, y + 7));
  REFUSED(SHAPE, simdrop_dropconnect_backward(NULL, &good, SIMDROP_F64, 2, 3, x, 2, x, dy, NULL, y, y + 7));
  REFUSED(DTYPE, simdrop_dropconnect_backward(NULL, &good, SIMDROP_F8E4M3FN, 2, 3, x, 4, x, dy, NULL, y, y + 7));
  REFUSED(INDEX_OVERFLOW, simdrop_dropconnect_backward(NULL, &last, SIMDROP_F64, 10, 20, x, 20, x, dy, NULL, NULL, y));
  REFUSED(SIZE_OVERFLOW, simdrop_dropconnect_backward(NULL, &good, SIMDROP_F64, 10, 2, x, SIZE_MAX / 9, x, dy, NULL, y, NULL));
  REFUSED(SIZE_OVERFLOW,
          simdrop_dropconnect_backward(NULL, &good, SIMDROP_F64, 0, SIZE_MAX / 8 + 1, x, SIZE_MAX, x, dy, NULL, y, y));
  REFUSED(OVERLAP, simdrop_dropconnect_backward(NULL, &good, SIMDROP_F64, 2, 3, y + 6, 4, x, dy, NULL, y, y + 14));
  REFUSED(OVERLAP, simdrop_dropconnect_backward(NULL, &good, SIMDROP_F64, 2, 3, x, 4, y + 6, dy, NULL, y, y + 14));
  REFUSED(OVERLAP, simdrop_dropconnect_backward(NULL, &good, SIMDROP_F64, 2, 3, x, 4, x, y + 6, NULL, y, y + 14));
  REFUSED(OVERLAP, simdrop_dropconnect_backward(NULL, &good, SIMDROP_F64, 2, 3, x, 4, x, dy, y + 1, y, y + 14));
  REFUSED(OVERLAP, simdrop_dropconnect_backward(NULL, &good, SIMDROP_F64, 2, 3, x, 4, x, dy, NULL, y, y + 6));
  REFUSED(OVERLAP, simdrop_dropconnect_backward(NULL, &good, SIMDROP_F64, 2, 3, y + 2, 4, x, dy, NULL, NULL, y));
  REFUSED(OVERLAP, simdrop_dropconnect_backward(NULL, &good, SIMDROP_F64, 2, 3, x, 4, y + 2, dy, NULL, y + 9, y));
  REFUSED(OVERLAP, simdrop_dropconnect_backward(NULL, &good, SIMDROP_F64, 2, 3, x, 4, x, y + 2, NULL, NULL, y));
  REFUSED(OVERLAP, simdrop_dropconnect_backward(NULL, &good, SIMDROP_F64, 2, 3, x, 4, x, dy, y + 2, y + 9, y));
  REFUSED_NUMBERS(simdrop_normals);
  REFUSED_NUMBERS(simdrop_uniforms);
}

static void no_piece(void *context, size_t count, simdrop_task *task, void *task_context) {
  (void)context;
  (void)count;
  (void)task;
  (void)task_context;
  fail_msg("a refused call was cut into pieces");
}

// What a call refuses, its parallel form refuses, before any piece; whether there is enough to do for several threads or not.
static void parallel_calls(void **state) {
  (void)state;
  const simdrop_executor four = {no_piece, NULL, 4}, *const executor = &four;
  const simdrop_mask bad_p = {2, 1, 2, 3, 0}, last = {0.3, 1, 2, UINT64_MAX - 18, 0};
  const simdrop_mask bad_flags = {0.3, 1, 2, 3, 1};
  const int seven = 7;
  simdrop_dtype no_dtype;
  memcpy(&no_dtype, &seven, sizeof no_dtype);
  static uint16_t from[2 * ENOUGH], to[2 * ENOUGH];
  for (size_t n = N; n <= ENOUGH; n += ENOUGH - N) {
    REFUSED(NULL_POINTER, simdrop_parallel_mask_bits(executor, NULL, n, bits));
    REFUSED(NULL_POINTER, simdrop_parallel_mask_bits(executor, &good, n, NULL));
    REFUSED(PROBABILITY, simdrop_parallel_mask_bits(executor, &bad_p, n, bits));
    REFUSED(INDEX_OVERFLOW, simdrop_parallel_mask_bits(executor, &last, n, bits));
    REFUSED(NULL_POINTER, simdrop_parallel_mask_bytes(executor, NULL, n, bytes));
    REFUSED(NULL_POINTER, simdrop_parallel_mask_bytes(executor, &good, n, NULL));
    REFUSED(PROBABILITY, simdrop_parallel_mask_bytes(executor, &bad_p, n, bytes));
    REFUSED(INDEX_OVERFLOW, simdrop_parallel_mask_bytes(executor, &last, n, bytes));
    REFUSED(NULL_POINTER, simdrop_parallel_forward(executor, NULL, SIMDROP_F16, n, from, to, bits));
    REFUSED(NULL_POINTER, simdrop_parallel_forward_bytes(executor, NULL, SIMDROP_F16, n, from, to, bytes));
    REFUSED(NULL_POINTER, simdrop_parallel_forward(executor, &good, SIMDROP_F16, n, NULL, to, bits));
    REFUSED(NULL_POINTER, simdrop_parallel_forward_bytes(executor, &good, SIMDROP_F16, n, NULL, to, bytes));
    REFUSED(NULL_POINTER, simdrop_parallel_forward(executor, &good, SIMDROP_F16, n, from, NULL, bits));
    REFUSED(NULL_POINTER, simdrop_parallel_forward_bytes(executor, &good, SIMDROP_F16, n, from, NULL, bytes));
    REFUSED(NULL_POINTER, simdrop_parallel_forward_bytes(executor, &good, SIMDROP_F16, n, from, to, NULL));
    REFUSED(PROBABILITY, simdrop_parallel_forward(executor, &bad_p, SIMDROP_F16, n, from, to, bits));
    REFUSED(PROBABILITY, simdrop_parallel_forward_bytes(executor, &bad_p, SIMDROP_F16, n, from, to, bytes));
    REFUSED(DTYPE, simdrop_parallel_forward(executor, &good, no_dtype, n, from, to, bits));
    REFUSED(DTYPE, simdrop_parallel_forward_bytes(executor, &good, no_dtype, n, from, to, bytes));
    REFUSED(INDEX_OVERFLOW, simdrop_parallel_forward(executor, &last, SIMDROP_F16, n, from, to, bits));
    REFUSED(INDEX_OVERFLOW, simdrop_parallel_forward_bytes(executor, &last, SIMDROP_F16, n, from, to, bytes));
    REFUSED(OVERLAP, simdrop_parallel_forward(executor, &good, SIMDROP_F16, n, from, from + 1, bits));
    REFUSED(OVERLAP, simdrop_parallel_forward_bytes(executor, &good, SIMDROP_F16, n, from, from + 1, bytes));
    REFUSED(OVERLAP, simdrop_parallel_forward_bytes(executor, &good, SIMDROP_F16, n, from, to, (uint8_t *)to + n));
    REFUSED(NULL_POINTER, simdrop_parallel_backward(executor, NULL, SIMDROP_F16, n, from, to));
    REFUSED(NULL_POINTER, simdrop_parallel_backward(executor, &good, SIMDROP_F16, n, NULL, to));
    REFUSED(NULL_POINTER, simdrop_parallel_backward(executor, &good, SIMDROP_F16, n, from, NULL));
    REFUSED(PROBABILITY, simdrop_parallel_backward(executor, &bad_p, SIMDROP_F16, n, from, to));
    REFUSED(DTYPE, simdrop_parallel_backward(executor, &good, no_dtype, n, from, to));
    REFUSED(INDEX_OVERFLOW, simdrop_parallel_backward(executor, &last, SIMDROP_F16, n, from, to));
    REFUSED(OVERLAP, simdrop_parallel_backward(executor, &good, SIMDROP_F16, n, from, from + 1));
    REFUSED(NULL_POINTER, simdrop_parallel_apply_bits(executor, 0.3, SIMDROP_F16, n, NULL, from, to));
    REFUSED(NULL_POINTER, simdrop_parallel_apply_bits(executor, 0.3, SIMDROP_F16, n, bits, NULL, to));
    REFUSED(NULL_POINTER, simdrop_parallel_apply_bits(executor, 0.3, SIMDROP_F16, n, bits, from, NULL));
    REFUSED(PROBABILITY, simdrop_parallel_apply_bits(executor, 2, SIMDROP_F16, n, bits, from, to));
    REFUSED(DTYPE, simdrop_parallel_apply_bits(executor, 0.3, no_dtype, n, bits, from, to));
    REFUSED(OVERLAP, simdrop_parallel_apply_bits(executor, 0.3, SIMDROP_F16, n, bits, from, from + 1));

    const ptrdiff_t row = (ptrdiff_t)n;
    const simdrop_layout fine = {2, {2, n}, {row, 1}, {row, 1}, {n, 1}, 0};
    simdrop_layout rank = fine, size = fine, overlap = fine;
    rank.rank = SIMDROP_MAX_RANK + 1;
    size.dims[0] = SIZE_MAX;
    overlap.y_strides[0] = 1;
    REFUSED(NULL_POINTER, simdrop_parallel_forward_layout(executor, NULL, SIMDROP_F16, &fine, from, to));
    REFUSED(NULL_POINTER, simdrop_parallel_forward_layout(executor, &good, SIMDROP_F16, NULL, from, to));
    REFUSED(NULL_POINTER, simdrop_parallel_forward_layout(executor, &good, SIMDROP_F16, &fine, NULL, to));
    REFUSED(NULL_POINTER, simdrop_parallel_forward_layout(executor, &good, SIMDROP_F16, &fine, from, NULL));
    REFUSED(PROBABILITY, simdrop_parallel_forward_layout(executor, &bad_p, SIMDROP_F16, &fine, from, to));
    REFUSED(DTYPE, simdrop_parallel_forward_layout(executor, &good, no_dtype, &fine, from, to));
    REFUSED(RANK, simdrop_parallel_forward_layout(executor, &good, SIMDROP_F16, &rank, from, to));
    REFUSED(SIZE_OVERFLOW, simdrop_parallel_forward_layout(executor, &good, SIMDROP_F16, &size, from, to));
    REFUSED(INDEX_OVERFLOW, simdrop_parallel_forward_layout(executor, &last, SIMDROP_F16, &fine, from, to));
    REFUSED(OVERLAP, simdrop_parallel_forward_layout(executor, &good, SIMDROP_F16, &overlap, from, to));
    REFUSED(NULL_POINTER, simdrop_parallel_backward_layout(executor, NULL, SIMDROP_F16, &fine, from, to));
    REFUSED(NULL_POINTER, simdrop_parallel_backward_layout(executor, &good, SIMDROP_F16, NULL, from, to));
    REFUSED(NULL_POINTER, simdrop_parallel_backward_layout(executor, &good, SIMDROP_F16, &fine, NULL, to));
    REFUSED(NULL_POINTER, simdrop_parallel_backward_layout(executor, &good, SIMDROP_F16, &fine, from, NULL));
    REFUSED(PROBABILITY, simdrop_parallel_backward_layout(executor, &bad_p, SIMDROP_F16, &fine, from, to));
    REFUSED(DTYPE, simdrop_parallel_backward_layout(executor, &good, no_dtype, &fine, from, to));
    REFUSED(RANK, simdrop_parallel_backward_layout(executor, &good, SIMDROP_F16, &rank, from, to));
    REFUSED(SIZE_OVERFLOW, simdrop_parallel_backward_layout(executor, &good, SIMDROP_F16, &size, from, to));
    REFUSED(INDEX_OVERFLOW, simdrop_parallel_backward_layout(executor, &last, SIMDROP_F16, &fine, from, to));
    REFUSED(OVERLAP, simdrop_parallel_backward_layout(executor, &good, SIMDROP_F16, &overlap, from, to));
    REFUSED(NULL_POINTER, simdrop_parallel_mask_layout_bytes(executor, NULL, &fine, bytes));
    REFUSED(NULL_POINTER, simdrop_parallel_mask_layout_bytes(executor, &good, NULL, bytes));
    REFUSED(NULL_POINTER, simdrop_parallel_mask_layout_bytes(executor, &good, &fine, NULL));
    REFUSED(PROBABILITY, simdrop_parallel_mask_layout_bytes(executor, &bad_p, &fine, bytes));
    REFUSED(RANK, simdrop_parallel_mask_layout_bytes(executor, &good, &rank, bytes));
    REFUSED(SIZE_OVERFLOW, simdrop_parallel_mask_layout_bytes(executor, &good, &size, bytes));
    REFUSED(INDEX_OVERFLOW, simdrop_parallel_mask_layout_bytes(executor, &last, &fine, bytes));
    REFUSED(FLAGS, simdrop_parallel_forward_layout(executor, &bad_flags, SIMDROP_F16, &fine, from, to));
    REFUSED(FLAGS, simdrop_parallel_backward_layout(executor, &bad_flags, SIMDROP_F16, &fine, from, to));
    REFUSED(FLAGS, simdrop_parallel_mask_layout_bytes(executor, &bad_flags, &fine, bytes));
    REFUSED(FLAGS, simdrop_parallel_mask_bits(executor, &bad_flags, n, bits));
    REFUSED(FLAGS, simdrop_parallel_mask_bytes(executor, &bad_flags, n, bytes));
    REFUSED(FLAGS, simdrop_parallel_forward(executor, &bad_flags, SIMDROP_F16, n, from, to, bits));
    REFUSED(FLAGS, simdrop_parallel_forward_bytes(executor, &bad_flags, SIMDROP_F16, n, from, to, bytes));
    REFUSED(FLAGS, simdrop_parallel_backward(executor, &bad_flags, SIMDROP_F16, n, from, to));
    REFUSED(NULL_POINTER, simdrop_parallel_forward_layout_bits(executor, NULL, SIMDROP_F16, &fine, from, to, bits));
    REFUSED(NULL_POINTER, simdrop_parallel_forward_layout_bytes(executor, NULL, SIMDROP_F16, &fine, from, to, bytes));
    REFUSED(NULL_POINTER, simdrop_parallel_forward_layout_bits(executor, &good, SIMDROP_F16, NULL, from, to, bits));
    REFUSED(NULL_POINTER, simdrop_parallel_forward_layout_bytes(executor, &good, SIMDROP_F16, NULL, from, to, bytes));
    REFUSED(NULL_POINTER, simdrop_parallel_forward_layout_bits(executor, &good, SIMDROP_F16, &fine, NULL, to, bits));
    REFUSED(NULL_POINTER, simdrop_parallel_forward_layout_bytes(executor, &good, SIMDROP_F16, &fine, NULL, to, bytes));
    REFUSED(NULL_POINTER, simdrop_parallel_forward_layout_bits(executor, &good, SIMDROP_F16, &fine, from, NULL, bits));
    REFUSED(NULL_POINTER, simdrop_parallel_forward_layout_bytes(executor, &good, SIMDROP_F16, &fine, from, NULL, bytes));
    REFUSED(NULL_POINTER, simdrop_parallel_forward_layout_bytes(executor, &good, SIMDROP_F16, &fine, from, to, NULL));
    REFUSED(PROBABILITY, simdrop_parallel_forward_layout_bits(executor, &bad_p, SIMDROP_F16, &fine, from, to, bits));
    REFUSED(PROBABILITY, simdrop_parallel_forward_layout_bytes(executor, &bad_p, SIMDROP_F16, &fine, from, to, bytes));
    REFUSED(DTYPE, simdrop_parallel_forward_layout_bits(executor, &good, no_dtype, &fine, from, to, bits));
    REFUSED(DTYPE, simdrop_parallel_forward_layout_bytes(executor, &good, no_dtype, &fine, from, to, bytes));
    REFUSED(FLAGS, simdrop_parallel_forward_layout_bits(executor, &bad_flags, SIMDROP_F16, &fine, from, to, bits));
    REFUSED(FLAGS, simdrop_parallel_forward_layout_bytes(executor, &bad_flags, SIMDROP_F16, &fine, from, to, bytes));
    REFUSED(RANK, simdrop_parallel_forward_layout_bits(executor, &good, SIMDROP_F16, &rank, from, to, bits));
    REFUSED(RANK, simdrop_parallel_forward_layout_bytes(executor, &good, SIMDROP_F16, &rank, from, to, bytes));
    REFUSED(SIZE_OVERFLOW, simdrop_parallel_forward_layout_bits(executor, &good, SIMDROP_F16, &size, from, to, bits));
    REFUSED(SIZE_OVERFLOW, simdrop_parallel_forward_layout_bytes(executor, &good, SIMDROP_F16, &size, from, to, bytes));
    REFUSED(INDEX_OVERFLOW, simdrop_parallel_forward_layout_bits(executor, &last, SIMDROP_F16, &fine, from, to, bits));
    REFUSED(INDEX_OVERFLOW, simdrop_parallel_forward_layout_bytes(executor, &last, SIMDROP_F16, &fine, from, to, bytes));
    REFUSED(OVERLAP, simdrop_parallel_forward_layout_bits(executor, &good, SIMDROP_F16, &overlap, from, to, bits));
    REFUSED(OVERLAP, simdrop_parallel_forward_layout_bytes(executor, &good, SIMDROP_F16, &overlap, from, to, bytes));
    simdrop_layout flags = fine, index = fine;
    flags.flags = 1;
    index.index_strides[0] = UINT64_MAX;
    REFUSED(NULL_POINTER, simdrop_parallel_apply_bits_layout(executor, 0.3, SIMDROP_F16, NULL, bits, from, to));
    REFUSED(NULL_POINTER, simdrop_parallel_apply_bits_layout(executor, 0.3, SIMDROP_F16, &fine, NULL, from, to));
    REFUSED(NULL_POINTER, simdrop_parallel_apply_bits_layout(executor, 0.3, SIMDROP_F16, &fine, bits, NULL, to));
    REFUSED(NULL_POINTER, simdrop_parallel_apply_bits_layout(executor, 0.3, SIMDROP_F16, &fine, bits, from, NULL));
    REFUSED(PROBABILITY, simdrop_parallel_apply_bits_layout(executor, 2, SIMDROP_F16, &fine, bits, from, to));
    REFUSED(DTYPE, simdrop_parallel_apply_bits_layout(executor, 0.3, no_dtype, &fine, bits, from, to));
    REFUSED(FLAGS, simdrop_parallel_apply_bits_layout(executor, 0.3, SIMDROP_F16, &flags, bits, from, to));
    REFUSED(RANK, simdrop_parallel_apply_bits_layout(executor, 0.3, SIMDROP_F16, &rank, bits, from, to));
    REFUSED(SIZE_OVERFLOW, simdrop_parallel_apply_bits_layout(executor, 0.3, SIMDROP_F16, &size, bits, from, to));
    REFUSED(INDEX_OVERFLOW, simdrop_parallel_apply_bits_layout(executor, 0.3, SIMDROP_F16, &index, bits, from, to));
    REFUSED(OVERLAP, simdrop_parallel_apply_bits_layout(executor, 0.3, SIMDROP_F16, &overlap, bits, from, to));
    REFUSED(NULL_POINTER, simdrop_parallel_mask_layout_bits(executor, NULL, &fine, bits));
    REFUSED(NULL_POINTER, simdrop_parallel_mask_layout_bits(executor, &good, NULL, bits));
    REFUSED(NULL_POINTER, simdrop_parallel_mask_layout_bits(executor, &good, &fine, NULL));
    REFUSED(PROBABILITY, simdrop_parallel_mask_layout_bits(executor, &bad_p, &fine, bits));
    REFUSED(FLAGS, simdrop_parallel_mask_layout_bits(executor, &bad_flags, &fine, bits));
    REFUSED(RANK, simdrop_parallel_mask_layout_bits(executor, &good, &rank, bits));
    REFUSED(SIZE_OVERFLOW, simdrop_parallel_mask_layout_bits(executor, &good, &size, bits));
    REFUSED(INDEX_OVERFLOW, simdrop_parallel_mask_layout_bits(executor, &last, &fine, bits));
  }
  const simdrop_mask start = {0.3, 1, 2, 0, 0};
  REFUSED(SIZE_OVERFLOW, simdrop_parallel_forward(executor, &start, SIMDROP_F16, SIZE_MAX, from, to, NULL));
  REFUSED(SIZE_OVERFLOW, simdrop_parallel_forward_bytes(executor, &start, SIMDROP_F16, SIZE_MAX, from, to, bytes));
  REFUSED(SIZE_OVERFLOW, simdrop_parallel_backward(executor, &start, SIMDROP_F16, SIZE_MAX, from, to));
  REFUSED(SIZE_OVERFLOW, simdrop_parallel_apply_bits(executor, 0.3, SIMDROP_F16, SIZE_MAX, bits, from, to));
  check_filled(to, sizeof to, 0, "y of parallel calls");
}

static void status_strings(void **state) {
  (void)state;
  const char *seen[SIMDROP_ERROR_NORM + 1];
  for (int status = 0; status <= SIMDROP_ERROR_NORM; ++status) {
    seen[status] = simdrop_status_string((simdrop_status)status);
    assert_non_null(seen[status]);
    assert_true(strlen(seen[status]) > 0);
    assert_string_not_equal(seen[status], "unknown status");
    for (int other = 0; other < status; ++other) assert_string_not_equal(seen[other], seen[status]);
  }
  const int unknown[] = {-1, SIMDROP_ERROR_NORM + 1, 1000, INT32_MAX, INT32_MIN};
  for (size_t i = 0; i < LENGTH(unknown); ++i) {
    simdrop_status status;
    memcpy(&status, &unknown[i], sizeof status);
    assert_string_equal(simdrop_status_string(status), "unknown status");
  }
}

static void scales(void **state) {
  (void)state;
  static const struct {
    double p, scale;
  } known[] = {{0, 1},     {-0.0, 1},           {0.5, 2}, {0.75, 4}, {1 - 0x1p-32, 0x1p32}, {0.25, 4.0 / 3},
               {1e-12, 1}, {1 - 1e-12, 0x1p32}, {1, 0}};
  for (size_t i = 0; i < LENGTH(known); ++i) {
    double scale = -1;
    assert_int_equal(simdrop_scale(known[i].p, &scale), SIMDROP_OK);
    assert_true(scale == known[i].scale);
  }
}

static void versions(void **state) {
  (void)state;
  assert_int_equal(simdrop_version_number(), SIMDROP_VERSION_NUMBER);
  assert_string_equal(simdrop_version_string(), SIMDROP_VERSION_STRING);
}

static void dtypes_have_names(void **state) {
  (void)state;
  static const char *const names[] = {"f32", "f64", "f16", "bf16", "f8e4m3fn", "f8e5m2"};
  static const size_t sizes[] = {4, 8, 2, 2, 1, 1};
  assert_int_equal(simdrop_dtype_count(), LENGTH(names));
  for (size_t d = 0; d < LENGTH(names); ++d) {
    assert_string_equal(simdrop_dtype_name((simdrop_dtype)d), names[d]);
    assert_int_equal(simdrop_dtype_size((simdrop_dtype)d), sizes[d]);
  }
  for (int d = -1; d <= 300; d += d < 0 ? 1 + (int)LENGTH(names) : 1) {
    simdrop_dtype unknown;
    memcpy(&unknown, &d, sizeof unknown);
    assert_null(simdrop_dtype_name(unknown));
    assert_int_equal(simdrop_dtype_size(unknown), 0);
  }
}

static void backends(void **state) {
  (void)state;
  const size_t count = simdrop_backend_count();
  assert_true(count >= 1);
  assert_null(simdrop_backend_name(count));
  assert_null(simdrop_backend_name(SIZE_MAX));
  assert_int_equal(simdrop_backend_compiled(count), 0);
  assert_int_equal(simdrop_backend_compiled(SIZE_MAX), 0);
  assert_int_equal(simdrop_backend_supported(count), 0);
  assert_int_equal(simdrop_backend_supported(SIZE_MAX), 0);
  assert_string_equal(simdrop_backend_name(count - 1), "scalar");
  assert_int_equal(simdrop_backend_supported(count - 1), 1);

  // The best is the first that is supported, and NULL asks for it.
  size_t best = 0;
  while (!simdrop_backend_supported(best)) ++best;
  assert_int_equal(simdrop_backend_select(NULL), SIMDROP_OK);
  assert_string_equal(simdrop_backend_current(), simdrop_backend_name(best));
  assert_int_equal(simdrop_backend_reason(), SIMDROP_CHOICE_BEST);

  for (size_t i = 0; i < count; ++i) {
    const char *const name = simdrop_backend_name(i);
    assert_non_null(name);
    for (size_t j = 0; j < i; ++j) assert_string_not_equal(simdrop_backend_name(j), name);
    if (simdrop_backend_supported(i)) assert_int_equal(simdrop_backend_compiled(i), 1);
    assert_false(is_missed(i));
    assert_int_equal(simdrop_backend_select("scalar"), SIMDROP_OK);
    if (simdrop_backend_supported(i)) {
      char copy[32];  // by its letters, not by its address
      snprintf(copy, sizeof copy, "%s", name);
      assert_int_equal(simdrop_backend_select(copy), SIMDROP_OK);
      assert_string_equal(simdrop_backend_current(), name);
    } else {
      REFUSED(UNSUPPORTED_BACKEND, simdrop_backend_select(name));
      assert_string_equal(simdrop_backend_current(), "scalar");
    }
    assert_int_equal(simdrop_backend_reason(), SIMDROP_CHOICE_SELECTED);
  }

  static const char *const unknown[] = {"", "AVX2", "scalar ", "avx", "best", "avx5122", "%s", "scala"};
  assert_int_equal(simdrop_backend_select("scalar"), SIMDROP_OK);
  for (size_t i = 0; i < LENGTH(unknown); ++i) {
    REFUSED(UNKNOWN_BACKEND, simdrop_backend_select(unknown[i]));
    assert_string_equal(simdrop_backend_current(), "scalar");
    assert_int_equal(simdrop_backend_reason(), SIMDROP_CHOICE_SELECTED);
  }
  assert_int_equal(simdrop_backend_select(NULL), SIMDROP_OK);
  assert_int_equal(simdrop_backend_reason(), SIMDROP_CHOICE_BEST);
}

static void ways_through_memory(void **state) {
  (void)state;
  for (size_t i = 0; i < simdrop_memory_count(); ++i) {
    assert_int_equal(simdrop_memory_select(simdrop_memory_name(i)), SIMDROP_OK);
    assert_string_equal(simdrop_memory_current(), simdrop_memory_name(i));
  }
  assert_null(simdrop_memory_name(simdrop_memory_count()));
  assert_null(simdrop_memory_name(SIZE_MAX));
  static const char *const unknown[] = {"", "pages", "pages-3", "pages-16", "Cached", "cached ", "%s"};
  assert_int_equal(simdrop_memory_select("pages-8"), SIMDROP_OK);
  for (size_t i = 0; i < LENGTH(unknown); ++i) {
    REFUSED(UNKNOWN_MEMORY, simdrop_memory_select(unknown[i]));
    assert_string_equal(simdrop_memory_current(), "pages-8");
  }
  assert_int_equal(simdrop_memory_select(NULL), SIMDROP_OK);
  assert_string_equal(simdrop_memory_current(), "learned");
}

// ---- the list of all errors, made from the headers: the line @return of each function names them, or another function whose
// they are

typedef struct header_text {
  char text[1 << 18];  // of all public headers
  size_t length;
} header_text;

static void read_headers(header_text *headers) {
  static const char *const names[] = {"types.h", "simdrop.h", "layout.h", "executor.h", "variants.h", "version.h", "openmp.h"};
  for (size_t i = 0; i < LENGTH(names); ++i) {
    char path[1024];
    snprintf(path, sizeof path, "%s/simdrop/%s", SIMDROP_TEST_INCLUDE, names[i]);
    FILE *const file = fopen(path, "r");
    if (file == NULL) {
      fail_msg("cannot open %s", path);
      return;
    }
    headers->length += fread(headers->text + headers->length, 1, sizeof headers->text - 1 - headers->length, file);
    assert_true(feof(file));
    fclose(file);
  }
  headers->text[headers->length] = '\0';
}

// A function that returns a status.
typedef struct declaration {
  char name[64], parameters[512], comment[4096];
} declaration;

static void copy_text(char *to, size_t room, const char *begin, const char *end) {
  assert_true((size_t)(end - begin) < room);
  memcpy(to, begin, (size_t)(end - begin));
  to[end - begin] = '\0';
}

// The first one from `text` on; returns where it ends, or NULL if there is none.
static const char *next_declaration(const char *beginning, const char *text, declaration *found) {
  static const char start[] = "SIMDROP_API simdrop_status ";
  const char *const at = strstr(text, start);
  if (at == NULL) return NULL;
  const char *const name = at + strlen(start), *const open = strchr(name, '('), *const close = strstr(open, ");");
  copy_text(found->name, sizeof found->name, name, open);
  copy_text(found->parameters, sizeof found->parameters, open + 1, close);
  const char *comment = at;
  while (comment > beginning && strncmp(comment, "/**", 3) != 0) --comment;
  const char *const comment_end = strstr(comment, "*/");
  if (comment_end + 3 != at) fail_msg("%s has no comment", found->name);
  copy_text(found->comment, sizeof found->comment, comment, comment_end);
  return close;
}

static bool find_declaration(const header_text *headers, const char *name, declaration *found) {
  for (const char *text = headers->text; (text = next_declaration(headers->text, text, found)) != NULL;)
    if (strcmp(found->name, name) == 0) return true;
  return false;
}

// Goes to the function whose errors these are; returns its line.
static const char *return_line(const header_text *headers, declaration *function) {
  for (;;) {
    const char *const line = strstr(function->comment, "@return ");
    if (line == NULL) fail_msg("%s does not say what it returns", function->name);
    char other[64];
    if (sscanf(line, "@return as %63s", other) != 1) return line;
    if (!find_declaration(headers, other, function)) fail_msg("@return as %s, which is no function", other);
  }
}

static bool is_named(const char *line, const char *status) {
  const size_t length = strlen(status);
  for (const char *at = line; (at = strstr(at, status)) != NULL; at += length)
    if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ_", at[length]) == NULL) return true;
  return false;
}

static bool was_refused(const char *function, simdrop_status status, int null_argument) {
  for (size_t i = 0; i < refusal_count; ++i)
    if (strcmp(refusals[i].function, function) == 0 && refusals[i].status == status &&
        (null_argument < 0 || refusals[i].null_argument == null_argument))
      return true;
  return false;
}

// Each parameter that is a pointer was NULL once, unless the function takes it without: an executor, and one whose line begins
// with NULL. Returns how many were not.
static int pointers_without_case(const char *function, const char *parameters, const char *comment) {
  int argument = 0, missing = 0;
  for (const char *at = parameters; *at != '\0'; ++argument) {
    const size_t length = strcspn(at, ",");
    const char *const star = memchr(at, '*', length);
    if (star != NULL && strncmp(at + strspn(at, " \n"), "const simdrop_executor", 22) != 0) {
      char line[128];
      const int name_length = (int)strspn(star + 1, "abcdefghijklmnopqrstuvwxyz_");
      snprintf(line, sizeof line, "@param %.*s ", name_length, star + 1);
      const char *const described = strstr(comment, line);
      const char *const text = described == NULL ? "" : described + strlen(line) + strspn(described + strlen(line), " ");
      if (strncmp(text, "NULL", 4) != 0 && !was_refused(function, SIMDROP_ERROR_NULL_POINTER, argument)) {
        print_error("%s: no case in which just %.*s is NULL\n", function, name_length, star + 1);
        ++missing;
      }
    }
    at += length + (at[length] == ',');
  }
  return missing;
}

static void every_error_has_its_case(void **state) {
  null_pointers(state);
  probabilities(state);
  dtypes(state);
  index_overflow(state);
  size_overflow(state);
  overlaps(state);
  layouts(state);
  constructors(state);
  parallel_calls(state);
  backends(state);
  ways_through_memory(state);
  variants(state);
  static header_text headers;
  headers.length = 0;
  read_headers(&headers);
  int missing = 0, functions = 0, errors = 0;
  declaration function;
  for (const char *text = headers.text; (text = next_declaration(headers.text, text, &function)) != NULL; ++functions) {
    declaration described = function;
    const char *const line = return_line(&headers, &described);
    int named = 0, number;
    char name[64];
    for (const char *at = headers.text; (at = strstr(at, "  SIMDROP_ERROR_")) != NULL; ++at) {
      if (sscanf(at, "  SIMDROP_%63[A-Z_] = %d", name, &number) != 2) continue;
      const bool returned = is_named(line, name), tried = was_refused(function.name, (simdrop_status)number, -1);
      named += returned;
      if (returned != tried) {
        print_error("%s: %s is %s\n", function.name, name,
                    tried ? "returned, and not in its comment" : "in its comment, and has no case");
        ++missing;
      }
    }
    if (named == 0) fail_msg("%s: no error in its comment", function.name);
    errors += named;
    if (is_named(line, "ERROR_NULL_POINTER"))
      missing += pointers_without_case(function.name, function.parameters, described.comment);
  }
  // No loop above found nothing to do.
  assert_true(functions >= 32);
  assert_true(errors >= 4 * functions);
  assert_int_equal(missing, 0);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(null_pointers),  cmocka_unit_test(nothing_to_do),
      cmocka_unit_test(probabilities),  cmocka_unit_test(dtypes),
      cmocka_unit_test(index_overflow), cmocka_unit_test(size_overflow),
      cmocka_unit_test(overlaps),       cmocka_unit_test(status_strings),
      cmocka_unit_test(scales),         cmocka_unit_test(layouts),
      cmocka_unit_test(constructors),   cmocka_unit_test(parallel_calls),
      cmocka_unit_test(variants),       cmocka_unit_test(every_error_has_its_case),
      cmocka_unit_test(versions),       cmocka_unit_test(dtypes_have_names),
      cmocka_unit_test(backends),       cmocka_unit_test(ways_through_memory),
  };
  return RUN_TESTS(argc, argv, tests);
}

// The public interface, through its public header alone: every error with the outputs untouched, what is no error, and the
// backends listed, queried and forced. Built against the static and the shared library.
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "promises.h"
#include "support.h"

enum {
  N = 1003,  // not a multiple of 8
  CANARY = 0xA5
};

static const simdrop_mask good = {0.3, 1, 2, 3};
static double x[N], y[N + 8];
static uint8_t bits[PACKED(N) + 8], bytes[N];

static void fill_outputs(void) {
  for (size_t k = 0; k < N; ++k) x[k] = 1;
  memset(y, CANARY, sizeof y);
  memset(bits, CANARY, sizeof bits);
  memset(bytes, CANARY, sizeof bytes);
  errno = 12345;
}

// A refused call has this status, and has written nothing.
static void check_refused(simdrop_status status, simdrop_status expected, const char *what) {
  if (status != expected)
    fail_msg("%s: \"%s\" instead of \"%s\"", what, simdrop_status_string(status), simdrop_status_string(expected));
  check_filled(y, sizeof y, CANARY, "y after %s", what);
  check_filled(bits, sizeof bits, CANARY, "bits after %s", what);
  check_filled(bytes, sizeof bytes, CANARY, "bytes after %s", what);
  for (size_t k = 0; k < N; ++k) assert_true(x[k] == 1);
  assert_int_equal(errno, 12345);
}
#define REFUSED(expected, call)                           \
  do {                                                    \
    fill_outputs();                                       \
    check_refused(call, SIMDROP_ERROR_##expected, #call); \
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
    REFUSED(NULL_POINTER, simdrop_forward(&good, dtype, N, NULL, y, bits));
    REFUSED(NULL_POINTER, simdrop_forward(&good, dtype, N, x, NULL, bits));
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
    check_refused(simdrop_backward(&good, dtype, 0, NULL, NULL), SIMDROP_OK, "n = 0");
    check_refused(simdrop_backward(&good, dtype, 0, x, y), SIMDROP_OK, "n = 0");
    check_refused(simdrop_apply_bits(0.3, dtype, 0, NULL, NULL, NULL), SIMDROP_OK, "n = 0");
    check_refused(simdrop_apply_bits(0.3, dtype, 0, bits, x, y), SIMDROP_OK, "n = 0");
  }
  // At the very end, n = 0 passes nothing.
  const simdrop_mask last = {0.3, 1, 2, UINT64_MAX};
  check_refused(simdrop_mask_bits(&last, 0, NULL), SIMDROP_OK, "n = 0");
  // The other errors are errors for n = 0 too.
  REFUSED(PROBABILITY, simdrop_mask_bits(&(simdrop_mask){2, 0, 0, 0}, 0, NULL));
  REFUSED(DTYPE, simdrop_forward(&good, (simdrop_dtype)4, 0, NULL, NULL, NULL));
}

static void probabilities(void **state) {
  (void)state;
  static const double bad[] = {NAN, -NAN, INFINITY, -INFINITY, -1, -0x1p-1074, -DBL_EPSILON, 1 + DBL_EPSILON, 2, DBL_MAX};
  for (size_t i = 0; i < LENGTH(bad); ++i) {
    const simdrop_mask mask = {bad[i], 1, 2, 3};
    double scale = 7;
    REFUSED(PROBABILITY, simdrop_mask_bits(&mask, N, bits));
    REFUSED(PROBABILITY, simdrop_mask_bytes(&mask, N, bytes));
    REFUSED(PROBABILITY, simdrop_scale(bad[i], &scale));
    assert_true(scale == 7);
    for (size_t d = 0; d < LENGTH(all_dtypes); ++d) {
      REFUSED(PROBABILITY, simdrop_forward(&mask, all_dtypes[d], N, x, y, bits));
      REFUSED(PROBABILITY, simdrop_backward(&mask, all_dtypes[d], N, x, y));
      REFUSED(PROBABILITY, simdrop_apply_bits(bad[i], all_dtypes[d], N, bits, x, y));
    }
  }
  static const double fine[] = {0, -0.0, 0x1p-1074, DBL_MIN, 0.5, 1 - DBL_EPSILON / 2, 1};
  for (size_t i = 0; i < LENGTH(fine); ++i) {
    const simdrop_mask mask = {fine[i], 1, 2, 3};
    double scale;
    ACCEPTED(simdrop_mask_bits(&mask, N, bits));
    ACCEPTED(simdrop_scale(fine[i], &scale));
    ACCEPTED(simdrop_forward(&mask, SIMDROP_F64, N, x, y, bits));
    ACCEPTED(simdrop_apply_bits(fine[i], SIMDROP_F64, N, bits, x, y));
  }
}

static void dtypes(void **state) {
  (void)state;
  static const int bad[] = {-1, 4, 5, 100, INT32_MAX, INT32_MIN};
  for (size_t i = 0; i < LENGTH(bad); ++i) {
    // Out of a variable: a constant outside the enumeration is nothing that a compiler need carry.
    simdrop_dtype dtype;
    memcpy(&dtype, &bad[i], sizeof dtype);
    assert_int_equal(simdrop_dtype_size(dtype), 0);
    REFUSED(DTYPE, simdrop_forward(&good, dtype, N, x, y, bits));
    REFUSED(DTYPE, simdrop_backward(&good, dtype, N, x, y));
    REFUSED(DTYPE, simdrop_apply_bits(0.3, dtype, N, bits, x, y));
  }
  assert_int_equal(simdrop_dtype_size(SIMDROP_F32), 4);
  assert_int_equal(simdrop_dtype_size(SIMDROP_F64), 8);
  assert_int_equal(simdrop_dtype_size(SIMDROP_F16), 2);
  assert_int_equal(simdrop_dtype_size(SIMDROP_BF16), 2);
}

static void index_overflow(void **state) {
  (void)state;
  simdrop_mask mask = {0.3, 1, 2, UINT64_MAX - N + 2};  // one element too many
  REFUSED(INDEX_OVERFLOW, simdrop_mask_bits(&mask, N, bits));
  REFUSED(INDEX_OVERFLOW, simdrop_mask_bytes(&mask, N, bytes));
  for (size_t d = 0; d < LENGTH(all_dtypes); ++d) {
    REFUSED(INDEX_OVERFLOW, simdrop_forward(&mask, all_dtypes[d], N, x, y, bits));
    REFUSED(INDEX_OVERFLOW, simdrop_backward(&mask, all_dtypes[d], N, x, y));
  }
  mask.p = 0;  // it is an error whether a mask is drawn or not
  REFUSED(INDEX_OVERFLOW, simdrop_forward(&mask, SIMDROP_F32, N, x, y, bits));
  mask.p = 1;
  REFUSED(INDEX_OVERFLOW, simdrop_forward(&mask, SIMDROP_F32, N, x, y, bits));
  mask = (simdrop_mask){0.3, 1, 2, UINT64_MAX};
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
  const simdrop_mask mask = {0.3, 1, 2, 0};
  for (size_t d = 0; d < LENGTH(all_dtypes); ++d) {
    const size_t size = simdrop_dtype_size(all_dtypes[d]);
    const size_t too_many[] = {SIZE_MAX / size + 1, SIZE_MAX / size + 2, SIZE_MAX / size + 1 + N, SIZE_MAX};
    for (size_t i = 0; i < LENGTH(too_many); ++i) {
      REFUSED(SIZE_OVERFLOW, simdrop_forward(&mask, all_dtypes[d], too_many[i], x, y, NULL));
      REFUSED(SIZE_OVERFLOW, simdrop_forward(&mask, all_dtypes[d], too_many[i], x, y, bits));
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
    // A stored mask is only read, so it may lie in x but not in y.
    UNTOUCHED(OVERLAP, simdrop_apply_bits(0.3, dtype, N, a, far, a));
    UNTOUCHED(OVERLAP, simdrop_apply_bits(0.3, dtype, N, a + size - 1, far, a));
    UNTOUCHED(OVERLAP, simdrop_apply_bits(0.3, dtype, N, a - packed + 1, far, a));
    UNTOUCHED(OVERLAP, simdrop_apply_bits(0.3, dtype, N, a + size / 2, a, a));
    // p = 0 and p = 1, which draw no mask, are no exceptions.
    UNTOUCHED(OVERLAP, simdrop_forward(&(simdrop_mask){0, 1, 2, 3}, dtype, N, a, a + element, NULL));
    UNTOUCHED(OVERLAP, simdrop_forward(&(simdrop_mask){1, 1, 2, 3}, dtype, N, a, a + element, NULL));
    UNTOUCHED(OVERLAP, simdrop_apply_bits(0, dtype, N, far, a, a + element));
    UNTOUCHED(OVERLAP, simdrop_apply_bits(1, dtype, N, far, a, a + element));
    // What touches or is equal does not overlap.
    WORKS(simdrop_forward(&good, dtype, N, a, a, NULL));
    WORKS(simdrop_forward(&good, dtype, N, a, a + size, NULL));
    WORKS(simdrop_forward(&good, dtype, N, a + size, a, NULL));
    WORKS(simdrop_forward(&good, dtype, N, a, a, a + size));
    WORKS(simdrop_forward(&good, dtype, N, a, a, a - packed));
    WORKS(simdrop_forward(&good, dtype, N, a, far, a + size));
    WORKS(simdrop_backward(&good, dtype, N, a, a));
    WORKS(simdrop_apply_bits(0.3, dtype, N, a, a, far));
    WORKS(simdrop_apply_bits(0.3, dtype, N, a + size, a, a));
    WORKS(simdrop_apply_bits(0.3, dtype, N, a - packed, a, a));
  }
}

static void status_strings(void **state) {
  (void)state;
  const char *seen[SIMDROP_ERROR_SHAPE + 1];
  for (int status = 0; status <= SIMDROP_ERROR_SHAPE; ++status) {
    seen[status] = simdrop_status_string((simdrop_status)status);
    assert_non_null(seen[status]);
    assert_true(strlen(seen[status]) > 0);
    assert_string_not_equal(seen[status], "unknown status");
    for (int other = 0; other < status; ++other) assert_string_not_equal(seen[other], seen[status]);
  }
  const int unknown[] = {-1, SIMDROP_ERROR_SHAPE + 1, 1000, INT32_MAX, INT32_MIN};
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
      strcpy(copy, name);
      assert_int_equal(simdrop_backend_select(copy), SIMDROP_OK);
      assert_string_equal(simdrop_backend_current(), name);
    } else {
      assert_int_equal(simdrop_backend_select(name), SIMDROP_ERROR_UNSUPPORTED_BACKEND);
      assert_string_equal(simdrop_backend_current(), "scalar");
    }
    assert_int_equal(simdrop_backend_reason(), SIMDROP_CHOICE_SELECTED);
  }

  static const char *const unknown[] = {"", "AVX2", "scalar ", "avx", "best", "avx5122", "%s", "scala"};
  assert_int_equal(simdrop_backend_select("scalar"), SIMDROP_OK);
  for (size_t i = 0; i < LENGTH(unknown); ++i) {
    assert_int_equal(simdrop_backend_select(unknown[i]), SIMDROP_ERROR_UNKNOWN_BACKEND);
    assert_string_equal(simdrop_backend_current(), "scalar");
    assert_int_equal(simdrop_backend_reason(), SIMDROP_CHOICE_SELECTED);
  }
  assert_int_equal(simdrop_backend_select(NULL), SIMDROP_OK);
  assert_int_equal(simdrop_backend_reason(), SIMDROP_CHOICE_BEST);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(null_pointers), cmocka_unit_test(nothing_to_do),  cmocka_unit_test(probabilities),
      cmocka_unit_test(dtypes),        cmocka_unit_test(index_overflow), cmocka_unit_test(size_overflow),
      cmocka_unit_test(overlaps),      cmocka_unit_test(status_strings), cmocka_unit_test(scales),
      cmocka_unit_test(versions),      cmocka_unit_test(backends),
  };
  return RUN_TESTS(argc, argv, tests);
}

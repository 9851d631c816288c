// The limits that `simdrop bench` compares with: the expected number of planes against exact values and against drawn masks,
// the kinds of multiplication, and that the copies copy. No test of a time.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/kernels.h"
#include "bench/limits.h"
#include "oracle.h"
#include "support.h"

enum {
  BLOCK = 128,
  PLANES = 32,
};

static void threshold(void **state) {
  (void)state;
  for (size_t i = 0; i < LENGTH(some_probabilities); ++i)
    assert_true(bench_threshold(some_probabilities[i]) == oracle_threshold(some_probabilities[i]));
  static const double edges[] = {0x1p-33, 0x3p-33, 0x5p-33, 1 - 0x1p-32, 1 - 0x1p-33, 1 - 0x1p-53, 0x1p-1074};
  for (size_t i = 0; i < LENGTH(edges); ++i) assert_true(bench_threshold(edges[i]) == oracle_threshold(edges[i]));
}

static void check_planes(uint64_t threshold, double expected) {
  const double found = bench_expected_planes(threshold);
  if (!(fabs(found - expected) <= 1e-12 * expected))
    fail_msg("threshold %#llx: %.17g planes, not %.17g", (unsigned long long)threshold, found, expected);
}

// P(not all of 128 elements are decided after j planes, if planes remain) = 1 - (1 - 2^-j)^128, by plain multiplication.
static double undecided(int j) {
  double decided = 1;
  for (int k = 0; k < BLOCK; ++k) decided *= 1 - ldexp(1, -j);
  return 1 - decided;
}

static void expected_planes(void **state) {
  (void)state;
  const uint64_t one = UINT64_C(1) << PLANES;
  check_planes(0, 0);    // all kept, without a draw
  check_planes(one, 0);  // all dropped
  check_planes(one / 2, 1);
  check_planes(one / 4, 1 + (1 - 0x1p-128));
  check_planes(3 * (one / 4), 1 + (1 - 0x1p-128));
  check_planes(one / 8, 1 + (1 - 0x1p-128) + (1 - pow(0.75, BLOCK)));
  // (31/32)^128 and so on are far from 0 and 1 here: the number of elements shows.
  double expected = 1;
  for (int planes = 2; planes <= PLANES; ++planes) {
    expected += undecided(planes - 1);
    check_planes(one >> planes, expected);
    check_planes(one - (one >> planes), expected);
  }
}

// The number of planes until no element's bits are the threshold's, counted in the reference's masks.
static void planes_of_drawn_masks(void **state) {
  (void)state;
  enum {
    BLOCKS = 20000
  };
  const uint64_t threshold_of_a_tenth = oracle_threshold(0.1);
  uint32_t u[BLOCK];
  double sum = 0;
  for (uint64_t block = 0; block < BLOCKS; ++block) {
    int most = 0;
    oracle_u(1, 0, BLOCK * block, BLOCK, u);
    for (int k = 0; k < BLOCK; ++k) {
      int planes = 1;
      while (planes < PLANES && (u[k] ^ threshold_of_a_tenth) >> (PLANES - planes) == 0) ++planes;
      if (planes > most) most = planes;
    }
    sum += most;
  }
  // The planes of a block have a standard deviation of 1.9, so their mean one of 0.013.
  assert_true(fabs(sum / BLOCKS - bench_expected_planes(threshold_of_a_tenth)) < 0.06);
}

// Seven rounds of two multiplications for each plane of 128 elements.
static void products(void **state) {
  (void)state;
  assert_true(bench_products_per_element(1) == 14.0 / 128);
  assert_true(bench_products_per_element(8) == 14.0 / 16);
}

static void check_multiplier(const char *backend, size_t lanes) {
  const bench_multiplier *const found = bench_multiplier_of(backend);
  if ((found == NULL ? 0 : found->lanes) != lanes) fail_msg("%s has not %zu lanes", backend, lanes);
}

static void multipliers(void **state) {
  (void)state;
  check_multiplier("scalar", 1);
  check_multiplier("sve", 0);
  check_multiplier("highway-sve", 0);
  check_multiplier("highway-sve2", 0);
  check_multiplier("nonsense", 0);
  check_multiplier("", 0);
#if defined(__SSE2__)
  check_multiplier("avx512", 8);
  check_multiplier("highway-avx3", 8);
  check_multiplier("avx2", 4);
  check_multiplier("highway-avx2", 4);
  check_multiplier("highway-sse4", 2);
  check_multiplier("highway-ssse3", 2);
  check_multiplier("highway-sse2", 2);
#elif defined(__aarch64__)
  check_multiplier("neon", 2);
  check_multiplier("highway-neon", 2);
#endif
}

static void multiplier_rates(void **state) {
  (void)state;
  FOR_EACH_BACKEND(backend) {
    const bench_multiplier *const multiplier = bench_multiplier_of(backend);
    if (multiplier == NULL) continue;
    const double rate = bench_multiplier_rate(multiplier);
    if (!(rate > 0) || !isfinite(rate)) fail_msg("%s: %g multiplications a nanosecond", backend, rate);
  }
}

static void check_copy(size_t begin, size_t bytes) {
  enum {
    MARGIN = 128
  };
  const size_t size = begin + bytes + MARGIN;
  uint8_t *const x = malloc(size), *const y = malloc(size), *const expected = malloc(size);
  assert_true(x != NULL && y != NULL && expected != NULL);
  for (size_t i = 0; i < size; ++i) x[i] = (uint8_t)(i * 37 + i / 256);
  memset(y, 0xa5, size);
  memset(expected, 0xa5, size);
  memcpy(expected + begin, x + 1, bytes);
  bench_stream_copy(x + 1, y + begin, bytes);
  check_bytes(expected, y, size, "copy of %zu bytes to place %zu", bytes, begin);
  bench_rewrite(y + begin, bytes);
  check_bytes(expected, y, size, "%zu bytes rewritten at %zu", bytes, begin);
  free(x);
  free(y);
  free(expected);
}

static void copies(void **state) {
  (void)state;
  static const size_t sizes[] = {4095, 4096, 32767, 32768, 32769, 32768 + 64, 80000, 3 * 32768 + 63};
  for (size_t bytes = 0; bytes < 300; ++bytes) check_copy(bytes % 67, bytes);
  for (size_t i = 0; i < LENGTH(sizes); ++i)
    for (size_t begin = 0; begin < 65; begin += 8) check_copy(begin, sizes[i]);
}

// Runs pieces in an unusual order.
static void run_backwards(void *context, size_t count, simdrop_task *task, void *task_context) {
  (void)context;
  while (count-- > 0) task(task_context, count);
}

enum {
  MOST_ELEMENTS = 140000,
  MOST_BYTES = MOST_ELEMENTS * 8
};

static _Alignas(64) uint8_t input[MOST_BYTES], output[MOST_BYTES + 1];
static uint8_t other_output[MOST_BYTES], bits[MOST_ELEMENTS / 8 + 1], bytes[MOST_ELEMENTS], other_bytes[MOST_ELEMENTS];

static bench_case make_case(simdrop_dtype dtype, size_t n, const simdrop_executor *executor) {
  for (size_t i = 0; i < MOST_BYTES; ++i) input[i] = (uint8_t)(i * 41 + i / 251) & 0x3f;  // small positive numbers of any type
  memset(output, 0xa5, sizeof output);
  return (bench_case){.mask = {.p = 0.25, .seed = 3},
                      .dtype = dtype,
                      .n = n,
                      .element_size = simdrop_dtype_size(dtype),
                      .scale = 2,
                      .threshold = UINT64_C(1) << 30,
                      .x = input,
                      .y = output,
                      .bits = bits,
                      .bytes = bytes,
                      .executor = executor,
                      .pieces = executor->threads};
}

// What a reference leaves of its work undone shows in the bytes of its output; it must not go beyond them either.
static void check_whole(bench_run *run, const bench_case *c, const char *name, bool changes) {
  memset(output, 0xa5, sizeof output);
  run(c, 1);
  for (size_t i = 0; i < c->copy_bytes && !changes; ++i)
    if (output[i] != input[i]) fail_msg("%s of %zu elements in %zu pieces: byte %zu", name, c->n, c->pieces, i);
  for (size_t i = 0; i + 8 <= c->copy_bytes && changes; i += 8)
    if (memcmp(output + i, "\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5", 8) == 0)
      fail_msg("%s of %zu elements in %zu pieces: byte %zu untouched", name, c->n, c->pieces, i);
  check_filled(output + c->copy_bytes, sizeof output - c->copy_bytes, 0xa5, "%s, behind", name);
}

// The memcpy is of the tensor, or of the mask where there is no tensor.
static void copied_bytes(void **state) {
  (void)state;
  const simdrop_executor executor = {run_backwards, NULL, 1};
  for (int kernel = 0; kernel < bench_kernel_count; ++kernel) {
    bench_case c = make_case(SIMDROP_F64, 1001, &executor);
    const bool is_bits = strcmp(bench_kernels[kernel].name, "mask-bits") == 0;
    const bool is_bytes = strcmp(bench_kernels[kernel].name, "mask-bytes") == 0;
    bench_set_copy(&bench_kernels[kernel], &c);
    assert_int_equal(c.copy_bytes, is_bits ? 126 : is_bytes ? 1001 : 8008);
  }
}

static void references_in_pieces(void **state) {
  (void)state;
  static const size_t sizes[] = {1, 100, 4096, 4097, 3 * 4096 - 1, 20000, MOST_ELEMENTS};
  for (size_t pieces = 1; pieces <= 4; ++pieces) {
    const simdrop_executor executor = {run_backwards, NULL, pieces};
    for (int dtype = SIMDROP_F32; dtype < SIMDROP_ELEMENT_TYPE_COUNT; ++dtype) {
      for (size_t i = 0; i < LENGTH(sizes); ++i) {
        bench_case c = make_case((simdrop_dtype)dtype, sizes[i], &executor);
        for (int kernel = 0; kernel < bench_kernel_count; ++kernel) {
          bench_set_copy(&bench_kernels[kernel], &c);
          check_whole(bench_copy, &c, "memcpy", false);
          check_whole(bench_copy_streaming, &c, "streaming copy", false);
        }
        bench_set_copy(&bench_kernels[0], &c);
        check_whole(bench_scale, &c, "scale", true);
        check_whole(bench_scale_in_place, &c, "scale in place", true);
      }
    }
  }
}

// A kernel on an executor does what it does here.
static void kernels_in_pieces(void **state) {
  (void)state;
  const simdrop_executor executor = {run_backwards, NULL, 4};
  for (int kernel = 0; kernel < bench_kernel_count; ++kernel) {
    for (int dtype = SIMDROP_F32; dtype <= SIMDROP_F64; ++dtype) {
      bench_case c = make_case((simdrop_dtype)dtype, MOST_ELEMENTS, &executor);
      bench_set_copy(&bench_kernels[kernel], &c);
      simdrop_mask_bits(&c.mask, c.n, bits);
      memset(bytes, 0xa5, sizeof bytes);
      bench_kernels[kernel].run(&c, 1);
      memcpy(other_output, output, sizeof other_output);
      memset(output, 0xa5, sizeof output);
      memcpy(other_bytes, bytes, sizeof bytes);
      memset(bytes, 0xa5, sizeof bytes);
      memset(bits, 0, bench_kernels[kernel].draws ? sizeof bits : 0);
      bench_kernels[kernel].run_parallel(&c, 1);
      check_bytes(other_output, output, sizeof other_output, "%s", bench_kernels[kernel].name);
      check_bytes(other_bytes, bytes, sizeof bytes, "bytes of %s", bench_kernels[kernel].name);
    }
  }
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(threshold),
      cmocka_unit_test(expected_planes),
      cmocka_unit_test(planes_of_drawn_masks),
      cmocka_unit_test(products),
      cmocka_unit_test(multipliers),
      cmocka_unit_test(multiplier_rates),
      cmocka_unit_test(copies),
      cmocka_unit_test(copied_bytes),
      cmocka_unit_test(references_in_pieces),
      cmocka_unit_test(kernels_in_pieces),
  };
  return RUN_TESTS(argc, argv, tests);
}

// The limits that `simdrop bench` compares with: the expected number of planes against exact values and against drawn masks,
// the kinds of multiplication, that the copies copy, that fresh outputs are fresh, and which copy is taken. No other test of a
// time.
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/contest.h"
#include "bench/fresh.h"
#include "bench/fused.h"
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
  memset(expected, 0xa5, size);
  memcpy(expected + begin, x + 1, bytes);
  const bench_ways copies = bench_ways_to_copy(true), rewrites = bench_ways_to_rewrite();
  for (size_t i = 0; i < copies.count; ++i) {
    memset(y, 0xa5, size);
    bench_move_bytes(&copies.ways[i], x + 1, y + begin, bytes);
    check_bytes(expected, y, size, "%s: copy of %zu bytes to place %zu", copies.ways[i].name, bytes, begin);
  }
  for (size_t i = 0; i < rewrites.count; ++i) {
    bench_move_bytes(&rewrites.ways[i], y + begin, y + begin, bytes);
    check_bytes(expected, y, size, "%s: %zu bytes rewritten at %zu", rewrites.ways[i].name, bytes, begin);
  }
  free(x);
  free(y);
  free(expected);
}

static void check_sum(size_t begin, size_t count) {
  enum {
    MARGIN = 32
  };
  static _Alignas(64) float x[1 << 15], r[1 << 15], y[1 << 15];
  const size_t size = begin + count + MARGIN;
  const bench_ways ways = bench_ways_to_add();
  assert_true(size <= LENGTH(y));
  for (size_t way = 0; way < ways.count; ++way) {
    for (size_t i = 0; i < size; ++i) {
      x[i] = (float)i;
      r[i] = 0x1p20f + (float)(i * i % 1009);
      y[i] = -1;
    }
    bench_add_bytes(&ways.ways[way], x + 1, r + 2, y + begin, 4 * count);
    for (size_t i = 0; i < size; ++i) {
      const bool within = i >= begin && i < begin + count;
      const float expected = within ? x[i - begin + 1] + r[i - begin + 2] : -1;
      if (y[i] != expected) fail_msg("%s: sum %zu of %zu at %zu", ways.ways[way].name, i, count, begin);
    }
  }
}

static void sums(void **state) {
  (void)state;
  static const size_t sizes[] = {1023, 1024, 8191, 8192, 8193, 20000, 3 * 8192 + 15};
  for (size_t count = 0; count < 70; ++count) check_sum(count % 17, count);
  for (size_t i = 0; i < LENGTH(sizes); ++i) check_sum(3 * i, sizes[i]);
}

static void copies(void **state) {
  (void)state;
  static const size_t sizes[] = {4095, 4096, 8192, 16383, 32767, 32768, 32769, 32768 + 64, 80000, 3 * 32768 + 63};
  for (size_t bytes = 0; bytes < 300; ++bytes) check_copy(bytes % 67, bytes);
  for (size_t i = 0; i < LENGTH(sizes); ++i)
    for (size_t begin = 0; begin < 65; begin += 8) check_copy(begin, sizes[i]);
  check_copy(17, (5 << 19) + 3);  // more than pages are asked for in one go
}

static bool library_has_way(const char *name) {
  for (size_t i = 0; i < simdrop_memory_count(); ++i)
    if (strcmp(simdrop_memory_name(i), name) == 0) return true;
  return false;
}

// What the library can do is among what it is compared with, under the same name.
static void names_of_ways(void **state) {
  (void)state;
  const bench_ways copies = bench_ways_to_copy(false), fresh = bench_ways_to_copy(true), rewrites = bench_ways_to_rewrite();
  const bench_ways sums = bench_ways_to_add();
  assert_string_equal(copies.ways[0].name, "memcpy");
  for (size_t i = 1; i < copies.count; ++i) assert_true(copies.ways[i].at_ends || library_has_way(copies.ways[i].name));
  for (size_t i = 0; i < rewrites.count; ++i) assert_true(library_has_way(rewrites.ways[i].name));
  for (size_t i = 0; i < sums.count; ++i) assert_true(sums.ways[i].at_ends || library_has_way(sums.ways[i].name));
#if defined(__SSE2__) || defined(__aarch64__)
  assert_int_equal(copies.count, simdrop_memory_count() + 1);  // memcpy in place of "learned", and a way of their own
  assert_int_equal(sums.count, copies.count - 1);              // and nothing in place of memcpy
#endif
  assert_in_range(fresh.count, copies.count, BENCH_MOST_WAYS);
}

enum {
  MOST_ELEMENTS = 140000,
  MOST_BYTES = MOST_ELEMENTS * 8
};

static _Alignas(64) uint8_t input[MOST_BYTES], other_input[MOST_BYTES], output[MOST_BYTES + 1];
static uint8_t other_output[MOST_BYTES], bits[MOST_ELEMENTS / 8 + 1], bytes[MOST_ELEMENTS], other_bytes[MOST_ELEMENTS];
static _Alignas(64) uint8_t statistics[MOST_BYTES / 32], element_sums[2 * MOST_BYTES], other_sums[2 * MOST_BYTES];

static bench_case make_case(simdrop_dtype dtype, size_t n, const simdrop_executor *executor) {
  for (size_t i = 0; i < MOST_BYTES; ++i) input[i] = (uint8_t)(i * 41 + i / 251) & 0x3f;  // small positive numbers of any type
  memset(output, 0xa5, sizeof output);
  for (size_t i = 0; i < MOST_BYTES; ++i) other_input[i] = (uint8_t)(i * 29 + i / 119) & 0x3f;
  memcpy(statistics, input, sizeof statistics);
  memset(element_sums, 0, sizeof element_sums);
  return (bench_case){.mask = {.p = 0.25, .seed = 3},
                      .dtype = dtype,
                      .n = n,
                      .element_size = simdrop_dtype_size(dtype),
                      .scale = 2,
                      .threshold = UINT64_C(1) << 30,
                      .x = input,
                      .y = output,
                      .other = other_input,
                      .bits = bits,
                      .bytes = bytes,
                      .statistics = statistics,
                      .sums = element_sums,
                      .executor = executor,
                      .pieces = executor != NULL ? executor->threads : 1};
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
    bench_set_outputs(&bench_kernels[kernel], &c);
    const size_t columns = bench_kernels[kernel].columns;
    const size_t elements = columns > 0 && columns < 1001 ? 1001 / columns * columns : 1001;
    assert_int_equal(c.n, elements);
    assert_int_equal(c.copy_bytes, is_bits ? 126 : is_bytes ? 1001 : 8 * elements);
  }
}

static void references_in_pieces(void **state) {
  (void)state;
  static const size_t sizes[] = {1, 100, 4096, 4097, 3 * 4096 - 1, 20000, MOST_ELEMENTS};
  const bench_ways copies = bench_ways_to_copy(true), additions = bench_ways_to_add();
  for (size_t pieces = 1; pieces <= 4; ++pieces) {
    const simdrop_executor executor = {run_backwards, NULL, pieces};
    for (int dtype = SIMDROP_F32; dtype < SIMDROP_ELEMENT_TYPE_COUNT; ++dtype) {
      for (size_t i = 0; i < LENGTH(sizes); ++i) {
        bench_case c = make_case((simdrop_dtype)dtype, sizes[i], &executor);
        for (int kernel = 0; bench_kernels[kernel].group != BENCH_FUSED; ++kernel) {
          bench_set_outputs(&bench_kernels[kernel], &c);
          check_whole(bench_copy, &c, "memcpy", false);
          c.way = &copies.ways[((size_t)kernel + i) % copies.count];
          check_whole(bench_copy_quickest, &c, c.way->name, false);
        }
        bench_set_outputs(&bench_kernels[0], &c);
        c.way = &additions.ways[i % additions.count];
        check_whole(bench_add_quickest, &c, "sum", true);
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
      bench_set_outputs(&bench_kernels[kernel], &c);
      c.way = &bench_ways_to_copy(false).ways[1];
      simdrop_mask_bits(&c.mask, c.n, bits);
      memset(bytes, 0xa5, sizeof bytes);
      bench_kernels[kernel].run(&c, 1);
      memcpy(other_output, output, sizeof other_output);
      memset(output, 0xa5, sizeof output);
      memcpy(other_bytes, bytes, sizeof bytes);
      memset(bytes, 0xa5, sizeof bytes);
      memcpy(other_sums, element_sums, sizeof element_sums);
      memset(element_sums, 0, sizeof element_sums);
      memset(bits, 0, bench_kernels[kernel].draws != BENCH_DRAWS_NOTHING ? sizeof bits : 0);
      bench_kernels[kernel].run_parallel(&c, 1);
      check_bytes(other_output, output, sizeof other_output, "%s", bench_kernels[kernel].name);
      check_bytes(other_bytes, bytes, sizeof bytes, "bytes of %s", bench_kernels[kernel].name);
      check_bytes(other_sums, element_sums, sizeof element_sums, "sums of %s", bench_kernels[kernel].name);
      const simdrop_status status = bench_kernels[kernel].call != NULL ? bench_kernels[kernel].call(&c, NULL) : SIMDROP_OK;
      assert_true(status == SIMDROP_OK || (status == SIMDROP_ERROR_NOT_BUILT && dtype == SIMDROP_F64));
    }
  }
}

static const bench_kernel *kernel_named(const char *name) {
  int kernel = 0;
  while (strcmp(bench_kernels[kernel].name, name) != 0) ++kernel;
  return &bench_kernels[kernel];
}

// Where an element of a matrix of `rows` rows is, as tiles of 16 x 64 lie one after the other.
static size_t place_in_tiles(size_t rows, size_t columns, size_t row, size_t column) {
  const size_t first_row = row / 16 * 16, first_column = column / 64 * 64;
  const size_t height = rows - first_row < 16 ? rows - first_row : 16;
  const size_t width = columns - first_column < 64 ? columns - first_column : 64;
  return first_row * columns + height * first_column + (row - first_row) * width + (column - first_column);
}

// Tiles make of a matrix what one call makes of it; those with numbers of their own drop about as many elements.
static void tiles_are_whole(void **state) {
  (void)state;
  static const size_t sizes[] = {1, 100, 1000, 70000};
  static const char *const names[] = {"tile", "tile-bits"};
  for (size_t i = 0; i < LENGTH(sizes); ++i) {
    bench_case c = make_case(SIMDROP_F32, sizes[i], NULL);
    const float *const x = (const float *)(const void *)input;
    float *const y = (float *)(void *)output, *const matrix = (float *)(void *)other_output;
    for (size_t name = 0; name < LENGTH(names); ++name) {
      bench_set_outputs(kernel_named(names[name]), &c);
      const size_t rows = c.matrix.rows, columns = c.matrix.columns;
      for (size_t k = 0; k < c.n; ++k) matrix[k] = x[place_in_tiles(rows, columns, k / columns, k % columns)];
      memcpy(output, input, 4 * c.n);
      kernel_named(names[name])->run(&c, 1);
      assert_int_equal(simdrop_forward(&c.mask, c.dtype, c.n, matrix, matrix, NULL), SIMDROP_OK);
      for (size_t k = 0; k < c.n; ++k)
        assert_memory_equal(&matrix[k], &y[place_in_tiles(rows, columns, k / columns, k % columns)], sizeof *y);
    }
    memcpy(output, input, 4 * c.n);
    kernel_named("tile-numbered")->run(&c, 1);
    size_t dropped = 0;
    for (size_t k = 0; k < c.n; ++k) dropped += y[k] == 0;
    assert_true(fabs((double)dropped - c.mask.p * (double)c.n) < 6 * sqrt((double)c.n));
  }
}

// Of a row that is an image of 32 x 32, and of a shorter one: gamma is p n over the elements of all blocks that there can be.
static void planes_of_blocks(void **state) {
  (void)state;
  static const double sizes[][3] = {{1, 1, 1}, {5, 1, 5}, {100, 94, 7}, {1024, 26 * 26, 7 * 7}, {3000, 26 * 26, 7 * 7}};
  for (size_t i = 0; i < LENGTH(sizes); ++i) {
    bench_case c = make_case(SIMDROP_F32, (size_t)sizes[i][0], NULL);
    bench_set_outputs(kernel_named("dropblock"), &c);
    const double n = (double)c.matrix.columns, places = sizes[i][1], gamma = c.mask.p * n / (places * sizes[i][2]);
    const double expected = bench_expected_planes(bench_threshold(gamma)) * places / n;
    assert_true(fabs(bench_planes_of_blocks(&c) - expected) <= 1e-9 * expected);
  }
}

// What a call writes is new, and what it reads is not.
static void fresh_outputs(void **state) {
  (void)state;
  for (int kernel = 0; kernel < bench_kernel_count; ++kernel) {
    bench_case c = make_case(SIMDROP_F32, 20001, NULL);
    bench_fresh fresh;
    bench_set_outputs(&bench_kernels[kernel], &c);
    c.n = 20001;
    assert_true(bench_fresh_map(&c, &fresh));
    assert_ptr_equal(fresh.c.x, c.x);
    assert_ptr_not_equal(fresh.c.y, c.y);
    const char *const name = bench_kernels[kernel].name;
    const bool writes_bits = strcmp(name, "forward-bits") == 0 || strcmp(name, "dropblock") == 0;
    assert_int_equal(fresh.c.bits != c.bits, writes_bits);
    check_filled(fresh.c.y, c.n * sizeof(float), 0, "y");
    memset(fresh.c.y, 1, c.n * sizeof(float));
    check_filled(fresh.c.bytes, c.n, 0, "bytes");
    if (writes_bits) check_filled(fresh.c.bits, c.n / 8 + 1, 0, "bits");
    bench_fresh_unmap(&fresh);
  }
}

static uint64_t fresh_calls;

// Counts the calls whose output has been touched before, and touches it.
static void run_on_fresh(const bench_case *c, uint64_t repetitions) {
  uint8_t *const y = c->y;
  assert_int_equal(repetitions, 1);
  check_filled(y, c->n, 0, "output of call %zu", (size_t)fresh_calls);
  memset(y, 1, c->n);
  ++fresh_calls;
}

static void fresh_calls_each(void **state) {
  (void)state;
  bench_case c = make_case(SIMDROP_F8E5M2, 20000, NULL);
  bench_run *const references[BENCH_MOST_REFERENCES] = {run_on_fresh};
  const bench_effort effort = {3, 3, 0};
  c.y = NULL;
  c.is_fresh = true;
  const bench_result result = bench_measure(run_on_fresh, references, &c, &effort, NULL);
  assert_int_equal(result.rounds, 3);
  assert_true(fresh_calls >= 3 * result.repetitions);
  // A processor that somebody else was given may have counted nothing for so short a call.
  assert_true(result.nanoseconds.median > 0 && result.processor_nanoseconds >= 0);
}

// Memory that the system does not have is no measurement.
static void fresh_without_memory(void **state) {
  (void)state;
  bench_case c = make_case(SIMDROP_F8E5M2, SIZE_MAX / 5 * 2, NULL);
  bench_run *const references[BENCH_MOST_REFERENCES] = {NULL};
  const bench_effort effort = {3, 3, 0};
  c.is_fresh = true;
  assert_int_equal(bench_measure(run_on_fresh, references, &c, &effort, NULL).rounds, 0);
}

// Takes as many microseconds as the way says.
static void run_slowly(const bench_case *c, uint64_t repetitions) {
  for (uint64_t i = 0; i < repetitions; ++i) nanosleep(&(struct timespec){.tv_nsec = (long)c->way->ahead * 1000}, NULL);
}

// Differences that a busy machine, which may wake a sleeper tens of milliseconds late, does not hide.
static void quickest_way(void **state) {
  (void)state;
  static const bench_way some[] = {{.name = "a", .ahead = 60000}, {.name = "b", .ahead = 500}, {.name = "c", .ahead = 80000}};
  const bench_ways ways = {some, LENGTH(some)};
  const bench_case c = make_case(SIMDROP_F32, 1, NULL);
  double nanoseconds[BENCH_MOST_WAYS];
  assert_int_equal(bench_find_quickest(run_slowly, &ways, &c, nanoseconds), 1);
  for (size_t i = 0; i < LENGTH(some); ++i) assert_true(nanoseconds[i] >= 1e3 * (double)some[i].ahead);
}

// Whole rows of a case, or one row; and the types and p that there are not.
static void rows_of_a_case(void **state) {
  (void)state;
  static const size_t sizes[][2] = {{1, 1}, {1000, 1}, {1024, 1}, {1025, 1}, {5000, 4}};
  const bench_kernel *const chain = kernel_named("chain");
  for (size_t i = 0; i < LENGTH(sizes); ++i) {
    bench_case c = make_case(SIMDROP_F32, sizes[i][0], NULL);
    bench_set_outputs(chain, &c);
    assert_int_equal(c.matrix.rows, sizes[i][1]);
    assert_int_equal(c.matrix.columns, sizes[i][0] < 1024 ? sizes[i][0] : 1024);
    assert_int_equal(c.n, c.matrix.rows * c.matrix.columns);
    assert_true(bench_bytes(chain, &c) == 12.0 * (double)c.n);
    assert_true(bench_bytes(kernel_named("dropconnect"), &c) == 4.0 * (double)c.n);
    assert_true(bench_bytes(kernel_named("moments"), &c) == 20.0 * (double)c.n);
  }
  for (int dtype = SIMDROP_F32; dtype < SIMDROP_ELEMENT_TYPE_COUNT; ++dtype) {
    const bench_case c = make_case((simdrop_dtype)dtype, 5000, NULL);
    assert_null(bench_missing(kernel_named("forward"), &c));
    assert_int_equal(bench_missing(chain, &c) == NULL, c.element_size > 1);
    check_filled(output, sizeof output, 0xa5, "output");
  }
}

// One contest for each size, and one of its own in place.
static void contests_of_a_case(void **state) {
  (void)state;
  static const char *const names[] = {"forward",      "backward", "mask-bits", "forward-in-place", "mask-bytes",
                                      "forward-bits", "copy",     "chain",     "chain-gelu",       "tile"};
  static const size_t counts[] = {1, 1, 2, 3, 4, 4, 4, 5, 5, 5};
  bench_case c = make_case(SIMDROP_F32, 1000, NULL);
  bench_contests contests = {.count = 0};
  for (size_t i = 0; i < LENGTH(names); ++i) {
    const bench_kernel *const kernel = kernel_named(names[i]);
    bench_set_outputs(kernel, &c);
    bench_set_way(&contests, kernel, &c);
    assert_int_equal(contests.count, counts[i]);
    const bench_ways ways = kernel->moves == BENCH_REWRITES ? bench_ways_to_rewrite()
                            : kernel->moves == BENCH_ADDS   ? bench_ways_to_add()
                                                            : bench_ways_to_copy(false);
    assert_true(c.way >= ways.ways && c.way < ways.ways + ways.count);
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
      cmocka_unit_test(sums),
      cmocka_unit_test(names_of_ways),
      cmocka_unit_test(copied_bytes),
      cmocka_unit_test(references_in_pieces),
      cmocka_unit_test(kernels_in_pieces),
      cmocka_unit_test(tiles_are_whole),
      cmocka_unit_test(planes_of_blocks),
      cmocka_unit_test(fresh_outputs),
      cmocka_unit_test(fresh_calls_each),
      cmocka_unit_test(fresh_without_memory),
      cmocka_unit_test(quickest_way),
      cmocka_unit_test(rows_of_a_case),
      cmocka_unit_test(contests_of_a_case),
  };
  return RUN_TESTS(argc, argv, tests);
}

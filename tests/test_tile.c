// Tiles: the bits of simdrop_forward_layout, whatever their shapes, places and numbering; checks; and a tile that is never
// written.
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support.h"

enum {
  CANARY = 0xA5,
  BESIDE = 64,  // bytes beside a tile that are looked at
};

typedef struct tile_case {
  size_t rows, columns;
  ptrdiff_t stride;
  uint64_t index_stride, row, column, offset;
} tile_case;

static simdrop_layout layout_of(const tile_case *c) {
  return (simdrop_layout){2, {c->rows, c->columns}, {c->stride, 1}, {c->stride, 1}, {c->index_stride, 1}, 0};
}

// A tile and the same elements by a layout, in arrays that are equal before.
static void compare_with_layout(const char *backend, const tile_case *c, simdrop_dtype dtype, double p, uint64_t *random) {
  const simdrop_layout layout = layout_of(c);
  const reach elements = find_reach(&layout, layout.x_strides);
  const size_t size = simdrop_dtype_size(dtype), count = elements.before + elements.after;
  const size_t bytes = count * size + 2 * BESIDE;
  uint8_t *const expected = allocate(bytes), *const found = allocate(bytes);
  memset(expected, CANARY, bytes);
  fill_values(dtype, count, random, expected + BESIDE);
  memcpy(found, expected, bytes);
  uint8_t *const x = found + BESIDE + elements.before * size, *const whole = expected + BESIDE + elements.before * size;
  const simdrop_mask mask = {p, 71, 72, c->offset, 0};
  simdrop_mask moved = mask;
  moved.offset += c->row * c->index_stride + c->column;
  simdrop_tile tile;
  assert_int_equal(simdrop_tile_init(&mask, dtype, c->index_stride, &tile), SIMDROP_OK);
  assert_int_equal(simdrop_tile_apply(&tile, c->row, c->column, c->rows, c->columns, x, c->stride), SIMDROP_OK);
  assert_int_equal(simdrop_forward_layout(&moved, dtype, &layout, whole, whole), SIMDROP_OK);
  check_bytes(expected, found, bytes, "%s: tile of %s, p %g, %zu x %zu, stride %td, index stride %llu, at %llu, %llu", backend,
              dtype_name(dtype), p, c->rows, c->columns, c->stride, (unsigned long long)c->index_stride,
              (unsigned long long)c->row, (unsigned long long)c->column);
  free(expected);
  free(found);
}

// Decisions that are drawn first, of more rows' bytes than are needed, are those of the mask, and what they are applied to
// becomes what simdrop_apply_bits makes of it, row by row, whatever they are.
static void compare_stored(const char *backend, const tile_case *c, simdrop_dtype dtype, double p, uint64_t *random) {
  const simdrop_layout layout = layout_of(c);
  const reach elements = find_reach(&layout, layout.x_strides);
  const size_t size = simdrop_dtype_size(dtype), bytes = (elements.before + elements.after) * size;
  const size_t row_bytes = (c->columns + 7) / 8, bits_stride = row_bytes + next_random(random) % 3;
  const size_t bits_size = c->rows * bits_stride;
  uint8_t *const bits = allocate(bits_size), *const drawn = allocate(bits_size);
  uint8_t *const expected = allocate(bytes), *const found = allocate(bytes);
  const simdrop_mask mask = {p, 71, 72, c->offset, 0};
  simdrop_mask of_row = mask;
  simdrop_tile tile;
  memset(bits, CANARY, bits_size);
  memset(drawn, CANARY, bits_size);
  assert_int_equal(simdrop_tile_init(&mask, dtype, c->index_stride, &tile), SIMDROP_OK);
  assert_int_equal(simdrop_tile_bits(&tile, c->row, c->column, c->rows, c->columns, drawn, bits_stride), SIMDROP_OK);
  for (size_t r = 0; r < c->rows; ++r) {
    of_row.offset = c->offset + (c->row + r) * c->index_stride + c->column;
    assert_int_equal(simdrop_mask_bits(&of_row, c->columns, bits + r * bits_stride), SIMDROP_OK);
  }
  check_bytes(bits, drawn, bits_size, "%s: decisions, p %g, %zu x %zu, %zu bytes a row", backend, p, c->rows, c->columns,
              bits_stride);
  for (size_t i = 0; i < bits_size; ++i) drawn[i] = (uint8_t)next_random(random);
  memset(expected, CANARY, bytes);
  fill_values(dtype, elements.before + elements.after, random, expected);
  memcpy(found, expected, bytes);
  const size_t shared = c->index_stride == 0 ? 0 : bits_stride;  // all rows by the first's, where they share decisions
  for (size_t r = 0; r < c->rows; ++r) {
    uint8_t *const row = expected + ((ptrdiff_t)elements.before + (ptrdiff_t)r * c->stride) * (ptrdiff_t)size;
    assert_int_equal(simdrop_apply_bits(p, dtype, c->columns, drawn + r * shared, row, row), SIMDROP_OK);
  }
  assert_int_equal(
      simdrop_tile_apply_bits(&tile, c->rows, c->columns, drawn, shared, found + elements.before * size, c->stride),
      SIMDROP_OK);
  check_bytes(expected, found, bytes, "%s: stored decisions of %s, p %g, %zu x %zu, stride %td, %zu bytes a row", backend,
              dtype_name(dtype), p, c->rows, c->columns, c->stride, shared);
  free(bits);
  free(drawn);
  free(expected);
  free(found);
}

// The first are those that attention takes; the others have what can go wrong: rows that share blocks, blocks whose numbers
// have different upper halves, more rows and longer rows than a batch has, and the last index of all.
static const tile_case cases[] = {
    {16, 64, 64, 2048, 16, 64, 0},
    {16, 1024, 1024, 4096, 32, 1024, 0},
    {40, 60, 61, 256, 3, 8, 40},
    {40, 60, 60, 256, 3, 100, 0},
    {33, 16, 20, 16, 5, 0, 8},
    {64, 64, 64, 2048, 128, 192, 5},
    {64, 128, 128, 2048, 3, 128, 0},
    {16, 64, 64, 64, 160, 0, 0},
    {32, 512, 700, 777, 5, 77, 3},
    {1, 1, 0, 0, 0, 0, 127},
    {1, 40000, 1, 40000, 7, 100, 0},
    {300, 3, 3, 3, 11, 0, 1},
    {300, 5, -5, 5, 0, 0, 0},
    {200, 200, 201, 0, 4, 60, 0},
    {150, 70, 100, 13, 9, 2, 0},
    {40, 130, 130, UINT64_C(1) << 38, 1, 5, UINT64_C(1) << 39},
    {9, 300, 300, 301, 0, 0, (UINT64_C(1) << 39) - 500},
    {3, 9000, 9001, UINT64_C(1) << 62, 1, 3, 11},
    {2, 128, 128, UINT64_C(1) << 63, 0, (UINT64_C(1) << 63) - 128, 0},
};

static void layouts(void **state) {
  (void)state;
  FOR_EACH_BACKEND(backend) {
    uint64_t random = 70;
    for (size_t i = 0; i < LENGTH(cases); ++i)
      for (size_t d = 0; d < LENGTH(all_dtypes); ++d) {
        const double p = some_probabilities[next_random(&random) % LENGTH(some_probabilities)];
        compare_with_layout(backend, &cases[i], all_dtypes[d], comparable_probability(all_dtypes[d], 0.3), &random);
        compare_with_layout(backend, &cases[i], all_dtypes[d], comparable_probability(all_dtypes[d], p), &random);
        compare_stored(backend, &cases[i], all_dtypes[d], comparable_probability(all_dtypes[d], 0.3), &random);
        compare_stored(backend, &cases[i], all_dtypes[d], comparable_probability(all_dtypes[d], p), &random);
      }
    for (int round = 0; round < (full_effort() ? 300 : 30); ++round) {
      tile_case c = {1 + next_random(&random) % 40, 1 + next_random(&random) % 300, 0,
                     next_random(&random) % 700,    next_random(&random) % 1000,    next_random(&random) % 1000,
                     next_random(&random) >> 2};
      c.stride = (ptrdiff_t)(c.columns + next_random(&random) % 3) * (next_random(&random) % 4 == 0 ? -1 : 1);
      const simdrop_dtype dtype = all_dtypes[next_random(&random) % LENGTH(all_dtypes)];
      compare_with_layout(backend, &c, dtype, comparable_probability(dtype, 0.3), &random);
      compare_stored(backend, &c, dtype, comparable_probability(dtype, round % 8 == 0 ? 0 : 0.3), &random);
    }
  }
}

// A matrix that is dropped in tiles, from a tile in memory that cannot be written, has the bits of the whole; and numbered tile
// by tile, those of the tiles one after the other.
static void whole_matrix(void **state) {
  (void)state;
  enum {
    ROWS = 100,
    COLUMNS = 300,
    TILE_ROWS = 16,
    TILE_COLUMNS = 64
  };
  const simdrop_mask mask = {0.25, 5, 6, 1000, 0};
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  simdrop_tile *const tile = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(tile != MAP_FAILED);
  static float x[ROWS * COLUMNS], expected[ROWS * COLUMNS];
  uint64_t random = 73;
  FOR_EACH_BACKEND(backend) {
    fill_values(SIMDROP_F32, ROWS * COLUMNS, &random, x);
    assert_int_equal(simdrop_forward(&mask, SIMDROP_F32, ROWS * COLUMNS, x, expected, NULL), SIMDROP_OK);
    assert_int_equal(mprotect(tile, page, PROT_READ | PROT_WRITE), 0);
    assert_int_equal(simdrop_tile_init(&mask, SIMDROP_F32, COLUMNS, tile), SIMDROP_OK);
    assert_int_equal(mprotect(tile, page, PROT_READ), 0);
    for (size_t r = 0; r < ROWS; r += TILE_ROWS)
      for (size_t c = 0; c < COLUMNS; c += TILE_COLUMNS) {
        const size_t rows = ROWS - r < TILE_ROWS ? ROWS - r : TILE_ROWS;
        const size_t columns = COLUMNS - c < TILE_COLUMNS ? COLUMNS - c : TILE_COLUMNS;
        assert_int_equal(simdrop_tile_apply(tile, r, c, rows, columns, x + r * COLUMNS + c, COLUMNS), SIMDROP_OK);
      }
    check_bytes(expected, x, sizeof x, "%s: a matrix in tiles", backend);
    // Far down, where what was worked out beforehand does not hold.
    float far_down[2 * COLUMNS] = {0};
    assert_int_equal(simdrop_tile_apply(tile, UINT64_C(1) << 31, 0, 2, COLUMNS, far_down, COLUMNS), SIMDROP_OK);

    enum {
      TILES = ROWS * COLUMNS / (TILE_ROWS * TILE_COLUMNS)
    };
    fill_values(SIMDROP_F32, ROWS * COLUMNS, &random, x);
    assert_int_equal(simdrop_forward(&mask, SIMDROP_F32, TILES * TILE_ROWS * TILE_COLUMNS, x, expected, NULL), SIMDROP_OK);
    assert_int_equal(mprotect(tile, page, PROT_READ | PROT_WRITE), 0);
    assert_int_equal(simdrop_tile_init(&mask, SIMDROP_F32, TILE_COLUMNS, tile), SIMDROP_OK);
    for (size_t t = 0; t < TILES; ++t) {
      float *const place = x + t * TILE_ROWS * TILE_COLUMNS;
      assert_int_equal(simdrop_tile_apply(tile, t * TILE_ROWS, 0, TILE_ROWS, TILE_COLUMNS, place, TILE_COLUMNS), SIMDROP_OK);
    }
    check_bytes(expected, x, TILES * TILE_ROWS * TILE_COLUMNS * sizeof *x, "%s: numbered tile by tile", backend);
  }
  munmap(tile, page);
}

static void errors(void **state) {
  (void)state;
  const simdrop_mask mask = {0.5, 1, 2, 10, 0};
  simdrop_mask wrong = mask;
  simdrop_tile tile, before;
  memset(&tile, CANARY, sizeof tile);
  before = tile;
  assert_int_equal(simdrop_tile_init(NULL, SIMDROP_F32, 64, &tile), SIMDROP_ERROR_NULL_POINTER);
  assert_int_equal(simdrop_tile_init(&mask, SIMDROP_F32, 64, NULL), SIMDROP_ERROR_NULL_POINTER);
  assert_int_equal(simdrop_tile_init(&mask, (simdrop_dtype)99, 64, &tile), SIMDROP_ERROR_DTYPE);
  wrong.p = 1.5;
  assert_int_equal(simdrop_tile_init(&wrong, SIMDROP_F32, 64, &tile), SIMDROP_ERROR_PROBABILITY);
  wrong = mask;
  wrong.flags = 1;
  assert_int_equal(simdrop_tile_init(&wrong, SIMDROP_F32, 64, &tile), SIMDROP_ERROR_FLAGS);
  check_bytes(&before, &tile, sizeof tile, "a tile after errors");

  double x[64], untouched[64];
  memset(x, CANARY, sizeof x);
  memcpy(untouched, x, sizeof x);
  memset(&tile, 0, sizeof tile);
  assert_int_equal(simdrop_tile_apply(&tile, 0, 0, 1, 1, x, 1), SIMDROP_ERROR_DTYPE);
  const uint64_t all = UINT64_MAX;
  const size_t half = SIZE_MAX / 2;
  static const struct {
    uint64_t index_stride, row, column;
    size_t rows, columns;
    ptrdiff_t stride;
    simdrop_status status;
  } calls[] = {
      {64, 0, 0, 2, 8, 7, SIMDROP_ERROR_OVERLAP},
      {64, 0, 0, 2, 8, -7, SIMDROP_ERROR_OVERLAP},
      {64, 0, 0, 2, 8, 0, SIMDROP_ERROR_OVERLAP},
      {64, 0, UINT64_MAX - 16, 1, 8, 8, SIMDROP_ERROR_INDEX_OVERFLOW},
      {64, 0, UINT64_MAX - 3, 1, 8, 8, SIMDROP_ERROR_INDEX_OVERFLOW},
      {64, UINT64_MAX, 0, 2, 8, 8, SIMDROP_ERROR_INDEX_OVERFLOW},
      {64, UINT64_MAX / 64, 57, 1, 8, 8, SIMDROP_ERROR_INDEX_OVERFLOW},
      {UINT64_C(1) << 40, UINT64_C(1) << 24, 0, 1, 8, 8, SIMDROP_ERROR_INDEX_OVERFLOW},
      {UINT32_MAX, UINT32_MAX, UINT64_C(1) << 33, 1, 8, 8, SIMDROP_ERROR_INDEX_OVERFLOW},
      {UINT32_MAX, UINT32_MAX - 2, UINT64_C(3) << 32, 3, 8, 8, SIMDROP_ERROR_INDEX_OVERFLOW},
      {0, 0, 0, 3, 8, PTRDIFF_MAX / 16, SIMDROP_ERROR_SIZE_OVERFLOW},
      {0, 0, 0, 2, 8, PTRDIFF_MIN, SIMDROP_ERROR_SIZE_OVERFLOW},
      {0, 0, 0, 1, SIZE_MAX / 16 + 1, 1, SIMDROP_ERROR_SIZE_OVERFLOW},
      {64, 0, 0, 0, 8, 0, SIMDROP_OK},
      {64, 0, 0, 8, 0, 0, SIMDROP_OK},
  };
  for (size_t i = 0; i < LENGTH(calls); ++i) {
    assert_int_equal(simdrop_tile_init(&mask, SIMDROP_F64, calls[i].index_stride, &tile), SIMDROP_OK);
    const simdrop_status status =
        simdrop_tile_apply(&tile, calls[i].row, calls[i].column, calls[i].rows, calls[i].columns, x + 32, calls[i].stride);
    if (status != calls[i].status) fail_msg("call %zu: %s", i, simdrop_status_string(status));
  }
  assert_int_equal(simdrop_tile_apply(NULL, 0, 0, 1, 1, x, 1), SIMDROP_ERROR_NULL_POINTER);
  assert_int_equal(simdrop_tile_apply(&tile, 0, 0, 1, 1, NULL, 1), SIMDROP_ERROR_NULL_POINTER);
  assert_int_equal(simdrop_tile_apply(&tile, all, all, 0, half, NULL, 1), SIMDROP_OK);
  check_bytes(untouched, x, sizeof x, "elements after errors");
  // The last index of all is one that can be had.
  assert_int_equal(simdrop_tile_init(&mask, SIMDROP_F64, 8, &tile), SIMDROP_OK);
  assert_int_equal(simdrop_tile_apply(&tile, 0, all - 17, 1, 8, x, 1), SIMDROP_OK);
  // The stride of one row is nothing that is computed with.
  assert_int_equal(simdrop_tile_apply(&tile, 0, 0, 1, 8, x, PTRDIFF_MAX), SIMDROP_OK);
  assert_int_equal(simdrop_tile_apply(&tile, 0, 0, 1, 8, x, PTRDIFF_MIN), SIMDROP_OK);
  assert_int_equal(simdrop_tile_apply(&tile, 0, 0, 1, 8, x, PTRDIFF_MAX / 5), SIMDROP_OK);
}

static void errors_of_bits(void **state) {
  (void)state;
  const simdrop_mask mask = {0.5, 1, 2, 10, 0};
  simdrop_tile tile;
  double x[64], untouched[64];
  uint8_t bits[64], drawn[64];
  memset(x, CANARY, sizeof x);
  memcpy(untouched, x, sizeof x);
  memset(bits, CANARY, sizeof bits);
  memcpy(drawn, bits, sizeof bits);
  memset(&tile, 0, sizeof tile);
  assert_int_equal(simdrop_tile_bits(&tile, 0, 0, 1, 1, drawn, 1), SIMDROP_ERROR_DTYPE);
  assert_int_equal(simdrop_tile_apply_bits(&tile, 1, 1, bits, 1, x, 1), SIMDROP_ERROR_DTYPE);
  assert_int_equal(simdrop_tile_init(&mask, SIMDROP_F64, 64, &tile), SIMDROP_OK);
  const size_t half = SIZE_MAX / 2;
  static const struct {
    uint64_t row, column;
    size_t rows, columns, bits_stride;
    simdrop_status status;
  } draws[] = {
      {0, 0, 2, 9, 1, SIMDROP_ERROR_OVERLAP},
      {0, 0, 2, 9, 0, SIMDROP_ERROR_OVERLAP},
      {0, 0, 3, 9, PTRDIFF_MAX / 2 + 1, SIMDROP_ERROR_SIZE_OVERFLOW},
      {0, 0, 2, 9, PTRDIFF_MAX - 1, SIMDROP_ERROR_SIZE_OVERFLOW},
      {0, 0, 2, 9, SIZE_MAX, SIMDROP_ERROR_SIZE_OVERFLOW},
      {0, UINT64_MAX - 9, 1, 1, 1, SIMDROP_ERROR_INDEX_OVERFLOW},
      {UINT64_MAX / 64, 57, 1, 8, 1, SIMDROP_ERROR_INDEX_OVERFLOW},
      {0, 0, 0, 9, 0, SIMDROP_OK},
      {0, 0, 9, 0, 0, SIMDROP_OK},
  };
  for (size_t i = 0; i < LENGTH(draws); ++i) {
    const simdrop_status status =
        simdrop_tile_bits(&tile, draws[i].row, draws[i].column, draws[i].rows, draws[i].columns, drawn, draws[i].bits_stride);
    if (status != draws[i].status) fail_msg("draw %zu: %s", i, simdrop_status_string(status));
  }
  assert_int_equal(simdrop_tile_bits(NULL, 0, 0, 1, 1, drawn, 1), SIMDROP_ERROR_NULL_POINTER);
  assert_int_equal(simdrop_tile_bits(&tile, 0, 0, 1, 1, NULL, 1), SIMDROP_ERROR_NULL_POINTER);
  assert_int_equal(simdrop_tile_bits(&tile, 0, 0, 0, half, NULL, 0), SIMDROP_OK);
  check_bytes(bits, drawn, sizeof bits, "decisions after errors");

  static const struct {
    size_t rows, columns, bits_stride;
    ptrdiff_t stride;
    simdrop_status status;
  } calls[] = {
      {2, 9, 1, 9, SIMDROP_ERROR_OVERLAP},
      {2, 9, 2, 8, SIMDROP_ERROR_OVERLAP},
      {2, 9, 2, -8, SIMDROP_ERROR_OVERLAP},
      {3, 8, PTRDIFF_MAX / 2 + 1, 8, SIMDROP_ERROR_SIZE_OVERFLOW},
      {3, 8, 1, PTRDIFF_MAX / 16, SIMDROP_ERROR_SIZE_OVERFLOW},
      {0, 8, 0, 0, SIMDROP_OK},
      {8, 0, 0, 0, SIMDROP_OK},
  };
  for (size_t i = 0; i < LENGTH(calls); ++i) {
    const simdrop_status status =
        simdrop_tile_apply_bits(&tile, calls[i].rows, calls[i].columns, bits, calls[i].bits_stride, x + 32, calls[i].stride);
    if (status != calls[i].status) fail_msg("call %zu: %s", i, simdrop_status_string(status));
  }
  // Where x is, or would be between its rows, upwards and downwards.
  const uint8_t *const in_x = (const uint8_t *)(x + 32);
  assert_int_equal(simdrop_tile_apply_bits(&tile, 1, 8, in_x, 1, x + 32, 8), SIMDROP_ERROR_OVERLAP);
  assert_int_equal(simdrop_tile_apply_bits(&tile, 2, 8, in_x + 100, 1, x + 32, 16), SIMDROP_ERROR_OVERLAP);
  assert_int_equal(simdrop_tile_apply_bits(&tile, 2, 8, in_x - 128, 1, x + 32, -16), SIMDROP_ERROR_OVERLAP);
  assert_int_equal(simdrop_tile_apply_bits(&tile, 2, 8, in_x - 1, 1, x + 32, 8), SIMDROP_ERROR_OVERLAP);
  assert_int_equal(simdrop_tile_apply_bits(NULL, 1, 1, bits, 1, x, 1), SIMDROP_ERROR_NULL_POINTER);
  assert_int_equal(simdrop_tile_apply_bits(&tile, 1, 1, NULL, 1, x, 1), SIMDROP_ERROR_NULL_POINTER);
  assert_int_equal(simdrop_tile_apply_bits(&tile, 1, 1, bits, 1, NULL, 1), SIMDROP_ERROR_NULL_POINTER);
  assert_int_equal(simdrop_tile_apply_bits(&tile, 0, half, NULL, 0, NULL, 0), SIMDROP_OK);
  check_bytes(untouched, x, sizeof x, "elements after errors");
  // Decisions may end where x begins, and the stride of one row is nothing that is computed with.
  assert_int_equal(simdrop_tile_apply_bits(&tile, 2, 8, in_x - 2, 1, x + 32, 8), SIMDROP_OK);
  assert_int_equal(simdrop_tile_apply_bits(&tile, 1, 8, bits, SIZE_MAX, x, PTRDIFF_MIN), SIMDROP_OK);
  assert_int_equal(simdrop_tile_bits(&tile, 0, 0, 1, 8, drawn, SIZE_MAX), SIMDROP_OK);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(layouts),
      cmocka_unit_test(whole_matrix),
      cmocka_unit_test(errors),
      cmocka_unit_test(errors_of_bits),
  };
  return RUN_TESTS(argc, argv, tests);
}

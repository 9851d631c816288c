// Layouts against a plain loop over the indices: random shapes, strides and index strides, and every constructor.
#include <stdlib.h>
#include <string.h>
#if defined(SIMDROP_HAVE_SIGACTION)
#include <unistd.h>
#endif

#include "engine/mask_reader.h"
#include "engine/parameters.h"
#include "machine/dispatch.h"
#include "oracle.h"
#include "support.h"

enum {
  CANARY = 0xA5,
  BLOCK = 128,  // elements of a mask that are drawn together
  CACHED_BLOCKS = 4096,
  ELEMENTS_MAX = 40000,
};

// The oracle's decisions, a block at a time, remembered.
typedef struct decisions {
  simdrop_mask mask;
  bool known[CACHED_BLOCKS];
  uint64_t block[CACHED_BLOCKS];
  uint8_t kept[CACHED_BLOCKS][BLOCK];
} decisions;

static decisions *remember(const simdrop_mask *mask) {
  decisions *const d = allocate(sizeof *d);
  memset(d, 0, sizeof *d);
  d->mask = *mask;
  return d;
}

static uint8_t is_kept(decisions *d, uint64_t index) {
  const uint64_t block = index / BLOCK;
  const size_t slot = block % CACHED_BLOCKS;
  if (!d->known[slot] || d->block[slot] != block) {
    uint32_t u[BLOCK];
    oracle_u(d->mask.seed, d->mask.stream, block * BLOCK, BLOCK, u);
    oracle_kept(d->mask.p, BLOCK, u, d->kept[slot]);
    d->known[slot] = true;
    d->block[slot] = block;
  }
  return d->kept[slot][index % BLOCK];
}

static size_t pick(uint64_t *random, size_t count) { return next_random(random) % count; }

// Compares forward, backward, stored bits, and the mask's bytes and bits, with the plain loop, with every backend.
static void check_layout(const simdrop_mask *mask, simdrop_dtype dtype, const simdrop_layout *layout, bool in_place,
                         uint64_t *random, const char *what) {
  const size_t size = simdrop_dtype_size(dtype), count = count_of(layout);
  if (count == 0) return;
  const reach x_reach = find_reach(layout, layout->x_strides), y_reach = find_reach(layout, layout->y_strides);
  const size_t x_count = x_reach.before + x_reach.after, y_count = y_reach.before + y_reach.after;
  enum {
    BESIDE = 64
  };
  char *const x_array = allocate(x_count * size), *const y_array = allocate((y_count + 2 * BESIDE) * size);
  char *const expected = allocate((y_count + 2 * BESIDE) * size), *const start = allocate((y_count + 2 * BESIDE) * size);
  char *const x_row_major = allocate(count * size), *const y_row_major = allocate(count * size);
  uint8_t *const kept = allocate(count), *const bytes = allocate(count + 64);
  const size_t packed_size = PACKED(count);
  uint8_t *const packed = allocate(packed_size), *const stored = allocate(packed_size),
                 *const bits = allocate(packed_size + 64);
  char *const stored_expected = allocate((y_count + 2 * BESIDE) * size);
  fill_values(dtype, x_count, random, x_array);
  memset(start, CANARY, (y_count + 2 * BESIDE) * size);
  if (in_place) memcpy(start + BESIDE * size, x_array, x_count * size);
  const char *const x = x_array + x_reach.before * size;
  const size_t y_first = (BESIDE + y_reach.before) * size;

  decisions *const d = remember(mask);
  for (size_t k = 0; k < count; ++k) {
    const element_place place = find_place(layout, mask->offset, k);
    kept[k] = is_kept(d, place.index);
    memcpy(x_row_major + k * size, x + place.x * (ptrdiff_t)size, size);
  }
  free(d);
  oracle_apply(mask->p, dtype, count, kept, x_row_major, y_row_major);
  memcpy(expected, start, (y_count + 2 * BESIDE) * size);
  for (size_t k = 0; k < count; ++k)
    memcpy(expected + y_first + find_place(layout, 0, k).y * (ptrdiff_t)size, y_row_major + k * size, size);
  oracle_pack(count, kept, packed);

  // Stored decisions are the elements' own, whatever the layout shares.
  for (size_t k = 0; k < count; ++k) bytes[k] = pick(random, 2);
  oracle_pack(count, bytes, stored);
  oracle_apply(mask->p, dtype, count, bytes, x_row_major, y_row_major);
  memcpy(stored_expected, start, (y_count + 2 * BESIDE) * size);
  for (size_t k = 0; k < count; ++k)
    memcpy(stored_expected + y_first + find_place(layout, 0, k).y * (ptrdiff_t)size, y_row_major + k * size, size);

  // Shorter tests take in turns what a layout's calls have in common.
  static unsigned layouts_before;
  const bool takes_all = full_effort(), is_odd = layouts_before++ % 2 == 1;
  FOR_EACH_BACKEND(backend) {
    for (int backward = 0; backward < 2; ++backward) {
      if (!takes_all && (backward == 1) != is_odd) continue;
      memcpy(y_array, start, (y_count + 2 * BESIDE) * size);
      char *const y = y_array + y_first;
      const simdrop_status status = backward ? simdrop_backward_layout(mask, dtype, layout, in_place ? y : x, y)
                                             : simdrop_forward_layout(mask, dtype, layout, in_place ? y : x, y);
      if (status != SIMDROP_OK) print_message("%s: %s\n", what, simdrop_status_string(status));
      assert_int_equal(status, SIMDROP_OK);
      check_bytes(expected, y_array, (y_count + 2 * BESIDE) * size, "%s: %s of %s, %s, p = %g, rank %d", backend,
                  backward ? "backward" : "forward", dtype_name(dtype), what, mask->p, layout->rank);
    }
    memset(bytes, CANARY, count + 64);
    assert_int_equal(simdrop_mask_layout_bytes(mask, layout, bytes), SIMDROP_OK);
    check_bytes(kept, bytes, count, "%s: bytes of %s, p = %g, rank %d", backend, what, mask->p, layout->rank);
    check_filled(bytes + count, 64, CANARY, "%s: after the bytes", backend);

    char *const y = y_array + y_first;
    if (takes_all || is_odd) {
      memset(bits, CANARY, packed_size + 64);
      assert_int_equal(simdrop_mask_layout_bits(mask, layout, bits), SIMDROP_OK);
      check_bytes(packed, bits, packed_size, "%s: bits of %s, p = %g, rank %d", backend, what, mask->p, layout->rank);
      check_filled(bits + packed_size, 64, CANARY, "%s: after the bits", backend);
    }
    if (takes_all || !is_odd) {
      memset(bits, CANARY, packed_size + 64);
      memcpy(y_array, start, (y_count + 2 * BESIDE) * size);
      assert_int_equal(simdrop_forward_layout_bits(mask, dtype, layout, in_place ? y : x, y, bits), SIMDROP_OK);
      check_bytes(expected, y_array, (y_count + 2 * BESIDE) * size, "%s: forward beside bits of %s, %s, p = %g, rank %d",
                  backend, dtype_name(dtype), what, mask->p, layout->rank);
      check_bytes(packed, bits, packed_size, "%s: bits beside %s, p = %g, rank %d", backend, what, mask->p, layout->rank);
      check_filled(bits + packed_size, 64, CANARY, "%s: after the bits beside y", backend);
    }

    memset(bytes, CANARY, count + 64);
    memcpy(y_array, start, (y_count + 2 * BESIDE) * size);
    assert_int_equal(simdrop_forward_layout_bytes(mask, dtype, layout, in_place ? y : x, y, bytes), SIMDROP_OK);
    check_bytes(expected, y_array, (y_count + 2 * BESIDE) * size, "%s: forward beside bytes of %s, %s, p = %g, rank %d",
                backend, dtype_name(dtype), what, mask->p, layout->rank);
    check_bytes(kept, bytes, count, "%s: bytes beside %s, p = %g, rank %d", backend, what, mask->p, layout->rank);
    check_filled(bytes + count, 64, CANARY, "%s: after the bytes beside y", backend);

    memcpy(y_array, start, (y_count + 2 * BESIDE) * size);
    assert_int_equal(simdrop_apply_bits_layout(mask->p, dtype, layout, stored, in_place ? y : x, y), SIMDROP_OK);
    check_bytes(stored_expected, y_array, (y_count + 2 * BESIDE) * size, "%s: stored bits of %s, %s, p = %g, rank %d", backend,
                dtype_name(dtype), what, mask->p, layout->rank);
  }
  free(packed);
  free(stored);
  free(bits);
  free(stored_expected);
  free(x_array);
  free(y_array);
  free(expected);
  free(start);
  free(x_row_major);
  free(y_row_major);
  free(kept);
  free(bytes);
}

static simdrop_dtype pick_dtype(uint64_t *random) { return all_dtypes[pick(random, LENGTH(all_dtypes))]; }

static simdrop_mask pick_mask(uint64_t *random, uint64_t span) {
  static const uint64_t offsets[] = {0, 1, 127, 12345, (UINT64_C(1) << 39) - 1000, UINT64_MAX};
  uint64_t offset = offsets[pick(random, LENGTH(offsets))];
  if (offset > UINT64_MAX - span) offset = UINT64_MAX - span;  // the last index of all
  return (simdrop_mask){
      .p = some_probabilities[pick(random, LENGTH(some_probabilities))],
      .seed = next_random(random),
      .stream = next_random(random),
      .offset = offset,
  };
}

static uint64_t span_of(const simdrop_layout *layout) {
  uint64_t span = 0;
  for (int a = 0; a < layout->rank; ++a) span += (layout->dims[a] - 1) * layout->index_strides[a];
  return span;
}

static void shuffle(uint64_t *random, int count, int *order) {
  for (int i = 0; i < count; ++i) order[i] = i;
  for (int i = count - 1; i > 0; --i) {
    const int j = (int)pick(random, (size_t)i + 1), moved = order[i];
    order[i] = order[j];
    order[j] = moved;
  }
}

// Strides of an array in which the axes have this order, with gaps and reversed axes.
static void lay_out(uint64_t *random, const simdrop_layout *layout, const int *order, ptrdiff_t *strides) {
  const bool gaps = pick(random, 2) == 0, reversed = pick(random, 3) == 0;
  ptrdiff_t stride = gaps && pick(random, 2) == 0 ? 2 : 1;
  for (int i = layout->rank - 1; i >= 0; --i) {
    const int a = order[i];
    strides[a] = reversed && pick(random, 2) == 0 ? -stride : stride;
    stride *= (ptrdiff_t)layout->dims[a];
    if (gaps && pick(random, 2) == 0) stride += (ptrdiff_t)pick(random, 5);
  }
}

static simdrop_layout pick_layout(uint64_t *random, int rank, bool in_place) {
  static const size_t extents[] = {1, 2, 3, 17, 64, 129};
  simdrop_layout layout = {.rank = rank};
  size_t count = 1;
  for (int a = 0; a < rank; ++a) {
    size_t extent = extents[pick(random, LENGTH(extents))];
    if (count * extent > ELEMENTS_MAX) extent = extents[pick(random, 3)];
    if (count * extent > ELEMENTS_MAX) extent = 1;
    layout.dims[a] = extent;
    count *= extent;
  }
  int in_order[SIMDROP_MAX_RANK] = {0}, order[SIMDROP_MAX_RANK] = {0};
  for (int a = 0; a < rank; ++a) in_order[a] = a;
  shuffle(random, rank, order);
  lay_out(random, &layout, pick(random, 3) == 0 ? order : in_order, layout.y_strides);
  if (in_place || pick(random, 2) == 0) {
    memcpy(layout.x_strides, layout.y_strides, sizeof layout.x_strides);
  } else {
    shuffle(random, rank, order);
    lay_out(random, &layout, pick(random, 2) == 0 ? order : in_order, layout.x_strides);
    if (rank > 0 && pick(random, 4) == 0) layout.x_strides[pick(random, (size_t)rank)] = 0;
  }
  // Row-major indices of the tensor or of a larger one, in this order of axes or another, some axes shared; or anything.
  shuffle(random, rank, order);
  const int *const index_order = pick(random, 3) == 0 ? order : in_order;
  const bool shares = pick(random, 2) == 0, larger = pick(random, 3) == 0, anything = pick(random, 6) == 0;
  uint64_t stride = 1;
  for (int i = rank - 1; i >= 0; --i) {
    const int a = index_order[i];
    if (shares && pick(random, 2) == 0) continue;
    layout.index_strides[a] = anything ? next_random(random) >> pick(random, 64) >> 16 : stride;
    stride *= layout.dims[a];
    if (larger) stride += pick(random, 400);
  }
  return layout;
}

static void random_layouts(void **state) {
  (void)state;
  uint64_t random = 20;
  const int rounds = full_effort() ? 150 : 12;
  for (int round = 0; round < rounds; ++round) {
    for (int rank = 0; rank <= SIMDROP_MAX_RANK; ++rank) {
      const bool in_place = pick(&random, 3) == 0;
      const simdrop_layout layout = pick_layout(&random, rank, in_place);
      const simdrop_mask mask = pick_mask(&random, span_of(&layout));
      check_layout(&mask, pick_dtype(&random), &layout, in_place, &random, "a random layout");
    }
  }
}

// The shapes that choose each inner loop, with lengths about the sizes at which these change their ways.
static void every_inner_loop(void **state) {
  (void)state;
  static const size_t lengths[] = {1,   2,   3,   7,   49,   63,   64,   65,   127,  128,
                                   129, 511, 512, 513, 1000, 2047, 2048, 2049, 4097, 9000};
  uint64_t random = 21;
  for (size_t i = 0; i < LENGTH(lengths); ++i) {
    const size_t n = lengths[i], others[] = {1, 2, 5, 9000 / n + 1, 30000 / n + 3};
    for (size_t j = 0; j < LENGTH(others); ++j) {
      if (!full_effort() && j != 1 + 2 * (i % 2)) continue;  // short and long rows in turn
      const size_t m = others[j];
      const simdrop_mask mask = pick_mask(&random, 100000 * UINT64_C(400));
      const simdrop_dtype dtype = pick_dtype(&random);
      const ptrdiff_t row = (ptrdiff_t)n;
      simdrop_layout layout = {2, {m, n}, {row, 1}, {row, 1}, {n, 1}, 0};
      const struct {
        const char *what;
        uint64_t index_strides[2];
      } cases[] = {
          {"dense", {n, 1}},
          {"rows of a larger tensor", {n + 333, 1}},
          {"shared by a row", {1, 0}},
          {"every second one", {2, 0}},
          {"shared by a column", {0, 1}},
          {"transposed", {1, m}},
          {"wide steps", {n * 129, 129}},
          {"backwards into the last row", {0, 2}},
          {"shared by all", {0, 0}},
      };
      for (size_t c = 0; c < LENGTH(cases); ++c) {
        memcpy(layout.index_strides, cases[c].index_strides, sizeof cases[c].index_strides);
        check_layout(&mask, dtype, &layout, false, &random, cases[c].what);
        layout.y_strides[0] += 5;  // rows apart, first in y alone
        check_layout(&mask, dtype, &layout, false, &random, cases[c].what);
        layout.x_strides[0] += 3;
        check_layout(&mask, dtype, &layout, false, &random, cases[c].what);
        layout.x_strides[0] = layout.y_strides[0] = row;
      }
      layout = (simdrop_layout){2, {m, n}, {1, (ptrdiff_t)m}, {row, 1}, {n, 1}, 0};
      check_layout(&mask, dtype, &layout, false, &random, "a transposed input");
      layout = (simdrop_layout){3, {2, m, n}, {(ptrdiff_t)(m * n), row, 1}, {(ptrdiff_t)(m * n), row, 1}, {3 * n, 0, 1}, 0};
      check_layout(&mask, dtype, &layout, false, &random, "channels last");
      for (int a = 0; a < 2; ++a) {
        layout.x_strides[a] += 2 * (1 - a) * (ptrdiff_t)m + a * 2;
        layout.y_strides[a] += 3 * (1 - a) * (ptrdiff_t)m + a * 3;
      }
      check_layout(&mask, dtype, &layout, false, &random, "channels last, with gaps");
      layout.index_strides[0] = 0;
      layout.index_strides[1] = n;
      check_layout(&mask, dtype, &layout, false, &random, "shared by heads");
    }
  }
}

// Rows are collected in batches, 128 at a time, and those that follow one another in memory are applied as one. Behind the last
// row of the last batch stands one that was there two batches ago; here it is the row that follows in memory.
static void rows_behind_the_last(void **state) {
  (void)state;
  uint64_t random = 31;
  for (size_t columns = 1; columns <= 61; columns += 12) {
    // Of 300 rows the last is at 99 * 3 - 2 * 83 = 131, in rows; the row 256 before it, which is number 44, at 44 * 3 = 132.
    const ptrdiff_t row = (ptrdiff_t)columns;
    const simdrop_layout layout = {
        3, {3, 100, columns}, {-83 * row, 3 * row, 1}, {-83 * row, 3 * row, 1}, {100 * columns, columns, 1}, 0};
    const simdrop_mask mask = {0.3, 8, 9, 100, 0};
    for (size_t d = 0; d < LENGTH(all_dtypes); ++d)
      check_layout(&mask, all_dtypes[d], &layout, false, &random, "rows that turn back");
  }
}

// Rows that share their decision, where the elements are apart in x, in y, in both and backwards; short and long, and for every
// p.
static void shared_rows_apart(void **state) {
  (void)state;
  uint64_t random = 32;
  static const ptrdiff_t steps[][2] = {{1, 2}, {2, 1}, {3, 2}, {-1, 1}, {1, -1}, {-2, -3}};
  static const size_t lengths[] = {3, 64, 511, 512, 1300};
  for (size_t i = 0; i < LENGTH(lengths); ++i) {
    for (size_t s = 0; s < LENGTH(steps); ++s) {
      const size_t n = lengths[i];
      const ptrdiff_t row = 4 * (ptrdiff_t)n;
      const simdrop_layout layout = {2, {9, n}, {row, steps[s][0]}, {row, steps[s][1]}, {1, 0}, 0};
      const simdrop_mask mask = {s % 2 == 0 ? 0.5 : 1e-12, next_random(&random), 3, 100, 0};
      check_layout(&mask, all_dtypes[(i + s) % LENGTH(all_dtypes)], &layout, false, &random, "shared rows, elements apart");
    }
  }
}

// The rarest drop: p is 2^-32, and one element is dropped.
static void rarest_drop(void **state) {
  (void)state;
  uint64_t random = 33;
  const simdrop_mask mask = {0x1p-32, 1, 2, UINT64_C(680967792) - 50, 0};
  uint8_t bytes[100];
  assert_int_equal(simdrop_mask_bytes(&mask, LENGTH(bytes), bytes), SIMDROP_OK);
  for (size_t k = 0; k < LENGTH(bytes); ++k) assert_int_equal(bytes[k], k != 50);
  const simdrop_layout cases[] = {
      {2, {10, 10}, {10, 1}, {10, 1}, {10, 1}, 0}, {2, {10, 10}, {10, 1}, {11, 1}, {10, 1}, 0},
      {2, {10, 10}, {10, 1}, {10, 1}, {1, 10}, 0}, {2, {60, 70}, {70, 1}, {70, 1}, {1, 0}, 0},
      {2, {70, 60}, {60, 1}, {60, 1}, {0, 1}, 0},  {1, {30}, {1}, {1}, {5}, 0},
  };
  for (size_t i = 0; i < LENGTH(cases); ++i)
    check_layout(&mask, all_dtypes[(size_t)i % LENGTH(all_dtypes)], &cases[i], false, &random, "the rarest drop");
}

// A list of blocks, in any order and with any numbers, gives what each of them gives by itself.
static void listed_blocks(void **state) {
  (void)state;
  enum {
    MOST = 200
  };
  uint64_t random = 30;
  FOR_EACH_BACKEND(backend) {
    const simdrop_kernels *const kernels = simdrop_current_kernels();
    for (size_t count = 1; count <= MOST; count += full_effort() || count < 10 ? 1 : 17) {
      const simdrop_mask mask = {some_probabilities[1 + pick(&random, LENGTH(some_probabilities) - 1)], next_random(&random),
                                 next_random(&random), 0, 0};
      const uint64_t threshold = simdrop_threshold(mask.p);
      if (threshold == 0 || threshold == SIMDROP_CERTAIN) continue;
      uint64_t blocks[MOST], words[SIMDROP_BLOCK_WORDS * (MOST + SIMDROP_BLOCK_PADDING)];
      for (size_t b = 0; b < count; ++b) {
        // Far apart, side by side, the same again, and the last before and the first after a carry.
        static const uint64_t special[] = {0, UINT32_MAX, UINT64_C(1) << 32, (UINT64_C(1) << 57) - 1};
        switch (pick(&random, 5)) {
          case 0: blocks[b] = next_random(&random) >> 7; break;
          case 1: blocks[b] = special[pick(&random, LENGTH(special))]; break;
          case 2: blocks[b] = b > 0 ? blocks[b - 1] : 1; break;
          default: blocks[b] = b > 0 && blocks[b - 1] + 1 < UINT64_C(1) << 57 ? blocks[b - 1] + 1 : 2; break;
        }
      }
      simdrop_mask_source source;
      simdrop_source_init(&source, mask.seed, mask.stream, threshold);
      kernels->mask_listed_blocks(&source, blocks, count, words, NULL);
      for (size_t b = 0; b < count; ++b) {
        uint64_t alone[SIMDROP_BLOCK_WORDS * (1 + SIMDROP_BLOCK_PADDING)];
        simdrop_source_init(&source, mask.seed, mask.stream, threshold);
        kernels->mask_blocks(&source, blocks[b], SIMDROP_BLOCK_ELEMENTS, alone, NULL);
        check_bytes(alone, words + SIMDROP_BLOCK_WORDS * b, SIMDROP_BLOCK_WORDS * sizeof *words, "%s: block %zu of %zu, p = %g",
                    backend, b, count, mask.p);
      }
    }
  }
}

static void expect_index(const simdrop_layout *layout, uint64_t offset, const size_t *place, uint64_t index) {
  uint64_t found = offset;
  for (int a = 0; a < layout->rank; ++a) found += place[a] * layout->index_strides[a];
  if (found != index) fail_msg("index %llu where %llu belongs", (unsigned long long)found, (unsigned long long)index);
}

// The strides of a row-major tensor for x and y, and the given shape.
static void check_row_major(const simdrop_layout *layout, int rank, const size_t *dims) {
  assert_int_equal(layout->rank, rank);
  ptrdiff_t stride = 1;
  for (int a = rank - 1; a >= 0; --a) {
    assert_int_equal(layout->dims[a], dims[a]);
    assert_int_equal(layout->x_strides[a], stride);
    assert_int_equal(layout->y_strides[a], stride);
    stride *= (ptrdiff_t)dims[a];
  }
}

static bool next_place(int rank, const size_t *dims, size_t *place) {
  for (int a = rank - 1; a >= 0; --a) {
    if (++place[a] < dims[a]) return true;
    place[a] = 0;
  }
  return false;
}

// A random shape with axes of each of the extents.
static size_t pick_dims(uint64_t *random, int rank, size_t *dims) {
  static const size_t extents[] = {1, 2, 3, 17, 64, 129};
  size_t count = 1;
  for (int a = 0; a < rank; ++a) {
    dims[a] = extents[pick(random, LENGTH(extents))];
    if (count * dims[a] > ELEMENTS_MAX) dims[a] = 1 + pick(random, 3);
    if (count * dims[a] > ELEMENTS_MAX) dims[a] = 1;
    count *= dims[a];
  }
  return count;
}

static void run_constructed(const simdrop_layout *layout, uint64_t first_index, uint64_t *random, const char *what) {
  simdrop_mask mask = {
      .p = some_probabilities[pick(random, LENGTH(some_probabilities))], .seed = next_random(random), .stream = 7};
  mask.offset = first_index + pick(random, 1000);
  check_layout(&mask, pick_dtype(random), layout, pick(random, 2) == 0, random, what);
}

static void dense(void **state) {
  (void)state;
  uint64_t random = 22;
  for (int rank = 0; rank <= SIMDROP_MAX_RANK; ++rank) {
    size_t dims[SIMDROP_MAX_RANK], place[SIMDROP_MAX_RANK] = {0};
    pick_dims(&random, rank, dims);
    simdrop_layout layout;
    assert_int_equal(simdrop_layout_dense(rank, dims, &layout), SIMDROP_OK);
    check_row_major(&layout, rank, dims);
    uint64_t index = 0;
    do expect_index(&layout, 0, place, index++);
    while (next_place(rank, dims, place));
    run_constructed(&layout, 0, &random, "dense");
  }
}

static void broadcast(void **state) {
  (void)state;
  uint64_t random = 23;
  for (int rank = 0; rank <= SIMDROP_MAX_RANK; ++rank) {
    for (unsigned shared = 0; shared < 1U << rank; shared += rank < 5 ? 1 : 7) {
      size_t dims[SIMDROP_MAX_RANK], mask_dims[SIMDROP_MAX_RANK], place[SIMDROP_MAX_RANK] = {0};
      pick_dims(&random, rank, dims);
      for (int a = 0; a < rank; ++a) mask_dims[a] = shared >> a & 1 ? 1 : dims[a];
      simdrop_layout layout;
      assert_int_equal(simdrop_layout_broadcast(rank, dims, mask_dims, &layout), SIMDROP_OK);
      check_row_major(&layout, rank, dims);
      do {
        uint64_t index = 0;
        for (int a = 0; a < rank; ++a) index = index * mask_dims[a] + (mask_dims[a] == 1 ? 0 : place[a]);
        expect_index(&layout, 0, place, index);
      } while (next_place(rank, dims, place));
      run_constructed(&layout, 0, &random, "broadcast");
    }
  }
  size_t dims[] = {4, 3}, mask_dims[] = {4, 2};
  simdrop_layout layout = {.rank = -7};
  assert_int_equal(simdrop_layout_broadcast(2, dims, mask_dims, &layout), SIMDROP_ERROR_SHAPE);
  mask_dims[1] = 0;
  assert_int_equal(simdrop_layout_broadcast(2, dims, mask_dims, &layout), SIMDROP_ERROR_SHAPE);
  assert_int_equal(layout.rank, -7);
}

// PyTorch's rules: Dropout1d takes (N, C, L) or (C, L), Dropout2d (N, C, H, W) or (C, H, W), Dropout3d (N, C, D, H, W) or
// (C, D, H, W), and zeroes whole channels of a sample; an input of another rank is refused. In channels_last memory the
// same (sample, channel) pairs share a decision.
static void channels(void **state) {
  (void)state;
  uint64_t random = 24;
  for (int spatial = 1; spatial <= 3; ++spatial) {
    for (int batched = 0; batched < 2; ++batched) {
      for (int round = 0; round < 6; ++round) {
        const int rank = spatial + 1 + batched;
        size_t first_dims[5], last_dims[5], place[5] = {0}, last_place[5] = {0};
        pick_dims(&random, rank, first_dims);
        const size_t channel_count = first_dims[batched];
        if (batched) last_dims[0] = first_dims[0];
        for (int a = 0; a < spatial; ++a) last_dims[batched + a] = first_dims[batched + 1 + a];
        last_dims[rank - 1] = channel_count;
        simdrop_layout first, last;
        assert_int_equal(simdrop_layout_channels(SIMDROP_CHANNELS_FIRST, spatial, rank, first_dims, &first), SIMDROP_OK);
        assert_int_equal(simdrop_layout_channels(SIMDROP_CHANNELS_LAST, spatial, rank, last_dims, &last), SIMDROP_OK);
        check_row_major(&first, rank, first_dims);
        check_row_major(&last, rank, last_dims);
        do {
          const size_t sample = batched ? place[0] : 0, channel = place[batched];
          const uint64_t index = sample * channel_count + channel;
          expect_index(&first, 0, place, index);
          if (batched) last_place[0] = sample;
          for (int a = 0; a < spatial; ++a) last_place[batched + a] = place[batched + 1 + a];
          last_place[rank - 1] = channel;
          expect_index(&last, 0, last_place, index);
        } while (next_place(rank, first_dims, place));
        run_constructed(&first, 0, &random, "channels first");
        run_constructed(&last, 0, &random, "channels last");
      }
    }
    const size_t dims[] = {2, 2, 2, 2, 2, 2};
    simdrop_layout layout = {.rank = -7};
    assert_int_equal(simdrop_layout_channels(SIMDROP_CHANNELS_FIRST, spatial, spatial, dims, &layout), SIMDROP_ERROR_RANK);
    assert_int_equal(simdrop_layout_channels(SIMDROP_CHANNELS_FIRST, spatial, spatial + 3, dims, &layout), SIMDROP_ERROR_RANK);
    assert_int_equal(layout.rank, -7);
  }
  const size_t dims[] = {2, 2, 2, 2, 2, 2};
  simdrop_layout layout = {.rank = -7};
  assert_int_equal(simdrop_layout_channels(SIMDROP_CHANNELS_FIRST, 0, 2, dims, &layout), SIMDROP_ERROR_RANK);
  assert_int_equal(simdrop_layout_channels(SIMDROP_CHANNELS_FIRST, 4, 5, dims, &layout), SIMDROP_ERROR_RANK);
  assert_int_equal(simdrop_layout_channels((simdrop_channel_order)2, 1, 3, dims, &layout), SIMDROP_ERROR_SHAPE);
  assert_int_equal(layout.rank, -7);
}

// A channel is dropped whole or kept whole, and its decision is the mask's at sample * channels + channel.
static void channels_are_whole(void **state) {
  (void)state;
  enum {
    SAMPLES = 5,
    CHANNELS = 300,
    PLACES = 6 * 7
  };
  const size_t dims[] = {SAMPLES, CHANNELS, 6, 7};
  const simdrop_mask mask = {0.5, 11, 12, 13, 0};
  simdrop_layout layout;
  assert_int_equal(simdrop_layout_channels(SIMDROP_CHANNELS_FIRST, 2, 4, dims, &layout), SIMDROP_OK);
  float *const x = allocate(SAMPLES * CHANNELS * PLACES * sizeof *x), *const y =
                                                                          allocate(SAMPLES * CHANNELS * PLACES * sizeof *y);
  for (size_t k = 0; k < SAMPLES * CHANNELS * PLACES; ++k) x[k] = 1;
  uint8_t kept[SAMPLES * CHANNELS];
  FOR_EACH_BACKEND(backend) {
    assert_int_equal(simdrop_mask_bytes(&mask, sizeof kept, kept), SIMDROP_OK);
    assert_int_equal(simdrop_forward_layout(&mask, SIMDROP_F32, &layout, x, y), SIMDROP_OK);
    for (size_t k = 0; k < SAMPLES * CHANNELS * PLACES; ++k)
      if (y[k] != (kept[k / PLACES] ? 2.0f : 0.0f)) fail_msg("%s: element %zu of channel %zu", backend, k % PLACES, k / PLACES);
  }
  free(x);
  free(y);
}

static void time_shared(void **state) {
  (void)state;
  uint64_t random = 25;
  for (int round = 0; round < 10; ++round) {
    size_t dims[3];
    pick_dims(&random, 3, dims);
    const size_t batch = dims[0], time = dims[1], features = dims[2];
    simdrop_layout batch_first, time_first;
    assert_int_equal(simdrop_layout_time_shared(SIMDROP_BATCH_FIRST, batch, time, features, &batch_first), SIMDROP_OK);
    assert_int_equal(simdrop_layout_time_shared(SIMDROP_TIME_FIRST, batch, time, features, &time_first), SIMDROP_OK);
    check_row_major(&batch_first, 3, (const size_t[]){batch, time, features});
    check_row_major(&time_first, 3, (const size_t[]){time, batch, features});
    for (size_t b = 0; b < batch; ++b)
      for (size_t t = 0; t < time; ++t)
        for (size_t f = 0; f < features; ++f) {
          expect_index(&batch_first, 0, (const size_t[SIMDROP_MAX_RANK]){b, t, f}, b * features + f);
          expect_index(&time_first, 0, (const size_t[SIMDROP_MAX_RANK]){t, b, f}, b * features + f);
        }
    run_constructed(&batch_first, 0, &random, "time-shared, batch first");
    run_constructed(&time_first, 0, &random, "time-shared, time first");
  }
  simdrop_layout layout = {.rank = -7};
  assert_int_equal(simdrop_layout_time_shared((simdrop_time_order)2, 1, 1, 1, &layout), SIMDROP_ERROR_SHAPE);
  assert_int_equal(layout.rank, -7);
}

static void drop_path_and_rows(void **state) {
  (void)state;
  uint64_t random = 26;
  for (int rank = 1; rank <= SIMDROP_MAX_RANK; ++rank) {
    size_t dims[SIMDROP_MAX_RANK], place[SIMDROP_MAX_RANK] = {0};
    pick_dims(&random, rank, dims);
    simdrop_layout layout;
    assert_int_equal(simdrop_layout_drop_path(rank, dims, &layout), SIMDROP_OK);
    check_row_major(&layout, rank, dims);
    do expect_index(&layout, 0, place, place[0]);
    while (next_place(rank, dims, place));
    run_constructed(&layout, 0, &random, "drop-path");
  }
  simdrop_layout layout;
  assert_int_equal(simdrop_layout_rows(333, 65, &layout), SIMDROP_OK);
  check_row_major(&layout, 2, (const size_t[]){333, 65});
  for (size_t r = 0; r < 333; ++r) expect_index(&layout, 0, (const size_t[SIMDROP_MAX_RANK]){r, 64}, r);
  run_constructed(&layout, 0, &random, "rows");
  layout.rank = -7;
  assert_int_equal(simdrop_layout_drop_path(0, (const size_t[]){1}, &layout), SIMDROP_ERROR_RANK);
  assert_int_equal(layout.rank, -7);
}

// Every element of a tile has the index that it has in the whole.
static void tiles(void **state) {
  (void)state;
  uint64_t random = 27;
  for (int batch_rank = 0; batch_rank <= SIMDROP_MAX_RANK - 2; ++batch_rank) {
    for (int round = 0; round < (full_effort() ? 4 : 1); ++round) {
      size_t whole[SIMDROP_MAX_RANK], place[SIMDROP_MAX_RANK] = {0};
      const int rank = batch_rank + 2;
      pick_dims(&random, rank, whole);
      const size_t rows = whole[rank - 2] + pick(&random, 50), columns = whole[rank - 1] + pick(&random, 50);
      size_t edges[4] = {pick(&random, rows + 1), pick(&random, rows + 1), pick(&random, columns + 1),
                         pick(&random, columns + 1)};
      for (int e = 0; e < 4; e += 2)
        if (edges[e] > edges[e + 1]) {
          const size_t moved = edges[e];
          edges[e] = edges[e + 1];
          edges[e + 1] = moved;
        }
      simdrop_layout layout;
      uint64_t first_index;
      assert_int_equal(
          simdrop_layout_tile(batch_rank, whole, rows, columns, edges[0], edges[1], edges[2], edges[3], &layout, &first_index),
          SIMDROP_OK);
      size_t dims[SIMDROP_MAX_RANK];
      memcpy(dims, whole, sizeof dims);
      dims[rank - 2] = edges[1] - edges[0];
      dims[rank - 1] = edges[3] - edges[2];
      if (count_of(&layout) == 0) continue;
      check_row_major(&layout, rank, dims);
      do {
        uint64_t matrix = 0;
        for (int a = 0; a < batch_rank; ++a) matrix = matrix * whole[a] + place[a];
        expect_index(&layout, first_index, place,
                     (matrix * rows + edges[0] + place[rank - 2]) * columns + edges[2] + place[rank - 1]);
      } while (next_place(rank, dims, place));
      run_constructed(&layout, first_index, &random, "a tile");
    }
  }
  simdrop_layout layout = {.rank = -7};
  uint64_t first = 99;
  assert_int_equal(simdrop_layout_tile(0, NULL, 10, 10, 5, 4, 0, 1, &layout, &first), SIMDROP_ERROR_SHAPE);
  assert_int_equal(simdrop_layout_tile(0, NULL, 10, 10, 0, 11, 0, 1, &layout, &first), SIMDROP_ERROR_SHAPE);
  assert_int_equal(simdrop_layout_tile(0, NULL, 10, 10, 0, 1, 3, 2, &layout, &first), SIMDROP_ERROR_SHAPE);
  assert_int_equal(simdrop_layout_tile(0, NULL, 10, 10, 0, 1, 3, 11, &layout, &first), SIMDROP_ERROR_SHAPE);
  const size_t batch[7] = {1, 1, 1, 1, 1, 1, 1};
  assert_int_equal(simdrop_layout_tile(7, batch, 1, 1, 0, 1, 0, 1, &layout, &first), SIMDROP_ERROR_RANK);
  assert_int_equal(simdrop_layout_tile(-1, batch, 1, 1, 0, 1, 0, 1, &layout, &first), SIMDROP_ERROR_RANK);
  assert_int_equal(simdrop_layout_tile(0, NULL, UINT64_C(1) << 33, UINT64_C(1) << 33, 0, 1, 0, 1, &layout, &first),
                   SIMDROP_ERROR_INDEX_OVERFLOW);
  assert_int_equal(layout.rank, -7);
  assert_int_equal(first, 99);
  // The last tile of a matrix that fills nearly all of the mask.
  const uint64_t side = UINT64_C(1) << 31;
  assert_int_equal(simdrop_layout_tile(0, NULL, side, 2 * side, side - 2, side, 2 * side - 129, 2 * side, &layout, &first),
                   SIMDROP_OK);
  assert_int_equal(first, (side - 2) * 2 * side + 2 * side - 129);
  const simdrop_mask mask = {0.3, 1, 2, first, 0};
  check_layout(&mask, SIMDROP_F32, &layout, false, &random, "the last tile");
}

// A layout's axes cut into many, with axes of one place between them, as they are before they are merged again.
typedef struct cut_axes {
  int rank;
  size_t dims[64];
  ptrdiff_t x_strides[64], y_strides[64];
  uint64_t index_strides[64];
} cut_axes;

static void add_axis(cut_axes *cut, size_t extent, ptrdiff_t x_stride, ptrdiff_t y_stride, uint64_t index_stride) {
  const int a = cut->rank++;
  assert_true((size_t)a < LENGTH(cut->dims));
  cut->dims[a] = extent;
  cut->x_strides[a] = x_stride;
  cut->y_strides[a] = y_stride;
  cut->index_strides[a] = index_stride;
}

// Every axis becomes one for each of its prime factors.
static cut_axes cut_into_many(const simdrop_layout *layout, uint64_t *random) {
  cut_axes cut = {.rank = 0};
  for (int a = 0; a < layout->rank; ++a) {
    size_t rest = layout->dims[a];  // places of the axis that is still to be cut
    for (size_t factor = 2; rest > 1; ++factor) {
      for (; rest % factor == 0; rest /= factor) {
        const size_t inner = rest / factor;
        add_axis(&cut, factor, layout->x_strides[a] * (ptrdiff_t)inner, layout->y_strides[a] * (ptrdiff_t)inner,
                 layout->index_strides[a] * inner);
        if (cut.rank < 48 && pick(random, 3) == 0)
          add_axis(&cut, 1, (ptrdiff_t)next_random(random), (ptrdiff_t)next_random(random), next_random(random));
      }
    }
  }
  return cut;
}

static simdrop_layout merge(const cut_axes *cut) {
  simdrop_layout merged;
  memset(&merged, CANARY, sizeof merged);
  assert_int_equal(simdrop_layout_strided(cut->rank, cut->dims, cut->x_strides, cut->y_strides, cut->index_strides, &merged),
                   SIMDROP_OK);
  return merged;
}

// Cut and merged again, a layout does what it did, in the same order, and has no more axes.
static void merged_axes(void **state) {
  (void)state;
  uint64_t random = 35;
  int many = 0;
  for (int round = 0; round < (full_effort() ? 400 : 60); ++round) {
    const int rank = (int)pick(&random, SIMDROP_MAX_RANK + 1);
    const simdrop_layout layout = pick_layout(&random, rank, true);
    const cut_axes cut = cut_into_many(&layout, &random);
    const simdrop_layout merged = merge(&cut);
    assert_true(merged.rank <= rank);
    many += cut.rank > SIMDROP_MAX_RANK;
    const simdrop_mask mask = pick_mask(&random, span_of(&layout));
    const reach e = find_reach(&layout, layout.y_strides);
    const simdrop_dtype dtype = pick_dtype(&random);
    const size_t count = e.before + e.after, size = simdrop_dtype_size(dtype), elements = count_of(&layout);
    char *const a = allocate(count * size), *const b = allocate(count * size);
    uint8_t *const bits = allocate(PACKED(elements)), *const merged_bits = allocate(PACKED(elements));
    fill_values(dtype, count, &random, a);
    memcpy(b, a, count * size);
    char *const first = a + e.before * size, *const merged_first = b + e.before * size;
    assert_int_equal(simdrop_forward_layout_bits(&mask, dtype, &layout, first, first, bits), SIMDROP_OK);
    assert_int_equal(simdrop_forward_layout_bits(&mask, dtype, &merged, merged_first, merged_first, merged_bits), SIMDROP_OK);
    check_bytes(a, b, count * size, "%d axes merged to %d", cut.rank, merged.rank);
    check_bytes(bits, merged_bits, PACKED(elements), "bits of %d axes merged to %d", cut.rank, merged.rank);
    free(a);
    free(b);
    free(bits);
    free(merged_bits);
  }
  assert_true(many > 5);
}

// What is merged, and what is not: each array's strides and the mask's have to go on.
static void merged_neighbours(void **state) {
  (void)state;
  static const struct {
    const char *what;
    cut_axes axes;
    simdrop_layout merged;
  } cases[] = {
      {"all", {3, {2, 3, 4}, {12, 4, 1}, {24, 8, 2}, {12, 4, 1}}, {1, {24}, {1}, {2}, {1}, 0}},
      {"backwards", {2, {3, 4}, {-4, -1}, {8, 2}, {0, 0}}, {1, {12}, {-1}, {2}, {0}, 0}},
      {"past one place", {3, {3, 1, 4}, {4, 77, 1}, {4, -7, 1}, {4, 9, 1}}, {1, {12}, {1}, {1}, {1}, 0}},
      {"x goes on elsewhere", {2, {3, 4}, {5, 1}, {4, 1}, {4, 1}}, {2, {3, 4}, {5, 1}, {4, 1}, {4, 1}, 0}},
      {"y goes on elsewhere", {2, {3, 4}, {4, 1}, {5, 1}, {4, 1}}, {2, {3, 4}, {4, 1}, {5, 1}, {4, 1}, 0}},
      {"the mask goes on elsewhere", {2, {3, 4}, {4, 1}, {4, 1}, {1, 0}}, {2, {3, 4}, {4, 1}, {4, 1}, {1, 0}, 0}},
      {"columns first", {2, {3, 4}, {1, 3}, {1, 3}, {1, 3}}, {2, {3, 4}, {1, 3}, {1, 3}, {1, 3}, 0}},
      {"an index stride that wraps",
       {2, {2, 4}, {4, 1}, {4, 1}, {4, (UINT64_C(1) << 62) + 1}},
       {2, {2, 4}, {4, 1}, {4, 1}, {4, (UINT64_C(1) << 62) + 1}, 0}},
      {"no elements", {3, {SIZE_MAX, 0, SIZE_MAX}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}}, {1, {0}, {0}, {0}, {0}, 0}},
      {"one element", {2, {1, 1}, {5, 6}, {7, 8}, {9, 10}}, {0, {0}, {0}, {0}, {0}, 0}},
  };
  for (size_t i = 0; i < LENGTH(cases); ++i) {
    const simdrop_layout merged = merge(&cases[i].axes), *const expected = &cases[i].merged;
    bool equal = merged.rank == expected->rank && merged.flags == 0;
    for (int a = 0; a < SIMDROP_MAX_RANK && equal; ++a)
      equal = merged.dims[a] == expected->dims[a] && merged.x_strides[a] == expected->x_strides[a] &&
              merged.y_strides[a] == expected->y_strides[a] && merged.index_strides[a] == expected->index_strides[a];
    if (!equal) fail_msg("%s: rank %d", cases[i].what, merged.rank);
  }
}

// Constructors refuse shapes that cannot be counted.
static void bad_shapes(void **state) {
  (void)state;
  size_t dims[9] = {SIZE_MAX, 2, 1, 1, 1, 1, 1, 1, 1};
  simdrop_layout layout = {.rank = -7};
  assert_int_equal(simdrop_layout_dense(2, dims, &layout), SIMDROP_ERROR_SIZE_OVERFLOW);
  assert_int_equal(simdrop_layout_dense(9, dims, &layout), SIMDROP_ERROR_RANK);
  assert_int_equal(simdrop_layout_dense(-1, dims, &layout), SIMDROP_ERROR_RANK);
  assert_int_equal(simdrop_layout_dense(2, NULL, &layout), SIMDROP_ERROR_NULL_POINTER);
  assert_int_equal(simdrop_layout_dense(2, dims, NULL), SIMDROP_ERROR_NULL_POINTER);
  assert_int_equal(simdrop_layout_rows(SIZE_MAX / 2, 2, &layout), SIMDROP_ERROR_SIZE_OVERFLOW);
  assert_int_equal(simdrop_layout_broadcast(2, dims, NULL, &layout), SIMDROP_ERROR_NULL_POINTER);
  assert_int_equal(layout.rank, -7);
  dims[1] = 0;  // no elements, however long the other axis
  assert_int_equal(simdrop_layout_dense(2, dims, &layout), SIMDROP_OK);
}

static void expect_refusal(simdrop_status expected, const simdrop_mask *mask, simdrop_dtype dtype, const simdrop_layout *layout,
                           const void *x, void *y, const char *what) {
  float before[4096];
  memcpy(before, y, sizeof before);
  const simdrop_status found = simdrop_forward_layout(mask, dtype, layout, x, y);
  if (found != expected) fail_msg("%s: %s, not %s", what, simdrop_status_string(found), simdrop_status_string(expected));
  assert_int_equal(simdrop_backward_layout(mask, dtype, layout, x, y), expected);
  check_bytes(before, y, sizeof before, "refused, yet written: %s", what);
}

static void refused_layouts(void **state) {
  (void)state;
  float x[4096], y[4096];
  for (size_t k = 0; k < LENGTH(x); ++k) x[k] = y[k] = (float)k;
  const simdrop_mask mask = {0.5, 1, 2, 3, 0};
  const simdrop_layout good = {2, {4, 5}, {5, 1}, {5, 1}, {5, 1}, 0};
  simdrop_layout bad;
#define REFUSE(status, what) expect_refusal(SIMDROP_ERROR_##status, &mask, SIMDROP_F32, &bad, x, y, what)

  expect_refusal(SIMDROP_ERROR_NULL_POINTER, NULL, SIMDROP_F32, &good, x, y, "no mask");
  expect_refusal(SIMDROP_ERROR_NULL_POINTER, &mask, SIMDROP_F32, NULL, x, y, "no layout");
  expect_refusal(SIMDROP_ERROR_NULL_POINTER, &mask, SIMDROP_F32, &good, NULL, y, "no x");
  assert_int_equal(simdrop_forward_layout(&mask, SIMDROP_F32, &good, x, NULL), SIMDROP_ERROR_NULL_POINTER);
  assert_int_equal(simdrop_mask_layout_bytes(&mask, &good, NULL), SIMDROP_ERROR_NULL_POINTER);
  const simdrop_mask bad_p = {1.5, 1, 2, 3, 0};
  expect_refusal(SIMDROP_ERROR_PROBABILITY, &bad_p, SIMDROP_F32, &good, x, y, "p of 1.5");
  expect_refusal(SIMDROP_ERROR_DTYPE, &mask, (simdrop_dtype)9, &good, x, y, "no such type");

  bad = good;
  bad.rank = 9;
  REFUSE(RANK, "rank 9");
  bad.rank = -1;
  REFUSE(RANK, "rank -1");
  uint8_t bytes[64];
  memset(bytes, CANARY, sizeof bytes);
  assert_int_equal(simdrop_mask_layout_bytes(&mask, &bad, bytes), SIMDROP_ERROR_RANK);

  bad = good;
  bad.dims[0] = (size_t)-4;
  REFUSE(SIZE_OVERFLOW, "an extent of -4");
  bad = good;
  bad.dims[0] = (size_t)PTRDIFF_MAX / 5 + 1;
  REFUSE(SIZE_OVERFLOW, "more elements than PTRDIFF_MAX");
  bad = good;
  bad.x_strides[0] = PTRDIFF_MAX;
  REFUSE(SIZE_OVERFLOW, "x strides past PTRDIFF_MAX");
  bad.x_strides[0] = PTRDIFF_MIN;
  REFUSE(SIZE_OVERFLOW, "an x stride of PTRDIFF_MIN");
  bad = good;
  bad.y_strides[0] = PTRDIFF_MAX / 8;
  REFUSE(SIZE_OVERFLOW, "y strides past PTRDIFF_MAX");

  bad = good;
  bad.index_strides[0] = UINT64_MAX / 3;
  REFUSE(INDEX_OVERFLOW, "the last index past 2^64");
  assert_int_equal(simdrop_mask_layout_bytes(&mask, &bad, bytes), SIMDROP_ERROR_INDEX_OVERFLOW);
  bad.index_strides[0] = UINT64_MAX / 3 - 2;  // 3 + 3 * stride + 4 is 2^64: one too many
  REFUSE(INDEX_OVERFLOW, "the last index at 2^64");
  const simdrop_mask last = {0.5, 1, 2, UINT64_MAX - 18, 0};
  expect_refusal(SIMDROP_ERROR_INDEX_OVERFLOW, &last, SIMDROP_F32, &good, x, y, "an offset too large by one");
  check_filled(bytes, sizeof bytes, CANARY, "bytes of refused layouts");

  bad = good;
  bad.y_strides[0] = 0;
  REFUSE(OVERLAP, "a y stride of 0");
  bad.y_strides[0] = 1;
  REFUSE(OVERLAP, "equal y strides");
  bad.y_strides[0] = -1;
  REFUSE(OVERLAP, "opposite y strides");
  bad.y_strides[0] = 4;
  REFUSE(OVERLAP, "rows of y that overlap by one");
  bad = (simdrop_layout){2, {4, 3}, {3, 1}, {2, 3}, {3, 1}, 0};
  REFUSE(OVERLAP, "y strides 2 and 3 that meet at 6");
  bad = (simdrop_layout){3, {5, 3, 2}, {6, 2, 1}, {3, 4, 5}, {6, 2, 1}, 0};
  REFUSE(OVERLAP, "y strides 3, 4 and 5 that meet");
  expect_refusal(SIMDROP_ERROR_OVERLAP, &mask, SIMDROP_F32, &good, y + 1, y, "x one element after y");
  expect_refusal(SIMDROP_ERROR_OVERLAP, &mask, SIMDROP_F32, &good, (const char *)y + 2, y, "x half an element after y");
  bad = good;
  bad.x_strides[0] = 6;
  expect_refusal(SIMDROP_ERROR_OVERLAP, &mask, SIMDROP_F32, &bad, y, y, "x == y with other strides");
  const simdrop_layout x_backwards = {1, {50}, {-1}, {1}, {1}, 0}, y_backwards = {1, {50}, {1}, {-1}, {1}, 0};
  expect_refusal(SIMDROP_ERROR_OVERLAP, &mask, SIMDROP_F32, &x_backwards, y + 98, y, "x that ends with the last of y");
  expect_refusal(SIMDROP_ERROR_OVERLAP, &mask, SIMDROP_F32, &x_backwards, y, y, "x == y, backwards");
  assert_int_equal(simdrop_forward_layout(&mask, SIMDROP_F32, &y_backwards, y, y + 98), SIMDROP_ERROR_OVERLAP);
#undef REFUSE
}

// Layouts at the edge of what is refused.
static void accepted_layouts(void **state) {
  (void)state;
  float x[4096], y[4096];
  for (size_t k = 0; k < LENGTH(x); ++k) x[k] = y[k] = 1;
  const simdrop_mask mask = {0, 1, 2, 3, 0};
  // Columns of one matrix: x and y interleave.
  const simdrop_layout columns = {2, {100, 3}, {8, 1}, {8, 1}, {3, 1}, 0};
  for (size_t k = 0; k < LENGTH(y); ++k) y[k] = (float)k;
  assert_int_equal(simdrop_forward_layout(&mask, SIMDROP_F32, &columns, y, y + 4), SIMDROP_OK);
  for (size_t k = 0; k < 800; ++k) assert_true(y[k] == (k % 8 >= 4 && k % 8 < 7 ? (float)(k - 4) : (float)k));
  assert_int_equal(simdrop_forward_layout(&mask, SIMDROP_F32, &columns, y, y + 2), SIMDROP_ERROR_OVERLAP);
  // The halves of pairs, and steps of 2 and 3 that do not meet in so few places.
  const simdrop_layout halves = {1, {500}, {2}, {2}, {1}, 0};
  assert_int_equal(simdrop_forward_layout(&mask, SIMDROP_F32, &halves, y, y + 1), SIMDROP_OK);
  const simdrop_layout steps = {2, {3, 2}, {2, 1}, {2, 3}, {2, 1}, 0};
  assert_int_equal(simdrop_forward_layout(&mask, SIMDROP_F32, &steps, x, y), SIMDROP_OK);
  // Backwards, from the end of the other one.
  const simdrop_layout x_backwards = {1, {50}, {-1}, {1}, {1}, 0}, y_backwards = {1, {50}, {1}, {-1}, {1}, 0};
  assert_int_equal(simdrop_forward_layout(&mask, SIMDROP_F32, &x_backwards, y + 99, y), SIMDROP_OK);
  assert_int_equal(simdrop_forward_layout(&mask, SIMDROP_F32, &y_backwards, y, y + 99), SIMDROP_OK);
  // An axis of one place may have any strides; without elements nothing is looked at.
  const simdrop_layout one = {2, {1, 4}, {PTRDIFF_MAX, 1}, {0, 1}, {UINT64_MAX, 1}, 0};
  assert_int_equal(simdrop_forward_layout(&mask, SIMDROP_F32, &one, x, y), SIMDROP_OK);
  const simdrop_layout none = {3, {SIZE_MAX, 0, SIZE_MAX}, {1, 1, 1}, {0, 0, 0}, {UINT64_MAX, 1, UINT64_MAX}, 0};
  assert_int_equal(simdrop_forward_layout(&mask, SIMDROP_F32, &none, NULL, NULL), SIMDROP_OK);
  assert_int_equal(simdrop_mask_layout_bytes(&mask, &none, NULL), SIMDROP_OK);
  // The last index of all.
  const simdrop_mask last = {0.5, 1, 2, UINT64_MAX - 19, 0};
  const simdrop_layout twenty = {2, {4, 5}, {5, 1}, {5, 1}, {5, 1}, 0};
  assert_int_equal(simdrop_forward_layout(&last, SIMDROP_F32, &twenty, x, y), SIMDROP_OK);
  // Strides that would take a search of all elements are refused rather than searched for ever.
  // (More elements than 32 bits count.)
  const simdrop_status refused = sizeof(size_t) > 4 ? SIMDROP_ERROR_OVERLAP : SIMDROP_ERROR_SIZE_OVERFLOW;
  simdrop_layout involved = {.rank = 8};
  static const ptrdiff_t strides[8] = {10007, 10009, 10037, 10039, 10061, 10067, 10069, 10079};
  for (int a = 0; a < 8; ++a) {
    involved.dims[a] = 60;
    involved.x_strides[a] = 0;
    involved.y_strides[a] = strides[a];
  }
  assert_int_equal(simdrop_forward_layout(&mask, SIMDROP_F32, &involved, x, y), refused);
  // So they are where no elements meet: here the search would take hours.
  uint64_t random = 34;
  for (int a = 0; a < 8; ++a) {
    involved.dims[a] = 30;
    involved.y_strides[a] = (ptrdiff_t)((PTRDIFF_MAX / 16384 + next_random(&random) % (PTRDIFF_MAX / 32768)) | 1);
  }
#if defined(SIMDROP_HAVE_SIGACTION)
  alarm(5);
#endif
  assert_int_equal(simdrop_forward_layout(&mask, SIMDROP_F32, &involved, x, y), refused);
#if defined(SIMDROP_HAVE_SIGACTION)
  alarm(0);
#endif
}

// Long axes take no long search, in whatever order they are given.
static void accepted_long_axes(void **state) {
  (void)state;
  enum {
    LONG = 200000
  };
  static uint8_t y[4 * LONG];
  const simdrop_mask mask = {1, 1, 2, 3, 0};
  const simdrop_layout cases[] = {{2, {2, LONG}, {LONG, 1}, {LONG, 1}, {LONG, 1}, 0},
                                  {2, {LONG, 2}, {1, LONG}, {1, LONG}, {1, LONG}, 0},
                                  {3, {2, LONG / 2, 2}, {LONG, 1, LONG / 2}, {LONG, 1, LONG / 2}, {LONG, 1, LONG / 2}, 0},
                                  {3, {2, LONG / 2, 2}, {1, 4, 2}, {1, 4, 2}, {1, 4, 2}, 0}};
  for (size_t i = 0; i < LENGTH(cases); ++i) {
    memset(y, CANARY, sizeof y);
    if (simdrop_forward_layout(&mask, SIMDROP_F16, &cases[i], y, y) != SIMDROP_OK) fail_msg("layout %zu is refused", i);
    check_filled(y, sizeof y, 0, "layout %zu", i);
  }
}

// The order in which the axes are given changes nothing.
static void order_of_axes(void **state) {
  (void)state;
  uint64_t random = 28;
  for (int round = 0; round < 40; ++round) {
    const int rank = 2 + (int)pick(&random, SIMDROP_MAX_RANK - 1);
    const simdrop_layout layout = pick_layout(&random, rank, true);
    simdrop_layout turned = {.rank = rank};
    int order[SIMDROP_MAX_RANK];
    shuffle(&random, rank, order);
    for (int a = 0; a < rank; ++a) {
      turned.dims[a] = layout.dims[order[a]];
      turned.x_strides[a] = layout.x_strides[order[a]];
      turned.y_strides[a] = layout.y_strides[order[a]];
      turned.index_strides[a] = layout.index_strides[order[a]];
    }
    const simdrop_mask mask = pick_mask(&random, span_of(&layout));
    const reach e = find_reach(&layout, layout.y_strides);
    const size_t bytes = (e.before + e.after) * sizeof(float);
    float *const x = allocate(bytes), *const a = allocate(bytes), *const b = allocate(bytes);
    fill_values(SIMDROP_F32, e.before + e.after, &random, x);
    memcpy(a, x, bytes);
    memcpy(b, x, bytes);
    assert_int_equal(simdrop_forward_layout(&mask, SIMDROP_F32, &layout, a + e.before, a + e.before), SIMDROP_OK);
    assert_int_equal(simdrop_forward_layout(&mask, SIMDROP_F32, &turned, b + e.before, b + e.before), SIMDROP_OK);
    check_bytes(a, b, bytes, "axes in another order");
    free(x);
    free(a);
    free(b);
  }
}

// A mask and a layout that lie in the output are read before it is written.
static void description_in_the_output(void **state) {
  (void)state;
  const size_t dims[] = {40, 50};
  simdrop_layout layout;
  assert_int_equal(simdrop_layout_dense(2, dims, &layout), SIMDROP_OK);
  const simdrop_mask mask = {0.3, 5, 6, 7, 0};
  float x[2000], expected[2000];
  union {
    float y[2000];
    struct {
      simdrop_layout layout;
      simdrop_mask mask;
    } description;
  } both;
  for (size_t k = 0; k < 2000; ++k) x[k] = (float)k;
  layout.index_strides[0] = 333;
  assert_int_equal(simdrop_forward_layout(&mask, SIMDROP_F32, &layout, x, expected), SIMDROP_OK);
  both.description.layout = layout;
  both.description.mask = mask;
  assert_int_equal(simdrop_forward_layout(&both.description.mask, SIMDROP_F32, &both.description.layout, x, both.y),
                   SIMDROP_OK);
  check_bytes(expected, both.y, sizeof expected, "described in the output");
}

// Large outputs, which are stored past the caches.
static void large_layouts(void **state) {
  (void)state;
  if (!full_effort()) {
    print_message("large_layouts skipped: SIMDROP_TEST_EFFORT=quick\n");
    skip();
  }
  enum {
    SAMPLES = 3,
    CHANNELS = 50,
    PLACES = 300 * 191
  };
  const size_t first_dims[] = {SAMPLES, CHANNELS, 300, 191}, last_dims[] = {SAMPLES, 300, 191, CHANNELS};
  const size_t count = (size_t)SAMPLES * CHANNELS * PLACES;
  simdrop_layout layouts[3];
  assert_int_equal(simdrop_layout_channels(SIMDROP_CHANNELS_FIRST, 2, 4, first_dims, &layouts[0]), SIMDROP_OK);
  assert_int_equal(simdrop_layout_channels(SIMDROP_CHANNELS_LAST, 2, 4, last_dims, &layouts[1]), SIMDROP_OK);
  assert_int_equal(simdrop_layout_dense(4, first_dims, &layouts[2]), SIMDROP_OK);
  layouts[2].index_strides[1] += 77;
  layouts[2].index_strides[0] += 77 * CHANNELS;
  float *const x = allocate(count * sizeof *x), *const expected = allocate(count * sizeof *x);
  char *const y_base = allocate((count + 64) * sizeof *x);
  float *const y = (float *)(y_base + 4 * 5);
  uint64_t random = 29;
  fill_values(SIMDROP_F32, count, &random, x);
  const simdrop_mask mask = {0.3, 1, 2, 3, 0};
  for (size_t i = 0; i < LENGTH(layouts); ++i) {
    uint8_t *const kept = allocate(count);
    assert_int_equal(simdrop_backend_select("scalar"), SIMDROP_OK);
    assert_int_equal(simdrop_mask_layout_bytes(&mask, &layouts[i], kept), SIMDROP_OK);
    oracle_apply(mask.p, SIMDROP_F32, count, kept, x, expected);
    free(kept);
    FOR_EACH_BACKEND(backend) {
      memset(y_base, CANARY, (count + 64) * sizeof *x);
      assert_int_equal(simdrop_forward_layout(&mask, SIMDROP_F32, &layouts[i], x, y), SIMDROP_OK);
      check_bytes(expected, y, count * sizeof *x, "%s: large layout %zu", backend, i);
      check_filled(y_base, 20, CANARY, "%s: before y", backend);
      check_filled(y + count, 64, CANARY, "%s: after y", backend);
    }
  }
  free(x);
  free(expected);
  free(y_base);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_layouts),
      cmocka_unit_test(every_inner_loop),
      cmocka_unit_test(rows_behind_the_last),
      cmocka_unit_test(shared_rows_apart),
      cmocka_unit_test(rarest_drop),
      cmocka_unit_test(listed_blocks),
      cmocka_unit_test(dense),
      cmocka_unit_test(broadcast),
      cmocka_unit_test(channels),
      cmocka_unit_test(channels_are_whole),
      cmocka_unit_test(time_shared),
      cmocka_unit_test(drop_path_and_rows),
      cmocka_unit_test(tiles),
      cmocka_unit_test(merged_axes),
      cmocka_unit_test(merged_neighbours),
      cmocka_unit_test(bad_shapes),
      cmocka_unit_test(refused_layouts),
      cmocka_unit_test(accepted_layouts),
      cmocka_unit_test(accepted_long_axes),
      cmocka_unit_test(order_of_axes),
      cmocka_unit_test(description_in_the_output),
      cmocka_unit_test(large_layouts),
  };
  return RUN_TESTS(argc, argv, tests);
}

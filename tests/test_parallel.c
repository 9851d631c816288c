// Calls cut into pieces: the same bits for any number of threads and any cut.
#include <fenv.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

enum {
  CANARY = 0xA5,
  GRAIN = 4096,  // cuts are at multiples of this many elements
};

static const size_t thread_counts[] = {0, 1, 2, 3, 7, 16};

static void dense_calls(void **state) {
  (void)state;
  static const size_t sizes[] = {0, 1, 100, 32767, 32768, 65535, 65536, 65537, 131072 + 4095, 300001};
  uint64_t random = 40;
  for (size_t d = 0; d < LENGTH(all_dtypes); ++d) {
    for (size_t s = 0; s < LENGTH(sizes); ++s) {
      const size_t n = sizes[s], size = simdrop_dtype_size(all_dtypes[d]), bytes = n * size;
      const simdrop_mask mask = {some_probabilities[(d + s) % LENGTH(some_probabilities)], 3, 4, 1000 + s, 0};
      uint8_t *const x = allocate(bytes + 1), *const y = allocate(bytes + 1), *const expected = allocate(bytes + 1);
      uint8_t *const bits = allocate(n + 1), *const expected_bits = allocate(PACKED(n) + 1);
      uint8_t *const expected_bytes = allocate(n + 1);
      fill_values(all_dtypes[d], n, &random, x);
      assert_int_equal(simdrop_forward(&mask, all_dtypes[d], n, x, expected, expected_bits), SIMDROP_OK);
      assert_int_equal(simdrop_mask_bytes(&mask, n, expected_bytes), SIMDROP_OK);
      for (size_t t = 0; t < LENGTH(thread_counts); ++t) {
        executor_calls p = {0};
        const simdrop_executor executor = {run_on_threads, &p, thread_counts[t]};
#define CHECK(call, found, wanted, length)                                                      \
  do {                                                                                          \
    assert_int_equal(call, SIMDROP_OK);                                                         \
    check_bytes(wanted, found, length, "%s: n = %zu, %zu threads", #call, n, thread_counts[t]); \
  } while (0)
        memset(y, CANARY, bytes + 1);
        memset(bits, CANARY, n + 1);
        CHECK(simdrop_parallel_forward(&executor, &mask, all_dtypes[d], n, x, y, bits), y, expected, bytes);
        check_bytes(expected_bits, bits, PACKED(n), "bits");
        assert_int_equal(y[bytes], CANARY);
        assert_int_equal(bits[PACKED(n)], CANARY);
        // Calls are cut when there is enough to do for two threads, and into no more pieces than threads.
        assert_int_equal(p.calls, n >= 65536 && thread_counts[t] >= 2);
        assert_true(p.most_pieces <= thread_counts[t]);
        if (n > 300000 && thread_counts[t] <= 7 && thread_counts[t] >= 2) assert_int_equal(p.most_pieces, thread_counts[t]);
        memset(y, CANARY, bytes + 1);
        memset(bits, CANARY, n + 1);
        CHECK(simdrop_parallel_forward_bytes(&executor, &mask, all_dtypes[d], n, x, y, bits), y, expected, bytes);
        check_bytes(expected_bytes, bits, n, "bytes beside y");
        assert_int_equal(bits[n], CANARY);
        memset(y, CANARY, bytes + 1);
        CHECK(simdrop_parallel_backward(&executor, &mask, all_dtypes[d], n, x, y), y, expected, bytes);
        memcpy(y, x, bytes);
        CHECK(simdrop_parallel_forward(&executor, &mask, all_dtypes[d], n, y, y, NULL), y, expected, bytes);
        memset(bits, CANARY, n + 1);
        CHECK(simdrop_parallel_mask_bits(&executor, &mask, n, bits), bits, expected_bits, PACKED(n));
        memset(bits, CANARY, n + 1);
        CHECK(simdrop_parallel_mask_bytes(&executor, &mask, n, bits), bits, expected_bytes, n);
        assert_int_equal(bits[n], CANARY);
        memset(y, CANARY, bytes + 1);
        uint8_t *const again = allocate(bytes + 1);
        assert_int_equal(simdrop_apply_bits(mask.p, all_dtypes[d], n, expected_bits, x, again), SIMDROP_OK);
        CHECK(simdrop_parallel_apply_bits(&executor, mask.p, all_dtypes[d], n, expected_bits, x, y), y, again, bytes);
        free(again);
      }
      free(x);
      free(y);
      free(expected);
      free(bits);
      free(expected_bits);
      free(expected_bytes);
    }
  }
  // No executor, and one without a function: the calling thread.
  float x[100] = {0}, y[100];
  const simdrop_mask mask = {0.5, 1, 2, 3, 0};
  const simdrop_executor none = {NULL, NULL, 7};
  assert_int_equal(simdrop_parallel_forward(NULL, &mask, SIMDROP_F32, 100, x, y, NULL), SIMDROP_OK);
  assert_int_equal(simdrop_parallel_forward(&none, &mask, SIMDROP_F32, 100, x, y, NULL), SIMDROP_OK);
}

// Forward on a layout, with the decisions beside y.
typedef simdrop_status forward_beside(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                      const simdrop_layout *layout, const void *x, void *y, uint8_t *decisions);

static void layouts(void **state) {
  (void)state;
  simdrop_layout cases[12];
  uint64_t first = 0;
  size_t count = 0;
  const size_t dims[] = {5, 64, 31, 33}, mask_dims[] = {5, 1, 31, 1}, heads[] = {3, 4};
  assert_int_equal(simdrop_layout_dense(4, dims, &cases[count++]), SIMDROP_OK);
  assert_int_equal(simdrop_layout_broadcast(4, dims, mask_dims, &cases[count++]), SIMDROP_OK);
  assert_int_equal(simdrop_layout_channels(SIMDROP_CHANNELS_FIRST, 2, 4, dims, &cases[count++]), SIMDROP_OK);
  assert_int_equal(simdrop_layout_channels(SIMDROP_CHANNELS_LAST, 2, 4, dims, &cases[count++]), SIMDROP_OK);
  assert_int_equal(simdrop_layout_time_shared(SIMDROP_BATCH_FIRST, 6, 70, 800, &cases[count++]), SIMDROP_OK);
  assert_int_equal(simdrop_layout_time_shared(SIMDROP_TIME_FIRST, 6, 70, 800, &cases[count++]), SIMDROP_OK);
  assert_int_equal(simdrop_layout_drop_path(4, dims, &cases[count++]), SIMDROP_OK);
  assert_int_equal(simdrop_layout_tile(2, heads, 300, 200, 17, 290, 5, 198, &cases[count++], &first), SIMDROP_OK);
  cases[count++] = (simdrop_layout){3, {60, 70, 80}, {1, 60, 4200}, {-5700, 81, -1}, {5600, 80, 1}, 0};
  cases[count++] = (simdrop_layout){3, {60, 70, 80}, {0, 1, 70}, {5700, -81, 1}, {3, 0, 1000}, 0};
  // Rows that are pieces by themselves, and begin at any bit.
  cases[count++] = (simdrop_layout){2, {3, 40001}, {40010, 1}, {40003, 1}, {40001, 1}, 0};
  // The same into rows without gaps: y and its decisions are written together, in pieces that begin anywhere in a row.
  cases[count++] = (simdrop_layout){3, {3, 7, 5717}, {40030, 5718, 1}, {40019, 5717, 1}, {50000, 6000, 1}, 0};
  assert_int_equal(count, LENGTH(cases));
  uint64_t random = 41;
  for (size_t i = 0; i < LENGTH(cases); ++i) {
    const simdrop_dtype dtype = all_dtypes[(size_t)i % LENGTH(all_dtypes)];
    const size_t size = simdrop_dtype_size(dtype), room = 1200000;
    size_t n = 1;
    for (int a = 0; a < cases[i].rank; ++a) n *= cases[i].dims[a];
    uint8_t *const x = allocate(room * size), *const y = allocate(room * size), *const expected = allocate(room * size);
    uint8_t *const bytes = allocate(n + 1), *const expected_bytes = allocate(n + 1);
    uint8_t *const expected_bits = allocate(PACKED(n)), *const stored_expected = allocate(room * size);
    const size_t middle = 450000 * size;  // for steps backwards
    fill_values(dtype, room, &random, x);
    static const double probabilities[] = {0.3, 0.5, 0, 1, 1e-12};
    for (size_t k = 0; k < LENGTH(probabilities); k += full_effort() ? 1 : 2) {
      const simdrop_mask mask = {probabilities[k], 5, 6, first + 77, 0};
      memset(expected, CANARY, room * size);
      assert_int_equal(simdrop_forward_layout(&mask, dtype, &cases[i], x + middle, expected + middle), SIMDROP_OK);
      assert_int_equal(simdrop_mask_layout_bytes(&mask, &cases[i], expected_bytes), SIMDROP_OK);
      assert_int_equal(simdrop_mask_layout_bits(&mask, &cases[i], expected_bits), SIMDROP_OK);
      memset(stored_expected, CANARY, room * size);
      assert_int_equal(simdrop_apply_bits_layout(mask.p, dtype, &cases[i], expected_bits, x + middle, stored_expected + middle),
                       SIMDROP_OK);
      for (size_t t = 0; t < LENGTH(thread_counts); t += full_effort() ? 1 : 2) {
        executor_calls p = {0};
        const simdrop_executor executor = {run_on_threads, &p, thread_counts[t]};
        memset(y, CANARY, room * size);
        assert_int_equal(simdrop_parallel_forward_layout(&executor, &mask, dtype, &cases[i], x + middle, y + middle),
                         SIMDROP_OK);
        check_bytes(expected, y, room * size, "layout %zu on %zu threads", i, thread_counts[t]);
        assert_int_equal(p.calls, thread_counts[t] >= 2);
        memset(y, CANARY, room * size);
        assert_int_equal(simdrop_parallel_backward_layout(&executor, &mask, dtype, &cases[i], x + middle, y + middle),
                         SIMDROP_OK);
        check_bytes(expected, y, room * size, "backward, layout %zu on %zu threads", i, thread_counts[t]);
        memset(bytes, CANARY, n + 1);
        assert_int_equal(simdrop_parallel_mask_layout_bytes(&executor, &mask, &cases[i], bytes), SIMDROP_OK);
        check_bytes(expected_bytes, bytes, n, "bytes of layout %zu on %zu threads", i, thread_counts[t]);
        assert_int_equal(bytes[n], CANARY);
        memset(bytes, CANARY, n + 1);
        assert_int_equal(simdrop_parallel_mask_layout_bits(&executor, &mask, &cases[i], bytes), SIMDROP_OK);
        check_bytes(expected_bits, bytes, PACKED(n), "bits of layout %zu on %zu threads", i, thread_counts[t]);
        assert_int_equal(bytes[PACKED(n)], CANARY);
        const struct {
          forward_beside *forward;
          const uint8_t *expected;
          size_t size;
          const char *what;
        } beside[] = {{simdrop_parallel_forward_layout_bits, expected_bits, PACKED(n), "bits"},
                      {simdrop_parallel_forward_layout_bytes, expected_bytes, n, "bytes"}};
        for (size_t b = 0; b < LENGTH(beside); ++b) {
          memset(bytes, CANARY, n + 1);
          memset(y, CANARY, room * size);
          assert_int_equal(beside[b].forward(&executor, &mask, dtype, &cases[i], x + middle, y + middle, bytes), SIMDROP_OK);
          check_bytes(expected, y, room * size, "layout %zu beside %s on %zu threads", i, beside[b].what, thread_counts[t]);
          check_bytes(beside[b].expected, bytes, beside[b].size, "%s beside layout %zu on %zu threads", beside[b].what, i,
                      thread_counts[t]);
          assert_int_equal(bytes[beside[b].size], CANARY);
        }
        memset(y, CANARY, room * size);
        assert_int_equal(
            simdrop_parallel_apply_bits_layout(&executor, mask.p, dtype, &cases[i], expected_bits, x + middle, y + middle),
            SIMDROP_OK);
        check_bytes(stored_expected, y, room * size, "stored bits of layout %zu on %zu threads", i, thread_counts[t]);
      }
    }
    free(expected_bits);
    free(stored_expected);
    free(x);
    free(y);
    free(expected);
    free(bytes);
    free(expected_bytes);
  }
}

// Pieces follow one another, begin at multiples of 4096, are whole, and as even as that allows.
static void cuts(void **state) {
  (void)state;
  static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 100000, SIZE_MAX - 1, SIZE_MAX};
  static const size_t piece_counts[] = {1, 2, 3, 7, 64, 1000};
  for (size_t s = 0; s < LENGTH(sizes); ++s) {
    for (size_t c = 0; c < LENGTH(piece_counts); ++c) {
      size_t before = 0, least = SIZE_MAX, most = 0;
      for (size_t piece = 0; piece < piece_counts[c]; ++piece) {
        size_t begin, end;
        assert_int_equal(simdrop_cut(sizes[s], piece_counts[c], piece, &begin, &end), SIMDROP_OK);
        assert_int_equal(begin, before);
        assert_true(end >= begin && end <= sizes[s]);
        if (begin < end) assert_int_equal(begin % GRAIN, 0);
        const size_t share = (end - begin) / GRAIN + ((end - begin) % GRAIN != 0);
        if (share < least) least = share;
        if (share > most) most = share;
        before = end;
      }
      assert_int_equal(before, sizes[s]);
      assert_true(most - least <= 1);
    }
  }
  size_t begin = 77, end = 78;
  // More pieces than grains: those behind the last grain are empty.
  assert_int_equal(simdrop_cut(SIZE_MAX, SIZE_MAX, SIZE_MAX - 1, &begin, &end), SIMDROP_OK);
  assert_true(begin == SIZE_MAX && end == SIZE_MAX);
  assert_int_equal(simdrop_cut(SIZE_MAX, SIZE_MAX, SIZE_MAX / GRAIN, &begin, &end), SIMDROP_OK);
  assert_true(begin == SIZE_MAX / GRAIN * GRAIN && end == SIZE_MAX);
  begin = 77, end = 78;
  assert_int_equal(simdrop_cut(10, 2, 2, &begin, &end), SIMDROP_ERROR_SHAPE);
  assert_int_equal(simdrop_cut(10, 0, 0, &begin, &end), SIMDROP_ERROR_SHAPE);
  assert_int_equal(simdrop_cut(10, 1, 0, NULL, &end), SIMDROP_ERROR_NULL_POINTER);
  assert_int_equal(simdrop_cut(10, 1, 0, &begin, NULL), SIMDROP_ERROR_NULL_POINTER);
  assert_int_equal(begin, 77);
  assert_int_equal(end, 78);
}

// Where a layout is cut is a matter of integers.
static void layout_cuts_raise_no_flag(void **state) {
  (void)state;
  const simdrop_layout layout = {2, {401, 601}, {602, 1}, {601, 1}, {601, 1}, 0};
  feclearexcept(FE_ALL_EXCEPT);
  for (size_t pieces = 1; pieces <= 9; ++pieces) {
    simdrop_layout_part part;
    assert_int_equal(simdrop_cut_layout(&layout, pieces, pieces / 2, &part), SIMDROP_OK);
  }
  assert_int_equal(fetestexcept(FE_ALL_EXCEPT), 0);
}

// The parts of a layout have each of its elements once, with the places and the index that it has in the whole.
static void layout_cuts(void **state) {
  (void)state;
  static const simdrop_layout cases[] = {
      {1, {100000}, {1}, {1}, {1}, 0},
      {2, {300, 200}, {200, 1}, {200, 1}, {0, 1}, 0},
      {3, {7, 30, 40}, {1200, 40, 1}, {-1300, 41, -1}, {1300, 40, 1}, 0},
      {4, {2, 3, 5, 7}, {105, 35, 7, 1}, {1, 2, 6, 30}, {105, 0, 7, 0}, 0},
      {1, {3}, {0}, {5}, {2}, 0},
      {0, {0}, {0}, {0}, {0}, 0},
  };
  for (size_t i = 0; i < LENGTH(cases); ++i) {
    // y places are unique: they name the elements.
    enum {
      PLACES = 200000,
      MIDDLE = 50000
    };
    int64_t *const x_of = allocate(PLACES * sizeof *x_of), *const index_of = allocate(PLACES * sizeof *index_of);
    for (size_t pieces = 1; pieces <= 9; ++pieces) {
      for (size_t k = 0; k < PLACES; ++k) x_of[k] = INT64_MIN;
      size_t total = 0, count = 1;
      for (int a = 0; a < cases[i].rank; ++a) count *= cases[i].dims[a];
      for (size_t piece = 0; piece <= pieces; ++piece) {
        // The last time, the whole itself is compared with what the parts have left.
        simdrop_layout_part part = {.layout = cases[i]};
        if (piece < pieces) assert_int_equal(simdrop_cut_layout(&cases[i], pieces, piece, &part), SIMDROP_OK);
        size_t part_count = 1;
        for (int a = 0; a < part.layout.rank; ++a) part_count *= part.layout.dims[a];
        for (size_t k = 0; k < part_count; ++k) {
          int64_t x = part.x_offset, y = part.y_offset, index = (int64_t)part.index_offset;
          size_t rest = k;
          for (int a = part.layout.rank - 1; a >= 0; --a) {
            const int64_t place = (int64_t)(rest % part.layout.dims[a]);
            rest /= part.layout.dims[a];
            x += place * part.layout.x_strides[a];
            y += place * part.layout.y_strides[a];
            index += place * (int64_t)part.layout.index_strides[a];
          }
          if (piece < pieces) {
            assert_true(x_of[MIDDLE + y] == INT64_MIN);
            x_of[MIDDLE + y] = x;
            index_of[MIDDLE + y] = index;
            ++total;
          } else if (x_of[MIDDLE + y] != x || index_of[MIDDLE + y] != index) {
            fail_msg("layout %zu, %zu pieces: element at y %lld", i, pieces, (long long)y);
          }
        }
      }
      assert_int_equal(total, count);
    }
    free(x_of);
    free(index_of);
  }
  // Even pieces: the outer axis of 2 cannot give 7.
  const simdrop_layout uneven = {2, {2, 7000}, {8000, 1}, {8000, 1}, {9000, 1}, 0};
  for (size_t piece = 0; piece < 7; ++piece) {
    simdrop_layout_part part;
    assert_int_equal(simdrop_cut_layout(&uneven, 7, piece, &part), SIMDROP_OK);
    const size_t count = part.layout.dims[0] * part.layout.dims[1];
    assert_true(count > 1800 && count < 2200);
  }
  simdrop_layout_part part;
  const simdrop_layout bad_rank = {.rank = 9}, bad_size = {1, {SIZE_MAX}, {1}, {1}, {1}, 0};
  const simdrop_layout bad_reach = {1, {3}, {PTRDIFF_MAX}, {1}, {1}, 0}, bad_index = {1, {3}, {1}, {1}, {UINT64_MAX}, 0};
  assert_int_equal(simdrop_cut_layout(NULL, 2, 0, &part), SIMDROP_ERROR_NULL_POINTER);
  assert_int_equal(simdrop_cut_layout(&uneven, 2, 0, NULL), SIMDROP_ERROR_NULL_POINTER);
  assert_int_equal(simdrop_cut_layout(&uneven, 2, 2, &part), SIMDROP_ERROR_SHAPE);
  assert_int_equal(simdrop_cut_layout(&bad_rank, 2, 0, &part), SIMDROP_ERROR_RANK);
  assert_int_equal(simdrop_cut_layout(&bad_size, 2, 0, &part), SIMDROP_ERROR_SIZE_OVERFLOW);
  assert_int_equal(simdrop_cut_layout(&bad_reach, 2, 0, &part), SIMDROP_ERROR_SIZE_OVERFLOW);
  assert_int_equal(simdrop_cut_layout(&bad_index, 2, 0, &part), SIMDROP_ERROR_INDEX_OVERFLOW);
}

// Numbers that overflow if they are multiplied or added without care.
static void layout_cuts_with_large_numbers(void **state) {
  (void)state;
  simdrop_layout_part part;
  // Two axes whose indices, taken as one axis, would pass 2^64 - 1: each part is a layout that a call takes.
  const simdrop_layout top_index = {2, {3, 2}, {2, 1}, {2, 1}, {0, UINT64_C(1) << 63}, 0};
  for (size_t piece = 0; piece < 2; ++piece) {
    assert_int_equal(simdrop_cut_layout(&top_index, 2, piece, &part), SIMDROP_OK);
    const simdrop_mask mask = {.p = 0.5, .seed = 1, .offset = part.index_offset};
    uint8_t bits = 0;
    assert_int_equal(simdrop_mask_layout_bits(&mask, &part.layout, &bits), SIMDROP_OK);
  }
  // Steps of x that reach from end to end; the third piece is empty.
  const simdrop_layout far_x = {2, {2, 2}, {0, PTRDIFF_MAX - 1}, {2, 1}, {2, 1}, 0};
  const simdrop_layout far_y = {1, {2}, {1}, {PTRDIFF_MAX - 1}, {1}, 0};
  for (size_t piece = 0; piece < 3; ++piece) {
    assert_int_equal(simdrop_cut_layout(&far_x, 3, piece, &part), SIMDROP_OK);
    assert_int_equal(simdrop_cut_layout(&far_y, 3, piece, &part), SIMDROP_OK);
    assert_int_equal(part.layout.dims[part.layout.rank - 2] * part.layout.dims[part.layout.rank - 1], piece < 2);
    assert_int_equal(part.y_offset, piece == 1 ? PTRDIFF_MAX - 1 : 0);
  }
  // More pieces than could ever be: the first has something, the last has not.
  const simdrop_layout small = {2, {4, 5}, {7, 1}, {7, 1}, {5, 1}, 0};
  assert_int_equal(simdrop_cut_layout(&small, SIZE_MAX, 0, &part), SIMDROP_OK);
  assert_int_not_equal(part.layout.dims[0] * part.layout.dims[1], 0);
  assert_int_equal(simdrop_cut_layout(&small, SIZE_MAX, SIZE_MAX - 1, &part), SIMDROP_OK);
  assert_int_equal(part.layout.dims[0] * part.layout.dims[1], 0);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(dense_calls),
      cmocka_unit_test(layouts),
      cmocka_unit_test(cuts),
      cmocka_unit_test(layout_cuts),
      cmocka_unit_test(layout_cuts_raise_no_flag),
      cmocka_unit_test(layout_cuts_with_large_numbers),
  };
  return RUN_TESTS(argc, argv, tests);
}

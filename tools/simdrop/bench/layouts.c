// Shapes as networks have them, filled up with samples to the size that is asked for.
#include "bench/layouts.h"

#include <string.h>

#include "bench/baseline.h"

size_t bench_layout_elements(const simdrop_layout *layout) {
  size_t count = 1;
  for (int a = 0; a < layout->rank; ++a) count *= layout->dims[a];
  return count;
}

size_t bench_layout_extent(const simdrop_layout *layout) {
  size_t extent = 1;
  for (int a = 0; a < layout->rank; ++a) extent += (layout->dims[a] - 1) * (size_t)layout->y_strides[a];
  return extent;
}

void bench_run_layout(const bench_case *c, uint64_t repetitions) {
  for (uint64_t i = 0; i < repetitions; ++i) {
    simdrop_forward_layout(&c->mask, c->dtype, &c->layout, c->x, c->y);
    BENCH_BARRIER();
  }
}

static void run_scale(const bench_case *c, uint64_t repetitions) {
  const size_t n = bench_layout_elements(&c->layout);
  for (uint64_t i = 0; i < repetitions; ++i) {
    if (c->dtype == SIMDROP_F64) {
      baseline_scale_f64(c->scale, n, c->x, c->y);
    } else {
      baseline_scale_f32(c->scale, n, c->x, c->y);
    }
    BENCH_BARRIER();
  }
}

static void run_forward(const bench_case *c, uint64_t repetitions) {
  const size_t n = bench_layout_elements(&c->layout);
  for (uint64_t i = 0; i < repetitions; ++i) {
    simdrop_forward(&c->mask, c->dtype, n, c->x, c->y, NULL);
    BENCH_BARRIER();
  }
}

static void run_row_memcpy(const bench_case *c, uint64_t repetitions) {
  const simdrop_layout *const l = &c->layout;
  const size_t size = c->element_size, bytes = l->dims[3] * size;
  for (uint64_t r = 0; r < repetitions; ++r) {
    for (size_t i = 0; i < l->dims[0]; ++i)
      for (size_t j = 0; j < l->dims[1]; ++j)
        for (size_t k = 0; k < l->dims[2]; ++k) {
          const ptrdiff_t x = (ptrdiff_t)i * l->x_strides[0] + (ptrdiff_t)j * l->x_strides[1] + (ptrdiff_t)k * l->x_strides[2];
          const ptrdiff_t y = (ptrdiff_t)i * l->y_strides[0] + (ptrdiff_t)j * l->y_strides[1] + (ptrdiff_t)k * l->y_strides[2];
          memcpy((char *)c->y + y * (ptrdiff_t)size, (const char *)c->x + x * (ptrdiff_t)size, bytes);
        }
    BENCH_BARRIER();
  }
}

// Samples of this many elements that fit.
static size_t samples(const bench_case *c, size_t elements) { return c->n > elements ? c->n / elements : 1; }

static void set_channels(bench_case *c, simdrop_channel_order order, size_t channels, size_t height, size_t width) {
  const size_t n = samples(c, channels * height * width);
  const size_t first[] = {n, channels, height, width}, last[] = {n, height, width, channels};
  simdrop_layout_channels(order, 2, 4, order == SIMDROP_CHANNELS_FIRST ? first : last, &c->layout);
}

static void first_7x7(bench_case *c) { set_channels(c, SIMDROP_CHANNELS_FIRST, 64, 7, 7); }
static void first_8x8(bench_case *c) { set_channels(c, SIMDROP_CHANNELS_FIRST, 64, 8, 8); }
static void first_14x14(bench_case *c) { set_channels(c, SIMDROP_CHANNELS_FIRST, 64, 14, 14); }
static void first_56x56(bench_case *c) { set_channels(c, SIMDROP_CHANNELS_FIRST, 16, 56, 56); }
static void first_1x1(bench_case *c) { set_channels(c, SIMDROP_CHANNELS_FIRST, 1024, 1, 1); }
static void last_3(bench_case *c) { set_channels(c, SIMDROP_CHANNELS_LAST, 3, 32, 32); }
static void last_64(bench_case *c) { set_channels(c, SIMDROP_CHANNELS_LAST, 64, 14, 14); }
static void last_100(bench_case *c) { set_channels(c, SIMDROP_CHANNELS_LAST, 100, 14, 14); }

static void dense(bench_case *c) {
  const size_t dims[] = {samples(c, 64 * 8 * 8), 64, 8, 8};
  simdrop_layout_dense(4, dims, &c->layout);
}

// Rows of a tile that begin at odd indices of rows of 4099 elements.
static void set_tile(bench_case *c, size_t columns) {
  uint64_t first;
  const size_t rows = samples(c, columns);
  simdrop_layout_tile(0, NULL, rows + 5, 4099, 5, rows + 5, 33, 33 + columns, &c->layout, &first);
  c->mask.offset = first;
}

static void tile_64(bench_case *c) { set_tile(c, 64); }
static void tile_128(bench_case *c) { set_tile(c, 128); }
static void tile_512(bench_case *c) { set_tile(c, 512); }
static void tile_1024(bench_case *c) { set_tile(c, 1024); }

// The inner part of a padded tensor, in x and in y, with a decision for each element.
static void set_view(bench_case *c, size_t width) {
  const size_t dims[] = {samples(c, 8 * 9 * (width + 16)), 8, 8, width};
  simdrop_layout_dense(4, dims, &c->layout);
  const size_t strides[] = {8 * 9 * (width + 16), 9 * (width + 16), width + 16, 1};
  for (int a = 0; a < 4; ++a) c->layout.x_strides[a] = c->layout.y_strides[a] = (ptrdiff_t)strides[a];
}

static void view_64(bench_case *c) { set_view(c, 64); }
static void view_256(bench_case *c) { set_view(c, 256); }

static void batch_first(bench_case *c) {
  simdrop_layout_time_shared(SIMDROP_BATCH_FIRST, samples(c, 16 * 512), 16, 512, &c->layout);
}

static void time_first(bench_case *c) {
  simdrop_layout_time_shared(SIMDROP_TIME_FIRST, samples(c, 16 * 512), 16, 512, &c->layout);
}

static void drop_path(bench_case *c) {
  const size_t dims[] = {samples(c, 4096), 4096};
  simdrop_layout_drop_path(2, dims, &c->layout);
}

// Channels-last memory with the decisions of the channels-first tensor.
static void transposed(bench_case *c) {
  const size_t n = samples(c, 64 * 196);
  const size_t dims[] = {n, 196, 64};
  simdrop_layout_dense(3, dims, &c->layout);
  c->layout.index_strides[1] = 1;
  c->layout.index_strides[2] = 196;
}

//  X(identifier, name, the tensor, reference, the reference's function)
#define BENCH_LAYOUTS(X)                                                                             \
  X(dense, "dense", "dense (N, 64, 8, 8)", "forward", run_forward)                                   \
  X(first_1x1, "first-1x1", "channels first (N, 1024, 1, 1)", "forward", run_forward)                \
  X(first_7x7, "first-7x7", "channels first (N, 64, 7, 7)", "scale", run_scale)                      \
  X(first_8x8, "first-8x8", "channels first (N, 64, 8, 8)", "scale", run_scale)                      \
  X(first_14x14, "first-14x14", "channels first (N, 64, 14, 14)", "scale", run_scale)                \
  X(first_56x56, "first-56x56", "channels first (N, 16, 56, 56)", "scale", run_scale)                \
  X(last_3, "last-3", "channels last (N, 32, 32, 3)", "forward", run_forward)                        \
  X(last_64, "last-64", "channels last (N, 14, 14, 64)", "scale", run_scale)                         \
  X(last_100, "last-100", "channels last (N, 14, 14, 100)", "scale", run_scale)                      \
  X(tile_64, "tile-64", "64 of 4099 columns, from an odd one", "forward", run_forward)               \
  X(tile_128, "tile-128", "128 of 4099 columns, from an odd one", "forward", run_forward)            \
  X(tile_512, "tile-512", "512 of 4099 columns, from an odd one", "forward", run_forward)            \
  X(tile_1024, "tile-1024", "1024 of 4099 columns, from an odd one", "forward", run_forward)         \
  X(view_64, "view-64", "(N, 8, 8, 64) of a padded (N, 8, 9, 80)", "row memcpy", run_row_memcpy)     \
  X(view_256, "view-256", "(N, 8, 8, 256) of a padded (N, 8, 9, 272)", "row memcpy", run_row_memcpy) \
  X(batch_first, "batch-first", "time-shared (N, 16, 512), batch first", "scale", run_scale)         \
  X(time_first, "time-first", "time-shared (16, N, 512), time first", "scale", run_scale)            \
  X(drop_path, "drop-path", "drop-path (N, 4096)", "scale", run_scale)                               \
  X(transposed, "transposed", "(N, 14, 14, 64) with the indices of (N, 64, 14, 14)", "forward", run_forward)

#define LAYOUT_ROW(identifier, name, shape, reference_name, reference) {name, shape, reference_name, reference, identifier},
const bench_layout bench_layouts[] = {BENCH_LAYOUTS(LAYOUT_ROW)};
const int bench_layout_count = sizeof bench_layouts / sizeof bench_layouts[0];

#define NAME_ONLY(identifier, name, shape, reference_name, reference) name,
const char *const bench_layout_names[] = {BENCH_LAYOUTS(NAME_ONLY) NULL};

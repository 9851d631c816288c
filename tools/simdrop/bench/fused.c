// The calls. x is the input, or the gradient of the output; other the residual, or what else a gradient depends on; y the
// result.
#include "bench/fused.h"

#include "bench/limits.h"

// Of the longest rows, of the largest type. Ordinary numbers, as zeros of every type are.
static double bias[BENCH_CHAIN_COLUMNS], bias_gradient[BENCH_CHAIN_COLUMNS];
static double gamma_gradient[BENCH_CHAIN_COLUMNS], beta_gradient[BENCH_CHAIN_COLUMNS];

simdrop_status bench_chain(const bench_case *c, const simdrop_executor *executor) {
  const simdrop_chain chain = {.bias = bias, .residual = c->other};
  return simdrop_chain_forward(executor, &c->mask, c->dtype, &c->matrix, &chain, c->x, c->y, NULL);
}

simdrop_status bench_chain_gelu(const bench_case *c, const simdrop_executor *executor) {
  const simdrop_chain chain = {.activation = SIMDROP_GELU, .bias = bias, .residual = c->other};
  return simdrop_chain_forward(executor, &c->mask, c->dtype, &c->matrix, &chain, c->x, c->y, NULL);
}

simdrop_status bench_chain_backward(const bench_case *c, const simdrop_executor *executor) {
  const simdrop_chain chain = {.bias = bias};
  return simdrop_chain_backward(executor, &c->mask, c->dtype, &c->matrix, &chain, NULL, NULL, c->x, c->y, bias_gradient);
}

simdrop_status bench_gelu_backward(const bench_case *c, const simdrop_executor *executor) {
  const simdrop_chain chain = {.activation = SIMDROP_GELU, .bias = bias};
  return simdrop_chain_backward(executor, &c->mask, c->dtype, &c->matrix, &chain, NULL, c->other, c->x, c->y, bias_gradient);
}

simdrop_status bench_norm(const bench_case *c, const simdrop_executor *executor) {
  const simdrop_norm norm = {.epsilon = 1e-5, .bias = bias, .residual = c->other, .gamma = bias, .beta = bias};
  return simdrop_norm_forward(executor, &c->mask, c->dtype, &c->matrix, &norm, c->x, NULL, c->y, NULL);
}

simdrop_status bench_norm_backward(const bench_case *c, const simdrop_executor *executor) {
  const simdrop_norm norm = {.epsilon = 1e-5, .gamma = bias};
  return simdrop_norm_backward(executor, &c->mask, c->dtype, &c->matrix, &norm, c->other, c->statistics, c->x, NULL, NULL, c->y,
                               gamma_gradient, beta_gradient, bias_gradient);
}

// Scores of heads of 64 elements.
static simdrop_softmax softmax_of(const bench_case *c) { return simdrop_softmax_plain(0.125, c->matrix.columns); }

simdrop_status bench_softmax(const bench_case *c, const simdrop_executor *executor) {
  const simdrop_softmax softmax = softmax_of(c);
  return simdrop_softmax_forward(executor, &c->mask, c->dtype, &c->matrix, &softmax, c->x, c->y, NULL, NULL);
}

// What the other array holds is taken for the probabilities.
simdrop_status bench_softmax_backward(const bench_case *c, const simdrop_executor *executor) {
  const simdrop_softmax softmax = softmax_of(c);
  return simdrop_softmax_backward(executor, &c->mask, c->dtype, &c->matrix, &softmax, c->other, NULL, NULL, c->x, c->y);
}

// Here the other array has the scores.
simdrop_status bench_softmax_backward_statistics(const bench_case *c, const simdrop_executor *executor) {
  const simdrop_softmax softmax = softmax_of(c);
  return simdrop_softmax_backward(executor, &c->mask, c->dtype, &c->matrix, &softmax, NULL, c->other, c->statistics, c->x,
                                  c->y);
}

// ---- tiles, the smallest that are promised to cost little more than the same elements in one call
//
// They lie one after the other in y, each by itself, as those do that a kernel has just made. (Where they lie in a matrix whose
// rows are a power of two apart, rows of a tile are in few sets of the caches, and moving them takes longer than to drop them.)

#define TILE_ROWS 16
#define TILE_COLUMNS 64

typedef enum tile_way {
  BY_MATRIX,  // numbered by the whole matrix, which has rows of BENCH_CHAIN_COLUMNS
  NUMBERED,   // one after the other
  BY_STRIPS,  // as the first, but the decisions of all tiles side by side are drawn at once
} tile_way;

typedef struct tile_call {
  const bench_case *c;
  simdrop_tile tile;
  tile_way way;
} tile_call;

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

// Tiles of rows `row` .. row + rows - 1.
static void apply_tiles(const tile_call *call, size_t row, size_t rows) {
  const bench_case *const c = call->c;
  const size_t columns = c->matrix.columns, across = (columns + TILE_COLUMNS - 1) / TILE_COLUMNS;
  uint8_t bits[TILE_ROWS * BENCH_CHAIN_COLUMNS / 8];
  const size_t bits_stride = (columns + 7) / 8;
  char *y = (char *)c->y + row * columns * c->element_size;
  if (call->way == BY_STRIPS) simdrop_tile_bits(&call->tile, row, 0, rows, columns, bits, bits_stride);
  for (size_t column = 0; column < columns; column += TILE_COLUMNS) {
    const size_t width = smaller(columns - column, TILE_COLUMNS), number = row / TILE_ROWS * across + column / TILE_COLUMNS;
    switch (call->way) {
      case BY_MATRIX: simdrop_tile_apply(&call->tile, row, column, rows, width, y, (ptrdiff_t)width); break;
      case NUMBERED: simdrop_tile_apply(&call->tile, number * TILE_ROWS, 0, rows, width, y, (ptrdiff_t)width); break;
      case BY_STRIPS:
        simdrop_tile_apply_bits(&call->tile, rows, width, bits + column / 8, bits_stride, y, (ptrdiff_t)width);
        break;
    }
    y += rows * width * c->element_size;
  }
}

static void run_tiles(void *context, size_t piece) {
  const tile_call *const call = context;
  const size_t rows = call->c->matrix.rows, bands = (rows + TILE_ROWS - 1) / TILE_ROWS, pieces = call->c->pieces;
  for (size_t band = bands * piece / pieces; band < bands * (piece + 1) / pieces; ++band)
    apply_tiles(call, band * TILE_ROWS, smaller(rows - band * TILE_ROWS, TILE_ROWS));
}

// Threads share the tile; the library does not cut anything here.
static simdrop_status apply_all_tiles(const bench_case *c, const simdrop_executor *executor, tile_way way) {
  tile_call call = {.c = c, .way = way};
  const uint64_t index_stride = way == NUMBERED ? TILE_COLUMNS : c->matrix.columns;
  const simdrop_status status = simdrop_tile_init(&c->mask, c->dtype, index_stride, &call.tile);
  if (status != SIMDROP_OK) return status;
  if (executor != NULL && c->pieces > 1) {
    executor->parallel_for(executor->context, c->pieces, run_tiles, &call);
  } else {
    bench_case whole = *c;
    whole.pieces = 1;
    call.c = &whole;
    run_tiles(&call, 0);
  }
  return SIMDROP_OK;
}

simdrop_status bench_tile(const bench_case *c, const simdrop_executor *executor) {
  return apply_all_tiles(c, executor, BY_MATRIX);
}

simdrop_status bench_tile_numbered(const bench_case *c, const simdrop_executor *executor) {
  return apply_all_tiles(c, executor, NUMBERED);
}

simdrop_status bench_tile_bits(const bench_case *c, const simdrop_executor *executor) {
  return apply_all_tiles(c, executor, BY_STRIPS);
}

// ---- variants

simdrop_status bench_alpha(const bench_case *c, const simdrop_executor *executor) {
  return simdrop_alpha_forward(executor, &c->mask, c->dtype, c->n, c->x, c->y);
}

simdrop_status bench_gaussian(const bench_case *c, const simdrop_executor *executor) {
  return simdrop_gaussian_forward(executor, &c->mask, c->dtype, c->n, c->x, c->y);
}

#define TEMPERATURE 0.1

simdrop_status bench_concrete(const bench_case *c, const simdrop_executor *executor) {
  return simdrop_concrete_forward(executor, &c->mask, TEMPERATURE, c->dtype, c->n, c->x, c->y);
}

simdrop_status bench_concrete_backward(const bench_case *c, const simdrop_executor *executor) {
  double p_gradient;
  return simdrop_concrete_backward(executor, &c->mask, TEMPERATURE, c->dtype, c->n, c->other, c->x, c->y, &p_gradient);
}

// x has the weights.
simdrop_status bench_dropconnect(const bench_case *c, const simdrop_executor *executor) {
  const size_t columns = c->matrix.columns;
  return simdrop_dropconnect(executor, &c->mask, c->dtype, c->matrix.rows, columns, c->x, columns, bias, c->y);
}

#define IMAGE_SIDE 32
#define BLOCK_SIDE 7
_Static_assert(IMAGE_SIDE *IMAGE_SIDE == BENCH_CHAIN_COLUMNS, "a row is an image");

typedef struct image_shape {
  size_t height, width, block_height, block_width;
  double gamma;
} image_shape;

// A shorter row is an image of one line.
static image_shape shape_of(const bench_case *c) {
  const size_t columns = c->matrix.columns, height = columns == BENCH_CHAIN_COLUMNS ? IMAGE_SIDE : 1, width = columns / height;
  image_shape shape = {height, width, smaller(height, BLOCK_SIDE), smaller(width, BLOCK_SIDE), 0};
  simdrop_dropblock_gamma(c->mask.p, height, width, shape.block_height, shape.block_width, &shape.gamma);
  return shape;
}

simdrop_status bench_dropblock(const bench_case *c, const simdrop_executor *executor) {
  const image_shape shape = shape_of(c);
  simdrop_mask mask = c->mask;
  uint64_t kept;
  mask.p = shape.gamma;
  const simdrop_status status = simdrop_dropblock_bits(executor, &mask, c->matrix.rows, shape.height, shape.width,
                                                       shape.block_height, shape.block_width, c->bits, &kept);
  if (status != SIMDROP_OK) return status;
  const double scale = kept > 0 ? (double)c->n / (double)kept : 0;
  return simdrop_apply_bits_scaled(executor, scale, c->dtype, c->n, c->bits, c->x, c->y);
}

double bench_planes_of_blocks(const bench_case *c) {
  const image_shape shape = shape_of(c);
  const size_t places = (shape.height - shape.block_height + 1) * (shape.width - shape.block_width + 1);
  return bench_expected_planes(bench_threshold(shape.gamma)) * (double)places / (double)(shape.height * shape.width);
}

// Of the second pass, as those that follow.
simdrop_status bench_moments(const bench_case *c, const simdrop_executor *executor) {
  char *const mean = c->sums, *const squares = mean + bench_number_size(c->dtype) * c->n;
  return simdrop_moments_update(executor, c->dtype, 2, c->n, c->x, mean, squares);
}

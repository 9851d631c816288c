// The calls. x is the input, or the gradient of the output; other the residual, or what else a gradient depends on; y the
// result.
#include "bench/fused.h"

// Of the longest rows, of the largest type. Ordinary numbers, as zeros of every type are.
static double bias[BENCH_CHAIN_COLUMNS], bias_gradient[BENCH_CHAIN_COLUMNS];

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

// ---- tiles, the smallest that are promised to cost little more than the same elements in one call

#define TILE_ROWS 16
#define TILE_COLUMNS 64

typedef struct tile_call {
  const bench_case *c;
  simdrop_tile tile;
  bool is_numbered;  // tiles one after the other; otherwise the whole matrix
} tile_call;

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

// Tiles of rows `row` .. row + rows - 1.
static void apply_tiles(const tile_call *call, size_t row, size_t rows) {
  const bench_case *const c = call->c;
  const size_t columns = c->matrix.columns, across = (columns + TILE_COLUMNS - 1) / TILE_COLUMNS;
  for (size_t column = 0; column < columns; column += TILE_COLUMNS) {
    const size_t number = row / TILE_ROWS * across + column / TILE_COLUMNS;
    const size_t mask_row = call->is_numbered ? number * TILE_ROWS : row, mask_column = call->is_numbered ? 0 : column;
    char *const y = (char *)c->y + (row * columns + column) * c->element_size;
    simdrop_tile_apply(&call->tile, mask_row, mask_column, rows, smaller(columns - column, TILE_COLUMNS), y,
                       (ptrdiff_t)columns);
  }
}

static void run_tiles(void *context, size_t piece) {
  const tile_call *const call = context;
  const size_t rows = call->c->matrix.rows, bands = (rows + TILE_ROWS - 1) / TILE_ROWS, pieces = call->c->pieces;
  for (size_t band = bands * piece / pieces; band < bands * (piece + 1) / pieces; ++band)
    apply_tiles(call, band * TILE_ROWS, smaller(rows - band * TILE_ROWS, TILE_ROWS));
}

// Threads share the tile; the library does not cut anything here.
static simdrop_status apply_all_tiles(const bench_case *c, const simdrop_executor *executor, bool is_numbered) {
  tile_call call = {.c = c, .is_numbered = is_numbered};
  const uint64_t index_stride = is_numbered ? TILE_COLUMNS : c->matrix.columns;
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

simdrop_status bench_tile(const bench_case *c, const simdrop_executor *executor) { return apply_all_tiles(c, executor, false); }

simdrop_status bench_tile_numbered(const bench_case *c, const simdrop_executor *executor) {
  return apply_all_tiles(c, executor, true);
}

// ---- variants

simdrop_status bench_alpha(const bench_case *c, const simdrop_executor *executor) {
  return simdrop_alpha_forward(executor, &c->mask, c->dtype, c->n, c->x, c->y);
}

simdrop_status bench_gaussian(const bench_case *c, const simdrop_executor *executor) {
  return simdrop_gaussian_forward(executor, &c->mask, c->dtype, c->n, c->x, c->y);
}

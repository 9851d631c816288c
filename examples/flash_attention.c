// Attention with dropout that never has the matrix of scores in memory: forward and backward, in tiles, by one thread.
//
// The way is that of Dao et al., "FlashAttention: Fast and Memory-Efficient Exact Attention with IO-Awareness" (NeurIPS 2022):
// scores of a few queries and 128 keys at a time are made, turned into powers, dropped by simdrop_tile_apply while they are in
// the first cache, and multiplied by the values. The backward pass makes them again, and has the same dropout. At the end, all
// is compared with the plain form, which has whole matrices, softmax and dropout by simdrop_softmax_forward and its gradient by
// simdrop_softmax_backward.
//
// A row's sum is made of powers that are not dropped, and what is kept is scaled: dropout comes after the softmax.
//
// Every query sees a key of its first tile here. With masks that may hide all keys of a tile, take_powers must leave rows whose
// maximum is still -INFINITY as they are: the difference of two infinities is NaN.
#include <simdrop/simdrop.h>

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  HEADS = 3,
  LENGTH = 300,  // queries and keys of a head: the last tiles are not whole
  SIZE = 32,     // of a head
  TILE_QUERIES = 16,
  TILE_KEYS = 128,  // a block of the mask: narrower tiles would draw each block more than once
};

// Of the largest value: sums of 300 products in another order.
#define TOLERANCE 1e-5F

// Elements of one head, LENGTH x SIZE, or LENGTH x LENGTH.
typedef struct head_arrays {
  float *q, *k, *v, *output, *logarithms;  // of every row: its largest score + the logarithm of its sum
  float *d_output, *dq, *dk, *dv;
} head_arrays;

_Noreturn static void give_up(const char *reason) {
  fprintf(stderr, "flash_attention: %s\n", reason);
  exit(2);
}

static void check(simdrop_status status) {
  if (status != SIMDROP_OK) give_up(simdrop_status_string(status));
}

static float *allocate(size_t count) {
  float *const array = calloc(count, sizeof *array);
  if (array == NULL) give_up("there is no memory left");
  return array;
}

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

// ---- small products of matrices, each with its leading dimension

// c = alpha * a b^T, or c += alpha * a b^T: a is rows x inner, b is columns x inner.
static void multiply_transposed(size_t rows, size_t columns, size_t inner, float alpha, const float *a, size_t a_stride,
                                const float *b, size_t b_stride, float beta, float *c, size_t c_stride) {
  for (size_t i = 0; i < rows; ++i)
    for (size_t j = 0; j < columns; ++j) {
      float sum = 0;
      for (size_t k = 0; k < inner; ++k) sum += a[i * a_stride + k] * b[j * b_stride + k];
      c[i * c_stride + j] = alpha * sum + (beta == 0 ? 0 : beta * c[i * c_stride + j]);
    }
}

// c += alpha * a b: a is rows x inner, b is inner x columns.
static void add_product(size_t rows, size_t columns, size_t inner, float alpha, const float *a, size_t a_stride, const float *b,
                        size_t b_stride, float *c, size_t c_stride) {
  for (size_t i = 0; i < rows; ++i)
    for (size_t k = 0; k < inner; ++k)
      for (size_t j = 0; j < columns; ++j) c[i * c_stride + j] += alpha * a[i * a_stride + k] * b[k * b_stride + j];
}

// c += alpha * a^T b: a is inner x rows, b is inner x columns.
static void add_transposed_product(size_t rows, size_t columns, size_t inner, float alpha, const float *a, size_t a_stride,
                                   const float *b, size_t b_stride, float *c, size_t c_stride) {
  for (size_t k = 0; k < inner; ++k)
    for (size_t i = 0; i < rows; ++i)
      for (size_t j = 0; j < columns; ++j) c[i * c_stride + j] += alpha * a[k * a_stride + i] * b[k * b_stride + j];
}

// ---- in tiles

static float scale_of_scores(void) { return 1 / sqrtf((float)SIZE); }

// Queries see the keys up to their own place.
static size_t keys_of(size_t query) { return query + 1; }

// Scores of a tile; those of keys that a query does not see are -infinity.
static void make_scores(const head_arrays *h, size_t query, size_t queries, size_t key, size_t keys, float *scores) {
  multiply_transposed(queries, keys, SIZE, scale_of_scores(), h->q + query * SIZE, SIZE, h->k + key * SIZE, SIZE, 0, scores,
                      TILE_KEYS);
  for (size_t i = 0; i < queries; ++i)
    for (size_t j = 0; j < keys; ++j)
      if (key + j >= keys_of(query + i)) scores[i * TILE_KEYS + j] = -INFINITY;
}

// What is known of rows of which some tiles have been seen.
typedef struct running_softmax {
  float maximum[TILE_QUERIES], sum[TILE_QUERIES];
} running_softmax;

// Scores become powers of them less the largest so far; what was summed by a smaller one is scaled down.
static void take_powers(running_softmax *rows, size_t queries, size_t keys, float *scores, float *output) {
  for (size_t i = 0; i < queries; ++i) {
    float maximum = rows->maximum[i], sum = 0;
    for (size_t j = 0; j < keys; ++j) maximum = fmaxf(maximum, scores[i * TILE_KEYS + j]);
    const float correction = expf(rows->maximum[i] - maximum);
    for (size_t j = 0; j < keys; ++j) sum += scores[i * TILE_KEYS + j] = expf(scores[i * TILE_KEYS + j] - maximum);
    rows->maximum[i] = maximum;
    rows->sum[i] = rows->sum[i] * correction + sum;
    for (size_t c = 0; c < SIZE; ++c) output[i * SIZE + c] *= correction;
  }
}

static void forward_queries(const simdrop_tile *dropout, const head_arrays *h, size_t query, size_t queries) {
  float scores[TILE_QUERIES * TILE_KEYS];
  running_softmax rows;
  float *const output = h->output + query * SIZE;
  for (size_t i = 0; i < queries; ++i) {
    rows.maximum[i] = -INFINITY;
    rows.sum[i] = 0;
  }
  memset(output, 0, queries * SIZE * sizeof *output);
  for (size_t key = 0; key < keys_of(query + queries - 1); key += TILE_KEYS) {
    const size_t keys = smaller(TILE_KEYS, LENGTH - key);
    make_scores(h, query, queries, key, keys, scores);
    take_powers(&rows, queries, keys, scores, output);
    check(simdrop_tile_apply(dropout, query, key, queries, keys, scores, TILE_KEYS));
    add_product(queries, SIZE, keys, 1, scores, TILE_KEYS, h->v + key * SIZE, SIZE, output, SIZE);
  }
  for (size_t i = 0; i < queries; ++i) {
    for (size_t c = 0; c < SIZE; ++c) output[i * SIZE + c] /= rows.sum[i];
    h->logarithms[query + i] = rows.maximum[i] + logf(rows.sum[i]);
  }
}

// With P the probabilities, D their dropout, and g = dropout of (d_output v^T), which is the gradient with respect to P:
//     dv += D^T d_output,  ds = P * (g - sum of the row's g * P),  dq += ds k,  dk += ds^T q
// and the row's sum is that of d_output * output, as output = D v.
static void backward_tile(const simdrop_tile *dropout, const head_arrays *h, size_t query, size_t queries, size_t key,
                          size_t keys) {
  float p[TILE_QUERIES * TILE_KEYS], dropped[TILE_QUERIES * TILE_KEYS], g[TILE_QUERIES * TILE_KEYS];
  const float *const d_output = h->d_output + query * SIZE, *const output = h->output + query * SIZE;
  make_scores(h, query, queries, key, keys, p);
  for (size_t i = 0; i < queries; ++i)
    for (size_t j = 0; j < keys; ++j) p[i * TILE_KEYS + j] = expf(p[i * TILE_KEYS + j] - h->logarithms[query + i]);
  memcpy(dropped, p, sizeof dropped);
  check(simdrop_tile_apply(dropout, query, key, queries, keys, dropped, TILE_KEYS));
  add_transposed_product(keys, SIZE, queries, 1, dropped, TILE_KEYS, d_output, SIZE, h->dv + key * SIZE, SIZE);
  multiply_transposed(queries, keys, SIZE, 1, d_output, SIZE, h->v + key * SIZE, SIZE, 0, g, TILE_KEYS);
  check(simdrop_tile_apply(dropout, query, key, queries, keys, g, TILE_KEYS));
  for (size_t i = 0; i < queries; ++i) {
    float sum = 0;
    for (size_t c = 0; c < SIZE; ++c) sum += d_output[i * SIZE + c] * output[i * SIZE + c];
    for (size_t j = 0; j < keys; ++j) g[i * TILE_KEYS + j] = p[i * TILE_KEYS + j] * (g[i * TILE_KEYS + j] - sum);
  }
  const float scale = scale_of_scores();
  add_product(queries, SIZE, keys, scale, g, TILE_KEYS, h->k + key * SIZE, SIZE, h->dq + query * SIZE, SIZE);
  add_transposed_product(keys, SIZE, queries, scale, g, TILE_KEYS, h->q + query * SIZE, SIZE, h->dk + key * SIZE, SIZE);
}

static void attend_in_tiles(const simdrop_tile *dropout, const head_arrays *h) {
  for (size_t query = 0; query < LENGTH; query += TILE_QUERIES)
    forward_queries(dropout, h, query, smaller(TILE_QUERIES, LENGTH - query));
  for (size_t key = 0; key < LENGTH; key += TILE_KEYS)
    for (size_t query = 0; query < LENGTH; query += TILE_QUERIES) {
      const size_t queries = smaller(TILE_QUERIES, LENGTH - query), keys = smaller(TILE_KEYS, LENGTH - key);
      if (key < keys_of(query + queries - 1)) backward_tile(dropout, h, query, queries, key, keys);
    }
}

// ---- the plain form

static void attend_plainly(const simdrop_mask *mask, const head_arrays *h) {
  float *const scores = allocate(LENGTH * LENGTH), *const dropped = allocate(LENGTH * LENGTH);
  float *const p = allocate(LENGTH * LENGTH), *const g = allocate(LENGTH * LENGTH);
  const simdrop_matrix matrix = simdrop_matrix_dense(LENGTH, LENGTH);
  simdrop_softmax softmax = simdrop_softmax_plain((double)scale_of_scores(), LENGTH);
  softmax.causal = 1;
  multiply_transposed(LENGTH, LENGTH, SIZE, 1, h->q, SIZE, h->k, SIZE, 0, scores, LENGTH);
  check(simdrop_softmax_forward(NULL, mask, SIMDROP_F32, &matrix, &softmax, scores, dropped, p, NULL));
  add_product(LENGTH, SIZE, LENGTH, 1, dropped, LENGTH, h->v, SIZE, h->output, SIZE);

  add_transposed_product(LENGTH, SIZE, LENGTH, 1, dropped, LENGTH, h->d_output, SIZE, h->dv, SIZE);
  multiply_transposed(LENGTH, LENGTH, SIZE, 1, h->d_output, SIZE, h->v, SIZE, 0, g, LENGTH);
  check(simdrop_softmax_backward(NULL, mask, SIMDROP_F32, &matrix, &softmax, p, NULL, NULL, g, g));
  add_product(LENGTH, SIZE, LENGTH, 1, g, LENGTH, h->k, SIZE, h->dq, SIZE);
  add_transposed_product(LENGTH, SIZE, LENGTH, 1, g, LENGTH, h->q, SIZE, h->dk, SIZE);
  free(scores);
  free(dropped);
  free(p);
  free(g);
}

// ---- both

static void fill(float *values, uint64_t seed) {
  for (size_t i = 0; i < (size_t)LENGTH * SIZE; ++i)
    values[i] = (float)((i * 2654435761u + seed * 40503u) % 20011) / 5000.0F - 2;
}

static head_arrays make_head(uint64_t head) {
  head_arrays h;
  float **const all[] = {&h.q, &h.k, &h.v, &h.d_output, &h.output, &h.logarithms, &h.dq, &h.dk, &h.dv};
  for (size_t i = 0; i < sizeof all / sizeof *all; ++i) {
    *all[i] = allocate((size_t)LENGTH * SIZE);
    if (i < 4) fill(*all[i], 4 * head + i);
  }
  return h;
}

static void free_head(const head_arrays *h) {
  float *const all[] = {h->q, h->k, h->v, h->d_output, h->output, h->logarithms, h->dq, h->dk, h->dv};
  for (size_t i = 0; i < sizeof all / sizeof *all; ++i) free(all[i]);
}

// The largest difference, as a part of the largest value.
static float difference(const float *a, const float *b) {
  float largest = 0, found = 0;
  for (size_t i = 0; i < (size_t)LENGTH * SIZE; ++i) {
    largest = fmaxf(largest, fabsf(a[i]));
    const float distance = fabsf(a[i] - b[i]);
    if (!(distance <= found)) found = distance;  // NaN too
  }
  return found / largest;
}

static int compare(const char *what, uint64_t head, const float *tiled, const float *plain) {
  const float found = difference(plain, tiled);
  const int is_near = found <= TOLERANCE;
  printf("head %d, %-6s differs by %.1e of the largest value%s\n", (int)head, what, (double)found, is_near ? "" : ": too much");
  return is_near;
}

int main(void) {
  int are_near = 1;
  for (uint64_t head = 0; head < HEADS; ++head) {
    // A layer has one stream; its heads follow one another in the mask.
    const simdrop_mask mask = {.p = 0.1, .seed = 2024, .stream = 7, .offset = head * LENGTH * LENGTH};
    simdrop_tile dropout;
    check(simdrop_tile_init(&mask, SIMDROP_F32, LENGTH, &dropout));
    const head_arrays tiled = make_head(head), plain = make_head(head);
    attend_in_tiles(&dropout, &tiled);
    attend_plainly(&mask, &plain);
    are_near &= compare("output", head, tiled.output, plain.output);
    are_near &= compare("dq", head, tiled.dq, plain.dq);
    are_near &= compare("dk", head, tiled.dk, plain.dk);
    are_near &= compare("dv", head, tiled.dv, plain.dv);
    free_head(&tiled);
    free_head(&plain);
  }
  return are_near ? 0 : 1;
}

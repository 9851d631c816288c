#include "attention.h"

#include <stdlib.h>
#include <string.h>

#include "common/float16.h"
#include "gemm.h"
#include "tensor.h"

/* Bytes of a block of scores, of which the backward pass has two: both, and what is multiplied with them, fit the second cache.
 */
#define SCORES_BYTES ((size_t)256 << 10)
#define MOST_QUERIES 128
#define FEWEST_QUERIES 16 /* however many keys there are: products of fewer rows are slow */

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

static bool is_double(const struct attention *a) { return a->dtype == SIMDROP_F64; }

static size_t computed_size(const struct attention *a) { return is_double(a) ? sizeof(double) : sizeof(float); }

static simdrop_dtype computed_dtype(const struct attention *a) { return is_double(a) ? SIMDROP_F64 : SIMDROP_F32; }

static int64_t queries_of_block(const struct attention *a) {
  const int64_t most = (int64_t)(SCORES_BYTES / computed_size(a)) / larger(a->keys, 1);
  return smaller(a->queries, larger(FEWEST_QUERIES, smaller(MOST_QUERIES, most / FEWEST_QUERIES * FEWEST_QUERIES)));
}

static int64_t blocks_of_head(const struct attention *a) {
  if (a->queries == 0) return 0;
  const int64_t queries = queries_of_block(a);
  return (a->queries + queries - 1) / queries;
}

/* Keys that the queries before `end` see. */
static int64_t keys_seen(const struct attention *a, int64_t end) { return a->is_causal ? smaller(a->keys, end) : a->keys; }

static bool is_small(int64_t number) { return number >= 0 && number <= INT32_MAX; }

bool attention_fits(const struct attention *a) {
  return is_small(a->q.row_stride) && is_small(a->k.row_stride) && is_small(a->v.row_stride) && is_small(a->queries) &&
         is_small(a->keys) && is_small(a->size) && is_small(a->value_size) &&
         (a->dtype == SIMDROP_F32 || a->dtype == SIMDROP_F64 || a->dtype == SIMDROP_BF16);
}

/* ---- elements of 16 bits */

static void widen_row(const uint16_t *restrict elements, int64_t count, float *restrict row) {
  for (int64_t i = 0; i < count; ++i) row[i] = simdrop_float_from_bf16(elements[i]);
}

static void round_row(const float *restrict row, int64_t count, uint16_t *restrict elements) {
  for (int64_t i = 0; i < count; ++i) elements[i] = simdrop_bf16_from_float(row[i]);
}

/* Copies with strides, in elements of `from` and `to`. */
static void copy_elements(int64_t count, size_t size, const char *from, int64_t from_stride, char *to, int64_t to_stride) {
  for (int64_t i = 0; i < count; ++i) memcpy(to + i * to_stride * (int64_t)size, from + i * from_stride * (int64_t)size, size);
}

/* ---- rows of tensors as matrices of the type that is computed in */

static char *row_at(const struct attention_array *array, size_t size, int64_t batch, int64_t head, int64_t row) {
  return array->data + (batch * array->batch_stride + head * array->head_stride + row * array->row_stride) * (int64_t)size;
}

/* Rows that BLAS can read where they are. */
static bool is_matrix(const struct attention_array *array, int64_t rows, int64_t columns) {
  return (columns <= 1 || array->column_stride == 1) && (rows <= 1 || array->row_stride >= larger(columns, 1));
}

static bool is_in_place(simdrop_dtype dtype, const struct attention_array *array, int64_t rows, int64_t columns) {
  return dtype != SIMDROP_BF16 && is_matrix(array, rows, columns);
}

static struct matrix in_place(const struct attention_array *array, char *first, int64_t rows, int64_t columns) {
  return (struct matrix){first, rows <= 1 ? larger(columns, 1) : array->row_stride};
}

/* Rows begin at `first`; they are read where they are, or copied to `copy`. The element type is dtype, or, of bf16, widened. */
static struct matrix read_rows(simdrop_dtype dtype, const struct attention_array *array, char *first, int64_t rows,
                               int64_t columns, void *copy) {
  if (is_in_place(dtype, array, rows, columns)) return in_place(array, first, rows, columns);
  const size_t size = simdrop_dtype_size(dtype);
  for (int64_t r = 0; r < rows; ++r) {
    const char *row = first + r * array->row_stride * (int64_t)size;
    if (dtype != SIMDROP_BF16) {
      copy_elements(columns, size, row, array->column_stride, (char *)copy + (size_t)(r * columns) * size, 1);
    } else if (array->column_stride == 1) {
      widen_row((const uint16_t *)(const void *)row, columns, (float *)copy + r * columns);
    } else {
      for (int64_t c = 0; c < columns; ++c)
        ((float *)copy)[r * columns + c] =
            simdrop_float_from_bf16(((const uint16_t *)(const void *)row)[c * array->column_stride]);
    }
  }
  return (struct matrix){copy, larger(columns, 1)};
}

/* Where rows are computed that write_rows takes: in place, or in `copy`. */
static struct matrix begin_rows(simdrop_dtype dtype, const struct attention_array *array, char *first, int64_t rows,
                                int64_t columns, void *copy) {
  if (is_in_place(dtype, array, rows, columns)) return in_place(array, first, rows, columns);
  return (struct matrix){copy, larger(columns, 1)};
}

static void write_rows(simdrop_dtype dtype, const struct attention_array *array, char *first, int64_t rows, int64_t columns,
                       struct matrix matrix) {
  if (matrix.data == first) return;
  const size_t size = simdrop_dtype_size(dtype);
  for (int64_t r = 0; r < rows; ++r) {
    char *row = first + r * array->row_stride * (int64_t)size;
    if (dtype != SIMDROP_BF16) {
      copy_elements(columns, size, (const char *)matrix.data + (size_t)(r * matrix.stride) * size, 1, row,
                    array->column_stride);
    } else if (array->column_stride == 1) {
      round_row((const float *)matrix.data + r * matrix.stride, columns, (uint16_t *)(void *)row);
    } else {
      for (int64_t c = 0; c < columns; ++c)
        ((uint16_t *)(void *)row)[c * array->column_stride] =
            simdrop_bf16_from_float(((const float *)matrix.data)[r * matrix.stride + c]);
    }
  }
}

/* Rows at a time that are turned: as many elements side by side as a line of the cache has, or two. */
enum {
  TURNED_ROWS = 16
};

/* copy = the transpose of `rows` columns of a matrix of `columns` rows, from column `first` on. */
static void turn(bool is_f64, struct matrix matrix, int64_t first, int64_t rows, int64_t columns, void *copy) {
  for (int64_t c = 0; c < columns; ++c)
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t from = c * matrix.stride + first + r, to = r * columns + c;
      if (is_f64) {
        ((double *)copy)[to] = ((const double *)matrix.data)[from];
      } else {
        ((float *)copy)[to] = ((const float *)matrix.data)[from];
      }
    }
}

/* Writes the transpose of a matrix of `columns` rows; copy has room for TURNED_ROWS rows. */
static void write_turned(simdrop_dtype dtype, const struct attention_array *array, char *first, int64_t rows, int64_t columns,
                         struct matrix matrix, void *copy) {
  for (int64_t r = 0; r < rows; r += TURNED_ROWS) {
    const int64_t count = smaller(TURNED_ROWS, rows - r);
    turn(dtype == SIMDROP_F64, matrix, r, count, columns, copy);
    char *row = first + r * array->row_stride * (int64_t)simdrop_dtype_size(dtype);
    write_rows(dtype, array, row, count, columns, (struct matrix){copy, larger(columns, 1)});
  }
}

/* ---- a thread's work */

/* What a thread has at hand: copies where rows must be copied, a block of scores, and one of what becomes of them. */
struct workspace {
  void *scores, *dropped, *mask;
  void *q, *out, *dq;         /* a block's queries */
  void *k, *v;                /* a head's keys */
  void *dk, *dv;              /* and their gradients, which are transposed */
  void *turned;               /* some rows of these */
  struct matrix keys, values; /* of the head at hand, */
  int64_t batch, key_head;    /* which is this one */
  void *memory;
};

static void *take(char **next, size_t count, size_t size) {
  char *taken = *next;
  *next += (count * size + 63) / 64 * 64;
  return taken;
}

static bool make_workspace(const struct attention *a, bool is_backward, struct workspace *w) {
  const size_t size = computed_size(a), rows = (size_t)queries_of_block(a), keys = (size_t)a->keys;
  const size_t head_size = (size_t)a->size, value_size = (size_t)a->value_size;
  const size_t scores = rows * keys, in_queries = rows * larger(a->size, a->value_size),
               in_keys = keys * (head_size + value_size);
  const size_t in_turned = TURNED_ROWS * (size_t)larger(a->size, a->value_size);
  const size_t count = 3 * scores + 3 * in_queries + 2 * in_keys + in_turned;
  w->memory = malloc(count * size + 64 * 13);
  if (w->memory == NULL) return false;
  char *next = (char *)(((uintptr_t)w->memory + 63) / 64 * 64);  // NOLINT(performance-no-int-to-ptr): rounded up
  w->scores = take(&next, scores, size);
  w->q = take(&next, in_queries, size);
  w->out = take(&next, in_queries, size);
  w->k = take(&next, keys * head_size, size);
  w->v = take(&next, keys * value_size, size);
  w->mask = take(&next, scores, size);
  w->batch = -1;
  if (!is_backward) return true;
  w->dropped = take(&next, scores, size);
  w->dq = take(&next, in_queries, size);
  w->dk = take(&next, keys * head_size, size);
  w->dv = take(&next, keys * value_size, size);
  w->turned = take(&next, in_turned, size);
  return true;
}

/* A block: queries of one head, and the keys that they see. */
struct block {
  int64_t batch, head, first, rows, keys;
};

static struct block block_at(const struct attention *a, int64_t batch, int64_t head, int64_t number) {
  const int64_t most = queries_of_block(a), first = number * most, rows = smaller(most, a->queries - first);
  return (struct block){batch, head, first, rows, keys_seen(a, first + rows)};
}

static void find_head(const struct attention *a, struct workspace *w, int64_t batch, int64_t key_head) {
  if (w->batch == batch && w->key_head == key_head) return;
  const size_t size = simdrop_dtype_size(a->dtype);
  w->keys = read_rows(a->dtype, &a->k, row_at(&a->k, size, batch, key_head, 0), a->keys, a->size, w->k);
  w->values = read_rows(a->dtype, &a->v, row_at(&a->v, size, batch, key_head, 0), a->keys, a->value_size, w->v);
  w->batch = batch;
  w->key_head = key_head;
}

static struct matrix read_block(const struct attention *a, const struct attention_array *array, const struct block *b,
                                int64_t columns, void *copy) {
  char *first = row_at(array, simdrop_dtype_size(a->dtype), b->batch, b->head, b->first);
  return read_rows(a->dtype, array, first, b->rows, columns, copy);
}

static void set_mask(const struct attention *a, const struct workspace *w, const struct block *b, simdrop_softmax *softmax) {
  const struct attention_array *mask = &a->mask;
  if (a->mask_kind == ALLOWED_MASK) {
    char *first = row_at(mask, 1, b->batch, b->head, b->first);
    softmax->allowed = (const uint8_t *)first;
    softmax->allowed_stride = (ptrdiff_t)mask->row_stride;
    if (mask->column_stride == 1 || b->keys == 1) return;
    for (int64_t r = 0; r < b->rows; ++r)
      copy_elements(b->keys, 1, first + r * mask->row_stride, mask->column_stride, (char *)w->mask + r * b->keys, 1);
    softmax->allowed = w->mask;
    softmax->allowed_stride = (ptrdiff_t)b->keys;
  } else if (a->mask_kind == ADDED_MASK) {
    char *first = row_at(mask, simdrop_dtype_size(a->mask_dtype), b->batch, b->head, b->first);
    softmax->additive = first;
    softmax->additive_type = computed_dtype(a);
    softmax->additive_stride = (ptrdiff_t)mask->row_stride;
    const bool is_computed = a->mask_dtype == computed_dtype(a), is_side_by_side = mask->column_stride == 1 || b->keys == 1;
    if (is_computed && is_side_by_side) return;
    const int64_t rows = mask->row_stride == 0 ? 1 : b->rows;
    softmax->additive = read_rows(a->mask_dtype, mask, first, rows, b->keys, w->mask).data;
    softmax->additive_stride = rows == 1 ? 0 : (ptrdiff_t)b->keys;
  }
}

/* The block as simdrop's functions are told of it. */
struct softmax_block {
  simdrop_mask dropout;
  simdrop_matrix matrix;
  simdrop_softmax softmax;
};

static struct softmax_block softmax_of(const struct attention *a, const struct workspace *w, const struct block *b) {
  struct softmax_block s = {
      .dropout = a->dropout,
      .matrix = simdrop_matrix_dense((size_t)b->rows, (size_t)b->keys),
      .softmax = simdrop_softmax_plain(a->scale, (size_t)b->keys),
  };
  const uint64_t row =
      ((uint64_t)b->batch * (uint64_t)a->heads + (uint64_t)b->head) * (uint64_t)a->queries + (uint64_t)b->first;
  s.dropout.offset += row * (uint64_t)a->keys;
  s.matrix.index_stride = (uint64_t)a->keys;
  s.softmax.causal = a->is_causal;
  s.softmax.diagonal = (ptrdiff_t)b->first;
  set_mask(a, w, b, &s.softmax);
  return s;
}

static void make_scores(const struct attention *a, const struct workspace *w, const struct block *b, struct matrix scores) {
  const struct matrix q = read_block(a, &a->q, b, a->size, w->q);
  multiply((struct product){is_double(a), false, true, false, b->rows, b->keys, a->size}, q, w->keys, scores);
}

static simdrop_status run_forward(const struct attention *a, const simdrop_executor *executor, struct workspace *w,
                                  const struct block *b, const struct attention_array *out) {
  const struct matrix scores = {w->scores, larger(b->keys, 1)};
  find_head(a, w, b->batch, b->head / (a->heads / a->key_heads));
  make_scores(a, w, b, scores);
  const struct softmax_block s = softmax_of(a, w, b);
  const simdrop_status status = simdrop_softmax_forward(executor, &s.dropout, computed_dtype(a), &s.matrix, &s.softmax,
                                                        scores.data, scores.data, NULL, NULL);
  if (status != SIMDROP_OK) return status;
  char *first = row_at(out, simdrop_dtype_size(a->dtype), b->batch, b->head, b->first);
  const struct matrix result = begin_rows(a->dtype, out, first, b->rows, a->value_size, w->out);
  multiply((struct product){is_double(a), false, false, false, b->rows, a->value_size, b->keys}, scores, w->values, result);
  write_rows(a->dtype, out, first, b->rows, a->value_size, result);
  return SIMDROP_OK;
}

/* With P the probabilities, D their dropout, and g the gradient with respect to D:
 *     dv += D^T d_out,  g = d_out v^T,  ds = what simdrop_softmax_backward makes of g,  dq = ds k,  dk += ds^T q
 * dk and dv are transposed: BLAS is a third faster at the long rows of d_out^T D and q^T ds. */
static simdrop_status run_backward(const struct attention *a, const simdrop_executor *executor, struct workspace *w,
                                   const struct block *b, const struct attention_array *d_out_array,
                                   const struct attention_array *dq_array, struct matrix dk, struct matrix dv) {
  const bool f64 = is_double(a);
  const struct matrix probabilities = {w->scores, larger(b->keys, 1)}, dropped = {w->dropped, larger(b->keys, 1)};
  make_scores(a, w, b, probabilities);
  const struct softmax_block s = softmax_of(a, w, b);
  simdrop_status status = simdrop_softmax_forward(executor, &s.dropout, computed_dtype(a), &s.matrix, &s.softmax,
                                                  probabilities.data, dropped.data, probabilities.data, NULL);
  if (status != SIMDROP_OK) return status;
  const struct matrix d_out = read_block(a, d_out_array, b, a->value_size, w->out);
  multiply((struct product){f64, true, false, true, a->value_size, b->keys, b->rows}, d_out, dropped, dv);
  multiply((struct product){f64, false, true, false, b->rows, b->keys, a->value_size}, d_out, w->values, dropped);
  status = simdrop_softmax_backward(executor, &s.dropout, computed_dtype(a), &s.matrix, &s.softmax, probabilities.data, NULL,
                                    NULL, dropped.data, dropped.data);
  if (status != SIMDROP_OK) return status;
  const size_t size = simdrop_dtype_size(a->dtype);
  char *first = row_at(dq_array, size, b->batch, b->head, b->first);
  const struct matrix dq = begin_rows(a->dtype, dq_array, first, b->rows, a->size, w->dq);
  multiply((struct product){f64, false, false, false, b->rows, a->size, b->keys}, dropped, w->keys, dq);
  write_rows(a->dtype, dq_array, first, b->rows, a->size, dq);
  const struct matrix q = read_block(a, &a->q, b, a->size, w->q);
  multiply((struct product){f64, true, false, true, a->size, b->keys, b->rows}, q, dropped, dk);
  return SIMDROP_OK;
}

/* All blocks of the heads that share keys. */
static simdrop_status run_key_head(const struct attention *a, const simdrop_executor *executor, struct workspace *w,
                                   int64_t number, const struct attention_array *d_out, const struct attention_array *dq,
                                   const struct attention_array *dk_array, const struct attention_array *dv_array) {
  const size_t size = simdrop_dtype_size(a->dtype);
  const int64_t batch = number / a->key_heads, key_head = number % a->key_heads, group = a->heads / a->key_heads;
  char *first_dk = row_at(dk_array, size, batch, key_head, 0), *first_dv = row_at(dv_array, size, batch, key_head, 0);
  const struct matrix dk = {w->dk, larger(a->keys, 1)}, dv = {w->dv, larger(a->keys, 1)};
  memset(dk.data, 0, (size_t)(a->keys * a->size) * computed_size(a));
  memset(dv.data, 0, (size_t)(a->keys * a->value_size) * computed_size(a));
  find_head(a, w, batch, key_head);
  const int64_t blocks = blocks_of_head(a);
  for (int64_t i = 0; i < group * blocks; ++i) {
    const struct block b = block_at(a, batch, key_head * group + i / blocks, i % blocks);
    const simdrop_status status = run_backward(a, executor, w, &b, d_out, dq, dk, dv);
    if (status != SIMDROP_OK) return status;
  }
  write_turned(a->dtype, dk_array, first_dk, a->keys, a->size, dk, w->turned);
  write_turned(a->dtype, dv_array, first_dv, a->keys, a->value_size, dv, w->turned);
  return SIMDROP_OK;
}

/* ---- threads */

struct job {
  const struct attention *attention;
  const simdrop_executor *executor;           /* NULL where the pieces themselves are for threads */
  const struct attention_array *out;          /* or its gradient */
  const struct attention_array *dq, *dk, *dv; /* NULL in the forward pass */
  _Atomic int status;                         /* the first that is not SIMDROP_OK */
};

static simdrop_status run_piece(const struct job *job, struct workspace *w, int64_t piece) {
  const struct attention *a = job->attention;
  if (job->dq != NULL) return run_key_head(a, job->executor, w, piece, job->out, job->dq, job->dk, job->dv);
  const int64_t blocks = blocks_of_head(a);
  if (blocks == 0) return SIMDROP_OK;
  const int64_t head = piece / blocks;
  const struct block b = block_at(a, head / a->heads, head % a->heads, piece % blocks);
  return run_forward(a, job->executor, w, &b, job->out);
}

static void run_pieces(int64_t begin, int64_t end, void *context) {
  struct job *job = context;
  struct workspace w = {0};
  simdrop_status status = make_workspace(job->attention, job->dq != NULL, &w) ? SIMDROP_OK : SIMDROP_ERROR_SIZE_OVERFLOW;
  for (int64_t piece = begin; piece < end && status == SIMDROP_OK; ++piece) status = run_piece(job, &w, piece);
  free(w.memory);
  if (status != SIMDROP_OK) job->status = (int)status;
}

/* Threads take pieces. Where there are more threads than pieces, BLAS and the executor use them within each. */
static simdrop_status run_job(struct job *job, int64_t pieces) {
  if (pieces == 0) return SIMDROP_OK;
  const simdrop_executor executor = torch_executor();
  if ((uint64_t)pieces < executor.threads) {
    job->executor = &executor;
    run_pieces(0, pieces, job);
    job->executor = NULL;
  } else {
    check_torch(torch.torch_parallel_for(0, pieces, 1, run_pieces, job));
  }
  return (simdrop_status)job->status;
}

simdrop_status attention_forward(const struct attention *a, const struct attention_array *out) {
  struct job job = {.attention = a, .out = out};
  return run_job(&job, a->batches * a->heads * blocks_of_head(a));
}

simdrop_status attention_backward(const struct attention *a, const struct attention_array *d_out,
                                  const struct attention_array *dq, const struct attention_array *dk,
                                  const struct attention_array *dv) {
  struct job job = {.attention = a, .out = d_out, .dq = dq, .dk = dk, .dv = dv};
  return run_job(&job, a->batches * a->key_heads);
}

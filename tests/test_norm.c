// LayerNorm and RMSNorm of residual + dropout(x + bias): the definition once more, rounded operation by operation, byte for
// byte on every backend; as a composition of the other public calls; threads, places, guard pages, errors, and gradients
// against differences.
#include <float.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/float16.h"
#include "oracle.h"
#include "support.h"

enum {
  CANARY = 0xA5,
  LANES = 32,
  GROUP = 64,
};

static const simdrop_dtype dtypes[] = {SIMDROP_F32, SIMDROP_F64, SIMDROP_F16, SIMDROP_BF16};

// What a problem has, and what is asked for.
enum {
  BIAS = 1,
  RESIDUAL = 2,
  GAMMA = 4,
  BETA = 8,
  ADDED = 16,
  H = 32,
  DH = 64,
  STATISTICS = 128,
  GAMMA_SUMS = 256,
  BETA_SUMS = 512,
  BIAS_SUMS = 1024,
  EVERYTHING = 2047,
};

// ---- elements

// What is computed in: of sums, products, quotients and roots of floats, doubles are rounded to the right floats.
static double in_computed(simdrop_dtype dtype, double value) { return dtype == SIMDROP_F64 ? value : (double)(float)value; }

static double in_element(simdrop_dtype dtype, double value) {
  double place;
  write_value(dtype, &place, 0, value);
  return read_value(dtype, &place, 0);
}

static simdrop_dtype sum_type(simdrop_dtype dtype) { return dtype == SIMDROP_F64 ? SIMDROP_F64 : SIMDROP_F32; }

// Rows of elements in memory that is no longer than they need.
typedef struct tensor {
  simdrop_dtype dtype;
  size_t rows, columns, bytes;
  ptrdiff_t stride;
  uint8_t *memory, *first;
} tensor;

static size_t bytes_of(simdrop_dtype dtype, size_t rows, size_t columns, ptrdiff_t stride) {
  return rows * columns == 0 ? 0 : ((rows - 1) * (size_t)labs(stride) + columns) * simdrop_dtype_size(dtype);
}

static void place_tensor(tensor *t, uint8_t *memory) {
  t->memory = memory;
  const size_t before = t->stride < 0 && t->rows > 0 ? (t->rows - 1) * (size_t)-t->stride : 0;
  t->first = memory + before * simdrop_dtype_size(t->dtype);
}

static tensor make_tensor(simdrop_dtype dtype, size_t rows, size_t columns, ptrdiff_t stride) {
  tensor t = {dtype, rows, columns, bytes_of(dtype, rows, columns, stride), stride, NULL, NULL};
  place_tensor(&t, allocate(t.bytes + 1));
  memset(t.memory, CANARY, t.bytes);
  return t;
}

static tensor copy_of(const tensor *from) {
  tensor t = *from;
  place_tensor(&t, allocate(t.bytes + 1));
  memcpy(t.memory, from->memory, t.bytes);
  return t;
}

static ptrdiff_t at(const tensor *t, size_t row, size_t column) { return (ptrdiff_t)row * t->stride + (ptrdiff_t)column; }
static double get(const tensor *t, size_t row, size_t column) { return read_value(t->dtype, t->first, at(t, row, column)); }

static void fill(tensor *t, double most, uint64_t *random) {
  for (size_t r = 0; r < t->rows; ++r)
    for (size_t c = 0; c < t->columns; ++c)
      write_value(t->dtype, t->first, at(t, r, c), ((double)(next_random(random) >> 40) * 0x1p-23 - 1) * most);
}

static void fill_wildly(tensor *t, uint64_t *random) {
  for (size_t r = 0; r < t->rows; ++r)
    fill_values(t->dtype, t->columns, random, t->first + at(t, r, 0) * (ptrdiff_t)simdrop_dtype_size(t->dtype));
}

// The elements are these, and what lies between rows is as it was before the call; one NaN is as good as another.
static void check_tensor(const tensor *before, const double *expected, const tensor *found, const char *what,
                         const char *context) {
  tensor wanted = copy_of(before);
  const size_t size = simdrop_dtype_size(found->dtype);
  for (size_t r = 0; r < found->rows; ++r)
    for (size_t c = 0; c < found->columns; ++c) {
      const ptrdiff_t place = at(found, r, c);
      const double value = expected[r * found->columns + c];
      if (isnan(value) && isnan(get(found, r, c))) {
        memcpy(wanted.first + place * (ptrdiff_t)size, found->first + place * (ptrdiff_t)size, size);
      } else {
        write_value(found->dtype, wanted.first, place, value);
      }
    }
  check_bytes(wanted.memory, found->memory, found->bytes, "%s: %s", context, what);
  free(wanted.memory);
}

// ---- a problem and what is right

typedef struct norm_case {
  size_t rows, columns;
  ptrdiff_t x_stride, y_stride, residual_stride;
  uint64_t index_stride, offset;
} norm_case;

typedef struct problem {
  norm_case shape;
  simdrop_dtype dtype;
  simdrop_mask mask;
  simdrop_norm norm;
  int parts;
  tensor x, residual, bias, gamma, beta, dy, added;
  double *h, *y, *statistics, *dh, *dx, *gamma_sums, *beta_sums, *bias_sums;
  char context[256];
} problem;

static simdrop_matrix matrix_of(const norm_case *c) {
  return (simdrop_matrix){c->rows, c->columns, c->x_stride, c->y_stride, c->residual_stride, c->index_stride, 0};
}

static double sum_lanes(simdrop_dtype dtype, double *lanes) {
  for (int d = LANES / 2; d > 0; d /= 2)
    for (int i = 0; i < d; ++i) lanes[i] = in_computed(dtype, lanes[i] + lanes[i + d]);
  return lanes[0];
}

static void add_to(simdrop_dtype dtype, double *sum, double value) { *sum = in_computed(dtype, *sum + value); }

static uint8_t *kept_of(const problem *p) {
  const size_t columns = p->shape.columns;
  uint8_t *const kept = allocate(p->shape.rows * columns + 1);
  uint32_t *const u = allocate(columns * sizeof *u + 1);
  for (size_t r = 0; r < p->shape.rows; ++r) {
    oracle_u(p->mask.seed, p->mask.stream, p->mask.offset + r * p->shape.index_stride, columns, u);
    oracle_kept(p->mask.p, columns, u, kept + r * columns);
  }
  free(u);
  return kept;
}

static double scale_of(const problem *p) {
  double scale;
  const uint64_t bits = oracle_scale_bits(p->mask.p, p->dtype);
  if (p->dtype == SIMDROP_F64) {
    memcpy(&scale, &bits, sizeof scale);
    return scale;
  }
  return (double)simdrop_float_from_bits((uint32_t)bits);
}

static double dropped_out(const problem *p, bool kept, double value) {
  if (!kept) return 0;
  return p->mask.p == 0 ? value : in_computed(p->dtype, value * scale_of(p));
}

static void find_forward(problem *p, const uint8_t *kept) {
  const simdrop_dtype t = p->dtype;
  const size_t columns = p->shape.columns;
  for (size_t r = 0; r < p->shape.rows; ++r) {
    double *const h = p->h + r * columns, lanes[LANES] = {0}, squares[LANES] = {0};
    for (size_t c = 0; c < columns; ++c) {
      double value = get(&p->x, r, c);
      if (p->parts & BIAS) value = in_computed(t, value + get(&p->bias, 0, c));
      value = dropped_out(p, kept[r * columns + c], value);
      if (p->parts & RESIDUAL) value = in_computed(t, get(&p->residual, r, c) + value);
      h[c] = in_element(t, value);
      add_to(t, &lanes[c % LANES], h[c]);
    }
    const double mean =
        p->norm.kind == SIMDROP_RMS_NORM ? 0 : in_computed(t, sum_lanes(t, lanes) / in_computed(t, (double)columns));
    for (size_t c = 0; c < columns; ++c) {
      const double difference = in_computed(t, h[c] - mean);
      add_to(t, &squares[c % LANES], in_computed(t, difference * difference));
    }
    const double q = in_computed(t, sum_lanes(t, squares) / in_computed(t, (double)columns));
    const double root = in_computed(t, sqrt(in_computed(t, q + in_computed(t, p->norm.epsilon))));
    const double inverse = in_computed(t, 1 / root);
    p->statistics[2 * r] = mean;
    p->statistics[2 * r + 1] = inverse;
    for (size_t c = 0; c < columns; ++c) {
      double value = in_computed(t, in_computed(t, h[c] - mean) * inverse);
      if (p->parts & GAMMA) value = in_computed(t, value * get(&p->gamma, 0, c));
      if (p->parts & BETA) value = in_computed(t, value + get(&p->beta, 0, c));
      p->y[r * columns + c] = in_element(t, value);
    }
  }
}

static void find_gradients_of_row(problem *p, const uint8_t *kept, size_t r, double *unrounded) {
  const simdrop_dtype t = p->dtype;
  const size_t columns = p->shape.columns;
  const double mean = p->statistics[2 * r], inverse = p->statistics[2 * r + 1], n = in_computed(t, (double)columns);
  double gradients[LANES] = {0}, products[LANES] = {0};
  double *const z = allocate(columns * sizeof *z), *const g = allocate(columns * sizeof *g);
  for (size_t c = 0; c < columns; ++c) {
    z[c] = in_computed(t, in_computed(t, p->h[r * columns + c] - mean) * inverse);
    g[c] = get(&p->dy, r, c);
    if (p->parts & GAMMA) g[c] = in_computed(t, g[c] * get(&p->gamma, 0, c));
    add_to(t, &gradients[c % LANES], g[c]);
    add_to(t, &products[c % LANES], in_computed(t, g[c] * z[c]));
  }
  const double a = p->norm.kind == SIMDROP_RMS_NORM ? 0 : in_computed(t, sum_lanes(t, gradients) / n);
  const double b = in_computed(t, sum_lanes(t, products) / n);
  for (size_t c = 0; c < columns; ++c) {
    const size_t k = r * columns + c;
    double value = in_computed(t, in_computed(t, in_computed(t, g[c] - a) - in_computed(t, z[c] * b)) * inverse);
    if (p->parts & ADDED) value = in_computed(t, get(&p->added, r, c) + value);
    p->dh[k] = in_element(t, value);
    unrounded[c] = dropped_out(p, kept[k], p->dh[k]);
    p->dx[k] = in_element(t, unrounded[c]);
    g[c] = get(&p->dy, r, c);
    z[c] = in_computed(t, g[c] * z[c]);
  }
  // What is added to the sums of columns, in the place of what is no longer needed.
  double *const groups = p->gamma_sums + columns;
  for (size_t c = 0; c < columns; ++c) {
    add_to(t, &groups[c], z[c]);
    add_to(t, &groups[columns + c], g[c]);
    add_to(t, &groups[2 * columns + c], unrounded[c]);
  }
  free(z);
  free(g);
}

static void find_gradients(problem *p, const uint8_t *kept) {
  const size_t columns = p->shape.columns;
  double *const unrounded = allocate(columns * sizeof *unrounded + 1), *const groups = p->gamma_sums + columns;
  double *const totals[] = {p->gamma_sums, p->beta_sums, p->bias_sums};
  for (size_t r = 0; r < p->shape.rows; ++r) {
    find_gradients_of_row(p, kept, r, unrounded);
    if (r % GROUP != GROUP - 1 && r != p->shape.rows - 1) continue;
    for (size_t i = 0; i < LENGTH(totals); ++i)
      for (size_t c = 0; c < columns; ++c) {
        add_to(p->dtype, &totals[i][c], groups[i * columns + c]);
        groups[i * columns + c] = 0;
      }
  }
  free(unrounded);
}

static double *numbers(size_t count) { return memset(allocate(count * sizeof(double) + 1), 0, count * sizeof(double)); }

static void make_problem(problem *p, const norm_case *shape, simdrop_dtype dtype, double probability, simdrop_norm_kind kind,
                         int parts, bool wildly, uint64_t *random) {
  const size_t rows = shape->rows, columns = shape->columns, n = rows * columns;
  memset(p, 0, sizeof *p);
  p->shape = *shape;
  p->dtype = dtype;
  p->parts = parts;
  p->mask = (simdrop_mask){probability, 11, 12, shape->offset, 0};
  p->x = make_tensor(dtype, rows, columns, shape->x_stride);
  p->residual = make_tensor(dtype, rows, columns, shape->residual_stride);
  p->bias = make_tensor(dtype, 1, columns, 0);
  p->gamma = make_tensor(dtype, 1, columns, 0);
  p->beta = make_tensor(dtype, 1, columns, 0);
  p->dy = make_tensor(dtype, rows, columns, shape->y_stride);
  p->added = make_tensor(dtype, rows, columns, shape->y_stride);
  tensor *const all[] = {&p->x, &p->residual, &p->bias, &p->gamma, &p->beta, &p->dy, &p->added};
  for (size_t i = 0; i < LENGTH(all); ++i) {
    fill(all[i], i < 3 ? 4 : 2, random);
    if (wildly) fill_wildly(all[i], random);
  }
  p->norm = (simdrop_norm){kind,
                           0x1p-10,
                           parts & BIAS ? p->bias.first : NULL,
                           parts & RESIDUAL ? p->residual.first : NULL,
                           parts & GAMMA ? p->gamma.first : NULL,
                           parts & BETA ? p->beta.first : NULL,
                           0};
  p->h = numbers(n);
  p->y = numbers(n);
  p->statistics = numbers(2 * rows);
  p->dh = numbers(n);
  p->dx = numbers(n);
  p->gamma_sums = numbers(4 * columns);  // and those of three groups
  p->beta_sums = numbers(columns);
  p->bias_sums = numbers(columns);
  uint8_t *const kept = kept_of(p);
  find_forward(p, kept);
  find_gradients(p, kept);
  free(kept);
  snprintf(p->context, sizeof p->context, "%s of %s, p %g, %zu x %zu, strides %td %td %td, index stride %llu, parts %d",
           kind == SIMDROP_LAYER_NORM ? "layer norm" : "RMS norm", dtype_name(dtype), probability, rows, columns,
           shape->x_stride, shape->y_stride, shape->residual_stride, (unsigned long long)shape->index_stride, parts);
}

static void free_problem(problem *p) {
  tensor *const all[] = {&p->x, &p->residual, &p->bias, &p->gamma, &p->beta, &p->dy, &p->added};
  double *const found[] = {p->h, p->y, p->statistics, p->dh, p->dx, p->gamma_sums, p->beta_sums, p->bias_sums};
  for (size_t i = 0; i < LENGTH(all); ++i) free(all[i]->memory);
  for (size_t i = 0; i < LENGTH(found); ++i) free(found[i]);
}

// ---- calls

// What an output is.
typedef enum place {
  APART,
  IS_X,
  IS_RESIDUAL,
  IS_H,
  IS_DY,
  IS_ADDED,
} place;

static tensor output_of(problem *p, const tensor *alike, place where, tensor *h) {
  const tensor *const originals[] = {
      [IS_X] = &p->x, [IS_RESIDUAL] = &p->residual, [IS_H] = h, [IS_DY] = &p->dy, [IS_ADDED] = &p->added};
  return where == APART ? make_tensor(p->dtype, alike->rows, alike->columns, alike->stride) : copy_of(originals[where]);
}

static void check_forward(problem *p, const simdrop_executor *executor, place h_place, place y_place) {
  const simdrop_matrix matrix = matrix_of(&p->shape);
  tensor h = output_of(p, &p->dy, h_place, NULL), y = output_of(p, &p->dy, y_place, NULL);
  tensor statistics = make_tensor(sum_type(p->dtype), p->shape.rows, 2, 2);
  const tensor h_before = copy_of(&h), y_before = copy_of(&y);
  const bool has_h = p->parts & H;
  simdrop_norm norm = p->norm;
  const void *x = p->x.first;
  if ((has_h && h_place == IS_X) || y_place == IS_X) x = y_place == IS_X ? y.first : h.first;
  if ((has_h && h_place == IS_RESIDUAL) || y_place == IS_RESIDUAL) norm.residual = y_place == IS_RESIDUAL ? y.first : h.first;
  assert_int_equal(simdrop_norm_forward(executor, &p->mask, p->dtype, &matrix, &norm, x, has_h ? h.first : NULL, y.first,
                                        p->parts & STATISTICS ? statistics.first : NULL),
                   SIMDROP_OK);
  if (has_h) check_tensor(&h_before, p->h, &h, "h", p->context);
  check_tensor(&y_before, p->y, &y, "y", p->context);
  if (p->parts & STATISTICS) check_tensor(&statistics, p->statistics, &statistics, "statistics", p->context);
  tensor *const all[] = {&h, &y, &statistics, (tensor *)&h_before, (tensor *)&y_before};
  for (size_t i = 0; i < LENGTH(all); ++i) free(all[i]->memory);
}

static void check_backward(problem *p, const simdrop_executor *executor, place dh_place, place dx_place) {
  const simdrop_matrix matrix = matrix_of(&p->shape);
  const size_t columns = p->shape.columns;
  tensor h = make_tensor(p->dtype, p->shape.rows, columns, p->shape.y_stride);
  tensor statistics = make_tensor(sum_type(p->dtype), p->shape.rows, 2, 2);
  for (size_t r = 0; r < p->shape.rows; ++r) {
    for (size_t c = 0; c < columns; ++c) write_value(p->dtype, h.first, at(&h, r, c), p->h[r * columns + c]);
    for (size_t i = 0; i < 2; ++i)
      write_value(statistics.dtype, statistics.first, at(&statistics, r, i), p->statistics[2 * r + i]);
    // Which plays no part.
    if (p->norm.kind == SIMDROP_RMS_NORM) write_value(statistics.dtype, statistics.first, at(&statistics, r, 0), 77);
  }
  tensor dh = output_of(p, &p->dy, dh_place, &h), dx = output_of(p, &p->x, dx_place, &h);
  const tensor dh_before = copy_of(&dh), dx_before = copy_of(&dx);
  tensor sums[3];
  for (size_t i = 0; i < 3; ++i) sums[i] = make_tensor(sum_type(p->dtype), 1, columns, 0);
  const bool has_dh = p->parts & DH;
  const void *inputs[] = {[IS_H] = h.first, [IS_DY] = p->dy.first, [IS_ADDED] = p->parts & ADDED ? p->added.first : NULL};
  if (has_dh && dh_place != APART) inputs[dh_place] = dh.first;
  if (dx_place != APART) inputs[dx_place] = dx.first;
  assert_int_equal(
      simdrop_norm_backward(executor, &p->mask, p->dtype, &matrix, &p->norm, inputs[IS_H], statistics.first, inputs[IS_DY],
                            inputs[IS_ADDED], has_dh ? dh.first : NULL, dx.first, p->parts & GAMMA_SUMS ? sums[0].first : NULL,
                            p->parts & BETA_SUMS ? sums[1].first : NULL, p->parts & BIAS_SUMS ? sums[2].first : NULL),
      SIMDROP_OK);
  if (has_dh) check_tensor(&dh_before, p->dh, &dh, "dh", p->context);
  check_tensor(&dx_before, p->dx, &dx, "dx", p->context);
  if (p->parts & GAMMA_SUMS) check_tensor(&sums[0], p->gamma_sums, &sums[0], "gradient of gamma", p->context);
  if (p->parts & BETA_SUMS) check_tensor(&sums[1], p->beta_sums, &sums[1], "gradient of beta", p->context);
  if (p->parts & BIAS_SUMS) check_tensor(&sums[2], p->bias_sums, &sums[2], "gradient of the bias", p->context);
  tensor *const all[] = {&h, &statistics, &dh, &dx, (tensor *)&dh_before, (tensor *)&dx_before, &sums[0], &sums[1], &sums[2]};
  for (size_t i = 0; i < LENGTH(all); ++i) free(all[i]->memory);
}

// ---- tests

static norm_case dense(size_t rows, size_t columns) {
  const ptrdiff_t stride = (ptrdiff_t)columns;
  return (norm_case){rows, columns, stride, stride, stride, columns, 5};
}

// Each part with and without the others; widths around words and lanes; groups of rows; strips of columns; rows that are longer
// than a chunk of decisions; strides and numberings.
static void definition(void **state) {
  (void)state;
  static const norm_case cases[] = {
      {3, 100, 100, 100, 100, 100, 0},
      {1, 1, 1, 1, 1, 1, 0},
      {5, 31, 40, 31, 35, 31, 127},
      {4, 33, 33, 50, 0, 33, 1},
      {2, 64, -64, 64, 64, 64, 64},
      {7, 65, 65, -70, 65, 1000, 3},
      {3, 127, 127, 127, 127, 0, 9},
      {2, 130, 131, 130, -130, 200, UINT64_C(1) << 40},
      {63, 3, 3, 3, 3, 3, 0},
      {64, 5, 5, 7, 5, 5, 0},
      {65, 70, 70, 70, 70, 70, 0},
      {130, 20, 20, 20, 20, 20, 0},
      {2, 1100, 1100, 1100, 1100, 1100, 0},
      {66, 530, 530, 530, 530, 530, 77},
  };
  FOR_EACH_BACKEND(backend) {
    uint64_t random = 80;
    for (size_t i = 0; i < LENGTH(cases); ++i)
      for (size_t d = 0; d < LENGTH(dtypes); ++d)
        for (int kind = SIMDROP_LAYER_NORM; kind <= SIMDROP_RMS_NORM; ++kind) {
          if (!full_effort() && i + d != (size_t)kind && cases[i].rows * cases[i].columns > 500) continue;
          const int parts = i == 0 ? EVERYTHING : (int)(next_random(&random) % (EVERYTHING + 1));
          const double p = i % 4 == 3 ? some_probabilities[next_random(&random) % LENGTH(some_probabilities)] : 0.3;
          problem q;
          make_problem(&q, &cases[i], dtypes[d], comparable_probability(dtypes[d], p), kind, parts, false, &random);
          check_forward(&q, NULL, APART, APART);
          check_backward(&q, NULL, APART, APART);
          free_problem(&q);
        }
    for (int round = 0; round < (full_effort() ? 200 : 20); ++round) {
      const size_t rows = 1 + next_random(&random) % 6, columns = 1 + next_random(&random) % 200;
      norm_case c = dense(rows, columns);
      c.offset = next_random(&random) >> 8;
      problem q;
      const simdrop_dtype dtype = dtypes[next_random(&random) % LENGTH(dtypes)];
      make_problem(&q, &c, dtype, comparable_probability(dtype, 0.5), (simdrop_norm_kind)(round % 2),
                   (int)(next_random(&random) % (EVERYTHING + 1)), round % 8 == 0, &random);
      check_forward(&q, NULL, APART, APART);
      check_backward(&q, NULL, APART, APART);
      free_problem(&q);
    }
  }
}

static void long_rows(void **state) {
  (void)state;
  static const norm_case cases[] = {{2, 16384 + 70, 16384 + 70, 16384 + 70, 0, 16384 + 70, 3},
                                    {2, 33000, 33000, 33000, 33000, 40000, 1}};
  FOR_EACH_BACKEND(backend) {
    uint64_t random = 81;
    for (size_t i = 0; i < (full_effort() ? LENGTH(cases) : 1); ++i)
      for (int parts = EVERYTHING; parts >= EVERYTHING - BIAS_SUMS; parts -= BIAS_SUMS) {
        problem q;
        make_problem(&q, &cases[i], SIMDROP_F32, 0.25, SIMDROP_LAYER_NORM, parts, false, &random);
        check_forward(&q, NULL, APART, APART);
        check_backward(&q, NULL, APART, parts == EVERYTHING ? APART : IS_DY);
        free_problem(&q);
      }
  }
}

static void in_place(void **state) {
  (void)state;
  static const place forward[][2] = {{APART, IS_X},       {APART, IS_RESIDUAL}, {IS_X, APART},
                                     {IS_RESIDUAL, IS_X}, {IS_RESIDUAL, APART}, {IS_X, IS_RESIDUAL}};
  static const place backward[][2] = {{IS_DY, APART}, {IS_H, APART},     {IS_ADDED, IS_DY}, {APART, IS_DY},
                                      {APART, IS_H},  {IS_DY, IS_ADDED}, {IS_H, IS_DY},     {IS_ADDED, IS_H}};
  const norm_case c = full_effort() ? dense(67, 90) : dense(3, 70);
  FOR_EACH_BACKEND(backend) {
    uint64_t random = 82;
    for (size_t d = 0; d < LENGTH(dtypes); d += full_effort() ? 1 : 3)
      for (int without = 0; without <= (H | DH | BIAS_SUMS); ++without) {
        if (without & ~(H | DH | BIAS_SUMS)) continue;
        problem q;
        make_problem(&q, &c, dtypes[d], 0.5, SIMDROP_LAYER_NORM, EVERYTHING & ~without, false, &random);
        for (size_t i = 0; i < LENGTH(forward); ++i)
          if (!(without & H) || forward[i][0] == APART) check_forward(&q, NULL, forward[i][0], forward[i][1]);
        for (size_t i = 0; i < LENGTH(backward); ++i)
          if (!(without & DH) || backward[i][0] == APART) check_backward(&q, NULL, backward[i][0], backward[i][1]);
        free_problem(&q);
      }
  }
}

// h is a chain's output, and y the norm of it; dx is the chain's gradient of dh.
static void composition(void **state) {
  (void)state;
  FOR_EACH_BACKEND(backend) {
    uint64_t random = 83;
    for (size_t d = 0; d < LENGTH(dtypes); ++d) {
      const norm_case c = full_effort() ? dense(70, 150) : dense(3, 150);
      const simdrop_matrix matrix = matrix_of(&c);
      problem q;
      make_problem(&q, &c, dtypes[d], comparable_probability(dtypes[d], 0.1), SIMDROP_LAYER_NORM, EVERYTHING, false, &random);
      const simdrop_chain chain = {SIMDROP_ACTIVATION_NONE, SIMDROP_BIAS_OF_COLUMNS, q.bias.first, q.residual.first, 0};
      const simdrop_norm alone = {SIMDROP_LAYER_NORM, q.norm.epsilon, NULL, NULL, q.gamma.first, q.beta.first, 0};
      const simdrop_mask keep_all = {0, 0, 0, 0, 0};
      tensor h = make_tensor(q.dtype, c.rows, c.columns, c.y_stride), y = copy_of(&h), dx = copy_of(&h), before = copy_of(&h);
      tensor statistics = make_tensor(sum_type(q.dtype), c.rows, 2, 2), sums = make_tensor(sum_type(q.dtype), 1, c.columns, 0);
      assert_int_equal(simdrop_chain_forward(NULL, &q.mask, q.dtype, &matrix, &chain, q.x.first, h.first, NULL), SIMDROP_OK);
      check_tensor(&before, q.h, &h, "h of a chain", q.context);
      assert_int_equal(
          simdrop_norm_forward(NULL, &keep_all, q.dtype, &matrix, &alone, h.first, NULL, y.first, statistics.first),
          SIMDROP_OK);
      check_tensor(&before, q.y, &y, "y of h", q.context);
      check_tensor(&statistics, q.statistics, &statistics, "statistics of h", q.context);
      assert_int_equal(simdrop_norm_backward(NULL, &keep_all, q.dtype, &matrix, &alone, h.first, statistics.first, q.dy.first,
                                             q.added.first, NULL, y.first, NULL, NULL, NULL),
                       SIMDROP_OK);
      check_tensor(&before, q.dh, &y, "dh of h", q.context);
      assert_int_equal(
          simdrop_chain_backward(NULL, &q.mask, q.dtype, &matrix, &chain, NULL, NULL, y.first, dx.first, sums.first),
          SIMDROP_OK);
      check_tensor(&before, q.dx, &dx, "dx of a chain", q.context);
      check_tensor(&sums, q.bias_sums, &sums, "the bias' gradient of a chain", q.context);
      tensor *const all[] = {&h, &y, &dx, &before, &statistics, &sums};
      for (size_t i = 0; i < LENGTH(all); ++i) free(all[i]->memory);
      free_problem(&q);
    }
  }
}

// Emulators take seconds to start a thread.
static void threads(void **state) {
  (void)state;
  static const norm_case cases[] = {
      {150, 450, 450, 450, 450, 450, 3}, {300, 450, 450, 450, 450, 450, 3}, {40, 2600, 2600, 2600, 0, 2600, 0}};
  FOR_EACH_BACKEND(backend) {
    uint64_t random = 84;
    for (size_t i = 0; i < (full_effort() ? LENGTH(cases) : 1); ++i) {
      problem q;
      make_problem(&q, &cases[i], i < 2 ? SIMDROP_F32 : SIMDROP_BF16, 0.125, SIMDROP_LAYER_NORM,
                   i < 2 ? EVERYTHING : EVERYTHING - DH, false, &random);
      for (size_t count = full_effort() ? 0 : 2; count < (full_effort() ? 4 : 3); ++count) {
        executor_calls counted = {0};
        const simdrop_executor executor = {full_effort() ? run_on_threads : run_backwards, &counted, count};
        check_forward(&q, &executor, APART, APART);
        assert_int_equal(counted.calls, count > 1);
        check_backward(&q, &executor, APART, count == 3 ? IS_DY : APART);
        assert_int_equal(counted.calls, count > 1 ? 4 : 0);
        if (count > 1) assert_int_equal(counted.most_pieces, count < 2 || i == 0 ? 2 : count);
      }
      free_problem(&q);
    }
  }
}

// y past the caches, whose rows begin anywhere in a line, as y by ordinary stores.
static void far_rows(void **state) {
  (void)state;
  const size_t rows = 301, columns = full_effort() ? 2003 : 1003, n = rows * columns;
  const simdrop_mask mask = {0.1, 1, 2, 3, 0};
  const simdrop_matrix matrix = simdrop_matrix_dense(rows, columns);
  FOR_EACH_BACKEND(backend) {
    for (size_t d = 0; d < (full_effort() ? LENGTH(dtypes) : 1); ++d) {
      const size_t size = simdrop_dtype_size(dtypes[d]);
      uint64_t random = 87;
      tensor x = make_tensor(dtypes[d], rows, columns, (ptrdiff_t)columns), h = copy_of(&x);
      fill(&x, 2, &random);
      tensor y[2] = {copy_of(&x), copy_of(&x)};
      const simdrop_norm norm = {SIMDROP_LAYER_NORM, 1e-5, NULL, NULL, x.first, x.first + columns * size, 0};
      for (size_t i = 0; i < 2; ++i) {
        assert_int_equal(simdrop_memory_select(i == 0 ? "cached" : "pages-1"), SIMDROP_OK);
        memset(y[i].memory, CANARY, y[i].bytes);
        assert_int_equal(simdrop_norm_forward(NULL, &mask, dtypes[d], &matrix, &norm, x.first, h.first, y[i].first, NULL),
                         SIMDROP_OK);
      }
      assert_int_equal(simdrop_memory_select(NULL), SIMDROP_OK);
      check_bytes(y[0].memory, y[1].memory, n * size, "%s: far rows of %s", backend, dtype_name(dtypes[d]));
      tensor *const all[] = {&x, &h, &y[0], &y[1]};
      for (size_t i = 0; i < LENGTH(all); ++i) free(all[i]->memory);
    }
  }
}

// ---- guard pages

static uint8_t *guarded_memory(size_t size, bool at_end) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (size + page - 1) / page * page;
  uint8_t *const memory = mmap(NULL, whole + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(memory != MAP_FAILED);
  assert_int_equal(mprotect(memory, page, PROT_NONE), 0);
  assert_int_equal(mprotect(memory + page + whole, page, PROT_NONE), 0);
  return memory + page + (at_end ? whole - size : 0);
}

static sigjmp_buf escape;

static void on_fault(int signal_number) {
  (void)signal_number;
  siglongjmp(escape, 1);
}

// Every array of one row's call lies against a page that cannot be touched.
static void guarded_rows(simdrop_dtype dtype, bool at_end) {
  enum {
    MATRICES = 8,
    ROWS = 5,
    SUMS = 4,
    MOST = 200
  };
  const size_t size = simdrop_dtype_size(dtype), sum_size = dtype == SIMDROP_F64 ? 8 : 4, room = MOST * 8;
  uint8_t *memory[MATRICES + ROWS + SUMS];
  for (size_t i = 0; i < LENGTH(memory); ++i) memory[i] = guarded_memory(room, at_end);
  uint64_t random = 85;
  for (size_t n = 1; n <= MOST; n += full_effort() && n < 140 ? 1 : 13) {
    void *at[LENGTH(memory)];
    for (size_t i = 0; i < LENGTH(memory); ++i) {
      const size_t bytes = i < MATRICES + ROWS ? n * size : i == MATRICES + ROWS ? 2 * sum_size : n * sum_size;
      at[i] = at_end ? memory[i] + room - bytes : memory[i];
      if (i < MATRICES + ROWS) fill_values(dtype, n, &random, at[i]);
    }
    const simdrop_mask mask = {0.5, 1, 2, n, 0};
    const simdrop_matrix matrix = simdrop_matrix_dense(1, n);
    const simdrop_norm norm = {SIMDROP_LAYER_NORM, 1e-5, at[MATRICES], at[1], at[MATRICES + 1], at[MATRICES + 2], 0};
    void **const sums = at + MATRICES + ROWS;
    assert_int_equal(simdrop_norm_forward(NULL, &mask, dtype, &matrix, &norm, at[0], at[2], at[3], sums[0]), SIMDROP_OK);
    assert_int_equal(simdrop_norm_backward(NULL, &mask, dtype, &matrix, &norm, at[2], sums[0], at[4], at[5], at[6], at[7],
                                           sums[1], sums[2], sums[3]),
                     SIMDROP_OK);
    assert_int_equal(
        simdrop_norm_backward(NULL, &mask, dtype, &matrix, &norm, at[2], sums[0], at[4], at[5], at[6], at[7], NULL, NULL, NULL),
        SIMDROP_OK);
  }
}

static bool stays_inside(simdrop_dtype dtype, bool at_end) {
  if (sigsetjmp(escape, 1) != 0) return false;
  guarded_rows(dtype, at_end);
  return true;
}

static void guards(void **state) {
  (void)state;
  struct sigaction action, before;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_fault;
  sigemptyset(&action.sa_mask);
  FOR_EACH_BACKEND(backend) {
    for (size_t i = 0; i < 2 * LENGTH(dtypes); ++i) {
      const simdrop_dtype dtype = dtypes[i / 2];
      assert_int_equal(sigaction(SIGSEGV, &action, &before), 0);
      const bool is_inside = stays_inside(dtype, i % 2 == 1);
      sigaction(SIGSEGV, &before, NULL);
      if (!is_inside)
        fail_msg("%s: norm of %s touches what lies %s an array", backend, dtype_name(dtype), i % 2 == 1 ? "behind" : "before");
    }
  }
}

// ---- gradients against differences

enum {
  SMALL_ROWS = 3,
  SMALL_COLUMNS = 37,
  SMALL = SMALL_ROWS * SMALL_COLUMNS,
};

typedef struct small_problem {
  double x[SMALL], residual[SMALL], bias[SMALL_COLUMNS], gamma[SMALL_COLUMNS], beta[SMALL_COLUMNS];
} small_problem;

static simdrop_norm small_norm(const small_problem *s, simdrop_norm_kind kind) {
  return (simdrop_norm){kind, 1e-3, s->bias, s->residual, s->gamma, s->beta, 0};
}

// The sum of y * dy and h * added.
static double loss_of(const small_problem *s, simdrop_norm_kind kind, const double *dy, const double *added) {
  const simdrop_mask mask = {0.25, 1, 2, 3, 0};
  const simdrop_matrix matrix = simdrop_matrix_dense(SMALL_ROWS, SMALL_COLUMNS);
  const simdrop_norm norm = small_norm(s, kind);
  double h[SMALL], y[SMALL], loss = 0;
  assert_int_equal(simdrop_norm_forward(NULL, &mask, SIMDROP_F64, &matrix, &norm, s->x, h, y, NULL), SIMDROP_OK);
  for (size_t k = 0; k < SMALL; ++k) loss += y[k] * dy[k] + h[k] * added[k];
  return loss;
}

static void differences(void **state) {
  (void)state;
  for (int kind = SIMDROP_LAYER_NORM; kind <= SIMDROP_RMS_NORM; ++kind) {
    small_problem s;
    double dy[SMALL], added[SMALL], h[SMALL], y[SMALL], statistics[2 * SMALL_ROWS], dh[SMALL], dx[SMALL],
        sums[3][SMALL_COLUMNS];
    double *const filled[] = {s.x, s.residual, s.bias, s.gamma, s.beta, dy, added};
    const size_t counts[] = {SMALL, SMALL, SMALL_COLUMNS, SMALL_COLUMNS, SMALL_COLUMNS, SMALL, SMALL};
    uint64_t random = 86;
    for (size_t i = 0; i < LENGTH(filled); ++i)
      for (size_t k = 0; k < counts[i]; ++k) filled[i][k] = (double)(next_random(&random) >> 40) * 0x1p-23 - 1;
    const simdrop_mask mask = {0.25, 1, 2, 3, 0};
    const simdrop_matrix matrix = simdrop_matrix_dense(SMALL_ROWS, SMALL_COLUMNS);
    const simdrop_norm norm = small_norm(&s, (simdrop_norm_kind)kind);
    assert_int_equal(simdrop_norm_forward(NULL, &mask, SIMDROP_F64, &matrix, &norm, s.x, h, y, statistics), SIMDROP_OK);
    assert_int_equal(simdrop_norm_backward(NULL, &mask, SIMDROP_F64, &matrix, &norm, h, statistics, dy, added, dh, dx, sums[0],
                                           sums[1], sums[2]),
                     SIMDROP_OK);
    const double *const gradients[] = {dx, dh, sums[2], sums[0], sums[1]};
    for (size_t i = 0; i < LENGTH(gradients); ++i)
      for (size_t k = 0; k < counts[i]; ++k) {
        const double step = 1e-5, value = filled[i][k];
        filled[i][k] = value + step;
        const double above = loss_of(&s, (simdrop_norm_kind)kind, dy, added);
        filled[i][k] = value - step;
        const double below = loss_of(&s, (simdrop_norm_kind)kind, dy, added);
        filled[i][k] = value;
        const double difference = (above - below) / (2 * step);
        if (!(fabs(difference - gradients[i][k]) < 1e-7 * (1 + fabs(difference))))
          fail_msg("kind %d, gradient %zu of element %zu is %.12g, by differences %.12g", kind, i, k, gradients[i][k],
                   difference);
      }
  }
}

// ---- sizes of zero and errors

static void zero_sizes(void **state) {
  (void)state;
  const simdrop_mask mask = {0.5, 0, 0, 0, 0};
  const simdrop_norm norm = {SIMDROP_LAYER_NORM, 1e-5, NULL, NULL, NULL, NULL, 0};
  float sums[3][4];
  const simdrop_matrix without_rows = simdrop_matrix_dense(0, 4), without_columns = simdrop_matrix_dense(3, 0);
  memset(sums, CANARY, sizeof sums);
  assert_int_equal(simdrop_norm_forward(NULL, &mask, SIMDROP_F32, &without_rows, &norm, NULL, NULL, NULL, NULL), SIMDROP_OK);
  assert_int_equal(simdrop_norm_forward(NULL, &mask, SIMDROP_F32, &without_columns, &norm, NULL, NULL, NULL, sums), SIMDROP_OK);
  assert_int_equal(simdrop_norm_backward(NULL, &mask, SIMDROP_F32, &without_columns, &norm, NULL, NULL, NULL, NULL, NULL, NULL,
                                         sums[0], sums[1], sums[2]),
                   SIMDROP_OK);
  check_filled(sums, sizeof sums, CANARY, "no columns");
  assert_int_equal(simdrop_norm_backward(NULL, &mask, SIMDROP_F32, &without_rows, &norm, NULL, NULL, NULL, NULL, NULL, NULL,
                                         sums[0], NULL, sums[2]),
                   SIMDROP_OK);
  check_filled(sums[0], sizeof sums[0], 0, "gradient of gamma without rows");
  check_filled(sums[1], sizeof sums[1], CANARY, "not asked for");
  check_filled(sums[2], sizeof sums[2], 0, "gradient of the bias without rows");
}

enum {
  ROOM = 1024,
  CALL_ROWS = 2,
  CALL_COLUMNS = 8,
  IN_CALL = CALL_ROWS * CALL_COLUMNS,
};

// A call that is right, of which a test makes something wrong. Arrays are apart in memory.
typedef struct made_call {
  float memory[ROOM], untouched[ROOM];
  simdrop_mask mask, *mask_given;
  simdrop_dtype dtype;
  simdrop_matrix matrix, *matrix_given;
  simdrop_norm norm, *norm_given;
  float *x, *h, *y, *statistics, *dy, *added, *dh, *dx, *gamma_sums, *beta_sums, *bias_sums;
} made_call;

static void make_call(made_call *call) {
  float *next = call->memory;
  memset(call->memory, 0, sizeof call->memory);
  call->mask = (simdrop_mask){0.5, 1, 2, 3, 0};
  call->mask_given = &call->mask;
  call->dtype = SIMDROP_F32;
  call->matrix = simdrop_matrix_dense(CALL_ROWS, CALL_COLUMNS);
  call->matrix_given = &call->matrix;
  call->norm = (simdrop_norm){SIMDROP_LAYER_NORM, 1e-5, NULL, NULL, NULL, NULL, 0};
  call->norm_given = &call->norm;
  const void **const of_norm[] = {&call->norm.bias, &call->norm.residual, &call->norm.gamma, &call->norm.beta};
  float **const arrays[] = {&call->x,  &call->h,  &call->y,          &call->statistics, &call->dy,       &call->added,
                            &call->dh, &call->dx, &call->gamma_sums, &call->beta_sums,  &call->bias_sums};
  for (size_t i = 0; i < LENGTH(of_norm); ++i, next += 2 * IN_CALL) *of_norm[i] = next;
  for (size_t i = 0; i < LENGTH(arrays); ++i, next += 2 * IN_CALL) *arrays[i] = next;
  memcpy(call->untouched, call->memory, sizeof call->memory);
}

static void count_call(void *context, size_t count, simdrop_task *task, void *task_context) {
  (void)count, (void)task, (void)task_context;
  ++*(size_t *)context;
}

static void expect(made_call *call, bool is_backward, simdrop_status expected, const char *what) {
  size_t calls = 0;
  const simdrop_executor executor = {count_call, &calls, 4};
  const simdrop_status found =
      is_backward ? simdrop_norm_backward(&executor, call->mask_given, call->dtype, call->matrix_given, call->norm_given,
                                          call->h, call->statistics, call->dy, call->added, call->dh, call->dx,
                                          call->gamma_sums, call->beta_sums, call->bias_sums)
                  : simdrop_norm_forward(&executor, call->mask_given, call->dtype, call->matrix_given, call->norm_given,
                                         call->x, call->h, call->y, call->statistics);
  if (found != expected) fail_msg("%s, %s: %s", what, is_backward ? "backward" : "forward", simdrop_status_string(found));
  if (expected == SIMDROP_OK) return;
  check_bytes(call->untouched, call->memory, sizeof call->memory, "%s: outputs of a call that is refused", what);
  assert_int_equal(calls, 0);
}

// Makes both calls with one thing changed.
#define REFUSED(status, what, change)                         \
  for (int is_backward = 0; is_backward < 2; ++is_backward) { \
    make_call(&call);                                         \
    change;                                                   \
    expect(&call, is_backward, status, what);                 \
  }
#define REFUSED_BY(is_backward, status, what, change) \
  do {                                                \
    make_call(&call);                                 \
    change;                                           \
    expect(&call, is_backward, status, what);         \
  } while (0)

static void errors(void **state) {
  (void)state;
  static made_call call;
  REFUSED(SIMDROP_OK, "as it is", (void)0);
  REFUSED(SIMDROP_ERROR_NULL_POINTER, "mask", call.mask_given = NULL);
  REFUSED(SIMDROP_ERROR_NULL_POINTER, "matrix", call.matrix_given = NULL);
  REFUSED(SIMDROP_ERROR_NULL_POINTER, "norm", call.norm_given = NULL);
  REFUSED(SIMDROP_ERROR_PROBABILITY, "p", call.mask.p = 1.5);
  REFUSED(SIMDROP_ERROR_PROBABILITY, "p", call.mask.p = NAN);
  REFUSED(SIMDROP_ERROR_FLAGS, "mask", call.mask.flags = 1);
  REFUSED(SIMDROP_ERROR_FLAGS, "matrix", call.matrix.flags = 1);
  REFUSED(SIMDROP_ERROR_FLAGS, "norm", call.norm.flags = 1);
  REFUSED(SIMDROP_ERROR_DTYPE, "8 bits", call.dtype = SIMDROP_F8E5M2);
  REFUSED(SIMDROP_ERROR_DTYPE, "no type", call.dtype = (simdrop_dtype)99);
  REFUSED(SIMDROP_ERROR_NORM, "kind", call.norm.kind = (simdrop_norm_kind)2);
  REFUSED(SIMDROP_ERROR_NORM, "epsilon below 0", call.norm.epsilon = -1e-30);
  REFUSED(SIMDROP_ERROR_NORM, "epsilon NaN", call.norm.epsilon = NAN);
  REFUSED(SIMDROP_ERROR_NORM, "epsilon infinite", call.norm.epsilon = INFINITY);
  REFUSED(SIMDROP_ERROR_NORM, "epsilon infinite as a float", call.norm.epsilon = 1e39);
  REFUSED(SIMDROP_OK, "the largest epsilon", call.norm.epsilon = (double)FLT_MAX);
  REFUSED(SIMDROP_OK, "epsilon 0", call.norm.epsilon = 0);
  REFUSED(SIMDROP_ERROR_SIZE_OVERFLOW, "shape", call.matrix.rows = SIZE_MAX / 2);
  REFUSED(SIMDROP_ERROR_SIZE_OVERFLOW, "bytes", call.matrix.rows = PTRDIFF_MAX / CALL_COLUMNS; call.matrix.index_stride = 0);
  REFUSED(SIMDROP_ERROR_SIZE_OVERFLOW, "stride of x", call.matrix.x_stride = PTRDIFF_MAX);
  REFUSED(SIMDROP_ERROR_SIZE_OVERFLOW, "stride of y", call.matrix.y_stride = PTRDIFF_MIN);
  REFUSED(SIMDROP_ERROR_INDEX_OVERFLOW, "offset", call.mask.offset = UINT64_MAX - IN_CALL + 2);
  REFUSED(SIMDROP_ERROR_OVERLAP, "rows of y meet", call.matrix.y_stride = CALL_COLUMNS - 1);
  REFUSED_BY(false, SIMDROP_ERROR_NULL_POINTER, "x", call.x = NULL);
  REFUSED_BY(false, SIMDROP_ERROR_NULL_POINTER, "y", call.y = NULL);
  REFUSED_BY(false, SIMDROP_OK, "all that may be NULL", call.h = call.statistics = NULL;
             call.norm = ((simdrop_norm){SIMDROP_LAYER_NORM, 1e-5, NULL, NULL, NULL, NULL, 0}));
  REFUSED_BY(true, SIMDROP_ERROR_NULL_POINTER, "h", call.h = NULL);
  REFUSED_BY(true, SIMDROP_ERROR_NULL_POINTER, "statistics", call.statistics = NULL);
  REFUSED_BY(true, SIMDROP_ERROR_NULL_POINTER, "dy", call.dy = NULL);
  REFUSED_BY(true, SIMDROP_ERROR_NULL_POINTER, "dx", call.dx = NULL);
  REFUSED_BY(true, SIMDROP_OK, "all that may be NULL",
             call.added = call.dh = call.gamma_sums = call.beta_sums = call.bias_sums = NULL;
             call.norm = ((simdrop_norm){SIMDROP_LAYER_NORM, 1e-5, NULL, NULL, NULL, NULL, 0}));
  REFUSED_BY(true, SIMDROP_ERROR_SIZE_OVERFLOW, "sums without rows", call.matrix.rows = 0; call.matrix.columns = PTRDIFF_MAX);
  REFUSED_BY(true, SIMDROP_ERROR_OVERLAP, "rows of dx meet", call.matrix.x_stride = 0);
}

// Every output against every array that it may not meet, by its last byte.
// Of what is not there the stride may be anything, and is not computed with.
static void absent_residual(void **state) {
  (void)state;
  const simdrop_mask mask = {0.5, 1, 2, 0, 0};
  simdrop_matrix matrix = simdrop_matrix_dense(4, 8);
  const simdrop_norm norm = {SIMDROP_LAYER_NORM, 1e-5, NULL, NULL, NULL, NULL, 0};
  float x[32] = {1}, y[32];
  matrix.residual_stride = PTRDIFF_MAX;
  assert_int_equal(simdrop_norm_forward(NULL, &mask, SIMDROP_F32, &matrix, &norm, x, NULL, y, NULL), SIMDROP_OK);
}

static void overlaps(void **state) {
  (void)state;
  static made_call call;
  for (int is_backward = 0; is_backward < 2; ++is_backward)
    for (size_t i = 0;; ++i) {
      make_call(&call);
      float **const forward_outputs[] = {&call.h, &call.y, &call.statistics};
      float **const backward_outputs[] = {&call.dh, &call.dx, &call.gamma_sums, &call.beta_sums, &call.bias_sums};
      const float *const forward_all[] = {call.x, call.norm.residual, call.norm.bias, call.norm.gamma, call.norm.beta, call.h,
                                          call.y, call.statistics};
      const float *const backward_all[] = {call.h,  call.statistics, call.dy,         call.added,     call.norm.gamma,
                                           call.dh, call.dx,         call.gamma_sums, call.beta_sums, call.bias_sums};
      const size_t outputs = is_backward ? LENGTH(backward_outputs) : LENGTH(forward_outputs);
      const size_t all = is_backward ? LENGTH(backward_all) : LENGTH(forward_all);
      if (i == outputs * all) break;
      float **const output = is_backward ? backward_outputs[i / all] : forward_outputs[i / all];
      const float *const other = is_backward ? backward_all[i % all] : forward_all[i % all];
      if (*output == other) continue;
      *output = (float *)(uintptr_t)other + 3;  // NOLINT(performance-no-int-to-ptr)
      expect(&call, is_backward, SIMDROP_ERROR_OVERLAP, "arrays that meet");
    }
  REFUSED_BY(false, SIMDROP_ERROR_OVERLAP, "h and y are one", call.h = call.y);
  REFUSED_BY(true, SIMDROP_ERROR_OVERLAP, "dh and dx are one", call.dh = call.dx);
  REFUSED_BY(false, SIMDROP_ERROR_OVERLAP, "h is one row for all", call.matrix.residual_stride = 0;
             call.h = (float *)(uintptr_t)call.norm.residual);  // NOLINT(performance-no-int-to-ptr)
  REFUSED_BY(true, SIMDROP_ERROR_OVERLAP, "dx is dy with another stride", call.matrix.x_stride = CALL_COLUMNS + 1;
             call.dx = call.dy);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(definition),  cmocka_unit_test(long_rows),  cmocka_unit_test(in_place),
      cmocka_unit_test(composition), cmocka_unit_test(threads),    cmocka_unit_test(guards),
      cmocka_unit_test(differences), cmocka_unit_test(zero_sizes), cmocka_unit_test(errors),
      cmocka_unit_test(far_rows),    cmocka_unit_test(overlaps),   cmocka_unit_test(absent_residual),
  };
  return RUN_TESTS(argc, argv, tests);
}

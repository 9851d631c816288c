// Softmax with dropout and its gradient: against the formulas in double, the backends against the scalar one byte for byte, the
// public functions that it is made of, threads, places, special values and checks.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

enum {
  CANARY = 0xA5,
};

static const simdrop_dtype types[] = {SIMDROP_F32, SIMDROP_F16, SIMDROP_BF16, SIMDROP_F64};

// f64 takes a library.
static bool is_built(simdrop_dtype dtype) {
  const simdrop_mask mask = {0};
  const simdrop_matrix matrix = {0};
  const simdrop_softmax softmax = {0};
  return simdrop_softmax_forward(NULL, &mask, dtype, &matrix, &softmax, NULL, NULL, NULL, NULL) != SIMDROP_ERROR_NOT_BUILT;
}

// A call with its arrays, which have room for every place that a stride leads to, and canaries there.
typedef struct softmax_case {
  simdrop_dtype dtype;
  simdrop_mask mask;
  simdrop_matrix matrix;
  simdrop_softmax softmax;
  size_t elements;  // of each array
  char *x, *y, *probabilities, *dy, *dx, *again;
  void *statistics;
  char *additive;
  uint8_t *allowed;
} softmax_case;

typedef enum values_kind {
  VALUES_PLAIN,
  VALUES_SPECIAL,  // some infinities and NaNs, and zeros of both signs
  VALUES_WIDE,     // whose powers are mostly too small
} values_kind;

static double some_value(values_kind kind, uint64_t *random) {
  static const double special[] = {INFINITY, -INFINITY, NAN, 0.0, -0.0, 3e38, -3e38, 1e-40};
  const double value = (double)(int64_t)next_random(random) * 0x1p-61;  // in -4 .. 4
  if (kind == VALUES_SPECIAL && next_random(random) % 16 == 0) return special[next_random(random) % LENGTH(special)];
  return kind == VALUES_WIDE ? 40 * value : value;
}

static char *make_array(simdrop_dtype dtype, size_t count, values_kind kind, uint64_t *random) {
  char *const array = allocate(count * simdrop_dtype_size(dtype) + 1);
  for (size_t k = 0; k < count; ++k) write_value(dtype, array, (ptrdiff_t)k, some_value(kind, random));
  return array;
}

static char *make_canaries(simdrop_dtype dtype, size_t count) {
  char *const array = allocate(count * simdrop_dtype_size(dtype) + 1);
  memset(array, CANARY, count * simdrop_dtype_size(dtype));
  return array;
}

static size_t statistics_bytes(const softmax_case *c) {
  return 2 * c->matrix.rows * (c->dtype == SIMDROP_F64 ? sizeof(double) : sizeof(float));
}

typedef enum case_masks {
  MASKS_NONE = 0,
  MASKS_ADDITIVE = 1,
  MASKS_ADDITIVE_F32 = 2,
  MASKS_ALLOWED = 4,
  MASKS_CAUSAL = 8,
  MASKS_SHARED = 16,  // one row of the additive and of the byte mask for all
} case_masks;

static ptrdiff_t some_stride(size_t columns, uint64_t *random) { return (ptrdiff_t)(columns + next_random(random) % 3); }

static softmax_case make_case(simdrop_dtype dtype, size_t rows, size_t columns, double p, unsigned masks, values_kind kind,
                              uint64_t *random) {
  softmax_case c = {.dtype = dtype, .mask = {p, 81, next_random(random), next_random(random) >> 2, 0}};
  c.matrix = (simdrop_matrix){.rows = rows,
                              .columns = columns,
                              .x_stride = some_stride(columns, random),
                              .y_stride = some_stride(columns, random),
                              .index_stride = next_random(random) % 3 == 0 ? columns : next_random(random) % 3 * 1013};
  c.elements = rows * (columns + 2);
  c.softmax = simdrop_softmax_plain(kind == VALUES_PLAIN ? 0.75 : 1, columns);
  c.softmax.probability_stride = some_stride(columns, random);
  const bool is_shared = masks & MASKS_SHARED;
  if (masks & (MASKS_ADDITIVE | MASKS_ADDITIVE_F32)) {
    c.softmax.additive_type = masks & MASKS_ADDITIVE_F32 && dtype != SIMDROP_F64 ? SIMDROP_F32 : dtype;
    c.additive = make_array(c.softmax.additive_type, c.elements, kind, random);
    c.softmax.additive = c.additive;
    c.softmax.additive_stride = is_shared ? 0 : some_stride(columns, random);
  }
  if (masks & MASKS_ALLOWED) {
    c.allowed = allocate(c.elements);
    for (size_t k = 0; k < c.elements; ++k) c.allowed[k] = next_random(random) % 4 == 0 ? 0 : (uint8_t)next_random(random);
    c.softmax.allowed = c.allowed;
    c.softmax.allowed_stride = is_shared ? 0 : some_stride(columns, random);
    if (!is_shared && rows > 1) memset(c.allowed + c.softmax.allowed_stride, 0, columns);  // a row that is masked whole
  }
  c.softmax.causal = (masks & MASKS_CAUSAL) != 0;
  c.softmax.diagonal = (ptrdiff_t)(next_random(random) % (columns + rows)) - (ptrdiff_t)rows / 2;
  c.x = make_array(dtype, c.elements, kind, random);
  c.dy = make_array(dtype, c.elements, kind == VALUES_WIDE ? VALUES_PLAIN : kind, random);
  c.y = make_canaries(dtype, c.elements);
  c.probabilities = make_canaries(dtype, c.elements);
  c.dx = make_canaries(dtype, c.elements);
  c.again = make_canaries(dtype, c.elements);
  c.statistics = allocate(statistics_bytes(&c) + 1);
  return c;
}

static void free_case(softmax_case *c) {
  void *const all[] = {c->x, c->y, c->probabilities, c->dy, c->dx, c->again, c->statistics, c->additive, c->allowed};
  for (size_t i = 0; i < LENGTH(all); ++i) free(all[i]);
}

static void run_case(const softmax_case *c, const simdrop_executor *executor) {
  assert_int_equal(simdrop_softmax_forward(executor, &c->mask, c->dtype, &c->matrix, &c->softmax, c->x, c->y, c->probabilities,
                                           c->statistics),
                   SIMDROP_OK);
  assert_int_equal(simdrop_softmax_backward(executor, &c->mask, c->dtype, &c->matrix, &c->softmax, c->probabilities, NULL, NULL,
                                            c->dy, c->dx),
                   SIMDROP_OK);
  assert_int_equal(simdrop_softmax_backward(executor, &c->mask, c->dtype, &c->matrix, &c->softmax, NULL, c->x, c->statistics,
                                            c->dy, c->again),
                   SIMDROP_OK);
}

// Byte for byte, but any NaN is as good as another.
static void check_numbers(simdrop_dtype dtype, const void *expected, const void *found, size_t count, const char *what) {
  const size_t size = simdrop_dtype_size(dtype);
  for (size_t k = 0; k < count; ++k) {
    if (memcmp((const char *)expected + k * size, (const char *)found + k * size, size) == 0) continue;
    const double a = read_value(dtype, expected, (ptrdiff_t)k), b = read_value(dtype, found, (ptrdiff_t)k);
    if (!(isnan(a) && isnan(b))) fail_msg("%s: element %zu of %zu is %a, not %a", what, k, count, b, a);
  }
}

static void check_same(const softmax_case *expected, const softmax_case *found, const char *backend, const char *what) {
  const char *const names[] = {"y", "the probabilities", "dx", "dx from the statistics"};
  const char *const a[] = {expected->y, expected->probabilities, expected->dx, expected->again};
  const char *const b[] = {found->y, found->probabilities, found->dx, found->again};
  char message[256];
  for (size_t i = 0; i < LENGTH(names); ++i) {
    snprintf(message, sizeof message, "%s: %s of %s, %zu x %zu, %s", backend, names[i], dtype_name(expected->dtype),
             expected->matrix.rows, expected->matrix.columns, what);
    check_numbers(expected->dtype, a[i], b[i], expected->elements, message);
  }
  snprintf(message, sizeof message, "%s: statistics of %s, %s", backend, dtype_name(expected->dtype), what);
  check_numbers(expected->dtype == SIMDROP_F64 ? SIMDROP_F64 : SIMDROP_F32, expected->statistics, found->statistics,
                2 * expected->matrix.rows, message);
}

static softmax_case with_own_outputs(const softmax_case *c) {
  softmax_case other = *c;
  other.y = make_canaries(c->dtype, c->elements);
  other.probabilities = make_canaries(c->dtype, c->elements);
  other.dx = make_canaries(c->dtype, c->elements);
  other.again = make_canaries(c->dtype, c->elements);
  other.statistics = allocate(statistics_bytes(c) + 1);
  return other;
}

static void free_outputs(softmax_case *c) {
  void *const all[] = {c->y, c->probabilities, c->dx, c->again, c->statistics};
  for (size_t i = 0; i < LENGTH(all); ++i) free(all[i]);
}

// ---- the formulas

typedef struct oracle_row {
  bool is_there[600];
  double v[600], p[600], g[600];
} oracle_row;

static bool is_masked(const softmax_case *c, size_t r, size_t k) {
  const simdrop_softmax *const s = &c->softmax;
  if (s->causal && (ptrdiff_t)k > (ptrdiff_t)r + s->diagonal) return true;
  return s->allowed != NULL && s->allowed[(ptrdiff_t)r * s->allowed_stride + (ptrdiff_t)k] == 0;
}

static double oracle_value(const softmax_case *c, size_t r, size_t k) {
  const simdrop_softmax *const s = &c->softmax;
  const double scaled = s->scale * read_value(c->dtype, c->x, (ptrdiff_t)r * c->matrix.x_stride + (ptrdiff_t)k);
  if (s->additive == NULL) return scaled;
  return scaled + read_value(s->additive_type, s->additive, (ptrdiff_t)r * s->additive_stride + (ptrdiff_t)k);
}

// What rounding to the type may change, of numbers about 1.
static double unit_of(simdrop_dtype dtype) {
  switch (dtype) {
    case SIMDROP_F32: return 0x1p-24;
    case SIMDROP_F64: return 0x1p-53;
    case SIMDROP_F16: return 0x1p-11;
    default: return 0x1p-8;
  }
}

static void check_near(double expected, double found, double tolerance, const char *what, size_t r, size_t k) {
  if (!(fabs(expected - found) <= tolerance)) fail_msg("%s (%zu, %zu) is %.17g, not %.17g", what, r, k, found, expected);
}

// Errors of f32: of v, half a unit of |v| <= 8 for each of two operations, which are the relative errors of its power; of the
// power, the sum and the products, a few more. Backward, sums of 600 products of numbers below 4 * scale.
static void check_row(const softmax_case *c, const uint8_t *kept, size_t r) {
  static oracle_row o;
  const size_t columns = c->matrix.columns;
  const double scale = 1 / (1 - c->mask.p), computed = c->dtype == SIMDROP_F64 ? 0x1p-53 : 0x1p-24;
  const double rounding = unit_of(c->dtype), tiny = c->dtype == SIMDROP_F16 ? 0x1p-25 : 0x1p-126;
  double maximum = -INFINITY, sum = 0, d = 0;
  for (size_t k = 0; k < columns; ++k) {
    o.is_there[k] = !is_masked(c, r, k);
    o.v[k] = o.is_there[k] ? oracle_value(c, r, k) : -INFINITY;
    if (o.v[k] > maximum) maximum = o.v[k];
  }
  for (size_t k = 0; k < columns; ++k) sum += o.p[k] = o.is_there[k] ? exp(o.v[k] - maximum) : 0;
  for (size_t k = 0; k < columns; ++k) {
    o.p[k] = sum > 0 ? o.p[k] / sum : 0;
    o.g[k] = kept[r * columns + k] ? read_value(c->dtype, c->dy, (ptrdiff_t)r * c->matrix.y_stride + (ptrdiff_t)k) * scale : 0;
    d += o.g[k] * o.p[k];
  }
  for (size_t k = 0; k < columns; ++k) {
    const ptrdiff_t column = (ptrdiff_t)k, row = (ptrdiff_t)r;
    const double p = o.p[k], y = kept[r * columns + k] ? p * scale : 0;
    const double dx = o.p[k] * (o.g[k] - d) * c->softmax.scale, error = 32 * computed + rounding;
    check_near(p, read_value(c->dtype, c->probabilities, row * c->softmax.probability_stride + column), p * error + tiny,
               "probability", r, k);
    check_near(y, read_value(c->dtype, c->y, row * c->matrix.y_stride + column), y * error + tiny, "y", r, k);
    const double magnitude = o.p[k] * 8 * scale, slack = magnitude * (64 * computed + 2 * rounding) + tiny;
    check_near(dx, read_value(c->dtype, c->again, row * c->matrix.x_stride + column), slack, "dx of statistics", r, k);
    const double of_stored = magnitude * 2 * rounding + (1 + p * (double)columns) * 8 * scale * tiny;
    check_near(dx, read_value(c->dtype, c->dx, row * c->matrix.x_stride + column), slack + of_stored, "dx", r, k);
  }
}

static uint8_t *kept_of(const softmax_case *c) {
  const simdrop_layout layout = {
      .rank = 2, .dims = {c->matrix.rows, c->matrix.columns}, .index_strides = {c->matrix.index_stride, 1}};
  uint8_t *const kept = allocate(c->matrix.rows * c->matrix.columns);
  assert_int_equal(simdrop_mask_layout_bytes(&c->mask, &layout, kept), SIMDROP_OK);
  return kept;
}

static void formulas(void **state) {
  (void)state;
  static const size_t shapes[][2] = {{1, 1}, {7, 5}, {3, 64}, {5, 130}, {2, 599}};
  FOR_EACH_BACKEND(backend) {
    uint64_t random = 82;
    for (size_t t = 0; t < LENGTH(types); ++t)
      for (size_t i = 0; i < LENGTH(shapes); ++i)
        for (unsigned masks = 0; masks < 32 && is_built(types[t]); masks += full_effort() && masks < 16 ? 1 : 5) {
          softmax_case c = make_case(types[t], shapes[i][0], shapes[i][1], 0.25, masks, VALUES_PLAIN, &random);
          run_case(&c, NULL);
          uint8_t *const kept = kept_of(&c);
          for (size_t r = 0; r < c.matrix.rows; ++r) check_row(&c, kept, r);
          free(kept);
          free_case(&c);
        }
  }
}

// ---- backends

static const struct {
  size_t rows, columns;
} shapes[] = {{1, 1},    {3, 31},   {5, 64},   {9, 65},   {4, 127},       {2, 512},
              {3, 1000}, {2, 4096}, {2, 4097}, {2, 5000}, {2, 16384 + 70}};

static void backends(void **state) {
  (void)state;
  uint64_t random = 83;
  for (size_t t = 0; t < LENGTH(types); ++t)
    for (size_t i = 0; i < LENGTH(shapes); ++i)
      for (int round = 0; round < (shapes[i].columns > 1024 ? 2 : full_effort() ? 12 : 4); ++round) {
        if (!is_built(types[t])) continue;
        const double p = some_probabilities[next_random(&random) % LENGTH(some_probabilities)];
        const unsigned masks = (unsigned)(next_random(&random) % 32);
        softmax_case c = make_case(types[t], shapes[i].rows, shapes[i].columns, comparable_probability(types[t], p), masks,
                                   (values_kind)(round % 3), &random);
        assert_int_equal(simdrop_backend_select("scalar"), SIMDROP_OK);
        run_case(&c, NULL);
        FOR_EACH_BACKEND(backend) {
          softmax_case other = with_own_outputs(&c);
          run_case(&other, NULL);
          char what[64];
          snprintf(what, sizeof what, "p %g, masks %u, round %d", p, masks, round);
          check_same(&c, &other, backend, what);
          free_outputs(&other);
        }
        free_case(&c);
      }
}

// ---- what it is made of

static void compositions(void **state) {
  (void)state;
  uint64_t random = 84;
  FOR_EACH_BACKEND(backend) {
    for (int round = 0; round < 40; ++round) {
      const double p = some_probabilities[round % LENGTH(some_probabilities)];
      softmax_case c = make_case(SIMDROP_F32, 1 + next_random(&random) % 5, 1 + next_random(&random) % 300, p,
                                 (unsigned)(next_random(&random) % 32), VALUES_PLAIN, &random);
      run_case(&c, NULL);
      // y is the dropout of the probabilities.
      const simdrop_layout layout = {.rank = 2,
                                     .dims = {c.matrix.rows, c.matrix.columns},
                                     .x_strides = {c.softmax.probability_stride, 1},
                                     .y_strides = {c.matrix.y_stride, 1},
                                     .index_strides = {c.matrix.index_stride, 1}};
      char *const dropped = make_canaries(SIMDROP_F32, c.elements);
      assert_int_equal(simdrop_forward_layout(&c.mask, SIMDROP_F32, &layout, c.probabilities, dropped), SIMDROP_OK);
      check_bytes(dropped, c.y, c.elements * sizeof(float), "%s: y, and the dropout of the probabilities, p %g", backend, p);
      free(dropped);
      // In float, probabilities that were stored are those that are computed again.
      check_bytes(c.again, c.dx, c.elements * sizeof(float), "%s: dx from the probabilities, and from the statistics", backend);
      free_case(&c);
    }
  }
}

// What is causal may be said by bytes, or by adding -infinity.
static void masks_alike(void **state) {
  (void)state;
  uint64_t random = 85;
  FOR_EACH_BACKEND(backend) {
    for (size_t columns = 1; columns < 200; columns += 33) {
      softmax_case c = make_case(SIMDROP_F32, 9, columns, 0.25, MASKS_CAUSAL, VALUES_PLAIN, &random);
      c.softmax.diagonal = (ptrdiff_t)(next_random(&random) % columns) - 4;
      run_case(&c, NULL);
      softmax_case bytes = with_own_outputs(&c), added = with_own_outputs(&c);
      bytes.softmax.causal = added.softmax.causal = 0;
      uint8_t *const allowed = allocate(9 * columns);
      float *const additive = allocate(9 * columns * sizeof *additive);
      for (size_t r = 0; r < 9; ++r)
        for (size_t k = 0; k < columns; ++k) {
          allowed[r * columns + k] = !is_masked(&c, r, k);
          additive[r * columns + k] = is_masked(&c, r, k) ? -INFINITY : 0;
        }
      bytes.softmax.allowed = allowed;
      bytes.softmax.allowed_stride = (ptrdiff_t)columns;
      added.softmax.additive = additive;
      added.softmax.additive_stride = (ptrdiff_t)columns;
      run_case(&bytes, NULL);
      run_case(&added, NULL);
      check_same(&c, &bytes, backend, "causal, and by bytes");
      check_same(&c, &added, backend, "causal, and by addition");
      free(allowed);
      free(additive);
      free_outputs(&bytes);
      free_outputs(&added);
      free_case(&c);
    }
  }
}

// ---- places

static void in_place(void **state) {
  (void)state;
  uint64_t random = 86;
  FOR_EACH_BACKEND(backend) {
    for (size_t t = 0; t < LENGTH(types); ++t)
      for (size_t i = 0; i < LENGTH(shapes); ++i) {
        if (!is_built(types[t]) || shapes[i].columns == 512) continue;
        softmax_case c =
            make_case(types[t], shapes[i].rows, shapes[i].columns, 0.3, MASKS_CAUSAL | MASKS_ALLOWED, VALUES_PLAIN, &random);
        c.matrix.y_stride = c.softmax.probability_stride = c.matrix.x_stride;
        c.softmax.diagonal = (ptrdiff_t)shapes[i].columns - 2;
        run_case(&c, NULL);
        const size_t bytes = c.elements * simdrop_dtype_size(types[t]), columns = shapes[i].columns;
        char *const place = allocate(bytes + 1), *const other = make_canaries(types[t], c.elements);
        const struct {
          const char *name;
          const char *input, *expected;
        } ways[] = {{"y over x", c.x, c.y},      {"the probabilities over x", c.x, c.probabilities},
                    {"dx over dy", c.dy, c.dx},  {"dx over the probabilities", c.probabilities, c.dx},
                    {"dx over x", c.x, c.again}, {"dx over dy, from the statistics", c.dy, c.again}};
        for (size_t w = 0; w < LENGTH(ways); ++w) {
          memcpy(place, ways[w].input, bytes);
          simdrop_status status = SIMDROP_OK;
          const simdrop_matrix *const m = &c.matrix;
          const simdrop_softmax *const s = &c.softmax;
          switch (w) {
            case 0: status = simdrop_softmax_forward(NULL, &c.mask, c.dtype, m, s, place, place, NULL, NULL); break;
            case 1: status = simdrop_softmax_forward(NULL, &c.mask, c.dtype, m, s, place, other, place, NULL); break;
            case 2:
              status = simdrop_softmax_backward(NULL, &c.mask, c.dtype, m, s, c.probabilities, NULL, NULL, place, place);
              break;
            case 3: status = simdrop_softmax_backward(NULL, &c.mask, c.dtype, m, s, place, NULL, NULL, c.dy, place); break;
            case 4:
              status = simdrop_softmax_backward(NULL, &c.mask, c.dtype, m, s, NULL, place, c.statistics, c.dy, place);
              break;
            default:
              status = simdrop_softmax_backward(NULL, &c.mask, c.dtype, m, s, NULL, c.x, c.statistics, place, place);
              break;
          }
          assert_int_equal(status, SIMDROP_OK);
          for (size_t r = 0; r < c.matrix.rows; ++r) {
            const size_t row = r * (size_t)m->x_stride * simdrop_dtype_size(c.dtype);
            check_numbers(c.dtype, ways[w].expected + row, place + row, columns, ways[w].name);
          }
        }
        free(place);
        free(other);
        free_case(&c);
      }
  }
}

static void threads(void **state) {
  (void)state;
  uint64_t random = 87;
  static const size_t thread_shapes[][2] = {{700, 100}, {5, 20000}, {3, 40000}, {300, 300}};
  for (size_t i = 0; i < LENGTH(thread_shapes); ++i)
    for (size_t thread_count = 1; thread_count < 8; thread_count += 2) {
      const unsigned masks = (unsigned)(next_random(&random) % 32) | MASKS_CAUSAL;
      softmax_case c = make_case(SIMDROP_F32, thread_shapes[i][0], thread_shapes[i][1], 0.3, masks, VALUES_PLAIN, &random);
      run_case(&c, NULL);
      softmax_case other = with_own_outputs(&c);
      executor_calls calls = {0};
      const simdrop_executor executor = {run_backwards, &calls, thread_count};
      run_case(&other, &executor);
      if (thread_count > 1) assert_true(calls.pieces > 1 && calls.pieces <= thread_count);
      check_same(&c, &other, "threads", "in pieces");
      free_outputs(&other);
      free_case(&c);
    }
}

// Rows one above the other in memory, from the last to the first.
static void negative_strides(void **state) {
  (void)state;
  uint64_t random = 88;
  softmax_case c = make_case(SIMDROP_F32, 6, 100, 0.3, MASKS_ADDITIVE | MASKS_ALLOWED, VALUES_PLAIN, &random);
  c.matrix.x_stride = c.matrix.y_stride = c.softmax.probability_stride = 101;
  c.softmax.additive_stride = c.softmax.allowed_stride = 101;
  run_case(&c, NULL);
  softmax_case mirrored = with_own_outputs(&c);
  const ptrdiff_t size = sizeof(float), last = 5 * 101;
  mirrored.matrix.x_stride = mirrored.matrix.y_stride = mirrored.softmax.probability_stride = -101;
  mirrored.softmax.additive_stride = mirrored.softmax.allowed_stride = -101;
  softmax_case turned = mirrored;
  turned.x += last * size, turned.y += last * size, turned.probabilities += last * size;
  turned.dy += last * size, turned.dx += last * size, turned.again += last * size;
  turned.softmax.additive = c.additive + last * size;
  turned.softmax.allowed = c.allowed + last;
  turned.mask.offset += 5 * c.matrix.index_stride;
  for (size_t r = 0; r < 6; ++r) {  // row r of the one is row 5 - r of the other
    const ptrdiff_t row = (ptrdiff_t)r;
    softmax_case one = turned;
    one.matrix.rows = 1;
    one.x -= row * 101 * size, one.y -= row * 101 * size, one.probabilities -= row * 101 * size;
    one.dy -= row * 101 * size, one.dx -= row * 101 * size, one.again -= row * 101 * size;
    one.softmax.additive = (const char *)turned.softmax.additive - row * 101 * size;
    one.softmax.allowed = turned.softmax.allowed - row * 101;
    one.mask.offset = c.mask.offset + (5 - r) * c.matrix.index_stride;
    run_case(&one, NULL);
  }
  check_bytes(c.y, mirrored.y, c.elements * sizeof(float), "rows one by one");
  check_bytes(c.dx, mirrored.dx, c.elements * sizeof(float), "gradients one by one");
  softmax_case whole = with_own_outputs(&c), turned_whole = whole;
  turned_whole.matrix = mirrored.matrix;
  turned_whole.softmax = turned.softmax;
  turned_whole.matrix.index_stride = 0;
  c.matrix.index_stride = 0;
  turned_whole.x = turned.x, turned_whole.dy = turned.dy;
  turned_whole.y += last * size, turned_whole.probabilities += last * size;
  turned_whole.dx += last * size, turned_whole.again += last * size;
  run_case(&c, NULL);
  run_case(&turned_whole, NULL);
  check_bytes(c.y, whole.y, c.elements * sizeof(float), "rows from the last to the first");
  check_bytes(c.dx, whole.dx, c.elements * sizeof(float), "gradients from the last to the first");
  free_outputs(&whole);
  free_outputs(&mirrored);
  free_case(&c);
}

// ---- values

static void special_rows(void **state) {
  (void)state;
  enum {
    ROWS = 5,
    COLUMNS = 70
  };
  static float x[ROWS * COLUMNS], y[ROWS * COLUMNS], p[ROWS * COLUMNS], statistics[2 * ROWS], dy[ROWS * COLUMNS],
      dx[ROWS * COLUMNS], again[ROWS * COLUMNS], zeros[COLUMNS];
  const simdrop_mask mask = {0.25, 1, 2, 3, 0};
  const simdrop_matrix matrix = simdrop_matrix_dense(ROWS, COLUMNS);
  const simdrop_softmax softmax = simdrop_softmax_plain(1, COLUMNS);
  FOR_EACH_BACKEND(backend) {
    for (size_t k = 0; k < COLUMNS; ++k) {
      x[0 * COLUMNS + k] = -INFINITY;
      x[1 * COLUMNS + k] = k == 66 ? 1.0F : -INFINITY;
      x[2 * COLUMNS + k] = k == 3 ? NAN : -INFINITY;
      x[3 * COLUMNS + k] = k == 5 ? INFINITY : 1.0F;
      x[4 * COLUMNS + k] = k % 2 == 0 ? -0.0F : 0.0F;
      for (size_t r = 0; r < ROWS; ++r) dy[r * COLUMNS + k] = r == 0 ? NAN : -1.0F;
    }
    dy[COLUMNS + 3] = NAN;  // where nothing is
    assert_int_equal(simdrop_softmax_forward(NULL, &mask, SIMDROP_F32, &matrix, &softmax, x, y, p, statistics), SIMDROP_OK);
    assert_int_equal(simdrop_softmax_backward(NULL, &mask, SIMDROP_F32, &matrix, &softmax, p, NULL, NULL, dy, dx), SIMDROP_OK);
    assert_int_equal(simdrop_softmax_backward(NULL, &mask, SIMDROP_F32, &matrix, &softmax, NULL, x, statistics, dy, again),
                     SIMDROP_OK);
    check_bytes(zeros, y, sizeof zeros, "%s: y of nothing but -infinity", backend);
    check_bytes(zeros, p, sizeof zeros, "%s: probabilities of nothing but -infinity", backend);
    check_bytes(zeros, dx, sizeof zeros, "%s: dx of nothing but -infinity", backend);
    check_bytes(zeros, again, sizeof zeros, "%s: dx of nothing but -infinity, from the statistics", backend);
    check_bytes(zeros, statistics, 2 * sizeof(float), "%s: statistics of nothing but -infinity", backend);
    check_bytes(zeros, statistics + 8, sizeof(float), "%s: the largest of zeros", backend);
    for (size_t k = 0; k < COLUMNS; ++k) {
      assert_true(p[COLUMNS + k] == (k == 66 ? 1.0F : 0.0F) && !isnan(dx[COLUMNS + k]) && !isnan(again[COLUMNS + k]));
      assert_true(isnan(p[2 * COLUMNS + k]) && isnan(dx[2 * COLUMNS + k]) && isnan(again[2 * COLUMNS + k]));
      assert_true(isnan(p[3 * COLUMNS + k]));
    }
  }
}

// Of what is not there, or plays no part, the stride may be anything, and is not computed with.
static void absent_arrays(void **state) {
  (void)state;
  const simdrop_mask mask = {0.5, 1, 2, 0, 0};
  const simdrop_matrix matrix = simdrop_matrix_dense(4, 8);
  simdrop_softmax softmax = simdrop_softmax_plain(1, 8);
  float x[32] = {1}, y[32], probabilities[32], statistics[8];
  softmax.additive_stride = softmax.allowed_stride = PTRDIFF_MAX;
  assert_int_equal(simdrop_softmax_forward(NULL, &mask, SIMDROP_F32, &matrix, &softmax, x, y, probabilities, statistics),
                   SIMDROP_OK);
  softmax.additive = x;
  softmax.allowed = (const uint8_t *)x;
  assert_int_equal(simdrop_softmax_backward(NULL, &mask, SIMDROP_F32, &matrix, &softmax, probabilities, NULL, NULL, x, y),
                   SIMDROP_OK);
  softmax = simdrop_softmax_plain(1, 8);
  softmax.probability_stride = PTRDIFF_MAX;
  assert_int_equal(simdrop_softmax_forward(NULL, &mask, SIMDROP_F32, &matrix, &softmax, x, y, NULL, statistics), SIMDROP_OK);
  assert_int_equal(simdrop_softmax_backward(NULL, &mask, SIMDROP_F32, &matrix, &softmax, NULL, x, statistics, x, y),
                   SIMDROP_OK);
}

static void errors(void **state) {
  (void)state;
  enum {
    ROWS = 3,
    COLUMNS = 8,
    COUNT = ROWS * COLUMNS
  };
  static float arrays[8][COUNT];
  static uint8_t allowed[COUNT];
  float *const x = arrays[0], *const y = arrays[1], *const p = arrays[2], *const s = arrays[3], *const dy = arrays[4];
  float *const dx = arrays[5];
  const simdrop_mask mask = {0.5, 1, 2, 3, 0};
  const simdrop_matrix matrix = simdrop_matrix_dense(ROWS, COLUMNS);
  const simdrop_softmax softmax = simdrop_softmax_plain(1, COLUMNS);
  memset(arrays, CANARY, sizeof arrays);
#define FORWARD(mask, dtype, matrix, softmax, x, y, p, s) \
  simdrop_softmax_forward(NULL, mask, dtype, matrix, softmax, x, y, p, s)
#define BACKWARD(p, x, s, dy, dx) simdrop_softmax_backward(NULL, &mask, SIMDROP_F32, &matrix, &softmax, p, x, s, dy, dx)
  const simdrop_dtype f32 = SIMDROP_F32;
  assert_int_equal(FORWARD(NULL, f32, &matrix, &softmax, x, y, p, s), SIMDROP_ERROR_NULL_POINTER);
  assert_int_equal(FORWARD(&mask, f32, NULL, &softmax, x, y, p, s), SIMDROP_ERROR_NULL_POINTER);
  assert_int_equal(FORWARD(&mask, f32, &matrix, NULL, x, y, p, s), SIMDROP_ERROR_NULL_POINTER);
  assert_int_equal(FORWARD(&mask, f32, &matrix, &softmax, NULL, y, p, s), SIMDROP_ERROR_NULL_POINTER);
  assert_int_equal(FORWARD(&mask, f32, &matrix, &softmax, x, NULL, p, s), SIMDROP_ERROR_NULL_POINTER);
  assert_int_equal(FORWARD(&mask, SIMDROP_F8E5M2, &matrix, &softmax, x, y, p, s), SIMDROP_ERROR_DTYPE);
  assert_int_equal(FORWARD(&mask, (simdrop_dtype)77, &matrix, &softmax, x, y, p, s), SIMDROP_ERROR_DTYPE);
  simdrop_mask wrong_mask = mask;
  wrong_mask.p = -1;
  assert_int_equal(FORWARD(&wrong_mask, f32, &matrix, &softmax, x, y, p, s), SIMDROP_ERROR_PROBABILITY);
  wrong_mask = mask;
  wrong_mask.flags = 1;
  assert_int_equal(FORWARD(&wrong_mask, f32, &matrix, &softmax, x, y, p, s), SIMDROP_ERROR_FLAGS);
  wrong_mask = mask;
  wrong_mask.offset = UINT64_MAX - COUNT + 2;
  assert_int_equal(FORWARD(&wrong_mask, f32, &matrix, &softmax, x, y, p, s), SIMDROP_ERROR_INDEX_OVERFLOW);
  simdrop_matrix wrong_matrix = matrix;
  wrong_matrix.flags = 1;
  assert_int_equal(FORWARD(&mask, f32, &wrong_matrix, &softmax, x, y, p, s), SIMDROP_ERROR_FLAGS);
  wrong_matrix = simdrop_matrix_dense(SIZE_MAX / 2, 8);
  assert_int_equal(FORWARD(&mask, f32, &wrong_matrix, &softmax, x, y, p, s), SIMDROP_ERROR_SIZE_OVERFLOW);
  wrong_matrix = matrix;
  wrong_matrix.y_stride = COLUMNS - 1;
  assert_int_equal(FORWARD(&mask, f32, &wrong_matrix, &softmax, x, y, p, s), SIMDROP_ERROR_OVERLAP);
  wrong_matrix.y_stride = PTRDIFF_MAX / 4;
  assert_int_equal(FORWARD(&mask, f32, &wrong_matrix, &softmax, x, y, p, s), SIMDROP_ERROR_SIZE_OVERFLOW);
  simdrop_softmax wrong = softmax;
  wrong.flags = 1;
  assert_int_equal(FORWARD(&mask, f32, &matrix, &wrong, x, y, p, s), SIMDROP_ERROR_FLAGS);
  wrong = softmax;
  wrong.causal = 2;
  assert_int_equal(FORWARD(&mask, f32, &matrix, &wrong, x, y, p, s), SIMDROP_ERROR_SHAPE);
  wrong = softmax;
  static const double scales[] = {NAN, INFINITY, -INFINITY, 1e39};  // the last is beyond float
  for (size_t i = 0; i < LENGTH(scales); ++i) {
    wrong.scale = scales[i];
    assert_int_equal(FORWARD(&mask, f32, &matrix, &wrong, x, y, p, s), SIMDROP_ERROR_SHAPE);
  }
  wrong = softmax;
  wrong.additive = arrays[6];
  wrong.additive_type = SIMDROP_F16;
  assert_int_equal(FORWARD(&mask, f32, &matrix, &wrong, x, y, p, s), SIMDROP_ERROR_DTYPE);
  wrong.additive_type = SIMDROP_F32;
  wrong.additive_stride = PTRDIFF_MAX;
  assert_int_equal(FORWARD(&mask, f32, &matrix, &wrong, x, y, p, s), SIMDROP_ERROR_SIZE_OVERFLOW);
  wrong.additive_stride = PTRDIFF_MAX / 6;
  assert_int_equal(FORWARD(&mask, f32, &matrix, &wrong, x, y, p, s), SIMDROP_ERROR_SIZE_OVERFLOW);
  wrong.additive_stride = 0;
  wrong.additive = y + 5;
  assert_int_equal(FORWARD(&mask, f32, &matrix, &wrong, x, y, p, s), SIMDROP_ERROR_OVERLAP);
  wrong.additive = y;
  wrong.additive_stride = COLUMNS;
  assert_int_equal(FORWARD(&mask, f32, &matrix, &wrong, x, y, p, s), SIMDROP_ERROR_OVERLAP);
  wrong.additive = p + 1;
  assert_int_equal(FORWARD(&mask, f32, &matrix, &wrong, x, y, p, s), SIMDROP_ERROR_OVERLAP);
  wrong = softmax;
  wrong.allowed = (const uint8_t *)y + 7;
  assert_int_equal(FORWARD(&mask, f32, &matrix, &wrong, x, y, p, s), SIMDROP_ERROR_OVERLAP);
  wrong.allowed = (const uint8_t *)p;
  assert_int_equal(FORWARD(&mask, f32, &matrix, &wrong, x, y, p, s), SIMDROP_ERROR_OVERLAP);
  wrong.allowed = allowed;
  wrong.probability_stride = COLUMNS - 1;
  assert_int_equal(FORWARD(&mask, f32, &matrix, &wrong, x, y, p, s), SIMDROP_ERROR_OVERLAP);
  assert_int_equal(FORWARD(&mask, f32, &matrix, &softmax, x, x + 1, p, s), SIMDROP_ERROR_OVERLAP);
  assert_int_equal(FORWARD(&mask, f32, &matrix, &softmax, x, y, y, s), SIMDROP_ERROR_OVERLAP);
  assert_int_equal(FORWARD(&mask, f32, &matrix, &softmax, x, x, x, s), SIMDROP_ERROR_OVERLAP);
  assert_int_equal(FORWARD(&mask, f32, &matrix, &softmax, x, y, y + 1, s), SIMDROP_ERROR_OVERLAP);
  assert_int_equal(FORWARD(&mask, f32, &matrix, &softmax, x, y, p, y + COUNT - 1), SIMDROP_ERROR_OVERLAP);
  assert_int_equal(FORWARD(&mask, f32, &matrix, &softmax, x, y, p, x), SIMDROP_ERROR_OVERLAP);
  assert_int_equal(FORWARD(&mask, f32, &matrix, &softmax, x, y, p, p), SIMDROP_ERROR_OVERLAP);
  assert_int_equal(BACKWARD(NULL, NULL, s, dy, dx), SIMDROP_ERROR_NULL_POINTER);
  assert_int_equal(BACKWARD(NULL, x, NULL, dy, dx), SIMDROP_ERROR_NULL_POINTER);
  assert_int_equal(BACKWARD(p, NULL, NULL, NULL, dx), SIMDROP_ERROR_NULL_POINTER);
  assert_int_equal(BACKWARD(p, NULL, NULL, dy, NULL), SIMDROP_ERROR_NULL_POINTER);
  assert_int_equal(BACKWARD(p, NULL, NULL, dx + 1, dx), SIMDROP_ERROR_OVERLAP);
  assert_int_equal(BACKWARD(p, NULL, NULL, dy, p + 1), SIMDROP_ERROR_OVERLAP);
  assert_int_equal(BACKWARD(NULL, x, s, dy, x + 1), SIMDROP_ERROR_OVERLAP);
  assert_int_equal(BACKWARD(NULL, x, s, dy, s - COUNT + 1), SIMDROP_ERROR_OVERLAP);
  check_filled(arrays, sizeof arrays, CANARY, "arrays after errors");
  // Without elements, no array is touched, nor need be there.
  const simdrop_matrix empty = simdrop_matrix_dense(0, 8), narrow = simdrop_matrix_dense(3, 0);
  assert_int_equal(FORWARD(&mask, f32, &empty, &softmax, NULL, NULL, NULL, s), SIMDROP_OK);
  assert_int_equal(FORWARD(&mask, f32, &narrow, &softmax, NULL, NULL, NULL, s), SIMDROP_OK);
  assert_int_equal(simdrop_softmax_backward(NULL, &mask, f32, &empty, &softmax, NULL, NULL, NULL, NULL, NULL), SIMDROP_OK);
  check_filled(arrays, sizeof arrays, CANARY, "arrays without elements");
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(formulas),         cmocka_unit_test(backends),     cmocka_unit_test(compositions),
      cmocka_unit_test(masks_alike),      cmocka_unit_test(in_place),     cmocka_unit_test(threads),
      cmocka_unit_test(negative_strides), cmocka_unit_test(special_rows), cmocka_unit_test(errors),
      cmocka_unit_test(absent_arrays),
  };
  return RUN_TESTS(argc, argv, tests);
}

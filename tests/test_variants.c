// The relatives of dropout (simdrop/variants.h): values against their definitions, every backend against the scalar one byte
// for byte, layouts against calls of one element, threads, and statistics on fixed seeds.
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"
#include "oracle.h"
#include "support.h"

static const simdrop_dtype computed_dtypes[] = {SIMDROP_F32, SIMDROP_F64, SIMDROP_F16, SIMDROP_BF16};

enum {
  CANARY = 0xA5,
  BESIDE = 16  // elements before and after an output that must stay as they are
};

static const oracle_format *format_of(simdrop_dtype dtype) {
  switch (dtype) {
    case SIMDROP_F16: return &oracle_binary16;
    case SIMDROP_BF16: return &oracle_bfloat16;
    case SIMDROP_F64: return &oracle_binary64;
    default: return &oracle_binary32;
  }
}

static float float_of(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static double double_of(uint64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

// An element's value as it is computed with: exact.
static double value_of(simdrop_dtype dtype, const void *elements, size_t k) {
  const size_t size = simdrop_dtype_size(dtype);
  const uint64_t bits = read_element(size, (const char *)elements + k * size);
  if (dtype == SIMDROP_F64) return double_of(bits);
  return float_of((uint32_t)oracle_convert(bits, *format_of(dtype), oracle_binary32));
}

// The element of a float, rounded once.
static uint64_t bits_of(simdrop_dtype dtype, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return oracle_convert(bits, oracle_binary32, *format_of(dtype));
}

static void check_element(simdrop_dtype dtype, double expected, const void *found, size_t k, const char *backend,
                          const char *what) {
  const size_t size = simdrop_dtype_size(dtype);
  const uint64_t bits = read_element(size, (const char *)found + k * size);
  uint64_t expected_bits;
  if (dtype == SIMDROP_F64) {
    memcpy(&expected_bits, &expected, sizeof expected_bits);
  } else {
    expected_bits = bits_of(dtype, (float)expected);
  }
  if (isnan(expected) ? !isnan(value_of(dtype, found, k)) : bits != expected_bits)
    fail_msg("%s: %s of %s: element %zu is %.17g (%" PRIx64 "), not %.17g (%" PRIx64 ")", backend, what, dtype_name(dtype), k,
             value_of(dtype, found, k), bits, expected, expected_bits);
}

// NaNs may differ in sign and payload from backend to backend: each becomes the same one.
static void make_one_nan(simdrop_dtype dtype, size_t n, void *values) {
  const size_t size = simdrop_dtype_size(dtype);
  for (size_t k = 0; k < n; ++k)
    if (isnan(value_of(dtype, values, k)))
      write_element(size, bits_of(dtype, NAN) | (dtype == SIMDROP_F64), (char *)values + k * size);
}

// ---- what the variants have in common

typedef simdrop_status flat_function(const simdrop_executor *, const simdrop_mask *, simdrop_dtype, size_t, const void *,
                                     void *);
typedef simdrop_status layout_function(const simdrop_executor *, const simdrop_mask *, simdrop_dtype, const simdrop_layout *,
                                       const void *, void *);

static const struct variant {
  const char *name;
  flat_function *flat;
  layout_function *layout;
  bool takes_one;  // p = 1
} variants[] = {
    {"alpha forward", simdrop_alpha_forward, simdrop_alpha_forward_layout, true},
    {"alpha backward", simdrop_alpha_backward, simdrop_alpha_backward_layout, true},
    {"gaussian", simdrop_gaussian_forward, simdrop_gaussian_forward_layout, false},
};

// Elements with as many more on both sides, which stay as they were.
typedef struct guarded {
  char *memory, *values;
  size_t size, n;
} guarded;

static guarded guard(size_t size, size_t n, size_t misaligned) {
  char *const memory = allocate((n + 2 * BESIDE) * size + 64);
  memset(memory, CANARY, (n + 2 * BESIDE) * size + 64);
  return (guarded){memory, memory + (BESIDE + misaligned) * size, size, n};
}

static void check_guarded(const guarded *g, const char *backend, const char *what) {
  const size_t before = (size_t)(g->values - g->memory), after = before + g->n * g->size;
  check_filled(g->memory, before, CANARY, "%s: before the output of %s", backend, what);
  check_filled(g->memory + after, (g->n + 2 * BESIDE) * g->size + 64 - after, CANARY, "%s: after the output of %s", backend,
               what);
}

// What every backend makes of n elements is what the scalar one does; in place too, and beside the output nothing changes.
static void check_backends(const struct variant *variant, const simdrop_mask *mask, simdrop_dtype dtype, size_t n,
                           size_t misaligned, uint64_t *random) {
  const size_t size = simdrop_dtype_size(dtype);
  guarded expected = guard(size, n, 0), y = guard(size, n, misaligned);
  char *const x = allocate((n + 1) * size);
  fill_values(dtype, n, random, x);
  assert_int_equal(simdrop_backend_select("scalar"), SIMDROP_OK);
  assert_int_equal(variant->flat(NULL, mask, dtype, n, x, expected.values), SIMDROP_OK);
  make_one_nan(dtype, n, expected.values);
  FOR_EACH_BACKEND(backend) {
    for (int in_place = 0; in_place < 2; ++in_place) {
      memset(y.values, CANARY, n * size);
      if (in_place) memcpy(y.values, x, n * size);
      assert_int_equal(variant->flat(NULL, mask, dtype, n, in_place ? y.values : x, y.values), SIMDROP_OK);
      make_one_nan(dtype, n, y.values);
      check_bytes(expected.values, y.values, n * size, "%s: %s of %s, p = %g, n = %zu, offset %" PRIu64 "%s", backend,
                  variant->name, dtype_name(dtype), mask->p, n, mask->offset, in_place ? ", in place" : "");
      check_guarded(&y, backend, variant->name);
    }
  }
  free(x);
  free(expected.memory);
  free(y.memory);
}

static void backends_agree(void **state) {
  (void)state;
  static const double probabilities[] = {0, 0x1p-40, 0.1, 0.5, 0.9, 1 - 0x1p-32, 1};
  static const size_t lengths[] = {511, 1024, 2047, 4096 + 65, 8191, 8192 + 129, 16384, 20000};
  uint64_t random = 40;
  for (size_t v = 0; v < LENGTH(variants); ++v) {
    for (size_t d = 0; d < LENGTH(computed_dtypes); ++d) {
      for (size_t n = 0; n <= 200; n += full_effort() ? 1 : 7) {
        const simdrop_mask mask = {0.3, 5, n, next_random(&random) >> 1, 0};
        check_backends(&variants[v], &mask, computed_dtypes[d], n, n % 16, &random);
      }
      for (size_t i = 0; i < LENGTH(lengths); ++i) {
        const simdrop_mask mask = {probabilities[i % LENGTH(probabilities)], 6, i, next_random(&random) >> 1, 0};
        if (mask.p < 1 || variants[v].takes_one)
          check_backends(&variants[v], &mask, computed_dtypes[d], lengths[i], i, &random);
      }
    }
  }
}

// Every way through memory, for arrays that are far.
static void far_arrays(void **state) {
  (void)state;
  uint64_t random = 41;
  for (size_t v = 0; v < LENGTH(variants); ++v) {
    for (size_t d = 0; d < LENGTH(computed_dtypes); ++d) {
      const size_t n = ((size_t)1 << 20) / simdrop_dtype_size(computed_dtypes[d]) + 1003;
      for (size_t w = d; w < simdrop_memory_count(); w += LENGTH(computed_dtypes)) {
        assert_int_equal(simdrop_memory_select(simdrop_memory_name(w)), SIMDROP_OK);
        const simdrop_mask mask = {0.3, 5, w, 12345, 0};
        check_backends(&variants[v], &mask, computed_dtypes[d], n, w, &random);
      }
    }
  }
  assert_int_equal(simdrop_memory_select(NULL), SIMDROP_OK);
}

// ---- layouts: each element as by a call on it alone

static size_t pick(uint64_t *random, size_t count) { return (size_t)(next_random(random) >> 33) % count; }

static void check_layout(const struct variant *variant, const simdrop_mask *mask, simdrop_dtype dtype,
                         const simdrop_layout *layout, uint64_t *random) {
  const size_t size = simdrop_dtype_size(dtype), count = count_of(layout);
  const reach xs = find_reach(layout, layout->x_strides), ys = find_reach(layout, layout->y_strides);
  const size_t x_count = xs.before + xs.after, y_count = ys.before + ys.after;
  char *const x = allocate(x_count * size), *const y = allocate(y_count * size), *const expected = allocate(y_count * size);
  fill_values(dtype, x_count, random, x);
  memset(expected, CANARY, y_count * size);
  assert_int_equal(simdrop_backend_select("scalar"), SIMDROP_OK);
  for (size_t k = 0; k < count; ++k) {
    const element_place place = find_place(layout, mask->offset, k);
    simdrop_mask one = *mask;
    one.offset = place.index;
    assert_int_equal(variant->flat(NULL, &one, dtype, 1, x + ((ptrdiff_t)xs.before + place.x) * (ptrdiff_t)size,
                                   expected + ((ptrdiff_t)ys.before + place.y) * (ptrdiff_t)size),
                     SIMDROP_OK);
  }
  make_one_nan(dtype, y_count, expected);
  FOR_EACH_BACKEND(backend) {
    memset(y, CANARY, y_count * size);
    assert_int_equal(variant->layout(NULL, mask, dtype, layout, x + xs.before * size, y + ys.before * size), SIMDROP_OK);
    make_one_nan(dtype, y_count, y);
    check_bytes(expected, y, y_count * size, "%s: %s of %s, p = %g, rank %d of %zu x %zu, index strides %" PRIu64 ", %" PRIu64,
                backend, variant->name, dtype_name(dtype), mask->p, layout->rank, layout->dims[0], layout->dims[1],
                layout->index_strides[0], layout->index_strides[1]);
  }
  free(x);
  free(y);
  free(expected);
}

static void layouts_are_flat(void **state) {
  (void)state;
  static const size_t shapes[][2] = {{1, 1}, {3, 5}, {7, 64}, {70, 3}, {5, 129}, {2, 700}, {1, 2100}, {40, 40}, {130, 2}};
  static const double probabilities[] = {0.3, 0.5, 0.99, 0x1p-40, 0};
  uint64_t random = 42;
  for (size_t i = 0; i < LENGTH(shapes); ++i) {
    const size_t m = shapes[i][0], n = shapes[i][1];
    const ptrdiff_t row = (ptrdiff_t)n;
    const uint64_t index_strides[][2] = {{n, 1}, {n + 333, 1}, {1, 0}, {0, 1}, {1, m}, {2, 0}, {n * 129, 129}, {0, 2}, {0, 0}};
    for (size_t s = 0; s < LENGTH(index_strides); ++s) {
      if (!full_effort() && (i + s) % 3 != 0) continue;
      simdrop_layout layout = {2, {m, n}, {row, 1}, {row, 1}, {0}, 0};
      memcpy(layout.index_strides, index_strides[s], sizeof index_strides[s]);
      for (int places = 0; places < 3; ++places) {
        const struct variant *const variant = &variants[(i + s + (size_t)places) % LENGTH(variants)];
        const simdrop_mask mask = {probabilities[pick(&random, LENGTH(probabilities))], next_random(&random), 9,
                                   next_random(&random) >> 8, 0};
        check_layout(variant, &mask, computed_dtypes[pick(&random, LENGTH(computed_dtypes))], &layout, &random);
        if (places == 0) layout.y_strides[0] += 3;
        if (places == 1) {
          layout.x_strides[0] = -3 * row;
          layout.x_strides[1] = 3;
          layout.y_strides[0] = 2 * layout.y_strides[0];
          layout.y_strides[1] = 2;
        }
      }
    }
  }
}

// In place, and by feature: alpha dropout's two shapes in use.
static void features(void **state) {
  (void)state;
  const size_t dims[4] = {3, 5, 7, 11};
  simdrop_layout layout;
  uint64_t random = 43;
  for (int order = 0; order < 2; ++order) {
    assert_int_equal(simdrop_layout_channels(order ? SIMDROP_CHANNELS_LAST : SIMDROP_CHANNELS_FIRST, 2, 4, dims, &layout),
                     SIMDROP_OK);
    for (size_t v = 0; v < LENGTH(variants); ++v)
      for (size_t d = 0; d < LENGTH(computed_dtypes); ++d)
        check_layout(&variants[v], &(simdrop_mask){0.4, 1, 2, 3, 0}, computed_dtypes[d], &layout, &random);
  }
}

// ---- threads

static void threads_change_nothing(void **state) {
  (void)state;
  enum {
    N = 300000,
    ROWS = 600
  };
  static float x[N], expected[N], y[N];
  executor_calls runs = {0};
  size_t wanted = 0;
  uint64_t random = 44;
  fill_values(SIMDROP_F32, N, &random, x);
  const simdrop_mask mask = {0.3, 7, 8, 100, 0};
  simdrop_layout layout = {2, {ROWS, N / ROWS}, {N / ROWS, 1}, {N / ROWS, 1}, {1, 0}, 0};
  for (size_t v = 0; v < LENGTH(variants); ++v) {
    for (size_t threads = 2; threads <= 7; threads += 5) {
      const simdrop_executor executor = {run_backwards, &runs, threads};
      assert_int_equal(variants[v].flat(NULL, &mask, SIMDROP_F32, N, x, expected), SIMDROP_OK);
      assert_int_equal(variants[v].flat(&executor, &mask, SIMDROP_F32, N, x, y), SIMDROP_OK);
      check_bytes(expected, y, sizeof y, "%s with %zu threads", variants[v].name, threads);
      assert_int_equal(variants[v].layout(NULL, &mask, SIMDROP_F32, &layout, x, expected), SIMDROP_OK);
      assert_int_equal(variants[v].layout(&executor, &mask, SIMDROP_F32, &layout, x, y), SIMDROP_OK);
      check_bytes(expected, y, sizeof y, "%s of a layout with %zu threads", variants[v].name, threads);
      wanted += 2;
    }
  }
  assert_int_equal(runs.calls, wanted);
}

// ---- alpha dropout

static void alpha_values(void **state) {
  (void)state;
  enum {
    N = 1500
  };
  uint64_t random = 45;
  static double x[N], y[N], dx[N];
  uint32_t u[N];
  uint8_t kept[N];
  for (size_t i = 0; i < LENGTH(some_probabilities); ++i) {
    const simdrop_mask mask = {some_probabilities[i], 11, 12, 1000 * i + 77, 0};
    const double p = (double)oracle_threshold(mask.p) / 0x1p32;
    const double alpha = 1.7580993408473766, a = 1 / sqrt((alpha * alpha * p + 1) * (1 - p)), b = alpha * a * p;
    oracle_u(mask.seed, mask.stream, mask.offset, N, u);
    oracle_kept(mask.p, N, u, kept);
    for (size_t d = 0; d < LENGTH(computed_dtypes); ++d) {
      const simdrop_dtype dtype = computed_dtypes[d];
      fill_values(dtype, N, &random, x);
      FOR_EACH_BACKEND(backend) {
        assert_int_equal(simdrop_alpha_forward(NULL, &mask, dtype, N, x, y), SIMDROP_OK);
        assert_int_equal(simdrop_alpha_backward(NULL, &mask, dtype, N, x, dx), SIMDROP_OK);
        if (p == 0) check_bytes(x, y, N * simdrop_dtype_size(dtype), "%s: alpha dropout, p = 0", backend);
        for (size_t k = 0; k < N; ++k) {
          const double value = value_of(dtype, x, k);
          if (p == 1) {
            check_element(dtype, 0, y, k, backend, "alpha forward, p = 1,");
            check_element(dtype, 0, dx, k, backend, "alpha backward, p = 1,");
          } else if (p > 0 && dtype == SIMDROP_F64) {
            check_element(dtype, kept[k] ? value * a + b : b - alpha * a, y, k, backend, "alpha forward");
            check_element(dtype, kept[k] ? value * a : 0, dx, k, backend, "alpha backward");
          } else if (p > 0) {
            const float product = (float)value * (float)a;
            check_element(dtype, kept[k] ? product + (float)b : (float)(b - alpha * a), y, k, backend, "alpha forward");
            check_element(dtype, kept[k] ? product : 0, dx, k, backend, "alpha backward");
          }
        }
      }
    }
  }
}

// Of inputs with mean 0 and variance 1, the outputs have them too. Here they are 1 and -1, so that only the mask is random, and
// moments are off by what 2^20 decisions can: five standard deviations of them.
static void alpha_keeps_mean_and_variance(void **state) {
  (void)state;
  enum {
    N = 1 << 20
  };
  float *const x = allocate(N * sizeof *x), *const y = allocate(N * sizeof *y);
  for (size_t k = 0; k < N; ++k) x[k] = k % 2 == 0 ? 1.0F : -1.0F;
  static const double probabilities[] = {0.05, 0.1, 0.3, 0.5};
  for (size_t i = 0; i < LENGTH(probabilities); ++i) {
    assert_int_equal(simdrop_alpha_forward(NULL, &(simdrop_mask){probabilities[i], 3, 4, 0, 0}, SIMDROP_F32, N, x, y),
                     SIMDROP_OK);
    double sum = 0, squares = 0, fourths = 0;
    for (size_t k = 0; k < N; ++k) {
      const double square = (double)y[k] * y[k];
      sum += y[k];
      squares += square;
      fourths += square * square;
    }
    const double variance = squares / N - 1, spread = sqrt(fourths / N - 1);
    if (fabs(sum / N) > 5 / sqrt(N)) fail_msg("p = %g: the mean is %g", probabilities[i], sum / N);
    if (fabs(variance) > 5 * spread / sqrt(N)) fail_msg("p = %g: the variance is off by %g", probabilities[i], variance);
  }
  free(x);
  free(y);
}

// ---- numbers

// Those of the definition, in double but for where it says otherwise: words by the reference's Philox, functions by the C
// library.
static void expected_numbers(const simdrop_mask *mask, uint64_t index, double *normal, double *uniform) {
  const uint32_t key[2] = {(uint32_t)mask->seed, (uint32_t)(mask->seed >> 32)};
  const uint64_t block = index / 128;
  uint32_t counter[4] = {(uint32_t)mask->stream, (uint32_t)block, (uint32_t)(mask->stream >> 32), 0}, words[4];
  counter[3] = (uint32_t)(block >> 32) | (uint32_t)(64 + index % 128 / 4) << 25;
  oracle_philox(10, counter, key, words);
  const uint32_t a = words[index % 4 / 2 * 2], b = words[index % 4 / 2 * 2 + 1];
  const float u = (float)(a >> 1) * 0x1p-31F + 0x1p-32F, t = (float)(int32_t)b * 0x1p-31F;
  const double pi = 3.14159265358979323846, radius = sqrt(-2 * log((double)u));
  *normal = radius * (index % 2 == 0 ? cos(pi * t) : sin(pi * t));
  counter[3] += UINT32_C(32) << 25;
  oracle_philox(10, counter, key, words);
  *uniform = (float)(words[index % 4] >> 1) * 0x1p-31F + 0x1p-32F;
}

static void numbers_are_defined(void **state) {
  (void)state;
  enum {
    N = 3000
  };
  static float normals[N], uniforms[N];
  const uint64_t offsets[] = {0, 1, 77, (UINT64_C(1) << 39) - 1001, (UINT64_C(1) << 63) + 3, UINT64_MAX - N + 1};
  FOR_EACH_BACKEND(backend) {
    for (size_t i = 0; i < LENGTH(offsets); ++i) {
      const simdrop_mask mask = {0.5, UINT64_C(0x123456789abcdef0) + i, UINT64_C(0xfedcba9876543210) - i, offsets[i], 0};
      const size_t n = N - i;
      assert_int_equal(simdrop_normals(NULL, &mask, n, normals), SIMDROP_OK);
      assert_int_equal(simdrop_uniforms(NULL, &mask, n, uniforms), SIMDROP_OK);
      for (size_t k = 0; k < n; ++k) {
        double normal, uniform;
        expected_numbers(&mask, mask.offset + k, &normal, &uniform);
        if (fabs(normals[k] - normal) > 6e-7) fail_msg("%s: normal %zu is %.9g, not %.9g", backend, k, normals[k], normal);
        if (uniforms[k] != uniform) fail_msg("%s: uniform %zu is %.9g, not %.9g", backend, k, uniforms[k], uniform);
      }
    }
  }
}

// Every backend gives the scalar one's bits, for any piece, and writes no more.
static void numbers_by_every_backend(void **state) {
  (void)state;
  enum {
    N = 5000
  };
  static float expected[2][N + 2 * BESIDE], found[2][N + 2 * BESIDE];
  uint64_t random = 46;
  for (size_t n = 0; n <= N; n = n < 300 ? n + 13 : n * 2 + 1) {
    const simdrop_mask mask = {0.5, next_random(&random), 3, next_random(&random) >> (n % 60), 0};
    memset(expected, CANARY, sizeof expected);
    assert_int_equal(simdrop_backend_select("scalar"), SIMDROP_OK);
    assert_int_equal(simdrop_normals(NULL, &mask, n, expected[0] + BESIDE), SIMDROP_OK);
    assert_int_equal(simdrop_uniforms(NULL, &mask, n, expected[1] + BESIDE), SIMDROP_OK);
    FOR_EACH_BACKEND(backend) {
      memset(found, CANARY, sizeof found);
      const size_t half = n / 3;
      simdrop_mask rest = mask;
      rest.offset += half;
      assert_int_equal(simdrop_normals(NULL, &mask, half, found[0] + BESIDE), SIMDROP_OK);
      assert_int_equal(simdrop_normals(NULL, &rest, n - half, found[0] + BESIDE + half), SIMDROP_OK);
      assert_int_equal(simdrop_uniforms(NULL, &mask, n, found[1] + BESIDE), SIMDROP_OK);
      check_bytes(expected, found, sizeof found, "%s: %zu numbers", backend, n);
    }
  }
}

static int compare_floats(const void *a, const void *b) {
  const float first = *(const float *)a, second = *(const float *)b;
  return (first > second) - (first < second);
}

// The probability of a count of `successes` or more extreme among n, of which each is one with this probability, both sides
// together; exact, by the terms of the binomial distribution.
static double binomial_tail(size_t n, double probability, size_t successes) {
  const double mean = (double)n * probability;
  const bool is_above = (double)successes >= mean;
  const double log_odds = log(probability) - log1p(-probability);
  double log_term = lgamma((double)n + 1) - lgamma((double)successes + 1) - lgamma((double)(n - successes) + 1) +
                    (double)successes * log(probability) + (double)(n - successes) * log1p(-probability);
  double sum = 0, k = (double)successes;
  for (size_t terms = 0; terms < 100000; ++terms) {
    const double term = exp(log_term);
    sum += term;
    if (term < 1e-25) break;
    if (is_above) {
      log_term += log((double)n - k) - log(k + 1) + log_odds;
      ++k;
    } else {
      if (k == 0) break;
      log_term -= log((double)n - k + 1) - log(k) + log_odds;
      --k;
    }
  }
  return fmin(1, 2 * sum);
}

static double normal_above(double x) { return 0.5 * erfc(x / sqrt(2)); }
static double normal_below(double x) { return normal_above(-x); }
static double uniform_below(double x) { return x; }

// Sorts the numbers. The largest distance of distribution functions (Kolmogorov and Smirnov) has a chance of about 1 in 10^6 to
// be as large as 2.7 / sqrt(n).
static void check_distribution(size_t n, float *numbers, double (*below)(double)) {
  qsort(numbers, n, sizeof *numbers, compare_floats);
  double distance = 0;
  for (size_t k = 0; k < n; ++k) {
    const double apart = fabs(below(numbers[k]) - (double)k / (double)n);
    if (apart > distance) distance = apart;
  }
  if (distance * sqrt((double)n) > 2.7) fail_msg("the distribution functions are %g apart", distance);
}

// Many normals on a fixed seed: moments, tails, neighbours and distribution, each with a chance of about 1 in 10^6 to be off by
// as much.
static void normals_are_normal(void **state) {
  (void)state;
  const size_t n = (size_t)1 << (full_effort() ? 22 : 18);
  const double count = (double)n;
  float *const z = allocate(n * sizeof *z);
  assert_int_equal(simdrop_normals(NULL, &(simdrop_mask){0.5, 2024, 5, 0, 0}, n, z), SIMDROP_OK);
  // Of the powers 1 to 4, what a normal number has and the variance of that.
  static const double moments[4] = {0, 1, 0, 3}, variances[4] = {1, 2, 15, 96};
  double sums[4] = {0}, neighbours[5] = {0};
  static const size_t apart[5] = {1, 2, 3, 4, 128};
  for (size_t k = 0; k < n; ++k) {
    double power = 1;
    for (int m = 0; m < 4; ++m) sums[m] += power *= z[k];
    for (size_t i = 0; i < LENGTH(apart); ++i)
      if (k >= apart[i]) neighbours[i] += (double)z[k] * z[k - apart[i]];
  }
  for (int m = 0; m < 4; ++m)
    if (fabs(sums[m] / count - moments[m]) > 5 * sqrt(variances[m] / count))
      fail_msg("moment %d is %g", m + 1, sums[m] / count);
  for (size_t i = 0; i < LENGTH(apart); ++i)
    if (fabs(neighbours[i]) > 5 * sqrt(count))
      fail_msg("those %zu apart have a correlation of %g", apart[i], neighbours[i] / count);
  for (int limit = 3; limit <= 5; ++limit) {
    size_t above = 0, below = 0;
    for (size_t k = 0; k < n; ++k) {
      above += z[k] > (float)limit;
      below += z[k] < -(float)limit;
    }
    const double probability = normal_above(limit);
    if (binomial_tail(n, probability, above) < 1e-6)
      fail_msg("%zu are above %d, not about %g", above, limit, count * probability);
    if (binomial_tail(n, probability, below) < 1e-6)
      fail_msg("%zu are below -%d, not about %g", below, limit, count * probability);
  }
  check_distribution(n, z, normal_below);
  free(z);
}

static void uniforms_are_uniform(void **state) {
  (void)state;
  const size_t n = (size_t)1 << (full_effort() ? 20 : 16);
  float *const u = allocate(n * sizeof *u);
  assert_int_equal(simdrop_uniforms(NULL, &(simdrop_mask){0.5, 2024, 5, 0, 0}, n, u), SIMDROP_OK);
  check_distribution(n, u, uniform_below);
  assert_true(u[0] >= 0x1p-32F && u[n - 1] <= 1);
  free(u);
}

// data/golden_variants.txt was written once, by the scalar backend (test_variants --write), after the tests here had compared
// it with the definitions; what it has never changes.
static void golden_numbers(void **state) {
  (void)state;
  FOR_EACH_BACKEND(backend) {
    const char *const problem = golden_variants_problem();
    if (problem != NULL) fail_msg("%s: %s", backend, problem);
  }
}

static void write_golden(void) {
  simdrop_backend_select("scalar");
  for (size_t i = 0; i < GOLDEN_VARIANTS; ++i) {
    uint64_t digests[GOLDEN_VARIANT_DIGESTS];
    golden_variant_digests(i, digests);
    printf("%s", golden_variant_name(i));
    for (size_t d = 0; d < GOLDEN_VARIANT_DIGESTS; ++d) printf(" %016" PRIx64, digests[d]);
    printf("\n");
  }
}

// ---- Gaussian dropout

static void gaussian_values(void **state) {
  (void)state;
  enum {
    N = 1500
  };
  uint64_t random = 47;
  static double x[N], y[N];
  static float z[N];
  for (size_t i = 0; i < LENGTH(some_probabilities); ++i) {
    const simdrop_mask mask = {some_probabilities[i], 21, 22, 1000 * i + 77, 0};
    const double dropped = (double)oracle_threshold(mask.p), sigma = sqrt(dropped / (0x1p32 - dropped));
    if (mask.p == 1) continue;
    assert_int_equal(simdrop_normals(NULL, &mask, N, z), SIMDROP_OK);
    for (size_t d = 0; d < LENGTH(computed_dtypes); ++d) {
      const simdrop_dtype dtype = computed_dtypes[d];
      fill_values(dtype, N, &random, x);
      FOR_EACH_BACKEND(backend) {
        assert_int_equal(simdrop_gaussian_forward(NULL, &mask, dtype, N, x, y), SIMDROP_OK);
        if (mask.p == 0) check_bytes(x, y, N * simdrop_dtype_size(dtype), "%s: Gaussian dropout, p = 0", backend);
        for (size_t k = 0; mask.p > 0 && k < N; ++k) {
          const double value = value_of(dtype, x, k);
          const float noise = (float)sigma * z[k] + 1;
          const double wide_noise = sigma * z[k] + 1;
          check_element(dtype, dtype == SIMDROP_F64 ? value * wide_noise : (float)value * noise, y, k, backend, "gaussian");
        }
      }
    }
  }
}

// A mean of x and a variance of x^2 p / (1 - p).
static void gaussian_has_the_variance_of_dropout(void **state) {
  (void)state;
  enum {
    N = 1 << 20
  };
  float *const x = allocate(N * sizeof *x), *const y = allocate(N * sizeof *y);
  for (size_t k = 0; k < N; ++k) x[k] = 2;
  static const double probabilities[] = {0.05, 0.5, 0.9};
  for (size_t i = 0; i < LENGTH(probabilities); ++i) {
    const double p = probabilities[i], variance = 4 * p / (1 - p);
    assert_int_equal(simdrop_gaussian_forward(NULL, &(simdrop_mask){p, 31, 32, 0, 0}, SIMDROP_F32, N, x, y), SIMDROP_OK);
    double sum = 0, squares = 0;
    for (size_t k = 0; k < N; ++k) {
      sum += y[k] - 2;
      squares += ((double)y[k] - 2) * (y[k] - 2);
    }
    if (fabs(sum / N) > 5 * sqrt(variance / N)) fail_msg("p = %g: the mean is off by %g", p, sum / N);
    if (fabs(squares / N / variance - 1) > 5 * sqrt(2.0 / N)) fail_msg("p = %g: the variance is %g", p, squares / N);
  }
  free(x);
  free(y);
}

// ---- stored masks with a scale

static void scaled_bits(void **state) {
  (void)state;
  enum {
    N = 2001
  };
  uint64_t random = 48;
  static double x[N], y[N];
  uint8_t bits[PACKED(N)];
  for (size_t i = 0; i < sizeof bits; ++i) bits[i] = (uint8_t)next_random(&random);
  static const double scales[] = {1.25, 0.3, 1, 0, 7e5};
  simdrop_layout layout = {2, {29, 69}, {69, 1}, {69, 1}, {0}, 0};  // 2001 elements
  FOR_EACH_BACKEND(backend) {
    for (size_t i = 0; i < LENGTH(scales); ++i) {
      for (size_t d = 0; d < LENGTH(computed_dtypes); ++d) {
        const simdrop_dtype dtype = computed_dtypes[d];
        fill_values(dtype, N, &random, x);
        for (int with_layout = 0; with_layout < 2; ++with_layout) {
          const simdrop_status status = with_layout
                                            ? simdrop_apply_bits_scaled_layout(NULL, scales[i], dtype, &layout, bits, x, y)
                                            : simdrop_apply_bits_scaled(NULL, scales[i], dtype, N, bits, x, y);
          assert_int_equal(status, SIMDROP_OK);
          for (size_t k = 0; k < N; ++k) {
            const double value = value_of(dtype, x, k);
            const double product = dtype == SIMDROP_F64 ? value * scales[i] : (float)value * (float)scales[i];
            check_element(dtype, bits[k / 8] >> (k % 8) & 1 ? product : 0, y, k, backend, "scaled bits");
          }
        }
      }
    }
  }
}

// Every value of 8 bits by scales that dropout never has; -0 is none of a scale's signs.
static void scaled_bits_of_8_bits(void **state) {
  (void)state;
  enum {
    N = 256
  };
  static const double scales[] = {-0.0, 0, 1e-310, 0x1p-149, 0.3, 0.9, 1, 1.25, 0x1p33, 0x1p119, 0x1p120, FLT_MAX};
  static const simdrop_dtype dtypes[] = {SIMDROP_F8E4M3FN, SIMDROP_F8E5M2};
  uint8_t x[N], y[N], expected[N], bits[PACKED(N)];
  for (size_t k = 0; k < N; ++k) x[k] = (uint8_t)k;
  memset(bits, 0xfe, sizeof bits);
  for (size_t d = 0; d < LENGTH(dtypes); ++d) {
    for (size_t i = 0; i < LENGTH(scales); ++i) {
      assert_int_equal(simdrop_backend_select("scalar"), SIMDROP_OK);
      assert_int_equal(simdrop_apply_bits_scaled(NULL, scales[i], dtypes[d], N, bits, x, expected), SIMDROP_OK);
      assert_int_equal(expected[0] | expected[8] | expected[128] | expected[248], 0);
      if (dtypes[d] == SIMDROP_F8E5M2) assert_int_equal(expected[0x7c] & 0x7f, (float)scales[i] == 0 ? 0x7f : 0x7c);
      FOR_EACH_BACKEND(backend) {
        assert_int_equal(simdrop_apply_bits_scaled(NULL, scales[i], dtypes[d], N, bits, x, y), SIMDROP_OK);
        for (size_t k = 0; k < N; ++k)
          if ((expected[k] & 0x7f) != 0x7f || (y[k] & 0x7f) != 0x7f) assert_int_equal(y[k], expected[k]);
      }
    }
  }
  float floats[8] = {1, 1, 1, 1, 1, 1, 1, 1};
  FOR_EACH_BACKEND(backend) {
    assert_int_equal(simdrop_apply_bits_scaled(NULL, -0.0, SIMDROP_F32, LENGTH(floats), bits, floats, floats), SIMDROP_OK);
    for (size_t k = 0; k < LENGTH(floats); ++k) assert_int_equal(signbit(floats[k]), 0);
  }
}

// ---- DropBlock

static void check_blocks(const simdrop_executor *executor, const simdrop_mask *mask, size_t images, size_t height, size_t width,
                         size_t block_height, size_t block_width) {
  const size_t rows = height - block_height + 1, columns = width - block_width + 1, places = images * rows * columns;
  const size_t n = images * height * width;
  uint8_t *const begins = allocate(places + 1), *const expected = allocate(PACKED(n) + 8),
                 *const bits = allocate(PACKED(n) + 8);
  assert_int_equal(simdrop_mask_bytes(mask, places, begins), SIMDROP_OK);
  memset(expected, CANARY, PACKED(n) + 8);
  memset(expected, 0, PACKED(n));
  uint64_t expected_kept = 0, kept = 0;
  for (size_t k = 0; k < n; ++k) {
    const size_t image = k / width / height, y = k / width % height, x = k % width;
    bool is_kept = true;
    for (size_t r = y < block_height ? 0 : y - block_height + 1; r <= y && r < rows; ++r)
      for (size_t c = x < block_width ? 0 : x - block_width + 1; c <= x && c < columns; ++c)
        is_kept = is_kept && begins[(image * rows + r) * columns + c];
    expected[k / 8] |= (uint8_t)(is_kept << (k % 8));
    expected_kept += is_kept;
  }
  memset(bits, CANARY, PACKED(n) + 8);
  assert_int_equal(simdrop_dropblock_bits(executor, mask, images, height, width, block_height, block_width, bits, &kept),
                   SIMDROP_OK);
  check_bytes(expected, bits, PACKED(n) + 8, "DropBlock, %zu x %zu of %zu x %zu, p = %g", block_height, block_width, height,
              width, mask->p);
  assert_int_equal(kept, expected_kept);
  free(begins);
  free(expected);
  free(bits);
}

static void blocks_are_dropped(void **state) {
  (void)state;
  static const size_t shapes[][4] = {{1, 1, 1, 1},    {5, 7, 2, 3},  {5, 7, 5, 7},    {16, 16, 7, 7},
                                     {3, 200, 2, 65}, {40, 1, 3, 1}, {33, 70, 1, 64}, {20, 129, 3, 1}};
  static const double probabilities[] = {0, 0.01, 0.1, 0.5, 0.99, 1};
  executor_calls runs = {0};
  const simdrop_executor executor = {run_backwards, &runs, 3};
  for (size_t s = 0; s < LENGTH(shapes); ++s)
    for (size_t i = 0; i < LENGTH(probabilities); ++i)
      check_blocks(NULL, &(simdrop_mask){probabilities[i], 51, s, 12345 * i, 0}, 3 + 2 * i, shapes[s][0], shapes[s][1],
                   shapes[s][2], shapes[s][3]);
  check_blocks(&executor, &(simdrop_mask){0.01, 52, 1, 7, 0}, 83, 37, 41, 5, 3);
  assert_int_equal(runs.calls, 1);
}

// About the share that is asked for is dropped, and the scale keeps the sum.
static void blocks_drop_their_share(void **state) {
  (void)state;
  enum {
    IMAGES = 64,
    SIDE = 56,
    N = IMAGES * SIDE * SIDE
  };
  static uint8_t bits[PACKED(N)];
  double gamma;
  uint64_t kept;
  assert_int_equal(simdrop_dropblock_gamma(0.1, SIDE, SIDE, 7, 7, &gamma), SIMDROP_OK);
  if (fabs(gamma - 0.1 * SIDE * SIDE / 49 / 50 / 50) > 1e-15) fail_msg("gamma is %g", gamma);
  assert_int_equal(simdrop_dropblock_bits(NULL, &(simdrop_mask){gamma, 53, 2, 0, 0}, IMAGES, SIDE, SIDE, 7, 7, bits, &kept),
                   SIMDROP_OK);
  // Blocks that overlap drop less than the sum: 1 - e^-0.1 or so.
  const double dropped = 1 - (double)kept / N;
  if (dropped < 0.085 || dropped > 0.105) fail_msg("%g are dropped", dropped);
  assert_int_equal(simdrop_dropblock_gamma(1, 8, 8, 1, 1, &gamma), SIMDROP_OK);
  assert_true(gamma == 1);
}

// ---- mean and variance over passes

static void moments_over_passes(void **state) {
  (void)state;
  enum {
    N = 1003,
    PASSES = 9
  };
  static double x[N], mean[N + 1], squares[N + 1], expected_mean[N], expected_squares[N], sums[N];
  uint64_t random = 54;
  FOR_EACH_BACKEND(backend) {
    for (size_t d = 0; d < LENGTH(computed_dtypes); ++d) {
      const simdrop_dtype dtype = computed_dtypes[d], sum_dtype = dtype == SIMDROP_F64 ? SIMDROP_F64 : SIMDROP_F32;
      const size_t n = N - d * 7, sum_size = simdrop_dtype_size(sum_dtype);
      memset(mean, 0xff, sizeof mean);  // NaN, of which nothing may stay
      memset(squares, 0xff, sizeof squares);
      for (size_t k = 0; k < N; ++k) expected_mean[k] = expected_squares[k] = sums[k] = 0;
      for (uint64_t pass = 1; pass <= PASSES; ++pass) {
        for (size_t k = 0; k < n; ++k) {
          const uint64_t value = dtype == SIMDROP_F64 ? 0 : bits_of(dtype, (float)(next_random(&random) >> 40) * 0x1p-24F);
          const double wide = (double)(next_random(&random) >> 11) * 0x1p-53;
          if (dtype == SIMDROP_F64) {
            x[k] = wide;
          } else {
            write_element(simdrop_dtype_size(dtype), value, (char *)x + k * simdrop_dtype_size(dtype));
          }
          const double element = value_of(dtype, x, k);
          sums[k] += element;
          if (dtype == SIMDROP_F64) {
            const double apart = element - expected_mean[k];
            expected_mean[k] += apart * (1 / (double)pass);
            expected_squares[k] += apart * (element - expected_mean[k]);
          } else {
            const float apart = (float)element - (float)expected_mean[k], share = (float)(1 / (double)pass);
            const float moved = (float)expected_mean[k] + apart * share;
            expected_mean[k] = moved;
            expected_squares[k] = (float)expected_squares[k] + apart * ((float)element - moved);
          }
        }
        assert_int_equal(simdrop_moments_update(NULL, dtype, pass, n, x, mean, squares), SIMDROP_OK);
      }
      for (size_t k = 0; k < n; ++k) {
        check_element(sum_dtype, expected_mean[k], mean, k, backend, "means");
        check_element(sum_dtype, expected_squares[k], squares, k, backend, "squares");
        if (fabs(expected_mean[k] - sums[k] / PASSES) > 1e-6) fail_msg("%s: mean %zu is not that of the passes", backend, k);
      }
      check_filled((char *)mean + n * sum_size, sum_size, 0xff, "%s: behind the means", backend);
      check_filled((char *)squares + n * sum_size, sum_size, 0xff, "%s: behind the squares", backend);
      assert_int_equal(simdrop_moments_finish(NULL, dtype, PASSES, n, squares, squares), SIMDROP_OK);
      for (size_t k = 0; k < n; ++k)
        check_element(sum_dtype,
                      dtype == SIMDROP_F64 ? expected_squares[k] / (PASSES - 1) : (float)expected_squares[k] / (PASSES - 1),
                      squares, k, backend, "variances");
    }
  }
}

static void moments_on_threads(void **state) {
  (void)state;
  enum {
    N = 100003
  };
  static float x[N], mean[2][N], squares[2][N];
  executor_calls runs = {0};
  const simdrop_executor executor = {run_backwards, &runs, 3};
  for (uint64_t pass = 1; pass <= 3; ++pass) {
    assert_int_equal(simdrop_normals(NULL, &(simdrop_mask){0, 1, pass, 0, 0}, N, x), SIMDROP_OK);
    assert_int_equal(simdrop_moments_update(NULL, SIMDROP_F32, pass, N, x, mean[0], squares[0]), SIMDROP_OK);
    assert_int_equal(simdrop_moments_update(&executor, SIMDROP_F32, pass, N, x, mean[1], squares[1]), SIMDROP_OK);
  }
  check_bytes(mean[0], mean[1], sizeof mean[0], "means by threads");
  check_bytes(squares[0], squares[1], sizeof squares[0], "squares by threads");
  assert_int_equal(runs.calls, 3);
}

// ---- concrete dropout

// As its definition says it, in double.
static double concrete_share(const simdrop_mask *mask, double temperature, uint64_t index) {
  const uint32_t key[2] = {(uint32_t)mask->seed, (uint32_t)(mask->seed >> 32)};
  const uint64_t block = index / 128;
  const uint32_t counter[4] = {(uint32_t)mask->stream, (uint32_t)block, (uint32_t)(mask->stream >> 32),
                               (uint32_t)(block >> 32) | (uint32_t)(96 + index % 128 / 4) << 25};
  uint32_t words[4];
  oracle_philox(10, counter, key, words);
  const double u = ((double)(words[index % 4] >> 1) * 2 + 1) / 0x1p32;
  const double logits = log(mask->p) - log1p(-mask->p) + log(u) - log1p(-u);
  return 1 / (1 + exp(logits / temperature));
}

static void concrete_values(void **state) {
  (void)state;
  enum {
    N = 2500
  };
  static const double probabilities[] = {0.1, 0.5, 0.9, 0x1p-20};
  static double x[N], dy[N], y[N], dx[N];
  for (size_t d = 0; d < LENGTH(computed_dtypes); ++d) {
    const simdrop_dtype dtype = computed_dtypes[d];
    // The functions' errors, relative, which a small temperature makes larger; and one rounding of the type.
    const double tolerance = dtype == SIMDROP_F16 ? 0x1p-10 : dtype == SIMDROP_BF16 ? 0x1p-7 : 2e-5;
    for (size_t k = 0; k < N; ++k) {
      const float value = (float)k * 0.01F - 7, gradient = 3 - (float)(k % 7);
      if (dtype == SIMDROP_F64) {
        x[k] = value;
        dy[k] = gradient;
      } else {
        write_element(simdrop_dtype_size(dtype), bits_of(dtype, value), (char *)x + k * simdrop_dtype_size(dtype));
        write_element(simdrop_dtype_size(dtype), bits_of(dtype, gradient), (char *)dy + k * simdrop_dtype_size(dtype));
      }
    }
    for (size_t i = 0; i < LENGTH(probabilities); ++i) {
      const simdrop_mask mask = {probabilities[i], 61, 62, 1000 * i + 77, 0};
      const double p = mask.p, temperature = i == 1 ? 0.6667 : 0.25;
      double gradient_before = 0;
      bool is_first = true;
      FOR_EACH_BACKEND(backend) {
        double p_gradient = -1, expected_gradient = 0, magnitude = 0;
        assert_int_equal(simdrop_concrete_forward(NULL, &mask, temperature, dtype, N, x, y), SIMDROP_OK);
        assert_int_equal(simdrop_concrete_backward(NULL, &mask, temperature, dtype, N, x, dy, dx, &p_gradient), SIMDROP_OK);
        for (size_t k = 0; k < N; ++k) {
          const double share = concrete_share(&mask, temperature, mask.offset + k);
          const double expected = value_of(dtype, x, k) * share / (1 - p), back = value_of(dtype, dy, k) * share / (1 - p);
          if (fabs(value_of(dtype, y, k) - expected) > tolerance * fabs(expected) + 1e-7)
            fail_msg("%s: y[%zu] of %s is %.9g, not %.9g", backend, k, dtype_name(dtype), value_of(dtype, y, k), expected);
          if (fabs(value_of(dtype, dx, k) - back) > tolerance * fabs(back) + 1e-7)
            fail_msg("%s: dx[%zu] of %s is %.9g, not %.9g", backend, k, dtype_name(dtype), value_of(dtype, dx, k), back);
          const double term = value_of(dtype, x, k) * back / (1 - p) * (1 - (1 - share) / (temperature * p));
          expected_gradient += term;
          magnitude += fabs(term);
        }
        if (fabs(p_gradient - expected_gradient) > 1e-5 * magnitude + 1e-9)
          fail_msg("%s: the gradient by p is %.9g, not %.9g", backend, p_gradient, expected_gradient);
        if (!is_first && memcmp(&p_gradient, &gradient_before, sizeof p_gradient) != 0)
          fail_msg("%s: the gradient by p is %.17g, not %.17g", backend, p_gradient, gradient_before);
        gradient_before = p_gradient;
        is_first = false;
      }
    }
  }
}

// The gradient by p is the slope of the outputs, weighted by dy: by the difference of two p.
static void concrete_gradient_is_a_slope(void **state) {
  (void)state;
  enum {
    N = 4000
  };
  static double x[N], dy[N], y[2][N], dx[N];
  uint64_t random = 63;
  for (size_t k = 0; k < N; ++k) {
    x[k] = (double)(next_random(&random) >> 11) * 0x1p-53;
    dy[k] = (double)(next_random(&random) >> 11) * 0x1p-53;
  }
  const double p = 0.3, step = 1e-3, temperature = 0.5;
  double gradient, slope = 0;
  for (int i = 0; i < 2; ++i)
    assert_int_equal(simdrop_concrete_forward(NULL, &(simdrop_mask){i ? p + step : p - step, 1, 2, 3, 0}, temperature,
                                              SIMDROP_F64, N, x, y[i]),
                     SIMDROP_OK);
  for (size_t k = 0; k < N; ++k) slope += dy[k] * (y[1][k] - y[0][k]) / (2 * step);
  assert_int_equal(
      simdrop_concrete_backward(NULL, &(simdrop_mask){p, 1, 2, 3, 0}, temperature, SIMDROP_F64, N, x, dy, dx, &gradient),
      SIMDROP_OK);
  if (fabs(gradient - slope) > 1e-3 * fabs(slope)) fail_msg("the gradient by p is %g, the slope %g", gradient, slope);
}

static void concrete_by_every_backend(void **state) {
  (void)state;
  enum {
    N = 70000
  };
  static float x[N], dy[N], expected[N], found[N];
  executor_calls runs = {0};
  const simdrop_executor executor = {run_backwards, &runs, 5};
  assert_int_equal(simdrop_normals(NULL, &(simdrop_mask){0, 1, 2, 0, 0}, N, x), SIMDROP_OK);
  assert_int_equal(simdrop_normals(NULL, &(simdrop_mask){0, 1, 3, 0, 0}, N, dy), SIMDROP_OK);
  for (size_t n = 1; n <= N; n = n * 5 + 1) {
    const simdrop_mask mask = {0.2, 7, 8, 100, 0};
    double expected_gradient, gradient;
    assert_int_equal(simdrop_backend_select("scalar"), SIMDROP_OK);
    assert_int_equal(simdrop_concrete_backward(NULL, &mask, 0.1, SIMDROP_F32, n, x, dy, expected, &expected_gradient),
                     SIMDROP_OK);
    FOR_EACH_BACKEND(backend) {
      memcpy(found, dy, n * sizeof *dy);
      assert_int_equal(simdrop_concrete_backward(&executor, &mask, 0.1, SIMDROP_F32, n, x, found, found, &gradient),
                       SIMDROP_OK);
      check_bytes(expected, found, n * sizeof *found, "%s: dx of %zu elements", backend, n);
      check_bytes(&expected_gradient, &gradient, sizeof gradient, "%s: the gradient by p of %zu elements", backend, n);
      // In place of x, and forward is backward of ones.
      memcpy(found, x, n * sizeof *x);
      assert_int_equal(simdrop_concrete_backward(NULL, &mask, 0.1, SIMDROP_F32, n, found, dy, found, &gradient), SIMDROP_OK);
      check_bytes(expected, found, n * sizeof *found, "%s: dx in place of x of %zu elements", backend, n);
      assert_int_equal(simdrop_concrete_forward(&executor, &mask, 0.1, SIMDROP_F32, n, dy, found), SIMDROP_OK);
      check_bytes(expected, found, n * sizeof *found, "%s: y of %zu elements", backend, n);
    }
  }
  assert_true(runs.calls > 0);
}

// A layout's arrays: each element's y, dx and gradient by p are those of a call on it alone. Where a layout numbers its
// elements in row-major order, the gradient by p is to the last bit that of a call on n elements in this order, wherever they
// lie.
static void check_concrete_layout(const simdrop_mask *mask, simdrop_dtype dtype, const simdrop_layout *layout, bool is_in_order,
                                  uint64_t *random) {
  const size_t size = simdrop_dtype_size(dtype), n = count_of(layout);
  const reach xs = find_reach(layout, layout->x_strides), ys = find_reach(layout, layout->y_strides);
  const size_t x_count = xs.before + xs.after, y_count = ys.before + ys.after;
  const double temperature = 0.3;
  double gradient, of_one, in_order = 0, magnitude = 0;
  char *const x = allocate(x_count * size), *const dy = allocate(y_count * size), *const y = allocate(y_count * size);
  char *const dx = allocate(x_count * size), *const wanted_y = allocate(y_count * size);
  char *const wanted_dx = allocate(x_count * size), *const lines = allocate(3 * n * size);
  double wanted_gradient = 0;
  for (size_t k = 0; k < x_count; ++k)
    write_element(size,
                  dtype == SIMDROP_F64 ? next_random(random) >> 12 | UINT64_C(0x3ff) << 52
                                       : bits_of(dtype, (float)(next_random(random) >> 56) - 100),
                  x + k * size);
  for (size_t k = 0; k < y_count; ++k)
    write_element(size,
                  dtype == SIMDROP_F64 ? next_random(random) >> 12 | UINT64_C(0xbff) << 52
                                       : bits_of(dtype, (float)(next_random(random) >> 56) - 100),
                  dy + k * size);
  memset(wanted_y, CANARY, y_count * size);
  memset(wanted_dx, CANARY, x_count * size);
  assert_int_equal(simdrop_backend_select("scalar"), SIMDROP_OK);
  for (size_t k = 0; k < n; ++k) {
    const element_place at = find_place(layout, mask->offset, k);
    const ptrdiff_t x_at = ((ptrdiff_t)xs.before + at.x) * (ptrdiff_t)size,
                    y_at = ((ptrdiff_t)ys.before + at.y) * (ptrdiff_t)size;
    simdrop_mask one = *mask;
    one.offset = at.index;
    assert_int_equal(simdrop_concrete_forward(NULL, &one, temperature, dtype, 1, x + x_at, wanted_y + y_at), SIMDROP_OK);
    assert_int_equal(
        simdrop_concrete_backward(NULL, &one, temperature, dtype, 1, x + x_at, dy + y_at, wanted_dx + x_at, &of_one),
        SIMDROP_OK);
    wanted_gradient += of_one;
    magnitude += fabs(of_one);
    memcpy(lines + k * size, x + x_at, size);
    memcpy(lines + (n + k) * size, dy + y_at, size);
  }
  if (is_in_order)
    assert_int_equal(
        simdrop_concrete_backward(NULL, mask, temperature, dtype, n, lines, lines + n * size, lines + 2 * n * size, &in_order),
        SIMDROP_OK);
  executor_calls runs = {0};
  const simdrop_executor executor = {run_backwards, &runs, 3};
  double first_gradient = 0;
  bool is_first = true;
  FOR_EACH_BACKEND(backend) {
    for (int threads = 0; threads < 2; ++threads) {
      const simdrop_executor *const by = threads ? &executor : NULL;
      memset(y, CANARY, y_count * size);
      memset(dx, CANARY, x_count * size);
      assert_int_equal(
          simdrop_concrete_forward_layout(by, mask, temperature, dtype, layout, x + xs.before * size, y + ys.before * size),
          SIMDROP_OK);
      check_bytes(wanted_y, y, y_count * size, "%s: y of %s, rank %d, %zu elements", backend, dtype_name(dtype), layout->rank,
                  n);
      assert_int_equal(simdrop_concrete_backward_layout(by, mask, temperature, dtype, layout, x + xs.before * size,
                                                        dy + ys.before * size, dx + xs.before * size, &gradient),
                       SIMDROP_OK);
      check_bytes(wanted_dx, dx, x_count * size, "%s: dx of %s, rank %d, %zu elements", backend, dtype_name(dtype),
                  layout->rank, n);
      if (fabs(gradient - wanted_gradient) > 1e-12 * magnitude)
        fail_msg("%s: the gradient by p is %.17g, not %.17g", backend, gradient, wanted_gradient);
      if (is_in_order && memcmp(&gradient, &in_order, sizeof gradient) != 0)
        fail_msg("%s: the gradient by p is %.17g, not %.17g as in order", backend, gradient, in_order);
      if (!is_first && memcmp(&gradient, &first_gradient, sizeof gradient) != 0)
        fail_msg("%s: the gradient by p is %.17g, not %.17g", backend, gradient, first_gradient);
      first_gradient = gradient;
      is_first = false;
      // In place of x.
      memcpy(dx, x, x_count * size);
      assert_int_equal(simdrop_concrete_backward_layout(by, mask, temperature, dtype, layout, dx + xs.before * size,
                                                        dy + ys.before * size, dx + xs.before * size, &gradient),
                       SIMDROP_OK);
      for (size_t k = 0; k < n; ++k) {
        const ptrdiff_t at = ((ptrdiff_t)xs.before + find_place(layout, 0, k).x) * (ptrdiff_t)size;
        check_bytes(wanted_dx + at, dx + at, size, "%s: dx in place, element %zu of %zu", backend, k, n);
      }
    }
  }
  char *const all[] = {x, dy, y, dx, wanted_y, wanted_dx, lines};
  for (size_t i = 0; i < LENGTH(all); ++i) free(all[i]);
}

static void concrete_layouts(void **state) {
  (void)state;
  static const size_t shapes[][2] = {{1, 1}, {3, 5}, {70, 3}, {5, 129}, {2, 700}, {1, 2100}, {130, 70}, {70, 700}};
  uint64_t random = 65;
  for (size_t i = 0; i < LENGTH(shapes); ++i) {
    const size_t m = shapes[i][0], n = shapes[i][1];
    const ptrdiff_t row = (ptrdiff_t)n, column = (ptrdiff_t)m;
    const uint64_t index_strides[][2] = {{n, 1}, {1, 0}, {0, 1}, {1, m}, {n * 129, 129}, {0, 0}, {n + 333, 2}};
    for (size_t s = 0; s < LENGTH(index_strides); ++s) {
      if (!full_effort() && (i + s) % 2 != 0) continue;
      if (m * n > 10000 && s != i % 2) continue;  // enough for pieces that are not empty: once
      simdrop_layout layout = {2, {m, n}, {row, 1}, {row, 1}, {0}, 0};
      memcpy(layout.index_strides, index_strides[s], sizeof index_strides[s]);
      if (i % 3 == 1) layout.x_strides[0] += 3;
      if (i % 3 == 2) {  // x transposed and backwards, y with gaps
        layout.x_strides[0] = -1;
        layout.x_strides[1] = column;
        layout.y_strides[0] = 2 * row;
        layout.y_strides[1] = 2;
      }
      const simdrop_mask mask = {s % 2 ? 0.1 : 0.7, next_random(&random), 9, next_random(&random) >> 8, 0};
      check_concrete_layout(&mask, computed_dtypes[(i + s) % LENGTH(computed_dtypes)], &layout, s == 0, &random);
    }
  }
  const size_t dims[4] = {3, 5, 7, 11};
  for (int order = 0; order < 2; ++order) {
    simdrop_layout layout;
    assert_int_equal(simdrop_layout_channels(order ? SIMDROP_CHANNELS_LAST : SIMDROP_CHANNELS_FIRST, 2, 4, dims, &layout),
                     SIMDROP_OK);
    for (size_t d = 0; d < LENGTH(computed_dtypes); ++d)
      check_concrete_layout(&(simdrop_mask){0.4, 1, 2, 3, 0}, computed_dtypes[d], &layout, false, &random);
  }
}

// ---- DropConnect

static void connect_values(void **state) {
  (void)state;
  static const size_t shapes[][2] = {{1, 1}, {3, 31}, {2, 32}, {5, 33}, {7, 100}, {4, 1000}, {2, 17000}, {300, 70}, {3, 0}};
  uint64_t random = 71;
  executor_calls runs = {0};
  const simdrop_executor executor = {run_backwards, &runs, 3};
  for (size_t s = 0; s < LENGTH(shapes); ++s) {
    const size_t rows = shapes[s][0], columns = shapes[s][1], stride = columns + s % 3;
    const simdrop_mask mask = {s % 2 ? 0.3 : 0.5, 72, s, 1000 * s, 0};
    uint8_t *const kept = allocate(rows * columns + 1);
    assert_int_equal(simdrop_mask_bytes(&mask, rows * columns, kept), SIMDROP_OK);
    for (size_t d = 0; d < LENGTH(computed_dtypes); ++d) {
      const simdrop_dtype dtype = computed_dtypes[d];
      const size_t size = simdrop_dtype_size(dtype);
      char *const w = allocate((rows * stride + 1) * size), *const x = allocate((columns + 1) * size);
      guarded y = guard(size, rows, 0);
      for (size_t k = 0; k < rows * stride; ++k) {
        const float value = (float)(int)(next_random(&random) >> 56) - 128;
        write_element(size, dtype == SIMDROP_F64 ? next_random(&random) >> 12 | UINT64_C(0x3ff) << 52 : bits_of(dtype, value),
                      w + k * size);
      }
      for (size_t k = 0; k < columns; ++k) {
        const float value = (float)(int)(next_random(&random) >> 58) * 0.25F;
        write_element(size, dtype == SIMDROP_F64 ? next_random(&random) >> 12 | UINT64_C(0x3ff) << 52 : bits_of(dtype, value),
                      x + k * size);
      }
      double scale;
      assert_int_equal(simdrop_scale(mask.p, &scale), SIMDROP_OK);
      FOR_EACH_BACKEND(backend) {
        assert_int_equal(simdrop_dropconnect(s == 7 ? &executor : NULL, &mask, dtype, rows, columns, w, stride, x, y.values),
                         SIMDROP_OK);
        check_guarded(&y, backend, "DropConnect");
        for (size_t r = 0; r < rows; ++r) {
          double wide[32] = {0};
          float lanes[32] = {0};
          for (size_t c = 0; c < columns; ++c) {
            if (!kept[r * columns + c]) continue;
            const double weight = value_of(dtype, w, r * stride + c), input = value_of(dtype, x, c);
            if (dtype == SIMDROP_F64) wide[c % 32] += weight * scale * input;
            if (dtype != SIMDROP_F64) lanes[c % 32] += (float)weight * (float)scale * (float)input;
          }
          for (size_t half = 16; half > 0; half /= 2) {
            for (size_t i = 0; i < half; ++i) {
              wide[i] += wide[i + half];
              lanes[i] += lanes[i + half];
            }
          }
          check_element(dtype, dtype == SIMDROP_F64 ? wide[0] : lanes[0], y.values, r, backend, "DropConnect");
        }
      }
      free(w);
      free(x);
      free(y.memory);
    }
    free(kept);
  }
}

// A sum of terms in the order of the library's sums of columns: rows in groups of 64.
typedef struct column_sum {
  double wide, wide_group;
  float sum, group;
} column_sum;

static void add_term(column_sum *sum, simdrop_dtype dtype, size_t row, double weight, double scale, double gradient) {
  if (row % 64 == 0) {
    sum->wide += sum->wide_group;
    sum->sum += sum->group;
    sum->wide_group = sum->group = 0;
  }
  if (dtype == SIMDROP_F64) sum->wide_group += weight * scale * gradient;
  if (dtype != SIMDROP_F64) sum->group += (float)weight * (float)scale * (float)gradient;
}

// Matrices as wide as strips of sums, and wider; as high as groups of rows, and higher.
static const size_t connect_shapes[][2] = {{1, 1},    {3, 31},    {2, 257},   {5, 513},  {64, 100}, {65, 33},
                                           {4, 1100}, {2, 17000}, {300, 700}, {130, 64}, {3, 0},    {0, 70}};

typedef struct connect_arrays {
  simdrop_mask mask;
  simdrop_dtype dtype;
  size_t rows, columns, stride;
  uint8_t *kept;
  char *w, *x, *dy, *added;
} connect_arrays;

static char *connect_values_of(simdrop_dtype dtype, size_t n, uint64_t *random) {
  const size_t size = simdrop_dtype_size(dtype);
  char *const values = allocate((n + 1) * size);
  for (size_t k = 0; k < n; ++k) {
    const float value = (float)((int)(next_random(random) >> 56) - 128) * 0.25F;
    write_element(size, dtype == SIMDROP_F64 ? next_random(random) >> 12 | UINT64_C(0x3ff) << 52 : bits_of(dtype, value),
                  values + k * size);
  }
  return values;
}

static char *connect_constants_of(simdrop_dtype dtype, size_t n, float value) {
  const size_t size = simdrop_dtype_size(dtype);
  char *const values = allocate(n * size);
  const double wide = (double)value;
  uint64_t bits = 0;
  if (dtype == SIMDROP_F64) {
    memcpy(&bits, &wide, sizeof bits);
  } else {
    bits = bits_of(dtype, value);
  }
  for (size_t k = 0; k < n; ++k) write_element(size, bits, values + k * size);
  return values;
}

static void check_connect_gradients(const connect_arrays *a, bool has_dw, bool has_dx, bool is_added,
                                    const simdrop_executor *executor, const char *backend) {
  const simdrop_dtype dtype = a->dtype;
  const size_t size = simdrop_dtype_size(dtype), rows = a->rows, columns = a->columns;
  const size_t w_elements = rows == 0 ? 0 : (rows - 1) * a->stride + columns;
  guarded dw = guard(size, w_elements, 3), dx = guard(size, columns, 1);
  double scale;
  assert_int_equal(simdrop_scale(a->mask.p, &scale), SIMDROP_OK);
  if (is_added) memcpy(dw.values, a->added, w_elements * size);  // in place
  assert_int_equal(simdrop_dropconnect_backward(executor, &a->mask, dtype, rows, columns, has_dx ? a->w : NULL, a->stride,
                                                has_dw ? a->x : NULL, a->dy, is_added ? dw.values : NULL,
                                                has_dw ? dw.values : NULL, has_dx ? dx.values : NULL),
                   SIMDROP_OK);
  check_guarded(&dw, backend, "dw");
  check_guarded(&dx, backend, "dx");
  for (size_t r = 0; r < rows && has_dw; ++r) {
    const double gradient = value_of(dtype, a->dy, r);
    for (size_t c = 0; c < columns; ++c) {
      const size_t k = r * a->stride + c;
      const bool kept = a->kept[r * columns + c];
      const double input = value_of(dtype, a->x, c), before = value_of(dtype, a->added, k);
      double expected = kept ? gradient * scale * input : 0;
      if (dtype != SIMDROP_F64) expected = kept ? (double)((float)gradient * (float)scale * (float)input) : 0;
      if (is_added) expected = dtype == SIMDROP_F64 ? before + expected : (double)((float)before + (float)expected);
      check_element(dtype, expected, dw.values, k, backend, "dw");
    }
    if (r + 1 < rows && !is_added)
      check_filled(dw.values + (r * a->stride + columns) * size, (a->stride - columns) * size, CANARY, "%s: between rows of dw",
                   backend);
  }
  for (size_t c = 0; c < columns && has_dx; ++c) {
    column_sum sum = {0, 0, 0, 0};
    for (size_t r = 0; r < rows; ++r)
      if (a->kept[r * columns + c] || r % 64 == 0)
        add_term(&sum, dtype, r, a->kept[r * columns + c] ? value_of(dtype, a->w, r * a->stride + c) : 0, scale,
                 value_of(dtype, a->dy, r));
    check_element(dtype, dtype == SIMDROP_F64 ? sum.wide + sum.wide_group : (double)(sum.sum + sum.group), dx.values, c,
                  backend, "dx");
  }
  free(dw.memory);
  free(dx.memory);
}

static void connect_gradients(void **state) {
  (void)state;
  static const double probabilities[] = {0.3, 0.5, 0, 0.1, 1};
  uint64_t random = 73;
  executor_calls runs = {0};
  const simdrop_executor executor = {run_backwards, &runs, 5};
  for (size_t s = 0; s < LENGTH(connect_shapes); ++s) {
    for (size_t d = 0; d < LENGTH(computed_dtypes); ++d) {
      connect_arrays a = {.mask = {probabilities[s % LENGTH(probabilities)], 74, s, 1000 * s + 1, 0},
                          .dtype = computed_dtypes[d],
                          .rows = connect_shapes[s][0],
                          .columns = connect_shapes[s][1],
                          .stride = connect_shapes[s][1] + s % 3};
      a.kept = allocate(a.rows * a.columns + 1);
      assert_int_equal(simdrop_mask_bytes(&a.mask, a.rows * a.columns, a.kept), SIMDROP_OK);
      a.w = connect_values_of(a.dtype, a.rows * a.stride, &random);
      a.added = connect_values_of(a.dtype, a.rows * a.stride, &random);
      a.x = connect_values_of(a.dtype, a.columns, &random);
      a.dy = connect_values_of(a.dtype, a.rows, &random);
      FOR_EACH_BACKEND(backend) {
        check_connect_gradients(&a, true, true, true, NULL, backend);
        check_connect_gradients(&a, true, true, false, &executor, backend);
        check_connect_gradients(&a, true, false, true, &executor, backend);
        check_connect_gradients(&a, true, false, false, NULL, backend);
        check_connect_gradients(&a, false, true, false, &executor, backend);
      }
      free(a.kept);
      free(a.w);
      free(a.added);
      free(a.x);
      free(a.dy);
    }
  }
  assert_true(runs.calls > 0);
}

// A row's decisions may end within it, and the next batch goes on. What the words of elements have behind the end is nobody's,
// even where the gradient is infinite and would make NaN of the zeros there.
static void connect_infinities(void **state) {
  (void)state;
  enum {
    ROWS = 133,
    COLUMNS = 396
  };
  for (size_t d = 0; d < LENGTH(computed_dtypes); ++d) {
    connect_arrays a = {
        .mask = {0.5, 75, 76, 0, 0}, .dtype = computed_dtypes[d], .rows = ROWS, .columns = COLUMNS, .stride = COLUMNS};
    a.kept = allocate(ROWS * COLUMNS);
    assert_int_equal(simdrop_mask_bytes(&a.mask, ROWS * COLUMNS, a.kept), SIMDROP_OK);
    a.w = connect_constants_of(a.dtype, ROWS * COLUMNS, 1);
    a.x = connect_constants_of(a.dtype, COLUMNS, 1);
    a.dy = connect_constants_of(a.dtype, ROWS, INFINITY);
    a.added = connect_constants_of(a.dtype, ROWS * COLUMNS, 1);
    // In the reference, rows that begin a group take part whether they are kept or not.
    char *const finite = connect_constants_of(a.dtype, 1, 1);
    for (size_t r = 0; r < ROWS; r += 64) memcpy(a.dy + r * simdrop_dtype_size(a.dtype), finite, simdrop_dtype_size(a.dtype));
    FOR_EACH_BACKEND(backend) {
      check_connect_gradients(&a, true, true, true, NULL, backend);
      check_connect_gradients(&a, false, true, false, NULL, backend);
    }
    free(a.kept);
    free(a.w);
    free(a.x);
    free(a.dy);
    free(a.added);
    free(finite);
  }
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "--write") == 0) {
    write_golden();
    return 0;
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(backends_agree),
      cmocka_unit_test(far_arrays),
      cmocka_unit_test(layouts_are_flat),
      cmocka_unit_test(features),
      cmocka_unit_test(threads_change_nothing),
      cmocka_unit_test(alpha_values),
      cmocka_unit_test(alpha_keeps_mean_and_variance),
      cmocka_unit_test(numbers_are_defined),
      cmocka_unit_test(numbers_by_every_backend),
      cmocka_unit_test(normals_are_normal),
      cmocka_unit_test(uniforms_are_uniform),
      cmocka_unit_test(golden_numbers),
      cmocka_unit_test(gaussian_values),
      cmocka_unit_test(gaussian_has_the_variance_of_dropout),
      cmocka_unit_test(scaled_bits),
      cmocka_unit_test(scaled_bits_of_8_bits),
      cmocka_unit_test(blocks_are_dropped),
      cmocka_unit_test(blocks_drop_their_share),
      cmocka_unit_test(moments_over_passes),
      cmocka_unit_test(moments_on_threads),
      cmocka_unit_test(concrete_values),
      cmocka_unit_test(concrete_gradient_is_a_slope),
      cmocka_unit_test(concrete_by_every_backend),
      cmocka_unit_test(concrete_layouts),
      cmocka_unit_test(connect_values),
      cmocka_unit_test(connect_gradients),
      cmocka_unit_test(connect_infinities),
  };
  return RUN_TESTS(argc, argv, tests);
}

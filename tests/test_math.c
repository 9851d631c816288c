// The functions of the fused kernels: on every backend they give what scalar/math.h defines, bit for bit, and what they have
// always given: the hashes below, of the results for one float in so many, or for all with SIMDROP_TEST_EFFORT=thorough. NaN is
// one NaN to them. Nor are results further from what they stand for than docs/fused.md says.
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "backend_list.h"
#include "common/float16.h"
#include "math_functions.h"
#include "support.h"

enum {
  VALUES = 4096,
  STEPS = 3
};

#define DEFINE_SCALAR(name)                                                                   \
  static void apply_##name(size_t n, float *values) {                                         \
    for (size_t i = 0; i < n; ++i) values[i] = math_functions[MATH_##name].scalar(values[i]); \
  }
MATH_FUNCTIONS(DEFINE_SCALAR)
#define SCALAR_ENTRY(name) apply_##name,
apply_math_function *const simdrop_scalar_math_functions[MATH_FUNCTION_COUNT] = {MATH_FUNCTIONS(SCALAR_ENTRY)};

#define DECLARE_1(backend) extern apply_math_function *const simdrop_##backend##_math_functions[MATH_FUNCTION_COUNT];
#define DECLARE_0(backend)
#define DECLARE(backend, name, compiled) DECLARE_##compiled(backend)
SIMDROP_BACKEND_LIST(DECLARE)

#define ENTRY_1(backend, name) {name, simdrop_##backend##_math_functions},
#define ENTRY_0(backend, name)
#define ENTRY(backend, name, compiled) ENTRY_##compiled(backend, name)
static const struct {
  const char *name;
  apply_math_function *const *functions;
} backends[] = {SIMDROP_BACKEND_LIST(ENTRY)};

static apply_math_function *const *functions_of(const char *backend) {
  for (size_t i = 0; i < LENGTH(backends); ++i)
    if (strcmp(backends[i].name, backend) == 0) return backends[i].functions;
  fail_msg("%s has no functions", backend);
  return NULL;
}

// Every `step`th float: quick, full and thorough effort.
static const uint32_t steps[STEPS] = {65537, 2053, 1};

static size_t effort_index(void) { return thorough_effort() ? 2 : full_effort() ? 1 : 0; }

// The next floats of the function's domain, and how many; what is missing to a whole number of vectors is filled up.
static size_t next_values(const math_function *function, uint32_t step, uint64_t *bits, float *values) {
  size_t count = 0;
  for (; count < VALUES && *bits < UINT64_C(1) << 32; *bits += step) {
    const float x = simdrop_float_from_bits((uint32_t)*bits);
    if (is_in_domain(function, x)) values[count++] = x;
  }
  for (size_t i = count; i % 64 != 0; ++i) values[i] = 0.5f;
  return count;
}

static uint32_t bits_of(float result) { return isnan(result) ? UINT32_C(0x7fc00000) : simdrop_bits_from_float(result); }

// FNV-1a, of words in place of bytes.
static uint64_t hash_of(const math_function *function, apply_math_function *apply, uint32_t step) {
  static float values[VALUES];
  uint64_t hash = UINT64_C(0xcbf29ce484222325), bits = 0;
  for (size_t count; (count = next_values(function, step, &bits, values)) != 0;) {
    apply((count + 63) / 64 * 64, values);
    for (size_t i = 0; i < count; ++i) hash = (hash ^ bits_of(values[i])) * UINT64_C(0x100000001b3);
  }
  return hash;
}

// By step.
static const uint64_t frozen[MATH_FUNCTION_COUNT][STEPS] = {
    [MATH_exp] = {UINT64_C(0x84c9dc74b9b2f280), UINT64_C(0xe39d7eaa7197ba73), UINT64_C(0xb7ffbd900bf07b6e)},
    [MATH_sigmoid] = {UINT64_C(0x327d8ffc39612d6c), UINT64_C(0xb5e755455cf64885), UINT64_C(0xb2ee85f9c14dc044)},
    [MATH_relu] = {UINT64_C(0xbeb1363e41c1e1a5), UINT64_C(0x99059dd2d8e8b7ef), UINT64_C(0xcca7b652e3222325)},
    [MATH_relu_gradient] = {UINT64_C(0xf266fbd5a8362325), UINT64_C(0xac986774c610392f), UINT64_C(0xeaf0e20f10222325)},
    [MATH_silu] = {UINT64_C(0x868691620c6e9cef), UINT64_C(0x94a41cf439be6bb5), UINT64_C(0x5b6a24c20a8c2c58)},
    [MATH_silu_gradient] = {UINT64_C(0x4d0dd907731818c5), UINT64_C(0xe2c02ddb57917a54), UINT64_C(0x9c70cb197768cdbf)},
    [MATH_gelu] = {UINT64_C(0x0cb7ea1fdbf456a0), UINT64_C(0x34c355ae70c94c24), UINT64_C(0x4a1cd63298b52679)},
    [MATH_gelu_gradient] = {UINT64_C(0xd2de2f97ccdfc5c8), UINT64_C(0x340310b9ae77e92d), UINT64_C(0x15bf0e907c60eab7)},
    [MATH_gelu_tanh] = {UINT64_C(0x7f0442c695140091), UINT64_C(0x02025577c9df56f3), UINT64_C(0x5cae8f4af20afdf5)},
    [MATH_gelu_tanh_gradient] = {UINT64_C(0x40945db9b7f947ad), UINT64_C(0x2fe6b77a057057e2), UINT64_C(0xc0062f67891d97a7)},
    [MATH_minus_two_log] = {UINT64_C(0x35e5a491cac2445d), UINT64_C(0x638806122e94b804), UINT64_C(0x2ce8f984e25bd835)},
    [MATH_sine_pi] = {UINT64_C(0xe705f38c474cb9c3), UINT64_C(0x33d1272192a35e80), UINT64_C(0xaf82c19f76ecae05)},
    [MATH_cosine_pi] = {UINT64_C(0x3ec874845d3709f9), UINT64_C(0x8967bfdcd68f7454), UINT64_C(0x0966575a44aab279)},
};

static void results_are_frozen(void **state) {
  (void)state;
  const size_t effort = effort_index();
  FOR_EACH_BACKEND(backend) {
    for (size_t k = 0; k < MATH_FUNCTION_COUNT; ++k) {
      const uint64_t hash = hash_of(&math_functions[k], functions_of(backend)[k], steps[effort]);
      if (hash != frozen[k][effort])
        fail_msg("%s: the results of %s have the hash 0x%016" PRIx64, backend, math_functions[k].name, hash);
    }
  }
}

static void check_results(const char *backend, size_t k, const float *values, size_t count) {
  float results[VALUES];
  memcpy(results, values, sizeof results);
  functions_of(backend)[k]((count + 63) / 64 * 64, results);
  for (size_t i = 0; i < count; ++i) {
    const float expected = math_functions[k].scalar(values[i]);
    if (bits_of(results[i]) != bits_of(expected))
      fail_msg("%s: %s(%a) is %a, not %a", backend, math_functions[k].name, values[i], results[i], expected);
  }
}

// Around what functions compare with, where they are infinite, zero, or not a number; and one float in many.
static void backends_agree(void **state) {
  (void)state;
  static const float special[] = {0,
                                  1,
                                  0.5f,
                                  0.25f,
                                  5.4f,
                                  6.1f,
                                  10,
                                  87.3f,
                                  200,
                                  0x1p-32f,
                                  0x1p-126f,
                                  0x1p-149f,
                                  0x1.4p-1f,
                                  0.641845703125f,
                                  1.28369140625f,
                                  0x1.fffffep+127f,
                                  INFINITY,
                                  NAN};
  FOR_EACH_BACKEND(backend) {
    for (size_t k = 0; k < MATH_FUNCTION_COUNT; ++k) {
      static float values[VALUES];
      size_t count = 0;
      for (size_t i = 0; i < LENGTH(special); ++i)
        for (int32_t away = -2; away <= 2; ++away)
          for (uint32_t sign = 0; sign < 2; ++sign) {
            const uint32_t bits = (simdrop_bits_from_float(special[i]) + (uint32_t)away) ^ sign << 31;
            const float x = simdrop_float_from_bits(bits);
            if (is_in_domain(&math_functions[k], x)) values[count++] = x;
          }
      for (size_t i = count; i % 64 != 0; ++i) values[i] = 0.5f;
      check_results(backend, k, values, count);
      uint64_t bits = 4711;
      while ((count = next_values(&math_functions[k], 65521, &bits, values)) != 0) check_results(backend, k, values, count);
    }
  }
}

// What docs/fused.md says of results that are not numbers near something.
static void limits_are_reached(void **state) {
  (void)state;
  static const struct {
    math_function_index function;
    float x, result;
  } limits[] = {
      {MATH_exp, 0, 1},
      {MATH_exp, -INFINITY, 0},
      {MATH_exp, -87.5f, 0},
      {MATH_sigmoid, 0, 0.5f},
      {MATH_sigmoid, INFINITY, 1},
      {MATH_sigmoid, -INFINITY, 0},
      {MATH_relu, INFINITY, INFINITY},
      {MATH_relu, -INFINITY, 0},
      {MATH_relu, -0.0f, -0.0f},
      {MATH_relu_gradient, 0, 0},
      {MATH_relu_gradient, 0x1p-149f, 1},
      {MATH_relu_gradient, NAN, 0},
      {MATH_silu, INFINITY, INFINITY},
      {MATH_silu, -INFINITY, -0.0f},
      {MATH_silu, 0x1p100f, 0x1p100f},
      {MATH_silu_gradient, INFINITY, 1},
      {MATH_silu_gradient, -INFINITY, -0.0f},
      {MATH_gelu, INFINITY, INFINITY},
      {MATH_gelu, -INFINITY, -0.0f},
      {MATH_gelu, 5.4f, 5.4f},
      {MATH_gelu, -5.4f, -0.0f},
      {MATH_gelu, -6, -0.0f},
      {MATH_gelu, 0x1p100f, 0x1p100f},
      {MATH_gelu, -0.0f, -0.0f},
      {MATH_gelu_gradient, 0, 0.5f},
      {MATH_gelu_gradient, INFINITY, 1},
      {MATH_gelu_gradient, -INFINITY, 0},
      {MATH_gelu_gradient, 7, 1},
      {MATH_gelu_tanh, INFINITY, INFINITY},
      {MATH_gelu_tanh, -INFINITY, -0.0f},
      {MATH_gelu_tanh_gradient, INFINITY, 1},
      {MATH_gelu_tanh_gradient, -INFINITY, -0.0f},
      {MATH_minus_two_log, 1, 0},
      {MATH_sine_pi, 0.5f, 1},
      {MATH_sine_pi, -0.5f, -1},
      {MATH_sine_pi, 1, 0},
      {MATH_sine_pi, -1, -0.0f},
      {MATH_sine_pi, -0.0f, -0.0f},
      {MATH_cosine_pi, 0, 1},
      {MATH_cosine_pi, 0.5f, 0},
      {MATH_cosine_pi, 1, -1},
      {MATH_cosine_pi, -1, -1},
  };
  for (size_t i = 0; i < LENGTH(limits); ++i) {
    const math_function *const function = &math_functions[limits[i].function];
    const float result = function->scalar(limits[i].x);
    if (bits_of(result) != bits_of(limits[i].result))
      fail_msg("%s(%a) is %a, not %a", function->name, limits[i].x, result, limits[i].result);
  }
  for (size_t k = 0; k < MATH_FUNCTION_COUNT; ++k)
    if (math_functions[k].takes_nan && k != MATH_relu_gradient && !isnan(math_functions[k].scalar(NAN)))
      fail_msg("%s(NaN) is %a", math_functions[k].name, math_functions[k].scalar(NAN));
}

// Signs are right everywhere, and no product with a number from 0 to 1 is larger than the number itself by more than two units.
static void signs_are_right(void **state) {
  (void)state;
  static const math_function_index products[] = {MATH_silu, MATH_gelu, MATH_gelu_tanh};
  for (uint64_t bits = 0; bits < UINT64_C(1) << 32; bits += full_effort() ? 4093 : 65521) {
    const float x = simdrop_float_from_bits((uint32_t)bits);
    if (isnan(x)) continue;
    for (size_t i = 0; i < LENGTH(products); ++i) {
      const math_function *const function = &math_functions[products[i]];
      const float y = function->scalar(x);
      if (signbit(y) != signbit(x) || fabsf(y) > fabsf(x) * 0x1.000004p+0f) fail_msg("%s(%a) is %a", function->name, x, y);
    }
  }
}

// The largest errors of docs/fused.md, a little rounded up; 0 where the table leaves the measure out.
static const math_error largest_errors[MATH_FUNCTION_COUNT] = {
    [MATH_exp] = {0, 1.0, 0},
    [MATH_sigmoid] = {0, 2.5, 0},
    [MATH_relu] = {1e-300, 0, 0},
    [MATH_relu_gradient] = {1e-300, 0, 0},
    [MATH_silu] = {6e-7, 3.4, 2.0},
    [MATH_silu_gradient] = {2.5e-7, 0, 0},
    [MATH_gelu] = {1.2e-6, 0, 3.8},
    [MATH_gelu_gradient] = {2.7e-7, 0, 0},
    [MATH_gelu_tanh] = {5.2e-7, 0, 2.1},
    [MATH_gelu_tanh_gradient] = {2.7e-7, 0, 0},
    [MATH_minus_two_log] = {0, 1.1, 0},
    [MATH_sine_pi] = {0, 1.7, 0},
    [MATH_cosine_pi] = {0, 1.7, 0},
};

static void errors_are_as_documented(void **state) {
  (void)state;
  for (size_t k = 0; k < MATH_FUNCTION_COUNT; ++k) {
    const math_function *const function = &math_functions[k];
    const math_error *const largest = &largest_errors[k];
    for (uint64_t bits = 0; bits < UINT64_C(1) << 32; bits += full_effort() ? 16381 : 131071) {
      const float x = simdrop_float_from_bits((uint32_t)bits);
      if (isnan(x) || fabsf(x) > 0x1p100f || !is_in_domain(function, x)) continue;
      const math_error error = error_of(function, x);
      const bool is_large = largest->ulp != 0 && error.ulp > largest->ulp && fabs(function->exact(x)) > 1e-30;
      const bool is_far = largest->absolute != 0 && error.absolute > largest->absolute && fabsf(x) <= 6;
      const bool is_much_of_x = largest->of_x != 0 && error.of_x > largest->of_x && fabsf(x) > 1e-30f;
      if (is_large || is_far || is_much_of_x)
        fail_msg("%s(%a) is off by %g, %g units in the last place, %g x 2^-24 |x|", function->name, x, error.absolute,
                 error.ulp, error.of_x);
    }
  }
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(results_are_frozen), cmocka_unit_test(backends_agree),           cmocka_unit_test(limits_are_reached),
      cmocka_unit_test(signs_are_right),    cmocka_unit_test(errors_are_as_documented),
  };
  return RUN_TESTS(argc, argv, tests);
}

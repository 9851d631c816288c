// The functions of the fused kernels in double: every set of SLEEF's instructions gives the same bits (NaN is one NaN), which
// are frozen here, and which no version of SLEEF has changed; near what they stand for; and touches no more than n values.
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "machine/cpu.h"
#include "sleef/f64_math.h"
#include "sleef_list.h"
#include "support.h"

enum {
  FUNCTION_COUNT = 8,
  VALUES = SIMDROP_F64_MATH_MAX
};

#define ADDRESS_1(set) &simdrop_sleef_##set,
#define ADDRESS_0(set)
#define ADDRESS(set, compiled) ADDRESS_##compiled(set)
static const simdrop_f64_math *const sets[] = {SIMDROP_SLEEF_LIST(ADDRESS) NULL};

static bool can_run(const simdrop_f64_math *math) {
  const simdrop_cpu_features features = simdrop_cpu_features_here();
  return (features & math->required) == math->required;
}

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double silu(double x) { return x * sigmoid(x); }
static double silu_gradient(double x) { return sigmoid(x) * (1 + x * sigmoid(-x)); }
static double gelu(double x) { return 0.5 * x * erfc(-x * 0.70710678118654752440); }
static double gelu_gradient(double x) {
  return 0.5 * erfc(-x * 0.70710678118654752440) + x * 0.39894228040143267794 * exp(-0.5 * x * x);
}
static double tanh_argument(double x) { return 1.59576912160573071176 * (x + 0.044715 * x * x * x); }
static double gelu_tanh(double x) { return x * sigmoid(tanh_argument(x)); }
static double gelu_tanh_gradient(double x) {
  const double u = tanh_argument(x), slope = 1.59576912160573071176 * (1 + 3 * 0.044715 * x * x);
  return sigmoid(u) * (1 + x * sigmoid(-u) * slope);
}

static const struct {
  const char *name;
  double (*exact)(double x);
  uint64_t frozen;
  double below, above;  // the limits, at -infinity and infinity
} functions[FUNCTION_COUNT] = {
    {"exp", exp, UINT64_C(0x5acf035ff314d238), 0, INFINITY},
    {"sigmoid", sigmoid, UINT64_C(0x54ff5bf3671801db), 0, 1},
    {"silu", silu, UINT64_C(0xf361f64f2c40bf78), -0.0, INFINITY},
    {"silu_gradient", silu_gradient, UINT64_C(0x39e27ae1f0bae35a), -0.0, 1},
    {"gelu", gelu, UINT64_C(0x4410cf7a88ec3392), -0.0, INFINITY},
    {"gelu_gradient", gelu_gradient, UINT64_C(0x82db87ebbade9fd0), 0, 1},
    {"gelu_tanh", gelu_tanh, UINT64_C(0xc486afc04bf68c02), -0.0, INFINITY},
    {"gelu_tanh_gradient", gelu_tanh_gradient, UINT64_C(0x3033e9562f1de151), -0.0, 1},
};

static simdrop_f64_function *function_of(const simdrop_f64_math *math, size_t k) {
#define FIELD(name) math->name,
  simdrop_f64_function *const all[FUNCTION_COUNT] = {SIMDROP_F64_FUNCTIONS(FIELD)};
#undef FIELD
  return all[k];
}

// Numbers of all magnitudes, most of them between -8 and 8, and now and then one that is not finite.
static double next_value(uint64_t *random) {
  const uint64_t bits = next_random(random);
  double any;
  memcpy(&any, &bits, sizeof any);
  return bits % 16 == 0 ? any : bits % 16 == 1 ? (double)(int64_t)bits * 0x1p-57 : (double)(int64_t)bits * 0x1p-60;
}

static uint64_t bits_of(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return isnan(value) ? UINT64_C(0x7ff8) << 48 : bits;
}

static uint64_t hash_of(const simdrop_f64_math *math, size_t k) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325), random = 53;
  for (int round = 0; round < (1 << 10); ++round) {
    double values[VALUES];
    for (size_t i = 0; i < VALUES; ++i) {
      const double x = next_value(&random);
      values[i] = k == 0 ? -fabs(x) : x;
    }
    function_of(math, k)(VALUES, values);
    for (size_t i = 0; i < VALUES; ++i) hash = (hash ^ bits_of(values[i])) * UINT64_C(0x100000001b3);
  }
  return hash;
}

#define FOR_EACH_SET(math)                                                          \
  for (size_t set_index = 0; sets[set_index] != NULL; ++set_index)                  \
    for (const simdrop_f64_math *math = sets[set_index]; math != NULL; math = NULL) \
      if (can_run(math))

static void skip_without_sleef(void) {
  if (simdrop_f64_math_here() != NULL) return;
  print_message("skipped: SLEEF is not built in, or the processor has no fused multiply-add\n");
  skip();
}

static void results_are_frozen(void **state) {
  (void)state;
  skip_without_sleef();
  FOR_EACH_SET(math) {
    for (size_t k = 0; k < FUNCTION_COUNT; ++k) {
      const uint64_t hash = hash_of(math, k);
      if (hash != functions[k].frozen)
        fail_msg("%s: the results of %s have the hash 0x%016" PRIx64, math->name, functions[k].name, hash);
    }
  }
}

static void parts_are_as_the_whole(void **state) {
  (void)state;
  skip_without_sleef();
  FOR_EACH_SET(math) {
    for (size_t k = 0; k < FUNCTION_COUNT; ++k) {
      double values[VALUES], whole[VALUES];
      uint64_t random = 11;
      for (size_t i = 0; i < VALUES; ++i) whole[i] = values[i] = -(double)(next_random(&random) >> 1) * 0x1p-60;
      function_of(math, k)(VALUES, whole);
      for (size_t n = 0; n <= VALUES; ++n) {
        double part[VALUES];
        memcpy(part, values, sizeof part);
        function_of(math, k)(n, part);
        check_bytes(whole, part, n * sizeof *part, "%s: %s of %zu", math->name, functions[k].name, n);
        check_bytes(values + n, part + n, (VALUES - n) * sizeof *part, "%s: %s, behind %zu", math->name, functions[k].name, n);
      }
    }
  }
}

static void limits_are_reached(void **state) {
  (void)state;
  skip_without_sleef();
  FOR_EACH_SET(math) {
    for (size_t k = 0; k < FUNCTION_COUNT; ++k) {
      double ends[4] = {-INFINITY, INFINITY, NAN, -1e300};
      function_of(math, k)(4, ends);
      if (bits_of(ends[0]) != bits_of(functions[k].below) || bits_of(ends[1]) != bits_of(functions[k].above) ||
          !isnan(ends[2]) || bits_of(ends[3]) != bits_of(functions[k].below))
        fail_msg("%s: %s of -inf, inf, NaN, -1e300 is %g, %g, %g, %g", math->name, functions[k].name, ends[0], ends[1], ends[2],
                 ends[3]);
    }
  }
}

// Within some units of 2^-53 of |x| or of the result, for numbers to 30.
static void errors_are_small(void **state) {
  (void)state;
  skip_without_sleef();
  const simdrop_f64_math *const math = simdrop_f64_math_here();
  for (size_t k = 0; k < FUNCTION_COUNT; ++k) {
    for (int i = -3000; i < 3000; ++i) {
      const double x = i * 0.00997;
      double found[1] = {k == 0 ? -fabs(x) : x};
      const double exact = functions[k].exact(found[0]);
      function_of(math, k)(1, found);
      if (fabs(found[0] - exact) > 6 * 0x1p-53 * (fabs(exact) + (k == 0 ? 0 : fmin(1, fabs(x)))))
        fail_msg("%s(%a) is %a, not %a", functions[k].name, x, found[0], exact);
    }
  }
}

static void the_processor_decides(void **state) {
  (void)state;
  for (size_t i = 0; sets[i] != NULL; ++i) {
    const simdrop_f64_math *const chosen = simdrop_choose_f64_math(sets[i]->required);
    assert_ptr_equal(chosen, sets[i]);  // of those before, each wants more
    if (sets[i]->required == 0) continue;
    assert_true(sets[i]->required & SIMDROP_CPU(FMA));
    assert_null(simdrop_choose_f64_math(sets[i]->required & ~SIMDROP_CPU(FMA)));
    assert_ptr_equal(simdrop_choose_f64_math(~(simdrop_cpu_features)0), sets[0]);
  }
  if (sets[0] == NULL) assert_null(simdrop_choose_f64_math(~(simdrop_cpu_features)0));
  assert_ptr_equal(simdrop_f64_math_here(), simdrop_f64_math_here());
}

// What callers are told is what calls do.
static void callers_can_ask(void **state) {
  (void)state;
  const simdrop_mask mask = {0.5, 1, 2, 3, 0};
  const simdrop_matrix matrix = simdrop_matrix_dense(1, 1);
  const simdrop_chain chain = {.activation = SIMDROP_GELU};
  const double x = 1;
  double y;
  const simdrop_status status = simdrop_chain_forward(NULL, &mask, SIMDROP_F64, &matrix, &chain, &x, &y, NULL);
  const simdrop_f64_math *const math = simdrop_f64_math_here();
  assert_int_equal(status, simdrop_f64_functions() == NULL ? SIMDROP_ERROR_NOT_BUILT : SIMDROP_OK);
  if (math == NULL) {
    assert_null(simdrop_f64_functions());
  } else {
    assert_string_equal(simdrop_f64_functions(), math->name);
  }
  if (sets[0] == NULL) {
    assert_null(simdrop_sleef_version());
  } else {
    assert_string_equal(simdrop_sleef_version(), sets[0]->version);
    assert_true(strlen(simdrop_sleef_version()) >= 3 && simdrop_sleef_version()[1] == '.');
  }
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(results_are_frozen), cmocka_unit_test(parts_are_as_the_whole), cmocka_unit_test(limits_are_reached),
      cmocka_unit_test(errors_are_small),   cmocka_unit_test(the_processor_decides),  cmocka_unit_test(callers_can_ask),
  };
  return RUN_TESTS(argc, argv, tests);
}

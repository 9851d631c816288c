// The functions of f64_math.h over SLEEF's exp and erfc. Included once by a file that defines SLEEF_SET, SLEEF_BUNDLE,
// SLEEF_LANES and the vectors' sleef_load, sleef_store, sleef_exp and sleef_erfc; the rest is plain C, each operation one
// rounding, and so the same for every set.
#include "common/compiled_features.h"
#include "common/strict_arithmetic.h"
#include "sleef/bundles.h"
#include "sleef/f64_math.h"

SIMDROP_REQUIRE_COMPILED_FOR(SLEEF_BUNDLE);

static_assert(SIMDROP_F64_MATH_MAX % SLEEF_LANES == 0, "a buffer is whole vectors");

// Of whole vectors: what is behind the n values is computed as well.
static void exp_all(size_t n, double buffer[SIMDROP_F64_MATH_MAX]) {
  for (size_t i = 0; i < n; i += SLEEF_LANES) sleef_store(buffer + i, sleef_exp(sleef_load(buffer + i)));
}

static void erfc_all(size_t n, double buffer[SIMDROP_F64_MATH_MAX]) {
  for (size_t i = 0; i < n; i += SLEEF_LANES) sleef_store(buffer + i, sleef_erfc(sleef_load(buffer + i)));
}

// What is not a number stays so: NaN is neither above nor below.
static inline double at_least(double x, double limit) { return limit > x ? limit : x; }
static inline double clamp(double x, double limit) {
  const double c = at_least(x, -limit);
  return limit < c ? limit : c;
}
static inline double absolute(double x) { return x < 0 ? -x : x; }

// Beyond, sigmoids and distribution functions are 0 or 1, and products with them must not be 0 * infinity.
#define SIGMOID_LIMIT 800.0
#define GELU_LIMIT 40.0

#define ROOT_HALF 0x1.6a09e667f3bcdp-1
#define INVERSE_ROOT_TWO_PI 0x1.9884533d43651p-2  // 1 / sqrt(2 pi)
#define GELU_TANH_1 0x1.9884533d43651p+0          // 2 * sqrt(2 / pi)
#define GELU_TANH_3 0x1.2444f2a4d8b4bp-4          // 0.044715 times that
#define GELU_TANH_SLOPE_2 0x1.b6676bf7450f0p-3    // 3 times that

static void apply_exp(size_t n, double *values) {
  double e[SIMDROP_F64_MATH_MAX] = {0};
  for (size_t i = 0; i < n; ++i) e[i] = values[i];
  exp_all(n, e);
  for (size_t i = 0; i < n; ++i) values[i] = e[i];
}

// factors[i] * sigmoid(arguments[i])
static void multiply_by_sigmoid(size_t n, const double *factors, const double *arguments, double *results) {
  double e[SIMDROP_F64_MATH_MAX] = {0};
  for (size_t i = 0; i < n; ++i) e[i] = -absolute(arguments[i]);
  exp_all(n, e);
  for (size_t i = 0; i < n; ++i) results[i] = (factors[i] * (arguments[i] < 0 ? e[i] : 1)) / (1 + e[i]);
}

// The derivative of x * sigmoid(u) by x, for u with that slope.
static void multiply_by_sigmoid_gradient(size_t n, const double *x, const double *u, const double *slopes, double *results) {
  double e[SIMDROP_F64_MATH_MAX] = {0};
  for (size_t i = 0; i < n; ++i) e[i] = -absolute(u[i]);
  exp_all(n, e);
  for (size_t i = 0; i < n; ++i) {
    const double greater = 1 / (1 + e[i]), lesser = e[i] * greater;
    const double sigmoid = u[i] < 0 ? lesser : greater, rest = u[i] < 0 ? greater : lesser;
    results[i] = sigmoid * (1 + (x[i] * rest) * slopes[i]);
  }
}

static void apply_sigmoid(size_t n, double *values) {
  double ones[SIMDROP_F64_MATH_MAX];
  for (size_t i = 0; i < n; ++i) ones[i] = 1;
  multiply_by_sigmoid(n, ones, values, values);
}

static void apply_silu(size_t n, double *values) {
  for (size_t i = 0; i < n; ++i) values[i] = at_least(values[i], -SIGMOID_LIMIT);
  multiply_by_sigmoid(n, values, values, values);
}

static void apply_silu_gradient(size_t n, double *values) {
  double ones[SIMDROP_F64_MATH_MAX];
  for (size_t i = 0; i < n; ++i) {
    values[i] = clamp(values[i], SIGMOID_LIMIT);
    ones[i] = 1;
  }
  multiply_by_sigmoid_gradient(n, values, values, ones, values);
}

static void apply_gelu(size_t n, double *values) {
  double complement[SIMDROP_F64_MATH_MAX] = {0};
  for (size_t i = 0; i < n; ++i) {
    values[i] = at_least(values[i], -GELU_LIMIT);
    complement[i] = -values[i] * ROOT_HALF;
  }
  erfc_all(n, complement);
  for (size_t i = 0; i < n; ++i) values[i] = (0.5 * values[i]) * complement[i];
}

static void apply_gelu_gradient(size_t n, double *values) {
  double complement[SIMDROP_F64_MATH_MAX] = {0}, density[SIMDROP_F64_MATH_MAX] = {0};
  for (size_t i = 0; i < n; ++i) {
    values[i] = clamp(values[i], GELU_LIMIT);
    complement[i] = -values[i] * ROOT_HALF;
    density[i] = (-0.5 * values[i]) * values[i];
  }
  erfc_all(n, complement);
  exp_all(n, density);
  for (size_t i = 0; i < n; ++i) values[i] = 0.5 * complement[i] + (values[i] * INVERSE_ROOT_TWO_PI) * density[i];
}

static void apply_gelu_tanh(size_t n, double *values) {
  double u[SIMDROP_F64_MATH_MAX];
  for (size_t i = 0; i < n; ++i) {
    u[i] = values[i] * (GELU_TANH_1 + GELU_TANH_3 * (values[i] * values[i]));
    values[i] = at_least(values[i], -GELU_LIMIT);
  }
  multiply_by_sigmoid(n, values, u, values);
}

static void apply_gelu_tanh_gradient(size_t n, double *values) {
  double u[SIMDROP_F64_MATH_MAX], slopes[SIMDROP_F64_MATH_MAX];
  for (size_t i = 0; i < n; ++i) {
    values[i] = clamp(values[i], GELU_LIMIT);
    const double square = values[i] * values[i];
    u[i] = values[i] * (GELU_TANH_1 + GELU_TANH_3 * square);
    slopes[i] = GELU_TANH_1 + GELU_TANH_SLOPE_2 * square;
  }
  multiply_by_sigmoid_gradient(n, values, u, slopes, values);
}

#define SLEEF_JOIN_(set) simdrop_sleef_##set
#define SLEEF_JOIN(set) SLEEF_JOIN_(set)
#define SLEEF_QUOTE_(set) #set
#define SLEEF_QUOTE(set) SLEEF_QUOTE_(set)
#define SLEEF_VERSION_(major, minor, patch) SLEEF_QUOTE_(major) "." SLEEF_QUOTE_(minor) "." SLEEF_QUOTE_(patch)
#define SLEEF_VERSION SLEEF_VERSION_(SLEEF_VERSION_MAJOR, SLEEF_VERSION_MINOR, SLEEF_VERSION_PATCHLEVEL)
#define SLEEF_ENTRY_(function) .function = apply_##function,
const simdrop_f64_math SLEEF_JOIN(SLEEF_SET) = {
    .name = SLEEF_QUOTE(SLEEF_SET), .version = SLEEF_VERSION, .required = SLEEF_BUNDLE, SIMDROP_F64_FUNCTIONS(SLEEF_ENTRY_)};

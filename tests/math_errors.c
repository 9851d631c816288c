// Prints the largest errors of the functions of the fused kernels, in Markdown: the tables of docs/fused.md. First in float,
// against double: all floats from 2^-32 to 256 in magnitude, and every 257th of the others, or one in as many as the argument
// says of all. Then what chains give, forward and backward: in f16 and bf16 of all their values, against double; in f64 of a
// sample, against long double, where that is longer.
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/float16.h"
#include "math_functions.h"
#include "plain.h"

typedef struct largest {
  double error;
  float x;
} largest;

static void take(largest *so_far, double error, float x) {
  if (error > so_far->error) {
    so_far->error = error;
    so_far->x = x;
  }
}

static void print_row(const math_function *function, uint32_t step) {
  largest ulp = {0, 0}, near = {0, 0}, of_x = {0, 0};
  for (uint64_t bits = 0; bits < UINT64_C(1) << 32;) {
    const float x = simdrop_float_from_bits((uint32_t)bits);
    bits += step != 0 ? step : fabsf(x) >= 0x1p-32f && fabsf(x) <= 256 ? 1 : 257;
    if (isnan(x) || fabsf(x) > 0x1p100f || !is_in_domain(function, x)) continue;
    const math_error error = error_of(function, x);
    if (fabs(function->exact(x)) > 1e-30) take(&ulp, error.ulp, x);
    if (fabsf(x) <= 6) take(&near, error.absolute, x);
    if (fabsf(x) > 1e-30f) take(&of_x, error.of_x, x);
  }
  printf("| %s | %.3g at %.9g | %.3g at %.9g | %.3g at %.9g |\n", function->name, ulp.error, ulp.x, near.error, near.x,
         of_x.error, of_x.x);
  fflush(stdout);
}

// ---- what chains give

static long double sigmoid(long double x) { return 1 / (1 + expl(-x)); }
static long double normal(long double x) { return 0.5L * erfcl(-x * 0.707106781186547524400844362104849039L); }
static long double argument(long double x) { return 1.595769121605730711759784239737852798L * (x + 0.044715L * x * x * x); }

static long double activation_of(simdrop_activation activation, long double x) {
  switch (activation) {
    case SIMDROP_GELU: return x * normal(x);
    case SIMDROP_GELU_TANH: return x * sigmoid(argument(x));
    default: return x * sigmoid(x);
  }
}

static long double derivative_of(simdrop_activation activation, long double x) {
  const long double slope = 1.595769121605730711759784239737852798L * (1 + 3 * 0.044715L * x * x), u = argument(x);
  switch (activation) {
    case SIMDROP_GELU: return normal(x) + x * 0.398942280401432677939946059934381868L * expl(-0.5L * x * x);
    case SIMDROP_GELU_TANH: return sigmoid(u) * (1 + x * sigmoid(-u) * slope);
    default: return sigmoid(x) * (1 + x * sigmoid(-x));
  }
}

enum {
  PIECE = 4096  // elements of a call
};

// Elements, and what the chain makes of them: the activation, or its derivative where dy is 1.
typedef struct chain_values {
  simdrop_dtype dtype;
  simdrop_activation activation;
  bool is_gradient;
  double x[PIECE], found[PIECE];  // exact
} chain_values;

static double value_of(simdrop_dtype dtype, const void *elements, size_t k) {
  if (dtype == SIMDROP_F64) return ((const double *)elements)[k];
  const uint16_t bits = ((const uint16_t *)elements)[k];
  return (double)(dtype == SIMDROP_F16 ? simdrop_float_from_f16(bits) : simdrop_float_from_bf16(bits));
}

static bool compute(chain_values *values, const void *x) {
  static double y[PIECE], ones[PIECE];
  const simdrop_mask mask = {0, 0, 0, 0, 0};
  const simdrop_matrix matrix = simdrop_matrix_dense(1, PIECE);
  const simdrop_chain chain = {.activation = values->activation};
  for (size_t k = 0; k < PIECE; ++k) {
    if (values->dtype == SIMDROP_F64) ones[k] = 1;
    if (values->dtype != SIMDROP_F64) ((uint16_t *)(void *)ones)[k] = values->dtype == SIMDROP_F16 ? 0x3c00 : 0x3f80;
  }
  const simdrop_status status =
      values->is_gradient ? simdrop_chain_backward(NULL, &mask, values->dtype, &matrix, &chain, NULL, x, ones, y, NULL)
                          : simdrop_chain_forward(NULL, &mask, values->dtype, &matrix, &chain, x, y, NULL);
  for (size_t k = 0; k < PIECE; ++k) {
    values->x[k] = value_of(values->dtype, x, k);
    values->found[k] = value_of(values->dtype, y, k);
  }
  return status == SIMDROP_OK;
}

typedef struct chain_errors {
  largest ulp, near, of_x;
} chain_errors;

static const struct {
  int digits;       // of the significand
  double smallest;  // results below this have no units here
} formats[] = {[SIMDROP_F64] = {53, 1e-290}, [SIMDROP_F16] = {11, 0x1p-14}, [SIMDROP_BF16] = {8, 0x1p-14}};

static void take_errors(const chain_values *values, chain_errors *errors) {
  const int digits = formats[values->dtype].digits;
  for (size_t k = 0; k < PIECE; ++k) {
    const double x = values->x[k];
    if (!(fabs(x) <= 256)) continue;
    const long double exact = (values->is_gradient ? derivative_of : activation_of)(values->activation, (long double)x);
    const long double error = fabsl((long double)values->found[k] - exact);
    int exponent;
    (void)frexpl(exact, &exponent);
    if (fabsl(exact) >= (long double)formats[values->dtype].smallest)
      take(&errors->ulp, (double)(error / ldexpl(1, exponent - digits)), (float)x);
    if (fabs(x) <= 6) take(&errors->near, (double)error, (float)x);
    if (fabs(x) >= 0x1p-14) take(&errors->of_x, (double)(error / fabsl((long double)x) * ldexpl(1, digits)), (float)x);
  }
}

static bool measure(chain_values *values, chain_errors *errors) {
  static double x[PIECE];
  uint16_t *const halves = (uint16_t *)(void *)x;
  uint64_t random = 17;
  const size_t pieces = values->dtype == SIMDROP_F64 ? 1024 : 65536 / PIECE;
  for (size_t piece = 0; piece < pieces; ++piece) {
    for (size_t k = 0; k < PIECE; ++k) {
      const double any = (double)(int64_t)next_random(&random) * 0x1p-63;  // -1 to 1
      if (values->dtype != SIMDROP_F64) halves[k] = (uint16_t)(piece * PIECE + k);
      if (values->dtype == SIMDROP_F64) x[k] = piece % 2 == 0 ? 40 * any : ldexp(any, (int)(next_random(&random) % 40) - 33);
    }
    if (!compute(values, x)) return false;
    take_errors(values, errors);
  }
  return true;
}

static void print_chains(simdrop_dtype dtype, const char *title) {
  static const simdrop_activation activations[] = {SIMDROP_SILU, SIMDROP_GELU, SIMDROP_GELU_TANH};
  static const char *const names[] = {"silu", "gelu", "gelu_tanh"};
  static chain_values values;
  for (size_t i = 0; i < 6; ++i) {
    chain_errors errors = {{0, 0}, {0, 0}, {0, 0}};
    values.dtype = dtype;
    values.activation = activations[i / 2];
    values.is_gradient = i % 2 != 0;
    if (!measure(&values, &errors)) {
      printf("| %s | not built |\n", title);
      return;
    }
    // Where a factor of a derivative passes through 0, only its absolute error says anything.
    char ulp[40] = "", of_x[40] = "";
    if (dtype != SIMDROP_F64 || !values.is_gradient)
      snprintf(ulp, sizeof ulp, "%.3g at %.5g", errors.ulp.error, (double)errors.ulp.x);
    if (!values.is_gradient) snprintf(of_x, sizeof of_x, "%.3g at %.5g", errors.of_x.error, (double)errors.of_x.x);
    printf("| %s | %s%s | %s | %.3g at %.5g | %s |\n", title, names[i / 2], values.is_gradient ? "'" : "", ulp,
           errors.near.error, (double)errors.near.x, of_x);
    fflush(stdout);
  }
}

int main(int argc, char **argv) {
  const uint32_t step = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
  puts(
      "| function | units in the last place, where the result is above 1e-30 | absolute, for \\|x\\| <= 6 | in units of 2^-24 "
      "\\|x\\| |");
  puts("|---|---|---|---|");
  for (size_t i = 0; i < MATH_FUNCTION_COUNT; ++i) print_row(&math_functions[i], step);
  puts(
      "\n| type | function | units in the last place | absolute, for \\|x\\| <= 6 | relative to x, in units of the type "
      "|\n|---|---|---|---|---|");
  print_chains(SIMDROP_F16, "f16");
  print_chains(SIMDROP_BF16, "bf16");
  if (LDBL_MANT_DIG >= 64) print_chains(SIMDROP_F64, "f64");
  return 0;
}

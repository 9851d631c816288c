// Formulas in plain C.
#include "verify/formulas.h"

#include <math.h>
#include <string.h>

#include "verify/reference.h"
#include "verify/values.h"

#define PI 3.14159265358979323846

// Where the planes of normals and of uniforms begin.
#define NORMAL_PLANES 64
#define UNIFORM_PLANES 96

#define SUM_GROUP 64  // rows of a column that are summed before they are added to those above

// volatile, since gcc 12.2 takes (double)(float) of two values at once for the values themselves, where it makes vectors of
// them.
double computed(simdrop_dtype dtype, double value) {
  if (dtype == SIMDROP_F64) return value;
  const volatile float rounded = (float)value;
  return (double)rounded;
}

double rounding_error(simdrop_dtype dtype) { return dtype == SIMDROP_F64 ? 0x1p-53 : 0x1p-24; }

double computed_scale(simdrop_dtype dtype, double keep) { return keep > 0 ? computed(dtype, 1 / keep) : 0; }

bool activation_is_exact(simdrop_activation activation) {
  return activation == SIMDROP_ACTIVATION_NONE || activation == SIMDROP_RELU;
}

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

// The argument that makes gelu_tanh x * sigmoid, and its derivative.
static double tanh_argument(double t) { return 2 * sqrt(2 / PI) * (t + 0.044715 * t * t * t); }
static double tanh_argument_slope(double t) { return 2 * sqrt(2 / PI) * (1 + 3 * 0.044715 * t * t); }

double activation_value(simdrop_activation activation, double t) {
  if (activation == SIMDROP_ACTIVATION_NONE) return t;
  if (activation == SIMDROP_RELU) return t < 0 ? 0 : t;
  if (t == -INFINITY) return -0.0;  // the limit, where the formulas multiply by 0
  switch (activation) {
    case SIMDROP_GELU: return t * 0.5 * erfc(-t / sqrt(2));
    case SIMDROP_GELU_TANH: return t * sigmoid(tanh_argument(t));
    default: return t * sigmoid(t);
  }
}

// x * sigmoid(u(x)), derived.
static double slope_of_sigmoid(double x, double u, double u_slope) {
  const double rest = sigmoid(-u);
  return sigmoid(u) * (1 + (rest > 0 ? x * rest * u_slope : 0));
}

double activation_slope(simdrop_activation activation, double t) {
  if (activation == SIMDROP_ACTIVATION_NONE) return 1;
  if (activation == SIMDROP_RELU) return t > 0 ? 1 : 0;
  if (isinf(t)) return t > 0 ? 1 : 0;
  switch (activation) {
    case SIMDROP_GELU: return 0.5 * erfc(-t / sqrt(2)) + t * exp(-t * t / 2) / sqrt(2 * PI);
    case SIMDROP_GELU_TANH: return slope_of_sigmoid(t, tanh_argument(t), tanh_argument_slope(t));
    default: return slope_of_sigmoid(t, t, 1);
  }
}

double activation_error(simdrop_dtype dtype, simdrop_activation activation, double t) {
  return activation_is_exact(activation) || !isfinite(t) ? 0 : 8 * rounding_error(dtype) * fabs(t);
}

double slope_error(simdrop_dtype dtype, simdrop_activation activation) {
  return activation_is_exact(activation) ? 0 : 16 * rounding_error(dtype);
}

bool is_within(simdrop_dtype dtype, uint64_t bits, double expected, double error) {
  const double value = value_of_bits(dtype, bits);
  if (isnan(expected)) return isnan(value);
  if (!(error > 0) || isinf(expected)) return bits == bits_of_value(dtype, expected);
  return value >= value_of_bits(dtype, bits_of_value(dtype, expected - error)) &&
         value <= value_of_bits(dtype, bits_of_value(dtype, expected + error));
}

alpha_numbers alpha_numbers_of(simdrop_dtype dtype, double keep) {
  const double p = 1 - keep, a = 1 / sqrt((ALPHA * ALPHA * p + 1) * (1 - p)), b = ALPHA * a * p;
  return (alpha_numbers){computed(dtype, a), computed(dtype, b), computed(dtype, b - ALPHA * a)};
}

// Call `plane` + k of the block gives elements 4k to 4k + 3 a word each.
static void element_words(const simdrop_mask *mask, uint64_t index, uint32_t first_plane, uint32_t words[4]) {
  const uint64_t block = index / 128;
  const uint32_t plane = first_plane + (uint32_t)(index % 128) / 4;
  const uint32_t counter[4] = {(uint32_t)mask->stream, (uint32_t)block, (uint32_t)(mask->stream >> 32),
                               (uint32_t)(block >> 32) | plane << 25};
  reference_philox(counter, mask->seed, words);
}

// The sum is exact in double.
static float uniform_of(uint32_t word) { return (float)((double)(float)(word >> 1) * 0x1p-31 + 0x1p-32); }

float reference_uniform(const simdrop_mask *mask, uint64_t k) {
  uint32_t words[4];
  const uint64_t index = mask->offset + k;
  element_words(mask, index, UNIFORM_PLANES, words);
  return uniform_of(words[index % 4]);
}

double reference_normal(const simdrop_mask *mask, uint64_t k) {
  uint32_t words[4];
  int32_t turn;
  const uint64_t index = mask->offset + k;
  const size_t pair = index % 4 / 2 * 2;
  element_words(mask, index, NORMAL_PLANES, words);
  memcpy(&turn, &words[pair + 1], sizeof turn);
  const double radius = sqrt(-2 * log((double)uniform_of(words[pair])));
  const double angle = PI * (double)((float)turn * 0x1p-31F);
  return radius * (index % 2 == 0 ? cos(angle) : sin(angle));
}

double gaussian_sigma(double keep) { return sqrt((1 - keep) / keep); }

// 1 - u is taken from the word's complement, so that both tails reach as far.
double concrete_share(const simdrop_mask *mask, double temperature, uint64_t k, double *error) {
  uint32_t words[4];
  const uint64_t index = mask->offset + k;
  element_words(mask, index, UNIFORM_PLANES, words);
  const double u = ((double)(words[index % 4] >> 1) + 0.5) * 0x1p-31;
  const double logit = log(mask->p) - log1p(-mask->p), logistic = log(u) - log1p(-u);
  const double share = sigmoid(-(logit + logistic) / temperature);
  const double of_logarithms = 4 * rounding_error(SIMDROP_F32) * (fabs(logit) - log(u) - log1p(-u)) / temperature;
  *error = share * (1 - share) * of_logarithms + 8 * rounding_error(SIMDROP_F32) * share + 0x1p-120;
  return share;
}

double sum_of_lanes(simdrop_dtype dtype, double lanes[SUM_LANES]) {
  for (size_t half = SUM_LANES / 2; half > 0; half /= 2)
    for (size_t i = 0; i < half; ++i) lanes[i] = computed(dtype, lanes[i] + lanes[i + half]);
  return lanes[0];
}

void add_to_column(simdrop_dtype dtype, column_sum *sum, size_t row, size_t rows, double value) {
  sum->group = computed(dtype, sum->group + value);
  if ((row + 1) % SUM_GROUP != 0 && row + 1 != rows) return;
  sum->total = computed(dtype, sum->total + sum->group);
  sum->group = 0;
}

// Sums over masks of outputs whose inputs are fixed: each element is one of two known numbers, by its decision.
#include "verify/expectations.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify/formulas.h"
#include "verify/sequence.h"
#include "verify/significance.h"
#include "verify/special_functions.h"
#include "verify/values.h"

#define SUM_ROWS ((size_t)16)
#define SUM_COLUMNS (DRAW_MAX / SUM_ROWS)
#define FIXED_ROWS ((size_t)8)
#define FIXED_COLUMNS ((size_t)32)
#define FIXED_ELEMENTS (FIXED_ROWS * FIXED_COLUMNS)

static void tell(const verify_subject *subject, uint64_t n) {
  if (subject->counted != NULL) subject->counted(subject->context, n);
}

static double rarer(const verify_subject *subject) { return fmin(subject->keep, 1 - subject->keep); }

// A sum of independent variables, each of which is one of two numbers: what is expected of it.
typedef struct decided_sum {
  double mean, variance, third;
} decided_sum;

static void add_decided(decided_sum *sum, double keep, double if_kept, double if_dropped) {
  const double difference = if_kept - if_dropped, v = keep * (1 - keep) * difference * difference;
  sum->mean += keep * if_kept + (1 - keep) * if_dropped;
  sum->variance += v;
  sum->third += v * difference * (1 - 2 * keep);
}

// What `draws` sums as expected add up to.
static verify_finding judge_sum(const decided_sum *expected, double draws, double found, const char *where) {
  const double variance = expected->variance * draws;
  verify_finding finding = {.statistic = (found - expected->mean * draws) / sqrt(variance)};
  finding.p_value = isfinite(finding.statistic)
                        ? two_sided_skewed(finding.statistic, expected->third * draws / (variance * sqrt(variance)))
                        : 0;
  snprintf(finding.where, sizeof finding.where, "%s", where);
  return finding;
}

// ---- S13

bool fused_outputs_in(verify_form form) { return form == FORM_CHAIN || form == FORM_CHAIN_BACKWARD || form == FORM_SOFTMAX; }

// A fused call on fixed inputs. Without dropout the call of the computed type, and without a residual, gives what is scaled.
typedef struct fused_call {
  const verify_subject *subject;
  simdrop_dtype dtype;
  simdrop_activation activation;
  simdrop_matrix matrix;
  const void *x, *bias, *residual, *dy;
} fused_call;

static void run_call(const fused_call *call, const simdrop_mask *mask, void *y) {
  const dropout_functions *const functions = call->subject->functions;
  const simdrop_chain chain = {.activation = call->activation, .bias = call->bias, .residual = call->residual};
  const simdrop_softmax softmax = simdrop_softmax_plain(1, call->matrix.columns);
  switch (call->subject->form) {
    case FORM_CHAIN: functions->chain_forward(NULL, mask, call->dtype, &call->matrix, &chain, call->x, y, NULL); break;
    case FORM_CHAIN_BACKWARD:
      functions->chain_backward(NULL, mask, call->dtype, &call->matrix, &chain, NULL, call->x, call->dy, y, NULL);
      break;
    default: functions->softmax_forward(NULL, mask, call->dtype, &call->matrix, &softmax, call->x, y, NULL, NULL); break;
  }
}

// Gradients are powers of two, which scale what they are multiplied by without rounding.
typedef struct fused_inputs {
  double x[DRAW_MAX], residual[DRAW_MAX], dy[DRAW_MAX], bias[SUM_COLUMNS];
} fused_inputs;

static void store_input(simdrop_dtype dtype, size_t k, double value, void *array) {
  store_bits(dtype, bits_of_value(dtype, value), (char *)array + k * simdrop_dtype_size(dtype));
}

static double input_value(simdrop_dtype dtype, const void *array, size_t k) {
  return value_of_bits(dtype, value_bits(dtype, (const char *)array + k * simdrop_dtype_size(dtype)));
}

// Rounded to `coarse`, and then of the type, which holds these.
static void fill_inputs(simdrop_dtype coarse, simdrop_dtype dtype, size_t rows, size_t columns, fused_inputs *inputs) {
  for (size_t k = 0; k < rows * columns; ++k) {
    const double random = (double)(derived_seed(0x46757365, k) >> 11) * 0x1p-53;
    const double x = value_of_bits(coarse, bits_of_value(coarse, 6 * random - 3));
    const double residual = value_of_bits(coarse, bits_of_value(coarse, 1 - 2 * fmod(64 * random, 1)));
    store_input(dtype, k, x, inputs->x);
    store_input(dtype, k, residual, inputs->residual);
    store_input(dtype, k, ldexp(k % 2 == 0 ? 1 : -1, (int)(k % 3) - 1), inputs->dy);
    if (k < columns)
      store_input(dtype, k, value_of_bits(coarse, bits_of_value(coarse, 0.5 - fmod(256 * random, 1))), inputs->bias);
  }
}

static fused_call call_of(const verify_subject *subject, simdrop_dtype dtype, simdrop_activation activation, size_t rows,
                          size_t columns, const fused_inputs *inputs) {
  return (fused_call){subject,   dtype,        activation,       simdrop_matrix_dense(rows, columns),
                      inputs->x, inputs->bias, inputs->residual, inputs->dy};
}

// The type that a type is computed in.
static simdrop_dtype computed_in(simdrop_dtype dtype) { return dtype == SIMDROP_F64 ? SIMDROP_F64 : SIMDROP_F32; }

static void without_dropout(fused_call call, void *y) {
  call.residual = NULL;
  run_call(&call, &(simdrop_mask){0, 1, 1, 0, 0}, y);
}

static bool has_residual(const verify_subject *subject) { return subject->form == FORM_CHAIN; }

// Every element is one of two numbers, and how often it is the one for kept elements is binomial. Where the two are the same,
// there is nothing to count.
typedef struct fixed_elements {
  uint64_t kept[FIXED_ELEMENTS], dropped[FIXED_ELEMENTS];  // bits of these numbers
  uint64_t count[FIXED_ELEMENTS];                          // masks that kept it
  bool is_wrong[FIXED_ELEMENTS];                           // it was neither
} fixed_elements;

static void expect_elements(const verify_subject *subject, simdrop_dtype dtype, const fused_inputs *inputs, const void *clean,
                            fixed_elements *elements) {
  const simdrop_dtype wide = computed_in(dtype);
  const double scale = computed_scale(dtype, subject->keep);
  for (size_t k = 0; k < FIXED_ELEMENTS; ++k) {
    const double value = computed(dtype, input_value(wide, clean, k) * scale);
    const double residual = has_residual(subject) ? input_value(wide, inputs->residual, k) : 0;
    elements->kept[k] = bits_of_value(dtype, has_residual(subject) ? computed(dtype, residual + value) : value);
    elements->dropped[k] = bits_of_value(dtype, residual);
  }
}

static size_t fixed_seeds(const verify_subject *subject) {
  return (size_t)(subject->is_long ? UINT64_C(1) << 14 : subject->elements >> 12);
}

static void count_element(fixed_elements *elements, simdrop_dtype dtype, const void *y) {
  const size_t size = simdrop_dtype_size(dtype);
  for (size_t k = 0; k < FIXED_ELEMENTS; ++k) {
    const uint64_t bits = value_bits(dtype, (const char *)y + k * size);
    elements->count[k] += bits == elements->kept[k];
    elements->is_wrong[k] |= bits != elements->kept[k] && bits != elements->dropped[k];
  }
}

static verify_finding judge_elements(const verify_subject *subject, simdrop_dtype dtype, const fixed_elements *elements) {
  const double seeds = (double)fixed_seeds(subject);
  verify_finding finding = {.p_value = 1};
  for (size_t k = 0; k < FIXED_ELEMENTS; ++k) {
    if (elements->kept[k] == elements->dropped[k] && !elements->is_wrong[k]) continue;
    const double count = (double)elements->count[k];
    const double p_value = elements->is_wrong[k] ? 0 : two_sided_binomial(count, seeds, subject->keep);
    if (!is_less_likely(p_value, finding.p_value)) continue;
    finding.p_value = p_value;
    finding.statistic = binomial_deviations(count, seeds, subject->keep);
    snprintf(finding.where, sizeof finding.where, "%s, %s %zu", simdrop_dtype_name(dtype),
             elements->is_wrong[k] ? "value of element" : "element", k);
  }
  return finding;
}

// A type and an activation that is built for it; softmax has no activation.
typedef struct fused_type {
  simdrop_dtype dtype;
  simdrop_activation activation;
} fused_type;
static const fused_type fused_types[] = {{SIMDROP_F32, SIMDROP_GELU},
                                         {SIMDROP_F32, SIMDROP_GELU_TANH},
                                         {SIMDROP_F16, SIMDROP_SILU},
                                         {SIMDROP_BF16, SIMDROP_RELU},
                                         {SIMDROP_F64, SIMDROP_ACTIVATION_NONE}};
enum {
  FUSED_TYPE_COUNT = sizeof fused_types / sizeof fused_types[0]
};

// Softmax of doubles need not be built, and a second activation of its floats is the same.
static bool is_drawn(const verify_subject *subject, size_t type) {
  return subject->form != FORM_SOFTMAX || (type != 1 && fused_types[type].dtype != SIMDROP_F64);
}

static verify_finding fixed_outputs(const verify_subject *subject, fused_type type, fused_inputs *inputs,
                                    fixed_elements *elements) {
  const simdrop_dtype wide = computed_in(type.dtype);
  uint64_t y[FIXED_ELEMENTS];  // 8 bytes suffice for an element of any type
  memset(elements, 0, sizeof *elements);
  fill_inputs(type.dtype, wide, FIXED_ROWS, FIXED_COLUMNS, inputs);
  without_dropout(call_of(subject, wide, type.activation, FIXED_ROWS, FIXED_COLUMNS, inputs), y);
  expect_elements(subject, type.dtype, inputs, y, elements);
  fill_inputs(type.dtype, type.dtype, FIXED_ROWS, FIXED_COLUMNS, inputs);
  const fused_call call = call_of(subject, type.dtype, type.activation, FIXED_ROWS, FIXED_COLUMNS, inputs);
  for (size_t seed = 0; seed < fixed_seeds(subject); ++seed) {
    const simdrop_mask mask = {subject->p, subject->seed + seed, (uint64_t)(type.dtype + 8 * type.activation), 0, 0};
    run_call(&call, &mask, y);
    count_element(elements, type.dtype, y);
  }
  tell(subject, fixed_seeds(subject) * FIXED_ELEMENTS);
  return judge_elements(subject, type.dtype, elements);
}

// Draws of DRAW_MAX elements.
static uint64_t sum_draws(const verify_subject *subject) {
  return (subject->is_long ? UINT64_C(1) << 26 : subject->elements >> 3) / DRAW_MAX;
}

// The sum of outputs in f32, of many masks.
static verify_finding sum_of_outputs(const verify_subject *subject, fused_inputs *inputs, float *y, double *smallest) {
  const uint64_t draws = sum_draws(subject);
  double found = 0;
  decided_sum expected = {0};
  fill_inputs(SIMDROP_F32, SIMDROP_F32, SUM_ROWS, SUM_COLUMNS, inputs);
  const fused_call call = call_of(subject, SIMDROP_F32, SIMDROP_GELU, SUM_ROWS, SUM_COLUMNS, inputs);
  double size = 0;
  without_dropout(call, y);
  for (size_t k = 0; k < DRAW_MAX; ++k) {
    const double residual = has_residual(subject) ? input_value(SIMDROP_F32, inputs->residual, k) : 0;
    add_decided(&expected, subject->keep, residual + (double)y[k] / subject->keep, residual);
    size += fabs((double)y[k]);
  }
  for (uint64_t draw = 0; draw < draws; ++draw) {
    const simdrop_mask mask = {subject->p, subject->seed, UINT64_C(1) << 40, draw * DRAW_MAX, 0};
    run_call(&call, &mask, y);
    for (size_t k = 0; k < DRAW_MAX; ++k) found += (double)y[k];
  }
  tell(subject, draws * DRAW_MAX);
  *smallest =
      seen_deviations(subject->level, 1 + FUSED_TYPE_COUNT * FIXED_ELEMENTS) * sqrt(expected.variance / (double)draws) / size;
  return judge_sum(&expected, (double)draws, found, "sum in f32");
}

uint64_t fused_outputs_drawn(const verify_subject *subject) {
  uint64_t types = 0;
  for (size_t i = 0; i < FUSED_TYPE_COUNT; ++i) types += is_drawn(subject, i);
  return sum_draws(subject) * DRAW_MAX + types * FIXED_ELEMENTS * fixed_seeds(subject);
}

bool draw_fused_outputs(const verify_subject *subject, verify_figure *figure) {
  figure->applies = fixed_seeds(subject) >= 16 && (double)(sum_draws(subject) * DRAW_MAX) * rarer(subject) >= ENOUGH_FOR_NORMAL;
  if (!figure->applies) return true;
  fused_inputs *const inputs = verify_allocate(1, sizeof *inputs);
  fixed_elements *const elements = verify_allocate(1, sizeof *elements);
  float *const y = verify_allocate(DRAW_MAX, sizeof *y);
  const bool ready = inputs != NULL && elements != NULL && y != NULL;
  if (ready) {
    verify_finding findings[1 + FUSED_TYPE_COUNT];
    size_t count = 0;
    findings[count++] = sum_of_outputs(subject, inputs, y, &figure->smallest);
    for (size_t i = 0; i < FUSED_TYPE_COUNT; ++i)
      if (is_drawn(subject, i)) findings[count++] = fixed_outputs(subject, fused_types[i], inputs, elements);
    const verify_finding *const worst = &findings[worst_finding(findings, count)];
    figure->elements = fused_outputs_drawn(subject);
    figure->statistic = worst->statistic;
    figure->p_value = smallest_of(worst->p_value, 1 + (double)(count - 1) * FIXED_ELEMENTS);
    figure->conservative = true;
    figure->unit = "output, relative";
    memcpy(figure->where, worst->where, sizeof figure->where);
  }
  free(y);
  free(elements);
  free(inputs);
  return ready;
}

// ---- S18

bool alpha_moments_in(verify_form form) { return form == FORM_ALPHA; }

static uint64_t alpha_draws(const verify_subject *subject) {
  return (subject->is_long ? UINT64_C(1) << 28 : subject->elements >> 2) / DRAW_MAX;
}

uint64_t alpha_moments_drawn(const verify_subject *subject) { return alpha_draws(subject) * DRAW_MAX; }

// The quantiles of a normal distribution, in another order, with exactly its variance.
static void fill_quantiles(float *x) {
  double squares = 0;
  for (size_t k = 0; k < DRAW_MAX; ++k) {
    const double quantile = normal_quantile(((double)k + 0.5) / (double)DRAW_MAX);
    squares += quantile * quantile;
  }
  for (size_t k = 0; k < DRAW_MAX; ++k)
    x[k * 6007 % DRAW_MAX] = (float)(normal_quantile(((double)k + 0.5) / (double)DRAW_MAX) / sqrt(squares / (double)DRAW_MAX));
}

bool draw_alpha_moments(const verify_subject *subject, verify_figure *figure) {
  const uint64_t draws = alpha_draws(subject);
  const double n = (double)(draws * DRAW_MAX), p = 1 - subject->keep, keep = subject->keep;
  figure->applies = n * rarer(subject) >= ENOUGH_FOR_NORMAL;
  if (!figure->applies) return true;
  float *const x = verify_allocate(2 * DRAW_MAX, sizeof *x);
  if (x == NULL) return false;
  float *const y = x + DRAW_MAX;
  // From the definition: with these numbers the mean is 0 and the variance 1, so that of both nothing else is assumed.
  const double a = 1 / sqrt((ALPHA * ALPHA * p + 1) * keep), dropped = -ALPHA * a * keep;
  decided_sum mean = {0}, variance = {0};
  double sum = 0, squares = 0;
  fill_quantiles(x);
  for (size_t k = 0; k < DRAW_MAX; ++k) {
    const double kept = a * (double)x[k] + ALPHA * a * p;
    add_decided(&mean, keep, kept, dropped);
    add_decided(&variance, keep, kept * kept, dropped * dropped);
  }
  mean.mean = 0;
  variance.mean = DRAW_MAX;
  for (uint64_t draw = 0; draw < draws; ++draw) {
    const simdrop_mask mask = {subject->p, subject->seed, 0, draw * DRAW_MAX, 0};
    subject->functions->alpha_forward(NULL, &mask, SIMDROP_F32, DRAW_MAX, x, y);
    for (size_t k = 0; k < DRAW_MAX; ++k) {
      sum += (double)y[k];
      squares += (double)y[k] * (double)y[k];
    }
  }
  free(x);
  tell(subject, draws * DRAW_MAX);
  const verify_finding findings[] = {judge_sum(&mean, (double)draws, sum, "mean"),
                                     judge_sum(&variance, (double)draws, squares, "variance")};
  const verify_finding *const worst = &findings[worst_finding(findings, 2)];
  figure->elements = draws * DRAW_MAX;
  figure->statistic = worst->statistic;
  figure->p_value = smallest_of(worst->p_value, 2);
  figure->conservative = true;  // the mean and the variance depend on each other
  figure->smallest = seen_deviations(subject->level, 2) * sqrt(variance.variance / (double)DRAW_MAX / n);
  figure->unit = "variance";
  memcpy(figure->where, worst->where, sizeof figure->where);
  return true;
}

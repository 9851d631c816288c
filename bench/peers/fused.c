// The part of bench/peers_fused.py that must not be Python: loops over simdrop's fused functions, beside what shim.c has.
#include "shim.c"  // NOLINT(bugprone-suspicious-include): one library for ctypes

typedef struct fused_arrays {
  size_t rows, columns;
  double p, scale;  // the scale of a softmax
  const float *x, *bias, *residual;
  float *y;
  const float *dy;  // of the backward pass; NULL if there is none
  float *dx, *bias_gradient;
  float *probabilities;  // of a softmax with a backward pass
} fused_arrays;

typedef simdrop_status fused_call(const fused_arrays *a, const simdrop_mask *mask);

static simdrop_status run_chain(simdrop_activation activation, const fused_arrays *a, const simdrop_mask *mask) {
  const simdrop_matrix matrix = simdrop_matrix_dense(a->rows, a->columns);
  const simdrop_chain chain = {.activation = activation, .bias = a->bias, .residual = a->residual};
  const simdrop_status status = simdrop_chain_forward(NULL, mask, SIMDROP_F32, &matrix, &chain, a->x, a->y, NULL);
  if (a->dy == NULL || status != SIMDROP_OK) return status;
  return simdrop_chain_backward(NULL, mask, SIMDROP_F32, &matrix, &chain, NULL, a->x, a->dy, a->dx, a->bias_gradient);
}

static simdrop_status chain(const fused_arrays *a, const simdrop_mask *mask) {
  return run_chain(SIMDROP_ACTIVATION_NONE, a, mask);
}

static simdrop_status chain_gelu(const fused_arrays *a, const simdrop_mask *mask) { return run_chain(SIMDROP_GELU, a, mask); }

static simdrop_status softmax(const fused_arrays *a, const simdrop_mask *mask) {
  const simdrop_matrix matrix = simdrop_matrix_dense(a->rows, a->columns);
  const simdrop_softmax softmax = simdrop_softmax_plain(a->scale, a->columns);
  float *const p = a->probabilities;
  const simdrop_status status = simdrop_softmax_forward(NULL, mask, SIMDROP_F32, &matrix, &softmax, a->x, a->y, p, NULL);
  if (a->dy == NULL || status != SIMDROP_OK) return status;
  return simdrop_softmax_backward(NULL, mask, SIMDROP_F32, &matrix, &softmax, p, NULL, NULL, a->dy, a->dx);
}

static simdrop_status gaussian(const fused_arrays *a, const simdrop_mask *mask) {
  return simdrop_gaussian_forward(NULL, mask, SIMDROP_F32, a->rows * a->columns, a->x, a->y);
}

static simdrop_status alpha(const fused_arrays *a, const simdrop_mask *mask) {
  return simdrop_alpha_forward(NULL, mask, SIMDROP_F32, a->rows * a->columns, a->x, a->y);
}

static const struct {
  const char *name;
  fused_call *call;
} operations[] = {
    {"chain", chain}, {"chain-gelu", chain_gelu}, {"softmax", softmax}, {"gaussian", gaussian}, {"alpha", alpha},
};

// Seconds that so many calls take; below 0: minus simdrop's status.
double fused_run(const char *name, const fused_arrays *a, uint64_t calls);
double fused_run(const char *name, const fused_arrays *a, uint64_t calls) {
  size_t operation = 0;
  while (strcmp(operations[operation].name, name) != 0) ++operation;
  simdrop_mask mask = {.p = a->p, .seed = 42};
  simdrop_status status = SIMDROP_OK;
  const double start = seconds();
  for (uint64_t i = 0; i < calls && status == SIMDROP_OK; ++i) {
    mask.stream = calls_so_far++;
    status = operations[operation].call(a, &mask);
  }
  return status == SIMDROP_OK ? seconds() - start : -(double)status;
}

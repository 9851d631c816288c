// The chain and its gradients, element by element: the definition. docs/fused.md has it in formulas.
#include "common/chain.h"
#include "scalar/backend.h"
#include "scalar/computed.h"
#include "scalar/math.h"

static float activate_float(const simdrop_chain_input *input, float t) {
  switch (input->activation) {
    case SIMDROP_ACTIVATION_NONE: break;
    case SIMDROP_RELU: return scalar_relu(t);
    case SIMDROP_GELU: return scalar_gelu(t);
    case SIMDROP_GELU_TANH: return scalar_gelu_tanh(t);
    case SIMDROP_SILU: return scalar_silu(t);
  }
  return t;
}

// Not for SIMDROP_ACTIVATION_NONE and SIMDROP_RELU.
static float derivative_of_float(const simdrop_chain_input *input, float t) {
  switch (input->activation) {
    case SIMDROP_GELU: return scalar_gelu_gradient(t);
    case SIMDROP_GELU_TANH: return scalar_gelu_tanh_gradient(t);
    case SIMDROP_SILU: return scalar_silu_gradient(t);
    default: return 1;
  }
}

static double activate_double(const simdrop_chain_input *input, double t) {
  if (input->activation == SIMDROP_RELU) return t < 0 ? 0 : t;
  if (input->activation != SIMDROP_ACTIVATION_NONE) input->f64_function(1, &t);
  return t;
}

static double derivative_of_double(const simdrop_chain_input *input, double t) {
  input->f64_function(1, &t);
  return t;
}

static void set_bit(uint64_t *words, size_t k, bool bit) {
  if (k % 64 == 0) words[k / 64] = 0;
  words[k / 64] |= (uint64_t)bit << (k % 64);
}

#define TYPE f32
#define COMPUTED float
#include "scalar/chain_body.h"
#define TYPE f64
#define COMPUTED double
#include "scalar/chain_body.h"
#define TYPE f16
#define COMPUTED float
#include "scalar/chain_body.h"
#define TYPE bf16
#define COMPUTED float
#include "scalar/chain_body.h"

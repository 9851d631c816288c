// The vector backends' kernels of the chain, in the words of the backend's arithmetic.h (included before this file).
#ifndef SIMDROP_COMMON_CHAIN_BODY_H
#define SIMDROP_COMMON_CHAIN_BODY_H

#include <string.h>

#include "common/bits.h"
#include "common/consumer_parts.h"
#include "common/kernel_table.h"
#include "common/math_body.h"
#include "common/operand_body.h"

// Activations that take long are computed of so many numbers at a time, in a buffer: there is one loop for each then, whatever
// the elements' type and whatever else is done with them.
enum {
  CHAIN_BLOCK = 256
};

typedef simd_f32 (*chain_function)(simd_f32);

static ALWAYS_INLINE void map_floats(chain_function function, size_t n, float *values) {
  for (size_t i = 0; i < n; i += simd_f32_lanes()) simd_f32_store(values + i, function(simd_f32_load(values + i)), false);
}

// Of whole words.

static NEVER_INLINE void activate_simd_f32(const simdrop_chain_input *input, size_t n, float *values) {
  switch (input->activation) {
    case SIMDROP_ACTIVATION_NONE: return;
    case SIMDROP_RELU: map_floats(math_relu, n, values); return;
    case SIMDROP_GELU: map_floats(math_gelu, n, values); return;
    case SIMDROP_GELU_TANH: map_floats(math_gelu_tanh, n, values); return;
    case SIMDROP_SILU: map_floats(math_silu, n, values); return;
  }
}

static NEVER_INLINE void derive_simd_f32(const simdrop_chain_input *input, size_t n, float *values) {
  switch (input->activation) {
    case SIMDROP_GELU: map_floats(math_gelu_gradient, n, values); return;
    case SIMDROP_GELU_TANH: map_floats(math_gelu_tanh_gradient, n, values); return;
    case SIMDROP_SILU: map_floats(math_silu_gradient, n, values); return;
    default: return;  // the others are not computed in a buffer
  }
}

static NEVER_INLINE void call_f64_function(const simdrop_chain_input *input, size_t n, double *values) {
  for (size_t i = 0; i < n; i += WORD_ELEMENTS) input->f64_function(WORD_ELEMENTS, values + i);
}

static inline void activate_simd_f64(const simdrop_chain_input *input, size_t n, double *values) {
  if (input->activation != SIMDROP_RELU) {
    call_f64_function(input, n, values);
    return;
  }
  for (size_t i = 0; i < n; ++i) values[i] = values[i] < 0 ? 0 : values[i];
}

static inline void derive_simd_f64(const simdrop_chain_input *input, size_t n, double *values) {
  call_f64_function(input, n, values);
}

// Once for each type that is computed in, in plain C: what compilers vectorise by themselves. Functions of their own, because
// they are called from many loops. A word's values behind its last element are +0, which changes no sum: none is ever -0.
#define CHAIN_FUNCTIONS_(vector, number)                                                                           \
  static NEVER_INLINE void add_to_sums_##vector(const simdrop_chain_gradient_operands *operands, size_t k,         \
                                                const number *values) {                                            \
    number *const column_sums = (number *)operands->column_sums, *const lane_sums = (number *)operands->lane_sums; \
    if (column_sums != NULL)                                                                                       \
      for (size_t i = 0; i < WORD_ELEMENTS; ++i) column_sums[k + i] += values[i];                                  \
    if (lane_sums != NULL)                                                                                         \
      for (size_t i = 0; i < SIMDROP_SUM_LANES; ++i)                                                               \
        lane_sums[i] = (lane_sums[i] + values[i]) + values[SIMDROP_SUM_LANES + i];                                 \
  }                                                                                                                \
  static NEVER_INLINE uint64_t positive_bits_##vector(const number *values) {                                      \
    uint64_t bits = 0;                                                                                             \
    for (size_t i = 0; i < WORD_ELEMENTS; ++i) bits |= (uint64_t)(values[i] > 0) << i;                             \
    return bits;                                                                                                   \
  }
CHAIN_FUNCTIONS_(simd_f32, float)
CHAIN_FUNCTIONS_(simd_f64, double)
#undef CHAIN_FUNCTIONS_

#define TYPE f32
#include "common/chain_typed_body.h"
#define TYPE f64
#include "common/chain_typed_body.h"
#define TYPE f16
#include "common/chain_typed_body.h"
#define TYPE bf16
#include "common/chain_typed_body.h"

#endif

// What the kernels of the chain work on: elements of one row, that follow one another (docs/fused.md has the formulas).
#ifndef SIMDROP_COMMON_CHAIN_H
#define SIMDROP_COMMON_CHAIN_H

#include <simdrop/fused.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A function of up to 64 doubles, in place: sleef/f64_math.h has them.
typedef void simdrop_f64_function(size_t n, double *values);

// x + bias, and what is computed of it.
typedef struct simdrop_chain_input {
  const void *x;
  const void *bias;  // NULL, or one for each element, or one for all
  bool is_shared_bias;
  simdrop_activation activation;
  simdrop_f64_function *f64_function;  // the activation, or its derivative, of doubles, where it takes a library
} simdrop_chain_input;

// Forward: y[k] = residual[k] + (kept ? activation(x[k] + bias) * scale : +0). y may be x or the residual.
typedef struct simdrop_chain_operands {
  simdrop_chain_input input;
  const void *residual;  // NULL: there is none
  void *y;
  double scale;         // exact in the type that is computed in
  uint64_t *positives;  // NULL, or receives whether element k is kept and x[k] + bias > 0, in bit k, and in the bits above the
                        // last anything
} simdrop_chain_operands;

// The same of f32 without an activation, row after row without gaps, for a mask producer's lines (common/interleave.h).
typedef struct simdrop_chain_lines {
  simdrop_chain_operands operands;  // from the first element on; its bias too, which is the first element's
  size_t columns, column;           // if there is one: of a row, and where the first element is; multiples of a line's elements
  const uint64_t *words;
  size_t first;  // the first element's bit
} simdrop_chain_lines;

#define SIMDROP_SUM_LANES 32

// Backward: dx[k] = kept ? dy[k] * scale * derivative(x[k] + bias) : +0. dx may be x or dy.
typedef struct simdrop_chain_gradient_operands {
  simdrop_chain_input input;  // without an activation, x and the bias are not looked at
  const void *dy;
  void *dx;
  double scale;
  // Sums in the type that is computed in, of values that are not rounded yet; or NULL. The first are whole words of 64 elements
  // long: behind the last, +0 may be added.
  void *column_sums;  // column_sums[k] += dx[k]
  void *lane_sums;    // lane_sums[k % SIMDROP_SUM_LANES] += dx[k]
} simdrop_chain_gradient_operands;

// Element k has bit first + k of words, of which one more than needed may be read.
typedef void simdrop_chain_kernel(size_t n, const uint64_t *words, size_t first, const simdrop_chain_operands *operands,
                                  bool non_temporal);
typedef void simdrop_chain_gradient_kernel(size_t n, const uint64_t *words, size_t first,
                                           const simdrop_chain_gradient_operands *operands, bool non_temporal);

#endif

// What the kernels of norm(residual + dropout(x + bias)) work on: elements of one row, that follow one another, from a multiple
// of 64 columns on (docs/fused.md has the formulas). Numbers are exact in the type that is computed in, and so are the arrays
// of sums, which the caller has set to +0.
#ifndef SIMDROP_COMMON_NORM_H
#define SIMDROP_COMMON_NORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/chain.h"

typedef struct simdrop_norm_operands {
  const void *x, *bias, *residual;  // no bias, no residual: NULL
  void *h;                          // may be x, or the residual
  const void *gamma, *beta;         // none: NULL
  void *y;                          // may be each of those above but the bias
  double scale;
  double mean, inverse;  // of the row
  void *lanes;           // SIMDROP_SUM_LANES sums, of column k in lane k % SIMDROP_SUM_LANES
} simdrop_norm_operands;

typedef struct simdrop_norm_gradient_operands {
  const void *h, *dy;
  const void *gamma, *added;  // none: NULL
  void *dh, *dx;              // not wanted: NULL. Each may be h, dy or added
  double scale;
  double mean, inverse;                  // of the row, as are
  double mean_gradient, mean_product;    // those of g and of g * z
  void *gradient_lanes, *product_lanes;  // SIMDROP_SUM_LANES sums each
  void *gamma_sums, *beta_sums;          // of columns: whole words of 64 elements, and behind the last there may be anything
} simdrop_norm_gradient_operands;

// Element k has bit first + k of words, of which one more than needed may be read.
//     norm_input_<type>    h[k] = residual[k] + (kept ? (x[k] + bias[k]) * scale : +0), rounded to the type; lanes += h[k]
typedef void simdrop_norm_input_kernel(size_t n, const uint64_t *words, size_t first, const simdrop_norm_operands *operands);

//     norm_squares_<type>  lanes += (h[k] - mean)^2
typedef void simdrop_norm_squares_kernel(size_t n, const simdrop_norm_operands *operands);

//     norm_output_<type>   y[k] = ((h[k] - mean) * inverse) * gamma[k] + beta[k]. If stores are non-temporal, y begins with a
//                          line of memory, and n is a multiple of 64
typedef void simdrop_norm_output_kernel(size_t n, const simdrop_norm_operands *operands, bool non_temporal);

// With z = (h[k] - mean) * inverse and g = dy[k] * gamma[k]:
//     norm_gradient_sums_<type>  gradient_lanes += g, product_lanes += g * z
//     norm_column_sums_<type>    gamma_sums[k] += dy[k] * z, beta_sums[k] += dy[k]
typedef void simdrop_norm_gradient_sums_kernel(size_t n, const simdrop_norm_gradient_operands *operands);

//     norm_gradient_<type>       dh[k] = added[k] + ((g - mean_gradient) - z * mean_product) * inverse, rounded to the type;
//                                dx[k] = kept ? dh[k] * scale : +0. Without dx, words are not looked at.
typedef void simdrop_norm_gradient_kernel(size_t n, const uint64_t *words, size_t first,
                                          const simdrop_norm_gradient_operands *operands);

#endif

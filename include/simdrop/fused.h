/** @file fused.h
 *  Dropout fused with what stands about it, in one pass over memory: results are the same bits on every backend and for any
 *  number of threads, as everywhere in simdrop. docs/fused.md has the formulas, operation by operation. Included by simdrop.h.
 *
 *  What holds for every function here, beside what simdrop.h says of all:
 *  - Types are f32, f64, f16 and bf16. f64 is computed in double; the others are computed in float, widened exactly, and the
 *    final result alone is rounded. The 8-bit types are ERROR_DTYPE.
 *  - NaN results are NaN, but their signs and payloads are not promised.
 *  - Executors: NULL is the calling thread. */
#ifndef SIMDROP_FUSED_H
#define SIMDROP_FUSED_H

#include <simdrop/executor.h>
#include <simdrop/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What the functions in double that SLEEF computes (GELU, its approximation by tanh, SiLU and softmax, of F64) use on this
 *  machine.
 *  @return the name of a set of instructions, "avx512f", "avx2", "purecfma" or "advsimd"; static storage. NULL: nothing, since
 *          the library was built without SLEEF, or the processor has no fused multiply-add. Calls that need one return
 *          SIMDROP_ERROR_NOT_BUILT then; all others work
 *  @snippet library.c simdrop_f64_functions */
SIMDROP_API const char *simdrop_f64_functions(void);

/** The version of SLEEF whose header this library was compiled with. The bits of results do not depend on it.
 *  @return such as "3.5.1", static storage; NULL if it was built without
 *  @snippet library.c simdrop_sleef_version */
SIMDROP_API const char *simdrop_sleef_version(void);

/** rows x columns elements. Those of a row lie side by side; strides are from row to row, in elements, and may be negative.
 *  Element (r, c) has the mask's index offset + r * index_stride + c. Strides are not looked at where there is one row. */
typedef struct simdrop_matrix {
  size_t rows;               /**< how many, 0 too */
  size_t columns;            /**< elements of a row, 0 too */
  ptrdiff_t x_stride;        /**< of x and its gradient */
  ptrdiff_t y_stride;        /**< of y and its gradient; its rows must not meet */
  ptrdiff_t residual_stride; /**< of the residual; 0: one row is added to all */
  uint64_t index_stride;     /**< columns for a matrix of its own, the whole matrix' columns for a tile of a larger one, 0 for
                                  decisions that all rows share */
  uint64_t flags;            /**< reserved: must be 0 */
} simdrop_matrix;

/** A matrix without gaps, with a decision for each element: every stride is `columns`.
 *  @param rows     how many
 *  @param columns  elements of a row
 *  @return the matrix; a shape that is too large is refused by the functions that take it
 *  @snippet fused.c simdrop_matrix_dense */
SIMDROP_API simdrop_matrix simdrop_matrix_dense(size_t rows, size_t columns);

/** @name The chain: y = residual + dropout(activation(x + bias))
 *  @{ */

/** What is computed of x + bias. */
typedef enum simdrop_activation {
  SIMDROP_ACTIVATION_NONE = 0, /**< t */
  SIMDROP_RELU = 1,            /**< t < 0 ? +0 : t */
  SIMDROP_GELU = 2,            /**< t Phi(t), Phi the normal distribution (Hendrycks and Gimpel, 2016) */
  SIMDROP_GELU_TANH = 3,       /**< the same paper's approximation of it by tanh */
  SIMDROP_SILU = 4             /**< t / (1 + exp(-t)), also called swish */
} simdrop_activation;

/** Along which axis the bias is. */
typedef enum simdrop_bias_axis {
  SIMDROP_BIAS_OF_COLUMNS = 0, /**< bias[c] is added to column c: the features of a linear layer's output */
  SIMDROP_BIAS_OF_ROWS = 1     /**< bias[r] is added to row r: features by samples, or channels by pixels */
} simdrop_bias_axis;

/** The parts of a chain. All zeros is dropout alone. */
typedef struct simdrop_chain {
  simdrop_activation activation; /**< of x + bias */
  simdrop_bias_axis bias_axis;   /**< of the bias, and of its gradient */
  const void *bias;              /**< NULL: nothing is added; otherwise `columns` or `rows` elements of the call's type */
  const void *residual;          /**< NULL: nothing is added; otherwise element (0, 0) of a matrix of the call's type */
  uint64_t flags;                /**< reserved: must be 0 */
} simdrop_chain;

/** y = residual + dropout(activation(x + bias)). With t = x + bias and a = activation(t):
 *
 *      y = residual + (kept ? a * s : +0)
 *
 *  with s as in simdrop_forward, and without the additions of what is NULL. A dropped element is +0 before the residual is
 *  added, whatever x and the bias were. p = 0 keeps everything, without a product; p = 1 leaves residual + 0.
 *  @param executor  cuts rows; NULL: the calling thread
 *  @param mask      which mask; its offset is the index of element (0, 0)
 *  @param dtype     type of all elements
 *  @param matrix    shape and strides
 *  @param chain     the parts
 *  @param x         element (0, 0) of the input
 *  @param y         element (0, 0) of the output; may be x, or the residual, with the same stride, and works in place then. It
 *                   may share no byte with another array, nor with another element of these
 *  @param bits      NULL, or receives ceil(rows * columns / 8) bytes: one bit an element, row after row without gaps, as
 *                   simdrop_mask_bits packs them. 1 = kept, and with SIMDROP_RELU, kept and t > 0: all that
 *                   simdrop_chain_backward needs then. They may overlap nothing
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_PROBABILITY, ERROR_FLAGS, ERROR_DTYPE, ERROR_ACTIVATION, ERROR_SHAPE (no such
 *          axis), ERROR_SIZE_OVERFLOW, ERROR_INDEX_OVERFLOW, ERROR_OVERLAP, or ERROR_NOT_BUILT: f64 with an activation that
 *          needs functions of a library that this one was built without
 *  @snippet fused.c simdrop_chain_forward */
SIMDROP_API simdrop_status simdrop_chain_forward(const simdrop_executor *executor, const simdrop_mask *mask,
                                                 simdrop_dtype dtype, const simdrop_matrix *matrix, const simdrop_chain *chain,
                                                 const void *x, void *y, uint8_t *bits);

/** The gradients of simdrop_chain_forward. The residual's is dy itself; the others are
 *
 *      g = kept ? dy * s : +0,  dx = kept ? g * activation'(t) : +0   (none: g; ReLU: kept and t > 0 ? dy * s : +0)
 *
 *  and the sums of dx along the axis across the bias, in float (f64: in double), of values that are not rounded to dtype. The
 *  order of additions is fixed: down a column, rows in groups of 64, each group from +0 in the order of rows, and the groups'
 *  sums from +0 in their order; along a row, column k to the sum of lane k % 32, lanes from +0 in the order of columns, and
 *  then lane i += lane i + h for h = 16, 8, 4, 2, 1.
 *  @param executor       cuts rows, and where columns are summed, columns; NULL: the calling thread
 *  @param mask           the mask given to simdrop_chain_forward
 *  @param dtype          type of all elements but the bias' gradient
 *  @param matrix         that of the forward call: dx lies as x (x_stride), dy as y (y_stride)
 *  @param chain          that of the forward call; the residual plays no part, nor does the bias where x is not needed
 *  @param bits           NULL: the mask is drawn again; otherwise the bits that the forward call wrote, which then decide alone
 *  @param x              element (0, 0) of the forward call's input; may be NULL where it is not needed: without an
 *                        activation, and with SIMDROP_RELU and bits
 *  @param dy             element (0, 0) of the gradient with respect to y
 *  @param dx             element (0, 0) of the gradient with respect to x; may be x, or dy with the same stride, and works in
 *                        place then. It may share no byte with another array, nor with another element of these
 *  @param bias_gradient  NULL, or receives float (f64: double) sums, `columns` or `rows` of them by the chain's bias_axis,
 *                        whether there is a bias or not; +0 where there is nothing to sum. It may overlap nothing
 *  @return as simdrop_chain_forward
 *  @snippet fused.c simdrop_chain_backward */
SIMDROP_API simdrop_status simdrop_chain_backward(const simdrop_executor *executor, const simdrop_mask *mask,
                                                  simdrop_dtype dtype, const simdrop_matrix *matrix, const simdrop_chain *chain,
                                                  const uint8_t *bits, const void *x, const void *dy, void *dx,
                                                  void *bias_gradient);

/** @} */

/** @name Normalisation of what a sub-layer adds: y = norm(h), h = residual + dropout(x + bias)
 *  @{ */

/** What rows are divided by, and whether their mean is taken off first. */
typedef enum simdrop_norm_kind {
  SIMDROP_LAYER_NORM = 0, /**< the standard deviation, after the mean (Ba, Kiros and Hinton, 2016) */
  SIMDROP_RMS_NORM = 1    /**< the root of the mean square; the mean stays (Zhang and Sennrich, 2019) */
} simdrop_norm_kind;

/** The parts of a norm. Arrays are of the call's type; those of `columns` elements are NULL where nothing is added, or nothing
 *  is multiplied. */
typedef struct simdrop_norm {
  simdrop_norm_kind kind; /**< LayerNorm or RMSNorm */
  double epsilon;         /**< added to the mean square before its root: from 0 to FLT_MAX (f64: DBL_MAX); 1e-5 is usual */
  const void *bias;       /**< what is added to x, one for each column */
  const void *residual;   /**< NULL: nothing is added; otherwise element (0, 0) of a matrix */
  const void *gamma;      /**< what is multiplied by last, one for each column */
  const void *beta;       /**< what is added last, one for each column: with SIMDROP_RMS_NORM, usually none is */
  uint64_t flags;         /**< reserved: must be 0 */
} simdrop_norm;

/** y = norm(h), of each row by itself, with
 *
 *      h = residual + (kept ? (x + bias) * s : +0)
 *      m = (sum of h) / columns  (RMS: +0),  q = (sum of (h - m)^2) / columns,  w = 1 / sqrt(q + epsilon)
 *      y = ((h - m) * w) * gamma + beta
 *
 *  without the additions and the product of what is NULL; h is what simdrop_chain_forward gives without an activation. It is
 *  rounded to dtype whether it is written or not, and everything after it is computed of that: m and w belong to the h that the
 *  backward call sees. The order of additions is fixed: column k to the sum of lane k % 32, lanes from +0 in the order of
 *  columns, and then lane i += lane i + d for d = 16, 8, 4, 2, 1. For a norm of x itself, p is 0.
 *  @param executor    cuts rows; NULL: the calling thread
 *  @param mask        which mask; its offset is the index of element (0, 0)
 *  @param dtype       type of all elements
 *  @param matrix      shape and strides; h lies as y (y_stride)
 *  @param norm        the parts
 *  @param x           element (0, 0) of the input
 *  @param h           NULL, or receives h, element (0, 0): the next residual, and what simdrop_norm_backward needs. May be x,
 *                     or the residual, with the same stride
 *  @param y           element (0, 0) of the output; may be x, or the residual, with the same stride, but not h. Each of h and
 *                     y may share no byte with another array, nor with another element of its own
 *  @param statistics  NULL, or receives m and w of each row, side by side, as float (f64: as double): 2 * rows numbers. They
 *                     may overlap nothing. Rows of no elements have none
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_PROBABILITY, ERROR_FLAGS, ERROR_DTYPE, ERROR_NORM, ERROR_SIZE_OVERFLOW,
 *          ERROR_INDEX_OVERFLOW or ERROR_OVERLAP
 *  @snippet fused.c simdrop_norm_forward */
SIMDROP_API simdrop_status simdrop_norm_forward(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                                const simdrop_matrix *matrix, const simdrop_norm *norm, const void *x, void *h,
                                                void *y, void *statistics);

/** The gradients of simdrop_norm_forward. With z = (h - m) * w, g = dy * gamma (without gamma: dy), and in each row
 *  a = (sum of g) / columns (RMS: +0), b = (sum of g * z) / columns:
 *
 *      dh = dh_added + ((g - a) - z * b) * w,  dx = kept ? dh * s : +0
 *
 *  dh is rounded to dtype, and dx computed of that, as simdrop_chain_backward does; dh is the gradient of the residual too.
 *  The gradients of gamma, beta and the bias are the sums of dy * z, of dy, and of dx before it is rounded, down the columns,
 *  in the order of simdrop_chain_backward. Sums along rows are made as those of the forward call.
 *  @param executor        cuts rows, and columns where these are summed: as much as three times, one after the other. NULL: the
 *                         calling thread, which goes through memory once
 *  @param mask            the mask given to simdrop_norm_forward
 *  @param dtype           type of all elements but the sums of columns
 *  @param matrix          that of the forward call: dx lies as x (x_stride); h, dy, dh and dh_added lie as y (y_stride)
 *  @param norm            that of the forward call; the bias, the residual, beta and epsilon play no part, though epsilon is
 *                         checked as there
 *  @param h               element (0, 0) of what the forward call wrote
 *  @param statistics      what the forward call wrote; with SIMDROP_RMS_NORM, m is taken to be +0
 *  @param dy              element (0, 0) of the gradient with respect to y
 *  @param dh_added        NULL, or element (0, 0) of a gradient with respect to h that comes another way: where h was the next
 *                         residual
 *  @param dh              NULL, or receives the gradient with respect to h and the residual, element (0, 0)
 *  @param dx              element (0, 0) of the gradient with respect to x. Each of dh and dx may be h, dy, or dh_added, with
 *                         the same stride, and works in place then. They may share no byte with another array or with each
 *                         other, nor with another element of their own
 *  @param gamma_gradient  NULL, or receives float (f64: double) sums of columns, whether there is a gamma or not; +0 where
 *                         there is nothing to sum. It may overlap nothing
 *  @param beta_gradient   the same for beta
 *  @param bias_gradient   the same for the bias
 *  @return as simdrop_norm_forward
 *  @snippet fused.c simdrop_norm_backward */
SIMDROP_API simdrop_status simdrop_norm_backward(const simdrop_executor *executor, const simdrop_mask *mask,
                                                 simdrop_dtype dtype, const simdrop_matrix *matrix, const simdrop_norm *norm,
                                                 const void *h, const void *statistics, const void *dy, const void *dh_added,
                                                 void *dh, void *dx, void *gamma_gradient, void *beta_gradient,
                                                 void *bias_gradient);

/** @} */

#ifdef __cplusplus
}
#endif

#endif

/** @file softmax.h
 *  Softmax with dropout: what attention does with its scores, in one pass over memory. docs/fused.md has the formulas,
 *  operation by operation, and what fused.h says of fused functions holds here too. Included by simdrop.h. */
#ifndef SIMDROP_SOFTMAX_H
#define SIMDROP_SOFTMAX_H

#include <simdrop/executor.h>
#include <simdrop/fused.h>
#include <simdrop/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Which scores take part, and how. All zeros but the scale is the plain softmax of rows, of which
 *  no probabilities are asked for; simdrop_softmax_plain is for both.
 *
 *  A score is masked if any mask says so: what it is, and what the mask adds to it, then plays no part, and its probability is
 *  +0. A row in which every score is masked, or -infinity, has probabilities of +0, not NaN. */
typedef struct simdrop_softmax {
  double scale; /**< what multiplies scores, rounded to float (f64: as it is), finite even then: 1 / sqrt(head size), or 1 */
  const void *additive;         /**< NULL, or element (0, 0) of what is added to scale * x */
  simdrop_dtype additive_type;  /**< of these elements: SIMDROP_F32, or the call's type. f64 takes f64 alone */
  ptrdiff_t additive_stride;    /**< from row to row, in elements; may be negative; 0 = one row for all */
  const uint8_t *allowed;       /**< NULL, or element (0, 0) of a byte for each score: 0 = masked, all others = takes part */
  ptrdiff_t allowed_stride;     /**< from row to row, in bytes; may be negative; 0 = one row for all */
  int causal;                   /**< 1: scores of columns c > r + diagonal are masked, and not even read; otherwise 0 */
  ptrdiff_t diagonal;           /**< 0 where the first row sees the first column alone; how many keys came before otherwise */
  ptrdiff_t probability_stride; /**< of the probabilities, from row to row, in elements */
  uint64_t flags;               /**< reserved: must be 0 */
} simdrop_softmax;

/** The softmax of rows without masks: additive and allowed are NULL, causal is 0, and probability_stride is `columns`.
 *  @param scale    what scores are multiplied by; finite, which the functions that take the result check
 *  @param columns  elements of a row
 *  @return all of it, whose masks may be set afterwards
 *  @snippet fused.c simdrop_softmax_plain */
SIMDROP_API simdrop_softmax simdrop_softmax_plain(double scale, size_t columns);

/** y = dropout(softmax(x * scale + additive)), row by row. With v = x * scale + additive, -infinity where masked:
 *
 *      m = the largest v of the row, or 0 if that is -infinity;  e = exp(v - m);  i = 1 / (sum of e), or +0 if that is +0
 *      P = e * i,  y = kept ? P * s : +0
 *
 *  with s as in simdrop_forward. The order of additions is fixed (docs/fused.md). A NaN that is not masked makes NaN of its
 *  row, also where `allowed` masks it, but not where causal is what does.
 *  @param executor       cuts rows; NULL: the calling thread
 *  @param mask           which mask of dropout; its offset is the index of element (0, 0)
 *  @param dtype          type of x, y and the probabilities
 *  @param matrix         shape, and strides of x and y; the residual's plays no part
 *  @param softmax        scale and masks
 *  @param x              element (0, 0) of the scores
 *  @param y              element (0, 0) of the output; may be x with the same stride, and works in place then. It may share no
 *                        byte with another array, nor with another element of these; nor may its rows lie between those of a
 *                        mask whose elements have another size
 *  @param probabilities  NULL, or receives P, rounded to dtype, for simdrop_softmax_backward; may be x with the same stride if
 *                        y is not
 *  @param statistics     NULL, or receives m and i of each row, side by side, as float (f64: as double): 2 * rows numbers, from
 *                        which and x simdrop_softmax_backward can do without the probabilities. Rows of no elements have none
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_PROBABILITY, ERROR_FLAGS, ERROR_DTYPE (also of the additive mask),
 *          ERROR_SIZE_OVERFLOW, ERROR_INDEX_OVERFLOW, ERROR_SHAPE (causal is neither 0 nor 1, or scale is not finite),
 *          ERROR_OVERLAP, or ERROR_NOT_BUILT: f64 where this library was built without functions of double
 *  @snippet fused.c simdrop_softmax_forward */
SIMDROP_API simdrop_status simdrop_softmax_forward(const simdrop_executor *executor, const simdrop_mask *mask,
                                                   simdrop_dtype dtype, const simdrop_matrix *matrix,
                                                   const simdrop_softmax *softmax, const void *x, void *y, void *probabilities,
                                                   void *statistics);

/** The gradient of simdrop_softmax_forward with respect to x; that with respect to the additive mask is dx / scale. With
 *
 *      g = kept ? dy * s : +0,  D = sum of the row's (P > 0 ? g * P : +0)
 *      dx = P > 0 ? (P * (g - D)) * scale : P
 *
 *  so that masked scores have gradients of +0 whatever dy is there, and causal ones are not read. P is that of the forward
 *  call: from the probabilities, or, if these are NULL, computed again from x and the statistics as the forward call computed
 *  it.
 *  @param executor       cuts rows; NULL: the calling thread
 *  @param mask           the mask given to simdrop_softmax_forward
 *  @param dtype          type of all elements
 *  @param matrix         that of the forward call: x and dx have the stride of x, dy has that of y
 *  @param softmax        that of the forward call; with the probabilities, the additive and the byte mask play no part
 *  @param probabilities  NULL, or what the forward call wrote
 *  @param x              element (0, 0) of the scores; plays no part if there are probabilities
 *  @param statistics     what the forward call wrote; plays no part if there are probabilities
 *  @param dy             element (0, 0) of the gradient with respect to y
 *  @param dx             element (0, 0) of the gradient with respect to x; may be dy, the probabilities or x with the same
 *                        stride, and works in place then. It may share no byte with another array, nor with another element of
 *                        these
 *  @return as simdrop_softmax_forward
 *  @snippet fused.c simdrop_softmax_backward */
SIMDROP_API simdrop_status simdrop_softmax_backward(const simdrop_executor *executor, const simdrop_mask *mask,
                                                    simdrop_dtype dtype, const simdrop_matrix *matrix,
                                                    const simdrop_softmax *softmax, const void *probabilities, const void *x,
                                                    const void *statistics, const void *dy, void *dx);

#ifdef __cplusplus
}
#endif

#endif

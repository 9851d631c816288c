/** @file variants.h
 *  Relatives of dropout that draw from the same generator: alpha dropout, and what docs/variants.md has besides. Every
 *  function takes an executor first; NULL means the calling thread. Included by simdrop.h. */
#ifndef SIMDROP_VARIANTS_H
#define SIMDROP_VARIANTS_H

#include <simdrop/executor.h>
#include <simdrop/layout.h>
#include <simdrop/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @name Alpha dropout
 *  For networks with SELU (Klambauer, Unterthiner, Mayr, Hochreiter, "Self-normalizing neural networks", NIPS 2017): dropped
 *  elements become -alpha' = -1.7580993408473766, what SELU tends to, and everything is then scaled and shifted so that
 *  inputs of mean 0 and variance 1 keep both. The elements that are dropped are those that simdrop_forward drops.
 *
 *  With p = T / 2^32, the probability that is really drawn:
 *      a = 1 / sqrt((alpha'^2 p + 1)(1 - p)),   b = alpha' a p,   y = kept ? x * a + b : b - alpha' a
 *  The product and the sum are rounded one after the other. A T of 0 copies the bits of x, p = 1 writes +0 everywhere (as
 *  PyTorch does, where the formulas have no limit). Feature alpha dropout is this with simdrop_layout_channels.
 *  @{ */

/** Apply alpha dropout.
 *  @param executor  threads, or NULL
 *  @param mask      which mask, as for simdrop_forward
 *  @param dtype     type of the elements of x and y: F32, F64, F16 or BF16
 *  @param n         number of elements
 *  @param x         n elements
 *  @param y         receives n elements; x == y works in place, any other overlap with x is an error
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_PROBABILITY, ERROR_FLAGS, ERROR_DTYPE, ERROR_INDEX_OVERFLOW,
 *          ERROR_SIZE_OVERFLOW or ERROR_OVERLAP
 *  @snippet variants.c simdrop_alpha_forward */
SIMDROP_API simdrop_status simdrop_alpha_forward(const simdrop_executor *executor, const simdrop_mask *mask,
                                                 simdrop_dtype dtype, size_t n, const void *x, void *y);

/** The gradient of simdrop_alpha_forward: dx[k] = kept ? dy[k] * a : +0.
 *  @param executor  threads, or NULL
 *  @param mask      the mask given to simdrop_alpha_forward
 *  @param dtype     type of the elements of dy and dx
 *  @param n         number of elements
 *  @param dy        n elements, the gradient with respect to the output
 *  @param dx        receives n elements; dy == dx works in place, any other overlap is an error
 *  @return as simdrop_alpha_forward
 *  @snippet variants.c simdrop_alpha_backward */
SIMDROP_API simdrop_status simdrop_alpha_backward(const simdrop_executor *executor, const simdrop_mask *mask,
                                                  simdrop_dtype dtype, size_t n, const void *dy, void *dx);

/** Apply alpha dropout to the elements of a layout.
 *  @param executor  threads, or NULL
 *  @param mask      which mask; its offset is the index of element (0, 0, ...)
 *  @param dtype     type of the elements of x and y: F32, F64, F16 or BF16
 *  @param layout    shape, strides and broadcasting, as for simdrop_forward_layout
 *  @param x         element (0, 0, ...) of the input
 *  @param y         element (0, 0, ...) of the output; may be x, as in simdrop_forward_layout
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_PROBABILITY, ERROR_DTYPE, ERROR_FLAGS, ERROR_RANK, ERROR_SIZE_OVERFLOW,
 *          ERROR_INDEX_OVERFLOW or ERROR_OVERLAP, for the same reasons as simdrop_forward_layout
 *  @snippet variants.c simdrop_alpha_forward_layout */
SIMDROP_API simdrop_status simdrop_alpha_forward_layout(const simdrop_executor *executor, const simdrop_mask *mask,
                                                        simdrop_dtype dtype, const simdrop_layout *layout, const void *x,
                                                        void *y);

/** The gradient of simdrop_alpha_forward_layout.
 *  @param executor  threads, or NULL
 *  @param mask      the mask given to simdrop_alpha_forward_layout
 *  @param dtype     type of the elements of dy and dx
 *  @param layout    the same shape and index strides as in the forward call; x_strides are those of dy, y_strides those of dx
 *  @param dy        element (0, 0, ...) of the gradient with respect to the output
 *  @param dx        element (0, 0, ...) of the gradient with respect to the input
 *  @return as simdrop_alpha_forward_layout
 *  @snippet variants.c simdrop_alpha_backward_layout */
SIMDROP_API simdrop_status simdrop_alpha_backward_layout(const simdrop_executor *executor, const simdrop_mask *mask,
                                                         simdrop_dtype dtype, const simdrop_layout *layout, const void *dy,
                                                         void *dx);

/** @} */
/** @name Numbers
 *  One float for each index of the mask, from words of the generator that no mask uses; docs/numerics.md defines them bit
 *  for bit. Of the mask, p is checked and not used.
 *  @{ */

/** Write normal numbers: mean 0, standard deviation 1, none beyond 6.67.
 *  @param executor  threads, or NULL
 *  @param mask      whose seed, stream and offset these are
 *  @param n         how many
 *  @param normals   receives n numbers
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_PROBABILITY, ERROR_FLAGS, ERROR_INDEX_OVERFLOW or ERROR_SIZE_OVERFLOW
 *  @snippet variants.c simdrop_normals */
SIMDROP_API simdrop_status simdrop_normals(const simdrop_executor *executor, const simdrop_mask *mask, size_t n,
                                           float *normals);

/** Write uniform numbers, from 2^-32 to 1.
 *  @param executor  threads, or NULL
 *  @param mask      whose seed, stream and offset these are
 *  @param n         how many
 *  @param uniforms  receives n numbers
 *  @return as simdrop_normals
 *  @snippet variants.c simdrop_uniforms */
SIMDROP_API simdrop_status simdrop_uniforms(const simdrop_executor *executor, const simdrop_mask *mask, size_t n,
                                            float *uniforms);

/** @} */
/** @name Gaussian dropout
 *  Multiplicative noise in place of decisions (Srivastava et al. 2014, section 10): y = x * (1 + sigma z), with z the index's
 *  number of simdrop_normals, whatever the type, and sigma = sqrt(T / (2^32 - T)), rounded to float but for F64: the noise has
 *  the mean and the variance of dropout's with the same p. It is its own gradient: give it dy and dx.
 *  @{ */

/** Apply Gaussian dropout.
 *  @param executor  threads, or NULL
 *  @param mask      its p is in [0, 1); a T of 0 copies the bits of x
 *  @param dtype     type of the elements of x and y: F32, F64, F16 or BF16
 *  @param n         number of elements
 *  @param x         n elements
 *  @param y         receives n elements; x == y works in place, any other overlap with x is an error
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_PROBABILITY (p = 1 as well), ERROR_FLAGS, ERROR_DTYPE,
 *          ERROR_INDEX_OVERFLOW, ERROR_SIZE_OVERFLOW or ERROR_OVERLAP
 *  @snippet variants.c simdrop_gaussian_forward */
SIMDROP_API simdrop_status simdrop_gaussian_forward(const simdrop_executor *executor, const simdrop_mask *mask,
                                                    simdrop_dtype dtype, size_t n, const void *x, void *y);

/** Apply Gaussian dropout to the elements of a layout. Elements that would share a decision share z.
 *  @param executor  threads, or NULL
 *  @param mask      its p is in [0, 1); its offset is the index of element (0, 0, ...)
 *  @param dtype     type of the elements of x and y: F32, F64, F16 or BF16
 *  @param layout    shape, strides and broadcasting, as for simdrop_forward_layout
 *  @param x         element (0, 0, ...) of the input
 *  @param y         element (0, 0, ...) of the output; may be x, as in simdrop_forward_layout
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_PROBABILITY (p = 1 as well), ERROR_DTYPE, ERROR_FLAGS, ERROR_RANK,
 *          ERROR_SIZE_OVERFLOW, ERROR_INDEX_OVERFLOW or ERROR_OVERLAP, for the same reasons as simdrop_forward_layout
 *  @snippet variants.c simdrop_gaussian_forward_layout */
SIMDROP_API simdrop_status simdrop_gaussian_forward_layout(const simdrop_executor *executor, const simdrop_mask *mask,
                                                           simdrop_dtype dtype, const simdrop_layout *layout, const void *x,
                                                           void *y);

/** @} */
/** @name Stored masks with a scale
 *  @{ */

/** simdrop_apply_bits with a scale of the caller's: y[k] = bit k of bits ? x[k] * scale : +0.
 *  @param executor  threads, or NULL
 *  @param scale     from 0 to FLT_MAX; rounded to float but for F64; -0 is taken for 0
 *  @param dtype     type of the elements of x and y
 *  @param n         number of elements
 *  @param bits      (n + 7) / 8 bytes, packed as simdrop_mask_bits writes them
 *  @param x         n elements
 *  @param y         receives n elements; may be x; may not overlap bits
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_SHAPE (the scale), ERROR_DTYPE, ERROR_SIZE_OVERFLOW or ERROR_OVERLAP
 *  @snippet variants.c simdrop_apply_bits_scaled */
SIMDROP_API simdrop_status simdrop_apply_bits_scaled(const simdrop_executor *executor, double scale, simdrop_dtype dtype,
                                                     size_t n, const uint8_t *bits, const void *x, void *y);

/** The same for a layout, as simdrop_apply_bits_layout.
 *  @param executor  threads, or NULL
 *  @param scale     from 0 to FLT_MAX; rounded to float but for F64; -0 is taken for 0
 *  @param dtype     type of the elements of x and y
 *  @param layout    shape and strides; bits follow its axes as they are given
 *  @param bits      as many bits as there are elements, packed
 *  @param x         element (0, 0, ...) of the input
 *  @param y         element (0, 0, ...) of the output; may be x, with equal strides
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_SHAPE (the scale), ERROR_DTYPE, ERROR_FLAGS, ERROR_RANK,
 *          ERROR_SIZE_OVERFLOW, ERROR_INDEX_OVERFLOW or ERROR_OVERLAP, for the same reasons as simdrop_apply_bits_layout
 *  @snippet variants.c simdrop_apply_bits_scaled_layout */
SIMDROP_API simdrop_status simdrop_apply_bits_scaled_layout(const simdrop_executor *executor, double scale, simdrop_dtype dtype,
                                                            const simdrop_layout *layout, const uint8_t *bits, const void *x,
                                                            void *y);

/** @} */
/** @name DropBlock
 *  Ghiasi, Lin, Le, "DropBlock: a regularization method for convolutional networks", NeurIPS 2018: blocks of height x width
 *  images are dropped, each with its upper left corner at a place where a mask of (height - block_height + 1) x (width -
 *  block_width + 1) places an image drops an element; images one after the other. What is kept is scaled by the share that
 *  really was: elements / kept, with simdrop_apply_bits_scaled.
 *  @{ */

/** The probability of a block's beginning that drops about p of all elements: p H W / (b_h b_w (H - b_h + 1)(W - b_w + 1)),
 *  at most 1.
 *  @param p             share of elements to be dropped, in [0, 1]
 *  @param height        of an image
 *  @param width         of an image
 *  @param block_height  from 1 to height
 *  @param block_width   from 1 to width
 *  @param gamma         receives the p of the mask to be given to simdrop_dropblock_bits
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_PROBABILITY or ERROR_SHAPE (a block that does not fit)
 *  @snippet variants.c simdrop_dropblock_gamma */
SIMDROP_API simdrop_status simdrop_dropblock_gamma(double p, size_t height, size_t width, size_t block_height,
                                                   size_t block_width, double *gamma);

/** Write the mask packed, an image after the other, row-major, as simdrop_mask_bits does; and count what is kept.
 *  @param executor      threads, or NULL
 *  @param mask          decides where blocks begin; its p is the gamma above; may lie in memory that the call overwrites
 *  @param images        how many: those of all samples and channels, or of the samples where channels share their mask
 *  @param height        of an image
 *  @param width         of an image
 *  @param block_height  from 1 to height
 *  @param block_width   from 1 to width
 *  @param bits          receives (images * height * width + 7) / 8 bytes; may be NULL only if images = 0
 *  @param kept          receives how many elements are kept; may not lie in bits
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_PROBABILITY, ERROR_FLAGS, ERROR_SHAPE (a block that does not fit),
 *          ERROR_SIZE_OVERFLOW, ERROR_INDEX_OVERFLOW or ERROR_OVERLAP
 *  @snippet variants.c simdrop_dropblock_bits */
SIMDROP_API simdrop_status simdrop_dropblock_bits(const simdrop_executor *executor, const simdrop_mask *mask, size_t images,
                                                  size_t height, size_t width, size_t block_height, size_t block_width,
                                                  uint8_t *bits, uint64_t *kept);

/** @} */
/** @name Mean and variance over passes
 *  What many passes with dropout left on give for one input (Gal, Ghahramani, "Dropout as a Bayesian approximation", ICML
 *  2016), by one pass over each output, in Welford's way: d = x - mean, mean += d * (1 / passes), squares += d * (x - mean).
 *  Means and squares are double for F64 and float for the others.
 *  @{ */

/** Take in the output of one more pass.
 *  @param executor  threads, or NULL
 *  @param dtype     type of the elements of x: F32, F64, F16 or BF16
 *  @param passes    which pass this is, from 1 on; the first one begins: what was in mean and squares counts for nothing
 *  @param n         number of elements
 *  @param x         n elements
 *  @param mean      n means; may overlap neither x nor squares
 *  @param squares   n sums of squared distances from the mean; may not overlap x
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_DTYPE, ERROR_SHAPE (passes = 0), ERROR_SIZE_OVERFLOW or ERROR_OVERLAP
 *  @snippet variants.c simdrop_moments_update */
SIMDROP_API simdrop_status simdrop_moments_update(const simdrop_executor *executor, simdrop_dtype dtype, uint64_t passes,
                                                  size_t n, const void *x, void *mean, void *squares);

/** The variances: squares / (passes - 1).
 *  @param executor  threads, or NULL
 *  @param dtype     type of the elements that were taken in
 *  @param passes    how many there were, at least 2
 *  @param n         number of elements
 *  @param squares   from simdrop_moments_update
 *  @param variance  receives n variances; may be squares, any other overlap is an error
 *  @return as simdrop_moments_update
 *  @snippet variants.c simdrop_moments_finish */
SIMDROP_API simdrop_status simdrop_moments_finish(const simdrop_executor *executor, simdrop_dtype dtype, uint64_t passes,
                                                  size_t n, const void *squares, void *variance);

/** @} */
/** @name Concrete dropout
 *  Gal, Hron, Kendall, "Concrete dropout", NIPS 2017: dropout by a share between 0 and 1 that depends smoothly on p, so that p
 *  can be learned. With u the index's number of simdrop_uniforms,
 *      keep = sigmoid(-(logit(p) + ln u - ln(1 - u)) / temperature),   y = x * (keep / (1 - p))
 *  docs/numerics.md says it operation by operation. Keep is the same float for every type. Of the mask, p is taken as it is.
 *  @{ */

/** Apply concrete dropout.
 *  @param executor     threads, or NULL
 *  @param mask         its p is from 2^-32 to 1 - 2^-32
 *  @param temperature  from 2^-20 to 2^20; 0.1 is usual
 *  @param dtype        type of the elements of x and y: F32, F64, F16 or BF16
 *  @param n            number of elements
 *  @param x            n elements
 *  @param y            receives n elements; x == y works in place, any other overlap with x is an error
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_PROBABILITY, ERROR_FLAGS, ERROR_SHAPE (the temperature), ERROR_DTYPE,
 *          ERROR_INDEX_OVERFLOW, ERROR_SIZE_OVERFLOW or ERROR_OVERLAP
 *  @snippet variants.c simdrop_concrete_forward */
SIMDROP_API simdrop_status simdrop_concrete_forward(const simdrop_executor *executor, const simdrop_mask *mask,
                                                    double temperature, simdrop_dtype dtype, size_t n, const void *x, void *y);

/** The gradients of simdrop_concrete_forward: dx = dy * (keep / (1 - p)), and by p the sum of
 *  dy * x * keep / (1 - p)^2 * (1 - (1 - keep) / (temperature * p)), in an order that depends on n alone.
 *  @param executor     threads, or NULL
 *  @param mask         the mask given to simdrop_concrete_forward
 *  @param temperature  likewise
 *  @param dtype        type of the elements of x, dy and dx
 *  @param n            number of elements
 *  @param x            n elements, the input
 *  @param dy           n elements, the gradient with respect to the output
 *  @param dx           receives n elements; may be dy or x, any other overlap is an error
 *  @param p_gradient   receives the gradient with respect to p; may overlap none of the arrays
 *  @return as simdrop_concrete_forward
 *  @snippet variants.c simdrop_concrete_backward */
SIMDROP_API simdrop_status simdrop_concrete_backward(const simdrop_executor *executor, const simdrop_mask *mask,
                                                     double temperature, simdrop_dtype dtype, size_t n, const void *x,
                                                     const void *dy, void *dx, double *p_gradient);

/** Concrete dropout of a layout's elements, each with the number of its index: elements that share an index share what is kept.
 *  @param executor     threads, or NULL
 *  @param mask         its p is from 2^-32 to 1 - 2^-32
 *  @param temperature  from 2^-20 to 2^20; 0.1 is usual
 *  @param dtype        type of the elements of x and y: F32, F64, F16 or BF16
 *  @param layout       shape and strides
 *  @param x            element (0, 0, ...) of the input
 *  @param y            element (0, 0, ...) of the output; may be x, with equal strides
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_PROBABILITY, ERROR_FLAGS, ERROR_SHAPE (the temperature), ERROR_DTYPE,
 *          ERROR_RANK, ERROR_SIZE_OVERFLOW, ERROR_INDEX_OVERFLOW or ERROR_OVERLAP, for the same reasons as
 *          simdrop_forward_layout
 *  @snippet variants.c simdrop_concrete_forward_layout */
SIMDROP_API simdrop_status simdrop_concrete_forward_layout(const simdrop_executor *executor, const simdrop_mask *mask,
                                                           double temperature, simdrop_dtype dtype,
                                                           const simdrop_layout *layout, const void *x, void *y);

/** The gradients of simdrop_concrete_forward_layout. That by p is a sum over all elements, shared index or not, in row-major
 *  order of the layout's axes, whatever the strides are: of so many elements that simdrop_concrete_backward would be given.
 *  @param executor     threads, or NULL
 *  @param mask         the mask given to simdrop_concrete_forward_layout
 *  @param temperature  likewise
 *  @param dtype        type of the elements of x, dy and dx
 *  @param layout       that of the forward call: x and dx lie as its x, dy as its y
 *  @param x            element (0, 0, ...) of the input
 *  @param dy           element (0, 0, ...) of the gradient with respect to the output
 *  @param dx           receives the gradient with respect to x, element (0, 0, ...), of which no two may meet; may be x, or dy
 *                      with equal strides
 *  @param p_gradient   receives the gradient with respect to p; may overlap none of the arrays
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_PROBABILITY, ERROR_FLAGS, ERROR_SHAPE (the temperature), ERROR_DTYPE,
 *          ERROR_RANK, ERROR_SIZE_OVERFLOW, ERROR_INDEX_OVERFLOW or ERROR_OVERLAP
 *  @snippet variants.c simdrop_concrete_backward_layout */
SIMDROP_API simdrop_status simdrop_concrete_backward_layout(const simdrop_executor *executor, const simdrop_mask *mask,
                                                            double temperature, simdrop_dtype dtype,
                                                            const simdrop_layout *layout, const void *x, const void *dy,
                                                            void *dx, double *p_gradient);

/** @} */
/** @name DropConnect
 *  @{ */

/** Multiply a vector by a matrix of which weights are dropped (Wan, Zeiler, Zhang, LeCun, Fergus, "Regularization of neural
 *  networks using DropConnect", ICML 2013): y[r] = the sum over c of (kept ? (w[r][c] * s) * x[c] : +0). The mask, of which
 *  weight (r, c) has the index offset + r * columns + c, is stored nowhere. Sums are float, or double for F64: column c is
 *  added to lane c mod 32, in order, and then lane i takes lane i + h for h = 16, 8, 4, 2, 1.
 *  @param executor  threads, or NULL; they share out the rows
 *  @param mask      which mask, as for simdrop_forward
 *  @param dtype     type of the elements of w, x and y: F32, F64, F16 or BF16
 *  @param rows      of w, and elements of y
 *  @param columns   of w, and elements of x
 *  @param w         the weights, row by row
 *  @param w_stride  elements from one row to the next, at least columns
 *  @param x         columns elements
 *  @param y         receives rows elements; may overlap neither w nor x
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_PROBABILITY, ERROR_FLAGS, ERROR_SHAPE (w_stride), ERROR_DTYPE,
 *          ERROR_INDEX_OVERFLOW, ERROR_SIZE_OVERFLOW or ERROR_OVERLAP
 *  @snippet variants.c simdrop_dropconnect */
SIMDROP_API simdrop_status simdrop_dropconnect(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                               size_t rows, size_t columns, const void *w, size_t w_stride, const void *x,
                                               void *y);

/** The gradients of simdrop_dropconnect, of which the mask is drawn again:
 *
 *      dw[r][c] = dw_added[r][c] + (kept ? (dy[r] * s) * x[c] : +0)
 *      dx[c] = the sum over r of (kept ? (w[r][c] * s) * dy[r] : +0)
 *
 *  Without dw_added, nothing is added. Sums are float, or double for F64, and rounded once: rows in groups of 64, each group
 *  from +0 in the order of rows, and the groups' sums from +0 in their order. Samples of a batch, each with a mask of its own,
 *  are a call each: the next one's dw_added is dw.
 *  @param executor  threads, or NULL; they share out the columns, or where there is no dx, the rows
 *  @param mask      the mask given to simdrop_dropconnect
 *  @param dtype     type of all elements: F32, F64, F16 or BF16
 *  @param rows      of w, and elements of dy
 *  @param columns   of w, and elements of x and dx
 *  @param w         the weights, row by row; may be NULL where there is no dx
 *  @param w_stride  elements from one row to the next, at least columns: of w, dw and dw_added
 *  @param x         columns elements, the input; may be NULL where there is no dw
 *  @param dy        rows elements, the gradient with respect to the output
 *  @param dw_added  NULL, or a gradient with respect to the weights that comes another way
 *  @param dw        NULL, or receives the gradient with respect to the weights; may be dw_added, and works in place then
 *  @param dx        NULL, or receives the gradient with respect to x: columns elements. One of dw and dx may be NULL. They may
 *                   overlap nothing else, nor each other; what lies between the rows of dw stays as it is
 *  @return SIMDROP_OK, ERROR_NULL_POINTER (neither dw nor dx as well), ERROR_PROBABILITY, ERROR_FLAGS, ERROR_SHAPE (w_stride),
 *          ERROR_DTYPE, ERROR_INDEX_OVERFLOW, ERROR_SIZE_OVERFLOW or ERROR_OVERLAP
 *  @snippet variants.c simdrop_dropconnect_backward */
SIMDROP_API simdrop_status simdrop_dropconnect_backward(const simdrop_executor *executor, const simdrop_mask *mask,
                                                        simdrop_dtype dtype, size_t rows, size_t columns, const void *w,
                                                        size_t w_stride, const void *x, const void *dy, const void *dw_added,
                                                        void *dw, void *dx);

/** @} */

#ifdef __cplusplus
}
#endif

#endif

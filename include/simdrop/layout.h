/** @file layout.h
 *  Dropout of tensors of any shape, strides and broadcasting: one descriptor, the functions that take it, and functions
 *  that fill it in for the shapes that people use. docs/layouts.md draws each of them. Included by simdrop.h. */
#ifndef SIMDROP_LAYOUT_H
#define SIMDROP_LAYOUT_H

#include <simdrop/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The most axes that a layout can have. */
#define SIMDROP_MAX_RANK 8

/** Where the elements of a tensor lie, and which element of the mask decides each of them.
 *
 *  Element (i0, i1, ...) with 0 <= i_a < dims[a] is x[sum of i_a * x_strides[a]], goes to y[sum of i_a * y_strides[a]], and
 *  is decided by element offset + (sum of i_a * index_strides[a]) of the mask: the same bit that simdrop_forward gives the
 *  element with that index. An index stride of 0 shares a decision along its axis.
 *
 *  Strides count elements, not bytes. Those of x may be anything, negative and 0 too; the pointer is that of element
 *  (0, 0, ...). Those of y must keep all elements of y apart. A layout of rank 0 is one element; one with an extent of 0 has
 *  no elements, and a call with it touches nothing. */
typedef struct simdrop_layout {
  int rank;                                 /**< number of axes, 0 .. SIMDROP_MAX_RANK */
  size_t dims[SIMDROP_MAX_RANK];            /**< extent of each axis */
  ptrdiff_t x_strides[SIMDROP_MAX_RANK];    /**< elements of x from one place of the axis to the next */
  ptrdiff_t y_strides[SIMDROP_MAX_RANK];    /**< the same for y */
  uint64_t index_strides[SIMDROP_MAX_RANK]; /**< how far the mask's index moves along each axis; 0 = shared along it */
  uint64_t flags;                           /**< reserved: must be 0 */
} simdrop_layout;

/** @name Dropout of a layout
 *  @{ */

/** Apply dropout: y[...] = kept ? x[...] * s : +0 for every element of the layout, as simdrop_forward does.
 *
 *  The result does not depend on the order in which the axes are given.
 *  @param mask    which mask; its offset is the index of element (0, 0, ...)
 *  @param dtype   type of the elements of x and y
 *  @param layout  shape, strides and broadcasting; may lie in memory that the call overwrites, as the mask may
 *  @param x       element (0, 0, ...) of the input
 *  @param y       element (0, 0, ...) of the output; x == y with equal strides works in place; otherwise no element of y may
 *                 share a byte with one of x (but the two may interleave: columns of one matrix, for example)
 *  @return SIMDROP_OK, or
 *          ERROR_NULL_POINTER, ERROR_PROBABILITY, ERROR_DTYPE, ERROR_FLAGS;
 *          ERROR_RANK: layout->rank is not in 0 .. SIMDROP_MAX_RANK;
 *          ERROR_SIZE_OVERFLOW: the elements are more, or lie further apart, than PTRDIFF_MAX bytes;
 *          ERROR_INDEX_OVERFLOW: the largest index passes 2^64 - 1;
 *          ERROR_OVERLAP: elements of y share bytes with one another or with x, or the strides are so involved that this
 *          could not be ruled out in a short time (no stride pattern made by slicing and permuting is)
 *  @snippet layouts.c simdrop_forward_layout */
SIMDROP_API simdrop_status simdrop_forward_layout(const simdrop_mask *mask, simdrop_dtype dtype, const simdrop_layout *layout,
                                                  const void *x, void *y);

/** Apply dropout as simdrop_forward_layout does, and write the mask of every element in packed bits. The mask is drawn once if
 *  y follows the axes without gaps, that is row-major, wherever x lies; otherwise twice, and on an executor the pieces of y
 *  then come before those of the bits.
 *  @param mask    which mask; its offset is the index of element (0, 0, ...)
 *  @param dtype   type of the elements of x and y
 *  @param layout  shape, strides and broadcasting; may lie in memory that the call overwrites, as the mask may
 *  @param x       element (0, 0, ...) of the input
 *  @param y       element (0, 0, ...) of the output; may be x, as in simdrop_forward_layout
 *  @param bits    NULL, or receives ceil(count / 8) bytes, as from simdrop_mask_layout_bits: in the order of the axes as they
 *                 are given; they must share no byte with an element of x or y (ERROR_OVERLAP, also if that could not be ruled
 *                 out)
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_PROBABILITY, ERROR_DTYPE, ERROR_FLAGS, ERROR_RANK, ERROR_SIZE_OVERFLOW,
 *          ERROR_INDEX_OVERFLOW or ERROR_OVERLAP, for the same reasons as simdrop_forward_layout
 *  @snippet layouts.c simdrop_forward_layout_bits */
SIMDROP_API simdrop_status simdrop_forward_layout_bits(const simdrop_mask *mask, simdrop_dtype dtype,
                                                       const simdrop_layout *layout, const void *x, void *y, uint8_t *bits);

/** Apply dropout as simdrop_forward_layout does, and write the mask of every element as one byte each. The mask is drawn as
 *  often as by simdrop_forward_layout_bits: a tensor whose axes are given in the order of y's memory has it drawn once.
 *  @param mask    which mask; its offset is the index of element (0, 0, ...)
 *  @param dtype   type of the elements of x and y
 *  @param layout  shape, strides and broadcasting; may lie in memory that the call overwrites, as the mask may
 *  @param x       element (0, 0, ...) of the input
 *  @param y       element (0, 0, ...) of the output; may be x, as in simdrop_forward_layout
 *  @param bytes   receives a byte for each element, as from simdrop_mask_layout_bytes: in the order of the axes as they are
 *                 given; may be NULL only if there are no elements; they must share no byte with an element of x or y
 *                 (ERROR_OVERLAP, also if that could not be ruled out)
 *  @return as simdrop_forward_layout_bits
 *  @snippet layouts.c simdrop_forward_layout_bytes */
SIMDROP_API simdrop_status simdrop_forward_layout_bytes(const simdrop_mask *mask, simdrop_dtype dtype,
                                                        const simdrop_layout *layout, const void *x, void *y, uint8_t *bytes);

/** The gradient of simdrop_forward_layout: dx[...] = kept ? dy[...] * s : +0, with the mask drawn again.
 *  @param mask    the mask given to simdrop_forward_layout
 *  @param dtype   type of the elements of dy and dx
 *  @param layout  the same shape and index strides as in the forward call; x_strides are those of dy, y_strides those of dx
 *  @param dy      element (0, 0, ...) of the gradient with respect to the output
 *  @param dx      element (0, 0, ...) of the gradient with respect to the input
 *  @return as simdrop_forward_layout
 *  @snippet layouts.c simdrop_backward_layout */
SIMDROP_API simdrop_status simdrop_backward_layout(const simdrop_mask *mask, simdrop_dtype dtype, const simdrop_layout *layout,
                                                   const void *dy, void *dx);

/** Apply stored decisions: y[...] = bit ? x[...] * s : +0 for every element of the layout, as simdrop_apply_bits does; forward
 *  and backward alike (dy in the place of x, dx in that of y). p = 0 copies the kept elements' bits, p = 1 writes +0
 *  everywhere; unused bits of the last byte are ignored.
 *  @param p       the probability that the mask was made with, for the scale
 *  @param dtype   type of the elements of x and y
 *  @param layout  shape and strides; each element has a bit of its own, so that the index strides play no part
 *  @param bits    ceil(count / 8) bytes, one bit for each element in row-major order of the layout's axes, as
 *                 simdrop_mask_layout_bits and simdrop_forward_layout_bits write them: the axes must be in the same order; the
 *                 bits must share no byte with an element of y, otherwise ERROR_OVERLAP, but may with x
 *  @param x       element (0, 0, ...) of the input
 *  @param y       element (0, 0, ...) of the output; may be x, as in simdrop_forward_layout
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_PROBABILITY, ERROR_DTYPE, ERROR_FLAGS (of the layout), ERROR_RANK,
 *          ERROR_SIZE_OVERFLOW, ERROR_INDEX_OVERFLOW (of the layout, which is checked whole) or ERROR_OVERLAP
 *  @snippet layouts.c simdrop_apply_bits_layout */
SIMDROP_API simdrop_status simdrop_apply_bits_layout(double p, simdrop_dtype dtype, const simdrop_layout *layout,
                                                     const uint8_t *bits, const void *x, void *y);

/** Write the mask of every element, one bit each, 1 = kept, in row-major order of the layout's axes: element k of that order
 *  has bit k % 8 of byte k / 8, and the unused bits of the last byte are 0. The strides of x and y play no part.
 *  @param mask    which mask; its offset is the index of element (0, 0, ...)
 *  @param layout  shape and broadcasting; may lie in memory that the call overwrites, as the mask may
 *  @param bits    receives ceil(count / 8) bytes; may be NULL only if that is 0
 *  @return as simdrop_mask_layout_bytes
 *  @snippet layouts.c simdrop_mask_layout_bits */
SIMDROP_API simdrop_status simdrop_mask_layout_bits(const simdrop_mask *mask, const simdrop_layout *layout, uint8_t *bits);

/** Write the mask of every element, one byte each, 1 = kept, 0 = dropped, in row-major order of the layout's axes (the last
 *  axis varies fastest); the strides of x and y play no part.
 *  @param mask    which mask; its offset is the index of element (0, 0, ...)
 *  @param layout  shape and broadcasting
 *  @param bytes   receives as many bytes as the layout has elements; may be NULL only if that is 0
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_PROBABILITY, ERROR_FLAGS, ERROR_RANK, ERROR_SIZE_OVERFLOW or
 *          ERROR_INDEX_OVERFLOW
 *  @snippet layouts.c simdrop_mask_layout_bytes */
SIMDROP_API simdrop_status simdrop_mask_layout_bytes(const simdrop_mask *mask, const simdrop_layout *layout, uint8_t *bytes);

/** @} */
/** @name Layouts that people use
 *  Each fills in *layout for a row-major, contiguous tensor (x and y alike); set x_strides and y_strides afterwards for one
 *  that lies otherwise. On an error *layout is left as it was. ERROR_SIZE_OVERFLOW: the elements are more than PTRDIFF_MAX.
 *  @{ */

/** One decision for each element.
 *  @param rank    number of axes, 0 .. SIMDROP_MAX_RANK, otherwise ERROR_RANK
 *  @param dims    their extents; may be NULL if rank = 0
 *  @param layout  receives the layout
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_RANK or ERROR_SIZE_OVERFLOW
 *  @snippet layouts.c simdrop_layout_dense */
SIMDROP_API simdrop_status simdrop_layout_dense(int rank, const size_t *dims, simdrop_layout *layout);

/** Any number of axes with any strides, as arrays of NumPy and tensors of PyTorch have them. Axes of extent 1 are dropped,
 *  and neighbours are merged that are one longer axis in x, in y and in the mask: where each stride of the first is that of
 *  the second times its extent. The layout gives every element what the given axes give it, and has the elements, and so
 *  packed bits and bytes, in the same order. Strides that play no part in a call (those of the index for
 *  simdrop_apply_bits_layout) may be 0 everywhere.
 *  @param rank           number of axes: as many as there are; ERROR_RANK if it is below 0, or if more than SIMDROP_MAX_RANK
 *                        remain
 *  @param dims           extent of each axis; may be NULL if rank = 0, as the strides may
 *  @param x_strides      of each axis, as in simdrop_layout
 *  @param y_strides      the same
 *  @param index_strides  the same
 *  @param layout         receives the layout
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_RANK or ERROR_SIZE_OVERFLOW
 *  @snippet layouts.c simdrop_layout_strided */
SIMDROP_API simdrop_status simdrop_layout_strided(int rank, const size_t *dims, const ptrdiff_t *x_strides,
                                                  const ptrdiff_t *y_strides, const uint64_t *index_strides,
                                                  simdrop_layout *layout);

/** One decision for each element of a smaller mask that is broadcast to the tensor: the noise_shape of Keras and TensorFlow.
 *  (Flax's broadcast_dims and MXNet's axes name the axes on which mask_dims is 1.) The mask's indices are row-major.
 *  @param rank       number of axes, 0 .. SIMDROP_MAX_RANK, otherwise ERROR_RANK
 *  @param dims       the tensor's extents; may be NULL if rank = 0, as mask_dims may
 *  @param mask_dims  the mask's: each is 1 or the tensor's, otherwise ERROR_SHAPE
 *  @param layout     receives the layout
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_RANK, ERROR_SIZE_OVERFLOW or ERROR_SHAPE
 *  @snippet layouts.c simdrop_layout_broadcast */
SIMDROP_API simdrop_status simdrop_layout_broadcast(int rank, const size_t *dims, const size_t *mask_dims,
                                                    simdrop_layout *layout);

/** Where the channels are in memory. */
typedef enum simdrop_channel_order {
  SIMDROP_CHANNELS_FIRST = 0, /**< (N, C, L), (N, C, H, W), (N, C, D, H, W) */
  SIMDROP_CHANNELS_LAST = 1   /**< (N, L, C), (N, H, W, C), (N, D, H, W, C) */
} simdrop_channel_order;

/** One decision for each channel of each sample: PyTorch's Dropout1d, Dropout2d, Dropout3d (Tompson et al., "Efficient object
 *  localization using convolutional networks", CVPR 2015). Channel c of sample n has index n * C + c in both orders, so that
 *  a tensor gets the same dropout in either memory format.
 *  @param order         where the channels are; ERROR_SHAPE if it is neither of the two
 *  @param spatial_rank  axes that share the decision: 1, 2 or 3
 *  @param rank          spatial_rank + 2, or spatial_rank + 1 for one sample without a batch axis; otherwise ERROR_RANK
 *  @param dims          the extents, in the order of memory
 *  @param layout        receives the layout
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_SHAPE, ERROR_RANK or ERROR_SIZE_OVERFLOW
 *  @snippet layouts.c simdrop_layout_channels */
SIMDROP_API simdrop_status simdrop_layout_channels(simdrop_channel_order order, int spatial_rank, int rank, const size_t *dims,
                                                   simdrop_layout *layout);

/** Which of the two first axes of a sequence batch is time. */
typedef enum simdrop_time_order {
  SIMDROP_BATCH_FIRST = 0, /**< (batch, time, features) */
  SIMDROP_TIME_FIRST = 1   /**< (time, batch, features) */
} simdrop_time_order;

/** One decision for each feature of each sequence, shared by all its time steps: variational dropout for recurrent networks
 *  (Gal and Ghahramani, "A theoretically grounded application of dropout in recurrent neural networks", NIPS 2016). Feature f
 *  of sequence b has index b * features + f in both orders.
 *  @param order     which axis is time; ERROR_SHAPE if it is neither of the two
 *  @param batch     number of sequences
 *  @param time      number of time steps
 *  @param features  number of features
 *  @param layout    receives the layout
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_SHAPE or ERROR_SIZE_OVERFLOW
 *  @snippet layouts.c simdrop_layout_time_shared */
SIMDROP_API simdrop_status simdrop_layout_time_shared(simdrop_time_order order, size_t batch, size_t time, size_t features,
                                                      simdrop_layout *layout);

/** One decision for each sample, that is for each place of the first axis: drop-path, or stochastic depth (Huang et al., "Deep
 *  networks with stochastic depth", ECCV 2016).
 *  @param rank    number of axes, 1 .. SIMDROP_MAX_RANK, otherwise ERROR_RANK
 *  @param dims    their extents
 *  @param layout  receives the layout
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_RANK or ERROR_SIZE_OVERFLOW
 *  @snippet layouts.c simdrop_layout_drop_path */
SIMDROP_API simdrop_status simdrop_layout_drop_path(int rank, const size_t *dims, simdrop_layout *layout);

/** One decision for each row of a matrix: whole words of an embedding table (Merity et al., "Regularizing and optimizing LSTM
 *  language models", ICLR 2018).
 *  @param rows     number of rows
 *  @param columns  number of columns
 *  @param layout   receives the layout
 *  @return SIMDROP_OK, ERROR_NULL_POINTER or ERROR_SIZE_OVERFLOW
 *  @snippet layouts.c simdrop_layout_rows */
SIMDROP_API simdrop_status simdrop_layout_rows(size_t rows, size_t columns, simdrop_layout *layout);

/** The tile [row_begin, row_end) x [column_begin, column_end) of each of a batch of larger matrices, with one decision for
 *  each element: every tile gets the decisions that its elements have in the whole. It is one rank's shard, or one block of
 *  attention weights. Element (b..., r, c) of the whole has the row-major index, over batch_dims, rows, columns.
 *  @param batch_rank    number of axes before the matrix, 0 .. SIMDROP_MAX_RANK - 2, otherwise ERROR_RANK
 *  @param batch_dims    their extents: heads, samples; all of them belong to the tile; may be NULL if batch_rank = 0
 *  @param rows          of the whole matrix
 *  @param columns       of the whole matrix
 *  @param row_begin     the tile's first row
 *  @param row_end       the row after its last; begin <= end <= rows, otherwise ERROR_SHAPE
 *  @param column_begin  the tile's first column
 *  @param column_end    the column after its last; begin <= end <= columns, otherwise ERROR_SHAPE
 *  @param layout        receives the tile's layout, contiguous in x and y
 *  @param first_index   receives the index of the tile's first element, to be added to the mask's offset
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_RANK, ERROR_SHAPE, ERROR_SIZE_OVERFLOW, or
 *          ERROR_INDEX_OVERFLOW: the whole has more than 2^64 - 1 elements
 *  @snippet layouts.c simdrop_layout_tile */
SIMDROP_API simdrop_status simdrop_layout_tile(int batch_rank, const size_t *batch_dims, uint64_t rows, uint64_t columns,
                                               uint64_t row_begin, uint64_t row_end, uint64_t column_begin, uint64_t column_end,
                                               simdrop_layout *layout, uint64_t *first_index);

/** @} */

#ifdef __cplusplus
}
#endif

#endif

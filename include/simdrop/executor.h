/** @file executor.h
 *  Dropout on many threads. The library starts none: it cuts a call into pieces and hands them to an executor, which is
 *  the caller's own thread pool behind one function, or the one for OpenMP in simdrop/openmp.h. Cutting changes no bit of
 *  any result. Included by simdrop.h. */
#ifndef SIMDROP_EXECUTOR_H
#define SIMDROP_EXECUTOR_H

#include <simdrop/layout.h>
#include <simdrop/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One piece of work.
 *  @param task_context  what came with the task
 *  @param piece         which one, from 0 on */
typedef void simdrop_task(void *task_context, size_t piece);

/** Runs task(task_context, piece) once for every piece in 0 .. count - 1, on any threads and in any order, and returns when all
 *  have ended.
 *  @param context       the executor's
 *  @param count         how many pieces
 *  @param task          what to run
 *  @param task_context  what to hand to it */
typedef void simdrop_parallel_for(void *context, size_t count, simdrop_task *task, void *task_context);

/** A thread pool as the library sees it. */
typedef struct simdrop_executor {
  simdrop_parallel_for *parallel_for; /**< NULL: everything runs on the calling thread */
  void *context;                      /**< handed to parallel_for */
  size_t threads;                     /**< the most pieces that a call is cut into; 0 and 1: none is cut */
} simdrop_executor;

/** @name Cut into pieces
 *  For those who schedule pieces themselves: the cuts that the functions below make, but for packed bits of layouts.
 *  @{ */

/** The elements begin .. end - 1 that piece number `piece` of `pieces` has of a call on n elements. Pieces follow one another,
 *  have nearly equal sizes, and begin at multiples of 4096 elements; some may be empty. The call for a piece adds begin to x,
 *  y and the mask's offset, and begin / 8 to bits.
 *  @param n       number of elements
 *  @param pieces  how many, at least 1
 *  @param piece   which one, from 0 on
 *  @param begin   receives its first element
 *  @param end     receives the element after its last
 *  @return SIMDROP_OK, ERROR_NULL_POINTER or ERROR_SHAPE (piece >= pieces)
 *  @snippet executors.c simdrop_cut */
SIMDROP_API simdrop_status simdrop_cut(size_t n, size_t pieces, size_t piece, size_t *begin, size_t *end);

/** A part of a layout: a layout of its own, and where its first element is. */
typedef struct simdrop_layout_part {
  simdrop_layout layout; /**< the part's own */
  ptrdiff_t x_offset;    /**< elements to add to x */
  ptrdiff_t y_offset;    /**< elements to add to y */
  uint64_t index_offset; /**< to add to the mask's offset */
} simdrop_layout_part;

/** Piece number `piece` of `pieces` of a layout. Its axes are put in order, and one is cut: the outermost that gives pieces of
 *  nearly equal sizes. Pieces may be empty.
 *
 *  A part gives y, dx and the decisions that its elements have in the whole, but not packed bits of the whole: those follow the
 *  whole's axes.
 *  @param layout  the whole
 *  @param pieces  how many, at least 1
 *  @param piece   which one, from 0 on
 *  @param part    receives the part
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_SHAPE (piece >= pieces), ERROR_RANK, ERROR_FLAGS, ERROR_SIZE_OVERFLOW, or
 *          ERROR_INDEX_OVERFLOW (even with an offset of 0)
 *  @snippet executors.c simdrop_cut_layout */
SIMDROP_API simdrop_status simdrop_cut_layout(const simdrop_layout *layout, size_t pieces, size_t piece,
                                              simdrop_layout_part *part);

/** @} */
/** @name Calls on an executor
 *  Each does what the function without `parallel_` does, with the same arguments, statuses and results; all checks come
 *  before the first piece. Calls too small to gain from it are not cut. An executor of NULL means the calling thread.
 *  @{ */

/** simdrop_mask_bits on an executor.
 *  @return as simdrop_mask_bits
 *  @snippet executors.c simdrop_parallel_mask_bits */
SIMDROP_API simdrop_status simdrop_parallel_mask_bits(const simdrop_executor *executor, const simdrop_mask *mask, size_t n,
                                                      uint8_t *bits);

/** simdrop_mask_bytes on an executor.
 *  @return as simdrop_mask_bytes
 *  @snippet executors.c simdrop_parallel_mask_bytes */
SIMDROP_API simdrop_status simdrop_parallel_mask_bytes(const simdrop_executor *executor, const simdrop_mask *mask, size_t n,
                                                       uint8_t *bytes);

/** simdrop_forward on an executor.
 *  @return as simdrop_forward
 *  @snippet executors.c simdrop_parallel_forward */
SIMDROP_API simdrop_status simdrop_parallel_forward(const simdrop_executor *executor, const simdrop_mask *mask,
                                                    simdrop_dtype dtype, size_t n, const void *x, void *y, uint8_t *bits);

/** simdrop_forward_bytes on an executor.
 *  @return as simdrop_forward_bytes
 *  @snippet executors.c simdrop_parallel_forward_bytes */
SIMDROP_API simdrop_status simdrop_parallel_forward_bytes(const simdrop_executor *executor, const simdrop_mask *mask,
                                                          simdrop_dtype dtype, size_t n, const void *x, void *y,
                                                          uint8_t *bytes);

/** simdrop_backward on an executor.
 *  @return as simdrop_backward
 *  @snippet executors.c simdrop_parallel_backward */
SIMDROP_API simdrop_status simdrop_parallel_backward(const simdrop_executor *executor, const simdrop_mask *mask,
                                                     simdrop_dtype dtype, size_t n, const void *dy, void *dx);

/** simdrop_apply_bits on an executor.
 *  @return as simdrop_apply_bits
 *  @snippet executors.c simdrop_parallel_apply_bits */
SIMDROP_API simdrop_status simdrop_parallel_apply_bits(const simdrop_executor *executor, double p, simdrop_dtype dtype,
                                                       size_t n, const uint8_t *bits, const void *x, void *y);

/** simdrop_forward_layout on an executor.
 *  @return as simdrop_forward_layout
 *  @snippet executors.c simdrop_parallel_forward_layout */
SIMDROP_API simdrop_status simdrop_parallel_forward_layout(const simdrop_executor *executor, const simdrop_mask *mask,
                                                           simdrop_dtype dtype, const simdrop_layout *layout, const void *x,
                                                           void *y);

/** simdrop_forward_layout_bits on an executor.
 *  @return as simdrop_forward_layout_bits
 *  @snippet executors.c simdrop_parallel_forward_layout_bits */
SIMDROP_API simdrop_status simdrop_parallel_forward_layout_bits(const simdrop_executor *executor, const simdrop_mask *mask,
                                                                simdrop_dtype dtype, const simdrop_layout *layout,
                                                                const void *x, void *y, uint8_t *bits);

/** simdrop_forward_layout_bytes on an executor.
 *  @return as simdrop_forward_layout_bytes
 *  @snippet executors.c simdrop_parallel_forward_layout_bytes */
SIMDROP_API simdrop_status simdrop_parallel_forward_layout_bytes(const simdrop_executor *executor, const simdrop_mask *mask,
                                                                 simdrop_dtype dtype, const simdrop_layout *layout,
                                                                 const void *x, void *y, uint8_t *bytes);

/** simdrop_backward_layout on an executor.
 *  @return as simdrop_backward_layout
 *  @snippet executors.c simdrop_parallel_backward_layout */
SIMDROP_API simdrop_status simdrop_parallel_backward_layout(const simdrop_executor *executor, const simdrop_mask *mask,
                                                            simdrop_dtype dtype, const simdrop_layout *layout, const void *dy,
                                                            void *dx);

/** simdrop_apply_bits_layout on an executor.
 *  @return as simdrop_apply_bits_layout
 *  @snippet executors.c simdrop_parallel_apply_bits_layout */
SIMDROP_API simdrop_status simdrop_parallel_apply_bits_layout(const simdrop_executor *executor, double p, simdrop_dtype dtype,
                                                              const simdrop_layout *layout, const uint8_t *bits, const void *x,
                                                              void *y);

/** simdrop_mask_layout_bits on an executor.
 *  @return as simdrop_mask_layout_bits
 *  @snippet executors.c simdrop_parallel_mask_layout_bits */
SIMDROP_API simdrop_status simdrop_parallel_mask_layout_bits(const simdrop_executor *executor, const simdrop_mask *mask,
                                                             const simdrop_layout *layout, uint8_t *bits);

/** simdrop_mask_layout_bytes on an executor.
 *  @return as simdrop_mask_layout_bytes
 *  @snippet executors.c simdrop_parallel_mask_layout_bytes */
SIMDROP_API simdrop_status simdrop_parallel_mask_layout_bytes(const simdrop_executor *executor, const simdrop_mask *mask,
                                                              const simdrop_layout *layout, uint8_t *bytes);

/** @} */

#ifdef __cplusplus
}
#endif

#endif

/** @file simdrop.h
 *  simdrop: vectorised dropout, exact in its probability and bit-for-bit the same on every instruction set, thread
 *  count and tiling. This is the one header to include; it is C11 and usable from C++.
 *
 *  Dropout (Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 15, 2014) sets
 *  each element to zero with probability p and scales the others by s, about 1/(1-p), so that the expected output
 *  equals the input. Which elements are dropped is a pure function of (p, seed, stream, index), drawn from the
 *  counter-based generator Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011);
 *  docs/numerics.md defines it, and it never changes.
 *
 *  What holds for every function here:
 *  - It returns a status, and has written nothing when that is not SIMDROP_OK. n = 0 is
 *    SIMDROP_OK and touches no array; the mask, p and dtype are checked all the same.
 *  - It allocates no memory, starts no thread, reads and writes no byte outside the arrays given to it, and leaves
 *    errno and the floating-point environment alone. Any number of threads may call it at once.
 *  - It needs at most 32 KiB of stack, so that fibres and threads with small stacks may call it: in optimised builds, with
 *    vectors of up to 1024 bits. What the system puts there for a signal, and an executor for itself, comes on top.
 *  - Arrays need no alignment beyond that of their element type.
 *  - The promise of equal bits holds in the default floating-point environment (round to nearest, no flush to zero). */
#ifndef SIMDROP_SIMDROP_H
#define SIMDROP_SIMDROP_H

#include <stddef.h>
#include <stdint.h>

#include <simdrop/executor.h>
#include <simdrop/export.h>
#include <simdrop/fused.h>
#include <simdrop/layout.h>
#include <simdrop/softmax.h>
#include <simdrop/tile.h>
#include <simdrop/types.h>
#include <simdrop/variants.h>
#include <simdrop/version.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @name Masks
 *  @{ */

/** Write the mask packed, one bit an element.
 *
 *  Element k is bit k % 8 of bits[k / 8], least significant first (as in Apache Arrow); 1 = kept; the unused bits of the
 *  last byte are 0.
 *  @param mask  which mask; may lie in memory that the call overwrites
 *  @param n     number of elements
 *  @param bits  receives (n + 7) / 8 bytes; may be NULL only if n = 0
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_PROBABILITY, ERROR_FLAGS or ERROR_INDEX_OVERFLOW
 *  @snippet dropout.c simdrop_mask_bits */
SIMDROP_API simdrop_status simdrop_mask_bits(const simdrop_mask *mask, size_t n, uint8_t *bits);

/** Write the mask as one byte an element, 1 = kept, 0 = dropped.
 *  @param mask   which mask
 *  @param n      number of elements
 *  @param bytes  receives n bytes; may be NULL only if n = 0
 *  @return as simdrop_mask_bits
 *  @snippet dropout.c simdrop_mask_bytes */
SIMDROP_API simdrop_status simdrop_mask_bytes(const simdrop_mask *mask, size_t n, uint8_t *bytes);

/** The scale s = 2^32 / (2^32 - T), T = round(p * 2^32), by which kept elements are multiplied, as f64 uses it; the
 *  other types use it rounded to float. 0 when p = 1; where p is less, T is 2^32 - 1 at most.
 *  @param p      probability of dropping, in [0, 1]
 *  @param scale  receives s
 *  @return SIMDROP_OK, ERROR_NULL_POINTER or ERROR_PROBABILITY
 *  @snippet dropout.c simdrop_scale */
SIMDROP_API simdrop_status simdrop_scale(double p, double *scale);

/** @} */
/** @name Dropout
 *  @{ */

/** Apply dropout: y[k] = kept(offset + k) ? x[k] * s : +0.
 *
 *  A dropped element is +0 whatever x was, and raises no floating-point flag. A kept NaN stays NaN. p = 0 copies the bits
 *  of x; p = 1 writes +0 everywhere.
 *  @param mask   which mask
 *  @param dtype  type of the elements of x and y
 *  @param n      number of elements
 *  @param x      n elements
 *  @param y      receives n elements; x == y works in place, any other overlap with x is an error
 *  @param bits   NULL, or receives the packed mask as simdrop_mask_bits would write it; may not overlap x or y
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_PROBABILITY, ERROR_FLAGS, ERROR_DTYPE, ERROR_INDEX_OVERFLOW,
 *          ERROR_SIZE_OVERFLOW or ERROR_OVERLAP
 *  @snippet dropout.c simdrop_forward */
SIMDROP_API simdrop_status simdrop_forward(const simdrop_mask *mask, simdrop_dtype dtype, size_t n, const void *x, void *y,
                                           uint8_t *bits);

/** Apply dropout as simdrop_forward does, and write the mask as one byte an element: the mask is drawn once for both.
 *  @param mask   which mask
 *  @param dtype  type of the elements of x and y
 *  @param n      number of elements
 *  @param x      n elements
 *  @param y      receives n elements; x == y works in place, any other overlap with x is an error
 *  @param bytes  receives n bytes as simdrop_mask_bytes would write them; may be NULL only if n = 0, and may not overlap x or y
 *  @return as simdrop_forward
 *  @snippet dropout.c simdrop_forward_bytes */
SIMDROP_API simdrop_status simdrop_forward_bytes(const simdrop_mask *mask, simdrop_dtype dtype, size_t n, const void *x,
                                                 void *y, uint8_t *bytes);

/** The gradient of simdrop_forward: dx[k] = kept(offset + k) ? dy[k] * s : +0, with the mask drawn again.
 *  @param mask   the mask given to simdrop_forward
 *  @param dtype  type of the elements of dy and dx
 *  @param n      number of elements
 *  @param dy     n elements, the gradient with respect to the output
 *  @param dx     receives n elements; dy == dx works in place, any other overlap is an error
 *  @return as simdrop_forward
 *  @snippet dropout.c simdrop_backward */
SIMDROP_API simdrop_status simdrop_backward(const simdrop_mask *mask, simdrop_dtype dtype, size_t n, const void *dy, void *dx);

/** Apply a stored mask: y[k] = bit k of bits ? x[k] * s : +0; forward and backward alike.
 *
 *  The stored mask decides alone which elements are kept; p gives the scale only. p = 0 copies the kept elements' bits;
 *  p = 1 writes +0 everywhere. Unused bits of the last byte are ignored.
 *  @param p      the probability with which the mask was drawn, in [0, 1]
 *  @param dtype  type of the elements of x and y
 *  @param n      number of elements
 *  @param bits   (n + 7) / 8 bytes, packed as simdrop_mask_bits writes them
 *  @param x      n elements
 *  @param y      receives n elements; x == y works in place, any other overlap with x or bits is an error
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_PROBABILITY, ERROR_DTYPE, ERROR_SIZE_OVERFLOW or ERROR_OVERLAP
 *  @snippet dropout.c simdrop_apply_bits */
SIMDROP_API simdrop_status simdrop_apply_bits(double p, simdrop_dtype dtype, size_t n, const uint8_t *bits, const void *x,
                                              void *y);

/** @} */
/** @name Backends
 *  One implementation for each instruction set; all give the same bits. The first call of any function chooses the best
 *  one that this machine can run, or the one that the environment variable SIMDROP_BACKEND names (read once, and not in
 *  programs that run with raised privileges). A name there that is unknown or cannot run here is passed over;
 *  simdrop_backend_reason tells.
 *  @{ */

/** Why the current backend is the current one. */
typedef enum simdrop_backend_choice {
  SIMDROP_CHOICE_BEST = 0,                /**< the best one that this machine can run */
  SIMDROP_CHOICE_ENVIRONMENT = 1,         /**< SIMDROP_BACKEND names it */
  SIMDROP_CHOICE_ENVIRONMENT_REFUSED = 2, /**< the best one, because what SIMDROP_BACKEND names is unknown or cannot run here */
  SIMDROP_CHOICE_SELECTED = 3             /**< simdrop_backend_select was called */
} simdrop_backend_choice;

/** Number of backends that this version knows, best first, whether compiled in or not.
 *  @return how many: they are numbered 0 .. count - 1
 *  @snippet library.c simdrop_backend_count */
SIMDROP_API size_t simdrop_backend_count(void);

/** Name of a backend: "avx512", "avx2", "highway-sse4", "scalar", ...
 *  @param index  its number
 *  @return static storage; NULL if index >= simdrop_backend_count()
 *  @snippet library.c simdrop_backend_name */
SIMDROP_API const char *simdrop_backend_name(size_t index);

/** Whether a backend is compiled into this library.
 *  @param index  its number
 *  @return 1 or 0; 0 if index >= simdrop_backend_count()
 *  @snippet library.c simdrop_backend_compiled */
SIMDROP_API int simdrop_backend_compiled(size_t index);

/** Whether a backend is compiled in and this machine can run it.
 *  @param index  its number
 *  @return 1 or 0; 0 if index >= simdrop_backend_count()
 *  @snippet library.c simdrop_backend_supported */
SIMDROP_API int simdrop_backend_supported(size_t index);

/** Name of the backend in use.
 *  @return static storage, never NULL
 *  @snippet library.c simdrop_backend_current */
SIMDROP_API const char *simdrop_backend_current(void);

/** Why that one is in use.
 *  @return what the choice was made by
 *  @snippet library.c simdrop_backend_reason */
SIMDROP_API simdrop_backend_choice simdrop_backend_reason(void);

/** Use the backend with this name from now on, in every thread; NULL = the best that this machine can run. Calls already
 *  under way finish with the backend that they began with, which changes no result.
 *  @param name  of a backend; NULL: the best one
 *  @return SIMDROP_OK, ERROR_UNKNOWN_BACKEND or ERROR_UNSUPPORTED_BACKEND (the choice stays as it was)
 *  @snippet library.c simdrop_backend_select */
SIMDROP_API simdrop_status simdrop_backend_select(const char *name);

/** @} */
/** @name Memory
 *  How a call goes through arrays that no cache holds: by ordinary stores or by such as go past the caches, which sizes
 *  decide; and then through one page after the other or through several side by side, asking for what comes next or not.
 *  Results do not depend on it. Which order is the quickest depends on the machine, and by default calls past the caches
 *  find out: they go a few of their pieces another way and keep what is quicker. To compare ways, one can be demanded, by
 *  these functions or by the environment variable SIMDROP_MEMORY (read once, as SIMDROP_BACKEND is, and not in programs
 *  that run with raised privileges; a name there that is unknown is passed over). It is then taken where 1 MiB of elements
 *  or more that lie side by side are scaled, whether caches hold them or not; layouts take its stores. Only while the way is
 *  learned, such calls ask the system something: the time (timespec_get), how many pages this thread was given
 *  (getrusage), and for the pages of an output that has none yet (madvise, Linux).
 *  @{ */

/** Number of names that simdrop_memory_select takes.
 *  @return how many: they are numbered 0 .. count - 1
 *  @snippet library.c simdrop_memory_count */
SIMDROP_API size_t simdrop_memory_count(void);

/** A name that simdrop_memory_select takes: "learned", which is the default; "cached" for ordinary stores; "pages-1",
 *  "pages-1-prefetch", "pages-2", "pages-4" and "pages-8" for stores past the caches (in place: ordinary ones) to so many
 *  pages in turns.
 *  @param index  its number
 *  @return static storage; NULL if index >= simdrop_memory_count()
 *  @snippet library.c simdrop_memory_name */
SIMDROP_API const char *simdrop_memory_name(size_t index);

/** The name of what is in use.
 *  @return static storage, never NULL
 *  @snippet library.c simdrop_memory_current */
SIMDROP_API const char *simdrop_memory_current(void);

/** Go through memory in this way from now on, in every thread; NULL = "learned". Calls already under way may go either
 *  way.
 *  @param name  of a way; NULL: "learned"
 *  @return SIMDROP_OK or ERROR_UNKNOWN_MEMORY (everything stays as it was)
 *  @snippet library.c simdrop_memory_select */
SIMDROP_API simdrop_status simdrop_memory_select(const char *name);

/** @} */

#ifdef __cplusplus
}
#endif

#endif

/** @file types.h
 *  The types that every other header of simdrop uses. Include simdrop.h rather than this. */
#ifndef SIMDROP_TYPES_H
#define SIMDROP_TYPES_H

#include <stddef.h>
#include <stdint.h>

#include <simdrop/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Which mask: the four numbers that decide every drop. Element k of a call has the index offset + k, so a tensor may be
 *  cut into pieces, each with its own offset, and gets the same mask as in one call. */
typedef struct simdrop_mask {
  double p;        /**< probability of dropping, in [0, 1]; used as round(p * 2^32) / 2^32, below 1 as at most 1 - 2^-32 */
  uint64_t seed;   /**< chooses the family of masks (the Philox key) */
  uint64_t stream; /**< chooses a mask of the family: a layer, a step; masks of different streams are independent */
  uint64_t offset; /**< index of the call's first element; offset + n may reach 2^64 but not pass it */
  uint64_t flags;  /**< reserved: must be 0 */
} simdrop_mask;

/** The element types. f16 is IEEE 754 binary16, bf16 is the upper half of an IEEE 754 binary32, f8e4m3fn and f8e5m2 are the
 *  8-bit types of the OCP OFP8 specification; these four are computed in binary32 and rounded to nearest even. The arrays
 *  hold native-endian values. */
typedef enum simdrop_dtype {
  SIMDROP_F32 = 0,      /**< float */
  SIMDROP_F64 = 1,      /**< double */
  SIMDROP_F16 = 2,      /**< 16-bit words holding IEEE 754 binary16 */
  SIMDROP_BF16 = 3,     /**< 16-bit words holding bfloat16 */
  SIMDROP_F8E4M3FN = 4, /**< bytes holding OFP8 E4M3, which has no infinities: what is beyond 448 becomes 448 */
  SIMDROP_F8E5M2 = 5    /**< bytes holding OFP8 E5M2 */
} simdrop_dtype;

/** What a function found. Everything but SIMDROP_OK means that nothing was written. */
typedef enum simdrop_status {
  SIMDROP_OK = 0,                    /**< it did what it was asked for */
  SIMDROP_ERROR_NULL_POINTER = 1,    /**< a pointer that is needed is NULL */
  SIMDROP_ERROR_PROBABILITY = 2,     /**< p is NaN or outside [0, 1], or not one that the function takes */
  SIMDROP_ERROR_DTYPE = 3,           /**< dtype is none of simdrop_dtype, or not one that the function takes */
  SIMDROP_ERROR_INDEX_OVERFLOW = 4,  /**< an index passes 2^64 - 1: offset + n, or a layout's last one */
  SIMDROP_ERROR_SIZE_OVERFLOW = 5,   /**< the elements take more bytes than an address can count */
  SIMDROP_ERROR_OVERLAP = 6,         /**< an output overlaps another array other than by being equal to the input, or itself */
  SIMDROP_ERROR_UNKNOWN_BACKEND = 7, /**< no backend has that name */
  SIMDROP_ERROR_UNSUPPORTED_BACKEND = 8, /**< the backend is not compiled in, or this machine cannot run it */
  SIMDROP_ERROR_RANK = 9,                /**< the rank is outside 0 .. SIMDROP_MAX_RANK, or not one that the function takes */
  SIMDROP_ERROR_SHAPE = 10,              /**< shapes or numbers do not go together: see the function */
  SIMDROP_ERROR_FLAGS = 11,              /**< the flags of a mask, a layout or another struct are not 0 */
  SIMDROP_ERROR_UNKNOWN_MEMORY = 12,     /**< no way of going through memory has that name */
  SIMDROP_ERROR_NOT_BUILT = 13,          /**< the functions in double need SLEEF, and a processor with fused multiply-add */
  SIMDROP_ERROR_ACTIVATION = 14,         /**< the activation is none of simdrop_activation */
  SIMDROP_ERROR_NORM = 15                /**< the norm is none of simdrop_norm_kind, or its epsilon is below 0 or too large */
} simdrop_status;

/** A sentence in English for a status.
 *  @param status  what a function returned
 *  @return static storage, never NULL ("unknown status" for other numbers)
 *  @snippet dropout.c simdrop_status_string */
SIMDROP_API const char *simdrop_status_string(simdrop_status status);

/** Bytes of one element.
 *  @param dtype  its type
 *  @return 0 if dtype is unknown
 *  @snippet dropout.c simdrop_dtype_size */
SIMDROP_API size_t simdrop_dtype_size(simdrop_dtype dtype);

/** The name of a type as programs write it ("f32", "bf16").
 *  @param dtype  the type
 *  @return static storage; NULL if dtype is unknown
 *  @snippet dropout.c simdrop_dtype_name */
SIMDROP_API const char *simdrop_dtype_name(simdrop_dtype dtype);

/** How many element types there are.
 *  @return count: they are numbered 0 .. count - 1
 *  @snippet dropout.c simdrop_dtype_count */
SIMDROP_API size_t simdrop_dtype_count(void);

#ifdef __cplusplus
}
#endif

#endif

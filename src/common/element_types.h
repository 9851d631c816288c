// The types of the elements, and what else there is once for each of them or once for each size.
#ifndef SIMDROP_COMMON_ELEMENT_TYPES_H
#define SIMDROP_COMMON_ELEMENT_TYPES_H

#include <simdrop/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

//  X(argument, name, NAME, element, bits, converts), in the order of simdrop_dtype: simdrop_dtype's SIMDROP_<NAME>, the C type
//  that holds an element, its size, and whether it is computed in binary32 in place of the type itself. The argument is handed
//  on as it is, and may be empty.
#define SIMDROP_ELEMENT_TYPES(X, argument)          \
  SIMDROP_COMPUTED_TYPES(X, argument)               \
  X(argument, f8e4m3fn, F8E4M3FN, uint8_t, 8, true) \
  X(argument, f8e5m2, F8E5M2, uint8_t, 8, true)

// Those that the fused kernels take.
#define SIMDROP_COMPUTED_TYPES(X, argument) \
  X(argument, f32, F32, float, 32, false)   \
  X(argument, f64, F64, double, 64, false)  \
  X(argument, f16, F16, uint16_t, 16, true) \
  X(argument, bf16, BF16, uint16_t, 16, true)

//  X(argument, bits): the sizes, for those who only copy
#define SIMDROP_ELEMENT_SIZES(X, argument) \
  X(argument, 8)                           \
  X(argument, 16)                          \
  X(argument, 32)                          \
  X(argument, 64)

// simdrop_element_<name>; simdrop_bits_<name>, its bits as an integer; and simdrop_integer_<bits>.
#define SIMDROP_DECLARE_ELEMENT_(argument, name, NAME, element, bits, converts) \
  typedef element simdrop_element_##name;                                       \
  typedef uint##bits##_t simdrop_bits_##name;
#define SIMDROP_DECLARE_INTEGER_(argument, bits) typedef uint##bits##_t simdrop_integer_##bits;
SIMDROP_ELEMENT_TYPES(SIMDROP_DECLARE_ELEMENT_, )
SIMDROP_ELEMENT_SIZES(SIMDROP_DECLARE_INTEGER_, )
#undef SIMDROP_DECLARE_ELEMENT_
#undef SIMDROP_DECLARE_INTEGER_

// simdrop_computed_<name>, of those that more is computed with: the C type that it is computed in.
typedef float simdrop_computed_f32, simdrop_computed_f16, simdrop_computed_bf16;
typedef double simdrop_computed_f64;

enum {
#define SIMDROP_COUNT_ELEMENT_(argument, name, NAME, element, bits, converts) +1
  SIMDROP_ELEMENT_TYPE_COUNT = SIMDROP_ELEMENT_TYPES(SIMDROP_COUNT_ELEMENT_, )
#undef SIMDROP_COUNT_ELEMENT_
};

// In bytes; 0 if there is no such type.
static inline size_t simdrop_element_size(simdrop_dtype dtype) {
  switch (dtype) {
#define SIMDROP_CASE_(argument, name, NAME, element, bits, converts) \
  case SIMDROP_##NAME: return bits / 8;
    // NOLINTNEXTLINE(bugprone-branch-clone): some types of the list have the same
    SIMDROP_ELEMENT_TYPES(SIMDROP_CASE_, )
#undef SIMDROP_CASE_
  }
  return 0;
}

// Whether the type is computed in binary32 in place of itself.
static inline bool simdrop_dtype_converts(simdrop_dtype dtype) {
  switch (dtype) {
#define SIMDROP_CASE_(argument, name, NAME, element, bits, converts) \
  case SIMDROP_##NAME: return converts;
    // NOLINTNEXTLINE(bugprone-branch-clone): some types of the list have the same
    SIMDROP_ELEMENT_TYPES(SIMDROP_CASE_, )
#undef SIMDROP_CASE_
  }
  return false;
}

static inline bool simdrop_is_computed(simdrop_dtype dtype) {
  switch (dtype) {
#define SIMDROP_CASE_(argument, name, NAME, element, bits, converts) case SIMDROP_##NAME:
    SIMDROP_COMPUTED_TYPES(SIMDROP_CASE_, )
#undef SIMDROP_CASE_
    return true;
    default: return false;
  }
}

// Bytes of what elements of such a type are computed in, and of a sum of them.
static inline size_t simdrop_computed_size(simdrop_dtype dtype) {
  return dtype == SIMDROP_F64 ? sizeof(double) : sizeof(float);
}

// Behind a choice among the types that a function takes: calls are checked before.
#define SIMDROP_NO_OTHER_TYPE __builtin_unreachable()

// For files that are included once for each type or size: SIMDROP_JOIN_WORDS(scale, TYPE) with TYPE f32 is scale_f32.
#define SIMDROP_JOIN_WORDS_(first, second) first##_##second
#define SIMDROP_JOIN_WORDS(first, second) SIMDROP_JOIN_WORDS_(first, second)

#endif

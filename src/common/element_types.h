// The types of the elements, in the order of simdrop_dtype.
#ifndef SIMDROP_COMMON_ELEMENT_TYPES_H
#define SIMDROP_COMMON_ELEMENT_TYPES_H

#include <stdint.h>

//  X(argument, name, NAME, element, bits, converts): SIMDROP_<NAME>, the C type that holds one, its size in bits, and whether
//  it is computed in binary32 instead of the type itself. The argument is handed on as it is, and may be empty.
#define SIMDROP_ELEMENT_TYPES(X, argument)  \
  X(argument, f32, F32, float, 32, false)   \
  X(argument, f64, F64, double, 64, false)  \
  X(argument, f16, F16, uint16_t, 16, true) \
  X(argument, bf16, BF16, uint16_t, 16, true)

// simdrop_element_<name>, and simdrop_bits_<name> with its bits as an integer.
#define SIMDROP_DECLARE_ELEMENT_(argument, name, NAME, element, bits, converts) \
  typedef element simdrop_element_##name;                                       \
  typedef uint##bits##_t simdrop_bits_##name;
SIMDROP_ELEMENT_TYPES(SIMDROP_DECLARE_ELEMENT_, )
#undef SIMDROP_DECLARE_ELEMENT_

// For files that are included once for each type or size: SIMDROP_JOIN_WORDS(scale, TYPE) with TYPE f32 is scale_f32.
#define SIMDROP_JOIN_WORDS_(first, second) first##_##second
#define SIMDROP_JOIN_WORDS(first, second) SIMDROP_JOIN_WORDS_(first, second)
typedef uint16_t simdrop_integer_16;
typedef uint32_t simdrop_integer_32;
typedef uint64_t simdrop_integer_64;

#endif

// Refuses to be compiled with liberties in arithmetic (-ffast-math and its parts, as far as compilers tell of them by macros):
// with them NaN may pass for a probability, and results need not be those that are defined. The build takes such flags of its
// caller back.
#ifndef SIMDROP_COMMON_STRICT_ARITHMETIC_H
#define SIMDROP_COMMON_STRICT_ARITHMETIC_H

#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__) || defined(__ASSOCIATIVE_MATH__) || \
    defined(__RECIPROCAL_MATH__) || defined(__NO_SIGNED_ZEROS__) || (defined(__NO_TRAPPING_MATH__) && !defined(__clang__))
#error "compile simdrop without -ffast-math, -Ofast and the like"
#endif

#endif

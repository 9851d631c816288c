// SIMDROP_UNROLL before a loop with a constant count asks for it to be unrolled in full, so that arrays of vectors that it
// indexes live in registers.
#ifndef SIMDROP_COMMON_UNROLL_H
#define SIMDROP_COMMON_UNROLL_H

#if defined(__clang__)
#define SIMDROP_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define SIMDROP_UNROLL _Pragma("GCC unroll 16")
#else
#define SIMDROP_UNROLL
#endif

#endif

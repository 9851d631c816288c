// SIMD_WORD(type, name, parameters); says that a word of a backend's vocabulary is there and has this signature.
#ifndef SIMDROP_COMMON_SIMD_WORD_H
#define SIMDROP_COMMON_SIMD_WORD_H

#include <assert.h>

#ifdef __cplusplus
#define SIMD_WORD(type, name, parameters) \
  static_assert(std::is_same<decltype(name), type parameters>::value, #name " is declared otherwise in src/common")
#else
// clang-format off: versions differ about the spaces of _Generic
#define SIMD_WORD(type, name, parameters) \
  static_assert(_Generic(&name, type(*) parameters : 1, default : 0), #name " is declared otherwise in src/common")
// clang-format on
#endif

#endif

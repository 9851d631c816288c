// What the compiler takes for granted of the processor in this file, told by the macros that it defines. A backend's bundle
// must be just that: with less, the compiler writes instructions that the machine was not asked for.
#ifndef SIMDROP_COMMON_COMPILED_FEATURES_H
#define SIMDROP_COMMON_COMPILED_FEATURES_H

#include <assert.h>

#include "common/cpu_features.h"

// An extension that compilers use by themselves, and that no backend's bundle has.
#define SIMDROP_FOREIGN_FEATURE (UINT64_C(1) << 63)

//  X(macro, features)
#define SIMDROP_X86_MACRO_LIST(X)                                  \
  X(__SSE3__, SIMDROP_CPU(SSE3))                                   \
  X(__SSSE3__, SIMDROP_CPU(SSSE3))                                 \
  X(__SSE4_1__, SIMDROP_CPU(SSE41))                                \
  X(__SSE4_2__, SIMDROP_CPU(SSE42))                                \
  X(__POPCNT__, SIMDROP_CPU(POPCNT))                               \
  X(__AVX__, SIMDROP_CPU(AVX) | SIMDROP_CPU(AVX_STATE))            \
  X(__F16C__, SIMDROP_CPU(F16C))                                   \
  X(__FMA__, SIMDROP_CPU(FMA))                                     \
  X(__AVX2__, SIMDROP_CPU(AVX2))                                   \
  X(__BMI__, SIMDROP_CPU(BMI1))                                    \
  X(__BMI2__, SIMDROP_CPU(BMI2))                                   \
  X(__AVX512F__, SIMDROP_CPU(AVX512F) | SIMDROP_CPU(AVX512_STATE)) \
  X(__AVX512CD__, SIMDROP_CPU(AVX512CD))                           \
  X(__AVX512DQ__, SIMDROP_CPU(AVX512DQ))                           \
  X(__AVX512BW__, SIMDROP_CPU(AVX512BW))                           \
  X(__AVX512VL__, SIMDROP_CPU(AVX512VL))                           \
  X(__LZCNT__, SIMDROP_FOREIGN_FEATURE)                            \
  X(__MOVBE__, SIMDROP_FOREIGN_FEATURE)                            \
  X(__ADX__, SIMDROP_FOREIGN_FEATURE)                              \
  X(__SSE4A__, SIMDROP_FOREIGN_FEATURE)                            \
  X(__FMA4__, SIMDROP_FOREIGN_FEATURE)                             \
  X(__XOP__, SIMDROP_FOREIGN_FEATURE)                              \
  X(__TBM__, SIMDROP_FOREIGN_FEATURE)                              \
  X(__AES__, SIMDROP_FOREIGN_FEATURE)                              \
  X(__PCLMUL__, SIMDROP_FOREIGN_FEATURE)                           \
  X(__SHA__, SIMDROP_FOREIGN_FEATURE)                              \
  X(__GFNI__, SIMDROP_FOREIGN_FEATURE)                             \
  X(__VAES__, SIMDROP_FOREIGN_FEATURE)                             \
  X(__VPCLMULQDQ__, SIMDROP_FOREIGN_FEATURE)                       \
  X(__AVXVNNI__, SIMDROP_FOREIGN_FEATURE)                          \
  X(__AVXVNNIINT8__, SIMDROP_FOREIGN_FEATURE)                      \
  X(__AVXVNNIINT16__, SIMDROP_FOREIGN_FEATURE)                     \
  X(__AVXIFMA__, SIMDROP_FOREIGN_FEATURE)                          \
  X(__AVXNECONVERT__, SIMDROP_FOREIGN_FEATURE)                     \
  X(__AVX512IFMA__, SIMDROP_FOREIGN_FEATURE)                       \
  X(__AVX512VBMI__, SIMDROP_FOREIGN_FEATURE)                       \
  X(__AVX512VBMI2__, SIMDROP_FOREIGN_FEATURE)                      \
  X(__AVX512VNNI__, SIMDROP_FOREIGN_FEATURE)                       \
  X(__AVX512BITALG__, SIMDROP_FOREIGN_FEATURE)                     \
  X(__AVX512VPOPCNTDQ__, SIMDROP_FOREIGN_FEATURE)                  \
  X(__AVX512BF16__, SIMDROP_FOREIGN_FEATURE)                       \
  X(__AVX512FP16__, SIMDROP_FOREIGN_FEATURE)                       \
  X(__AVX512VP2INTERSECT__, SIMDROP_FOREIGN_FEATURE)               \
  X(__AVX512PF__, SIMDROP_FOREIGN_FEATURE)                         \
  X(__AVX512ER__, SIMDROP_FOREIGN_FEATURE)                         \
  X(__AVX10_1__, SIMDROP_FOREIGN_FEATURE)                          \
  X(__AVX10_2__, SIMDROP_FOREIGN_FEATURE)                          \
  X(__APX_F__, SIMDROP_FOREIGN_FEATURE)

#define SIMDROP_AARCH64_MACRO_LIST(X)                                    \
  X(__ARM_FEATURE_AES, SIMDROP_CPU(AES) | SIMDROP_CPU(PMULL))            \
  X(__ARM_FEATURE_SHA2, SIMDROP_CPU(SHA1) | SIMDROP_CPU(SHA2))           \
  X(__ARM_FEATURE_FP16_SCALAR_ARITHMETIC, SIMDROP_CPU(FPHP))             \
  X(__ARM_FEATURE_FP16_VECTOR_ARITHMETIC, SIMDROP_CPU(ASIMDHP))          \
  X(__ARM_FEATURE_SVE, SIMDROP_CPU(SVE) | SIMDROP_CPU(SVE_POWER_OF_TWO)) \
  X(__ARM_FEATURE_SVE2, SIMDROP_CPU(SVE2))                               \
  X(__ARM_FEATURE_ATOMICS, SIMDROP_FOREIGN_FEATURE)                      \
  X(__ARM_FEATURE_CRC32, SIMDROP_FOREIGN_FEATURE)                        \
  X(__ARM_FEATURE_QRDMX, SIMDROP_FOREIGN_FEATURE)                        \
  X(__ARM_FEATURE_DOTPROD, SIMDROP_FOREIGN_FEATURE)                      \
  X(__ARM_FEATURE_SHA3, SIMDROP_FOREIGN_FEATURE)                         \
  X(__ARM_FEATURE_SHA512, SIMDROP_FOREIGN_FEATURE)                       \
  X(__ARM_FEATURE_SM3, SIMDROP_FOREIGN_FEATURE)                          \
  X(__ARM_FEATURE_SM4, SIMDROP_FOREIGN_FEATURE)                          \
  X(__ARM_FEATURE_FP16_FML, SIMDROP_FOREIGN_FEATURE)                     \
  X(__ARM_FEATURE_BF16, SIMDROP_FOREIGN_FEATURE)                         \
  X(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC, SIMDROP_FOREIGN_FEATURE)       \
  X(__ARM_FEATURE_MATMUL_INT8, SIMDROP_FOREIGN_FEATURE)                  \
  X(__ARM_FEATURE_COMPLEX, SIMDROP_FOREIGN_FEATURE)                      \
  X(__ARM_FEATURE_JCVT, SIMDROP_FOREIGN_FEATURE)                         \
  X(__ARM_FEATURE_FRINT, SIMDROP_FOREIGN_FEATURE)                        \
  X(__ARM_FEATURE_SME, SIMDROP_FOREIGN_FEATURE)                          \
  X(__ARM_FEATURE_MOPS, SIMDROP_FOREIGN_FEATURE)                         \
  X(__ARM_FEATURE_CSSC, SIMDROP_FOREIGN_FEATURE)

// V without double precision, or with shorter vectors, counts as V.
#define SIMDROP_RISCV_MACRO_LIST(X)            \
  X(__riscv_vector, SIMDROP_CPU(RVV))          \
  X(__riscv_zve32x, SIMDROP_CPU(RVV))          \
  X(__riscv_zba, SIMDROP_FOREIGN_FEATURE)      \
  X(__riscv_zbb, SIMDROP_FOREIGN_FEATURE)      \
  X(__riscv_zbc, SIMDROP_FOREIGN_FEATURE)      \
  X(__riscv_zbs, SIMDROP_FOREIGN_FEATURE)      \
  X(__riscv_zbkb, SIMDROP_FOREIGN_FEATURE)     \
  X(__riscv_zbkx, SIMDROP_FOREIGN_FEATURE)     \
  X(__riscv_zcb, SIMDROP_FOREIGN_FEATURE)      \
  X(__riscv_zicond, SIMDROP_FOREIGN_FEATURE)   \
  X(__riscv_zicboz, SIMDROP_FOREIGN_FEATURE)   \
  X(__riscv_zacas, SIMDROP_FOREIGN_FEATURE)    \
  X(__riscv_zabha, SIMDROP_FOREIGN_FEATURE)    \
  X(__riscv_zawrs, SIMDROP_FOREIGN_FEATURE)    \
  X(__riscv_zfa, SIMDROP_FOREIGN_FEATURE)      \
  X(__riscv_zfh, SIMDROP_FOREIGN_FEATURE)      \
  X(__riscv_zfhmin, SIMDROP_FOREIGN_FEATURE)   \
  X(__riscv_zfbfmin, SIMDROP_FOREIGN_FEATURE)  \
  X(__riscv_zvl256b, SIMDROP_FOREIGN_FEATURE)  \
  X(__riscv_zvfh, SIMDROP_FOREIGN_FEATURE)     \
  X(__riscv_zvfhmin, SIMDROP_FOREIGN_FEATURE)  \
  X(__riscv_zvfbfmin, SIMDROP_FOREIGN_FEATURE) \
  X(__riscv_zvfbfwma, SIMDROP_FOREIGN_FEATURE) \
  X(__riscv_zvbb, SIMDROP_FOREIGN_FEATURE)     \
  X(__riscv_zvkb, SIMDROP_FOREIGN_FEATURE)     \
  X(__riscv_xtheadba, SIMDROP_FOREIGN_FEATURE) \
  X(__riscv_xtheadbb, SIMDROP_FOREIGN_FEATURE) \
  X(__riscv_xtheadbs, SIMDROP_FOREIGN_FEATURE) \
  X(__riscv_xtheadvector, SIMDROP_FOREIGN_FEATURE)

#if defined(__x86_64__) || defined(__i386__)
#define SIMDROP_MACRO_LIST SIMDROP_X86_MACRO_LIST
#elif defined(__aarch64__)
#define SIMDROP_MACRO_LIST SIMDROP_AARCH64_MACRO_LIST
#elif defined(__riscv) && __riscv_xlen == 64
#define SIMDROP_MACRO_LIST SIMDROP_RISCV_MACRO_LIST
#else
#define SIMDROP_MACRO_LIST(X)
#endif

// The features where the macro is defined, as 1 or as version 1.0 of RISC-V's; 0 where it is not. Only what is pasted together
// with that has a second argument.
#define SIMDROP_PASTED_1 0,
#define SIMDROP_PASTED_1000000 0,
#define SIMDROP_SECOND(first, second, ...) second
#define SIMDROP_IF_PASTED(pasted, features) SIMDROP_SECOND(pasted(features), 0, 0)
#define SIMDROP_IF_VALUE(value, features) SIMDROP_IF_PASTED(SIMDROP_PASTED_##value, features)
#define SIMDROP_IF_DEFINED(macro, features) | SIMDROP_IF_VALUE(macro, features)

#define SIMDROP_COMPILED_FEATURES (UINT64_C(0) SIMDROP_MACRO_LIST(SIMDROP_IF_DEFINED))

#define SIMDROP_REQUIRE_COMPILED_FOR(bundle)           \
  static_assert(SIMDROP_COMPILED_FEATURES == (bundle), \
                "compiled for more or less than the bundle that is required of the machine: see cmake/instruction_sets.cmake")

#endif

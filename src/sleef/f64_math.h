// The functions of the fused kernels in double, of which SLEEF computes exp and erfc: what they are made of in float
// (scalar/math.h) is too little here. Every set of instructions gives the same bits, those of SLEEF's functions with fused
// multiply-add, so that the processor alone decides which is used, whatever backend is.
//
// SLEEF's functions are called by the names that end in their instructions, never by those that choose when they first run.
#ifndef SIMDROP_SLEEF_F64_MATH_H
#define SIMDROP_SLEEF_F64_MATH_H

#include <stddef.h>

#include "common/cpu_features.h"

#define SIMDROP_F64_MATH_MAX 64

// In place, for n <= SIMDROP_F64_MATH_MAX values. NaN gives NaN.
typedef void simdrop_f64_function(size_t n, double *values);

//  X(name)
#define SIMDROP_F64_FUNCTIONS(X) \
  X(exp)                         \
  X(sigmoid)                     \
  X(silu)                        \
  X(silu_gradient)               \
  X(gelu)                        \
  X(gelu_gradient)               \
  X(gelu_tanh)                   \
  X(gelu_tanh_gradient)

typedef struct simdrop_f64_math {
  const char *name;               // of SLEEF's set of instructions
  const char *version;            // of the SLEEF that it was compiled with
  simdrop_cpu_features required;  // by our file, and by SLEEF's
#define SIMDROP_F64_FIELD_(function) simdrop_f64_function *function;
  SIMDROP_F64_FUNCTIONS(SIMDROP_F64_FIELD_)
#undef SIMDROP_F64_FIELD_
} simdrop_f64_math;

//  X(set): simdrop_sleef_<set>, the best first
#define SIMDROP_SLEEF_SETS(X) \
  X(avx512f)                  \
  X(avx2)                     \
  X(purecfma)                 \
  X(advsimd)
#define SIMDROP_DECLARE_SET_(set) extern const simdrop_f64_math simdrop_sleef_##set;
SIMDROP_SLEEF_SETS(SIMDROP_DECLARE_SET_)
#undef SIMDROP_DECLARE_SET_

// Those for a processor with these features: the best that is compiled in; NULL if none can run there.
const simdrop_f64_math *simdrop_choose_f64_math(simdrop_cpu_features features);

// Those for this processor, found once; NULL if there are none, which is SIMDROP_ERROR_NOT_BUILT.
const simdrop_f64_math *simdrop_f64_math_here(void);

#endif

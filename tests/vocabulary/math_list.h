// The functions of common/math_body.h, which are those of scalar/math.h.
#ifndef SIMDROP_TESTS_VOCABULARY_MATH_LIST_H
#define SIMDROP_TESTS_VOCABULARY_MATH_LIST_H

#include <stddef.h>

#define MATH_FUNCTIONS(X) \
  X(exp)                  \
  X(sigmoid)              \
  X(relu)                 \
  X(relu_gradient)        \
  X(silu)                 \
  X(silu_gradient)        \
  X(gelu)                 \
  X(gelu_gradient)        \
  X(gelu_tanh)            \
  X(gelu_tanh_gradient)   \
  X(minus_two_log)        \
  X(sine_pi)              \
  X(cosine_pi)

// One of them, of n values in place; n is a multiple of 64. A backend's are simdrop_<backend>_math_functions.
typedef void apply_math_function(size_t n, float *values);

typedef enum math_function_index {
#define MATH_INDEX_(name) MATH_##name,
  MATH_FUNCTIONS(MATH_INDEX_)
#undef MATH_INDEX_
  MATH_FUNCTION_COUNT
} math_function_index;

#endif

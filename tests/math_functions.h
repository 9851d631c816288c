// The functions of the fused kernels as scalar/math.h defines them, beside what they stand for, in double.
#ifndef SIMDROP_TESTS_MATH_FUNCTIONS_H
#define SIMDROP_TESTS_MATH_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vocabulary/math_list.h"

// What is not NaN is promised from lowest to highest alone.
typedef struct math_function {
  const char *name;
  float (*scalar)(float x);
  double (*exact)(double x);
  float lowest, highest;
  bool takes_nan;
} math_function;

extern const math_function math_functions[MATH_FUNCTION_COUNT];

bool is_in_domain(const math_function *function, float x);

// The difference to the exact value: as it is, in units of the exact value's last place as a float, and in units of 2^-24 |x|.
// Neither of the last two is of use where the exact value is below 1e-30, or x is.
typedef struct math_error {
  double absolute, ulp, of_x;
} math_error;
math_error error_of(const math_function *function, float x);

#endif

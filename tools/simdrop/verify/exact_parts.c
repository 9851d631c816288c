// What the exact tests share.
#include "verify/exact_parts.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "verify/values.h"

void fails(exact_result *result, const char *format, ...) {
  if (!result->passed) return;
  va_list arguments;
  result->passed = false;
  va_start(arguments, format);
  vsnprintf(result->sentence, sizeof result->sentence, format, arguments);
  va_end(arguments);
}

void succeeds(exact_result *result, simdrop_status status) {
  if (status != SIMDROP_OK) fails(result, "a call fails: %s", simdrop_status_string(status));
}

bool bit_of(const uint8_t *bits, size_t k) { return bits[k / 8] >> k % 8 & 1; }

uint64_t nasty_bits(simdrop_dtype dtype, size_t k) {
  const uint64_t largest = bits_of_value(dtype, INFINITY) - 1, sign = bits_of_value(dtype, -1) ^ bits_of_value(dtype, 1);
  const uint64_t negative = k % 2 == 0 ? 0 : sign;
  switch (k % 11) {
    case 0: return negative;
    case 1: return negative | 1;
    case 2: return negative | bits_of_value(dtype, INFINITY);
    case 3: return negative | bits_of_value(dtype, NAN);
    case 4: return negative | largest;
    case 5: return negative | ((bits_of_value(dtype, INFINITY) >> 1) & largest);
    default: return bits_of_value(dtype, (double)(int64_t)derived_seed(k, (uint64_t)dtype) * 0x1p-62);
  }
}

void fill_nasty(simdrop_dtype dtype, size_t n, void *x) {
  for (size_t k = 0; k < n; ++k) store_bits(dtype, nasty_bits(dtype, k), (char *)x + k * simdrop_dtype_size(dtype));
}

uint64_t bits_at(simdrop_dtype dtype, const void *array, ptrdiff_t stride, size_t r, size_t c) {
  return value_bits(dtype, (const char *)array + ((ptrdiff_t)r * stride + (ptrdiff_t)c) * (ptrdiff_t)simdrop_dtype_size(dtype));
}

double value_at(simdrop_dtype dtype, const void *array, ptrdiff_t stride, size_t r, size_t c) {
  return value_of_bits(dtype, bits_at(dtype, array, stride, r, c));
}

static double ordinary(uint64_t seed, size_t k) { return (double)(int64_t)derived_seed(seed, k) * 0x1p-61; }  // below 4

void fill_ordinary(simdrop_dtype dtype, uint64_t seed, size_t n, void *x) {
  for (size_t k = 0; k < n; ++k)
    store_bits(dtype, bits_of_value(dtype, ordinary(seed, k) * (k % 9 == 4 ? 4 : 1)),
               (char *)x + k * simdrop_dtype_size(dtype));
}

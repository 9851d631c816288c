// Element types in plain C, for checking products: slow, and written from docs/numerics.md alone.
#ifndef SIMDROP_TOOL_VERIFY_VALUES_H
#define SIMDROP_TOOL_VERIFY_VALUES_H

#include <simdrop/simdrop.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VALUE_TYPES 6  // simdrop_dtype's

// The bits of an element in memory, and back.
uint64_t value_bits(simdrop_dtype dtype, const void *element);
void store_bits(simdrop_dtype dtype, uint64_t bits, void *element);

// The value of an element with these bits, and the bits of the element nearest to a value (ties to even).
double value_of_bits(simdrop_dtype dtype, uint64_t bits);
uint64_t bits_of_value(simdrop_dtype dtype, double value);

// The bits of x * s for a kept element, for the s of a mask that keeps with this probability (above 0), as docs/numerics.md
// defines them.
uint64_t product_bits(simdrop_dtype dtype, double keep, uint64_t x);

// n inputs, negative ones too, from the least subnormal to the largest whose product with 1/(1-p) is finite.
void fill_fixed_inputs(simdrop_dtype dtype, double p, size_t n, void *x);

#endif

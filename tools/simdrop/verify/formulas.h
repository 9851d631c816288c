// The formulas of fused kernels and variants, one element at a time, from docs/fused.md and docs/numerics.md alone: what the
// exact tests compare with. Functions like erf are the C library's in double, so that results which go through them are right
// within a bound; everything else is exact.
#ifndef SIMDROP_TOOL_VERIFY_FORMULAS_H
#define SIMDROP_TOOL_VERIFY_FORMULAS_H

#include <simdrop/simdrop.h>

#include <stdbool.h>
#include <stdint.h>

#define COMPUTED_TYPES 4  // f32, f64, f16 and bf16: simdrop_dtype's first

// A value as the type's kernels compute with it: rounded to float but for f64. A sum, product or quotient of two such numbers
// in double, rounded by this, is the one rounding of float arithmetic.
double computed(simdrop_dtype dtype, double value);

// The relative error of one rounding.
double rounding_error(simdrop_dtype dtype);

// s of a mask, as the type's kernels multiply by it.
double computed_scale(simdrop_dtype dtype, double keep);

// What is computed of t, its derivative, and how far a kernel's may be off: nothing for those that are exact.
bool activation_is_exact(simdrop_activation activation);
double activation_value(simdrop_activation activation, double t);
double activation_slope(simdrop_activation activation, double t);
double activation_error(simdrop_dtype dtype, simdrop_activation activation, double t);
double slope_error(simdrop_dtype dtype, simdrop_activation activation);

// Whether an element with these bits is within `error` of the expected value, after both ends are rounded to the type. NaN is
// as good as NaN.
bool is_within(simdrop_dtype dtype, uint64_t bits, double expected, double error);

// Alpha dropout's numbers: kept elements become x * factor + addend.
typedef struct alpha_numbers {
  double factor, addend, dropped;
} alpha_numbers;
#define ALPHA 1.7580993408473766
alpha_numbers alpha_numbers_of(simdrop_dtype dtype, double keep);

// The numbers of an index: u, from the words of planes 96 to 127, and z within NORMAL_ERROR, from those of planes 64 to 95.
#define NORMAL_ERROR 0x1p-20
float reference_uniform(const simdrop_mask *mask, uint64_t k);
double reference_normal(const simdrop_mask *mask, uint64_t k);

// sigma of Gaussian dropout, in double.
double gaussian_sigma(double keep);

// The share that concrete dropout keeps of an element, and how far a kernel's may be off.
double concrete_share(const simdrop_mask *mask, double temperature, uint64_t k, double *error);

// Sums along a row: column c is added to lane c mod 32, and then lane i takes lane i + h for h = 16, 8, 4, 2, 1.
#define SUM_LANES ((size_t)32)
double sum_of_lanes(simdrop_dtype dtype, double lanes[SUM_LANES]);

// Sums down a column: rows in groups of 64, each from +0, and their sums from +0. Rows are added one after the other.
typedef struct column_sum {
  double group, total;
} column_sum;
void add_to_column(simdrop_dtype dtype, column_sum *sum, size_t row, size_t rows, double value);

#endif

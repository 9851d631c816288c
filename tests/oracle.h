// The reference that the library's results are compared with: docs/numerics.md once more, written from the definition and
// sharing nothing with the library's code. U(index) is put together bit by bit from all 32 planes, and products are
// rounded in integer arithmetic. Slow and plain on purpose; test_oracle.c checks it against known answers.
#ifndef SIMDROP_TESTS_ORACLE_H
#define SIMDROP_TESTS_ORACLE_H

#include <simdrop/simdrop.h>

#include <stdbool.h>

// Philox4x32 with `rounds` rounds (10 in the definition).
void oracle_philox(int rounds, const uint32_t counter[4], const uint32_t key[2], uint32_t words[4]);

// u[k] = U(offset + k), for k < n; offset + n may reach 2^64.
void oracle_u(uint64_t seed, uint64_t stream, uint64_t offset, size_t n, uint32_t *u);

// T, from the bits of p.
uint64_t oracle_threshold(double p);

// kept[k] = 1 or 0.
void oracle_kept(double p, size_t n, const uint32_t *u, uint8_t *kept);

// The same packed, least significant bit first, with the unused bits 0.
void oracle_pack(size_t n, const uint8_t *kept, uint8_t *bits);

// y[k] = kept[k] ? x[k] * s : +0, in the element's bits.
void oracle_apply(double p, simdrop_dtype dtype, size_t n, const uint8_t *kept, const void *x, void *y);

// s as the type's product uses it, in binary64 for f64 and in binary32 for the others.
uint64_t oracle_scale_bits(double p, simdrop_dtype dtype);

// What there is besides numbers, which have the encoding of IEEE 754 always.
typedef enum oracle_special {
  ORACLE_IEEE,         // infinities and NaNs under the largest exponent
  ORACLE_ONE_NAN,      // the same, but what is converted to NaN has all bits 1: OFP8's E5M2, as PyTorch converts to it
  ORACLE_NO_INFINITY,  // one NaN, which has all bits 1, and the largest number beyond the range: OFP8's E4M3, saturating
} oracle_special;

// A binary floating-point format; its bias is that of IEEE 754.
typedef struct oracle_format {
  int exponent_bits, fraction_bits;
  oracle_special special;
} oracle_format;

extern const oracle_format oracle_binary16, oracle_bfloat16, oracle_binary32, oracle_binary64, oracle_e4m3, oracle_e5m2;

// The product of a value of `format` and one of `factor_format`, rounded to nearest even to `to`. NaNs of `format` are
// carried over with their sign, and to ORACLE_IEEE quiet with their upper payload bits; the factor is positive and finite.
uint64_t oracle_multiply(uint64_t value, oracle_format format, uint64_t factor, oracle_format factor_format, oracle_format to);

// A value in another format, rounded to nearest even.
uint64_t oracle_convert(uint64_t value, oracle_format from, oracle_format to);

#endif

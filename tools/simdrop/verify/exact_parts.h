// What the exact tests share: how a fault is told, margins behind outputs, and inputs that are hard to get right.
#ifndef SIMDROP_TOOL_VERIFY_EXACT_PARTS_H
#define SIMDROP_TOOL_VERIFY_EXACT_PARTS_H

#include "shared/report.h"
#include "verify/exact.h"

#define MARGIN 64  // bytes behind an output that must stay as they are
#define MARGIN_BYTE 0xa5

// The first fault is the one that is told.
void fails(exact_result *result, const char *format, ...) PRINTF_LIKE(2, 3);

// A call that may not fail.
void succeeds(exact_result *result, simdrop_status status);

bool bit_of(const uint8_t *bits, size_t k);

// Element k of zeros, subnormals, infinities and NaNs of either sign between ordinary values, and n of them.
uint64_t nasty_bits(simdrop_dtype dtype, size_t k);
void fill_nasty(simdrop_dtype dtype, size_t n, void *x);

// Element (r, c) of a matrix whose rows lie so many elements apart.
uint64_t bits_at(simdrop_dtype dtype, const void *array, ptrdiff_t stride, size_t r, size_t c);
double value_at(simdrop_dtype dtype, const void *array, ptrdiff_t stride, size_t r, size_t c);

// n numbers in -4 .. 4, and some further out; others for each seed.
void fill_ordinary(simdrop_dtype dtype, uint64_t seed, size_t n, void *x);

#endif

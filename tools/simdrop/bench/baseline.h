// Dropout as most programs write it, to compare with: 32 random bits for each element, from one Philox4x32-10 call for
// four, in a plain loop.
#ifndef SIMDROP_TOOL_BENCH_BASELINE_H
#define SIMDROP_TOOL_BENCH_BASELINE_H

#include <stddef.h>
#include <stdint.h>

// An element whose 32 bits are below the threshold becomes 0, the others are scaled. The masks are not those of simdrop. The
// first element has this index, a multiple of 4.
void baseline_dropout_f32(uint64_t seed, uint64_t stream, uint64_t index, uint64_t threshold, double scale, size_t n,
                          const float *x, float *y);
void baseline_dropout_f64(uint64_t seed, uint64_t stream, uint64_t index, uint64_t threshold, double scale, size_t n,
                          const double *x, double *y);

// y = x * scale, vectorised by the compiler, for AVX2 where that runs: the least that a call which multiplies can cost. x and
// y may be the same.
void baseline_scale_f32(double scale, size_t n, const float *x, float *y);
void baseline_scale_f64(double scale, size_t n, const double *x, double *y);

#endif

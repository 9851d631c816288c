// Walks a call in chunks: a producer fills a chunk of mask on the stack, a consumer applies it.
#ifndef SIMDROP_ENGINE_DRIVER_H
#define SIMDROP_ENGINE_DRIVER_H

#include <simdrop/simdrop.h>

#include "common/kernel_table.h"
#include "engine/operation.h"

// Does an operation on elements that follow one another, at least one.
void simdrop_drive(const simdrop_operation *operation);

// What the driver of layouts shares with this: the kernels of a type, and the scale, rounded for it, with what is worth
// knowing about it for n elements; or what an operation calls for.
typedef struct simdrop_scale_kernels {
  simdrop_consume_kernel *scale;
  simdrop_consume_pages_kernel *scale_pages;
} simdrop_scale_kernels;

simdrop_scale_kernels simdrop_scale_kernels_of(const simdrop_kernels *kernels, simdrop_dtype dtype);
simdrop_scale_rows_kernel *simdrop_scale_rows_kernel_of(const simdrop_kernels *kernels, simdrop_dtype dtype);
simdrop_consume_kernel *simdrop_select_kernel_of(const simdrop_kernels *kernels, simdrop_dtype dtype);
simdrop_multiplier simdrop_scale_for(uint64_t threshold, simdrop_dtype dtype, size_t n);
simdrop_scale_kernels simdrop_multiplying_kernels_of(const simdrop_kernels *kernels, const simdrop_operation *operation);
simdrop_multiplier simdrop_multiplier_of(const simdrop_operation *operation);
simdrop_affine simdrop_affine_of(const simdrop_operation *operation);

#endif

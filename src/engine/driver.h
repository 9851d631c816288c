// Walks a call in chunks: a producer fills a chunk of mask on the stack, a consumer applies it.
#ifndef SIMDROP_ENGINE_DRIVER_H
#define SIMDROP_ENGINE_DRIVER_H

#include <simdrop/simdrop.h>

#include <stdbool.h>

#include "common/kernel_table.h"

// The functions below check nothing: api.c has. All take n = 0.

// Packed bits, or bytes of 0 and 1.
void simdrop_drive_bits(const simdrop_mask *mask, uint64_t threshold, size_t n, uint8_t *bits);
void simdrop_drive_bytes(const simdrop_mask *mask, uint64_t threshold, size_t n, uint8_t *bytes);

// y = kept ? x * scale : +0; bits may be NULL.
void simdrop_drive_scale(const simdrop_mask *mask, uint64_t threshold, simdrop_dtype dtype, size_t n, const void *x, void *y,
                         uint8_t *bits, simdrop_store store);

// The same with a stored mask; select copies the kept bits instead of scaling.
void simdrop_drive_stored_scale(uint64_t threshold, simdrop_dtype dtype, size_t n, const uint8_t *bits, const void *x, void *y,
                                simdrop_store store);
void simdrop_drive_stored_select(simdrop_dtype dtype, size_t n, const uint8_t *bits, const void *x, void *y);

// How an output of n elements is stored.
simdrop_store simdrop_store_for(simdrop_dtype dtype, size_t n, const void *x, const void *y);

// From how many bytes on that is past the caches, if the third one has so many (0: there is none, or it is not known): a pure
// function.
size_t simdrop_non_temporal_bytes(bool converts, uint64_t third_cache);

// What the drivers of layouts share with these: the kernels of a type, and the scale, rounded for it, with what is worth
// knowing about it for n elements.
typedef struct simdrop_scale_kernels {
  simdrop_consume_kernel *scale;
  simdrop_consume_pages_kernel *scale_pages;
} simdrop_scale_kernels;

simdrop_scale_kernels simdrop_scale_kernels_of(const simdrop_kernels *kernels, simdrop_dtype dtype);
simdrop_multiplier simdrop_scale_for(uint64_t threshold, simdrop_dtype dtype, size_t n);

#endif

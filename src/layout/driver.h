// Walks the elements of a layout: its plan decides which of a few inner loops does it.
#ifndef SIMDROP_LAYOUT_DRIVER_H
#define SIMDROP_LAYOUT_DRIVER_H

#include <simdrop/simdrop.h>

#include "common/kernel_table.h"

// For layouts of at least one element that have been checked; they may lie in the output, but the mask must not.

// y = kept ? x * scale : +0. Non-temporal stores are for rows that are long enough.
void simdrop_drive_layout_scale(const simdrop_mask *mask, uint64_t threshold, simdrop_dtype dtype, const simdrop_layout *layout,
                                const void *x, void *y, simdrop_store store);

// y = x, bit by bit, and y = +0.
void simdrop_drive_layout_copy(simdrop_dtype dtype, const simdrop_layout *layout, const void *x, void *y);
void simdrop_drive_layout_zero(simdrop_dtype dtype, const simdrop_layout *layout, void *y);

// Bytes of 0 and 1, at y_strides of the layout.
void simdrop_drive_layout_bytes(const simdrop_mask *mask, uint64_t threshold, const simdrop_layout *layout, uint8_t *bytes);

#endif

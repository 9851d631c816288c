// Each public call in two halves: everything that can be wrong with it, and the work. The work can be done in parts, which
// is what parallel.c does after one check of the whole.
#ifndef SIMDROP_CORE_CALLS_H
#define SIMDROP_CORE_CALLS_H

#include <simdrop/simdrop.h>

#include <stdbool.h>

#define SIMDROP_RETURN_IF_ERROR(expression)          \
  do {                                               \
    const simdrop_status status_of_ = (expression);  \
    if (status_of_ != SIMDROP_OK) return status_of_; \
  } while (0)

// The checks. A call without elements is right whatever its arrays are.
simdrop_status simdrop_check_mask_call(const simdrop_mask *mask, size_t n, const void *decisions);
simdrop_status simdrop_check_forward(const simdrop_mask *mask, simdrop_dtype dtype, size_t n, const void *x, const void *y,
                                     const uint8_t *bits);
simdrop_status simdrop_check_apply_bits(double p, simdrop_dtype dtype, size_t n, const uint8_t *bits, const void *x,
                                        const void *y);
// *count receives the number of elements.
simdrop_status simdrop_check_forward_layout(const simdrop_mask *mask, simdrop_dtype dtype, const simdrop_layout *layout,
                                            const void *x, const void *y, size_t *count);
simdrop_status simdrop_check_mask_layout_bytes(const simdrop_mask *mask, const simdrop_layout *layout, const uint8_t *bytes,
                                               size_t *count);

// The work, for at least one element. The mask must not lie in the output; the layout may. `stream`: past the caches.
void simdrop_run_mask_bits(const simdrop_mask *mask, size_t n, uint8_t *bits);
void simdrop_run_mask_bytes(const simdrop_mask *mask, size_t n, uint8_t *bytes);
void simdrop_run_forward(const simdrop_mask *mask, simdrop_dtype dtype, size_t n, const void *x, void *y, uint8_t *bits,
                         bool stream);
void simdrop_run_apply_bits(double p, simdrop_dtype dtype, size_t n, const uint8_t *bits, const void *x, void *y, bool stream);
void simdrop_run_forward_layout(const simdrop_mask *mask, simdrop_dtype dtype, const simdrop_layout *layout, const void *x,
                                void *y, bool stream);
// The bytes lie at the layout's y_strides.
void simdrop_run_layout_bytes(const simdrop_mask *mask, const simdrop_layout *layout, uint8_t *bytes);

// The same shape and index strides with x and y in row-major order.
simdrop_layout simdrop_row_major(const simdrop_layout *layout);

#endif

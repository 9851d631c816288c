// The public functions that do a whole call at once. Nothing is written before the last check has passed. Masks are copied:
// they may lie in the output. So may layouts, which the drivers read once, before they write.
#include <simdrop/simdrop.h>

#include "core/calls.h"
#include "engine/driver.h"
#include "engine/parameters.h"

simdrop_status simdrop_mask_bits(const simdrop_mask *mask, size_t n, uint8_t *bits) {
  SIMDROP_RETURN_IF_ERROR(simdrop_check_mask_call(mask, n, bits));
  if (n == 0) return SIMDROP_OK;
  const simdrop_mask copy = *mask;
  simdrop_run_mask_bits(&copy, n, bits);
  return SIMDROP_OK;
}

simdrop_status simdrop_mask_bytes(const simdrop_mask *mask, size_t n, uint8_t *bytes) {
  SIMDROP_RETURN_IF_ERROR(simdrop_check_mask_call(mask, n, bytes));
  if (n == 0) return SIMDROP_OK;
  const simdrop_mask copy = *mask;
  simdrop_run_mask_bytes(&copy, n, bytes);
  return SIMDROP_OK;
}

simdrop_status simdrop_scale(double p, double *scale) {
  if (scale == NULL) return SIMDROP_ERROR_NULL_POINTER;
  if (!simdrop_is_probability(p)) return SIMDROP_ERROR_PROBABILITY;
  *scale = simdrop_scale_of_threshold(simdrop_threshold(p));
  return SIMDROP_OK;
}

simdrop_status simdrop_forward(const simdrop_mask *mask, simdrop_dtype dtype, size_t n, const void *x, void *y, uint8_t *bits) {
  SIMDROP_RETURN_IF_ERROR(simdrop_check_forward(mask, dtype, n, x, y, bits));
  if (n == 0) return SIMDROP_OK;
  const simdrop_mask copy = *mask;
  simdrop_run_forward(&copy, dtype, n, x, y, bits, simdrop_store_for(dtype, n, x, y));
  return SIMDROP_OK;
}

simdrop_status simdrop_backward(const simdrop_mask *mask, simdrop_dtype dtype, size_t n, const void *dy, void *dx) {
  return simdrop_forward(mask, dtype, n, dy, dx, NULL);  // the same product with the same mask
}

simdrop_status simdrop_apply_bits(double p, simdrop_dtype dtype, size_t n, const uint8_t *bits, const void *x, void *y) {
  SIMDROP_RETURN_IF_ERROR(simdrop_check_apply_bits(p, dtype, n, bits, x, y));
  if (n == 0) return SIMDROP_OK;
  simdrop_run_apply_bits(p, dtype, n, bits, x, y, simdrop_store_for(dtype, n, x, y));
  return SIMDROP_OK;
}

simdrop_status simdrop_forward_layout(const simdrop_mask *mask, simdrop_dtype dtype, const simdrop_layout *layout,
                                      const void *x, void *y) {
  size_t count;
  SIMDROP_RETURN_IF_ERROR(simdrop_check_forward_layout(mask, dtype, layout, x, y, &count));
  if (count == 0) return SIMDROP_OK;
  const simdrop_mask mask_copy = *mask;
  const bool stream = simdrop_store_for(dtype, count, x, y);
  simdrop_run_forward_layout(&mask_copy, dtype, layout, x, y, stream);
  return SIMDROP_OK;
}

simdrop_status simdrop_backward_layout(const simdrop_mask *mask, simdrop_dtype dtype, const simdrop_layout *layout,
                                       const void *dy, void *dx) {
  return simdrop_forward_layout(mask, dtype, layout, dy, dx);
}

simdrop_status simdrop_mask_layout_bytes(const simdrop_mask *mask, const simdrop_layout *layout, uint8_t *bytes) {
  size_t count;
  SIMDROP_RETURN_IF_ERROR(simdrop_check_mask_layout_bytes(mask, layout, bytes, &count));
  if (count == 0) return SIMDROP_OK;
  const simdrop_mask mask_copy = *mask;
  const simdrop_layout row_major = simdrop_row_major(layout);
  simdrop_run_layout_bytes(&mask_copy, &row_major, bytes);
  return SIMDROP_OK;
}

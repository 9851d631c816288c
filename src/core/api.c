// The public functions: every check, then the driver. Nothing is written before the last check has passed.
#include <simdrop/simdrop.h>

#include <stdbool.h>
#include <string.h>

#include "core/driver.h"
#include "core/layout_check.h"
#include "core/layout_driver.h"
#include "core/parameters.h"

#define RETURN_IF_ERROR(expression)                  \
  do {                                               \
    const simdrop_status status_of_ = (expression);  \
    if (status_of_ != SIMDROP_OK) return status_of_; \
  } while (0)

static size_t packed_size(size_t n) { return n / 8 + (n % 8 != 0); }

static bool overlaps(const void *a, size_t a_size, const void *b, size_t b_size) {
  const uintptr_t a_begin = (uintptr_t)a, b_begin = (uintptr_t)b;
  return a_begin <= b_begin ? b_begin - a_begin < a_size : a_begin - b_begin < b_size;
}

static simdrop_status check_mask(const simdrop_mask *mask, size_t n) {
  if (mask == NULL) return SIMDROP_ERROR_NULL_POINTER;
  if (!simdrop_is_probability(mask->p)) return SIMDROP_ERROR_PROBABILITY;
  if (n > 0 && n - 1 > UINT64_MAX - mask->offset) return SIMDROP_ERROR_INDEX_OVERFLOW;
  return SIMDROP_OK;
}

// x and y may be equal, or apart.
static simdrop_status check_arrays(simdrop_dtype dtype, size_t n, const void *x, const void *y) {
  const size_t size = simdrop_dtype_size(dtype);
  if (size == 0) return SIMDROP_ERROR_DTYPE;
  if (n == 0) return SIMDROP_OK;
  if (x == NULL || y == NULL) return SIMDROP_ERROR_NULL_POINTER;
  if (n > SIZE_MAX / size) return SIMDROP_ERROR_SIZE_OVERFLOW;
  if (x != y && overlaps(x, n * size, y, n * size)) return SIMDROP_ERROR_OVERLAP;
  return SIMDROP_OK;
}

simdrop_status simdrop_mask_bits(const simdrop_mask *mask, size_t n, uint8_t *bits) {
  RETURN_IF_ERROR(check_mask(mask, n));
  if (n == 0) return SIMDROP_OK;
  if (bits == NULL) return SIMDROP_ERROR_NULL_POINTER;
  const simdrop_mask copy = *mask;  // it may lie in the output
  simdrop_drive_bits(&copy, simdrop_threshold(copy.p), n, bits);
  return SIMDROP_OK;
}

simdrop_status simdrop_mask_bytes(const simdrop_mask *mask, size_t n, uint8_t *bytes) {
  RETURN_IF_ERROR(check_mask(mask, n));
  if (n == 0) return SIMDROP_OK;
  if (bytes == NULL) return SIMDROP_ERROR_NULL_POINTER;
  const simdrop_mask copy = *mask;
  simdrop_drive_bytes(&copy, simdrop_threshold(copy.p), n, bytes);
  return SIMDROP_OK;
}

simdrop_status simdrop_scale(double p, double *scale) {
  if (scale == NULL) return SIMDROP_ERROR_NULL_POINTER;
  if (!simdrop_is_probability(p)) return SIMDROP_ERROR_PROBABILITY;
  *scale = simdrop_scale_of_threshold(simdrop_threshold(p));
  return SIMDROP_OK;
}

simdrop_status simdrop_forward(const simdrop_mask *mask, simdrop_dtype dtype, size_t n, const void *x, void *y, uint8_t *bits) {
  RETURN_IF_ERROR(check_mask(mask, n));
  RETURN_IF_ERROR(check_arrays(dtype, n, x, y));
  if (n == 0) return SIMDROP_OK;
  const size_t bytes = n * simdrop_dtype_size(dtype);
  if (bits != NULL && (overlaps(bits, packed_size(n), x, bytes) || overlaps(bits, packed_size(n), y, bytes)))
    return SIMDROP_ERROR_OVERLAP;

  const simdrop_mask copy = *mask;
  const uint64_t threshold = simdrop_threshold(copy.p);
  const bool copies = copy.p == 0;
  if (copies || threshold == SIMDROP_CERTAIN) {  // no mask to draw, and no product
    if (!copies) {
      memset(y, 0, bytes);
    } else if (x != y) {
      memcpy(y, x, bytes);
    }
    if (bits != NULL) simdrop_drive_bits(&copy, threshold, n, bits);
  } else {
    simdrop_drive_scale(&copy, threshold, dtype, n, x, y, bits);
  }
  return SIMDROP_OK;
}

simdrop_status simdrop_backward(const simdrop_mask *mask, simdrop_dtype dtype, size_t n, const void *dy, void *dx) {
  return simdrop_forward(mask, dtype, n, dy, dx, NULL);  // the same product with the same mask
}

simdrop_status simdrop_apply_bits(double p, simdrop_dtype dtype, size_t n, const uint8_t *bits, const void *x, void *y) {
  if (!simdrop_is_probability(p)) return SIMDROP_ERROR_PROBABILITY;
  RETURN_IF_ERROR(check_arrays(dtype, n, x, y));
  if (n == 0) return SIMDROP_OK;
  if (bits == NULL) return SIMDROP_ERROR_NULL_POINTER;
  const size_t bytes = n * simdrop_dtype_size(dtype);
  if (overlaps(bits, packed_size(n), y, bytes)) return SIMDROP_ERROR_OVERLAP;

  const uint64_t threshold = simdrop_threshold(p);
  if (threshold == SIMDROP_CERTAIN) {
    memset(y, 0, bytes);
  } else if (p == 0) {
    simdrop_drive_stored_select(dtype, n, bits, x, y);
  } else {
    simdrop_drive_stored_scale(threshold, dtype, n, bits, x, y);
  }
  return SIMDROP_OK;
}

simdrop_status simdrop_forward_layout(const simdrop_mask *mask, simdrop_dtype dtype, const simdrop_layout *layout,
                                      const void *x, void *y) {
  RETURN_IF_ERROR(check_mask(mask, 0));
  const size_t size = simdrop_dtype_size(dtype);
  if (size == 0) return SIMDROP_ERROR_DTYPE;
  if (layout == NULL) return SIMDROP_ERROR_NULL_POINTER;
  size_t count;
  RETURN_IF_ERROR(simdrop_check_layout(layout, mask->offset, &count));
  if (count == 0) return SIMDROP_OK;
  RETURN_IF_ERROR(simdrop_check_layout_arrays(layout, size, x, y));

  const simdrop_mask copy = *mask;
  const simdrop_layout layout_copy = *layout;
  const uint64_t threshold = simdrop_threshold(copy.p);
  if (threshold == SIMDROP_CERTAIN) {
    simdrop_drive_layout_zero(dtype, &layout_copy, y);
  } else if (copy.p != 0) {
    simdrop_drive_layout_scale(&copy, threshold, dtype, &layout_copy, x, y);
  } else if (x != y) {  // the checks let equal pointers pass only with equal strides
    simdrop_drive_layout_copy(dtype, &layout_copy, x, y);
  }
  return SIMDROP_OK;
}

simdrop_status simdrop_backward_layout(const simdrop_mask *mask, simdrop_dtype dtype, const simdrop_layout *layout,
                                       const void *dy, void *dx) {
  return simdrop_forward_layout(mask, dtype, layout, dy, dx);
}

simdrop_status simdrop_mask_layout_bytes(const simdrop_mask *mask, const simdrop_layout *layout, uint8_t *bytes) {
  RETURN_IF_ERROR(check_mask(mask, 0));
  if (layout == NULL) return SIMDROP_ERROR_NULL_POINTER;
  size_t count;
  RETURN_IF_ERROR(simdrop_check_layout(layout, mask->offset, &count));
  if (count == 0) return SIMDROP_OK;
  if (bytes == NULL) return SIMDROP_ERROR_NULL_POINTER;

  const simdrop_mask copy = *mask;
  const uint64_t threshold = simdrop_threshold(copy.p);
  if (threshold == 0 || threshold == SIMDROP_CERTAIN) {
    memset(bytes, threshold == 0, count);
    return SIMDROP_OK;
  }
  simdrop_layout row_major = *layout;
  ptrdiff_t stride = 1;
  for (int a = row_major.rank - 1; a >= 0; --a) {
    row_major.x_strides[a] = row_major.y_strides[a] = stride;
    stride *= (ptrdiff_t)row_major.dims[a];
  }
  simdrop_drive_layout_bytes(&copy, threshold, &row_major, bytes);
  return SIMDROP_OK;
}

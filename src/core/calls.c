// What can be wrong with a call, and what it does when nothing is.
#include "core/calls.h"

#include <string.h>

#include "engine/driver.h"
#include "engine/parameters.h"
#include "layout/check.h"
#include "layout/driver.h"

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

simdrop_status simdrop_check_mask_call(const simdrop_mask *mask, size_t n, const void *decisions) {
  SIMDROP_RETURN_IF_ERROR(check_mask(mask, n));
  return n > 0 && decisions == NULL ? SIMDROP_ERROR_NULL_POINTER : SIMDROP_OK;
}

simdrop_status simdrop_check_forward(const simdrop_mask *mask, simdrop_dtype dtype, size_t n, const void *x, const void *y,
                                     const uint8_t *bits) {
  SIMDROP_RETURN_IF_ERROR(check_mask(mask, n));
  SIMDROP_RETURN_IF_ERROR(check_arrays(dtype, n, x, y));
  if (n == 0 || bits == NULL) return SIMDROP_OK;
  const size_t bytes = n * simdrop_dtype_size(dtype);
  const bool meets = overlaps(bits, packed_size(n), x, bytes) || overlaps(bits, packed_size(n), y, bytes);
  return meets ? SIMDROP_ERROR_OVERLAP : SIMDROP_OK;
}

simdrop_status simdrop_check_apply_bits(double p, simdrop_dtype dtype, size_t n, const uint8_t *bits, const void *x,
                                        const void *y) {
  if (!simdrop_is_probability(p)) return SIMDROP_ERROR_PROBABILITY;
  SIMDROP_RETURN_IF_ERROR(check_arrays(dtype, n, x, y));
  if (n == 0) return SIMDROP_OK;
  if (bits == NULL) return SIMDROP_ERROR_NULL_POINTER;
  return overlaps(bits, packed_size(n), y, n * simdrop_dtype_size(dtype)) ? SIMDROP_ERROR_OVERLAP : SIMDROP_OK;
}

simdrop_status simdrop_check_forward_layout(const simdrop_mask *mask, simdrop_dtype dtype, const simdrop_layout *layout,
                                            const void *x, const void *y, size_t *count) {
  SIMDROP_RETURN_IF_ERROR(check_mask(mask, 0));
  const size_t size = simdrop_dtype_size(dtype);
  if (size == 0) return SIMDROP_ERROR_DTYPE;
  if (layout == NULL) return SIMDROP_ERROR_NULL_POINTER;
  SIMDROP_RETURN_IF_ERROR(simdrop_check_layout(layout, mask->offset, count));
  return *count == 0 ? SIMDROP_OK : simdrop_check_layout_arrays(layout, size, x, y);
}

simdrop_status simdrop_check_mask_layout_bytes(const simdrop_mask *mask, const simdrop_layout *layout, const uint8_t *bytes,
                                               size_t *count) {
  SIMDROP_RETURN_IF_ERROR(check_mask(mask, 0));
  if (layout == NULL) return SIMDROP_ERROR_NULL_POINTER;
  SIMDROP_RETURN_IF_ERROR(simdrop_check_layout(layout, mask->offset, count));
  return *count > 0 && bytes == NULL ? SIMDROP_ERROR_NULL_POINTER : SIMDROP_OK;
}

void simdrop_run_mask_bits(const simdrop_mask *mask, size_t n, uint8_t *bits) {
  simdrop_drive_bits(mask, simdrop_threshold(mask->p), n, bits);
}

void simdrop_run_mask_bytes(const simdrop_mask *mask, size_t n, uint8_t *bytes) {
  simdrop_drive_bytes(mask, simdrop_threshold(mask->p), n, bytes);
}

void simdrop_run_forward(const simdrop_mask *mask, simdrop_dtype dtype, size_t n, const void *x, void *y, uint8_t *bits,
                         bool stream) {
  const size_t bytes = n * simdrop_dtype_size(dtype);
  const uint64_t threshold = simdrop_threshold(mask->p);
  const bool copies = mask->p == 0;
  if (copies || threshold == SIMDROP_CERTAIN) {  // no mask to draw, and no product
    if (!copies) {
      memset(y, 0, bytes);
    } else if (x != y) {
      memcpy(y, x, bytes);
    }
    if (bits != NULL) simdrop_drive_bits(mask, threshold, n, bits);
  } else {
    simdrop_drive_scale(mask, threshold, dtype, n, x, y, bits, stream);
  }
}

void simdrop_run_apply_bits(double p, simdrop_dtype dtype, size_t n, const uint8_t *bits, const void *x, void *y, bool stream) {
  const uint64_t threshold = simdrop_threshold(p);
  if (threshold == SIMDROP_CERTAIN) {
    memset(y, 0, n * simdrop_dtype_size(dtype));
  } else if (p == 0) {
    simdrop_drive_stored_select(dtype, n, bits, x, y);
  } else {
    simdrop_drive_stored_scale(threshold, dtype, n, bits, x, y, stream);
  }
}

void simdrop_run_forward_layout(const simdrop_mask *mask, simdrop_dtype dtype, const simdrop_layout *layout, const void *x,
                                void *y, bool stream) {
  const uint64_t threshold = simdrop_threshold(mask->p);
  if (threshold == SIMDROP_CERTAIN) {
    simdrop_drive_layout_zero(dtype, layout, y);
  } else if (mask->p != 0) {
    simdrop_drive_layout_scale(mask, threshold, dtype, layout, x, y, stream);
  } else if (x != y) {  // the checks let equal pointers pass only with equal strides
    simdrop_drive_layout_copy(dtype, layout, x, y);
  }
}

void simdrop_run_layout_bytes(const simdrop_mask *mask, const simdrop_layout *layout, uint8_t *bytes) {
  simdrop_drive_layout_bytes(mask, simdrop_threshold(mask->p), layout, bytes);
}

simdrop_layout simdrop_row_major(const simdrop_layout *layout) {
  simdrop_layout row_major = *layout;
  ptrdiff_t stride = 1;
  for (int a = row_major.rank - 1; a >= 0; --a) {
    row_major.x_strides[a] = row_major.y_strides[a] = stride;
    stride *= (ptrdiff_t)row_major.dims[a];
  }
  return row_major;
}

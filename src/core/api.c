// The public verbs: each is a call, on the calling thread or on an executor. The functions that both forms share are this
// file's own: those that a shared library exports cannot be inlined.
#include <simdrop/simdrop.h>

#include "core/check_call.h"

simdrop_status simdrop_scale(double p, double *scale) {
  if (scale == NULL) return SIMDROP_ERROR_NULL_POINTER;
  if (!simdrop_is_probability(p)) return SIMDROP_ERROR_PROBABILITY;
  *scale = simdrop_scale_of_threshold(simdrop_threshold(p));
  return SIMDROP_OK;
}

// ---- elements that follow one another

static simdrop_status mask_bits(const simdrop_executor *executor, const simdrop_mask *mask, size_t n, uint8_t *bits) {
  const simdrop_call call = {.verb = SIMDROP_MASK_BITS, .mask = mask, .n = n, .decisions = bits};
  return simdrop_submit(executor, &call);
}

static simdrop_status mask_bytes(const simdrop_executor *executor, const simdrop_mask *mask, size_t n, uint8_t *bytes) {
  const simdrop_call call = {.verb = SIMDROP_MASK_BYTES, .mask = mask, .n = n, .decisions = bytes};
  return simdrop_submit(executor, &call);
}

static simdrop_status forward(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype, size_t n,
                              const void *x, void *y, uint8_t *bits) {
  const simdrop_call call = {.verb = SIMDROP_FORWARD, .dtype = dtype, .mask = mask, .n = n, .x = x, .decisions = bits, .y = y};
  return simdrop_submit(executor, &call);
}

static simdrop_status forward_bytes(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype, size_t n,
                                    const void *x, void *y, uint8_t *bytes) {
  const simdrop_call call = {
      .verb = SIMDROP_FORWARD_BYTES, .dtype = dtype, .mask = mask, .n = n, .x = x, .decisions = bytes, .y = y};
  return simdrop_submit(executor, &call);
}

// The same product with the same mask.
static simdrop_status backward(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype, size_t n,
                               const void *dy, void *dx) {
  return forward(executor, mask, dtype, n, dy, dx, NULL);
}

static simdrop_status apply_bits(const simdrop_executor *executor, double p, simdrop_dtype dtype, size_t n, const uint8_t *bits,
                                 const void *x, void *y) {
  const simdrop_call call = {.verb = SIMDROP_APPLY_BITS, .dtype = dtype, .p = p, .n = n, .x = x, .y = y, .stored = bits};
  return simdrop_submit(executor, &call);
}

simdrop_status simdrop_mask_bits(const simdrop_mask *mask, size_t n, uint8_t *bits) { return mask_bits(NULL, mask, n, bits); }

simdrop_status simdrop_mask_bytes(const simdrop_mask *mask, size_t n, uint8_t *bytes) {
  return mask_bytes(NULL, mask, n, bytes);
}

simdrop_status simdrop_forward(const simdrop_mask *mask, simdrop_dtype dtype, size_t n, const void *x, void *y, uint8_t *bits) {
  return forward(NULL, mask, dtype, n, x, y, bits);
}

simdrop_status simdrop_forward_bytes(const simdrop_mask *mask, simdrop_dtype dtype, size_t n, const void *x, void *y,
                                     uint8_t *bytes) {
  return forward_bytes(NULL, mask, dtype, n, x, y, bytes);
}

simdrop_status simdrop_backward(const simdrop_mask *mask, simdrop_dtype dtype, size_t n, const void *dy, void *dx) {
  return backward(NULL, mask, dtype, n, dy, dx);
}

simdrop_status simdrop_apply_bits(double p, simdrop_dtype dtype, size_t n, const uint8_t *bits, const void *x, void *y) {
  return apply_bits(NULL, p, dtype, n, bits, x, y);
}

simdrop_status simdrop_parallel_mask_bits(const simdrop_executor *executor, const simdrop_mask *mask, size_t n, uint8_t *bits) {
  return mask_bits(executor, mask, n, bits);
}

simdrop_status simdrop_parallel_mask_bytes(const simdrop_executor *executor, const simdrop_mask *mask, size_t n,
                                           uint8_t *bytes) {
  return mask_bytes(executor, mask, n, bytes);
}

simdrop_status simdrop_parallel_forward(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                        size_t n, const void *x, void *y, uint8_t *bits) {
  return forward(executor, mask, dtype, n, x, y, bits);
}

simdrop_status simdrop_parallel_forward_bytes(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                              size_t n, const void *x, void *y, uint8_t *bytes) {
  return forward_bytes(executor, mask, dtype, n, x, y, bytes);
}

simdrop_status simdrop_parallel_backward(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                         size_t n, const void *dy, void *dx) {
  return backward(executor, mask, dtype, n, dy, dx);
}

simdrop_status simdrop_parallel_apply_bits(const simdrop_executor *executor, double p, simdrop_dtype dtype, size_t n,
                                           const uint8_t *bits, const void *x, void *y) {
  return apply_bits(executor, p, dtype, n, bits, x, y);
}

// ---- layouts

static simdrop_status mask_layout_bits(const simdrop_executor *executor, const simdrop_mask *mask, const simdrop_layout *layout,
                                       uint8_t *bits) {
  const simdrop_call call = {.verb = SIMDROP_MASK_BITS, .mask = mask, .layout = layout, .decisions = bits};
  return simdrop_submit_layout(executor, &call);
}

static simdrop_status mask_layout_bytes(const simdrop_executor *executor, const simdrop_mask *mask,
                                        const simdrop_layout *layout, uint8_t *bytes) {
  const simdrop_call call = {.verb = SIMDROP_MASK_BYTES, .mask = mask, .layout = layout, .decisions = bytes};
  return simdrop_submit_layout(executor, &call);
}

static simdrop_status forward_layout(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                     const simdrop_layout *layout, const void *x, void *y, uint8_t *bits) {
  const simdrop_call call = {
      .verb = SIMDROP_FORWARD, .dtype = dtype, .mask = mask, .layout = layout, .x = x, .decisions = bits, .y = y};
  return simdrop_submit_layout(executor, &call);
}

static simdrop_status forward_layout_bytes(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                           const simdrop_layout *layout, const void *x, void *y, uint8_t *bytes) {
  const simdrop_call call = {
      .verb = SIMDROP_FORWARD_BYTES, .dtype = dtype, .mask = mask, .layout = layout, .x = x, .decisions = bytes, .y = y};
  return simdrop_submit_layout(executor, &call);
}

static simdrop_status apply_bits_layout(const simdrop_executor *executor, double p, simdrop_dtype dtype,
                                        const simdrop_layout *layout, const uint8_t *bits, const void *x, void *y) {
  const simdrop_call call = {
      .verb = SIMDROP_APPLY_BITS, .dtype = dtype, .p = p, .layout = layout, .x = x, .y = y, .stored = bits};
  return simdrop_submit_layout(executor, &call);
}

simdrop_status simdrop_mask_layout_bits(const simdrop_mask *mask, const simdrop_layout *layout, uint8_t *bits) {
  return mask_layout_bits(NULL, mask, layout, bits);
}

simdrop_status simdrop_mask_layout_bytes(const simdrop_mask *mask, const simdrop_layout *layout, uint8_t *bytes) {
  return mask_layout_bytes(NULL, mask, layout, bytes);
}

simdrop_status simdrop_forward_layout(const simdrop_mask *mask, simdrop_dtype dtype, const simdrop_layout *layout,
                                      const void *x, void *y) {
  return forward_layout(NULL, mask, dtype, layout, x, y, NULL);
}

simdrop_status simdrop_forward_layout_bits(const simdrop_mask *mask, simdrop_dtype dtype, const simdrop_layout *layout,
                                           const void *x, void *y, uint8_t *bits) {
  return forward_layout(NULL, mask, dtype, layout, x, y, bits);
}

simdrop_status simdrop_forward_layout_bytes(const simdrop_mask *mask, simdrop_dtype dtype, const simdrop_layout *layout,
                                            const void *x, void *y, uint8_t *bytes) {
  return forward_layout_bytes(NULL, mask, dtype, layout, x, y, bytes);
}

simdrop_status simdrop_backward_layout(const simdrop_mask *mask, simdrop_dtype dtype, const simdrop_layout *layout,
                                       const void *dy, void *dx) {
  return forward_layout(NULL, mask, dtype, layout, dy, dx, NULL);
}

simdrop_status simdrop_apply_bits_layout(double p, simdrop_dtype dtype, const simdrop_layout *layout, const uint8_t *bits,
                                         const void *x, void *y) {
  return apply_bits_layout(NULL, p, dtype, layout, bits, x, y);
}

simdrop_status simdrop_parallel_mask_layout_bits(const simdrop_executor *executor, const simdrop_mask *mask,
                                                 const simdrop_layout *layout, uint8_t *bits) {
  return mask_layout_bits(executor, mask, layout, bits);
}

simdrop_status simdrop_parallel_mask_layout_bytes(const simdrop_executor *executor, const simdrop_mask *mask,
                                                  const simdrop_layout *layout, uint8_t *bytes) {
  return mask_layout_bytes(executor, mask, layout, bytes);
}

simdrop_status simdrop_parallel_forward_layout(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                               const simdrop_layout *layout, const void *x, void *y) {
  return forward_layout(executor, mask, dtype, layout, x, y, NULL);
}

simdrop_status simdrop_parallel_forward_layout_bits(const simdrop_executor *executor, const simdrop_mask *mask,
                                                    simdrop_dtype dtype, const simdrop_layout *layout, const void *x, void *y,
                                                    uint8_t *bits) {
  return forward_layout(executor, mask, dtype, layout, x, y, bits);
}

simdrop_status simdrop_parallel_forward_layout_bytes(const simdrop_executor *executor, const simdrop_mask *mask,
                                                     simdrop_dtype dtype, const simdrop_layout *layout, const void *x, void *y,
                                                     uint8_t *bytes) {
  return forward_layout_bytes(executor, mask, dtype, layout, x, y, bytes);
}

simdrop_status simdrop_parallel_backward_layout(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                                const simdrop_layout *layout, const void *dy, void *dx) {
  return forward_layout(executor, mask, dtype, layout, dy, dx, NULL);
}

simdrop_status simdrop_parallel_apply_bits_layout(const simdrop_executor *executor, double p, simdrop_dtype dtype,
                                                  const simdrop_layout *layout, const uint8_t *bits, const void *x, void *y) {
  return apply_bits_layout(executor, p, dtype, layout, bits, x, y);
}

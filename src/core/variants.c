// The public verbs of dropout's relatives.
#include <simdrop/simdrop.h>

#include "core/check_call.h"

simdrop_status simdrop_alpha_forward(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype, size_t n,
                                     const void *x, void *y) {
  const simdrop_call call = {.verb = SIMDROP_ALPHA_FORWARD, .dtype = dtype, .mask = mask, .n = n, .x = x, .y = y};
  return simdrop_submit(executor, &call);
}

simdrop_status simdrop_alpha_backward(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype, size_t n,
                                      const void *dy, void *dx) {
  const simdrop_call call = {.verb = SIMDROP_ALPHA_BACKWARD, .dtype = dtype, .mask = mask, .n = n, .x = dy, .y = dx};
  return simdrop_submit(executor, &call);
}

simdrop_status simdrop_alpha_forward_layout(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                            const simdrop_layout *layout, const void *x, void *y) {
  const simdrop_call call = {.verb = SIMDROP_ALPHA_FORWARD, .dtype = dtype, .mask = mask, .layout = layout, .x = x, .y = y};
  return simdrop_submit_layout(executor, &call);
}

simdrop_status simdrop_alpha_backward_layout(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                             const simdrop_layout *layout, const void *dy, void *dx) {
  const simdrop_call call = {.verb = SIMDROP_ALPHA_BACKWARD, .dtype = dtype, .mask = mask, .layout = layout, .x = dy, .y = dx};
  return simdrop_submit_layout(executor, &call);
}

simdrop_status simdrop_gaussian_forward(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                        size_t n, const void *x, void *y) {
  const simdrop_call call = {.verb = SIMDROP_GAUSSIAN, .dtype = dtype, .mask = mask, .n = n, .x = x, .y = y};
  return simdrop_submit(executor, &call);
}

simdrop_status simdrop_gaussian_forward_layout(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                               const simdrop_layout *layout, const void *x, void *y) {
  const simdrop_call call = {.verb = SIMDROP_GAUSSIAN, .dtype = dtype, .mask = mask, .layout = layout, .x = x, .y = y};
  return simdrop_submit_layout(executor, &call);
}

simdrop_status simdrop_normals(const simdrop_executor *executor, const simdrop_mask *mask, size_t n, float *normals) {
  const simdrop_call call = {.verb = SIMDROP_NORMALS, .dtype = SIMDROP_F32, .mask = mask, .n = n, .y = normals};
  return simdrop_submit(executor, &call);
}

simdrop_status simdrop_uniforms(const simdrop_executor *executor, const simdrop_mask *mask, size_t n, float *uniforms) {
  const simdrop_call call = {.verb = SIMDROP_UNIFORMS, .dtype = SIMDROP_F32, .mask = mask, .n = n, .y = uniforms};
  return simdrop_submit(executor, &call);
}

simdrop_status simdrop_apply_bits_scaled(const simdrop_executor *executor, double scale, simdrop_dtype dtype, size_t n,
                                         const uint8_t *bits, const void *x, void *y) {
  const simdrop_call call = {
      .verb = SIMDROP_APPLY_BITS, .dtype = dtype, .scale = &scale, .n = n, .x = x, .y = y, .stored = bits};
  return simdrop_submit(executor, &call);
}

simdrop_status simdrop_apply_bits_scaled_layout(const simdrop_executor *executor, double scale, simdrop_dtype dtype,
                                                const simdrop_layout *layout, const uint8_t *bits, const void *x, void *y) {
  const simdrop_call call = {
      .verb = SIMDROP_APPLY_BITS, .dtype = dtype, .scale = &scale, .layout = layout, .x = x, .y = y, .stored = bits};
  return simdrop_submit_layout(executor, &call);
}

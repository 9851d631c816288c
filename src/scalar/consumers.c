// Applying a mask, element by element: select first, then multiply, so that a dropped element is 0 * scale = +0 whatever it
// was, and raises no floating-point flag.
#include <string.h>

#include "common/float16.h"
#include "scalar/backend.h"

static inline bool is_kept(const uint64_t *words, size_t k) { return words[k / 64] >> (k % 64) & 1; }

// x * scale for a positive, finite scale. A NaN comes back quiet with its payload, which the bare product gives on most
// processors but not on those with one canonical NaN.
static inline float multiply_f32(float x, float scale) {
  const uint32_t bits = simdrop_bits_from_float(x);
  if ((bits & UINT32_C(0x7fffffff)) > UINT32_C(0x7f800000)) return simdrop_float_from_bits(bits | UINT32_C(0x00400000));
  return x * scale;
}

static inline double multiply_f64(double x, double scale) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  if ((bits & ~(UINT64_C(1) << 63)) > UINT64_C(0x7ff0000000000000)) {
    bits |= UINT64_C(1) << 51;
    memcpy(&x, &bits, sizeof bits);
    return x;
  }
  return x * scale;
}

static inline uint16_t multiply_f16(uint16_t x, float scale) {
  return simdrop_f16_from_float(multiply_f32(simdrop_float_from_f16(x), scale));
}

static inline uint16_t multiply_bf16(uint16_t x, float scale) {
  return simdrop_bf16_from_float(multiply_f32(simdrop_float_from_bf16(x), scale));
}

#define DEFINE_SCALE(dtype, element, factor)                                                                              \
  void simdrop_scalar_scale_##dtype(size_t n, const uint64_t *words, const void *x, void *y, double scale, bool stream) { \
    const element *const in = x;                                                                                          \
    element *const out = y;                                                                                               \
    (void)stream; /* there is no portable store past the caches */                                                        \
    for (size_t k = 0; k < n; ++k) out[k] = multiply_##dtype(is_kept(words, k) ? in[k] : 0, (factor)scale);               \
  }

DEFINE_SCALE(f32, float, float)
DEFINE_SCALE(f64, double, double)
DEFINE_SCALE(f16, uint16_t, float)
DEFINE_SCALE(bf16, uint16_t, float)

#define DEFINE_SELECT(width)                                                                    \
  void simdrop_scalar_select_##width(size_t n, const uint64_t *words, const void *x, void *y) { \
    const uint##width##_t *const in = x;                                                        \
    uint##width##_t *const out = y;                                                             \
    for (size_t k = 0; k < n; ++k) out[k] = is_kept(words, k) ? in[k] : 0;                      \
  }

DEFINE_SELECT(16)
DEFINE_SELECT(32)
DEFINE_SELECT(64)

void simdrop_scalar_expand_bytes(size_t n, const uint64_t *words, uint8_t *bytes) {
  for (size_t k = 0; k < n; ++k) bytes[k] = is_kept(words, k);
}

// Applying a mask, element by element: select first, then multiply, so that a dropped element is 0 * scale = +0 whatever it
// was, and raises no floating-point flag.
#include <string.h>

#include "common/float16.h"
#include "scalar/backend.h"

static inline uint64_t kept_bit(const uint64_t *words, size_t k) { return words[k / 64] >> (k % 64) & 1; }

// Elements are handled as their bits. All of them where the mask's bit is 1, none where it is 0.
#define SELECT(type, kept, x) ((type)((x) & -(type)(kept)))

// x * scale for a positive, finite scale. A NaN comes back quiet with its payload, which the bare product gives on most
// processors but not on those with one canonical NaN.
static inline uint32_t multiply_f32(uint32_t x, float scale) {
  if ((x & UINT32_C(0x7fffffff)) > UINT32_C(0x7f800000)) return x | UINT32_C(0x00400000);
  return simdrop_bits_from_float(simdrop_float_from_bits(x) * scale);
}

static inline uint64_t multiply_f64(uint64_t x, double scale) {
  if ((x & ~(UINT64_C(1) << 63)) > UINT64_C(0x7ff0000000000000)) return x | UINT64_C(1) << 51;
  double value;
  memcpy(&value, &x, sizeof value);
  value *= scale;
  memcpy(&x, &value, sizeof x);
  return x;
}

static inline uint16_t multiply_f16(uint16_t x, float scale) {
  const uint32_t wide = simdrop_bits_from_float(simdrop_float_from_f16(x));
  return simdrop_f16_from_float(simdrop_float_from_bits(multiply_f32(wide, scale)));
}

static inline uint16_t multiply_bf16(uint16_t x, float scale) {
  const uint32_t wide = simdrop_bits_from_float(simdrop_float_from_bf16(x));
  return simdrop_bf16_from_float(simdrop_float_from_bits(multiply_f32(wide, scale)));
}

#define DEFINE_SCALE_BY(kernel, dtype, type, factor, bit, ...)                                                                \
  void simdrop_scalar_##kernel##_##dtype(size_t n, const uint64_t *words, size_t first, __VA_ARGS__ const void *x, void *y,   \
                                         simdrop_multiplier scale, bool stream) {                                             \
    const type *const in = x;                                                                                                 \
    type *const out = y;                                                                                                      \
    (void)stream; /* there is no portable store past the caches */                                                            \
    for (size_t k = 0; k < n; ++k) out[k] = multiply_##dtype(SELECT(type, kept_bit(words, bit), in[k]), (factor)scale.value); \
  }

#define DEFINE_SCALE_STREAMS(dtype, type)                                                                                     \
  void simdrop_scalar_scale_streams_##dtype(size_t begin, size_t end, const uint64_t *words, size_t first, const void *x,     \
                                            void *y, simdrop_multiplier scale) {                                              \
    const size_t k = begin * SIMDROP_STEP_ELEMENTS;                                                                           \
    simdrop_scalar_scale_##dtype((end - begin) * SIMDROP_STEP_ELEMENTS, words, first + k, (const type *)x + k, (type *)y + k, \
                                 scale, true);                                                                                \
  }

#define DEFINE_SCALE_PACKED(dtype, type, factor)                                                                              \
  void simdrop_scalar_scale_packed_##dtype(size_t n, const uint8_t *bits, const void *x, void *y, simdrop_multiplier scale) { \
    const type *const in = x;                                                                                                 \
    type *const out = y;                                                                                                      \
    for (size_t k = 0; k < n; ++k)                                                                                            \
      out[k] = multiply_##dtype(SELECT(type, bits[k / 8] >> (k % 8) & 1, in[k]), (factor)scale.value);                        \
  }

#define DEFINE_SCALE(dtype, type, factor)                                               \
  DEFINE_SCALE_BY(scale, dtype, type, factor, first + k, )                              \
  DEFINE_SCALE_PACKED(dtype, type, factor)                                              \
  DEFINE_SCALE_STREAMS(dtype, type)                                                     \
  DEFINE_SCALE_BY(scale_runs, dtype, type, factor, first + k / length, size_t length, ) \
  DEFINE_SCALE_BY(scale_periods, dtype, type, factor, (first + k) % length, size_t length, )

DEFINE_SCALE(f32, uint32_t, float)
DEFINE_SCALE(f64, uint64_t, double)
DEFINE_SCALE(f16, uint16_t, float)
DEFINE_SCALE(bf16, uint16_t, float)

void simdrop_scalar_stream_end(void) {}

#define DEFINE_SELECT(width)                                                                                  \
  void simdrop_scalar_select_##width(size_t n, const uint64_t *words, size_t first, const void *x, void *y) { \
    const uint##width##_t *const in = x;                                                                      \
    uint##width##_t *const out = y;                                                                           \
    for (size_t k = 0; k < n; ++k) out[k] = SELECT(uint##width##_t, kept_bit(words, first + k), in[k]);       \
  }

DEFINE_SELECT(16)
DEFINE_SELECT(32)
DEFINE_SELECT(64)

void simdrop_scalar_expand_bytes(size_t n, const uint64_t *words, size_t first, uint8_t *bytes) {
  for (size_t k = 0; k < n; ++k) bytes[k] = (uint8_t)kept_bit(words, first + k);
}

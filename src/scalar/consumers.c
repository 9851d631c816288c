// Applying a mask, element by element: select first, then multiply, so that a dropped element is 0 * scale = +0 whatever it
// was, and raises no floating-point flag.
#include <string.h>

#include "common/float16.h"
#include "common/float8.h"
#include "scalar/backend.h"
#include "scalar/computed.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))

// Which decision element k has.
static ALWAYS_INLINE size_t decision_of(simdrop_repeat repeat, size_t first, size_t length, size_t k) {
  switch (repeat) {
    case SIMDROP_RUNS: return first + k / length;
    case SIMDROP_PERIODS: return (first + k) % length;
    default: return first + k;
  }
}

// 1 = kept.
static ALWAYS_INLINE uint64_t decision_bit(bool in_bytes, const simdrop_decisions *decisions, size_t k) {
  return in_bytes ? decisions->bytes[k / 8] >> (k % 8) & 1u : decisions->words[k / 64] >> (k % 64) & 1;
}

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

static inline uint8_t multiply_f8e4m3fn(uint8_t x, float scale) {
  const uint32_t wide = simdrop_bits_from_float(simdrop_float_from_f8e4m3fn(x));
  return simdrop_f8e4m3fn_from_float(simdrop_float_from_bits(multiply_f32(wide, scale)));
}

static inline uint8_t multiply_f8e5m2(uint8_t x, float scale) {
  const uint32_t wide = simdrop_bits_from_float(simdrop_float_from_f8e5m2(x));
  return simdrop_f8e5m2_from_float(simdrop_float_from_bits(multiply_f32(wide, scale)));
}

// What the kernels for pages do: one page after the other, whatever the way is.
static void consume_steps(simdrop_consume_kernel *consume, size_t size, size_t begin, size_t end,
                          const simdrop_decisions *decisions, const simdrop_operands *operands, const simdrop_memory_way *way) {
  const size_t k = begin * SIMDROP_STEP_ELEMENTS;
  simdrop_decisions moved_decisions = *decisions;
  simdrop_operands moved_operands = *operands;
  moved_decisions.first += k;
  moved_operands.x = (const char *)operands->x + k * size;
  moved_operands.y = (char *)operands->y + k * size;
  consume((end - begin) * SIMDROP_STEP_ELEMENTS, &moved_decisions, &moved_operands, way->store);
}

// Elements are handled as their bits: all of them where the decision is 1, none where it is 0.

#define TYPE f32
#define FACTOR float
#include "scalar/scale_body.h"
#define TYPE f64
#define FACTOR double
#include "scalar/scale_body.h"
#define TYPE f16
#define FACTOR float
#include "scalar/scale_body.h"
#define TYPE bf16
#define FACTOR float
#include "scalar/scale_body.h"
#define TYPE f8e4m3fn
#define FACTOR float
#include "scalar/scale_body.h"
#define TYPE f8e5m2
#define FACTOR float
#include "scalar/scale_body.h"

#define TYPE f32
#include "scalar/affine_body.h"
#define TYPE f64
#include "scalar/affine_body.h"
#define TYPE f16
#include "scalar/affine_body.h"
#define TYPE bf16
#include "scalar/affine_body.h"

void simdrop_scalar_finish_stores(void) {}

#define WIDTH 8
#include "scalar/select_body.h"
#define WIDTH 16
#include "scalar/select_body.h"
#define WIDTH 32
#include "scalar/select_body.h"
#define WIDTH 64
#include "scalar/select_body.h"

void simdrop_scalar_expand_bytes(size_t n, const simdrop_decisions *decisions, const simdrop_operands *operands,
                                 simdrop_store store) {
  uint8_t *const y = (uint8_t *)operands->y;
  const simdrop_decisions copy = *decisions;
  (void)store;
  for (size_t k = 0; k < n; ++k) y[k] = (uint8_t)decision_bit(copy.words == NULL, &copy, copy.first + k);
}

// Softmax with dropout and its gradient, in the words of the backend's arithmetic.h (included before this file). A row goes
// through the first cache several times, each time for one thing alone: through a buffer that has the numbers that are computed
// with, and behind the row's last as many that change nothing as it takes to make words of 64.
#ifndef SIMDROP_COMMON_SOFTMAX_BODY_H
#define SIMDROP_COMMON_SOFTMAX_BODY_H

#include <math.h>
#include <string.h>

#include "common/bits.h"
#include "common/consumer_parts.h"
#include "common/kernel_table.h"
#include "common/math_body.h"
#include "common/row_sums_body.h"

static inline uint64_t low_decisions(size_t count) { return count < WORD_ELEMENTS ? low_bits(count) : ~UINT64_C(0); }

// Bit k = byte k is not 0, of at most 64.
static inline uint64_t bits_of_allowed(const uint8_t *allowed, size_t count) {
  const uint64_t lowest = UINT64_C(0x0101010101010101);
  uint64_t bits = 0;
  for (size_t k = 0; k < count; k += 8) {
    const uint64_t bytes = simdrop_word_from_bytes(allowed + k, count - k < 8 ? count - k : 8);
    const uint64_t is_set = (((bytes & 127 * lowest) + 127 * lowest) | bytes) >> 7 & lowest;
    bits |= (is_set * UINT64_C(0x0102040810204080)) >> 56 << k;
  }
  return bits;
}

#define COMPUTES_F64_f32 0
#define COMPUTES_F64_f64 1
#define COMPUTES_F64_f16 0
#define COMPUTES_F64_bf16 0

#define TYPE f32
#include "common/softmax_numbers_body.h"
#include "common/softmax_row_body.h"
#undef TYPE
#define TYPE f16
#include "common/softmax_row_body.h"
#undef TYPE
#define TYPE bf16
#include "common/softmax_row_body.h"
#undef TYPE
#define TYPE f64
#include "common/softmax_numbers_body.h"
#include "common/softmax_row_body.h"
#undef TYPE

#endif

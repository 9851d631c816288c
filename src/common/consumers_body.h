// The vector backends' consumers, in the words of the backend's simd.h (included before this file), which takes 64 elements
// and one word of mask at a time.
#ifndef SIMDROP_COMMON_CONSUMERS_BODY_H
#define SIMDROP_COMMON_CONSUMERS_BODY_H

#include <string.h>

#include "common/kernel_table.h"

enum {
  WORD_ELEMENTS = 64,
  STREAM_ALIGNMENT = 64
};

// The mask of elements k to k + 63; those from n on read as dropped.
static inline uint64_t bits_at(const uint64_t *words, size_t k, size_t n) {
  const unsigned shift = k % WORD_ELEMENTS;
  uint64_t bits = words[k / WORD_ELEMENTS] >> shift;
  if (shift != 0 && k + (WORD_ELEMENTS - shift) < n) bits |= words[k / WORD_ELEMENTS + 1] << (WORD_ELEMENTS - shift);
  return n - k >= WORD_ELEMENTS ? bits : bits & ((UINT64_C(1) << (n - k)) - 1);
}

// Elements of `size` bytes from y on until the next multiple of STREAM_ALIGNMENT.
static inline size_t elements_to_alignment(const void *y, size_t size, size_t n) {
  const size_t count = (STREAM_ALIGNMENT - (uintptr_t)y % STREAM_ALIGNMENT) % STREAM_ALIGNMENT / size;
  return count < n ? count : n;
}

// scale_part takes fewer than 64 elements, through a copy: no byte outside the arrays is touched.
#define SIMDROP_DEFINE_SCALE(dtype, element)                                                                                   \
  static inline void scale_part_##dtype(size_t count, uint64_t bits, const element *x, element *y, simd_scale_##dtype scale) { \
    element part[WORD_ELEMENTS] = {0};                                                                                         \
    memcpy(part, x, count * sizeof *x);                                                                                        \
    simd_scale_word_##dtype(bits, part, part, scale, false);                                                                   \
    memcpy(y, part, count * sizeof *y);                                                                                        \
  }                                                                                                                            \
                                                                                                                               \
  void SIMDROP_LOCAL(scale_##dtype)(size_t n, const uint64_t *words, const void *x, void *y, double scale, bool stream) {      \
    const element *const in = x;                                                                                               \
    element *const out = y;                                                                                                    \
    const simd_scale_##dtype factor = simd_set_scale_##dtype(scale);                                                           \
    size_t k = 0;                                                                                                              \
    if (stream) {                                                                                                              \
      k = elements_to_alignment(out, sizeof *out, n);                                                                          \
      if (k > 0) scale_part_##dtype(k, bits_at(words, 0, k), in, out, factor);                                                 \
      for (; k + WORD_ELEMENTS <= n; k += WORD_ELEMENTS)                                                                       \
        simd_scale_word_##dtype(bits_at(words, k, n), in + k, out + k, factor, true);                                          \
      simd_stream_fence();                                                                                                     \
    } else {                                                                                                                   \
      for (; k + WORD_ELEMENTS <= n; k += WORD_ELEMENTS)                                                                       \
        simd_scale_word_##dtype(words[k / WORD_ELEMENTS], in + k, out + k, factor, false);                                     \
    }                                                                                                                          \
    if (k < n) scale_part_##dtype(n - k, bits_at(words, k, n), in + k, out + k, factor);                                       \
  }

SIMDROP_DEFINE_SCALE(f32, float)
SIMDROP_DEFINE_SCALE(f64, double)
SIMDROP_DEFINE_SCALE(f16, uint16_t)
SIMDROP_DEFINE_SCALE(bf16, uint16_t)

#define SIMDROP_DEFINE_SELECT(width)                                                                                        \
  void SIMDROP_LOCAL(select_##width)(size_t n, const uint64_t *words, const void *x, void *y) {                             \
    const uint##width##_t *const in = x;                                                                                    \
    uint##width##_t *const out = y;                                                                                         \
    size_t k = 0;                                                                                                           \
    for (; k + WORD_ELEMENTS <= n; k += WORD_ELEMENTS) simd_select_word_##width(words[k / WORD_ELEMENTS], in + k, out + k); \
    if (k < n) {                                                                                                            \
      uint##width##_t part[WORD_ELEMENTS] = {0};                                                                            \
      memcpy(part, in + k, (n - k) * sizeof *in);                                                                           \
      simd_select_word_##width(words[k / WORD_ELEMENTS], part, part);                                                       \
      memcpy(out + k, part, (n - k) * sizeof *out);                                                                         \
    }                                                                                                                       \
  }

SIMDROP_DEFINE_SELECT(16)
SIMDROP_DEFINE_SELECT(32)
SIMDROP_DEFINE_SELECT(64)

void SIMDROP_LOCAL(expand_bytes)(size_t n, const uint64_t *words, uint8_t *bytes) {
  size_t k = 0;
  for (; k + WORD_ELEMENTS <= n; k += WORD_ELEMENTS) simd_expand_word(words[k / WORD_ELEMENTS], bytes + k);
  if (k < n) {
    uint8_t part[WORD_ELEMENTS];
    simd_expand_word(words[k / WORD_ELEMENTS], part);
    memcpy(bytes + k, part, n - k);
  }
}

#endif

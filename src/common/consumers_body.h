// The vector backends' consumers, in the words of the backend's simd.h (included before this file), which takes 64 elements
// and one word of mask at a time.
#ifndef SIMDROP_COMMON_CONSUMERS_BODY_H
#define SIMDROP_COMMON_CONSUMERS_BODY_H

#include <string.h>

#include "common/kernel_table.h"

enum {
  WORD_ELEMENTS = 64,
  CACHE_LINE = 64,
  PREFETCH_DISTANCE = 8192,  // bytes; 2 to 16 KiB measure alike, and all better than none
};

// The 64 bits from bit k on. Where they are one word, the next is read too, and shifted out.
static inline uint64_t bits_at(const uint64_t *words, size_t k) {
  const unsigned shift = k % WORD_ELEMENTS;
  return words[k / WORD_ELEMENTS] >> shift | words[k / WORD_ELEMENTS + 1] << 1 << (WORD_ELEMENTS - 1 - shift);
}

// The same for fewer than 64 elements; the bits beyond them are 0.
static inline uint64_t bits_of_part(const uint64_t *words, size_t k, size_t count) {
  return bits_at(words, k) & ((UINT64_C(1) << count) - 1);
}

// Elements of `size` bytes from y on until the next multiple of CACHE_LINE.
static inline size_t elements_to_alignment(const void *y, size_t size, size_t n) {
  const size_t count = (CACHE_LINE - (uintptr_t)y % CACHE_LINE) % CACHE_LINE / size;
  return count < n ? count : n;
}

// Asks for what follows far behind 64 elements: stores past the caches come with long inputs, whose pages the hardware's
// prefetcher does not cross.
static inline void prefetch_far(const void *x, size_t size) {
  for (size_t line = 0; line < WORD_ELEMENTS * size; line += CACHE_LINE)
    __builtin_prefetch((const char *)x + PREFETCH_DISTANCE + line, 0, 2);
}

// Fewer than 64 elements go through a copy: no byte outside the arrays is touched.
#define SIMDROP_DEFINE_SCALE(dtype, element)                                                                                   \
  static inline void scale_part_##dtype(size_t count, uint64_t bits, const element *x, element *y, simd_scale_##dtype scale) { \
    element part[WORD_ELEMENTS] = {0};                                                                                         \
    memcpy(part, x, count * sizeof *x);                                                                                        \
    simd_scale_word_##dtype(bits, part, part, scale, false);                                                                   \
    memcpy(y, part, count * sizeof *y);                                                                                        \
  }                                                                                                                            \
                                                                                                                               \
  void SIMDROP_LOCAL(scale_##dtype)(size_t n, const uint64_t *words, size_t first, const void *x, void *y, double scale,       \
                                    bool stream) {                                                                             \
    const element *const in = x;                                                                                               \
    element *const out = y;                                                                                                    \
    const simd_scale_##dtype factor = simd_set_scale_##dtype(scale);                                                           \
    size_t k = 0;                                                                                                              \
    if (stream) {                                                                                                              \
      k = elements_to_alignment(out, sizeof *out, n);                                                                          \
      if (k > 0) scale_part_##dtype(k, bits_of_part(words, first, k), in, out, factor);                                        \
      for (; k + WORD_ELEMENTS <= n; k += WORD_ELEMENTS) {                                                                     \
        prefetch_far(in + k, sizeof *in);                                                                                      \
        simd_scale_word_##dtype(bits_at(words, first + k), in + k, out + k, factor, true);                                     \
      }                                                                                                                        \
    } else {                                                                                                                   \
      for (; k + WORD_ELEMENTS <= n; k += WORD_ELEMENTS)                                                                       \
        simd_scale_word_##dtype(bits_at(words, first + k), in + k, out + k, factor, false);                                    \
    }                                                                                                                          \
    if (k < n) scale_part_##dtype(n - k, bits_of_part(words, first + k, n - k), in + k, out + k, factor);                      \
  }

SIMDROP_DEFINE_SCALE(f32, float)
SIMDROP_DEFINE_SCALE(f64, double)
SIMDROP_DEFINE_SCALE(f16, uint16_t)
SIMDROP_DEFINE_SCALE(bf16, uint16_t)

void SIMDROP_LOCAL(stream_end)(void) { simd_stream_fence(); }

#define SIMDROP_DEFINE_SELECT(width)                                                                                         \
  void SIMDROP_LOCAL(select_##width)(size_t n, const uint64_t *words, size_t first, const void *x, void *y) {                \
    const uint##width##_t *const in = x;                                                                                     \
    uint##width##_t *const out = y;                                                                                          \
    size_t k = 0;                                                                                                            \
    for (; k + WORD_ELEMENTS <= n; k += WORD_ELEMENTS) simd_select_word_##width(bits_at(words, first + k), in + k, out + k); \
    if (k < n) {                                                                                                             \
      uint##width##_t part[WORD_ELEMENTS] = {0};                                                                             \
      memcpy(part, in + k, (n - k) * sizeof *in);                                                                            \
      simd_select_word_##width(bits_of_part(words, first + k, n - k), part, part);                                           \
      memcpy(out + k, part, (n - k) * sizeof *out);                                                                          \
    }                                                                                                                        \
  }

SIMDROP_DEFINE_SELECT(16)
SIMDROP_DEFINE_SELECT(32)
SIMDROP_DEFINE_SELECT(64)

void SIMDROP_LOCAL(expand_bytes)(size_t n, const uint64_t *words, size_t first, uint8_t *bytes) {
  size_t k = 0;
  for (; k + WORD_ELEMENTS <= n; k += WORD_ELEMENTS) simd_expand_word(bits_at(words, first + k), bytes + k);
  if (k < n) {
    uint8_t part[WORD_ELEMENTS];
    simd_expand_word(bits_at(words, first + k), part);
    memcpy(bytes + k, part, n - k);
  }
}

#endif

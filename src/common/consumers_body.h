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

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define IS_LITTLE_ENDIAN 1
#else
#define IS_LITTLE_ENDIAN 0
#endif

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

// Asks for what follows so many bytes behind 64 elements: stores past the caches come with long inputs, whose pages the
// hardware's prefetcher does not cross.
static inline void prefetch_lines(const void *x, size_t size, size_t distance) {
  for (size_t line = 0; line < WORD_ELEMENTS * size; line += CACHE_LINE)
    __builtin_prefetch((const char *)x + distance + line, 0, 2);
}

#ifndef SIMD_STREAMS
#define SIMD_STREAMS SIMDROP_STREAMS
#endif

// Where the decisions of the elements to come are found; each kernel has its way to go on.
typedef struct decision_cursor {
  const uint64_t *words;
  const uint8_t *bytes;  // in place of words: packed bytes, of which none is read that has no decision of the call
  size_t bit;
  size_t length;     // elements of a run, or of a period
  size_t left;       // in the current run
  uint64_t current;  // its decision, in every bit
} decision_cursor;

// The decisions of the next `count` elements, 1 to 64, and anything in the bits above them: one for each element, or ...

static inline uint64_t next_of_each(decision_cursor *cursor, size_t count) {
  const uint64_t bits = bits_at(cursor->words, cursor->bit);
  cursor->bit += count;
  return bits;
}

// Packed bytes, or words that are in memory like packed bytes: a load in place of two and three shifts, two of which the
// vectors' ports would have to wait for.
static inline uint64_t next_of_bytes(decision_cursor *cursor, size_t count) {
  uint64_t bits = 0;
#if IS_LITTLE_ENDIAN
  if (count == WORD_ELEMENTS) {
    memcpy(&bits, cursor->bytes, sizeof bits);
    cursor->bytes += sizeof bits;
    return bits;
  }
#endif
  const size_t byte_count = (count + 7) / 8;
  for (size_t i = 0; i < byte_count; ++i) bits |= (uint64_t)cursor->bytes[i] << (8 * i);
  cursor->bytes += byte_count;
  return bits;
}

static inline uint64_t decision_in_every_bit(const uint64_t *words, size_t k) {
  return (uint64_t)0 - (words[k / WORD_ELEMENTS] >> (k % WORD_ELEMENTS) & 1);
}

// At most one run ends among 64 elements.
static inline uint64_t next_of_run(decision_cursor *cursor, size_t count) {
  if (cursor->left >= count) {
    cursor->left -= count;
    return cursor->current;
  }
  const uint64_t next = decision_in_every_bit(cursor->words, ++cursor->bit);
  const uint64_t bits = (cursor->current & ((UINT64_C(1) << cursor->left) - 1)) | next << cursor->left;
  cursor->left += cursor->length - count;
  cursor->current = next;
  return bits;
}

static inline uint64_t next_of_period(decision_cursor *cursor, size_t count) {
  const uint64_t bits = bits_at(cursor->words, cursor->bit);
  cursor->bit += count;
  if (cursor->bit >= cursor->length) cursor->bit -= cursor->length;
  return bits;
}

static inline uint64_t low_bits(size_t count) { return (UINT64_C(1) << count) - 1; }

// The loop of a kernel: `next` finds the decisions, `scale_word` applies 64 of them.
#define SIMDROP_DEFINE_SCALE_LOOP(name, dtype, element, next, scale_word)                                               \
  static inline void name##_##dtype(size_t n, decision_cursor cursor, const void *x, void *y, simdrop_multiplier scale, \
                                    bool stream) {                                                                      \
    const element *const in = (const element *)x;                                                                       \
    element *const out = (element *)y;                                                                                  \
    const simd_scale_##dtype factor = simd_set_scale_##dtype(scale);                                                    \
    size_t k = 0;                                                                                                       \
    if (stream) {                                                                                                       \
      k = elements_to_alignment(out, sizeof *out, n);                                                                   \
      if (k > 0) scale_part_##dtype(k, next(&cursor, k) & low_bits(k), in, out, factor);                                \
      for (; k + WORD_ELEMENTS <= n; k += WORD_ELEMENTS) {                                                              \
        prefetch_lines(in + k, sizeof *in, PREFETCH_DISTANCE);                                                          \
        scale_word(next(&cursor, WORD_ELEMENTS), in + k, out + k, factor, true);                                        \
      }                                                                                                                 \
    } else {                                                                                                            \
      for (; k + WORD_ELEMENTS <= n; k += WORD_ELEMENTS)                                                                \
        scale_word(next(&cursor, WORD_ELEMENTS), in + k, out + k, factor, false);                                       \
    }                                                                                                                   \
    if (k < n) scale_part_##dtype(n - k, next(&cursor, n - k) & low_bits(n - k), in + k, out + k, factor);              \
  }

// Step k of a chunk is in stream k % SIMD_STREAMS. Steps begin where y's lines do, so that they write whole lines: what is
// left at the chunk's beginning belongs to the first step, and the last step is shorter by as much.
#define SIMDROP_DEFINE_SCALE_STREAMS(dtype, element)                                                                      \
  void SIMDROP_LOCAL(scale_streams_##dtype)(size_t begin, size_t end, const uint64_t *words, size_t first, const void *x, \
                                            void *y, simdrop_multiplier scale) {                                          \
    const element *const in = (const element *)x;                                                                         \
    element *const out = (element *)y;                                                                                    \
    const simd_scale_##dtype factor = simd_set_scale_##dtype(scale);                                                      \
    const size_t n = SIMDROP_STREAMS * SIMDROP_STREAM_BYTES / sizeof *out;                                                \
    const size_t lead = elements_to_alignment(out, sizeof *out, n);                                                       \
    if (begin == 0 && lead > 0) scale_part_##dtype(lead, bits_of_part(words, first, lead), in, out, factor);              \
    for (size_t step = begin; step < end; ++step) {                                                                       \
      const size_t k = lead + step % SIMD_STREAMS * (n / SIMD_STREAMS) + step / SIMD_STREAMS * WORD_ELEMENTS;             \
      if (k + WORD_ELEMENTS > n) {                                                                                        \
        scale_part_##dtype(n - k, bits_of_part(words, first + k, n - k), in + k, out + k, factor);                        \
        continue;                                                                                                         \
      }                                                                                                                   \
      prefetch_lines(in + k, sizeof *in, n * sizeof *in);                                                                 \
      simd_scale_word_##dtype(bits_at(words, first + k), in + k, out + k, factor, true);                                  \
    }                                                                                                                     \
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
  SIMDROP_DEFINE_SCALE_STREAMS(dtype, element)                                                                                 \
  SIMDROP_DEFINE_SCALE_LOOP(scale_each, dtype, element, next_of_each, simd_scale_word_##dtype)                                 \
  SIMDROP_DEFINE_SCALE_LOOP(scale_whole, dtype, element, next_of_bytes, simd_scale_word_##dtype)                               \
  SIMDROP_DEFINE_SCALE_LOOP(scale_stored, dtype, element, next_of_bytes, simd_scale_lone_word_##dtype)                         \
  SIMDROP_DEFINE_SCALE_LOOP(scale_run, dtype, element, next_of_run, simd_scale_lone_word_##dtype)                              \
  SIMDROP_DEFINE_SCALE_LOOP(scale_period, dtype, element, next_of_period, simd_scale_lone_word_##dtype)                        \
                                                                                                                               \
  void SIMDROP_LOCAL(scale_##dtype)(size_t n, const uint64_t *words, size_t first, const void *x, void *y,                     \
                                    simdrop_multiplier scale, bool stream) {                                                   \
    if (IS_LITTLE_ENDIAN && first % 8 == 0 && !stream) {                                                                       \
      scale_whole_##dtype(n, (decision_cursor){.bytes = (const uint8_t *)words + first / 8}, x, y, scale, false);              \
    } else {                                                                                                                   \
      scale_each_##dtype(n, (decision_cursor){.words = words, .bit = first}, x, y, scale, stream);                             \
    }                                                                                                                          \
  }                                                                                                                            \
                                                                                                                               \
  void SIMDROP_LOCAL(scale_packed_##dtype)(size_t n, const uint8_t *bits, const void *x, void *y, simdrop_multiplier scale) {  \
    scale_stored_##dtype(n, (decision_cursor){.bytes = bits}, x, y, scale, false);                                             \
  }                                                                                                                            \
                                                                                                                               \
  void SIMDROP_LOCAL(scale_runs_##dtype)(size_t n, const uint64_t *words, size_t first, size_t length, const void *x, void *y, \
                                         simdrop_multiplier scale, bool stream) {                                              \
    const decision_cursor cursor = {words, NULL, first, length, length, decision_in_every_bit(words, first)};                  \
    scale_run_##dtype(n, cursor, x, y, scale, stream);                                                                         \
  }                                                                                                                            \
                                                                                                                               \
  void SIMDROP_LOCAL(scale_periods_##dtype)(size_t n, const uint64_t *words, size_t first, size_t length, const void *x,       \
                                            void *y, simdrop_multiplier scale, bool stream) {                                  \
    const decision_cursor cursor = {.words = words, .bit = first, .length = length};                                           \
    scale_period_##dtype(n, cursor, x, y, scale, stream);                                                                      \
  }

SIMDROP_DEFINE_SCALE(f32, float)
SIMDROP_DEFINE_SCALE(f64, double)
SIMDROP_DEFINE_SCALE(f16, uint16_t)
SIMDROP_DEFINE_SCALE(bf16, uint16_t)

void SIMDROP_LOCAL(stream_end)(void) { simd_stream_fence(); }

#define SIMDROP_DEFINE_SELECT(width)                                                                                         \
  void SIMDROP_LOCAL(select_##width)(size_t n, const uint64_t *words, size_t first, const void *x, void *y) {                \
    const uint##width##_t *const in = (const uint##width##_t *)x;                                                            \
    uint##width##_t *const out = (uint##width##_t *)y;                                                                       \
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

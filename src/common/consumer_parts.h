// What the vector backends' consumers share that takes no vectors: words of decisions, and lines of memory.
#ifndef SIMDROP_COMMON_CONSUMER_PARTS_H
#define SIMDROP_COMMON_CONSUMER_PARTS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/bits.h"
#include "common/kernel_table.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))
#define NEVER_INLINE __attribute__((noinline))

enum {
  WORD_ELEMENTS = 64
};

// Elements of each type that is computed in. What changes nothing when it is added is -0.
#define MINUS_ZERO_f32 (-0.0F)
#define MINUS_ZERO_f64 (-0.0)
#define MINUS_ZERO_f16 0x8000
#define MINUS_ZERO_bf16 0x8000
#define ONE_f32 1
#define ONE_f64 1
#define ONE_f16 0x3c00
#define ONE_bf16 0x3f80

static inline uint64_t low_bits(size_t count) { return (UINT64_C(1) << count) - 1; }

// Elements as whole words of them.
static inline size_t whole_words(size_t count) { return (count + WORD_ELEMENTS - 1) / WORD_ELEMENTS * WORD_ELEMENTS; }

// Fewer than 64 elements of `size` bytes are handled in copies, which zeros make whole.
static ALWAYS_INLINE void copy_part(size_t count, size_t size, const void *elements, void *copy) {
  memset(copy, 0, WORD_ELEMENTS * size);
  memcpy(copy, elements, count * size);
}

// Asks for what follows so many bytes behind 64 elements.
static inline void prefetch_lines(const void *x, size_t size, size_t distance) {
  for (size_t line = 0; line < WORD_ELEMENTS * size; line += SIMDROP_CACHE_LINE)
    __builtin_prefetch((const char *)x + distance + line, 0, 2);
}

// Once in each page of y, asks for a line of the page so many bytes behind it, before `size` bytes are stored past the caches.
// Nothing is read of y, and so neither its lines nor the way to its pages are on hand: at each page's first store, all of them
// wait, and with them what the processor could have loaded meanwhile (docs/performance.md has the figures).
static ALWAYS_INLINE void prefetch_page(const void *y, size_t size, size_t distance) {
  if ((uintptr_t)y % SIMDROP_PAGE_BYTES < size) __builtin_prefetch((const char *)y + distance, 0, 0);
}

// The same before a word of elements of `size` bytes, where stores may be ordinary ones.
static ALWAYS_INLINE void prefetch_page_of_word(bool non_temporal, const void *y, size_t size) {
  if (non_temporal) prefetch_page(y, WORD_ELEMENTS * size, SIMDROP_PAGE_BYTES);
}

#endif

// The vector backends' consumers, in the words of the backend's simd.h (included before this file), which takes 64 elements
// and one word of mask at a time.
#ifndef SIMDROP_COMMON_CONSUMERS_BODY_H
#define SIMDROP_COMMON_CONSUMERS_BODY_H

#include <string.h>

#include "common/bits.h"
#include "common/consumer_parts.h"
#include "common/kernel_table.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define IS_LITTLE_ENDIAN 1
#else
#define IS_LITTLE_ENDIAN 0
#endif

// The 64 bits from bit k on, of packed bytes, none but those that they are in: the second load ends where they do.
static inline uint64_t bits_of_bytes_at(const uint8_t *bytes, size_t k) {
  const unsigned shift = k % 8;
  return simdrop_whole_word_from_bytes(bytes + k / 8) >> shift | simdrop_whole_word_from_bytes(bytes + (k + 7) / 8)
                                                                     << (-shift % 8);
}

// For fewer than 64 bits, with anything above them.
static inline uint64_t bits_of_few_bytes_at(const uint8_t *bytes, size_t k, size_t count) {
  const unsigned shift = k % 8;
  const size_t byte_count = (shift + count + 7) / 8;
  bytes += k / 8;
  if (byte_count <= 8) return simdrop_word_from_bytes(bytes, byte_count) >> shift;
  return simdrop_word_from_bytes(bytes, 8) >> shift | (uint64_t)bytes[8] << 1 << (WORD_ELEMENTS - 1 - shift);
}

// The ways in which the decisions of the elements to come are found. Loops are made for each: it is a constant to them.
typedef enum decision_kind {
  IN_WORDS,
  IN_WHOLE_BYTES,  // packed bytes, or words that are in memory like packed bytes, from the first bit of one on, and by
                   // multiples of 8
  IN_BYTES,        // packed bytes from any bit on
  IN_RUNS,
  IN_PERIODS,
} decision_kind;

typedef struct decision_cursor {
  const uint64_t *words;
  const uint8_t *bytes;  // in place of words
  size_t bit;
  size_t length;     // elements of a run, or of a period
  size_t left;       // in the current run
  uint64_t current;  // its decision, in every bit
} decision_cursor;

static inline uint64_t decision_in_every_bit(const uint64_t *words, size_t k) {
  return (uint64_t)0 - (words[k / WORD_ELEMENTS] >> (k % WORD_ELEMENTS) & 1);
}

static ALWAYS_INLINE decision_cursor first_decisions(decision_kind kind, const simdrop_decisions *decisions) {
  decision_cursor cursor = {
      .words = decisions->words, .bytes = decisions->bytes, .bit = decisions->first, .length = decisions->length};
  if (kind == IN_WHOLE_BYTES)
    cursor.bytes = (decisions->words != NULL ? (const uint8_t *)decisions->words : decisions->bytes) + decisions->first / 8;
  if (kind == IN_RUNS) {
    cursor.left = decisions->length;
    cursor.current = decision_in_every_bit(decisions->words, decisions->first);
  }
  return cursor;
}

// A load in place of two and three shifts, two of which the vectors' ports would have to wait for.
static inline uint64_t next_of_whole_bytes(decision_cursor *cursor, size_t count) {
  const size_t byte_count = (count + 7) / 8;
  const bool is_whole = count == WORD_ELEMENTS || cursor->words != NULL;  // a word past the last may be read, a byte may not
  const uint64_t bits =
      is_whole ? simdrop_whole_word_from_bytes(cursor->bytes) : simdrop_word_from_bytes(cursor->bytes, byte_count);
  cursor->bytes += byte_count;
  return bits;
}

static inline uint64_t next_of_bytes(decision_cursor *cursor, size_t count) {
  const uint64_t bits = count == WORD_ELEMENTS ? bits_of_bytes_at(cursor->bytes, cursor->bit)
                                               : bits_of_few_bytes_at(cursor->bytes, cursor->bit, count);
  cursor->bit += count;
  return bits;
}

// At most one run ends among 64 elements.
static inline uint64_t next_of_run(decision_cursor *cursor, size_t count) {
  if (cursor->left >= count) {
    cursor->left -= count;
    return cursor->current;
  }
  const uint64_t next = decision_in_every_bit(cursor->words, ++cursor->bit);
  const uint64_t bits = (cursor->current & low_bits(cursor->left)) | next << cursor->left;
  cursor->left += cursor->length - count;
  cursor->current = next;
  return bits;
}

static inline uint64_t next_of_words(decision_cursor *cursor, size_t count) {
  const uint64_t bits = simdrop_bits_from(cursor->words, cursor->bit);
  cursor->bit += count;
  return bits;
}

static inline uint64_t next_of_period(decision_cursor *cursor, size_t count) {
  const uint64_t bits = next_of_words(cursor, count);
  if (cursor->bit >= cursor->length) cursor->bit -= cursor->length;
  return bits;
}

// The decisions of the next `count` elements, 1 to 64, and anything in the bits above them.
static ALWAYS_INLINE uint64_t next_decisions(decision_kind kind, decision_cursor *cursor, size_t count) {
  switch (kind) {
    case IN_WHOLE_BYTES: return next_of_whole_bytes(cursor, count);
    case IN_BYTES: return next_of_bytes(cursor, count);
    case IN_RUNS: return next_of_run(cursor, count);
    case IN_PERIODS: return next_of_period(cursor, count);
    default: return next_of_words(cursor, count);
  }
}

// Whether words or bytes, one decision for each element, begin with a byte.
static inline bool begin_with_byte(const simdrop_decisions *decisions) {
  return decisions->first % 8 == 0 && (IS_LITTLE_ENDIAN || decisions->words == NULL);
}

void SIMDROP_LOCAL(finish_stores)(void) { simd_finish_stores(); }

#define TYPE f32
#include "common/scale_body.h"
#define TYPE f64
#include "common/scale_body.h"
#define TYPE f16
#include "common/scale_body.h"
#define TYPE bf16
#include "common/scale_body.h"
#define TYPE f8e4m3fn
#include "common/scale_body.h"
#define TYPE f8e5m2
#include "common/scale_body.h"

// For loops that are there once for all kinds.
static NEVER_INLINE uint64_t next_decisions_of(decision_kind kind, decision_cursor *cursor, size_t count) {
  return next_decisions(kind, cursor, count);
}

static inline decision_kind kind_of_decisions(const simdrop_decisions *decisions) {
  switch (decisions->repeat) {
    case SIMDROP_RUNS: return IN_RUNS;
    case SIMDROP_PERIODS: return IN_PERIODS;
    default: return decisions->words == NULL ? IN_BYTES : IN_WORDS;
  }
}

// The steps of a chunk in pages, as scale_pages_<type> takes them.
typedef struct paged_steps {
  size_t n, lead, page_elements;
  unsigned pages_log2;
} paged_steps;

static inline paged_steps begin_paged_steps(const void *y, size_t size, const simdrop_memory_way *way) {
  const size_t n = simdrop_paged_chunk_bytes(size) / size;
  return (paged_steps){n, elements_to_alignment(y, size, n), n >> way->pages_log2, way->pages_log2};
}

static inline size_t element_of_step(const paged_steps *steps, size_t step) {
  const size_t page = step & (((size_t)1 << steps->pages_log2) - 1);
  return steps->lead + page * steps->page_elements + (step >> steps->pages_log2) * WORD_ELEMENTS;
}

// The decisions of `count` elements from k on, and anything above them.
static NEVER_INLINE uint64_t decisions_at(const simdrop_decisions *decisions, size_t k, size_t count) {
  const size_t bit = decisions->first + k;
  if (decisions->words != NULL) return simdrop_bits_from(decisions->words, bit);
  return count == WORD_ELEMENTS ? bits_of_bytes_at(decisions->bytes, bit) : bits_of_few_bytes_at(decisions->bytes, bit, count);
}

#define TYPE f32
#include "common/affine_body.h"
#define TYPE f64
#include "common/affine_body.h"
#define TYPE f16
#include "common/affine_body.h"
#define TYPE bf16
#include "common/affine_body.h"

#define WIDTH 8
#include "common/select_body.h"
#define WIDTH 16
#include "common/select_body.h"
#define WIDTH 32
#include "common/select_body.h"
#define WIDTH 64
#include "common/select_body.h"

static inline void expand_part(size_t count, uint64_t bits, uint8_t *bytes) {
  uint8_t part[WORD_ELEMENTS];
  simd_expand_word(bits, part, false);
  memcpy(bytes, part, count);
}

static ALWAYS_INLINE void expand_loop(decision_kind kind, size_t n, const simdrop_decisions *decisions, uint8_t *bytes,
                                      bool non_temporal) {
  decision_cursor cursor = first_decisions(kind, decisions);
  size_t k = 0;
  if (non_temporal) {
    k = elements_to_alignment(bytes, sizeof *bytes, n);
    if (k > 0) expand_part(k, next_decisions(kind, &cursor, k), bytes);
  }
  for (; k + WORD_ELEMENTS <= n; k += WORD_ELEMENTS) {
    prefetch_page_of_word(non_temporal, bytes + k, sizeof *bytes);
    simd_expand_word(next_decisions(kind, &cursor, WORD_ELEMENTS), bytes + k, non_temporal);
  }
  if (k < n) expand_part(n - k, next_decisions(kind, &cursor, n - k), bytes + k);
}

void SIMDROP_LOCAL(expand_bytes)(size_t n, const simdrop_decisions *decisions, const simdrop_operands *operands,
                                 simdrop_store store) {
  uint8_t *const bytes = (uint8_t *)operands->y;
  if (decisions->words == NULL) {
    expand_loop(IN_BYTES, n, decisions, bytes, false);  // which no long call has
  } else if (store == SIMDROP_STORE_NON_TEMPORAL) {
    expand_loop(IN_WORDS, n, decisions, bytes, true);
  } else {
    expand_loop(IN_WORDS, n, decisions, bytes, false);
  }
}

#endif

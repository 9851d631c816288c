// What everything counts with: the lesser of two sizes, lines of memory, bits of numbers, and bits out of words and bytes: bit
// k is bit k % 64 of words[k / 64], or bit k % 8 of bytes[k / 8].
#ifndef SIMDROP_COMMON_BITS_H
#define SIMDROP_COMMON_BITS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline size_t minimum(size_t a, size_t b) { return a < b ? a : b; }

#define SIMDROP_CACHE_LINE ((size_t)64)

// Elements of `size` bytes from an address on until the next line begins, but no more than n.
static inline size_t elements_to_alignment(const void *address, size_t size, size_t n) {
  const size_t bytes = (SIMDROP_CACHE_LINE - (uintptr_t)address % SIMDROP_CACHE_LINE) % SIMDROP_CACHE_LINE;
  return minimum(bytes / size, n);
}

// Of a value other than 0.
static inline int simdrop_trailing_zeros(uint64_t value) {
#if defined(__GNUC__)
  return __builtin_ctzll(value);
#else
  int count = 0;
  while (!(value >> count & 1)) ++count;
  return count;
#endif
}

// In C that every compiler vectorises, where there may be no instruction for it.
static inline unsigned simdrop_count_ones(uint64_t word) {
  word -= word >> 1 & UINT64_C(0x5555555555555555);
  word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
  return (unsigned)(((word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f)) * UINT64_C(0x0101010101010101) >> 56);
}

// The 64 bits from bit k on. Where they are one word, the next is read too, and shifted out.
static inline uint64_t simdrop_bits_from(const uint64_t *words, size_t k) {
  const unsigned shift = k % 64;
  return words[k / 64] >> shift | words[k / 64 + 1] << 1 << (63 - shift);
}

// Those of at most 8 bytes.
static inline uint64_t simdrop_word_from_bytes(const uint8_t *bytes, size_t count) {
  uint64_t word = 0;
  for (size_t i = 0; i < count; ++i) word |= (uint64_t)bytes[i] << (8 * i);
  return word;
}

// Those of 8 bytes.
static inline uint64_t simdrop_whole_word_from_bytes(const uint8_t *bytes) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  return word;
#else
  return simdrop_word_from_bytes(bytes, 8);
#endif
}

#endif

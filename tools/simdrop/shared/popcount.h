// Counting the ones of words, in C that every machine has and every compiler vectorises.
#ifndef SIMDROP_TOOL_SHARED_POPCOUNT_H
#define SIMDROP_TOOL_SHARED_POPCOUNT_H

#include <stddef.h>
#include <stdint.h>

// The ones of each byte, in that byte.
static inline uint64_t count_bytes_of_word(uint64_t word) {
  word -= word >> 1 & 0x5555555555555555u;
  word = (word & 0x3333333333333333u) + (word >> 2 & 0x3333333333333333u);
  return (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0fu;
}

static inline unsigned count_word(uint64_t word) { return (unsigned)(count_bytes_of_word(word) * 0x0101010101010101u >> 56); }

#define COUNT_GRAIN 16  // words: so many can be added up byte by byte, 8 ones each at most, before a byte is full

// The sum of bytes that are COUNT_GRAIN sums of count_bytes_of_word.
static inline uint64_t sum_of_bytes(uint64_t bytes) {
  const uint64_t pairs = (bytes & 0x00ff00ff00ff00ffu) + (bytes >> 8 & 0x00ff00ff00ff00ffu);
  return pairs * 0x0001000100010001u >> 48;
}

#endif

// Strings of bits in 64-bit words, bit k being bit k % 64 of words[k / 64].
#ifndef SIMDROP_ENGINE_BIT_STRING_H
#define SIMDROP_ENGINE_BIT_STRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bits.h"

static inline bool simdrop_bit(const uint64_t *words, size_t k) { return words[k / 64] >> (k % 64) & 1; }

static inline uint64_t simdrop_low_bits(size_t count) { return count >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << count) - 1; }

// The functions below write the strings' words, the last one with zeros behind the string's end, and perhaps one more.

// Bits `to` to `to` + count - 1 become those of another string from bit `from` on. It may be the same string if from + count
// <= to. The word of bit `to` must be 0 from there on.
void simdrop_append_bits(uint64_t *words, size_t to, const uint64_t *other, size_t from, size_t count);

// Each of the `count` bits from `from` on, `repeat` times, at most 64 * SIMDROP_STRETCH_WORDS; the strings' end may be
// overwritten by that many words.
#define SIMDROP_STRETCH_WORDS 8
void simdrop_stretch_bits(uint64_t *words, const uint64_t *bits, size_t from, size_t count, size_t repeat);

// The `period` bits from `from` on, again and again until there are `total`, which is no less than the period.
void simdrop_repeat_bits(uint64_t *words, const uint64_t *bits, size_t from, size_t period, size_t total);

// `byte_count` packed bytes, the least significant bit first, in words: only those that begin with one of the bytes are
// written.
void simdrop_unpack_bits(const uint8_t *bytes, size_t byte_count, uint64_t *words);

// The 64 words as a square of bits, turned so that bit i of word k becomes bit k of word i.
void simdrop_transpose_bits(uint64_t words[64]);

#endif

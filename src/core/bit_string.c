// Strings of bits put together a word at a time.
#include "core/bit_string.h"

void simdrop_append_bits(uint64_t *words, size_t to, const uint64_t *other, size_t from, size_t count) {
  uint64_t *out = words + to / 64;
  const unsigned shift = to % 64;
  uint64_t pending = shift == 0 ? 0 : *out;
  for (; count >= 64; count -= 64, from += 64) {
    const uint64_t next = simdrop_bits_from(other, from);
    *out++ = pending | next << shift;
    pending = next >> 1 >> (63 - shift);
  }
  const uint64_t rest = count == 0 ? 0 : simdrop_bits_from(other, from) & simdrop_low_bits(count);
  out[0] = pending | rest << shift;
  out[1] = rest >> 1 >> (63 - shift);
}

// Whole words for each decision.
static void stretch_to_words(uint64_t *words, const uint64_t *bits, size_t from, size_t count, size_t repeat) {
  for (size_t k = 0; k < count; ++k) {
    const uint64_t word = (uint64_t)0 - simdrop_bit(bits, from + k);
    for (size_t i = 0; i < repeat; ++i) *words++ = word;
  }
}

void simdrop_stretch_bits(uint64_t *words, const uint64_t *bits, size_t from, size_t count, size_t repeat) {
  if (repeat % 64 == 0) {
    stretch_to_words(words, bits, from, count, repeat / 64);
    return;
  }
  const size_t whole = repeat / 64;
  uint64_t pending = 0;
  unsigned used = 0;  // bits of pending
  for (size_t k = 0; k < count; ++k) {
    const uint64_t word = (uint64_t)0 - simdrop_bit(bits, from + k);
    pending |= word << used;
    for (size_t i = 0; i < whole; ++i) {
      *words++ = pending;
      pending = word;
    }
    used += repeat % 64;
    if (used >= 64) {
      *words++ = pending;
      pending = word;
      used -= 64;
    }
    pending &= simdrop_low_bits(used);
  }
  *words = pending;
}

void simdrop_repeat_bits(uint64_t *words, const uint64_t *bits, size_t from, size_t period, size_t total) {
  simdrop_append_bits(words, 0, bits, from, period);
  for (size_t done = period; done < total;) {
    const size_t count = total - done < done ? total - done : done;
    simdrop_append_bits(words, done, words, 0, count);
    done += count;
  }
}

// Strings of bits put together a word at a time.
#include "engine/bit_string.h"

#include <string.h>

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

// One word for each decision.
static void stretch_to_words(uint64_t *words, const uint64_t *bits, size_t from, size_t count) {
  while (count > 0) {
    uint64_t decisions = simdrop_bits_from(bits, from);
    const size_t now = count < 64 ? count : 64;
    for (size_t k = 0; k < now; ++k, decisions >>= 1) words[k] = (uint64_t)0 - (decisions & 1);
    words += now;
    from += now;
    count -= now;
  }
}

// Each decision fills the rest of the word that it begins in and `more` words after it, which may be too many: the next one
// overwrites them. That is quicker than to find out how many are needed.
static inline void stretch_over(uint64_t *words, const uint64_t *bits, size_t from, size_t count, size_t repeat, int more) {
  uint64_t pending = 0;  // the bits of the word that the decision begins in
  size_t used = 0;
  for (size_t k = 0; k < count; ++k) {
    const uint64_t word = (uint64_t)0 - simdrop_bit(bits, from + k);
    pending |= word << used;
    words[0] = pending;
    for (int i = 1; i <= more; ++i) words[i] = word;
    const size_t end = used + repeat;
    words += end / 64;
    used = end % 64;
    pending = (end >= 64 ? word : pending) & simdrop_low_bits(used);
  }
  *words = pending;
}

void simdrop_stretch_bits(uint64_t *words, const uint64_t *bits, size_t from, size_t count, size_t repeat) {
  if (repeat == 64) {
    stretch_to_words(words, bits, from, count);
  } else if (repeat < 64) {
    stretch_over(words, bits, from, count, repeat, 1);
  } else {
    stretch_over(words, bits, from, count, repeat, SIMDROP_STRETCH_WORDS);
  }
}

void simdrop_repeat_bits(uint64_t *words, const uint64_t *bits, size_t from, size_t period, size_t total) {
  simdrop_append_bits(words, 0, bits, from, period);
  for (size_t done = period; done < total;) {
    const size_t count = total - done < done ? total - done : done;
    simdrop_append_bits(words, done, words, 0, count);
    done += count;
  }
}

void simdrop_unpack_bits(const uint8_t *bytes, size_t byte_count, uint64_t *words) {
  const size_t whole_words = byte_count / 8;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  memcpy(words, bytes, 8 * whole_words);
#else
  for (size_t i = 0; i < whole_words; ++i) words[i] = simdrop_word_from_bytes(bytes + 8 * i, 8);
#endif
  if (byte_count % 8 != 0) words[whole_words] = simdrop_word_from_bytes(bytes + 8 * whole_words, byte_count % 8);
}

// Squares of 32, 16, ... 1 bits change places with those across the diagonal.
void simdrop_transpose_bits(uint64_t words[64]) {
  uint64_t left_half = ~UINT64_C(0) >> 32;  // of every pair of squares
  for (unsigned size = 32; size > 0; size /= 2, left_half ^= left_half << size) {
    for (unsigned upper = 0; upper < 64; upper = (upper + size + 1) & ~size) {
      const unsigned lower = upper + size;
      const uint64_t exchanged = (words[upper] >> size ^ words[lower]) & left_half;
      words[lower] ^= exchanged;
      words[upper] ^= exchanged << size;
    }
  }
}

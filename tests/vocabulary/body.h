// Each word of a vocabulary against a scalar twin. Included after the vocabulary, by a file that is compiled with the backend's
// flags; for Highway once for each of its targets, so it has no guard, and is C and C++ at once.
#include <string.h>

// The name of a word that does something else than its twin, or NULL. `random` are VOCABULARY_RANDOM numbers.
#define VOCABULARY_RANDOM 4096
#ifdef __cplusplus
extern "C" {
#endif
extern const char *SIMDROP_LOCAL(check_vocabulary)(const uint64_t *random);
extern const simdrop_kernels simdrop_scalar_kernels;
#ifdef __cplusplus
}
#endif

#undef DEMAND
#define DEMAND(condition, word) \
  if (!(condition)) return #word

#ifdef SIMD_LANES

enum {
  VECTOR_BYTES = SIMD_LANES * 8
};

static inline bool lanes_are(simd_u64 a, const uint64_t *expected) {
  uint64_t lanes[SIMD_LANES];
  simd_store(lanes, a);
  return memcmp(lanes, expected, sizeof lanes) == 0;
}

static inline bool words_are(simd_words a, const uint64_t *expected) {
  uint64_t lanes[SIMD_LANES];
  simd_store(lanes, simd_lanes_of_words(a));
  for (int i = 0; i < SIMD_LANES; ++i)
    if ((uint32_t)lanes[i] != (uint32_t)expected[i]) return false;
  return true;
}

static inline const char *check_lanes(const uint64_t *x, const uint64_t *y) {
  const simd_u64 a = simd_load(x), b = simd_load(y);
  uint64_t same[SIMD_LANES], sum[SIMD_LANES], both[SIMD_LANES], either[SIMD_LANES], unlike[SIMD_LANES],
      second_alone[SIMD_LANES];
  for (int i = 0; i < SIMD_LANES; ++i) {
    same[i] = x[0];
    sum[i] = x[i] + y[i];
    both[i] = x[i] & y[i];
    either[i] = x[i] | y[i];
    unlike[i] = x[i] ^ y[i];
    second_alone[i] = ~x[i] & y[i];
  }
  DEMAND(lanes_are(a, x), simd_load);
  DEMAND(lanes_are(simd_set(x[0]), same), simd_set);
  DEMAND(lanes_are(simd_add(a, b), sum), simd_add);
  DEMAND(lanes_are(simd_and(a, b), both), simd_and);
  DEMAND(lanes_are(simd_or(a, b), either), simd_or);
  DEMAND(lanes_are(simd_xor(a, b), unlike), simd_xor);
  DEMAND(lanes_are(simd_and_not(a, b), second_alone), simd_and_not);
  return NULL;
}

static inline const char *check_moves(const uint64_t *x, uint64_t number) {
  const simd_u64 a = simd_load(x);
  const int count = (int)(number % 64), step = (int)(number >> 8 & 0xff);
  uint64_t shifted[SIMD_LANES], counted[SIMD_LANES], rotated[SIMD_LANES], planes[SIMD_LANES], zero_bits[SIMD_LANES];
  for (int i = 0; i < SIMD_LANES; ++i) {
    shifted[i] = x[i] << count;
    counted[i] = number + (uint64_t)i * (uint64_t)step;
    planes[i] = x[i] % 48;
    zero_bits[i] = planes[i] < 32 && (number >> (31 - planes[i]) & 1) ? 0 : ~UINT64_C(0);
  }
  DEMAND(lanes_are(simd_shift_left(a, count), shifted), simd_shift_left);
  DEMAND(lanes_are(simd_count_from(number, step), counted), simd_count_from);
  DEMAND(lanes_are(simd_threshold_is_zero(number & 0xffffffff, simd_load(planes)), zero_bits), simd_threshold_is_zero);
  for (int by = 1; by < SIMD_LANES; by *= 2) {
    for (int i = 0; i < SIMD_LANES; ++i) rotated[i] = x[(i + by) % SIMD_LANES];
    DEMAND(lanes_are(simd_rotate_lanes(a, by), rotated), simd_rotate_lanes);
  }
  return NULL;
}

static inline const char *check_words(const uint64_t *x, const uint64_t *y, const uint64_t *z) {
  const simd_words a = simd_words_of_lanes(simd_load(x)), b = simd_words_of_lanes(simd_load(y)),
                   c = simd_words_of_lanes(simd_load(z));
  const simd_products products = simd_multiply_words(a, b);
  uint64_t same[SIMD_LANES], sum[SIMD_LANES], two[SIMD_LANES], three[SIMD_LANES], product[SIMD_LANES], upper[SIMD_LANES];
  for (int i = 0; i < SIMD_LANES; ++i) {
    same[i] = (uint32_t)x[0];
    sum[i] = x[i] + y[i];
    two[i] = x[i] ^ y[i];
    three[i] = x[i] ^ y[i] ^ z[i];
    product[i] = (x[i] & 0xffffffff) * (y[i] & 0xffffffff);
    upper[i] = product[i] >> 32;
  }
  DEMAND(words_are(a, x), simd_words_of_lanes);
  DEMAND(words_are(simd_words_set((uint32_t)x[0]), same), simd_words_set);
  DEMAND(words_are(simd_words_add(a, b), sum), simd_words_add);
  DEMAND(words_are(simd_words_xor(a, b), two), simd_words_xor);
  DEMAND(words_are(simd_words_xor3(a, b, c), three), simd_words_xor3);
  DEMAND(words_are(simd_upper_words(products), upper), simd_upper_words);
  DEMAND(words_are(simd_lower_words(products), product), simd_lower_words);
#ifndef SIMD_PACKED_WORDS
  const simd_u64 wide_a = simd_load(x), wide_b = simd_load(y);
  for (int i = 0; i < SIMD_LANES; ++i) upper[i] = x[i] >> 32;
  DEMAND(lanes_are(simd_xor3(wide_a, wide_b, simd_load(z)), three), simd_xor3);
  DEMAND(lanes_are(simd_high_half(wide_a), upper), simd_high_half);
  DEMAND(lanes_are(simd_multiply_low(wide_a, wide_b), product), simd_multiply_low);
#endif
  return NULL;
}

// Lane i: the last words of x * y and z, with x's first word as the key.
static inline simd_u64 make_last_words(const uint64_t *x, const uint64_t *y, const uint64_t *z, bool turned_over,
                                       uint64_t *expected) {
  for (int i = 0; i < SIMD_LANES; ++i) {
    const uint64_t product = (x[i] & 0xffffffff) * (y[i] & 0xffffffff);
    expected[i] = (uint32_t)(product >> 32 ^ z[i] ^ x[0]) | product << 32;
    if (turned_over) expected[i] = ~expected[i];
  }
  const simd_products products = simd_multiply_words(simd_words_of_lanes(simd_load(x)), simd_words_of_lanes(simd_load(y)));
  return simd_last_words(products, simd_words_of_lanes(simd_load(z)), simd_last_key((uint32_t)x[0], turned_over));
}

static inline const char *check_blocks(const uint64_t *x, const uint64_t *y, const uint64_t *z) {
  enum {
    EVERY = 3  // blocks of which one is flipped
  };
  uint64_t order[SIMD_LANES], words[2 * SIMD_LANES + 1], seen = 0;
  simd_store(order, simd_block_order());
  for (int i = 0; i < SIMD_LANES; ++i) seen |= order[i] < SIMD_LANES ? UINT64_C(1) << order[i] : 0;
  DEMAND(seen == (UINT64_C(1) << SIMD_LANES) - 1, simd_block_order);

  uint64_t lows[SIMD_LANES], highs[SIMD_LANES];
  const simd_u64 low = make_last_words(x, y, z, false, lows), high = make_last_words(y, z, x, true, highs);
  DEMAND(simd_first_words(low) == lows[0] && simd_first_words(high) == highs[0], simd_first_words);
  words[2 * SIMD_LANES] = x[0];
  simd_store_blocks(words, low, high);
  for (int i = 0; i < SIMD_LANES; ++i)
    DEMAND(words[2 * order[i]] == lows[i] && words[2 * order[i] + 1] == highs[i], simd_store_blocks);
  DEMAND(words[2 * SIMD_LANES] == x[0], simd_store_blocks);

  uint64_t flipped[2 * EVERY * SIMD_LANES], expected[2 * EVERY * SIMD_LANES], where[SIMD_LANES];
  for (int i = 0; i < 2 * EVERY * SIMD_LANES; ++i) flipped[i] = expected[i] = z[i % SIMD_LANES] + (uint64_t)i;
  for (int i = 0; i < SIMD_LANES; ++i) {
    const uint64_t place = 2 * ((uint64_t)(EVERY * i) + x[i] % EVERY);
    where[i] = place << 32 | (uint32_t)y[i];
    expected[place] ^= lows[i];
    expected[place + 1] ^= highs[i];
  }
  simd_flip_blocks(flipped, where, low, high);
  DEMAND(memcmp(flipped, expected, sizeof expected) == 0, simd_flip_blocks);
  return NULL;
}

// Every set of lanes, of which one has its upper half alone, the next its lower one, the next both.
static inline const char *check_sets(const uint64_t *x) {
  for (unsigned set = 0; set < 1u << SIMD_LANES; ++set) {
    uint64_t lanes[SIMD_LANES], listed[SIMD_LANES], stored[SIMD_LANES + 1];
    size_t count = 0;
    for (int i = 0; i < SIMD_LANES; ++i) {
      const uint64_t value = x[i] | UINT64_C(0x100000001);
      lanes[i] = set >> i & 1 ? value << (i % 3 == 0 ? 32 : 0) >> (i % 3 == 1 ? 32 : 0) : 0;
      if (lanes[i] != 0) listed[count++] = lanes[i];
    }
    const simd_u64 a = simd_load(lanes);
    DEMAND(simd_any(a) == (set != 0), simd_any);
    DEMAND(simd_count_lanes(simd_nonzero_lanes(a)) == count, simd_nonzero_lanes);
    stored[SIMD_LANES] = x[0];
    simd_compress_store(stored, simd_nonzero_lanes(a), a);
    DEMAND(memcmp(stored, listed, count * sizeof *listed) == 0 && stored[SIMD_LANES] == x[0], simd_compress_store);
  }
  return NULL;
}

static inline const char *check_producer(const uint64_t *random) {
  for (const uint64_t *x = random; x + 4 * SIMD_LANES <= random + VOCABULARY_RANDOM; x += SIMD_LANES) {
    const uint64_t *const y = x + SIMD_LANES, *const z = y + SIMD_LANES;
    const char *wrong = check_lanes(x, y);
    if (wrong == NULL) wrong = check_moves(x, z[0]);
    if (wrong == NULL) wrong = check_words(x, y, z);
    if (wrong == NULL) wrong = check_blocks(x, y, z);
    if (wrong != NULL) return wrong;
  }
  return check_sets(random);
}

#else

enum {
  MOST_LANES = SIMDROP_BLOCK_PADDING,
  CALL_WORDS = 4,
};

// In all lanes that are used, and behind them nothing.
static inline bool words_are(simd_words a, const uint32_t *expected) {
  uint32_t words[MOST_LANES + 1];
  memset(words, 0xA5, sizeof words);
  simd_words_store(words, a);
  const size_t lanes = simd_lane_count();
  return memcmp(words, expected, lanes * sizeof *words) == 0 && words[lanes] == UINT32_C(0xA5A5A5A5);
}

static inline const char *check_words(const uint32_t *x, const uint32_t *y, const uint32_t *z) {
  const simd_words a = simd_words_load(x), b = simd_words_load(y), c = simd_words_load(z);
  uint32_t same[MOST_LANES], counted[MOST_LANES], both[MOST_LANES], either[MOST_LANES], second_alone[MOST_LANES];
  uint32_t two[MOST_LANES], three[MOST_LANES], upper[MOST_LANES], lower[MOST_LANES];
  for (int i = 0; i < MOST_LANES; ++i) {
    same[i] = x[0];
    counted[i] = x[0] + (uint32_t)i;
    both[i] = x[i] & y[i];
    either[i] = x[i] | y[i];
    second_alone[i] = ~x[i] & y[i];
    two[i] = x[i] ^ y[i];
    three[i] = x[i] ^ y[i] ^ z[i];
    upper[i] = (uint32_t)((uint64_t)x[i] * y[i] >> 32);
    lower[i] = x[i] * y[i];
  }
  DEMAND(words_are(a, x), simd_words_load);
  DEMAND(words_are(simd_words_set(x[0]), same), simd_words_set);
  DEMAND(words_are(simd_words_count_from(x[0]), counted), simd_words_count_from);
  DEMAND(words_are(simd_words_and(a, b), both), simd_words_and);
  DEMAND(words_are(simd_words_or(a, b), either), simd_words_or);
  DEMAND(words_are(simd_words_and_not(a, b), second_alone), simd_words_and_not);
  DEMAND(words_are(simd_words_xor(a, b), two), simd_words_xor);
  DEMAND(words_are(simd_words_xor3(a, b, c), three), simd_words_xor3);
  DEMAND(words_are(simd_multiply_upper(a, b), upper), simd_multiply_upper);
  DEMAND(words_are(simd_multiply_lower(a, b), lower), simd_multiply_lower);
  return NULL;
}

static inline const char *check_calls(const uint32_t *x) {
  const size_t lanes = simd_lane_count();
  uint32_t calls[CALL_WORDS * MOST_LANES + 1];
  memset(calls, 0xA5, sizeof calls);
  simd_store_calls(calls, simd_words_load(x), simd_words_load(x + MOST_LANES), simd_words_load(x + 2 * MOST_LANES),
                   simd_words_load(x + 3 * MOST_LANES));
  for (size_t i = 0; i < lanes; ++i)
    for (size_t word = 0; word < CALL_WORDS; ++word)
      DEMAND(calls[CALL_WORDS * i + word] == x[MOST_LANES * word + i], simd_store_calls);
  DEMAND(calls[CALL_WORDS * lanes] == UINT32_C(0xA5A5A5A5), simd_store_calls);
  return NULL;
}

static inline const char *check_set(const uint32_t *x, uint32_t set) {
  const size_t used = simd_lane_count();
  uint32_t lanes[MOST_LANES], listed[MOST_LANES], stored[MOST_LANES + 1];
  size_t count = 0;
  for (size_t i = 0; i < used; ++i) {
    lanes[i] = set >> i & 1 ? x[i] | 1 : 0;
    if (lanes[i] != 0) listed[count++] = lanes[i];
  }
  const simd_words a = simd_words_load(lanes);
  DEMAND(simd_any(a) == (count != 0), simd_any);
  DEMAND(simd_count_lanes(simd_nonzero_lanes(a)) == count, simd_nonzero_lanes);
  memset(stored, 0xA5, sizeof stored);
  simd_compress_store(stored, simd_nonzero_lanes(a), a);
  DEMAND(memcmp(stored, listed, count * sizeof *listed) == 0 && stored[used] == UINT32_C(0xA5A5A5A5), simd_compress_store);
  return NULL;
}

static inline const char *check_producer(const uint64_t *random) {
  uint32_t x[CALL_WORDS * MOST_LANES];
  DEMAND(simd_lane_count() >= 1 && simd_lane_count() <= MOST_LANES, simd_lane_count);
  for (const uint64_t *from = random; from + CALL_WORDS * MOST_LANES <= random + VOCABULARY_RANDOM; ++from) {
    memcpy(x, from, sizeof x);
    const char *wrong = check_words(x, x + MOST_LANES, x + 2 * MOST_LANES);
    if (wrong == NULL) wrong = check_calls(x);
    // A set of some, one lane, and none.
    if (wrong == NULL) wrong = check_set(x, (uint32_t)(from[0] >> 32));
    if (wrong == NULL) wrong = check_set(x, UINT32_C(1) << (from - random) % MOST_LANES);
    if (wrong == NULL) wrong = check_set(x, 0);
    if (wrong != NULL) return wrong;
  }
  return NULL;
}
#endif

enum {
  ELEMENTS = 64,
  MOST_BYTES = 8 * ELEMENTS,
};

// What the scalar backend's consumer makes of so many elements, and nothing behind them.
static inline bool is_consumed(simdrop_consume_kernel *consume, size_t count, size_t size, uint64_t decisions,
                               simdrop_multiplier factor, const unsigned char *x, const unsigned char *y) {
  unsigned char expected[MOST_BYTES];
  const uint64_t words[2] = {decisions, 0};
  simdrop_decisions one_each = {};
  one_each.words = words;
  simdrop_operands operands = {};
  operands.x = x;
  operands.y = expected;
  operands.factor = factor;
  consume(count, &one_each, &operands, SIMDROP_STORE_CACHED);
  if (memcmp(y, expected, count * size) != 0) return false;
  for (size_t k = count * size; k < MOST_BYTES + ELEMENTS; ++k)
    if (y[k] != 0xA5) return false;
  return true;
}

#ifdef SIMD_HAS_LINES
#undef SCALE_LINES
#define SCALE_LINES(name, element)                                                                                   \
  static inline void scale_lines_##name(uint64_t decisions, const element *x, element *y, simdrop_multiplier factor, \
                                        bool non_temporal) {                                                         \
    for (size_t k = 0; k < ELEMENTS; k += 64 / sizeof(element)) {                                                    \
      const unsigned shift = (unsigned)(decisions >> k) % 8;                                                         \
      const uint64_t words[] = {decisions >> k << shift, 0};                                                         \
      const simd_line_##name line = simd_set_line_##name(factor, shift);                                             \
      simd_scale_line_##name(&line, (const uint8_t *)words, x + k, y + k, non_temporal);                             \
    }                                                                                                                \
  }
SCALE_LINES(f32, float)
SCALE_LINES(f16, uint16_t)
SCALE_LINES(bf16, uint16_t)

// Of what has no NaN, which may be another one elsewhere.
static inline bool are_chained(uint64_t decisions, const float *x, simdrop_multiplier factor, bool non_temporal,
                               unsigned char *found) {
  float terms[3][ELEMENTS], expected[ELEMENTS];
  const uint64_t words[] = {decisions, 0};
  for (size_t k = 0; k < ELEMENTS; ++k) {
    for (int i = 0; i < 3; ++i) {
      const float value = x[(k + (size_t)i * 7) % ELEMENTS];
      terms[i][k] = value - value == 0 ? value : -0.0F;
    }
  }
  simdrop_chain_operands operands = {};
  operands.input.x = terms[0];
  operands.input.bias = terms[1];
  operands.residual = terms[2];
  operands.y = expected;
  operands.scale = factor.value;
  simdrop_scalar_kernels.chain_f32(ELEMENTS, words, 0, &operands, false);
  for (unsigned k = 0; k < ELEMENTS; k += 16) {
    const unsigned shift = (unsigned)(decisions >> k) % 8;
    const uint64_t shifted[] = {decisions >> k << shift, 0};
    const simd_line_f32 line = simd_set_line_f32(factor, shift);
    simd_chain_line_f32(&line, (const uint8_t *)shifted, terms[0] + k, terms[1] + k, terms[2] + k, (float *)(void *)found + k,
                        non_temporal);
  }
  simd_finish_stores();
  for (size_t k = 0; k < ELEMENTS; ++k) {
    const float value = ((const float *)(const void *)found)[k];
    if (memcmp(&value, &expected[k], sizeof value) != 0 && (value == value || expected[k] == expected[k])) return false;
  }
  return true;
}
#endif

static inline const char *check_consumers(uint64_t decisions, simdrop_multiplier factor, bool non_temporal,
                                          const unsigned char *x, unsigned char *y) {
#undef CHECK_COUNT
#define CHECK_COUNT(word, call, consume, count, size)                                                    \
  {                                                                                                      \
    memset(y, 0xA5, MOST_BYTES + ELEMENTS);                                                              \
    call;                                                                                                \
    simd_finish_stores();                                                                                \
    if (!is_consumed(simdrop_scalar_kernels.consume, count, size, decisions, factor, x, y)) return word; \
  }
#undef CHECK
#define CHECK(word, call, consume, size) CHECK_COUNT(word, call, consume, ELEMENTS, size)
#undef CHECK_TYPE
#define CHECK_TYPE(argument, name, NAME, element, bits, converts)                                                              \
  CHECK("simd_scale_word_" #name,                                                                                              \
        simd_scale_word_##name(decisions, (const element *)x, (element *)y, simd_set_scale_##name(factor), non_temporal),      \
        scale_##name, bits / 8)                                                                                                \
  CHECK("simd_scale_lone_word_" #name,                                                                                         \
        simd_scale_lone_word_##name(decisions, (const element *)x, (element *)y, simd_set_scale_##name(factor), non_temporal), \
        scale_##name, bits / 8)                                                                                                \
  for (size_t count = 1; count < ELEMENTS; ++count)                                                                            \
  CHECK_COUNT("simd_scale_part_" #name,                                                                                        \
              simd_scale_part_##name(count, decisions & ~(~UINT64_C(0) << count), (const element *)x, (element *)y,            \
                                     simd_set_scale_##name(factor)),                                                           \
              scale_##name, count, bits / 8)
#undef CHECK_SIZE
#define CHECK_SIZE(argument, bits)                                                                                     \
  CHECK("simd_select_word_" #bits, simd_select_word_##bits(decisions, (const uint##bits##_t *)x, (uint##bits##_t *)y), \
        select_##bits, bits / 8)
  SIMDROP_ELEMENT_TYPES(CHECK_TYPE, )
  SIMDROP_ELEMENT_SIZES(CHECK_SIZE, )
#ifdef SIMD_HAS_LINES
  CHECK("simd_scale_line_f32", scale_lines_f32(decisions, (const float *)x, (float *)y, factor, non_temporal), scale_f32, 4)
  CHECK("simd_scale_line_f16", scale_lines_f16(decisions, (const uint16_t *)x, (uint16_t *)y, factor, non_temporal), scale_f16,
        2)
  CHECK("simd_scale_line_bf16", scale_lines_bf16(decisions, (const uint16_t *)x, (uint16_t *)y, factor, non_temporal),
        scale_bf16, 2)
  if (!are_chained(decisions, (const float *)x, factor, non_temporal, y)) return "simd_chain_line_f32";
#endif
  CHECK("simd_expand_word", simd_expand_word(decisions, y, non_temporal), expand_bytes, 1)
  return NULL;
}

const char *SIMDROP_LOCAL(check_vocabulary)(const uint64_t *random) {
  static const simdrop_multiplier factors[] = {{(double)(float)(1 / 0.9), false}, {4, true}, {4, false}};
  alignas(64) unsigned char x[MOST_BYTES], y[MOST_BYTES + ELEMENTS];
  const char *wrong = check_producer(random);
  for (size_t at = 0; wrong == NULL && at + ELEMENTS < VOCABULARY_RANDOM; at += ELEMENTS / 2) {
    memcpy(x, random + at, sizeof x);
    wrong = check_consumers(random[at + ELEMENTS], factors[at / 64 % 3], at / 32 % 2, x, y);
  }
  return wrong;
}

// Each word of arithmetic against a scalar twin, and the functions of common/math_body.h for tests/test_math.c. Included after
// the backend's arithmetic.h and common/math_body.h, by files as vocabulary/body.h is.
#include <math.h>
#include <string.h>

#include "common/float16.h"
#include "vocabulary/math_list.h"

#ifdef __cplusplus
extern "C" {
#endif
extern const char *SIMDROP_LOCAL(check_arithmetic)(const uint64_t *random);
extern apply_math_function *const SIMDROP_LOCAL(math_functions)[MATH_FUNCTION_COUNT];
#ifdef __cplusplus
}
#endif

#undef DEMAND
#define DEMAND(condition, word) \
  if (!(condition)) return #word

enum {
  ARITHMETIC_LANES = 64,       // the most
  ARITHMETIC_RANDOM = 4096,    // VOCABULARY_RANDOM
  ARITHMETIC_FILLER = 0xA5A5,  // behind what is stored
};

// The bits are the same, or both are NaN where NaN is all that is promised.
static inline bool same_f32(simd_f32 a, const float *expected, bool any_nan) {
  float lanes[ARITHMETIC_LANES];
  simd_f32_store(lanes, a, false);
  for (size_t i = 0; i < simd_f32_lanes(); ++i)
    if (memcmp(&lanes[i], &expected[i], sizeof *lanes) != 0 && !(any_nan && lanes[i] != lanes[i] && expected[i] != expected[i]))
      return false;
  return true;
}

static inline bool same_f64(simd_f64 a, const double *expected, bool any_nan) {
  double lanes[ARITHMETIC_LANES];
  simd_f64_store(lanes, a, false);
  for (size_t i = 0; i < simd_f64_lanes(); ++i)
    if (memcmp(&lanes[i], &expected[i], sizeof *lanes) != 0 && !(any_nan && lanes[i] != lanes[i] && expected[i] != expected[i]))
      return false;
  return true;
}

static inline bool same_u32(simd_u32 a, const uint32_t *expected) {
  float lanes[ARITHMETIC_LANES];
  memcpy(lanes, expected, simd_f32_lanes() * sizeof *lanes);
  return same_f32(simd_f32_of_bits(a), lanes, false);
}

// Numbers of all sizes, and some that are equal, zeros of both signs, infinite, subnormal or NaN.
static inline uint32_t arithmetic_special_f32(uint64_t random) {
  static const uint32_t special[16] = {0, 0x80000000, 0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001, 0x7fffffff, 0xffffffff,
                                       1, 0x80000001, 0x00800000, 0x7f7fffff, 0x3f800000, 0xbf800000, 0x3f808000, 0x3f818000};
  return random >> 61 == 0 ? special[random >> 32 & 15] : (uint32_t)random;
}

static inline double arithmetic_special_f64(uint64_t random) {
  static const uint64_t special[] = {
      0, UINT64_C(1) << 63,     UINT64_C(0x7ff) << 52, UINT64_C(0xfff) << 52, UINT64_C(0x7ff8) << 48,
      1, UINT64_C(0x3ff) << 52, UINT64_C(0xbff) << 52};
  const uint64_t bits = (random & 7) == 0 ? special[random >> 3 & 7] : random;
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

#undef TWIN
#define TWIN(type, element, any_nan, word, vector, scalar)                              \
  {                                                                                     \
    element expected[ARITHMETIC_LANES];                                                 \
    for (size_t i = 0; i < simd_##type##_lanes(); ++i) expected[i] = (element)(scalar); \
    DEMAND(same_##type(vector, expected, any_nan), word);                               \
  }

#undef TWIN_U32
#define TWIN_U32(word, vector, scalar)                                    \
  {                                                                       \
    uint32_t expected[ARITHMETIC_LANES];                                  \
    for (size_t i = 0; i < simd_f32_lanes(); ++i) expected[i] = (scalar); \
    DEMAND(same_u32(vector, expected), word);                             \
  }

// The words that there are for both types.
#undef CHECK_OPERATIONS
#define CHECK_OPERATIONS(type, element, integer, square_root)                                                               \
  static inline const char *check_operations_##type(const element *x, const element *y, uint64_t bits) {                    \
    const simd_##type a = simd_##type##_load(x), b = simd_##type##_load(y);                                                 \
    TWIN(type, element, false, simd_##type##_load, a, x[i])                                                                 \
    TWIN(type, element, false, simd_##type##_set, simd_##type##_set(x[0]), x[0])                                            \
    TWIN(type, element, true, simd_##type##_add, simd_##type##_add(a, b), x[i] + y[i])                                      \
    TWIN(type, element, true, simd_##type##_subtract, simd_##type##_subtract(a, b), x[i] - y[i])                            \
    TWIN(type, element, true, simd_##type##_multiply, simd_##type##_multiply(a, b), x[i] * y[i])                            \
    TWIN(type, element, true, simd_##type##_divide, simd_##type##_divide(a, b), x[i] / y[i])                                \
    TWIN(type, element, true, simd_##type##_square_root, simd_##type##_square_root(a), square_root(x[i]))                   \
    TWIN(type, element, false, simd_##type##_maximum, simd_##type##_maximum(a, b), x[i] > y[i] ? x[i] : y[i])               \
    TWIN(type, element, false, simd_##type##_minimum, simd_##type##_minimum(a, b), x[i] < y[i] ? x[i] : y[i])               \
    TWIN(type, element, false, simd_##type##_less, simd_##type##_select(simd_##type##_less(a, b), a, b),                    \
         x[i] < y[i] ? x[i] : y[i])                                                                                         \
    TWIN(type, element, false, simd_##type##_keep, simd_##type##_keep(simd_##type##_less(a, b), a), x[i] < y[i] ? x[i] : 0) \
    for (unsigned begin = 0; begin < 64; begin += (unsigned)simd_##type##_lanes()) {                                        \
      const simd_##type##_mask kept = simd_##type##_decisions(bits, begin);                                                 \
      TWIN(type, element, false, simd_##type##_decisions, simd_##type##_select(kept, a, b),                                 \
           bits >> (begin + i) & 1 ? x[i] : y[i])                                                                           \
      TWIN(type, element, false, simd_##type##_keep, simd_##type##_keep(kept, a), bits >> (begin + i) & 1 ? x[i] : 0)       \
    }                                                                                                                       \
    /* The sign alone, of NaN too. */                                                                                       \
    element absolute[ARITHMETIC_LANES], negated[ARITHMETIC_LANES];                                                          \
    for (size_t i = 0; i < simd_##type##_lanes(); ++i) {                                                                    \
      const integer sign = (integer)1 << (8 * sizeof(integer) - 1);                                                         \
      integer value;                                                                                                        \
      memcpy(&value, &x[i], sizeof value);                                                                                  \
      const integer without = value & ~sign, changed = value ^ sign;                                                        \
      memcpy(&absolute[i], &without, sizeof value);                                                                         \
      memcpy(&negated[i], &changed, sizeof value);                                                                          \
    }                                                                                                                       \
    DEMAND(same_##type(simd_##type##_absolute(a), absolute, false), simd_##type##_absolute);                                \
    DEMAND(same_##type(simd_##type##_negate(a), negated, false), simd_##type##_negate);                                     \
    return NULL;                                                                                                            \
  }
CHECK_OPERATIONS(f32, float, uint32_t, sqrtf)
CHECK_OPERATIONS(f64, double, uint64_t, sqrt)

static inline const char *check_integers(const uint32_t *x, const uint32_t *y) {
  const simd_u32 a = simd_u32_load(x), b = simd_u32_load(y);
  TWIN_U32(simd_u32_load, a, x[i])
  TWIN_U32(simd_u32_set, simd_u32_set(x[0]), x[0])
  TWIN_U32(simd_f32_bits, simd_f32_bits(simd_f32_of_bits(a)), x[i])
  TWIN_U32(simd_u32_and, simd_u32_and(a, b), x[i] & y[i])
  TWIN_U32(simd_u32_or, simd_u32_or(a, b), x[i] | y[i])
  TWIN_U32(simd_u32_add, simd_u32_add(a, b), x[i] + y[i])
  TWIN_U32(simd_u32_subtract, simd_u32_subtract(a, b), x[i] - y[i])
  for (int count = 0; count < 32; ++count) {
    TWIN_U32(simd_u32_shift_left, simd_u32_shift_left(a, count), x[i] << count)
    TWIN_U32(simd_u32_shift_right, simd_u32_shift_right(a, count), x[i] >> count)
    TWIN_U32(simd_u32_shift_right_signed, simd_u32_shift_right_signed(a, count), (uint32_t)((int32_t)x[i] >> count))
  }
  TWIN(f32, float, false, simd_f32_from_integers, simd_f32_from_integers(a), (int32_t)x[i])
  return NULL;
}

// Words for numbers that are no NaN; the products of f and g are exact.
static inline const char *check_fused(const uint32_t *x, const uint32_t *y) {
  float e[ARITHMETIC_LANES], f[ARITHMETIC_LANES], g[ARITHMETIC_LANES], h[ARITHMETIC_LANES], product[ARITHMETIC_LANES];
  for (size_t i = 0; i < simd_f32_lanes(); ++i) {
    e[i] = (float)(int32_t)x[i] * 0x1p-16f;
    f[i] = (float)(int16_t)x[i];
    g[i] = (float)(int8_t)y[i];
    h[i] = (float)(y[i] >> 8) * 0x1p-9f;
    product[i] = f[i] * g[i];
  }
  const simd_f32 a = simd_f32_load(e), b = simd_f32_load(f), c = simd_f32_load(g), d = simd_f32_load(h);
  TWIN(f32, float, false, simd_f32_add_exact_product, simd_f32_add_exact_product(a, b, c), e[i] + product[i])
  TWIN(f32, float, false, simd_f32_add_twice, simd_f32_add_twice(a, b), e[i] + 2 * f[i])
  TWIN(f32, float, false, simd_f32_smaller, simd_f32_smaller(a, d), copysignf(fabsf(e[i]) < h[i] ? fabsf(e[i]) : h[i], e[i]))
  return NULL;
}

// Elements of 16 bits: from memory, and back with nothing behind them.
#undef CHECK_HALVES
#define CHECK_HALVES(name, is_nan)                                                                                   \
  static inline const char *check_##name(const uint16_t *halves, const float *x, bool non_temporal) {                \
    TWIN(f32, float, true, simd_f32_load_##name, simd_f32_load_##name(halves), simdrop_float_from_##name(halves[i])) \
    alignas(64) uint16_t stored[ARITHMETIC_LANES + 1];                                                               \
    const size_t lanes = simd_f32_lanes();                                                                           \
    stored[lanes] = ARITHMETIC_FILLER;                                                                               \
    simd_f32_store_##name(stored, simd_f32_load(x), non_temporal);                                                   \
    simd_finish_stores();                                                                                            \
    for (size_t i = 0; i < lanes; ++i) {                                                                             \
      const uint16_t expected = simdrop_##name##_from_float(x[i]);                                                   \
      DEMAND(stored[i] == expected || (is_nan(expected) && is_nan(stored[i])), simd_f32_store_##name);               \
    }                                                                                                                \
    DEMAND(stored[lanes] == ARITHMETIC_FILLER, simd_f32_store_##name);                                               \
    return NULL;                                                                                                     \
  }
#undef IS_NAN_F16
#undef IS_NAN_BF16
#define IS_NAN_F16(half) (((half)&0x7fff) > 0x7c00)
#define IS_NAN_BF16(half) (((half)&0x7fff) > 0x7f80)
CHECK_HALVES(f16, IS_NAN_F16)
CHECK_HALVES(bf16, IS_NAN_BF16)

#ifdef simd_f32_load_two_bf16
// Elements two vectors at a time, computed with, dropped, and back where they were, with nothing behind them.
static inline const char *check_two_bf16(const uint16_t *x, const uint16_t *y, float factor, uint64_t bits, bool non_temporal) {
  const size_t count = 2 * simd_f32_lanes();
  alignas(64) uint16_t stored[2 * ARITHMETIC_LANES + 1];
  for (unsigned begin = 0; begin + count <= 64; begin += (unsigned)count) {
    simd_f32 a[2], b[2];
    simd_f32_mask kept[2];
    stored[count] = ARITHMETIC_FILLER;
    simd_f32_load_two_bf16(x, &a[0], &a[1]);
    simd_f32_load_two_bf16(y, &b[0], &b[1]);
    simd_f32_decisions_two_bf16(bits, begin, &kept[0], &kept[1]);
    for (int i = 0; i < 2; ++i) {
      a[i] = simd_f32_add(simd_f32_multiply(a[i], simd_f32_set(factor)), b[i]);
      a[i] = simd_f32_keep(kept[i], a[i]);
    }
    simd_f32_store_two_bf16(stored, a[0], a[1], non_temporal);
    simd_finish_stores();
    for (size_t i = 0; i < count; ++i) {
      const float product = simdrop_float_from_bf16(x[i]) * factor, sum = product + simdrop_float_from_bf16(y[i]);
      const uint16_t expected = bits >> (begin + i) & 1 ? simdrop_bf16_from_float(sum) : 0;
      DEMAND(stored[i] == expected || (IS_NAN_BF16(expected) && IS_NAN_BF16(stored[i])), simd_f32_store_two_bf16);
    }
    DEMAND(stored[count] == ARITHMETIC_FILLER, simd_f32_store_two_bf16);
  }
  return NULL;
}
#endif

// Stores, with nothing behind them.
#undef CHECK_STORES
#define CHECK_STORES(type, element)                                                    \
  static inline const char *check_stores_##type(const element *x, bool non_temporal) { \
    alignas(64) element stored[ARITHMETIC_LANES + 1];                                  \
    const size_t lanes = simd_##type##_lanes();                                        \
    stored[lanes] = (element)ARITHMETIC_FILLER;                                        \
    simd_##type##_store(stored, simd_##type##_load(x), non_temporal);                  \
    simd_finish_stores();                                                              \
    DEMAND(memcmp(stored, x, lanes * sizeof *x) == 0, simd_##type##_store);            \
    DEMAND(stored[lanes] == (element)ARITHMETIC_FILLER, simd_##type##_store);          \
    return NULL;                                                                       \
  }
CHECK_STORES(f32, float)
CHECK_STORES(f64, double)

// Pairs, of which the words are kept apart, and put back where they were, with nothing behind them.
static inline const char *check_pairs(const uint32_t *words, const float *x) {
  const size_t lanes = simd_f32_lanes();
  simd_u32 first, second;
  float kept[2 * ARITHMETIC_LANES + 1];
  uint32_t bits[2 * ARITHMETIC_LANES];
  for (int part = 0; part < 2; ++part) {
    kept[2 * lanes] = (float)ARITHMETIC_FILLER;
    simd_u32_load_pairs(words, &first, &second);
    if (part == 0) second = simd_u32_set(0);
    if (part == 1) first = simd_u32_set(0);
    simd_f32_store_pairs(kept, simd_f32_of_bits(first), simd_f32_of_bits(second));
    memcpy(bits, kept, 2 * lanes * sizeof *kept);
    for (size_t i = 0; i < 2 * lanes; ++i) DEMAND(bits[i] == (i % 2 == (size_t)part ? words[i] : 0), simd_u32_load_pairs);
    DEMAND(kept[2 * lanes] == (float)ARITHMETIC_FILLER, simd_f32_store_pairs);
  }
  TWIN(f64, double, true, simd_f64_load_f32, simd_f64_load_f32(x), x[i])
  return NULL;
}

static inline const char *check_lane_counts(void) {
  const size_t f32 = simd_f32_lanes(), f64 = simd_f64_lanes();
  DEMAND(f32 >= 1 && f32 <= ARITHMETIC_LANES && (f32 & (f32 - 1)) == 0, simd_f32_lanes);
  DEMAND(f64 >= 1 && f64 <= ARITHMETIC_LANES && (f64 & (f64 - 1)) == 0, simd_f64_lanes);
  return NULL;
}

const char *SIMDROP_LOCAL(check_arithmetic)(const uint64_t *random) {
  const char *wrong = check_lane_counts();
  for (size_t at = 0; wrong == NULL && at + 2 * ARITHMETIC_LANES < ARITHMETIC_RANDOM; at += ARITHMETIC_LANES / 2) {
    uint32_t u32[2][ARITHMETIC_LANES];
    float f32[2][ARITHMETIC_LANES];
    double f64[2][ARITHMETIC_LANES];
    uint16_t halves[ARITHMETIC_LANES];
    for (size_t i = 0; i < 2 * ARITHMETIC_LANES; ++i) {
      u32[i % 2][i / 2] = arithmetic_special_f32(random[at + i]);
      f64[i % 2][i / 2] = arithmetic_special_f64(random[at + i]);
      halves[i / 2] = (uint16_t)(random[at + i] >> 40);
    }
    memcpy(f32, u32, sizeof f32);
    const bool non_temporal = at / 32 % 2;
    wrong = check_operations_f32(f32[0], f32[1], random[at]);
    if (wrong == NULL) wrong = check_operations_f64(f64[0], f64[1], random[at]);
    if (wrong == NULL) wrong = check_integers(u32[0], u32[1]);
    if (wrong == NULL) wrong = check_fused(u32[0], u32[1]);
    if (wrong == NULL) wrong = check_pairs(u32[0], f32[0]);
    if (wrong == NULL) wrong = check_f16(halves, f32[0], non_temporal);
    if (wrong == NULL) wrong = check_bf16(halves, f32[0], non_temporal);
#ifdef simd_f32_load_two_bf16
    uint16_t sums[2][ARITHMETIC_LANES];
    for (size_t i = 0; i < ARITHMETIC_LANES; ++i) {
      // Near one another in size, and all others.
      sums[0][i] = (uint16_t)(random[at + i] % 3 == 0 ? halves[i] : 0x3f00 + (halves[i] & 0x80ff));
      sums[1][i] = (uint16_t)(random[at + i] % 5 == 0 ? u32[0][i] >> 16 : 0x3f80 + (u32[1][i] & 0x80ff));
    }
    const float factors[3] = {1, 1 / 0.9F, 2};
    for (int i = 0; i < 3; ++i)
      if (wrong == NULL) wrong = check_two_bf16(sums[0], sums[1], factors[i], random[at], non_temporal);
#endif
    if (wrong == NULL) wrong = check_stores_f32(f32[0], non_temporal);
    if (wrong == NULL) wrong = check_stores_f64(f64[0], non_temporal);
  }
  return wrong;
}

#undef DEFINE_MATH_
#define DEFINE_MATH_(name)                                                       \
  static void apply_##name(size_t n, float *values) {                            \
    for (size_t i = 0; i < n; i += simd_f32_lanes())                             \
      simd_f32_store(values + i, math_##name(simd_f32_load(values + i)), false); \
  }
MATH_FUNCTIONS(DEFINE_MATH_)
#undef MATH_ENTRY_
#define MATH_ENTRY_(name) apply_##name,
apply_math_function *const SIMDROP_LOCAL(math_functions)[MATH_FUNCTION_COUNT] = {MATH_FUNCTIONS(MATH_ENTRY_)};

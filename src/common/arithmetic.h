// Every word of arithmetic that a vector backend's arithmetic.h has to say, with its signature: what the bodies of the fused
// kernels are written in. Included at the end of such a file, and once for each of Highway's targets, so it has no guard.
//
// A vector, simd_f32 or simd_f64, has a power of two lanes, at most 64. Vectors and masks may be of types that are neither
// members of structures nor of arrays. No word does more than it says: a product and a sum are two roundings, unless the
// product is exact.
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/element_types.h"
#include "common/simd_word.h"

SIMD_WORD(size_t, simd_f32_lanes, (void));
SIMD_WORD(size_t, simd_f64_lanes, (void));

// Loads and stores take any alignment, but where stores are non-temporal: then `to` is aligned to the size of what is stored.
// Elements of 16 bits are widened exactly, and rounded once, to nearest even; NaN stays NaN.
SIMD_WORD(simd_f32, simd_f32_load, (const float *from));
SIMD_WORD(simd_f32, simd_f32_load_f16, (const uint16_t *from));
SIMD_WORD(simd_f32, simd_f32_load_bf16, (const uint16_t *from));
SIMD_WORD(simd_f64, simd_f64_load, (const double *from));
SIMD_WORD(void, simd_f32_store, (float *to, simd_f32 a, bool non_temporal));
SIMD_WORD(void, simd_f32_store_f16, (uint16_t * to, simd_f32 a, bool non_temporal));
SIMD_WORD(void, simd_f32_store_bf16, (uint16_t * to, simd_f32 a, bool non_temporal));
SIMD_WORD(void, simd_f64_store, (double *to, simd_f64 a, bool non_temporal));

// Lane i = bit begin + i, for a begin that is a multiple of the lanes, and begin + lanes <= 64.
SIMD_WORD(simd_f32_mask, simd_f32_decisions, (uint64_t bits, unsigned begin));
SIMD_WORD(simd_f64_mask, simd_f64_decisions, (uint64_t bits, unsigned begin));

#define SIMD_ARITHMETIC_WORDS_(type, element)                                                                          \
  SIMD_WORD(simd_##type, simd_##type##_set, (element value));                                                          \
  SIMD_WORD(simd_##type, simd_##type##_add, (simd_##type a, simd_##type b));                                           \
  SIMD_WORD(simd_##type, simd_##type##_subtract, (simd_##type a, simd_##type b));                                      \
  SIMD_WORD(simd_##type, simd_##type##_multiply, (simd_##type a, simd_##type b));                                      \
  SIMD_WORD(simd_##type, simd_##type##_divide, (simd_##type a, simd_##type b));                                        \
  SIMD_WORD(simd_##type, simd_##type##_square_root, (simd_##type a));                                                  \
  SIMD_WORD(simd_##type, simd_##type##_absolute, (simd_##type a));                                                     \
  SIMD_WORD(simd_##type, simd_##type##_negate, (simd_##type a));                                                       \
  SIMD_WORD(simd_##type, simd_##type##_maximum, (simd_##type a, simd_##type b)); /* a > b ? a : b */                   \
  SIMD_WORD(simd_##type, simd_##type##_minimum, (simd_##type a, simd_##type b)); /* a < b ? a : b */                   \
  SIMD_WORD(simd_##type##_mask, simd_##type##_less, (simd_##type a, simd_##type b));                                   \
  SIMD_WORD(simd_##type, simd_##type##_select, (simd_##type##_mask mask, simd_##type a, simd_##type b)); /* ? a : b */ \
  SIMD_WORD(simd_##type, simd_##type##_keep, (simd_##type##_mask mask, simd_##type a));                  /* ? a : +0 */
SIMD_ARITHMETIC_WORDS_(f32, float)
SIMD_ARITHMETIC_WORDS_(f64, double)

// The lanes of simd_f32 as integers, modulo 2^32. Shifts are of all lanes by one count, 0 to 31.
SIMD_WORD(simd_u32, simd_f32_bits, (simd_f32 a));
SIMD_WORD(simd_f32, simd_f32_of_bits, (simd_u32 a));
SIMD_WORD(simd_u32, simd_u32_set, (uint32_t value));
SIMD_WORD(simd_u32, simd_u32_load, (const uint32_t *from));
SIMD_WORD(simd_u32, simd_u32_and, (simd_u32 a, simd_u32 b));
SIMD_WORD(simd_u32, simd_u32_or, (simd_u32 a, simd_u32 b));
SIMD_WORD(simd_u32, simd_u32_add, (simd_u32 a, simd_u32 b));
SIMD_WORD(simd_u32, simd_u32_subtract, (simd_u32 a, simd_u32 b));
SIMD_WORD(simd_u32, simd_u32_shift_left, (simd_u32 a, int count));
SIMD_WORD(simd_u32, simd_u32_shift_right, (simd_u32 a, int count));         // zeros come in
SIMD_WORD(simd_u32, simd_u32_shift_right_signed, (simd_u32 a, int count));  // the sign comes in
SIMD_WORD(simd_f32, simd_f32_from_integers, (simd_u32 a));                  // as numbers with a sign, rounded to nearest even

// a + b * c of a product that is exact, and a + 2 * b: one rounding either way, so that a backend may have an instruction that
// does not round products. Such a backend defines the name of the first.
#ifndef simd_f32_add_exact_product
static inline simd_f32 simd_f32_add_exact_product(simd_f32 a, simd_f32 b, simd_f32 c) {
  return simd_f32_add(a, simd_f32_multiply(b, c));
}
static inline simd_f32 simd_f32_add_twice(simd_f32 a, simd_f32 b) { return simd_f32_add(a, simd_f32_add(b, b)); }
#endif
SIMD_WORD(simd_f32, simd_f32_add_exact_product, (simd_f32 a, simd_f32 b, simd_f32 c));
SIMD_WORD(simd_f32, simd_f32_add_twice, (simd_f32 a, simd_f32 b));

// The smaller of |a| and b, with the sign of a; b >= 0. Backends that have an instruction for it define the name.
#ifndef simd_f32_smaller
static inline simd_f32 simd_f32_smaller(simd_f32 a, simd_f32 b) {
  const simd_f32 smaller = simd_f32_minimum(simd_f32_absolute(a), b);
  const simd_u32 sign = simd_u32_and(simd_f32_bits(a), simd_u32_set(UINT32_C(0x80000000)));
  return simd_f32_of_bits(simd_u32_or(simd_f32_bits(smaller), sign));
}
#endif
SIMD_WORD(simd_f32, simd_f32_smaller, (simd_f32 a, simd_f32 b));

// For numbers that come in pairs: those of twice as many words as there are lanes, in whatever order takes the fewest
// instructions, and from that order back to theirs.
SIMD_WORD(void, simd_u32_load_pairs, (const uint32_t *from, simd_u32 *first, simd_u32 *second));
SIMD_WORD(void, simd_f32_store_pairs, (float *to, simd_f32 first, simd_f32 second));
SIMD_WORD(simd_f64, simd_f64_load_f32, (const float *from));  // widened

// Twice as many elements as there are lanes, as two vectors, in whatever order takes the fewest instructions: that of their
// decisions, and of the store. Numbers are stored that were computed of such elements; NaN then has nothing in its lower half.
// Only where that is quicker; such a backend defines the name of the first, and has at most 32 lanes.
#ifdef simd_f32_load_two_bf16
#define SIMD_HAS_TWO_bf16 1
SIMD_WORD(void, simd_f32_load_two_bf16, (const uint16_t *from, simd_f32 *first, simd_f32 *second));
SIMD_WORD(void, simd_f32_store_two_bf16, (uint16_t * to, simd_f32 first, simd_f32 second, bool non_temporal));
SIMD_WORD(void, simd_f32_decisions_two_bf16, (uint64_t bits, unsigned begin, simd_f32_mask *first, simd_f32_mask *second));
#else
#define SIMD_HAS_TWO_bf16 0
#endif
#define SIMD_HAS_TWO_f32 0
#define SIMD_HAS_TWO_f64 0
#define SIMD_HAS_TWO_f16 0

// For bodies that are included once for each TYPE of SIMDROP_COMPUTED_TYPES: VECTOR and MASK are what it is computed in,
// COMPUTE(add)(a, b) a word of these, LOAD(x) and STORE(y, a, non_temporal) take and give elements of the type.
#define SIMD_COMPUTED_f32 simd_f32
#define SIMD_COMPUTED_f64 simd_f64
#define SIMD_COMPUTED_f16 simd_f32
#define SIMD_COMPUTED_bf16 simd_f32
#define SIMD_LOAD_f32 simd_f32_load
#define SIMD_LOAD_f64 simd_f64_load
#define SIMD_LOAD_f16 simd_f32_load_f16
#define SIMD_LOAD_bf16 simd_f32_load_bf16
#define SIMD_STORE_f32 simd_f32_store
#define SIMD_STORE_f64 simd_f64_store
#define SIMD_STORE_f16 simd_f32_store_f16
#define SIMD_STORE_bf16 simd_f32_store_bf16
#define VECTOR SIMDROP_JOIN_WORDS(SIMD_COMPUTED, TYPE)
#define COMPUTE(word) SIMDROP_JOIN_WORDS(VECTOR, word)
#define MASK COMPUTE(mask)
#define LOAD SIMDROP_JOIN_WORDS(SIMD_LOAD, TYPE)
#define STORE SIMDROP_JOIN_WORDS(SIMD_STORE, TYPE)

// Where HAS_TWO is 1, LOAD_TWO(x, &a, &b), STORE_TWO(y, a, b, non_temporal) and DECISIONS_TWO(bits, begin, &a, &b) as well.
#define HAS_TWO SIMDROP_JOIN_WORDS(SIMD_HAS_TWO, TYPE)
#define LOAD_TWO SIMDROP_JOIN_WORDS(simd_f32_load_two, TYPE)
#define STORE_TWO SIMDROP_JOIN_WORDS(simd_f32_store_two, TYPE)
#define DECISIONS_TWO SIMDROP_JOIN_WORDS(simd_f32_decisions_two, TYPE)

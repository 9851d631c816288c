// The vocabulary of SVE, by the intrinsics of Arm's C language extensions: what the producer for vectors of unknown length and
// the shared consumers are written in. SVE alone: half precision is converted, bfloat16 rounded in integers.
#ifndef SIMDROP_SVE_SIMD_H
#define SIMDROP_SVE_SIMD_H

#include <arm_sve.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/float8.h"
#include "common/mask_source.h"
#include "sve/bundle.h"

// ---- producer: a 32-bit lane is a word of a Philox call. Operations take all lanes, because then many need no predicate, but
// what is in memory are at most MOST_LANES of them.

typedef svuint32_t simd_words;
typedef svbool_t simd_lanes;

static inline size_t simd_lane_count(void) { return svcntw() < SIMDROP_BLOCK_PADDING ? svcntw() : SIMDROP_BLOCK_PADDING; }

// The lanes that are used of vectors that have more.
static inline svbool_t used_lanes(void) { return svwhilelt_b32_u32(0, SIMDROP_BLOCK_PADDING); }

static inline simd_words simd_words_set(uint32_t word) { return svdup_n_u32(word); }
static inline simd_words simd_words_load(const uint32_t *from) { return svld1_u32(used_lanes(), from); }
static inline void simd_words_store(uint32_t *to, simd_words a) { svst1_u32(used_lanes(), to, a); }
static inline simd_words simd_words_count_from(uint32_t first) { return svindex_u32(first, 1); }
static inline simd_words simd_words_and(simd_words a, simd_words b) { return svand_u32_x(svptrue_b32(), a, b); }
static inline simd_words simd_words_or(simd_words a, simd_words b) { return svorr_u32_x(svptrue_b32(), a, b); }
static inline simd_words simd_words_xor(simd_words a, simd_words b) { return sveor_u32_x(svptrue_b32(), a, b); }
static inline simd_words simd_words_xor3(simd_words a, simd_words b, simd_words c) {
  return simd_words_xor(a, simd_words_xor(b, c));
}
static inline simd_words simd_words_and_not(simd_words a, simd_words b) { return svbic_u32_x(svptrue_b32(), b, a); }

static inline simd_words simd_multiply_upper(simd_words a, simd_words b) { return svmulh_u32_x(svptrue_b32(), a, b); }
static inline simd_words simd_multiply_lower(simd_words a, simd_words b) { return svmul_u32_x(svptrue_b32(), a, b); }

static inline void simd_store_calls(uint32_t *to, simd_words a, simd_words b, simd_words c, simd_words d) {
  svst4_u32(used_lanes(), to, svcreate4_u32(a, b, c, d));
}

static inline simd_lanes simd_nonzero_lanes(simd_words a) { return svcmpne_n_u32(used_lanes(), a, 0); }
static inline bool simd_any(simd_words a) { return svptest_any(used_lanes(), simd_nonzero_lanes(a)); }
static inline size_t simd_count_lanes(simd_lanes lanes) { return svcntp_b32(used_lanes(), lanes); }

static inline void simd_compress_store(uint32_t *to, simd_lanes lanes, simd_words a) {
  simd_words_store(to, svcompact_u32(lanes, a));
}

// ---- consumers: 64 elements under one word of mask, in vectors of which the last may be a part. Stores past the caches are a
// hint here that nobody has measured; `non_temporal` changes nothing.

static inline void simd_finish_stores(void) {}

// Scalars: a function that takes a vector saves half of the registers for its caller, whose length may be 2048 bits.
typedef float simd_scale_f32, simd_scale_f16, simd_scale_bf16, simd_scale_f8e4m3fn, simd_scale_f8e5m2;
typedef double simd_scale_f64;

static inline simd_scale_f32 simd_set_scale_f32(simdrop_multiplier scale) { return (float)scale.value; }
static inline simd_scale_f16 simd_set_scale_f16(simdrop_multiplier scale) { return simd_set_scale_f32(scale); }
static inline simd_scale_bf16 simd_set_scale_bf16(simdrop_multiplier scale) { return simd_set_scale_f32(scale); }
static inline simd_scale_f64 simd_set_scale_f64(simdrop_multiplier scale) { return scale.value; }
static inline simd_scale_f8e4m3fn simd_set_scale_f8e4m3fn(simdrop_multiplier scale) { return (float)scale.value * 0x1p8f; }
static inline simd_scale_f8e5m2 simd_set_scale_f8e5m2(simdrop_multiplier scale) { return simd_set_scale_f32(scale); }

// The decisions of 32 elements, in vectors whose lane i has the bit of element i on top, those of the next elements below it,
// and then zeros: a comparison with 0 makes a predicate, and a shift by the number of lanes goes on to the next elements.

static inline svuint32_t decisions_32(uint64_t bits) {
  return svlsl_u32_x(svptrue_b32(), svrbit_u32_x(svptrue_b32(), svdup_n_u32((uint32_t)bits)), svindex_u32(0, 1));
}

static inline svuint32_t next_32(svuint32_t decisions) {
  return svlsl_u32_x(svptrue_b32(), decisions, svdup_n_u32((uint32_t)svcntw()));
}

static inline svbool_t kept_32(svbool_t lanes, svuint32_t decisions) {
  return svcmplt_n_s32(lanes, svreinterpret_s32_u32(decisions), 0);
}

static inline svuint64_t decisions_64(uint64_t bits) {
  return svlsl_u64_x(svptrue_b64(), svrbit_u64_x(svptrue_b64(), svdup_n_u64((uint32_t)bits)), svindex_u64(0, 1));
}

static inline svuint64_t next_64(svuint64_t decisions) { return svlsl_u64_x(svptrue_b64(), decisions, svdup_n_u64(svcntd())); }

static inline svbool_t kept_64(svbool_t lanes, svuint64_t decisions) {
  return svcmplt_n_s64(lanes, svreinterpret_s64_u64(decisions), 0);
}

// What is done with a vector of elements, of which `lanes` are there and `kept` are kept. A dropped element is not loaded but
// 0, and so becomes 0 * scale = +0 and raises no flag. Elements of 8 and 16 bits are at the lower ends of 32-bit lanes.
typedef void apply_32(svbool_t lanes, svbool_t kept, const void *x, void *y, float scale);
typedef void apply_64(svbool_t lanes, svbool_t kept, const void *x, void *y, double scale);

static inline void scale_lanes_f32(svbool_t lanes, svbool_t kept, const void *x, void *y, float scale) {
  svst1_f32(lanes, (float *)y, svmul_n_f32_x(svptrue_b32(), svld1_f32(kept, (const float *)x), scale));
}

static inline void scale_lanes_f64(svbool_t lanes, svbool_t kept, const void *x, void *y, double scale) {
  svst1_f64(lanes, (double *)y, svmul_n_f64_x(svptrue_b64(), svld1_f64(kept, (const double *)x), scale));
}

static inline void scale_lanes_f16(svbool_t lanes, svbool_t kept, const void *x, void *y, float scale) {
  const svfloat16_t half = svreinterpret_f16_u32(svld1uh_u32(kept, (const uint16_t *)x));
  const svfloat32_t product = svmul_n_f32_x(svptrue_b32(), svcvt_f32_f16_x(svptrue_b32(), half), scale);
  svst1h_u32(lanes, (uint16_t *)y, svreinterpret_u32_f16(svcvt_f16_f32_x(svptrue_b32(), product)));
}

// Rounds the upper half of each product to nearest even. Infinity stays (its lower half is 0), and so does NaN: a NaN that
// comes from bfloat16 has a lower half of 0 too.
static inline void scale_lanes_bf16(svbool_t lanes, svbool_t kept, const void *x, void *y, float scale) {
  const svbool_t all = svptrue_b32();
  const svfloat32_t wide = svreinterpret_f32_u32(svlsl_n_u32_x(all, svld1uh_u32(kept, (const uint16_t *)x), 16));
  const svuint32_t product = svreinterpret_u32_f32(svmul_n_f32_x(all, wide, scale));
  const svuint32_t odd = svand_n_u32_x(all, svlsr_n_u32_x(all, product, 16), 1);
  const svuint32_t rounded = svadd_u32_x(all, product, svadd_n_u32_x(all, odd, 0x7fff));
  svst1h_u32(lanes, (uint16_t *)y, svlsr_n_u32_x(all, rounded, 16));
}

// Magnitudes of 8 bits are widened by way of binary16: e5m2 is its upper byte, and e4m3fn in its place has an exponent that is
// 8 too small, which the scale makes up for. e4m3fn's NaN passes for 480 here.
static inline __attribute__((always_inline)) void scale_lanes_f8(svbool_t lanes, svbool_t kept, const void *x, void *y,
                                                                 float scale, unsigned fraction, unsigned bias, unsigned up,
                                                                 unsigned limit) {
  const svbool_t all = svptrue_b32();
  const unsigned shift = SIMDROP_FLOAT8_SHIFT(fraction);
  const uint32_t rounder = SIMDROP_FLOAT8_ROUNDER(fraction, bias);
  const svuint32_t bytes = svld1ub_u32(kept, (const uint8_t *)x), magnitudes = svand_n_u32_x(all, bytes, 0x7f);
  const svfloat16_t half = svreinterpret_f16_u32(svlsl_n_u32_x(all, magnitudes, up));
  const svfloat32_t product = svmul_n_f32_x(all, svcvt_f32_f16_x(all, half), scale);
  const svuint32_t bits = svreinterpret_u32_f32(product), odd = svand_n_u32_x(all, svlsr_n_u32_x(all, bits, shift), 1);
  const svuint32_t sum = svadd_u32_x(all, bits, svadd_n_u32_x(all, odd, SIMDROP_FLOAT8_ADDEND(fraction, bias)));
  const svuint32_t shifted = svreinterpret_u32_f32(svadd_n_f32_x(all, product, simdrop_float_from_bits(rounder)));
  const svbool_t is_small = svcmplt_n_u32(all, bits, SIMDROP_FLOAT8_SMALLEST_NORMAL(bias));
  const svuint32_t rounded = svsel_u32(is_small, svsub_n_u32_x(all, shifted, rounder), svlsr_n_u32_x(all, sum, shift));
  const svuint32_t number = svmin_n_u32_x(all, rounded, limit);
  const svuint32_t or_nan = svorr_n_u32_m(svcmpgt_n_u32(all, magnitudes, limit), number, SIMDROP_FLOAT8_NAN);
  svst1b_u32(lanes, (uint8_t *)y, svorr_u32_x(all, or_nan, svand_n_u32_x(all, bytes, 0x80)));
}

static inline void scale_lanes_f8e4m3fn(svbool_t lanes, svbool_t kept, const void *x, void *y, float scale) {
  scale_lanes_f8(lanes, kept, x, y, scale, SIMDROP_F8E4M3FN_FRACTION, SIMDROP_F8E4M3FN_BIAS, 7, SIMDROP_F8E4M3FN_LIMIT);
}

static inline void scale_lanes_f8e5m2(svbool_t lanes, svbool_t kept, const void *x, void *y, float scale) {
  scale_lanes_f8(lanes, kept, x, y, scale, SIMDROP_F8E5M2_FRACTION, SIMDROP_F8E5M2_BIAS, 8, SIMDROP_F8E5M2_LIMIT);
}

static inline void select_lanes_8(svbool_t lanes, svbool_t kept, const void *x, void *y, float scale) {
  (void)scale;
  svst1b_u32(lanes, (uint8_t *)y, svld1ub_u32(kept, (const uint8_t *)x));
}

static inline void select_lanes_16(svbool_t lanes, svbool_t kept, const void *x, void *y, float scale) {
  (void)scale;
  svst1h_u32(lanes, (uint16_t *)y, svld1uh_u32(kept, (const uint16_t *)x));
}

static inline void select_lanes_32(svbool_t lanes, svbool_t kept, const void *x, void *y, float scale) {
  (void)scale;
  svst1_u32(lanes, (uint32_t *)y, svld1_u32(kept, (const uint32_t *)x));
}

static inline void select_lanes_64(svbool_t lanes, svbool_t kept, const void *x, void *y, double scale) {
  (void)scale;
  svst1_u64(lanes, (uint64_t *)y, svld1_u64(kept, (const uint64_t *)x));
}

// 64 elements of `size` bytes: vectors from both halves in turn, which do not wait for one another.

static inline __attribute__((always_inline)) void apply_word_32(apply_32 *apply, uint64_t bits, const void *x, void *y,
                                                                size_t size, float scale) {
  const char *const in = (const char *)x;
  char *const out = (char *)y;
  svuint32_t first = decisions_32(bits), second = decisions_32(bits >> 32);
  for (size_t i = 0; i < 32; i += svcntw()) {
    const svbool_t lanes = svwhilelt_b32_u64(i, 32);
    apply(lanes, kept_32(lanes, first), in + i * size, out + i * size, scale);
    apply(lanes, kept_32(lanes, second), in + (i + 32) * size, out + (i + 32) * size, scale);
    first = next_32(first);
    second = next_32(second);
  }
}

static inline __attribute__((always_inline)) void apply_word_64(apply_64 *apply, uint64_t bits, const void *x, void *y,
                                                                double scale) {
  const uint64_t *const in = (const uint64_t *)x;
  uint64_t *const out = (uint64_t *)y;
  const svbool_t lanes = svptrue_b64();  // the longest vectors have 32
  svuint64_t first = decisions_64(bits), second = decisions_64(bits >> 32);
  for (size_t i = 0; i < 32; i += svcntd()) {
    apply(lanes, kept_64(lanes, first), in + i, out + i, scale);
    apply(lanes, kept_64(lanes, second), in + i + 32, out + i + 32, scale);
    first = next_64(first);
    second = next_64(second);
  }
}

static inline void simd_scale_word_f32(uint64_t bits, const float *x, float *y, simd_scale_f32 scale, bool non_temporal) {
  (void)non_temporal;
  apply_word_32(scale_lanes_f32, bits, x, y, sizeof *x, scale);
}

static inline void simd_scale_word_f64(uint64_t bits, const double *x, double *y, simd_scale_f64 scale, bool non_temporal) {
  (void)non_temporal;
  apply_word_64(scale_lanes_f64, bits, x, y, scale);
}

static inline void simd_scale_word_f16(uint64_t bits, const uint16_t *x, uint16_t *y, simd_scale_f16 scale, bool non_temporal) {
  (void)non_temporal;
  apply_word_32(scale_lanes_f16, bits, x, y, sizeof *x, scale);
}

static inline void simd_scale_word_bf16(uint64_t bits, const uint16_t *x, uint16_t *y, simd_scale_bf16 scale,
                                        bool non_temporal) {
  (void)non_temporal;
  apply_word_32(scale_lanes_bf16, bits, x, y, sizeof *x, scale);
}

static inline void simd_scale_word_f8e4m3fn(uint64_t bits, const uint8_t *x, uint8_t *y, simd_scale_f8e4m3fn scale,
                                            bool non_temporal) {
  (void)non_temporal;
  apply_word_32(scale_lanes_f8e4m3fn, bits, x, y, sizeof *x, scale);
}

static inline void simd_scale_word_f8e5m2(uint64_t bits, const uint8_t *x, uint8_t *y, simd_scale_f8e5m2 scale,
                                          bool non_temporal) {
  (void)non_temporal;
  apply_word_32(scale_lanes_f8e5m2, bits, x, y, sizeof *x, scale);
}

static inline void simd_select_word_8(uint64_t bits, const uint8_t *x, uint8_t *y) {
  apply_word_32(select_lanes_8, bits, x, y, sizeof *x, 0);
}

static inline void simd_select_word_16(uint64_t bits, const uint16_t *x, uint16_t *y) {
  apply_word_32(select_lanes_16, bits, x, y, sizeof *x, 0);
}

static inline void simd_select_word_32(uint64_t bits, const uint32_t *x, uint32_t *y) {
  apply_word_32(select_lanes_32, bits, x, y, sizeof *x, 0);
}

static inline void simd_select_word_64(uint64_t bits, const uint64_t *x, uint64_t *y) {
  apply_word_64(select_lanes_64, bits, x, y, 0);
}

// The word is in every 64 bits of a vector: lane i takes byte i / 8 of it, and of that the bit i % 8.
static inline void simd_expand_word(uint64_t bits, uint8_t *bytes, bool non_temporal) {
  (void)non_temporal;
  const svbool_t all = svptrue_b8();
  const svuint8_t word = svreinterpret_u8_u64(svdup_n_u64(bits)), bit = svand_n_u8_x(all, svindex_u8(0, 1), 7);
  for (size_t i = 0; i < 64; i += svcntb()) {
    const svuint8_t byte = svlsr_n_u8_x(all, svindex_u8((uint8_t)i, 1), 3);
    const svuint8_t decisions = svand_n_u8_x(all, svlsr_u8_x(all, svtbl_u8(word, byte), bit), 1);
    svst1_u8(svwhilelt_b8_u64(i, 64), bytes + i, decisions);
  }
}

#include "common/vocabulary.h"

#endif

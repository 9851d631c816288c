// The words of arithmetic in terms of Highway: what the bodies of the fused kernels are written in. Included after
// consumer_simd-inl.h, once for each target, in the target's name space, so it has no guard. Mul and Add, never MulAdd, which
// is one rounding on some targets and two on others.

using simd_f32 = hn::Vec<tag_f32>;
using simd_f32_mask = hn::Mask<tag_f32>;
using simd_u32 = hn::Vec<tag_u32>;
using simd_f64 = hn::Vec<tag_f64>;
using simd_f64_mask = hn::Mask<tag_f64>;

static inline size_t simd_f32_lanes() { return hn::Lanes(tag_f32()); }
static inline size_t simd_f64_lanes() { return hn::Lanes(tag_f64()); }

static inline simd_f32 simd_f32_set(float value) { return hn::Set(tag_f32(), value); }
static inline simd_f32 simd_f32_load(const float *from) { return hn::LoadU(tag_f32(), from); }
static inline simd_f32 simd_f32_load_f16(const uint16_t *from) { return widen_f16(hn::LoadU(tag_half_u16(), from)); }
static inline simd_f32 simd_f32_load_bf16(const uint16_t *from) {
  return hn::BitCast(tag_f32(), hn::ShiftLeft<16>(hn::PromoteTo(tag_u32(), hn::LoadU(tag_half_u16(), from))));
}

static inline void simd_f32_store(float *to, simd_f32 a, bool non_temporal) { store_lanes(tag_f32(), a, to, non_temporal); }
static inline void simd_f32_store_f16(uint16_t *to, simd_f32 a, bool non_temporal) {
  store_lanes(tag_half_u16(), narrow_f16(a), to, non_temporal);
}

static inline void simd_f32_store_bf16(uint16_t *to, simd_f32 a, bool non_temporal) {
  const tag_u32 tag;
  const auto bits = hn::BitCast(tag, a), odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(tag, 1));
  const auto rounded = hn::Add(bits, hn::Add(odd, hn::Set(tag, 0x7fff)));
  const auto quiet_nan = hn::Or(bits, hn::Set(tag, 0x400000));
  const auto upper = hn::ShiftRight<16>(hn::IfThenElse(hn::RebindMask(tag, hn::Eq(a, a)), rounded, quiet_nan));
  store_lanes(tag_half_u16(), hn::DemoteTo(tag_half_u16(), hn::BitCast(tag_i32(), upper)), to, non_temporal);
}

static inline simd_f32 simd_f32_add(simd_f32 a, simd_f32 b) { return hn::Add(a, b); }
static inline simd_f32 simd_f32_subtract(simd_f32 a, simd_f32 b) { return hn::Sub(a, b); }
static inline simd_f32 simd_f32_multiply(simd_f32 a, simd_f32 b) { return hn::Mul(a, b); }
static inline simd_f32 simd_f32_divide(simd_f32 a, simd_f32 b) { return hn::Div(a, b); }
static inline simd_f32 simd_f32_square_root(simd_f32 a) { return hn::Sqrt(a); }
static inline simd_f32 simd_f32_absolute(simd_f32 a) { return hn::Abs(a); }
static inline simd_f32 simd_f32_negate(simd_f32 a) { return hn::Neg(a); }
static inline simd_f32 simd_f32_maximum(simd_f32 a, simd_f32 b) { return hn::IfThenElse(hn::Gt(a, b), a, b); }
static inline simd_f32 simd_f32_minimum(simd_f32 a, simd_f32 b) { return hn::IfThenElse(hn::Lt(a, b), a, b); }
static inline simd_f32_mask simd_f32_less(simd_f32 a, simd_f32 b) { return hn::Lt(a, b); }
static inline simd_f32 simd_f32_select(simd_f32_mask mask, simd_f32 a, simd_f32 b) { return hn::IfThenElse(mask, a, b); }
static inline simd_f32 simd_f32_keep(simd_f32_mask mask, simd_f32 a) { return hn::IfThenElseZero(mask, a); }
static inline simd_f32_mask simd_f32_decisions(uint64_t bits, unsigned begin) { return mask_of(tag_f32(), bits, (int)begin); }

static inline simd_u32 simd_f32_bits(simd_f32 a) { return hn::BitCast(tag_u32(), a); }
static inline simd_f32 simd_f32_of_bits(simd_u32 a) { return hn::BitCast(tag_f32(), a); }
static inline simd_u32 simd_u32_set(uint32_t value) { return hn::Set(tag_u32(), value); }
static inline simd_u32 simd_u32_load(const uint32_t *from) { return hn::LoadU(tag_u32(), from); }
static inline simd_u32 simd_u32_and(simd_u32 a, simd_u32 b) { return hn::And(a, b); }
static inline simd_u32 simd_u32_or(simd_u32 a, simd_u32 b) { return hn::Or(a, b); }
static inline simd_u32 simd_u32_add(simd_u32 a, simd_u32 b) { return hn::Add(a, b); }
static inline simd_u32 simd_u32_subtract(simd_u32 a, simd_u32 b) { return hn::Sub(a, b); }
static inline simd_u32 simd_u32_shift_left(simd_u32 a, int count) { return hn::ShiftLeftSame(a, count); }
static inline simd_u32 simd_u32_shift_right(simd_u32 a, int count) { return hn::ShiftRightSame(a, count); }
static inline simd_u32 simd_u32_shift_right_signed(simd_u32 a, int count) {
  return hn::BitCast(tag_u32(), hn::ShiftRightSame(hn::BitCast(tag_i32(), a), count));
}
static inline simd_f32 simd_f32_from_integers(simd_u32 a) { return hn::ConvertTo(tag_f32(), hn::BitCast(tag_i32(), a)); }

static inline simd_f64 simd_f64_set(double value) { return hn::Set(tag_f64(), value); }
static inline simd_f64 simd_f64_load(const double *from) { return hn::LoadU(tag_f64(), from); }
static inline void simd_f64_store(double *to, simd_f64 a, bool non_temporal) { store_lanes(tag_f64(), a, to, non_temporal); }
static inline simd_f64 simd_f64_add(simd_f64 a, simd_f64 b) { return hn::Add(a, b); }
static inline simd_f64 simd_f64_subtract(simd_f64 a, simd_f64 b) { return hn::Sub(a, b); }
static inline simd_f64 simd_f64_multiply(simd_f64 a, simd_f64 b) { return hn::Mul(a, b); }
static inline simd_f64 simd_f64_divide(simd_f64 a, simd_f64 b) { return hn::Div(a, b); }
static inline simd_f64 simd_f64_square_root(simd_f64 a) { return hn::Sqrt(a); }
static inline simd_f64 simd_f64_absolute(simd_f64 a) { return hn::Abs(a); }
static inline simd_f64 simd_f64_negate(simd_f64 a) { return hn::Neg(a); }
static inline simd_f64 simd_f64_maximum(simd_f64 a, simd_f64 b) { return hn::IfThenElse(hn::Gt(a, b), a, b); }
static inline simd_f64 simd_f64_minimum(simd_f64 a, simd_f64 b) { return hn::IfThenElse(hn::Lt(a, b), a, b); }
static inline simd_f64_mask simd_f64_less(simd_f64 a, simd_f64 b) { return hn::Lt(a, b); }
static inline simd_f64 simd_f64_select(simd_f64_mask mask, simd_f64 a, simd_f64 b) { return hn::IfThenElse(mask, a, b); }
static inline simd_f64 simd_f64_keep(simd_f64_mask mask, simd_f64 a) { return hn::IfThenElseZero(mask, a); }
static inline simd_f64_mask simd_f64_decisions(uint64_t bits, unsigned begin) { return mask_of(tag_f64(), bits, (int)begin); }

static inline void simd_u32_load_pairs(const uint32_t *from, simd_u32 *first, simd_u32 *second) {
  hn::LoadInterleaved2(tag_u32(), from, *first, *second);
}
static inline void simd_f32_store_pairs(float *to, simd_f32 first, simd_f32 second) {
  hn::StoreInterleaved2(first, second, tag_f32(), to);
}
static inline simd_f64 simd_f64_load_f32(const float *from) {
  return hn::PromoteTo(tag_f64(), hn::LoadU(hn::Rebind<float, tag_f64>(), from));
}

#include "common/arithmetic.h"

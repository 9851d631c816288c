// The shared consumers' vocabulary in terms of Highway: 64 elements under one word of mask. kernels.cpp includes it once for
// each target, in the target's name space, so it has no guard.

namespace hn = hwy::HWY_NAMESPACE;

static inline void simd_finish_stores() { hwy::FlushStream(); }

// At most 64 elements, and what mask_of can look at.
using tag_f32 = hn::CappedTag<float, 32>;
using tag_f64 = hn::CappedTag<double, 32>;
using tag_u32 = hn::RebindToUnsigned<tag_f32>;
using tag_u16 = hn::Repartition<uint16_t, tag_f32>;
using simd_scale_f32 = hn::Vec<tag_f32>;
using simd_scale_f16 = simd_scale_f32;
using simd_scale_bf16 = simd_scale_f32;
using simd_scale_f8e4m3fn = simd_scale_f32;
using simd_scale_f8e5m2 = simd_scale_f32;
using simd_scale_f64 = hn::Vec<tag_f64>;

static inline simd_scale_f32 simd_set_scale_f32(simdrop_multiplier scale) { return hn::Set(tag_f32(), (float)scale.value); }
static inline simd_scale_f16 simd_set_scale_f16(simdrop_multiplier scale) { return simd_set_scale_f32(scale); }
static inline simd_scale_bf16 simd_set_scale_bf16(simdrop_multiplier scale) { return simd_set_scale_f32(scale); }
static inline simd_scale_f64 simd_set_scale_f64(simdrop_multiplier scale) { return hn::Set(tag_f64(), scale.value); }
static inline simd_scale_f8e4m3fn simd_set_scale_f8e4m3fn(simdrop_multiplier scale) { return simd_set_scale_f32(scale); }
static inline simd_scale_f8e5m2 simd_set_scale_f8e5m2(simdrop_multiplier scale) { return simd_set_scale_f32(scale); }

template <class Tag>
static inline void store_lanes(Tag tag, hn::Vec<Tag> a, hn::TFromD<Tag> *y, bool non_temporal) {
  if (non_temporal && hn::MaxLanes(tag) * sizeof *y >= HWY_STREAM_MULTIPLE) {  // less cannot be stored past the caches
    hn::Stream(a, tag, y);
  } else {
    hn::StoreU(a, tag, y);
  }
}

// A vector has a power of two lanes, so that vectors make up a word, even if Highway learns how many only when the program runs
// (see bundles.h). Then how often the loop runs is not known either.
#undef SIMD_UNROLL_WORD
#if HWY_HAVE_SCALABLE
#define SIMD_UNROLL_WORD
#else
#define SIMD_UNROLL_WORD SIMDROP_UNROLL
#endif

// The single bits of a lane of type T.
template <class T>
struct bit_table {
  constexpr bit_table() : bits() {
    for (size_t i = 0; i < 8 * sizeof(T); ++i) bits[i] = (T)((T)1 << i);
  }
  alignas(64) T bits[8 * sizeof(T)];
};

// Lane i = bit begin + i of the word; false past the last.
template <class Tag>
static inline hn::Mask<Tag> mask_of(Tag tag, uint64_t bits, int begin) {
  using lane = hwy::MakeUnsigned<hn::TFromD<Tag>>;
  constexpr int lane_bits = 8 * sizeof(lane);
#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
  constexpr bool from_memory = true;
#else
  constexpr bool from_memory = HWY_TARGET == HWY_RVV || (HWY_HAVE_SCALABLE && lane_bits < 32);
#endif
  if constexpr (from_memory) {
    uint8_t bytes[8];
    bits >>= begin;
    memcpy(bytes, &bits, sizeof bits);
    return hn::LoadMaskBits(tag, bytes);
  } else {
    // As many bits as a lane has are in every lane, and each lane looks at one of them.
    const hn::RebindToUnsigned<Tag> unsigned_tag;
    static constexpr bit_table<lane> table;
#if HWY_HAVE_SCALABLE
    const auto many = hn::Set(unsigned_tag, (lane)(bits >> begin));
    return hn::RebindMask(tag, hn::TestBit(many, hn::LoadU(unsigned_tag, table.bits)));
#else
    const auto many = hn::Set(unsigned_tag, (lane)(bits >> (begin / lane_bits * lane_bits)));
    return hn::RebindMask(tag, hn::TestBit(many, hn::LoadU(unsigned_tag, table.bits + begin % lane_bits)));
#endif
  }
}

// Elements begin, begin + 1, ... of x, 0 where the bit of that number is 0: a dropped element is 0 * scale = +0 whatever it
// was.
template <class Tag>
static inline hn::Vec<Tag> select_lanes(Tag tag, uint64_t bits, int begin, const hn::TFromD<Tag> *x) {
#if HWY_HAVE_SCALABLE
  return hn::MaskedLoad(mask_of(tag, bits, begin), tag, x + begin);
#else
  return hn::IfThenElseZero(mask_of(tag, bits, begin), hn::LoadU(tag, x + begin));
#endif
}

// x * scale for a positive, finite scale. A NaN comes back quiet with its payload: RISC-V's products have one NaN for all, and
// WebAssembly's any.
template <class Tag>
static inline hn::Vec<Tag> multiply(Tag tag, hn::Vec<Tag> x, hn::Vec<Tag> scale) {
#if HWY_TARGET == HWY_RVV || HWY_TARGET == HWY_WASM
  const hn::RebindToUnsigned<Tag> bits_tag;
  using bits = hn::TFromD<decltype(bits_tag)>;
  const auto quiet_bit = hn::Set(bits_tag, (bits)((bits)1 << (sizeof(bits) == 4 ? 22 : 51)));
  const auto quiet_nan = hn::BitCast(tag, hn::Or(hn::BitCast(bits_tag, x), quiet_bit));
  return hn::IfThenElse(hn::Ne(x, x), quiet_nan, hn::Mul(x, scale));
#else
  (void)tag;
  return hn::Mul(x, scale);
#endif
}

template <class Tag>
static inline void scale_word(Tag tag, uint64_t bits, const hn::TFromD<Tag> *x, hn::TFromD<Tag> *y, hn::Vec<Tag> scale,
                              bool non_temporal) {
  SIMD_UNROLL_WORD
  for (int i = 0; i < 64; i += (int)hn::Lanes(tag))
    store_lanes(tag, multiply(tag, select_lanes(tag, bits, i, x), scale), y + i, non_temporal);
}

static inline void simd_scale_word_f32(uint64_t bits, const float *x, float *y, simd_scale_f32 scale, bool non_temporal) {
  scale_word(tag_f32(), bits, x, y, scale, non_temporal);
}

static inline void simd_scale_word_f64(uint64_t bits, const double *x, double *y, simd_scale_f64 scale, bool non_temporal) {
  scale_word(tag_f64(), bits, x, y, scale, non_temporal);
}

// As many elements of binary16 as there are lanes of binary32.
using tag_half_u16 = hn::Rebind<uint16_t, tag_f32>;

#if HWY_ARCH_ARM_A64 || (HWY_TARGET <= HWY_AVX2 && HWY_ARCH_X86 && !defined(HWY_DISABLE_F16C))
static inline hn::Vec<tag_f32> widen_f16(hn::Vec<tag_half_u16> half) {
  return hn::PromoteTo(tag_f32(), hn::BitCast(hn::Rebind<hwy::float16_t, tag_f32>(), half));
}

static inline hn::Vec<tag_half_u16> narrow_f16(hn::Vec<tag_f32> value) {
  return hn::BitCast(tag_half_u16(), hn::DemoteTo(hn::Rebind<hwy::float16_t, tag_f32>(), value));
}
#else
// Highway's own conversions without F16C lose subnormals and the payloads of NaNs. These are those of common/float16.h.

static inline hn::Vec<tag_u32> set_u32(uint32_t value) { return hn::Set(tag_u32(), value); }

// Lanes and a limit below 2^31, which can be compared as if they had a sign.
static inline hn::Mask<tag_u32> are_above(hn::Vec<tag_u32> a, uint32_t limit) {
  const hn::RebindToSigned<tag_u32> tag;
  return hn::RebindMask(tag_u32(), hn::Gt(hn::BitCast(tag, a), hn::Set(tag, (int32_t)limit)));
}

static inline hn::Vec<tag_f32> widen_f16(hn::Vec<tag_half_u16> half) {
  const auto bits = hn::PromoteTo(tag_u32(), half);
  const auto sign = hn::ShiftLeft<16>(hn::And(bits, set_u32(0x8000)));
  const auto magnitude = hn::ShiftLeft<13>(hn::And(bits, set_u32(0x7fff)));
  const auto finite = hn::Mul(hn::BitCast(tag_f32(), magnitude), hn::Set(tag_f32(), 0x1p112f));
  const auto infinite_or_nan = are_above(magnitude, (0x7c00 << 13) - 1);
  const auto wide = hn::IfThenElse(infinite_or_nan, hn::Or(magnitude, set_u32(0x7f800000)), hn::BitCast(tag_u32(), finite));
  return hn::BitCast(tag_f32(), hn::Or(wide, sign));
}

static inline hn::Vec<tag_half_u16> narrow_f16(hn::Vec<tag_f32> value) {
  const auto bits = hn::BitCast(tag_u32(), value);
  const auto sign = hn::And(hn::ShiftRight<16>(bits), set_u32(0x8000));
  const auto magnitude = hn::And(bits, set_u32(0x7fffffff));
  // From 2^-14 on: the exponent 112 less, and half a unit added, less a little unless the result would be odd.
  const auto odd = hn::And(hn::ShiftRight<13>(magnitude), set_u32(1));
  const auto normal = hn::ShiftRight<13>(hn::Add(hn::Sub(magnitude, set_u32((112u << 23) - 0xfff)), odd));
  const auto is_normal = are_above(magnitude, 0x38800000 - 1);
  // Below: a unit is 2^-24, to which the addition of 1/2 rounds.
  const auto shifted = hn::Add(hn::BitCast(tag_f32(), hn::IfThenZeroElse(is_normal, magnitude)), hn::Set(tag_f32(), 0.5f));
  const auto subnormal = hn::Sub(hn::BitCast(tag_u32(), shifted), set_u32(0x3f000000));
  const auto finite = hn::IfThenElse(is_normal, normal, subnormal);
  const auto rounded = hn::IfThenElse(are_above(magnitude, 0x477ff000 - 1), set_u32(0x7c00), finite);
  const auto quiet_nan = hn::Or(set_u32(0x7e00), hn::And(hn::ShiftRight<13>(magnitude), set_u32(0x3ff)));
  const auto half = hn::Or(hn::IfThenElse(are_above(magnitude, 0x7f800000), quiet_nan, rounded), sign);
  return hn::DemoteTo(tag_half_u16(), hn::BitCast(hn::RebindToSigned<tag_u32>(), half));
}
#endif

static inline void simd_scale_word_f16(uint64_t bits, const uint16_t *x, uint16_t *y, simd_scale_f16 scale, bool non_temporal) {
  const tag_half_u16 tag;
  for (int i = 0; i < 64; i += (int)hn::Lanes(tag))
    store_lanes(tag, narrow_f16(multiply(tag_f32(), widen_f16(select_lanes(tag, bits, i, x)), scale)), y + i, non_temporal);
}

// Rounds products to nearest even: their upper halves are the results, to be raised by one where the lower half is above half
// of a unit, or equal to it under an odd result. Infinity stays (its lower half is 0), and so does NaN: a NaN that comes from
// bfloat16 has a lower half of 0 too.
static inline hn::Vec<tag_u16> narrow_bf16(hn::Vec<tag_f32> even_products, hn::Vec<tag_f32> odd_products) {
  const tag_u16 tag;
  const auto even = hn::BitCast(tag_u32(), even_products), odd = hn::BitCast(tag_u32(), odd_products);
#if HWY_ARCH_ARM || HWY_HAVE_SCALABLE
  // By addition: SVE has no rounding average, and Highway's own (1.0.3) overflows; RISC-V has no odd and even lanes.
  const auto addend = hn::Set(tag_u32(), 0x7fff), one = hn::Set(tag_u32(), 1), upper_half = hn::Set(tag_u32(), 0xffff0000);
  const auto low = hn::Add(even, hn::Add(hn::And(hn::ShiftRight<16>(even), one), addend));
  const auto high = hn::Add(odd, hn::Add(hn::And(hn::ShiftRight<16>(odd), one), addend));
  return hn::BitCast(tag, hn::Or(hn::And(high, upper_half), hn::ShiftRight<16>(low)));
#else
  const auto upper = hn::OddEven(hn::BitCast(tag, odd), hn::BitCast(tag, hn::ShiftRight<16>(even)));
  const auto lower = hn::OddEven(hn::BitCast(tag, hn::ShiftLeft<16>(odd)), hn::BitCast(tag, even));
  // The average (lower + 0x7ffe + odd + 1) / 2 reaches 2^15 exactly where lower + 0x7fff + odd carries.
  const auto addend = hn::Or(hn::And(upper, hn::Set(tag, 1)), hn::Set(tag, 0x7ffe));
  return hn::Add(upper, hn::ShiftRight<15>(hn::AverageRound(lower, addend)));
#endif
}

static inline void simd_scale_word_bf16(uint64_t bits, const uint16_t *x, uint16_t *y, simd_scale_bf16 scale,
                                        bool non_temporal) {
  const tag_u16 tag;
  SIMD_UNROLL_WORD
  for (int i = 0; i < 64; i += (int)hn::Lanes(tag)) {
    const auto pairs = hn::BitCast(tag_u32(), select_lanes(tag, bits, i, x));
    const auto even = hn::BitCast(tag_f32(), hn::ShiftLeft<16>(pairs));
    const auto odd = hn::BitCast(tag_f32(), hn::And(pairs, hn::Set(tag_u32(), 0xffff0000)));
    store_lanes(tag, narrow_bf16(multiply(tag_f32(), even, scale), multiply(tag_f32(), odd, scale)), y + i, non_temporal);
  }
}

// As many elements of 8 bits as there are lanes of binary32.
using tag_quarter_u8 = hn::Rebind<uint8_t, tag_f32>;
using tag_i32 = hn::RebindToSigned<tag_u32>;

// A product of magnitudes, as in common/float8.h. An e4m3fn that is NaN passes for 480 and an e5m2 that is infinite for 65536.
template <int kFraction, int kBias, int kLimit>
static inline hn::Vec<tag_quarter_u8> scale_magnitudes_f8(hn::Vec<tag_quarter_u8> magnitudes, hn::Vec<tag_f32> scale) {
  constexpr int kShift = SIMDROP_FLOAT8_SHIFT(kFraction);
  const tag_i32 tag;
  const auto digits = hn::BitCast(tag_f32(), hn::ShiftLeft<kShift>(hn::PromoteTo(tag, magnitudes)));
  const auto power = hn::Set(tag, (254 - kBias) << 23);  // 2^(127 - kBias)
  const auto product = hn::Mul(hn::Mul(digits, hn::BitCast(tag_f32(), power)), scale);
  const auto bits = hn::BitCast(tag, product), odd = hn::And(hn::ShiftRight<kShift>(bits), hn::Set(tag, 1));
  const auto addend = hn::Set(tag, (int32_t)SIMDROP_FLOAT8_ADDEND(kFraction, kBias));
  const auto normal = hn::ShiftRight<kShift>(hn::Add(bits, hn::Add(odd, addend)));
  const auto rounder = hn::Set(tag, (int32_t)SIMDROP_FLOAT8_ROUNDER(kFraction, kBias));
  const auto shifted = hn::BitCast(tag, hn::Add(product, hn::BitCast(tag_f32(), rounder)));
  const auto is_small = hn::Lt(bits, hn::Set(tag, (int32_t)SIMDROP_FLOAT8_SMALLEST_NORMAL(kBias)));
  const auto rounded = hn::IfThenElse(is_small, hn::Sub(shifted, rounder), normal);
  return hn::DemoteTo(tag_quarter_u8(), hn::Min(rounded, hn::Set(tag, kLimit)));
}

template <int kFraction, int kBias, int kLimit>
static inline void scale_word_f8(uint64_t bits, const uint8_t *x, uint8_t *y, hn::Vec<tag_f32> scale, bool non_temporal) {
  const tag_quarter_u8 tag;
  const auto all_but_sign = hn::Set(tag, SIMDROP_FLOAT8_NAN), limit = hn::Set(tag, kLimit);
  for (int i = 0; i < 64; i += (int)hn::Lanes(tag)) {
    const auto kept = select_lanes(tag, bits, i, x), magnitudes = hn::And(kept, all_but_sign);
    const auto number = scale_magnitudes_f8<kFraction, kBias, kLimit>(magnitudes, scale);
    const auto product = hn::IfThenElse(hn::Eq(hn::Max(magnitudes, limit), limit), number, all_but_sign);
    store_lanes(tag, hn::Or(product, hn::AndNot(all_but_sign, kept)), y + i, non_temporal);
  }
}

static inline void simd_scale_word_f8e4m3fn(uint64_t bits, const uint8_t *x, uint8_t *y, simd_scale_f8e4m3fn scale,
                                            bool non_temporal) {
  scale_word_f8<SIMDROP_F8E4M3FN_FRACTION, SIMDROP_F8E4M3FN_BIAS, SIMDROP_F8E4M3FN_LIMIT>(bits, x, y, scale, non_temporal);
}

static inline void simd_scale_word_f8e5m2(uint64_t bits, const uint8_t *x, uint8_t *y, simd_scale_f8e5m2 scale,
                                          bool non_temporal) {
  scale_word_f8<SIMDROP_F8E5M2_FRACTION, SIMDROP_F8E5M2_BIAS, SIMDROP_F8E5M2_LIMIT>(bits, x, y, scale, non_temporal);
}

template <class T>
static inline void select_word(uint64_t bits, const T *x, T *y) {
  const hn::CappedTag<T, sizeof(T) < 4 ? 64 : 32> tag;
  SIMD_UNROLL_WORD
  for (int i = 0; i < 64; i += (int)hn::Lanes(tag)) hn::StoreU(select_lanes(tag, bits, i, x), tag, y + i);
}

static inline void simd_select_word_16(uint64_t bits, const uint16_t *x, uint16_t *y) { select_word(bits, x, y); }
static inline void simd_select_word_32(uint64_t bits, const uint32_t *x, uint32_t *y) { select_word(bits, x, y); }
static inline void simd_select_word_64(uint64_t bits, const uint64_t *x, uint64_t *y) { select_word(bits, x, y); }

// The word as bytes, of which eight may be read from anywhere in the first eight.
struct word_bytes {
  explicit word_bytes(uint64_t bits) : bytes() { memcpy(bytes, &bits, sizeof bits); }
  uint8_t bytes[16];
};

static inline void simd_select_word_8(uint64_t bits, const uint8_t *x, uint8_t *y) {
  const hn::CappedTag<uint8_t, 64> tag;
  const word_bytes word(bits);
  SIMD_UNROLL_WORD
  for (int i = 0; i < 64; i += (int)hn::Lanes(tag))
    hn::StoreU(hn::IfThenElseZero(hn::LoadMaskBits(tag, word.bytes + i / 8), hn::LoadU(tag, x + i)), tag, y + i);
}

static inline void simd_expand_word(uint64_t bits, uint8_t *bytes, bool non_temporal) {
  const hn::CappedTag<uint8_t, 64> tag;
  const word_bytes word(bits);
  SIMD_UNROLL_WORD
  for (int i = 0; i < 64; i += (int)hn::Lanes(tag))
    store_lanes(tag, hn::IfThenElseZero(hn::LoadMaskBits(tag, word.bytes + i / 8), hn::Set(tag, 1)), bytes + i, non_temporal);
}

// The vocabulary of Highway: what the shared producer and consumers are written in. kernels.cpp includes it once for each
// target, in the target's name space, so it has no guard.

namespace hn = hwy::HWY_NAMESPACE;

// ---- producer: 64-bit lanes, each a Philox call

using tag_u64 = hn::ScalableTag<uint64_t>;
using simd_u64 = hn::Vec<tag_u64>;
using simd_lanes = hn::Mask<tag_u64>;

#undef SIMD_LANES
#define SIMD_LANES (HWY_MAX_BYTES / 8)

// Those of the backends written by hand with as many lanes, which have been measured.
#undef SIMD_PLANES_IN_FLIGHT
#undef SIMD_FEW_PLANES_IN_FLIGHT
#undef SIMD_DENSE_PLANES
#undef SIMD_PENDING_PLANES
#undef SIMD_FEW_BLOCKS
#undef SIMD_FEW_BLOCKS_PLANES
#undef SIMD_FEW_BLOCKS_VECTORS
#define SIMD_DENSE_PLANES 8    // planes that are drawn for every block; the others only where they are needed
#define SIMD_PENDING_PLANES 2  // planes side by side for the blocks that those leave undecided
#if HWY_MAX_BYTES >= 64
#define SIMD_PLANES_IN_FLIGHT 4      // planes of one vector of blocks that are drawn side by side
#define SIMD_FEW_PLANES_IN_FLIGHT 4  // vectors times planes side by side where one or two planes decide everything
#define SIMD_FEW_BLOCKS 3            // up to here, lanes carry the planes of one block
#define SIMD_FEW_BLOCKS_PLANES 1     // from so many planes on
#define SIMD_FEW_BLOCKS_VECTORS 2    // vectors of planes that are drawn before looking whether they decide
#else
#define SIMD_PLANES_IN_FLIGHT 2
#define SIMD_FEW_PLANES_IN_FLIGHT 2
#define SIMD_FEW_BLOCKS 1
#define SIMD_FEW_BLOCKS_PLANES 3
#define SIMD_FEW_BLOCKS_VECTORS 3
#endif

static inline simd_u64 simd_set(uint64_t value) { return hn::Set(tag_u64(), value); }
static inline simd_u64 simd_load(const uint64_t *from) { return hn::LoadU(tag_u64(), from); }
static inline void simd_store(uint64_t *to, simd_u64 a) { hn::StoreU(a, tag_u64(), to); }
static inline simd_u64 simd_add(simd_u64 a, simd_u64 b) { return hn::Add(a, b); }
static inline simd_u64 simd_and(simd_u64 a, simd_u64 b) { return hn::And(a, b); }
static inline simd_u64 simd_or(simd_u64 a, simd_u64 b) { return hn::Or(a, b); }
static inline simd_u64 simd_xor(simd_u64 a, simd_u64 b) { return hn::Xor(a, b); }
static inline simd_u64 simd_and_not(simd_u64 a, simd_u64 b) { return hn::AndNot(a, b); }  // ~a & b
static inline simd_u64 simd_xor3(simd_u64 a, simd_u64 b, simd_u64 c) { return hn::Xor3(a, b, c); }
static inline simd_u64 simd_high_half(simd_u64 a) { return hn::ShiftRight<32>(a); }
static inline simd_u64 simd_shift_left(simd_u64 a, int count) { return hn::ShiftLeftSame(a, count); }

// The lanes' halves as lanes of their own.
static inline hn::Vec<hn::ScalableTag<uint32_t>> halves(simd_u64 a) { return hn::BitCast(hn::ScalableTag<uint32_t>(), a); }

// The full products of the lanes' lower halves.
static inline simd_u64 simd_multiply_low(simd_u64 a, simd_u64 b) { return hn::MulEven(halves(a), halves(b)); }

// Lane i = first + i * step.
static inline simd_u64 simd_count_from(uint64_t first, int step) {
  return simd_add(simd_set(first), simd_multiply_low(hn::Iota(tag_u64(), 0), simd_set((uint64_t)step)));
}

// Lane i = all ones where bit 31 - planes[i] of the threshold is 0, or there is no such bit.
static inline simd_u64 simd_threshold_is_zero(uint64_t threshold, simd_u64 planes) {
  const simd_u64 bit = simd_and(hn::Shl(simd_set(threshold), planes), simd_set(UINT64_C(1) << 31));
  return hn::VecFromMask(tag_u64(), hn::Eq(bit, simd_set(0)));
}

// Lane i = lane i + count (mod the number of lanes) of a.
static inline simd_u64 simd_rotate_lanes(simd_u64 a, int count) {
  const simd_u64 lane = simd_and(simd_count_from((uint64_t)count, 1), simd_set(SIMD_LANES - 1));
  return hn::TableLookupLanes(a, hn::IndicesFromVec(tag_u64(), lane));
}

static inline uint64_t simd_first_lane(simd_u64 a) { return hn::GetLane(a); }

// Two output words of a lane: the product's upper half ^ word ^ key below, the product's lower half above.
static inline simd_u64 simd_last_words(simd_u64 product, simd_u64 word, simd_u64 key) {
  const simd_u64 swapped = hn::BitCast(tag_u64(), hn::Shuffle2301(halves(product)));
  return hn::BitCast(tag_u64(), hn::OddEven(halves(swapped), halves(simd_xor3(swapped, word, key))));
}

// The block that each lane holds, so that simd_store_blocks needs no permutation across 128-bit lanes.
static inline simd_u64 simd_block_order() {
  const simd_u64 lane = hn::Iota(tag_u64(), 0);
  return simd_add(hn::ShiftRight<1>(lane), simd_multiply_low(simd_and(lane, simd_set(1)), simd_set(SIMD_LANES / 2)));
}

static inline void simd_store_blocks(uint64_t *words, simd_u64 low, simd_u64 high) {
  simd_store(words, hn::InterleaveLower(tag_u64(), low, high));
  simd_store(words + SIMD_LANES, hn::InterleaveUpper(tag_u64(), low, high));
}

static inline simd_lanes simd_nonzero_lanes(simd_u64 a) { return hn::Ne(a, simd_set(0)); }
static inline bool simd_any(simd_u64 a) { return !hn::AllTrue(tag_u64(), hn::Eq(a, simd_set(0))); }
static inline size_t simd_count_lanes(simd_lanes lanes) { return hn::CountTrue(tag_u64(), lanes); }

// Stores the lanes that are set, side by side; what comes after them, up to a whole vector, may be overwritten. Highway's own,
// without an instruction for it, copies its table to the stack each time (1.0.3).
static inline void simd_compress_store(uint64_t *to, simd_lanes lanes, simd_u64 a) {
#if SIMD_LANES == 4
  // For each set of lanes, the 32-bit halves of those lanes side by side.
  alignas(32) static constexpr uint32_t order[16][8] = {
      {0},
      {0, 1},
      {2, 3},
      {0, 1, 2, 3},
      {4, 5},
      {0, 1, 4, 5},
      {2, 3, 4, 5},
      {0, 1, 2, 3, 4, 5},
      {6, 7},
      {0, 1, 6, 7},
      {2, 3, 6, 7},
      {0, 1, 2, 3, 6, 7},
      {4, 5, 6, 7},
      {0, 1, 4, 5, 6, 7},
      {2, 3, 4, 5, 6, 7},
      {0, 1, 2, 3, 4, 5, 6, 7},
  };
  uint8_t bits[8];
  hn::StoreMaskBits(tag_u64(), lanes, bits);
  const hn::ScalableTag<uint32_t> tag;
  simd_store(to, hn::BitCast(tag_u64(), hn::TableLookupLanes(halves(a), hn::SetTableIndices(tag, order[bits[0] & 15]))));
#elif SIMD_LANES == 2
  uint8_t bits[8];
  hn::StoreMaskBits(tag_u64(), lanes, bits);
  simd_store(to, a);
  to[0] = to[~bits[0] & 1];
#else
  hn::CompressStore(a, lanes, tag_u64(), to);
#endif
}

// ---- consumers: 64 elements under one word of mask

static inline void simd_stream_fence() { hwy::FlushStream(); }

using tag_f32 = hn::ScalableTag<float>;
using tag_f64 = hn::ScalableTag<double>;
using tag_u32 = hn::ScalableTag<uint32_t>;
using tag_u16 = hn::ScalableTag<uint16_t>;
using simd_scale_f32 = hn::Vec<tag_f32>;
using simd_scale_f16 = simd_scale_f32;
using simd_scale_bf16 = simd_scale_f32;
using simd_scale_f64 = hn::Vec<tag_f64>;

static inline simd_scale_f32 simd_set_scale_f32(double scale) { return hn::Set(tag_f32(), (float)scale); }
static inline simd_scale_f16 simd_set_scale_f16(double scale) { return simd_set_scale_f32(scale); }
static inline simd_scale_bf16 simd_set_scale_bf16(double scale) { return simd_set_scale_f32(scale); }
static inline simd_scale_f64 simd_set_scale_f64(double scale) { return hn::Set(tag_f64(), scale); }

// The single bits of a lane of type T.
template <class T>
struct bit_table {
  constexpr bit_table() : bits() {
    for (size_t i = 0; i < 8 * sizeof(T); ++i) bits[i] = (T)((T)1 << i);
  }
  alignas(64) T bits[8 * sizeof(T)];
};

// Lane i = bit begin + i of the word.
template <class Tag>
static inline hn::Mask<Tag> mask_of(Tag tag, uint64_t bits, int begin) {
#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
  uint8_t bytes[8];
  bits >>= begin;
  memcpy(bytes, &bits, sizeof bits);
  return hn::LoadMaskBits(tag, bytes);
#else
  // As many bits as a lane has are in every lane, and each lane looks at one of them.
  using lane = hwy::MakeUnsigned<hn::TFromD<Tag>>;
  const hn::RebindToUnsigned<Tag> unsigned_tag;
  constexpr int lane_bits = 8 * sizeof(lane);
  static constexpr bit_table<lane> table;
  const auto many = hn::Set(unsigned_tag, (lane)(bits >> (begin / lane_bits * lane_bits)));
  return hn::RebindMask(tag, hn::TestBit(many, hn::LoadU(unsigned_tag, table.bits + begin % lane_bits)));
#endif
}

// Elements begin, begin + 1, ... of x, 0 where the bit of that number is 0: a dropped element is 0 * scale = +0 whatever it
// was.
template <class Tag>
static inline hn::Vec<Tag> select_lanes(Tag tag, uint64_t bits, int begin, const hn::TFromD<Tag> *x) {
  return hn::IfThenElseZero(mask_of(tag, bits, begin), hn::LoadU(tag, x + begin));
}

template <class Tag>
static inline void store_lanes(Tag tag, hn::Vec<Tag> a, hn::TFromD<Tag> *y, bool stream) {
  if (stream && hn::MaxLanes(tag) * sizeof *y >= HWY_STREAM_MULTIPLE) {  // less cannot be stored past the caches
    hn::Stream(a, tag, y);
  } else {
    hn::StoreU(a, tag, y);
  }
}

template <class Tag>
static inline void scale_word(Tag tag, uint64_t bits, const hn::TFromD<Tag> *x, hn::TFromD<Tag> *y, hn::Vec<Tag> scale,
                              bool stream) {
  SIMDROP_UNROLL
  for (int i = 0; i < 64; i += (int)hn::MaxLanes(tag))
    store_lanes(tag, hn::Mul(select_lanes(tag, bits, i, x), scale), y + i, stream);
}

static inline void simd_scale_word_f32(uint64_t bits, const float *x, float *y, simd_scale_f32 scale, bool stream) {
  scale_word(tag_f32(), bits, x, y, scale, stream);
}

static inline void simd_scale_word_f64(uint64_t bits, const double *x, double *y, simd_scale_f64 scale, bool stream) {
  scale_word(tag_f64(), bits, x, y, scale, stream);
}

// As many elements of binary16 as there are lanes of binary32.
using tag_half_u16 = hn::Rebind<uint16_t, tag_f32>;

#if HWY_TARGET <= HWY_AVX2 && HWY_ARCH_X86 && !defined(HWY_DISABLE_F16C)
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
  const hn::ScalableTag<int32_t> tag;
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
  return hn::DemoteTo(tag_half_u16(), hn::BitCast(hn::ScalableTag<int32_t>(), half));
}
#endif

static inline void simd_scale_word_f16(uint64_t bits, const uint16_t *x, uint16_t *y, simd_scale_f16 scale, bool stream) {
  const tag_half_u16 tag;
  for (int i = 0; i < 64; i += (int)hn::MaxLanes(tag))
    store_lanes(tag, narrow_f16(hn::Mul(widen_f16(select_lanes(tag, bits, i, x)), scale)), y + i, stream);
}

// Rounds products to nearest even: their upper halves are the results, to be raised by one where the lower half is above half
// of a unit, or equal to it under an odd result. Infinity stays (its lower half is 0), and so does NaN: a NaN that comes from
// bfloat16 has a lower half of 0 too.
static inline hn::Vec<tag_u16> narrow_bf16(hn::Vec<tag_f32> even_products, hn::Vec<tag_f32> odd_products) {
  const tag_u16 tag;
  const auto even = hn::BitCast(tag_u32(), even_products), odd = hn::BitCast(tag_u32(), odd_products);
  const auto upper = hn::OddEven(hn::BitCast(tag, odd), hn::BitCast(tag, hn::ShiftRight<16>(even)));
  const auto lower = hn::OddEven(hn::BitCast(tag, hn::ShiftLeft<16>(odd)), hn::BitCast(tag, even));
  // The average (lower + 0x7ffe + odd + 1) / 2 reaches 2^15 exactly where lower + 0x7fff + odd carries.
  const auto addend = hn::Or(hn::And(upper, hn::Set(tag, 1)), hn::Set(tag, 0x7ffe));
  return hn::Add(upper, hn::ShiftRight<15>(hn::AverageRound(lower, addend)));
}

static inline void simd_scale_word_bf16(uint64_t bits, const uint16_t *x, uint16_t *y, simd_scale_bf16 scale, bool stream) {
  const tag_u16 tag;
  SIMDROP_UNROLL
  for (int i = 0; i < 64; i += (int)hn::MaxLanes(tag)) {
    const auto pairs = hn::BitCast(tag_u32(), select_lanes(tag, bits, i, x));
    const auto even = hn::BitCast(tag_f32(), hn::ShiftLeft<16>(pairs));
    const auto odd = hn::BitCast(tag_f32(), hn::And(pairs, hn::Set(tag_u32(), 0xffff0000)));
    store_lanes(tag, narrow_bf16(hn::Mul(even, scale), hn::Mul(odd, scale)), y + i, stream);
  }
}

// Kernels that hardly do anything else apply a mask in the same way.
#undef simd_scale_lone_word_f32
#undef simd_scale_lone_word_f64
#undef simd_scale_lone_word_f16
#undef simd_scale_lone_word_bf16
#define simd_scale_lone_word_f32 simd_scale_word_f32
#define simd_scale_lone_word_f64 simd_scale_word_f64
#define simd_scale_lone_word_f16 simd_scale_word_f16
#define simd_scale_lone_word_bf16 simd_scale_word_bf16

template <class T>
static inline void select_word(uint64_t bits, const T *x, T *y) {
  const hn::ScalableTag<T> tag;
  SIMDROP_UNROLL
  for (int i = 0; i < 64; i += (int)hn::MaxLanes(tag)) hn::StoreU(select_lanes(tag, bits, i, x), tag, y + i);
}

static inline void simd_select_word_16(uint64_t bits, const uint16_t *x, uint16_t *y) { select_word(bits, x, y); }
static inline void simd_select_word_32(uint64_t bits, const uint32_t *x, uint32_t *y) { select_word(bits, x, y); }
static inline void simd_select_word_64(uint64_t bits, const uint64_t *x, uint64_t *y) { select_word(bits, x, y); }

static inline void simd_expand_word(uint64_t bits, uint8_t *bytes) {
  const hn::ScalableTag<uint8_t> tag;
  uint8_t mask_bytes[8];
  memcpy(mask_bytes, &bits, sizeof bits);
  SIMDROP_UNROLL
  for (int i = 0; i < 64; i += (int)hn::MaxLanes(tag))
    hn::StoreU(hn::IfThenElseZero(hn::LoadMaskBits(tag, mask_bytes + i / 8), hn::Set(tag, 1)), tag, bytes + i);
}

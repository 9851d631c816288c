// The shared producer's vocabulary in terms of Highway: 64-bit lanes, each a Philox call. kernels.cpp includes it once for each
// target whose vectors have a length that the compiler knows, in the target's name space, so it has no guard.

using tag_u64 = hn::ScalableTag<uint64_t>;
using simd_u64 = hn::Vec<tag_u64>;
using simd_lanes = hn::Mask<tag_u64>;

#define SIMD_LANES (HWY_MAX_BYTES / 8)

// Those of the backends written by hand with as many lanes, which have been measured.
#undef SIMD_PLANES_IN_FLIGHT
#undef SIMD_FEW_PLANES_IN_FLIGHT
#undef SIMD_DENSE_PLANES
#undef SIMD_STRAGGLER_PLANES
#undef SIMD_FEW_BLOCKS
#undef SIMD_ONE_BLOCK_PLANES
#undef SIMD_BROADCASTS_OPERANDS
#define SIMD_DENSE_PLANES 8      // planes that are drawn for every block; the others only where they are needed
#define SIMD_STRAGGLER_PLANES 2  // planes side by side for the blocks that those leave undecided
#if HWY_MAX_BYTES >= 64
#define SIMD_PLANES_IN_FLIGHT 4      // planes of one vector of blocks that are drawn side by side
#define SIMD_FEW_PLANES_IN_FLIGHT 4  // vectors times planes side by side where one or two planes decide everything
#define SIMD_FEW_BLOCKS 4            // up to here, lanes carry the planes of one block, where the dense planes may not do
#define SIMD_ONE_BLOCK_PLANES 1      // and of a block alone from so many planes on
#define SIMD_BROADCASTS_OPERANDS 1   // an operand in memory may be one lane for all
#else
#define SIMD_PLANES_IN_FLIGHT 2
#define SIMD_FEW_PLANES_IN_FLIGHT 2
#define SIMD_FEW_BLOCKS 3
#define SIMD_ONE_BLOCK_PLANES 3
#define SIMD_BROADCASTS_OPERANDS 0
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

static inline simd_u64 simd_words_set(uint32_t word) {
  return hn::BitCast(tag_u64(), hn::Set(hn::ScalableTag<uint32_t>(), word));
}
static inline simd_u64 simd_multiply_low(simd_u64 a, simd_u64 b) { return hn::MulEven(halves(a), halves(b)); }

static inline simd_u64 simd_count_from(uint64_t first, int step) {
  return simd_add(simd_set(first), simd_multiply_low(hn::Iota(tag_u64(), 0), simd_set((uint64_t)step)));
}

static inline simd_u64 simd_threshold_is_zero(uint64_t threshold, simd_u64 planes) {
  const simd_u64 bit = simd_and(hn::Shl(simd_set(threshold), planes), simd_set(UINT64_C(1) << 31));
  return hn::VecFromMask(tag_u64(), hn::Eq(bit, simd_set(0)));
}

static inline simd_u64 simd_rotate_lanes(simd_u64 a, int count) {
  const simd_u64 lane = simd_and(simd_count_from((uint64_t)count, 1), simd_set(SIMD_LANES - 1));
  return hn::TableLookupLanes(a, hn::IndicesFromVec(tag_u64(), lane));
}

static inline simd_u64 swap_words(simd_u64 a) { return hn::BitCast(tag_u64(), hn::Shuffle2301(halves(a))); }
static inline uint64_t simd_first_words(simd_u64 a) { return hn::GetLane(swap_words(a)); }

static inline simd_u64 simd_block_order() {
  const simd_u64 lane = hn::Iota(tag_u64(), 0);
  return simd_add(hn::ShiftRight<1>(lane), simd_multiply_low(simd_and(lane, simd_set(1)), simd_set(SIMD_LANES / 2)));
}

static inline void simd_store_blocks(uint64_t *words, simd_u64 low, simd_u64 high) {
  simd_store(words, swap_words(hn::InterleaveLower(tag_u64(), low, high)));
  simd_store(words + SIMD_LANES, swap_words(hn::InterleaveUpper(tag_u64(), low, high)));
}

static inline void simd_flip_blocks(uint64_t *words, const uint64_t *where, simd_u64 low, simd_u64 high) {
  alignas(64) uint64_t lows[SIMD_LANES], highs[SIMD_LANES];
  simd_store(lows, swap_words(low));
  simd_store(highs, swap_words(high));
  for (int lane = 0; lane < SIMD_LANES; ++lane) {
    words[where[lane] >> 32] ^= lows[lane];
    words[(where[lane] >> 32) + 1] ^= highs[lane];
  }
}

static inline simd_lanes simd_nonzero_lanes(simd_u64 a) { return hn::Ne(a, simd_set(0)); }
static inline bool simd_any(simd_u64 a) { return !hn::AllTrue(tag_u64(), hn::Eq(a, simd_set(0))); }
static inline size_t simd_count_lanes(simd_lanes lanes) { return hn::CountTrue(tag_u64(), lanes); }

// Highway's own, without an instruction for it, copies its table to the stack each time (1.0.3).
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
  // Highway's CompressStore compresses into memory, for which Zen 4 takes 100 cycles and more, and its Compress asks a table.
  simd_store(to, simd_u64{_mm512_maskz_compress_epi64(lanes.raw, a.raw)});
#endif
}

// The vocabulary of common/scalable_producer_body.h in terms of Highway. kernels.cpp includes it once for each target whose
// vectors have a length that is known only when the program runs, in the target's name space, so it has no guard.

// Highway leaves a part of longer vectors unused.
using tag_words = hn::CappedTag<uint32_t, SIMDROP_BLOCK_PADDING>;
using simd_words = hn::Vec<tag_words>;
using simd_lanes = hn::Mask<tag_words>;

static inline size_t simd_lane_count() { return hn::Lanes(tag_words()); }

static inline simd_words simd_words_set(uint32_t word) { return hn::Set(tag_words(), word); }
static inline simd_words simd_words_load(const uint32_t *from) { return hn::LoadU(tag_words(), from); }
static inline void simd_words_store(uint32_t *to, simd_words a) { hn::StoreU(a, tag_words(), to); }
static inline simd_words simd_words_count_from(uint32_t first) { return hn::Iota(tag_words(), first); }
static inline simd_words simd_words_and(simd_words a, simd_words b) { return hn::And(a, b); }
static inline simd_words simd_words_or(simd_words a, simd_words b) { return hn::Or(a, b); }
static inline simd_words simd_words_xor(simd_words a, simd_words b) { return hn::Xor(a, b); }
static inline simd_words simd_words_xor3(simd_words a, simd_words b, simd_words c) { return hn::Xor3(a, b, c); }
static inline simd_words simd_words_and_not(simd_words a, simd_words b) { return hn::AndNot(a, b); }

static inline simd_words simd_multiply_upper(simd_words a, simd_words b) { return hn::MulHigh(a, b); }
static inline simd_words simd_multiply_lower(simd_words a, simd_words b) { return hn::Mul(a, b); }

static inline void simd_store_calls(uint32_t *to, simd_words a, simd_words b, simd_words c, simd_words d) {
  hn::StoreInterleaved4(a, b, c, d, tag_words(), to);
}

static inline simd_lanes simd_nonzero_lanes(simd_words a) { return hn::Ne(a, simd_words_set(0)); }
static inline bool simd_any(simd_words a) { return !hn::AllFalse(tag_words(), simd_nonzero_lanes(a)); }
static inline size_t simd_count_lanes(simd_lanes lanes) { return hn::CountTrue(tag_words(), lanes); }

static inline void simd_compress_store(uint32_t *to, simd_lanes lanes, simd_words a) {
  hn::CompressStore(a, lanes, tag_words(), to);
}

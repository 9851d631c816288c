// The backend of the target that Highway compiles for now: SIMDROP_BACKEND, SIMDROP_BACKEND_NAME and SIMDROP_BUNDLE, if it is
// one. No include guard: included once for each target.
#include "highway/bundles.h"

// What the last two of these take: before, WebAssembly's has no doubles, for instance.
#define SIMDROP_HIGHWAY_1_2 (HWY_MAJOR > 1 || (HWY_MAJOR == 1 && HWY_MINOR >= 2))

// Highway has more targets than these. They differ from one of these only in instructions that no kernel uses (AVX3_DL,
// AVX3_SPR).
#undef SIMDROP_BACKEND
#undef SIMDROP_BACKEND_NAME
#undef SIMDROP_BUNDLE
#if defined(HWY_SSE2) && HWY_TARGET == HWY_SSE2
#define SIMDROP_BACKEND highway_sse2
#define SIMDROP_BACKEND_NAME "highway-sse2"
#define SIMDROP_BUNDLE SIMDROP_BUNDLE_highway_sse2
#elif HWY_TARGET == HWY_SSSE3
#define SIMDROP_BACKEND highway_ssse3
#define SIMDROP_BACKEND_NAME "highway-ssse3"
#define SIMDROP_BUNDLE SIMDROP_BUNDLE_highway_ssse3
#elif HWY_TARGET == HWY_SSE4
#define SIMDROP_BACKEND highway_sse4
#define SIMDROP_BACKEND_NAME "highway-sse4"
#define SIMDROP_BUNDLE SIMDROP_BUNDLE_highway_sse4
#elif HWY_TARGET == HWY_AVX2
#define SIMDROP_BACKEND highway_avx2
#define SIMDROP_BACKEND_NAME "highway-avx2"
#define SIMDROP_BUNDLE SIMDROP_BUNDLE_highway_avx2
#elif HWY_TARGET == HWY_AVX3
#define SIMDROP_BACKEND highway_avx3
#define SIMDROP_BACKEND_NAME "highway-avx3"
#define SIMDROP_BUNDLE SIMDROP_BUNDLE_highway_avx3
#elif HWY_TARGET == HWY_NEON
#define SIMDROP_BACKEND highway_neon
#define SIMDROP_BACKEND_NAME "highway-neon"
#define SIMDROP_BUNDLE SIMDROP_BUNDLE_highway_neon
#elif HWY_TARGET == HWY_SVE
#define SIMDROP_BACKEND highway_sve
#define SIMDROP_BACKEND_NAME "highway-sve"
#define SIMDROP_BUNDLE SIMDROP_BUNDLE_highway_sve
#elif HWY_TARGET == HWY_SVE2
#define SIMDROP_BACKEND highway_sve2
#define SIMDROP_BACKEND_NAME "highway-sve2"
#define SIMDROP_BUNDLE SIMDROP_BUNDLE_highway_sve2
#elif HWY_TARGET == HWY_RVV && SIMDROP_HIGHWAY_1_2
#define SIMDROP_BACKEND highway_rvv
#define SIMDROP_BACKEND_NAME "highway-rvv"
#define SIMDROP_BUNDLE SIMDROP_BUNDLE_highway_rvv
#elif HWY_TARGET == HWY_WASM && SIMDROP_HIGHWAY_1_2
#define SIMDROP_BACKEND highway_wasm
#define SIMDROP_BACKEND_NAME "highway-wasm"
#define SIMDROP_BUNDLE SIMDROP_BUNDLE_highway_wasm
#endif

#ifdef SIMDROP_BACKEND
static_assert((simdrop::file_features & ~uint64_t{SIMDROP_BUNDLE}) == 0,
              "the file is compiled for more than the target's bundle in highway/bundles.h");
#endif
#if defined(SIMDROP_BACKEND) && defined(HWY_TARGET_STR)  // there is no string where Highway compiles for the baseline alone
static_assert(simdrop::covers(SIMDROP_BUNDLE, HWY_TARGET_STR),
              "this Highway compiles the target for more than its bundle in highway/bundles.h");
#endif

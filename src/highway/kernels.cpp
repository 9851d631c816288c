// The Highway backends: the shared producer and consumers in the vocabulary of simd-inl.h, compiled once for each of Highway's
// targets. What Highway offers for choosing one at run time is not used: core/dispatch.c chooses, by the tables' bundles.
//
// No kernel uses AES or PCLMUL; without them Highway's SSE4 is for all processors with SSE4.2.
#define HWY_DISABLE_PCLMUL_AES
// These differ from SVE and SVE2 in the length that they take for granted, which a thread can change after the choice.
#define HWY_DISABLED_TARGETS (HWY_SVE_256 | HWY_SVE2_128)
#define HWY_IS_DEBUG_BUILD 0  // checks that would end the program by way of Highway's library

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "highway/kernels.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h, which includes this file for all targets but one.
#include <hwy/highway.h>

#include <hwy/cache_control.h>
#include <string.h>

#include "common/kernel_table.h"
#include "common/philox.h"
#include "common/producer_parts.h"
#include "common/unroll.h"
#include "highway/bundles.h"

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
#endif

#ifdef SIMDROP_BACKEND
HWY_BEFORE_NAMESPACE();
namespace simdrop {
namespace HWY_NAMESPACE {

static_assert((file_features & ~uint64_t{SIMDROP_BUNDLE}) == 0,
              "the file is compiled for more than the target's bundle: configure with -DSIMDROP_WITH_HIGHWAY=OFF");
#ifdef HWY_TARGET_STR  // not where Highway compiles for the baseline alone
static_assert(covers(SIMDROP_BUNDLE, HWY_TARGET_STR),
              "this Highway compiles the target for more than its bundle in highway/bundles.h: configure with "
              "-DSIMDROP_WITH_HIGHWAY=OFF");
#endif

extern "C" {
SIMDROP_DECLARE_KERNELS;
}

// The shared bodies are written to be included once; here it is once for each target.
#undef SIMDROP_COMMON_PRODUCER_BODY_H
#undef SIMDROP_COMMON_PRODUCER_CALLS_H
#undef SIMDROP_COMMON_CONSUMERS_BODY_H

#include "highway/consumer_simd-inl.h"
#include "common/consumers_body.h"

#if HWY_HAVE_SCALABLE
#include "highway/scalable_producer-inl.h"
#else
#include "highway/producer_simd-inl.h"
#include "common/producer_body.h"
#endif

SIMDROP_DEFINE_NAMED_TABLE(SIMDROP_BACKEND_NAME, SIMDROP_BUNDLE);

}  // namespace HWY_NAMESPACE
}  // namespace simdrop
HWY_AFTER_NAMESPACE();
#endif

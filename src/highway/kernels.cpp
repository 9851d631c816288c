// The Highway backends: the shared producer and consumers in the vocabulary of producer_simd-inl.h and consumer_simd-inl.h,
// compiled once for each of Highway's targets. What Highway offers for choosing one at run time is not used:
// machine/dispatch.c chooses, by the tables' bundles.

// The shared bodies are C: they name the members of a structure that they initialise, and not always all of them.
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#include "highway/targets.h"
#define HWY_IS_DEBUG_BUILD 0  // checks that would end the program by way of Highway's library

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "highway/kernels.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h, which includes this file for all targets but one.
#include <hwy/highway.h>

#include <hwy/cache_control.h>
#include <math.h>
#include <string.h>
#include <type_traits>

#include "common/bits.h"
#include "common/chain.h"
#include "common/consumer_parts.h"
#include "common/float8.h"
#include "common/kernel_table.h"
#include "common/math_constants.h"
#include "common/philox.h"
#include "common/producer_parts.h"
#include "common/unroll.h"

#include "highway/backend-inl.h"

#ifdef SIMDROP_BACKEND
HWY_BEFORE_NAMESPACE();
namespace simdrop {
namespace HWY_NAMESPACE {

extern "C" {
SIMDROP_DECLARE_KERNELS;
}

// The shared bodies are written to be included once; here it is once for each target.
#undef SIMDROP_COMMON_PRODUCER_BODY_H
#undef SIMDROP_COMMON_ROUNDS_BODY_H
#undef SIMDROP_COMMON_NORMALS_BODY_H
#undef SIMDROP_COMMON_SCALABLE_PRODUCER_BODY_H
#undef SIMDROP_COMMON_PRODUCER_CALLS_H
#undef SIMDROP_COMMON_SCALED_LINES_H
#undef SIMDROP_COMMON_CONSUMERS_BODY_H
#undef SIMDROP_COMMON_MATH_BODY_H
#undef SIMDROP_COMMON_CHAIN_BODY_H
#undef SIMDROP_COMMON_NORM_BODY_H
#undef SIMDROP_COMMON_OPERAND_BODY_H
#undef SIMDROP_COMMON_ROW_SUMS_BODY_H
#undef SIMDROP_COMMON_SOFTMAX_BODY_H
#undef SIMDROP_COMMON_WORDS_BODY_H
#undef SIMDROP_COMMON_SCALABLE_WORDS_BODY_H
#undef SIMDROP_COMMON_VALUES_BODY_H

#include "highway/consumer_simd-inl.h"
#undef SIMD_LANES
#if HWY_HAVE_SCALABLE
#include "highway/scalable_simd-inl.h"
#else
#include "highway/producer_simd-inl.h"
#endif
#include "common/vocabulary.h"

#include "highway/arithmetic-inl.h"

#include "common/math_body.h"
#include "common/normals_body.h"
#include "common/values_body.h"

#include "common/chain_body.h"
#include "common/consumers_body.h"
#include "common/norm_body.h"
#include "common/softmax_body.h"

#if HWY_HAVE_SCALABLE
#include "common/scalable_producer_body.h"
#include "common/scalable_words_body.h"
#else
#include "common/producer_body.h"
#include "common/words_body.h"
#endif

SIMDROP_DEFINE_NAMED_TABLE(SIMDROP_BACKEND_NAME, SIMDROP_BUNDLE);

}  // namespace HWY_NAMESPACE
}  // namespace simdrop
HWY_AFTER_NAMESPACE();
#endif

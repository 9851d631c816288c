// The words of the Highway backends against scalar twins, compiled once for each of Highway's targets, as highway/kernels.cpp
// is.
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#include "highway/targets.h"
#define HWY_IS_DEBUG_BUILD 0

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "vocabulary/highway.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h, which includes this file for all targets but one.
#include <hwy/highway.h>

#include <hwy/cache_control.h>
#include <math.h>
#include <string.h>
#include <type_traits>

#include "common/float16.h"
#include "common/float8.h"
#include "common/kernel_table.h"
#include "common/math_constants.h"
#include "common/unroll.h"

#include "vocabulary/math_list.h"

#include "highway/backend-inl.h"

#ifdef SIMDROP_BACKEND
HWY_BEFORE_NAMESPACE();
namespace simdrop {
namespace HWY_NAMESPACE {

#include "highway/consumer_simd-inl.h"
#undef SIMD_LANES
#if HWY_HAVE_SCALABLE
#include "highway/scalable_simd-inl.h"
#else
#include "highway/producer_simd-inl.h"
#endif
#include "common/vocabulary.h"

#include "highway/arithmetic-inl.h"
#undef SIMDROP_COMMON_MATH_BODY_H
#include "common/math_body.h"

#include "vocabulary/arithmetic.h"
#include "vocabulary/body.h"

}  // namespace HWY_NAMESPACE
}  // namespace simdrop
HWY_AFTER_NAMESPACE();
#endif
